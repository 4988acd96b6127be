/*
 * Mappings: what is refused when one is read, and what lines become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/amount.h"
#include "cli/ordinal.h"
#include "cli/translate.h"
#include "resguardo/clock.h"
#include "resguardo/msg.h"

#define RETAIL RSG_SOURCE "/docs/examples/online-retail.map.json"
#define CDNOW RSG_SOURCE "/docs/examples/cdnow.map.json"
#define CUSTOMERS RSG_SOURCE "/docs/examples/customers.map.json"
#define CONSENTS RSG_SOURCE "/docs/examples/consents.map.json"
#define BENEFITS RSG_SOURCE "/docs/examples/benefits.map.json"

static struct rsg_mapping *map;
static struct rsg_source *source;
static struct rsg_reader *reader;
static struct rsg_record rec;
static struct rsg_buf out;
static struct rsg_reject reject, note;
static struct rsg_ordinal *met;

static void
start(const char *path, const char *csv)
{
	assert_int_equal(rsg_mapping_load(path, &map), RSG_OK);
	assert_int_equal(rsg_source_memory(csv, strlen(csv), &source), RSG_OK);
	assert_int_equal(rsg_mapping_reader(map, source, &reader), RSG_OK);
	rsg_buf_init(&out, 1 << 20);
	assert_int_equal(rsg_ordinal_new(&met), RSG_OK);
}

static int
stop(void **state)
{
	(void)state;
	rsg_reader_close(reader);
	rsg_source_close(source);
	rsg_mapping_free(map);
	rsg_buf_free(&out);
	rsg_ordinal_free(met);
	met = NULL;
	reader = NULL;
	source = NULL;
	map = NULL;
	return 0;
}

static enum rsg_err
next_event(void)
{
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	rsg_buf_reset(&out);
	return rsg_translate_event(map, &rec, "here", met, &out, &reject);
}

/* The one EVENT or CUSTOMER that was put, checked as the server would. */
static struct rsg_fields
only(enum rsg_field group, enum rsg_shape shape)
{
	struct rsg_fields all = { out.p, out.len }, one;
	enum rsg_field at;
	size_t pos = 0;

	assert_true(rsg_buf_ok(&out));
	assert_true(rsg_msg_each(all, &pos, group, &one));
	assert_int_equal(rsg_msg_check(one, shape, RSG_SHAPE_NONE, &at), RSG_OK);
	return one;
}

static void
has(struct rsg_fields f, enum rsg_field field, const char *text)
{
	char got[256];

	rsg_msg_get_text(f, field, got, sizeof(got));
	assert_string_equal(got, text);
}

static void
at(struct rsg_fields f, const char *text)
{
	char got[RSG_TIME_TEXT];

	rsg_clock_text(rsg_msg_get_int(f, RSG_F_TIME, 0), got);
	assert_string_equal(got, text);
}

static void
stays_out(const char *reason, const char *member)
{
	assert_string_equal(reject.reason, reason);
	assert_string_equal(reject.member, member);
	assert_int_equal(reject.line, rec.line);
	assert_int_equal(out.len, 0);
}

#define RETAIL_HEAD "InvoiceNo,StockCode,Description,Quantity,InvoiceDate," \
	"UnitPrice,CustomerID,Country\n"

static void
purchase(void **state)
{
	struct rsg_fields f;

	(void)state;
	/* 6 x 0.0845 = 0.507; in July London is an hour ahead. */
	start(RETAIL, RETAIL_HEAD
	    "536365,85123A,X,6,2011-07-01 08:26:00,0.0845,17850,UK\n");
	assert_int_equal(next_event(), RSG_OK);
	f = only(RSG_F_EVENTS, RSG_SHAPE_EVENT);
	has(f, RSG_F_LOOKUP_FIELD, "customer_number");
	has(f, RSG_F_LOOKUP_VALUE, "17850");
	has(f, RSG_F_KIND, "purchase");
	has(f, RSG_F_AMOUNT, "0.51");
	has(f, RSG_F_CURRENCY, "GBP");
	has(f, RSG_F_DOCUMENT, "536365");
	has(f, RSG_F_ITEM, "85123A");
	has(f, RSG_F_ORIGIN, "here");
	at(f, "2011-07-01T07:26:00Z");
	assert_int_equal(rsg_msg_get_int(f, RSG_F_QUANTITY, 0), 6);
	assert_int_equal(rsg_msg_get_int(f, RSG_F_LINE, 0), 2);
}

