/*
 * Results are libpq's, in binary, under a name of ours. Reading a cell as a
 * type that its column has not is a mistake of ours and aborts.
 */
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "resguardo/log.h"
#include "store/bind.h"
#include "store/store.h"

#define OID_TIMESTAMPTZ	1184

static const PGresult *
cell(const struct rsg_result *r, int row, int col)
{
	const PGresult *res = (const PGresult *)r;

	if (row < 0 || row >= PQntuples(res) || col < 0 || col >= PQnfields(res)) {
		rsg_log(RSG_LOG_ERROR, "db.result", "row", RSG_LOG_I, (int64_t)row,
		    "column", RSG_LOG_I, (int64_t)col, NULL);
		abort();
	}
	return res;
}

static void __attribute__((noreturn))
mistake(const PGresult *res, int col)
{
	const char *name = PQfname(res, col);

	rsg_log(RSG_LOG_ERROR, "db.result", "column", RSG_LOG_S,
	    name != NULL ? name : "?", "mistake", RSG_LOG_S, "wrong type", NULL);
	abort();
}

int
rsg_result_rows(const struct rsg_result *r)
{
	return PQntuples((const PGresult *)r);
}

bool
rsg_result_null(const struct rsg_result *r, int row, int col)
{
	return PQgetisnull(cell(r, row, col), row, col) != 0;
}

const uint8_t *
rsg_result_bytes(const struct rsg_result *r, int row, int col, size_t *len)
{
	const PGresult *res = cell(r, row, col);

	*len = 0;
	if (PQgetisnull(res, row, col))
		return NULL;
	*len = (size_t)PQgetlength(res, row, col);
	return (const uint8_t *)PQgetvalue(res, row, col);
}

int64_t
rsg_result_int(const struct rsg_result *r, int row, int col)
{
	const uint8_t *p;
	size_t len;
	int64_t v;

	if ((p = rsg_result_bytes(r, row, col, &len)) == NULL)
		return 0;
	/* The width tells the type; a time differs in its origin only. */
	switch (len) {
	case 2:
		return (int16_t)rsg_get16(p);
	case 4:
		return (int32_t)rsg_get32(p);
	case 8:
		v = (int64_t)rsg_get64(p);
		break;
	default:
		mistake((const PGresult *)r, col);
	}

	/* Both infinities stay the ends of time. */
	if (PQftype((const PGresult *)r, col) == OID_TIMESTAMPTZ &&
	    v != INT64_MIN && v < INT64_MAX - RSG__PG_EPOCH)
		v += RSG__PG_EPOCH;
	return v;
}

bool
rsg_result_bool(const struct rsg_result *r, int row, int col)
{
	const uint8_t *p;
	size_t len;

	if ((p = rsg_result_bytes(r, row, col, &len)) == NULL)
		return false;
	if (len != 1)
		mistake((const PGresult *)r, col);
	return *p != 0;
}

void
rsg_result_id(const struct rsg_result *r, int row, int col, struct rsg_id *id)
{
	const uint8_t *p;
	size_t len;

	memset(id, 0, sizeof *id);
	if ((p = rsg_result_bytes(r, row, col, &len)) == NULL)
		return;
	if (len != sizeof id->b)
		mistake((const PGresult *)r, col);
	memcpy(id->b, p, len);
}

int64_t
rsg_result_changed(const struct rsg_result *r)
{
	/* It only reads, but takes a pointer that is not const. */
	const char *n = PQcmdTuples((PGresult *)(uintptr_t)r);

	return *n != '\0' ? strtoll(n, NULL, 10) : 0;
}
