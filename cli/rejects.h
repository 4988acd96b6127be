/*
 * rejects.h - the file of lines that stayed out, and how many for what reason.
 *
 * CSV: line,reason,member. Never a value of the line.
 */
#ifndef CLI_REJECTS_H
#define CLI_REJECTS_H

#include <stdio.h>

#include "cli/translate.h"

#define RSG_REJECTS_REASONS	32

struct rsg_rejects {
	FILE *file;
	int64_t bytes;
	struct { char reason[64], member[128]; int64_t n; } tally[RSG_REJECTS_REASONS];
	size_t ntally;
	int64_t others;			/* for reasons past the table's end */
};

/*
 * Open for writing. What stands after `keep` bytes is cut off: it belongs to
 * lines that are done again. RSG_IO, with a line.
 */
RSG_MUST enum rsg_err rsg_rejects_open(struct rsg_rejects *, const char *path,
    int64_t keep);

/* Write `n` of them, by line. */
RSG_MUST enum rsg_err rsg_rejects_put(struct rsg_rejects *, struct rsg_reject *,
    size_t n);

/* Make durable what was written. */
RSG_MUST enum rsg_err rsg_rejects_sync(struct rsg_rejects *);

/* The tally, most frequent first, on standard output. */
void rsg_rejects_tell(struct rsg_rejects *);
void rsg_rejects_close(struct rsg_rejects *);

#endif
