/* Dates against the C library's calendar; texts that are and are not times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resguardo/clock.h"

static bool
parse(const char *s, bool bare, int64_t *us)
{
	return rsg_clock_parse(s, strlen(s), bare, us);
}

static void
every_day_comes_back(void **state)
{
	int64_t day;
	int y, m, d, py = 0, pm = 0, pd = 0;

	(void)state;
	for (day = RSG_DAY_MIN; day <= RSG_DAY_MAX; day++) {
		rsg_clock_civil(day, &y, &m, &d);
		if (rsg_clock_day_of(y, m, d) != day)
			fail_msg("day %lld", (long long)day);
		/* Strictly later than the day before. */
		if ((y * 16 + m) * 64 + d <= (py * 16 + pm) * 64 + pd)
			fail_msg("%d-%d-%d follows %d-%d-%d", y, m, d, py, pm, pd);
		py = y;
		pm = m;
		pd = d;
	}
	assert_int_equal(y, 9999);
	assert_int_equal(m, 12);
	assert_int_equal(d, 31);
}

/* The C library counts the same days; every 97th is asked for. */
static void
agrees_with_the_c_library(void **state)
{
	struct tm tm;
	time_t t;
	int y, m, d;

	(void)state;
	for (int64_t day = RSG_DAY_MIN; day <= RSG_DAY_MAX; day += 97) {
		t = (time_t)(day * 86400);
		assert_non_null(gmtime_r(&t, &tm));
		rsg_clock_civil(day, &y, &m, &d);
		if (y != tm.tm_year + 1900 || m != tm.tm_mon + 1 || d != tm.tm_mday)
			fail_msg("day %lld is %d-%d-%d", (long long)day, y, m, d);
	}
}

static void
knows_days_by_heart(void **state)
{
	(void)state;
	assert_int_equal(rsg_clock_day_of(1970, 1, 1), 0);
	assert_int_equal(rsg_clock_day_of(1969, 12, 31), -1);
	assert_int_equal(rsg_clock_day_of(2000, 2, 29), 11016);
	assert_int_equal(rsg_clock_day_of(1, 1, 1), RSG_DAY_MIN);
	assert_int_equal(rsg_clock_day_of(9999, 12, 31), RSG_DAY_MAX);
	/* Months carry, as whoever adds months wants. */
	assert_int_equal(rsg_clock_day_of(2024, 14, 1), rsg_clock_day_of(2025, 2, 1));
	assert_int_equal(rsg_clock_day_of(2024, 13, 1), rsg_clock_day_of(2025, 1, 1));
	assert_int_equal(rsg_clock_day_of(2024, 0, 1), rsg_clock_day_of(2023, 12, 1));
	assert_int_equal(rsg_clock_day_of(2024, -11, 1), rsg_clock_day_of(2023, 1, 1));
	assert_int_equal(rsg_clock_day_of(2024, -12, 1), rsg_clock_day_of(2022, 12, 1));
}

static void
days_round_down(void **state)
{
	(void)state;
	assert_int_equal(rsg_clock_day(0), 0);
	assert_int_equal(rsg_clock_day(RSG_DAY_US - 1), 0);
	assert_int_equal(rsg_clock_day(RSG_DAY_US), 1);
	assert_int_equal(rsg_clock_day(-1), -1);
	assert_int_equal(rsg_clock_day(-RSG_DAY_US), -1);
	assert_int_equal(rsg_clock_day(-RSG_DAY_US - 1), -2);
}

static void
reads_times(void **state)
{
	static const struct { const char *text; bool bare; int64_t us; } good[] = {
		{ "1970-01-01T00:00:00Z", false, 0 },
		{ "1970-01-01 00:00:00Z", false, 0 },
		{ "1970-01-01T00:00:00", true, 0 },
		{ "1970-01-01 00:00:01.5", true, 1500000 },
		{ "1970-01-01T00:00:00.000001Z", false, 1 },
		{ "1970-01-01T00:00:00.000001999Z", false, 1 },
		{ "1970-01-01T00:00:00.1234567+00:00", false, 123456 },
		{ "1970-01-01T01:30:00+01:30", false, 0 },
		{ "1969-12-31T18:00:00-06:00", false, 0 },
		{ "1970-01-01T00:00:00-00:00", false, 0 },
		{ "1970-01-01T23:59:00+23:59", false, 0 },
		{ "2024-02-29T12:00:00Z", false, INT64_C(1709208000000000) },
		{ "1969-12-31T23:59:59.999999Z", false, -1 },
		{ "0001-01-01T00:00:00Z", false, RSG_TIME_MIN },
		{ "9999-12-31T23:59:59.999999Z", false, RSG_TIME_MAX },
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		us = 42;
		if (!parse(good[i].text, good[i].bare, &us) || us != good[i].us)
			fail_msg("%s: %lld", good[i].text, (long long)us);
	}
}

