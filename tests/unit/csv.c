/*
 * Lines taken apart as RFC 4180 says, and what is wrong kept to its own line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/reader.h"
#include "resguardo/json.h"

static struct rsg_reader *reader;
static struct rsg_source *source;
static struct rsg_record rec;

static enum rsg_err
open_bytes(const char *bytes, size_t len, enum rsg_format format, char delimiter,
    const char *const *names, size_t n)
{
	assert_int_equal(rsg_source_memory(bytes, len, &source), RSG_OK);
	return rsg_reader_open(source, format, delimiter, names, n, &reader);
}

static void
open_text(const char *text)
{
	assert_int_equal(open_bytes(text, strlen(text), RSG_FORMAT_CSV, ',', NULL, 0),
	    RSG_OK);
}

static int
close_all(void **state)
{
	(void)state;
	rsg_reader_close(reader);
	rsg_source_close(source);
	reader = NULL;
	source = NULL;
	return 0;
}

/* The next line holds these cells, up to a NULL. */
static void
expect(int64_t line, ...)
{
	const char *cell;
	size_t n = 0;
	va_list ap;

	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	assert_int_equal(rec.line, line);
	va_start(ap, line);
	while ((cell = va_arg(ap, const char *)) != NULL) {
		assert_true(n < rec.n);
		assert_string_equal(rec.cell[n], cell);
		assert_int_equal(rec.len[n], strlen(cell));
		n++;
	}
	va_end(ap);
	assert_int_equal(rec.n, n);
}

static void
expect_bad(int64_t line, const char *why)
{
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_BAD_VALUE);
	assert_int_equal(rec.line, line);
	assert_string_equal(rec.why, why);
}

static void
expect_end(void)
{
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_NOT_FOUND);
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_NOT_FOUND);
}

static void
cells_and_line_ends(void **state)
{
	(void)state;
	open_text("a,b,c\r\n1,,3\n\r\n\n,,\r\nx,y,z");
	assert_int_equal(rsg_reader_column(reader, "c"), 2);
	assert_int_equal(rsg_reader_column(reader, "d"), -1);
	expect(2, "1", "", "3", NULL);
	expect(5, "", "", "", NULL);
	expect(6, "x", "y", "z", NULL);
	expect_end();
}

static void
quotes(void **state)
{
	(void)state;
	open_text("a,b\n\"x, \"\"y\"\"\",\"\"\n\"two\r\nlines\",\"\"\"\"\nend,\"z\"");
	expect(2, "x, \"y\"", "", NULL);
	expect(3, "two\r\nlines", "\"", NULL);
	expect(5, "end", "z", NULL);
	expect_end();
}

static void
byte_order_mark(void **state)
{
	(void)state;
	open_text("\xef\xbb\xbf" "id,x\n1,2\n");
	assert_int_equal(rsg_reader_column(reader, "id"), 0);
	expect(2, "1", "2", NULL);
	expect_end();
}

/* A bad line costs itself and nothing else, even an unclosed quote. */
static void
bad_lines(void **state)
{
	(void)state;
	open_text("a,b\n\"open,1\n2,\"q\"\n3,x\"y\n4,\"z\"w\n5\n6,7,8\nok,ok\n");
	expect_bad(2, "misplaced-quote");
	expect(3, "2", "q", NULL);
	expect_bad(4, "misplaced-quote");
	expect_bad(5, "misplaced-quote");
	expect_bad(6, "wrong-number-of-columns");
	expect_bad(7, "wrong-number-of-columns");
	expect(8, "ok", "ok", NULL);
	expect_end();
}

static void
open_quote_at_the_end(void **state)
{
	(void)state;
	open_text("a,b\n1,\"x\n2,3");
	expect_bad(2, "misplaced-quote");
	expect(3, "2", "3", NULL);
	expect_end();
}

static void
bad_bytes(void **state)
{
	static const char bytes[] = "a,b\n1,\xff\n2,\xc0\x80\n3,x\0y\n4,\xc3\xb1\n";

	(void)state;
	assert_int_equal(open_bytes(bytes, sizeof(bytes) - 1, RSG_FORMAT_CSV, ',',
	    NULL, 0), RSG_OK);
	expect_bad(2, "bad-utf-8");
	expect_bad(3, "bad-utf-8");
	expect_bad(4, "nul-byte");
	expect(5, "4", "ñ", NULL);
	expect_end();
}

