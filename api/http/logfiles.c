#include "http/logfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/answer.h"
#include "resguardo/log.h"

#define PREFIX		"/log/"
#define PATH_LEN	100		/* longer than any tile's */
#define CLOSED		"closed/"	/* and its key's id: a log that has ended */
#define CLOSED_LEN	(sizeof(CLOSED) - 1 + 8 + 1)
#define FILE_MAX	(4u * 1024 * 1024)
#define PIECE		(64 * 1024)

static int folder = -1;

int
rsg_logfiles_open(void)
{
	const char *path = getenv("RSG_LOG_DIR");

	if (path == NULL)
		return -1;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		rsg_log(RSG_LOG_WARN, "api.no-log-folder", "errno", RSG_LOG_I,
		    (int64_t)errno, NULL);
	return folder;
}

/* Digits and x, lower case words, single slashes; a dot only in ".p/". */
bool
rsg_logfiles_path(const char *p, size_t len)
{
	static const char checkpoint[] = "checkpoint", tile[] = "tile/";

	if (len > CLOSED_LEN && memcmp(p, CLOSED, strlen(CLOSED)) == 0 &&
	    strspn(p + strlen(CLOSED), "0123456789abcdef") == 8 &&
	    p[CLOSED_LEN - 1] == '/') {
		p += CLOSED_LEN;
		len -= CLOSED_LEN;
	}
	if (len == sizeof(checkpoint) - 1 && memcmp(p, checkpoint, len) == 0)
		return true;
	if (len < sizeof(tile) || len >= PATH_LEN || memcmp(p, tile, 5) != 0)
		return false;
	for (size_t i = 5; i < len; i++) {
		if ((p[i] >= '0' && p[i] <= '9') || p[i] == 'x')
			continue;
		if (i == 5 && len > 13 && memcmp(p + i, "entries/", 8) == 0)
			i += 6;
		else if (p[i] == '.' && i + 3 < len && memcmp(p + i, ".p/", 3) == 0)
			i += 2;
		else if (p[i] != '/' || p[i - 1] == '/' || i + 1 == len)
			return false;
	}
	return true;
}

/* In pieces to the end: no call but open, read and close is ours to make. */
static enum rsg_err
read_file(const char *rel, struct rsg_buf *b)
{
	int fd = openat(folder, rel, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t *p;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
		    errno == EACCES ?
		    RSG_NO_ROUTE : RSG_UNAVAILABLE;
	do {
		if ((p = rsg_buf_room(b, PIECE)) == NULL) {
			close(fd);
			return RSG_NO_MEMORY;
		}
		if ((n = read(fd, p, PIECE)) > 0)
			(void)rsg_buf_extend(b, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return n == 0 ? RSG_OK : errno == EISDIR ? RSG_NO_ROUTE : RSG_UNAVAILABLE;
}

void
rsg_logfiles_answer(struct rsg_conn *c)
{
	char rel[PATH_LEN];
	struct rsg_buf b;
	const char *path;
	size_t len = rsg_request_path(&c->rq, &path);
	bool tile;
	enum rsg_err e = RSG_NO_ROUTE;

	rsg_buf_init(&b, FILE_MAX);
	if (folder >= 0 && len > strlen(PREFIX) &&
	    rsg_logfiles_path(path + strlen(PREFIX), len - strlen(PREFIX))) {
		len -= strlen(PREFIX);
		memcpy(rel, path + strlen(PREFIX), len);
		rel[len] = '\0';
		e = read_file(rel, &b);
	}
	if (e != RSG_OK) {
		rsg_buf_free(&b);
		rsg_answer_error(c, e, false);
		return;
	}
	tile = strstr(rel, "tile/") != NULL;
	rsg_answer_file(c, tile ? "application/octet-stream" : "text/plain; charset=utf-8",
	    tile ? "public, max-age=31536000, immutable" : "no-cache", &b);
}
