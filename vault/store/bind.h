/*
 * bind.h - what db.c knows of parameters. Private to vault/store.
 */
#ifndef RSG_STORE_BIND_H
#define RSG_STORE_BIND_H

#include <libpq-fe.h>

#include "resguardo/clock.h"
#include "store/store.h"

#define RSG__PARAMS	16		/* most parameters of a statement */

/* PostgreSQL counts time from 2000-01-01. */
#define RSG__PG_EPOCH	(INT64_C(946684800) * RSG_US)

const char *rsg__bind_name(enum rsg_sql);	/* "SUBJECTS" */
const char *rsg__bind_text(enum rsg_sql);
int rsg__bind_oids(enum rsg_sql, Oid [RSG__PARAMS]);	/* how many */

struct rsg_bind *rsg__bind_new(void);
void rsg__bind_free(struct rsg_bind *);

/* Make it an empty one of this statement; its memory is kept. */
void rsg__bind_begin(struct rsg_bind *, enum rsg_sql);
enum rsg_sql rsg__bind_sql(const struct rsg_bind *);

/*
 * Finish it as libpq takes parameters, borrowed from the bind. RSG_BAD_VALUE
 * when a number did not fit its type, RSG_NO_MEMORY, RSG_TOO_LARGE.
 */
struct rsg__values {
	const char *value[RSG__PARAMS];
	int len[RSG__PARAMS];
	int format[RSG__PARAMS];
	int n;
};
RSG_MUST enum rsg_err rsg__bind_values(struct rsg_bind *, struct rsg__values *);

#endif
