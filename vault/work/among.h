/*
 * among.h - the entry of work about many people: a root over a commitment for
 * each, which that person alone can recompute, and the row by which they find
 * it again (migrations/0040_audit_page.sql).
 */
#ifndef RSG_AMONG_H
#define RSG_AMONG_H

#include "work/call.h"

struct rsg_among;

/* Begin the entry of a call about at most `max` people; gives it a new id. */
RSG_MUST enum rsg_err rsg_among_new(struct rsg_worker *, struct rsg_call *, size_t max,
    struct rsg_among **);

/* One person, by their evidence key. More than `max` of them abort. */
void rsg_among_add(struct rsg_among *, const uint8_t evidence[RSG_KEY_LEN],
    const struct rsg_id *subject);

/* Put count and root into the draft, and send the row. The entry itself is
 * still to be staged. With nobody in it nothing is sent. */
void rsg_among_end(struct rsg_among *);

void rsg_among_free(struct rsg_among *);

#endif
