/*
 * jose.h - what JOSE asks of keys: base64url (RFC 7515), Ed25519 with a key of
 * the server's (RFC 8037), and thumbprints (RFC 7638).
 */
#ifndef RSG_JOSE_H
#define RSG_JOSE_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "seal/seal.h"
#include "seal/sign.h"

#define RSG_THUMBPRINT_TEXT	44	/* 43 letters and NUL */

/* Without padding. */
void rsg_base64url_put(struct rsg_buf *, const void *, size_t);
/* Only the one spelling that the other gives. RSG_MALFORMED, also when it
 * decodes to more than `max` bytes. */
RSG_MUST enum rsg_err rsg_base64url_get(const char *, size_t, uint8_t *out,
    size_t max, size_t *len);

/*
 * Sign with the Ed25519 key whose seed is a service key; and the key that
 * verifies it. RSG_CONFIG when there is no such key.
 */
RSG_MUST enum rsg_err rsg_service_sign(const struct rsg_keyring *,
    struct rsg_service_name, const void *, size_t, uint8_t sig[RSG_SIG_LEN]);
RSG_MUST enum rsg_err rsg_service_public(const struct rsg_keyring *,
    struct rsg_service_name, uint8_t pub[RSG_PUBLIC_LEN]);

/* The SHA-256 thumbprint of the public key as a JWK: what "kid" says. */
void rsg_jwk_thumbprint(const uint8_t pub[RSG_PUBLIC_LEN],
    char out[RSG_THUMBPRINT_TEXT]);

#endif
