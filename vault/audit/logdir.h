/*
 * logdir.h - a folder of tiles: read with checks, written so that a reader
 * finds a file whole or not at all.
 *
 * A write goes to another name, is synced, and renamed; folders are synced
 * by rsg_logdir_sync(), once for many files. Nothing is durable before that.
 */
#ifndef RSG_LOGDIR_H
#define RSG_LOGDIR_H

#include "audit/edge.h"
#include "resguardo/buf.h"

struct rsg_logdir;

/* Open a folder; `make` creates it (its parent must be there). RSG_IO
 * (logged), RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_logdir_open(const char *path, bool make,
    struct rsg_logdir **);
void rsg_logdir_close(struct rsg_logdir *);

/* Write a file below the folder, making the folders above it. RSG_IO (logged). */
RSG_MUST enum rsg_err rsg_logdir_write(struct rsg_logdir *, const char *rel,
    const void *, size_t);

/* Sync the folders written to since the last time. RSG_IO (logged). */
RSG_MUST enum rsg_err rsg_logdir_sync(struct rsg_logdir *);

/* A whole file of at most `max` bytes after what `out` holds. RSG_NOT_FOUND,
 * RSG_TOO_LARGE, RSG_IO (logged). */
RSG_MUST enum rsg_err rsg_logdir_read(struct rsg_logdir *, const char *rel,
    size_t max, struct rsg_buf *out);

/* Remove the partial tiles that came before a full one. Never fails: who
 * does not find them to remove has lost nothing. */
void rsg_logdir_tidy(struct rsg_logdir *, const struct rsg_tile *full);

/*
 * Reading a tree of a given size from its tiles: an rsg_tree_fn whose ctx is
 * a struct rsg_tiles. The widest tile that the size gives is read, or the
 * full one where that stands already. RSG_NOT_FOUND names the tile in `at`.
 */
#define RSG_TILES_KEPT	16
struct rsg_tiles {
	struct rsg_logdir *dir;
	uint64_t size;
	struct rsg_tile at;		/* the last one looked for */
	unsigned next;
	struct {
		struct rsg_tile tile;	/* width 0: free */
		uint8_t hash[RSG_TILE_BYTES];
	} kept[RSG_TILES_KEPT];
};
rsg_tree_fn rsg_tiles_hash;

/* The bytes of a tile as wide as the size gives. RSG_TAMPERED when its length
 * is another. */
RSG_MUST enum rsg_err rsg_tiles_load(struct rsg_tiles *, int level, uint64_t n,
    const uint8_t **hashes, unsigned *width);

/* The growing end of a tree of tiles->size. */
RSG_MUST enum rsg_err rsg_tiles_edge(struct rsg_tiles *, struct rsg_edge *);

#endif
