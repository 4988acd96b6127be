"""Bad input: each answers clearly, repeats no personal value, changes nothing."""
import json
import threading
import uuid

import pytest

from refuse import STAFF, TILL, nowhere, problem, refused
from stack import Client, until

JSON = dict(TILL, **{"Content-Type": "application/json"})
SECRET = "Quevedo-Xkqf"


def body(text):
    return text if isinstance(text, bytes) else text.encode()


def fields(**kw):
    return {"fields": kw}


# --- A body that is no request ---

BODIES = {
    "empty": (b"", 400, "malformed-request"),
    "not json": (b"first_name=" + SECRET.encode(), 400, "malformed-request"),
    "cut short": (b'{"fields": {"first_name": "' + SECRET.encode(), 400, "malformed-request"),
    "two values": (b'{"fields": {"first_name": "%s"}} {}' % SECRET.encode(), 400,
                   "malformed-request"),
    "a member twice": (b'{"fields": {"first_name": "A", "first_name": "%s"}}'
                       % SECRET.encode(), 400, "malformed-request"),
    "comment": (b'{"fields": {"first_name": "%s"} /* */}' % SECRET.encode(), 400,
                "malformed-request"),
    "array": (b'["%s"]' % SECRET.encode(), 400, "malformed-request"),
    "invalid utf-8": (b'{"fields": {"first_name": "%s\xff\xfe"}}' % SECRET.encode(), 400,
                      "malformed-request"),
    "overlong utf-8": (b'{"fields": {"first_name": "%s\xc0\xaf"}}' % SECRET.encode(), 400,
                       "malformed-request"),
    "half a surrogate": (b'{"fields": {"first_name": "%s\\ud800"}}' % SECRET.encode(), 400,
                         "malformed-request"),
    "a NUL": (b'{"fields": {"first_name": "%s\\u0000"}}' % SECRET.encode(), None, None),
    "a control character": (b'{"fields": {"first_name": "%s\\u0007"}}' % SECRET.encode(),
                            422, "bad-value"),
    "too deep": (b'{"fields": ' * 40 + b'"' + SECRET.encode() + b'"' + b"}" * 40, 413,
                 "too-large"),
    "too large": (json.dumps(fields(street=SECRET + "x" * 70000)).encode(), 413, "too-large"),
    "a value too large": (json.dumps(fields(street=SECRET + "x" * 17000)).encode(), 413,
                          "too-large"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(stack, name):
    raw, status, error = BODIES[name]
    if status is None:      # either is right: what counts is that it is refused
        before = stack.shape()
        r = stack.http("POST", "/v1/subjects", stack.keys["till"], raw=raw, headers=JSON)
        assert r.status in (400, 422) and r.error in ("malformed-request", "bad-value"), r
        nowhere(stack, r, [SECRET])
        assert stack.shape() == before
        return
    refused(stack, status, error, "POST", "/v1/subjects", stack.keys["till"], raw=raw,
            headers=JSON, secrets=[SECRET])


# --- Members ---

MEMBERS = {
    "unknown member": ({"fields": {"first_name": "A"}, "nick": SECRET}, 400,
                       "unknown-member", "nick"),
    "unknown inside": ({"fields": {}, "consents": [{"purpose": "marketing",
                        "decision": "give", "colour": SECRET}]}, 400, "unknown-member",
                       "consents.0.colour"),
    "missing inside": ({"fields": {"first_name": SECRET}, "consents": [
                        {"purpose": "marketing"}]}, 400, "missing-member",
                       "consents.0.decision"),
    "number for text": (fields(first_name=4711471147114711), 422, "bad-value",
                        "fields.first_name"),
    "object for text": (fields(first_name={"x": SECRET}), 422, "bad-value",
                        "fields.first_name"),
    "array for object": ({"fields": [SECRET]}, 422, "bad-value", "fields"),
    "text for array": ({"consents": SECRET}, 422, "bad-value", "consents"),
    "text for time": ({"fields": {"first_name": SECRET}, "collected": SECRET}, 422,
                      "bad-value", "collected"),
    "bad e-mail": (fields(email="quevedo-xkqf@@example..com"), 422, "bad-value",
                   "fields.email"),
    "e-mail without a host": (fields(email="quevedo-xkqf"), 422, "bad-value", "fields.email"),
    "bad phone": (fields(phone="+34 6000 quevedo-xkqf"), 422, "bad-value", "fields.phone"),
    "short phone": (fields(phone="+34 9"), 422, "bad-value", "fields.phone"),
    "no such day": (fields(birth_date="1984-02-30"), 422, "bad-value", "fields.birth_date"),
    "a day to come": (fields(birth_date="2984-02-03"), 422, "bad-value", "fields.birth_date"),
    "no such choice": (fields(gender=SECRET), 422, "bad-value", "fields.gender"),
    "no such country": (fields(country="QX"), 422, "bad-value", "fields.country"),
    "bad postal code": (fields(postal_code="28$13"), 422, "bad-value",
                        "fields.postal_code"),
    "unknown field": ({"fields": {"shoe_colour": SECRET}}, 422, "unknown-field", None),
    "unknown purpose": ({"fields": {"first_name": SECRET}, "purpose": "telepathy"}, 422,
                        "unknown-purpose", "purpose"),
    "unknown purpose of a consent": ({"fields": {"first_name": SECRET}, "consents": [
        {"purpose": "telepathy", "decision": "give"}]}, 422, "unknown-purpose", None),
    "unknown decision": ({"fields": {"first_name": SECRET}, "consents": [
        {"purpose": "marketing", "decision": "perhaps"}]}, 422, "bad-value", None),
    "unknown source": ({"fields": {"first_name": SECRET}, "source": "gossip"}, 422,
                       "bad-value", "source"),
    "a field only others may write": ({"fields": {"dietary_preference": "vegan",
                                                  "first_name": SECRET}}, 403,
                                      "denied-by-policy", "fields.dietary_preference"),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_members(stack, name):
    value, status, error, member = MEMBERS[name]
    secrets = [SECRET, SECRET.lower(), "4711471147114711", "1984-02-30", "2984-02-03"]
    refused(stack, status, error, "POST", "/v1/subjects", stack.keys["till"], json=value,
            headers=TILL, secrets=secrets, member=member)


EVENTS = {
    "amount in words": ({"amount": "doce " + SECRET}, 422, "bad-value"),
    "amount of many decimals": ({"amount": "12.345678"}, 422, "bad-value"),
    "amount beyond all": ({"amount": "9" * 30}, 422, "bad-value"),
    "amount as a number": ({"amount": 12.5}, 422, "bad-value"),
    "no such currency": ({"currency": "QQQ"}, 422, "bad-value"),
    "no such kind": ({"kind": "theft"}, 422, "bad-value"),
    "no such time": ({"time": "2026-13-01T00:00:00Z"}, 422, "bad-value"),
    "time without a zone": ({"time": "2026-01-01T00:00:00"}, 422, "bad-value"),
    "line is ours to give": ({"line": 7}, 400, "unknown-member"),
    "unknown member": ({"colour": SECRET}, 400, "unknown-member"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_events(stack, name):
    more, status, error = EVENTS[name]
    who = stack.person()
    line = dict({"kind": "purchase", "time": "2026-01-01T10:00:00Z", "amount": "12.50",
                 "document": SECRET}, **more)
    path = "/v1/subjects/%s/events" % who
    before = stack.shape()
    r = stack.http("POST", path, stack.keys["till"], json=line, headers=TILL)
    if r.status == 200:     # one line of an upload: told in its report
        assert r.json()["accepted"] == 0 and r.json()["rejected"][0]["error"] == error, r
    else:
        problem(r, status, error)
    nowhere(stack, r, [SECRET])
    assert stack.shape() == before


def test_ndjson_lines(stack):
    """A bad line is told by number; the good ones are in."""
    who = stack.person()
    good = {"subject": who, "kind": "purchase", "time": "2026-01-01T10:00:00Z",
            "amount": "12.50", "document": "D1"}
    lines = [good, dict(good, amount="x" + SECRET), dict(good, subject=str(uuid.uuid4())),
             dict(good, document="D2")]
    raw = "\n".join(json.dumps(x) for x in lines).encode()
    r = stack.http("POST", "/v1/events", stack.keys["till"], raw=raw,
                   headers=dict(TILL, **{"Content-Type": "application/x-ndjson"}))
    assert r.status == 200, r
    assert r.json()["accepted"] == 2, r
    assert [(x["line"], x["error"]) for x in r.json()["rejected"]] == \
        [(2, "bad-value"), (3, "not-found")], r
    nowhere(stack, r, [SECRET])
    assert stack.sql("SELECT count(*) FROM event WHERE subject_id = '%s'" % who) == "2"


@pytest.mark.parametrize("raw", [b'{"kind": "purchase"\n', b"\xff\xfe\n", b"[1]\n",
                                 b'{"kind": "%s", "kind": "x"}\n' % SECRET.encode()])
def test_ndjson_that_is_none(stack, raw):
    before = stack.shape()
    r = stack.http("POST", "/v1/events", stack.keys["till"], raw=raw,
                   headers=dict(TILL, **{"Content-Type": "application/x-ndjson"}))
    assert r.status == 200 and r.json()["accepted"] == 0, r
    assert r.json()["rejected"] == [{"line": 1, "error": "malformed-request"}], r
    nowhere(stack, r, [SECRET])
    assert stack.shape() == before


def test_ndjson_too_large(stack):
    line = b'{"kind": "purchase", "document": "%s"}\n' % SECRET.encode()
    for raw in (line * 4097, line * (1 + (1 << 20) // len(line))):
        refused(stack, 413, "too-large", "POST", "/v1/events", stack.keys["till"], raw=raw,
                headers=dict(TILL, **{"Content-Type": "application/x-ndjson"}),
                secrets=[SECRET])


# --- Addresses, methods, types ---

def test_addresses(stack):
    key = stack.keys["till"]
    who = stack.person(first_name=SECRET)
    one = "/v1/subjects/" + who
    for status, error, method, path, headers in (
            (404, "no-such-route", "GET", "/v1/people/" + SECRET, TILL),
            (405, "method-not-allowed", "DELETE", one, TILL),
            (406, "not-acceptable", "GET", one + "?purpose=loyalty_account",
             dict(TILL, Accept="text/html")),
            (404, "not-found", "GET", "/v1/subjects/%s?purpose=loyalty_account"
             % uuid.uuid4(), TILL),
            (400, "missing-member", "GET", one, TILL),
            (422, "unknown-purpose", "GET", one + "?purpose=telepathy", TILL),
            (422, "unknown-field", "GET", one + "?purpose=loyalty_account&fields=shoe_colour",
             TILL),
            (400, "unknown-member", "GET", one + "?purpose=loyalty_account&colour=" + SECRET,
             TILL),
            (403, "context-required", "GET", one + "?purpose=loyalty_account", {}),
            (403, "denied-by-policy", "GET", one + "?purpose=loyalty_account&fields=tax_id",
             TILL)):
        refused(stack, status, error, method, path, key, headers=headers, secrets=[SECRET])
    bad = stack.http("GET", "/v1/subjects/%s?purpose=loyalty_account" % SECRET, key,
                     headers=TILL)
    assert bad.status in (404, 422) and bad.error, bad
    nowhere(stack, bad, [SECRET])
    refused(stack, 415, "unsupported-media-type", "POST", "/v1/subjects", key,
            raw=json.dumps(fields(first_name=SECRET)).encode(),
            headers=dict(TILL, **{"Content-Type": "text/plain"}), secrets=[SECRET])
    refused(stack, 431, "headers-too-large", "GET", one + "?purpose=loyalty_account", key,
            headers=dict(TILL, **{"X-Long": SECRET + "x" * 20000}), secrets=[SECRET])


# --- Who asks ---

def test_credentials(stack):
    keys = stack.keys
    until("expiry", lambda: stack.http("GET", "/v1/me", keys["till-brief"]).status == 401)
    who = stack.person(first_name=SECRET)
    path = "/v1/subjects/%s?purpose=loyalty_account&fields=first_name" % who
    last = keys["till"][-1]
    for key, error in ((None, "unauthenticated"), ("rsgk_" + "0" * 104, "unauthenticated"),
                       ("x", "unauthenticated"),
                       (keys["till"][:-1] + ("0" if last != "0" else "1"), "unauthenticated"),
                       (keys["till-brief"], "credential-expired")):
        entries = stack.entries()
        refused(stack, 401, error, "GET", path, key, headers=TILL,
                secrets=[SECRET] + ([key] if key and len(key) > 1 else []))
        assert stack.entries() == entries       # counted, not logged one by one
    name = "till-%d" % stack.number()
    revoked = stack.principal(name, "till", ("loyalty_account",))
    assert stack.http("GET", path, revoked, headers=TILL).status == 200
    stack.cli("principal", "revoke", "--controller", "acme", "--name", name)
    refused(stack, 401, "credential-revoked", "GET", path, revoked, headers=TILL,
            secrets=[SECRET, revoked])


def audited(stack, p):
    """The denial has an entry of its own, committed."""
    got = stack.sql("SELECT decision FROM audit_entry WHERE entry = '%s'" % p["audit_entry"])
    assert got == "0", p


def test_purpose_not_registered(stack):
    who = stack.person(first_name=SECRET)
    p = refused(stack, 403, "purpose-not-registered", "GET",
                "/v1/subjects/%s?purpose=rewards&fields=first_name" % who,
                stack.keys["till-narrow"], headers=TILL, secrets=[SECRET])
    audited(stack, p)


def test_another_controllers_subject(stack):
    who = stack.person(first_name=SECRET, email="%s@example.com" % SECRET)
    key = stack.keys["till-other"]
    calls = (("GET", "/v1/subjects/%s?purpose=loyalty_account" % who, None),
             ("PATCH", "/v1/subjects/" + who, fields(first_name="Eva")),
             ("GET", "/v1/subjects/%s/consents" % who, None),
             ("POST", "/v1/subjects/%s/consents" % who,
              {"purpose": "marketing", "channel": "email", "decision": "give"}),
             ("POST", "/v1/subjects/lookup", {"field": "email", "purpose": "loyalty_account",
                                              "value": "%s@example.com" % SECRET}))
    for method, path, json_ in calls:
        p = refused(stack, 404, "not-found", method, path, key, json=json_, headers=TILL,
                    secrets=[SECRET])
        audited(stack, p)
    p = refused(stack, 404, "not-found", "GET", "/v1/subjects/%s?purpose=data_subject_rights"
                % who, stack.keys["officer-other"], headers=STAFF, secrets=[SECRET])
    audited(stack, p)
    r = stack.http("POST", "/v1/subjects/%s/events" % who, key, headers=TILL,
                   json={"kind": "purchase", "time": "2026-01-01T10:00:00Z",
                         "amount": "1.00"})
    assert r.status == 404 or r.json()["rejected"][0]["error"] == "not-found", r
    assert stack.sql("SELECT count(*) FROM event WHERE subject_id = '%s'" % who) == "0"
    r = stack.http("GET", "/v1/audit?subject=" + who, stack.keys["officer-other"])
    problem(r, 404, "not-found")


def test_unknown_controller(stack):
    done = stack.cli("principal", "add", "--controller", "nobody", "--name", "x", "--role",
                     "till", "--purpose", "loyalty_account", check=False)
    assert done.returncode != 0 and "rsgk_" not in done.stdout, done
    done = stack.cli("principal", "add", "--controller", "acme", "--name", "x", "--role",
                     "till", "--purpose", "telepathy", check=False)
    assert done.returncode != 0 and "rsgk_" not in done.stdout, done
    done = stack.cli("principal", "add", "--controller", "acme", "--name", "x", "--role",
                     "king", "--purpose", "loyalty_account", check=False)
    assert done.returncode != 0 and "rsgk_" not in done.stdout, done


# --- One of eight ---

def test_one_email_eight_clients(stack):
    email = "ocho-%d@example.com" % stack.number()
    gate = threading.Barrier(8)
    answers = [None] * 8

    def client(i):
        c = Client(stack)
        c("GET", "/healthz")            # connected before the start
        gate.wait()
        # The same mailbox, written in different ways.
        value = email if i % 2 else email.upper()
        answers[i] = c("POST", "/v1/subjects", stack.keys["till"],
                       {"fields": {"email": value, "first_name": "Ana"}}, TILL)
        c.close()
    for round_ in range(5):
        email = "ocho-%d@example.com" % stack.number()
        before = int(stack.sql("SELECT count(*) FROM subject"))
        threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sorted(a.status for a in answers) == [201] + [409] * 7, answers
        for a in answers:
            if a.status == 409:
                assert problem(a, 409, "already-exists")["member"] == "fields.email"
                nowhere(stack, a, [email, email.upper()])
        assert int(stack.sql("SELECT count(*) FROM subject")) == before + 1
        assert stack.sql("SELECT count(*) FROM lookup l WHERE NOT EXISTS (SELECT FROM "
                         "subject s WHERE s.subject_id = l.subject_id)") == "0"
