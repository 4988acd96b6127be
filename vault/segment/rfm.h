/*
 * rfm.h - recency, frequency and monetary scores that ties cannot split.
 *
 * score = 1 + floor(B x worse / N), worse = people strictly worse on that
 * measure, N = people scored, B = bins. Integers only; equal people get equal
 * scores; order and ids do not matter. It equals 1 + the number of stored
 * cuts that a value exceeds, so B-1 numbers per measure score anybody by the
 * same criteria. docs/adr has the reasons.
 */
#ifndef RSG_RFM_H
#define RSG_RFM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"
#include "resguardo/id.h"

#define RSG_RFM_BINS_MIN	2
#define RSG_RFM_BINS_MAX	10

enum rsg_returns { RSG_RETURNS_GROSS, RSG_RETURNS_NET, RSG_RETURNS_NET_DEDUP };

struct rsg_rfm_window {
	int32_t as_of;		/* day; later ones are ignored */
	int32_t days;		/* 0: no limit; else (as_of - days, as_of] */
	enum rsg_returns returns;
};

/* One person's measures. Recency in days: less is better. */
struct rsg_rfm {
	int32_t recency;
	uint32_t frequency;
	int64_t monetary;
};

/*
 * Read a sealed activity's text straight into measures, without building
 * anything: this is what a scan calls a million times. False: no purchase in
 * the window (the person is not scored). *err RSG_TAMPERED when malformed.
 */
bool rsg_rfm_measure(const uint8_t *activity, size_t len,
    const struct rsg_rfm_window *, struct rsg_rfm *, enum rsg_err *err);

struct rsg_rfm_cuts {
	uint32_t bins;
	int64_t r[RSG_RFM_BINS_MAX - 1];	/* on -recency, so that more is better */
	int64_t f[RSG_RFM_BINS_MAX - 1];
	int64_t m[RSG_RFM_BINS_MAX - 1];
};

/*
 * Cuts of `n` people (1..2^31). Reorders nothing; needs 8n bytes for a while,
 * in memory left out of core dumps and wiped. RSG_EMPTY_POPULATION, RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_rfm_fit(const struct rsg_rfm *, size_t n, uint32_t bins,
    struct rsg_rfm_cuts *);

/* 1..bins each. */
struct rsg_score { uint8_t r, f, m; };
struct rsg_score rsg_rfm_score(const struct rsg_rfm_cuts *, const struct rsg_rfm *);

#endif
