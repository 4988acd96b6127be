#include <string.h>

#include "receipt/histories.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"
#include "subject/person.h"

#define TEXT_MAX	8192

/* Columns of the scans. */
enum { SUBJECT, VERSION, GENERATION, KEYSET, HEADER, ACTIVE };	/* PEOPLE */
enum { OF, SEQUENCE, SEALED, HASH };				/* SAID, GIVEN */

/* One scan of a range; several of them side by side. */
struct stream {
	struct rsg_copy *copy;
	struct rsg_scanrow row;		/* the next */
	bool more;
};

/* One thread's person; in locked memory, for it holds their keys. */
struct seat {
	struct stream people, said, given;
	struct rsg_subject s;
	struct rsg_history consent, benefit;
	struct rsg_ledger_event word;
	struct rsg_benefit_event gift;
	uint8_t text[TEXT_MAX];
};

struct hall {
	const struct rsg_histories_job *job;
	int64_t blocks;
	struct seat *seat[RSG_SCAN_THREADS];
};

static enum rsg_err
tampered(const struct rsg_id *id)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "history",
	    "subject", RSG_LOG_ID, id, NULL);
	return RSG_TAMPERED;
}

/* --- Three scans side by side --- */

static enum rsg_err
next(struct stream *t)
{
	enum rsg_err e = rsg_copy_next(t->copy, &t->row);

	t->more = e == RSG_OK;
	if (t->more && t->row.len[0] != RSG_ID_LEN)
		return RSG_INTERNAL;
	return e == RSG_NOT_FOUND ? RSG_OK : e;
}

static enum rsg_err
begin(const struct rsg_histories_job *job, enum rsg_scan scan, int64_t first,
    int64_t end, struct stream *t)
{
	enum rsg_err e = t->copy != NULL ?
	    rsg_copy_again(t->copy, first, end, job->controller) :
	    rsg_copy_open(job->conninfo, rsg_snapshot_id(job->snapshot), scan, first,
	    end, job->controller, &t->copy);

	return e == RSG_OK ? next(t) : e;
}

/* Go on to the first row of this person; what stands before is of people whom
 * the scan does not see: another controller's, or such as have no keys. */
static enum rsg_err
go_to(struct stream *t, const struct rsg_id *id, bool *theirs)
{
	enum rsg_err e = RSG_OK;
	int cmp = 1;

	while (e == RSG_OK && t->more &&
	    (cmp = memcmp(t->row.p[OF], id->b, RSG_ID_LEN)) < 0)
		e = next(t);
	*theirs = e == RSG_OK && t->more && cmp == 0;
	if (*theirs && (t->row.len[SEQUENCE] != 4 || t->row.p[SEALED] == NULL ||
	    t->row.p[HASH] == NULL || t->row.len[SEALED] > TEXT_MAX))
		return tampered(id);
	return e;
}

/* --- One person --- */

/* RSG_NOT_FOUND: their keys are gone. */
static enum rsg_err
sit(const struct hall *h, struct seat *t)
{
	const struct rsg_scanrow *r = &t->people.row;
	struct rsg_subject *s = &t->s;
	enum rsg_err e;

	memset(s, 0, sizeof(*s));
	memset(&t->consent, 0, sizeof(t->consent));
	memset(&t->benefit, 0, sizeof(t->benefit));
	memcpy(s->id.b, r->p[SUBJECT], RSG_ID_LEN);
	if (r->p[KEYSET] == NULL || r->p[HEADER] == NULL || r->len[VERSION] != 8 ||
	    r->len[GENERATION] != 4 || r->len[ACTIVE] != 4)
		return tampered(&s->id);
	s->controller = h->job->controller;
	s->version = (int64_t)rsg_get64(r->p[VERSION]);
	s->generation = rsg_get32(r->p[GENERATION]);
	s->keyset = r->p[KEYSET];
	s->nkeyset = r->len[KEYSET];
	s->header = r->p[HEADER];
	s->nheader = r->len[HEADER];
	s->found = true;
	s->activity = rsg_get32(r->p[ACTIVE]) != 0 ? r->p[ACTIVE] : NULL;
	if ((e = rsg_keyset_open(h->job->keys, s->controller, &s->id, s->generation,
	    s->keyset, s->nkeyset, &s->keys)) != RSG_OK)
		return e == RSG_TAMPERED ? tampered(&s->id) : e;
	if ((s->keys.has & 1 << RSG_KEY_PROFILE) == 0)
		return RSG_NOT_FOUND;
	return rsg_person_open(h->job->keys, s, s->controller);
}

static enum rsg_err
hear(const struct hall *h, unsigned thread, struct seat *t)
{
	const struct rsg_scanrow *r = &t->said.row;
	uint32_t sequence = rsg_get32(r->p[SEQUENCE]);
	enum rsg_err e;

	if ((e = rsg_ledger_follow(&t->s, &t->consent, sequence, r->p[SEALED],
	    r->len[SEALED], r->p[HASH], r->len[HASH])) != RSG_OK ||
	    (e = rsg_ledger_open(&t->s, sequence, r->p[SEALED], r->len[SEALED], t->text,
	    &t->word)) != RSG_OK)
		return e;
	return h->job->consent(h->job->ctx, thread, sequence, &t->word);
}

