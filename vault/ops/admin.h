/*
 * admin.h - what administrative calls share. Every act is decided and audited
 * like any other; none of them reads a person.
 */
#ifndef RSG_OPS_ADMIN_H
#define RSG_OPS_ADMIN_H

#include "work/call.h"

RSG_MUST enum rsg_err rsg_admin_allowed(struct rsg_worker *, struct rsg_call *,
    enum rsg_action);

/* The controller that the message names; NULL when it names none. */
RSG_MUST enum rsg_err rsg_admin_named(struct rsg_worker *, struct rsg_call *,
    const struct rsg_controller **);

/* A recipient's number by name (0: there is none), and the highest in use. */
RSG_MUST enum rsg_err rsg_admin_recipient(struct rsg_worker *, uint32_t controller,
    const char *name, uint32_t *found, uint32_t *highest);

/* A column into a reply, unless it is NULL or empty. */
void rsg_admin_put_column(struct rsg_buf *, enum rsg_field, const struct rsg_result *,
    int row, int col);
void rsg_admin_put_time(struct rsg_buf *, enum rsg_field, const struct rsg_result *,
    int row, int col);

#endif
