/*
 * log.h - one JSON object a line on standard error.
 *
 * A line has an event name and typed pairs. Values are ids, counts, codes,
 * paths and texts of our own: never a personal value, never a secret.
 * The list ends with NULL:
 *
 *	rsg_log(RSG_LOG_WARN, "db.lost", "sqlstate", RSG_LOG_S, state,
 *	    "waiting", RSG_LOG_I, (int64_t)n, NULL);
 */
#ifndef RESGUARDO_LOG_H
#define RESGUARDO_LOG_H

#include <stdint.h>

enum rsg_log_level { RSG_LOG_DEBUG, RSG_LOG_INFO, RSG_LOG_WARN, RSG_LOG_ERROR };
enum rsg_log_type { RSG_LOG_S = 1, RSG_LOG_I, RSG_LOG_ID };	/* text, int64_t, struct rsg_id * */

/* The process's name in each line, and the least level written. */
void rsg_log_init(const char *process, enum rsg_log_level);
void rsg_log(enum rsg_log_level, const char *event, ...);

#endif
