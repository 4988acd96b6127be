#include "consent/rules.h"

#include <string.h>

#include "resguardo/clock.h"

static const char *const origins[RSG_ORIGIN__MAX] = {
	[RSG_ORIGIN_NONE] = "", [RSG_ORIGIN_WEB] = "web", [RSG_ORIGIN_APP] = "app",
	[RSG_ORIGIN_TILL] = "till", [RSG_ORIGIN_PAPER] = "paper",
	[RSG_ORIGIN_PHONE] = "phone", [RSG_ORIGIN_IMPORT] = "import",
	[RSG_ORIGIN_TOOL] = "tool",
};

const char *
rsg_origin_name(enum rsg_origin o)
{
	return (unsigned)o < RSG_ORIGIN__MAX ? origins[o] : "";
}

const char *
rsg_lacking_name(unsigned bit)
{
	return bit == RSG_LACKING_BITS - 1 ? "attachment" : rsg_require_name(bit);
}

enum rsg_origin
rsg_origin_find(const char *s, size_t len)
{
	for (unsigned i = 1; i < RSG_ORIGIN__MAX; i++)
		if (strlen(origins[i]) == len && memcmp(origins[i], s, len) == 0)
			return (enum rsg_origin)i;
	return RSG_ORIGIN_NONE;
}

bool
rsg_rules_yes(enum rsg_status s)
{
	return s == RSG_STATUS_GIVEN || s == RSG_STATUS_RENEWED;
}

bool
rsg_rules_no(enum rsg_status s)
{
	return s >= RSG_STATUS_REFUSED && s <= RSG_STATUS_OBJECTED;
}

static struct rsg_grant *
find(struct rsg_header *h, uint16_t purpose, enum rsg_channel channel)
{
	for (size_t i = 0; i < h->ngrants; i++)
		if (h->grant[i].purpose == purpose && h->grant[i].channel == channel)
			return &h->grant[i];
	return NULL;
}

const struct rsg_grant *
rsg_rules_find(const struct rsg_header *h, uint16_t purpose, enum rsg_channel channel)
{
	for (size_t i = 0; i < h->ngrants; i++)
		if (h->grant[i].purpose == purpose && h->grant[i].channel == channel)
			return &h->grant[i];
	return NULL;
}

/* The last word that bears on a purpose and channel; NONE: on any channel. */
static int64_t
last(const struct rsg_header *h, uint16_t purpose, enum rsg_channel channel)
{
	int64_t t = INT64_MIN;

	for (size_t i = 0; i < h->ngrants; i++) {
		const struct rsg_grant *g = &h->grant[i];

		if (g->purpose == purpose && g->since > t && (g->channel == channel ||
		    g->channel == RSG_CHANNEL_NONE || channel == RSG_CHANNEL_NONE))
			t = g->since;
	}
	return t;
}

bool
rsg_rules_again(const struct rsg_again *a, size_t n, const struct rsg_grant *g,
    int64_t now, int64_t to, enum rsg_status *why)
{
	bool yes = rsg_rules_yes((enum rsg_status)g->status);

	if (!yes && g->status != RSG_STATUS_EXPIRED)
		return false;
	*why = RSG_STATUS_REQUESTED;
	if (rsg_policy_again(a, n, g->purpose, g->since, now))
		return true;
	*why = !yes || (g->until != 0 && g->until <= now) ? RSG_STATUS_EXPIRED :
	    RSG_STATUS_GIVEN;
	return !yes || (g->until != 0 && g->until < to);
}

int64_t
rsg_rules_answered(const struct rsg_header *h, uint16_t purpose, enum rsg_channel channel)
{
	int64_t t = INT64_MIN;

	for (size_t i = 0; i < h->ngrants; i++) {
		const struct rsg_grant *g = &h->grant[i];

		if (g->purpose == purpose && g->since > t &&
		    g->status > RSG_STATUS_REQUESTED && (g->channel == channel ||
		    g->channel == RSG_CHANNEL_NONE))
			t = g->since;
	}
	return t;
}

/* Does an objection forbid a yes? One to a purpose above is not spoken to. */
static bool
objected(const struct rsg_policy *policy, const struct rsg_header *h,
    const struct rsg_consent *ev)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, ev->purpose);
	bool own = true;

	for (; p != NULL; p = rsg_policy_purpose_no(policy, p->parent), own = false) {
		const struct rsg_grant *whole = rsg_rules_find(h, p->number,
		    RSG_CHANNEL_NONE);
		const struct rsg_grant *one = rsg_rules_find(h, p->number, ev->channel);

		if (((whole != NULL && whole->status == RSG_STATUS_OBJECTED) ||
		    (one != NULL && one->status == RSG_STATUS_OBJECTED)) &&
		    !(own && p->objection_lift))
			return true;
	}
	return false;
}

