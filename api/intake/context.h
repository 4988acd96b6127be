/*
 * context.h - the headers that say who asks and in what circumstances.
 *
 * One table joins header names with CONTEXT's fields. A header may come once;
 * an empty or ill-formed one is refused by name, its value never repeated.
 */
#ifndef RESGUARDO_API_INTAKE_CONTEXT_H
#define RESGUARDO_API_INTAKE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "intake/at.h"
#include "resguardo/msg.h"

struct rsg_context {
	unsigned seen;			/* a bit per line of the table */
	char request[65];		/* the request id, given or made here */
};

void rsg_context_init(struct rsg_context *);

/*
 * Take one header if it is ours: RSG_OK (also when it is not), RSG_MALFORMED
 * for a second one, RSG_BAD_VALUE, RSG_TOO_LARGE; RSG_UNAUTHENTICATED for an
 * Authorization that is no Bearer.
 */
RSG_MUST enum rsg_err rsg_context_header(struct rsg_context *,
    struct rsg_buf *, const char *name, size_t name_len, const char *value,
    size_t len, struct rsg_at *);

/* After the last header: makes a request id where none was given. */
void rsg_context_end(struct rsg_context *, struct rsg_buf *);

/* Did a header bring this field? */
bool rsg_context_has(const struct rsg_context *, enum rsg_field);

/* The header that carries a field of that name in JSON; else the name. */
const char *rsg_context_name(const char *json);

#endif
