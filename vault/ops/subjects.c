/*
 * Reading a person's fields for a purpose, looking people up, creating and
 * changing them.
 */
#include <stdio.h>
#include <string.h>

#include "ops/consents.h"
#include "ops/fields.h"
#include "ops/ops.h"
#include "ops/relations.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/vault.h"

#define CONSENTS_MAX	32

/* --- Read --- */

struct read {
	uint16_t purpose;
	uint16_t number[RSG_POLICY_FIELDS];
	size_t n;
};

static enum rsg_err
read_names(struct rsg_item *it, struct read *r)
{
	const struct rsg_policy *policy = it->batch->w->policy;
	const struct rsg_fielddef *f;
	const uint8_t *name;
	enum rsg_field field;
	size_t pos = 0, len;

	while (rsg_msg_next(it->call->in, &pos, &field, &name, &len)) {
		if (field != RSG_F_FIELDS)
			continue;
		f = rsg_policy_field(policy, (const char *)name, len);
		if (f == NULL)
			return rsg_call_fail(it->call, RSG_UNKNOWN_FIELD, "fields", NULL);
		if (r->n == RSG_POLICY_FIELDS)
			return rsg_call_fail(it->call, RSG_TOO_LARGE, "fields", NULL);
		r->number[r->n++] = f->number;
	}
	for (size_t i = 0, all = r->n == 0; all &&
	    (f = rsg_policy_field_at(policy, i)) != NULL; i++)
		r->number[r->n++] = f->number;
	return RSG_OK;
}

enum rsg_err
rsg_op_read_want(struct rsg_item *it)
{
	struct read *r = rsg_arena_get(it->batch->w->arena, sizeof(*r));
	struct rsg_id id;
	enum rsg_err e;

	if (r == NULL)
		return RSG_NO_MEMORY;
	it->scratch = r;
	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_call_purpose(it->batch->w, it->call, RSG_ACT_READ,
	    &r->purpose)) != RSG_OK || (e = read_names(it, r)) != RSG_OK ||
	    (e = rsg_want_subject(it, &id)) != RSG_OK)
		return e;
	for (size_t i = 0; i < r->n && e == RSG_OK; i++)
		e = rsg_want_field(it, r->number[i]);
	return e;
}

static void
put_pair(struct rsg_buf *out, enum rsg_field list, const char *key,
    const void *value, size_t len)
{
	size_t mark = rsg_msg_open(out, list);

	rsg_msg_text(out, RSG_F_KEY, key);
	if (value != NULL)
		rsg_msg_bytes(out, RSG_F_VALUE, value, len);
	rsg_msg_close(out, mark);
}

static enum rsg_err
show(struct rsg_item *it, uint16_t number, enum rsg_transform t, int64_t today)
{
	const struct rsg_fielddef *f = rsg_policy_field_no(it->batch->w->policy, number);
	struct rsg_value v;
	struct rsg_buf shown;
	enum rsg_err e = rsg_item_value(it, number, &v);

	if (e == RSG_NOT_FOUND) {
		put_pair(&it->call->out, RSG_F_VALUES, f->id, NULL, 0);
		return RSG_OK;
	}
	if (e != RSG_OK)
		return e;
	if (t == RSG_TR_CLEAR) {
		put_pair(&it->call->out, RSG_F_VALUES, f->id, v.text, v.len);
		return RSG_OK;
	}
	rsg_buf_init(&shown, RSG_VALUE_MAX);
	if ((e = rsg_value_show(f, t, v.text, v.len, today, &shown)) == RSG_OK &&
	    (e = rsg_buf_err(&shown)) == RSG_OK)
		put_pair(&it->call->out, RSG_F_VALUES, f->id,
		    shown.len == 0 ? (const void *)"" : shown.p, shown.len);
	rsg_buf_free(&shown);
	return e;
}

