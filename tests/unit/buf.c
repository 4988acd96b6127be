/* The buffer's cap and stickiness, the reader's bounds, the varints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "resguardo/buf.h"

static void
appends_in_order(void **state)
{
	static const uint8_t want[] = { 'a', 'b', 7, 1, 2, 3, 4, 5, 6,
		0, 0, 0, 0, 0, 0, 0, 9, '-', '5', '!' };
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, 1000);
	rsg_buf_put(&b, "ab", 2);
	rsg_buf_u8(&b, 7);
	rsg_buf_u16(&b, 0x0102);
	rsg_buf_u32(&b, 0x03040506);
	rsg_buf_u64(&b, 9);
	rsg_buf_printf(&b, "%d", -5);
	rsg_buf_str(&b, "!");
	rsg_buf_put(&b, NULL, 0);
	rsg_buf_printf(&b, "%s", "");
	assert_true(rsg_buf_ok(&b));
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
	rsg_buf_free(&b);
	assert_null(b.p);
	rsg_buf_free(&b);
	rsg_buf_free(NULL);
}

/* The cap itself can be reached, for every way of growing up to it. */
static void
reaches_the_cap_and_sticks(void **state)
{
	static const size_t caps[] = { 1, 2, 255, 256, 257, 511, 512, 513, 5000 };
	struct rsg_buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		rsg_buf_init(&b, caps[i]);
		for (size_t k = 0; k < caps[i]; k++)
			rsg_buf_u8(&b, (uint8_t)k);
		assert_int_equal(rsg_buf_err(&b), RSG_OK);
		assert_int_equal(b.len, caps[i]);
		for (size_t k = 0; k < caps[i]; k++)
			assert_int_equal(b.p[k], (uint8_t)k);
		rsg_buf_u8(&b, 1);
		assert_int_equal(rsg_buf_err(&b), RSG_TOO_LARGE);
		assert_int_equal(b.len, caps[i]);
		rsg_buf_reset(&b);
		rsg_buf_u8(&b, 1);
		assert_true(rsg_buf_ok(&b));
		rsg_buf_free(&b);
	}
}

static void
keeps_out_after_a_failure(void **state)
{
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, 4);
	rsg_buf_str(&b, "abc");
	rsg_buf_u16(&b, 1);
	assert_false(rsg_buf_ok(&b));
	rsg_buf_u8(&b, 1);	/* would fit, but something before it is missing */
	rsg_buf_printf(&b, "x");
	assert_null(rsg_buf_room(&b, 0));
	assert_null(rsg_buf_extend(&b, 1));
	assert_int_equal(b.len, 3);
	rsg_buf_free(&b);
}

static void
refuses_sizes_that_overflow(void **state)
{
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, 100);
	rsg_buf_str(&b, "abc");
	assert_null(rsg_buf_room(&b, SIZE_MAX));
	assert_int_equal(rsg_buf_err(&b), RSG_TOO_LARGE);
	rsg_buf_free(&b);

	rsg_buf_init(&b, SIZE_MAX);
	assert_null(rsg_buf_room(&b, SIZE_MAX));
	assert_int_equal(rsg_buf_err(&b), RSG_NO_MEMORY);
	rsg_buf_free(&b);

	b = (struct rsg_buf){ 0 };
	rsg_buf_u8(&b, 1);
	assert_false(rsg_buf_ok(&b));
	rsg_buf_free(&b);
}

static void
prints_up_to_the_cap(void **state)
{
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, 6);
	rsg_buf_printf(&b, "%s-%d", "abc", 42);
	assert_true(rsg_buf_ok(&b));
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.p, "abc-42", 6);
	rsg_buf_printf(&b, "%c", 'x');
	assert_false(rsg_buf_ok(&b));
	rsg_buf_free(&b);
}

/* Room that was filled but never counted is plaintext all the same. */
static void
reset_wipes_what_was_handed_out(void **state)
{
	struct rsg_buf b;
	uint8_t *p;

	(void)state;
	rsg_buf_init(&b, 1000);
	rsg_buf_str(&b, "counted");
	p = rsg_buf_room(&b, 100);
	assert_non_null(p);
	memset(p, 0xaa, 100);
	rsg_buf_reset(&b);
	assert_int_equal(b.len, 0);
	for (size_t i = 0; i < 107; i++)
		assert_int_equal(b.p[i], 0);
	rsg_buf_free(&b);
}

static void
room_is_not_counted_but_extend_is(void **state)
{
	struct rsg_buf b;
	uint8_t *p;

	(void)state;
	rsg_buf_init(&b, 100);
	p = rsg_buf_room(&b, 10);
	assert_non_null(p);
	assert_int_equal(b.len, 0);
	assert_ptr_equal(rsg_buf_extend(&b, 10), p);
	assert_int_equal(b.len, 10);
	assert_non_null(rsg_buf_room(&b, 0));
	rsg_buf_free(&b);
}

