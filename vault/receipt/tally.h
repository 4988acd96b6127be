/*
 * tally.h - counting by several marks at once, for reports.
 *
 * One tally a thread, added up at the end: nothing is shared while counting.
 */
#ifndef RSG_TALLY_H
#define RSG_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

#define RSG_TALLY_ROWS	8192	/* what a reply can list */

/* What is counted apart. Zero it first: all of its bytes are compared. */
struct rsg_tally_key {
	char name[72];			/* of a notice or incentive; "": none */
	int32_t month;			/* since year 0; 0: not by time */
	uint16_t purpose;
	uint8_t channel, status, source;
	uint8_t within;			/* a span of days, by the report's number for it */
	uint8_t total;			/* 0: a row by itself; 1: in sum; 2: all in all */
	uint8_t spare;
};

struct rsg_tally_row {
	struct rsg_tally_key key;
	int64_t count;
	int64_t people;			/* how many different ones */
	int64_t given, estimate;	/* minor units */
	int64_t net, goods;		/* of what was bought, likewise */
	int64_t who;			/* the last one, so that nobody counts twice */
};

struct rsg_tally;
RSG_MUST enum rsg_err rsg_tally_new(struct rsg_tally **);
void rsg_tally_free(struct rsg_tally *);

/* RSG_TOO_LARGE when there would be more rows than can be listed. */
RSG_MUST enum rsg_err rsg_tally_add(struct rsg_tally *, const struct rsg_tally_key *,
    int64_t count, int64_t given, int64_t estimate);
/*
 * The same with all sums of a row; those that would overflow stay at the largest.
 * Where `who` is not 0 it is a number of the person: what is counted of one has
 * to come in one go, and then they are one of `people`.
 */
RSG_MUST enum rsg_err rsg_tally_count(struct rsg_tally *, const struct rsg_tally_row *);
RSG_MUST enum rsg_err rsg_tally_merge(struct rsg_tally *to, const struct rsg_tally *);

/* Totals last, each in the order of month, purpose, channel, status, source, name; borrowed, and
 * nothing may be added after. */
const struct rsg_tally_row *rsg_tally_rows(struct rsg_tally *, size_t *n);

#endif
