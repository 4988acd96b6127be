#include "http/request.h"

#include <string.h>
#include <strings.h>

#include "http/limits.h"
#include "intake/body.h"
#include "intake/lines.h"
#include "intake/query.h"
#include "web/web.h"

void
rsg_request_init(struct rsg_request *r)
{
	memset(r, 0, sizeof(*r));
	rsg_buf_init(&r->target, RSG_TARGET_MAX);
	rsg_buf_init(&r->msg, RSG_MSG_MAX);
	rsg_buf_init(&r->body, RSG_NDJSON_MAX);
	rsg_buf_init(&r->rejected, RSG_MSG_MAX);
	rsg_context_init(&r->context);
}

/* What a request leaves in memory it does not leave to the next. */
static void
reuse(struct rsg_buf *b)
{
	if (b->cap > RSG_TARGET_MAX)
		rsg_buf_free(b);
	else
		rsg_buf_reset(b);
}

void
rsg_request_reset(struct rsg_request *r)
{
	struct rsg_buf target = r->target, msg = r->msg, body = r->body,
	    rejected = r->rejected;

	reuse(&target);
	reuse(&msg);
	reuse(&body);
	reuse(&rejected);
	explicit_bzero(r, sizeof(*r));
	r->target = target;
	r->msg = msg;
	r->body = body;
	r->rejected = rejected;
}

void
rsg_request_target(struct rsg_request *r, const char *uri)
{
	rsg_buf_str(&r->target, uri);
}

size_t
rsg_request_path(const struct rsg_request *r, const char **path)
{
	const char *mark;

	*path = (const char *)r->target.p;
	if (r->target.len == 0)
		return 0;
	mark = memchr(*path, '?', r->target.len);
	return mark != NULL ? (size_t)(mark - *path) : r->target.len;
}

size_t
rsg_request_query(const struct rsg_request *r, const char **query)
{
	size_t len = rsg_request_path(r, query);

	if (len == r->target.len)
		return 0;
	*query += len + 1;
	return r->target.len - len - 1;
}

/* A path, in RFC 3986's characters and no other: nothing that a log or header
 * could take for an end of line. "OPTIONS *" finds no route anyway. */
static bool
clean_target(const struct rsg_request *r)
{
	static const char marks[] = "-._~:/?@!$&'()*+,;=%";
	uint8_t c;

	for (size_t i = 0; i < r->target.len; i++) {
		c = r->target.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') &&
		    memchr(marks, c, sizeof(marks) - 1) == NULL)
			return false;
	}
	return r->target.len > 0 && r->target.p[0] == '/';
}

/* A route that is answered here takes and gives nothing. */
static enum rsg_shape
shape_in(const struct rsg_route *route)
{
	const struct rsg_opinfo *op = rsg_msg_op(route->op);

	return op != NULL ? op->in : RSG_SHAPE_NONE;
}

static bool
same(const char *a, size_t n, const char *b)
{
	return strlen(b) == n && strncasecmp(a, b, n) == 0;
}

/* The formats: what ?format= says counts before what Accept says. */
static enum rsg_err
choose_format(struct rsg_request *r)
{
	bool lists = r->match.route->list != RSG_NO_FIELD;
	struct rsg_param p;
	const char *query;
	size_t len, pos = 0;
	unsigned seen = 0;

	r->format = rsg_render_accept(r->accepts ? r->accept : NULL,
	    (lists ? RSG_OFFER_LISTS : 0u) |
	    (rsg_web_page(r->match.route->op) != NULL ? RSG_OFFER_PAGE : 0u) |
	    (r->match.route->op == RSG_OP_AUDIT_PROOF ? RSG_OFFER_PROOF : 0u));
	len = rsg_request_query(r, &query);
	while (lists && rsg_query_next(query, len, &pos, &p)) {
		if (!same(p.name, p.name_len, "format"))
			continue;
		if (seen++ > 0) {
			rsg_at_name(&r->at, "format", 6);
			return RSG_MALFORMED;
		}
		r->format = rsg_render_format(p.value, p.len);
	}
	return r->format == RSG_FORMAT__MAX ? RSG_NOT_ACCEPTABLE : RSG_OK;
}

