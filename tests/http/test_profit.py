"""What a person brings in less what they cost: by hand, step by step, and who may see it."""
import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
from decimal import Decimal

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


# --- All together ---

def report(s, form="application/json", **query):
    q = "&".join("%s=%s" % x for x in query.items())
    r = s.http("GET", "/v1/reports/profitability" + ("?" + q if q else ""), s.keys["officer"],
               headers=dict(STAFF, Accept=form))
    assert r.status == 200, r
    return r


COLUMNS = ("period", "count", "people", "net", "cost_of_goods", "cost_of_benefits", "margin")


def listed(body, name="rows", columns=COLUMNS):
    return [tuple(r.get(c) for c in columns) for r in body.get(name, [])]


def test_all_people_by_month_by_hand(own):
    s = own()
    publish(s, incentive("mug", "gift", value="4.00", deliver_days=10))
    names = people(s, "A-1", "A-2", "A-3", "A-4")
    bring(s, "consents", [yes("c" + n, n, "2019-01-01T10:00:00Z", source="till") for n in names])
    at = "2019-0%d-15T10:00:00Z"
    buy(s, names["A-1"], dict(amount="100.00", cost="60.00", document="1", time=at % 1),
        dict(amount="10.00", cost="5.00", document="2", time=at % 1),
        dict(amount="10.00", cost="5.00", document="3", time=at % 2))
    buy(s, names["A-2"], dict(amount="30.00", cost="40.00", document="4", time=at % 1),
        dict(kind="return", amount="50.00", cost="20.00", document="5", time=at % 3),
        # The first of April in Madrid, and so no March.
        dict(amount="7.00", document="6", time="2019-03-31T22:00:00Z"),
        dict(amount="9.00", document="7", time="2019-04-01T22:00:00Z"))   # the second
    bring(s, "benefits", [dict(id="a", who="A-1", gift="mug", delivered=at % 1),
                          dict(id="b", who="A-3", gift="mug", delivered=at % 2,
                               reversed=at % 3, cause="return"),
                          dict(id="c", who="A-4", gift="mug", promised=at % 2)])
    span = {"from": "2018-12-31T23:00:00Z", "to": "2019-04-01T22:00:00Z"}
    body = report(s, **span).json()
    assert listed(body) == [
        ("2019-01", 3, 2, "140.00", "105.00", "4.00", "31.00"),
        ("2019-02", 1, 2, "10.00", "5.00", "4.00", "1.00"),
        ("2019-03", 0, 2, "-50.00", "-20.00", "-4.00", "-26.00"),
        ("2019-04", 1, 1, "7.00", "0.00", "0.00", "7.00")]
    # Three people in all; A-4 was promised something and no more.
    assert listed(body, "totals") == [(None, 5, 3, "107.00", "90.00", "4.00", "13.00")]
    assert body["people"] == 4 and body["currency"] == "EUR"
    # A day that the report's time cuts counts whole.
    part = report(s, **{"from": "2019-02-15T12:00:00Z", "to": "2019-03-01T00:00:00Z"}).json()
    assert listed(part) == [("2019-02", 1, 2, "10.00", "5.00", "4.00", "1.00")]
    assert listed(report(s, **{"from": "2019-02-16T00:00:00Z",
                               "to": "2019-03-01T00:00:00Z"}).json()) == []
    table = list(csv.DictReader(io.StringIO(report(s, "text/csv", **span).text)))
    assert [x["margin"] for x in table] == ["31.00", "1.00", "'-26.00", "7.00"]
    assert {x["currency"] for x in table} == {"EUR"}
    out = s.cli("report", "profitability", "--controller", "acme", "--from", "2019-01-01",
                "--to", "2019-04-01", "--language", "es")
    assert re.search(r"^2019-03 +0 +2 +-50\.00 +-20\.00 +-4\.00 +-26\.00 +EUR$", out, re.M), out
    assert re.search(r"^- +5 +3 +107\.00 +90\.00 +4\.00 +13\.00 +EUR$", out, re.M), out
    # Officers and, on the command line, administrators: the same rules as of all reports.
    for key, headers in (("till", TILL), ("service", STAFF), ("tool", STAFF)):
        r = s.http("GET", "/v1/reports/profitability", s.keys[key], headers=headers)
        assert r.status == 403, r
    before = s.entries()
    report(s, **span)
    assert s.entries() == before + 1
    r = s.http("GET", "/v1/audit?limit=1", s.keys["officer"], headers=STAFF)
    e = [x for x in r.json()["entries"]][0]
    assert (e["action"], e["people"], e["legal_basis"]) == (
        "report", 4, "report:profitability"), e


