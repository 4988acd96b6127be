/*
 * lines.h - a body of many: one JSON object a line (NDJSON).
 *
 * A bad line harms only itself: it is noted with its number, and the good
 * ones go on. What was noted is merged later into the reply's own list.
 */
#ifndef RESGUARDO_API_INTAKE_LINES_H
#define RESGUARDO_API_INTAKE_LINES_H

#include <stddef.h>

#include "resguardo/msg.h"

#define RSG_LINES_MAX	4096		/* lines of one body, blank ones too */

/*
 * Append each good line to `b` as a group of `item` with LINE set, each bad
 * one to `rejected` as a REJECTED group. RSG_OK; RSG_TOO_LARGE for too many
 * lines; RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_lines_read(struct rsg_buf *b, enum rsg_field item,
    const void *, size_t, struct rsg_buf *rejected);

/*
 * A reply's fields again into `out`, its REJECTED groups and ours in the
 * order of their lines.
 */
RSG_MUST enum rsg_err rsg_lines_merge(struct rsg_fields reply,
    struct rsg_fields rejected, struct rsg_buf *out);

#endif
