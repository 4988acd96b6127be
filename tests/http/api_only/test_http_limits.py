"""Sizes, chunked or announced: refused at once where the sender waits, otherwise
when all has come, so that who is still writing hears why."""
import pytest

from standin import ended, read_answer

POST = (b"POST /v1/subjects HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer rsg_x\r\n"
        b"Content-Type: application/json\r\n")
LINES = (b"POST /v1/events HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer rsg_x\r\n"
         b"Content-Type: application/x-ndjson\r\n")
KIB = 1024


def padded(size):
    """A valid body of exactly that many bytes."""
    body = b'{"purpose":"care","notice":"n"}'
    return body + b" " * (size - len(body))


def test_largest_json_body_is_taken(api):
    assert api.ask("POST", "/v1/subjects", body=padded(64 * KIB)).status == 201


@pytest.mark.parametrize("head", [
    b"Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n",
    b"Content-Length: %d\r\n\r\n" % (4 * KIB * KIB + 1)])
def test_announced_body_too_large(api, head):
    s = api.connect()
    answer = api.raw(POST + head, s)
    assert answer.status == 413 and answer.error() == "too-large"
    assert ended(s)


@pytest.mark.parametrize("size", [64 * KIB + 1, 4 * KIB * KIB])
def test_who_writes_too_much_hears_why(api, size):
    """Cut off in the middle, a client sees a broken connection and no answer."""
    for _ in range(5):
        s = api.connect()
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // KIB):
            s.sendall(b" " * KIB)
        answer = api.raw(b" " * (size % KIB), s)
        assert answer.status == 413 and answer.error() == "too-large"
        assert ended(s)
    assert api.vault.seen == []


def test_chunked_body_too_large(api):
    s = api.connect()
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    answer = api.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n", s)
    assert answer.status == 413 and answer.error() == "too-large"
    assert ended(s)
    assert api.vault.seen == []


def test_chunked_body_without_end_is_cut(api):
    """Nobody may send for ever, even when it is thrown away."""
    s = api.connect()
    s.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with pytest.raises(OSError):
        for _ in range(400):
            s.sendall(chunk)
    assert api.ask("GET", "/healthz").status == 200


def test_chunked_body_of_allowed_size(api):
    body = padded(3000)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in
                      (body[:1], body[1:1000], body[1000:]))
    assert api.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n").status == 201


def test_largest_ndjson_body(api):
    line = b'{"kind":"visit","time":"2026-01-01T00:00:00Z","item":"' + b"x" * 120 + b'"}\n'
    body = line * (KIB * KIB // len(line))
    body += b" " * (KIB * KIB - len(body))
    answer = api.ask("POST", "/v1/events", {"Content-Type": "application/x-ndjson"}, body)
    # More lines than we take, or all of them: never half of them.
    assert answer.status == 413 if body.count(b"\n") >= 4096 else 200
    over = api.raw(LINES + b"Content-Length: %d\r\n\r\n" % (KIB * KIB + 1) + body + b" ")
    assert over.status == 413


def test_too_many_lines(api):
    line = b'{"kind":"visit","time":"2026-01-01T00:00:00Z"}\n'
    answer = api.ask("POST", "/v1/events", {"Content-Type": "application/x-ndjson"}, line * 4096)
    assert answer.status == 200
    assert len([f for f in api.vault.seen[-1][1] if f[0] == "EVENTS"]) == 4096
    answer = api.ask("POST", "/v1/events", {"Content-Type": "application/x-ndjson"}, line * 4097)
    assert answer.status == 413


def head_of(size):
    fixed = b"GET /v1/me HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer rsg_x\r\nX-Fill: \r\n\r\n"
    return fixed.replace(b"X-Fill: ", b"X-Fill: " + b"y" * (size - len(fixed)))


def test_head_of_allowed_size(api):
    assert api.raw(head_of(15 * KIB)).status == 200


@pytest.mark.parametrize("size", [18 * KIB, 24 * KIB])
def test_head_too_large(api, size):
    s = api.connect()
    answer = api.raw(head_of(size), s)
    assert answer.status == 431 and answer.error() == "headers-too-large"
    assert ended(s)


def test_head_far_too_large_ends(api):
    s = api.connect()
    try:
        answer = api.raw(head_of(200 * KIB), s)
    except OSError:
        answer = None
    assert answer is None or answer.status == 431
    assert api.ask("GET", "/healthz").status == 200


def test_too_many_headers(api):
    many = b"".join(b"X-%d: 1\r\n" % i for i in range(70))
    answer = api.raw(b"GET /v1/me HTTP/1.1\r\nHost: l\r\n" + many + b"\r\n")
    assert answer.status == 431


def test_target_too_long(api):
    answer = api.ask("GET", "/v1/me?x=" + "y" * 9000)
    assert answer.status == 431


def test_json_too_deep(api):
    body = b'{"fields":' + b"[" * 60 + b"]" * 60 + b"}"
    answer = api.ask("POST", "/v1/subjects", body=body)
    assert answer.status == 413
    assert api.vault.seen == []


def test_more_waiting_calls_than_allowed(start):
    api = start(WAITING=2)
    api.vault.answer = lambda op, fields: None
    held = [api.connect() for _ in range(2)]
    for s in held:
        s.sendall(b"GET /v1/me HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\n\r\n")
    while len(api.vault.seen) < 2:
        pass
    answer = api.ask("GET", "/v1/me")
    assert answer.status == 503 and answer.error() == "busy"
    assert int(answer.headers["retry-after"]) >= 1
    # And the ones that wait are not forgotten when the vault goes.
    api.vault.sock.shutdown(2)
    for s in held:
        assert read_answer(s).error() == "peer-gone"


def test_long_calls_leave_room_for_others(start):
    api = start(LONG=2)
    api.vault.answer = lambda op, fields: None if op == "REPORT" else ("OK", [])
    held = [api.connect() for _ in range(2)]
    for s in held:
        s.sendall(b"GET /v1/reports/value HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\n\r\n")
    while len(api.vault.seen) < 2:
        pass
    answer = api.ask("GET", "/v1/reports/value")
    assert answer.status == 503 and answer.error() == "busy"
    api.vault.answer = None
    assert api.ask("GET", "/v1/me").status == 200
    api.vault.sock.shutdown(2)
    assert {read_answer(s).error() for s in held} == {"peer-gone"}


def test_more_connections_than_allowed(start):
    api = start(PER_IP=3)
    held = [api.connect() for _ in range(3)]
    for s in held:
        assert api.ask("GET", "/healthz", sock=s).status == 200
    try:
        extra = api.connect()
        assert ended(extra)
    except OSError:
        pass
    assert api.ask("GET", "/healthz", sock=held[0]).status == 200
