#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/auth.h"
#include "work/batch.h"
#include "work/events.h"
#include "work/eventjob.h"
#include "work/metrics.h"
#include "work/vault.h"
#include "work/worker.h"

#define TRIES	3

/* --- Round trip 1: who is calling, and whom the lines are about --- */

static enum rsg_err
resolve(struct job *j)
{
	struct rsg_db *db = j->w->db;
	struct rsg_bind *b = NULL;
	int auth, policy, lookups = -1;
	enum rsg_err e;

	auth = rsg_auth_send(j->w, j->call, j->ncalls);
	for (size_t i = 0; i < j->nrefs; i++) {
		if (j->ref[i].field == 0)
			continue;
		if (b == NULL)
			b = rsg_db_bind(db, RSG_SQL_LOOKUP_IDS);
		rsg_bind_int(b, 0, j->ref[i].controller);
		rsg_bind_int(b, 1, j->ref[i].field);
		rsg_bind_bytes(b, 2, j->ref[i].digest, RSG_DIGEST_LEN);
		j->ref[i].place = (int)rsg_bind_count(b, 0);
	}
	if (b != NULL)
		lookups = rsg_db_send(db, b);
	policy = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_POLICY_VERSION));
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	if (rsg_vault_policy_stale(j->w, rsg_db_result(db, policy)))
		return RSG_CONFLICT;
	rsg_auth_confirm(j->w, auth, j->call, j->ncalls);
	return rsg_job_whos(j, lookups < 0 ? NULL : rsg_db_result(db, lookups));
}

/* --- Round trip 2: the people, locked in the order of their ids --- */

static enum rsg_err
lock_people(struct job *j)
{
	struct rsg_db *db = j->w->db;
	struct rsg_bind *b, *f = NULL;
	uint16_t seen[RSG_POLICY_FIELDS] = { 0 };
	int people, fields = -1;
	enum rsg_err e;

	if (j->nwhos == 0)
		return RSG_OK;
	b = rsg_db_bind(db, RSG_SQL_SUBJECTS_LOCK);
	for (size_t i = 0; i < j->nwhos; i++)
		rsg_bind_id(b, 0, &j->who[i].id);
	people = rsg_db_send(db, b);
	for (size_t i = 0; i < j->nrefs; i++) {
		uint16_t n = j->ref[i].field;

		if (n == 0 || seen[n]++)
			continue;
		if (f == NULL)
			f = rsg_db_bind(db, RSG_SQL_FIELDS);
		rsg_bind_int(f, 1, n);
	}
	for (size_t i = 0; f != NULL && i < j->nwhos; i++)
		rsg_bind_id(f, 0, &j->who[i].id);
	if (f != NULL)
		fields = rsg_db_send(db, f);
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	return rsg_job_open(j, rsg_db_result(db, people),
	    fields < 0 ? NULL : rsg_db_result(db, fields));
}

/* --- Round trip 3: what is new --- */

static bool
same_document(const struct line *a, const struct line *b)
{
	return a->who == b->who && memcmp(a->id.b, b->id.b, 8) == 0;
}

/* Do these lines of a document earn, so that those before them count? */
static bool
earning(const struct job *j, size_t i)
{
	const struct line *l = j->good[i];

	for (; i < j->ngood && same_document(l, j->good[i]); i++)
		if (rsg_job_programme(j, j->good[i]->call) != NULL)
			return true;
	return false;
}

