/*
 * audit.c - `resguardo audit`: what an auditor does with the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/logkey.h"
#include "audit/verify.h"
#include "cli/command.h"
#include "cli/paths.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

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
		fprintf(stderr, "\r%s", text);
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

/* A verifier key, or the name of a file that holds one. */
static bool
key_of(const char *given, struct rsg_vkey *key)
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

	if (a->nwords != 1) {
		rsg_tell_error("which folder? A copy of what stands under /log/");
		return RSG_EXIT_USAGE;
	}
	if (!rsg_args_need(a, need, 1))
		return RSG_EXIT_USAGE;
	if (!key_of(rsg_args_get(a, "key", ""), &key) || !remembered(path, &key, &old, &any))
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
