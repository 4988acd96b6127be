/*
 * Parameters as PostgreSQL's binary formats have them: integers big-endian,
 * an array as a head of five words, then each element behind its length.
 */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/log.h"
#include "store/bind.h"
#include "store/store.h"

#define PARAM_MAX	(256u * 1024 * 1024)
#define ARRAY_HEAD	20		/* dimensions, nulls, type, length, base */
#define ARRAY_EMPTY	12		/* no dimension: the first three only */
#define NULL_LEN	UINT32_MAX

/* The object ids of pg_type.dat: they never change. */
static const struct type {
	char letter;
	Oid oid, array;
	uint8_t width;			/* of an integer */
} types[] = {
	{ 'u', 2950, 2951, 0 },		/* uuid */
	{ 'b',   17, 1001, 0 },		/* bytea */
	{ 't',   25, 1009, 0 },		/* text */
	{ 'h',   21, 1005, 2 },		/* int2 */
	{ 'i',   23, 1007, 4 },		/* int4 */
	{ 'l',   20, 1016, 8 },		/* int8 */
	{ 'z', 1184, 1185, 8 },		/* timestamptz */
	{ 'o',   16, 1000, 0 },		/* bool */
};

static const struct {
	const char *name, *params, *text;
} statements[RSG_SQL__MAX] = {
#define SQL(name, params, text) [RSG_SQL_##name] = { #name, params, text },
#include "store/sql.def"
#undef SQL
};

struct param {
	struct rsg_buf buf;		/* a scalar's bytes, or head and elements */
	const struct type *type;
	uint32_t n;			/* elements, or 1 when a scalar is set */
	bool array, nulls;
};

struct rsg_bind {
	enum rsg_sql sql;
	enum rsg_err err;		/* sticky */
	bool sent;
	int n;
	struct param param[RSG__PARAMS];
};

/* A statement is called in a way that its declaration does not allow. */
static void __attribute__((noreturn))
mistake(enum rsg_sql sql, int param, const char *what)
{
	rsg_log(RSG_LOG_ERROR, "db.bind", "statement", RSG_LOG_S,
	    rsg__bind_name(sql), "parameter", RSG_LOG_I, (int64_t)param,
	    "mistake", RSG_LOG_S, what, NULL);
	abort();
}

const char *
rsg__bind_name(enum rsg_sql sql)
{
	return (unsigned)sql < RSG_SQL__MAX ? statements[sql].name : "?";
}

const char *
rsg__bind_text(enum rsg_sql sql)
{
	return statements[sql].text;
}

static const struct type *
type_of(enum rsg_sql sql, int param)
{
	char letter = statements[sql].params[param];

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i].letter == tolower((unsigned char)letter))
			return &types[i];
	}
	mistake(sql, param, "no such type");
}

static bool
is_array(enum rsg_sql sql, int param)
{
	return isupper((unsigned char)statements[sql].params[param]) != 0;
}

int
rsg__bind_oids(enum rsg_sql sql, Oid oids[RSG__PARAMS])
{
	size_t n = strlen(statements[sql].params);

	if (n > RSG__PARAMS)
		mistake(sql, (int)n, "too many parameters");
	for (int i = 0; i < (int)n; i++)
		oids[i] = is_array(sql, i) ? type_of(sql, i)->array :
		    type_of(sql, i)->oid;
	return (int)n;
}

struct rsg_bind *
rsg__bind_new(void)
{
	struct rsg_bind *b;

	if ((b = calloc(1, sizeof *b)) == NULL) {
		/* A few kilobytes: nothing else would work either. */
		rsg_log(RSG_LOG_ERROR, "db.memory", NULL);
		abort();
	}
	for (int i = 0; i < RSG__PARAMS; i++)
		rsg_buf_init(&b->param[i].buf, PARAM_MAX);
	return b;
}

void
rsg__bind_free(struct rsg_bind *b)
{
	if (b == NULL)
		return;
	for (int i = 0; i < RSG__PARAMS; i++)
		rsg_buf_free(&b->param[i].buf);
	free(b);
}

void
rsg__bind_begin(struct rsg_bind *b, enum rsg_sql sql)
{
	if ((unsigned)sql >= RSG_SQL__MAX)
		mistake(sql, 0, "no such statement");
	b->sql = sql;
	b->err = RSG_OK;
	b->sent = false;
	b->n = (int)strlen(statements[sql].params);
	for (int i = 0; i < b->n; i++) {
		struct param *p = &b->param[i];

		rsg_buf_reset(&p->buf);
		p->type = type_of(sql, i);
		p->array = is_array(sql, i);
		p->nulls = false;
		p->n = 0;
		if (p->array)
			rsg_buf_extend(&p->buf, ARRAY_HEAD);
	}
}

