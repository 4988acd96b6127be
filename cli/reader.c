#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"
#include "cli/reader.h"
#include "cli/tell.h"
#include "resguardo/json.h"
#include "resguardo/secret.h"
#include "resguardo/utf8.h"

#define ROOM	(4 * RSG_RECORD_MAX)	/* so that lines are seldom moved */

struct rsg_reader {
	struct rsg_source *source;
	enum rsg_format format;
	char delimiter;
	char *name[RSG_RECORD_CELLS];
	size_t nnames;
	char *buf;			/* ROOM bytes and one */
	size_t at, end;
	bool last;			/* nothing follows buf[end] */
	int64_t offset, line;		/* of buf[at] */
	struct rsg_json *json;		/* the line's, in NDJSON */
	char number[RSG_RECORD_CELLS][32];
};

/* Make the bytes from `at` as many as fit. */
static enum rsg_err
fill(struct rsg_reader *r)
{
	enum rsg_err e;
	size_t n;

	memmove(r->buf, r->buf + r->at, r->end - r->at);
	r->end -= r->at;
	r->at = 0;
	while (!r->last && r->end < ROOM) {
		if ((e = rsg_source_read(r->source, r->buf + r->end,
		    ROOM - r->end, &n)) != RSG_OK)
			return e;
		r->last = n == 0;
		r->end += n;
	}
	r->buf[r->end] = '\0';
	return RSG_OK;
}

static void
step(struct rsg_reader *r, size_t bytes, size_t lines)
{
	r->at += bytes;
	r->offset += (int64_t)bytes;
	r->line += (int64_t)lines;
}

/* Pass over one physical line, however long it is. */
static enum rsg_err
skip_line(struct rsg_reader *r)
{
	enum rsg_err e;
	char *newline;

	for (;;) {
		newline = memchr(r->buf + r->at, '\n', r->end - r->at);
		if (newline != NULL) {
			step(r, (size_t)(newline + 1 - (r->buf + r->at)), 1);
			return RSG_OK;
		}
		step(r, r->end - r->at, 0);
		if (r->last)
			return RSG_OK;
		if ((e = fill(r)) != RSG_OK)
			return e;
	}
}

static enum rsg_err
bad(struct rsg_reader *r, struct rsg_record *rec, const char *why)
{
	enum rsg_err e = skip_line(r);

	rec->n = 0;
	rec->why = why;
	return e == RSG_OK ? RSG_BAD_VALUE : e;
}

/* The line has been taken from the input; only what is in it is wrong. */
static enum rsg_err
refuse(struct rsg_record *rec, const char *why)
{
	rec->n = 0;
	rec->why = why;
	return RSG_BAD_VALUE;
}

static bool
utf8(const char *p, size_t len)
{
	uint32_t code;
	size_t n;

	for (; len > 0; p += n, len -= n)
		if ((n = rsg_utf8_next((const uint8_t *)p, len, &code)) == 0)
			return false;
	return true;
}

/* --- CSV --- */

static enum rsg_err
csv_next(struct rsg_reader *r, struct rsg_record *rec)
{
	char *cell[RSG_RECORD_CELLS];
	size_t used, lines;
	enum rsg_csv c;
	enum rsg_err e;

	c = rsg_csv_line(r->buf + r->at, r->end - r->at, r->last, r->delimiter,
	    cell, rec->len, RSG_RECORD_CELLS, &rec->n, &used, &lines);
	if (c == RSG_CSV_MORE && r->end - r->at <= RSG_RECORD_MAX && !r->last) {
		if ((e = fill(r)) != RSG_OK)
			return e;
		return csv_next(r, rec);
	}
	if (c == RSG_CSV_MORE)
		return bad(r, rec, "line-too-long");
	if (c == RSG_CSV_QUOTE)
		return bad(r, rec, "misplaced-quote");
	if (c == RSG_CSV_CELLS)
		return bad(r, rec, "too-many-columns");
	if (c == RSG_CSV_NUL)
		return bad(r, rec, "nul-byte");
	step(r, used, lines);
	if (used > RSG_RECORD_MAX)
		return refuse(rec, "line-too-long");
	for (size_t i = 0; i < rec->n; i++) {
		rec->cell[i] = cell[i];
		if (!utf8(cell[i], rec->len[i]))
			return refuse(rec, "bad-utf-8");
	}
	if (rec->n > 0 && r->nnames > 0 && rec->n != r->nnames)
		return refuse(rec, "wrong-number-of-columns");
	return RSG_OK;
}

/* --- NDJSON --- */

/* A value as the text that a cell would have; false for arrays and objects. */
static bool
json_cell(struct rsg_reader *r, struct rsg_record *rec, size_t i,
    const struct rsg_json *v)
{
	char *number = r->number[i];
	int n = 0;

	number[0] = '\0';
	rec->cell[i] = number;
	switch (v == NULL ? RSG_JSON_NULL : rsg_json_type(v)) {
	case RSG_JSON_NULL:
		break;
	case RSG_JSON_BOOL:
		n = snprintf(number, 32, "%s", rsg_json_bool(v) ? "true" : "false");
		break;
	case RSG_JSON_INT:
		n = snprintf(number, 32, "%lld", (long long)rsg_json_int(v));
		break;
	case RSG_JSON_REAL:
		/* Fifteen digits are what a decimal keeps through a double. */
		n = snprintf(number, 32, "%.15g", rsg_json_real(v));
		break;
	case RSG_JSON_STRING:
		rec->cell[i] = rsg_json_string(v, &rec->len[i]);
		return true;
	case RSG_JSON_ARRAY:
	case RSG_JSON_OBJECT:
	default:
		return false;
	}
	rec->len[i] = (size_t)n;
	return true;
}

