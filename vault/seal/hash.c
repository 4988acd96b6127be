/*
 * hash.c - SHA-256 for what others verify, BLAKE2b for what only we do.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "resguardo/log.h"
#include "seal/seal_int.h"

#define LABEL_MAX	crypto_generichash_blake2b_PERSONALBYTES

_Static_assert(LABEL_MAX == 16 && crypto_generichash_blake2b_SALTBYTES == 16,
    "label and salt have 16 bytes");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ctx_key;
static EVP_MD *md;
static __thread EVP_MD_CTX *ctx;

/*
 * A digest that is not there has no error a caller could handle: the library
 * is broken or out of memory, and going on would store wrong hashes.
 */
static void
broken(const char *what)
{
	rsg_log(RSG_LOG_ERROR, "hash.broken", "what", RSG_LOG_S, what, NULL);
	abort();
}

static void
free_ctx(void *p)
{
	EVP_MD_CTX_free(p);
	ctx = NULL;
}

static void
fetch(void)
{
	if ((md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		broken("fetch");
	if (pthread_key_create(&ctx_key, free_ctx) != 0)
		broken("key");
}

/* Fetching and allocating cost more than hashing a leaf: once a thread. */
static EVP_MD_CTX *
thread_ctx(void)
{
	if (ctx != NULL)
		return ctx;
	(void)pthread_once(&once, fetch);
	if ((ctx = EVP_MD_CTX_new()) == NULL ||
	    pthread_setspecific(ctx_key, ctx) != 0)
		broken("context");
	return ctx;
}

void
rsg_sha256(const struct rsg_part *part, size_t n, uint8_t out[32])
{
	EVP_MD_CTX *c = thread_ctx();

	if (EVP_DigestInit_ex2(c, md, NULL) != 1)
		broken("init");
	for (size_t i = 0; i < n; i++)
		if (EVP_DigestUpdate(c, part[i].p, part[i].len) != 1)
			broken("update");
	if (EVP_DigestFinal_ex(c, out, NULL) != 1)
		broken("final");
}

void
rsg_blake2b(const uint8_t *key, const struct rsg_part *part, size_t n,
    uint8_t out[32])
{
	crypto_generichash_blake2b_state s;

	(void)crypto_generichash_blake2b_init(&s, key,
	    key == NULL ? 0 : RSG_KEY_LEN, RSG_DIGEST_LEN);
	for (size_t i = 0; i < n; i++)
		(void)crypto_generichash_blake2b_update(&s, part[i].p,
		    part[i].len);
	(void)crypto_generichash_blake2b_final(&s, out, RSG_DIGEST_LEN);
	rsg_secret_wipe(&s, sizeof(s));
}

/* Labels are constants of ours: one that is cut off would be two in one. */
static void
put_label(uint8_t out[LABEL_MAX], const char *label)
{
	size_t len = strlen(label);

	if (len > LABEL_MAX)
		broken("label");
	memset(out, 0, LABEL_MAX);
	memcpy(out, label, len);
}

void
rsg__blake2b_labelled(const uint8_t key[RSG_KEY_LEN], const char *salt,
    const char *label, const void *p, size_t len, uint8_t out[RSG_DIGEST_LEN])
{
	uint8_t s[LABEL_MAX], l[LABEL_MAX];

	put_label(s, salt);
	put_label(l, label);
	(void)crypto_generichash_blake2b_salt_personal(out, RSG_DIGEST_LEN, p,
	    len, key, RSG_KEY_LEN, s, l);
}

void
rsg_derive(const uint8_t key[RSG_KEY_LEN], const char *label,
    const struct rsg_id *id, uint8_t out[RSG_KEY_LEN])
{
	rsg__blake2b_labelled(key, "RSG1 derive", label, id->b, RSG_ID_LEN, out);
}