static void
a_return_is_positive(void **state)
{
	struct rsg_fields f;

	(void)state;
	start(RETAIL, RETAIL_HEAD
	    "C536379,D,Discount,-2,2010-12-01 09:41:00,27.505,14527,UK\n");
	assert_int_equal(next_event(), RSG_OK);
	f = only(RSG_F_EVENTS, RSG_SHAPE_EVENT);
	has(f, RSG_F_KIND, "return");
	has(f, RSG_F_AMOUNT, "55.01");
	assert_int_equal(rsg_msg_get_int(f, RSG_F_QUANTITY, 0), 2);
	at(f, "2010-12-01T09:41:00Z");
}

static void
lines_that_stay_out(void **state)
{
	(void)state;
	start(RETAIL, RETAIL_HEAD
	    "A563185,B,Adjust,1,2011-08-12 14:50:00,11062.06,,UK\n"
	    "536414,22139,,56,2010-12-01 11:52:00,0,,UK\n"
	    "1,2,,x,2010-12-01 11:52:00,0,9,UK\n"
	    "1,2,,1,2010-13-01 11:52:00,0,9,UK\n"
	    "1,2,,1.5,2010-12-01 11:52:00,0,9,UK\n"
	    "1,2,,1,2010-12-01 11:52:00,,9,UK\n"
	    "1,2,,1,,1,9,UK\n"
	    "1,123456789012345678901234567890123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789012345678901234567890,,1,"
	    "2010-12-01 11:52:00,0,9,UK\n"
	    "\"1\n\x01\",2,,1,2010-12-01 11:52:00,0,9,UK\n");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("not-a-sale", "");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("missing-person", "customer_number");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("bad-value", "amount");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("bad-value", "time");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("bad-value", "quantity");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("missing-member", "amount");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("missing-member", "time");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("too-large", "item");
	assert_int_equal(next_event(), RSG_BAD_VALUE);
	stays_out("bad-value", "document");
}

/*
 * Equal events are numbered, whatever their quoting or what columns the
 * mapping leaves out say; a line that stays out is not counted.
 */
static void
equal_events(void **state)
{
	static const int64_t numbers[] = { 0, 1, 2, 0, 0, 3 };

	(void)state;
	start(RETAIL, RETAIL_HEAD
	    "1,2,A,1,2010-12-01 11:52:00,5,9,UK\n"
	    "1,2,A,1,2010-12-01 11:52:00,5.0,9,UK\n"
	    "\"1\",2,Other words,1,2010-12-01 11:52,5,9 ,France\n"
	    "1,2,A,1,2010-12-01 11:52:00,5,8,UK\n"
	    "2,1,A,1,2010-12-01 11:52:00,5,9,UK\n"
	    "1,2,A,1,2010-12-01 11:52:00,5,9,UK\n");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(next_event(), RSG_OK);
		assert_int_equal(rsg_msg_get_int(only(RSG_F_EVENTS, RSG_SHAPE_EVENT),
		    RSG_F_ORDINAL, -1), numbers[i]);
	}
}

static void
a_date_is_noon(void **state)
{
	struct rsg_fields f;

	(void)state;
	start(CDNOW, "customer_id,date,cds,amount\n00001,1997-01-01,1,11.77\n");
	assert_int_equal(next_event(), RSG_OK);
	f = only(RSG_F_EVENTS, RSG_SHAPE_EVENT);
	at(f, "1997-01-01T12:00:00Z");
	has(f, RSG_F_AMOUNT, "11.77");
	assert_false(rsg_msg_has(f, RSG_F_DOCUMENT));
}

