/*
 * integrate.c - one round of the integrator, and what it does after a crash,
 * a rival, or a database that came back from a backup.
 */
#include <sys/file.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/health.h"
#include "audit/integrate_int.h"
#include "audit/logkey.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"
#include "seal/seal.h"

/* Where the log stands according to the database. */
struct stand {
	uint64_t size;
	int64_t xid, seq;
	uint8_t root[RSG_HASH_LEN];
	uint8_t checkpoint[2048];
	size_t ncheckpoint;
	bool closed;
};

int64_t
rsg_integrate_number(const struct rsg_vkey *k)
{
	return (int32_t)rsg_get32(k->id);
}

/* --- The database --- */

static int
send_next(struct rsg_integrator *g, const struct rsg__grown *after, size_t limit)
{
	struct rsg_bind *b = rsg_db_bind(g->db, RSG_SQL_LOG_NEXT);

	rsg_bind_int(b, 0, after->xid);
	rsg_bind_int(b, 1, after->seq);
	rsg_bind_int(b, 2, (int64_t)limit);
	return rsg_db_send(g->db, b);
}

static int
send_waiting(struct rsg_integrator *g)
{
	struct rsg_bind *b = rsg_db_bind(g->db, RSG_SQL_LOG_WAITING);

	rsg_bind_int(b, 0, g->now.xid);
	rsg_bind_int(b, 1, g->now.seq);
	rsg_bind_int(b, 2, rsg_health_limit(RSG_HEALTH_BACKLOG) + 1);
	return rsg_db_send(g->db, b);
}

static int
send_state(struct rsg_integrator *g)
{
	struct rsg_bind *b = rsg_db_bind(g->db, RSG_SQL_LOG_STATE);

	rsg_bind_int(b, 0, g->number);
	return rsg_db_send(g->db, b);
}

static enum rsg_err
read_state(const struct rsg_result *r, struct stand *s)
{
	const uint8_t *p;
	size_t n;

	if (rsg_result_rows(r) != 1)
		return RSG_NOT_FOUND;
	memset(s, 0, sizeof(*s));
	s->size = (uint64_t)rsg_result_int(r, 0, 0);
	s->xid = rsg_result_int(r, 0, 1);
	s->seq = rsg_result_int(r, 0, 2);
	p = rsg_result_bytes(r, 0, 3, &n);
	if (n != sizeof(s->root))
		return RSG_TAMPERED;
	memcpy(s->root, p, n);
	p = rsg_result_bytes(r, 0, 4, &s->ncheckpoint);
	if (s->ncheckpoint > sizeof(s->checkpoint))
		return RSG_TAMPERED;
	memcpy(s->checkpoint, p, s->ncheckpoint);
	s->closed = rsg_result_bool(r, 0, 5);
	return RSG_OK;
}

static enum rsg_err
begin_state(struct rsg_integrator *g)
{
	struct rsg_bind *b = rsg_db_bind(g->db, RSG_SQL_LOG_BEGIN);
	uint8_t root[RSG_HASH_LEN];

	rsg_sha256(NULL, 0, root);
	rsg_bind_int(b, 0, g->number);
	rsg_bind_bytes(b, 1, root, sizeof(root));
	(void)rsg_db_send(g->db, b);
	return rsg_db_commit(g->db);
}

/* Only whoever saw the state as it was moves it on. RSG_CONFLICT: a rival did. */
static enum rsg_err
advance(struct rsg_integrator *g)
{
	struct rsg_bind *b = rsg_db_bind(g->db, RSG_SQL_LOG_ADVANCE), *p;
	int n;
	enum rsg_err e;

	rsg_bind_int(b, 0, g->number);
	rsg_bind_int(b, 1, (int64_t)g->now.edge.size);
	rsg_bind_bytes(b, 2, g->now.root, RSG_HASH_LEN);
	rsg_bind_int(b, 3, (int64_t)g->next.edge.size);
	rsg_bind_int(b, 4, g->next.xid);
	rsg_bind_int(b, 5, g->next.seq);
	rsg_bind_bytes(b, 6, g->next.root, RSG_HASH_LEN);
	n = rsg_db_send(g->db, b);
	if ((e = rsg_db_fetch(g->db)) != RSG_OK)
		return e;
	if (rsg_result_changed(rsg_db_result(g->db, n)) != 1)
		return RSG_CONFLICT;
	if (g->npages > 0) {
		p = rsg_db_bind(g->db, RSG_SQL_LOG_PAGE_INSERT);
		rsg_bind_int(p, 0, g->number);
		for (size_t i = 0; i < g->npages; i++) {
			rsg_bind_int(p, 1, g->page[i].page);
			rsg_bind_int(p, 2, g->page[i].xid);
			rsg_bind_int(p, 3, g->page[i].seq);
		}
		(void)rsg_db_send(g->db, p);
	}
	return rsg_db_commit(g->db);
}

