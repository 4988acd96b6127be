/*
 * policy.h - what may be done, by whom, for which purpose, on which fields.
 *
 * A policy is loaded and validated whole, then never changes. Deciding is a
 * pure function: no clock, no database, no allocation. Anything the policy
 * does not allow is denied.
 *
 * Fields, purposes, channels and actions have numbers that are stored in
 * sealed records and audit entries: policies/ declares them and never reuses
 * one.
 */
#ifndef RSG_POLICY_H
#define RSG_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"

#define RSG_POLICY_FIELDS	128	/* numbers 1..127 */
#define RSG_POLICY_PURPOSES	128
#define RSG_POLICY_HASH		32
#define RSG_POLICY_NAME		64	/* bytes of an id, with its NUL */
#define RSG_POLICY_FACETS	32

struct rsg_policy;

/* The numbers are stored: never reuse one. */
enum rsg_action {
	RSG_ACT_CREATE = 1, RSG_ACT_READ = 2, RSG_ACT_CHANGE = 3,
	RSG_ACT_LOOKUP = 4, RSG_ACT_CONSENT_WRITE = 5, RSG_ACT_CONSENT_READ = 6,
	RSG_ACT_EVENT_WRITE = 7, RSG_ACT_EVENT_READ = 8, RSG_ACT_MODEL_FIT = 9,
	RSG_ACT_MODEL_READ = 10, RSG_ACT_RELEASE = 11, RSG_ACT_AUDIT_READ = 12,
	RSG_ACT_EXPLAIN = 13, RSG_ACT_IMPORT = 14, RSG_ACT_PRINCIPAL = 15,
	RSG_ACT_POLICY = 16, RSG_ACT_OPERATE = 17, RSG_ACT_SIGN_IN = 18,
	RSG_ACT_BENEFIT_WRITE = 19, RSG_ACT_BENEFIT_READ = 20,
	RSG_ACT_CONTACT_ASK = 21, RSG_ACT_CONTACT_REPORT = 22,
	RSG_ACT_REPORT = 23, RSG_ACT_CONTACT_READ = 24, RSG_ACT_REPORT_PEOPLE = 25,
	RSG_ACT_ATTACHMENT_WRITE = 26, RSG_ACT_ATTACHMENT_READ = 27,
	RSG_ACT_PROFIT_READ = 28, RSG_ACT_ASK_PEOPLE = 29,
	RSG_ACT__MAX
};
const char *rsg_action_name(enum rsg_action);		/* "read" */
enum rsg_action rsg_action_find(const char *, size_t);	/* 0: none */

enum rsg_channel {
	RSG_CHANNEL_NONE = 0, RSG_CHANNEL_EMAIL = 1, RSG_CHANNEL_SMS = 2,
	RSG_CHANNEL_POST = 3, RSG_CHANNEL_PHONE = 4, RSG_CHANNEL_APP = 5,
	RSG_CHANNEL_ADS = 6, RSG_CHANNEL__MAX
};
const char *rsg_channel_name(enum rsg_channel);
int rsg_channel_find(const char *, size_t);		/* -1: none */

/* What comes out in place of the value. Weakest first, for comparisons. */
enum rsg_transform {
	RSG_TR_NONE = 0,		/* withheld */
	RSG_TR_PSEUDONYM = 1,
	RSG_TR_GENERALISED = 2,
	RSG_TR_MASKED = 3,
	RSG_TR_CLEAR = 4,
	RSG_TR__MAX
};
const char *rsg_transform_name(enum rsg_transform);

/* What a request can be made to name, by bit: "staff", "place", "reason"; NULL
 * past the end. Stored. */
const char *rsg_require_name(unsigned bit);

/* Where a person's record stands. Stored. */
enum rsg_state {
	RSG_STATE_ACTIVE = 1, RSG_STATE_RESTRICTED = 2, RSG_STATE_BLOCKED = 3,
	RSG_STATE_ERASED = 4
};

/* The last word on one purpose and channel (DPV consent statuses). Stored. */
enum rsg_status {
	RSG_STATUS_UNKNOWN = 0, RSG_STATUS_REQUESTED = 1, RSG_STATUS_GIVEN = 2,
	RSG_STATUS_RENEWED = 3, RSG_STATUS_REFUSED = 4, RSG_STATUS_WITHDRAWN = 5,
	RSG_STATUS_REVOKED = 6, RSG_STATUS_EXPIRED = 7,
	RSG_STATUS_INVALIDATED = 8, RSG_STATUS_OBJECTED = 9,
	RSG_STATUS__MAX
};
const char *rsg_status_name(enum rsg_status);

