#include <string.h>

#include "audit/entry.h"
#include "resguardo/clock.h"

#define LEAF_VERSION	1
#define EFFECT_LEN	(1 + RSG_ID_LEN + RSG_EFFECT_DIGEST)
#define LEAF_FIXED	(1 + 16 + 1 + 4 + RSG_TAG_LEN + 32)
#define OPS_MAX		(2048 + RSG_EFFECTS_MAX * EFFECT_LEN)
#define HOUR_US		(3600 * RSG_US)

/* The parts of a leaf, borrowed from it. */
struct leaf {
	struct rsg_id id;
	uint8_t class;
	uint32_t hour;
	const uint8_t *tag, *commitment, *ops, *about;
	size_t nops, nabout;
};

static const struct rsg_service_name operations = { RSG_SERVICE_OPERATIONS, 0, 0 };

struct rsg_id
rsg_entry_id(int64_t time)
{
	struct rsg_id id = rsg_id_new();

	rsg_be32(id.b, (uint32_t)(time / HOUR_US));
	return id;
}

void
rsg_entry_tag(const uint8_t evidence[RSG_KEY_LEN], int64_t day,
    uint8_t tag[RSG_TAG_LEN])
{
	static const char label[] = "audit-tag";
	uint8_t d[8];

	rsg_be64(d, (uint64_t)day);
	rsg_blake2b(evidence, (struct rsg_part[]){ { label, sizeof(label) - 1 },
	    { d, sizeof(d) } }, 2, tag);
	rsg_be32(tag, (uint32_t)day);
}

void
rsg_entry_hash(const void *leaf, size_t len, uint8_t hash[32])
{
	static const uint8_t zero;

	rsg_sha256((struct rsg_part[]){ { &zero, 1 }, { leaf, len } }, 2, hash);
}

/* Both keys are committed to apart, so that one can be opened without the other. */
static void
commit(const struct rsg_id *id, const uint8_t ops[RSG_KEY_LEN],
    const uint8_t about[RSG_KEY_LEN], uint8_t out[32])
{
	uint8_t half[2][32];

	rsg_sha256((struct rsg_part[]){ { "k", 1 }, { id->b, RSG_ID_LEN },
	    { ops, RSG_KEY_LEN } }, 3, half[0]);
	rsg_sha256((struct rsg_part[]){ { "k", 1 }, { id->b, RSG_ID_LEN },
	    { about, RSG_KEY_LEN } }, 3, half[1]);
	rsg_sha256((struct rsg_part[]){ { "c", 1 }, { id->b, RSG_ID_LEN },
	    { half, sizeof(half) } }, 3, out);
}

static struct rsg_place_of
place(enum rsg_seal_kind kind, uint32_t controller, const struct rsg_id *id)
{
	return (struct rsg_place_of){ .kind = kind, .controller = controller,
	    .pk = *id, .version = LEAF_VERSION, .generation = 1 };
}

static size_t
count_effects(const struct rsg_effect *x)
{
	size_t n = 0;

	for (; x != NULL; x = x->next)
		n++;
	return n;
}

/* Behind all else, and nothing where nothing was written. */
static void
put_effects(const struct rsg_effect *first, struct rsg_buf *b)
{
	if (first == NULL)
		return;
	rsg_buf_u8(b, (uint8_t)count_effects(first));
	for (const struct rsg_effect *x = first; x != NULL; x = x->next) {
		rsg_buf_u8(b, x->kind);
		rsg_buf_put(b, x->key.b, RSG_ID_LEN);
		rsg_buf_put(b, x->digest, sizeof(x->digest));
	}
}

static void
put_ops(const struct rsg_entry *e, struct rsg_buf *b)
{
	rsg_buf_u64(b, (uint64_t)e->time);
	rsg_buf_put(b, e->actor.b, RSG_ID_LEN);
	rsg_buf_short(b, e->actor_name);
	rsg_buf_short(b, e->role);
	rsg_buf_short(b, e->staff);
	rsg_buf_short(b, e->place);
	rsg_buf_short(b, e->reason);
	rsg_buf_u16(b, e->action);
	rsg_buf_u16(b, e->purpose);
	rsg_buf_short(b, e->decision);
	rsg_buf_short(b, e->clause);
	rsg_buf_short(b, e->basis);
	rsg_buf_u32(b, e->recipient);
	rsg_buf_u8(b, (uint8_t)e->nfields);
	for (size_t i = 0; i < e->nfields; i++)
		rsg_buf_u16(b, e->field[i]);
	rsg_buf_put(b, e->policy, sizeof(e->policy));
	rsg_buf_u32(b, e->people);
	if (e->people > 0)
		rsg_buf_put(b, e->root, sizeof(e->root));
	put_effects(e->effects, b);
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
	return RSG_OK;
}

