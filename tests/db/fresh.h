/*
 * fresh.h - an empty, migrated database for one test program.
 *
 * tests/with-postgres gives the server. Without it every test is skipped,
 * and says so.
 */
#ifndef TESTS_DB_FRESH_H
#define TESTS_DB_FRESH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "resguardo/id.h"
#include "store/store.h"

struct fresh {
	char name[64];
	char app[512], owner[512], super[512];	/* connection strings */
	PGconn *as_super;
	struct rsg_db *db;			/* as the server's role */
};

static inline PGconn *
fresh_connect(const char *conninfo)
{
	PGconn *c = PQconnectdb(conninfo);

	if (PQstatus(c) != CONNECTION_OK)
		fail_msg("cannot connect: %s", PQerrorMessage(c));
	return c;
}

/* Run SQL that has to succeed. */
static inline void
fresh_sql(PGconn *c, const char *sql)
{
	PGresult *res = PQexec(c, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK &&
	    PQresultStatus(res) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(c));
	PQclear(res);
}

/* The one number that a query gives. */
static inline int64_t
fresh_number(PGconn *c, const char *sql)
{
	PGresult *res = PQexec(c, sql);
	int64_t n;

	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1)
		fail_msg("%s: %s", sql, PQerrorMessage(c));
	n = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return n;
}

/* The SQLSTATE that a statement fails with; "" when it does not. */
static inline const char *
fresh_state(PGconn *c, const char *sql)
{
	static char state[8];
	PGresult *res = PQexec(c, sql);
	const char *s = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	snprintf(state, sizeof state, "%s", s != NULL ? s : "");
	PQclear(res);
	return state;
}

static inline int
fresh_have(void)
{
	if (getenv("RSG_TEST_DB_SUPER") != NULL)
		return 1;
	printf("SKIPPED: no RSG_TEST_DB; run under tests/with-postgres\n");
	return 0;
}

/* A database of the program's own, with no tables yet. */
static inline void
fresh_create(struct fresh *f)
{
	char sql[256];
	PGconn *c;

	memset(f, 0, sizeof *f);
	snprintf(f->name, sizeof f->name, "t_%ld", (long)getpid());
	snprintf(f->app, sizeof f->app, "%s dbname=%s", getenv("RSG_TEST_DB"), f->name);
	snprintf(f->owner, sizeof f->owner, "%s dbname=%s",
	    getenv("RSG_TEST_DB_OWNER"), f->name);
	snprintf(f->super, sizeof f->super, "%s dbname=%s",
	    getenv("RSG_TEST_DB_SUPER"), f->name);
	c = fresh_connect(getenv("RSG_TEST_DB_SUPER"));
	snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s OWNER resguardo_owner",
	    f->name, getenv("RSG_TEST_EMPTY"));
	fresh_sql(c, sql);
	PQfinish(c);
	f->as_super = fresh_connect(f->super);
}

/* The same, migrated, and a connection open. */
static inline void
fresh_open(struct fresh *f)
{
	fresh_create(f);
	assert_int_equal(rsg_migrate(f->owner, RSG_SOURCE "/migrations"), RSG_OK);
	assert_int_equal(rsg_db_open(f->app, &f->db), RSG_OK);
}

static inline void
fresh_close(struct fresh *f)
{
	char sql[256];
	PGconn *c;

	rsg_db_close(f->db);
	PQfinish(f->as_super);
	if (f->name[0] == '\0')
		return;
	c = fresh_connect(getenv("RSG_TEST_DB_SUPER"));
	/* A failed test may have left a standby behind to be waited for. */
	fresh_sql(c, "SET synchronous_commit = local");
	snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", f->name);
	fresh_sql(c, sql);
	PQfinish(c);
}

/* Bind one more subject to SUBJECT_INSERT. */
static inline void
fresh_subject(struct rsg_bind *b, const struct rsg_id *id, int controller)
{
	rsg_bind_id(b, 0, id);
	rsg_bind_int(b, 1, controller);
	rsg_bind_int(b, 2, 1);
	rsg_bind_int(b, 3, 1);
	rsg_bind_bytes(b, 4, "keyset", 6);
	rsg_bind_bytes(b, 5, "header", 6);
	rsg_bind_null(b, 6);
}

/* Bind one more value to FIELD_INSERT. */
static inline void
fresh_field(struct rsg_bind *b, const struct rsg_id *id, int field, int version,
    const char *sealed)
{
	rsg_bind_id(b, 0, id);
	rsg_bind_int(b, 1, field);
	rsg_bind_int(b, 2, version);
	rsg_bind_bytes(b, 3, sealed, strlen(sealed));
}

/* --- What most programs here begin and end with --- */

/* A test that needs a database is skipped, loudly, where there is none. */
#define NEED_DB()	do { if (!fresh_have()) skip(); } while (0)

static struct fresh f __attribute__((unused));

static inline int
fresh_setup(void **state)
{
	(void)state;
	if (fresh_have())
		fresh_open(&f);
	return 0;
}

static inline int
fresh_teardown(void **state)
{
	(void)state;
	if (f.db != NULL)
		fresh_close(&f);
	return 0;
}

#endif
