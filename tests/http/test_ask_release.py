"""Who is asked again, for the tool that asks: by pseudonym, of those alone who may be
written to about it, and no longer than they are to be asked."""
import csv
import io

import pytest

from refuse import STAFF, problem
from test_import_past import bring, yes

FOR = dict(ask_for="advertising_audiences", ask_for_channel="ads", channel="email",
           purpose="marketing")
OLD = "2019-01-01T10:00:00Z"


def ask(s, key="asker", form="application/json", **query):
    q = "&".join("%s=%s" % x for x in dict(FOR, **query).items() if x[1] is not None)
    return s.http("GET", "/v1/recipients/me/ask-again?" + q, s.keys[key],
                  headers={"Accept": form})


def named(r):
    assert r.status == 200, r
    return [p["pseudonym"] for p in r.json()["people"]]


def may(s, pseudonym, key="asker"):
    return s.http("POST", "/v1/recipients/me/may-contact", s.keys[key], json={
        "pseudonym": pseudonym, "channel": "email", "purpose": "marketing"}).json()


def lapsed(s, n, marketing=True, topic="advertising_audiences", by="ads"):
    """People whose yes ran out long ago, and who may be written to by e-mail."""
    who, lines = [], []
    for _ in range(n):
        number = "AR%d" % s.number()
        who.append(s.person(customer_number=number, quiet_hours="03:00-03:01"))
        lines.append(yes("o" + number, number, OLD, topic=topic, by=by))
    bring(s, "consents", lines)
    for w in who if marketing else ():
        assert s.consent(w, "give", "marketing", channel="email").status == 200
    return who


@pytest.fixture
def shop(own):
    s = own()
    purposes = ("segmentation", "marketing", "advertising_audiences")
    for name, recipient in (("asker", "aurora"), ("asker-b", "boreal")):
        s.keys[name] = s.principal(name, "tool", purposes, recipient=recipient)
    return s


def test_those_alone_who_may_be_written_to(shop):
    s = shop
    problem(ask(s), 403, "group-too-small")
    who = lapsed(s, 14)
    lapsed(s, 3, marketing=False)                       # nobody may write to these
    for w in lapsed(s, 3, marketing=False):             # nor, by e-mail, to these
        assert s.consent(w, "give", "marketing", channel="sms").status == 200
    s.person(consents=["segmentation"])                 # these are not asked
    live = s.person()
    for purpose, channel in (("advertising_audiences", "ads"), ("marketing", "email")):
        assert s.consent(live, "give", purpose, channel=channel).status == 200
    before = s.entries()
    r = ask(s)
    people = named(r)
    assert len(people) == len(set(people)) == r.json()["count"] == 14
    assert people == sorted(people) and set(r.json()["people"][0]) == {"pseudonym"}
    assert not any(w.replace("-", "") in r.text or w in r.text for w in who)
    assert all(may(s, p)["may"] for p in people)
    # One entry for the release and one for its page, which says how many and to whom.
    entries = s.http("GET", "/v1/audit?limit=20", s.keys["officer"], headers=STAFF).json()["entries"]
    page = [e for e in entries if e["action"] == "ask_people"][0]
    assert (page["people"], page["recipient"], page["purpose"]) == (14, "aurora", "marketing")
    assert s.entries() >= before + 2
    # For another recipient they are others; as CSV and NDJSON the same.
    assert not set(named(ask(s, "asker-b"))) & set(people)
    got = [x["pseudonym"] for x in csv.DictReader(io.StringIO(ask(s, form="text/csv").text))]
    assert got == people
    # Each of them finds it in their own log.
    s.logged()
    r = s.http("GET", "/v1/subjects/%s/audit-bundle" % who[0], s.customer(who[0]))
    assert any(x.get("action") == "ask_people" and x["share"]["pseudonym"] in people
               for x in r.json()["accesses"]), r
    # Who answers, says no, objects or must not be written to is asked no more.
    for w, purpose, channel, word in (
            (who[0], "advertising_audiences", "ads", "give"),
            (who[1], "advertising_audiences", "ads", "withdraw"),
            (who[2], "advertising_audiences", None, "object"),
            (who[3], "marketing", "email", "withdraw")):
        more = {"channel": channel} if channel else {}
        assert s.consent(w, word, purpose, **more).status == 200
        left = named(ask(s))
        assert len(left) == len(people) - 1 and set(left) < set(people), (purpose, word)
        people = left
    assert s.consent(who[4], "withdraw", "marketing", channel="email").status == 200
    # Under ten of them it would tell who they are.
    problem(ask(s), 403, "group-too-small")


def test_cursors_of_others_open_nothing(shop):
    s = shop
    lapsed(s, 12)
    first = ask(s)
    assert len(named(first)) == 12 and "next" not in first.json()
    problem(ask(s, cursor="AAAA"), 400, "bad-cursor")


@pytest.mark.parametrize("query,status,error", [
    (dict(ask_for=None), 400, "missing-member"), (dict(ask_for="nothing"), 422, "unknown-purpose"),
    (dict(channel=None), 400, "missing-member"), (dict(channel="fax"), 422, "bad-value"),
    (dict(channel="none"), 422, "bad-value"), (dict(ask_for_channel="fax"), 422, "bad-value"),
    (dict(purpose=None), 400, "missing-member"), (dict(purpose="nothing"), 422, "unknown-purpose"),
    (dict(purpose="segmentation"), 403, "denied-by-policy"),
    (dict(model="00010203-0405-4607-8809-0a0b0c0d0e0f"), 400, "unknown-member")])
def test_bad_questions(stack, query, status, error):
    stack.keys.setdefault("asker", stack.principal(
        "asker-%d" % stack.number(), "tool", ("segmentation", "marketing"), recipient="aurora"))
    before = stack.shape()
    problem(ask(stack, **query), status, error)
    assert stack.shape() == before


def test_nobody_else_is_told(stack):
    for key in ("till", "service", "officer"):
        assert ask(stack, key).status == 403
    problem(ask(stack, "tool"), 403, "purpose-not-registered")      # not for marketing
