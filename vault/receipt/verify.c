#include "receipt/verify.h"

#include <string.h>

#define RECORD	"dpv:hasRecordOfActivity"

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without what editors put before and after. */
static void
trim(const char **s, size_t *n)
{
	if (*n >= 3 && memcmp(*s, "\xef\xbb\xbf", 3) == 0) {
		*s += 3;
		*n -= 3;
	}
	for (; *n > 0 && blank(**s); (*s)++)
		(*n)--;
	while (*n > 0 && blank((*s)[*n - 1]))
		(*n)--;
}

static enum rsg_jws_fault
read_letters(const char *s, size_t n, struct rsg_verdict *v)
{
	for (size_t i = 0; i < n; i++)
		if (!blank(s[i]))
			rsg_buf_u8(&v->letters, (uint8_t)s[i]);
	if (!rsg_buf_ok(&v->letters))
		return RSG_JWS_SIZE;
	return rsg_jws_read((const char *)v->letters.p, v->letters.len, &v->jws);
}

/* The answer has the receipt as a member; the letters alone are a line. */
static enum rsg_jws_fault
take_apart(const char *s, size_t n, struct rsg_verdict *v)
{
	trim(&s, &n);
	if (n == 0)
		return RSG_JWS_EMPTY;
	if (s[0] == '<')
		return RSG_JWS_PAGE;
	if (s[0] != '{')
		return read_letters(s, n, v);
	if (rsg_json_parse(s, n, &v->answer, NULL) != RSG_OK ||
	    (s = rsg_json_string(rsg_json_get(v->answer, "receipt"), &n)) == NULL)
		return RSG_JWS_ANSWER;
	return rsg_jws_read(s, n, &v->jws);
}

static enum rsg_jws_fault
check(const struct rsg_verdict *v, const void *key, size_t nkey)
{
	uint8_t pub[RSG_PUBLIC_LEN];
	enum rsg_jws_fault f = rsg_jwk_read(key, nkey, v->jws.kid, pub);

	return f == RSG_JWS_GOOD ? rsg_jws_check(&v->jws, pub) : f;
}

/* Signed, but is it a receipt? */
static enum rsg_jws_fault
read_payload(struct rsg_verdict *v)
{
	const char *type;

	if (rsg_json_parse(v->jws.payload.p, v->jws.payload.len, &v->root, NULL) != RSG_OK)
		return RSG_JWS_PAYLOAD;
	type = rsg_json_string(rsg_json_get(v->root, "@type"), NULL);
	return type != NULL && strcmp(type, "dpv:ConsentReceipt") == 0 &&
	    rsg_json_type(rsg_json_get(v->root, RECORD)) == RSG_JSON_OBJECT ?
	    RSG_JWS_GOOD : RSG_JWS_PAYLOAD;
}

enum rsg_jws_fault
rsg_receipt_verify_file(const void *file, size_t len, const void *key, size_t nkey,
    struct rsg_verdict *v)
{
	enum rsg_jws_fault f;

	memset(v, 0, sizeof(*v));
	rsg_buf_init(&v->letters, RSG_JWS_MAX);
	rsg_buf_init(&v->jws.payload, RSG_JWS_MAX);
	if ((f = take_apart(file, len, v)) == RSG_JWS_GOOD && key != NULL)
		f = check(v, key, nkey);
	return f == RSG_JWS_GOOD ? read_payload(v) : f;
}

void
rsg_verdict_free(struct rsg_verdict *v)
{
	rsg_json_free(v->root);
	rsg_json_free(v->answer);
	rsg_jws_free(&v->jws);
	rsg_buf_free(&v->letters);
	v->root = v->answer = NULL;
}
