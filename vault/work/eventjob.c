#include <stdlib.h>
#include <string.h>

#include "resguardo/clock.h"
#include "segment/zone.h"
#include "subject/money.h"
#include "subject/person.h"
#include "work/eventjob.h"
#include "work/vault.h"

/* --- Reading messages into lines --- */

static const struct { enum rsg_field field; enum rsg_event_text text; } texts[] = {
	{ RSG_F_CATEGORY, RSG_EV_CATEGORY }, { RSG_F_STORE, RSG_EV_STORE },
	{ RSG_F_CHANNEL, RSG_EV_CHANNEL }, { RSG_F_PAYMENT, RSG_EV_PAYMENT },
	{ RSG_F_DOCUMENT, RSG_EV_DOCUMENT }, { RSG_F_ITEM, RSG_EV_ITEM },
	{ RSG_F_ORIGIN, RSG_EV_ORIGIN },
};

static void
reject(struct line *l, enum rsg_err e, const char *member)
{
	if (l->err == RSG_OK) {
		l->err = e;
		l->member = member;
	}
}

static void
read_amount(struct line *l, const struct rsg_controller *k, struct rsg_fields f,
    enum rsg_field field, int64_t *out)
{
	const uint8_t *p;
	size_t len;

	if (!rsg_msg_get(f, field, &p, &len))
		return;
	if (rsg_money_parse((const char *)p, len, k->currency, false, out) != RSG_OK ||
	    *out < 0)
		reject(l, RSG_BAD_VALUE, rsg_msg_field(field)->json);
}

/* The kind says whether there is an amount; its sign is the kind's. */
static void
read_kind(struct job *j, struct line *l, struct rsg_fields f)
{
	const struct rsg_kinddef *def = NULL;
	const uint8_t *p;
	size_t len;

	(void)rsg_msg_get(f, RSG_F_KIND, &p, &len);
	if (!rsg_policy_kind(j->w->policy, (const char *)p, len, &l->ev.kind)) {
		reject(l, RSG_BAD_VALUE, "kind");
		return;
	}
	for (size_t i = 0; (def = rsg_policy_kind_at(j->w->policy, i)) != NULL; i++)
		if (def->number == l->ev.kind)
			break;
	if (def == NULL || (def->amount == RSG_SIGN_NONE) == rsg_msg_has(f, RSG_F_AMOUNT))
		reject(l, def != NULL && def->amount == RSG_SIGN_NONE ?
		    RSG_BAD_VALUE : RSG_MISSING_MEMBER, "amount");
}

