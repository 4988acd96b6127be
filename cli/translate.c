#include <stdio.h>
#include <string.h>

#include "cli/amount.h"
#include "cli/translate.h"
#include "resguardo/msg.h"
#include "seal/seal.h"

#define MEDIA_TEXT	65

/* One record on its way; the first fault sticks. */
struct work {
	const struct rsg_mapping *m;
	const struct rsg_record *rec;
	struct rsg_buf *b;
	struct rsg_reject *reject, *note;
	struct rsg_folder *folder;
	enum rsg_err e;
};

/* A cell's text without the blanks around it. */
struct span {
	const char *p;
	size_t len;
};

void
rsg_translate_reject(struct rsg_reject *r, int64_t line, const char *reason,
    const char *member)
{
	r->line = line;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	snprintf(r->member, sizeof(r->member), "%s", member != NULL ? member : "");
}

static void
refuse(struct work *w, const char *reason, const char *member)
{
	if (w->e != RSG_OK)
		return;
	rsg_translate_reject(w->reject, w->rec->line, reason, member);
	w->e = RSG_BAD_VALUE;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What a cell holds; empty where there is none. False: no such value listed. */
static bool
look(const struct rsg_record *rec, const struct rsg_cell *c, struct span *s)
{
	const struct rsg_json *v;
	char key[128];

	s->p = "";
	s->len = 0;
	if (c->constant != NULL) {
		s->p = c->constant;
		s->len = strlen(c->constant);
	} else if (c->column != NULL) {
		s->p = rec->cell[c->at];
		s->len = rec->len[c->at];
	}
	for (; s->len > 0 && blank(*s->p); s->p++)
		s->len--;
	while (s->len > 0 && blank(s->p[s->len - 1]))
		s->len--;
	if (c->values == NULL || s->len == 0)
		return true;
	/* A listed value stands for the cell; "" in the list leaves it out. */
	if (s->len >= sizeof(key))
		return false;
	memcpy(key, s->p, s->len);
	key[s->len] = '\0';
	if ((v = rsg_json_get(c->values, key)) == NULL)
		return false;
	s->p = rsg_json_string(v, &s->len);
	return true;
}

/* Put a text or a name, if the message takes it so. */
static void
put(struct work *w, enum rsg_field field, struct span s, const char *member)
{
	const struct rsg_fieldinfo *info = rsg_msg_field(field);
	const uint8_t *p = (const uint8_t *)s.p;

	if (s.len > info->max)
		refuse(w, "too-large", member);
	else if (info->type == RSG_T_NAME ? !rsg_msg_name(p, s.len) :
	    !rsg_msg_utf8(p, s.len))
		refuse(w, "bad-value", member);
	else
		rsg_msg_bytes(w->b, field, s.p, s.len);
}

/* A cell as it is, if there is something in it. */
static void
put_cell(struct work *w, enum rsg_field field, const struct rsg_cell *c)
{
	const char *member = rsg_msg_field(field)->json;
	struct span s;

	if (!look(w->rec, c, &s))
		refuse(w, "bad-value", member);
	else if (s.len > 0)
		put(w, field, s, member);
}

static void
put_moment(struct work *w, enum rsg_field field, const struct rsg_moment *m,
    bool needed)
{
	const char *member = rsg_msg_field(field)->json;
	struct span s;
	int64_t us;

	(void)look(w->rec, &m->cell, &s);
	if (s.len == 0) {
		if (needed)
			refuse(w, "missing-member", member);
	} else if (!rsg_when_parse(m->form, s.p, s.len, &us))
		refuse(w, "bad-value", member);
	else
		rsg_msg_int(w->b, field, us);
}

static bool
decimal(struct work *w, const struct rsg_cell *c, struct rsg_decimal *d,
    const char *member)
{
	struct span s;

	(void)look(w->rec, c, &s);
	if (s.len == 0) {
		refuse(w, "missing-member", member);
		return false;
	}
	if (!rsg_amount_parse(s.p, s.len, w->m->decimal, d)) {
		refuse(w, "bad-value", member);
		return false;
	}
	return true;
}

/* A whole number, if there is something in the cell. */
static void
put_whole(struct work *w, enum rsg_field field, const struct rsg_cell *c, bool negate)
{
	const char *member = rsg_msg_field(field)->json;
	struct rsg_decimal d;
	struct span s;

	(void)look(w->rec, c, &s);
	if (s.len == 0 || !decimal(w, c, &d, member))
		return;
	for (; d.scale > 0 && d.n % 10 == 0; d.scale--)
		d.n /= 10;
	if (d.scale > 0)
		refuse(w, "bad-value", member);
	else
		rsg_msg_int(w->b, field, (int64_t)(negate ? -d.n : d.n));
}

/* --- Events --- */

static bool
fits(const struct rsg_rule *r, struct span s)
{
	size_t n;

	if (r->equals != NULL)
		return s.len == strlen(r->equals) && memcmp(s.p, r->equals, s.len) == 0;
	n = strlen(r->prefix);
	return s.len >= n && memcmp(s.p, r->prefix, n) == 0;
}

/* What kind of event the line is; false when the mapping refuses it. */
static bool
kind(struct work *w, const char **name, bool *negate)
{
	struct span s;

	*negate = false;
	*name = w->m->kind;
	(void)look(w->rec, &w->m->kind_cell, &s);
	for (size_t i = 0; i < w->m->nrules; i++) {
		const struct rsg_rule *r = &w->m->rule[i];

		if (!fits(r, s))
			continue;
		if (r->reject != NULL) {
			refuse(w, r->reject, NULL);
			return false;
		}
		*name = r->kind;
		*negate = r->negate;
		return true;
	}
	if (*name == NULL)
		refuse(w, "no-rule", "kind");
	return *name != NULL;
}

static void
put_decimal(struct work *w, enum rsg_field field, struct rsg_decimal d)
{
	char text[RSG_AMOUNT_TEXT];

	if (!rsg_amount_text(d, rsg_amount_digits(w->m->currency), text))
		refuse(w, "bad-value", rsg_msg_field(field)->json);
	else
		rsg_msg_text(w->b, field, text);
}

static void
amount(struct work *w, bool negate)
{
	struct rsg_decimal d, factor;

	if (w->m->nfactors == 0)
		return;
	if (!decimal(w, &w->m->factor[0], &d, "amount"))
		return;
	for (size_t i = 1; i < w->m->nfactors; i++) {
		if (!decimal(w, &w->m->factor[i], &factor, "amount"))
			return;
		d = rsg_amount_product(d, factor);
	}
	if (negate)
		d.n = -d.n;
	put_decimal(w, RSG_F_AMOUNT, d);
	rsg_msg_text(w->b, RSG_F_CURRENCY, w->m->currency);
}

static void
cost(struct work *w)
{
	struct rsg_decimal d;
	struct span s;

	(void)look(w->rec, &w->m->cost, &s);
	if (s.len == 0 || w->m->currency == NULL)
		return;
	if (decimal(w, &w->m->cost, &d, "cost"))
		put_decimal(w, RSG_F_COST, d);
}

bool
rsg_translate_person(const struct rsg_mapping *m, const struct rsg_record *rec,
    const char **p, size_t *len)
{
	struct span s;

	(void)look(rec, &m->person, &s);
	*p = s.p;
	*len = s.len;
	return s.len > 0;
}

/* How many events of this file are equal to what was put since `from`? */
static enum rsg_err
count(struct work *w, struct rsg_ordinal *met, size_t from)
{
	struct rsg_part part = { w->b->p + from, w->b->len - from };
	uint8_t digest[RSG_DIGEST_LEN];
	int64_t before;
	enum rsg_err e;

	rsg_blake2b(NULL, &part, 1, digest);
	e = rsg_ordinal_count(met, digest, &before);
	if (e == RSG_OK)
		rsg_msg_int(w->b, RSG_F_ORDINAL, before);
	return e;
}

static void
event(struct work *w, const char *origin, struct rsg_ordinal *met, size_t from)
{
	const struct rsg_mapping *m = w->m;
	struct span person, name;
	bool negate;

	/* The kind first: what is no sale is told so, whoever's it is. */
	if (!kind(w, &name.p, &negate))
		return;
	if (!rsg_translate_person(m, w->rec, &person.p, &person.len)) {
		refuse(w, "missing-person", m->person_field);
		return;
	}
	name.len = strlen(name.p);
	rsg_msg_text(w->b, RSG_F_LOOKUP_FIELD, m->person_field);
	put(w, RSG_F_LOOKUP_VALUE, person, m->person_field);
	put(w, RSG_F_KIND, name, "kind");
	put_moment(w, RSG_F_TIME, &m->time, true);
	amount(w, negate);
	cost(w);
	put_whole(w, RSG_F_QUANTITY, &m->quantity, negate);
	put_cell(w, RSG_F_CATEGORY, &m->category);
	put_cell(w, RSG_F_STORE, &m->store);
	put_cell(w, RSG_F_CHANNEL, &m->channel);
	put_cell(w, RSG_F_PAYMENT, &m->payment);
	put_cell(w, RSG_F_DOCUMENT, &m->document);
	put_cell(w, RSG_F_ITEM, &m->item);
	if (w->e == RSG_OK && rsg_buf_ok(w->b))
		w->e = count(w, met, from);
	rsg_msg_text(w->b, RSG_F_ORIGIN, origin);
	rsg_msg_int(w->b, RSG_F_LINE, w->rec->line);
}

enum rsg_err
rsg_translate_event(const struct rsg_mapping *m, const struct rsg_record *rec,
    const char *origin, struct rsg_ordinal *met, struct rsg_buf *b,
    struct rsg_reject *reject)
{
	struct work w = { .m = m, .rec = rec, .b = b, .reject = reject };
	size_t before = b->len, mark;

	mark = rsg_msg_open(b, RSG_F_EVENTS);
	event(&w, origin, met, b->len);
	if (w.e == RSG_OK)
		rsg_msg_close(b, mark);
	else
		b->len = before;
	return w.e;
}

/* --- Customers --- */

static void
value(struct work *w, const char *field, const struct rsg_cell *c)
{
	size_t mark;
	struct span s;

	if (!look(w->rec, c, &s))
		refuse(w, "bad-value", field);
	if (w->e != RSG_OK || s.len == 0)
		return;
	mark = rsg_msg_open(w->b, RSG_F_VALUES);
	rsg_msg_text(w->b, RSG_F_KEY, field);
	put(w, RSG_F_VALUE, s, field);
	rsg_msg_close(w->b, mark);
}

static bool
listed(const struct rsg_json *list, struct span s)
{
	const char *p;
	size_t n;

	for (size_t i = 0; list != NULL && i < rsg_json_size(list); i++) {
		p = rsg_json_string(rsg_json_at(list, i), &n);
		if (n == s.len && memcmp(p, s.p, n) == 0)
			return true;
	}
	return false;
}

/*
 * What the person said, where the cell says it. An empty cell is silence, and
 * silence is not consent; a cell that means nothing refuses the line.
 */
static void
consent(struct work *w, const struct rsg_mapped_consent *c)
{
	const char *decision;
	size_t mark;
	struct span s;

	(void)look(w->rec, &c->cell, &s);
	if (w->e != RSG_OK || s.len == 0)
		return;
	if (listed(c->give, s))
		decision = "give";
	else if (listed(c->refuse, s))
		decision = "refuse";
	else if (listed(c->withdraw, s))
		decision = "withdraw";
	else {
		refuse(w, "bad-value", c->purpose);
		return;
	}
	mark = rsg_msg_open(w->b, RSG_F_CONSENTS);
	rsg_msg_text(w->b, RSG_F_PURPOSE, c->purpose);
	if (c->channel != NULL)
		rsg_msg_text(w->b, RSG_F_CHANNEL, c->channel);
	rsg_msg_text(w->b, RSG_F_DECISION, decision);
	if (c->notice != NULL)
		rsg_msg_text(w->b, RSG_F_NOTICE, c->notice);
	if (c->notice_version > 0)
		rsg_msg_int(w->b, RSG_F_NOTICE_VERSION, c->notice_version);
	if (c->language != NULL)
		rsg_msg_text(w->b, RSG_F_LANGUAGE, c->language);
	if (c->evidence != NULL)
		rsg_msg_text(w->b, RSG_F_EVIDENCE, c->evidence);
	if (c->method != NULL)
		rsg_msg_text(w->b, RSG_F_METHOD, c->method);
	put_moment(w, RSG_F_TIME, &c->time, false);
	rsg_msg_close(w->b, mark);
}

enum rsg_err
rsg_translate_customer(const struct rsg_mapping *m, const struct rsg_record *rec,
    struct rsg_buf *b, struct rsg_reject *reject)
{
	struct work w = { .m = m, .rec = rec, .b = b, .reject = reject };
	size_t before = b->len, mark;

	mark = rsg_msg_open(b, RSG_F_CUSTOMERS);
	rsg_msg_int(b, RSG_F_LINE, rec->line);
	for (size_t i = 0; i < m->nfields; i++)
		value(&w, m->field[i].field, &m->field[i].cell);
	for (size_t i = 0; i < m->nconsents; i++)
		consent(&w, &m->consent[i]);
	put_cell(&w, RSG_F_JURISDICTION, &m->jurisdiction);
	put_cell(&w, RSG_F_LANGUAGE, &m->language);
	put_cell(&w, RSG_F_SOURCE, &m->source);
	put_moment(&w, RSG_F_COLLECTED, &m->collected, false);
	if (w.e == RSG_OK)
		rsg_msg_close(b, mark);
	else
		b->len = before;
	return w.e;
}

/* --- Consents and benefits --- */

/* Which of a benefit's times `time` is, where one column says so. */
static void
put_state(struct work *w)
{
	static const enum rsg_field times[] = { RSG_F_PROMISED_AT, RSG_F_DELIVERED_AT,
	    RSG_F_REDEEMED_AT, RSG_F_EXPIRED_AT, RSG_F_REVERSED_AT };
	const struct rsg_mapping *m = w->m;
	const char *name;
	struct span s;

	if (m->state.column == NULL)
		return;
	if (!look(w->rec, &m->state, &s)) {
		refuse(w, "bad-value", "state");
		return;
	}
	if (s.len == 0)
		refuse(w, "missing-member", "state");
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		name = rsg_msg_field(times[i])->json;		/* "promised_at" */
		if (s.len + 3 == strlen(name) && memcmp(s.p, name, s.len) == 0) {
			put_moment(w, times[i], &m->time, true);
			return;
		}
	}
	refuse(w, "bad-value", "state");
}

