#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/integrate.h"
#include "audit/logkey.h"
#include "audit/rotate.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"

#define PATH		700
#define TRIES		100		/* for older transactions to end */
#define PAUSE_MS	100

struct rotation {
	const char *conninfo, *state;
	const struct rsg_keyring *keys;
	struct rsg_db *db;
	struct rsg_vkey old, next;
	struct rsg_id closing, opening;
	char id[RSG_KEYID_TEXT];	/* of the old key */
};

void
rsg_rotate_keyid(const struct rsg_vkey *k, char out[RSG_KEYID_TEXT])
{
	(void)snprintf(out, RSG_KEYID_TEXT, "%02x%02x%02x%02x", k->id[0], k->id[1],
	    k->id[2], k->id[3]);
}

/* --- Files --- */

static enum rsg_err
failed(const char *what, const char *path)
{
	rsg_log(RSG_LOG_ERROR, "log.rotate", "what", RSG_LOG_S, what, "path",
	    RSG_LOG_S, path, "error", RSG_LOG_S, strerror(errno), NULL);
	return RSG_IO;
}

/* STATE/rel, where KEYID in `rel` is the old key's. */
static void
path_of(const struct rotation *r, const char *rel, char out[PATH])
{
	const char *at = strstr(rel, "KEYID");

	if (at == NULL)
		(void)snprintf(out, PATH, "%s/%s", r->state, rel);
	else
		(void)snprintf(out, PATH, "%s/%.*s%s%s", r->state, (int)(at - rel), rel,
		    r->id, at + strlen("KEYID"));
}

static bool
there(const struct rotation *r, const char *rel)
{
	char path[PATH];

	path_of(r, rel, path);
	return access(path, F_OK) == 0;
}

static enum rsg_err
folder(const struct rotation *r, const char *rel, mode_t mode)
{
	char path[PATH];

	path_of(r, rel, path);
	return mkdir(path, mode) == 0 || errno == EEXIST ? RSG_OK : failed("mkdir", path);
}

static enum rsg_err
synced(const struct rotation *r, const char *rel)
{
	char path[PATH];
	int fd, ok;

	path_of(r, rel, path);
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return failed("open", path);
	ok = fsync(fd);
	close(fd);
	return ok == 0 ? RSG_OK : failed("fsync", path);
}

/* One name into another place. What is not there was moved already. */
static enum rsg_err
move(const struct rotation *r, const char *from, const char *to)
{
	char a[PATH], b[PATH];

	path_of(r, from, a);
	path_of(r, to, b);
	if (rename(a, b) == 0 || errno == ENOENT)
		return RSG_OK;
	return failed("rename", a);
}

/* --- The entries --- */

/* Known by the next key: whoever does it again finds what was begun. */
static void
entry_ids(struct rotation *r)
{
	uint8_t hash[32];
	struct rsg_id *const id[] = { &r->closing, &r->opening };
	static const char *const what[] = { RSG_CLOSING, RSG_OPENING };

	for (int i = 0; i < 2; i++) {
		rsg_sha256((struct rsg_part[]){ { what[i], strlen(what[i]) },
		    { r->old.pub, sizeof(r->old.pub) },
		    { r->next.pub, sizeof(r->next.pub) } }, 3, hash);
		memcpy(id[i]->b, hash, RSG_ID_LEN);
	}
}

/* *xid 0: it is not there. */
static enum rsg_err
place_of(struct rotation *r, const struct rsg_id *entry, int64_t *xid, int64_t *seq)
{
	struct rsg_bind *b = rsg_db_bind(r->db, RSG_SQL_AUDIT_PLACE);
	const struct rsg_result *res;
	enum rsg_err e;
	int n;

	rsg_bind_id(b, 0, entry);
	n = rsg_db_send(r->db, b);
	if ((e = rsg_db_fetch(r->db)) != RSG_OK)
		return e;
	res = rsg_db_result(r->db, n);
	*xid = *seq = 0;
	if (rsg_result_rows(res) == 1) {
		*xid = rsg_result_int(res, 0, 0);
		*seq = rsg_result_int(res, 0, 1);
	}
	return RSG_OK;
}

