/*
 * Messages: what the writer writes the check accepts, for every shape in the
 * tables; every rule of the check broken once; damage never does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "resguardo/clock.h"
#include "resguardo/msg.h"

#define NO_FIELD	RSG_F__MAX

/* What `fill` leaves out or writes twice; NO_FIELD for neither. */
struct plan {
	enum rsg_field without, twice;
};

static void fill(struct rsg_buf *, enum rsg_shape, struct plan);

static void
put_some(struct rsg_buf *b, enum rsg_field f)
{
	static const struct rsg_id id = { { 1, 2, 3 } };
	const struct rsg_fieldinfo *info = rsg_msg_field(f);
	size_t mark;

	switch (info->type) {
	case RSG_T_TEXT:
		rsg_msg_text(b, f, "año\n");
		break;
	case RSG_T_NAME:
		rsg_msg_text(b, f, "es");
		break;
	case RSG_T_ID:
		rsg_msg_id(b, f, &id);
		break;
	case RSG_T_INT:
		rsg_msg_int(b, f, INT64_MIN);
		break;
	case RSG_T_TIME:
	case RSG_T_DAY:
		rsg_msg_int(b, f, -1);
		break;
	case RSG_T_BOOL:
		rsg_msg_bool(b, f, true);
		break;
	case RSG_T_BLOB:
	case RSG_T_HEX:
		rsg_msg_bytes(b, f, "\0\xff", 2);
		break;
	case RSG_T_GROUP:
	case RSG_T_MAP:
		mark = rsg_msg_open(b, f);
		fill(b, info->shape, (struct plan){ NO_FIELD, NO_FIELD });
		rsg_msg_close(b, mark);
		break;
	}
}

/* Every member of a shape; what may come many times comes twice. */
static void
fill(struct rsg_buf *b, enum rsg_shape shape, struct plan plan)
{
	const struct rsg_shapeinfo *s = rsg_msg_shape(shape);

	for (size_t i = 0; i < s->n; i++) {
		enum rsg_field f = s->member[i].field;

		if (f == plan.without)
			continue;
		put_some(b, f);
		if (s->member[i].many == RSG_MANY || f == plan.twice)
			put_some(b, f);
	}
}

static struct rsg_fields
all(const struct rsg_buf *b)
{
	return (struct rsg_fields){ b->p, b->len };
}

static enum rsg_err
check(const struct rsg_buf *b, enum rsg_shape shape, enum rsg_field *at)
{
	return rsg_msg_check(all(b), shape, RSG_SHAPE_NONE, at);
}

/* Walk everything, as a handler may once a message has passed. */
static size_t
walk(struct rsg_fields f, unsigned depth)
{
	const uint8_t *p;
	enum rsg_field field;
	size_t n, pos = 0, sum = 0;

	while (rsg_msg_next(f, &pos, &field, &p, &n)) {
		const struct rsg_fieldinfo *info = rsg_msg_field(field);

		for (size_t i = 0; i < n; i++)
			sum += p[i];
		if (info->type >= RSG_T_GROUP && depth < RSG_MSG_DEPTH)
			sum += walk((struct rsg_fields){ p, n }, depth + 1);
	}
	return sum;
}

static void
accepts_every_shape(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned s = 0; s < RSG_SHAPE__MAX; s++) {
		rsg_buf_reset(&b);
		fill(&b, s, (struct plan){ NO_FIELD, NO_FIELD });
		assert_true(rsg_buf_ok(&b));
		if (check(&b, s, &at) != RSG_OK)
			fail_msg("%s: %s", rsg_msg_shape(s)->name,
			    rsg_msg_field(at)->json);
		assert_int_equal(at, NO_FIELD);
	}
	rsg_buf_free(&b);
}

