"""The log for officers and customers: proofs, search, export, counts."""
import copy
import csv
import datetime
import io
import json
import os
import subprocess
import uuid

import pytest

import insight
import shop
import tlog
from refuse import STAFF, TILL, problem, refused
from stack import AS, until


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


# --- The customer's bundle ---

def bundle(stack, who, key=None, query=""):
    """All parts of it, as answers."""
    signed(stack)
    parts, cursor = [], ""
    while True:
        r = stack.http("GET", "/v1/subjects/%s/audit-bundle?%s" % (who, cursor or query),
                       key or stack.keys["officer"])
        assert r.status == 200, r
        parts.append(r)
        if "next" not in r.json():
            return parts
        cursor = "cursor=" + r.json()["next"]


def verify(stack, body, *copy, key=None):
    """With the program alone: the file, the verifier key, and nothing else."""
    name = os.path.join(stack.home, "bundle-%d.json" % stack.number())
    with open(name, "wb") as f:
        f.write(body if isinstance(body, bytes) else json.dumps(body).encode())
    os.chmod(name, 0o644)
    key = key or stack.cli("audit", "key").strip()
    return subprocess.run(AS + [stack.bin + "/resguardo", "audit", "verify", "--bundle", name,
                                "--key", key, *copy], capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="module")
def shown():
    """A shop with imports and a segment that a tool was given, and one customer of it."""
    from stack import Stack
    with Stack.start() as s:
        people, _ = shop.fill(s, 60)
        r = s.http("POST", "/v1/models", s.keys["tool"],
                   {"purpose": "segmentation", "as_of": "2026-07-01", "bins": 2})
        assert r.status == 201, r
        s.pull = "/v1/members?purpose=segmentation&model=" + r.json()["model"]
        s.given = s.http("GET", s.pull, s.keys["tool"]).json()
        find = insight.by_number(s)
        ids = {find(p["number"]): p["number"] for p in people}
        names = insight.pseudonyms(s, "aurora", ids)
        pulled = {m["pseudonym"] for m in s.given["members"]}
        who = sorted(i for i in ids if names[i] in pulled)
        s.who, s.other, s.third, s.pseudonym = who[0], who[1], who[2], names[who[0]]
        s.place = "calle-9"
        s.read(s.who, headers={"Resguardo-Place": s.place})
        s.denied = problem(s.read(s.who, purpose="personalised_offers"), 403,
                           "no-live-consent")["audit_entry"]
        s.case = s.http("GET", "/v1/subjects/%s?purpose=customer_care&fields=first_name" % s.who,
                        s.keys["service"], headers=STAFF).headers["Resguardo-Audit-Entry"]
        s.read(s.other)
        s.mine = s.customer(s.who)
        yield s


def test_customer_holds_proof_of_every_access(shown):
    s = shown
    (r,) = bundle(s, s.who, s.mine)
    got = r.json()
    by_id = {a["audit_entry"]: a for a in got["accesses"]}
    # Each entry that is about them, and each that has them among its many.
    wanted = {e["audit_entry"] for e in search(s, "subject=" + s.who)} - {r.json()["audit_entry"]}
    wanted -= {e["audit_entry"] for e in search(s, "action=audit_read&subject=" + s.who)}
    assert wanted <= set(by_id), wanted - set(by_id)
    assert by_id[s.denied]["decision"] == "deny" and \
        by_id[s.denied]["clause"] == "consent:personalised_offers"
    many = [a for a in got["accesses"] if "share" in a]
    assert sorted({a["action"] for a in many}) == ["event_write", "import", "release"] or \
        sorted({a["action"] for a in many}) == ["import", "release"], many
    (pull,) = [a for a in many if a["action"] == "release"]
    assert pull["audit_entry"] == s.given["audit_entry"]
    assert pull["recipient"] == "aurora" and pull["share"]["pseudonym"] == s.pseudonym
    member = [m for m in s.given["members"] if m["pseudonym"] == s.pseudonym][0]
    assert [pull["share"][k] for k in "rfm"] == [member[k] for k in "rfm"]
    # Readable, and never who of the staff it was.
    assert [a["place"] for a in got["accesses"] if a.get("place") == s.place] == [s.place]
    assert s.case in by_id and by_id[s.case]["role"] == "service"
    for word in ("s.vidal", "case 1"):
        assert word not in r.text
    assert any("staff" in t for t in got["does_not_cover"]) and got["covers"]
    # Nobody else's: neither ids, nor their pseudonyms, nor what only opens theirs.
    for other in (s.other, s.third):
        assert other not in r.text
    theirs = {m["pseudonym"] for m in s.given["members"]} - {s.pseudonym}
    assert not [p for p in theirs if p in r.text]
    done = verify(s, r.body)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    " + s.who in done.stdout and "among many, release" in done.stdout
    assert "%d accesses" % len(by_id) in done.stdout
    # The officer's says the same, but for what came since.
    (r,) = bundle(s, s.who, query="to=" + got["to"] + "&from=" + got["from"])
    assert {a["audit_entry"] for a in r.json()["accesses"]} == set(by_id)
    es = s.http("GET", "/v1/subjects/%s/audit-bundle?language=es" % s.who, s.mine).json()
    assert es["covers"] != got["covers"] and "persona" in es["covers"][0]


