"""P2: nothing is released, and nothing denied, unless its entry is committed first."""
import os
import subprocess

import pytest

import shop
from refuse import problem
from stack import STAFF, TILL, UID, GID, until


@pytest.fixture(scope="module")
def shopful():
    """A server with people, a model, and one call of each kind."""
    from stack import Stack
    with Stack.start() as s:
        shop.fill(s, 200)
        s.who = s.person(first_name="Reservada", consents=["personalised_offers"])
        s.model = s.http("POST", "/v1/models", s.keys["tool"],
                         {"purpose": "segmentation", "as_of": "2026-07-01"}).json()["model"]
        yield s


def calls(s):
    one = "/v1/subjects/" + s.who
    k = s.keys
    yield "read", ("GET", one + "?purpose=loyalty_account&fields=first_name", k["till"], None, TILL)
    yield "denial", ("GET", one + "?purpose=customer_care", k["service"], None, {})
    yield "no consent", ("GET", one + "?purpose=marketing", k["till"], None, dict(TILL, **STAFF))
    yield "not registered", ("GET", one + "?purpose=rewards", k["till-narrow"], None, TILL)
    yield "not found", ("GET", one + "?purpose=loyalty_account", k["till-other"], None, TILL)
    yield "lookup", ("POST", "/v1/subjects/lookup", k["till"], {
        "field": "customer_number", "value": "S000001", "purpose": "loyalty_account"}, TILL)
    yield "consents", ("GET", one + "/consents", k["till"], None, TILL)
    yield "events", ("GET", one + "/events?purpose=customer_care", k["service"], None, STAFF)
    yield "create", ("POST", "/v1/subjects", k["till"], {"fields": {"first_name": "Eva"}}, TILL)
    yield "change", ("PATCH", one, k["till"], {"fields": {"first_name": "Eva"}}, TILL)
    yield "consent", ("POST", one + "/consents", k["till"],
                      {"purpose": "segmentation", "decision": "give"}, TILL)
    yield "event", ("POST", one + "/events", k["till"], {
        "kind": "purchase", "time": "2026-01-09T10:00:00Z", "amount": "9.99",
        "document": "P2"}, TILL)
    yield "members", ("GET", "/v1/members?purpose=segmentation&model=" + s.model, k["tool"],
                      None, {})
    yield "fit", ("POST", "/v1/models", k["tool"], {"purpose": "segmentation"}, {})
    yield "models", ("GET", "/v1/models", k["tool"], None, {})
    yield "audit", ("GET", "/v1/audit?limit=5", k["officer"], None, {})
    yield "own log", ("GET", "/v1/audit?subject=" + s.who, k["officer"], None, {})
    yield "explain", ("POST", "/v1/policy/explain", k["officer"], {
        "role": "till", "action": "read", "purpose": "loyalty_account"}, {})


def nothing_leaves(s, also=()):
    """Each call fails, by one of the errors of a server that cannot (or `also`)."""
    before, entries = s.shape(), s.entries()
    for name, (method, path, key, body, headers) in calls(s):
        r = s.http(method, path, key, body, headers)
        assert r.error in ("unavailable", "internal") + tuple(also), (name, r)
        if r.status == 503:
            assert int(r.headers["Retry-After"]) >= 1
        for word in ("Reservada", "pseudonym", '"fields"', '"matches"', '"entries":[{',
                     "cuts_", "grants"):
            assert word not in r.text, (name, r)
        assert "Resguardo-Audit-Entry" not in r.headers, (name, r)
    assert s.shape() == before and s.entries() == entries


def all_well(s):
    until("an answer", lambda: s.read(s.who).status == 200)
    for name, (method, path, key, body, headers) in calls(s):
        r = s.http(method, path, key, body, headers)
        assert r.status < 500, (name, r)


def test_audit_insert_revoked(shopful):
    s = shopful
    all_well(s)
    s.sql("REVOKE INSERT ON audit_entry FROM resguardo_app")
    try:
        nothing_leaves(s)
    finally:
        s.sql("GRANT INSERT ON audit_entry TO resguardo_app")
    all_well(s)


def test_audit_fails_at_commit(shopful):
    """The latest of all failures: when everything was sent and only commit was left."""
    s = shopful
    s.sql("CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION "
          "USING ERRCODE = '58030', MESSAGE = 'late'; END$$;"
          "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_entry DEFERRABLE INITIALLY "
          "DEFERRED FOR EACH ROW EXECUTE FUNCTION late()")
    try:
        nothing_leaves(s)
    finally:
        s.sql("DROP TRIGGER late ON audit_entry; DROP FUNCTION late()")
    all_well(s)


