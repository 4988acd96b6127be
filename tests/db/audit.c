/*
 * What is asked about one person must not depend on how many others there are:
 * the plans that the server runs, over a table large enough for a planner to
 * mean them, go by the index alone.
 */
#include "db/fresh.h"

#include "store/bind.h"

#define ROWS	"200000"

static struct fresh f;
static PGconn *app;

#define NEED_DB()	do { if (!fresh_have()) skip(); } while (0)

static const struct {
	enum rsg_sql sql;
	const char *index;		/* what the plan has to use */
} asked[] = {
	{ RSG_SQL_AUDIT_SEARCH_TAGS, "audit_entry_tag" },
	{ RSG_SQL_AUDIT_ABOUT, "audit_entry_tag" },
	{ RSG_SQL_AUDIT_AMONG, "audit_page_members" },
	{ RSG_SQL_AUDIT_GIVEN, "audit_page_release" },
	{ RSG_SQL_RELEASES_SINCE, "release_created" },
};

/* A year of entries, each about another person, and pages of many. */
static void
fill(void)
{
	fresh_sql(f.as_super, "INSERT INTO audit_entry (entry, time, controller, actor, action,"
	    " purpose, decision, recipient, tag, leaf, leaf_hash)"
	    " SELECT gen_random_uuid(), '2026-01-01'::timestamptz + i * interval '157 s', 1,"
	    "  gen_random_uuid(), 2, 1, 1, 0, sha256(i::text::bytea), '', ''"
	    " FROM generate_series(1, " ROWS ") AS i");
	fresh_sql(f.as_super, "INSERT INTO audit_page (entry, time, controller, members,"
	    " commitments) SELECT gen_random_uuid(), '2026-01-01'::timestamptz + i *"
	    " interval '1 h', 1, ARRAY(SELECT hashint8extended(i * 48 + k, 1) FROM"
	    " generate_series(1, 48) AS k), '' FROM generate_series(1, 4000) AS i");
	fresh_sql(f.as_super, "INSERT INTO audit_page (entry, time, controller, release, page)"
	    " SELECT gen_random_uuid(), '2026-01-01'::timestamptz + i * interval '1 h', 1,"
	    " gen_random_uuid(), i % 300 FROM generate_series(1, 20000) AS i");
	fresh_sql(f.as_super, "INSERT INTO release (release, controller, recipient, created,"
	    " snapshot, definition, pages, mac) SELECT gen_random_uuid(), i % 50, 1,"
	    " '2026-01-01'::timestamptz + i * interval '1 h', '1', '', 1, ''"
	    " FROM generate_series(1, 20000) AS i");
	fresh_sql(f.as_super, "ANALYZE audit_entry, audit_page, release");
}

/* The plan that the server gets: generic, by the same parameter types. */
static void
plan_of(enum rsg_sql sql, char out[8192])
{
	Oid oids[RSG__PARAMS];
	int n = rsg__bind_oids(sql, oids);
	char name[16], ask[512];
	PGresult *r;

	snprintf(name, sizeof(name), "q%d", (int)sql);
	r = PQprepare(app, name, rsg__bind_text(sql), n, oids);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s", PQerrorMessage(app));
	PQclear(r);
	snprintf(ask, sizeof(ask), "EXPLAIN EXECUTE %s (", name);
	for (int i = 0; i < n; i++)
		strcat(ask, i == 0 ? "NULL" : ", NULL");
	strcat(ask, ")");
	r = PQexec(app, ask);
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(app));
	out[0] = '\0';
	for (int i = 0; i < PQntuples(r); i++) {
		strncat(out, PQgetvalue(r, i, 0), 1024);
		strcat(out, "\n");
	}
	PQclear(r);
}

static void
test_by_the_index_alone(void **state)
{
	static const char *const never[] = { "Seq Scan", "audit_entry_time",
	    "audit_entry_pkey" };
	char plan[8192];

	(void)state;
	NEED_DB();
	fill();
	/* As every connection of the server has it (link.c). */
	fresh_sql(app, "SET plan_cache_mode = force_generic_plan");
	fresh_sql(app, "SET enable_seqscan = off");
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		plan_of(asked[i].sql, plan);
		if (strstr(plan, asked[i].index) == NULL)
			fail_msg("without %s:\n%s", asked[i].index, plan);
		for (size_t k = 0; k < sizeof(never) / sizeof(*never); k++)
			if (strstr(plan, never[k]) != NULL)
				fail_msg("by %s:\n%s", never[k], plan);
	}
}

/* And what it reads of a year of one person is a few blocks a day. */
static void
test_a_year_of_one_person(void **state)
{
	int64_t blocks;
	PGresult *r;
	char *at;

	(void)state;
	NEED_DB();
	r = PQexec(app, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) SELECT entry FROM"
	    " audit_entry WHERE tag = ANY (ARRAY(SELECT sha256(('x' || i)::bytea) FROM"
	    " generate_series(1, 366) AS i)) AND time >= '2026-01-01' ORDER BY time, seq");
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(app));
	blocks = -1;
	for (int i = 0; i < PQntuples(r) && blocks < 0; i++)
		if ((at = strstr(PQgetvalue(r, i, 0), "Buffers: shared hit=")) != NULL)
			blocks = strtoll(at + strlen("Buffers: shared hit="), NULL, 10);
	PQclear(r);
	/* Each tag is one descent of the tree. */
	assert_in_range(blocks, 1, 366 * 5);
}

static int
setup(void **state)
{
	(void)state;
	if (getenv("RSG_TEST_DB_SUPER") == NULL)
		return 0;
	fresh_open(&f);
	app = fresh_connect(f.app);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (getenv("RSG_TEST_DB_SUPER") == NULL)
		return 0;
	PQfinish(app);
	fresh_close(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_the_index_alone),
		cmocka_unit_test(test_a_year_of_one_person),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
