#include "ops/bulk.h"

#include <stdio.h>
#include <string.h>

#include "ops/admin.h"
#include "subject/person.h"
#include "work/among.h"
#include "work/vault.h"
#include "work/worker.h"

void
rsg_bulk_reject(struct rsg_bulk *m, size_t at, enum rsg_err e)
{
	struct rsg_bulkline *l = &m->line[at];

	l->err = e;
	snprintf(l->member, sizeof(l->member), "%s", m->c->member);
	m->c->status = RSG_OK;
	m->c->member[0] = '\0';
	m->c->draft.decision = RSG_OK;	/* of the page, not of this line */
}

/* --- Finding --- */

enum rsg_err
rsg_bulk_ids(struct rsg_bulk *m, size_t n,
    const uint8_t *(*digest)(struct rsg_bulk *, size_t), const struct rsg_result **out)
{
	static const uint8_t none[RSG_DIGEST_LEN];
	struct rsg_bind *q = rsg_db_bind(m->w->db, RSG_SQL_LOOKUP_IDS);
	int hits;
	enum rsg_err e;

	for (size_t i = 0; i < n; i++) {
		rsg_bind_int(q, 0, m->k->number);
		rsg_bind_int(q, 1, m->field->number);
		rsg_bind_bytes(q, 2, m->line[i].err == RSG_OK ? digest(m, i) : none,
		    RSG_DIGEST_LEN);
	}
	hits = rsg_db_send(m->w->db, q);
	if ((e = rsg_db_fetch(m->w->db)) == RSG_OK)
		*out = rsg_db_result(m->w->db, hits);
	return e;
}

enum rsg_err
rsg_bulk_digest(struct rsg_bulk *m, const struct rsg_fielddef *field, const void *p,
    size_t len, uint8_t digest[RSG_DIGEST_LEN])
{
	struct rsg_buf form;
	enum rsg_err e;

	rsg_buf_init(&form, RSG_VALUE_MAX);
	if ((e = rsg_value_index(field, p, len, &form)) == RSG_OK)
		e = rsg_vault_blind(m->w, m->k->number, field->number, form.p,
		    form.len, digest);
	rsg_buf_free(&form);
	return e;
}

static void
bind_fields(struct rsg_bulk *m, struct rsg_bind *q, const uint16_t *fields)
{
	for (uint16_t f = 1; fields == NULL && f < RSG_POLICY_FIELDS; f++)
		if (rsg_policy_field_no(m->w->policy, f) != NULL)
			rsg_bind_int(q, 1, f);
	for (; fields != NULL && *fields != 0; fields++)
		rsg_bind_int(q, 1, *fields);
}

enum rsg_err
rsg_bulk_people(struct rsg_bulk *m, const uint16_t *fields, const enum rsg_sql *more,
    size_t nmore)
{
	struct rsg_db *db = m->w->db;
	struct rsg_batch *b = m->w->batch;
	struct rsg_bind *lock, *values;
	const struct rsg_result *r;
	struct rsg_id id;
	int rows;
	enum rsg_err e;

	if (b->nsubjects == 0)
		return RSG_OK;
	lock = rsg_db_bind(db, RSG_SQL_SUBJECTS_LOCK);
	values = rsg_db_bind(db, RSG_SQL_FIELDS);
	for (size_t i = 0; i < b->nsubjects; i++) {
		rsg_bind_id(lock, 0, &b->subject[i]->id);
		rsg_bind_id(values, 0, &b->subject[i]->id);
	}
	bind_fields(m, values, fields);
	rows = rsg_db_send(db, lock);
	b->fields_result = rsg_db_send(db, values);
	for (size_t s = 0; s < nmore; s++) {
		struct rsg_bind *q = rsg_db_bind(db, more[s]);

		for (size_t i = 0; i < b->nsubjects; i++)
			rsg_bind_id(q, 0, &b->subject[i]->id);
		b->answer[more[s]] = rsg_db_send(db, q);
	}
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, rows);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		rsg_result_id(r, row, 0, &id);
		for (size_t i = 0; i < b->nsubjects; i++)
			if (rsg_id_eq(&b->subject[i]->id, &id))
				rsg_person_row(b->subject[i], r, row, 1);
	}
	return RSG_OK;
}

