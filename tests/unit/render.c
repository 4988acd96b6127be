/*
 * render.c - replies as JSON, NDJSON and CSV; problems; what is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "intake/lines.h"
#include "render/render.h"
#include "resguardo/clock.h"

static struct rsg_buf in, out;
static const struct rsg_id id = { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15 } };

#define UUID	"00010203-0405-0607-0809-0a0b0c0d0e0f"

static int
setup(void **state)
{
	(void)state;
	rsg_buf_init(&in, RSG_MSG_MAX);
	rsg_buf_init(&out, RSG_MSG_MAX);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rsg_buf_free(&in);
	rsg_buf_free(&out);
	return 0;
}

static struct rsg_fields
fields(void)
{
	return (struct rsg_fields){ in.p, in.len };
}

static void
assert_out(const char *text)
{
	rsg_buf_u8(&out, 0);
	assert_true(rsg_buf_ok(&out));
	assert_string_equal((char *)out.p, text);
}

static void
put_pair(enum rsg_field f, const char *key, const char *value)
{
	size_t mark = rsg_msg_open(&in, f);

	rsg_msg_text(&in, RSG_F_KEY, key);
	if (value != NULL)
		rsg_msg_text(&in, RSG_F_VALUE, value);
	rsg_msg_close(&in, mark);
}

static void
test_object_follows_the_shape(void **state)
{
	(void)state;
	/* In another order than the shape's: the shape's is written. */
	put_pair(RSG_F_VALUES, "city", "León \"x\"\n");
	put_pair(RSG_F_VALUES, "phone", NULL);
	rsg_msg_int(&in, RSG_F_VERSION, -7);
	rsg_msg_id(&in, RSG_F_ENTRY, &id);
	rsg_msg_id(&in, RSG_F_SUBJECT, &id);
	rsg_render_object(&out, fields(), RSG_SHAPE_SUBJECT_READ_OUT);
	assert_out("{\"subject\":\"" UUID "\",\"version\":-7,\"fields\":{"
	    "\"city\":\"León \\\"x\\\"\\n\",\"phone\":null},\"withheld\":{},"
	    "\"audit_entry\":\"" UUID "\"}");
}

static void
test_every_type_has_its_text(void **state)
{
	size_t mark;
	int64_t us;

	(void)state;
	assert_true(rsg_clock_parse("2026-02-03T04:05:06.5Z", 22, false, &us));
	mark = rsg_msg_open(&in, RSG_F_ENTRIES);
	rsg_msg_id(&in, RSG_F_ENTRY, &id);
	rsg_msg_int(&in, RSG_F_TIME, us);
	rsg_msg_text(&in, RSG_F_ACTOR, "till");
	rsg_msg_text(&in, RSG_F_FIELDS, "city");
	rsg_msg_text(&in, RSG_F_FIELDS, "name");
	rsg_msg_bytes(&in, RSG_F_POLICY, "\x00\xab\xff", 3);
	rsg_msg_close(&in, mark);
	rsg_msg_bytes(&in, RSG_F_NEXT, "\xfb\xff", 2);
	rsg_render_object(&out, fields(), RSG_SHAPE_AUDIT_SEARCH_OUT);
	assert_out("{\"entries\":[{\"audit_entry\":\"" UUID "\","
	    "\"time\":\"2026-02-03T04:05:06.500000Z\",\"actor\":\"till\","
	    "\"fields\":[\"city\",\"name\"],\"policy\":\"00abff\"}],"
	    "\"next\":\"-_8\"}");
}

static void
test_days_and_truth(void **state)
{
	uint8_t day[8], yes = 1, no = 0;

	(void)state;
	rsg_be64(day, (uint64_t)rsg_clock_day_of(2026, 2, 28));
	rsg_render_value(&out, RSG_T_DAY, day, 8);
	rsg_render_value(&out, RSG_T_BOOL, &yes, 1);
	rsg_render_value(&out, RSG_T_BOOL, &no, 1);
	assert_out("2026-02-28truefalse");
}

static void
test_empty_lists_are_written(void **state)
{
	(void)state;
	rsg_render_object(&out, fields(), RSG_SHAPE_SEGMENT_LIST_OUT);
	assert_out("{\"segments\":[]}");
}

static void
put_member(const char *pseudonym, int r)
{
	size_t mark = rsg_msg_open(&in, RSG_F_MEMBERS);

	rsg_msg_bytes(&in, RSG_F_PSEUDONYM, pseudonym, 2);
	rsg_msg_int(&in, RSG_F_R, r);
	rsg_msg_int(&in, RSG_F_F, 2);
	rsg_msg_int(&in, RSG_F_M, 3);
	rsg_msg_close(&in, mark);
}

