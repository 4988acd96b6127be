"""Who spoke for somebody, and what they signed: brought in as the live call takes it."""
import datetime
import hashlib
import os
import signal
import subprocess

import pytest

import shop
from refuse import STAFF, TILL, problem
from stack import GID, UID, until
from test_attachments import MOST, decoded, fetch
from test_import import tally
from test_import_past import FILED, SPOKEN, bring, history, lines, looked, people, rows_of, state, yes


def relations(stack, who):
    return stack.sql("SELECT string_agg(kind || ' ' || other, ',' ORDER BY kind, other) FROM"
                     " relation WHERE subject_id = '%s'" % who)


def mail(id, who, when, **more):
    return yes(id, who, when, topic="marketing", by="email", **more)


def spoken(stack, rows, **more):
    return looked(stack, "consents", rows, mapping=SPOKEN, **more)


def test_a_guardian_is_brought_in_with_the_word(stack):
    who = people(stack, "G-mum", "G-none")
    kid, = people(stack, "G-kid", birth_date="2016-05-05").values()
    rows = [mail("k1", "G-kid", "2024-01-01T00:00:00Z", by_whom="G-mum"),
            # A form of letters that the field forgives is hers too; of age nobody asks.
            mail("k2", "G-kid", "2024-02-01T00:00:00Z", by_whom=" G-mum ", as_what="guardian"),
            mail("k3", "G-none", "2024-02-01T00:00:00Z")]
    assert spoken(stack, rows) == ([], [], (3, 3, 0, 0))
    assert [h.get("on_behalf") for h in history(stack, kid)] == [who["G-mum"]] * 2
    assert history(stack, kid)[0]["until"] == "2030-05-04T22:00:00Z"  # fourteen, in Madrid
    assert relations(stack, kid) == "1 " + who["G-mum"]
    assert not relations(stack, who["G-none"])
    before = rows_of(stack)
    assert spoken(stack, rows) == ([], [], (3, 0, 3, 0))
    assert rows_of(stack) == before and relations(stack, kid) == "1 " + who["G-mum"]
    # What was made is what the live call asks for.
    live = dict(purpose="marketing", channel="sms")
    assert stack.consent(kid, "give", on_behalf=who["G-mum"], **live).status == 200
    problem(stack.consent(kid, "give", on_behalf=who["G-none"], **live), 422,
            "guardian-required")
    # The same reference by another voice, or by none, is another word.
    other = [dict(rows[0], by_whom="G-none"), dict(rows[2], by_whom="G-mum")]
    assert spoken(stack, other)[0] == [(n, "record-differs", "record") for n in (1, 2)]


def test_a_relation_that_is_there_stays_as_it_is(stack):
    who = people(stack, "T-dad", "T-old")
    kid, = people(stack, "T-kid", birth_date="2016-05-05").values()
    for one, kind in ((kid, "guardian"), (who["T-old"], "representative")):
        r = stack.http("POST", "/v1/subjects/%s/relations" % one, stack.keys["till"],
                       headers=TILL, json={"relation": kind, "other": who["T-dad"]})
        assert r.status == 200, r
    before = relations(stack, kid), relations(stack, who["T-old"])
    rows = [mail("t1", "T-kid", "2024-01-01T00:00:00Z", by_whom="T-dad"),
            mail("t2", "T-old", "2024-01-01T00:00:00Z", by_whom="T-dad")]
    assert spoken(stack, rows) == ([], [], (2, 2, 0, 0))
    assert (relations(stack, kid), relations(stack, who["T-old"])) == before
    # One that somebody changed is not believed.
    stack.sql("UPDATE relation SET created = created - interval '1 day' WHERE subject_id = '%s'"
              % kid)
    row = mail("t3", "T-kid", "2024-02-01T00:00:00Z", by_whom="T-dad")
    assert spoken(stack, [row])[0] == [(1, "integrity-failure", "")]


