/*
 * May one write to this person now, by this channel: what they agreed to, and
 * how they want it.
 */
#include <stdio.h>
#include <string.h>

#include "benefit/benefit.h"
#include "ops/contacts.h"
#include "ops/ops.h"
#include "segment/quiet.h"
#include "work/vault.h"

/* Fields that say how; a policy need not have them. */
enum { OFTEN, HOURS, LIMIT, BY, PREFERENCES };
static const char *const preferences[PREFERENCES] = {
	[OFTEN] = "contact_frequency", [HOURS] = "quiet_hours",
	[LIMIT] = "contact_limit", [BY] = "preferred_channel",
};

enum rsg_err
rsg_op_contact_ask_want(struct rsg_item *it)
{
	struct rsg_contact *k = rsg_arena_get(it->batch->w->arena, sizeof(*k));
	const struct rsg_fielddef *f;
	enum rsg_err e;

	if (k == NULL)
		return RSG_NO_MEMORY;
	it->scratch = k;
	if ((e = rsg_contact_channel(it->call, &k->channel)) != RSG_OK ||
	    (e = rsg_contact_purpose(it, &k->purpose)) != RSG_OK ||
	    (e = rsg_contact_person(it, RSG_ACT_CONTACT_ASK, false)) != RSG_OK)
		return e;
	for (size_t i = 0; i < PREFERENCES && e == RSG_OK; i++)
		if ((f = rsg_policy_field(it->batch->w->policy, preferences[i],
		    strlen(preferences[i]))) != NULL)
			e = rsg_want_field(it, f->number);
	return e;
}

/* A preference, if the person has one; *v untouched where not. */
static enum rsg_err
preference(struct rsg_item *it, const char *name, struct rsg_value *v)
{
	const struct rsg_fielddef *f = rsg_policy_field(it->batch->w->policy, name,
	    strlen(name));
	enum rsg_err e = f == NULL ? RSG_NOT_FOUND : rsg_item_value(it, f->number, v);

	return e == RSG_NOT_FOUND ? RSG_OK : e;
}

static uint32_t
every(const struct rsg_value *v, uint32_t otherwise)
{
	static const struct { const char *id; uint32_t days; } often[] = {
		{ "daily", 1 }, { "weekly", 7 }, { "fortnightly", 14 }, { "monthly", 30 },
	};

	for (size_t i = 0; v->text != NULL && i < 4; i++)
		if (strlen(often[i].id) == v->len &&
		    memcmp(often[i].id, v->text, v->len) == 0)
			return often[i].days;
	return otherwise;
}

/* How a person is to be written to. */
struct manner {
	const struct rsg_zone *zone;
	int32_t today;
	uint32_t every;			/* days between two messages */
	uint32_t most, days;		/* at most so many in so many days; 0: no limit */
	unsigned from, to;		/* quiet */
	enum rsg_channel by;		/* preferred; NONE: they do not say */
};

static enum rsg_err
read_manner(struct rsg_item *it, const struct rsg_controller *con, struct manner *m)
{
	const struct rsg_contactdef *d = rsg_policy_contact(it->batch->w->policy);
	struct rsg_value v[PREFERENCES] = { 0 };
	int channel;
	enum rsg_err e;

	for (size_t i = 0; i < PREFERENCES; i++)
		if ((e = preference(it, preferences[i], &v[i])) != RSG_OK)
			return e;
	*m = (struct manner){ .zone = con->zone,
	    .today = rsg_zone_day(con->zone, it->batch->w->now),
	    .every = every(&v[OFTEN], d->every_days), .most = d->most,
	    .days = d->most_days, .from = d->quiet_from, .to = d->quiet_to };
	if (v[HOURS].text != NULL && v[HOURS].len == 11) {
		(void)rsg_policy_minutes(v[HOURS].text, 5, &m->from);
		(void)rsg_policy_minutes(v[HOURS].text + 6, 5, &m->to);
	}
	if (v[LIMIT].text != NULL)
		(void)rsg_policy_limit(v[LIMIT].text, v[LIMIT].len, &m->most, &m->days);
	if (v[BY].text != NULL &&
	    (channel = rsg_channel_find(v[BY].text, v[BY].len)) > RSG_CHANNEL_NONE)
		m->by = (enum rsg_channel)channel;
	return RSG_OK;
}

/* The first day on which one more is not too soon. */
static enum rsg_err
not_too_soon(struct rsg_item *it, const struct manner *m, int32_t *day)
{
	uint8_t kind = 0;
	int32_t last;
	enum rsg_err e;

	*day = m->today;
	(void)rsg_policy_kind(it->batch->w->policy, "contact", 7, &kind);
	if ((e = rsg_benefit_last(it->subject, kind, &last)) == RSG_NOT_FOUND)
		return RSG_OK;
	if (e == RSG_OK && m->today - last < (int64_t)m->every)
		*day = last + (int32_t)m->every;
	return e;
}

