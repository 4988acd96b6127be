#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/resume.h"
#include "cli/tell.h"
#include "resguardo/json.h"
#include "seal/seal.h"

/* The numbers that are kept, by their names in the file. */
static const struct {
	const char *name;
	size_t at;
} kept[] = {
	{ "size", offsetof(struct rsg_resume, size) },
	{ "modified", offsetof(struct rsg_resume, modified) },
	{ "next_line", offsetof(struct rsg_resume, next_line) },
	{ "offset", offsetof(struct rsg_resume, offset) },
	{ "read", offsetof(struct rsg_resume, read) },
	{ "accepted", offsetof(struct rsg_resume, accepted) },
	{ "repeated", offsetof(struct rsg_resume, repeated) },
	{ "rejected", offsetof(struct rsg_resume, rejected) },
	{ "noted", offsetof(struct rsg_resume, noted) },
	{ "people", offsetof(struct rsg_resume, people) },
	{ "people_repeated", offsetof(struct rsg_resume, people_repeated) },
	{ "people_rejected", offsetof(struct rsg_resume, people_rejected) },
	{ "rejects_bytes", offsetof(struct rsg_resume, rejects_bytes) },
	{ "notes_bytes", offsetof(struct rsg_resume, notes_bytes) },
};
#define NKEPT	(sizeof(kept) / sizeof(kept[0]))

static int64_t *
number(struct rsg_resume *r, size_t i)
{
	return (int64_t *)(void *)((char *)r + kept[i].at);
}

/* A name for this import that says nothing of what is in it. */
static void
name_of(const char *file, const char *const *words, size_t n, char out[33])
{
	uint8_t digest[RSG_DIGEST_LEN];
	struct rsg_part part[8] = { { file, strlen(file) + 1 } };

	for (size_t i = 0; i < n && i < 7; i++)
		part[i + 1] = (struct rsg_part){ words[i], strlen(words[i]) + 1 };
	rsg_blake2b(NULL, part, n + 1, digest);
	for (size_t i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static bool
load(const char *path, struct rsg_resume *r)
{
	const struct rsg_json *v;
	struct rsg_json *root;
	char bytes[4096];
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	n = read(fd, bytes, sizeof(bytes));
	close(fd);
	if (n <= 0 || rsg_json_parse(bytes, (size_t)n, &root, NULL) != RSG_OK)
		return false;
	for (size_t i = 0; i < NKEPT; i++)
		if ((v = rsg_json_get(root, kept[i].name)) != NULL)
			*number(r, i) = rsg_json_int(v);
	rsg_json_free(root);
	return true;
}

enum rsg_err
rsg_resume_open(struct rsg_resume *r, const char *state, const char *file,
    const char *const *words, size_t n, bool *found)
{
	char dir[RSG_PATH_MAX], real[RSG_PATH_MAX], name[33];
	struct rsg_resume old;
	struct stat st;

	*found = false;
	memset(r, 0, sizeof(*r));
	r->next_line = 1;
	if (!rsg_paths_state(dir, state, "import") || !rsg_paths_folder(dir))
		return RSG_IO;
	if (strcmp(file, "-") == 0 || realpath(file, real) == NULL ||
	    stat(real, &st) != 0 || !S_ISREG(st.st_mode)) {
		/* Nothing to come back to: a pipe is read once. */
		snprintf(r->rejects, sizeof(r->rejects), "%.4000s/%s", dir,
		    "standard-input.rejects.csv");
		snprintf(r->notes, sizeof(r->notes), "%.4000s/%s", dir,
		    "standard-input.noted.csv");
		return RSG_OK;
	}
	name_of(real, words, n, name);
	if (snprintf(r->path, sizeof(r->path), "%s/%s.json", dir, name) >= RSG_PATH_MAX ||
	    snprintf(r->rejects, sizeof(r->rejects), "%s/%s.rejects.csv", dir,
	    name) >= RSG_PATH_MAX ||
	    snprintf(r->notes, sizeof(r->notes), "%s/%s.noted.csv", dir,
	    name) >= RSG_PATH_MAX)
		return RSG_IO;
	r->size = st.st_size;
	r->modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	old = *r;
	if (!load(r->path, &old))
		return RSG_OK;
	if (old.size != r->size || old.modified != r->modified) {
		fprintf(stderr, "the file has changed since the last import stopped: "
		    "beginning at its first line\n");
		return RSG_OK;
	}
	*r = old;
	*found = true;
	return RSG_OK;
}

enum rsg_err
rsg_resume_save(const struct rsg_resume *r)
{
	struct rsg_resume copy = *r;
	struct rsg_buf b;
	struct rsg_jw w;
	bool ok;

	if (r->path[0] == '\0')
		return RSG_OK;
	rsg_buf_init(&b, 4096);
	rsg_jw_init(&w, &b);
	rsg_jw_object(&w, NULL);
	for (size_t i = 0; i < NKEPT; i++)
		rsg_jw_int(&w, kept[i].name, *number(&copy, i));
	rsg_jw_end(&w);
	ok = rsg_buf_ok(&b) && rsg_paths_write(r->path, 0600, b.p, b.len);
	rsg_buf_free(&b);
	return ok ? RSG_OK : RSG_IO;
}

void
rsg_resume_done(const struct rsg_resume *r)
{
	if (r->path[0] != '\0')
		unlink(r->path);
}
