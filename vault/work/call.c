#include <stdio.h>
#include <string.h>

#include "audit/entry.h"
#include "consent/notice.h"
#include "resguardo/clock.h"
#include "work/auth.h"
#include "work/batch.h"
#include "work/call.h"
#include "work/metrics.h"

enum rsg_err
rsg_call_fail(struct rsg_call *c, enum rsg_err e, const char *member,
    const char *clause)
{
	c->status = e;
	c->member[0] = c->clause[0] = '\0';
	if (member != NULL)
		snprintf(c->member, sizeof(c->member), "%s", member);
	if (clause != NULL)
		snprintf(c->clause, sizeof(c->clause), "%s", clause);
	if (c->retry_after == 0 && (e == RSG_UNAVAILABLE || e == RSG_BUSY ||
	    e == RSG_NO_MEMORY))
		c->retry_after = 1;
	return e;
}

enum rsg_err
rsg_call_missed(struct rsg_call *c, struct rsg_fields f)
{
	static const enum rsg_err errors[] = { RSG_UNKNOWN_MEMBER, RSG_TOO_LARGE };
	char id[65], member[sizeof(c->member)];
	enum rsg_err e = RSG_BAD_VALUE;

	if (!rsg_msg_get_text(f, RSG_F_ERROR, id, sizeof(id)))
		return RSG_OK;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(id, rsg_err_id(errors[i])) == 0)
			e = errors[i];
	return rsg_call_fail(c, e, rsg_msg_get_text(f, RSG_F_MEMBER, member,
	    sizeof(member)) ? member : NULL, NULL);
}

void
rsg_call_reset(struct rsg_call *c)
{
	rsg_buf_reset(&c->out);
	memset(&c->draft, 0, sizeof(c->draft));
	c->audited = false;
	c->status = RSG_OK;
	c->member[0] = c->clause[0] = '\0';
	c->retry_after = 0;
	c->rated = false;
}

enum rsg_err
rsg_call_purpose(struct rsg_worker *w, struct rsg_call *c, enum rsg_action action,
    uint16_t *number)
{
	const struct rsg_purposedef *p;
	const uint8_t *name;
	size_t len;

	*number = rsg_policy_default(w->policy, action);
	if (rsg_msg_get(c->in, RSG_F_PURPOSE, &name, &len)) {
		p = rsg_policy_purpose(w->policy, (const char *)name, len);
		if (p == NULL)
			return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
		*number = p->number;
	}
	if (*number == 0)
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "purpose", NULL);
	return RSG_OK;
}

/* Is `id` one of the comma separated list, or is the list "*"? */
static bool
listed(const char *list, const char *id)
{
	size_t n = strlen(id);

	if (strcmp(list, "*") == 0)
		return true;
	for (const char *p = list; *p != '\0'; ) {
		size_t len = strcspn(p, ",");

		if (len == n && memcmp(p, id, n) == 0)
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

/*
 * Recording what a person says about a purpose is not using data for it, so
 * it needs no registration: withdrawing must never be refused for lack of one.
 * Nor must word of somebody who wants no more messages.
 */
static bool
registered(const struct rsg_worker *w, const struct rsg_call *c,
    enum rsg_action action, uint16_t purpose)
{
	const struct rsg_purposedef *p;

	if (purpose == 0 || action == RSG_ACT_CONSENT_WRITE ||
	    action == RSG_ACT_CONTACT_REPORT)
		return true;
	p = rsg_policy_purpose_no(w->policy, purpose);
	return p != NULL && listed(c->actor.purposes, p->id);
}

static enum rsg_err
deny(struct rsg_call *c, enum rsg_err e, const char *member, const char *clause)
{
	c->draft.decision = e;
	snprintf(c->draft.clause, sizeof(c->draft.clause), "%s", clause);
	return rsg_call_fail(c, e, member, clause);
}

enum rsg_err
rsg_call_allowed(struct rsg_worker *w, struct rsg_call *c,
    enum rsg_action action, uint16_t purpose, const uint16_t *fields, size_t n,
    const struct rsg_standing *standing, struct rsg_answer *answer)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, purpose);
	struct rsg_question q = {
		.role = c->actor.role, .action = action, .purpose = purpose,
		.recipient = c->actor.recipient == 0 ? NULL : c->actor.recipient_name,
		.field = fields, .nfields = n, .standing = standing,
		.staff = c->staff[0] != '\0', .place = c->place[0] != '\0',
		.reason = c->reason[0] != '\0', .now = w->now,
	};

	q.again = rsg_notices_again(w->notices, c->actor.controller, &q.nagain);
	c->audited = true;
	c->draft.action = action;
	c->draft.purpose = purpose;
	c->draft.recipient = c->actor.recipient;
	c->draft.nfields = 0;
	for (size_t i = 0; i < n && i < RSG_POLICY_FIELDS; i++)
		c->draft.field[c->draft.nfields++] = fields[i];
	if (p != NULL)
		snprintf(c->draft.basis, sizeof(c->draft.basis), "%s", p->basis);
	if (!registered(w, c, action, purpose))
		return deny(c, RSG_PURPOSE_NOT_REGISTERED, "purpose", "purpose-registration");
	rsg_policy_decide(w->policy, &q, answer);
	if (answer->err != RSG_OK)
		return deny(c, answer->err, answer->member, answer->clause);
	c->draft.decision = RSG_OK;
	snprintf(c->draft.clause, sizeof(c->draft.clause), "%s", answer->clause);
	if (answer->rate == 0 || c->actor.admin || c->rated)
		return RSG_OK;
	c->rated = true;
	if ((c->retry_after = rsg_auth_rate(&c->actor.credential,
	    answer->rate)) > 0)
		return deny(c, RSG_RATE_LIMITED, NULL, answer->clause);
	return RSG_OK;
}

