/*
 * Reading COPY in binary. What PostgreSQL sends is checked as if it were
 * anybody's: a scan that ends early must never look like one that is complete,
 * or people would silently be left out of what is counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/buf.h"
#include "resguardo/log.h"
#include "store/spare.h"
#include "store/store.h"

#define SQL_MAX		2048
#define BLOCK_LAST	INT64_C(0xffffffff)	/* no table has this block */
#define RANGE_MAX	RSG_SCAN_IDS

static const struct {
	const char *name;
	int columns;
	const char *text;
} scans[RSG_SCAN__MAX] = {
#define SCAN(name, columns, text) [RSG_SCAN_##name] = { #name, columns, text },
#include "store/scan.def"
#undef SCAN
};

/* The head of a binary COPY: signature, flags, length of an extension. */
static const uint8_t signature[11] = "PGCOPY\n\377\r\n";	/* and a NUL */

struct rsg_copy {
	struct rsg__spare *link;
	PGconn *conn;			/* the link's */
	enum rsg_scan scan;
	char *msg;			/* libpq's; rows borrow from it */
	struct rsg_rd rd;		/* what of it is still to be read */
	bool begun, ended;
	enum rsg_err err;		/* sticky; RSG_NOT_FOUND at the end */
};

/* The scan's text with its numbers put in. */
static void
render(struct rsg_buf *sql, enum rsg_scan scan, int64_t first, int64_t end,
    int64_t controller)
{
	struct { const char *name; char text[RSG_ID_TEXT]; } put[] = {
		{ "{first}", "" }, { "{end}", "" }, { "{low}", "" }, { "{high}", "" },
		{ "{controller}", "" },
	};
	const size_t n = sizeof(put) / sizeof(*put);
	const char *p = scans[scan].text;
	size_t i;

	snprintf(put[0].text, RSG_ID_TEXT, "%" PRId64, first);
	snprintf(put[1].text, RSG_ID_TEXT, "%" PRId64, end < RANGE_MAX ? end : BLOCK_LAST);
	snprintf(put[2].text, RSG_ID_TEXT, "%08" PRIx32 "-0000-0000-0000-000000000000",
	    (uint32_t)first);
	/* Up to 0 is up to the nil id, which is nobody's. */
	snprintf(put[3].text, RSG_ID_TEXT, end == 0 ?
	    "00000000-0000-0000-0000-000000000000" :
	    "%08" PRIx32 "-ffff-ffff-ffff-ffffffffffff", (uint32_t)(end - 1));
	snprintf(put[4].text, RSG_ID_TEXT, "%" PRId64, controller);
	rsg_buf_str(sql, "COPY (");
	while (*p != '\0') {
		for (i = 0; i < n; i++) {
			if (strncmp(p, put[i].name, strlen(put[i].name)) == 0)
				break;
		}
		if (i == n) {
			rsg_buf_put(sql, p++, 1);
			continue;
		}
		rsg_buf_str(sql, put[i].text);
		p += strlen(put[i].name);
	}
	rsg_buf_str(sql, ") TO STDOUT (FORMAT binary)");
	rsg_buf_u8(sql, 0);
}

/*
 * A scan may take longer than the role's statements otherwise may, but never
 * for ever: its snapshot keeps dead rows from being removed. In order means
 * along the index, row by row: a sort would first read all and spill to disk.
 */
static enum rsg_err
begin(struct rsg_copy *copy, const char *conninfo, const char *snapshot)
{
	PGresult *res;
	enum rsg_err e;
	char sql[256];

	/* An import of a snapshot must be the transaction's first word. */
	snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
	    "%s%s%s SET LOCAL statement_timeout = '1h'; SET LOCAL enable_sort = off",
	    snapshot != NULL ? " SET TRANSACTION SNAPSHOT '" : "",
	    snapshot != NULL ? snapshot : "", snapshot != NULL ? "';" : "");
	e = rsg__spare_begin(conninfo, "scan begin", sql, &copy->link, &res);
	if (e == RSG_OK)
		copy->conn = copy->link->conn;
	PQclear(res);
	return e;
}

static bool
is_snapshot(const char *snapshot)
{
	size_t len = strlen(snapshot);

	return len <= 64 && strspn(snapshot, "0123456789ABCDEF-") == len;
}

/* Ask for one range on a connection that stands in its transaction. */
static enum rsg_err
start(struct rsg_copy *copy, int64_t first, int64_t end, int64_t controller)
{
	struct rsg_buf sql;
	enum rsg_err e;

	/* "To the end" may be asked for as any large number. */
	if (end > RANGE_MAX)
		end = RANGE_MAX;
	if (first < 0 || first > end || controller < INT32_MIN || controller > INT32_MAX)
		return RSG_BAD_VALUE;
	rsg_buf_init(&sql, SQL_MAX);
	render(&sql, copy->scan, first, end, controller);
	if ((e = rsg_buf_err(&sql)) == RSG_OK)
		e = rsg__link_do(copy->conn, scans[copy->scan].name, (const char *)sql.p);
	rsg_buf_free(&sql);
	return e;
}

enum rsg_err
rsg_copy_open(const char *conninfo, const char *snapshot, enum rsg_scan scan,
    int64_t first, int64_t end, int64_t controller, struct rsg_copy **out)
{
	struct rsg_copy *copy;
	enum rsg_err e;

	*out = NULL;
	if ((unsigned)scan >= RSG_SCAN__MAX ||
	    (snapshot != NULL && !is_snapshot(snapshot)))
		return RSG_BAD_VALUE;
	if ((copy = calloc(1, sizeof *copy)) == NULL)
		return RSG_NO_MEMORY;
	copy->scan = scan;
	if ((e = begin(copy, conninfo, snapshot)) == RSG_OK)
		e = start(copy, first, end, controller);
	if (e != RSG_OK)
		rsg_copy_close(copy);
	else
		*out = copy;
	return e;
}

