/*
 * publish.c - signing a tree, never one that contradicts what was signed.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/health.h"
#include "audit/integrate_int.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "seal/seal.h"

#define LAST		"last-checkpoint"	/* in the folder of keys */
#define PUBLIC		"checkpoint"

static enum rsg_err
refuse(const char *clause, uint64_t last, uint64_t size)
{
	rsg_log(RSG_LOG_ERROR, "log.refused", "clause", RSG_LOG_S, clause,
	    "last_signed", RSG_LOG_I, (int64_t)last, "size", RSG_LOG_I, (int64_t)size,
	    "hint", RSG_LOG_S, "docs/LOG.md, 'When the server refuses'", NULL);
	rsg_health_refuse(clause);
	return RSG_TAMPERED;
}

/* One place where a checkpoint may be; the largest of all is kept. */
static enum rsg_err
consider(const struct rsg_integrator *g, const void *p, size_t len,
    struct rsg_checkpoint *best)
{
	struct rsg_checkpoint c;

	if (len == 0)
		return RSG_OK;
	if (rsg_checkpoint_open(p, len, &g->key->public, &c) != RSG_OK)
		return refuse("log-checkpoint-altered", 0, 0);
	if (c.size == best->size && best->size > 0 &&
	    memcmp(c.root, best->root, sizeof(c.root)) != 0)
		return refuse("log-differs", c.size, best->size);
	if (c.size >= best->size)
		*best = c;
	return RSG_OK;
}

static enum rsg_err
consider_file(const struct rsg_integrator *g, struct rsg_logdir *d,
    const char *name, struct rsg_checkpoint *best)
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, RSG_NOTE_MAX + 1);
	e = rsg_logdir_read(d, name, RSG_NOTE_MAX, &b);
	if (e == RSG_OK)
		e = consider(g, b.p, b.len, best);
	else if (e == RSG_NOT_FOUND)
		e = RSG_OK;
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg__publish_last(struct rsg_integrator *g, const uint8_t *stored, size_t len,
    struct rsg_checkpoint *best)
{
	enum rsg_err e;

	memset(best, 0, sizeof(*best));
	rsg_sha256(NULL, 0, best->root);
	if ((e = consider_file(g, g->keys, LAST, best)) != RSG_OK ||
	    (e = consider_file(g, g->log, PUBLIC, best)) != RSG_OK)
		return e;
	return consider(g, stored, len, best);
}

/* From the files themselves, not from what we think we wrote. */
static enum rsg_err
consistent(struct rsg_integrator *g, const struct rsg_checkpoint *last)
{
	struct rsg_tiles *t;
	struct rsg_proof proof;
	uint8_t root[RSG_HASH_LEN];
	enum rsg_err e;

	if (last->size > g->now.edge.size)
		return refuse("log-behind", last->size, g->now.edge.size);
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return RSG_NO_MEMORY;
	t->dir = g->log;
	t->size = g->now.edge.size;
	if ((e = rsg_tree_root(rsg_tiles_hash, t, t->size, root)) == RSG_OK &&
	    (e = rsg_tree_consistency(rsg_tiles_hash, t, last->size, t->size,
	    &proof)) == RSG_OK) {
		e = memcmp(root, g->now.root, sizeof(root)) == 0 ?
		    rsg_tree_consistent(last->size, last->root, t->size, root, &proof) :
		    RSG_TAMPERED;
		if (e != RSG_OK)
			e = refuse("log-differs", last->size, t->size);
	}
	free(t);
	return e == RSG_NOT_FOUND ? RSG_IO : e;
}

static enum rsg_err
keep_in_database(struct rsg_integrator *g, const struct rsg_buf *note)
{
	struct rsg_bind *b = rsg_db_bind(g->db, RSG_SQL_LOG_CHECKPOINT);

	rsg_bind_int(b, 0, g->number);
	rsg_bind_int(b, 1, (int64_t)g->now.edge.size);
	rsg_bind_bytes(b, 2, g->now.root, sizeof(g->now.root));
	rsg_bind_bytes(b, 3, note->p, note->len);
	(void)rsg_db_send(g->db, b);
	return rsg_db_commit(g->db);
}

static enum rsg_err
sign(struct rsg_integrator *g)
{
	struct rsg_checkpoint c = { .size = g->now.edge.size }, last;
	struct rsg_buf note;
	enum rsg_err e;

	rsg_buf_init(&note, 2048);
	memcpy(c.origin, g->key->public.name, sizeof(c.origin));
	memcpy(c.root, g->now.root, sizeof(c.root));
	if ((e = rsg__publish_last(g, NULL, 0, &last)) != RSG_OK)
		goto done;
	/* A rival went on meanwhile, or a database was put back under us. */
	if (last.size > c.size) {
		e = RSG_CONFLICT;
		goto done;
	}
	if ((e = consistent(g, &last)) != RSG_OK ||
	    (e = rsg_checkpoint_sign(g->key, &c, &note)) != RSG_OK ||
	    (e = rsg_logdir_write(g->keys, LAST, note.p, note.len)) != RSG_OK ||
	    (e = rsg_logdir_sync(g->keys)) != RSG_OK ||
	    (e = keep_in_database(g, &note)) != RSG_OK ||
	    (e = rsg_logdir_write(g->log, PUBLIC, note.p, note.len)) != RSG_OK ||
	    (e = rsg_logdir_sync(g->log)) != RSG_OK)
		goto done;
	g->signed_size = c.size;
	g->published = true;
done:
	rsg_buf_free(&note);
	return e;
}

enum rsg_err
rsg__publish(struct rsg_integrator *g)
{
	enum rsg_err e = RSG_OK;

	if (!g->published || g->signed_size != g->now.edge.size)
		e = sign(g);
	if (e == RSG_OK) {
		rsg__grow_tidy(g);
		rsg_health_signed(rsg_clock_mono(), g->now.edge.size);
	}
	return e;
}
