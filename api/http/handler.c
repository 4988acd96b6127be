#include "http/handler.h"

#include <string.h>

#include "http/answer.h"
#include "http/limits.h"
#include "http/logfiles.h"
#include "http/metrics.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"

/* Of a refused body this much more is read, so that its sender may hear why;
 * who goes on then is cut off. */
#define DISCARD_MAX	(4u * 1024 * 1024)

/* When the way we honour Global Privacy Control last changed. */
#define GPC_SINCE	"2026-11-21"

static struct rsg_conn *
conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

void
rsg_handler_connection(void *cls, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct rsg_listening *l = cls;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = rsg_conn_new(&l->server->conns, l->which, mhd,
		    rsg_clock_mono());
		rsg_metrics_connection();
	} else {
		rsg_conn_free(&l->server->conns, *context);
		*context = NULL;
	}
}

void *
rsg_handler_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
	struct rsg_listening *l = cls;
	struct rsg_conn *c = conn_of(mhd);

	if (c == NULL)
		return NULL;
	rsg_conn_begin(&l->server->conns, c, rsg_clock_mono());
	rsg_request_target(&c->rq, target);
	return c;
}

static const char *
route_text(const struct rsg_conn *c)
{
	return c->rq.match.route != NULL ? c->rq.match.route->path : "none";
}

void
rsg_handler_completed(void *cls, struct MHD_Connection *mhd, void **context,
    enum MHD_RequestTerminationCode why)
{
	struct rsg_listening *l = cls;
	struct rsg_conn *c = conn_of(mhd);
	int64_t now = rsg_clock_mono(), us;
	int status;

	*context = NULL;
	if (c == NULL || c->stage == RSG_IDLE)
		return;
	us = now - c->started;
	status = c->stage == RSG_SENDING ? c->status : 0;
	rsg_metrics_request(c->rq.match.route, status, us, c->body_bytes,
	    c->out_bytes);
	if (c->listener == RSG_PUBLIC)
		rsg_log(RSG_LOG_INFO, "request",
		    "method", RSG_LOG_S, rsg_router_method_text(c->rq.method),
		    "route", RSG_LOG_S, route_text(c),
		    "status", RSG_LOG_I, (int64_t)status,
		    "us", RSG_LOG_I, us,
		    "bytes", RSG_LOG_I, (int64_t)c->out_bytes,
		    "whole", RSG_LOG_I,
		    (int64_t)(why == MHD_REQUEST_TERMINATED_COMPLETED_OK),
		    "request", RSG_LOG_S, c->rq.context.request, NULL);
	rsg_conn_end(&l->server->conns, c, now);
}

/* The header lines one by one, until one is at fault. */
struct reading {
	struct rsg_request *rq;
	enum rsg_err err;
	unsigned lines;
	size_t bytes;
};

static enum MHD_Result
read_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t n,
    const char *value, size_t len)
{
	struct reading *r = arg;
	enum rsg_err e;

	(void)kind;
	r->bytes += n + len + 4;
	e = rsg_request_header(r->rq, name, n, value != NULL ? value : "", len);
	/* What makes the head ambiguous outweighs what is merely wrong. */
	if (e != RSG_OK && (r->err == RSG_OK || e == RSG_MALFORMED))
		r->err = e;
	if (++r->lines > RSG_HEADERS_MAX || r->bytes > RSG_HEAD_MAX) {
		r->err = RSG_HEADERS_TOO_LARGE;
		return MHD_NO;
	}
	return MHD_YES;
}

static enum rsg_err
read_head(struct rsg_conn *c, const char *method, const char *version)
{
	struct reading r = { .rq = &c->rq };
	struct rsg_at at;
	enum rsg_err e;

	r.bytes = c->rq.target.len;
	MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, read_header, &r);
	at = c->rq.at;
	e = rsg_request_head(&c->rq, c->listener, method, version);
	if (r.err == RSG_OK)
		return e;
	c->rq.at = at;		/* the header's name, not what came after */
	return r.err;
}

