"""Fit and score sealed customers against NTILE over the same purchases in plain."""
import http.client
import json
import os
import ssl
import subprocess
import time

import common as c

CUSTOMERS = int(os.environ.get("RSG_BENCH_CUSTOMERS", "1000000"))
PER = 10
ROUNDS = 5

NTILE = """
SET work_mem = '256MB'; SET jit = off;
SELECT r, f, m, count(*) FROM (
  SELECT ntile(5) OVER (ORDER BY last) AS r, ntile(5) OVER (ORDER BY n) AS f,
    ntile(5) OVER (ORDER BY amount) AS m
  FROM (SELECT customer, max(day) AS last, count(*) AS n, sum(amount) AS amount
    FROM yard.purchase GROUP BY customer) AS a) AS b GROUP BY 1, 2, 3;
"""


def seed(customers, controller):
    """Sealed people, and the same purchases in a plain table."""
    c.psql("DROP SCHEMA IF EXISTS yard CASCADE; CREATE SCHEMA yard;"
           "CREATE TABLE yard.purchase (customer int, day date, amount bigint);")
    argv = [*c.DROP, "bash", "-c", 'set -o pipefail; "$1" --state "$2" --database "$3"'
            ' --controller "$4" --customers "$5" --purchases-per "$6" --purpose segmentation'
            ' | "$7" -h "$2/run" -U postgres -Xq resguardo -c'
            ' "COPY yard.purchase FROM STDIN (FORMAT csv)"', "bash",
            f"{c.BUILD}/bench_seed", c.STATE,
            f"host={c.STATE}/run dbname=resguardo user=resguardo_app",
            str(controller), str(customers), str(PER), f"{c.PG}/psql"]
    if subprocess.run(argv).returncode != 0:
        raise SystemExit("bench: seeding failed")
    c.psql("VACUUM ANALYZE subject; VACUUM ANALYZE yard.purchase; CHECKPOINT;")


def fit(server, key):
    """Over a connection that stands, as a marketing tool's does."""
    start = time.monotonic()
    server.request("POST", "/v1/models", body='{"purpose": "segmentation"}', headers={
        "Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = server.getresponse()
    text = answer.read()
    took = time.monotonic() - start
    if answer.status != 201:
        raise SystemExit(f"bench: the fit failed: {answer.status} {text[:300]}")
    return took, json.loads(text)["population"]


def ntile():
    """By psql's own clock: neither its start nor its connecting counts."""
    last = [line for line in c.psql("\\timing on\n" + NTILE).splitlines()
            if line.startswith("Time: ")][-1]
    return float(last.split()[1]) / 1000


def one(customers, number):
    name = f"bench{number}"
    c.controller(name)
    c.resguardo("recipient", "add", "--name", "tool", "--controller", name)
    key = c.resguardo("principal", "add", "--name", "tool", "--controller", name, "--role",
                      "tool", "--recipient", "tool", "--purpose", "segmentation").strip()
    controller = int(c.psql(f"SELECT controller FROM controller WHERE name = '{name}'"))
    seed(customers, controller)
    server = http.client.HTTPSConnection(
        "localhost", int(c.PORT),
        context=ssl.create_default_context(cafile=f"{c.STATE}/tls/ca.pem"))
    fit(server, key)
    ntile()
    ours, yard = [], []
    for _ in range(ROUNDS):
        took, population = fit(server, key)
        ours.append(took)
        yard.append(ntile())
    server.close()
    mid = sorted(range(ROUNDS), key=lambda i: ours[i] / yard[i])[ROUNDS // 2]
    c.figure(f"scan/{customers}", ours[mid] * 1000, yard[mid] * 1000, "ms",
             f"Unsealing, fitting and scoring {population} consenting customers, for each "
             "millisecond that PostgreSQL needs for NTILE scores of the same purchases in plain.",
             us_per_customer=round(ours[mid] * 1e6 / customers, 2),
             resident_mib=c.resident())
    # The next size starts from an empty table.
    c.psql(f"DELETE FROM subject WHERE controller = {controller}; VACUUM FULL subject;")


for n, size in enumerate(sorted({10000, 100000, CUSTOMERS})):
    if size <= CUSTOMERS:
        one(size, n + 1)
