#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consent/notice.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "segment/zone.h"
#include "store/keys.h"
#include "work/vault.h"

/* Keys that every vault has; those by controller or recipient come with them. */
static const struct rsg_service_name global_keys[] = {
	{ RSG_SERVICE_ROWMAC, 0, 0 }, { RSG_SERVICE_OPERATIONS, 0, 0 },
	{ RSG_SERVICE_SUPPRESSION, 0, 0 }, { RSG_SERVICE_SESSION, 0, 0 },
	{ RSG_SERVICE_RECEIPT, 0, 0 },
};

/* --- MACs over rows --- */

void
rsg_mac_bytes(struct rsg_buf *b, const void *p, size_t n)
{
	rsg_buf_u32(b, (uint32_t)n);
	rsg_buf_put(b, p, n);
}

void
rsg_mac_text(struct rsg_buf *b, const char *s)
{
	rsg_mac_bytes(b, s, strlen(s));
}

void
rsg_mac_int(struct rsg_buf *b, int64_t v)
{
	rsg_buf_u32(b, 8);
	rsg_buf_u64(b, (uint64_t)v);
}

enum rsg_err
rsg_row_mac(const struct rsg_keyring *keys, const char *table,
    const struct rsg_buf *columns, uint8_t mac[RSG_DIGEST_LEN])
{
	static const struct rsg_service_name name = { RSG_SERVICE_ROWMAC, 0, 0 };
	enum rsg_err e = rsg_buf_err(columns);

	if (e != RSG_OK)
		return e;
	return rsg_service_digest(keys, name, table, columns->p, columns->len, mac);
}

enum rsg_err
rsg_vault_mac_controller(const struct rsg_keyring *keys,
    const struct rsg_controller *c, uint8_t mac[RSG_DIGEST_LEN])
{
	const char *const party[] = { c->address, c->contact, c->email, c->phone,
	    c->url, c->storage };
	struct rsg_buf b;
	bool said = false;
	enum rsg_err e;

	rsg_buf_init(&b, 4096);
	rsg_mac_int(&b, c->number);
	rsg_mac_text(&b, c->name);
	rsg_mac_text(&b, c->title);
	rsg_mac_text(&b, c->jurisdiction);
	rsg_mac_text(&b, c->currency);
	rsg_mac_text(&b, c->zone_name);
	/* Rows written before there was a party have none, and its bytes neither. */
	for (size_t i = 0; i < 6; i++)
		said = said || party[i][0] != '\0';
	for (size_t i = 0; said && i < 6; i++)
		rsg_mac_text(&b, party[i]);
	e = rsg_row_mac(keys, "controller", &b, mac);
	rsg_buf_free(&b);
	return e;
}

/* --- Service keys --- */

/*
 * Two servers may make the same key at once: whoever stores it first wins,
 * and the other takes that one over its own. Nobody uses the key before.
 */
enum rsg_err
rsg_vault_service_key(struct rsg_vault *v, struct rsg_db *db,
    struct rsg_service_name name)
{
	uint8_t wrapped[RSG_SERVICE_WRAPPED];
	struct rsg_bind *b;
	enum rsg_err e;

	if (rsg_service_has(v->keys, name))
		return RSG_OK;
	if ((e = rsg_service_new(v->keys, name, wrapped)) != RSG_OK)
		return e;
	b = rsg_db_bind(db, RSG_SQL_SERVICE_KEY_INSERT);
	rsg_bind_int(b, 0, name.service);
	rsg_bind_int(b, 1, name.owner);
	rsg_bind_int(b, 2, name.part);
	rsg_bind_int(b, 3, rsg_keyring_generation(v->keys));
	rsg_bind_bytes(b, 4, wrapped, sizeof(wrapped));
	(void)rsg_db_send(db, b);
	if ((e = rsg_db_commit(db)) != RSG_OK || (e = rsg_keys_load(db, v->keys, NULL, true)) != RSG_OK)
		return e;
	return rsg_db_commit(db);
}

enum rsg_err
rsg_vault_blind(struct rsg_worker *w, uint32_t controller, uint16_t field,
    const void *form, size_t len, uint8_t digest[RSG_DIGEST_LEN])
{
	struct rsg_service_name name = { RSG_SERVICE_BLIND, controller, field };

	return rsg_service_digest(w->vault->keys, name, "blind", form, len, digest);
}

