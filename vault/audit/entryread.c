#include <string.h>

#include "audit/entry_int.h"

static enum rsg_err
parse(const void *bytes, size_t len, struct leaf *l)
{
	struct rsg_rd r;
	const uint8_t *p;

	memset(l, 0, sizeof(*l));
	rsg_rd_init(&r, bytes, len);
	l->version = rsg_rd_u8(&r);
	if ((l->version != LEAF_VERSION && l->version != LEAF_NUMBERED) ||
	    (p = rsg_rd_get(&r, RSG_ID_LEN)) == NULL)
		return RSG_TAMPERED;
	memcpy(l->id.b, p, RSG_ID_LEN);
	l->class = rsg_rd_u8(&r);
	l->hour = rsg_rd_u32(&r);
	l->tag = rsg_rd_get(&r, RSG_TAG_LEN);
	l->commitment = rsg_rd_get(&r, 32);
	l->ndone = rsg_rd_u16(&r);
	l->done = rsg_rd_get(&r, l->ndone);
	if (l->version != LEAF_NUMBERED) {
		l->nwho = rsg_rd_u16(&r);
		l->who = rsg_rd_get(&r, l->nwho);
	}
	l->nabout = rsg_rd_u16(&r);
	l->about = rsg_rd_get(&r, l->nabout);
	if (l->version != LEAF_NUMBERED && r.left > 0) {
		l->nnote = rsg_rd_u16(&r);
		l->note = rsg_rd_get(&r, l->nnote);
	}
	return rsg_rd_end(&r) ? RSG_OK : RSG_TAMPERED;
}

const void *
rsg_entry_note(const void *bytes, size_t len, size_t *n)
{
	const uint8_t *p = bytes;
	struct leaf l;

	*n = 0;
	/* Millions are asked, and few have one. */
	if (len < 2 + RSG_ID_LEN || p[0] != LEAF_VERSION ||
	    p[1 + RSG_ID_LEN] != RSG_ENTRY_ADMIN || parse(bytes, len, &l) != RSG_OK)
		return NULL;
	*n = l.nnote;
	return l.note;
}

enum rsg_err
rsg_entry_leaf_read(const void *bytes, size_t len, struct rsg_leaf *out)
{
	struct leaf l;
	enum rsg_err e;

	if ((e = parse(bytes, len, &l)) != RSG_OK)
		return e;
	out->id = l.id;
	out->version = l.version;
	out->class = l.class;
	out->hour = l.hour;
	memcpy(out->tag, l.tag, RSG_TAG_LEN);
	return RSG_OK;
}

/* The next text, made to end in a NUL where it stands: the byte before it,
 * its length, has been read and gives its room. */
static const char *
get_name(struct rsg_rd *r, uint8_t *text)
{
	size_t n = rsg_rd_u8(r);
	const uint8_t *p = rsg_rd_get(r, n);
	char *out;

	if (p == NULL || memchr(p, '\0', n) != NULL)
		return NULL;
	out = (char *)text + (p - text) - 1;
	memmove(out, p, n);
	out[n] = '\0';
	return out;
}

static void
get_root(struct rsg_rd *r, struct rsg_entry *e)
{
	const uint8_t *q;

	if ((q = rsg_rd_get(r, sizeof(e->policy))) != NULL)
		memcpy(e->policy, q, sizeof(e->policy));
	e->people = rsg_rd_u32(r);
	if (e->people > 0 && (q = rsg_rd_get(r, sizeof(e->root))) != NULL)
		memcpy(e->root, q, sizeof(e->root));
}