/* A no is a no with its file or without. */
static bool
says_no(const struct work *w)
{
	static const char *const noes[] = { "refuse", "withdraw", "object" };
	struct span s;

	(void)look(w->rec, rsg_mapping_cell(w->m, RSG_F_DECISION), &s);
	for (size_t i = 0; i < sizeof(noes) / sizeof(noes[0]); i++)
		if (s.len == strlen(noes[i]) && memcmp(s.p, noes[i], s.len) == 0)
			return true;
	return false;
}

/* What the file is: what its cell says, or else the end of its name. */
static const char *
media_of(const struct work *w, struct span name, char out[MEDIA_TEXT])
{
	const struct rsg_cell *c = rsg_mapping_cell(w->m, RSG_F_MEDIA_TYPE);
	struct span s = { "", 0 };

	if (c != NULL && (!look(w->rec, c, &s) || s.len >= MEDIA_TEXT))
		return NULL;
	if (s.len == 0)
		return rsg_folder_media(name.p, name.len);
	memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return out;
}

/* The file that the line names, as it is. */
static void
put_file(struct work *w)
{
	const struct rsg_cell *c = rsg_mapping_cell(w->m, RSG_F_ATTACHMENT);
	const char *why = "bad-value", *member = "attachment", *media = NULL;
	char text[MEDIA_TEXT];
	struct span name;
	const uint8_t *p;
	size_t n;
	bool listed_one;

	if (w->e != RSG_OK || c == NULL || w->folder == NULL)
		return;
	if ((listed_one = look(w->rec, c, &name)) && name.len == 0)
		return;
	if (listed_one && rsg_folder_read(w->folder, name.p, name.len, &p, &n,
	    &why) == RSG_OK) {
		why = "unsupported-media-type";
		member = "media_type";
		media = media_of(w, name, text);
	}
	if (media != NULL) {
		rsg_msg_text(w->b, RSG_F_MEDIA_TYPE, media);
		rsg_msg_bytes(w->b, RSG_F_CONTENT, p, n);
	} else if (says_no(w))
		rsg_translate_reject(w->note, w->rec->line, why, member);
	else
		refuse(w, why, member);
}

