"""Reports over histories that hold something, against figures counted by hand."""
import csv
import io
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from stack import PG
from refuse import STAFF, TILL, problem
from test_benefits import give, incentive, publish
from test_import_past import bring, people, yes

SPAN = {"from": "2019-01-01T00:00:00Z", "to": "2024-01-01T00:00:00Z"}


def report(s, name, form="application/json", **query):
    q = "&".join("%s=%s" % x for x in query.items())
    r = s.http("GET", "/v1/reports/%s%s" % (name, "?" + q if q else ""), s.keys["officer"],
               headers=dict(STAFF, Accept=form))
    assert r.status == 200, r
    return r


def rows(s, name, *columns, **query):
    """The report as tuples of these columns; and the same by CSV and NDJSON."""
    got = report(s, name, **query).json().get("rows", [])
    lines = [json.loads(x) for x in report(s, name, "application/x-ndjson", **query)
             .text.splitlines()]
    table = list(csv.DictReader(io.StringIO(report(s, name, "text/csv", **query).text)))
    assert lines == got
    # What a spreadsheet could take for a formula is marked as text.
    assert table == [{k: ("'" if v.startswith("-") else "") + v for k, v in
                      ((k, str(r.get(k, ""))) for k in table[0])} for r in got]
    return [tuple(r.get(c) for c in columns) for r in got]


@pytest.fixture(scope="module")
def shop_of_five():
    """Five people with known histories, of 2019 to 2023."""
    from stack import Stack
    with Stack.start() as s:
        publish(s, incentive("points", "points", points=100, value="1.50", deliver_days=10,
                             estimate={"value": "0.75", "method": "revenue"}))
        publish(s, incentive("coupon", "coupon", value="5.00", deliver_days=10))
        publish(s, incentive("mug", "gift", value="4.00", deliver_days=10))
        s.who = people(s, "R-1", "R-2", "R-3", "R-4", "R-5")
        no = dict(topic="personalised_offers")
        words = [
            yes("1", "R-1", "2019-03-01T10:00:00Z", source="till"),
            yes("2", "R-2", "2019-03-02T10:00:00Z", source="till"),
            yes("3", "R-3", "2019-03-31T23:30:00Z", source="web"),     # April in Madrid
            yes("4", "R-4", "2019-04-01T10:00:00Z", source="web", proof="declared",
                notice="", version="", language=""),
            yes("5", "R-5", "2019-04-02T10:00:00Z", topic="marketing", by="email"),
            dict(no, id="6", who="R-1", said="W", when="2020-05-05T10:00:00Z"),
            dict(no, id="7", who="R-2", said="O", when="2021-05-05T10:00:00Z"),
            dict(no, id="8", who="R-3", said="W", when="2019-04-05T10:00:00Z"),
            yes("9", "R-3", "2019-06-01T10:00:00Z"),
        ]
        bring(s, "consents", words)
        gifts = [
            # two delivered, then withdrew in May 2020.
            dict(id="a", who="R-1", gift="points", promised="2019-04-01T10:00:00Z",
                 delivered="2019-04-05T10:00:00Z"),
            dict(id="b", who="R-1", gift="coupon", promised="2019-05-01T10:00:00Z",
                 delivered="2019-05-20T10:00:00Z", redeemed="2020-06-01T10:00:00Z"),
            # a mug late, a promise never kept; objected in May 2021.
            dict(id="c", who="R-2", gift="mug", promised="2019-04-01T10:00:00Z",
                 delivered="2019-06-01T10:00:00Z"),
            dict(id="d", who="R-2", gift="points", promised="2020-01-10T10:00:00Z"),
            # withdrew before anything was delivered, then came back.
            dict(id="e", who="R-3", gift="points", delivered="2019-06-05T10:00:00Z"),
            dict(id="f", who="R-3", gift="coupon", promised="2019-06-06T10:00:00Z",
                 reversed="2019-06-10T10:00:00Z", cause="error"),
            # what was given was taken back again.
            dict(id="g", who="R-4", gift="mug", delivered="2019-07-01T10:00:00Z",
                 reversed="2019-08-01T10:00:00Z", cause="return"),
        ]
        bring(s, "benefits", gifts)
        yield s


