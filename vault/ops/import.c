/*
 * Customers in bulk. A page of lines is one transaction with one entry; each
 * line's person is found by one unique field, made when there is nobody, and
 * brought up to date when there is. Running a file twice changes nothing.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "ops/bulk.h"
#include "ops/consents.h"
#include "ops/fields.h"
#include "ops/ops.h"
#include "work/vault.h"

#define CONSENTS_MAX	32

/* One line on its way in. */
struct customer {
	struct rsg_intake in;
	struct rsg_consent consent[CONSENTS_MAX];
	bool dated[CONSENTS_MAX];	/* does the line say when? */
	size_t nconsents;
	char jurisdiction[8], language[8];
	const struct rsg_intake_value *key;	/* the unique value it is found by */
	bool found;
};

static struct customer *
customer(const struct rsg_bulk *m, size_t at)
{
	return (struct customer *)m->own + at;
}

static void
begin(struct rsg_bulk *m, size_t n)
{
	memset(m->own, 0, n * sizeof(struct customer));
}

/* --- Reading --- */

static enum rsg_err
read_consents(struct rsg_bulk *m, struct rsg_fields line, struct customer *u)
{
	struct rsg_fields group;
	size_t pos = 0;
	enum rsg_err e;

	while (rsg_msg_each(line, &pos, RSG_F_CONSENTS, &group)) {
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
read_customer(struct rsg_bulk *m, size_t at)
{
	struct rsg_fields line = m->line[at].group;
	struct customer *u = customer(m, at);
	enum rsg_err e;

	if ((e = rsg_intake_read(m->w, m->c, line, m->k->number, &u->in)) != RSG_OK ||
	    (e = read_consents(m, line, u)) != RSG_OK)
		return e;
	if (!rsg_msg_get_text(line, RSG_F_JURISDICTION, u->jurisdiction,
	    sizeof(u->jurisdiction)))
		snprintf(u->jurisdiction, sizeof(u->jurisdiction), "%.7s", m->k->jurisdiction);
	if (!rsg_policy_jurisdiction(m->w->policy, u->jurisdiction, strlen(u->jurisdiction)))
		return rsg_call_fail(m->c, RSG_BAD_VALUE, "jurisdiction", NULL);
	if (!rsg_msg_get_text(line, RSG_F_LANGUAGE, u->language, sizeof(u->language)))
		memcpy(u->language, "es", 3);
	for (size_t i = 0; i < u->in.n; i++)
		if (u->in.value[i].field == m->field && u->in.value[i].text != NULL)
			u->key = &u->in.value[i];
	if (u->key == NULL)
		return rsg_call_fail(m->c, RSG_MISSING_MEMBER, m->field->id, NULL);
	return RSG_OK;
}

/* --- Finding --- */

static const uint8_t *
digest(struct rsg_bulk *m, size_t at)
{
	return customer(m, at)->key->digest;
}

/* The first line whose person another line before it is about; n: none is. */
static size_t
second_of_somebody(struct rsg_bulk *m, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; m->line[i].err == RSG_OK && k < i; k++)
			if (m->line[k].err == RSG_OK &&
			    memcmp(digest(m, i), digest(m, k), RSG_DIGEST_LEN) == 0)
				return i;
	return n;
}

/*
 * The ids of those who are there already, and then their rows and values. The
 * second line of a person has to see what the first one made of them, whether
 * or not they were there before: it waits for the next page.
 */
static enum rsg_err
find(struct rsg_bulk *m, size_t n)
{
	struct rsg_batch *b = m->w->batch;
	const struct rsg_result *r;
	struct rsg_id id;
	enum rsg_err e;

	m->upto = n = second_of_somebody(m, n);
	if ((e = rsg_bulk_ids(m, n, digest, &r)) != RSG_OK)
		return e;
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t at = (size_t)rsg_result_int(r, row, 0) - 1;

		rsg_result_id(r, row, 1, &id);
		e = rsg_want_subject(&b->item[at], &id);
		if (e == RSG_BUSY) {	/* an index that nobody wrote: one by one tells whose */
			rsg_bulk_reject(m, at, RSG_CONFLICT);
			return RSG_CONFLICT;
		}
		if (e != RSG_OK)
			return e;
		customer(m, at)->found = true;
	}
	return rsg_bulk_people(m, NULL, NULL, 0);
}

/* --- Writing --- */