/* Every controller has a key for every searchable field of the policy. */
static enum rsg_err
blind_keys(struct rsg_vault *v, struct rsg_db *db)
{
	const struct rsg_fielddef *f;
	enum rsg_err e;

	for (size_t c = 0; c < v->ncontrollers; c++) {
		struct rsg_service_name names = { RSG_SERVICE_BLIND,
		    v->controller[c]->number, 0 };

		/* Part 0 digests what activity counts by name. */
		if ((e = rsg_vault_service_key(v, db, names)) != RSG_OK)
			return e;
		for (size_t i = 0; (f = rsg_policy_field_at(v->policy, i)) != NULL; i++) {
			struct rsg_service_name name = { RSG_SERVICE_BLIND,
			    v->controller[c]->number, f->number };

			if (f->searchable &&
			    (e = rsg_vault_service_key(v, db, name)) != RSG_OK)
				return e;
		}
	}
	return RSG_OK;
}

/* --- Controllers --- */

static void
text_of(const struct rsg_result *r, int row, int col, char *out, size_t cap)
{
	size_t n;
	const uint8_t *p = rsg_result_bytes(r, row, col, &n);

	if (n >= cap)
		n = cap - 1;
	memcpy(out, p, n);
	out[n] = '\0';
}

static enum rsg_err
take_controller(struct rsg_vault *v, const struct rsg_result *r, int row)
{
	struct rsg_controller *c;
	const uint8_t *stored;
	size_t n;
	enum rsg_err e;

	const uint32_t number = (uint32_t)rsg_result_int(r, row, 0);
	const struct rsg_controller *old = rsg_vault_controller(v, number);
	size_t at = 0;

	stored = rsg_result_bytes(r, row, 6, &n);
	if (old != NULL && n == sizeof(old->mac) && rsg_secret_equal(old->mac, stored, n))
		return RSG_OK;
	if (old == NULL && v->ncontrollers == RSG_CONTROLLERS)
		return RSG_CONFIG;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return RSG_NO_MEMORY;
	c->number = number;
	c->before = old;
	text_of(r, row, 1, c->name, sizeof(c->name));
	text_of(r, row, 2, c->title, sizeof(c->title));
	text_of(r, row, 3, c->jurisdiction, sizeof(c->jurisdiction));
	text_of(r, row, 4, c->currency, sizeof(c->currency));
	text_of(r, row, 5, c->zone_name, sizeof(c->zone_name));
	text_of(r, row, 7, c->address, sizeof(c->address));
	text_of(r, row, 8, c->contact, sizeof(c->contact));
	text_of(r, row, 9, c->email, sizeof(c->email));
	text_of(r, row, 10, c->phone, sizeof(c->phone));
	text_of(r, row, 11, c->url, sizeof(c->url));
	text_of(r, row, 12, c->storage, sizeof(c->storage));
	if ((e = rsg_vault_mac_controller(v->keys, c, c->mac)) == RSG_OK &&
	    (n != sizeof(c->mac) || !rsg_secret_equal(c->mac, stored, n)))
		e = RSG_TAMPERED;
	if (e != RSG_OK) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "controller", "number", RSG_LOG_I, (int64_t)c->number, NULL);
		free(c);
		return e;
	}
	/* The zone of one never changes: figures were computed by it. */
	if (old != NULL)
		c->zone = old->zone;
	/* Whoever holds the old one goes on with it: it is never freed. */
	pthread_rwlock_wrlock(&v->lock);
	while (at < v->ncontrollers && v->controller[at] != old)
		at++;
	v->controller[at] = c;
	if (old == NULL)
		v->ncontrollers++;
	pthread_rwlock_unlock(&v->lock);
	return RSG_OK;
}

/* Their time zones, once their rows are known. */
static enum rsg_err
load_zones(struct rsg_vault *v, struct rsg_db *db)
{
	enum rsg_err e;

	for (size_t i = 0; i < v->ncontrollers; i++) {
		struct rsg_zone *z;

		if (v->controller[i]->zone != NULL)
			continue;
		if ((e = rsg_zone_load(db, v->controller[i]->zone_name, &z)) != RSG_OK)
			return e;
		v->controller[i]->zone = z;
	}
	return RSG_OK;
}

enum rsg_err
rsg_vault_controllers(struct rsg_vault *v, struct rsg_db *db)
{
	const struct rsg_result *r;
	int n = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_CONTROLLERS));
	enum rsg_err e;

	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, n);
	for (int row = 0; row < rsg_result_rows(r); row++)
		if ((e = take_controller(v, r, row)) != RSG_OK)
			return e;
	if ((e = rsg_db_commit(db)) != RSG_OK || (e = load_zones(v, db)) != RSG_OK ||
	    (e = rsg_db_commit(db)) != RSG_OK)
		return e;
	return blind_keys(v, db);
}

const struct rsg_controller *
rsg_vault_controller(struct rsg_vault *v, uint32_t number)
{
	const struct rsg_controller *c = NULL;

	pthread_rwlock_rdlock(&v->lock);
	for (size_t i = 0; i < v->ncontrollers; i++)
		if (v->controller[i]->number == number)
			c = v->controller[i];
	pthread_rwlock_unlock(&v->lock);
	return c;
}

