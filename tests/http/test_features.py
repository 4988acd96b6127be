"""What the API does for each kind of user, over the whole server."""
import json
import uuid

import pytest

from refuse import STAFF, TILL, nowhere, problem, refused
from stack import until

NDJSON = dict(TILL, **{"Content-Type": "application/x-ndjson"})


def purchase(day, amount, document, **more):
    return dict({"kind": "purchase", "time": "2026-%sT10:00:00Z" % day, "amount": amount,
                 "document": document}, **more)


def test_who_am_i(stack):
    r = stack.http("GET", "/v1/me", stack.keys["tool"])
    assert r.status == 200, r
    assert (r.json()["role"], r.json()["controller"], r.json()["recipient"]) == \
        ("tool", "acme", "aurora")
    assert r.headers["Cache-Control"] == "no-store" and r.headers["X-Request-Id"]
    r = stack.http("GET", "/v1/me", stack.keys["till"], headers={"X-Request-Id": "mine-7"})
    assert r.headers["X-Request-Id"] == "mine-7"


def test_create_read_change(stack):
    email = "inés.%d@example.com" % stack.number()
    r = stack.http("POST", "/v1/subjects", stack.keys["till"], headers=TILL, json={
        "fields": {"first_name": "  Inés ", "last_name": "Prieto Vidal",
                   "email": email.replace("é", "e"), "phone": "+34 600 111 222",
                   "birth_date": "1984-03-09", "country": "es"},
        "jurisdiction": "ES", "language": "es", "source": "staff"})
    assert r.status == 201, r
    who = r.json()["subject"]
    assert r.headers["Location"] == "/v1/subjects/" + who
    assert r.headers["Resguardo-Audit-Entry"] == r.json()["audit_entry"]
    # The till is shown enough to be sure, and no more.
    r = stack.read(who, "first_name,last_name,email,phone,birth_date,customer_number,street")
    got = r.json()
    assert got["fields"]["first_name"] == "Inés", r
    assert got["fields"]["customer_number"] is None
    assert got["withheld"] == {"street": "default-deny"}
    for part in ("Vidal", "prieto", "111", "1984-03", "example."):
        assert part not in r.text, (part, r)
    # Customer service sees it in full, with a reason.
    path = "/v1/subjects/%s?purpose=customer_care&fields=last_name,phone" % who
    problem(stack.http("GET", path, stack.keys["service"]), 403, "context-required")
    r = stack.http("GET", path, stack.keys["service"], headers=STAFF)
    assert r.json()["fields"] == {"last_name": "Prieto Vidal", "phone": "+34600111222"}, r
    # A change: only what is named; null takes away; a stale version is refused.
    version = r.json()["version"]
    r = stack.http("PATCH", "/v1/subjects/" + who, stack.keys["till"], headers=TILL,
                   json={"fields": {"last_name": "Prieto", "phone": None},
                         "version": version})
    assert r.status == 200 and r.json()["version"] == version + 1, r
    refused(stack, 409, "stale-version", "PATCH", "/v1/subjects/" + who,
            stack.keys["till"], {"fields": {"last_name": "Otra"}, "version": version}, TILL,
            secrets=["Otra"])
    r = stack.http("GET", path + ",first_name", stack.keys["service"], headers=STAFF)
    assert r.json()["fields"] == {"first_name": "Inés", "last_name": "Prieto",
                                  "phone": None}, r
    # Old values stay, as history that only grows.
    assert stack.sql("SELECT count(*) FROM field_value WHERE subject_id = '%s' AND field = 2"
                     % who) == "2"


