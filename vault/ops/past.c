#include "ops/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/consents.h"
#include "ops/guardians.h"
#include "subject/person.h"
#include "work/vault.h"

#define REFERENCE_MAX	128

static struct rsg_past *
past(const struct rsg_bulk *m)
{
	return m->own;
}

enum rsg_err
rsg_past_open(struct rsg_past *p, const struct rsg_bulkdef *def, struct rsg_worker *w,
    struct rsg_call *c)
{
	enum rsg_err e = rsg_bulk_open(&p->bulk, def, w, c, p);

	(void)rsg_msg_get_text(c->in, RSG_F_ORIGIN, p->origin, sizeof(p->origin));
	return e;
}

static void
forget(struct rsg_past *p)
{
	for (size_t i = 0; i < p->npeople; i++) {
		if (p->benefits)
			rsg_giving_end(&p->person[i].giving);
		if (p->person[i].word != NULL)
			rsg_secret_wipe(p->person[i].word,
			    p->person[i].room * sizeof(struct rsg_pastword));
		free(p->person[i].word);
	}
	memset(p->person, 0, p->npeople * sizeof(p->person[0]));
	p->npeople = 0;
}

void
rsg_past_close(struct rsg_past *p)
{
	forget(p);
	rsg_secret_wipe(p->line, sizeof(p->line));
	rsg_bulk_close(&p->bulk);
}

void
rsg_past_begin(struct rsg_bulk *m, size_t n)
{
	forget(past(m));
	memset(past(m)->line, 0, n * sizeof(past(m)->line[0]));
}

/* --- Whose a line is --- */

enum rsg_err
rsg_past_read(struct rsg_bulk *m, size_t at)
{
	struct rsg_fields line = m->line[at].group;
	struct rsg_pastline *l = &past(m)->line[at];
	const uint8_t *value, *record;
	size_t n, nrecord;
	struct rsg_part part;
	enum rsg_err e;

	if (!rsg_msg_get(line, RSG_F_LOOKUP_VALUE, &value, &n))
		return rsg_call_fail(m->c, RSG_MISSING_MEMBER, m->field->id, NULL);
	if (!rsg_msg_get(line, RSG_F_RECORD, &record, &nrecord) || nrecord == 0)
		return rsg_call_fail(m->c, RSG_MISSING_MEMBER, "record", NULL);
	if (nrecord > REFERENCE_MAX)
		return rsg_call_fail(m->c, RSG_TOO_LARGE, "record", NULL);
	if ((e = rsg_bulk_digest(m, m->field, value, n, l->person)) != RSG_OK)
		return rsg_call_fail(m->c, e, m->field->id, NULL);
	rsg_guardian_read(past(m), at);
	(void)snprintf(l->record, sizeof(l->record), "%s:%.*s", past(m)->origin,
	    (int)nrecord, (const char *)record);
	part = (struct rsg_part){ l->record, strlen(l->record) };
	rsg_blake2b(NULL, &part, 1, l->name);
	return RSG_OK;
}

static const uint8_t *
digest(struct rsg_bulk *m, size_t at)
{
	return past(m)->line[at].person;
}

/* Many lines may be about one person: they share a place. */
static enum rsg_err
seat(struct rsg_past *p, size_t at, const struct rsg_id *id)
{
	struct rsg_item *it = &p->bulk.w->batch->item[at];
	enum rsg_err e;

	for (size_t i = 0; i < p->npeople; i++)
		if (rsg_id_eq(&p->person[i].subject->id, id)) {
			it->subject = p->person[i].subject;
			p->line[at].who = &p->person[i];
			return RSG_OK;
		}
	if ((e = rsg_want_subject(it, id)) != RSG_OK)
		return e;
	p->person[p->npeople].subject = it->subject;
	p->line[at].who = &p->person[p->npeople++];
	return RSG_OK;
}

