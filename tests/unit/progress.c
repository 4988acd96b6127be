/*
 * What a person sees of a long import.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/progress.h"
#include "resguardo/clock.h"

static char text[RSG_PROGRESS_TEXT];

static void
half_way(void **state)
{
	(void)state;
	rsg_progress_text(text, "lines", 1000, 10 * RSG_US, 500, 1000, false);
	assert_string_equal(text, "50 %, 1000 lines, 100 a second, 0:10 left");
	rsg_progress_text(text, "lines", 1000, 10 * RSG_US, 500, 1000, true);
	assert_string_equal(text, "[##########..........] 50 %, 1000 lines, "
	    "100 a second, 0:10 left");
}

static void
long_work(void **state)
{
	(void)state;
	rsg_progress_text(text, "lines", 7, 100 * RSG_US, 1, 100, false);
	assert_string_equal(text, "1 %, 7 lines, 0 a second, 2:45:00 left");
}

static void
ends(void **state)
{
	(void)state;
	rsg_progress_text(text, "lines", 5, RSG_US, 100, 100, true);
	assert_string_equal(text, "[####################] 100 %, 5 lines, "
	    "5 a second, 0:00 left");
	/* A file that grew while it was read. */
	rsg_progress_text(text, "lines", 5, RSG_US, 110, 100, false);
	assert_string_equal(text, "100 %, 5 lines, 5 a second, 0:00 left");
}

static void
not_known_yet(void **state)
{
	(void)state;
	rsg_progress_text(text, "lines", 0, 0, 0, 100, false);
	assert_string_equal(text, "0 %, 0 lines, 0 a second, -:-- left");
	rsg_progress_text(text, "lines", 9, 3 * RSG_US, 0, 0, true);
	assert_string_equal(text, "9 lines, 3 a second");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_way),
		cmocka_unit_test(long_work),
		cmocka_unit_test(ends),
		cmocka_unit_test(not_known_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
