"""The log for officers and customers: proofs, search, export, counts."""
import csv
import datetime
import io
import json
import uuid

import tlog
from refuse import STAFF, TILL, problem, refused
from stack import until


def signed(stack):
    """Wait until all that is committed by now is under a checkpoint."""
    n = stack.entries()
    until("a checkpoint over %d entries" % n, lambda: tlog.checkpoint(
        stack.http("GET", "/log/checkpoint").text)[1] >= n)


def proof_of(stack, entry, key=None, **headers):
    signed(stack)
    return stack.http("GET", "/v1/audit/%s/proof" % entry, key or stack.keys["officer"],
                      headers=headers)


# --- Proofs ---

def test_proof_leads_to_the_signed_root(stack):
    who = stack.person()
    entry = stack.read(who).headers["Resguardo-Audit-Entry"]
    r = proof_of(stack, entry)
    assert r.status == 200, r
    got = r.json()
    index, path, note = tlog.read_proof(got["tlog_proof"])
    origin, size, root = tlog.checkpoint(note)
    assert (index, size) == (got["index"], got["size"])
    leaf = bytes.fromhex(got["leaf_hash"])
    row = stack.sql("SELECT encode(leaf, 'hex') FROM audit_entry WHERE entry = '%s'" % entry)
    assert tlog.leaf_hash(bytes.fromhex(row)) == leaf
    assert tlog.root_of(path, index, size, leaf) == root
    # The signed one of the same size is the same: nothing was made for the asker.
    assert origin in stack.cli("audit", "key")
    old = stack.http("GET", "/v1/audit/consistency?old=%d" % size, stack.keys["officer"])
    assert old.json()["old_root"] == root.hex(), old
    # The file itself, as any tool wants it.
    plain = proof_of(stack, entry, Accept="text/plain")
    assert plain.headers.get_content_type() == "text/plain"
    assert tlog.read_proof(plain.text)[0] == index
    same = stack.cli("audit", "proof", entry)
    assert tlog.read_proof(same)[:1] == (index,)


def test_proof_of_another_leaf_fails(stack):
    entry = stack.read(stack.person()).headers["Resguardo-Audit-Entry"]
    got = proof_of(stack, entry).json()
    index, path, note = tlog.read_proof(got["tlog_proof"])
    _, size, root = tlog.checkpoint(note)
    leaf = bytearray(bytes.fromhex(got["leaf_hash"]))
    leaf[7] ^= 1
    assert tlog.root_of(path, index, size, bytes(leaf)) != root


def test_who_may_have_a_proof(stack):
    who, other = stack.person(), stack.person()
    mine = stack.read(who).headers["Resguardo-Audit-Entry"]
    own, stranger = stack.customer(who), stack.customer(other)
    assert proof_of(stack, mine, own).status == 200
    before = stack.entries()
    path = "/v1/audit/%s/proof"
    problem(stack.http("GET", path % mine, stranger), 404, "not-found")
    problem(stack.http("GET", path % mine, stack.keys["officer-other"]), 404, "not-found")
    problem(stack.http("GET", path % uuid.uuid4(), stack.keys["officer"]), 404, "not-found")
    assert stack.entries() == before + 3        # each refusal left its own
    # About nobody: no customer's.
    nobody = stack.http("GET", "/v1/models", stack.keys["officer"]).json()["audit_entry"]
    assert proof_of(stack, nobody).status == 200
    problem(stack.http("GET", path % nobody, own), 404, "not-found")
    problem(stack.http("GET", path % mine, stack.keys["till"], headers=TILL), 403,
            "denied-by-policy")
    problem(stack.http("GET", path % mine), 401, "unauthenticated")
    problem(stack.http("GET", "/v1/audit/not-an-id/proof", stack.keys["officer"]), 422,
            "bad-value")
    problem(stack.http("GET", path % mine, stack.keys["officer"],
                       headers={"Accept": "text/csv"}), 406, "not-acceptable")


def test_changed_row_has_no_proof(own):
    s = own()
    entry = s.read(s.person()).headers["Resguardo-Audit-Entry"]
    assert proof_of(s, entry).status == 200
    s.sql("UPDATE audit_entry SET leaf = set_byte(leaf, 60, get_byte(leaf, 60) # 1) "
          "WHERE entry = '%s'" % entry)
    problem(s.http("GET", "/v1/audit/%s/proof" % entry, s.keys["officer"]), 500,
            "integrity-failure")
    # With the hash made to fit it is no entry of the log.
    s.sql("UPDATE audit_entry SET leaf_hash = sha256('\\x00' || leaf) WHERE entry = '%s'" % entry)
    problem(s.http("GET", "/v1/audit/%s/proof" % entry, s.keys["officer"]), 500,
            "integrity-failure")


