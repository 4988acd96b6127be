/*
 * bundle.h - the files of a policy folder, for its own tools.
 */
#ifndef RSG_POLICY_BUNDLE_H
#define RSG_POLICY_BUNDLE_H

#include "policy/policy.h"
#include "resguardo/json.h"

#define RSG__FILES		6
#define RSG__FILE_MAX		(512u * 1024)
#define RSG__BUNDLE_NAMES	64

/* The files of a policy, sorted; NULL at the end. */
extern const char *const rsg__bundle_files[RSG__FILES + 1];

/* Append a file of the folder. RSG_IO, RSG_CONFIG with a fault written. */
RSG_MUST enum rsg_err rsg__bundle_slurp(const char *dir, const char *name,
    struct rsg_buf *out, struct rsg_buf *faults);

/* Parse one. RSG_IO, RSG_CONFIG with a fault written. */
RSG_MUST enum rsg_err rsg__bundle_parse(const char *dir, const char *name,
    struct rsg_json **, struct rsg_buf *faults);

/*
 * The JSON files in a folder below (or "" for itself), sorted, as
 * "sub/name"; each is the caller's to free.
 */
RSG_MUST enum rsg_err rsg__bundle_list(const char *dir, const char *sub,
    char **names, size_t max, size_t *n, struct rsg_buf *faults);

/* Bundle and load a folder; faults go to `out` as "fault: ..." (lint.c). */
RSG_MUST enum rsg_err rsg__policy_open(const char *dir, struct rsg_policy **,
    struct rsg_buf *out);

#endif
