/*
 * decide.c - may this be done? A pure function of the question.
 *
 * It must stay fast (once for each person of a scan) and must fail closed:
 * whatever is not found in the tables is not allowed.
 */
#include <string.h>

#include "policy/model.h"

/* How well a rule fits a question, worst first. */
enum fit { FIT_OTHER, FIT_STATE, FIT_REQUIRE, FIT_OK };

/* What a person last said about a purpose and channel. */
enum word { WORD_SILENT, WORD_NO, WORD_YES };

static const char default_deny[] = "default-deny";
static const char *const state_clause[] = {
	[0] = "state:unknown", [RSG_STATE_ACTIVE] = "state:active",
	[RSG_STATE_RESTRICTED] = "state:restricted",
	[RSG_STATE_BLOCKED] = "state:blocked",
	[RSG_STATE_ERASED] = "state:erased",
};
static const char *const require_clause[] = {
	"require:staff", "require:place", "require:reason"
};

/* Most questions have one or two rules; the rest is for odd policies. */
struct weighed {
	const struct rsg__rule *rule[RSG__SPAN];
	enum fit fit[RSG__SPAN];
	bool named[RSG__SPAN];		/* it names the recipient */
	size_t n;
	bool any_named;
};

static int
role_of(const struct rsg_policy *p, const char *role)
{
	if (role == NULL)
		return -1;
	for (size_t i = 0; i < p->nroles; i++)
		if (strcmp(p->role[i].id, role) == 0)
			return (int)i;
	return -1;
}

static bool
names_recipient(const struct rsg__rule *r, const char *recipient)
{
	if (recipient == NULL)
		return false;
	for (size_t i = 0; i < rsg_json_size(r->recipients); i++)
		if (strcmp(rsg_json_string(rsg_json_at(r->recipients, i), NULL),
		    recipient) == 0)
			return true;
	return false;
}

static unsigned
state_of(const struct rsg_question *q)
{
	unsigned s;

	if (q->standing == NULL)
		return RSG_STATE_ACTIVE;
	s = (unsigned)q->standing->state;
	return s >= RSG_STATE_ACTIVE && s <= RSG_STATE_ERASED ? s : 0;
}

/* The requirements of a rule that the question does not meet, as bits. */
static unsigned
lacking(const struct rsg__rule *r, const struct rsg_question *q)
{
	unsigned has;

	has = (q->staff ? 1u : 0) | (q->place ? 2u : 0) | (q->reason ? 4u : 0);
	return r->require & ~has;
}

static enum fit
fit_of(const struct rsg_policy *p, const struct rsg__rule *r,
    const struct rsg_question *q, bool *named)
{
	*named = false;
	if (r->recipients != NULL) {
		if (!names_recipient(r, q->recipient))
			return FIT_OTHER;
		*named = true;
	}
	/* One's own record only; signing in comes before any record. */
	if (p->role[r->role].reach == RSG__REACH_OWN &&
	    q->action != RSG_ACT_SIGN_IN &&
	    (q->standing == NULL || !q->standing->self))
		return FIT_OTHER;
	if ((r->states & 1u << state_of(q)) == 0)
		return FIT_STATE;
	if (lacking(r, q) != 0)
		return FIT_REQUIRE;
	return FIT_OK;
}

/* The last word on exactly this purpose and channel. */
static enum word
word_at(const struct rsg_question *q, const struct rsg_standing *s,
    uint16_t purpose, uint8_t channel, int64_t *since)
{
	enum word w = WORD_SILENT;

	for (size_t i = 0; i < s->ngrants; i++) {
		const struct rsg_grant *g = &s->grant[i];

		if (g->purpose != purpose || g->channel != channel)
			continue;
		switch (g->status) {
		case RSG_STATUS_UNKNOWN:
		case RSG_STATUS_REQUESTED:
			break;
		case RSG_STATUS_GIVEN:
		case RSG_STATUS_RENEWED:
			if ((g->until != 0 && g->until <= q->now) ||
			    rsg_policy_again(q->again, q->nagain, purpose,
			    g->since, q->now))
				return WORD_NO;
			w = WORD_YES;
			if (g->since > *since)
				*since = g->since;
			break;
		default:
			return WORD_NO;
		}
	}
	return w;
}

