"""P7 and P8: whoever can write to the database, and has no keys, gains nothing."""
import hashlib
import re

import pytest

from stack import STAFF, TILL

HISTORIES = ("field_value", "consent_event", "benefit_event", "event", "audit_entry",
             "subject_change", "release", "release_page", "model", "attachment")


@pytest.mark.parametrize("table", HISTORIES)
def test_histories_only_grow(stack, table):
    """P7: the server's own role may not change or remove what is written."""
    column = stack.sql("SELECT attname FROM pg_attribute WHERE attrelid = '%s'::regclass AND "
                       "attnum = 1" % table)
    for text in ("UPDATE %s SET %s = %s" % (table, column, column), "DELETE FROM %s" % table,
                 "TRUNCATE %s" % table, "DROP TABLE %s" % table,
                 "ALTER TABLE %s DISABLE TRIGGER ALL" % table):
        done = stack.sql(text, role="resguardo_app", check=False)
        assert done.returncode != 0 and re.search("permission denied|must be owner",
                                                  done.stderr), (text, done)


def test_app_cannot_become_another(stack):
    for text in ("SET ROLE resguardo_owner", "SET ROLE postgres", "SET ROLE resguardo_eraser",
                 "CREATE TABLE t (x int)", "COPY subject TO '/tmp/x'",
                 "COPY subject TO PROGRAM 'cat'", "SELECT pg_read_file('/etc/passwd')",
                 "UPDATE credential SET principal = principal",
                 "UPDATE credential SET secret_digest = secret_digest",
                 "UPDATE principal SET role = 'officer'", "DELETE FROM subject",
                 "UPDATE subject SET controller = 2", "UPDATE lookup SET subject_id = subject_id"):
        done = stack.sql(text, role="resguardo_app", check=False)
        assert done.returncode != 0, text


# --- P8: one thing altered, tried, put back ---

class Altered:
    """Alter the database for the length of a test, and put it back."""

    def __init__(self, stack, table, where):
        self.stack, self.table, self.where = stack, table, where

    def __enter__(self):
        self.stack.sql("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM %s "
                       "WHERE %s" % (self.table, self.where))
        return self

    def __exit__(self, *_):
        columns = self.stack.sql(
            "SELECT string_agg(quote_ident(attname), ',') FROM pg_attribute WHERE attrelid = "
            "'%s'::regclass AND attnum > 0" % self.table)
        self.stack.sql("BEGIN; DELETE FROM %s WHERE %s; INSERT INTO %s (%s) OVERRIDING SYSTEM "
                       "VALUE SELECT %s FROM kept; DROP TABLE kept; COMMIT"
                       % (self.table, self.where, self.table, columns, columns))


def flip(column, at):
    """SQL: the column with one bit turned, counted from the end where negative."""
    where = "length(%s) %+d" % (column, at) if at < 0 else str(at)
    return "set_byte(%s, %s, get_byte(%s, %s) # 1)" % (column, where, column, where)


def refused(r, *secrets):
    assert r.status == 500 and r.error == "integrity-failure", r
    for s in secrets:
        assert s not in r.text


FORM = "Rm9ybXVsYXJpby1"         # of each, with the letter of their name
FORMS = {}


@pytest.fixture
def two(stack):
    """Two people who have everything that rows can be about; their calls."""
    out = []
    for name in ("Primera", "Segunda"):
        n = stack.number()
        who = stack.person(first_name=name, last_name="Uno", customer_number="P%06d" % n,
                           consents=["personalised_offers"])
        stack.http("POST", "/v1/subjects/%s/events" % who, stack.keys["till"], {
            "kind": "purchase", "time": "2026-01-01T10:00:00Z", "amount": "77.31",
            "document": "DOC-" + name}, TILL)
        r = stack.http("POST", "/v1/subjects/%s/attachments" % who, stack.keys["till"], {
            "media_type": "text/plain", "content": FORM + name[0]}, TILL)
        FORMS[who] = r.json()["attachment"]
        out.append((who, "P%06d" % n, name))
    return out


def reads(stack, who):
    return stack.read(who, "first_name")


def offers(stack, who):
    return stack.read(who, "first_name", purpose="personalised_offers")


