/*
 * audit.h - what the commands of an auditor share.
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <stdbool.h>

#include "audit/note.h"
#include "cli/args.h"
#include "cli/tell.h"

/* A verifier key, or the name of a file that holds one; says what is wrong. */
bool rsg_audit_key_of(const char *given, struct rsg_vkey *);

/* `audit verify --bundle` */
enum rsg_exit rsg_audit_bundle(const struct rsg_args *);

#endif
