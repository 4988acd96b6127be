#include "http/router.h"

#include <stdio.h>
#include <string.h>

/* Names that routes.def writes short. */
#define RSG_OP_NONE	RSG_NO_OP
#define RSG_F_NONE	RSG_NO_FIELD

const struct rsg_route rsg_router_table[RSG_ROUTE__MAX] = {
#define ROUTE(listener, access, method, path, op, body, item, list, status, location) \
	{ RSG_##listener, RSG_##access, RSG_##method, path, RSG_OP_##op, \
	  RSG_BODY_##body, RSG_F_##item, RSG_F_##list, status, location },
#include "routes.def"
#undef ROUTE
};

static const char *const methods[RSG_METHOD__MAX] = {
	[RSG_GET] = "GET", [RSG_HEAD] = "HEAD", [RSG_POST] = "POST",
	[RSG_PATCH] = "PATCH", [RSG_OPTIONS] = "OPTIONS",
};

enum rsg_method
rsg_router_method(const char *text)
{
	for (int m = 0; m < RSG_METHOD__MAX; m++)
		if (strcmp(text, methods[m]) == 0)
			return (enum rsg_method)m;
	return RSG_METHOD__MAX;
}

const char *
rsg_router_method_text(enum rsg_method m)
{
	return m < RSG_METHOD__MAX ? methods[m] : "OTHER";
}

void
rsg_router_allow(unsigned allowed, char text[64])
{
	size_t at = 0;

	text[0] = '\0';
	/* All of them together are shorter than 64: nothing is cut. */
	for (int m = 0; m < RSG_METHOD__MAX; m++)
		if ((allowed & 1u << m) != 0)
			at += (size_t)snprintf(text + at, 64 - at, "%s%s",
			    at != 0 ? ", " : "", methods[m]);
}

/* The end of the segment that starts at `p`. */
static size_t
segment(const char *p, size_t left)
{
	const char *slash = memchr(p, '/', left);

	return slash != NULL ? (size_t)(slash - p) : left;
}

/* Does the path fit the template, segment by segment? */
static bool
fits(const char *t, const char *p, size_t left, struct rsg_match *m)
{
	size_t tlen = strlen(t), ts, ps;

	m->captures = 0;
	for (;;) {
		/* Both stand on the slash that opens a segment. */
		if (tlen == 0 || left == 0)
			return tlen == 0 && left == 0;
		if (*t != '/' || *p != '/')
			return false;
		t++, tlen--, p++, left--;
		if (tlen == 1 && *t == '*')
			return left > 0;	/* all that follows */
		ts = segment(t, tlen);
		ps = segment(p, left);
		if (ts > 0 && t[0] == '{') {
			if (ps == 0 || m->captures == RSG_CAPTURES)
				return false;
			m->capture[m->captures++] = (struct rsg_capture){
				t + 1, ts - 2, p, ps };
		} else if (ts != ps || memcmp(t, p, ts) != 0)
			return false;
		t += ts, tlen -= ts, p += ps, left -= ps;
	}
}

/* The methods of all routes with the same path as `r`, and the one asked. */
static const struct rsg_route *
choose(const struct rsg_route *r, enum rsg_method method, unsigned *allowed)
{
	const struct rsg_route *found = NULL, *o;
	enum rsg_method wanted = method == RSG_HEAD ? RSG_GET : method;

	*allowed = 1u << RSG_OPTIONS;
	for (int i = 0; i < RSG_ROUTE__MAX; i++) {
		o = &rsg_router_table[i];
		if (o->listener != r->listener || strcmp(o->path, r->path) != 0)
			continue;
		*allowed |= 1u << o->method;
		if (o->method == RSG_GET)
			*allowed |= 1u << RSG_HEAD;
		if (o->method == wanted)
			found = o;
	}
	return found;
}

enum rsg_err
rsg_router_match(enum rsg_listener listener, enum rsg_method method,
    const char *path, size_t len, struct rsg_match *m)
{
	const struct rsg_route *r;

	memset(m, 0, sizeof(*m));
	for (int i = 0; i < RSG_ROUTE__MAX; i++) {
		r = &rsg_router_table[i];
		if (r->listener != listener || !fits(r->path, path, len, m))
			continue;
		m->route = choose(r, method, &m->allowed);
		return m->route != NULL || method == RSG_OPTIONS ? RSG_OK :
		    RSG_BAD_METHOD;
	}
	m->captures = 0;
	return RSG_NO_ROUTE;
}