enum rsg_err
rsg_op_read(struct rsg_item *it)
{
	const struct read *r = it->scratch;
	struct rsg_call *c = it->call;
	int64_t today = rsg_clock_day(it->batch->w->now);
	struct rsg_answer answer;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_READ, r->purpose, r->number, r->n,
	    &answer)) != RSG_OK || (e = rsg_consent_gpc_read(it)) != RSG_OK)
		return e;
	rsg_msg_id(&c->out, RSG_F_SUBJECT, &it->subject->id);
	rsg_msg_int(&c->out, RSG_F_VERSION, it->subject->version + it->subject->dirty);
	c->draft.nfields = 0;
	for (size_t i = 0; i < r->n; i++) {
		uint16_t n = r->number[i];

		if (answer.transform[n] == RSG_TR_NONE) {
			const char *why = answer.why[n] == NULL ? "default-deny" : answer.why[n];

			put_pair(&c->out, RSG_F_WITHHELD,
			    rsg_policy_field_no(it->batch->w->policy, n)->id, why, strlen(why));
			continue;
		}
		/* The entry names what was given, not what was asked for. */
		c->draft.field[c->draft.nfields++] = n;
		if ((e = show(it, n, answer.transform[n], today)) != RSG_OK)
			return e;
	}
	return rsg_buf_err(&c->out);
}

/* --- Look up --- */

enum rsg_err
rsg_op_lookup_want(struct rsg_item *it)
{
	uint16_t *purpose = rsg_arena_get(it->batch->w->arena, sizeof(*purpose));
	const struct rsg_fielddef *f;
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	if (purpose == NULL)
		return RSG_NO_MEMORY;
	it->scratch = purpose;
	if ((e = rsg_call_purpose(it->batch->w, it->call, RSG_ACT_LOOKUP, purpose)) != RSG_OK)
		return e;
	(void)rsg_msg_get(it->call->in, RSG_F_FIELD, &p, &len);
	f = rsg_policy_field(it->batch->w->policy, (const char *)p, len);
	if (f == NULL || !f->searchable)
		return rsg_call_fail(it->call, RSG_UNKNOWN_FIELD, "field", NULL);
	(void)rsg_msg_get(it->call->in, RSG_F_VALUE, &p, &len);
	if ((e = rsg_want_lookup(it, f, (const char *)p, len)) != RSG_OK)
		return rsg_call_fail(it->call, e, "value", NULL);
	return RSG_OK;
}

/*
 * Is this the person whom the digest stands for? A row of lookup could have
 * been pointed at somebody else: the sealed value has to agree.
 */
static enum rsg_err
verify_hit(struct rsg_item *it, const struct rsg_wanted *l, int row,
    struct rsg_subject **out)
{
	struct rsg_batch *b = it->batch;
	const struct rsg_result *r = rsg_db_result(b->w->db, b->lookups_result);
	struct rsg_subject *s = rsg_arena_get(b->w->arena, sizeof(*s));
	uint8_t digest[RSG_DIGEST_LEN];
	const uint8_t *sealed;
	struct rsg_value v;
	struct rsg_buf form;
	size_t len;
	enum rsg_err e;

	if (s == NULL)
		return RSG_NO_MEMORY;
	rsg_result_id(r, row, 1, &s->id);
	rsg_person_row(s, r, row, 2);
	if ((e = rsg_person_open(b->w->vault->keys, s, it->call->actor.controller)) != RSG_OK)
		return e;
	sealed = rsg_result_bytes(r, row, 9, &len);
	e = rsg_person_value(b->w->arena, s, l->field->number,
	    (uint32_t)rsg_result_int(r, row, 8), sealed, len, &v);
	if (e == RSG_OK) {
		rsg_buf_init(&form, RSG_VALUE_MAX);
		if ((e = rsg_value_index(l->field, v.text, v.len, &form)) == RSG_OK)
			e = rsg_vault_blind(b->w, s->controller, l->field->number,
			    form.p, form.len, digest);
		rsg_buf_free(&form);
		if (e == RSG_OK && !rsg_secret_equal(digest, l->digest, sizeof(digest)))
			e = RSG_TAMPERED;
	}
	if (e != RSG_OK) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "lookup",
		    "subject", RSG_LOG_ID, &s->id, NULL);
		return RSG_TAMPERED;
	}
	*out = s;
	return RSG_OK;
}

/* One entry a person: the first in the call's own draft, others behind it. */
static enum rsg_err
match(struct rsg_item *it, const struct rsg_wanted *l, struct rsg_subject *s,
    struct rsg_draft **last)
{
	struct rsg_call *c = it->call;
	struct rsg_draft *mine = &c->draft;
	struct rsg_answer answer;
	size_t mark;
	enum rsg_err e;

