#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "audit/health.h"
#include "ops/ops.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/auth.h"
#include "work/events.h"
#include "work/metrics.h"
#include "work/vault.h"
#include "work/worker.h"

#define WORKERS_MAX	16
#define SOLO_TRIES	3

struct thread {
	pthread_t id;
	struct rsg_pool *pool;
	struct rsg_worker w;
	enum rsg_lane lane;
	bool running;
};

struct rsg_pool {
	struct rsg_queue *queue;
	struct rsg_link *link;
	size_t n;
	struct thread thread[WORKERS_MAX];
};

void
rsg_worker_begin(struct rsg_worker *w)
{
	rsg_arena_reset(w->arena);
	w->now = rsg_clock_now();
	w->audit = NULL;
	pthread_rwlock_rdlock(&w->vault->lock);
	w->policy = w->vault->policy;
	w->notices = w->vault->notices;
	pthread_rwlock_unlock(&w->vault->lock);
}

void
rsg_worker_end(struct rsg_worker *w)
{
	w->audit = NULL;
	rsg_arena_reset(w->arena);
}

/* A denial stands in the log before it is told. */
static enum rsg_err
audit_denial(struct rsg_worker *w, struct rsg_call *c)
{
	rsg_db_rollback(w->db);
	w->audit = NULL;
	if (!c->audited || c->draft.decision == RSG_OK)
		return RSG_OK;
	return rsg_audit_commit(w, c);
}

static enum rsg_err
solo_once(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e, audit = RSG_OK;

	rsg_buf_reset(&c->out);
	memset(&c->draft, 0, sizeof(c->draft));
	c->audited = false;
	if ((e = rsg_db_ready(w->db)) != RSG_OK ||
	    (e = rsg_auth_resolve(w, &c, 1)) != RSG_OK || (e = c->status) != RSG_OK)
		return e;
	/* Seen before is not enough: the rows are read again now. */
	int again = rsg_auth_send(w, &c, 1);
	int policy = rsg_db_send(w->db, rsg_db_bind(w->db, RSG_SQL_POLICY_VERSION));

	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	if (rsg_vault_policy_stale(w, rsg_db_result(w->db, policy)))
		return RSG_CONFLICT;
	rsg_auth_confirm(w, again, &c, 1);
	if ((e = c->status) != RSG_OK || (e = rsg_db_commit(w->db)) != RSG_OK)
		return e;
	e = rsg_ops_get(c->op)->solo(w, c);
	if (e != RSG_OK && (audit = audit_denial(w, c)) != RSG_OK)
		e = audit;
	/* An entry is named only where it was committed. */
	if (e != RSG_OK && (audit != RSG_OK || c->draft.decision == RSG_OK))
		c->audited = false;
	return e;
}

static void
solo_serve(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e = RSG_CONFLICT;

	for (int i = 0; i < SOLO_TRIES && e == RSG_CONFLICT && c->status == RSG_OK; i++) {
		rsg_worker_begin(w);
		e = solo_once(w, c);
		rsg_worker_end(w);
	}
	if (e == RSG_OK)
		return;
	if (c->status != RSG_OK && e == c->status)
		return;			/* failed by the handler, with its member */
	rsg_call_fail(c, e == RSG_CONFLICT ? RSG_UNAVAILABLE : e, NULL, NULL);
}

static void
serve(struct thread *t, struct rsg_call **calls, size_t n)
{
	switch (rsg_ops_mode(calls[0])) {
	case RSG_MODE_READ:
	case RSG_MODE_WRITE:
		rsg_batch_serve(&t->w, calls, n);
		break;
	case RSG_MODE_EVENTS:
		rsg_events_serve(&t->w, calls, n);
		break;
	case RSG_MODE_SOLO:
		solo_serve(&t->w, calls[0]);
		break;
	case RSG_MODE_FREE:
		break;
	}
}

/*
 * A log that is too far behind closes the server: what cannot be shown to
 * anybody later is not done. Only health is still told. Those to be served
 * come first; returns how many.
 */
static size_t
admit(struct rsg_call **calls, size_t n)
{
	const char *clause = rsg_health_closed(rsg_clock_mono(), false);
	size_t open = 0;

	for (size_t i = 0; clause != NULL && i < n; i++) {
		struct rsg_call *c = calls[i];

		if (c->op != RSG_OP_READY && c->op != RSG_OP_STATUS) {
			rsg_call_reset(c);
			rsg_call_fail(c, RSG_UNAVAILABLE, NULL, clause);
			continue;
		}
		calls[i] = calls[open];
		calls[open++] = c;
	}
	return clause == NULL ? n : open;
}

static void *
work(void *arg)
{
	struct thread *t = arg;
	struct rsg_call *calls[RSG_BATCH_MAX];
	size_t n, open;

	while ((n = rsg_queue_take(t->pool->queue, t->lane, calls, RSG_BATCH_MAX)) > 0) {
		if ((open = admit(calls, n)) > 0)
			serve(t, calls, open);
		for (size_t i = 0; i < n; i++)
			rsg_metrics_call(calls[i]);
		rsg_link_answer(t->pool->link, calls, n);
	}
	return NULL;
}

static enum rsg_err
start(struct rsg_pool *p, struct rsg_vault *v, enum rsg_lane lane)
{
	struct thread *t = &p->thread[p->n];
	enum rsg_err e;

	t->pool = p;
	t->lane = lane;
	t->w.vault = v;
	if ((e = rsg_arena_new(RSG_ARENA_BYTES, &t->w.arena)) != RSG_OK)
		return e;
	if ((t->w.batch = calloc(1, sizeof(*t->w.batch))) == NULL)
		return RSG_NO_MEMORY;
	if ((e = rsg_db_open(v->conninfo, &t->w.db)) != RSG_OK)
		return e;
	if (pthread_create(&t->id, NULL, work, t) != 0)
		return RSG_NO_MEMORY;
	t->running = true;
	p->n++;
	return RSG_OK;
}

enum rsg_err
rsg_pool_start(struct rsg_vault *v, struct rsg_queue *q, struct rsg_link *l,
    const int workers[RSG_LANE__MAX], struct rsg_pool **out)
{
	struct rsg_pool *p = calloc(1, sizeof(*p));
	enum rsg_err e = RSG_OK;

	*out = p;
	if (p == NULL)
		return RSG_NO_MEMORY;
	p->queue = q;
	p->link = l;
	for (int lane = 0; lane < RSG_LANE__MAX; lane++)
		for (int i = 0; i < workers[lane] && p->n < WORKERS_MAX && e == RSG_OK; i++)
			e = start(p, v, (enum rsg_lane)lane);
	return e;
}

void
rsg_pool_join(struct rsg_pool *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct thread *t = &p->thread[i];

		if (t->running)
			pthread_join(t->id, NULL);
	}
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		rsg_db_close(p->thread[i].w.db);
		rsg_arena_free(p->thread[i].w.arena);
		free(p->thread[i].w.batch);
	}
	free(p);
}
