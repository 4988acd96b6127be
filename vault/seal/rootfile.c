/*
 * rootfile.c - root keys in a file of lines, and the provider over it.
 *
 *	resguardo-root 1
 *	<generation> <key, 64 hex> <check, 16 hex>
 *	end <generations>
 *
 * Text, so that it can be printed and put in a safe; the checks and the last
 * line notice what typing it in again, or a full disk, may do to it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "resguardo/log.h"
#include "seal/seal_int.h"

#define HEAD		"resguardo-root 1\n"
#define GENERATIONS	64
#define CHECK_LEN	8
#define TEXT_MAX	8192	/* more than GENERATIONS lines */
#define CREDENTIAL	"resguardo.root"

struct root {
	uint32_t generation;
	uint8_t key[RSG_KEY_LEN];
};
struct roots {				/* in guarded memory */
	size_t n;
	struct root root[GENERATIONS];	/* ascending */
};

static enum rsg_err
fail_io(const char *event, const char *path)
{
	rsg_log(RSG_LOG_ERROR, event, "path", RSG_LOG_S, path,
	    "error", RSG_LOG_S, strerror(errno), NULL);
	return RSG_IO;
}

/* --- The lines --- */

static void
check_of(const struct root *r, uint8_t out[CHECK_LEN])
{
	uint8_t be[4], h[RSG_DIGEST_LEN];

	rsg_be32(be, r->generation);
	rsg_blake2b(NULL, (struct rsg_part[]) { { be, sizeof(be) },
	    { r->key, RSG_KEY_LEN } }, 2, h);
	memcpy(out, h, CHECK_LEN);
	rsg_secret_wipe(h, sizeof(h));
}

/* Take `word` off the front of *p. */
static bool
take(const char **p, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *p) < n || memcmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

static bool
take_number(const char **p, const char *end, uint32_t *out)
{
	uint64_t n = 0;
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9' && n <= UINT32_MAX)
		n = n * 10 + (uint64_t)(*(*p)++ - '0');
	*out = (uint32_t)n;
	return *p != start && *start != '0' && n <= UINT32_MAX;
}

static bool
take_hex(const char **p, const char *end, uint8_t *out, size_t n)
{
	size_t got;

	if ((size_t)(end - *p) < 2 * n ||
	    sodium_hex2bin(out, n, *p, 2 * n, NULL, &got, NULL) != 0 ||
	    got != n)
		return false;
	*p += 2 * n;
	return true;
}

static bool
take_root(const char **p, const char *end, struct root *r)
{
	uint8_t check[CHECK_LEN], want[CHECK_LEN];

	if (!take_number(p, end, &r->generation) || !take(p, end, " ") ||
	    !take_hex(p, end, r->key, RSG_KEY_LEN) || !take(p, end, " ") ||
	    !take_hex(p, end, check, CHECK_LEN) || !take(p, end, "\n"))
		return false;
	check_of(r, want);
	return rsg_secret_equal(check, want, CHECK_LEN);
}

/* The line at fault, or 0. */
static int
parse(const char *text, size_t len, struct roots *out)
{
	const char *p = text, *end = text + len;
	uint32_t count;
	int line = 1;

	out->n = 0;
	if (!take(&p, end, HEAD))
		return line;
	for (line++; !take(&p, end, "end "); line++) {
		struct root *r = &out->root[out->n];

		if (out->n == GENERATIONS || !take_root(&p, end, r) ||
		    (out->n > 0 && r->generation <= r[-1].generation))
			return line;
		out->n++;
	}
	if (!take_number(&p, end, &count) || count != out->n ||
	    !take(&p, end, "\n") || p != end)
		return line;
	return 0;
}

static size_t
write_lines(char *text, const struct roots *in)
{
	uint8_t check[CHECK_LEN];
	size_t n;

	n = (size_t)snprintf(text, TEXT_MAX, HEAD);
	for (size_t i = 0; i < in->n; i++) {
		check_of(&in->root[i], check);
		n += (size_t)snprintf(text + n, TEXT_MAX - n, "%u ",
		    in->root[i].generation);
		sodium_bin2hex(text + n, TEXT_MAX - n, in->root[i].key,
		    RSG_KEY_LEN);
		n += 2 * RSG_KEY_LEN;
		text[n++] = ' ';
		sodium_bin2hex(text + n, TEXT_MAX - n, check, CHECK_LEN);
		n += 2 * CHECK_LEN;
		text[n++] = '\n';
	}
	return n + (size_t)snprintf(text + n, TEXT_MAX - n, "end %zu\n", in->n);
}

/* --- The file --- */

/*
 * Ours or root's, and nobody else's to read. systemd gives a service its
 * credentials by an access list, whose mask shows as a group's right to read.
 */
static enum rsg_err
check_mode(int fd, const char *path, bool credential)
{
	struct stat st;
	const char *why = NULL;

	if (fstat(fd, &st) != 0)
		return fail_io("root.stat", path);
	if (!S_ISREG(st.st_mode))
		why = "not a regular file";
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		why = "belongs to somebody else; chown it to this server's user";
	else if ((st.st_mode & (credential ? 0037 : 0077)) != 0)
		why = "others may use it; chmod 600";
	if (why == NULL)
		return RSG_OK;
	rsg_log(RSG_LOG_ERROR, "root.unsafe", "path", RSG_LOG_S, path,
	    "why", RSG_LOG_S, why, NULL);
	return RSG_CONFIG;
}

