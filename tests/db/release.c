#include "db/shop.h"

#include <pthread.h>
#include <stdatomic.h>

/* --- A withdrawal, as a writer makes one --- */

/* The header sealed anew without its grants; hex, for plain SQL. */
static void
withdrawn_header(int who, char *hex, size_t cap)
{
	struct rsg_bind *b = rsg_db_bind(f.db, RSG_SQL_SUBJECTS);
	struct rsg_place_of at = { .kind = RSG_SEAL_HEADER, .controller = 1,
	    .pk = ids[who], .generation = 1 };
	uint8_t text[RSG_HEADER_MAX * 2];
	struct rsg_keyset set;
	struct rsg_header h;
	struct rsg_buf plain, sealed;
	const struct rsg_result *r;
	const uint8_t *p;
	size_t len;
	int n;

	rsg_bind_id(b, 0, &ids[who]);
	n = rsg_db_send(f.db, b);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	r = rsg_db_result(f.db, n);
	p = rsg_result_bytes(r, 0, 4, &len);
	assert_int_equal(rsg_keyset_open(vault.keys, 1, &ids[who],
	    (uint32_t)rsg_result_int(r, 0, 3), p, len, &set), RSG_OK);
	at.version = (uint64_t)rsg_result_int(r, 0, 2);
	p = rsg_result_bytes(r, 0, 5, &len);
	assert_int_equal(rsg_seal_open(set.key[RSG_KEY_PROFILE], &at, p, len, text, &len), RSG_OK);
	assert_int_equal(rsg_header_get(&h, text, len), RSG_OK);
	assert_int_equal(rsg_header_grant(&h, SEGMENTATION, RSG_CHANNEL_NONE,
	    RSG_STATUS_WITHDRAWN, 2, 0), RSG_OK);
	rsg_buf_init(&plain, RSG_HEADER_MAX);
	rsg_buf_init(&sealed, RSG_HEADER_MAX * 2);
	rsg_header_put(&h, &plain);
	at.version++;
	assert_int_equal(rsg_seal(set.key[RSG_KEY_PROFILE], &at, plain.p, plain.len,
	    &sealed), RSG_OK);
	assert_true(sealed.len * 2 < cap);
	for (size_t i = 0; i < sealed.len; i++)
		snprintf(hex + 2 * i, 3, "%02x", sealed.p[i]);
	rsg_buf_free(&plain);
	rsg_buf_free(&sealed);
}

static void
withdraw(PGconn *conn, int who)
{
	char sql[4096], hex[2048], id[RSG_ID_TEXT];

	withdrawn_header(who, hex, sizeof(hex));
	rsg_id_text(&ids[who], id);
	snprintf(sql, sizeof(sql), "SELECT pg_advisory_xact_lock_shared(77001);"
	    "UPDATE subject SET version = version + 1, header = decode('%s', 'hex')"
	    " WHERE subject_id = '%s';"
	    "INSERT INTO subject_change (subject_id) VALUES ('%s')", hex, id, id);
	fresh_sql(conn, sql);
}

/* The first who is not in these members, from `from` on, and consents. */
static int
somebody_not_in(const struct rsg_call *c, int from)
{
	for (int i = from; i < PEOPLE; i++)
		if (i % 10 != 0 && !given(c, &ids[i], 7))
			return i;
	fail_msg("everybody is on the first page");
	return -1;
}

/* --- Tests --- */

static void
a_release_holds_who_consents(void **state)
{
	struct rsg_call a, b;
	struct rsg_fields first;
	struct rsg_id model;
	int64_t count, entries;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	entries = fresh_number(f.as_super, "SELECT count(*) FROM audit_entry");
	ask_members(&a, &model, NULL);
	assert_int_equal(run(&a, rsg_op_members), RSG_OK);
	count = rsg_msg_get_int(out_of(&a), RSG_F_COUNT, 0);
	assert_int_equal(count_members(&a), RSG_RELEASE_PAGE);
	first = out_of(&a);
	ask_members(&b, &model, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_OK);
	assert_false(rsg_msg_has(out_of(&b), RSG_F_NEXT));
	assert_int_equal(count_members(&a) + count_members(&b), count);
	assert_true(count <= PEOPLE - PEOPLE / 10);
	for (int i = 0; i < PEOPLE; i += 10)
		assert_false(given(&a, &ids[i], 7) || given(&b, &ids[i], 7));
	/* Who is in the model, but will not consent as long as pages are given. */
	assert_false(given(&a, &ids[SOON_OVER], 7) || given(&b, &ids[SOON_OVER], 7));
	/* One entry for the making, one a page. */
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM audit_entry"),
	    entries + 3);
	rsg_buf_free(&a.out);
	rsg_buf_free(&b.out);
}