static void
reads_in_order(void **state)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7,
		0xff, 0, 0, 0, 0, 0, 0, 8, 'x' };
	struct rsg_rd r;

	(void)state;
	rsg_rd_init(&r, in, sizeof(in));
	assert_int_equal(rsg_rd_u8(&r), 1);
	assert_int_equal(rsg_rd_u16(&r), 0x0203);
	assert_int_equal(rsg_rd_u32(&r), 0x04050607);
	assert_true(rsg_rd_u64(&r) == UINT64_C(0xff00000000000008));
	assert_false(rsg_rd_end(&r));
	assert_memory_equal(rsg_rd_get(&r, 1), "x", 1);
	assert_true(rsg_rd_end(&r));
	assert_non_null(rsg_rd_get(&r, 0));
}

/* After a read too far nothing more is given, not even what would fit. */
static void
reading_too_far_sticks(void **state)
{
	static const uint8_t in[] = { 1, 2, 3 };
	struct rsg_rd r;

	(void)state;
	rsg_rd_init(&r, in, sizeof(in));
	assert_int_equal(rsg_rd_u32(&r), 0);
	assert_false(rsg_rd_ok(&r));
	assert_int_equal(rsg_rd_u8(&r), 0);
	assert_null(rsg_rd_get(&r, 0));
	assert_false(rsg_rd_end(&r));

	rsg_rd_init(&r, in, sizeof(in));
	assert_null(rsg_rd_get(&r, SIZE_MAX));
	assert_false(rsg_rd_ok(&r));

	rsg_rd_init(&r, NULL, 0);
	assert_true(rsg_rd_end(&r));
	assert_non_null(rsg_rd_get(&r, 0));
	assert_int_equal(rsg_rd_u8(&r), 0);
	assert_false(rsg_rd_ok(&r));
}

static void
varints_come_back(void **state)
{
	struct rsg_buf b;
	struct rsg_rd r;

	(void)state;
	rsg_buf_init(&b, 10000);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t v = UINT64_C(1) << i;

		rsg_buf_varint(&b, v);
		rsg_buf_varint(&b, v - 1);
		rsg_buf_svarint(&b, (int64_t)v);
		rsg_buf_svarint(&b, (int64_t)(v - 1));
		rsg_buf_svarint(&b, (int64_t)~v);
	}
	rsg_buf_varint(&b, UINT64_MAX);
	assert_true(rsg_buf_ok(&b));
	rsg_rd_init(&r, b.p, b.len);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t v = UINT64_C(1) << i;

		assert_true(rsg_rd_varint(&r) == v);
		assert_true(rsg_rd_varint(&r) == v - 1);
		assert_true(rsg_rd_svarint(&r) == (int64_t)v);
		assert_true(rsg_rd_svarint(&r) == (int64_t)(v - 1));
		assert_true(rsg_rd_svarint(&r) == (int64_t)~v);
	}
	assert_true(rsg_rd_varint(&r) == UINT64_MAX);
	assert_true(rsg_rd_end(&r));
	rsg_buf_free(&b);
}

static void
small_numbers_are_short(void **state)
{
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, 100);
	rsg_buf_svarint(&b, 0);
	rsg_buf_svarint(&b, -1);
	rsg_buf_svarint(&b, 63);
	rsg_buf_svarint(&b, -64);
	rsg_buf_svarint(&b, 64);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.p, "\x00\x01\x7e\x7f\x80\x01", 6);
	rsg_buf_free(&b);
}

static void
refuses_other_forms_of_a_varint(void **state)
{
	static const struct { const char *p; size_t n; } bad[] = {
		{ "\x80", 1 },					/* cut short */
		{ "\x80\x00", 2 },				/* 0 in two */
		{ "\xff\x80\x00", 3 },				/* 127 in three */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11 },
		{ "", 0 },
	};
	struct rsg_rd r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rsg_rd_init(&r, bad[i].p, bad[i].n);
		assert_true(rsg_rd_varint(&r) == 0);
		assert_false(rsg_rd_ok(&r));
	}
}

static void
fixed_places_are_big_endian(void **state)
{
	uint8_t p[8];

	(void)state;
	rsg_be16(p, 0x0102);
	assert_memory_equal(p, "\x01\x02", 2);
	assert_int_equal(rsg_get16(p), 0x0102);
	rsg_be32(p, 0x01020304);
	assert_memory_equal(p, "\x01\x02\x03\x04", 4);
	assert_int_equal(rsg_get32(p), 0x01020304);
	rsg_be64(p, UINT64_C(0x0102030405060708));
	assert_memory_equal(p, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	assert_true(rsg_get64(p) == UINT64_C(0x0102030405060708));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_in_order),
		cmocka_unit_test(reaches_the_cap_and_sticks),
		cmocka_unit_test(keeps_out_after_a_failure),
		cmocka_unit_test(refuses_sizes_that_overflow),
		cmocka_unit_test(prints_up_to_the_cap),
		cmocka_unit_test(reset_wipes_what_was_handed_out),
		cmocka_unit_test(room_is_not_counted_but_extend_is),
		cmocka_unit_test(reads_in_order),
		cmocka_unit_test(reading_too_far_sticks),
		cmocka_unit_test(varints_come_back),
		cmocka_unit_test(small_numbers_are_short),
		cmocka_unit_test(refuses_other_forms_of_a_varint),
		cmocka_unit_test(fixed_places_are_big_endian),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
