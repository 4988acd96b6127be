/*
 * The database as the server's role sees it: the settings and grants that the
 * promises rest on. Each check that fails says what to do about it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/link.h"
#include "store/store.h"

#define SKEW_MAX	(2 * RSG_US)

static const struct {
	const char *name, *todo, *sql;
} checks[] = {
#define CHECK(name, todo, sql) { name, todo, sql },
#include "store/doctor.def"
#undef CHECK
};

/* Say how a check went; a bad one ends with what to do about it. */
static void
report(rsg_say *say, void *ctx, const char *name, bool good,
    const char *found, const char *todo)
{
	char detail[400];

	if (good)
		snprintf(detail, sizeof detail, "%s", found);
	else
		snprintf(detail, sizeof detail, "%s. %s", found, todo);
	say(ctx, name, good, detail);
}

static void
check(PGconn *c, size_t i, rsg_say *say, void *ctx)
{
	bool good = false, answered;
	const char *found = "could not be asked";
	PGresult *res;

	res = rsg__link_query(c, checks[i].sql, RSG__LINK_WAIT);
	answered = PQresultStatus(res) == PGRES_TUPLES_OK &&
	    PQntuples(res) == 1 && PQnfields(res) == 2;
	if (answered) {
		good = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
		found = PQgetvalue(res, 0, 1);
	}
	report(say, ctx, checks[i].name, good, found, checks[i].todo);
	PQclear(res);
}

/* Expiry and consent are judged by our clock, deadlines by both. */
static void
check_clock(PGconn *c, rsg_say *say, void *ctx)
{
	int64_t before, after, theirs = 0, skew = INT64_MAX;
	char found[64] = "could not be asked";
	PGresult *res;

	/* Their time must lie between ours before and after the question. */
	before = rsg_clock_now();
	res = rsg__link_query(c, "SELECT (extract(epoch FROM clock_timestamp())"
	    " * 1000000)::bigint", RSG__LINK_WAIT);
	after = rsg_clock_now();
	if (PQresultStatus(res) == PGRES_TUPLES_OK) {
		theirs = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
		skew = theirs < before ? before - theirs :
		    theirs > after ? theirs - after : 0;
		snprintf(found, sizeof found, "%" PRId64 " ms apart", skew / 1000);
	}
	PQclear(res);
	report(say, ctx, "database clock", skew <= SKEW_MAX, found,
	    "Run NTP on both machines.");
}

static void
check_migrations(PGconn *c, rsg_say *say, void *ctx)
{
	char found[64] = "none";
	PGresult *res;
	int newest = 0;

	res = rsg__link_query(c, "SELECT coalesce(max(number), 0) FROM migration",
	    RSG__LINK_WAIT);
	if (PQresultStatus(res) == PGRES_TUPLES_OK)
		newest = atoi(PQgetvalue(res, 0, 0));
	PQclear(res);
	snprintf(found, sizeof found, "%d of %d", newest, RSG_SCHEMA);
	report(say, ctx, "migrations", newest == RSG_SCHEMA, found,
	    newest > RSG_SCHEMA ? "Use a newer program." : "Run `resguardo migrate`.");
}

void
rsg_db_doctor(const char *conninfo, rsg_say *say, void *ctx)
{
	PGconn *c;
	bool fit;

	if ((c = rsg__link_open(conninfo, "resguardo doctor")) == NULL) {
		report(say, ctx, "database", false, "not reachable",
		    "Start PostgreSQL; check the address and pg_hba.conf.");
		return;
	}
	report(say, ctx, "database", true, "reachable", "");
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		check(c, i, say, ctx);
	check_clock(c, say, ctx);
	check_migrations(c, say, ctx);

	/* Last: it leaves the connection in pipeline mode. */
	fit = rsg__link_prepare(c) == RSG_OK;
	report(say, ctx, "statements", fit, fit ? "all fit the tables" :
	    "not all fit the tables", "The log names them; run `resguardo migrate`.");
	PQfinish(c);
}
