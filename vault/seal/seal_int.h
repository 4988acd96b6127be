/*
 * seal_int.h - what the files of this folder share, and its tests look into.
 *
 * Nobody else includes it: rsg__seal_with_nonce() in other hands could use a
 * nonce twice, and a root key must not be reached but through its provider.
 */
#ifndef RSG_SEAL_INT_H
#define RSG_SEAL_INT_H

#include <pthread.h>

#include "seal/seal.h"

#define RSG_PLACE_LEN	56	/* associated data */
#define RSG_NONCE_LEN	24
#define RSG_KEYSET_TEXT	(1 + RSG_SUBJECT_KEYS * RSG_KEY_LEN)

void rsg__seal_place(const struct rsg_place_of *, uint8_t out[RSG_PLACE_LEN]);

/* Padded size of `len` bytes: the bucket. */
size_t rsg__seal_bucket(size_t len);

/* rsg_seal() into rsg_seal_size(len) bytes, with a nonce of the caller's. */
RSG_MUST enum rsg_err rsg__seal_with_nonce(const uint8_t *key,
    const struct rsg_place_of *, const uint8_t nonce[RSG_NONCE_LEN],
    const void *, size_t len, uint8_t *out);

/* The same with a fresh nonce. */
RSG_MUST enum rsg_err rsg__seal_into(const uint8_t *key,
    const struct rsg_place_of *, const void *, size_t len, uint8_t *out);

/*
 * A provider of root keys. It wraps and unwraps instead of handing keys out,
 * so that a token which never lets go of its keys can be one too. The
 * generation is the place's; RSG_CONFIG when there is none by that number.
 */
struct rsg__root {
	const struct rsg__root_ops *ops;
	void *state;
	uint32_t newest;
};
struct rsg__root_ops {
	const char *name;
	enum rsg_err (*wrap)(const void *state, const struct rsg_place_of *,
	    const void *, size_t len, uint8_t *out);
	enum rsg_err (*unwrap)(const void *state, const struct rsg_place_of *,
	    const uint8_t *, size_t len, uint8_t *out, size_t *outlen);
	void (*free)(void *state);
};

/* The provider "file": see rootfile.c. */
RSG_MUST enum rsg_err rsg__rootfile_open(const char *path, struct rsg__root *);

/* Room for service keys; all of them lie in one locked block. */
#define RSG_SERVICE_SLOTS	4096	/* power of two */
#define RSG_SERVICE_KEYS	3072	/* of which used: probes stay short */

struct rsg_keyring {
	struct rsg__root root;
	pthread_rwlock_t lock;		/* over what follows */
	size_t services;
	struct rsg_service_name name[RSG_SERVICE_SLOTS];	/* service 0: free */
	uint8_t (*key)[RSG_KEY_LEN];	/* locked, slot by slot */
};

/* Keyed BLAKE2b with a salt (what it is for) and a label (for whom). */
void rsg__blake2b_labelled(const uint8_t key[RSG_KEY_LEN], const char *salt,
    const char *label, const void *, size_t len, uint8_t out[RSG_DIGEST_LEN]);

/*
 * Run `use` with a service key while the table is held shared: the key never
 * leaves locked memory. RSG_CONFIG (logged) when there is none.
 */
RSG_MUST enum rsg_err rsg__service_use(const struct rsg_keyring *,
    struct rsg_service_name, enum rsg_err (*use)(const uint8_t *key, void *),
    void *arg);

#endif
