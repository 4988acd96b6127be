/*
 * Messages are written by one process and judged by another that may not
 * trust it. The judge is check(): it walks each group once, counts what it
 * meets against the shape's row in `admits`, and stops at the first fault.
 * Readers may rely on it and have no errors of their own.
 */
#include "resguardo/msg.h"

#include <string.h>

#include "resguardo/clock.h"
#include "resguardo/utf8.h"

#define FORMAT		1	/* the version in each head */
#define REQUEST		0
#define REPLY		1
#define FIELD_HEAD	6	/* number, length */

/* The tables. ops.def names sockets shortly. */
enum { API = RSG_SOCKET_API, ADMIN = RSG_SOCKET_ADMIN, LONG = RSG_CALL_LONG };

static const struct rsg_fieldinfo fields[RSG_F__MAX] = {
#define F(name, json, type, max, shape) \
	[RSG_F_##name] = { json, RSG_T_##type, max, RSG_SHAPE_##shape },
#include "resguardo/fields.def"
#undef F
};

#define SHAPE(name) static const struct rsg_memberinfo members_##name[] = {
#define M(field, many, place) { RSG_F_##field, RSG_##many, RSG_##place },
#define END() };
#include "resguardo/shapes.def"
#undef SHAPE
#undef M
#undef END

static const struct rsg_shapeinfo shapes[RSG_SHAPE__MAX] = {
#define SHAPE(name) [RSG_SHAPE_##name] = { #name, members_##name, \
	sizeof(members_##name) / sizeof(struct rsg_memberinfo) },
#define M(field, many, place)
#define END()
#include "resguardo/shapes.def"
#undef SHAPE
#undef M
#undef END
};

/*
 * The same the other way round, so that a check looks each field up in one
 * step: how many of a field a shape takes, plus one; 0 is none at all.
 */
static const uint8_t admits[RSG_SHAPE__MAX][RSG_F__MAX] = {
#define SHAPE(name) [RSG_SHAPE_##name] = {
#define M(field, many, place) [RSG_F_##field] = RSG_##many + 1,
#define END() },
#include "resguardo/shapes.def"
#undef SHAPE
#undef M
#undef END
};

static const struct rsg_opinfo ops[RSG_OP__MAX] = {
#define OP(name, sockets, in, out) \
	[RSG_OP_##name] = { #name, sockets, RSG_SHAPE_##in, RSG_SHAPE_##out },
#include "resguardo/ops.def"
#undef OP
};

const struct rsg_fieldinfo *
rsg_msg_field(enum rsg_field f)
{
	static const struct rsg_fieldinfo none = { .json = "" };

	return (unsigned)f < RSG_F__MAX ? &fields[f] : &none;
}

const struct rsg_shapeinfo *
rsg_msg_shape(enum rsg_shape s)
{
	return &shapes[(unsigned)s < RSG_SHAPE__MAX ? s : RSG_SHAPE_NONE];
}

const struct rsg_opinfo *
rsg_msg_op(enum rsg_op op)
{
	return (unsigned)op < RSG_OP__MAX ? &ops[op] : NULL;
}

/* Writing */

/* The head: length, version, kind, call, serial, status, two zero bytes. */
static size_t
begin(struct rsg_buf *b, enum rsg_op op, uint8_t kind, uint64_t serial,
    enum rsg_err status)
{
	size_t begun = b->len;

	rsg_buf_u32(b, 0);	/* until rsg_msg_end() */
	rsg_buf_u8(b, FORMAT);
	rsg_buf_u8(b, kind);
	rsg_buf_u16(b, (uint16_t)op);
	rsg_buf_u64(b, serial);
	rsg_buf_u16(b, (uint16_t)status);
	rsg_buf_u16(b, 0);
	return begun;
}

size_t
rsg_msg_begin(struct rsg_buf *b, enum rsg_op op, uint64_t serial)
{
	return begin(b, op, REQUEST, serial, RSG_OK);
}

size_t
rsg_msg_reply(struct rsg_buf *b, enum rsg_op op, uint64_t serial,
    enum rsg_err status)
{
	return begin(b, op, REPLY, serial, status);
}

/* What the reader would refuse for its length is better not sent. */
void
rsg_msg_end(struct rsg_buf *b, size_t begun)
{
	if (!rsg_buf_ok(b))
		return;
	if (b->len - begun > RSG_MSG_MAX)
		b->failed = true;
	else
		rsg_be32(b->p + begun, (uint32_t)(b->len - begun - RSG_MSG_HEAD));
}

/* Number and length, and the place for the bytes. */
static uint8_t *
put_field(struct rsg_buf *b, enum rsg_field f, size_t n)
{
	uint8_t *p;

	/* Also keeps the sum below from wrapping round. */
	if (n > RSG_MSG_MAX) {
		b->failed = true;
		return NULL;
	}
	if ((p = rsg_buf_extend(b, FIELD_HEAD + n)) == NULL)
		return NULL;
	rsg_be16(p, (uint16_t)f);
	rsg_be32(p + 2, (uint32_t)n);
	return p + FIELD_HEAD;
}

void
rsg_msg_bytes(struct rsg_buf *b, enum rsg_field f, const void *from, size_t n)
{
	uint8_t *p = put_field(b, f, n);

	if (p != NULL && n > 0)
		memcpy(p, from, n);
}

void
rsg_msg_text(struct rsg_buf *b, enum rsg_field f, const char *s)
{
	rsg_msg_bytes(b, f, s, strlen(s));
}

void
rsg_msg_int(struct rsg_buf *b, enum rsg_field f, int64_t v)
{
	uint8_t *p = put_field(b, f, 8);

	if (p != NULL)
		rsg_be64(p, (uint64_t)v);
}

void
rsg_msg_bool(struct rsg_buf *b, enum rsg_field f, bool v)
{
	uint8_t byte = v;

	rsg_msg_bytes(b, f, &byte, 1);
}

void
rsg_msg_id(struct rsg_buf *b, enum rsg_field f, const struct rsg_id *id)
{
	rsg_msg_bytes(b, f, id->b, RSG_ID_LEN);
}

/* The mark is where the group's fields start; its length is just before. */
size_t
rsg_msg_open(struct rsg_buf *b, enum rsg_field f)
{
	(void)put_field(b, f, 0);
	return b->len;
}

void
rsg_msg_close(struct rsg_buf *b, size_t mark)
{
	if (!rsg_buf_ok(b))
		return;
	if (b->len - mark > RSG_MSG_MAX)
		b->failed = true;
	else
		rsg_be32(b->p + mark - 4, (uint32_t)(b->len - mark));
}

/* Checking */

enum rsg_err
rsg_msg_head(const uint8_t *p, struct rsg_head *h)
{
	struct rsg_rd r;
	uint16_t status, zero;
	uint8_t version, kind;

	rsg_rd_init(&r, p, RSG_MSG_HEAD);
	h->len = rsg_rd_u32(&r);
	version = rsg_rd_u8(&r);
	kind = rsg_rd_u8(&r);
	h->op = rsg_rd_u16(&r);
	h->serial = rsg_rd_u64(&r);
	status = rsg_rd_u16(&r);
	zero = rsg_rd_u16(&r);
	h->reply = kind == REPLY;
	h->status = status;
	if (version != FORMAT || kind > REPLY || zero != 0)
		return RSG_MALFORMED;
	if (h->op >= RSG_OP__MAX || status >= RSG_ERR__MAX)
		return RSG_MALFORMED;
	/* Only an answer can say how it went. */
	if (!h->reply && status != RSG_OK)
		return RSG_MALFORMED;
	return h->len > RSG_MSG_MAX - RSG_MSG_HEAD ? RSG_TOO_LARGE : RSG_OK;
}

/* Eight bytes at once: none below blank, none DEL, none past ASCII. */
static bool
plain8(const uint8_t *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ((v | (v - 0x20 * ones) | (v + ones)) & 0x80 * ones) == 0;
}

/*
 * Control characters could forge lines and terminal sequences wherever a text
 * is shown, and no value of ours needs them. C1 ones (0x80 to 0x9f) too.
 */
bool
rsg_msg_utf8(const uint8_t *p, size_t n)
{
	uint32_t code;
	size_t step;

	for (; n > 0; p += step, n -= step) {
		if (n >= 8 && plain8(p)) {
			step = 8;
			continue;
		}
		if ((step = rsg_utf8_next(p, n, &code)) == 0)
			return false;
		if (code < 0x20 && code != '\n' && code != '\t')
			return false;
		if (code >= 0x7f && code < 0xa0)
			return false;
	}
	return true;
}

bool
rsg_msg_name(const uint8_t *p, size_t n)
{
	static const bool fits[256] = {
		['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
		['.'] = true, ['_'] = true, [':'] = true, ['-'] = true,
	};

	for (size_t i = 0; i < n; i++)
		if (!fits[p[i]])
			return false;
	return n > 0;
}

/* Outside our years a time could overflow whoever computes with it. */
static bool
in_range(const uint8_t *p, size_t n, int64_t min, int64_t max)
{
	int64_t v;

	if (n != 8)
		return false;
	v = (int64_t)rsg_get64(p);
	return v >= min && v <= max;
}

/* Does a value that is no group have the form that its type requires? */
static bool
fits_type(enum rsg_ftype type, const uint8_t *p, size_t n)
{
	switch (type) {
	case RSG_T_TEXT:
		return rsg_msg_utf8(p, n);
	case RSG_T_NAME:
		return rsg_msg_name(p, n);
	case RSG_T_ID:
		return n == RSG_ID_LEN;
	case RSG_T_INT:
		return n == 8;
	case RSG_T_BOOL:
		return n == 1 && p[0] <= 1;
	case RSG_T_TIME:
		return in_range(p, n, RSG_TIME_MIN, RSG_TIME_MAX);
	case RSG_T_DAY:
		return in_range(p, n, RSG_DAY_MIN, RSG_DAY_MAX);
	case RSG_T_BLOB:
	case RSG_T_HEX:
		return true;
	case RSG_T_GROUP:
	case RSG_T_MAP:
		break;
	}
	return false;
}

/* May one more of this field stand here? `seen` counts the ones before. */
static enum rsg_err
check_count(uint8_t admitted, uint16_t *seen)
{
	if (admitted == 0)
		return RSG_UNKNOWN_MEMBER;
	if (admitted == RSG_MANY + 1)
		return ++*seen > RSG_MSG_ITEMS ? RSG_TOO_LARGE : RSG_OK;
	return ++*seen > 1 ? RSG_MALFORMED : RSG_OK;
}

static enum rsg_err check(struct rsg_fields, enum rsg_shape, enum rsg_shape,
    unsigned, enum rsg_field *);

static enum rsg_err
check_value(const struct rsg_fieldinfo *info, const uint8_t *p, size_t n,
    unsigned depth, enum rsg_field *at)
{
	struct rsg_fields inner = { p, n };

	if (n > info->max)
		return RSG_TOO_LARGE;
	if (info->type != RSG_T_GROUP && info->type != RSG_T_MAP)
		return fits_type(info->type, p, n) ? RSG_OK : RSG_BAD_VALUE;
	if (depth == RSG_MSG_DEPTH)
		return RSG_TOO_LARGE;
	return check(inner, info->shape, RSG_SHAPE_NONE, depth + 1, at);
}

/* A shape has a score of members at most; a walk through them is short. */
static enum rsg_err
check_missing(enum rsg_shape shape, const uint16_t *seen, enum rsg_field *at)
{
	const struct rsg_shapeinfo *s = &shapes[shape];

	for (size_t i = 0; i < s->n; i++) {
		*at = s->member[i].field;
		if (s->member[i].many == RSG_ONE && seen[*at] == 0)
			return RSG_MISSING_MEMBER;
	}
	return RSG_OK;
}

/*
 * One group. `seen` lies on the stack, a few hundred bytes for each of at most
 * five levels; the depth is bounded before going down, never after.
 */
static enum rsg_err
check(struct rsg_fields f, enum rsg_shape shape, enum rsg_shape extra,
    unsigned depth, enum rsg_field *at)
{
	uint16_t seen[RSG_F__MAX] = { 0 };
	const uint8_t *p;
	enum rsg_field field;
	enum rsg_err e;
	uint8_t admitted;
	size_t n, pos = 0;

	while (rsg_msg_next(f, &pos, &field, &p, &n)) {
		*at = RSG_F__MAX;
		if ((unsigned)field >= RSG_F__MAX)
			return RSG_UNKNOWN_MEMBER;
		*at = field;
		/* The shape first: what it says of a field goes before `extra`. */
		if ((admitted = admits[shape][field]) == 0)
			admitted = admits[extra][field];
		e = check_count(admitted, &seen[field]);
		if (e != RSG_OK)
			return e;
		e = check_value(&fields[field], p, n, depth, at);
		if (e != RSG_OK)
			return e;
	}
	/* The walk stopped early: the last field is not whole. */
	if (pos != f.len) {
		*at = RSG_F__MAX;
		return RSG_MALFORMED;
	}
	return check_missing(shape, seen, at);
}

enum rsg_err
rsg_msg_check(struct rsg_fields f, enum rsg_shape shape, enum rsg_shape extra,
    enum rsg_field *at)
{
	enum rsg_field where = RSG_F__MAX;
	enum rsg_err e = RSG_INTERNAL;

	if ((unsigned)shape < RSG_SHAPE__MAX && (unsigned)extra < RSG_SHAPE__MAX)
		e = check(f, shape, extra, 0, &where);
	*at = e == RSG_OK ? RSG_F__MAX : where;
	return e;
}

/* Reading */

/* Also the first check of all: what has not its whole length ends the walk. */
bool
rsg_msg_next(struct rsg_fields f, size_t *pos, enum rsg_field *field,
    const uint8_t **p, size_t *n)
{
	const uint8_t *head;
	size_t len;

	if (*pos > f.len || f.len - *pos < FIELD_HEAD)
		return false;
	head = f.p + *pos;
	len = rsg_get32(head + 2);
	if (len > f.len - *pos - FIELD_HEAD)
		return false;
	*field = rsg_get16(head);
	*p = head + FIELD_HEAD;
	*n = len;
	*pos += FIELD_HEAD + len;
	return true;
}

/* The first of its name. A walk: messages are short, lists come last. */
bool
rsg_msg_get(struct rsg_fields f, enum rsg_field want, const uint8_t **p,
    size_t *n)
{
	enum rsg_field field;
	size_t pos = 0;

	while (rsg_msg_next(f, &pos, &field, p, n))
		if (field == want)
			return true;
	*p = NULL;
	*n = 0;
	return false;
}

bool
rsg_msg_has(struct rsg_fields f, enum rsg_field want)
{
	const uint8_t *p;
	size_t n;

	return rsg_msg_get(f, want, &p, &n);
}

/* BOOL is one byte, the others are eight. */
int64_t
rsg_msg_get_int(struct rsg_fields f, enum rsg_field want, int64_t absent)
{
	const uint8_t *p;
	size_t n;

	if (!rsg_msg_get(f, want, &p, &n))
		return absent;
	if (n == 1)
		return p[0];
	return n == 8 ? (int64_t)rsg_get64(p) : absent;
}

bool
rsg_msg_get_id(struct rsg_fields f, enum rsg_field want, struct rsg_id *id)
{
	const uint8_t *p;
	size_t n;

	memset(id, 0, sizeof(*id));
	if (!rsg_msg_get(f, want, &p, &n) || n != RSG_ID_LEN)
		return false;
	memcpy(id->b, p, RSG_ID_LEN);
	return true;
}

bool
rsg_msg_get_text(struct rsg_fields f, enum rsg_field want, char *text,
    size_t cap)
{
	const uint8_t *p;
	size_t n;

	text[0] = '\0';
	if (!rsg_msg_get(f, want, &p, &n))
		return false;
	/* Too long: cut before the character that would be split. */
	if (n >= cap)
		for (n = cap - 1; n > 0 && (p[n] & 0xc0) == 0x80; n--)
			;
	if (n > 0)
		memcpy(text, p, n);
	text[n] = '\0';
	return true;
}

bool
rsg_msg_each(struct rsg_fields f, size_t *pos, enum rsg_field want,
    struct rsg_fields *item)
{
	enum rsg_field field;

	while (rsg_msg_next(f, pos, &field, &item->p, &item->len))
		if (field == want)
			return true;
	*item = (struct rsg_fields){ NULL, 0 };
	return false;
}