def test_words_by_month_purpose_channel_notice_and_source(shop_of_five):
    s = shop_of_five
    assert rows(s, "consent-history", "period", "purpose", "channel", "status", "source",
                "notice", "count", **SPAN) == [
        ("2019-03", "personalised_offers", None, "given", "till", "privacy:1", 2),
        ("2019-04", "marketing", "email", "given", "import", "privacy:1", 1),
        ("2019-04", "personalised_offers", None, "given", "web", None, 1),
        ("2019-04", "personalised_offers", None, "given", "web", "privacy:1", 1),
        ("2019-04", "personalised_offers", None, "withdrawn", "import", None, 1),
        ("2019-06", "personalised_offers", None, "given", "import", "privacy:1", 1),
        ("2020-05", "personalised_offers", None, "withdrawn", "import", None, 1),
        ("2021-05", "personalised_offers", None, "objected", "import", None, 1)]
    # From and to cut exactly: at the instant, and not before it.
    assert rows(s, "consent-history", "status", "count",
                **{"from": "2020-05-05T10:00:00Z", "to": "2021-05-05T10:00:00Z"}) == [
        ("withdrawn", 1)]
    assert rows(s, "consents", "purpose", "channel", "status", "count") == [
        ("marketing", "email", "given", 1), ("personalised_offers", None, "given", 2),
        ("personalised_offers", None, "withdrawn", 1),
        ("personalised_offers", None, "objected", 1)]


def test_withdrawals_after_a_benefit(shop_of_five):
    """Each benefit that was there before the no; R-3's came after theirs."""
    assert rows(shop_of_five, "withdrawals", "period", "purpose", "status", "incentive",
                "within_days", "count", "people", "cost", **SPAN) == [
        # A coupon costs when it is used, and it was used after.
        ("2020-05", "personalised_offers", "withdrawn", "coupon:1", 365, 1, 1, "0.00"),
        ("2020-05", "personalised_offers", "withdrawn", "points:1", None, 1, 1, "1.50"),
        ("2021-05", "personalised_offers", "objected", "mug:1", None, 1, 1, "4.00")]


def test_who_took_the_coupon_and_withdrew_within_days(own):
    """Counted to the microsecond from delivery to the no; costs that came before it."""
    s = own()
    publish(s, incentive("coupon", "coupon", value="5.00", recurrence={"times": 9, "per": "ever"}))
    publish(s, incentive("mug", "gift", value="4.00"))
    names = ["W-%d" % i for i in range(6)]
    people(s, *names)
    words, gifts = [], []

    def left(who, no):
        words.append(yes("y" + who, who, "2019-01-01T10:00:00Z", source="till"))
        words.append(dict(topic="personalised_offers", id="n" + who, who=who, said="W", when=no))

    def got(who, delivered, gift="coupon", **more):
        gifts.append(dict(id="g%d" % len(gifts), who=who, gift=gift, delivered=delivered, **more))
    left("W-0", "2019-02-02T10:00:00Z")
    got("W-0", "2019-02-01T10:00:00Z", redeemed="2019-02-01T11:00:00Z")    # a day, to the end
    left("W-1", "2019-02-02T10:00:00Z")
    got("W-1", "2019-02-01T09:59:59Z", redeemed="2019-02-02T10:00:01Z")    # a second more
    left("W-2", "2019-02-09T10:00:00Z")                                    # three, one person
    got("W-2", "2019-02-08T10:00:00Z")
    got("W-2", "2019-02-08T12:00:00Z", redeemed="2019-02-08T13:00:00Z")
    got("W-2", "2019-02-09T09:00:00Z")
    left("W-3", "2019-02-05T10:00:00Z")                                    # after the no: no row
    left("W-4", "2019-02-20T10:00:00Z")
    got("W-4", "2019-02-01T10:00:00Z", gift="mug", reversed="2019-02-02T10:00:00Z", cause="error")
    words.append(yes("yW-5", "W-5", "2019-01-01T10:00:00Z", source="till"))   # stays
    bring(s, "consents", words)
    got("W-5", "2019-02-01T10:00:00Z")
    bring(s, "benefits", gifts)
    got = rows(s, "withdrawals", "period", "incentive", "within_days", "count", "people",
               "cost", "currency", **SPAN)
    assert got == [
        ("2019-02", "coupon:1", 1, 4, 2, "10.00", "EUR"),
        ("2019-02", "coupon:1", 7, 1, 1, "0.00", "EUR"),
        ("2019-02", "mug:1", 30, 1, 1, "0.00", "EUR")]
    body = report(s, "withdrawals", **dict(SPAN, **{"from": "1960-01-01T00:00:00Z"})).json()
    assert len(body["rows"]) == 3
    assert [(t.get("incentive"), t.get("within_days"), t["count"], t["people"], t["cost"])
            for t in body["totals"]] == [
        ("coupon:1", 1, 4, 2, "10.00"), ("coupon:1", 7, 1, 1, "0.00"),
        ("mug:1", 30, 1, 1, "0.00"), (None, None, 6, 4, "10.00")]
    # The same totals in place of the rows, for a spreadsheet.
    table = list(csv.DictReader(io.StringIO(report(
        s, "withdrawals", "text/csv", totals="true", **SPAN).text)))
    assert [(t["incentive"], t["within_days"], t["people"]) for t in table] == [
        ("coupon:1", "1", "2"), ("coupon:1", "7", "1"), ("mug:1", "30", "1"), ("", "", "4")]
    problem(s.http("GET", "/v1/reports/value?totals=maybe", s.keys["officer"], headers=STAFF),
            422, "bad-value")


