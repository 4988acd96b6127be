/*
 * at.h - where in a request something is wrong: names joined by dots.
 *
 * Only names that this server knows, array places and names of NAME
 * characters get in, so a path never carries a value a person typed.
 */
#ifndef RESGUARDO_API_INTAKE_AT_H
#define RESGUARDO_API_INTAKE_AT_H

#include <stddef.h>

#define RSG_AT_MAX	129		/* what MEMBER takes, and the NUL */

struct rsg_at {
	char path[RSG_AT_MAX];
	size_t len;
};

void rsg_at_init(struct rsg_at *);

/* Step in; returns the mark to come back to. What does not fit is left out. */
size_t rsg_at_name(struct rsg_at *, const char *name, size_t len);
size_t rsg_at_index(struct rsg_at *, size_t);
void rsg_at_back(struct rsg_at *, size_t mark);

#endif
