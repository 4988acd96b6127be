"""A loyalty account over the whole server, and what benefits cost beside what was bought."""
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

import insight
from refuse import TILL
from test_benefits import buy, club, give, incentive, points, publish  # noqa: F401
from test_import_past import bring


# --- The account ---

def test_progress_to_the_next_reward(own):
    """"320 of 500 points", and never more than there are."""
    s = own()
    publish(s, incentive("p-320", "points", points=320))
    publish(s, incentive("p-200", "points", points=200))
    publish(s, incentive("lamp", "gift", value="9.00", price_points=500))
    publish(s, incentive("cup", "gift", value="2.00", price_points=100))
    who = s.person(consents=["personalised_offers"])

    def progress():
        return {r["incentive"]: (r["progress"], r["missing"]) for r in points(s, who)["rewards"]}
    assert progress() == {"lamp": ("0 / 500", 500), "cup": ("0 / 100", 100)}
    assert give(s, who, "promise", incentive="p-200").status == 200
    assert progress()["lamp"] == ("0 / 500", 500)       # promised is not there yet
    assert give(s, who, "deliver", incentive="p-320").status == 200
    assert progress() == {"lamp": ("320 / 500", 180), "cup": ("100 / 100", 0)}
    assert give(s, who, "spend", incentive="cup").status == 200
    assert progress() == {"lamp": ("220 / 500", 280), "cup": ("100 / 100", 0)}
    # A newer version counts, and one that is no longer offered is none to hope for.
    publish(s, incentive("lamp", "gift", value="9.00", price_points=250))
    publish(s, incentive("cup", "gift", value="2.00", price_points=100, until="2020-01-01"))
    assert progress() == {"lamp": ("220 / 250", 30)}


def test_what_lapses_warns_before(own):
    s = own()
    for days in (10, 200):
        publish(s, incentive("d%d" % days, "points", points=days, valid_days=days,
                             recurrence={"times": 2, "per": "ever"}))
    publish(s, incentive("ever", "points", points=1000))
    who = s.person(consents=["personalised_offers"], customer_number="L-1")
    for name in ("d200", "d10", "ever"):
        assert give(s, who, "deliver", incentive=name).status == 200
    p = points(s, who)
    assert p["balance"] == 1210
    # The first to lapse first; what has no end is in the balance alone.
    assert [(x["points"], x["warn"]) for x in p["expiring"]] == [(10, True), (200, False)]
    # What lapses first is spent first, and then nothing of it is left to warn of.
    assert give(s, who, "spend", points=15).status == 200
    assert [(x["points"], x["warn"]) for x in points(s, who)["expiring"]] == [(195, False)]
    # What has lapsed is gone from the balance without anybody's doing.
    other = s.person(customer_number="L-2", consents=[dict(
        purpose="personalised_offers", decision="give", time="2019-01-01T00:00:00Z",
        notice="privacy", notice_version=1, language="es", method="checkbox")])
    bring(s, "benefits", [dict(id="old", who="L-2", gift="d10",
                               delivered="2019-02-01T00:00:00Z"),
                          dict(id="new", who="L-2", gift="ever",
                               delivered="2019-02-01T00:00:00Z")])
    p = points(s, other)
    assert (p["balance"], p["earned"], p["expired"], p.get("expiring", [])) == (1000, 1010, 10, [])


@pytest.mark.parametrize("seed", range(4))
def test_balance_equals_the_ledger(club, seed):  # noqa: F811
    """Random histories: every answer's balance is what its history adds up to."""
    rng = random.Random(seed)
    publish(club, incentive("gift-70", "points", points=70,
                            recurrence={"times": 99, "per": "ever"}))
    publish(club, incentive("pen", "gift", price_points=40,
                            recurrence={"times": 99, "per": "ever"}))
    who = club.person(consents=["personalised_offers"])
    balance, given = 0, []
    for i in range(40):
        what = rng.choice(("buy", "buy", "return", "deliver", "promise", "spend", "reward",
                           "reverse", "again"))
        if what in ("buy", "return"):
            amount = rng.randrange(1, 60)
            line = {"kind": "purchase" if what == "buy" else "return", "item": "i",
                    "amount": "%d.%02d" % (amount, rng.randrange(100)), "document": "T%d" % i}
            balance += amount if what == "buy" else -amount
            buy(club, who, line)
            if rng.randrange(3) == 0:       # the till did not hear, and sends it again
                buy(club, who, line)
        elif what in ("deliver", "promise"):
            r = give(club, who, what, incentive="gift-70")
            assert r.status == 200, r
            given.append((r.json()["benefit"], what))
            balance += 70 if what == "deliver" else 0
        elif what == "again" and given:
            b, state = given.pop(rng.randrange(len(given)))
            r = give(club, who, "deliver", benefit=b)
            assert r.status == (200 if state == "promise" else 409), r
            balance += 70 if state == "promise" else 0
            given.append((b, "deliver"))
        elif what == "reverse" and given:
            b, state = given.pop(rng.randrange(len(given)))
            assert give(club, who, "reverse", benefit=b, cause="error").status == 200
            balance -= 70 if state == "deliver" else 0
        elif what in ("spend", "reward"):
            n = 40 if what == "reward" else rng.randrange(1, 80)
            r = give(club, who, "spend", **({"incentive": "pen"} if what == "reward" else
                                            {"points": n}))
            assert r.status == (200 if balance >= n else 409), (balance, n, r)
            balance -= n if balance >= n else 0
        p = points(club, who)
        assert p["balance"] == balance, (seed, i, what)
        assert balance == p["earned"] - p["spent"] - p["deducted"] - p["reversed"] - p["expired"]


# --- What it costs ---

