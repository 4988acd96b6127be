/*
 * The integrator against a real database: growing, restarting, racing, and
 * refusing when database or files are not what was signed.
 */
#include "db/fresh.h"

#include <pthread.h>
#include <stdatomic.h>

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/health.h"
#include "audit/integrate.h"
#include "audit/logkey.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

static char state[2][64];
static struct rsg_vkey key;

static void __attribute__((format(printf, 1, 2)))
run(const char *format, ...)
{
	char cmd[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(cmd, sizeof(cmd), format, ap);
	va_end(ap);
	assert_int_equal(system(cmd), 0);
}

static void
copy_key(void)
{
	char cmd[400];

	snprintf(cmd, sizeof(cmd), "cp -p %s/keys/log.key %s/keys/", state[0], state[1]);
	assert_int_equal(system(cmd), 0);
}

static void
know_key(void)
{
	char dir[100];
	struct rsg_skey s;

	snprintf(dir, sizeof(dir), "%s/keys", state[0]);
	assert_int_equal(rsg_logkey_read(dir, &s), RSG_OK);
	key = s.public;
}

/* `n` entries as the server writes them, in one transaction. */
static void
entries(int n)
{
	struct rsg_bind *b = rsg_db_bind(f.db, RSG_SQL_AUDIT_INSERT);
	static int made;

	for (int i = 0; i < n; i++) {
		struct rsg_id id = rsg_id_new();
		uint8_t leaf[200] = { 1 }, hash[32];

		memcpy(leaf + 1, id.b, sizeof(id.b));
		rsg_be32(leaf + 20, (uint32_t)made++);
		rsg_entry_hash(leaf, sizeof(leaf), hash);
		rsg_bind_id(b, 0, &id);
		rsg_bind_int(b, 1, rsg_clock_now());
		rsg_bind_int(b, 2, 1);
		rsg_bind_id(b, 3, &id);
		for (int k = 4; k < 8; k++)
			rsg_bind_int(b, k, 0);
		rsg_bind_null(b, 8);
		rsg_bind_bytes(b, 9, leaf, sizeof(leaf));
		rsg_bind_bytes(b, 10, hash, sizeof(hash));
	}
	(void)rsg_db_send(f.db, b);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
}

static struct rsg_integrator *
opened(int which)
{
	struct rsg_integrator *g;

	assert_int_equal(rsg_integrate_open(f.app, state[which], &g), RSG_OK);
	return g;
}

static void
all(struct rsg_integrator *g)
{
	size_t done;

	/* The last round takes nothing: it also follows a rival. */
	do
		assert_int_equal(rsg_integrate_step(g, &done), RSG_OK);
	while (done > 0);
	assert_int_equal(rsg_integrate_step(g, &done), RSG_OK);
}

static void
published(int which, struct rsg_checkpoint *c)
{
	struct rsg_logdir *d;
	struct rsg_buf b;
	char path[100];

	snprintf(path, sizeof(path), "%s/log", state[which]);
	assert_int_equal(rsg_logdir_open(path, false, &d), RSG_OK);
	rsg_buf_init(&b, RSG_NOTE_MAX + 1);
	assert_int_equal(rsg_logdir_read(d, "checkpoint", RSG_NOTE_MAX, &b), RSG_OK);
	assert_int_equal(rsg_checkpoint_open((char *)b.p, b.len, &key, c), RSG_OK);
	rsg_buf_free(&b);
	rsg_logdir_close(d);
}

/* Every leaf of the database is in the tree that was signed, in order. */
static void
verifies(int which)
{
	static struct rsg_tiles t;
	struct rsg_checkpoint c;
	struct rsg_logdir *d;
	PGresult *r;
	uint8_t hash[32];
	char path[100];

	published(which, &c);
	snprintf(path, sizeof(path), "%s/log", state[which]);
	assert_int_equal(rsg_logdir_open(path, false, &d), RSG_OK);
	memset(&t, 0, sizeof(t));
	t.dir = d;
	t.size = c.size;
	assert_int_equal(rsg_tree_root(rsg_tiles_hash, &t, c.size, hash), RSG_OK);
	assert_memory_equal(hash, c.root, 32);
	r = PQexecParams(f.as_super, "SELECT leaf_hash FROM audit_entry ORDER BY xid, seq",
	    0, NULL, NULL, NULL, NULL, 1);
	assert_int_equal(PQntuples(r), c.size);
	for (int i = 0; i < PQntuples(r); i++) {
		assert_int_equal(rsg_tiles_hash(&t, 0, (uint64_t)i, hash), RSG_OK);
		assert_memory_equal(hash, PQgetvalue(r, i, 0), 32);
	}
	PQclear(r);
	rsg_logdir_close(d);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM log_page"),
	    (c.size + 255) / 256);
}

