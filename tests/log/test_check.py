"""`resguardo audit check`: what a superuser of PostgreSQL does to any table that
the log tells of is found, and named."""
import fcntl
import os
import subprocess
import threading

import pytest
from stack import AS, CLONE, GID, OFFICER_PURPOSES, TILL, UID, until

BOUGHT = {"kind": "purchase", "time": "2026-01-01T10:00:00Z", "amount": "12.50",
          "currency": "EUR"}

# What is copied, and put back after each try. In an order that keys allow.
TABLES = ("controller", "recipient", "principal", "credential", "policy_version", "subject",
          "field_value", "consent_event", "benefit_event", "event", "audit_entry")


def check(stack, *more):
    return subprocess.run(AS + [stack.bin + "/resguardo", "audit", "check", "--state",
                                stack.state, *more], capture_output=True, text=True, cwd="/")


def covered(stack):
    until("a checkpoint over all", lambda: stack.rows(
        "SELECT (SELECT max(size) FROM log_state) >= (SELECT count(*) FROM audit_entry)"
        " AND (SELECT length(checkpoint) > 0 FROM log_state)")[0][0] == "t")


def keep(stack, schema):
    stack.sql("CREATE SCHEMA %s;" % schema + "".join(
        "CREATE TABLE %s.%s AS TABLE public.%s;" % (schema, t, t) for t in TABLES))


def put_back(stack, schema):
    stack.sql("SET session_replication_role = replica;" + "".join(
        "DELETE FROM %s; INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM %s.%s;"
        % (t, t, schema, t) for t in reversed(TABLES)))


@pytest.fixture(scope="module")
def world():
    """People who said yes and no, an import, keys given and taken, other rules;
    a copy of it half way, one of its end, and the server at rest."""
    from stack import Stack
    with Stack.start() as s:
        s.ana = s.person(consents=("personalised_offers", "segmentation"))
        s.other = s.person(consents=("personalised_offers",))
        s.plain = s.person()
        example = {}
        for name in ("customers.csv", "customers.map.json"):
            example[name] = os.path.join(s.home, name)
            subprocess.run(["cp", os.path.join(CLONE, "docs", "examples", name),
                            example[name]], check=True)
            os.chown(example[name], UID, GID)
        s.cli("import", "customers", example["customers.csv"], "--map",
              example["customers.map.json"], "--controller", "acme", "--basis", "contract")
        for who in (s.ana, s.other):
            bought = s.http("POST", "/v1/subjects/%s/events" % who, s.keys["till"], headers=TILL,
                            json=dict(BOUGHT, document="T-" + who))
            assert bought.status == 200 and bought.json()["accepted"] == 1, bought
        s.principal("leaver", "officer", OFFICER_PURPOSES)
        s.principal("stayer", "officer", OFFICER_PURPOSES)
        s.http("PATCH", "/v1/subjects/" + s.other, s.keys["till"], headers=TILL,
               json={"fields": {"first_name": "Eva"}})
        assert s.read(s.other).json()["fields"]["first_name"] == "Eva"
        keep(s, "early")
        s.cli("principal", "revoke", "--controller", "acme", "--name", "leaver")
        assert s.consent(s.ana, "withdraw").status in (200, 201)
        s.cli("policy", "load", os.path.join(os.path.dirname(s.bin), "policies"))
        s.read(s.ana)
        covered(s)
        # Nothing of what the server does meanwhile is held against it.
        done = check(s)
        assert done.returncode == 0 and done.stdout.count("ok ") == 2, done.stdout + done.stderr
        s.stop()
        keep(s, "kept")
        yield s


def names(stack, sql, *words):
    """The deed is found, all of these words are in what is said, and undone it is well."""
    stack.sql("SET session_replication_role = replica;" + sql)
    done = check(stack)
    try:
        assert done.returncode == 1, (sql, done.stdout, done.stderr)
        said = [x for x in done.stdout.split("\n") if x.startswith("WRONG ")]
        assert any(all(w in line for w in words) for line in said), (sql, words, done.stdout)
        assert "%d wrong" % len(said) in done.stdout
    finally:
        put_back(stack, "kept")
    return said


def well(stack):
    done = check(stack)
    assert done.returncode == 0, done.stdout + done.stderr


def last_entry(stack):
    return stack.rows("SELECT entry FROM audit_entry ORDER BY xid DESC, seq DESC LIMIT 1")[0][0]


def test_search_columns(world):
    entry = last_entry(world)
    for column, value in (
            ("actor", "gen_random_uuid()"), ("action", "action + 1"),
            ("purpose", "purpose + 1"), ("decision", "1 - decision"),
            ("recipient", "recipient + 1"), ("time", "time + interval '1 microsecond'")):
        names(world, "UPDATE audit_entry SET %s = %s WHERE entry = '%s'"
              % (column, value, entry), entry, "was changed", column)
    names(world, "UPDATE audit_entry SET controller = controller + 1 WHERE entry = '%s'" % entry,
          entry, "was changed", "controller")
    well(world)


