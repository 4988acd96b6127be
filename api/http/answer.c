#include "http/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/limits.h"
#include "intake/codec.h"
#include "intake/lines.h"
#include "intake/query.h"
#include "resguardo/log.h"
#include "web/web.h"

#define RETRY_SECONDS	1	/* where the vault process names none */
#define HEADER_MAX	2048	/* bytes of a header that we compose */

/* On every answer. */
static const struct {
	const char *name, *value;
} always[] = {
	{ "Cache-Control", "no-store" },
	{ "Strict-Transport-Security", "max-age=31536000" },
	{ "X-Content-Type-Options", "nosniff" },
};

static void
free_body(void *arg)
{
	struct rsg_buf *b = arg;

	rsg_buf_free(b);
	free(b);
}

static void
add(struct rsg_conn *c, const char *name, const char *value)
{
	if (c->response != NULL && value[0] != '\0')
		(void)MHD_add_response_header(c->response, name, value);
}

/*
 * The response object, which takes the body over and wipes it. Without memory
 * for it there is no response, and the connection will be closed.
 */
static void
start(struct rsg_conn *c, int status, enum rsg_format format,
    struct rsg_buf *body)
{
	struct rsg_buf *own = malloc(sizeof(*own));

	if (own == NULL) {
		rsg_buf_free(body);
		return;
	}
	*own = *body;
	c->response = MHD_create_response_from_buffer_with_free_callback_cls(
	    own->len, own->p, free_body, own);
	if (c->response == NULL) {
		free_body(own);
		return;
	}
	c->status = status;
	c->out_bytes = own->len;
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		add(c, always[i].name, always[i].value);
	if (own->len > 0)
		add(c, "Content-Type", rsg_render_type(format));
	add(c, "X-Request-Id", c->rq.context.request);
	c->stage = RSG_ANSWERED;
}

/* What only some errors need beside them. */
static void
add_of_status(struct rsg_conn *c, int64_t retry)
{
	char text[64];

	if (c->status == 401)
		add(c, "WWW-Authenticate", "Bearer realm=\"resguardo\"");
	if (c->status == 405) {
		rsg_router_allow(c->rq.match.allowed, text);
		add(c, "Allow", text);
	}
	if (c->status == 503 || c->status == 429 || retry > 0) {
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)(retry > 0 ? retry : RETRY_SECONDS));
		add(c, "Retry-After", text);
	}
}

static void
problem(struct rsg_conn *c, const struct rsg_problem *p, int64_t retry)
{
	struct rsg_buf b;
	char text[RSG_ID_TEXT];

	rsg_buf_init(&b, RSG_OUT_MAX);
	rsg_render_problem(&b, p);
	start(c, rsg_err_info(p->err)->http, RSG_FORMAT_PROBLEM, &b);
	add(c, "Content-Language", p->lang == RSG_LANG_ES ? "es" : "en");
	add_of_status(c, retry);
	if (p->entry != NULL) {
		rsg_id_text(p->entry, text);
		add(c, "Resguardo-Audit-Entry", text);
	}
}

void
rsg_answer_error(struct rsg_conn *c, enum rsg_err e, bool close)
{
	struct rsg_problem p = { .err = e, .lang = c->rq.lang,
	    .request = c->rq.context.request, .member = c->rq.at.path };

	problem(c, &p, 0);
	if (close)
		add(c, "Connection", "close");
}

static void
answer_failure(struct rsg_conn *c, enum rsg_err e, struct rsg_fields f)
{
	char member[RSG_AT_MAX], clause[RSG_AT_MAX];
	struct rsg_id entry;
	struct rsg_problem p = { .err = e, .lang = c->rq.lang,
	    .request = c->rq.context.request, .clause = clause };

	rsg_msg_get_text(f, RSG_F_MEMBER, member, sizeof(member));
	rsg_msg_get_text(f, RSG_F_CLAUSE, clause, sizeof(clause));
	p.member = rsg_context_name(member);
	if (rsg_msg_get_id(f, RSG_F_ENTRY, &entry))
		p.entry = &entry;
	problem(c, &p, rsg_msg_get_int(f, RSG_F_RETRY_AFTER, 0));
}

