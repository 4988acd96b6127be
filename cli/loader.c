#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/loader.h"

#define FRAME_MAX	(RSG_MSG_HEAD + (size_t)RSG_MSG_MAX)
#define TRIES		10

/* A chunk's way. */
enum { EMPTY, PEOPLE_WAIT, PEOPLE_SENT, EVENTS_WAIT, EVENTS_SENT, DONE };

struct rsg_loader {
	struct rsg_admin *admin;
	struct rsg_loader_options o;
	struct rsg_chunk *chunk;	/* a ring of o.window */
	size_t head, n;			/* the oldest, how many on their way */
};

enum rsg_err
rsg_loader_new(struct rsg_admin *admin, const struct rsg_loader_options *o,
    struct rsg_loader **out)
{
	struct rsg_loader *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return RSG_NO_MEMORY;
	l->admin = admin;
	l->o = *o;
	if ((l->chunk = calloc(o->window, sizeof(*l->chunk))) == NULL) {
		free(l);
		return RSG_NO_MEMORY;
	}
	for (size_t i = 0; i < o->window; i++) {
		rsg_buf_init(&l->chunk[i].people, FRAME_MAX);
		rsg_buf_init(&l->chunk[i].events, FRAME_MAX);
	}
	*out = l;
	return RSG_OK;
}

void
rsg_loader_free(struct rsg_loader *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->o.window; i++) {
		rsg_buf_free(&l->chunk[i].people);
		rsg_buf_free(&l->chunk[i].events);
		free(l->chunk[i].rejects.line);
		free(l->chunk[i].notes.line);
	}
	free(l->chunk);
	free(l);
}

static struct rsg_chunk *
nth(struct rsg_loader *l, size_t i)
{
	return &l->chunk[(l->head + i) % l->o.window];
}

static void
begin(struct rsg_loader *l, struct rsg_chunk *c)
{
	rsg_buf_reset(&c->people);
	rsg_buf_reset(&c->events);
	c->npeople = c->nevents = c->rejects.n = c->notes.n = 0;
	c->read = 0;
	memset(&c->people_tally, 0, sizeof(c->people_tally));
	memset(&c->events_tally, 0, sizeof(c->events_tally));
	c->tries = 0;
	c->state = EMPTY;
	c->serial = rsg_admin_serial(l->admin);

	c->people_begun = rsg_msg_begin(&c->people, RSG_OP_IMPORT_CUSTOMERS,
	    c->serial);
	rsg_msg_text(&c->people, RSG_F_CONTROLLER, l->o.controller);
	rsg_msg_text(&c->people, RSG_F_BASIS, l->o.basis);
	if (l->o.notice != NULL)
		rsg_msg_text(&c->people, RSG_F_NOTICE, l->o.notice);
	rsg_msg_text(&c->people, RSG_F_FIELD, l->o.field);

	c->events_begun = rsg_msg_begin(&c->events, l->o.op, c->serial);
	rsg_msg_text(&c->events, RSG_F_CONTROLLER, l->o.controller);
	rsg_msg_text(&c->events, RSG_F_BASIS, l->o.basis);
	if (l->o.op == RSG_OP_IMPORT_EVENTS)	/* each says whose it is itself */
		return;
	rsg_msg_text(&c->events, RSG_F_FIELD, l->o.field);
	rsg_msg_text(&c->events, RSG_F_ORIGIN, l->o.origin);
}

/* Give the oldest chunks away, as far as they are done. */
static void
retire(struct rsg_loader *l)
{
	while (l->n > 0 && nth(l, 0)->state == DONE) {
		l->o.retire(l->o.ctx, nth(l, 0));
		nth(l, 0)->state = EMPTY;
		l->head = (l->head + 1) % l->o.window;
		l->n--;
	}
}

/* Send what a chunk has to send next, if it may. */
static enum rsg_err
push(struct rsg_loader *l, struct rsg_chunk *c)
{
	enum rsg_err e;

	if (c->state == PEOPLE_WAIT) {
		if ((e = rsg_admin_send(l->admin, &c->people)) != RSG_OK)
			return e;
		c->state = PEOPLE_SENT;
	} else if (c->state == EVENTS_WAIT && c->nevents == 0)
		c->state = DONE;
	else if (c->state == EVENTS_WAIT) {
		if ((e = rsg_admin_send(l->admin, &c->events)) != RSG_OK)
			return e;
		c->state = EVENTS_SENT;
	}
	return RSG_OK;
}

/* People go at once; events when their people, and all before, are there. */
static enum rsg_err
advance(struct rsg_loader *l)
{
	bool wait = false;
	enum rsg_err e;

	for (size_t i = 0; i < l->n; i++) {
		struct rsg_chunk *c = nth(l, i);

		if ((!wait || c->state == PEOPLE_WAIT) && (e = push(l, c)) != RSG_OK)
			return e;
		if (l->o.ordered && c->state != DONE)
			break;
		wait = wait || c->state == PEOPLE_SENT;
	}
	retire(l);
	return RSG_OK;
}

