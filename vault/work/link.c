#include <sys/eventfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/link.h"

#define CONNS		32
#define READ_CHUNK	65536
#define OUT_MAX		(64u * 1024 * 1024)	/* unsent answers before a peer is dropped */

struct conn {
	int fd;				/* -1: free */
	uint64_t id;
	unsigned socket;
	struct rsg_buf in, out;
	size_t sent;			/* of out */
};

struct rsg_link {
	int control, admin, wake;
	rsg_link_take *take;
	void *ctx;
	bool stop;
	uint64_t last_id;
	pthread_mutex_t lock;		/* over conn[].out, fd and id */
	struct conn conn[CONNS];
};

void
rsg_call_free(struct rsg_call *c)
{
	if (c == NULL)
		return;
	if (c->bytes != NULL) {
		rsg_secret_wipe(c->bytes, c->nbytes);
		free(c->bytes);
	}
	rsg_buf_free(&c->out);
	rsg_secret_wipe(c, sizeof(*c));
	free(c);
}

enum rsg_err
rsg_link_new(int control, int admin, rsg_link_take *take, void *ctx,
    struct rsg_link **out)
{
	struct rsg_link *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return RSG_NO_MEMORY;
	l->control = control;
	l->admin = admin;
	l->take = take;
	l->ctx = ctx;
	pthread_mutex_init(&l->lock, NULL);
	for (size_t i = 0; i < CONNS; i++)
		l->conn[i].fd = -1;
	if ((l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		rsg_link_free(l);
		return RSG_IO;
	}
	*out = l;
	return RSG_OK;
}

static void
conn_close(struct rsg_link *l, struct conn *c)
{
	pthread_mutex_lock(&l->lock);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->id = 0;
	c->sent = 0;
	rsg_buf_free(&c->in);
	rsg_buf_free(&c->out);
	pthread_mutex_unlock(&l->lock);
}

void
rsg_link_free(struct rsg_link *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < CONNS; i++)
		conn_close(l, &l->conn[i]);
	if (l->wake > 0)
		close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
conn_open(struct rsg_link *l, int fd, unsigned socket)
{
	struct conn *c = NULL;
	int big = 1 << 20;

	for (size_t i = 0; i < CONNS && c == NULL; i++)
		if (l->conn[i].fd == -1)
			c = &l->conn[i];
	if (c == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		close(fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	pthread_mutex_lock(&l->lock);
	rsg_buf_init(&c->in, RSG_MSG_HEAD + RSG_MSG_MAX + READ_CHUNK);
	rsg_buf_init(&c->out, OUT_MAX);
	c->fd = fd;
	c->id = ++l->last_id;
	c->socket = socket;
	c->sent = 0;
	pthread_mutex_unlock(&l->lock);
}

/* Only root and the user we run as may administer. */
static void
admin_accept(struct rsg_link *l)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(l->admin, NULL, NULL, SOCK_CLOEXEC);

	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
	    (peer.uid != 0 && peer.uid != geteuid())) {
		rsg_log(RSG_LOG_WARN, "admin.refused", "uid", RSG_LOG_I,
		    (int64_t)peer.uid, NULL);
		close(fd);
		return;
	}
	conn_open(l, fd, RSG_SOCKET_ADMIN);
}

/* 'C' with a descriptor: a new channel to the api process. 'Q' or end: stop. */
static void
control_read(struct rsg_link *l)
{
	char byte = 0;
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
	    .msg_control = &ctl, .msg_controllen = sizeof(ctl) };
	struct cmsghdr *h;
	ssize_t n = recvmsg(l->control, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fd;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || byte == 'Q') {
		l->stop = true;
		return;
	}
	h = CMSG_FIRSTHDR(&m);
	if (byte != 'C' || h == NULL || h->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	for (size_t i = 0; i < CONNS; i++)
		if (l->conn[i].fd != -1 && l->conn[i].socket == RSG_SOCKET_API)
			conn_close(l, &l->conn[i]);
	conn_open(l, fd, RSG_SOCKET_API);
	rsg_log(RSG_LOG_INFO, "channel.open", NULL);
}

/*
 * One frame into a call. A frame that is not of our own making ends the
 * connection; one whose fields do not fit its shape is answered.
 */
static bool
frame_take(struct rsg_link *l, struct conn *conn, const struct rsg_head *h,
    const uint8_t *fields)
{
	const struct rsg_opinfo *op = rsg_msg_op((enum rsg_op)h->op);
	enum rsg_field at = RSG_F__MAX;
	struct rsg_call *c;
	enum rsg_err e;

	if (op == NULL || h->reply || !(op->sockets & conn->socket))
		return false;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->bytes = malloc((size_t)h->len + 1)) == NULL) {
		free(c);
		return false;
	}
	memcpy(c->bytes, fields, h->len);
	c->nbytes = h->len;
	c->op = (enum rsg_op)h->op;
	c->socket = conn->socket;
	c->serial = h->serial;
	c->conn = conn->id;
	c->arrived = rsg_clock_mono();
	c->in = (struct rsg_fields){ c->bytes, c->nbytes };
	rsg_buf_init(&c->out, RSG_MSG_MAX);
	e = rsg_msg_check(c->in, op->in, RSG_SHAPE_CONTEXT, &at);
	if (e != RSG_OK) {
		rsg_call_fail(c, e, at < RSG_F__MAX ? rsg_msg_field(at)->json : NULL, NULL);
		rsg_link_answer(l, &c, 1);
		return true;
	}
	l->take(l->ctx, c);
	return true;
}

