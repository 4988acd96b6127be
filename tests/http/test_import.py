"""Files brought in: twice, interrupted, with lines that are no lines, whole data sets."""
import collections
import csv
import datetime
import gzip
import json
import os
import random
import re
import signal
import subprocess

import pytest

import insight
import shop
from refuse import STAFF, TILL, problem
from stack import AS, CLONE, DATA, GID, UID, until

CDNOW = os.path.join(DATA, "cdnow", "cdnow_master.csv")
EXPECTED = os.path.join(DATA, "cdnow", "expected_rfm_1998-07-01.csv")
RETAIL = os.path.join(DATA, "online-retail", "online_retail.csv.gz")


def tally(out):
    m = re.search(r"read (\d+) = accepted (\d+) \+ repeated (\d+) \+ rejected (\d+)", out)
    assert m, out
    read, *rest = (int(x) for x in m.groups())
    assert read == sum(rest), out
    return (read, *rest)


def needs(path):
    if not os.path.exists(path):
        print("SKIPPED: there is no " + path)
        pytest.skip("there is no " + path)


def readable(stack, path, name):
    """A copy that the server's user can read, under its own path for resuming."""
    to = os.path.join(stack.home, name)
    subprocess.run(["cp", path, to], check=True)
    os.chown(to, UID, GID)
    os.chmod(to, 0o600)
    return to


def example(stack, name):
    return readable(stack, os.path.join(CLONE, "docs", "examples", name), name)


def test_customers_example(own):
    """The example as documented: consents only where a cell says so; twice is once."""
    s = own()
    f, m = example(s, "customers.csv"), example(s, "customers.map.json")
    argv = ("import", "customers", f, "--map", m, "--controller", "acme", "--basis", "contract")
    lines = sum(1 for _ in open(f)) - 1
    assert tally(s.cli(*argv)) == (lines, lines, 0, 0)
    shape = s.shape()
    assert tally(s.cli(*argv)) == (lines, 0, lines, 0)
    assert s.shape() == shape
    r = s.http("POST", "/v1/subjects/lookup", s.keys["till"], headers=TILL, json={
        "field": "customer_number", "value": "C900002", "purpose": "loyalty_account"})
    who = r.json()["matches"][0]["subject"]
    r = s.http("GET", "/v1/subjects/%s/consents" % who, s.keys["till"], headers=TILL)
    assert {(g["purpose"], g.get("channel")): g["status"] for g in r.json()["grants"]} == \
        {("marketing", "email"): "refused", ("segmentation", None): "given"}, r


def test_file_does_not_undo_a_withdrawal(stack):
    """Run again after a withdrawal, neither a dated nor an undated yes brings it back."""
    n = stack.number()
    people = [{"number": "W%06d" % n, "name": "Ana", "yes": "1"}]
    shop.customers(stack, people)
    r = stack.http("POST", "/v1/subjects/lookup", stack.keys["till"], headers=TILL, json={
        "field": "customer_number", "value": "W%06d" % n, "purpose": "loyalty_account"})
    who = r.json()["matches"][0]["subject"]
    state = lambda: stack.http(  # noqa: E731
        "GET", "/v1/subjects/%s/consents" % who, stack.keys["till"], headers=TILL).json()
    assert state()["grants"][0]["status"] == "given"
    assert stack.consent(who, "withdraw", "segmentation").status == 200
    dated = dict(shop.CUSTOMERS, consents=[dict(
        shop.CUSTOMERS["consents"][0], time={"column": "day", "format": "date",
                                             "zone": "UTC"})])
    for mapping, more in ((None, {}), (dated, {"day": "2025-03-01"})):
        shop.customers(stack, [dict(people[0], **more)], mapping=mapping)
        assert state()["grants"][0]["status"] == "withdrawn", state()


