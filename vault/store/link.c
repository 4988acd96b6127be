/*
 * Connecting, waiting and telling errors apart: what a transaction, a scan,
 * a migration and the doctor have in common.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "resguardo/log.h"
#include "store/bind.h"
#include "store/link.h"
#include "store/store.h"

/*
 * What SQLSTATEs mean to us; the first that begins the state counts.
 * The appendix "PostgreSQL Error Codes" of its manual lists them.
 */
static const struct {
	const char *begins;
	enum rsg_err err;
	bool reset;
} faults[] = {
	{ "08",    RSG_UNAVAILABLE, true },	/* connection */
	{ "0A000", RSG_UNAVAILABLE, true },	/* a table changed under a plan */
	{ "22",    RSG_BAD_VALUE, false },	/* data */
	{ "23505", RSG_CONFLICT, false },	/* not unique */
	{ "23",    RSG_BAD_VALUE, false },	/* constraint */
	{ "25006", RSG_UNAVAILABLE, true },	/* became a read-only standby */
	{ "25P03", RSG_UNAVAILABLE, true },	/* idle for too long */
	{ "25P04", RSG_UNAVAILABLE, true },	/* transaction for too long */
	{ "26000", RSG_UNAVAILABLE, true },	/* a pooler lost our statements */
	{ "40001", RSG_CONFLICT, false },	/* serialization */
	{ "40P01", RSG_CONFLICT, false },	/* deadlock */
	{ "42501", RSG_UNAVAILABLE, false },	/* a grant was taken away */
	{ "53",    RSG_UNAVAILABLE, false },	/* disk, memory, connections */
	{ "55P03", RSG_CONFLICT, false },	/* lock time-out */
	{ "57",    RSG_UNAVAILABLE, false },	/* cancelled, shutting down */
	{ "58",    RSG_UNAVAILABLE, false },	/* the server's disk failed it */
};

/*
 * Every statement looks rows up by key. Plans are made once, perhaps while a
 * table is empty, and must still be right when it has millions of rows: so
 * none but index look-ups in nested loops. A client that left is noticed by
 * the server within seconds, and commits wait for the disk whatever the
 * role's default is.
 */
static const char settings[] =
    "SELECT set_config(name, value, false) FROM (VALUES"
    " ('client_min_messages', 'warning'),"
    " ('plan_cache_mode', 'force_generic_plan'),"
    " ('enable_seqscan', 'off'),"
    " ('enable_hashjoin', 'off'),"
    " ('enable_mergejoin', 'off'),"
    " ('jit', 'off'),"
    " ('client_connection_check_interval', '5s'),"
    " ('synchronous_commit', CASE current_setting('synchronous_commit')"
    "  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END)"
    ") AS s (name, value)";

const char *
rsg__link_state(const PGresult *res)
{
	const char *state = NULL;

	if (res != NULL)
		state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	return state != NULL ? state : "";
}

struct rsg__fault
rsg__link_fault(const PGresult *res)
{
	const char *state, *severity;
	struct rsg__fault f = { RSG_INTERNAL, false };

	state = rsg__link_state(res);
	if (*state == '\0')
		return (struct rsg__fault){ RSG_UNAVAILABLE, true };
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (strncmp(state, faults[i].begins, strlen(faults[i].begins)) == 0) {
			f.err = faults[i].err;
			f.reset = faults[i].reset;
			break;
		}
	}

	/* FATAL and PANIC end the session. */
	severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (severity == NULL || strcmp(severity, "ERROR") != 0) {
		f.reset = true;
		if (f.err == RSG_INTERNAL)
			f.err = RSG_UNAVAILABLE;
	}
	return f;
}

/* Notices could quote values; none is needed unless db.c asks for them. */
static void
drop_notice(void *ctx, const PGresult *res)
{
	(void)ctx;
	(void)res;
}

/* A malformed string is not logged: the part quoted could be a password. */
static bool
well_formed(const char *conninfo)
{
	PQconninfoOption *o;

	o = PQconninfoParse(conninfo, NULL);
	PQconninfoFree(o);
	return o != NULL;
}