static void
read_event(struct job *j, struct line *l, struct rsg_fields f)
{
	const struct rsg_controller *k = j->controller[l->call];
	const uint8_t *p;
	size_t len;

	read_kind(j, l, f);
	l->ev.time = rsg_msg_get_int(f, RSG_F_TIME, 0);
	if (l->ev.time > j->w->now + RSG_DAY_US)
		reject(l, RSG_BAD_VALUE, "time");
	read_amount(l, k, f, RSG_F_AMOUNT, &l->ev.amount);
	read_amount(l, k, f, RSG_F_COST, &l->ev.cost);
	memcpy(l->ev.currency, k->currency, 4);
	if (rsg_msg_get(f, RSG_F_CURRENCY, &p, &len) &&
	    (len != 3 || memcmp(p, k->currency, 3) != 0))
		reject(l, RSG_BAD_VALUE, "currency");
	l->ev.quantity = rsg_msg_get_int(f, RSG_F_QUANTITY, 0);
	l->ordinal_given = rsg_msg_has(f, RSG_F_ORDINAL);
	l->ev.ordinal = (uint32_t)rsg_msg_get_int(f, RSG_F_ORDINAL, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (rsg_msg_get(f, texts[i].field, &p, &len)) {
			l->ev.text[texts[i].text].p = (const char *)p;
			l->ev.text[texts[i].text].len = len;
		}
	l->day = rsg_zone_day(k->zone, l->ev.time);
}

/*
 * What stands once in a message and counts for all its lines: looked for once,
 * because looking for what is not there walks over every line.
 */
struct head {
	bool about;
	struct rsg_id subject;
	const uint8_t *key;		/* the Idempotency-Key, or NULL */
	size_t nkey;
};

/*
 * A line that says nothing of where it stands (no document, no origin, no
 * ordinal) is new each time, unless the whole request is a repeated one.
 */
static void
read_chance(struct job *j, struct line *l, const struct head *h, size_t index)
{
	uint8_t n[4], digest[32];
	struct rsg_id id;

	l->by_chance = !l->ordinal_given && l->ev.text[RSG_EV_DOCUMENT].len == 0 &&
	    l->ev.text[RSG_EV_ORIGIN].len == 0;
	if (!l->by_chance)
		return;
	if (h->key != NULL) {
		rsg_be32(n, (uint32_t)index);
		rsg_blake2b(NULL, (struct rsg_part[]){
		    { j->call[l->call]->actor.credential.b, RSG_ID_LEN },
		    { h->key, h->nkey }, { n, sizeof(n) } }, 3, digest);
		memcpy(l->chance, digest, RSG_ID_LEN);
	} else {
		id = rsg_id_new();
		memcpy(l->chance, id.b, RSG_ID_LEN);
	}
}

/* --- An index over fixed places: refs first, people after --- */

static uint32_t *
slot(struct job *j, const uint8_t key[8])
{
	return &j->slot[rsg_get64(key) % j->nslots];
}

static uint32_t *
next_slot(struct job *j, uint32_t *s)
{
	return ++s == j->slot + j->nslots ? j->slot : s;
}

static bool
same_ref(const struct ref *a, const struct ref *b)
{
	return a->field == b->field && a->controller == b->controller &&
	    (a->field == 0 ? rsg_id_eq(&a->id, &b->id) :
	    memcmp(a->digest, b->digest, RSG_DIGEST_LEN) == 0);
}

static uint32_t
add_ref(struct job *j, const struct ref *r)
{
	uint32_t *s;

	for (s = slot(j, r->field == 0 ? r->id.b : r->digest); *s != 0; s = next_slot(j, s))
		if (same_ref(&j->ref[*s - 1], r))
			return *s - 1;
	j->ref[j->nrefs] = *r;
	*s = (uint32_t)++j->nrefs;
	return *s - 1;
}

static void
read_ref(struct job *j, struct line *l, const struct head *h, struct rsg_fields f)
{
	struct rsg_call *c = j->call[l->call];
	const struct rsg_fielddef *fd;
	struct ref r = { .controller = c->actor.controller, .who = NOBODY };
	const uint8_t *name, *value;
	size_t nname, nvalue;
	struct rsg_buf form;
	enum rsg_err e;

	if (h->about)
		r.id = h->subject;
	if (h->about || rsg_msg_get_id(f, RSG_F_SUBJECT, &r.id)) {
		l->ref = add_ref(j, &r);
		return;
	}
	if (!rsg_msg_get(f, RSG_F_LOOKUP_FIELD, &name, &nname) ||
	    !rsg_msg_get(f, RSG_F_LOOKUP_VALUE, &value, &nvalue)) {
		reject(l, RSG_MISSING_MEMBER, "subject");
		return;
	}
	fd = rsg_policy_field(j->w->policy, (const char *)name, nname);
	if (fd == NULL || !fd->unique) {
		reject(l, RSG_UNKNOWN_FIELD, "lookup_field");
		return;
	}
	rsg_buf_init(&form, RSG_VALUE_MAX);
	r.field = fd->number;
	if ((e = rsg_value_index(fd, (const char *)value, nvalue, &form)) == RSG_OK)
		e = rsg_vault_blind(j->w, r.controller, r.field, form.p, form.len, r.digest);
	rsg_buf_free(&form);
	if (e != RSG_OK)
		reject(l, e, "lookup_value");
	else
		l->ref = add_ref(j, &r);
}

/* Who answers for the data: the credential's controller, or the import's. */
static enum rsg_err
call_controller(struct job *j, uint32_t i)
{
	struct rsg_call *c = j->call[i];
	char name[65];

	if (c->socket == RSG_SOCKET_ADMIN) {
		(void)rsg_msg_get_text(c->in, RSG_F_CONTROLLER, name, sizeof(name));
		j->controller[i] = rsg_vault_controller_named(j->w->vault, name);
		if (j->controller[i] == NULL)
			return rsg_call_fail(c, RSG_NOT_FOUND, "controller", NULL);
		c->actor.controller = j->controller[i]->number;
		return RSG_OK;
	}
	j->controller[i] = rsg_vault_controller(j->w->vault, c->actor.controller);
	if (j->controller[i] == NULL)
		return rsg_call_fail(c, RSG_UNAVAILABLE, NULL, NULL);
	return rsg_call_purpose(j->w, c, RSG_ACT_EVENT_WRITE, &j->purpose[i]);
}

static void
read_call(struct job *j, uint32_t i)
{
	struct rsg_call *c = j->call[i];
	struct head h = { 0 };
	struct rsg_fields f;
	size_t pos = 0, n = 0;

	if (c->status != RSG_OK || call_controller(j, i) != RSG_OK)
		return;
	h.about = rsg_msg_get_id(c->in, RSG_F_SUBJECT, &h.subject);
	if (!rsg_msg_get(c->in, RSG_F_IDEMPOTENCY, &h.key, &h.nkey))
		h.key = NULL;
	while (rsg_msg_each(c->in, &pos, RSG_F_EVENTS, &f)) {
		struct line *l = &j->line[j->nlines++];

		l->call = i;
		l->ref = l->who = NOBODY;
		l->number = rsg_msg_get_int(f, RSG_F_LINE, (int64_t)++n);
		read_event(j, l, f);
		read_chance(j, l, &h, n);
		read_ref(j, l, &h, f);
	}
}

static size_t
count_lines(struct rsg_call **calls, size_t n)
{
	struct rsg_fields f;
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t pos = 0; rsg_msg_each(calls[i]->in, &pos, RSG_F_EVENTS, &f); )
			total++;
	return total;
}

