"""Clients that take their time, and a vault process that does."""
import socket
import time

from standin import ended, read_answer

HEAD = b"GET /v1/me HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\n\r\n"
POST = (b"POST /v1/subjects HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n")


def drip(s, data):
    """A byte at a time until the other side has had enough."""
    try:
        for i in range(len(data)):
            s.sendall(data[i:i + 1])
            time.sleep(0.02)
        s.settimeout(5)
        return s.recv(65536)
    except OSError:
        return b""


def test_head_in_drips_is_cut(start):
    """No byte comes late enough for the library's own time-out."""
    api = start(HEAD_MS=600, SILENT_S=30)
    assert not drip(api.connect(), b"GET /v1/me HTTP/1.1\r\n" + b"X-A: b\r\n" * 1000)
    assert api.ask("GET", "/healthz").status == 200
    assert api.vault.seen == []


def test_silence_before_tls_is_cut(start):
    api = start(HEAD_MS=400, SILENT_S=30)
    s = socket.create_connection(("127.0.0.1", api.port), 10)
    assert ended(s)


def test_body_in_drips_is_cut(start):
    api = start(BODY_MS=600, SILENT_S=30)
    s = api.connect()
    s.sendall(POST)
    assert b"201" not in drip(s, b" " * 1000)
    assert api.vault.seen == []


def test_idle_connection_is_closed(start):
    api = start(IDLE_MS=400, SILENT_S=30)
    s = api.connect()
    assert api.ask("GET", "/healthz", sock=s).status == 200
    assert ended(s)


def test_silent_connection_is_closed(start):
    api = start(SILENT_S=1)
    s = api.connect()
    s.sendall(POST)
    assert ended(s)


def test_vault_that_does_not_answer(start):
    api = start(VAULT_MS=300)
    api.vault.answer = lambda op, fields: None
    s = api.connect()
    answer = api.ask("GET", "/v1/me", sock=s)
    assert answer.status == 504 and answer.error() == "timeout"
    api.vault.answer = None
    assert api.ask("GET", "/v1/me", sock=s).status == 200


REPORT = b"GET /v1/reports/consents HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\n\r\n"


def test_call_that_may_be_long_is_waited_for(start):
    """Others that came after it run out of their time; it does not."""
    api = start(VAULT_MS=300, LONG_MS=600000)
    real, held = api.vault._one, []

    def hold_all(sock, frame):
        held.append((sock, frame))
        return True

    api.vault._one = hold_all
    report = api.connect()
    report.sendall(REPORT)
    while not held:
        pass
    assert api.ask("GET", "/v1/me").status == 504
    api.vault.answer = lambda op, fields: ("OK", [
        ("REPORT", "consents"), ("FROM", 0), ("TO", 1), ("TITLE", "t"), ("PEOPLE", 7)])
    real(*held[0])
    answer = read_answer(report)
    assert answer.status == 200 and answer.json()["people"] == 7


def test_long_call_ends_by_its_own_deadline_not_by_silence(start):
    api = start(LONG_MS=1500, SILENT_S=1)
    api.vault.answer = lambda op, fields: None
    answer = api.ask("GET", "/v1/reports/consents")
    assert answer.status == 504 and answer.error() == "timeout"


def test_late_reply_reaches_nobody_else(start):
    """A reply after the time-out must not answer the next request."""
    api = start(VAULT_MS=300)
    late = []
    real = api.vault._one

    def hold_first(sock, frame):
        if not late:
            late.append(frame)
            return True
        real(sock, late[0])
        return real(sock, frame)

    api.vault._one = hold_first
    s = api.connect()
    subject = "00000000-0000-4000-8000-%012d"
    assert api.ask("GET", "/v1/subjects/%s?purpose=care" % (subject % 1), sock=s).status == 504
    api.vault.answer = lambda op, fields: ("OK", [
        ("SUBJECT", dict(fields)["SUBJECT"]), ("VERSION", 1)])
    answer = api.ask("GET", "/v1/subjects/%s?purpose=care" % (subject % 2), sock=s)
    assert answer.json()["subject"] == subject % 2


def test_vault_gone_and_back(api):
    s = api.connect()
    api.vault.answer = lambda op, fields: "hang up"
    answer = api.ask("GET", "/v1/me", sock=s)
    assert answer.status == 503 and answer.error() == "peer-gone"
    assert answer.headers["retry-after"] == "1"
    assert api.ask("GET", "/v1/me", sock=s).status == 503
    assert api.ask("GET", "/healthz", sock=s).status == 200
    api.vault.answer = None
    api.new_channel()
    while api.ask("GET", "/v1/me", sock=s).status == 503:
        pass
    assert api.ask("GET", "/v1/me", sock=s).status == 200


def test_new_channel_replaces_a_live_one(api):
    api.vault.answer = lambda op, fields: None
    s = api.connect()
    s.sendall(HEAD)
    while not api.vault.seen:
        pass
    api.vault.answer = None
    api.new_channel()
    assert read_answer(s).error() == "peer-gone"
    assert api.ask("GET", "/v1/me", sock=s).status == 200


def test_stop_finishes_what_is_under_way(start):
    api = start()
    held = []
    real = api.vault._one
    api.vault._one = lambda sock, frame: held.append((sock, frame)) or True
    s = api.connect()
    s.sendall(HEAD)
    while not held:
        pass
    api.control.send(b"Q")
    # It no longer accepts, but it still answers.
    while True:
        try:
            socket.create_connection(("127.0.0.1", api.port), 1).close()
        except OSError:
            break
    real(*held[0])
    answer = read_answer(s)
    assert answer.status == 200 and answer.closes
    assert api.proc.wait(10) == 0


def test_stop_does_not_wait_for_ever(start):
    api = start(DRAIN_MS=300)
    api.vault.answer = lambda op, fields: None
    s = api.connect()
    s.sendall(HEAD)
    while not api.vault.seen:
        pass
    api.control.send(b"Q")
    answer = read_answer(s)
    assert answer is None or answer.status == 503
    assert api.proc.wait(10) == 0


def test_supervisor_gone_means_stop(start):
    api = start()
    api.control.close()
    assert api.proc.wait(10) == 0


def test_nonsense_from_the_vault_drops_the_channel(api):
    s = api.connect()
    s.sendall(HEAD)
    api.vault._one = lambda sock, frame: sock.sendall(b"\xff" * 64) or True
    answer = read_answer(s)
    if answer.status == 200:	# it was answered before the change
        answer = api.ask("GET", "/v1/me", sock=s)
    assert answer.status == 503
    assert api.ask("GET", "/healthz", sock=s).status == 200


def test_reply_of_another_shape_is_an_internal_error(api):
    api.vault.answer = lambda op, fields: ("OK", [("SUBJECT", bytes(16))])
    answer = api.ask("GET", "/v1/me")
    assert answer.status == 500 and answer.error() == "internal"
