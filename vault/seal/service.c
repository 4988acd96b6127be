/*
 * service.c - the server's own keys: a table in one locked block.
 *
 * Open addressing, never deleting: a key stays until the keyring is freed.
 */
#include <string.h>

#include "resguardo/log.h"
#include "seal/seal_int.h"

#define DIGEST_SALT	"RSG1 digest"
#define SEAL_SALT	"RSG1 seal"

/* --- The table --- */

static bool
same(const struct rsg_service_name *a, const struct rsg_service_name *b)
{
	return a->service == b->service && a->owner == b->owner &&
	    a->part == b->part;
}

/* The slot that holds `name`, or the free one where it belongs. */
static size_t
slot_of(const struct rsg_keyring *r, const struct rsg_service_name *name)
{
	uint64_t h = ((uint64_t)name->owner << 32 | name->part) ^
	    (uint64_t)name->service << 29;
	size_t i = (size_t)(h * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (;; i++) {
		i &= RSG_SERVICE_SLOTS - 1;
		if (r->name[i].service == 0 || same(&r->name[i], name))
			return i;
	}
}

/* Under the lock, for writing. */
static enum rsg_err
put(struct rsg_keyring *r, const struct rsg_service_name *name,
    const uint8_t key[RSG_KEY_LEN])
{
	size_t i = slot_of(r, name);

	if (r->name[i].service == 0) {
		if (r->services == RSG_SERVICE_KEYS) {
			rsg_log(RSG_LOG_ERROR, "service.full", "keys", RSG_LOG_I,
			    (int64_t)r->services, NULL);
			return RSG_NO_MEMORY;
		}
		r->name[i] = *name;
		r->services++;
	}
	memcpy(r->key[i], key, RSG_KEY_LEN);
	return RSG_OK;
}

/* The lock is the keyring's one mutable part that readers share. */
static pthread_rwlock_t *
lock_of(const struct rsg_keyring *r)
{
	return (pthread_rwlock_t *)&r->lock;
}

bool
rsg_service_has(const struct rsg_keyring *r, struct rsg_service_name name)
{
	bool has;

	(void)pthread_rwlock_rdlock(lock_of(r));
	has = r->name[slot_of(r, &name)].service != 0;
	(void)pthread_rwlock_unlock(lock_of(r));
	return has;
}

enum rsg_err
rsg__service_use(const struct rsg_keyring *r, struct rsg_service_name name,
    enum rsg_err (*use)(const uint8_t *key, void *), void *arg)
{
	enum rsg_err e = RSG_CONFIG;
	bool has;
	size_t i;

	(void)pthread_rwlock_rdlock(lock_of(r));
	i = slot_of(r, &name);
	if ((has = r->name[i].service != 0))
		e = use(r->key[i], arg);
	(void)pthread_rwlock_unlock(lock_of(r));
	if (!has)
		rsg_log(RSG_LOG_ERROR, "service.missing",
		    "service", RSG_LOG_I, (int64_t)name.service,
		    "owner", RSG_LOG_I, (int64_t)name.owner,
		    "part", RSG_LOG_I, (int64_t)name.part, NULL);
	return e;
}

/* --- Making and loading --- */

static struct rsg_place_of
place_of_service(const struct rsg_service_name *name, uint32_t generation)
{
	struct rsg_place_of at = { .kind = RSG_SEAL_SERVICE_KEY,
	    .generation = generation };

	rsg_be32(at.pk.b, (uint32_t)name->service);
	rsg_be32(at.pk.b + 4, name->owner);
	rsg_be32(at.pk.b + 8, name->part);
	return at;
}

enum rsg_err
rsg_service_new(struct rsg_keyring *r, struct rsg_service_name name,
    uint8_t wrapped[RSG_SERVICE_WRAPPED])
{
	struct rsg_place_of at = place_of_service(&name, r->root.newest);
	uint8_t key[RSG_KEY_LEN];
	enum rsg_err e;

	rsg_secret_random(key, sizeof(key));
	e = r->root.ops->wrap(r->root.state, &at, key, sizeof(key), wrapped);
	if (e == RSG_OK) {
		(void)pthread_rwlock_wrlock(&r->lock);
		if (r->name[slot_of(r, &name)].service != 0)
			e = RSG_CONFLICT;
		else
			e = put(r, &name, key);
		(void)pthread_rwlock_unlock(&r->lock);
	}
	rsg_secret_wipe(key, sizeof(key));
	return e;
}

enum rsg_err
rsg_service_load(struct rsg_keyring *r, struct rsg_service_name name,
    uint32_t generation, const uint8_t *wrapped, size_t len)
{
	struct rsg_place_of at = place_of_service(&name, generation);
	uint8_t key[RSG_SERVICE_WRAPPED - RSG_SEAL_EXTRA];
	size_t n;
	enum rsg_err e;

	if (len != RSG_SERVICE_WRAPPED)
		return RSG_TAMPERED;
	e = r->root.ops->unwrap(r->root.state, &at, wrapped, len, key, &n);
	if (e == RSG_OK && n != RSG_KEY_LEN)
		e = RSG_TAMPERED;
	if (e == RSG_OK) {
		(void)pthread_rwlock_wrlock(&r->lock);
		e = put(r, &name, key);
		(void)pthread_rwlock_unlock(&r->lock);
	}
	rsg_secret_wipe(key, sizeof(key));
	return e;
}

/* --- Using --- */

struct labelled {
	const char *label;
	const void *p;
	size_t len;
	uint8_t *out;
};

static enum rsg_err
use_digest(const uint8_t *key, void *arg)
{
	const struct labelled *l = arg;

	rsg__blake2b_labelled(key, DIGEST_SALT, l->label, l->p, l->len, l->out);
	return RSG_OK;
}

enum rsg_err
rsg_service_digest(const struct rsg_keyring *r, struct rsg_service_name name,
    const char *label, const void *p, size_t len, uint8_t out[RSG_DIGEST_LEN])
{
	return rsg__service_use(r, name, use_digest,
	    &(struct labelled) { label, p, len, out });
}

static enum rsg_err
use_derive(const uint8_t *key, void *arg)
{
	const struct labelled *l = arg;

	rsg_derive(key, l->label, l->p, l->out);
	return RSG_OK;
}

enum rsg_err
rsg_service_derive(const struct rsg_keyring *r, struct rsg_service_name name,
    const char *label, const struct rsg_id *id, uint8_t out[RSG_KEY_LEN])
{
	return rsg__service_use(r, name, use_derive,
	    &(struct labelled) { label, id, sizeof(*id), out });
}

/* One key, one use: what seals is never the key that digests. */
static enum rsg_err
use_seal_key(const uint8_t *key, void *out)
{
	rsg__blake2b_labelled(key, SEAL_SALT, "", NULL, 0, out);
	return RSG_OK;
}

enum rsg_err
rsg_service_seal(const struct rsg_keyring *r, struct rsg_service_name name,
    const struct rsg_place_of *at, const void *p, size_t len,
    struct rsg_buf *out)
{
	uint8_t key[RSG_KEY_LEN];
	enum rsg_err e;

	if ((e = rsg__service_use(r, name, use_seal_key, key)) == RSG_OK)
		e = rsg_seal(key, at, p, len, out);
	rsg_secret_wipe(key, sizeof(key));
	return e;
}

enum rsg_err
rsg_service_open(const struct rsg_keyring *r, struct rsg_service_name name,
    const struct rsg_place_of *at, const uint8_t *sealed, size_t len,
    uint8_t *out, size_t *outlen)
{
	uint8_t key[RSG_KEY_LEN];
	enum rsg_err e;

	*outlen = 0;
	if ((e = rsg__service_use(r, name, use_seal_key, key)) == RSG_OK)
		e = rsg_seal_open(key, at, sealed, len, out, outlen);
	rsg_secret_wipe(key, sizeof(key));
	return e;
}
