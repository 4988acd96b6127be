#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/logkey.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"

#define TEXT_MAX	1024

static enum rsg_err
failed(const char *path, const char *why, enum rsg_err e)
{
	rsg_log(RSG_LOG_ERROR, "log.key", "path", RSG_LOG_S, path, "error",
	    RSG_LOG_S, why, NULL);
	return e;
}

static enum rsg_err
path_of(const char *dir, char path[600])
{
	int n = snprintf(path, 600, "%s/" RSG_LOGKEY_FILE, dir);

	return n > 0 && n < 600 ? RSG_OK : RSG_TOO_LARGE;
}

/* Whole or not at all: under another name, then linked, which never replaces. */
static enum rsg_err
write_key(const char *path, const char *dir, const struct rsg_buf *text)
{
	char temp[620];
	int fd, top;
	bool ok;

	(void)snprintf(temp, sizeof(temp), "%s.new", path);
	(void)unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return failed(temp, strerror(errno), RSG_IO);
	ok = write(fd, text->p, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	ok = close(fd) == 0 && ok && link(temp, path) == 0;
	if (!ok)
		(void)failed(path, strerror(errno), RSG_IO);
	unlink(temp);
	if (ok && (top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		ok = fsync(top) == 0;
		close(top);
	}
	return ok ? RSG_OK : RSG_IO;
}

enum rsg_err
rsg_logkey_create(const char *dir, const char *origin)
{
	char path[600], name[64];
	uint8_t seed[RSG_SEED_LEN];
	struct rsg_skey key;
	struct rsg_buf text;
	enum rsg_err e;

	if ((e = path_of(dir, path)) != RSG_OK)
		return e;
	if (origin == NULL) {
		(void)snprintf(name, sizeof(name), "resguardo.local/%016llx",
		    (unsigned long long)rsg_secret_random64());
		origin = name;
	}
	rsg_buf_init(&text, TEXT_MAX);
	rsg_secret_random(seed, sizeof(seed));
	if ((e = rsg_note_skey_make(origin, seed, &key)) == RSG_OK) {
		rsg_note_skey_text(&key, &text);
		rsg_buf_str(&text, "\n");
		if ((e = rsg_buf_err(&text)) == RSG_OK)
			e = write_key(path, dir, &text);
	}
	rsg_secret_wipe(seed, sizeof(seed));
	rsg_secret_wipe(&key, sizeof(key));
	rsg_buf_free(&text);
	return e;
}

enum rsg_err
rsg_logkey_read(const char *dir, struct rsg_skey *key)
{
	char path[600], text[TEXT_MAX];
	enum rsg_err e;
	struct stat st;
	ssize_t n;
	int fd;

	if ((e = path_of(dir, path)) != RSG_OK)
		return e;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return errno == ENOENT ? RSG_NOT_FOUND :
		    failed(path, strerror(errno), RSG_CONFIG);
	n = fstat(fd, &st) == 0 ? read(fd, text, sizeof(text)) : -1;
	if (n < 0)
		e = failed(path, strerror(errno), RSG_CONFIG);
	else if ((st.st_mode & 077) != 0)
		e = failed(path, "others may read it: chmod 600", RSG_CONFIG);
	else if (rsg_note_skey(text, (size_t)n, key) != RSG_OK)
		e = failed(path, "it holds no signing key", RSG_CONFIG);
	close(fd);
	rsg_secret_wipe(text, sizeof(text));
	return e;
}
