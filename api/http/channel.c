#include "http/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resguardo/secret.h"

#define OUT_MAX	(8u * 1024 * 1024)	/* bytes that may wait to be sent */

enum rsg_err
rsg_channel_init(struct rsg_channel *c)
{
	c->fd = -1;
	c->sent = c->in_len = 0;
	rsg_buf_init(&c->out, OUT_MAX);
	/* Untouched pages cost nothing: most replies are small. */
	c->in = malloc(RSG_MSG_MAX);
	return c->in != NULL ? RSG_OK : RSG_NO_MEMORY;
}

void
rsg_channel_free(struct rsg_channel *c)
{
	rsg_channel_drop(c);
	rsg_buf_free(&c->out);
	free(c->in);
	c->in = NULL;
}

void
rsg_channel_drop(struct rsg_channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	rsg_buf_reset(&c->out);
	c->sent = 0;
	if (c->in != NULL)
		rsg_secret_wipe(c->in, c->in_len);
	c->in_len = 0;
}

void
rsg_channel_use(struct rsg_channel *c, int fd)
{
	rsg_channel_drop(c);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	c->fd = fd;
}

enum rsg_err
rsg_channel_add(struct rsg_channel *c, enum rsg_op op, uint64_t serial,
    const struct rsg_buf *fields)
{
	size_t begun;

	if (c->fd < 0)
		return RSG_PEER_GONE;
	if (fields->len > RSG_MSG_MAX - RSG_MSG_HEAD)
		return RSG_TOO_LARGE;
	/* A failed append would stick, and spoil what waits: look first. */
	if (RSG_MSG_HEAD + fields->len > OUT_MAX - c->out.len)
		return RSG_BUSY;
	if (rsg_buf_room(&c->out, RSG_MSG_HEAD + fields->len) == NULL)
		return RSG_NO_MEMORY;
	begun = rsg_msg_begin(&c->out, op, serial);
	rsg_buf_put(&c->out, fields->p, fields->len);
	rsg_msg_end(&c->out, begun);
	return RSG_OK;
}

bool
rsg_channel_waiting(const struct rsg_channel *c)
{
	return c->fd >= 0 && c->out.len > c->sent;
}

enum rsg_err
rsg_channel_flush(struct rsg_channel *c)
{
	ssize_t n;

	if (!rsg_channel_waiting(c))
		return RSG_OK;
	n = send(c->fd, c->out.p + c->sent, c->out.len - c->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RSG_OK :
		    RSG_PEER_GONE;
	c->sent += (size_t)n;
	if (c->sent == c->out.len) {
		rsg_buf_reset(&c->out);
		c->sent = 0;
	}
	return RSG_OK;
}

/* Hand over the whole frames; *used is what they took. */
static enum rsg_err
take_frames(struct rsg_channel *c, rsg_channel_fn *fn, void *arg, size_t *used)
{
	struct rsg_fields fields;
	struct rsg_head h;
	const uint8_t *p;

	for (*used = 0; c->in_len - *used >= RSG_MSG_HEAD;) {
		p = c->in + *used;
		if (rsg_msg_head(p, &h) != RSG_OK || !h.reply)
			return RSG_MALFORMED;
		if (c->in_len - *used - RSG_MSG_HEAD < h.len)
			break;
		fields = (struct rsg_fields){ p + RSG_MSG_HEAD, h.len };
		fn(arg, &h, fields);
		*used += RSG_MSG_HEAD + h.len;
	}
	return RSG_OK;
}

enum rsg_err
rsg_channel_read(struct rsg_channel *c, rsg_channel_fn *fn, void *arg)
{
	size_t used, left;
	ssize_t n;
	enum rsg_err e;

	n = recv(c->fd, c->in + c->in_len, RSG_MSG_MAX - c->in_len,
	    MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RSG_OK :
		    RSG_PEER_GONE;
	if (n == 0)
		return RSG_PEER_GONE;
	c->in_len += (size_t)n;
	if ((e = take_frames(c, fn, arg, &used)) != RSG_OK)
		return e;
	left = c->in_len - used;
	memmove(c->in, c->in + used, left);
	rsg_secret_wipe(c->in + left, used);
	c->in_len = left;
	return RSG_OK;
}
