/*
 * people.c - everybody's row and histories against what the entries say they
 * wrote. An old row put back opens as well as the newest: that a later state
 * was once written is what tells them apart.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/check_int.h"
#include "consent/ledger.h"
#include "subject/person.h"

#define PAGE	500		/* people a fetch */
#define AHEAD	64		/* states looked for beyond the one that is there */

enum history { CONSENT, BENEFIT };

static const char *const names[] = { "consent", "benefit" };

/* Follow one history of one person; `row` goes to the first that is not theirs. */
static void
history(struct rsg__state *s, const struct rsg_subject *p, const struct rsg_result *r,
    int *row, enum history which)
{
	const struct rsg_history *end = which == CONSENT ? &p->h.consent : &p->h.benefit;
	struct rsg_history at = { 0 };
	char name[RSG_ID_TEXT];
	const uint8_t *sealed, *hash;
	struct rsg_id id;
	size_t len, n;
	bool said = false;

	rsg_id_text(&p->id, name);
	for (; *row < rsg_result_rows(r); (*row)++) {
		rsg_result_id(r, *row, 0, &id);
		if (rsg_id_cmp(&id, &p->id) > 0)
			break;
		if (said || !rsg_id_eq(&id, &p->id))
			continue;
		sealed = rsg_result_bytes(r, *row, 2, &len);
		hash = rsg_result_bytes(r, *row, 3, &n);
		at.count++;
		rsg_ledger_hash(at.head, at.count, sealed, len, at.head);
		said = true;
		if (rsg_result_int(r, *row, 1) != at.count)
			rsg__check_wrong(s->c, "person %s: %s event %u was removed", name,
			    names[which], at.count);
		else if (at.count > end->count)
			rsg__check_wrong(s->c, "person %s: %s event %u was added, or their row "
			    "was put back", name, names[which], at.count);
		else if (n != RSG_DIGEST_LEN || memcmp(hash, at.head, n) != 0)
			rsg__check_wrong(s->c, "person %s: %s event %u was changed", name,
			    names[which], at.count);
		else
			said = false;
	}
	if (said)
		return;
	if (at.count < end->count)
		rsg__check_wrong(s->c, "person %s: %s event %u was removed", name,
		    names[which], at.count + 1);
	else if (memcmp(at.head, end->head, RSG_DIGEST_LEN) != 0)
		rsg__check_wrong(s->c, "person %s: the %s events are not those their row "
		    "ends in", name, names[which]);
}

/* Mark what was written of this person; a later state than theirs tells. */
static enum rsg_err
states(struct rsg__state *s, const struct rsg_subject *p)
{
	char name[RSG_ID_TEXT], entry[RSG_ID_TEXT];
	struct rsg__wrote *w, *later = NULL;
	struct rsg_effect x;

	rsg_id_text(&p->id, name);
	for (int64_t v = 1; v <= p->version + AHEAD; v++) {
		rsg_effect_person(p->keys.key[RSG_KEY_EVIDENCE], v,
		    v == p->version ? &p->h : NULL, &x);
		if ((w = rsg__state_find(s, RSG_EFFECT_PERSON, &x.key)) == NULL) {
			if (v == 1 && rsg__state_unknown(s, &p->id, &x.key) != RSG_OK)
				return RSG_NO_MEMORY;
			continue;
		}
		w->seen = true;
		if (v == p->version && memcmp(w->digest, x.digest, sizeof(x.digest)) != 0) {
			rsg_id_text(&w->entry, entry);
			rsg__check_wrong(s->c, "person %s was changed: entry %s left them "
			    "otherwise", name, entry);
		} else if (v > p->version && w->xid < s->horizon)
			later = w;
	}
	if (later != NULL) {
		rsg_id_text(&later->entry, entry);
		rsg__check_wrong(s->c, "person %s was put back: entry %s left them in a "
		    "later state", name, entry);
	}
	return RSG_OK;
}

static enum rsg_err
person(struct rsg__state *s, struct rsg_subject *p, const struct rsg_result *const r[2],
    int row[2])
{
	char name[RSG_ID_TEXT];
	enum rsg_err e;

	s->c->people++;
	e = rsg_person_open(s->c->keys, p, p->controller);
	if (e == RSG_CONFIG)
		return e;
	if (e != RSG_OK) {
		rsg_id_text(&p->id, name);
		rsg__check_wrong(s->c, "person %s was changed: their row does not open", name);
		return RSG_OK;
	}
	history(s, p, r[CONSENT], &row[CONSENT], CONSENT);
	history(s, p, r[BENEFIT], &row[BENEFIT], BENEFIT);
	e = states(s, p);
	rsg_secret_wipe(&p->keys, sizeof(p->keys));
	return e;
}

