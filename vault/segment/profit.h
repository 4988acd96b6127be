/*
 * profit.h - what somebody brought in, less what they cost.
 *
 *   net    = gross - returned (and repeated, as the returns policy says)
 *   margin = net - goods - given
 *
 * `goods` is what the goods cost the shop, less those that came back; `given`
 * is what benefits and points cost, less what was taken back. Whole minor
 * units of the controller's currency; what would overflow stays at the
 * largest number. Less than 0 is as normal as more: a year of returns, a
 * month in which only points were given.
 *
 * Read straight from a sealed activity's text, as rfm.h does, and as exact:
 * where old days were merged (activity.h) they count where they were put.
 */
#ifndef RSG_PROFIT_H
#define RSG_PROFIT_H

#include "segment/rfm.h"

struct rsg_profit_window {
	int32_t from, to;		/* days, both in it */
	enum rsg_returns returns;
};

struct rsg_profit {
	uint32_t documents;
	int64_t gross, returned, repeated;
	int64_t goods, given;
	bool any;			/* something of the above was noted */
};

int64_t rsg_profit_net(const struct rsg_profit *, enum rsg_returns);
int64_t rsg_profit_margin(const struct rsg_profit *, enum rsg_returns);

/* All of the window. RSG_TAMPERED: the text is malformed. */
RSG_MUST enum rsg_err rsg_profit_sum(const uint8_t *activity, size_t len,
    const struct rsg_profit_window *, struct rsg_profit *);

/*
 * The same by calendar month, newest first, each month of which there is
 * anything to say; `month` is 12 x year + month of the year from 0. Returns
 * what `each` did, or RSG_TAMPERED: then what it was given counts for nothing.
 */
typedef enum rsg_err rsg_profit_month_fn(void *ctx, int32_t month,
    const struct rsg_profit *);
RSG_MUST enum rsg_err rsg_profit_months(const uint8_t *activity, size_t len,
    const struct rsg_profit_window *, rsg_profit_month_fn *each, void *ctx);

#endif
