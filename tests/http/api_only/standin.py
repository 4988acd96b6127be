"""The api process alone: a supervisor and a vault process to stand in.

The tables of include/resguardo are read, not copied, so the numbers on the
wire are those of the build. What the stand-in answers is set by the test.
"""
import array
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
COMMON = os.path.join(ROOT, "include", "resguardo")
SANITIZERS = ("RSG_UNCONFINED", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
              "TSAN_OPTIONS")
HEAD = struct.Struct(">IBBHQHH")


def _names(file, macro):
    text = open(os.path.join(COMMON, file), encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.findall(r"^%s\((\w+)," % macro, text, flags=re.M)


FIELDS = {n: i for i, n in enumerate(_names("fields.def", "F"))}
FIELD_NAMES = _names("fields.def", "F")
OPS = {n: i for i, n in enumerate(_names("ops.def", "OP"))}
OP_NAMES = _names("ops.def", "OP")
ERRS = {n: i for i, n in enumerate(_names("err.def", "E"))}


def field(name, value):
    """One field; a list of fields is a group."""
    if isinstance(value, bool):
        value = b"\x01" if value else b"\x00"
    elif isinstance(value, int):
        value = struct.pack(">q", value)
    elif isinstance(value, str):
        value = value.encode()
    elif isinstance(value, list):
        value = b"".join(field(n, v) for n, v in value)
    return struct.pack(">HI", FIELDS[name], len(value)) + value


def parse(data):
    """Fields as (name, bytes)."""
    out, pos = [], 0
    while pos < len(data):
        number, length = struct.unpack_from(">HI", data, pos)
        out.append((FIELD_NAMES[number], data[pos + 6:pos + 6 + length]))
        pos += 6 + length
    return out


SUBJECT = bytes(range(16))
CANNED = {
    "READY": [("READY", True)],
    "METRICS": [("TEXT", "resguardo_standin 1\n")],
    "ME": [("NAME", "till"), ("ROLE", "till"), ("CONTROLLER", "shop")],
    "SUBJECT_CREATE": [("SUBJECT", SUBJECT), ("VERSION", 1)],
    "SUBJECT_READ": [("SUBJECT", SUBJECT), ("VERSION", 1),
                     ("VALUES", [("KEY", "city"), ("VALUE", "Zamora")])],
    "SUBJECT_CHANGE": [("SUBJECT", SUBJECT), ("VERSION", 2)],
    "SUBJECT_LOOKUP": [("MATCHES", [("SUBJECT", SUBJECT), ("VERSION", 1)])],
    "EVENT_ADD": [("ACCEPTED", 1), ("REPEATED", 0)],
    "MEMBERS": [("RELEASE", SUBJECT), ("EPOCH", 1), ("COUNT", 2),
                ("MEMBERS", [("PSEUDONYM", bytes(16)), ("R", 5), ("F", 4), ("M", 3)]),
                ("MEMBERS", [("PSEUDONYM", b"\xff" * 16), ("R", 1), ("F", 1), ("M", 1)]),
                ("NEXT", b"\x01\x02\xfb")],
    "SEGMENT_LIST": [],
    "MODEL_LIST": [],
}


class Vault:
    """Answers every frame from CANNED, or as `answer` says.

    answer(op, fields) gives (error name, fields), None to say nothing, or
    "hang up" to close the channel.
    """

    def __init__(self):
        self.seen = []
        self.answer = None
        self.sock = None

    def attach(self, sock):
        self.sock = sock
        threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        data = b""
        try:
            while True:
                more = sock.recv(1 << 20)
                if not more:
                    return
                data += more
                while len(data) >= HEAD.size:
                    length = HEAD.unpack_from(data)[0]
                    if len(data) < HEAD.size + length:
                        break
                    frame, data = data[:HEAD.size + length], data[HEAD.size + length:]
                    if not self._one(sock, frame):
                        sock.close()
                        return
        except OSError:
            pass

    def _one(self, sock, frame):
        _, version, kind, op, serial, _, _ = HEAD.unpack_from(frame)
        fields = parse(frame[HEAD.size:])
        self.seen.append((OP_NAMES[op], fields))
        reply = ("OK", CANNED.get(OP_NAMES[op], []))
        if self.answer:
            reply = self.answer(OP_NAMES[op], fields)
        if reply is None:
            return True
        if reply == "hang up":
            sock.shutdown(socket.SHUT_RDWR)
            return False
        body = b"".join(field(n, v) for n, v in reply[1])
        sock.sendall(HEAD.pack(len(body), version, 1, op, serial,
                               ERRS[reply[0]], 0) + body)
        return True


class Api:
    """A running resguardo-api with stand-ins around it."""

    def __init__(self, binary, certs, limits=None, metrics=True):
        self.vault = Vault()
        self.control, child_control = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener = socket.create_server(("127.0.0.1", 0))
        loopback = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.metrics_port = loopback.getsockname()[1]
        self.ca = os.path.join(certs, "cert.pem")
        env = {n: os.environ[n] for n in SANITIZERS if n in os.environ}
        env.update(PATH="/usr/bin:/bin", RSG_TLS_CERT=self.ca,
                   RSG_TLS_KEY=os.path.join(certs, "key.pem"))
        if metrics:
            env["RSG_METRICS"] = "1"
        for name, value in (limits or {}).items():
            env["RSG_LIMIT_" + name] = str(value)
        fds = [child_control.fileno(), listener.fileno(), loopback.fileno()]

        def place():
            # Out of the way first: the numbers may overlap.
            high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)

        self.log = open(os.path.join(certs, "api-%d.log" % self.port), "w+b")
        self.proc = subprocess.Popen([binary], env=env, preexec_fn=place,
                                     close_fds=False, stderr=self.log)
        for s in (child_control, listener, loopback):
            s.close()
        self.new_channel()

    def new_channel(self):
        ours, theirs = socket.socketpair()
        self.vault.attach(ours)
        rights = array.array("i", [theirs.fileno()])
        try:
            self.control.sendmsg(
                [b"C"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        except BrokenPipeError:
            pass	# it has ended already: the test will see
        theirs.close()

    def wait_ready(self):
        self.control.settimeout(10)
        return self.control.recv(1)

    def stop(self):
        try:
            self.control.send(b"Q")
        except OSError:
            pass
        code = self.proc.wait(10)
        self.control.close()
        return code

    def log_text(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode()

    def log_lines(self):
        return [json.loads(l) for l in self.log_text().splitlines()]

    def connect(self):
        context = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection(("127.0.0.1", self.port), 10)
        return context.wrap_socket(raw, server_hostname="localhost")

    def raw(self, data, sock=None):
        """Send bytes, read one answer: (status, headers, body, closed)."""
        s = sock or self.connect()
        s.settimeout(10)
        s.sendall(data)
        return read_answer(s)

    def ask(self, method, target, headers=None, body=None, sock=None,
            key="Bearer rsg_test"):
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: localhost"]
        if key:
            lines.append("Authorization: " + key)
        for name, value in (headers or {}).items():
            lines.append("%s: %s" % (name, value))
        if body is not None:
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            if not any(l.lower().startswith("content-type") for l in lines):
                lines.append("Content-Type: application/json")
            lines.append("Content-Length: %d" % len(body))
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return self.raw(head + (body or b""), sock)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The catalogue id of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json()
        assert problem["status"] == self.status
        assert problem["instance"] == self.headers["x-request-id"]
        return problem["type"].split(":")[-1]

    @property
    def closes(self):
        return self.headers.get("connection", "").lower() == "close"


def read_answer(s, head_only=False):
    """None when the connection ends without an answer."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        want = 0 if head_only else int(headers.get("content-length", "0"))
        while len(body) < want:
            more = s.recv(65536)
            if not more:
                break
            body += more
    except (ConnectionError, ssl.SSLError):
        return None
    return Answer(status, headers, body)


def ended(s):
    """Has the server closed the connection?"""
    s.settimeout(10)
    try:
        return s.recv(1) == b""
    except (ConnectionError, ssl.SSLError):
        return True
