"""Receipts of what people said, and officers' reports, over the whole server."""
import base64
import json
import os
import re
import subprocess

import pytest

from refuse import STAFF, TILL, problem
from stack import AS, GID, ROOT, SHOWN, UID

jsonschema = pytest.importorskip("jsonschema")      # Debian: python3-jsonschema

with open(os.path.join(ROOT, "docs/schema/receipt.schema.json"), encoding="utf-8") as f:
    SCHEMA = jsonschema.Draft7Validator(json.load(f))
with open(os.path.join(ROOT, "tests/vectors/dpv-2.3.txt"), encoding="utf-8") as f:
    TERMS = {line.strip() for line in f if not line.startswith("#")}


def say(stack, who, decision, purpose="marketing", channel="email", **more):
    body = dict(SHOWN, purpose=purpose, decision=decision, method="button", **more)
    if channel:
        body["channel"] = channel
    r = stack.http("POST", "/v1/subjects/%s/consents" % who, stack.keys["till"],
                   headers=TILL, json=body)
    assert r.status == 200, r
    return r.json()["sequence"]


def receipt(stack, who, sequence, accept=None, key="till", headers=TILL):
    headers = dict(headers, **({"Accept": accept} if accept else {}))
    return stack.http("GET", "/v1/subjects/%s/receipts/%s" % (who, sequence),
                      stack.keys[key], headers=headers)


def words(v):
    if isinstance(v, str):
        yield v
    for x in v.values() if isinstance(v, dict) else v if isinstance(v, list) else ():
        yield from words(x)
    yield from v if isinstance(v, dict) else ()


def file_of(stack, name, text):
    path = os.path.join(stack.home, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path, UID, GID)
    return path


def offline(stack, *argv):
    """All that the program says; it is given no server and no state."""
    p = subprocess.run(AS + [stack.bin + "/resguardo", "receipt", "verify", *argv],
                       capture_output=True, text=True, cwd="/")
    assert (p.returncode == 0) == p.stdout.startswith("Good: "), (p.returncode, p.stdout)
    return p.stdout + p.stderr


def verify(stack, jws, key=None):
    if key is None:
        key = file_of(stack, "keys.json", stack.http("GET", "/v1/keys").text)
    return offline(stack, file_of(stack, "receipt.jws", jws), "--key", key)


def is_good(text):
    return text.startswith("Good: ") and "not good" not in text


def test_each_answer_has_a_receipt(stack):
    who = stack.person(email="receipt.%d@example.com" % stack.number())
    said = [("given", say(stack, who, "give")), ("renewed", say(stack, who, "give")),
            ("refused", say(stack, who, "refuse", "personalised_offers", None)),
            ("withdrawn", say(stack, who, "withdraw"))]
    seen, previous = set(), "0" * 64
    for status, sequence in said:
        r = receipt(stack, who, sequence)
        assert r.status == 200, r
        payload = json.loads(r.json()["payload"])
        SCHEMA.validate(payload)
        for word in words(payload):
            if re.match(r"(dpv|pd|eu-gdpr|risk):", word):
                assert word in TERMS, word
        record = payload["dpv:hasRecordOfActivity"]
        assert record["dpv:hasConsentStatus"]["resguardo:status"] == status
        assert record["dpv:hasDataSubject"]["@id"] == "urn:uuid:" + who
        chain = record["resguardo:chain"]
        assert (chain["resguardo:sequence"], chain["resguardo:previous"]) == (sequence, previous)
        previous = chain["resguardo:sha256"]
        # The payload is, letter by letter, what was signed.
        part = r.json()["receipt"].split(".")[1]
        assert base64.urlsafe_b64decode(part + "==").decode() == r.json()["payload"]
        assert is_good(verify(stack, r.json()["receipt"]))
        seen.add(payload["dct:identifier"])
        # Asked again it has the same name.
        again = json.loads(receipt(stack, who, sequence).json()["payload"])
        assert again["dct:identifier"] == payload["dct:identifier"]
    assert len(seen) == len(said)
    # The last hash is the header's, which the ledger shows.
    problem(receipt(stack, who, said[-1][1] + 1), 404, "not-found")
    problem(receipt(stack, who, 0), 422, "bad-value")


def test_it_names_the_notice_that_was_shown(stack):
    who = stack.person()
    payload = json.loads(receipt(stack, who, say(stack, who, "give")).json()["payload"])
    notice = payload["dpv:hasRecordOfActivity"]["dpv:hasNotice"]
    assert notice["dct:identifier"] == "%(notice)s:%(notice_version)d" % SHOWN
    shown = stack.http("GET", "/v1/notices/%(notice)s?version=%(notice_version)d"
                       "&language=%(language)s" % SHOWN, stack.keys["till"], headers=TILL)
    assert notice["resguardo:sha256"] == shown.json()["sha256"]