enum rsg_err
rsg_loader_line(struct rsg_lines *l, const struct rsg_reject *r)
{
	struct rsg_reject *more;
	size_t room;

	if (l->n == l->room) {
		room = l->room == 0 ? 256 : l->room * 2;
		more = reallocarray(l->line, room, sizeof(*more));
		if (more == NULL)
			return RSG_NO_MEMORY;
		l->line = more;
		l->room = room;
	}
	l->line[l->n++] = *r;
	return RSG_OK;
}

static enum rsg_err
take_lines(struct rsg_lines *l, enum rsg_field group, const struct rsg_reply *reply,
    int64_t *n)
{
	struct rsg_fields one;
	struct rsg_reject r;
	char reason[65], member[129];
	size_t pos = 0;
	enum rsg_err e;

	while (rsg_msg_each(reply->fields, &pos, group, &one)) {
		rsg_msg_get_text(one, RSG_F_ERROR, reason, sizeof(reason));
		rsg_msg_get_text(one, RSG_F_MEMBER, member, sizeof(member));
		rsg_translate_reject(&r, rsg_msg_get_int(one, RSG_F_LINE, 0),
		    reason, member);
		if ((e = rsg_loader_line(l, &r)) != RSG_OK)
			return e;
		(*n)++;
	}
	return RSG_OK;
}

/* May the same be asked again in a moment? */
static bool
passing(enum rsg_err e)
{
	return e == RSG_BUSY || e == RSG_UNAVAILABLE || e == RSG_CONFLICT ||
	    e == RSG_STALE || e == RSG_TIMEOUT || e == RSG_RATE_LIMITED ||
	    e == RSG_NO_MEMORY;
}

static enum rsg_err
again(struct rsg_loader *l, struct rsg_chunk *c)
{
	/* 50 ms doubling to some 25 s: a database may restart meanwhile. */
	int64_t wait = INT64_C(50) << c->tries++;
	struct timespec t = { wait / 1000, wait % 1000 * 1000000 };

	nanosleep(&t, NULL);
	return rsg_admin_send(l->admin, c->state == PEOPLE_SENT ? &c->people :
	    &c->events);
}

static enum rsg_err
answered(struct rsg_loader *l, struct rsg_chunk *c, const struct rsg_reply *reply)
{
	struct rsg_tally *tally;
	int64_t noted = 0;
	enum rsg_err e;

	if (reply->head.status != RSG_OK && passing(reply->head.status) &&
	    c->tries < TRIES)
		return again(l, c);
	if (reply->head.status != RSG_OK) {
		rsg_admin_tell(reply);
		return reply->head.status;
	}
	tally = c->state == PEOPLE_SENT ? &c->people_tally : &c->events_tally;
	tally->accepted += rsg_msg_get_int(reply->fields, RSG_F_ACCEPTED, 0);
	tally->repeated += rsg_msg_get_int(reply->fields, RSG_F_REPEATED, 0);
	/*
	 * A person refused on the way to events is not counted as a line: the
	 * lines that name them are refused by themselves.
	 */
	if (c->state == PEOPLE_SENT && c->nevents > 0) {
		size_t kept = c->rejects.n;

		e = take_lines(&c->rejects, RSG_F_REJECTED, reply, &tally->rejected);
		c->rejects.n = kept;
	} else
		e = take_lines(&c->rejects, RSG_F_REJECTED, reply, &tally->rejected);
	if (e == RSG_OK)
		e = take_lines(&c->notes, RSG_F_NOTED, reply, &noted);
	c->state = c->state == PEOPLE_SENT ? EVENTS_WAIT : DONE;
	return e;
}

/* Wait for one reply and do what follows from it. */
static enum rsg_err
turn(struct rsg_loader *l)
{
	struct rsg_reply reply;
	enum rsg_err e;

	if ((e = rsg_admin_receive(l->admin, &reply)) != RSG_OK)
		return e;
	for (size_t i = 0; i < l->n; i++) {
		struct rsg_chunk *c = nth(l, i);

		if (c->serial != reply.head.serial ||
		    (c->state != PEOPLE_SENT && c->state != EVENTS_SENT))
			continue;
		if ((e = answered(l, c, &reply)) != RSG_OK)
			return e;
		break;
	}
	return advance(l);
}

enum rsg_err
rsg_loader_chunk(struct rsg_loader *l, struct rsg_chunk **out)
{
	enum rsg_err e;

	*out = NULL;
	while (l->n == l->o.window)
		if ((e = turn(l)) != RSG_OK)
			return e;
	*out = nth(l, l->n);
	begin(l, *out);
	return RSG_OK;
}

enum rsg_err
rsg_loader_submit(struct rsg_loader *l)
{
	struct rsg_chunk *c = nth(l, l->n++);

	rsg_msg_end(&c->people, c->people_begun);
	rsg_msg_end(&c->events, c->events_begun);
	c->state = c->npeople > 0 ? PEOPLE_WAIT : EVENTS_WAIT;
	return advance(l);
}

enum rsg_err
rsg_loader_finish(struct rsg_loader *l)
{
	enum rsg_err e;

	while (l->n > 0)
		if ((e = turn(l)) != RSG_OK)
			return e;
	return RSG_OK;
}
