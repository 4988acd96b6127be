/*
 * What makes a yes count, and what never stands in the way of a no.
 */
#include "ops/consents.h"

#include <string.h>

#include "consent/confirm.h"
#include "consent/notice.h"
#include "ops/relations.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "work/vault.h"

/* --- Reading --- */

static const struct { enum rsg_field field; size_t at; } texts[] = {
	{ RSG_F_NOTICE, offsetof(struct rsg_consent, notice) },
	{ RSG_F_LANGUAGE, offsetof(struct rsg_consent, language) },
	{ RSG_F_METHOD, offsetof(struct rsg_consent, method) },
	{ RSG_F_WORDS, offsetof(struct rsg_consent, words) },
	{ RSG_F_FORM, offsetof(struct rsg_consent, form) },
	{ RSG_F_TAKEN_AT, offsetof(struct rsg_consent, taken_at) },
	{ RSG_F_DOUBLE_OPT_IN, offsetof(struct rsg_consent, double_opt_in) },
};

static enum rsg_err
read_texts(struct rsg_worker *w, struct rsg_fields f, struct rsg_consent *ev)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const uint8_t *p;
		char *copy;
		size_t len;

		if (!rsg_msg_get(f, texts[i].field, &p, &len) || len == 0)
			continue;
		if ((copy = rsg_arena_get(w->arena, len + 1)) == NULL)
			return RSG_NO_MEMORY;
		memcpy(copy, p, len);
		*(const char **)((char *)ev + texts[i].at) = copy;
	}
	return RSG_OK;
}

/* What was said about what. */
static enum rsg_err
read_word(struct rsg_worker *w, struct rsg_call *c, struct rsg_fields f,
    struct rsg_consent *ev)
{
	const struct rsg_purposedef *p;
	const uint8_t *s;
	size_t len;
	int channel = RSG_CHANNEL_NONE;

	if (!rsg_msg_get(f, RSG_F_PURPOSE, &s, &len) ||
	    (p = rsg_policy_purpose(w->policy, (const char *)s, len)) == NULL)
		return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
	if (!rsg_msg_get(f, RSG_F_DECISION, &s, &len) ||
	    (ev->status = rsg_ledger_status((const char *)s, len)) == RSG_STATUS_UNKNOWN)
		return rsg_call_fail(c, RSG_BAD_VALUE, "decision", NULL);
	/* What another does to a consent, nobody does to their own. */
	if (!rsg_id_nil(&c->actor.subject) && ev->status >= RSG_STATUS_REVOKED &&
	    ev->status <= RSG_STATUS_INVALIDATED)
		return rsg_call_fail(c, RSG_BAD_VALUE, "decision", NULL);
	if (rsg_msg_get(f, RSG_F_CHANNEL, &s, &len) &&
	    (channel = rsg_channel_find((const char *)s, len)) < 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "channel", NULL);
	ev->purpose = p->number;
	ev->channel = (enum rsg_channel)channel;
	return RSG_OK;
}