def test_a_page_in_their_language(stack):
    for language, heading in (("es", "Recibo de su respuesta"),
                              ("en", "Receipt of your answer")):
        r = stack.http("POST", "/v1/subjects", stack.keys["till"], headers=TILL, json={
            "fields": {"first_name": "Ana"}, "language": language, "jurisdiction": "ES"})
        who = r.json()["subject"]
        r = receipt(stack, who, say(stack, who, "give"),
                    "text/html,application/xhtml+xml,*/*;q=0.8")
        assert r.status == 200 and r.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = r.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert heading in r.text and len(r.text.encode()) < 30000
        for mark in ("<script", "href=", "src=", "dpv:", " style="):
            assert mark not in r.text, mark
    # Nothing else has pages.
    r = stack.http("GET", "/v1/me", stack.keys["till"], headers={"Accept": "text/html"})
    problem(r, 406, "not-acceptable")


def test_what_was_altered_is_refused(stack):
    who = stack.person()
    jws = receipt(stack, who, say(stack, who, "give")).json()["receipt"]
    head, body, sig = jws.split(".")
    other = {"kty": "OKP", "crv": "Ed25519",
             "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    text = base64.urlsafe_b64decode(body + "==").replace(b'"given"', b'"never"')
    forged = base64.urlsafe_b64encode(text).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for bad, line in (
            (head + "." + forged + "." + sig, "the signature does not belong to it"),
            (none + "." + body + ".", "not signed (alg none)"),
            (jws[:-3], "cut short"), (jws[:len(jws) // 2], "a piece is missing"),
            (head + "." + body[:-1] + "!." + sig, "not base64url"),
            ("", "empty")):
        said = verify(stack, bad)
        assert line in said and "Good" not in said, (line, said)
    said = verify(stack, jws, file_of(stack, "other.json", json.dumps(other)))
    assert "another key" in said, said
    # The whole answer of the server is a receipt too.
    assert is_good(verify(stack, json.dumps({"receipt": jws})))
    assert "NOT VERIFIED" in offline(stack, file_of(stack, "receipt.jws", jws))


def test_nobody_else_gets_one(stack):
    who = stack.person()
    sequence = say(stack, who, "give")
    before = stack.entries()
    problem(receipt(stack, who, sequence, key="till-other"), 404, "not-found")
    problem(receipt(stack, who, sequence, key="tool"), 403, "denied-by-policy")
    assert stack.entries() == before + 2
    assert receipt(stack, who, sequence, key="officer", headers=STAFF).status == 200


def test_the_key_is_for_anybody(stack):
    r = stack.http("GET", "/v1/keys")
    assert r.status == 200 and len(r.json()["keys"]) == 1
    assert set(r.json()["keys"][0]) == {"kty", "crv", "alg", "use", "kid", "x"}


def test_a_touched_ledger_gives_no_receipt(own):
    stack = own()
    a, b = stack.person(), stack.person()
    for who in (a, b):
        for decision in ("give", "withdraw", "give"):
            say(stack, who, decision)

    def each():
        return [receipt(stack, a, n).status for n in (1, 2, 3)]

    def swap(x, y):
        stack.sql("UPDATE consent_event SET sequence = 99 WHERE subject_id = '%s' AND"
                  " sequence = %d; UPDATE consent_event SET sequence = %d WHERE"
                  " subject_id = '%s' AND sequence = %d; UPDATE consent_event SET"
                  " sequence = %d WHERE subject_id = '%s' AND sequence = 99"
                  % (a, x, x, a, y, y, a))
    assert each() == [200, 200, 200]
    swap(1, 2)
    assert each() == [500, 500, 500]
    swap(1, 2)
    assert each() == [200, 200, 200]
    stack.sql("DELETE FROM consent_event WHERE subject_id = '%s' AND sequence = 3" % a)
    assert each()[1:] == [500, 500]
    # Another person's event in its place: no report is made of such a ledger either.
    stack.sql("INSERT INTO consent_event SELECT '%s', sequence, sealed, hash FROM"
              " consent_event WHERE subject_id = '%s' AND sequence = 3" % (a, b))
    assert each()[1:] == [500, 500]
    r = stack.http("GET", "/v1/reports/consent-history", stack.keys["officer"], headers=STAFF)
    problem(r, 500, "integrity-failure")


def rows(stack, name, **query):
    q = "&".join("%s=%s" % x for x in query.items())
    r = stack.http("GET", "/v1/reports/%s%s" % (name, "?" + q if q else ""),
                   stack.keys["officer"], headers=STAFF)
    assert r.status == 200, r
    return r.json()


def test_reports_count_what_was_said(own):
    stack = own()
    people = [stack.person() for _ in range(6)]
    for i, who in enumerate(people):
        say(stack, who, "give")
        if i < 2:
            say(stack, who, "withdraw")
        if i == 5:
            say(stack, who, "refuse", channel="sms")
    now = rows(stack, "consents")
    assert now["people"] == 6
    assert {(r["channel"], r["status"]): r["count"] for r in now["rows"]} == {
        ("email", "given"): 4, ("email", "withdrawn"): 2, ("sms", "refused"): 1}
    said = rows(stack, "consent-history")
    assert {(r["channel"], r["status"]): r["count"] for r in said["rows"]} == {
        ("email", "given"): 6, ("email", "withdrawn"): 2, ("sms", "refused"): 1}
    assert {r["notice"] for r in said["rows"] if r["status"] == "given"} == {
        "%(notice)s:%(notice_version)d" % SHOWN}
    # Of another time there is nothing; a yes that ends has to be asked for again.
    assert rows(stack, "consent-history", to="2020-01-01T00:00:00Z",
                **{"from": "2019-01-01T00:00:00Z"})["rows"] == []
    say(stack, people[0], "give", "advertising_audiences", "ads")     # holds two years
    assert rows(stack, "ask-again")["rows"] == []
    later = rows(stack, "ask-again", to="2099-01-01T00:00:00Z")
    assert [(r["purpose"], r["status"], r["count"]) for r in later["rows"]] == [
        ("advertising_audiences", "given", 1)]
    r = stack.http("GET", "/v1/reports/consents?format=csv", stack.keys["officer"],
                   headers=STAFF)
    assert r.text.splitlines()[0].startswith("period,purpose,channel,status"), r
    assert ",marketing,email,given,,,,4," + 10 * "," in r.text.splitlines()
    assert re.search(r"^marketing +email +given +4$", stack.cli(
        "report", "consents", "--controller", "acme"), re.M)
    assert rows(stack, "withdrawals")["rows"] == [] == rows(stack, "value")["rows"]
    # Officers only, and each look is an entry.
    problem(stack.http("GET", "/v1/reports/consents", stack.keys["till"], headers=TILL),
            403, "purpose-not-registered")
    before = stack.entries()
    rows(stack, "consents")
    assert stack.entries() == before + 1
    problem(stack.http("GET", "/v1/reports/nothing", stack.keys["officer"], headers=STAFF),
            404, "not-found")


def test_controller_can_be_described_anew(stack):
    """Receipts say it at once; what is not named stays; it is in the log."""
    who = stack.person()
    sequence = say(stack, who, "give")

    def party():
        doc = json.loads(receipt(stack, who, sequence).json()["payload"])
        found = []

        def look(node):
            if isinstance(node, dict):
                if "schema:telephone" in node:
                    found.append(node)
                for value in node.values():
                    look(value)
            elif isinstance(node, list):
                for value in node:
                    look(value)
        look(doc)
        return found

    before = stack.entries()
    stack.cli("controller", "set", "--name", "acme", "--phone", "+34910000000",
              "--email", "datos@acme.example")
    assert stack.entries() > before
    one, = party()
    assert one["schema:telephone"] == "+34910000000"
    assert one["schema:email"] == "datos@acme.example"
    title = one["schema:name"]

    stack.cli("controller", "set", "--name", "acme", "--phone", "+34920000000",
              "--title", "Acme Nueva")
    one, = party()
    assert one["schema:telephone"] == "+34920000000"
    assert one["schema:email"] == "datos@acme.example"
    assert one["schema:name"] == "Acme Nueva"

    # It lasts beyond the process, and what was taken away is gone.
    stack.stop()
    stack.serve()
    assert party()[0]["schema:telephone"] == "+34920000000"
    stack.cli("controller", "set", "--name", "acme", "--phone", "-", "--title", title)
    assert party() == []
    stack.cli("controller", "set", "--name", "acme", "--email", "-")
    wrong = stack.cli("controller", "set", "--name", "nobody", "--phone", "1", check=False)
    assert wrong.returncode != 0 and "controller" in wrong.stderr