/* A no to the purpose as a whole, said at `since` or later. */
static bool
whole_no(const struct rsg_standing *s, uint16_t purpose, int64_t since)
{
	for (size_t i = 0; i < s->ngrants; i++) {
		const struct rsg_grant *g = &s->grant[i];

		if (g->purpose != purpose || g->channel != RSG_CHANNEL_NONE ||
		    g->since < since)
			continue;
		if (g->status == RSG_STATUS_REFUSED ||
		    g->status == RSG_STATUS_WITHDRAWN ||
		    g->status == RSG_STATUS_REVOKED ||
		    g->status == RSG_STATUS_INVALIDATED)
			return true;
	}
	return false;
}

/*
 * The last word on a purpose and channel. "None of it any more" reaches the
 * channels too, until one of them is given again.
 */
static enum word
word_of(const struct rsg_question *q, const struct rsg_standing *s,
    uint16_t purpose, uint8_t channel)
{
	enum word w;
	int64_t since = INT64_MIN;

	w = word_at(q, s, purpose, channel, &since);
	if (w != WORD_NO && channel != RSG_CHANNEL_NONE &&
	    whole_no(s, purpose, since))
		return WORD_NO;
	return w;
}

/* Is there a grant for the purpose, its own or one from above that covers it? */
static bool
covered(const struct rsg_policy *p, const struct rsg__purpose *pu,
    const struct rsg_question *q, const struct rsg_standing *s, uint8_t channel)
{
	for (unsigned i = 0; i < RSG__DEPTH && pu->up[i] != 0; i++) {
		if (i > 0 && !rsg__purpose_no(p, pu->up[i])->def.covers_children)
			return false;
		switch (word_of(q, s, pu->up[i], channel)) {
		case WORD_YES:
			return true;
		case WORD_NO:
			return false;
		default:
			break;
		}
	}
	return false;
}

/* The clause of an objection to the purpose or one above it; NULL: none. */
static const char *
objection(const struct rsg_policy *p, const struct rsg__purpose *pu,
    const struct rsg_standing *s, uint8_t channel)
{
	for (size_t i = 0; i < s->ngrants; i++) {
		const struct rsg_grant *g = &s->grant[i];

		if (g->status != RSG_STATUS_OBJECTED ||
		    (g->channel != RSG_CHANNEL_NONE && g->channel != channel))
			continue;
		for (unsigned k = 0; k < RSG__DEPTH && pu->up[k] != 0; k++)
			if (pu->up[k] == g->purpose)
				return rsg__purpose_no(p, g->purpose)->objection;
	}
	return NULL;
}

static bool
granted(const struct rsg_policy *p, const struct rsg__purpose *pu,
    const struct rsg_question *q, const struct rsg_standing *s)
{
	uint8_t channel = q->channel;

	if (channel != RSG_CHANNEL_NONE) {
		if (pu->def.per_channel)
			return covered(p, pu, q, s, channel);
		if (word_of(q, s, pu->def.number, channel) == WORD_NO)
			return false;
	}
	if (covered(p, pu, q, s, RSG_CHANNEL_NONE))
		return true;
	if (!pu->def.per_channel)
		return false;
	for (uint8_t c = 1; c < RSG_CHANNEL__MAX; c++)
		if (covered(p, pu, q, s, c) && objection(p, pu, s, c) == NULL)
			return true;
	return false;
}

