/*
 * consents.h - consent as it comes in messages: alone, or with a new person.
 */
#ifndef RSG_OPS_CONSENTS_H
#define RSG_OPS_CONSENTS_H

#include "consent/ledger.h"

/* Whom a word is about, and how it comes. */
struct rsg_asked {
	enum rsg_state state;
	const char *jurisdiction, *language;
	const char *birth;		/* NULL: not known */
	size_t nbirth;
	unsigned relations;		/* of who spoke for them: bits of enum rsg_relation */
	bool imported;			/* from before, out of a file */
};

/* One consent out of a message or a CONSENT group; texts go to the arena.
 * Fails the call with the member at fault. */
RSG_MUST enum rsg_err rsg_consent_read(struct rsg_worker *, struct rsg_call *,
    struct rsg_fields, struct rsg_consent *);

/*
 * Is it a yes that counts: on a notice that was published, in force and about
 * this, explicit where that is needed, by somebody old enough or by who speaks
 * for them? Adds what follows from that. A no passes always. An attachment
 * that is named was found before, or is not there. Fails the call.
 */
RSG_MUST enum rsg_err rsg_consent_check(struct rsg_worker *, struct rsg_call *,
    struct rsg_consent *, const struct rsg_asked *);

/*
 * A date of birth is being written. Where it makes a child of somebody who
 * counted as grown up, what they agreed to by themselves is invalidated; the
 * guardian is asked. Their former date was wanted, if there is one.
 */
RSG_MUST enum rsg_err rsg_consent_young(struct rsg_item *, const char *birth,
    size_t nbirth);

/* Would the ledger take it, after what the browser says? Fails the call. */
RSG_MUST enum rsg_err rsg_consent_fits(struct rsg_worker *, struct rsg_call *,
    const struct rsg_header *, const struct rsg_consent *);

/*
 * Where a yes has to be confirmed from its address, make a question of it and
 * put the code that confirms it into the reply: for the caller's mailer, and
 * nowhere else. `group`: one of several.
 */
RSG_MUST enum rsg_err rsg_consent_ask_back(struct rsg_worker *, struct rsg_call *,
    const struct rsg_id *subject, struct rsg_consent *, bool *asked, bool group);

/*
 * rsg_item_allowed() for a no: taken whatever the credential's rate, the
 * record's state and what the request does not name, as long as the policy
 * lets this caller speak for the person at all. *lacking: the bits of
 * rsg_lacking_name() that it was taken without, to be kept with the event.
 */
RSG_MUST enum rsg_err rsg_consent_no(struct rsg_item *, enum rsg_action,
    uint16_t purpose, uint8_t *lacking);

/* The same on a read by the person's own client, once it is allowed: what is
 * not objected to yet is, in the read's own transaction. */
RSG_MUST enum rsg_err rsg_consent_gpc_read(struct rsg_item *);

/* Did the browser of the person say "Sec-GPC: 1"? */
bool rsg_consent_gpc(const struct rsg_call *);

/* The field that tells a person's age; 0: the policy has none. */
uint16_t rsg_consent_birth(const struct rsg_policy *);

#endif
