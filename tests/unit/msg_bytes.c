/*
 * The bytes of messages: heads, fields written and read back, the text rules,
 * and the tables that the rest of the code takes for granted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "resguardo/msg.h"

static struct rsg_fields
all(const struct rsg_buf *b)
{
	return (struct rsg_fields){ b->p, b->len };
}

static void
knows_utf8_from_other_bytes(void **state)
{
	static const char *const good[] = { "", "a", "ñ", "€", "😀", "\xed\x9f\xbf",
		"\xee\x80\x80", "\xef\xbf\xbd", "\xf0\x90\x80\x80", "1234567ñ" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf",
		"\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xfe", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(",
		"\xe2(\xa1", "\xe2\x82(", "1234567\xc3", "12345678\xc3" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!rsg_msg_utf8((const uint8_t *)good[i], strlen(good[i])))
			fail_msg("good %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rsg_msg_utf8((const uint8_t *)bad[i], strlen(bad[i])))
			fail_msg("bad %zu", i);
	/* The rest of a character is there, but past the length. */
	assert_false(rsg_msg_utf8((const uint8_t *)"ñ", 1));
	assert_false(rsg_msg_utf8((const uint8_t *)"1234567€", 9));
}

/* Any byte at any place of eight: the quick way and the slow way agree. */
static void
finds_a_control_character_anywhere(void **state)
{
	uint8_t text[16];

	(void)state;
	for (unsigned c = 0; c < 0x80; c++)
		for (size_t i = 0; i < sizeof(text); i++) {
			bool fine = (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';

			memset(text, 'x', sizeof(text));
			text[i] = (uint8_t)c;
			assert_int_equal(rsg_msg_utf8(text, sizeof(text)), fine);
		}
}

static void
heads_come_back(void **state)
{
	struct rsg_buf b;
	struct rsg_head h;
	size_t first, second;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	first = rsg_msg_begin(&b, RSG_OP_MEMBERS, UINT64_MAX - 1);
	rsg_msg_text(&b, RSG_F_TEXT, "abc");
	rsg_msg_end(&b, first);
	second = rsg_msg_reply(&b, RSG_OP_READY, 5, RSG_UNAVAILABLE);
	rsg_msg_end(&b, second);

	assert_int_equal(rsg_msg_head(b.p + first, &h), RSG_OK);
	assert_int_equal(h.len, 9);
	assert_int_equal(h.op, RSG_OP_MEMBERS);
	assert_true(h.serial == UINT64_MAX - 1);
	assert_false(h.reply);
	assert_int_equal(h.status, RSG_OK);
	assert_int_equal(second, RSG_MSG_HEAD + 9);
	assert_int_equal(rsg_msg_head(b.p + second, &h), RSG_OK);
	assert_int_equal(h.len, 0);
	assert_true(h.reply);
	assert_int_equal(h.status, RSG_UNAVAILABLE);
	assert_int_equal(h.serial, 5);
	rsg_buf_free(&b);
}

static void
refuses_bad_heads(void **state)
{
	static const struct { size_t at; uint8_t byte; enum rsg_err want; } cases[] = {
		{ 0, 0x80, RSG_TOO_LARGE }, { 1, 0x20, RSG_TOO_LARGE },
		{ 1, 0x1f, RSG_OK }, { 4, 0, RSG_MALFORMED }, { 4, 2, RSG_MALFORMED },
		{ 5, 2, RSG_MALFORMED }, { 5, 1, RSG_OK }, { 6, 1, RSG_MALFORMED },
		{ 7, RSG_OP__MAX, RSG_MALFORMED }, { 7, RSG_OP__MAX - 1, RSG_OK },
		{ 17, 1, RSG_MALFORMED },	/* a request with a status */
		{ 18, 1, RSG_MALFORMED }, { 19, 1, RSG_MALFORMED },
	};
	struct rsg_buf b;
	struct rsg_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rsg_buf_init(&b, RSG_MSG_MAX);
		rsg_msg_end(&b, rsg_msg_begin(&b, RSG_OP_ME, 1));
		b.p[cases[i].at] = cases[i].byte;
		if (rsg_msg_head(b.p, &h) != cases[i].want)
			fail_msg("case %zu", i);
		rsg_buf_free(&b);
	}
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_end(&b, rsg_msg_reply(&b, RSG_OP_ME, 1, RSG_ERR__MAX));
	assert_int_equal(rsg_msg_head(b.p, &h), RSG_MALFORMED);
	/* The longest frame that there may be, and one byte more. */
	rsg_be16(b.p + 16, RSG_OK);
	rsg_be32(b.p, RSG_MSG_MAX - RSG_MSG_HEAD);
	assert_int_equal(rsg_msg_head(b.p, &h), RSG_OK);
	rsg_be32(b.p, RSG_MSG_MAX - RSG_MSG_HEAD + 1);
	assert_int_equal(rsg_msg_head(b.p, &h), RSG_TOO_LARGE);
	rsg_buf_free(&b);
}

