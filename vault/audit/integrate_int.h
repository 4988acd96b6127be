/*
 * integrate_int.h - what the integrator's files share.
 */
#ifndef RSG_INTEGRATE_INT_H
#define RSG_INTEGRATE_INT_H

#include <pthread.h>

#include "audit/checkpoint.h"
#include "audit/integrate.h"

#define RSG__PAGES	(RSG_INTEGRATE_MAX / RSG_TILE_WIDTH + 1)

/* A tree as far as it was taken in, and the entries of its last bundle. */
struct rsg__grown {
	struct rsg_edge edge;
	int64_t xid, seq;		/* the last entry in it */
	uint8_t root[RSG_HASH_LEN];
};

struct rsg_integrator {
	struct rsg_db *db;
	struct rsg_logdir *log, *keys;
	int lock;			/* held while signing */
	struct rsg_skey *key;		/* guarded */
	int64_t number;

	struct rsg_id expect;		/* the entry with a note that is being added */
	bool known;			/* `now` and `bundle` are what is durable */
	struct rsg__grown now, next;
	struct rsg_buf bundle;		/* of next: entries of the unfinished one */
	uint64_t wrote;			/* full tiles below this size are tidied */
	uint64_t signed_size;
	bool published;

	size_t npages;			/* of this round: first entries of pages */
	struct { int64_t page, xid, seq; } page[RSG__PAGES];

	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool running, stop;
};

/* --- grow.c: into files --- */

/* Take rows (of LOG_NEXT) into g->next, up to `limit` of size, where they were
 * taken in before (UINT64_MAX: they are new); `write`: their full tiles and
 * bundles too. RSG_TAMPERED (logged, refused). */
RSG_MUST enum rsg_err rsg__grow_rows(struct rsg_integrator *,
    const struct rsg_result *, uint64_t limit, bool write);

/* What is unfinished, as partial tiles and a partial bundle; then all synced. */
RSG_MUST enum rsg_err rsg__grow_flush(struct rsg_integrator *);

/* g->next from the tiles of that size. RSG_NOT_FOUND, RSG_TAMPERED, RSG_IO. */
RSG_MUST enum rsg_err rsg__grow_load(struct rsg_integrator *, uint64_t size);

void rsg__grow_tidy(struct rsg_integrator *);

/* --- publish.c: out --- */

/* The last checkpoint we signed, wherever it was kept; size 0 when none.
 * RSG_TAMPERED (logged, refused) when one is there that is not ours. */
RSG_MUST enum rsg_err rsg__publish_last(struct rsg_integrator *,
    const uint8_t *stored, size_t len, struct rsg_checkpoint *);

/* Sign g->now and publish it, unless that was done. RSG_TAMPERED (logged,
 * refused) when it is inconsistent with what was signed before. */
RSG_MUST enum rsg_err rsg__publish(struct rsg_integrator *);

#endif
