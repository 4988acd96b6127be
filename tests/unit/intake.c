/*
 * intake.c - JSON, lines, queries and headers become fields, or are refused
 * with the name of what is at fault and never its value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "intake/body.h"
#include "intake/codec.h"
#include "intake/context.h"
#include "intake/lines.h"
#include "intake/query.h"
#include "intake/value.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"
#include "resguardo/secret.h"

#define UUID	"00010203-0405-0607-0809-0a0b0c0d0e0f"

static struct rsg_buf b;
static struct rsg_at at;

static int
setup(void **state)
{
	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_at_init(&at);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rsg_buf_free(&b);
	return 0;
}

static struct rsg_fields
fields(void)
{
	return (struct rsg_fields){ b.p, b.len };
}

/* Does the message hold exactly this text for the field? */
static void
assert_text(struct rsg_fields f, enum rsg_field field, const char *text)
{
	const uint8_t *p;
	size_t n;

	assert_true(rsg_msg_get(f, field, &p, &n));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(p, text, n);
}

static void
assert_body(enum rsg_shape shape, const char *json, enum rsg_err want,
    const char *where)
{
	enum rsg_err e;

	rsg_buf_reset(&b);
	e = rsg_body_object(&b, shape, json, strlen(json), &at);
	if (e != want || strcmp(at.path, where) != 0)
		print_error("%s: %s at '%s'\n", json, rsg_err_id(e), at.path);
	assert_int_equal(e, want);
	assert_string_equal(at.path, where);
}

static void
test_body_becomes_fields(void **state)
{
	const char *json = "{\"purpose\":\"care\",\"fields\":{\"city\":\"León\","
	    "\"children\":3,\"member\":true,\"phone\":null},\"consents\":["
	    "{\"purpose\":\"news\",\"decision\":\"give\","
	    "\"time\":\"2026-02-03T04:05:06Z\"}]}";
	struct rsg_fields pair, consent;
	enum rsg_field where;
	int64_t us;
	size_t pos = 0;

	(void)state;
	assert_body(RSG_SHAPE_SUBJECT_CREATE_IN, json, RSG_OK, "");
	assert_int_equal(rsg_msg_check(fields(), RSG_SHAPE_SUBJECT_CREATE_IN,
	    RSG_SHAPE_NONE, &where), RSG_OK);
	assert_text(fields(), RSG_F_PURPOSE, "care");
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_VALUES, &pair));
	assert_text(pair, RSG_F_KEY, "city");
	assert_text(pair, RSG_F_VALUE, "León");
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_VALUES, &pair));
	assert_text(pair, RSG_F_VALUE, "3");
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_VALUES, &pair));
	assert_text(pair, RSG_F_VALUE, "true");
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_VALUES, &pair));
	assert_text(pair, RSG_F_KEY, "phone");
	assert_false(rsg_msg_has(pair, RSG_F_VALUE));
	assert_false(rsg_msg_each(fields(), &pos, RSG_F_VALUES, &pair));
	pos = 0;
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_CONSENTS, &consent));
	assert_text(consent, RSG_F_DECISION, "give");
	assert_true(rsg_clock_parse("2026-02-03T04:05:06Z", 20, false, &us));
	assert_int_equal(rsg_msg_get_int(consent, RSG_F_TIME, 0), us);
}

static void
test_unknown_members_are_named_by_path(void **state)
{
	const enum rsg_shape in = RSG_SHAPE_SUBJECT_CREATE_IN;

	(void)state;
	assert_body(in, "{\"feelds\":{}}", RSG_UNKNOWN_MEMBER, "feelds");
	assert_body(in, "{\"consents\":[{\"purpose\":\"a\",\"decision\":\"give\"},"
	    "{\"wrong\":1}]}", RSG_UNKNOWN_MEMBER, "consents.1.wrong");
	/* Where the sender's own text stands in a name, it is left out. */
	assert_body(in, "{\"ines@example.org\":1}", RSG_UNKNOWN_MEMBER, "");
	assert_body(in, "{\"fields\":{\"ines@example.org\":1}}",
	    RSG_UNKNOWN_MEMBER, "fields");
	assert_body(in, "{\"fields\":{\"\":1}}", RSG_UNKNOWN_MEMBER, "fields");
	/* From the path, or for replies, or for the context: not from a body. */
	assert_body(RSG_SHAPE_SUBJECT_CHANGE_IN, "{\"subject\":\"" UUID "\"}",
	    RSG_UNKNOWN_MEMBER, "subject");
	assert_body(in, "{\"credential\":\"x\"}", RSG_UNKNOWN_MEMBER, "credential");
	assert_body(in, "{\"audit_entry\":\"x\"}", RSG_UNKNOWN_MEMBER,
	    "audit_entry");
}

