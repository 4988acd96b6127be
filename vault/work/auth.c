#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ops/ops.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "seal/apikey.h"
#include "work/auth.h"
#include "work/vault.h"

#define CACHE	4096			/* credentials remembered; a power of two */
#define PROBES	8

/* What was verified of a credential, and what it may still ask this minute. */
struct known {
	bool used, good;		/* good: the MACs agree */
	uint8_t rows[RSG_DIGEST_LEN];	/* digest of the rows as last seen */
	uint8_t secret[RSG_DIGEST_LEN];
	int64_t revoked;
	struct rsg_actor actor;
	double tokens;
	int64_t filled;			/* monotonic us */
	int64_t seen;
};

static struct known cache[CACHE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int64_t failures;

int64_t
rsg_auth_failures(void)
{
	return atomic_load(&failures);
}

/* --- The cache, under its lock --- */

static struct known *
find(const struct rsg_id *id)
{
	size_t at = rsg_get32(id->b);

	for (size_t i = 0; i < PROBES; i++) {
		struct known *k = &cache[(at + i) & (CACHE - 1)];

		if (k->used && rsg_id_eq(&k->actor.credential, id))
			return k;
	}
	return NULL;
}

/* A place for a credential: a free one, or the one seen longest ago. */
static struct known *
claim(const struct rsg_id *id)
{
	size_t at = rsg_get32(id->b);
	struct known *k = find(id), *oldest = NULL;

	for (size_t i = 0; k == NULL && i < PROBES; i++) {
		struct known *p = &cache[(at + i) & (CACHE - 1)];

		if (!p->used)
			k = p;
		else if (oldest == NULL || p->seen < oldest->seen)
			oldest = p;
	}
	if (k == NULL)
		k = oldest;
	if (!k->used || !rsg_id_eq(&k->actor.credential, id)) {
		memset(k, 0, sizeof(*k));
		k->actor.credential = *id;
	}
	return k;
}

int64_t
rsg_auth_rate(const struct rsg_id *credential, uint32_t rate)
{
	struct known *k;
	int64_t now = rsg_clock_mono(), wait = 0;

	pthread_mutex_lock(&lock);
	if ((k = find(credential)) != NULL) {
		double per_us = (double)rate / 60e6;

		if (k->filled == 0)
			k->tokens = rate;
		else
			k->tokens += (double)(now - k->filled) * per_us;
		if (k->tokens > rate)
			k->tokens = rate;
		k->filled = now;
		if (k->tokens >= 1)
			k->tokens -= 1;
		else
			wait = 1 + (int64_t)((1 - k->tokens) / per_us / 1e6);
	}
	pthread_mutex_unlock(&lock);
	return wait;
}

/* --- Rows and their MACs --- */

enum col { C_CREDENTIAL, C_PRINCIPAL, C_SECRET, C_CREATED, C_EXPIRES, C_REVOKED,
	C_MAC, P_CONTROLLER, P_NAME, P_ROLE, P_RECIPIENT, P_SUBJECT, P_PURPOSES,
	P_CREATED, P_MAC, R_CONTROLLER, R_NAME, R_TITLE, R_COUNTRY, R_CONTRACT,
	R_UNTIL, R_EPOCH, R_MAC, COL__MAX };

enum rsg_err
rsg_auth_mac_credential(const struct rsg_keyring *keys,
    const struct rsg_id *credential, const struct rsg_id *principal,
    const uint8_t secret_digest[RSG_DIGEST_LEN], int64_t created,
    int64_t expires, int64_t revoked, uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 512);
	rsg_mac_bytes(&b, credential->b, RSG_ID_LEN);
	rsg_mac_bytes(&b, principal->b, RSG_ID_LEN);
	rsg_mac_bytes(&b, secret_digest, RSG_DIGEST_LEN);
	rsg_mac_int(&b, created);
	rsg_mac_int(&b, expires);
	rsg_mac_int(&b, revoked);
	e = rsg_row_mac(keys, "credential", &b, mac);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_auth_mac_principal(const struct rsg_keyring *keys,
    const struct rsg_id *principal, const struct rsg_actor *a, int64_t created,
    uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 4096);
	rsg_mac_bytes(&b, principal->b, RSG_ID_LEN);
	rsg_mac_int(&b, a->controller);
	rsg_mac_text(&b, a->name);
	rsg_mac_text(&b, a->role);
	rsg_mac_int(&b, a->recipient);
	rsg_mac_bytes(&b, a->subject.b, RSG_ID_LEN);
	rsg_mac_text(&b, a->purposes);
	rsg_mac_int(&b, created);
	e = rsg_row_mac(keys, "principal", &b, mac);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_auth_mac_recipient(const struct rsg_keyring *keys,
    const struct rsg_recipient *r, uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 4096);
	rsg_mac_int(&b, r->number);
	rsg_mac_int(&b, r->controller);
	rsg_mac_text(&b, r->name);
	rsg_mac_text(&b, r->title);
	rsg_mac_text(&b, r->country);
	rsg_mac_text(&b, r->contract);
	rsg_mac_int(&b, r->contract_until);
	rsg_mac_int(&b, r->epoch);
	e = rsg_row_mac(keys, "recipient", &b, mac);
	rsg_buf_free(&b);
	return e;
}