/* The clause that speaks against the purpose; NULL: nothing does. */
static const char *
against(const struct rsg_policy *p, const struct rsg_question *q)
{
	static const struct rsg_standing nothing = { .state = RSG_STATE_ACTIVE };
	const struct rsg_standing *s = q->standing;
	const struct rsg__purpose *pu = rsg__purpose_no(p, q->purpose);
	unsigned about = rsg__action_about(q->action);
	const char *clause;

	if (pu == NULL || (about & RSG__ACT_CONSENT) == 0)
		return NULL;
	if (s == NULL) {
		if ((about & RSG__ACT_PERSON) == 0)
			return NULL;
		s = &nothing;
	}
	if (!pu->def.needs_consent && !pu->def.can_object)
		return NULL;
	if ((clause = objection(p, pu, s, q->channel)) != NULL)
		return clause;
	if (pu->def.needs_consent && !granted(p, pu, q, s))
		return pu->consent;
	return NULL;
}

/* Does a rule give what it says, or was its place taken by a named one? */
static bool
gives(const struct weighed *w, size_t i)
{
	return w->fit[i] == FIT_OK && (w->named[i] || !w->any_named);
}

static void
weigh(const struct rsg_policy *p, const struct rsg_question *q, unsigned role,
    struct weighed *w)
{
	struct rsg__span span = p->span[role][q->action][q->purpose];

	w->n = span.n;
	w->any_named = false;
	for (size_t i = 0; i < w->n; i++) {
		w->rule[i] = &p->rule[p->list[span.first + i]];
		w->fit[i] = fit_of(p, w->rule[i], q, &w->named[i]);
		if (w->named[i])
			w->any_named = true;
	}
}

/* Say why no rule gives anything, by the one that came nearest to it. */
static void
refuse(const struct weighed *w, const struct rsg_question *q,
    struct rsg_answer *a)
{
	enum fit best = FIT_OTHER;
	unsigned lack = 0;

	for (size_t i = 0; i < w->n; i++) {
		if ((w->any_named && !w->named[i]) || w->fit[i] <= best)
			continue;
		best = w->fit[i];
		lack = lacking(w->rule[i], q);
	}
	if (best == FIT_STATE) {
		a->err = RSG_SUBJECT_STATE;
		a->clause = state_clause[state_of(q)];
	} else if (best == FIT_REQUIRE) {
		unsigned bit = (unsigned)__builtin_ctz(lack);

		a->err = RSG_CONTEXT_REQUIRED;
		a->clause = require_clause[bit];
		a->member = rsg_require_name(bit);
		a->lacking = lack;
	}
}

/* One field: its transform, the clause, and how near it came. */
static enum fit
weigh_field(const struct weighed *w, const struct rsg_question *q,
    uint16_t field, uint8_t *transform, const char **why, unsigned *lack)
{
	enum fit best = FIT_OTHER;

	*transform = RSG_TR_NONE;
	*why = default_deny;
	for (size_t i = 0; i < w->n; i++) {
		const struct rsg__rule *r = w->rule[i];
		uint8_t t = r->transform[field];

		if (t == 0 || w->fit[i] == FIT_OTHER)
			continue;
		if (t == RSG__WITHHOLD) {
			/* Naming less must not open more. */
			if (w->fit[i] < FIT_REQUIRE)
				continue;
			*transform = RSG_TR_NONE;
			*why = r->id;
			return FIT_OTHER;
		}
		if (gives(w, i)) {
			if (t > *transform) {
				*transform = t;
				*why = r->id;
			}
			best = FIT_OK;
		} else if (w->fit[i] > best && w->fit[i] != FIT_OK &&
		    (w->named[i] || !w->any_named)) {
			best = w->fit[i];
			*lack = lacking(r, q);
			*why = best == FIT_STATE ? state_clause[state_of(q)] :
			    require_clause[__builtin_ctz(*lack)];
		}
	}
	return best;
}