static void
reads_what_was_written(void **state)
{
	static const struct rsg_id id = { { 9, 8, 7 } };
	struct rsg_buf b;
	struct rsg_id got;
	struct rsg_fields f, item;
	char text[8];
	size_t pos = 0;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_id(&b, RSG_F_SUBJECT, &id);
	rsg_msg_int(&b, RSG_F_VERSION, -7);
	rsg_msg_bool(&b, RSG_F_GPC, true);
	rsg_msg_text(&b, RSG_F_STAFF, "Begoñas");
	rsg_msg_text(&b, RSG_F_FIELDS, "one");
	rsg_msg_text(&b, RSG_F_FIELDS, "two");
	f = all(&b);

	assert_true(rsg_msg_get_id(f, RSG_F_SUBJECT, &got));
	assert_memory_equal(got.b, id.b, RSG_ID_LEN);
	assert_false(rsg_msg_get_id(f, RSG_F_MODEL, &got));
	assert_int_equal(got.b[0], 0);
	assert_int_equal(rsg_msg_get_int(f, RSG_F_VERSION, 1), -7);
	assert_int_equal(rsg_msg_get_int(f, RSG_F_GPC, 0), 1);
	assert_int_equal(rsg_msg_get_int(f, RSG_F_LIMIT, 100), 100);
	assert_true(rsg_msg_has(f, RSG_F_STAFF));
	assert_false(rsg_msg_has(f, RSG_F_PLACE));
	/* Eight bytes and a NUL do not fit: cut, but not through the ñ. */
	assert_true(rsg_msg_get_text(f, RSG_F_STAFF, text, sizeof(text)));
	assert_string_equal(text, "Begoña");
	assert_true(rsg_msg_get_text(f, RSG_F_STAFF, text, 6));
	assert_string_equal(text, "Bego");
	assert_true(rsg_msg_get_text(f, RSG_F_STAFF, text, 1));
	assert_string_equal(text, "");
	assert_false(rsg_msg_get_text(f, RSG_F_PLACE, text, sizeof(text)));
	assert_string_equal(text, "");

	assert_true(rsg_msg_each(f, &pos, RSG_F_FIELDS, &item));
	assert_memory_equal(item.p, "one", 3);
	assert_true(rsg_msg_each(f, &pos, RSG_F_FIELDS, &item));
	assert_memory_equal(item.p, "two", 3);
	assert_false(rsg_msg_each(f, &pos, RSG_F_FIELDS, &item));
	assert_null(item.p);
	rsg_buf_free(&b);
}

static void
a_failed_buffer_stays_failed(void **state)
{
	struct rsg_buf b;
	size_t frame, mark;

	(void)state;
	rsg_buf_init(&b, RSG_MSG_HEAD + 10);
	frame = rsg_msg_begin(&b, RSG_OP_ME, 1);
	mark = rsg_msg_open(&b, RSG_F_VALUES);
	rsg_msg_text(&b, RSG_F_KEY, "too long for it");
	rsg_msg_close(&b, mark);
	rsg_msg_end(&b, frame);
	assert_int_equal(rsg_buf_err(&b), RSG_TOO_LARGE);
	rsg_buf_free(&b);

	/* A frame longer than a reader takes is not sent at all. */
	rsg_buf_init(&b, 2 * RSG_MSG_MAX);
	frame = rsg_msg_begin(&b, RSG_OP_ME, 1);
	while (b.len <= RSG_MSG_MAX)
		rsg_msg_text(&b, RSG_F_TEXT, "0123456789012345678901234567890");
	rsg_msg_end(&b, frame);
	assert_int_equal(rsg_buf_err(&b), RSG_TOO_LARGE);
	rsg_buf_free(&b);
}

/* The tables themselves: what the rest of the code takes for granted. */
static void
tables_are_whole(void **state)
{
	(void)state;
	for (unsigned f = 0; f < RSG_F__MAX; f++) {
		const struct rsg_fieldinfo *info = rsg_msg_field(f);
		bool group = info->type == RSG_T_GROUP || info->type == RSG_T_MAP;

		assert_true(info->json[0] != '\0' && info->max > 0);
		assert_int_equal(group, info->shape != RSG_SHAPE_NONE);
	}
	for (unsigned s = 0; s < RSG_SHAPE__MAX; s++)
		for (size_t i = 0; i < rsg_msg_shape(s)->n; i++) {
			const struct rsg_memberinfo *m = &rsg_msg_shape(s)->member[i];

			if (rsg_msg_field(m->field)->type == RSG_T_MAP)
				assert_int_equal(m->many, RSG_MANY);
		}
	for (unsigned o = 0; o < RSG_OP__MAX; o++)
		assert_true(rsg_msg_op(o)->sockets != 0);
	assert_null(rsg_msg_op(RSG_OP__MAX));
	assert_string_equal(rsg_msg_op(RSG_OP_ME)->name, "ME");
	assert_int_equal(rsg_msg_op(RSG_OP_STATUS)->sockets, RSG_SOCKET_ADMIN);
	assert_string_equal(rsg_msg_field(RSG_F__MAX)->json, "");
	assert_string_equal(rsg_msg_shape(RSG_SHAPE_PAIR)->name, "PAIR");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_utf8_from_other_bytes),
		cmocka_unit_test(finds_a_control_character_anywhere),
		cmocka_unit_test(heads_come_back),
		cmocka_unit_test(refuses_bad_heads),
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(a_failed_buffer_stays_failed),
		cmocka_unit_test(tables_are_whole),
	};

	return cmocka_run_group_tests_name("msg_bytes", tests, NULL, NULL);
}
