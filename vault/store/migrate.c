/*
 * Migrations go forward only. What was applied is known by its SHA-256, so
 * that two installations with the same number have the same tables.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/buf.h"
#include "resguardo/log.h"
#include "seal/seal.h"
#include "store/link.h"
#include "store/store.h"

#define FILE_MAX	(4u * 1024 * 1024)
#define WAIT		(3600 * RSG_US)		/* an index may take its time */
#define LOCK		"7239581"		/* any number that only we use */

#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyz0123456789_.-"

struct migration {
	int number;			/* from its name; its place in the order */
	char file[128];			/* "0001_schema.sql" */
	struct rsg_buf sql;		/* ends in NUL */
	uint8_t hash[32];
	bool done;
};

struct list {
	struct migration *m;
	int n;
};

static enum rsg_err
refuse(const char *file, const char *why)
{
	rsg_log(RSG_LOG_ERROR, "migrate.refused", "file", RSG_LOG_S, file,
	    "why", RSG_LOG_S, why, NULL);
	return RSG_CONFIG;
}

/* NNNN_name.sql, or not one of ours. */
static int
number_of(const char *file)
{
	size_t len = strlen(file);

	if (len < 10 || len >= sizeof ((struct migration *)0)->file ||
	    strspn(file, "0123456789") != 4 || file[4] != '_' ||
	    strspn(file, NAME_CHARS) != len ||
	    strcmp(file + len - 4, ".sql") != 0)
		return 0;
	return atoi(file);
}

static int
pick(const struct dirent *d)
{
	return number_of(d->d_name) > 0;
}

static enum rsg_err
read_file(const char *dir, struct migration *m)
{
	struct rsg_part part;
	enum rsg_err e = RSG_IO;
	char path[4096];
	FILE *f = NULL;
	uint8_t *p;
	size_t n;

	rsg_buf_init(&m->sql, FILE_MAX);
	if (snprintf(path, sizeof path, "%s/%s", dir, m->file) >= (int)sizeof path ||
	    (f = fopen(path, "re")) == NULL)
		goto done;
	/* The hash is over the file's bytes, the NUL comes after. */
	do {
		if ((p = rsg_buf_room(&m->sql, 16384)) == NULL)
			goto done;
		n = fread(p, 1, 16384, f);
		m->sql.len += n;
	} while (n > 0);
	if (ferror(f))
		goto done;
	part = (struct rsg_part){ m->sql.p, m->sql.len };
	rsg_sha256(&part, 1, m->hash);
	rsg_buf_u8(&m->sql, 0);
	e = rsg_buf_err(&m->sql);
done:
	if (e != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "migrate.read", "file", RSG_LOG_S,
		    m->file, NULL);
	if (f != NULL)
		fclose(f);
	return e;
}

/*
 * All migrations of the folder, in the order of their numbers. A gap is room
 * for work that goes on beside; a number used twice is a mistake.
 */
static enum rsg_err
read_folder(const char *dir, struct list *l)
{
	struct dirent **names = NULL;
	enum rsg_err e = RSG_OK;
	int n;

	if ((n = scandir(dir, &names, pick, alphasort)) < 0) {
		rsg_log(RSG_LOG_ERROR, "migrate.folder", "path", RSG_LOG_S, dir, NULL);
		return RSG_IO;
	}
	if (n == 0)
		e = refuse(dir, "no migrations here");
	else if ((l->m = calloc((size_t)n, sizeof *l->m)) == NULL)
		e = RSG_NO_MEMORY;
	for (int i = 0; i < n; i++) {
		if (e == RSG_OK) {
			l->n = i + 1;
			l->m[i].number = number_of(names[i]->d_name);
			snprintf(l->m[i].file, sizeof l->m[i].file, "%.127s", names[i]->d_name);
			e = i == 0 || l->m[i].number > l->m[i - 1].number ?
			    read_file(dir, &l->m[i]) :
			    refuse(l->m[i].file, "its number is used twice");
		}
		free(names[i]);
	}
	free(names);
	return e;
}

static void
list_free(struct list *l)
{
	for (int i = 0; i < l->n; i++)
		rsg_buf_free(&l->m[i].sql);
	free(l->m);
}

/*
 * One migration at a time in the whole database, and the table of what was
 * done. The server reads it to know whether it fits.
 */
static enum rsg_err
prepare(PGconn *c)
{
	PGresult *res;
	bool roles;

	res = rsg__link_query(c, "SELECT count(*) FROM pg_roles WHERE rolname IN"
	    " ('resguardo_owner', 'resguardo_app', 'resguardo_eraser',"
	    " 'resguardo_auditor')", RSG__LINK_WAIT);
	roles = PQresultStatus(res) == PGRES_TUPLES_OK &&
	    strcmp(PQgetvalue(res, 0, 0), "4") == 0;
	PQclear(res);
	if (!roles)
		return refuse("roles.sql", "run it as a superuser first");
	return rsg__link_do(c, "migrate begin",
	    "SELECT pg_advisory_lock(" LOCK ");"
	    "SET client_min_messages = warning;"
	    "CREATE TABLE IF NOT EXISTS migration ("
	    " number int PRIMARY KEY,"
	    " file text NOT NULL,"
	    " sha256 bytea NOT NULL,"
	    " applied timestamptz NOT NULL DEFAULT now());"
	    "GRANT SELECT ON migration TO resguardo_app, resguardo_eraser,"
	    " resguardo_auditor");
}

