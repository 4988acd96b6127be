#include "consent/notice.h"

#include <stdlib.h>
#include <string.h>

#include "resguardo/log.h"
#include "work/vault.h"

struct rsg_notices {
	const struct rsg_notices *before;	/* somebody may still hold them */
	int64_t rows;
	size_t n, nagain;
	struct rsg_notice *item;
	struct rsg_again *again;	/* in order of controllers ... */
	uint32_t *of;			/* ... which stand beside it */
};

static const char *const evidence[RSG_EVIDENCE__MAX] = {
	[RSG_EVIDENCE_NONE] = "", [RSG_EVIDENCE_ORIGINAL] = "original",
	[RSG_EVIDENCE_COPY] = "copy", [RSG_EVIDENCE_RECONSTRUCTED] = "reconstructed",
	[RSG_EVIDENCE_DECLARED] = "declared",
};

const char *
rsg_evidence_name(enum rsg_evidence e)
{
	return (unsigned)e < RSG_EVIDENCE__MAX ? evidence[e] : "";
}

enum rsg_evidence
rsg_evidence_find(const char *s, size_t len)
{
	for (unsigned i = 1; i < RSG_EVIDENCE__MAX; i++)
		if (strlen(evidence[i]) == len && memcmp(evidence[i], s, len) == 0)
			return (enum rsg_evidence)i;
	return RSG_EVIDENCE_NONE;
}

enum rsg_err
rsg_notice_mac(const struct rsg_keyring *keys, const struct rsg_notice *n,
    uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 8192);
	rsg_mac_int(&b, n->controller);
	rsg_mac_text(&b, n->name);
	rsg_mac_int(&b, n->version);
	rsg_mac_text(&b, n->language);
	rsg_mac_bytes(&b, n->hash, sizeof(n->hash));
	rsg_mac_bytes(&b, n->short_hash, sizeof(n->short_hash));
	rsg_mac_int(&b, n->published);
	rsg_mac_int(&b, n->effective);
	rsg_mac_int(&b, n->ask_again);
	rsg_mac_int(&b, n->evidence);
	rsg_mac_text(&b, n->necessary);
	rsg_mac_text(&b, n->voluntary);
	e = rsg_row_mac(keys, "notice", &b, mac);
	rsg_buf_free(&b);
	return e;
}

/* --- Loading --- */

static bool
take_text(const struct rsg_result *r, int row, int col, char *out, size_t cap)
{
	size_t n;
	const uint8_t *p = rsg_result_bytes(r, row, col, &n);

	if (n >= cap)
		return false;
	if (n > 0)
		memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

static bool
take_hash(const struct rsg_result *r, int row, int col, uint8_t out[32])
{
	size_t n;
	const uint8_t *p = rsg_result_bytes(r, row, col, &n);

	if (n != 32)
		return false;
	memcpy(out, p, n);
	return true;
}

/* RSG_TAMPERED: it is not as it was published. */
static enum rsg_err
take(const struct rsg_keyring *keys, const struct rsg_result *r, int row,
    struct rsg_notice *n)
{
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *stored;
	size_t len;
	enum rsg_err e;

	n->controller = (uint32_t)rsg_result_int(r, row, 0);
	n->version = (uint32_t)rsg_result_int(r, row, 2);
	n->published = rsg_result_int(r, row, 6);
	n->effective = rsg_result_int(r, row, 7);
	n->ask_again = rsg_result_null(r, row, 8) ? 0 : rsg_result_int(r, row, 8);
	n->evidence = (enum rsg_evidence)rsg_result_int(r, row, 9);
	if (!take_text(r, row, 1, n->name, sizeof(n->name)) ||
	    !take_text(r, row, 3, n->language, sizeof(n->language)) ||
	    !take_hash(r, row, 4, n->hash) || !take_hash(r, row, 5, n->short_hash) ||
	    !take_text(r, row, 10, n->necessary, sizeof(n->necessary)) ||
	    !take_text(r, row, 11, n->voluntary, sizeof(n->voluntary)))
		return RSG_TAMPERED;
	if ((e = rsg_notice_mac(keys, n, mac)) != RSG_OK)
		return e;
	stored = rsg_result_bytes(r, row, 12, &len);
	return len == sizeof(mac) && rsg_secret_equal(mac, stored, len) ? RSG_OK :
	    RSG_TAMPERED;
}

/* Calls `each` with every id of a comma separated list. */
static void
split(const char *list, void (*each)(void *, const char *, size_t), void *ctx)
{
	for (const char *p = list; *p != '\0'; ) {
		size_t len = strcspn(p, ",");

		if (len > 0)
			each(ctx, p, len);
		p += len + (p[len] == ',');
	}
}

struct dating {
	struct rsg_notices *all;
	const struct rsg_notice *n;
	const struct rsg_policy *policy;
};

static void
date_one(void *ctx, const char *id, size_t len)
{
	struct dating *d = ctx;
	const struct rsg_purposedef *p = rsg_policy_purpose(d->policy, id, len);

	if (p == NULL)
		return;
	d->all->of[d->all->nagain] = d->n->controller;
	d->all->again[d->all->nagain++] = (struct rsg_again){ .purpose = p->number,
	    .before = d->n->effective, .from = d->n->ask_again };
}

/* One date a purpose; the languages of a version say the same. */
static enum rsg_err
date(struct rsg_notices *all, const struct rsg_policy *policy)
{
	struct dating d = { .all = all, .policy = policy };
	size_t room = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].ask_again != 0)
			room += RSG_POLICY_PURPOSES;
	if (room == 0)
		return RSG_OK;
	if ((all->again = calloc(room, sizeof(*all->again))) == NULL ||
	    (all->of = calloc(room, sizeof(*all->of))) == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < all->n; i++) {
		d.n = &all->item[i];
		if (d.n->ask_again == 0 || (i > 0 && d.n[-1].version == d.n->version &&
		    d.n[-1].controller == d.n->controller &&
		    strcmp(d.n[-1].name, d.n->name) == 0))
			continue;
		split(d.n->voluntary, date_one, &d);
	}
	return RSG_OK;
}

