"""The log as anybody sees it: over HTTPS, by our verifier and by an outside one.

RSG_OUTSIDE names the outside client; without it it is built with Debian's
golang-go and golang-golang-x-mod-dev.
"""
import glob
import os
import shutil
import subprocess
import tempfile

import pytest
from stack import AS, until

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture(scope="session")
def outside():
    """A program that is not ours: x/mod's note and tlog."""
    if os.environ.get("RSG_OUTSIDE"):
        yield os.environ["RSG_OUTSIDE"]
        return
    # Debian's own compiler and sources, whatever other Go is installed: what
    # that one has in its environment is of no use here.
    go = next((g for g in ["/usr/bin/go"] + sorted(glob.glob("/usr/lib/go-*/bin/go"))[::-1]
               if os.path.exists(g)), None)
    if go is None or not os.path.isdir("/usr/share/gocode/src/golang.org/x/mod"):
        pytest.fail("needs the packages golang-go and golang-golang-x-mod-dev")
    folder = tempfile.mkdtemp(prefix="rsg-outside-")
    program = os.path.join(folder, "outside")
    env = {"PATH": "/usr/bin:/bin", "HOME": folder, "GO111MODULE": "off", "GOENV": "off",
           "GOPATH": "/usr/share/gocode", "GOCACHE": os.path.join(folder, "cache"),
           "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOPROXY": "off"}
    subprocess.run([go, "build", "-o", program, os.path.join(HERE, "outside", "main.go")],
                   env=env, cwd=folder, check=True)
    yield program
    shutil.rmtree(folder)


def checkpoint(stack):
    answer = stack.http("GET", "/log/checkpoint")
    assert answer.status == 200, answer
    return answer


def size(stack):
    return int(checkpoint(stack).text.split("\n")[1])


def covered(stack):
    """Wait until all entries committed by now are under a checkpoint."""
    n = int(stack.rows("SELECT count(*) FROM audit_entry")[0][0])
    until("a checkpoint over %d entries" % n, lambda: size(stack) >= n)
    return n


def path_of(level, n, width):
    groups = ["%03d" % (n % 1000)]
    while n >= 1000:
        n //= 1000
        groups.insert(0, "x%03d" % (n % 1000))
    return "tile/%s/%s%s" % (level, "/".join(groups), "" if width == 256 else ".p/%d" % width)


def fetch(stack, folder):
    """All that tlog-tiles says a log of this size has, over HTTPS."""
    note = checkpoint(stack)
    n = int(note.text.split("\n")[1])
    files = {"checkpoint": note.body}
    wanted = []
    level = 0
    while n >> (8 * level):
        hashes = n >> (8 * level)
        for i in range((hashes + 255) // 256):
            width = min(256, hashes - i * 256)
            wanted.append((level, i, width))
            if level == 0:
                wanted.append(("entries", i, width))
        level += 1
    for at in wanted:
        answer = stack.http("GET", "/log/" + path_of(*at))
        assert answer.status == 200, (at, answer)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "immutable" in answer.headers["Cache-Control"]
        files[path_of(*at)] = answer.body
    for name, body in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(body)
    return n


def verify(stack, folder, *more):
    key = stack.cli("audit", "key").strip()
    return subprocess.run([stack.bin + "/resguardo", "audit", "verify", folder,
                           "--key", key, *more], capture_output=True, text=True)


def work(stack, n):
    someone = stack.person()
    for _ in range(n):
        assert stack.read(someone).status == 200


def test_a_stranger_verifies_a_copy(stack, outside, tmp_path):
    work(stack, 3)
    first = covered(stack)
    work(stack, 5)
    covered(stack)
    note = checkpoint(stack)
    assert note.headers["Content-Type"].startswith("text/plain")
    assert note.headers["Cache-Control"] == "no-cache"
    fetch(stack, str(tmp_path))
    ours = verify(stack, str(tmp_path))
    assert ours.returncode == 0, ours.stdout + ours.stderr
    key = stack.cli("audit", "key").strip()
    theirs = subprocess.run([outside, str(tmp_path), key, str(first)],
                            capture_output=True, text=True)
    assert theirs.returncode == 0, theirs.stderr
    assert "proven" in theirs.stdout
    # And neither takes a copy that was altered.
    for name in ("checkpoint", "tile/entries/000", "tile/0/000"):
        found = [p for p in tmp_path.rglob("*") if p.is_file() and
                 str(p.relative_to(tmp_path)).startswith(name)]
        body = found[0].read_bytes()
        middle = len(body) // 2
        found[0].write_bytes(body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:])
        assert verify(stack, str(tmp_path)).returncode == 1
        altered = subprocess.run([outside, str(tmp_path), key], capture_output=True)
        assert altered.returncode == 1, name
        found[0].write_bytes(body)


def test_only_the_log_is_served(stack):
    for path in ("/log/", "/log/tile", "/log/tile/", "/log/../keys/log.key",
                 "/log/tile/../../keys/log.key", "/log/tile/0/..%2f..%2fcheckpoint",
                 "/log/%2e%2e/keys/root.key", "/log/tile/0/000/", "/log/tile/0",
                 "/log//checkpoint", "/log/checkpoint/", "/log/checkpoint.new",
                 "/log/tile/0/999", "/log/tile/entries", "/log/last-checkpoint"):
        assert stack.http("GET", path).status == 404, path
    assert stack.http("POST", "/log/checkpoint").status == 405
    assert stack.http("HEAD", "/log/checkpoint").status == 200