def test_one_who_was_left_out_of_a_page(own):
    """Whoever withdraws before their page is given is not shown to have been given."""
    s = own()
    people, _ = shop.fill(s, 4300)
    r = s.http("POST", "/v1/models", s.keys["tool"],
               {"purpose": "segmentation", "as_of": "2026-07-01", "bins": 2})
    assert r.status == 201, r
    pull = "/v1/members?purpose=segmentation&model=" + r.json()["model"]
    first = s.http("GET", pull, s.keys["tool"]).json()
    assert first["next"], "one page only: make more people"
    inside = {m["pseudonym"] for m in first["members"]}
    find = insight.by_number(s)
    names = insight.pseudonyms(s, "aurora", [find(p["number"]) for p in people])
    last = max(inside)
    later = sorted((p, who) for who, p in names.items() if p > last)
    gone, stays = later[0][1], later[-1][1]
    early = min((p, who) for who, p in names.items() if p in inside)[1]
    assert s.consent(gone, "withdraw", "segmentation").status == 200
    second = s.http("GET", pull + "&cursor=" + first["next"], s.keys["tool"])
    assert second.status == 200 and names[gone] not in second.text
    assert names[stays] in second.text
    assert s.sql("SELECT count(*) FROM audit_page WHERE left_out IS NOT NULL") == "1"

    def releases(who):
        (r,) = bundle(s, who)
        done = verify(s, r.body)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        return [a["audit_entry"] for a in r.json()["accesses"] if a.get("action") == "release"]
    assert releases(gone) == []
    assert releases(stays) == [second.json()["audit_entry"]]
    assert releases(early) == [first["audit_entry"]]


def test_who_may_have_a_bundle(shown):
    s = shown
    path = "/v1/subjects/%s/audit-bundle" % s.who
    stranger = s.customer(s.other)
    problem(s.http("GET", path, stranger), 403, "denied-by-policy")
    problem(s.http("GET", path, s.keys["officer-other"]), 404, "not-found")
    problem(s.http("GET", path, s.keys["till"], headers=TILL), 403, "denied-by-policy")
    problem(s.http("GET", path, s.keys["tool"]), 403, "denied-by-policy")
    problem(s.http("GET", path), 401, "unauthenticated")
    before = s.entries()
    assert s.http("GET", path, s.mine).status == 200
    assert s.entries() == before + 1
    refused(s, 422, "bad-value", "GET", path + "?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
            s.mine, member="from")
    refused(s, 400, "bad-cursor", "GET", path + "?cursor=AAAA", s.mine)