static void
test_missing_members_are_named(void **state)
{
	(void)state;
	assert_body(RSG_SHAPE_SUBJECT_LOOKUP_IN,
	    "{\"field\":\"email\",\"purpose\":\"care\"}", RSG_MISSING_MEMBER,
	    "value");
	assert_body(RSG_SHAPE_SUBJECT_CREATE_IN,
	    "{\"purpose\":\"care\",\"consents\":[{\"purpose\":\"news\"}]}",
	    RSG_MISSING_MEMBER, "consents.0.decision");
	assert_body(RSG_SHAPE_SUBJECT_LOOKUP_IN, "{}", RSG_MISSING_MEMBER, "field");
}

static void
test_wrong_types_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"fields\":[]}", "fields" }, { "{\"fields\":null}", "fields" },
		{ "{\"fields\":{\"a\":[1]}}", "fields.a" },
		{ "{\"fields\":{\"a\":{}}}", "fields.a" },
		{ "{\"fields\":{\"a\":1.5}}", "fields.a" },
		{ "{\"consents\":{}}", "consents" },
		{ "{\"consents\":[1]}", "consents.0" },
		{ "{\"purpose\":1}", "purpose" },
		{ "{\"purpose\":null}", "purpose" },
		{ "{\"purpose\":\"\"}", "purpose" },
		{ "{\"purpose\":\"no blanks\"}", "purpose" },
		{ "{\"collected\":\"2026-02-30T00:00:00Z\"}", "collected" },
		{ "{\"collected\":\"2026-02-03T00:00:00\"}", "collected" },
		{ "{\"collected\":1700000000}", "collected" },
		{ "{\"fields\":{\"a\":\"\\u0007\"}}", "fields.a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_body(RSG_SHAPE_SUBJECT_CREATE_IN, bad[i][0],
		    RSG_BAD_VALUE, bad[i][1]);
	assert_body(RSG_SHAPE_SUBJECT_CHANGE_IN, "{\"version\":\"1\"}",
	    RSG_BAD_VALUE, "version");
	assert_body(RSG_SHAPE_SUBJECT_CHANGE_IN, "{\"version\":1.0}",
	    RSG_BAD_VALUE, "version");
}

