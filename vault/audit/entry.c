#include <string.h>

#include "audit/entry_int.h"

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

int64_t
rsg_entry_token(const uint8_t evidence[RSG_KEY_LEN], int64_t day)
{
	static const char label[] = "audit-token";
	uint8_t d[8], out[32];

	rsg_be64(d, (uint64_t)day);
	rsg_blake2b(evidence, (struct rsg_part[]){ { label, sizeof(label) - 1 },
	    { d, sizeof(d) } }, 2, out);
	return (int64_t)rsg_get64(out);
}

void
rsg_entry_share_key(const uint8_t evidence[RSG_KEY_LEN], enum rsg_share what,
    const struct rsg_id *of, uint8_t key[RSG_KEY_LEN])
{
	rsg_derive(evidence, what == RSG_SHARE_RELEASE ? "release" : "audit-bulk", of, key);
}

void
rsg_entry_share(const uint8_t key[RSG_KEY_LEN], const struct rsg_id *subject,
    const void *detail, size_t len, uint8_t commitment[32])
{
	rsg_blake2b(key, (struct rsg_part[]){ { subject->b, RSG_ID_LEN },
	    { detail, len } }, 2, commitment);
}

void
rsg_entry_hash(const void *leaf, size_t len, uint8_t hash[32])
{
	static const uint8_t zero;

	rsg_sha256((struct rsg_part[]){ { &zero, 1 }, { leaf, len } }, 2, hash);
}

void
rsg__entry_half(const struct rsg_id *id, const uint8_t key[RSG_KEY_LEN], uint8_t out[32])
{
	rsg_sha256((struct rsg_part[]){ { "k", 1 }, { id->b, RSG_ID_LEN },
	    { key, RSG_KEY_LEN } }, 3, out);
}

/* Version 1 had no part for who did it. */
void
rsg__entry_commit(const struct leaf *l, const uint8_t done[RSG_KEY_LEN], const uint8_t who[32],
    const uint8_t about[RSG_KEY_LEN], uint8_t out[32])
{
	size_t nwho = l->version == LEAF_NUMBERED ? 0 : 32;
	uint8_t a[32], b[32];

	rsg__entry_half(&l->id, done, a);
	rsg__entry_half(&l->id, about, b);
	rsg_sha256((struct rsg_part[]){ { "c", 1 }, { l->id.b, RSG_ID_LEN },
	    { a, sizeof(a) }, { who, nwho }, { b, sizeof(b) } }, 5, out);
}

struct rsg_place_of
rsg__entry_place(enum rsg_seal_kind kind, uint32_t controller, const struct leaf *l, uint64_t part)
{
	return (struct rsg_place_of){ .kind = kind, .controller = controller,
	    .pk = l->id, .pk2 = part == 0 ? (struct rsg_id){ { 0 } } : rsg_seal_number(part),
	    .version = l->version, .generation = 1 };
}

/* From one key of the entry, which is never shown. */
enum rsg_err
rsg__entry_keys(const struct rsg_keyring *ring, const struct leaf *l,
    const uint8_t *evidence, struct keys *k)
{
	bool numbered = l->version == LEAF_NUMBERED;
	uint8_t own[RSG_KEY_LEN];
	enum rsg_err e;

	if ((e = rsg_service_derive(ring, operations, numbered ? "audit-ops" :
	    "audit-entry", &l->id, own)) != RSG_OK)
		return e;
	if (numbered)
		memcpy(k->done, own, sizeof(own));
	else
		rsg_derive(own, "done", &l->id, k->done);
	rsg_derive(own, "who", &l->id, k->who);
	if (evidence != NULL)
		rsg_derive(evidence, "audit-about", &l->id, k->about);
	else
		rsg_derive(own, "nobody", &l->id, k->about);
	rsg_secret_wipe(own, sizeof(own));
	return RSG_OK;
}

/* --- Writing --- */

static void
put_done(const struct rsg_entry *e, struct rsg_buf *b)
{
	rsg_buf_u64(b, (uint64_t)e->time);
	rsg_buf_short(b, e->actor_name);
	rsg_buf_short(b, e->role);
	rsg_buf_short(b, e->place);
	rsg_buf_short(b, e->action);
	rsg_buf_short(b, e->purpose);
	rsg_buf_short(b, e->decision);
	rsg_buf_short(b, e->clause);
	rsg_buf_short(b, e->basis);
	rsg_buf_short(b, e->recipient);
	rsg_buf_u8(b, (uint8_t)e->nfields);
	for (size_t i = 0; i < e->nfields; i++)
		rsg_buf_short(b, e->field[i]);
	rsg_buf_put(b, e->policy, sizeof(e->policy));
	rsg_buf_u32(b, e->people);
	if (e->people > 0)
		rsg_buf_put(b, e->root, sizeof(e->root));
}

