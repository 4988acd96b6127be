/*
 * policy_oracle.h - deciding once more, slowly: straight from the JSON, by
 * names, with no tables and nothing precomputed. Written from docs/POLICY.md
 * and policy.h; it shares no code with vault/policy.
 */
#ifndef RSG_TEST_POLICY_ORACLE_H
#define RSG_TEST_POLICY_ORACLE_H

#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "resguardo/json.h"

struct oracle_answer {
	enum rsg_err err;
	char clause[128];
	uint32_t min_group, rate;
	uint8_t transform[RSG_POLICY_FIELDS];
	char why[RSG_POLICY_FIELDS][128];
};

typedef const struct rsg_json J;

static J *
o_list(J *bundle, const char *file, const char *member)
{
	return rsg_json_get(rsg_json_get(rsg_json_get(bundle, "files"), file),
	    member);
}

static const char *
o_text(J *o, const char *member)
{
	J *v = rsg_json_get(o, member);

	return v == NULL ? "" : rsg_json_string(v, NULL);
}

static bool
o_bool(J *o, const char *member)
{
	J *v = rsg_json_get(o, member);

	return v != NULL && rsg_json_bool(v);
}

static bool
o_in(J *list, const char *s)
{
	for (size_t i = 0; s != NULL && i < rsg_json_size(list); i++)
		if (strcmp(rsg_json_string(rsg_json_at(list, i), NULL), s) == 0)
			return true;
	return false;
}

/* Is `s` one of the words of `words`, blank between? */
static bool
o_word(const char *words, const char *s)
{
	char padded[64];

	snprintf(padded, sizeof(padded), " %s ", s);
	return strstr(words, padded) != NULL;
}

/* By number or id; NULL: none. */
static J *
o_find(J *list, const char *id, int64_t number)
{
	for (size_t i = 0; i < rsg_json_size(list); i++) {
		J *o = rsg_json_at(list, i);

		if (id != NULL ? strcmp(o_text(o, "id"), id) == 0 :
		    rsg_json_int(rsg_json_get(o, "number")) == number)
			return o;
	}
	return NULL;
}

/* --- Rules --- */

static bool
o_speaks(J *bundle, J *rule, const struct rsg_question *q)
{
	J *purposes = rsg_json_get(rule, "purposes");
	J *p = o_find(o_list(bundle, "purposes.json", "purposes"), NULL,
	    q->purpose);

	if (strcmp(o_text(rule, "role"), q->role) != 0 ||
	    !o_in(rsg_json_get(rule, "actions"), rsg_action_name(q->action)))
		return false;
	if (q->purpose == 0)
		return o_in(purposes, "none") || o_in(purposes, "*");
	return p != NULL && (o_in(purposes, o_text(p, "id")) ||
	    o_in(purposes, "*"));
}

static bool
o_concerns(J *bundle, J *rule, const struct rsg_question *q)
{
	J *role = o_find(o_list(bundle, "access.json", "roles"),
	    o_text(rule, "role"), 0);
	J *recipients = rsg_json_get(rule, "recipients");

	if (recipients != NULL && !o_in(recipients, q->recipient))
		return false;
	return strcmp(o_text(role, "reach"), "own") != 0 ||
	    q->action == RSG_ACT_SIGN_IN ||
	    (q->standing != NULL && q->standing->self);
}

static const char *
o_state(const struct rsg_question *q)
{
	static const char *const names[] = { "?", "active", "restricted",
	    "blocked", "erased" };

	return q->standing == NULL ? "active" : names[q->standing->state];
}

static bool
o_state_ok(J *rule, const struct rsg_question *q)
{
	J *states = rsg_json_get(rule, "states");

	return states == NULL ? strcmp(o_state(q), "active") == 0 :
	    o_in(states, o_state(q));
}

/* What the rule requires and the question lacks; NULL: nothing. */
static const char *
o_lacks(J *rule, const struct rsg_question *q)
{
	J *r = rsg_json_get(rule, "require");

	if (o_in(r, "staff") && !q->staff)
		return "staff";
	if (o_in(r, "place") && !q->place)
		return "place";
	return o_in(r, "reason") && !q->reason ? "reason" : NULL;
}

/* What the rule says of a field: "" (nothing), "none", "clear" ... */
static const char *
o_says(J *rule, J *field, enum rsg_action action)
{
	J *map = rsg_json_get(rule, "fields"), *v;
	char category[80];
	const char *t;

	if (map == NULL)
		return "";
	snprintf(category, sizeof(category), "@%s", o_text(field, "category"));
	if ((v = rsg_json_get(map, o_text(field, "id"))) == NULL &&
	    (v = rsg_json_get(map, category)) == NULL &&
	    (v = rsg_json_get(map, "@all")) == NULL)
		return "";
	t = rsg_json_string(v, NULL);
	if (strcmp(t, "none") == 0)
		return t;
	if (strcmp(t, "generalised") == 0 &&
	    rsg_json_get(field, "generaliser") == NULL)
		return "";
	if (action == RSG_ACT_LOOKUP && !o_bool(field, "searchable"))
		return "";
	/* A rule that lets write lets write in full, or nothing. */
	for (size_t i = 0; i < rsg_json_size(rsg_json_get(rule, "actions")); i++)
		if (o_word(" create change import ", rsg_json_string(
		    rsg_json_at(rsg_json_get(rule, "actions"), i), NULL)) &&
		    strcmp(t, "clear") != 0)
			return "";
	return t;
}

