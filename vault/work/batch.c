#include <string.h>

#include "ops/ops.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "subject/person.h"
#include "work/auth.h"
#include "work/batch.h"
#include "work/metrics.h"
#include "work/vault.h"
#include "work/worker.h"

#define RERUNS	3

/* Results of the fetch phase, by number; -1 where nothing was asked. */
struct fetched {
	int auth, subjects, fields, lookups, idem, policy;
};

/* The order in which staged rows are written: what others refer to first. */
static const enum rsg_sql stage_order[] = {
	RSG_SQL_CONSENT_LOCK, RSG_SQL_SUBJECT_INSERT, RSG_SQL_RELATIONS_INSERT, RSG_SQL_LOOKUP_DELETE,
	RSG_SQL_LOOKUP_INSERT, RSG_SQL_FIELD_INSERT, RSG_SQL_ATTACHMENT_INSERT, RSG_SQL_ATTACHMENT_KEEP,
	RSG_SQL_CONSENT_INSERT,
	RSG_SQL_BENEFIT_INSERT, RSG_SQL_CODE_INSERT, RSG_SQL_PROMISE_INSERT,
	RSG_SQL_PROMISE_DELETE, RSG_SQL_EVENT_INSERT, RSG_SQL_REQUEST_INSERT,
	RSG_SQL_REQUEST_STATE, RSG_SQL_SUBJECT_UPDATE,
	RSG_SQL_SUBJECT_UPDATE_ACTIVITY, RSG_SQL_CHANGE_INSERT,
	RSG_SQL_IDEMPOTENCY_INSERT,
};

static const struct rsg_opdef *
def(const struct rsg_item *it)
{
	return rsg_ops_get(it->call->op);
}

static bool
pending(const struct rsg_item *it)
{
	return it->call->status == RSG_OK;
}

struct rsg_bind *
rsg_stage(struct rsg_batch *b, enum rsg_sql sql)
{
	b->staged = true;
	if (b->stage[sql] == NULL)
		b->stage[sql] = rsg_db_bind(b->w->db, sql);
	return b->stage[sql];
}

void
rsg_stage_change(struct rsg_batch *b, const struct rsg_id *id)
{
	/* Shared with other writers; a page of a release takes it alone (P4). */
	(void)rsg_stage(b, RSG_SQL_CONSENT_LOCK);
	rsg_bind_id(rsg_stage(b, RSG_SQL_CHANGE_INSERT), 0, id);
}

void
rsg_stage_idempotency(struct rsg_item *it, const struct rsg_id *ref, int64_t number)
{
	struct rsg_bind *s;

	if (!it->idempotent)
		return;
	s = rsg_stage(it->batch, RSG_SQL_IDEMPOTENCY_INSERT);
	rsg_bind_id(s, 0, &it->call->actor.credential);
	rsg_bind_bytes(s, 1, it->idem_key, sizeof(it->idem_key));
	rsg_bind_bytes(s, 2, it->idem_body, sizeof(it->idem_body));
	rsg_bind_int(s, 3, RSG_OK);
	rsg_bind_id(s, 4, ref);
	rsg_bind_int(s, 5, number);
	rsg_bind_int(s, 6, it->batch->w->now);
}

/*
 * What the caller sent, without what names the call itself: a repetition
 * must agree with the first in all of it.
 */
static enum rsg_err
idempotency(struct rsg_item *it)
{
	static const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };
	struct rsg_call *c = it->call;
	struct rsg_buf b;
	const uint8_t *p, *key;
	enum rsg_field f;
	size_t pos = 0, len, nkey;
	enum rsg_err e;

	if (!it->batch->write || !rsg_msg_get(c->in, RSG_F_IDEMPOTENCY, &key, &nkey))
		return RSG_OK;
	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_buf_u16(&b, (uint16_t)c->op);
	while (rsg_msg_next(c->in, &pos, &f, &p, &len)) {
		if (f == RSG_F_CREDENTIAL || f == RSG_F_REQUEST || f == RSG_F_IDEMPOTENCY)
			continue;
		rsg_buf_u16(&b, (uint16_t)f);
		rsg_buf_u32(&b, (uint32_t)len);
		rsg_buf_put(&b, p, len);
	}
	if ((e = rsg_buf_err(&b)) != RSG_OK ||
	    (e = rsg_service_digest(it->batch->w->vault->keys, session,
	    "idem-body", b.p, b.len, it->idem_body)) != RSG_OK)
		goto done;
	rsg_buf_reset(&b);
	rsg_buf_put(&b, c->actor.credential.b, RSG_ID_LEN);
	rsg_buf_put(&b, key, nkey);
	e = rsg_service_digest(it->batch->w->vault->keys, session, "idem-key",
	    b.p, b.len, it->idem_key);
	it->idempotent = e == RSG_OK;
