/*
 * What people were given before, in bulk: promised, delivered, used, lapsed,
 * taken back, each at its own time. It has to have been given for a consent
 * that stood then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benefit/incentive.h"
#include "ops/ops.h"
#include "ops/past.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "work/vault.h"

/* In the order in which they happen. */
static const struct { enum rsg_field at; enum rsg_benefit_act act; } steps[] = {
	{ RSG_F_PROMISED_AT, RSG_BENEFIT_PROMISED },
	{ RSG_F_DELIVERED_AT, RSG_BENEFIT_DELIVERED },
	{ RSG_F_REDEEMED_AT, RSG_BENEFIT_REDEEMED },
	{ RSG_F_EXPIRED_AT, RSG_BENEFIT_EXPIRED },
	{ RSG_F_REVERSED_AT, RSG_BENEFIT_REVERSED },
};
#define STEPS	(sizeof(steps) / sizeof(steps[0]))

struct gifts {
	struct rsg_past past;
	struct rsg_incentive *offer;	/* all of the controller's, newest last */
	size_t noffers;
	int codes;			/* result of CODES; -1: no line has one */
	struct gift_code {
		char form[RSG_BENEFIT_FORM];
		uint8_t digest[RSG_DIGEST_LEN];
		struct rsg_id owner, benefit;	/* who has it; nil: nobody */
	} code[RSG_BULK_PAGE];
};

/* One line while it is worked on. */
struct gift {
	struct gifts *all;
	struct rsg_call *c;
	struct rsg_fields line;
	struct rsg_pastperson *who;
	struct rsg_giving *g;
	const struct gift_code *code;
	const struct rsg_incentive *offer;	/* NULL: it is known already */
	struct rsg_id id;
	struct rsg_benefit before;	/* state 0: it is new */
	struct rsg_benefit_event terms;
	bool takes[STEPS];		/* what is new of it */
	int64_t at[STEPS];		/* 0: the line does not say */
	uint32_t consent;
	bool flagged;
};

static enum rsg_err
fault(struct gift *x, enum rsg_err e, const char *member)
{
	return rsg_call_fail(x->c, e, member, NULL);
}

static enum rsg_err
at_fault(struct gift *x, enum rsg_err e, size_t step)
{
	return fault(x, e, rsg_msg_field(steps[step].at)->json);
}

/* --- Reading a page --- */

/* The code, where the line has one, in the form in which it is looked for. */
static enum rsg_err
read_line(struct rsg_bulk *m, size_t at)
{
	struct gifts *all = m->own;
	struct gift_code *code = &all->code[at];
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	memset(code, 0, sizeof(*code));
	if ((e = rsg_past_read(m, at)) != RSG_OK ||
	    !rsg_msg_get(m->line[at].group, RSG_F_CODE, &p, &len))
		return e;
	e = rsg_benefit_digest(m->w->vault->keys, m->k->number, (const char *)p, len,
	    code->form, code->digest);
	return e == RSG_OK ? RSG_OK : rsg_call_fail(m->c, e, "code", NULL);
}

/* Whose the codes are that are there already; with the lookup's round trip. */
static enum rsg_err
find(struct rsg_bulk *m, size_t n)
{
	struct gifts *all = m->own;
	const struct rsg_result *r;
	struct rsg_bind *q = NULL;
	int sent = -1;
	enum rsg_err e;

	for (size_t i = 0; i < n; i++) {
		if (q == NULL)
			q = rsg_db_bind(m->w->db, RSG_SQL_CODES);
		rsg_bind_int(q, 0, m->k->number);
		rsg_bind_bytes(q, 1, all->code[i].digest, RSG_DIGEST_LEN);
	}
	if (q != NULL)
		sent = rsg_db_send(m->w->db, q);
	if ((e = rsg_past_find(m, n)) != RSG_OK || sent < 0)
		return e;
	r = rsg_db_result(m->w->db, sent);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t at = (size_t)rsg_result_int(r, row, 0) - 1;

		rsg_result_id(r, row, 1, &all->code[at].owner);
		rsg_result_id(r, row, 2, &all->code[at].benefit);
	}
	return RSG_OK;
}