static enum rsg_err
receive(const struct hall *h, unsigned thread, struct seat *t)
{
	const struct rsg_scanrow *r = &t->given.row;
	uint32_t sequence = rsg_get32(r->p[SEQUENCE]);
	enum rsg_err e;

	if (sequence != t->benefit.count + 1)
		return tampered(&t->s.id);
	t->benefit.count++;
	if ((e = rsg_benefit_row(&t->s, sequence, r->p[SEALED], r->len[SEALED],
	    t->benefit.head, &t->gift)) != RSG_OK)
		return e;
	return h->job->benefit(h->job->ctx, thread, &t->gift);
}

/* Each row of theirs, and then their chain has to end where the header says. */
static enum rsg_err
follow(const struct hall *h, unsigned thread, struct seat *t, uint64_t *rows)
{
	const struct rsg_history *b = &t->s.h.benefit;
	bool theirs;
	enum rsg_err e = h->job->person(h->job->ctx, thread, &t->s);

	while (e == RSG_OK && h->job->consent != NULL &&
	    (e = go_to(&t->said, &t->s.id, &theirs)) == RSG_OK && theirs) {
		++*rows;
		if ((e = hear(h, thread, t)) == RSG_OK)
			e = next(&t->said);
	}
	while (e == RSG_OK && h->job->benefit != NULL &&
	    (e = go_to(&t->given, &t->s.id, &theirs)) == RSG_OK && theirs) {
		++*rows;
		if ((e = receive(h, thread, t)) == RSG_OK)
			e = next(&t->given);
	}
	if (e == RSG_OK && h->job->consent != NULL)
		e = rsg_ledger_ends(&t->s, &t->consent);
	if (e == RSG_OK && h->job->benefit != NULL && (b->count != t->benefit.count ||
	    memcmp(b->head, t->benefit.head, sizeof(b->head)) != 0))
		e = tampered(&t->s.id);
	return e;
}

/* --- All of them --- */

/* Ids are random, so that a part of the table's length is as large a part of
 * all ids. */
static int64_t
ids(const struct hall *h, int64_t block)
{
	return (int64_t)((uint64_t)block * (uint64_t)RSG_SCAN_IDS / (uint64_t)h->blocks);
}

static enum rsg_err
take(void *ctx, struct rsg_ranges *ranges, unsigned thread, int64_t block,
    int64_t last)
{
	const struct hall *h = ctx;
	const struct rsg_histories_job *job = h->job;
	int64_t first = ids(h, block), end = ids(h, last);
	struct seat *t = h->seat[thread];
	uint64_t rows = 0;
	enum rsg_err e = begin(job, RSG_SCAN_PEOPLE, first, end, &t->people);

	if (e == RSG_OK && job->consent != NULL)
		e = begin(job, RSG_SCAN_SAID, first, end, &t->said);
	if (e == RSG_OK && job->benefit != NULL)
		e = begin(job, RSG_SCAN_GIVEN, first, end, &t->given);
	while (e == RSG_OK && t->people.more) {
		rows++;
		if ((e = sit(h, t)) == RSG_OK)
			e = follow(h, thread, t, &rows);
		if (e == RSG_OK || e == RSG_NOT_FOUND)
			e = next(&t->people);
		if (rows < 1024)
			continue;
		if (!rsg_ranges_went(ranges, rows))
			return e;
		rows = 0;
	}
	(void)rsg_ranges_went(ranges, rows);
	/* A connection is asked again only when it was read to its end. */
	while (e == RSG_OK && t->said.more)
		e = next(&t->said);
	while (e == RSG_OK && t->given.more)
		e = next(&t->given);
	return e;
}

enum rsg_err
rsg_histories_run(const struct rsg_histories_job *job)
{
	struct hall h = { .job = job, .blocks = rsg_snapshot_blocks(job->snapshot) };
	const struct rsg_ranges_job ranges = { .take = take, .ctx = &h,
	    .blocks = h.blocks };
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < RSG_SCAN_THREADS && e == RSG_OK; i++)
		if ((h.seat[i] = rsg_secret_alloc(sizeof(struct seat))) == NULL)
			e = RSG_NO_MEMORY;
		else
			memset(h.seat[i], 0, sizeof(struct seat));
	if (e == RSG_OK)
		e = rsg_ranges_run(&ranges);
	for (size_t i = 0; i < RSG_SCAN_THREADS; i++) {
		if (h.seat[i] == NULL)
			continue;
		rsg_copy_close(h.seat[i]->people.copy);
		rsg_copy_close(h.seat[i]->said.copy);
		rsg_copy_close(h.seat[i]->given.copy);
		rsg_secret_free(h.seat[i]);
	}
	return e;
}
