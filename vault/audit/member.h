/*
 * member.h - members of a JSON object, each in the one form that it may have.
 */
#ifndef RSG_MEMBER_H
#define RSG_MEMBER_H

#include <stdbool.h>

#include "audit/tree.h"
#include "resguardo/json.h"

/* Lowercase hex of at most `cap` bytes. */
bool rsg__member_hex(const struct rsg_json *, uint8_t *out, size_t cap, size_t *len);

/* The member `name` of an object: 32 bytes in hex, a time, an integer of at
 * least so much, and a path in "hashes". False where it is not of the form. */
bool rsg__member_hash(const struct rsg_json *, const char *name, uint8_t out[32]);
bool rsg__member_time(const struct rsg_json *, const char *name, int64_t *us);
bool rsg__member_int(const struct rsg_json *, const char *name, int64_t least,
    int64_t *out);
bool rsg__member_path(const struct rsg_json *, struct rsg_proof *);

/* Is it an object with none but these members, named with blanks between? */
bool rsg__member_only(const struct rsg_json *, const char *names);

#endif
