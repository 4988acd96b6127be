/* A file that anybody may hand in as a receipt, whole as `resguardo receipt
 * verify` reads it. Signed by a key of zeroes, so that the corpus has good ones:
 * what is said to be good was signed by that key, letter by letter, and no other
 * key finds it good. What it says is shown in lines, whatever stands in it. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/receiptshow.h"
#include "receipt/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t seed[RSG_SEED_LEN], another[RSG_SEED_LEN] = { 1 };

static void
key_of(const uint8_t *from, struct rsg_buf *b)
{
	uint8_t pub[RSG_PUBLIC_LEN];

	rsg_ed25519_public(from, pub);
	rsg_buf_init(b, 256);
	rsg_buf_str(b, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
	rsg_base64url_put(b, pub, sizeof(pub));
	rsg_buf_str(b, "\"}");
}

/* Ed25519 gives the same letters for the same text: any other is a forgery. */
static void
was_signed(const struct rsg_jws *j)
{
	uint8_t sig[RSG_SIG_LEN];

	rsg_ed25519_sign(seed, j->signed_text, j->nsigned, sig);
	if (memcmp(sig, j->sig, sizeof(sig)) != 0)
		abort();
}

static void
show(const struct rsg_json *root)
{
	size_t n = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &n);

	if (out == NULL)
		abort();
	rsg_receipt_show(out, root);
	fclose(out);
	for (size_t i = 0; i < n; i++)
		if (((uint8_t)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
			abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct rsg_buf mine, other;
	struct rsg_verdict v;
	enum rsg_jws_fault f;

	rsg_json_init();
	key_of(seed, &mine);
	key_of(another, &other);
	f = rsg_receipt_verify_file(p, len, mine.p, mine.len, &v);
	if (f == RSG_JWS_GOOD) {
		was_signed(&v.jws);
		show(v.root);
	} else if (strchr(rsg_jws_says(f), '\n') != NULL || rsg_jws_of_key(f))
		abort();
	rsg_verdict_free(&v);
	if (rsg_receipt_verify_file(p, len, other.p, other.len, &v) == RSG_JWS_GOOD)
		abort();
	rsg_verdict_free(&v);
	/* Without a key it can be shown, and is believed by nobody. */
	if (rsg_receipt_verify_file(p, len, NULL, 0, &v) == RSG_JWS_GOOD)
		show(v.root);
	rsg_verdict_free(&v);
	/* It may stand where the key does, too. */
	(void)rsg_receipt_verify_file(p, len, p, len, &v);
	rsg_verdict_free(&v);
	rsg_buf_free(&mine);
	rsg_buf_free(&other);
	return 0;
}