/* --- Consent --- */

static J *
o_parent(J *bundle, J *purpose)
{
	return o_find(o_list(bundle, "purposes.json", "purposes"),
	    rsg_json_get(purpose, "parent") ? o_text(purpose, "parent") :
	    "no such", 0);
}

static int64_t
o_number(J *purpose)
{
	return rsg_json_int(rsg_json_get(purpose, "number"));
}

/* 1: yes, -1: no, 0: nothing said. */
static int
o_last_word(J *purpose, uint8_t channel, const struct rsg_standing *s,
    int64_t now)
{
	int64_t yes = INT64_MIN;
	bool given = false;

	for (size_t i = 0; i < s->ngrants; i++) {
		const struct rsg_grant *g = &s->grant[i];
		const char *status = rsg_status_name((enum rsg_status)g->status);

		if (g->purpose != o_number(purpose) || g->channel != channel ||
		    o_word(" unknown requested ", status))
			continue;
		if (!o_word(" given renewed ", status) ||
		    (g->until != 0 && now >= g->until))
			return -1;
		given = true;
		yes = g->since > yes ? g->since : yes;
	}
	for (size_t i = 0; channel != 0 && i < s->ngrants; i++) {
		const struct rsg_grant *g = &s->grant[i];

		if (g->purpose == o_number(purpose) && g->channel == 0 &&
		    g->since >= yes &&
		    o_word(" refused withdrawn revoked invalidated ",
		    rsg_status_name((enum rsg_status)g->status)))
			return -1;
	}
	return given ? 1 : 0;
}

static bool
o_consents(J *bundle, J *purpose, uint8_t channel,
    const struct rsg_standing *s, int64_t now)
{
	int w = o_last_word(purpose, channel, s, now);
	J *up;

	if (w != 0)
		return w > 0;
	up = o_parent(bundle, purpose);
	return up != NULL && o_bool(up, "covers_children") &&
	    o_consents(bundle, up, channel, s, now);
}

/* Does `g` object to the purpose or one above? Their id, or NULL. */
static const char *
o_objects(J *bundle, J *purpose, uint8_t channel, const struct rsg_grant *g)
{
	if (g->status != RSG_STATUS_OBJECTED ||
	    (g->channel != 0 && g->channel != channel))
		return NULL;
	for (J *p = purpose; p != NULL; p = o_parent(bundle, p))
		if (o_number(p) == g->purpose)
			return o_text(p, "id");
	return NULL;
}

static bool
o_any_objection(J *bundle, J *purpose, uint8_t channel,
    const struct rsg_standing *s)
{
	for (size_t i = 0; i < s->ngrants; i++)
		if (o_objects(bundle, purpose, channel, &s->grant[i]) != NULL)
			return true;
	return false;
}

static bool
o_granted(J *bundle, J *purpose, const struct rsg_question *q,
    const struct rsg_standing *s)
{
	if (!o_bool(purpose, "per_channel"))
		return o_consents(bundle, purpose, 0, s, q->now) &&
		    (q->channel == 0 ||
		    o_last_word(purpose, q->channel, s, q->now) >= 0);
	if (q->channel != 0)
		return o_consents(bundle, purpose, q->channel, s, q->now);
	for (uint8_t c = 0; c < RSG_CHANNEL__MAX; c++)
		if (o_consents(bundle, purpose, c, s, q->now) &&
		    (c == 0 || !o_any_objection(bundle, purpose, c, s)))
			return true;
	return false;
}

/* False, with the clause, when the person's word speaks against it. */
static bool
o_person_agrees(J *bundle, const struct rsg_question *q, char *clause)
{
	static const struct rsg_standing nothing = { .state = RSG_STATE_ACTIVE };
	const struct rsg_standing *s = q->standing != NULL ? q->standing : &nothing;
	const char *action = rsg_action_name(q->action), *id;
	J *purpose = o_find(o_list(bundle, "purposes.json", "purposes"), NULL,
	    q->purpose);

	if (purpose == NULL || !o_word(" create read change lookup event_write "
	    "event_read model_fit model_read release ask_people ", action))
		return true;
	if (q->standing == NULL &&
	    !o_word(" read change event_write event_read ", action))
		return true;
	if (!o_word(" consent explicit_consent legitimate_interest "
	    "public_interest ", o_text(purpose, "basis")))
		return true;
	for (size_t i = 0; i < s->ngrants; i++)
		if ((id = o_objects(bundle, purpose, q->channel,
		    &s->grant[i])) != NULL) {
			snprintf(clause, 128, "objection:%s", id);
			return false;
		}
	if (!o_word(" consent explicit_consent ", o_text(purpose, "basis")) ||
	    o_granted(bundle, purpose, q, s))
		return true;
	snprintf(clause, 128, "consent:%s", o_text(purpose, "id"));
	return false;
}

