#include "segment/ranges.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define CHUNKS		8	/* a thread's ranges, about: so that all end together */
#define CHUNK_MIN	64	/* blocks: a thousand people, ten times what asking costs */
#define CHUNK_MAX	16384

static atomic_bool stopping;
static struct {
	_Atomic uint64_t running, rows, blocks, goal;
} figures;

struct rsg_ranges {
	const struct rsg_ranges_job *job;
	int64_t chunk;
	_Atomic int64_t next;		/* first block that nobody took */
	_Atomic int err;		/* of the first thread that failed */
};

struct taker {
	struct rsg_ranges *ranges;
	unsigned number;
	pthread_t thread;
};

void
rsg_scan_figures(struct rsg_scan_figures *f)
{
	f->running = atomic_load(&figures.running);
	f->rows = atomic_load(&figures.rows);
	f->blocks = atomic_load(&figures.blocks);
	f->blocks_of_running = atomic_load(&figures.goal);
}

bool
rsg_ranges_went(struct rsg_ranges *r, uint64_t rows)
{
	atomic_fetch_add(&figures.rows, rows);
	return atomic_load(&r->err) == RSG_OK && !atomic_load(&stopping);
}

void
rsg_ranges_stop(void)
{
	atomic_store(&stopping, true);
}

static void *
take_all(void *arg)
{
	const struct taker *t = arg;
	struct rsg_ranges *r = t->ranges;
	const struct rsg_ranges_job *job = r->job;
	int64_t first, end;
	int none = RSG_OK;
	enum rsg_err e;

	while (rsg_ranges_went(r, 0)) {
		first = atomic_fetch_add(&r->next, r->chunk);
		if (first >= job->blocks)
			break;
		end = first + r->chunk < job->blocks ? first + r->chunk : job->blocks;
		if ((e = job->take(job->ctx, r, t->number, first, end)) != RSG_OK)
			(void)atomic_compare_exchange_strong(&r->err, &none, (int)e);
		atomic_fetch_add(&figures.blocks, (uint64_t)(end - first));
	}
	return NULL;
}

static int64_t
chunk_of(int64_t blocks, unsigned threads)
{
	int64_t chunk = blocks / ((int64_t)threads * CHUNKS) + 1;

	if (chunk < CHUNK_MIN)
		return CHUNK_MIN;
	return chunk > CHUNK_MAX ? CHUNK_MAX : chunk;
}

enum rsg_err
rsg_ranges_run(const struct rsg_ranges_job *job)
{
	unsigned n = job->threads == 0 ? RSG_SCAN_THREADS : job->threads, made = 0;
	struct rsg_ranges r = { .job = job };
	struct taker taker[RSG_SCAN_THREADS_MAX];

	if (n > RSG_SCAN_THREADS_MAX)
		n = RSG_SCAN_THREADS_MAX;
	r.chunk = chunk_of(job->blocks, n);
	while (n > 1 && (int64_t)(n - 1) * r.chunk >= job->blocks)
		n--;			/* nothing would be left for the last */
	atomic_fetch_add(&figures.running, 1);
	atomic_fetch_add(&figures.goal, (uint64_t)job->blocks);
	for (unsigned i = 0; i < n; i++)
		taker[i] = (struct taker){ .ranges = &r, .number = i };
	/* The calling thread is the first. */
	for (unsigned i = 1; i < n; i++) {
		if (pthread_create(&taker[i].thread, NULL, take_all, &taker[i]) != 0)
			break;
		made = i;
	}
	(void)take_all(&taker[0]);
	for (unsigned i = 1; i <= made; i++)
		(void)pthread_join(taker[i].thread, NULL);
	atomic_fetch_sub(&figures.goal, (uint64_t)job->blocks);
	atomic_fetch_sub(&figures.running, 1);
	/* What was left out may be what matters: no part is an answer. */
	return atomic_load(&stopping) ? RSG_UNAVAILABLE : (enum rsg_err)atomic_load(&r.err);
}