static enum rsg_err
get_done(struct rsg_entry *e, uint8_t *text, size_t len)
{
	struct rsg_rd r;

	rsg_rd_init(&r, text, len);
	e->time = (int64_t)rsg_rd_u64(&r);
	rsg_rd_short(&r, e->actor_name, sizeof(e->actor_name));
	rsg_rd_short(&r, e->role, sizeof(e->role));
	rsg_rd_short(&r, e->place, sizeof(e->place));
	if ((e->action = get_name(&r, text)) == NULL ||
	    (e->purpose = get_name(&r, text)) == NULL)
		return RSG_TAMPERED;
	rsg_rd_short(&r, e->decision, sizeof(e->decision));
	rsg_rd_short(&r, e->clause, sizeof(e->clause));
	rsg_rd_short(&r, e->basis, sizeof(e->basis));
	if ((e->recipient = get_name(&r, text)) == NULL ||
	    (e->nfields = rsg_rd_u8(&r)) > RSG_POLICY_FIELDS)
		return RSG_TAMPERED;
	for (size_t i = 0; i < e->nfields; i++)
		if ((e->field[i] = get_name(&r, text)) == NULL)
			return RSG_TAMPERED;
	get_root(&r, e);
	return rsg_rd_end(&r) ? RSG_OK : RSG_TAMPERED;
}

/* `x` NULL: they are passed over. */
static enum rsg_err
get_effects(struct rsg_rd *r, struct rsg_effect *x, size_t *n)
{
	size_t count = r->left > 0 ? rsg_rd_u8(r) : 0;
	const uint8_t *p;

	if (count > RSG_EFFECTS_MAX)
		return RSG_TAMPERED;
	for (size_t i = 0; i < count; i++) {
		if ((p = rsg_rd_get(r, EFFECT_LEN)) == NULL)
			return RSG_TAMPERED;
		if (x == NULL)
			continue;
		memset(&x[i], 0, sizeof(x[i]));
		x[i].kind = p[0];
		memcpy(x[i].key.b, p + 1, RSG_ID_LEN);
		memcpy(x[i].digest, p + 1 + RSG_ID_LEN, RSG_EFFECT_DIGEST);
	}
	if (n != NULL)
		*n = count;
	return rsg_rd_end(r) ? RSG_OK : RSG_TAMPERED;
}

static enum rsg_err
get_who(struct rsg_entry *e, const uint8_t *p, size_t len, struct rsg_effect *x,
    size_t *nx)
{
	const uint8_t *q;
	struct rsg_rd r;

	rsg_rd_init(&r, p, len);
	if ((q = rsg_rd_get(&r, RSG_ID_LEN)) != NULL)
		memcpy(e->actor.b, q, RSG_ID_LEN);
	e->action_no = rsg_rd_u16(&r);
	e->purpose_no = rsg_rd_u16(&r);
	e->recipient_no = rsg_rd_u32(&r);
	rsg_rd_short(&r, e->staff, sizeof(e->staff));
	rsg_rd_short(&r, e->reason, sizeof(e->reason));
	return get_effects(&r, x, nx);
}

/* The names of a policy for the numbers that an entry of version 1 has. */
static void
name_numbers(const struct rsg_policy *policy, struct rsg_entry *e,
    const uint16_t *field, size_t n)
{
	const struct rsg_purposedef *p = policy == NULL ? NULL :
	    rsg_policy_purpose_no(policy, e->purpose_no);
	const struct rsg_fielddef *f;

	if ((e->action = rsg_action_name((enum rsg_action)e->action_no)) == NULL)
		e->action = "unknown";
	e->purpose = p != NULL ? p->id : e->purpose_no == 0 ? "" : "unknown";
	for (size_t i = 0; policy != NULL && i < n; i++)
		if ((f = rsg_policy_field_no(policy, field[i])) != NULL)
			e->field[e->nfields++] = f->id;
}