static void
line(struct work *w)
{
	const struct rsg_mapping *m = w->m;
	const struct rsg_lineform *form = rsg_mapping_form(m->what);
	struct span person, s;

	if (!rsg_translate_person(m, w->rec, &person.p, &person.len)) {
		refuse(w, "missing-person", m->person_field);
		return;
	}
	rsg_msg_int(w->b, RSG_F_LINE, w->rec->line);
	put(w, RSG_F_LOOKUP_VALUE, person, m->person_field);
	for (size_t i = 0; i < form->n; i++) {
		const struct rsg_linemember *x = &form->member[i];
		const struct rsg_fieldinfo *f = rsg_msg_field(x->field);

		if (x->field == RSG_F_ATTACHMENT || x->field == RSG_F_MEDIA_TYPE)
			continue;	/* put_file() */
		if (f->type == RSG_T_TIME) {
			put_moment(w, x->field, &m->moment[i], x->needed);
			continue;
		}
		/* Silence is not consent, nor a thing without a name a gift. */
		if (x->needed && look(w->rec, &m->member[i], &s) && s.len == 0)
			refuse(w, "missing-member", f->json);
		if (f->type == RSG_T_INT)
			put_whole(w, x->field, &m->member[i], false);
		else
			put_cell(w, x->field, &m->member[i]);
	}
	put_state(w);
	put_file(w);
}