/* Send what has been answered; without a response the connection is lost. */
static enum MHD_Result
send_answer(struct rsg_server *s, struct rsg_conn *c)
{
	enum MHD_Result r;

	if (c->stage != RSG_ANSWERED)
		return MHD_NO;
	if (s->stopping)
		(void)MHD_add_response_header(c->response, "Connection", "close");
	r = MHD_queue_response(c->mhd, (unsigned)c->status, c->response);
	MHD_destroy_response(c->response);
	c->response = NULL;
	c->stage = RSG_SENDING;
	c->deadline = rsg_clock_mono() + rsg_limit[RSG_LIMIT_SEND_MS] * 1000;
	return r;
}

static enum MHD_Result
refuse(struct rsg_server *s, struct rsg_conn *c, enum rsg_err e, bool close)
{
	rsg_answer_error(c, e, close);
	return send_answer(s, c);
}

static bool
has_body(const struct rsg_conn *c)
{
	return c->rq.length > 0 || c->rq.chunked;
}

/* May what follows a refused head be read, and thrown away? A sender who is
 * cut off while he writes often never sees why. */
static bool
may_discard(const struct rsg_conn *c, enum rsg_err e)
{
	if (e == RSG_MALFORMED || e == RSG_HEADERS_TOO_LARGE)
		return false;
	return !has_body(c) ||
	    (!c->rq.expects && c->rq.length <= DISCARD_MAX);
}

/*
 * The head is whole: most that is wrong is found here. An answer given now
 * ends the connection, which is right where what follows is not to be read or
 * waits for our word; otherwise it is given after the body.
 */
static enum MHD_Result
begin(struct rsg_server *s, struct rsg_conn *c, const char *method,
    const char *version)
{
	enum rsg_err e;

	e = read_head(c, method, version);
	c->stage = RSG_BODY_READ;
	c->deadline = rsg_clock_mono() + rsg_limit[RSG_LIMIT_BODY_MS] * 1000;
	if (e == RSG_OK && has_body(c) && s->conns.bodies > RSG_BODIES_MAX)
		e = RSG_BUSY;
	if (e == RSG_OK)
		return MHD_YES;
	if (!may_discard(c, e))
		return refuse(s, c, e, true);
	c->refused = e;
	c->stage = RSG_REFUSED;
	return MHD_YES;
}

