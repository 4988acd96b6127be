#include <string.h>

#include "render/render.h"

/*
 * A cell is quoted where RFC 4180 asks for it; one that a spreadsheet would
 * take for a formula gets an apostrophe before it. Numbers, ids and times
 * are of our own making and need neither.
 */
static void
put_cell(struct rsg_buf *b, enum rsg_ftype type, const uint8_t *p, size_t n)
{
	size_t start = b->len, len;
	struct rsg_buf plain;
	const uint8_t *q;

	if (type != RSG_T_TEXT && type != RSG_T_NAME && type != RSG_T_BLOB) {
		rsg_render_value(b, type, p, n);
		return;
	}
	rsg_buf_init(&plain, RSG_MSG_MAX * 2);
	rsg_render_value(&plain, type, p, n);
	q = plain.p;
	len = plain.len;
	rsg_buf_u8(b, '"');
	if (len > 0 && memchr("=+-@\t\r", q[0], 6) != NULL)
		rsg_buf_u8(b, '\'');
	for (size_t i = 0; i < len; i++) {
		if (q[i] == '"')
			rsg_buf_u8(b, '"');
		rsg_buf_u8(b, q[i]);
	}
	rsg_buf_u8(b, '"');
	/* Most cells need no quotes: write them again as they are. */
	if (rsg_buf_ok(b) && b->len - start == len + 2 && (len == 0 ||
	    (memchr(q, ',', len) == NULL && memchr(q, '\n', len) == NULL))) {
		b->len = start;
		rsg_buf_put(b, q, len);
	}
	if (!rsg_buf_ok(&plain))
		b->failed = true;
	rsg_buf_free(&plain);
}

/* A list of names is one cell, with blanks between them: none has any. */
static void
put_list(struct rsg_buf *b, struct rsg_fields item, enum rsg_field f)
{
	struct rsg_fields one;
	struct rsg_buf all;
	size_t pos = 0;

	rsg_buf_init(&all, RSG_MSG_MAX);
	while (rsg_msg_each(item, &pos, f, &one)) {
		if (all.len > 0)
			rsg_buf_u8(&all, ' ');
		rsg_render_value(&all, rsg_msg_field(f)->type, one.p, one.len);
	}
	if (!rsg_buf_ok(&all))
		b->failed = true;
	else if (all.len > 0)
		put_cell(b, RSG_T_TEXT, all.p, all.len);
	rsg_buf_free(&all);
}

static void
put_row(struct rsg_buf *b, struct rsg_fields item,
    const struct rsg_shapeinfo *s)
{
	const uint8_t *p;
	enum rsg_field f;
	size_t n;

	for (size_t i = 0; i < s->n; i++) {
		f = s->member[i].field;
		if (i > 0)
			rsg_buf_u8(b, ',');
		if (s->member[i].many == RSG_MANY)
			put_list(b, item, f);
		else if (rsg_msg_get(item, f, &p, &n))
			put_cell(b, rsg_msg_field(f)->type, p, n);
	}
	rsg_buf_str(b, "\r\n");
}

void
rsg_render_csv(struct rsg_buf *b, struct rsg_fields f, enum rsg_field list)
{
	const struct rsg_shapeinfo *s;
	struct rsg_fields item;
	size_t pos = 0;

	s = rsg_msg_shape(rsg_msg_field(list)->shape);
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			rsg_buf_u8(b, ',');
		rsg_buf_str(b, rsg_msg_field(s->member[i].field)->json);
	}
	rsg_buf_str(b, "\r\n");
	while (rsg_msg_each(f, &pos, list, &item))
		put_row(b, item, s);
}
