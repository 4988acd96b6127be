#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/admin.h"
#include "cli/listen.h"
#include "cli/paths.h"

#define IN_MAX	(2 * (size_t)(RSG_MSG_HEAD + RSG_MSG_MAX))

struct rsg_admin {
	int fd;
	uint64_t serial;
	struct rsg_buf in;
	size_t at;			/* of the first byte not taken yet */
};

enum rsg_err
rsg_admin_open(const char *state, struct rsg_admin **out)
{
	char run[RSG_PATH_MAX];
	struct rsg_admin *a;
	int fd;

	*out = NULL;
	if (!rsg_paths_state(run, state, "run"))
		return RSG_CONFIG;
	if ((fd = rsg_listen_connect(run, "admin.sock")) < 0) {
		if (errno == EACCES)
			rsg_tell_error("the admin socket in %s belongs to another "
			    "user; run this as that one", run);
		else
			rsg_tell_error("no server is running on %s (start it: "
			    "resguardo serve --state %s)", state, state);
		return RSG_PEER_GONE;
	}
	if ((a = calloc(1, sizeof(*a))) == NULL) {
		close(fd);
		return RSG_NO_MEMORY;
	}
	/* Both sides may be full at once: neither may wait for the other. */
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	a->fd = fd;
	rsg_buf_init(&a->in, IN_MAX);
	*out = a;
	return RSG_OK;
}

void
rsg_admin_close(struct rsg_admin *a)
{
	if (a == NULL)
		return;
	close(a->fd);
	rsg_buf_free(&a->in);
	free(a);
}

uint64_t
rsg_admin_serial(struct rsg_admin *a)
{
	return ++a->serial;
}

static enum rsg_err
gone(void)
{
	rsg_tell_error("the server closed the connection; its log says why");
	return RSG_PEER_GONE;
}

/* Forget what was taken, so that the buffer need not grow for ever. */
static void
compact(struct rsg_admin *a)
{
	if (a->at == 0)
		return;
	memmove(a->in.p, a->in.p + a->at, a->in.len - a->at);
	a->in.len -= a->at;
	a->at = 0;
}

