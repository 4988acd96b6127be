/*
 * setup.c - what is done once, before the server runs: keys, tables.
 */
#include <stdio.h>

#include "audit/logkey.h"
#include "cli/command.h"
#include "cli/paths.h"
#include "seal/seal.h"
#include "store/store.h"

static bool
log_key(const struct rsg_args *a, const char *dir, const char *path)
{
	enum rsg_err e = rsg_logkey_create(dir, rsg_args_get(a, "origin", NULL));

	if (e == RSG_OK)
		printf("keys: %s made. 'resguardo audit key' prints what auditors need\n",
		    path);
	else
		rsg_tell_error(e == RSG_BAD_VALUE ? "a log's name is a URL without "
		    "https://, without blanks and without '+'" : "no log key was made");
	return e == RSG_OK;
}

enum rsg_exit
rsg_setup_keys(const struct rsg_args *a)
{
	char dir[RSG_PATH_MAX], path[RSG_PATH_MAX], log[RSG_PATH_MAX];

	if (!rsg_paths_state(dir, RSG_STATE_OF(a), "keys") ||
	    !rsg_paths_state(path, RSG_STATE_OF(a), "keys/root.key") ||
	    !rsg_paths_state(log, RSG_STATE_OF(a), "keys/" RSG_LOGKEY_FILE) ||
	    !rsg_paths_folder(RSG_STATE_OF(a)) || !rsg_paths_folder(dir))
		return RSG_EXIT_FAILED;
	if (rsg_paths_exists(path)) {
		/* A vault from before it had a log gets the key that it lacks. */
		if (!rsg_paths_exists(log))
			return log_key(a, dir, log) ? RSG_EXIT_OK : RSG_EXIT_FAILED;
		rsg_tell_error("%s exists; a root key is never overwritten: what it "
		    "sealed would be lost", path);
		return RSG_EXIT_FAILED;
	}
	if (rsg_keyring_create(path) != RSG_OK) {
		rsg_tell_error("no root key was made");
		return RSG_EXIT_FAILED;
	}
	printf("keys: %s made. Keep a copy apart from the database's backups: "
	    "without it nothing sealed can be read\n", path);
	if (!rsg_paths_exists(log) && !log_key(a, dir, log))
		return RSG_EXIT_FAILED;
	return RSG_EXIT_OK;
}

enum rsg_exit
rsg_setup_migrate(const struct rsg_args *a)
{
	char conninfo[1024], dir[RSG_PATH_MAX];
	enum rsg_err e;

	if (!rsg_paths_share(dir, "migrations") ||
	    !rsg_paths_database(conninfo, rsg_args_get(a, "database-owner", NULL),
	    RSG_STATE_OF(a), "resguardo_owner"))
		return RSG_EXIT_FAILED;
	e = rsg_migrate(conninfo, rsg_args_get(a, "migrations", dir));
	if (e == RSG_OK)
		return RSG_EXIT_OK;
	rsg_tell_error("the migrations were not applied; the line before says why");
	return RSG_EXIT_FAILED;
}
