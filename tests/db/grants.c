/* P7: the server's own role cannot rewrite or remove what is append-only. */
#include "db/fresh.h"

static PGconn *app;

#define FORBIDDEN	"42501"

static const struct { const char *table, *column; } append_only[] = {
	{ "field_value", "sealed" }, { "consent_event", "sealed" },
	{ "benefit_event", "sealed" }, { "event", "sealed" },
	{ "audit_entry", "leaf" }, { "audit_page", "members" },
	{ "subject_change", "subject_id" },
	{ "migration", "sha256" },
};

static void
test_append_only(void **state)
{
	char sql[256];

	(void)state;
	NEED_DB();
	for (size_t i = 0; i < sizeof append_only / sizeof *append_only; i++) {
		const char *t = append_only[i].table, *c = append_only[i].column;

		snprintf(sql, sizeof sql, "UPDATE %s SET %s = %s", t, c, c);
		assert_string_equal(fresh_state(app, sql), FORBIDDEN);
		snprintf(sql, sizeof sql, "DELETE FROM %s", t);
		assert_string_equal(fresh_state(app, sql), FORBIDDEN);
		snprintf(sql, sizeof sql, "TRUNCATE %s", t);
		assert_string_equal(fresh_state(app, sql), FORBIDDEN);
		snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", t);
		assert_string_equal(fresh_state(app, sql), "");
	}
}

/* Nor by a way round: triggers, rules, other owners, replaced tables. */
static void
test_no_way_round(void **state)
{
	static const char *const tries[] = {
		"ALTER TABLE audit_entry DISABLE TRIGGER ALL",
		"ALTER TABLE audit_entry OWNER TO resguardo_app",
		"DROP TABLE audit_entry",
		"CREATE RULE r AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
		"CREATE TABLE public.audit_entry_2 (a int)",
		"CREATE FUNCTION public.now() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"GRANT DELETE ON audit_entry TO resguardo_app",
		"SET ROLE resguardo_owner",
		"SET ROLE resguardo_eraser",
		"COPY audit_entry TO '/tmp/rsg-never'",
		"UPDATE subject SET subject_id = subject_id",
		"UPDATE subject SET controller = 2",
		"DELETE FROM subject",
		"UPDATE principal SET role = 'administrator'",
		"UPDATE credential SET secret_digest = ''",
		"DELETE FROM suppression",
	};

	(void)state;
	NEED_DB();
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		const char *got = fresh_state(app, tries[i]);

		/* Owner checks have a code of their own for functions. */
		if (strcmp(got, FORBIDDEN) != 0) {
			/* Granting what one may not grant is only a warning. */
			if (strncmp(tries[i], "GRANT", 5) == 0)
				continue;
			fail_msg("%s: '%s'", tries[i], got);
		}
	}
	assert_string_equal(fresh_state(app, "DELETE FROM audit_entry"), FORBIDDEN);
}

/* Auditors read; the eraser removes, and can add or change nothing. */
static void
test_other_roles(void **state)
{
	static const char *const auditor[] = {
		"INSERT INTO subject_change (subject_id) VALUES (gen_random_uuid())",
		"DELETE FROM lookup", "UPDATE subject SET version = 1",
	}, *const eraser[] = {
		"INSERT INTO subject_change (subject_id) VALUES (gen_random_uuid())",
		"UPDATE field_value SET sealed = ''", "DELETE FROM audit_entry",
		"DELETE FROM subject", "SELECT header FROM subject",
	};
	char conninfo[700];
	PGconn *c;

	(void)state;
	NEED_DB();
	snprintf(conninfo, sizeof conninfo, "%s user=resguardo_auditor", f.app);
	c = fresh_connect(conninfo);
	for (size_t i = 0; i < sizeof auditor / sizeof *auditor; i++)
		assert_string_equal(fresh_state(c, auditor[i]), FORBIDDEN);
	assert_string_equal(fresh_state(c, "SELECT * FROM audit_entry"), "");
	PQfinish(c);

	snprintf(conninfo, sizeof conninfo, "%s user=resguardo_eraser", f.app);
	c = fresh_connect(conninfo);
	for (size_t i = 0; i < sizeof eraser / sizeof *eraser; i++)
		assert_string_equal(fresh_state(c, eraser[i]), FORBIDDEN);
	assert_string_equal(fresh_state(c, "DELETE FROM field_value"), "");
	PQfinish(c);
}

struct said {
	int good, bad;
	char names[1024];
};

