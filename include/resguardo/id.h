/*
 * id.h - 16 random bytes that name a thing; written as a UUID.
 */
#ifndef RESGUARDO_ID_H
#define RESGUARDO_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSG_ID_LEN	16
#define RSG_ID_TEXT	37		/* with the final NUL */

struct rsg_id {
	uint8_t b[RSG_ID_LEN];
};

/* A fresh random id (UUID version 4, RFC 9562). */
struct rsg_id rsg_id_new(void);

/* Text of 36 characters in either case; false when it is anything else. */
bool rsg_id_parse(const char *, size_t, struct rsg_id *);
void rsg_id_text(const struct rsg_id *, char [RSG_ID_TEXT]);

bool rsg_id_eq(const struct rsg_id *, const struct rsg_id *);
bool rsg_id_nil(const struct rsg_id *);
int rsg_id_cmp(const void *, const void *);	/* for qsort, bsearch */

#endif
