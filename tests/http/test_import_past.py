"""What was said and given before, brought in: consents and benefits out of other systems."""
import json
import os
import random
import signal
import subprocess

import pytest

import shop
from refuse import STAFF, TILL, problem
from stack import CLONE, GID, UID, until
from test_benefits import incentive, points, publish, redeem
from test_import import tally

CONSENTS = {
    "title": "Answers", "what": "consents", "format": "ndjson", "origin": "crm",
    "person": {"field": "customer_number", "column": "who"}, "record": "id",
    "purpose": "topic", "channel": "by",
    "decision": {"column": "said", "values": {"Y": "give", "N": "refuse", "W": "withdraw",
                                              "O": "object"}},
    "time": {"column": "when", "format": "rfc3339"}, "notice": "notice",
    "notice_version": "version", "language": "language", "method": "method",
    "evidence": "proof", "source": "source", "words": "words",
}
SPOKEN = dict(CONSENTS, on_behalf="by_whom", relation="as_what")
FILED = dict(SPOKEN, attachment="file", media_type="kind")
BENEFITS = {
    "title": "Gifts", "what": "benefits", "format": "ndjson", "origin": "loyalty",
    "person": {"field": "customer_number", "column": "who"}, "record": "id",
    "incentive": "gift", "incentive_version": "version", "points": "points", "code": "code",
    "document": "ticket", "cause": "cause",
}
for step in ("promised", "delivered", "redeemed", "expired", "reversed"):
    BENEFITS[step + "_at"] = {"column": step, "format": "rfc3339"}
BENEFITS["until"] = {"column": "until", "format": "rfc3339"}
STATES = {k: v for k, v in BENEFITS.items() if not k.endswith("_at")}
STATES.update(state={"column": "state", "values": {"P": "promised", "D": "delivered",
                                                   "U": "redeemed"}},
              time={"column": "when", "format": "rfc3339"})

# Every column, empty where a line does not say: the reader wants them all.
NOTHING = dict(id="", who="", topic="", by="", said="", when="", notice="", version="",
               language="", method="checkbox", proof="", source="", words="", gift="",
               points="", code="", ticket="", cause="", promised="", delivered="",
               redeemed="", expired="", reversed="", until="", state="", by_whom="",
               as_what="", file="", kind="")


def lines(rows):
    return [dict(NOTHING, **r) for r in rows]


def bring(stack, what, rows, mapping=None, check=True, name=None, more=()):
    name = name or "%s-%d" % (what, stack.number())
    m = shop.write(stack, name + ".map.json",
                   [mapping or {"consents": CONSENTS, "benefits": BENEFITS}[what]])
    f = shop.write(stack, name + ".ndjson", lines(rows))
    return stack.cli("import", what, f, "--map", m, "--controller", "acme", "--basis",
                     "contract", "--rejects", os.path.join(stack.home, "state", name + ".rejects"),
                     *more, check=check)


def listed(stack, name):
    if not os.path.exists(os.path.join(stack.home, "state", name)):
        return []
    with open(os.path.join(stack.home, "state", name)) as f:
        got = [tuple(x.split(",")) for x in f.read().splitlines()]
    return [(int(n), why, member) for n, why, member in got if n.isdigit()]


def looked(stack, what, rows, **kw):
    """What stayed out: [(line, reason, member)]; what came in with something to look
    at; and the tally. How the program ends says whether all came in."""
    name = "%s-%d" % (what, stack.number())
    out = bring(stack, what, rows, check=False, name=name, **kw)
    bad, noted = (listed(stack, name + end) for end in (".rejects", ".rejects.noted"))
    counts = tally(out.stdout)
    assert out.returncode == (1 if bad else 0) and len(bad) == counts[3], out
    assert ("to look at, in lines that came in" in out.stdout) == bool(noted), out
    return bad, noted, counts


def rejects(stack, what, rows, **kw):
    bad, noted, counts = looked(stack, what, rows, **kw)
    assert noted == []
    return bad, counts


def people(stack, *names, **fields):
    return {n: stack.person(customer_number=n, **fields) for n in names}


