"""P10: SIGKILL at random instants under load; no acknowledged write is lost.

Writers repeat what they got no answer to, with the same Idempotency-Key, until
it is acknowledged. So what must be there is known exactly: all of it, once.
"""
import collections
import http.client
import os
import random
import signal
import ssl
import threading
import time

from stack import SHOWN, TILL, Client, until

ROUNDS = int(os.environ.get("RSG_CRASH_ROUNDS", "200"))
WRITERS = 4
KINDS = ("vault", "api", "postgres", "server")


class Writer(threading.Thread):
    """A till with one customer after another, one call at a time."""

    def __init__(self, stack, number, seen):
        super().__init__(daemon=True)
        self.stack, self.n, self.seen = stack, number, seen
        self.stop, self.error = threading.Event(), None
        self.people = []        # [subject, street, consents, events] as acknowledged
        self.acked = 0
        self.client = Client(stack)

    def call(self, method, path, body):
        """Until there is an answer that says it is done."""
        key = dict(TILL, **{"Idempotency-Key": "w%d-%d" % (self.n, self.acked)})
        while True:
            try:
                r = self.client(method, path, self.stack.keys["till"], body, key, again=False)
            except (OSError, http.client.HTTPException, ssl.SSLError):
                self.client.close()
                self.seen["no answer"] += 1
                time.sleep(0.002)       # while nobody listens
                continue
            self.seen[r.status] += 1
            if r.status in (200, 201):
                self.acked += 1
                return r.json()
            # Nothing but "not now": never a wrong refusal, never half an answer.
            assert r.status in (503, 504), r
            if r.status == 503:
                assert int(r.headers["Retry-After"]) >= 1, r.headers

    def run(self):
        rng = random.Random(self.n)
        try:
            while not self.stop.is_set():
                if not self.people or rng.random() < 0.2:
                    number = "X%d-%d" % (self.n, self.acked)
                    r = self.call("POST", "/v1/subjects", {"fields": {
                        "first_name": "Ana", "street": "Calle 0", "customer_number": number}})
                    self.people.append([r["subject"], 0, 0, 0])
                    continue
                p = self.people[-1]
                path = "/v1/subjects/" + p[0]
                what = rng.randrange(3)
                if what == 0:
                    self.call("PATCH", path, {"fields": {"street": "Calle %d" % (p[1] + 1)}})
                elif what == 1:
                    self.call("POST", path + "/consents", dict(
                        SHOWN, purpose="segmentation", method="checkbox",
                        decision="withdraw" if p[2] % 2 else "give"))
                else:
                    r = self.call("POST", path + "/events", {
                        "kind": "purchase", "time": "2026-01-01T10:00:00Z",
                        "amount": "1.00", "document": "D%d" % p[3]})
                    assert r["accepted"] + r["repeated"] == 1, r
                p[1 + what] += 1
        except BaseException as e:      # noqa: B902  (told by the main thread)
            self.error = e
        finally:
            self.client.close()

    def snapshot(self):
        return [list(p) for p in self.people]


def kill(stack, kind):
    if kind == "postgres":
        stack.postgres_kill()
        stack.postgres_start()
    elif kind == "server":
        stack.server.kill()
        stack.server.wait()
        stack.server.stdout.close()
        # Its children end a moment later, and somebody may take its port.
        stack.port = stack.metrics_port = 0
        stack.serve()
    else:
        stack.kill("resguardo-" + kind)


def check(stack, people, exact=False):
    """Each acknowledged write is there, through the server and in the tables."""
    for who, street, consents, events in people:
        r = stack.http("GET", "/v1/subjects/%s?purpose=orders_and_returns&fields=street" % who,
                       stack.keys["till"], headers=TILL)
        if r.status in (503, 504):
            r = until("a read", lambda: again(stack, who))
        assert r.status == 200, r
        got = int(r.json()["fields"]["street"].split()[1])
        assert got == street if exact else got >= street, (who, street, got)
    if not people:
        return
    ids = ",".join("'%s'" % p[0] for p in people)
    for table, at in (("consent_event", 2), ("event", 3)):
        counts = dict(stack.rows("SELECT subject_id, count(*) FROM %s WHERE subject_id IN (%s) "
                                 "GROUP BY 1" % (table, ids)))
        for p in people:
            have = int(counts.get(p[0], 0))
            assert have == p[at] if exact else have >= p[at], (table, p, have)


def again(stack, who):
    try:
        r = stack.http("GET", "/v1/subjects/%s?purpose=orders_and_returns&fields=street" % who,
                       stack.keys["till"], headers=TILL)
    except (OSError, http.client.HTTPException):
        return None
    return r if r.status not in (503, 504) else None