/* --- What a line says --- */

/* A benefit's id follows from its reference: by that it is known again. */
static void
name(struct gift *x, const char *record)
{
	const struct rsg_part part = { record, strlen(record) };
	uint8_t key[RSG_KEY_LEN], out[RSG_DIGEST_LEN];

	rsg_derive(x->who->subject->keys.key[RSG_KEY_EVIDENCE], "benefit-record",
	    &x->who->subject->id, key);
	rsg_blake2b(key, &part, 1, out);
	memcpy(x->id.b, out, RSG_ID_LEN);
	rsg_secret_wipe(key, sizeof(key));
}

static enum rsg_err
read_times(struct gift *x)
{
	int64_t now = x->all->past.bulk.w->now, last = INT64_MIN;
	bool any = false;

	for (size_t i = 0; i < STEPS; i++) {
		if (!rsg_msg_has(x->line, steps[i].at))
			continue;
		x->at[i] = rsg_msg_get_int(x->line, steps[i].at, 0);
		if (x->at[i] == 0 || x->at[i] > now || x->at[i] < last)
			return at_fault(x, RSG_BAD_VALUE, i);
		last = x->at[i];
		any = true;
	}
	return any ? RSG_OK : fault(x, RSG_MISSING_MEMBER, "delivered_at");
}

static int32_t
day_of(const struct gift *x, int64_t us)
{
	return rsg_zone_day(x->g->controller->zone, us);
}

static bool
offered(const struct rsg_incentive *i, int32_t day)
{
	return (i->from == 0 || day >= i->from) && (i->until == 0 || day <= i->until);
}

/* The version named; else the newest that was offered on the day. */
static enum rsg_err
find_offer(struct gift *x, int32_t day)
{
	int64_t version = rsg_msg_get_int(x->line, RSG_F_INCENTIVE_VERSION, 0);
	const struct rsg_incentive *any = NULL;
	const uint8_t *p;
	size_t len;

	(void)rsg_msg_get(x->line, RSG_F_INCENTIVE, &p, &len);
	for (size_t i = x->all->noffers; i-- > 0;) {
		const struct rsg_incentive *o = &x->all->offer[i];

		if (strlen(o->name) != len || memcmp(o->name, p, len) != 0 ||
		    (version != 0 && o->version != version))
			continue;
		any = o;
		if (offered(o, day)) {
			x->offer = o;
			return RSG_OK;
		}
	}
	return fault(x, any == NULL ? RSG_UNKNOWN_INCENTIVE : RSG_INCENTIVE_UNFIT,
	    "incentive");
}

/* Points of the line's own: a balance that is carried over, say. */
static enum rsg_err
own_points(struct gift *x)
{
	int64_t points = rsg_msg_get_int(x->line, RSG_F_POINTS, 0), value;

	if (!rsg_msg_has(x->line, RSG_F_POINTS))
		return RSG_OK;
	if (x->terms.kind != RSG_INCENTIVE_POINTS)
		return fault(x, RSG_UNKNOWN_MEMBER, "points");
	if (points < 1 || __builtin_mul_overflow(x->terms.value, points, &value))
		return fault(x, RSG_BAD_VALUE, "points");
	x->terms.value = value / x->terms.points;
	x->terms.points = points;
	return RSG_OK;
}

/* A benefit that is new: its terms are those of what was offered. */
static enum rsg_err
begin(struct gift *x)
{
	size_t first = 0;
	enum rsg_err e;

	while (x->at[first] == 0)
		first++;
	if ((e = find_offer(x, day_of(x, x->at[first]))) != RSG_OK)
		return e;
	rsg_giving_terms(x->offer, &x->terms);
	x->terms.benefit = x->id;
	return own_points(x);
}

