/*
 * What you get: a person's benefits and points, and which promises are late.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "ops/benefits.h"
#include "ops/consents.h"
#include "ops/contacts.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "subject/money.h"
#include "work/metrics.h"
#include "work/vault.h"

#define LIMIT_DEFAULT	100
#define LIMIT_MAX	1000
#define GAUGE_AGE	(15 * RSG_US)

/* --- One person --- */

enum rsg_err
rsg_op_benefit_list_want(struct rsg_item *it)
{
	struct rsg_id id;
	uint16_t *purpose = rsg_arena_get(it->batch->w->arena, sizeof(*purpose));
	enum rsg_err e;

	if (purpose == NULL)
		return RSG_NO_MEMORY;
	it->scratch = purpose;
	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_call_purpose(it->batch->w, it->call, RSG_ACT_BENEFIT_READ,
	    purpose)) != RSG_OK || (e = rsg_want_subject(it, &id)) != RSG_OK)
		return e;
	rsg_bind_id(rsg_want_rows(it, RSG_SQL_BENEFIT_EVENTS), 0, &id);
	rsg_bind_int(rsg_want_rows(it, RSG_SQL_INCENTIVES), 0, it->call->actor.controller);
	return RSG_OK;
}

static enum rsg_err
begin(struct rsg_item *it, struct rsg_giving *g)
{
	struct rsg_answer answer;
	enum rsg_err e;

	memset(g, 0, sizeof(*g));
	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_BENEFIT_READ, *(uint16_t *)it->scratch,
	    NULL, 0, &answer)) != RSG_OK || (e = rsg_consent_gpc_read(it)) != RSG_OK)
		return e;
	return rsg_giving_begin(g, it->batch, it->call, it->subject,
	    rsg_item_rows(it, RSG_SQL_BENEFIT_EVENTS), NULL);
}

/* The title of the version that a benefit was given under, while it is known. */
static enum rsg_err
put_title(struct rsg_item *it, const struct rsg_giving *g, const struct rsg_benefit *b)
{
	const struct rsg_result *r = rsg_item_rows(it, RSG_SQL_INCENTIVES);
	struct rsg_incentive i;
	const uint8_t *name;
	size_t len;
	enum rsg_err e;

	for (int row = 0; r != NULL && row < rsg_result_rows(r); row++) {
		name = rsg_result_bytes(r, row, 2, &len);
		if (rsg_result_int(r, row, 1) != it->subject->controller ||
		    rsg_result_int(r, row, 3) != b->first.version ||
		    len != strlen(b->first.incentive) ||
		    memcmp(name, b->first.incentive, len) != 0)
			continue;
		e = rsg_incentive_row(it->batch->w->vault->keys, it->batch->w->policy,
		    g->controller->currency, r, row, &i);
		if (e != RSG_OK)
			return e;
		rsg_msg_text(&it->call->out, RSG_F_TITLE, i.title[rsg_call_language(it->call)]);
		rsg_incentive_free(&i);
		break;
	}
	return RSG_OK;
}

/* A code is for whoever holds it: the person alone reads it here. */
static void
put_code(struct rsg_item *it, const struct rsg_benefit *b)
{
	char code[RSG_BENEFIT_FORM];

	if (b->state != RSG_BENEFIT_DELIVERED || !rsg_giving_coded(b->first.kind) ||
	    !rsg_id_eq(&it->call->actor.subject, &it->subject->id))
		return;
	rsg_benefit_form(it->subject, b, code);
	rsg_msg_text(&it->call->out, RSG_F_CODE, code);
	rsg_secret_wipe(code, sizeof(code));
}

/* What it is worth, as its incentive said; points for purchases have no
 * value of their own. */
static void
put_worth(struct rsg_buf *out, const struct rsg_giving *g, int64_t value)
{
	char text[RSG_MONEY_TEXT];

	if (value == 0)
		return;
	rsg_money_text(value, g->controller->currency, text);
	rsg_msg_text(out, RSG_F_WORTH, text);
	rsg_msg_text(out, RSG_F_CURRENCY, g->controller->currency);
}

