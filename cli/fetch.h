/*
 * fetch.h - a log that stands at an address, copied into a folder.
 *
 * By the program curl, which comes with every Debian and knows proxies,
 * certificates and retries; nothing of it is linked (docs/adr/0008).
 */
#ifndef CLI_FETCH_H
#define CLI_FETCH_H

#include <stdbool.h>

#include "audit/note.h"
#include "cli/paths.h"

bool rsg_fetch_is_url(const char *);

/* A folder of our own to fetch into; rsg_fetch_remove() takes it away again.
 * False, with a line. */
bool rsg_fetch_folder(char out[RSG_PATH_MAX]);
void rsg_fetch_remove(const char *folder);

/*
 * Copy the log of this key, from URL or, where that is closed, from below it:
 * into `folder`, or its closed/KEYID. `ca` is a file of certificates or NULL.
 * What is not there stays missing: verifying names it. False, with a line,
 * where not even a checkpoint is to be had.
 */
bool rsg_fetch_log(const char *url, const char *ca, const struct rsg_vkey *,
    const char *folder);

#endif