/* How it is known. What of it makes no sense stops a yes; a no goes without. */
static enum rsg_err
read_proof(struct rsg_call *c, struct rsg_fields f, struct rsg_consent *ev)
{
	int64_t version = rsg_msg_get_int(f, RSG_F_NOTICE_VERSION, 1);
	bool no = rsg_rules_no(ev->status);
	const uint8_t *s;
	size_t len;

	if ((version < 1 || version > INT32_MAX) && !no)
		return rsg_call_fail(c, RSG_BAD_VALUE, "notice_version", NULL);
	if (rsg_msg_has(f, RSG_F_NOTICE_VERSION) && version >= 1 && version <= INT32_MAX)
		ev->notice_version = (uint32_t)version;
	if (rsg_msg_get(f, RSG_F_SHOWN, &s, &len)) {
		ev->brief = len == 5 && memcmp(s, "short", 5) == 0;
		if (!ev->brief && (len != 4 || memcmp(s, "full", 4) != 0) && !no)
			return rsg_call_fail(c, RSG_BAD_VALUE, "shown", NULL);
	}
	if (rsg_msg_get(f, RSG_F_SOURCE, &s, &len) && (ev->origin =
	    rsg_origin_find((const char *)s, len)) == RSG_ORIGIN_NONE && !no)
		return rsg_call_fail(c, RSG_BAD_VALUE, "source", NULL);
	if (rsg_msg_get(f, RSG_F_EVIDENCE, &s, &len) && (ev->evidence =
	    (uint8_t)rsg_evidence_find((const char *)s, len)) == 0 && !no)
		return rsg_call_fail(c, RSG_BAD_VALUE, "evidence", NULL);
	(void)rsg_msg_get_id(f, RSG_F_ON_BEHALF, &ev->on_behalf);
	(void)rsg_msg_get_id(f, RSG_F_ATTACHMENT, &ev->attachment);
	return RSG_OK;
}

/* The second yes, where another system asked for it. */
static enum rsg_err
read_second(struct rsg_worker *w, struct rsg_call *c, struct rsg_fields f,
    struct rsg_consent *ev)
{
	if (rsg_rules_no(ev->status)) {
		ev->double_opt_in = NULL;
		return RSG_OK;
	}
	ev->confirmed = rsg_msg_get_int(f, RSG_F_CONFIRMED,
	    ev->double_opt_in == NULL ? 0 : w->now);
	if (ev->confirmed != 0 && (ev->double_opt_in == NULL ||
	    ev->confirmed < ev->time || ev->confirmed > w->now))
		return rsg_call_fail(c, RSG_BAD_VALUE, "confirmed", NULL);
	/* Nobody vouches for their own second yes. */
	if (ev->double_opt_in != NULL && !rsg_id_nil(&c->actor.subject))
		return rsg_call_fail(c, RSG_BAD_VALUE, "double_opt_in", NULL);
	return RSG_OK;
}

enum rsg_err
rsg_consent_read(struct rsg_worker *w, struct rsg_call *c, struct rsg_fields f,
    struct rsg_consent *ev)
{
	enum rsg_err e;

	memset(ev, 0, sizeof(*ev));
	if ((e = read_word(w, c, f, ev)) != RSG_OK ||
	    (!rsg_rules_no(ev->status) && (e = rsg_call_missed(c, f)) != RSG_OK) ||
	    (e = read_proof(c, f, ev)) != RSG_OK || (e = read_texts(w, f, ev)) != RSG_OK)
		return e;
	ev->dated = rsg_msg_has(f, RSG_F_TIME);
	ev->time = rsg_msg_get_int(f, RSG_F_TIME, w->now);
	ev->gpc = rsg_consent_gpc(c);
	if (ev->time > w->now && !rsg_rules_no(ev->status))
		return rsg_call_fail(c, RSG_BAD_VALUE, "time", "time:future");
	if (ev->time > w->now) {
		/* Whoever's clock goes fast is not kept waiting with a no. */
		ev->time = w->now;
		ev->dated = false;
	}
	return read_second(w, c, f, ev);
}

enum rsg_err
rsg_consent_ask_back(struct rsg_worker *w, struct rsg_call *c,
    const struct rsg_id *subject, struct rsg_consent *ev, bool *asked, bool group)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, ev->purpose);
	uint8_t *digest;
	char code[RSG_CODE_TEXT];
	size_t mark = 0;

	*asked = rsg_confirm_needed(w->policy, ev);
	if (!*asked)
		return RSG_OK;
	if ((digest = rsg_arena_get(w->arena, RSG_DIGEST_LEN)) == NULL)
		return RSG_NO_MEMORY;
	rsg_confirm_ask(w->policy, subject, w->now, ev, code, digest);
	if (group) {
		mark = rsg_msg_open(&c->out, RSG_F_CONFIRMATIONS);
		rsg_msg_text(&c->out, RSG_F_PURPOSE, p->id);
		if (ev->channel != RSG_CHANNEL_NONE)
			rsg_msg_text(&c->out, RSG_F_CHANNEL, rsg_channel_name(ev->channel));
	}
	rsg_msg_text(&c->out, RSG_F_CODE, code);
	rsg_msg_int(&c->out, RSG_F_CODE_UNTIL, ev->code_until);
	if (group)
		rsg_msg_close(&c->out, mark);
	rsg_secret_wipe(code, sizeof(code));
	return rsg_buf_err(&c->out);
}