def crash(s, rounds, seed, told):
    """Kill, recover, check; what there was to see."""
    rng = random.Random(seed)
    seen = collections.Counter()
    writers = [Writer(s, i, seen) for i in range(WRITERS)]
    for w in writers:
        w.start()
    done = lambda: sum(w.acked for w in writers)        # noqa: E731
    broken = lambda: any(w.error for w in writers)      # noqa: E731
    try:
        for round_ in range(rounds):
            goal = done() + rng.randrange(1, 60)
            until("writes", lambda: broken() or done() >= goal)
            assert not broken(), [w.error for w in writers]
            held = [w.snapshot()[-2:] for w in writers]
            # The supervisor waits longer after each death of a child; killed
            # itself, it begins anew.
            kill(s, KINDS[round_ % 4])
            s.wait_ready()
            check(s, [p for h in held for p in h])
            told["rounds"] += 1
    finally:
        for w in writers:
            w.stop.set()
        for w in writers:
            w.join(60)
    assert not broken(), [w.error for w in writers]
    people = [p for w in writers for p in w.people]
    check(s, people, exact=True)
    # Each once, and no person that nobody was told of.
    assert int(s.sql("SELECT count(*) FROM subject")) == len(people)
    assert s.sql("SELECT count(*) FROM lookup WHERE field = 6") == str(len(people))
    # An entry for every write at least.
    assert int(s.sql("SELECT count(*) FROM audit_entry")) >= done()
    assert seen["no answer"] + seen[503] + seen[504] > 0, seen
    told["writes"] += done()
    told.update({"answer %s" % k: n for k, n in seen.items()})


def test_no_acknowledged_write_is_lost(own):
    """Two servers at once, since most of a round is waiting."""
    told, wrong = collections.Counter(), []

    def half(s, seed):
        try:
            crash(s, ROUNDS // 2, seed, told)
        except BaseException as e:      # noqa: B902  (told by the main thread)
            wrong.append(e)
    threads = [threading.Thread(target=half, args=(own(), seed)) for seed in (10, 11)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if wrong:
        raise wrong[0]
    assert told["rounds"] == ROUNDS // 2 * 2
    print(dict(told))


def test_database_comes_back_under_load(own):
    """PostgreSQL stopped and started: 503 with Retry-After meanwhile, no restart of ours."""
    s = own()
    who = s.person()
    vault, api = s.child("resguardo-vault"), s.child("resguardo-api")
    for mode in ("fast", "immediate"):
        s.postgres_stop(mode)
        for path, key, headers in (("/v1/subjects/%s?purpose=loyalty_account" % who, "till", TILL),
                                   ("/v1/audit", "officer", {}),
                                   ("/v1/models", "tool", {})):
            r = s.http("GET", path, s.keys[key], headers=headers)
            assert (r.status, r.error) == (503, "unavailable"), r
            assert int(r.headers["Retry-After"]) >= 1
        r = s.http("GET", "/readyz")
        assert r.status == 503, r
        assert s.http("GET", "/healthz").status == 200
        assert s.metrics().status in (200, 503)
        s.postgres_start()
        until("reads", lambda: s.read(who).status == 200)
        until("ready", lambda: s.http("GET", "/readyz").status == 200)
        for _ in range(20):
            assert s.read(who).status == 200
    assert (s.child("resguardo-vault"), s.child("resguardo-api")) == (vault, api)


def test_stop_in_order_under_load(own):
    """SIGTERM: what was acknowledged is there, the program ends with 0."""
    s = own()
    seen = collections.Counter()
    writers = [Writer(s, i, seen) for i in range(3)]
    for w in writers:
        w.start()
    until("writes", lambda: sum(w.acked for w in writers) > 60)
    server = s.server
    s.server.terminate()
    assert server.wait(60) == 0
    s.server.stdout.close()
    s.serve()
    until("more writes", lambda goal=sum(w.acked for w in writers) + 30:
          sum(w.acked for w in writers) > goal)
    for w in writers:
        w.stop.set()
    for w in writers:
        w.join(60)
    assert not [w.error for w in writers if w.error]
    check(s, [p for w in writers for p in w.people], exact=True)


def test_vault_that_hangs(own):
    """While the vault does not answer, health is still told; then all goes on."""
    s = own()
    pid = s.child("resguardo-vault")
    os.kill(pid, signal.SIGSTOP)
    try:
        assert s.http("GET", "/healthz").status == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    assert s.http("GET", "/v1/me", s.keys["till"]).status == 200
