#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receipt/histories.h"
#include "receipt/report.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"
#include "segment/zone.h"

#define NOES	32	/* withdrawals remembered of one person: more is no news */

/* What one thread counts, and what it knows of the person it is at. */
struct counter {
	struct rsg_tally *tally;
	int64_t people;
	size_t nnoes;
	struct { uint16_t purpose; uint8_t status; int64_t time; } no[NOES];
	struct promise { struct rsg_benefit_event ev; } *promise;	/* open ones */
	size_t npromises, room;
};

struct counting {
	struct rsg_report *r;
	struct counter c[RSG_SCAN_THREADS_MAX];
	_Atomic int err;		/* of a call that can return none */
};

static enum rsg_err leave(struct counting *, unsigned thread);

static int32_t
month_of(const struct rsg_report *r, int64_t us)
{
	int y, m, d;

	rsg_clock_civil(rsg_zone_day(r->controller->zone, us), &y, &m, &d);
	return y * 12 + m - 1;
}

static bool
is_yes(unsigned status)
{
	return status == RSG_STATUS_GIVEN || status == RSG_STATUS_RENEWED;
}

static bool
is_no(unsigned status)
{
	return status == RSG_STATUS_WITHDRAWN || status == RSG_STATUS_OBJECTED;
}

static bool
within(const struct rsg_report *r, int64_t us)
{
	return us >= r->from && us < r->to;
}

/* --- What holds now --- */

/* A yes past its end is one no longer, whether or not somebody noted it. */
static enum rsg_err
count_grants(struct counting *k, unsigned thread, const struct rsg_headscan *h)
{
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < h->ngrants && e == RSG_OK; i++) {
		const struct rsg_grant *g = &h->grant[i];
		struct rsg_tally_key key;

		memset(&key, 0, sizeof(key));
		key.purpose = g->purpose;
		key.channel = g->channel;
		key.status = is_yes(g->status) && g->until != 0 && g->until <= k->r->now ?
		    RSG_STATUS_EXPIRED : g->status;
		e = rsg_tally_add(k->c[thread].tally, &key, 1, 0, 0);
	}
	return e;
}

bool
rsg_report_again(const struct rsg_report *r, const struct rsg_grant *g,
    enum rsg_status *why)
{
	bool yes = is_yes(g->status);

	if (!yes && g->status != RSG_STATUS_EXPIRED)
		return false;
	*why = RSG_STATUS_REQUESTED;
	if (rsg_policy_again(r->again, r->nagain, g->purpose, g->since, r->now))
		return true;
	*why = !yes || (g->until != 0 && g->until <= r->now) ? RSG_STATUS_EXPIRED :
	    RSG_STATUS_GIVEN;
	return !yes || (g->until != 0 && g->until < r->to);
}

/* By the month in which it ends. */
static enum rsg_err
count_again(struct counting *k, unsigned thread, const struct rsg_headscan *h)
{
	enum rsg_status why;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < h->ngrants && e == RSG_OK; i++) {
		const struct rsg_grant *g = &h->grant[i];
		struct rsg_tally_key key;

		if (!rsg_report_again(k->r, g, &why))
			continue;
		memset(&key, 0, sizeof(key));
		key.purpose = g->purpose;
		key.channel = g->channel;
		key.status = (uint8_t)why;
		if (g->until != 0 && why != RSG_STATUS_REQUESTED)
			key.month = month_of(k->r, g->until);
		e = rsg_tally_add(k->c[thread].tally, &key, 1, 0, 0);
	}
	return e;
}

static bool
want(struct counting *k, unsigned thread, const struct rsg_scanned *p,
    enum rsg_err (*count)(struct counting *, unsigned, const struct rsg_headscan *))
{
	enum rsg_err e = count(k, thread, p->head);

	k->c[thread].people++;
	if (e != RSG_OK)
		atomic_store(&k->err, (int)e);
	return false;		/* what they bought is nothing to a report */
}

static bool
want_grants(void *ctx, unsigned thread, const struct rsg_scanned *p)
{
	return want(ctx, thread, p, count_grants);
}

static bool
want_again(void *ctx, unsigned thread, const struct rsg_scanned *p)
{
	return want(ctx, thread, p, count_again);
}

/* --- What happened --- */

static enum rsg_err
person(void *ctx, unsigned thread, const struct rsg_subject *s)
{
	struct counting *k = ctx;

	(void)s;
	k->c[thread].people++;
	k->c[thread].nnoes = 0;
	return leave(k, thread);
}

static void
name_notice(const struct rsg_ledger_event *ev, char name[72])
{
	const struct rsg_part *p = &ev->part[RSG_PROOF_NOTICE],
	    *v = &ev->part[RSG_PROOF_NOTICE_VERSION];

	if (p->p == NULL || p->len > 60)
		return;
	if (v->p != NULL && v->len == 4)
		(void)snprintf(name, 72, "%.*s:%u", (int)p->len, (const char *)p->p,
		    rsg_get32(v->p));
	else
		memcpy(name, p->p, p->len);
}