static void
test_lists_as_lines_and_table(void **state)
{
	(void)state;
	rsg_msg_int(&in, RSG_F_COUNT, 2);
	put_member("\x01\x02", 5);
	put_member("\xff\x00", -1);
	rsg_render_lines(&out, fields(), RSG_F_MEMBERS);
	assert_out("{\"pseudonym\":\"0102\",\"r\":5,\"f\":2,\"m\":3}\n"
	    "{\"pseudonym\":\"ff00\",\"r\":-1,\"f\":2,\"m\":3}\n");
	rsg_buf_reset(&out);
	rsg_render_csv(&out, fields(), RSG_F_MEMBERS);
	assert_out("pseudonym,r,f,m\r\n0102,5,2,3\r\nff00,-1,2,3\r\n");
}

static void
test_cells_cannot_break_out(void **state)
{
	static const char *const texts[][2] = {
		{ "plain", "s,p,plain\r\n" }, { "a,b", "s,p,\"a,b\"\r\n" },
		{ "say \"x\"", "s,p,\"say \"\"x\"\"\"\r\n" },
		{ "a\nb", "s,p,\"a\nb\"\r\n" }, { "", "s,p,\r\n" },
		{ "=1+1", "s,p,\"'=1+1\"\r\n" }, { "@x", "s,p,\"'@x\"\r\n" },
		{ "-1", "s,p,\"'-1\"\r\n" }, { "\tx", "s,p,\"'\tx\"\r\n" },
	};
	size_t mark;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		rsg_buf_reset(&in);
		rsg_buf_reset(&out);
		mark = rsg_msg_open(&in, RSG_F_SEGMENTS);
		rsg_msg_text(&in, RSG_F_SEGMENT, "s");
		rsg_msg_text(&in, RSG_F_PURPOSE, "p");
		rsg_msg_text(&in, RSG_F_TITLE, texts[i][0]);
		rsg_msg_close(&in, mark);
		rsg_render_csv(&out, fields(), RSG_F_SEGMENTS);
		rsg_buf_u8(&out, 0);
		assert_string_equal((char *)out.p + strlen("segment,purpose,title\r\n"),
		    texts[i][1]);
	}
}

static void
put_rejected(struct rsg_buf *b, int64_t line, const char *error)
{
	size_t mark = rsg_msg_open(b, RSG_F_REJECTED);

	rsg_msg_int(b, RSG_F_LINE, line);
	rsg_msg_text(b, RSG_F_ERROR, error);
	rsg_msg_close(b, mark);
}

static void
test_rejected_lines_are_merged_in_order(void **state)
{
	struct rsg_buf ours, both;

	(void)state;
	rsg_buf_init(&ours, RSG_MSG_MAX);
	rsg_buf_init(&both, RSG_MSG_MAX);
	put_rejected(&in, 9, "not-found");
	rsg_msg_int(&in, RSG_F_ACCEPTED, 4);
	put_rejected(&in, 3, "not-found");
	rsg_msg_int(&in, RSG_F_REPEATED, 0);
	put_rejected(&ours, 1, "bad-value");
	put_rejected(&ours, 5, "bad-value");
	assert_int_equal(rsg_lines_merge(fields(), (struct rsg_fields){ ours.p,
	    ours.len }, &both), RSG_OK);
	rsg_render_object(&out, (struct rsg_fields){ both.p, both.len },
	    RSG_SHAPE_EVENT_ADD_OUT);
	assert_out("{\"accepted\":4,\"repeated\":0,\"rejected\":["
	    "{\"line\":1,\"error\":\"bad-value\"},"
	    "{\"line\":3,\"error\":\"not-found\"},"
	    "{\"line\":5,\"error\":\"bad-value\"},"
	    "{\"line\":9,\"error\":\"not-found\"}]}");
	rsg_buf_free(&ours);
	rsg_buf_free(&both);
}