struct rsg_grant {
	uint16_t purpose;
	uint8_t channel;		/* enum rsg_channel; NONE: the purpose itself */
	uint8_t status;			/* enum rsg_status */
	int64_t since, until;		/* us; until 0: no end */
};

/* What deciding needs to know of a person; borrowed from the header. */
struct rsg_standing {
	enum rsg_state state;
	const struct rsg_grant *grant;
	size_t ngrants;
	bool self;			/* the actor is this person */
};

/*
 * People have to be asked again: a yes said before `before` counts no more
 * from `from` on. It comes with a new version of a notice.
 */
struct rsg_again {
	uint16_t purpose;
	int64_t before, from;		/* us */
};

struct rsg_question {
	const char *role;		/* "till" */
	const char *recipient;		/* NULL: nobody outside */
	enum rsg_action action;
	uint16_t purpose;		/* 0: none was stated */
	uint8_t channel;		/* for contact; NONE otherwise */
	const uint16_t *field;		/* field numbers asked for */
	size_t nfields;
	const struct rsg_standing *standing;	/* NULL: about nobody in particular */
	const struct rsg_again *again;	/* who has to be asked again; borrowed */
	size_t nagain;
	bool staff, place, reason;	/* which of them the request names */
	int64_t now;
};

/* Obligations of an allowed question. */
struct rsg_answer {
	enum rsg_err err;		/* RSG_OK, RSG_DENIED, RSG_NO_CONSENT,
					 * RSG_CONTEXT_REQUIRED, RSG_SUBJECT_STATE */
	const char *clause;		/* the rule that decided; never NULL. Not a
					 * rule's id: "default-deny",
					 * "state:restricted", "require:staff",
					 * "objection:marketing",
					 * "consent:marketing" */
	const char *member;		/* of RSG_CONTEXT_REQUIRED: "staff" ... */
	unsigned lacking;		/* of it, too: one bit for each that lacks */
	uint32_t min_group;		/* least group size of a release */
	uint32_t rate;			/* requests a minute; 0: no limit */
	uint8_t transform[RSG_POLICY_FIELDS];	/* by field number */
	const char *why[RSG_POLICY_FIELDS];	/* clause by field asked for */
};

/*
 * Decide. The order: a rule for (role, action, purpose, recipient), else
 * "default-deny"; the person's state; what the request must name; objection
 * and consent; then each field. Where a rule names the recipient, the rules
 * that name nobody give nothing any more, but what they withhold and oblige
 * to still holds. Of the rules that remain the strongest transform counts,
 * unless one says "none", which holds (as does min_group) even where the
 * request does not name what that rule requires.
 *
 * Reading and changing a person without a standing is deciding about someone
 * who consented to nothing. Without a standing the other actions (create,
 * lookup, fit, release, import ...) are decided by themselves, and each
 * person has to be asked about again.
 *
 * An answer is RSG_OK when the action is allowed; single fields may
 * still be withheld (RSG_TR_NONE, with their clause). Without fields the
 * answer speaks of the action alone. When every field asked for is withheld
 * the answer is RSG_DENIED, or RSG_CONTEXT_REQUIRED or RSG_SUBJECT_STATE
 * where that alone withheld one.
 *
 * `role` and `recipient` may be any text. Names in the answer live as long
 * as the policy.
 */
void rsg_policy_decide(const struct rsg_policy *, const struct rsg_question *,
    struct rsg_answer *);

/*
 * What speaks against using a purpose by a channel for this person now: an
 * objection, or that they did not agree. NULL: nothing does. A purpose under
 * one that is asked for by channel wants that one's channel too.
 */
const char *rsg_policy_against(const struct rsg_policy *, uint16_t purpose,
    enum rsg_channel, const struct rsg_standing *, int64_t now);

/* --- What the policy declares --- */

