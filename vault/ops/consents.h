/*
 * consents.h - consent as it comes in messages: alone, or with a new person.
 */
#ifndef RSG_OPS_CONSENTS_H
#define RSG_OPS_CONSENTS_H

#include "consent/ledger.h"

/* One consent out of a message or a CONSENT group; texts go to the arena.
 * Fails the call with the member at fault. */
RSG_MUST enum rsg_err rsg_consent_read(struct rsg_worker *, struct rsg_call *,
    struct rsg_fields, struct rsg_consent *);

#endif