static enum rsg_err
json_line(struct rsg_reader *r, struct rsg_record *rec, const char *p, size_t len)
{
	rsg_json_free(r->json);
	r->json = NULL;
	if (rsg_json_parse(p, len, &r->json, NULL) != RSG_OK)
		return refuse(rec, "not-json");
	if (rsg_json_type(r->json) != RSG_JSON_OBJECT)
		return refuse(rec, "not-an-object");
	rec->n = r->nnames;
	for (size_t i = 0; i < r->nnames; i++)
		if (!json_cell(r, rec, i, rsg_json_get(r->json, r->name[i])))
			return refuse(rec, "nested-value");
	return RSG_OK;
}

static enum rsg_err
json_next(struct rsg_reader *r, struct rsg_record *rec)
{
	char *line = r->buf + r->at, *newline;
	size_t left = r->end - r->at, len;
	enum rsg_err e;

	newline = memchr(line, '\n', left);
	if (newline == NULL && !r->last && left <= RSG_RECORD_MAX) {
		if ((e = fill(r)) != RSG_OK)
			return e;
		return json_next(r, rec);
	}
	len = newline != NULL ? (size_t)(newline - line) : left;
	if (len > RSG_RECORD_MAX)
		return bad(r, rec, "line-too-long");
	step(r, len + (newline != NULL), newline != NULL);
	rec->n = 0;
	if (strspn(line, " \t\r") >= len)
		return RSG_OK;
	return json_line(r, rec, line, len);
}

/* --- Both --- */

enum rsg_err
rsg_reader_next(struct rsg_reader *r, struct rsg_record *rec)
{
	enum rsg_err e;

	do {
		rec->why = NULL;
		rec->n = 0;
		if (r->at == r->end && (e = fill(r)) != RSG_OK)
			return e;
		if (r->at == r->end)
			return RSG_NOT_FOUND;
		rec->line = r->line;
		rec->offset = r->offset;
		e = r->format == RSG_FORMAT_CSV ? csv_next(r, rec) :
		    json_next(r, rec);
	} while (e == RSG_OK && rec->n == 0);
	return e;
}

static enum rsg_err
take_names(struct rsg_reader *r, const char *const *names, size_t n)
{
	if (n > RSG_RECORD_CELLS)
		return RSG_TOO_LARGE;
	for (size_t i = 0; i < n; i++) {
		if ((r->name[i] = strdup(names[i])) == NULL)
			return RSG_NO_MEMORY;
		r->nnames++;
	}
	return RSG_OK;
}

/* The first line of a CSV file names its columns. */
static enum rsg_err
header(struct rsg_reader *r)
{
	struct rsg_record *rec = malloc(sizeof(*rec));
	enum rsg_err e;

	if (rec == NULL)
		return RSG_NO_MEMORY;
	e = rsg_reader_next(r, rec);
	if (e == RSG_OK) {
		e = take_names(r, rec->cell, rec->n);
	} else if (e != RSG_IO) {
		rsg_tell_error("the file has no readable first line that names "
		    "its columns");
		e = RSG_MALFORMED;
	}
	free(rec);
	return e;
}

enum rsg_err
rsg_reader_open(struct rsg_source *source, enum rsg_format format,
    char delimiter, const char *const *names, size_t nnames,
    struct rsg_reader **out)
{
	struct rsg_reader *r = calloc(1, sizeof(*r));
	enum rsg_err e = RSG_NO_MEMORY;

	*out = NULL;
	if (r == NULL || (r->buf = malloc(ROOM + 1)) == NULL)
		goto done;
	r->source = source;
	r->format = format;
	r->delimiter = delimiter;
	r->line = 1;
	if ((e = fill(r)) != RSG_OK)
		goto done;
	/* A byte order mark is no part of the first column's name. */
	if (r->end >= 3 && memcmp(r->buf, "\xef\xbb\xbf", 3) == 0)
		step(r, 3, 0);
	if ((e = take_names(r, names, nnames)) != RSG_OK)
		goto done;
	if (format == RSG_FORMAT_CSV && nnames == 0 && (e = header(r)) != RSG_OK)
		goto done;
	*out = r;
	return RSG_OK;
done:
	rsg_reader_close(r);
	return e;
}

void
rsg_reader_close(struct rsg_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->nnames; i++)
		free(r->name[i]);
	rsg_json_free(r->json);
	if (r->buf != NULL)
		rsg_secret_wipe(r->buf, ROOM);
	free(r->buf);
	rsg_secret_wipe(r->number, sizeof(r->number));
	free(r);
}

int
rsg_reader_column(const struct rsg_reader *r, const char *name)
{
	for (size_t i = 0; i < r->nnames; i++)
		if (strcmp(r->name[i], name) == 0)
			return (int)i;
	return -1;
}

int64_t
rsg_reader_offset(const struct rsg_reader *r)
{
	return r->offset;
}