static void
text_of(const struct rsg_result *r, int row, int col, char *out, size_t cap)
{
	size_t n;
	const uint8_t *p = rsg_result_bytes(r, row, col, &n);

	if (p == NULL || rsg_result_null(r, row, col))
		n = 0;
	else if (n >= cap)
		n = cap - 1;
	if (n > 0)
		memcpy(out, p, n);
	out[n] = '\0';
}

static int64_t
int_of(const struct rsg_result *r, int row, int col)
{
	return rsg_result_null(r, row, col) ? 0 : rsg_result_int(r, row, col);
}

static void
digest_rows(const struct rsg_result *r, int row, uint8_t out[RSG_DIGEST_LEN])
{
	struct rsg_part part[2 * COL__MAX];
	uint8_t len[COL__MAX][4];
	size_t n = 0;

	for (int c = 0; c < COL__MAX; c++) {
		size_t size = 0;
		const uint8_t *p = rsg_result_null(r, row, c) ? NULL :
		    rsg_result_bytes(r, row, c, &size);

		rsg_be32(len[c], p == NULL ? UINT32_MAX : (uint32_t)size);
		part[n++] = (struct rsg_part){ len[c], 4 };
		part[n++] = (struct rsg_part){ p, p == NULL ? 0 : size };
	}
	rsg_blake2b(NULL, part, n, out);
}

static bool
mac_agrees(const struct rsg_result *r, int row, int col,
    const uint8_t mac[RSG_DIGEST_LEN])
{
	size_t n;
	const uint8_t *p = rsg_result_bytes(r, row, col, &n);

	return n == RSG_DIGEST_LEN && rsg_secret_equal(p, mac, n);
}

/* Read one row into an actor and verify all three MACs. */
static bool
verify(const struct rsg_keyring *keys, const struct rsg_result *r, int row,
    struct known *k)
{
	struct rsg_actor *a = &k->actor;
	struct rsg_recipient rec = { 0 };
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *p;
	size_t n;

	rsg_result_id(r, row, C_PRINCIPAL, &a->principal);
	a->expires = int_of(r, row, C_EXPIRES);
	k->revoked = int_of(r, row, C_REVOKED);
	if ((p = rsg_result_bytes(r, row, C_SECRET, &n)) == NULL || n != RSG_DIGEST_LEN)
		return false;
	memcpy(k->secret, p, n);
	a->controller = (uint32_t)int_of(r, row, P_CONTROLLER);
	text_of(r, row, P_NAME, a->name, sizeof(a->name));
	text_of(r, row, P_ROLE, a->role, sizeof(a->role));
	text_of(r, row, P_PURPOSES, a->purposes, sizeof(a->purposes));
	a->recipient = (uint32_t)int_of(r, row, P_RECIPIENT);
	memset(&a->subject, 0, sizeof(a->subject));
	if (!rsg_result_null(r, row, P_SUBJECT))
		rsg_result_id(r, row, P_SUBJECT, &a->subject);
	if (rsg_auth_mac_credential(keys, &a->credential, &a->principal,
	    k->secret, int_of(r, row, C_CREATED), a->expires, k->revoked,
	    mac) != RSG_OK || !mac_agrees(r, row, C_MAC, mac))
		return false;
	if (rsg_auth_mac_principal(keys, &a->principal, a,
	    int_of(r, row, P_CREATED), mac) != RSG_OK ||
	    !mac_agrees(r, row, P_MAC, mac))
		return false;
	if (a->recipient == 0)
		return true;
	rec.number = a->recipient;
	rec.controller = (uint32_t)int_of(r, row, R_CONTROLLER);
	text_of(r, row, R_NAME, rec.name, sizeof(rec.name));
	text_of(r, row, R_TITLE, rec.title, sizeof(rec.title));
	text_of(r, row, R_COUNTRY, rec.country, sizeof(rec.country));
	text_of(r, row, R_CONTRACT, rec.contract, sizeof(rec.contract));
	rec.contract_until = int_of(r, row, R_UNTIL);
	rec.epoch = (uint32_t)int_of(r, row, R_EPOCH);
	if (rsg_auth_mac_recipient(keys, &rec, mac) != RSG_OK ||
	    !mac_agrees(r, row, R_MAC, mac) || rec.controller != a->controller)
		return false;
	memcpy(a->recipient_name, rec.name, sizeof(a->recipient_name));
	a->contract_until = rec.contract_until;
	a->epoch = rec.epoch;
	return true;
}

