/*
 * attachments.h - the file that a consent names as its evidence.
 */
#ifndef RSG_OPS_ATTACHMENTS_H
#define RSG_OPS_ATTACHMENTS_H

#include "consent/rules.h"
#include "work/batch.h"

/* For want(): look for this person's attachment with the rest of the fetch. */
void rsg_attachment_ask(struct rsg_item *, const struct rsg_id *subject,
    const struct rsg_id *attachment);

/*
 * For apply(): where the event names an attachment that is there, add the hash
 * of its bytes. One that is not there is left to rsg_consent_check().
 * RSG_TAMPERED, but not for a no: that is taken without it.
 */
RSG_MUST enum rsg_err rsg_attachment_named(struct rsg_item *, struct rsg_consent *);

#endif