enum rsg_err
rsg_consent_no(struct rsg_item *it, enum rsg_action action, uint16_t purpose,
    uint8_t *lacking)
{
	struct rsg_call *c = it->call;
	struct rsg_answer answer;
	enum rsg_err e = rsg_item_allowed(it, action, purpose, NULL, 0, &answer);

	*lacking = 0;
	if (e == RSG_CONTEXT_REQUIRED)
		*lacking = (uint8_t)answer.lacking;
	else if (e != RSG_RATE_LIMITED &&
	    (e != RSG_SUBJECT_STATE || it->subject->h.state == RSG_STATE_ERASED))
		return e;
	/* The clause stays: the log says what it was taken in spite of. */
	c->retry_after = 0;
	c->draft.decision = RSG_OK;
	(void)rsg_call_fail(c, RSG_OK, NULL, NULL);
	return RSG_OK;
}

bool
rsg_consent_gpc(const struct rsg_call *c)
{
	return rsg_msg_get_int(c->in, RSG_F_GPC, 0) != 0;
}

enum rsg_err
rsg_consent_gpc_read(struct rsg_item *it)
{
	if (!it->batch->write || !rsg_consent_gpc(it->call) ||
	    !rsg_id_eq(&it->call->actor.subject, &it->subject->id))
		return RSG_OK;
	return rsg_ledger_gpc(it->batch, it->call, it->subject);
}

uint16_t
rsg_consent_birth(const struct rsg_policy *policy)
{
	const struct rsg_fielddef *f;

	for (size_t i = 0; (f = rsg_policy_field_at(policy, i)) != NULL; i++)
		if (f->generaliser != NULL && strcmp(f->generaliser, "age_band") == 0)
			return f->number;
	return 0;
}

/* --- Checking --- */

/* A refusal is a denial like any other, and is audited as one. */
static enum rsg_err
refuse(struct rsg_call *c, enum rsg_err e, const char *member, const char *clause)
{
	c->draft.decision = e;
	return rsg_call_fail(c, e, member, clause);
}

/* A file from before says which notice, not always which version: it was the
 * one in force then, in the person's language. */
static const struct rsg_notice *
find_notice(struct rsg_worker *w, struct rsg_call *c, struct rsg_consent *ev,
    const struct rsg_asked *who)
{
	const struct rsg_notice *n;

	if (ev->notice == NULL)
		return NULL;
	if (ev->language == NULL && who->imported)
		ev->language = who->language;
	if (ev->language == NULL)
		return NULL;
	if (ev->notice_version == 0 && who->imported)
		n = rsg_notices_in_force(w->notices, c->actor.controller, ev->notice,
		    ev->language, ev->time);
	else
		n = rsg_notices_find(w->notices, c->actor.controller, ev->notice,
		    ev->notice_version, ev->language);
	if (n != NULL) {
		ev->notice_version = n->version;
		ev->notice_hash = ev->brief ? n->short_hash : n->hash;
	}
	return n;
}

