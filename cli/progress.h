/*
 * progress.h - how far a long piece of work has come.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define RSG_PROGRESS_TEXT	160

struct rsg_progress {
	bool terminal;			/* a line that changes, or one every 5 s */
	bool shown;
	const char *what;		/* is counted: "lines" */
	int64_t started, told;		/* monotonic us */
};

/*
 * One line: `n` of `what` done in `us`, `at` of `of` bytes (0 of 0: not known), with
 * a bar when asked for.
 */
void rsg_progress_text(char out[RSG_PROGRESS_TEXT], const char *what, int64_t n,
    int64_t us, int64_t at, int64_t of, bool bar);

/* On standard error, when it is a terminal or it is time. */
void rsg_progress_start(struct rsg_progress *, const char *what);
void rsg_progress_tick(struct rsg_progress *, int64_t n, int64_t at, int64_t of);

/* Take the changing line away. */
void rsg_progress_end(struct rsg_progress *);

#endif