done:
	rsg_buf_free(&b);
	return e;
}

/* --- Fetch --- */

static void
send_subjects(struct rsg_batch *b, struct fetched *f)
{
	struct rsg_db *db = b->w->db;
	struct rsg_bind *s, *v;

	if (b->nsubjects == 0)
		return;
	s = rsg_db_bind(db, b->write || b->hold ? RSG_SQL_SUBJECTS_LOCK :
	    RSG_SQL_SUBJECTS_ALONE);
	for (size_t i = 0; i < b->nsubjects; i++)
		rsg_bind_id(s, 0, &b->subject[i]->id);
	f->subjects = rsg_db_send(db, s);
	if (b->nfields == 0)
		return;
	v = rsg_db_bind(db, RSG_SQL_FIELDS);
	for (size_t i = 0; i < b->nsubjects; i++)
		rsg_bind_id(v, 0, &b->subject[i]->id);
	for (size_t i = 0; i < b->nfields; i++)
		rsg_bind_int(v, 1, b->fields[i]);
	f->fields = rsg_db_send(db, v);
}

static void
send_lookups(struct rsg_batch *b, struct fetched *f)
{
	struct rsg_bind *s = NULL;

	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; pending(&b->item[i]) && k < b->item[i].nlookups; k++) {
			const struct rsg_wanted *l = &b->item[i].lookup[k];

			if (s == NULL)
				s = rsg_db_bind(b->w->db, RSG_SQL_LOOKUPS);
			rsg_bind_int(s, 0, b->item[i].call->actor.controller);
			rsg_bind_int(s, 1, l->field->number);
			rsg_bind_bytes(s, 2, l->digest, sizeof(l->digest));
		}
	if (s != NULL)
		f->lookups = rsg_db_send(b->w->db, s);
}

static void
send_idempotency(struct rsg_batch *b, struct fetched *f)
{
	struct rsg_bind *s = NULL;

	for (size_t i = 0; i < b->n; i++) {
		if (!pending(&b->item[i]) || !b->item[i].idempotent)
			continue;
		if (s == NULL)
			s = rsg_db_bind(b->w->db, RSG_SQL_IDEMPOTENCY_GET);
		rsg_bind_id(s, 0, &b->item[i].call->actor.credential);
		rsg_bind_bytes(s, 1, b->item[i].idem_key, RSG_DIGEST_LEN);
	}
	if (s != NULL)
		f->idem = rsg_db_send(b->w->db, s);
}

static void
take_subjects(struct rsg_batch *b, const struct rsg_result *r)
{
	for (int row = 0; row < rsg_result_rows(r); row++) {
		struct rsg_id id;

		rsg_result_id(r, row, 0, &id);
		for (size_t i = 0; i < b->nsubjects; i++)
			if (rsg_id_eq(&b->subject[i]->id, &id))
				rsg_person_row(b->subject[i], r, row, 1);
	}
}

/* Rows name the place of the value asked for, counted over all items. */
static void
take_lookups(struct rsg_batch *b, const struct rsg_result *r)
{
	for (int row = 0; row < rsg_result_rows(r); row++) {
		int64_t at = rsg_result_int(r, row, 0) - 1;

		for (size_t i = 0; i < b->n && at >= 0; i++) {
			struct rsg_item *it = &b->item[i];

			if (!pending(it))
				continue;
			if (at < (int64_t)it->nlookups &&
			    it->lookup[at].hits < RSG_LOOKUP_HITS)
				it->lookup[at].row[it->lookup[at].hits++] = row;
			at -= (int64_t)it->nlookups;
		}
	}
}