def test_lookup(stack):
    n = stack.number()
    number = "L%06d" % n
    phone = "+34611%06d" % n
    who = stack.person(customer_number=number, phone=phone,
                       email="look.%d@example.com" % n)
    family = stack.person(phone=phone)

    def look(field, value, key="till", headers=TILL, purpose="loyalty_account"):
        return stack.http("POST", "/v1/subjects/lookup", stack.keys[key], headers=headers,
                          json={"field": field, "value": value, "purpose": purpose})
    assert [m["subject"] for m in look("customer_number", number).json()["matches"]] == [who]
    r = look("email", "LOOK.%d@Example.COM" % n)
    assert [m["subject"] for m in r.json()["matches"]] == [who], r
    r = look("phone", phone)            # families share one
    assert {m["subject"] for m in r.json()["matches"]} == {who, family}, r
    before = stack.entries()
    problem(look("customer_number", number + "9"), 404, "not-found")
    assert stack.entries() == before + 1        # that there is nobody is audited too
    problem(look("first_name", "Ana"), 422, "unknown-field")
    problem(look("customer_number", number, purpose="marketing"), 403, "denied-by-policy")
    # The old number finds nobody after a change; the new one does.
    stack.http("PATCH", "/v1/subjects/" + who, stack.keys["till"], headers=TILL,
               json={"fields": {"customer_number": number + "N"}})
    problem(look("customer_number", number), 404, "not-found")
    assert look("customer_number", number + "N").json()["matches"][0]["subject"] == who
    # Nobody else's unique value.
    refused(stack, 409, "already-exists", "PATCH", "/v1/subjects/" + family,
            stack.keys["till"], {"fields": {"customer_number": number + "N"}}, TILL,
            member="fields.customer_number")
    # Another controller may have the same.
    other = stack.person(key=stack.keys["till-other"], customer_number=number + "N")
    assert other != who


def test_consents(stack):
    who = stack.person()

    def state():
        r = stack.http("GET", "/v1/subjects/%s/consents" % who, stack.keys["till"],
                       headers=TILL)
        return {(g["purpose"], g.get("channel")): g["status"] for g in r.json()["grants"]}
    offers = lambda: stack.read(who, purpose="personalised_offers")  # noqa: E731
    problem(offers(), 403, "no-live-consent")       # nobody is assumed to have consented
    assert stack.consent(who, "give").json()["status"] == "given"
    assert offers().status == 200
    assert stack.consent(who, "withdraw").json()["status"] == "withdrawn"
    p = problem(offers(), 403, "no-live-consent")
    assert p["clause"] == "consent:personalised_offers" and p["audit_entry"]
    assert stack.consent(who, "refuse").json()["status"] == "refused"
    problem(offers(), 403, "no-live-consent")
    assert stack.consent(who, "give", method="form").status == 200
    assert offers().status == 200
    # By channel.
    for channel in ("email", "sms"):
        assert stack.consent(who, "give", "marketing", channel=channel).status == 200
    assert stack.consent(who, "withdraw", "marketing", channel="email").status == 200
    assert state() == {("personalised_offers", None): "given",
                       ("marketing", "email"): "withdrawn", ("marketing", "sms"): "given"}
    assert stack.consent(who, "withdraw", "marketing").status == 200     # all of them
    assert state()[("marketing", "sms")] == "withdrawn"
    count = stack.sql("SELECT count(*), max(sequence) FROM consent_event WHERE subject_id = "
                      "'%s'" % who)
    assert len(set(count.split("|"))) == 1, count
    # Withdrawing is never refused for want of a registration.
    own = stack.customer(who)
    assert stack.consent(who, "withdraw", key=own, headers={}).status == 200
    problem(offers(), 403, "no-live-consent")


def test_necessary_needs_no_consent(stack):
    who = stack.person()
    assert stack.read(who).status == 200