def test_who_may_not_speak(stack):
    """Each fault by itself, and none of them makes anybody a guardian."""
    who = people(stack, "S-mum", "S-big")
    kid, = people(stack, "S-kid", birth_date="2016-05-05").values()
    stack.person(key=stack.keys["till-other"], customer_number="S-far")
    ok = mail("s", "S-kid", "2024-01-01T00:00:00Z", by_whom="S-mum")
    faults = [
        (dict(ok, by_whom=""), "guardian-required", "on_behalf"),
        (dict(ok, by_whom="S-nobody"), "not-found", "on_behalf"),
        (dict(ok, by_whom="S-far"), "not-found", "on_behalf"),      # of another controller
        (dict(ok, by_whom="S-kid"), "bad-value", "on_behalf"),      # themselves
        (dict(ok, by_whom="x" * 600), "too-large", "on_behalf"),
        (dict(ok, as_what="household"), "bad-value", "relation"),
        (dict(ok, as_what="friend"), "bad-value", "relation"),
        (dict(ok, as_what="representative"), "guardian-required", "on_behalf"),
        # Nobody has a child profiled, whoever agrees.
        (dict(ok, topic="personalised_offers", by=""), "guardian-required", "purpose"),
        (dict(ok, who="S-big", by_whom="S-nobody"), "not-found", "on_behalf"),
    ]
    rows, expected = [], []
    for i, (row, why, member) in enumerate(faults):
        rows += [dict(row, id="s%d" % i), mail("ok%d" % i, "S-big", "2024-01-01T00:00:00Z")]
        expected.append((2 * i + 1, why, member))
    bad, noted, counts = spoken(stack, rows)
    assert bad == expected, [x for x in zip(bad, expected) if x[0] != x[1]]
    assert noted == [] and counts == (2 * len(faults), len(faults), 0, len(faults))
    assert not relations(stack, kid) and state(stack, kid) == {}
    assert not relations(stack, who["S-big"])


def test_a_no_waits_for_no_guardian(stack):
    """It is taken, without whom nobody knows; and that is told, each time."""
    people(stack, "W-mum")
    kid, = people(stack, "W-kid", birth_date="2016-05-05").values()
    no = dict(who="W-kid", topic="marketing", by="email", when="2024-03-01T00:00:00Z", said="W")
    rows = [mail("w1", "W-kid", "2024-01-01T00:00:00Z", by_whom="W-mum"),
            dict(no, id="w2", by_whom="W-nobody"), dict(no, id="w3", by_whom="W-kid"),
            dict(no, id="w4", by_whom="W-mum", as_what="friend")]
    noted = [(2, "not-found", "on_behalf"), (3, "bad-value", "on_behalf"),
             (4, "bad-value", "relation")]
    assert spoken(stack, rows) == ([], noted, (4, 4, 0, 0))
    assert spoken(stack, rows) == ([], noted, (4, 0, 4, 0))
    assert state(stack, kid) == {("marketing", "email"): "withdrawn"}
    assert [bool(h.get("on_behalf")) for h in history(stack, kid)] == [True, False, False, False]


def test_who_has_grown_up_has_no_guardian_by_it(stack):
    """The event names who spoke; nobody speaks for them today because of it."""
    mum, = people(stack, "U-mum").values()
    grown, = people(stack, "U-grown", birth_date="2004-05-05").values()
    rows = [mail("u1", "U-grown", "2017-01-01T00:00:00Z", by_whom="U-mum")]
    assert spoken(stack, rows) == ([], [], (1, 1, 0, 0))
    event, = history(stack, grown)
    assert (event["on_behalf"], event["until"]) == (mum, "2018-05-04T22:00:00Z")
    assert not relations(stack, grown)
    problem(stack.consent(grown, "give", "marketing", channel="email", on_behalf=mum), 422,
            "guardian-required")


def test_an_index_that_was_pointed_elsewhere_speaks_for_nobody(own):
    s = own()
    who = people(s, "X-mum", "X-thief")
    kid, = people(s, "X-kid", birth_date="2016-05-05").values()
    s.sql("DELETE FROM lookup WHERE subject_id = '%s'" % who["X-thief"])
    s.sql("UPDATE lookup SET subject_id = '%s' WHERE subject_id = '%s'"
          % (who["X-thief"], who["X-mum"]))
    row = mail("x1", "X-kid", "2024-01-01T00:00:00Z", by_whom="X-mum")
    assert spoken(s, [row])[0] == [(1, "integrity-failure", "")]
    assert not relations(s, kid) and state(s, kid) == {}


# --- Files ---

@pytest.fixture
def scans(stack):
    folder = os.path.join(stack.home, "scans-%d" % stack.number())
    os.makedirs(os.path.join(folder, "2019"))
    for path in (folder, os.path.join(folder, "2019")):
        os.chown(path, UID, GID)
    return folder


def put(folder, name, data, mode=0o600):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    os.chown(path, UID, GID)
    os.chmod(path, mode)
    return data


def filed(stack, folder, rows, **more):
    return looked(stack, "consents", rows, mapping=FILED, more=("--attachments", folder), **more)


