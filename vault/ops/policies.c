/*
 * What the active policy declares, and why it decides as it does; who the
 * caller is; whether the server can work.
 */
#include <stdio.h>
#include <string.h>

#include "audit/health.h"
#include "consent/notice.h"
#include "ops/ops.h"
#include "resguardo/clock.h"

enum rsg_err
rsg_op_ready(struct rsg_item *it)
{
	/* That this runs at all means: database, keys and policy are there. The
	 * log says so here when it is half way to closing the server. */
	const char *late = rsg_health_closed(rsg_clock_mono(), true);

	rsg_msg_bool(&it->call->out, RSG_F_READY, late == NULL);
	if (late != NULL)
		rsg_msg_text(&it->call->out, RSG_F_DETAIL, late);
	return RSG_OK;
}

static void
put_list(struct rsg_buf *out, enum rsg_field field, const char *list)
{
	for (const char *p = list; *p != '\0'; ) {
		size_t len = strcspn(p, ",");

		if (len > 0 && !(len == 1 && *p == '*'))
			rsg_msg_bytes(out, field, p, len);
		p += len + (p[len] == ',');
	}
}

enum rsg_err
rsg_op_me(struct rsg_item *it)
{
	const struct rsg_actor *a = &it->call->actor;
	const struct rsg_controller *k =
	    rsg_vault_controller(it->batch->w->vault, a->controller);
	struct rsg_buf *out = &it->call->out;

	rsg_msg_text(out, RSG_F_NAME, a->name);
	rsg_msg_text(out, RSG_F_ROLE, a->role);
	rsg_msg_text(out, RSG_F_CONTROLLER, k == NULL ? "unknown" : k->name);
	if (a->recipient != 0)
		rsg_msg_text(out, RSG_F_RECIPIENT, a->recipient_name);
	if (!rsg_id_nil(&a->subject))
		rsg_msg_id(out, RSG_F_SUBJECT, &a->subject);
	put_list(out, RSG_F_PURPOSES, a->purposes);
	if (a->expires != 0)
		rsg_msg_int(out, RSG_F_EXPIRES, a->expires);
	return rsg_buf_err(out);
}

enum rsg_err
rsg_op_policy_show(struct rsg_item *it)
{
	const struct rsg_policy *policy = it->batch->w->policy;
	enum rsg_lang lang = rsg_call_language(it->call);
	struct rsg_buf *out = &it->call->out;
	const struct rsg_purposedef *p;
	const struct rsg_fielddef *f;
	size_t mark;

	rsg_msg_bytes(out, RSG_F_POLICY, rsg_policy_hash(policy), RSG_POLICY_HASH);
	for (size_t i = 0; (p = rsg_policy_purpose_at(policy, i)) != NULL; i++) {
		mark = rsg_msg_open(out, RSG_F_PURPOSE_LIST);
		rsg_msg_text(out, RSG_F_PURPOSE, p->id);
		rsg_msg_text(out, RSG_F_TITLE, p->title[lang]);
		rsg_msg_text(out, RSG_F_BASIS, p->basis);
		rsg_msg_close(out, mark);
	}
	for (size_t i = 0; (f = rsg_policy_field_at(policy, i)) != NULL; i++) {
		mark = rsg_msg_open(out, RSG_F_FIELD_LIST);
		rsg_msg_text(out, RSG_F_FIELD, f->id);
		rsg_msg_text(out, RSG_F_TITLE, f->title[lang]);
		rsg_msg_close(out, mark);
	}
	return rsg_buf_err(out);
}

/*
 * The list states no purpose, and rules about models are for purposes: any
 * that lets the caller read about models will do.
 */
static enum rsg_err
allow_any(struct rsg_item *it, struct rsg_answer *answer)
{
	struct rsg_call *c = it->call;
	const struct rsg_purposedef *p;
	enum rsg_err e;

	for (size_t i = 0; (p = rsg_policy_purpose_at(it->batch->w->policy, i)) != NULL;
	    i++) {
		e = rsg_call_allowed(it->batch->w, c, RSG_ACT_MODEL_READ, p->number,
		    NULL, 0, NULL, answer);
		if (e == RSG_OK || e == RSG_RATE_LIMITED)
			return e;
		/* Not this one: as if it had not been asked about. */
		c->status = RSG_OK;
		c->member[0] = c->clause[0] = '\0';
	}
	return rsg_call_allowed(it->batch->w, c, RSG_ACT_MODEL_READ, 0, NULL, 0, NULL,
	    answer);
}

enum rsg_err
rsg_op_segments(struct rsg_item *it)
{
	const struct rsg_policy *policy = it->batch->w->policy;
	struct rsg_buf *out = &it->call->out;
	const struct rsg_segmentdef *s;
	struct rsg_answer answer;
	bool inside = it->call->actor.recipient == 0;
	enum rsg_err e;

	if ((e = allow_any(it, &answer)) != RSG_OK)
		return e;
	for (size_t i = 0; (s = rsg_policy_segment_at(policy, i)) != NULL; i++) {
		const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, s->purpose);
		size_t mark = rsg_msg_open(out, RSG_F_SEGMENTS);

		rsg_msg_text(out, RSG_F_SEGMENT, s->code);
		rsg_msg_text(out, RSG_F_PURPOSE, p->id);
		/* A name such as "at risk" is a judgement: it stays inside. */
		if (inside)
			rsg_msg_text(out, RSG_F_TITLE, s->title[rsg_call_language(it->call)]);
		rsg_msg_close(out, mark);
	}
	return rsg_buf_err(out);
}

