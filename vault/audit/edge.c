#include <stdbool.h>
#include <string.h>

#include "audit/edge.h"
#include "seal/seal.h"

unsigned
rsg_edge_width(const struct rsg_edge *g, int level)
{
	return (unsigned)(g->size >> (8 * level)) & (RSG_TILE_WIDTH - 1);
}

void
rsg_edge_subtree(const uint8_t *hashes, size_t n, uint8_t out[RSG_HASH_LEN])
{
	uint8_t h[RSG_TILE_WIDTH / 2][RSG_HASH_LEN];

	if (n == 1) {
		memcpy(out, hashes, RSG_HASH_LEN);
		return;
	}
	for (size_t i = 0; i < n / 2; i++)
		rsg_tree_node(hashes + 64 * i, hashes + 64 * i + 32, h[i]);
	for (n /= 2; n > 1; n /= 2)
		for (size_t i = 0; i < n / 2; i++)
			rsg_tree_node(h[2 * i], h[2 * i + 1], h[i]);
	memcpy(out, h[0], RSG_HASH_LEN);
}

enum rsg_err
rsg_edge_add(struct rsg_edge *g, const uint8_t leaf[RSG_HASH_LEN],
    rsg_edge_fn *full, void *ctx)
{
	uint8_t hash[RSG_HASH_LEN];
	enum rsg_err e;

	memcpy(hash, leaf, sizeof(hash));
	for (int l = 0; l < RSG_TILE_LEVELS; l++) {
		unsigned w = rsg_edge_width(g, l);
		struct rsg_tile t = { l, g->size >> (8 * l) >> 8, RSG_TILE_WIDTH };

		memcpy(g->tile[l][w], hash, sizeof(hash));
		if (w + 1 < RSG_TILE_WIDTH)
			break;
		if (full != NULL && (e = full(ctx, &t, g->tile[l][0])) != RSG_OK)
			return e;
		rsg_edge_subtree(g->tile[l][0], RSG_TILE_WIDTH, hash);
	}
	g->size++;
	return RSG_OK;
}

/*
 * The complete subtrees stand in the tiles from the last hash of the lowest
 * level to the first of the highest; the root folds them from the right.
 */
void
rsg_edge_root(const struct rsg_edge *g, uint8_t root[RSG_HASH_LEN])
{
	uint8_t left[RSG_HASH_LEN];
	bool any = false;

	rsg_sha256(NULL, 0, root);
	for (int l = 0; l < RSG_TILE_LEVELS; l++) {
		unsigned w = rsg_edge_width(g, l);

		for (unsigned n = 1; n < RSG_TILE_WIDTH; n <<= 1) {
			if ((w & n) == 0)
				continue;
			w -= n;
			rsg_edge_subtree(g->tile[l][w], n, left);
			if (any)
				rsg_tree_node(left, root, root);
			else
				memcpy(root, left, sizeof(left));
			any = true;
		}
	}
}