def test_a_form_is_kept_as_the_live_call_keeps_it(stack, scans):
    who = people(stack, "A-1", "A-2")
    form = put(scans, "form.pdf", os.urandom(70_000))
    tape = put(scans, "2019/call.WAV", os.urandom(MOST))
    sheet = put(scans, "sheet", b"signed in ink")
    rows = [yes("a1", "A-1", "2019-01-01T00:00:00Z", file="form.pdf"),
            mail("a2", "A-1", "2019-01-01T00:00:00Z", file="form.pdf"),
            yes("a3", "A-2", "2019-01-01T00:00:00Z", file="2019/call.WAV"),
            mail("a4", "A-2", "2019-01-01T00:00:00Z", file="sheet", kind="text/plain"),
            dict(id="a5", who="A-2", topic="marketing", by="email", said="W",
                 when="2020-01-01T00:00:00Z", file="form.pdf"),
            yes("a6", "A-2", "2019-06-01T00:00:00Z")]
    assert filed(stack, scans, rows) == ([], [], (6, 6, 0, 0))
    first, second = history(stack, who["A-1"])
    # One form with two answers on it is kept once; another's is another's.
    assert first["attachment"] == second["attachment"]
    assert stack.sql("SELECT count(*) FROM attachment WHERE subject_id = '%s'"
                     % who["A-1"]) == "1"
    told = [(h, data, media) for h, data, media in zip(
        [first] + history(stack, who["A-2"])[:3], (form, tape, sheet, form),
        ("application/pdf", "audio/wav", "text/plain", "application/pdf"))]
    for one, (h, data, media) in zip(("A-1", "A-2", "A-2", "A-2"), told):
        assert h["attachment_sha256"] == hashlib.sha256(data).hexdigest()
        r = fetch(stack, who[one], h["attachment"])
        assert decoded(r) == data and r.json()["media_type"] == media
    assert "attachment" not in history(stack, who["A-2"])[3]
    assert told[3][0]["attachment"] != first["attachment"]
    before = rows_of(stack), stack.sql("SELECT count(*) FROM attachment")
    assert filed(stack, scans, rows) == ([], [], (6, 0, 6, 0))
    assert (rows_of(stack), stack.sql("SELECT count(*) FROM attachment")) == before
    # Nothing of it stands in the clear.
    assert sheet.hex() not in stack.sql("SELECT encode(sealed, 'hex') FROM attachment")
    # Another file under the same reference is another word.
    put(scans, "form.pdf", b"%PDF-1.7 another")
    bad, _, counts = filed(stack, scans, rows)
    assert counts == (6, 0, 3, 3)
    assert bad == [(n, "record-differs", "record") for n in (1, 2, 5)]


def test_files_that_are_none(stack, scans):
    """Missing, too large, not readable, elsewhere: an error of its line alone."""
    who, = people(stack, "F-1").values()
    put(scans, "good.png", b"good")
    put(scans, "big.pdf", os.urandom(MOST + 1))
    put(scans, "empty.pdf", b"")
    put(scans, "locked.pdf", b"locked", mode=0)
    put(scans, "program.exe", b"MZ")
    put(os.path.dirname(scans), "outside.pdf", b"never to be read")
    os.symlink(os.path.join(os.path.dirname(scans), "outside.pdf"),
               os.path.join(scans, "link.pdf"))
    os.symlink(os.path.dirname(scans), os.path.join(scans, "way"))
    os.mkfifo(os.path.join(scans, "pipe.pdf"))
    os.chmod(os.path.join(scans, "pipe.pdf"), 0o666)
    faults = [
        ("none.pdf", "no-such-file"), ("2019/none.pdf", "no-such-file"),
        ("big.pdf", "too-large"), ("empty.pdf", "empty-file"),
        ("locked.pdf", "file-unreadable"), ("../outside.pdf", "file-out-of-place"),
        ("2019/../../outside.pdf", "file-out-of-place"), ("..", "file-out-of-place"),
        (os.path.join(os.path.dirname(scans), "outside.pdf"), "file-out-of-place"),
        ("/etc/passwd", "file-out-of-place"), ("link.pdf", "file-out-of-place"),
        ("way/outside.pdf", "file-out-of-place"), ("pipe.pdf", "file-out-of-place"),
        ("2019", "file-out-of-place"), ("good.png/x.pdf", "file-out-of-place"),
        ("./good.png", "file-out-of-place"), ("x" * 5000, "file-out-of-place"),
    ]
    rows, expected = [], []
    for i, (name, why) in enumerate(faults):
        rows += [yes("f%d" % i, "F-1", "2019-01-01T00:00:%02dZ" % i, file=name),
                 yes("g%d" % i, "F-1", "2019-01-01T00:01:%02dZ" % i, file="good.png")]
        expected.append((2 * i + 1, why, "attachment"))
    for name, kind, why in (("program.exe", "", "unsupported-media-type"),
                            ("good.png", "text/html", "bad-value")):
        expected.append((len(rows) + 1, why, "media_type"))
        rows += [yes("h" + name, "F-1", "2019-01-01T00:02:00Z", file=name, kind=kind)]
    bad, noted, counts = filed(stack, scans, rows)
    assert bad == expected, [x for x in zip(bad, expected) if x[0] != x[1]]
    assert noted == [] and counts == (len(rows), len(faults), 0, len(expected))
    assert stack.sql("SELECT count(*) FROM attachment WHERE subject_id = '%s'" % who) == "1"