def test_events(stack):
    who, other = stack.person(), stack.person()
    path = "/v1/subjects/%s/events" % who
    r = stack.http("POST", path, stack.keys["till"], purchase("01-05", "10.00", "T1"), TILL)
    assert (r.status, r.json()["accepted"], r.json()["repeated"]) == (200, 1, 0), r
    lines = [purchase("01-06", "20.50", "T2", subject=who, item="a", quantity=2),
             purchase("01-06", "20.50", "T2", subject=who, item="a", quantity=2),
             purchase("01-07", "5.25", "T3", subject=other),
             purchase("02-01", "3.00", "T4", subject=who, kind="return")]
    raw = "\n".join(json.dumps(x) for x in lines).encode()
    r = stack.http("POST", "/v1/events", stack.keys["till"], raw=raw, headers=NDJSON)
    assert (r.json()["accepted"], r.json()["rejected"]) == (4, []), r   # true doubles stay
    r = stack.http("POST", "/v1/events", stack.keys["till"], raw=raw, headers=NDJSON)
    assert (r.json()["accepted"], r.json()["repeated"]) == (0, 4), r
    r = stack.http("GET", path + "?purpose=customer_care", stack.keys["service"],
                   headers=STAFF)
    got = sorted((e["kind"], e["amount"], e["document"]) for e in r.json()["events"])
    assert got == [("purchase", "10.00", "T1"), ("purchase", "20.50", "T2"),
                   ("purchase", "20.50", "T2"), ("return", "3.00", "T4")], r
    problem(stack.http("GET", path + "?purpose=customer_care", stack.keys["till"],
                       headers=TILL), 403, "purpose-not-registered")


def test_event_pages(stack):
    who, others = stack.person(), stack.person()
    raw = "\n".join(json.dumps(purchase("03-%02d" % (1 + i % 28), "1.%02d" % i, "D%d" % i,
                                        subject=who)) for i in range(50)).encode()
    assert stack.http("POST", "/v1/events", stack.keys["till"], raw=raw,
                      headers=NDJSON).json()["accepted"] == 50
    base = "/v1/subjects/%s/events?purpose=customer_care&limit=20" % who
    seen, path, pages = [], base, 0
    while path:
        r = stack.http("GET", path, stack.keys["service"], headers=STAFF)
        assert r.status == 200, r
        seen += [e["event"] for e in r.json()["events"]]
        cursor = r.json().get("next")
        path = base + "&cursor=" + cursor if cursor else None
        pages += 1
        if pages == 1:
            token = cursor
    assert (len(seen), len(set(seen)), pages) == (50, 50, 3)
    # The token: altered, another's; with another person it shows nothing of this one.
    flipped = ("B" if token[0] != "B" else "C") + token[1:]
    for bad in (flipped, token[:-4], "AAAA", token + "AAAA"):
        refused(stack, 400, "bad-cursor", "GET", base + "&cursor=" + bad,
                stack.keys["service"], headers=STAFF)
    twin = stack.principal("service-%d" % stack.number(), "service", ("customer_care",))
    refused(stack, 400, "bad-cursor", "GET", base + "&cursor=" + token, twin, headers=STAFF)
    r = stack.http("GET", base.replace(who, others) + "&cursor=" + token,
                   stack.keys["service"], headers=STAFF)
    assert r.error == "bad-cursor" or r.json()["events"] == [], r


# --- Repeating ---

def test_idempotent_create(stack):
    key = dict(TILL, **{"Idempotency-Key": "create-%d" % stack.number()})
    n = stack.number()
    body = {"fields": {"first_name": "Ana", "customer_number": "I%06d" % n}}
    first = stack.http("POST", "/v1/subjects", stack.keys["till"], body, key)
    assert first.status == 201, first
    shape = stack.shape()
    again = stack.http("POST", "/v1/subjects", stack.keys["till"], body, key)
    assert again.status == 201 and again.json()["subject"] == first.json()["subject"], again
    assert again.json()["audit_entry"] != first.json()["audit_entry"]   # audited again
    assert stack.shape() == shape
    refused(stack, 422, "idempotency-mismatch", "POST", "/v1/subjects", stack.keys["till"],
            {"fields": {"first_name": "Eva"}}, key, secrets=["Eva"])
    # Another credential's keys are its own.
    twin = stack.principal("till-%d" % n, "till", ("loyalty_account",))
    r = stack.http("POST", "/v1/subjects", twin, {"fields": {"first_name": "Eva"}}, key)
    assert r.status == 201 and r.json()["subject"] != first.json()["subject"], r