/* Bring the cache up to date with the rows just fetched. */
static void
take_rows(struct rsg_worker *w, const struct rsg_result *r)
{
	uint8_t rows[RSG_DIGEST_LEN];
	struct rsg_id id;

	pthread_mutex_lock(&lock);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		struct known *k;

		rsg_result_id(r, row, C_CREDENTIAL, &id);
		digest_rows(r, row, rows);
		k = claim(&id);
		k->seen = w->now;
		if (k->used && memcmp(k->rows, rows, sizeof(rows)) == 0)
			continue;
		k->used = true;
		memcpy(k->rows, rows, sizeof(rows));
		if (!(k->good = verify(w->vault->keys, r, row, k)))
			rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
			    "credential", "credential", RSG_LOG_ID, &id, NULL);
	}
	pthread_mutex_unlock(&lock);
}

/* --- Calls --- */

static enum rsg_err
refuse(struct rsg_call *c, enum rsg_err e)
{
	atomic_fetch_add(&failures, 1);
	return rsg_call_fail(c, e, NULL, NULL);
}

/* Is the credential, as last seen, good for this call? Fills the actor. */
static void
check(struct rsg_worker *w, struct rsg_call *c, const struct rsg_id *id,
    const uint8_t digest[RSG_DIGEST_LEN])
{
	struct known *k;
	enum rsg_err e = RSG_OK;

	pthread_mutex_lock(&lock);
	k = find(id);
	if (k == NULL || !k->good || !rsg_secret_equal(k->secret, digest, RSG_DIGEST_LEN))
		e = RSG_UNAUTHENTICATED;
	else if (k->revoked != 0)
		e = RSG_CREDENTIAL_REVOKED;
	else if (k->actor.expires != 0 && k->actor.expires <= w->now)
		e = RSG_CREDENTIAL_EXPIRED;
	else
		c->actor = k->actor;
	pthread_mutex_unlock(&lock);
	if (e != RSG_OK)
		refuse(c, e);
}

static void
admin_actor(struct rsg_call *c)
{
	memset(&c->actor, 0, sizeof(c->actor));
	c->actor.admin = true;
	memcpy(c->actor.role, "administrator", sizeof("administrator"));
	memcpy(c->actor.name, "local-administrator", sizeof("local-administrator"));
	memcpy(c->actor.purposes, "*", sizeof("*"));
}

static void
context(struct rsg_call *c)
{
	(void)rsg_msg_get_text(c->in, RSG_F_STAFF, c->staff, sizeof(c->staff));
	(void)rsg_msg_get_text(c->in, RSG_F_PLACE, c->place, sizeof(c->place));
	(void)rsg_msg_get_text(c->in, RSG_F_REASON, c->reason, sizeof(c->reason));
}

/* The id and keyed digest of the key that came with a call. */
static bool
presented(struct rsg_worker *w, struct rsg_call *c, struct rsg_id *id,
    uint8_t digest[RSG_DIGEST_LEN])
{
	uint8_t secret[RSG_KEY_LEN];
	const uint8_t *text;
	size_t len;
	bool ok;

	if (!rsg_msg_get(c->in, RSG_F_CREDENTIAL, &text, &len) ||
	    rsg_apikey_parse((const char *)text, len, id, secret) != RSG_OK)
		return false;
	ok = rsg_apikey_digest(w->vault->keys, id, secret, digest) == RSG_OK;
	rsg_secret_wipe(secret, sizeof(secret));
	return ok;
}

