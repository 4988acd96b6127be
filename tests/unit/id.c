#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "resguardo/id.h"

#define TEXT	"00010203-0405-4607-8809-0a0b0c0d0eff"

static const struct rsg_id id = { { 0, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11,
    12, 13, 14, 255 } };

static void
fresh_ids_are_of_version_4(void **state)
{
	struct rsg_id a, last = { { 0 } };
	uint8_t or[RSG_ID_LEN] = { 0 }, and[RSG_ID_LEN];

	(void)state;
	memset(and, 255, sizeof(and));
	for (int i = 0; i < 1000; i++) {
		a = rsg_id_new();
		assert_int_equal(a.b[6] >> 4, 4);
		assert_int_equal(a.b[8] >> 6, 2);
		assert_false(rsg_id_eq(&a, &last));
		last = a;
		for (size_t j = 0; j < RSG_ID_LEN; j++) {
			or[j] |= a.b[j];
			and[j] &= a.b[j];
		}
	}
	/* Every other bit is sometimes 0 and sometimes 1. */
	for (size_t j = 0; j < RSG_ID_LEN; j++) {
		assert_int_equal(or[j], j == 6 ? 0x4f : j == 8 ? 0xbf : 0xff);
		assert_int_equal(and[j], j == 6 ? 0x40 : j == 8 ? 0x80 : 0);
	}
}

static void
text_reads_back(void **state)
{
	char text[RSG_ID_TEXT];
	struct rsg_id got;

	(void)state;
	rsg_id_text(&id, text);
	assert_string_equal(text, TEXT);
	assert_true(rsg_id_parse(text, 36, &got));
	assert_true(rsg_id_eq(&got, &id));
	assert_true(rsg_id_parse("00010203-0405-4607-8809-0A0b0C0d0EfF", 36,
	    &got));
	assert_true(rsg_id_eq(&got, &id));
}

/* Each character in turn becomes one that may not stand there. */
static void
nothing_else_reads(void **state)
{
	static const char wrong[] = "/:@G`g- {\xe1";
	char text[40] = TEXT;
	struct rsg_id got;

	(void)state;
	for (size_t i = 0; i < 36; i++) {
		for (size_t j = 0; j < sizeof(wrong); j++) {
			memcpy(text, TEXT, sizeof(TEXT));
			if (text[i] == wrong[j])
				continue;
			text[i] = wrong[j];
			got = id;
			assert_false(rsg_id_parse(text, 36, &got));
			assert_true(rsg_id_eq(&got, &id));
		}
		assert_false(rsg_id_parse(TEXT, i, &got));
		if (TEXT[i] == '-') {
			memcpy(text, TEXT, sizeof(TEXT));
			text[i] = '0';
			assert_false(rsg_id_parse(text, 36, &got));
		}
	}
	assert_false(rsg_id_parse(TEXT "0", 37, &got));
	assert_false(rsg_id_parse(TEXT, 37, &got));
}

static void
ids_compare_by_bytes(void **state)
{
	struct rsg_id a = { { 0 } }, b = { { 0 } };

	(void)state;
	assert_true(rsg_id_nil(&a));
	assert_int_equal(rsg_id_cmp(&a, &b), 0);
	b.b[15] = 1;
	assert_false(rsg_id_nil(&b));
	assert_true(rsg_id_cmp(&a, &b) < 0);
	a.b[0] = 0x80;
	assert_true(rsg_id_cmp(&a, &b) > 0);
	assert_false(rsg_id_eq(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_ids_are_of_version_4),
		cmocka_unit_test(text_reads_back),
		cmocka_unit_test(nothing_else_reads),
		cmocka_unit_test(ids_compare_by_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
