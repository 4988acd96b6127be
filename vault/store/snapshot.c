/*
 * One moment in time that several connections can read: exported by a
 * transaction that stays open while they do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/spare.h"
#include "store/store.h"

struct rsg_snapshot {
	struct rsg__spare *link;	/* its transaction keeps the snapshot */
	char id[64];
	int64_t blocks, xmin;
};

/*
 * It idles in a transaction while others scan, so the role's time-out for
 * that is raised here alone. The size is taken after the snapshot: rows that
 * the snapshot sees are all within it.
 */
static const char begin[] =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SET LOCAL idle_in_transaction_session_timeout = '1h';"
    " SELECT pg_export_snapshot(), pg_snapshot_xmin(pg_current_snapshot()),"
    "  pg_relation_size('subject')"
    "  / current_setting('block_size')::bigint";

enum rsg_err
rsg_snapshot_open(const char *conninfo, struct rsg_snapshot **out)
{
	struct rsg_snapshot *s;
	PGresult *res = NULL;
	enum rsg_err e;

	*out = NULL;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return RSG_NO_MEMORY;
	e = rsg__spare_begin(conninfo, "snapshot", begin, &s->link, &res);
	if (e == RSG_OK && (PQntuples(res) != 1 ||
	    strlen(PQgetvalue(res, 0, 0)) >= sizeof s->id))
		e = RSG_UNAVAILABLE;
	if (e == RSG_OK) {
		snprintf(s->id, sizeof s->id, "%s", PQgetvalue(res, 0, 0));
		s->xmin = strtoll(PQgetvalue(res, 0, 1), NULL, 10);
		s->blocks = strtoll(PQgetvalue(res, 0, 2), NULL, 10);
		*out = s;
	} else {
		rsg_snapshot_close(s);
	}
	PQclear(res);
	return e;
}

const char *
rsg_snapshot_id(const struct rsg_snapshot *s)
{
	return s->id;
}

int64_t
rsg_snapshot_blocks(const struct rsg_snapshot *s)
{
	return s->blocks;
}

int64_t
rsg_snapshot_xmin(const struct rsg_snapshot *s)
{
	return s->xmin;
}

void
rsg_snapshot_close(struct rsg_snapshot *s)
{
	if (s == NULL)
		return;
	rsg__spare_give(s->link);
	free(s);
}
