"""What is given in return: incentives, promises, codes, points, and what is refused."""
import json
import os
import shutil
import subprocess

import pytest

from refuse import STAFF, TILL, problem, refused
from stack import GID, ROOT, UID

WORDS = {"en": "In return for news", "es": "A cambio de novedades"}


def incentive(name, kind, **more):
    body = {"name": name, "kind": kind, "title": WORDS, "summary": WORDS, "terms": WORDS,
            "asks": {"fields": ["email"], "purposes": ["marketing"]},
            "purpose": "personalised_offers", "value": "2.00",
            "withdrawal": {"takes_back": False, "text": WORDS}}
    body.update(more)
    return {k: v for k, v in body.items() if v is not None}


def publish(stack, body, controller="acme", check=True):
    path = os.path.join(stack.home, "incentive-%d.json" % stack.number())
    with open(path, "w") as f:
        json.dump(body, f)
    os.chown(path, UID, GID)
    return stack.cli("incentive", "publish", path, "--controller", controller, check=check)


@pytest.fixture(scope="module")
def offers(stack):
    publish(stack, incentive("welcome-200", "points", points=200, deliver_days=30,
                             valid_days=365))
    publish(stack, incentive("late-50", "points", points=50, deliver_days=0))
    publish(stack, incentive("coupon-5", "coupon", value="5.00", valid_days=30,
                             recurrence={"times": 20, "per": "ever"}))
    publish(stack, incentive("batteries", "gift", value="1.50",
                             recurrence={"times": 2, "per": "month"}))
    publish(stack, incentive("mug", "gift", value="4.00", price_points=150,
                             recurrence={"times": 5, "per": "year"}))
    publish(stack, incentive("clawed", "points", points=10, withdrawal={
        "takes_back": True, "text": WORDS}))
    publish(stack, incentive("gone", "gift", **{"from": "2020-01-01", "until": "2020-12-31"}))
    return stack


def give(stack, who, action, key="till", headers=TILL, idem=None, **body):
    if idem:
        headers = dict(headers, **{"Idempotency-Key": idem})
    return stack.http("POST", "/v1/subjects/%s/benefits" % who, stack.keys[key],
                      json=dict(body, action=action), headers=headers)


def points(stack, who):
    r = stack.http("GET", "/v1/subjects/%s/points" % who, stack.keys["till"], headers=TILL)
    assert r.status == 200, r
    return r.json()


def redeem(stack, code, headers=TILL, idem=None, **more):
    if idem:
        headers = dict(headers, **{"Idempotency-Key": idem})
    return stack.http("POST", "/v1/benefits/redeem", stack.keys["till"], headers=headers,
                      json=dict(code=code, **more))


# --- Incentives ---

def test_published_once_then_immutable(offers):
    body = incentive("fixed", "status", value="0.00")
    first = publish(offers, body).split("\t")
    assert first[:2] == ["fixed", "1"]
    assert publish(offers, body).split("\t") == first
    assert publish(offers, dict(body, value="1.00")).split("\t")[:2] == ["fixed", "2"]
    r = offers.http("GET", "/v1/incentives?language=es", offers.keys["tool"])
    mine = [i for i in r.json()["incentives"] if i["incentive"] == "fixed"]
    assert [(i["version"], i["value"], i["title"]) for i in mine] == \
        [(1, "0.00", WORDS["es"]), (2, "1.00", WORDS["es"])]
    done = offers.sql("SET ROLE resguardo_app; UPDATE incentive SET body = ''", check=False)
    assert done.returncode != 0 and "permission denied" in done.stderr
    assert offers.http("GET", "/v1/incentives",
                       offers.keys["till-other"]).json().get("incentives", []) == []
    assert "fixed" in offers.cli("incentive", "list", "--controller", "acme")


@pytest.mark.parametrize("member,change", [
    ("kind", {"kind": "bribe"}), ("points", {"points": None}), ("points", {"points": 0}),
    ("purpose", {"purpose": "no_such"}), ("channel", {"channel": "pigeon"}),
    ("asks.fields", {"asks": {"fields": ["no_such"]}}), ("value", {"value": "1.999"}),
    ("value", {"value": None}), ("value", {"value": "-1.00"}),
    ("withdrawal", {"withdrawal": None}), ("title", {"title": {"en": "only"}}),
    ("estimate.method", {"estimate": {"value": "1.00", "method": "guess"}}),
    ("recurrence.per", {"recurrence": {"times": 1, "per": "moon"}}),
    ("until", {"from": "2027-01-01", "until": "2026-01-01"}), ("colour", {"colour": "red"}),
])
def test_bad_incentives_name_the_member(offers, member, change):
    body = dict(incentive("bad", "points", points=5), **change)
    done = publish(offers, {k: v for k, v in body.items() if v is not None}, check=False)
    assert done.returncode == 1 and member in done.stderr, done
    assert offers.rows("SELECT count(*) FROM incentive WHERE name = 'bad'") == [("0",)]


