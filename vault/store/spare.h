/*
 * spare.h - connections that one scan leaves for the next.
 *
 * Connecting makes PostgreSQL start a process, which takes longer than reading
 * some thousand people. A few connections are kept, each for one conninfo;
 * whoever takes one has it alone. Private to vault/store; from any thread.
 */
#ifndef RSG_STORE_SPARE_H
#define RSG_STORE_SPARE_H

#include "store/link.h"

#define RSG__SPARES	8

struct rsg__spare {
	PGconn *conn;
	bool kept;			/* it was used before: it may be dead */
	char conninfo[];
};

/*
 * Take one, kept or new, and run the first statements of a transaction, `name`
 * for the log. One that died while it was kept is replaced. RSG_OK, with the
 * last statement's result for the caller to clear; else what the server said,
 * RSG_UNAVAILABLE when it cannot be reached.
 */
RSG_MUST enum rsg_err rsg__spare_begin(const char *conninfo, const char *name,
    const char *sql, struct rsg__spare **, PGresult **);

/*
 * Give it back: its transaction is ended. Closed instead when it is broken,
 * in the middle of something, or one too many. NULL is nothing.
 */
void rsg__spare_give(struct rsg__spare *);

#endif
