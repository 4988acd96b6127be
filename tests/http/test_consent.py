"""Consent: what makes a yes count, that a no is never in anybody's way, and that
the history tells all of it or nothing."""
import datetime
import hashlib
import random
import threading
import zoneinfo

import pytest

from refuse import STAFF, TILL, bad_yes, problem, refused
from saying import DAY, history, path, state, when
from stack import SHOWN, Client

OFFICER = dict(STAFF)


def notice(stack, name, **more):
    stack.notice(name=name, **more)
    return {"notice": name, "notice_version": more.get("version", 1), "language": "es"}


# --- Notices ---

def test_notice_is_shown_byte_for_byte(stack):
    till = stack.keys["till"]
    listed = stack.http("GET", "/v1/notices", till).json()["notices"]
    mine = [n for n in listed if n["notice"] == "privacy"]
    assert {n["language"] for n in mine} == {"es", "en"} and mine[0]["in_force"]
    assert "marketing" in mine[0]["voluntary"] and "loyalty_account" in mine[0]["necessary"]
    for language, form, text in (("es", "full", "Aviso de privacidad, versión íntegra.\n"),
                                 ("en", "short", "Short notice.\n")):
        r = stack.http("GET", "/v1/notices/privacy?language=%s&form=%s" % (language, form),
                       till).json()
        assert r["text"] == text
        assert r["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert stack.cli("notice", "show", "privacy", "--controller", "acme", "--language", "en",
                     "--form", "short") == "Short notice.\n"
    r = stack.http("GET", "/v1/notices/privacy", till, headers={"Accept-Language": "en"})
    assert r.json()["language"] == "en"
    for where in ("nothing", "privacy?version=2", "privacy?language=fr", "privacy?version=-1"):
        refused(stack, 404, "not-found", "GET", "/v1/notices/" + where, till)
    refused(stack, 422, "bad-value", "GET", "/v1/notices/privacy?form=long", till)
    # Another controller's are its own.
    notice(stack, "ours")
    assert stack.http("GET", "/v1/notices/ours", stack.keys["till-other"]).status == 404


def test_notice_is_published_once(stack):
    notice(stack, "once")
    again = stack.notice(name="once", check=False)
    assert again.returncode == 1, again
    # The server's own role can only add and read.
    for text in ("UPDATE notice SET body = ''", "DELETE FROM notice",
                 "UPDATE notice SET effective = now()"):
        r = stack.sql("SET ROLE resguardo_app; " + text, check=False)
        assert r.returncode != 0 and "permission denied" in r.stderr, r
    for more in ({"version": 0}, {"version": 2, "from": "2014-01-01"},
                 {"version": 2, "from": "2016-01-01", "evidence": None},
                 {"version": 2, "purposes": {"necessary": ["marketing"], "voluntary": []}},
                 {"version": 2, "purposes": {"necessary": [], "voluntary": ["rewards"]}},
                 {"version": 2, "purposes": {"necessary": [], "voluntary": ["telepathy"]}},
                 {"version": 2, "purposes": {}}, {"version": 2, "texts": {}},
                 {"version": 2, "texts": {"es": {"full": "../etc/passwd", "short": "es.txt"}}},
                 {"version": 2, "from": "2016-01-01", "ask_again_from": "2015-06-01"},
                 {"version": 2, "surprise": 1}):
        if "from" not in more:
            more = dict(more, **{"from": "2016-01-01"})
        r = stack.notice(name="once", check=False, **more)
        assert r.returncode == 1, (more, r)
    assert stack.sql("SELECT count(*) FROM notice WHERE name = 'once'") == "2"


def test_changed_notice_is_not_used(own):
    stack = own()
    shown = notice(stack, "mine")
    stack.sql("UPDATE notice SET body = 'otra cosa' WHERE name = 'mine'")
    problem(stack.http("GET", "/v1/notices/mine?language=es", stack.keys["till"]), 500,
            "integrity-failure")
    # Dates and purposes are under its MAC: changed, it is as if it were not there.
    stack.sql("UPDATE notice SET effective = '2001-01-01' WHERE name = 'mine'")
    stack.restart()
    who = stack.person()
    problem(stack.consent(who, "give", **shown), 422, "unknown-notice")
    assert "record.tampered" in stack.log()


# --- A yes ---

