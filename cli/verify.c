/*
 * verify.c - `resguardo audit verify`: one log after the other, from the one
 * whose key is known to the newest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/rotate.h"
#include "audit/verify.h"
#include "cli/audit.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/paths.h"
#include "resguardo/clock.h"

void
rsg_audit_say(void *ctx, bool wrong, const char *text)
{
	const bool *quiet = ctx;

	if (wrong)
		printf("WRONG %s\n", text);
	else if (!*quiet)
		fprintf(stderr, "\r%s\033[K", text);
}

/* A small file whole; -1, with a line. */
static ssize_t
read_small(const char *path, char *text, size_t cap)
{
	size_t n;
	FILE *f;

	if ((f = fopen(path, "re")) == NULL) {
		rsg_tell_errno("cannot read %s", path);
		return -1;
	}
	n = fread(text, 1, cap, f);
	fclose(f);
	return (ssize_t)n;
}

bool
rsg_audit_remembered(const char *path, const struct rsg_vkey *key,
    struct rsg_checkpoint *c, bool *any)
{
	static char text[RSG_NOTE_MAX];
	ssize_t n;

	*any = false;
	if (path == NULL || !rsg_paths_exists(path))
		return true;
	if ((n = read_small(path, text, sizeof(text))) < 0)
		return false;
	*any = rsg_checkpoint_open(text, (size_t)n, key, c) == RSG_OK;
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

/* --- One log after the other --- */

struct chain {
	const char *dir;
	const char *url, *ca;		/* where it is fetched from, or NULL */
	bool quiet;
	char kept[RSG_NOTE_MAX];	/* what was remembered ... */
	size_t nkept;
	bool met;			/* ... and the log that it is of was met */
	struct rsg_buf final;		/* the last checkpoint of the log before */
	uint64_t entries, bytes;
	size_t wrong;
	int logs;
};

/* The folder where the log of this key is: the copy itself, or below it. */
static bool
folder_of(const struct chain *c, const struct rsg_vkey *key, char out[RSG_PATH_MAX])
{
	char id[RSG_KEYID_TEXT], rel[64];

	rsg_rotate_keyid(key, id);
	(void)snprintf(rel, sizeof(rel), RSG_CLOSED_DIR "/%s", id);
	if (!rsg_paths_state(out, c->dir, rel))
		return false;
	if (!rsg_paths_exists(out))
		(void)snprintf(out, RSG_PATH_MAX, "%s", c->dir);
	return true;
}

/* Does it begin where the one before ended; and, put away, has it an end? */
static bool
continues(struct chain *c, const struct rsg_verify *v)
{
	if (!v->closed && strcmp(v->dir, c->dir) != 0) {
		c->wrong++;
		rsg_audit_say(&c->quiet, true, "the log that was put away as closed has no "
		    "last entry: it is an older copy");
		return false;
	}
	if (c->logs == 0 || (v->before.len == c->final.len &&
	    memcmp(v->before.p, c->final.p, c->final.len) == 0))
		return true;
	c->wrong++;
	rsg_audit_say(&c->quiet, true, "the next log does not begin with the last "
	    "checkpoint of the one before");
	return false;
}

static enum rsg_err
one(struct chain *c, struct rsg_vkey *key, bool *more)
{
	char dir[RSG_PATH_MAX];
	struct rsg_checkpoint old;
	struct rsg_verify v = { .dir = dir, .key = key, .say = rsg_audit_say,
	    .ctx = &c->quiet };
	enum rsg_err e;

	*more = false;
	if ((c->url != NULL && !rsg_fetch_log(c->url, c->ca, key, c->dir)) ||
	    !folder_of(c, key, dir))
		return RSG_CONFIG;
	if (c->nkept > 0 && rsg_checkpoint_open(c->kept, c->nkept, key, &old) == RSG_OK) {
		v.remembered = &old;
		c->met = true;
	}
	e = rsg_verify_run(&v);
	c->wrong += v.wrong;
	if (e == RSG_OK && !continues(c, &v))
		e = RSG_TAMPERED;
	rsg_buf_free(&c->final);
	rsg_buf_free(&v.before);
	c->final = v.note;
	if (e == RSG_TAMPERED && strcmp(dir, c->dir) != 0)
		printf("      in %s\n", dir);
	if (e != RSG_OK)
		return e;
	c->logs++;
	c->entries += v.now.size;
	c->bytes += v.bytes;
	*more = v.closed && strcmp(dir, c->dir) != 0;
	printf("ok    %s: %llu entries%s%s\n", v.now.origin, (unsigned long long)v.now.size,
	    v.closed ? "; closed, and goes on as " : "", v.closed ? v.next.name : "");
	*key = v.closed ? v.next : *key;
	return RSG_OK;
}

static enum rsg_err
whole_chain(struct chain *c, struct rsg_vkey key)
{
	bool more = true;
	enum rsg_err e = RSG_OK;

	while (more && e == RSG_OK)
		e = one(c, &key, &more);
	if (e == RSG_OK && c->nkept > 0 && !c->met) {
		rsg_tell_error("what was remembered is signed by none of these keys");
		return RSG_CONFIG;
	}
	return e;
}

enum rsg_exit
rsg_audit_verify(const struct rsg_args *a)
{
	static const char *const need[] = { "key" };
	static struct chain c;
	char fetched[RSG_PATH_MAX];
	const char *path = rsg_args_get(a, "remember", NULL);
	struct rsg_vkey key;
	int64_t begun = rsg_clock_mono();
	ssize_t n = 0;
	enum rsg_err e;

	if (a->nwords != 1 && !rsg_args_has(a, "bundle")) {
		rsg_tell_error("which folder, or which address? What stands under /log/");
		return RSG_EXIT_USAGE;
	}
	if (!rsg_args_need(a, need, 1))
		return RSG_EXIT_USAGE;
	if (rsg_args_has(a, "bundle"))
		return rsg_audit_bundle(a);
	if (!rsg_audit_key_of(rsg_args_get(a, "key", ""), &key) || (path != NULL &&
	    rsg_paths_exists(path) && (n = read_small(path, c.kept, sizeof(c.kept))) < 0))
		return RSG_EXIT_FAILED;
	c.dir = a->word[0];
	if (rsg_fetch_is_url(c.dir)) {
		if (!rsg_fetch_folder(fetched))
			return RSG_EXIT_FAILED;
		c.url = c.dir;
		c.ca = rsg_args_get(a, "ca", NULL);
		c.dir = fetched;
	}
	c.quiet = isatty(2) == 0;
	c.nkept = (size_t)n;
	if ((e = whole_chain(&c, key)) == RSG_OK) {
		printf("ok    %llu bytes in %.1f s%s\n", (unsigned long long)c.bytes,
		    (double)(rsg_clock_mono() - begun) / 1e6,
		    c.met ? "; it continues what was remembered" : "");
		if (path != NULL && !rsg_paths_write(path, 0644, c.final.p, c.final.len))
			e = RSG_IO;
	} else if (e == RSG_TAMPERED)
		printf("FAIL  %zu wrong\n", c.wrong);
	else if (e != RSG_CONFIG)
		rsg_tell_err(e, c.dir);
	rsg_buf_free(&c.final);
	if (c.url != NULL)
		rsg_fetch_remove(fetched);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}
