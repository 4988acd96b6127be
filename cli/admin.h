/*
 * admin.h - the client's end of the admin socket.
 *
 * Requests are frames as in resguardo/msg.h, several of them may be waiting;
 * replies come in any order and are matched by their serial.
 */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "cli/tell.h"
#include "resguardo/buf.h"
#include "resguardo/msg.h"

struct rsg_admin;

struct rsg_reply {
	struct rsg_head head;
	struct rsg_fields fields;	/* checked; valid until the next receive */
};

/*
 * Connect to STATE/run/admin.sock. RSG_PEER_GONE, with a line that says how to
 * start the server, when nobody listens; RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_admin_open(const char *state, struct rsg_admin **);
void rsg_admin_close(struct rsg_admin *);

/* A serial not used before on this connection. */
uint64_t rsg_admin_serial(struct rsg_admin *);

/* Send whole frames. Takes in replies meanwhile. RSG_PEER_GONE, with a line. */
RSG_MUST enum rsg_err rsg_admin_send(struct rsg_admin *, const struct rsg_buf *);

/* Wait for the next reply. RSG_PEER_GONE, with a line. */
RSG_MUST enum rsg_err rsg_admin_receive(struct rsg_admin *, struct rsg_reply *);

/*
 * Send one request and wait for its reply. RSG_OK when it was done; else the
 * reply's error, told in the person's language, or RSG_PEER_GONE.
 */
RSG_MUST enum rsg_err rsg_admin_ask(struct rsg_admin *, const struct rsg_buf *,
    struct rsg_reply *);

/*
 * Connect, send one request with these fields (NULL: none), show what comes
 * (NULL: nothing), and be done. Whatever fails has been told.
 */
enum rsg_exit rsg_admin_once(const char *state, enum rsg_op,
    const struct rsg_buf *fields, void (*show)(struct rsg_fields));

/*
 * The same of long work: each second `tell` is given the server's metrics, as
 * text, for it to say how far things have come.
 */
RSG_MUST enum rsg_err rsg_admin_watch(struct rsg_admin *, const struct rsg_buf *,
    struct rsg_reply *, void (*tell)(void *ctx, const uint8_t *text, size_t len),
    void *ctx);

/* Tell a reply's error, with the member or clause that it names. */
void rsg_admin_tell(const struct rsg_reply *);

/* How a program ends after this error. */
enum rsg_exit rsg_admin_exit(enum rsg_err);

#endif
