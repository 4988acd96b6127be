#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/entry.h"
#include "audit/logdir.h"
#include "audit/rotate.h"
#include "audit/verify.h"

#define SAID_MAX	1000		/* then it only counts */
#define PROGRESS	(UINT64_C(1) << 18)

struct job {
	struct rsg_verify *v;
	struct rsg_logdir *dir;
	struct rsg_edge edge;
	struct rsg_tiles tiles;
	struct rsg_buf bundle;
	uint8_t entry[RSG_TILE_WIDTH][RSG_HASH_LEN];	/* of the bundle's entries */
	uint8_t id[RSG_TILE_WIDTH][RSG_ID_LEN];
	unsigned entries;		/* how many could be read */
	bool broken;			/* ... because the bundle is malformed */
};

static void __attribute__((format(printf, 2, 3)))
wrong(struct job *j, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (j->v->wrong++ >= SAID_MAX)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	j->v->say(j->v->ctx, true, text);
}

/* --- Entries --- */

static enum rsg_err
read_bundle(struct job *j, const struct rsg_tile *t)
{
	struct rsg_tile full = { t->level, t->n, RSG_TILE_WIDTH };
	char path[RSG_TILEPATH_MAX];
	enum rsg_err e;

	rsg_buf_reset(&j->bundle);
	rsg_tilepath(t, path);
	e = rsg_logdir_read(j->dir, path, RSG_BUNDLE_MAX, &j->bundle);
	if (e == RSG_NOT_FOUND && t->width < RSG_TILE_WIDTH) {
		rsg_tilepath(&full, path);
		e = rsg_logdir_read(j->dir, path, RSG_BUNDLE_MAX, &j->bundle);
	}
	return e;
}

/* What an entry says of the log itself. It has to stand at its end, or begin it. */
static void
take_note(struct job *j, uint64_t index, const char *note, size_t n)
{
	size_t closing = strlen(RSG_CLOSING), opening = strlen(RSG_OPENING);

	if (n > closing && memcmp(note, RSG_CLOSING, closing) == 0) {
		if (index + 1 != j->v->now.size)
			wrong(j, "entry %llu closes the log, and there are more behind it",
			    (unsigned long long)index);
		else if (rsg_note_vkey(note + closing, n - closing, &j->v->next) != RSG_OK)
			wrong(j, "entry %llu closes the log and names no key",
			    (unsigned long long)index);
		else
			j->v->closed = true;
	} else if (n > opening && memcmp(note, RSG_OPENING, opening) == 0) {
		if (index != 0)
			wrong(j, "entry %llu begins a log, and there are others before it",
			    (unsigned long long)index);
		else
			rsg_buf_put(&j->v->before, note + opening, n - opening);
	}
}

/* Hash what a bundle holds. What cannot be read leaves j->entries short. */
static enum rsg_err
hash_entries(struct job *j, uint64_t n, unsigned width)
{
	struct rsg_tile t = { RSG_TILE_ENTRIES, n, width };
	const uint8_t *p;
	const char *note;
	struct rsg_rd r;
	size_t len;
	enum rsg_err e;

	j->entries = 0;
	j->broken = false;
	if ((e = read_bundle(j, &t)) != RSG_OK) {
		if (e == RSG_NOT_FOUND || e == RSG_TOO_LARGE)
			wrong(j, "bundle %llu (entries %llu to %llu) %s", (unsigned long long)n,
			    (unsigned long long)n * 256, (unsigned long long)n * 256 + width - 1,
			    e == RSG_NOT_FOUND ? "is missing" : "is too large");
		return e == RSG_NOT_FOUND || e == RSG_TOO_LARGE ? RSG_OK : e;
	}
	rsg_rd_init(&r, j->bundle.p, j->bundle.len);
	for (; j->entries < width; j->entries++) {
		if (rsg_bundle_next(&r, &p, &len) != RSG_OK) {
			j->broken = true;	/* settle() says from where on */
			return RSG_OK;
		}
		j->v->bytes += len;
		rsg_entry_hash(p, len, j->entry[j->entries]);
		memset(j->id[j->entries], 0, RSG_ID_LEN);
		if (len > RSG_ID_LEN)
			memcpy(j->id[j->entries], p + 1, RSG_ID_LEN);
		if ((note = rsg_entry_note(p, len, &len)) != NULL)
			take_note(j, n * RSG_TILE_WIDTH + j->entries, note, len);
	}
	if (width == RSG_TILE_WIDTH && !rsg_rd_end(&r))
		wrong(j, "bundle %llu goes on after its last entry", (unsigned long long)n);
	return RSG_OK;
}