static void
take_idempotency(struct rsg_batch *b, const struct rsg_result *r)
{
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t nkey, nbody;
		const uint8_t *key = rsg_result_bytes(r, row, 1, &nkey);
		const uint8_t *body = rsg_result_bytes(r, row, 2, &nbody);
		struct rsg_id credential;

		rsg_result_id(r, row, 0, &credential);
		for (size_t i = 0; i < b->n; i++) {
			struct rsg_item *it = &b->item[i];

			if (!it->idempotent || nkey != RSG_DIGEST_LEN ||
			    memcmp(key, it->idem_key, nkey) != 0 ||
			    !rsg_id_eq(&credential, &it->call->actor.credential))
				continue;
			if (nbody != RSG_DIGEST_LEN ||
			    memcmp(body, it->idem_body, nbody) != 0) {
				rsg_call_fail(it->call, RSG_IDEMPOTENCY_MISMATCH,
				    "idempotency_key", NULL);
				continue;
			}
			it->replay = true;
			rsg_result_id(r, row, 4, &it->ref);
			it->number = rsg_result_int(r, row, 5);
		}
	}
}

static enum rsg_err
fetch(struct rsg_batch *b, struct rsg_call **calls, size_t n)
{
	struct fetched f = { -1, -1, -1, -1, -1, -1 };
	struct rsg_db *db = b->w->db;
	enum rsg_err e;

	f.auth = rsg_auth_send(b->w, calls, n);
	send_subjects(b, &f);
	send_lookups(b, &f);
	for (int i = 0; i < RSG_SQL__MAX; i++)
		if (b->ask[i] != NULL)
			b->answer[i] = rsg_db_send(db, b->ask[i]);
	send_idempotency(b, &f);
	f.policy = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_POLICY_VERSION));
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	if (rsg_vault_policy_stale(b->w, rsg_db_result(db, f.policy)))
		return RSG_STALE;
	rsg_auth_confirm(b->w, f.auth, calls, n);
	if (f.subjects >= 0)
		take_subjects(b, rsg_db_result(db, f.subjects));
	if (f.lookups >= 0)
		take_lookups(b, rsg_db_result(db, f.lookups));
	if (f.idem >= 0)
		take_idempotency(b, rsg_db_result(db, f.idem));
	b->fields_result = f.fields;
	b->lookups_result = f.lookups;
	return RSG_OK;
}

/* --- Write and commit --- */

static enum rsg_err
stage_subjects(struct rsg_batch *b)
{
	enum rsg_err e;

	for (size_t i = 0; i < b->nsubjects; i++)
		if (b->subject[i]->dirty &&
		    (e = rsg_person_stage(b, b->subject[i])) != RSG_OK)
			return e;
	return RSG_OK;
}

/* Who changed since we read them, or whose histories are not as long as their
 * headers say: their answers are not given. */
static int
send_recheck(struct rsg_batch *b)
{
	struct rsg_bind *s = NULL;

	for (size_t i = 0; i < b->nsubjects; i++) {
		const struct rsg_subject *p = b->subject[i];

		/* What is written anew is held against its history by the row
		 * that it adds; nobody else can change who is locked. */
		if (!p->opened || p->fresh || p->dirty)
			continue;
		if (s == NULL)
			s = rsg_db_bind(b->w->db, RSG_SQL_SUBJECT_WITNESSES);
		rsg_bind_id(s, 0, &b->subject[i]->id);
		rsg_bind_int(s, 1, b->subject[i]->version);
		rsg_bind_int(s, 2, b->subject[i]->h.consent.count);
		rsg_bind_int(s, 3, b->subject[i]->h.benefit.count);
	}
	return s == NULL ? -1 : rsg_db_send(b->w->db, s);
}