def test_value_given_against_value_estimated(shop_of_five):
    got = rows(shop_of_five, "value", "period", "status", "incentive", "count", "cost",
               "estimate", **SPAN)
    assert got == [
        ("2019-04", "promised", "mug:1", 1, "0.00", None),
        ("2019-04", "promised", "points:1", 1, "0.00", None),
        ("2019-04", "delivered", "points:1", 1, "1.50", "0.75"),
        ("2019-05", "promised", "coupon:1", 1, "0.00", None),
        ("2019-05", "delivered", "coupon:1", 1, "0.00", None),
        ("2019-06", "promised", "coupon:1", 1, "0.00", None),
        ("2019-06", "delivered", "mug:1", 1, "4.00", None),
        ("2019-06", "delivered", "points:1", 1, "1.50", "0.75"),
        ("2019-06", "reversed", "coupon:1", 1, "0.00", None),
        ("2019-07", "delivered", "mug:1", 1, "4.00", None),
        ("2019-08", "reversed", "mug:1", 1, "-4.00", None),
        ("2020-01", "promised", "points:1", 1, "0.00", None),
        ("2020-06", "redeemed", "coupon:1", 1, "5.00", None)]
    # All in all: 1.50 + 5.00 + 4.00 + 1.50, and R-4's mug came back.
    assert sum(float(x[4]) for x in got) == 12.0
    # Each version in sum: how many were delivered, to how many, what they cost, what
    # their data is worth and by which method; and the ratio, of those with an estimate.
    body = report(shop_of_five, "value", **SPAN).json()
    assert [tuple(t.get(c) for c in ("incentive", "count", "people", "cost", "estimate",
                                     "estimate_method", "ratio", "currency"))
            for t in body["totals"]] == [
        ("coupon:1", 1, 1, "5.00", None, None, None, "EUR"),
        ("mug:1", 2, 2, "4.00", None, None, None, "EUR"),
        ("points:1", 2, 2, "3.00", "1.50", "revenue", "2.00", "EUR"),
        (None, 5, 4, "12.00", "1.50", None, "2.00", "EUR")]