static void
misses_what_is_required_and_nothing_else(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned s = 0; s < RSG_SHAPE__MAX; s++) {
		const struct rsg_shapeinfo *info = rsg_msg_shape(s);

		for (size_t i = 0; i < info->n; i++) {
			const struct rsg_memberinfo *m = &info->member[i];

			rsg_buf_reset(&b);
			fill(&b, s, (struct plan){ m->field, NO_FIELD });
			if (m->many == RSG_ONE) {
				assert_int_equal(check(&b, s, &at), RSG_MISSING_MEMBER);
				assert_int_equal(at, m->field);
			} else
				assert_int_equal(check(&b, s, &at), RSG_OK);
		}
	}
	rsg_buf_free(&b);
}

static void
refuses_repeats(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned s = 0; s < RSG_SHAPE__MAX; s++) {
		const struct rsg_shapeinfo *info = rsg_msg_shape(s);

		for (size_t i = 0; i < info->n; i++) {
			if (info->member[i].many == RSG_MANY)
				continue;
			rsg_buf_reset(&b);
			fill(&b, s, (struct plan){ NO_FIELD, info->member[i].field });
			assert_int_equal(check(&b, s, &at), RSG_MALFORMED);
			assert_int_equal(at, info->member[i].field);
		}
	}
	rsg_buf_free(&b);
}

static bool
has_member(enum rsg_shape s, enum rsg_field f)
{
	const struct rsg_shapeinfo *info = rsg_msg_shape(s);

	for (size_t i = 0; i < info->n; i++)
		if (info->member[i].field == f)
			return true;
	return false;
}

static void
refuses_every_field_of_another_shape(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned s = 0; s < RSG_SHAPE__MAX; s++)
		for (unsigned f = 0; f < RSG_F__MAX; f++) {
			if (has_member(s, f))
				continue;
			rsg_buf_reset(&b);
			fill(&b, s, (struct plan){ NO_FIELD, NO_FIELD });
			put_some(&b, f);
			assert_int_equal(check(&b, s, &at), RSG_UNKNOWN_MEMBER);
			assert_int_equal(at, f);
		}
	rsg_buf_reset(&b);
	rsg_msg_bytes(&b, RSG_F__MAX, "x", 1);
	assert_int_equal(check(&b, RSG_SHAPE_NONE, &at), RSG_UNKNOWN_MEMBER);
	assert_int_equal(at, NO_FIELD);
	rsg_buf_free(&b);
}

static void
context_and_trailer_are_admitted_at_the_top_only(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;
	size_t mark;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	fill(&b, RSG_SHAPE_CONSENT_STATE_IN, (struct plan){ NO_FIELD, NO_FIELD });
	fill(&b, RSG_SHAPE_CONTEXT, (struct plan){ NO_FIELD, NO_FIELD });
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE_CONSENT_STATE_IN,
	    RSG_SHAPE_CONTEXT, &at), RSG_OK);
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE_CONSENT_STATE_IN,
	    RSG_SHAPE_TRAILER, &at), RSG_UNKNOWN_MEMBER);
	assert_int_equal(check(&b, RSG_SHAPE_CONSENT_STATE_IN, &at),
	    RSG_UNKNOWN_MEMBER);

	rsg_buf_reset(&b);
	mark = rsg_msg_open(&b, RSG_F_VALUES);
	rsg_msg_text(&b, RSG_F_KEY, "k");
	rsg_msg_text(&b, RSG_F_STAFF, "s");
	rsg_msg_close(&b, mark);
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE_SUBJECT_CREATE_IN,
	    RSG_SHAPE_CONTEXT, &at), RSG_UNKNOWN_MEMBER);
	assert_int_equal(at, RSG_F_STAFF);
	rsg_buf_free(&b);
}