static int
open_all(void **s)
{
	(void)s;
	if (!fresh_have())
		return 0;
	assert_int_equal(rsg_secret_init(1 << 16), RSG_OK);
	for (int i = 0; i < 2; i++) {
		strcpy(state[i], "/tmp/rsg-log-XXXXXX");
		assert_non_null(mkdtemp(state[i]));
		run("mkdir %s/keys", state[i]);
	}
	fresh_open(&f);
	return 0;
}

static int
close_all(void **s)
{
	(void)s;
	if (!fresh_have())
		return 0;
	fresh_close(&f);
	for (int i = 0; i < 2; i++)
		run("rm -rf %s", state[i]);
	return 0;
}

static void
grows(void **s)
{
	static const int steps[] = { 1, 254, 1, 1, 300, 4096, 4500 };
	struct rsg_integrator *g;
	struct rsg_checkpoint c;
	uint64_t size = 0;

	(void)s;
	if (!fresh_have())
		skip();
	g = opened(0);
	know_key();
	all(g);
	published(0, &c);
	assert_int_equal(c.size, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		entries(steps[i]);
		size += (uint64_t)steps[i];
		all(g);
		published(0, &c);
		assert_int_equal(c.size, size);
		verifies(0);
	}
	rsg_integrate_close(g);
}

static void
goes_on_after_restart(void **s)
{
	struct rsg_integrator *g;

	(void)s;
	if (!fresh_have())
		skip();
	for (int i = 0; i < 3; i++) {
		g = opened(0);
		entries(100);
		all(g);
		rsg_integrate_close(g);
		verifies(0);
	}
}

/* An entry is not taken while an older transaction may still add one before. */
static void
waits_for_older(void **s)
{
	struct rsg_integrator *g;
	struct rsg_checkpoint c, d;
	PGconn *old;

	(void)s;
	if (!fresh_have())
		skip();
	g = opened(0);
	all(g);
	published(0, &c);
	old = fresh_connect(f.super);
	fresh_sql(old, "BEGIN; SELECT pg_current_xact_id()");
	entries(10);
	all(g);
	published(0, &d);
	assert_int_equal(d.size, c.size);
	fresh_sql(old, "COMMIT");
	PQfinish(old);
	all(g);
	published(0, &d);
	assert_int_equal(d.size, c.size + 10);
	verifies(0);
	rsg_integrate_close(g);
}

/* Another server with a folder of its own takes over where the first stands. */
static void
lost_files(void **s)
{
	struct rsg_integrator *g;

	(void)s;
	if (!fresh_have())
		skip();
	copy_key();
	g = opened(1);
	all(g);
	verifies(1);
	rsg_integrate_close(g);
	run("rm -rf %s/log/tile", state[0]);
	g = opened(0);
	entries(5);
	all(g);
	verifies(0);
	rsg_integrate_close(g);
}

struct racer { struct rsg_integrator *g; int failed; };

static _Atomic int writing;

static void *
race(void *arg)
{
	struct racer *r = arg;
	size_t done = 0;

	while (atomic_load(&writing) || done > 0)
		if (rsg_integrate_step(r->g, &done) != RSG_OK)
			r->failed++;
	return NULL;
}