/*
 * What was given cannot be un-given, and so is not refused; but it counts, and
 * who looks can see that it was one too many. In the order of the lines.
 */
static void
check_often(struct gift *x)
{
	const struct rsg_incentive *o = x->offer;
	int64_t since = INT64_MIN, until = INT64_MAX;
	size_t first = 0;
	int32_t day;

	while (x->at[first] == 0)
		first++;
	/* Given and taken back in one line is not given. */
	if (o->times == 0 || x->takes[STEPS - 1])
		return;
	day = day_of(x, x->at[first]);
	if (o->per != RSG_PER_EVER) {
		since = rsg_zone_instant(x->g->controller->zone,
		    rsg_incentive_period(o->per, day), 0);
		until = rsg_zone_instant(x->g->controller->zone,
		    rsg_incentive_next(o->per, day), 0);
	}
	if (rsg_benefit_count(&x->g->all, o->name, since, until) >= o->times)
		x->terms.flags |= RSG_BENEFIT_OVER;
}

/* One that is known goes on under the terms that it began by. */
static enum rsg_err
go_on(struct gift *x)
{
	int64_t version = rsg_msg_get_int(x->line, RSG_F_INCENTIVE_VERSION, 0);
	int64_t points = rsg_msg_get_int(x->line, RSG_F_POINTS, 0);
	const uint8_t *p;
	size_t len;

	x->terms = x->before.first;
	(void)rsg_msg_get(x->line, RSG_F_INCENTIVE, &p, &len);
	if (strlen(x->terms.incentive) != len ||
	    memcmp(x->terms.incentive, p, len) != 0 ||
	    (version != 0 && x->terms.version != version) ||
	    (rsg_msg_has(x->line, RSG_F_POINTS) && x->terms.points != points))
		return fault(x, RSG_RECORD_DIFFERS, "record");
	return RSG_OK;
}

/* --- What is new of it --- */

static const struct rsg_benefit_event *
happened(const struct gift *x, enum rsg_benefit_act act)
{
	for (size_t i = 0; i < x->g->all.n; i++)
		if (x->g->all.event[i].act == act &&
		    rsg_id_eq(&x->g->all.event[i].benefit, &x->id))
			return &x->g->all.event[i];
	return NULL;
}

/* It was promised and delivered for a yes that stood, and no other way. */
static enum rsg_err
check_consent(struct gift *x, size_t step)
{
	const struct rsg_policy *policy = x->all->past.bulk.w->policy;
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, x->terms.purpose);
	uint32_t sequence;

	if (steps[step].act != RSG_BENEFIT_PROMISED &&
	    steps[step].act != RSG_BENEFIT_DELIVERED)
		return RSG_OK;
	if (rsg_past_against(&x->all->past, x->who, x->terms.purpose,
	    (enum rsg_channel)x->terms.channel, x->at[step], &sequence) != NULL ||
	    (sequence == 0 && p != NULL && p->needs_consent))
		return fault(x, RSG_NO_CONSENT, rsg_msg_field(steps[step].at)->json);
	if (x->consent == 0)
		x->consent = sequence;
	return RSG_OK;
}

/* Taken back at a withdrawal: only where offer and law both allow it. */
static enum rsg_err
check_reversal(struct gift *x)
{
	const struct rsg_lawdef *law = rsg_policy_law(x->all->past.bulk.w->policy,
	    x->who->subject->h.jurisdiction);
	bool delivered = x->before.delivered || x->takes[1];
	const uint8_t *p;
	size_t len;

	if (!rsg_msg_get(x->line, RSG_F_CAUSE, &p, &len))
		return fault(x, RSG_MISSING_MEMBER, "cause");
	if (!rsg_giving_cause((const char *)p, len))
		return fault(x, RSG_BAD_VALUE, "cause");
	x->flagged = delivered && len == 10 && memcmp(p, "withdrawal", 10) == 0;
	if (x->flagged && ((x->terms.flags & RSG_BENEFIT_TAKES_BACK) == 0 ||
	    law == NULL || !law->takes_back))
		return fault(x, RSG_DENIED, "cause");
	return RSG_OK;
}