def test_rejected_lines(stack):
    """Each line is accounted for; the bad ones are in a file by number and reason."""
    n = "R%06d" % stack.number()
    shop.customers(stack, [{"number": n, "name": "Ana", "yes": ""}])
    good = {"number": n, "ticket": "T1", "day": "2026-01-05", "amount": "12.50"}
    rows = [good, dict(good, day="5 de enero"), dict(good, amount="mucho"),
            dict(good, number="NADIE-%s" % n), "{broken\n", "\n",
            dict(good, ticket="T2"), dict(good, extra="ignored", ticket="T3"), good]
    m = shop.write(stack, "r.map.json", [shop.EVENTS])
    f = shop.write(stack, "r.ndjson", rows)
    rejects = os.path.join(stack.home, "state", "r.rejects")
    argv = ("import", "events", f, "--map", m, "--controller", "acme", "--basis", "contract",
            "--rejects", rejects)
    done = stack.cli(*argv, check=False)
    read, accepted, repeated, rejected = tally(done.stdout)
    assert (accepted, repeated) == (4, 0) and read in (8, 9), done
    with open(rejects) as r:
        told = r.read()
    for line in (2, 3, 4, 5):
        assert re.search(r"\b%d\b" % line, told), (line, told)
    shape = stack.shape()
    again = tally(stack.cli(*argv, check=False).stdout)
    assert again[1:3] == (0, 4) and again[3] == rejected, again
    assert stack.shape() == shape
    assert stack.sql("SELECT count(*) FROM event WHERE subject_id IN (SELECT subject_id FROM "
                     "subject ORDER BY 1)") != "0"


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("lead,gap", [(0, 0), (0, 60), (1994, 0)])
def test_somebody_twice_in_a_file(stack, lead, gap, known):
    """The second line of a person finds what the first one made, wherever a batch (48
    lines) or a chunk (2,000) ends between them."""
    n = "%s-%d" % (stack.number(), gap)
    mapping = dict(shop.CUSTOMERS, fields={"customer_number": "number", "first_name": "name",
                                           "email": "mail"})

    def line(who, name, mail="", yes=""):
        return {"number": who + n, "name": name, "mail": mail, "yes": yes}
    others = [line("O%d-" % i, "Otra") for i in range(lead + gap)]
    first = [line("A", "Ana", yes="1"), line("B", "Bea"), line("C", "Caro", mail="nada"),
             line("D", "Dina"), line("E", "Eva"), line("E", "Ebba")]
    second = [line("A", "Alba", yes="1"), line("B", "Bibi", mail="nada"), line("C", "Clara"),
              line("D", "Dina"), line("E", "Elsa"), line("E", "Eva")]
    if known:
        shop.customers(stack, [line(x, "Nadie") for x in "ABCDE"], mapping=mapping)
    out = shop.customers(stack, others[:lead] + first + others[lead:] + second,
                         mapping=mapping, check=False)
    # C's first line and B's second are refused; D's second says nothing new.
    assert tally(out.stdout) == (12 + len(others), 9 + len(others), 1, 2), out
    assert re.findall(r"(\d+)  (\S+): (\S+)", out.stdout) == [("2", "bad-value", "fields.email")], out
    assert out.returncode == 1
    names = []
    for who in "ABCDE":
        r = stack.http("POST", "/v1/subjects/lookup", stack.keys["till"], headers=TILL, json={
            "field": "customer_number", "value": who + n, "purpose": "loyalty_account"})
        names.append(stack.read(r.json()["matches"][0]["subject"]).json()["fields"]["first_name"])
    assert names == ["Alba", "Bea", "Clara", "Dina", "Eva"]
    again = shop.customers(stack, second, mapping=mapping, check=False)
    assert tally(again.stdout) == (6, 2, 3, 1), again     # Elsa, and Eva once more


def test_a_file_that_tells_a_child(stack):
    """What somebody agreed to by themselves ends where a file says that they are a child."""
    n = "Y%06d" % stack.number()
    mapping = dict(shop.CUSTOMERS, fields={"customer_number": "number", "first_name": "name",
                                           "birth_date": "born"})
    row = {"number": n, "name": "Ana", "born": "", "yes": "1"}
    shop.customers(stack, [row], mapping=mapping)
    who = stack.http("POST", "/v1/subjects/lookup", stack.keys["till"], headers=TILL, json={
        "field": "customer_number", "value": n, "purpose": "loyalty_account"
    }).json()["matches"][0]["subject"]
    born = (datetime.date.today() - datetime.timedelta(days=4000)).isoformat()
    shop.customers(stack, [dict(row, born=born, yes="")], mapping=mapping)
    r = stack.http("GET", "/v1/subjects/%s/consents" % who, stack.keys["till"], headers=TILL)
    assert [g["status"] for g in r.json()["grants"]] == ["invalidated"], r
    # Nor does the file's yes come back, now that it is known whose it is.
    out = shop.customers(stack, [dict(row, born=born)], mapping=mapping, check=False)
    assert tally(out.stdout) == (1, 0, 1, 0), out


