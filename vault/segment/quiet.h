/*
 * quiet.h - hours of the day in which nobody is to be disturbed.
 *
 * On a day whose clocks change it is not known on which side of the change a
 * moment stands: it is quiet if it is so on either. Nobody is written to in their quiet hours, at most an hour later.
 */
#ifndef RSG_QUIET_H
#define RSG_QUIET_H

#include "segment/zone.h"

/* Is it between `from` and `to`, minutes of the day? Across midnight where
 * `from` is the later one; never where they are the same. */
bool rsg_quiet(const struct rsg_zone *, int64_t us, unsigned from, unsigned to);

/* The first moment from then on that is not. */
int64_t rsg_quiet_end(const struct rsg_zone *, int64_t us, unsigned from, unsigned to);

#endif