static enum rsg_err
page(struct rsg__state *s, struct rsg_id *after, int *rows)
{
	struct rsg_bind *b = rsg_db_bind(s->c->db, RSG_SQL_CHECK_PEOPLE), *q[2];
	const struct rsg_result *r, *h[2];
	struct rsg_subject p;
	int n, sent[2], at[2] = { 0, 0 };
	enum rsg_err e;

	rsg_bind_id(b, 0, after);
	rsg_bind_int(b, 1, PAGE);
	n = rsg_db_send(s->c->db, b);
	if ((e = rsg_db_fetch(s->c->db)) != RSG_OK)
		return e;
	r = rsg_db_result(s->c->db, n);
	*rows = rsg_result_rows(r);
	q[CONSENT] = rsg_db_bind(s->c->db, RSG_SQL_CONSENT_EVENTS);
	q[BENEFIT] = rsg_db_bind(s->c->db, RSG_SQL_BENEFIT_EVENTS);
	for (int row = 0; row < *rows; row++) {
		rsg_result_id(r, row, 0, after);
		rsg_bind_id(q[CONSENT], 0, after);
		rsg_bind_id(q[BENEFIT], 0, after);
	}
	for (int i = 0; i < 2; i++)
		sent[i] = rsg_db_send(s->c->db, q[i]);
	if ((e = rsg_db_fetch(s->c->db)) != RSG_OK)
		return e;
	for (int i = 0; i < 2; i++)
		h[i] = rsg_db_result(s->c->db, sent[i]);
	for (int row = 0; row < *rows; row++) {
		memset(&p, 0, sizeof(p));
		rsg_result_id(r, row, 0, &p.id);
		rsg_person_row(&p, r, row, 1);
		if ((e = person(s, &p, h, at)) != RSG_OK)
			return e;
	}
	return rsg_db_commit(s->c->db);
}

static enum rsg_err
orphans(struct rsg__state *s)
{
	const struct rsg_result *r;
	char name[RSG_ID_TEXT];
	struct rsg_id id;
	int n = rsg_db_send(s->c->db, rsg_db_bind(s->c->db, RSG_SQL_CHECK_ORPHANS));
	enum rsg_err e;

	if ((e = rsg_db_fetch(s->c->db)) != RSG_OK)
		return e;
	r = rsg_db_result(s->c->db, n);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		rsg_result_id(r, row, 0, &id);
		rsg_id_text(&id, name);
		rsg__check_wrong(s->c, "person %s was removed: their histories are there",
		    name);
	}
	return rsg_db_commit(s->c->db);
}

enum rsg_err
rsg__check_people(struct rsg__state *s)
{
	struct rsg_id after = { 0 };
	int rows;
	enum rsg_err e;

	do {
		if ((e = page(s, &after, &rows)) != RSG_OK)
			return e;
		rsg__check_progress(s->c, "%llu people", (unsigned long long)s->c->people);
	} while (rows == PAGE);
	return orphans(s);
}

enum rsg_err
rsg__state_unknown(struct rsg__state *s, const struct rsg_id *who,
    const struct rsg_id *key)
{
	if (s->nunknown == s->unknownroom) {
		size_t room = s->unknownroom * 2 + 64;
		struct rsg__unknown *p = realloc(s->unknown, room * sizeof(*p));

		if (p == NULL)
			return RSG_NO_MEMORY;
		s->unknown = p;
		s->unknownroom = room;
	}
	s->unknown[s->nunknown++] = (struct rsg__unknown){ *who, *key };
	return RSG_OK;
}

void
rsg__check_born(struct rsg__state *s, const struct rsg__unknown *u)
{
	struct rsg__wrote *w = rsg__state_find(s, RSG_EFFECT_PERSON, &u->key);
	char name[RSG_ID_TEXT];

	if (w != NULL) {
		w->seen = true;		/* while we were reading */
		return;
	}
	rsg_id_text(&u->who, name);
	rsg__check_wrong(s->c, "person %s was added: no entry of the log made them", name);
}