def test_audit_rows(world):
    entry = last_entry(world)
    where = " WHERE entry = '%s'" % entry
    first = world.rows("SELECT entry FROM audit_entry ORDER BY xid, seq LIMIT 1")[0][0]
    names(world, "DELETE FROM audit_entry" + where, entry, "was removed")
    names(world, "UPDATE audit_entry SET leaf = set_byte(leaf, 200, 1 + get_byte(leaf, 200) % 255)"
          + where, entry, "was changed")
    names(world, "INSERT INTO audit_entry OVERRIDING SYSTEM VALUE SELECT xid, 0, gen_random_uuid(),"
          " time, controller, actor, action, purpose, decision, recipient, tag, leaf, leaf_hash"
          " FROM audit_entry" + where, "was added")
    # The first is put behind all others.
    names(world, "UPDATE audit_entry SET xid = (SELECT max(xid) FROM audit_entry), seq = DEFAULT"
          " WHERE entry = '%s'" % first,
          first, "was moved")
    well(world)


def test_consents(world):
    ana, other = world.ana, world.other
    mine = " WHERE subject_id = '%s'" % ana
    names(world, "DELETE FROM consent_event" + mine + " AND sequence = 3",
          ana, "consent event 3 was removed")
    names(world, "DELETE FROM consent_event" + mine + " AND sequence = 1",
          ana, "consent event 1 was removed")
    names(world, "UPDATE consent_event SET sealed = set_byte(sealed, 30,"
          " 1 + get_byte(sealed, 30) % 255)" + mine + " AND sequence = 2",
          ana, "consent event 2 was changed")
    names(world, "UPDATE consent_event SET hash = sha256(hash)" + mine + " AND sequence = 2",
          ana, "consent event 2 was changed")
    names(world, "UPDATE consent_event SET sequence = -sequence" + mine + " AND sequence < 3;"
          "UPDATE consent_event SET sequence = 3 + sequence" + mine + " AND sequence < 0",
          ana, "consent event 1 was changed")
    names(world, "INSERT INTO consent_event SELECT subject_id, 4, sealed, hash"
          " FROM consent_event" + mine + " AND sequence = 2", ana, "consent event 4 was added")
    names(world, "INSERT INTO consent_event SELECT '%s', sequence + 1, sealed, hash FROM"
          " consent_event" % other + mine + " AND sequence = 1", other, "was added")
    well(world)


def test_people(world):
    ana = world.ana
    mine = " WHERE subject_id = '%s'" % ana
    # As they were before they said no, all of it: nothing in it is false by itself.
    said = names(world, "DELETE FROM subject" + mine + "; INSERT INTO subject SELECT * FROM"
                 " early.subject" + mine + "; DELETE FROM consent_event" + mine +
                 "; INSERT INTO consent_event SELECT * FROM early.consent_event" + mine,
                 ana, "was put back")
    withdrawn = world.rows("SELECT entry FROM kept.audit_entry WHERE entry NOT IN"
                           " (SELECT entry FROM early.audit_entry) ORDER BY xid, seq")
    assert any(e in said[0] for (e,) in withdrawn)
    names(world, "DELETE FROM subject" + mine, ana, "was removed")
    # Without a trace in any table but the audit's.
    for who in (ana, world.plain):
        names(world, "".join("DELETE FROM %s WHERE subject_id = '%s';" % (t, who) for t in
                             ("subject", "field_value", "consent_event", "benefit_event")),
              "a person's row was removed", "entry ")
    names(world, "UPDATE subject SET header = set_byte(header, 40, 1 + get_byte(header, 40) % 255)"
          + mine, ana, "does not open")
    names(world, "UPDATE subject SET version = version + 1" + mine, ana, "does not open")
    names(world, "UPDATE subject SET (header, keyset) = (SELECT header, keyset FROM subject"
          " WHERE subject_id = '%s')" % world.other + mine, ana, "does not open")
    # Of those who came by the import too, each is missed.
    imported = world.rows("SELECT subject_id FROM subject WHERE subject_id NOT IN"
                          " ('%s', '%s', '%s')" % (ana, world.other, world.plain))
    said = names(world, "".join("DELETE FROM %s WHERE subject_id NOT IN ('%s', '%s', '%s');"
                                % (t, ana, world.other, world.plain) for t in
                                ("subject", "field_value", "consent_event", "benefit_event")),
                 "a person's row was removed")
    assert len(said) == len(imported) > 0
    well(world)


