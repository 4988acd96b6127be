/*
 * A transaction is whatever stands between two syncs of the pipeline: the
 * server opens it with the first statement and commits it at the sync. So a
 * statement that succeeded proves nothing yet; see docs/adr/0002.
 */
#include <stdlib.h>
#include <string.h>

#include "resguardo/log.h"
#include "store/bind.h"
#include "store/link.h"
#include "store/store.h"

#define PAUSE_FIRST	(100 * RSG_US / 1000)
#define PAUSE_LAST	(5 * RSG_US)

enum state {
	IDLE,		/* ended; the last one's results may still be read */
	OPEN,
	FAILED		/* every call gives `err`, until it is ended */
};

struct rsg_db {
	PGconn *conn;			/* NULL: lost */
	char *conninfo;
	int64_t pause, again;		/* wait before, and time of, the next try */
	int64_t patience;		/* longest wait for an answer */

	enum state state;
	enum rsg_err err;
	bool syncing, doubtful;
	char constraint[64];

	struct call {
		enum rsg_sql sql;
		PGresult *res;		/* NULL: not here yet */
	} *call;
	int sent, got, cap;

	struct rsg_bind **bind;
	size_t binds, bindcap;		/* in use; allocated */
};

/*
 * A commit that a synchronous standby did not confirm in time succeeds with
 * no more than a warning. It counts as failed: the entry may exist, and the
 * log reports too much rather than too little.
 */
static void
notice(void *ctx, const PGresult *res)
{
	struct rsg_db *db = ctx;
	const char *severity, *file;

	severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (severity == NULL || strcmp(severity, "WARNING") != 0)
		return;
	file = PQresultErrorField(res, PG_DIAG_SOURCE_FILE);
	if ((db->syncing && db->got == db->sent) ||
	    (file != NULL && strcmp(file, "syncrep.c") == 0)) {
		db->doubtful = true;
		rsg_log(RSG_LOG_WARN, "db.doubtful", "sqlstate", RSG_LOG_S,
		    rsg__link_state(res), NULL);
	}
}

/* Cut the connection; rsg_db_ready() makes another. */
static void
lose(struct rsg_db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
}

/* The first error of a transaction is the one that is reported. */
static void
fail(struct rsg_db *db, enum rsg_err e)
{
	if (db->state != FAILED)
		db->err = e;
	db->state = FAILED;
}

/* Nothing, or nonsense, came in time: what the server did is not known. */
static void
fail_lost(struct rsg_db *db)
{
	if (db->state != FAILED)
		rsg_log(RSG_LOG_WARN, "db.lost", "sent", RSG_LOG_I,
		    (int64_t)db->sent, "received", RSG_LOG_I,
		    (int64_t)db->got, NULL);
	lose(db);
	fail(db, RSG_UNAVAILABLE);
}

/* An error the server sent: classify, log its code and names only. */
static bool
fail_result(struct rsg_db *db, const PGresult *res, const char *statement)
{
	struct rsg__fault f = rsg__link_fault(res);
	const char *constraint;

	if (db->state == FAILED)
		return f.reset;
	constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
	if (constraint == NULL)
		constraint = "";
	if (f.err == RSG_CONFLICT) {
		strncpy(db->constraint, constraint, sizeof db->constraint - 1);
		db->constraint[sizeof db->constraint - 1] = '\0';
	}
	rsg_log(f.err == RSG_CONFLICT ? RSG_LOG_DEBUG :
	    f.err == RSG_INTERNAL ? RSG_LOG_ERROR : RSG_LOG_WARN, "db.error",
	    "statement", RSG_LOG_S, statement, "sqlstate", RSG_LOG_S,
	    rsg__link_state(res), "constraint", RSG_LOG_S, constraint, NULL);
	fail(db, f.err);
	return f.reset;
}

static bool
connect_now(struct rsg_db *db)
{
	PGconn *c;

	if ((c = rsg__link_open(db->conninfo, "resguardo")) == NULL)
		return false;
	if (rsg__link_prepare(c) != RSG_OK) {
		PQfinish(c);
		return false;
	}
	/* From here on a warning can be a commit that did not reach a standby. */
	PQsetNoticeReceiver(c, notice, db);
	db->conn = c;
	db->pause = 0;
	return true;
}

enum rsg_err
rsg_db_open(const char *conninfo, struct rsg_db **out)
{
	struct rsg_db *db;

	*out = NULL;
	if ((db = calloc(1, sizeof *db)) == NULL ||
	    (db->conninfo = strdup(conninfo)) == NULL) {
		free(db);
		return RSG_NO_MEMORY;
	}
	db->patience = RSG__LINK_WAIT;
	if (!connect_now(db)) {
		rsg_db_close(db);
		return RSG_UNAVAILABLE;
	}
	*out = db;
	return RSG_OK;
}

void
rsg_db_patience(struct rsg_db *db, int64_t us)
{
	db->patience = us;
}