static void
test_what_is_no_object_is_malformed(void **state)
{
	static const char *const bad[] = { "", " ", "[]", "1", "\"x\"", "null",
		"{", "{}x", "{\"a\":1,}", "{'a':1}", "{\"a\":1,\"a\":2}",
		"{\"purpose\":\"\xff\"}", "{\"purpose\":\"a\\u0000\"}",
		"{\"purpose\":NaN}", "\xef\xbb\xbf{}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_body(RSG_SHAPE_SUBJECT_CREATE_IN, bad[i], RSG_MALFORMED, "");
}

static void
test_sizes_at_their_edge(void **state)
{
	char json[20000];
	int n;

	(void)state;
	n = snprintf(json, sizeof(json), "{\"purpose\":\"%0*d\"}", 64, 0);
	assert_true(n > 0);
	assert_int_equal(rsg_body_object(&b, RSG_SHAPE_SUBJECT_CHANGE_IN, json,
	    strlen(json), &at), RSG_OK);
	(void)snprintf(json, sizeof(json), "{\"purpose\":\"%0*d\"}", 65, 0);
	assert_body(RSG_SHAPE_SUBJECT_CHANGE_IN, json, RSG_TOO_LARGE, "purpose");
	(void)snprintf(json, sizeof(json),
	    "{\"fields\":{\"a\":\"%0*d\"}}", 16384, 0);
	assert_int_equal(rsg_body_object(&b, RSG_SHAPE_SUBJECT_CHANGE_IN, json,
	    strlen(json), &at), RSG_OK);
	(void)snprintf(json, sizeof(json),
	    "{\"fields\":{\"a\":\"%0*d\"}}", 16385, 0);
	assert_body(RSG_SHAPE_SUBJECT_CHANGE_IN, json, RSG_TOO_LARGE, "fields.a");
}

static void
test_lines_keep_the_good_ones(void **state)
{
	static const char body[] =
	    "{\"kind\":\"visit\",\"time\":\"2026-01-01T00:00:00Z\"}\r\n"
	    "\n"
	    "{\"kind\":\"visit\"}\n"
	    "nonsense\n"
	    "{\"kind\":\"visit\",\"time\":\"2026-01-01T00:00:00Z\",\"line\":1}\n"
	    "{\"kind\":\"return\",\"time\":\"2026-01-02T00:00:00+01:00\"}";
	struct rsg_fields f, item;
	struct rsg_buf bad;
	size_t pos = 0;

	(void)state;
	rsg_buf_init(&bad, RSG_MSG_MAX);
	assert_int_equal(rsg_lines_read(&b, RSG_F_EVENTS, body,
	    sizeof(body) - 1, &bad), RSG_OK);
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_EVENTS, &item));
	assert_int_equal(rsg_msg_get_int(item, RSG_F_LINE, 0), 1);
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_EVENTS, &item));
	assert_int_equal(rsg_msg_get_int(item, RSG_F_LINE, 0), 6);
	assert_text(item, RSG_F_KIND, "return");
	assert_false(rsg_msg_each(fields(), &pos, RSG_F_EVENTS, &item));
	assert_int_equal(pos, b.len);

	f = (struct rsg_fields){ bad.p, bad.len };
	pos = 0;
	assert_true(rsg_msg_each(f, &pos, RSG_F_REJECTED, &item));
	assert_int_equal(rsg_msg_get_int(item, RSG_F_LINE, 0), 3);
	assert_text(item, RSG_F_ERROR, "missing-member");
	assert_text(item, RSG_F_MEMBER, "time");
	assert_true(rsg_msg_each(f, &pos, RSG_F_REJECTED, &item));
	assert_text(item, RSG_F_ERROR, "malformed-request");
	assert_false(rsg_msg_has(item, RSG_F_MEMBER));
	assert_true(rsg_msg_each(f, &pos, RSG_F_REJECTED, &item));
	assert_int_equal(rsg_msg_get_int(item, RSG_F_LINE, 0), 5);
	assert_text(item, RSG_F_MEMBER, "line");
	assert_false(rsg_msg_each(f, &pos, RSG_F_REJECTED, &item));
	rsg_buf_free(&bad);
}

static void
test_lines_are_counted(void **state)
{
	static char body[RSG_LINES_MAX + 1];
	struct rsg_buf bad;

	(void)state;
	rsg_buf_init(&bad, RSG_MSG_MAX);
	memset(body, '\n', sizeof(body));
	assert_int_equal(rsg_lines_read(&b, RSG_F_EVENTS, body, RSG_LINES_MAX,
	    &bad), RSG_OK);
	assert_int_equal(rsg_lines_read(&b, RSG_F_EVENTS, body,
	    RSG_LINES_MAX + 1, &bad), RSG_TOO_LARGE);
	assert_int_equal(b.len, 0);
	assert_int_equal(bad.len, 0);
	rsg_buf_free(&bad);
}

static void
assert_query(enum rsg_shape shape, const char *query, enum rsg_err want,
    const char *where)
{
	enum rsg_err e;

	rsg_buf_reset(&b);
	e = rsg_query_fields(&b, shape, query, strlen(query), "format", &at);
	if (e != want || strcmp(at.path, where) != 0)
		print_error("%s: %s at '%s'\n", query, rsg_err_id(e), at.path);
	assert_int_equal(e, want);
	assert_string_equal(at.path, where);
}

