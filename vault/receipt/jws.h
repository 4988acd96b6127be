/*
 * jws.h - receipts as they travel: JWS in compact form (RFC 7515), signed with
 * Ed25519 (RFC 8037).
 *
 * The payload is the exact bytes that were signed: nothing is canonicalised.
 * The reader knows one algorithm and takes its key from its caller, never
 * from what it reads, so that nobody can choose for it.
 */
#ifndef RSG_JWS_H
#define RSG_JWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "seal/jose.h"

#define RSG_JWS_MAX	(256u * 1024)	/* letters in a receipt that is read */
#define RSG_JWS_TYPE	"resguardo-receipt+jws"

/* What may be wrong; rsg_jws_says() has a line for each. */
enum rsg_jws_fault {
	RSG_JWS_GOOD, RSG_JWS_SIZE, RSG_JWS_PARTS, RSG_JWS_LETTERS,
	RSG_JWS_HEADER, RSG_JWS_NONE, RSG_JWS_ALGORITHM, RSG_JWS_CRITICAL,
	RSG_JWS_OTHER_TYPE, RSG_JWS_LENGTH, RSG_JWS_PAYLOAD, RSG_JWS_KEY_FILE,
	RSG_JWS_KEY_KIND, RSG_JWS_KEY_NAME, RSG_JWS_OTHER_KEY,
	RSG_JWS_SIGNATURE, RSG_JWS_EMPTY, RSG_JWS_PAGE, RSG_JWS_ANSWER,
	RSG_JWS__MAX
};
const char *rsg_jws_says(enum rsg_jws_fault);
/* Is it the key file that is wrong? Then nothing is known of the receipt. */
bool rsg_jws_of_key(enum rsg_jws_fault);

/* --- Writing --- */

/*
 * The bytes that are signed, header and payload, go to the end of `b`; its
 * signature is put behind them by rsg_jws_end().
 */
void rsg_jws_begin(struct rsg_buf *b, const uint8_t pub[RSG_PUBLIC_LEN],
    const void *payload, size_t len);
void rsg_jws_end(struct rsg_buf *b, const uint8_t sig[RSG_SIG_LEN]);

/* --- Reading --- */

struct rsg_jws {
	char kid[RSG_THUMBPRINT_TEXT];	/* of the key it names; "": none */
	const char *signed_text;	/* borrowed from the text given */
	size_t nsigned;
	uint8_t sig[RSG_SIG_LEN];
	struct rsg_buf payload;
};

/* Take apart; nothing in it is to be believed yet. rsg_jws_free() either way. */
enum rsg_jws_fault rsg_jws_read(const char *, size_t, struct rsg_jws *);
void rsg_jws_free(struct rsg_jws *);

/* Did the owner of this key sign it? */
enum rsg_jws_fault rsg_jws_check(const struct rsg_jws *,
    const uint8_t pub[RSG_PUBLIC_LEN]);

/*
 * The public key in a file: a JWK, or the one called `kid` of a JWK set. With
 * `kid` "" the set has to hold one key only.
 */
enum rsg_jws_fault rsg_jwk_read(const void *, size_t, const char *kid,
    uint8_t pub[RSG_PUBLIC_LEN]);

#endif