/* Lines are sorted by person and id, so a document's stand together. */
static enum rsg_err
insert(struct job *j)
{
	struct rsg_db *db = j->w->db;
	struct rsg_bind *docs = rsg_db_bind(db, RSG_SQL_EVENT_DOCUMENTS);
	struct rsg_bind *rows = rsg_db_bind(db, RSG_SQL_EVENT_INSERT);
	struct rsg_buf sealed;
	int rdocs = -1, rrows, document = 0, unasked = 0;
	enum rsg_err e = RSG_OK;

	rsg_buf_init(&sealed, 8192);
	for (size_t i = 0; i < j->ngood && e == RSG_OK; i++) {
		struct line *l = j->good[i];
		struct who *p = &j->who[l->who];
		struct rsg_id first, last;

		l->opens = i == 0 || !same_document(j->good[i - 1], l);
		if (l->opens && p->blank)
			document = --unasked;	/* whose first event it is, has no other */
		else if (l->opens) {
			rsg_event_span(&l->id, &first, &last);
			rsg_bind_id(docs, 0, &p->id);
			rsg_bind_id(docs, 1, &first);
			rsg_bind_id(docs, 2, &last);
			rsg_bind_bool(docs, 3, earning(j, i));
			document = (int)rsg_bind_count(docs, 0);
		}
		l->document = document;
		rsg_buf_reset(&sealed);
		e = rsg_event_seal(p->keys.key[RSG_KEY_ACTIVITY], p->controller,
		    &p->id, &l->id, &l->ev, &sealed);
		rsg_bind_id(rows, 0, &p->id);
		rsg_bind_id(rows, 1, &l->id);
		rsg_bind_bytes(rows, 2, sealed.p, sealed.len);
	}
	rsg_buf_free(&sealed);
	if (e != RSG_OK || j->ngood == 0)
		return e;
	if (rsg_bind_count(docs, 0) > 0)
		rdocs = rsg_db_send(db, docs);
	rrows = rsg_db_send(db, rows);
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	rsg_job_fresh(j, rdocs < 0 ? NULL : rsg_db_result(db, rdocs),
	    rsg_db_result(db, rrows));
	return RSG_OK;
}

/* --- Round trip 4: activities, entries, commit --- */

static enum rsg_err
finish(struct job *j)
{
	struct rsg_db *db = j->w->db;
	struct rsg_bind *b = rsg_db_bind(db, RSG_SQL_SUBJECT_UPDATE_ACTIVITY);
	int update = -1;
	size_t n;
	enum rsg_err e;

	if ((e = rsg_job_activities(j, b)) != RSG_OK ||
	    (e = rsg_job_answers(j)) != RSG_OK)
		return e;
	if ((n = rsg_bind_count(b, 0)) > 0)
		update = rsg_db_send(db, b);
	if (j->benefits != NULL)
		(void)rsg_db_send(db, j->benefits);
	rsg_audit_send(j->w);
	if (update >= 0) {
		if ((e = rsg_db_fetch(db)) != RSG_OK)
			return e;
		if ((size_t)rsg_result_changed(rsg_db_result(db, update)) != n)
			return RSG_CONFLICT;
	}
	return rsg_db_commit(db);
}

static enum rsg_err
run(struct rsg_worker *w, struct rsg_call **calls, size_t n)
{
	struct job *j = NULL;
	enum rsg_err e;

	rsg_worker_begin(w);
	for (size_t i = 0; i < n; i++)
		rsg_call_reset(calls[i]);
	if ((e = rsg_db_ready(w->db)) != RSG_OK ||
	    (e = rsg_auth_resolve(w, calls, n)) != RSG_OK ||
	    (e = rsg_job_new(w, calls, n, &j)) != RSG_OK ||
	    (e = resolve(j)) != RSG_OK || (e = lock_people(j)) != RSG_OK ||
	    (e = rsg_job_decide(j)) != RSG_OK || (e = insert(j)) != RSG_OK)
		goto done;
	e = finish(j);
done:
	if (e != RSG_OK)
		rsg_db_rollback(w->db);
	rsg_job_free(j);
	rsg_worker_end(w);
	return e;
}

static void
run_again(struct rsg_worker *w, struct rsg_call **calls, size_t n)
{
	enum rsg_err e = RSG_CONFLICT;

	for (int i = 0; i < TRIES && e == RSG_CONFLICT; i++)
		e = run(w, calls, n);
	for (size_t i = 0; e != RSG_OK && i < n; i++) {
		rsg_call_reset(calls[i]);
		rsg_call_fail(calls[i], e == RSG_CONFLICT ? RSG_UNAVAILABLE : e,
		    NULL, NULL);
	}
}

void
rsg_events_serve(struct rsg_worker *w, struct rsg_call **calls, size_t n)
{
	enum rsg_err e;

	rsg_metrics_batch(n);
	e = run(w, calls, n);
	if (e == RSG_OK)
		return;
	if (e == RSG_UNAVAILABLE || e == RSG_NO_MEMORY || n == 1) {
		if (n == 1 && e == RSG_CONFLICT)
			run_again(w, calls, n);
		else
			for (size_t i = 0; i < n; i++) {
				rsg_call_reset(calls[i]);
				rsg_call_fail(calls[i], e, NULL, NULL);
			}
		return;
	}
	/* One bad request harms only itself. */
	for (size_t i = 0; i < n; i++)
		run_again(w, &calls[i], 1);
}
