"""What a person brings in less what they cost: by hand, step by step, and who may see it."""
import json
import os
import shutil
import subprocess

import pytest

from refuse import STAFF, TILL, problem
from stack import ROOT
from test_benefits import buy, give, incentive, publish, redeem
from test_import_past import bring, people, yes

FIGURES = ("gross", "returned", "net", "cost_of_goods", "cost_of_benefits", "margin")
MAY = "from=2026-05-01&to=2026-05-31"


def load(s, change):
    """The shipped policy, changed by a function of its access rules and programmes."""
    path = os.path.join(s.home, "policy-%d" % s.number())
    shutil.copytree(os.path.join(ROOT, "policies"), path)
    subprocess.run(["chmod", "-R", "u=rwX,go=rX", path], check=True)
    for name in ("access", "loyalty"):
        with open("%s/%s.json" % (path, name)) as f:
            body = json.load(f)
        change(name, body)
        with open("%s/%s.json" % (path, name), "w") as f:
            json.dump(body, f)
    s.cli("policy", "load", path)


def for_acme(name, body):
    if name == "loyalty":
        body["programmes"][0]["controllers"] = ["acme"]


def ask(s, who, query="", key=None, headers=STAFF):
    return s.http("GET", "/v1/subjects/%s/profitability%s" % (who, "?" + query if query else ""),
                  key or s.keys["officer"], headers=headers)


def figures(s, who, query):
    r = ask(s, who, "purpose=oversight&" + query)
    assert r.status == 200, r
    got = r.json()
    assert got["currency"] == "EUR" and got["withheld"] == {}
    assert got["value"] == got["cost_of_benefits"]
    return tuple(got[f] for f in FIGURES)


def test_each_step_moves_what_it_should(own):
    """Figures by hand. A point a euro, a euro the hundred points."""
    s = own()
    load(s, for_acme)
    publish(s, incentive("mug", "gift", value="4.00", recurrence={"times": 9, "per": "ever"}))
    publish(s, incentive("coupon", "coupon", value="5.00"))
    publish(s, incentive("pts", "points", points=100, value="1.50"))
    publish(s, incentive("cup", "gift", value="3.00", price_points=100))
    who = s.person(consents=["personalised_offers"])
    # May: 200.00 of goods that cost 120.00, and 200 points for it.
    buy(s, who, {"amount": "200.00", "cost": "120.00", "document": "T1"})
    assert figures(s, who, MAY) == ("200.00", "0.00", "200.00", "120.00", "2.00", "78.00")
    # A quarter comes back: the goods are on the shelf again, 50 points are gone.
    buy(s, who, {"kind": "return", "amount": "50.00", "cost": "30.00", "document": "T2"})
    assert figures(s, who, MAY) == ("200.00", "50.00", "150.00", "90.00", "1.50", "58.50")
    # What is given today is no cost of May, and promising costs nothing.
    today = "from=2026-06-01"

    def cost():
        got = figures(s, who, today)
        assert got[:4] == ("0.00",) * 4
        assert got[5] == ("-" + got[4] if got[4] != "0.00" else "0.00")
        return got[4]
    p = give(s, who, "promise", incentive="mug").json()["benefit"]
    assert cost() == "0.00"
    assert give(s, who, "deliver", benefit=p).status == 200
    assert cost() == "4.00"
    c = give(s, who, "deliver", incentive="coupon").json()
    assert cost() == "4.00"                        # a coupon costs when it is used
    assert redeem(s, c["code"]).status == 200
    assert cost() == "9.00"
    assert give(s, who, "deliver", incentive="pts").status == 200
    assert cost() == "10.50"                       # points cost when they are given
    assert give(s, who, "spend", incentive="cup").status == 200
    assert cost() == "10.50"                       # ... and what they buy does not
    assert give(s, who, "reverse", benefit=p, cause="return").status == 200
    assert cost() == "6.50"                        # taken back, today
    assert figures(s, who, MAY)[4:] == ("1.50", "58.50")
    whole = figures(s, who, "from=2026-05-01")
    assert whole == ("200.00", "50.00", "150.00", "90.00", "8.00", "52.00")


def test_promised_lapsed_and_taken_back_years_ago(own):
    """Each at its own day; what nobody used cost nothing, and a loss is a loss."""
    s = own()
    publish(s, incentive("coupon", "coupon", value="5.00", deliver_days=10))
    publish(s, incentive("mug", "gift", value="4.00", deliver_days=10))
    publish(s, incentive("points", "points", points=100, value="1.50", deliver_days=10))
    who = people(s, "Q-1")["Q-1"]
    bring(s, "consents", [yes("1", "Q-1", "2019-01-01T10:00:00Z", source="till")])
    bring(s, "benefits", [
        dict(id="a", who="Q-1", gift="coupon", delivered="2019-02-01T10:00:00Z",
             expired="2019-03-01T10:00:00Z"),
        dict(id="b", who="Q-1", gift="coupon", promised="2019-02-01T10:00:00Z"),
        dict(id="c", who="Q-1", gift="coupon", delivered="2019-02-01T10:00:00Z",
             redeemed="2019-04-30T22:30:00Z"),      # the first of May in Madrid
        dict(id="d", who="Q-1", gift="mug", delivered="2019-06-01T10:00:00Z",
             reversed="2019-07-01T10:00:00Z", cause="error"),
        dict(id="e", who="Q-1", gift="points", delivered="2019-08-01T10:00:00Z",
             expired="2019-12-31T10:00:00Z"),
    ])

    def cost(first, last):
        return figures(s, who, "from=%s&to=%s" % (first, last))[4]
    assert cost("2019-01-01", "2019-04-30") == "0.00"
    assert cost("2019-05-01", "2019-05-01") == "5.00"
    assert cost("2019-06-01", "2019-06-30") == "4.00"
    assert cost("2019-07-01", "2019-07-31") == "-4.00"
    # Points that lapse were given all the same.
    assert cost("2019-08-01", "2019-12-31") == "1.50"
    assert figures(s, who, "from=2019-01-01&to=2019-12-31") == (
        "0.00", "0.00", "0.00", "0.00", "6.50", "-6.50")


