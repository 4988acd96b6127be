"""A log that ends and goes on under another key: whoever noted the first key
follows it, and nobody slips anything in between."""
import os
import re
import shutil
import signal
import subprocess

import pytest
from stack import AS, until
from test_log import fetch, outside  # noqa: F401


def rotate(stack, *under):
    return subprocess.run(AS + list(under) + [os.path.join(stack.bin, "resguardo"), "audit",
                                              "rotate", "--state", stack.state],
                          capture_output=True, text=True, cwd="/")


def rotated(stack):
    """The key after."""
    done = rotate(stack)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().split("\n")[-1]


def verify(stack, folder, key, *more):
    return subprocess.run([stack.bin + "/resguardo", "audit", "verify", str(folder),
                           "--key", key, *more], capture_output=True, text=True)


def check(stack, *more):
    return subprocess.run(AS + [stack.bin + "/resguardo", "audit", "check", "--state",
                                stack.state, *more], capture_output=True, text=True, cwd="/")


def keyid(key):
    return key.split("+")[1]


def work(stack, n=3):
    who = stack.person(consents=("personalised_offers",))
    answers = [stack.read(who) for _ in range(n)]
    assert all(a.status == 200 for a in answers)
    return answers[-1].headers["Resguardo-Audit-Entry"]


def covered(stack):
    until("a checkpoint over all", lambda: stack.rows(
        "SELECT (SELECT sum(size) FROM log_state) = (SELECT count(*) FROM audit_entry)"
        " AND (SELECT bool_and(length(checkpoint) > 0) FROM log_state)")[0][0] == "t")


