/*
 * activity.h - a person's history by day, kept at each write.
 *
 * Day-granular, so that any window is exact; a few bytes a day. A day is one
 * of the controller's time zone, counted from 1970-01-01. Amounts are in
 * minor units of the controller's currency. docs/FORMAT.md, "Activity".
 */
#ifndef RSG_ACTIVITY_H
#define RSG_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"

#define RSG_ACTIVITY_MAX	12288	/* bytes, encoded; older days are merged by month beyond */

/* What happened on one day. */
struct rsg_day {
	int32_t day;
	uint32_t documents;	/* distinct purchase documents first seen for this day */
	int64_t gross;		/* purchases */
	int64_t returned;	/* returns, as a positive sum */
	int64_t repeated;	/* of gross less returned: exact duplicate lines */
	int64_t cost;		/* of the goods, less those that came back */
	uint32_t contacts;	/* events that are neither purchase nor return */
	int64_t given;		/* cost of benefits and points, less what was taken back */
};

/* One bounded counter: how often a kind, category, store or channel occurred. */
enum rsg_counter { RSG_COUNT_KIND = 1, RSG_COUNT_CATEGORY = 2,
	RSG_COUNT_STORE = 3, RSG_COUNT_CHANNEL = 4,
	RSG_COUNT_SENT = 5 };	/* messages of a day, `what`; see rsg_activity_sent() */
struct rsg_count {
	uint8_t of;		/* enum rsg_counter */
	uint32_t what;		/* kind number, or 32 bits of a keyed digest of the name */
	uint32_t n;
	int32_t last;		/* day */
};
#define RSG_ACTIVITY_COUNTERS	48	/* the least recently seen makes room */

struct rsg_activity;

struct rsg_activity *rsg_activity_new(void);	/* empty; NULL without memory */
void rsg_activity_free(struct rsg_activity *);	/* wipes */
void rsg_activity_clear(struct rsg_activity *);

/* Replace the contents by a decoded one. RSG_TAMPERED when it is malformed. */
RSG_MUST enum rsg_err rsg_activity_get(struct rsg_activity *, const uint8_t *, size_t);

/*
 * Append the encoding, of RSG_ACTIVITY_MAX bytes at most: where there is no
 * room the oldest days merge by calendar month (then year) into the last day
 * of it that had a purchase. Windows that cut a merged month are then off by
 * at most that month; recency and windows that do not cut it stay exact.
 */
RSG_MUST enum rsg_err rsg_activity_put(struct rsg_activity *, struct rsg_buf *);

/*
 * Add to its day (any order). Sums saturate instead of overflowing.
 * RSG_BAD_VALUE for a day outside clock.h's years, RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_activity_add(struct rsg_activity *, const struct rsg_day *);
void rsg_activity_count(struct rsg_activity *, uint8_t of, uint32_t what, int32_t day);
/* A message went out on that day: each of the last RSG_SENT_DAYS is counted by
 * itself, older ones make room. */
#define RSG_SENT_DAYS	31
void rsg_activity_sent(struct rsg_activity *, int32_t day);
size_t rsg_activity_days(const struct rsg_activity *);
/* Ascending by day; NULL past the end, as below. */
const struct rsg_day *rsg_activity_day(const struct rsg_activity *, size_t);
size_t rsg_activity_counters(const struct rsg_activity *);
const struct rsg_count *rsg_activity_counter(const struct rsg_activity *, size_t);

#endif