/* --- Tiles --- */

/* A full tile put together from below, against the one in the folder. */
static enum rsg_err
compare(void *ctx, const struct rsg_tile *t, const uint8_t *hashes)
{
	struct job *j = ctx;
	const uint8_t *p;
	unsigned width;
	enum rsg_err e;
	char path[RSG_TILEPATH_MAX];

	if (t->level == 0)
		return RSG_OK;		/* settle() did */
	rsg_tilepath(t, path);
	e = rsg_tiles_load(&j->tiles, t->level, t->n, &p, &width);
	if (e == RSG_NOT_FOUND || e == RSG_TAMPERED) {
		wrong(j, "%s %s", path, e == RSG_NOT_FOUND ? "is missing" :
		    "does not have the length of a tile");
		return RSG_OK;
	}
	for (unsigned i = 0; e == RSG_OK && i < t->width; i++)
		if (memcmp(p + 32 * i, hashes + 32 * i, 32) != 0)
			wrong(j, "%s: hash %u is not that of the tile below", path, i);
	return e;
}

/*
 * Entries and tile differ: which of them is as signed? For a full tile the
 * hash above it tells; the last, partial one is judged by the signed root.
 */
static bool
entries_right(struct job *j, uint64_t n, unsigned width, const uint8_t *tile)
{
	uint8_t up[RSG_HASH_LEN], sub[RSG_HASH_LEN];
	struct rsg_edge *try;
	bool right = false;

	if (j->entries < width)
		return false;
	if (width == RSG_TILE_WIDTH) {
		rsg_edge_subtree(j->entry[0], RSG_TILE_WIDTH, sub);
		return rsg_tiles_hash(&j->tiles, 8, n, up) == RSG_OK &&
		    memcmp(up, sub, sizeof(up)) == 0;
	}
	if (tile == NULL)
		return true;
	if ((try = malloc(sizeof(*try))) == NULL)
		return false;
	*try = j->edge;
	for (unsigned i = 0; i < width; i++)
		if (rsg_edge_add(try, j->entry[i], NULL, NULL) != RSG_OK)
			break;
	rsg_edge_root(try, up);
	right = memcmp(up, j->v->now.root, sizeof(up)) == 0;
	free(try);
	return right;
}

static void
name_entry(struct job *j, uint64_t index, unsigned i)
{
	struct rsg_id id;
	char text[RSG_ID_TEXT];

	memcpy(id.b, j->id[i], sizeof(id.b));
	rsg_id_text(&id, text);
	wrong(j, "entry %llu (its bytes say %s) is not what was signed",
	    (unsigned long long)index, text);
}

/* The leaf hashes to go on with; says what is wrong on the way. */
static enum rsg_err
settle(struct job *j, uint64_t n, unsigned width, const uint8_t **use)
{
	struct rsg_tile t = { 0, n, width };
	char path[RSG_TILEPATH_MAX];
	const uint8_t *tile = NULL;
	unsigned w;
	bool entries;
	enum rsg_err e;

	rsg_tilepath(&t, path);
	e = rsg_tiles_load(&j->tiles, 0, n, &tile, &w);
	if (e == RSG_NOT_FOUND || e == RSG_TAMPERED) {
		wrong(j, "%s %s", path, e == RSG_NOT_FOUND ? "is missing" :
		    "does not have the length of a tile");
		*use = j->entry[0];
		return j->entries == width ? RSG_OK : RSG_TAMPERED;
	}
	if (e != RSG_OK)
		return e;
	*use = tile;
	if (j->entries == width && memcmp(tile, j->entry, width * 32u) == 0)
		return RSG_OK;
	entries = entries_right(j, n, width, tile);
	if (entries)
		*use = j->entry[0];
	for (unsigned i = 0; i <= j->entries; i++) {
		if (j->broken && (i == j->entries ||
		    memcmp(tile + 32 * i, j->entry[i], 32) != 0)) {
			/* A wrong length makes all that follows look wrong. */
			wrong(j, "entry %llu: bundle %llu cannot be read from there on",
			    (unsigned long long)(n * 256 + i), (unsigned long long)n);
			break;
		}
		if (i == j->entries || memcmp(tile + 32 * i, j->entry[i], 32) == 0)
			continue;
		if (entries)
			wrong(j, "%s: hash %u is not that of its entry %llu", path, i,
			    (unsigned long long)(n * 256 + i));
		else
			name_entry(j, n * 256 + i, i);
	}
	return RSG_OK;
}

