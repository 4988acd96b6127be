"""The whole server, for tests: PostgreSQL, keys, certificate, two processes.

    with Stack.start() as stack:
        stack.http("GET", "/v1/me", stack.keys["till"])

The first start makes a template (cluster, tables, keys, certificate, two
controllers, somebody of each role); the others copy it and take a second.
RSG_BIN names the folder with the programs (build/ of this clone), RSG_ROOT the
clone whose migrations and policies go with them. As root,
everything runs as an unprivileged user, as scripts/server does it.
"""
import atexit
import glob
import grp
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import notices
from caller import PATIENCE, Answer, Client, Connection  # noqa: F401
from notices import SHOWN

CLONE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.abspath(os.environ.get("RSG_ROOT") or CLONE)
DATA = os.path.join(os.path.dirname(CLONE), "shared", "data")
PROGRAMS = ("resguardo", "resguardo-vault", "resguardo-api")

TILL_PURPOSES = (
    "loyalty_account", "purchase_recording", "rewards", "orders_and_returns",
    "delivery", "personalised_offers", "marketing", "segmentation",
    "advertising_audiences", "market_research", "legal_obligation")
SERVICE_PURPOSES = (
    "customer_care", "orders_and_returns", "purchase_recording",
    "data_subject_rights", "fraud_prevention", "marketing", "segmentation")
OFFICER_PURPOSES = ("oversight", "data_subject_rights", "marketing", "segmentation")
TOOL_PURPOSES = ("segmentation", "market_research", "advertising_audiences")
CUSTOMER_PURPOSES = ("data_subject_rights", "loyalty_account", "marketing",
                     "personalised_offers", "segmentation", "market_research")

# name, controller, role, recipient, purposes, more
PRINCIPALS = (
    ("till", "acme", "till", None, TILL_PURPOSES, ()),
    ("service", "acme", "service", None, SERVICE_PURPOSES, ()),
    ("officer", "acme", "officer", None, OFFICER_PURPOSES, ()),
    ("tool", "acme", "tool", "aurora", TOOL_PURPOSES, ()),
    ("tool-b", "acme", "tool", "boreal", TOOL_PURPOSES, ()),
    ("admin", "acme", "administrator", None, ("loyalty_account", "purchase_recording"), ()),
    ("till-narrow", "acme", "till", None, ("loyalty_account",), ()),
    ("till-brief", "acme", "till", None, TILL_PURPOSES, "soon"),
    ("till-other", "other", "till", None, TILL_PURPOSES, ()),
    ("officer-other", "other", "officer", None, OFFICER_PURPOSES, ()),
    ("tool-other", "other", "tool", "cobalto", TOOL_PURPOSES, ()),
)

TILL = {"Resguardo-Place": "store-1"}
STAFF = {"Resguardo-Staff": "s.vidal", "Resguardo-Reason": "case 1"}


def until(what, test, patience=PATIENCE):
    """Poll until test() is true; its value."""
    end = time.monotonic() + patience
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.01)


def unprivileged():
    """The words that run a command as the server's user, and its ids."""
    if os.getuid() != 0:
        return [], os.getuid(), os.getgid()
    for name in ("resguardo", "postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        group = grp.getgrgid(user.pw_gid).gr_name
        return (["setpriv", "--reuid", name, "--regid", group, "--clear-groups",
                 "--inh-caps=-all", "env", "HOME=/nonexistent", "USER=" + name],
                user.pw_uid, user.pw_gid)
    raise RuntimeError("nobody to run as")


def postgres_bin():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"),
                   key=lambda p: int(re.search(r"/(\d+)/bin", p).group(1)))
    if not found:
        raise RuntimeError("no PostgreSQL is installed")
    return os.path.dirname(found[-1])


AS, UID, GID = unprivileged()
PG = postgres_bin()
BIN = os.path.join(ROOT, os.environ.get("RSG_BIN", "build"))


def private_folder(prefix):
    path = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
    os.chown(path, UID, GID)
    return path