/* --- Explain --- */

struct explain {
	char role[32], recipient[64];
	enum rsg_action action;
	uint16_t purpose;
	uint16_t field[RSG_POLICY_FIELDS];
	size_t n;
};

static enum rsg_err
explain_fields(struct rsg_item *it, struct explain *x)
{
	const struct rsg_fielddef *f;
	const uint8_t *p;
	enum rsg_field field;
	size_t pos = 0, len;

	while (rsg_msg_next(it->call->in, &pos, &field, &p, &len)) {
		if (field != RSG_F_FIELDS)
			continue;
		f = rsg_policy_field(it->batch->w->policy, (const char *)p, len);
		if (f == NULL || x->n == RSG_POLICY_FIELDS)
			return rsg_call_fail(it->call, RSG_UNKNOWN_FIELD, "fields", NULL);
		x->field[x->n++] = f->number;
	}
	return RSG_OK;
}

enum rsg_err
rsg_op_explain_want(struct rsg_item *it)
{
	struct explain *x = rsg_arena_get(it->batch->w->arena, sizeof(*x));
	struct rsg_id id;
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	if (x == NULL)
		return RSG_NO_MEMORY;
	it->scratch = x;
	(void)rsg_msg_get_text(it->call->in, RSG_F_ROLE, x->role, sizeof(x->role));
	(void)rsg_msg_get_text(it->call->in, RSG_F_RECIPIENT, x->recipient,
	    sizeof(x->recipient));
	if (!rsg_policy_role(it->batch->w->policy, x->role, strlen(x->role)))
		return rsg_call_fail(it->call, RSG_BAD_VALUE, "role", NULL);
	(void)rsg_msg_get(it->call->in, RSG_F_ACTION, &p, &len);
	if ((x->action = rsg_action_find((const char *)p, len)) == 0)
		return rsg_call_fail(it->call, RSG_BAD_VALUE, "action", NULL);
	if ((e = rsg_call_purpose(it->batch->w, it->call, RSG_ACT_EXPLAIN,
	    &x->purpose)) != RSG_OK || (e = explain_fields(it, x)) != RSG_OK)
		return e;
	return rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id) ?
	    rsg_want_subject(it, &id) : RSG_OK;
}

/*
 * May this caller ask? A person makes it a look at their consents too, so it
 * stands in that person's audit.
 */
static enum rsg_err
explain_allowed(struct rsg_item *it)
{
	struct rsg_answer mine;
	uint16_t purpose = rsg_policy_default(it->batch->w->policy, RSG_ACT_EXPLAIN);
	enum rsg_err e;

	if (it->subject == NULL)
		return rsg_call_allowed(it->batch->w, it->call, RSG_ACT_EXPLAIN,
		    purpose, NULL, 0, NULL, &mine);
	if ((e = rsg_item_open(it)) != RSG_OK)
		return e;
	return rsg_item_allowed(it, RSG_ACT_EXPLAIN, purpose, NULL, 0, &mine);
}

enum rsg_err
rsg_op_explain(struct rsg_item *it)
{
	struct explain *x = it->scratch;
	const struct rsg_policy *policy = it->batch->w->policy;
	struct rsg_buf *out = &it->call->out;
	struct rsg_standing st;
	struct rsg_question q = { .role = x->role, .action = x->action,
	    .recipient = x->recipient[0] == '\0' ? NULL : x->recipient,
	    .purpose = x->purpose, .field = x->field, .nfields = x->n,
	    .staff = true, .place = true, .reason = true, .now = it->batch->w->now };
	struct rsg_answer a;
	enum rsg_err e;

	if ((e = explain_allowed(it)) != RSG_OK)
		return e;
	if (it->subject != NULL) {
		st = rsg_item_standing(it);
		st.self = strcmp(x->role, "customer") == 0;
		q.standing = &st;
	}
	q.again = rsg_notices_again(it->batch->w->notices,
	    it->call->actor.controller, &q.nagain);
	rsg_policy_decide(policy, &q, &a);
	rsg_msg_text(out, RSG_F_DECISION, a.err == RSG_OK ? "allow" : "deny");
	rsg_msg_text(out, RSG_F_CLAUSE, a.clause);
	for (size_t i = 0; i < x->n; i++) {
		uint16_t n = x->field[i];
		size_t mark = rsg_msg_open(out, RSG_F_ANSWERS);

		rsg_msg_text(out, RSG_F_FIELD, rsg_policy_field_no(policy, n)->id);
		rsg_msg_text(out, RSG_F_TRANSFORM,
		    rsg_transform_name((enum rsg_transform)a.transform[n]));
		rsg_msg_text(out, RSG_F_CLAUSE, a.why[n] == NULL ? a.clause : a.why[n]);
		rsg_msg_close(out, mark);
	}
	return rsg_buf_err(out);
}
