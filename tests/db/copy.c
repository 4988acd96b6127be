/* Scans see every row once, under one snapshot, whatever is written meanwhile. */
#include "resguardo/buf.h"

#include "db/fresh.h"

#define PEOPLE	5000

/* Count each person seen, by the number that stands in the header. */
static int
scan(const char *snapshot, int64_t first, int64_t end, int controller,
    unsigned char *seen)
{
	struct rsg_scanrow row;
	struct rsg_copy *copy;
	enum rsg_err e;
	uint32_t n;
	int rows = 0;

	assert_int_equal(rsg_copy_open(f.app, snapshot, RSG_SCAN_SUBJECTS, first,
	    end, controller, &copy), RSG_OK);
	while ((e = rsg_copy_next(copy, &row)) == RSG_OK) {
		assert_int_equal(row.len[0], 16);
		assert_int_equal(row.len[1], 8);
		assert_int_equal(row.len[4], 4);
		n = rsg_get32(row.p[4]);
		assert_in_range(n, 1, PEOPLE);
		assert_int_equal(rsg_get64(row.p[1]), n);
		assert_int_equal(n == 77 ? 2 : 1, controller);
		/* Each third has an activity, each fifth a large one. */
		if (n % 5 == 0)
			assert_int_equal(row.len[5], 20000);
		else if (n % 3 == 0)
			assert_int_equal(row.len[5], 0);
		assert_int_equal(row.p[5] != NULL, n % 5 == 0 || n % 3 == 0);
		seen[n]++;
		rows++;
	}
	assert_int_equal(e, RSG_NOT_FOUND);
	assert_int_equal(rsg_copy_next(copy, &row), RSG_NOT_FOUND);
	rsg_copy_close(copy);
	return rows;
}

static int
fill(void **state)
{
	(void)state;
	if (!fresh_have())
		return 0;
	fresh_sql(f.as_super, "TRUNCATE subject; INSERT INTO subject SELECT"
	    " gen_random_uuid(), 1 + (n = 77)::int, n, 1, repeat('k', 152)::bytea,"
	    " int4send(n), CASE WHEN n % 5 = 0 THEN repeat('a', 20000)::bytea"
	    " WHEN n % 3 = 0 THEN '' END FROM generate_series(1, 5000) n");
	return 0;
}

static void
test_ranges_see_each_row_once(void **state)
{
	static unsigned char seen[PEOPLE + 1];
	struct rsg_snapshot *snapshot;
	int64_t blocks, part;
	int rows = 0;

	(void)state;
	NEED_DB();
	memset(seen, 0, sizeof seen);
	assert_int_equal(rsg_snapshot_open(f.app, &snapshot), RSG_OK);
	blocks = rsg_snapshot_blocks(snapshot);
	assert_true(blocks > 20);
	assert_true(rsg_snapshot_xmin(snapshot) > 3);
	part = blocks / 7;
	for (int64_t at = 0; at < blocks; at += part) {
		rows += scan(rsg_snapshot_id(snapshot), at,
		    at + part < blocks ? at + part : blocks, 1, seen);

		/* All of it moves, appears or vanishes under the scan. */
		fresh_sql(f.as_super, "UPDATE subject SET version = version + 1");
		fresh_sql(f.as_super, "DELETE FROM subject WHERE version % 11 = 0");
		fresh_sql(f.as_super, "INSERT INTO subject SELECT gen_random_uuid(),"
		    " 1, 1, 1, '', int4send(1), NULL FROM generate_series(1, 50)");
	}
	rsg_snapshot_close(snapshot);
	assert_int_equal(rows, PEOPLE - 1);
	for (int n = 1; n <= PEOPLE; n++)
		assert_int_equal(seen[n], n == 77 ? 0 : 1);
}

static void
test_without_snapshot(void **state)
{
	static unsigned char seen[PEOPLE + 1];

	(void)state;
	NEED_DB();
	memset(seen, 0, sizeof seen);
	assert_int_equal(scan(NULL, 0, INT64_MAX, 1, seen), PEOPLE - 1);
	assert_int_equal(scan(NULL, 0, INT64_MAX, 2, seen), 1);
	assert_int_equal(seen[77], 1);
	assert_int_equal(scan(NULL, 0, 0, 1, seen), 0);
	assert_int_equal(scan(NULL, 1000000, INT64_MAX, 1, seen), 0);
	assert_int_equal(scan(NULL, 0, INT64_MAX, 3, seen), 0);
}

