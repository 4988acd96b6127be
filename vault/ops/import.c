/*
 * Customers in bulk. A page of lines is one transaction with one entry; each
 * line's person is found by one unique field, made when there is nobody, and
 * brought up to date when there is. Running a file twice changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "audit/merkle.h"
#include "ops/admin.h"
#include "ops/consents.h"
#include "ops/fields.h"
#include "ops/ops.h"
#include "work/vault.h"
#include "work/worker.h"

#define PAGE		48
#define CONSENTS_MAX	32

/* One line on its way in. */
struct customer {
	struct rsg_fields group;
	int64_t number;
	struct rsg_intake in;
	struct rsg_consent consent[CONSENTS_MAX];
	bool dated[CONSENTS_MAX];	/* does the line say when? */
	size_t nconsents;
	char jurisdiction[8], language[8];
	const struct rsg_intake_value *key;	/* the unique value it is found by */
	bool found, changed;
	enum rsg_err err;
	char member[128];
};

struct import {
	struct rsg_worker *w;
	struct rsg_call *c;
	const struct rsg_controller *k;
	const struct rsg_fielddef *field;
	char basis[64];
	int64_t accepted, repeated;
	struct rsg_buf rejected;	/* fields of the reply, kept over pages */
};

/* --- Reading --- */

static void
reject(struct rsg_call *c, struct customer *u, enum rsg_err e)
{
	u->err = e;
	snprintf(u->member, sizeof(u->member), "%s", c->member);
	c->status = RSG_OK;
	c->member[0] = '\0';
	c->draft.decision = RSG_OK;	/* of the page, not of this line */
}

static enum rsg_err
read_consents(struct import *m, struct customer *u)
{
	struct rsg_fields group;
	size_t pos = 0;
	enum rsg_err e;

	while (rsg_msg_each(u->group, &pos, RSG_F_CONSENTS, &group)) {
		if (u->nconsents == CONSENTS_MAX)
			return rsg_call_fail(m->c, RSG_TOO_LARGE, "consents", NULL);
		u->dated[u->nconsents] = rsg_msg_has(group, RSG_F_TIME);
		if ((e = rsg_consent_read(m->w, m->c, group,
		    &u->consent[u->nconsents++])) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

static enum rsg_err
read_customer(struct import *m, struct customer *u)
{
	enum rsg_err e;

	if ((e = rsg_intake_read(m->w, m->c, u->group, m->k->number, &u->in)) != RSG_OK ||
	    (e = read_consents(m, u)) != RSG_OK)
		return e;
	if (!rsg_msg_get_text(u->group, RSG_F_JURISDICTION, u->jurisdiction,
	    sizeof(u->jurisdiction)))
		snprintf(u->jurisdiction, sizeof(u->jurisdiction), "%.7s", m->k->jurisdiction);
	if (!rsg_policy_jurisdiction(m->w->policy, u->jurisdiction, strlen(u->jurisdiction)))
		return rsg_call_fail(m->c, RSG_BAD_VALUE, "jurisdiction", NULL);
	if (!rsg_msg_get_text(u->group, RSG_F_LANGUAGE, u->language, sizeof(u->language)))
		memcpy(u->language, "es", 3);
	for (size_t i = 0; i < u->in.n; i++)
		if (u->in.value[i].field == m->field && u->in.value[i].text != NULL)
			u->key = &u->in.value[i];
	if (u->key == NULL)
		return rsg_call_fail(m->c, RSG_MISSING_MEMBER, m->field->id, NULL);
	return RSG_OK;
}

/* --- Finding --- */

/* The ids of those who are there already, and then their rows and values. */
static enum rsg_err
find(struct import *m, struct rsg_batch *b, struct customer *u, size_t n)
{
	struct rsg_db *db = m->w->db;
	struct rsg_bind *q = rsg_db_bind(db, RSG_SQL_LOOKUP_IDS), *lock, *fields;
	const struct rsg_result *r;
	struct rsg_id id;
	int hits, rows, values;
	enum rsg_err e;

	for (size_t i = 0; i < n; i++) {
		static const uint8_t none[RSG_DIGEST_LEN];

		rsg_bind_int(q, 0, m->k->number);
		rsg_bind_int(q, 1, m->field->number);
		rsg_bind_bytes(q, 2, u[i].err == RSG_OK ? u[i].key->digest : none,
		    RSG_DIGEST_LEN);
	}
	hits = rsg_db_send(db, q);
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, hits);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t at = (size_t)rsg_result_int(r, row, 0) - 1;

		rsg_result_id(r, row, 1, &id);
		if ((e = rsg_want_subject(&b->item[at], &id)) == RSG_BUSY)
			reject(m->c, &u[at], RSG_CONFLICT);	/* twice in one page */
		else if (e != RSG_OK)
			return e;
		else
			u[at].found = true;
	}
	if (b->nsubjects == 0)
		return RSG_OK;
	lock = rsg_db_bind(db, RSG_SQL_SUBJECTS_LOCK);
	fields = rsg_db_bind(db, RSG_SQL_FIELDS);
	for (size_t i = 0; i < b->nsubjects; i++) {
		rsg_bind_id(lock, 0, &b->subject[i]->id);
		rsg_bind_id(fields, 0, &b->subject[i]->id);
	}
	for (uint16_t f = 1; f < RSG_POLICY_FIELDS; f++)
		if (rsg_policy_field_no(m->w->policy, f) != NULL)
			rsg_bind_int(fields, 1, f);
	rows = rsg_db_send(db, lock);
	values = rsg_db_send(db, fields);
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	b->fields_result = values;
	r = rsg_db_result(db, rows);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		rsg_result_id(r, row, 0, &id);
		for (size_t i = 0; i < b->nsubjects; i++)
			if (rsg_id_eq(&b->subject[i]->id, &id))
				rsg_person_row(b->subject[i], r, row, 1);
	}
	return RSG_OK;
}