def test_yes_names_what_was_shown(stack):
    who = stack.person()
    bad_yes(stack, who, "missing-member", 400, member="notice")
    bad_yes(stack, who, "missing-member", 400, member="notice_version", notice="privacy",
        language="es")
    bad_yes(stack, who, "missing-member", 400, member="language", notice="privacy",
        notice_version=1)
    bad_yes(stack, who, "unknown-notice", **dict(SHOWN, notice="never"))
    bad_yes(stack, who, "unknown-notice", **dict(SHOWN, notice_version=7))
    bad_yes(stack, who, "unknown-notice", **dict(SHOWN, language="fr"))
    bad_yes(stack, who, "bad-value", **dict(SHOWN, notice_version=0))
    bad_yes(stack, who, "bad-value", **dict(SHOWN, shown="half"))
    bad_yes(stack, who, "unknown-purpose", purpose="telepathy", **SHOWN)
    bad_yes(stack, who, "bad-value", member="channel", channel="pigeon", **SHOWN)
    bad_yes(stack, who, "bad-value", member="channel", channel="email", **SHOWN)
    bad_yes(stack, who, "bad-value", member="source", source="gossip", **SHOWN)
    bad_yes(stack, who, "bad-value", member="evidence", evidence="gossip", **SHOWN)
    bad_yes(stack, who, "bad-value", member="time", time=when(1), **SHOWN)
    only = notice(stack, "only", purposes={"necessary": [], "voluntary": ["marketing"]})
    bad_yes(stack, who, "notice-unfit", member="purpose", **only)
    assert stack.consent(who, "give", "marketing", channel="email", **only).status == 200


def test_yes_before_its_notice(stack):
    who = stack.person()
    old = notice(stack, "dated", **{"from": "2020-01-01"})
    bad_yes(stack, who, "notice-unfit", member="time", time="2019-12-31T23:59:59Z", **old)
    assert stack.consent(who, "give", time="2020-01-01T00:00:00Z", **old).status == 200
    # Another version takes its place: each holds in its own time.
    new = notice(stack, "dated", version=2, **{"from": "2021-01-01"})
    bad_yes(stack, who, "notice-unfit", member="notice_version", time="2021-01-01T00:00:00Z", **old)
    bad_yes(stack, who, "notice-unfit", member="time", time="2020-12-31T23:59:59Z", **new)
    assert stack.consent(who, "give", **new).status == 200
    # One that is to come is no notice yet.
    soon = notice(stack, "soon", **{"from": when(30)})
    bad_yes(stack, who, "notice-unfit", member="time", **soon)


def test_evidence_is_kept(stack):
    who, guardian = stack.person(), stack.person()
    kept = stack.http("POST", "/v1/subjects/%s/attachments" % who, stack.keys["till"], json={
        "media_type": "text/plain", "content": "Zm9ybQ"}, headers=TILL).json()
    proof = dict(words="Acepto recibir ofertas", form="alta-2026", taken_at="caja 3",
                 method="checkbox", source="till", evidence="original", shown="short",
                 double_opt_in="mail-77", attachment=kept["attachment"])
    r = stack.consent(who, "give", headers=dict(TILL, **STAFF), **proof)
    assert r.json()["status"] == "given"
    event, = history(stack, who)
    for name, value in dict(proof, **SHOWN).items():
        assert event[name] == value, name
    assert event["sha256"] == hashlib.sha256("Aviso breve.\n".encode()).hexdigest()
    assert event["staff"] == "s.vidal" and event["place"] == "store-1"
    assert event["role"] == "till" and event["sequence"] == 1 and "confirmed" in event
    bad_yes(stack, guardian, "bad-value", member="confirmed", confirmed=when(-1), **SHOWN)
    bad_yes(stack, guardian, "bad-value", member="confirmed", double_opt_in="x",
        confirmed=when(1), **SHOWN)
    # Who took it is not the customer's to know.
    own = history(stack, who, stack.customer(who), {})
    assert "staff" not in own[0] and own[0]["words"] == proof["words"]
    problem(stack.http("GET", path(who, "/history"), stack.keys["tool"]), 403,
            "denied-by-policy")


def test_explicit_consent(stack):
    who = stack.person()
    for method in (None, "form", "silence"):
        more = {} if method is None else {"method": method}
        bad_yes(stack, who, "explicit-consent-required", purpose="dietary_service",
            member="method", **dict(SHOWN, **more))
    r = stack.consent(who, "give", "dietary_service", method="signature")
    assert r.json()["status"] == "given" and "until" in r.json()


