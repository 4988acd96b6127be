/*
 * paths.h - where things stand: in the state directory, beside the program.
 *
 *	keys/root.key  tls/{ca,server}.{pem,key}  run/admin.sock  postgres/
 *	import/        DEMO (made with demo credentials)  demo.json
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RSG_PATH_MAX	4096

/* "STATE/rel". False, with a line, when it does not fit. */
bool rsg_paths_state(char out[RSG_PATH_MAX], const char *state, const char *rel);

/* "NAME" in the folder of this very program (/proc/self/exe). */
bool rsg_paths_beside(char out[RSG_PATH_MAX], const char *name);

/*
 * A folder that comes with the program (migrations, policies): in the
 * source tree above a build folder, in PREFIX/share/resguardo, or here.
 */
bool rsg_paths_share(char out[RSG_PATH_MAX], const char *name);

/* Make a folder of ours, mode 0700, unless it is there. Its parent must be. */
bool rsg_paths_folder(const char *path);

bool rsg_paths_exists(const char *path);

/*
 * Write a file whole: under another name, synced, then renamed, so that a
 * reader finds the old one or the new one. False, with a line, on failure.
 */
bool rsg_paths_write(const char *path, mode_t mode, const void *, size_t);

/*
 * The connection string for a role: what the operator gave, or the private
 * cluster's socket in STATE/run. Refused, with a line, when it holds a
 * password: those belong in a password file.
 */
bool rsg_paths_database(char out[1024], const char *given, const char *state,
    const char *role);

#endif
