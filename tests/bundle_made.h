/*
 * bundle_made.h - a small log and one person's audit bundle over it, made
 * without a server: for tests that damage it.
 *
 * Seven entries over two days: of somebody else, four of Ana's (the last of
 * them of the first form), one about five people with Ana among them, and one
 * about nobody.
 */
#ifndef TESTS_BUNDLE_MADE_H
#define TESTS_BUNDLE_MADE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/logdir.h"
#include "audit/merkle.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"

#define BM_ENTRIES	7
#define BM_CONTROLLER	3
#define BM_DAY		INT64_C(20700)
#define BM_ORIGIN	"example.com/audit"
#define BM_AMONG	2		/* which entry is about many */
#define BM_POSITION	3
#define BM_PEOPLE	5

struct bundle_made {
	struct rsg_keyring *ring;
	struct rsg_skey key;
	struct rsg_id ana, eva;
	uint8_t ana_key[RSG_KEY_LEN], eva_key[RSG_KEY_LEN];
	struct rsg_buf leaf[BM_ENTRIES];
	struct rsg_entry entry[BM_ENTRIES];
	uint8_t hash[BM_ENTRIES][32], tag[2][RSG_TAG_LEN];
	uint8_t share[BM_PEOPLE][32];	/* leaves of the tree over the five */
	uint8_t share_key[RSG_KEY_LEN], given[19];
	struct rsg_checkpoint now;
	struct rsg_buf note;
};

struct bm_tree { uint8_t (*leaf)[32]; };

static inline enum rsg_err
bm_hash(void *ctx, unsigned level, uint64_t index, uint8_t hash[32])
{
	struct bm_tree *t = ctx;
	uint8_t room[16][32];
	size_t n = (size_t)1 << level;

	memcpy(room, t->leaf + (index << level), n * 32);
	rsg_merkle_root(room, n, hash);
	return RSG_OK;
}

static inline enum rsg_err
bm_path(uint8_t (*leaf)[32], uint64_t at, uint64_t n, struct rsg_proof *p)
{
	struct bm_tree t = { leaf };

	return rsg_tree_inclusion(bm_hash, &t, at, n, p);
}

/* Who of the five is Ana; the others are noise. */
static inline void
bm_many(struct bundle_made *m, struct rsg_entry *e)
{
	struct rsg_id release = rsg_id_new();
	uint8_t commitment[32], leaf[BM_PEOPLE][32];

	rsg_secret_random(m->given, sizeof(m->given));
	m->given[16] = 5;
	m->given[17] = 4;
	m->given[18] = 3;
	rsg_entry_share_key(m->ana_key, RSG_SHARE_RELEASE, &release, m->share_key);
	for (size_t i = 0; i < BM_PEOPLE; i++) {
		rsg_secret_random(commitment, sizeof(commitment));
		if (i == BM_POSITION)
			rsg_entry_share(m->share_key, &m->ana, m->given, sizeof(m->given),
			    commitment);
		rsg_merkle_leaf(commitment, sizeof(commitment), m->share[i]);
	}
	memcpy(leaf, m->share, sizeof(leaf));
	rsg_merkle_root(leaf, BM_PEOPLE, e->root);
	e->people = BM_PEOPLE;
	e->class = RSG_ENTRY_BULK;
	e->action = "release";
	e->purpose = "segmentation";
	e->recipient = "aurora";
	e->nfields = 0;
}

/* A leaf of the first form: parts that nobody opens. */
static inline void
bm_first_form(struct bundle_made *m, size_t i)
{
	struct rsg_buf *b = &m->leaf[i];

	rsg_buf_u8(b, 1);
	rsg_buf_put(b, m->entry[i].id.b, RSG_ID_LEN);
	rsg_buf_u8(b, RSG_ENTRY_ACCESS);
	rsg_buf_u32(b, (uint32_t)(m->entry[i].time / (3600 * RSG_US)));
	rsg_buf_put(b, m->tag[1], RSG_TAG_LEN);
	rsg_buf_put(b, m->ana_key, 32);
	rsg_buf_u16(b, 0);
	rsg_buf_u16(b, 0);
	rsg_entry_hash(b->p, b->len, m->hash[i]);
}

