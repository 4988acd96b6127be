"""Purchases imported a second against COPY of the same lines into a plain table."""
import os
import random

import common as c

LINES = int(os.environ.get("RSG_BENCH_LINES", "300000"))
PER = 10

MAP = """{
	"what": "events", "format": "csv", "origin": "%s",
	"person": {"field": "customer_number", "column": "customer"}, "create_people": true,
	"kind": "purchase", "time": {"column": "day", "format": "date", "zone": "UTC"},
	"amount": "amount", "currency": "EUR", "document": "document"
}
"""


def write(path, lines):
    text = "customer,day,amount,document\n" + "".join(lines)
    c.run("tee", path, stdin=text)


def one(label, lines, number):
    path, mapping = f"{c.STATE}/run/{label}.csv", f"{c.STATE}/run/{label}.map.json"
    write(path, lines)
    c.run("tee", mapping, stdin=MAP % label)
    name = f"import{number}"
    c.controller(name)
    argv = ("import", "events", path, "--map", mapping, "--controller", name,
            "--basis", "contract")
    # People come first, so that what is timed is purchases.
    people = f"{c.STATE}/run/{label}.people.csv"
    seen = sorted({line.split(",")[0] for line in lines})
    c.run("tee", people, stdin="customer\n" + "\n".join(seen) + "\n")
    pmap = f"{c.STATE}/run/{label}.people.map.json"
    c.run("tee", pmap, stdin='{"what": "customers", "format": "csv", "origin": "%s-people",'
          ' "person": "customer_number", "fields": {"customer_number": "customer"}}' % label)
    took_people, _ = c.timed(c.resguardo, "import", "customers", people, "--map", pmap,
                             "--controller", name, "--basis", "contract")
    took, _ = c.timed(c.resguardo, *argv)
    c.psql("DROP TABLE IF EXISTS plain; CREATE TABLE plain (customer text, day date,"
           " amount numeric, document text);")
    copies = [c.timed(c.run, f"{c.PG}/psql", "-h", f"{c.STATE}/run", "-U", "postgres", "-Xq",
                      "resguardo", "-c", f"\\copy plain FROM '{path}' (FORMAT csv, HEADER)")[0]
              for _ in range(3)]
    plain = sorted(copies)[1]
    c.figure(f"import/{label}", len(lines) / took, len(lines) / plain, "purchases/s",
             f"Purchases sealed, scored and audited from a file with its lines {label}, for "
             "each line that COPY puts into a plain table.",
             people_per_s=round(len(seen) / took_people),
             resident_mib=c.resident())


def main():
    r = random.Random(7)
    lines = []
    for customer in range(LINES // PER):
        for _ in range(PER):
            lines.append(f"C{customer:07d},2025-{r.randint(1, 12):02d}-{r.randint(1, 28):02d},"
                         f"{r.randint(100, 20000) / 100:.2f},T{r.randint(1, 10**9)}\n")
    one("grouped", lines, 1)
    r.shuffle(lines)
    one("shuffled", lines, 2)


main()
