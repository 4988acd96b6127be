/*
 * grow.c - entries into tiles and bundles.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/entry.h"
#include "audit/health.h"
#include "audit/integrate_int.h"
#include "resguardo/log.h"

static enum rsg_err
write_tile(void *ctx, const struct rsg_tile *t, const uint8_t *hashes)
{
	struct rsg_integrator *g = ctx;
	char path[RSG_TILEPATH_MAX];

	rsg_tilepath(t, path);
	return rsg_logdir_write(g->log, path, hashes,
	    (size_t)t->width * RSG_HASH_LEN);
}

static enum rsg_err
write_bundle(struct rsg_integrator *g, uint64_t n, unsigned width)
{
	struct rsg_tile t = { RSG_TILE_ENTRIES, n, width };
	char path[RSG_TILEPATH_MAX];
	enum rsg_err e;

	if ((e = rsg_buf_err(&g->bundle)) != RSG_OK)
		return e;
	rsg_tilepath(&t, path);
	return rsg_logdir_write(g->log, path, g->bundle.p, g->bundle.len);
}

/* Its bytes give its hash, and are the bytes of this entry. `again`: it was
 * taken in before, and the root will tell. */
static bool
sound(const struct rsg_result *r, int row, const struct rsg_id *expect, bool again,
    const uint8_t **leaf, size_t *len, uint8_t hash[RSG_HASH_LEN])
{
	const uint8_t *stored;
	struct rsg_id id;
	size_t n;

	rsg_result_id(r, row, 2, &id);
	*leaf = rsg_result_bytes(r, row, 3, len);
	stored = rsg_result_bytes(r, row, 4, &n);
	rsg_entry_hash(*leaf, *len, hash);
	if (n == RSG_HASH_LEN && memcmp(stored, hash, n) == 0 &&
	    *len > RSG_ID_LEN && memcmp(*leaf + 1, id.b, RSG_ID_LEN) == 0 &&
	    (again || rsg_id_eq(&id, expect) || rsg_entry_note(*leaf, *len, &n) == NULL))
		return true;
	rsg_log(RSG_LOG_ERROR, "log.entry-altered", "entry", RSG_LOG_ID, &id,
	    "xid", RSG_LOG_I, rsg_result_int(r, row, 0),
	    "seq", RSG_LOG_I, rsg_result_int(r, row, 1), NULL);
	rsg_health_refuse("log-entry-altered");
	return false;
}

static enum rsg_err
take(struct rsg_integrator *g, const struct rsg_result *r, int row, bool again,
    bool write)
{
	struct rsg__grown *x = &g->next;
	uint8_t hash[RSG_HASH_LEN];
	const uint8_t *leaf;
	size_t len;
	enum rsg_err e;

	if (!sound(r, row, &g->expect, again, &leaf, &len, hash))
		return RSG_TAMPERED;
	if (x->edge.size % RSG_TILE_WIDTH == 0) {
		rsg_buf_reset(&g->bundle);
		if (g->npages < RSG__PAGES) {
			g->page[g->npages].page = (int64_t)(x->edge.size / RSG_TILE_WIDTH);
			g->page[g->npages].xid = rsg_result_int(r, row, 0);
			g->page[g->npages++].seq = rsg_result_int(r, row, 1);
		}
	}
	rsg_bundle_put(&g->bundle, leaf, len);
	if ((e = rsg_edge_add(&x->edge, hash, write ? write_tile : NULL, g)) != RSG_OK)
		return e;
	x->xid = rsg_result_int(r, row, 0);
	x->seq = rsg_result_int(r, row, 1);
	if (!write || x->edge.size % RSG_TILE_WIDTH != 0)
		return rsg_buf_err(&g->bundle);
	return write_bundle(g, x->edge.size / RSG_TILE_WIDTH - 1, RSG_TILE_WIDTH);
}