enum rsg_sql
rsg__bind_sql(const struct rsg_bind *b)
{
	return b->sql;
}

/* The parameter, checked to be of one of these types, counted up. */
static struct param *
next(struct rsg_bind *b, int param, const char *letters)
{
	struct param *p;

	if (b->sent || param < 0 || param >= b->n)
		mistake(b->sql, param, b->sent ? "already sent" : "no such parameter");
	p = &b->param[param];
	if (letters != NULL && strchr(letters, p->type->letter) == NULL)
		mistake(b->sql, param, "wrong type");
	if (!p->array && p->n != 0)
		mistake(b->sql, param, "put twice");
	p->n++;
	return p;
}

static void
put(struct rsg_bind *b, int param, const char *letters, const void *v, size_t len)
{
	struct param *p = next(b, param, letters);

	if (len > PARAM_MAX) {
		b->err = RSG_TOO_LARGE;
		return;
	}
	/* A failure to grow sticks to the buffer until the send. */
	if (p->array)
		rsg_buf_u32(&p->buf, (uint32_t)len);
	rsg_buf_put(&p->buf, v, len);
}

void
rsg_bind_id(struct rsg_bind *b, int param, const struct rsg_id *id)
{
	put(b, param, "u", id->b, sizeof id->b);
}

void
rsg_bind_bytes(struct rsg_bind *b, int param, const void *v, size_t len)
{
	put(b, param, "b", v, len);
}

void
rsg_bind_text(struct rsg_bind *b, int param, const char *v, size_t len)
{
	put(b, param, "t", v, len);
}

void
rsg_bind_bool(struct rsg_bind *b, int param, bool v)
{
	uint8_t byte = v;

	put(b, param, "o", &byte, 1);
}

void
rsg_bind_int(struct rsg_bind *b, int param, int64_t v)
{
	uint8_t be[8];
	const struct type *t;

	if (param < 0 || param >= b->n)
		mistake(b->sql, param, "no such parameter");
	t = b->param[param].type;

	/* A number may come from a request: too large a one fails the call. */
	if ((t->width == 2 && (v < INT16_MIN || v > INT16_MAX)) ||
	    (t->width == 4 && (v < INT32_MIN || v > INT32_MAX)) ||
	    (t->letter == 'z' && v < INT64_MIN + RSG__PG_EPOCH)) {
		b->err = RSG_BAD_VALUE;
		v = 0;
	}
	if (t->letter == 'z')
		v -= RSG__PG_EPOCH;
	rsg_be64(be, (uint64_t)v);
	put(b, param, "hilz", be + 8 - t->width, t->width);
}

void
rsg_bind_null(struct rsg_bind *b, int param)
{
	struct param *p = next(b, param, NULL);

	/* A scalar that nothing was put into is NULL already. */
	if (p->array)
		rsg_buf_u32(&p->buf, NULL_LEN);
	p->nulls = true;
}

/* libpq copied the parameters when they were sent. */
void
rsg_bind_again(struct rsg_bind *b)
{
	rsg__bind_begin(b, b->sql);
}

size_t
rsg_bind_count(const struct rsg_bind *b, int param)
{
	if (param < 0 || param >= b->n)
		mistake(b->sql, param, "no such parameter");
	return b->param[param].n;
}

/* Now that the elements are counted, write the head before them. */
static size_t
finish_array(struct param *p)
{
	uint8_t *head = p->buf.p;

	rsg_be32(head, p->n > 0);		/* dimensions */
	rsg_be32(head + 4, p->nulls);
	rsg_be32(head + 8, p->type->oid);
	rsg_be32(head + 12, p->n);
	rsg_be32(head + 16, 1);			/* the first element's number */
	return p->n > 0 ? p->buf.len : ARRAY_EMPTY;
}

enum rsg_err
rsg__bind_values(struct rsg_bind *b, struct rsg__values *v)
{
	enum rsg_err e;

	if (b->sent)
		mistake(b->sql, 0, "sent twice");
	b->sent = true;
	if (b->err != RSG_OK)
		return b->err;
	v->n = b->n;
	for (int i = 0; i < b->n; i++) {
		struct param *p = &b->param[i];

		if ((e = rsg_buf_err(&p->buf)) != RSG_OK)
			return e;
		v->format[i] = 1;
		v->len[i] = p->array ? (int)finish_array(p) : (int)p->buf.len;
		v->value[i] = (const char *)p->buf.p;
		if (!p->array && (p->n == 0 || p->nulls))
			v->value[i] = NULL;
		else if (v->value[i] == NULL)
			v->value[i] = "";	/* empty, but not NULL */
	}
	return RSG_OK;
}
