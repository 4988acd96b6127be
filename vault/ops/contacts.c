/*
 * Contacts: whom one is about, and what came of it.
 *
 * A tool names people by its own pseudonyms, or by references that it was
 * given with an answer; it learns nothing by them but yes and no.
 */
#include <stdio.h>
#include <string.h>

#include "benefit/benefit.h"
#include "consent/ledger.h"
#include "ops/consents.h"
#include "ops/contacts.h"
#include "ops/ops.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "subject/event.h"
#include "work/vault.h"

#define REFERENCE_MAX	256

/* What a tool can report, and the kind of event that it is. */
static const struct { const char *word, *kind; } words[] = {
	{ "contacted", "contact" }, { "opened", "open" },
	{ "responded", "response" }, { "bounced", "bounce" },
	{ "unsubscribed", "unsubscribe" }, { "complained", "complaint" },
	{ "asked", "question" }, { "answered", "answer" },
};
enum { CONTACTED, OPENED, RESPONDED, BOUNCED, UNSUBSCRIBED, COMPLAINED, ASKED,
	ANSWERED_IT, WORDS };

/* --- Whom it is about --- */

static struct rsg_place_of
reference_place(const struct rsg_call *c)
{
	struct rsg_place_of at = { .kind = RSG_SEAL_TOKEN,
	    .controller = c->actor.controller,
	    .pk = rsg_seal_number(c->actor.recipient), .version = 1, .generation = 1 };

	memcpy(at.pk2.b, "reference", 9);
	return at;
}

static const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };

static enum rsg_err
open_reference(struct rsg_worker *w, struct rsg_call *c, struct rsg_id *id)
{
	struct rsg_place_of at = reference_place(c);
	uint8_t text[REFERENCE_MAX];
	const uint8_t *p;
	size_t len, n;

	(void)rsg_msg_get(c->in, RSG_F_REFERENCE, &p, &len);
	if (len < RSG_SEAL_EXTRA || len > sizeof(text) || rsg_service_open(
	    w->vault->keys, session, &at, p, len, text, &n) != RSG_OK || n != RSG_ID_LEN)
		return rsg_call_fail(c, RSG_BAD_VALUE, "reference", NULL);
	memcpy(id->b, text, RSG_ID_LEN);
	return RSG_OK;
}

enum rsg_err
rsg_contact_reference(struct rsg_worker *w, struct rsg_call *c, const struct rsg_id *id)
{
	struct rsg_place_of at = reference_place(c);
	struct rsg_buf token;
	enum rsg_err e;

	rsg_buf_init(&token, REFERENCE_MAX);
	if ((e = rsg_service_seal(w->vault->keys, session, &at, id->b, RSG_ID_LEN,
	    &token)) == RSG_OK && (e = rsg_buf_err(&token)) == RSG_OK)
		rsg_msg_bytes(&c->out, RSG_F_REFERENCE, token.p, token.len);
	rsg_buf_free(&token);
	return e;
}

static enum rsg_err
open_pseudonym(struct rsg_worker *w, struct rsg_call *c, struct rsg_id *id)
{
	struct rsg_pseudonym *key = NULL;
	struct rsg_id pseudonym;
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	(void)rsg_msg_get(c->in, RSG_F_PSEUDONYM, &p, &len);
	if (len != RSG_ID_LEN)
		return rsg_call_fail(c, RSG_BAD_VALUE, "pseudonym", NULL);
	memcpy(pseudonym.b, p, RSG_ID_LEN);
	if ((e = rsg_pseudonym_open(w->vault->keys, c->actor.recipient,
	    c->actor.epoch, &key)) == RSG_OK)
		e = rsg_pseudonym_subject(key, &pseudonym, 1, id);
	rsg_pseudonym_free(key);
	return e;
}

static enum rsg_err
refuse(struct rsg_call *c, const char *member, const char *clause)
{
	c->audited = true;
	c->draft.decision = RSG_DENIED;
	snprintf(c->draft.clause, sizeof(c->draft.clause), "%s", clause);
	return rsg_call_fail(c, RSG_DENIED, member, clause);
}