def test_the_customer_sees_what_they_got_and_the_officer_what_is_left(own):
    s = own()
    publish(s, incentive("mug", "gift", value="4.00"))
    who = s.person(consents=["personalised_offers"])
    other = s.person()
    buy(s, who, {"amount": "20.00", "cost": "12.00", "document": "T1"})
    assert give(s, who, "deliver", incentive="mug").status == 200
    key = s.customer(who)
    r = ask(s, who, "from=2026-01-01", key, {})
    assert r.status == 200, r
    got = r.json()
    assert (got["value"], got["from"], got["currency"]) == ("4.00", "2026-01-01", "EUR")
    assert got["withheld"] == {f: "default-deny" for f in FIGURES}
    assert not set(FIGURES) & set(got) and "16.00" not in r.text and "12.00" not in r.text
    assert figures(s, who, "from=2026-01-01") == (
        "20.00", "0.00", "20.00", "12.00", "4.00", "4.00")
    # The officer who gives no reason sees what the rule for benefits shows.
    r = ask(s, who, "purpose=oversight", headers={"Resguardo-Staff": "s.vidal"})
    assert r.json()["withheld"]["margin"] == "require:reason" and "margin" not in r.json(), r
    # Nobody else: not of others, not of another shop, not a tool, not without naming who asks.
    problem(ask(s, other, "", key, {}), 403, "denied-by-policy")
    problem(ask(s, who, "purpose=oversight", headers={}), 403, "context-required")
    problem(ask(s, who, "", s.keys["till-other"], TILL), 404, "not-found")
    for name, purpose in (("tool", "segmentation"), ("admin", "oversight")):
        r = ask(s, who, "purpose=" + purpose, s.keys[name])
        assert r.status == 403, r
    r = ask(s, who, "purpose=rewards", s.keys["till"], TILL)     # sees benefits already
    assert r.status == 200 and "margin" not in r.json(), r
    # It says which it was, in the person's own log.
    r = s.http("GET", "/v1/audit?subject=%s&limit=100" % who, s.keys["officer"], headers=STAFF)
    seen = {(e["action"], e["decision"], e.get("clause")) for e in r.json()["entries"]}
    assert {("benefit_read", "allow", "own-benefits"), ("profit_read", "allow", "officer-profit"),
            ("benefit_read", "allow", "officer-benefits"),
            ("benefit_read", "deny", "require:staff")} <= seen, seen

    # Where the policy lets them, they see it all.
    def open_books(name, body):
        if name == "access":
            body["rules"].append({"id": "own-profit", "role": "customer", "actions":
                                  ["profit_read"], "purposes": ["loyalty_account"]})
    load(s, open_books)
    r = ask(s, who, "from=2026-01-01", key, {})
    assert (r.json()["value"], r.json()["margin"]) == ("4.00", "4.00"), r
    assert r.json()["withheld"] == {}


@pytest.mark.parametrize("query,status,error", [
    ("from=2026-02-02&to=2026-02-01", 422, "bad-value"),
    ("from=2026-02-30", 422, "bad-value"), ("to=2026-02-01T00:00:00Z", 422, "bad-value"),
    ("from=", 422, "bad-value"), ("since=2026-01-01", 400, "unknown-member"),
    ("from=2026-01-01&from=2026-01-02", 400, "malformed-request"),
    ("purpose=no_such", 422, "unknown-purpose"),
])
def test_bad_questions(stack, query, status, error):
    who = stack.person()
    q = query if "purpose" in query else "purpose=oversight&" + query
    r = ask(stack, who, q)
    assert r.status in (400, 422), r
    assert (r.status, r.error) == (status, error), r


def test_all_of_time_and_nobody(stack):
    who = stack.person()
    assert figures(stack, who, "from=0001-01-01&to=9999-12-31") == ("0.00",) * 6
    assert figures(stack, who, "to=0001-01-01") == ("0.00",) * 6
    problem(ask(stack, "00000000-0000-4000-8000-000000000000", "purpose=oversight"), 404,
            "not-found")


def test_an_activity_of_another_day_is_refused(own):
    s = own()
    who = s.person()
    buy(s, who, {"amount": "20.00", "document": "T1"})
    s.sql("CREATE TABLE old AS SELECT * FROM subject")
    buy(s, who, {"kind": "return", "amount": "20.00", "document": "T2"})
    s.sql("UPDATE subject s SET activity = o.activity FROM old o"
          " WHERE o.subject_id = s.subject_id")
    problem(ask(s, who, "purpose=oversight"), 500, "integrity-failure")