/* What the line says of a step that is here already is what it said then. */
static enum rsg_err
check_same(struct gift *x, const struct rsg_benefit_event *ev)
{
	char text[RSG_BENEFIT_TEXT];
	bool same = true;

	if (ev->act == RSG_BENEFIT_DELIVERED && rsg_msg_has(x->line, RSG_F_UNTIL))
		same = ev->until == rsg_msg_get_int(x->line, RSG_F_UNTIL, 0);
	else if (ev->act == RSG_BENEFIT_REDEEMED && rsg_msg_get_text(x->line,
	    RSG_F_DOCUMENT, text, sizeof(text)))
		same = strcmp(text, ev->ref) == 0;
	else if (ev->act == RSG_BENEFIT_REVERSED && rsg_msg_get_text(x->line,
	    RSG_F_CAUSE, text, sizeof(text)))
		same = strcmp(text, ev->cause) == 0;
	return same ? RSG_OK : fault(x, RSG_RECORD_DIFFERS, "record");
}

static enum rsg_err
plan(struct gift *x, bool *any)
{
	enum rsg_benefit_act state = x->before.state;
	int64_t last = x->before.since;
	const struct rsg_benefit_event *ev;
	enum rsg_err e;

	for (size_t i = 0; i < STEPS; i++) {
		if (x->at[i] == 0)
			continue;
		if ((ev = happened(x, steps[i].act)) != NULL && ev->time == x->at[i]) {
			if ((e = check_same(x, ev)) != RSG_OK)
				return e;
			continue;
		}
		if (ev != NULL || !rsg_benefit_follows(state, steps[i].act) ||
		    (steps[i].act == RSG_BENEFIT_REDEEMED && x->terms.points > 0))
			return at_fault(x, RSG_BENEFIT_STATE, i);
		if (state != 0 && x->at[i] < last)
			return at_fault(x, RSG_BAD_VALUE, i);
		if ((e = check_consent(x, i)) != RSG_OK)
			return e;
		x->takes[i] = *any = true;
		state = steps[i].act;
		last = x->at[i];
	}
	return rsg_msg_has(x->line, RSG_F_REVERSED_AT) ? check_reversal(x) : RSG_OK;
}

/* A code is one person's, and of one benefit. */
static enum rsg_err
check_code(struct gift *x)
{
	const struct gift_code *mine = x->code, *c;
	const struct rsg_past *p = &x->all->past;

	if (mine->form[0] == '\0')
		return RSG_OK;
	if (!rsg_giving_coded(x->terms.kind))
		return fault(x, RSG_UNKNOWN_MEMBER, "code");
	if (!rsg_id_nil(&mine->benefit))
		return rsg_id_eq(&mine->benefit, &x->id) &&
		    rsg_id_eq(&mine->owner, &x->who->subject->id) ? RSG_OK :
		    fault(x, RSG_CONFLICT, "code");
	/* Nor of a line before it in this page. */
	for (c = x->all->code; c < mine; c++)
		if (p->bulk.line[c - x->all->code].err == RSG_OK &&
		    p->bulk.line[c - x->all->code].changed &&
		    memcmp(c->digest, mine->digest, sizeof(c->digest)) == 0 &&
		    !rsg_id_eq(&c->benefit, &x->id))
			return fault(x, RSG_CONFLICT, "code");
	return x->before.delivered ? fault(x, RSG_RECORD_DIFFERS, "code") : RSG_OK;
}

/* --- Writing --- */