def test_reports_say_what_they_are(shop_of_five):
    """Title, units and what each column means, in two languages; a table for people."""
    s = shop_of_five
    for name in ("consents", "ask-again", "consent-history", "withdrawals", "value", "promises",
                 "profitability"):
        body = report(s, name, **SPAN).json()
        spanish = report(s, name, language="es", **SPAN).json()
        assert body["title"] != spanish["title"] and spanish["legend"].keys() == \
            body["legend"].keys()
        assert all(body["legend"][k] != spanish["legend"][k] for k in body["legend"])
        # No column stands in a row that the legend does not tell of.
        for r in body.get("rows", []) + body.get("totals", []):
            assert set(r) <= set(body["legend"]), r
        money = set(body["legend"]) & {"cost", "margin"}
        assert (body.get("currency") == "EUR") == bool(money)
    out = s.cli("report", "value", "--controller", "acme", "--language", "es", "--from",
                "2019-01-01", "--to", "2024-01-01")
    assert out.startswith("Valor entregado frente al valor estimado de los datos\n"), out
    total = out.split("\nEn total\n")[1].splitlines()
    assert total[2].split() == ["-", "personalised_offers", "-", "points:1", "2", "2", "3.00",
                                "1.50", "revenue", "2.00", "EUR"]
    assert total[3].split() == ["-", "-", "-", "-", "5", "4", "12.00", "1.50", "-", "2.00", "EUR"]
    p = s.popen("env", "LC_ALL=es_ES.UTF-8", s.bin + "/resguardo", "report", "value",
                "--controller", "acme", "--state", s.state, stdout=subprocess.PIPE, text=True)
    assert p.communicate()[0].startswith("Valor entregado frente") and p.returncode == 0
    assert "cómo se estimó" in out and len({len(x) for x in total[:4]}) == 1
    out = s.cli("report", "value", "--controller", "acme", "--csv", "--totals", "--from",
                "2019-01-01", "--to", "2024-01-01")
    assert len(out.splitlines()) == 5 and out.splitlines()[4].startswith(",,,,,,,5,12.00,1.50,,2.00")


def test_promises_kept_late_and_overdue(shop_of_five):
    """By the month in which each was due, at what it is worth."""
    s = shop_of_five
    assert rows(s, "promises", "period", "status", "incentive", "count", "cost", **SPAN) == [
        ("2019-04", "kept", "points:1", 1, "1.50"),
        ("2019-04", "late", "mug:1", 1, "4.00"),
        ("2019-05", "late", "coupon:1", 1, "5.00"),
        ("2019-06", "gone", "coupon:1", 1, "5.00"),
        ("2020-01", "overdue", "points:1", 1, "1.50")]
    who = s.person(consents=["personalised_offers"])
    assert give(s, who, "promise", incentive="mug").status == 200
    assert [x[0] for x in rows(s, "promises", "status")] == ["waiting"]
    out = s.cli("report", "promises", "--controller", "acme", "--from", "2020-01-01", "--to",
                "2020-12-31", "--csv")
    assert out.splitlines()[1:] == [
        "2020-01,personalised_offers,,overdue,,,points:1,1,1.50,,,,,1,,,,,EUR"]


def metric(s, name):
    return int(re.search("^%s ([0-9]+)$" % name, s.metrics().text, re.M).group(1))


