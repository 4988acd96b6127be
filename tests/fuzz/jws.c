/* A receipt that anybody may hand in: read, never believed, nor one letter of
 * it taken for another; key files the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "receipt/jws.h"
#include "resguardo/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Nobody's: a seed of zeroes. What verifies under it was signed here. */
static void
signed_by_us(const uint8_t *p, size_t len)
{
	static const uint8_t seed[RSG_SEED_LEN];
	uint8_t pub[RSG_PUBLIC_LEN], sig[RSG_SIG_LEN];
	struct rsg_buf b;
	struct rsg_jws j;

	rsg_ed25519_public(seed, pub);
	rsg_buf_init(&b, RSG_JWS_MAX);
	rsg_jws_begin(&b, pub, p, len);
	if (!rsg_buf_ok(&b))
		goto done;
	rsg_ed25519_sign(seed, b.p, b.len, sig);
	rsg_jws_end(&b, sig);
	if (rsg_buf_ok(&b)) {
		if (rsg_jws_read((const char *)b.p, b.len, &j) != RSG_JWS_GOOD ||
		    rsg_jws_check(&j, pub) != RSG_JWS_GOOD || j.payload.len != len ||
		    (len > 0 && memcmp(j.payload.p, p, len) != 0))
			abort();
		rsg_jws_free(&j);
	}
done:
	rsg_buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const uint8_t seed[RSG_SEED_LEN] = { 1 };
	uint8_t pub[RSG_PUBLIC_LEN], key[RSG_PUBLIC_LEN];
	struct rsg_jws j;

	rsg_json_init();
	rsg_ed25519_public(seed, pub);
	if (rsg_jws_read((const char *)p, len, &j) == RSG_JWS_GOOD &&
	    rsg_jws_check(&j, pub) == RSG_JWS_GOOD)
		abort();		/* nobody has that seed's key but us */
	rsg_jws_free(&j);
	if (rsg_jwk_read(p, len, "", key) == RSG_JWS_GOOD &&
	    rsg_jwk_read(p, len, "no-such-name", key) == RSG_JWS_GOOD)
		abort();
	if (len < 4096)
		signed_by_us(p, len);
	return 0;
}
