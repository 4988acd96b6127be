/*
 * ledger.h - what a person said about a purpose, as a chain of sealed events.
 *
 * Append-only. Each event's hash covers the one before, and the header holds
 * count and head, so that removing, changing or reordering one is seen.
 * Sealed under the evidence key: it outlives an erasure for as long as the law
 * makes the controller able to prove it. docs/FORMAT.md, "Consent event".
 */
#ifndef RSG_LEDGER_H
#define RSG_LEDGER_H

#include "work/batch.h"

/* What is recorded of one event. Texts are borrowed; NULL where there is none. */
struct rsg_consent {
	enum rsg_status status;
	uint16_t purpose;
	enum rsg_channel channel;
	int64_t time;			/* when the person said so */
	const char *notice, *language, *method;
	bool gpc;
};

/*
 * Append to the person's ledger: header and row are staged. Withdrawing
 * without a channel withdraws every channel of the purpose.
 */
RSG_MUST enum rsg_err rsg_ledger_append(struct rsg_batch *, const struct rsg_call *,
    struct rsg_subject *, const struct rsg_consent *);

/* "give", "refuse", "withdraw", "object" -> what it makes of a grant; UNKNOWN: none. */
enum rsg_status rsg_ledger_status(const char *, size_t);

/* hash = SHA-256(previous || sequence || sealed). */
void rsg_ledger_hash(const uint8_t previous[RSG_DIGEST_LEN], uint32_t sequence,
    const void *sealed, size_t len, uint8_t hash[RSG_DIGEST_LEN]);

#endif
