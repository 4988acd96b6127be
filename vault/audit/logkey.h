/*
 * logkey.h - the log's signing key: a file apart from the root key.
 */
#ifndef RSG_LOGKEY_H
#define RSG_LOGKEY_H

#include "audit/note.h"

#define RSG_LOGKEY_FILE	"log.key"

/*
 * Make DIR/log.key (mode 0600, never overwritten) for a log named `origin`;
 * NULL: "resguardo.local/" and sixteen random digits. RSG_BAD_VALUE for a
 * name that no log can have; RSG_IO (logged), also when the file is there.
 */
RSG_MUST enum rsg_err rsg_logkey_create(const char *dir, const char *origin);

/* Read it. RSG_NOT_FOUND; RSG_CONFIG (logged) when it is unusable, or
 * readable by others. The seed is the caller's to wipe. */
RSG_MUST enum rsg_err rsg_logkey_read(const char *dir, struct rsg_skey *);

#endif
