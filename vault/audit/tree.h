/*
 * tree.h - RFC 6962's tree (SHA-256): roots, proofs, and checking them.
 *
 * A tree is seen through the hashes of its complete subtrees: level 0 holds
 * the leaf hashes, the hash `index` of level `l` covers the leaves from
 * index << l to (index + 1) << l. Where those hashes come from (tiles.h,
 * memory) is the caller's, so one walk gives roots and proofs alike.
 */
#ifndef RSG_TREE_H
#define RSG_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

#define RSG_HASH_LEN	32
#define RSG_PROOF_MAX	64	/* hashes: no tree has more than 2^63 leaves */

/* From the leaf's sibling upward. */
struct rsg_proof {
	size_t n;
	uint8_t hash[RSG_PROOF_MAX][RSG_HASH_LEN];
};

/* Fetch one hash. Whatever error it gives ends the walk and is passed on. */
typedef enum rsg_err rsg_tree_fn(void *ctx, unsigned level, uint64_t index,
    uint8_t hash[RSG_HASH_LEN]);

/* node = SHA-256(01 || left || right) */
void rsg_tree_node(const uint8_t left[RSG_HASH_LEN],
    const uint8_t right[RSG_HASH_LEN], uint8_t out[RSG_HASH_LEN]);

/* The root over the first `size` leaves; none: SHA-256 of nothing. */
RSG_MUST enum rsg_err rsg_tree_root(rsg_tree_fn *, void *ctx, uint64_t size,
    uint8_t root[RSG_HASH_LEN]);

/* Proof that leaf `index` is in the tree of `size`. RSG_BAD_VALUE when it is
 * not below `size`. */
RSG_MUST enum rsg_err rsg_tree_inclusion(rsg_tree_fn *, void *ctx,
    uint64_t index, uint64_t size, struct rsg_proof *);

/* Proof that the tree of `from` leaves begins the tree of `size`; empty when
 * they are equal or `from` is 0. RSG_BAD_VALUE when from > size. */
RSG_MUST enum rsg_err rsg_tree_consistency(rsg_tree_fn *, void *ctx,
    uint64_t from, uint64_t size, struct rsg_proof *);

/* RSG_OK, or RSG_TAMPERED when the proof does not give that root. */
RSG_MUST enum rsg_err rsg_tree_included(const uint8_t leaf[RSG_HASH_LEN],
    uint64_t index, uint64_t size, const struct rsg_proof *,
    const uint8_t root[RSG_HASH_LEN]);

/* RSG_OK, or RSG_TAMPERED when the proof does not give both roots. */
RSG_MUST enum rsg_err rsg_tree_consistent(uint64_t from,
    const uint8_t old[RSG_HASH_LEN], uint64_t size,
    const uint8_t root[RSG_HASH_LEN], const struct rsg_proof *);

#endif