/* Take in what has arrived. */
static enum rsg_err
take(struct rsg_admin *a)
{
	uint8_t *p;
	ssize_t n;

	if ((p = rsg_buf_room(&a->in, 65536)) == NULL)
		return rsg_buf_err(&a->in);
	n = recv(a->fd, p, 65536, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return RSG_OK;
	if (n <= 0)
		return gone();
	a->in.len += (size_t)n;
	return RSG_OK;
}

enum rsg_err
rsg_admin_send(struct rsg_admin *a, const struct rsg_buf *b)
{
	struct pollfd p = { .fd = a->fd };
	size_t sent = 0;
	enum rsg_err e;
	ssize_t n;

	if ((e = rsg_buf_err(b)) != RSG_OK) {
		rsg_tell_err(e, NULL);
		return e;
	}
	compact(a);
	while (sent < b->len) {
		n = send(a->fd, b->p + sent, b->len - sent, MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return gone();
		p.events = POLLIN | POLLOUT;
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return gone();
		if ((p.revents & POLLIN) != 0 && (e = take(a)) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

/* The next whole frame, if it is here: *have. */
static enum rsg_err
frame(struct rsg_admin *a, struct rsg_reply *r, bool *have)
{
	const struct rsg_opinfo *op;
	enum rsg_field at;
	enum rsg_err e;
	size_t left = a->in.len - a->at;

	*have = false;
	if (left < RSG_MSG_HEAD)
		return RSG_OK;
	if ((e = rsg_msg_head(a->in.p + a->at, &r->head)) != RSG_OK)
		return e;
	if (left < RSG_MSG_HEAD + r->head.len)
		return RSG_OK;
	r->fields.p = a->in.p + a->at + RSG_MSG_HEAD;
	r->fields.len = r->head.len;
	a->at += RSG_MSG_HEAD + r->head.len;
	if ((op = rsg_msg_op(r->head.op)) == NULL || !r->head.reply)
		return RSG_MALFORMED;
	*have = true;
	return rsg_msg_check(r->fields, r->head.status == RSG_OK ? op->out :
	    RSG_SHAPE_NONE, RSG_SHAPE_TRAILER, &at);
}

/* The next reply, unless none has come in `ms` (-1: wait for it). */
static enum rsg_err
receive(struct rsg_admin *a, struct rsg_reply *r, int ms, bool *had)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	enum rsg_err e;
	bool have;
	int n;

	for (*had = true;;) {
		if ((e = frame(a, r, &have)) != RSG_OK) {
			rsg_tell_error("the server's answer could not be read; is it "
			    "of another version than this program?");
			return RSG_PEER_GONE;
		}
		if (have)
			return RSG_OK;
		compact(a);
		if ((n = poll(&p, 1, ms)) < 0 && errno != EINTR)
			return gone();
		if (n == 0) {
			*had = false;
			return RSG_OK;
		}
		if (p.revents != 0 && (e = take(a)) != RSG_OK)
			return e;
	}
}

enum rsg_err
rsg_admin_receive(struct rsg_admin *a, struct rsg_reply *r)
{
	bool had;

	return receive(a, r, -1, &had);
}

static enum rsg_err
ask_metrics(struct rsg_admin *a)
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_end(&b, rsg_msg_begin(&b, RSG_OP_METRICS, rsg_admin_serial(a)));
	e = rsg_admin_send(a, &b);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_admin_watch(struct rsg_admin *a, const struct rsg_buf *b, struct rsg_reply *r,
    void (*tell)(void *ctx, const uint8_t *text, size_t len), void *ctx)
{
	const uint8_t *text;
	size_t len;
	enum rsg_err e;
	bool had;

	/* Before it begins, so that what follows is of this work. */
	if ((e = ask_metrics(a)) != RSG_OK || (e = rsg_admin_send(a, b)) != RSG_OK)
		return e;
	for (;;) {
		if ((e = receive(a, r, 1000, &had)) != RSG_OK)
			return e;
		if (!had) {
			if ((e = ask_metrics(a)) != RSG_OK)
				return e;
			continue;
		}
		if (r->head.op != RSG_OP_METRICS)
			break;
		if (rsg_msg_get(r->fields, RSG_F_TEXT, &text, &len))
			tell(ctx, text, len);
	}
	if (r->head.status != RSG_OK)
		rsg_admin_tell(r);
	return r->head.status;
}

enum rsg_err
rsg_admin_ask(struct rsg_admin *a, const struct rsg_buf *b, struct rsg_reply *r)
{
	enum rsg_err e;

	if ((e = rsg_admin_send(a, b)) != RSG_OK ||
	    (e = rsg_admin_receive(a, r)) != RSG_OK)
		return e;
	if (r->head.status != RSG_OK)
		rsg_admin_tell(r);
	return r->head.status;
}

void
rsg_admin_tell(const struct rsg_reply *r)
{
	char member[129], clause[129], detail[300] = "";

	rsg_msg_get_text(r->fields, RSG_F_MEMBER, member, sizeof(member));
	rsg_msg_get_text(r->fields, RSG_F_CLAUSE, clause, sizeof(clause));
	if (*member != '\0' && *clause != '\0')
		snprintf(detail, sizeof(detail), "%s; %s", member, clause);
	else
		snprintf(detail, sizeof(detail), "%s%s", member, clause);
	rsg_tell_err(r->head.status, detail);
}

enum rsg_exit
rsg_admin_exit(enum rsg_err e)
{
	if (e == RSG_OK)
		return RSG_EXIT_OK;
	return e == RSG_PEER_GONE ? RSG_EXIT_UNREACHABLE : RSG_EXIT_FAILED;
}

enum rsg_exit
rsg_admin_once(const char *state, enum rsg_op op, const struct rsg_buf *fields,
    void (*show)(struct rsg_fields))
{
	struct rsg_admin *admin;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e;

	if ((e = rsg_admin_open(state, &admin)) != RSG_OK)
		return rsg_admin_exit(e);
	rsg_buf_init(&b, RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, op, rsg_admin_serial(admin));
	if (fields != NULL)
		rsg_buf_put(&b, fields->p, fields->len);
	rsg_msg_end(&b, begun);
	e = rsg_admin_ask(admin, &b, &reply);
	if (e == RSG_OK && show != NULL)
		show(reply.fields);
	rsg_buf_free(&b);
	rsg_admin_close(admin);
	return rsg_admin_exit(e);
}