def history(stack, who):
    r = stack.http("GET", "/v1/subjects/%s/consents/history" % who, stack.keys["officer"],
                   headers=STAFF)
    assert r.status == 200, r
    return r.json()["events"]


def state(stack, who):
    r = stack.http("GET", "/v1/subjects/%s/consents" % who, stack.keys["till"], headers=TILL)
    assert r.status == 200, r
    return {(g["purpose"], g.get("channel")): g["status"] for g in r.json().get("grants", [])}


def benefits(stack, who):
    r = stack.http("GET", "/v1/subjects/%s/benefits" % who, stack.keys["till"], headers=TILL)
    assert r.status == 200, r
    return r.json().get("benefits", [])


def rows_of(stack):
    """All that a second run could have added to."""
    return stack.shape() + stack.sql(
        "SELECT (SELECT count(*) FROM benefit_event), (SELECT count(*) FROM benefit_code),"
        " (SELECT count(*) FROM promise)")


def yes(id, who, when, topic="personalised_offers", **more):
    return dict(dict(id=id, who=who, topic=topic, said="Y", when=when, proof="original",
                     notice="privacy", version="1", language="es"), **more)


def test_examples_as_documented(own):
    """The files in docs/examples, one after the other, and all of it again."""
    s = own()
    publish(s, incentive("opening-balance", "points", points=1, value="0.01"))
    publish(s, incentive("voucher-5", "coupon", value="5.00", deliver_days=30))

    def example(name):
        to = os.path.join(s.home, name)
        subprocess.run(["cp", os.path.join(CLONE, "docs", "examples", name), to], check=True)
        os.chown(to, UID, GID)
        return to
    total = []
    for again in (False, True):
        for what, name in (("customers", "customers.csv"), ("consents", "consents.csv"),
                           ("benefits", "benefits.ndjson")):
            n = sum(1 for _ in open(example(name))) - (not name.endswith("json"))
            got = tally(s.cli("import", what, example(name), "--map",
                              example(what + ".map.json"), "--controller", "acme", "--basis",
                              "contract"))
            assert got == ((n, 0, n, 0) if again else (n, n, 0, 0)), (what, got)
        total.append(rows_of(s))
    assert total[0] == total[1]
    r = s.http("POST", "/v1/subjects/lookup", s.keys["till"], headers=TILL, json={
        "field": "customer_number", "value": "C900001", "purpose": "loyalty_account"})
    who = r.json()["matches"][0]["subject"]
    assert points(s, who)["balance"] == 320
    assert sorted((b["incentive"], b["status"]) for b in benefits(s, who)) == [
        ("opening-balance", "delivered"), ("voucher-5", "delivered"),
        ("voucher-5", "redeemed")]


def test_each_word_is_kept_with_its_evidence(stack):
    """Date, notice version, grade, reference: as the file says, and sealed."""
    names = people(stack, "P-ev")
    rows = [
        yes("e1", "P-ev", "2019-02-03T10:00:00Z", by="", words="Sí, quiero"),
        yes("e2", "P-ev", "2020-02-03T10:00:00Z", topic="marketing", by="email",
            proof="declared", notice="", version="", language=""),
        dict(id="e3", who="P-ev", topic="personalised_offers", said="W",
             when="2021-02-03T10:00:00Z"),
    ]
    assert tally(bring(stack, "consents", rows)) == (3, 3, 0, 0)
    got = history(stack, names["P-ev"])
    assert [(g["status"], g["time"][:10], g.get("notice_version"), g.get("evidence"),
             g["source"], g["record"]) for g in got] == [
        ("given", "2019-02-03", 1, "original", "import", "crm:e1"),
        ("given", "2020-02-03", None, "declared", "import", "crm:e2"),
        ("withdrawn", "2021-02-03", None, None, "import", "crm:e3")]
    assert got[0]["sha256"] and got[0]["words"] == "Sí, quiero"
    assert state(stack, names["P-ev"]) == {("personalised_offers", None): "withdrawn",
                                           ("marketing", "email"): "given"}
    # The person sees the same.
    r = stack.http("GET", "/v1/subjects/%s/consents/history" % names["P-ev"],
                   stack.customer(names["P-ev"]))
    assert [g["record"] for g in r.json()["events"]] == ["crm:e1", "crm:e2", "crm:e3"], r