enum rsg_err
rsg_copy_again(struct rsg_copy *copy, int64_t first, int64_t end, int64_t controller)
{
	if (copy->err != RSG_NOT_FOUND)		/* not read to its end, or failed */
		return copy->err == RSG_OK ? RSG_INTERNAL : copy->err;
	copy->begun = copy->ended = false;
	copy->err = start(copy, first, end, controller);
	return copy->err;
}

/* What came was not a COPY as its format is documented. */
static enum rsg_err
malformed(struct rsg_copy *copy, const char *what)
{
	rsg_log(RSG_LOG_ERROR, "db.scan", "scan", RSG_LOG_S,
	    scans[copy->scan].name, "malformed", RSG_LOG_S, what, NULL);
	return RSG_UNAVAILABLE;
}

/* All data was taken: did the statement end well, and with a trailer? */
static enum rsg_err
finish(struct rsg_copy *copy)
{
	int64_t deadline = rsg_clock_mono() + RSG__LINK_WAIT;
	enum rsg_err e = RSG_NOT_FOUND;
	PGresult *res;

	for (;;) {
		if (!rsg__link_wait(copy->conn, deadline))
			return RSG_UNAVAILABLE;
		if ((res = PQgetResult(copy->conn)) == NULL)
			break;
		if (PQresultStatus(res) != PGRES_COMMAND_OK) {
			e = RSG_UNAVAILABLE;
			rsg_log(RSG_LOG_WARN, "db.scan", "scan", RSG_LOG_S,
			    scans[copy->scan].name, "sqlstate", RSG_LOG_S,
			    rsg__link_state(res), NULL);
		}
		PQclear(res);
		if (PQstatus(copy->conn) != CONNECTION_OK)
			return RSG_UNAVAILABLE;
	}
	if (e == RSG_NOT_FOUND && !copy->ended)
		return malformed(copy, "no trailer");
	return e;
}

/* The next message with data. RSG_NOT_FOUND when there is none left. */
static enum rsg_err
next_message(struct rsg_copy *copy)
{
	int64_t deadline = 0;
	int n;

	PQfreemem(copy->msg);
	copy->msg = NULL;
	while ((n = PQgetCopyData(copy->conn, &copy->msg, 1)) == 0) {
		if (deadline == 0)
			deadline = rsg_clock_mono() + RSG__LINK_WAIT;
		if (!rsg__link_poll(copy->conn, false, deadline)) {
			rsg_log(RSG_LOG_WARN, "db.lost", "scan", RSG_LOG_S,
			    scans[copy->scan].name, NULL);
			return RSG_UNAVAILABLE;
		}
	}
	if (n < 0)
		return finish(copy);
	rsg_rd_init(&copy->rd, copy->msg, (size_t)n);
	return RSG_OK;
}

static bool
read_head(struct rsg_rd *rd)
{
	const uint8_t *p;
	uint32_t flags, extension;

	p = rsg_rd_get(rd, sizeof signature);
	flags = rsg_rd_u32(rd);
	extension = rsg_rd_u32(rd);
	rsg_rd_get(rd, extension);
	/* The upper half are flags that one must know to go on. */
	return rsg_rd_ok(rd) && memcmp(p, signature, sizeof signature) == 0 &&
	    (flags >> 16) == 0;
}

static bool
read_row(struct rsg_rd *rd, int columns, struct rsg_scanrow *row)
{
	uint32_t len;

	for (int i = 0; i < columns; i++) {
		len = rsg_rd_u32(rd);
		row->p[i] = NULL;
		row->len[i] = 0;
		if (len == UINT32_MAX)		/* SQL NULL */
			continue;
		row->p[i] = rsg_rd_get(rd, len);
		row->len[i] = len;
	}
	return rsg_rd_ok(rd);
}

/* A row, the trailer, or nothing yet: as far as the message goes. */
static enum rsg_err
step(struct rsg_copy *copy, struct rsg_scanrow *row, bool *got)
{
	uint16_t columns;
	enum rsg_err e;

	if (copy->rd.left == 0 && (e = next_message(copy)) != RSG_OK)
		return e;
	if (!copy->begun) {
		if (!read_head(&copy->rd))
			return malformed(copy, "head");
		copy->begun = true;
		return RSG_OK;
	}
	/* Each row says how many columns it has; -1 is the trailer. */
	columns = rsg_rd_u16(&copy->rd);
	if (copy->ended || !rsg_rd_ok(&copy->rd))
		return malformed(copy, "after the trailer");
	if (columns == UINT16_MAX) {
		copy->ended = true;
		return RSG_OK;
	}
	if (columns != scans[copy->scan].columns || columns > RSG_SCAN_COLS ||
	    !read_row(&copy->rd, columns, row))
		return malformed(copy, "row");
	*got = true;
	return RSG_OK;
}

enum rsg_err
rsg_copy_next(struct rsg_copy *copy, struct rsg_scanrow *row)
{
	bool got = false;

	while (copy->err == RSG_OK && !got)
		copy->err = step(copy, row, &got);
	return copy->err;
}

void
rsg_copy_close(struct rsg_copy *copy)
{
	if (copy == NULL)
		return;
	PQfreemem(copy->msg);
	rsg__spare_give(copy->link);
	free(copy);
}