def test_audit_refused_as_data(shopful):
    """A check that fails: a kind of error that is otherwise the request's own."""
    s = shopful
    s.sql("ALTER TABLE audit_entry ADD CONSTRAINT never CHECK (seq < 0) NOT VALID")
    try:
        nothing_leaves(s, also=("bad-value",))
    finally:
        s.sql("ALTER TABLE audit_entry DROP CONSTRAINT never")
    all_well(s)


def test_one_bad_entry_harms_only_itself(shopful):
    """Among many at once, one whose entry cannot be written: the others are served."""
    import threading
    from stack import Client
    s = shopful
    actor = s.sql("SELECT principal FROM principal WHERE name = 'till-narrow'")
    s.sql("ALTER TABLE audit_entry ADD CONSTRAINT never CHECK (actor <> '%s') NOT VALID" % actor)
    out = {"till": [], "till-narrow": []}

    def run(name):
        c = Client(s)
        for _ in range(30):
            out[name].append(c("GET", "/v1/subjects/%s?purpose=loyalty_account&fields=first_name"
                               % s.who, s.keys[name], headers=TILL))
        c.close()
    try:
        threads = [threading.Thread(target=run, args=(n,)) for n in list(out) * 3]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        s.sql("ALTER TABLE audit_entry DROP CONSTRAINT never")
    assert {r.status for r in out["till"]} == {200}, {r.status: r for r in out["till"]}
    for r in out["till-narrow"]:
        assert r.status in (500, 503) and "fields" not in r.json(), r


def test_read_only_database(shopful):
    s = shopful
    s.sql("ALTER DATABASE resguardo SET default_transaction_read_only = on")
    s.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = "
          "'resguardo_app'")
    try:
        nothing_leaves(s)
    finally:
        s.sql("BEGIN READ WRITE; ALTER DATABASE resguardo RESET default_transaction_read_only; "
              "COMMIT")
        s.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = "
              "'resguardo_app'")
    all_well(s)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to make a small file system")
def test_full_disk(own):
    """No room for the entry, no answer; with room again, without a restart."""
    s = own(serve=False)
    s.postgres_stop()
    data, small = s.state + "/postgres", s.home + "/small"
    os.mkdir(small)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=700,uid=%d,gid=%d"
                           % (UID, GID), "none", small], capture_output=True, text=True)
    if done.returncode != 0:
        print("SKIPPED: no tmpfs can be mounted here: " + done.stderr)
        pytest.skip("no tmpfs can be mounted here: " + done.stderr)
    try:
        subprocess.run(["cp", "-a", data, small + "/postgres"], check=True)
        subprocess.run(["rm", "-rf", data], check=True)
        os.symlink(small + "/postgres", data)
        s.postgres_start("max_wal_size=32MB", "min_wal_size=32MB", "wal_recycle=off")
        s.serve()
        s.who = s.person(first_name="Reservada")
        assert s.read(s.who).status == 200
        filler = os.open(small + "/filler", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(filler, b"\0" * 65536)
        except OSError:
            pass
        os.close(filler)
        # Room that PostgreSQL already had is used up first; then it is over.
        last = None
        for i in range(20000):
            r = s.http("POST", "/v1/subjects", s.keys["till"], {"fields": {
                "first_name": "Llena", "street": "x" * 190}}, TILL)
            if r.status != 201:
                last = r
                break
        assert last is not None and last.status == 503, last
        problem(last, 503, "unavailable")
        r = s.read(s.who)
        assert r.status == 503 or r.status == 200, r
        if r.status == 200:         # then its entry is there
            assert s.sql("SELECT 1 FROM audit_entry WHERE entry = '%s'"
                         % r.json()["audit_entry"]) == "1"
        os.unlink(small + "/filler")

        def back():
            if s.postmaster.poll() is not None:     # PostgreSQL gives up where WAL has no room
                s.postmaster = None
                subprocess.run(["rm", "-f", data + "/postmaster.pid"], check=True)
                s.postgres_start()
            return s.http("POST", "/v1/subjects", s.keys["till"],
                          {"fields": {"first_name": "Llena"}}, TILL).status == 201
        until("room again", back)
        assert s.read(s.who).json()["fields"]["first_name"] == "Reservada"
        people = s.sql("SELECT count(*) FROM subject")
        assert int(people) >= 2
    finally:
        s.stop()
        s.postgres_stop("immediate")
        subprocess.run(["umount", "-l", small])
