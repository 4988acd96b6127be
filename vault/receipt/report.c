#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consent/rules.h"
#include "receipt/histories.h"
#include "receipt/report_int.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"
#include "segment/profit.h"
#include "segment/zone.h"

int32_t
rsg__report_month(const struct rsg_report *r, int64_t us)
{
	int y, m, d;

	rsg_clock_civil(rsg_zone_day(r->controller->zone, us), &y, &m, &d);
	return y * 12 + m - 1;
}

bool
rsg__report_in(const struct rsg_report *r, int64_t us)
{
	return us >= r->from && us < r->to;
}

static bool
is_yes(unsigned status)
{
	return status == RSG_STATUS_GIVEN || status == RSG_STATUS_RENEWED;
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
	return rsg_rules_again(r->again, r->nagain, g, r->now, r->to, why);
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
			key.month = rsg__report_month(k->r, g->until);
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

	enum rsg_err e = rsg__report_leave(k, thread);

	(void)s;
	k->c[thread].people++;
	k->c[thread].nnoes = 0;
	return e;
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
	if (!rsg__report_in(k->r, ev->time))
		return RSG_OK;
	memset(&key, 0, sizeof(key));
	key.month = rsg__report_month(k->r, ev->time);
	key.purpose = ev->purpose;
	key.channel = (uint8_t)ev->channel;
	key.status = (uint8_t)ev->status;
	if (ev->part[RSG_PROOF_SOURCE].p != NULL)
		key.source = *(const uint8_t *)ev->part[RSG_PROOF_SOURCE].p;
	name_notice(ev, key.name);
	return rsg_tally_add(k->c[thread].tally, &key, 1, 0, 0);
}

/* --- What is left --- */

static bool
want_all(void *ctx, unsigned thread, const struct rsg_scanned *p)
{
	struct counting *k = ctx;

	(void)p;
	k->c[thread].people++;
	return true;
}

/* The person that a thread is at. */
struct left {
	struct counting *k;
	unsigned thread;
};

/* Each month by itself, and all of them. */
static enum rsg_err
count_month(void *ctx, int32_t month, const struct rsg_profit *p)
{
	const struct left *l = ctx;
	struct rsg_tally *t = l->k->c[l->thread].tally;
	struct rsg_tally_row row;
	enum rsg_err e;

	memset(&row, 0, sizeof(row));
	row.key.month = month;
	row.count = p->documents;
	row.given = p->given;
	row.net = rsg_profit_net(p, RSG_RETURNS_NET);
	row.goods = p->goods;
	row.who = l->k->c[l->thread].people;
	if ((e = rsg_tally_count(t, &row)) != RSG_OK)
		return e;
	row.key.month = 0;
	row.key.total = 2;
	return rsg_tally_count(t, &row);
}

/* Days are the shop's: one that `from` or `to` falls into counts whole. */
static enum rsg_err
count_profit(void *ctx, unsigned thread, const struct rsg_scanned *p)
{
	struct counting *k = ctx;
	const struct rsg_zone *zone = k->r->controller->zone;
	const struct rsg_profit_window w = { rsg_zone_day(zone, k->r->from),
	    rsg_zone_day(zone, k->r->to - 1), RSG_RETURNS_NET };
	struct left l = { .k = k, .thread = thread };

	return p->activity == NULL ? RSG_OK :
	    rsg_profit_months(p->activity, p->len, &w, count_month, &l);
}

int64_t
rsg_report_margin(const struct rsg_tally_row *row)
{
	/* In the same order as one person's, so that the same stays largest. */
	const struct rsg_profit p = { .gross = row->net, .goods = row->goods,
	    .given = row->given };

	return rsg_profit_margin(&p, RSG_RETURNS_GROSS);
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
			e = rsg__report_leave(k, i);
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
by_header(struct rsg_report *r, bool (*wants)(void *, unsigned, const struct rsg_scanned *),
    enum rsg_err (*row)(void *, unsigned, const struct rsg_scanned *))
{
	struct rsg_snapshot *snapshot = NULL;
	struct counting k;
	enum rsg_err e = begin(&k, r, &snapshot);
	const struct rsg_scan_job job = { .want = wants, .row = row, .ctx = &k,
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

	k.promises = calls->benefit == rsg__report_promise;
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
	return by_header(r, want_grants, NULL);
}

static enum rsg_err
run_again(struct rsg_report *r)
{
	return by_header(r, want_again, NULL);
}

static enum rsg_err
run_events(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .consent = count_event });
}

static enum rsg_err
run_left(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .consent = rsg__report_note_no,
	    .benefit = rsg__report_left });
}

static enum rsg_err
run_value(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .benefit = rsg__report_given });
}

static enum rsg_err
run_over(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .benefit = rsg__report_over });
}

static enum rsg_err
run_promises(struct rsg_report *r)
{
	return by_history(r, &(struct rsg_histories_job){ .benefit = rsg__report_promise });
}

static enum rsg_err
run_profit(struct rsg_report *r)
{
	return by_header(r, want_all, count_profit);
}

static const struct rsg_reportdef reports[] = {
	{ "consents", 0, 0, run_consents },
	{ "ask-again", 0, 90, run_again },
	{ "consent-history", 365, 0, run_events },
	{ "withdrawals", 365, 0, run_left },
	{ "value", 365, 0, run_value },
	{ "promises", 365, 365, run_promises },
	{ "profitability", 365, 0, run_profit },
	{ "over-limit", 365, 0, run_over },
};

const struct rsg_reportdef *
rsg_report_find(const char *name)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (strcmp(reports[i].name, name) == 0)
			return &reports[i];
	return NULL;
}