static inline enum rsg_err
bm_entry(struct bundle_made *m, size_t i)
{
	int64_t time = (BM_DAY + (i > 2)) * RSG_DAY_US + (int64_t)(3 + i) * 3600 * RSG_US;
	bool ana = i == 1 || i == 3 || i == 5, eva = i == 0;
	struct rsg_entry *e = &m->entry[i];
	uint8_t tag[RSG_TAG_LEN];

	*e = (struct rsg_entry){ .id = rsg_entry_id(time), .class = RSG_ENTRY_ACCESS,
	    .time = time, .controller = BM_CONTROLLER, .actor = rsg_id_new(),
	    .actor_name = "till-1", .role = "till", .place = "Zamora \"2\"",
	    .staff = "m.ortega", .action = "read", .purpose = "loyalty_account",
	    .decision = "ok", .clause = "till-card", .basis = "contract",
	    .recipient = "", .nfields = 2, .field = { "first_name", "email" } };
	if (i == 3) {
		e->class = RSG_ENTRY_DENIAL;
		strcpy(e->decision, "no-live-consent");
		e->clause[0] = '\0';
	}
	if (i == BM_AMONG)
		bm_many(m, e);
	rsg_buf_init(&m->leaf[i], RSG_LEAF_MAX);
	if (i == 6) {
		bm_first_form(m, i);
		return RSG_OK;
	}
	return rsg_entry_leaf(m->ring, e, ana ? m->ana_key : eva ? m->eva_key : NULL,
	    ana ? &m->ana : eva ? &m->eva : NULL, tag, &m->leaf[i], m->hash[i]);
}

static inline enum rsg_err
bundle_made(struct bundle_made *m, struct rsg_keyring *ring)
{
	static const uint8_t seed[RSG_SEED_LEN];
	uint8_t hash[BM_ENTRIES][32];
	enum rsg_err e;

	memset(m, 0, sizeof(*m));
	m->ring = ring;
	m->ana = rsg_id_new();
	m->eva = rsg_id_new();
	rsg_secret_random(m->ana_key, sizeof(m->ana_key));
	rsg_secret_random(m->eva_key, sizeof(m->eva_key));
	for (int i = 0; i < 2; i++)
		rsg_entry_tag(m->ana_key, BM_DAY + i, m->tag[i]);
	for (size_t i = 0; i < BM_ENTRIES; i++)
		if ((e = bm_entry(m, i)) != RSG_OK)
			return e;
	if ((e = rsg_note_skey_make(BM_ORIGIN, seed, &m->key)) != RSG_OK)
		return e;
	strcpy(m->now.origin, BM_ORIGIN);
	m->now.size = BM_ENTRIES;
	memcpy(hash, m->hash, sizeof(hash));
	rsg_merkle_root(hash, BM_ENTRIES, m->now.root);
	rsg_buf_init(&m->note, RSG_NOTE_MAX);
	return rsg_checkpoint_sign(&m->key, &m->now, &m->note);
}

static inline void
bundle_made_free(struct bundle_made *m)
{
	for (size_t i = 0; i < BM_ENTRIES; i++)
		rsg_buf_free(&m->leaf[i]);
	rsg_buf_free(&m->note);
}

/* --- As JSON --- */