def test_asked_and_no_answer(stack):
    who = stack.person()
    assert stack.consent(who, "ask").json()["status"] == "requested"
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    assert stack.consent(who, "give").json()["status"] == "given"
    # Asked again, an answer stays an answer.
    assert stack.consent(who, "ask").json()["status"] == "given"
    assert stack.consent(who, "give").json()["status"] == "renewed"
    assert [e["status"] for e in history(stack, who)] == [
        "requested", "given", "requested", "renewed"]


def test_ended_by_others(stack):
    who = stack.person()
    officer = stack.keys["officer"]
    for decision, status in (("revoke", "revoked"), ("expire", "expired"),
                             ("invalidate", "invalidated")):
        assert stack.consent(who, "give").status == 200
        assert stack.consent(who, decision, key=officer, headers=OFFICER).json()["status"] \
            == status
        problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
        refused(stack, 422, "bad-value", "POST", path(who), stack.customer(who),
                json={"purpose": "marketing", "decision": decision})


# --- Children ---

def child(stack, years, **more):
    born = datetime.date.today() - datetime.timedelta(days=int(years * 365.25))
    return stack.person(birth_date=born.isoformat(), **more)


def relate(stack, who, other, relation="guardian", key=None, headers=TILL):
    return stack.http("POST", "/v1/subjects/%s/relations" % who, key or stack.keys["till"],
                      json={"relation": relation, "other": other}, headers=headers)


def test_child_needs_a_guardian(stack):
    who, mother, stranger = child(stack, 11.5), stack.person(), stack.person()
    email = dict(SHOWN, channel="email")
    bad_yes(stack, who, "guardian-required", purpose="marketing", member="on_behalf", **email)
    bad_yes(stack, who, "guardian-required", purpose="marketing", member="on_behalf",
        on_behalf=mother, **email)
    assert relate(stack, who, mother).status == 200
    assert relate(stack, who, mother).status == 200     # said again it changes nothing
    assert stack.sql("SELECT count(*) FROM relation WHERE subject_id = '%s'" % who) == "1"
    bad_yes(stack, who, "guardian-required", purpose="marketing", member="on_behalf",
        on_behalf=stranger, **email)
    r = stack.consent(who, "give", "marketing", channel="email", on_behalf=mother)
    assert r.json()["status"] == "given", r
    # Asked again at fourteen, as Spain has it.
    turns = datetime.date.today() + datetime.timedelta(days=int(2.5 * 365.25))
    assert abs((datetime.date.fromisoformat(r.json()["until"][:10]) - turns).days) <= 2
    # ... on that day's first moment where the shop is, as it is in the history.
    local = datetime.datetime.fromisoformat(r.json()["until"]).astimezone(
        zoneinfo.ZoneInfo("Europe/Madrid"))
    born = stack.read(who, "birth_date", "data_subject_rights", stack.customer(who),
                      {}).json()["fields"]["birth_date"]
    assert local.isoformat()[:19] == "%d%sT00:00:00" % (int(born[:4]) + 14, born[4:]), local
    assert history(stack, who)[0]["on_behalf"] == mother
    # Not profiled, whoever agrees; but a child's no is a no.
    bad_yes(stack, who, "guardian-required", purpose="personalised_offers", member="purpose",
        on_behalf=mother, **SHOWN)
    assert stack.consent(who, "withdraw", "marketing", channel="email").status == 200
    grown = child(stack, 14.1)
    assert stack.consent(grown, "give", "marketing", channel="email").status == 200


def test_child_found_out_later(stack):
    """What somebody agreed to who turns out to be a child does not count any more."""
    who = stack.person(consents=["personalised_offers"])
    assert stack.consent(who, "give", "marketing", channel="email").status == 200
    assert stack.consent(who, "refuse", "marketing", channel="sms").status == 200
    born = datetime.date.today() - datetime.timedelta(days=int(11.5 * 365.25))

    def correct(day):
        r = stack.http("PATCH", "/v1/subjects/" + who, stack.keys["till"], headers=TILL,
                       json={"fields": {"birth_date": day.isoformat()}})
        assert r.status == 200, r
        return {k: g["status"] for k, g in state(stack, who).items()}
    grown = correct(born - datetime.timedelta(days=20 * 365))
    assert grown["personalised_offers", None] == grown["marketing", "email"] == "given"
    assert correct(born) == {("personalised_offers", None): "invalidated", ("marketing",
                             "email"): "invalidated", ("marketing", "sms"): "refused"}
    problem(stack.read(who, purpose="personalised_offers"), 403, "no-live-consent")
    assert [e["method"] for e in history(stack, who)[3:]] == ["age", "age"]
    # What a guardian agrees to then stays, though the date be put right by a day.
    mother = stack.person()
    assert relate(stack, who, mother).status == 200
    assert stack.consent(who, "give", "marketing", channel="email",
                         on_behalf=mother).status == 200
    assert correct(born + datetime.timedelta(days=1))["marketing", "email"] == "given"