enum rsg_err
rsg_past_find(struct rsg_bulk *m, size_t n)
{
	static const enum rsg_sql histories[] = { RSG_SQL_CONSENT_EVENTS,
	    RSG_SQL_BENEFIT_EVENTS };
	struct rsg_past *p = past(m);
	uint16_t fields[3] = { m->field->number, rsg_consent_birth(m->w->policy), 0 };
	const struct rsg_result *r;
	struct rsg_id id;
	int speakers = rsg_guardians_seek(p, n);
	enum rsg_err e;

	if ((e = rsg_bulk_ids(m, n, digest, &r)) != RSG_OK)
		return e;
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t at = (size_t)rsg_result_int(r, row, 0) - 1;

		rsg_result_id(r, row, 1, &id);
		if (m->line[at].err == RSG_OK && (e = seat(p, at, &id)) != RSG_OK)
			return e;
	}
	rsg_guardians_ask(p, n, speakers);
	return rsg_bulk_people(m, fields, histories, p->benefits ? 2 : 1);
}

/* --- Who they are --- */

enum rsg_err
rsg_past_push(struct rsg_pastperson *who, const struct rsg_pastword *x)
{
	struct rsg_pastword *more;
	size_t room = who->room == 0 ? 16 : who->room * 2;

	if (who->nwords == who->room) {
		/* Not realloc(): what is left behind has to be wiped. */
		if ((more = calloc(room, sizeof(*more))) == NULL)
			return RSG_NO_MEMORY;
		if (who->word != NULL) {
			memcpy(more, who->word, who->nwords * sizeof(*more));
			rsg_secret_wipe(who->word, who->nwords * sizeof(*more));
		}
		free(who->word);
		who->word = more;
		who->room = room;
	}
	who->word[who->nwords++] = *x;
	return RSG_OK;
}

void
rsg_past_parts(const struct rsg_part part[RSG_PROOF__MAX], uint64_t out[RSG_PROOF__MAX])
{
	uint8_t digest[RSG_DIGEST_LEN];

	memset(out, 0, RSG_PROOF__MAX * sizeof(out[0]));
	for (size_t i = 0; i < RSG_PROOF__MAX; i++) {
		if (part[i].p == NULL || part[i].len == 0)
			continue;
		rsg_blake2b(NULL, &part[i], 1, digest);
		out[i] = rsg_get64(digest);
	}
}

static enum rsg_err
hear(struct rsg_pastperson *who, uint32_t sequence, const struct rsg_ledger_event *ev)
{
	const struct rsg_part *record = &ev->part[RSG_PROOF_RECORD],
	    *until = &ev->part[RSG_PROOF_UNTIL];
	struct rsg_pastword x = { .sequence = sequence, .purpose = ev->purpose,
	    .channel = (uint8_t)ev->channel, .status = (uint8_t)ev->status,
	    .time = ev->time };

	if (until->p != NULL)
		x.until = (int64_t)rsg_get64(until->p);
	if (record->p != NULL) {
		rsg_blake2b(NULL, record, 1, x.record);
		rsg_past_parts(ev->part, x.part);
	}
	return rsg_past_push(who, &x);
}

/* The whole chain, or nothing of it is believed. */
static enum rsg_err
hear_all(struct rsg_pastperson *who, const struct rsg_result *r)
{
	struct rsg_history seen = { 0 };
	struct rsg_ledger_event ev;
	uint8_t text[8192];
	struct rsg_id id;
	enum rsg_err e = RSG_OK;

	for (int row = 0; e == RSG_OK && row < rsg_result_rows(r); row++) {
		int64_t sequence = rsg_result_int(r, row, 1);
		const uint8_t *sealed, *hash;
		size_t len, nhash;

		rsg_result_id(r, row, 0, &id);
		if (!rsg_id_eq(&id, &who->subject->id))
			continue;
		sealed = rsg_result_bytes(r, row, 2, &len);
		hash = rsg_result_bytes(r, row, 3, &nhash);
		if (len > sizeof(text))
			e = RSG_TAMPERED;
		else if ((e = rsg_ledger_follow(who->subject, &seen, sequence, sealed,
		    len, hash, nhash)) == RSG_OK && (e = rsg_ledger_open(who->subject,
		    (uint32_t)sequence, sealed, len, text, &ev)) == RSG_OK)
			e = hear(who, (uint32_t)sequence, &ev);
	}
	rsg_secret_wipe(text, sizeof(text));
	return e == RSG_OK ? rsg_ledger_ends(who->subject, &seen) : e;
}

