/*
 * A file from anybody: every line is read or refused, by its number, the
 * reader always comes to the end, and no cell reaches past its line. With the
 * first byte the format and the delimiter are chosen.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/reader.h"
#include "resguardo/json.h"
#include "resguardo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static void
check(const struct rsg_record *rec)
{
	uint32_t code;
	size_t n;

	expect(rec->n > 0 && rec->n <= RSG_RECORD_CELLS);
	for (size_t i = 0; i < rec->n; i++) {
		const uint8_t *p = (const uint8_t *)rec->cell[i];

		expect(rec->len[i] <= RSG_RECORD_MAX);
		expect(strlen(rec->cell[i]) == rec->len[i]);
		for (size_t left = rec->len[i]; left > 0; p += n, left -= n)
			expect((n = rsg_utf8_next(p, left, &code)) > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const names[] = { "a", "b", "c" };
	static const char delimiters[] = { ',', ';', '\t', '|' };
	struct rsg_reader *reader = NULL;
	struct rsg_source *source;
	struct rsg_record rec;
	int64_t line = 0, offset = -1;
	enum rsg_err e;
	bool json;

	if (len == 0)
		return 0;
	rsg_json_init();
	json = (*p & 4) != 0;
	expect(rsg_source_memory(p + 1, len - 1, &source) == RSG_OK);
	/* Three columns by name, so that the first line cannot end it all. */
	e = rsg_reader_open(source, json ? RSG_FORMAT_NDJSON : RSG_FORMAT_CSV,
	    delimiters[*p & 3], names, 3, &reader);
	expect(e == RSG_OK);
	while ((e = rsg_reader_next(reader, &rec)) != RSG_NOT_FOUND) {
		expect(e == RSG_OK || e == RSG_BAD_VALUE);
		expect(rec.line > line && rec.offset > offset);
		line = rec.line;
		offset = rec.offset;
		if (e == RSG_OK)
			check(&rec);
		else
			expect(rec.why != NULL);
	}
	expect(rsg_reader_offset(reader) == (int64_t)len - 1);
	rsg_reader_close(reader);
	rsg_source_close(source);
	return 0;
}
