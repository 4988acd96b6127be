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

/* What an event says. Texts point into the text that was opened. */
struct rsg_heard {
	enum rsg_status status;
	uint16_t purpose;
	enum rsg_channel channel;
	int64_t time, recorded;
	bool gpc;
	struct rsg_id principal;
	char role[64], staff[256], place[256], notice[256], language[16],
	    method[256];
	uint32_t sequence;
	uint8_t hash[RSG_DIGEST_LEN], previous[RSG_DIGEST_LEN];
};

/*
 * `near` is the result of CONSENT_NEAR. RSG_NOT_FOUND: there is no such event;
 * RSG_TAMPERED (logged): there was, or it is not what it was.
 */
RSG_MUST enum rsg_err rsg_heard_open(const struct rsg_subject *, uint32_t sequence,
    const struct rsg_result *near, struct rsg_heard *);

/* The text of an event. RSG_TAMPERED when it is not one. */
RSG_MUST enum rsg_err rsg_heard_get(const uint8_t *, size_t, struct rsg_heard *);

#endif
