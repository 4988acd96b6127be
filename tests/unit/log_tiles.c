/*
 * Tiles on disk: their paths and widths, writing them as a log grows, and
 * trees read back from them; bundles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/bundle.h"
#include "audit/logdir.h"
#include "audit/merkle.h"
#include "seal/seal.h"

static char folder[64];
static struct rsg_logdir *dir;

static void
path_is(int level, uint64_t n, unsigned width, const char *want)
{
	struct rsg_tile t = { level, n, width }, back;
	char path[RSG_TILEPATH_MAX];

	rsg_tilepath(&t, path);
	assert_string_equal(path, want);
	assert_true(rsg_tilepath_parse(want, strlen(want), &back));
	assert_int_equal(back.level, level);
	assert_int_equal(back.n, n);
	assert_int_equal(back.width, width);
}

static void
paths(void **state)
{
	static const char *const bad[] = { "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/1",
		"tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000",
		"tile/0/x001", "tile/0/x001/", "tile/0/001/067", "tile/0/000.p/0",
		"tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p",
		"tile/0/000.p/1/", "tile/0/000/", "tile//000", "tile/entries/", "tile/entry/000",
		"tile/0/../000", "tile/0/x001/x234/067x", "tile/8/0/000", "checkpoint",
		"tile/0/x018/x446/x744/x073/x709/x551/616", "tile/0/x999/x999/x999/x999/x999/x999/x999/999" };
	struct rsg_tile t;

	(void)state;
	path_is(0, 0, 256, "tile/0/000");
	path_is(0, 3057500, 256, "tile/0/x003/x057/500");
	path_is(1, 1234067, 256, "tile/1/x001/x234/067");
	path_is(0, 273, 112, "tile/0/273.p/112");
	path_is(2, 0, 1, "tile/2/000.p/1");
	path_is(63, 1000, 255, "tile/63/x001/000.p/255");
	path_is(RSG_TILE_ENTRIES, 999, 256, "tile/entries/999");
	path_is(RSG_TILE_ENTRIES, 1000, 7, "tile/entries/x001/000.p/7");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rsg_tilepath_parse(bad[i], strlen(bad[i]), &t))
			fail_msg("'%s' was taken for a tile", bad[i]);
}

static void
widths(void **state)
{
	(void)state;
	assert_int_equal(rsg_tile_width(0, 0, 0), 0);
	assert_int_equal(rsg_tile_width(0, 272, 70000), 256);
	assert_int_equal(rsg_tile_width(0, 273, 70000), 112);
	assert_int_equal(rsg_tile_width(0, 274, 70000), 0);
	assert_int_equal(rsg_tile_width(1, 0, 70000), 256);
	assert_int_equal(rsg_tile_width(1, 1, 70000), 17);
	assert_int_equal(rsg_tile_width(2, 0, 70000), 1);
	assert_int_equal(rsg_tile_width(3, 0, 70000), 0);
	assert_int_equal(rsg_tile_width(0, 0, 256), 256);
	assert_int_equal(rsg_tile_width(0, 1, 256), 0);
	assert_int_equal(rsg_tile_width(1, 0, 256), 1);
	assert_int_equal(rsg_tile_width(RSG_TILE_ENTRIES, 1, 257), 1);
	assert_int_equal(rsg_tile_width(8, 0, UINT64_MAX), 0);
}

static void
bundles(void **state)
{
	static uint8_t big[65536];
	const uint8_t *p;
	struct rsg_buf b;
	struct rsg_rd r;
	size_t n;

	(void)state;
	rsg_buf_init(&b, 200000);
	rsg_bundle_put(&b, "ab", 2);
	rsg_bundle_put(&b, "", 0);
	rsg_bundle_put(&b, big, 65535);
	assert_int_equal(rsg_buf_err(&b), RSG_OK);
	assert_int_equal(b.len, 4 + 2 + 65537);
	rsg_rd_init(&r, b.p, b.len);
	assert_int_equal(rsg_bundle_next(&r, &p, &n), RSG_OK);
	assert_int_equal(n, 2);
	assert_memory_equal(p, "ab", 2);
	assert_int_equal(rsg_bundle_next(&r, &p, &n), RSG_OK);
	assert_int_equal(n, 0);
	assert_int_equal(rsg_bundle_next(&r, &p, &n), RSG_OK);
	assert_int_equal(n, 65535);
	assert_int_equal(rsg_bundle_next(&r, &p, &n), RSG_NOT_FOUND);
	rsg_rd_init(&r, b.p, 3);
	assert_int_equal(rsg_bundle_next(&r, &p, &n), RSG_MALFORMED);
	rsg_rd_init(&r, b.p, 1);
	assert_int_equal(rsg_bundle_next(&r, &p, &n), RSG_MALFORMED);
	rsg_bundle_put(&b, big, 65536);
	assert_int_equal(rsg_buf_err(&b), RSG_TOO_LARGE);
	rsg_buf_free(&b);
}

static void
leaf_of(uint64_t i, uint8_t out[32])
{
	uint8_t be[8];

	rsg_be64(be, i);
	rsg_merkle_leaf(be, sizeof(be), out);
}

static enum rsg_err
store(void *ctx, const struct rsg_tile *t, const uint8_t *p)
{
	char path[RSG_TILEPATH_MAX];

	(void)ctx;
	rsg_tilepath(t, path);
	return rsg_logdir_write(dir, path, p, t->width * 32u);
}

static void
store_partial(const struct rsg_edge *g)
{
	for (int l = 0; l < RSG_TILE_LEVELS; l++) {
		struct rsg_tile t = { l, g->size >> (8 * l) >> 8, rsg_edge_width(g, l) };

		if (t.width > 0)
			assert_int_equal(store(NULL, &t, g->tile[l][0]), RSG_OK);
	}
	assert_int_equal(rsg_logdir_sync(dir), RSG_OK);
}

/* Grow to 70,000 with stops on the way; each stop's tree is read back. */
static void
trees_from_tiles(void **state)
{
	static const uint64_t stop[] = { 1, 255, 256, 257, 65535, 65536, 65537, 70000 };
	static struct rsg_edge g, back;
	static struct rsg_tiles t;
	uint8_t root[32], again[32], old[32], leaf[32];
	struct rsg_proof p;
	uint64_t i = 0;

	(void)state;
	rsg_sha256(NULL, 0, old);
	for (size_t k = 0; k < sizeof(stop) / sizeof(stop[0]); k++) {
		uint64_t from = k == 0 ? 0 : stop[k - 1];

		for (; i < stop[k]; i++) {
			leaf_of(i, leaf);
			assert_int_equal(rsg_edge_add(&g, leaf, store, NULL), RSG_OK);
		}
		store_partial(&g);
		rsg_edge_root(&g, root);
		memset(&t, 0, sizeof(t));
		t.dir = dir;
		t.size = i;
		assert_int_equal(rsg_tree_root(rsg_tiles_hash, &t, i, again), RSG_OK);
		assert_memory_equal(root, again, 32);
		assert_int_equal(rsg_tiles_edge(&t, &back), RSG_OK);
		rsg_edge_root(&back, again);
		assert_memory_equal(root, again, 32);
		assert_int_equal(rsg_tree_consistency(rsg_tiles_hash, &t, from, i, &p), RSG_OK);
		assert_int_equal(rsg_tree_consistent(from, old, i, root, &p), RSG_OK);
		for (uint64_t j = 0; j < i; j += i / 7 + 1) {
			leaf_of(j, leaf);
			assert_int_equal(rsg_tree_inclusion(rsg_tiles_hash, &t, j, i, &p), RSG_OK);
			assert_int_equal(rsg_tree_included(leaf, j, i, &p, root), RSG_OK);
		}
		memcpy(old, root, 32);
	}
}

