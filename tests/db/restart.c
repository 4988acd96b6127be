/*
 * What the store does when the server goes away, comes back, crashes, or has
 * a standby that does not answer. Run on a cluster of its own, since it would
 * take away the others'.
 */
#include <signal.h>
#include <sys/wait.h>

#include "resguardo/clock.h"

#include "db/fresh.h"

#define INNER		"RSG_TEST_RESTART_INNER"
#define PATIENCE	(30 * RSG_US)

static void
ctl(const char *what)
{
	char command[256];

	snprintf(command, sizeof command, "%s %s", getenv("RSG_TEST_CTL"), what);
	assert_int_equal(system(command), 0);
}

static void
reconnect_super(void)
{
	PQfinish(f.as_super);
	f.as_super = fresh_connect(f.super);
}

static void
insert(const struct rsg_id *id, int version)
{
	struct rsg_bind *b = rsg_db_bind(f.db, RSG_SQL_FIELD_INSERT);

	fresh_field(b, id, 1, version, "sealed");
	(void)rsg_db_send(f.db, b);
}

static int64_t
rows(void)
{
	return fresh_number(f.as_super, "SELECT count(*) FROM field_value");
}

/* Ready again, within what the back-off may take. */
static void
wait_ready(void)
{
	int64_t until = rsg_clock_mono() + PATIENCE;

	while (rsg_db_ready(f.db) != RSG_OK)
		assert_true(rsg_clock_mono() < until);
}

static int
empty(void **state)
{
	(void)state;
	if (fresh_have())
		fresh_sql(f.as_super, "TRUNCATE field_value");
	return 0;
}

/* Between transactions: the next one does not even notice. */
static void
test_restart_while_idle(void **state)
{
	struct rsg_id id = rsg_id_new();

	(void)state;
	NEED_DB();
	ctl("restart");
	assert_int_equal(rsg_db_ready(f.db), RSG_OK);
	insert(&id, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	reconnect_super();
	assert_int_equal(rows(), 1);
}

/* In the middle of one: it fails, nothing of it stays, the next one works. */
static void
test_restart_in_transaction(void **state)
{
	struct rsg_id id = rsg_id_new();

	(void)state;
	NEED_DB();
	for (int crash = 0; crash < 2; crash++) {
		insert(&id, 1);
		assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
		if (crash) {
			ctl("kill");
			ctl("start");
		} else
			ctl("restart");
		insert(&id, 2);
		assert_int_equal(rsg_db_commit(f.db), RSG_UNAVAILABLE);
		reconnect_super();
		assert_int_equal(rows(), 0);
		wait_ready();
	}
	insert(&id, 3);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(rows(), 1);
}

/* While it is away everything says so at once, and asks it rarely. */
static void
test_away(void **state)
{
	struct rsg_id id = rsg_id_new();
	struct rsg_db *other;
	int64_t start;

	(void)state;
	NEED_DB();
	ctl("stop");
	assert_int_equal(rsg_db_ready(f.db), RSG_UNAVAILABLE);
	start = rsg_clock_mono();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rsg_db_ready(f.db), RSG_UNAVAILABLE);
	assert_true(rsg_clock_mono() - start < PATIENCE);
	insert(&id, 1);
	assert_int_equal(rsg_db_fetch(f.db), RSG_UNAVAILABLE);
	assert_int_equal(rsg_db_commit(f.db), RSG_UNAVAILABLE);
	rsg_db_rollback(f.db);
	assert_int_equal(rsg_db_open(f.app, &other), RSG_UNAVAILABLE);
	assert_null(other);
	ctl("start");
	reconnect_super();
	wait_ready();
	insert(&id, 1);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	assert_int_equal(rows(), 1);
}

/* An administrator ends our session: as a restart, for one connection. */
static void
test_terminated(void **state)
{
	struct rsg_id id = rsg_id_new();

	(void)state;
	NEED_DB();
	for (int started = 0; started < 2; started++) {
		if (started) {
			insert(&id, 1);
			assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
		}
		/* With a time-out it returns when the session is gone. */
		assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM"
		    " pg_stat_activity WHERE CASE application_name WHEN 'resguardo'"
		    " THEN pg_terminate_backend(pid, 10000) END"), 1);
		if (!started)
			assert_int_equal(rsg_db_ready(f.db), RSG_OK);
		insert(&id, 2 + started);
		assert_int_equal(rsg_db_commit(f.db),
		    started ? RSG_UNAVAILABLE : RSG_OK);
		wait_ready();
	}
	assert_int_equal(rows(), 1);
}

/* Cancel the wait for a standby as soon as there is one. */
static void
cancel_wait(void)
{
	PGconn *c = fresh_connect(f.super);
	int64_t until = rsg_clock_mono() + PATIENCE;

	while (fresh_number(c, "SELECT count(*) FROM pg_stat_activity WHERE"
	    " CASE wait_event WHEN 'SyncRep' THEN pg_cancel_backend(pid) END") == 0) {
		if (rsg_clock_mono() > until)
			_exit(1);
	}
	_exit(0);
}

/* Committed here, but not where it was to be safe: that is a failure. */
static void
test_standby_does_not_answer(void **state)
{
	struct rsg_id id = rsg_id_new();
	int status;
	pid_t pid;

	(void)state;
	NEED_DB();
	fresh_sql(f.as_super, "SET synchronous_commit = local");
	fresh_sql(f.as_super, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	ctl("restart");
	reconnect_super();
	fresh_sql(f.as_super, "SET synchronous_commit = local");
	assert_int_equal(rsg_db_ready(f.db), RSG_OK);
	for (int fetched = 0; fetched < 2; fetched++) {
		if ((pid = fork()) == 0)
			cancel_wait();
		insert(&id, 1 + fetched);
		if (fetched)
			assert_int_equal(rsg_db_fetch(f.db), RSG_OK);
		assert_int_equal(rsg_db_commit(f.db), RSG_UNAVAILABLE);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	fresh_sql(f.as_super, "ALTER SYSTEM RESET synchronous_standby_names");
	ctl("restart");
	reconnect_super();
	assert_int_equal(rsg_db_ready(f.db), RSG_OK);
	insert(&id, 3);
	assert_int_equal(rsg_db_commit(f.db), RSG_OK);
	/* They did commit: the log may know too much, never too little. */
	assert_int_equal(rows(), 3);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_restart_while_idle, empty),
		cmocka_unit_test_setup(test_restart_in_transaction, empty),
		cmocka_unit_test_setup(test_away, empty),
		cmocka_unit_test_setup(test_terminated, empty),
		cmocka_unit_test_setup(test_standby_does_not_answer, empty),
	};
	static char with[] = RSG_SOURCE "/tests/with-postgres";
	char *args[] = { with, argv[0], NULL };

	(void)argc;
	if (getenv(INNER) == NULL && getenv("RSG_TEST_DB") != NULL) {
		setenv(INNER, "1", 1);
		execv(with, args);
		perror(with);
		return 1;
	}
	return cmocka_run_group_tests(tests, fresh_setup, fresh_teardown);
}
