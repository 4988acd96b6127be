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

#include "consent/rules.h"
#include "work/batch.h"

/*
 * Append to the person's ledger: header and row are staged. *said tells what
 * became of it; where it changes nothing that was said before (a second
 * withdrawal) nothing is written, unless a record of another system is to be
 * known again by it. The errors of rsg_rules_apply(), before
 * anything is staged.
 */
RSG_MUST enum rsg_err rsg_ledger_append(struct rsg_batch *, const struct rsg_call *,
    struct rsg_subject *, const struct rsg_consent *, struct rsg_said *said);

/* The browser of the person said "Sec-GPC: 1": objections to all that the
 * policy maps to it, unless they stand already. */
RSG_MUST enum rsg_err rsg_ledger_gpc(struct rsg_batch *, const struct rsg_call *,
    struct rsg_subject *);

/* "give", "refuse", "withdraw" ... -> what it makes of a grant; UNKNOWN: none. */
enum rsg_status rsg_ledger_status(const char *, size_t);

/* hash = SHA-256(previous || sequence || sealed). */
void rsg_ledger_hash(const uint8_t previous[RSG_DIGEST_LEN], uint32_t sequence,
    const void *sealed, size_t len, uint8_t hash[RSG_DIGEST_LEN]);

/* --- Reading --- */

/* Parts of an event. The numbers are stored: never reuse one. */
enum rsg_proof {
	RSG_PROOF_ROLE = 1, RSG_PROOF_STAFF = 2, RSG_PROOF_PLACE = 3,
	RSG_PROOF_NOTICE = 4, RSG_PROOF_LANGUAGE = 5, RSG_PROOF_METHOD = 6,
	RSG_PROOF_NOTICE_VERSION = 7, RSG_PROOF_SHOWN = 8,
	RSG_PROOF_NOTICE_HASH = 9, RSG_PROOF_WORDS = 10, RSG_PROOF_FORM = 11,
	RSG_PROOF_TAKEN_AT = 12, RSG_PROOF_ON_BEHALF = 13,
	RSG_PROOF_SOURCE = 14, RSG_PROOF_EVIDENCE = 15,
	RSG_PROOF_DOUBLE_OPT_IN = 16, RSG_PROOF_CONFIRMED = 17,
	RSG_PROOF_ATTACHMENT = 18, RSG_PROOF_UNTIL = 19,
	RSG_PROOF_LACKING = 20, RSG_PROOF_CODE = 21, RSG_PROOF_CODE_UNTIL = 22,
	RSG_PROOF_ATTACHMENT_HASH = 23,
	RSG_PROOF_RECORD = 32, RSG_PROOF__MAX
};

/* An opened event. Parts are borrowed from where it was opened to. */
struct rsg_ledger_event {
	enum rsg_status status;
	uint16_t purpose;
	enum rsg_channel channel;
	int64_t time, recorded;
	bool gpc;
	struct rsg_id principal;
	struct rsg_part part[RSG_PROOF__MAX];	/* p NULL: it has none */
};

/*
 * Open one event into `text`, which has room for `len` bytes. RSG_TAMPERED
 * (logged): it is not this person's, not at this place, or not whole.
 */
RSG_MUST enum rsg_err rsg_ledger_open(const struct rsg_subject *,
    uint32_t sequence, const void *sealed, size_t len, uint8_t *text,
    struct rsg_ledger_event *);

/*
 * Follow the rows of a chain in their order, and hold its end against the
 * header. RSG_TAMPERED (logged): one is missing, changed, or out of place.
 */
RSG_MUST enum rsg_err rsg_ledger_follow(const struct rsg_subject *,
    struct rsg_history *, int64_t sequence, const void *sealed, size_t len,
    const void *hash, size_t nhash);
RSG_MUST enum rsg_err rsg_ledger_ends(const struct rsg_subject *,
    const struct rsg_history *);

#endif