/* A shape that lists what `extra` does too keeps its own rule. */
static void
the_shape_goes_before_the_extra(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_text(&b, RSG_F_DECISION, "allow");
	rsg_msg_text(&b, RSG_F_CLAUSE, "a");
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE_POLICY_EXPLAIN_OUT,
	    RSG_SHAPE_TRAILER, &at), RSG_OK);
	rsg_msg_text(&b, RSG_F_CLAUSE, "b");
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE_POLICY_EXPLAIN_OUT,
	    RSG_SHAPE_TRAILER, &at), RSG_MALFORMED);
	/* There it must be, here it may: two are too many all the same. */
	rsg_buf_reset(&b);
	fill(&b, RSG_SHAPE_ANSWER, (struct plan){ NO_FIELD, RSG_F_CLAUSE });
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE_ANSWER,
	    RSG_SHAPE_TRAILER, &at), RSG_MALFORMED);
	rsg_buf_free(&b);
}

struct value_case {
	enum rsg_shape shape;
	enum rsg_field field;
	const char *bytes;
	size_t n;
	enum rsg_err want;
};

/* Shapes in which the field is the only thing required, or nothing is. */
static void
judges_values(void **state)
{
	static const struct value_case cases[] = {
#define V(shape, field, s, want) \
	{ RSG_SHAPE_##shape, RSG_F_##field, s, sizeof(s) - 1, RSG_##want }
		V(TEXT_OUT, TEXT, "", OK),
		V(TEXT_OUT, TEXT, "a\nb\tc", OK),
		V(TEXT_OUT, TEXT, "longer than eight bytes", OK),
		V(TEXT_OUT, TEXT, "\xf4\x8f\xbf\xbf", OK),
		V(TEXT_OUT, TEXT, "a\0b", BAD_VALUE),
		V(TEXT_OUT, TEXT, "a\rb", BAD_VALUE),
		V(TEXT_OUT, TEXT, "0123456789\x1b", BAD_VALUE),
		V(TEXT_OUT, TEXT, "0123456789abcde\x7f", BAD_VALUE),
		V(TEXT_OUT, TEXT, "\xc2\x80", BAD_VALUE),
		V(TEXT_OUT, TEXT, "\xc2\x9f", BAD_VALUE),
		V(TEXT_OUT, TEXT, "\xc2\xa0", OK),
		V(TEXT_OUT, TEXT, "\xff", BAD_VALUE),
		V(ME_OUT, NAME, "", BAD_VALUE),
		V(CONTEXT, REQUEST, "a b", BAD_VALUE),
		V(CONTEXT, REQUEST, "a/b", BAD_VALUE),
		V(CONTEXT, REQUEST, "ma\xc3\xb1""ana", BAD_VALUE),
		V(CONTEXT, REQUEST, "Az09._:-", OK),
		V(CONTEXT, GPC, "\0", OK),
		V(CONTEXT, GPC, "\1", OK),
		V(CONTEXT, GPC, "\2", BAD_VALUE),
		V(CONTEXT, GPC, "", BAD_VALUE),
		V(CONTEXT, GPC, "\1\1", TOO_LARGE),
		V(CONSENT_STATE_IN, SUBJECT, "0123456789abcdef", OK),
		V(CONSENT_STATE_IN, SUBJECT, "0123456789abcde", BAD_VALUE),
		V(CONSENT_STATE_IN, SUBJECT, "0123456789abcdefg", TOO_LARGE),
		V(TRAILER, RETRY_AFTER, "12345678", OK),
		V(TRAILER, RETRY_AFTER, "1234567", BAD_VALUE),
		V(TRAILER, RETRY_AFTER, "", BAD_VALUE),
		V(TRAILER, RETRY_AFTER, "123456789", TOO_LARGE),
		V(AUDIT_SEARCH_IN, FROM, "\0\0\0\0\0\0\0\0", OK),
		V(AUDIT_SEARCH_IN, FROM, "\0\0\0\0\0\0\0", BAD_VALUE),
		V(AUDIT_SEARCH_IN, FROM, "\x7f\xff\xff\xff\xff\xff\xff\xff", BAD_VALUE),
		V(AUDIT_SEARCH_IN, FROM, "\x80\0\0\0\0\0\0\0", BAD_VALUE),
		V(AUDIT_SEARCH_IN, CURSOR, "", OK),
		V(AUDIT_SEARCH_IN, CURSOR, "\xff\0", OK),
#undef V
	};
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct value_case *c = &cases[i];
		enum rsg_err e;

		rsg_buf_reset(&b);
		rsg_msg_bytes(&b, c->field, c->bytes, c->n);
		e = check(&b, c->shape, &at);
		if (e != c->want)
			fail_msg("case %zu: %s", i, rsg_err_id(e));
		if (e != RSG_OK)
			assert_int_equal(at, c->field);
	}
	rsg_buf_free(&b);
}