static void
stage_code(struct gift *x, struct rsg_benefit_event *ev)
{
	struct rsg_subject *s = x->who->subject;
	struct gift_code own = *x->code;
	struct rsg_bind *q;

	if (!rsg_giving_coded(ev->kind))
		return;
	if (own.form[0] == '\0') {
		char code[RSG_BENEFIT_CODE];

		rsg_benefit_code(s, &x->id, code);
		if (rsg_benefit_digest(x->all->past.bulk.w->vault->keys, s->controller,
		    code, strlen(code), own.form, own.digest) != RSG_OK)
			return;
	} else
		(void)snprintf(ev->ref, sizeof(ev->ref), "%s", own.form);
	/* Put back in the page: the lines to come see whose it is. */
	own.benefit = x->id;
	own.owner = s->id;
	x->all->code[x->code - x->all->code] = own;
	q = rsg_stage(x->g->batch, RSG_SQL_CODE_INSERT);
	rsg_bind_int(q, 0, s->controller);
	rsg_bind_bytes(q, 1, own.digest, sizeof(own.digest));
	rsg_bind_id(q, 2, &s->id);
	rsg_bind_id(q, 3, &x->id);
}

/* What a step makes of the terms. */
static void
fill(struct gift *x, size_t step, int64_t spent, struct rsg_benefit_event *ev)
{
	*ev = x->terms;
	ev->act = steps[step].act;
	ev->time = x->at[step];
	if (x->consent != 0)
		ev->consent = x->consent;
	ev->cost = ev->due = ev->until = 0;
	ev->ref[0] = '\0';
	switch (ev->act) {
	case RSG_BENEFIT_PROMISED:
		ev->due = ev->time + x->offer->deliver_days * RSG_DAY_US;
		break;
	case RSG_BENEFIT_DELIVERED:
		ev->until = ev->valid_days == 0 ? 0 : ev->time + ev->valid_days * RSG_DAY_US;
		ev->until = rsg_msg_get_int(x->line, RSG_F_UNTIL, ev->until);
		ev->cost = rsg_giving_later(ev->kind) ? 0 : ev->value;
		stage_code(x, ev);
		break;
	case RSG_BENEFIT_REDEEMED:
		ev->cost = rsg_giving_later(ev->kind) ? ev->value : 0;
		(void)rsg_msg_get_text(x->line, RSG_F_DOCUMENT, ev->ref, sizeof(ev->ref));
		break;
	case RSG_BENEFIT_REVERSED:
		ev->cost = -spent;
		if (!x->before.delivered && !x->takes[1])
			ev->points = 0;
		if (x->flagged)
			ev->flags |= RSG_BENEFIT_FLAGGED;
		(void)rsg_msg_get_text(x->line, RSG_F_CAUSE, ev->cause, sizeof(ev->cause));
		break;
	default:
		break;
	}
}

/* What is promised and not delivered stands among the promises to keep. */
static void
stage_promise(struct gift *x, const struct rsg_benefit_event *last)
{
	bool was = x->before.state == RSG_BENEFIT_PROMISED;
	bool is = last->act == RSG_BENEFIT_PROMISED;
	struct rsg_bind *q;

	if (was == is)
		return;
	q = rsg_stage(x->g->batch, is ? RSG_SQL_PROMISE_INSERT : RSG_SQL_PROMISE_DELETE);
	rsg_bind_id(q, 0, &x->who->subject->id);
	rsg_bind_id(q, 1, &x->id);
	if (!is)
		return;
	rsg_bind_int(q, 2, x->who->subject->controller);
	rsg_bind_int(q, 3, last->due);
}

