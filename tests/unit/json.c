/* What is read and what is refused; what is written, read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/json.h"

static int
init(void **state)
{
	(void)state;
	rsg_json_init();
	return 0;
}

static enum rsg_err
parse(const char *s, struct rsg_json **j)
{
	return rsg_json_parse(s, strlen(s), j, NULL);
}

/* `n` openings, `middle`, `n` closings. */
static char *
nested(size_t n, char open, const char *middle, char close)
{
	size_t m = strlen(middle);
	char *s = malloc(2 * n + m + 1);

	assert_non_null(s);
	memset(s, open, n);
	memcpy(s + n, middle, m);
	memset(s + n + m, close, n);
	s[2 * n + m] = '\0';
	return s;
}

static void
expect_dump(const char *in, bool sorted, const char *want)
{
	struct rsg_json *j;
	struct rsg_buf b;

	rsg_buf_init(&b, 10000);
	assert_int_equal(parse(in, &j), RSG_OK);
	assert_int_equal(rsg_json_dump(j, sorted, &b), RSG_OK);
	rsg_buf_u8(&b, 0);
	assert_string_equal((char *)b.p, want);
	rsg_json_free(j);
	rsg_buf_free(&b);
}

static void
reads_every_type(void **state)
{
	static const char text[] = "{\"n\":null,\"t\":true,\"f\":false,"
	    "\"i\":-9223372036854775808,\"r\":2.5,\"s\":\"\\u00f1\\n\","
	    "\"a\":[1,2],\"o\":{\"x\":1}}";
	struct rsg_json *j;
	size_t n;

	(void)state;
	assert_int_equal(parse(text, &j), RSG_OK);
	assert_int_equal(rsg_json_type(j), RSG_JSON_OBJECT);
	assert_int_equal(rsg_json_size(j), 8);
	assert_int_equal(rsg_json_type(rsg_json_get(j, "n")), RSG_JSON_NULL);
	assert_int_equal(rsg_json_type(rsg_json_get(j, "t")), RSG_JSON_BOOL);
	assert_true(rsg_json_bool(rsg_json_get(j, "t")));
	assert_int_equal(rsg_json_type(rsg_json_get(j, "f")), RSG_JSON_BOOL);
	assert_false(rsg_json_bool(rsg_json_get(j, "f")));
	assert_int_equal(rsg_json_type(rsg_json_get(j, "i")), RSG_JSON_INT);
	assert_true(rsg_json_int(rsg_json_get(j, "i")) == INT64_MIN);
	assert_int_equal(rsg_json_type(rsg_json_get(j, "r")), RSG_JSON_REAL);
	assert_true(rsg_json_real(rsg_json_get(j, "r")) == 2.5);
	assert_string_equal(rsg_json_string(rsg_json_get(j, "s"), &n), "ñ\n");
	assert_int_equal(n, 3);
	assert_int_equal(rsg_json_size(rsg_json_get(j, "a")), 2);
	assert_int_equal(rsg_json_int(rsg_json_at(rsg_json_get(j, "a"), 1)), 2);
	assert_null(rsg_json_at(rsg_json_get(j, "a"), 2));
	assert_null(rsg_json_get(j, "absent"));
	rsg_json_free(j);
	rsg_json_free(NULL);
}

/* Asked for what it is not, a value is nothing; never a crash. */
static void
other_types_are_nothing(void **state)
{
	static const char *const docs[] = { "{}", "[]", "1", "1.5", "\"x\"",
		"true", "null" };
	const struct rsg_json *v;
	struct rsg_json *j;
	const char *name;
	void *iter = NULL;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		assert_int_equal(parse(docs[i], &j), RSG_OK);
		if (rsg_json_type(j) != RSG_JSON_STRING) {
			assert_null(rsg_json_string(j, &n));
			assert_int_equal(n, 0);
		}
		if (rsg_json_type(j) != RSG_JSON_INT)
			assert_int_equal(rsg_json_int(j), 0);
		if (rsg_json_type(j) != RSG_JSON_REAL)
			assert_true(rsg_json_real(j) == 0);
		assert_int_equal(rsg_json_size(j), 0);
		assert_null(rsg_json_at(j, 0));
		assert_null(rsg_json_get(j, "x"));
		iter = NULL;
		assert_false(rsg_json_next(j, &iter, &name, &v));
		rsg_json_free(j);
	}
	assert_int_equal(rsg_json_type(NULL), RSG_JSON_NULL);
	assert_null(rsg_json_get(NULL, "x"));
	assert_int_equal(rsg_json_int(NULL), 0);
}