bool
rsg_bulk_same(struct rsg_bulk *m, const uint8_t digest[RSG_DIGEST_LEN],
    const char *text, size_t len)
{
	uint8_t mine[RSG_DIGEST_LEN];

	return rsg_bulk_digest(m, m->field, text, len, mine) == RSG_OK &&
	    rsg_secret_equal(mine, digest, sizeof(mine));
}

/* --- A page --- */

/* Whom an earlier line of the page named has a leaf already. */
static bool
named(const struct rsg_bulk *m, size_t at)
{
	const struct rsg_item *it = m->w->batch->item;

	for (size_t i = 0; i < at; i++)
		if (m->line[i].err == RSG_OK && it[i].subject == it[at].subject)
			return true;
	return false;
}

/* One entry for the page, about all whom it touched. */
static enum rsg_err
entry(struct rsg_bulk *m, size_t n)
{
	struct rsg_draft *d = &m->c->draft;
	struct rsg_among *among;
	enum rsg_err e;

	d->wrote = NULL;
	e = rsg_among_new(m->w, m->c, n, &among);
	for (size_t i = 0; i < n && e == RSG_OK; i++) {
		const struct rsg_subject *s = m->w->batch->item[i].subject;

		if (m->line[i].err != RSG_OK || s == NULL || named(m, i))
			continue;
		rsg_among_add(among, s->keys.key[RSG_KEY_EVIDENCE], &s->id);
		e = rsg_call_wrote_person(m->w, m->c, s);
	}
	if (e == RSG_OK) {
		rsg_among_end(among);
		snprintf(d->basis, sizeof(d->basis), "%s", m->basis);
		e = rsg_audit_stage(m->w, m->c);
	}
	rsg_among_free(among);
	return e;
}

static enum rsg_err
read_lines(struct rsg_bulk *m, size_t n)
{
	struct rsg_batch *b = m->w->batch;
	struct rsg_answer answer;
	enum rsg_err e;

	rsg_batch_begin(b, m->w, true);
	m->c->rated = true;
	if ((e = rsg_call_allowed(m->w, m->c, RSG_ACT_IMPORT, 0, NULL, 0, NULL,
	    &answer)) != RSG_OK)
		return e;
	m->def->begin(m, n);
	m->upto = n;
	for (size_t i = 0; i < n; i++) {
		b->item[i] = (struct rsg_item){ .call = m->c, .batch = b };
		m->line[i].note = NULL;
		if (m->line[i].err == RSG_OK && (e = m->def->read(m, i)) != RSG_OK)
			rsg_bulk_reject(m, i, e);
	}
	return m->def->find(m, n);
}

/*
 * One page, in one transaction. RSG_OK: committed. RSG_CONFLICT, RSG_BAD_VALUE
 * and RSG_NO_MEMORY: a line does not go; the caller tries them one by one.
 */
static enum rsg_err
page(struct rsg_bulk *m, size_t n)
{
	struct rsg_worker *w = m->w;
	struct rsg_batch *b = w->batch;
	enum rsg_err e;

	if ((e = read_lines(m, n)) != RSG_OK)
		goto done;
	n = m->upto;
	for (size_t i = 0; i < n; i++) {
		if (m->line[i].err != RSG_OK)
			continue;
		b->staged = false;
		if ((e = m->def->write(m, i)) == RSG_OK)
			continue;
		if (n > 1 && (b->staged || e == RSG_NO_MEMORY)) {
			e = RSG_CONFLICT;
			goto done;
		}
		rsg_bulk_reject(m, i, e);
		if (b->staged) {		/* alone, and half done: nothing of it */
			rsg_db_rollback(w->db);
			return RSG_OK;
		}
	}
	if ((e = entry(m, n)) == RSG_OK && (e = rsg_batch_write(b)) == RSG_OK)
		e = rsg_db_commit(w->db);
done:
	if (e != RSG_OK)
		rsg_db_rollback(w->db);
	return e;
}

/* --- The whole message --- */

static void
tell(struct rsg_bulk *m, enum rsg_field group, int64_t line, const char *reason,
    const char *member)
{
	size_t mark = rsg_msg_open(&m->told, group);

	rsg_msg_int(&m->told, RSG_F_LINE, line);
	rsg_msg_text(&m->told, RSG_F_ERROR, reason);
	if (member[0] != '\0')
		rsg_msg_text(&m->told, RSG_F_MEMBER, member);
	rsg_msg_close(&m->told, mark);
}

