/*
 * worker.h - threads that take calls from the queue and see them through.
 */
#ifndef RSG_WORKER_H
#define RSG_WORKER_H

#include "work/batch.h"
#include "work/call.h"
#include "work/link.h"
#include "work/queue.h"

#define RSG_ARENA_BYTES	(1024 * 1024)

struct rsg_pool;

/* Start so many workers on each lane. */
RSG_MUST enum rsg_err rsg_pool_start(struct rsg_vault *, struct rsg_queue *,
    struct rsg_link *, const int workers[RSG_LANE__MAX], struct rsg_pool **);

/* After rsg_queue_close(): wait until all are done. */
void rsg_pool_join(struct rsg_pool *);

/* The start and the end of one run: policy, time, arena. */
void rsg_worker_begin(struct rsg_worker *);
void rsg_worker_end(struct rsg_worker *);

#endif