def test_idempotent_change_is_decided_anew(stack):
    who = stack.person()
    own = "till-%d" % stack.number()
    till = stack.principal(own, "till", ("loyalty_account",))
    key = dict(TILL, **{"Idempotency-Key": "change-1"})
    body = {"fields": {"first_name": "Eva"}}
    first = stack.http("PATCH", "/v1/subjects/" + who, till, body, key)
    assert first.status == 200, first
    stack.http("PATCH", "/v1/subjects/" + who, stack.keys["till"],
               {"fields": {"first_name": "Luz"}}, TILL)
    again = stack.http("PATCH", "/v1/subjects/" + who, till, body, key)
    assert again.json()["version"] == first.json()["version"], again
    assert stack.read(who).json()["fields"]["first_name"] == "Luz"
    # A right that is gone is not had by asking again.
    stack.cli("principal", "revoke", "--controller", "acme", "--name", own)
    refused(stack, 401, "credential-revoked", "PATCH", "/v1/subjects/" + who, till, body, key)


def test_idempotent_consent(stack):
    """A repeated yes after a no is the old yes: it changes nothing."""
    who = stack.person()
    key = dict(TILL, **{"Idempotency-Key": "yes-%d" % stack.number()})
    yes = stack.consent(who, "give", headers=key)
    assert yes.status == 200
    assert stack.consent(who, "withdraw").status == 200
    again = stack.consent(who, "give", headers=key)
    assert again.status == 200 and again.json()["sequence"] == yes.json()["sequence"], again
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")


def test_replay_of_a_write_under_consent(stack):
    """A write that needs consent, repeated after the withdrawal, is refused."""
    diet = stack.principal("till-%d" % stack.number(), "till",
                           ("loyalty_account", "dietary_service"))
    who = stack.person()
    assert stack.consent(who, "give", "dietary_service").status == 200
    key = dict(TILL, **{"Idempotency-Key": "diet-1"})
    body = {"fields": {"dietary_preference": "vegan"}, "purpose": "dietary_service"}
    assert stack.http("PATCH", "/v1/subjects/" + who, diet, body, key).status == 200
    assert stack.http("PATCH", "/v1/subjects/" + who, diet, body, key).status == 200
    assert stack.consent(who, "withdraw", "dietary_service").status == 200
    refused(stack, 403, "no-live-consent", "PATCH", "/v1/subjects/" + who, diet, body, key,
            secrets=["vegan"])


# --- Roles ---

def test_administrator_reads_nobody(stack):
    who = stack.person(first_name="Secreta")
    one = "/v1/subjects/" + who
    admin = stack.keys["admin"]
    for method, path, body in (
            ("GET", one + "?purpose=loyalty_account", None),
            ("GET", one + "/consents", None),
            ("GET", one + "/events?purpose=purchase_recording", None),
            ("PATCH", one, {"fields": {"first_name": "Eva"}}),
            ("POST", "/v1/subjects", {"fields": {"first_name": "Eva"}}),
            ("POST", one + "/consents", {"purpose": "segmentation", "decision": "give"}),
            ("POST", "/v1/models", {"purpose": "segmentation"}),
            ("GET", "/v1/members?purpose=segmentation&model=" + str(uuid.uuid4()), None),
            ("GET", "/v1/audit", None)):
        p = refused(stack, 403, None or stack.http(method, path, admin, body,
                                                   dict(TILL, **STAFF)).error,
                    method, path, admin, body, dict(TILL, **STAFF), secrets=["Secreta"])
        assert p["type"].rsplit(":", 1)[1] in ("denied-by-policy", "purpose-not-registered"), p