static bool
there(const char *rel)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, rel);
	return access(path, F_OK) == 0;
}

/* A tree of a size whose partial tiles are gone is read from the full ones. */
static void
tidied(void **state)
{
	static struct rsg_tiles t = { .size = 255 };
	uint8_t hash[32], leaf[32];

	(void)state;
	assert_true(there("tile/0/000.p/1"));
	assert_true(there("tile/0/000.p/255"));
	rsg_logdir_tidy(dir, &(struct rsg_tile){ 0, 0, 256 });
	assert_false(there("tile/0/000.p"));
	assert_true(there("tile/0/000"));
	assert_true(there("tile/0/255.p/255"));
	t.dir = dir;
	assert_int_equal(rsg_tiles_hash(&t, 0, 254, hash), RSG_OK);
	leaf_of(254, leaf);
	assert_memory_equal(hash, leaf, 32);
	assert_int_equal(rsg_tiles_hash(&t, 0, 255, hash), RSG_NOT_FOUND);
	assert_int_equal(rsg_tiles_hash(&t, 8, 0, hash), RSG_NOT_FOUND);
}

static void
tiles_cut_short(void **state)
{
	static struct rsg_tiles t = { .size = 70000 };
	char path[200];
	uint8_t hash[32];

	(void)state;
	t.dir = dir;
	snprintf(path, sizeof(path), "%s/tile/0/100", folder);
	assert_int_equal(truncate(path, 8191), 0);
	assert_int_equal(rsg_tiles_hash(&t, 0, 25600, hash), RSG_TAMPERED);
	assert_int_equal(t.at.n, 100);
	assert_int_equal(truncate(path, 8193), 0);
	assert_int_equal(rsg_tiles_hash(&t, 0, 25600, hash), RSG_TAMPERED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rsg_tiles_hash(&t, 0, 25600, hash), RSG_NOT_FOUND);
	assert_int_equal(symlink("099", path), 0);
	assert_int_not_equal(rsg_tiles_hash(&t, 0, 25600, hash), RSG_OK);
}

static int
make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rsg-tiles-XXXXXX");
	return mkdtemp(folder) != NULL &&
	    rsg_logdir_open(folder, false, &dir) == RSG_OK ? 0 : -1;
}

static int
clean(void **state)
{
	char cmd[100];

	(void)state;
	rsg_logdir_close(dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", folder);
	return system(cmd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(widths),
		cmocka_unit_test(bundles),
		cmocka_unit_test(trees_from_tiles),
		cmocka_unit_test(tidied),
		cmocka_unit_test(tiles_cut_short),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
