#include "intake/query.h"

#include <string.h>

#include "intake/codec.h"
#include "intake/value.h"
#include "resguardo/secret.h"

#define VALUE_MAX	1024	/* bytes of one parameter, encoded */

bool
rsg_query_next(const char *query, size_t len, size_t *pos,
    struct rsg_param *p)
{
	const char *amp, *eq;
	size_t left;

	if (*pos >= len)
		return false;
	p->name = query + *pos;
	left = len - *pos;
	amp = memchr(p->name, '&', left);
	if (amp != NULL)
		left = (size_t)(amp - p->name);
	*pos += left + 1;
	eq = memchr(p->name, '=', left);
	p->name_len = eq != NULL ? (size_t)(eq - p->name) : left;
	p->value = eq != NULL ? eq + 1 : p->name + left;
	p->len = eq != NULL ? left - p->name_len - 1 : 0;
	return true;
}

static bool
named(const struct rsg_param *p, const char *name)
{
	return strlen(name) == p->name_len &&
	    memcmp(name, p->name, p->name_len) == 0;
}

static const struct rsg_memberinfo *
find_member(enum rsg_shape shape, enum rsg_place place,
    const struct rsg_param *p, size_t *index)
{
	const struct rsg_shapeinfo *s = rsg_msg_shape(shape);

	for (*index = 0; *index < s->n; ++*index)
		if (s->member[*index].place == place &&
		    named(p, rsg_msg_field(s->member[*index].field)->json))
			return &s->member[*index];
	return NULL;
}

/* "a,b,c": each of them a value of its own. */
static enum rsg_err
put_list(struct rsg_buf *b, enum rsg_field f, const char *s, size_t n)
{
	const char *comma;
	size_t step;
	enum rsg_err e;

	for (;;) {
		comma = memchr(s, ',', n);
		step = comma != NULL ? (size_t)(comma - s) : n;
		if (step == 0)
			return RSG_BAD_VALUE;
		if ((e = rsg_value_text(b, f, s, step)) != RSG_OK)
			return e;
		if (comma == NULL)
			return RSG_OK;
		s += step + 1;
		n -= step + 1;
	}
}

static enum rsg_err
put_param(struct rsg_buf *b, const struct rsg_memberinfo *m,
    const struct rsg_param *p)
{
	char plain[VALUE_MAX];
	size_t n;
	enum rsg_err e;

	if (p->len > sizeof(plain))
		return RSG_TOO_LARGE;
	n = rsg_codec_unpercent(p->value, p->len, plain);
	if (n == RSG_CODEC_BAD)
		return RSG_MALFORMED;
	if (m->many == RSG_MANY)
		e = put_list(b, m->field, plain, n);
	else
		e = rsg_value_text(b, m->field, plain, n);
	rsg_secret_wipe(plain, p->len);
	return e;
}

static enum rsg_err
check_missing(enum rsg_shape shape, uint64_t seen, struct rsg_at *at)
{
	const struct rsg_shapeinfo *s = rsg_msg_shape(shape);
	const char *name;

	for (size_t i = 0; i < s->n; i++) {
		if (s->member[i].place != RSG_QUERY ||
		    s->member[i].many != RSG_ONE || (seen & UINT64_C(1) << i))
			continue;
		name = rsg_msg_field(s->member[i].field)->json;
		rsg_at_name(at, name, strlen(name));
		return RSG_MISSING_MEMBER;
	}
	return RSG_OK;
}

enum rsg_err
rsg_query_fields(struct rsg_buf *b, enum rsg_shape shape, const char *query,
    size_t len, const char *reserved, struct rsg_at *at)
{
	const struct rsg_memberinfo *m;
	struct rsg_param p;
	uint64_t seen = 0;
	size_t pos = 0, index, back;
	enum rsg_err e;

	rsg_at_init(at);
	while (rsg_query_next(query, len, &pos, &p)) {
		if (reserved != NULL && named(&p, reserved))
			continue;
		back = rsg_at_name(at, p.name, p.name_len);
		if ((m = find_member(shape, RSG_QUERY, &p, &index)) == NULL)
			return RSG_UNKNOWN_MEMBER;
		if (seen & UINT64_C(1) << index)
			return RSG_MALFORMED;
		seen |= UINT64_C(1) << index;
		if ((e = put_param(b, m, &p)) != RSG_OK)
			return e;
		rsg_at_back(at, back);
	}
	return check_missing(shape, seen, at);
}

enum rsg_err
rsg_query_path(struct rsg_buf *b, enum rsg_shape shape,
    const struct rsg_param *p, struct rsg_at *at)
{
	const struct rsg_memberinfo *m;
	size_t index, back;
	enum rsg_err e;

	rsg_at_init(at);
	back = rsg_at_name(at, p->name, p->name_len);
	if ((m = find_member(shape, RSG_PATH, p, &index)) == NULL)
		return RSG_INTERNAL;	/* routes.def and shapes.def disagree */
	if ((e = put_param(b, m, p)) == RSG_OK)
		rsg_at_back(at, back);
	return e;
}
