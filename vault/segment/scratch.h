/*
 * scratch.h - large memory for figures about many people.
 *
 * Too large to lock, but left out of core dumps and children, and wiped when
 * given back. For what a scan gathers: never for keys.
 */
#ifndef RSG_SCRATCH_H
#define RSG_SCRATCH_H

#include <stddef.h>

/* Zeroed pages, allocated as they are touched; NULL without memory. */
void *rsg_scratch_new(size_t bytes);

/* Wipe the first `used` bytes (the rest was never written) and give back all. */
void rsg_scratch_free(void *, size_t bytes, size_t used);

#endif