static void
test_query_becomes_fields(void **state)
{
	struct rsg_fields item;
	size_t pos = 0;

	(void)state;
	assert_query(RSG_SHAPE_SUBJECT_READ_IN, "purpose=care&fields=city%2cname,a",
	    RSG_OK, "");
	assert_text(fields(), RSG_F_PURPOSE, "care");
	for (int i = 0; i < 3; i++)
		assert_true(rsg_msg_each(fields(), &pos, RSG_F_FIELDS, &item));
	assert_int_equal(item.p[0], 'a');
	assert_query(RSG_SHAPE_MEMBERS_IN, "model=" UUID "&r=-5&format=csv&cursor=AQL7",
	    RSG_OK, "");
	assert_int_equal(rsg_msg_get_int(fields(), RSG_F_R, 0), -5);
	pos = 0;
	assert_true(rsg_msg_each(fields(), &pos, RSG_F_CURSOR, &item));
	assert_int_equal(item.len, 3);
	/* '+' is a plus, as RFC 3986 has it: times need it. */
	assert_query(RSG_SHAPE_AUDIT_SEARCH_IN, "from=2026-01-01T00:00:00+02:00",
	    RSG_OK, "");
	assert_query(RSG_SHAPE_AUDIT_SEARCH_IN, "", RSG_OK, "");
}

