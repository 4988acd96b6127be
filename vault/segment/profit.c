#include "segment/profit.h"

#include "resguardo/clock.h"
#include "segment/days.h"

#define MONTHS	12		/* in one year */

int64_t
rsg_profit_net(const struct rsg_profit *p, enum rsg_returns returns)
{
	int64_t net = p->gross;

	if (returns == RSG_RETURNS_GROSS)
		return net;
	net = rsg__days_sub(net, p->returned);
	return returns == RSG_RETURNS_NET_DEDUP ? rsg__days_sub(net, p->repeated) : net;
}

int64_t
rsg_profit_margin(const struct rsg_profit *p, enum rsg_returns returns)
{
	return rsg__days_sub(rsg__days_sub(rsg_profit_net(p, returns), p->goods),
	    p->given);
}

/* A day of messages alone brought nothing and cost nothing. */
static void
add(struct rsg_profit *p, const struct rsg_day *d)
{
	p->documents = rsg__days_add32(p->documents, d->documents);
	p->gross = rsg__days_add(p->gross, d->gross);
	p->returned = rsg__days_add(p->returned, d->returned);
	p->repeated = rsg__days_add(p->repeated, d->repeated);
	p->goods = rsg__days_add(p->goods, d->cost);
	p->given = rsg__days_add(p->given, d->given);
	p->any |= d->documents > 0 || d->gross != 0 || d->returned != 0 ||
	    d->repeated != 0 || d->cost != 0 || d->given != 0;
}

enum rsg_err
rsg_profit_sum(const uint8_t *activity, size_t len,
    const struct rsg_profit_window *w, struct rsg_profit *out)
{
	struct rsg_days d;
	struct rsg_day day;

	*out = (struct rsg_profit){ 0 };
	rsg__days_start(&d, activity, len);
	/* Newest first: past the window's first day nothing is in it. */
	while (rsg__days_next(&d, &day) && day.day >= w->from)
		if (day.day <= w->to)
			add(out, &day);
	return d.bad ? RSG_TAMPERED : RSG_OK;
}

/* The month of a day, and the first day of that month. */
static int32_t
month_of(int32_t day, int32_t *first)
{
	int year, month, mday;

	rsg_clock_civil(day, &year, &month, &mday);
	*first = day - mday + 1;
	return year * MONTHS + month - 1;
}

enum rsg_err
rsg_profit_months(const uint8_t *activity, size_t len,
    const struct rsg_profit_window *w, rsg_profit_month_fn *each, void *ctx)
{
	struct rsg_profit p = { 0 };
	enum rsg_err e = RSG_OK;
	int32_t month = 0, first = INT32_MAX;
	struct rsg_days d;
	struct rsg_day day;

	rsg__days_start(&d, activity, len);
	while (e == RSG_OK && rsg__days_next(&d, &day) && day.day >= w->from) {
		if (day.day > w->to)
			continue;
		if (day.day < first) {
			if (p.any)
				e = each(ctx, month, &p);
			p = (struct rsg_profit){ 0 };
			month = month_of(day.day, &first);
		}
		add(&p, &day);
	}
	if (e == RSG_OK && !d.bad && p.any)
		e = each(ctx, month, &p);
	return d.bad ? RSG_TAMPERED : e;
}
