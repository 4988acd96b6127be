/*
 * zone.h - which local day an instant belongs to.
 *
 * The starts of all local days from 1970 to 2070, from PostgreSQL's time zone
 * database: one source for the server and for whoever checks it with SQL.
 * Kept as the few days whose start is not 24 hours after the one before.
 */
#ifndef RSG_ZONE_H
#define RSG_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "resguardo/err.h"
#include "store/store.h"

struct rsg_zone;

/*
 * Load a zone by its IANA name, in a transaction of its own. RSG_BAD_VALUE:
 * there is no such zone, or the name is no name ("UTC" and "Area/City" are).
 * RSG_UNAVAILABLE, RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_zone_load(struct rsg_db *, const char *name,
    struct rsg_zone **);
void rsg_zone_free(struct rsg_zone *);

/* The local day; before 1970 and after 2070 as if the clocks never changed. */
int32_t rsg_zone_day(const struct rsg_zone *, int64_t us);

/*
 * The time of the day at an instant, in minutes, and the instant of a time of
 * a day. Clocks change before six in the morning: times before are counted
 * from the day's start, later ones from its end.
 */
int rsg_zone_minute(const struct rsg_zone *, int64_t us);
int64_t rsg_zone_instant(const struct rsg_zone *, int64_t day, int minute);

/* The same, counted from the day's start and from its end: where they differ,
 * the clocks change that day, before or after, and one of them is right. */
void rsg_zone_minutes(const struct rsg_zone *, int64_t us, int *from_start,
    int *from_end);

#endif
