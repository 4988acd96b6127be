"""May one write to them, and what tools report: by pseudonym, and never by name."""
import json
import os
import shutil
import subprocess
import time

import pytest

import shop
from refuse import STAFF, TILL, problem, refused
from stack import ROOT, TOOL_PURPOSES, until



def ask(s, who, key="till", headers=TILL, **body):
    return s.http("POST", "/v1/subjects/%s/may-contact" % who, s.keys[key], headers=headers,
                  json=dict({"channel": "email", "purpose": "marketing"}, **body))


def report(s, who, kind, key="till", headers=TILL, **body):
    return s.http("POST", "/v1/subjects/%s/contacts" % who, s.keys[key], headers=headers,
                  json=dict({"kind": kind, "purpose": "marketing"}, **body))


def tool(s, path, **body):
    return s.http("POST", "/v1/recipients/me/" + path, s.keys["tool"], json=body)


def yes(s, channel="email", **fields):
    """Somebody who agreed to e-mail, whenever it is now."""
    who = s.person(quiet_hours="03:00-03:01", **fields)
    assert s.consent(who, "give", "marketing", channel=channel).status == 200
    return who


def test_consent_by_channel_decides(stack):
    nobody = stack.person(quiet_hours="03:00-03:01")
    r = ask(stack, nobody)
    assert r.status == 200 and r.json()["may"] is False, r
    assert r.json()["clause"] == "consent:marketing"
    who = yes(stack)
    assert ask(stack, who).json()["may"] is True
    assert ask(stack, who, channel="sms").json()["may"] is False
    assert stack.consent(who, "object", "marketing").status == 200
    r = ask(stack, who).json()
    assert (r["may"], r["clause"]) == (False, "objection:marketing")


def test_no_more_often_than_they_want(stack):
    who = yes(stack, contact_frequency="weekly")
    assert ask(stack, who).json()["may"] is True
    assert report(stack, who, "contacted", channel="email").status == 200
    r = ask(stack, who).json()
    assert (r["may"], r["clause"]) == (False, "preference:frequency")
    assert r["next_allowed"] > "2026"
    # What they do themselves is no message of ours.
    other = yes(stack, contact_frequency="weekly")
    assert report(stack, other, "opened", channel="email").status == 200
    assert ask(stack, other).json()["may"] is True


def test_quiet_hours_are_theirs(stack):
    who = stack.person(quiet_hours="00:00-23:59")
    assert stack.consent(who, "give", "marketing", channel="email").status == 200
    r = ask(stack, who).json()
    if r["may"]:		# in the one minute that is left
        return
    assert r["clause"] == "preference:quiet-hours" and r["next_allowed"]
    problem(stack.http("PATCH", "/v1/subjects/" + who, stack.keys["till"], headers=TILL,
                       json={"fields": {"quiet_hours": "25:00-09:00"}}), 422, "bad-value")


def test_a_question_runs_until_it_is_answered(stack):
    who = stack.person()
    r = report(stack, who, "asked", "service", STAFF, channel="email",
               purpose="customer_care")
    assert r.status == 200 and r.json()["due"], r
    rows = "SELECT state FROM request WHERE subject_id = '%s'" % who
    assert stack.rows(rows) == [("1",)]
    assert report(stack, who, "answered", "service", STAFF,
                  purpose="customer_care").status == 200
    assert stack.rows(rows) == [("2",)]


def test_a_clock_set_back_by_somebody_else_is_found(own):
    s = own()
    who = s.person()
    assert report(s, who, "asked", "service", STAFF, purpose="customer_care").status == 200
    s.sql("UPDATE request SET due = due + interval '1 year'")
    problem(report(s, who, "answered", "service", STAFF, purpose="customer_care"),
            500, "integrity-failure")


def test_a_repeated_report_counts_once(stack):
    who = stack.person()
    head = dict(TILL, **{"Idempotency-Key": "report-" + who})
    assert report(stack, who, "opened", headers=head).json()["accepted"] == 1
    assert report(stack, who, "opened", headers=head).json()["accepted"] == 0
    assert stack.rows("SELECT count(*) FROM event WHERE subject_id = '%s'" % who) == [("1",)]


@pytest.mark.parametrize("status,error,body", [
    (422, "bad-value", {"kind": "sniffed"}),
    (422, "bad-value", {"kind": "opened", "channel": "pigeon"}),
    (422, "bad-value", {"kind": "opened", "time": "2099-01-01T00:00:00Z"}),
    (422, "unknown-purpose", {"kind": "opened", "purpose": "no_such"}),
    (400, "unknown-member", {"kind": "opened", "pseudonym": "00" * 16}),
    (400, "unknown-member", {"kind": "opened", "note": "x"}),
])
def test_bad_reports_change_nothing(stack, status, error, body):
    who = stack.person()
    refused(stack, status, error, "POST", "/v1/subjects/%s/contacts" % who,
            stack.keys["till"], dict({"purpose": "marketing"}, **body), TILL)


# --- Tools ---

def pull(s, model, key="tool"):
    r = s.http("GET", "/v1/members?model=%s&purpose=segmentation" % model, s.keys[key])
    assert r.status == 200, r
    return [m["pseudonym"] for m in r.json()["members"]]