static enum rsg_err
make_leaf(struct rotation *r, const struct rsg_id *id, int64_t now,
    const struct rsg_buf *note, struct rsg_buf *leaf, uint8_t hash[32])
{
	struct rsg_entry e = { .id = *id, .class = RSG_ENTRY_ADMIN, .time = now,
	    .actor_name = "local-administrator", .role = "administrator",
	    .action = rsg_action_name(RSG_ACT_OPERATE), .action_no = RSG_ACT_OPERATE,
	    .purpose = "", .recipient = "", .note = note->p, .nnote = note->len };
	uint8_t tag[RSG_TAG_LEN];

	(void)snprintf(e.decision, sizeof(e.decision), "%s", rsg_err_id(RSG_OK));
	return rsg_entry_leaf(r->keys, &e, NULL, NULL, tag, leaf, hash);
}

static enum rsg_err
insert_closing(struct rotation *r)
{
	struct rsg_bind *b = rsg_db_bind(r->db, RSG_SQL_AUDIT_INSERT);
	struct rsg_id nobody = { 0 };
	int64_t now = rsg_clock_now();
	struct rsg_buf note, leaf;
	uint8_t hash[32];
	enum rsg_err e;

	rsg_buf_init(&note, RSG_VKEY_MAX + 64);
	rsg_buf_init(&leaf, RSG_LEAF_MAX);
	rsg_buf_str(&note, RSG_CLOSING);
	rsg_note_vkey_text(&r->next, &note);
	rsg_buf_str(&note, "\n");
	if ((e = rsg_buf_err(&note)) == RSG_OK &&
	    (e = make_leaf(r, &r->closing, now, &note, &leaf, hash)) == RSG_OK) {
		rsg_bind_id(b, 0, &r->closing);
		rsg_bind_int(b, 1, now);
		rsg_bind_int(b, 2, 0);
		rsg_bind_id(b, 3, &nobody);
		rsg_bind_int(b, 4, RSG_ACT_OPERATE);
		rsg_bind_int(b, 5, 0);
		rsg_bind_int(b, 6, 1);
		rsg_bind_int(b, 7, 0);
		rsg_bind_null(b, 8);
		rsg_bind_bytes(b, 9, leaf.p, leaf.len);
		rsg_bind_bytes(b, 10, hash, sizeof(hash));
		(void)rsg_db_send(r->db, b);
		e = rsg_db_commit(r->db);
	}
	rsg_buf_free(&note);
	rsg_buf_free(&leaf);
	return e;
}

/* --- The steps --- */

static enum rsg_err
state_of(struct rotation *r, const struct rsg_vkey *key, uint64_t *size, int64_t *xid,
    int64_t *seq, bool *closed)
{
	struct rsg_bind *b = rsg_db_bind(r->db, RSG_SQL_LOG_STATE);
	const struct rsg_result *res;
	enum rsg_err e;
	int n;

	rsg_bind_int(b, 0, rsg_integrate_number(key));
	n = rsg_db_send(r->db, b);
	if ((e = rsg_db_fetch(r->db)) != RSG_OK)
		return e;
	res = rsg_db_result(r->db, n);
	*size = 0;
	*xid = *seq = 0;
	*closed = false;
	if (rsg_result_rows(res) == 1) {
		*size = (uint64_t)rsg_result_int(res, 0, 0);
		*xid = rsg_result_int(res, 0, 1);
		*seq = rsg_result_int(res, 0, 2);
		*closed = rsg_result_bool(res, 0, 5);
	}
	return rsg_db_commit(r->db);
}

static void
pause_a_while(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
}

/* Take in all up to `entry`, which is at (xid, seq), and publish. */
static enum rsg_err
take_in(struct rotation *r, const char *state, const struct rsg_vkey *key,
    const struct rsg_id *entry)
{
	struct rsg_integrator *g;
	int64_t xid, seq, at, after;
	uint64_t size;
	size_t done;
	bool closed;
	enum rsg_err e;

	if ((e = place_of(r, entry, &xid, &seq)) != RSG_OK ||
	    (e = rsg_db_commit(r->db)) != RSG_OK ||
	    (e = rsg_integrate_open(r->conninfo, state, &g)) != RSG_OK)
		return e;
	rsg_integrate_expect(g, entry);
	for (int i = 0; i < TRIES; i++) {
		do
			e = rsg_integrate_step(g, &done);
		while (e == RSG_OK && done > 0);
		if (e != RSG_OK || (e = state_of(r, key, &size, &at, &after,
		    &closed)) != RSG_OK || (at == xid && after >= seq))
			break;
		e = RSG_BUSY;
		pause_a_while();
	}
	/* A round that takes nothing signs what the one before could not. */
	if (e == RSG_OK)
		e = rsg_integrate_step(g, &done);
	rsg_integrate_close(g);
	return e;
}

