#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/check_int.h"
#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/integrate.h"
#include "audit/logdir.h"
#include "audit/prove.h"
#include "resguardo/clock.h"

#define PAGE		2000		/* rows a fetch */
#define SAID_MAX	1000
#define TAG_AT		(1 + RSG_ID_LEN + 1 + 4)
#define HOUR_AT		(1 + RSG_ID_LEN + 1)

/* What the log says of one entry. */
struct known {
	struct rsg_id id;		/* first: rsg_id_cmp() sorts by it */
	uint64_t index, order;		/* in its log; in all of them */
	uint8_t hash[RSG_HASH_LEN];
	bool seen;
};

struct job {
	struct rsg_check *c;
	struct known *known;
	uint64_t n, last;		/* order of the row before, plus one */
	int64_t xid, seq;
	struct rsg__state state;
};

void
rsg__check_wrong(struct rsg_check *c, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (c->wrong++ >= SAID_MAX)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->say(c->ctx, true, text);
}

void
rsg__check_progress(struct rsg_check *c, const char *format, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->say(c->ctx, false, text);
}

static void __attribute__((format(printf, 3, 4)))
wrong(struct job *j, const struct rsg_id *id, const char *format, ...)
{
	char text[256], name[RSG_ID_TEXT];
	va_list ap;

	rsg_id_text(id, name);
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	rsg__check_wrong(j->c, "entry %s %s", name, text);
}

/* --- What the log says --- */

static enum rsg_err
take_bundle(struct job *j, const struct rsg_tile *t, const struct rsg_buf *b)
{
	const uint8_t *p;
	struct rsg_rd r;
	size_t len;

	rsg_rd_init(&r, b->p, b->len);
	for (unsigned i = 0; i < t->width; i++) {
		struct known *k = &j->known[j->n];

		if (rsg_bundle_next(&r, &p, &len) != RSG_OK || len <= RSG_ID_LEN)
			return RSG_TAMPERED;
		memcpy(k->id.b, p + 1, RSG_ID_LEN);
		k->index = t->n * RSG_TILE_WIDTH + i;
		k->order = j->n++;
		rsg_entry_hash(p, len, k->hash);
	}
	return RSG_OK;
}