static void
test_lists_in_a_table(void **state)
{
	static const uint8_t zero[32];
	size_t mark;

	(void)state;
	mark = rsg_msg_open(&in, RSG_F_ENTRIES);
	rsg_msg_id(&in, RSG_F_ENTRY, &id);
	rsg_msg_int(&in, RSG_F_TIME, 0);
	rsg_msg_text(&in, RSG_F_ACTOR, "=cmd");
	rsg_msg_text(&in, RSG_F_ROLE, "till");
	rsg_msg_text(&in, RSG_F_ACTION, "read");
	rsg_msg_text(&in, RSG_F_DECISION, "allow");
	rsg_msg_text(&in, RSG_F_FIELDS, "email");
	rsg_msg_text(&in, RSG_F_FIELDS, "first_name");
	rsg_msg_bytes(&in, RSG_F_POLICY, zero, 2);
	rsg_msg_bytes(&in, RSG_F_LEAF, zero, 1);
	rsg_msg_text(&in, RSG_F_PROOF, "/p");
	rsg_msg_close(&in, mark);
	rsg_render_csv(&out, fields(), RSG_F_ENTRIES);
	assert_out("audit_entry,time,actor,role,action,purpose,decision,clause,recipient,"
	    "fields,staff,place,reason,subject,people,legal_basis,policy,leaf_hash,proof\r\n"
	    UUID ",1970-01-01T00:00:00Z,\"'=cmd\",till,read,,allow,,,"
	    "email first_name,,,,,,,0000,00,/p\r\n");
}

static void
test_problem(void **state)
{
	struct rsg_problem p = { .err = RSG_NO_CONSENT, .lang = RSG_LANG_ES,
	    .request = "r-1", .member = "", .clause = "purposes.news",
	    .entry = &id };

	(void)state;
	rsg_render_problem(&out, &p);
	assert_out("{\"type\":\"urn:resguardo:error:no-live-consent\",\"title\":"
	    "\"La persona no ha dado su consentimiento para esta finalidad, o ya "
	    "no lo mantiene\",\"status\":403,\"detail\":\"No continúe; vuelva a "
	    "preguntar solo donde la ley lo permita.\",\"instance\":\"r-1\","
	    "\"clause\":\"purposes.news\",\"audit_entry\":\"" UUID "\"}");
}

static void
test_what_accept_chooses(void **state)
{
	static const struct { const char *accept; bool lists; enum rsg_format f; }
	    want[] = {
		{ NULL, false, RSG_FORMAT_JSON }, { "", true, RSG_FORMAT_JSON },
		{ "*/*", true, RSG_FORMAT_JSON },
		{ "text/csv", true, RSG_FORMAT_CSV },
		{ "text/csv", false, RSG_FORMAT__MAX },
		{ "TEXT/CSV ; q=0.5, application/json;q=0.4", true, RSG_FORMAT_CSV },
		{ "text/csv;q=0.3, application/x-ndjson;q=0.31", true, RSG_FORMAT_LINES },
		{ "application/json;q=0", false, RSG_FORMAT__MAX },
		{ "text/html, application/xml", true, RSG_FORMAT__MAX },
		{ "text/html, */*;q=0.1", false, RSG_FORMAT_JSON },
		{ ",,", true, RSG_FORMAT__MAX },
		{ ";;;q=", true, RSG_FORMAT__MAX },
		{ "text/plain", true, RSG_FORMAT__MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		if (rsg_render_accept(want[i].accept, want[i].lists) != want[i].f)
			fail_msg("Accept: %s", want[i].accept);
	assert_int_equal(rsg_render_accept("text/plain", RSG_OFFER_PROOF), RSG_FORMAT_PROOF);
	assert_int_equal(rsg_render_accept("text/csv", RSG_OFFER_PROOF), RSG_FORMAT__MAX);
	assert_int_equal(rsg_render_accept("*/*", RSG_OFFER_PROOF), RSG_FORMAT_JSON);
	assert_int_equal(rsg_render_format("csv", 3), RSG_FORMAT_CSV);
	assert_int_equal(rsg_render_format("cs", 2), RSG_FORMAT__MAX);
	assert_int_equal(rsg_render_format("", 0), RSG_FORMAT__MAX);
}

static void
test_what_language_is_chosen(void **state)
{
	(void)state;
	assert_int_equal(rsg_render_language(NULL), RSG_LANG_EN);
	assert_int_equal(rsg_render_language("fr"), RSG_LANG_EN);
	assert_int_equal(rsg_render_language("es"), RSG_LANG_ES);
	assert_int_equal(rsg_render_language("fr, es-MX;q=0.8, en;q=0.7"), RSG_LANG_ES);
	assert_int_equal(rsg_render_language("es;q=0.1,en-GB"), RSG_LANG_EN);
	assert_int_equal(rsg_render_language("est"), RSG_LANG_EN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_object_follows_the_shape),
		T(test_every_type_has_its_text),
		T(test_days_and_truth),
		T(test_empty_lists_are_written),
		T(test_lists_as_lines_and_table),
		T(test_cells_cannot_break_out),
		T(test_rejected_lines_are_merged_in_order),
		T(test_problem),
		T(test_lists_in_a_table),
		T(test_what_accept_chooses),
		T(test_what_language_is_chosen),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
