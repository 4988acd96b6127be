/* What a commit proves, how errors are told apart, and what undoes what. */
#include "db/fresh.h"

static int64_t
count(const char *table)
{
	char sql[128];

	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
	return fresh_number(f.as_super, sql);
}

static void
insert_field(const struct rsg_id *id, int field, int version)
{
	struct rsg_bind *b = rsg_db_bind(f.db, RSG_SQL_FIELD_INSERT);

	fresh_field(b, id, field, version, "sealed");
	assert_true(rsg_db_send(f.db, b) >= 0);
}

static int
reset(void **state)
{
	(void)state;
	if (!fresh_have())
		return 0;
	fresh_sql(f.as_super, "TRUNCATE subject, field_value, lookup, event,"
	    " audit_entry, subject_change, idempotency, service_key, policy_version");
	assert_int_equal(rsg_db_ready(f.db), RSG_OK);
	return 0;
}


static void
test_batch_commits(void **state)
{
	struct rsg_id id[64];
	struct rsg_bind *b, *v;
	const struct rsg_result *r;
	int insert, read;

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	v = rsg_db_bind(f.db, RSG_SQL_FIELD_INSERT);
	for (int i = 0; i < 64; i++) {
		id[i] = rsg_id_new();
		fresh_subject(b, &id[i], 1);
		for (int k = 1; k <= 6; k++)
			fresh_field(v, &id[i], k, 1, "one");
	}
	assert_int_equal(rsg_bind_count(v, 0), 384);
	insert = rsg_db_send(f.db, b);
	assert_true(rsg_db_send(f.db, v) >= 0);
	assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
	assert_int_equal(rsg_result_changed(rsg_db_result(f.db, insert)), 64);

	/* Nobody else sees it yet. */
	assert_int_equal(count("subject"), 0);
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECTS);
	for (int i = 0; i < 64; i++)
		rsg_bind_id(b, 0, &id[i]);
	read = rsg_db_send(f.db, b);
	assert_int_equal(read, 2);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	r = rsg_db_result(f.db, read);
	assert_int_equal(rsg_result_rows(r), 64);
	assert_int_equal(rsg_result_int(r, 0, 1), 1);
	assert_true(rsg_result_null(r, 0, 6));
	assert_int_equal(count("subject"), 64);
	assert_int_equal(count("field_value"), 384);
}

