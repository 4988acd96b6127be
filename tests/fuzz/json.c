/*
 * JSON from anybody: what is read must stay within the limits, be written
 * again, and read back as the same document.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/json.h"

#define MOST	(16u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static void
walk(const struct rsg_json *j, unsigned depth)
{
	const struct rsg_json *v;
	const char *name, *s;
	void *iter = NULL;
	size_t n, seen = 0;

	expect(depth <= RSG_JSON_DEPTH);
	if ((s = rsg_json_string(j, &n)) != NULL)
		expect(strlen(s) == n);
	n = rsg_json_size(j);
	for (size_t i = 0; rsg_json_type(j) == RSG_JSON_ARRAY && i < n; i++)
		walk(rsg_json_at(j, i), depth + 1);
	while (rsg_json_next(j, &iter, &name, &v)) {
		/* The name finds this member and no other: none is there twice. */
		expect(rsg_json_get(j, name) == v);
		walk(v, depth + 1);
		seen++;
	}
	expect(rsg_json_type(j) != RSG_JSON_OBJECT || seen == n);
}

static void
dump_of(const struct rsg_json *j, bool sorted, struct rsg_buf *b)
{
	rsg_buf_init(b, MOST);
	expect(rsg_json_dump(j, sorted, b) == RSG_OK);
}

static void
same_again(const struct rsg_json *j, bool sorted)
{
	struct rsg_buf first, second;
	struct rsg_json *again;

	dump_of(j, sorted, &first);
	expect(rsg_json_parse(first.p, first.len, &again, NULL) == RSG_OK);
	dump_of(again, sorted, &second);
	expect(first.len == second.len);
	expect(memcmp(first.p, second.p, first.len) == 0);
	rsg_json_free(again);
	rsg_buf_free(&first);
	rsg_buf_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct rsg_json_fault fault;
	struct rsg_json *j;

	if (!ready) {
		rsg_json_init();
		ready = true;
	}
	if (rsg_json_parse(data, size, &j, &fault) != RSG_OK) {
		expect(j == NULL);
		expect(memchr(fault.what, 0, sizeof(fault.what)) != NULL);
		return 0;
	}
	walk(j, 0);
	same_again(j, false);
	same_again(j, true);
	rsg_json_free(j);
	return 0;
}