static void
forget_results(struct rsg_db *db)
{
	for (int i = 0; i < db->sent; i++)
		PQclear(db->call[i].res);
	db->sent = db->got = 0;
}

void
rsg_db_close(struct rsg_db *db)
{
	if (db == NULL)
		return;
	lose(db);
	forget_results(db);
	for (size_t i = 0; i < db->bindcap; i++)
		rsg__bind_free(db->bind[i]);
	free(db->bind);
	free(db->call);
	free(db->conninfo);
	free(db);
}

/* The server may have hung up since: then there is something to read. */
static bool
alive(struct rsg_db *db)
{
	for (int i = 0; i < 4; i++) {
		if (PQstatus(db->conn) != CONNECTION_OK)
			return false;
		if (!rsg__link_readable(db->conn))
			return true;
		if (PQconsumeInput(db->conn) != 1)
			return false;
		(void)PQisBusy(db->conn);	/* parses what was read */
	}
	return true;
}

enum rsg_err
rsg_db_ready(struct rsg_db *db)
{
	int64_t now;

	rsg_db_rollback(db);
	if (db->conn != NULL) {
		if (alive(db))
			return RSG_OK;
		rsg_log(RSG_LOG_WARN, "db.lost", NULL);
		lose(db);
	}
	now = rsg_clock_mono();
	if (db->pause != 0 && now < db->again)
		return RSG_UNAVAILABLE;
	if (connect_now(db)) {
		rsg_log(RSG_LOG_INFO, "db.connected", NULL);
		return RSG_OK;
	}
	/* Twice as long each time, so that a thousand servers do not storm it. */
	db->pause = db->pause == 0 ? PAUSE_FIRST : db->pause * 2;
	if (db->pause > PAUSE_LAST)
		db->pause = PAUSE_LAST;
	db->again = rsg_clock_mono() + db->pause;
	return RSG_UNAVAILABLE;
}

struct rsg_bind *
rsg_db_bind(struct rsg_db *db, enum rsg_sql sql)
{
	struct rsg_bind **grown;
	size_t cap;

	/* The first of a transaction: the last one's results end here. */
	if (db->state == IDLE) {
		forget_results(db);
		db->binds = 0;
		db->doubtful = false;
		db->constraint[0] = '\0';
		db->state = OPEN;
	}
	if (db->binds == db->bindcap) {
		cap = db->bindcap + 16;
		if ((grown = reallocarray(db->bind, cap, sizeof *grown)) == NULL)
			abort();
		db->bind = grown;
		while (db->bindcap < cap)
			db->bind[db->bindcap++] = rsg__bind_new();
	}
	rsg__bind_begin(db->bind[db->binds], sql);
	return db->bind[db->binds++];
}

/* Room for one more call's result. */
static bool
grow_calls(struct rsg_db *db)
{
	struct call *grown;
	int cap;

	if (db->sent < db->cap)
		return true;
	cap = db->cap + 32;
	if ((grown = reallocarray(db->call, (size_t)cap, sizeof *grown)) == NULL)
		return false;
	db->call = grown;
	db->cap = cap;
	return true;
}

int
rsg_db_send(struct rsg_db *db, struct rsg_bind *b)
{
	struct rsg__values v;
	enum rsg_err e;

	if (db->state == FAILED)
		return -1;
	if (db->state == IDLE) {
		/* The bind belongs to a transaction that is over. */
		rsg_log(RSG_LOG_ERROR, "db.send", "mistake", RSG_LOG_S,
		    "no transaction", NULL);
		abort();
	}
	if (db->conn == NULL) {
		fail(db, RSG_UNAVAILABLE);
		return -1;
	}
	e = rsg__bind_values(b, &v);
	if (e == RSG_OK && !grow_calls(db))
		e = RSG_NO_MEMORY;
	if (e != RSG_OK) {
		/* Those before it must not be committed without it. */
		rsg_db_rollback(db);
		fail(db, e);
		return -1;
	}
	if (PQsendQueryPrepared(db->conn, rsg__bind_name(rsg__bind_sql(b)), v.n,
	    v.value, v.len, v.format, 1) != 1) {
		fail_lost(db);
		return -1;
	}
	db->call[db->sent].sql = rsg__bind_sql(b);
	db->call[db->sent].res = NULL;
	return db->sent++;
}

/* Take the next statement's result and the NULL that ends it. */
static bool
take_result(struct rsg_db *db, int64_t deadline, bool *reset)
{
	struct call *call = &db->call[db->got];
	PGresult *res;

	if (!rsg__link_wait(db->conn, deadline) ||
	    (res = PQgetResult(db->conn)) == NULL)
		return false;
	switch (PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		call->res = res;
		break;
	case PGRES_PIPELINE_ABORTED:	/* one before it failed */
		PQclear(res);
		break;
	case PGRES_FATAL_ERROR:
		if (fail_result(db, res, rsg__bind_name(call->sql)))
			*reset = true;
		PQclear(res);
		break;
	default:			/* a COPY: no statement of ours */
		PQclear(res);
		return false;
	}
	db->got++;
	/* libpq makes up an error when it loses the connection. */
	if (PQstatus(db->conn) != CONNECTION_OK)
		return false;
	return rsg__link_wait(db->conn, deadline) && PQgetResult(db->conn) == NULL;
}