def ticket(rng):
    """The lines of one document, some of them coming back; and what it comes to."""
    lines = [{"kind": rng.choice(("purchase", "purchase", "return")), "document": "T-1",
              "item": "i%d" % i, "amount": "%d.%02d" % (rng.randrange(3), rng.randrange(1, 100)),
              "time": "2026-05-01T10:00:00Z", "category": rng.choice(("batteries", "toys"))}
             for i in range(24)]

    def whole(kind, category):
        return sum(int(x["amount"].replace(".", "")) for x in lines
                   if (x["kind"], x["category"]) == (kind, category)) // 100
    return lines, {kind: 2 * whole(kind, "batteries") + whole(kind, "toys")
                   for kind in ("purchase", "return")}


def test_a_document_earns_the_same_however_it_comes(club):  # noqa: F811
    for seed in range(3):
        lines, due = ticket(random.Random(seed))
        # A document of somebody else by the same number is another.
        buy(club, club.person(), *lines[:3])
        for cuts, at_once in (([0, 24], 1), (range(25), 1), ([0, 5, 6, 17, 24], 1),
                              (range(25), 8)):
            who = club.person()

            def send(span):
                r = club.http("POST", "/v1/events", club.keys["till"], raw="\n".join(
                    json.dumps(dict(x, subject=who)) for x in lines[span[0]:span[1]]).encode(),
                    headers=dict(TILL, **{"Content-Type": "application/x-ndjson"}))
                assert r.status == 200 and r.json()["rejected"] == [], r
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(send, zip(cuts, cuts[1:])))
                list(pool.map(send, zip(cuts, cuts[1:])))    # the till did not hear
            p = points(club, who)
            assert (p["earned"], p["deducted"]) == (due["purchase"], due["return"]), \
                (seed, cuts, at_once)


def varint(b):
    n = shift = 0
    while True:
        x = b.pop(0)
        n |= (x & 127) << shift
        shift += 7
        if x < 128:
            return n


def svarint(b):
    n = varint(b)
    return n >> 1 if n % 2 == 0 else -(n >> 1) - 1


def days(s, who):
    """{day: (net, goods, given)} of a person's sealed activity, as docs/FORMAT.md has it."""
    with open(s.state + "/keys/root.key") as f:
        root = {int(w[0]): bytes.fromhex(w[1]) for w in
                (line.split() for line in f) if len(w) == 3 and w[0].isdigit()}
    generation, keyset, activity = s.rows(
        "SELECT generation, encode(keyset, 'hex'), encode(activity, 'hex') FROM subject"
        " WHERE subject_id = '%s'" % who)[0]
    keys = insight._open(root[int(generation)], bytes.fromhex(keyset))
    b = bytearray(insight._open(keys[33:65], bytes.fromhex(activity)))
    assert b.pop(0) == 1
    out, n, day = {}, varint(b), None
    for i in range(n):
        day = svarint(b) if i == 0 else day - varint(b)
        flags = b.pop(0)
        if flags & 3 == 3:
            varint(b)
        gross, returned, repeated, cost = (svarint(b) if flags & 4 << k else 0 for k in range(4))
        if flags & 64:
            varint(b)
        out[day] = (gross - returned, cost, svarint(b) if flags & 128 else 0)
    return out


def test_benefits_cost_beside_what_was_bought(own):
    """What somebody brings in is what they bought less what they were given: each
    benefit's cost stands once in their activity, at its day, and goes with it."""
    s = own()
    publish(s, incentive("mug", "gift", value="4.00", recurrence={"times": 9, "per": "ever"}))
    publish(s, incentive("coupon", "coupon", value="5.00"))
    publish(s, incentive("pts", "points", points=100, value="1.50"))
    publish(s, incentive("cup", "gift", value="3.00", price_points=100))
    who = s.person(consents=["personalised_offers"], customer_number="K-1")

    def total():
        got = days(s, who)
        assert sum(x[1] for x in got.values()) == 800   # of the goods, and apart
        return sum(x[0] for x in got.values()), sum(x[2] for x in got.values())
    buy(s, who, {"amount": "20.00", "cost": "8.00", "document": "T1"})
    assert total() == (2000, 0)
    b = give(s, who, "deliver", incentive="mug").json()["benefit"]
    assert total() == (2000, 400)
    c = give(s, who, "deliver", incentive="coupon").json()
    assert total() == (2000, 400)                       # it costs when it is used
    assert give(s, who, "redeem", benefit=c["benefit"]).status == 200
    assert total() == (2000, 900)
    assert give(s, who, "promise", incentive="mug").status == 200
    assert total() == (2000, 900)                       # nothing was handed over
    assert give(s, who, "deliver", incentive="pts").status == 200
    assert total() == (2000, 1050)
    assert give(s, who, "spend", incentive="cup").status == 200
    assert total() == (2000, 1050)                      # the points had their cost
    assert give(s, who, "reverse", benefit=b, cause="return").status == 200
    assert total() == (2000, 650)
    # What is brought in stands at its own day, and once.
    old = s.person(customer_number="K-2", consents=[dict(
        purpose="personalised_offers", decision="give", time="2019-01-01T00:00:00Z",
        notice="privacy", notice_version=1, language="es", method="checkbox")])
    rows = [dict(id="k", who="K-2", gift="mug", delivered="2019-02-01T12:00:00Z"),
            dict(id="l", who="K-2", gift="coupon", delivered="2019-02-01T12:00:00Z",
                 redeemed="2019-03-01T12:00:00Z"),
            dict(id="m", who="K-2", gift="mug", delivered="2019-02-01T12:00:00Z",
                 reversed="2019-02-02T12:00:00Z", cause="return")]
    for _ in range(2):
        bring(s, "benefits", rows)
        assert days(s, old) == {17928: (0, 0, 800), 17929: (0, 0, -400), 17956: (0, 0, 500)}
