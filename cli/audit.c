/*
 * audit.c - `resguardo audit`: what an auditor does with the log.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit/check.h"
#include "audit/logkey.h"
#include "audit/rotate.h"
#include "audit/verify.h"
#include "cli/audit.h"
#include "cli/command.h"
#include "cli/listen.h"
#include "cli/paths.h"
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

/* A log that was closed, by the id of its key: folder and key. */
static bool
closed_log(const struct here *h, const char *id, char dir[RSG_PATH_MAX],
    struct rsg_vkey *key)
{
	char path[RSG_PATH_MAX], name[64];

	(void)snprintf(name, sizeof(name), "closed-%s", id);
	if (!rsg_paths_state(path, h->keys, name) || !rsg_paths_exists(path) ||
	    !rsg_audit_key_of(path, key))
		return false;
	(void)snprintf(name, sizeof(name), RSG_CLOSED_DIR "/%s", id);
	return rsg_paths_state(dir, h->dir, name);
}

/* Which log a checkpoint is of: the id of the key in its first signature. */
static bool
signer(const struct rsg_buf *note, char id[RSG_KEYID_TEXT])
{
	const char *p = memmem(note->p, note->len, "\n\n", 2);
	const char *end = (char *)note->p + note->len, *space, *nl;
	struct rsg_vkey k = { 0 };
	uint8_t blob[128];
	size_t n;

	if (p == NULL || (nl = memchr(p + 2, '\n', (size_t)(end - p - 2))) == NULL ||
	    (space = memrchr(p + 2, ' ', (size_t)(nl - p - 2))) == NULL ||
	    rsg_base64_get(space + 1, (size_t)(nl - space - 1), blob, sizeof(blob),
	    &n) != RSG_OK || n < 4)
		return false;
	memcpy(k.id, blob, 4);
	rsg_rotate_keyid(&k, id);
	return true;
}

/* One log, sound, and continued by `next` (NULL: it is the newest). */
static enum rsg_err
check_one(struct rsg_verify *v, const struct rsg_vkey *next, const struct rsg_buf *final)
{
	enum rsg_err e = rsg_verify_run(v);

	if (e != RSG_OK || next == NULL)
		return e;
	if (!v->closed || memcmp(v->next.pub, next->pub, sizeof(next->pub)) != 0 ||
	    v->note.len != final->len || memcmp(v->note.p, final->p, final->len) != 0) {
		v->wrong++;
		v->say(v->ctx, true, "a closed log is not the one that the next continues");
		return RSG_TAMPERED;
	}
	return RSG_OK;
}

/*
 * The checkpoint that the server kept, read between two rounds of its
 * integrator: within one it is ahead of what is published.
 */
