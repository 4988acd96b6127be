/*
 * resume.h - how far an import has come, kept in STATE/import/.
 *
 * Only what was answered by the server is written down. An import that was
 * completed leaves nothing: running it again does everything again, and the
 * server finds each line repeated.
 */
#ifndef CLI_RESUME_H
#define CLI_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/paths.h"
#include "resguardo/err.h"

struct rsg_resume {
	char path[RSG_PATH_MAX];		/* "": not kept (standard input) */
	char rejects[RSG_PATH_MAX];		/* where rejected lines are written */
	char notes[RSG_PATH_MAX];		/* ... and those that came in all the same */
	int64_t size, modified;		/* of the file, to see that it is the same */
	int64_t next_line, offset;	/* the first line not answered yet */
	int64_t read, accepted, repeated, rejected, noted;
	int64_t people, people_repeated, people_rejected;
	int64_t rejects_bytes, notes_bytes;	/* of those files */
};

/*
 * Find what is known of an import: of this file, by at most 7 `words` (what,
 * controller, origin, mapping, attachments). *found when it was begun before and not completed; then
 * the counts are as they were. RSG_IO, with a line.
 */
RSG_MUST enum rsg_err rsg_resume_open(struct rsg_resume *, const char *state,
    const char *file, const char *const *words, size_t n, bool *found);

/* Write it down, durably. RSG_IO, with a line. */
RSG_MUST enum rsg_err rsg_resume_save(const struct rsg_resume *);

/* Done: forget it. */
void rsg_resume_done(const struct rsg_resume *);

#endif