/* Would this no change a grant? An objection is the strongest word, the same
 * word twice is one, and only a yes expires. */
static bool
changes(const struct rsg_grant *g, enum rsg_status status)
{
	if (g->status == RSG_STATUS_OBJECTED || g->status == status)
		return false;
	return status != RSG_STATUS_EXPIRED ||
	    rsg_rules_yes((enum rsg_status)g->status);
}

/*
 * The purpose whose channels say no most plainly: two of them at least, and if
 * there is such a one, none that is given. There always is one with two: the
 * header has more places for a no than there are purposes.
 */
static uint16_t
plainest(const struct rsg_header *h)
{
	uint16_t best = 0;
	unsigned most = 0;

	for (size_t i = 0, end; i < h->ngrants; i = end) {
		unsigned nos = 0, others = 0, weight;

		for (end = i; end < h->ngrants &&
		    h->grant[end].purpose == h->grant[i].purpose; end++)
			if (rsg_rules_no((enum rsg_status)h->grant[end].status))
				nos++;
			else
				others++;
		weight = nos < 2 ? 0 : others == 0 ? nos + RSG_CHANNEL__MAX : nos;
		if (weight > most) {
			most = weight;
			best = h->grant[i].purpose;
		}
	}
	return best;
}

/* In place of its channels the purpose as a whole: better too little than too
 * much, where it cannot be exact any more. */
static enum rsg_err
make_room(struct rsg_header *h)
{
	uint16_t purpose = plainest(h);
	int64_t since = last(h, purpose, RSG_CHANNEL_NONE);
	enum rsg_status status = RSG_STATUS_WITHDRAWN;
	size_t kept = 0;

	for (size_t i = 0; i < h->ngrants; i++) {
		if (h->grant[i].purpose != purpose)
			h->grant[kept++] = h->grant[i];
		else if (h->grant[i].status == RSG_STATUS_OBJECTED)
			status = RSG_STATUS_OBJECTED;
	}
	h->ngrants = kept;
	return rsg_header_grant(h, purpose, RSG_CHANNEL_NONE, status, since, 0);
}

static enum rsg_err
no(struct rsg_header *h, const struct rsg_consent *ev, struct rsg_said *said)
{
	struct rsg_grant *g = find(h, ev->purpose, ev->channel);
	int64_t since = last(h, ev->purpose, ev->channel);
	bool any = g == NULL ? ev->status != RSG_STATUS_EXPIRED : changes(g, ev->status);
	enum rsg_err e = RSG_OK;

	/* A late no still stops what was said since: better too little than too much. */
	since = said->time > since ? said->time : since + 1;
	for (size_t i = 0; ev->channel == RSG_CHANNEL_NONE && i < h->ngrants; i++) {
		struct rsg_grant *one = &h->grant[i];

		if (one->purpose != ev->purpose || one->channel == RSG_CHANNEL_NONE ||
		    !changes(one, ev->status))
			continue;
		*one = (struct rsg_grant){ one->purpose, one->channel,
		    (uint8_t)ev->status, since, 0 };
		any = true;
	}
	said->same = !any;
	if (any && (g == NULL || changes(g, ev->status)))
		e = rsg_header_grant(h, ev->purpose, ev->channel, ev->status, since, 0);
	if (e == RSG_TOO_LARGE && (e = make_room(h)) == RSG_OK)
		e = rsg_header_grant(h, ev->purpose, ev->channel, ev->status, since, 0);
	return e;
}

/* The objection that a yes lifts, if there is one. */
struct lifted {
	bool any;
	enum rsg_channel channel;
	int64_t since;
};

static struct lifted
lifts(const struct rsg_header *h, const struct rsg_consent *ev)
{
	const struct rsg_grant *g = rsg_rules_find(h, ev->purpose, RSG_CHANNEL_NONE);

	if (g == NULL || g->status != RSG_STATUS_OBJECTED)
		g = rsg_rules_find(h, ev->purpose, ev->channel);
	if (g == NULL || g->status != RSG_STATUS_OBJECTED)
		return (struct lifted){ .any = false };
	return (struct lifted){ true, (enum rsg_channel)g->channel, g->since };
}

static bool
stands_below(const struct rsg_policy *policy, const struct rsg_purposedef *p,
    uint16_t above)
{
	while (p != NULL && p->parent != 0 && p->parent != above)
		p = rsg_policy_purpose_no(policy, p->parent);
	return p != NULL && p->parent == above;
}