const struct rsg_controller *
rsg_vault_controller_named(struct rsg_vault *v, const char *name)
{
	const struct rsg_controller *c = NULL;

	pthread_rwlock_rdlock(&v->lock);
	for (size_t i = 0; i < v->ncontrollers; i++)
		if (strcmp(v->controller[i]->name, name) == 0)
			c = v->controller[i];
	pthread_rwlock_unlock(&v->lock);
	return c;
}

/* --- Policy --- */

static enum rsg_err
mac_policy(const struct rsg_keyring *keys, int64_t version,
    const uint8_t hash[RSG_POLICY_HASH], const char *by, int64_t proposed,
    int64_t activated, uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 1024);
	rsg_mac_int(&b, version);
	rsg_mac_bytes(&b, hash, RSG_POLICY_HASH);
	rsg_mac_text(&b, by);
	rsg_mac_int(&b, proposed);
	rsg_mac_int(&b, activated);
	e = rsg_row_mac(keys, "policy_version", &b, mac);
	rsg_buf_free(&b);
	return e;
}

/* Another notice was published, here or elsewhere: all of them are read again,
 * unless another worker has done it. */
static void
renew_notices(struct rsg_worker *w, int64_t rows)
{
	bool done;

	rsg_db_rollback(w->db);
	pthread_rwlock_rdlock(&w->vault->lock);
	done = rsg_notices_rows(w->vault->notices) == rows;
	pthread_rwlock_unlock(&w->vault->lock);
	if (!done && rsg_notices_load(w->vault, w->db) != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "notices.unusable", NULL);
}

/* A policy of before: a worker may hold it to the end of its batch, so it is
 * kept. There are few. */
struct rsg_kept {
	const struct rsg_policy *policy;
	struct rsg_kept *before;
};

static void
use_policy(struct rsg_vault *v, const struct rsg_policy *p, int64_t version)
{
	struct rsg_kept *kept = malloc(sizeof(*kept));

	pthread_rwlock_wrlock(&v->lock);
	if (kept != NULL) {
		*kept = (struct rsg_kept){ v->policy, v->kept };
		v->kept = kept;
	}
	v->policy = p;
	v->policy_version = version;
	pthread_rwlock_unlock(&v->lock);
	rsg_log(RSG_LOG_INFO, "policy.active", "version", RSG_LOG_I, version, NULL);
}

/* Verify the row's MAC and its bundle's hash, then compile it. */
static enum rsg_err
take_policy(struct rsg_vault *v, const struct rsg_result *r)
{
	struct rsg_policy *p = NULL;
	uint8_t mac[RSG_DIGEST_LEN];
	char by[128];
	size_t nbundle, nhash, nmac;
	const uint8_t *bundle = rsg_result_bytes(r, 0, 1, &nbundle);
	const uint8_t *hash = rsg_result_bytes(r, 0, 2, &nhash);
	const uint8_t *stored = rsg_result_bytes(r, 0, 3, &nmac);
	int64_t version = rsg_result_int(r, 0, 0);
	struct rsg_buf faults;
	enum rsg_err e;

	rsg_buf_init(&faults, 65536);
	text_of(r, 0, 4, by, sizeof(by));
	e = nhash != RSG_POLICY_HASH ? RSG_TAMPERED : mac_policy(v->keys, version,
	    hash, by, rsg_result_int(r, 0, 5), rsg_result_int(r, 0, 6), mac);
	if (e == RSG_OK && (nmac != sizeof(mac) || !rsg_secret_equal(mac, stored, nmac)))
		e = RSG_TAMPERED;
	if (e == RSG_OK)
		e = rsg_policy_load(bundle, nbundle, &p, &faults);
	if (e == RSG_OK && memcmp(rsg_policy_hash(p), hash, RSG_POLICY_HASH) != 0)
		e = RSG_TAMPERED;
	rsg_buf_free(&faults);
	if (e != RSG_OK) {
		rsg_log(RSG_LOG_ERROR, "policy.refused", "version", RSG_LOG_I,
		    version, "error", RSG_LOG_S, rsg_err_id(e), NULL);
		rsg_policy_free(p);
		return e;
	}
	use_policy(v, p, version);
	return RSG_OK;
}

static enum rsg_err
load_policy(struct rsg_vault *v, struct rsg_db *db, bool *none)
{
	const struct rsg_result *r;
	int n = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_POLICY_ACTIVE));
	enum rsg_err e;

	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, n);
	*none = rsg_result_rows(r) == 0;
	if (!*none && (e = take_policy(v, r)) != RSG_OK)
		return e;
	return rsg_db_commit(db);
}