def test_credentials(world):
    leaver, = world.rows("SELECT credential, principal FROM credential JOIN principal"
                         " USING (principal) WHERE name = 'leaver'")
    stayer, = world.rows("SELECT credential, principal FROM credential JOIN principal"
                         " USING (principal) WHERE name = 'stayer'")
    names(world, "UPDATE credential SET revoked = NULL WHERE credential = '%s'" % leaver[0],
          "credential " + leaver[0], "was changed")
    # The row of before, MAC and all: the key would work again.
    names(world, "DELETE FROM credential WHERE credential = '{0}'; INSERT INTO credential"
          " SELECT * FROM early.credential WHERE credential = '{0}'".format(leaver[0]),
          "credential " + leaver[0], "put back")
    names(world, "DELETE FROM credential WHERE credential = '%s'" % stayer[0],
          "credential " + stayer[0], "was removed")
    names(world, "DELETE FROM principal WHERE principal = '%s'" % stayer[1],
          "principal " + stayer[1], "was removed")
    names(world, "UPDATE principal SET purposes = '*' WHERE principal = '%s'" % stayer[1],
          "principal " + stayer[1], "was changed")
    names(world, "UPDATE principal SET role = 'administrator' WHERE principal = '%s'" % stayer[1],
          "principal " + stayer[1], "was changed")
    made = "00000000-0000-4000-8000-000000000001"
    names(world, "INSERT INTO principal SELECT '%s', controller, 'nobody', role, recipient,"
          " subject_id, purposes, created, mac FROM principal WHERE principal = '%s'"
          % (made, stayer[1]), "principal " + made, "was added")
    names(world, "UPDATE credential SET secret_digest = (SELECT secret_digest FROM credential"
          " WHERE credential = '%s') WHERE credential = '%s'" % (leaver[0], stayer[0]),
          "credential " + stayer[0], "was changed")
    well(world)


def test_policies_controllers_recipients(world):
    names(world, "DELETE FROM policy_version WHERE version = 2", "policy version 2 was removed")
    names(world, "UPDATE policy_version SET bundle = set_byte(bundle, 99, 32) WHERE version = 2",
          "policy version 2 was changed")
    names(world, "UPDATE policy_version SET proposed_by = 'x' WHERE version = 1",
          "policy version 1 was changed")
    names(world, "UPDATE policy_version SET activated = NULL WHERE version = 2",
          "policy version 2 was changed")
    names(world, "INSERT INTO policy_version SELECT 3, bundle, hash, proposed_by, proposed,"
          " activated, mac FROM policy_version WHERE version = 1", "policy version 3 was added")
    names(world, "UPDATE controller SET jurisdiction = 'XX' WHERE name = 'other'",
          "controller 2 was changed")
    names(world, "DELETE FROM controller WHERE name = 'other'", "controller 2 was removed")
    names(world, "UPDATE recipient SET contract_until = NULL, contract = 'C-2' WHERE"
          " name = 'aurora'", "recipient 1 was changed")
    names(world, "DELETE FROM recipient WHERE name = 'boreal'", "recipient 2 was removed")
    well(world)


def test_without_the_root_key(world):
    root = world.state + "/keys/root.key"
    os.rename(root, root + ".away")
    try:
        assert check(world).returncode == 1
        assert "--rows" in check(world).stderr
        done = check(world, "--rows")
        assert done.returncode == 0 and "were not compared" in done.stdout, done.stdout
        world.sql("DELETE FROM audit_entry WHERE entry = '%s'" % last_entry(world))
        done = check(world, "--rows")
        assert done.returncode == 1 and "was removed" in done.stdout
    finally:
        put_back(world, "kept")
        os.rename(root + ".away", root)
    well(world)


def test_a_server_at_work_is_not_accused(own):
    s = own()
    people = [s.person(consents=("personalised_offers",)) for _ in range(4)]
    busy = threading.Event()

    def work(who):
        while not busy.is_set():
            assert s.consent(who, "withdraw").status in (200, 201)
            assert s.consent(who, "give").status in (200, 201)
            s.person(consents=("personalised_offers",))

    threads = [threading.Thread(target=work, args=(p,)) for p in people]
    for t in threads:
        t.start()
    try:
        before = s.entries()
        for i in range(4):
            s.principal("passing-%d" % i, "officer", OFFICER_PURPOSES)
            s.cli("principal", "revoke", "--controller", "acme", "--name", "passing-%d" % i)
            well(s)
        assert s.entries() > before + 8
    finally:
        busy.set()
        for t in threads:
            t.join()
    well(s)


def test_a_checkpoint_about_to_be_published_is_waited_for(own):
    """The server keeps a checkpoint before it publishes it; a check in between waits."""
    s = own()
    s.person()
    covered(s)
    public, keys = s.state + "/log/checkpoint", s.state + "/keys"
    with open(public, "rb") as f:
        old = f.read()
    s.person()
    covered(s)
    s.stop()
    with open(public, "rb") as f:
        new = f.read()
    assert old != new
    fd = os.open(keys, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)              # as within a round
        with open(public, "wb") as f:
            f.write(old)
        p = subprocess.Popen(AS + [s.bin + "/resguardo", "audit", "check", "--state", s.state],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/")
        inode = ":%d " % os.stat(keys).st_ino

        def waits():
            if p.poll() is not None:
                return True
            with open("/proc/locks") as f:
                return any("->" in line and inode in line for line in f)
        until("the check at the lock", waits)
        assert p.poll() is None, p.stdout.read()
        with open(public, "wb") as f:
            f.write(new)
    finally:
        os.close(fd)
    out = p.communicate()[0]
    assert p.returncode == 0, out
