"""Double opt-in: a yes that counts once its code came back from the address itself."""
import datetime
import json
import os
import shutil
import subprocess
import threading

import pytest

from refuse import TILL, nowhere, problem
from saying import history, path, state, when
from stack import ROOT, SHOWN, Client


@pytest.fixture(scope="module")
def twice():
    """A shop that writes to nobody whose address did not answer."""
    from stack import Stack
    with Stack.start() as s:
        folder = os.path.join(s.home, "twice")
        shutil.copytree(os.path.join(ROOT, "policies"), folder)
        with open(os.path.join(folder, "purposes.json"), encoding="utf-8") as f:
            rules = json.load(f)
        for p in rules["purposes"]:
            if p["id"] in ("marketing", "personalised_offers"):
                p.update(double_opt_in=True, confirm_hours=1)
        with open(os.path.join(folder, "purposes.json"), "w", encoding="utf-8") as f:
            json.dump(rules, f)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        s.cli("policy", "load", folder)
        yield s


def confirm(stack, who, code, key=None, headers=TILL, **more):
    more = dict({"purpose": "marketing", "channel": "email"}, **more)
    return stack.http("POST", path(who, "/confirm"), key or stack.keys["till"],
                      json=dict(more, code=code), headers=headers)


def asked(stack, who, **more):
    r = stack.consent(who, "give", "marketing", **dict({"channel": "email"}, **more))
    assert r.status == 200 and r.json()["status"] == "requested", r
    return r.json()["code"]


def may(stack, who, channel="email"):
    return stack.http("POST", "/v1/subjects/%s/may-contact" % who, stack.keys["till"],
                      json={"channel": channel, "purpose": "marketing"},
                      headers=TILL).json()["may"]