/* The reply's value of the id named in braces. */
static void
put_named(struct rsg_buf *b, const char *name, size_t len, struct rsg_fields f)
{
	const struct rsg_fieldinfo *info;
	const uint8_t *p;
	size_t n;

	for (int i = 0; i < RSG_F__MAX; i++) {
		info = rsg_msg_field((enum rsg_field)i);
		if (info->type == RSG_T_ID && strlen(info->json) == len &&
		    memcmp(info->json, name, len) == 0 &&
		    rsg_msg_get(f, (enum rsg_field)i, &p, &n)) {
			rsg_render_value(b, info->type, p, n);
			return;
		}
	}
}

/* "/v1/subjects/{subject}" with the reply's own values in it. */
static void
add_location(struct rsg_conn *c, const char *template, struct rsg_fields f)
{
	const char *brace, *end;
	struct rsg_buf b;

	rsg_buf_init(&b, HEADER_MAX);
	while ((brace = strchr(template, '{')) != NULL &&
	    (end = strchr(brace, '}')) != NULL) {
		rsg_buf_put(&b, template, (size_t)(brace - template));
		put_named(&b, brace + 1, (size_t)(end - brace) - 1, f);
		template = end + 1;
	}
	rsg_buf_str(&b, template);
	rsg_buf_u8(&b, 0);
	if (rsg_buf_ok(&b))
		add(c, "Location", (const char *)b.p);
	rsg_buf_free(&b);
}

/* The same address with the new cursor in the place of the old. */
static void
put_link(struct rsg_buf *b, struct rsg_conn *c, const char *cursor)
{
	const char *path, *query;
	struct rsg_param p;
	size_t len, pos = 0;

	len = rsg_request_path(&c->rq, &path);
	rsg_buf_u8(b, '<');
	rsg_buf_put(b, path, len);
	rsg_buf_u8(b, '?');
	len = rsg_request_query(&c->rq, &query);
	while (rsg_query_next(query, len, &pos, &p)) {
		if (p.name_len == 6 && memcmp(p.name, "cursor", 6) == 0)
			continue;
		rsg_buf_put(b, p.name, p.name_len);
		rsg_buf_u8(b, '=');
		rsg_buf_put(b, p.value, p.len);
		rsg_buf_u8(b, '&');
	}
	rsg_buf_printf(b, "cursor=%s>; rel=\"next\"", cursor);
	rsg_buf_u8(b, 0);
}

static void
add_next(struct rsg_conn *c, struct rsg_fields f)
{
	struct rsg_buf cursor, link;
	const uint8_t *p;
	size_t n;

	if (!rsg_msg_get(f, RSG_F_NEXT, &p, &n))
		return;
	rsg_buf_init(&cursor, HEADER_MAX);
	rsg_buf_init(&link, HEADER_MAX + RSG_TARGET_MAX);
	rsg_codec_base64(&cursor, p, n);
	rsg_buf_u8(&cursor, 0);
	if (rsg_buf_ok(&cursor)) {
		add(c, "Resguardo-Next", (const char *)cursor.p);
		put_link(&link, c, (const char *)cursor.p);
	}
	if (rsg_buf_ok(&link) && link.len > 0)
		add(c, "Link", (const char *)link.p);
	rsg_buf_free(&cursor);
	rsg_buf_free(&link);
}

static void
render(struct rsg_conn *c, struct rsg_fields f, struct rsg_buf *b)
{
	const struct rsg_route *r = c->rq.match.route;
	const uint8_t *p;
	size_t n;

	switch (c->rq.format) {
	case RSG_FORMAT_PROOF:
		if (rsg_msg_get(f, RSG_F_TLOG_PROOF, &p, &n))
			rsg_buf_put(b, p, n);
		break;
	case RSG_FORMAT_LINES:
		rsg_render_lines(b, f, r->list);
		break;
	case RSG_FORMAT_CSV:
		rsg_render_csv(b, f, r->list);
		break;
	case RSG_FORMAT_HTML:
		rsg_web_page(r->op)(b, f);
		break;
	default:
		rsg_render_object(b, f, rsg_msg_op(r->op)->out);
		break;
	}
}

