"""Audited reads over TLS against pgbench running the same statements.

The yardstick has tables of its own with the same columns, indexes, grants of
width and rows; only the ids are made from a number, so that pgbench can choose
a person without asking the database for one. Each of its transactions is an
explicit BEGIN ... COMMIT of what one request costs us: credential, person, six
fields, policy, audit entry, and the look whether the person changed.
"""
import common as c

FIELDS = "first_name,last_name,email,phone,card_number,customer_number"
ID = "ARRAY[md5(:n::text)::uuid]"


def yardstick_tables():
    c.psql("""
DROP SCHEMA IF EXISTS yard CASCADE;
CREATE SCHEMA yard;
CREATE TABLE yard.subject (LIKE public.subject INCLUDING ALL);
CREATE TABLE yard.field_value (LIKE public.field_value INCLUDING ALL);
CREATE TABLE yard.consent_event (LIKE public.consent_event INCLUDING ALL);
CREATE TABLE yard.benefit_event (LIKE public.benefit_event INCLUDING ALL);
CREATE TABLE yard.audit_entry (LIKE public.audit_entry INCLUDING ALL);
CREATE TEMP TABLE ids AS SELECT subject_id,
  md5(row_number() OVER ()::text)::uuid AS id FROM public.subject;
INSERT INTO yard.subject SELECT i.id, s.controller, s.version, s.generation,
  s.keyset, s.header, s.activity FROM public.subject s JOIN ids i USING (subject_id);
INSERT INTO yard.field_value SELECT i.id, v.field, v.version, v.sealed
  FROM public.field_value v JOIN ids i USING (subject_id) ORDER BY i.id;
INSERT INTO yard.consent_event SELECT i.id, e.sequence, e.sealed, e.hash
  FROM public.consent_event e JOIN ids i USING (subject_id) ORDER BY i.id;
INSERT INTO yard.benefit_event SELECT i.id, e.sequence, e.sealed, e.hash
  FROM public.benefit_event e JOIN ids i USING (subject_id) ORDER BY i.id;
ANALYZE yard.subject; ANALYZE yard.field_value;
CHECKPOINT;
""")
    return int(c.psql("SELECT count(*) FROM yard.subject"))


def script(people):
    """One transaction, with the leaf of a real entry as the row to write."""
    credential = c.rows("SELECT credential FROM credential LIMIT 1")[0][0]
    numbers = ",".join(n for (n,) in c.rows(
        "SELECT DISTINCT field FROM field_value ORDER BY field LIMIT 6"))
    leaf = c.rows("SELECT encode(leaf, 'hex') FROM audit_entry WHERE tag IS NOT NULL"
                  " ORDER BY seq DESC LIMIT 1")[0][0]
    return f"""\\set n random(1, {people})
BEGIN;
SELECT c.credential, c.principal, c.secret_digest, c.created, c.expires, c.revoked, c.mac,
  p.controller, p.name, p.role, p.recipient, p.subject_id, p.purposes, p.created, p.mac,
  r.controller, r.name, r.title, r.country, r.contract, r.contract_until, r.epoch, r.mac
  FROM credential c JOIN principal p USING (principal) LEFT JOIN recipient r USING (recipient)
  WHERE c.credential = ANY (ARRAY['{credential}'::uuid]);
SELECT subject_id, controller, version, generation, keyset, header, activity,
  (SELECT max(sequence) FROM yard.consent_event c WHERE c.subject_id = s.subject_id),
  (SELECT max(sequence) FROM yard.benefit_event b WHERE b.subject_id = s.subject_id)
  FROM yard.subject s WHERE subject_id = ANY ({ID});
SELECT s.id, f.no, v.version, v.sealed FROM unnest({ID}) AS s (id)
  CROSS JOIN unnest(ARRAY[{numbers}]::smallint[]) AS f (no)
  CROSS JOIN LATERAL (SELECT version, sealed FROM yard.field_value
  WHERE subject_id = s.id AND field = f.no ORDER BY version DESC LIMIT 1) v;
SELECT version FROM policy_version WHERE activated IS NOT NULL ORDER BY version DESC LIMIT 1;
INSERT INTO yard.audit_entry (seq, entry, time, controller, actor, action, purpose, decision,
  recipient, tag, leaf, leaf_hash) OVERRIDING SYSTEM VALUE
  VALUES (nextval('audit_entry_seq_seq'), gen_random_uuid(), now(), 1, '{credential}', 2, 1,
  1, 0, sha256(uuid_send(gen_random_uuid())), '\\x{leaf}', sha256(uuid_send(gen_random_uuid())));
SELECT q.subject_id FROM unnest({ID}, ARRAY[1::bigint]) AS q (subject_id, version)
  LEFT JOIN yard.subject s USING (subject_id) WHERE s.version IS DISTINCT FROM q.version;
COMMIT;
"""


def main():
    people = yardstick_tables()
    targets = f"{c.STATE}/run/targets"
    c.run("tee", targets, stdin="".join(
        f"GET /v1/subjects/{i}?purpose=loyalty_account&fields={FIELDS}\n"
        for (i,) in c.rows("SELECT subject_id FROM subject")))
    headers = (f"Authorization: Bearer {c.keys()['till']}", "Resguardo-Place: store-1")
    c.load(64, targets, *headers, seconds=2)
    sql = script(people)
    c.pgbench(sql, 64, seconds=2)
    for connections in (64, 16, 1):
        # Interleaved, so that a noisy minute is noisy for both.
        ours, yard, p50, p99 = [], [], [], []
        for _ in range(3):
            yard.append(c.pgbench(sql, connections, max(2, c.SECONDS // 2)))
            r = c.load(connections, targets, *headers, seconds=max(2, c.SECONDS // 2))
            ours.append(r["rate"])
            p50.append(r["p50_us"])
            p99.append(r["p99_us"])
        mid = sorted(range(3), key=lambda i: ours[i] / yard[i])[1]
        c.figure(f"reads/{connections}", ours[mid], yard[mid], "requests/s",
                 f"With {connections} connections, one audited read of six sealed fields "
                 "over TLS for each transaction that pgbench makes of the same statements.",
                 p50_us=p50[mid], p99_us=p99[mid],
                 resident_mib=c.resident())


main()
