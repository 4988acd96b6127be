/*
 * folder.h - the files that lines name: scanned forms, recordings.
 *
 * A name is a path beneath one folder, opened step by step from it: it cannot
 * begin at the root, go up, or pass through a link, whatever is put in its way
 * meanwhile.
 */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

#define RSG_FOLDER_FILE_MAX	(720u * 1024)	/* as the server takes them */

struct rsg_folder;

/* RSG_IO, with a line; RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_folder_open(const char *path, struct rsg_folder **);
void rsg_folder_close(struct rsg_folder *);

/*
 * Read a whole file. *p is the folder's, until the next read. RSG_BAD_VALUE:
 * *why says why not: "no-such-file", "file-out-of-place" (a path that leads
 * out, a link, what is no file), "file-unreadable", "empty-file", "too-large".
 */
RSG_MUST enum rsg_err rsg_folder_read(struct rsg_folder *, const char *name, size_t len,
    const uint8_t **p, size_t *n, const char **why);

/* What a file is by the end of its name: "application/pdf"; NULL: not known. */
const char *rsg_folder_media(const char *name, size_t len);

#endif
