/*
 * people.h - one person in a call that runs alone, and page tokens.
 */
#ifndef RSG_OPS_PEOPLE_H
#define RSG_OPS_PEOPLE_H

#include "subject/person.h"
#include "work/call.h"

/* Fetch and open; the caller wipes. RSG_NOT_FOUND is a denial to be audited. */
RSG_MUST enum rsg_err rsg_people_open(struct rsg_worker *, struct rsg_call *,
    const struct rsg_id *, struct rsg_subject *);

/* Ask the policy about this person; the entry will name them. */
RSG_MUST enum rsg_err rsg_people_allowed(struct rsg_worker *, struct rsg_call *,
    const struct rsg_subject *, enum rsg_action, uint16_t purpose,
    struct rsg_answer *);

/*
 * Page tokens, sealed for this credential and what they page through, good for
 * a day. Opening fails the call: RSG_BAD_CURSOR, RSG_EXPIRED_CURSOR.
 */
RSG_MUST enum rsg_err rsg_token_put(struct rsg_worker *, struct rsg_call *,
    const char *what, const void *, size_t len);
RSG_MUST enum rsg_err rsg_token_open(struct rsg_worker *, struct rsg_call *,
    const char *what, uint8_t *out, size_t cap, size_t *len);

/*
 * The same of lists by the day on which something is due, and then by id.
 * Without a token opening gives the place before the first.
 */
RSG_MUST enum rsg_err rsg_due_put(struct rsg_worker *, struct rsg_call *,
    const char *what, int64_t due, const struct rsg_id *);
RSG_MUST enum rsg_err rsg_due_open(struct rsg_worker *, struct rsg_call *,
    const char *what, int64_t *due, struct rsg_id *);

#endif