enum rsg_err
rsg_job_new(struct rsg_worker *w, struct rsg_call **calls, size_t n, struct job **out)
{
	struct job *j = calloc(1, sizeof(*j));
	size_t lines = count_lines(calls, n) + 1;

	*out = j;
	if (j == NULL)
		return RSG_NO_MEMORY;
	j->w = w;
	j->call = calls;
	j->ncalls = n;
	j->nslots = 2 * lines + 1;
	j->line = calloc(lines, sizeof(*j->line));
	j->good = calloc(lines, sizeof(struct line *));
	j->ref = calloc(lines, sizeof(*j->ref));
	j->slot = calloc(j->nslots, sizeof(*j->slot));
	/* People hold keys: they stand in locked memory. */
	j->who = rsg_secret_alloc(lines * sizeof(*j->who));
	if (j->line == NULL || j->good == NULL || j->ref == NULL ||
	    j->slot == NULL || j->who == NULL)
		return RSG_NO_MEMORY;
	for (uint32_t i = 0; i < n; i++)
		read_call(j, i);
	return RSG_OK;
}

void
rsg_job_free(struct job *j)
{
	if (j == NULL)
		return;
	if (j->line != NULL)
		rsg_secret_wipe(j->line, j->nlines * sizeof(*j->line));
	free(j->line);
	free(j->good);
	free(j->ref);
	free(j->slot);
	rsg_secret_free(j->who);
	free(j);
}

/* --- People --- */

static uint32_t
add_who(struct job *j, const struct rsg_id *id, uint32_t controller)
{
	uint32_t *s;

	for (s = slot(j, id->b); *s != 0; s = next_slot(j, s))
		if (rsg_id_eq(&j->who[*s - 1].id, id))
			return *s - 1;
	j->who[j->nwhos] = (struct who){ .id = *id, .controller = controller,
	    .row = -1, .err = RSG_NOT_FOUND };
	*s = (uint32_t)++j->nwhos;
	return *s - 1;
}

enum rsg_err
rsg_job_whos(struct job *j, const struct rsg_result *hits)
{
	struct rsg_id id;

	memset(j->slot, 0, j->nslots * sizeof(*j->slot));
	for (size_t i = 0; i < j->nrefs; i++)
		if (j->ref[i].field == 0)
			j->ref[i].who = add_who(j, &j->ref[i].id, j->ref[i].controller);
	for (int row = 0; hits != NULL && row < rsg_result_rows(hits); row++) {
		int64_t place = rsg_result_int(hits, row, 0);

		rsg_result_id(hits, row, 1, &id);
		/* Places were given in the order of refs, skipping some. */
		for (size_t i = (size_t)place - 1; i < j->nrefs; i++)
			if (j->ref[i].place == place) {
				j->ref[i].who = add_who(j, &id, j->ref[i].controller);
				break;
			}
	}
	for (size_t i = 0; i < j->nlines; i++) {
		struct line *l = &j->line[i];

		if (j->call[l->call]->status != RSG_OK)
			reject(l, j->call[l->call]->status, NULL);
		if (l->ref != NOBODY)
			l->who = j->ref[l->ref].who;
		if (l->who == NOBODY)
			reject(l, RSG_NOT_FOUND, "subject");
	}
	return RSG_OK;
}