@pytest.mark.parametrize("gap", [0, 60])
def test_a_value_that_two_people_claim(stack, gap):
    """What is one person's alone is theirs until a line says otherwise: whoever claims it
    before that line is refused, and who claims it after has it."""
    n = "%s-%d" % (stack.number(), gap)
    mapping = dict(shop.CUSTOMERS, fields={"customer_number": "number", "first_name": "name",
                                           "email": "mail"})

    def line(who, mail=""):
        return {"number": who + n, "name": "Ana", "yes": "",
                "mail": mail and "%s%s@example.com" % (mail, n)}
    shop.customers(stack, [line("P", "p"), line("Q", "q"), line("R"), line("S")],
                   mapping=mapping)
    others = [line("O%d-" % i) for i in range(gap)]
    for rows, good in (([line("R", "p"), *others, line("P", "pp")], 1),
                       ([line("Q", "qq"), *others, line("S", "q")], 2),
                       ([line("T", "t"), *others, line("U", "t")], 1)):
        shop.customers(stack, others, mapping=mapping)
        out = shop.customers(stack, rows, mapping=mapping, check=False)
        assert tally(out.stdout) == (2 + gap, good, gap, 2 - good), out
        assert ("already-exists" in out.stdout) == (good == 1), out
    held = {}
    for mail in ("p", "pp", "q", "qq", "t"):
        r = stack.http("POST", "/v1/subjects/lookup", stack.keys["service"], headers=STAFF,
                       json={"field": "email", "value": "%s%s@example.com" % (mail, n),
                             "purpose": "customer_care"})
        assert r.status in (200, 404), r
        held[mail] = [m["subject"] for m in r.json().get("matches", [])]
    assert not held["p"] and [len(held[m]) for m in ("pp", "q", "qq", "t")] == [1] * 4, held