static void
days_and_times_end_with_the_calendar(void **state)
{
	static const struct { enum rsg_field f; int64_t v; enum rsg_err want; } cases[] = {
		{ RSG_F_AS_OF, RSG_DAY_MIN, RSG_OK },
		{ RSG_F_AS_OF, RSG_DAY_MAX, RSG_OK },
		{ RSG_F_AS_OF, RSG_DAY_MIN - 1, RSG_BAD_VALUE },
		{ RSG_F_AS_OF, RSG_DAY_MAX + 1, RSG_BAD_VALUE },
	};
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rsg_buf_reset(&b);
		rsg_msg_text(&b, RSG_F_PURPOSE, "p");
		rsg_msg_int(&b, cases[i].f, cases[i].v);
		assert_int_equal(check(&b, RSG_SHAPE_MODEL_FIT_IN, &at), cases[i].want);
	}
	rsg_buf_free(&b);
}

/* Each field's own most bytes: exactly so many pass, one more does not. */
static void
holds_each_field_to_its_most(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;
	uint8_t *p;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned s = 0; s < RSG_SHAPE__MAX; s++) {
		const struct rsg_shapeinfo *info = rsg_msg_shape(s);

		for (size_t i = 0; i < info->n; i++) {
			enum rsg_field f = info->member[i].field;
			size_t max = rsg_msg_field(f)->max;

			p = malloc(max + 1);
			assert_non_null(p);
			memset(p, 'a', max + 1);
			rsg_buf_reset(&b);
			rsg_msg_bytes(&b, f, p, max + 1);
			assert_int_equal(check(&b, s, &at), RSG_TOO_LARGE);
			assert_int_equal(at, f);
			rsg_buf_reset(&b);
			rsg_msg_bytes(&b, f, p, max);
			assert_int_not_equal(check(&b, s, &at), RSG_TOO_LARGE);
			free(p);
		}
	}
	rsg_buf_free(&b);
}

static void
lists_end_at_their_most(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;
	size_t mark;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned i = 0; i <= RSG_MSG_ITEMS; i++) {
		if (i == RSG_MSG_ITEMS)
			assert_int_equal(check(&b, RSG_SHAPE_EVENT_ADD_IN, &at), RSG_OK);
		mark = rsg_msg_open(&b, RSG_F_EVENTS);
		rsg_msg_text(&b, RSG_F_KIND, "purchase");
		rsg_msg_int(&b, RSG_F_TIME, i);
		rsg_msg_close(&b, mark);
	}
	assert_true(rsg_buf_ok(&b));
	assert_int_equal(check(&b, RSG_SHAPE_EVENT_ADD_IN, &at), RSG_TOO_LARGE);
	assert_int_equal(at, RSG_F_EVENTS);
	rsg_buf_free(&b);
}

