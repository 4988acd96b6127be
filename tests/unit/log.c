/* Each line is one JSON object that a reader can take, whatever went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resguardo/id.h"
#include "resguardo/json.h"
#include "resguardo/log.h"

#define LINE	4096

static int saved = -1, pipe_end = -1;

/* Standard error goes into a pipe, from where the tests read lines. */
static int
redirect(void **state)
{
	int fds[2];

	(void)state;
	rsg_json_init();
	if ((saved = dup(STDERR_FILENO)) < 0 || pipe(fds) != 0)
		return -1;
	pipe_end = fds[0];
	if (dup2(fds[1], STDERR_FILENO) < 0)
		return -1;
	close(fds[1]);
	rsg_log_init("vault", RSG_LOG_INFO);
	return 0;
}

static int
restore(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_end);
	return 0;
}

/* One read gives what one write put in; the caller frees the object. */
static struct rsg_json *
line(void)
{
	char text[2 * LINE];
	struct rsg_json *j;
	ssize_t n = read(pipe_end, text, sizeof(text));

	assert_true(n > 1 && n <= LINE);
	assert_int_equal(text[n - 1], '\n');
	assert_null(memchr(text, '\n', (size_t)n - 1));
	assert_int_equal(rsg_json_parse(text, (size_t)n, &j, NULL), RSG_OK);
	return j;
}

static const char *
text_of(const struct rsg_json *j, const char *name)
{
	return rsg_json_string(rsg_json_get(j, name), NULL);
}

static void
writes_pairs_in_order(void **state)
{
	struct rsg_id id = { { 0x12, 0x34 } };
	struct rsg_json *j;
	char want[RSG_ID_TEXT];

	(void)state;
	rsg_log(RSG_LOG_WARN, "db.lost", "sqlstate", RSG_LOG_S, "08006",
	    "waiting", RSG_LOG_I, INT64_C(-5), "id", RSG_LOG_ID, &id,
	    "none", RSG_LOG_S, NULL, "nor", RSG_LOG_ID, NULL, NULL);
	j = line();
	rsg_id_text(&id, want);
	assert_string_equal(text_of(j, "level"), "warn");
	assert_string_equal(text_of(j, "process"), "vault");
	assert_string_equal(text_of(j, "event"), "db.lost");
	assert_string_equal(text_of(j, "sqlstate"), "08006");
	assert_int_equal(rsg_json_int(rsg_json_get(j, "waiting")), -5);
	assert_string_equal(text_of(j, "id"), want);
	assert_int_equal(rsg_json_type(rsg_json_get(j, "none")), RSG_JSON_NULL);
	assert_int_equal(rsg_json_size(j), 9);
	assert_int_equal(strlen(text_of(j, "time")),
	    sizeof("2026-11-21T20:27:13.000001Z") - 1);
	rsg_json_free(j);
}

/* Nobody forges a line by what they call a file. */
static void
escapes_whatever_comes(void **state)
{
	struct rsg_json *j;

	(void)state;
	rsg_log(RSG_LOG_ERROR, "e", "path", RSG_LOG_S,
	    "a\"\n{\"level\":\"info\"}\\\r\x1b[0m\x7f\xc2\x9b", "bytes", RSG_LOG_S,
	    "\xff\xc3(", NULL);
	j = line();
	assert_string_equal(text_of(j, "path"),
	    "a\"\n{\"level\":\"info\"}\\\r\x1b[0m\x7f\xc2\x9b");
	assert_string_equal(text_of(j, "bytes"), "\xef\xbf\xbd\xef\xbf\xbd(");
	rsg_json_free(j);
}

static void
leaves_out_what_is_below_the_level(void **state)
{
	struct rsg_json *j;

	(void)state;
	rsg_log(RSG_LOG_DEBUG, "unseen", NULL);
	rsg_log(RSG_LOG_INFO, "seen", NULL);
	j = line();
	assert_string_equal(text_of(j, "event"), "seen");
	rsg_json_free(j);
}

static void
a_long_line_is_cut_and_stays_json(void **state)
{
	static const char *const fill[] = { "x", "\n", "\"", "ñ", "\xff", "€" };
	struct rsg_json *j;
	const char *cut;
	char *big;

	(void)state;
	for (size_t i = 0; i < sizeof(fill) / sizeof(fill[0]); i++) {
		size_t n = strlen(fill[i]);

		big = malloc(6001);
		assert_non_null(big);
		for (size_t k = 0; k + n <= 6000; k += n)
			memcpy(big + k, fill[i], n);
		big[6000] = '\0';
		rsg_log(RSG_LOG_INFO, "long", "a", RSG_LOG_S, big, "b", RSG_LOG_S,
		    big, "c", RSG_LOG_S, big, "d", RSG_LOG_S, big,
		    "e", RSG_LOG_I, INT64_C(1), NULL);
		j = line();
		assert_true(rsg_json_bool(rsg_json_get(j, "cut")));
		/* What was cut within a value ends with an ellipsis. */
		cut = text_of(j, "a");
		assert_true(strlen(cut) < 1100);
		assert_string_equal(cut + strlen(cut) - 3, "…");
		assert_null(rsg_json_get(j, "d"));
		rsg_json_free(j);
		free(big);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_pairs_in_order),
		cmocka_unit_test(escapes_whatever_comes),
		cmocka_unit_test(leaves_out_what_is_below_the_level),
		cmocka_unit_test(a_long_line_is_cut_and_stays_json),
	};

	return cmocka_run_group_tests_name("log", tests, redirect, restore);
}