/* Before any line of theirs has added to it. */
static enum rsg_err
open_person(struct rsg_past *p, size_t at, struct rsg_pastperson *who)
{
	struct rsg_worker *w = p->bulk.w;
	struct rsg_item *it = &w->batch->item[at];
	struct rsg_value v;
	enum rsg_err e;

	if ((e = rsg_person_open(w->vault->keys, who->subject, p->bulk.k->number)) != RSG_OK ||
	    (e = rsg_item_value(it, p->bulk.field->number, &v)) != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_TAMPERED : e;
	/* The index is believed only where the sealed value agrees. */
	if (!rsg_bulk_same(&p->bulk, p->line[at].person, v.text, v.len))
		return RSG_TAMPERED;
	if ((e = hear_all(who, rsg_item_rows(it, RSG_SQL_CONSENT_EVENTS))) != RSG_OK ||
	    !p->benefits)
		return e;
	return rsg_giving_begin(&who->giving, w->batch, p->bulk.c, who->subject,
	    rsg_item_rows(it, RSG_SQL_BENEFIT_EVENTS), NULL);
}

enum rsg_err
rsg_past_person(struct rsg_past *p, size_t at, struct rsg_pastperson **out)
{
	struct rsg_pastperson *who = p->line[at].who;

	*out = who;
	/* Nobody is made here: what somebody said is no reason to know them. */
	if (who == NULL)
		return rsg_call_fail(p->bulk.c, RSG_NOT_FOUND, p->bulk.field->id, NULL);
	if (!who->opened) {
		who->opened = true;
		who->err = open_person(p, at, who);
	}
	return who->err;
}

/* --- What they had said --- */

const struct rsg_pastword *
rsg_past_known(const struct rsg_pastperson *who, const uint8_t name[RSG_DIGEST_LEN])
{
	for (size_t i = 0; i < who->nwords; i++)
		if (memcmp(who->word[i].record, name, RSG_DIGEST_LEN) == 0)
			return &who->word[i];
	return NULL;
}

/* In the order in which it was said, whatever order it was brought in. */
static const struct rsg_pastword *
next_word(const struct rsg_pastperson *who, const struct rsg_pastword *last, int64_t when)
{
	const struct rsg_pastword *next = NULL;

	for (size_t i = 0; i < who->nwords; i++) {
		const struct rsg_pastword *x = &who->word[i];

		if (x->time > when || (last != NULL && (x->time < last->time ||
		    (x->time == last->time && x->sequence <= last->sequence))))
			continue;
		if (next == NULL || x->time < next->time ||
		    (x->time == next->time && x->sequence < next->sequence))
			next = x;
	}
	return next;
}

const char *
rsg_past_against(const struct rsg_past *p, const struct rsg_pastperson *who,
    uint16_t purpose, enum rsg_channel channel, int64_t when, uint32_t *sequence)
{
	const struct rsg_policy *policy = p->bulk.w->policy;
	struct rsg_header h = { .state = RSG_STATE_ACTIVE };
	struct rsg_standing st = { .state = RSG_STATE_ACTIVE, .grant = h.grant };
	const struct rsg_pastword *x = NULL;
	struct rsg_said said;

	*sequence = 0;
	while ((x = next_word(who, x, when)) != NULL) {
		const struct rsg_consent ev = { .status = (enum rsg_status)x->status,
		    .purpose = x->purpose, .channel = (enum rsg_channel)x->channel,
		    .time = x->time, .until = x->until, .dated = true };

		/* What did not count then does not count now. */
		if (rsg_rules_apply(policy, &h, &ev, &said) == RSG_OK &&
		    rsg_rules_yes(ev.status) && x->purpose == purpose &&
		    (channel == RSG_CHANNEL_NONE || x->channel == channel))
			*sequence = x->sequence;
	}
	st.ngrants = h.ngrants;
	return rsg_policy_against(policy, purpose, channel, &st, when);
}
