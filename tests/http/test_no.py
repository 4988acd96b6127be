"""A no is never in anybody's way, and an objection is the strongest word."""
import pytest

from refuse import STAFF, TILL, bad_yes, nowhere, problem, refused
from saying import history, path, state, when
from stack import SHOWN


def test_withdrawing_is_one_call_and_the_same_twice(stack):
    who = stack.person(consents=["personalised_offers"])
    entries = stack.entries()
    first = stack.consent(who, "withdraw", headers=TILL)
    again = stack.consent(who, "withdraw", headers=TILL)
    assert first.json()["status"] == again.json()["status"] == "withdrawn"
    assert first.json()["sequence"] == 2 and stack.entries() == entries + 2
    assert [e["status"] for e in history(stack, who)] == ["given", "withdrawn"]
    # The second wrote nothing, and names no event of something else as its own.
    assert stack.consent(who, "give", "market_research").json()["sequence"] == 3
    for r in (again, stack.consent(who, "withdraw")):
        assert r.status == 200 and "sequence" not in r.json(), r
    # Never given, of any channel, with nonsense beside it: it is taken.
    for more in ({}, {"channel": "sms"}, {"notice": "never", "language": "fr"},
                 {"time": "2001-01-01T00:00:00Z"}, {"time": when(1)},
                 {"double_opt_in": "x", "confirmed": when(1)}, {"notice_version": 0},
                 {"shown": "half", "source": "dream", "evidence": "none"}):
        r = stack.consent(who, "withdraw", "marketing", **more)
        assert r.status == 200 and r.json()["status"] == "withdrawn", r
    assert stack.consent(who, "withdraw", "loyalty_account").status == 200


ODD = [{"colour": "blue-7"}, {"words": "w" * 600}, {"words": 7}, {"time": "yesterday"},
       {"language": "no-such-language"}, {"on_behalf": "my mother"}, {"notice_version": "one"},
       {"attachment": []}, {"evidence": {"a": 1}}, {"member": "purpose", "error": "internal"},
       {"\u00bf?": 1, "method": "\u0001"}]


@pytest.mark.parametrize("odd", ODD)
def test_no_whatever_stands_beside_it(stack, odd):
    """What is said of a no can be wrong; the no cannot. A yes is held to every word."""
    who = stack.person(consents=["personalised_offers"])
    for decision in ("withdraw", "object", "refuse"):
        r = stack.consent(who, decision, **odd)
        assert r.status == 200, r
    assert state(stack, who)["personalised_offers", None]["status"] == "objected"
    nowhere(stack, stack.consent(who, "withdraw", **odd), ["blue-7", "my mother"])
    for decision in ("give", "ask"):
        r = stack.consent(who, decision, **odd)
        assert r.error in ("unknown-member", "bad-value", "too-large"), r
        assert r.json().get("member", "") in set(odd) | {""}, r
    assert len(history(stack, who)) == 3
    # What it is about is no evidence: it has to be there, and right.
    for bad in ({"channel": 5}, {"channel": "pigeon"}, {"purpose": 5}, {"purpose": None}):
        r = stack.consent(who, "withdraw", **dict({"purpose": "marketing"}, **bad))
        assert r.status in (400, 422), r


def test_withdrawing_whatever_the_rate(own):
    stack = own()
    who = stack.person(consents=["personalised_offers"])
    key = stack.customer(who)
    for _ in range(70):     # reading one's own data is limited to 60 a minute
        last = stack.http("GET", "/v1/subjects/%s?purpose=loyalty_account" % who, key)
    assert last.error == "rate-limited"
    assert stack.consent(who, "withdraw", key=key, headers={}).status == 200


