/*
 * link.h - the vault process's sockets: the channel to the api process, and
 * the administrators' socket. Frames come in, calls go to the queue, answers
 * go out; nothing here knows what a call does.
 */
#ifndef RSG_LINK_H
#define RSG_LINK_H

#include "work/call.h"

struct rsg_link;

/* Called for every well-formed request; the receiver owns the call. */
typedef void rsg_link_take(void *ctx, struct rsg_call *);

/*
 * `control` is the supervisor's socket (channels arrive over it), `admin` a
 * listening Unix socket or -1. RSG_NO_MEMORY, RSG_IO.
 */
RSG_MUST enum rsg_err rsg_link_new(int control, int admin, rsg_link_take *,
    void *ctx, struct rsg_link **);
void rsg_link_free(struct rsg_link *);

/* Serve until the supervisor says stop or goes away. */
void rsg_link_run(struct rsg_link *);

/*
 * Send the answers of calls whose fate is settled, and free them. From any
 * thread. A connection that went away takes its answers with it.
 */
void rsg_link_answer(struct rsg_link *, struct rsg_call **, size_t n);

void rsg_call_free(struct rsg_call *);		/* wipes */

#endif
