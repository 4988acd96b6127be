/*
 * item.c - what an op does with its own part of a batch.
 */
#include <string.h>

#include "resguardo/log.h"
#include "subject/person.h"
#include "work/batch.h"
#include "work/vault.h"

/* --- What want() may ask for --- */

enum rsg_err
rsg_want_subject(struct rsg_item *it, const struct rsg_id *id)
{
	struct rsg_batch *b = it->batch;
	struct rsg_subject *s;

	for (size_t i = 0; i < b->nsubjects; i++)
		if (rsg_id_eq(&b->subject[i]->id, id)) {
			if (b->write)
				return rsg_call_fail(it->call, RSG_BUSY, NULL, NULL);
			it->subject = b->subject[i];
			return RSG_OK;
		}
	if ((s = rsg_arena_get(b->w->arena, sizeof(*s))) == NULL)
		return RSG_NO_MEMORY;
	s->id = *id;
	b->subject[b->nsubjects++] = s;
	it->subject = s;
	return RSG_OK;
}

enum rsg_err
rsg_want_field(struct rsg_item *it, uint16_t number)
{
	struct rsg_batch *b = it->batch;

	if (it->field == NULL && (it->field = rsg_arena_get(b->w->arena,
	    RSG_POLICY_FIELDS * sizeof(*it->field))) == NULL)
		return RSG_NO_MEMORY;
	if (it->nfields >= RSG_POLICY_FIELDS)
		return RSG_TOO_LARGE;
	it->field[it->nfields++] = number;
	for (size_t i = 0; i < b->nfields; i++)
		if (b->fields[i] == number)
			return RSG_OK;
	b->fields[b->nfields++] = number;
	return RSG_OK;
}

enum rsg_err
rsg_want_lookup(struct rsg_item *it, const struct rsg_fielddef *fd,
    const char *value, size_t len)
{
	struct rsg_wanted *l;
	struct rsg_buf form;
	enum rsg_err e;

	if (it->nlookups >= RSG_ITEM_LOOKUPS)
		return RSG_TOO_LARGE;
	l = &it->lookup[it->nlookups];
	rsg_buf_init(&form, RSG_VALUE_MAX);
	if ((e = rsg_value_index(fd, value, len, &form)) == RSG_OK &&
	    (e = rsg_vault_blind(it->batch->w, it->call->actor.controller,
	    fd->number, form.p, form.len, l->digest)) == RSG_OK) {
		l->field = fd;
		it->nlookups++;
	}
	rsg_buf_free(&form);
	return e;
}

struct rsg_bind *
rsg_want_rows(struct rsg_item *it, enum rsg_sql sql)
{
	struct rsg_batch *b = it->batch;

	if (b->ask[sql] == NULL)
		b->ask[sql] = rsg_db_bind(b->w->db, sql);
	return b->ask[sql];
}

const struct rsg_result *
rsg_item_rows(const struct rsg_item *it, enum rsg_sql sql)
{
	const struct rsg_batch *b = it->batch;

	return b->answer[sql] < 0 ? NULL : rsg_db_result(b->w->db, b->answer[sql]);
}

/* --- What apply() may do --- */

enum rsg_err
rsg_item_open(struct rsg_item *it)
{
	struct rsg_call *c = it->call;
	enum rsg_err e;

	if (it->subject->opened && it->subject->controller == c->actor.controller)
		return RSG_OK;
	if ((e = rsg_person_open(it->batch->w->vault->keys, it->subject,
	    c->actor.controller)) == RSG_OK)
		return RSG_OK;
	/* A denial like any other: it is audited, about nobody we may name. */
	c->draft.decision = e;
	c->audited = true;
	return rsg_call_fail(c, e, "subject", NULL);
}

struct rsg_standing
rsg_item_standing(const struct rsg_item *it)
{
	const struct rsg_subject *s = it->subject;

	return (struct rsg_standing){ .state = s->h.state, .grant = s->h.grant,
	    .ngrants = s->h.ngrants, .self = !rsg_id_nil(&it->call->actor.subject) &&
	    rsg_id_eq(&it->call->actor.subject, &s->id) };
}

enum rsg_err
rsg_item_allowed(struct rsg_item *it, enum rsg_action action, uint16_t purpose,
    const uint16_t *fields, size_t n, struct rsg_answer *answer)
{
	struct rsg_call *c = it->call;
	struct rsg_standing st = rsg_item_standing(it);

	c->draft.about = true;
	c->draft.subject = it->subject->id;
	memcpy(c->draft.evidence, it->subject->keys.key[RSG_KEY_EVIDENCE], RSG_KEY_LEN);
	return rsg_call_allowed(it->batch->w, c, action, purpose, fields, n, &st, answer);
}

enum rsg_err
rsg_item_value(struct rsg_item *it, uint16_t number, struct rsg_value *v)
{
	const struct rsg_batch *b = it->batch;
	const struct rsg_result *r;
	const uint8_t *sealed;
	struct rsg_id id;
	size_t len;

	if (number >= RSG_POLICY_FIELDS || !it->subject->h.field_present[number])
		return RSG_NOT_FOUND;
	r = b->fields_result < 0 ? NULL : rsg_db_result(b->w->db, b->fields_result);
	for (int row = 0; r != NULL && row < rsg_result_rows(r); row++) {
		if (rsg_result_int(r, row, 1) != number)
			continue;
		rsg_result_id(r, row, 0, &id);
		if (!rsg_id_eq(&id, &it->subject->id))
			continue;
		sealed = rsg_result_bytes(r, row, 3, &len);
		return rsg_person_value(b->w->arena, it->subject, number,
		    (uint32_t)rsg_result_int(r, row, 2), sealed, len, v);
	}
	/* The header says there is one, and it is gone: somebody removed it. */
	rsg_log(RSG_LOG_ERROR, "field.missing", "subject", RSG_LOG_ID,
	    &it->subject->id, "field", RSG_LOG_I, (int64_t)number, NULL);
	return RSG_TAMPERED;
}