/* Word of somebody who wants no more of it is taken from whoever brings it. */
static bool
is_no(const struct rsg_contact *k)
{
	return k->word == UNSUBSCRIBED || k->word == COMPLAINED;
}

/* Outside, people have pseudonyms; inside, they have ids. Neither crosses. */
enum rsg_err
rsg_contact_person(struct rsg_item *it, enum rsg_action action, bool no)
{
	struct rsg_call *c = it->call;
	bool pseudonym = rsg_msg_has(c->in, RSG_F_PSEUDONYM);
	bool reference = rsg_msg_has(c->in, RSG_F_REFERENCE);
	bool subject = rsg_msg_has(c->in, RSG_F_SUBJECT);
	bool outside = c->actor.recipient != 0;
	struct rsg_id id;
	enum rsg_err e;

	c->draft.action = action;
	c->draft.recipient = c->actor.recipient;
	if (outside && !no && c->actor.contract_until != 0 &&
	    c->actor.contract_until <= it->batch->w->now)
		return refuse(c, NULL, "contract:expired");
	if (outside && subject)
		return refuse(c, "subject", "recipient:pseudonym");
	if (!outside && !subject)
		return refuse(c, "pseudonym", "recipient:none");
	if (!outside && (pseudonym || reference))
		return rsg_call_fail(c, RSG_UNKNOWN_MEMBER,
		    pseudonym ? "pseudonym" : "reference", NULL);
	if (outside && pseudonym == reference)
		return rsg_call_fail(c, pseudonym ? RSG_UNKNOWN_MEMBER :
		    RSG_MISSING_MEMBER, pseudonym ? "reference" : "pseudonym", NULL);
	if (subject)
		(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	else if ((e = pseudonym ? open_pseudonym(it->batch->w, c, &id) :
	    open_reference(it->batch->w, c, &id)) != RSG_OK)
		return e;
	return rsg_want_subject(it, &id);
}

/* The purpose named; of a tool the first that it is registered for; else what
 * the policy means by none. */
enum rsg_err
rsg_contact_purpose(struct rsg_item *it, uint16_t *number)
{
	struct rsg_call *c = it->call;
	const struct rsg_policy *policy = it->batch->w->policy;
	const struct rsg_purposedef *p = NULL;
	const uint8_t *name;
	size_t len;

	*number = 0;
	if (rsg_msg_get(c->in, RSG_F_PURPOSE, &name, &len)) {
		if ((p = rsg_policy_purpose(policy, (const char *)name, len)) == NULL)
			return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
	} else if (c->actor.recipient != 0)
		p = rsg_policy_purpose(policy, c->actor.purposes,
		    strcspn(c->actor.purposes, ","));
	*number = p != NULL ? p->number : rsg_policy_contact(policy)->purpose;
	return *number != 0 ? RSG_OK :
	    rsg_call_fail(c, RSG_MISSING_MEMBER, "purpose", NULL);
}

enum rsg_err
rsg_contact_channel(struct rsg_call *c, enum rsg_channel *channel)
{
	const uint8_t *s;
	size_t len;
	int n = RSG_CHANNEL_NONE;

	if (rsg_msg_get(c->in, RSG_F_CHANNEL, &s, &len) &&
	    (n = rsg_channel_find((const char *)s, len)) <= RSG_CHANNEL_NONE)
		return rsg_call_fail(c, RSG_BAD_VALUE, "channel", NULL);
	*channel = (enum rsg_channel)n;
	return RSG_OK;
}

/* --- What came of it --- */

enum rsg_err
rsg_op_contact_report_want(struct rsg_item *it)
{
	struct rsg_contact *k = rsg_arena_get(it->batch->w->arena, sizeof(*k));
	struct rsg_call *c = it->call;
	struct rsg_bind *b;
	const uint8_t *s;
	size_t len;
	enum rsg_err e;

	if (k == NULL)
		return RSG_NO_MEMORY;
	it->scratch = k;
	(void)rsg_msg_get(c->in, RSG_F_KIND, &s, &len);
	for (k->word = 0; k->word < WORDS; k->word++)
		if (strlen(words[k->word].word) == len &&
		    memcmp(words[k->word].word, s, len) == 0)
			break;
	if (k->word == WORDS || !rsg_policy_kind(it->batch->w->policy,
	    words[k->word].kind, strlen(words[k->word].kind), &k->kind))
		return rsg_call_fail(c, RSG_BAD_VALUE, "kind", NULL);
	if (!is_no(k) && (e = rsg_call_missed(c, c->in)) != RSG_OK)
		return e;
	k->time = rsg_msg_get_int(c->in, RSG_F_TIME, it->batch->w->now);
	if (k->time > it->batch->w->now && !is_no(k))
		return rsg_call_fail(c, RSG_BAD_VALUE, "time", "time:future");
	if (k->time > it->batch->w->now)
		k->time = it->batch->w->now;	/* a no does not wait for a clock */
	if ((e = rsg_contact_channel(c, &k->channel)) != RSG_OK ||
	    (e = rsg_contact_purpose(it, &k->purpose)) != RSG_OK ||
	    (e = rsg_contact_person(it, RSG_ACT_CONTACT_REPORT, is_no(k))) != RSG_OK)
		return e;
	if (k->word == ANSWERED_IT) {
		b = rsg_want_rows(it, RSG_SQL_REQUESTS_OPEN);
		rsg_bind_id(b, 0, &it->subject->id);
		rsg_bind_int(b, 1, RSG_QUESTION);
	}
	return RSG_OK;
}

static void
take_text(struct rsg_call *c, struct rsg_event *ev, enum rsg_field f,
    enum rsg_event_text t)
{
	const uint8_t *p;
	size_t len;

	if (rsg_msg_get(c->in, f, &p, &len)) {
		ev->text[t].p = (const char *)p;
		ev->text[t].len = len;
	}
}

static uint32_t
name_digest(struct rsg_item *it, const char *name)
{
	struct rsg_service_name key = { RSG_SERVICE_BLIND, it->subject->controller, 0 };
	uint8_t digest[RSG_DIGEST_LEN];

	if (rsg_service_digest(it->batch->w->vault->keys, key, "counter", name,
	    strlen(name), digest) != RSG_OK)
		return 0;
	return rsg_get32(digest);
}

/* The event itself, as any other: in the history, and counted by its day. */
static enum rsg_err
note_event(struct rsg_item *it, const struct rsg_contact *k, const struct rsg_controller *con)
{
	struct rsg_event ev = { .kind = k->kind, .time = k->time };
	struct rsg_benefit_day d = { .kind = k->kind,
	    .day = rsg_zone_day(con->zone, k->time), .sent = k->word == CONTACTED };
	struct rsg_subject *s = it->subject;
	struct rsg_id chance = rsg_id_new(), id;
	struct rsg_buf sealed;
	struct rsg_bind *q;
	enum rsg_err e;

	memcpy(ev.currency, con->currency, sizeof(ev.currency));
	take_text(it->call, &ev, RSG_F_CHANNEL, RSG_EV_CHANNEL);
	take_text(it->call, &ev, RSG_F_DOCUMENT, RSG_EV_DOCUMENT);
	take_text(it->call, &ev, RSG_F_CAMPAIGN, RSG_EV_ITEM);
	ev.text[RSG_EV_ORIGIN].p = it->call->actor.recipient_name;
	ev.text[RSG_EV_ORIGIN].len = strlen(it->call->actor.recipient_name);
	rsg_event_id(s->keys.key[RSG_KEY_ACTIVITY], &ev, chance.b, &id);
	rsg_buf_init(&sealed, 8192);
	if ((e = rsg_event_seal(s->keys.key[RSG_KEY_ACTIVITY], s->controller, &s->id,
	    &id, &ev, &sealed)) != RSG_OK || (e = rsg_buf_err(&sealed)) != RSG_OK)
		goto done;
	q = rsg_stage(it->batch, RSG_SQL_EVENT_INSERT);
	rsg_bind_id(q, 0, &s->id);
	rsg_bind_id(q, 1, &id);
	rsg_bind_bytes(q, 2, sealed.p, sealed.len);
	if (k->channel != RSG_CHANNEL_NONE)
		d.channel = name_digest(it, rsg_channel_name(k->channel));
	e = rsg_benefit_activity(it->batch->w->arena, s, &d);
done:
	rsg_buf_free(&sealed);
	return e;
}

/* "No more of these" by a channel, or of all where none is named. */
static enum rsg_err
withdraw(struct rsg_item *it, const struct rsg_contact *k, uint16_t purpose,
    enum rsg_channel channel, bool object)
{
	const struct rsg_purposedef *p =
	    rsg_policy_purpose_no(it->batch->w->policy, purpose);
	struct rsg_consent ev = { .purpose = purpose, .channel = channel,
	    .time = k->time, .dated = true,
	    .method = k->word == COMPLAINED ? "complaint" : "unsubscribe",
	    .origin = RSG_ORIGIN_TOOL, .lacking = k->lacking };
	struct rsg_said said;
	enum rsg_err e;

	/* What needs no yes is ended by an objection. */
	ev.status = p->needs_consent && !object ? RSG_STATUS_WITHDRAWN :
	    RSG_STATUS_OBJECTED;
	e = rsg_ledger_append(it->batch, it->call, it->subject, &ev, &said);
	if (e == RSG_OK)
		rsg_msg_text(&it->call->out, RSG_F_WITHDRAWN, p->id);
	return e;
}

/*
 * The purpose that the tool works for, and by this channel every one above it
 * that is asked for by channel: who wants no more e-mail is not written to by
 * e-mail, whatever group they are in, and leaves the tool's groups. Who
 * complains says more: they object to the channel.
 */
static enum rsg_err
unsubscribe(struct rsg_item *it, const struct rsg_contact *k)
{
	const struct rsg_policy *policy = it->batch->w->policy;
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, k->purpose);
	bool object = k->word == COMPLAINED;
	enum rsg_err e;

	e = p->per_channel ? withdraw(it, k, p->number, k->channel, object) :
	    withdraw(it, k, p->number, RSG_CHANNEL_NONE, false);
	while (e == RSG_OK && p->parent != 0 &&
	    (p = rsg_policy_purpose_no(policy, p->parent)) != NULL)
		if (p->per_channel)
			e = withdraw(it, k, p->number, k->channel, object);
	return e;
}