def test_an_estimate_where_the_law_asks_for_one(own):
    s = own()
    s.cli("controller", "add", "--name", "coast", "--title", "Coast", "--jurisdiction",
          "US-CA", "--currency", "USD", "--zone", "America/Los_Angeles")
    body = incentive("club", "points", points=5)
    done = publish(s, body, "coast", check=False)
    assert done.returncode == 1 and "estimate" in done.stderr, done
    body["estimate"] = {"value": "3.00", "method": "revenue"}
    assert publish(s, body, "coast").split("\t")[:2] == ["club", "1"]


# --- Promise, deliver, redeem ---

def test_promised_delivered_and_counted(offers):
    who = offers.person(consents=["personalised_offers"])
    r = give(offers, who, "promise", incentive="welcome-200", idem="p-%d" % offers.number())
    assert r.status == 200, r
    b = r.json()
    assert (b["status"], b["points"], b["balance"], b["incentive_version"]) == \
        ("promised", 200, 0, 1)
    assert b["due"] and points(offers, who)["promised"] == 200
    r = give(offers, who, "deliver", benefit=b["benefit"])
    assert r.status == 200 and r.json()["status"] == "delivered", r
    p = points(offers, who)
    assert (p["balance"], p["promised"], p["earned"]) == (200, 0, 200)
    assert p["expiring"][0]["points"] == 200 and p["expiring"][0]["warn"] is False
    mug = [x for x in p["rewards"] if x["incentive"] == "mug"][0]
    assert (mug["progress"], mug["missing"]) == ("150 / 150", 0)
    # Twice is once too often, and nothing changes.
    refused(offers, 409, "benefit-state", "POST", "/v1/subjects/%s/benefits" % who,
            offers.keys["till"], {"action": "deliver", "benefit": b["benefit"]}, TILL)
    # The person sees what they got, for which consent, in their words.
    key = offers.customer(who)
    r = offers.http("GET", "/v1/subjects/%s/benefits?language=es" % who, key)
    got = r.json()["benefits"]
    assert [(g["incentive"], g["status"], g["consent_sequence"], g["title"], g["value"],
             g["currency"]) for g in got] \
        == [("welcome-200", "delivered", 1, WORDS["es"], "2.00", "EUR")], r


def test_repeated_with_its_key_it_happens_once(offers):
    who = offers.person(consents=["personalised_offers"])
    one = give(offers, who, "deliver", incentive="coupon-5", idem="same-%s" % who)
    two = give(offers, who, "deliver", incentive="coupon-5", idem="same-%s" % who)
    assert one.json()["code"] == two.json()["code"]
    assert one.json()["benefit"] == two.json()["benefit"]
    assert offers.rows("SELECT count(*) FROM benefit_event WHERE subject_id = '%s'" % who) \
        == [("1",)]


def test_a_code_works_once(offers):
    who = offers.person(consents=["personalised_offers"])
    other = offers.person()
    code = give(offers, who, "deliver", incentive="coupon-5").json()["code"]
    assert offers.rows("SELECT count(*) FROM benefit_code WHERE encode(digest,'escape') "
                       "LIKE '%%%s%%'" % code) == [("0",)]
    entries = offers.rows("SELECT count(*) FROM audit_entry")
    problem(redeem(offers, code, subject=other), 403, "code-of-another")
    assert int(offers.rows("SELECT count(*) FROM audit_entry")[0][0]) == int(entries[0][0]) + 1
    problem(redeem(offers, "0000-0000-0000-0000"), 404, "not-found")
    problem(redeem(offers, "what?"), 422, "bad-value")
    r = redeem(offers, code.lower().replace("-", " "), idem="till-%s" % who, subject=who)
    assert r.status == 200 and r.json()["status"] == "redeemed", r
    # The till that did not hear asks again; anybody else is too late.
    assert redeem(offers, code, idem="till-%s" % who, subject=who).status == 200
    problem(redeem(offers, code), 409, "benefit-state")
    problem(redeem(offers, code, idem="another-%s" % who), 409, "benefit-state")
    # Nor does it work at another controller's till.
    problem(offers.http("POST", "/v1/benefits/redeem", offers.keys["till-other"],
                        headers=TILL, json={"code": code}), 404, "not-found")


