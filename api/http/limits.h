/*
 * limits.h - how much of everything one client, and all together, may take.
 *
 * Sizes are constants, part of the API's description. Times and counts have
 * defaults here and may be set in the environment (RSG_LIMIT_...), which is
 * how the tests of slow clients stay fast.
 */
#ifndef RESGUARDO_API_HTTP_LIMITS_H
#define RESGUARDO_API_HTTP_LIMITS_H

#include <stdint.h>

#include "resguardo/err.h"

#define RSG_HEAD_MAX	(16u * 1024)	/* bytes of a request's head */
#define RSG_TARGET_MAX	(8u * 1024)	/* of its path and query */
#define RSG_HEADERS_MAX	64		/* header lines */
#define RSG_JSON_MAX	(64u * 1024)	/* bytes of a JSON body */
#define RSG_NDJSON_MAX	(1024u * 1024)	/* of an NDJSON body */
#define RSG_LARGE_MAX	RSG_NDJSON_MAX	/* of a JSON body that brings a file */
#define RSG_BODIES_MAX	(48u * 1024 * 1024)	/* of all bodies at once */
#define RSG_OUT_MAX	(16u * 1024 * 1024)	/* of one answer */

enum rsg_limit {
#define L(name, value) RSG_LIMIT_##name,
#define RSG_LIMITS \
	L(CONNECTIONS, 1024)	/* at once, all clients */ \
	L(PER_IP, 256)		/* at once, one address */ \
	L(WAITING, 1024)	/* calls the vault process has not answered */ \
	L(HEAD_MS, 15000)	/* connect to the first head's end */ \
	L(IDLE_MS, 60000)	/* one answer's end to the next head's end */ \
	L(BODY_MS, 30000)	/* head's end to body's end */ \
	L(SEND_MS, 60000)	/* an answer until it is taken */ \
	L(SILENT_S, 20)		/* without a byte either way */ \
	L(VAULT_MS, 30000)	/* a call into the vault process */ \
	L(LONG_MS, 900000)	/* one that may look at everybody */ \
	L(LONG, 32)		/* such calls not answered yet */ \
	L(DRAIN_MS, 5000)	/* unfinished work when told to stop */
	RSG_LIMITS
#undef L
	RSG_LIMIT__MAX
};

/* The values by enum rsg_limit; set by rsg_limits_load(). */
extern int64_t rsg_limit[RSG_LIMIT__MAX];

/* Read the environment: RSG_OK, or RSG_CONFIG (logged) for a bad value. */
RSG_MUST enum rsg_err rsg_limits_load(void);

#endif
