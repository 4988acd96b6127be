/*
 * link.h - one connection to PostgreSQL: what every file here does with it.
 *
 * Private to vault/store. A wait never lasts longer than its deadline, and no
 * message of the server is passed on: it may quote values.
 */
#ifndef RSG_STORE_LINK_H
#define RSG_STORE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "resguardo/clock.h"
#include "resguardo/err.h"

#define RSG__LINK_WAIT	(30 * RSG_US)	/* longest wait for an answer */

/* How an error of the server is to be taken. */
struct rsg__fault {
	enum rsg_err err;
	bool reset;			/* this connection is of no more use */
};

/* NULL, no result at all, is a lost connection. */
struct rsg__fault rsg__link_fault(const PGresult *);

/* SQLSTATE, or "" when the connection broke without one. */
const char *rsg__link_state(const PGresult *);

/*
 * Connect in non-blocking mode, notices dropped. NULL (logged) when that
 * fails; `name` says in the log and in pg_stat_activity what for.
 */
PGconn *rsg__link_open(const char *conninfo, const char *name);

/*
 * Send what is queued and wait until PQgetResult() would not block. Input is
 * read meanwhile, so that two full socket buffers cannot wait for each other.
 * False when the connection is lost or the deadline (monotonic) has passed.
 */
bool rsg__link_wait(PGconn *, int64_t deadline);

/* Wait until the socket has something to read (or, with `out`, room). */
bool rsg__link_poll(PGconn *, bool out, int64_t deadline);

/* Is there something to read now? */
bool rsg__link_readable(PGconn *);

/*
 * Run one or more plain statements. The last result is the caller's, also
 * when it is an error; NULL when the connection was lost. `wait` in us.
 */
PGresult *rsg__link_query(PGconn *, const char *sql, int64_t wait);

/* The same when only success matters: logged otherwise, by `name`. */
RSG_MUST enum rsg_err rsg__link_do(PGconn *, const char *name, const char *sql);

/*
 * Session settings and all statements of sql.def, prepared in one round trip,
 * in pipeline mode, which the connection keeps. Logged when it fails.
 */
RSG_MUST enum rsg_err rsg__link_prepare(PGconn *);

#endif