def test_no_whatever_is_not_named(stack):
    """Who must say where they are, and does not, withdraws all the same: it is noted."""
    for role, names, who in (("till", ["place"], stack.person(consents=["segmentation"])),
                             ("service", ["staff"], stack.person(consents=["segmentation"])),
                             ("officer", ["staff", "reason"],
                              stack.person(consents=["segmentation"]))):
        key = stack.keys[role]
        problem(stack.consent(who, "ask", "marketing", key=key, headers={}), 403,
                "context-required")
        for _ in range(2):
            r = stack.consent(who, "withdraw", "segmentation", key=key, headers={})
            assert r.status == 200 and r.json()["status"] == "withdrawn", r
        entry = stack.http("GET", "/v1/audit?limit=1", stack.keys["officer"],
                           headers=STAFF).json()["entries"][0]
        assert (entry["action"], entry["clause"]) == ("consent_write", "require:" + names[0])
        first, last = history(stack, who)
        assert first["lacking"] == [] and last["lacking"] == names
    # Who may not speak for the person at all still does not.
    refused(stack, 403, "denied-by-policy", "POST", path(who), stack.keys["tool"],
            json={"purpose": "segmentation", "decision": "withdraw"})
    refused(stack, 404, "not-found", "POST", path(who), stack.keys["till-other"],
            json={"purpose": "segmentation", "decision": "withdraw"})


def test_no_however_full(stack):
    """A person who was asked about as much as there is room for objects to the rest."""
    who = stack.person()
    purposes = [p["purpose"] for p in stack.http(
        "GET", "/v1/policy", stack.keys["till"]).json()["purposes"]]
    pairs = [(p, c) for p in purposes for c in (None, "email", "sms", "post", "phone",
                                                "app", "ads")]
    more = {c: {"channel": c} if c else {} for _, c in pairs}
    for p, c in pairs[:64]:
        assert stack.consent(who, "ask", p, **more[c]).status == 200
    p, c = pairs[64]
    problem(stack.consent(who, "ask", p, **more[c]), 413, "too-large")
    for p, c in pairs[64:]:
        for _ in range(2):
            r = stack.consent(who, "object", p, key=stack.customer(who), headers={}, **more[c])
            assert r.status == 200 and r.json()["status"] == "objected", r
    assert len(history(stack, who)) == len(pairs)
    assert {g["status"] for g in state(stack, who).values()} == {"requested", "objected"}
    gpc = stack.consent(who, "withdraw", "marketing", headers=dict(TILL, **{"Sec-GPC": "1"}))
    assert gpc.status == 200


def test_late_word(stack):
    """A yes from before the last word is kept, and changes nothing; a late no counts."""
    who = stack.person()
    assert stack.consent(who, "withdraw").status == 200
    r = stack.consent(who, "give", time=when(-10))
    assert r.status == 200 and r.json()["status"] == "withdrawn"
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    assert stack.consent(who, "give").json()["status"] == "given"
    assert stack.consent(who, "withdraw", time=when(-20)).json()["status"] == "withdrawn"
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    assert [e["status"] for e in history(stack, who)] == [
        "withdrawn", "given", "given", "withdrawn"]


def test_objection_beats_consent(stack):
    who = stack.person()
    assert stack.consent(who, "give", "advertising_audiences", channel="ads").status == 200
    assert stack.consent(who, "object", "advertising_audiences").json()["status"] == "objected"
    bad_yes(stack, who, "objection-stands", 409, "advertising_audiences", channel="ads", **SHOWN)
    assert state(stack, who)["advertising_audiences", "ads"]["status"] == "objected"
    # Withdrawing as well takes nothing away from it.
    assert stack.consent(who, "withdraw", "advertising_audiences").json()["status"] == "objected"
    # Where the policy says so, a later yes lifts it: profiling apart from marketing.
    assert stack.consent(who, "give").status == 200
    assert stack.consent(who, "object", "segmentation").status == 200
    assert stack.read(who, purpose="personalised_offers").status == 200
    assert stack.consent(who, "object").status == 200
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    assert stack.consent(who, "give").json()["status"] == "given"
    assert stack.read(who, purpose="personalised_offers").status == 200
    # Not one to the purpose above.
    assert stack.consent(who, "object", "marketing").status == 200
    bad_yes(stack, who, "objection-stands", 409, **SHOWN)
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    # What lifts that speaks of itself: nothing agreed to before comes back by it.
    assert stack.consent(who, "give", "marketing", channel="email").status == 200
    assert state(stack, who)["personalised_offers", None]["status"] == "withdrawn"
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    assert stack.consent(who, "give").status == 200
    assert stack.read(who, purpose="personalised_offers").status == 200
