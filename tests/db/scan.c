#include "db/fresh.h"

#include <pthread.h>
#include <unistd.h>

#include "people.h"
#include "segment/scan.h"

#define PEOPLE		900
#define OTHERS		100	/* of another controller */
#define DAY		20000	/* a person's purchases tell who they are */

static struct rsg_keyring *keys;
static char key_file[128];
static struct rsg_id ids[PEOPLE + OTHERS];

/* What a scan saw, by person. */
static struct {
	pthread_mutex_t lock;
	struct rsg_activity *activity;
	unsigned wanted[PEOPLE], read[PEOPLE], strangers;
	bool refuse_odd;
	enum rsg_err fail;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
fill(void)
{
	struct rsg_bind *b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
	struct rsg_activity *a = rsg_activity_new();
	struct people_one p;
	struct rsg_buf scratch;

	rsg_buf_init(&scratch, 65536);
	for (int i = 0; i < PEOPLE + OTHERS; i++) {
		people_begin(&p, i < PEOPLE ? 1 : 2);
		ids[i] = p.id;
		rsg_activity_clear(a);
		assert_int_equal(rsg_activity_add(a, &(struct rsg_day){ .day = DAY + i,
		    .documents = 1, .gross = 100 + i }), RSG_OK);
		/* A tenth have no history. */
		p.activity = i % 10 == 9 ? NULL : a;
		assert_int_equal(people_bind(&p, keys, b, &scratch), RSG_OK);
	}
	(void)rsg_db_send(f.db, b);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	rsg_buf_free(&scratch);
	rsg_activity_free(a);
}

static int
setup(void **state)
{
	(void)state;
	if (!fresh_have())
		return 0;
	assert_int_equal(rsg_secret_init(0), RSG_OK);
	snprintf(key_file, sizeof(key_file), "/tmp/rsg-scan-%ld.key", (long)getpid());
	assert_int_equal(rsg_keyring_create(key_file), RSG_OK);
	assert_int_equal(rsg_keyring_open(key_file, &keys), RSG_OK);
	fresh_open(&f);
	fill();
	seen.activity = rsg_activity_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (f.db == NULL)
		return 0;
	rsg_activity_free(seen.activity);
	rsg_keyring_free(keys);
	(void)unlink(key_file);
	fresh_close(&f);
	return 0;
}

static int
number_of(const struct rsg_id *id)
{
	for (int i = 0; i < PEOPLE; i++)
		if (rsg_id_eq(&ids[i], id))
			return i;
	return -1;
}

static bool
want(void *ctx, unsigned thread, const struct rsg_scanned *s)
{
	int i;
	bool yes;

	(void)thread;
	(void)ctx;
	pthread_mutex_lock(&seen.lock);
	if ((i = number_of(&s->subject)) < 0)
		seen.strangers++;
	else
		seen.wanted[i]++;
	yes = !seen.refuse_odd || i % 2 == 0;
	pthread_mutex_unlock(&seen.lock);
	return yes;
}

static enum rsg_err
row(void *ctx, unsigned thread, const struct rsg_scanned *s)
{
	enum rsg_err e;
	int i;

	(void)thread;
	(void)ctx;
	pthread_mutex_lock(&seen.lock);
	if ((i = number_of(&s->subject)) >= 0) {
		seen.read[i]++;
		if ((s->activity == NULL) != (i % 10 == 9))
			seen.strangers++;
		if (s->activity != NULL && (rsg_activity_get(seen.activity,
		    s->activity, s->len) != RSG_OK ||
		    rsg_activity_day(seen.activity, 0)->day != DAY + i))
			seen.strangers++;
	}
	e = seen.fail;
	pthread_mutex_unlock(&seen.lock);
	return e;
}

static enum rsg_err
scan(unsigned threads)
{
	struct rsg_scan_job job = { .want = want, .row = row, .conninfo = f.app,
	    .keys = keys, .controller = 1, .threads = threads };
	struct rsg_snapshot *s;
	enum rsg_err e;

	memset(seen.wanted, 0, sizeof(seen.wanted));
	memset(seen.read, 0, sizeof(seen.read));
	seen.strangers = 0;
	assert_int_equal(rsg_snapshot_open(f.app, &s), RSG_OK);
	job.snapshot = s;
	e = rsg_scan_run(&job);
	rsg_snapshot_close(s);
	return e;
}

/* Run SQL about two people; :a and :b stand for them. */
static void
sql_about(const char *sql, int a, int b)
{
	char text[1024], who[2][RSG_ID_TEXT];
	size_t n = 0;

	rsg_id_text(&ids[a], who[0]);
	rsg_id_text(&ids[b], who[1]);
	for (const char *p = sql; *p != '\0' && n + 40 < sizeof(text); p++) {
		if (*p == ':' && (p[1] == 'a' || p[1] == 'b')) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "'%s'",
			    who[p[1] == 'b']);
			p++;
		} else
			text[n++] = *p;
	}
	text[n] = '\0';
	fresh_sql(f.as_super, text);
}

static void
everybody_is_seen_once(void **state)
{
	static const unsigned threads[] = { 1, 2, 5, 99 };

	(void)state;
	if (f.db == NULL)
		skip();
	for (size_t t = 0; t < 4; t++) {
		assert_int_equal(scan(threads[t]), RSG_OK);
		assert_int_equal(seen.strangers, 0);
		for (int i = 0; i < PEOPLE; i++) {
			assert_int_equal(seen.wanted[i], 1);
			assert_int_equal(seen.read[i], 1);
		}
	}
}

