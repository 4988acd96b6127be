/*
 * cells.h - how many people stand in each cell of R x F x M, and which of
 * these counts may be seen.
 */
#ifndef RSG_CELLS_H
#define RSG_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "segment/rfm.h"

#define RSG_CELLS_MAX	(RSG_RFM_BINS_MAX * RSG_RFM_BINS_MAX * RSG_RFM_BINS_MAX)

struct rsg_cells {
	uint32_t bins;
	uint32_t n[RSG_CELLS_MAX];	/* by rsg_cells_at() */
	bool hidden[RSG_CELLS_MAX];
};

uint32_t rsg_cells_at(uint32_t bins, struct rsg_score);

/*
 * Hide the cells under `k` people, empty ones too, so that few cannot be told
 * from none. As the whole is known, what is hidden must not follow by
 * subtraction: while fewer than `k` people are hidden, the smallest cell that
 * still shows is hidden as well.
 */
void rsg_cells_hide(struct rsg_cells *, uint32_t k);

void rsg_cells_put(const struct rsg_cells *, struct rsg_buf *);
RSG_MUST enum rsg_err rsg_cells_get(struct rsg_cells *, uint32_t bins, struct rsg_rd *);

#endif