def test_relations_are_guarded(stack):
    who, other = stack.person(), stack.person()
    key = stack.customer(who)
    far = stack.person(key=stack.keys["till-other"])
    assert relate(stack, who, other, key=key, headers={}).status == 403
    assert relate(stack, who, far).status == 404
    assert relate(stack, far, who).status == 404
    problem(relate(stack, who, who), 422, "bad-value")
    problem(relate(stack, who, other, "friend"), 422, "bad-value")
    young = child(stack, 10)
    assert relate(stack, young, other).status == 200
    stack.sql("UPDATE relation SET other = '%s' WHERE subject_id = '%s'" % (who, young))
    problem(stack.consent(young, "give", "marketing", channel="email", on_behalf=who), 500,
            "integrity-failure")


def test_child_at_sign_up(stack):
    body = {"fields": {"first_name": "Iu", "birth_date": (
        datetime.date.today() - 4000 * DAY).isoformat()},
        "consents": [dict(SHOWN, purpose="marketing", channel="email", decision="give")]}
    refused(stack, 422, "guardian-required", "POST", "/v1/subjects", stack.keys["till"],
            headers=TILL, json=body)


def test_child_with_a_guardian_at_sign_up(stack):
    mother, stranger = stack.person(), stack.person()
    born = (datetime.date.today() - 4000 * DAY).isoformat()
    yes = dict(SHOWN, purpose="marketing", channel="email", decision="give", on_behalf=mother)
    body = {"fields": {"first_name": "Iu", "birth_date": born}, "guardian": mother,
            "consents": [yes]}

    def bad(status, error, **more):
        refused(stack, status, error, "POST", "/v1/subjects", stack.keys["till"],
                headers=TILL, json=dict(body, **more))
    bad(422, "guardian-required", guardian=stranger)
    bad(422, "guardian-required", consents=[dict(yes, on_behalf=stranger)])
    bad(422, "guardian-required", consents=[
        {k: v for k, v in yes.items() if k != "on_behalf"}])
    bad(404, "not-found", guardian="00010203-0405-4607-8809-0a0b0c0d0e0f")
    bad(404, "not-found", guardian=stack.person(key=stack.keys["till-other"]))
    r = stack.http("POST", "/v1/subjects", stack.keys["till"], headers=TILL, json=body)
    assert r.status == 201, r
    who = r.json()["subject"]
    only, = history(stack, who)
    assert (only["status"], only["on_behalf"]) == ("given", mother)
    assert only["until"] > when(2 * 365)
    # The relation holds for what comes after, and is under its MAC.
    assert stack.consent(who, "give", "marketing", channel="sms", on_behalf=mother).status == 200
    stack.sql("UPDATE relation SET other = '%s' WHERE subject_id = '%s'" % (stranger, who))
    problem(stack.consent(who, "give", "marketing", channel="post", on_behalf=stranger), 500,
            "integrity-failure")


# --- Time ---

def test_asked_again_with_a_new_version(own):
    stack = own()
    later = stack.person()
    new = notice(stack, "renewed", version=1, **{"from": "2015-01-01"})
    assert stack.consent(later, "give", time=when(-400), **new).status == 200
    assert stack.read(later, purpose="personalised_offers").status == 200
    new = notice(stack, "renewed", version=2, **{"from": when(-30), "evidence": "original",
                                                 "ask_again_from": when(-1)})
    g = state(stack, later)["personalised_offers", None]
    assert g["status"] == "expired" and g["ask_again"] is True
    p = problem(stack.read(later, purpose="personalised_offers"), 403, "no-live-consent")
    assert p["clause"] == "consent:personalised_offers"
    assert stack.consent(later, "give", **new).status == 200
    assert stack.read(later, purpose="personalised_offers").status == 200
    # Said after the new one was in force: they were not asked the old way.
    assert stack.consent(later, "give", time=when(-2), **new).status == 200
    assert "ask_again" not in state(stack, later)["personalised_offers", None]
    # From a day to come, nothing changes yet.
    stack.notice(name="renewed", version=3, **{"from": when(10), "ask_again_from": when(20)})
    assert stack.read(later, purpose="personalised_offers").status == 200


