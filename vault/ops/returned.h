/*
 * returned.h - what a person was given for one consent, for its receipt.
 */
#ifndef RSG_OPS_RETURNED_H
#define RSG_OPS_RETURNED_H

#include "benefit/benefit.h"
#include "receipt/receipt.h"

/* What the receipt borrows from: the history, and the incentives' own words. */
struct rsg_returned {
	struct rsg_benefits all;
	struct rsg_benefit benefit[RSG_RECEIPT_BENEFITS];
	struct rsg_incentive incentive[RSG_RECEIPT_BENEFITS];
	size_t nincentives;
	char name[RSG_RECEIPT_BENEFITS][RSG_BENEFIT_TEXT + 12],
	    value[RSG_RECEIPT_BENEFITS][24], cause[RSG_RECEIPT_BENEFITS][RSG_BENEFIT_TEXT];
};

/*
 * Verify the whole history (rows of BENEFIT_EVENTS) and put what was given for
 * the consent event into the receipt, newest first. RSG_TAMPERED (logged).
 */
RSG_MUST enum rsg_err rsg_returned_open(struct rsg_returned *, const struct rsg_subject *,
    uint32_t sequence, int64_t now, const struct rsg_result *, struct rsg_receipt *);

/* The words of the versions they were given under: one round trip, where there
 * is any. */
RSG_MUST enum rsg_err rsg_returned_words(struct rsg_worker *, uint32_t controller,
    struct rsg_returned *, struct rsg_receipt *);

/* As fields of a reply: as many as the signed receipt has. */
void rsg_returned_put(struct rsg_buf *, const struct rsg_returned *,
    const struct rsg_receipt *);

void rsg_returned_free(struct rsg_returned *);	/* a zeroed one is fine */

#endif
