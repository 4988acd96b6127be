"""What an answer looks like: methods, formats, languages, headers."""
import socket
import ssl

import pytest

from standin import SUBJECT

ID = "00010203-0405-0607-0809-0a0b0c0d0e0f"
MEMBERS = "/v1/members?model=" + ID


def test_protective_headers_on_every_answer(api):
    for answer in (api.ask("GET", "/healthz"), api.ask("GET", "/nowhere"),
                   api.ask("GET", "/v1/me"), api.raw(b"GET / HTTP/1.1\r\n\r\n")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "max-age=" in answer.headers["strict-transport-security"]
        assert "server" not in answer.headers
        assert answer.headers["x-request-id"]


def test_request_id_is_echoed_or_made(api):
    answer = api.ask("GET", "/v1/me", {"X-Request-Id": "till-7:42"})
    assert answer.headers["x-request-id"] == "till-7:42"
    assert dict(api.vault.seen[-1][1])["REQUEST"] == b"till-7:42"
    made = api.ask("GET", "/v1/me", {"X-Request-Id": "no good!"})
    assert made.headers["x-request-id"] != "no good!"
    assert len(made.headers["x-request-id"]) == 36


def test_method_not_allowed(api):
    answer = api.ask("DELETE", "/v1/subjects/" + ID)
    assert answer.status == 405 and answer.error() == "method-not-allowed"
    assert answer.headers["allow"] == "GET, HEAD, PATCH, OPTIONS"
    assert api.ask("GET", "/v1/subjects/lookup").headers["allow"] == "POST, OPTIONS"


def test_options(api):
    answer = api.ask("OPTIONS", "/v1/models", key=None)
    assert answer.status == 204
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_head(api):
    s = api.connect()
    s.sendall(b"HEAD /v1/me HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n")
    data = b""
    while True:
        more = s.recv(65536)
        if not more:
            break
        data += more
    assert data.startswith(b"HTTP/1.1 200") and data.endswith(b"\r\n\r\n")


def test_no_route(api):
    for target in ("/", "/v1", "/v1/", "/v1/subjects/", "/v1//me", "/metrics",
                   "/v1/me/", "/v1/%6de", "/v1/subjects/a/b", "/../v1/me"):
        answer = api.ask("GET", target)
        assert answer.status in (404, 405), target
    assert api.vault.seen == []


def test_errors_keep_the_connection(api):
    """Only what leaves the stream in doubt, or a body unread, ends it."""
    s = api.connect()
    for method, target, body, status in (
            ("GET", "/nowhere", None, 404), ("DELETE", "/v1/me", None, 405),
            ("GET", "/v1/members", None, 400), ("OPTIONS", "/v1/me", None, 204),
            ("POST", "/v1/subjects", {"purpose": 1}, 422),
            ("POST", "/v1/subjects", b"{", 400)):
        answer = api.ask(method, target, body=body, sock=s)
        assert answer.status == status and not answer.closes, target
    assert api.ask("GET", "/v1/me", sock=s, key=None).status == 401
    assert api.ask("GET", "/v1/me", sock=s).status == 200


def test_credential_is_asked_for(api):
    for headers in ({}, {"Authorization": "Basic eDp5"},
                    {"Authorization": "Bearer "},
                    {"Authorization": "Bearer " + "x" * 161}):
        answer = api.ask("GET", "/v1/me", headers, key=None)
        assert answer.status == 401 and answer.error() == "unauthenticated"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert api.vault.seen == []


def test_context_headers_reach_the_vault(api):
    api.ask("GET", "/v1/me", {
        "Resguardo-Staff": "caja 3", "Resguardo-Place": "León",
        "Resguardo-Reason": "petición", "Sec-GPC": "1",
        "Idempotency-Key": "k-1"})
    got = dict(api.vault.seen[-1][1])
    assert got["STAFF"] == b"caja 3"
    assert got["PLACE"] == "León".encode()
    assert got["REASON"] == "petición".encode()
    assert got["GPC"] == b"\x01" and got["IDEMPOTENCY"] == b"k-1"
    assert got["CREDENTIAL"] == b"rsg_test"
    api.ask("GET", "/v1/me", {"Sec-GPC": "0"})
    assert "GPC" not in dict(api.vault.seen[-1][1])


def test_context_header_at_fault_is_named(api):
    answer = api.ask("GET", "/v1/me", {"Resguardo-Staff": "x" * 65})
    assert answer.status == 413
    assert answer.json()["member"] == "Resguardo-Staff"
    answer = api.ask("POST", "/v1/subjects", {"Idempotency-Key": "a b"}, {})
    assert answer.status == 422
    assert answer.json()["member"] == "Idempotency-Key"


def test_vault_context_error_names_the_header(api):
    api.vault.answer = lambda op, f: ("CONTEXT_REQUIRED", [("MEMBER", "reason")])
    answer = api.ask("GET", "/v1/me")
    assert answer.status == 403
    assert answer.json()["member"] == "Resguardo-Reason"


def test_denial_carries_clause_and_entry(api):
    api.vault.answer = lambda op, f: ("DENIED", [
        ("CLAUSE", "access.till.birthday"), ("ENTRY", SUBJECT)])
    answer = api.ask("GET", "/v1/me", {"Accept-Language": "es-MX, en;q=0.5"})
    assert answer.error() == "denied-by-policy"
    problem = answer.json()
    assert problem["clause"] == "access.till.birthday"
    assert problem["audit_entry"] == ID
    assert answer.headers["resguardo-audit-entry"] == ID
    assert answer.headers["content-language"] == "es"
    assert "política" in problem["title"]


def test_language_of_titles(api):
    """Named in the query, or else by the header."""
    for target, headers, want in (
            ("/v1/segments", {"Accept-Language": "es"}, b"es"),
            ("/v1/segments?language=en", {"Accept-Language": "es"}, b"en"),
            ("/v1/segments", {}, b"en")):
        assert api.ask("GET", target, headers).status == 200
        assert dict(api.vault.seen[-1][1])["LANGUAGE"] == want


def test_rate_limited_says_when(api):
    api.vault.answer = lambda op, f: ("RATE_LIMITED", [("RETRY_AFTER", 17)])
    answer = api.ask("GET", "/v1/me")
    assert answer.status == 429 and answer.headers["retry-after"] == "17"


def test_created(api):
    answer = api.ask("POST", "/v1/subjects", body={"purpose": "care"})
    assert answer.status == 201
    assert answer.headers["location"] == "/v1/subjects/" + ID


def test_bodies_in_the_wrong_type(api):
    answer = api.ask("POST", "/v1/subjects", {"Content-Type": "text/plain"}, {})
    assert answer.status == 415 and answer.error() == "unsupported-media-type"
    assert api.ask("POST", "/v1/events", body={}).status == 415
    answer = api.ask("POST", "/v1/subjects",
                     {"Content-Type": "application/json; charset=latin1"}, {})
    assert answer.status == 415
    answer = api.ask("POST", "/v1/subjects", {"Content-Encoding": "gzip"}, {})
    assert answer.status == 415


def test_formats_of_a_list(api):
    json_ = api.ask("GET", MEMBERS)
    assert [m["r"] for m in json_.json()["members"]] == [5, 1]
    assert json_.json()["next"] == "AQL7"
    lines = api.ask("GET", MEMBERS, {"Accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.body.count(b"\n") == 2
    table = api.ask("GET", MEMBERS + "&format=csv&cursor=AQID")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.body.startswith(b"pseudonym,r,f,m\r\n" + b"0" * 32 + b",5,4,3\r\n")
    assert table.headers["resguardo-next"] == "AQL7"
    assert table.headers["link"] == (
        "<%s&format=csv&cursor=AQL7>; rel=\"next\"" % MEMBERS)


def test_format_that_is_not_there(api):
    for target, headers in ((MEMBERS + "&format=xml", {}),
                            (MEMBERS, {"Accept": "text/html"}),
                            ("/v1/me", {"Accept": "text/csv"})):
        answer = api.ask("GET", target, headers)
        assert answer.status == 406 and answer.error() == "not-acceptable"
    assert api.ask("GET", "/v1/me", {"Accept": "text/html, */*;q=0.1"}).status == 200
    assert api.ask("GET", "/v1/me?format=json").status == 400


def test_lists_are_there_even_empty(api):
    assert api.ask("GET", "/v1/segments").json() == {"segments": []}
    assert api.ask("GET", "/v1/models").json() == {"models": []}
    assert api.ask("GET", "/v1/me").json()["purposes"] == []


def test_bad_lines_are_reported_with_the_vaults(api):
    api.vault.answer = lambda op, f: ("OK", [
        ("ACCEPTED", 1), ("REPEATED", 0),
        ("REJECTED", [("LINE", 3), ("ERROR", "not-found"), ("MEMBER", "subject")])])
    good = b'{"kind":"visit","time":"2026-01-01T00:00:00Z"}\n'
    body = (good + b"\nnonsense\n".replace(b"\n", b"", 1)
            + good + b'{"kind":"visit"}\n' + b'{"kind":"visit","time":"2026-01-01T00:00:00Z","line":9}')
    answer = api.ask("POST", "/v1/events", {"Content-Type": "application/x-ndjson"}, body)
    assert answer.status == 200
    assert answer.json()["rejected"] == [
        {"line": 2, "error": "malformed-request"},
        {"line": 3, "error": "not-found", "member": "subject"},
        {"line": 4, "error": "missing-member", "member": "time"},
        {"line": 5, "error": "unknown-member", "member": "line"}]


def test_not_ready_is_503(api):
    api.vault.answer = lambda op, f: ("OK", [("READY", False), ("DETAIL", "database")])
    answer = api.ask("GET", "/readyz", key=None)
    assert answer.status == 503 and answer.json()["ready"] is False


def test_values_never_come_back(api):
    secret = "ines.carrasco@example.org"
    for answer in (
            api.ask("POST", "/v1/subjects", body={"purpose": secret}),
            api.ask("POST", "/v1/subjects", body={secret: 1}),
            api.ask("POST", "/v1/subjects", body={"fields": {secret: 1}}),
            api.ask("GET", "/v1/subjects/" + secret.replace("@", "%40")),
            api.ask("GET", "/v1/me?" + secret.replace("@", "%40") + "=1"),
            api.ask("GET", "/v1/audit?actor=" + "x" * 200 + secret)):
        assert 400 <= answer.status < 500
        assert secret.encode() not in answer.body
        assert "carrasco" not in str(answer.headers)
    assert "carrasco" not in api.log_text()


def test_log_has_the_template_only(api):
    api.ask("GET", "/v1/subjects/%s?purpose=care" % ID)
    assert api.stop() == 0
    lines = [l for l in api.log_lines() if l["event"] == "request"]
    assert lines[0]["route"] == "/v1/subjects/{subject}"
    assert lines[0]["status"] == 200
    assert ID not in api.log_text() and "purpose" not in api.log_text()


def metrics(api, path="/metrics"):
    s = socket.create_connection(("127.0.0.1", api.metrics_port), 10)
    return api.raw(("GET %s HTTP/1.1\r\nHost: l\r\n\r\n" % path).encode(), s)


def test_metrics_on_their_own_listener(api):
    api.ask("GET", "/v1/me")
    api.ask("GET", "/nowhere")
    answer = metrics(api)
    text = answer.body.decode()
    assert answer.status == 200
    assert 'requests_total{method="GET",route="/v1/me",status="200"} 1' in text
    assert 'requests_total{method="",route="none",status="404"} 1' in text
    assert "resguardo_vault_up 1" in text and "resguardo_standin 1" in text
    assert metrics(api, "/v1/me").status == 404


def test_metrics_without_a_vault(api):
    api.vault.answer = lambda op, f: "hang up"
    text = metrics(api).body.decode()
    assert "resguardo_vault_up 0" in text and "resguardo_standin" not in text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(api, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(socket.create_connection(("127.0.0.1", api.port), 10))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_tls_is_spoken(api, version):
    context = ssl.create_default_context(cafile=api.ca)
    context.minimum_version = context.maximum_version = version
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", api.port), 10),
                            server_hostname="localhost")
    assert api.ask("GET", "/healthz", sock=s).status == 200
    assert "GCM" in s.cipher()[0] or "CHACHA20" in s.cipher()[0]


def test_plain_http_is_not_spoken(api):
    s = socket.create_connection(("127.0.0.1", api.port), 10)
    assert api.raw(b"GET /healthz HTTP/1.1\r\nHost: l\r\n\r\n", s) is None
