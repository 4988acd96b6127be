/*
 * What a person is given: promised, delivered, used, taken back, spent.
 */
#include <stdio.h>
#include <string.h>

#include "ops/benefits.h"
#include "ops/ops.h"
#include "subject/person.h"
#include "work/vault.h"

enum action { PROMISE, DELIVER, REDEEM, REVERSE, SPEND, NONE };
static const char *const actions[NONE] = {
	[PROMISE] = "promise", [DELIVER] = "deliver", [REDEEM] = "redeem",
	[REVERSE] = "reverse", [SPEND] = "spend",
};
static const char *const causes[] = { "withdrawal", "return", "error", "fraud" };
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct request {
	enum action action;
	uint16_t purpose;
	struct rsg_id benefit;
	bool named;			/* a benefit; else an incentive, or points */
	bool incentive;
	int64_t place;			/* of the incentive in INCENTIVES_NAMED */
	int64_t points;
	char ref[RSG_BENEFIT_TEXT], cause[17];
};

static int
find_name(const struct rsg_call *c, enum rsg_field f, const char *const *names, size_t n)
{
	const uint8_t *p;
	size_t len;

	if (rsg_msg_get(c->in, f, &p, &len))
		for (size_t i = 0; i < n; i++)
			if (strlen(names[i]) == len && memcmp(names[i], p, len) == 0)
				return (int)i;
	return -1;
}

bool
rsg_giving_cause(const char *s, size_t len)
{
	for (size_t i = 0; i < COUNT(causes); i++)
		if (strlen(causes[i]) == len && memcmp(causes[i], s, len) == 0)
			return true;
	return false;
}

/* Which members go with which action: each has to know what it is about. */
static enum rsg_err
check_members(struct rsg_call *c, const struct request *r)
{
	bool points = rsg_msg_has(c->in, RSG_F_POINTS);

	switch (r->action) {
	case PROMISE:
	case DELIVER:
		if (r->action == PROMISE && r->named)
			return rsg_call_fail(c, RSG_UNKNOWN_MEMBER, "benefit", NULL);
		if (!r->named && !r->incentive)
			return rsg_call_fail(c, RSG_MISSING_MEMBER, "incentive", NULL);
		if (r->named && r->incentive)
			return rsg_call_fail(c, RSG_UNKNOWN_MEMBER, "incentive", NULL);
		break;
	case REDEEM:
	case REVERSE:
		if (!r->named)
			return rsg_call_fail(c, RSG_MISSING_MEMBER, "benefit", NULL);
		if (r->action == REVERSE && !rsg_msg_has(c->in, RSG_F_CAUSE))
			return rsg_call_fail(c, RSG_MISSING_MEMBER, "cause", NULL);
		break;
	default:
		if (r->incentive == points)
			return rsg_call_fail(c, points ? RSG_UNKNOWN_MEMBER :
			    RSG_MISSING_MEMBER, "points", NULL);
		if (points && r->points < 1)
			return rsg_call_fail(c, RSG_BAD_VALUE, "points", NULL);
	}
	if (r->action != SPEND && points)
		return rsg_call_fail(c, RSG_UNKNOWN_MEMBER, "points", NULL);
	return RSG_OK;
}

static enum rsg_err
read_request(struct rsg_item *it, struct request *r)
{
	struct rsg_call *c = it->call;
	int action = find_name(c, RSG_F_ACTION, actions, NONE);
	enum rsg_err e;

	if (action < 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "action", NULL);
	r->action = (enum action)action;
	if ((e = rsg_call_purpose(it->batch->w, c, RSG_ACT_BENEFIT_WRITE,
	    &r->purpose)) != RSG_OK)
		return e;
	r->named = rsg_msg_get_id(c->in, RSG_F_BENEFIT, &r->benefit);
	r->incentive = rsg_msg_has(c->in, RSG_F_INCENTIVE);
	r->points = rsg_msg_get_int(c->in, RSG_F_POINTS, 0);
	(void)rsg_msg_get_text(c->in, RSG_F_DOCUMENT, r->ref, sizeof(r->ref));
	(void)rsg_msg_get_text(c->in, RSG_F_CAUSE, r->cause, sizeof(r->cause));
	if (rsg_msg_has(c->in, RSG_F_CAUSE) && (r->action != REVERSE ||
	    find_name(c, RSG_F_CAUSE, causes, COUNT(causes)) < 0))
		return rsg_call_fail(c, RSG_BAD_VALUE, "cause", NULL);
	return check_members(c, r);
}

