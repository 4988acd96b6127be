/*
 * apikey.h - API keys: what a client sends as its bearer credential.
 *
 *	rsgk_ <credential id, secret, checksum: 52 bytes in hex>
 *
 * The prefix lets scanners find a leaked key; the checksum turns a mistyped
 * one away without a look into the database. We keep the id and a keyed
 * digest of the secret, never the secret.
 */
#ifndef RSG_APIKEY_H
#define RSG_APIKEY_H

#include "seal/seal.h"

#define RSG_APIKEY_SECRET	32
#define RSG_APIKEY_TEXT		(5 + 2 * (16 + 32 + 4) + 1)	/* with the NUL */

/*
 * A fresh credential id, its key's text (to be shown once and wiped) and the
 * digest to store. RSG_CONFIG when the session service key is not loaded.
 */
RSG_MUST enum rsg_err rsg_apikey_new(struct rsg_id *credential,
    char text[RSG_APIKEY_TEXT], uint8_t digest[RSG_DIGEST_LEN],
    const struct rsg_keyring *);

/*
 * Take a text apart, in time that depends on its length alone.
 * RSG_UNAUTHENTICATED, nothing filled in, when it is not a key's.
 */
RSG_MUST enum rsg_err rsg_apikey_parse(const char *, size_t len,
    struct rsg_id *credential, uint8_t secret[RSG_APIKEY_SECRET]);

/* What is stored for a key; compare with rsg_secret_equal(). RSG_CONFIG. */
RSG_MUST enum rsg_err rsg_apikey_digest(const struct rsg_keyring *,
    const struct rsg_id *credential, const uint8_t secret[RSG_APIKEY_SECRET],
    uint8_t out[RSG_DIGEST_LEN]);

#endif
