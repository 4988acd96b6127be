"""Each system call of an integration fails once, and once is its last: what is
published verifies all the same, the next integration goes on, nothing is lost.

strace refuses or kills at the nth call of each kind, in a process that does
what the server's integrator does (integrate.c).
"""
import concurrent.futures
import os
import re
import shutil
import subprocess

import pytest
from stack import AS, BIN, Stack

CALLS = ("openat", "write", "renameat", "fsync")
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
ENTRIES = 97        # a bundle fills every third time


class Log:
    """The log of a server at rest."""

    def __init__(self, stack):
        self.stack, self.program = stack, os.path.join(stack.home, "integrate")
        self.trace = os.path.join(stack.state, "trace")
        self.kept = os.path.join(stack.state, "kept")
        shutil.copy(os.path.join(BIN, "faults_integrate"), self.program)
        os.chmod(self.program, 0o755)
        self.entries = stack.entries()
        self.key = stack.cli("audit", "key").strip()
        self.argv = [self.program, "host=%s/run dbname=resguardo user=resguardo_app"
                     % stack.state, stack.state]

    def add(self):
        """Entries as anybody's would be to the log: an id, bytes, their hash."""
        self.stack.sql(
            "INSERT INTO audit_entry (entry, time, controller, actor, action, purpose, decision,"
            " recipient, leaf, leaf_hash) SELECT e, now(), 1, e, 0, 0, 1, 0, l,"
            " sha256('\\x00'::bytea || l) FROM (SELECT e, '\\x01'::bytea || uuid_send(e) ||"
            " '\\x01'::bytea || int4send(floor(extract(epoch FROM now()) / 3600)::int) ||"
            " decode(repeat(md5(e::text), 6), 'hex') AS l FROM (SELECT gen_random_uuid() AS e"
            " FROM generate_series(1, %d)) AS a OFFSET 0) AS b" % ENTRIES)
        self.entries += ENTRIES

    def run(self, *under):
        return subprocess.run(AS + list(under) + self.argv, cwd="/", capture_output=True,
                              text=True)

    def traced(self, call, *more):
        done = self.run("strace", "-f", "-qq", "-o", self.trace, "-e", "trace=" + call, *more)
        with open(self.trace) as f:
            return done, f.read().splitlines()

    def verifies(self):
        """What a reader finds; and that it only grew since they last looked."""
        done = subprocess.run(
            AS + [self.stack.bin + "/resguardo", "audit", "verify", self.stack.state + "/log",
                  "--key", self.key, "--remember", self.kept],
            capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr
        return int(re.search(r": (\d+) entries", done.stdout).group(1))

    def whole(self):
        """All that was ever committed is in it."""
        assert self.verifies() == self.entries


    def fails_at(self, call, fault, n):
        """Its nth call fails, with more to take in. Did it come to that? Did
        the integration say so?"""
        self.add()
        # Only killing needs every system call to stop for strace.
        fast = ("--seccomp-bpf",) if fault.startswith("error") else ()
        done, lines = self.traced(call, *fast, "-e", "inject=%s:%s:when=%d" % (call, fault, n))
        killed = done.returncode in (-9, 137)
        self.verifies()
        if not killed and not any("(INJECTED)" in x for x in lines):
            assert done.returncode == 0, done.stderr
            self.whole()
            return None
        if done.returncode != 0:
            assert self.run().returncode == 0
        self.whole()
        return done.returncode != 0

    def each(self, call, fault):
        """How often something was hit, and how often that was the end."""
        n, said = self.first.get(call, 1), []
        while True:
            failed = self.fails_at(call, fault, n)
            if failed is None:
                return len(said), sum(said)
            said.append(failed)
            n += 1


@pytest.fixture(scope="module")
def logs():
    """One for each fault: three at a time take a third of the time."""
    with Stack.start() as a, Stack.start() as b, Stack.start() as c:
        for stack in (a, b, c):
            stack.stop()
        logs = [Log(stack) for stack in (a, b, c)]
        for log in logs:
            log.add()
            done, lines = log.traced("openat")
            if done.returncode != 0 and not lines:
                print("SKIPPED: strace may not trace here: " + done.stderr.strip()[-200:])
                pytest.skip("strace may not trace here")
            assert done.returncode == 0, done.stderr
            # Libraries are opened before; the key is the first that is ours.
            log.first = {"openat": next(i for i, x in enumerate(lines, 1) if "O_NOFOLLOW" in x)}
            log.whole()
        yield logs


@pytest.mark.parametrize("call", CALLS)
def test_each_call_fails_once(logs, call):
    with concurrent.futures.ThreadPoolExecutor(len(FAULTS)) as pool:
        jobs = [pool.submit(log.each, call, fault) for log, fault in zip(logs, FAULTS)]
        for job, fault in zip(jobs, FAULTS):
            times, ends = job.result()
            # A folder, a tile, a bundle, two checkpoints: each was hit.
            assert times >= 5, (fault, times)
            # It may do without what it only looks for, never without what it writes.
            assert ends == times if fault == "signal=KILL" or call != "openat" else \
                ends >= times // 2, (fault, times, ends)


def test_and_the_database_agrees(logs):
    for log in logs:
        assert log.entries == log.stack.entries()
        done = subprocess.run(AS + [log.stack.bin + "/resguardo", "audit", "check", "--rows",
                                    "--state", log.stack.state], capture_output=True,
                              text=True, cwd="/")
        assert done.returncode == 0, done.stdout
