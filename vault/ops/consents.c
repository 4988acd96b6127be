#include <string.h>

#include "ops/consents.h"
#include "ops/ops.h"

static const char *
text_of(struct rsg_worker *w, struct rsg_fields f, enum rsg_field field)
{
	const uint8_t *p;
	char *copy;
	size_t len;

	if (!rsg_msg_get(f, field, &p, &len) ||
	    (copy = rsg_arena_get(w->arena, len + 1)) == NULL)
		return NULL;
	memcpy(copy, p, len);
	return copy;
}

enum rsg_err
rsg_consent_read(struct rsg_worker *w, struct rsg_call *c, struct rsg_fields f,
    struct rsg_consent *ev)
{
	const struct rsg_purposedef *p;
	const uint8_t *s;
	size_t len;
	int channel = RSG_CHANNEL_NONE;

	memset(ev, 0, sizeof(*ev));
	if (!rsg_msg_get(f, RSG_F_PURPOSE, &s, &len) ||
	    (p = rsg_policy_purpose(w->policy, (const char *)s, len)) == NULL)
		return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
	if (!rsg_msg_get(f, RSG_F_DECISION, &s, &len) ||
	    (ev->status = rsg_ledger_status((const char *)s, len)) == RSG_STATUS_UNKNOWN)
		return rsg_call_fail(c, RSG_BAD_VALUE, "decision", NULL);
	if (rsg_msg_get(f, RSG_F_CHANNEL, &s, &len) &&
	    (channel = rsg_channel_find((const char *)s, len)) < 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "channel", NULL);
	ev->purpose = p->number;
	ev->channel = (enum rsg_channel)channel;
	ev->time = rsg_msg_get_int(f, RSG_F_TIME, w->now);
	if (ev->time > w->now)
		return rsg_call_fail(c, RSG_BAD_VALUE, "time", NULL);
	ev->notice = text_of(w, f, RSG_F_NOTICE);
	ev->language = text_of(w, f, RSG_F_LANGUAGE);
	ev->method = text_of(w, f, RSG_F_METHOD);
	ev->gpc = rsg_msg_get_int(c->in, RSG_F_GPC, 0) != 0;
	return RSG_OK;
}

enum rsg_err
rsg_op_consent_write_want(struct rsg_item *it)
{
	struct rsg_consent *ev = rsg_arena_get(it->batch->w->arena, sizeof(*ev));
	struct rsg_id id;
	enum rsg_err e;

	if (ev == NULL)
		return RSG_NO_MEMORY;
	it->scratch = ev;
	if ((e = rsg_consent_read(it->batch->w, it->call, it->call->in, ev)) != RSG_OK)
		return e;
	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	return rsg_want_subject(it, &id);
}

enum rsg_err
rsg_op_consent_write(struct rsg_item *it)
{
	const struct rsg_consent *ev = it->scratch;
	struct rsg_subject *s = it->subject;
	struct rsg_answer answer;
	int64_t sequence;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_CONSENT_WRITE, ev->purpose, NULL, 0,
	    &answer)) != RSG_OK)
		return e;
	sequence = it->number;
	if (!it->replay) {
		e = rsg_ledger_append(it->batch, it->call, s, ev);
		if (e != RSG_OK)
			return e;
		sequence = s->h.consent.count;
		rsg_stage_idempotency(it, &s->id, sequence);
	}
	rsg_msg_id(&it->call->out, RSG_F_SUBJECT, &s->id);
	rsg_msg_int(&it->call->out, RSG_F_SEQUENCE, sequence);
	rsg_msg_text(&it->call->out, RSG_F_STATUS, rsg_status_name(ev->status));
	return rsg_buf_err(&it->call->out);
}

enum rsg_err
rsg_op_consent_state_want(struct rsg_item *it)
{
	struct rsg_id id;

	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	return rsg_want_subject(it, &id);
}

enum rsg_err
rsg_op_consent_state(struct rsg_item *it)
{
	const struct rsg_policy *policy = it->batch->w->policy;
	struct rsg_buf *out = &it->call->out;
	const struct rsg_header *h;
	struct rsg_answer answer;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_CONSENT_READ, 0, NULL, 0,
	    &answer)) != RSG_OK)
		return e;
	h = &it->subject->h;
	rsg_msg_id(out, RSG_F_SUBJECT, &it->subject->id);
	for (size_t i = 0; i < h->ngrants; i++) {
		const struct rsg_grant *g = &h->grant[i];
		const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, g->purpose);
		size_t mark = rsg_msg_open(out, RSG_F_GRANTS);

		rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
		if (g->channel != RSG_CHANNEL_NONE)
			rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(g->channel));
		rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(g->status));
		rsg_msg_int(out, RSG_F_SINCE, g->since);
		if (g->until != 0)
			rsg_msg_int(out, RSG_F_UNTIL, g->until);
		rsg_msg_close(out, mark);
	}
	return rsg_buf_err(out);
}