static void
refuses_what_is_no_json(void **state)
{
	static const char *const bad[] = { "", " ", "{", "}", "[1,]", "{\"a\":1,}",
		"[1] x", "[1][2]", "{} {}", "{a:1}", "{'a':1}", "[01]", "[1.]",
		"[.5]", "[+1]", "[-]", "[0x10]", "[NaN]", "[Infinity]", "[1e999]",
		"[9223372036854775808]", "[-9223372036854775809]", "[tru]", "[True]",
		"// c\n1", "[1 2]", "{\"a\" 1}", "{1:2}",
		/* duplicates, at any depth and under any spelling */
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
		"[{\"b\":{\"a\":1,\"c\":0,\"a\":1}}]",
		/* strings */
		"\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u0000\"",
		"{\"a\\u0000b\":1}", "\"\x01\"", "\"\n\"", "\"\t\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xc3\"",
		"\"\xf4\x90\x80\x80\"", "\xef\xbb\xbf{}" };
	struct rsg_json *j;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		j = (struct rsg_json *)&j;
		if (parse(bad[i], &j) != RSG_MALFORMED)
			fail_msg("%zu: %s", i, bad[i]);
		assert_null(j);
	}
	/* NUL bytes are no end and no blank. */
	assert_int_equal(rsg_json_parse("{}\0", 3, &j, NULL), RSG_MALFORMED);
	assert_int_equal(rsg_json_parse("\"a\0b\"", 5, &j, NULL), RSG_MALFORMED);
	assert_int_equal(rsg_json_parse(NULL, 0, &j, NULL), RSG_MALFORMED);
}

static void
holds_to_the_depth(void **state)
{
	static const struct { char open, close; const char *middle; } kinds[] = {
		{ '[', ']', "" }, { '[', ']', "\"]]]\\\"]]]\"" }, { '[', ']', "{}" },
	};
	struct rsg_json *j;
	struct rsg_buf b;
	char *s;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t fits = RSG_JSON_DEPTH - (i == 2);

		s = nested(fits, kinds[i].open, kinds[i].middle, kinds[i].close);
		assert_int_equal(parse(s, &j), RSG_OK);
		rsg_buf_init(&b, 10000);
		assert_int_equal(rsg_json_dump(j, true, &b), RSG_OK);
		assert_int_equal(b.len, strlen(s));
		assert_memory_equal(b.p, s, b.len);
		rsg_buf_free(&b);
		rsg_json_free(j);
		free(s);
		s = nested(fits + 1, kinds[i].open, kinds[i].middle, kinds[i].close);
		assert_int_equal(parse(s, &j), RSG_TOO_LARGE);
		free(s);
	}
	/* Brackets inside strings nest nothing; closings too many help nobody. */
	assert_int_equal(parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", &j),
	    RSG_OK);
	rsg_json_free(j);
	assert_int_equal(parse("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", &j),
	    RSG_OK);
	rsg_json_free(j);
	s = nested(100000, '[', "", ']');
	assert_int_equal(parse(s, &j), RSG_TOO_LARGE);
	free(s);
	assert_int_equal(parse("]]]]]]]]]][1]", &j), RSG_MALFORMED);
}

static void
holds_to_the_number_of_values(void **state)
{
	size_t n = 2 * RSG_JSON_VALUES;
	struct rsg_json *j;
	char *s = malloc(n + 1);

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < n; i += 2) {
		s[i] = i == 0 ? '[' : ',';
		s[i + 1] = '1';
	}
	s[n] = ']';
	/* The array itself is a value too. */
	assert_int_equal(rsg_json_parse(s, n + 1, &j, NULL), RSG_TOO_LARGE);
	s[n - 2] = ']';
	assert_int_equal(rsg_json_parse(s, n - 1, &j, NULL), RSG_OK);
	assert_int_equal(rsg_json_size(j), RSG_JSON_VALUES - 1);
	rsg_json_free(j);
	free(s);
}

static void
says_where_the_fault_is(void **state)
{
	struct rsg_json_fault f;
	struct rsg_json *j;
	char *deep;

	(void)state;
	assert_int_equal(rsg_json_parse("{\n\"a\":1,\n\"b\" 2}", 15, &j, &f),
	    RSG_MALFORMED);
	assert_int_equal(f.line, 3);
	assert_true(f.what[0] != '\0');
	deep = nested(RSG_JSON_DEPTH, '[', "\n [", ']');
	assert_int_equal(rsg_json_parse(deep, strlen(deep), &j, &f), RSG_TOO_LARGE);
	assert_int_equal(f.line, 2);
	assert_int_equal(f.column, 2);
	assert_string_equal(f.what, "nested too deep");
	free(deep);
	assert_int_equal(rsg_json_parse("1", 1, &j, &f), RSG_OK);
	assert_string_equal(f.what, "");
	rsg_json_free(j);
}