/* All fields. The answer is the first allowed one's, or the nearest miss. */
static void
weigh_fields(const struct weighed *w, const struct rsg_question *q,
    struct rsg_answer *a)
{
	enum fit best = FIT_OTHER, f;
	bool first = true;

	for (size_t i = 0; i < q->nfields; i++) {
		uint16_t n = q->field[i];
		unsigned lack = 0;

		if (n == 0 || n >= RSG_POLICY_FIELDS)
			continue;
		f = weigh_field(w, q, n, &a->transform[n], &a->why[n], &lack);
		if (!first && f <= best)
			continue;
		first = false;
		best = f;
		a->clause = a->why[n];
		a->member = f == FIT_REQUIRE ?
		    rsg_require_name((unsigned)__builtin_ctz(lack)) : NULL;
	}
	a->err = best == FIT_OK ? RSG_OK : best == FIT_REQUIRE ?
	    RSG_CONTEXT_REQUIRED : best == FIT_STATE ? RSG_SUBJECT_STATE :
	    RSG_DENIED;
	if (first)
		a->clause = default_deny;
}

/* What comes with a yes: the strictest of all rules that fit. */
static void
oblige(const struct weighed *w, struct rsg_answer *a)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct rsg__rule *r = w->rule[i];

		/* Naming less must not allow smaller groups. */
		if (w->fit[i] >= FIT_REQUIRE && r->min_group > a->min_group)
			a->min_group = r->min_group;
		if (w->fit[i] != FIT_OK)
			continue;
		if (r->rate != 0 && (a->rate == 0 || r->rate < a->rate))
			a->rate = r->rate;
	}
}

void
rsg_policy_decide(const struct rsg_policy *p, const struct rsg_question *q,
    struct rsg_answer *a)
{
	struct weighed w __attribute__((uninitialized));	/* weigh() fills it */
	const char *clause;
	size_t i;
	int role;

	memset(a, 0, sizeof(*a));
	a->err = RSG_DENIED;
	a->clause = default_deny;
	for (i = 0; i < q->nfields; i++)
		if (q->field[i] < RSG_POLICY_FIELDS)
			a->why[q->field[i]] = default_deny;

	role = role_of(p, q->role);
	if (role < 0 || (unsigned)q->action >= RSG_ACT__MAX ||
	    q->purpose >= RSG_POLICY_PURPOSES ||
	    q->channel >= RSG_CHANNEL__MAX)
		return;
	weigh(p, q, (unsigned)role, &w);

	for (i = 0; i < w.n && !gives(&w, i); i++)
		;
	if (i == w.n)
		refuse(&w, q, a);
	else if ((clause = against(p, q)) != NULL) {
		a->err = RSG_NO_CONSENT;
		a->clause = clause;
	} else {
		a->err = RSG_OK;
		a->clause = w.rule[i]->id;
		oblige(&w, a);
		if (q->nfields > 0)
			weigh_fields(&w, q, a);
		return;
	}
	for (i = 0; i < q->nfields; i++)
		if (q->field[i] < RSG_POLICY_FIELDS)
			a->why[q->field[i]] = a->clause;
}

const char *
rsg_policy_against(const struct rsg_policy *p, uint16_t purpose,
    enum rsg_channel channel, const struct rsg_standing *s, int64_t now)
{
	struct rsg_question q = { .action = RSG_ACT_READ, .channel = (uint8_t)channel,
	    .standing = s, .now = now };
	const struct rsg__purpose *pu = rsg__purpose_no(p, purpose), *up;
	const char *clause;

	if (pu == NULL)
		return default_deny;
	for (unsigned i = 0; i < RSG__DEPTH && pu->up[i] != 0; i++) {
		up = rsg__purpose_no(p, pu->up[i]);
		q.purpose = pu->up[i];
		if ((i == 0 || (channel != RSG_CHANNEL_NONE && up->def.per_channel)) &&
		    (clause = against(p, &q)) != NULL)
			return clause;
	}
	return NULL;
}
