/*
 * value.c - what each kind of field accepts, how it is normalised, indexed,
 * masked and generalised. The people and addresses are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "resguardo/clock.h"
#include "unit/policy_files.h"

static struct rsg_policy *policy;

static const struct rsg_fielddef *
field(const char *id)
{
	const struct rsg_fielddef *f = rsg_policy_field(policy, id, strlen(id));

	if (f == NULL)
		fail_msg("no field \"%s\"", id);
	return f;
}

/* --- Accepting --- */

static const struct {
	const char *field, *in;
	const char *out;		/* NULL: RSG_BAD_VALUE */
} accepted[] = {
	{ "first_name", "  María  de\tlos \n Ángeles ", "María de los Ángeles" },
	{ "first_name", "Ma. Luisa", "Ma. Luisa" },
	{ "first_name", "Mª José", "Mª José" },
	{ "first_name", "Núria Pal·làs", "Núria Pal·làs" },
	{ "first_name", "O'Higgins", "O'Higgins" },
	{ "first_name", "O\u2019Higgins", "O\u2019Higgins" },
	{ "first_name", "李小龙", "李小龙" },
	{ "first_name", "Anna\u00a0\u3000Lena", "Anna Lena" },
	{ "first_name", "", NULL },
	{ "first_name", " \t\n ", NULL },
	{ "first_name", "\u00a0", NULL },
	{ "first_name", "-", NULL },
	{ "first_name", "R2D2", NULL },
	{ "first_name", "<b>Ana</b>", NULL },
	{ "first_name", "Ana\x01", NULL },
	{ "first_name", "Ana\x7f", NULL },
	{ "first_name", "Ana\u202eanA", NULL },
	{ "first_name", "Ana\u200b", NULL },
	{ "first_name", "Ana\ufeff", NULL },
	{ "first_name", "Ana\xff", NULL },
	{ "first_name", "Ana\xc3", NULL },
	{ "first_name", "Ana\xc0\xaf", NULL },
	{ "first_name", "Ana\xed\xa0\x80", NULL },
	{ "first_name", "Ana \U0001F600", NULL },

	{ "email", " Ana.Lopez+shop@Example.ORG ", "Ana.Lopez+shop@example.org" },
	{ "email", "a@b.co", "a@b.co" },
	{ "email", "a@xn--espaa-rta.example", "a@xn--espaa-rta.example" },
	{ "email", "a@b", NULL }, { "email", "a.b.example", NULL },
	{ "email", "@b.example", NULL }, { "email", "a@", NULL },
	{ "email", "a@@b.example", NULL }, { "email", "a@b@c.example", NULL },
	{ "email", ".a@b.example", NULL }, { "email", "a.@b.example", NULL },
	{ "email", "a..b@c.example", NULL }, { "email", "a b@c.example", NULL },
	{ "email", "a@b..example", NULL }, { "email", "a@.b.example", NULL },
	{ "email", "a@b.example.", NULL }, { "email", "a@-b.example", NULL },
	{ "email", "a@b-.example", NULL }, { "email", "a@b_c.example", NULL },
	{ "email", "a@1.2.3.4", NULL }, { "email", "a@b.e", NULL },
	{ "email", "ñ@b.example", NULL }, { "email", "a,b@c.example", NULL },
	{ "email", "<a@b.example>", NULL },

	{ "phone", "+52 55 1234 5678", "+525512345678" },
	{ "phone", "+52 1 55 1234 5678", "+525512345678" },
	{ "phone", "0034 612 34 56 78", "+34612345678" },
	{ "phone", "+34 (612) 34-56.78", "+34612345678" },
	{ "phone", "+44 20 7946 0018", "+442079460018" },
	{ "phone", "612 34 56 78", NULL }, { "phone", "55 1234 5678", NULL },
	{ "phone", "+34 612 34 56 7", NULL }, { "phone", "+34 112 34 56 78", NULL },
	{ "phone", "+52 55 1234 567", NULL }, { "phone", "+0 123 456 789", NULL },
	{ "phone", "+1234567890123456", NULL }, { "phone", "+44 20 x946 0018", NULL },
	{ "phone", "+", NULL }, { "phone", "00", NULL }, { "phone", "+ -()", NULL },

	{ "card_number", "ab 1234-5678", "AB12345678" },
	{ "card_number", "12345", NULL }, { "card_number", "1234_5678", NULL },
	{ "customer_number", "C-10.4_x", "C-10.4_x" },
	{ "customer_number", "C 10", NULL },

	{ "birth_date", "1984-02-29", "1984-02-29" },
	{ "birth_date", "1900-01-01", "1900-01-01" },
	{ "birth_date", "1899-12-31", NULL }, { "birth_date", "1983-02-29", NULL },
	{ "birth_date", "1984-13-01", NULL }, { "birth_date", "1984-00-10", NULL },
	{ "birth_date", "1984-2-9", NULL }, { "birth_date", "29/02/1984", NULL },
	{ "birth_date", "9999-01-01", NULL },

	{ "gender", "FEMALE", "female" }, { "gender", "fem", NULL },
	{ "postal_code", "28013", "28013" }, { "postal_code", "sw1a 1aa", "SW1A 1AA" },
	{ "postal_code", "abc", NULL }, { "postal_code", "1", NULL },
	{ "country", "mx", "MX" }, { "country", "XX", NULL }, { "country", "MEX", NULL },
	{ "country", "DA", NULL },
	{ "region", "mx-jal", "MX-JAL" }, { "region", "ES-MD", "ES-MD" },
	{ "region", "FR-75", "FR-75" }, { "region", "MX-XXX", NULL },
	{ "region", "JAL", NULL }, { "region", "ES-", NULL },
	{ "language", "es", "es" }, { "language", "es-MX", "es-MX" },
	{ "language", "ES", NULL }, { "language", "es-XX", NULL },
	{ "household_size", "3", "3" }, { "household_size", "03", NULL },
	{ "household_size", "100", NULL }, { "household_size", "-1", NULL },
	{ "children", "0", "0" },

	{ "tax_id", "12345678-z", "12345678Z" }, { "tax_id", "12345678A", NULL },
	{ "tax_id", "x1234567l", "X1234567L" }, { "tax_id", "X1234567A", NULL },
	{ "tax_id", "vecj880326 xk4", "VECJ880326XK4" },
	{ "tax_id", "ABC680524P76", "ABC680524P76" },
	{ "tax_id", "ñoñ680524p76", "ÑOÑ680524P76" },
	{ "tax_id", "VECJ881326XK4", NULL }, { "tax_id", "VECJ880230XK4", NULL },
	{ "tax_id", "VE880326XK4", NULL }, { "tax_id", "VECJ880326XK", NULL },
	{ "tax_id", "1234567", NULL },

	{ "instagram", "@Tienda_uno", "tienda_uno" }, { "instagram", "@", NULL },
	{ "instagram", "a b", NULL },
	{ "interests", "Home , garden,Books", "home,garden,books" },
	{ "interests", "home", "home" },
	{ "interests", "home,home", NULL }, { "interests", "home,", NULL },
	{ "interests", ",home", NULL }, { "interests", "home,cars", NULL },
	{ "interests", "home,,garden", NULL },
};