def test_twice_is_once_whatever_came_between(stack):
    """A line is known again by its reference: nothing it says happens twice."""
    names = people(stack, "P-tw")
    who = names["P-tw"]
    rows = [dict(id="t1", who="P-tw", topic="personalised_offers", said="W",
                 when="2018-01-01T00:00:00Z"),
            dict(id="t2", who="P-tw", topic="personalised_offers", said="W",
                 when="2018-06-01T00:00:00Z"),
            yes("t3", "P-tw", "2019-01-01T00:00:00Z")]
    assert tally(bring(stack, "consents", rows)) == (3, 3, 0, 0)
    assert state(stack, who) == {("personalised_offers", None): "given"}
    before = rows_of(stack)
    # The old withdrawals do not come true again.
    assert tally(bring(stack, "consents", rows)) == (3, 0, 3, 0)
    assert tally(bring(stack, "consents", rows[::-1])) == (3, 0, 3, 0)
    assert rows_of(stack) == before
    # What the person says now stands above all that is brought in later.
    assert stack.consent(who, "withdraw").status == 200
    more = rows + [yes("t4", "P-tw", "2020-01-01T00:00:00Z")]
    assert tally(bring(stack, "consents", more)) == (4, 1, 3, 0)
    assert state(stack, who) == {("personalised_offers", None): "withdrawn"}
    # Of another system the same reference is another line.
    other = dict(CONSENTS, origin="elsewhere")
    assert tally(bring(stack, "consents", rows[:1], mapping=other)) == (1, 1, 0, 0)


def test_a_reference_means_one_thing(stack):
    """Other contents under it are refused, whichever part differs: in the same page or in
    another run."""
    people(stack, "P-rd", "P-rd2")
    row = yes("r1", "P-rd", "2019-01-01T00:00:00Z", source="paper", words="Sí")
    others = [dict(row, when="2019-01-02T00:00:00Z"), dict(row, said="N"),
              dict(row, topic="marketing", by="email"), dict(row, by="post"),
              dict(row, proof="copy"), dict(row, source="phone"), dict(row, words="Bueno"),
              dict(row, method="button"), dict(row, language="en"), dict(row, notice="other")]
    expected = [(n, "record-differs", "record") for n in range(2, 2 + len(others))]
    assert rejects(stack, "consents", [row] + others) == (
        expected, (1 + len(others), 1, 0, len(others)))
    assert rejects(stack, "consents", [row] + others) == (
        expected, (1 + len(others), 0, 1, len(others)))
    # What a line leaves open says nothing else; of somebody else it is another line.
    less = dict(row, version="", language="", words="", source="", method="")
    assert rejects(stack, "consents", [less, dict(row, who="P-rd2")]) == ([], (2, 1, 1, 0))
    assert [h["status"] for h in history(stack, people_of(stack, "P-rd"))] == ["given"]


def people_of(stack, number):
    r = stack.http("POST", "/v1/subjects/lookup", stack.keys["till"], headers=TILL, json={
        "field": "customer_number", "value": number, "purpose": "loyalty_account"})
    return r.json()["matches"][0]["subject"]


