/*
 * The rules of giving: who may have what, when, and what can be taken back.
 */
#include <stdio.h>
#include <string.h>

#include "consent/ledger.h"
#include "ops/benefits.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "work/vault.h"

/* A refusal of ours, after the policy had allowed: audited as one all the same. */
static enum rsg_err
refuse(struct rsg_giving *g, enum rsg_err e, const char *member, const char *clause)
{
	g->call->draft.decision = e;
	snprintf(g->call->draft.clause, sizeof(g->call->draft.clause), "%s",
	    clause == NULL ? rsg_err_id(e) : clause);
	return rsg_call_fail(g->call, e, member, clause);
}

enum rsg_err
rsg_giving_begin(struct rsg_giving *g, struct rsg_batch *b, struct rsg_call *c,
    struct rsg_subject *s, const struct rsg_result *benefits,
    const struct rsg_result *consents)
{
	memset(g, 0, sizeof(*g));
	g->batch = b;
	g->call = c;
	g->subject = s;
	g->consents = consents;
	g->controller = rsg_vault_controller(b->w->vault, s->controller);
	if (g->controller == NULL)
		return RSG_UNAVAILABLE;
	g->today = rsg_zone_day(g->controller->zone, b->w->now);
	return rsg_benefit_open(s, benefits, &g->all);
}

void
rsg_giving_end(struct rsg_giving *g)
{
	rsg_benefit_free(&g->all);
}

bool
rsg_giving_coded(uint8_t kind)
{
	return kind == RSG_INCENTIVE_COUPON || kind == RSG_INCENTIVE_DISCOUNT ||
	    kind == RSG_INCENTIVE_GIFT || kind == RSG_INCENTIVE_CONTENT;
}

bool
rsg_giving_later(uint8_t kind)
{
	return kind == RSG_INCENTIVE_COUPON || kind == RSG_INCENTIVE_DISCOUNT;
}

/* --- Consent --- */

static const char *
against(const struct rsg_giving *g, uint16_t purpose, uint8_t channel)
{
	const struct rsg_header *h = &g->subject->h;
	struct rsg_standing st = { .state = h->state, .grant = h->grant,
	    .ngrants = h->ngrants };

	return rsg_policy_against(g->batch->w->policy, purpose,
	    (enum rsg_channel)channel, &st, g->batch->w->now);
}

/*
 * The consent event that a benefit is for: the last yes to its purpose, or the
 * one that the caller names, if that is one. The whole chain is verified.
 */
static enum rsg_err
find_consent(struct rsg_giving *g, uint16_t purpose, uint8_t channel, uint32_t *found)
{
	int64_t named = rsg_msg_get_int(g->call->in, RSG_F_CONSENT_SEQUENCE, 0);
	const struct rsg_result *r = g->consents;
	struct rsg_history seen = { 0 };
	struct rsg_ledger_event ev;
	const uint8_t *sealed, *hash;
	size_t len, nhash;
	struct rsg_id id;
	uint8_t *text;
	enum rsg_err e;

	*found = 0;
	for (int row = 0; r != NULL && row < rsg_result_rows(r); row++) {
		int64_t sequence = rsg_result_int(r, row, 1);

		rsg_result_id(r, row, 0, &id);
		if (!rsg_id_eq(&id, &g->subject->id))
			continue;
		sealed = rsg_result_bytes(r, row, 2, &len);
		hash = rsg_result_bytes(r, row, 3, &nhash);
		if ((text = rsg_arena_get(g->batch->w->arena, len)) == NULL)
			return RSG_NO_MEMORY;
		if ((e = rsg_ledger_follow(g->subject, &seen, sequence, sealed, len,
		    hash, nhash)) != RSG_OK || (e = rsg_ledger_open(g->subject,
		    (uint32_t)sequence, sealed, len, text, &ev)) != RSG_OK)
			return e;
		if (ev.purpose == purpose && rsg_rules_yes(ev.status) &&
		    (channel == RSG_CHANNEL_NONE || ev.channel == channel) &&
		    (named == 0 || named == sequence))
			*found = (uint32_t)sequence;
	}
	return rsg_ledger_ends(g->subject, &seen);
}