class Stack:
    """A state directory with its own PostgreSQL and server."""

    _template = None
    _lock = threading.RLock()

    def __init__(self, home):
        self.home = home
        self.state = os.path.join(home, "state")
        self.log_path = os.path.join(home, "server.log")
        self.pg_log_path = os.path.join(home, "postgres.log")
        self.postmaster = self.server = None
        self.port = self.metrics_port = 0
        self.keys, self.subjects = {}, {}
        self._tls, self._local = None, threading.local()
        self.serve_env = {}
        self.counter = 0

    # --- Making and removing ---

    @classmethod
    def start(cls, home=None, serve=True, pg=(), serve_env=None):
        with cls._lock:
            if cls._template is None:
                cls._template = cls._make_template()
        self = cls(home or private_folder("rsgt-"))
        self.serve_env = dict(serve_env or {})
        subprocess.run(["cp", "-a", cls._template.state, self.home + "/"], check=True)
        self.bin = cls._template.bin
        self.keys = dict(cls._template.keys)
        try:
            self.postgres_start(*pg)
            if serve:
                self.serve()
        except BaseException:
            self.close()
            raise
        return self

    @classmethod
    def _make_template(cls):
        for name in PROGRAMS:
            if not os.path.exists(os.path.join(BIN, name)):
                raise RuntimeError("no %s/%s: set RSG_BIN" % (BIN, name))
        home = private_folder("rsgt-")
        atexit.register(shutil.rmtree, home, True)
        os.chmod(home, 0o755)
        # A copy: the clone may be where the unprivileged user cannot enter,
        # and a build meanwhile does not change what is being tested.
        os.mkdir(home + "/bin")
        for name in PROGRAMS:
            shutil.copy(os.path.join(BIN, name), home + "/bin")
        for name in ("migrations", "policies"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(home, name))
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", home], check=True)
        self = cls(home)
        self.bin = home + "/bin"
        try:
            self._fill_template()
        finally:
            self.stop()
            self.postgres_stop()
        return self

    def _fill_template(self):
        self._as("mkdir", "-m", "700", self.state, self.state + "/run")
        self._initdb()
        self.postgres_start()
        self._as(PG + "/createdb", "-h", self.state + "/run", "-U", "postgres", "resguardo")
        self._as(PG + "/psql", "-h", self.state + "/run", "-U", "postgres", "-Xq",
                 "-v", "ON_ERROR_STOP=1", "-f", self.home + "/migrations/roles.sql", "resguardo")
        self.cli("keys", "init")
        self.cli("certificate", "init")
        self.cli("migrate")
        self.serve()
        self._people_who_call()

    def _people_who_call(self):
        self.cli("controller", "add", "--name", "acme", "--title", "Acme", "--jurisdiction",
                 "ES", "--currency", "EUR", "--zone", "Europe/Madrid")
        self.cli("controller", "add", "--name", "other", "--title", "Other", "--jurisdiction",
                 "MX", "--currency", "MXN", "--zone", "America/Mexico_City")
        for controller in ("acme", "other"):
            self.notice(controller)
        for controller, name in (("acme", "aurora"), ("acme", "boreal"), ("other", "cobalto")):
            self.cli("recipient", "add", "--controller", controller, "--name", name,
                     "--title", name, "--country", "ES", "--contract", "C-1")
        for name, controller, role, recipient, purposes, more in PRINCIPALS:
            if more == "soon":
                more = ("--expires", time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                   time.gmtime(time.time() + 2)))
            self.principal(name, role, purposes, recipient=recipient,
                           controller=controller, more=more)

    def _initdb(self):
        data = self.state + "/postgres"
        self._as(PG + "/initdb", "-D", data, "--username=postgres", "--auth=peer",
                 "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync")
        user = pwd.getpwuid(UID).pw_name
        with open(data + "/pg_hba.conf", "w") as f:
            f.write("local all all peer map=resguardo\n")
        with open(data + "/pg_ident.conf", "w") as f:
            for role in ("postgres", "resguardo_owner", "resguardo_app",
                         "resguardo_eraser", "resguardo_auditor"):
                f.write("resguardo %s %s\n" % (user, role))
        with open(data + "/postgresql.conf", "a") as f:
            # As scripts/lib.sh has it. Processes are killed here, the machine
            # is not, so nothing has to wait for the disk.
            f.write("listen_addresses = ''\nlog_statement = none\n"
                    "log_min_error_statement = panic\nlog_parameter_max_length = 0\n"
                    "log_parameter_max_length_on_error = 0\nlog_error_verbosity = terse\n"
                    "timezone = 'UTC'\njit = off\nfsync = off\nshared_buffers = 64MB\n"
                    "autovacuum = off\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            if self.server is not None:
                self.stop()
            self.unsound()
        finally:
            self.postgres_stop("immediate")
            shutil.rmtree(self.home, ignore_errors=True)

    def unsound(self):
        """A sanitizer's word in the log, of whichever process, is a failure."""
        with open(self.log_path, "a+", errors="replace") as log:
            log.seek(0)
            text = log.read()
        found = re.search(r"^.*(Sanitizer|: runtime error: ).*$", text, re.M)
        assert not found, text[found.start():found.start() + 6000]

    # --- Running things ---

    def _as(self, *argv, **kw):
        done = subprocess.run(AS + list(argv), capture_output=True, text=True,
                              cwd="/", **kw)
        if done.returncode != 0:
            raise RuntimeError("%s: %s%s" % (argv[0], done.stdout, done.stderr))
        return done.stdout

    def popen(self, *argv, **kw):
        return subprocess.Popen(AS + list(argv), cwd="/", **kw)

    def cli(self, *argv, check=True, input=None):
        """The program resguardo; its standard output, or all where not checked."""
        done = subprocess.run(AS + [self.bin + "/resguardo", *argv, "--state", self.state],
                              capture_output=True, text=True, cwd="/", input=input)
        if check and done.returncode != 0:
            raise RuntimeError("resguardo %s: %s%s" % (" ".join(argv[:2]), done.stdout,
                                                       done.stderr))
        return done.stdout if check else done

    def notice(self, controller="acme", check=True, **more):
        """Publish the notice, with other members than usual."""
        folder = notices.write(private_folder("rsgt-notice-"), UID, GID, **more)
        try:
            return self.cli("notice", "publish", folder, "--controller", controller,
                            check=check)
        finally:
            shutil.rmtree(folder, True)

    def principal(self, name, role, purposes, recipient=None, controller="acme",
                  subject=None, more=()):
        argv = ["principal", "add", "--controller", controller, "--name", name,
                "--role", role]
        for p in purposes:
            argv += ["--purpose", p]
        if recipient:
            argv += ["--recipient", recipient]
        if subject:
            argv += ["--subject", subject]
        out = self.cli(*argv, *more)
        self.keys[name] = re.search(r"rsgk_[0-9a-f]{104}", out).group(0)
        return self.keys[name]

    # --- PostgreSQL ---

    def postgres_start(self, *options):
        data = self.state + "/postgres"
        self.pg_options = options = options or getattr(self, "pg_options", ())
        argv = [PG + "/postgres", "-D", data,
                "-c", "unix_socket_directories=" + self.state + "/run"]
        for o in options:
            argv += ["-c", o]
        with open(self.pg_log_path, "a") as log:
            self.postmaster = self.popen(*argv, stdout=log, stderr=log,
                                         stdin=subprocess.DEVNULL)

        def ready():
            if self.postmaster.poll() is not None:
                raise RuntimeError("PostgreSQL ended: " + self.pg_log()[-2000:])
            return subprocess.run(AS + [PG + "/pg_isready", "-q", "-h",
                                        self.state + "/run", "-U", "postgres", "-d",
                                        "postgres"], cwd="/").returncode == 0
        until("PostgreSQL", ready)

    def postgres_stop(self, mode="fast"):
        if self.postmaster is None:
            return
        how = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
        if self.postmaster.poll() is None:
            os.kill(self.postmaster.pid, how)
        self.postmaster.wait(PATIENCE)
        self.postmaster = None

    def postgres_kill(self):
        """End it and all its processes at once."""
        pid = self.postmaster.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = [int(p) for p in f.read().split()]
        os.kill(pid, signal.SIGKILL)
        for p in children:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.postmaster.wait()

        def gone():
            for p in children:
                try:
                    with open("/proc/%d/stat" % p) as f:
                        if f.read().rsplit(")", 1)[1].split()[0] not in "ZX":
                            return False
                except (FileNotFoundError, ProcessLookupError):
                    pass
            return True
        until("the end of PostgreSQL's processes", gone)
        for path in glob.glob(self.state + "/run/.s.PGSQL.*"):
            os.unlink(path)
        try:
            os.unlink(self.state + "/postgres/postmaster.pid")
        except FileNotFoundError:
            pass
        self.postmaster = None

    def sql(self, text, role="postgres", check=True):
        done = subprocess.run(
            AS + [PG + "/psql", "-h", self.state + "/run", "-U", role, "-XAtq",
                  "-v", "ON_ERROR_STOP=1", "-f", "-", "resguardo"],
            capture_output=True, text=True, cwd="/", input=text)
        if check and done.returncode != 0:
            raise RuntimeError("psql: " + done.stderr)
        return done.stdout.rstrip("\n") if check else done

    def rows(self, text):
        out = self.sql(text)
        return [tuple(line.split("|")) for line in out.split("\n")] if out else []

    TABLES = ("controller", "recipient", "principal", "credential", "subject", "field_value",
              "lookup", "consent_event", "event", "model", "release", "release_page",
              "subject_change", "idempotency", "policy_version", "attachment")

    def shape(self):
        """What would differ had anything been written (audit entries apart)."""
        parts = ["(SELECT count(*) FROM %s)" % t for t in self.TABLES]
        parts.append("(SELECT coalesce(sum(version),0) FROM subject)")
        parts.append("(SELECT coalesce(sum(hashtext(header::text)),0) FROM subject)")
        return self.sql("SELECT " + ",".join(parts))

    def entries(self):
        return int(self.sql("SELECT count(*) FROM audit_entry"))

    def logged(self):
        """Wait until every entry of now stands in the log: whoever changes one
        before that meets the integrator first, which stops the service."""
        until("the log's end", lambda: self.sql(
            "SELECT (SELECT max(size) FROM log_state) >= %d" % self.entries()) == "t")

    # --- The server ---

    def serve(self):
        env = dict(os.environ, **self.serve_env)
        with open(self.log_path, "a") as log:
            self.server = self.popen(
                self.bin + "/resguardo", "serve", "--state", self.state, "--port",
                str(self.port), "--metrics-port", str(self.metrics_port),
                stdout=subprocess.PIPE, stderr=log,
                stdin=subprocess.DEVNULL, text=True, env=env)
        line = self.server.stdout.readline()
        m = re.search(r"ready on https://localhost:(\d+) .*127.0.0.1:(\d+)/metrics", line)
        if not m:
            self.server.wait(PATIENCE)
            raise RuntimeError("the server did not start: " + self.log()[-3000:])
        self.port, self.metrics_port = int(m.group(1)), int(m.group(2))

    def stop(self, how=signal.SIGTERM):
        if self.server is None:
            return
        if self.server.poll() is None:
            self.server.send_signal(how)
        self.server.wait(PATIENCE)
        self.server.stdout.close()
        self.server = None

    def restart(self):
        self.stop()
        self.serve()

    def child(self, name):
        """The pid of resguardo-vault or resguardo-api; None while there is none."""
        with open("/proc/%d/task/%d/children" % (self.server.pid, self.server.pid)) as f:
            for pid in f.read().split():
                try:
                    with open("/proc/%s/stat" % pid) as s:
                        line = s.read()
                    with open("/proc/%s/cmdline" % pid) as s:
                        if s.read().split("\0")[0] == name and \
                                line.rsplit(")", 1)[1].split()[0] not in "ZX":
                            return int(pid)
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return None

    def kill(self, name):
        pid = until("a process " + name, lambda: self.child(name))
        os.kill(pid, signal.SIGKILL)
        return pid

    def ready(self):
        client = Client(self)
        try:
            return client("GET", "/readyz").status == 200
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            client.close()

    def wait_ready(self):
        until("ready", self.ready)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def pg_log(self):
        try:
            with open(self.pg_log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # --- Calls ---

    def tls(self):
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self.state + "/tls/ca.pem")
        return self._tls

    def http(self, method, path, key=None, json=None, headers=None, raw=None):
        """One request over this thread's kept-alive connection."""
        client = getattr(self._local, "client", None)
        if client is None or client.port != self.port:
            client = self._local.client = Client(self)
            client.port = self.port
        return client(method, path, key, json, headers, raw)

    def raw(self, data, shut=False, patience=PATIENCE):
        """Bytes as they are, over TLS; all that comes back until the end."""
        with socket.create_connection(("127.0.0.1", self.port), patience) as s:
            with self.tls().wrap_socket(s, server_hostname="localhost") as t:
                t.sendall(data)
                out = b""
                while True:
                    try:
                        got = t.recv(65536)
                    except (ConnectionError, ssl.SSLError):
                        return out
                    if not got:
                        return out
                    out += got

    def metrics(self):
        conn = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=PATIENCE)
        try:
            conn.request("GET", "/metrics")
            r = conn.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            conn.close()

    def number(self):
        """Numbers that no other call of this stack had."""
        with self._lock:
            self.counter += 1
            return self.counter

    def person(self, consents=(), key=None, headers=None, **fields):
        """A new customer; the id. Consents are purposes, given."""
        n = self.number()
        fields.setdefault("first_name", "Ana")
        fields.setdefault("customer_number", "N%08d" % n)
        body = {"fields": fields, "consents": [
            dict(SHOWN, purpose=c, decision="give", method="checkbox")
            if isinstance(c, str) else c for c in consents]}
        if not body["consents"]:
            del body["consents"]
        r = self.http("POST", "/v1/subjects", key or self.keys["till"], json=body,
                      headers=dict(TILL, **(headers or {})))
        assert r.status == 201, r
        return r.json()["subject"]

    def read(self, subject, fields="first_name", purpose="loyalty_account", key=None,
             headers=TILL):
        path = "/v1/subjects/%s?purpose=%s" % (subject, purpose)
        if fields:
            path += "&fields=" + fields
        return self.http("GET", path, key or self.keys["till"], headers=headers)

    def consent(self, subject, decision, purpose="personalised_offers", key=None,
                headers=TILL, **more):
        if decision == "give":
            more = dict(dict(SHOWN, method="checkbox"), **more)
        return self.http("POST", "/v1/subjects/%s/consents" % subject,
                         key or self.keys["till"], headers=headers,
                         json=dict(purpose=purpose, decision=decision, **more))

    def customer(self, subject, name=None):
        """A key for the person."""
        return self.principal(name or "customer-%d" % self.number(), "customer",
                              CUSTOMER_PURPOSES, subject=subject)