def test_bundle_in_parts(shown):
    """More than fits in one: the parts follow each other, each whole in itself."""
    s = shown
    who = s.person()
    for _ in range(430):
        assert s.read(who).status == 200
    parts = bundle(s, who)
    assert len(parts) >= 2
    seen = []
    for a, b in zip(parts, parts[1:]):
        assert a.json()["to"] == b.json()["from"]
    for r in parts:
        done = verify(s, r.body)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        seen += [a["audit_entry"] for a in r.json()["accesses"]]
    assert len(seen) == len(set(seen)) and len(seen) >= 431
    other = s.http("GET", "/v1/subjects/%s/audit-bundle" % who, s.keys["officer"]).json()["next"]
    refused(s, 400, "bad-cursor", "GET", "/v1/subjects/%s/audit-bundle?cursor=%s" % (s.who, other),
            s.mine)


def test_tampered_bundle_is_named(shown):
    s = shown
    (r,) = bundle(s, s.who, s.mine)
    good = r.json()
    pull = next(i for i, a in enumerate(good["accesses"]) if a.get("action") == "release")
    read = next(i for i, a in enumerate(good["accesses"]) if a["audit_entry"] == s.denied)

    def flip(text):
        return ("1" if text[0] == "0" else "0") + text[1:]
    deeds = [
        (lambda b: b["accesses"][read].update(purpose="legal_obligation"), "'purpose'"),
        (lambda b: b["accesses"][read].update(decision="allow"), "'decision'"),
        (lambda b: b["accesses"][read].update(time="2026-01-01T00:00:00Z"), "'time'"),
        (lambda b: b["accesses"][read].update(actor="nobody"), "'actor'"),
        (lambda b: b["accesses"][read].update(recipient="aurora"), "'recipient'"),
        (lambda b: b["accesses"][read].update(fields=[]), "'fields'"),
        (lambda b: b["accesses"][read].update(people=7), "'people'"),
        (lambda b: b["accesses"][read].update(staff="x"), "does not have"),
        (lambda b: b["accesses"][read].update(index=b["accesses"][read]["index"] + 1), "not in the log"),
        (lambda b: b["accesses"][read].update(leaf=b["accesses"][read]["leaf"][:-2] + "00"), "not in the log"),
        (lambda b: b["accesses"][read].update(key_done=flip(b["accesses"][read]["key_done"])), "not opened"),
        (lambda b: b["accesses"][read].update(hash_who=flip(b["accesses"][read]["hash_who"])), "not opened"),
        (lambda b: b["accesses"][read].update(key_about=flip(b["accesses"][read]["key_about"])), "not opened"),
        (lambda b: b["accesses"][read]["hashes"].append("00" * 32), "not in the log"),
        (lambda b: b["accesses"][read]["hashes"].pop(), "not in the log"),
        (lambda b: b["accesses"].pop(read), "should have"),
        (lambda b: b["accesses"].insert(read, b["accesses"][read]), "stands twice"),
        (lambda b: b["accesses"][pull]["share"].update(position=b["accesses"][pull]["share"]["position"] ^ 1), "does not lead"),
        (lambda b: b["accesses"][pull]["share"].update(key_share=flip(b["accesses"][pull]["share"]["key_share"])), "does not lead"),
        (lambda b: b["accesses"][pull]["share"].update(given=flip(b["accesses"][pull]["share"]["given"])), "does not lead"),
        (lambda b: b["accesses"][pull]["share"].update(r=9), "'r'"),
        (lambda b: b["accesses"][pull].pop("share"), "not about this person"),
        (lambda b: b.update(subject=s.other), "not about this person"),
        (lambda b: b.update(controller_number=b["controller_number"] + 1), "not opened"),
        (lambda b: b.update(to=b["from"]), "outside"),
        (lambda b: b["days"].pop(), "every day"),
        (lambda b: b["days"][-1].update(tag=flip(b["days"][-1]["tag"])), "tag of"),
        (lambda b: b["days"][-1].update(tag=b["days"][-1]["tag"][:-1] + "f"), "tag of its day"),
        (lambda b: b["days"][-1].update(count=99), "should have 99"),
        (lambda b: b["days"][-1].update(whole=True), "whole"),
        (lambda b: b.update(covers=[]), "covers"),
        (lambda b: b.update(checkpoint=b["checkpoint"].replace("\n", "\n1", 1)), "checkpoint"),
        (lambda b: b.update(format="resguardo-audit-bundle-2"), "form"),
        (lambda b: b.update(extra=1), "does not have"),
    ]
    for deed, word in deeds:
        bad = copy.deepcopy(good)
        deed(bad)
        if bad == good:
            continue
        done = verify(s, bad)
        said = [x for x in done.stdout.split("\n") if x.startswith("WRONG ")]
        assert done.returncode == 1 and any(word in x for x in said), (word, done.stdout[-1500:])
    # Another log's key did not sign it.
    other = "resguardo.local/other+%s" % s.cli("audit", "key").strip().split("+", 1)[1]
    assert verify(s, r.body, key=other).returncode == 1