def test_customer_only_themself(stack):
    who, other = stack.person(first_name="Propia"), stack.person(first_name="Ajena")
    key = stack.customer(who)
    mine = "/v1/subjects/%s?purpose=data_subject_rights&fields=first_name" % who
    assert stack.http("GET", mine, key).json()["fields"] == {"first_name": "Propia"}
    r = stack.http("PATCH", "/v1/subjects/" + who, key,
                   {"fields": {"first_name": "Nueva"}, "purpose": "data_subject_rights"})
    assert r.status == 200, r
    assert stack.consent(who, "give", key=key, headers={}).status == 200
    for method, path, body in (
            ("GET", mine.replace(who, other), None),
            ("PATCH", "/v1/subjects/" + other, {"fields": {"first_name": "X"},
                                                "purpose": "data_subject_rights"}),
            ("GET", "/v1/subjects/%s/consents" % other, None),
            ("POST", "/v1/subjects/%s/consents" % other,
             {"purpose": "segmentation", "decision": "give"}),
            ("GET", "/v1/subjects/%s/events?purpose=data_subject_rights" % other, None),
            ("GET", "/v1/audit?subject=" + other, None)):
        before = stack.shape()
        r = stack.http(method, path, key, body)
        assert r.status in (403, 404) and r.error, (method, path, r)
        nowhere(stack, r, ["Ajena"])
        assert stack.shape() == before
    # Who looked: their own entries, and nobody else's.
    stack.read(who)
    stack.read(other)
    problem(stack.http("GET", "/v1/audit", key), 403, "denied-by-policy")
    r = stack.http("GET", "/v1/audit?subject=" + who, key)
    assert r.status == 200, r
    assert r.json()["entries"] and {e.get("subject", who) for e in r.json()["entries"]} == \
        {who}, r
    # The shop's identifiers are the shop's to give.
    problem(stack.http("PATCH", "/v1/subjects/" + who, key,
                       {"fields": {"card_number": "4000001234567"},
                        "purpose": "data_subject_rights"}), 403, "denied-by-policy")


# --- Audit ---

def test_audit_search(stack):
    who = stack.person()
    place = "aisle-%d" % stack.number()
    r = stack.read(who, headers={"Resguardo-Place": place})
    mark = r.json()["audit_entry"]
    denied = problem(stack.read(who, purpose="personalised_offers"), 403,
                     "no-live-consent")["audit_entry"]

    def search(q):
        got = stack.http("GET", "/v1/audit?" + q, stack.keys["officer"])
        assert got.status == 200, got
        return got.json()["entries"]
    mine = search("subject=" + who)
    ids = [e["audit_entry"] for e in mine]
    assert len(ids) == 3 and ids[:2] == [denied, mark], mine    # newest first
    entry = mine[1]
    assert (entry["actor"], entry["role"], entry["action"], entry["purpose"],
            entry["place"], entry["fields"], entry["subject"]) == \
        ("till", "till", "read", "loyalty_account", place, ["first_name"], who), entry
    assert (mine[0]["decision"], mine[0]["clause"]) == ("deny", "consent:personalised_offers")
    assert entry["decision"] == "allow"

    def all_of(q, name, value):
        got = search(q + "&limit=500")
        assert got and all(e.get(name) == value for e in got), (q, got[:3])
        return {e["audit_entry"] for e in got}
    assert mark in all_of("actor=till", "actor", "till")
    assert mark in all_of("purpose=loyalty_account", "purpose", "loyalty_account")
    for _ in range(3):      # denials of every length of name can be listed
        problem(stack.http("GET", "/v1/subjects/%s?purpose=rewards" % who,
                           stack.keys["till-narrow"], headers=TILL), 403,
                "purpose-not-registered")
    deny = search("decision=deny&limit=500")
    assert all(e["decision"] == "deny" and e["clause"] for e in deny), deny[:3]
    assert denied in {e["audit_entry"] for e in deny}
    assert mark not in {e["audit_entry"] for e in deny}
    allow = {e["audit_entry"] for e in search("decision=allow&limit=500")}
    assert mark in allow and denied not in allow
    stack.http("GET", "/v1/models", stack.keys["tool"])
    all_of("recipient=aurora", "recipient", "aurora")
    # By time: from the entry's own instant on, and before it.
    t = entry["time"]
    assert mark in {e["audit_entry"] for e in search("from=%s&limit=500" % t)}
    later = [e["time"] for e in search("from=%s&limit=500" % t)]
    assert all(x >= t for x in later)
    assert mark not in {e["audit_entry"] for e in search("to=%s&limit=500" % t)}
    problem(stack.http("GET", "/v1/audit?actor=nobody-here", stack.keys["officer"]), 404,
            "not-found")
    problem(stack.http("GET", "/v1/audit?decision=maybe", stack.keys["officer"]), 422,
            "bad-value")
    problem(stack.http("GET", "/v1/audit?from=yesterday", stack.keys["officer"]), 422,
            "bad-value")
    # Looking at the log is an access too.
    before = stack.entries()
    search("limit=1")
    assert stack.entries() == before + 1
    # Another controller's officer sees nothing of ours.
    r = stack.http("GET", "/v1/audit?limit=500", stack.keys["officer-other"])
    assert mark not in r.text
    problem(stack.http("GET", "/v1/audit", stack.keys["till"], headers=TILL), 403,
            "denied-by-policy")


