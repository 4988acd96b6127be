/*
 * audit.c - `resguardo audit`: what an auditor does with the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/check.h"
#include "audit/logkey.h"
#include "audit/verify.h"
#include "cli/audit.h"
#include "cli/command.h"
#include "cli/paths.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"
#include "seal/seal.h"

enum rsg_exit
rsg_audit_key(const struct rsg_args *a)
{
	char dir[RSG_PATH_MAX];
	struct rsg_skey key;
	struct rsg_buf text;
	enum rsg_err e;

	if (!rsg_paths_state(dir, RSG_STATE_OF(a), "keys"))
		return RSG_EXIT_FAILED;
	if ((e = rsg_logkey_read(dir, &key)) != RSG_OK) {
		rsg_tell_error(e == RSG_NOT_FOUND ? "there is no log key in %s: resguardo "
		    "keys init makes it" : "the log key in %s cannot be used", dir);
		return RSG_EXIT_FAILED;
	}
	rsg_buf_init(&text, RSG_VKEY_MAX);
	rsg_note_vkey_text(&key.public, &text);
	rsg_secret_wipe(&key, sizeof(key));
	printf("%.*s\n", (int)text.len, (char *)text.p);
	rsg_buf_free(&text);
	return RSG_EXIT_OK;
}

static void
say(void *ctx, bool wrong, const char *text)
{
	const bool *quiet = ctx;

	if (wrong)
		printf("WRONG %s\n", text);
	else if (!*quiet)
		fprintf(stderr, "\r%s\033[K", text);
}

/* What was remembered the last time; none the first time. */
static bool
remembered(const char *path, const struct rsg_vkey *key,
    struct rsg_checkpoint *c, bool *any)
{
	static char text[RSG_NOTE_MAX];
	size_t n;
	FILE *f;