enum rsg_err
rsg_op_benefit_write_want(struct rsg_item *it)
{
	struct rsg_call *c = it->call;
	struct request *r = rsg_arena_get(it->batch->w->arena, sizeof(*r));
	const uint8_t *name;
	struct rsg_bind *b;
	struct rsg_id id;
	size_t len;
	enum rsg_err e;

	if (r == NULL)
		return RSG_NO_MEMORY;
	it->scratch = r;
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	if ((e = read_request(it, r)) != RSG_OK || (e = rsg_want_subject(it, &id)) != RSG_OK)
		return e;
	rsg_bind_id(rsg_want_rows(it, RSG_SQL_BENEFIT_EVENTS), 0, &id);
	rsg_bind_id(rsg_want_rows(it, RSG_SQL_CONSENT_EVENTS), 0, &id);
	if (!rsg_msg_get(c->in, RSG_F_INCENTIVE, &name, &len))
		return RSG_OK;
	b = rsg_want_rows(it, RSG_SQL_INCENTIVES_NAMED);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_text(b, 1, (const char *)name, len);
	rsg_bind_int(b, 2, rsg_msg_get_int(c->in, RSG_F_INCENTIVE_VERSION, 0));
	r->place = (int64_t)rsg_bind_count(b, 0);
	return RSG_OK;
}

/* The incentive that the request names, verified. */
static enum rsg_err
incentive_of(struct rsg_item *it, struct rsg_giving *g, const struct request *r,
    struct rsg_incentive *i)
{
	const struct rsg_result *rows = rsg_item_rows(it, RSG_SQL_INCENTIVES_NAMED);

	for (int row = 0; rows != NULL && row < rsg_result_rows(rows); row++)
		if (rsg_result_int(rows, row, 0) == r->place)
			return rsg_incentive_row(it->batch->w->vault->keys,
			    it->batch->w->policy, g->controller->currency, rows, row, i);
	it->call->draft.decision = RSG_UNKNOWN_INCENTIVE;
	return rsg_call_fail(it->call, RSG_UNKNOWN_INCENTIVE, "incentive", NULL);
}

static enum rsg_err
carry_out(struct rsg_item *it, struct rsg_giving *g, const struct request *r,
    struct rsg_id *id)
{
	struct rsg_incentive i = { 0 };
	enum rsg_err e;

	if (r->incentive && (e = incentive_of(it, g, r, &i)) != RSG_OK)
		return e;
	*id = r->benefit;
	switch (r->action) {
	case PROMISE:
		e = rsg_giving_offer(g, &i, false, id);
		break;
	case DELIVER:
		e = r->named ? rsg_giving_deliver(g, id) : rsg_giving_offer(g, &i, true, id);
		break;
	case REDEEM:
		e = rsg_giving_redeem(g, id, r->ref);
		break;
	case REVERSE:
		e = rsg_giving_reverse(g, id, r->cause);
		break;
	default:
		e = rsg_giving_spend(g, r->incentive ? &i : NULL, r->points, r->ref, id);
	}
	rsg_incentive_free(&i);
	return e;
}

enum rsg_err
rsg_op_benefit_write(struct rsg_item *it)
{
	const struct request *r = it->scratch;
	struct rsg_giving g;
	struct rsg_answer answer;
	struct rsg_id id = it->ref;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_BENEFIT_WRITE, r->purpose, NULL, 0,
	    &answer)) != RSG_OK)
		return e;
	e = rsg_giving_begin(&g, it->batch, it->call, it->subject,
	    rsg_item_rows(it, RSG_SQL_BENEFIT_EVENTS),
	    rsg_item_rows(it, RSG_SQL_CONSENT_EVENTS));
	if (e == RSG_OK && !it->replay && (e = carry_out(it, &g, r, &id)) == RSG_OK)
		rsg_stage_idempotency(it, &id, it->subject->h.benefit.count);
	if (e == RSG_OK)
		e = rsg_giving_answer(&g, &id);
	rsg_giving_end(&g);
	return e;
}

/* --- By its code --- */

struct redemption {
	uint16_t purpose;
	struct rsg_id subject, benefit;
	char code[RSG_BENEFIT_FORM], ref[RSG_BENEFIT_TEXT];
};

static enum rsg_err
no_such_code(struct rsg_worker *w, struct rsg_call *c, uint16_t purpose)
{
	struct rsg_answer answer;
	enum rsg_err e;

	/* That there is none is an answer too, decided and audited. */
	e = rsg_call_allowed(w, c, RSG_ACT_BENEFIT_WRITE, purpose, NULL, 0, NULL, &answer);
	if (e != RSG_OK)
		return e;
	c->draft.decision = RSG_NOT_FOUND;
	return rsg_call_fail(c, RSG_NOT_FOUND, "code", NULL);
}

static enum rsg_err
find_code(struct rsg_worker *w, struct rsg_call *c, struct redemption *r)
{
	uint8_t digest[RSG_DIGEST_LEN];
	const struct rsg_result *rows;
	const uint8_t *code;
	struct rsg_bind *b;
	size_t len;
	int n;
	enum rsg_err e;

	(void)rsg_msg_get(c->in, RSG_F_CODE, &code, &len);
	e = rsg_benefit_digest(w->vault->keys, c->actor.controller, (const char *)code,
	    len, r->code, digest);
	if (e != RSG_OK)
		return rsg_call_fail(c, e, "code", NULL);
	b = rsg_db_bind(w->db, RSG_SQL_CODE);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_bytes(b, 1, digest, sizeof(digest));
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	rows = rsg_db_result(w->db, n);
	if (rsg_result_rows(rows) == 0)
		return no_such_code(w, c, r->purpose);
	rsg_result_id(rows, 0, 0, &r->subject);
	rsg_result_id(rows, 0, 1, &r->benefit);
	return RSG_OK;
}