static void
drop(struct rsg_notices *all)
{
	if (all == NULL)
		return;
	free(all->item);
	free(all->again);
	free(all->of);
	free(all);
}

enum rsg_err
rsg_notices_load(struct rsg_vault *v, struct rsg_db *db)
{
	int n = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_NOTICES));
	struct rsg_notices *all = NULL;
	const struct rsg_result *r;
	enum rsg_err e;

	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, n);
	if ((all = calloc(1, sizeof(*all))) == NULL ||
	    (all->item = calloc((size_t)rsg_result_rows(r) + 1,
	    sizeof(*all->item))) == NULL) {
		e = RSG_NO_MEMORY;
		goto done;
	}
	all->rows = rsg_result_rows(r);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		memset(&all->item[all->n], 0, sizeof(all->item[0]));
		if ((e = take(v->keys, r, row, &all->item[all->n])) == RSG_OK)
			all->n++;
		else if (e == RSG_TAMPERED)
			rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
			    "notice", "name", RSG_LOG_S, all->item[all->n].name, NULL);
		else
			goto done;
	}
	if ((e = date(all, v->policy)) != RSG_OK || (e = rsg_db_commit(db)) != RSG_OK)
		goto done;
	/* Whoever holds the old ones goes on with them: they are never freed. */
	pthread_rwlock_wrlock(&v->lock);
	all->before = v->notices;
	v->notices = all;
	pthread_rwlock_unlock(&v->lock);
	all = NULL;
done:
	drop(all);
	return e;
}

/* --- Asking --- */

int64_t
rsg_notices_rows(const struct rsg_notices *all)
{
	return all == NULL ? 0 : all->rows;
}

const struct rsg_notice *
rsg_notices_at(const struct rsg_notices *all, size_t i)
{
	return all != NULL && i < all->n ? &all->item[i] : NULL;
}

const struct rsg_notice *
rsg_notices_find(const struct rsg_notices *all, uint32_t controller,
    const char *name, uint32_t version, const char *language)
{
	const struct rsg_notice *n;

	for (size_t i = 0; (n = rsg_notices_at(all, i)) != NULL; i++)
		if (n->controller == controller && n->version == version &&
		    strcmp(n->name, name) == 0 && strcmp(n->language, language) == 0)
			return n;
	return NULL;
}

bool
rsg_notice_in_force(const struct rsg_notices *all, const struct rsg_notice *n,
    int64_t time)
{
	const struct rsg_notice *o;

	if (time < n->effective)
		return false;
	for (size_t i = 0; (o = rsg_notices_at(all, i)) != NULL; i++)
		if (o->controller == n->controller && o->version > n->version &&
		    o->effective <= time && strcmp(o->name, n->name) == 0)
			return false;
	return true;
}

const struct rsg_notice *
rsg_notices_in_force(const struct rsg_notices *all, uint32_t controller,
    const char *name, const char *language, int64_t time)
{
	const struct rsg_notice *n;

	for (size_t i = 0; (n = rsg_notices_at(all, i)) != NULL; i++)
		if (n->controller == controller && strcmp(n->name, name) == 0 &&
		    strcmp(n->language, language) == 0 &&
		    rsg_notice_in_force(all, n, time))
			return n;
	return NULL;
}

struct seeking {
	const char *id;
	bool found;
};

static void
seek(void *ctx, const char *id, size_t len)
{
	struct seeking *s = ctx;

	if (strlen(s->id) == len && memcmp(s->id, id, len) == 0)
		s->found = true;
}

bool
rsg_notice_covers(const struct rsg_notice *n, const char *purpose)
{
	struct seeking s = { .id = purpose };

	split(n->necessary, seek, &s);
	split(n->voluntary, seek, &s);
	return s.found;
}

const struct rsg_again *
rsg_notices_again(const struct rsg_notices *all, uint32_t controller, size_t *n)
{
	const struct rsg_again *first = NULL;

	*n = 0;
	for (size_t i = 0; all != NULL && i < all->nagain; i++) {
		if (all->of[i] != controller)
			continue;
		if (first == NULL)
			first = &all->again[i];
		(*n)++;
	}
	return first;
}
