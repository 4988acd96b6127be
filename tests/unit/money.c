#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "subject/money.h"

#define NOT	INT64_C(-987654321)	/* stands for: refused */

static const struct {
	const char *text, *currency;
	int64_t exact, rounded;
} cases[] = {
	{ "0", "MXN", 0, 0 }, { "-0", "MXN", 0, 0 }, { "12", "MXN", 1200, 1200 },
	{ "12.3", "MXN", 1230, 1230 }, { "12.34", "MXN", 1234, 1234 },
	{ "-12.34", "MXN", -1234, -1234 }, { "0.01", "EUR", 1, 1 },
	{ "12.345", "MXN", NOT, 1235 }, { "12.344999", "MXN", NOT, 1234 },
	{ "-12.345", "MXN", NOT, -1235 }, { "-12.3449", "MXN", NOT, -1234 },
	{ "12.340", "MXN", NOT, 1234 }, { "0.995", "USD", NOT, 100 },
	{ "500", "JPY", 500, 500 }, { "500.5", "JPY", NOT, 501 },
	{ "-500.5", "CLP", NOT, -501 }, { "500.", "JPY", NOT, NOT },
	{ "1.234", "KWD", 1234, 1234 }, { "1.2345", "TND", NOT, 1235 },
	{ "1.2", "BHD", 1200, 1200 }, { "1.2345", "CLF", 12345, 12345 },
	{ "92233720368547758.07", "MXN", INT64_MAX, INT64_MAX },
	{ "-92233720368547758.08", "MXN", INT64_MIN, INT64_MIN },
	{ "92233720368547758.08", "MXN", NOT, NOT },
	{ "92233720368547758.075", "MXN", NOT, NOT },
	{ "-92233720368547758.09", "MXN", NOT, NOT },
	{ "-92233720368547758.085", "MXN", NOT, NOT },
	{ "9223372036854775808", "JPY", NOT, NOT },
	{ "99999999999999999999999", "MXN", NOT, NOT },
	{ "", "MXN", NOT, NOT }, { "-", "MXN", NOT, NOT }, { ".5", "MXN", NOT, NOT },
	{ "5.", "MXN", NOT, NOT }, { "+5", "MXN", NOT, NOT }, { "05", "MXN", NOT, NOT },
	{ " 5", "MXN", NOT, NOT }, { "5 ", "MXN", NOT, NOT }, { "1,5", "MXN", NOT, NOT },
	{ "1e3", "MXN", NOT, NOT }, { "1.2.3", "MXN", NOT, NOT },
	{ "1.234x", "MXN", NOT, NOT }, { "1.23x", "MXN", NOT, NOT },
	{ "--1", "MXN", NOT, NOT }, { "0x1", "MXN", NOT, NOT },
};

static void
text_becomes_minor_units(void **state)
{
	int64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *s = cases[i].text;

		if (rsg_money_parse(s, strlen(s), cases[i].currency, false, &v) != RSG_OK)
			v = NOT;
		if (v != cases[i].exact)
			fail_msg("exact: %s %s", s, cases[i].currency);
		if (rsg_money_parse(s, strlen(s), cases[i].currency, true, &v) != RSG_OK)
			v = NOT;
		if (v != cases[i].rounded)
			fail_msg("rounded: %s %s", s, cases[i].currency);
	}
}

static void
a_length_is_obeyed(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(rsg_money_parse("12.34", 4, "MXN", false, &v), RSG_OK);
	assert_int_equal(v, 1230);
	assert_int_equal(rsg_money_parse("1\0002", 3, "MXN", true, &v), RSG_BAD_VALUE);
}

static void
minor_units_become_text(void **state)
{
	static const struct {
		int64_t v;
		const char *currency, *text;
	} shown[] = {
		{ 0, "MXN", "0.00" }, { 5, "MXN", "0.05" }, { -5, "MXN", "-0.05" },
		{ 123456, "EUR", "1234.56" }, { 500, "JPY", "500" }, { -500, "KRW", "-500" },
		{ 1, "KWD", "0.001" }, { 12345, "CLF", "1.2345" },
		{ INT64_MIN, "MXN", "-92233720368547758.08" },
		{ INT64_MIN, "JPY", "-9223372036854775808" },
		{ INT64_MAX, "BHD", "9223372036854775.807" },
	};
	char text[RSG_MONEY_TEXT];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		rsg_money_text(shown[i].v, shown[i].currency, text);
		assert_string_equal(text, shown[i].text);
		assert_int_equal(rsg_money_parse(text, strlen(text), shown[i].currency,
		    false, &back), RSG_OK);
		assert_int_equal(back, shown[i].v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_minor_units),
		cmocka_unit_test(a_length_is_obeyed),
		cmocka_unit_test(minor_units_become_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