static void
account(struct rsg_bulk *m, const struct rsg_bulkline *l)
{
	if (l->err != RSG_OK) {
		tell(m, RSG_F_REJECTED, l->number, rsg_err_id(l->err), l->member);
		return;
	}
	*(l->changed ? &m->accepted : &m->repeated) += 1;
	if (l->note != NULL)
		tell(m, RSG_F_NOTED, l->number, l->note, l->note_member);
}

static bool
alone(enum rsg_err e)
{
	return e == RSG_CONFLICT || e == RSG_BAD_VALUE || e == RSG_NO_MEMORY;
}

/* Its lines one by one; each takes the first place of the page. */
static enum rsg_err
one_by_one(struct rsg_bulk *m, size_t n)
{
	struct rsg_bulkline all[RSG_BULK_PAGE];
	enum rsg_err e;

	memcpy(all, m->line, n * sizeof(all[0]));
	for (size_t i = 0; i < n; i++) {
		m->line[0] = (struct rsg_bulkline){ .group = all[i].group,
		    .number = all[i].number };
		rsg_worker_begin(m->w);
		e = page(m, 1);
		if (alone(e))
			m->line[0].err = e;
		else if (e != RSG_OK)
			return e;
		account(m, &m->line[0]);
	}
	return RSG_OK;
}

/* The page's lines, or the first of them; *n of them are left, in front. */
static enum rsg_err
bring(struct rsg_bulk *m, size_t *n)
{
	size_t done;
	enum rsg_err e;

	rsg_worker_begin(m->w);
	if (alone(e = page(m, *n))) {
		e = one_by_one(m, *n);
		*n = 0;
		return e;
	}
	done = m->upto;
	for (size_t i = 0; e == RSG_OK && i < done; i++)
		account(m, &m->line[i]);
	*n -= done;
	for (size_t i = 0; i < *n; i++)
		m->line[i] = (struct rsg_bulkline){ .group = m->line[done + i].group,
		    .number = m->line[done + i].number };
	return e;
}

enum rsg_err
rsg_bulk_open(struct rsg_bulk *m, const struct rsg_bulkdef *def, struct rsg_worker *w,
    struct rsg_call *c, void *own)
{
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	memset(m, 0, sizeof(*m));
	rsg_buf_init(&m->told, RSG_MSG_MAX);
	m->def = def;
	m->w = w;
	m->c = c;
	m->own = own;
	if ((e = rsg_admin_named(w, c, &m->k)) != RSG_OK)
		return e;
	(void)rsg_msg_get(c->in, RSG_F_FIELD, &p, &len);
	m->field = rsg_policy_field(w->policy, (const char *)p, len);
	if (m->field == NULL || !m->field->unique)
		return rsg_call_fail(c, RSG_UNKNOWN_FIELD, "field", NULL);
	(void)rsg_msg_get_text(c->in, RSG_F_BASIS, m->basis, sizeof(m->basis));
	return RSG_OK;
}

enum rsg_err
rsg_bulk_run(struct rsg_bulk *m)
{
	struct rsg_call *c = m->c;
	struct rsg_fields group;
	size_t pos = 0, n = 0;
	int64_t number = 0;
	bool more;
	enum rsg_err e;

	do {
		more = rsg_msg_each(c->in, &pos, m->def->lines, &group);
		if (more)
			m->line[n++] = (struct rsg_bulkline){ .group = group,
			    .number = rsg_msg_get_int(group, RSG_F_LINE, ++number) };
		while (n == RSG_BULK_PAGE || (!more && n > 0))
			if ((e = bring(m, &n)) != RSG_OK)
				return e;
	} while (more);
	rsg_msg_int(&c->out, RSG_F_ACCEPTED, m->accepted);
	rsg_msg_int(&c->out, RSG_F_REPEATED, m->repeated);
	rsg_buf_put(&c->out, m->told.p, m->told.len);
	return rsg_buf_err(&m->told) != RSG_OK ? RSG_TOO_LARGE : rsg_buf_err(&c->out);
}

void
rsg_bulk_close(struct rsg_bulk *m)
{
	rsg_buf_free(&m->told);
}
