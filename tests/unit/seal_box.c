#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "seal_fixture.h"

#define BITS(n)	((n) * (size_t)8)

static const struct rsg_place_of here = {
	.kind = RSG_SEAL_FIELD, .controller = 3, .version = 9, .generation = 2,
	.pk = { "sixteen bytes id" }, .pk2 = { "and some more..." },
};
static uint8_t key[RSG_KEY_LEN] = "thirty-two bytes of a test's key";

static size_t
seal(const struct rsg_place_of *at, const void *p, size_t len, uint8_t *out)
{
	struct rsg_buf b;
	size_t n;

	rsg_buf_init(&b, 4u << 20);
	assert_int_equal(rsg_seal(key, at, p, len, &b), RSG_OK);
	assert_int_equal(b.len, rsg_seal_size(len));
	memcpy(out, b.p, b.len);
	n = b.len;
	rsg_buf_free(&b);
	return n;
}

/* Refused, and not a byte of text left in `out`. */
static void
refused(const uint8_t *k, const struct rsg_place_of *at, const uint8_t *sealed,
    size_t len)
{
	static uint8_t out[4u << 20];
	size_t n = 1;

	memset(out, 0x5a, 256);
	assert_int_equal(rsg_seal_open(k, at, sealed, len, out, &n),
	    RSG_TAMPERED);
	assert_int_equal(n, 0);
	for (size_t i = 0; len > RSG_SEAL_EXTRA && i < len - RSG_SEAL_EXTRA &&
	    i < 256; i++)
		assert_true(out[i] == 0 || out[i] == 0x5a);
}

static void
opens_what_was_sealed(void **state)
{
	static uint8_t text[2200], sealed[4096], out[4096];
	size_t n, len;

	(void)state;
	rsg_secret_random(text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i += i < 300 ? 1 : 41) {
		/* Text that ends like padding is still text. */
		if (i >= 3)
			memcpy(text + i - 3, "\x80\0\0", 3);
		len = seal(&here, text, i, sealed);
		memset(out, 0x5a, sizeof(out));
		assert_int_equal(rsg_seal_open(key, &here, sealed, len, out, &n),
		    RSG_OK);
		assert_int_equal(n, i);
		assert_memory_equal(out, text, i);
		/* It writes no further than promised. */
		assert_int_equal(out[len - RSG_SEAL_EXTRA], 0x5a);
	}
}

static void
any_bit_of_the_value_matters(void **state)
{
	uint8_t sealed[256];
	size_t len = seal(&here, "ana@example.com", 15, sealed);

	(void)state;
	for (size_t i = 0; i < BITS(len); i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		refused(key, &here, sealed, len);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < len; i++)
		refused(key, &here, sealed, i);
	refused(key, &here, sealed, len + 1);
	refused(key, &here, sealed, len + 32);
}

static void
any_bit_of_the_key_matters(void **state)
{
	uint8_t sealed[256], other[RSG_KEY_LEN];
	size_t len = seal(&here, "x", 1, sealed);

	(void)state;
	for (size_t i = 0; i < BITS(RSG_KEY_LEN); i++) {
		memcpy(other, key, sizeof(other));
		other[i / 8] ^= (uint8_t)(1 << i % 8);
		refused(other, &here, sealed, len);
	}
}

/* Every member of a place, bit by bit. */
static void
any_bit_of_the_place_matters(void **state)
{
	uint8_t sealed[256];
	struct rsg_place_of at = here;
	size_t len = seal(&here, "ana@example.com", 15, sealed);

	(void)state;
	for (int k = RSG_SEAL_KEYSET; k <= RSG_SEAL_TOKEN; k++) {
		at.kind = (enum rsg_seal_kind)k;
		if (at.kind != here.kind)
			refused(key, &at, sealed, len);
	}
	at = here;
	for (size_t i = 0; i < 32; i++) {
		at.controller = here.controller ^ UINT32_C(1) << i;
		refused(key, &at, sealed, len);
		at.controller = here.controller;
		at.generation = here.generation ^ UINT32_C(1) << i;
		refused(key, &at, sealed, len);
		at.generation = here.generation;
	}
	for (size_t i = 0; i < 64; i++) {
		at.version = here.version ^ UINT64_C(1) << i;
		refused(key, &at, sealed, len);
	}
	at = here;
	for (size_t i = 0; i < BITS(RSG_ID_LEN); i++) {
		at.pk.b[i / 8] ^= (uint8_t)(1 << i % 8);
		refused(key, &at, sealed, len);
		at.pk = here.pk;
		at.pk2.b[i / 8] ^= (uint8_t)(1 << i % 8);
		refused(key, &at, sealed, len);
		at.pk2 = here.pk2;
	}
}