static void
walks_members_in_their_order(void **state)
{
	static const char *const names[] = { "z", "a", "m", "ñ" };
	const struct rsg_json *v;
	struct rsg_json *j;
	const char *name;
	void *iter = NULL;

	(void)state;
	assert_int_equal(parse("{\"z\":0,\"a\":1,\"m\":2,\"ñ\":3}", &j), RSG_OK);
	for (int i = 0; i < 4; i++) {
		assert_true(rsg_json_next(j, &iter, &name, &v));
		assert_string_equal(name, names[i]);
		assert_int_equal(rsg_json_int(v), i);
	}
	assert_false(rsg_json_next(j, &iter, &name, &v));
	rsg_json_free(j);
}

static void
dumps_in_one_form(void **state)
{
	static const char in[] = " { \"b\" : [ 1 , 2.50 , 1e3 , true , null ] ,"
	    " \"a\" : { \"z\" : \"\\/\\u0041\\u001f\" , \"B\" : -0 } , \"\" : [ ] } ";

	(void)state;
	expect_dump(in, false, "{\"b\":[1,2.5,1000.0,true,null],"
	    "\"a\":{\"z\":\"/A\\u001f\",\"B\":0},\"\":[]}");
	expect_dump(in, true, "{\"\":[],\"a\":{\"B\":0,\"z\":\"/A\\u001f\"},"
	    "\"b\":[1,2.5,1000.0,true,null]}");
	expect_dump("\"top\"", false, "\"top\"");
	expect_dump("0.1", false, "0.1");
	expect_dump("5e-324", false, "4.94065645841247e-324");
	expect_dump("0.30000000000000004", false, "0.30000000000000004");
	expect_dump("-0.0", false, "-0.0");
}

static void
a_dump_that_does_not_fit_fails(void **state)
{
	struct rsg_json *j;
	struct rsg_buf b;

	(void)state;
	assert_int_equal(parse("{\"a\":[1,2,3]}", &j), RSG_OK);
	for (size_t max = 0; max < 13; max++) {
		rsg_buf_init(&b, max);
		assert_int_equal(rsg_json_dump(j, true, &b), RSG_TOO_LARGE);
		rsg_buf_free(&b);
	}
	rsg_buf_init(&b, 13);
	assert_int_equal(rsg_json_dump(j, true, &b), RSG_OK);
	rsg_buf_free(&b);
	rsg_json_free(j);
}

static void
expect_written(struct rsg_buf *b, const char *want)
{
	assert_true(rsg_buf_ok(b));
	assert_int_equal(b->len, strlen(want));
	assert_memory_equal(b->p, want, b->len);
	rsg_buf_reset(b);
}

static void
writes_everything(void **state)
{
	struct rsg_buf b;
	struct rsg_jw w;

	(void)state;
	rsg_buf_init(&b, 10000);
	rsg_jw_init(&w, &b);
	rsg_jw_object(&w, NULL);
	rsg_jw_text(&w, "t", "x");
	rsg_jw_int(&w, "min", INT64_MIN);
	rsg_jw_int(&w, "max", INT64_MAX);
	rsg_jw_array(&w, "a");
	rsg_jw_array(&w, NULL);
	rsg_jw_end(&w);
	rsg_jw_object(&w, NULL);
	rsg_jw_end(&w);
	rsg_jw_int(&w, NULL, 0);
	rsg_jw_bool(&w, NULL, false);
	rsg_jw_end(&w);
	rsg_jw_null(&w, "n");
	rsg_jw_bool(&w, "b", true);
	rsg_jw_real(&w, "r", 3);
	rsg_jw_real(&w, "inf", (double)INFINITY);
	rsg_jw_end(&w);
	expect_written(&b, "{\"t\":\"x\",\"min\":-9223372036854775808,"
	    "\"max\":9223372036854775807,\"a\":[[],{},0,false],\"n\":null,"
	    "\"b\":true,\"r\":3.0,\"inf\":null}");
	/* And another document after it, as in NDJSON. */
	rsg_jw_array(&w, NULL);
	rsg_jw_end(&w);
	expect_written(&b, "[]");
	rsg_jw_int(&w, NULL, 1);
	rsg_buf_u8(&b, '\n');
	rsg_jw_int(&w, NULL, 2);
	expect_written(&b, "1\n2");
	rsg_buf_free(&b);
}

