#include <string.h>

#include <sodium.h>

#include "seal/apikey.h"

#define PREFIX		"rsgk_"
#define PREFIX_LEN	(sizeof(PREFIX) - 1)
#define CHECK_LEN	4
#define LABEL		"api-key"

/* The bytes behind the text, in their order. */
struct raw {
	struct rsg_id credential;
	uint8_t secret[RSG_APIKEY_SECRET];
	uint8_t check[CHECK_LEN];
};
_Static_assert(sizeof(struct raw) == 52, "no padding");
_Static_assert(PREFIX_LEN + 2 * sizeof(struct raw) + 1 == RSG_APIKEY_TEXT,
    "text length");

/* Catches mistakes, not forgers: those have to guess the secret. */
static void
check_of(const struct raw *k, uint8_t out[CHECK_LEN])
{
	uint8_t h[32];

	rsg_sha256((struct rsg_part[]) { { PREFIX, PREFIX_LEN },
	    { k, offsetof(struct raw, check) } }, 2, h);
	memcpy(out, h, CHECK_LEN);
	rsg_secret_wipe(h, sizeof(h));
}

enum rsg_err
rsg_apikey_digest(const struct rsg_keyring *r, const struct rsg_id *credential,
    const uint8_t secret[RSG_APIKEY_SECRET], uint8_t out[RSG_DIGEST_LEN])
{
	const struct rsg_service_name name = { RSG_SERVICE_SESSION, 0, 0 };
	struct raw k;
	enum rsg_err e;

	k.credential = *credential;
	memcpy(k.secret, secret, sizeof(k.secret));
	e = rsg_service_digest(r, name, LABEL, &k, offsetof(struct raw, check),
	    out);
	rsg_secret_wipe(&k, sizeof(k));
	return e;
}

enum rsg_err
rsg_apikey_new(struct rsg_id *credential, char text[RSG_APIKEY_TEXT],
    uint8_t digest[RSG_DIGEST_LEN], const struct rsg_keyring *r)
{
	struct raw k;
	enum rsg_err e;

	k.credential = rsg_id_new();
	rsg_secret_random(k.secret, sizeof(k.secret));
	check_of(&k, k.check);
	e = rsg_apikey_digest(r, &k.credential, k.secret, digest);
	if (e == RSG_OK) {
		*credential = k.credential;
		memcpy(text, PREFIX, PREFIX_LEN);
		sodium_bin2hex(text + PREFIX_LEN, RSG_APIKEY_TEXT - PREFIX_LEN,
		    (const uint8_t *)&k, sizeof(k));
	}
	rsg_secret_wipe(&k, sizeof(k));
	return e;
}

enum rsg_err
rsg_apikey_parse(const char *text, size_t len, struct rsg_id *credential,
    uint8_t secret[RSG_APIKEY_SECRET])
{
	struct raw k;
	uint8_t want[CHECK_LEN];
	size_t got = 0;
	enum rsg_err e = RSG_UNAUTHENTICATED;

	if (len != RSG_APIKEY_TEXT - 1 ||
	    !rsg_secret_equal(text, PREFIX, PREFIX_LEN))
		return RSG_UNAUTHENTICATED;
	memset(&k, 0, sizeof(k));
	if (sodium_hex2bin((uint8_t *)&k, sizeof(k), text + PREFIX_LEN,
	    len - PREFIX_LEN, NULL, &got, NULL) == 0 && got == sizeof(k)) {
		check_of(&k, want);
		if (rsg_secret_equal(k.check, want, CHECK_LEN)) {
			*credential = k.credential;
			memcpy(secret, k.secret, sizeof(k.secret));
			e = RSG_OK;
		}
	}
	rsg_secret_wipe(&k, sizeof(k));
	return e;
}
