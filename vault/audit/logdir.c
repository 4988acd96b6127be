#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/logdir.h"
#include "resguardo/log.h"

#define FOLDERS	64			/* remembered until they are synced */
#define TEMP	".new"

struct rsg_logdir {
	int fd;
	size_t nfolders;
	char folder[FOLDERS][RSG_TILEPATH_MAX];
};

static enum rsg_err
failed(const char *what, const char *rel)
{
	rsg_log(RSG_LOG_ERROR, "log.file", "what", RSG_LOG_S, what, "path",
	    RSG_LOG_S, rel, "error", RSG_LOG_S, strerror(errno), NULL);
	return RSG_IO;
}

enum rsg_err
rsg_logdir_open(const char *path, bool make, struct rsg_logdir **out)
{
	struct rsg_logdir *d;

	*out = NULL;
	if (make && mkdir(path, 0755) != 0 && errno != EEXIST)
		return failed("mkdir", path);
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return RSG_NO_MEMORY;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0) {
		free(d);
		return failed("open", path);
	}
	*out = d;
	return RSG_OK;
}

void
rsg_logdir_close(struct rsg_logdir *d)
{
	if (d == NULL)
		return;
	close(d->fd);
	free(d);
}

/* --- Writing --- */

static enum rsg_err
sync_folder(struct rsg_logdir *d, const char *rel)
{
	int fd = openat(d->fd, rel[0] == '\0' ? "." : rel,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ok;

	if (fd < 0)
		return failed("open", rel);
	ok = fsync(fd);
	if (ok != 0)
		(void)failed("fsync", rel);
	close(fd);
	return ok == 0 ? RSG_OK : RSG_IO;
}

enum rsg_err
rsg_logdir_sync(struct rsg_logdir *d)
{
	enum rsg_err e;

	while (d->nfolders > 0) {
		if ((e = sync_folder(d, d->folder[d->nfolders - 1])) != RSG_OK)
			return e;
		d->nfolders--;
	}
	return RSG_OK;
}

/* The folder of "a/b" changed. */
static enum rsg_err
remember(struct rsg_logdir *d, const char *rel)
{
	char folder[RSG_TILEPATH_MAX];
	const char *slash = strrchr(rel, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - rel);
	enum rsg_err e;

	memcpy(folder, rel, n);
	folder[n] = '\0';
	for (size_t i = 0; i < d->nfolders; i++)
		if (strcmp(d->folder[i], folder) == 0)
			return RSG_OK;
	if (d->nfolders == FOLDERS && (e = rsg_logdir_sync(d)) != RSG_OK)
		return e;
	memcpy(d->folder[d->nfolders++], folder, n + 1);
	return RSG_OK;
}

static enum rsg_err
make_folders(struct rsg_logdir *d, const char *rel)
{
	char part[RSG_TILEPATH_MAX];
	const char *slash = rel;
	enum rsg_err e;

	while ((slash = strchr(slash, '/')) != NULL) {
		memcpy(part, rel, (size_t)(slash - rel));
		part[slash - rel] = '\0';
		if (mkdirat(d->fd, part, 0755) == 0) {
			if ((e = remember(d, part)) != RSG_OK)
				return e;
		} else if (errno != EEXIST)
			return failed("mkdir", part);
		slash++;
	}
	return RSG_OK;
}

static bool
write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = write(fd, p, len)) < 0) {
			if (errno != EINTR)
				return false;
			n = 0;
		}
	return true;
}

static enum rsg_err
write_temp(struct rsg_logdir *d, const char *temp, const void *p, size_t len)
{
	int fd = openat(d->fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0644);
	enum rsg_err e = RSG_OK;

	if (fd < 0)
		return failed("open", temp);
	if (!write_all(fd, p, len))
		e = failed("write", temp);
	else if (fsync(fd) != 0)
		e = failed("fsync", temp);
	if (close(fd) != 0 && e == RSG_OK)
		e = failed("close", temp);
	return e;
}

enum rsg_err
rsg_logdir_write(struct rsg_logdir *d, const char *rel, const void *p, size_t len)
{
	char temp[RSG_TILEPATH_MAX + sizeof(TEMP)];
	enum rsg_err e;

	if (strlen(rel) >= RSG_TILEPATH_MAX)
		return RSG_TOO_LARGE;
	(void)snprintf(temp, sizeof(temp), "%s" TEMP, rel);
	if ((e = make_folders(d, rel)) != RSG_OK ||
	    (e = write_temp(d, temp, p, len)) != RSG_OK)
		return e;
	if (renameat(d->fd, temp, d->fd, rel) != 0)
		return failed("rename", rel);
	return remember(d, rel);
}

void
rsg_logdir_tidy(struct rsg_logdir *d, const struct rsg_tile *full)
{
	char path[RSG_TILEPATH_MAX];
	struct rsg_tile t = *full;
	char *slash;

	/* Most tiles fill within one integration and never had any. */
	t.width = 1;
	rsg_tilepath(&t, path);
	if ((slash = strrchr(path, '/')) == NULL)
		return;
	*slash = '\0';
	if (faccessat(d->fd, path, F_OK, 0) != 0)
		return;
	for (t.width = 1; t.width < RSG_TILE_WIDTH; t.width++) {
		rsg_tilepath(&t, path);
		(void)unlinkat(d->fd, path, 0);
	}
	*strrchr(path, '/') = '\0';
	(void)unlinkat(d->fd, path, AT_REMOVEDIR);
}

