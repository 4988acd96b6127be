#include <sodium.h>

#include "resguardo/secret.h"
#include "seal/sign.h"

_Static_assert(crypto_sign_ed25519_SEEDBYTES == RSG_SEED_LEN &&
    crypto_sign_ed25519_PUBLICKEYBYTES == RSG_PUBLIC_LEN &&
    crypto_sign_ed25519_BYTES == RSG_SIG_LEN, "sizes of Ed25519");

void
rsg_ed25519_public(const uint8_t seed[RSG_SEED_LEN], uint8_t pub[RSG_PUBLIC_LEN])
{
	uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];

	(void)crypto_sign_ed25519_seed_keypair(pub, secret, seed);
	rsg_secret_wipe(secret, sizeof(secret));
}

void
rsg_ed25519_sign(const uint8_t seed[RSG_SEED_LEN], const void *p, size_t len,
    uint8_t sig[RSG_SIG_LEN])
{
	uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES], pub[RSG_PUBLIC_LEN];

	(void)crypto_sign_ed25519_seed_keypair(pub, secret, seed);
	(void)crypto_sign_ed25519_detached(sig, NULL, p, len, secret);
	rsg_secret_wipe(secret, sizeof(secret));
}

enum rsg_err
rsg_ed25519_verify(const uint8_t pub[RSG_PUBLIC_LEN], const void *p, size_t len,
    const uint8_t sig[RSG_SIG_LEN])
{
	return crypto_sign_ed25519_verify_detached(sig, p, len, pub) == 0 ?
	    RSG_OK : RSG_TAMPERED;
}

void
rsg_base64_put(struct rsg_buf *b, const void *p, size_t len)
{
	size_t n = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	uint8_t *to = rsg_buf_room(b, n);	/* with a final NUL */

	if (to == NULL)
		return;
	(void)sodium_bin2base64((char *)to, n, p, len,
	    sodium_base64_VARIANT_ORIGINAL);
	(void)rsg_buf_extend(b, n - 1);
}

/* The library refuses missing padding and bits set behind the end. */
enum rsg_err
rsg_base64_get(const char *text, size_t n, uint8_t *out, size_t max, size_t *len)
{
	const char *end;

	if (sodium_base642bin(out, max, text, n, NULL, len, &end,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || end != text + n)
		return RSG_MALFORMED;
	return RSG_OK;
}
