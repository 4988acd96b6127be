/*
 * conn.h - the connections that are open, each with its one request.
 *
 * A slot's number and generation make the serial of a call, so that a reply
 * that comes too late finds nobody. Waiting ones stand in a queue by the time
 * they were sent, which is also the order of their deadlines: one queue of the
 * short calls, one of the long.
 */
#ifndef RESGUARDO_API_HTTP_CONN_H
#define RESGUARDO_API_HTTP_CONN_H

#include <microhttpd.h>

#include "http/request.h"

/* IDLE until a request line comes; BODY while there is more to read; REFUSED
 * when what is left of it is thrown away before the error is told; WAITING for the vault
 * process; ANSWERED with `response` made; SENDING once it is queued. */
enum rsg_stage { RSG_IDLE, RSG_HEAD_READ, RSG_BODY_READ, RSG_REFUSED,
	RSG_WAITING, RSG_ANSWERED, RSG_SENDING };

struct rsg_conn {
	uint32_t slot, generation;
	enum rsg_listener listener;
	struct MHD_Connection *mhd;
	int fd;
	int64_t deadline;		/* monotonic; then it is shut down */
	bool shut;

	enum rsg_stage stage;
	struct rsg_request rq;
	int64_t started;
	enum rsg_err refused;		/* what to answer after REFUSED */
	size_t discarded, body_bytes;
	struct MHD_Response *response;
	int status;
	size_t out_bytes;
	struct rsg_conn *next, *prev;	/* among the waiting */
	struct rsg_line *line;		/* in which it stands */
	int64_t call_deadline;
};

/* Those that wait, oldest first. */
struct rsg_line {
	struct rsg_conn *first, *last;
	size_t n;
};

struct rsg_conns {
	struct rsg_conn **slot;
	uint32_t *spare;
	size_t n, spares, open, active;
	uint64_t bodies;		/* bytes of bodies held */
	struct rsg_line brief, lengthy;
};

RSG_MUST enum rsg_err rsg_conns_init(struct rsg_conns *, size_t most);
void rsg_conns_free(struct rsg_conns *);

/* A new connection, or NULL when there is no place or no memory. */
struct rsg_conn *rsg_conn_new(struct rsg_conns *, enum rsg_listener,
    struct MHD_Connection *, int64_t now);
void rsg_conn_free(struct rsg_conns *, struct rsg_conn *);

/* A request's first line is there, or the request is over. */
void rsg_conn_begin(struct rsg_conns *, struct rsg_conn *, int64_t now);
void rsg_conn_end(struct rsg_conns *, struct rsg_conn *, int64_t now);

/* Into the queue of those that wait, or RSG_BUSY when as many wait as may; and
 * out of it. */
RSG_MUST enum rsg_err rsg_conn_wait(struct rsg_conns *, struct rsg_conn *, int64_t now);
void rsg_conn_unwait(struct rsg_conn *);
size_t rsg_conns_waiting(const struct rsg_conns *);
/* Who waits longest of those whose call's deadline has come; NULL: nobody. */
struct rsg_conn *rsg_conns_late(const struct rsg_conns *, int64_t now);

uint64_t rsg_conn_serial(const struct rsg_conn *);
/* The waiting connection of that serial, or NULL. */
struct rsg_conn *rsg_conn_find(struct rsg_conns *, uint64_t serial);

/* Shut down what is past its deadline; returns how many. */
size_t rsg_conns_sweep(struct rsg_conns *, int64_t now);

#endif