static bool
kept(const struct here *h, struct rsg_checkpoint *last, bool *any)
{
	int fd = open(h->keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[RSG_PATH_MAX];
	bool good;

	while (fd >= 0 && flock(fd, LOCK_SH) != 0 && errno == EINTR)
		;
	good = rsg_paths_state(path, h->keys, "last-checkpoint") &&
	    rsg_audit_remembered(path, &h->key, last, any);
	if (fd >= 0)
		(void)close(fd);
	return good;
}

/*
 * The logs first: what they do not prove cannot be compared with. From the
 * newest back to the oldest, each named by the first entry of the next.
 */
static enum rsg_err
check_logs(struct here *h, bool *quiet, struct rsg_check *c)
{
	struct rsg_verify v = { .dir = h->dir, .key = &h->key, .say = rsg_audit_say,
	    .ctx = quiet };
	struct rsg_checkpoint last;
	struct rsg_vkey key, next;
	struct rsg_buf final = { 0 };
	char dir[RSG_PATH_MAX], id[RSG_KEYID_TEXT];
	bool any, more = true;
	enum rsg_err e = RSG_OK;

	if (!kept(h, &last, &any))
		return RSG_TAMPERED;
	v.remembered = any ? &last : NULL;
	for (c->logs = 0; more && e == RSG_OK && c->logs < RSG_CHECK_LOGS; c->logs++) {
		e = check_one(&v, c->logs == 0 ? NULL : &next, &final);
		rsg_buf_free(&final);
		c->wrong = v.wrong;
		memmove(c->log + 1, c->log, c->logs * sizeof(c->log[0]));
		(void)snprintf(c->log[0].dir, sizeof(c->log[0].dir), "%s", v.dir);
		c->log[0].size = v.now.size;
		final = v.before;
		rsg_buf_free(&v.note);
		more = e == RSG_OK && final.len > 0;
		if (!more)
			break;
		next = *v.key;
		if (!signer(&final, id) || !closed_log(h, id, dir, &key)) {
			rsg_tell_error("the log continues another, and %s/closed-%s is not "
			    "there: put it back", h->keys, id);
			e = RSG_CONFIG;
		}
		v = (struct rsg_verify){ .dir = dir, .key = &key, .say = rsg_audit_say,
		    .ctx = quiet };
	}
	c->logs++;
	rsg_buf_free(&final);
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
	static struct rsg_check c;
	bool quiet = isatty(2) == 0;
	enum rsg_err e;

	if (!rsg_args_has(a, "rows") && !open_keys(a, &c.keys))
		return RSG_EXIT_FAILED;
	if (!open_here(a, &h)) {
		rsg_keyring_free(c.keys);
		return RSG_EXIT_FAILED;
	}
	c.db = h.db;
	c.say = rsg_audit_say;
	c.ctx = &quiet;
	if ((e = check_logs(&h, &quiet, &c)) == RSG_OK)
		e = rsg_check_run(&c);
	tell_check(e, &c);
	rsg_keyring_free(c.keys);
	rsg_db_close(h.db);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

/* Under the log that had it, where it was closed. */
static enum rsg_err
closed_proof(struct here *h, const struct rsg_id *entry, struct rsg_buf *out)
{
	DIR *d = opendir(h->keys);
	char dir[RSG_PATH_MAX];
	const struct dirent *f;
	struct rsg_vkey key;
	enum rsg_err e = RSG_NOT_FOUND;

	while (d != NULL && e == RSG_NOT_FOUND && (f = readdir(d)) != NULL) {
		if (strncmp(f->d_name, "closed-", 7) != 0 || strlen(f->d_name) != 15 ||
		    !closed_log(h, f->d_name + 7, dir, &key))
			continue;
		rsg_db_rollback(h->db);
		e = rsg_check_proof(h->db, dir, &key, entry, out);
		/* Its place is counted on: what came after its end is not in it. */
		if (e == RSG_STALE)
			e = RSG_NOT_FOUND;
	}
	if (d != NULL)
		closedir(d);
	return e;
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
	if (e == RSG_NOT_FOUND)
		e = closed_proof(&h, &id, &out);
	if (e == RSG_OK)
		(void)fwrite(out.p, 1, out.len, stdout);
	else
		rsg_tell_err(e, e == RSG_STALE ? "not in the log yet" : a->word[0]);
	rsg_buf_free(&out);
	rsg_db_close(h.db);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

static void
tell_rotation(enum rsg_err e)
{
	rsg_tell_error(e == RSG_BUSY ? "a transaction that writes holds the log up: end it, "
	    "and run this again" : e == RSG_BAD_VALUE ? "a log's name is a URL without "
	    "https://, without blanks and without '+'" : e == RSG_CONFIG ? "there is no log "
	    "key here, or the root key is of another server" : "the log was not rotated to "
	    "its end: run this again when the line before is seen to");
}

enum rsg_exit
rsg_audit_rotate(const struct rsg_args *a)
{
	char run[RSG_PATH_MAX], conninfo[1024];
	struct rsg_keyring *keys = NULL;
	struct rsg_vkey old, next;
	struct rsg_db *db = NULL;
	struct rsg_buf text;
	enum rsg_err e;

	if (!rsg_paths_state(run, RSG_STATE_OF(a), "run") || !open_keys(a, &keys))
		return RSG_EXIT_FAILED;
	if (!rsg_listen_lock(run) || !rsg_paths_database(conninfo,
	    rsg_args_get(a, "database", NULL), RSG_STATE_OF(a), "resguardo_app")) {
		rsg_keyring_free(keys);
		return RSG_EXIT_FAILED;
	}
	if ((e = rsg_db_open(conninfo, &db)) == RSG_OK)
		e = rsg_check_keys(db, keys);
	rsg_db_close(db);
	if (e == RSG_OK)
		e = rsg_rotate(conninfo, RSG_STATE_OF(a), keys, rsg_args_get(a, "origin",
		    NULL), &old, &next);
	rsg_keyring_free(keys);
	if (e != RSG_OK) {
		tell_rotation(e);
		return RSG_EXIT_FAILED;
	}
	rsg_buf_init(&text, RSG_VKEY_MAX);
	rsg_note_vkey_text(&next, &text);
	printf("%s is closed; the log goes on as %s, and auditors need\n%.*s\n", old.name,
	    next.name, (int)text.len, (char *)text.p);
	rsg_buf_free(&text);
	return RSG_EXIT_OK;
}