/* --- Writing --- */

/* Written otherwise, yet the same by the index: a capital letter, say. */
static bool
same_index(const struct rsg_item *it, const struct rsg_intake_value *x,
    const struct rsg_value *v)
{
	uint8_t digest[RSG_DIGEST_LEN];
	struct rsg_buf form;
	bool same;

	rsg_buf_init(&form, RSG_VALUE_MAX);
	same = rsg_value_index(x->field, v->text, v->len, &form) == RSG_OK &&
	    rsg_vault_blind(it->batch->w, it->subject->controller, x->field->number,
	    form.p, form.len, digest) == RSG_OK &&
	    rsg_secret_equal(digest, x->digest, sizeof(digest));
	rsg_buf_free(&form);
	return same;
}

/* Keep only the values that differ from what is held. */
static enum rsg_err
only_changes(struct rsg_item *it, struct customer *u)
{
	struct rsg_value v;
	size_t kept = 0;

	for (size_t i = 0; i < u->in.n; i++) {
		const struct rsg_intake_value *x = &u->in.value[i];
		enum rsg_err e = rsg_item_value(it, x->field->number, &v);

		if (e != RSG_OK && e != RSG_NOT_FOUND)
			return e;
		if (e == RSG_OK ? x->text != NULL && v.len == x->len &&
		    memcmp(v.text, x->text, v.len) == 0 : x->text == NULL)
			continue;
		if (x == u->key && !same_index(it, x, &v))
			return RSG_TAMPERED;	/* the index led to somebody else */
		u->in.value[kept] = *x;
		u->in.number[kept++] = x->field->number;
	}
	u->in.n = kept;
	return RSG_OK;
}

/*
 * Has the ledger this very word already, or a later one? A yes without a date
 * may be older than anything: no word that is there gives way to it.
 */
static bool
known(const struct rsg_header *h, const struct rsg_consent *ev, bool dated)
{
	for (size_t i = 0; i < h->ngrants; i++) {
		if (h->grant[i].purpose != ev->purpose ||
		    h->grant[i].channel != ev->channel)
			continue;
		if (dated)
			return h->grant[i].since >= ev->time;
		return ev->status == RSG_STATUS_GIVEN || h->grant[i].status == ev->status;
	}
	return false;
}

/*
 * A word from before passes the same checks, before anything of its line is
 * written. What the ledger has already is passed over: *news says which not.
 */
static enum rsg_err
check_consents(struct import *m, struct rsg_item *it, struct customer *u,
    bool news[CONSENTS_MAX])
{
	struct rsg_header h = { .state = RSG_STATE_ACTIVE };
	struct rsg_asked who = { .state = RSG_STATE_ACTIVE, .imported = true,
	    .jurisdiction = u->jurisdiction, .language = u->language };
	uint16_t birth = rsg_consent_birth(m->w->policy);
	struct rsg_value v;
	struct rsg_said said;
	enum rsg_err e;

	if (u->found) {
		h = it->subject->h;
		who.jurisdiction = it->subject->h.jurisdiction;
		who.language = it->subject->h.language;
		if (birth != 0 && rsg_item_value(it, birth, &v) == RSG_OK) {
			who.birth = v.text;
			who.nbirth = v.len;
		}
	}
	for (size_t i = 0; i < u->in.n; i++)
		if (u->in.number[i] == birth && u->in.value[i].text != NULL) {
			who.birth = u->in.value[i].text;
			who.nbirth = u->in.value[i].len;
		}
	for (size_t i = 0; i < u->nconsents; i++) {
		news[i] = !u->found || !known(&h, &u->consent[i], u->dated[i]);
		if (!news[i])
			continue;
		u->changed = true;
		if ((e = rsg_consent_check(m->w, m->c, &u->consent[i], &who)) != RSG_OK)
			return e;
		if ((e = rsg_rules_apply(m->w->policy, &h, &u->consent[i], &said)) != RSG_OK)
			return rsg_call_fail(m->c, e, "consents", NULL);
	}
	return RSG_OK;
}

