/*
 * events.h - many events of many people in one transaction: what tills report
 * one by one, what tools send in bulk, and imports.
 *
 * An event that is there already is counted as repeated and changes nothing.
 * Each person's activity is brought up to date in the same transaction.
 */
#ifndef RSG_EVENTS_H
#define RSG_EVENTS_H

#include "work/call.h"

void rsg_events_serve(struct rsg_worker *, struct rsg_call **, size_t n);

#endif
