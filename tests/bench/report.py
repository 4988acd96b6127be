"""Reports over people and their sealed histories against one sequential read of
the same rows: PostgreSQL counting them and adding up their bytes, one process."""
import http.client
import json
import os
import ssl
import subprocess
import time

import common as c

PEOPLE = int(os.environ.get("RSG_BENCH_CUSTOMERS", "1000000"))
PER = 5
ROUNDS = 3
MARKETING = 9       # purposes.json

READ = """
SET max_parallel_workers_per_gather = 0; SET jit = off;
SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
"""
SUBJECTS = "SELECT count(*), sum(length(keyset) + length(header)) FROM subject;"
EVENTS = "SELECT count(*), sum(length(sealed) + length(hash)) FROM %s;"
YARD = {
    "consents": SUBJECTS,
    "consent-history": SUBJECTS + EVENTS % "consent_event",
    "value": SUBJECTS + EVENTS % "benefit_event",
    "withdrawals": SUBJECTS + EVENTS % "consent_event" + EVENTS % "benefit_event",
}


def seed(controller):
    argv = [*c.DROP, f"{c.BUILD}/bench_histories", "--state", c.STATE, "--database",
            f"host={c.STATE}/run dbname=resguardo user=resguardo_app", "--controller",
            str(controller), "--people", str(PEOPLE), "--events-per", str(PER), "--purpose",
            str(MARKETING)]
    if subprocess.run(argv).returncode != 0:
        raise SystemExit("bench: seeding failed")
    # As time lays them down: first what everybody said first, then what came
    # after, nobody's beside each other.
    for table in ("consent_event", "benefit_event"):
        c.psql(f"CREATE UNLOGGED TABLE told AS SELECT * FROM {table} ORDER BY sequence, hash;"
               f" TRUNCATE {table}; INSERT INTO {table} SELECT * FROM told; DROP TABLE told;")
    for table in ("subject", "consent_event", "benefit_event"):
        c.psql(f"VACUUM ANALYZE {table};")
    c.psql("CHECKPOINT;")


def report(server, key, name):
    start = time.monotonic()
    server.request("GET", f"/v1/reports/{name}?from=2000-01-01T00:00:00Z", headers={
        "Authorization": f"Bearer {key}", "Resguardo-Staff": "bench"})
    answer = server.getresponse()
    text = answer.read()
    took = time.monotonic() - start
    if answer.status != 200:
        raise SystemExit(f"bench: {name} failed: {answer.status} {text[:300]}")
    return took, json.loads(text)


def reading(sql):
    """By psql's own clock: neither its start nor its connecting counts."""
    times = [line for line in c.psql(READ + "\\timing on\n" + sql.replace(";", ";\n"))
             .splitlines() if line.startswith("Time: ")]
    return sum(float(line.split()[1]) for line in times) / 1000


def main():
    c.controller("reports")
    key = c.resguardo("principal", "add", "--name", "officer", "--controller", "reports",
                      "--role", "officer", "--purpose", "oversight").strip()
    controller = int(c.psql("SELECT controller FROM controller WHERE name = 'reports'"))
    # What the demo put there would be read by the yardstick alone.
    for table in ("subject", "consent_event", "benefit_event"):
        c.psql(f"TRUNCATE {table} CASCADE")
    seed(controller)
    server = http.client.HTTPSConnection(
        "localhost", int(c.PORT), timeout=900,
        context=ssl.create_default_context(cafile=f"{c.STATE}/tls/ca.pem"))
    for name, sql in YARD.items():
        took, said = report(server, key, name)
        reading(sql)
        if said["people"] != PEOPLE:
            raise SystemExit(f"bench: {name} looked at {said['people']} people")
        counted = sum(r["count"] for r in said["rows"])
        ours, yard = [], []
        for _ in range(ROUNDS):     # interleaved: a noisy minute is noisy for both
            ours.append(report(server, key, name)[0])
            yard.append(reading(sql))
        mid = sorted(range(ROUNDS), key=lambda i: ours[i] / yard[i])[ROUNDS // 2]
        c.figure(f"report/{name}", ours[mid] * 1000, yard[mid] * 1000, "ms",
                 f"A report over {PEOPLE} people and their histories, each event opened and "
                 "its chain followed, for each millisecond that PostgreSQL needs to read the "
                 "same rows once in sequence.", people=PEOPLE, counted=counted,
                 us_per_person=round(ours[mid] * 1e6 / PEOPLE, 2), resident_mib=c.resident())
    server.close()


main()