enum rsg_err
rsg_op_contact_report(struct rsg_item *it)
{
	struct rsg_contact *k = it->scratch;
	const struct rsg_controller *con = rsg_vault_controller(it->batch->w->vault,
	    it->call->actor.controller);
	struct rsg_answer answer;
	enum rsg_err e;

	if (con == NULL)
		return RSG_UNAVAILABLE;
	if ((e = rsg_item_open(it)) == RSG_OK)
		e = is_no(k) ? rsg_consent_no(it, RSG_ACT_CONTACT_REPORT, k->purpose,
		    &k->lacking) : rsg_item_allowed(it, RSG_ACT_CONTACT_REPORT,
		    k->purpose, NULL, 0, &answer);
	if (e != RSG_OK)
		return e;
	rsg_msg_int(&it->call->out, RSG_F_ACCEPTED, !it->replay);
	if (it->replay)
		return rsg_buf_err(&it->call->out);
	/* Stopping comes first: what may be refused does not stand before it. */
	if (k->word == ANSWERED_IT)
		e = rsg_question_stop(it);
	else if (k->word == UNSUBSCRIBED || (k->word == COMPLAINED &&
	    rsg_policy_contact(it->batch->w->policy)->complaint_objects))
		e = unsubscribe(it, k);
	else if (k->word == ASKED)
		e = rsg_question_start(it, k);
	if (e != RSG_OK || (e = note_event(it, k, con)) != RSG_OK)
		return e;
	rsg_stage_idempotency(it, &it->subject->id, 1);
	return rsg_buf_err(&it->call->out);
}
