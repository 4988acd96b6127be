/*
 * keyring.c - the keyring's life, and people's key sets under its root.
 */
#include <stdlib.h>
#include <string.h>

#include "seal/seal_int.h"

enum rsg_err
rsg_keyring_open(const char *path, struct rsg_keyring **out)
{
	struct rsg_keyring *r;
	enum rsg_err e = RSG_NO_MEMORY;

	*out = NULL;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return RSG_NO_MEMORY;
	if (pthread_rwlock_init(&r->lock, NULL) != 0) {
		free(r);
		return RSG_NO_MEMORY;
	}
	r->key = rsg_secret_alloc(RSG_SERVICE_SLOTS * sizeof(*r->key));
	if (r->key == NULL || (e = rsg__rootfile_open(path, &r->root)) != RSG_OK) {
		rsg_keyring_free(r);
		return e;
	}
	*out = r;
	return RSG_OK;
}

void
rsg_keyring_free(struct rsg_keyring *r)
{
	if (r == NULL)
		return;
	if (r->root.ops != NULL)
		r->root.ops->free(r->root.state);
	rsg_secret_free(r->key);
	(void)pthread_rwlock_destroy(&r->lock);
	free(r);
}

uint32_t
rsg_keyring_generation(const struct rsg_keyring *r)
{
	return r->root.newest;
}

static struct rsg_place_of
place_of_keyset(uint32_t controller, const struct rsg_id *subject,
    uint32_t generation)
{
	return (struct rsg_place_of) { .kind = RSG_SEAL_KEYSET,
	    .controller = controller, .pk = *subject, .generation = generation };
}

enum rsg_err
rsg_keyset_wrap(const struct rsg_keyring *r, uint32_t controller,
    const struct rsg_id *subject, const struct rsg_keyset *set,
    uint8_t wrapped[RSG_KEYSET_WRAPPED])
{
	struct rsg_place_of at;
	uint8_t text[RSG_KEYSET_TEXT] = { 0 };
	enum rsg_err e;

	at = place_of_keyset(controller, subject, r->root.newest);
	text[0] = set->has;
	/* A key that was taken out is zeroes, so every set has one size. */
	for (size_t i = 0; i < RSG_SUBJECT_KEYS; i++)
		if ((set->has >> i & 1) != 0)
			memcpy(text + 1 + i * RSG_KEY_LEN, set->key[i],
			    RSG_KEY_LEN);
	e = r->root.ops->wrap(r->root.state, &at, text, sizeof(text), wrapped);
	rsg_secret_wipe(text, sizeof(text));
	return e;
}

enum rsg_err
rsg_keyset_new(const struct rsg_keyring *r, uint32_t controller,
    const struct rsg_id *subject, struct rsg_keyset *set,
    uint8_t wrapped[RSG_KEYSET_WRAPPED])
{
	enum rsg_err e;

	rsg_secret_random(set->key, sizeof(set->key));
	set->has = (1 << RSG_SUBJECT_KEYS) - 1;
	e = rsg_keyset_wrap(r, controller, subject, set, wrapped);
	if (e != RSG_OK)
		rsg_secret_wipe(set, sizeof(*set));
	return e;
}

enum rsg_err
rsg_keyset_open(const struct rsg_keyring *r, uint32_t controller,
    const struct rsg_id *subject, uint32_t generation, const uint8_t *wrapped,
    size_t len, struct rsg_keyset *set)
{
	struct rsg_place_of at;
	uint8_t text[RSG_KEYSET_WRAPPED - RSG_SEAL_EXTRA];
	size_t n;
	enum rsg_err e;

	memset(set, 0, sizeof(*set));
	if (len != RSG_KEYSET_WRAPPED)
		return RSG_TAMPERED;
	at = place_of_keyset(controller, subject, generation);
	e = r->root.ops->unwrap(r->root.state, &at, wrapped, len, text, &n);
	if (e == RSG_OK && (n != RSG_KEYSET_TEXT ||
	    text[0] >> RSG_SUBJECT_KEYS != 0))
		e = RSG_TAMPERED;
	if (e == RSG_OK) {
		set->has = text[0];
		memcpy(set->key, text + 1, sizeof(set->key));
	}
	rsg_secret_wipe(text, sizeof(text));
	return e;
}
