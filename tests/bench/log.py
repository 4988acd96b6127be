"""Audited reads while the log is integrated, against reads while it is not.

The integrator takes a lock on STATE/keys for each of its rounds; held here, it
waits, and entries gather. The server would refuse to go on after a minute of
that (docs/LOG.md), so no load is longer. Pairs are interleaved, and before
each load all that gathered is taken in.
"""
import fcntl
import os
import time

import common as c

CONNECTIONS = 64
PAIRS = 5
FIELDS = "first_name,last_name,email,phone,card_number,customer_number"
LONGEST = 40


def waiting():
    return int(c.psql("SELECT (SELECT count(*) FROM audit_entry) - (SELECT sum(size)"
                      " FROM log_state)"))


def caught_up():
    end = time.monotonic() + 300
    while waiting() > 0:
        if time.monotonic() > end:
            raise SystemExit("bench: the log does not catch up")
        time.sleep(0.2)


def main():
    seconds = min(c.SECONDS, LONGEST)
    targets = f"{c.STATE}/run/targets"
    c.run("tee", targets, stdin="".join(
        f"GET /v1/subjects/{i}?purpose=loyalty_account&fields={FIELDS}\n"
        for (i,) in c.rows("SELECT subject_id FROM subject")))
    headers = (f"Authorization: Bearer {c.keys()['till']}", "Resguardo-Place: store-1")
    keys = os.open(f"{c.STATE}/keys", os.O_RDONLY | os.O_DIRECTORY)
    c.load(CONNECTIONS, targets, *headers, seconds=1)
    pairs = []
    for pair in range(PAIRS):
        rate = {}
        # Who goes first changes, so that a cache or a clock favours neither.
        for on in (True, False) if pair % 2 == 0 else (False, True):
            caught_up()
            if not on:
                fcntl.flock(keys, fcntl.LOCK_EX)
            rate[on] = c.load(CONNECTIONS, targets, *headers, seconds=seconds)["rate"]
            if not on and waiting() == 0:
                raise SystemExit("bench: the integrator did not wait")
            fcntl.flock(keys, fcntl.LOCK_UN)
        pairs.append((rate[True], rate[False]))
    on, off = sorted(pairs, key=lambda p: p[0] / p[1])[PAIRS // 2]
    c.figure("log", on, off, "requests/s", "Audited reads while entries are put into the "
             "signed log, for each while they only gather; the median of five pairs.")


main()
