/*
 * request.h - one request, from its first line to the message it becomes.
 *
 * No HTTP library here: the server feeds it the method, the target, each
 * header and the body's bytes, and gets the fields of a message for the vault
 * process or the error to answer. What it takes from where is in the shapes, so no route has
 * code of its own. All bytes are wiped when it is reset.
 */
#ifndef RESGUARDO_API_HTTP_REQUEST_H
#define RESGUARDO_API_HTTP_REQUEST_H

#include "http/router.h"
#include "intake/at.h"
#include "intake/context.h"
#include "render/render.h"

struct rsg_request {
	enum rsg_method method;
	struct rsg_match match;
	struct rsg_buf target;		/* path and query, as they came */
	struct rsg_context context;
	struct rsg_buf msg;		/* the message's fields, growing */
	struct rsg_buf body;
	struct rsg_buf rejected;	/* lines that failed here */
	struct rsg_at at;		/* what is at fault, after an error */
	enum rsg_lang lang;
	enum rsg_format format;

	/* What the headers said, each once at most. */
	unsigned hosts, lengths, encodings, types;
	char accept[256], media[64];
	bool accepts, chunked, expects;	/* expects: waits for our word */
	size_t length;			/* announced, 0 for none */
};

void rsg_request_init(struct rsg_request *);
void rsg_request_reset(struct rsg_request *);	/* wipes; ready for the next */

/* The raw target, at the start. A longer one than we take is noted. */
void rsg_request_target(struct rsg_request *, const char *);

/*
 * One header line. RSG_OK; RSG_MALFORMED (which ends the connection: what
 * follows could be read in two ways); others of rsg_context_header().
 */
RSG_MUST enum rsg_err rsg_request_header(struct rsg_request *,
    const char *name, size_t name_len, const char *value, size_t len);

/*
 * After the last header: find the route, check what was announced, take what
 * path and query hold. The error to answer, or RSG_OK to go on; an OPTIONS
 * request has no route then.
 */
RSG_MUST enum rsg_err rsg_request_head(struct rsg_request *,
    enum rsg_listener, const char *method, const char *version);

/* More of the body. RSG_OK, RSG_TOO_LARGE, RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_request_body(struct rsg_request *, const void *,
    size_t);

/* The body is whole: finish the fields in `msg`. Errors as of intake. */
RSG_MUST enum rsg_err rsg_request_end(struct rsg_request *);

/* Most bytes of body that this request may have. */
size_t rsg_request_body_max(const struct rsg_request *);

/* Path and query of the target. */
size_t rsg_request_path(const struct rsg_request *, const char **);
size_t rsg_request_query(const struct rsg_request *, const char **);

#endif
