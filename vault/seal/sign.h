/*
 * sign.h - Ed25519 (RFC 8032), and base64 as the log's texts want it.
 */
#ifndef RSG_SIGN_H
#define RSG_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"

#define RSG_SEED_LEN	32
#define RSG_PUBLIC_LEN	32
#define RSG_SIG_LEN	64

void rsg_ed25519_public(const uint8_t seed[RSG_SEED_LEN],
    uint8_t pub[RSG_PUBLIC_LEN]);
void rsg_ed25519_sign(const uint8_t seed[RSG_SEED_LEN], const void *, size_t,
    uint8_t sig[RSG_SIG_LEN]);
/* RSG_TAMPERED when it does not verify. */
RSG_MUST enum rsg_err rsg_ed25519_verify(const uint8_t pub[RSG_PUBLIC_LEN],
    const void *, size_t, const uint8_t sig[RSG_SIG_LEN]);

/* RFC 4648, with padding. */
void rsg_base64_put(struct rsg_buf *, const void *, size_t);
/* Only the one spelling that rsg_base64_put() gives. RSG_MALFORMED, also
 * when it decodes to more than `max` bytes. */
RSG_MUST enum rsg_err rsg_base64_get(const char *, size_t, uint8_t *out,
    size_t max, size_t *len);

#endif
