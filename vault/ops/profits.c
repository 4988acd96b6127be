/*
 * What one person was given, and for those who may see it what is left of what
 * they bought. Two things that a policy allows apart: `benefit_read` shows what
 * was given and was worth, `profit_read` all the rest.
 */
#include <stdio.h>
#include <string.h>

#include "benefit/benefit.h"
#include "consent/notice.h"
#include "ops/consents.h"
#include "ops/ops.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "subject/money.h"
#include "work/vault.h"

#define DAYS_DEFAULT	365

struct request {
	uint16_t purpose;
	struct rsg_profit_window window;
};

/* What is the shop's own. */
static const enum rsg_field inner[] = { RSG_F_GROSS, RSG_F_RETURNED, RSG_F_NET,
	RSG_F_COST_GOODS, RSG_F_COST_BENEFITS, RSG_F_MARGIN };

enum rsg_err
rsg_op_profit_want(struct rsg_item *it)
{
	struct request *r = rsg_arena_get(it->batch->w->arena, sizeof(*r));
	struct rsg_call *c = it->call;
	const struct rsg_controller *k;
	int64_t to;
	struct rsg_id id;
	enum rsg_err e;

	if (r == NULL)
		return RSG_NO_MEMORY;
	it->scratch = r;
	if ((k = rsg_vault_controller(it->batch->w->vault, c->actor.controller)) == NULL)
		return RSG_UNAVAILABLE;
	to = rsg_msg_get_int(c->in, RSG_F_TO_DAY, rsg_zone_day(k->zone, it->batch->w->now));
	r->window.to = (int32_t)to;
	r->window.from = (int32_t)rsg_msg_get_int(c->in, RSG_F_FROM_DAY,
	    to - DAYS_DEFAULT < RSG_DAY_MIN ? RSG_DAY_MIN : to - DAYS_DEFAULT + 1);
	r->window.returns = RSG_RETURNS_NET;
	if (r->window.from > r->window.to)
		return rsg_call_fail(c, RSG_BAD_VALUE, "from", NULL);
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_call_purpose(it->batch->w, c, RSG_ACT_BENEFIT_READ,
	    &r->purpose)) != RSG_OK)
		return e;
	return rsg_want_subject(it, &id);
}

/* Would the policy show the margin to who asks? Nothing is noted: the entry
 * tells what was shown. */
static bool
may_see_margin(const struct rsg_item *it, uint16_t purpose, const char **clause)
{
	const struct rsg_call *c = it->call;
	const struct rsg_worker *w = it->batch->w;
	struct rsg_standing st = rsg_item_standing(it);
	struct rsg_question q = {
		.role = c->actor.role, .action = RSG_ACT_PROFIT_READ, .purpose = purpose,
		.recipient = c->actor.recipient == 0 ? NULL : c->actor.recipient_name,
		.standing = &st, .staff = c->staff[0] != '\0',
		.place = c->place[0] != '\0', .reason = c->reason[0] != '\0',
		.now = w->now,
	};
	struct rsg_answer answer;

	q.again = rsg_notices_again(w->notices, c->actor.controller, &q.nagain);
	rsg_policy_decide(w->policy, &q, &answer);
	*clause = answer.clause;
	return answer.err == RSG_OK;
}

static void
put_money(struct rsg_item *it, enum rsg_field f, int64_t minor)
{
	const struct rsg_controller *k = rsg_vault_controller(it->batch->w->vault,
	    it->subject->controller);
	char text[RSG_MONEY_TEXT];

	rsg_money_text(minor, k->currency, text);
	rsg_msg_text(&it->call->out, f, text);
}

static void
put_margin(struct rsg_item *it, const struct rsg_profit *p)
{
	const struct { enum rsg_field f; int64_t v; } figures[] = {
		{ RSG_F_GROSS, p->gross }, { RSG_F_RETURNED, p->returned },
		{ RSG_F_NET, rsg_profit_net(p, RSG_RETURNS_NET) },
		{ RSG_F_COST_GOODS, p->goods }, { RSG_F_COST_BENEFITS, p->given },
		{ RSG_F_MARGIN, rsg_profit_margin(p, RSG_RETURNS_NET) },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		put_money(it, figures[i].f, figures[i].v);
}

static void
put_withheld(struct rsg_item *it, const char *clause)
{
	struct rsg_buf *out = &it->call->out;
	size_t mark;

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		mark = rsg_msg_open(out, RSG_F_WITHHELD);
		rsg_msg_text(out, RSG_F_KEY, rsg_msg_field(inner[i])->json);
		rsg_msg_text(out, RSG_F_VALUE, clause);
		rsg_msg_close(out, mark);
	}
}

enum rsg_err
rsg_op_profit(struct rsg_item *it)
{
	const struct request *r = it->scratch;
	struct rsg_buf *out = &it->call->out;
	const struct rsg_controller *k;
	struct rsg_answer answer;
	struct rsg_profit p;
	const char *clause;
	bool margin;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK)
		return e;
	margin = may_see_margin(it, r->purpose, &clause);
	if ((e = rsg_item_allowed(it, margin ? RSG_ACT_PROFIT_READ : RSG_ACT_BENEFIT_READ,
	    r->purpose, NULL, 0, &answer)) != RSG_OK ||
	    (e = rsg_consent_gpc_read(it)) != RSG_OK ||
	    (e = rsg_benefit_profit(it->subject, &r->window, &p)) != RSG_OK)
		return e;
	if ((k = rsg_vault_controller(it->batch->w->vault, it->subject->controller)) == NULL)
		return RSG_UNAVAILABLE;
	rsg_msg_id(out, RSG_F_SUBJECT, &it->subject->id);
	rsg_msg_int(out, RSG_F_FROM_DAY, r->window.from);
	rsg_msg_int(out, RSG_F_TO_DAY, r->window.to);
	rsg_msg_text(out, RSG_F_CURRENCY, k->currency);
	put_money(it, RSG_F_WORTH, p.given);
	if (margin)
		put_margin(it, &p);
	else
		put_withheld(it, clause);
	return rsg_buf_err(out);
}
