/*
 * members.c - the call that gives a recipient the members of a segment: makes
 * a release where no cursor comes with it, and serves a page of one.
 */
#include <stdio.h>
#include <string.h>

#include "segment/release.h"
#include "work/vault.h"

/* A refusal of ours, after the policy had allowed: audited as one all the same. */
static enum rsg_err
deny(struct rsg_call *c, const char *clause)
{
	c->draft.decision = RSG_DENIED;
	(void)snprintf(c->draft.clause, sizeof(c->draft.clause), "%s", clause);
	return rsg_call_fail(c, RSG_DENIED, NULL, clause);
}

enum rsg_err
rsg_release_allowed(struct rsg_worker *w, struct rsg_call *c, enum rsg_action action,
    uint16_t purpose, struct rsg_answer *a)
{
	enum rsg_err e;

	e = rsg_call_allowed(w, c, action, purpose, NULL, 0, NULL, a);
	if (e != RSG_OK)
		return e;
	if (c->actor.recipient == 0)
		return deny(c, "recipient:none");
	if (c->actor.contract_until != 0 && c->actor.contract_until <= w->now)
		return deny(c, "contract:expired");
	return RSG_OK;
}

/* --- What is asked for --- */

static enum rsg_err
read_score(struct rsg_call *c, enum rsg_field f, uint8_t *least, uint8_t *most)
{
	int64_t v = rsg_msg_get_int(c->in, f, 0);

	if (!rsg_msg_has(c->in, f))
		return RSG_OK;
	if (v < 1 || v > RSG_RFM_BINS_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, rsg_msg_field(f)->json, NULL);
	/* One score of those that the segment has, or of all. */
	if (v > *least)
		*least = (uint8_t)v;
	if (v < *most)
		*most = (uint8_t)v;
	return RSG_OK;
}

static enum rsg_err
read_range(struct rsg_call *c, const struct rsg_segmentdef *s, struct rsg_release *r)
{
	struct rsg_cellrange *a = &r->range;
	enum rsg_err e;

	*a = (struct rsg_cellrange){ 1, RSG_RFM_BINS_MAX, 1, RSG_RFM_BINS_MAX, 1,
	    RSG_RFM_BINS_MAX };
	if (s != NULL) {
		*a = (struct rsg_cellrange){ s->r_min, s->r_max, s->f_min, s->f_max,
		    s->m_min, s->m_max };
		(void)snprintf(r->segment, sizeof(r->segment), "%s", s->code);
	}
	if ((e = read_score(c, RSG_F_R, &a->r_min, &a->r_max)) != RSG_OK ||
	    (e = read_score(c, RSG_F_F, &a->f_min, &a->f_max)) != RSG_OK)
		return e;
	return read_score(c, RSG_F_M, &a->m_min, &a->m_max);
}

/* The purpose named, the segment's, or what the policy means by none. */
static enum rsg_err
read_purpose(struct rsg_worker *w, struct rsg_call *c,
    const struct rsg_segmentdef *s, uint16_t *purpose)
{
	const struct rsg_purposedef *p;
	const uint8_t *name;
	size_t len;

	*purpose = s != NULL ? s->purpose :
	    rsg_policy_default(w->policy, RSG_ACT_RELEASE);
	if (rsg_msg_get(c->in, RSG_F_PURPOSE, &name, &len)) {
		p = rsg_policy_purpose(w->policy, (const char *)name, len);
		if (p == NULL)
			return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
		*purpose = p->number;
	}
	if (*purpose == 0)
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "purpose", NULL);
	return RSG_OK;
}

static enum rsg_err
make(struct rsg_worker *w, struct rsg_call *c, struct rsg_id *id)
{
	struct rsg_release r = { .id = rsg_id_new(), .controller = c->actor.controller,
	    .recipient = c->actor.recipient, .created = w->now,
	    .epoch = c->actor.epoch, .format = RSG_RELEASE_FORMAT };
	const struct rsg_segmentdef *s = NULL;
	struct rsg_answer a;
	const uint8_t *code;
	enum rsg_err e;
	size_t len;

	if (rsg_msg_get(c->in, RSG_F_SEGMENT, &code, &len) &&
	    (s = rsg_policy_segment(w->policy, (const char *)code, len)) == NULL)
		return rsg_call_fail(c, RSG_NOT_FOUND, "segment", NULL);
	if (!rsg_msg_get_id(c->in, RSG_F_MODEL, &r.model))
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "model", NULL);
	if ((e = read_purpose(w, c, s, &r.purpose)) != RSG_OK ||
	    (e = rsg_release_allowed(w, c, RSG_ACT_RELEASE, r.purpose,
	    &a)) != RSG_OK)
		return e;
	/* A segment is defined for its purpose, and used for no other. */
	if (s != NULL && s->purpose != r.purpose)
		return deny(c, "segment:purpose");
	r.k = rsg_model_k(&a);
	if ((e = read_range(c, s, &r)) != RSG_OK ||
	    (e = rsg_release_make(w, c, &r)) != RSG_OK)
		return e;
	*id = r.id;
	return RSG_OK;
}

/* --- Serving --- */

static enum rsg_err
give(struct rsg_worker *w, struct rsg_call *c, const struct rsg_id *id,
    uint32_t number, bool made)
{
	struct rsg_page page = { 0 };
	struct rsg_answer a;
	struct rsg_id model;
	enum rsg_err e;

	if ((e = rsg_page_open(w, c, id, number, &page)) != RSG_OK)
		goto done;
	if (!made) {
		if (page.release.ask.purpose != 0 ||
		    !rsg_msg_get_id(c->in, RSG_F_MODEL, &model) ||
		    !rsg_id_eq(&model, &page.release.model)) {
			e = RSG_BAD_CURSOR;
			goto done;
		}
		if ((e = rsg_release_allowed(w, c, RSG_ACT_RELEASE, page.release.purpose,
		    &a)) != RSG_OK)
			goto done;
	}
	e = rsg_page_give(w, c, &page);
done:
	rsg_page_close(&page);
	return e;
}

enum rsg_err
rsg_op_members(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e;
	struct rsg_id id;
	uint32_t number = 0;
	bool made = false;

	if (rsg_msg_has(c->in, RSG_F_CURSOR)) {
		if ((e = rsg_cursor_get(c, w->vault->keys, w->now, &id, &number)) != RSG_OK)
			return rsg_call_fail(c, e, "cursor", NULL);
		return give(w, c, &id, number, made);
	}
	if ((e = make(w, c, &id)) != RSG_OK)
		return e;
	made = true;
	e = give(w, c, &id, 0, made);
	/* It stands: to run the call again would make another. */
	return e == RSG_CONFLICT ? RSG_UNAVAILABLE : e;
}