def listed(stack, who):
    return stack.http("GET", "/v1/subjects/%s/events?purpose=customer_care" % who,
                      stack.keys["service"], headers=STAFF)


def bought(stack, who):
    return stack.http("POST", "/v1/subjects/%s/events" % who, stack.keys["till"], {
        "kind": "purchase", "time": "2026-01-02T10:00:00Z", "amount": "1.00",
        "document": "later"}, TILL)


def form(stack, who):
    return stack.http("GET", "/v1/subjects/%s/attachments/%s" % (who, FORMS[who]),
                      stack.keys["officer"], headers=STAFF)


def names(stack, who):
    return stack.consent(who, "give", attachment=FORMS[who])


FLIPS = [("subject", "header", reads), ("subject", "keyset", reads),
         ("subject", "header", offers), ("subject", "activity", bought),
         ("field_value", "sealed", reads), ("event", "sealed", listed),
         ("attachment", "head", form), ("attachment", "sealed", form),
         ("attachment", "head", names)]


@pytest.mark.parametrize("at", [0, 30, -1])
@pytest.mark.parametrize("table, column, use", FLIPS,
                         ids=["%s.%s-%s" % (t, c, u.__name__) for t, c, u in FLIPS])
def test_flipped_bits(stack, two, table, column, use, at):
    who, _, name = two[0]
    where = "subject_id = '%s'" % who
    with Altered(stack, table, where):
        assert stack.sql("UPDATE %s SET %s = %s WHERE %s RETURNING 1" % (
            table, column, flip(column, at), where))
        r = use(stack, who)
        if use is bought and r.status == 200:
            assert r.json()["accepted"] == 0 and \
                r.json()["rejected"][0]["error"] == "integrity-failure", r
        else:
            refused(r, name, "DOC-", FORM)
        assert reads(stack, two[1][0]).status == 200    # harms only itself
    assert use(stack, who).status == 200


SWAPS = [("subject", ("header",), reads), ("subject", ("keyset",), reads),
         ("subject", ("keyset", "header"), reads), ("subject", ("activity",), bought),
         ("subject", ("version", "generation", "keyset", "header", "activity"), reads)]


@pytest.mark.parametrize("table, columns, use", SWAPS,
                         ids=["-".join(c) for _, c, _ in SWAPS])
def test_swapped_rows(stack, two, table, columns, use):
    a, b = two[0][0], two[1][0]
    where = "subject_id IN ('%s', '%s')" % (a, b)
    with Altered(stack, table, where):
        stack.sql("UPDATE subject s SET %s FROM subject o WHERE s.%s AND o.%s AND "
                  "s.subject_id <> o.subject_id" % (
                      ", ".join("%s = o.%s" % (c, c) for c in columns), where, where))
        for who, name in ((a, "Primera"), (b, "Segunda")):
            r = use(stack, who)
            if use is bought and r.status == 200:
                assert r.json()["accepted"] == 0, r
            else:
                refused(r, "Primera", "Segunda")
    assert use(stack, a).status == 200


def test_swapped_fields(stack, two):
    """Between two people, and between two fields of one."""
    a, b = two[0][0], two[1][0]
    where = "subject_id IN ('%s', '%s') AND field = 1" % (a, b)
    with Altered(stack, "field_value", where):
        stack.sql("UPDATE field_value s SET sealed = o.sealed FROM field_value o WHERE s.%s "
                  "AND o.%s AND s.subject_id <> o.subject_id"
                  % (where.replace("AND field", "AND s.field"),
                     where.replace("AND field", "AND o.field")))
        refused(reads(stack, a), "Primera", "Segunda")
    where = "subject_id = '%s' AND field IN (1, 2)" % a
    with Altered(stack, "field_value", where):
        stack.sql("UPDATE field_value s SET sealed = o.sealed FROM field_value o WHERE "
                  "s.subject_id = '%s' AND o.subject_id = s.subject_id AND s.field IN (1, 2) "
                  "AND o.field = 3 - s.field" % a)
        refused(reads(stack, a), "Primera", "Uno")


def test_swapped_events(stack, two):
    a, b = two[0][0], two[1][0]
    where = "subject_id IN ('%s', '%s')" % (a, b)
    with Altered(stack, "event", where):
        stack.sql("UPDATE event s SET sealed = o.sealed FROM event o WHERE s.%s AND o.%s AND "
                  "s.subject_id <> o.subject_id" % (where, where))
        refused(listed(stack, a), "DOC-")