static enum rsg_err
open_who(struct job *j, struct who *p, const struct rsg_result *r, int row)
{
	struct rsg_subject s;
	enum rsg_err e;

	memset(&s, 0, sizeof(s));
	s.id = p->id;
	rsg_person_row(&s, r, row, 1);
	if ((e = rsg_person_open(j->w->vault->keys, &s, p->controller)) == RSG_OK) {
		p->row = row;
		p->state = s.h.state;
		p->blank = s.h.activity_version == 0;
		p->keys = s.keys;
		p->ngrants = s.h.ngrants;
		p->grant = rsg_arena_get(j->w->arena, (p->ngrants + 1) * sizeof(*p->grant));
		if (p->grant == NULL)
			e = RSG_NO_MEMORY;
		else
			memcpy(p->grant, s.h.grant, p->ngrants * sizeof(*p->grant));
	}
	rsg_secret_wipe(&s, sizeof(s));
	p->err = e;
	return e == RSG_NO_MEMORY ? e : RSG_OK;
}

/* Does the person's sealed value give the digest that led to them? */
static bool
agrees(struct job *j, const struct ref *r, struct who *p, const struct rsg_result *fields)
{
	uint8_t digest[RSG_DIGEST_LEN];
	struct rsg_subject s;
	struct rsg_value v;
	struct rsg_buf form;
	const uint8_t *sealed;
	struct rsg_id id;
	size_t len;
	bool ok = false;

	memset(&s, 0, sizeof(s));
	s.id = p->id;
	rsg_person_row(&s, j->people, p->row, 1);
	rsg_buf_init(&form, RSG_VALUE_MAX);
	/* Rows come by person, mostly in the order asked: begin near our own. */
	for (int k = 0, n = rsg_result_rows(fields); k < n; k++) {
		int row = (int)((r->who + (uint32_t)k) % (uint32_t)n);

		rsg_result_id(fields, row, 0, &id);
		if (!rsg_id_eq(&id, &p->id) || rsg_result_int(fields, row, 1) != r->field)
			continue;
		sealed = rsg_result_bytes(fields, row, 3, &len);
		ok = rsg_person_open(j->w->vault->keys, &s, p->controller) == RSG_OK &&
		    rsg_person_value(j->w->arena, &s, r->field,
		    (uint32_t)rsg_result_int(fields, row, 2), sealed, len, &v) == RSG_OK &&
		    rsg_value_index(rsg_policy_field_no(j->w->policy, r->field),
		    v.text, v.len, &form) == RSG_OK &&
		    rsg_vault_blind(j->w, r->controller, r->field, form.p, form.len,
		    digest) == RSG_OK && rsg_secret_equal(digest, r->digest, sizeof(digest));
		break;
	}
	rsg_buf_free(&form);
	rsg_secret_wipe(&s, sizeof(s));
	return ok;
}

enum rsg_err
rsg_job_open(struct job *j, const struct rsg_result *people,
    const struct rsg_result *fields)
{
	struct rsg_id id;
	enum rsg_err e;

	j->people = people;
	for (int row = 0; row < rsg_result_rows(people); row++) {
		uint32_t *s;

		rsg_result_id(people, row, 0, &id);
		for (s = slot(j, id.b); *s != 0; s = next_slot(j, s))
			if (rsg_id_eq(&j->who[*s - 1].id, &id)) {
				if ((e = open_who(j, &j->who[*s - 1], people, row)) != RSG_OK)
					return e;
				break;
			}
	}
	for (size_t i = 0; i < j->nrefs; i++) {
		struct ref *r = &j->ref[i];

		if (r->field == 0 || r->who == NOBODY || j->who[r->who].err != RSG_OK)
			continue;
		if (fields == NULL || !agrees(j, r, &j->who[r->who], fields))
			j->who[r->who].err = RSG_TAMPERED;
	}
	return RSG_OK;
}