/* Read on to the answer to our sync. Errors on the way are the commit's. */
static bool
take_sync(struct rsg_db *db, int64_t deadline, bool *reset)
{
	PGresult *res;
	ExecStatusType status;

	for (int empty = 0; empty < 2;) {
		if (!rsg__link_wait(db->conn, deadline))
			return false;
		if ((res = PQgetResult(db->conn)) == NULL) {
			empty++;
			continue;
		}
		empty = 0;
		status = PQresultStatus(res);
		if (status == PGRES_FATAL_ERROR &&
		    fail_result(db, res, "commit"))
			*reset = true;
		PQclear(res);
		if (status == PGRES_PIPELINE_SYNC)
			return true;
		if (PQstatus(db->conn) != CONNECTION_OK)
			return false;
	}
	return false;
}

/* Send a sync and take everything up to its answer. */
static void
finish(struct rsg_db *db, int64_t deadline)
{
	bool reset = false;

	db->syncing = true;
	if (PQpipelineSync(db->conn) != 1) {
		fail_lost(db);
		goto done;
	}
	while (db->got < db->sent) {
		if (!take_result(db, deadline, &reset)) {
			fail_lost(db);
			goto done;
		}
	}
	if (!take_sync(db, deadline, &reset))
		fail_lost(db);
	else if (reset)
		lose(db);
done:
	db->syncing = false;
}

enum rsg_err
rsg_db_fetch(struct rsg_db *db)
{
	int64_t deadline = rsg_clock_mono() + db->patience;
	bool reset = false;

	if (db->state == FAILED)
		return db->err;
	if (db->got == db->sent)
		return RSG_OK;
	if (PQsendFlushRequest(db->conn) != 1) {
		fail_lost(db);
		return db->err;
	}
	while (db->got < db->sent && db->state != FAILED) {
		if (!take_result(db, deadline, &reset)) {
			fail_lost(db);
			return db->err;
		}
	}
	if (db->state != FAILED)
		return RSG_OK;

	/* The server skips everything up to a sync: give it one. */
	if (reset)
		lose(db);
	else
		finish(db, deadline);
	return db->err;
}

enum rsg_err
rsg_db_commit(struct rsg_db *db)
{
	enum rsg_err e = RSG_OK;

	if (db->state == OPEN && db->sent > 0)
		finish(db, rsg_clock_mono() + db->patience);
	if (db->state == FAILED)
		e = db->err;
	else if (db->doubtful)
		e = RSG_UNAVAILABLE;
	db->doubtful = false;
	db->state = IDLE;
	return e;
}

/*
 * ROLLBACK is obeyed in the pipeline's implicit transaction as well (with a
 * warning that there was no explicit one). Unless the server confirms it, the
 * connection is cut, which undoes everything too.
 */
void
rsg_db_rollback(struct rsg_db *db)
{
	int64_t deadline = rsg_clock_mono() + db->patience;
	PGresult *res = NULL;
	bool reset = false, done = false;

	if (db->state != OPEN || db->sent == 0 || db->conn == NULL) {
		db->state = IDLE;
		return;
	}
	if (PQsendQueryParams(db->conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) != 1 ||
	    PQpipelineSync(db->conn) != 1)
		goto end;
	while (db->got < db->sent) {
		if (!take_result(db, deadline, &reset))
			goto end;
	}
	if (!rsg__link_wait(db->conn, deadline) ||
	    (res = PQgetResult(db->conn)) == NULL)
		goto end;

	/* After an error of its own the transaction is gone already. */
	done = PQresultStatus(res) == PGRES_PIPELINE_ABORTED ||
	    (PQresultStatus(res) == PGRES_COMMAND_OK &&
	    strcmp(PQcmdStatus(res), "ROLLBACK") == 0);
	PQclear(res);
	done = take_sync(db, deadline, &reset) && done && !reset;
end:
	if (!done)
		lose(db);
	db->state = IDLE;
}

const char *
rsg_db_constraint(const struct rsg_db *db)
{
	return db->constraint;
}

const struct rsg_result *
rsg_db_result(const struct rsg_db *db, int number)
{
	if (number < 0 || number >= db->got || db->call[number].res == NULL) {
		rsg_log(RSG_LOG_ERROR, "db.result", "number", RSG_LOG_I,
		    (int64_t)number, "mistake", RSG_LOG_S, "not here", NULL);
		abort();
	}
	return (const struct rsg_result *)db->call[number].res;
}