static enum rsg_err
put_benefit(struct rsg_item *it, const struct rsg_giving *g, const struct rsg_benefit *b)
{
	const struct rsg_policy *policy = it->batch->w->policy;
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, b->first.purpose);
	struct rsg_buf *out = &it->call->out;
	size_t mark = rsg_msg_open(out, RSG_F_BENEFITS);
	enum rsg_err e;

	rsg_msg_id(out, RSG_F_BENEFIT, &b->first.benefit);
	rsg_msg_text(out, RSG_F_KIND, rsg_incentive_kind_name(
	    (enum rsg_incentive_kind)b->first.kind));
	if (b->first.incentive[0] != '\0') {
		rsg_msg_text(out, RSG_F_INCENTIVE, b->first.incentive);
		rsg_msg_int(out, RSG_F_INCENTIVE_VERSION, b->first.version);
		if ((e = put_title(it, g, b)) != RSG_OK)
			return e;
	}
	rsg_msg_text(out, RSG_F_STATUS, rsg_benefit_act_name(b->state));
	rsg_msg_int(out, RSG_F_TIME, b->first.time);
	rsg_msg_int(out, RSG_F_SINCE, b->since);
	if (b->first.purpose != 0)
		rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (b->first.channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(b->first.channel));
	if (b->first.consent != 0)
		rsg_msg_int(out, RSG_F_CONSENT_SEQUENCE, b->first.consent);
	if (b->first.points != 0)
		rsg_msg_int(out, RSG_F_POINTS, b->first.points);
	put_code(it, b);
	if (b->state == RSG_BENEFIT_PROMISED && b->first.due != 0)
		rsg_msg_int(out, RSG_F_DUE, b->first.due);
	if (b->until != 0)
		rsg_msg_int(out, RSG_F_UNTIL, b->until);
	/* Of a delivery it is a code. */
	if (b->first.ref[0] != '\0' && b->first.act != RSG_BENEFIT_DELIVERED)
		rsg_msg_text(out, RSG_F_DOCUMENT, b->first.ref);
	if (b->flagged)
		rsg_msg_bool(out, RSG_F_FLAGGED, true);
	put_worth(out, g, b->first.value);
	if ((b->first.flags & RSG_BENEFIT_OVER) != 0)
		rsg_msg_bool(out, RSG_F_OVER_LIMIT, true);
	rsg_msg_close(out, mark);
	return RSG_OK;
}

/* Each benefit once, where its first event stands. */
enum rsg_err
rsg_op_benefit_list(struct rsg_item *it)
{
	struct rsg_benefit b;
	struct rsg_giving g;
	enum rsg_err e;

	if ((e = begin(it, &g)) == RSG_OK)
		rsg_msg_id(&it->call->out, RSG_F_SUBJECT, &it->subject->id);
	for (size_t i = 0; e == RSG_OK && i < g.all.n; i++)
		if (rsg_benefit_find(&g.all, &g.all.event[i].benefit, it->batch->w->now,
		    &b) == RSG_OK && b.first.sequence == g.all.event[i].sequence)
			e = put_benefit(it, &g, &b);
	rsg_giving_end(&g);
	return e != RSG_OK ? e : rsg_buf_err(&it->call->out);
}

/* --- Points --- */

/* What lapses together, soonest first: at most so many lines. */
#define LOTS_MAX	24

static void
put_lots(struct rsg_item *it, const struct rsg_giving *g, const struct rsg_points *p)
{
	const struct rsg_loyaltydef *l = rsg_policy_loyalty(it->batch->w->policy,
	    g->controller->name);
	int64_t warn = it->batch->w->now + (l == NULL || l->warn_days == 0 ? 30 :
	    l->warn_days) * RSG_DAY_US;
	struct rsg_buf *out = &it->call->out;
	size_t lines = 0, k;

	for (size_t i = 0; i < p->nlots && lines < LOTS_MAX; i = k) {
		int64_t points = 0;
		size_t mark;

		for (k = i; k < p->nlots && p->lot[k].until == p->lot[i].until; k++)
			points += p->lot[k].points;
		if (p->lot[i].until == 0)
			continue;
		mark = rsg_msg_open(out, RSG_F_LOTS);
		rsg_msg_int(out, RSG_F_POINTS, points);
		rsg_msg_int(out, RSG_F_UNTIL, p->lot[i].until);
		rsg_msg_bool(out, RSG_F_WARN, p->lot[i].until <= warn);
		rsg_msg_close(out, mark);
		lines++;
	}
}