	it->subject = s;
	if (*last != NULL) {
		if ((mine = rsg_arena_get(it->batch->w->arena, sizeof(*mine))) == NULL)
			return RSG_NO_MEMORY;
		*mine = c->draft;
		mine->next = NULL;
		mine->subject = s->id;
		memcpy(mine->evidence, s->keys.key[RSG_KEY_EVIDENCE], RSG_KEY_LEN);
		(*last)->next = mine;
	} else if ((e = rsg_item_allowed(it, RSG_ACT_LOOKUP, *(uint16_t *)it->scratch,
	    &l->field->number, 1, &answer)) != RSG_OK)
		return e;
	*last = mine;
	mark = rsg_msg_open(&c->out, RSG_F_MATCHES);
	rsg_msg_id(&c->out, RSG_F_SUBJECT, &s->id);
	rsg_msg_int(&c->out, RSG_F_VERSION, s->version);
	rsg_msg_close(&c->out, mark);
	return RSG_OK;
}

enum rsg_err
rsg_op_lookup(struct rsg_item *it)
{
	const struct rsg_wanted *l = &it->lookup[0];
	struct rsg_draft *last = NULL;
	struct rsg_answer answer;
	struct rsg_subject *s;
	enum rsg_err e;

	if (l->hits == 0) {
		/* That there is nobody is an answer too, decided and audited. */
		e = rsg_call_allowed(it->batch->w, it->call, RSG_ACT_LOOKUP,
		    *(uint16_t *)it->scratch, &l->field->number, 1, NULL, &answer);
		if (e != RSG_OK)
			return e;
		it->call->draft.decision = RSG_NOT_FOUND;
		return rsg_call_fail(it->call, RSG_NOT_FOUND, "value", NULL);
	}
	for (size_t i = 0; i < l->hits; i++)
		if ((e = verify_hit(it, l, l->row[i], &s)) != RSG_OK ||
		    (e = match(it, l, s, &last)) != RSG_OK)
			return e;
	return rsg_buf_err(&it->call->out);
}

/* --- Create and change --- */

struct write {
	uint16_t purpose;
	struct rsg_intake in;
	char jurisdiction[8], language[8];
	struct rsg_consent consent[CONSENTS_MAX];
	size_t nconsents;
	struct rsg_id guardian;		/* who speaks for them; nil: nobody */
};

static enum rsg_err
want_unique(struct rsg_item *it, const struct rsg_intake *in)
{
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < in->n && e == RSG_OK; i++)
		if (in->value[i].field->unique && in->value[i].text != NULL)
			e = rsg_want_lookup(it, in->value[i].field, in->value[i].text,
			    in->value[i].len);
	return e;
}

static enum rsg_err
write_read(struct rsg_item *it, enum rsg_action action, struct write **out)
{
	struct rsg_worker *w = it->batch->w;
	struct write *r = rsg_arena_get(w->arena, sizeof(*r));
	enum rsg_err e;

	if (r == NULL)
		return RSG_NO_MEMORY;
	it->scratch = *out = r;
	if ((e = rsg_call_purpose(w, it->call, action, &r->purpose)) != RSG_OK ||
	    (e = rsg_intake_read(w, it->call, it->call->in,
	    it->call->actor.controller, &r->in)) != RSG_OK)
		return e;
	return want_unique(it, &r->in);
}

/* Another customer of the caller's: seldom enough for a question of its own. */
static enum rsg_err
want_guardian(struct rsg_item *it, struct rsg_id *guardian)
{
	struct rsg_subject s;
	enum rsg_err e;

	memset(guardian, 0, sizeof(*guardian));
	if (!rsg_msg_get_id(it->call->in, RSG_F_GUARDIAN, guardian))
		return RSG_OK;
	memset(&s, 0, sizeof(s));
	if ((e = rsg_people_open(it->batch->w, it->call, guardian, &s)) == RSG_NOT_FOUND)
		e = rsg_call_fail(it->call, e, "guardian", NULL);
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}

enum rsg_err
rsg_op_create_want(struct rsg_item *it)
{
	struct rsg_worker *w = it->batch->w;
	const struct rsg_controller *k =
	    rsg_vault_controller(w->vault, it->call->actor.controller);
	struct rsg_fields group;
	struct write *r;
	size_t pos = 0;
	enum rsg_err e;

	if ((e = write_read(it, RSG_ACT_CREATE, &r)) != RSG_OK)
		return e;
	if (k == NULL)
		return RSG_UNAVAILABLE;
	if (!rsg_msg_get_text(it->call->in, RSG_F_JURISDICTION, r->jurisdiction,
	    sizeof(r->jurisdiction)))
		snprintf(r->jurisdiction, sizeof(r->jurisdiction), "%.7s", k->jurisdiction);
	if (!rsg_policy_jurisdiction(w->policy, r->jurisdiction, strlen(r->jurisdiction)))
		return rsg_call_fail(it->call, RSG_BAD_VALUE, "jurisdiction", NULL);
	if (!rsg_msg_get_text(it->call->in, RSG_F_LANGUAGE, r->language, sizeof(r->language)))
		memcpy(r->language, "es", 3);
	while (rsg_msg_each(it->call->in, &pos, RSG_F_CONSENTS, &group)) {
		if (r->nconsents == CONSENTS_MAX)
			return rsg_call_fail(it->call, RSG_TOO_LARGE, "consents", NULL);
		if ((e = rsg_consent_read(w, it->call, group,
		    &r->consent[r->nconsents++])) != RSG_OK)
			return e;
	}
	return want_guardian(it, &r->guardian);
}

