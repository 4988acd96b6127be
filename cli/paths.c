#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/tell.h"

static bool
join(char out[RSG_PATH_MAX], const char *dir, const char *rel)
{
	int n = snprintf(out, RSG_PATH_MAX, "%s/%s", dir, rel);

	if (n < 0 || n >= RSG_PATH_MAX) {
		rsg_tell_error("the path is too long");
		return false;
	}
	return true;
}

bool
rsg_paths_state(char out[RSG_PATH_MAX], const char *state, const char *rel)
{
	return join(out, state, rel);
}

bool
rsg_paths_beside(char out[RSG_PATH_MAX], const char *name)
{
	char dir[RSG_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	char *slash;

	if (n < 0) {
		rsg_tell_errno("cannot read /proc/self/exe");
		return false;
	}
	dir[n] = '\0';
	if ((slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
	return join(out, dir, name);
}

bool
rsg_paths_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool
rsg_paths_share(char out[RSG_PATH_MAX], const char *name)
{
	static const char *const places[] = { "..", "../share/resguardo" };
	char rel[256];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(rel, sizeof(rel), "%s/%s", places[i], name);
		if (!rsg_paths_beside(out, rel))
			return false;
		if (rsg_paths_exists(out))
			return true;
	}
	return join(out, ".", name);
}

bool
rsg_paths_folder(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	rsg_tell_errno("cannot make the folder %s", path);
	return false;
}

static bool
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* The name itself is durable only once its folder is synced. */
static bool
sync_folder(const char *path)
{
	char dir[RSG_PATH_MAX];
	char *slash;
	int fd, ok;

	snprintf(dir, sizeof(dir), "%s", path);
	if ((slash = strrchr(dir, '/')) == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		*slash = '\0';
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

bool
rsg_paths_write(const char *path, mode_t mode, const void *p, size_t len)
{
	char other[RSG_PATH_MAX];
	bool ok;
	int fd;

	if (snprintf(other, sizeof(other), "%s.new", path) >= RSG_PATH_MAX) {
		rsg_tell_error("the path is too long");
		return false;
	}
	/* What an interrupted run left is ours to replace. */
	unlink(other);
	fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		rsg_tell_errno("cannot write %s", other);
		return false;
	}
	ok = fchmod(fd, mode) == 0 && write_all(fd, p, len) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && rename(other, path) == 0 && sync_folder(path);
	if (!ok) {
		rsg_tell_errno("cannot write %s", path);
		unlink(other);
	}
	return ok;
}

/* Is there a password in a URL (before the @, or as a parameter)? */
static bool
url_password(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	size_t n = strcspn(host, "/?");
	const char *at = memchr(host, '@', n);

	return at != NULL && memchr(host, ':', (size_t)(at - host)) != NULL;
}

static bool
holds_password(const char *conninfo)
{
	const char *p;

	if (strstr(conninfo, "://") != NULL && url_password(conninfo))
		return true;
	/* "password" and "sslpassword", as keyword or URL parameter. */
	for (p = conninfo; (p = strcasestr(p, "password")) != NULL; p++)
		if (p[8 + strspn(p + 8, " \t")] == '=')
			return true;
	return false;
}

bool
rsg_paths_database(char out[1024], const char *given, const char *state,
    const char *role)
{
	char run[RSG_PATH_MAX], real[RSG_PATH_MAX];
	int n;

	if (given != NULL) {
		if (holds_password(given)) {
			rsg_tell_error("the connection string holds a password: "
			    "every process of this machine could read it. Put it "
			    "in a password file (~/.pgpass or PGPASSFILE)");
			return false;
		}
		if (strstr(given, "://") != NULL || strstr(given, "user=") != NULL)
			n = snprintf(out, 1024, "%s", given);
		else
			n = snprintf(out, 1024, "%s user=%s", given, role);
	} else {
		if (!rsg_paths_state(run, state, "run"))
			return false;
		if (realpath(run, real) == NULL) {
			rsg_tell_errno("no folder %s", run);
			return false;
		}
		/* A folder's name may hold blanks and quotes: quote it. */
		if (strpbrk(real, "'\\") != NULL) {
			rsg_tell_error("the state directory's name may hold no "
			    "quote and no backslash");
			return false;
		}
		n = snprintf(out, 1024, "host='%s' dbname=resguardo user=%s",
		    real, role);
	}
	if (n < 0 || n >= 1024) {
		rsg_tell_error("the connection string is too long");
		return false;
	}
	return true;
}
