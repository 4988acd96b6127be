#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/check.h"
#include "audit/entry.h"
#include "audit/integrate.h"
#include "audit/logdir.h"
#include "resguardo/clock.h"

#define PAGE		2000		/* rows a fetch */
#define SAID_MAX	1000
#define TAG_AT		(1 + RSG_ID_LEN + 1 + 4)
#define HOUR_AT		(1 + RSG_ID_LEN + 1)

/* What the log says of one entry. */
struct known {
	struct rsg_id id;		/* first: rsg_id_cmp() sorts by it */
	uint64_t index;
	uint8_t hash[RSG_HASH_LEN];
	bool seen;
};

struct job {
	struct rsg_check *c;
	struct known *known;
	uint64_t n, last;		/* index of the row before, plus one */
	int64_t xid, seq;
};

static void __attribute__((format(printf, 3, 4)))
wrong(struct job *j, const struct rsg_id *id, const char *format, ...)
{
	char text[512], name[RSG_ID_TEXT];
	va_list ap;
	int n;

	if (j->c->wrong++ >= SAID_MAX)
		return;
	rsg_id_text(id, name);
	n = snprintf(text, sizeof(text), "entry %s ", name);
	va_start(ap, format);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	va_end(ap);
	j->c->say(j->c->ctx, true, text);
}

/* --- What the log says --- */

static enum rsg_err
take_bundle(struct job *j, uint64_t n, const struct rsg_buf *b)
{
	unsigned width = rsg_tile_width(RSG_TILE_ENTRIES, n, j->c->size);
	const uint8_t *p;
	struct rsg_rd r;
	size_t len;

	rsg_rd_init(&r, b->p, b->len);
	for (unsigned i = 0; i < width; i++) {
		struct known *k = &j->known[j->n];

		if (rsg_bundle_next(&r, &p, &len) != RSG_OK || len <= RSG_ID_LEN)
			return RSG_TAMPERED;
		memcpy(k->id.b, p + 1, RSG_ID_LEN);
		k->index = j->n++;
		rsg_entry_hash(p, len, k->hash);
	}
	return RSG_OK;
}

static enum rsg_err
read_log(struct job *j)
{
	struct rsg_logdir *d;
	char path[RSG_TILEPATH_MAX];
	struct rsg_buf b;
	enum rsg_err e;

	if ((e = rsg_logdir_open(j->c->dir, false, &d)) != RSG_OK)
		return e;
	rsg_buf_init(&b, RSG_BUNDLE_MAX + 1);
	for (uint64_t n = 0; n * RSG_TILE_WIDTH < j->c->size && e == RSG_OK; n++) {
		struct rsg_tile t = { RSG_TILE_ENTRIES, n,
		    rsg_tile_width(RSG_TILE_ENTRIES, n, j->c->size) };

		rsg_buf_reset(&b);
		rsg_tilepath(&t, path);
		e = rsg_logdir_read(d, path, RSG_BUNDLE_MAX, &b);
		if (e == RSG_NOT_FOUND && t.width < RSG_TILE_WIDTH) {
			t.width = RSG_TILE_WIDTH;	/* it filled meanwhile */
			rsg_tilepath(&t, path);
			e = rsg_logdir_read(d, path, RSG_BUNDLE_MAX, &b);
		}
		if (e == RSG_OK)
			e = take_bundle(j, n, &b);
	}
	rsg_buf_free(&b);
	rsg_logdir_close(d);
	qsort(j->known, j->n, sizeof(*j->known), rsg_id_cmp);
	return e;
}

/* --- What the table says --- */

/* The columns that a leaf shows openly: its hour, its tag. */
static bool
columns_fit(const struct rsg_result *r, int row, const uint8_t *leaf, size_t len)
{
	const uint8_t *tag;
	size_t n;

	if (len < TAG_AT + RSG_TAG_LEN || (int64_t)rsg_get32(leaf + HOUR_AT) !=
	    rsg_result_int(r, row, 5) / (3600 * RSG_US))
		return false;
	if (rsg_result_null(r, row, 6))
		return true;		/* about nobody: noise in the leaf */
	tag = rsg_result_bytes(r, row, 6, &n);
	return n == RSG_TAG_LEN && memcmp(tag, leaf + TAG_AT, n) == 0;
}

static void
compare(struct job *j, const struct rsg_result *r, int row)
{
	uint8_t hash[RSG_HASH_LEN];
	const uint8_t *leaf, *stored;
	struct known *k;
	struct rsg_id id;
	size_t len, n;

	rsg_result_id(r, row, 2, &id);
	leaf = rsg_result_bytes(r, row, 3, &len);
	stored = rsg_result_bytes(r, row, 4, &n);
	rsg_entry_hash(leaf, len, hash);
	k = bsearch(&id, j->known, j->n, sizeof(*k), rsg_id_cmp);
	if (k == NULL) {
		/* Behind all that is in the log it may just be new. */
		if (j->last == j->n && n == sizeof(hash) && memcmp(stored, hash, n) == 0 &&
		    len > RSG_ID_LEN && memcmp(leaf + 1, id.b, RSG_ID_LEN) == 0)
			j->c->waiting++;
		else
			wrong(j, &id, "was added or altered: the log has no such entry");
		return;
	}
	j->c->rows++;
	if (k->seen)
		wrong(j, &id, "stands twice");
	k->seen = true;
	if (memcmp(k->hash, hash, sizeof(hash)) != 0)
		wrong(j, &id, "was changed: entry %llu of the log has other bytes",
		    (unsigned long long)k->index);
	else if (n != sizeof(hash) || memcmp(stored, hash, n) != 0)
		wrong(j, &id, "was changed: its leaf_hash is not of its leaf");
	else if (!columns_fit(r, row, leaf, len))
		wrong(j, &id, "was changed: its time or tag is not that of its leaf");
	if (k->index < j->last)
		wrong(j, &id, "was moved: it is entry %llu of the log, and stands behind "
		    "entry %llu", (unsigned long long)k->index,
		    (unsigned long long)j->last - 1);
	else
		j->last = k->index + 1;
}

