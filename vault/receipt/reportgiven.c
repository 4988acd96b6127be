/*
 * reportgiven.c - what reports count of benefits: who said no after one, what
 * was given against what the data is worth, and which promises were kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receipt/report_int.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

static bool
is_no(unsigned status)
{
	return status == RSG_STATUS_WITHDRAWN || status == RSG_STATUS_OBJECTED;
}

/* A row of the person the thread is at. What only adds a cost to what was
 * counted makes nobody one more of its people. */
static enum rsg_err
tally(struct counting *k, unsigned thread, struct rsg_tally_row *row)
{
	row->who = row->count > 0 ? k->c[thread].people : 0;
	return rsg_tally_count(k->c[thread].tally, row);
}

/* The same in sum over the months: `keep` takes off the marks that the sum does
 * not tell apart. */
static enum rsg_err
tally_sum(struct counting *k, unsigned thread, struct rsg_tally_row *row,
    void (*keep)(struct rsg_tally_key *))
{
	row->key.month = 0;
	row->key.total = 1;
	keep(&row->key);
	return tally(k, thread, row);
}

static enum rsg_err
tally_all(struct counting *k, unsigned thread, struct rsg_tally_row *row)
{
	memset(&row->key, 0, sizeof(row->key));
	row->key.total = 2;
	return tally(k, thread, row);
}

/* --- Noes after a benefit --- */

enum rsg_err
rsg__report_note_no(void *ctx, unsigned thread, uint32_t sequence, const struct rsg_ledger_event *ev)
{
	struct counting *k = ctx;
	struct counter *c = &k->c[thread];

	(void)sequence;
	if (!is_no(ev->status) || !rsg__report_in(k->r, ev->time) || c->nnoes == NOES)
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

static const unsigned spans[] = { 1, 7, 30, 90, 365 };
#define SPANS	(sizeof(spans) / sizeof(spans[0]))

unsigned
rsg_report_within(unsigned number)
{
	return number > 0 && number <= SPANS ? spans[number - 1] : 0;
}

static uint8_t
span_of(int64_t us)
{
	for (size_t i = 0; i < SPANS; i++)
		if (us <= (int64_t)spans[i] * RSG_DAY_US)
			return (uint8_t)(i + 1);
	return 0;
}

/* The first no to what something was delivered for, after it was. */
static const struct no *
no_after(const struct counter *c, const struct rsg_benefit_event *given)
{
	for (size_t i = 0; i < c->nnoes; i++)
		if (c->no[i].purpose == given->purpose && c->no[i].time >= given->time)
			return &c->no[i];
	return NULL;
}

static void
by_incentive(struct rsg_tally_key *key)
{
	key->status = 0;
}

/*
 * Something was delivered for a purpose, and the person said no to it after.
 * What it had cost by then is what came with the delivery and what became of
 * it before the no.
 */
enum rsg_err
rsg__report_left(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	struct counting *k = ctx;
	struct counter *c = &k->c[thread];
	const bool delivered = ev->act == RSG_BENEFIT_DELIVERED;
	const struct promise *p = delivered ? NULL : promise_of(c, &ev->benefit);
	const struct rsg_benefit_event *given = p != NULL ? &p->ev : ev;
	struct rsg_tally_row row;
	const struct no *no;
	enum rsg_err e;

	if ((!delivered && p == NULL) || (no = no_after(c, given)) == NULL ||
	    ev->time > no->time)
		return RSG_OK;
	memset(&row, 0, sizeof(row));
	row.key.month = rsg__report_month(k->r, no->time);
	row.key.purpose = given->purpose;
	row.key.status = no->status;
	row.key.within = span_of(no->time - given->time);
	name_incentive(given, row.key.name);
	row.count = delivered ? 1 : 0;
	row.given = ev->cost;
	if ((e = tally(k, thread, &row)) != RSG_OK ||
	    (e = tally_sum(k, thread, &row, by_incentive)) != RSG_OK ||
	    (e = tally_all(k, thread, &row)) != RSG_OK)
		return e;
	return delivered ? remember(c, ev) : RSG_OK;
}

static int
by_name(const void *key, const void *v)
{
	return strcmp(key, ((const struct rsg_report_value *)v)->name);
}

const struct rsg_report_value *
rsg_report_value_of(const struct rsg_report *r, const char *name)
{
	return r->nvalues == 0 ? NULL : bsearch(name, r->value, r->nvalues,
	    sizeof(*r->value), by_name);
}

/*
 * What it cost, beside what the incentive says that the data is worth: once
 * for each that was delivered. In sum so many were delivered, to so many.
 */
enum rsg_err
rsg__report_given(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	struct counting *k = ctx;
	const struct rsg_report_value *v;
	struct rsg_tally_row row;
	enum rsg_err e;

	if (!rsg__report_in(k->r, ev->time) || ev->incentive[0] == '\0')
		return RSG_OK;
	memset(&row, 0, sizeof(row));
	row.key.month = rsg__report_month(k->r, ev->time);
	row.key.purpose = ev->purpose;
	row.key.status = (uint8_t)ev->act;
	name_incentive(ev, row.key.name);
	row.count = 1;
	row.given = ev->cost;
	v = rsg_report_value_of(k->r, row.key.name);
	/* A ratio is of incentives that have an estimate alone. */
	row.net = v != NULL && v->estimate > 0 ? ev->cost : 0;
	row.estimate = v != NULL && ev->act == RSG_BENEFIT_DELIVERED ? v->estimate : 0;
	if ((e = tally(k, thread, &row)) != RSG_OK)
		return e;
	row.count = ev->act == RSG_BENEFIT_DELIVERED ? 1 : 0;
	if ((e = tally_sum(k, thread, &row, by_incentive)) != RSG_OK)
		return e;
	return tally_all(k, thread, &row);
}

/* What came in beyond how often it is given, and what became of it. */
enum rsg_err
rsg__report_over(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
{
	return (ev->flags & RSG_BENEFIT_OVER) == 0 ? RSG_OK :
	    rsg__report_given(ctx, thread, ev);
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

static void
by_status(struct rsg_tally_key *key)
{
	key->purpose = 0;
	memset(key->name, 0, sizeof(key->name));
}

/* In the month in which it was due. */
static enum rsg_err
tally_promise(struct counting *k, unsigned thread, const struct rsg_benefit_event *ev,
    enum rsg_report_promise how)
{
	struct rsg_tally_row row;
	enum rsg_err e;

	if (!rsg__report_in(k->r, ev->due))
		return RSG_OK;
	memset(&row, 0, sizeof(row));
	row.key.month = rsg__report_month(k->r, ev->due);
	row.key.purpose = ev->purpose;
	row.key.status = (uint8_t)how;
	name_incentive(ev, row.key.name);
	row.count = 1;
	row.given = ev->value;
	if ((e = tally(k, thread, &row)) != RSG_OK)
		return e;
	return tally_sum(k, thread, &row, by_status);
}

/* A promise is open until something follows it, or the person is gone by. */
enum rsg_err
rsg__report_promise(void *ctx, unsigned thread, const struct rsg_benefit_event *ev)
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
enum rsg_err
rsg__report_leave(struct counting *k, unsigned thread)
{
	struct counter *c = &k->c[thread];
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; k->promises && i < c->npromises && e == RSG_OK; i++)
		e = tally_promise(k, thread, &c->promise[i].ev,
		    c->promise[i].ev.due < k->r->now ? RSG_PROMISE_OVERDUE :
		    RSG_PROMISE_WAITING);
	c->npromises = 0;
	return e;
}