static enum rsg_err
write_customer(struct import *m, struct rsg_item *it, struct customer *u)
{
	bool news[CONSENTS_MAX] = { false };
	struct rsg_batch *b = it->batch;
	struct rsg_said said;
	enum rsg_err e;

	if (u->found) {
		if ((e = rsg_person_open(m->w->vault->keys, it->subject,
		    m->k->number)) != RSG_OK)
			return e;
		if (it->subject->h.state != RSG_STATE_ACTIVE)
			return RSG_SUBJECT_STATE;
		if ((e = only_changes(it, u)) != RSG_OK)
			return e;
	}
	u->changed = !u->found || u->in.n > 0;
	if ((e = check_consents(m, it, u, news)) != RSG_OK)
		return e;
	if (!u->found && (e = rsg_person_new(b, it, u->jurisdiction, u->language)) != RSG_OK)
		return e;
	if ((e = rsg_intake_stage(b, it->subject, &u->in)) != RSG_OK)
		return e;
	for (size_t i = 0; i < u->nconsents; i++)
		if (news[i] && (e = rsg_ledger_append(b, m->c, it->subject,
		    &u->consent[i], &said)) != RSG_OK)
			return e;
	return RSG_OK;
}

/* One entry for the page: how many, and a commitment for each that they alone
 * can recompute. */
static enum rsg_err
entry(struct import *m, struct rsg_batch *b, const struct customer *u, size_t n)
{
	struct rsg_draft *d = &m->c->draft;
	uint8_t leaf[PAGE][32], salt[RSG_KEY_LEN], commitment[32];
	size_t people = 0;
	enum rsg_err e;

	d->wrote = NULL;
	d->entry = rsg_entry_id(m->w->now);
	d->staged = false;
	for (size_t i = 0; i < n; i++) {
		const struct rsg_subject *s = b->item[i].subject;

		if (u[i].err != RSG_OK || s == NULL)
			continue;
		rsg_derive(s->keys.key[RSG_KEY_EVIDENCE], "audit-bulk", &d->entry, salt);
		rsg_blake2b(salt, (struct rsg_part[]){ { s->id.b, RSG_ID_LEN } }, 1, commitment);
		rsg_merkle_leaf(commitment, sizeof(commitment), leaf[people++]);
		if ((e = rsg_call_wrote_person(m->w, m->c, s)) != RSG_OK)
			return e;
	}
	rsg_secret_wipe(salt, sizeof(salt));
	d->people = (uint32_t)people;
	rsg_merkle_root(leaf, people, d->root);
	snprintf(d->basis, sizeof(d->basis), "%s", m->basis);
	return rsg_audit_stage(m->w, m->c);
}

/*
 * One page, in one transaction. RSG_OK: committed. RSG_CONFLICT and
 * RSG_BAD_VALUE: a line does not go; the caller tries them one by one.
 */
static enum rsg_err
page(struct import *m, struct customer *u, size_t n)
{
	struct rsg_worker *w = m->w;
	struct rsg_batch *b = w->batch;
	struct rsg_answer answer;
	enum rsg_err e;

	rsg_batch_begin(b, w, true);
	m->c->rated = true;
	if ((e = rsg_call_allowed(w, m->c, RSG_ACT_IMPORT, 0, NULL, 0, NULL,
	    &answer)) != RSG_OK)
		return e;
	for (size_t i = 0; i < n; i++) {
		b->item[i] = (struct rsg_item){ .call = m->c, .batch = b };
		if (u[i].err == RSG_OK && (e = read_customer(m, &u[i])) != RSG_OK)
			reject(m->c, &u[i], e);
	}
	if ((e = find(m, b, u, n)) != RSG_OK)
		goto done;
	for (size_t i = 0; i < n; i++) {
		if (u[i].err != RSG_OK)
			continue;
		b->staged = false;
		if ((e = write_customer(m, &b->item[i], &u[i])) == RSG_OK)
			continue;
		if (b->staged && n > 1)
			goto done;
		reject(m->c, &u[i], e);
		if (b->staged) {		/* alone, and half done: nothing of it */
			rsg_db_rollback(w->db);
			return RSG_OK;
		}
	}
	if ((e = entry(m, b, u, n)) == RSG_OK && (e = rsg_batch_write(b)) == RSG_OK)
		e = rsg_db_commit(w->db);
done:
	if (e != RSG_OK)
		rsg_db_rollback(w->db);
	return e;
}

