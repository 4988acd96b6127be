"""How often a thing is given, and what was given before it was brought in."""
import datetime

from refuse import STAFF, problem
from test_benefits import give, incentive, publish
from test_import_past import benefits, looked, people, rows_of, with_yes


def often(s, name, times, per, **more):
    publish(s, incentive(name, "gift", value="1.50", recurrence={"times": times, "per": per},
                         **more))


def over(s, name):
    """The officers' report of what came in beyond its limit: (month, status, count, cost)."""
    r = s.http("GET", "/v1/reports/over-limit?from=2018-01-01T00:00:00Z", s.keys["officer"],
               headers=STAFF)
    assert r.status == 200, r
    return [(x["period"], x["status"], x["count"], x["cost"]) for x in r.json().get("rows", [])
            if x["incentive"].startswith(name + ":")]


def test_what_was_given_too_often_comes_in_and_is_told(stack):
    """It cannot be un-given; it is marked, in the summary, the list and the report."""
    s = stack
    who = with_yes(s, "L-1", "L-2")
    often(s, "l-batteries", 2, "month")

    def battery(n, when, who="L-1", **more):
        return dict(dict(id="l%d" % n, who=who, gift="l-batteries", delivered=when), **more)
    rows = [battery(1, "2019-06-01T00:00:00Z"), battery(2, "2019-06-15T10:00:00Z"),
            battery(3, "2019-06-30T21:59:59Z"),         # still June in Madrid
            battery(4, "2019-06-30T22:00:00Z"),         # July
            battery(5, "2019-07-31T10:00:00Z"),
            battery(6, "2019-05-31T21:59:59Z"),         # May, and later in the file
            battery(7, "2019-06-20T10:00:00Z", who="L-2"),
            # Taken back at once it is not given: the next one is within its limit.
            battery(8, "2019-08-01T10:00:00Z"),
            battery(9, "2019-08-02T10:00:00Z", reversed="2019-08-03T10:00:00Z", cause="error"),
            battery(10, "2019-08-04T10:00:00Z"),
            # By when it was promised, wherever the line stands.
            battery(11, "2019-07-02T10:00:00Z", promised="2019-06-29T10:00:00Z",
                    redeemed="2019-07-09T10:00:00Z")]
    noted = [(3, "over-limit", "incentive"), (11, "over-limit", "incentive")]
    assert looked(s, "benefits", rows) == ([], noted, (11, 11, 0, 0))
    marked = sorted(b["time"] for b in benefits(s, who["L-1"]) if b.get("over_limit"))
    assert marked == ["2019-06-29T10:00:00Z", "2019-06-30T21:59:59Z"], marked
    assert not [b for b in benefits(s, who["L-2"]) if "over_limit" in b]
    expected = [("2019-06", "promised", 1, "0.00"), ("2019-06", "delivered", 1, "1.50"),
                ("2019-07", "delivered", 1, "1.50"), ("2019-07", "redeemed", 1, "0.00")]
    assert over(s, "l-batteries") == expected
    # Again, and line by line: told the same, and nothing is added.
    before = rows_of(s)
    assert looked(s, "benefits", rows) == ([], noted, (11, 0, 11, 0))
    assert rows_of(s) == before and over(s, "l-batteries") == expected
    assert looked(s, "benefits", rows[2:3]) == ([], [(1,) + noted[0][1:]], (1, 0, 1, 0))
    # What has a limit for life, and what says none: once.
    often(s, "l-ever", 1, "ever")
    rows = [dict(id="e%d" % i, who="L-1", gift=gift, delivered="20%d-02-01T00:00:00Z" % (19 + i))
            for i, gift in enumerate(("l-ever", "l-ever"))]
    assert looked(s, "benefits", rows)[1] == [(2, "over-limit", "incentive")]


def test_what_was_brought_in_counts_for_what_is_given_now(stack):
    s = stack
    who = people(s, "M-1", "M-2", "M-3")
    often(s, "m-year", 2, "year")
    for one in who.values():
        assert s.consent(one, "give").status == 200
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def gift(n, who, when=now):
        return dict(id="m%d" % n, who=who, gift="m-year", delivered=when)

    def live(one):
        return give(s, who[one], "deliver", incentive="m-year")
    # M-1 has had one this year, M-2 both, M-3 one more than both.
    rows = [gift(1, "M-1"), gift(2, "M-2"), gift(3, "M-2"), gift(4, "M-3"), gift(5, "M-3"),
            gift(6, "M-3")]
    assert looked(s, "benefits", rows)[1:] == (
        [(6, "over-limit", "incentive")], (6, 6, 0, 0))
    assert live("M-1").status == 200
    for one in ("M-1", "M-2", "M-3"):
        r = live(one)
        assert problem(r, 422, "incentive-unfit")["clause"] == "incentive:recurrence", r
    # And what was given here counts for what is brought in after.
    assert looked(s, "benefits", [gift(7, "M-1")])[1] == [(1, "over-limit", "incentive")]
    assert looked(s, "benefits", [gift(8, "M-1", "2018-06-01T00:00:00Z")])[0] == [
        (1, "no-live-consent", "delivered_at")]
