/*
 * bundle.c - a policy folder as one document.
 *
 *	{"files":{"access.json":{...},"fields.json":{...}, ...},"format":1}
 *
 * Members are sorted, so that the same rules always have the same hash.
 * Schemas and tests stay outside: they decide nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bundle.h"
#include "resguardo/json.h"

const char *const rsg__bundle_files[RSG__FILES + 1] = {
	"access.json", "fields.json", "kinds.json", "loyalty.json",
	"purposes.json", "segments.json", NULL
};

enum rsg_err
rsg__bundle_slurp(const char *dir, const char *name, struct rsg_buf *out,
    struct rsg_buf *faults)
{
	char path[1024];
	ssize_t got;
	uint8_t *room;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    sizeof(path)) {
		rsg_buf_printf(faults, "%s: the path is too long\n", name);
		return RSG_IO;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		rsg_buf_printf(faults, "%s: cannot be opened: %s; see that it "
		    "is there and may be read\n", path, strerror(errno));
		return RSG_IO;
	}
	do {
		if ((room = rsg_buf_room(out, 4096)) == NULL) {
			rsg_buf_printf(faults, "%s: is larger than %zu bytes; "
			    "shorten it\n", path, out->max);
			close(fd);
			return RSG_CONFIG;
		}
		if ((got = read(fd, room, 4096)) > 0)
			out->len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	close(fd);
	if (got < 0) {
		rsg_buf_printf(faults, "%s: cannot be read: %s\n", path,
		    strerror(errno));
		return RSG_IO;
	}
	return RSG_OK;
}

enum rsg_err
rsg__bundle_parse(const char *dir, const char *name, struct rsg_json **out,
    struct rsg_buf *faults)
{
	struct rsg_json_fault f;
	struct rsg_buf text;
	enum rsg_err e;

	*out = NULL;
	rsg_buf_init(&text, RSG__FILE_MAX);
	if ((e = rsg__bundle_slurp(dir, name, &text, faults)) != RSG_OK)
		goto done;
	e = rsg_json_parse(text.p, text.len, out, &f);
	if (e == RSG_MALFORMED || e == RSG_TOO_LARGE) {
		rsg_buf_printf(faults, "%s: line %d, column %d: %s; correct "
		    "the JSON there\n", name, f.line, f.column, f.what);
		e = RSG_CONFIG;
	}
done:
	rsg_buf_free(&text);
	return e;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_json(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".json") == 0;
}

enum rsg_err
rsg__bundle_list(const char *dir, const char *sub, char **names, size_t max,
    size_t *n, struct rsg_buf *faults)
{
	char path[1024];
	struct dirent *d;
	DIR *h;
	enum rsg_err e = RSG_OK;

	*n = 0;
	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	if ((h = opendir(path)) == NULL) {
		rsg_buf_printf(faults, "%s: cannot be opened: %s; see that it "
		    "is a folder and may be read\n", path, strerror(errno));
		return RSG_IO;
	}
	while (e == RSG_OK && (d = readdir(h)) != NULL) {
		if (!is_json(d->d_name))
			continue;
		if (*n == max) {
			rsg_buf_printf(faults, "%s: holds more than %zu files; "
			    "remove some\n", path, max);
			e = RSG_CONFIG;
		} else if (asprintf(&names[*n], "%s%s%s", sub,
		    sub[0] != '\0' ? "/" : "", d->d_name) < 0)
			e = RSG_NO_MEMORY;
		else
			(*n)++;
	}
	closedir(h);
	if (e == RSG_OK)
		qsort(names, *n, sizeof(*names), by_text);
	return e;
}

/* A file that nobody reads was meant for something. */
static enum rsg_err
check_known(char **names, size_t n, struct rsg_buf *faults)
{
	enum rsg_err e = RSG_OK;
	size_t k;

	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], "jurisdictions/", 14) == 0)
			continue;
		for (k = 0; k < RSG__FILES &&
		    strcmp(names[i], rsg__bundle_files[k]) != 0; k++)
			;
		if (k < RSG__FILES)
			continue;
		rsg_buf_printf(faults, "%s: is not a file of a policy; remove "
		    "it, or give it one of the names in docs/POLICY.md\n",
		    names[i]);
		e = RSG_CONFIG;
	}
	return e;
}

static enum rsg_err
add_file(const char *dir, const char *name, bool first, struct rsg_buf *bundle,
    struct rsg_buf *faults)
{
	struct rsg_json *j;
	enum rsg_err e;

	if ((e = rsg__bundle_parse(dir, name, &j, faults)) != RSG_OK)
		return e;
	rsg_buf_printf(bundle, "%s\"%s\":", first ? "" : ",", name);
	e = rsg_json_dump(j, true, bundle);
	rsg_json_free(j);
	return e;
}

/* File names stand in JSON as they are, so they must be harmless there. */
static enum rsg_err
check_name(const char *name, struct rsg_buf *faults)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_.-/") == strlen(name))
		return RSG_OK;
	rsg_buf_str(faults, "jurisdictions: holds a file whose name is not "
	    "made of letters, digits, '_', '.' and '-'; rename it\n");
	return RSG_CONFIG;
}

enum rsg_err
rsg_policy_bundle(const char *dir, struct rsg_buf *bundle,
    struct rsg_buf *faults)
{
	char *names[2 * RSG__BUNDLE_NAMES] = { NULL };
	size_t n = 0, more = 0;
	enum rsg_err e, one;

	if ((e = rsg__bundle_list(dir, "", names, RSG__BUNDLE_NAMES, &n,
	    faults)) != RSG_OK ||
	    (e = rsg__bundle_list(dir, "jurisdictions", names + n,
	    RSG__BUNDLE_NAMES, &more, faults)) != RSG_OK)
		goto done;
	n += more;
	more = 0;
	qsort(names, n, sizeof(*names), by_text);
	if ((e = check_known(names, n, faults)) != RSG_OK)
		goto done;
	rsg_buf_str(bundle, "{\"files\":{");
	for (size_t i = 0; i < n; i++)
		if ((one = check_name(names[i], faults)) != RSG_OK ||
		    (one = add_file(dir, names[i], i == 0, bundle,
		    faults)) != RSG_OK)
			e = one;
	rsg_buf_str(bundle, "},\"format\":1}");
	if (e == RSG_OK)
		e = rsg_buf_err(bundle);
done:
	for (size_t i = 0; i < n + more; i++)
		free(names[i]);
	return e;
}