@pytest.mark.parametrize("columns", [("head",), ("sealed",), ("head", "sealed")],
                         ids=lambda c: "-".join(c))
def test_swapped_attachments(stack, two, columns):
    """Between two people, and between two of one; taken away or moved, too."""
    (a, _, _), (b, _, _) = two
    mine = FORMS[a]
    r = stack.http("POST", "/v1/subjects/%s/attachments" % a, stack.keys["till"], {
        "media_type": "text/plain", "content": FORM + "X"}, TILL)
    for other in (FORMS[b], r.json()["attachment"]):
        where = "attachment IN ('%s', '%s')" % (mine, other)
        with Altered(stack, "attachment", where):
            stack.sql("UPDATE attachment s SET %s FROM attachment o WHERE s.%s AND o.%s AND "
                      "s.attachment <> o.attachment" % (
                          ", ".join("%s = o.%s" % (c, c) for c in columns), where, where))
            refused(form(stack, a), FORM)
            if columns != ("sealed",):
                refused(names(stack, a))
                # A no is taken all the same, and names nothing.
                assert stack.consent(a, "withdraw", attachment=mine).status == 200
    with Altered(stack, "attachment", "attachment = '%s'" % mine):
        stack.sql("UPDATE attachment SET sealed = head WHERE attachment = '%s'" % mine)
        refused(form(stack, a), FORM)
    assert form(stack, a).json()["content"] == FORM + "P"


def test_attachment_taken_away(stack, two):
    """What a consent names was there: nobody is told that it never was."""
    (a, _, _), (b, _, _) = two
    assert names(stack, a).status == 200
    unnamed = stack.http("POST", "/v1/subjects/%s/attachments" % a, stack.keys["till"], {
        "media_type": "text/plain", "content": FORM + "X"}, TILL).json()["attachment"]
    with Altered(stack, "attachment", "subject_id = '%s'" % a):
        stack.sql("DELETE FROM attachment WHERE subject_id = '%s'" % a)
        refused(form(stack, a), FORM)
        r = stack.http("GET", "/v1/subjects/%s/attachments/%s" % (a, unnamed),
                       stack.keys["officer"], headers=STAFF)
        assert (r.status, r.error) == (404, "not-found"), r
        # Given to another it is theirs no more than before.
        stack.sql("INSERT INTO attachment SELECT '%s', attachment, head, sealed FROM kept "
                  "WHERE attachment = '%s'" % (b, FORMS[a]))
        refused(stack.http("GET", "/v1/subjects/%s/attachments/%s" % (b, FORMS[a]),
                           stack.keys["officer"], headers=STAFF), FORM)
        refused(stack.consent(b, "give", attachment=FORMS[a]))
        stack.sql("DELETE FROM attachment WHERE subject_id = '%s' AND attachment = '%s'"
                  % (b, FORMS[a]))
    assert form(stack, a).status == 200


def test_old_value_put_back(stack, two):
    """The newest version removed, or an older one presented as the newest."""
    who = two[0][0]
    r = stack.http("PATCH", "/v1/subjects/" + who, stack.keys["till"],
                   {"fields": {"first_name": "Nueva"}}, TILL)
    assert r.status == 200
    where = "subject_id = '%s' AND field = 1" % who
    with Altered(stack, "field_value", where):
        stack.sql("DELETE FROM field_value WHERE %s AND version = (SELECT max(version) FROM "
                  "field_value WHERE %s)" % (where, where))
        refused(reads(stack, who), "Primera")
    with Altered(stack, "field_value", where):
        stack.sql("UPDATE field_value n SET sealed = o.sealed FROM field_value o WHERE n.%s "
                  "AND o.subject_id = n.subject_id AND o.field = 1 AND n.version > o.version"
                  % where.replace("AND field", "AND n.field"))
        refused(reads(stack, who), "Primera")
    with Altered(stack, "field_value", where):
        stack.sql("DELETE FROM field_value WHERE " + where)
        refused(reads(stack, who))
    assert reads(stack, who).json()["fields"]["first_name"] == "Nueva"


