#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "seal_fixture.h"

#define BLIND(o, p)	((struct rsg_service_name) { RSG_SERVICE_BLIND, o, p })
#define PSEUDO(o, p)	((struct rsg_service_name) { RSG_SERVICE_PSEUDONYM, o, p })
#define SESSION		((struct rsg_service_name) { RSG_SERVICE_SESSION, 0, 0 })

static const uint32_t one[] = { 1 }, two[] = { 1, 2 };

static void
make(struct rsg_keyring *r, struct rsg_service_name name)
{
	uint8_t w[RSG_SERVICE_WRAPPED];

	assert_int_equal(rsg_service_new(r, name, w), RSG_OK);
}

static void
digest(const struct rsg_keyring *r, struct rsg_service_name name,
    const char *label, const char *text, uint8_t out[RSG_DIGEST_LEN])
{
	assert_int_equal(rsg_service_digest(r, name, label, text, strlen(text),
	    out), RSG_OK);
}

/* The same text, and yet no two of these digests may be compared. */
static void
digests_differ_by_all_that_names_them(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	uint8_t d[8][RSG_DIGEST_LEN], again[RSG_DIGEST_LEN];

	(void)state;
	make(r, BLIND(1, 1));
	make(r, BLIND(1, 2));
	make(r, BLIND(2, 1));
	make(r, SESSION);
	digest(r, BLIND(1, 1), "email", "ana@example.com", d[0]);
	digest(r, BLIND(1, 2), "email", "ana@example.com", d[1]);
	digest(r, BLIND(2, 1), "email", "ana@example.com", d[2]);
	digest(r, SESSION, "email", "ana@example.com", d[3]);
	digest(r, BLIND(1, 1), "emai", "ana@example.com", d[4]);
	digest(r, BLIND(1, 1), "emailemailemaile", "ana@example.com", d[5]);
	digest(r, BLIND(1, 1), "email", "ana@example.co", d[6]);
	digest(r, BLIND(1, 1), "email", "", d[7]);
	for (size_t i = 0; i < 8; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(d[i], d[j], RSG_DIGEST_LEN);
	digest(r, BLIND(1, 1), "email", "ana@example.com", again);
	assert_memory_equal(again, d[0], RSG_DIGEST_LEN);
	rsg_keyring_free(r);
}

static void
a_stored_key_gives_the_same_digests(void **state)
{
	struct rsg_keyring *a = fixture_keyring(one, 1);
	struct rsg_keyring *b = fixture_keyring(two, 2);
	uint8_t w[RSG_SERVICE_WRAPPED], d[2][RSG_DIGEST_LEN];

	(void)state;
	assert_int_equal(rsg_service_new(a, BLIND(1, 4), w), RSG_OK);
	assert_false(rsg_service_has(b, BLIND(1, 4)));
	assert_int_equal(rsg_service_load(b, BLIND(1, 4), 1, w, sizeof(w)),
	    RSG_OK);
	assert_true(rsg_service_has(b, BLIND(1, 4)));
	assert_false(rsg_service_has(b, BLIND(4, 1)));
	digest(a, BLIND(1, 4), "x", "ana", d[0]);
	digest(b, BLIND(1, 4), "x", "ana", d[1]);
	assert_memory_equal(d[0], d[1], RSG_DIGEST_LEN);
	rsg_keyring_free(a);
	rsg_keyring_free(b);
}

/* Whose row came first in the table is the one that counts. */
static void
loading_takes_the_place_of_ours(void **state)
{
	struct rsg_keyring *a = fixture_keyring(one, 1);
	struct rsg_keyring *b = fixture_keyring(one, 1);
	uint8_t wa[RSG_SERVICE_WRAPPED], wb[RSG_SERVICE_WRAPPED];
	uint8_t d[3][RSG_DIGEST_LEN];

	(void)state;
	assert_int_equal(rsg_service_new(a, SESSION, wa), RSG_OK);
	assert_int_equal(rsg_service_new(b, SESSION, wb), RSG_OK);
	digest(a, SESSION, "x", "ana", d[0]);
	digest(b, SESSION, "x", "ana", d[1]);
	assert_memory_not_equal(d[0], d[1], RSG_DIGEST_LEN);
	assert_int_equal(rsg_service_load(b, SESSION, 1, wa, sizeof(wa)),
	    RSG_OK);
	digest(b, SESSION, "x", "ana", d[2]);
	assert_memory_equal(d[0], d[2], RSG_DIGEST_LEN);
	/* Making one anew would orphan all that the old one made. */
	assert_int_equal(rsg_service_new(a, SESSION, wb), RSG_CONFLICT);
	digest(a, SESSION, "x", "ana", d[2]);
	assert_memory_equal(d[0], d[2], RSG_DIGEST_LEN);
	rsg_keyring_free(a);
	rsg_keyring_free(b);
}

static void
a_key_loads_only_under_its_name(void **state)
{
	static const struct rsg_service_name wrong[] = {
		{ RSG_SERVICE_SUPPRESSION, 1, 4 }, { RSG_SERVICE_BLIND, 2, 4 },
		{ RSG_SERVICE_BLIND, 1, 5 }, { RSG_SERVICE_BLIND, 4, 1 },
	};
	struct rsg_keyring *r = fixture_keyring(two, 2);
	uint8_t w[RSG_SERVICE_WRAPPED];

	(void)state;
	assert_int_equal(rsg_service_new(r, BLIND(1, 4), w), RSG_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(rsg_service_load(r, wrong[i], 2, w, sizeof(w)),
		    RSG_TAMPERED);
		assert_false(rsg_service_has(r, wrong[i]));
	}
	assert_int_equal(rsg_service_load(r, BLIND(1, 4), 1, w, sizeof(w)),
	    RSG_TAMPERED);
	assert_int_equal(rsg_service_load(r, BLIND(1, 4), 3, w, sizeof(w)),
	    RSG_CONFIG);
	assert_int_equal(rsg_service_load(r, BLIND(1, 4), 2, w, sizeof(w) - 1),
	    RSG_TAMPERED);
	for (size_t i = 0; i < sizeof(w); i++) {
		w[i] ^= 1;
		assert_int_equal(rsg_service_load(r, BLIND(1, 4), 2, w,
		    sizeof(w)), RSG_TAMPERED);
		w[i] ^= 1;
	}
	rsg_keyring_free(r);
}

static void
a_missing_key_is_named(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	const struct rsg_place_of at = { .kind = RSG_SEAL_TOKEN };
	struct rsg_pseudonym *p = (void *)&p;
	uint8_t out[64], d[RSG_DIGEST_LEN];
	struct rsg_buf b;
	size_t n;

	(void)state;
	rsg_buf_init(&b, 1024);
	logged = 0;
	assert_int_equal(rsg_service_digest(r, SESSION, "x", "", 0, d),
	    RSG_CONFIG);
	assert_int_equal(rsg_service_derive(r, SESSION, "x", &at.pk, d),
	    RSG_CONFIG);
	assert_int_equal(rsg_service_seal(r, SESSION, &at, "x", 1, &b),
	    RSG_CONFIG);
	assert_int_equal(rsg_service_open(r, SESSION, &at, out, 64, out, &n),
	    RSG_CONFIG);
	assert_int_equal(rsg_pseudonym_open(r, 1, 1, &p), RSG_CONFIG);
	assert_null(p);
	assert_int_equal(logged, 5);
	assert_string_equal(logged_event, "service.missing");
	rsg_buf_free(&b);
	rsg_keyring_free(r);
}

static void
seals_under_a_key_of_its_own(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	struct rsg_place_of at = { .kind = RSG_SEAL_TOKEN, .controller = 1 };
	uint8_t out[64], derived[RSG_KEY_LEN];
	struct rsg_buf b;
	size_t n;

	(void)state;
	make(r, SESSION);
	make(r, BLIND(0, 0));
	rsg_buf_init(&b, 1024);
	assert_int_equal(rsg_service_seal(r, SESSION, &at, "page 3", 6, &b),
	    RSG_OK);
	assert_int_equal(b.len, rsg_seal_size(6));
	assert_int_equal(rsg_service_open(r, SESSION, &at, b.p, b.len, out, &n),
	    RSG_OK);
	assert_int_equal(n, 6);
	assert_memory_equal(out, "page 3", 6);
	assert_int_equal(rsg_service_open(r, BLIND(0, 0), &at, b.p, b.len, out,
	    &n), RSG_TAMPERED);
	/* Nor does what callers may derive open it. */
	assert_int_equal(rsg_service_derive(r, SESSION, "", &at.pk, derived),
	    RSG_OK);
	assert_int_equal(rsg_seal_open(derived, &at, b.p, b.len, out, &n),
	    RSG_TAMPERED);
	at.controller = 2;
	assert_int_equal(rsg_service_open(r, SESSION, &at, b.p, b.len, out, &n),
	    RSG_TAMPERED);
	rsg_buf_free(&b);
	rsg_keyring_free(r);
}

static void
derived_keys_are_no_digests(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	struct rsg_id a = rsg_id_new(), b = rsg_id_new();
	uint8_t k[4][RSG_KEY_LEN];

	(void)state;
	make(r, SESSION);
	assert_int_equal(rsg_service_derive(r, SESSION, "x", &a, k[0]), RSG_OK);
	assert_int_equal(rsg_service_derive(r, SESSION, "y", &a, k[1]), RSG_OK);
	assert_int_equal(rsg_service_derive(r, SESSION, "x", &b, k[2]), RSG_OK);
	assert_int_equal(rsg_service_digest(r, SESSION, "x", a.b, RSG_ID_LEN,
	    k[3]), RSG_OK);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(k[i], k[j], RSG_KEY_LEN);
	rsg_keyring_free(r);
}

/*
 * Names that differ in their service only, their owner only or their part
 * only; strewn about, so that they meet in the table.
 */
static struct rsg_service_name
nth(uint32_t i)
{
	uint32_t n = i / 6, far = n * n * UINT32_C(2654435761);

	return (struct rsg_service_name) { (enum rsg_service)(1 + i % 6),
	    n % 2 == 0 ? far : 0, n % 2 == 0 ? 0 : far };
}

/* Every key is found again when the table is as full as it may be. */
static void
the_table_holds_what_it_promises(void **state)
{
	static uint8_t d[RSG_SERVICE_KEYS][RSG_DIGEST_LEN];
	struct rsg_keyring *r = fixture_keyring(one, 1);
	uint8_t w[RSG_SERVICE_WRAPPED], now[RSG_DIGEST_LEN];

	(void)state;
	for (uint32_t i = 0; i < RSG_SERVICE_KEYS; i++) {
		make(r, nth(i));
		digest(r, nth(i), "x", "ana", d[i]);
	}
	assert_int_equal(rsg_service_new(r, BLIND(9, 9), w), RSG_NO_MEMORY);
	assert_false(rsg_service_has(r, BLIND(9, 9)));
	assert_string_equal(logged_event, "service.full");
	for (uint32_t i = 0; i < RSG_SERVICE_KEYS; i++) {
		digest(r, nth(i), "x", "ana", now);
		assert_memory_equal(now, d[i], RSG_DIGEST_LEN);
	}
	rsg_keyring_free(r);
}

static void
pseudonyms_invert(void **state)
{
	enum { N = 1000 };
	static struct rsg_id in[N], out[N], back[N];
	struct rsg_keyring *r = fixture_keyring(one, 1);
	struct rsg_pseudonym *p;

	(void)state;
	make(r, PSEUDO(5, 1));
	assert_int_equal(rsg_pseudonym_open(r, 5, 1, &p), RSG_OK);
	for (size_t i = 0; i < N; i++)
		in[i] = rsg_id_new();
	in[1] = in[0];
	assert_int_equal(rsg_pseudonym_of(p, in, N, out), RSG_OK);
	assert_int_equal(rsg_pseudonym_subject(p, out, N, back), RSG_OK);
	assert_memory_equal(in, back, sizeof(in));
	/* One by one or all at once: a block does not know its neighbours. */
	assert_true(rsg_id_eq(&out[0], &out[1]));
	assert_int_equal(rsg_pseudonym_of(p, &in[N - 1], 1, &back[0]), RSG_OK);
	assert_true(rsg_id_eq(&back[0], &out[N - 1]));
	assert_int_equal(rsg_pseudonym_subject(p, &out[7], 1, &back[0]), RSG_OK);
	assert_true(rsg_id_eq(&back[0], &in[7]));
	assert_int_equal(rsg_pseudonym_of(p, in, 0, out), RSG_OK);
	for (size_t i = 0; i < N; i++)
		assert_false(rsg_id_eq(&in[i], &out[i]));
	rsg_pseudonym_free(p);
	rsg_pseudonym_free(NULL);
	rsg_keyring_free(r);
}

/* P6: what two recipients hold, or one in two epochs, does not join. */
static void
pseudonyms_do_not_join(void **state)
{
	static const struct { uint32_t recipient, epoch; } of[] = {
		{ 5, 1 }, { 5, 2 }, { 6, 1 }, { 1, 5 },
	};
	struct rsg_keyring *r = fixture_keyring(one, 1);
	struct rsg_pseudonym *p;
	struct rsg_id id = rsg_id_new(), out[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		make(r, PSEUDO(of[i].recipient, of[i].epoch));
		assert_int_equal(rsg_pseudonym_open(r, of[i].recipient,
		    of[i].epoch, &p), RSG_OK);
		assert_int_equal(rsg_pseudonym_of(p, &id, 1, &out[i]), RSG_OK);
		rsg_pseudonym_free(p);
		for (size_t j = 0; j < i; j++)
			assert_false(rsg_id_eq(&out[i], &out[j]));
	}
	rsg_keyring_free(r);
}

static void *
read_all_the_time(void *arg)
{
	struct rsg_keyring *r = arg;
	uint8_t first[RSG_DIGEST_LEN], now[RSG_DIGEST_LEN], sum[2][32];
	const struct rsg_part leaf = { "leaf", 4 };

	if (rsg_service_digest(r, SESSION, "x", "ana", 3, first) != RSG_OK)
		return "no digest";
	rsg_sha256(&leaf, 1, sum[0]);
	for (int i = 0; i < 2000; i++) {
		if (rsg_service_digest(r, SESSION, "x", "ana", 3, now) != RSG_OK ||
		    memcmp(first, now, sizeof(now)) != 0)
			return "another digest";
		rsg_sha256(&leaf, 1, sum[1]);
		if (memcmp(sum[0], sum[1], sizeof(sum[0])) != 0)
			return "another sum";
	}
	return NULL;
}

/* For the thread sanitizer above all. */
static void
threads_share_a_keyring(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	pthread_t t[3];
	void *what;

	(void)state;
	make(r, SESSION);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_all_the_time,
		    r), 0);
	for (uint32_t i = 0; i < 500; i++)
		make(r, BLIND(1, i));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(t[i], &what), 0);
		assert_null(what);
	}
	rsg_keyring_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_differ_by_all_that_names_them),
		cmocka_unit_test(a_stored_key_gives_the_same_digests),
		cmocka_unit_test(loading_takes_the_place_of_ours),
		cmocka_unit_test(a_key_loads_only_under_its_name),
		cmocka_unit_test(a_missing_key_is_named),
		cmocka_unit_test(seals_under_a_key_of_its_own),
		cmocka_unit_test(derived_keys_are_no_digests),
		cmocka_unit_test(the_table_holds_what_it_promises),
		cmocka_unit_test(pseudonyms_invert),
		cmocka_unit_test(pseudonyms_do_not_join),
		cmocka_unit_test(threads_share_a_keyring),
	};

	return cmocka_run_group_tests(tests, fixture_init, fixture_clean);
}