def test_bad_words_stay_out_with_their_reason(stack):
    """Each fault by itself; the good lines between them come in."""
    people(stack, "P-bad")
    people(stack, "P-kid", birth_date="2019-05-05")
    good = yes("g1", "P-bad", "2019-01-01T00:00:00Z")
    when = "2019-01-01T00:00:00Z"
    faults = [
        (dict(good, topic="no_such"), "unknown-purpose", "purpose"),
        (dict(good, by="pigeon"), "bad-value", "channel"),
        (dict(good, notice="never"), "unknown-notice", "notice"),
        (dict(good, version="7"), "unknown-notice", "notice"),
        (dict(good, language="fr"), "unknown-notice", "notice"),
        (dict(good, notice="", version="", language=""), "missing-member", "notice"),
        (dict(good, when="2014-12-31T00:00:00Z"), "notice-unfit", "time"),
        (dict(good, when="2099-01-01T00:00:00Z"), "bad-value", "time"),
        (dict(good, when=""), "missing-member", "time"),
        (dict(good, when="yesterday"), "bad-value", "time"),
        (dict(good, said=""), "missing-member", "decision"),
        (dict(good, said="perhaps"), "bad-value", "decision"),
        (dict(good, who="P-nobody"), "not-found", "customer_number"),
        (dict(good, who=""), "missing-person", "customer_number"),
        (dict(good, id=""), "missing-member", "record"),
        (dict(good, id="x" * 129), "too-large", "record"),
        (dict(good, proof=""), "missing-member", "evidence"),
        (dict(good, proof="rumour"), "bad-value", "evidence"),
        (dict(good, source="pigeon"), "bad-value", "source"),
        (dict(good, version="1.5"), "bad-value", "notice_version"),
        (dict(good, topic="dietary_service", method="silence"), "explicit-consent-required",
         "method"),
        (dict(good, who="P-kid", when="2024-01-01T00:00:00Z"), "guardian-required",
         "purpose"),
        (dict(good, who="P-kid", when="2024-01-01T00:00:00Z", topic="marketing", by="email"),
         "guardian-required", "on_behalf"),
    ]
    rows, expected = [], []
    for i, (row, why, member) in enumerate(faults):
        rows += [dict(row, id=row["id"] if row["id"] != "g1" else "f%d" % i),
                 dict(good, id="ok%d" % i, when="2019-01-01T00:%02d:00Z" % i)]
        expected.append((2 * i + 1, why, member))
    got, counts = rejects(stack, "consents", rows)
    assert got == expected, [x for x in zip(got, expected) if x[0] != x[1]]
    assert counts == (2 * len(faults), len(faults), 0, len(faults))
    assert when not in json.dumps(got)
    assert len(history(stack, people_of(stack, "P-bad"))) == len(faults)
    assert state(stack, people_of(stack, "P-kid")) == {}
    # A file that leaves the answer to be assumed is no mapping at all.
    for bad in (dict(CONSENTS, decision={"constant": "give"}),
                {k: v for k, v in CONSENTS.items() if k != "decision"},
                {k: v for k, v in CONSENTS.items() if k != "record"},
                {k: v for k, v in CONSENTS.items() if k != "time"},
                dict(CONSENTS, colour="red"), BENEFITS):
        done = bring(stack, "consents", [good], mapping=bad, check=False)
        assert done.returncode == 1 and "read" not in done.stdout, done


@pytest.fixture(scope="module")
def offers(stack):
    often = {"recurrence": {"times": 100, "per": "ever"}}
    publish(stack, incentive("p-points", "points", points=100, value="1.00", deliver_days=10,
                             valid_days=365, **often))
    publish(stack, incentive("p-coupon", "coupon", value="5.00", deliver_days=10, **often))
    publish(stack, incentive("p-mug", "gift", value="4.00", deliver_days=10, **often))
    publish(stack, incentive("p-dated", "gift", **{"from": "2020-01-01", "until": "2020-12-31"}))
    return stack


def with_yes(stack, *names):
    """People who said yes in 2019, and no from 2022 on."""
    who = people(stack, *names)
    bring(stack, "consents", [yes("y-" + n, n, "2019-01-01T00:00:00Z") for n in names] + [
        dict(id="w-" + n, who=n, topic="personalised_offers", said="W",
             when="2022-01-01T00:00:00Z") for n in names])
    return who


def overdue(s, who):
    r = s.http("GET", "/v1/benefits/overdue?purpose=oversight", s.keys["officer"],
               headers=STAFF)
    assert r.status == 200, r
    return [x["due"][:10] for x in r.json().get("promises", []) if x["subject"] == who]