def test_audit_pages(stack):
    who = stack.person()
    for _ in range(25):
        stack.read(who)
    base = "/v1/audit?limit=10&subject=" + who
    seen, path = [], base
    while path:
        r = stack.http("GET", path, stack.keys["officer"])
        assert r.status == 200, r
        seen += [e["audit_entry"] for e in r.json()["entries"]]
        cursor = r.json().get("next")
        path = base + "&cursor=" + cursor if cursor else None
    assert len(seen) == len(set(seen)) == 26
    r = stack.http("GET", base, stack.keys["officer"])
    twin = stack.principal("officer-%d" % stack.number(), "officer", ("oversight",))
    refused(stack, 400, "bad-cursor", "GET", base + "&cursor=" + r.json()["next"], twin)


# --- Policy, health, rates ---

def test_policy(stack):
    r = stack.http("GET", "/v1/policy", stack.keys["till"])
    assert r.status == 200 and len(r.json()["purposes"]) >= 12 and \
        len(r.json()["fields"]) >= 20, r
    es = stack.http("GET", "/v1/policy?language=es", stack.keys["till"])
    assert es.json()["policy"] == r.json()["policy"]
    assert es.json()["purposes"][0]["title"] != r.json()["purposes"][0]["title"]

    def explain(**kw):
        return stack.http("POST", "/v1/policy/explain", stack.keys["officer"], kw)
    r = explain(role="till", action="read", purpose="loyalty_account",
                fields=["email", "street", "first_name"])
    assert r.json()["decision"] == "allow", r
    assert {d["field"]: d["transform"] for d in r.json()["decisions"]} == \
        {"email": "masked", "street": "none", "first_name": "clear"}, r
    r = explain(role="administrator", action="read", purpose="loyalty_account",
                fields=["email"])
    assert r.status == 200 and [d["transform"] for d in r.json()["decisions"]] == ["none"], r
    problem(explain(role="king", action="read", purpose="loyalty_account"), 422, "bad-value")
    problem(explain(role="till", action="read", purpose="telepathy"), 422, "unknown-purpose")


def test_spanish_errors(stack):
    r = stack.http("GET", "/v1/nothing", stack.keys["till"],
                   headers={"Accept-Language": "es-MX,es;q=0.9"})
    assert problem(r, 404, "no-such-route")["title"] == "No hay nada en esta dirección"


def test_health_and_metrics(stack):
    assert stack.http("GET", "/healthz").status == 200
    r = stack.http("GET", "/readyz")
    assert r.status == 200 and r.json()["ready"] is True
    problem(stack.http("GET", "/metrics"), 404, "no-such-route")    # its own listener
    who = stack.person(first_name="Medida")
    stack.read(who)
    m = stack.metrics()
    assert m.status == 200 and m.headers.get_content_type() == "text/plain"
    for line in m.text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2, line
    assert 'resguardo_http_requests_total{method="POST",route="/v1/subjects",status="201"}' \
        in m.text
    assert who not in m.text and "Medida" not in m.text


def test_rate_limit(stack):
    who = stack.person()
    key = stack.customer(who)
    path = "/v1/subjects/%s?purpose=data_subject_rights&fields=first_name" % who
    limited = None
    for i in range(200):
        r = stack.http("GET", path, key)
        if r.status == 429:
            limited = r
            break
        assert r.status == 200, r
    assert limited and 60 <= i < 199, i
    before = stack.entries()
    p = problem(stack.http("GET", path, key), 429, "rate-limited")
    assert stack.entries() == before + 1 and p["audit_entry"]
    assert stack.read(who).status == 200        # others are not held up
    assert stack.consent(who, "withdraw", key=key, headers={}).status == 200
