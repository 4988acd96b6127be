/*
 * metrics.h - counters of the api process, in the text form Prometheus reads.
 *
 * Labels are route templates, methods and statuses: nothing a client typed.
 * One thread counts and prints, so there is nothing to lock.
 */
#ifndef RESGUARDO_API_HTTP_METRICS_H
#define RESGUARDO_API_HTTP_METRICS_H

#include <stdint.h>

#include "http/router.h"
#include "resguardo/buf.h"

struct rsg_gauges {
	int64_t connections, waiting, bodies;
};

/* A request has ended; `route` NULL where none was found. */
void rsg_metrics_request(const struct rsg_route *, int status, int64_t us,
    size_t in, size_t out);

/* A connection came; a connection was closed for being too slow. */
void rsg_metrics_connection(void);
void rsg_metrics_slow(void);

/* The vault process answered `calls` calls in one read. */
void rsg_metrics_batch(size_t calls);

void rsg_metrics_text(struct rsg_buf *, const struct rsg_gauges *);

#endif