/* Version 1: one part, and numbers of the policy. */
static enum rsg_err
get_numbered(const struct rsg_policy *policy, struct rsg_entry *e, const uint8_t *text,
    size_t len, struct rsg_effect *x, size_t *nx)
{
	uint16_t field[RSG_POLICY_FIELDS];
	const uint8_t *q;
	struct rsg_rd r;
	size_t n;

	rsg_rd_init(&r, text, len);
	e->time = (int64_t)rsg_rd_u64(&r);
	if ((q = rsg_rd_get(&r, RSG_ID_LEN)) != NULL)
		memcpy(e->actor.b, q, RSG_ID_LEN);
	rsg_rd_short(&r, e->actor_name, sizeof(e->actor_name));
	rsg_rd_short(&r, e->role, sizeof(e->role));
	rsg_rd_short(&r, e->staff, sizeof(e->staff));
	rsg_rd_short(&r, e->place, sizeof(e->place));
	rsg_rd_short(&r, e->reason, sizeof(e->reason));
	e->action_no = rsg_rd_u16(&r);
	e->purpose_no = rsg_rd_u16(&r);
	rsg_rd_short(&r, e->decision, sizeof(e->decision));
	rsg_rd_short(&r, e->clause, sizeof(e->clause));
	rsg_rd_short(&r, e->basis, sizeof(e->basis));
	e->recipient_no = rsg_rd_u32(&r);
	if ((n = rsg_rd_u8(&r)) > RSG_POLICY_FIELDS)
		return RSG_TAMPERED;
	for (size_t i = 0; i < n; i++)
		field[i] = rsg_rd_u16(&r);
	get_root(&r, e);
	name_numbers(policy, e, field, n);
	return get_effects(&r, x, nx);
}

static enum rsg_err
open_part(const uint8_t key[RSG_KEY_LEN], const struct rsg_place_of *at,
    const uint8_t *p, size_t len, uint8_t *text, size_t cap, size_t *n)
{
	return len > cap ? RSG_TAMPERED : rsg_seal_open(key, at, p, len, text, n);
}

/* What every reader has of a leaf before it opens anything. */
static void
begin(const struct leaf *l, uint32_t controller, struct rsg_entry *e)
{
	memset(e, 0, sizeof(*e));
	e->id = l->id;
	e->class = l->class;
	e->controller = controller;
	e->action = e->purpose = e->recipient = "";
}

static enum rsg_err
open_done(const struct leaf *l, const uint8_t key[RSG_KEY_LEN], uint32_t controller,
    uint8_t *text, size_t *n)
{
	struct rsg_place_of at = rsg__entry_place(RSG_SEAL_AUDIT_OPS, controller, l, 0);

	return open_part(key, &at, l->done, l->ndone, text, RSG_ENTRY_TEXT, n);
}

/* What our keys open of it, all of it. */
static enum rsg_err
open_all(const struct leaf *l, const struct keys *k, const struct rsg_policy *policy,
    uint8_t *text, struct rsg_entry *e, struct rsg_effect *x, size_t *nx)
{
	struct rsg_place_of at = rsg__entry_place(RSG_SEAL_AUDIT_OPS, e->controller, l, 1);
	uint8_t who[WHO_MAX];
	size_t n;
	enum rsg_err r;

	if ((r = open_done(l, k->done, e->controller, text, &n)) != RSG_OK)
		return r;
	if (l->version == LEAF_NUMBERED)
		return get_numbered(policy, e, text, n, x, nx);
	if ((r = get_done(e, text, n)) == RSG_OK &&
	    (r = open_part(k->who, &at, l->who, l->nwho, who, sizeof(who), &n)) == RSG_OK)
		r = get_who(e, who, n, x, nx);
	rsg_secret_wipe(who, sizeof(who));
	return r;
}

static enum rsg_err
open_ours(const struct rsg_keyring *ring, const struct rsg_policy *policy,
    uint32_t controller, const void *bytes, size_t len, uint8_t *text,
    struct rsg_entry *e, struct rsg_effect *x, size_t *nx)
{
	struct keys k;
	struct leaf l;
	enum rsg_err r;

	if ((r = parse(bytes, len, &l)) != RSG_OK)
		return r;
	begin(&l, controller, e);
	if ((r = rsg__entry_keys(ring, &l, NULL, &k)) == RSG_OK)
		r = open_all(&l, &k, policy, text, e, x, nx);
	if (r == RSG_OK && (uint32_t)(e->time / HOUR_US) != l.hour)
		r = RSG_TAMPERED;
	rsg_secret_wipe(&k, sizeof(k));
	return r;
}

enum rsg_err
rsg_entry_open(const struct rsg_keyring *ring, const struct rsg_policy *policy,
    uint32_t controller, const void *bytes, size_t len,
    uint8_t text[RSG_ENTRY_TEXT], struct rsg_entry *e)
{
	return open_ours(ring, policy, controller, bytes, len, text, e, NULL, NULL);
}

