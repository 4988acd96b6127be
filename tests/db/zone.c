#include "db/fresh.h"

#include "resguardo/clock.h"
#include "segment/quiet.h"

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

/* Two years by half hours: what the clock on the wall calls quiet is quiet, and
 * little else; and when it ends, the clock says so too. */
static void
quiet_by_the_wall_clock(const char *name, unsigned from, unsigned to)
{
	const char *param[] = { name };
	int64_t first, step = 1800 * RSG_US;
	long more = 0;
	PGresult *res;
	struct rsg_zone *z;

	assert_int_equal(rsg_zone_load(f.db, name, &z), RSG_OK);
	res = PQexecParams(f.as_super, "SELECT extract(epoch FROM t)::bigint,"
	    "  extract(hour FROM t AT TIME ZONE $1) * 60 +"
	    "  extract(minute FROM t AT TIME ZONE $1)"
	    " FROM generate_series(TIMESTAMPTZ '2010-01-01 00:00Z',"
	    "  TIMESTAMPTZ '2012-01-01 00:00Z', INTERVAL '30 minutes') t ORDER BY 1",
	    1, NULL, param, NULL, NULL, 0);
	assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
	first = strtoll(PQgetvalue(res, 0, 0), NULL, 10) * RSG_US;
	for (int i = 0; i + 300 < PQntuples(res); i++) {
		unsigned wall = (unsigned)strtoul(PQgetvalue(res, i, 1), NULL, 10), then;
		bool is = from < to ? wall >= from && wall < to : wall >= from || wall < to;
		int64_t us = first + i * step, end = rsg_quiet_end(z, us, from, to);

		if (is && !rsg_quiet(z, us, from, to))
			fail_msg("%s: %s is quiet", name, PQgetvalue(res, i, 0));
		more += !is && rsg_quiet(z, us, from, to);
		then = (unsigned)strtoul(PQgetvalue(res, (int)((end - first) / step), 1),
		    NULL, 10);
		if (end < us || (from < to ? then >= from && then < to :
		    then >= from || then < to))
			fail_msg("%s: after %s it ends at %u", name,
			    PQgetvalue(res, i, 0), then);
	}
	assert_true(more <= 4 * 2 * 2);		/* an hour, four times, on either side */
	PQclear(res);
	rsg_zone_free(z);
}

static void
quiet_hours_are_kept_when_clocks_change(void **state)
{
	static const char *const zones[] = { "UTC", "Europe/Madrid", "America/Santiago",
	    "America/Mexico_City", "Australia/Lord_Howe", "America/Havana" };
	static const unsigned hours[][2] = { { 1260, 540 }, { 1320, 300 }, { 1410, 150 },
	    { 60, 240 }, { 120, 360 } };

	(void)state;
	if (f.db == NULL)
		skip();
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		for (size_t k = 0; k < sizeof(hours) / sizeof(hours[0]); k++)
			quiet_by_the_wall_clock(zones[i], hours[k][0], hours[k][1]);
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
		cmocka_unit_test(quiet_hours_are_kept_when_clocks_change),
		cmocka_unit_test(far_away_times_have_days_too),
		cmocka_unit_test(what_is_no_zone_is_refused),
	};
	return cmocka_run_group_tests(tests, fresh_setup, fresh_teardown);
}