/* --- Taking a position --- */

/*
 * Read all entries from g->next on, up to the size of `s`, and check that they
 * give its root, and on the way that of the last checkpoint.
 */
static enum rsg_err
replay(struct rsg_integrator *g, const struct stand *s,
    const struct rsg_checkpoint *last, bool write)
{
	uint64_t stop, had;
	enum rsg_err e;
	int n;

	while (g->next.edge.size < s->size) {
		had = g->next.edge.size;
		stop = had < last->size ? last->size : s->size;
		if (stop > had + RSG_INTEGRATE_MAX)
			stop = had + RSG_INTEGRATE_MAX;
		n = send_next(g, &g->next, (size_t)(stop - had));
		if ((e = rsg_db_fetch(g->db)) != RSG_OK || (e = rsg__grow_rows(g,
		    rsg_db_result(g->db, n), stop, write)) != RSG_OK ||
		    (e = rsg_db_commit(g->db)) != RSG_OK)
			return e;
		if (g->next.edge.size == had)
			break;		/* rows are gone */
		if (g->next.edge.size == last->size &&
		    memcmp(g->next.root, last->root, RSG_HASH_LEN) != 0)
			break;
	}
	rsg_edge_root(&g->next.edge, g->next.root);
	if (g->next.edge.size == s->size && g->next.xid == s->xid &&
	    g->next.seq == s->seq && memcmp(g->next.root, s->root, RSG_HASH_LEN) == 0)
		return write ? rsg__grow_flush(g) : RSG_OK;
	rsg_log(RSG_LOG_ERROR, "log.refused", "clause", RSG_LOG_S, "log-differs",
	    "size", RSG_LOG_I, (int64_t)s->size, "found", RSG_LOG_I,
	    (int64_t)g->next.edge.size, NULL);
	rsg_health_refuse("log-differs");
	return RSG_TAMPERED;
}

static void
start_over(struct rsg_integrator *g)
{
	memset(&g->next, 0, sizeof(g->next));
	rsg_buf_reset(&g->bundle);
	rsg_edge_root(&g->next.edge, g->next.root);
}

/* The files from the database: once to see that it may be, then in earnest. */
static enum rsg_err
rebuild(struct rsg_integrator *g, const struct stand *s,
    const struct rsg_checkpoint *last)
{
	enum rsg_err e;

	rsg_log(RSG_LOG_WARN, "log.rebuild", "size", RSG_LOG_I, (int64_t)s->size, NULL);
	start_over(g);
	if ((e = replay(g, s, last, false)) != RSG_OK)
		return e;
	start_over(g);
	return replay(g, s, last, true);
}

/*
 * A rival with files of its own went on: from where we stood, which was
 * durable, what came since is read from the database.
 */
static enum rsg_err
follow(struct rsg_integrator *g, const struct stand *s,
    const struct rsg_checkpoint *last)
{
	uint8_t root[RSG_HASH_LEN];
	int64_t xid = g->now.xid, seq = g->now.seq;
	enum rsg_err e;

	if (g->now.edge.size == 0 || g->now.edge.size > s->size)
		return RSG_NOT_FOUND;
	memcpy(root, g->now.root, sizeof(root));
	if ((e = rsg__grow_load(g, g->now.edge.size)) != RSG_OK)
		return e;
	if (memcmp(root, g->next.root, sizeof(root)) != 0)
		return RSG_TAMPERED;
	g->next.xid = xid;
	g->next.seq = seq;
	return replay(g, s, last, true);
}

/* Start, or start again behind a rival: files and database have to agree. */
static enum rsg_err
settle(struct rsg_integrator *g, const struct stand *s)
{
	struct rsg_checkpoint last;
	enum rsg_err e;

	g->known = false;
	if ((e = rsg__publish_last(g, s->checkpoint, s->ncheckpoint, &last)) != RSG_OK)
		return e;
	if (last.size > s->size) {
		rsg_log(RSG_LOG_ERROR, "log.refused", "clause", RSG_LOG_S, "log-behind",
		    "last_signed", RSG_LOG_I, (int64_t)last.size, "size", RSG_LOG_I,
		    (int64_t)s->size, "hint", RSG_LOG_S,
		    "docs/LOG.md, 'When the server refuses'", NULL);
		rsg_health_refuse("log-behind");
		return RSG_TAMPERED;
	}
	if (s->size == 0)
		start_over(g);
	else {
		e = rsg__grow_load(g, s->size);
		if (e == RSG_NOT_FOUND || e == RSG_TAMPERED || (e == RSG_OK &&
		    memcmp(g->next.root, s->root, RSG_HASH_LEN) != 0)) {
			if ((e = follow(g, s, &last)) == RSG_NOT_FOUND || e == RSG_TAMPERED)
				e = rebuild(g, s, &last);
		}
		if (e != RSG_OK)
			return e;
	}
	g->next.xid = s->xid;
	g->next.seq = s->seq;
	g->now = g->next;
	g->signed_size = last.size;
	g->published = false;
	g->wrote = s->size;
	g->known = true;
	return RSG_OK;
}