static bool
agreed(const struct rsg_header *h, uint16_t purpose, enum rsg_channel channel)
{
	for (size_t i = 0; i < h->ngrants; i++)
		if (h->grant[i].purpose == purpose &&
		    rsg_rules_yes((enum rsg_status)h->grant[i].status) &&
		    (channel == RSG_CHANNEL_NONE || h->grant[i].channel == channel ||
		    h->grant[i].channel == RSG_CHANNEL_NONE))
			return true;
	return false;
}

/*
 * An objection ends what was agreed to under its purpose, too, and the yes that
 * lifts it does not speak of that: none of it comes back to life by it. What
 * needed no yes stays objected to; what did is ended, and can be asked for.
 */
static enum rsg_err
keep_below(const struct rsg_policy *policy, struct rsg_header *h, uint16_t above,
    const struct lifted *l)
{
	const struct rsg_purposedef *p;
	struct rsg_said said;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; e == RSG_OK &&
	    (p = rsg_policy_purpose_at(policy, i)) != NULL; i++) {
		const struct rsg_consent ev = { .purpose = p->number,
		    .channel = l->channel, .time = l->since, .status = p->can_object ?
		    RSG_STATUS_OBJECTED : RSG_STATUS_WITHDRAWN };

		if (stands_below(policy, p, above) &&
		    (p->can_object || agreed(h, p->number, l->channel)))
			e = no(h, &ev, &said);
	}
	return e;
}

static enum rsg_err
yes(const struct rsg_policy *policy, struct rsg_header *h,
    const struct rsg_consent *ev, struct rsg_said *said)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, ev->purpose);
	struct rsg_grant *g = find(h, ev->purpose, ev->channel), *whole;
	struct lifted lifted = lifts(h, ev);
	enum rsg_err e;

	if (objected(policy, h, ev))
		return RSG_OBJECTION_STANDS;
	said->event = g != NULL && rsg_rules_yes((enum rsg_status)g->status) ?
	    RSG_STATUS_RENEWED : RSG_STATUS_GIVEN;
	said->until = ev->until;
	if (p != NULL && p->consent_days != 0) {
		int64_t end = said->time + (int64_t)p->consent_days * RSG_DAY_US;

		if (said->until == 0 || end < said->until)
			said->until = end;
	}
	if (ev->dated && said->time < last(h, ev->purpose, ev->channel))
		return RSG_OK;		/* they said something else since */
	if ((e = rsg_header_grant(h, ev->purpose, ev->channel, said->event,
	    said->time, said->until)) != RSG_OK)
		return e;
	/* One channel is given again; for the others the no still holds. */
	whole = find(h, ev->purpose, RSG_CHANNEL_NONE);
	if (whole != NULL && whole->status == RSG_STATUS_OBJECTED)
		whole->status = RSG_STATUS_WITHDRAWN;
	return lifted.any ? keep_below(policy, h, ev->purpose, &lifted) : RSG_OK;
}

/* Withdrawing from what needs no yes would change nothing: it is an objection. */
static enum rsg_status
meant(const struct rsg_policy *policy, const struct rsg_consent *ev)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, ev->purpose);
	bool own = ev->status == RSG_STATUS_WITHDRAWN || ev->status == RSG_STATUS_REFUSED;

	return own && p != NULL && p->can_object ? RSG_STATUS_OBJECTED : ev->status;
}

enum rsg_err
rsg_rules_apply(const struct rsg_policy *policy, struct rsg_header *h,
    const struct rsg_consent *word, struct rsg_said *said)
{
	struct rsg_consent meaning = *word;
	const struct rsg_consent *ev = &meaning;
	const struct rsg_grant *g;
	int64_t before = last(h, word->purpose, word->channel);
	enum rsg_err e = RSG_OK;

	meaning.status = meant(policy, word);
	*said = (struct rsg_said){ .event = ev->status, .time = ev->time };
	/* Two servers' clocks may differ: what is said now comes after all else. */
	if (!ev->dated && said->time <= before)
		said->time = before + 1;
	if (rsg_rules_yes(ev->status))
		e = yes(policy, h, ev, said);
	else if (rsg_rules_no(ev->status))
		e = no(h, ev, said);
	else if ((g = rsg_rules_find(h, ev->purpose, ev->channel)) == NULL ||
	    g->status == RSG_STATUS_REQUESTED)
		e = rsg_header_grant(h, ev->purpose, ev->channel,
		    RSG_STATUS_REQUESTED, said->time, 0);
	if ((g = rsg_rules_find(h, ev->purpose, ev->channel)) != NULL)
		said->status = (enum rsg_status)g->status;
	else
		said->status = ev->status;
	return e;
}