static enum rsg_err
count_event(void *ctx, unsigned thread, uint32_t sequence,
    const struct rsg_ledger_event *ev)
{
	struct counting *k = ctx;
	struct rsg_tally_key key;

	(void)sequence;
	if (!within(k->r, ev->time))
		return RSG_OK;
	memset(&key, 0, sizeof(key));
	key.month = month_of(k->r, ev->time);
	key.purpose = ev->purpose;
	key.channel = (uint8_t)ev->channel;
	key.status = (uint8_t)ev->status;
	if (ev->part[RSG_PROOF_SOURCE].p != NULL)
		key.source = *(const uint8_t *)ev->part[RSG_PROOF_SOURCE].p;
	name_notice(ev, key.name);
	return rsg_tally_add(k->c[thread].tally, &key, 1, 0, 0);
}

static enum rsg_err
note_no(void *ctx, unsigned thread, uint32_t sequence, const struct rsg_ledger_event *ev)
{
	struct counting *k = ctx;
	struct counter *c = &k->c[thread];

	(void)sequence;
	if (!is_no(ev->status) || !within(k->r, ev->time) || c->nnoes == NOES)
		return RSG_OK;
	c->no[c->nnoes].purpose = ev->purpose;
	c->no[c->nnoes].status = (uint8_t)ev->status;
	c->no[c->nnoes++].time = ev->time;
	return RSG_OK;
}

static void
name_incentive(const struct rsg_benefit_event *ev, char name[72])
{
	(void)snprintf(name, 72, "%.60s:%u", ev->incentive, ev->version);
}

/* Something was delivered for a purpose, and the person said no to it after. */
static enum rsg_err
count_left(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	struct counting *k = ctx;
	const struct counter *c = &k->c[thread];
	struct rsg_tally_key key;

	if (ev->act != RSG_BENEFIT_DELIVERED)
		return RSG_OK;
	for (size_t i = 0; i < c->nnoes; i++) {
		if (c->no[i].purpose != ev->purpose || c->no[i].time < ev->time)
			continue;
		memset(&key, 0, sizeof(key));
		key.month = month_of(k->r, c->no[i].time);
		key.purpose = ev->purpose;
		key.status = c->no[i].status;
		name_incentive(ev, key.name);
		return rsg_tally_add(c->tally, &key, 1, ev->cost, 0);
	}
	return RSG_OK;
}

static int
by_name(const void *key, const void *v)
{
	return strcmp(key, ((const struct rsg_report_value *)v)->name);
}

/* What it cost, beside what the incentive says that the data is worth. */
static enum rsg_err
count_value(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	struct counting *k = ctx;
	const struct rsg_report_value *v;
	struct rsg_tally_key key;

	if (!within(k->r, ev->time) || ev->incentive[0] == '\0')
		return RSG_OK;
	memset(&key, 0, sizeof(key));
	key.month = month_of(k->r, ev->time);
	key.purpose = ev->purpose;
	key.status = (uint8_t)ev->act;
	name_incentive(ev, key.name);
	v = k->r->nvalues == 0 ? NULL : bsearch(key.name, k->r->value, k->r->nvalues,
	    sizeof(*v), by_name);
	return rsg_tally_add(k->c[thread].tally, &key, 1, ev->cost,
	    v != NULL && ev->act == RSG_BENEFIT_DELIVERED ? v->estimate : 0);
}

/* --- Promises --- */

static const char *const promises[RSG_PROMISE__MAX] = {
	[RSG_PROMISE_WAITING] = "waiting", [RSG_PROMISE_OVERDUE] = "overdue",
	[RSG_PROMISE_KEPT] = "kept", [RSG_PROMISE_LATE] = "late",
	[RSG_PROMISE_GONE] = "gone",
};

const char *
rsg_report_promise_name(unsigned how)
{
	return how > 0 && how < RSG_PROMISE__MAX ? promises[how] : "unknown";
}

/* In the month in which it was due. */
static enum rsg_err
tally_promise(struct counting *k, unsigned thread, const struct rsg_benefit_event *ev,
    enum rsg_report_promise how)
{
	struct rsg_tally_key key;

	if (!within(k->r, ev->due))
		return RSG_OK;
	memset(&key, 0, sizeof(key));
	key.month = month_of(k->r, ev->due);
	key.purpose = ev->purpose;
	key.status = (uint8_t)how;
	name_incentive(ev, key.name);
	return rsg_tally_add(k->c[thread].tally, &key, 1, ev->value, 0);
}

static struct promise *
promise_of(struct counter *c, const struct rsg_id *benefit)
{
	for (size_t i = 0; i < c->npromises; i++)
		if (rsg_id_eq(&c->promise[i].ev.benefit, benefit))
			return &c->promise[i];
	return NULL;
}

static enum rsg_err
remember(struct counter *c, const struct rsg_benefit_event *ev)
{
	struct promise *more;

	if (c->npromises == c->room) {
		/* Not realloc(): what is left behind has to be wiped. */
		if ((more = calloc(2 * c->room + 8, sizeof(*more))) == NULL)
			return RSG_NO_MEMORY;
		if (c->promise != NULL) {
			memcpy(more, c->promise, c->room * sizeof(*more));
			rsg_secret_wipe(c->promise, c->room * sizeof(*more));
		}
		free(c->promise);
		c->promise = more;
		c->room = 2 * c->room + 8;
	}
	c->promise[c->npromises++] = (struct promise){ *ev };
	return RSG_OK;
}

