/*
 * reader.h - one line to import after the other, from CSV or NDJSON.
 *
 * A record is the cells of one line by their column's place. A line that
 * cannot be read is reported by its number and skipped; the next one is read
 * as if it had not been there. Nothing is guessed: a quote that is never
 * closed costs the line it stands on and no more.
 */
#ifndef CLI_READER_H
#define CLI_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/source.h"
#include "resguardo/err.h"

#define RSG_RECORD_CELLS	256
#define RSG_RECORD_MAX		65536	/* most bytes of a line */

enum rsg_format { RSG_FORMAT_CSV, RSG_FORMAT_NDJSON };

struct rsg_record {
	int64_t line;			/* where it begins, from 1 */
	int64_t offset;			/* bytes before it */
	size_t n;
	const char *cell[RSG_RECORD_CELLS];	/* NUL-terminated; until the next read */
	size_t len[RSG_RECORD_CELLS];
	const char *why;		/* of a line that cannot be read */
};

struct rsg_reader;

/*
 * Read `source` (borrowed). In CSV the first line names the columns, unless
 * `names` says them; in NDJSON `names` are the members looked for.
 * RSG_MALFORMED, with a line, when there is no usable first line; RSG_IO.
 */
RSG_MUST enum rsg_err rsg_reader_open(struct rsg_source *source,
    enum rsg_format, char delimiter, const char *const *names, size_t nnames,
    struct rsg_reader **);
void rsg_reader_close(struct rsg_reader *);

/* The column's place, or -1. */
int rsg_reader_column(const struct rsg_reader *, const char *name);

/*
 * The next record. RSG_OK; RSG_BAD_VALUE: this line cannot be read, `why`
 * names the reason and reading may go on; RSG_NOT_FOUND at the end; RSG_IO.
 * Blank lines are passed over.
 */
RSG_MUST enum rsg_err rsg_reader_next(struct rsg_reader *, struct rsg_record *);

/* Bytes read of the (decompressed) input. */
int64_t rsg_reader_offset(const struct rsg_reader *);

#endif