def test_a_code_pointed_at_somebody_else_fails_closed(own):
    s = own()
    publish(s, incentive("coupon-5", "coupon", value="5.00"))
    a, b = s.person(consents=["personalised_offers"]), s.person(consents=["personalised_offers"])
    code = give(s, a, "deliver", incentive="coupon-5").json()["code"]
    s.sql("UPDATE benefit_code SET subject_id = '%s'" % b)
    problem(redeem(s, code), 500, "integrity-failure")


def test_no_benefit_without_a_live_consent(offers):
    path = "/v1/subjects/%s/benefits"
    body = {"action": "promise", "incentive": "welcome-200"}
    for decision in (None, "refuse", "withdraw", "object"):
        who = offers.person()
        if decision in ("withdraw",):
            assert offers.consent(who, "give").status == 200
        if decision:
            assert offers.consent(who, decision).status == 200
        refused(offers, 403, "no-live-consent", "POST", path % who, offers.keys["till"],
                body, TILL)
    # Promised, then withdrawn: it is not delivered any more, and can be taken back.
    who = offers.person(consents=["personalised_offers"])
    b = give(offers, who, "promise", incentive="welcome-200").json()["benefit"]
    assert offers.consent(who, "withdraw").status == 200
    refused(offers, 403, "no-live-consent", "POST", path % who, offers.keys["till"],
            {"action": "deliver", "benefit": b}, TILL)
    r = give(offers, who, "reverse", benefit=b, cause="withdrawal")
    assert r.status == 200 and "flagged" not in r.json(), r
    assert points(offers, who)["promised"] == 0


def test_a_withdrawal_takes_back_nothing_delivered(offers):
    for name, clause in (("welcome-200", "incentive:keeps"), ("clawed", "jurisdiction:keeps")):
        who = offers.person(consents=["personalised_offers"])
        b = give(offers, who, "deliver", incentive=name).json()["benefit"]
        assert offers.consent(who, "withdraw").status == 200
        for cause in ("withdrawal", "error"):
            r = give(offers, who, "reverse", benefit=b, cause=cause)
            problem(r, 403, "denied-by-policy")
            assert r.json()["clause"] == clause, r
        assert points(offers, who)["balance"] > 0


def test_points_are_worth_as_much_after_a_withdrawal(offers):
    who = offers.person(consents=["personalised_offers"])
    assert give(offers, who, "deliver", incentive="welcome-200").status == 200
    assert offers.consent(who, "withdraw").status == 200
    r = give(offers, who, "spend", incentive="mug")
    assert r.status == 200 and r.json()["balance"] == 50, r
    problem(give(offers, who, "deliver", incentive="batteries"), 403, "no-live-consent")
    # Who never agreed was never offered it.
    problem(give(offers, offers.person(), "spend", incentive="mug"), 403, "no-live-consent")


def test_as_often_as_it_says_and_while_it_is_offered(offers):
    who = offers.person(consents=["personalised_offers"])
    for _ in range(2):
        assert give(offers, who, "deliver", incentive="batteries").status == 200
    r = give(offers, who, "deliver", incentive="batteries")
    problem(r, 422, "incentive-unfit")
    assert r.json()["clause"] == "incentive:recurrence"
    problem(give(offers, who, "deliver", incentive="gone"), 422, "incentive-unfit")
    # One given by mistake and taken back counts no more.
    b = give(offers, who, "deliver", incentive="welcome-200").json()["benefit"]
    problem(give(offers, who, "promise", incentive="welcome-200"), 422, "incentive-unfit")
    assert give(offers, who, "reverse", benefit=b, cause="error").status == 200
    assert give(offers, who, "promise", incentive="welcome-200").status == 200


