/*
 * Proofs: that an entry is in the signed log, and that the log only grew; and
 * how many entries there are, by day, actor and purpose.
 */
#include <string.h>

#include "audit/entry.h"
#include "audit/integrate.h"
#include "audit/prove.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/vault.h"

#define COUNTS_MAX	8192		/* rows, as many as a list may have */
#define COUNTS_DAYS	366

/* --- Of one entry --- */

/* What the entry's proof needs, from its row. */
struct placed {
	uint64_t index;
	uint32_t controller;
	uint8_t hash[RSG_HASH_LEN];
	const uint8_t *leaf;
	size_t len;
};

/* There is none for this caller: audited as any other look that finds nothing. */
static enum rsg_err
nothing(struct rsg_call *c)
{
	c->draft.decision = RSG_NOT_FOUND;
	return rsg_call_fail(c, RSG_NOT_FOUND, "audit_entry", NULL);
}

static enum rsg_err
find(struct rsg_worker *w, struct rsg_call *c, const struct rsg_vkey *key,
    const struct rsg_id *id, struct placed *p)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_LOG_PLACES);
	const struct rsg_result *r;
	const uint8_t *stored;
	size_t n;
	int number;
	enum rsg_err e;

	rsg_bind_int(b, 0, rsg_integrate_number(key));
	rsg_bind_id(b, 1, id);
	number = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, number);
	if (rsg_result_rows(r) != 1)
		return RSG_NOT_FOUND;
	p->index = (uint64_t)rsg_result_int(r, 0, 1);
	p->controller = (uint32_t)rsg_result_int(r, 0, 2);
	p->leaf = rsg_result_bytes(r, 0, 3, &p->len);
	stored = rsg_result_bytes(r, 0, 4, &n);
	rsg_entry_hash(p->leaf, p->len, p->hash);
	if (n != sizeof(p->hash) || memcmp(p->hash, stored, n) != 0) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "audit_entry", "entry", RSG_LOG_ID, id, NULL);
		return RSG_TAMPERED;
	}
	return p->controller == c->actor.controller ? RSG_OK : RSG_NOT_FOUND;
}

/* In the log of now, or in one that was closed. *log is the one it is in. */
static enum rsg_err
find_anywhere(struct rsg_worker *w, struct rsg_call *c, const struct rsg_id *id,
    struct rsg_prove **log, struct placed *p)
{
	enum rsg_err e = find(w, c, &(*log)->key, id, p);

	for (size_t i = 0; e == RSG_NOT_FOUND; i++) {
		rsg_prove_close(*log);
		if ((e = rsg_prove_closed(w->vault->state, i, log)) != RSG_OK)
			return e == RSG_NOT_FOUND ? nothing(c) : e;
		/* Places are counted on: what came after its end is not in it. */
		if ((e = find(w, c, &(*log)->key, id, p)) == RSG_OK &&
		    p->index >= (*log)->now.size)
			e = RSG_NOT_FOUND;
	}
	return e;
}

/* Officers: of their controller. Customers: about themselves. */
static enum rsg_err
may_prove(struct rsg_worker *w, struct rsg_call *c, struct rsg_subject *self)
{
	uint16_t purpose = rsg_policy_default(w->policy, RSG_ACT_AUDIT_READ);
	struct rsg_answer answer;
	enum rsg_err e;

	if (rsg_id_nil(&c->actor.subject))
		return rsg_call_allowed(w, c, RSG_ACT_AUDIT_READ, purpose, NULL, 0, NULL,
		    &answer);
	if ((e = rsg_people_open(w, c, &c->actor.subject, self)) != RSG_OK)
		return e;
	return rsg_people_allowed(w, c, self, RSG_ACT_AUDIT_READ, purpose, &answer);
}

/* Not signed yet is no refusal: it will be in a second. */
static enum rsg_err
not_yet(struct rsg_call *c)
{
	c->retry_after = 1;
	return rsg_call_fail(c, RSG_UNAVAILABLE, NULL, "log-not-yet");
}

static enum rsg_err
put_proof(struct rsg_call *c, struct rsg_prove *log, const struct placed *p)
{
	struct rsg_proof proof;
	struct rsg_buf text;
	enum rsg_err e;

	if ((e = rsg_prove_entry(log, p->index, p->hash, &proof)) == RSG_STALE)
		return not_yet(c);
	if (e != RSG_OK)
		return e;
	rsg_buf_init(&text, RSG_NOTE_MAX * 2);
	rsg_checkpoint_proof(p->index, &proof, log->note.p, log->note.len, &text);
	rsg_msg_bytes(&c->out, RSG_F_LEAF, p->hash, sizeof(p->hash));
	rsg_msg_int(&c->out, RSG_F_INDEX, (int64_t)p->index);
	rsg_msg_int(&c->out, RSG_F_SIZE, (int64_t)log->now.size);
	rsg_msg_bytes(&c->out, RSG_F_TLOG_PROOF, text.p, text.len);
	e = rsg_buf_err(&text);
	rsg_buf_free(&text);
	return e != RSG_OK ? e : rsg_buf_err(&c->out);
}