def test_the_log_remembers(stack, tmp_path):
    kept = str(tmp_path / "kept")
    folder = tmp_path / "log"
    folder.mkdir()
    covered(stack)
    fetch(stack, str(folder))
    assert verify(stack, str(folder), "--remember", kept).returncode == 0
    work(stack, 2)
    covered(stack)
    fetch(stack, str(folder))
    again = verify(stack, str(folder), "--remember", kept)
    assert again.returncode == 0 and "continues" in again.stdout, again.stdout


def test_killed_anywhere_it_verifies(own, outside, tmp_path):
    stack = own()
    key = stack.cli("audit", "key").strip()
    someone = stack.person()
    for i in range(6):
        stack.read(someone)
        stack.kill("resguardo-vault")
        stack.wait_ready()
        stack.read(someone)
    covered(stack)
    n = fetch(stack, str(tmp_path))
    assert n > 6
    assert verify(stack, str(tmp_path)).returncode == 0
    assert subprocess.run([outside, str(tmp_path), key]).returncode == 0


def test_a_log_that_cannot_go_on_closes_the_server(own):
    stack = own()
    someone = stack.person()
    covered(stack)
    # As a superuser would: an entry that is not in the log yet is altered.
    stack.sql("BEGIN; SELECT pg_current_xact_id();"
              "INSERT INTO audit_entry (entry, time, controller, actor, action, purpose,"
              " decision, recipient, leaf, leaf_hash) SELECT gen_random_uuid(), now(),"
              " controller, actor, action, purpose, decision, recipient, leaf, leaf_hash"
              " FROM audit_entry LIMIT 1; COMMIT")
    until("the refusal", lambda: stack.read(someone).status == 503)
    answer = stack.read(someone)
    assert answer.json()["clause"] == "log-entry-altered"
    assert stack.http("GET", "/healthz").status == 200
    ready = stack.http("GET", "/readyz")
    assert ready.status == 503 or ready.json().get("ready") is False
    assert "resguardo_log_closed 1" in stack.metrics().text
    stack.sql("DELETE FROM audit_entry WHERE entry <> encode(substr(leaf, 2, 16), 'hex')::uuid")
    until("service", lambda: stack.read(someone).status == 200)


def check(stack):
    return subprocess.run(AS + [stack.bin + "/resguardo", "audit", "check", "--state",
                                stack.state], capture_output=True, text=True, cwd="/")


def test_what_a_superuser_does_to_a_row_is_named(own):
    stack = own()
    work(stack, 4)
    covered(stack)
    fine = check(stack)
    assert fine.returncode == 0 and fine.stdout.startswith("ok"), fine.stdout + fine.stderr
    stack.stop()
    third = stack.rows("SELECT entry, xid, seq FROM audit_entry ORDER BY xid, seq"
                       " OFFSET 2 LIMIT 1")[0]
    where = " WHERE entry = '%s'" % third[0]
    stack.sql("CREATE TABLE kept AS TABLE audit_entry")
    for what, word in (
            ("DELETE FROM audit_entry" + where, "removed"),
            ("UPDATE audit_entry SET leaf = set_byte(leaf, 120, 1 + get_byte(leaf, 120) % 255)"
             + where, "changed"),
            ("UPDATE audit_entry SET leaf_hash = sha256(leaf)" + where, "changed"),
            ("UPDATE audit_entry SET time = time - interval '2 hours'" + where, "changed"),
            ("UPDATE audit_entry SET tag = sha256(leaf)" + where, "changed"),
            ("UPDATE audit_entry SET xid = (SELECT min(xid) FROM audit_entry)" + where, "moved"),
            ("INSERT INTO audit_entry (xid, entry, time, controller, actor, action, purpose,"
             " decision, recipient, leaf, leaf_hash) SELECT xid, gen_random_uuid(), time,"
             " controller, actor, action, purpose, decision, recipient, leaf, leaf_hash"
             " FROM audit_entry" + where, "added")):
        stack.sql(what)
        done = check(stack)
        assert done.returncode == 1, what
        assert word in done.stdout, (what, done.stdout)
        if word not in ("added", "moved"):
            assert third[0] in done.stdout, (what, done.stdout)
        stack.sql("DELETE FROM audit_entry;"
                  "INSERT INTO audit_entry OVERRIDING SYSTEM VALUE SELECT * FROM kept")
        assert check(stack).returncode == 0


def test_proof_of_one_entry(stack):
    someone = stack.person()
    entry = stack.read(someone).headers["Resguardo-Audit-Entry"]
    covered(stack)
    proof = stack.cli("audit", "proof", entry)
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex ")
    index = int(proof.split("\n")[1].split()[1])
    leaf = stack.rows("SELECT entry FROM audit_entry ORDER BY xid, seq OFFSET %d LIMIT 1" % index)
    assert leaf[0][0] == entry
