"""Consents over TLS against pgbench running the same statements; the state of
somebody with a long history; and a report over all histories.

The yardstick has tables of its own with the same columns, indexes and rows, as
in reads.py. Each of its transactions is an explicit BEGIN ... COMMIT of what
one consent costs us: credential, person locked, policy, the lock against
releases, event, header, change, audit entry.
"""
import json

import common as c

ID = "ARRAY[md5(:n::text)::uuid]"


def notice():
    """What the demo shows people, as a consent has to name it."""
    got = json.loads(c.run("curl", "-sS", "--cacert", f"{c.STATE}/tls/ca.pem", "-H",
                           f"Authorization: Bearer {c.keys()['till']}", "-H",
                           "Resguardo-Place: store-1",
                           f"https://localhost:{c.PORT}/v1/notices"))
    for n in got["notices"]:
        if n["in_force"] and "marketing" in n["voluntary"]:
            return {"notice": n["notice"], "notice_version": n["version"],
                    "language": n["language"]}
    raise SystemExit("bench: the demo has no notice about marketing")


def line(who, shown):
    body = dict(shown, purpose="marketing", channel="email", decision="give",
                method="button")
    return f"POST /v1/subjects/{who}/consents\t{json.dumps(body)}\n"


def targets(name, text):
    path = f"{c.STATE}/run/{name}"
    c.run("tee", path, stdin=text)
    return path


def yardstick_tables():
    c.psql("""
DROP SCHEMA IF EXISTS yard CASCADE;
CREATE SCHEMA yard;
CREATE TABLE yard.subject (LIKE public.subject INCLUDING ALL);
CREATE TABLE yard.consent_event (LIKE public.consent_event INCLUDING ALL);
CREATE TABLE yard.subject_change (LIKE public.subject_change INCLUDING ALL);
CREATE TABLE yard.audit_entry (LIKE public.audit_entry INCLUDING ALL);
INSERT INTO yard.subject SELECT md5(row_number() OVER ()::text)::uuid, s.controller,
  s.version, s.generation, s.keyset, s.header, s.activity FROM public.subject s;
ANALYZE yard.subject;
CHECKPOINT;
""")
    return int(c.psql("SELECT count(*) FROM yard.subject"))


def script(people):
    credential = c.rows("SELECT credential FROM credential LIMIT 1")[0][0]
    leaf = c.rows("SELECT encode(leaf, 'hex') FROM audit_entry WHERE tag IS NOT NULL"
                  " ORDER BY seq DESC LIMIT 1")[0][0]
    sealed = c.rows("SELECT encode(sealed, 'hex') FROM consent_event ORDER BY"
                    " length(sealed) DESC LIMIT 1")[0][0]
    header = c.rows("SELECT encode(header, 'hex') FROM subject LIMIT 1")[0][0]
    return f"""\\set n random(1, {people})
BEGIN;
SELECT c.credential, c.principal, c.secret_digest, c.created, c.expires, c.revoked, c.mac,
  p.controller, p.name, p.role, p.recipient, p.subject_id, p.purposes, p.created, p.mac,
  r.controller, r.name, r.title, r.country, r.contract, r.contract_until, r.epoch, r.mac
  FROM credential c JOIN principal p USING (principal) LEFT JOIN recipient r USING (recipient)
  WHERE c.credential = ANY (ARRAY['{credential}'::uuid]);
SELECT subject_id, controller, version, generation, keyset, header, activity
  FROM yard.subject WHERE subject_id = ANY ({ID}) ORDER BY subject_id FOR UPDATE;
SELECT version FROM policy_version WHERE activated IS NOT NULL ORDER BY version DESC LIMIT 1;
SELECT pg_advisory_xact_lock_shared(77002);
INSERT INTO yard.consent_event (subject_id, sequence, sealed, hash)
  SELECT id, coalesce((SELECT max(sequence) FROM yard.consent_event WHERE subject_id = id), 0)
  + 1, '\\x{sealed}', sha256(uuid_send(id)) FROM unnest({ID}) AS q (id);
UPDATE yard.subject s SET version = s.version + 1, header = '\\x{header}'
  FROM unnest({ID}) AS q (id) WHERE s.subject_id = q.id;
INSERT INTO yard.subject_change (subject_id) SELECT id FROM unnest({ID}) AS q (id)
  ON CONFLICT DO NOTHING;
INSERT INTO yard.audit_entry (seq, entry, time, controller, actor, action, purpose, decision,
  recipient, tag, leaf, leaf_hash) OVERRIDING SYSTEM VALUE
  VALUES (nextval('audit_entry_seq_seq'), gen_random_uuid(), now(), 1, '{credential}', 5, 1,
  1, 0, sha256(uuid_send(gen_random_uuid())), '\\x{leaf}', sha256(uuid_send(gen_random_uuid())));
COMMIT;
"""