static void
put_reward(struct rsg_item *it, const struct rsg_incentive *i, int64_t balance)
{
	struct rsg_buf *out = &it->call->out;
	int64_t have = balance < 0 ? 0 : balance < i->price ? balance : i->price;
	size_t mark = rsg_msg_open(out, RSG_F_REWARDS);
	char text[64];

	snprintf(text, sizeof(text), "%lld / %lld", (long long)have, (long long)i->price);
	rsg_msg_text(out, RSG_F_INCENTIVE, i->name);
	rsg_msg_text(out, RSG_F_TITLE, i->title[rsg_call_language(it->call)]);
	rsg_msg_int(out, RSG_F_PRICE, i->price);
	rsg_msg_int(out, RSG_F_MISSING, i->price - have);
	rsg_msg_text(out, RSG_F_PROGRESS, text);
	rsg_msg_close(out, mark);
}

static bool
superseded(const struct rsg_result *r, int row)
{
	const uint8_t *a, *b;
	size_t na, nb;

	/* Sorted by controller, name, version: the last of a name is in force. */
	if (row + 1 == rsg_result_rows(r) ||
	    rsg_result_int(r, row, 1) != rsg_result_int(r, row + 1, 1))
		return false;
	a = rsg_result_bytes(r, row, 2, &na);
	b = rsg_result_bytes(r, row + 1, 2, &nb);
	return na == nb && memcmp(a, b, na) == 0;
}

/* What points can be had for today, and how far it is. */
static enum rsg_err
put_rewards(struct rsg_item *it, const struct rsg_giving *g, int64_t balance)
{
	const struct rsg_result *r = rsg_item_rows(it, RSG_SQL_INCENTIVES);
	struct rsg_incentive i;
	enum rsg_err e;

	for (int row = 0; r != NULL && row < rsg_result_rows(r); row++) {
		if (rsg_result_int(r, row, 1) != it->subject->controller ||
		    superseded(r, row))
			continue;
		if ((e = rsg_incentive_row(it->batch->w->vault->keys, it->batch->w->policy,
		    g->controller->currency, r, row, &i)) != RSG_OK)
			return e;
		if (i.price > 0 && (i.from == 0 || g->today >= i.from) &&
		    (i.until == 0 || g->today <= i.until))
			put_reward(it, &i, balance);
		rsg_incentive_free(&i);
	}
	return RSG_OK;
}

enum rsg_err
rsg_op_points(struct rsg_item *it)
{
	struct rsg_buf *out = &it->call->out;
	struct rsg_points p = { 0 };
	struct rsg_giving g;
	enum rsg_err e;

	if ((e = begin(it, &g)) != RSG_OK ||
	    (e = rsg_points_compute(&g.all, it->batch->w->now, &p)) != RSG_OK)
		goto done;
	rsg_msg_id(out, RSG_F_SUBJECT, &it->subject->id);
	rsg_msg_int(out, RSG_F_BALANCE, p.balance);
	rsg_msg_int(out, RSG_F_PROMISED, p.promised);
	rsg_msg_int(out, RSG_F_EARNED, p.earned);
	rsg_msg_int(out, RSG_F_SPENT, p.spent);
	rsg_msg_int(out, RSG_F_EXPIRED, p.expired);
	rsg_msg_int(out, RSG_F_REVERSED, p.reversed);
	rsg_msg_int(out, RSG_F_DEDUCTED, p.deducted);
	put_lots(it, &g, &p);
	if ((e = put_rewards(it, &g, p.balance)) == RSG_OK)
		e = rsg_buf_err(out);
done:
	rsg_points_free(&p);
	rsg_giving_end(&g);
	return e;
}

/* --- Promises that are late --- */

