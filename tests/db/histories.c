/*
 * Everybody's history in one scan: each event once, in its order, to the person
 * whose it is, across ranges and threads; and no history that is not whole.
 */
#include "db/fresh.h"

#include <pthread.h>

#include "receipt/histories.h"
#include "resguardo/secret.h"
#include "told.h"

/* Rows enough for several ranges of 64 blocks. */
#define PEOPLE		3000
#define EVENTS		3	/* words and gifts each: none to two of each */

static struct rsg_keyring *keys;
static char key_file[128];
static struct {
	struct rsg_id id;
	unsigned said, given;
} made[PEOPLE];
static struct place { struct rsg_id id; int i; } place[PEOPLE];	/* by id */

/* What the scan saw; events tell by their time whose they are. */
static struct {
	pthread_mutex_t lock;
	unsigned people[PEOPLE], said[PEOPLE], given[PEOPLE], wrong;
	int at[RSG_SCAN_THREADS_MAX];
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint32_t
controller_of(int i)
{
	return i % 4 == 0 ? 2 : 1;
}

static int64_t
time_of(int i, unsigned n)
{
	return 1700000000000000 + (int64_t)i * 10 + n;
}

struct desk {
	struct told told;
	int i;
};

static enum rsg_err
history(void *ctx, struct people_one *p, const struct rsg_keyset *set)
{
	struct rsg_subject s = { .id = p->id, .controller = p->controller };
	struct desk *d = ctx;
	int i = d->i;

	s.keys = *set;
	s.h = p->header;
	for (; made[i].said < (unsigned)i % EVENTS; made[i].said++)
		assert_int_equal(told_say(&d->told, &s, RSG_STATUS_GIVEN,
		    time_of(i, made[i].said)), RSG_OK);
	for (; made[i].given < (unsigned)i / EVENTS % EVENTS; made[i].given++)
		assert_int_equal(told_get(&d->told, &s, 1, time_of(i, made[i].given)),
		    RSG_OK);
	p->header = s.h;
	rsg_secret_wipe(&s, sizeof(s));
	return RSG_OK;
}

static void
fill(void)
{
	struct rsg_bind *b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	struct desk d = { .told = { .purpose = 9,
	    .consents = rsg_db_bind(f.db, RSG_SQL_CONSENT_INSERT),
	    .benefits = rsg_db_bind(f.db, RSG_SQL_BENEFIT_INSERT) } };
	struct people_one p;
	struct rsg_buf scratch;

	rsg_buf_init(&scratch, 65536);
	for (d.i = 0; d.i < PEOPLE; d.i++) {
		people_begin(&p, controller_of(d.i));
		p.before = history;
		p.ctx = &d;
		made[d.i].id = p.id;
		place[d.i] = (struct place){ p.id, d.i };
		assert_int_equal(people_bind(&p, keys, b, &scratch), RSG_OK);
	}
	qsort(place, PEOPLE, sizeof(*place), rsg_id_cmp);
	(void)rsg_db_send(f.db, b);
	(void)rsg_db_send(f.db, d.told.consents);
	(void)rsg_db_send(f.db, d.told.benefits);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	rsg_buf_free(&scratch);
	fresh_sql(f.as_super, "CREATE TABLE said AS SELECT * FROM consent_event");
	fresh_sql(f.as_super, "CREATE TABLE given AS SELECT * FROM benefit_event");
}

static int
setup(void **state)
{
	(void)state;
	if (!fresh_have())
		return 0;
	assert_int_equal(rsg_secret_init(0), RSG_OK);
	snprintf(key_file, sizeof(key_file), "/tmp/rsg-histories-%ld.key", (long)getpid());
	assert_int_equal(rsg_keyring_create(key_file), RSG_OK);
	assert_int_equal(rsg_keyring_open(key_file, &keys), RSG_OK);
	fresh_open(&f);
	fill();
	return 0;
}

static int
teardown(void **state)
{
	if (f.db != NULL) {
		rsg_keyring_free(keys);
		(void)unlink(key_file);
	}
	return fresh_teardown(state);
}

static int
number_of(const struct rsg_id *id)
{
	const struct place *p = bsearch(id, place, PEOPLE, sizeof(*place), rsg_id_cmp);

	return p == NULL ? -1 : p->i;
}

static enum rsg_err
person(void *ctx, unsigned thread, const struct rsg_subject *s)
{
	int i = number_of(&s->id);

	(void)ctx;
	pthread_mutex_lock(&seen.lock);
	seen.at[thread] = i;
	if (i < 0)
		seen.wrong++;
	else
		seen.people[i]++;
	pthread_mutex_unlock(&seen.lock);
	return RSG_OK;
}

/* An event of whom the thread is at, the next of theirs. */
static enum rsg_err
hear(unsigned thread, int64_t time, unsigned *of)
{
	int i = seen.at[thread];

	pthread_mutex_lock(&seen.lock);
	if (i < 0 || time != time_of(i, of[i]++))
		seen.wrong++;
	pthread_mutex_unlock(&seen.lock);
	return RSG_OK;
}

static enum rsg_err
consent(void *ctx, unsigned thread, uint32_t sequence, const struct rsg_ledger_event *ev)
{
	(void)ctx;
	(void)sequence;
	/* Gifts come after all words. */
	if (seen.at[thread] >= 0 && seen.given[seen.at[thread]] > 0)
		seen.wrong++;
	return hear(thread, ev->time, seen.said);
}

static enum rsg_err
benefit(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	(void)ctx;
	return hear(thread, ev->time, seen.given);
}

static enum rsg_err
run(bool said, bool given)
{
	struct rsg_histories_job job = { .person = person, .conninfo = f.app,
	    .consent = said ? consent : NULL, .benefit = given ? benefit : NULL,
	    .keys = keys, .controller = 1 };
	struct rsg_snapshot *s;
	enum rsg_err e;

	memset(seen.people, 0, sizeof(seen.people));
	memset(seen.said, 0, sizeof(seen.said));
	memset(seen.given, 0, sizeof(seen.given));
	seen.wrong = 0;
	assert_int_equal(rsg_snapshot_open(f.app, &s), RSG_OK);
	job.snapshot = s;
	/* More than one range, or this tests little. */
	assert_true(rsg_snapshot_blocks(s) > 128);
	e = rsg_histories_run(&job);
	rsg_snapshot_close(s);
	return e;
}

static void
each_once(bool said, bool given)
{
	assert_int_equal(run(said, given), RSG_OK);
	assert_int_equal(seen.wrong, 0);
	for (int i = 0; i < PEOPLE; i++) {
		bool in = controller_of(i) == 1;

		assert_int_equal(seen.people[i], in);
		assert_int_equal(seen.said[i], in && said ? made[i].said : 0);
		assert_int_equal(seen.given[i], in && given ? made[i].given : 0);
	}
}

static void
test_each_event_goes_to_its_person_once(void **state)
{
	(void)state;
	NEED_DB();
	each_once(true, true);
	each_once(true, false);
	each_once(false, true);
}

/* Two people of the controller with two words and two gifts each: :a and :b. */
static void
sql_about(const char *sql, const char *table)
{
	char text[4096], id[2][RSG_ID_TEXT];
	size_t n = 0;
	int found = 0;

	for (int i = 0; i < PEOPLE && found < 2; i++)
		if (controller_of(i) == 1 && made[i].said == 2 && made[i].given == 2)
			rsg_id_text(&made[i].id, id[found++]);
	assert_int_equal(found, 2);
	for (const char *p = sql; *p != '\0'; p++) {
		if (p[0] == ':' && (p[1] == 'a' || p[1] == 'b'))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "'%s'",
			    id[*++p - 'a']);
		else if (p[0] == ':' && p[1] == 't') {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", table);
			p++;
		} else
			text[n++] = *p;
		assert_true(n < sizeof(text) - 1);
	}
	text[n] = '\0';
	fresh_sql(f.as_super, text);
}

