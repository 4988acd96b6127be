#include "intake/body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "intake/value.h"
#include "resguardo/json.h"

static enum rsg_err put_members(struct rsg_buf *, enum rsg_shape,
    const struct rsg_json *, bool line_set, struct rsg_at *);

/* A map's value may be written as text, integer, truth, or nothing. */
static enum rsg_err
put_pair_value(struct rsg_buf *b, const struct rsg_json *v)
{
	char text[24];
	int n;

	switch (rsg_json_type(v)) {
	case RSG_JSON_NULL:
		return RSG_OK;
	case RSG_JSON_STRING:
		return rsg_value_json(b, RSG_F_VALUE, v);
	case RSG_JSON_INT:
		n = snprintf(text, sizeof(text), "%" PRId64, rsg_json_int(v));
		return rsg_value_text(b, RSG_F_VALUE, text, (size_t)n);
	case RSG_JSON_BOOL:
		rsg_msg_text(b, RSG_F_VALUE, rsg_json_bool(v) ? "true" : "false");
		return RSG_OK;
	default:
		return RSG_BAD_VALUE;
	}
}

static enum rsg_err
put_pair(struct rsg_buf *b, enum rsg_field f, const char *name,
    const struct rsg_json *v, struct rsg_at *at)
{
	size_t len = strlen(name), back, mark;
	enum rsg_err e;

	back = rsg_at_name(at, name, len);
	mark = rsg_msg_open(b, f);
	/* A name with odd characters is no field of anybody's. */
	if (rsg_value_text(b, RSG_F_KEY, name, len) != RSG_OK)
		return RSG_UNKNOWN_MEMBER;
	if ((e = put_pair_value(b, v)) != RSG_OK)
		return e;
	rsg_msg_close(b, mark);
	rsg_at_back(at, back);
	return RSG_OK;
}

static enum rsg_err
put_map(struct rsg_buf *b, enum rsg_field f, const struct rsg_json *v,
    struct rsg_at *at)
{
	const struct rsg_json *value;
	const char *name;
	void *iter = NULL;
	enum rsg_err e;

	if (rsg_json_type(v) != RSG_JSON_OBJECT)
		return RSG_BAD_VALUE;
	if (rsg_json_size(v) > RSG_MSG_ITEMS)
		return RSG_TOO_LARGE;
	while (rsg_json_next(v, &iter, &name, &value))
		if ((e = put_pair(b, f, name, value, at)) != RSG_OK)
			return e;
	return RSG_OK;
}

static enum rsg_err
put_group(struct rsg_buf *b, enum rsg_field f, const struct rsg_json *v,
    struct rsg_at *at)
{
	const struct rsg_fieldinfo *info = rsg_msg_field(f);
	size_t mark;
	enum rsg_err e;

	if (rsg_json_type(v) != RSG_JSON_OBJECT)
		return RSG_BAD_VALUE;
	mark = rsg_msg_open(b, f);
	if ((e = put_members(b, info->shape, v, false, at)) != RSG_OK)
		return e;
	rsg_msg_close(b, mark);
	return rsg_buf_ok(b) && b->len - mark > info->max ? RSG_TOO_LARGE :
	    RSG_OK;
}

static enum rsg_err
put_one(struct rsg_buf *b, enum rsg_field f, const struct rsg_json *v,
    struct rsg_at *at)
{
	if (rsg_msg_field(f)->type == RSG_T_GROUP)
		return put_group(b, f, v, at);
	return rsg_value_json(b, f, v);
}

static enum rsg_err
put_list(struct rsg_buf *b, enum rsg_field f, const struct rsg_json *v,
    struct rsg_at *at)
{
	size_t back, n;
	enum rsg_err e;

	if (rsg_json_type(v) != RSG_JSON_ARRAY)
		return RSG_BAD_VALUE;
	n = rsg_json_size(v);
	if (n > RSG_MSG_ITEMS)
		return RSG_TOO_LARGE;
	for (size_t i = 0; i < n; i++) {
		back = rsg_at_index(at, i);
		if ((e = put_one(b, f, rsg_json_at(v, i), at)) != RSG_OK)
			return e;
		rsg_at_back(at, back);
	}
	return RSG_OK;
}

/* The member of that name which the shape takes from a body. */
static const struct rsg_memberinfo *
find_member(const struct rsg_shapeinfo *shape, const char *name)
{
	const struct rsg_memberinfo *m;

	for (size_t i = 0; i < shape->n; i++) {
		m = &shape->member[i];
		if (m->place == RSG_BODY &&
		    strcmp(rsg_msg_field(m->field)->json, name) == 0)
			return m;
	}
	return NULL;
}