/* A piece of the body, of known or unknown length. */
static enum MHD_Result
take_body(struct rsg_server *s, struct rsg_conn *c, const char *p, size_t n)
{
	size_t before = c->rq.body.len;

	if (c->stage == RSG_BODY_READ) {
		c->refused = rsg_request_body(&c->rq, p, n);
		c->body_bytes += c->rq.body.len - before;
		s->conns.bodies += c->rq.body.len - before;
		if (c->refused == RSG_OK && s->conns.bodies > RSG_BODIES_MAX)
			c->refused = RSG_BUSY;
		if (c->refused == RSG_OK)
			return MHD_YES;
		/* The library answers only after a body's end. */
		c->stage = RSG_REFUSED;
		rsg_buf_free(&c->rq.body);
		return MHD_YES;
	}
	c->discarded += n;
	return c->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

/* What needs no vault process, or does without it. */
static void
answer_here(struct rsg_server *s, struct rsg_conn *c, struct rsg_fields vault)
{
	static const char healthy[] = "{\"status\":\"ok\"}";
	static const char gpc[] = "{\"gpc\":true,\"lastUpdate\":\"" GPC_SINCE "\"}";
	struct rsg_gauges g = { (int64_t)s->conns.open,
	    (int64_t)rsg_conns_waiting(&s->conns), (int64_t)s->conns.bodies };
	const uint8_t *p;
	struct rsg_buf b;
	size_t n;

	if (c->listener == RSG_PUBLIC) {
		if (strcmp(route_text(c), "/.well-known/gpc.json") == 0)
			rsg_answer_text(c, RSG_FORMAT_JSON, gpc, sizeof(gpc) - 1);
		else
			rsg_answer_text(c, RSG_FORMAT_JSON, healthy, sizeof(healthy) - 1);
		return;
	}
	rsg_buf_init(&b, RSG_OUT_MAX);
	rsg_metrics_text(&b, &g);
	rsg_buf_printf(&b, "# HELP resguardo_vault_up The vault process answers.\n"
	    "# TYPE resguardo_vault_up gauge\nresguardo_vault_up %d\n",
	    vault.p != NULL);
	if (vault.p != NULL && rsg_msg_get(vault, RSG_F_TEXT, &p, &n))
		rsg_buf_put(&b, p, n);
	rsg_answer_text(c, RSG_FORMAT_TEXT, b.p, b.len);
	rsg_buf_free(&b);
}

static enum rsg_err
call(struct rsg_server *s, struct rsg_conn *c)
{
	enum rsg_err e = rsg_conn_wait(&s->conns, c, rsg_clock_mono());

	if (e != RSG_OK)
		return e;
	e = rsg_channel_add(&s->channel, c->rq.match.route->op,
	    rsg_conn_serial(c), &c->rq.msg);
	if (e != RSG_OK) {
		rsg_conn_unwait(c);
		return e;
	}
	rsg_buf_reset(&c->rq.msg);	/* wiped: the channel has its copy */
	MHD_suspend_connection(c->mhd);
	return RSG_OK;
}

/* The request is whole. */
static enum MHD_Result
finish(struct rsg_server *s, struct rsg_conn *c)
{
	enum rsg_err e = c->refused;

	if (c->stage == RSG_REFUSED)
		return refuse(s, c, e, has_body(c));
	if (c->rq.match.route == NULL) {
		rsg_answer_options(c);
		return send_answer(s, c);
	}
	if ((e = rsg_request_end(&c->rq)) != RSG_OK)
		return refuse(s, c, e, false);
	if (strcmp(c->rq.match.route->path, "/log/*") == 0)
		rsg_logfiles_answer(c);
	else if (c->rq.match.route->op == RSG_NO_OP)
		answer_here(s, c, (struct rsg_fields){ NULL, 0 });
	else if ((e = call(s, c)) == RSG_OK)
		return MHD_YES;
	else if (c->listener == RSG_PRIVATE)
		answer_here(s, c, (struct rsg_fields){ NULL, 0 });
	else
		rsg_answer_error(c, e, false);
	return send_answer(s, c);
}

enum MHD_Result
rsg_handler_request(void *cls, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	struct rsg_listening *l = cls;
	struct rsg_conn *c = conn_of(mhd);
	size_t n = *upload_size;

	(void)url;
	(void)context;
	if (c == NULL)
		return MHD_NO;
	switch (c->stage) {
	case RSG_HEAD_READ:
		return begin(l->server, c, method, version);
	case RSG_BODY_READ:
	case RSG_REFUSED:
		if (n == 0)
			return finish(l->server, c);
		*upload_size = 0;
		return take_body(l->server, c, upload, n);
	case RSG_ANSWERED:
		return send_answer(l->server, c);
	case RSG_WAITING:
	case RSG_SENDING:
		return MHD_YES;
	case RSG_IDLE:
		break;
	}
	return MHD_NO;
}

void
rsg_handler_reply(void *arg, const struct rsg_head *h, struct rsg_fields f)
{
	struct rsg_server *s = arg;
	struct rsg_conn *c = rsg_conn_find(&s->conns, h->serial);
	enum rsg_field at;

	s->replies++;
	if (c == NULL)
		return;		/* it came too late: the asker has its 504 */
	rsg_conn_unwait(c);
	if (c->listener == RSG_PUBLIC)
		rsg_answer_reply(c, h->op == c->rq.match.route->op ?
		    h->status : RSG_INTERNAL, f);
	else
		answer_here(s, c, h->status == RSG_OK && rsg_msg_check(f,
		    RSG_SHAPE_TEXT_OUT, RSG_SHAPE_TRAILER, &at) == RSG_OK ? f :
		    (struct rsg_fields){ NULL, 0 });
	MHD_resume_connection(c->mhd);
}

void
rsg_handler_fail(struct rsg_server *s, struct rsg_conn *c, enum rsg_err e)
{
	rsg_conn_unwait(c);
	if (c->listener == RSG_PUBLIC)
		rsg_answer_error(c, e, false);
	else
		answer_here(s, c, (struct rsg_fields){ NULL, 0 });
	MHD_resume_connection(c->mhd);
}