static enum rsg_err
read_table(struct job *j)
{
	const struct rsg_result *r;
	struct rsg_bind *b;
	char text[64];
	int n, rows;
	enum rsg_err e;

	do {
		b = rsg_db_bind(j->c->db, RSG_SQL_AUDIT_ROWS);
		rsg_bind_int(b, 0, j->xid);
		rsg_bind_int(b, 1, j->seq);
		rsg_bind_int(b, 2, PAGE);
		n = rsg_db_send(j->c->db, b);
		if ((e = rsg_db_fetch(j->c->db)) != RSG_OK)
			return e;
		r = rsg_db_result(j->c->db, n);
		rows = rsg_result_rows(r);
		for (int i = 0; i < rows; i++)
			compare(j, r, i);
		if (rows > 0) {
			j->xid = rsg_result_int(r, rows - 1, 0);
			j->seq = rsg_result_int(r, rows - 1, 1);
		}
		if ((e = rsg_db_commit(j->c->db)) != RSG_OK)
			return e;
		(void)snprintf(text, sizeof(text), "%llu of %llu rows",
		    (unsigned long long)j->c->rows, (unsigned long long)j->n);
		j->c->say(j->c->ctx, false, text);
	} while (rows == PAGE);
	return RSG_OK;
}

enum rsg_err
rsg_check_run(struct rsg_check *c)
{
	struct job j = { .c = c };
	enum rsg_err e;

	c->rows = c->waiting = 0;
	c->wrong = 0;
	if ((j.known = calloc((size_t)c->size + 1, sizeof(*j.known))) == NULL)
		return RSG_NO_MEMORY;
	if ((e = read_log(&j)) == RSG_OK)
		e = read_table(&j);
	for (uint64_t i = 0; e == RSG_OK && i < j.n; i++)
		if (!j.known[i].seen)
			wrong(&j, &j.known[i].id, "was removed: it is entry %llu of the log",
			    (unsigned long long)j.known[i].index);
	free(j.known);
	return e == RSG_OK && c->wrong > 0 ? RSG_TAMPERED : e;
}

/* --- One entry --- */

static enum rsg_err
place(struct rsg_db *db, const struct rsg_vkey *key, const struct rsg_id *entry,
    uint64_t *index, uint8_t hash[RSG_HASH_LEN])
{
	struct rsg_bind *b = rsg_db_bind(db, RSG_SQL_LOG_PLACES);
	const struct rsg_result *r;
	const uint8_t *leaf;
	size_t len;
	enum rsg_err e;
	int n;

	rsg_bind_int(b, 0, rsg_integrate_number(key));
	rsg_bind_id(b, 1, entry);
	n = rsg_db_send(db, b);
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, n);
	if (rsg_result_rows(r) != 1)
		return RSG_NOT_FOUND;
	*index = (uint64_t)rsg_result_int(r, 0, 1);
	leaf = rsg_result_bytes(r, 0, 3, &len);
	rsg_entry_hash(leaf, len, hash);
	return RSG_OK;
}

enum rsg_err
rsg_check_proof(struct rsg_db *db, const char *dir, const struct rsg_vkey *key,
    const struct rsg_id *entry, struct rsg_buf *out)
{
	struct rsg_tiles *t = calloc(1, sizeof(*t));
	uint8_t hash[RSG_HASH_LEN];
	struct rsg_checkpoint c;
	struct rsg_proof proof;
	struct rsg_buf note;
	uint64_t index;
	enum rsg_err e = RSG_NO_MEMORY;

	rsg_buf_init(&note, RSG_NOTE_MAX + 1);
	if (t == NULL || (e = place(db, key, entry, &index, hash)) != RSG_OK ||
	    (e = rsg_logdir_open(dir, false, &t->dir)) != RSG_OK ||
	    (e = rsg_logdir_read(t->dir, "checkpoint", RSG_NOTE_MAX, &note)) != RSG_OK ||
	    (e = rsg_checkpoint_open((char *)note.p, note.len, key, &c)) != RSG_OK)
		goto done;
	t->size = c.size;
	if (index >= c.size) {
		e = RSG_STALE;
		goto done;
	}
	/* Given out only if it holds: the row itself may have been altered. */
	if ((e = rsg_tree_inclusion(rsg_tiles_hash, t, index, c.size, &proof)) == RSG_OK &&
	    (e = rsg_tree_included(hash, index, c.size, &proof, c.root)) == RSG_OK)
		rsg_checkpoint_proof(index, &proof, note.p, note.len, out);
done:
	if (t != NULL)
		rsg_logdir_close(t->dir);
	free(t);
	rsg_buf_free(&note);
	return e == RSG_OK ? rsg_buf_err(out) : e;
}