static void
answer_success(struct rsg_conn *c, struct rsg_fields f)
{
	const struct rsg_route *r = c->rq.match.route;
	struct rsg_id entry;
	struct rsg_buf b;
	char text[RSG_ID_TEXT];
	int status = r->status;

	rsg_buf_init(&b, RSG_OUT_MAX);
	render(c, f, &b);
	if (!rsg_buf_ok(&b)) {
		rsg_buf_free(&b);
		rsg_answer_error(c, RSG_INTERNAL, false);
		return;
	}
	/* Not being ready is an answer, and for a balancer a failure too. */
	if (r->op == RSG_OP_READY && !rsg_msg_get_int(f, RSG_F_READY, 0))
		status = 503;
	start(c, status, c->rq.format, &b);
	add_of_status(c, 0);
	if (c->rq.format == RSG_FORMAT_HTML) {
		add(c, "Content-Security-Policy", rsg_web_policy);
		add(c, "Referrer-Policy", "no-referrer");
	}
	if (rsg_msg_get_id(f, RSG_F_ENTRY, &entry)) {
		rsg_id_text(&entry, text);
		add(c, "Resguardo-Audit-Entry", text);
	}
	if (r->location != NULL)
		add_location(c, r->location, f);
	add_next(c, f);
}

void
rsg_answer_reply(struct rsg_conn *c, enum rsg_err e, struct rsg_fields f)
{
	const struct rsg_opinfo *op = rsg_msg_op(c->rq.match.route->op);
	struct rsg_buf merged;
	enum rsg_field at;

	if (rsg_msg_check(f, e == RSG_OK ? op->out : RSG_SHAPE_NONE,
	    RSG_SHAPE_TRAILER, &at) != RSG_OK) {
		rsg_log(RSG_LOG_ERROR, "api.bad-reply", "op", RSG_LOG_S,
		    op->name, "at", RSG_LOG_S, rsg_msg_field(at)->json, NULL);
		rsg_answer_error(c, RSG_INTERNAL, false);
		return;
	}
	if (e != RSG_OK) {
		answer_failure(c, e, f);
		return;
	}
	if (c->rq.rejected.len == 0) {
		answer_success(c, f);
		return;
	}
	rsg_buf_init(&merged, RSG_MSG_MAX * 2);
	if (rsg_lines_merge(f, (struct rsg_fields){ c->rq.rejected.p,
	    c->rq.rejected.len }, &merged) == RSG_OK)
		answer_success(c, (struct rsg_fields){ merged.p, merged.len });
	else
		rsg_answer_error(c, RSG_NO_MEMORY, false);
	rsg_buf_free(&merged);
}

void
rsg_answer_text(struct rsg_conn *c, enum rsg_format format, const void *p,
    size_t n)
{
	struct rsg_buf b;

	rsg_buf_init(&b, RSG_OUT_MAX);
	rsg_buf_put(&b, p, n);
	start(c, 200, format, &b);
}

void
rsg_answer_file(struct rsg_conn *c, const char *type, const char *cache,
    struct rsg_buf *b)
{
	start(c, 200, RSG_FORMAT_TEXT, b);
	if (c->response == NULL)
		return;
	(void)MHD_del_response_header(c->response, "Cache-Control", always[0].value);
	(void)MHD_del_response_header(c->response, "Content-Type",
	    rsg_render_type(RSG_FORMAT_TEXT));
	add(c, "Cache-Control", cache);
	add(c, "Content-Type", type);
	/* Anybody's page may verify it in a browser. */
	add(c, "Access-Control-Allow-Origin", "*");
}

void
rsg_answer_options(struct rsg_conn *c)
{
	struct rsg_buf none;
	char text[64];

	rsg_buf_init(&none, 1);
	start(c, 204, RSG_FORMAT_TEXT, &none);
	rsg_router_allow(c->rq.match.allowed, text);
	add(c, "Allow", text);
}