/* Every field has to be allowed: a write is done whole or not at all. */
static enum rsg_err
all_allowed(struct rsg_item *it, const struct write *r, const struct rsg_answer *a)
{
	struct rsg_call *c = it->call;

	for (size_t i = 0; i < r->in.n; i++) {
		const struct rsg_fielddef *f = r->in.value[i].field;
		const char *why = a->why[f->number];
		char member[96];

		if (a->transform[f->number] == RSG_TR_CLEAR)
			continue;
		snprintf(member, sizeof(member), "fields.%s", f->id);
		snprintf(c->draft.clause, sizeof(c->draft.clause), "%s",
		    why == NULL ? "default-deny" : why);
		c->draft.decision = RSG_DENIED;
		return rsg_call_fail(c, RSG_DENIED, member, c->draft.clause);
	}
	return RSG_OK;
}

/* Somebody else has a value that only one person may have. */
static enum rsg_err
none_taken(struct rsg_item *it)
{
	const struct rsg_result *rows = it->batch->lookups_result < 0 ? NULL :
	    rsg_db_result(it->batch->w->db, it->batch->lookups_result);
	struct rsg_call *c = it->call;
	char member[96];

	for (size_t i = 0; i < it->nlookups; i++)
		for (size_t k = 0; k < it->lookup[i].hits; k++) {
			struct rsg_id id;

			rsg_result_id(rows, it->lookup[i].row[k], 1, &id);
			if (it->subject != NULL && rsg_id_eq(&id, &it->subject->id))
				continue;
			snprintf(member, sizeof(member), "fields.%s", it->lookup[i].field->id);
			c->draft.decision = RSG_CONFLICT;
			return rsg_call_fail(c, RSG_CONFLICT, member, NULL);
		}
	return RSG_OK;
}

static void
put_subject(struct rsg_item *it, const struct rsg_id *id, int64_t version)
{
	rsg_msg_id(&it->call->out, RSG_F_SUBJECT, id);
	rsg_msg_int(&it->call->out, RSG_F_VERSION, version);
}

/* A consent that comes with a new person passes the policy like any other. */
static enum rsg_err
consents_allowed(struct rsg_item *it, struct write *r)
{
	uint16_t birth = rsg_consent_birth(it->batch->w->policy);
	struct rsg_asked who = { .state = RSG_STATE_ACTIVE,
	    .jurisdiction = r->jurisdiction, .language = r->language };
	static const struct rsg_header nothing;
	struct rsg_answer answer;
	struct rsg_draft mine = it->call->draft;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < r->in.n; i++)
		if (r->in.number[i] == birth && r->in.value[i].text != NULL) {
			who.birth = r->in.value[i].text;
			who.nbirth = r->in.value[i].len;
		}
	for (size_t i = 0; i < r->nconsents && e == RSG_OK; i++) {
		who.relations = rsg_id_nil(&r->guardian) || !rsg_id_eq(&r->guardian,
		    &r->consent[i].on_behalf) ? 0 : 1u << RSG_RELATION_GUARDIAN;
		if ((e = rsg_call_allowed(it->batch->w, it->call, RSG_ACT_CONSENT_WRITE,
		    r->consent[i].purpose, NULL, 0, NULL, &answer)) == RSG_OK &&
		    (e = rsg_consent_check(it->batch->w, it->call, &r->consent[i],
		    &who)) == RSG_OK)
			e = rsg_consent_fits(it->batch->w, it->call, &nothing,
			    &r->consent[i]);
	}
	if (e == RSG_OK)
		it->call->draft = mine;
	return e;
}

