"""Models, segments and members, for a marketing tool."""
import collections
import uuid

import pytest

import insight
import shop
from refuse import TILL, problem, refused


@pytest.fixture(scope="module")
def market():
    from stack import Stack
    with Stack.start() as s:
        s.people, s.tickets = shop.fill(s, 900, lambda i: i % 10 != 0)
        r = s.http("POST", "/v1/models", s.keys["tool"],
                   {"purpose": "segmentation", "as_of": "2026-07-01"})
        assert r.status == 201, r
        s.model = r.json()
        s.location = r.headers["Location"]
        yield s


def test_model(market):
    s, m = market, market.model
    assert s.location == "/v1/models/" + m["model"]
    assert (m["population"], m["currency"], m["zone"], m["bins"]) == \
        (810, "EUR", "Europe/Madrid", 5)
    for cuts in ("cuts_recency", "cuts_frequency", "cuts_monetary"):
        assert len(m[cuts]) == 4
    assert len(m["cells"]) == 125
    counts = [c["count"] for c in m["cells"] if "count" in c]
    assert min(counts) >= 10 and 0 < sum(counts) <= 810
    assert 810 - sum(counts) == 0 or 810 - sum(counts) >= 10    # nothing to be subtracted
    got = s.http("GET", s.location, s.keys["tool"]).json()
    got.pop("audit_entry")
    want = dict(m)
    want.pop("audit_entry", None)
    assert got == want
    r = s.http("GET", "/v1/models", s.keys["tool"])
    assert [x["model"] for x in r.json()["models"]] == [m["model"]], r
    assert s.http("GET", s.location, s.keys["officer"]).status == 200
    problem(s.http("GET", s.location, s.keys["tool-other"]), 404, "not-found")
    problem(s.http("GET", "/v1/models/" + str(uuid.uuid4()), s.keys["tool"]), 404, "not-found")
    assert s.http("GET", "/v1/models", s.keys["tool-other"]).json()["models"] == []


def test_segments(market):
    s = market
    r = s.http("GET", "/v1/segments", s.keys["tool"])
    assert [x["segment"] for x in r.json()["segments"]] == ["S%02d" % i for i in range(1, 11)]
    assert all("title" not in x for x in r.json()["segments"])     # judgements stay inside
    assert "Champions" in s.http("GET", "/v1/segments", s.keys["officer"]).text
    problem(s.http("GET", "/v1/segments", s.keys["till"], headers=TILL), 403,
            "denied-by-policy")


def test_members_three_formats(market):
    s = market
    path = "/v1/members?purpose=segmentation&model=" + s.model["model"]
    one, _ = insight.members(s, s.keys["tool"], path)
    assert one == insight.members(s, s.keys["tool"], path, "ndjson")[0]
    assert one == insight.members(s, s.keys["tool"], path, "csv")[0]
    counts = {(c["r"], c["f"], c["m"]): c["count"] for c in s.model["cells"] if "count" in c}
    got = collections.Counter((r, f, m) for _, r, f, m in one)
    assert got == counts
    assert all(len(p) == 32 for p, *_ in one)
    # Only those who agreed: the tenth did not.
    find = insight.by_number(s)
    yes = insight.pseudonyms(s, "aurora", [find(p["number"]) for p in s.people if p["yes"]])
    assert {p for p, *_ in one} <= set(yes.values())
    r = s.http("GET", path, s.keys["tool"], headers={"Accept": "text/csv"})
    assert r.headers.get_content_type() == "text/csv" and r.headers["Resguardo-Audit-Entry"]
    r = s.http("GET", path, s.keys["tool"], headers={"Accept": "application/x-ndjson"})
    assert r.headers.get_content_type() == "application/x-ndjson"
    problem(s.http("GET", path, s.keys["tool"], headers={"Accept": "image/png"}), 406,
            "not-acceptable")


def test_members_of_a_segment(market):
    s = market
    for code, rs, fs in (("S10", {5}, {4, 5}), ("S01", {1, 2}, {1, 2})):
        r = s.http("GET", "/v1/segments/%s/members?model=%s" % (code, s.model["model"]),
                   s.keys["tool"])
        assert r.status == 200 and r.json()["count"] >= 10, r
        assert {m["r"] for m in r.json()["members"]} <= rs
        assert {m["f"] for m in r.json()["members"]} <= fs
        cells = collections.Counter((m["r"], m["f"], m["m"]) for m in r.json()["members"])
        assert min(cells.values()) >= 10
    cell = max((c for c in s.model["cells"] if "count" in c), key=lambda c: c["count"])
    r = s.http("GET", "/v1/members?purpose=segmentation&model=%s&r=%d&f=%d&m=%d" % (
        s.model["model"], cell["r"], cell["f"], cell["m"]), s.keys["tool"])
    assert r.status == 200, r
    assert {(m["r"], m["f"], m["m"]) for m in r.json()["members"]} == \
        {(cell["r"], cell["f"], cell["m"])}, r
    small = next(c for c in s.model["cells"] if "count" not in c)
    problem(s.http("GET", "/v1/members?purpose=segmentation&model=%s&r=%d&f=%d&m=%d" % (
        s.model["model"], small["r"], small["f"], small["m"]), s.keys["tool"]), 403,
            "group-too-small")