/* --- Reading --- */

enum rsg_err
rsg_logdir_read(struct rsg_logdir *d, const char *rel, size_t max,
    struct rsg_buf *out)
{
	int fd = openat(d->fd, rel, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum rsg_err e = RSG_OK;
	struct stat st;
	uint8_t *p;
	ssize_t n = 0;
	size_t got = 0;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? RSG_NOT_FOUND :
		    failed("open", rel);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		e = failed("fstat", rel);
	else if ((uint64_t)st.st_size > max)
		e = RSG_TOO_LARGE;
	else if ((p = rsg_buf_room(out, (size_t)st.st_size + 1)) == NULL)
		e = RSG_NO_MEMORY;
	else {
		while (got < (size_t)st.st_size && (n = read(fd, p + got,
		    (size_t)st.st_size - got)) != 0) {
			if (n < 0 && errno != EINTR)
				break;
			got += n > 0 ? (size_t)n : 0;
		}
		if (n < 0)
			e = failed("read", rel);
		(void)rsg_buf_extend(out, got);
	}
	close(fd);
	return e;
}

/* --- Trees from tiles --- */

static enum rsg_err
fetch(struct rsg_tiles *t, const struct rsg_tile *want, uint8_t hash[RSG_TILE_BYTES])
{
	struct rsg_tile full = { want->level, want->n, RSG_TILE_WIDTH };
	char path[RSG_TILEPATH_MAX];
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, RSG_TILE_BYTES + 1);
	rsg_tilepath(want, path);
	e = rsg_logdir_read(t->dir, path, RSG_TILE_BYTES, &b);
	if (e == RSG_NOT_FOUND && want->width < RSG_TILE_WIDTH) {
		/* Partial tiles go when the full one is there. */
		rsg_tilepath(&full, path);
		e = rsg_logdir_read(t->dir, path, RSG_TILE_BYTES, &b);
		if (e == RSG_OK && b.len != RSG_TILE_BYTES)
			e = RSG_TAMPERED;
	} else if (e == RSG_OK && b.len != want->width * 32u)
		e = RSG_TAMPERED;
	if (e == RSG_TOO_LARGE)
		e = RSG_TAMPERED;
	if (e == RSG_OK)
		memcpy(hash, b.p, want->width * 32u);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_tiles_load(struct rsg_tiles *t, int level, uint64_t n,
    const uint8_t **hashes, unsigned *width)
{
	unsigned i;
	enum rsg_err e;

	t->at = (struct rsg_tile){ level, n, rsg_tile_width(level, n, t->size) };
	*width = t->at.width;
	if (t->at.width == 0)
		return RSG_NOT_FOUND;
	for (i = 0; i < RSG_TILES_KEPT; i++)
		if (t->kept[i].tile.width == t->at.width &&
		    t->kept[i].tile.level == level && t->kept[i].tile.n == n)
			break;
	if (i == RSG_TILES_KEPT) {
		i = t->next++ % RSG_TILES_KEPT;
		t->kept[i].tile.width = 0;
		if ((e = fetch(t, &t->at, t->kept[i].hash)) != RSG_OK)
			return e;
		t->kept[i].tile = t->at;
	}
	*hashes = t->kept[i].hash;
	return RSG_OK;
}

enum rsg_err
rsg_tiles_hash(void *ctx, unsigned level, uint64_t index,
    uint8_t hash[RSG_HASH_LEN])
{
	struct rsg_tiles *t = ctx;
	unsigned low = level % 8, width;
	uint64_t first = index << low;		/* in hashes of the tile's level */
	const uint8_t *p;
	enum rsg_err e;

	e = rsg_tiles_load(t, (int)(level / 8), first / RSG_TILE_WIDTH, &p, &width);
	if (e != RSG_OK)
		return e;
	if (first % RSG_TILE_WIDTH + (UINT64_C(1) << low) > width)
		return RSG_NOT_FOUND;
	rsg_edge_subtree(p + first % RSG_TILE_WIDTH * RSG_HASH_LEN,
	    (size_t)1 << low, hash);
	return RSG_OK;
}

enum rsg_err
rsg_tiles_edge(struct rsg_tiles *t, struct rsg_edge *g)
{
	const uint8_t *p;
	unsigned width;
	enum rsg_err e;

	g->size = t->size;
	for (int l = 0; l < RSG_TILE_LEVELS; l++) {
		if (rsg_edge_width(g, l) == 0)
			continue;
		e = rsg_tiles_load(t, l, t->size >> (8 * l) >> 8, &p, &width);
		if (e != RSG_OK)
			return e;
		memcpy(g->tile[l][0], p, width * (size_t)RSG_HASH_LEN);
	}
	return RSG_OK;
}
