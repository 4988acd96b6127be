/* Every type comes back from PostgreSQL as it was put. */
#include "db/fresh.h"

#define MIB	(1024 * 1024)

static const struct rsg_result *
call(struct rsg_bind *b)
{
	int n = rsg_db_send(f.db, b);

	assert_true(n >= 0);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	return rsg_db_result(f.db, n);
}

static void
expect_bytes(const struct rsg_result *r, int row, int col, const void *want, size_t n)
{
	const uint8_t *p;
	size_t len;

	p = rsg_result_bytes(r, row, col, &len);
	assert_int_equal(len, n);
	assert_non_null(p);
	assert_memory_equal(p, want, n);
}

/* u b t h i l o z, one row's worth, into scalars or arrays alike. */
static void
put_row(struct rsg_bind *b, const struct rsg_id *id, const void *bytes, size_t len,
    int64_t number)
{
	rsg_bind_id(b, 0, id);
	rsg_bind_bytes(b, 1, bytes, len);
	rsg_bind_text(b, 2, "a\xc3\xb1o", 4);
	rsg_bind_int(b, 3, (int16_t)number);
	rsg_bind_int(b, 4, (int32_t)number);
	rsg_bind_int(b, 5, number);
	rsg_bind_bool(b, 6, number < 0);
	rsg_bind_int(b, 7, number / 64);
}

static void
expect_row(const struct rsg_result *r, int row, const struct rsg_id *id,
    const void *bytes, size_t len, int64_t number)
{
	struct rsg_id got;

	rsg_result_id(r, row, 0, &got);
	assert_true(rsg_id_eq(&got, id));
	expect_bytes(r, row, 1, bytes, len);
	expect_bytes(r, row, 2, "a\xc3\xb1o", 4);
	assert_int_equal(rsg_result_int(r, row, 3), (int16_t)number);
	assert_int_equal(rsg_result_int(r, row, 4), (int32_t)number);
	assert_int_equal(rsg_result_int(r, row, 5), number);
	assert_int_equal(rsg_result_bool(r, row, 6), number < 0);
	assert_int_equal(rsg_result_int(r, row, 7), number / 64);
}

static const int64_t numbers[] = { 0, 1, -1, INT16_MAX, INT32_MIN,
	INT64_C(1700000000123456) * 64, INT64_MAX / 1024 };
#define NUMBERS	(sizeof numbers / sizeof *numbers)

static void
test_scalars(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	for (size_t i = 0; i < NUMBERS; i++) {
		b = rsg_db_bind(f.db, RSG_SQL_ECHO);
		put_row(b, &id, "\0\xff", 2, numbers[i]);
		expect_row(call(b), 0, &id, "\0\xff", 2, numbers[i]);
	}
}

static void
test_scalar_null_is_not_empty(void **state)
{
	const struct rsg_result *r;
	struct rsg_bind *b;
	size_t len;

	(void)state;
	NEED_DB();
	/* One that was never used before, so that it has no memory yet. */
	for (int i = 0; i < 64; i++)
		b = rsg_db_bind(f.db, RSG_SQL_ECHO);
	rsg_bind_bytes(b, 1, NULL, 0);
	rsg_bind_null(b, 2);
	r = call(b);
	assert_true(rsg_result_null(r, 0, 0));
	assert_false(rsg_result_null(r, 0, 1));
	assert_non_null(rsg_result_bytes(r, 0, 1, &len));
	assert_int_equal(len, 0);
	assert_true(rsg_result_null(r, 0, 2));
	assert_null(rsg_result_bytes(r, 0, 2, &len));
	assert_true(rsg_result_null(r, 0, 7));
	assert_int_equal(rsg_result_int(r, 0, 7), 0);
}

static void
test_arrays(void **state)
{
	const struct rsg_result *r;
	struct rsg_id id[NUMBERS];
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_ECHO_MANY);
	for (size_t i = 0; i < NUMBERS; i++) {
		id[i] = rsg_id_new();
		put_row(b, &id[i], "bytes", i, numbers[i]);
		assert_int_equal(rsg_bind_count(b, 3), i + 1);
	}
	r = call(b);
	assert_int_equal(rsg_result_rows(r), NUMBERS);
	for (size_t i = 0; i < NUMBERS; i++)
		expect_row(r, (int)i, &id[i], "bytes", i, numbers[i]);
}

static void
test_array_with_nulls(void **state)
{
	const struct rsg_result *r;
	struct rsg_id id = rsg_id_new();
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_ECHO_MANY);
	for (int p = 0; p < 8; p++)
		rsg_bind_null(b, p);
	put_row(b, &id, "", 0, 5);
	for (int p = 0; p < 8; p++)
		rsg_bind_null(b, p);
	r = call(b);
	assert_int_equal(rsg_result_rows(r), 3);
	for (int p = 0; p < 8; p++) {
		assert_true(rsg_result_null(r, 0, p));
		assert_false(rsg_result_null(r, 1, p));
		assert_true(rsg_result_null(r, 2, p));
	}
	expect_row(r, 1, &id, "", 0, 5);
}