def test_the_report_is_the_sum_of_people(own):
    """Whatever was bought, brought back and given: each month, and all of it."""
    def unhurried(name, body):
        if name == "access":
            for rule in body["rules"]:
                if rule["id"] == "officer-profit":
                    del rule["rate_per_minute"]
    s = own()
    load(s, unhurried)
    rnd = random.Random(20261122)
    publish(s, incentive("mug", "gift", value="4.35", deliver_days=10,
                         recurrence={"times": 99, "per": "ever"}))
    publish(s, incentive("coupon", "coupon", value="5.07", deliver_days=10,
                         recurrence={"times": 99, "per": "ever"}))
    names = people(s, *["S-%d" % i for i in range(8)])
    bring(s, "consents", [yes("c" + n, n, "2019-01-01T10:00:00Z", source="till") for n in names])

    def when(first=1, last=6):
        return "2019-%02d-%02dT%02d:00:00Z" % (rnd.randint(first, last), rnd.randint(1, 28),
                                              rnd.randint(0, 23))
    gifts = []
    for n, who in names.items():
        for i in range(rnd.randint(0, 7)):
            buy(s, who, dict(kind=rnd.choice(["purchase", "purchase", "return"]), time=when(),
                             amount="%d.%02d" % (rnd.randint(0, 99), rnd.randint(1, 99)),
                             cost="%d.%02d" % (rnd.randint(0, 60), rnd.randint(1, 99)),
                             document="%s-%d" % (n, i)))
        for i in range(rnd.randint(0, 5)):
            g = dict(id="%s-%d" % (n, i), who=n, gift=rnd.choice(["mug", "coupon"]),
                     delivered=when(2, 3))
            end = rnd.choice(["", "redeemed", "expired", "reversed"])
            if end == "reversed":
                g.update(reversed=when(4, 6), cause="error")
            elif end and g["gift"] == "coupon":
                g[end] = when(4, 6)
            gifts.append(g)
    bring(s, "benefits", gifts)
    body = report(s, **{"from": "2018-12-31T23:00:00Z", "to": "2019-12-31T23:00:00Z"}).json()
    money = COLUMNS[3:]

    def summed(query):
        each = [ask(s, who, "purpose=oversight&" + query).json() for who in names.values()]
        return tuple(sum(Decimal(x[c]) for x in each) for c in money)
    months = {r["period"]: tuple(Decimal(r[c]) for c in money) for r in body["rows"]}
    for month in range(1, 13):
        last = 31 if month in (1, 3, 5, 7, 8, 10, 12) else 30 if month != 2 else 28
        assert summed("from=2019-%02d-01&to=2019-%02d-%d" % (month, month, last)) == \
            months.get("2019-%02d" % month, (0,) * 4), month
    assert summed("from=2019-01-01&to=2019-12-31") == tuple(
        Decimal(body["totals"][0][c]) for c in money)
    for r in body["rows"] + body["totals"]:
        assert Decimal(r["margin"]) == Decimal(r["net"]) - Decimal(r["cost_of_goods"]) - \
            Decimal(r["cost_of_benefits"])


def test_one_touched_activity_fails_the_report(own):
    s = own()
    who = s.person()
    buy(s, who, dict(amount="5.00", document="1"))
    assert listed(report(s).json())
    s.sql("UPDATE subject SET activity = set_byte(activity, 40, get_byte(activity, 40) # 1)")
    problem(s.http("GET", "/v1/reports/profitability", s.keys["officer"], headers=STAFF), 500,
            "integrity-failure")
