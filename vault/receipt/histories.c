#include <string.h>

#include "receipt/histories.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"
#include "subject/person.h"

#define TEXT_MAX	8192

/* As scan.def numbers them. */
enum { PERSON = -1, CONSENT = 0, BENEFIT = 1 };

/* Columns of the scans. */
enum { SUBJECT, CONTROLLER, VERSION, GENERATION, KIND, SEQUENCE, BYTES, HASH, ACTIVE };

/* One thread's person; in locked memory, for it holds their keys. */
struct seat {
	struct rsg_subject s;
	bool seated, skip;		/* skip: the keys are gone */
	struct rsg_history consent, benefit;
	struct rsg_ledger_event said;
	struct rsg_benefit_event given;
	uint8_t text[TEXT_MAX];
};

struct hall {
	const struct rsg_histories_job *job;
	struct seat *seat[RSG_SCAN_THREADS_MAX];
};

static enum rsg_err
tampered(const struct rsg_id *id)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "history",
	    "subject", RSG_LOG_ID, id, NULL);
	return RSG_TAMPERED;
}

/* The chains of the person who leaves have to end where the header says. */
static enum rsg_err
rise(const struct hall *h, struct seat *t)
{
	const struct rsg_history *b = &t->s.h.benefit;
	enum rsg_err e = RSG_OK;

	if (t->seated && !t->skip) {
		if (h->job->consent != NULL)
			e = rsg_ledger_ends(&t->s, &t->consent);
		if (e == RSG_OK && h->job->benefit != NULL && (b->count != t->benefit.count ||
		    memcmp(b->head, t->benefit.head, sizeof(b->head)) != 0))
			e = tampered(&t->s.id);
	}
	rsg_secret_wipe(t, sizeof(*t));
	return e;
}

static enum rsg_err
sit(struct hall *h, unsigned thread, struct seat *t, const struct rsg_scanrow *r)
{
	enum rsg_err e = rise(h, t);

	if (e != RSG_OK)
		return e;
	if (r->p[BYTES] == NULL || r->p[HASH] == NULL || r->len[VERSION] != 8 ||
	    r->len[GENERATION] != 4 || r->len[ACTIVE] != 4)
		return tampered((const struct rsg_id *)r->p[SUBJECT]);
	memcpy(t->s.id.b, r->p[SUBJECT], RSG_ID_LEN);
	t->s.controller = rsg_get32(r->p[CONTROLLER]);
	t->s.version = (int64_t)rsg_get64(r->p[VERSION]);
	t->s.generation = rsg_get32(r->p[GENERATION]);
	t->s.keyset = r->p[BYTES];
	t->s.nkeyset = r->len[BYTES];
	t->s.header = r->p[HASH];
	t->s.nheader = r->len[HASH];
	t->s.found = true;
	t->s.activity = rsg_get32(r->p[ACTIVE]) != 0 ? r->p[ACTIVE] : NULL;
	t->seated = true;
	if ((e = rsg_keyset_open(h->job->keys, t->s.controller, &t->s.id,
	    t->s.generation, t->s.keyset, t->s.nkeyset, &t->s.keys)) != RSG_OK)
		return e == RSG_TAMPERED ? tampered(&t->s.id) : e;
	t->skip = (t->s.keys.has & 1 << RSG_KEY_PROFILE) == 0;
	if (t->skip)
		return RSG_OK;
	e = rsg_person_open(h->job->keys, &t->s, h->job->controller);
	/* What was the row's goes with it. */
	t->s.keyset = t->s.header = t->s.activity = NULL;
	return e == RSG_OK ? h->job->person(h->job->ctx, thread, &t->s) : e;
}

static enum rsg_err
hear(struct hall *h, unsigned thread, struct seat *t, const struct rsg_scanrow *r)
{
	uint32_t sequence = rsg_get32(r->p[SEQUENCE]);
	enum rsg_err e;

	if (r->p[BYTES] == NULL || r->p[HASH] == NULL || r->len[BYTES] > sizeof(t->text))
		return tampered(&t->s.id);
	if ((int32_t)rsg_get32(r->p[KIND]) == BENEFIT) {
		if (sequence != t->benefit.count + 1)
			return tampered(&t->s.id);
		t->benefit.count++;
		e = rsg_benefit_row(&t->s, sequence, r->p[BYTES], r->len[BYTES],
		    t->benefit.head, &t->given);
		return e != RSG_OK ? e : h->job->benefit(h->job->ctx, thread, &t->given);
	}
	if ((e = rsg_ledger_follow(&t->s, &t->consent, sequence, r->p[BYTES],
	    r->len[BYTES], r->p[HASH], r->len[HASH])) != RSG_OK ||
	    (e = rsg_ledger_open(&t->s, sequence, r->p[BYTES], r->len[BYTES], t->text,
	    &t->said)) != RSG_OK)
		return e;
	return h->job->consent(h->job->ctx, thread, sequence, &t->said);
}

/* A person's rows stand together, the first with their keys. */
static enum rsg_err
take(void *ctx, unsigned thread, const struct rsg_scanrow *r)
{
	struct hall *h = ctx;
	struct seat *t = h->seat[thread];

	if (r->len[SUBJECT] != RSG_ID_LEN || r->len[CONTROLLER] != 4 ||
	    r->len[KIND] != 4 || r->len[SEQUENCE] != 4)
		return RSG_INTERNAL;
	if ((int32_t)rsg_get32(r->p[KIND]) == PERSON)
		return sit(h, thread, t, r);
	if (!t->seated || memcmp(t->s.id.b, r->p[SUBJECT], RSG_ID_LEN) != 0)
		return tampered((const struct rsg_id *)r->p[SUBJECT]);
	return t->skip ? RSG_OK : hear(h, thread, t, r);
}

enum rsg_err
rsg_histories_run(const struct rsg_histories_job *job)
{
	struct hall h = { .job = job };
	struct rsg_scan_job scan = { .ctx = &h, .conninfo = job->conninfo,
	    .keys = job->keys, .controller = job->controller,
	    .snapshot = job->snapshot, .raw = take, .scan = job->benefit == NULL ?
	    RSG_SCAN_SAID : job->consent == NULL ? RSG_SCAN_GIVEN : RSG_SCAN_HISTORIES };
	enum rsg_err e = RSG_OK, last;

	for (size_t i = 0; i < RSG_SCAN_THREADS && e == RSG_OK; i++)
		if ((h.seat[i] = rsg_secret_alloc(sizeof(struct seat))) == NULL)
			e = RSG_NO_MEMORY;
		else
			memset(h.seat[i], 0, sizeof(struct seat));
	if (e == RSG_OK)
		e = rsg_scan_run(&scan);
	for (size_t i = 0; i < RSG_SCAN_THREADS; i++) {
		last = h.seat[i] == NULL || e != RSG_OK ? RSG_OK : rise(&h, h.seat[i]);
		e = e == RSG_OK ? last : e;
		rsg_secret_free(h.seat[i]);
	}
	return e;
}