def test_consent_runs_out(stack):
    who = stack.person()
    r = stack.consent(who, "give", "advertising_audiences", channel="ads", time=when(-800))
    assert r.status == 200, r
    g = state(stack, who)["advertising_audiences", "ads"]
    assert g["status"] == "expired" and g["ask_again"] is True and g["until"] < when(0)


# --- Global Privacy Control ---

def test_gpc(stack):
    r = stack.http("GET", "/.well-known/gpc.json")
    assert r.status == 200 and r.json()["gpc"] is True
    datetime.date.fromisoformat(r.json()["lastUpdate"])
    who = stack.person()
    key = stack.customer(who)
    gpc = {"Sec-GPC": "1"}
    assert stack.consent(who, "give", "advertising_audiences", channel="ads").status == 200
    assert stack.consent(who, "give", key=key, headers=gpc).status == 200
    now = state(stack, who)
    assert now["advertising_audiences", "ads"]["status"] == "objected"
    assert now["personalised_offers", None]["status"] == "given"
    assert [(e["purpose"], e["status"], e.get("gpc")) for e in history(stack, who)][1:] == [
        ("advertising_audiences", "objected", True), ("personalised_offers", "given", True)]
    # A yes to the very thing does not get past it, and leaves no trace.
    refused(stack, 409, "objection-stands", "POST", path(stack.person()), stack.keys["till"],
            headers=dict(TILL, **gpc), json=dict(SHOWN, purpose="advertising_audiences",
                                                 channel="ads", decision="give"))
    for value in ("0", "true", "11"):
        other = stack.person(headers={"Sec-GPC": value})
        assert state(stack, other) == {}
    new = stack.person(headers=gpc)
    assert state(stack, new)["advertising_audiences", None]["status"] == "objected"


def test_gpc_on_a_read(stack):
    """One's own client says so while it only reads: noted once, and honoured."""
    for where in ("?purpose=loyalty_account", "/consents", "/benefits?purpose=loyalty_account",
                  "/points?purpose=loyalty_account"):
        who = stack.person()
        key = stack.customer(who)
        assert stack.consent(who, "give", "advertising_audiences", channel="ads").status == 200
        read = "/v1/subjects/%s%s" % (who, where)
        for value in (None, "0", "true"):
            r = stack.http("GET", read, key, headers={"Sec-GPC": value} if value else {})
            assert r.status == 200, r
        # Passed on by somebody else it is their browser's, and stays theirs.
        assert stack.http("GET", path(who), stack.keys["till"],
                          headers=dict(TILL, **{"Sec-GPC": "1"})).status == 200
        assert state(stack, who)["advertising_audiences", "ads"]["status"] == "given"
        entries, changes = stack.entries(), stack.sql("SELECT count(*) FROM subject_change")
        for _ in range(3):
            r = stack.http("GET", read, key, headers={"Sec-GPC": "1"})
            assert r.status == 200, r
        assert stack.entries() == entries + 3
        assert int(stack.sql("SELECT count(*) FROM subject_change")) == int(changes) + 1
        last = history(stack, who)[-1]
        assert (last["purpose"], last["status"], last["gpc"], last["role"]) == (
            "advertising_audiences", "objected", True, "customer")
        assert len(history(stack, who)) == 2
        if where == "/consents":
            assert {g["status"] for g in r.json()["grants"]} == {"objected"}
        if where.startswith("?"):
            assert stack.http("PATCH", "/v1/subjects/%s" % who, key, json={
                "version": r.json()["version"], "fields": {"first_name": "Eva"}}).status == 200
        other = stack.person()
        problem(stack.http("GET", "/v1/subjects/%s/consents" % other, key,
                           headers={"Sec-GPC": "1"}), 403, "denied-by-policy")
        assert state(stack, other) == {}


# --- History ---

def test_history_pages(stack):
    who = stack.person()
    for i in range(23):
        stack.consent(who, "give" if i % 2 == 0 else "withdraw")
    whole = history(stack, who)
    assert [e["sequence"] for e in whole] == list(range(1, 24))
    assert history(stack, who, limit=5) == whole
    problem(stack.http("GET", path(who, "/history?limit=0"), stack.keys["till"],
                       headers=TILL), 422, "bad-value")
    problem(stack.http("GET", path(who, "/history?cursor=AAAA"), stack.keys["till"],
                       headers=TILL), 400, "bad-cursor")
    first = stack.http("GET", path(who, "/history?limit=5"), stack.keys["till"],
                       headers=TILL).json()["next"]
    problem(stack.http("GET", path(who, "/history?cursor=" + first), stack.keys["service"],
                       headers=STAFF), 400, "bad-cursor")


