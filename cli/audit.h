/*
 * audit.h - what the commands of an auditor share.
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <stdbool.h>

#include "audit/checkpoint.h"
#include "cli/args.h"
#include "cli/tell.h"

/* A finding on standard output, a line each; how far it is on a terminal, unless
 * *ctx, a bool, says that there is none. */
void rsg_audit_say(void *ctx, bool wrong, const char *text);

/* A verifier key, or the name of a file that holds one; says what is wrong. */
bool rsg_audit_key_of(const char *given, struct rsg_vkey *);

/* What was remembered the last time; `any` false the first time, or without a
 * path. False, with a line, where it cannot be read or is not by this key. */
bool rsg_audit_remembered(const char *path, const struct rsg_vkey *,
    struct rsg_checkpoint *, bool *any);

/* `audit verify --bundle` */
enum rsg_exit rsg_audit_bundle(const struct rsg_args *);

#endif
