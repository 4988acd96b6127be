#include "segment/scan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "resguardo/log.h"
#include "resguardo/secret.h"
#include "segment/activity.h"

#define KEY_EPOCH	1	/* of a person's key set; new when it is replaced */
#define CHUNKS		8	/* a thread's ranges, about: so that all end together */
#define CHUNK_MIN	64	/* blocks: a thousand people, ten times what asking costs */
#define CHUNK_MAX	16384

_Static_assert(sizeof(((struct rsg_scan_desk *)0)->activity) >=
    RSG_ACTIVITY_MAX + RSG_ACTIVITY_MAX / 4, "a padded activity fits");

static struct {
	_Atomic uint64_t running, people, blocks, goal;
} figures;

/* What the threads of one scan share. */
struct scan {
	const struct rsg_scan_job *job;
	int64_t blocks, chunk;
	_Atomic int64_t next;		/* first block that nobody took */
	_Atomic int err;		/* of the first thread that failed */
};

struct reader {
	struct scan *scan;
	unsigned number;
	struct rsg_arena *arena;
	struct rsg_scan_desk *desk;
	struct rsg_copy *copy;		/* its connection, for all its ranges */
	pthread_t thread;
};

void
rsg_scan_figures(struct rsg_scan_figures *f)
{
	f->running = atomic_load(&figures.running);
	f->people = atomic_load(&figures.people);
	f->blocks = atomic_load(&figures.blocks);
	f->blocks_of_running = atomic_load(&figures.goal);
}

static enum rsg_err
tampered(const struct rsg_id *subject, const char *what)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, what,
	    "subject", RSG_LOG_ID, subject, NULL);
	return RSG_TAMPERED;
}

/* --- One person's row --- */

enum rsg_err
rsg_scan_open_header(const struct rsg_keyring *keys, const struct rsg_scan_row *r,
    struct rsg_scan_desk *desk)
{
	const struct rsg_place_of at = { .kind = RSG_SEAL_HEADER,
	    .controller = r->controller, .pk = r->subject, .version = r->version,
	    .generation = KEY_EPOCH };
	enum rsg_err e;
	size_t len;

	e = rsg_keyset_open(keys, r->controller, &r->subject, r->generation,
	    r->keyset, r->nkeyset, &desk->keys);
	if (e != RSG_OK)
		return e == RSG_TAMPERED ? tampered(&r->subject, "keyset") : e;
	if ((desk->keys.has & 1 << RSG_KEY_PROFILE) == 0 ||
	    (desk->keys.has & 1 << RSG_KEY_ACTIVITY) == 0)
		return RSG_NOT_FOUND;
	if (r->header == NULL || r->nheader > sizeof(desk->header) ||
	    rsg_seal_open(desk->keys.key[RSG_KEY_PROFILE], &at, r->header,
	    r->nheader, desk->header, &len) != RSG_OK ||
	    rsg_header_scan(&desk->head, desk->header, len) != RSG_OK)
		return tampered(&r->subject, "header");
	/* An activity that was taken away or put there is found without opening it. */
	if ((r->activity == NULL) != (desk->head.activity_version == 0))
		return tampered(&r->subject, "activity");
	return RSG_OK;
}

enum rsg_err
rsg_scan_open_activity(const struct rsg_scan_row *r, struct rsg_scan_desk *desk,
    const uint8_t **text, size_t *len)
{
	const struct rsg_place_of at = { .kind = RSG_SEAL_ACTIVITY,
	    .controller = r->controller, .pk = r->subject,
	    .version = desk->head.activity_version, .generation = KEY_EPOCH };

	*text = NULL;
	*len = 0;
	if (r->activity == NULL)
		return RSG_OK;
	if (r->nactivity > sizeof(desk->activity) ||
	    rsg_seal_open(desk->keys.key[RSG_KEY_ACTIVITY], &at, r->activity,
	    r->nactivity, desk->activity, len) != RSG_OK)
		return tampered(&r->subject, "activity");
	*text = desk->activity;
	return RSG_OK;
}

/* --- Many --- */

/* A row of another controller would not open: its number is in every place. */
static bool
read_columns(const struct rsg_scanrow *from, uint32_t controller,
    struct rsg_scan_row *to)
{
	if (from->len[0] != RSG_ID_LEN || from->len[1] != 8 || from->len[2] != 4)
		return false;
	memcpy(to->subject.b, from->p[0], RSG_ID_LEN);
	to->controller = controller;
	to->version = rsg_get64(from->p[1]);
	to->generation = rsg_get32(from->p[2]);
	to->keyset = from->p[3];
	to->nkeyset = from->len[3];
	to->header = from->p[4];
	to->nheader = from->len[4];
	to->activity = from->p[5];
	to->nactivity = from->len[5];
	return true;
}

