/*
 * metrics.h - counters of the vault process, in Prometheus's text format.
 */
#ifndef RSG_METRICS_H
#define RSG_METRICS_H

#include "work/call.h"

void rsg_metrics_batch(size_t calls);			/* a transaction began */
void rsg_metrics_call(const struct rsg_call *);	/* a call was answered */
void rsg_metrics_audit(size_t entries);
/* As last counted. */
void rsg_metrics_overdue(int64_t promises, int64_t questions);
void rsg_metrics_text(struct rsg_buf *, size_t waiting);

#endif
