/*
 * event.h - one event of a person's consent ledger, opened and vouched for.
 *
 * An event is believed if it opens in its place and the hashes agree: with
 * the event before, with the one after, and, for the last, with the header.
 */
#ifndef RSG_RECEIPT_EVENT_H
#define RSG_RECEIPT_EVENT_H

#include "consent/ledger.h"
#include "work/call.h"

#define RSG_HEARD_TEXT	4096

/* What an event says, and its links. Parts point into `text`. */
struct rsg_heard {
	struct rsg_ledger_event ev;
	uint32_t sequence;
	uint8_t hash[RSG_DIGEST_LEN], previous[RSG_DIGEST_LEN];
	uint8_t text[RSG_HEARD_TEXT];
};

/*
 * `near` is the result of CONSENT_NEAR. RSG_NOT_FOUND: there is no such event;
 * RSG_TAMPERED (logged): there was, or it is not what it was.
 */
RSG_MUST enum rsg_err rsg_heard_open(const struct rsg_subject *, uint32_t sequence,
    const struct rsg_result *near, struct rsg_heard *);

/* A part as text into `out`; "" when there is none or no room. */
const char *rsg_heard_text(const struct rsg_heard *, enum rsg_proof, char *out,
    size_t cap);
/* A part that is a number; 0 when there is none. */
uint64_t rsg_heard_number(const struct rsg_heard *, enum rsg_proof);

#endif
