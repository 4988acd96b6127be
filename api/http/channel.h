/*
 * channel.h - frames to and from the vault process over one stream socket.
 *
 * Frames gather in a buffer and leave together, so that many requests cost
 * one system call; so do replies. What is read from the peer is checked by
 * length here and by shape where it is used. Bytes that went by are wiped.
 */
#ifndef RESGUARDO_API_HTTP_CHANNEL_H
#define RESGUARDO_API_HTTP_CHANNEL_H

#include <stdbool.h>

#include "resguardo/msg.h"

struct rsg_channel {
	int fd;			/* -1: there is no vault process now */
	struct rsg_buf out;
	size_t sent;		/* of `out` */
	uint8_t *in;
	size_t in_len;
};

/* One whole frame; the fields are borrowed until it returns. */
typedef void rsg_channel_fn(void *, const struct rsg_head *, struct rsg_fields);

RSG_MUST enum rsg_err rsg_channel_init(struct rsg_channel *);
void rsg_channel_free(struct rsg_channel *);

/* Take over a socket (made non-blocking), dropping what there was. */
void rsg_channel_use(struct rsg_channel *, int fd);
void rsg_channel_drop(struct rsg_channel *);

/* Queue a call. RSG_OK, RSG_PEER_GONE, RSG_TOO_LARGE, RSG_BUSY,
 * RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_channel_add(struct rsg_channel *, enum rsg_op,
    uint64_t serial, const struct rsg_buf *fields);

/* Send what waits, as far as the socket takes it. RSG_OK, RSG_PEER_GONE. */
RSG_MUST enum rsg_err rsg_channel_flush(struct rsg_channel *);
bool rsg_channel_waiting(const struct rsg_channel *);

/*
 * Read what is there and hand over each whole frame. RSG_OK; RSG_PEER_GONE
 * on end of file; RSG_MALFORMED for a frame that none of ours would send.
 */
RSG_MUST enum rsg_err rsg_channel_read(struct rsg_channel *, rsg_channel_fn *,
    void *);

#endif
