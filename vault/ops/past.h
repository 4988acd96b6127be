/*
 * past.h - what is brought in about people who are there already: whose a
 * line is, what they had said by some day, and which of it is here already.
 *
 * A line is known again by its reference in the system that it comes from,
 * which the sealed ledger keeps: no table apart could be lost or changed.
 */
#ifndef RSG_OPS_PAST_H
#define RSG_OPS_PAST_H

#include "consent/ledger.h"
#include "ops/benefits.h"
#include "ops/bulk.h"

#define RSG_RECORD_MAX	200		/* origin, colon, reference, NUL */

/* A word of a person, out of the verified chain. */
struct rsg_pastword {
	uint32_t sequence;
	uint16_t purpose;
	uint8_t channel, status;
	int64_t time, until;
	uint8_t record[RSG_DIGEST_LEN];	/* zero: it came otherwise */
	uint64_t part[RSG_PROOF__MAX];	/* of what has a record: digests; 0: has none */
};

/* A person of a page, opened by the first line that names them. */
struct rsg_pastperson {
	struct rsg_subject *subject;
	bool opened;
	enum rsg_err err;		/* of the opening */
	struct rsg_pastword *word;
	size_t nwords, room;
	struct rsg_giving giving;	/* where benefits are brought in */
};

struct rsg_pastline {
	uint8_t person[RSG_DIGEST_LEN];	/* the value that tells whose it is */
	char record[RSG_RECORD_MAX];
	uint8_t name[RSG_DIGEST_LEN];	/* digest of the record */
	struct rsg_pastperson *who;
	bool spoken;			/* by somebody else (ops/guardians.h) */
	uint8_t speaker[RSG_DIGEST_LEN];	/* the value that tells who; zero: no value */
	struct rsg_id by;		/* nil: nobody who is known */
};

struct rsg_past {
	struct rsg_bulk bulk;
	bool benefits;
	char origin[65];
	struct rsg_pastline line[RSG_BULK_PAGE];
	struct rsg_pastperson person[RSG_BULK_PAGE];
	size_t npeople;
	int guardians[3];		/* results: rows, fields, relations; -1: not asked */
};

/* Open, with the message's origin. `past` is zeroed by the caller; close it in
 * any case. */
RSG_MUST enum rsg_err rsg_past_open(struct rsg_past *, const struct rsg_bulkdef *,
    struct rsg_worker *, struct rsg_call *);
void rsg_past_close(struct rsg_past *);

/* Parts of a def: `own` is the struct rsg_past. */
void rsg_past_begin(struct rsg_bulk *, size_t n);
RSG_MUST enum rsg_err rsg_past_read(struct rsg_bulk *, size_t at);
RSG_MUST enum rsg_err rsg_past_find(struct rsg_bulk *, size_t n);

/* The person of a line, opened, with their verified words and, if asked for,
 * benefits. RSG_NOT_FOUND: there is nobody (the call is failed); RSG_TAMPERED. */
RSG_MUST enum rsg_err rsg_past_person(struct rsg_past *, size_t at,
    struct rsg_pastperson **);

/* What stands in the parts of an event, each as eight bytes of its digest: to
 * be compared with, and too little to be read. */
void rsg_past_parts(const struct rsg_part part[RSG_PROOF__MAX], uint64_t out[RSG_PROOF__MAX]);

/* The word that came by this record; NULL: none did. */
const struct rsg_pastword *rsg_past_known(const struct rsg_pastperson *,
    const uint8_t name[RSG_DIGEST_LEN]);

/* A word was appended to the ledger: it counts for the lines to come. */
RSG_MUST enum rsg_err rsg_past_push(struct rsg_pastperson *, const struct rsg_pastword *);

/*
 * What spoke against a purpose by a channel at a moment, as
 * rsg_policy_against(), from the words said up to then and none later. NULL:
 * nothing; then *sequence is of the last yes to it, 0 where none was said.
 */
const char *rsg_past_against(const struct rsg_past *, const struct rsg_pastperson *,
    uint16_t purpose, enum rsg_channel, int64_t when, uint32_t *sequence);

#endif
