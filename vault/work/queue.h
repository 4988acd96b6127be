/*
 * queue.h - calls that wait for a worker, in lanes that do not hold each
 * other up: those that share a transaction, those that run alone, and those
 * that look at everybody.
 */
#ifndef RSG_QUEUE_H
#define RSG_QUEUE_H

#include "work/call.h"

#define RSG_QUEUE_MAX	4096		/* calls a lane; more are answered RSG_BUSY */

enum rsg_lane { RSG_LANE_BATCH, RSG_LANE_SOLO, RSG_LANE_LONG, RSG_LANE__MAX };

/* How calls may share a transaction: only with their like. */
enum rsg_mode {
	RSG_MODE_FREE,		/* no database, answered at once */
	RSG_MODE_READ,		/* batched reads */
	RSG_MODE_WRITE,		/* batched writes, one a person */
	RSG_MODE_EVENTS,	/* many events of many people */
	RSG_MODE_SOLO		/* by itself */
};

struct rsg_queue;

struct rsg_queue *rsg_queue_new(void);
void rsg_queue_free(struct rsg_queue *);

/* Append; false when the lane is full or closed. */
bool rsg_queue_put(struct rsg_queue *, enum rsg_lane, struct rsg_call *);

/* Put back at the front what could not be done in this batch. */
void rsg_queue_back(struct rsg_queue *, enum rsg_lane, struct rsg_call *);

/*
 * Wait, then take the first call and those behind it of the same mode, at
 * most `max` of them and RSG_BATCH_BYTES together. 0: the queue was closed
 * and is empty.
 */
size_t rsg_queue_take(struct rsg_queue *, enum rsg_lane, struct rsg_call **, size_t max);

/* No more calls come in; takers finish what is there. */
void rsg_queue_close(struct rsg_queue *);
size_t rsg_queue_waiting(struct rsg_queue *);

#endif