enum rsg_err
rsg_entry_effects(const struct rsg_keyring *ring, uint32_t controller,
    const void *bytes, size_t len, uint8_t text[RSG_ENTRY_TEXT], struct rsg_entry *e,
    struct rsg_effect *x, size_t *nx)
{
	return open_ours(ring, NULL, controller, bytes, len, text, e, x, nx);
}

static bool
committed(const struct leaf *l, const uint8_t done[RSG_KEY_LEN], const uint8_t who[32],
    const uint8_t about[RSG_KEY_LEN])
{
	uint8_t expect[32];

	rsg__entry_commit(l, done, who, about, expect);
	return rsg_secret_equal(expect, l->commitment, sizeof(expect));
}

static enum rsg_err
open_about(const struct leaf *l, const uint8_t key[RSG_KEY_LEN], uint32_t controller,
    struct rsg_id *subject)
{
	struct rsg_place_of at = rsg__entry_place(RSG_SEAL_AUDIT_ABOUT, controller, l, 0);
	uint8_t text[128];
	size_t n;

	if (open_part(key, &at, l->about, l->nabout, text, sizeof(text), &n) != RSG_OK ||
	    n != RSG_ID_LEN)
		return RSG_TAMPERED;
	memcpy(subject->b, text, RSG_ID_LEN);
	return RSG_OK;
}

enum rsg_err
rsg_entry_about(const struct rsg_keyring *ring, uint32_t controller,
    const uint8_t evidence[RSG_KEY_LEN], const void *bytes, size_t len,
    struct rsg_id *subject)
{
	uint8_t who[32];
	struct keys k;
	struct leaf l;
	enum rsg_err r;

	if ((r = parse(bytes, len, &l)) != RSG_OK ||
	    (r = rsg__entry_keys(ring, &l, evidence, &k)) != RSG_OK)
		return r;
	rsg__entry_half(&l.id, k.who, who);
	if (r == RSG_OK && (!committed(&l, k.done, who, k.about) ||
	    open_about(&l, k.about, controller, subject) != RSG_OK))
		r = RSG_NOT_FOUND;
	rsg_secret_wipe(&k, sizeof(k));
	return r;
}

/* --- Showing --- */

enum rsg_err
rsg_entry_opening(const struct rsg_keyring *ring, const uint8_t *evidence,
    const void *bytes, size_t len, struct rsg_opening *o)
{
	struct keys k;
	struct leaf l;
	enum rsg_err r;

	if ((r = parse(bytes, len, &l)) != RSG_OK)
		return r;
	if (l.version == LEAF_NUMBERED)
		return RSG_NOT_FOUND;
	if ((r = rsg__entry_keys(ring, &l, evidence, &k)) != RSG_OK)
		return r;
	rsg__entry_half(&l.id, k.who, o->who);
	memcpy(o->done, k.done, sizeof(o->done));
	memcpy(o->about, k.about, sizeof(o->about));
	if (!committed(&l, o->done, o->who, o->about)) {
		rsg_secret_wipe(o, sizeof(*o));
		r = RSG_NOT_FOUND;
	}
	rsg_secret_wipe(&k, sizeof(k));
	return r;
}

enum rsg_err
rsg_entry_shown(const struct rsg_opening *o, uint32_t controller, const void *bytes,
    size_t len, uint8_t text[RSG_ENTRY_TEXT], struct rsg_entry *e,
    struct rsg_id *subject)
{
	struct leaf l;
	size_t n;
	enum rsg_err r;

	if ((r = parse(bytes, len, &l)) != RSG_OK)
		return r;
	begin(&l, controller, e);
	if (l.version == LEAF_NUMBERED || !committed(&l, o->done, o->who, o->about) ||
	    open_done(&l, o->done, controller, text, &n) != RSG_OK ||
	    get_done(e, text, n) != RSG_OK || (uint32_t)(e->time / HOUR_US) != l.hour)
		return RSG_TAMPERED;
	return open_about(&l, o->about, controller, subject);
}
