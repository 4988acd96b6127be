/*
 * model.h - a loaded policy as its own folder sees it.
 *
 * Everything is flat and fixed once loading is over: deciding follows numbers
 * and never compares a name but the role's and the recipient's. Texts are
 * borrowed from the parsed bundle, which the policy keeps.
 */
#ifndef RSG_POLICY_MODEL_H
#define RSG_POLICY_MODEL_H

#include "policy/policy.h"
#include "resguardo/json.h"

#define RSG__ROLES	16
#define RSG__RULES	256
#define RSG__SEGMENTS	64
#define RSG__KINDS	64
#define RSG__CODES	64		/* jurisdictions */
#define RSG__LOYALTY	16		/* programmes */
#define RSG__CHOICES	64		/* a field's values */
#define RSG__CLAUSE	(RSG_POLICY_NAME + 16)
#define RSG__DEPTH	8		/* of the purpose tree */
#define RSG__SPAN	64		/* rules of one (role, action, purpose) */
#define RSG__MIN_GROUP	2		/* fewer is no group */

/* What a role can reach, whatever its rules say. */
enum rsg__reach { RSG__REACH_PEOPLE, RSG__REACH_OWN, RSG__REACH_GROUPS,
	RSG__REACH_NOBODY };

/* What an action is about (names.c). */
enum {
	RSG__ACT_CONSENT = 1 << 0,	/* wants the purpose's consent */
	RSG__ACT_PERSON = 1 << 1,	/* always about one person */
	RSG__ACT_FIELDS = 1 << 2,	/* rules may name fields */
	RSG__ACT_WRITE = 1 << 3,	/* fields are written: clear or none */
	RSG__ACT_PURPOSE = 1 << 4,	/* a purpose has to be stated */
	RSG__ACT_GROUP = 1 << 5,	/* gives out groups: needs min_group */
};
unsigned rsg__action_about(enum rsg_action);
unsigned rsg__action_reach(enum rsg_action);	/* bit per enum rsg__reach */
const char *rsg__state_name(unsigned);
extern const char *const rsg__reach_names[4];

/* The place of a name in a table of `n`, some NULL; -1: none. */
int rsg__name_find(const char *const *, size_t n, const char *, size_t);

/* In a rule's transform: the rule says "none", which outweighs the others. */
#define RSG__WITHHOLD	0x80

struct rsg__role {
	const char *id;
	const char *title[2];
	enum rsg__reach reach;
};

struct rsg__rule {
	const char *id;
	unsigned role;
	uint32_t actions;		/* bit per enum rsg_action */
	uint8_t states;			/* bit per enum rsg_state */
	uint8_t require;		/* bit 0 staff, 1 place, 2 reason */
	bool any_purpose, no_purpose;
	uint32_t min_group, rate;
	const struct rsg_json *recipients;	/* NULL: whoever */
	uint8_t purpose[RSG_POLICY_PURPOSES];	/* 1: named */
	uint8_t transform[RSG_POLICY_FIELDS];	/* 0: silent; RSG__WITHHOLD */
};

struct rsg__purpose {
	struct rsg_purposedef def;
	uint16_t up[RSG__DEPTH];	/* itself, its parent, ... 0 */
	char consent[RSG__CLAUSE], objection[RSG__CLAUSE];
};

struct rsg__span { uint16_t first, n; };

struct rsg_policy {
	struct rsg_json *root;
	uint8_t hash[RSG_POLICY_HASH];

	size_t nfields, npurposes, nsegments, nkinds, ncodes, nroles, nrules;
	struct rsg_fielddef field[RSG_POLICY_FIELDS];
	struct rsg__purpose purpose[RSG_POLICY_PURPOSES];
	struct rsg_segmentdef segment[RSG__SEGMENTS];
	unsigned bins;			/* scores that segments are made for */
	struct rsg_kinddef kind[RSG__KINDS];
	struct rsg_lawdef law[RSG__CODES];
	size_t nloyalty;
	struct rsg_loyaltydef loyalty[RSG__LOYALTY];
	struct rsg_contactdef contact;
	const struct rsg_json *explicit_methods;	/* NULL: any that is named */
	struct rsg__role role[RSG__ROLES];
	struct rsg__rule rule[RSG__RULES];
	struct rsg_choicedef *choices;	/* of all fields */
	size_t nchoices;
	uint16_t standard[RSG_ACT__MAX];	/* purposes where none is stated */

	/* Place + 1 by number; 0: no such number. */
	uint8_t field_at[RSG_POLICY_FIELDS];
	uint8_t purpose_at[RSG_POLICY_PURPOSES];

	/* The rules of each (role, action, purpose). */
	struct rsg__span span[RSG__ROLES][RSG_ACT__MAX][RSG_POLICY_PURPOSES];
	uint16_t *list;
};

/* NULL: no such number. */
const struct rsg__purpose *rsg__purpose_no(const struct rsg_policy *, uint16_t);

/*
 * Make the spans anew, as if the rule at place `skip` were not there
 * (RSG__RULES: none is left out). RSG_NO_MEMORY; RSG_TOO_LARGE when one span
 * would hold more than RSG__SPAN rules.
 */
RSG_MUST enum rsg_err rsg__access_compile(struct rsg_policy *, size_t skip);

#endif