def test_benefits_come_in_at_their_own_time(offers):
    s = offers
    who = with_yes(s, "B-1")["B-1"]
    rows = [
        dict(id="b1", who="B-1", gift="p-points", promised="2019-06-01T10:00:00Z",
             delivered="2019-06-03T10:00:00Z", until="2035-01-01T00:00:00Z", points="320"),
        dict(id="b2", who="B-1", gift="p-points", delivered="2019-06-03T10:00:00Z"),
        dict(id="b3", who="B-1", gift="p-coupon", promised="2019-07-01T10:00:00Z",
             delivered="2019-07-02T10:00:00Z", redeemed="2023-07-03T10:00:00Z",
             ticket="T-1", code="old-0001"),
        dict(id="b4", who="B-1", gift="p-mug", promised="2019-08-01T10:00:00Z"),
        dict(id="b5", who="B-1", gift="p-mug", delivered="2019-08-01T10:00:00Z",
             reversed="2019-08-09T10:00:00Z", cause="return"),
    ]
    assert tally(bring(s, "benefits", rows)) == (5, 5, 0, 0)
    assert sorted((b["time"][:10], b["incentive"], b["status"]) for b in benefits(s, who)) == [
        ("2019-06-01", "p-points", "delivered"), ("2019-06-03", "p-points", "expired"),
        ("2019-07-01", "p-coupon", "redeemed"), ("2019-08-01", "p-mug", "promised"),
        ("2019-08-01", "p-mug", "reversed")]
    assert all(b["consent_sequence"] == 1 for b in benefits(s, who))
    p = points(s, who)
    assert (p["balance"], p["expired"], p["earned"]) == (320, 100, 420)
    # A promise of then that nobody kept is overdue now.
    assert overdue(s, who) == ["2019-08-11"]
    before = rows_of(s)
    assert tally(bring(s, "benefits", rows)) == (5, 0, 5, 0)
    assert rows_of(s) == before
    # It goes on where it was: delivered at last, in the other system.
    rows[3] = dict(rows[3], delivered="2021-12-30T10:00:00Z")
    assert tally(bring(s, "benefits", rows)) == (5, 1, 4, 0)
    assert overdue(s, who) == []


def test_a_line_a_state_tells_the_same(offers):
    s = offers
    who = with_yes(s, "B-st")["B-st"]
    rows = [dict(id="s1", who="B-st", gift="p-coupon", state="P", when="2019-06-01T10:00:00Z"),
            dict(id="s1", who="B-st", gift="p-coupon", state="D", when="2019-06-02T10:00:00Z"),
            dict(id="s1", who="B-st", gift="p-coupon", state="U", when="2019-06-03T10:00:00Z"),
            dict(id="s2", who="B-st", gift="p-mug", state="", when="2019-06-03T10:00:00Z"),
            dict(id="s2", who="B-st", gift="p-mug", state="Z", when="2019-06-03T10:00:00Z"),
            dict(id="s2", who="B-st", gift="p-mug", state="D", when="")]
    got, counts = rejects(s, "benefits", rows, mapping=STATES)
    assert counts == (6, 3, 0, 3)
    assert got == [(4, "missing-member", "state"), (5, "bad-value", "state"),
                   (6, "missing-member", "delivered_at")]
    assert [(b["incentive"], b["status"]) for b in benefits(s, who)] == [
        ("p-coupon", "redeemed")]
    assert s.sql("SELECT count(*) FROM promise WHERE subject_id = '%s'" % who) == "0"


