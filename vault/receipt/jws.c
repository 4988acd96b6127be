#include <string.h>

#include "receipt/jws.h"
#include "resguardo/json.h"
#include "resguardo/msg.h"

#define HEADER_MAX	512	/* bytes of a header, decoded */
#define KEYS_MAX	(64u * 1024)

static const char *const says[RSG_JWS__MAX] = {
	[RSG_JWS_GOOD] = "the signature is good",
	[RSG_JWS_SIZE] = "it is empty or longer than any receipt",
	[RSG_JWS_PARTS] = "it does not have three parts with a dot between them: "
	    "a piece is missing, or it is no receipt",
	[RSG_JWS_LETTERS] = "a part is not base64url: it was cut short or changed",
	[RSG_JWS_HEADER] = "its first part is not a header that this program knows",
	[RSG_JWS_NONE] = "it says that it is not signed (alg none): anybody can "
	    "have written it",
	[RSG_JWS_ALGORITHM] = "it is signed in another way than receipts are "
	    "(alg is not EdDSA)",
	[RSG_JWS_CRITICAL] = "its header asks for something that this program does "
	    "not know (crit)",
	[RSG_JWS_OTHER_TYPE] = "it is signed, but it is not a receipt (typ)",
	[RSG_JWS_LENGTH] = "its signature is not 64 bytes: it was cut short",
	[RSG_JWS_PAYLOAD] = "what was signed is not a receipt's JSON",
	[RSG_JWS_KEY_FILE] = "the key file is not a JWK, nor a set of them",
	[RSG_JWS_KEY_KIND] = "the key is not an Ed25519 public key (kty OKP, crv "
	    "Ed25519, x)",
	[RSG_JWS_KEY_NAME] = "the key does not have the name it is given (kid): the "
	    "key file was changed",
	[RSG_JWS_OTHER_KEY] = "it was signed with another key than those given",
	[RSG_JWS_SIGNATURE] = "the signature does not belong to it: a letter of it "
	    "was changed, or somebody else signed it",
	[RSG_JWS_EMPTY] = "it is empty: there is nothing in the file",
	[RSG_JWS_PAGE] = "it is a page: save the letters at its end, the signed receipt, "
	    "in a file of their own",
	[RSG_JWS_ANSWER] = "it is JSON without a signed receipt in it (the member "
	    "\"receipt\" of the server's answer)",
};

const char *
rsg_jws_says(enum rsg_jws_fault f)
{
	return (unsigned)f < RSG_JWS__MAX ? says[f] : "it cannot be read";
}

bool
rsg_jws_of_key(enum rsg_jws_fault f)
{
	return f == RSG_JWS_KEY_FILE || f == RSG_JWS_KEY_KIND || f == RSG_JWS_KEY_NAME;
}

/* --- Writing --- */

void
rsg_jws_begin(struct rsg_buf *b, const uint8_t pub[RSG_PUBLIC_LEN],
    const void *payload, size_t len)
{
	char kid[RSG_THUMBPRINT_TEXT];
	struct rsg_buf header;

	rsg_buf_init(&header, HEADER_MAX);
	rsg_jwk_thumbprint(pub, kid);
	rsg_buf_printf(&header, "{\"alg\":\"EdDSA\",\"cty\":\"ld+json\","
	    "\"kid\":\"%s\",\"typ\":\"%s\"}", kid, RSG_JWS_TYPE);
	if (!rsg_buf_ok(&header))
		b->failed = b->starved = true;
	rsg_base64url_put(b, header.p, header.len);
	rsg_buf_u8(b, '.');
	rsg_base64url_put(b, payload, len);
	rsg_buf_free(&header);
}

void
rsg_jws_end(struct rsg_buf *b, const uint8_t sig[RSG_SIG_LEN])
{
	rsg_buf_u8(b, '.');
	rsg_base64url_put(b, sig, RSG_SIG_LEN);
}

/* --- Reading --- */

static bool
text_is(const struct rsg_json *v, const char *s)
{
	return rsg_json_type(v) == RSG_JSON_STRING &&
	    strcmp(rsg_json_string(v, NULL), s) == 0;
}

/*
 * Four members and no other: what else a header can hold (keys, addresses of
 * keys) is there to make readers believe it.
 */
static enum rsg_jws_fault
read_members(const struct rsg_json *root, char kid[RSG_THUMBPRINT_TEXT])
{
	const struct rsg_json *alg = rsg_json_get(root, "alg"), *v;
	const char *name;
	void *iter = NULL;
	size_t n;

	if (rsg_json_type(root) != RSG_JSON_OBJECT || alg == NULL)
		return RSG_JWS_HEADER;
	if (!text_is(alg, "EdDSA"))
		return text_is(alg, "none") ? RSG_JWS_NONE : RSG_JWS_ALGORITHM;
	while (rsg_json_next(root, &iter, &name, &v)) {
		if (strcmp(name, "crit") == 0)
			return RSG_JWS_CRITICAL;
		if (rsg_json_type(v) != RSG_JSON_STRING || (strcmp(name, "alg") != 0 &&
		    strcmp(name, "cty") != 0 && strcmp(name, "kid") != 0 &&
		    strcmp(name, "typ") != 0))
			return RSG_JWS_HEADER;
	}
	if ((v = rsg_json_get(root, "typ")) != NULL && !text_is(v, RSG_JWS_TYPE))
		return RSG_JWS_OTHER_TYPE;
	if ((v = rsg_json_get(root, "kid")) != NULL) {
		name = rsg_json_string(v, &n);
		if (n >= RSG_THUMBPRINT_TEXT || !rsg_msg_name((const uint8_t *)name, n))
			return RSG_JWS_HEADER;
		memcpy(kid, name, n + 1);
	}
	return RSG_JWS_GOOD;
}