static enum rsg_err
find_place(struct rsg_integrator *g)
{
	struct stand s;
	enum rsg_err e;
	int n = send_state(g);

	if ((e = rsg_db_fetch(g->db)) != RSG_OK)
		return e;
	e = read_state(rsg_db_result(g->db, n), &s);
	if (e == RSG_OK && s.closed) {
		rsg_log(RSG_LOG_ERROR, "log.refused", "clause", RSG_LOG_S, "log-closed",
		    "hint", RSG_LOG_S, "this key's log was closed: run 'resguardo audit "
		    "rotate' to its end, or put the next key there", NULL);
		rsg_health_refuse("log-closed");
		return RSG_TAMPERED;
	}
	if (e == RSG_NOT_FOUND) {
		if ((e = begin_state(g)) != RSG_OK)
			return e;
		n = send_state(g);
		if ((e = rsg_db_fetch(g->db)) == RSG_OK)
			e = read_state(rsg_db_result(g->db, n), &s);
	}
	if (e != RSG_OK || (e = rsg_db_commit(g->db)) != RSG_OK)
		return e;
	return settle(g, &s);
}

/* --- One round --- */

static bool
stands_here(const struct rsg_integrator *g, const struct rsg_result *r)
{
	struct stand s;

	return read_state(r, &s) == RSG_OK && !s.closed && s.size == g->now.edge.size &&
	    s.xid == g->now.xid && s.seq == g->now.seq &&
	    memcmp(s.root, g->now.root, RSG_HASH_LEN) == 0;
}

static enum rsg_err
integrate(struct rsg_integrator *g, const struct rsg_result *rows)
{
	enum rsg_err e;

	g->next = g->now;
	if ((e = rsg__grow_rows(g, rows, UINT64_MAX, true)) != RSG_OK ||
	    (e = rsg__grow_flush(g)) != RSG_OK || (e = advance(g)) != RSG_OK)
		return e;
	g->now = g->next;
	return RSG_OK;
}

static enum rsg_err
round_(struct rsg_integrator *g, size_t *done)
{
	const struct rsg_result *rows, *w;
	int state, next, waiting;
	int64_t count, oldest;
	enum rsg_err e;

	if ((e = rsg_db_ready(g->db)) != RSG_OK ||
	    (!g->known && (e = find_place(g)) != RSG_OK))
		return e;
	state = send_state(g);
	next = send_next(g, &g->now, RSG_INTEGRATE_MAX);
	waiting = send_waiting(g);
	if ((e = rsg_db_fetch(g->db)) != RSG_OK)
		return e;
	if (!stands_here(g, rsg_db_result(g->db, state)))
		return RSG_CONFLICT;
	rows = rsg_db_result(g->db, next);
	*done = (size_t)rsg_result_rows(rows);
	w = rsg_db_result(g->db, waiting);
	count = rsg_result_int(w, 0, 0) - (int64_t)*done;
	oldest = rsg_result_null(w, 0, 1) ? 0 : rsg_clock_now() - rsg_result_int(w, 0, 1);
	e = *done > 0 ? integrate(g, rows) : rsg_db_commit(g->db);
	if (e != RSG_OK || (e = rsg__publish(g)) != RSG_OK)
		return e;
	rsg_health_refuse(NULL);
	rsg_health_report(rsg_clock_mono(), g->now.edge.size, count > 0 ? count : 0,
	    count > 0 && oldest > 0 ? oldest : 0);
	return RSG_OK;
}

enum rsg_err
rsg_integrate_step(struct rsg_integrator *g, size_t *done)
{
	enum rsg_err e;

	*done = 0;
	/* One at a time on a state directory; several of those on a database
	 * are told apart by compare and swap. */
	if (flock(g->lock, LOCK_EX) != 0)
		return RSG_IO;
	e = round_(g, done);
	(void)flock(g->lock, LOCK_UN);
	if (e == RSG_OK)
		return e;
	/* Whatever happened, what is durable decides where we stand. */
	g->known = false;
	*done = 0;
	rsg_db_rollback(g->db);
	return e == RSG_CONFLICT ? RSG_OK : e;
}

/* --- Open, thread, close --- */