/* A sequence that is named has to be a yes to this. */
static enum rsg_err
check_named(struct rsg_giving *g, uint32_t sequence)
{
	return sequence == 0 && rsg_msg_has(g->call->in, RSG_F_CONSENT_SEQUENCE) ?
	    refuse(g, RSG_BAD_VALUE, "consent_sequence", NULL) : RSG_OK;
}

/* No benefit for a consent that was refused or withdrawn, or never given. */
static enum rsg_err
check_consent(struct rsg_giving *g, uint16_t purpose, uint8_t channel, uint32_t *sequence)
{
	const struct rsg_purposedef *p =
	    rsg_policy_purpose_no(g->batch->w->policy, purpose);
	const char *clause = against(g, purpose, channel);
	enum rsg_err e;

	if (clause != NULL)
		return refuse(g, RSG_NO_CONSENT, "purpose", clause);
	if ((e = find_consent(g, purpose, channel, sequence)) != RSG_OK)
		return e;
	/* What the contract gives needs no yes. */
	if (*sequence == 0 && p != NULL && p->needs_consent)
		return refuse(g, RSG_BAD_VALUE, "consent_sequence", NULL);
	return check_named(g, *sequence);
}

/*
 * What points buy was given with the points. Whoever agreed once may still have
 * it, or a withdrawal would take the points back by another name.
 */
static enum rsg_err
check_paid(struct rsg_giving *g, uint16_t purpose, uint8_t channel, uint32_t *sequence)
{
	const char *clause = against(g, purpose, channel);
	enum rsg_err e;

	if ((e = find_consent(g, purpose, channel, sequence)) != RSG_OK ||
	    (e = check_named(g, *sequence)) != RSG_OK)
		return e;
	if (clause != NULL && *sequence == 0)
		return refuse(g, RSG_NO_CONSENT, "purpose", clause);
	if (clause != NULL)
		*sequence = 0;		/* not for that yes, which is gone */
	return RSG_OK;
}

/* --- Writing --- */

static enum rsg_err
append(struct rsg_giving *g, struct rsg_benefit_event *ev)
{
	struct rsg_worker *w = g->batch->w;
	struct rsg_benefit_day d = { .day = g->today, .cost = ev->cost };
	enum rsg_err e;

	ev->time = w->now;
	e = rsg_benefit_append(rsg_stage(g->batch, RSG_SQL_BENEFIT_INSERT), g->call,
	    g->subject, w->now, ev);
	if (e == RSG_OK && ev->cost != 0)
		e = rsg_benefit_activity(w->arena, g->subject, &d);
	/* The reply reads the history as it is now: there is room for one more. */
	if (e == RSG_OK)
		e = rsg_benefit_push(&g->all, ev);
	return e;
}

/* Write down what lapsed since somebody last wrote: once each. */
static enum rsg_err
settle(struct rsg_giving *g)
{
	size_t n = g->all.n;
	struct rsg_benefit b;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < n && e == RSG_OK; i++) {
		struct rsg_benefit_event ev = g->all.event[i];

		if ((ev.act != RSG_BENEFIT_DELIVERED && ev.act != RSG_BENEFIT_EARNED) ||
		    ev.until == 0 || ev.until > g->batch->w->now)
			continue;
		/* Asked as of its own day: what lapsed is still standing then. */
		if (rsg_benefit_find(&g->all, &ev.benefit, ev.until - 1, &b) != RSG_OK ||
		    !rsg_benefit_follows(b.state, RSG_BENEFIT_EXPIRED))
			continue;
		ev.act = RSG_BENEFIT_EXPIRED;
		ev.cost = 0;
		ev.due = 0;
		ev.ref[0] = '\0';
		e = append(g, &ev);
	}
	return e;
}

static enum rsg_err
stage_code(struct rsg_giving *g, const struct rsg_benefit_event *ev)
{
	char code[RSG_BENEFIT_CODE], form[RSG_BENEFIT_FORM];
	uint8_t digest[RSG_DIGEST_LEN];
	struct rsg_bind *q;
	enum rsg_err e;

	if (!rsg_giving_coded(ev->kind))
		return RSG_OK;
	rsg_benefit_code(g->subject, &ev->benefit, code);
	if ((e = rsg_benefit_digest(g->batch->w->vault->keys, g->subject->controller,
	    code, strlen(code), form, digest)) != RSG_OK)
		return e;
	q = rsg_stage(g->batch, RSG_SQL_CODE_INSERT);
	rsg_bind_int(q, 0, g->subject->controller);
	rsg_bind_bytes(q, 1, digest, sizeof(digest));
	rsg_bind_id(q, 2, &g->subject->id);
	rsg_bind_id(q, 3, &ev->benefit);
	return RSG_OK;
}