TAMPER = {
    "removed": "DELETE FROM consent_event WHERE subject_id = '{a}' AND sequence = 2",
    "the last removed": "DELETE FROM consent_event WHERE subject_id = '{a}' AND sequence = 3",
    "all removed": "DELETE FROM consent_event WHERE subject_id = '{a}'",
    "reordered": "UPDATE consent_event SET sequence = CASE sequence WHEN 1 THEN 102 WHEN 2 "
                 "THEN 101 END WHERE subject_id = '{a}' AND sequence < 3; UPDATE consent_event "
                 "SET sequence = sequence - 100 WHERE subject_id = '{a}' AND sequence > 100",
    "changed": "UPDATE consent_event SET sealed = set_byte(sealed, 30, "
               "get_byte(sealed, 30) # 1) WHERE subject_id = '{a}' AND sequence = 2",
    "its hash changed": "UPDATE consent_event SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1)"
                        " WHERE subject_id = '{a}' AND sequence = 3",
    "swapped between people": "UPDATE consent_event a SET sealed = b.sealed, hash = b.hash FROM "
                              "consent_event b WHERE a.subject_id = '{a}' AND b.subject_id = "
                              "'{b}' AND a.sequence = b.sequence",
    "another's put behind": "INSERT INTO consent_event SELECT '{a}', 4, sealed, hash FROM "
                            "consent_event WHERE subject_id = '{b}' AND sequence = 3",
}


LONGER_OR_SHORTER = ("the last removed", "all removed", "another's put behind")


@pytest.mark.parametrize("what", TAMPER)
def test_tampered_history_is_not_told(stack, what):
    a, b = stack.person(), stack.person()
    for who in (a, b):
        for decision in ("give", "withdraw", "give"):
            assert stack.consent(who, decision).status == 200
        assert len(history(stack, who)) == 3
    stack.sql(TAMPER[what].format(a=a, b=b))
    for page in ("/history", "/history?limit=1"):
        r = stack.http("GET", path(a, page), stack.keys["till"], headers=TILL)
        problem(r, 500, "integrity-failure")
        assert "events" not in r.json()
    assert a in stack.log()
    if what in LONGER_OR_SHORTER:
        # The header counts the events: one more or less, and nothing is believed.
        problem(stack.http("GET", path(a), stack.keys["till"], headers=TILL), 500,
                "integrity-failure")
    else:
        # The state is the header's: it stands, and so does the other's history.
        assert state(stack, a)["personalised_offers", None]["status"] == "given"
    assert len(history(stack, b)) == 3


def test_many_events_read_as_few(stack):
    """The state comes from one row: what it reads does not grow with history."""
    who = stack.person()
    for _ in range(60):
        stack.consent(who, "give")
        stack.consent(who, "withdraw")
    size = stack.sql("SELECT octet_length(header) FROM subject WHERE subject_id = '%s'" % who)
    one = stack.person()
    stack.consent(one, "withdraw")
    assert int(size) <= 32 + int(stack.sql(
        "SELECT octet_length(header) FROM subject WHERE subject_id = '%s'" % one))


# --- Races ---

def test_last_acknowledged_word_counts(stack):
    """Whatever runs beside what: at the end stands what the last answer said."""
    who = stack.person()
    seed = random.randrange(1 << 30)
    answers, lock = [], threading.Lock()

    def talk(n):
        mine, call = random.Random(seed + n), Client(stack)
        for _ in range(25):
            decision = mine.choice(("give", "withdraw"))
            body = dict(SHOWN, purpose="personalised_offers", decision=decision)
            r = call("POST", path(who), stack.keys["till"], body, TILL)
            assert r.status == 200, r
            with lock:
                answers.append((r.json().get("sequence", 0), r.json()["status"]))
        call.close()
    threads = [threading.Thread(target=talk, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    last = max(answers)
    now = state(stack, who)["personalised_offers", None]["status"]
    assert now == last[1], "seed %d" % seed
    events = history(stack, who)
    assert events[-1]["status"] == now and events[-1]["sequence"] == last[0]
    # Once all is quiet, a last word is the last word.
    for decision, status in (("withdraw", {"withdrawn"}), ("give", {"given", "renewed"})):
        assert stack.consent(who, decision).json()["status"] in status
        assert state(stack, who)["personalised_offers", None]["status"] in status
