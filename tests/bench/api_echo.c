/*
 * api_echo.c - the api process with a vault process that answers at once.
 *
 *	bench_api_echo API-BINARY CERT KEY PORT SECONDS
 *
 * Stands in for the supervisor, so that the rate of the api process alone can
 * be measured with bench_load. Every call is answered with six fields.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resguardo/clock.h"
#include "resguardo/msg.h"

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static int
listen_on(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) != 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 1024) != 0)
		die("listen");
	return fd;
}

static void
send_channel(int control, int fd)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { (void *)(uintptr_t)"C", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
	    .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(control, &m, 0) != 1)
		die("sendmsg");
}

static void
answer(struct rsg_buf *out, const struct rsg_head *h)
{
	static const char *const fields[][2] = {
		{ "given_name", "Inés" }, { "family_name", "Carrasco" },
		{ "email", "ines.carrasco@example.org" },
		{ "phone", "+34600000000" }, { "city", "Zamora" },
		{ "postal_code", "49001" },
	};
	struct rsg_id id = rsg_id_new();
	size_t begun, mark;

	begun = rsg_msg_reply(out, (enum rsg_op)h->op, h->serial, RSG_OK);
	rsg_msg_id(out, RSG_F_SUBJECT, &id);
	rsg_msg_int(out, RSG_F_VERSION, 7);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		mark = rsg_msg_open(out, RSG_F_VALUES);
		rsg_msg_text(out, RSG_F_KEY, fields[i][0]);
		rsg_msg_text(out, RSG_F_VALUE, fields[i][1]);
		rsg_msg_close(out, mark);
	}
	rsg_msg_id(out, RSG_F_ENTRY, &id);
	rsg_msg_end(out, begun);
}

static void
echo(int fd, int64_t end)
{
	static uint8_t in[RSG_MSG_MAX];
	struct rsg_buf out;
	struct rsg_head h;
	size_t have = 0, used;
	ssize_t n;

	rsg_buf_init(&out, 64 * 1024 * 1024);
	while (rsg_clock_mono() < end &&
	    (n = recv(fd, in + have, sizeof(in) - have, 0)) > 0) {
		have += (size_t)n;
		for (used = 0; have - used >= RSG_MSG_HEAD; used += RSG_MSG_HEAD +
		    h.len) {
			if (rsg_msg_head(in + used, &h) != RSG_OK)
				exit(2);
			if (have - used < RSG_MSG_HEAD + h.len)
				break;
			answer(&out, &h);
		}
		memmove(in, in + used, have - used);
		have -= used;
		for (size_t sent = 0; sent < out.len; sent += (size_t)n)
			if ((n = send(fd, out.p + sent, out.len - sent, 0)) <= 0)
				exit(2);
		rsg_buf_reset(&out);
	}
}

int
main(int argc, char **argv)
{
	int control[2], channel[2], listener, status;
	struct timeval tick = { 1, 0 };
	struct rusage use;
	pid_t pid;
	char byte;

	if (argc != 6)
		die("usage: bench_api_echo API CERT KEY PORT SECONDS");
	setenv("RSG_TLS_CERT", argv[2], 1);
	setenv("RSG_TLS_KEY", argv[3], 1);
	listener = listen_on(atoi(argv[4]));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, channel) != 0)
		die("socketpair");
	if ((pid = fork()) == 0) {
		control[1] = fcntl(control[1], F_DUPFD, 100);
		listener = fcntl(listener, F_DUPFD, 100);
		dup2(control[1], 3);
		dup2(listener, 4);
		execl(argv[1], argv[1], (char *)NULL);
		_exit(127);
	}
	close(control[1]);
	close(listener);
	send_channel(control[0], channel[1]);
	close(channel[1]);
	if (recv(control[0], &byte, 1, 0) != 1)
		die("the api process did not start");
	puts("ready");
	fflush(stdout);
	setsockopt(channel[0], SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	for (int64_t end = rsg_clock_mono() + atoi(argv[5]) * RSG_US;
	    rsg_clock_mono() < end;)
		echo(channel[0], end);
	(void)send(control[0], "Q", 1, 0);
	waitpid(pid, &status, 0);
	getrusage(RUSAGE_CHILDREN, &use);
	printf("{\"api_cpu_s\":%.3f,\"api_resident_kib\":%ld,\"exit\":%d}\n",
	    (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
	    use.ru_maxrss, WEXITSTATUS(status));
	return status != 0;
}
