/*
 * log_made.h - a log in a folder, as the integrator leaves it, without a
 * database: for tests that damage it and for measuring.
 */
#ifndef TESTS_LOG_MADE_H
#define TESTS_LOG_MADE_H

#include <stdlib.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/logdir.h"
#include "seal/seal.h"

struct made {
	struct rsg_logdir *dir;
	struct rsg_edge edge;
	struct rsg_buf bundle;
	struct rsg_skey key;
};

static inline enum rsg_err
made_tile(void *ctx, const struct rsg_tile *t, const uint8_t *hashes)
{
	struct made *m = ctx;
	char path[RSG_TILEPATH_MAX];

	rsg_tilepath(t, path);
	return rsg_logdir_write(m->dir, path, hashes, t->width * 32u);
}

static inline enum rsg_err
made_bundle(struct made *m, uint64_t n, unsigned width)
{
	struct rsg_tile t = { RSG_TILE_ENTRIES, n, width };
	char path[RSG_TILEPATH_MAX];
	enum rsg_err e;

	rsg_tilepath(&t, path);
	e = rsg_logdir_write(m->dir, path, m->bundle.p, m->bundle.len);
	rsg_buf_reset(&m->bundle);
	return e;
}

/* Entry `i`: as long as those of the server, and another each. */
static inline size_t
made_entry(uint64_t i, uint8_t *p)
{
	size_t len = 600 + i % 200;

	memset(p, (int)(i % 251), len);
	p[0] = 1;
	rsg_be64(p + 1, i);
	rsg_be64(p + 9, ~i);
	return len;
}

static inline enum rsg_err
made_sign(struct made *m)
{
	struct rsg_checkpoint c = { .size = m->edge.size };
	struct rsg_buf note;
	enum rsg_err e;

	rsg_buf_init(&note, 4096);
	strcpy(c.origin, m->key.public.name);
	rsg_edge_root(&m->edge, c.root);
	if ((e = rsg_checkpoint_sign(&m->key, &c, &note)) == RSG_OK)
		e = rsg_logdir_write(m->dir, "checkpoint", note.p, note.len);
	rsg_buf_free(&note);
	return e;
}

/* Grow it by `n` entries, write what is unfinished, sign. */
static inline enum rsg_err
made_grow(struct made *m, uint64_t n)
{
	static uint8_t entry[1024];
	uint8_t hash[32];
	unsigned w;
	enum rsg_err e = RSG_OK;

	while (n-- > 0 && e == RSG_OK) {
		uint64_t i = m->edge.size;
		size_t len = made_entry(i, entry);

		rsg_bundle_put(&m->bundle, entry, len);
		rsg_entry_hash(entry, len, hash);
		if ((e = rsg_edge_add(&m->edge, hash, made_tile, m)) == RSG_OK &&
		    m->edge.size % 256 == 0)
			e = made_bundle(m, i / 256, 256);
	}
	for (int l = 0; e == RSG_OK && l < RSG_TILE_LEVELS; l++) {
		struct rsg_tile t = { l, m->edge.size >> (8 * l) >> 8,
		    rsg_edge_width(&m->edge, l) };

		if (t.width > 0)
			e = made_tile(m, &t, m->edge.tile[l][0]);
	}
	if (e == RSG_OK && (w = rsg_edge_width(&m->edge, 0)) > 0) {
		struct rsg_buf kept = m->bundle;

		/* The next ones join it. */
		rsg_buf_init(&m->bundle, RSG_BUNDLE_MAX);
		rsg_buf_put(&m->bundle, kept.p, kept.len);
		e = made_bundle(m, m->edge.size / 256, w);
		rsg_buf_free(&m->bundle);
		m->bundle = kept;
	}
	return e == RSG_OK ? made_sign(m) : e;
}

static inline enum rsg_err
made_open(struct made *m, const char *path)
{
	uint8_t seed[32] = { 3, 1, 4 };
	enum rsg_err e;

	memset(m, 0, sizeof(*m));
	rsg_buf_init(&m->bundle, RSG_BUNDLE_MAX);
	if ((e = rsg_note_skey_make("log.example/made", seed, &m->key)) != RSG_OK)
		return e;
	return rsg_logdir_open(path, true, &m->dir);
}

static inline void
made_close(struct made *m)
{
	rsg_logdir_close(m->dir);
	rsg_buf_free(&m->bundle);
}

#endif
