/*
 * points.h - a loyalty account, computed from the ledger and nothing else.
 *
 * There is no number anywhere that somebody could change: every answer adds
 * up the events again. A pure function of the events and the moment.
 */
#ifndef RSG_POINTS_H
#define RSG_POINTS_H

#include "benefit/benefit.h"

/* Points that came together and lapse together. */
struct rsg_lot {
	struct rsg_id benefit;
	int64_t points;			/* left of them */
	int64_t until;			/* 0: no end */
};

struct rsg_points {
	int64_t balance;		/* may be less than 0, after returns */
	int64_t promised;		/* not delivered yet */
	int64_t earned, spent, expired, reversed, deducted;	/* over all time */
	struct rsg_lot *lot;		/* live ones, the first to lapse first */
	size_t nlots;
};

/*
 * Add up. What lapses first is spent first. What a return or reversal takes
 * and is no longer there is owed, and paid by the next points that come in.
 * RSG_NO_MEMORY. Free it in any case.
 */
RSG_MUST enum rsg_err rsg_points_compute(const struct rsg_benefits *, int64_t now,
    struct rsg_points *);
void rsg_points_free(struct rsg_points *);

/* Points for an amount: `points` for each whole `per`; never less than 0. */
int64_t rsg_points_for(int64_t amount, int64_t points, int64_t per);

#endif
