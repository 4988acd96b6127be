#!/usr/bin/env python3
"""The supervisor, with children that do no more than keep its rules.

    supervisor.py PATH-TO-RESGUARDO

Each child says what it was given (descriptors, environment), passes a word
over the channel that joins the two, and stops when told. Checked: only the
named descriptors arrive; a killed child comes back and is joined again; a
stop goes in order; nobody is orphaned, however the supervisor ends.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

STUB = r'''#!%(python)s
import array, json, os, select, socket, sys, time
name = os.path.basename(sys.argv[0])
fds = sorted(int(f) for f in os.listdir('/proc/self/fd'))
notes = %(notes)r
def note(what, **more):
    line = json.dumps(dict(who=name, what=what, pid=os.getpid(), **more)) + '\n'
    with open(notes, 'a') as f:
        f.write(line)
fds = [f for f in fds if os.path.exists('/proc/self/fd/%%d' %% f)]
note('start', fds=fds, env=sorted(os.environ))
if os.path.exists(notes + '.' + name + '.broken'):
    sys.exit(1)
control = socket.socket(fileno=3)
control.send(b'R')
channel = None
while True:
    wait = [control] + ([channel] if channel else [])
    for s in select.select(wait, [], [])[0]:
        if s is control:
            data, anc, _, _ = control.recvmsg(1, socket.CMSG_SPACE(4))
            if data == b'C':
                a = array.array('i')
                a.frombytes(anc[0][2][:4])
                channel = socket.socket(fileno=a[0])
                channel.send(name.encode())
            elif data == b'Q':
                if os.path.exists(notes + '.' + name + '.deaf'):
                    continue
                note('quit')
                sys.exit(0)
            else:
                # Hung: only a signal ends it now.
                while os.path.exists(notes + '.' + name + '.deaf'):
                    time.sleep(0.05)
                sys.exit(0)
        else:
            data = s.recv(64)
            if data:
                note('heard', text=data.decode())
            else:
                channel = None
'''

PATIENCE = 20


class Server:
    def __init__(self, program, *args):
        self.dir = tempfile.mkdtemp(prefix='rsg-supervisor-')
        self.notes = os.path.join(self.dir, 'notes')
        self.state = os.path.join(self.dir, 'state')
        os.mkdir(self.state)
        os.mkdir(os.path.join(self.state, 'run'))
        self.program = os.path.join(self.dir, 'resguardo')
        shutil.copy(program, self.program)
        for name in ('resguardo-vault', 'resguardo-api'):
            path = os.path.join(self.dir, name)
            with open(path, 'w') as f:
                f.write(STUB % {'python': sys.executable, 'notes': self.notes})
            os.chmod(path, 0o755)
        self.args = args
        self.process = None

    def start(self, extra_fd=True, **env):
        # A descriptor that the supervisor inherits must stop with it.
        leak = os.open('/dev/null', os.O_RDONLY)
        os.set_inheritable(leak, True)
        self.process = subprocess.Popen(
            [self.program, 'serve', '--state', self.state, '--port', '0', *self.args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            close_fds=False, env={**os.environ, 'SECRET_OF_THE_SHELL': '1', **env})
        os.close(leak)
        return self

    def ready(self):
        line = self.process.stdout.readline()
        assert 'ready on https://localhost:' in line, line + self.process.stderr.read()
        return line

    def all_notes(self):
        try:
            with open(self.notes) as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return []

    def until(self, what, test):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            notes = self.all_notes()
            if test(notes):
                return notes
            time.sleep(0.02)
        raise AssertionError('never seen: %s; %r' % (what, self.all_notes()))

    def pids(self, who):
        return [n['pid'] for n in self.all_notes() if n['who'] == who and n['what'] == 'start']

    def gone(self, pid):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                with open('/proc/%d/stat' % pid) as f:
                    if f.read().rsplit(')', 1)[1].split()[0] == 'Z':
                        return True
            except FileNotFoundError:
                return True
            time.sleep(0.02)
        return False

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stdout.close()
            self.process.stderr.close()
        shutil.rmtree(self.dir)


def joined(notes, start=0):
    heard = [n for n in notes[start:] if n['what'] == 'heard']
    return {n['who'] for n in heard} == {'resguardo-vault', 'resguardo-api'}


def test_only_named_descriptors(server):
    server.start(PGPASSWORD='x', PGSSLMODE='disable')
    server.ready()
    notes = server.until('both joined', joined)
    for n in notes:
        if n['what'] != 'start':
            continue
        named = [0, 1, 2, 3, 4] if n['who'] == 'resguardo-vault' else [0, 1, 2, 3, 4, 5]
        assert n['fds'] == named, n
        assert 'SECRET_OF_THE_SHELL' not in n['env'], n
        assert 'PGPASSWORD' not in n['env'], n
        vault = n['who'] == 'resguardo-vault'
        assert ('RSG_DATABASE' in n['env']) == vault, n
        assert ('PGSSLMODE' in n['env']) == vault, n
        assert ('RSG_TLS_KEY' in n['env']) != vault, n
    admin = os.stat(os.path.join(server.state, 'run', 'admin.sock'))
    assert admin.st_mode & 0o777 == 0o600, oct(admin.st_mode)


def test_killed_children_come_back(server):
    server.start().ready()
    server.until('both joined', joined)
    for who in ('resguardo-vault', 'resguardo-api', 'resguardo-vault'):
        before = len(server.all_notes())
        pid = server.pids(who)[-1]
        os.kill(pid, signal.SIGKILL)
        server.until('%s again, joined anew' % who,
                     lambda notes: any(n['what'] == 'start' for n in notes[before:]) and
                     joined(notes, before))
        assert server.process.poll() is None


def test_stop_in_order(server):
    server.start().ready()
    server.until('both joined', joined)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    quits = [n['who'] for n in server.all_notes() if n['what'] == 'quit']
    assert quits == ['resguardo-api', 'resguardo-vault'], quits


def test_deaf_child_is_ended(server):
    open(server.notes + '.resguardo-api.deaf', 'w').close()
    server.start().ready()
    server.until('both joined', joined)
    api = server.pids('resguardo-api')[-1]
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(PATIENCE + 10) == 0
    assert server.gone(api)


def test_no_orphans(server):
    for name in ('vault', 'api'):
        open(server.notes + '.resguardo-%s.deaf' % name, 'w').close()
    server.start().ready()
    server.until('both joined', joined)
    pids = server.pids('resguardo-vault') + server.pids('resguardo-api')
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(PATIENCE)
    for pid in pids:
        assert server.gone(pid), pid


def test_what_never_ran_stops_it(server):
    open(server.notes + '.resguardo-vault.broken', 'w').close()
    server.start()
    assert server.process.wait(PATIENCE) == 1
    assert 'did not start' in server.process.stderr.read()
    assert server.gone(server.pids('resguardo-api')[-1])


def test_one_a_state(server):
    server.start().ready()
    second = subprocess.run([server.program, 'serve', '--state', server.state, '--port', '0'],
                            capture_output=True, text=True)
    assert second.returncode == 1 and 'already running' in second.stderr, second


def refused(server, *args):
    done = subprocess.run([server.program, 'serve', '--state', server.state, '--port', '0', *args],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1, done
    assert server.all_notes() == [], 'a child was started'
    return done.stderr


def test_demo_stays_here(server):
    open(os.path.join(server.state, 'DEMO'), 'w').close()
    for address in ('0.0.0.0', '::', '192.0.2.1', '128.0.0.1'):
        assert 'demo credentials' in refused(server, '--listen', address)


def test_no_password_in_the_open(server):
    for text in ('host=db password=hunter2', 'postgresql://app:hunter2@db/resguardo',
                 'postgres://db/resguardo?password=hunter2', "host=db PASSWORD = 'hunter2'"):
        said = refused(server, '--database', text)
        assert 'password file' in said and 'hunter2' not in said, said


def main():
    failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith('test_'):
            continue
        server = Server(sys.argv[1])
        try:
            test(server)
            print('ok    %s' % name)
        except Exception as e:
            failed += 1
            print('FAIL  %s: %r' % (name, e))
        finally:
            server.close()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