def test_bad_benefits_stay_out_with_their_reason(offers):
    s = offers
    who = with_yes(s, "B-bad", "B-other")
    people(s, "B-never")
    bring(s, "consents", [dict(id="n-no", who="B-never", topic="personalised_offers", said="N",
                               when="2019-01-01T00:00:00Z")])
    ok = dict(who="B-bad", gift="p-mug", delivered="2019-06-01T00:00:00Z")
    used = dict(ok, gift="p-coupon", redeemed="2019-06-02T00:00:00Z")
    faults = [
        (dict(ok, gift="no-such"), "unknown-incentive", "incentive"),
        (dict(ok, version="9"), "unknown-incentive", "incentive"),
        (dict(ok, gift=""), "missing-member", "incentive"),
        (dict(ok, gift="p-dated"), "incentive-unfit", "incentive"),
        (dict(ok, who="B-never"), "no-live-consent", "delivered_at"),        # refused
        (dict(ok, delivered="2022-06-01T00:00:00Z"), "no-live-consent", "delivered_at"),
        (dict(ok, delivered="2018-06-01T00:00:00Z"), "no-live-consent", "delivered_at"),
        (dict(ok, promised="2018-06-01T00:00:00Z"), "no-live-consent", "promised_at"),
        (dict(ok, delivered="2099-01-01T00:00:00Z"), "bad-value", "delivered_at"),
        (dict(ok, promised="2019-07-01T00:00:00Z"), "bad-value", "delivered_at"),
        (dict(used, redeemed="2019-05-02T00:00:00Z"), "bad-value", "redeemed_at"),
        (dict(used, delivered=""), "benefit-state", "redeemed_at"),
        (dict(ok, delivered=""), "missing-member", "delivered_at"),
        (dict(ok, points="5"), "unknown-member", "points"),
        (dict(ok, gift="p-points", points="0"), "bad-value", "points"),
        (dict(ok, gift="p-points", redeemed="2019-06-02T00:00:00Z"), "benefit-state",
         "redeemed_at"),
        (dict(ok, gift="p-points", code="abcd1"), "unknown-member", "code"),
        (dict(ok, code="no!"), "bad-value", "code"),
        (dict(ok, who="P-nobody"), "not-found", "customer_number"),
        (dict(ok, id=""), "missing-member", "record"),
        (dict(ok, reversed="2019-06-02T00:00:00Z"), "missing-member", "cause"),
        (dict(ok, reversed="2019-06-02T00:00:00Z", cause="whim"), "bad-value", "cause"),
        (dict(ok, reversed="2022-06-02T00:00:00Z", cause="withdrawal"), "denied-by-policy",
         "cause"),
    ]
    rows, expected = [], []
    for i, (row, why, member) in enumerate(faults):
        rows += [dict(row, id=row.get("id", "f%d" % i)), dict(ok, id="ok%d" % i)]
        expected.append((2 * i + 1, why, member))
    got, counts = rejects(s, "benefits", rows)
    assert got == expected, [x for x in zip(got, expected) if x[0] != x[1]]
    assert counts == (2 * len(faults), len(faults), 0, len(faults))
    assert len(benefits(s, who["B-bad"])) == len(faults)


def test_a_benefit_under_one_reference_is_one(offers):
    s = offers
    who = with_yes(s, "B-ref")["B-ref"]
    ok = dict(id="r1", who="B-ref", gift="p-coupon", promised="2019-06-01T00:00:00Z",
              delivered="2019-06-02T00:00:00Z", until="2035-01-01T00:00:00Z",
              redeemed="2019-06-03T00:00:00Z", ticket="T-1", code="ref-1")
    back = dict(id="r2", who="B-ref", gift="p-mug", delivered="2019-06-02T00:00:00Z",
                reversed="2019-06-05T00:00:00Z", cause="return")
    others = [dict(ok, gift="p-mug"), dict(ok, version="2"), dict(ok, until="2036-01-01T00:00:00Z"),
              dict(ok, ticket="T-2"), dict(back, cause="fraud"), dict(ok, code="ref-2")]
    expected = [(n, "record-differs", "code" if n == 8 else "record") for n in range(3, 9)]
    assert rejects(s, "benefits", [ok, back] + others) == (expected, (8, 2, 0, 6))
    assert rejects(s, "benefits", [ok, back] + others) == (expected, (8, 0, 2, 6))
    # Another moment of what happened once is another thing that cannot follow it.
    for step in ("promised", "delivered", "redeemed"):
        moved = dict(ok, **{step: ok[step].replace(":00:00Z", ":00:01Z")})
        assert rejects(s, "benefits", [moved])[0] == [(1, "benefit-state", step + "_at")]
    # A line that leaves out what came before it, or after, says the same.
    assert rejects(s, "benefits", [dict(ok, promised="", redeemed="", ticket="", until="",
                                        code="")]) == ([], (1, 0, 1, 0))
    assert len(benefits(s, who)) == 2


