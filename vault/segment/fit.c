/*
 * fit.c - the calls about models: fit one, show it, list them; and the list
 * of segments. See model.h.
 */
#include <string.h>

#include "resguardo/clock.h"
#include "segment/model.h"
#include "segment/population.h"
#include "segment/zone.h"

#define MODELS_SHOWN	50
#define WINDOW_MAX	36525

static const char *const returns_names[] = {
	[RSG_RETURNS_GROSS] = "gross", [RSG_RETURNS_NET] = "net",
	[RSG_RETURNS_NET_DEDUP] = "net_dedup",
};

/* --- Answers --- */

static void
answer_cells(const struct rsg_model *m, uint32_t k, struct rsg_buf *out)
{
	uint32_t bins = m->cuts.bins;
	struct rsg_cells seen = m->cells;
	struct rsg_score s;
	size_t mark;

	rsg_cells_hide(&seen, k);
	for (uint32_t i = 0; i < bins * bins * bins; i++) {
		s = (struct rsg_score){ (uint8_t)(i / bins / bins + 1),
		    (uint8_t)(i / bins % bins + 1), (uint8_t)(i % bins + 1) };
		mark = rsg_msg_open(out, RSG_F_CELLS);
		rsg_msg_int(out, RSG_F_R, s.r);
		rsg_msg_int(out, RSG_F_F, s.f);
		rsg_msg_int(out, RSG_F_M, s.m);
		if (!seen.hidden[i])
			rsg_msg_int(out, RSG_F_COUNT, seen.n[i]);
		rsg_msg_close(out, mark);
	}
}

/* k 0: without cells. Recency limits are days, as people count them. */
static void
answer_model(const struct rsg_policy *policy, const struct rsg_model *m, uint32_t k,
    struct rsg_buf *out)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, m->purpose);

	rsg_msg_id(out, RSG_F_MODEL, &m->id);
	rsg_msg_text(out, RSG_F_PURPOSE, p != NULL ? p->id : "unknown");
	rsg_msg_int(out, RSG_F_AS_OF, m->window.as_of);
	rsg_msg_int(out, RSG_F_WINDOW, m->window.days);
	rsg_msg_text(out, RSG_F_ZONE, m->zone);
	rsg_msg_text(out, RSG_F_CURRENCY, m->currency);
	rsg_msg_text(out, RSG_F_RETURNS, returns_names[m->window.returns]);
	rsg_msg_int(out, RSG_F_BINS, m->cuts.bins);
	rsg_msg_int(out, RSG_F_POPULATION, (int64_t)m->population);
	rsg_msg_int(out, RSG_F_CREATED, m->created);
	for (uint32_t j = 0; j + 1 < m->cuts.bins; j++) {
		rsg_msg_int(out, RSG_F_CUTS_R, -m->cuts.r[j]);
		rsg_msg_int(out, RSG_F_CUTS_F, m->cuts.f[j]);
		rsg_msg_int(out, RSG_F_CUTS_M, m->cuts.m[j]);
	}
	if (k > 0)
		answer_cells(m, k, out);
}

/* Commit the entry, and with it whatever else was staged. */
static enum rsg_err
finish(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e = rsg_audit_commit(w, c);

	return e != RSG_OK ? e : rsg_buf_err(&c->out);
}

/* --- Fitting --- */

/* What was asked for, checked. */
static enum rsg_err
read_request(struct rsg_call *c, const struct rsg_controller *who, int64_t now,
    struct rsg_model *m)
{
	char returns[32];
	int64_t v;

	m->window.as_of = who->zone != NULL ? rsg_zone_day(who->zone, now) :
	    (int32_t)rsg_clock_day(now);
	v = rsg_msg_get_int(c->in, RSG_F_AS_OF, m->window.as_of);
	if (v < RSG_DAY_MIN || v > RSG_DAY_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "as_of", NULL);
	m->window.as_of = (int32_t)v;
	v = rsg_msg_get_int(c->in, RSG_F_WINDOW, 0);
	if (v < 0 || v > WINDOW_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "window_days", NULL);
	m->window.days = (int32_t)v;
	v = rsg_msg_get_int(c->in, RSG_F_BINS, 5);
	if (v < RSG_RFM_BINS_MIN || v > RSG_RFM_BINS_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "bins", NULL);
	m->cuts.bins = (uint32_t)v;
	m->window.returns = RSG_RETURNS_NET;
	if (!rsg_msg_get_text(c->in, RSG_F_RETURNS, returns, sizeof(returns)))
		return RSG_OK;
	for (int i = 0; i <= RSG_RETURNS_NET_DEDUP; i++)
		if (strcmp(returns, returns_names[i]) == 0) {
			m->window.returns = (enum rsg_returns)i;
			return RSG_OK;
		}
	return rsg_call_fail(c, RSG_BAD_VALUE, "returns", NULL);
}