static void
values_are_normalised_or_refused(void **state)
{
	struct rsg_buf out;
	enum rsg_err e;

	(void)state;
	rsg_buf_init(&out, 1 << 16);
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const char *want = accepted[i].out;

		rsg_buf_reset(&out);
		rsg_buf_str(&out, "x");
		e = rsg_value_accept(field(accepted[i].field), accepted[i].in,
		    strlen(accepted[i].in), &out);
		if (e != (want != NULL ? RSG_OK : RSG_BAD_VALUE))
			fail_msg("%s <%s>: %s", accepted[i].field,
			    accepted[i].in, rsg_err_id(e));
		rsg_buf_u8(&out, 0);
		if (strcmp((char *)out.p + 1, want != NULL ? want : "") != 0)
			fail_msg("%s <%s> becomes <%s>", accepted[i].field,
			    accepted[i].in, (char *)out.p + 1);
	}
	rsg_buf_free(&out);
}

static void
lengths_are_checked_at_the_edge(void **state)
{
	const struct rsg_fielddef *f = field("first_name");
	char text[4096];
	struct rsg_buf out;

	(void)state;
	memset(text, 'a', sizeof(text));
	rsg_buf_init(&out, 1 << 16);
	assert_int_equal(f->max_len, 80);
	assert_int_equal(rsg_value_accept(f, text, 80, &out), RSG_OK);
	assert_int_equal(rsg_value_accept(f, text, 81, &out), RSG_BAD_VALUE);
	assert_int_equal(rsg_value_accept(f, text, 4096, &out), RSG_TOO_LARGE);
	assert_int_equal(out.len, 80);
	assert_int_equal(rsg_value_accept(f, "a\0b", 3, &out), RSG_BAD_VALUE);
	assert_int_equal(rsg_value_accept(f, NULL, 0, &out), RSG_BAD_VALUE);
	assert_int_equal(out.len, 80);
	/* A local part of 64, one of 65. */
	text[64] = '@';
	memcpy(text + 65, "b.example", 9);
	assert_int_equal(rsg_value_accept(field("email"), text, 74, &out), RSG_OK);
	text[64] = 'a';
	text[65] = '@';
	memcpy(text + 66, "b.example", 9);
	assert_int_equal(rsg_value_accept(field("email"), text, 75, &out),
	    RSG_BAD_VALUE);
	rsg_buf_free(&out);
	/* No room left is an error, not a shorter value. */
	rsg_buf_init(&out, 3);
	assert_int_equal(rsg_value_accept(f, "Mariana", 7, &out), RSG_TOO_LARGE);
	rsg_buf_free(&out);
}

