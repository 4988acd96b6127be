#include "db/fresh.h"

#include "resguardo/clock.h"
#include "segment/zone.h"

/*
 * A century of instants, and six years of them by ten minutes, as PostgreSQL
 * itself converts them. Left out is St. John's, whose clocks once went back
 * at 00:01: a minute of tomorrow came before the last hour of today.
 */
static void
compare(const char *name)
{
	struct rsg_zone *z;
	const char *param[] = { name };
	PGresult *res;
	long wrong = 0;

	assert_int_equal(rsg_zone_load(f.db, name, &z), RSG_OK);
	res = PQexecParams(f.as_super,
	    "SELECT extract(epoch FROM t)::bigint,"
	    "  (t AT TIME ZONE $1)::date - DATE '1970-01-01'"
	    " FROM generate_series(TIMESTAMPTZ '1970-01-03 00:00Z',"
	    "  TIMESTAMPTZ '2069-12-30 00:00Z', INTERVAL '7 hours 13 minutes') t"
	    " UNION ALL SELECT extract(epoch FROM t)::bigint,"
	    "  (t AT TIME ZONE $1)::date - DATE '1970-01-01'"
	    " FROM generate_series(TIMESTAMPTZ '2007-01-01 00:00Z',"
	    "  TIMESTAMPTZ '2013-01-01 00:00Z', INTERVAL '10 minutes') t",
	    1, NULL, param, NULL, NULL, 0);
	assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
	assert_true(PQntuples(res) > 100000);
	for (int i = 0; i < PQntuples(res); i++)
		wrong += rsg_zone_day(z, strtoll(PQgetvalue(res, i, 0), NULL, 10) *
		    RSG_US) != strtol(PQgetvalue(res, i, 1), NULL, 10);
	if (wrong != 0)
		fail_msg("%s: %ld of %d", name, wrong, PQntuples(res));
	PQclear(res);
	rsg_zone_free(z);
}

static void
days_agree_with_the_database(void **state)
{
	static const char *const zones[] = { "UTC", "America/Mexico_City",
	    "Europe/Madrid", "America/Sao_Paulo", "America/Santiago",
	    "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe",
	    "Africa/Casablanca", "America/Tijuana", "Asia/Beirut", "America/Havana",
	    "Atlantic/Azores", "Etc/GMT+12" };

	(void)state;
	if (f.db == NULL)
		skip();
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		compare(zones[i]);
}

static void
the_last_moment_of_a_day(void **state)
{
	struct rsg_zone *z;
	int64_t us, day;

	(void)state;
	if (f.db == NULL)
		skip();
	/* A day of 25 hours in Madrid: 2026-10-25 ends at 23:00Z. */
	assert_int_equal(rsg_zone_load(f.db, "Europe/Madrid", &z), RSG_OK);
	assert_true(rsg_clock_parse_day("2026-10-25", 10, &day));
	assert_true(rsg_clock_parse("2026-10-25T23:00:00Z", 20, false, &us));
	assert_int_equal(rsg_zone_day(z, us - 1), day);
	assert_int_equal(rsg_zone_day(z, us), day + 1);
	assert_true(rsg_clock_parse("2026-10-24T22:00:00Z", 20, false, &us));
	assert_int_equal(rsg_zone_day(z, us - 1), day - 1);
	assert_int_equal(rsg_zone_day(z, us), day);
	/* And one of 23. */
	assert_true(rsg_clock_parse_day("2026-03-29", 10, &day));
	assert_true(rsg_clock_parse("2026-03-29T22:00:00Z", 20, false, &us));
	assert_int_equal(rsg_zone_day(z, us - 1), day);
	assert_int_equal(rsg_zone_day(z, us), day + 1);
	rsg_zone_free(z);
}

/* Outside the years that are known the clocks stand as at their edge. */
static void
far_away_times_have_days_too(void **state)
{
	struct rsg_zone *z;

	(void)state;
	if (f.db == NULL)
		skip();
	assert_int_equal(rsg_zone_load(f.db, "America/Mexico_City", &z), RSG_OK);
	assert_int_equal(rsg_zone_day(z, -RSG_DAY_US), -2);
	assert_int_equal(rsg_zone_day(z, -RSG_DAY_US + 6 * 3600 * RSG_US), -1);
	assert_int_equal(rsg_zone_day(z, INT64_MIN), RSG_DAY_MIN - 1);
	assert_true(rsg_zone_day(z, INT64_MAX) <= RSG_DAY_MAX);
	rsg_zone_free(z);
}

static void
what_is_no_zone_is_refused(void **state)
{
	static const char *const names[] = { "", "Nowhere/City", "XYZ+5", "EST5EDT4",
	    "America/Mexico City", "../etc/passwd", "/UTC", "CET; SELECT 1",
	    "America/America/America/America/America/America/America/America/X" };
	struct rsg_zone *z;

	(void)state;
	if (f.db == NULL)
		skip();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(rsg_zone_load(f.db, names[i], &z), RSG_BAD_VALUE);
		assert_null(z);
	}
	/* The connection is none the worse for it. */
	assert_int_equal(rsg_zone_load(f.db, "UTC", &z), RSG_OK);
	assert_int_equal(rsg_zone_day(z, RSG_DAY_US - 1), 0);
	assert_int_equal(rsg_zone_day(z, RSG_DAY_US), 1);
	rsg_zone_free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_agree_with_the_database),
		cmocka_unit_test(the_last_moment_of_a_day),
		cmocka_unit_test(far_away_times_have_days_too),
		cmocka_unit_test(what_is_no_zone_is_refused),
	};
	return cmocka_run_group_tests(tests, fresh_setup, fresh_teardown);
}