/* --- Together --- */

#define O_RULES	64

struct o_case {
	J *rule[O_RULES];		/* that concern the question, in order */
	bool giver[O_RULES];
	size_t n;
};

static void
o_gather(J *bundle, const struct rsg_question *q, struct o_case *c)
{
	J *rules = o_list(bundle, "access.json", "rules");
	bool named = false;

	c->n = 0;
	for (size_t i = 0; i < rsg_json_size(rules); i++) {
		J *r = rsg_json_at(rules, i);

		if (!o_speaks(bundle, r, q) || !o_concerns(bundle, r, q))
			continue;
		named = named || rsg_json_get(r, "recipients") != NULL;
		c->rule[c->n++] = r;
	}
	for (size_t i = 0; i < c->n; i++)
		c->giver[i] = !named ||
		    rsg_json_get(c->rule[i], "recipients") != NULL;
}

/*
 * The nearest of the givers that say something of `field` (NULL: of the
 * action). 3 with the best transform: it is given; 2 lacks a name; 1 wrong
 * state; 0 nothing.
 */
static int
o_nearest(const struct o_case *c, J *field, const struct rsg_question *q,
    char *clause, uint8_t *transform)
{
	int best = 0, t = 0;

	for (int want = 3; want >= 1 && best == 0; want--)
		for (size_t i = 0; i < c->n; i++) {
			J *r = c->rule[i];
			const char *says = field == NULL ? "clear" :
			    o_says(r, field, q->action);
			int is = !o_state_ok(r, q) ? 1 :
			    o_lacks(r, q) != NULL ? 2 : 3;
			int strength = strcmp(says, "clear") == 0 ? RSG_TR_CLEAR :
			    strcmp(says, "masked") == 0 ? RSG_TR_MASKED :
			    strcmp(says, "generalised") == 0 ?
			    RSG_TR_GENERALISED : 0;

			if (!c->giver[i] || is != want || strength == 0 ||
			    (best != 0 && (want != 3 || strength <= t)))
				continue;
			best = want;
			t = strength;
			if (want == 3)
				snprintf(clause, 128, "%s", o_text(r, "id"));
			else
				snprintf(clause, 128, "%s:%s", want == 2 ?
				    "require" : "state", want == 2 ?
				    o_lacks(r, q) : o_state(q));
		}
	*transform = (uint8_t)(best == 3 ? t : 0);
	return best;
}

static int
o_field(const struct o_case *c, J *field, const struct rsg_question *q,
    char *clause, uint8_t *transform)
{
	snprintf(clause, 128, "default-deny");
	*transform = RSG_TR_NONE;
	if (field == NULL)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		if (o_state_ok(c->rule[i], q) && strcmp(o_says(c->rule[i],
		    field, q->action), "none") == 0) {
			snprintf(clause, 128, "%s", o_text(c->rule[i], "id"));
			return 0;
		}
	return o_nearest(c, field, q, clause, transform);
}

static enum rsg_err
o_err(int nearest)
{
	return nearest == 3 ? RSG_OK : nearest == 2 ? RSG_CONTEXT_REQUIRED :
	    nearest == 1 ? RSG_SUBJECT_STATE : RSG_DENIED;
}

static void
o_oblige(const struct o_case *c, const struct rsg_question *q,
    struct oracle_answer *a)
{
	for (size_t i = 0; i < c->n; i++) {
		J *group = rsg_json_get(c->rule[i], "min_group");
		J *rate = rsg_json_get(c->rule[i], "rate_per_minute");

		if (!o_state_ok(c->rule[i], q))
			continue;
		if (group != NULL && rsg_json_int(group) > a->min_group)
			a->min_group = (uint32_t)rsg_json_int(group);
		if (rate != NULL && o_lacks(c->rule[i], q) == NULL &&
		    (a->rate == 0 || rsg_json_int(rate) < a->rate))
			a->rate = (uint32_t)rsg_json_int(rate);
	}
}

static void
oracle_decide(J *bundle, const struct rsg_question *q, struct oracle_answer *a)
{
	struct o_case c;
	int near, best = -1;
	uint8_t t;

	memset(a, 0, sizeof(*a));
	snprintf(a->clause, sizeof(a->clause), "default-deny");
	o_gather(bundle, q, &c);
	near = o_nearest(&c, NULL, q, a->clause, &t);
	a->err = o_err(near);
	if (near == 3 && !o_person_agrees(bundle, q, a->clause))
		a->err = RSG_NO_CONSENT;
	for (size_t i = 0; i < q->nfields && a->err != RSG_OK; i++)
		memcpy(a->why[q->field[i]], a->clause, 128);
	if (a->err != RSG_OK)
		return;
	o_oblige(&c, q, a);
	for (size_t i = 0; i < q->nfields; i++) {
		uint16_t n = q->field[i];

		near = o_field(&c, o_find(o_list(bundle, "fields.json",
		    "fields"), NULL, n), q, a->why[n], &a->transform[n]);
		if (near > best) {
			best = near;
			memcpy(a->clause, a->why[n], 128);
			a->err = o_err(near);
		}
	}
}

#endif