/* --- The whole --- */

static void
check_old(struct job *j)
{
	const struct rsg_checkpoint *old = j->v->remembered;
	uint8_t root[RSG_HASH_LEN];

	if (old == NULL || j->edge.size != old->size)
		return;
	rsg_edge_root(&j->edge, root);
	if (memcmp(root, old->root, sizeof(root)) != 0)
		wrong(j, "the first %llu entries are not those of the remembered "
		    "checkpoint: the log was rewritten", (unsigned long long)old->size);
}

static enum rsg_err
walk(struct job *j)
{
	uint64_t size = j->v->now.size, n = 0;
	const uint8_t *use;
	char text[64];
	enum rsg_err e;

	check_old(j);
	for (; n * RSG_TILE_WIDTH < size; n++) {
		unsigned width = rsg_tile_width(0, n, size);

		if ((e = hash_entries(j, n, width)) != RSG_OK ||
		    (e = settle(j, n, width, &use)) != RSG_OK)
			return e;
		for (unsigned i = 0; i < width; i++) {
			if ((e = rsg_edge_add(&j->edge, use + 32 * i, compare, j)) != RSG_OK)
				return e;
			check_old(j);
		}
		if (j->edge.size % PROGRESS == 0) {
			(void)snprintf(text, sizeof(text), "%llu of %llu entries",
			    (unsigned long long)j->edge.size, (unsigned long long)size);
			j->v->say(j->v->ctx, false, text);
		}
	}
	return RSG_OK;
}

/* Unfinished tiles above the leaves, and the root. */
static enum rsg_err
check_top(struct job *j)
{
	uint8_t root[RSG_HASH_LEN];
	enum rsg_err e;

	for (int l = 1; l < RSG_TILE_LEVELS; l++) {
		struct rsg_tile t = { l, j->edge.size >> (8 * l) >> 8,
		    rsg_edge_width(&j->edge, l) };

		if (t.width > 0 && (e = compare(j, &t, j->edge.tile[l][0])) != RSG_OK)
			return e;
	}
	rsg_edge_root(&j->edge, root);
	if (memcmp(root, j->v->now.root, sizeof(root)) != 0)
		wrong(j, "the tree over these %llu entries is not the one signed",
		    (unsigned long long)j->edge.size);
	return RSG_OK;
}

static enum rsg_err
read_checkpoint(struct job *j)
{
	struct rsg_verify *v = j->v;
	enum rsg_err e;

	e = rsg_logdir_read(j->dir, "checkpoint", RSG_NOTE_MAX, &v->note);
	if (e == RSG_NOT_FOUND || e == RSG_TOO_LARGE) {
		wrong(j, "the checkpoint is missing or too large");
		return RSG_TAMPERED;
	}
	if (e != RSG_OK)
		return e;
	e = rsg_checkpoint_open((char *)v->note.p, v->note.len, v->key, &v->now);
	if (e != RSG_OK) {
		wrong(j, "the checkpoint is %s", e == RSG_NOT_FOUND ?
		    "not signed by this key" : e == RSG_MALFORMED ? "malformed" :
		    "not what its key signed, or of another log");
		return RSG_TAMPERED;
	}
	if (v->remembered != NULL && v->remembered->size > v->now.size)
		wrong(j, "the log has %llu entries; the remembered checkpoint had %llu",
		    (unsigned long long)v->now.size,
		    (unsigned long long)v->remembered->size);
	return RSG_OK;
}

enum rsg_err
rsg_verify_run(struct rsg_verify *v)
{
	struct job *j = calloc(1, sizeof(*j));
	enum rsg_err e;

	rsg_buf_init(&v->note, RSG_NOTE_MAX + 1);
	rsg_buf_init(&v->before, RSG_NOTE_MAX + 1);
	v->wrong = 0;
	v->bytes = 0;
	v->closed = false;
	if (j == NULL)
		return RSG_NO_MEMORY;
	j->v = v;
	rsg_buf_init(&j->bundle, RSG_BUNDLE_MAX + 1);
	if ((e = rsg_logdir_open(v->dir, false, &j->dir)) != RSG_OK ||
	    (e = read_checkpoint(j)) != RSG_OK)
		goto done;
	j->tiles.dir = j->dir;
	j->tiles.size = v->now.size;
	if ((e = walk(j)) == RSG_OK)
		e = check_top(j);
done:
	rsg_logdir_close(j->dir);
	rsg_buf_free(&j->bundle);
	free(j);
	return e == RSG_OK && v->wrong > 0 ? RSG_TAMPERED : e;
}
