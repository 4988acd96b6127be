/*
 * benefits.h - one change of what a person was given, whoever asks for it.
 *
 * Everything is checked before anything is staged: a refusal leaves no trace
 * but its entry.
 */
#ifndef RSG_OPS_BENEFITS_H
#define RSG_OPS_BENEFITS_H

#include "benefit/points.h"
#include "work/batch.h"

/* A person, their history, and the moment. */
struct rsg_giving {
	struct rsg_batch *batch;
	struct rsg_call *call;
	struct rsg_subject *subject;
	const struct rsg_controller *controller;
	struct rsg_benefits all;	/* freed by rsg_giving_end() */
	const struct rsg_result *consents;	/* of CONSENT_EVENTS */
	int32_t today;
};

/* Open the histories. The person is open already. RSG_TAMPERED. */
RSG_MUST enum rsg_err rsg_giving_begin(struct rsg_giving *, struct rsg_batch *,
    struct rsg_call *, struct rsg_subject *, const struct rsg_result *benefits,
    const struct rsg_result *consents);
void rsg_giving_end(struct rsg_giving *);

/* Promise it, or with `deliver` hand it over at once. `id` is the new benefit's. */
RSG_MUST enum rsg_err rsg_giving_offer(struct rsg_giving *, const struct rsg_incentive *,
    bool deliver, struct rsg_id *id);
RSG_MUST enum rsg_err rsg_giving_deliver(struct rsg_giving *, const struct rsg_id *);
RSG_MUST enum rsg_err rsg_giving_redeem(struct rsg_giving *, const struct rsg_id *,
    const char *ref);
RSG_MUST enum rsg_err rsg_giving_reverse(struct rsg_giving *, const struct rsg_id *,
    const char *cause);
/* Points for a reward (`i` not NULL), or as money. */
RSG_MUST enum rsg_err rsg_giving_spend(struct rsg_giving *, const struct rsg_incentive *,
    int64_t points, const char *ref, struct rsg_id *id);

/* How the benefit stands now, into the reply. */
RSG_MUST enum rsg_err rsg_giving_answer(struct rsg_giving *, const struct rsg_id *);

/* Does it come with a code? Is it paid out when it is used, and not before? */
bool rsg_giving_coded(uint8_t kind);
bool rsg_giving_later(uint8_t kind);

/* "withdrawal", "return", "error", "fraud": why something is taken back. */
bool rsg_giving_cause(const char *, size_t);

/* The first event of a benefit under these terms, under a new id. */
void rsg_giving_terms(const struct rsg_incentive *, struct rsg_benefit_event *);

#endif
