/*
 * ranges.h - all of a table, range by range, by several threads that take them
 * from a shared counter.
 *
 * What is divided are the blocks of the table `subject` that a snapshot sees;
 * who reads by something else (ids, say) divides that in the same proportion.
 */
#ifndef RSG_RANGES_H
#define RSG_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "resguardo/err.h"

#define RSG_SCAN_THREADS	2
#define RSG_SCAN_THREADS_MAX	16

struct rsg_ranges;

/* Read blocks `first` up to, not including, `end`: called by several threads at
 * once, each with its number (0 .. threads - 1). An error ends the run. */
struct rsg_ranges_job {
	enum rsg_err (*take)(void *ctx, struct rsg_ranges *, unsigned thread,
	    int64_t first, int64_t end);
	void *ctx;
	int64_t blocks;
	unsigned threads;		/* 0: RSG_SCAN_THREADS */
};

/* RSG_OK, or the first error of a `take`. Fewer threads than asked for is none. */
RSG_MUST enum rsg_err rsg_ranges_run(const struct rsg_ranges_job *);

/* So many rows more were read. False: another thread failed, or all are to end. */
bool rsg_ranges_went(struct rsg_ranges *, uint64_t rows);

/* The process is to end: all runs do, with RSG_UNAVAILABLE, those to come too. */
void rsg_ranges_stop(void);

/* How far scans are, for metrics: since start, of the whole process. */
struct rsg_scan_figures {
	uint64_t running, rows, blocks, blocks_of_running;
};
void rsg_scan_figures(struct rsg_scan_figures *);

#endif