static enum rsg_err
put_promises(struct rsg_worker *w, struct rsg_call *c, const struct rsg_result *r,
    int64_t limit)
{
	int rows = rsg_result_rows(r);
	struct rsg_id subject, benefit;

	for (int row = 0; row < rows; row++) {
		size_t mark = rsg_msg_open(&c->out, RSG_F_PROMISES);

		rsg_result_id(r, row, 0, &subject);
		rsg_result_id(r, row, 1, &benefit);
		rsg_msg_id(&c->out, RSG_F_SUBJECT, &subject);
		rsg_msg_id(&c->out, RSG_F_BENEFIT, &benefit);
		rsg_msg_int(&c->out, RSG_F_DUE, rsg_result_int(r, row, 2));
		rsg_msg_close(&c->out, mark);
	}
	if (rows == 0 || rows < limit)
		return RSG_OK;
	return rsg_due_put(w, c, "promises", rsg_result_int(r, rows - 1, 2), &benefit);
}

enum rsg_err
rsg_op_promises(struct rsg_worker *w, struct rsg_call *c)
{
	int64_t limit = rsg_msg_get_int(c->in, RSG_F_LIMIT, LIMIT_DEFAULT), due;
	struct rsg_answer answer;
	struct rsg_bind *b, *count;
	struct rsg_id after;
	uint16_t purpose;
	int rows, sum;
	enum rsg_err e;

	if (limit < 1 || limit > LIMIT_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "limit", NULL);
	/* About many people: nobody whose only reach is themselves gets past it. */
	if ((e = rsg_due_open(w, c, "promises", &due, &after)) != RSG_OK ||
	    (e = rsg_call_purpose(w, c, RSG_ACT_BENEFIT_READ, &purpose)) != RSG_OK ||
	    (e = rsg_call_allowed(w, c, RSG_ACT_BENEFIT_READ, purpose, NULL, 0, NULL,
	    &answer)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_PROMISES_OVERDUE);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_int(b, 1, w->now);
	rsg_bind_int(b, 2, due);
	rsg_bind_id(b, 3, &after);
	rsg_bind_int(b, 4, limit);
	count = rsg_db_bind(w->db, RSG_SQL_PROMISES_COUNT);
	rsg_bind_int(count, 0, c->actor.controller);
	rsg_bind_int(count, 1, w->now);
	rows = rsg_db_send(w->db, b);
	sum = rsg_db_send(w->db, count);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	rsg_msg_int(&c->out, RSG_F_OVERDUE, rsg_result_int(rsg_db_result(w->db, sum), 0, 0));
	rsg_msg_int(&c->out, RSG_F_WAITING, rsg_result_int(rsg_db_result(w->db, sum), 0, 1));
	if ((e = put_promises(w, c, rsg_db_result(w->db, rows), limit)) != RSG_OK ||
	    (e = rsg_buf_err(&c->out)) != RSG_OK)
		return e;
	return rsg_audit_commit(w, c);
}

/* --- The same as a gauge: whoever asks whether the server works keeps it --- */

static _Atomic int64_t gauged;

enum rsg_err
rsg_op_ready_want(struct rsg_item *it)
{
	int64_t now = rsg_clock_mono(), last = atomic_load(&gauged);

	if ((last == 0 || now - last > GAUGE_AGE) &&
	    atomic_compare_exchange_strong(&gauged, &last, now)) {
		struct rsg_bind *questions = rsg_want_rows(it, RSG_SQL_REQUESTS_GAUGE);

		rsg_bind_int(rsg_want_rows(it, RSG_SQL_PROMISES_GAUGE), 0,
		    it->batch->w->now);
		rsg_bind_int(questions, 0, RSG_QUESTION);
		rsg_bind_int(questions, 1, it->batch->w->now);
	}
	return RSG_OK;
}

enum rsg_err
rsg_op_ready_gauge(struct rsg_item *it)
{
	const struct rsg_result *r = rsg_item_rows(it, RSG_SQL_PROMISES_GAUGE);
	const struct rsg_result *q = rsg_item_rows(it, RSG_SQL_REQUESTS_GAUGE);

	if (r != NULL && rsg_result_rows(r) == 1 && q != NULL && rsg_result_rows(q) == 1)
		rsg_metrics_overdue(rsg_result_int(r, 0, 0), rsg_result_int(q, 0, 0));
	return rsg_op_ready(it);
}
