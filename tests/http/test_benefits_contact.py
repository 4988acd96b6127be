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


def days_ago(n):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - n * 86400))


def overdue(s, key="officer", purpose="oversight", headers=STAFF, more="", **how):
    return s.http("GET", "/v1/questions/overdue?purpose=%s%s" % (purpose, more), s.keys[key],
                  headers=dict(headers, **how))


def test_questions_that_wait_too_long_are_found(own):
    s = own()
    people = [s.person() for _ in range(4)]
    for who, n in zip(people, (9, 7, 8, 0)):
        assert report(s, who, "asked", "service", STAFF, purpose="customer_care",
                      **({"time": days_ago(n)} if n else {})).status == 200
    r = overdue(s)
    assert (r.json()["overdue"], r.json()["waiting"]) == (3, 1), r
    assert [q["subject"] for q in r.json()["questions"]] == [people[0], people[2], people[1]]
    assert all(q["since"] < q["due"] < days_ago(0) for q in r.json()["questions"])
    paged, cursor = [], ""
    for _ in range(3):
        p = overdue(s, more="&limit=1" + cursor).json()
        paged += p["questions"]
        cursor = "&cursor=" + p["next"]
    assert paged == r.json()["questions"]
    assert overdue(s, more="&limit=1" + cursor).json()["questions"] == []
    lines = overdue(s, Accept="text/csv").text.splitlines()
    assert lines[0].split(",")[:2] == ["subject", "question"] and len(lines) == 4
    assert lines[1].startswith(people[0])
    r = overdue(s, "service", "customer_care")
    assert r.json()["overdue"] == 3
    # Answered, it is gone; of another controller, it never was there.
    assert report(s, people[0], "answered", "service", STAFF,
                  purpose="customer_care").status == 200
    assert overdue(s).json()["overdue"] == 2
    assert overdue(s, "officer-other").json()["overdue"] == 0
    problem(overdue(s, headers={}), 403, "context-required")
    problem(overdue(s, "tool", "segmentation"), 403, "denied-by-policy")
    problem(overdue(s, "till", "loyalty_account", TILL), 403, "denied-by-policy")
    problem(overdue(s, more="&limit=0"), 422, "bad-value")
    problem(overdue(s, more="&cursor=AAAA"), 400, "bad-cursor")
    s.restart()
    s.http("GET", "/readyz")
    assert "\nresguardo_vault_questions_overdue 2" in s.metrics().text
    # A clock set back by somebody else: nothing of the list is told.
    s.sql("UPDATE request SET due = due - interval '1 day' WHERE subject_id = '%s'" % people[1])
    r = overdue(s)
    problem(r, 500, "integrity-failure")
    assert people[2] not in r.text


def test_no_more_often_than_so_many(stack):
    """So many in so many days, counted by what tools report; other reports do not count."""
    who = yes(stack, contact_frequency="daily", contact_limit="3/week")
    for n, kind in ((20, "contacted"), (6, "contacted"), (5, "opened"), (5, "responded"),
                    (4, "contacted"), (4, "bounced")):
        assert ask(stack, who).json()["may"] is True, n
        assert report(stack, who, kind, channel="email", time=days_ago(n)).status == 200
    assert ask(stack, who).json()["may"] is True
    assert report(stack, who, "contacted", channel="email", time=days_ago(2)).status == 200
    r = ask(stack, who).json()
    assert (r["may"], r["clause"]) == (False, "preference:frequency")
    # Until the oldest of the three is seven days ago: at Madrid's next midnight.
    assert days_ago(0) < r["next_allowed"] <= days_ago(-1.05), r
    assert r["next_allowed"][11:] in ("22:00:00Z", "23:00:00Z"), r
    none = yes(stack, contact_limit="0/month")
    assert ask(stack, none).json()["clause"] == "preference:frequency"
    for bad in ("week", "3", "3/", "/week", "3/year", "101/week", "-1/week", "3/week "):
        refused(stack, 422, "bad-value", "POST", "/v1/subjects", stack.keys["till"],
                headers=TILL, json={"fields": {"first_name": "Ana", "contact_limit":
                                               bad if bad != "3/week " else "3/weeks"}})


def test_the_channel_they_prefer(stack):
    """By another than they prefer one does not write, as long as one may by that one."""
    who = yes(stack, preferred_channel="sms")
    assert ask(stack, who).json()["may"] is True
    assert stack.consent(who, "give", "marketing", channel="sms").status == 200
    r = ask(stack, who).json()
    assert (r["may"], r["clause"], r["preferred_channel"]) == (
        False, "preference:channel", "sms")
    r = ask(stack, who, channel="sms").json()
    assert r["may"] is True and r["preferred_channel"] == "sms"
    assert stack.consent(who, "withdraw", "marketing", channel="sms").status == 200
    assert ask(stack, who).json()["may"] is True


def test_a_complaint_is_an_objection(stack, own):
    who = yes(stack)
    assert stack.consent(who, "give", "marketing", channel="sms").status == 200
    r = report(stack, who, "complained", channel="email")
    assert r.status == 200 and r.json()["withdrawn"] == ["marketing"], r
    assert ask(stack, who).json()["clause"] == "objection:marketing"
    assert ask(stack, who, channel="sms").json()["may"] is True
    last = stack.http("GET", "/v1/subjects/%s/consents/history" % who, stack.keys["till"],
                      headers=TILL).json()["events"][-1]
    assert (last["status"], last["method"], last["channel"]) == (
        "objected", "complaint", "email")
    # Of all channels, where none is named.
    who = yes(stack)
    assert report(stack, who, "complained").status == 200
    assert ask(stack, who, channel="sms").json()["clause"] == "objection:marketing"
    # Or noted and no more, where the policy has it so.
    s = own()
    path = os.path.join(s.home, "noted")
    shutil.copytree(os.path.join(ROOT, "policies"), path)
    with open(path + "/loyalty.json", encoding="utf-8") as f:
        rules = json.load(f)
    rules["contact"]["complaint"] = "note"
    with open(path + "/loyalty.json", "w", encoding="utf-8") as f:
        json.dump(rules, f)
    subprocess.run(["chmod", "-R", "a+rX", path], check=True)
    s.cli("policy", "load", path)
    who = yes(s)
    r = report(s, who, "complained", channel="email")
    assert r.json()["withdrawn"] == [] and ask(s, who).json()["may"] is True


def test_a_no_waits_for_no_clock(stack):
    """A tool whose clock goes fast reports who wants no more of it all the same."""
    for kind, status, beside in (("unsubscribed", "withdrawn", {"colour": "blue"}),
                                 ("complained", "objected", {"document": ["x"]})):
        who = yes(stack)
        assert report(stack, who, kind, channel="email", time="2099-01-01T00:00:00Z",
                      **beside).status == 200
        problem(report(stack, who, "opened", **{"document": 5}), 422, "bad-value")
        grant = stack.http("GET", "/v1/subjects/%s/consents" % who, stack.keys["till"],
                           headers=TILL).json()["grants"][0]
        assert grant["status"] == status and grant["since"] < "2099", grant
    problem(report(stack, yes(stack), "opened", time="2099-01-01T00:00:00Z"), 422, "bad-value")


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