/*
 * An earlier line of the page took what this one gives up: it was not free
 * then. The page would let both through, line by line only the later.
 */
static enum rsg_err
check_given_up(struct rsg_bulk *m, size_t at, const struct rsg_fielddef *field,
    const struct rsg_value *v)
{
	uint8_t old[RSG_DIGEST_LEN];
	enum rsg_err e;

	if (!field->unique || at == 0)
		return RSG_OK;
	if ((e = rsg_bulk_digest(m, field, v->text, v->len, old)) != RSG_OK)
		return e;
	for (size_t i = 0; i < at; i++) {
		const struct rsg_intake *in = &customer(m, i)->in;

		for (size_t k = 0; m->line[i].err == RSG_OK && k < in->n; k++)
			if (in->value[k].field == field && in->value[k].text != NULL &&
			    memcmp(in->value[k].digest, old, sizeof(old)) == 0) {
				m->w->batch->staged = true;	/* all of it anew */
				return RSG_CONFLICT;
			}
	}
	return RSG_OK;
}

/* Keep only the values that differ from what is held. */
static enum rsg_err
only_changes(struct rsg_bulk *m, size_t at, struct customer *u)
{
	struct rsg_item *it = &m->w->batch->item[at];
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
		if (x == u->key && !rsg_bulk_same(m, x->digest, v.text, v.len))
			return RSG_TAMPERED;	/* the index led to somebody else */
		if (e == RSG_OK && (e = check_given_up(m, at, x->field, &v)) != RSG_OK)
			return e;
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
check_consents(struct rsg_bulk *m, struct rsg_item *it, struct customer *u,
    bool news[CONSENTS_MAX], bool *changed)
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
		*changed = true;
		if ((e = rsg_consent_check(m->w, m->c, &u->consent[i], &who)) != RSG_OK)
			return e;
		if ((e = rsg_rules_apply(m->w->policy, &h, &u->consent[i], &said)) != RSG_OK)
			return rsg_call_fail(m->c, e, "consents", NULL);
	}
	return RSG_OK;
}

/* A date of birth that says of somebody who is there that they are a child. */
static enum rsg_err
check_birth(struct rsg_bulk *m, size_t at)
{
	const struct customer *u = customer(m, at);
	uint16_t birth = rsg_consent_birth(m->w->policy);

	for (size_t i = 0; u->found && birth != 0 && i < u->in.n; i++)
		if (u->in.number[i] == birth && u->in.value[i].text != NULL)
			return rsg_consent_young(&m->w->batch->item[at],
			    u->in.value[i].text, u->in.value[i].len);
	return RSG_OK;
}

static enum rsg_err
write_customer(struct rsg_bulk *m, size_t at)
{
	struct rsg_item *it = &m->w->batch->item[at];
	struct customer *u = customer(m, at);
	bool *changed = &m->line[at].changed;
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
		if ((e = only_changes(m, at, u)) != RSG_OK)
			return e;
	}
	*changed = !u->found || u->in.n > 0;
	if ((e = check_consents(m, it, u, news, changed)) != RSG_OK)
		return e;
	if (!u->found && (e = rsg_person_new(b, it, u->jurisdiction, u->language)) != RSG_OK)
		return e;
	if ((e = check_birth(m, at)) != RSG_OK ||
	    (e = rsg_intake_stage(b, it->subject, &u->in)) != RSG_OK)
		return e;
	for (size_t i = 0; i < u->nconsents; i++)
		if (news[i] && (e = rsg_ledger_append(b, m->c, it->subject,
		    &u->consent[i], &said)) != RSG_OK)
			return e;
	return RSG_OK;
}

enum rsg_err
rsg_op_import_customers(struct rsg_worker *w, struct rsg_call *c)
{
	static const struct rsg_bulkdef customers = { .lines = RSG_F_CUSTOMERS,
	    .begin = begin, .read = read_customer, .find = find,
	    .write = write_customer };
	struct customer *own = calloc(RSG_BULK_PAGE, sizeof(*own));
	struct rsg_bulk m;
	enum rsg_err e;

	if (own == NULL)
		return RSG_NO_MEMORY;
	if ((e = rsg_bulk_open(&m, &customers, w, c, own)) == RSG_OK)
		e = rsg_bulk_run(&m);
	rsg_bulk_close(&m);
	rsg_secret_wipe(own, RSG_BULK_PAGE * sizeof(*own));
	free(own);
	return e;
}