PGconn *
rsg__link_open(const char *conninfo, const char *name)
{
	/*
	 * What stands before "dbname" is a default that conninfo overrides.
	 * A host that vanished is noticed within half a minute.
	 */
	const char *const keys[] = { "connect_timeout", "keepalives_idle",
	    "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	    "fallback_application_name", "dbname", "client_encoding", NULL };
	const char *const values[] = { "5", "10", "5", "3", "30000",
	    name, conninfo, "UTF8", NULL };
	PGconn *c;

	if (!well_formed(conninfo) ||
	    (c = PQconnectdbParams(keys, values, 1)) == NULL) {
		rsg_log(RSG_LOG_ERROR, "db.conninfo", "for", RSG_LOG_S, name, NULL);
		return NULL;
	}
	PQsetNoticeReceiver(c, drop_notice, NULL);
	if (PQstatus(c) != CONNECTION_OK || PQsetnonblocking(c, 1) != 0) {
		/* This one message names hosts and roles, no values. */
		rsg_log(RSG_LOG_WARN, "db.connect", "for", RSG_LOG_S, name,
		    "why", RSG_LOG_S, PQerrorMessage(c), NULL);
		PQfinish(c);
		return NULL;
	}
	return c;
}

bool
rsg__link_poll(PGconn *c, bool out, int64_t deadline)
{
	struct pollfd pfd = { .fd = PQsocket(c), .events = POLLIN };
	int64_t left;
	int n;

	if (out)
		pfd.events |= POLLOUT;
	do {
		left = (deadline - rsg_clock_mono()) / 1000;
		if (left <= 0 || pfd.fd < 0)
			return false;
		/* Rounded up to a second turn at most; the loop is exact. */
		n = poll(&pfd, 1, left > 10000 ? 10000 : (int)left + 1);
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return false;
	/* Hung up: what the server said last is still there to be read. */
	if (pfd.revents & (POLLIN | POLLHUP | POLLERR))
		return PQconsumeInput(c) == 1;
	return true;
}

bool
rsg__link_readable(PGconn *c)
{
	struct pollfd pfd = { .fd = PQsocket(c), .events = POLLIN };

	return poll(&pfd, 1, 0) != 0;
}

bool
rsg__link_wait(PGconn *c, int64_t deadline)
{
	int unsent;

	for (;;) {
		/* A failed write is reported only once all input was read. */
		if ((unsent = PQflush(c)) < 0)
			return false;
		if (!PQisBusy(c))
			return true;
		if (!rsg__link_poll(c, unsent > 0, deadline))
			return false;
	}
}

PGresult *
rsg__link_query(PGconn *c, const char *sql, int64_t wait)
{
	int64_t deadline = rsg_clock_mono() + wait;
	PGresult *res, *last = NULL;

	if (PQsendQuery(c, sql) != 1)
		return NULL;
	for (;;) {
		if (!rsg__link_wait(c, deadline))
			break;
		if ((res = PQgetResult(c)) == NULL)
			return last;
		PQclear(last);
		last = res;
		/* A COPY goes on: its data is for the caller. */
		if (PQresultStatus(res) == PGRES_COPY_OUT)
			return res;
	}
	PQclear(last);
	return NULL;
}

enum rsg_err
rsg__link_do(PGconn *c, const char *name, const char *sql)
{
	enum rsg_err e = RSG_OK;
	PGresult *res;

	res = rsg__link_query(c, sql, RSG__LINK_WAIT);
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_COPY_OUT:
		break;
	default:
		e = rsg__link_fault(res).err;
		rsg_log(RSG_LOG_WARN, "db.error", "statement", RSG_LOG_S, name,
		    "sqlstate", RSG_LOG_S, rsg__link_state(res), NULL);
	}
	PQclear(res);
	return e;
}

/* Queue the settings and one PREPARE for each statement. */
static bool
queue_statements(PGconn *c)
{
	Oid oids[RSG__PARAMS];

	if (PQenterPipelineMode(c) != 1 ||
	    PQsendQueryParams(c, settings, 0, NULL, NULL, NULL, NULL, 1) != 1)
		return false;
	for (int i = 0; i < RSG_SQL__MAX; i++) {
		if (PQsendPrepare(c, rsg__bind_name((enum rsg_sql)i),
		    rsg__bind_text((enum rsg_sql)i),
		    rsg__bind_oids((enum rsg_sql)i, oids), oids) != 1)
			return false;
	}
	return PQpipelineSync(c) == 1;
}

enum rsg_err
rsg__link_prepare(PGconn *c)
{
	int64_t deadline = rsg_clock_mono() + RSG__LINK_WAIT;
	enum rsg_err e = RSG_UNAVAILABLE;
	PGresult *res = NULL;
	bool good = true;
	int n = -1, empty = 0;		/* -1: the settings */

	if (!queue_statements(c))
		goto done;
	while (rsg__link_wait(c, deadline)) {
		/* NULL ends one statement; two in a row end everything. */
		if ((res = PQgetResult(c)) == NULL) {
			n++;
			if (++empty > 1)
				break;
			continue;
		}
		empty = 0;
		if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
			if (good)
				e = RSG_OK;
			break;
		}
		if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
			good = false;
			rsg_log(RSG_LOG_ERROR, "db.prepare", "statement",
			    RSG_LOG_S, n >= 0 && n < RSG_SQL__MAX ?
			    rsg__bind_name((enum rsg_sql)n) : "settings",
			    "sqlstate", RSG_LOG_S, rsg__link_state(res), NULL);
		}
		PQclear(res);
		res = NULL;
	}
done:
	PQclear(res);
	return e;
}