static void
test_bad_arguments(void **state)
{
	struct rsg_snapshot *snapshot;
	struct rsg_copy *copy;
	char injected[128];

	(void)state;
	NEED_DB();
	assert_int_equal(rsg_snapshot_open(f.app, &snapshot), RSG_OK);
	snprintf(injected, sizeof injected, "%s'; SELECT 'x",
	    rsg_snapshot_id(snapshot));
	assert_int_equal(rsg_copy_open(f.app, injected, RSG_SCAN_SUBJECTS, 0, 1,
	    1, &copy), RSG_BAD_VALUE);
	assert_null(copy);
	rsg_snapshot_close(snapshot);
	assert_int_equal(rsg_copy_open(f.app, NULL, RSG_SCAN_SUBJECTS, -1, 1, 1,
	    &copy), RSG_BAD_VALUE);
	assert_int_equal(rsg_copy_open(f.app, NULL, RSG_SCAN_SUBJECTS, 2, 1, 1,
	    &copy), RSG_BAD_VALUE);
	assert_int_equal(rsg_copy_open(f.app, NULL, RSG_SCAN_SUBJECTS, 0, 1,
	    INT64_C(1) << 40, &copy), RSG_BAD_VALUE);
	/* A snapshot that nobody holds any more. */
	assert_int_not_equal(rsg_copy_open(f.app, "00000003-0000FFFF-1",
	    RSG_SCAN_SUBJECTS, 0, 1, 1, &copy), RSG_OK);
	assert_null(copy);
}

/* A scan cut or cancelled in the middle is never taken for the end. */
static void
test_cut_is_not_the_end(void **state)
{
	static const char *const cut[] = { "terminate", "cancel" };
	struct rsg_scanrow row;
	struct rsg_copy *copy;
	char sql[256];
	enum rsg_err e;
	int rows;

	(void)state;
	NEED_DB();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rsg_copy_open(f.app, NULL, RSG_SCAN_SUBJECTS, 0,
		    INT64_MAX, 1, &copy), RSG_OK);
		assert_int_equal(rsg_copy_next(copy, &row), RSG_OK);

		/* It is blocked: there is more than the socket holds. */
		snprintf(sql, sizeof sql, "SELECT count(pg_%s_backend(pid)) FROM"
		    " pg_stat_activity WHERE datname = current_database()"
		    " AND application_name = 'resguardo scan'"
		    " AND state = 'active'", cut[i]);
		assert_int_equal(fresh_number(f.as_super, sql), 1);
		rows = 1;
		while ((e = rsg_copy_next(copy, &row)) == RSG_OK)
			rows++;
		assert_int_equal(e, RSG_UNAVAILABLE);
		assert_true(rows < PEOPLE - 1);
		assert_int_equal(rsg_copy_next(copy, &row), RSG_UNAVAILABLE);
		rsg_copy_close(copy);
	}
}

/* Its connection is kept for the next scan; that it died there harms nobody. */
static void
test_kept_connection(void **state)
{
	static const char pids[] = "SELECT sum(pid) FROM pg_stat_activity WHERE"
	    " datname = current_database() AND application_name = 'resguardo scan'";
	static unsigned char seen[PEOPLE + 1];
	int64_t first;

	(void)state;
	NEED_DB();
	assert_int_equal(scan(NULL, 0, INT64_MAX, 1, seen), PEOPLE - 1);
	first = fresh_number(f.as_super, pids);
	assert_true(first > 0);
	assert_int_equal(scan(NULL, 0, INT64_MAX, 1, seen), PEOPLE - 1);
	assert_int_equal(fresh_number(f.as_super, pids), first);

	assert_true(fresh_number(f.as_super, "SELECT count(pg_terminate_backend(pid,"
	    " 5000)) FROM pg_stat_activity WHERE datname = current_database()"
	    " AND application_name = 'resguardo scan'") > 0);
	assert_int_equal(scan(NULL, 0, INT64_MAX, 1, seen), PEOPLE - 1);
	assert_true(fresh_number(f.as_super, pids) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ranges_see_each_row_once, fill),
		cmocka_unit_test_setup(test_without_snapshot, fill),
		cmocka_unit_test_setup(test_bad_arguments, fill),
		cmocka_unit_test_setup(test_cut_is_not_the_end, fill),
		cmocka_unit_test_setup(test_kept_connection, fill),
	};

	return cmocka_run_group_tests(tests, fresh_setup, fresh_teardown);
}
