/*
 * intake.c - any request for any route: target, headers and body.
 *
 * The first byte chooses the route, and then come target's captures and
 * query up to a newline, headers as "Name: value" lines up to an empty one,
 * and the body. Whatever is accepted must pass the check of the message, and
 * what is refused must name a member of NAME characters or none.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"
#include "resguardo/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerInitialize(int *, char ***);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	rsg_json_init();
	return 0;
}

/* The line that starts at *at, without its end. */
static const char *
next_line(const char **at, const char *end, size_t *len)
{
	const char *start = *at, *nl;

	nl = memchr(start, '\n', (size_t)(end - start));
	*len = nl != NULL ? (size_t)(nl - start) : (size_t)(end - start);
	*at = nl != NULL ? nl + 1 : end;
	return start;
}

/* The route's path with its {captures} replaced, and the query. */
static void
put_target(struct rsg_request *r, const struct rsg_route *route,
    const char *line, size_t len)
{
	char target[9000];
	size_t n = 0, take;
	const char *query = memchr(line, '?', len);

	take = query != NULL ? (size_t)(query - line) : len;
	for (const char *p = route->path; *p != '\0'; p++) {
		if (*p != '{') {
			target[n++] = *p;
			continue;
		}
		p = strchr(p, '}');
		if (take > 4000)
			take = 4000;
		memcpy(target + n, line, take);
		n += take;
	}
	if (query != NULL && (len -= (size_t)(query - line)) < 4500) {
		memcpy(target + n, query, len);
		n += len;
	}
	target[n] = '\0';
	rsg_request_target(r, target);
}

static enum rsg_err
put_headers(struct rsg_request *r, const char **at, const char *end)
{
	const char *line, *colon;
	enum rsg_err e = RSG_OK;
	size_t len, n;

	while (*at < end) {
		line = next_line(at, end, &len);
		if (len == 0)
			break;
		colon = memchr(line, ':', len);
		n = colon != NULL ? (size_t)(colon - line) : len;
		colon = colon != NULL ? colon + 1 : line + len;
		e = rsg_request_header(r, line, n, colon,
		    (size_t)(line + len - colon));
		if (e != RSG_OK)
			break;
	}
	return e;
}

static enum rsg_err
serve(struct rsg_request *r, const struct rsg_route *route, const char *p,
    size_t n)
{
	const char *at = p, *end = p + n, *line;
	enum rsg_err e;
	size_t len;

	line = next_line(&at, end, &len);
	put_target(r, route, line, len);
	if ((e = rsg_request_header(r, "Host", 4, "h", 1)) != RSG_OK ||
	    (e = rsg_request_header(r, "Authorization", 13, "Bearer k", 8)) != RSG_OK ||
	    (e = put_headers(r, &at, end)) != RSG_OK ||
	    (e = rsg_request_head(r, route->listener,
	    rsg_router_method_text(route->method), "HTTP/1.1")) != RSG_OK ||
	    (e = rsg_request_body(r, at, (size_t)(end - at))) != RSG_OK)
		return e;
	return rsg_request_end(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct rsg_route *route;
	const struct rsg_opinfo *op;
	struct rsg_request r;
	enum rsg_field where;
	enum rsg_err e;

	if (n == 0)
		return 0;
	route = &rsg_router_table[p[0] % RSG_ROUTE__MAX];
	rsg_request_init(&r);
	e = serve(&r, route, (const char *)p + 1, n - 1);
	op = rsg_msg_op(route->op);
	if (e == RSG_OK && r.match.route == route && rsg_msg_check(
	    (struct rsg_fields){ r.msg.p, r.msg.len }, op != NULL ? op->in :
	    RSG_SHAPE_NONE, RSG_SHAPE_CONTEXT, &where) != RSG_OK)
		abort();
	if (e == RSG_INTERNAL || (r.at.len > 0 &&
	    !rsg_msg_name((const uint8_t *)r.at.path, r.at.len)))
		abort();
	rsg_request_reset(&r);
	rsg_buf_free(&r.target);
	rsg_buf_free(&r.msg);
	rsg_buf_free(&r.body);
	rsg_buf_free(&r.rejected);
	return 0;
}