static enum rsg_err
check_notice(struct rsg_worker *w, struct rsg_call *c, struct rsg_consent *ev,
    const struct rsg_asked *who, const struct rsg_purposedef *p)
{
	const struct rsg_lawdef *law = rsg_policy_law(w->policy, who->jurisdiction);
	const struct rsg_notice *n = find_notice(w, c, ev, who);
	bool needed = p->notice_required || (p->needs_consent && law != NULL &&
	    law->notice_required);

	if (ev->notice == NULL) {
		/* What somebody only declares cannot be held to words. */
		if (!needed || (who->imported && ev->evidence >= RSG_EVIDENCE_RECONSTRUCTED))
			return RSG_OK;
		return refuse(c, RSG_MISSING_MEMBER, "notice", NULL);
	}
	if (!who->imported && ev->notice_version == 0)
		return refuse(c, RSG_MISSING_MEMBER, "notice_version", NULL);
	if (ev->language == NULL)
		return refuse(c, RSG_MISSING_MEMBER, "language", NULL);
	if (n == NULL)
		return refuse(c, RSG_UNKNOWN_NOTICE, "notice", NULL);
	if (!rsg_notice_covers(n, p->id))
		return refuse(c, RSG_NOTICE_UNFIT, "purpose", "notice:purpose");
	if (!rsg_notice_in_force(w->notices, n, ev->time))
		return refuse(c, RSG_NOTICE_UNFIT, ev->time < n->effective ?
		    "time" : "notice_version", "notice:in-force");
	return RSG_OK;
}

/* The moment from which a person may agree by themselves: the midnight of the
 * shop's clock that begins their day. INT64_MIN: any. */
static int64_t
of_age(struct rsg_worker *w, const struct rsg_call *c, const struct rsg_asked *who)
{
	const struct rsg_lawdef *law = rsg_policy_law(w->policy, who->jurisdiction);
	const struct rsg_controller *con = rsg_vault_controller(w->vault,
	    c->actor.controller);
	int64_t day;
	int y, m, d;

	if (law == NULL || who->birth == NULL ||
	    !rsg_clock_parse_day(who->birth, who->nbirth, &day))
		return INT64_MIN;
	rsg_clock_civil(day, &y, &m, &d);
	/* Who was born on 29 February is of age on 1 March. */
	day = rsg_clock_day_of(y + law->consent_age, m, d);
	return con == NULL ? day * RSG_DAY_US : rsg_zone_instant(con->zone, day, 0);
}

static enum rsg_err
check_age(struct rsg_worker *w, struct rsg_call *c, struct rsg_consent *ev,
    const struct rsg_asked *who, const struct rsg_purposedef *p)
{
	const unsigned may = 1u << RSG_RELATION_GUARDIAN | 1u << RSG_RELATION_REPRESENTATIVE;
	bool spoken_for = (who->relations & may) != 0;
	int64_t adult = of_age(w, c, who);

	if (!rsg_id_nil(&ev->on_behalf) && !spoken_for)
		return refuse(c, RSG_GUARDIAN_REQUIRED, "on_behalf", "minor:guardian");
	if (ev->time >= adult)
		return RSG_OK;
	if (p->profiling && !p->minors)
		return refuse(c, RSG_GUARDIAN_REQUIRED, "purpose", "minor:profiling");
	if ((who->relations & 1u << RSG_RELATION_GUARDIAN) == 0)
		return refuse(c, RSG_GUARDIAN_REQUIRED, "on_behalf", "minor:guardian");
	/* Grown up, they are asked themselves. */
	ev->until = adult;
	return RSG_OK;
}