enum rsg_err
rsg_translate_line(const struct rsg_mapping *m, const struct rsg_record *rec,
    struct rsg_folder *folder, struct rsg_buf *b, struct rsg_reject *reject,
    struct rsg_reject *note)
{
	struct work w = { .m = m, .rec = rec, .b = b, .reject = reject, .note = note,
	    .folder = folder };
	size_t before = b->len, mark = rsg_msg_open(b, rsg_mapping_form(m->what)->group);

	note->line = 0;

	line(&w);
	if (w.e == RSG_OK)
		rsg_msg_close(b, mark);
	else
		b->len = before;
	return w.e;
}

void
rsg_translate_someone(const struct rsg_mapping *m, const struct rsg_record *rec,
    struct rsg_buf *b)
{
	size_t mark, pair;
	struct span s;

	(void)look(rec, &m->person, &s);
	mark = rsg_msg_open(b, RSG_F_CUSTOMERS);
	rsg_msg_int(b, RSG_F_LINE, rec->line);
	pair = rsg_msg_open(b, RSG_F_VALUES);
	rsg_msg_text(b, RSG_F_KEY, m->person_field);
	rsg_msg_bytes(b, RSG_F_VALUE, s.p, s.len);
	rsg_msg_close(b, pair);
	rsg_msg_close(b, mark);
}