/* --- The whole message --- */

static void
account(struct import *m, const struct customer *u)
{
	size_t mark;

	if (u->err == RSG_OK) {
		*(u->changed ? &m->accepted : &m->repeated) += 1;
		return;
	}
	mark = rsg_msg_open(&m->rejected, RSG_F_REJECTED);
	rsg_msg_int(&m->rejected, RSG_F_LINE, u->number);
	rsg_msg_text(&m->rejected, RSG_F_ERROR, rsg_err_id(u->err));
	if (u->member[0] != '\0')
		rsg_msg_text(&m->rejected, RSG_F_MEMBER, u->member);
	rsg_msg_close(&m->rejected, mark);
}

static void
start(struct customer *u, struct rsg_fields group, int64_t number)
{
	memset(u, 0, sizeof(*u));
	u->group = group;
	u->number = rsg_msg_get_int(group, RSG_F_LINE, number);
}

/* A page; and when one of its lines does not go, its lines one by one. */
static enum rsg_err
import_page(struct import *m, struct customer *u, size_t n)
{
	enum rsg_err e;

	rsg_worker_begin(m->w);
	e = page(m, u, n);
	for (size_t i = 0; (e == RSG_CONFLICT || e == RSG_BAD_VALUE) && i < n; i++) {
		enum rsg_err one;

		start(&u[i], u[i].group, u[i].number);
		rsg_worker_begin(m->w);
		one = page(m, &u[i], 1);
		if (one == RSG_CONFLICT || one == RSG_BAD_VALUE)
			u[i].err = one;
		else if (one != RSG_OK)
			return one;
		if (i + 1 == n)
			e = RSG_OK;
	}
	for (size_t i = 0; e == RSG_OK && i < n; i++)
		account(m, &u[i]);
	return e;
}

static enum rsg_err
read_import(struct import *m)
{
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	if ((e = rsg_admin_named(m->w, m->c, &m->k)) != RSG_OK)
		return e;
	(void)rsg_msg_get(m->c->in, RSG_F_FIELD, &p, &len);
	m->field = rsg_policy_field(m->w->policy, (const char *)p, len);
	if (m->field == NULL || !m->field->unique)
		return rsg_call_fail(m->c, RSG_UNKNOWN_FIELD, "field", NULL);
	(void)rsg_msg_get_text(m->c->in, RSG_F_BASIS, m->basis, sizeof(m->basis));
	return RSG_OK;
}

enum rsg_err
rsg_op_import_customers(struct rsg_worker *w, struct rsg_call *c)
{
	struct import m = { .w = w, .c = c };
	struct customer *u = calloc(PAGE, sizeof(*u));
	struct rsg_fields group;
	size_t pos = 0, n = 0;
	int64_t number = 0;
	bool more;
	enum rsg_err e;

	rsg_buf_init(&m.rejected, RSG_MSG_MAX);
	if (u == NULL)
		return RSG_NO_MEMORY;
	if ((e = read_import(&m)) != RSG_OK)
		goto done;
	do {
		more = rsg_msg_each(c->in, &pos, RSG_F_CUSTOMERS, &group);
		if (more)
			start(&u[n++], group, ++number);
		if (n == PAGE || (!more && n > 0)) {
			if ((e = import_page(&m, u, n)) != RSG_OK)
				goto done;
			n = 0;
		}
	} while (more);
	rsg_msg_int(&c->out, RSG_F_ACCEPTED, m.accepted);
	rsg_msg_int(&c->out, RSG_F_REPEATED, m.repeated);
	rsg_buf_put(&c->out, m.rejected.p, m.rejected.len);
	e = rsg_buf_err(&m.rejected) != RSG_OK ? RSG_TOO_LARGE : rsg_buf_err(&c->out);
done:
	rsg_secret_wipe(u, PAGE * sizeof(*u));
	free(u);
	rsg_buf_free(&m.rejected);
	return e;
}
