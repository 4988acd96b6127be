#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "seal/jose.h"
#include "seal/seal_int.h"

#define VARIANT	sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(RSG_SEED_LEN == RSG_KEY_LEN, "a service key is a seed");

void
rsg_base64url_put(struct rsg_buf *b, const void *p, size_t len)
{
	size_t n = sodium_base64_encoded_len(len, VARIANT);
	uint8_t *to = rsg_buf_room(b, n);	/* with a final NUL */

	if (to == NULL)
		return;
	(void)sodium_bin2base64((char *)to, n, p, len, VARIANT);
	(void)rsg_buf_extend(b, n - 1);
}

/* The library refuses padding and bits set behind the end. */
enum rsg_err
rsg_base64url_get(const char *text, size_t n, uint8_t *out, size_t max,
    size_t *len)
{
	const char *end;

	if (sodium_base642bin(out, max, text, n, NULL, len, &end, VARIANT) != 0 ||
	    end != text + n)
		return RSG_MALFORMED;
	return RSG_OK;
}

/* --- Keys of the server's --- */

struct signing {
	const void *p;
	size_t len;
	uint8_t *out;
};

static enum rsg_err
use_sign(const uint8_t *key, void *arg)
{
	const struct signing *s = arg;

	rsg_ed25519_sign(key, s->p, s->len, s->out);
	return RSG_OK;
}

static enum rsg_err
use_public(const uint8_t *key, void *out)
{
	rsg_ed25519_public(key, out);
	return RSG_OK;
}

enum rsg_err
rsg_service_sign(const struct rsg_keyring *r, struct rsg_service_name name,
    const void *p, size_t len, uint8_t sig[RSG_SIG_LEN])
{
	return rsg__service_use(r, name, use_sign, &(struct signing) { p, len, sig });
}

enum rsg_err
rsg_service_public(const struct rsg_keyring *r, struct rsg_service_name name,
    uint8_t pub[RSG_PUBLIC_LEN])
{
	return rsg__service_use(r, name, use_public, pub);
}

/* Its members in the order of their names and without blanks: RFC 7638, 3. */
void
rsg_jwk_thumbprint(const uint8_t pub[RSG_PUBLIC_LEN], char out[RSG_THUMBPRINT_TEXT])
{
	char x[RSG_THUMBPRINT_TEXT], jwk[128];
	uint8_t hash[32];
	int n;

	(void)sodium_bin2base64(x, sizeof(x), pub, RSG_PUBLIC_LEN, VARIANT);
	n = snprintf(jwk, sizeof(jwk), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	rsg_sha256((struct rsg_part[]){ { jwk, (size_t)n } }, 1, hash);
	(void)sodium_bin2base64(out, RSG_THUMBPRINT_TEXT, hash, sizeof(hash), VARIANT);
}