def test_an_old_code_works_once_for_one(offers):
    """A code is used once, whichever line, person or till tries it again."""
    s = offers
    who = with_yes(s, "C-1", "C-2")
    rows = [
        dict(id="c1", who="C-1", gift="p-coupon", delivered="2019-06-01T00:00:00Z",
             redeemed="2019-06-02T00:00:00Z", code="Vale-77"),
        # Again, for another benefit; for another person; of the same one.
        dict(id="c2", who="C-1", gift="p-coupon", delivered="2019-06-01T00:00:00Z",
             redeemed="2019-06-03T00:00:00Z", code="VALE77"),
        dict(id="c3", who="C-2", gift="p-coupon", delivered="2019-06-01T00:00:00Z",
             redeemed="2019-06-03T00:00:00Z", code="vale 77"),
        dict(id="c1", who="C-1", gift="p-coupon", redeemed="2019-06-09T00:00:00Z",
             code="Vale-77"),
        dict(id="c1", who="C-1", gift="p-mug", delivered="2019-06-01T00:00:00Z"),
        dict(id="c4", who="C-2", gift="p-coupon", delivered="2019-06-01T00:00:00Z",
             code="vale-78"),
    ]
    expected = [(2, "already-exists", "code"), (3, "already-exists", "code"),
                (4, "benefit-state", "redeemed_at"), (5, "record-differs", "record")]
    got, counts = rejects(s, "benefits", rows)
    assert got == expected and counts == (6, 2, 0, 4)
    # The same over again, line by line, each in a page of its own.
    got = [x for i in range(6) for x in
           [(i + 1, *y[1:]) for y in rejects(s, "benefits", [rows[i]])[0]]]
    assert got == expected, got
    problem(redeem(s, "vale77"), 409, "benefit-state")
    # A till that lists what somebody has does not read their codes.
    r = s.http("GET", "/v1/subjects/%s/benefits" % who["C-2"], s.keys["till"], headers=TILL)
    assert r.status == 200 and "VALE" not in r.text, r
    r = s.http("GET", "/v1/subjects/%s/benefits" % who["C-2"], s.customer(who["C-2"]))
    assert [b["code"] for b in r.json()["benefits"]] == ["VALE78"], r
    # The one that was not used works at the till: for its own person, once.
    problem(redeem(s, "VALE-78", subject=who["C-1"]), 403, "code-of-another")
    r = redeem(s, "vale78", subject=who["C-2"])
    assert r.status == 200 and r.json()["status"] == "redeemed", r
    problem(redeem(s, "vale78", subject=who["C-2"]), 409, "benefit-state")
    problem(redeem(s, "vale79"), 404, "not-found")
    r = s.http("POST", "/v1/benefits/redeem", s.keys["till-other"], headers=TILL,
               json={"code": "vale78"})
    assert r.status == 404, r


def test_a_code_that_was_pointed_elsewhere(own):
    """The table only says where to look: the person's own ledger has to agree."""
    s = own()
    publish(s, incentive("p-coupon", "coupon", value="5.00"))
    who = with_yes(s, "C-1", "C-2")
    bring(s, "benefits", [
        dict(id="c1", who="C-1", gift="p-coupon", delivered="2019-06-01T00:00:00Z",
             code="vale-1"),
        dict(id="c2", who="C-2", gift="p-coupon", delivered="2019-06-01T00:00:00Z",
             code="vale-2")])
    s.sql("UPDATE benefit_code SET (subject_id, benefit) = (SELECT subject_id, benefit FROM"
          " benefit_code WHERE subject_id = '%s') WHERE subject_id = '%s'"
          % (who["C-2"], who["C-1"]))
    problem(redeem(s, "vale-1"), 500, "integrity-failure")