/* pk and pk2 are not interchangeable, though both are ids. */
static void
swapped_keys_are_refused(void **state)
{
	uint8_t sealed[256];
	struct rsg_place_of at = here;
	size_t len = seal(&here, "x", 1, sealed);

	(void)state;
	at.pk = here.pk2;
	at.pk2 = here.pk;
	refused(key, &at, sealed, len);
}

static int
by_nonce(const void *a, const void *b)
{
	return memcmp(a, b, RSG_NONCE_LEN);
}

static void
nonces_are_never_the_same(void **state)
{
	enum { N = 20000 };
	static uint8_t nonce[N][RSG_NONCE_LEN];
	uint8_t sealed[256];
	size_t zero = 0;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		(void)seal(&here, "x", 1, sealed);
		memcpy(nonce[i], sealed, RSG_NONCE_LEN);
	}
	qsort(nonce, N, RSG_NONCE_LEN, by_nonce);
	for (size_t i = 1; i < N; i++)
		assert_memory_not_equal(nonce[i - 1], nonce[i], RSG_NONCE_LEN);
	/* Nor does any part of it stand still: each byte is 0 in about 78. */
	for (size_t j = 0; j < RSG_NONCE_LEN; j++, zero = 0) {
		for (size_t i = 0; i < N; i++)
			zero += nonce[i][j] == 0;
		assert_in_range(zero, 20, 200);
	}
}

static void
sizes_tell_a_bucket_only(void **state)
{
	size_t b, last = 0, buckets = 0;

	(void)state;
	for (size_t n = 0; n <= RSG_SEAL_BIG; n += n < 20000 ? 1 : 997) {
		b = rsg__seal_bucket(n);
		assert_true(b > n);			/* room for the mark */
		assert_true(b >= last);
		assert_int_equal(b % 32, 0);
		assert_true(b <= 64 || b - n <= 64 || b - n <= n / 8 + 1);
		assert_int_equal(rsg_seal_size(n), b + RSG_SEAL_EXTRA);
		buckets += n <= RSG_VALUE_MAX && b != last;
		last = b;
	}
	assert_int_equal(buckets, 8 + 12 + 4 * 8 + 1);
	assert_int_equal(rsg_seal_size(RSG_KEYSET_TEXT), RSG_KEYSET_WRAPPED);
	assert_int_equal(rsg_seal_size(RSG_KEY_LEN), RSG_SERVICE_WRAPPED);
}

static void
limits_hold_at_the_edge(void **state)
{
	static uint8_t text[RSG_SEAL_BIG + 1], sealed[4u << 20], out[4u << 20];
	struct rsg_place_of at = here;
	struct rsg_buf b;
	size_t n, len;

	(void)state;
	rsg_buf_init(&b, 4u << 20);
	assert_int_equal(rsg_seal(key, &at, text, RSG_VALUE_MAX, &b), RSG_OK);
	assert_int_equal(rsg_seal(key, &at, text, RSG_VALUE_MAX + 1, &b),
	    RSG_TOO_LARGE);
	assert_int_equal(b.len, rsg_seal_size(RSG_VALUE_MAX));
	at.kind = RSG_SEAL_ATTACHMENT;
	assert_int_equal(rsg_seal(key, &at, text, RSG_VALUE_MAX + 1, &b), RSG_OK);
	at.kind = RSG_SEAL_PAGE;
	assert_int_equal(rsg_seal(key, &at, text, sizeof(text), &b),
	    RSG_TOO_LARGE);
	rsg_buf_free(&b);

	len = seal(&at, text, RSG_SEAL_BIG, sealed);
	assert_int_equal(rsg_seal_open(key, &at, sealed, len, out, &n), RSG_OK);
	assert_int_equal(n, RSG_SEAL_BIG);
	refused(key, &at, sealed, len + 1);
}