def test_followed_from_the_first_key(own, outside, tmp_path):  # noqa: F811
    s = own()
    first = s.cli("audit", "key").strip()
    before = work(s)
    covered(s)
    kept = str(tmp_path / "kept")
    assert verify(s, s.state + "/log", first, "--remember", kept).returncode == 0
    assert rotate(s).returncode == 1, "a server was running"
    s.stop()
    second = rotated(s)
    assert s.cli("audit", "key").strip() == second != first
    s.serve()
    between = work(s)
    covered(s)
    s.stop()
    third = rotated(s)
    s.serve()
    after = work(s)
    covered(s)
    # A copy over HTTPS, the closed logs where a static server has them.
    copy = tmp_path / "copy"
    copy.mkdir()
    fetch(s, str(copy))
    for key in (first, second):
        note = s.http("GET", "/log/closed/%s/checkpoint" % keyid(key))
        assert note.status == 200
        shutil.copytree(s.state + "/log/closed/" + keyid(key), copy / "closed" / keyid(key))
        tile = s.http("GET", "/log/closed/%s/tile/0/000.p/%s" % (
            keyid(key), note.text.split("\n")[1]))
        assert tile.status == 200
        assert tile.headers["Content-Type"] == "application/octet-stream"
    for key, logs in ((first, 3), (second, 2), (third, 1)):
        done = verify(s, copy, key)
        assert done.returncode == 0 and done.stdout.count(" entries") == logs, done.stdout
    # What was remembered of the first is continued by the last, and then it.
    for _ in range(2):
        done = verify(s, copy, first, "--remember", kept)
        assert done.returncode == 0 and "continues what was remembered" in done.stdout
    assert third.split("+")[0] in open(kept).read()
    # Each is a log by itself, to others too.
    for folder, key in ((copy / "closed" / keyid(first), first),
                        (copy / "closed" / keyid(second), second), (copy, third)):
        done = subprocess.run([outside, str(folder), key], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    done = check(s)
    assert done.returncode == 0, done.stdout + done.stderr
    for entry in (before, between, after):
        proof = s.cli("audit", "proof", entry)
        assert proof.startswith("c2sp.org/tlog-proof@v1\n")
    assert s.cli("audit", "proof", before).split("\n\n")[1].startswith(first.split("+")[0])
    # An entry of a closed log is missed as any other.
    s.stop()
    s.sql("DELETE FROM audit_entry WHERE entry = '%s'" % before)
    done = check(s)
    assert done.returncode == 1 and before + " was removed" in done.stdout


def test_what_was_altered_is_found(own, tmp_path):
    s = own(serve=False)
    s.serve()
    first = s.cli("audit", "key").strip()
    work(s)
    s.stop()
    log = s.state + "/log"
    shutil.copytree(log, log + ".before")
    second = rotated(s)
    closed = log + "/closed/" + keyid(first)
    assert verify(s, log, first).returncode == 0

    def wrong(word, key=first):
        done = verify(s, log, key)
        assert done.returncode == 1 and word in done.stdout, done.stdout + done.stderr

    # The closed log put back to before it was closed is no beginning of the next.
    os.rename(closed, closed + ".away")
    wrong("not signed by this key")
    assert verify(s, log, second).returncode == 0
    os.rename(log + ".before", closed)
    assert verify(s, closed, first).returncode == 0
    wrong("older copy")
    shutil.rmtree(closed)
    os.rename(closed + ".away", closed)
    for name in ("tile/entries", "tile/0"):
        folder = os.path.join(closed, name)
        path = next(os.path.join(d, f) for d, _, files in os.walk(folder) for f in files)
        body = open(path, "rb").read()
        with open(path, "r+b") as f:
            f.seek(len(body) // 2)
            f.write(bytes([body[len(body) // 2] ^ 1]))
        wrong("in " + closed)
        with open(path, "r+b") as f:
            f.write(body)
    assert verify(s, log, first).returncode == 0
    # Another log of the same key in its place.
    third = rotated(s)
    assert verify(s, log, first).returncode == 0
    shutil.rmtree(log + "/closed/" + keyid(second) + "/tile")
    wrong("missing")
    assert verify(s, log, third).returncode == 0


def test_the_old_key_is_of_no_use(own):
    s = own()
    work(s)
    s.stop()
    key = s.state + "/keys/log.key"
    old = open(key).read()
    rotated(s)
    assert old not in "".join(open(os.path.join(d, f), errors="replace").read()
                              for d, _, files in os.walk(s.state + "/keys") for f in files)
    assert not os.path.exists(s.state + "/next")
    new = open(key).read()
    for name in ("log.key", "last-checkpoint"):
        os.rename(s.state + "/keys/" + name, s.state + "/keys/away-" + name)
    with open(key, "w") as f:
        f.write(old)
    os.chmod(key, 0o600)
    st = os.stat(s.state + "/keys")
    os.chown(key, st.st_uid, st.st_gid)
    os.rename(s.state + "/log", s.state + "/log.away")
    s.serve()
    until("the refusal", lambda: s.read(s.subjects.get("x", "0" * 8 + "-0000-4000-8000-" + "0" * 12))
          .status == 503)
    assert "log-closed" in s.log()
    s.stop()
    shutil.rmtree(s.state + "/log")
    os.rename(s.state + "/log.away", s.state + "/log")
    with open(key, "w") as f:
        f.write(new)
    os.rename(s.state + "/keys/away-last-checkpoint", s.state + "/keys/last-checkpoint")
    s.serve()
    work(s)


def test_a_lost_key_makes_no_other_log(own):
    s = own()
    work(s)
    covered(s)
    s.stop()
    # Nothing but the database remembers that there was a log.
    os.rename(s.state + "/keys/log.key", s.state + "/keys/away")
    os.unlink(s.state + "/keys/last-checkpoint")
    os.rename(s.state + "/log", s.state + "/log.away")
    with pytest.raises(RuntimeError):
        s.serve()
    s.stop(signal.SIGKILL)
    assert "log.key-missing" in s.log() and "from its copy" in s.log()
    assert not os.path.exists(s.state + "/keys/log.key")
    os.rename(s.state + "/keys/away", s.state + "/keys/log.key")
    os.rename(s.state + "/log.away", s.state + "/log")
    s.serve()
    work(s)


def test_nobody_else_ends_it(own):
    """A superuser of PostgreSQL makes an entry that says the log goes on as theirs."""
    s = own()
    who = s.person()
    s.cli("status")
    covered(s)
    s.sql("""
BEGIN;
SELECT pg_current_xact_id();
INSERT INTO audit_entry (entry, time, controller, actor, action, purpose, decision, recipient,
  leaf, leaf_hash)
SELECT e, now(), controller, actor, action, purpose, decision, recipient, l,
  sha256('\\x00'::bytea || l)
FROM (SELECT a.*, e, overlay(leaf PLACING uuid_send(e) FROM 2) || int2send(length(n)::int2)
    || convert_to(n, 'UTF8') AS l
  FROM audit_entry a, (SELECT gen_random_uuid() AS e, E'resguardo log closed\\nnext '
    'evil.example+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\\n' AS n) AS x
  WHERE get_byte(leaf, 17) = 4 LIMIT 1) AS y;
COMMIT;
""".replace("$", ""))
    until("the refusal", lambda: s.read(who).status == 503)
    assert s.read(who).json()["clause"] == "log-entry-altered"


@pytest.mark.parametrize("call", ("rename", "renameat", "mkdir", "write"))
def test_cut_off_anywhere(own, call):
    """Killed at each such call in turn, it goes on where it was."""
    s = own()
    first = s.cli("audit", "key").strip()
    work(s)
    s.stop()
    trace = s.state + "/trace"
    killed = 0
    for n in range(1, 60):
        done = rotate(s, "strace", "-f", "-qq", "-o", trace, "-e", "trace=" + call, "-e",
                      "inject=%s:signal=KILL:when=%d" % (call, n))
        if done.returncode == 0:
            break
        assert done.returncode in (-9, 137), done.stdout + done.stderr
        killed += 1
        rotated(s)
        assert verify(s, s.state + "/log", first).returncode == 0
        assert not os.path.exists(s.state + "/next")
    else:
        raise AssertionError("it never came to its end")
    assert killed >= 2, killed
    done = verify(s, s.state + "/log", first)
    assert done.returncode == 0
    assert len(re.findall(r"^ok .* entries; closed", done.stdout, re.M)) >= killed
    done = check(s)
    assert done.returncode == 0, done.stdout + done.stderr
    s.serve()
    work(s)
