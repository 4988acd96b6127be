"""Asking how a person's consents stand, and how they came to."""
import datetime

from stack import TILL

DAY = datetime.timedelta(days=1)


def when(days):
    """An instant, days from now."""
    t = datetime.datetime.now(datetime.timezone.utc) + days * DAY
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def path(who, more=""):
    return "/v1/subjects/%s/consents%s" % (who, more)


def state(stack, who, key=None, headers=TILL):
    r = stack.http("GET", path(who), key or stack.keys["till"], headers=headers)
    assert r.status == 200, r
    return {(g["purpose"], g.get("channel")): g for g in r.json()["grants"]}


def history(stack, who, key=None, headers=TILL, limit=200):
    events, cursor = [], ""
    while True:
        r = stack.http("GET", path(who, "/history?limit=%d%s" % (limit, cursor)),
                       key or stack.keys["till"], headers=headers)
        assert r.status == 200, r
        events += r.json()["events"]
        if "next" not in r.json():
            assert r.json()["count"] == len(events)
            return events
        cursor = "&cursor=" + r.json()["next"]