static void
end_promise(struct rsg_giving *g, const struct rsg_id *benefit)
{
	struct rsg_bind *q = rsg_stage(g->batch, RSG_SQL_PROMISE_DELETE);

	rsg_bind_id(q, 0, &g->subject->id);
	rsg_bind_id(q, 1, benefit);
}

static enum rsg_err
hand_over(struct rsg_giving *g, struct rsg_benefit_event *ev, bool paid)
{
	int64_t now = g->batch->w->now;

	ev->act = RSG_BENEFIT_DELIVERED;
	ev->due = 0;
	ev->until = ev->valid_days == 0 ? 0 : now + ev->valid_days * RSG_DAY_US;
	/* What was bought with points was paid for when those were given. */
	ev->cost = paid || rsg_giving_later(ev->kind) ? 0 : ev->value;
	return append(g, ev);
}

/* --- Promise and deliver --- */

void
rsg_giving_terms(const struct rsg_incentive *i, struct rsg_benefit_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->benefit = rsg_id_new();
	ev->purpose = i->purpose;
	ev->channel = i->channel;
	ev->kind = (uint8_t)i->kind;
	ev->version = i->version;
	ev->points = i->points;
	ev->value = i->value;
	ev->valid_days = i->valid_days;
	ev->flags = i->takes_back ? RSG_BENEFIT_TAKES_BACK : 0;
	snprintf(ev->incentive, sizeof(ev->incentive), "%s", i->name);
}

/* Is it offered today, here, and to somebody who had it as often as this? */
static enum rsg_err
check_offer(struct rsg_giving *g, const struct rsg_incentive *i)
{
	const struct rsg_lawdef *law = rsg_policy_law(g->batch->w->policy,
	    g->subject->h.jurisdiction);
	int64_t from = rsg_incentive_period(i->per, g->today);
	int64_t since = i->per == RSG_PER_EVER ? INT64_MIN :
	    rsg_zone_instant(g->controller->zone, from, 0);

	if ((i->from != 0 && g->today < i->from) || (i->until != 0 && g->today > i->until))
		return refuse(g, RSG_INCENTIVE_UNFIT, "incentive", "incentive:dates");
	if (law != NULL && law->estimate_required && i->estimate == NULL)
		return refuse(g, RSG_INCENTIVE_UNFIT, "incentive", "incentive:estimate");
	if (i->times != 0 && rsg_benefit_count(&g->all, i->name, since, INT64_MAX) >=
	    i->times)
		return refuse(g, RSG_INCENTIVE_UNFIT, "incentive", "incentive:recurrence");
	return RSG_OK;
}

enum rsg_err
rsg_giving_offer(struct rsg_giving *g, const struct rsg_incentive *i, bool deliver,
    struct rsg_id *id)
{
	struct rsg_benefit_event ev;
	struct rsg_bind *q;
	enum rsg_err e;

	rsg_giving_terms(i, &ev);
	*id = ev.benefit;
	/* What is sold for points is not given away. */
	if (i->price > 0)
		return refuse(g, RSG_INCENTIVE_UNFIT, "incentive", "incentive:price");
	if ((e = check_consent(g, ev.purpose, ev.channel, &ev.consent)) != RSG_OK ||
	    (e = check_offer(g, i)) != RSG_OK || (e = settle(g)) != RSG_OK)
		return e;
	if (deliver)
		return (e = stage_code(g, &ev)) != RSG_OK ? e : hand_over(g, &ev, false);
	ev.act = RSG_BENEFIT_PROMISED;
	ev.due = g->batch->w->now + i->deliver_days * RSG_DAY_US;
	q = rsg_stage(g->batch, RSG_SQL_PROMISE_INSERT);
	rsg_bind_id(q, 0, &g->subject->id);
	rsg_bind_id(q, 1, &ev.benefit);
	rsg_bind_int(q, 2, g->subject->controller);
	rsg_bind_int(q, 3, ev.due);
	return append(g, &ev);
}