static enum rsg_err
load(struct rsg_worker *w, const struct rsg_id *id, size_t n)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_CREDENTIALS);
	int result;
	enum rsg_err e;

	for (size_t i = 0; i < n; i++)
		rsg_bind_id(b, 0, &id[i]);
	result = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) == RSG_OK)
		take_rows(w, rsg_db_result(w->db, result));
	return e;
}

enum rsg_err
rsg_auth_resolve(struct rsg_worker *w, struct rsg_call **calls, size_t n)
{
	struct rsg_id id[RSG_BATCH_MAX], missing[RSG_BATCH_MAX];
	uint8_t digest[RSG_BATCH_MAX][RSG_DIGEST_LEN];
	bool ask[RSG_BATCH_MAX] = { false };
	const struct known *k;
	size_t nmissing = 0;
	enum rsg_err e;

	for (size_t i = 0; i < n; i++) {
		context(calls[i]);
		if (calls[i]->socket == RSG_SOCKET_ADMIN) {
			admin_actor(calls[i]);
			continue;
		}
		if (rsg_ops_get(calls[i]->op)->anonymous)
			continue;
		if (!presented(w, calls[i], &id[i], digest[i])) {
			refuse(calls[i], RSG_UNAUTHENTICATED);
			continue;
		}
		ask[i] = true;
		/* What did not verify is looked at again: it may be put right. */
		pthread_mutex_lock(&lock);
		k = find(&id[i]);
		if (k == NULL || !k->good)
			missing[nmissing++] = id[i];
		pthread_mutex_unlock(&lock);
	}
	if (nmissing > 0 && (e = load(w, missing, nmissing)) != RSG_OK)
		return e;
	for (size_t i = 0; i < n; i++)
		if (ask[i])
			check(w, calls[i], &id[i], digest[i]);
	return RSG_OK;
}

int
rsg_auth_send(struct rsg_worker *w, struct rsg_call **calls, size_t n)
{
	struct rsg_bind *b = NULL;
	const struct rsg_id *last = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct rsg_id *id = &calls[i]->actor.credential;

		if (calls[i]->status != RSG_OK || rsg_id_nil(id) ||
		    (last != NULL && rsg_id_eq(last, id)))
			continue;
		if (b == NULL)
			b = rsg_db_bind(w->db, RSG_SQL_CREDENTIALS);
		rsg_bind_id(b, 0, id);
		last = id;
	}
	return b == NULL ? -1 : rsg_db_send(w->db, b);
}

void
rsg_auth_confirm(struct rsg_worker *w, int result, struct rsg_call **calls, size_t n)
{
	const struct rsg_result *r;

	if (result < 0)
		return;
	r = rsg_db_result(w->db, result);
	take_rows(w, r);
	for (size_t i = 0; i < n; i++) {
		struct rsg_id id;
		bool there = false;

		if (calls[i]->status != RSG_OK || rsg_id_nil(&calls[i]->actor.credential))
			continue;
		for (int row = 0; row < rsg_result_rows(r) && !there; row++) {
			rsg_result_id(r, row, C_CREDENTIAL, &id);
			there = rsg_id_eq(&id, &calls[i]->actor.credential);
		}
		if (!there) {
			/* The row is gone: what is remembered of it counts for nothing. */
			refuse(calls[i], RSG_UNAUTHENTICATED);
			continue;
		}
		pthread_mutex_lock(&lock);
		struct known *k = find(&id);
		enum rsg_err e = k == NULL || !k->good ? RSG_UNAUTHENTICATED :
		    k->revoked != 0 ? RSG_CREDENTIAL_REVOKED :
		    k->actor.expires != 0 && k->actor.expires <= w->now ?
		    RSG_CREDENTIAL_EXPIRED : RSG_OK;

		if (e == RSG_OK)
			calls[i]->actor = k->actor;
		pthread_mutex_unlock(&lock);
		if (e != RSG_OK)
			refuse(calls[i], e);
	}
}