	*any = false;
	if (path == NULL || !rsg_paths_exists(path))
		return true;
	if ((f = fopen(path, "re")) == NULL) {
		rsg_tell_errno("cannot read %s", path);
		return false;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	*any = rsg_checkpoint_open(text, n, key, c) == RSG_OK;
	if (!*any)
		rsg_tell_error("%s holds no checkpoint signed by this key", path);
	return *any;
}

bool
rsg_audit_key_of(const char *given, struct rsg_vkey *key)
{
	char text[RSG_VKEY_MAX + 2];
	size_t n;
	FILE *f;

	if (rsg_note_vkey(given, strlen(given), key) == RSG_OK)
		return true;
	if ((f = fopen(given, "re")) != NULL) {
		n = fread(text, 1, sizeof(text), f);
		fclose(f);
		if (rsg_note_vkey(text, n, key) == RSG_OK)
			return true;
	}
	rsg_tell_error("'%s' is no verifier key, and no file with one", given);
	return false;
}

enum rsg_exit
rsg_audit_verify(const struct rsg_args *a)
{
	static const char *const need[] = { "key" };
	const char *path = rsg_args_get(a, "remember", NULL);
	struct rsg_checkpoint old;
	struct rsg_vkey key;
	struct rsg_verify v = { .key = &key, .say = say };
	bool quiet = isatty(2) == 0, any;
	int64_t begun = rsg_clock_mono();
	enum rsg_err e;

	if (a->nwords != 1 && !rsg_args_has(a, "bundle")) {
		rsg_tell_error("which folder? A copy of what stands under /log/");
		return RSG_EXIT_USAGE;
	}
	if (!rsg_args_need(a, need, 1))
		return RSG_EXIT_USAGE;
	if (rsg_args_has(a, "bundle"))
		return rsg_audit_bundle(a);
	if (!rsg_audit_key_of(rsg_args_get(a, "key", ""), &key) || !remembered(path, &key, &old, &any))
		return RSG_EXIT_FAILED;
	v.dir = a->word[0];
	v.ctx = &quiet;
	v.remembered = any ? &old : NULL;
	e = rsg_verify_run(&v);
	if (e == RSG_OK) {
		printf("ok    %s: %llu entries, %llu bytes, in %.1f s%s\n", v.now.origin,
		    (unsigned long long)v.now.size, (unsigned long long)v.bytes,
		    (double)(rsg_clock_mono() - begun) / 1e6,
		    any ? "; it continues what was remembered" : "");
		if (path != NULL && !rsg_paths_write(path, 0644, v.note.p, v.note.len))
			e = RSG_IO;
	} else if (e == RSG_TAMPERED)
		printf("FAIL  %zu wrong\n", v.wrong);
	else
		rsg_tell_err(e, v.dir);
	rsg_buf_free(&v.note);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

/* The state directory's own log: folder, verifier key, database to read. */
struct here {
	char dir[RSG_PATH_MAX], keys[RSG_PATH_MAX];
	struct rsg_vkey key;
	struct rsg_db *db;
};

static bool
open_here(const struct rsg_args *a, struct here *h)
{
	struct rsg_skey key;
	char conninfo[1024];

	if (!rsg_paths_state(h->dir, RSG_STATE_OF(a), "log") ||
	    !rsg_paths_state(h->keys, RSG_STATE_OF(a), "keys"))
		return false;
	if (rsg_args_has(a, "key")) {
		if (!rsg_audit_key_of(rsg_args_get(a, "key", ""), &h->key))
			return false;
	} else if (rsg_logkey_read(h->keys, &key) == RSG_OK) {
		h->key = key.public;
		rsg_secret_wipe(&key, sizeof(key));
	} else {
		rsg_tell_error("no log key in %s; --key gives the verifier's", h->keys);
		return false;
	}
	if (!rsg_paths_database(conninfo, rsg_args_get(a, "database", NULL),
	    RSG_STATE_OF(a), "resguardo_auditor"))
		return false;
	/* A check reads each page of people and their histories at one moment. */
	if (setenv("PGOPTIONS", RSG_CHECK_OPTIONS, 1) == 0 &&
	    rsg_db_open(conninfo, &h->db) == RSG_OK)
		return true;
	rsg_tell_error("the database cannot be read; the line before says why");
	return false;
}

/* The log first: what it does not prove cannot be compared with. */
static enum rsg_err
check_log(struct here *h, bool *quiet, uint64_t *size, size_t *wrong)
{
	struct rsg_checkpoint last;
	struct rsg_verify v = { .dir = h->dir, .key = &h->key, .say = say, .ctx = quiet };
	char path[RSG_PATH_MAX];
	bool any;
	enum rsg_err e;

	if (!rsg_paths_state(path, h->keys, "last-checkpoint") ||
	    !remembered(path, &h->key, &last, &any))
		return RSG_TAMPERED;
	/* Read before the one that is published, so never the newer. */
	v.remembered = any ? &last : NULL;
	e = rsg_verify_run(&v);
	*size = v.now.size;
	*wrong = v.wrong;
	rsg_buf_free(&v.note);
	return e;
}

/* The root key, as the server finds it. */
static bool
open_keys(const struct rsg_args *a, struct rsg_keyring **keys)
{
	bool credential = getenv("CREDENTIALS_DIRECTORY") != NULL;
	char path[RSG_PATH_MAX];

	if (!rsg_paths_state(path, RSG_STATE_OF(a), "keys/root.key"))
		return false;
	if (rsg_keyring_open(credential ? NULL : path, keys) == RSG_OK)
		return true;
	rsg_tell_error("the root key cannot be used; the line before says why. "
	    "--rows compares the audit rows alone, which needs no key");
	return false;
}

/* What a check came to, in one line. */
static void
tell_check(enum rsg_err e, const struct rsg_check *c)
{
	if (e == RSG_OK)
		printf("ok    %llu entries are as the log has them; %llu wait for it\n",
		    (unsigned long long)c->rows, (unsigned long long)c->waiting);
	if (e == RSG_OK && c->keys != NULL)
		printf("ok    %llu people and %llu other rows are as the entries left them\n",
		    (unsigned long long)c->people, (unsigned long long)c->others);
	else if (e == RSG_OK)
		printf("      columns and other tables were not compared: that needs the "
		    "root key\n");
	else if (e == RSG_TAMPERED)
		printf("FAIL  the database or the log was altered: %zu wrong\n", c->wrong);
	else
		rsg_tell_err(e, e == RSG_CONFIG ? "the root key is of another server" : NULL);
}

enum rsg_exit
rsg_audit_check(const struct rsg_args *a)
{
	static struct here h;
	struct rsg_check c = { .dir = h.dir, .say = say };
	bool quiet = isatty(2) == 0;
	enum rsg_err e;

	if (!rsg_args_has(a, "rows") && !open_keys(a, &c.keys))
		return RSG_EXIT_FAILED;
	if (!open_here(a, &h)) {
		rsg_keyring_free(c.keys);
		return RSG_EXIT_FAILED;
	}
	c.db = h.db;
	c.ctx = &quiet;
	if ((e = check_log(&h, &quiet, &c.size, &c.wrong)) == RSG_OK)
		e = rsg_check_run(&c);
	tell_check(e, &c);
	rsg_keyring_free(c.keys);
	rsg_db_close(h.db);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

enum rsg_exit
rsg_audit_proof(const struct rsg_args *a)
{
	static struct here h;
	struct rsg_buf out;
	struct rsg_id id;
	enum rsg_err e;

	if (a->nwords != 1 || !rsg_id_parse(a->word[0], strlen(a->word[0]), &id)) {
		rsg_tell_error("which entry? Its id is in 'Resguardo-Audit-Entry'");
		return RSG_EXIT_USAGE;
	}
	if (!open_here(a, &h))
		return RSG_EXIT_FAILED;
	rsg_buf_init(&out, RSG_NOTE_MAX * 2);
	e = rsg_check_proof(h.db, h.dir, &h.key, &id, &out);
	if (e == RSG_OK)
		(void)fwrite(out.p, 1, out.len, stdout);
	else
		rsg_tell_err(e, e == RSG_STALE ? "not in the log yet" : a->word[0]);
	rsg_buf_free(&out);
	rsg_db_close(h.db);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}
