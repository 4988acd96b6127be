/* Migrations: once each, in order, whole or not at all, and never altered. */
#include <sys/stat.h>

#include "db/fresh.h"

static char dir[64];


static void
write_file(const char *name, const char *sql)
{
	char path[160];
	FILE *out;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(sql, out);
	fclose(out);
}

static void
remove_file(const char *name)
{
	char path[160];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

/* 1 and 2 exist and are applied; what is not ours is passed over. */
static int
setup(void **state)
{
	(void)state;
	if (!fresh_have())
		return 0;
	fresh_create(&f);
	strcpy(dir, "/tmp/rsg-migrate.XXXXXX");
	assert_non_null(mkdtemp(dir));
	write_file("0001_one.sql", "CREATE TABLE one (a int); INSERT INTO one VALUES (1);");
	write_file("0002_two.sql", "CREATE TABLE two (a int);\n");
	write_file("roles.sql", "SELECT broken;");
	write_file("0002_two.sql~", "SELECT broken;");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_OK);
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	if (!fresh_have())
		return 0;
	fresh_close(&f);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

static void
test_twice_changes_nothing(void **state)
{
	(void)state;
	NEED_DB();
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_OK);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM one"), 1);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM migration"), 2);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM migration"
	    " WHERE sha256 = sha256('CREATE TABLE two (a int);\n') AND number = 2"
	    " AND file = '0002_two.sql'"), 1);
}

static void
test_changed_file_is_refused(void **state)
{
	(void)state;
	NEED_DB();
	write_file("0002_two.sql", "CREATE TABLE two (a int); ");
	write_file("0003_three.sql", "CREATE TABLE three (a int)");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_CONFIG);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM migration"), 2);
	write_file("0002_two.sql", "CREATE TABLE two (a int);\n");
	remove_file("0003_three.sql");
}

static void
test_newer_database_is_refused(void **state)
{
	(void)state;
	NEED_DB();
	remove_file("0002_two.sql");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_CONFIG);
	write_file("0002_two.sql", "CREATE TABLE two (a int);\n");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_OK);
}

static void
test_number_used_twice_is_refused(void **state)
{
	(void)state;
	NEED_DB();
	write_file("0002_too.sql", "CREATE TABLE too (a int)");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_CONFIG);
	remove_file("0002_too.sql");
}

/* Last: what comes before an applied one comes too late. */
static void
test_gap_is_room_only_for_later(void **state)
{
	(void)state;
	NEED_DB();
	write_file("0009_nine.sql", "CREATE TABLE nine (a int)");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_OK);
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_OK);
	write_file("0008_eight.sql", "CREATE TABLE eight (a int)");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_CONFIG);
	remove_file("0008_eight.sql");
}

static void
test_failing_one_leaves_nothing(void **state)
{
	(void)state;
	NEED_DB();
	write_file("0003_three.sql", "CREATE TABLE three (a int);\nSELECT 1/0;\n");
	assert_int_not_equal(rsg_migrate(f.owner, dir), RSG_OK);
	/* Nor one that ends the transaction it is run in. */
	write_file("0003_three.sql", "CREATE TABLE three (a int); ROLLBACK;");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_CONFIG);
	/* Nor one whose commit fails. */
	write_file("0003_three.sql", "CREATE TABLE three (a int UNIQUE DEFERRABLE"
	    " INITIALLY DEFERRED); INSERT INTO three VALUES (1), (1);");
	assert_int_not_equal(rsg_migrate(f.owner, dir), RSG_OK);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM pg_class"
	    " WHERE relname = 'three'"), 0);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM migration"), 2);
	write_file("0003_three.sql", "CREATE TABLE three (a int);");
	assert_int_equal(rsg_migrate(f.owner, dir), RSG_OK);
	assert_int_equal(fresh_number(f.as_super, "SELECT count(*) FROM migration"), 3);
}

static void
test_missing_folder_or_database(void **state)
{
	(void)state;
	NEED_DB();
	assert_int_equal(rsg_migrate(f.owner, "/nonexistent"), RSG_IO);
	assert_int_equal(rsg_migrate("host=/nonexistent dbname=x", dir), RSG_UNAVAILABLE);
	assert_int_equal(rsg_migrate("dbname=x secret secret", dir), RSG_UNAVAILABLE);
	/* The server's role may not. */
	assert_int_not_equal(rsg_migrate(f.app, dir), RSG_OK);
}

/* The number the program was built for is that of the newest file. */
static void
test_program_knows_newest(void **state)
{
	char path[512], command[600];

	(void)state;
	snprintf(path, sizeof path, "%s/migrations/%04d_*.sql", RSG_SOURCE, RSG_SCHEMA);
	snprintf(command, sizeof command, "test -e %s", path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "! test -e %s/migrations/%04d_*.sql",
	    RSG_SOURCE, RSG_SCHEMA + 1);
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twice_changes_nothing),
		cmocka_unit_test(test_changed_file_is_refused),
		cmocka_unit_test(test_newer_database_is_refused),
		cmocka_unit_test(test_number_used_twice_is_refused),
		cmocka_unit_test(test_failing_one_leaves_nothing),
		cmocka_unit_test(test_missing_folder_or_database),
		cmocka_unit_test(test_program_knows_newest),
		cmocka_unit_test(test_gap_is_room_only_for_later),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