def hold(s, table):
    """A transaction that lets nobody read the table until it is told to end."""
    held = s.popen(PG + "/psql", "-h", s.state + "/run", "-U", "postgres", "-XAtq", "resguardo",
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    held.stdin.write("BEGIN; LOCK TABLE %s; SELECT 'locked';\n" % table)
    held.stdin.flush()
    assert held.stdout.readline() == "locked\n"
    return held


def test_reports_hold_up_nobody_else(own):
    """More of them than there are workers for; notices are read meanwhile."""
    s = own()
    s.person(consents=["segmentation"])
    held = hold(s, "benefit_event")
    with ThreadPoolExecutor(5) as pool:
        reports = [pool.submit(report, s, "value") for _ in range(5)]
        while int(s.sql("SELECT count(*) FROM pg_stat_activity"
                        " WHERE wait_event_type = 'Lock'")) < 2:
            pass
        assert s.http("GET", "/v1/notices", s.keys["officer"], headers=STAFF).status == 200
        assert not any(r.done() for r in reports)
        held.communicate("COMMIT;\n")
        assert [r.result().json()["people"] for r in reports] == [1] * 5


def test_long_reports_say_how_far_they_are(own):
    """A report that is held up tells so, and goes on when it can."""
    s = own()
    for _ in range(3):
        s.person(consents=["segmentation"])
    blocks = metric(s, "resguardo_vault_scanned_blocks_total")
    rows_ = metric(s, "resguardo_vault_scanned_rows_total")
    held = hold(s, "subject")
    p = s.popen(s.bin + "/resguardo", "report", "consents", "--controller", "acme", "--csv",
                "--state", s.state, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = p.stderr.readline()
    assert re.match(r"(0 %, )?0 rows, 0 a second", line), line
    held.communicate("COMMIT;\n")
    out, _ = p.communicate()
    assert p.returncode == 0 and out.splitlines()[1:] == [",segmentation,,given,,,,3" + 11 * ","], out
    assert metric(s, "resguardo_vault_scans_running") == 0
    assert metric(s, "resguardo_vault_scanned_blocks_total") > blocks
    assert metric(s, "resguardo_vault_scanned_rows_total") == rows_ + 3


def again(s, form="application/json", key="officer", headers=STAFF, **query):
    q = "&".join("%s=%s" % x for x in query.items())
    return s.http("GET", "/v1/reports/ask-again/people" + ("?" + q if q else ""), s.keys[key],
                  headers=dict(headers, Accept=form))


def test_people_to_ask_again_one_by_one(own):
    s = own()
    n = 25
    who = [s.person(consents=["segmentation"]) for _ in range(n)]
    for w in who[:20]:       # holds two years
        assert s.consent(w, "give", "advertising_audiences", channel="ads").status == 200
    for w in who[:3]:
        assert s.consent(w, "withdraw", "advertising_audiences", channel="ads").status == 200
    r = again(s)
    assert r.status == 200 and r.json().get("people", []) == [], r
    assert r.json()["looked_at"] == n and "next" not in r.json()
    got = again(s, to="2099-01-01T00:00:00Z").json()["people"]
    assert sorted(x["subject"] for x in got) == sorted(who[3:20])
    assert {(x["purpose"], x["channel"], x["status"]) for x in got} == {
        ("advertising_audiences", "ads", "given")}
    assert all(x["since"] < x["until"] for x in got)
    # In pages, as CSV and NDJSON: everybody once, nobody else, each page an entry.
    for form in ("text/csv", "application/x-ndjson"):
        seen, cursor, pages = [], {}, 0
        before = s.entries()
        while True:
            r = again(s, form, to="2099-01-01T00:00:00Z", limit=5, **cursor)
            assert r.status == 200, r
            pages += 1
            if form == "text/csv":
                page = [x["subject"] for x in csv.DictReader(io.StringIO(r.text))]
            else:
                page = [json.loads(x)["subject"] for x in r.text.splitlines()]
            assert len(page) <= 5
            seen += page
            if "Resguardo-Next" not in r.headers:
                break
            cursor = {"cursor": r.headers["Resguardo-Next"]}
            if pages == 1:      # somebody comes, somebody goes: nobody else moves
                s.person(consents=["segmentation"])
                gone = [w for w in who[3:20] if w not in seen][0]
                assert s.consent(gone, "withdraw", "advertising_audiences",
                                 channel="ads").status == 200
        assert len(seen) == len(set(seen)) and set(seen) == set(who[3:20]) - {gone}
        assert s.entries() == before + pages + 2
        assert s.consent(gone, "give", "advertising_audiences", channel="ads").status == 200
    # A new notice asks everybody again, now.
    assert s.notice(version=2, ask_again_from="2020-01-02", **{"from": "2020-01-01"}) is not None
    s.restart()
    reasons = {x["status"] for x in again(s).json().get("people", [])}
    assert reasons <= {"requested"}
    # The page says how many it names; the log holds a root over them.
    people = {x["subject"] for x in again(s, to="2099-01-01T00:00:00Z").json()["people"]}
    r = s.http("GET", "/v1/audit?limit=1", s.keys["officer"], headers=STAFF)
    last = [e for e in r.json()["entries"] if e["action"] == "report_people"]
    assert not last or last[0]["people"] == len(people)


def test_who_may_see_them(stack):
    problem(again(stack, headers={}), 403, "context-required")
    for key in ("till", "service", "tool"):
        r = again(stack, key=key, headers=dict(STAFF, **TILL))
        assert r.status == 403, r
    assert again(stack, key="officer-other").json().get("people", []) == []
    problem(again(stack, limit=0), 422, "bad-value")
    problem(again(stack, limit=1001), 422, "bad-value")
    problem(again(stack, cursor="AAAA"), 400, "bad-cursor")


def test_a_touched_header_names_nobody(own):
    """One row of another time, and no page is given out that passes it."""
    s = own()
    who = s.person(consents=["segmentation"])
    s.sql("CREATE TABLE old AS SELECT * FROM subject")
    assert s.consent(who, "withdraw", "segmentation").status == 200
    assert again(s).status == 200
    s.sql("UPDATE subject s SET header = o.header FROM old o WHERE o.subject_id = s.subject_id")
    problem(again(s), 500, "integrity-failure")
