"""Evidence that is a file: kept whole, named by a consent, and nobody else's."""
import base64
import hashlib
import json
import os
import threading

import pytest

from refuse import STAFF, TILL, problem, refused
from saying import history, path
from stack import SHOWN

MOST = 720 * 1024
NOBODY = "00010203-0405-4607-8809-0a0b0c0d0e0f"


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def files(who, more=""):
    return "/v1/subjects/%s/attachments%s" % (who, more)


def send(stack, who, data, media="application/pdf", key=None, headers=TILL, **more):
    return stack.http("POST", files(who), key or stack.keys["till"], headers=dict(headers, **more),
                      json={"media_type": media, "content": coded(data)})


def keep(stack, who, data=b"%PDF-1.7 a form", **more):
    r = send(stack, who, data, **more)
    assert r.status == 201, r
    return r.json()["attachment"]


def fetch(stack, who, which, key=None, headers=STAFF, purpose=None):
    more = "" if purpose is None else "?purpose=" + purpose
    return stack.http("GET", files(who, "/" + which + more), key or stack.keys["officer"],
                      headers=headers)


def decoded(r):
    assert r.status == 200, r
    text = r.json()["content"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("size", [1, 2, 3, 215, 65_536, MOST])
def test_kept_byte_for_byte(stack, size):
    who, data = stack.person(), os.urandom(size)
    r = send(stack, who, data, media="image/png")
    kept = r.json()
    assert r.status == 201 and kept["subject"] == who and kept["bytes"] == size
    assert kept["sha256"] == hashlib.sha256(data).hexdigest()
    assert r.headers["Location"] == files(who, "/" + kept["attachment"])
    for key, headers in ((stack.customer(who), {}), (stack.keys["officer"], STAFF),
                         (stack.keys["service"], STAFF)):
        r = fetch(stack, who, kept["attachment"], key, headers)
        assert decoded(r) == data
        seen = r.json()
        assert seen["media_type"] == "image/png" and seen["bytes"] == size
        assert seen["sha256"] == kept["sha256"] and seen["attachment"] == kept["attachment"]
        assert seen["time"].endswith("Z")


def test_named_by_a_consent(stack):
    who, data = stack.person(), b"signed on paper"
    which = keep(stack, who, data, media="text/plain")
    assert stack.consent(who, "give", attachment=which).json()["status"] == "given"
    event, = history(stack, who)
    assert event["attachment"] == which
    assert event["attachment_sha256"] == hashlib.sha256(data).hexdigest()
    # What names none says nothing of one.
    assert stack.consent(who, "withdraw").status == 200
    assert not [m for m in history(stack, who)[1] if m.startswith("attachment")]
    own, = [e for e in history(stack, who, stack.customer(who), {}) if e["sequence"] == 1]
    assert own["attachment"] == which


def test_only_what_is_there_is_named(stack):
    who, another = stack.person(), stack.person()
    theirs = keep(stack, another)
    foreign = stack.person(key=stack.keys["till-other"])
    elsewhere = keep(stack, foreign, key=stack.keys["till-other"])
    for which in (NOBODY, theirs, elsewhere):
        for decision in ("give", "ask"):
            refused(stack, 422, "bad-value", "POST", path(who), stack.keys["till"],
                    headers=TILL, member="attachment", json=dict(
                        SHOWN, purpose="personalised_offers", decision=decision,
                        attachment=which))
    refused(stack, 422, "bad-value", "POST", "/v1/subjects", stack.keys["till"], headers=TILL,
            json={"fields": {"first_name": "Nueva"}, "consents": [dict(
                SHOWN, purpose="personalised_offers", decision="give", attachment=theirs)]})
    # A no is in nobody's way: it is noted, and names nothing that is not there.
    assert stack.consent(who, "give").status == 200
    r = stack.consent(who, "withdraw", attachment=theirs)
    assert r.status == 200 and r.json()["status"] == "withdrawn"
    assert "attachment" not in history(stack, who)[-1]
    mine = keep(stack, who)
    assert stack.consent(who, "object", attachment=mine).status == 200
    assert history(stack, who)[-1]["attachment"] == mine


def test_nobody_else_reads_it(stack):
    who, another = stack.person(), stack.person()
    which = keep(stack, who)
    for name, headers, purpose, error in (
            ("till", TILL, "loyalty_account", "denied-by-policy"),
            ("tool", STAFF, "segmentation", "denied-by-policy"),
            ("admin", STAFF, "loyalty_account", "denied-by-policy"),
            ("till", TILL, None, "purpose-not-registered"),
            ("officer", {}, None, "context-required"),
            ("service", {"Resguardo-Staff": "s"}, None, "context-required")):
        problem(fetch(stack, who, which, stack.keys[name], headers, purpose), 403, error)
    r = fetch(stack, who, which, purpose="marketing")
    problem(r, 403, "denied-by-policy")
    r = fetch(stack, who, which, stack.customer(another), {})
    assert r.status in (403, 404), r
    problem(fetch(stack, who, which, stack.keys["officer-other"]), 404, "not-found")
    for where, it in ((another, which), (who, NOBODY)):
        p = problem(fetch(stack, where, it), 404, "not-found")
        assert p["member"] == "attachment"
    problem(fetch(stack, NOBODY, which), 404, "not-found")
    assert decoded(fetch(stack, who, which, purpose="oversight"))


def test_who_may_keep_one(stack):
    who = stack.person()
    for key, headers in ((stack.keys["till"], TILL), (stack.keys["service"], STAFF),
                         (stack.keys["officer"], STAFF), (stack.customer(who), {})):
        assert keep(stack, who, key=key, headers=headers)
    body = {"media_type": "text/plain", "content": coded(b"x")}
    refused(stack, 403, "context-required", "POST", files(who), stack.keys["till"], json=body)
    refused(stack, 403, "denied-by-policy", "POST", files(who), stack.keys["tool"], json=body,
            headers=STAFF)
    refused(stack, 404, "not-found", "POST", files(who), stack.keys["till-other"], json=body,
            headers=TILL)
    refused(stack, 404, "not-found", "POST", files(NOBODY), stack.keys["till"], json=body,
            headers=TILL)
    other = stack.customer(stack.person())
    r = stack.http("POST", files(who), other, json=body)
    assert r.status in (403, 404), r


def test_bad_input(stack):
    who, secret = stack.person(), b"Palabra secreta 7731"
    good = coded(secret)

    def bad(status, error, member, **body):
        refused(stack, status, error, "POST", files(who), stack.keys["till"], headers=TILL,
                json=body, member=member, secrets=(secret, good))
    for media in ("text/html", "image/svg+xml", "application/pdf; x=1", "APPLICATION/PDF", "",
                  "application/x-sh", "application/pd"):
        bad(422, "bad-value", "media_type", media_type=media, content=good)
    for content in ("", good + "=", good[:-1] + "*", good[:-1] + " ", "+/+/", "A", "AAAAA", "AB"):
        bad(422, "bad-value", "content", media_type="text/plain", content=content)
    bad(422, "bad-value", "content", media_type="text/plain", content=7)
    bad(400, "missing-member", "content", media_type="text/plain")
    bad(400, "missing-member", "media_type", content=good)
    bad(400, "unknown-member", "sha256", media_type="text/plain", content=good, sha256="00")
    # One byte more than fits, and a body longer than any.
    bad(413, "too-large", "content", media_type="text/plain",
        content=coded(b"\0" * (MOST + 1)))
    refused(stack, 413, "too-large", "POST", files(who), stack.keys["till"], headers=TILL,
            json={"media_type": "text/plain", "content": "A" * (1 << 20)})
    # Other calls take no more than they did.
    yes = json.dumps(dict(SHOWN, purpose="personalised_offers", decision="give")).encode()
    as_json = dict(TILL, **{"Content-Type": "application/json"})
    refused(stack, 413, "too-large", "POST", path(who), stack.keys["till"], headers=as_json,
            raw=yes + b" " * (1 << 16))
    assert stack.http("POST", path(who), stack.keys["till"], raw=yes + b" " * (1 << 15),
                      headers=as_json).status == 200


def test_sent_twice_is_kept_once(stack):
    who = stack.person()
    again = {"Idempotency-Key": "paper-%d" % stack.number()}
    first = send(stack, who, b"once", **again).json()
    shape = stack.shape()
    second = send(stack, who, b"once", **again)
    assert second.status == 201
    for member in ("attachment", "sha256", "bytes", "subject"):
        assert second.json()[member] == first[member]
    assert stack.shape() == shape
    problem(send(stack, who, b"twice", **again), 422, "idempotency-mismatch")
    # Without a key they are two.
    assert keep(stack, who, b"once") != first["attachment"]


def test_audited_by_its_id(stack):
    who = stack.person()
    which = keep(stack, who, b"Secreto-del-adjunto-77")
    assert decoded(fetch(stack, who, which))
    problem(fetch(stack, who, NOBODY), 404, "not-found")
    r = stack.http("GET", "/v1/audit?subject=" + who, stack.keys["officer"])
    about = {(e["action"], e["legal_basis"], e["decision"]) for e in r.json()["entries"]
             if e["action"].startswith("attachment")}
    assert about == {("attachment_write", "attachment:" + which, "allow"),
                     ("attachment_read", "attachment:" + which, "allow"),
                     ("attachment_read", "attachment:" + NOBODY, "deny")}, about
    assert "Secreto" not in r.text


def test_many_at_once(stack):
    """Consents of several people in one batch: each is held against their own."""
    people = [stack.person() for _ in range(12)]
    kept = [keep(stack, who, b"form of " + who.encode()) for who in people]
    wrong, out = kept[1:] + kept[:1], {}

    def say(i, which):
        out[i, which] = stack.consent(people[i], "give", attachment=which)
    threads = [threading.Thread(target=say, args=(i, which)) for i in range(12)
               for which in (kept[i], wrong[i])]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for (i, which), r in out.items():
        assert r.status == (200 if which == kept[i] else 422), r
    for i, who in enumerate(people):
        assert [e["attachment"] for e in history(stack, who)] == [kept[i]]
