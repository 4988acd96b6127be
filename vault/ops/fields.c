#include <stdio.h>
#include <string.h>

#include "ops/fields.h"
#include "resguardo/clock.h"
#include "work/vault.h"

/* "fields.email": the name of a member, never its value. */
static enum rsg_err
fail_at(struct rsg_call *c, enum rsg_err e, const uint8_t *name, size_t len)
{
	char member[96];

	snprintf(member, sizeof(member), "fields.%.*s", (int)(len > 64 ? 64 : len),
	    (const char *)name);
	return rsg_call_fail(c, e, member, NULL);
}

static enum rsg_err
accept_value(struct rsg_worker *w, uint32_t controller, struct rsg_intake_value *v,
    const uint8_t *text, size_t len)
{
	struct rsg_buf form;
	char *copy;
	enum rsg_err e;

	rsg_buf_init(&form, RSG_VALUE_MAX);
	if ((e = rsg_value_accept(v->field, (const char *)text, len, &form)) != RSG_OK ||
	    (e = rsg_buf_err(&form)) != RSG_OK)
		goto done;
	if ((copy = rsg_arena_get(w->arena, form.len + 1)) == NULL) {
		e = RSG_TOO_LARGE;
		goto done;
	}
	memcpy(copy, form.p, form.len);
	v->text = copy;
	v->len = form.len;
	if (!v->field->searchable)
		goto done;
	rsg_buf_reset(&form);
	if ((e = rsg_value_index(v->field, v->text, v->len, &form)) == RSG_OK)
		e = rsg_vault_blind(w, controller, v->field->number, form.p,
		    form.len, v->digest);
done:
	rsg_buf_free(&form);
	return e;
}

static enum rsg_err
read_pair(struct rsg_worker *w, struct rsg_call *c, struct rsg_fields pair,
    uint32_t controller, struct rsg_intake *in)
{
	struct rsg_intake_value *v = &in->value[in->n];
	const uint8_t *key, *text;
	size_t nkey, ntext;
	enum rsg_err e;

	(void)rsg_msg_get(pair, RSG_F_KEY, &key, &nkey);
	memset(v, 0, sizeof(*v));
	v->field = rsg_policy_field(w->policy, (const char *)key, nkey);
	if (v->field == NULL)
		return fail_at(c, RSG_UNKNOWN_FIELD, key, nkey);
	for (size_t i = 0; i < in->n; i++)
		if (in->value[i].field == v->field)
			return fail_at(c, RSG_BAD_VALUE, key, nkey);
	if (rsg_msg_get(pair, RSG_F_VALUE, &text, &ntext) &&
	    (e = accept_value(w, controller, v, text, ntext)) != RSG_OK)
		return fail_at(c, e, key, nkey);
	in->number[in->n++] = v->field->number;
	return RSG_OK;
}

enum rsg_err
rsg_intake_read(struct rsg_worker *w, struct rsg_call *c, struct rsg_fields from,
    uint32_t controller, struct rsg_intake *in)
{
	struct rsg_fields pair;
	const uint8_t *source;
	size_t pos = 0, len;
	enum rsg_err e;

	memset(in, 0, sizeof(*in));
	in->source = rsg_id_nil(&c->actor.subject) ? RSG_SOURCE_STAFF : RSG_SOURCE_SELF;
	if (rsg_msg_get(from, RSG_F_SOURCE, &source, &len) &&
	    (in->source = (enum rsg_source)rsg_source_find((const char *)source, len)) == 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "source", NULL);
	in->collected = rsg_msg_get_int(from, RSG_F_COLLECTED, w->now);
	if (in->collected > w->now)
		return rsg_call_fail(c, RSG_BAD_VALUE, "collected", NULL);
	(void)rsg_msg_get_text(from, RSG_F_NOTICE, in->notice, sizeof(in->notice));
	while (rsg_msg_each(from, &pos, RSG_F_VALUES, &pair)) {
		if (in->n == RSG_INTAKE_MAX)
			return rsg_call_fail(c, RSG_TOO_LARGE, "fields", NULL);
		if ((e = read_pair(w, c, pair, controller, in)) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

static void
stage_lookup(struct rsg_batch *b, struct rsg_subject *s,
    const struct rsg_intake_value *v)
{
	static const struct rsg_id unique;
	struct rsg_bind *q;

	if (!s->fresh) {
		q = rsg_stage(b, RSG_SQL_LOOKUP_DELETE);
		rsg_bind_id(q, 0, &s->id);
		rsg_bind_int(q, 1, v->field->number);
	}
	if (v->text == NULL)
		return;
	q = rsg_stage(b, RSG_SQL_LOOKUP_INSERT);
	rsg_bind_int(q, 0, s->controller);
	rsg_bind_int(q, 1, v->field->number);
	rsg_bind_bytes(q, 2, v->digest, sizeof(v->digest));
	rsg_bind_id(q, 3, v->field->unique ? &unique : &s->id);
	rsg_bind_id(q, 4, &s->id);
}

enum rsg_err
rsg_intake_stage(struct rsg_batch *b, struct rsg_subject *s,
    const struct rsg_intake *in)
{
	int64_t today = rsg_clock_day(b->w->now);
	struct rsg_buf sealed;
	struct rsg_bind *q;
	enum rsg_err e = RSG_OK;

	rsg_buf_init(&sealed, 2 * RSG_VALUE_MAX);
	for (size_t i = 0; i < in->n && e == RSG_OK; i++) {
		const struct rsg_intake_value *v = &in->value[i];

		rsg_buf_reset(&sealed);
		e = rsg_person_seal_field(s, v->field, in->source, in->collected,
		    in->notice, v->text, v->len, today, &sealed);
		if (e != RSG_OK)
			break;
		q = rsg_stage(b, RSG_SQL_FIELD_INSERT);
		rsg_bind_id(q, 0, &s->id);
		rsg_bind_int(q, 1, v->field->number);
		rsg_bind_int(q, 2, s->h.field_version[v->field->number]);
		rsg_bind_bytes(q, 3, sealed.p, sealed.len);
		if (v->field->searchable)
			stage_lookup(b, s, v);
	}
	rsg_buf_free(&sealed);
	return e;
}
