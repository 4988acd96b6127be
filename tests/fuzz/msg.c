/*
 * Messages from the other process: a frame's head, then its fields checked
 * against every call's request and reply; whatever passes is read through
 * every way of reading that the handlers have.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "resguardo/clock.h"
#include "resguardo/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static volatile size_t sink;

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

/* What the check promises of one value. */
static void
read_value(struct rsg_fields f, enum rsg_field field, const uint8_t *p, size_t n)
{
	const struct rsg_fieldinfo *info = rsg_msg_field(field);
	char text[RSG_TIME_TEXT];
	struct rsg_id id;

	expect(n <= info->max && rsg_msg_has(f, field));
	for (size_t i = 0; i < n; i++)
		sink += p[i];
	switch (info->type) {
	case RSG_T_TEXT:
	case RSG_T_NAME:
		expect(rsg_msg_get_text(f, field, text, sizeof(text)));
		break;
	case RSG_T_ID:
		expect(rsg_msg_get_id(f, field, &id));
		break;
	case RSG_T_TIME:
		rsg_clock_text(rsg_msg_get_int(f, field, 0), text);
		break;
	case RSG_T_DAY:
		rsg_clock_day_text(rsg_msg_get_int(f, field, 0), text);
		break;
	case RSG_T_BOOL:
		expect((uint64_t)rsg_msg_get_int(f, field, 2) <= 1);
		break;
	default:
		break;
	}
}

static void
read_all(struct rsg_fields f, unsigned depth)
{
	struct rsg_fields item;
	const uint8_t *p;
	enum rsg_field field;
	size_t n, each, pos = 0;

	expect(depth <= RSG_MSG_DEPTH);
	while (rsg_msg_next(f, &pos, &field, &p, &n)) {
		read_value(f, field, p, n);
		each = pos - n - 6;
		expect(rsg_msg_each(f, &each, field, &item));
		expect(item.p == p && item.len == n);
		if (rsg_msg_field(field)->type >= RSG_T_GROUP)
			read_all(item, depth + 1);
	}
	expect(pos == f.len);
}

static void
check(struct rsg_fields f, enum rsg_shape shape, enum rsg_shape extra)
{
	enum rsg_field at;

	if (rsg_msg_check(f, shape, extra, &at) == RSG_OK)
		read_all(f, 0);
	else
		sink += (size_t)rsg_msg_field(at)->json[0];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsg_fields f;
	struct rsg_head h;

	if (size < RSG_MSG_HEAD)
		return 0;
	f = (struct rsg_fields){ data + RSG_MSG_HEAD, size - RSG_MSG_HEAD };
	if (rsg_msg_head(data, &h) == RSG_OK) {
		expect(rsg_msg_op(h.op) != NULL);
		expect(rsg_err_info(h.status) != NULL);
		if (h.len < f.len)
			f.len = h.len;
	}
	for (unsigned op = 0; op < RSG_OP__MAX; op++) {
		check(f, rsg_msg_op(op)->in, RSG_SHAPE_CONTEXT);
		check(f, rsg_msg_op(op)->out, RSG_SHAPE_TRAILER);
	}
	return 0;
}