static enum rsg_jws_fault
read_header(const char *p, size_t n, char kid[RSG_THUMBPRINT_TEXT])
{
	uint8_t text[HEADER_MAX];
	struct rsg_json *root;
	enum rsg_jws_fault f;
	size_t len;

	if (rsg_base64url_get(p, n, text, sizeof(text), &len) != RSG_OK)
		return RSG_JWS_LETTERS;
	if (rsg_json_parse(text, len, &root, NULL) != RSG_OK)
		return RSG_JWS_HEADER;
	f = read_members(root, kid);
	rsg_json_free(root);
	return f;
}

enum rsg_jws_fault
rsg_jws_read(const char *p, size_t n, struct rsg_jws *j)
{
	const char *payload, *sig, *end = p + n;
	enum rsg_jws_fault f;
	uint8_t *room;
	size_t len;

	memset(j, 0, sizeof(*j));
	rsg_buf_init(&j->payload, RSG_JWS_MAX);
	if (n == 0 || n > RSG_JWS_MAX)
		return RSG_JWS_SIZE;
	if ((payload = memchr(p, '.', n)) == NULL ||
	    (sig = memchr(payload + 1, '.', (size_t)(end - payload - 1))) == NULL ||
	    memchr(sig + 1, '.', (size_t)(end - sig - 1)) != NULL)
		return RSG_JWS_PARTS;
	if ((f = read_header(p, (size_t)(payload - p), j->kid)) != RSG_JWS_GOOD)
		return f;
	payload++;
	if ((room = rsg_buf_room(&j->payload, (size_t)(sig - payload) + 1)) == NULL)
		return RSG_JWS_SIZE;
	if (rsg_base64url_get(payload, (size_t)(sig - payload), room,
	    (size_t)(sig - payload) + 1, &len) != RSG_OK)
		return RSG_JWS_LETTERS;
	(void)rsg_buf_extend(&j->payload, len);
	j->signed_text = p;
	j->nsigned = (size_t)(sig - p);
	sig++;
	/* 64 bytes are 86 letters: what is cut says so, what is changed too. */
	if (end - sig != 86)
		return RSG_JWS_LENGTH;
	if (rsg_base64url_get(sig, 86, j->sig, sizeof(j->sig), &len) != RSG_OK)
		return RSG_JWS_LETTERS;
	return RSG_JWS_GOOD;
}

void
rsg_jws_free(struct rsg_jws *j)
{
	rsg_buf_free(&j->payload);
}

enum rsg_jws_fault
rsg_jws_check(const struct rsg_jws *j, const uint8_t pub[RSG_PUBLIC_LEN])
{
	char kid[RSG_THUMBPRINT_TEXT];

	rsg_jwk_thumbprint(pub, kid);
	if (j->kid[0] != '\0' && strcmp(j->kid, kid) != 0)
		return RSG_JWS_OTHER_KEY;
	if (rsg_ed25519_verify(pub, j->signed_text, j->nsigned, j->sig) != RSG_OK)
		return RSG_JWS_SIGNATURE;
	return RSG_JWS_GOOD;
}

/* --- Keys --- */

static enum rsg_jws_fault
read_key(const struct rsg_json *v, const char *kid, uint8_t pub[RSG_PUBLIC_LEN])
{
	const struct rsg_json *name = rsg_json_get(v, "kid");
	char own[RSG_THUMBPRINT_TEXT];
	const char *x;
	size_t n, len;

	if (!text_is(rsg_json_get(v, "kty"), "OKP") ||
	    !text_is(rsg_json_get(v, "crv"), "Ed25519") ||
	    (x = rsg_json_string(rsg_json_get(v, "x"), &n)) == NULL ||
	    rsg_base64url_get(x, n, pub, RSG_PUBLIC_LEN, &len) != RSG_OK ||
	    len != RSG_PUBLIC_LEN)
		return RSG_JWS_KEY_KIND;
	rsg_jwk_thumbprint(pub, own);
	if (name != NULL && !text_is(name, own))
		return RSG_JWS_KEY_NAME;
	return kid[0] == '\0' || strcmp(kid, own) == 0 ? RSG_JWS_GOOD :
	    RSG_JWS_OTHER_KEY;
}

enum rsg_jws_fault
rsg_jwk_read(const void *p, size_t n, const char *kid, uint8_t pub[RSG_PUBLIC_LEN])
{
	enum rsg_jws_fault f = RSG_JWS_OTHER_KEY;
	const struct rsg_json *keys;
	struct rsg_json *root;

	if (n > KEYS_MAX || rsg_json_parse(p, n, &root, NULL) != RSG_OK)
		return RSG_JWS_KEY_FILE;
	keys = rsg_json_get(root, "keys");
	if (rsg_json_type(root) != RSG_JSON_OBJECT)
		f = RSG_JWS_KEY_FILE;
	else if (keys == NULL)
		f = read_key(root, kid, pub);
	else if (rsg_json_type(keys) != RSG_JSON_ARRAY ||
	    (kid[0] == '\0' && rsg_json_size(keys) != 1))
		f = RSG_JWS_KEY_FILE;
	/* A set may hold keys of other kinds: only a name that lies matters. */
	for (size_t i = 0; f == RSG_JWS_OTHER_KEY && keys != NULL &&
	    i < rsg_json_size(keys); i++)
		if ((f = read_key(rsg_json_at(keys, i), kid, pub)) == RSG_JWS_KEY_KIND)
			f = RSG_JWS_OTHER_KEY;
	rsg_json_free(root);
	return f;
}