def test_consistency(stack):
    key = stack.keys["officer"]

    def ask(query, k=key):
        return stack.http("GET", "/v1/audit/consistency?" + query, k)
    for _ in range(9):
        stack.read(stack.person())
    signed(stack)
    now = ask("old=0").json()
    size = now["size"]
    assert tlog.checkpoint(now["checkpoint"])[1:] == (size, bytes.fromhex(now["root"]))
    for old, to in ((1, size), (2, size), (3, 7), (4, 8), (6, 6), (7, 8), (8, 10), (0, 5),
                    (size - 1, size)):
        got = ask("old=%d&size=%d" % (old, to)).json()
        assert tlog.grew(old, bytes.fromhex(got["old_root"]), to, bytes.fromhex(got["root"]),
                         [bytes.fromhex(h) for h in got["hashes"]]), got
        wrong = bytearray(bytes.fromhex(got["old_root"]))
        wrong[0] ^= 1
        assert not tlog.grew(old, bytes(wrong), to, bytes.fromhex(got["root"]),
                             [bytes.fromhex(h) for h in got["hashes"]])
    assert ask("old=1", stack.customer(stack.person())).status == 200
    problem(ask("old=1", None), 401, "unauthenticated")
    refused(stack, 422, "bad-value", "GET", "/v1/audit/consistency?old=8&size=7", key,
            member="old")
    refused(stack, 422, "bad-value", "GET", "/v1/audit/consistency?old=-1", key, member="old")
    refused(stack, 422, "bad-value", "GET",
            "/v1/audit/consistency?old=1&size=9000000000000", key, member="size")
    refused(stack, 400, "missing-member", "GET", "/v1/audit/consistency", key)


# --- Search ---

def search(stack, query, key=None):
    """All that fits, page after page."""
    out, cursor = [], ""
    while True:
        r = stack.http("GET", "/v1/audit?%s%s" % (query, cursor), key or stack.keys["officer"])
        assert r.status == 200, r
        out += r.json()["entries"]
        if "next" not in r.json():
            return out
        cursor = "&cursor=" + r.json()["next"]


def test_search_by_what_only_the_entry_says(stack):
    who = stack.person()
    place = "isle-%d" % stack.number()
    here = stack.read(who, headers={"Resguardo-Place": place}).headers["Resguardo-Audit-Entry"]
    there = stack.read(who).headers["Resguardo-Audit-Entry"]
    case = stack.http("GET", "/v1/subjects/%s?purpose=customer_care&fields=first_name" % who,
                      stack.keys["service"], headers=STAFF).headers["Resguardo-Audit-Entry"]

    def ids(query):
        return {e["audit_entry"] for e in search(stack, query)}
    assert ids("place=" + place) == {here}
    assert {here, there} <= ids("role=till") and case not in ids("role=till")
    service = search(stack, "role=service")
    assert case in {e["audit_entry"] for e in service}
    assert {e["role"] for e in service} == {"service"}
    created = search(stack, "action=create&subject=" + who)
    assert [e["action"] for e in created] == ["create"]
    assert ids("action=read&subject=" + who) == {here, there, case}
    assert ids("role=till&action=read&subject=" + who) == {here, there}
    policy = stack.http("GET", "/v1/policy", stack.keys["officer"]).json()["policy"]
    assert here in ids("subject=%s&policy=%s" % (who, policy))
    assert ids("subject=%s&policy=%s" % (who, "00" * 32)) == set()
    # Found page by page all the same.
    pages = search(stack, "limit=1&role=till&action=read&subject=" + who)
    assert [e["audit_entry"] for e in pages] == [there, here]
    for query, member in (("role=king", "role"), ("action=fly", "action"),
                          ("policy=00ff", "policy"), ("limit=2001", "limit")):
        refused(stack, 422, "bad-value", "GET", "/v1/audit?" + query, stack.keys["officer"],
                member=member)