static enum rsg_err
close_old(struct rotation *r)
{
	int64_t xid, seq;
	enum rsg_err e;

	if ((e = place_of(r, &r->closing, &xid, &seq)) != RSG_OK ||
	    (e = rsg_db_commit(r->db)) != RSG_OK ||
	    (xid == 0 && (e = insert_closing(r)) != RSG_OK))
		return e;
	return take_in(r, r->state, &r->old, &r->closing);
}

/* The last checkpoint of the old log, as it is published. */
static enum rsg_err
final_checkpoint(const struct rotation *r, uint64_t size, struct rsg_buf *out)
{
	struct rsg_checkpoint c;
	struct rsg_logdir *d;
	char path[PATH];
	size_t start = out->len;
	enum rsg_err e;

	path_of(r, "log", path);
	if ((e = rsg_logdir_open(path, false, &d)) != RSG_OK)
		return e;
	if ((e = rsg_logdir_read(d, "checkpoint", RSG_NOTE_MAX, out)) == RSG_OK &&
	    (e = rsg_checkpoint_open((char *)out->p + start, out->len - start, &r->old,
	    &c)) == RSG_OK && c.size != size)
		e = RSG_TAMPERED;
	rsg_logdir_close(d);
	return e;
}

/* In one transaction: the old log takes no more, and the next has its first. */
static enum rsg_err
begin_next(struct rotation *r, uint64_t size, int64_t xid, int64_t seq)
{
	struct rsg_bind *b;
	struct rsg_buf note, leaf;
	uint8_t hash[32], root[32];
	int64_t now = rsg_clock_now();
	enum rsg_err e;

	rsg_buf_init(&note, RSG_NOTE_MAX);
	rsg_buf_init(&leaf, RSG_LEAF_MAX);
	rsg_buf_str(&note, RSG_OPENING);
	if ((e = final_checkpoint(r, size, &note)) != RSG_OK ||
	    (e = make_leaf(r, &r->opening, now, &note, &leaf, hash)) != RSG_OK)
		goto done;
	b = rsg_db_bind(r->db, RSG_SQL_AUDIT_INSERT_BEHIND);
	rsg_bind_id(b, 0, &r->opening);
	rsg_bind_int(b, 1, now);
	rsg_bind_bytes(b, 2, leaf.p, leaf.len);
	rsg_bind_bytes(b, 3, hash, sizeof(hash));
	rsg_bind_int(b, 4, xid);
	rsg_bind_int(b, 5, seq);
	(void)rsg_db_send(r->db, b);
	b = rsg_db_bind(r->db, RSG_SQL_LOG_CLOSE);
	rsg_bind_int(b, 0, rsg_integrate_number(&r->old));
	(void)rsg_db_send(r->db, b);
	b = rsg_db_bind(r->db, RSG_SQL_LOG_BEGIN_BEHIND);
	rsg_sha256(NULL, 0, root);
	rsg_bind_int(b, 0, rsg_integrate_number(&r->next));
	rsg_bind_bytes(b, 1, root, sizeof(root));
	rsg_bind_int(b, 2, xid);
	rsg_bind_int(b, 3, seq);
	(void)rsg_db_send(r->db, b);
	e = rsg_db_commit(r->db);
done:
	rsg_buf_free(&note);
	rsg_buf_free(&leaf);
	return e;
}

static enum rsg_err
in_the_database(struct rotation *r)
{
	int64_t xid, seq;
	uint64_t size;
	bool closed;
	enum rsg_err e;

	if ((e = state_of(r, &r->old, &size, &xid, &seq, &closed)) != RSG_OK || closed)
		return e;
	if ((e = close_old(r)) != RSG_OK ||
	    (e = state_of(r, &r->old, &size, &xid, &seq, &closed)) != RSG_OK)
		return e;
	return begin_next(r, size, xid, seq);
}