@pytest.fixture(scope="module")
def groups():
    """Many who agreed to groups and to e-mail, where no hour is quiet."""
    from stack import Stack
    with Stack.start() as s:
        path = os.path.join(s.home, "loud")
        shutil.copytree(os.path.join(ROOT, "policies"), path)
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", path], check=True)
        with open(path + "/loyalty.json") as f:
            policy = json.load(f)
        policy["contact"].update(quiet_from="00:00", quiet_to="00:00")
        with open(path + "/loyalty.json", "w") as f:
            json.dump(policy, f)
        s.cli("policy", "load", path)
        mapping = dict(shop.CUSTOMERS, consents=shop.CUSTOMERS["consents"] + [
            dict(shop.CUSTOMERS["consents"][0], purpose="marketing", channel="email")])
        people = [{"number": "G%05d" % i, "name": "Ana", "yes": "1"} for i in range(400)]
        shop.customers(s, people, mapping=mapping)
        shop.events(s, [{"number": "G%05d" % i, "ticket": "T%d" % i, "day": "2026-0%d-05" %
                         (1 + i % 5), "amount": "%d.00" % (10 + i % 5)} for i in range(400)])
        r = s.http("POST", "/v1/models", s.keys["tool"],
                   json={"purpose": "segmentation", "as_of": "2026-06-30",
                         "window_days": 365})
        assert r.status == 201, r
        yield s, r.json()["model"]


def test_who_unsubscribes_is_not_in_the_next_pull(groups):
    s, model = groups
    before = pull(s, model)
    who = before[3]
    r = tool(s, "events", pseudonym=who, kind="unsubscribed", channel="email",
             purpose="segmentation", campaign="C-14")
    assert r.status == 200 and set(r.json()["withdrawn"]) == {"segmentation", "marketing"}, r
    # Nothing about who it is, and the same however often it is said.
    assert "subject" not in r.text
    assert tool(s, "events", pseudonym=who, kind="unsubscribed", channel="email",
                purpose="segmentation").status == 200
    after = pull(s, model)
    assert who not in after and set(after) == set(before) - {who}
    r = tool(s, "may-contact", pseudonym=who, channel="email", purpose="segmentation")
    assert r.json()["may"] is False and "reference" not in r.json(), r


def test_a_pseudonym_is_good_for_its_own_tool_only(groups):
    s, model = groups
    who = pull(s, model)[0]
    for body in ({"pseudonym": who}, {"pseudonym": "00" * 16}):
        r = s.http("POST", "/v1/recipients/me/events", s.keys["tool-b"],
                   json=dict(body, kind="opened", purpose="segmentation"))
        problem(r, 404, "not-found")
        r = s.http("POST", "/v1/recipients/me/events", s.keys["tool-other"],
                   json=dict(body, kind="opened", purpose="segmentation"))
        problem(r, 404, "not-found")


def test_a_tool_names_nobody_by_id(groups):
    s, _ = groups
    who = s.person()
    for path in ("contacts", "may-contact"):
        r = s.http("POST", "/v1/subjects/%s/%s" % (who, path), s.keys["tool"],
                   json={"kind": "opened", "purpose": "segmentation"} if path == "contacts"
                   else {"channel": "email", "purpose": "segmentation"})
        problem(r, 403, "denied-by-policy")
    problem(tool(s, "events", kind="opened", purpose="segmentation"), 400, "missing-member")
    problem(tool(s, "events", kind="opened", purpose="segmentation", pseudonym="00" * 4),
            422, "bad-value")


def test_unsubscribing_needs_neither_contract_nor_a_name(own):
    """A tool whose contract has ended still passes on who wants no more; staff who
    do not say who they are, too."""
    s = own()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    s.cli("recipient", "add", "--controller", "acme", "--name", "brief", "--title", "B",
          "--country", "ES", "--contract", "C-7", "--expires", soon)
    s.principal("brief", "tool", TOOL_PURPOSES, recipient="brief")
    who = yes(s)
    name = {"pseudonym": "00" * 16, "purpose": "marketing"}
    until("the end of the contract", lambda: s.http(
        "POST", "/v1/recipients/me/may-contact", s.keys["brief"],
        json=dict(name, channel="email")).status == 403)
    # Whom it is about has to be right; that the contract has ended is no reason.
    late = s.http("POST", "/v1/recipients/me/events", s.keys["brief"],
                  json=dict(name, kind="unsubscribed", channel="email"))
    problem(late, 404, "not-found")
    problem(s.http("POST", "/v1/recipients/me/events", s.keys["brief"],
                   json=dict(name, kind="opened", channel="email")), 403, "denied-by-policy")
    problem(report(s, who, "contacted", "service", {}, channel="email"), 403,
            "context-required")
    r = report(s, who, "unsubscribed", "service", {}, channel="email", purpose="marketing")
    assert r.status == 200 and r.json()["withdrawn"] == ["marketing"], r
    last = s.http("GET", "/v1/subjects/%s/consents/history" % who, s.keys["till"],
                  headers=TILL).json()["events"][-1]
    assert (last["status"], last["lacking"]) == ("withdrawn", ["staff"])


def test_a_reference_outlives_the_pseudonym_and_joins_nothing(groups):
    s, model = groups
    who = pull(s, model)[1]
    asked = [tool(s, "may-contact", pseudonym=who, channel="email",
                  purpose="segmentation").json() for _ in range(2)]
    assert asked[0]["may"] is True and asked[0]["reference"] != asked[1]["reference"], asked
    ref = asked[0]["reference"]
    assert tool(s, "events", reference=ref, kind="bounced",
                purpose="segmentation").status == 200
    r = s.http("POST", "/v1/recipients/me/events", s.keys["tool-b"],
               json={"reference": ref, "kind": "opened", "purpose": "segmentation"})
    problem(r, 422, "bad-value")
    problem(tool(s, "events", reference=ref[:-4] + "AAAA", kind="opened",
                 purpose="segmentation"), 422, "bad-value")