/*
 * Nobody makes another log by losing a key: a new one is made only where none
 * was ever begun. `resguardo keys init` makes one on purpose.
 */
static enum rsg_err
make_key(struct rsg_integrator *g, const char *dir)
{
	int n = rsg_db_send(g->db, rsg_db_bind(g->db, RSG_SQL_LOG_COUNT));
	enum rsg_err e;

	if ((e = rsg_db_fetch(g->db)) != RSG_OK)
		return e;
	if (rsg_result_int(rsg_db_result(g->db, n), 0, 0) > 0) {
		rsg_log(RSG_LOG_ERROR, "log.key-missing", "folder", RSG_LOG_S, dir, "hint",
		    RSG_LOG_S, "put log.key back from its copy; if it is lost for good, "
		    "docs/LOG.md says how another log is begun", NULL);
		return RSG_CONFIG;
	}
	if ((e = rsg_db_commit(g->db)) != RSG_OK ||
	    (e = rsg_logkey_create(dir, NULL)) != RSG_OK)
		return e;
	rsg_log(RSG_LOG_WARN, "log.key-made", "folder", RSG_LOG_S, dir, NULL);
	return rsg_logkey_read(dir, g->key);
}

static enum rsg_err
open_key(struct rsg_integrator *g, const char *dir)
{
	enum rsg_err e;

	if ((g->key = rsg_secret_alloc(sizeof(*g->key))) == NULL)
		return RSG_NO_MEMORY;
	if ((e = rsg_logkey_read(dir, g->key)) == RSG_NOT_FOUND)
		e = make_key(g, dir);
	g->number = rsg_integrate_number(&g->key->public);
	return e;
}

enum rsg_err
rsg_integrate_open(const char *conninfo, const char *state,
    struct rsg_integrator **out)
{
	struct rsg_integrator *g = calloc(1, sizeof(*g));
	char keys[600], log[600];
	enum rsg_err e;

	*out = NULL;
	if (g == NULL)
		return RSG_NO_MEMORY;
	g->lock = -1;
	rsg_buf_init(&g->bundle, RSG_TILE_WIDTH * (2 + 65535u));
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->wake, NULL);
	(void)snprintf(keys, sizeof(keys), "%s/keys", state);
	(void)snprintf(log, sizeof(log), "%s/log", state);
	if ((e = rsg_db_open(conninfo, &g->db)) != RSG_OK ||
	    (e = open_key(g, keys)) != RSG_OK ||
	    (e = rsg_logdir_open(keys, false, &g->keys)) != RSG_OK ||
	    (e = rsg_logdir_open(log, true, &g->log)) != RSG_OK)
		goto done;
	g->lock = open(keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = g->lock >= 0 ? RSG_OK : RSG_IO;
done:
	if (e == RSG_OK)
		*out = g;
	else
		rsg_integrate_close(g);
	return e;
}

void
rsg_integrate_expect(struct rsg_integrator *g, const struct rsg_id *entry)
{
	g->expect = *entry;
}

static void *
run(void *arg)
{
	struct rsg_integrator *g = arg;
	struct timespec until;
	size_t done;
	enum rsg_err e;
	bool stop = false;

	while (!stop) {
		pthread_mutex_lock(&g->mutex);
		stop = g->stop;
		pthread_mutex_unlock(&g->mutex);
		if ((e = rsg_integrate_step(g, &done)) != RSG_OK)
			rsg_log(RSG_LOG_ERROR, "log.round-failed", "error", RSG_LOG_S,
			    rsg_err_id(e), NULL);
		else if (done == RSG_INTEGRATE_MAX)
			continue;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&g->mutex);
		if (!g->stop)
			(void)pthread_cond_timedwait(&g->wake, &g->mutex, &until);
		pthread_mutex_unlock(&g->mutex);
	}
	return NULL;
}

enum rsg_err
rsg_integrate_start(struct rsg_integrator *g)
{
	rsg_health_watch(rsg_clock_mono());
	if (pthread_create(&g->thread, NULL, run, g) != 0)
		return RSG_NO_MEMORY;
	g->running = true;
	return RSG_OK;
}

void
rsg_integrate_stop(struct rsg_integrator *g)
{
	if (g == NULL || !g->running)
		return;
	pthread_mutex_lock(&g->mutex);
	g->stop = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->mutex);
	pthread_join(g->thread, NULL);
	g->running = false;
}

void
rsg_integrate_close(struct rsg_integrator *g)
{
	if (g == NULL)
		return;
	rsg_db_close(g->db);
	rsg_logdir_close(g->log);
	rsg_logdir_close(g->keys);
	if (g->lock >= 0)
		close(g->lock);
	rsg_secret_free(g->key);
	rsg_buf_free(&g->bundle);
	free(g);
}