static void
a_birth_date_may_be_today_but_not_tomorrow(void **state)
{
	int64_t today = rsg_clock_day(rsg_clock_now());
	char day[RSG_DAY_TEXT];
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 10);
	rsg_clock_day_text(today, day);
	assert_int_equal(rsg_value_accept(field("birth_date"), day, 10, &out),
	    RSG_OK);
	rsg_clock_day_text(today + 2, day);
	assert_int_equal(rsg_value_accept(field("birth_date"), day, 10, &out),
	    RSG_BAD_VALUE);
	rsg_buf_free(&out);
}

/* --- The blind index --- */

static void
index_of(const char *id, const char *in, const char *want)
{
	struct rsg_buf out;
	enum rsg_err e;

	rsg_buf_init(&out, 1 << 10);
	e = rsg_value_index(field(id), in, strlen(in), &out);
	assert_int_equal(e, want != NULL ? RSG_OK : RSG_BAD_VALUE);
	rsg_buf_u8(&out, 0);
	assert_string_equal((char *)out.p, want != NULL ? want : "");
	rsg_buf_free(&out);
}

static void
what_means_the_same_is_indexed_the_same(void **state)
{
	(void)state;
	index_of("email", "Ana.Lopez@Example.ORG", "ana.lopez@example.org");
	index_of("email", " ana.lopez@example.org", "ana.lopez@example.org");
	index_of("phone", "0052 1 55 1234 5678", "+525512345678");
	index_of("phone", "+525512345678", "+525512345678");
	index_of("card_number", "AB-1234 5678", "ab12345678");
	index_of("customer_number", "c-10", "c-10");
	index_of("email", "not one", NULL);
}

static void
what_can_be_guessed_has_no_index(void **state)
{
	const struct rsg_fielddef *f;

	(void)state;
	index_of("birth_date", "1984-02-29", NULL);
	index_of("postal_code", "28013", NULL);
	index_of("first_name", "Ana", NULL);
	for (size_t i = 0; (f = rsg_policy_field_at(policy, i)) != NULL; i++)
		if (f->searchable)
			assert_true(strcmp(f->validator, "email") == 0 ||
			    strcmp(f->validator, "phone") == 0 ||
			    strcmp(f->validator, "card") == 0 ||
			    strcmp(f->validator, "identifier") == 0 ||
			    strcmp(f->validator, "tax_id") == 0);
	assert_true(field("email")->unique && field("card_number")->unique);
	/* Families share one. */
	assert_true(field("phone")->searchable && !field("phone")->unique);
}