struct rsg_fielddef {
	uint16_t number;
	const char *id;			/* "email" */
	const char *dpv;		/* "pd:EmailAddress" */
	const char *category;		/* contact, identity, demographic, preference ... */
	const char *title[2];		/* by enum rsg_lang */
	const char *validator;		/* "email"; one of validate.h */
	const char *normaliser;		/* "lowercase" ...; never NULL */
	const char *mask;		/* one of value.h; never NULL */
	bool searchable, unique;
	const char *generaliser;	/* NULL, or "age_band", "region", ... */
	uint16_t facet;			/* 0, or the facet its generalisation fills */
	uint32_t retention_days;
	const char *asked_for[2];	/* what it is asked for */
	const char *in_return[2];	/* what is given in return */
	uint32_t max_len;
	const struct rsg_choicedef *choice;	/* of "choice" and "choices" */
	size_t nchoices;
};
struct rsg_choicedef {
	uint16_t number;		/* stored in facets */
	const char *id;
	const char *title[2];
};
struct rsg_purposedef {
	uint16_t number;
	const char *id;
	const char *dpv;
	const char *title[2];
	const char *description[2];	/* one sentence */
	const char *basis;		/* "consent", "contract", ... */
	const char *basis_dpv;
	bool needs_consent;
	bool can_object;		/* art. 21: legitimate or public interest */
	bool per_channel;
	bool necessary;
	bool marketing, profiling;	/* what an objection can reach */
	bool covers_children;		/* consent to it is consent to those under it */
	bool gpc;			/* Global Privacy Control counts as an objection */
	bool is_explicit;		/* a yes has to be explicit */
	bool notice_required;		/* a yes names the notice that was shown */
	bool objection_lift;		/* a later yes lifts an objection */
	bool double_opt_in;		/* a yes is confirmed from the address itself */
	bool minors;			/* profiling of children is allowed, by a guardian */
	uint32_t confirm_hours;		/* ... within so many */
	uint32_t consent_days;		/* how long a yes holds; 0: until it is withdrawn */
	uint16_t parent;		/* 0: none */
	uint32_t retention_days;
};
enum rsg_sign { RSG_SIGN_NONE, RSG_SIGN_PLUS, RSG_SIGN_MINUS, RSG_SIGN_ANY };
struct rsg_kinddef {
	uint8_t number;			/* stored */
	const char *id;			/* "purchase" */
	const char *title[2];
	enum rsg_sign amount;		/* NONE: it carries no amount */
};
/* What the law of a place says about consent. */
struct rsg_lawdef {
	const char *code;		/* "MX" */
	uint8_t consent_age;		/* years; younger people have a guardian */
	bool notice_required;
	bool estimate_required;		/* an incentive says what the data are worth */
	bool takes_back;		/* a withdrawal may cost what was given for it */
};
/* How purchases earn points, for the controllers it names. */
#define RSG_LOYALTY_RATES	16
struct rsg_loyaltydef {
	const char *id;
	const struct rsg_json *controllers;
	uint16_t purpose;
	struct rsg_rate {
		const char *category;	/* NULL: all others */
		int64_t points, per;	/* points for each whole `per`, minor units */
	} rate[RSG_LOYALTY_RATES];
	size_t nrates;			/* the one for all others stands last */
	int64_t cost;			/* of a hundred points, minor units */
	uint32_t valid_days, warn_days;	/* 0: they do not lapse */
	bool imports;			/* what is imported earns too */
};
/* How often people are written to, and when not, unless they say otherwise. */
struct rsg_contactdef {
	uint16_t purpose;		/* meant where none is stated; 0: none */
	uint32_t most, most_days;	/* at most so many messages in so many days; 0: no limit */
	bool complaint_objects;		/* a complaint is an objection to its channel */
	uint32_t every_days;		/* at most one message in so many; 0: no limit */
	uint16_t quiet_from, quiet_to;	/* minutes of the day; equal: never quiet */
	uint32_t answer_days;		/* to answer a question in */
};
struct rsg_segmentdef {
	const char *code;		/* neutral, goes outside: "S07" */
	const char *title[2];		/* stays inside */
	uint16_t purpose;
	const char *effect;		/* inform, offer, price, exclude */
	uint8_t r_min, r_max, f_min, f_max, m_min, m_max;	/* 1..bins */
};