static void
members_come_in_the_order_of_their_names(void **state)
{
	struct rsg_call c;
	struct rsg_fields member;
	struct rsg_id model, before = { 0 };
	const uint8_t *p;
	size_t pos = 0, len;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&c, &model, NULL);
	assert_int_equal(run(&c, rsg_op_members), RSG_OK);
	while (rsg_msg_each(out_of(&c), &pos, RSG_F_MEMBERS, &member)) {
		assert_true(rsg_msg_get(member, RSG_F_PSEUDONYM, &p, &len));
		assert_true(memcmp(before.b, p, RSG_ID_LEN) < 0);
		memcpy(before.b, p, RSG_ID_LEN);
	}
	rsg_buf_free(&c.out);
}

static void
who_withdrew_is_on_no_later_page(void **state)
{
	struct rsg_call a, b;
	struct rsg_fields first;
	struct rsg_id model;
	int64_t count;
	int who;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&a, &model, NULL);
	assert_int_equal(run(&a, rsg_op_members), RSG_OK);
	count = rsg_msg_get_int(out_of(&a), RSG_F_COUNT, 0);
	who = somebody_not_in(&a, 1);
	first = out_of(&a);
	/* Without the change this person would be there: see the next page first. */
	ask_members(&b, &model, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_OK);
	while (!given(&b, &ids[who], 7))
		who = somebody_not_in(&a, who + 1);
	rsg_buf_free(&b.out);

	fresh_sql(f.as_super, "BEGIN");
	withdraw(f.as_super, who);
	fresh_sql(f.as_super, "COMMIT");
	ask_members(&b, &model, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_OK);
	assert_false(given(&b, &ids[who], 7));
	assert_int_equal(count_members(&a) + count_members(&b), count - 1);
	assert_int_equal(b.draft.people, count_members(&b));
	rsg_buf_free(&a.out);
	rsg_buf_free(&b.out);
	/* For the tests after this one they are one fewer. */
	fresh_sql(f.as_super, "TRUNCATE subject, subject_change");
	fill();
}

static _Atomic bool finished;

static void *
run_members(void *c)
{
	static enum rsg_err e;

	e = run(c, rsg_op_members);
	finished = true;
	return &e;
}

/*
 * The withdrawal has begun when the page is asked for, and commits while the
 * page waits for it: the page has looked once already, and looks again.
 */
static void
a_page_waits_for_a_withdrawal_under_way(void **state)
{
	struct rsg_call a, b;
	struct rsg_fields first;
	struct rsg_id model;
	pthread_t thread;
	PGconn *writer;
	void *e;
	int who;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&a, &model, NULL);
	assert_int_equal(run(&a, rsg_op_members), RSG_OK);
	first = out_of(&a);
	ask_members(&b, &model, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_OK);
	for (who = somebody_not_in(&a, 1); !given(&b, &ids[who], 7);)
		who = somebody_not_in(&a, who + 1);
	rsg_buf_free(&b.out);

	writer = fresh_connect(f.super);
	fresh_sql(writer, "BEGIN");
	withdraw(writer, who);
	ask_members(&b, &model, &first);
	assert_int_equal(pthread_create(&thread, NULL, run_members, &b), 0);
	while (!finished && fresh_number(f.as_super, "SELECT count(*) FROM pg_locks"
	    " WHERE locktype = 'advisory' AND objid = 77001 AND NOT granted") == 0)
		;
	assert_false(finished);
	fresh_sql(writer, "COMMIT");
	assert_int_equal(pthread_join(thread, &e), 0);
	PQfinish(writer);
	assert_int_equal(*(enum rsg_err *)e, RSG_OK);
	assert_false(given(&b, &ids[who], 7));
	assert_int_equal(b.draft.people, count_members(&b));
	rsg_buf_free(&a.out);
	rsg_buf_free(&b.out);
	fresh_sql(f.as_super, "TRUNCATE subject, subject_change");
	fill();
}