static enum rsg_err
get_ops(struct rsg_entry *e, const uint8_t *p, size_t len, struct rsg_effect *x,
    size_t *nx)
{
	struct rsg_rd r;
	const uint8_t *q;

	rsg_rd_init(&r, p, len);
	e->time = (int64_t)rsg_rd_u64(&r);
	if ((q = rsg_rd_get(&r, RSG_ID_LEN)) != NULL)
		memcpy(e->actor.b, q, RSG_ID_LEN);
	rsg_rd_short(&r, e->actor_name, sizeof(e->actor_name));
	rsg_rd_short(&r, e->role, sizeof(e->role));
	rsg_rd_short(&r, e->staff, sizeof(e->staff));
	rsg_rd_short(&r, e->place, sizeof(e->place));
	rsg_rd_short(&r, e->reason, sizeof(e->reason));
	e->action = rsg_rd_u16(&r);
	e->purpose = rsg_rd_u16(&r);
	rsg_rd_short(&r, e->decision, sizeof(e->decision));
	rsg_rd_short(&r, e->clause, sizeof(e->clause));
	rsg_rd_short(&r, e->basis, sizeof(e->basis));
	e->recipient = rsg_rd_u32(&r);
	e->nfields = rsg_rd_u8(&r);
	if (e->nfields > RSG_POLICY_FIELDS)
		return RSG_TAMPERED;
	for (size_t i = 0; i < e->nfields; i++)
		e->field[i] = rsg_rd_u16(&r);
	if ((q = rsg_rd_get(&r, sizeof(e->policy))) != NULL)
		memcpy(e->policy, q, sizeof(e->policy));
	e->people = rsg_rd_u32(&r);
	if (e->people > 0 && (q = rsg_rd_get(&r, sizeof(e->root))) != NULL)
		memcpy(e->root, q, sizeof(e->root));
	if (get_effects(&r, x, nx) != RSG_OK)
		return RSG_TAMPERED;
	return rsg_rd_end(&r) ? RSG_OK : RSG_TAMPERED;
}

/* Seal one part behind its length. */
static enum rsg_err
put_sealed(const uint8_t key[RSG_KEY_LEN], const struct rsg_place_of *at,
    const void *p, size_t len, struct rsg_buf *leaf)
{
	rsg_buf_u16(leaf, (uint16_t)rsg_seal_size(len));
	return rsg_seal(key, at, p, len, leaf);
}

static enum rsg_err
put_leaf(const struct rsg_entry *e, const uint8_t tag[RSG_TAG_LEN],
    const uint8_t kops[RSG_KEY_LEN], const uint8_t kabout[RSG_KEY_LEN],
    const struct rsg_id *subject, struct rsg_buf *ops, struct rsg_buf *leaf)
{
	struct rsg_place_of at = place(RSG_SEAL_AUDIT_OPS, e->controller, &e->id);
	uint8_t commitment[32];
	enum rsg_err r;

	rsg_buf_u8(leaf, LEAF_VERSION);
	rsg_buf_put(leaf, e->id.b, RSG_ID_LEN);
	rsg_buf_u8(leaf, (uint8_t)e->class);
	rsg_buf_u32(leaf, (uint32_t)(e->time / HOUR_US));
	rsg_buf_put(leaf, tag, RSG_TAG_LEN);
	commit(&e->id, kops, kabout, commitment);
	rsg_buf_put(leaf, commitment, sizeof(commitment));
	if ((r = put_sealed(kops, &at, ops->p, ops->len, leaf)) != RSG_OK)
		return r;
	at.kind = RSG_SEAL_AUDIT_ABOUT;
	return put_sealed(kabout, &at, subject->b, RSG_ID_LEN, leaf);
}

enum rsg_err
rsg_entry_leaf(const struct rsg_keyring *keys, const struct rsg_entry *e,
    const uint8_t *evidence, const struct rsg_id *subject,
    uint8_t tag[RSG_TAG_LEN], struct rsg_buf *leaf, uint8_t leaf_hash[32])
{
	static const struct rsg_id nobody;
	uint8_t kops[RSG_KEY_LEN], kabout[RSG_KEY_LEN];
	struct rsg_buf ops;
	size_t start = leaf->len;
	enum rsg_err r;

	if (count_effects(e->effects) > RSG_EFFECTS_MAX)
		return RSG_TOO_LARGE;
	rsg_buf_init(&ops, OPS_MAX);
	if ((r = rsg_service_derive(keys, operations, "audit-ops", &e->id,
	    kops)) != RSG_OK)
		goto done;
	if (evidence != NULL && subject != NULL) {
		rsg_derive(evidence, "audit-about", &e->id, kabout);
		rsg_entry_tag(evidence, rsg_clock_day(e->time), tag);
	} else {
		/* Noise, so that such a leaf looks like any other. */
		rsg_secret_random(kabout, sizeof(kabout));
		rsg_secret_random(tag, RSG_TAG_LEN);
		rsg_be32(tag, (uint32_t)rsg_clock_day(e->time));
		subject = &nobody;
	}
	put_ops(e, &ops);
	if ((r = rsg_buf_err(&ops)) != RSG_OK)
		goto done;
	if ((r = put_leaf(e, tag, kops, kabout, subject, &ops, leaf)) != RSG_OK)
		goto done;
	if ((r = rsg_buf_err(leaf)) == RSG_OK)
		rsg_entry_hash(leaf->p + start, leaf->len - start, leaf_hash);
done:
	rsg_buf_free(&ops);
	rsg_secret_wipe(kops, sizeof(kops));
	rsg_secret_wipe(kabout, sizeof(kabout));
	return r;
}