/* The benefit, in a state that `act` can follow. */
static enum rsg_err
find(struct rsg_giving *g, const struct rsg_id *id, enum rsg_benefit_act act,
    struct rsg_benefit *b)
{
	if (rsg_benefit_find(&g->all, id, g->batch->w->now, b) != RSG_OK)
		return refuse(g, RSG_NOT_FOUND, "benefit", NULL);
	if (!rsg_benefit_follows(b->state, act))
		return refuse(g, RSG_BENEFIT_STATE, "benefit",
		    rsg_benefit_act_name(b->state));
	return RSG_OK;
}

enum rsg_err
rsg_giving_deliver(struct rsg_giving *g, const struct rsg_id *id)
{
	struct rsg_benefit_event ev;
	struct rsg_benefit b;
	uint32_t sequence;
	enum rsg_err e;

	if ((e = find(g, id, RSG_BENEFIT_DELIVERED, &b)) != RSG_OK)
		return e;
	ev = b.first;
	if ((e = check_consent(g, ev.purpose, ev.channel, &sequence)) != RSG_OK ||
	    (e = settle(g)) != RSG_OK || (e = stage_code(g, &ev)) != RSG_OK)
		return e;
	end_promise(g, id);
	return hand_over(g, &ev, false);
}

/* --- Use and take back --- */

enum rsg_err
rsg_giving_redeem(struct rsg_giving *g, const struct rsg_id *id, const char *ref)
{
	struct rsg_benefit_event ev;
	struct rsg_benefit b;
	enum rsg_err e;

	if ((e = find(g, id, RSG_BENEFIT_REDEEMED, &b)) != RSG_OK)
		return e;
	/* Points are spent, not redeemed. */
	if (b.first.points > 0)
		return refuse(g, RSG_BENEFIT_STATE, "benefit", "points");
	if ((e = settle(g)) != RSG_OK)
		return e;
	ev = b.first;
	ev.act = RSG_BENEFIT_REDEEMED;
	ev.due = ev.until = 0;
	ev.cost = rsg_giving_later(ev.kind) && !b.paid ? ev.value : 0;
	snprintf(ev.ref, sizeof(ev.ref), "%s", ref);
	return append(g, &ev);
}

/*
 * A withdrawal takes back nothing that was delivered, unless what was offered
 * and the law of the place both allow it; then it is flagged, for an officer
 * to see. Called by another name it is still that, while the consent is gone.
 */
static enum rsg_err
check_take_back(struct rsg_giving *g, const struct rsg_benefit *b, const char *cause,
    bool *flagged)
{
	const struct rsg_lawdef *law = rsg_policy_law(g->batch->w->policy,
	    g->subject->h.jurisdiction);
	bool gone = against(g, b->first.purpose, b->first.channel) != NULL;
	bool other = strcmp(cause, "return") == 0 || strcmp(cause, "fraud") == 0;

	*flagged = b->delivered && (gone || strcmp(cause, "withdrawal") == 0);
	if (!*flagged || other)
		return RSG_OK;
	if ((b->first.flags & RSG_BENEFIT_TAKES_BACK) == 0)
		return refuse(g, RSG_DENIED, "cause", "incentive:keeps");
	if (law == NULL || !law->takes_back)
		return refuse(g, RSG_DENIED, "cause", "jurisdiction:keeps");
	return RSG_OK;
}

enum rsg_err
rsg_giving_reverse(struct rsg_giving *g, const struct rsg_id *id, const char *cause)
{
	struct rsg_benefit_event ev;
	struct rsg_benefit b;
	bool flagged;
	enum rsg_err e;

	if ((e = find(g, id, RSG_BENEFIT_REVERSED, &b)) != RSG_OK ||
	    (e = check_take_back(g, &b, cause, &flagged)) != RSG_OK ||
	    (e = settle(g)) != RSG_OK)
		return e;
	ev = b.first;
	ev.act = RSG_BENEFIT_REVERSED;
	ev.due = ev.until = 0;
	ev.cost = -b.cost;
	if (!b.delivered)
		ev.points = 0;
	if (flagged)
		ev.flags |= RSG_BENEFIT_FLAGGED;
	snprintf(ev.cause, sizeof(ev.cause), "%s", cause);
	if (b.state == RSG_BENEFIT_PROMISED)
		end_promise(g, id);
	return append(g, &ev);
}