static void
customer(void **state)
{
	struct rsg_fields f, one;
	size_t pos = 0, n = 0;

	(void)state;
	start(CUSTOMERS, "number;name;surnames;email;phone;born;sex;postcode;country;"
	    "signed_up;news_by_email;segments\n"
	    "C1; Inés ;Vidal;;;1984-03-09;F;28013;España;2024-05-02;no;\n"
	    "C2;A;B;;;;Q;;España;;;\n"
	    "C3;A;B;;;;;;España;;maybe;\n");
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	assert_int_equal(rsg_translate_customer(map, &rec, &out, &reject), RSG_OK);
	f = only(RSG_F_CUSTOMERS, RSG_SHAPE_CUSTOMER);
	has(f, RSG_F_JURISDICTION, "ES");
	has(f, RSG_F_LANGUAGE, "es");
	/* Empty cells are no values: number, two names, born, gender, post, country. */
	while (rsg_msg_each(f, &pos, RSG_F_VALUES, &one)) {
		if (n++ == 1)
			has(one, RSG_F_VALUE, "Inés");
	}
	assert_int_equal(n, 7);
	/* One consent: a refusal. Silence about the other is not recorded. */
	pos = 0;
	assert_true(rsg_msg_each(f, &pos, RSG_F_CONSENTS, &one));
	has(one, RSG_F_PURPOSE, "marketing");
	has(one, RSG_F_DECISION, "refuse");
	at(one, "2024-05-02T10:00:00Z");
	assert_false(rsg_msg_each(f, &pos, RSG_F_CONSENTS, &one));

	rsg_buf_reset(&out);
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	assert_int_equal(rsg_translate_customer(map, &rec, &out, &reject),
	    RSG_BAD_VALUE);
	stays_out("bad-value", "gender");
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	assert_int_equal(rsg_translate_customer(map, &rec, &out, &reject),
	    RSG_BAD_VALUE);
	stays_out("bad-value", "marketing");
}

static enum rsg_err
next_line(void)
{
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	rsg_buf_reset(&out);
	return rsg_translate_line(map, &rec, NULL, &out, &reject, &note);
}

#define CONSENTS_HEAD "answer;number;topic;by;said;when;notice;version;language;" \
	"proof;form;shop\n"

