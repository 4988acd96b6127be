#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/source.h"
#include "cli/tell.h"

struct rsg_source {
	const uint8_t *memory;		/* NULL: read from `fd` */
	size_t left;
	int fd;				/* what is read */
	int disk;			/* the file itself; -1: none */
	int64_t size;
	pid_t gzip;			/* 0: none */
};

static bool
ends_gz(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

/*
 * gzip reads from the very open file that we hold, so its offset is known
 * here: that is the progress.
 */
static enum rsg_err
start_gzip(struct rsg_source *s)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) != 0)
		return RSG_IO;
	s->gzip = fork();
	if (s->gzip == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Ctrl-C is for the import, which ends at a line's end. */
		signal(SIGINT, SIG_IGN);
		if (dup2(s->disk, 0) < 0 || dup2(pair[1], 1) < 0)
			_exit(127);
		execlp("gzip", "gzip", "-dc", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	if (s->gzip < 0) {
		s->gzip = 0;
		close(pair[0]);
		return RSG_IO;
	}
	s->fd = pair[0];
	return RSG_OK;
}

enum rsg_err
rsg_source_open(const char *path, struct rsg_source **out)
{
	struct rsg_source *s = calloc(1, sizeof(*s));
	enum rsg_err e = RSG_OK;
	struct stat st;

	*out = NULL;
	if (s == NULL)
		return RSG_NO_MEMORY;
	s->disk = -1;
	if (strcmp(path, "-") == 0) {
		*out = s;
		return RSG_OK;
	}
	s->disk = open(path, O_RDONLY | O_CLOEXEC);
	if (s->disk < 0 || fstat(s->disk, &st) != 0) {
		rsg_tell_errno("cannot read %s", path);
		rsg_source_close(s);
		return RSG_IO;
	}
	s->size = S_ISREG(st.st_mode) ? st.st_size : 0;
	s->fd = s->disk;
	if (ends_gz(path) && (e = start_gzip(s)) != RSG_OK) {
		rsg_tell_errno("cannot start gzip");
		rsg_source_close(s);
		return e;
	}
	*out = s;
	return RSG_OK;
}

enum rsg_err
rsg_source_memory(const void *p, size_t len, struct rsg_source **out)
{
	struct rsg_source *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL)
		return RSG_NO_MEMORY;
	s->memory = p;
	s->left = len;
	s->disk = -1;
	s->fd = -1;
	return RSG_OK;
}

/* A damaged file must not look like a short one. */
static enum rsg_err
end_of_gzip(struct rsg_source *s)
{
	int status = 0;

	if (s->gzip == 0)
		return RSG_OK;
	while (waitpid(s->gzip, &status, 0) < 0 && errno == EINTR)
		;
	s->gzip = 0;
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2))
		return RSG_OK;	/* 2 is a warning */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		rsg_tell_error("the program gzip is needed to read this file");
	else
		rsg_tell_error("gzip says the file is damaged");
	return RSG_IO;
}

enum rsg_err
rsg_source_read(struct rsg_source *s, void *p, size_t max, size_t *n)
{
	ssize_t got;

	*n = 0;
	if (s->fd < 0) {
		*n = s->left < max ? s->left : max;
		if (*n > 0)
			memcpy(p, s->memory, *n);
		s->memory += *n;
		s->left -= *n;
		return RSG_OK;
	}
	do
		got = read(s->fd, p, max);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		rsg_tell_errno("cannot read on");
		return RSG_IO;
	}
	*n = (size_t)got;
	return got == 0 ? end_of_gzip(s) : RSG_OK;
}

void
rsg_source_place(const struct rsg_source *s, int64_t *at, int64_t *of)
{
	off_t place;

	*at = *of = 0;
	if (s->disk < 0 || s->size == 0)
		return;
	if ((place = lseek(s->disk, 0, SEEK_CUR)) < 0)
		return;
	*at = place;
	*of = s->size;
}

void
rsg_source_close(struct rsg_source *s)
{
	if (s == NULL)
		return;
	if (s->gzip != 0) {
		kill(s->gzip, SIGKILL);
		while (waitpid(s->gzip, NULL, 0) < 0 && errno == EINTR)
			;
		close(s->fd);
	} else if (s->fd > 0 && s->fd != s->disk)
		close(s->fd);
	if (s->disk >= 0)
		close(s->disk);
	free(s);
}