def test_import_says_its_basis(stack):
    m = shop.write(stack, "b.map.json", [shop.CUSTOMERS])
    f = shop.write(stack, "b.ndjson", [{"number": "B1", "name": "Ana", "yes": ""}])
    base = ("import", "customers", f, "--map", m, "--controller", "acme")
    before = stack.shape()
    assert stack.cli(*base, check=False).returncode != 0
    assert stack.cli(*base[:-1], "nobody", "--basis", "contract", check=False).returncode != 0
    assert stack.shape() == before


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_resumed(own, how):
    """Cut off again and again, the same command goes on to the same end."""
    s = own()
    rng = random.Random(7)
    n = 4000
    people = [{"number": "I%06d" % i, "name": "Ana", "yes": "1"} for i in range(n)]
    tickets = [{"number": "I%06d" % (i % n), "ticket": "T%d" % i,
                "day": "2026-%02d-%02d" % (1 + i % 6, 1 + i % 28), "amount": "%d.00" % (i % 50)}
               for i in range(12000)]
    for what, rows, mapping, table in (("customers", people, shop.CUSTOMERS, "subject"),
                                       ("events", tickets, shop.EVENTS, "event")):
        m = shop.write(s, what + ".map.json", [mapping])
        f = shop.write(s, what + ".ndjson", rows)
        argv = ["import", what, f, "--map", m, "--controller", "acme", "--basis", "contract",
                "--state", s.state]
        cut = 0
        for _ in range(12):
            p = s.popen(s.bin + "/resguardo", *argv, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
            have = int(s.sql("SELECT count(*) FROM " + table))
            goal = have + rng.randrange(1, len(rows) // 3)
            until("progress", lambda: p.poll() is not None or
                  int(s.sql("SELECT count(*) FROM " + table)) >= goal)
            if p.poll() is None:
                p.send_signal(how)
                cut += 1
            if p.wait() == 0:
                break
        done = s.cli(*argv[:-2], check=False)
        assert done.returncode == 0, done
        tally(done.stdout)
        assert cut >= 1
        assert int(s.sql("SELECT count(*) FROM " + table)) == len(rows)
    assert s.sql("SELECT count(*) FROM consent_event") == str(n)
    # As if it had come in at once: the same scores' limits on another server.
    fit = {"purpose": "segmentation", "as_of": "2026-07-01"}
    mine = s.http("POST", "/v1/models", s.keys["tool"], fit).json()
    other = own()
    shop.customers(other, people)
    shop.events(other, tickets)
    theirs = other.http("POST", "/v1/models", other.keys["tool"], fit).json()
    same = ("population", "cuts_recency", "cuts_frequency", "cuts_monetary", "cells")
    assert [mine[k] for k in same] == [theirs[k] for k in same]


def test_cdnow(own):
    """69,659 purchases of 23,570 people give exactly the expected scores."""
    needs(CDNOW)
    needs(EXPECTED)
    s = own()
    with open(EXPECTED) as f:
        expected = {row["customer_id"]: (int(row["r"]), int(row["f"]), int(row["m"]))
                    for row in csv.DictReader(f)}
    f = readable(s, CDNOW, "cdnow.csv")
    argv = ("import", "events", f, "--map", example(s, "cdnow.map.json"), "--controller", "acme",
            "--basis", "contract")
    # acme counts in euros and Madrid; CDNOW in dollars: a controller of its own.
    s.cli("controller", "add", "--name", "cdnow", "--title", "CDNOW", "--jurisdiction", "ES",
          "--currency", "USD", "--zone", "UTC")
    s.cli("recipient", "add", "--controller", "cdnow", "--name", "dart")
    s.principal("cd-tool", "tool", ("segmentation",), recipient="dart", controller="cdnow")
    argv = argv[:6] + ("cdnow",) + argv[7:]
    assert tally(s.cli(*argv)) == (69659, 69659, 0, 0)
    assert s.sql("SELECT count(*) FROM subject") == str(len(expected)) == "23570"
    shape = s.shape()
    assert tally(s.cli(*argv)) == (69659, 0, 69659, 0)
    assert s.shape() == shape
    # Nobody who was imported is assumed to have consented.
    fit = {"purpose": "segmentation", "as_of": "1998-07-01"}
    problem(s.http("POST", "/v1/models", s.keys["cd-tool"], fit), 422, "empty-population")
    shop.customers(s, [{"number": c, "yes": "1"} for c in expected], controller="cdnow",
                   mapping=dict(shop.CUSTOMERS, fields={"customer_number": "number"}))
    assert s.sql("SELECT count(*) FROM subject") == "23570"
    r = s.http("POST", "/v1/models", s.keys["cd-tool"], fit)
    assert r.status == 201 and r.json()["population"] == 23570, r
    cells = collections.Counter(expected.values())
    for c in r.json()["cells"]:
        if "count" in c:
            assert cells[(c["r"], c["f"], c["m"])] == c["count"] >= 10, c
    shown = {(c["r"], c["f"], c["m"]) for c in r.json()["cells"] if "count" in c}
    small = {c for c in cells if cells[c] < 10}
    # Hidden: those under ten, and as few more as keep them from being subtracted.
    assert shown.isdisjoint(small) and len(set(cells) - small - shown) <= 1
    # Person by person, by the pseudonyms that the root key's holder can compute.
    got, pages = insight.members(
        s, s.keys["cd-tool"], "/v1/members?purpose=segmentation&model=" + r.json()["model"])
    assert pages == -(-len(got) // 4096)
    released = {p: score for p, *score in got}
    assert len(released) == len(got) and [p for p, *_ in got] == sorted(released)
    find = insight.by_number(s, "cdnow")
    subjects = {c: find(c) for c in expected}
    assert None not in subjects.values()
    pseudonym = insight.pseudonyms(s, "dart", subjects.values())
    wrong = [c for c, who in subjects.items() if pseudonym[who] in released and
             tuple(released[pseudonym[who]]) != expected[c]]
    assert not wrong, wrong[:5]
    left_out = {expected[c] for c, who in subjects.items() if pseudonym[who] not in released}
    assert len(got) == sum(cells[c] for c in cells if c not in left_out)
    assert small <= left_out and len(left_out - small) <= 1, (small, left_out)
    print("%d of 23570 released with exactly their scores; %d cells left out"
          % (len(got), len(left_out)))


def test_online_retail(own):
    """541,909 messy lines, each accounted for."""
    needs(RETAIL)
    s = own(pg=("shared_buffers=256MB", "max_wal_size=2GB"))
    s.cli("controller", "add", "--name", "retail", "--title", "Retail", "--jurisdiction", "ES",
          "--currency", "GBP", "--zone", "Europe/London")
    rejects = os.path.join(s.home, "state", "retail.rejects")
    f = readable(s, RETAIL, "retail.csv.gz")
    out = s.cli("import", "events", f, "--map", example(s, "online-retail.map.json"),
                "--controller", "retail", "--basis", "contract", "--rejects", rejects,
                check=False)
    read, accepted, repeated, rejected = tally(out.stdout)
    nobody = people = adjust = 0
    customers = set()
    with gzip.open(RETAIL, "rt", newline="") as g:
        for row in csv.DictReader(g):
            if not row["CustomerID"]:
                nobody += 1
            else:
                people += 1
                customers.add(row["CustomerID"])
            adjust += row["InvoiceNo"].startswith("A")
    assert read == 541909 == nobody + people
    assert (rejected, repeated) == (nobody, 0), (out, nobody)
    assert accepted == people == int(s.sql("SELECT count(*) FROM event"))
    assert int(s.sql("SELECT count(*) FROM subject")) == len(customers)
    with open(rejects) as f:
        assert sum(1 for line in f if line.strip()) - rejected in (0, 1)    # a heading, perhaps
