#include "ops/guardians.h"

#include <string.h>

#include "ops/relations.h"
#include "subject/person.h"
#include "work/vault.h"

enum { ROWS, FIELDS, RELATIONS };	/* of rsg_past.guardians */

void
rsg_guardian_read(struct rsg_past *p, size_t at)
{
	struct rsg_pastline *l = &p->line[at];
	const uint8_t *value;
	size_t n;

	l->spoken = rsg_msg_get(p->bulk.line[at].group, RSG_F_SPOKE, &value, &n) && n > 0;
	/* What is no value of the field is nobody's. */
	if (l->spoken && rsg_bulk_digest(&p->bulk, p->bulk.field, value, n,
	    l->speaker) != RSG_OK)
		memset(l->speaker, 0, sizeof(l->speaker));
}

int
rsg_guardians_seek(struct rsg_past *p, size_t n)
{
	struct rsg_bulk *m = &p->bulk;
	struct rsg_bind *q;
	size_t named = 0;

	for (size_t i = 0; i < n; i++)
		named += p->line[i].spoken;
	if (named == 0)
		return -1;
	q = rsg_db_bind(m->w->db, RSG_SQL_LOOKUP_IDS);
	/* Every line has its place, so that the answer tells which it is of. */
	for (size_t i = 0; i < n; i++) {
		rsg_bind_int(q, 0, m->k->number);
		rsg_bind_int(q, 1, m->field->number);
		rsg_bind_bytes(q, 2, p->line[i].speaker, RSG_DIGEST_LEN);
	}
	return rsg_db_send(m->w->db, q);
}

void
rsg_guardians_ask(struct rsg_past *p, size_t n, int sought)
{
	struct rsg_db *db = p->bulk.w->db;
	const struct rsg_result *r;
	struct rsg_bind *rows, *fields, *relations;

	for (size_t i = 0; i < 3; i++)
		p->guardians[i] = -1;
	if (sought < 0 || p->npeople == 0)
		return;
	r = rsg_db_result(db, sought);
	for (int row = 0; row < rsg_result_rows(r); row++)
		rsg_result_id(r, row, 1,
		    &p->line[(size_t)rsg_result_int(r, row, 0) - 1].by);
	rows = rsg_db_bind(db, RSG_SQL_SUBJECTS);
	fields = rsg_db_bind(db, RSG_SQL_FIELDS);
	relations = rsg_db_bind(db, RSG_SQL_RELATIONS_MANY);
	rsg_bind_int(fields, 1, p->bulk.field->number);
	for (size_t i = 0; i < n; i++) {
		const struct rsg_pastline *l = &p->line[i];

		rsg_bind_id(rows, 0, &l->by);
		rsg_bind_id(fields, 0, &l->by);
		rsg_bind_id(relations, 0, l->who == NULL ? &l->by :
		    &l->who->subject->id);
		rsg_bind_id(relations, 1, &l->by);
	}
	p->guardians[ROWS] = rsg_db_send(db, rows);
	p->guardians[FIELDS] = rsg_db_send(db, fields);
	p->guardians[RELATIONS] = rsg_db_send(db, relations);
}

/* The sealed value that the index is believed by. */
static enum rsg_err
check_value(struct rsg_past *p, const struct rsg_pastline *l, const struct rsg_subject *s)
{
	uint16_t field = p->bulk.field->number;
	const struct rsg_result *r = rsg_db_result(p->bulk.w->db, p->guardians[FIELDS]);
	const uint8_t *sealed;
	struct rsg_value v;
	struct rsg_id id;
	size_t len;
	enum rsg_err e;

	for (int row = 0; row < rsg_result_rows(r); row++) {
		rsg_result_id(r, row, 0, &id);
		if (!rsg_id_eq(&id, &l->by))
			continue;
		sealed = rsg_result_bytes(r, row, 3, &len);
		e = rsg_person_value(p->bulk.w->arena, s, field,
		    (uint32_t)rsg_result_int(r, row, 2), sealed, len, &v);
		if (e != RSG_OK)
			return e == RSG_NOT_FOUND ? RSG_TAMPERED : e;
		return rsg_bulk_same(&p->bulk, l->speaker, v.text, v.len) ? RSG_OK :
		    RSG_TAMPERED;
	}
	return RSG_TAMPERED;
}

static enum rsg_err
check_person(struct rsg_past *p, const struct rsg_pastline *l)
{
	struct rsg_worker *w = p->bulk.w;
	const struct rsg_result *r = rsg_db_result(w->db, p->guardians[ROWS]);
	struct rsg_subject s;
	enum rsg_err e;

	memset(&s, 0, sizeof(s));
	for (int row = 0; row < rsg_result_rows(r) && !s.found; row++) {
		rsg_result_id(r, row, 0, &s.id);
		if (!rsg_id_eq(&s.id, &l->by))
			continue;
		rsg_person_row(&s, r, row, 1);
		rsg_person_heads(&s, r, row, 7);
	}
	if ((e = rsg_person_open(w->vault->keys, &s, p->bulk.k->number)) == RSG_OK)
		e = s.h.state == RSG_STATE_ERASED ? RSG_NOT_FOUND : check_value(p, l, &s);
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}

enum rsg_err
rsg_guardian_of(struct rsg_past *p, size_t at, struct rsg_id *id, unsigned *relations)
{
	const struct rsg_pastline *l = &p->line[at];
	const struct rsg_keyring *keys = p->bulk.w->vault->keys;
	const struct rsg_result *r;
	enum rsg_err e;

	*relations = 0;
	memset(id, 0, sizeof(*id));
	if (p->guardians[ROWS] < 0 || rsg_id_nil(&l->by))
		return RSG_NOT_FOUND;
	if (rsg_id_eq(&l->by, &l->who->subject->id))
		return RSG_BAD_VALUE;
	if ((e = check_person(p, l)) != RSG_OK)
		return e;
	r = rsg_db_result(p->bulk.w->db, p->guardians[RELATIONS]);
	for (int row = 0; row < rsg_result_rows(r) && e == RSG_OK; row++)
		if (rsg_result_int(r, row, 0) == (int64_t)at + 1)
			e = rsg_relations_row(keys, &l->who->subject->id, &l->by, r, row,
			    1, relations);
	if (e == RSG_OK)
		*id = l->by;
	return e;
}
