#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/rotate.h"
#include "audit/tilepath.h"
#include "cli/fetch.h"
#include "cli/tell.h"

#define URL_MAX		1024
#define CHECKPOINT_MAX	"65536"
#define TILE_MAX	"16777472"	/* a bundle of the longest entries */

struct place {
	const char *url, *ca;
	char base[URL_MAX + 64], dir[RSG_PATH_MAX];
};

bool
rsg_fetch_is_url(const char *s)
{
	return strncmp(s, "https://", 8) == 0 || strncmp(s, "http://", 7) == 0;
}

bool
rsg_fetch_folder(char out[RSG_PATH_MAX])
{
	const char *top = getenv("TMPDIR");

	(void)snprintf(out, RSG_PATH_MAX, "%s/resguardo-log-XXXXXX",
	    top == NULL || top[0] == '\0' ? "/tmp" : top);
	if (mkdtemp(out) != NULL)
		return true;
	rsg_tell_errno("cannot make a folder to fetch into");
	return false;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
rsg_fetch_remove(const char *folder)
{
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- The program --- */

/* Run curl with these words; what it may ask for stands in a file of `config`,
 * or in the words. Its own lines go to standard error. */
static bool
curl(const char *ca, const char *const *words)
{
	static const char *const always[] = { "curl", "-q", "-f", "-sS", "--proto",
	    "=http,https", "--connect-timeout", "20", "--retry", "2", "--create-dirs" };
	const char *argv[32];
	size_t n = 0;
	int status;
	pid_t pid;

	for (; n < sizeof(always) / sizeof(always[0]); n++)
		argv[n] = always[n];
	if (ca != NULL) {
		argv[n++] = "--cacert";
		argv[n++] = ca;
	}
	for (; *words != NULL && n < 31; words++)
		argv[n++] = *words;
	argv[n] = NULL;
	if ((pid = fork()) < 0)
		return false;
	if (pid == 0) {
		execvp("curl", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		rsg_tell_error("there is no program curl to fetch with: install it, or "
		    "give a folder");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- A checkpoint, then what its size says there is --- */

static bool
checkpoint(struct place *p, const struct rsg_vkey *key, const char *below, bool *ours,
    struct rsg_checkpoint *c)
{
	char url[URL_MAX + 128], path[RSG_PATH_MAX + 32];
	static char note[RSG_NOTE_MAX];
	const char *const words[] = { "--max-filesize", CHECKPOINT_MAX, "-o", path, url,
	    *below == '\0' ? NULL : "--no-show-error", NULL };
	size_t n = strlen(p->url);
	FILE *f;

	while (n > 0 && p->url[n - 1] == '/')
		n--;
	(void)snprintf(p->base, sizeof(p->base), "%.*s%s", (int)n, p->url, below);
	(void)snprintf(url, sizeof(url), "%s/checkpoint", p->base);
	(void)snprintf(path, sizeof(path), "%s/checkpoint", p->dir);
	if (!curl(p->ca, words) || (f = fopen(path, "re")) == NULL)
		return false;
	n = fread(note, 1, sizeof(note), f);
	fclose(f);
	*ours = rsg_checkpoint_open(note, n, key, c) == RSG_OK;
	return true;
}

static void
ask(FILE *f, const struct place *p, const struct rsg_tile *t)
{
	char path[RSG_TILEPATH_MAX];

	rsg_tilepath(t, path);
	fprintf(f, "url = \"%s/%s\"\noutput = \"%s/%s\"\n", p->base, path, p->dir, path);
}

/* A partial tile goes when the full one is there: of these the full one too. */
static bool
has(const struct place *p, const struct rsg_tile *t)
{
	char path[RSG_TILEPATH_MAX], full[RSG_PATH_MAX + RSG_TILEPATH_MAX];

	rsg_tilepath(t, path);
	(void)snprintf(full, sizeof(full), "%s/%s", p->dir, path);
	return access(full, R_OK) == 0;
}

static bool
each_tile(const struct place *p, uint64_t size, FILE *f, bool again)
{
	bool any = false;

	for (int l = RSG_TILE_ENTRIES; l < RSG_TILE_LEVELS; l++) {
		uint64_t hashes = size >> (8 * (l < 0 ? 0 : l));

		for (uint64_t n = 0; n * RSG_TILE_WIDTH < hashes; n++) {
			struct rsg_tile t = { l, n, rsg_tile_width(l, n, size) };

			if (t.width == 0 || (again && (t.width == RSG_TILE_WIDTH || has(p, &t))))
				continue;
			if (again)
				t.width = RSG_TILE_WIDTH;
			ask(f, p, &t);
			any = true;
		}
	}
	return any;
}

static void
tiles(const struct place *p, uint64_t size)
{
	char config[RSG_PATH_MAX + 16];
	const char *const words[] = { "--parallel", "--parallel-max", "16",
	    "--max-filesize", TILE_MAX, "-K", config, NULL };
	bool any;
	FILE *f;

	(void)snprintf(config, sizeof(config), "%s/.fetch", p->dir);
	for (int again = 0; again < 2; again++) {
		if ((f = fopen(config, "we")) == NULL)
			return;
		any = each_tile(p, size, f, again == 1);
		/* What fails is missing, and named by who verifies. */
		if (fclose(f) == 0 && any)
			(void)curl(p->ca, words);
	}
	(void)unlink(config);
}

bool
rsg_fetch_log(const char *url, const char *ca, const struct rsg_vkey *key,
    const char *folder)
{
	struct place p = { .url = url, .ca = ca };
	char id[RSG_KEYID_TEXT], below[32];
	struct rsg_checkpoint c;
	bool ours;

	if (strlen(url) >= URL_MAX || strpbrk(url, "\"\\ \t\r\n{}[]?#") != NULL) {
		rsg_tell_error("an address without blanks, quotes, brackets or a question");
		return false;
	}
	(void)snprintf(p.dir, sizeof(p.dir), "%s", folder);
	if (!checkpoint(&p, key, "", &ours, &c)) {
		rsg_tell_error("no checkpoint is to be had at %s", url);
		return false;
	}
	if (!ours) {
		/* Of another key: ours may be that of a closed one. */
		rsg_rotate_keyid(key, id);
		(void)snprintf(below, sizeof(below), "/" RSG_CLOSED_DIR "/%s", id);
		(void)snprintf(p.dir, sizeof(p.dir), "%s%s", folder, below);
		if (!checkpoint(&p, key, below, &ours, &c))
			(void)rmdir(p.dir);
	}
	/* Where none is ours there is nothing to ask for: verifying says so. */
	if (ours)
		tiles(&p, c.size);
	return true;
}
