"""Requests that two parsers could read in two ways: 400, and the end."""
import pytest

from standin import ended

LINE = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST /v1/subjects HTTP/1.1\r\nAuthorization: Bearer rsg_x\r\nContent-Type: application/json\r\n"
HOST = b"Host: localhost\r\n"

AMBIGUOUS = {
    "two lengths": POST + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "two same lengths": POST + HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "length and encoding": POST + HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "encoding and length": POST + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two encodings": POST + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "other encoding": POST + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "encoding, old protocol": POST.replace(b"1.1", b"1.0") + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": LINE + HOST + HOST + b"\r\n",
    "no host": LINE + b"\r\n",
    "blank before colon": POST + HOST + b"Content-Length : 2\r\n\r\n{}",
    "blank before host's colon": LINE + b"Host : localhost\r\n\r\n",
    "odd header name": LINE + HOST + b"X(y): 1\r\n\r\n",
    "signed length": POST + HOST + b"Content-Length: +2\r\n\r\n{}",
    "hex length": POST + HOST + b"Content-Length: 0x2\r\n\r\n{}",
    "list of lengths": POST + HOST + b"Content-Length: 2, 2\r\n\r\n{}",
    "other protocol": b"GET /healthz HTTP/3.7\r\n" + HOST + b"\r\n",
    "no leading slash": b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target": b"GET http://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw byte in target": b"GET /healthz\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "angle in target": b"GET /healthz?<x> HTTP/1.1\r\n" + HOST + b"\r\n",
    "body on GET": b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}",
    "chunks on GET": b"GET /healthz HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown Expect": POST + HOST + b"Expect: a-miracle\r\nContent-Length: 2\r\n\r\n{}",
    "two credentials": LINE + HOST + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "two keys": POST + HOST + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n\r\n{}",
    "two types": POST + HOST + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
}


# The library refuses these before it shows them to us.
NOT_OURS = {"signed length": 400, "hex length": 400, "list of lengths": 400,
            "other protocol": 505}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_ends_the_connection(api, name):
    s = api.connect()
    answer = api.raw(AMBIGUOUS[name], s)
    assert answer.closes
    if name in NOT_OURS:
        assert answer.status == NOT_OURS[name]
    else:
        assert answer.status == 400 and answer.error() == "malformed-request"
    assert ended(s)
    assert api.vault.seen == []


def test_smuggled_request_is_never_served(api):
    """The bytes after an ambiguous head are not a second request."""
    inner = b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rsg_in\r\n\r\n"
    s = api.connect()
    answer = api.raw(POST + HOST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(inner) + 5) + inner, s)
    assert answer.status == 400
    assert answer.error() == "malformed-request"
    assert ended(s)
    assert api.vault.seen == []


def test_malformed_is_a_problem_document(api):
    answer = api.raw(LINE + HOST + HOST + b"\r\n")
    assert answer.error() == "malformed-request"
    assert answer.closes


def test_kept_alive_connection_serves_many(api):
    s = api.connect()
    for _ in range(50):
        assert api.ask("GET", "/v1/me", sock=s).status == 200


def test_pipelined_requests_are_answered_in_order(api):
    s = api.connect()
    one = b"GET /v1/me HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\nX-Request-Id: %s\r\n\r\n"
    s.sendall(b"".join(one % name for name in (b"a", b"b", b"c")))
    got, data = [], b""
    while data.count(b"}") < 3:
        data += s.recv(65536)
    for line in data.split(b"\r\n"):
        if line.lower().startswith(b"x-request-id"):
            got.append(line.split(b": ")[1])
    assert got == [b"a", b"b", b"c"]


def test_expect_continue(api):
    s = api.connect()
    s.sendall(POST + HOST + b"Expect: 100-continue\r\nContent-Length: 18\r\n\r\n")
    assert s.recv(65536).startswith(b"HTTP/1.1 100")
    assert api.raw(b'{"purpose":"care"}', s).status == 201