static enum rsg_err
read_file(int fd, const char *path, char *text, size_t *len)
{
	ssize_t n;

	*len = 0;
	do {
		n = read(fd, text + *len, TEXT_MAX - *len);
		if (n < 0 && errno != EINTR)
			return fail_io("root.read", path);
		if (n > 0)
			*len += (size_t)n;
	} while (n != 0 && *len < TEXT_MAX);
	return RSG_OK;
}

static enum rsg_err
load(const char *path, bool credential, struct roots *roots)
{
	char *text = NULL;
	size_t len;
	int fd, line;
	enum rsg_err e;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return fail_io("root.open", path);
	if ((e = check_mode(fd, path, credential)) != RSG_OK)
		goto done;
	if ((text = rsg_secret_alloc(TEXT_MAX)) == NULL) {
		e = RSG_NO_MEMORY;
		goto done;
	}
	if ((e = read_file(fd, path, text, &len)) != RSG_OK)
		goto done;
	if ((line = parse(text, len, roots)) != 0) {
		rsg_log(RSG_LOG_ERROR, "root.form", "path", RSG_LOG_S, path,
		    "line", RSG_LOG_I, (int64_t)line, NULL);
		e = RSG_CONFIG;
	}
done:
	rsg_secret_free(text);
	(void)close(fd);
	return e;
}

/* A new name is durable only when its directory is. */
static int
sync_directory(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, r;

	if (slash == NULL)
		(void)snprintf(dir, sizeof(dir), ".");
	else
		(void)snprintf(dir, sizeof(dir), "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -1;
	r = fsync(fd);
	(void)close(fd);
	return r;
}

static int
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, p, len)) < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd);
}

enum rsg_err
rsg_keyring_create(const char *path)
{
	struct roots *roots = NULL;
	char *text = NULL;
	enum rsg_err e = RSG_NO_MEMORY;
	int fd = -1;

	if ((roots = rsg_secret_alloc(sizeof(*roots))) == NULL ||
	    (text = rsg_secret_alloc(TEXT_MAX)) == NULL)
		goto done;
	roots->n = 1;
	roots->root[0].generation = 1;
	rsg_secret_random(roots->root[0].key, RSG_KEY_LEN);

	/* O_EXCL: overwriting a root key would lose everything it wraps. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		e = fail_io("root.create", path);
		goto done;
	}
	e = RSG_OK;
	if (write_all(fd, text, write_lines(text, roots)) != 0 ||
	    sync_directory(path) != 0) {
		e = fail_io("root.write", path);
		(void)unlink(path);
	}
done:
	if (fd >= 0)
		(void)close(fd);
	rsg_secret_free(text);
	rsg_secret_free(roots);
	return e;
}

/* --- The provider --- */

static const uint8_t *
key_of(const struct roots *roots, uint32_t generation)
{
	for (size_t i = roots->n; i-- > 0;)
		if (roots->root[i].generation == generation)
			return roots->root[i].key;
	rsg_log(RSG_LOG_ERROR, "root.generation", "missing", RSG_LOG_I,
	    (int64_t)generation, NULL);
	return NULL;
}

static enum rsg_err
wrap(const void *state, const struct rsg_place_of *at, const void *text,
    size_t len, uint8_t *out)
{
	const uint8_t *key;

	if ((key = key_of(state, at->generation)) == NULL)
		return RSG_CONFIG;
	return rsg__seal_into(key, at, text, len, out);
}

static enum rsg_err
unwrap(const void *state, const struct rsg_place_of *at, const uint8_t *sealed,
    size_t len, uint8_t *out, size_t *outlen)
{
	const uint8_t *key;

	if ((key = key_of(state, at->generation)) == NULL)
		return RSG_CONFIG;
	return rsg_seal_open(key, at, sealed, len, out, outlen);
}

static const struct rsg__root_ops file_ops = {
	.name = "file", .wrap = wrap, .unwrap = unwrap, .free = rsg_secret_free,
};

enum rsg_err
rsg__rootfile_open(const char *path, struct rsg__root *out)
{
	char credential[PATH_MAX];
	struct roots *roots;
	const char *dir;
	enum rsg_err e;

	if (path == NULL) {
		if ((dir = getenv("CREDENTIALS_DIRECTORY")) == NULL) {
			rsg_log(RSG_LOG_ERROR, "root.unset", "help", RSG_LOG_S,
			    "name the root key file, or LoadCredential="
			    CREDENTIAL " in the unit", NULL);
			return RSG_CONFIG;
		}
		(void)snprintf(credential, sizeof(credential), "%s/%s", dir,
		    CREDENTIAL);
	}
	if ((roots = rsg_secret_alloc(sizeof(*roots))) == NULL)
		return RSG_NO_MEMORY;
	e = load(path == NULL ? credential : path, path == NULL, roots);
	if (e != RSG_OK) {
		rsg_secret_free(roots);
		return e;
	}
	*out = (struct rsg__root) { .ops = &file_ops, .state = roots,
	    .newest = roots->root[roots->n - 1].generation };
	return RSG_OK;
}
