#include "cli/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/tell.h"
#include "resguardo/secret.h"

struct rsg_folder {
	int fd;
	uint8_t bytes[RSG_FOLDER_FILE_MAX + 1];	/* one more tells a file that is too large */
};

static const struct { const char *end, *media; } medias[] = {
	{ ".pdf", "application/pdf" }, { ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" }, { ".png", "image/png" }, { ".tif", "image/tiff" },
	{ ".tiff", "image/tiff" }, { ".webp", "image/webp" }, { ".txt", "text/plain" },
	{ ".mp3", "audio/mpeg" }, { ".ogg", "audio/ogg" }, { ".oga", "audio/ogg" },
	{ ".wav", "audio/wav" },
};

const char *
rsg_folder_media(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(medias) / sizeof(medias[0]); i++) {
		size_t n = strlen(medias[i].end);

		if (len > n && strncasecmp(name + len - n, medias[i].end, n) == 0)
			return medias[i].media;
	}
	return NULL;
}

enum rsg_err
rsg_folder_open(const char *path, struct rsg_folder **out)
{
	struct rsg_folder *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (f == NULL)
		return RSG_NO_MEMORY;
	if ((f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		rsg_tell_errno("cannot look into %s", path);
		free(f);
		return RSG_IO;
	}
	*out = f;
	return RSG_OK;
}

void
rsg_folder_close(struct rsg_folder *f)
{
	if (f == NULL)
		return;
	close(f->fd);
	rsg_secret_wipe(f->bytes, sizeof(f->bytes));
	free(f);
}

/* Open the next step of the way, from `at`, which is closed unless it is `top`. */
static int
step(int top, int at, const char *name, bool last)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
	    (last ? 0 : O_DIRECTORY));
	int e = errno;

	if (at != top)
		close(at);
	errno = e;
	return fd;
}

/* The file at the end of the way, or -1 with *why. */
static int
walk(int top, char *path, const char **why)
{
	char *next;
	int at = top;

	if (*path == '/') {
		*why = "file-out-of-place";
		return -1;
	}
	for (char *name = path; name != NULL; name = next) {
		if ((next = strchr(name, '/')) != NULL)
			*next++ = '\0';
		if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			*why = "file-out-of-place";
			if (at != top)
				close(at);
			return -1;
		}
		if ((at = step(top, at, name, next == NULL)) >= 0)
			continue;
		/* A link is ELOOP where a file is due, ENOTDIR where a folder is. */
		*why = errno == ENOENT ? "no-such-file" : errno == ELOOP ||
		    errno == ENOTDIR ? "file-out-of-place" : "file-unreadable";
		return -1;
	}
	return at;
}

static enum rsg_err
take(struct rsg_folder *f, int fd, size_t *n, const char **why)
{
	struct stat st;
	ssize_t got = 1;

	*n = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		*why = "file-out-of-place";
		return RSG_BAD_VALUE;
	}
	while (got != 0 && *n < sizeof(f->bytes)) {
		got = read(fd, f->bytes + *n, sizeof(f->bytes) - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			*why = "file-unreadable";
			return RSG_BAD_VALUE;
		}
		*n += (size_t)got;
	}
	if (*n > 0 && *n < sizeof(f->bytes))
		return RSG_OK;
	*why = *n == 0 ? "empty-file" : "too-large";
	return RSG_BAD_VALUE;
}

enum rsg_err
rsg_folder_read(struct rsg_folder *f, const char *name, size_t len, const uint8_t **p,
    size_t *n, const char **why)
{
	char path[RSG_PATH_MAX];
	enum rsg_err e;
	int fd;

	*p = f->bytes;
	*n = 0;
	*why = "file-out-of-place";
	if (len >= sizeof(path) || memchr(name, '\0', len) != NULL)
		return RSG_BAD_VALUE;
	memcpy(path, name, len);
	path[len] = '\0';
	if ((fd = walk(f->fd, path, why)) < 0)
		return RSG_BAD_VALUE;
	e = take(f, fd, n, why);
	close(fd);
	return e;
}
