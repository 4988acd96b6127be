/*
 * router.h - from method and path to a line of routes.def.
 *
 * The table is the only list of what the api process answers; nothing here
 * looks at a body or a header. Paths are matched as they came, undecoded, so
 * that an encoded slash or dot can never change which route is meant.
 */
#ifndef RESGUARDO_API_HTTP_ROUTER_H
#define RESGUARDO_API_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "resguardo/msg.h"

enum rsg_method { RSG_GET, RSG_HEAD, RSG_POST, RSG_PATCH, RSG_OPTIONS,
	RSG_METHOD__MAX };
enum rsg_listener { RSG_PUBLIC, RSG_PRIVATE };
enum rsg_access { RSG_OPEN, RSG_KEYED };
enum rsg_bodykind { RSG_BODY_EMPTY, RSG_BODY_OBJECT, RSG_BODY_ITEM,
	RSG_BODY_LINES, RSG_BODY_LARGE };

/* How many routes there are: the table is counted, not numbered. */
enum {
	RSG_ROUTE__MAX = 0
#define ROUTE(...) + 1
#include "routes.def"
#undef ROUTE
};

#define RSG_NO_OP	RSG_OP__MAX	/* answered without the vault process */
#define RSG_NO_FIELD	RSG_F__MAX
#define RSG_CAPTURES	2		/* most {names} in a path */

struct rsg_route {
	enum rsg_listener listener;
	enum rsg_access access;
	enum rsg_method method;
	const char *path;
	enum rsg_op op;
	enum rsg_bodykind body;
	enum rsg_field item, list;
	int status;
	const char *location;
};

struct rsg_capture {
	const char *name;		/* inside the route's path */
	size_t name_len;
	const char *value;		/* inside the request's path, encoded */
	size_t len;
};
struct rsg_match {
	const struct rsg_route *route;	/* NULL: only OPTIONS gets here */
	unsigned allowed;		/* a bit per method the path takes */
	struct rsg_capture capture[RSG_CAPTURES];
	size_t captures;
};

/* All routes; RSG_ROUTE__MAX of them. */
extern const struct rsg_route rsg_router_table[];

/*
 * Find the route. RSG_OK; RSG_NO_ROUTE; RSG_BAD_METHOD, with `allowed` set.
 * HEAD finds what GET would. `method` RSG_METHOD__MAX is one we do not know.
 */
RSG_MUST enum rsg_err rsg_router_match(enum rsg_listener, enum rsg_method,
    const char *path, size_t len, struct rsg_match *);

enum rsg_method rsg_router_method(const char *);
const char *rsg_router_method_text(enum rsg_method);	/* "OTHER" for __MAX */

/* "GET, HEAD, OPTIONS" into `text`. */
void rsg_router_allow(unsigned allowed, char text[64]);

#endif