static void
refuses_what_is_no_time(void **state)
{
	static const char *const bad[] = {
		"", "1970", "1970-01-01", "1970-01-01T", "1970-01-01T00:00Z",
		"1970-01-01T00:00:00", "1970-01-01T00:00:00z",
		"1970-01-01t00:00:00Z", "1970-01-01  00:00:00Z",
		"1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
		"1998-12-31T23:59:60Z", "1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00.1234567890Z", "1970-01-01T00:00:00,5Z",
		"1970-01-01T00:00:00+0100", "1970-01-01T00:00:00+01",
		"1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60",
		"1970-01-01T00:00:00ZZ", "1970-01-01T00:00:00Z ",
		" 1970-01-01T00:00:00Z", "+970-01-01T00:00:00Z",
		"2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2024-02-30T00:00:00Z", "2024-04-31T00:00:00Z",
		"2024-00-10T00:00:00Z", "2024-13-10T00:00:00Z",
		"2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z",
		"0000-01-01T00:00:00Z", "2024-1-1T00:00:00Z",
		"0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
		"2024/01/01T00:00:00Z", "2024-01-01T00.00.00Z",
		"2024-01-01T0a:00:00Z", "2024-01-01T-1:00:00Z",
	};
	int64_t us = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], false, &us))
			fail_msg("%s was read", bad[i]);
	/* `bare` lets the offset be away, and nothing else. */
	assert_false(parse("1970-01-01T00:00:60", true, &us));
	assert_false(parse("1970-01-01T00:00:00x", true, &us));
	/* A NUL in the text is no end of it. */
	assert_false(rsg_clock_parse("1970-01-01T00:00:00\0", 20, true, &us));
	assert_int_equal(us, 42);
}

static void
reads_and_refuses_days(void **state)
{
	static const char *const bad[] = { "", "1970-01-0", "1970-01-010",
		"1970-1-01", "19700101", "1970-02-29", "1970-01-01T", "0000-01-01",
		"1970-01-1a", "-970-01-01" };
	int64_t day = 0;

	(void)state;
	assert_true(rsg_clock_parse_day("1998-07-01", 10, &day));
	assert_int_equal(day, 10408);
	assert_true(rsg_clock_parse_day("2000-02-29", 10, &day));
	assert_int_equal(day, 11016);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rsg_clock_parse_day(bad[i], strlen(bad[i]), &day))
			fail_msg("%s was read", bad[i]);
}

/* Pages of memory end: no byte past the length may be looked at. */
static void
reads_no_further_than_the_length(void **state)
{
	static const char text[] = "2024-02-29T12:34:56.789+01:00";
	char *copy;
	int64_t us;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		copy = malloc(n + (n == 0));
		memcpy(copy, text, n);
		/* Under the sanitizer a touch is seen. */
		assert_false(rsg_clock_parse(copy, n, false, &us));
		free(copy);
	}
}

static void
texts_come_back(void **state)
{
	static const int64_t times[] = { RSG_TIME_MIN, RSG_TIME_MIN + 1, -1, 0, 1,
		999999, RSG_US, INT64_C(1709208000123456), RSG_TIME_MAX };
	char text[RSG_TIME_TEXT], day[RSG_DAY_TEXT];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		rsg_clock_text(times[i], text);
		assert_true(parse(text, false, &us));
		assert_true(us == times[i]);
	}
	rsg_clock_text(INT64_C(1709208000123456), text);
	assert_string_equal(text, "2024-02-29T12:00:00.123456Z");
	rsg_clock_text(INT64_C(1709208000000000), text);
	assert_string_equal(text, "2024-02-29T12:00:00Z");
	rsg_clock_day_text(-1, day);
	assert_string_equal(day, "1969-12-31");
}

static void
what_is_out_of_range_is_clamped(void **state)
{
	char text[RSG_TIME_TEXT], day[RSG_DAY_TEXT];

	(void)state;
	rsg_clock_text(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	rsg_clock_text(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	rsg_clock_day_text(INT64_MAX, day);
	assert_string_equal(day, "9999-12-31");
	rsg_clock_day_text(INT64_MIN, day);
	assert_string_equal(day, "0001-01-01");
}

static void
clocks_go(void **state)
{
	int64_t a = rsg_clock_mono(), now = rsg_clock_now();

	(void)state;
	assert_true(rsg_clock_mono() >= a);
	assert_true(now > rsg_clock_day_of(2024, 1, 1) * RSG_DAY_US);
	assert_true(now < RSG_TIME_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_comes_back),
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(knows_days_by_heart),
		cmocka_unit_test(days_round_down),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(reads_and_refuses_days),
		cmocka_unit_test(reads_no_further_than_the_length),
		cmocka_unit_test(texts_come_back),
		cmocka_unit_test(what_is_out_of_range_is_clamped),
		cmocka_unit_test(clocks_go),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