def test_second_yes(twice):
    """Asked for until its code comes back; then given, with both in the history."""
    who = twice.person(quiet_hours="03:00-03:01")
    kept = twice.http("POST", "/v1/subjects/%s/attachments" % who, twice.keys["till"], json={
        "media_type": "text/plain", "content": "Zm9ybQ"}, headers=TILL).json()
    r = twice.consent(who, "give", "marketing", channel="email", words="Sí, por correo",
                      shown="short", attachment=kept["attachment"])
    code = r.json()["code"]
    hours = (datetime.datetime.fromisoformat(r.json()["code_until"].replace("Z", "+00:00"))
             - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 3600
    assert r.json()["status"] == "requested" and 0.9 < hours <= 1, r
    assert state(twice, who)["marketing", "email"]["status"] == "requested"
    assert not may(twice, who)
    r = confirm(twice, who, code.lower().replace("-", ""), key=twice.customer(who), headers={})
    assert r.status == 200 and r.json()["status"] == "given" and "code" not in r.json(), r
    assert may(twice, who)
    first, last = history(twice, who)
    assert (first["status"], last["status"]) == ("requested", "given")
    assert last["double_opt_in"] == "sequence 1" and "confirmed" in last
    assert "code_until" in first and "code_until" not in last
    for name in ("words", "notice", "notice_version", "language", "shown", "sha256", "method",
                 "attachment", "attachment_sha256"):
        assert first[name] == last[name], name
    assert last["attachment_sha256"] == kept["sha256"]
    assert (first["role"], last["role"]) == ("till", "customer")
    assert twice.consent(who, "withdraw", "marketing", channel="email").status == 200
    assert not may(twice, who)
    # Where nothing is sent to, nothing comes back.
    assert twice.consent(who, "give", "marketing", channel="post").json()["status"] == "given"
    # Confirmed elsewhere, with its reference: the shop's word; nobody's own.
    r = twice.consent(who, "give", "marketing", channel="sms", double_opt_in="mail-7")
    assert r.json()["status"] == "given"
    own = twice.customer(who)
    problem(twice.consent(who, "give", "marketing", channel="sms", double_opt_in="mail-7",
                          key=own, headers={}), 422, "bad-value")
    problem(twice.consent(who, "give", "marketing", channel="email", time=when(-1)), 400,
            "missing-member")


def test_code_works_once_and_for_its_own(twice):
    who, other = twice.person(), twice.person()
    old, mine, others = asked(twice, who), asked(twice, who), asked(twice, other)
    assert len({old, mine, others}) == 3
    for code, more in ((old, {}), (others, {}), ("0" * 16, {}), ("", {}), ("x", {}),
                       (mine, {"channel": "sms"}), (mine, {"purpose": "personalised_offers"})):
        shape = twice.shape()
        r = confirm(twice, who, code, **more)
        assert r.status in (409, 400, 422), r
        nowhere(twice, r, [mine])
        # A guess at a code that is waited for is counted, in the person alone.
        counted = not more and r.error == "code-refused"
        assert twice.shape().split("|")[:-2] == shape.split("|")[:-2]
        assert (twice.shape() != shape) == counted, (code, more)
    assert confirm(twice, who, mine).json()["status"] == "given"
    problem(confirm(twice, who, mine), 409, "code-refused")
    # A word in between, and the code is of no use any more.
    for decision in ("withdraw", "object", "refuse"):
        who = twice.person()
        code = asked(twice, who)
        assert twice.consent(who, decision, "marketing", channel="email").status == 200
        problem(confirm(twice, who, code), 409, "code-refused")
    problem(confirm(twice, other, others, key=twice.keys["tool"]), 403, "denied-by-policy")
    problem(confirm(twice, other, others, key=twice.customer(who), headers={}), 403,
            "denied-by-policy")
    problem(confirm(twice, other, others, key=twice.keys["till-other"]), 404, "not-found")
    assert confirm(twice, other, others).status == 200


def test_guessing_a_code_is_bounded(twice):
    who = twice.person()
    code = asked(twice, who)
    for i in range(10):
        problem(confirm(twice, who, "%016d" % i), 409, "code-refused")
    r = confirm(twice, who, code)
    problem(r, 429, "rate-limited")
    assert 3000 < int(r.headers["Retry-After"]) <= 3601
    # It stops nobody else, and no withdrawal.
    assert twice.consent(who, "withdraw", "marketing", channel="email").status == 200
    other = twice.person()
    assert confirm(twice, other, asked(twice, other)).status == 200


def test_guesses_outlive_a_restart(twice):
    """Whoever can make the server start again does not get ten guesses more."""
    who = twice.person()
    code = asked(twice, who)
    for i in range(10):
        if i % 3 == 0:
            twice.restart()
        problem(confirm(twice, who, "%016d" % i), 409, "code-refused")
    twice.restart()
    problem(confirm(twice, who, code), 429, "rate-limited")
    # Nor does another question open them anew.
    problem(confirm(twice, who, asked(twice, who)), 429, "rate-limited")


def test_guesses_write_no_more_than_they_may(twice):
    """Ten an hour, at a code that is waited for; at anything else, nothing."""
    def writes():
        return twice.rows("SELECT version FROM subject WHERE subject_id = '%s'" % who)
    who = twice.person()
    before = writes()
    for i in range(3):      # nothing was asked
        problem(confirm(twice, who, "%016d" % i), 409, "code-refused")
    assert writes() == before
    asked(twice, who)
    first = int(writes()[0][0])
    for i in range(14):
        r = confirm(twice, who, "%016d" % i)
        assert r.status == (409 if i < 10 else 429), (i, r)
    assert int(writes()[0][0]) == first + 10
    # Answered, it waits for nothing any more.
    who = twice.person()
    code = asked(twice, who)
    problem(confirm(twice, who, "0" * 16), 409, "code-refused")
    assert confirm(twice, who, code).status == 200
    before = writes()
    for guess in (code, "0" * 16):
        problem(confirm(twice, who, guess), 409, "code-refused")
    assert writes() == before


def test_guesses_at_once_are_all_counted(twice):
    """Side by side, no guess is lost among the others."""
    who = twice.person()
    code = asked(twice, who)
    got, lock = [], threading.Lock()

    def guess(n):
        call = Client(twice)
        for i in range(4):
            r = call("POST", path(who, "/confirm"), twice.keys["till"],
                     {"purpose": "marketing", "channel": "email",
                      "code": "%08d%08d" % (n, i)}, TILL)
            with lock:
                got.append(r.status)
        call.close()
    threads = [threading.Thread(target=guess, args=(n,)) for n in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == [409] * 10 + [429] * 10
    problem(confirm(twice, who, code), 429, "rate-limited")


def test_code_is_kept_nowhere(twice):
    who = twice.person()
    code = asked(twice, who)
    key = {"Idempotency-Key": "once-%s" % who}
    body = dict(SHOWN, purpose="marketing", channel="sms", decision="give")
    first = twice.http("POST", path(who), twice.keys["till"], json=body,
                       headers=dict(TILL, **key)).json()
    again = twice.http("POST", path(who), twice.keys["till"], json=body,
                       headers=dict(TILL, **key)).json()
    assert first["code"] and "code" not in again and again["status"] == "requested"
    assert confirm(twice, who, code).status == 200
    said = twice.log() + twice.pg_log() + twice.sql(
        "SELECT string_agg(encode(sealed, 'escape'), '') FROM consent_event")
    for c in (code, first["code"]):
        assert c not in said and c.replace("-", "") not in said


def test_second_yes_at_sign_up(twice):
    mine = [dict(SHOWN, purpose="marketing", channel=c, decision="give", method="checkbox")
            for c in ("email", "sms", "post")]
    r = twice.http("POST", "/v1/subjects", twice.keys["till"], headers=TILL, json={
        "fields": {"first_name": "Eva", "quiet_hours": "03:00-03:01"}, "consents": mine})
    who = r.json()["subject"]
    codes = {c["channel"]: c["code"] for c in r.json()["confirmations"]}
    assert set(codes) == {"email", "sms"}
    assert {k[1]: g["status"] for k, g in state(twice, who).items()} == {
        "email": "requested", "sms": "requested", "post": "given"}
    assert confirm(twice, who, codes["sms"], channel="sms").status == 200
    assert may(twice, who, "sms") and not may(twice, who)


def test_second_yes_is_one(twice):
    """However many bring the code at once, it is one yes."""
    who = twice.person()
    code = asked(twice, who)
    got, lock = [], threading.Lock()

    def bring():
        call = Client(twice)
        r = call("POST", path(who, "/confirm"), twice.keys["till"],
                 {"purpose": "marketing", "channel": "email", "code": code}, TILL)
        with lock:
            got.append(r.status)
        call.close()
    threads = [threading.Thread(target=bring) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == [200] + [409] * 5
    assert [e["status"] for e in history(twice, who)] == ["requested", "given"]