/* --- Showing --- */

static const struct {
	const char *field;
	enum rsg_transform transform;
	const char *in, *out;
} shown[] = {
	{ "first_name", RSG_TR_CLEAR, "Íñigo", "Íñigo" },
	{ "first_name", RSG_TR_MASKED, "Íñigo", "Í***" },
	{ "email", RSG_TR_MASKED, "ana@shop.example.org", "a***@s***.org" },
	{ "email", RSG_TR_MASKED, "a@b.co", "a***@b***.co" },
	{ "phone", RSG_TR_MASKED, "+525512345678", "***5678" },
	{ "card_number", RSG_TR_MASKED, "AB12345678", "***5678" },
	{ "card_number", RSG_TR_MASKED, "AB12345", "***" },
	{ "tax_id", RSG_TR_MASKED, "12345678Z", "***8Z" },
	{ "birth_date", RSG_TR_MASKED, "1984-02-29", "1984-**-**" },
	{ "postal_code", RSG_TR_MASKED, "28013", "28***" },
	{ "street", RSG_TR_MASKED, "Mayor 1", "***" },
	{ "gender", RSG_TR_MASKED, "female", "***" },
	{ "birth_date", RSG_TR_GENERALISED, "1984-02-29", "35-44" },
	{ "postal_code", RSG_TR_GENERALISED, "08013", "08***" },
	{ "postal_code", RSG_TR_GENERALISED, "SW1A 1AA", "unknown" },
	{ "region", RSG_TR_GENERALISED, "ES-MD", "ES-MD" },
	{ "region", RSG_TR_GENERALISED, "FR-75", "unknown" },
	{ "country", RSG_TR_GENERALISED, "MX", "MX" },
	{ "language", RSG_TR_GENERALISED, "es-MX", "es" },
	{ "household_size", RSG_TR_GENERALISED, "3", "3" },
	{ "household_size", RSG_TR_GENERALISED, "4", "4+" },
	{ "household_size", RSG_TR_GENERALISED, "12", "4+" },
	{ "children", RSG_TR_GENERALISED, "0", "0" },
	{ "marital_status", RSG_TR_GENERALISED, "widowed", "widowed" },
};

static void
transforms_show_what_they_say(void **state)
{
	int64_t today = rsg_clock_day_of(2026, 2, 28);
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 10);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		rsg_buf_reset(&out);
		assert_int_equal(rsg_value_show(field(shown[i].field),
		    shown[i].transform, shown[i].in, strlen(shown[i].in), today,
		    &out), RSG_OK);
		rsg_buf_u8(&out, 0);
		assert_string_equal((char *)out.p, shown[i].out);
	}
	rsg_buf_free(&out);
}

static void
nothing_is_shown_where_nothing_is_to_be(void **state)
{
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 10);
	assert_int_equal(rsg_value_show(field("email"), RSG_TR_NONE,
	    "a@b.example", 11, 0, &out), RSG_DENIED);
	assert_int_equal(rsg_value_show(field("email"), RSG_TR_PSEUDONYM,
	    "a@b.example", 11, 0, &out), RSG_DENIED);
	assert_int_equal(rsg_value_show(field("email"), RSG_TR_GENERALISED,
	    "a@b.example", 11, 0, &out), RSG_DENIED);
	assert_int_equal(rsg_value_show(field("email"), RSG_TR__MAX,
	    "a@b.example", 11, 0, &out), RSG_DENIED);
	assert_int_equal(out.len, 0);
	rsg_buf_free(&out);
}

