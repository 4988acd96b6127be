/*
 * store.h - PostgreSQL: one pipelined connection, and the statements it knows.
 *
 * Every statement stands in sql.def, is prepared when a connection opens and
 * called by name with parameters of declared types. Scans stand in scan.def,
 * the checks of doctor in doctor.def; nobody else writes SQL.
 * The order of a transaction is: bind and send, fetch, read results, bind and
 * send more, commit. Only rsg_db_commit() == RSG_OK proves that anything is
 * durable; until then nothing may leave the process.
 *
 * This folder is the only user of libpq.
 */
#ifndef RSG_STORE_H
#define RSG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"

enum rsg_sql {
#define SQL(name, params, text) RSG_SQL_##name,
#include "store/sql.def"
#undef SQL
	RSG_SQL__MAX
};

struct rsg_db;
struct rsg_bind;
struct rsg_result;

/*
 * Connect and prepare all statements. `conninfo` as libpq takes it.
 * RSG_UNAVAILABLE (logged with SQLSTATE, never with values).
 */
RSG_MUST enum rsg_err rsg_db_open(const char *conninfo, struct rsg_db **);
void rsg_db_close(struct rsg_db *);

/* Give up on an answer, and on the connection, after so long (else 30 s). */
void rsg_db_patience(struct rsg_db *, int64_t us);

/* Reconnect if the connection is gone, at most once a back-off (100 ms to
 * 5 s). RSG_UNAVAILABLE while it stays gone. Call before each transaction;
 * one that was left open is rolled back. */
RSG_MUST enum rsg_err rsg_db_ready(struct rsg_db *);

/*
 * Parameters of one call of a statement, in binary. The types are letters in
 * sql.def: u uuid, b bytea, t text, h int2, i int4, l int8, o bool, z time (put
 * and read as our microseconds since 1970, timestamptz there); a capital
 * letter is an array of it. rsg_db_bind() gives an empty bind (arrays empty,
 * scalars NULL) owned by the connection, valid until the transaction ends.
 * Put a value by parameter number (from 0); on an array parameter each put
 * appends one element, rsg_bind_null() a NULL one. A put of the wrong type
 * aborts: it is a mistake of ours. A number too large for its type fails the
 * transaction with RSG_BAD_VALUE. Several binds may be open; each is sent once.
 */
struct rsg_bind *rsg_db_bind(struct rsg_db *, enum rsg_sql);
void rsg_bind_id(struct rsg_bind *, int param, const struct rsg_id *);
void rsg_bind_bytes(struct rsg_bind *, int param, const void *, size_t);
void rsg_bind_text(struct rsg_bind *, int param, const char *, size_t);
void rsg_bind_int(struct rsg_bind *, int param, int64_t);	/* h i l z */
void rsg_bind_bool(struct rsg_bind *, int param, bool);
void rsg_bind_null(struct rsg_bind *, int param);
size_t rsg_bind_count(const struct rsg_bind *, int param);	/* elements so far */

/* Empty a bind that was sent, to fill and send it again: what is large need
 * not be held as often as it is sent. */
void rsg_bind_again(struct rsg_bind *);

/*
 * Queue the statement on the pipeline. Its result comes back under the number
 * returned (from 0 within the transaction). -1 when the connection failed;
 * the transaction's next fetch or commit says why.
 */
int rsg_db_send(struct rsg_db *, struct rsg_bind *);

/*
 * Flush and wait until every result sent so far is here. RSG_OK;
 * RSG_UNAVAILABLE (08, 53, 57, lost); RSG_CONFLICT (23505, 40001, 40P01, 55P03);
 * RSG_BAD_VALUE (other 22, 23); RSG_INTERNAL (anything else, logged). After an
 * error the transaction is over: nothing of it was committed, and every call
 * gives the same error until rsg_db_rollback() or rsg_db_ready().
 */
RSG_MUST enum rsg_err rsg_db_fetch(struct rsg_db *);

/*
 * Sync: end the transaction and wait for PGRES_PIPELINE_SYNC without an error
 * since the last. Errors as rsg_db_fetch(). On RSG_UNAVAILABLE the work may
 * have been committed; the caller treats it as not done and releases nothing.
 */