static void
say(void *ctx, const char *check, bool good, const char *detail)
{
	struct said *s = ctx;

	assert_non_null(detail);
	if (good) {
		s->good++;
		return;
	}
	s->bad++;
	snprintf(s->names + strlen(s->names), sizeof s->names - strlen(s->names),
	    "%s;", check);
}

/* Doctor finds a sound database sound, and each thing that was spoilt. */
static void
test_doctor(void **state)
{
	static const struct { const char *spoil, *mend, *names; } t[] = {
		{ "SELECT 1", "SELECT 1", "" },
		{ "GRANT DELETE ON event TO resguardo_app",
		  "REVOKE DELETE ON event FROM resguardo_app", "append-only tables;" },
		{ "GRANT UPDATE (leaf) ON audit_entry TO resguardo_app",
		  "REVOKE UPDATE (leaf) ON audit_entry FROM resguardo_app",
		  "append-only tables;" },
		{ "REVOKE INSERT ON audit_entry FROM resguardo_app",
		  "GRANT INSERT ON audit_entry TO resguardo_app", "write grants;" },
		{ "UPDATE migration SET number = 900 WHERE number = 1",
		  "UPDATE migration SET number = 1 WHERE number = 900", "migrations;" },
		{ "ALTER TABLE lookup RENAME COLUMN slot TO slots",
		  "ALTER TABLE lookup RENAME COLUMN slots TO slot", "statements;" },
	};
	struct said s;
	char spoilt[700];

	(void)state;
	NEED_DB();
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		memset(&s, 0, sizeof s);
		fresh_sql(f.as_super, t[i].spoil);
		rsg_db_doctor(f.app, say, &s);
		fresh_sql(f.as_super, t[i].mend);
		/* Tests may run without fsync; all else is as it should be. */
		assert_string_equal(strncmp(s.names, "fsync;", 6) == 0 ?
		    s.names + 6 : s.names, t[i].names);
		assert_in_range(s.good, 14, 30);
	}

	/* As another role, with settings that lose or show something. */
	memset(&s, 0, sizeof s);
	snprintf(spoilt, sizeof spoilt, "%s options='-c log_statement=all"
	    " -c synchronous_commit=off -c log_parameter_max_length_on_error=-1'",
	    f.super);
	rsg_db_doctor(spoilt, say, &s);
	assert_non_null(strstr(s.names, "synchronous_commit;"));
	assert_non_null(strstr(s.names, "log_statement;"));
	assert_non_null(strstr(s.names, "log_parameter_max_length_on_error;"));
	assert_non_null(strstr(s.names, "database role;"));
	assert_non_null(strstr(s.names, "append-only tables;"));

	memset(&s, 0, sizeof s);
	rsg_db_doctor("host=/nowhere dbname=none", say, &s);
	assert_int_equal(s.good, 0);
	assert_string_equal(s.names, "database;");
}

/* A role whose default is not to wait for the disk waits all the same. */
static void
test_session_waits_for_disk(void **state)
{
	struct rsg_db *db;
	char conninfo[700];

	(void)state;
	NEED_DB();
	snprintf(conninfo, sizeof conninfo, "%s options='-c synchronous_commit=off'"
	    " application_name=lazy", f.app);
	assert_int_equal(rsg_db_open(conninfo, &db), RSG_OK);
	fresh_sql(f.as_super, "CREATE TABLE seen (setting text);"
	    "GRANT INSERT ON seen TO resguardo_app;"
	    "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
	    " INSERT INTO seen VALUES (current_setting('synchronous_commit'));"
	    " RETURN NEW; END$$;"
	    "CREATE TRIGGER see BEFORE INSERT ON field_value FOR EACH ROW"
	    " EXECUTE FUNCTION see()");
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b = rsg_db_bind(db, RSG_SQL_FIELD_INSERT);
	fresh_field(b, &id, 1, 1, "x");
	assert_true(rsg_db_send(db, b) >= 0);
	assert_int_equal(rsg_db_commit(db), RSG_OK);
	assert_int_equal(fresh_number(f.as_super,
	    "SELECT count(*) FROM seen WHERE setting = 'on'"), 1);
	rsg_db_close(db);
}

static int
setup(void **state)
{
	(void)state;
	if (fresh_have()) {
		fresh_open(&f);
		app = fresh_connect(f.app);
		/* The GRANT that does nothing would be printed. */
		fresh_sql(app, "SET client_min_messages = error");
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	PQfinish(app);
	fresh_close(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_only),
		cmocka_unit_test(test_no_way_round),
		cmocka_unit_test(test_other_roles),
		cmocka_unit_test(test_doctor),
		cmocka_unit_test(test_session_waits_for_disk),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