def test_a_no_waits_for_no_form(stack, scans):
    who, = people(stack, "N-1").values()
    put(scans, "good.png", b"good")
    no = dict(who="N-1", topic="marketing", by="email", when="2020-01-01T00:00:00Z")
    rows = [mail("n1", "N-1", "2019-01-01T00:00:00Z", file="good.png")] + [
        dict(no, id="n-" + said, said=said, file="none.png") for said in "NWO"] + [
        dict(no, id="n-5", said="W", file="good.png", kind="text/html")]
    noted = [(i, "no-such-file", "attachment") for i in (2, 3, 4)] + [
        (5, "bad-value", "media_type")]
    assert filed(stack, scans, rows) == ([], noted, (5, 5, 0, 0))
    assert filed(stack, scans, rows) == ([], noted, (5, 0, 5, 0))
    assert state(stack, who) == {("marketing", "email"): "objected"}
    # The form turns up later: what is recorded is not changed, and not refused.
    put(scans, "none.png", b"found")
    assert filed(stack, scans, rows)[:1] + filed(stack, scans, rows)[2:] == ([], (5, 0, 5, 0))


def test_files_are_looked_for_where_one_says(stack, scans):
    people(stack, "D-1")
    row = [yes("d1", "D-1", "2019-01-01T00:00:00Z")]
    for mapping, more, told in (
            (FILED, (), "--attachments DIR"), (SPOKEN, ("--attachments", scans), "attachment"),
            (FILED, ("--attachments", scans + "/none"), "cannot look into")):
        done = bring(stack, "consents", row, mapping=mapping, more=more, check=False)
        assert done.returncode == 1 and told in done.stderr and "read" not in done.stdout, done


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_with_files(own, how):
    """Cut off between forms, the same command goes on, and none is kept twice."""
    s = own()
    folder = os.path.join(s.home, "forms")
    os.mkdir(folder)
    os.chown(folder, UID, GID)
    n = 60
    shop.customers(s, [{"number": "H%03d" % i, "name": "Ana", "yes": ""} for i in range(n)])
    rows = []
    for i in range(n):
        put(folder, "%d.jpg" % i, os.urandom(300_000))
        rows += [yes("y%d" % i, "H%03d" % i, "2019-01-01T00:00:00Z", file="%d.jpg" % i),
                 mail("m%d" % i, "H%03d" % i, "2019-01-01T00:00:00Z", file="%d.jpg" % i)]
    argv = ["import", "consents", shop.write(s, "h.ndjson", lines(rows)), "--map",
            shop.write(s, "h.map.json", [FILED]), "--controller", "acme", "--basis", "contract",
            "--attachments", folder, "--window", "1"]
    have = lambda: int(s.sql("SELECT count(*) FROM consent_event"))  # noqa: E731
    for cut in range(4):
        p = s.popen(s.bin + "/resguardo", *argv, "--state", s.state,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        goal = have() + 10
        if cut < 3:
            until("progress", lambda: p.poll() is not None or have() >= goal)
        if cut < 3 and p.poll() is None:
            p.send_signal(how)
        if p.wait() == 0:
            break
    assert p.returncode == 0 and cut >= 1, (p.returncode, cut)
    assert have() == len(rows)
    assert s.sql("SELECT count(*) FROM attachment") == str(n)
    assert tally(s.cli(*argv)) == (len(rows), 0, len(rows), 0)
    assert s.sql("SELECT count(*) FROM attachment") == str(n)
