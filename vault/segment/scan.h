/*
 * scan.h - every person of a controller, unsealed one after the other.
 *
 * Several threads, each with a connection of its own under one exported
 * snapshot, take ranges of the table from a shared counter. Nothing is built
 * or kept: a person's text stands in one buffer of the thread, locked, left
 * out of dumps, overwritten by the next and wiped at the end.
 */
#ifndef RSG_SCAN_H
#define RSG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"
#include "resguardo/id.h"
#include "seal/seal.h"
#include "segment/ranges.h"
#include "store/store.h"
#include "subject/header.h"

/* A person as a scan sees them; everything is borrowed for the call. */
struct rsg_scanned {
	struct rsg_id subject;
	const struct rsg_keyset *keys;
	const struct rsg_headscan *head;
	const uint8_t *activity;	/* NULL: none, or not asked for yet */
	size_t len;
};

/*
 * `want` sees a person's header and says whether their activity is to be
 * opened at all; then `row` sees both. Called by several threads at once,
 * each with its number (0 .. threads - 1); an error ends the whole scan.
 */
struct rsg_scan_job {
	bool (*want)(void *ctx, unsigned thread, const struct rsg_scanned *);
	enum rsg_err (*row)(void *ctx, unsigned thread, const struct rsg_scanned *);
	void *ctx;
	const char *conninfo;
	const struct rsg_keyring *keys;
	uint32_t controller;
	unsigned threads;		/* 0: RSG_SCAN_THREADS */
	const struct rsg_snapshot *snapshot;
};

/*
 * RSG_TAMPERED when anybody's row does not verify (logged, by id alone);
 * RSG_UNAVAILABLE, RSG_NO_MEMORY; or what `row` returned. People whose keys
 * were destroyed are passed over.
 */
RSG_MUST enum rsg_err rsg_scan_run(const struct rsg_scan_job *);

/*
 * Open one person's row as a scan does: columns of RSG_SCAN_SUBJECTS, buffers
 * of the caller's. RSG_NOT_FOUND when the person's keys were destroyed.
 */
struct rsg_scan_desk {
	struct rsg_keyset keys;
	struct rsg_headscan head;
	uint8_t header[RSG_HEADER_MAX + RSG_HEADER_MAX / 4];
	uint8_t activity[16384];	/* RSG_ACTIVITY_MAX, padded */
};
struct rsg_scan_row {
	struct rsg_id subject;
	uint32_t controller;
	uint64_t version;
	uint32_t generation;
	const uint8_t *keyset, *header, *activity;	/* activity NULL: none */
	size_t nkeyset, nheader, nactivity;
};
RSG_MUST enum rsg_err rsg_scan_open_header(const struct rsg_keyring *,
    const struct rsg_scan_row *, struct rsg_scan_desk *);
/* After it: *text is within the desk. */
RSG_MUST enum rsg_err rsg_scan_open_activity(const struct rsg_scan_row *,
    struct rsg_scan_desk *, const uint8_t **text, size_t *len);

#endif
