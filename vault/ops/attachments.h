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

/*
 * A file that comes with the word itself, out of another system: name it in
 * the event. Its id follows from the person and the bytes, so that one form
 * with several answers on it is kept once, and brought in again adds nothing.
 * RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_attachment_brought(struct rsg_worker *,
    const struct rsg_subject *, const void *, size_t, struct rsg_consent *);

/* Stage its row, once all is checked. RSG_TOO_LARGE, RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_attachment_stage(struct rsg_batch *, const struct rsg_call *,
    const struct rsg_subject *, const struct rsg_consent *, uint8_t media,
    const void *, size_t);

#endif
