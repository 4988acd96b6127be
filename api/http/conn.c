#include "http/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/limits.h"
#include "resguardo/secret.h"

#define MS	INT64_C(1000)	/* deadlines are microseconds */

enum rsg_err
rsg_conns_init(struct rsg_conns *c, size_t most)
{
	memset(c, 0, sizeof(*c));
	c->slot = calloc(most, sizeof(struct rsg_conn *));
	c->spare = calloc(most, sizeof(*c->spare));
	if (c->slot == NULL || c->spare == NULL) {
		rsg_conns_free(c);
		return RSG_NO_MEMORY;
	}
	c->n = most;
	for (c->spares = 0; c->spares < most; c->spares++)
		c->spare[c->spares] = (uint32_t)(most - 1 - c->spares);
	return RSG_OK;
}

void
rsg_conns_free(struct rsg_conns *c)
{
	free(c->slot);
	free(c->spare);
	memset(c, 0, sizeof(*c));
}

struct rsg_conn *
rsg_conn_new(struct rsg_conns *all, enum rsg_listener listener,
    struct MHD_Connection *mhd, int64_t now)
{
	const union MHD_ConnectionInfo *info;
	struct rsg_conn *c;

	if (all->spares == 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->slot = all->spare[--all->spares];
	all->slot[c->slot] = c;
	all->open++;
	/* Late replies to whoever had the slot before must not fit. */
	c->generation = (uint32_t)rsg_secret_random64();
	c->listener = listener;
	c->mhd = mhd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info != NULL ? info->connect_fd : -1;
	c->deadline = now + rsg_limit[RSG_LIMIT_HEAD_MS] * MS;
	rsg_request_init(&c->rq);
	return c;
}

void
rsg_conn_free(struct rsg_conns *all, struct rsg_conn *c)
{
	if (c == NULL)
		return;
	rsg_conn_end(all, c, 0);
	rsg_buf_free(&c->rq.target);
	rsg_buf_free(&c->rq.msg);
	rsg_buf_free(&c->rq.body);
	rsg_buf_free(&c->rq.rejected);
	all->slot[c->slot] = NULL;
	all->spare[all->spares++] = c->slot;
	all->open--;
	free(c);
}

void
rsg_conn_begin(struct rsg_conns *all, struct rsg_conn *c, int64_t now)
{
	rsg_conn_end(all, c, now);
	c->started = now;
	c->stage = RSG_HEAD_READ;
	all->active++;
}

void
rsg_conn_end(struct rsg_conns *all, struct rsg_conn *c, int64_t now)
{
	if (c->stage == RSG_IDLE)
		return;
	if (c->stage == RSG_WAITING)
		rsg_conn_unwait(c);
	if (c->response != NULL)
		MHD_destroy_response(c->response);
	c->response = NULL;
	all->bodies -= c->body_bytes;
	all->active--;
	c->body_bytes = c->discarded = c->out_bytes = 0;
	c->refused = RSG_OK;
	c->status = 0;
	c->stage = RSG_IDLE;
	c->generation++;
	c->deadline = now + rsg_limit[RSG_LIMIT_IDLE_MS] * MS;
	rsg_request_reset(&c->rq);
}

enum rsg_err
rsg_conn_wait(struct rsg_conns *all, struct rsg_conn *c, int64_t now)
{
	bool lengthy = (rsg_msg_op(c->rq.match.route->op)->sockets & RSG_CALL_LONG) != 0;
	struct rsg_line *line = lengthy ? &all->lengthy : &all->brief;

	if (line->n >= (size_t)rsg_limit[lengthy ? RSG_LIMIT_LONG : RSG_LIMIT_WAITING])
		return RSG_BUSY;
	c->stage = RSG_WAITING;
	c->deadline = INT64_MAX;	/* a suspended connection is not swept */
	c->call_deadline = now + MS *
	    rsg_limit[lengthy ? RSG_LIMIT_LONG_MS : RSG_LIMIT_VAULT_MS];
	c->line = line;
	c->next = NULL;
	c->prev = line->last;
	if (line->last != NULL)
		line->last->next = c;
	else
		line->first = c;
	line->last = c;
	line->n++;
	return RSG_OK;
}

void
rsg_conn_unwait(struct rsg_conn *c)
{
	struct rsg_line *line = c->line;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		line->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		line->last = c->prev;
	c->next = c->prev = NULL;
	c->line = NULL;
	line->n--;
	c->stage = RSG_HEAD_READ;
}

size_t
rsg_conns_waiting(const struct rsg_conns *all)
{
	return all->brief.n + all->lengthy.n;
}

struct rsg_conn *
rsg_conns_late(const struct rsg_conns *all, int64_t now)
{
	if (all->brief.first != NULL && all->brief.first->call_deadline <= now)
		return all->brief.first;
	if (all->lengthy.first != NULL && all->lengthy.first->call_deadline <= now)
		return all->lengthy.first;
	return NULL;
}

uint64_t
rsg_conn_serial(const struct rsg_conn *c)
{
	return (uint64_t)c->generation << 32 | c->slot;
}

struct rsg_conn *
rsg_conn_find(struct rsg_conns *all, uint64_t serial)
{
	size_t slot = (uint32_t)serial;
	struct rsg_conn *c;

	if (slot >= all->n || (c = all->slot[slot]) == NULL ||
	    c->stage != RSG_WAITING || rsg_conn_serial(c) != serial)
		return NULL;
	return c;
}

size_t
rsg_conns_sweep(struct rsg_conns *all, int64_t now)
{
	struct rsg_conn *c;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if ((c = all->slot[i]) == NULL || c->shut || now < c->deadline)
			continue;
		/* The descriptor is ours until the library says closed. */
		(void)shutdown(c->fd, SHUT_RDWR);
		c->shut = true;
		n++;
	}
	return n;
}