bool
rsg_vault_policy_stale(struct rsg_worker *w, const struct rsg_result *r)
{
	bool none, held;

	/* Another worker may have loaded it since we took ours. */
	pthread_rwlock_rdlock(&w->vault->lock);
	held = w->policy == w->vault->policy;
	pthread_rwlock_unlock(&w->vault->lock);
	if (!held)
		return true;
	if (rsg_result_rows(r) == 1 &&
	    rsg_result_int(r, 0, 0) == w->vault->policy_version) {
		if (rsg_result_int(r, 0, 1) == rsg_notices_rows(w->notices))
			return false;
		renew_notices(w, rsg_result_int(r, 0, 1));
		return true;
	}
	rsg_db_rollback(w->db);
	if (load_policy(w->vault, w->db, &none) != RSG_OK || none ||
	    blind_keys(w->vault, w->db) != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "policy.unusable", NULL);
	return true;
}

enum rsg_err
rsg_vault_policy_put(struct rsg_vault *v, struct rsg_db *db,
    const uint8_t *bundle, size_t len, int64_t version, const char *by,
    int64_t now, char fault[256], uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_policy *p = NULL;
	struct rsg_buf faults;
	struct rsg_bind *b;
	enum rsg_err e;

	rsg_buf_init(&faults, 65536);
	fault[0] = '\0';
	if ((e = rsg_policy_load(bundle, len, &p, &faults)) != RSG_OK) {
		size_t n = 0;

		while (n < faults.len && n < 255 && faults.p[n] != '\n')
			n++;
		if (n > 0)
			memcpy(fault, faults.p, n);
		fault[n] = '\0';
		e = RSG_BAD_VALUE;
		goto done;
	}
	if ((e = mac_policy(v->keys, version, rsg_policy_hash(p), by, now, now,
	    mac)) != RSG_OK)
		goto done;
	b = rsg_db_bind(db, RSG_SQL_POLICY_INSERT);
	rsg_bind_int(b, 0, version);
	rsg_bind_bytes(b, 1, bundle, len);
	rsg_bind_bytes(b, 2, rsg_policy_hash(p), RSG_POLICY_HASH);
	rsg_bind_text(b, 3, by, strlen(by));
	rsg_bind_int(b, 4, now);
	rsg_bind_int(b, 5, now);
	rsg_bind_bytes(b, 6, mac, RSG_DIGEST_LEN);
	(void)rsg_db_send(db, b);
done:
	rsg_policy_free(p);
	rsg_buf_free(&faults);
	return e;
}

/* The first start: what stands in the files becomes version 1. */
static enum rsg_err
first_policy(struct rsg_vault *v, struct rsg_db *db, const char *dir)
{
	struct rsg_buf bundle, faults;
	char fault[256] = "";
	uint8_t mac[RSG_DIGEST_LEN];
	enum rsg_err e;

	rsg_buf_init(&bundle, 1u << 20);
	rsg_buf_init(&faults, 65536);
	if (dir == NULL)
		e = RSG_CONFIG;
	else if ((e = rsg_policy_bundle(dir, &bundle, &faults)) == RSG_OK &&
	    (e = rsg_vault_policy_put(v, db, bundle.p, bundle.len, 1, "first-start",
	    rsg_clock_now(), fault, mac)) == RSG_OK)
		e = rsg_db_commit(db);
	if (e == RSG_CONFLICT) {		/* another server was first */
		rsg_db_rollback(db);
		e = RSG_OK;
	}
	if (e != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "policy.none", "error", RSG_LOG_S,
		    rsg_err_id(e), "fault", RSG_LOG_S, fault, NULL);
	rsg_buf_free(&bundle);
	rsg_buf_free(&faults);
	return e;
}

enum rsg_err
rsg_vault_boot(struct rsg_vault *v, struct rsg_db *db, const char *policies)
{
	bool none;
	enum rsg_err e;

	if ((e = rsg_keys_load(db, v->keys, NULL, false)) != RSG_OK || (e = rsg_db_commit(db)) != RSG_OK)
		return e;
	for (size_t i = 0; i < sizeof(global_keys) / sizeof(global_keys[0]); i++)
		if ((e = rsg_vault_service_key(v, db, global_keys[i])) != RSG_OK)
			return e;
	if ((e = load_policy(v, db, &none)) != RSG_OK)
		return e;
	if (none && ((e = first_policy(v, db, policies)) != RSG_OK ||
	    (e = load_policy(v, db, &none)) != RSG_OK))
		return e;
	if (none)
		return RSG_CONFIG;
	if ((e = rsg_notices_load(v, db)) != RSG_OK)
		return e;
	return rsg_vault_controllers(v, db);
}