static void
who_is_not_wanted_is_not_opened(void **state)
{
	(void)state;
	if (f.db == NULL)
		skip();
	seen.refuse_odd = true;
	fresh_sql(f.as_super, "CREATE TABLE kept AS SELECT * FROM subject");
	/* Were it opened, it would be noticed. */
	sql_about("UPDATE subject SET activity = (SELECT activity FROM subject"
	    " WHERE subject_id = :b) WHERE subject_id = :a", 121, 450);
	assert_int_equal(scan(2), RSG_OK);
	seen.refuse_odd = false;
	fresh_sql(f.as_super, "TRUNCATE subject;"
	    " INSERT INTO subject SELECT * FROM kept; DROP TABLE kept");
	for (int i = 0; i < PEOPLE; i++)
		assert_int_equal(seen.read[i], i % 2 == 0);
}

static void
an_error_ends_the_scan(void **state)
{
	(void)state;
	if (f.db == NULL)
		skip();
	seen.fail = RSG_NO_MEMORY;
	assert_int_equal(scan(2), RSG_NO_MEMORY);
	seen.fail = RSG_OK;
}

static void
what_was_moved_or_altered_is_noticed(void **state)
{
	static const char *const harm[] = {
		"UPDATE subject SET activity = (SELECT activity FROM subject WHERE subject_id = :b)"
		  " WHERE subject_id = :a",
		"UPDATE subject SET header = (SELECT header FROM subject WHERE subject_id = :b)"
		  " WHERE subject_id = :a",
		"UPDATE subject SET keyset = (SELECT keyset FROM subject WHERE subject_id = :b)"
		  " WHERE subject_id = :a",
		"UPDATE subject SET header = (SELECT header FROM subject WHERE subject_id = :b),"
		  " keyset = (SELECT keyset FROM subject WHERE subject_id = :b),"
		  " activity = (SELECT activity FROM subject WHERE subject_id = :b)"
		  " WHERE subject_id = :a",
		"UPDATE subject SET activity = NULL WHERE subject_id = :a",
		"UPDATE subject SET version = version + 1 WHERE subject_id = :a",
		"UPDATE subject SET header = '' WHERE subject_id = :a",
		"UPDATE subject SET header = set_byte(header, 30, 1 # get_byte(header, 30))"
		  " WHERE subject_id = :a",
		"UPDATE subject SET activity = set_byte(activity, 30, 1 # get_byte(activity, 30))"
		  " WHERE subject_id = :a",
		"UPDATE subject SET activity = decode(repeat('00', 30000), 'hex')"
		  " WHERE subject_id = :a",
	};

	(void)state;
	if (f.db == NULL)
		skip();
	for (size_t i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
		fresh_sql(f.as_super, "CREATE TABLE kept AS SELECT * FROM subject");
		sql_about(harm[i], 120, 450);
		assert_int_equal(scan(2), RSG_TAMPERED);
		fresh_sql(f.as_super, "TRUNCATE subject;"
		    " INSERT INTO subject SELECT * FROM kept; DROP TABLE kept");
	}
	assert_int_equal(scan(2), RSG_OK);
	/* One of another controller, put among ours. */
	sql_about("UPDATE subject SET controller = 1 WHERE subject_id = :a", PEOPLE, 0);
	assert_int_equal(scan(2), RSG_TAMPERED);
	sql_about("UPDATE subject SET controller = 2 WHERE subject_id = :a", PEOPLE, 0);
	/* A history where the header says there is none. */
	sql_about("UPDATE subject SET activity = (SELECT activity FROM subject"
	    " WHERE subject_id = :b) WHERE subject_id = :a", 9, 0);
	assert_int_equal(scan(2), RSG_TAMPERED);
	sql_about("UPDATE subject SET activity = NULL WHERE subject_id = :a", 9, 0);
	assert_int_equal(scan(2), RSG_OK);
}

/* The snapshot decides, not the moment at which a thread comes by. */
static void
a_scan_sees_one_moment(void **state)
{
	struct rsg_scan_job job = { .want = want, .row = row, .conninfo = f.app,
	    .keys = keys, .controller = 1, .threads = 2 };
	struct rsg_snapshot *s;

	(void)state;
	if (f.db == NULL)
		skip();
	assert_int_equal(rsg_snapshot_open(f.app, &s), RSG_OK);
	fresh_sql(f.as_super, "CREATE TABLE kept AS SELECT * FROM subject");
	fresh_sql(f.as_super, "DELETE FROM subject");
	memset(seen.read, 0, sizeof(seen.read));
	job.snapshot = s;
	assert_int_equal(rsg_scan_run(&job), RSG_OK);
	rsg_snapshot_close(s);
	for (int i = 0; i < PEOPLE; i++)
		assert_int_equal(seen.read[i], 1);
	assert_int_equal(scan(2), RSG_OK);
	assert_int_equal(seen.read[0], 0);
	fresh_sql(f.as_super, "INSERT INTO subject SELECT * FROM kept; DROP TABLE kept");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_seen_once),
		cmocka_unit_test(who_is_not_wanted_is_not_opened),
		cmocka_unit_test(an_error_ends_the_scan),
		cmocka_unit_test(what_was_moved_or_altered_is_noticed),
		cmocka_unit_test(a_scan_sees_one_moment),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
