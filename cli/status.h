/*
 * status.h - asks the running server how it is.
 */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "cli/admin.h"
#include "cli/command.h"

typedef void rsg_status_fn(void *ctx, const char *name, const char *status,
    const char *detail);

/* RSG_PEER_GONE, with a line, when no server runs; else as the server says. */
RSG_MUST enum rsg_err rsg_status_ask(const char *state, rsg_status_fn *tell,
    void *ctx);

#endif