static enum rsg_err
read_log(struct job *j, const struct rsg_check_log *log)
{
	struct rsg_logdir *d;
	char path[RSG_TILEPATH_MAX];
	struct rsg_buf b;
	enum rsg_err e;

	if ((e = rsg_logdir_open(log->dir, false, &d)) != RSG_OK)
		return e;
	rsg_buf_init(&b, RSG_BUNDLE_MAX + 1);
	for (uint64_t n = 0; n * RSG_TILE_WIDTH < log->size && e == RSG_OK; n++) {
		struct rsg_tile t = { RSG_TILE_ENTRIES, n,
		    rsg_tile_width(RSG_TILE_ENTRIES, n, log->size) };
		unsigned width = t.width;

		rsg_buf_reset(&b);
		rsg_tilepath(&t, path);
		e = rsg_logdir_read(d, path, RSG_BUNDLE_MAX, &b);
		if (e == RSG_NOT_FOUND && t.width < RSG_TILE_WIDTH) {
			t.width = RSG_TILE_WIDTH;	/* it filled meanwhile */
			rsg_tilepath(&t, path);
			e = rsg_logdir_read(d, path, RSG_BUNDLE_MAX, &b);
		}
		t.width = width;
		if (e == RSG_OK)
			e = take_bundle(j, &t, &b);
	}
	rsg_buf_free(&b);
	rsg_logdir_close(d);
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

/* A column that says otherwise than what is sealed in the leaf, or NULL. */
static const char *
column_wrong(const struct rsg_result *r, int row, const struct rsg_entry *e)
{
	struct rsg_id actor;

	rsg_result_id(r, row, 8, &actor);
	if (rsg_result_int(r, row, 5) != e->time)
		return "time";
	if (!rsg_id_eq(&actor, &e->actor))
		return "actor";
	if (rsg_result_int(r, row, 9) != e->action_no)
		return "action";
	if (rsg_result_int(r, row, 10) != e->purpose_no)
		return "purpose";
	if (rsg_result_int(r, row, 11) != (strcmp(e->decision, rsg_err_id(RSG_OK)) == 0))
		return "decision";
	if (rsg_result_int(r, row, 12) != e->recipient_no)
		return "recipient";
	return NULL;
}

/* With the keys: what the entry says besides, and what it wrote. */
static enum rsg_err
compare_sealed(struct job *j, const struct rsg_result *r, int row,
    const struct rsg_id *id, const uint8_t *leaf, size_t len)
{
	struct rsg_effect x[RSG_EFFECTS_MAX];
	uint8_t text[RSG_ENTRY_TEXT];
	struct rsg_entry entry;
	const char *column;
	size_t n = 0;
	enum rsg_err e;

	e = rsg_entry_effects(j->c->keys, (uint32_t)rsg_result_int(r, row, 7), leaf,
	    len, text, &entry, x, &n);
	if (e == RSG_TAMPERED) {
		wrong(j, id, "was changed: its leaf does not open as this controller's");
		return RSG_OK;
	}
	if (e != RSG_OK)
		return e;
	if ((column = column_wrong(r, row, &entry)) != NULL)
		wrong(j, id, "was changed: its %s is not what its leaf says", column);
	return rsg__state_wrote(&j->state, x, n, id, rsg_result_int(r, row, 0));
}

/* In its place: not before an entry that stands before it in the log. */
static void
compare_order(struct job *j, const struct known *k)
{
	if (k->order < j->last)
		wrong(j, &k->id, "was moved: it is entry %llu of the log, and stands behind "
		    "another %llu that come after it", (unsigned long long)k->index,
		    (unsigned long long)(j->last - k->order));
	else
		j->last = k->order + 1;
}

static enum rsg_err
compare(struct job *j, const struct rsg_result *r, int row)
{
	uint8_t hash[RSG_HASH_LEN];
	const uint8_t *leaf, *stored;
	struct known *k;
	struct rsg_id id;
	size_t len, n;
	bool whole;

	rsg_result_id(r, row, 2, &id);
	leaf = rsg_result_bytes(r, row, 3, &len);
	stored = rsg_result_bytes(r, row, 4, &n);
	rsg_entry_hash(leaf, len, hash);
	whole = n == sizeof(hash) && memcmp(stored, hash, n) == 0 &&
	    len > RSG_ID_LEN && memcmp(leaf + 1, id.b, RSG_ID_LEN) == 0;
	k = bsearch(&id, j->known, j->n, sizeof(*k), rsg_id_cmp);
	if (k == NULL) {
		/* Behind all that is in the log it may just be new. */
		if (j->last == j->n && whole) {
			j->c->waiting++;
			return j->c->keys == NULL ? RSG_OK :
			    compare_sealed(j, r, row, &id, leaf, len);
		}
		wrong(j, &id, "was added or altered: the log has no such entry");
		return RSG_OK;
	}
	j->c->rows++;
	if (k->seen)
		wrong(j, &id, "stands twice");
	k->seen = true;
	compare_order(j, k);
	if (memcmp(k->hash, hash, sizeof(hash)) != 0)
		wrong(j, &id, "was changed: entry %llu of the log has other bytes",
		    (unsigned long long)k->index);
	else if (!whole)
		wrong(j, &id, "was changed: its leaf_hash is not of its leaf");
	else if (!columns_fit(r, row, leaf, len))
		wrong(j, &id, "was changed: its time or tag is not that of its leaf");
	else if (j->c->keys != NULL)
		return compare_sealed(j, r, row, &id, leaf, len);
	return RSG_OK;
}

/* From where it ended last, up to a transaction. */
static enum rsg_err
read_table(struct job *j, int64_t until)
{
	const struct rsg_result *r;
	struct rsg_bind *b;
	int n, rows;
	enum rsg_err e;

	do {
		b = rsg_db_bind(j->c->db, RSG_SQL_AUDIT_ROWS);
		rsg_bind_int(b, 0, j->xid);
		rsg_bind_int(b, 1, j->seq);
		rsg_bind_int(b, 2, PAGE);
		rsg_bind_int(b, 3, until);
		n = rsg_db_send(j->c->db, b);
		if ((e = rsg_db_fetch(j->c->db)) != RSG_OK)
			return e;
		r = rsg_db_result(j->c->db, n);
		rows = rsg_result_rows(r);
		for (int i = 0; i < rows; i++)
			if ((e = compare(j, r, i)) != RSG_OK)
				return e;
		if (rows > 0) {
			j->xid = rsg_result_int(r, rows - 1, 0);
			j->seq = rsg_result_int(r, rows - 1, 1);
		}
		if ((e = rsg_db_commit(j->c->db)) != RSG_OK)
			return e;
		rsg__check_progress(j->c, "%llu of %llu audit rows",
		    (unsigned long long)j->c->rows, (unsigned long long)j->n);
	} while (rows == PAGE);
	return RSG_OK;
}

/*
 * Entries, then what they wrote, then the entries that came meanwhile. The
 * first time no further than where all transactions have ended: one that began
 * earlier and ends later would be passed by.
 */
static enum rsg_err
read_all(struct job *j)
{
	enum rsg_err e;

	for (size_t i = 0; i < j->c->logs; i++)
		if ((e = read_log(j, &j->c->log[i])) != RSG_OK)
			return e;
	qsort(j->known, j->n, sizeof(*j->known), rsg_id_cmp);
	if (j->c->keys != NULL && (e = rsg__state_begin(&j->state)) != RSG_OK)
		return e;
	if (j->c->keys == NULL)
		return read_table(j, INT64_MAX);
	if ((e = read_table(j, j->state.horizon)) != RSG_OK ||
	    (e = rsg__state_read(&j->state)) != RSG_OK ||
	    (e = read_table(j, INT64_MAX)) != RSG_OK)
		return e;
	rsg__state_end(&j->state);
	return RSG_OK;
}

enum rsg_err
rsg_check_run(struct rsg_check *c)
{
	struct job j = { .c = c, .state = { .c = c } };
	uint64_t size = 0;
	enum rsg_err e;

	c->rows = c->waiting = c->people = c->others = 0;
	c->wrong = 0;
	for (size_t i = 0; i < c->logs; i++)
		size += c->log[i].size;
	if ((j.known = calloc((size_t)size + 1, sizeof(*j.known))) == NULL)
		return RSG_NO_MEMORY;
	e = read_all(&j);
	for (uint64_t i = 0; e == RSG_OK && i < j.n; i++)
		if (!j.known[i].seen)
			wrong(&j, &j.known[i].id, "was removed: it is entry %llu of the log",
			    (unsigned long long)j.known[i].index);
	rsg__state_free(&j.state);
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
	uint8_t hash[RSG_HASH_LEN];
	struct rsg_prove *p = NULL;
	struct rsg_proof proof;
	uint64_t index;
	enum rsg_err e;

	/* Given out only if it holds: the row itself may have been altered. */
	if ((e = place(db, key, entry, &index, hash)) == RSG_OK &&
	    (e = rsg_prove_open(dir, key, &p)) == RSG_OK &&
	    (e = rsg_prove_entry(p, index, hash, &proof)) == RSG_OK) {
		rsg_checkpoint_proof(index, &proof, p->note.p, p->note.len, out);
		e = rsg_buf_err(out);
	}
	rsg_prove_close(p);
	return e;
}