static enum rsg_entry_class
class_of(const struct rsg_draft *d)
{
	if (d->decision != RSG_OK)
		return RSG_ENTRY_DENIAL;
	if (d->people > 0)
		return RSG_ENTRY_BULK;
	switch (d->action) {
	case RSG_ACT_CREATE: case RSG_ACT_CHANGE: case RSG_ACT_CONSENT_WRITE:
	case RSG_ACT_EVENT_WRITE: case RSG_ACT_IMPORT:
	case RSG_ACT_BENEFIT_WRITE: case RSG_ACT_CONTACT_REPORT:
		return RSG_ENTRY_WRITE;
	case RSG_ACT_PRINCIPAL: case RSG_ACT_POLICY: case RSG_ACT_OPERATE:
		return RSG_ENTRY_ADMIN;
	default:
		return RSG_ENTRY_ACCESS;
	}
}

/* The recipient of a call is the caller's own, or nobody. */
static void
describe(const struct rsg_worker *w, const struct rsg_call *c,
    const struct rsg_draft *d, struct rsg_entry *e)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, d->purpose);
	const struct rsg_fielddef *f;
	const char *action = rsg_action_name(d->action);

	*e = (struct rsg_entry){ .id = d->entry, .class = class_of(d),
	    .time = w->now, .controller = c->actor.controller,
	    .actor = c->actor.principal, .action = action != NULL ? action : "",
	    .purpose = p != NULL ? p->id : "",
	    .recipient = d->recipient != 0 ? c->actor.recipient_name : "",
	    .action_no = (uint16_t)d->action, .purpose_no = d->purpose,
	    .recipient_no = d->recipient, .people = d->people,
	    .effects = d->wrote };
	memcpy(e->actor_name, c->actor.name, sizeof(e->actor_name));
	memcpy(e->role, c->actor.role, sizeof(e->role));
	memcpy(e->staff, c->staff, sizeof(e->staff));
	memcpy(e->place, c->place, sizeof(e->place));
	memcpy(e->reason, c->reason, sizeof(e->reason));
	snprintf(e->decision, sizeof(e->decision), "%s", rsg_err_id(d->decision));
	memcpy(e->clause, d->clause, sizeof(e->clause));
	memcpy(e->basis, d->basis, sizeof(e->basis));
	for (size_t i = 0; i < d->nfields; i++)
		if ((f = rsg_policy_field_no(w->policy, d->field[i])) != NULL)
			e->field[e->nfields++] = f->id;
	memcpy(e->policy, rsg_policy_hash(w->policy), sizeof(e->policy));
	memcpy(e->root, d->root, sizeof(e->root));
}

