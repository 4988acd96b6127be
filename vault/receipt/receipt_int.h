/*
 * receipt_int.h - for the parts of rsg_receipt_put() alone: members that
 * several of them write.
 */
#ifndef RSG_RECEIPT_INT_H
#define RSG_RECEIPT_INT_H

#include "receipt/receipt.h"
#include "resguardo/json.h"

/* A member of text; none where there is nothing to say. */
void rsg__put(struct rsg_jw *, const char *name, const char *);
/* "@type": one word, or several (NULL after the last). */
void rsg__put_type(struct rsg_jw *, const char *one, const char *two,
    const char *three);
void rsg__put_time(struct rsg_jw *, const char *name, int64_t us);
void rsg__put_urn(struct rsg_jw *, const char *name, const struct rsg_id *);

/* What was given in return, and how much more there is. */
void rsg__put_given(struct rsg_jw *, const struct rsg_receipt *);

#endif