enum rsg_err
rsg_consent_young(struct rsg_item *it, const char *birth, size_t nbirth)
{
	struct rsg_worker *w = it->batch->w;
	const struct rsg_header was = it->subject->h;
	struct rsg_asked who = { .jurisdiction = was.jurisdiction, .birth = birth,
	    .nbirth = nbirth };
	const struct rsg_purposedef *p;
	struct rsg_said said;
	struct rsg_value v = { 0 };
	enum rsg_err e;

	if (w->now >= of_age(w, it->call, &who))
		return RSG_OK;
	if ((e = rsg_item_value(it, rsg_consent_birth(w->policy), &v)) != RSG_OK &&
	    e != RSG_NOT_FOUND)
		return e;
	who.birth = v.text;
	who.nbirth = v.len;
	if (w->now < of_age(w, it->call, &who))
		return RSG_OK;		/* it was known, and asked for as of a child */
	for (size_t i = 0; i < was.ngrants; i++) {
		const struct rsg_consent ev = { .status = RSG_STATUS_INVALIDATED,
		    .purpose = was.grant[i].purpose, .time = w->now, .method = "age",
		    .channel = (enum rsg_channel)was.grant[i].channel };

		p = rsg_policy_purpose_no(w->policy, ev.purpose);
		if (p != NULL && p->needs_consent &&
		    rsg_rules_yes((enum rsg_status)was.grant[i].status) &&
		    (e = rsg_ledger_append(it->batch, it->call, it->subject, &ev,
		    &said)) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

enum rsg_err
rsg_consent_check(struct rsg_worker *w, struct rsg_call *c, struct rsg_consent *ev,
    const struct rsg_asked *who)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, ev->purpose);
	enum rsg_err e;

	if (who->imported && ev->origin == RSG_ORIGIN_NONE)
		ev->origin = RSG_ORIGIN_IMPORT;
	if (!rsg_id_nil(&ev->attachment) && ev->attachment_hash == NULL) {
		if (!rsg_rules_no(ev->status))
			return refuse(c, RSG_BAD_VALUE, "attachment", NULL);
		/* A no waits for no form; but it names none that is not there. */
		memset(&ev->attachment, 0, sizeof(ev->attachment));
		ev->lacking |= RSG_LACKING_ATTACHMENT;
	}
	if (rsg_rules_no(ev->status)) {
		(void)find_notice(w, c, ev, who);
		return RSG_OK;
	}
	if (who->state != RSG_STATE_ACTIVE)
		return refuse(c, RSG_SUBJECT_STATE, NULL, NULL);
	if (!rsg_rules_yes(ev->status)) {
		(void)find_notice(w, c, ev, who);
		return RSG_OK;
	}
	/* By a channel to what is not asked by channel: a yes that would do nothing. */
	if (ev->channel != RSG_CHANNEL_NONE && !p->per_channel && !p->covers_children)
		return refuse(c, RSG_BAD_VALUE, "channel", "purpose:channel");
	if ((e = check_notice(w, c, ev, who, p)) != RSG_OK ||
	    (e = check_age(w, c, ev, who, p)) != RSG_OK)
		return e;
	if (p->is_explicit && !rsg_policy_explicit(w->policy, ev->method))
		return refuse(c, RSG_EXPLICIT_REQUIRED, "method", NULL);
	/* A code is sent for what is said now; of before, one has to know. */
	if (rsg_confirm_needed(w->policy, ev) && (who->imported || ev->dated))
		return refuse(c, RSG_MISSING_MEMBER, "double_opt_in", NULL);
	return RSG_OK;
}

enum rsg_err
rsg_consent_fits(struct rsg_worker *w, struct rsg_call *c,
    const struct rsg_header *h, const struct rsg_consent *ev)
{
	struct rsg_header after = *h;
	const struct rsg_purposedef *p;
	struct rsg_said said;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; ev->gpc && e == RSG_OK &&
	    (p = rsg_policy_purpose_at(w->policy, i)) != NULL; i++) {
		const struct rsg_consent gpc = { .status = RSG_STATUS_OBJECTED,
		    .purpose = p->number, .time = w->now };

		if (p->gpc)
			e = rsg_rules_apply(w->policy, &after, &gpc, &said);
	}
	if (e == RSG_OK)
		e = rsg_rules_apply(w->policy, &after, ev, &said);
	return e == RSG_OK ? RSG_OK : refuse(c, e, "purpose", NULL);
}