static enum rsg_err
stage(struct rsg_worker *w, const struct rsg_call *c, struct rsg_draft *d)
{
	uint8_t tag[RSG_TAG_LEN], hash[32];
	struct rsg_entry entry;
	struct rsg_buf leaf;
	enum rsg_err e;

	if (d->staged || rsg_id_nil(&d->entry))
		d->entry = rsg_entry_id(w->now);
	d->staged = true;
	describe(w, c, d, &entry);
	rsg_buf_init(&leaf, RSG_LEAF_MAX);
	e = rsg_entry_leaf(w->vault->keys, &entry, d->about ? d->evidence : NULL,
	    d->about ? &d->subject : NULL, tag, &leaf, hash);
	if (e != RSG_OK)
		goto done;
	if (w->audit == NULL)
		w->audit = rsg_db_bind(w->db, RSG_SQL_AUDIT_INSERT);
	rsg_bind_id(w->audit, 0, &d->entry);
	rsg_bind_int(w->audit, 1, w->now);
	rsg_bind_int(w->audit, 2, c->actor.controller);
	rsg_bind_id(w->audit, 3, &c->actor.principal);
	rsg_bind_int(w->audit, 4, (int64_t)d->action);
	rsg_bind_int(w->audit, 5, d->purpose);
	rsg_bind_int(w->audit, 6, d->decision == RSG_OK);
	rsg_bind_int(w->audit, 7, d->recipient);
	if (d->about)
		rsg_bind_bytes(w->audit, 8, tag, sizeof(tag));
	else
		rsg_bind_null(w->audit, 8);
	rsg_bind_bytes(w->audit, 9, leaf.p, leaf.len);
	rsg_bind_bytes(w->audit, 10, hash, sizeof(hash));
	/* Its key has done its work; and what it wrote is said once. */
	d->wrote = NULL;
	rsg_secret_wipe(d->evidence, sizeof(d->evidence));
done:
	rsg_buf_free(&leaf);
	return e;
}

static struct rsg_effect *
effect(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_effect *x = rsg_arena_get(w->arena, sizeof(*x));

	if (x != NULL) {
		x->next = c->draft.wrote;
		c->draft.wrote = x;
	}
	return x;
}

enum rsg_err
rsg_call_wrote(struct rsg_worker *w, struct rsg_call *c, unsigned kind,
    const struct rsg_id *key, const uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_effect *x = effect(w, c);

	if (x == NULL)
		return RSG_NO_MEMORY;
	x->kind = (uint8_t)kind;
	x->key = *key;
	memcpy(x->digest, mac, sizeof(x->digest));
	return RSG_OK;
}

enum rsg_err
rsg_call_wrote_person(struct rsg_worker *w, struct rsg_call *c,
    const struct rsg_subject *s)
{
	const struct rsg_effect *next = c->draft.wrote;
	struct rsg_effect *x;

	if (!s->dirty)
		return RSG_OK;
	if ((x = effect(w, c)) == NULL)
		return RSG_NO_MEMORY;
	rsg_effect_person(s->keys.key[RSG_KEY_EVIDENCE], s->version + 1, &s->h, x);
	x->next = next;
	return RSG_OK;
}

enum rsg_err
rsg_audit_stage(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e = RSG_OK;

	for (struct rsg_draft *d = &c->draft; d != NULL && e == RSG_OK; d = d->next)
		e = stage(w, c, d);
	return e;
}

void
rsg_audit_send(struct rsg_worker *w)
{
	if (w->audit == NULL)
		return;
	rsg_metrics_audit(rsg_bind_count(w->audit, 0));
	(void)rsg_db_send(w->db, w->audit);
	w->audit = NULL;
}

enum rsg_err
rsg_audit_commit(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e = rsg_audit_stage(w, c);

	if (e != RSG_OK)
		return e;
	rsg_audit_send(w);
	return rsg_db_commit(w->db);
}

enum rsg_lang
rsg_call_language(const struct rsg_call *c)
{
	char lang[9];

	return rsg_msg_get_text(c->in, RSG_F_LANGUAGE, lang, sizeof(lang)) &&
	    strncmp(lang, "es", 2) == 0 ? RSG_LANG_ES : RSG_LANG_EN;
}