static enum rsg_err
stage(struct gift *x)
{
	struct rsg_worker *w = x->all->past.bulk.w;
	struct rsg_benefit_event ev;
	int64_t spent = x->before.cost;
	enum rsg_err e;

	for (size_t i = 0; i < STEPS; i++) {
		if (!x->takes[i])
			continue;
		fill(x, i, spent, &ev);
		spent += ev.cost;
		if ((e = rsg_benefit_append(rsg_stage(x->g->batch,
		    RSG_SQL_BENEFIT_INSERT), x->c, x->who->subject, w->now, &ev)) != RSG_OK)
			return e;
		if (ev.cost != 0 && (e = rsg_benefit_activity(w->arena, x->who->subject,
		    &(struct rsg_benefit_day){ .day = day_of(x, ev.time),
		    .cost = ev.cost })) != RSG_OK)
			return e;
		if ((e = rsg_benefit_push(&x->g->all, &ev)) != RSG_OK)
			return e;
	}
	stage_promise(x, &ev);
	return RSG_OK;
}

static enum rsg_err
write_gift(struct rsg_bulk *m, size_t at)
{
	struct gifts *all = m->own;
	struct gift x = { .all = all, .c = m->c, .line = m->line[at].group,
	    .code = &all->code[at] };
	bool any = false;
	enum rsg_err e;

	if ((e = read_times(&x)) != RSG_OK ||
	    (e = rsg_past_person(&all->past, at, &x.who)) != RSG_OK)
		return e;
	if (x.who->subject->h.state != RSG_STATE_ACTIVE)
		return RSG_SUBJECT_STATE;
	x.g = &x.who->giving;
	name(&x, all->past.line[at].record);
	/* As the ledger has it: what has lapsed since is another matter. */
	e = rsg_benefit_find(&x.g->all, &x.id, INT64_MIN, &x.before) == RSG_OK ?
	    go_on(&x) : begin(&x);
	if (e != RSG_OK || (e = plan(&x, &any)) != RSG_OK ||
	    (e = check_code(&x)) != RSG_OK)
		return e;
	if (x.offer != NULL)
		check_often(&x);
	if ((x.terms.flags & RSG_BENEFIT_OVER) != 0) {
		m->line[at].note = "over-limit";
		m->line[at].note_member = "incentive";
	}
	m->line[at].changed = any;
	return any ? stage(&x) : RSG_OK;
}

/* --- The whole message --- */

static enum rsg_err
read_offers(struct gifts *all, struct rsg_worker *w)
{
	const struct rsg_controller *k = all->past.bulk.k;
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_INCENTIVES);
	const struct rsg_result *rows;
	int n;
	enum rsg_err e;

	rsg_bind_int(b, 0, k->number);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	rows = rsg_db_result(w->db, n);
	all->offer = calloc((size_t)rsg_result_rows(rows) + 1, sizeof(*all->offer));
	if (all->offer == NULL)
		return RSG_NO_MEMORY;
	for (int row = 0; row < rsg_result_rows(rows); row++) {
		if ((e = rsg_incentive_row(w->vault->keys, w->policy, k->currency,
		    rows, row, &all->offer[all->noffers])) != RSG_OK)
			return e;
		all->noffers++;
	}
	return rsg_db_commit(w->db);
}

enum rsg_err
rsg_op_import_benefits(struct rsg_worker *w, struct rsg_call *c)
{
	static const struct rsg_bulkdef benefits = { .lines = RSG_F_OLD_BENEFITS,
	    .begin = rsg_past_begin, .read = read_line, .find = find,
	    .write = write_gift };
	struct gifts *all = calloc(1, sizeof(*all));
	enum rsg_err e;

	if (all == NULL)
		return RSG_NO_MEMORY;
	all->past.benefits = true;
	if ((e = rsg_past_open(&all->past, &benefits, w, c)) == RSG_OK &&
	    (e = read_offers(all, w)) == RSG_OK)
		e = rsg_bulk_run(&all->past.bulk);
	rsg_past_close(&all->past);
	for (size_t i = 0; i < all->noffers; i++)
		rsg_incentive_free(&all->offer[i]);
	free(all->offer);
	rsg_secret_wipe(all, sizeof(*all));
	free(all);
	return e;
}
