/*
 * edge.h - the growing end of a log: the unfinished tile of each level.
 *
 * That is all an integrator must remember of a tree of any size; it fits in
 * 64 KiB. Finished tiles are handed out once and not needed again.
 */
#ifndef RSG_EDGE_H
#define RSG_EDGE_H

#include "audit/tilepath.h"
#include "audit/tree.h"

struct rsg_edge {
	uint64_t size;
	uint8_t tile[RSG_TILE_LEVELS][RSG_TILE_WIDTH][RSG_HASH_LEN];
};

/* Take a full tile. An error ends the work and is passed on. */
typedef enum rsg_err rsg_edge_fn(void *ctx, const struct rsg_tile *,
    const uint8_t *hashes);

/* Append one leaf hash. Tiles that it fills go to `full` (may be NULL). */
RSG_MUST enum rsg_err rsg_edge_add(struct rsg_edge *,
    const uint8_t leaf[RSG_HASH_LEN], rsg_edge_fn *full, void *ctx);

/* How many hashes the unfinished tile of a level holds. */
unsigned rsg_edge_width(const struct rsg_edge *, int level);

void rsg_edge_root(const struct rsg_edge *, uint8_t root[RSG_HASH_LEN]);

/* The root over `n` hashes of one tile, n a power of two. */
void rsg_edge_subtree(const uint8_t *hashes, size_t n, uint8_t out[RSG_HASH_LEN]);

#endif