static void
age_bands_change_on_the_birthday(void **state)
{
	static const struct { int y, m, d; uint16_t band; } cases[] = {
		{ 2018, 2, 27, 1 }, { 2018, 2, 28, 1 }, { 2018, 3, 1, 2 },
		{ 2025, 2, 28, 2 }, { 2025, 3, 1, 3 }, { 2064, 12, 31, 6 },
		{ 2065, 3, 1, 7 }, { 2000, 2, 29, 1 }, { 2000, 2, 28, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rsg_value_facet(field("birth_date"),
		    "2000-02-29", 10, rsg_clock_day_of(cases[i].y, cases[i].m,
		    cases[i].d)), cases[i].band);
	assert_int_equal(rsg_value_facet(field("birth_date"), "nonsense", 8, 0), 0);
}

/* Facet numbers are stored: these must never become others. */
static void
facet_numbers_stay_what_they_were(void **state)
{
	(void)state;
	assert_int_equal(rsg_value_facet(field("region"), "MX-AGU", 6, 0), 1);
	assert_int_equal(rsg_value_facet(field("region"), "MX-ZAC", 6, 0), 32);
	assert_int_equal(rsg_value_facet(field("region"), "ES-AN", 5, 0), 33);
	assert_int_equal(rsg_value_facet(field("region"), "ES-VC", 5, 0), 51);
	assert_int_equal(rsg_value_facet(field("postal_code"), "00100", 5, 0), 1);
	assert_int_equal(rsg_value_facet(field("postal_code"), "99100", 5, 0), 100);
	assert_int_equal(rsg_value_facet(field("country"), "AA", 2, 0), 1);
	assert_int_equal(rsg_value_facet(field("country"), "ZZ", 2, 0), 676);
	assert_int_equal(rsg_value_facet(field("children"), "0", 1, 0), 1);
	assert_int_equal(rsg_value_facet(field("children"), "99", 2, 0), 5);
	assert_int_equal(rsg_value_facet(field("gender"), "female", 6, 0), 1);
	assert_int_equal(rsg_value_facet(field("income_bracket"), "high", 4, 0), 3);
	assert_int_equal(rsg_value_facet(field("email"), "a@b.example", 11, 0), 0);
	assert_int_equal(field("birth_date")->facet, 1);
	assert_int_equal(field("region")->facet, 4);
}

/* What was accepted is accepted again, as it is. */
static void
normalising_twice_changes_nothing(void **state)
{
	struct rsg_buf once, twice;

	(void)state;
	rsg_buf_init(&once, 1 << 12);
	rsg_buf_init(&twice, 1 << 12);
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const struct rsg_fielddef *f = field(accepted[i].field);

		rsg_buf_reset(&once);
		rsg_buf_reset(&twice);
		if (accepted[i].out == NULL)
			continue;
		assert_int_equal(rsg_value_accept(f, accepted[i].in,
		    strlen(accepted[i].in), &once), RSG_OK);
		assert_int_equal(rsg_value_accept(f, (char *)once.p, once.len,
		    &twice), RSG_OK);
		assert_int_equal(once.len, twice.len);
		assert_memory_equal(once.p, twice.p, once.len);
	}
	rsg_buf_free(&once);
	rsg_buf_free(&twice);
}

static int
load(void **state)
{
	struct rsg_buf bundle;

	(void)state;
	shipped_bundle(&bundle);
	policy = policy_of(bundle.p, bundle.len);
	rsg_buf_free(&bundle);
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	rsg_policy_free(policy);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_normalised_or_refused),
		cmocka_unit_test(lengths_are_checked_at_the_edge),
		cmocka_unit_test(a_birth_date_may_be_today_but_not_tomorrow),
		cmocka_unit_test(what_means_the_same_is_indexed_the_same),
		cmocka_unit_test(what_can_be_guessed_has_no_index),
		cmocka_unit_test(transforms_show_what_they_say),
		cmocka_unit_test(nothing_is_shown_where_nothing_is_to_be),
		cmocka_unit_test(age_bands_change_on_the_birthday),
		cmocka_unit_test(facet_numbers_stay_what_they_were),
		cmocka_unit_test(normalising_twice_changes_nothing),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