/* A line of just the most bytes is read, one more is not. */
static void
long_lines(void **state)
{
	size_t most = RSG_RECORD_MAX - 3;	/* without "1," and the line end */
	char *text = malloc(4 + 2 * (most + 4) + 400000);
	size_t n = 0;

	(void)state;
	memcpy(text, "a,b\n", 4);
	n += 4;
	memcpy(text + n, "1,", 2);
	memset(text + n + 2, 'x', most);
	n += 2 + most;
	text[n++] = '\n';
	memcpy(text + n, "2,", 2);
	memset(text + n + 2, 'x', most + 1);
	n += 2 + most + 1;
	text[n++] = '\n';
	/* Longer than the whole buffer, in quotes, so that no end is found. */
	memcpy(text + n, "3,\"", 3);
	memset(text + n + 3, 'x', 300000);
	n += 3 + 300000;
	memcpy(text + n, "\n4,y\n", 5);
	n += 5;
	assert_int_equal(open_bytes(text, n, RSG_FORMAT_CSV, ',', NULL, 0), RSG_OK);
	assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
	assert_int_equal(rec.len[1], most);
	expect_bad(3, "line-too-long");
	expect_bad(4, "line-too-long");
	expect(5, "4", "y", NULL);
	expect_end();
	free(text);
}

/* Reading in many small steps gives the same lines: cells cross the buffer. */
static void
many_lines(void **state)
{
	size_t n = 0, size = 3 << 20;
	char *text = malloc(size), one[32];
	int lines = 40000;

	(void)state;
	n += (size_t)snprintf(text, size, "n,text\n");
	for (int i = 0; i < lines; i++)
		n += (size_t)snprintf(text + n, size - n, "%d,\"a \"\"%d\"\"\nb\"\n", i, i);
	assert_int_equal(open_bytes(text, n, RSG_FORMAT_CSV, ',', NULL, 0), RSG_OK);
	for (int i = 0; i < lines; i++) {
		assert_int_equal(rsg_reader_next(reader, &rec), RSG_OK);
		snprintf(one, sizeof(one), "a \"%d\"\nb", i);
		assert_string_equal(rec.cell[1], one);
		assert_int_equal(rec.line, 2 + 2 * i);
	}
	expect_end();
	assert_int_equal(rsg_reader_offset(reader), n);
	free(text);
}

static void
delimiter_and_given_names(void **state)
{
	static const char *const names[] = { "id", "when" };

	(void)state;
	assert_int_equal(open_bytes("1;2,5\n", 6, RSG_FORMAT_CSV, ';', names, 2),
	    RSG_OK);
	expect(1, "1", "2,5", NULL);
	expect_end();
}

static void
no_header(void **state)
{
	(void)state;
	assert_int_equal(open_bytes("", 0, RSG_FORMAT_CSV, ',', NULL, 0), RSG_MALFORMED);
	rsg_source_close(source);
	assert_int_equal(open_bytes("\"x", 2, RSG_FORMAT_CSV, ',', NULL, 0),
	    RSG_MALFORMED);
}

static void
ndjson(void **state)
{
	static const char *const names[] = { "id", "n", "none" };
	static const char text[] = "{\"n\":1.25,\"id\":\"a\"}\n\n"
	    "{\"id\":7,\"n\":true,\"x\":[1]}\nnot json\n[1]\n{\"id\":[1]}\n"
	    "{\"id\":\"z\"}";

	(void)state;
	assert_int_equal(open_bytes(text, sizeof(text) - 1, RSG_FORMAT_NDJSON, ',',
	    names, 3), RSG_OK);
	expect(1, "a", "1.25", "", NULL);
	expect(3, "7", "true", "", NULL);
	expect_bad(4, "not-json");
	expect_bad(5, "not-an-object");
	expect_bad(6, "nested-value");
	expect(7, "z", "", "", NULL);
	expect_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(cells_and_line_ends, close_all),
		cmocka_unit_test_teardown(quotes, close_all),
		cmocka_unit_test_teardown(byte_order_mark, close_all),
		cmocka_unit_test_teardown(bad_lines, close_all),
		cmocka_unit_test_teardown(open_quote_at_the_end, close_all),
		cmocka_unit_test_teardown(bad_bytes, close_all),
		cmocka_unit_test_teardown(long_lines, close_all),
		cmocka_unit_test_teardown(many_lines, close_all),
		cmocka_unit_test_teardown(delimiter_and_given_names, close_all),
		cmocka_unit_test_teardown(no_header, close_all),
		cmocka_unit_test_teardown(ndjson, close_all),
	};

	rsg_json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