def old_person(stack, who, what):
    """Put `what` of the row from before a withdrawal back; the answer then."""
    where = "subject_id = '%s'" % who
    assert offers(stack, who).status == 200
    stack.sql("DROP TABLE IF EXISTS before; CREATE TABLE before AS SELECT * FROM subject WHERE "
              + where)
    assert stack.consent(who, "withdraw").status == 200
    assert offers(stack, who).error == "no-live-consent"
    with Altered(stack, "subject", where):
        stack.sql("UPDATE subject s SET %s FROM before b WHERE s.%s AND b.subject_id = "
                  "s.subject_id" % (", ".join("%s = b.%s" % (c, c) for c in what), where))
        r = offers(stack, who)
    stack.sql("DROP TABLE before")
    return r


def test_old_header_put_back(stack, two):
    refused(old_person(stack, two[0][0], ("header",)), "Primera")


def test_old_row_put_back_whole(stack, two):
    """The ledger has gone on since: a consent that it withdrew is not given back."""
    refused(old_person(stack, two[0][0], ("header", "version")), "Primera")


def test_credential_copied(stack):
    """A row with another id, role, term or principal is nobody's credential."""
    name = "till-%d" % stack.number()
    key = stack.principal(name, "till", ("loyalty_account",))
    who = stack.person(first_name="Guardada")
    assert reads_with(stack, who, key).status == 200
    cred = stack.sql("SELECT credential FROM credential JOIN principal p USING (principal) "
                     "WHERE p.name = '%s'" % name)
    # A key made up by whoever inserts the row: the digest needs the server's key.
    forged_id = "00000000-0000-4000-8000-00000000f0ad"
    stack.sql("INSERT INTO credential SELECT '%s', principal, secret_digest, created, expires, "
              "revoked, mac FROM credential WHERE credential = '%s'" % (forged_id, cred))
    raw = bytes.fromhex(forged_id.replace("-", "")) + bytes.fromhex(key[5 + 32:5 + 96])
    forged = "rsgk_" + raw.hex() + hashlib.sha256(b"rsgk_" + raw).hexdigest()[:8]
    r = reads_with(stack, who, forged)
    assert (r.status, r.error) == (401, "unauthenticated"), r
    for change in ("expires = now() + interval '10 years'", "created = created - interval '1 d'",
                   "secret_digest = %s" % flip("secret_digest", 3), "mac = %s" % flip("mac", 3),
                   "principal = (SELECT principal FROM principal WHERE name = 'officer')"):
        with Altered(stack, "credential", "credential = '%s'" % cred):
            stack.sql("UPDATE credential SET %s WHERE credential = '%s'" % (change, cred))
            r = reads_with(stack, who, key)
            assert (r.status, r.error) == (401, "unauthenticated"), (change, r)
        assert reads_with(stack, who, key).status == 200    # put right, it is good again
    principal = "name = '%s'" % name
    stack.sql("CREATE TABLE kept_p AS SELECT * FROM principal WHERE " + principal)
    for change in ("role = 'officer'", "purposes = 'loyalty_account,oversight'",
                   "controller = (SELECT controller FROM controller WHERE name = 'other')",
                   "subject_id = '%s'" % who,
                   "recipient = (SELECT min(recipient) FROM recipient)"):
        stack.sql("UPDATE principal SET %s WHERE %s" % (change, principal))
        r = reads_with(stack, who, key)
        assert (r.status, r.error) == (401, "unauthenticated"), (change, r)
        stack.sql("UPDATE principal p SET role = k.role, purposes = k.purposes, controller = "
                  "k.controller, subject_id = k.subject_id, recipient = k.recipient FROM kept_p "
                  "k WHERE p.principal = k.principal")
        assert reads_with(stack, who, key).status == 200
    stack.sql("DROP TABLE kept_p")
    # Revoked, and the revocation taken away.
    stack.cli("principal", "revoke", "--controller", "acme", "--name", name)
    assert reads_with(stack, who, key).error == "credential-revoked"
    stack.sql("UPDATE credential SET revoked = NULL WHERE credential = '%s'" % cred)
    assert reads_with(stack, who, key).status == 401
    # Removed: what is remembered of it counts for nothing.
    stack.sql("DELETE FROM credential WHERE credential = '%s'" % cred)
    assert reads_with(stack, who, key).status == 401