RSG_MUST enum rsg_err rsg_db_commit(struct rsg_db *);

/* Undo everything since the last commit. Never fails for the caller. */
void rsg_db_rollback(struct rsg_db *);

/* The constraint named by the last RSG_CONFLICT, or "". */
const char *rsg_db_constraint(const struct rsg_db *);

/* Results, by the number rsg_db_send() returned, valid until commit or
 * rollback of the NEXT transaction begins (the next rsg_db_bind after one). */
const struct rsg_result *rsg_db_result(const struct rsg_db *, int number);
int rsg_result_rows(const struct rsg_result *);
bool rsg_result_null(const struct rsg_result *, int row, int col);
const uint8_t *rsg_result_bytes(const struct rsg_result *, int row, int col,
    size_t *len);
int64_t rsg_result_int(const struct rsg_result *, int row, int col);	/* also times */
bool rsg_result_bool(const struct rsg_result *, int row, int col);
void rsg_result_id(const struct rsg_result *, int row, int col, struct rsg_id *);
/* Rows changed by an INSERT, UPDATE or DELETE. */
int64_t rsg_result_changed(const struct rsg_result *);

/*
 * Scans: COPY (SELECT ...) TO STDOUT in binary, on a connection of its own.
 * The statement is one of enum rsg_scan with a range put into it: of blocks
 * (ctid), or of what ids begin with, 0 to RSG_SCAN_IDS. Rows borrow their bytes
 * until the next call.
 */
#define RSG_SCAN_IDS	(INT64_C(1) << 32)	/* the first 32 bits of an id */
enum rsg_scan {
#define SCAN(name, columns, text) RSG_SCAN_##name,
#include "store/scan.def"
#undef SCAN
	RSG_SCAN__MAX
};
#define RSG_SCAN_COLS	12
struct rsg_scanrow {
	const uint8_t *p[RSG_SCAN_COLS];	/* NULL is SQL NULL */
	uint32_t len[RSG_SCAN_COLS];
};
struct rsg_copy;

/* `snapshot` is what rsg_db_snapshot() exported, or NULL. */
RSG_MUST enum rsg_err rsg_copy_open(const char *conninfo, const char *snapshot,
    enum rsg_scan, int64_t first, int64_t end, int64_t controller, struct rsg_copy **);
/* Another range, once the one before was read to its end: the connection and
 * its snapshot stay. */
RSG_MUST enum rsg_err rsg_copy_again(struct rsg_copy *, int64_t first, int64_t end,
    int64_t controller);
/* RSG_OK with a row; RSG_NOT_FOUND at the end; RSG_UNAVAILABLE. */
RSG_MUST enum rsg_err rsg_copy_next(struct rsg_copy *, struct rsg_scanrow *);
void rsg_copy_close(struct rsg_copy *);

/*
 * Open a connection that holds one exported snapshot for several scans, and
 * say how many blocks the table `subject` has and which transaction ids the
 * snapshot sees as finished (its xmin).
 */
struct rsg_snapshot;
RSG_MUST enum rsg_err rsg_snapshot_open(const char *conninfo,
    struct rsg_snapshot **);
const char *rsg_snapshot_id(const struct rsg_snapshot *);
int64_t rsg_snapshot_blocks(const struct rsg_snapshot *);
int64_t rsg_snapshot_xmin(const struct rsg_snapshot *);
void rsg_snapshot_close(struct rsg_snapshot *);

/*
 * Apply the migrations in `dir` (NNNN_name.sql, in order, each in its own
 * transaction, each recorded with its SHA-256) as the owner role. One line a
 * file on standard output. RSG_CONFIG when one that was applied has changed,
 * or the database is newer than this program. The roles of roles.sql come
 * first.
 */
#define RSG_SCHEMA	61	/* the newest migration this program knows */
RSG_MUST enum rsg_err rsg_migrate(const char *conninfo, const char *dir);

/* The database's part of `resguardo doctor`: calls `say` for each check. */
typedef void rsg_say(void *ctx, const char *check, bool good, const char *detail);
void rsg_db_doctor(const char *conninfo, rsg_say *say, void *ctx);

#endif