/* --- Spend --- */

static enum rsg_err
check_balance(struct rsg_giving *g, int64_t points)
{
	struct rsg_points p;
	int64_t balance;
	enum rsg_err e = rsg_points_compute(&g->all, g->batch->w->now, &p);

	balance = p.balance;
	rsg_points_free(&p);
	if (e != RSG_OK)
		return e;
	return balance < points ? refuse(g, RSG_FEW_POINTS, "points", NULL) : RSG_OK;
}

enum rsg_err
rsg_giving_spend(struct rsg_giving *g, const struct rsg_incentive *i, int64_t points,
    const char *ref, struct rsg_id *id)
{
	struct rsg_benefit_event ev = { .act = RSG_BENEFIT_SPENT,
	    .kind = RSG_INCENTIVE_POINTS, .points = points }, reward;
	enum rsg_err e;

	ev.benefit = rsg_id_new();
	*id = ev.benefit;
	snprintf(ev.ref, sizeof(ev.ref), "%s", ref);
	if (i != NULL) {
		rsg_giving_terms(i, &reward);
		reward.points = 0;
		reward.flags |= RSG_BENEFIT_PAID;
		ev.points = i->price;
		snprintf(ev.incentive, sizeof(ev.incentive), "%s", i->name);
		ev.version = i->version;
		if (i->price == 0)
			return refuse(g, RSG_INCENTIVE_UNFIT, "incentive", "incentive:price");
		if ((e = check_paid(g, reward.purpose, reward.channel,
		    &reward.consent)) != RSG_OK || (e = check_offer(g, i)) != RSG_OK)
			return e;
	}
	if ((e = check_balance(g, ev.points)) != RSG_OK || (e = settle(g)) != RSG_OK ||
	    (e = append(g, &ev)) != RSG_OK || i == NULL)
		return e;
	*id = reward.benefit;
	if ((e = stage_code(g, &reward)) != RSG_OK)
		return e;
	return hand_over(g, &reward, true);
}

/* --- The reply --- */

enum rsg_err
rsg_giving_answer(struct rsg_giving *g, const struct rsg_id *id)
{
	struct rsg_buf *out = &g->call->out;
	char code[RSG_BENEFIT_FORM];
	struct rsg_benefit b;
	struct rsg_points p;
	enum rsg_err e;

	if (rsg_benefit_find(&g->all, id, g->batch->w->now, &b) != RSG_OK)
		return refuse(g, RSG_NOT_FOUND, "benefit", NULL);
	rsg_msg_id(out, RSG_F_SUBJECT, &g->subject->id);
	rsg_msg_id(out, RSG_F_BENEFIT, id);
	rsg_msg_text(out, RSG_F_STATUS, rsg_benefit_act_name(b.state));
	rsg_msg_int(out, RSG_F_SEQUENCE, g->subject->h.benefit.count);
	if (b.first.incentive[0] != '\0') {
		rsg_msg_text(out, RSG_F_INCENTIVE, b.first.incentive);
		rsg_msg_int(out, RSG_F_INCENTIVE_VERSION, b.first.version);
	}
	if (b.first.points > 0)
		rsg_msg_int(out, RSG_F_POINTS, b.first.points);
	if (b.state == RSG_BENEFIT_DELIVERED && rsg_giving_coded(b.first.kind)) {
		rsg_benefit_form(g->subject, &b, code);
		rsg_msg_text(out, RSG_F_CODE, code);
		rsg_secret_wipe(code, sizeof(code));
	}
	if (b.state == RSG_BENEFIT_PROMISED && b.first.due != 0)
		rsg_msg_int(out, RSG_F_DUE, b.first.due);
	if (b.until != 0)
		rsg_msg_int(out, RSG_F_UNTIL, b.until);
	if ((e = rsg_points_compute(&g->all, g->batch->w->now, &p)) == RSG_OK)
		rsg_msg_int(out, RSG_F_BALANCE, p.balance);
	rsg_points_free(&p);
	if (b.flagged)
		rsg_msg_bool(out, RSG_F_FLAGGED, true);
	return e != RSG_OK ? e : rsg_buf_err(out);
}