/* ... nor too many. "None" is a limit too, which no day is beyond. */
static enum rsg_err
not_too_many(struct rsg_item *it, const struct manner *m, int32_t *day)
{
	uint32_t sent[RSG_SENT_DAYS], sum;
	enum rsg_err e;

	*day = m->today;
	if (m->days == 0)
		return RSG_OK;
	if ((e = rsg_benefit_sent(it->subject, m->today, sent)) != RSG_OK)
		return e;
	for (uint32_t later = 0; later < m->days; later++, (*day)++) {
		sum = 0;
		for (uint32_t ago = 0; ago + later < m->days; ago++)
			sum += sent[ago];
		if (sum < m->most)
			return RSG_OK;
	}
	return RSG_OK;
}

/* What of their own wishes speaks against it, and until when. */
static enum rsg_err
wishes(struct rsg_item *it, const struct rsg_contact *k, const struct manner *m,
    const char **clause, int64_t *next)
{
	struct rsg_standing st = rsg_item_standing(it);
	int64_t now = it->batch->w->now;
	int32_t soon, many;
	enum rsg_err e;

	/* By another channel, if by that one they may be written to at all. */
	if (m->by != RSG_CHANNEL_NONE && m->by != k->channel && rsg_policy_against(
	    it->batch->w->policy, k->purpose, m->by, &st, now) == NULL) {
		*clause = "preference:channel";
		return RSG_OK;
	}
	if ((e = not_too_soon(it, m, &soon)) != RSG_OK ||
	    (e = not_too_many(it, m, &many)) != RSG_OK)
		return e;
	if (soon < many)
		soon = many;
	if (soon > m->today) {
		*clause = "preference:frequency";
		*next = rsg_quiet_end(m->zone, rsg_zone_instant(m->zone, soon, 0),
		    m->from, m->to);
	} else if (rsg_quiet(m->zone, now, m->from, m->to)) {
		*clause = "preference:quiet-hours";
		*next = rsg_quiet_end(m->zone, now, m->from, m->to);
	}
	return RSG_OK;
}

/* What speaks against it, and until when; NULL: nothing. */
static enum rsg_err
weigh(struct rsg_item *it, const struct rsg_contact *k, const char **clause,
    int64_t *next, enum rsg_channel *by)
{
	struct rsg_worker *w = it->batch->w;
	const struct rsg_controller *con = rsg_vault_controller(w->vault,
	    it->subject->controller);
	struct rsg_standing st = rsg_item_standing(it);
	struct manner m;
	enum rsg_err e;

	*next = 0;
	*by = RSG_CHANNEL_NONE;
	if (con == NULL)
		return RSG_UNAVAILABLE;
	if (it->subject->h.state != RSG_STATE_ACTIVE) {
		*clause = "state";
		return RSG_OK;
	}
	if ((*clause = rsg_policy_against(w->policy, k->purpose, k->channel, &st,
	    w->now)) != NULL)
		return RSG_OK;
	if ((e = read_manner(it, con, &m)) != RSG_OK)
		return e;
	*by = m.by;
	return wishes(it, k, &m, clause, next);
}

enum rsg_err
rsg_op_contact_ask(struct rsg_item *it)
{
	const struct rsg_contact *k = it->scratch;
	struct rsg_call *c = it->call;
	const char *clause = NULL;
	struct rsg_answer answer;
	enum rsg_channel by;
	int64_t next;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_CONTACT_ASK, k->purpose, NULL, 0,
	    &answer)) != RSG_OK || (e = weigh(it, k, &clause, &next, &by)) != RSG_OK)
		return e;
	rsg_msg_bool(&c->out, RSG_F_MAY, clause == NULL);
	if (c->actor.recipient == 0 && by != RSG_CHANNEL_NONE)
		rsg_msg_text(&c->out, RSG_F_PREFERRED, rsg_channel_name(by));
	if (clause != NULL) {
		/* A no is an answer, and stands in the log as the no that it is. */
		rsg_msg_text(&c->out, RSG_F_CLAUSE, clause);
		snprintf(c->draft.clause, sizeof(c->draft.clause), "%s", clause);
		if (next != 0)
			rsg_msg_int(&c->out, RSG_F_NEXT_TIME, next);
		return rsg_buf_err(&c->out);
	}
	if (c->actor.recipient != 0)
		e = rsg_contact_reference(it->batch->w, c, &it->subject->id);
	else
		rsg_msg_text(&c->out, RSG_F_LANGUAGE, it->subject->h.language);
	return e != RSG_OK ? e : rsg_buf_err(&c->out);
}