def writing(headers, shown):
    ids = [i for (i,) in c.rows("SELECT subject_id FROM subject")]
    path = targets("consents", "".join(line(i, shown) for i in ids))
    c.load(64, path, *headers, seconds=2)
    sql = script(yardstick_tables())
    c.pgbench(sql, 64, seconds=2)
    ours, yard, p99 = [], [], []
    for _ in range(3):          # interleaved: a noisy minute is noisy for both
        yard.append(c.pgbench(sql, 64, max(2, c.SECONDS // 2)))
        r = c.load(64, path, *headers, seconds=max(2, c.SECONDS // 2))
        ours.append(r["rate"])
        p99.append(r["p99_us"])
    mid = sorted(range(3), key=lambda i: ours[i] / yard[i])[1]
    c.figure("consent/64", ours[mid], yard[mid], "consents/s",
             "With 64 connections, one consent written over TLS for each transaction that "
             "pgbench makes of the same statements.", p99_us=p99[mid])


def fresh(headers):
    """Somebody new, of whom nothing was said."""
    out = c.run("curl", "-sS", "--cacert", f"{c.STATE}/tls/ca.pem", *sum(
        (["-H", h] for h in headers), []), "-H", "Content-Type: application/json", "-d",
        '{"fields":{"first_name":"Ana"}}', f"https://localhost:{c.PORT}/v1/subjects")
    return json.loads(out)["subject"]


def reading(headers, shown):
    """One scan of the header each, whatever stands behind it."""
    paths, rates = {}, {5: [], 1000: []}
    for events in rates:
        who = fresh(headers)
        path = targets(f"history-{events}", line(who, shown))
        have = 0
        while have < events:    # one at a time, until that many are there
            c.run(f"{c.BUILD}/bench_load", "--port", c.PORT, "--ca",
                  f"{c.STATE}/tls/ca.pem", "--connections", 1, "--warmup", 0, "--requests",
                  events - have, "--targets", path, *sum((["--header", h] for h in headers), []),
                  check=False)
            have = int(c.psql(f"SELECT count(*) FROM consent_event WHERE subject_id = '{who}'"))
        paths[events] = targets(f"state-{events}", f"GET /v1/subjects/{who}/consents\n")
    # A thousand consents come over years: between them the versions of the row
    # that nobody sees any more are swept up, as autovacuum does in its time.
    c.psql("VACUUM subject")
    for _ in range(5):          # interleaved, as above
        for events, path in paths.items():
            rates[events].append(c.load(16, path, *headers, seconds=max(1, c.SECONDS // 5))["rate"])
    rate = {events: sorted(r)[2] for events, r in rates.items()}
    c.figure("consent/state", rate[1000], rate[5], "requests/s",
             "The state of a person with 1,000 consent events, read as often as that of one "
             "with 5 (after VACUUM).")


def reporting():
    """All histories, each event opened and its chain followed, against reading them."""
    events = int(c.psql("SELECT count(*) FROM consent_event"))
    ours = sorted(c.timed(c.resguardo, "report", "consent-history", "--controller", "demo")[0]
                  for _ in range(3))[1]
    yard = sorted(c.timed(c.psql, "COPY (SELECT s.*, e.* FROM subject s LEFT JOIN consent_event e"
                          " USING (subject_id) ORDER BY s.subject_id, e.sequence)"
                          " TO '/dev/null' (FORMAT binary)")[0] for _ in range(3))[1]
    c.figure("consent/report", events / ours, events / yard, "events/s",
             "A report over every sealed history, for PostgreSQL writing the same rows to "
             "/dev/null in order.", events=events, seconds=round(ours, 3),
             people=int(c.psql("SELECT count(*) FROM subject")))


def main():
    headers = (f"Authorization: Bearer {c.keys()['till']}", "Resguardo-Place: store-1")
    shown = notice()
    writing(headers, shown)
    reading(headers, shown)
    reporting()


main()
