/*
 * ordinal.h - how often something was met before, by a digest of 16 bytes.
 *
 * 24 bytes a thing and room for as many again: a file of ten million lines
 * takes some 500 MB at most.
 */
#ifndef CLI_ORDINAL_H
#define CLI_ORDINAL_H

#include <stdint.h>

#include "resguardo/err.h"

struct rsg_ordinal;

RSG_MUST enum rsg_err rsg_ordinal_new(struct rsg_ordinal **);
void rsg_ordinal_free(struct rsg_ordinal *);

/* *before: how often this digest came before; it is counted. RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_ordinal_count(struct rsg_ordinal *,
    const uint8_t digest[16], int64_t *before);

#endif