@pytest.mark.parametrize("status,error,body", [
    (422, "unknown-incentive", {"action": "promise", "incentive": "no-such"}),
    (422, "unknown-incentive", {"action": "promise", "incentive": "mug", "incentive_version": 9}),
    (422, "bad-value", {"action": "steal", "incentive": "mug"}),
    (400, "missing-member", {"action": "promise"}),
    (400, "missing-member", {"action": "redeem"}),
    (400, "missing-member", {"action": "reverse",
                             "benefit": "00000000-0000-4000-8000-000000000000"}),
    (404, "not-found", {"action": "redeem", "benefit": "00000000-0000-4000-8000-000000000000"}),
    (400, "unknown-member", {"action": "promise", "incentive": "welcome-200", "points": 9}),
    (422, "incentive-unfit", {"action": "promise", "incentive": "mug"}),
    (422, "bad-value", {"action": "spend", "points": 0}),
    (409, "not-enough-points", {"action": "spend", "points": 1}),
    (409, "not-enough-points", {"action": "spend", "incentive": "mug"}),
    (422, "bad-value", {"action": "promise", "incentive": "welcome-200",
                        "consent_sequence": 7}),
    (422, "bad-value", {"action": "reverse", "cause": "spite",
                        "benefit": "00000000-0000-4000-8000-000000000000"}),
])
def test_bad_requests_change_nothing(offers, status, error, body):
    who = offers.person(consents=["personalised_offers"])
    refused(offers, status, error, "POST", "/v1/subjects/%s/benefits" % who,
            offers.keys["till"], body, TILL)


def test_points_are_spent_and_never_more_than_there_are(offers):
    who = offers.person(consents=["personalised_offers"])
    assert give(offers, who, "deliver", incentive="welcome-200").status == 200
    r = give(offers, who, "spend", incentive="mug")
    assert r.status == 200 and r.json()["balance"] == 50 and r.json()["code"], r
    problem(give(offers, who, "spend", points=51), 409, "not-enough-points")
    assert give(offers, who, "spend", points=50, document="T-9").json()["balance"] == 0
    p = points(offers, who)
    assert (p["balance"], p["earned"], p["spent"]) == (0, 200, 200)


def test_events_changed_behind_the_server_fail_closed(own):
    s = own()
    publish(s, incentive("coupon-5", "coupon", value="5.00",
                         recurrence={"times": 9, "per": "ever"}))
    attacks = (
        "DELETE FROM benefit_event WHERE subject_id = '%(a)s' AND sequence = 2",
        "UPDATE benefit_event SET sequence = 9 - sequence WHERE subject_id = '%(a)s'",
        "DELETE FROM benefit_event WHERE subject_id = '%(a)s'",
        "UPDATE benefit_event x SET sealed = y.sealed, hash = y.hash FROM benefit_event y"
        " WHERE x.subject_id = '%(a)s' AND y.subject_id = '%(b)s' AND x.sequence = y.sequence",
    )
    for attack in attacks:
        a, b = (s.person(consents=["personalised_offers"]) for _ in range(2))
        for who in (a, b):
            for _ in range(2):
                assert give(s, who, "deliver", incentive="coupon-5").status == 200
        s.sql(attack % {"a": a, "b": b})
        for path in ("benefits", "points"):
            problem(s.http("GET", "/v1/subjects/%s/%s" % (a, path), s.keys["till"],
                           headers=TILL), 500, "integrity-failure")
        problem(give(s, a, "deliver", incentive="coupon-5"), 500, "integrity-failure")
        assert points(s, b)["balance"] == 0
    assert "benefit history" in s.log()


def test_an_event_of_another_history_of_the_same_person_is_found(own):
    """Sealed by us, for this very place, and yet not what happened."""
    s = own()
    publish(s, incentive("coupon-5", "coupon", recurrence={"times": 9, "per": "ever"}))
    who = s.person(consents=["personalised_offers"])
    s.sql("CREATE TABLE kept AS SELECT * FROM subject WHERE subject_id = '%s'" % who)
    assert give(s, who, "deliver", incentive="coupon-5").status == 200
    s.sql("CREATE TABLE other AS SELECT * FROM benefit_event; DELETE FROM benefit_event;"
          "UPDATE subject x SET version = k.version, header = k.header, activity = k.activity"
          " FROM kept k WHERE x.subject_id = k.subject_id")
    assert give(s, who, "deliver", incentive="coupon-5").status == 200
    assert points(s, who)["balance"] == 0
    s.sql("UPDATE benefit_event b SET sealed = o.sealed, hash = o.hash FROM other o")
    problem(s.http("GET", "/v1/subjects/%s/points" % who, s.keys["till"], headers=TILL),
            500, "integrity-failure")