/* Sealed by the book, padding included, and yet no box of ours. */
static void
seal_by_hand(const struct rsg_place_of *at, uint8_t *text, size_t len,
    size_t bucket, uint8_t mark, uint8_t *sealed)
{
	uint8_t ad[RSG_PLACE_LEN];

	text[len] = mark;
	rsg__seal_place(at, ad);
	memset(sealed, 1, RSG_NONCE_LEN);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
	    sealed + RSG_NONCE_LEN, NULL, text, bucket, ad, sizeof(ad), NULL,
	    sealed, key);
}

static void
too_long_for_its_kind_is_refused(void **state)
{
	static uint8_t text[1u << 20], sealed[1u << 20], out[1u << 20];
	size_t len = RSG_VALUE_MAX, n;

	(void)state;
	seal_by_hand(&here, text, len, rsg__seal_bucket(len), 0x80, sealed);
	assert_int_equal(rsg_seal_open(key, &here, sealed, rsg_seal_size(len),
	    out, &n), RSG_OK);
	text[len] = 0;
	len = rsg__seal_bucket(len);
	seal_by_hand(&here, text, len, rsg__seal_bucket(len), 0x80, sealed);
	refused(key, &here, sealed, rsg_seal_size(len));
}

static void
a_full_buffer_is_reported(void **state)
{
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, rsg_seal_size(1) - 1);
	assert_int_equal(rsg_seal(key, &here, "x", 1, &b), RSG_TOO_LARGE);
	assert_false(rsg_buf_ok(&b));
	rsg_buf_free(&b);
}

/* What verifies but is padded in no way of ours. */
static void
there_is_one_way_to_pad(void **state)
{
	static const struct { size_t bucket, mark; uint8_t byte; } bad[] = {
		{ 32, 31, 0x00 },	/* no mark */
		{ 32, 31, 0x81 },	/* another mark */
		{ 64, 10, 0x80 },	/* a bucket too large */
		{ 48, 40, 0x80 },	/* no bucket */
	};
	uint8_t text[64], sealed[64 + RSG_SEAL_EXTRA];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(text, 0, sizeof(text));
		seal_by_hand(&here, text, bad[i].mark, bad[i].bucket,
		    bad[i].byte, sealed);
		refused(key, &here, sealed, bad[i].bucket + RSG_SEAL_EXTRA);
	}
}

/* One line a tampered row; none for tokens, which anybody can send. */
static void
tampering_is_logged_once(void **state)
{
	uint8_t sealed[256];
	struct rsg_place_of at = here;
	size_t len = seal(&here, "x", 1, sealed);

	(void)state;
	sealed[0] ^= 1;
	logged = 0;
	refused(key, &here, sealed, len);
	assert_int_equal(logged, 1);
	assert_string_equal(logged_event, "seal.tampered");
	at.kind = RSG_SEAL_TOKEN;
	refused(key, &at, sealed, len);
	refused(key, &at, sealed, 3);
	assert_int_equal(logged, 1);
}

static void
numbers_are_ids_too(void **state)
{
	static const struct rsg_id want = { { 0, 0, 0, 0, 0, 0, 0, 0,
	    1, 2, 3, 4, 5, 6, 7, 8 } };
	struct rsg_id got = rsg_seal_number(UINT64_C(0x0102030405060708));

	(void)state;
	assert_true(rsg_id_eq(&got, &want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_was_sealed),
		cmocka_unit_test(any_bit_of_the_value_matters),
		cmocka_unit_test(any_bit_of_the_key_matters),
		cmocka_unit_test(any_bit_of_the_place_matters),
		cmocka_unit_test(swapped_keys_are_refused),
		cmocka_unit_test(nonces_are_never_the_same),
		cmocka_unit_test(sizes_tell_a_bucket_only),
		cmocka_unit_test(limits_hold_at_the_edge),
		cmocka_unit_test(too_long_for_its_kind_is_refused),
		cmocka_unit_test(a_full_buffer_is_reported),
		cmocka_unit_test(there_is_one_way_to_pad),
		cmocka_unit_test(tampering_is_logged_once),
		cmocka_unit_test(numbers_are_ids_too),
	};

	return cmocka_run_group_tests(tests, fixture_init, fixture_clean);
}