enum rsg_err
rsg_batch_write(struct rsg_batch *b)
{
	struct rsg_db *db = b->w->db;
	int update[2] = { -1, -1 };	/* headers; headers with activities */
	int64_t updates = 0;
	enum rsg_err e;

	if ((e = stage_subjects(b)) != RSG_OK)
		return e;
	for (size_t i = 0; i < sizeof(stage_order) / sizeof(stage_order[0]); i++) {
		struct rsg_bind *s = b->stage[stage_order[i]];
		bool both = stage_order[i] == RSG_SQL_SUBJECT_UPDATE_ACTIVITY;
		int sent;

		if (s == NULL)
			continue;
		sent = rsg_db_send(db, s);
		if (!both && stage_order[i] != RSG_SQL_SUBJECT_UPDATE)
			continue;
		update[both] = sent;
		updates += (int64_t)rsg_bind_count(s, 0);
	}
	rsg_audit_send(b->w);
	if (updates == 0)
		return RSG_OK;
	/* The rows are locked, so each is found; else something is amiss. */
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	for (int i = 0; i < 2; i++)
		if (update[i] >= 0)
			updates -= rsg_result_changed(rsg_db_result(db, update[i]));
	return updates == 0 ? RSG_OK : RSG_CONFLICT;
}

static enum rsg_err
finish(struct rsg_batch *b)
{
	struct rsg_db *db = b->w->db;
	const struct rsg_result *r;
	int recheck;
	bool stale;
	enum rsg_err e;

	for (size_t i = 0; i < b->n; i++) {
		struct rsg_call *c = b->item[i].call;

		if (!c->audited)
			continue;
		if (b->item[i].subject != NULL && b->write && (e =
		    rsg_call_wrote_person(b->w, c, b->item[i].subject)) != RSG_OK)
			return e;
		if ((e = rsg_audit_stage(b->w, c)) != RSG_OK)
			return e;
	}
	if ((e = rsg_batch_write(b)) != RSG_OK)
		return e;
	recheck = send_recheck(b);
	if ((e = rsg_db_commit(db)) != RSG_OK || recheck < 0)
		return e;
	r = rsg_db_result(db, recheck);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		struct rsg_id id;

		rsg_result_id(r, row, 0, &id);
		stale = rsg_result_bool(r, row, 1);
		if (!stale)
			rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
			    "history", "subject", RSG_LOG_ID, &id, NULL);
		for (size_t i = 0; i < b->n; i++)
			if (b->item[i].subject != NULL &&
			    rsg_id_eq(&b->item[i].subject->id, &id))
				rsg_call_fail(b->item[i].call, stale ? RSG_STALE :
				    RSG_TAMPERED, NULL, NULL);
	}
	return RSG_OK;
}

/* --- One run --- */

static void
want(struct rsg_batch *b, struct rsg_call *c)
{
	struct rsg_item *it = &b->item[b->n];
	enum rsg_err e;

	memset(it, 0, sizeof(*it));
	it->call = c;
	it->batch = b;
	b->n++;
	if (!pending(it))
		return;
	if ((e = idempotency(it)) == RSG_OK && def(it)->want != NULL)
		e = def(it)->want(it);
	if (e != RSG_OK && c->status == RSG_OK)
		rsg_call_fail(c, e, NULL, NULL);
}

/*
 * A call that fails after it staged rows would leave a part of its work in the
 * transaction of the others: then nothing of this run is kept.
 */
static enum rsg_err
apply(struct rsg_batch *b)
{
	enum rsg_err e;

	for (size_t i = 0; i < b->n; i++) {
		struct rsg_item *it = &b->item[i];

		if (!pending(it))
			continue;
		b->staged = false;
		if ((e = def(it)->apply(it)) == RSG_OK)
			continue;
		if (it->call->status == RSG_OK)
			rsg_call_fail(it->call, e, NULL, NULL);
		if (b->staged) {
			b->spoiled = true;
			return RSG_BAD_VALUE;
		}
	}
	return RSG_OK;
}

