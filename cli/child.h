/*
 * child.h - one process of the server, as its supervisor sees it.
 *
 * A child is fork+exec'd with nothing but the descriptors named for it: 3 is
 * its control socket, 4 and up what it listens on. Over the control socket
 * the supervisor sends 'C' with one end of the stream that joins vault and
 * api, and 'Q' to stop; the child sends 'R' when it is ready.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RSG_CHILD_FDS	2
#define RSG_CHILD_ENV	96

struct rsg_child {
	const char *name;		/* "resguardo-vault", beside the program */
	const char *path;
	int fd[RSG_CHILD_FDS];		/* become 4, 5 ...; kept by the supervisor */
	size_t nfds;
	char *env[RSG_CHILD_ENV];	/* the whole environment; owned */
	size_t nenv;

	pid_t pid;			/* 0: not running */
	int control;			/* our end; -1: none */
	bool ready;
	bool ever_ready;
	int64_t started;		/* monotonic us */
	int64_t restart;		/* when to start it again; 0: not waiting */
	int64_t delay;			/* the next back-off, us */
	int64_t deadline;		/* stopping: when to be harsher; 0: not stopping */
	int harsher;			/* the signal to send then */
};

/* Add NAME=VALUE, or NAME as this process has it (nothing when it has not). */
bool rsg_child_env(struct rsg_child *, const char *name, const char *value);
void rsg_child_inherit(struct rsg_child *, const char *name);

/* Start it. False, logged, when it cannot be; the caller backs off. */
bool rsg_child_start(struct rsg_child *);

/* Send 'C' and an end of the channel. False when it is gone. */
bool rsg_child_join(struct rsg_child *, int fd);

/* Read what it sent; true when it has just become ready. */
bool rsg_child_heard(struct rsg_child *);

/*
 * It ended: log, close, and say when to start it again: 0.2 s doubling to
 * 30 s, from the start again once it was healthy for a minute.
 */
void rsg_child_ended(struct rsg_child *, int status);

/* Ask it to stop; rsg_child_harsher() follows when its deadline passes. */
void rsg_child_stop(struct rsg_child *);
void rsg_child_harsher(struct rsg_child *);

void rsg_child_free(struct rsg_child *);

#endif