/* NULL when there is none. */
const struct rsg_fielddef *rsg_policy_field(const struct rsg_policy *, const char *, size_t);
const struct rsg_fielddef *rsg_policy_field_no(const struct rsg_policy *, uint16_t);
const struct rsg_purposedef *rsg_policy_purpose(const struct rsg_policy *, const char *, size_t);
const struct rsg_purposedef *rsg_policy_purpose_no(const struct rsg_policy *, uint16_t);
const struct rsg_segmentdef *rsg_policy_segment(const struct rsg_policy *, const char *, size_t);
/* By place, 0..; NULL past the end. */
const struct rsg_fielddef *rsg_policy_field_at(const struct rsg_policy *, size_t);
const struct rsg_purposedef *rsg_policy_purpose_at(const struct rsg_policy *, size_t);
const struct rsg_segmentdef *rsg_policy_segment_at(const struct rsg_policy *, size_t);
bool rsg_policy_role(const struct rsg_policy *, const char *, size_t);
bool rsg_policy_jurisdiction(const struct rsg_policy *, const char *, size_t);
const struct rsg_lawdef *rsg_policy_law(const struct rsg_policy *, const char *code);
/* Is saying yes in this way explicit? */
bool rsg_policy_explicit(const struct rsg_policy *, const char *method);
/* Has somebody who said yes at `since` to be asked again by now? */
bool rsg_policy_again(const struct rsg_again *, size_t n, uint16_t purpose,
    int64_t since, int64_t now);
bool rsg_policy_kind(const struct rsg_policy *, const char *, size_t, uint8_t *number);
const char *rsg_policy_kind_name(const struct rsg_policy *, uint8_t number);
const struct rsg_kinddef *rsg_policy_kind_at(const struct rsg_policy *, size_t);
/* The loyalty programme of a controller, by its name; NULL: it has none. */
const struct rsg_loyaltydef *rsg_policy_loyalty(const struct rsg_policy *, const char *);
const struct rsg_contactdef *rsg_policy_contact(const struct rsg_policy *);
/* "3/week": at most so many in so many days (day, week 7, month 30). False: it
 * is no limit. */
bool rsg_policy_limit(const char *, size_t, uint32_t *most, uint32_t *days);
/* "21:30" as minutes of the day; false: it is no time. */
bool rsg_policy_minutes(const char *, size_t, unsigned *minute);
/* The purpose meant where a request states none; 0: it has to state one. */
uint16_t rsg_policy_default(const struct rsg_policy *, enum rsg_action);

/* May anybody but the person use the field (do this) for the purpose? */
bool rsg_policy_uses(const struct rsg_policy *, uint16_t purpose, uint16_t field);
bool rsg_policy_does(const struct rsg_policy *, uint16_t purpose, enum rsg_action);
/* The authority a jurisdiction's people can complain to; NULL: none is named. */
const char *rsg_policy_authority(const struct rsg_policy *, const char *code);

/* --- Loading --- */

/*
 * Gather the files of a policy folder into one bundle (canonical JSON).
 * RSG_IO, RSG_CONFIG: one line a fault is written to `faults`, with file and
 * place, and what to do.
 */
RSG_MUST enum rsg_err rsg_policy_bundle(const char *dir, struct rsg_buf *bundle,
    struct rsg_buf *faults);

/* Validate a bundle whole and make it ready. Faults as above. */
RSG_MUST enum rsg_err rsg_policy_load(const void *bundle, size_t len,
    struct rsg_policy **, struct rsg_buf *faults);
void rsg_policy_free(struct rsg_policy *);
const uint8_t *rsg_policy_hash(const struct rsg_policy *);	/* SHA-256 of the bundle */

/* --- Values, by the names used in fields.json --- */

/*
 * Check and normalise a value as its field declares: `out` gets the form that
 * is sealed. RSG_BAD_VALUE (longer than its field takes, too); RSG_TOO_LARGE
 * (many times longer, or no room). The value is never logged.
 */
RSG_MUST enum rsg_err rsg_value_accept(const struct rsg_fielddef *,
    const char *value, size_t len, struct rsg_buf *out);

/* The form that a blind index digests (RSG_BAD_VALUE if it has none). */
RSG_MUST enum rsg_err rsg_value_index(const struct rsg_fielddef *,
    const char *value, size_t len, struct rsg_buf *out);

/* What a transform shows of a stored value. `today` in days, for ages. */
RSG_MUST enum rsg_err rsg_value_show(const struct rsg_fielddef *,
    enum rsg_transform, const char *value, size_t len, int64_t today,
    struct rsg_buf *out);

/* The facet's small number for a value (0: unknown), as generaliser says. */
uint16_t rsg_value_facet(const struct rsg_fielddef *, const char *, size_t,
    int64_t today);

#endif