static enum rsg_err
keep(void *ctx, unsigned thread, const struct rsg_scanned *s,
    const struct rsg_rfm *rfm)
{
	struct rsg_rfm *p = rsg_gather_take(ctx);

	(void)thread;
	(void)s;
	if (p == NULL)
		return RSG_TOO_LARGE;
	*p = *rfm;
	return RSG_OK;
}

static enum rsg_err
fit(struct rsg_worker *w, struct rsg_call *c, uint32_t k, struct rsg_model *m)
{
	struct rsg_population people = { .window = m->window, .each = keep };
	struct rsg_snapshot *snapshot = NULL;
	struct rsg_gather g = { 0 };
	const struct rsg_rfm *p;
	enum rsg_err e;

	rsg_population_ask(w, c, RSG_ACT_MODEL_FIT, m->purpose, &people);
	people.ctx = &g;
	if ((e = rsg_snapshot_open(w->vault->conninfo, &snapshot)) != RSG_OK ||
	    (e = rsg_gather_new(&g, sizeof(*p), snapshot)) != RSG_OK ||
	    (e = rsg_population_scan(w->vault, m->controller, snapshot,
	    &people)) != RSG_OK)
		goto done;
	p = (const struct rsg_rfm *)(const void *)g.p;
	m->population = atomic_load(&g.n);
	if (m->population == 0) {
		e = RSG_EMPTY_POPULATION;
		goto done;
	}
	/* Limits of a few people are a few people's figures. */
	if (m->population < k) {
		e = RSG_GROUP_TOO_SMALL;
		goto done;
	}
	if ((e = rsg_rfm_fit(p, m->population, m->cuts.bins, &m->cuts)) != RSG_OK)
		goto done;
	m->cells.bins = m->cuts.bins;
	for (size_t i = 0; i < m->population; i++)
		m->cells.n[rsg_cells_at(m->cuts.bins, rsg_rfm_score(&m->cuts, &p[i]))]++;
done:
	rsg_gather_free(&g);
	rsg_snapshot_close(snapshot);
	return e;
}

/* A refusal found after the policy had allowed: it is audited as one too. */
static enum rsg_err
refuse(struct rsg_call *c, enum rsg_err e)
{
	if (e == RSG_GROUP_TOO_SMALL || e == RSG_EMPTY_POPULATION)
		c->draft.decision = e;
	return e;
}

enum rsg_err
rsg_op_model_fit(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *who;
	const struct rsg_purposedef *p;
	struct rsg_model m = { .id = rsg_id_new(), .controller = c->actor.controller,
	    .created = w->now };
	struct rsg_answer answer;
	const uint8_t *name;
	enum rsg_err e;
	size_t len;

	if (!rsg_msg_get(c->in, RSG_F_PURPOSE, &name, &len) ||
	    (p = rsg_policy_purpose(w->policy, (const char *)name, len)) == NULL)
		return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
	if ((who = rsg_vault_controller(w->vault, c->actor.controller)) == NULL)
		return RSG_INTERNAL;
	if ((e = rsg_call_allowed(w, c, RSG_ACT_MODEL_FIT, p->number, NULL, 0, NULL,
	    &answer)) != RSG_OK || (e = read_request(c, who, w->now, &m)) != RSG_OK)
		return e;
	m.purpose = p->number;
	memcpy(m.zone, who->zone_name, sizeof(m.zone) - 1);
	memcpy(m.currency, who->currency, sizeof(m.currency) - 1);
	if ((e = fit(w, c, rsg_model_k(&answer), &m)) != RSG_OK)
		return refuse(c, e);
	/* Counted, not given out: no root over commitments to single people. */
	c->draft.people = (uint32_t)m.population;
	answer_model(w->policy, &m, rsg_model_k(&answer), &c->out);
	if ((e = rsg_model_stage(w, &m)) != RSG_OK)
		return e;
	return finish(w, c);
}

/* --- Reading --- */

/* Is the purpose one that the credential is registered for? */
static bool
registered(const struct rsg_actor *a, const char *id)
{
	size_t n = strlen(id), len;

	if (strcmp(a->purposes, "*") == 0)
		return true;
	for (const char *p = a->purposes; *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len == n && memcmp(p, id, n) == 0)
			return true;
	}
	return false;
}

