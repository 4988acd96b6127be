/*
 * health.h - may the server go on answering, or is its log too far behind?
 *
 * The integrator says how it fares; workers ask before each batch. What is
 * looked at is also how long the integrator has said nothing, so that a
 * thread which hangs closes the server as one which fails does.
 */
#ifndef RSG_HEALTH_H
#define RSG_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rsg_health_bound {
#define BOUND(name, variable, value, clause, what) RSG_HEALTH_##name,
#include "audit/health.def"
#undef BOUND
	RSG_HEALTH__MAX
};

/* Begin to watch, with the bounds of the environment or the table. Before
 * that nothing is closed: there is no integrator to wait for. */
void rsg_health_watch(int64_t mono);

int64_t rsg_health_limit(enum rsg_health_bound);

/* A round went well: the log's size, entries that wait, age of the oldest. */
void rsg_health_report(int64_t mono, uint64_t size, int64_t waiting, int64_t age_us);
void rsg_health_signed(int64_t mono, uint64_t size);	/* a checkpoint covers it all */

/* The log may not go on, for the reason of this clause; NULL takes it back.
 * A constant of ours: it is kept. */
void rsg_health_refuse(const char *clause);

/* The clause that closes the server, or NULL. With `half` of each bound: the
 * warning that comes first. */
const char *rsg_health_closed(int64_t mono, bool half);

struct rsg_health {
	uint64_t size, signed_size;
	int64_t waiting, age_us, silent_us, unsigned_us;
};
void rsg_health_get(int64_t mono, struct rsg_health *);

#endif
