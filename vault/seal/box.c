/*
 * box.c - sealing one value for one place. docs/FORMAT.md has the bytes.
 *
 * Rows are opened by the hundred thousand a second: opening decrypts straight
 * into the caller's memory, allocates nothing and copies nothing.
 */
#include <string.h>

#include <sodium.h>

#include "resguardo/log.h"
#include "seal/seal_int.h"

#define TAG_LEN		crypto_aead_xchacha20poly1305_ietf_ABYTES
#define MARK		0x80	/* ends the text, ISO/IEC 7816-4 */

_Static_assert(RSG_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    "key length");
_Static_assert(RSG_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    "nonce length");
_Static_assert(RSG_SEAL_EXTRA == RSG_NONCE_LEN + TAG_LEN, "extra bytes");

static const char *const kind_name[] = {
	[RSG_SEAL_KEYSET] = "keyset", [RSG_SEAL_HEADER] = "header",
	[RSG_SEAL_ACTIVITY] = "activity", [RSG_SEAL_FIELD] = "field",
	[RSG_SEAL_CONSENT] = "consent", [RSG_SEAL_BENEFIT] = "benefit",
	[RSG_SEAL_EVENT] = "event", [RSG_SEAL_ATTACHMENT] = "attachment",
	[RSG_SEAL_AUDIT_OPS] = "audit_ops",
	[RSG_SEAL_AUDIT_ABOUT] = "audit_about", [RSG_SEAL_PAGE] = "page",
	[RSG_SEAL_SERVICE_KEY] = "service_key", [RSG_SEAL_TOKEN] = "token",
	[RSG_SEAL_REQUEST] = "request",
};

struct rsg_id
rsg_seal_number(uint64_t n)
{
	struct rsg_id id = { { 0 } };

	rsg_be64(id.b + 8, n);
	return id;
}

void
rsg__seal_place(const struct rsg_place_of *at, uint8_t out[RSG_PLACE_LEN])
{
	memcpy(out, "RSG1", 4);
	out[4] = (uint8_t)at->kind;
	memset(out + 5, 0, 3);
	rsg_be32(out + 8, at->controller);
	rsg_be32(out + 12, at->generation);
	rsg_be64(out + 16, at->version);
	memcpy(out + 24, at->pk.b, RSG_ID_LEN);
	memcpy(out + 40, at->pk2.b, RSG_ID_LEN);
}

/*
 * Finer steps would tell names apart by their length; coarser ones would
 * cost more than an eighth.
 */
size_t
rsg__seal_bucket(size_t len)
{
	size_t n = len + 1;	/* the mark */
	size_t step;

	if (n <= 256)
		step = 32;
	else if (n <= 1024)
		step = 64;
	else	/* an eighth of the power of two below */
		step = (size_t)1 << (60 - __builtin_clzll(n - 1));
	return (n + step - 1) & ~(step - 1);
}

size_t
rsg_seal_size(size_t len)
{
	return RSG_SEAL_EXTRA + rsg__seal_bucket(len);
}

static size_t
most(enum rsg_seal_kind kind)
{
	return kind == RSG_SEAL_PAGE || kind == RSG_SEAL_ATTACHMENT ?
	    RSG_SEAL_BIG : RSG_VALUE_MAX;
}

enum rsg_err
rsg__seal_with_nonce(const uint8_t *key, const struct rsg_place_of *at,
    const uint8_t nonce[RSG_NONCE_LEN], const void *text, size_t len,
    uint8_t *out)
{
	uint8_t ad[RSG_PLACE_LEN];
	uint8_t *body = out + RSG_NONCE_LEN;
	size_t bucket;

	if (len > most(at->kind))
		return RSG_TOO_LARGE;
	bucket = rsg__seal_bucket(len);
	rsg__seal_place(at, ad);
	memmove(out, nonce, RSG_NONCE_LEN);
	if (len != 0)
		memcpy(body, text, len);
	body[len] = MARK;
	memset(body + len + 1, 0, bucket - len - 1);
	/* In place; it cannot fail. */
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(body, NULL, body,
	    bucket, ad, sizeof(ad), NULL, out, key);
	return RSG_OK;
}

enum rsg_err
rsg__seal_into(const uint8_t *key, const struct rsg_place_of *at,
    const void *text, size_t len, uint8_t *out)
{
	uint8_t nonce[RSG_NONCE_LEN];

	randombytes_buf(nonce, sizeof(nonce));
	return rsg__seal_with_nonce(key, at, nonce, text, len, out);
}

enum rsg_err
rsg_seal(const uint8_t *key, const struct rsg_place_of *at, const void *text,
    size_t len, struct rsg_buf *out)
{
	uint8_t *p;

	if (len > most(at->kind))
		return RSG_TOO_LARGE;
	if ((p = rsg_buf_extend(out, rsg_seal_size(len))) == NULL)
		return rsg_buf_err(out);
	return rsg__seal_into(key, at, text, len, p);
}

/*
 * Where the text ends, or SIZE_MAX. What verifies was padded by us, so a
 * second way to write the same text is a mistake of ours and refused.
 */
static size_t
text_end(const uint8_t *p, size_t bucket)
{
	size_t n = bucket;

	while (n > 0 && p[n - 1] == 0)
		n--;
	if (n == 0 || p[n - 1] != MARK || rsg__seal_bucket(n - 1) != bucket)
		return SIZE_MAX;
	return n - 1;
}

/* Tokens come from the network: anybody could fill the log with them. */
static void
log_tampered(const struct rsg_place_of *at)
{
	const char *kind = NULL;

	if (at->kind == RSG_SEAL_TOKEN)
		return;
	if ((size_t)at->kind < sizeof(kind_name) / sizeof(kind_name[0]))
		kind = kind_name[at->kind];
	rsg_log(RSG_LOG_ERROR, "seal.tampered",
	    "kind", RSG_LOG_S, kind == NULL ? "unknown" : kind,
	    "controller", RSG_LOG_I, (int64_t)at->controller,
	    "pk", RSG_LOG_ID, &at->pk,
	    "pk2", RSG_LOG_ID, &at->pk2,
	    "version", RSG_LOG_I, (int64_t)at->version,
	    "generation", RSG_LOG_I, (int64_t)at->generation, NULL);
}

enum rsg_err
rsg_seal_open(const uint8_t *key, const struct rsg_place_of *at,
    const uint8_t *sealed, size_t len, uint8_t *out, size_t *outlen)
{
	uint8_t ad[RSG_PLACE_LEN];
	size_t bucket, n;

	*outlen = 0;
	if (len <= RSG_SEAL_EXTRA || len > rsg_seal_size(most(at->kind))) {
		log_tampered(at);
		return RSG_TAMPERED;
	}
	bucket = len - RSG_SEAL_EXTRA;
	rsg__seal_place(at, ad);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
	    sealed + RSG_NONCE_LEN, len - RSG_NONCE_LEN, ad, sizeof(ad),
	    sealed, key) != 0 || (n = text_end(out, bucket)) == SIZE_MAX) {
		rsg_secret_wipe(out, bucket);
		log_tampered(at);
		return RSG_TAMPERED;
	}
	*outlen = n;
	return RSG_OK;
}
