/*
 * pseudonym.c - subject ids as single AES-256 blocks, both ways.
 *
 * One block of a cipher is a permutation of the ids: nothing is stored, and
 * without the key it says nothing. No mode is involved.
 */
#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "resguardo/log.h"
#include "seal/seal_int.h"

#define CHUNK	((size_t)1 << 20)	/* ids a call; EVP counts in int */

_Static_assert(sizeof(struct rsg_id) == RSG_ID_LEN, "ids lie side by side");

struct rsg_pseudonym {
	EVP_CIPHER_CTX *to;
	EVP_CIPHER_CTX *from;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *aes;

static void
fetch(void)
{
	aes = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
}

static enum rsg_err
use_expand(const uint8_t *key, void *arg)
{
	struct rsg_pseudonym *p = arg;

	if (EVP_EncryptInit_ex2(p->to, aes, key, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(p->from, aes, key, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(p->to, 0) != 1 ||
	    EVP_CIPHER_CTX_set_padding(p->from, 0) != 1)
		return RSG_INTERNAL;
	return RSG_OK;
}

enum rsg_err
rsg_pseudonym_open(const struct rsg_keyring *r, uint32_t recipient,
    uint32_t epoch, struct rsg_pseudonym **out)
{
	const struct rsg_service_name name = { RSG_SERVICE_PSEUDONYM, recipient,
	    epoch };
	struct rsg_pseudonym *p;
	enum rsg_err e = RSG_NO_MEMORY;

	*out = NULL;
	(void)pthread_once(&once, fetch);
	if (aes == NULL) {
		rsg_log(RSG_LOG_ERROR, "pseudonym.cipher", NULL);
		return RSG_INTERNAL;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return RSG_NO_MEMORY;
	if ((p->to = EVP_CIPHER_CTX_new()) == NULL ||
	    (p->from = EVP_CIPHER_CTX_new()) == NULL ||
	    (e = rsg__service_use(r, name, use_expand, p)) != RSG_OK) {
		rsg_pseudonym_free(p);
		return e;
	}
	*out = p;
	return RSG_OK;
}

void
rsg_pseudonym_free(struct rsg_pseudonym *p)
{
	if (p == NULL)
		return;
	EVP_CIPHER_CTX_free(p->to);	/* wipes the expanded key */
	EVP_CIPHER_CTX_free(p->from);
	free(p);
}

static enum rsg_err
run(EVP_CIPHER_CTX *ctx, const struct rsg_id *in, size_t n, struct rsg_id *out)
{
	size_t part;
	int got;

	for (; n > 0; n -= part, in += part, out += part) {
		part = n < CHUNK ? n : CHUNK;
		if (EVP_CipherUpdate(ctx, out->b, &got, in->b,
		    (int)(part * RSG_ID_LEN)) != 1 ||
		    (size_t)got != part * RSG_ID_LEN) {
			rsg_log(RSG_LOG_ERROR, "pseudonym.block", NULL);
			return RSG_INTERNAL;
		}
	}
	return RSG_OK;
}

enum rsg_err
rsg_pseudonym_of(struct rsg_pseudonym *p, const struct rsg_id *subjects,
    size_t n, struct rsg_id *out)
{
	return run(p->to, subjects, n, out);
}

enum rsg_err
rsg_pseudonym_subject(struct rsg_pseudonym *p, const struct rsg_id *pseudonyms,
    size_t n, struct rsg_id *out)
{
	return run(p->from, pseudonyms, n, out);
}