static void
test_query_is_strict(void **state)
{
	static const struct { const char *query; enum rsg_err e; const char *at; }
	    bad[] = {
		{ "", RSG_MISSING_MEMBER, "model" },
		{ "model=", RSG_BAD_VALUE, "model" },
		{ "model", RSG_BAD_VALUE, "model" },
		{ "model=" UUID "&model=" UUID, RSG_MALFORMED, "model" },
		{ "model=" UUID "&colour=red", RSG_UNKNOWN_MEMBER, "colour" },
		{ "model=" UUID "&subject=" UUID, RSG_UNKNOWN_MEMBER, "subject" },
		{ "model=" UUID "&", RSG_OK, "" },
		{ "model=" UUID "&&r=1", RSG_UNKNOWN_MEMBER, "" },
		{ "model=" UUID "&=1", RSG_UNKNOWN_MEMBER, "" },
		{ "model=" UUID "&r=1.0", RSG_BAD_VALUE, "r" },
		{ "model=" UUID "&r=01", RSG_BAD_VALUE, "r" },
		{ "model=" UUID "&r=+1", RSG_BAD_VALUE, "r" },
		{ "model=" UUID "&r=9223372036854775807", RSG_OK, "" },
		{ "model=" UUID "&r=9223372036854775808", RSG_BAD_VALUE, "r" },
		{ "model=" UUID "&r=-9223372036854775808", RSG_OK, "" },
		{ "model=" UUID "&r=-9223372036854775809", RSG_BAD_VALUE, "r" },
		{ "model=" UUID "&cursor=A", RSG_BAD_VALUE, "cursor" },
		{ "model=" UUID "&cursor=AB", RSG_BAD_VALUE, "cursor" },
		{ "model=" UUID "&cursor=AA==", RSG_BAD_VALUE, "cursor" },
		{ "model=" UUID "&purpose=%zz", RSG_MALFORMED, "purpose" },
		{ "model=" UUID "&purpose=%4", RSG_MALFORMED, "purpose" },
		{ "model=" UUID "&purpose=%00", RSG_BAD_VALUE, "purpose" },
		{ "model=" UUID "&purpose=a%0d%0ab", RSG_BAD_VALUE, "purpose" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_query(RSG_SHAPE_MEMBERS_IN, bad[i].query, bad[i].e,
		    bad[i].at);
	assert_query(RSG_SHAPE_SUBJECT_READ_IN, "purpose=a&fields=a,,b",
	    RSG_BAD_VALUE, "fields");
	assert_query(RSG_SHAPE_SUBJECT_READ_IN, "purpose=a&fields=",
	    RSG_BAD_VALUE, "fields");
}

static void
test_context_headers(void **state)
{
	struct rsg_context c;

	(void)state;
	rsg_context_init(&c);
	assert_int_equal(rsg_context_header(&c, &b, "authorization", 13,
	    "bearer  rsg_k", 13, &at), RSG_OK);
	assert_text(fields(), RSG_F_CREDENTIAL, "rsg_k");
	assert_int_equal(rsg_context_header(&c, &b, "Authorization", 13,
	    "Bearer x", 8, &at), RSG_MALFORMED);
	assert_string_equal(at.path, "Authorization");
	assert_int_equal(rsg_context_header(&c, &b, "Cookie", 6, "a=b", 3, &at),
	    RSG_OK);
	assert_int_equal(rsg_context_header(&c, &b, "Sec-GPC", 7, "yes", 3, &at),
	    RSG_OK);
	assert_false(rsg_msg_has(fields(), RSG_F_GPC));
	assert_int_equal(rsg_context_header(&c, &b, "Resguardo-Staff", 15, "", 0,
	    &at), RSG_BAD_VALUE);
	assert_string_equal(at.path, "Resguardo-Staff");
	assert_true(rsg_context_has(&c, RSG_F_CREDENTIAL));
	assert_false(rsg_context_has(&c, RSG_F_REASON));
	rsg_context_end(&c, &b);
	assert_int_equal(strlen(c.request), 36);
	assert_text(fields(), RSG_F_REQUEST, c.request);
	assert_string_equal(rsg_context_name("reason"), "Resguardo-Reason");
	assert_string_equal(rsg_context_name("city"), "city");
}

static void
test_codecs_go_both_ways(void **state)
{
	uint8_t in[64], out[64];

	(void)state;
	for (size_t n = 0; n < sizeof(in); n++) {
		rsg_secret_random(in, n + 1);
		rsg_buf_reset(&b);
		rsg_codec_base64(&b, in, n);
		assert_int_equal(rsg_codec_unbase64((char *)b.p, b.len, out), n);
		assert_memory_equal(in, out, n);
		rsg_buf_reset(&b);
		rsg_codec_hex(&b, in, n / 2);
		assert_int_equal(rsg_codec_unhex((char *)b.p, b.len, out), n / 2);
		assert_memory_equal(in, out, n / 2);
	}
	rsg_buf_reset(&b);
	rsg_codec_base64(&b, (const uint8_t *)"\xfb\xff\xfe", 3);
	assert_memory_equal(b.p, "-__-", 4);
	assert_int_equal(rsg_codec_unhex("0G", 2, out), RSG_CODEC_BAD);
	assert_int_equal(rsg_codec_unhex("0A", 2, out), RSG_CODEC_BAD);
	assert_int_equal(rsg_codec_unhex("0", 1, out), RSG_CODEC_BAD);
	assert_int_equal(rsg_codec_unpercent("%4A%4a", 6, (char *)out), 2);
	assert_memory_equal(out, "JJ", 2);
}

static void
test_paths_stay_within_their_size(void **state)
{
	char name[80];
	size_t mark;

	(void)state;
	memset(name, 'n', sizeof(name));
	mark = rsg_at_name(&at, name, 80);
	rsg_at_name(&at, name, 80);		/* does not fit: left out */
	assert_int_equal(at.len, 80);
	rsg_at_name(&at, name, RSG_AT_MAX - 81);	/* one too long */
	assert_int_equal(at.len, 80);
	rsg_at_name(&at, name, RSG_AT_MAX - 1 - 81);	/* fits exactly */
	assert_int_equal(at.len, RSG_AT_MAX - 1);
	assert_int_equal(at.path[at.len], '\0');
	rsg_at_back(&at, mark);
	assert_string_equal(at.path, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_body_becomes_fields),
		T(test_unknown_members_are_named_by_path),
		T(test_missing_members_are_named),
		T(test_wrong_types_are_refused),
		T(test_what_is_no_object_is_malformed),
		T(test_sizes_at_their_edge),
		T(test_lines_keep_the_good_ones),
		T(test_lines_are_counted),
		T(test_query_becomes_fields),
		T(test_query_is_strict),
		T(test_context_headers),
		T(test_codecs_go_both_ways),
		T(test_paths_stay_within_their_size),
#undef T
	};

	if (rsg_secret_init(0) != RSG_OK)
		return 1;
	rsg_json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