static struct migration *
numbered(struct list *l, int number)
{
	for (int i = 0; i < l->n; i++)
		if (l->m[i].number == number)
			return &l->m[i];
	return NULL;
}

/* Compare what was applied with the files. */
static enum rsg_err
compare(PGconn *c, struct list *l)
{
	enum rsg_err e = RSG_OK;
	struct migration *m;
	PGresult *res;
	char hex[65];

	res = rsg__link_query(c, "SELECT number, encode(sha256, 'hex')"
	    " FROM migration ORDER BY number", RSG__LINK_WAIT);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		e = rsg__link_fault(res).err;
	for (int i = 0; e == RSG_OK && i < PQntuples(res); i++) {
		m = numbered(l, atoi(PQgetvalue(res, i, 0)));
		if (m == NULL) {
			e = refuse("the database", "it is newer than these files");
			break;
		}
		for (size_t k = 0; k < 32; k++)
			snprintf(hex + 2 * k, 3, "%02x", m->hash[k]);
		m->done = true;
		if (strcmp(hex, PQgetvalue(res, i, 1)) != 0)
			e = refuse(m->file, "it was changed after it was applied");
	}
	PQclear(res);

	/* They are applied in order, so none before an applied one is missing. */
	for (int i = 1; e == RSG_OK && i < l->n; i++) {
		if (l->m[i].done && !l->m[i - 1].done)
			e = refuse(l->m[i - 1].file, "a later one is applied already");
	}
	return e;
}

/* The line in the file that an error points at; 0 when it does not say. */
static int64_t
line_of(const struct migration *m, const PGresult *res)
{
	const char *at = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
	int64_t line = 1, left;

	if (at == NULL)
		return 0;
	left = strtoll(at, NULL, 10);
	for (const uint8_t *p = m->sql.p; *p != 0 && left > 1; p++) {
		if (*p == '\n')
			line++;
		if ((*p & 0xc0) != 0x80)	/* it counts characters */
			left--;
	}
	return line;
}

/* Run the file in a transaction, with its own line in the table. */
static enum rsg_err
apply(PGconn *c, const struct migration *m)
{
	enum rsg_err e;
	PGresult *res;
	char sql[400], hex[65];

	if ((e = rsg__link_do(c, m->file, "BEGIN")) != RSG_OK)
		return e;
	res = rsg__link_query(c, (const char *)m->sql.p, WAIT);
	if (PQresultStatus(res) != PGRES_COMMAND_OK &&
	    PQresultStatus(res) != PGRES_TUPLES_OK) {
		rsg_log(RSG_LOG_ERROR, "migrate.failed", "file", RSG_LOG_S,
		    m->file, "sqlstate", RSG_LOG_S, rsg__link_state(res),
		    "line", RSG_LOG_I, line_of(m, res), NULL);
		e = rsg__link_fault(res).err;
		PQclear(res);
		return e;
	}
	PQclear(res);
	/* With a COMMIT in the file, half of it could be applied. */
	if (PQtransactionStatus(c) != PQTRANS_INTRANS)
		return refuse(m->file, "it must not begin or end a transaction");
	for (size_t k = 0; k < 32; k++)
		snprintf(hex + 2 * k, 3, "%02x", m->hash[k]);

	/* The file's name has no quote in it: see NAME_CHARS. */
	snprintf(sql, sizeof sql, "INSERT INTO migration (number, file, sha256)"
	    " VALUES (%d, '%s', '\\x%s')", m->number, m->file, hex);
	if ((e = rsg__link_do(c, m->file, sql)) != RSG_OK)
		return e;
	res = rsg__link_query(c, "COMMIT", WAIT);

	/* COMMIT of a transaction that failed succeeds, as a ROLLBACK. */
	if (PQresultStatus(res) != PGRES_COMMAND_OK ||
	    strcmp(PQcmdStatus(res), "COMMIT") != 0)
		e = refuse(m->file, "it was not committed");
	PQclear(res);
	return e;
}

enum rsg_err
rsg_migrate(const char *conninfo, const char *dir)
{
	struct list l = { NULL, 0 };
	PGconn *c = NULL;
	enum rsg_err e;

	if ((e = read_folder(dir, &l)) != RSG_OK)
		goto done;
	if ((c = rsg__link_open(conninfo, "resguardo migrate")) == NULL) {
		e = RSG_UNAVAILABLE;
		goto done;
	}
	if ((e = prepare(c)) != RSG_OK || (e = compare(c, &l)) != RSG_OK)
		goto done;
	for (int i = 0; i < l.n && e == RSG_OK; i++) {
		if (!l.m[i].done)
			e = apply(c, &l.m[i]);
		if (e == RSG_OK)
			printf("%s %s\n", l.m[i].file, l.m[i].done ?
			    "was applied before" : "applied");
	}
done:
	PQfinish(c);
	list_free(&l);
	return e;
}