/* The next log is whole in STATE/next/log: put it into its place. */
static enum rsg_err
swap_logs(struct rotation *r)
{
	char next[PATH];
	enum rsg_err e;

	if (!there(r, "log/closed/KEYID") && !there(r, "next/log/closed/KEYID")) {
		path_of(r, "next", next);
		if ((e = take_in(r, next, &r->next, &r->opening)) != RSG_OK ||
		    (e = move(r, "log/closed", "next/log/closed")) != RSG_OK ||
		    (e = folder(r, "next/log/closed", 0755)) != RSG_OK ||
		    (e = move(r, "log", "next/log/closed/KEYID")) != RSG_OK ||
		    (e = synced(r, "next/log/closed")) != RSG_OK)
			return e;
	}
	if ((e = move(r, "next/log", "log")) != RSG_OK)
		return e;
	return synced(r, ".");
}

static enum rsg_err
swap_keys(struct rotation *r)
{
	struct rsg_logdir *d;
	char path[PATH], name[64];
	struct rsg_buf text;
	enum rsg_err e;

	(void)snprintf(name, sizeof(name), "closed-%s", r->id);
	path_of(r, "keys", path);
	if ((e = rsg_logdir_open(path, false, &d)) != RSG_OK)
		return e;
	rsg_buf_init(&text, RSG_VKEY_MAX + 2);
	rsg_note_vkey_text(&r->old, &text);
	rsg_buf_str(&text, "\n");
	e = rsg_logdir_write(d, name, text.p, text.len);
	rsg_buf_free(&text);
	rsg_logdir_close(d);
	if (e != RSG_OK)
		return e;
	if (there(r, "next/keys/last-checkpoint") &&
	    ((e = move(r, "keys/last-checkpoint", "keys/closed-KEYID.checkpoint")) != RSG_OK ||
	    (e = move(r, "next/keys/last-checkpoint", "keys/last-checkpoint")) != RSG_OK))
		return e;
	/* The old secret key is gone with this. */
	if ((e = move(r, "next/keys/log.key", "keys/log.key")) != RSG_OK ||
	    (e = synced(r, "keys")) != RSG_OK)
		return e;
	path_of(r, "next/keys", path);
	(void)rmdir(path);
	path_of(r, "next", path);
	(void)rmdir(path);
	return RSG_OK;
}

static enum rsg_err
public_key(const struct rotation *r, const char *rel, struct rsg_vkey *key)
{
	struct rsg_skey s;
	char path[PATH];
	enum rsg_err e;

	path_of(r, rel, path);
	if ((e = rsg_logkey_read(path, &s)) == RSG_OK) {
		*key = s.public;
		rsg_secret_wipe(&s, sizeof(s));
	}
	return e;
}

static enum rsg_err
prepare(struct rotation *r, const char *origin)
{
	char path[PATH];
	enum rsg_err e;

	if ((e = public_key(r, "keys", &r->old)) != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_CONFIG : e;
	if ((e = folder(r, "next", 0700)) != RSG_OK ||
	    (e = folder(r, "next/keys", 0700)) != RSG_OK)
		return e;
	if ((e = public_key(r, "next/keys", &r->next)) == RSG_NOT_FOUND) {
		path_of(r, "next/keys", path);
		if ((e = rsg_logkey_create(path, origin)) == RSG_OK)
			e = public_key(r, "next/keys", &r->next);
	}
	if (e != RSG_OK)
		return e;
	rsg_rotate_keyid(&r->old, r->id);
	entry_ids(r);
	return RSG_OK;
}

enum rsg_err
rsg_rotate(const char *conninfo, const char *state, const struct rsg_keyring *keys,
    const char *origin, struct rsg_vkey *old, struct rsg_vkey *next)
{
	struct rotation r = { .conninfo = conninfo, .state = state, .keys = keys };
	enum rsg_err e;

	if ((e = prepare(&r, origin)) != RSG_OK ||
	    (e = rsg_db_open(conninfo, &r.db)) != RSG_OK)
		return e;
	if ((e = in_the_database(&r)) == RSG_OK && (e = swap_logs(&r)) == RSG_OK)
		e = swap_keys(&r);
	rsg_db_close(r.db);
	*old = r.old;
	*next = r.next;
	return e;
}