static enum rsg_err
put_captures(struct rsg_request *r, enum rsg_shape shape)
{
	const struct rsg_capture *c;
	struct rsg_param p;
	enum rsg_err e;

	for (size_t i = 0; i < r->match.captures; i++) {
		c = &r->match.capture[i];
		p = (struct rsg_param){ c->name, c->value, c->name_len, c->len };
		if ((e = rsg_query_path(&r->msg, shape, &p, &r->at)) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

/* Where a query may name a language and does not, the header's counts. */
static void
put_language(struct rsg_request *r, enum rsg_shape shape)
{
	static const char *const names[] = { [RSG_LANG_EN] = "en",
	    [RSG_LANG_ES] = "es" };
	const struct rsg_shapeinfo *s = rsg_msg_shape(shape);
	struct rsg_fields f = { r->msg.p, r->msg.len };

	for (size_t i = 0; i < s->n; i++)
		if (s->member[i].field == RSG_F_LANGUAGE &&
		    s->member[i].place == RSG_QUERY &&
		    !rsg_msg_has(f, RSG_F_LANGUAGE)) {
			rsg_msg_text(&r->msg, RSG_F_LANGUAGE, names[r->lang]);
			return;
		}
}

static enum rsg_err
put_address(struct rsg_request *r)
{
	const struct rsg_route *route = r->match.route;
	enum rsg_shape shape = shape_in(route);
	const char *query;
	size_t len;
	enum rsg_err e;

	if ((e = put_captures(r, shape)) != RSG_OK)
		return e;
	len = rsg_request_query(r, &query);
	e = rsg_query_fields(&r->msg, shape, query, len,
	    route->list != RSG_NO_FIELD ? "format" : NULL, &r->at);
	if (e == RSG_OK)
		put_language(r, shape);
	return e;
}

size_t
rsg_request_body_max(const struct rsg_request *r)
{
	if (r->match.route == NULL)
		return 0;
	switch (r->match.route->body) {
	case RSG_BODY_EMPTY:
		return 0;
	case RSG_BODY_LINES:
		return RSG_NDJSON_MAX;
	case RSG_BODY_LARGE:
		return RSG_LARGE_MAX;
	default:
		return RSG_JSON_MAX;
	}
}

static enum rsg_err
check_media(const struct rsg_request *r)
{
	bool lines = r->match.route->body == RSG_BODY_LINES;

	if (rsg_request_body_max(r) == 0)
		return r->length > 0 || r->chunked ? RSG_MALFORMED : RSG_OK;
	if (lines ? strcmp(r->media, "application/x-ndjson") != 0 &&
	    strcmp(r->media, "application/ndjson") != 0 :
	    strcmp(r->media, "application/json") != 0)
		return RSG_BAD_MEDIA_TYPE;
	return r->length > rsg_request_body_max(r) ? RSG_TOO_LARGE : RSG_OK;
}

/* What makes a head unreadable, or readable in two ways. */
static enum rsg_err
check_framing(const struct rsg_request *r, const char *version)
{
	bool old = strcmp(version, "HTTP/1.0") == 0;

	if (!rsg_buf_ok(&r->target))
		return RSG_HEADERS_TOO_LARGE;
	if ((!old && strcmp(version, "HTTP/1.1") != 0) || !clean_target(r))
		return RSG_MALFORMED;
	if (r->hosts != 1 || r->lengths > 1 || r->encodings > 1)
		return RSG_MALFORMED;
	if (r->encodings > 0 && (r->lengths > 0 || old))
		return RSG_MALFORMED;
	return RSG_OK;
}

enum rsg_err
rsg_request_head(struct rsg_request *r, enum rsg_listener listener,
    const char *method, const char *version)
{
	const char *path;
	size_t len;
	enum rsg_err e;

	rsg_context_end(&r->context, &r->msg);
	r->method = rsg_router_method(method);
	if ((e = check_framing(r, version)) != RSG_OK)
		return e;
	len = rsg_request_path(r, &path);
	e = rsg_router_match(listener, r->method, path, len, &r->match);
	if (e != RSG_OK || r->match.route == NULL)
		return e;
	if (r->match.route->access == RSG_KEYED &&
	    !rsg_context_has(&r->context, RSG_F_CREDENTIAL))
		return RSG_UNAUTHENTICATED;
	if ((e = choose_format(r)) != RSG_OK || (e = check_media(r)) != RSG_OK)
		return e;
	return put_address(r);
}

/* "application/json; charset=utf-8" without its parameters, in lower case.
 * A charset other than UTF-8 is left in place and so fits nothing. */
static void
take_media(struct rsg_request *r, const char *s, size_t n)
{
	const char *semi = memchr(s, ';', n);
	size_t len = semi != NULL ? (size_t)(semi - s) : n;

	if (semi != NULL && (memmem(semi, n - len, "charset", 7) != NULL) &&
	    memmem(semi, n - len, "utf-8", 5) == NULL &&
	    memmem(semi, n - len, "UTF-8", 5) == NULL)
		return;
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	if (len >= sizeof(r->media))
		return;
	for (size_t i = 0; i < len; i++)
		r->media[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] | 0x20) :
		    s[i];
	r->media[len] = '\0';
}

/* Digits only; a number that no body reaches is as good as any above it. */
static enum rsg_err
take_length(struct rsg_request *r, const char *s, size_t n)
{
	r->lengths++;
	if (n == 0 || n > 18)
		return RSG_MALFORMED;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return RSG_MALFORMED;
		r->length = r->length * 10 + (size_t)(s[i] - '0');
	}
	return RSG_OK;
}

static enum rsg_err
take_encoding(struct rsg_request *r, const char *s, size_t n)
{
	r->encodings++;
	r->chunked = same(s, n, "chunked");
	return r->chunked ? RSG_OK : RSG_MALFORMED;
}

static enum rsg_err
take_accept(struct rsg_request *r, const char *s, size_t n)
{
	/* Several lines are one list; what is too long to read is refused. */
	size_t have = strlen(r->accept), comma = have > 0;

	r->accepts = true;
	if (n + comma >= sizeof(r->accept) - have)
		return RSG_HEADERS_TOO_LARGE;
	if (comma)
		r->accept[have++] = ',';
	memcpy(r->accept + have, s, n);
	r->accept[have + n] = '\0';
	return RSG_OK;
}

static void
take_language(struct rsg_request *r, const char *s, size_t n)
{
	char text[128];

	n = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
	memcpy(text, s, n);
	text[n] = '\0';
	r->lang = rsg_render_language(text);
}

/* RFC 9110's token: what a header's name, and a name before ':', may be. */
static bool
token(const char *s, size_t n)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    memchr(marks, s[i], sizeof(marks) - 1) == NULL)
			return false;
	return n > 0;
}