void
rsg_batch_begin(struct rsg_batch *b, struct rsg_worker *w, bool write)
{
	b->w = w;
	b->write = write;
	b->spoiled = false;
	b->n = b->nsubjects = b->nfields = 0;
	b->fields_result = b->lookups_result = -1;
	memset(b->stage, 0, sizeof(b->stage));
	memset(b->ask, 0, sizeof(b->ask));
	for (int i = 0; i < RSG_SQL__MAX; i++)
		b->answer[i] = -1;
}

/*
 * Run the calls in one transaction. RSG_OK: each is answered or failed by
 * itself, durably. Otherwise nothing was committed, and the error speaks of
 * all of them.
 */
static enum rsg_err
run(struct rsg_batch *b, struct rsg_call **calls, size_t n)
{
	struct rsg_worker *w = b->w;
	enum rsg_err e;

	rsg_worker_begin(w);
	rsg_batch_begin(b, w, b->write);
	for (size_t i = 0; i < n; i++)
		rsg_call_reset(calls[i]);
	if ((e = rsg_db_ready(w->db)) != RSG_OK ||
	    (e = rsg_auth_resolve(w, calls, n)) != RSG_OK)
		goto done;
	for (size_t i = 0; i < n; i++)
		want(b, calls[i]);
	if ((e = fetch(b, calls, n)) != RSG_OK)
		goto done;
	if ((e = apply(b)) == RSG_OK)
		e = finish(b);
done:
	if (e != RSG_OK)
		rsg_db_rollback(w->db);
	rsg_worker_end(w);
	return e;
}

/*
 * Nothing of this call was committed, its entry neither: then a denial may not
 * leave any more than data may (P2). What it failed by before it was decided,
 * or after it had staged rows, is its own and stays.
 */
static void
give_up(const struct rsg_batch *b, struct rsg_call *c, enum rsg_err e)
{
	bool told = c->status != RSG_OK && (!c->audited || b->spoiled);

	c->audited = false;
	if (told)
		return;
	/* A read brings no data: what the database refused was not the caller's. */
	if (e == RSG_STALE || e == RSG_CONFLICT || (e == RSG_BAD_VALUE && !b->write))
		e = RSG_UNAVAILABLE;
	rsg_call_fail(c, e, NULL, NULL);
}

/* Those that could not be served this time run again by themselves. */
static void
again(struct rsg_batch *b, struct rsg_call **calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum rsg_err e = RSG_OK;

		for (int tries = 0; tries < RERUNS; tries++) {
			/* Whoever is written to all the time is held for a moment. */
			b->hold = tries + 1 == RERUNS;
			e = run(b, &calls[i], 1);
			if (e == RSG_OK && calls[i]->status != RSG_STALE &&
			    calls[i]->status != RSG_BUSY)
				break;
			if (e == RSG_UNAVAILABLE || e == RSG_BAD_VALUE)
				break;
		}
		if (e != RSG_OK)
			give_up(b, calls[i], e);
	}
}

void
rsg_batch_serve(struct rsg_worker *w, struct rsg_call **calls, size_t n)
{
	struct rsg_batch *b = w->batch;
	struct rsg_call *rest[RSG_BATCH_MAX];
	size_t nrest = 0;
	enum rsg_err e;

	b->w = w;
	b->write = rsg_ops_mode(calls[0]) == RSG_MODE_WRITE;
	b->hold = false;
	rsg_metrics_batch(n);
	if ((e = run(b, calls, n)) == RSG_OK) {
		for (size_t i = 0; i < n; i++)
			if (calls[i]->status == RSG_STALE && !b->write)
				rest[nrest++] = calls[i];
			else if (calls[i]->status == RSG_BUSY)
				rest[nrest++] = calls[i];
	} else if (e == RSG_UNAVAILABLE || e == RSG_NO_MEMORY) {
		for (size_t i = 0; i < n; i++) {
			rsg_call_reset(calls[i]);
			rsg_call_fail(calls[i], e, NULL, NULL);
		}
	} else {
		/* One bad request harms only itself. */
		memcpy(rest, calls, n * sizeof(rest[0]));
		nrest = n;
	}
	again(b, rest, nrest);
}