static void
race_of(int a, int b)
{
	struct racer r[2] = { { opened(a), 0 }, { opened(b), 0 } };
	pthread_t t[2];

	atomic_store(&writing, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
	for (int i = 0; i < 120; i++)
		entries(i % 70 + 1);
	atomic_store(&writing, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(r[i].failed, 0);
		all(r[i].g);
	}
	verifies(a);
	verifies(b);
	for (int i = 0; i < 2; i++)
		rsg_integrate_close(r[i].g);
}

static void
two_race(void **s)
{
	(void)s;
	if (!fresh_have())
		skip();
	race_of(0, 0);
	race_of(0, 1);
}

static void
refuses(const char *clause)
{
	struct rsg_integrator *g = opened(0);
	size_t done;

	rsg_health_watch(rsg_clock_mono());
	assert_int_equal(rsg_integrate_step(g, &done), RSG_TAMPERED);
	assert_string_equal(rsg_health_closed(rsg_clock_mono(), false), clause);
	rsg_integrate_close(g);
}

static void
resumes(void)
{
	struct rsg_integrator *g = opened(0);

	all(g);
	assert_null(rsg_health_closed(rsg_clock_mono(), false));
	verifies(0);
	rsg_integrate_close(g);
}

/* A row changed before it was taken in. */
static void
altered_row(void **s)
{
	(void)s;
	if (!fresh_have())
		skip();
	entries(3);
	fresh_sql(f.as_super, "UPDATE audit_entry SET leaf = set_byte(leaf, 150, 77)"
	    " WHERE xid = (SELECT max(xid) FROM audit_entry) AND seq ="
	    " (SELECT max(seq) FROM audit_entry)");
	refuses("log-entry-altered");
	fresh_sql(f.as_super, "UPDATE audit_entry SET leaf = set_byte(leaf, 150, 0)"
	    " WHERE xid = (SELECT max(xid) FROM audit_entry) AND seq ="
	    " (SELECT max(seq) FROM audit_entry)");
	resumes();
}

/* A database from before the last checkpoint, and one that went another way. */
static void
restored(void **s)
{
	(void)s;
	if (!fresh_have())
		skip();
	fresh_sql(f.as_super, "CREATE TABLE kept_state AS TABLE log_state;"
	    "CREATE TABLE kept_entry AS TABLE audit_entry;"
	    "CREATE TABLE kept_page AS TABLE log_page");
	entries(400);
	resumes();
	fresh_sql(f.as_super, "CREATE TABLE newer_entry AS TABLE audit_entry;"
	    "CREATE TABLE newer_state AS TABLE log_state;"
	    "CREATE TABLE newer_page AS TABLE log_page;"
	    "DELETE FROM audit_entry WHERE entry NOT IN (SELECT entry FROM kept_entry);"
	    "DELETE FROM log_page WHERE page NOT IN (SELECT page FROM kept_page);"
	    "DELETE FROM log_state; INSERT INTO log_state SELECT * FROM kept_state");
	refuses("log-behind");
	entries(500);
	refuses("log-behind");
	/* Even if it says that it is further. */
	fresh_sql(f.as_super, "UPDATE log_state SET size = size + 100000");
	refuses("log-differs");
	/* And the files of what was signed are as they were. */
	fresh_sql(f.as_super, "DELETE FROM audit_entry;"
	    "INSERT INTO audit_entry OVERRIDING SYSTEM VALUE SELECT * FROM newer_entry;"
	    "DELETE FROM log_state; INSERT INTO log_state SELECT * FROM newer_state;"
	    "DELETE FROM log_page; INSERT INTO log_page SELECT * FROM newer_page");
	resumes();
}

static void
forged_checkpoint(void **s)
{
	(void)s;
	if (!fresh_have())
		skip();
	run("cp %s/keys/last-checkpoint /tmp/rsg-log-kept", state[0]);
	run("sed -i s/^resguardo/resguardp/ %s/keys/last-checkpoint", state[0]);
	refuses("log-checkpoint-altered");
	run("cp /tmp/rsg-log-kept %s/keys/last-checkpoint", state[0]);
	resumes();
	unlink("/tmp/rsg-log-kept");
}

/* Bounds: backlog, age, a checkpoint and an integrator that say nothing. */
static void
bounds(void **s)
{
	int64_t t = 1000 * RSG_US;

	(void)s;
	rsg_health_watch(t);
	assert_null(rsg_health_closed(t, true));
	rsg_health_report(t, 10, 100000, 0);
	assert_null(rsg_health_closed(t, false));
	assert_string_equal(rsg_health_closed(t, true), "log-backlog");
	rsg_health_report(t, 10, 100001, 0);
	assert_string_equal(rsg_health_closed(t, false), "log-backlog");
	rsg_health_report(t, 10, 1, 60 * RSG_US);
	assert_null(rsg_health_closed(t, false));
	assert_string_equal(rsg_health_closed(t + RSG_US, false), "log-age");
	rsg_health_report(t, 10, 0, 0);
	assert_null(rsg_health_closed(t + 60 * RSG_US, false));
	rsg_health_report(t + 61 * RSG_US, 10, 0, 0);
	assert_string_equal(rsg_health_closed(t + 61 * RSG_US, false), "log-checkpoint");
	rsg_health_signed(t + 61 * RSG_US, 10);
	assert_null(rsg_health_closed(t + 61 * RSG_US, false));
	rsg_health_signed(t + 122 * RSG_US, 10);
	assert_string_equal(rsg_health_closed(t + 122 * RSG_US, false), "log-silent");
	rsg_health_refuse("log-differs");
	assert_string_equal(rsg_health_closed(t, false), "log-differs");
	rsg_health_refuse(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(goes_on_after_restart),
		cmocka_unit_test(waits_for_older),
		cmocka_unit_test(lost_files),
		cmocka_unit_test(two_race),
		cmocka_unit_test(altered_row),
		cmocka_unit_test(restored),
		cmocka_unit_test(forged_checkpoint),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