/* A promise is open until something follows it, or the person is gone by. */
static enum rsg_err
count_promise(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	struct counting *k = ctx;
	struct counter *c = &k->c[thread];
	enum rsg_report_promise how = RSG_PROMISE_GONE;
	struct rsg_benefit_event made;
	struct promise *p;

	if (ev->act == RSG_BENEFIT_PROMISED)
		return ev->due == 0 ? RSG_OK : remember(c, ev);
	if ((p = promise_of(c, &ev->benefit)) == NULL)
		return RSG_OK;
	if (ev->act == RSG_BENEFIT_DELIVERED)
		how = ev->time <= p->ev.due ? RSG_PROMISE_KEPT : RSG_PROMISE_LATE;
	made = p->ev;
	*p = c->promise[--c->npromises];
	return tally_promise(k, thread, &made, how);
}

/* What is still open of the person before. */
static enum rsg_err
leave(struct counting *k, unsigned thread)
{
	struct counter *c = &k->c[thread];
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < c->npromises && e == RSG_OK; i++)
		e = tally_promise(k, thread, &c->promise[i].ev,
		    c->promise[i].ev.due < k->r->now ? RSG_PROMISE_OVERDUE :
		    RSG_PROMISE_WAITING);
	c->npromises = 0;
	return e;
}

/* --- Running --- */

static enum rsg_err
begin(struct counting *k, struct rsg_report *r, struct rsg_snapshot **snapshot)
{
	enum rsg_err e = RSG_OK;

	memset(k, 0, sizeof(*k));
	k->r = r;
	for (size_t i = 0; i < RSG_SCAN_THREADS && e == RSG_OK; i++)
		e = rsg_tally_new(&k->c[i].tally);
	return e == RSG_OK ? rsg_snapshot_open(r->vault->conninfo, snapshot) : e;
}

static enum rsg_err
end(struct counting *k, struct rsg_snapshot *snapshot, enum rsg_err e)
{
	rsg_snapshot_close(snapshot);
	if (e == RSG_OK)
		e = (enum rsg_err)atomic_load(&k->err);
	for (unsigned i = 0; i < RSG_SCAN_THREADS; i++) {
		if (e == RSG_OK)
			e = leave(k, i);
		if (k->c[i].promise != NULL)
			rsg_secret_wipe(k->c[i].promise, k->c[i].room * sizeof(struct promise));
		free(k->c[i].promise);
		if (e == RSG_OK) {
			e = rsg_tally_merge(k->r->tally, k->c[i].tally);
			k->r->people += k->c[i].people;
		}
		rsg_tally_free(k->c[i].tally);
	}
	return e;
}

static enum rsg_err
by_header(struct rsg_report *r, bool (*wants)(void *, unsigned, const struct rsg_scanned *))
{
	struct rsg_snapshot *snapshot = NULL;
	struct counting k;
	enum rsg_err e = begin(&k, r, &snapshot);
	const struct rsg_scan_job job = { .want = wants, .ctx = &k,
	    .conninfo = r->vault->conninfo, .keys = r->vault->keys,
	    .controller = r->controller->number, .snapshot = snapshot };

	return end(&k, snapshot, e == RSG_OK ? rsg_scan_run(&job) : e);
}

static enum rsg_err
by_history(struct rsg_report *r, const struct rsg_histories_job *calls)
{
	struct rsg_histories_job job = *calls;
	struct rsg_snapshot *snapshot = NULL;
	struct counting k;
	enum rsg_err e = begin(&k, r, &snapshot);

	job.person = person;
	job.ctx = &k;
	job.conninfo = r->vault->conninfo;
	job.keys = r->vault->keys;
	job.controller = r->controller->number;
	job.snapshot = snapshot;
	return end(&k, snapshot, e == RSG_OK ? rsg_histories_run(&job) : e);
}

static enum rsg_err
run_consents(struct rsg_report *r)
{
	return by_header(r, want_grants);
}

static enum rsg_err
run_again(struct rsg_report *r)
{
	return by_header(r, want_again);
}

static enum rsg_err
run_events(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .consent = count_event });
}

static enum rsg_err
run_left(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .consent = note_no,
	    .benefit = count_left });
}

static enum rsg_err
run_value(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .benefit = count_value });
}

static enum rsg_err
run_promises(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .benefit = count_promise });
}

static const struct rsg_reportdef reports[] = {
	{ "consents", 0, 0, run_consents },
	{ "ask-again", 0, 90, run_again },
	{ "consent-history", 365, 0, run_events },
	{ "withdrawals", 365, 0, run_left },
	{ "value", 365, 0, run_value },
	{ "promises", 365, 365, run_promises },
};

const struct rsg_reportdef *
rsg_report_find(const char *name)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (strcmp(reports[i].name, name) == 0)
			return &reports[i];
	return NULL;
}