/* A word with its date, notice and evidence; and no word at all is none. */
static void
word(void **state)
{
	struct rsg_fields f;

	(void)state;
	start(CONSENTS, CONSENTS_HEAD
	    "A1; C1 ;news;e;Y;2021-07-04 10:20;privacy;3;es;scan;F-3;\n"
	    "A2;C1;news;e;;2021-07-04 10:20;privacy;3;es;scan;;\n"
	    "A3;C1;news;e;maybe;2021-07-04 10:20;privacy;3;es;scan;;\n"
	    "A4;;news;e;Y;2021-07-04 10:20;privacy;3;es;scan;;\n"
	    ";C1;news;e;Y;2021-07-04 10:20;privacy;3;es;scan;;\n"
	    "A5;C1;news;e;Y;;privacy;3;es;scan;;\n"
	    "A6;C1;news;e;Y;2021-07-04 10:20;privacy;three;es;scan;;\n"
	    "A7;C1;gossip;e;Y;2021-07-04 10:20;privacy;3;es;scan;;\n"
	    "A8;C1;news;e;Y;2021-07-04 10:20;privacy;3;es;hearsay;;\n");
	assert_int_equal(next_line(), RSG_OK);
	f = only(RSG_F_OLD_CONSENTS, RSG_SHAPE_OLD_CONSENT);
	has(f, RSG_F_RECORD, "A1");
	has(f, RSG_F_LOOKUP_VALUE, "C1");
	has(f, RSG_F_PURPOSE, "marketing");
	has(f, RSG_F_CHANNEL, "email");
	has(f, RSG_F_DECISION, "give");
	has(f, RSG_F_NOTICE, "privacy");
	has(f, RSG_F_EVIDENCE, "original");
	has(f, RSG_F_FORM, "F-3");
	at(f, "2021-07-04T08:20:00Z");
	assert_int_equal(rsg_msg_get_int(f, RSG_F_NOTICE_VERSION, 0), 3);
	assert_false(rsg_msg_has(f, RSG_F_TAKEN_AT));

	static const struct { const char *reason, *member; } bad[] = {
		{ "missing-member", "decision" }, { "bad-value", "decision" },
		{ "missing-person", "customer_number" }, { "missing-member", "record" },
		{ "missing-member", "time" }, { "bad-value", "notice_version" },
		{ "bad-value", "purpose" }, { "bad-value", "evidence" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(next_line(), RSG_BAD_VALUE);
		stays_out(bad[i].reason, bad[i].member);
	}
}

/* A benefit with its times; what did not happen has none. */
static void
benefit(void **state)
{
	struct rsg_fields f;

	(void)state;
	start(BENEFITS, "{\"id\":\"G1\",\"card\":\"C1\",\"gift\":\"POINTS\","
	    "\"promised\":\"2022-07-01\",\"points\":320}\n"
	    "{\"id\":\"G2\",\"card\":\"C1\",\"gift\":\"SOCKS\",\"given\":\"2022-07-01\"}\n"
	    "{\"id\":\"G3\",\"card\":\"C1\",\"gift\":\"VALE5\",\"given\":\"July\"}\n"
	    "{\"id\":\"G4\",\"card\":\"C1\",\"gift\":\"POINTS\",\"given\":\"2022-07-01\","
	    "\"points\":\"1.5\"}\n");
	assert_int_equal(next_line(), RSG_OK);
	f = only(RSG_F_OLD_BENEFITS, RSG_SHAPE_OLD_BENEFIT);
	has(f, RSG_F_INCENTIVE, "opening-balance");
	assert_int_equal(rsg_msg_get_int(f, RSG_F_POINTS, 0), 320);
	assert_true(rsg_msg_has(f, RSG_F_PROMISED_AT));
	assert_false(rsg_msg_has(f, RSG_F_DELIVERED_AT));
	assert_int_equal(next_line(), RSG_BAD_VALUE);
	stays_out("bad-value", "incentive");
	assert_int_equal(next_line(), RSG_BAD_VALUE);
	stays_out("bad-value", "delivered_at");
	assert_int_equal(next_line(), RSG_BAD_VALUE);
	stays_out("bad-value", "points");
}

static void
faults(void **state)
{
	static const char *const bad[] = {
		"{", "[]", "{\"what\":\"people\"}",
		"{\"what\":\"events\"}",
		/* a misspelt member */
		"{\"what\":\"events\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"kind\":\"purchase\",\"time\":{\"column\":\"t\"},"
		    "\"documnt\":\"d\"}",
		"{\"what\":\"events\",\"person\":{\"field\":\"a\"}}",
		"{\"what\":\"events\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"kind\":\"purchase\",\"time\":{\"column\":\"t\",\"format\":"
		    "\"date\"}}",
		"{\"what\":\"events\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"kind\":\"purchase\",\"time\":{\"column\":\"t\",\"format\":"
		    "\"date\",\"zone\":\"Europe/Nowhere\"}}",
		"{\"what\":\"events\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"kind\":{\"column\":\"k\",\"rules\":[{\"prefix\":\"C\"}]},"
		    "\"time\":{\"column\":\"t\"}}",
		"{\"what\":\"events\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"kind\":\"purchase\",\"time\":{\"column\":\"t\"},\"amount\":\"x\"}",
		"{\"what\":\"customers\",\"person\":\"a\",\"fields\":{\"b\":\"c\"}}",
		/* consent that no cell says; a line without a name of its own */
		"{\"what\":\"consents\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"record\":\"r\",\"purpose\":\"p\",\"decision\":{\"constant\":"
		    "\"give\"},\"time\":{\"column\":\"t\"}}",
		"{\"what\":\"consents\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"purpose\":\"p\",\"decision\":\"d\",\"time\":{\"column\":\"t\"}}",
		"{\"what\":\"consents\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"record\":\"r\",\"purpose\":\"p\",\"decision\":\"d\"}",
		/* a state that says of no time */
		"{\"what\":\"benefits\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"record\":\"r\",\"incentive\":\"i\",\"state\":\"s\"}",
		"{\"what\":\"benefits\",\"person\":{\"field\":\"a\",\"column\":\"b\"},"
		    "\"incentive\":\"i\",\"delivered_at\":{\"column\":\"t\"}}",
		"{\"what\":\"customers\",\"person\":\"a\",\"fields\":{\"a\":\"c\"},"
		    "\"consents\":[{\"purpose\":\"p\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rsg_mapping_parse("test", bad[i], strlen(bad[i]),
		    &map), RSG_CONFIG);
		assert_null(map);
	}
}