static void
escapes_what_must_be(void **state)
{
	struct rsg_buf b;
	struct rsg_jw w;

	(void)state;
	rsg_buf_init(&b, 10000);
	rsg_jw_init(&w, &b);
	rsg_jw_string(&w, NULL, "a\"b\\c/d\b\f\n\r\t\0\x1f\x7f", 15);
	expect_written(&b, "\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"");
	rsg_jw_text(&w, NULL, "ñ€😀\xff\xc3(\xed\xa0\x80\xe2\x82");
	expect_written(&b, "\"ñ€😀\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd"
	    "\\ufffd\\ufffd\"");
	rsg_jw_string(&w, NULL, NULL, 0);
	expect_written(&b, "\"\"");
	rsg_jw_object(&w, NULL);
	rsg_jw_null(&w, "\"\n");
	rsg_jw_end(&w);
	expect_written(&b, "{\"\\\"\\n\":null}");
	rsg_buf_free(&b);
}

/* A document that would be no JSON is not written. */
static void
misuse_fails_the_buffer(void **state)
{
	struct rsg_buf b;
	struct rsg_jw w;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		rsg_buf_init(&b, 10000);
		rsg_jw_init(&w, &b);
		if (i == 0)
			rsg_jw_end(&w);
		if (i == 1)
			rsg_jw_int(&w, "name at the top", 1);
		if (i == 2 || i == 3)
			rsg_jw_object(&w, NULL);
		if (i == 2)
			rsg_jw_int(&w, NULL, 1);
		if (i == 3) {
			rsg_jw_array(&w, "a");
			rsg_jw_int(&w, "name in an array", 1);
		}
		for (unsigned k = 0; i == 4 && k < 65; k++) {
			assert_true(rsg_buf_ok(&b));
			rsg_jw_array(&w, NULL);
		}
		assert_false(rsg_buf_ok(&b));
		rsg_buf_free(&b);
	}
}

/* Every single byte as a string: written and read, it is the same. */
static void
strings_come_back(void **state)
{
	struct rsg_json *j;
	struct rsg_buf b;
	struct rsg_jw w;
	const char *s;
	size_t n;
	char in[3] = "xy";

	(void)state;
	rsg_buf_init(&b, 100);
	for (int c = 1; c < 0x80; c++) {
		in[1] = (char)c;
		rsg_buf_reset(&b);
		rsg_jw_init(&w, &b);
		rsg_jw_text(&w, NULL, in);
		assert_int_equal(rsg_json_parse(b.p, b.len, &j, NULL), RSG_OK);
		s = rsg_json_string(j, &n);
		assert_int_equal(n, 2);
		assert_memory_equal(s, in, 2);
		rsg_json_free(j);
	}
	rsg_buf_free(&b);
}

/* Damaged documents, in blocks of exactly their size. */
static void
damage_does_no_harm(void **state)
{
	static const char text[] = "{\"fields\":{\"email\":\"a@b.es\",\"n\":[1,2.5,"
	    "-3e2,true,null,{\"x\":\"\\ud83d\\ude00\\n\"}]},\"k\":\"ñ\"}";
	uint64_t seed = UINT64_C(88172645463325252);
	struct rsg_json *j;
	struct rsg_buf b;
	size_t n, passed = 0;
	char *p;

	(void)state;
	rsg_buf_init(&b, 10000);
	for (unsigned round = 0; round < 20000; round++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		n = round & 1 ? (seed >> 33) % sizeof(text) : sizeof(text) - 1;
		p = malloc(n + (n == 0));
		assert_non_null(p);
		memcpy(p, text, n);
		if (n > 0)
			p[(seed >> 20) % n] ^= (char)(1 << (seed >> 50) % 8);
		if (rsg_json_parse(p, n, &j, NULL) == RSG_OK) {
			rsg_buf_reset(&b);
			assert_int_equal(rsg_json_dump(j, false, &b), RSG_OK);
			rsg_json_free(j);
			assert_int_equal(rsg_json_parse(b.p, b.len, &j, NULL), RSG_OK);
			rsg_json_free(j);
			passed++;
		}
		free(p);
	}
	assert_true(passed > 0);
	rsg_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_type),
		cmocka_unit_test(other_types_are_nothing),
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(holds_to_the_depth),
		cmocka_unit_test(holds_to_the_number_of_values),
		cmocka_unit_test(says_where_the_fault_is),
		cmocka_unit_test(walks_members_in_their_order),
		cmocka_unit_test(dumps_in_one_form),
		cmocka_unit_test(a_dump_that_does_not_fit_fails),
		cmocka_unit_test(writes_everything),
		cmocka_unit_test(escapes_what_must_be),
		cmocka_unit_test(misuse_fails_the_buffer),
		cmocka_unit_test(strings_come_back),
		cmocka_unit_test(damage_does_no_harm),
	};

	return cmocka_run_group_tests_name("json", tests, init, NULL);
}
