/*
 * policy_lint.c - what is well-formed and still not right is said; expected
 * decisions that are not met are counted and named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resguardo/json.h"
#include "unit/policy_files.h"

static char dir[64];
static char *text;

static void
put_file(const char *name, const void *p, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "wb"));
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void
make_dir(const char *sub)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* The small policy, with one text changed, as a folder. */
static void
unpack(const char *from, const char *to)
{
	const char *at = strstr(text, from), *name;
	const struct rsg_json *file;
	struct rsg_json *root;
	struct rsg_buf b;
	void *iter = NULL;

	assert_non_null(at);
	rsg_buf_init(&b, 1 << 20);
	rsg_buf_put(&b, text, (size_t)(at - text));
	rsg_buf_str(&b, to);
	rsg_buf_str(&b, at + strlen(from));
	assert_int_equal(rsg_json_parse(b.p, b.len, &root, NULL), RSG_OK);
	while (rsg_json_next(rsg_json_get(root, "files"), &iter, &name, &file)) {
		rsg_buf_reset(&b);
		assert_int_equal(rsg_json_dump(file, false, &b), RSG_OK);
		put_file(name, b.p, b.len);
	}
	rsg_json_free(root);
	rsg_buf_free(&b);
}

static const struct {
	const char *from, *to;
	const char *said;
} lints[] = {
	{ "\"f\": [1, 2], \"m\": [1, 2]", "\"f\": [1, 1]",
	    "recency 2, frequency 2, monetary 1 are in no segment" },
	{ "\"r\": [1, 1]", "\"r\": [1, 2]",
	    "recency 2, frequency 1, monetary 1 are in A1 and in A2" },
	{ "\"f\": [1, 2], \"m\": [1, 2]", "\"f\": [1, 2], \"m\": [2, 2]",
	    "recency 2, frequency 1, monetary 1 are in no segment" },
	{ "[\"account\", \"news\", \"fraud\", \"texts\"]",
	    "[\"account\", \"news\", \"texts\"]",
	    "no rule of access.json names \"fraud\"" },
	{ "\"min_group\": 5", "\"min_group\": 9", "\"tool-big\" gives out groups of 9" },
	{ "[\"*\"]", "[\"news\"]", "no rule lets customers withdraw" },
	{ "{\"id\": \"clerk-find\"", "{\"id\": \"clerk-idle\", \"role\": \"clerk\","
	    "\"actions\": [\"read\"], \"purposes\": [\"fraud\"], \"require\": "
	    "[\"place\"], \"fields\": {\"name\": \"masked\"}, "
	    "\"rate_per_minute\": 500}, {\"id\": \"clerk-find\"",
	    "rule \"clerk-idle\" changes no decision" },
	{ "\"category\": \"identity\"", "\"category\": \"sensitive\"",
	    "rule \"clerk-read\" opens the sensitive field \"name\" for \"fraud\"" },
	{ "\"reach\": \"own\"", "\"reach\": \"self\"",
	    "fault: access.json: roles[1] (person).reach: \"self\" is not known" },
};

static void
doubts_are_said(void **state)
{
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(lints) / sizeof(lints[0]); i++) {
		unpack(lints[i].from, lints[i].to);
		rsg_buf_reset(&out);
		assert_int_equal(rsg_policy_lint(dir, &out), RSG_CONFIG);
		rsg_buf_u8(&out, 0);
		if (strstr((char *)out.p, lints[i].said) == NULL)
			fail_msg("<%s> does not say <%s> but:\n%s", lints[i].to,
			    lints[i].said, (char *)out.p);
	}
	rsg_buf_free(&out);
}

/* The small policy has this doubt, and no second. */
static void
nothing_else_is_said(void **state)
{
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 20);
	unpack("\"format\"", "\"format\"");
	assert_int_equal(rsg_policy_lint(dir, &out), RSG_CONFIG);
	rsg_buf_u8(&out, 0);
	assert_string_equal((char *)out.p,
	    "doubt: access.json: rule \"tool-big\" gives out groups of 5; fewer "
	    "than 10 are easily recognised\n");
	rsg_buf_free(&out);
}

static int
run_expected(const char *tests, struct rsg_buf *out)
{
	int failed = -1;

	put_file("tests/a.json", tests, strlen(tests));
	rsg_buf_reset(out);
	assert_int_equal(rsg_policy_test(dir, out, &failed), RSG_OK);
	rsg_buf_u8(out, 0);
	return failed;
}

#define ASK	"\"ask\": {\"role\": \"clerk\", \"action\": \"read\", " \
		"\"purpose\": \"fraud\", \"fields\": [\"name\"], " \
		"\"names\": [\"place\"]}"

static void
what_is_not_as_expected_is_told(void **state)
{
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 20);
	unpack("\"format\"", "\"format\"");
	assert_int_equal(run_expected("{\"tests\": [{\"name\": \"a\", " ASK
	    ", \"expect\": {\"decision\": \"allowed\", \"clause\": \"clerk-read\", "
	    "\"fields\": {\"name\": \"clear\"}, \"min_group\": 0}}]}", &out), 0);
	assert_non_null(strstr((char *)out.p,
	    "1 expected decisions, 0 not as expected"));
	assert_int_equal(run_expected("{\"tests\": [{\"name\": \"a\", " ASK
	    ", \"expect\": {\"decision\": \"denied-by-policy\", \"clause\": \"x\", "
	    "\"fields\": {\"name\": \"masked\"}, \"min_group\": 3}}]}", &out), 1);
	assert_non_null(strstr((char *)out.p, "tests/a.json: tests[0] (a): the "
	    "decision is \"allowed\" [clerk-read]; expected was "
	    "\"denied-by-policy\""));
	assert_non_null(strstr((char *)out.p, "the clause is \"clerk-read\""));
	assert_non_null(strstr((char *)out.p, "\"name\" is clear [clerk-read]"));
	assert_non_null(strstr((char *)out.p, "groups are of 0"));
	/* A test that asks for what is not there fails; it is not skipped. */
	assert_int_equal(run_expected("{\"tests\": [{\"name\": \"a\", \"ask\": "
	    "{\"role\": \"clerk\", \"action\": \"read\", \"purpose\": \"x\"}, "
	    "\"expect\": {\"decision\": \"denied-by-policy\"}}]}", &out), 1);
	assert_non_null(strstr((char *)out.p, "\"x\" is not in purposes.json"));
	assert_int_equal(run_expected("{\"test\": []}", &out), 1);
	rsg_buf_free(&out);
}

static int
prepare(void **state)
{
	(void)state;
	text = file_text(SMALL_POLICY, NULL);
	strcpy(dir, "/tmp/rsg-lint-XXXXXX");
	assert_non_null(mkdtemp(dir));
	make_dir("jurisdictions");
	make_dir("tests");
	return 0;
}

static int
tidy(void **state)
{
	static const char *const names[] = { "access.json", "fields.json",
	    "kinds.json", "purposes.json", "segments.json", "tests/a.json",
	    "jurisdictions/XX.json", "jurisdictions", "tests", "" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	free(text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubts_are_said),
		cmocka_unit_test(nothing_else_is_said),
		cmocka_unit_test(what_is_not_as_expected_is_told),
	};

	return cmocka_run_group_tests(tests, prepare, tidy);
}