enum rsg_err
rsg_op_create(struct rsg_item *it)
{
	struct write *r = it->scratch;
	struct rsg_said said;
	struct rsg_call *c = it->call;
	struct rsg_answer answer;
	struct rsg_subject *s;
	bool asked;
	enum rsg_err e;

	if ((e = rsg_call_allowed(it->batch->w, c, RSG_ACT_CREATE, r->purpose,
	    r->in.number, r->in.n, NULL, &answer)) != RSG_OK ||
	    (e = all_allowed(it, r, &answer)) != RSG_OK)
		return e;
	if (it->replay) {
		put_subject(it, &it->ref, it->number);
		return rsg_buf_err(&c->out);
	}
	if ((e = none_taken(it)) != RSG_OK || (e = consents_allowed(it, r)) != RSG_OK ||
	    (e = rsg_person_new(it->batch, it, r->jurisdiction, r->language)) != RSG_OK ||
	    (e = rsg_intake_stage(it->batch, it->subject, &r->in)) != RSG_OK)
		return e;
	s = it->subject;
	if (!rsg_id_nil(&r->guardian) && (e = rsg_relations_stage(it->batch, &s->id,
	    RSG_RELATION_GUARDIAN, &r->guardian)) != RSG_OK)
		return e;
	if (rsg_consent_gpc(c) && (e = rsg_ledger_gpc(it->batch, c, s)) != RSG_OK)
		return e;
	for (size_t i = 0; i < r->nconsents; i++)
		if ((e = rsg_consent_ask_back(it->batch->w, c, &s->id, &r->consent[i],
		    &asked, true)) != RSG_OK || (e = rsg_ledger_append(it->batch, c, s,
		    &r->consent[i], &said)) != RSG_OK)
			return e;
	c->draft.about = true;
	c->draft.subject = s->id;
	memcpy(c->draft.evidence, s->keys.key[RSG_KEY_EVIDENCE], RSG_KEY_LEN);
	rsg_stage_idempotency(it, &s->id, s->version + 1);
	put_subject(it, &s->id, s->version + 1);
	return rsg_buf_err(&c->out);
}

/* Where among the values the date of birth is; their number: nowhere. */
static size_t
birth_at(const struct rsg_item *it, const struct write *r)
{
	uint16_t birth = rsg_consent_birth(it->batch->w->policy);
	size_t i = 0;

	while (i < r->in.n && (r->in.number[i] != birth || r->in.value[i].text == NULL))
		i++;
	return i;
}

enum rsg_err
rsg_op_change_want(struct rsg_item *it)
{
	struct rsg_id id;
	struct write *r;
	enum rsg_err e;

	if ((e = write_read(it, RSG_ACT_CHANGE, &r)) != RSG_OK)
		return e;
	if (r->in.n == 0)
		return rsg_call_fail(it->call, RSG_MISSING_MEMBER, "fields", NULL);
	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_want_subject(it, &id)) != RSG_OK || birth_at(it, r) == r->in.n)
		return e;
	return rsg_want_field(it, rsg_consent_birth(it->batch->w->policy));
}

enum rsg_err
rsg_op_change(struct rsg_item *it)
{
	const struct write *r = it->scratch;
	size_t birth = birth_at(it, r);
	struct rsg_call *c = it->call;
	struct rsg_answer answer;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_CHANGE, r->purpose, r->in.number,
	    r->in.n, &answer)) != RSG_OK ||
	    (e = all_allowed(it, r, &answer)) != RSG_OK)
		return e;
	if (it->replay) {
		put_subject(it, &it->subject->id, it->number);
		return rsg_buf_err(&c->out);
	}
	if (rsg_msg_get_int(c->in, RSG_F_VERSION, it->subject->version) !=
	    it->subject->version) {
		c->draft.decision = RSG_STALE;
		return rsg_call_fail(c, RSG_STALE, "version", NULL);
	}
	if ((e = none_taken(it)) != RSG_OK ||
	    (birth < r->in.n && (e = rsg_consent_young(it, r->in.value[birth].text,
	    r->in.value[birth].len)) != RSG_OK) ||
	    (e = rsg_intake_stage(it->batch, it->subject, &r->in)) != RSG_OK ||
	    (rsg_consent_gpc(c) && (e = rsg_ledger_gpc(it->batch, c,
	    it->subject)) != RSG_OK))
		return e;
	rsg_stage_change(it->batch, &it->subject->id);
	rsg_stage_idempotency(it, &it->subject->id, it->subject->version + 1);
	put_subject(it, &it->subject->id, it->subject->version + 1);
	return rsg_buf_err(&c->out);
}
