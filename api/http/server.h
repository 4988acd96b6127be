/*
 * server.h - the event loop of the process that faces the network.
 *
 * One thread does it all: it takes what the sockets have, sends all calls
 * that came of it with one system call, and answers all replies of one read.
 * So nothing needs a lock, and the sandbox binds everything there is. A
 * machine with more cores runs more such processes: they share nothing.
 */
#ifndef RESGUARDO_API_HTTP_SERVER_H
#define RESGUARDO_API_HTTP_SERVER_H

#include "resguardo/err.h"

struct rsg_server;

struct rsg_server_options {
	int control, https, metrics;	/* descriptors; metrics may be -1 */
	int channel;			/* the first one, already received */
	const char *cert, *key;		/* PEM, with a final NUL */
};

/*
 * Make the listeners ready; nothing is accepted yet. The key may be wiped
 * after it. RSG_CONFIG (logged): certificate and key do not go together, say.
 */
RSG_MUST enum rsg_err rsg_server_new(const struct rsg_server_options *,
    struct rsg_server **);

/* Serve until told to stop, finish what is under way, free everything. */
RSG_MUST enum rsg_err rsg_server_run(struct rsg_server *);

#endif
