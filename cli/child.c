#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/child.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"

#define DELAY_FIRST	(RSG_US / 5)
#define DELAY_MOST	(30 * RSG_US)
#define HEALTHY		(60 * RSG_US)
#define PATIENCE	(10 * RSG_US)	/* from 'Q' to SIGTERM */
#define LAST_PATIENCE	(2 * RSG_US)	/* from SIGTERM to SIGKILL */
#define FIRST_FD	3

bool
rsg_child_env(struct rsg_child *c, const char *name, const char *value)
{
	char *pair;

	if (c->nenv + 1 >= RSG_CHILD_ENV ||
	    asprintf(&pair, "%s=%s", name, value) < 0)
		return false;
	c->env[c->nenv++] = pair;
	return true;
}

void
rsg_child_inherit(struct rsg_child *c, const char *name)
{
	const char *value = getenv(name);

	if (value != NULL && !rsg_child_env(c, name, value))
		rsg_log(RSG_LOG_WARN, "child.environment", "left_out", RSG_LOG_S,
		    name, NULL);
}

/*
 * Put fd[0..n) at 3, 4 ... and close everything above. They are first moved
 * out of the way, since one may stand where another has to go.
 */
static bool
place(const int *fd, size_t n)
{
	int away[RSG_CHILD_FDS + 1], null;

	for (size_t i = 0; i < n; i++)
		if ((away[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 64)) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		if (dup2(away[i], FIRST_FD + (int)i) < 0)
			return false;
	if ((null = open("/dev/null", O_RDONLY)) < 0 || dup2(null, 0) < 0)
		return false;
	return close_range((unsigned)FIRST_FD + (unsigned)n, ~0U, 0) == 0;
}

/* Between fork and exec: only calls that are safe there. */
static void
become(struct rsg_child *c, pid_t parent, int control)
{
	int fd[RSG_CHILD_FDS + 1];
	char *argv[2];
	sigset_t none;

	/* A child does not outlive its supervisor, however that one ends. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(127);
	/* Ctrl-C on a terminal is for the supervisor, which stops in order. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	fd[0] = control;
	for (size_t i = 0; i < c->nfds; i++)
		fd[i + 1] = c->fd[i];
	if (!place(fd, c->nfds + 1))
		_exit(127);
	argv[0] = (char *)(uintptr_t)c->name;
	argv[1] = NULL;
	execve(c->path, argv, c->env);
	_exit(127);
}

bool
rsg_child_start(struct rsg_child *c)
{
	pid_t parent = getpid();
	int pair[2];

	c->started = rsg_clock_mono();
	c->restart = 0;
	c->ready = false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair) != 0) {
		rsg_log(RSG_LOG_ERROR, "child.socket", "errno", RSG_LOG_S,
		    strerror(errno), NULL);
		return false;
	}
	/* Only our end is non-blocking: the child may simply wait on its own. */
	(void)fcntl(pair[1], F_SETFL, 0);
	c->pid = fork();
	if (c->pid == 0)
		become(c, parent, pair[1]);
	close(pair[1]);
	if (c->pid < 0) {
		rsg_log(RSG_LOG_ERROR, "child.fork", "errno", RSG_LOG_S,
		    strerror(errno), NULL);
		close(pair[0]);
		c->pid = 0;
		return false;
	}
	c->control = pair[0];
	rsg_log(RSG_LOG_INFO, "child.started", "child", RSG_LOG_S, c->name,
	    "pid", RSG_LOG_I, (int64_t)c->pid, NULL);
	return true;
}

static bool
send_byte(struct rsg_child *c, char byte, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *head;

	if (c->control < 0)
		return false;
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	return sendmsg(c->control, &msg, MSG_NOSIGNAL) == 1;
}

bool
rsg_child_join(struct rsg_child *c, int fd)
{
	return send_byte(c, 'C', fd);
}

bool
rsg_child_heard(struct rsg_child *c)
{
	char byte;
	ssize_t n = recv(c->control, &byte, 1, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		/* It is ending; the signal of its death follows. */
		close(c->control);
		c->control = -1;
		return false;
	}
	if (byte != 'R' || c->ready)
		return false;
	c->ready = c->ever_ready = true;
	rsg_log(RSG_LOG_INFO, "child.ready", "child", RSG_LOG_S, c->name, NULL);
	return true;
}

void
rsg_child_ended(struct rsg_child *c, int status)
{
	int64_t now = rsg_clock_mono();
	bool expected = c->deadline != 0;

	rsg_log(expected ? RSG_LOG_INFO : RSG_LOG_ERROR, "child.ended",
	    "child", RSG_LOG_S, c->name,
	    "status", RSG_LOG_I, (int64_t)(WIFEXITED(status) ?
	    WEXITSTATUS(status) : -1),
	    "signal", RSG_LOG_I, (int64_t)(WIFSIGNALED(status) ?
	    WTERMSIG(status) : 0), NULL);
	if (c->control >= 0)
		close(c->control);
	c->control = -1;
	c->pid = 0;
	c->ready = false;
	c->deadline = 0;
	if (expected)
		return;
	if (c->delay == 0 || now - c->started >= HEALTHY)
		c->delay = DELAY_FIRST;
	c->restart = now + c->delay;
	c->delay = c->delay * 2 > DELAY_MOST ? DELAY_MOST : c->delay * 2;
}

void
rsg_child_stop(struct rsg_child *c)
{
	c->restart = 0;
	if (c->pid == 0)
		return;
	(void)send_byte(c, 'Q', -1);
	c->deadline = rsg_clock_mono() + PATIENCE;
	c->harsher = SIGTERM;
}

void
rsg_child_harsher(struct rsg_child *c)
{
	rsg_log(RSG_LOG_WARN, "child.slow", "child", RSG_LOG_S, c->name,
	    "signal", RSG_LOG_I, (int64_t)c->harsher, NULL);
	kill(c->pid, c->harsher);
	c->deadline = rsg_clock_mono() + LAST_PATIENCE;
	c->harsher = SIGKILL;
}

void
rsg_child_free(struct rsg_child *c)
{
	for (size_t i = 0; i < c->nenv; i++)
		free(c->env[i]);
	c->nenv = 0;
}
