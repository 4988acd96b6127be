#include "segment/population.h"

#include <string.h>

#include "consent/notice.h"
#include "consent/rules.h"
#include "resguardo/log.h"
#include "segment/release.h"
#include "segment/scratch.h"

/*
 * No row is smaller than its key set, and a block has 8,192 bytes: moved out
 * of line, a row still keeps over 120 of them.
 */
#define ROWS_PER_BLOCK	68

void
rsg_population_ask(const struct rsg_worker *w, const struct rsg_call *c,
    enum rsg_action action, uint16_t purpose, struct rsg_population *p)
{
	p->policy = w->policy;
	p->question = (struct rsg_question){ .role = c->actor.role,
	    .recipient = c->actor.recipient == 0 ? NULL : c->actor.recipient_name,
	    .action = action, .purpose = purpose, .staff = c->staff[0] != '\0',
	    .place = c->place[0] != '\0', .reason = c->reason[0] != '\0',
	    .now = w->now };
	p->question.again = rsg_notices_again(w->notices, c->actor.controller,
	    &p->question.nagain);
}

/* Is their yes to it to be asked for again? Not of who objects to it, or to what
 * it stands under: an objection is an answer. */
static bool
asked_again(const struct rsg_population *p, const struct rsg_standing *standing)
{
	const struct rsg_question *q = &p->question;
	const char *clause = rsg_policy_against(p->policy, p->ask->purpose,
	    (enum rsg_channel)p->ask->channel, standing, p->asked);
	enum rsg_status why;

	if (clause != NULL && strncmp(clause, "objection:", 10) == 0)
		return false;
	for (size_t i = 0; i < standing->ngrants; i++)
		if (standing->grant[i].purpose == p->ask->purpose &&
		    standing->grant[i].channel == p->ask->channel)
			return rsg_rules_again(q->again, q->nagain, &standing->grant[i],
			    p->asked, p->asked, &why);
	return false;
}

bool
rsg_population_may(const struct rsg_population *p, const struct rsg_headscan *h)
{
	struct rsg_standing standing = { .state = h->state, .grant = h->grant,
	    .ngrants = h->ngrants };
	struct rsg_question q = p->question;
	/* Asked a million times: not cleared before it is cleared. */
	struct rsg_answer a __attribute__((uninitialized));

	/* A rule may open restricted records to people; never to statistics. */
	if (h->state != RSG_STATE_ACTIVE)
		return false;
	q.standing = &standing;
	rsg_policy_decide(p->policy, &q, &a);
	return a.err == RSG_OK && (p->ask == NULL || asked_again(p, &standing));
}

static bool
want(void *ctx, unsigned thread, const struct rsg_scanned *s)
{
	(void)thread;
	return s->head->activity_version != 0 && rsg_population_may(ctx, s->head);
}

static enum rsg_err
row(void *ctx, unsigned thread, const struct rsg_scanned *s)
{
	struct rsg_population *p = ctx;
	enum rsg_err e;
	struct rsg_rfm rfm;

	if (rsg_rfm_measure(s->activity, s->len, &p->window, &rfm, &e))
		return p->each(p->ctx, thread, s, &rfm);
	if (e != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "activity", "subject", RSG_LOG_ID, &s->subject, NULL);
	return e;
}

enum rsg_err
rsg_population_scan(struct rsg_vault *v, uint32_t controller,
    const struct rsg_snapshot *snapshot, struct rsg_population *p)
{
	const struct rsg_scan_job job = { .want = want, .row = row, .ctx = p,
	    .conninfo = v->conninfo, .keys = v->keys, .controller = controller,
	    .snapshot = snapshot };

	return rsg_scan_run(&job);
}

/* All that is asked stands in the header: `each` is called where others only
 * say whether they want the rest. */
static bool
want_asked(void *ctx, unsigned thread, const struct rsg_scanned *s)
{
	struct rsg_population *p = ctx;
	enum rsg_err e;

	if (rsg_population_may(p, s->head) &&
	    (e = p->each(p->ctx, thread, s, NULL)) != RSG_OK)
		atomic_store(&p->err, (int)e);
	return false;
}

enum rsg_err
rsg_population_ask_scan(struct rsg_vault *v, uint32_t controller,
    const struct rsg_snapshot *snapshot, struct rsg_population *p)
{
	const struct rsg_scan_job job = { .want = want_asked, .row = row, .ctx = p,
	    .conninfo = v->conninfo, .keys = v->keys, .controller = controller,
	    .snapshot = snapshot };
	enum rsg_err e;

	atomic_store(&p->err, RSG_OK);
	e = rsg_scan_run(&job);
	return e != RSG_OK ? e : (enum rsg_err)atomic_load(&p->err);
}

enum rsg_err
rsg_gather_new(struct rsg_gather *g, size_t entry, const struct rsg_snapshot *s)
{
	g->entry = entry;
	g->cap = ((size_t)rsg_snapshot_blocks(s) + 1) * ROWS_PER_BLOCK;
	atomic_init(&g->n, 0);
	g->p = rsg_scratch_new(g->cap * entry);
	return g->p != NULL ? RSG_OK : RSG_NO_MEMORY;
}

void *
rsg_gather_take(struct rsg_gather *g)
{
	size_t i = atomic_fetch_add_explicit(&g->n, 1, memory_order_relaxed);

	if (i < g->cap)
		return g->p + i * g->entry;
	atomic_store(&g->n, g->cap);
	return NULL;
}

void
rsg_gather_free(struct rsg_gather *g)
{
	if (g->p == NULL)
		return;
	rsg_scratch_free(g->p, g->cap * g->entry, atomic_load(&g->n) * g->entry);
	g->p = NULL;
}