def made(seed, n):
    """n people, what they said and were given, and nothing twice."""
    rng = random.Random(seed)
    words, gifts = [], []
    for i in range(n):
        who, day = "H%05d" % i, 130
        words.append(yes("a%d-0" % i, who, "2019-01-01T00:00:00Z"))
        for k in range(1, 1 + rng.randrange(4)):
            day += rng.randrange(29, 300)
            when = "20%02d-%02d-%02dT00:00:00Z" % (19 + day // 336, 1 + day % 336 // 28,
                                                   1 + day % 28)
            topic = rng.choice(["personalised_offers", "market_research", "segmentation"])
            if rng.randrange(3):
                words.append(yes("a%d-%d" % (i, k), who, when, topic=topic))
            else:
                words.append(dict(id="a%d-%d" % (i, k), who=who, topic=topic, when=when,
                                  said=rng.choice("NW")))
        for k in range(rng.randrange(5)):
            g = dict(id="g%d-%d" % (i, k), who=who, gift=rng.choice(
                ["p-points", "p-coupon", "p-mug"]), promised="2019-02-%02dT00:00:00Z" % (1 + k))
            if rng.randrange(3):
                g["delivered"] = "2019-03-%02dT00:00:00Z" % (1 + k)
                if g["gift"] == "p-coupon" and rng.randrange(2):
                    g["redeemed"] = "2019-04-%02dT00:00:00Z" % (1 + k)
            gifts.append(g)
    return [{"number": "H%05d" % i, "name": "Ana", "yes": ""} for i in range(n)], words, gifts


def told(s, numbers):
    """What each of them said and has, without what differs from server to server."""
    out = []
    for n in numbers:
        who = people_of(s, n)
        out.append(([(h["status"], h["purpose"], h["time"], h["record"])
                     for h in history(s, who)], sorted(state(s, who).items(), key=str),
                    sorted((b["incentive"], b["status"], b["time"]) for b in benefits(s, who)),
                    points(s, who)["balance"]))
    return out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_resumed(own, how):
    """Cut off again and again, the same command goes on to the same end."""
    customers, words, gifts = made(5, 1500)
    servers = [own(), own()]
    for s in servers:
        for body in (incentive("p-points", "points", points=100, deliver_days=10),
                     incentive("p-coupon", "coupon", deliver_days=10),
                     incentive("p-mug", "gift", deliver_days=10)):
            publish(s, body)
        shop.customers(s, customers)
    s, other = servers
    rng = random.Random(11)
    for what, rows, mapping, table in (("consents", words, CONSENTS, "consent_event"),
                                       ("benefits", gifts, BENEFITS, "benefit_event")):
        m = shop.write(s, what + ".map.json", [mapping])
        f = shop.write(s, what + ".ndjson", lines(rows))
        # A chunk at a time, so that Ctrl-C leaves something to go on with.
        argv = ["import", what, f, "--map", m, "--controller", "acme", "--basis", "contract",
                "--window", "1"]
        count = "SELECT count(*) FROM " + table
        for cut in range(6):
            p = s.popen(s.bin + "/resguardo", *argv, "--state", s.state,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            goal = int(s.sql(count)) + rng.randrange(1, len(rows) // 5)
            if cut < 5:         # the last time it is left alone
                until("progress", lambda: p.poll() is not None or int(s.sql(count)) >= goal)
            if cut < 5 and p.poll() is None:
                p.send_signal(how)
            if p.wait() == 0:
                break
        assert p.returncode == 0 and cut >= 1, (p.returncode, cut)
        # All of it is there, before anybody brings it in again.
        assert tally(bring(other, what, rows)) == (len(rows), len(rows), 0, 0)
        assert s.sql(count) == other.sql(count)
        assert tally(s.cli(*argv)) == (len(rows), 0, len(rows), 0)
    some = ["H%05d" % i for i in range(0, 1500, 50)]
    assert told(s, some) == told(other, some)
    assert s.sql("SELECT count(*) FROM promise") == other.sql("SELECT count(*) FROM promise")