def reads_with(stack, who, key):
    return stack.read(who, "first_name", key=key)


def test_lookup_repointed(stack, two):
    (a, number_a, _), (b, number_b, _) = two

    def look(value):
        return stack.http("POST", "/v1/subjects/lookup", stack.keys["till"], headers=TILL,
                          json={"field": "customer_number", "value": value,
                                "purpose": "loyalty_account"})
    assert look(number_a).json()["matches"][0]["subject"] == a
    where = "field = 6 AND subject_id IN ('%s', '%s')" % (a, b)
    with Altered(stack, "lookup", where):
        stack.sql("UPDATE lookup SET subject_id = '%s' WHERE field = 6 AND subject_id = '%s'"
                  % (b, a))
        refused(look(number_a), b)
    with Altered(stack, "lookup", where):       # the two exchanged
        stack.sql("UPDATE lookup l SET subject_id = CASE l.subject_id WHEN '%s' THEN '%s'::uuid "
                  "ELSE '%s'::uuid END WHERE %s" % (a, b, a, where))
        for value in (number_a, number_b):
            refused(look(value), a, b)
        # Nor does an import or an event by number reach the wrong person.
        r = stack.http("POST", "/v1/events", stack.keys["till"],
                       raw=('{"lookup_field": "customer_number", "lookup_value": "%s", "kind": '
                            '"purchase", "time": "2026-03-01T10:00:00Z", "amount": "1.00"}'
                            % number_a).encode(),
                       headers=dict(TILL, **{"Content-Type": "application/x-ndjson"}))
        assert r.status == 500 or r.json()["accepted"] == 0, r
    assert look(number_a).json()["matches"][0]["subject"] == a


def test_audit_leaf(stack):
    who = stack.person()
    entry = stack.read(who).json()["audit_entry"]
    path = "/v1/audit?subject=" + who
    assert stack.http("GET", path, stack.keys["officer"]).status == 200
    where = "entry = '%s'" % entry
    other = "entry = '%s'" % stack.read(who).json()["audit_entry"]
    stack.logged()
    for change in ("leaf = " + flip("leaf", 20), "leaf = " + flip("leaf", -1),
                   "leaf_hash = " + flip("leaf_hash", 0),
                   "leaf = (SELECT leaf FROM audit_entry WHERE %s), leaf_hash = (SELECT "
                   "leaf_hash FROM audit_entry WHERE %s)" % (other, other)):
        with Altered(stack, "audit_entry", where):
            stack.sql("UPDATE audit_entry SET %s WHERE %s" % (change, where))
            refused(stack.http("GET", path, stack.keys["officer"]))
    assert stack.http("GET", path, stack.keys["officer"]).status == 200


def test_consent_history(stack, two):
    """The ledger's rows are chained, and the header holds the head.

    Reads do not read the ledger; the chain is what an audit looks at. A row
    put in or taken out is no grant: only the sealed header grants.
    """
    who = two[0][0]
    assert stack.consent(who, "withdraw").status == 200
    where = "subject_id = '%s'" % who
    with Altered(stack, "consent_event", where):
        stack.sql("DELETE FROM consent_event WHERE %s AND sequence = 2" % where)
        assert offers(stack, who).status in (403, 500)
    with Altered(stack, "consent_event", where):
        stack.sql("INSERT INTO consent_event SELECT subject_id, 3, sealed, hash FROM "
                  "consent_event WHERE %s AND sequence = 1" % where)
        assert offers(stack, who).status in (403, 500)


def test_service_key_and_policy(own):
    """A service key or a policy put in from elsewhere is not taken at a start."""
    stack = own()
    stack.stop()
    stack.sql("UPDATE service_key SET wrapped = %s WHERE service = 4" % flip("wrapped", 40))
    with pytest.raises(RuntimeError):
        stack.serve()
    stack.sql("UPDATE service_key SET wrapped = %s WHERE service = 4" % flip("wrapped", 40))
    stack.serve()
    stack.stop()
    stack.sql("UPDATE policy_version SET bundle = convert_to(replace(convert_from(bundle, "
              "'UTF8'), 'masked', 'clear'), 'UTF8')")
    with pytest.raises(RuntimeError):
        stack.serve()
