/*
 * names.c - the words for actions, channels, transforms, states, statuses.
 */
#include <string.h>

#include "policy/model.h"

#define PEOPLE	(1u << RSG__REACH_PEOPLE)
#define OWN	(1u << RSG__REACH_OWN)
#define GROUPS	(1u << RSG__REACH_GROUPS)
#define NOBODY	(1u << RSG__REACH_NOBODY)

static const struct {
	const char *name;
	unsigned about;			/* RSG__ACT_* */
	unsigned reach;			/* the reaches that may ever do it */
} actions[RSG_ACT__MAX] = {
	[RSG_ACT_CREATE] = { "create", RSG__ACT_CONSENT | RSG__ACT_FIELDS |
	    RSG__ACT_WRITE | RSG__ACT_PURPOSE, PEOPLE },
	[RSG_ACT_READ] = { "read", RSG__ACT_CONSENT | RSG__ACT_PERSON |
	    RSG__ACT_FIELDS | RSG__ACT_PURPOSE, PEOPLE | OWN },
	[RSG_ACT_CHANGE] = { "change", RSG__ACT_CONSENT | RSG__ACT_PERSON |
	    RSG__ACT_FIELDS | RSG__ACT_WRITE | RSG__ACT_PURPOSE, PEOPLE | OWN },
	[RSG_ACT_LOOKUP] = { "lookup", RSG__ACT_CONSENT | RSG__ACT_FIELDS |
	    RSG__ACT_PURPOSE, PEOPLE },
	/* Saying no must never wait for a yes. */
	[RSG_ACT_CONSENT_WRITE] = { "consent_write", RSG__ACT_PERSON,
	    PEOPLE | OWN },
	[RSG_ACT_CONSENT_READ] = { "consent_read", RSG__ACT_PERSON,
	    PEOPLE | OWN },
	[RSG_ACT_EVENT_WRITE] = { "event_write", RSG__ACT_CONSENT |
	    RSG__ACT_PERSON | RSG__ACT_PURPOSE, PEOPLE },
	[RSG_ACT_EVENT_READ] = { "event_read", RSG__ACT_CONSENT |
	    RSG__ACT_PERSON | RSG__ACT_PURPOSE, PEOPLE | OWN },
	[RSG_ACT_MODEL_FIT] = { "model_fit", RSG__ACT_CONSENT |
	    RSG__ACT_PURPOSE, PEOPLE | GROUPS },
	[RSG_ACT_MODEL_READ] = { "model_read", RSG__ACT_CONSENT |
	    RSG__ACT_PURPOSE | RSG__ACT_GROUP, PEOPLE | GROUPS },
	[RSG_ACT_RELEASE] = { "release", RSG__ACT_CONSENT | RSG__ACT_FIELDS |
	    RSG__ACT_PURPOSE | RSG__ACT_GROUP, PEOPLE | GROUPS },
	[RSG_ACT_AUDIT_READ] = { "audit_read", 0, PEOPLE | OWN },
	[RSG_ACT_EXPLAIN] = { "explain", 0, PEOPLE | OWN | GROUPS | NOBODY },
	[RSG_ACT_IMPORT] = { "import", RSG__ACT_FIELDS | RSG__ACT_WRITE,
	    PEOPLE | NOBODY },
	[RSG_ACT_PRINCIPAL] = { "principal", 0, NOBODY },
	[RSG_ACT_POLICY] = { "policy", 0, PEOPLE | NOBODY },
	[RSG_ACT_OPERATE] = { "operate", 0, NOBODY },
	[RSG_ACT_SIGN_IN] = { "sign_in", 0, PEOPLE | OWN | GROUPS | NOBODY },
	/* The consent that a benefit is for is its incentive's, asked apart. */
	[RSG_ACT_BENEFIT_WRITE] = { "benefit_write", RSG__ACT_PERSON, PEOPLE },
	[RSG_ACT_BENEFIT_READ] = { "benefit_read", RSG__ACT_PERSON,
	    PEOPLE | OWN },
	/* Asking whether one may is never refused for lack of consent: that
	 * is the answer. Nor is word of who wants no more. */
	[RSG_ACT_REPORT] = { "report", 0, PEOPLE | NOBODY },
	[RSG_ACT_CONTACT_READ] = { "contact_read", RSG__ACT_PURPOSE, PEOPLE },
	[RSG_ACT_REPORT_PEOPLE] = { "report_people", 0, PEOPLE },
	/* Who may note what was said may keep the form that it was said on. */
	[RSG_ACT_ATTACHMENT_WRITE] = { "attachment_write", RSG__ACT_PERSON,
	    PEOPLE | OWN },
	[RSG_ACT_ATTACHMENT_READ] = { "attachment_read", RSG__ACT_PERSON |
	    RSG__ACT_PURPOSE, PEOPLE | OWN },
	/* What somebody was given is benefit_read; this is what it leaves the shop. */
	[RSG_ACT_PROFIT_READ] = { "profit_read", RSG__ACT_CONSENT |
	    RSG__ACT_PERSON | RSG__ACT_PURPOSE, PEOPLE | OWN },
	/* A release of who is to be asked for a yes again, and of nothing else. */
	[RSG_ACT_ASK_PEOPLE] = { "ask_people", RSG__ACT_CONSENT |
	    RSG__ACT_PURPOSE | RSG__ACT_GROUP, PEOPLE | GROUPS },
	[RSG_ACT_CONTACT_ASK] = { "contact_ask", RSG__ACT_PERSON |
	    RSG__ACT_PURPOSE, PEOPLE | GROUPS },
	[RSG_ACT_CONTACT_REPORT] = { "contact_report", RSG__ACT_PERSON |
	    RSG__ACT_PURPOSE, PEOPLE | GROUPS },
};