/* Take every whole frame out of the buffer. False: the peer is to be dropped. */
static bool
frames(struct rsg_link *l, struct conn *c)
{
	struct rsg_head h;
	size_t done = 0;

	while (c->in.len - done >= RSG_MSG_HEAD) {
		if (rsg_msg_head(c->in.p + done, &h) != RSG_OK)
			return false;
		if (c->in.len - done < RSG_MSG_HEAD + (size_t)h.len)
			break;
		if (!frame_take(l, c, &h, c->in.p + done + RSG_MSG_HEAD))
			return false;
		done += RSG_MSG_HEAD + (size_t)h.len;
	}
	if (done > 0) {
		memmove(c->in.p, c->in.p + done, c->in.len - done);
		rsg_secret_wipe(c->in.p + (c->in.len - done), done);
		c->in.len -= done;
	}
	return true;
}

static bool
conn_read(struct rsg_link *l, struct conn *c)
{
	uint8_t *p = rsg_buf_room(&c->in, READ_CHUNK);
	ssize_t n;

	if (p == NULL)
		return false;
	n = recv(c->fd, p, READ_CHUNK, 0);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	c->in.len += (size_t)n;
	return frames(l, c);
}

/* Send what waits; called with the lock held. False: the peer is gone. */
static bool
conn_send(struct conn *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.p + c->sent, c->out.len - c->sent,
		    MSG_NOSIGNAL);

		if (n == -1)
			return errno == EAGAIN || errno == EINTR;
		c->sent += (size_t)n;
	}
	c->sent = 0;
	rsg_buf_reset(&c->out);
	return true;
}

static void
put_reply(struct rsg_buf *b, const struct rsg_call *c)
{
	static const struct rsg_id none;
	size_t at = rsg_msg_reply(b, c->op, c->serial, c->status);

	if (c->status == RSG_OK)
		rsg_buf_put(b, c->out.p, c->out.len);
	else {
		if (c->member[0] != '\0')
			rsg_msg_text(b, RSG_F_MEMBER, c->member);
		if (c->clause[0] != '\0')
			rsg_msg_text(b, RSG_F_CLAUSE, c->clause);
		if (c->retry_after > 0)
			rsg_msg_int(b, RSG_F_RETRY_AFTER, c->retry_after);
	}
	if (c->audited && !rsg_id_eq(&c->draft.entry, &none))
		rsg_msg_id(b, RSG_F_ENTRY, &c->draft.entry);
	rsg_msg_end(b, at);
}

void
rsg_link_answer(struct rsg_link *l, struct rsg_call **calls, size_t n)
{
	uint64_t one = 1;
	bool more = false;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < CONNS; k++)
			if (l->conn[k].fd != -1 && l->conn[k].id == calls[i]->conn)
				put_reply(&l->conn[k].out, calls[i]);
	for (size_t k = 0; k < CONNS; k++)
		if (l->conn[k].fd != -1 && l->conn[k].out.len > 0) {
			/* A peer that is gone is noticed by the reader. */
			(void)conn_send(&l->conn[k]);
			more = more || l->conn[k].out.len > 0;
		}
	pthread_mutex_unlock(&l->lock);
	if (more && write(l->wake, &one, sizeof(one)) == -1 && errno != EAGAIN)
		rsg_log(RSG_LOG_ERROR, "link.wake", NULL);
	for (size_t i = 0; i < n; i++)
		rsg_call_free(calls[i]);
}

static void
conn_poll(struct rsg_link *l, struct conn *c, short events)
{
	bool ok = true;

	if (events & (POLLIN | POLLHUP | POLLERR))
		ok = conn_read(l, c);
	if (ok && (events & POLLOUT)) {
		pthread_mutex_lock(&l->lock);
		ok = conn_send(c) && !c->out.failed;
		pthread_mutex_unlock(&l->lock);
	}
	if (!ok)
		conn_close(l, c);
}

void
rsg_link_run(struct rsg_link *l)
{
	struct pollfd p[CONNS + 3];
	struct conn *who[CONNS + 3];
	uint64_t count;

	while (!l->stop) {
		nfds_t n = 3;

		p[0] = (struct pollfd){ .fd = l->control, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = l->admin, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = l->wake, .events = POLLIN };
		pthread_mutex_lock(&l->lock);
		for (size_t i = 0; i < CONNS; i++)
			if (l->conn[i].fd != -1) {
				short want = POLLIN;

				if (l->conn[i].out.len > 0)
					want |= POLLOUT;
				who[n] = &l->conn[i];
				p[n++] = (struct pollfd){ .fd = l->conn[i].fd, .events = want };
			}
		pthread_mutex_unlock(&l->lock);
		if (poll(p, n, -1) == -1)
			continue;
		if (p[2].revents && read(l->wake, &count, sizeof(count)) == -1 &&
		    errno != EAGAIN)
			rsg_log(RSG_LOG_ERROR, "link.wake", NULL);
		for (nfds_t i = 3; i < n; i++)
			if (p[i].revents)
				conn_poll(l, who[i], p[i].revents);
		if (p[1].revents & POLLIN)
			admin_accept(l);
		if (p[0].revents)
			control_read(l);
	}
}