enum rsg_err
rsg__grow_rows(struct rsg_integrator *g, const struct rsg_result *r,
    uint64_t limit, bool write)
{
	enum rsg_err e;

	g->npages = 0;
	for (int row = 0; row < rsg_result_rows(r) && g->next.edge.size < limit; row++)
		if ((e = take(g, r, row, limit != UINT64_MAX, write)) != RSG_OK)
			return e;
	rsg_edge_root(&g->next.edge, g->next.root);
	return RSG_OK;
}

enum rsg_err
rsg__grow_flush(struct rsg_integrator *g)
{
	const struct rsg_edge *x = &g->next.edge;
	unsigned w;
	enum rsg_err e;

	for (int l = 0; l < RSG_TILE_LEVELS; l++) {
		struct rsg_tile t = { l, x->size >> (8 * l) >> 8, rsg_edge_width(x, l) };

		if (t.width > 0 && (e = write_tile(g, &t, x->tile[l][0])) != RSG_OK)
			return e;
	}
	w = rsg_edge_width(x, 0);
	if (w > 0 && (e = write_bundle(g, x->size / RSG_TILE_WIDTH, w)) != RSG_OK)
		return e;
	return rsg_logdir_sync(g->log);
}

/* The entries of the unfinished bundle, which the next ones join. */
static enum rsg_err
load_bundle(struct rsg_integrator *g)
{
	const struct rsg_edge *x = &g->next.edge;
	struct rsg_tile t = { RSG_TILE_ENTRIES, x->size / RSG_TILE_WIDTH,
	    rsg_edge_width(x, 0) };
	char path[RSG_TILEPATH_MAX];
	uint8_t hash[RSG_HASH_LEN];
	const uint8_t *p;
	struct rsg_rd r;
	size_t len;
	enum rsg_err e;

	rsg_buf_reset(&g->bundle);
	if (t.width == 0)
		return RSG_OK;
	rsg_tilepath(&t, path);
	if ((e = rsg_logdir_read(g->log, path, RSG_BUNDLE_MAX, &g->bundle)) != RSG_OK)
		return e;
	rsg_rd_init(&r, g->bundle.p, g->bundle.len);
	for (unsigned i = 0; i < t.width; i++) {
		if (rsg_bundle_next(&r, &p, &len) != RSG_OK)
			return RSG_TAMPERED;
		rsg_entry_hash(p, len, hash);
		if (memcmp(hash, x->tile[0][i], sizeof(hash)) != 0)
			return RSG_TAMPERED;
	}
	return rsg_rd_end(&r) ? RSG_OK : RSG_TAMPERED;
}

enum rsg_err
rsg__grow_load(struct rsg_integrator *g, uint64_t size)
{
	struct rsg_tiles *t = calloc(1, sizeof(*t));
	enum rsg_err e;

	if (t == NULL)
		return RSG_NO_MEMORY;
	t->dir = g->log;
	t->size = size;
	memset(&g->next, 0, sizeof(g->next));
	if ((e = rsg_tiles_edge(t, &g->next.edge)) == RSG_OK) {
		rsg_edge_root(&g->next.edge, g->next.root);
		e = load_bundle(g);
	}
	free(t);
	return e;
}

/* After publication: whoever holds the checkpoint finds the full ones. */
void
rsg__grow_tidy(struct rsg_integrator *g)
{
	for (uint64_t n = g->wrote / RSG_TILE_WIDTH;
	    n < g->now.edge.size / RSG_TILE_WIDTH; n++) {
		rsg_logdir_tidy(g->log, &(struct rsg_tile){ RSG_TILE_ENTRIES, n,
		    RSG_TILE_WIDTH });
		for (int l = 0; l < RSG_TILE_LEVELS && ((n + 1) &
		    ((UINT64_C(1) << (8 * l)) - 1)) == 0; l++)
			rsg_logdir_tidy(g->log, &(struct rsg_tile){ l,
			    ((n + 1) >> (8 * l)) - 1, RSG_TILE_WIDTH });
	}
	g->wrote = g->now.edge.size;
}