def test_refusals(market):
    s = market
    path = "/v1/members?purpose=%s&model=" + s.model["model"]
    k = s.keys
    refused(s, 403, "denied-by-policy", "GET", path % "segmentation", k["till"], headers=TILL)
    refused(s, 403, "denied-by-policy", "GET", path % "market_research", k["tool"])
    refused(s, 422, "unknown-purpose", "GET", path % "telepathy", k["tool"])
    refused(s, 404, "not-found", "GET", path % "segmentation", k["tool-other"])
    refused(s, 404, "not-found", "GET", "/v1/segments/S99/members?model="
            + s.model["model"], k["tool"])
    refused(s, 400, "missing-member", "GET", "/v1/segments/S10/members", k["tool"])
    refused(s, 422, "bad-value", "GET", path % "segmentation" + "&r=99", k["tool"])
    refused(s, 422, "bad-value", "POST", "/v1/models", k["tool"],
            {"purpose": "segmentation", "as_of": "2026-02-30"})
    refused(s, 422, "bad-value", "POST", "/v1/models", k["tool"],
            {"purpose": "segmentation", "returns": "sometimes"})
    refused(s, 403, "purpose-not-registered", "POST", "/v1/models", k["tool"],
            {"purpose": "marketing"})
    refused(s, 403, "denied-by-policy", "GET", path % "segmentation", k["officer"])
    # Nobody agreed to advertising elsewhere.
    r = s.http("GET", path % "advertising_audiences", k["tool"])
    assert r.error in ("group-too-small", "empty-population", "denied-by-policy"), r
    # A person's field is never a tool's.
    who = s.sql("SELECT subject_id FROM subject LIMIT 1")
    refused(s, 403, "denied-by-policy", "GET",
            "/v1/subjects/%s?purpose=segmentation" % who, k["tool"])


def test_contract_ended(market):
    s = market
    s.cli("recipient", "add", "--controller", "acme", "--name", "brief", "--title", "Brief",
          "--country", "ES", "--contract", "C-9", "--expires", "2027-01-01")
    key = s.principal("tool-brief", "tool", ("segmentation",), recipient="brief")
    path = "/v1/members?purpose=segmentation&model=" + s.model["model"]
    assert s.http("GET", path, key).status == 200
    # Ended in the row itself, which its MAC shows: nobody's credential then.
    s.sql("UPDATE recipient SET contract_until = now() - interval '1 day' WHERE name = 'brief'")
    assert s.http("GET", path, key).status in (401, 403)


def test_release_is_audited_page_by_page(market):
    s = market
    before = s.entries()
    r = s.http("GET", "/v1/members?purpose=segmentation&model=" + s.model["model"],
               s.keys["tool"])
    e = s.http("GET", "/v1/audit?recipient=aurora&limit=5", s.keys["officer"])
    mine = [x for x in e.json()["entries"] if x["audit_entry"] == r.json()["audit_entry"]]
    assert mine and mine[0]["people"] == r.json()["count"], e
    assert s.entries() >= before + 2        # the release and its page


def test_flipped_page(market):
    """P8: a page that was altered at rest is not given."""
    s = market
    for table, column in (("release_page", "sealed"), ("release", "definition")):
        r = s.http("GET", "/v1/members?purpose=segmentation&model=" + s.model["model"],
                   s.keys["tool"])
        assert r.status == 200
    s.sql("CREATE TABLE kept_m AS SELECT * FROM model")
    s.sql("UPDATE model SET definition = set_byte(definition, 9, get_byte(definition, 9) # 1)")
    r = s.http("GET", "/v1/members?purpose=segmentation&model=" + s.model["model"],
               s.keys["tool"])
    assert (r.status, r.error) == (500, "integrity-failure"), r
    r = s.http("GET", s.location, s.keys["tool"])
    assert (r.status, r.error) == (500, "integrity-failure"), r
    s.sql("UPDATE model m SET definition = k.definition FROM kept_m k WHERE m.model = k.model")
    assert s.http("GET", s.location, s.keys["tool"]).status == 200
