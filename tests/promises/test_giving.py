"""What is given in return, under callers that all come at once: races at the commit."""
import threading

import pytest

from stack import Client, SHOWN, TILL
from test_benefits import give, incentive, points, publish

AT_ONCE = 8
ROUNDS = 12


@pytest.fixture(scope="module")
def offers(stack):
    publish(stack, incentive("race-coupon", "coupon", value="5.00",
                             recurrence={"times": 99, "per": "ever"}))
    publish(stack, incentive("race-points", "points", points=100,
                             recurrence={"times": 99, "per": "ever"}))
    publish(stack, incentive("race-twice", "gift", recurrence={"times": 2, "per": "month"}))
    return stack


def together(stack, calls):
    """All at once, each over a connection that stands: the answers, in their order."""
    answers, start = [None] * len(calls), threading.Barrier(len(calls))
    wrong = []

    def one(i, method, path, body):
        c = Client(stack)
        try:
            c("GET", "/healthz")
            start.wait()
            answers[i] = c(method, path, stack.keys["till"], body, TILL)
        except BaseException as e:      # noqa: B902  (told by the main thread)
            wrong.append(e)
            start.abort()
        finally:
            c.close()
    threads = [threading.Thread(target=one, args=(i, *call)) for i, call in enumerate(calls)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong
    return answers


def statuses(answers):
    return sorted(r.status for r in answers)


def to(who, **body):
    return ("POST", "/v1/subjects/%s/benefits" % who, body)


def test_a_code_works_once_however_many_try(offers):
    for n in range(ROUNDS):
        who = offers.person(consents=["personalised_offers"])
        r = give(offers, who, "deliver", incentive="race-coupon").json()
        # Half by the code, half by the benefit.
        got = together(offers, [("POST", "/v1/benefits/redeem", {"code": r["code"]}) if i % 2
                                else to(who, action="redeem", benefit=r["benefit"])
                                for i in range(AT_ONCE)])
        assert statuses(got) == [200] + [409] * (AT_ONCE - 1), got
        assert offers.sql("SELECT count(*) FROM benefit_event WHERE subject_id = '%s'"
                          % who) == "2"


def test_points_are_not_spent_twice(offers):
    for n in range(ROUNDS):
        who = offers.person(consents=["personalised_offers"])
        assert give(offers, who, "deliver", incentive="race-points").status == 200
        got = together(offers, [to(who, action="spend", points=30) for _ in range(AT_ONCE)])
        assert statuses(got) == [200] * 3 + [409] * (AT_ONCE - 3), got
        assert sorted(r.json()["balance"] for r in got if r.status == 200) == [10, 40, 70]
        assert points(offers, who)["balance"] == 10


def test_not_more_often_than_it_says(offers):
    for n in range(ROUNDS):
        who = offers.person(consents=["personalised_offers"])
        got = together(offers, [to(who, action="deliver" if i % 2 else "promise",
                                   incentive="race-twice") for i in range(AT_ONCE)])
        assert statuses(got) == [200] * 2 + [422] * (AT_ONCE - 2), got


def test_a_promise_is_kept_once(offers):
    for n in range(ROUNDS):
        who = offers.person(consents=["personalised_offers"])
        b = give(offers, who, "promise", incentive="race-points").json()["benefit"]
        got = together(offers, [to(who, action="deliver", benefit=b)
                                for _ in range(AT_ONCE)])
        assert statuses(got) == [200] + [409] * (AT_ONCE - 1), got
        assert points(offers, who)["balance"] == 100
        assert offers.sql("SELECT count(*) FROM promise WHERE subject_id = '%s'" % who) == "0"


def test_nothing_is_given_after_a_withdrawal(offers):
    """Raced by a withdrawal, what was delivered was delivered before it; what came
    after was refused; and what was delivered stays."""
    seen = set()
    path = "/v1/subjects/%s/consents"
    for n in range(3 * ROUNDS):
        who = offers.person(consents=["personalised_offers"])
        got = together(offers, [
            to(who, action="deliver", incentive="race-points"),
            ("POST", path % who, {"purpose": "personalised_offers", "decision": "withdraw"}),
            to(who, action="deliver", incentive="race-points")])
        assert got[1].status == 200, got
        done = [r for r in (got[0], got[2]) if r.status == 200]
        assert all(r.status in (200, 403) for r in got), got
        seen.add(len(done))
        assert points(offers, who)["balance"] == 100 * len(done)
        # Acknowledged, it binds whoever comes.
        assert give(offers, who, "deliver", incentive="race-points").status == 403
        assert points(offers, who)["balance"] == 100 * len(done)
    assert len(seen) > 1, "nothing raced"


def test_give_and_withdraw_end_in_the_last_acknowledged_word(offers):
    """Any interleaving from several connections: state, ledger and decision all say
    what the answer with the highest place said."""
    path = "/v1/subjects/%s/consents"
    for n in range(ROUNDS):
        who = offers.person()
        calls = [("POST", path % who, dict(SHOWN, purpose="personalised_offers",
                                           decision="give", method="checkbox")
                  if (i + n) % 2 else {"purpose": "personalised_offers",
                                       "decision": "withdraw"}) for i in range(AT_ONCE)]
        got = [r.json() for r in together(offers, calls)]
        for (_, _, said), r in zip(calls, got):
            assert r["status"] in {"give": ("given", "renewed"),
                                   "withdraw": ("withdrawn",)}[said["decision"]], (said, r)
        # A second no in a row is the first: it has no place of its own.
        last = max(got, key=lambda r: r.get("sequence", 0))
        now = offers.http("GET", path % who, offers.keys["till"], headers=TILL).json()["grants"]
        assert [g["status"] for g in now] == [last["status"]], (now, got)
        allowed = offers.read(who, purpose="personalised_offers").status
        assert allowed == (403 if last["status"] == "withdrawn" else 200)
        whole = offers.http("GET", path % who + "/history", offers.keys["till"],
                            headers=TILL).json()["events"]
        assert whole[-1]["status"] == last["status"]
        assert [e["sequence"] for e in whole] == list(range(1, len(whole) + 1))
        assert give(offers, who, "deliver", incentive="race-points").status == \
            (403 if last["status"] == "withdrawn" else 200)