static const char *const channels[RSG_CHANNEL__MAX] = {
	[RSG_CHANNEL_NONE] = "none", [RSG_CHANNEL_EMAIL] = "email",
	[RSG_CHANNEL_SMS] = "sms", [RSG_CHANNEL_POST] = "post",
	[RSG_CHANNEL_PHONE] = "phone", [RSG_CHANNEL_APP] = "app",
	[RSG_CHANNEL_ADS] = "ads",
};

static const char *const transforms[RSG_TR__MAX] = {
	[RSG_TR_NONE] = "none", [RSG_TR_PSEUDONYM] = "pseudonym",
	[RSG_TR_GENERALISED] = "generalised", [RSG_TR_MASKED] = "masked",
	[RSG_TR_CLEAR] = "clear",
};

static const char *const statuses[RSG_STATUS__MAX] = {
	[RSG_STATUS_UNKNOWN] = "unknown", [RSG_STATUS_REQUESTED] = "requested",
	[RSG_STATUS_GIVEN] = "given", [RSG_STATUS_RENEWED] = "renewed",
	[RSG_STATUS_REFUSED] = "refused", [RSG_STATUS_WITHDRAWN] = "withdrawn",
	[RSG_STATUS_REVOKED] = "revoked", [RSG_STATUS_EXPIRED] = "expired",
	[RSG_STATUS_INVALIDATED] = "invalidated",
	[RSG_STATUS_OBJECTED] = "objected",
};

static const char *const states[] = {
	[RSG_STATE_ACTIVE] = "active", [RSG_STATE_RESTRICTED] = "restricted",
	[RSG_STATE_BLOCKED] = "blocked", [RSG_STATE_ERASED] = "erased",
};

const char *const rsg__reach_names[] = {
	[RSG__REACH_PEOPLE] = "people", [RSG__REACH_OWN] = "own",
	[RSG__REACH_GROUPS] = "groups", [RSG__REACH_NOBODY] = "nobody",
};

int
rsg__name_find(const char *const *names, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] != NULL && strlen(names[i]) == len &&
		    memcmp(names[i], s, len) == 0)
			return (int)i;
	return -1;
}

const char *
rsg_action_name(enum rsg_action a)
{
	if ((unsigned)a >= RSG_ACT__MAX || actions[a].name == NULL)
		return "unknown";
	return actions[a].name;
}

enum rsg_action
rsg_action_find(const char *s, size_t len)
{
	for (unsigned i = 1; i < RSG_ACT__MAX; i++)
		if (strlen(actions[i].name) == len &&
		    memcmp(actions[i].name, s, len) == 0)
			return (enum rsg_action)i;
	return (enum rsg_action)0;
}

unsigned
rsg__action_about(enum rsg_action a)
{
	return (unsigned)a < RSG_ACT__MAX ? actions[a].about : 0;
}

unsigned
rsg__action_reach(enum rsg_action a)
{
	return (unsigned)a < RSG_ACT__MAX ? actions[a].reach : 0;
}

const char *
rsg_channel_name(enum rsg_channel c)
{
	return (unsigned)c < RSG_CHANNEL__MAX ? channels[c] : "unknown";
}

int
rsg_channel_find(const char *s, size_t len)
{
	return rsg__name_find(channels, RSG_CHANNEL__MAX, s, len);
}

const char *
rsg_transform_name(enum rsg_transform t)
{
	return (unsigned)t < RSG_TR__MAX ? transforms[t] : "unknown";
}

const char *
rsg_status_name(enum rsg_status s)
{
	return (unsigned)s < RSG_STATUS__MAX ? statuses[s] : "unknown";
}

const char *
rsg__state_name(unsigned s)
{
	return s >= RSG_STATE_ACTIVE && s <= RSG_STATE_ERASED ? states[s] :
	    "unknown";
}

const char *
rsg_require_name(unsigned bit)
{
	static const char *const names[] = { "staff", "place", "reason" };

	return bit < 3 ? names[bit] : NULL;
}