static void
test_empty_arrays(void **state)
{
	(void)state;
	NEED_DB();
	assert_int_equal(rsg_result_rows(call(rsg_db_bind(f.db, RSG_SQL_ECHO_MANY))), 0);
	assert_int_equal(rsg_result_rows(call(rsg_db_bind(f.db, RSG_SQL_SUBJECTS))), 0);
	assert_int_equal(rsg_result_changed(call(rsg_db_bind(f.db,
	    RSG_SQL_CHANGE_INSERT))), 0);
}

/* Far more than the socket's buffers hold, in both directions at once. */
static void
test_large_values(void **state)
{
	struct rsg_bind *b[24];
	uint8_t *big;
	int n[24];

	(void)state;
	NEED_DB();
	big = malloc(MIB);
	assert_non_null(big);
	for (size_t i = 0; i < MIB; i++)
		big[i] = (uint8_t)(i * 31 + i / 256);
	for (int i = 0; i < 24; i++) {
		b[i] = rsg_db_bind(f.db, RSG_SQL_ECHO_MANY);
		rsg_bind_bytes(b[i], 1, big, MIB);
		rsg_bind_bytes(b[i], 1, big + i, MIB - (size_t)i);
		n[i] = rsg_db_send(f.db, b[i]);
		assert_true(n[i] >= 0);
	}
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	for (int i = 0; i < 24; i++) {
		expect_bytes(rsg_db_result(f.db, n[i]), 0, 1, big, MIB);
		expect_bytes(rsg_db_result(f.db, n[i]), 1, 1, big + i, MIB - (size_t)i);
	}
	free(big);
}

/* Several binds at once, sent in another order than they were made. */
static void
test_open_binds(void **state)
{
	struct rsg_bind *first, *second;
	struct rsg_id id = rsg_id_new();
	int a, b;

	(void)state;
	NEED_DB();
	first = rsg_db_bind(f.db, RSG_SQL_ECHO);
	second = rsg_db_bind(f.db, RSG_SQL_ECHO);
	put_row(second, &id, "2", 1, 2);
	put_row(first, &id, "1", 1, 1);
	b = rsg_db_send(f.db, second);
	a = rsg_db_send(f.db, first);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	expect_row(rsg_db_result(f.db, a), 0, &id, "1", 1, 1);
	expect_row(rsg_db_result(f.db, b), 0, &id, "2", 1, 2);
}

/* The statements that find things, on rows that answer one way only. */
static void
test_finds(void **state)
{
	struct rsg_id id[3] = { rsg_id_new(), rsg_id_new(), rsg_id_new() }, got;
	const struct rsg_result *r;
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_FIELD_INSERT);
	fresh_field(b, &id[0], 1, 1, "old");
	fresh_field(b, &id[0], 1, 2, "new");
	fresh_field(b, &id[0], 2, 1, "other");
	fresh_field(b, &id[0], 3, 1, "not asked for");
	fresh_field(b, &id[2], 1, 1, "nor this");
	fresh_field(b, &id[0], 4, 1, "phone");
	fresh_field(b, &id[1], 4, 1, "phone");
	assert_true(rsg_db_send(f.db, b) >= 0);
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	for (int i = 0; i < 2; i++)
		fresh_subject(b, &id[i], 1);
	assert_true(rsg_db_send(f.db, b) >= 0);
	b = rsg_db_bind(f.db, RSG_SQL_LOOKUP_INSERT);
	for (int i = 0; i < 2; i++) {		/* a phone that two share */
		rsg_bind_int(b, 0, 1);
		rsg_bind_int(b, 1, 4);
		rsg_bind_bytes(b, 2, "digest", 6);
		rsg_bind_id(b, 3, &id[i]);
		rsg_bind_id(b, 4, &id[i]);
	}
	(void)call(b);

	b = rsg_db_bind(f.db, RSG_SQL_FIELDS);
	rsg_bind_id(b, 0, &id[0]);
	rsg_bind_id(b, 0, &id[1]);
	rsg_bind_int(b, 1, 1);
	rsg_bind_int(b, 1, 2);
	r = call(b);
	assert_int_equal(rsg_result_rows(r), 2);
	for (int i = 0; i < 2; i++) {
		rsg_result_id(r, i, 0, &got);
		assert_true(rsg_id_eq(&got, &id[0]));
		if (rsg_result_int(r, i, 1) == 1)
			expect_bytes(r, i, 3, "new", 3);
		else
			expect_bytes(r, i, 3, "other", 5);
	}

	b = rsg_db_bind(f.db, RSG_SQL_LOOKUPS);
	for (int i = 0; i < 2; i++) {
		rsg_bind_int(b, 0, 1);
		rsg_bind_int(b, 1, 4);
		rsg_bind_bytes(b, 2, i == 0 ? "nobody" : "digest", 6);
	}
	r = call(b);
	assert_int_equal(rsg_result_rows(r), 2);
	assert_int_equal(rsg_result_int(r, 0, 0), 2);
	assert_int_equal(rsg_result_int(r, 1, 0), 2);

	/* Asked with the right version, a wrong one, and of nobody. */
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_VERSIONS);
	for (int i = 0; i < 3; i++) {
		rsg_bind_id(b, 0, &id[i]);
		rsg_bind_int(b, 1, i + 1);
	}
	r = call(b);
	assert_int_equal(rsg_result_rows(r), 2);
}