static void
missing_column(void **state)
{
	static const char csv[] = "customer_id,date,amount\n";

	(void)state;
	assert_int_equal(rsg_mapping_load(CDNOW, &map), RSG_OK);
	assert_int_equal(rsg_source_memory(csv, sizeof(csv) - 1, &source), RSG_OK);
	assert_int_equal(rsg_mapping_reader(map, source, &reader), RSG_CONFIG);
}

static void
amounts(void **state)
{
	static const struct { const char *a, *b; unsigned digits; const char *is; } t[] = {
		{ "1", "1", 2, "1.00" }, { "0.005", "1", 2, "0.01" },
		{ "-0.005", "1", 2, "-0.01" }, { "0.0049", "1", 2, "0.00" },
		{ "-0.004", "1", 2, "0.00" }, { "-2", "-0.5", 2, "1.00" },
		{ "80995", "1.04", 2, "84234.80" }, { "0", "5", 0, "0" },
		{ "1.5", "1", 0, "2" }, { "2.5", "1", 0, "3" }, { "7", "1", 3, "7.000" },
		{ "999999999999999999", "999999999999999999", 2,
		    "" /* too long for a message */ },
		{ "999999999999999999", "1", 2, "999999999999999999.00" },
	};
	static const char *const no[] = { "", "-", ".5", "5.", "1,5", "1e3", "1 ",
	    "0x1", "1.2.3", "--1", "1234567890123456789" };
	char text[RSG_AMOUNT_TEXT];
	struct rsg_decimal a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(rsg_amount_parse(t[i].a, strlen(t[i].a), '.', &a));
		assert_true(rsg_amount_parse(t[i].b, strlen(t[i].b), '.', &b));
		if (t[i].is[0] == '\0') {
			assert_false(rsg_amount_text(rsg_amount_product(a, b),
			    t[i].digits, text));
			continue;
		}
		assert_true(rsg_amount_text(rsg_amount_product(a, b), t[i].digits, text));
		assert_string_equal(text, t[i].is);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(rsg_amount_parse(no[i], strlen(no[i]), '.', &a));
	assert_true(rsg_amount_parse("1,25", 4, ',', &a));
	assert_int_equal(rsg_amount_digits("EUR"), 2);
	assert_int_equal(rsg_amount_digits("JPY"), 0);
	assert_int_equal(rsg_amount_digits("KWD"), 3);
}

static void
ordinals(void **state)
{
	struct rsg_ordinal *o;
	uint8_t digest[16];
	int64_t before;

	(void)state;
	assert_int_equal(rsg_ordinal_new(&o), RSG_OK);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			/* All of the digest counts, not its first word alone. */
			memset(digest, 0, sizeof(digest));
			memcpy(digest + (i % 2) * 8, &i, sizeof(i));
			assert_int_equal(rsg_ordinal_count(o, digest, &before), RSG_OK);
			assert_int_equal(before, round);
		}
	}
	rsg_ordinal_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(purchase, stop),
		cmocka_unit_test_teardown(a_return_is_positive, stop),
		cmocka_unit_test_teardown(lines_that_stay_out, stop),
		cmocka_unit_test_teardown(equal_events, stop),
		cmocka_unit_test_teardown(a_date_is_noon, stop),
		cmocka_unit_test_teardown(customer, stop),
		cmocka_unit_test_teardown(word, stop),
		cmocka_unit_test_teardown(benefit, stop),
		cmocka_unit_test_teardown(faults, stop),
		cmocka_unit_test_teardown(missing_column, stop),
		cmocka_unit_test(amounts),
		cmocka_unit_test(ordinals),
	};

	rsg_json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
