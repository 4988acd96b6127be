/*
 * listen.h - the sockets that the supervisor opens for its children.
 *
 * They live in the supervisor, so a child that crashes loses no address, and
 * the process that parses the network never has to open one.
 */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H

#include <stdbool.h>

/* Is this address the machine's own? Numeric, or "localhost". */
bool rsg_listen_loopback(const char *address);

/* A TCP listener; *port 0 becomes what was given. -1, with a line, on failure. */
int rsg_listen_tcp(const char *address, int *port);

/* A Unix socket of mode 0600 at DIR/NAME, whatever was there. -1 as above. */
int rsg_listen_unix(const char *dir, const char *name);

/* Connect to DIR/NAME, however long the path. -1 with errno. */
int rsg_listen_connect(const char *dir, const char *name);

/* Take DIR/lock for this process's life: one supervisor a state directory. */
bool rsg_listen_lock(const char *dir);

#endif