static void
test_a_history_that_is_not_whole_ends_the_scan(void **state)
{
	static const char *const harms[] = {
		"DELETE FROM :t WHERE subject_id = :a",
		"DELETE FROM :t WHERE subject_id = :a AND sequence = 1",
		"DELETE FROM :t WHERE subject_id = :a AND sequence = 2",
		"INSERT INTO :t SELECT subject_id, 3, sealed, hash FROM :t"
		" WHERE subject_id = :a AND sequence = 2",
		"INSERT INTO :t SELECT :b, 3, sealed, hash FROM :t"
		" WHERE subject_id = :a AND sequence = 2",
		"INSERT INTO :t SELECT subject_id, 0, sealed, hash FROM :t"
		" WHERE subject_id = :a AND sequence = 1",
		"UPDATE :t t SET sealed = o.sealed, hash = o.hash FROM :t o"
		" WHERE o.sequence = t.sequence AND (t.subject_id, o.subject_id)"
		" IN ((:a, :b), (:b, :a))",
		"UPDATE :t t SET sealed = o.sealed, hash = o.hash FROM :t o"
		" WHERE t.subject_id = :a AND o.subject_id = :a"
		" AND o.sequence = 3 - t.sequence",
		"UPDATE :t SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)"
		" WHERE subject_id = :a AND sequence = 1",
		"UPDATE :t SET sealed = sealed || sealed || sealed || sealed"
		" WHERE subject_id = :a AND sequence = 2",
		"UPDATE :t SET sealed = '' WHERE subject_id = :b AND sequence = 1",
	};
	static const struct { const char *table, *kept; bool said; } of[] = {
		{ "consent_event", "said", true }, { "benefit_event", "given", false },
	};
	char sql[256];

	(void)state;
	NEED_DB();
	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; i < sizeof(harms) / sizeof(*harms); i++) {
			sql_about(harms[i], of[t].table);
			if (run(true, true) != RSG_TAMPERED)
				fail_msg("%s: not seen: %s", of[t].table, harms[i]);
			assert_int_equal(run(of[t].said, !of[t].said), RSG_TAMPERED);
			/* Who reads the other history alone does not look. */
			assert_int_equal(run(!of[t].said, of[t].said), RSG_OK);
			snprintf(sql, sizeof(sql), "TRUNCATE %s; INSERT INTO %s SELECT *"
			    " FROM %s", of[t].table, of[t].table, of[t].kept);
			fresh_sql(f.as_super, sql);
		}
		/* The link to the event before stands in each row of the ledger. */
		sql_about("UPDATE :t SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1)"
		    " WHERE subject_id = :a AND sequence = 1", of[t].table);
		assert_int_equal(run(true, true), of[t].said ? RSG_TAMPERED : RSG_OK);
		snprintf(sql, sizeof(sql), "TRUNCATE %s; INSERT INTO %s SELECT * FROM %s",
		    of[t].table, of[t].table, of[t].kept);
		fresh_sql(f.as_super, sql);
	}
	each_once(true, true);
}

/* Events of nobody, before, between and after those of people. */
static void
test_events_of_nobody_are_passed_over(void **state)
{
	(void)state;
	NEED_DB();
	fresh_sql(f.as_super, "INSERT INTO consent_event SELECT n.id, 1, e.sealed, e.hash"
	    " FROM (VALUES ('00000000-0000-4000-8000-000000000001'::uuid),"
	    " (gen_random_uuid()), ('ffffffff-ffff-4fff-bfff-ffffffffffff')) n (id),"
	    " (SELECT * FROM consent_event LIMIT 1) e");
	each_once(true, true);
	fresh_sql(f.as_super, "TRUNCATE consent_event;"
	    " INSERT INTO consent_event SELECT * FROM said");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_event_goes_to_its_person_once),
		cmocka_unit_test(test_events_of_nobody_are_passed_over),
		cmocka_unit_test(test_a_history_that_is_not_whole_ends_the_scan),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