static void
a_cursor_is_one_credentials_own(void **state)
{
	struct rsg_call a, b;
	struct rsg_fields first;
	struct rsg_id model, other;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&a, &model, NULL);
	assert_int_equal(run(&a, rsg_op_members), RSG_OK);
	first = out_of(&a);
	ask_members(&b, &model, &first);
	b.actor.credential.b[0] ^= 1;
	assert_int_equal(run(&b, rsg_op_members), RSG_BAD_CURSOR);
	ask_members(&b, &model, &first);
	b.actor.recipient = 8;
	assert_int_equal(run(&b, rsg_op_members), RSG_BAD_CURSOR);
	ask_members(&b, &model, &first);
	in.p[in.len - 1] ^= 1;
	assert_int_equal(run(&b, rsg_op_members), RSG_BAD_CURSOR);
	other = rsg_id_new();
	ask_members(&b, &other, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_BAD_CURSOR);
	ask_members(&b, &model, &first);
	worker.now += RSG_RELEASE_LIFE + RSG_US;
	assert_int_equal(run(&b, rsg_op_members), RSG_EXPIRED_CURSOR);
	/* Whose contract ran out in between gets nothing more either. */
	ask_members(&b, &model, &first);
	b.actor.contract_until = worker.now - 1;
	assert_int_equal(run(&b, rsg_op_members), RSG_DENIED);
	assert_string_equal(b.clause, "contract:expired");
	assert_int_equal(b.draft.decision, RSG_DENIED);
	rsg_buf_free(&a.out);
}

static void
small_groups_are_not_given(void **state)
{
	struct rsg_call c;
	struct rsg_id model;
	struct rsg_fields member;
	uint32_t n[6][6][6] = { 0 };
	size_t pos = 0;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&c, &model, NULL);
	rsg_msg_int(&in, RSG_F_R, 5);
	assert_int_equal(run(&c, rsg_op_members), RSG_OK);
	while (rsg_msg_each(out_of(&c), &pos, RSG_F_MEMBERS, &member)) {
		assert_int_equal(rsg_msg_get_int(member, RSG_F_R, 0), 5);
		n[5][rsg_msg_get_int(member, RSG_F_F, 0)][rsg_msg_get_int(member, RSG_F_M, 0)]++;
	}
	assert_true(count_members(&c) > 0);
	for (int i = 7; i <= 21; i += 7)
		assert_false(given(&c, &ids[i], 7));
	for (int i = 1; i < 6; i++)
		for (int m = 1; m < 6; m++)
			assert_true(n[5][i][m] == 0 || n[5][i][m] >= 10);
	rsg_buf_free(&c.out);
	/* Beyond the model's five scores there is nobody: as if too few. */
	ask_members(&c, &model, NULL);
	rsg_msg_int(&in, RSG_F_R, 9);
	assert_int_equal(run(&c, rsg_op_members), RSG_GROUP_TOO_SMALL);
	assert_int_equal(c.draft.decision, RSG_GROUP_TOO_SMALL);
}

static void
two_recipients_get_other_names(void **state)
{
	struct rsg_call a, b;
	struct rsg_id model;
	size_t both = 0;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&a, &model, NULL);
	assert_int_equal(run(&a, rsg_op_members), RSG_OK);
	ask_members(&b, &model, NULL);
	b.actor.recipient = 8;
	assert_int_equal(run(&b, rsg_op_members), RSG_OK);
	for (int i = 1; i < 200; i++)
		both += given(&b, &ids[i], 7) + given(&a, &ids[i], 8);
	assert_int_equal(both, 0);
	rsg_buf_free(&a.out);
	rsg_buf_free(&b.out);
}

static void
an_altered_release_is_noticed(void **state)
{
	struct rsg_call a, b;
	struct rsg_fields first;
	struct rsg_id model;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	ask_members(&a, &model, NULL);
	assert_int_equal(run(&a, rsg_op_members), RSG_OK);
	first = out_of(&a);
	fresh_sql(f.as_super, "UPDATE release SET snapshot = (snapshot::text::bigint + 1000)::text::xid8");
	ask_members(&b, &model, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_TAMPERED);
	fresh_sql(f.as_super, "UPDATE release SET snapshot = (snapshot::text::bigint - 1000)::text::xid8");
	fresh_sql(f.as_super, "UPDATE release_page p SET sealed = q.sealed FROM release_page q"
	    " WHERE q.release = p.release AND p.page = 1 AND q.page = 0");
	ask_members(&b, &model, &first);
	assert_int_equal(run(&b, rsg_op_members), RSG_TAMPERED);
	fresh_sql(f.as_super, "UPDATE model SET created = created + interval '1 second'");
	ask_members(&b, &model, NULL);
	assert_int_equal(run(&b, rsg_op_members), RSG_TAMPERED);
	rsg_buf_free(&a.out);
	fresh_sql(f.as_super, "DELETE FROM model");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_release_holds_who_consents),
		cmocka_unit_test(members_come_in_the_order_of_their_names),
		cmocka_unit_test(who_withdrew_is_on_no_later_page),
		cmocka_unit_test(a_page_waits_for_a_withdrawal_under_way),
		cmocka_unit_test(a_cursor_is_one_credentials_own),
		cmocka_unit_test(small_groups_are_not_given),
		cmocka_unit_test(two_recipients_get_other_names),
		cmocka_unit_test(an_altered_release_is_noticed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