/* Who changed is told apart from whose history is not as long as it should be. */
static void
test_histories_are_witnessed(void **state)
{
	/* Version seen and the lengths said: changed, as said, longer, shorter, none. */
	static const struct { int64_t version, consents, benefits; int told; } ask[] = {
		{ 2, 2, 0, 1 }, { 1, 2, 0, -1 }, { 1, 1, 0, 0 }, { 1, 3, 0, 0 },
		{ 1, 0, 0, -1 }, { 1, 2, 1, 0 },
	};
	const struct rsg_result *r;
	struct rsg_id id[2] = { rsg_id_new(), rsg_id_new() };
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	fresh_subject(b, &id[0], 1);
	fresh_subject(b, &id[1], 1);
	(void)call(b);
	b = rsg_db_bind(f.db, RSG_SQL_CONSENT_INSERT);
	for (int i = 1; i <= 2; i++) {
		rsg_bind_id(b, 0, &id[0]);
		rsg_bind_int(b, 1, i);
		rsg_bind_bytes(b, 2, "sealed", 6);
		rsg_bind_bytes(b, 3, "hash", 4);
	}
	(void)call(b);
	for (size_t i = 0; i < sizeof(ask) / sizeof(ask[0]); i++) {
		b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_WITNESSES);
		rsg_bind_id(b, 0, &id[i == 4]);
		rsg_bind_int(b, 1, ask[i].version);
		rsg_bind_int(b, 2, ask[i].consents);
		rsg_bind_int(b, 3, ask[i].benefits);
		r = call(b);
		assert_int_equal(rsg_result_rows(r), ask[i].told >= 0);
		if (ask[i].told >= 0)
			assert_int_equal(rsg_result_bool(r, 0, 1), ask[i].told);
	}
}

/* An update of a version that is no more the newest changes nothing. */
static void
test_update_sees_lost_race(void **state)
{
	struct rsg_id id[2] = { rsg_id_new(), rsg_id_new() }, got;
	const struct rsg_result *r;
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	fresh_subject(b, &id[0], 1);
	fresh_subject(b, &id[1], 1);
	(void)call(b);
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_UPDATE);
	for (int i = 0; i < 2; i++) {
		rsg_bind_id(b, 0, &id[i]);
		rsg_bind_int(b, 1, i == 0 ? 1 : 7);
		rsg_bind_bytes(b, 2, "new", 3);
	}
	r = call(b);
	assert_int_equal(rsg_result_changed(r), 1);
	b = rsg_db_bind(f.db, RSG_SQL_SUBJECTS_LOCK);
	rsg_bind_id(b, 0, &id[0]);
	rsg_bind_id(b, 0, &id[1]);
	r = call(b);
	assert_int_equal(rsg_result_rows(r), 2);
	for (int i = 0; i < 2; i++) {
		rsg_result_id(r, i, 0, &got);
		assert_int_equal(rsg_result_int(r, i, 2),
		    rsg_id_eq(&got, &id[0]) ? 2 : 1);
	}
}

/* Repeats are told from first times by what is returned. */
static void
test_repeats(void **state)
{
	struct rsg_id id = rsg_id_new(), event[2] = { rsg_id_new(), rsg_id_new() };
	const struct rsg_result *r;
	struct rsg_bind *b;

	(void)state;
	NEED_DB();
	for (int round = 0; round < 2; round++) {
		b = rsg_db_bind(f.db, RSG_SQL_EVENT_INSERT);
		for (int i = 0; i <= round; i++) {
			rsg_bind_id(b, 0, &id);
			rsg_bind_id(b, 1, &event[i]);
			rsg_bind_bytes(b, 2, "sealed", 6);
		}
		r = call(b);
		assert_int_equal(rsg_result_rows(r), 1);

		b = rsg_db_bind(f.db, RSG_SQL_SERVICE_KEY_INSERT);
		for (int p = 0; p < 4; p++)
			rsg_bind_int(b, p, 1);
		rsg_bind_bytes(b, 4, "wrapped", 7);
		assert_int_equal(rsg_result_changed(call(b)), round == 0 ? 1 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_scalar_null_is_not_empty),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_array_with_nulls),
		cmocka_unit_test(test_empty_arrays),
		cmocka_unit_test(test_large_values),
		cmocka_unit_test(test_open_binds),
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_histories_are_witnessed),
		cmocka_unit_test(test_update_sees_lost_race),
		cmocka_unit_test(test_repeats),
	};

	return cmocka_run_group_tests(tests, fresh_setup, fresh_teardown);
}