static inline void
bm_hex(struct rsg_jw *w, const char *name, const uint8_t *p, size_t n)
{
	static char text[2 * RSG_LEAF_MAX + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	rsg_jw_string(w, name, text, 2 * n);
}

static inline void
bm_hashes(struct rsg_jw *w, const struct rsg_proof *p)
{
	rsg_jw_array(w, "hashes");
	for (size_t i = 0; i < p->n; i++)
		bm_hex(w, NULL, p->hash[i], 32);
	rsg_jw_end(w);
}

static inline void
bm_time(struct rsg_jw *w, const char *name, int64_t us)
{
	char text[RSG_TIME_TEXT];

	rsg_clock_text(us, text);
	rsg_jw_text(w, name, text);
}

static inline enum rsg_err
bm_words(struct bundle_made *m, struct rsg_jw *w, size_t i)
{
	const struct rsg_entry *e = &m->entry[i];
	struct rsg_opening o;
	enum rsg_err r;

	bm_time(w, "time", e->time);
	rsg_jw_text(w, "actor", e->actor_name);
	rsg_jw_text(w, "role", e->role);
	rsg_jw_text(w, "place", e->place);
	rsg_jw_text(w, "action", e->action);
	rsg_jw_text(w, "purpose", e->purpose);
	rsg_jw_text(w, "decision", i == 3 ? "deny" : "allow");
	rsg_jw_text(w, "clause", i == 3 ? e->decision : e->clause);
	rsg_jw_text(w, "legal_basis", e->basis);
	if (e->recipient[0] != '\0')
		rsg_jw_text(w, "recipient", e->recipient);
	bm_hex(w, "policy", e->policy, 32);
	if (e->people > 0)
		rsg_jw_int(w, "people", e->people);
	if ((r = rsg_entry_opening(m->ring, i == BM_AMONG ? NULL : m->ana_key, m->leaf[i].p,
	    m->leaf[i].len, &o)) != RSG_OK)
		return r;
	bm_hex(w, "key_done", o.done, 32);
	bm_hex(w, "hash_who", o.who, 32);
	bm_hex(w, "key_about", o.about, 32);
	return RSG_OK;
}

static inline enum rsg_err
bm_share(struct bundle_made *m, struct rsg_jw *w)
{
	struct rsg_proof path;
	enum rsg_err e;

	if ((e = bm_path(m->share, BM_POSITION, BM_PEOPLE, &path)) != RSG_OK)
		return e;
	rsg_jw_object(w, "share");
	rsg_jw_int(w, "position", BM_POSITION);
	bm_hex(w, "key_share", m->share_key, 32);
	bm_hex(w, "given", m->given, 19);
	bm_hex(w, "pseudonym", m->given, 16);
	rsg_jw_int(w, "r", 5);
	rsg_jw_int(w, "f", 4);
	rsg_jw_int(w, "m", 3);
	bm_hashes(w, &path);
	rsg_jw_end(w);
	return RSG_OK;
}

static inline enum rsg_err
bm_access(struct bundle_made *m, struct rsg_jw *w, size_t i)
{
	const struct rsg_entry *e = &m->entry[i];
	struct rsg_proof path;
	char id[RSG_ID_TEXT];
	enum rsg_err r;

	rsg_jw_object(w, NULL);
	rsg_id_text(&e->id, id);
	rsg_jw_text(w, "audit_entry", id);
	if (i != 6 && (r = bm_words(m, w, i)) != RSG_OK)
		return r;
	rsg_jw_array(w, "fields");
	for (size_t k = 0; i != 6 && k < e->nfields; k++)
		rsg_jw_text(w, NULL, e->field[k]);
	rsg_jw_end(w);
	if (i == BM_AMONG && (r = bm_share(m, w)) != RSG_OK)
		return r;
	bm_hex(w, "leaf", m->leaf[i].p, m->leaf[i].len);
	rsg_jw_int(w, "index", (int64_t)i);
	if ((r = bm_path(m->hash, i, BM_ENTRIES, &path)) != RSG_OK)
		return r;
	bm_hashes(w, &path);
	rsg_jw_end(w);
	return RSG_OK;
}

/* The bundle of Ana's accesses; `without` is one that is kept back, or -1. */
static inline enum rsg_err
bundle_made_json(struct bundle_made *m, int without, struct rsg_buf *out)
{
	static const int of[] = { 1, 2, 3, 5, 6 };
	char id[RSG_ID_TEXT], day[RSG_DAY_TEXT];
	struct rsg_jw w;
	enum rsg_err e;

	rsg_jw_init(&w, out);
	rsg_jw_object(&w, NULL);
	rsg_jw_text(&w, "format", "resguardo-audit-bundle-1");
	rsg_id_text(&m->ana, id);
	rsg_jw_text(&w, "subject", id);
	rsg_jw_int(&w, "controller_number", BM_CONTROLLER);
	bm_time(&w, "from", BM_DAY * RSG_DAY_US);
	bm_time(&w, "to", (BM_DAY + 2) * RSG_DAY_US);
	rsg_jw_array(&w, "days");
	for (int i = 0; i < 2; i++) {
		rsg_jw_object(&w, NULL);
		rsg_clock_day_text(BM_DAY + i, day);
		rsg_jw_text(&w, "day", day);
		bm_hex(&w, "tag", m->tag[i], 32);
		rsg_jw_int(&w, "count", (i == 0 ? 1 : 3) - (without == 1 && i == 0) -
		    (without > 2 && i == 1));
		rsg_jw_bool(&w, "whole", true);
		rsg_jw_end(&w);
	}
	rsg_jw_end(&w);
	rsg_jw_array(&w, "accesses");
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
		if (of[i] != without && (e = bm_access(m, &w, (size_t)of[i])) != RSG_OK)
			return e;
	rsg_jw_end(&w);
	rsg_jw_string(&w, "checkpoint", m->note.p, m->note.len);
	/* What follows is the server's word, and nobody checks it. */
	rsg_jw_text(&w, "controller", "acme");
	rsg_jw_array(&w, "covers");
	rsg_jw_text(&w, NULL, "Every access.");
	rsg_jw_end(&w);
	rsg_jw_array(&w, "does_not_cover");
	rsg_jw_text(&w, NULL, "Who it was.");
	rsg_jw_end(&w);
	rsg_jw_end(&w);
	return rsg_buf_err(out);
}

#endif