enum rsg_err
rsg_request_header(struct rsg_request *r, const char *name, size_t n,
    const char *value, size_t len)
{
	/* "Content-Length :" is no header of ours, and perhaps of others. */
	if (!token(name, n) || memchr(value, '\0', len) != NULL)
		return RSG_MALFORMED;
	if (same(name, n, "Host"))
		r->hosts++;
	else if (same(name, n, "Content-Length"))
		return take_length(r, value, len);
	else if (same(name, n, "Transfer-Encoding"))
		return take_encoding(r, value, len);
	else if (same(name, n, "Content-Type")) {
		take_media(r, value, len);
		return ++r->types > 1 ? RSG_MALFORMED : RSG_OK;
	} else if (same(name, n, "Content-Encoding"))
		return same(value, len, "identity") ? RSG_OK : RSG_BAD_MEDIA_TYPE;
	else if (same(name, n, "Expect"))
		return (r->expects = same(value, len, "100-continue")) ?
		    RSG_OK : RSG_MALFORMED;
	else if (same(name, n, "Accept"))
		return take_accept(r, value, len);
	else if (same(name, n, "Accept-Language"))
		take_language(r, value, len);
	else
		return rsg_context_header(&r->context, &r->msg, name, n, value,
		    len, &r->at);
	return RSG_OK;
}

enum rsg_err
rsg_request_body(struct rsg_request *r, const void *p, size_t n)
{
	if (n > rsg_request_body_max(r) - r->body.len)
		return RSG_TOO_LARGE;
	rsg_buf_put(&r->body, p, n);
	return rsg_buf_err(&r->body);
}

enum rsg_err
rsg_request_end(struct rsg_request *r)
{
	const struct rsg_route *route = r->match.route;
	enum rsg_field at;
	enum rsg_err e = RSG_OK;

	switch (route->body) {
	case RSG_BODY_EMPTY:
		break;
	case RSG_BODY_OBJECT:
	case RSG_BODY_LARGE:
		e = rsg_body_object(&r->msg, shape_in(route), r->body.p,
		    r->body.len, &r->at);
		break;
	case RSG_BODY_ITEM:
		e = rsg_body_item(&r->msg, route->item, 0, r->body.p,
		    r->body.len, &r->at);
		break;
	case RSG_BODY_LINES:
		e = rsg_lines_read(&r->msg, route->item, r->body.p,
		    r->body.len, &r->rejected);
		break;
	}
	rsg_buf_free(&r->body);		/* wiped as soon as it is read */
	if (e != RSG_OK || (e = rsg_buf_err(&r->msg)) != RSG_OK)
		return e;
	/* What the vault process would refuse for its form is refused here. */
	e = rsg_msg_check((struct rsg_fields){ r->msg.p, r->msg.len },
	    shape_in(route), RSG_SHAPE_CONTEXT, &at);
	if (e != RSG_OK && at != RSG_F__MAX)
		rsg_at_name(&r->at, rsg_msg_field(at)->json,
		    strlen(rsg_msg_field(at)->json));
	return e;
}
