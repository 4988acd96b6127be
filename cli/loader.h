/*
 * loader.h - sends chunks of people and events (or consents, or benefits),
 * several at a time.
 *
 * A chunk's events wait until the people of all chunks up to it are there.
 * Chunks are retired in the order they came in, so what was retired is a
 * prefix of the input: that is what makes going on after an interruption
 * possible. Sending a chunk twice is harmless: the server knows each line.
 */
#ifndef CLI_LOADER_H
#define CLI_LOADER_H

#include <stdbool.h>

#include "cli/admin.h"
#include "cli/translate.h"

#define RSG_CHUNK_LINES	2000
#define RSG_CHUNK_BYTES	(1000u * 1024)	/* stop adding beyond */

struct rsg_tally {
	int64_t accepted, repeated, rejected;
};

struct rsg_lines {
	struct rsg_reject *line;
	size_t n, room;
};

struct rsg_chunk {
	struct rsg_buf people, events;	/* append CUSTOMERS and EVENTS groups */
	size_t npeople, nevents;
	struct rsg_lines rejects;	/* stayed out, by the caller and the server */
	struct rsg_lines notes;		/* came in, and somebody should look */
	int64_t read;			/* lines that it stands for */
	int64_t next_line, next_offset;	/* what follows it in the input */
	struct rsg_tally people_tally, events_tally;	/* the server's */

	/* the loader's */
	size_t people_begun, events_begun;
	uint64_t serial;
	int state;
	unsigned tries;
};

struct rsg_loader_options {
	const char *controller, *basis;
	const char *field;		/* that identifies people */
	const char *notice;		/* may be NULL */
	const char *origin;		/* of lines that are no events */
	enum rsg_op op;			/* that takes them: IMPORT_EVENTS ... */
	unsigned window;		/* chunks at a time */
	/* One chunk after the other, the next one read meanwhile: what a person's
	 * later line says comes after what an earlier one did. */
	bool ordered;
	void (*retire)(void *ctx, struct rsg_chunk *);
	void *ctx;
};

struct rsg_loader;

RSG_MUST enum rsg_err rsg_loader_new(struct rsg_admin *,
    const struct rsg_loader_options *, struct rsg_loader **);
void rsg_loader_free(struct rsg_loader *);

/*
 * A chunk to fill, empty; waits for replies while all are on their way.
 * Errors are told: the server's refusal of a whole chunk, or its absence.
 */
RSG_MUST enum rsg_err rsg_loader_chunk(struct rsg_loader *, struct rsg_chunk **);

/* Send the chunk that rsg_loader_chunk() gave last. */
RSG_MUST enum rsg_err rsg_loader_submit(struct rsg_loader *);

/* Wait until everything is answered and retired. */
RSG_MUST enum rsg_err rsg_loader_finish(struct rsg_loader *);

/* Add a line to a list of a chunk. RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_loader_line(struct rsg_lines *, const struct rsg_reject *);

#endif