static size_t
count_effects(const struct rsg_effect *x)
{
	size_t n = 0;

	for (; x != NULL; x = x->next)
		n++;
	return n;
}

/* Nothing is said of effects where nothing was written. */
static void
put_who(const struct rsg_entry *e, struct rsg_buf *b)
{
	rsg_buf_put(b, e->actor.b, RSG_ID_LEN);
	rsg_buf_u16(b, e->action_no);
	rsg_buf_u16(b, e->purpose_no);
	rsg_buf_u32(b, e->recipient_no);
	rsg_buf_short(b, e->staff);
	rsg_buf_short(b, e->reason);
	if (e->effects == NULL)
		return;
	rsg_buf_u8(b, (uint8_t)count_effects(e->effects));
	for (const struct rsg_effect *x = e->effects; x != NULL; x = x->next) {
		rsg_buf_u8(b, x->kind);
		rsg_buf_put(b, x->key.b, RSG_ID_LEN);
		rsg_buf_put(b, x->digest, sizeof(x->digest));
	}
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
put_leaf(const struct rsg_entry *e, const struct leaf *l, const struct keys *k,
    const struct rsg_id *subject, struct rsg_buf *text, struct rsg_buf *out)
{
	struct rsg_place_of at = rsg__entry_place(RSG_SEAL_AUDIT_OPS, e->controller, l, 0);
	uint8_t who[32], commitment[32];
	enum rsg_err r;

	rsg_buf_u8(out, l->version);
	rsg_buf_put(out, l->id.b, RSG_ID_LEN);
	rsg_buf_u8(out, l->class);
	rsg_buf_u32(out, l->hour);
	rsg_buf_put(out, l->tag, RSG_TAG_LEN);
	rsg__entry_half(&l->id, k->who, who);
	rsg__entry_commit(l, k->done, who, k->about, commitment);
	rsg_buf_put(out, commitment, sizeof(commitment));
	put_done(e, text);
	if ((r = rsg_buf_err(text)) != RSG_OK ||
	    (r = put_sealed(k->done, &at, text->p, text->len, out)) != RSG_OK)
		return r;
	at = rsg__entry_place(RSG_SEAL_AUDIT_OPS, e->controller, l, 1);
	rsg_buf_reset(text);
	put_who(e, text);
	if ((r = rsg_buf_err(text)) != RSG_OK ||
	    (r = put_sealed(k->who, &at, text->p, text->len, out)) != RSG_OK)
		return r;
	at = rsg__entry_place(RSG_SEAL_AUDIT_ABOUT, e->controller, l, 0);
	if ((r = put_sealed(k->about, &at, subject->b, RSG_ID_LEN, out)) == RSG_OK &&
	    e->nnote > 0) {
		rsg_buf_u16(out, (uint16_t)e->nnote);
		rsg_buf_put(out, e->note, e->nnote);
	}
	return r;
}

enum rsg_err
rsg_entry_leaf(const struct rsg_keyring *ring, const struct rsg_entry *e,
    const uint8_t *evidence, const struct rsg_id *subject,
    uint8_t tag[RSG_TAG_LEN], struct rsg_buf *leaf, uint8_t leaf_hash[32])
{
	static const struct rsg_id nobody;
	struct leaf l = { .id = e->id, .version = LEAF_VERSION,
	    .class = (uint8_t)e->class, .hour = (uint32_t)(e->time / HOUR_US), .tag = tag };
	bool about = evidence != NULL && subject != NULL;
	size_t start = leaf->len;
	struct rsg_buf text;
	struct keys k;
	enum rsg_err r;

	if (count_effects(e->effects) > RSG_EFFECTS_MAX)
		return RSG_TOO_LARGE;
	rsg_buf_init(&text, RSG_ENTRY_TEXT);
	if ((r = rsg__entry_keys(ring, &l, about ? evidence : NULL, &k)) != RSG_OK)
		goto done;
	if (about)
		rsg_entry_tag(evidence, rsg_clock_day(e->time), tag);
	else {
		/* Noise, so that such a leaf looks like any other. */
		rsg_secret_random(tag, RSG_TAG_LEN);
		rsg_be32(tag, (uint32_t)rsg_clock_day(e->time));
	}
	if ((r = put_leaf(e, &l, &k, about ? subject : &nobody, &text, leaf)) == RSG_OK &&
	    (r = rsg_buf_err(leaf)) == RSG_OK)
		rsg_entry_hash(leaf->p + start, leaf->len - start, leaf_hash);
done:
	rsg_buf_free(&text);
	rsg_secret_wipe(&k, sizeof(k));
	return r;
}