enum rsg_err
rsg_op_audit_proof(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_subject self = { .found = false };
	struct rsg_prove *log = NULL;
	struct rsg_id id, subject;
	struct placed p;
	enum rsg_err e;

	(void)rsg_msg_get_id(c->in, RSG_F_ENTRY, &id);
	if ((e = may_prove(w, c, &self)) != RSG_OK)
		goto done;
	/* A log that nothing was signed in yet has nothing to show. */
	if ((e = rsg_prove_state(w->vault->state, &log)) != RSG_OK) {
		e = e == RSG_NOT_FOUND ? not_yet(c) : e;
		goto done;
	}
	if ((e = find_anywhere(w, c, &id, &log, &p)) != RSG_OK)
		goto done;
	if (!rsg_id_nil(&c->actor.subject) && (rsg_entry_about(w->vault->keys,
	    p.controller, self.keys.key[RSG_KEY_EVIDENCE], p.leaf, p.len,
	    &subject) != RSG_OK || !rsg_id_eq(&subject, &self.id))) {
		e = nothing(c);
		goto done;
	}
	if ((e = put_proof(c, log, &p)) == RSG_OK)
		e = rsg_audit_commit(w, c);
done:
	rsg_prove_close(log);
	rsg_secret_wipe(&self, sizeof(self));
	return e;
}

/* --- Of the whole log --- */

/* Nothing here that /log/ does not show to anybody, so nothing to be audited. */
enum rsg_err
rsg_op_log_growth(struct rsg_worker *w, struct rsg_call *c)
{
	int64_t old = rsg_msg_get_int(c->in, RSG_F_OLD_SIZE, 0), size;
	uint8_t old_root[RSG_HASH_LEN], root[RSG_HASH_LEN];
	struct rsg_prove *log = NULL;
	struct rsg_proof proof;
	enum rsg_err e;

	if ((e = rsg_prove_state(w->vault->state, &log)) != RSG_OK)
		return e == RSG_NOT_FOUND ? not_yet(c) : e;
	size = rsg_msg_get_int(c->in, RSG_F_SIZE, (int64_t)log->now.size);
	if (old < 0 || size < old)
		e = rsg_call_fail(c, RSG_BAD_VALUE, "old", NULL);
	else if ((e = rsg_prove_growth(log, (uint64_t)old, (uint64_t)size, &proof,
	    old_root, root)) == RSG_STALE)
		e = rsg_call_fail(c, RSG_BAD_VALUE, "size", NULL);
	if (e != RSG_OK)
		goto done;
	rsg_msg_int(&c->out, RSG_F_OLD_SIZE, old);
	rsg_msg_bytes(&c->out, RSG_F_OLD_ROOT, old_root, sizeof(old_root));
	rsg_msg_int(&c->out, RSG_F_SIZE, size);
	rsg_msg_bytes(&c->out, RSG_F_ROOT, root, sizeof(root));
	for (size_t i = 0; i < proof.n; i++)
		rsg_msg_bytes(&c->out, RSG_F_HASHES, proof.hash[i], RSG_HASH_LEN);
	rsg_msg_bytes(&c->out, RSG_F_CHECKPOINT, log->note.p, log->note.len);
	e = rsg_buf_err(&c->out);
done:
	rsg_prove_close(log);
	return e;
}

/* --- How many --- */

static void
put_count(struct rsg_worker *w, struct rsg_buf *out, const struct rsg_result *r, int row)
{
	const struct rsg_purposedef *p;
	size_t mark = rsg_msg_open(out, RSG_F_COUNTS), n;
	int64_t purpose = rsg_result_int(r, row, 3);
	char actor[RSG_ID_TEXT];
	struct rsg_id id;
	const uint8_t *name;

	rsg_msg_int(out, RSG_F_DAY, rsg_result_int(r, row, 0));
	rsg_result_id(r, row, 1, &id);
	rsg_id_text(&id, actor);
	if (!rsg_result_null(r, row, 2)) {
		name = rsg_result_bytes(r, row, 2, &n);
		rsg_msg_bytes(out, RSG_F_ACTOR, name, n);
	} else
		rsg_msg_text(out, RSG_F_ACTOR, rsg_id_nil(&id) ? "administrator" : actor);
	if (purpose != 0) {
		p = rsg_policy_purpose_no(w->policy, (uint16_t)purpose);
		rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	}
	rsg_msg_text(out, RSG_F_DECISION, rsg_result_int(r, row, 4) != 0 ? "allow" : "deny");
	rsg_msg_int(out, RSG_F_COUNT, rsg_result_int(r, row, 5));
	rsg_msg_close(out, mark);
}

enum rsg_err
rsg_op_audit_counts(struct rsg_worker *w, struct rsg_call *c)
{
	int64_t to = rsg_msg_get_int(c->in, RSG_F_TO, w->now + RSG_US);
	int64_t from = rsg_msg_get_int(c->in, RSG_F_FROM, to - 30 * RSG_DAY_US);
	const struct rsg_result *r;
	struct rsg_answer answer;
	struct rsg_bind *b;
	int number;
	enum rsg_err e;

	if (from > to || to - from > COUNTS_DAYS * RSG_DAY_US)
		return rsg_call_fail(c, RSG_BAD_VALUE, "from", NULL);
	if ((e = rsg_call_allowed(w, c, RSG_ACT_AUDIT_READ,
	    rsg_policy_default(w->policy, RSG_ACT_AUDIT_READ), NULL, 0, NULL,
	    &answer)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_AUDIT_COUNTS);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_int(b, 1, from);
	rsg_bind_int(b, 2, to);
	rsg_bind_int(b, 3, COUNTS_MAX + 1);
	number = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, number);
	if (rsg_result_rows(r) > COUNTS_MAX)
		return rsg_call_fail(c, RSG_TOO_LARGE, "from", NULL);
	rsg_msg_int(&c->out, RSG_F_FROM, from);
	rsg_msg_int(&c->out, RSG_F_TO, to);
	for (int row = 0; row < rsg_result_rows(r); row++)
		put_count(w, &c->out, r, row);
	if ((e = rsg_buf_err(&c->out)) != RSG_OK)
		return e;
	return rsg_audit_commit(w, c);
}
