#include "segment/scan.h"

#include <string.h>

#include "resguardo/log.h"
#include "resguardo/secret.h"
#include "segment/activity.h"

#define KEY_EPOCH	1	/* of a person's key set; new when it is replaced */

_Static_assert(sizeof(((struct rsg_scan_desk *)0)->activity) >=
    RSG_ACTIVITY_MAX + RSG_ACTIVITY_MAX / 4, "a padded activity fits");

/* One thread's buffers, and its connection for all its ranges. */
struct reader {
	struct rsg_arena *arena;
	struct rsg_scan_desk *desk;
	struct rsg_copy *copy;
};

struct scan {
	const struct rsg_scan_job *job;
	struct reader reader[RSG_SCAN_THREADS_MAX];
};

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
read_person(const struct rsg_scan_job *job, struct reader *r, unsigned thread,
    const struct rsg_scanrow *columns)
{
	struct rsg_scan_row row;
	struct rsg_scanned seen;
	enum rsg_err e;

	if (!read_columns(columns, job->controller, &row))
		return RSG_INTERNAL;
	e = rsg_scan_open_header(job->keys, &row, r->desk);
	if (e != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_OK : e;
	seen = (struct rsg_scanned){ .subject = row.subject, .keys = &r->desk->keys,
	    .head = &r->desk->head };
	if (!job->want(job->ctx, thread, &seen))
		return RSG_OK;
	e = rsg_scan_open_activity(&row, r->desk, &seen.activity, &seen.len);
	return e == RSG_OK ? job->row(job->ctx, thread, &seen) : e;
}

static enum rsg_err
read_range(void *ctx, struct rsg_ranges *ranges, unsigned thread, int64_t first,
    int64_t end)
{
	struct scan *s = ctx;
	const struct rsg_scan_job *job = s->job;
	struct reader *r = &s->reader[thread];
	struct rsg_scanrow columns;
	uint64_t people = 0;
	enum rsg_err e;

	e = r->copy != NULL ? rsg_copy_again(r->copy, first, end, job->controller) :
	    rsg_copy_open(job->conninfo, rsg_snapshot_id(job->snapshot),
	    RSG_SCAN_SUBJECTS, first, end, job->controller, &r->copy);
	while (e == RSG_OK && (e = rsg_copy_next(r->copy, &columns)) == RSG_OK) {
		e = read_person(job, r, thread, &columns);
		/* Seldom enough that the threads do not fight for the line. */
		if ((++people & 1023) == 0 && !rsg_ranges_went(ranges, 1024))
			break;
	}
	(void)rsg_ranges_went(ranges, people & 1023);
	return e == RSG_NOT_FOUND ? RSG_OK : e;
}

enum rsg_err
rsg_scan_run(const struct rsg_scan_job *job)
{
	unsigned n = job->threads == 0 ? RSG_SCAN_THREADS : job->threads;
	struct scan s = { .job = job };
	const struct rsg_ranges_job ranges = { .take = read_range, .ctx = &s,
	    .blocks = rsg_snapshot_blocks(job->snapshot), .threads = n };
	enum rsg_err e = RSG_OK;

	for (unsigned i = 0; i < n && i < RSG_SCAN_THREADS_MAX && e == RSG_OK; i++) {
		e = rsg_arena_new(sizeof(*s.reader[i].desk) + 64, &s.reader[i].arena);
		if (e == RSG_OK && (s.reader[i].desk = rsg_arena_get(s.reader[i].arena,
		    sizeof(*s.reader[i].desk))) == NULL)
			e = RSG_NO_MEMORY;
	}
	if (e == RSG_OK)
		e = rsg_ranges_run(&ranges);
	for (unsigned i = 0; i < RSG_SCAN_THREADS_MAX; i++) {
		rsg_copy_close(s.reader[i].copy);
		rsg_arena_free(s.reader[i].arena);
	}
	return e;
}