/* Would the policy let the caller read about models for this purpose? */
static bool
may_read(struct rsg_worker *w, const struct rsg_call *c,
    const struct rsg_purposedef *p)
{
	struct rsg_population people;
	struct rsg_answer answer;

	if (!registered(&c->actor, p->id))
		return false;
	rsg_population_ask(w, c, RSG_ACT_MODEL_READ, p->number, &people);
	rsg_policy_decide(w->policy, &people.question, &answer);
	return answer.err == RSG_OK;
}

/*
 * These calls state no purpose: the caller's first that may read models is
 * meant, or the model's own. Without any the refusal names `prefer`.
 */
static enum rsg_err
allow_read(struct rsg_worker *w, struct rsg_call *c, uint16_t prefer,
    struct rsg_answer *answer)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, prefer);
	uint16_t purpose = prefer;

	if (p == NULL || !may_read(w, c, p)) {
		for (size_t i = 0; (p = rsg_policy_purpose_at(w->policy, i)) != NULL; i++)
			if (may_read(w, c, p)) {
				purpose = p->number;
				break;
			}
	}
	return rsg_call_allowed(w, c, RSG_ACT_MODEL_READ, purpose, NULL, 0, NULL,
	    answer);
}

/* Whoever is outside sees only what is for purposes of their own. */
static bool
visible(struct rsg_worker *w, const struct rsg_call *c, uint16_t purpose)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, purpose);

	return c->actor.recipient == 0 || (p != NULL && may_read(w, c, p));
}

enum rsg_err
rsg_op_model_show(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_answer answer;
	struct rsg_model m;
	struct rsg_id id;
	enum rsg_err e, found;

	if (!rsg_msg_get_id(c->in, RSG_F_MODEL, &id))
		return RSG_MALFORMED;
	found = rsg_model_load(w, &id, c->actor.controller, &m);
	if (found != RSG_OK && found != RSG_NOT_FOUND)
		return found;
	/* The refusal comes first: it tells nobody whether there is such a model. */
	e = allow_read(w, c, found == RSG_OK ? m.purpose : 0, &answer);
	if (e != RSG_OK)
		return e;
	if (found != RSG_OK || !visible(w, c, m.purpose)) {
		c->draft.decision = RSG_NOT_FOUND;
		return RSG_NOT_FOUND;
	}
	answer_model(w->policy, &m, rsg_model_k(&answer), &c->out);
	return finish(w, c);
}

enum rsg_err
rsg_op_model_list(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_answer answer;
	const struct rsg_result *r;
	struct rsg_model m;
	struct rsg_bind *b;
	enum rsg_err e;
	size_t mark;
	int at;

	if ((e = allow_read(w, c, 0, &answer)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_MODELS);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_int(b, 1, MODELS_SHOWN);
	at = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, at);
	for (int i = 0; i < rsg_result_rows(r); i++) {
		if ((e = rsg_model_get(w->vault->keys, r, i, &m)) != RSG_OK)
			return e;
		if (!visible(w, c, m.purpose))
			continue;
		mark = rsg_msg_open(&c->out, RSG_F_MODELS);
		answer_model(w->policy, &m, 0, &c->out);
		rsg_msg_close(&c->out, mark);
	}
	return finish(w, c);
}

enum rsg_err
rsg_op_segment_list(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_segmentdef *s;
	const struct rsg_purposedef *p;
	struct rsg_answer answer;
	enum rsg_err e;
	size_t mark;

	if ((e = allow_read(w, c, 0, &answer)) != RSG_OK)
		return e;
	for (size_t i = 0; (s = rsg_policy_segment_at(w->policy, i)) != NULL; i++) {
		p = rsg_policy_purpose_no(w->policy, s->purpose);
		if (p == NULL || !visible(w, c, s->purpose))
			continue;
		mark = rsg_msg_open(&c->out, RSG_F_SEGMENTS);
		rsg_msg_text(&c->out, RSG_F_SEGMENT, s->code);
		rsg_msg_text(&c->out, RSG_F_PURPOSE, p->id);
		/* "At risk" is a judgement, and stays inside. */
		if (c->actor.recipient == 0)
			rsg_msg_text(&c->out, RSG_F_TITLE, s->title[0]);
		rsg_msg_close(&c->out, mark);
	}
	return finish(w, c);
}
