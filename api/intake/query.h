/*
 * query.h - path captures and query parameters into fields of a message.
 *
 * Values are percent-decoded once; '+' stands for itself. Each parameter may
 * come once, lists are separated by commas, and one that the shape does not
 * take from QUERY is refused.
 */
#ifndef RESGUARDO_API_INTAKE_QUERY_H
#define RESGUARDO_API_INTAKE_QUERY_H

#include <stddef.h>

#include "intake/at.h"
#include "resguardo/msg.h"

/* A parameter as it came, both sides encoded; borrowed. */
struct rsg_param {
	const char *name, *value;
	size_t name_len, len;
};

/* The next parameter of a query: start with *pos = 0; false at the end. */
bool rsg_query_next(const char *query, size_t len, size_t *pos,
    struct rsg_param *);

/*
 * All parameters but `reserved` (one that is no field, or NULL), which is
 * left to the caller. RSG_OK, RSG_MALFORMED, RSG_UNKNOWN_MEMBER,
 * RSG_MISSING_MEMBER, RSG_BAD_VALUE, RSG_TOO_LARGE.
 */
RSG_MUST enum rsg_err rsg_query_fields(struct rsg_buf *, enum rsg_shape,
    const char *query, size_t len, const char *reserved, struct rsg_at *);

/* One capture into the shape's PATH member of that name. */
RSG_MUST enum rsg_err rsg_query_path(struct rsg_buf *, enum rsg_shape,
    const struct rsg_param *, struct rsg_at *);

#endif
