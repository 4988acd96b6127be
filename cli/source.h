/*
 * source.h - bytes to import: a file, standard input, FILE.gz, or memory.
 *
 * Compressed files go through gzip. Where in the file on disk reading has
 * come to is known for all but standard input, so progress can be told.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

struct rsg_source;

/* "-" is standard input. RSG_IO, with a line; RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_source_open(const char *path, struct rsg_source **);

/* Borrowed bytes, for tests. */
RSG_MUST enum rsg_err rsg_source_memory(const void *, size_t, struct rsg_source **);

/*
 * At least one byte into `p`, or *n == 0 at the end. RSG_IO, with a line: also
 * when gzip found the file damaged.
 */
RSG_MUST enum rsg_err rsg_source_read(struct rsg_source *, void *p, size_t max,
    size_t *n);

/* How far into the file on disk, of how many bytes; 0 of 0: not known. */
void rsg_source_place(const struct rsg_source *, int64_t *at, int64_t *of);

void rsg_source_close(struct rsg_source *);

#endif