static enum rsg_err
parse(const void *bytes, size_t len, struct leaf *l)
{
	struct rsg_rd r;
	const uint8_t *p;

	rsg_rd_init(&r, bytes, len);
	if (rsg_rd_u8(&r) != LEAF_VERSION ||
	    (p = rsg_rd_get(&r, RSG_ID_LEN)) == NULL)
		return RSG_TAMPERED;
	memcpy(l->id.b, p, RSG_ID_LEN);
	l->class = rsg_rd_u8(&r);
	l->hour = rsg_rd_u32(&r);
	l->tag = rsg_rd_get(&r, RSG_TAG_LEN);
	l->commitment = rsg_rd_get(&r, 32);
	l->nops = rsg_rd_u16(&r);
	l->ops = rsg_rd_get(&r, l->nops);
	l->nabout = rsg_rd_u16(&r);
	l->about = rsg_rd_get(&r, l->nabout);
	return rsg_rd_end(&r) ? RSG_OK : RSG_TAMPERED;
}

enum rsg_err
rsg_entry_open(const struct rsg_keyring *keys, uint32_t controller,
    const void *bytes, size_t len, struct rsg_entry *e)
{
	return rsg_entry_effects(keys, controller, bytes, len, e, NULL, NULL);
}

enum rsg_err
rsg_entry_effects(const struct rsg_keyring *keys, uint32_t controller,
    const void *bytes, size_t len, struct rsg_entry *e, struct rsg_effect *x,
    size_t *nx)
{
	uint8_t key[RSG_KEY_LEN], text[OPS_MAX + RSG_SEAL_EXTRA];
	struct rsg_place_of at;
	struct leaf l;
	size_t n;
	enum rsg_err r;

	memset(e, 0, sizeof(*e));
	if ((r = parse(bytes, len, &l)) != RSG_OK)
		return r;
	if (l.nops > sizeof(text))
		return RSG_TAMPERED;
	e->id = l.id;
	e->class = l.class;
	e->controller = controller;
	at = place(RSG_SEAL_AUDIT_OPS, controller, &l.id);
	if ((r = rsg_service_derive(keys, operations, "audit-ops", &l.id,
	    key)) == RSG_OK &&
	    (r = rsg_seal_open(key, &at, l.ops, l.nops, text, &n)) == RSG_OK)
		r = get_ops(e, text, n, x, nx);
	if (r == RSG_OK && (uint32_t)(e->time / HOUR_US) != l.hour)
		r = RSG_TAMPERED;
	rsg_secret_wipe(key, sizeof(key));
	rsg_secret_wipe(text, sizeof(text));
	return r;
}

enum rsg_err
rsg_entry_about(const struct rsg_keyring *keys, uint32_t controller,
    const uint8_t evidence[RSG_KEY_LEN], const void *bytes, size_t len,
    struct rsg_id *subject)
{
	uint8_t kops[RSG_KEY_LEN], kabout[RSG_KEY_LEN], expect[32], text[128];
	struct rsg_place_of at;
	struct leaf l;
	size_t n;
	enum rsg_err r;

	if ((r = parse(bytes, len, &l)) != RSG_OK)
		return r;
	if ((r = rsg_service_derive(keys, operations, "audit-ops", &l.id,
	    kops)) != RSG_OK)
		return r;
	rsg_derive(evidence, "audit-about", &l.id, kabout);
	at = place(RSG_SEAL_AUDIT_ABOUT, controller, &l.id);
	commit(&l.id, kops, kabout, expect);
	r = RSG_NOT_FOUND;
	if (l.nabout <= sizeof(text) &&
	    rsg_secret_equal(expect, l.commitment, sizeof(expect)) &&
	    rsg_seal_open(kabout, &at, l.about, l.nabout, text, &n) == RSG_OK &&
	    n == RSG_ID_LEN) {
		memcpy(subject->b, text, RSG_ID_LEN);
		r = RSG_OK;
	}
	rsg_secret_wipe(kops, sizeof(kops));
	rsg_secret_wipe(kabout, sizeof(kabout));
	return r;
}
