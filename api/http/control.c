#include "http/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS	4	/* room for more than the one that belongs */

/* All descriptors of a message; returns the first, closes the others. */
static int
take_descriptor(struct msghdr *m)
{
	struct cmsghdr *c;
	int fd, first = -1;
	size_t n;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (first < 0)
				first = fd;
			else
				close(fd);
		}
	}
	return first;
}

enum rsg_control
rsg_control_read(int socket, bool wait, int *fd)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	char byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
	    .msg_control = space, .msg_controllen = sizeof(space) };
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC |
		    (wait ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? RSG_CONTROL_NONE : RSG_CONTROL_QUIT;
	*fd = take_descriptor(&m);
	if (n == 1 && byte == 'C' && *fd >= 0)
		return RSG_CONTROL_CHANNEL;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return n == 0 || byte == 'Q' ? RSG_CONTROL_QUIT : RSG_CONTROL_NONE;
}

enum rsg_err
rsg_control_ready(int socket)
{
	ssize_t n;

	do
		n = send(socket, "R", 1, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == 1 ? RSG_OK : RSG_PEER_GONE;
}