def test_altered_rows_are_not_given_out(shown):
    s = shown
    path = "/v1/subjects/%s/audit-bundle" % s.other
    signed(s)
    assert s.http("GET", path, s.keys["officer"]).status == 200
    s.sql("UPDATE audit_page SET commitments = set_byte(commitments, 0, get_byte(commitments, 0) # 1)"
          " WHERE commitments IS NOT NULL")
    try:
        problem(s.http("GET", path, s.keys["officer"]), 500, "integrity-failure")
    finally:
        s.sql("UPDATE audit_page SET commitments = set_byte(commitments, 0, get_byte(commitments, "
              "0) # 1) WHERE commitments IS NOT NULL")
    s.sql("UPDATE audit_page SET left_out = decode(repeat('00', 511) || '00', 'hex') || '\\x' "
          "WHERE release IS NOT NULL")
    assert s.http("GET", path, s.keys["officer"]).status == 200
    s.sql("UPDATE audit_page SET left_out = decode('ff' || repeat('00', 511), 'hex') "
          "WHERE release IS NOT NULL")
    refused_or_absent = s.http("GET", path, s.keys["officer"])
    s.sql("UPDATE audit_page SET left_out = NULL WHERE release IS NOT NULL")
    assert refused_or_absent.status == 500 or not [
        a for a in refused_or_absent.json()["accesses"] if a.get("action") == "release"]


def test_across_changes_of_key(own):
    """What stands in a log that was closed is proven by it, part by part."""
    s = own()
    who, keys, done = s.person(), [], []
    for log in range(4):
        keys.append(s.cli("audit", "key").strip())
        done.append([s.read(who).headers["Resguardo-Audit-Entry"] for _ in range(3)])
        until("all of it signed", lambda: s.rows(
            "SELECT (SELECT sum(size) FROM log_state) >= (SELECT count(*) FROM audit_entry)"
            )[0][0] == "t" and tlog.checkpoint(s.http("GET", "/log/checkpoint").text)[1] >= 3)
        if log < 3:
            s.stop()
            s.cli("audit", "rotate")
            s.serve()
    parts, cursor = [], ""
    while True:
        r = s.http("GET", "/v1/subjects/%s/audit-bundle?%s" % (who, cursor), s.keys["officer"])
        assert r.status == 200, r
        parts.append(r)
        if "next" not in r.json():
            break
        cursor = "cursor=" + r.json()["next"]
    seen = {}
    for r in parts:
        origin = tlog.checkpoint(r.json()["checkpoint"])[0]
        key = {k.split("+")[0]: k for k in keys}[origin]
        result = verify(s, r.body, key=key)
        assert result.returncode == 0, result.stdout + result.stderr
        seen.update({a["audit_entry"]: key for a in r.json()["accesses"]})
    for entry, key in [(e, k) for k, of in zip(keys, done) for e in of]:
        assert seen[entry] == key
        r = s.http("GET", "/v1/audit/%s/proof" % entry, s.keys["officer"])
        assert r.status == 200, r
        index, path, note = tlog.read_proof(r.json()["tlog_proof"])
        origin, size, root = tlog.checkpoint(note)
        assert origin == key.split("+")[0]
        assert tlog.root_of(path, index, size, bytes.fromhex(r.json()["leaf_hash"])) == root
