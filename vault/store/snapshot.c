/*
 * One moment in time that several connections can read: exported by a
 * transaction that stays open while they do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/log.h"
#include "store/link.h"
#include "store/store.h"

struct rsg_snapshot {
	PGconn *conn;			/* the snapshot lives as long as it */
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
	enum rsg_err e = RSG_UNAVAILABLE;
	PGresult *res = NULL;

	*out = NULL;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return RSG_NO_MEMORY;
	if ((s->conn = rsg__link_open(conninfo, "resguardo snapshot")) == NULL)
		goto done;
	res = rsg__link_query(s->conn, begin, RSG__LINK_WAIT);
	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1 ||
	    strlen(PQgetvalue(res, 0, 0)) >= sizeof s->id) {
		e = rsg__link_fault(res).err;
		rsg_log(RSG_LOG_WARN, "db.snapshot", "sqlstate", RSG_LOG_S,
		    rsg__link_state(res), NULL);
		goto done;
	}
	snprintf(s->id, sizeof s->id, "%s", PQgetvalue(res, 0, 0));
	s->xmin = strtoll(PQgetvalue(res, 0, 1), NULL, 10);
	s->blocks = strtoll(PQgetvalue(res, 0, 2), NULL, 10);
	*out = s;
	s = NULL;
	e = RSG_OK;
done:
	PQclear(res);
	rsg_snapshot_close(s);
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
	PQfinish(s->conn);
	free(s);
}
