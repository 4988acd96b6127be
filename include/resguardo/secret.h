/*
 * secret.h - memory for what must not leak.
 *
 * Long-lived keys live in guarded pages (libsodium); a worker's plaintext in
 * an arena that is locked, left out of core dumps and wiped after each
 * batch. Locking is checked: a server that cannot lock does not start.
 */
#ifndef RESGUARDO_SECRET_H
#define RESGUARDO_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

/*
 * Call first in main(): initialises libsodium, turns core dumps and ptrace
 * off, and proves that `locked` bytes can be locked.
 * RSG_CONFIG (logged, with what to do) when one of these fails.
 */
RSG_MUST enum rsg_err rsg_secret_init(size_t locked);

void rsg_secret_wipe(void *, size_t);

/* Equal or not in constant time; 1 when equal. */
int rsg_secret_equal(const void *, const void *, size_t);

void rsg_secret_random(void *, size_t);
uint64_t rsg_secret_random64(void);

/*
 * Guarded, locked pages, zeroed; NULL when out of memory or of memory that
 * may be locked. Each takes four pages or more. Freeing wipes.
 */
void *rsg_secret_alloc(size_t);
void rsg_secret_free(void *);

/*
 * A locked bump allocator. Blocks are 16-byte aligned and live until
 * rsg_arena_reset(), which wipes everything handed out since the last.
 * Not thread-safe: one arena a worker.
 */
struct rsg_arena;

/* RSG_NO_MEMORY, logged when it is the limit on locked memory. */
RSG_MUST enum rsg_err rsg_arena_new(size_t bytes, struct rsg_arena **);
void rsg_arena_free(struct rsg_arena *);
void *rsg_arena_get(struct rsg_arena *, size_t);	/* zeroed; NULL when full */
void rsg_arena_reset(struct rsg_arena *);
size_t rsg_arena_used(const struct rsg_arena *);

#endif