static enum rsg_err
check_missing(const struct rsg_shapeinfo *shape, const struct rsg_json *v,
    struct rsg_at *at)
{
	const struct rsg_memberinfo *m;
	const char *name;

	for (size_t i = 0; i < shape->n; i++) {
		m = &shape->member[i];
		name = rsg_msg_field(m->field)->json;
		if (m->place != RSG_BODY || m->many != RSG_ONE ||
		    rsg_json_get(v, name) != NULL)
			continue;
		rsg_at_name(at, name, strlen(name));
		return RSG_MISSING_MEMBER;
	}
	return RSG_OK;
}

static enum rsg_err
put_member(struct rsg_buf *b, const struct rsg_memberinfo *m, const struct rsg_json *v,
    bool line_set, struct rsg_at *at)
{
	if (m == NULL || (line_set && m->field == RSG_F_LINE))
		return RSG_UNKNOWN_MEMBER;
	if (rsg_msg_field(m->field)->type == RSG_T_MAP)
		return put_map(b, m->field, v, at);
	if (m->many == RSG_MANY)
		return put_list(b, m->field, v, at);
	return put_one(b, m->field, v, at);
}

/* May the body do without this member, for the handler to decide? */
static bool
can_miss(const struct rsg_shapeinfo *shape, const struct rsg_memberinfo *m)
{
	for (size_t i = 0; i < shape->n; i++)
		if (shape->member[i].place == RSG_INTAKE)
			return m == NULL || m->many == RSG_SOFT;
	return false;
}

/* The first that was left out speaks for all. */
static void
name_missed(struct rsg_buf *b, const struct rsg_at *at, enum rsg_err e)
{
	if (at->len > 0)
		rsg_msg_text(b, RSG_F_MEMBER, at->path);
	rsg_msg_text(b, RSG_F_ERROR, rsg_err_id(e));
}

static enum rsg_err
put_members(struct rsg_buf *b, enum rsg_shape shape, const struct rsg_json *v,
    bool line_set, struct rsg_at *at)
{
	const struct rsg_shapeinfo *s = rsg_msg_shape(shape);
	const struct rsg_memberinfo *m;
	const struct rsg_json *value;
	bool missed = false;
	const char *name;
	void *iter = NULL;
	size_t back, begun;
	enum rsg_err e;

	while (rsg_json_next(v, &iter, &name, &value)) {
		begun = b->len;
		back = rsg_at_name(at, name, strlen(name));
		m = find_member(s, name);
		if ((e = put_member(b, m, value, line_set, at)) != RSG_OK) {
			if (!rsg_buf_ok(b) || !can_miss(s, m))
				return e;
			b->len = begun;
			if (!missed)
				name_missed(b, at, e);
			missed = true;
		}
		rsg_at_back(at, back);
	}
	return check_missing(s, v, at);
}

static enum rsg_err
parse(const void *p, size_t n, struct rsg_json **root)
{
	enum rsg_err e;

	if ((e = rsg_json_parse(p, n, root, NULL)) != RSG_OK)
		return e;
	return rsg_json_type(*root) == RSG_JSON_OBJECT ? RSG_OK : RSG_MALFORMED;
}

enum rsg_err
rsg_body_object(struct rsg_buf *b, enum rsg_shape shape, const void *p,
    size_t n, struct rsg_at *at)
{
	struct rsg_json *root = NULL;
	enum rsg_err e;

	rsg_at_init(at);
	if ((e = parse(p, n, &root)) == RSG_OK)
		e = put_members(b, shape, root, false, at);
	rsg_json_free(root);
	return e != RSG_OK ? e : rsg_buf_err(b);
}

enum rsg_err
rsg_body_item(struct rsg_buf *b, enum rsg_field item, int64_t line,
    const void *p, size_t n, struct rsg_at *at)
{
	const struct rsg_fieldinfo *info = rsg_msg_field(item);
	struct rsg_json *root = NULL;
	size_t mark;
	enum rsg_err e;

	rsg_at_init(at);
	mark = rsg_msg_open(b, item);
	if (line > 0)
		rsg_msg_int(b, RSG_F_LINE, line);
	if ((e = parse(p, n, &root)) == RSG_OK)
		e = put_members(b, info->shape, root, true, at);
	rsg_msg_close(b, mark);
	rsg_json_free(root);
	if (e == RSG_OK && rsg_buf_ok(b) && b->len - mark > info->max)
		e = RSG_TOO_LARGE;
	return e != RSG_OK ? e : rsg_buf_err(b);
}