/* An error deep inside names the innermost field. */
static void
checks_what_is_nested(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;
	size_t outer, inner;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_text(&b, RSG_F_CONTROLLER, "c");
	rsg_msg_text(&b, RSG_F_BASIS, "b");
	rsg_msg_text(&b, RSG_F_FIELD, "f");
	outer = rsg_msg_open(&b, RSG_F_CUSTOMERS);
	inner = rsg_msg_open(&b, RSG_F_VALUES);
	rsg_msg_text(&b, RSG_F_VALUE, "no key");
	rsg_msg_close(&b, inner);
	rsg_msg_close(&b, outer);
	assert_int_equal(check(&b, RSG_SHAPE_IMPORT_CUSTOMERS_IN, &at),
	    RSG_MISSING_MEMBER);
	assert_int_equal(at, RSG_F_KEY);
	/* The inner group reaches past the outer one's end. */
	rsg_be32(b.p + inner - 4, (uint32_t)(b.len - inner + 1));
	assert_int_equal(check(&b, RSG_SHAPE_IMPORT_CUSTOMERS_IN, &at),
	    RSG_MALFORMED);
	assert_int_equal(at, NO_FIELD);
	rsg_buf_free(&b);
}

static void
refuses_what_is_cut_short(void **state)
{
	struct rsg_buf b;
	enum rsg_field at;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_text(&b, RSG_F_TEXT, "abc");
	for (size_t n = 1; n < b.len; n++) {
		assert_int_equal(rsg_msg_check((struct rsg_fields){ b.p, n },
		    RSG_SHAPE_TEXT_OUT, RSG_SHAPE_NONE, &at), RSG_MALFORMED);
		assert_int_equal(at, NO_FIELD);
	}
	rsg_be32(b.p + 2, UINT32_MAX);
	assert_int_equal(check(&b, RSG_SHAPE_TEXT_OUT, &at), RSG_MALFORMED);
	assert_int_equal(rsg_msg_check((struct rsg_fields){ NULL, 0 },
	    RSG_SHAPE_NONE, RSG_SHAPE_NONE, &at), RSG_OK);
	assert_int_equal(rsg_msg_check(all(&b), RSG_SHAPE__MAX, RSG_SHAPE_NONE,
	    &at), RSG_INTERNAL);
	rsg_buf_free(&b);
}

/*
 * Damaged bytes, each time in a block of exactly their size so that a
 * sanitizer sees any step outside. Whatever passes must be safe to walk.
 */
static void
damage_does_no_harm(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	struct rsg_buf b;
	enum rsg_field at;
	size_t n, sum = 0;
	uint8_t *p;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	for (unsigned round = 0; round < 40000; round++) {
		enum rsg_shape s = round % RSG_SHAPE__MAX;

		rsg_buf_reset(&b);
		fill(&b, s, (struct plan){ NO_FIELD, NO_FIELD });
		if (b.len == 0)
			continue;
		n = round & 1 ? dice_throw(&seed) % (b.len + 1) : b.len;
		p = malloc(n + (n == 0));
		assert_non_null(p);
		memcpy(p, b.p, n);
		for (unsigned k = 0; n > 0 && k < round % 5; k++)
			p[dice_throw(&seed) % n] ^=
			    (uint8_t)(1u << dice_throw(&seed) % 8);
		if (rsg_msg_check((struct rsg_fields){ p, n }, s,
		    RSG_SHAPE_CONTEXT, &at) == RSG_OK)
			sum += walk((struct rsg_fields){ p, n }, 0);
		free(p);
	}
	assert_true(sum > 0);
	rsg_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_every_shape),
		cmocka_unit_test(misses_what_is_required_and_nothing_else),
		cmocka_unit_test(refuses_repeats),
		cmocka_unit_test(refuses_every_field_of_another_shape),
		cmocka_unit_test(context_and_trailer_are_admitted_at_the_top_only),
		cmocka_unit_test(the_shape_goes_before_the_extra),
		cmocka_unit_test(judges_values),
		cmocka_unit_test(days_and_times_end_with_the_calendar),
		cmocka_unit_test(holds_each_field_to_its_most),
		cmocka_unit_test(lists_end_at_their_most),
		cmocka_unit_test(checks_what_is_nested),
		cmocka_unit_test(refuses_what_is_cut_short),
		cmocka_unit_test(damage_does_no_harm),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
