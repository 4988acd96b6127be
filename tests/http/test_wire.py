"""Requests that two programs could read in two ways, old TLS, slow clients."""
import socket
import ssl

import pytest

from refuse import nowhere
from stack import Client, Stack, TILL, until

AMBIGUOUS = {
    "two lengths": "Host: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
    "two equal lengths": "Host: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n",
    "length and chunks": "Host: localhost\r\nContent-Length: 2\r\n"
                         "Transfer-Encoding: chunked\r\n",
    "two hosts": "Host: localhost\r\nHost: example.com\r\nContent-Length: 2\r\n",
    "no host": "Content-Length: 2\r\n",
    "blank before the colon": "Host: localhost\r\nContent-Length : 2\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_requests(stack, name):
    """400, and the connection ends: what follows is nobody's request."""
    before = stack.shape()
    smuggled = ("GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
                % stack.keys["till"])
    got = stack.raw(("POST /v1/subjects HTTP/1.1\r\n%sAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nResguardo-Place: x\r\n\r\n{}"
                     % (AMBIGUOUS[name], stack.keys["till"]) + smuggled).encode())
    assert got.startswith(b"HTTP/1.1 400 "), got[:400]
    assert got.count(b"HTTP/1.1 ") == 1, got
    assert b'"controller"' not in got
    assert stack.keys["till"] not in stack.log()
    assert stack.shape() == before


def handshake(stack, low, high):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(stack.state + "/tls/ca.pem")
    c.set_ciphers("ALL:@SECLEVEL=0")
    c.minimum_version, c.maximum_version = low, high
    with socket.create_connection(("127.0.0.1", stack.port), 20) as raw:
        with c.wrap_socket(raw, server_hostname="localhost") as t:
            return t.version()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_versions(stack):
    v = ssl.TLSVersion
    for version, name in ((v.TLSv1_2, "TLSv1.2"), (v.TLSv1_3, "TLSv1.3")):
        assert handshake(stack, version, version) == name
    for version in (v.TLSv1, v.TLSv1_1):
        with pytest.raises((ssl.SSLError, OSError)):
            handshake(stack, version, version)


def test_plain_http(stack):
    """No answer with anything in it to a request without TLS."""
    with socket.create_connection(("127.0.0.1", stack.port), 20) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        while True:
            try:
                more = s.recv(4096)
            except ConnectionError:
                break
            if not more:
                break
            got += more
    assert b"HTTP/" not in got and b"ok" not in got, got


def slow(stack, first):
    raw = socket.create_connection(("127.0.0.1", stack.port), 60)
    t = stack.tls().wrap_socket(raw, server_hostname="localhost")
    if first:
        t.sendall(first)
    return t


def test_slow_clients(stack):
    """They are cut off, change nothing, and meanwhile keep nobody waiting.

    The limits are the real ones; tests/http/api_only tries them with shorter
    times and in every place.
    """
    before = stack.shape()
    head = ("POST /v1/subjects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
            "Resguardo-Place: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n"
            "\r\n{\"fields\": {\"first_name\": \"Lenta\"" % stack.keys["till"]).encode()
    many = [slow(stack, b"GET /v1/me HTT") for _ in range(40)]
    many += [slow(stack, head) for _ in range(20)]
    many += [slow(stack, b"") for _ in range(20)]
    try:
        for _ in range(20):
            c = Client(stack)
            assert c("GET", "/v1/me", stack.keys["till"]).status == 200
            c.close()
        try:
            assert many[0].recv(4096) == b""        # cut off, without an answer
        except (ConnectionError, ssl.SSLError):
            pass
    finally:
        for t in many:
            t.close()
    assert stack.shape() == before
    assert "Lenta" not in stack.log()


def test_vanished_clients(stack):
    """Whoever leaves before the answer leaves nothing half done behind."""
    for _ in range(30):
        t = slow(stack, ("GET /v1/audit?limit=100 HTTP/1.1\r\nHost: localhost\r\n"
                         "Authorization: Bearer %s\r\n\r\n" % stack.keys["officer"]).encode())
        t.close()
    until("an answer", lambda: stack.http("GET", "/v1/me", stack.keys["till"]).status == 200)
    assert stack.child("resguardo-api") and stack.child("resguardo-vault")