def test_promises_not_kept_are_found(own):
    s = own()
    publish(s, incentive("late-50", "points", points=50, deliver_days=0))
    publish(s, incentive("welcome-200", "points", points=200, deliver_days=30))
    who = s.person(consents=["personalised_offers"])
    late = give(s, who, "promise", incentive="late-50").json()["benefit"]
    assert give(s, who, "promise", incentive="welcome-200").status == 200
    officer = dict(STAFF)
    r = s.http("GET", "/v1/benefits/overdue?purpose=oversight", s.keys["officer"],
               headers=officer)
    assert r.status == 200, r
    assert (r.json()["overdue"], r.json()["waiting"]) == (1, 1)
    assert r.json()["promises"][0]["benefit"] == late
    assert s.http("GET", "/v1/benefits/overdue?purpose=oversight",
                  s.keys["officer-other"], headers=officer).json()["overdue"] == 0
    problem(s.http("GET", "/v1/benefits/overdue?purpose=segmentation", s.keys["tool"]),
            403, "denied-by-policy")
    problem(s.http("GET", "/v1/benefits/overdue?purpose=data_subject_rights",
                   s.customer(who)), 403, "denied-by-policy")
    assert give(s, who, "deliver", benefit=late).status == 200
    assert s.http("GET", "/v1/benefits/overdue?purpose=oversight", s.keys["officer"],
                  headers=officer).json()["overdue"] == 0
    assert "resguardo_vault_promises_overdue" in s.metrics().text


# --- Who may ---

def test_only_oneself_and_staff_with_a_place(offers):
    a, b = offers.person(), offers.person()
    key = offers.customer(a)
    assert offers.http("GET", "/v1/subjects/%s/points" % a, key).status == 200
    problem(offers.http("GET", "/v1/subjects/%s/points" % b, key), 403, "denied-by-policy")
    problem(offers.http("GET", "/v1/subjects/%s/points" % a, offers.keys["till"]), 403,
            "context-required")
    problem(offers.http("GET", "/v1/subjects/%s/points" % a, offers.keys["till-other"],
                        headers=TILL), 404, "not-found")
    refused(offers, 403, "denied-by-policy", "POST", "/v1/subjects/%s/benefits" % a,
            offers.keys["admin"], {"action": "spend", "points": 1, "purpose":
                                   "loyalty_account"}, TILL)


# --- Purchases earn ---

@pytest.fixture
def club(own):
    """A server whose controller has a programme."""
    s = own()
    path = os.path.join(s.home, "club")
    shutil.copytree(os.path.join(ROOT, "policies"), path)
    subprocess.run(["chmod", "-R", "u=rwX,go=rX", path], check=True)
    with open(path + "/loyalty.json") as f:
        policy = json.load(f)
    policy["programmes"][0]["controllers"] = ["acme"]
    with open(path + "/loyalty.json", "w") as f:
        json.dump(policy, f)
    s.cli("policy", "load", path)
    return s


def buy(s, who, *lines):
    for line in lines:
        r = s.http("POST", "/v1/subjects/%s/events" % who, s.keys["till"], headers=TILL,
                   json=dict({"kind": "purchase", "time": "2026-05-01T10:00:00Z"}, **line))
        assert r.status == 200, r
    return points(s, who)


def test_purchases_earn_and_returns_give_back(club):
    who = club.person()
    assert buy(club, who, {"amount": "12.99", "document": "T1", "item": "a"})["balance"] == 12
    assert buy(club, who, {"amount": "5.00", "document": "T1", "item": "b",
                           "category": "batteries"})["balance"] == 22
    # The same line again is the same line.
    assert buy(club, who, {"amount": "12.99", "document": "T1", "item": "a"})["balance"] == 22
    p = buy(club, who, {"kind": "return", "amount": "7.50", "document": "R1"})
    assert (p["balance"], p["earned"], p["deducted"]) == (15, 22, 7)
    assert buy(club, who, {"amount": "0.99", "document": "T2"})["balance"] == 15
    got = club.http("GET", "/v1/subjects/%s/benefits" % who, club.keys["till"], headers=TILL)
    assert [b["status"] for b in got.json()["benefits"]] == ["earned", "earned", "deducted"]


def test_points_that_are_gone_are_owed(club):
    who = club.person()
    assert buy(club, who, {"amount": "10.00", "document": "T1"})["balance"] == 10
    assert give(club, who, "spend", points=10).status == 200
    assert buy(club, who, {"kind": "return", "amount": "10.00", "document": "R1"})["balance"] \
        == -10
    assert buy(club, who, {"amount": "15.00", "document": "T2"})["balance"] == 5
