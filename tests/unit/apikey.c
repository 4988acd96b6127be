#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include "seal_fixture.h"
#include "seal/apikey.h"

#define TEXT_LEN	(RSG_APIKEY_TEXT - 1)

static const uint32_t one[] = { 1 };

static struct rsg_keyring *
ring(void)
{
	const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };
	struct rsg_keyring *r = fixture_keyring(one, 1);
	uint8_t w[RSG_SERVICE_WRAPPED];

	assert_int_equal(rsg_service_new(r, session, w), RSG_OK);
	return r;
}

static void
refused(const char *text, size_t len)
{
	struct rsg_id id;
	uint8_t secret[RSG_APIKEY_SECRET];

	memset(&id, 0x5a, sizeof(id));
	memset(secret, 0x5a, sizeof(secret));
	assert_int_equal(rsg_apikey_parse(text, len, &id, secret),
	    RSG_UNAUTHENTICATED);
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0x5a);
	for (size_t i = 0; i < sizeof(id.b); i++)
		assert_int_equal(id.b[i], 0x5a);
}

static void
a_new_key_is_known_again(void **state)
{
	struct rsg_keyring *r = ring();
	char text[RSG_APIKEY_TEXT], other[RSG_APIKEY_TEXT];
	uint8_t stored[RSG_DIGEST_LEN], again[RSG_DIGEST_LEN];
	uint8_t secret[RSG_APIKEY_SECRET];
	struct rsg_id id, parsed;

	(void)state;
	assert_int_equal(rsg_apikey_new(&id, text, stored, r), RSG_OK);
	assert_int_equal(strlen(text), TEXT_LEN);
	assert_true(TEXT_LEN <= 160);	/* the field CREDENTIAL */
	assert_memory_equal(text, "rsgk_", 5);
	assert_int_equal(rsg_apikey_parse(text, TEXT_LEN, &parsed, secret),
	    RSG_OK);
	assert_true(rsg_id_eq(&id, &parsed));
	assert_int_equal(rsg_apikey_digest(r, &parsed, secret, again), RSG_OK);
	assert_memory_equal(stored, again, sizeof(again));

	assert_int_equal(rsg_apikey_new(&parsed, other, again, r), RSG_OK);
	assert_string_not_equal(text, other);
	assert_false(rsg_id_eq(&id, &parsed));
	assert_memory_not_equal(stored, again, sizeof(again));
	rsg_keyring_free(r);
}

/* The digest is of id and secret both, and of this server's key. */
static void
digests_belong_to_one_credential(void **state)
{
	struct rsg_keyring *r = ring(), *elsewhere = ring();
	char text[RSG_APIKEY_TEXT];
	uint8_t stored[RSG_DIGEST_LEN], d[RSG_DIGEST_LEN];
	uint8_t secret[RSG_APIKEY_SECRET];
	struct rsg_id id;

	(void)state;
	assert_int_equal(rsg_apikey_new(&id, text, stored, r), RSG_OK);
	assert_int_equal(rsg_apikey_parse(text, TEXT_LEN, &id, secret), RSG_OK);
	assert_int_equal(rsg_apikey_digest(elsewhere, &id, secret, d), RSG_OK);
	assert_memory_not_equal(stored, d, sizeof(d));
	id.b[0] ^= 1;
	assert_int_equal(rsg_apikey_digest(r, &id, secret, d), RSG_OK);
	assert_memory_not_equal(stored, d, sizeof(d));
	id.b[0] ^= 1;
	secret[31] ^= 1;
	assert_int_equal(rsg_apikey_digest(r, &id, secret, d), RSG_OK);
	assert_memory_not_equal(stored, d, sizeof(d));
	rsg_keyring_free(r);
	rsg_keyring_free(elsewhere);
}

static void
typing_errors_are_noticed(void **state)
{
	static const char wrong[] = "0123456789abcdefgG_ -\n\xc3";
	struct rsg_keyring *r = ring();
	char text[RSG_APIKEY_TEXT + 1], bad[RSG_APIKEY_TEXT + 1];
	uint8_t stored[RSG_DIGEST_LEN];
	struct rsg_id id;

	(void)state;
	assert_int_equal(rsg_apikey_new(&id, text, stored, r), RSG_OK);
	for (size_t i = 0; i < TEXT_LEN; i++) {
		for (size_t j = 0; j < sizeof(wrong); j++) {
			memcpy(bad, text, sizeof(bad));
			bad[i] = wrong[j];	/* NUL too */
			if (bad[i] != text[i])
				refused(bad, TEXT_LEN);
		}
		refused(text, i);
		memcpy(bad, text, sizeof(bad));
		if (i + 1 < TEXT_LEN && bad[i] != bad[i + 1]) {
			bad[i] = text[i + 1];
			bad[i + 1] = text[i];
			refused(bad, TEXT_LEN);
		}
	}
	refused(text, TEXT_LEN + 1);
	refused("", 0);
	refused("rsgk_", 5);
	rsg_keyring_free(r);
}

static void
capitals_are_read_too(void **state)
{
	struct rsg_keyring *r = ring();
	char text[RSG_APIKEY_TEXT];
	uint8_t stored[RSG_DIGEST_LEN], secret[RSG_APIKEY_SECRET];
	struct rsg_id id, parsed;

	(void)state;
	assert_int_equal(rsg_apikey_new(&id, text, stored, r), RSG_OK);
	for (size_t i = 5; i < TEXT_LEN; i++)
		text[i] = (char)toupper((unsigned char)text[i]);
	assert_int_equal(rsg_apikey_parse(text, TEXT_LEN, &parsed, secret),
	    RSG_OK);
	assert_true(rsg_id_eq(&id, &parsed));
	rsg_keyring_free(r);
}

static void
without_the_session_key_there_are_none(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	char text[RSG_APIKEY_TEXT];
	uint8_t d[RSG_DIGEST_LEN];
	struct rsg_id id;

	(void)state;
	assert_int_equal(rsg_apikey_new(&id, text, d, r), RSG_CONFIG);
	rsg_keyring_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_key_is_known_again),
		cmocka_unit_test(digests_belong_to_one_credential),
		cmocka_unit_test(typing_errors_are_noticed),
		cmocka_unit_test(capitals_are_read_too),
		cmocka_unit_test(without_the_session_key_there_are_none),
	};

	return cmocka_run_group_tests(tests, fixture_init, fixture_clean);
}