static enum rsg_err
read_person(struct reader *r, const struct rsg_scanrow *columns)
{
	const struct rsg_scan_job *job = r->scan->job;
	struct rsg_scan_row row;
	struct rsg_scanned seen;
	enum rsg_err e;

	if (job->raw != NULL)
		return job->raw(job->ctx, r->number, columns);
	if (!read_columns(columns, job->controller, &row))
		return RSG_INTERNAL;
	e = rsg_scan_open_header(job->keys, &row, r->desk);
	if (e != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_OK : e;
	seen = (struct rsg_scanned){ .subject = row.subject, .keys = &r->desk->keys,
	    .head = &r->desk->head };
	if (!job->want(job->ctx, r->number, &seen))
		return RSG_OK;
	e = rsg_scan_open_activity(&row, r->desk, &seen.activity, &seen.len);
	return e == RSG_OK ? job->row(job->ctx, r->number, &seen) : e;
}

static enum rsg_err
read_chunk(struct reader *r, int64_t first, int64_t end)
{
	const struct rsg_scan_job *job = r->scan->job;
	struct rsg_scanrow columns;
	uint64_t people = 0;
	enum rsg_err e;

	e = r->copy != NULL ? rsg_copy_again(r->copy, first, end, job->controller) :
	    rsg_copy_open(job->conninfo, rsg_snapshot_id(job->snapshot),
	    job->raw != NULL ? job->scan : RSG_SCAN_SUBJECTS, first, end,
	    job->controller, &r->copy);
	while (e == RSG_OK && (e = rsg_copy_next(r->copy, &columns)) == RSG_OK) {
		e = read_person(r, &columns);
		/* Seldom enough that the threads do not fight for the line. */
		if ((++people & 1023) == 0) {
			atomic_fetch_add(&figures.people, 1024);
			if (atomic_load(&r->scan->err) != RSG_OK)
				break;
		}
	}
	atomic_fetch_add(&figures.people, people & 1023);
	return e == RSG_NOT_FOUND ? RSG_OK : e;
}

static void *
read_chunks(void *arg)
{
	struct reader *r = arg;
	struct scan *s = r->scan;
	int64_t first, end;
	int none = RSG_OK;
	enum rsg_err e;

	while (atomic_load(&s->err) == RSG_OK) {
		first = atomic_fetch_add(&s->next, s->chunk);
		if (first >= s->blocks)
			break;
		end = first + s->chunk < s->blocks ? first + s->chunk : s->blocks;
		if ((e = read_chunk(r, first, end)) != RSG_OK)
			(void)atomic_compare_exchange_strong(&s->err, &none, (int)e);
		atomic_fetch_add(&figures.blocks, (uint64_t)(end - first));
	}
	rsg_copy_close(r->copy);
	r->copy = NULL;
	return NULL;
}

static enum rsg_err
open_reader(struct reader *r, struct scan *s, unsigned number)
{
	enum rsg_err e;

	r->scan = s;
	r->number = number;
	if ((e = rsg_arena_new(sizeof(*r->desk) + 64, &r->arena)) != RSG_OK)
		return e;
	r->desk = rsg_arena_get(r->arena, sizeof(*r->desk));
	return r->desk != NULL ? RSG_OK : RSG_NO_MEMORY;
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
rsg_scan_run(const struct rsg_scan_job *job)
{
	unsigned n = job->threads == 0 ? RSG_SCAN_THREADS : job->threads, made = 0;
	struct reader reader[RSG_SCAN_THREADS_MAX];
	struct scan s = { .job = job };
	enum rsg_err e = RSG_OK;

	if (n > RSG_SCAN_THREADS_MAX)
		n = RSG_SCAN_THREADS_MAX;
	s.blocks = rsg_snapshot_blocks(job->snapshot);
	s.chunk = chunk_of(s.blocks, n);
	while (n > 1 && (int64_t)(n - 1) * s.chunk >= s.blocks)
		n--;			/* nothing would be left for the last */
	memset(reader, 0, sizeof(reader));
	atomic_fetch_add(&figures.running, 1);
	atomic_fetch_add(&figures.goal, (uint64_t)s.blocks);
	for (unsigned i = 0; i < n && e == RSG_OK; i++)
		e = open_reader(&reader[i], &s, i);
	/* The calling thread is the first reader. */
	for (unsigned i = 1; i < n && e == RSG_OK; i++) {
		if (pthread_create(&reader[i].thread, NULL, read_chunks, &reader[i]) != 0)
			break;
		made = i;
	}
	if (e == RSG_OK)
		(void)read_chunks(&reader[0]);
	for (unsigned i = 1; i <= made; i++)
		(void)pthread_join(reader[i].thread, NULL);
	for (unsigned i = 0; i < n; i++)
		rsg_arena_free(reader[i].arena);
	atomic_fetch_sub(&figures.goal, (uint64_t)s.blocks);
	atomic_fetch_sub(&figures.running, 1);
	return e != RSG_OK ? e : (enum rsg_err)atomic_load(&s.err);
}
