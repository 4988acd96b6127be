#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/listen.h"
#include "cli/paths.h"
#include "cli/tell.h"

#define BACKLOG	1024

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool
parse(const char *text, int port, union address *a, socklen_t *len)
{
	memset(a, 0, sizeof(*a));
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		*len = sizeof(a->v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons((uint16_t)port);
		*len = sizeof(a->v6);
		return true;
	}
	return false;
}

bool
rsg_listen_loopback(const char *text)
{
	union address a;
	socklen_t len;

	if (!parse(text, 0, &a, &len))
		return false;
	if (a.any.sa_family == AF_INET)
		return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}

static int
port_of(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) != 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

int
rsg_listen_tcp(const char *text, int *port)
{
	union address a;
	socklen_t len;
	int fd, one = 1;

	if (!parse(text, *port, &a, &len)) {
		rsg_tell_error("not an address: %s (a number such as 127.0.0.1, "
		    "0.0.0.0, ::1 or ::)", text);
		return -1;
	}
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		rsg_tell_errno("no socket");
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &a.any, len) != 0 || listen(fd, BACKLOG) != 0) {
		rsg_tell_errno("cannot listen on %s, port %d", text, *port);
		close(fd);
		return -1;
	}
	*port = port_of(fd);
	return fd;
}

/*
 * A Unix address holds 107 bytes and state directories can be deep: name the
 * socket through a descriptor of its folder. The descriptor is the caller's.
 */
static int
unix_address(const char *dir, const char *name, struct sockaddr_un *a)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s", fd, name);
	return fd;
}

int
rsg_listen_unix(const char *dir, const char *name)
{
	struct sockaddr_un a;
	int folder, fd = -1;
	mode_t mask;
	bool ok;

	if ((folder = unix_address(dir, name, &a)) < 0) {
		rsg_tell_errno("no folder %s", dir);
		return -1;
	}
	unlinkat(folder, name, 0);
	/* The mode has to be right from the first instant. */
	mask = umask(0177);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(fd, BACKLOG) == 0;
	umask(mask);
	if (!ok) {
		rsg_tell_errno("cannot listen on %s/%s", dir, name);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	close(folder);
	return fd;
}

int
rsg_listen_connect(const char *dir, const char *name)
{
	struct sockaddr_un a;
	int folder, fd, saved;

	if ((folder = unix_address(dir, name, &a)) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	saved = errno;
	close(folder);
	errno = saved;
	return fd;
}

bool
rsg_listen_lock(const char *dir)
{
	char path[RSG_PATH_MAX];
	int fd;

	if (!rsg_paths_state(path, dir, "lock"))
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rsg_tell_errno("cannot open %s", path);
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		rsg_tell_error("a server is already running on this state directory");
		close(fd);
		return false;
	}
	/* Never closed: the lock ends with the process. */
	return true;
}