/* Everything succeeded, and the commit itself fails. */
static void
test_commit_fails_late(void **state)
{
	struct rsg_id id = rsg_id_new();

	(void)state;
	NEED_DB();
	fresh_sql(f.as_super, "CREATE FUNCTION late() RETURNS trigger LANGUAGE"
	    " plpgsql AS $$BEGIN RAISE EXCEPTION 'late' USING ERRCODE = '23514';"
	    " END$$; CREATE CONSTRAINT TRIGGER late AFTER INSERT ON field_value"
	    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()");
	insert_field(&id, 1, 1);
	assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
	assert_int_equal(rsg_result_changed(rsg_db_result(f.db, 0)), 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_BAD_VALUE);
	assert_int_equal(count("field_value"), 0);

	/* Also when the result was not waited for. */
	insert_field(&id, 1, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_BAD_VALUE);
	assert_int_equal(count("field_value"), 0);
	fresh_sql(f.as_super, "DROP TRIGGER late ON field_value; DROP FUNCTION late");
	insert_field(&id, 1, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(count("field_value"), 1);
}

static void
test_unique_names_constraint(void **state)
{
	struct rsg_id id = rsg_id_new(), nil = { { 0 } };
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	for (int i = 0; i < 2; i++) {
		insert_field(&id, 7, i + 1);
		b = rsg_db_bind(f.db, RSG_SQL_LOOKUP_INSERT);
		rsg_bind_int(b, 0, 1);
		rsg_bind_int(b, 1, 2);
		rsg_bind_bytes(b, 2, "digest", 6);
		rsg_bind_id(b, 3, &nil);
		rsg_bind_id(b, 4, &id);
		assert_true(rsg_db_send(f.db, b) >= 0);
		insert_field(&id, 8, i + 1);
		if (i == 0) {
			assert_int_equal(rsg_db_commit(f.db), RSG_OK);
			assert_string_equal(rsg_db_constraint(f.db), "");
			continue;
		}
		assert_int_equal(rsg_db_commit(f.db), RSG_CONFLICT);
		assert_string_equal(rsg_db_constraint(f.db), "lookup_pkey");
	}
	/* The second batch left nothing, before or after the one at fault. */
	assert_int_equal(count("field_value"), 2);
}

/* After an error nothing more can be committed by mistake. */
static void
test_error_sticks(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	insert_field(&id, 1, 1);
	insert_field(&id, 1, 1);
	assert_int_equal(rsg_db_fetch(f.db), RSG_CONFLICT);
	b = rsg_db_bind(f.db, RSG_SQL_FIELD_INSERT);
	fresh_field(b, &id, 2, 1, "sealed");
	assert_int_equal(rsg_db_send(f.db, b), -1);
	assert_int_equal(rsg_db_fetch(f.db), RSG_CONFLICT);
	assert_int_equal(rsg_db_commit(f.db), RSG_CONFLICT);
	assert_int_equal(count("field_value"), 0);
	insert_field(&id, 2, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(count("field_value"), 1);
}

static void
test_number_out_of_range(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	insert_field(&id, 1, 1);
	b = rsg_db_bind(f.db, RSG_SQL_FIELD_INSERT);
	fresh_field(b, &id, 40000, 1, "sealed");	/* no int2 */
	assert_int_equal(rsg_db_send(f.db, b), -1);
	assert_int_equal(rsg_db_commit(f.db), RSG_BAD_VALUE);
	assert_int_equal(count("field_value"), 0);

	/* Nor does the next commit bring it in. */
	insert_field(&id, 2, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(count("field_value"), 1);
}

/* The server's process behind our connection. */
static int64_t
session(void)
{
	return fresh_number(f.as_super, "SELECT pid FROM pg_stat_activity"
	    " WHERE datname = current_database()"
	    " AND application_name = 'resguardo'"
	    " ORDER BY backend_start DESC LIMIT 1");
}

/* How the server's complaint comes back, by SQLSTATE. */
static void
test_classes(void **state)
{
	static const struct {
		const char *sqlstate;
		enum rsg_err err;
		bool reset;		/* the connection is given up */
	} t[] = {
		{ "08006", RSG_UNAVAILABLE, true },
		{ "22003", RSG_BAD_VALUE, false },
		{ "23502", RSG_BAD_VALUE, false },
		{ "23505", RSG_CONFLICT, false },
		{ "40001", RSG_CONFLICT, false },
		{ "40P01", RSG_CONFLICT, false },
		{ "53100", RSG_UNAVAILABLE, false },
		{ "53200", RSG_UNAVAILABLE, false },
		{ "55P03", RSG_CONFLICT, false },
		{ "57014", RSG_UNAVAILABLE, false },
		{ "57P01", RSG_UNAVAILABLE, false },
		{ "58030", RSG_UNAVAILABLE, false },
		{ "25006", RSG_UNAVAILABLE, true },
		{ "26000", RSG_UNAVAILABLE, true },
		{ "42501", RSG_UNAVAILABLE, false },
		{ "XX001", RSG_INTERNAL, false },
		{ "P0001", RSG_INTERNAL, false },
	};
	struct rsg_id id = rsg_id_new();
	int64_t before;
	char sql[512];

	(void)state;
	NEED_DB();
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		snprintf(sql, sizeof sql, "CREATE OR REPLACE FUNCTION complain()"
		    " RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION"
		    " 'x' USING ERRCODE = '%s'; END$$; CREATE OR REPLACE TRIGGER"
		    " complain BEFORE INSERT ON field_value FOR EACH ROW EXECUTE"
		    " FUNCTION complain()", t[i].sqlstate);
		fresh_sql(f.as_super, sql);
		for (int fetched = 0; fetched < 2; fetched++) {
			before = session();
			insert_field(&id, 1, 1);
			if (fetched)
				assert_int_equal(rsg_db_fetch(f.db), t[i].err);
			assert_int_equal(rsg_db_commit(f.db), t[i].err);
			assert_int_equal(rsg_db_ready(f.db), RSG_OK);
			assert_int_equal(session() != before, t[i].reset);
		}
	}
	fresh_sql(f.as_super, "DROP TRIGGER complain ON field_value");
}

static void
test_rollback_undoes(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	/* Fetched, not fetched, both, and with nothing sent. */
	for (int way = 0; way < 4; way++) {
		if (way != 3)
			insert_field(&id, 1, 1);
		if (way == 0 || way == 2)
			assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
		if (way == 2)
			insert_field(&id, 2, 1);
		rsg_db_rollback(f.db);
		assert_int_equal(count("field_value"), 0);
		assert_int_equal(rsg_db_commit(f.db), RSG_OK);
		assert_int_equal(count("field_value"), 0);
	}

	/* On the same connection: none of them had to be cut. */
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM"
	    " pg_stat_activity WHERE datname = current_database()"
	    " AND application_name = 'resguardo'"), 1);
	b = rsg_db_bind(f.db, RSG_SQL_PING);
	assert_true(rsg_db_send(f.db, b) >= 0);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);

	/* ready() ends what was left open. */
	insert_field(&id, 1, 1);
	assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
	assert_int_equal(rsg_db_ready(f.db), RSG_OK);
	insert_field(&id, 2, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(count("field_value"), 1);
}

/* P2: without the right to write the audit log, nothing is committed. */
static void
test_revoked_insert(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	fresh_sql(f.as_super, "REVOKE INSERT ON audit_entry FROM resguardo_app");
	insert_field(&id, 1, 1);
	b = rsg_db_bind(f.db, RSG_SQL_AUDIT_INSERT);
	rsg_bind_id(b, 0, &id);
	rsg_bind_int(b, 1, 1700000000000000);
	rsg_bind_int(b, 2, 1);
	rsg_bind_id(b, 3, &id);
	for (int p = 4; p < 8; p++)
		rsg_bind_int(b, p, 1);
	rsg_bind_null(b, 8);
	rsg_bind_bytes(b, 9, "leaf", 4);
	rsg_bind_bytes(b, 10, "hash", 4);
	assert_true(rsg_db_send(f.db, b) >= 0);
	assert_int_equal(rsg_db_commit(f.db), RSG_UNAVAILABLE);
	assert_int_equal(count("field_value"), 0);
	fresh_sql(f.as_super, "GRANT INSERT ON audit_entry TO resguardo_app");
}

/* A lock that is not had in time is a conflict, not a loss. */
static void
test_lock_timeout(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_db *impatient;
	struct rsg_bind *b;
	char conninfo[600];

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	fresh_subject(b, &id, 1);
	assert_true(rsg_db_send(f.db, b) >= 0);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	snprintf(conninfo, sizeof conninfo, "%s options='-c lock_timeout=20ms'", f.app);
	assert_int_equal(rsg_db_open(conninfo, &impatient), RSG_OK);
	fresh_sql(f.as_super, "BEGIN; SELECT * FROM subject FOR UPDATE");
	for (int i = 0; i < 2; i++) {
		b = rsg_db_bind(impatient, RSG_SQL_SUBJECTS_LOCK);
		rsg_bind_id(b, 0, &id);
		assert_true(rsg_db_send(impatient, b) >= 0);
		assert_int_equal(rsg_db_fetch(impatient),
		    i == 0 ? RSG_CONFLICT : RSG_OK);
		rsg_db_rollback(impatient);
		fresh_sql(f.as_super, "ROLLBACK");
	}
	rsg_db_close(impatient);
}

/* A server that does not answer is given up, and asked anew next time. */
static void
test_no_answer(void **state)
{
	struct rsg_id id = rsg_id_new();

	(void)state;
	NEED_DB();
	fresh_sql(f.as_super, "BEGIN; LOCK TABLE field_value");
	rsg_db_patience(f.db, 20000);
	insert_field(&id, 1, 1);
	assert_int_equal(rsg_db_fetch(f.db), RSG_UNAVAILABLE);
	rsg_db_rollback(f.db);
	rsg_db_patience(f.db, 30000000);
	fresh_sql(f.as_super, "ROLLBACK");
	assert_int_equal(rsg_db_ready(f.db), RSG_OK);
	insert_field(&id, 2, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(fresh_number(f.as_super,
	    "SELECT count(*) FROM field_value WHERE field = 2"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_batch_commits, reset),
		cmocka_unit_test_setup(test_commit_fails_late, reset),
		cmocka_unit_test_setup(test_unique_names_constraint, reset),
		cmocka_unit_test_setup(test_error_sticks, reset),
		cmocka_unit_test_setup(test_number_out_of_range, reset),
		cmocka_unit_test_setup(test_classes, reset),
		cmocka_unit_test_setup(test_rollback_undoes, reset),
		cmocka_unit_test_setup(test_revoked_insert, reset),
		cmocka_unit_test_setup(test_lock_timeout, reset),
		cmocka_unit_test_setup(test_no_answer, reset),
	};

	return cmocka_run_group_tests(tests, fresh_setup, fresh_teardown);
}
