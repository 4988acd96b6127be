/*
 * tilepath.h - where tiles and entry bundles stand (C2SP tlog-tiles).
 *
 * N is written in groups of three digits, all but the last with an x before:
 * 1234067 is x001/x234/067.
 */
#ifndef RSG_TILEPATH_H
#define RSG_TILEPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSG_TILE_WIDTH	256
#define RSG_TILE_LEVELS	8		/* 256^8 is more than there can be */
#define RSG_TILE_BYTES	(RSG_TILE_WIDTH * 32)
#define RSG_TILE_ENTRIES (-1)		/* the level of entry bundles */
#define RSG_TILEPATH_MAX 64

struct rsg_tile {
	int level;			/* 0 to 63, or RSG_TILE_ENTRIES */
	uint64_t n;
	unsigned width;			/* 1 to 256; 256 is a full one */
};

/* "tile/0/x001/234", "tile/entries/000.p/5". */
void rsg_tilepath(const struct rsg_tile *, char out[RSG_TILEPATH_MAX]);

/* Only the one spelling that rsg_tilepath() gives. */
bool rsg_tilepath_parse(const char *, size_t, struct rsg_tile *);

/* How wide is tile `n` of a level in a tree of `size`? 0: it has none. */
unsigned rsg_tile_width(int level, uint64_t n, uint64_t size);

#endif