/* The person, locked, and their history. */
static enum rsg_err
fetch_person(struct rsg_item *it, const struct redemption *r,
    const struct rsg_result **benefits)
{
	struct rsg_worker *w = it->batch->w;
	struct rsg_bind *people = rsg_db_bind(w->db, RSG_SQL_SUBJECTS_LOCK);
	struct rsg_bind *events = rsg_db_bind(w->db, RSG_SQL_BENEFIT_EVENTS);
	int p, b;
	enum rsg_err e;

	if ((e = rsg_want_subject(it, &r->subject)) != RSG_OK)
		return e;
	rsg_bind_id(people, 0, &r->subject);
	rsg_bind_id(events, 0, &r->subject);
	p = rsg_db_send(w->db, people);
	b = rsg_db_send(w->db, events);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	if (rsg_result_rows(rsg_db_result(w->db, p)) == 1)
		rsg_person_row(it->subject, rsg_db_result(w->db, p), 0, 1);
	*benefits = rsg_db_result(w->db, b);
	return rsg_item_open(it);
}

/*
 * The row says where to look, and is believed only where that person's own key
 * or history gives this very code: it could have been pointed at somebody else.
 */
static enum rsg_err
check_code(struct rsg_call *c, const struct rsg_giving *g, const struct redemption *r)
{
	const struct rsg_subject *s = g->subject;
	char code[RSG_BENEFIT_FORM] = "";
	struct rsg_benefit b;
	struct rsg_id who;
	bool same;

	if (rsg_benefit_find(&g->all, &r->benefit, g->batch->w->now, &b) != RSG_OK)
		return RSG_TAMPERED;
	rsg_benefit_form(s, &b, code);
	same = strlen(code) == strlen(r->code) &&
	    rsg_secret_equal(code, r->code, strlen(code));
	rsg_secret_wipe(code, sizeof(code));
	if (!same)
		return RSG_TAMPERED;
	if (!rsg_msg_get_id(c->in, RSG_F_SUBJECT, &who) || rsg_id_eq(&who, &s->id))
		return RSG_OK;
	c->draft.decision = RSG_CODE_ANOTHER;
	snprintf(c->draft.clause, sizeof(c->draft.clause), "code:another");
	return rsg_call_fail(c, RSG_CODE_ANOTHER, "subject", "code:another");
}

/* A till that did not hear the answer asks again by the same key. */
static bool
heard_before(struct rsg_giving *g, const struct redemption *r)
{
	struct rsg_benefit b;

	return rsg_msg_has(g->call->in, RSG_F_IDEMPOTENCY) &&
	    rsg_benefit_find(&g->all, &r->benefit, g->batch->w->now, &b) == RSG_OK &&
	    b.state == RSG_BENEFIT_REDEEMED && strcmp(b.ref, r->ref) == 0;
}

enum rsg_err
rsg_op_benefit_redeem(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_item *it = &w->batch->item[0];
	const struct rsg_result *rows;
	struct rsg_answer answer;
	struct redemption r = { 0 };
	struct rsg_giving g = { 0 };
	enum rsg_err e;

	rsg_batch_begin(w->batch, w, true);
	*it = (struct rsg_item){ .call = c, .batch = w->batch };
	if ((e = rsg_call_purpose(w, c, RSG_ACT_BENEFIT_WRITE, &r.purpose)) != RSG_OK ||
	    (e = find_code(w, c, &r)) != RSG_OK)
		return e;
	if (!rsg_msg_get_text(c->in, RSG_F_IDEMPOTENCY, r.ref, sizeof(r.ref)))
		(void)rsg_msg_get_text(c->in, RSG_F_DOCUMENT, r.ref, sizeof(r.ref));
	if ((e = fetch_person(it, &r, &rows)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_BENEFIT_WRITE, r.purpose, NULL, 0,
	    &answer)) != RSG_OK ||
	    (e = rsg_giving_begin(&g, w->batch, c, it->subject, rows, NULL)) != RSG_OK ||
	    (e = check_code(c, &g, &r)) != RSG_OK)
		goto done;
	if (!heard_before(&g, &r) &&
	    (e = rsg_giving_redeem(&g, &r.benefit, r.ref)) != RSG_OK)
		goto done;
	if ((e = rsg_giving_answer(&g, &r.benefit)) == RSG_OK &&
	    (e = rsg_call_wrote_person(w, c, it->subject)) == RSG_OK &&
	    (e = rsg_audit_stage(w, c)) == RSG_OK && (e = rsg_batch_write(w->batch)) == RSG_OK)
		e = rsg_db_commit(w->db);
done:
	rsg_giving_end(&g);
	return e;
}
