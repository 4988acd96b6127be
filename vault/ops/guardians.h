/*
 * guardians.h - who spoke for the people of a page that is brought in.
 *
 * A line names them by the field by which it names its person. They are
 * looked for with the page's own round trips, and only read: neither locked
 * nor changed.
 */
#ifndef RSG_OPS_GUARDIANS_H
#define RSG_OPS_GUARDIANS_H

#include "ops/past.h"

/* For read(): does the line name somebody, and by which value? */
void rsg_guardian_read(struct rsg_past *, size_t at);

/* For find(): look for them beside the people, then ask for what is known of
 * them and of what they are to their line's person. Neither waits. */
int rsg_guardians_seek(struct rsg_past *, size_t n);	/* -1: nobody is named */
void rsg_guardians_ask(struct rsg_past *, size_t n, int sought);

/*
 * For write(): who spoke in this line, and the bits of enum rsg_relation that
 * stand between them and its person. RSG_NOT_FOUND: nobody of this controller
 * has that value; RSG_BAD_VALUE: it is the person; RSG_TAMPERED. The call is
 * not failed.
 */
RSG_MUST enum rsg_err rsg_guardian_of(struct rsg_past *, size_t at, struct rsg_id *,
    unsigned *relations);

#endif