def test_place_asked_for_is_not_the_askers(stack):
    """The filter and the header share a word and nothing else."""
    who = stack.person()
    r = stack.http("GET", "/v1/audit?place=nowhere-at-all&subject=" + who,
                   stack.keys["officer"], headers={"Resguardo-Place": "desk-7"})
    assert r.json()["entries"] == []
    mark = r.json()["audit_entry"]
    found = [e for e in search(stack, "subject=" + who) if e["audit_entry"] == mark]
    assert found[0]["place"] == "desk-7", found


def test_every_result_says_where_its_proof_is(stack):
    who = stack.person()
    entry = search(stack, "subject=" + who)[0]
    assert entry["proof"] == "/v1/audit/%s/proof" % entry["audit_entry"]
    got = proof_of(stack, entry["audit_entry"]).json()
    assert got["leaf_hash"] == entry["leaf_hash"]


def test_export(stack):
    who = stack.person()
    stack.read(who, "first_name,last_name", headers={"Resguardo-Place": '=1+"2",x'})
    path = "/v1/audit?subject=%s&limit=2" % who
    as_json = stack.http("GET", path, stack.keys["officer"]).json()["entries"]

    to = datetime.datetime.fromisoformat(as_json[0]["time"].replace("Z", "+00:00")) + \
        datetime.timedelta(microseconds=1)
    path += "&to=" + to.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def export(kind):
        before = stack.entries()
        r = stack.http("GET", path, stack.keys["officer"], headers={"Accept": kind})
        assert r.status == 200 and r.headers.get_content_type() == kind, r
        assert r.headers["Resguardo-Audit-Entry"] and stack.entries() == before + 1
        return r
    lines = [json.loads(x) for x in export("application/x-ndjson").text.splitlines()]
    assert lines == as_json
    r = export("text/csv")
    rows = list(csv.DictReader(io.StringIO(r.text)))
    assert [x["audit_entry"] for x in rows] == [e["audit_entry"] for e in as_json]
    assert rows[0]["fields"] == "first_name last_name"
    assert rows[0]["place"] == '\'=1+"2",x'         # no spreadsheet takes it for a formula
    assert rows[0]["proof"] == as_json[0]["proof"]
    problem(stack.http("GET", path, stack.keys["officer"], headers={"Accept": "text/html"}),
            406, "not-acceptable")


def test_counts(stack):
    clerk = "clerk-%d" % stack.number()
    key = stack.principal(clerk, "till", ("loyalty_account",))
    who = stack.person()
    for _ in range(3):
        assert stack.read(who, key=key).status == 200
    for _ in range(2):
        problem(stack.read(who, purpose="rewards", key=key), 403, "purpose-not-registered")
    before = stack.entries()
    r = stack.http("GET", "/v1/audit/counts", stack.keys["officer"])
    assert r.status == 200 and stack.entries() == before + 1, r
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    mine = [c for c in r.json()["counts"] if c["actor"] == clerk]
    assert sum(c["count"] for c in mine) == 5 and {c["day"] for c in mine} <= {
        today, mine[0]["day"]}, mine
    assert {(c["purpose"], c["decision"]): c["count"] for c in mine} == {
        ("loyalty_account", "allow"): 3, ("rewards", "deny"): 2}
    # All of them, and nobody else's.
    total = sum(c["count"] for c in r.json()["counts"])
    number = stack.sql("SELECT controller FROM controller WHERE name = 'acme'")
    assert total == int(stack.sql(
        "SELECT count(*) FROM audit_entry WHERE controller = %s AND entry <> '%s'"
        % (number, r.json()["audit_entry"])))
    other = stack.http("GET", "/v1/audit/counts", stack.keys["officer-other"])
    assert clerk not in other.text
    r = stack.http("GET", "/v1/audit/counts", stack.keys["officer"],
                   headers={"Accept": "text/csv"})
    rows = [x for x in csv.DictReader(io.StringIO(r.text)) if x["actor"] == clerk]
    assert sum(int(x["count"]) for x in rows) == 5 and list(rows[0]) == [
        "day", "actor", "purpose", "decision", "count"]
    r = stack.http("GET", "/v1/audit/counts?to=2001-01-01T00:00:00Z", stack.keys["officer"])
    assert r.json()["counts"] == []
    problem(stack.http("GET", "/v1/audit/counts", stack.keys["till"], headers=TILL), 403,
            "denied-by-policy")
    problem(stack.http("GET", "/v1/audit/counts", stack.customer(who)), 403, "denied-by-policy")
    refused(stack, 422, "bad-value", "GET", "/v1/audit/counts?from=2020-01-01T00:00:00Z",
            stack.keys["officer"], member="from")
