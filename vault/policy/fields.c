/*
 * fields.c - fields.json: what may be asked of a person, and for what.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reader.h"
#include "policy/values.h"

struct raw {
	int64_t number, facet, retention_days, max_length;
	const char *id, *category, *dpv, *validator, *normaliser, *mask;
	const char *generaliser, *title[2], *asked_for[2], *in_return[2];
	bool searchable, unique;
	const struct rsg_json *values;
};

static const struct rsg__member members[] = {
	{ "number", RSG__M_INT, true, offsetof(struct raw, number), 1,
	    RSG_POLICY_FIELDS - 1 },
	{ "id", RSG__M_ID, true, offsetof(struct raw, id), 0, 0 },
	{ "category", RSG__M_ID, true, offsetof(struct raw, category), 0, 0 },
	{ "dpv", RSG__M_TEXT, true, offsetof(struct raw, dpv), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct raw, title), 0, 0 },
	{ "asked_for", RSG__M_WORDS, true, offsetof(struct raw, asked_for), 0, 0 },
	{ "in_return", RSG__M_WORDS, true, offsetof(struct raw, in_return), 0, 0 },
	{ "validator", RSG__M_ID, true, offsetof(struct raw, validator), 0, 0 },
	{ "normaliser", RSG__M_ID, true, offsetof(struct raw, normaliser), 0, 0 },
	{ "mask", RSG__M_ID, false, offsetof(struct raw, mask), 0, 0 },
	{ "searchable", RSG__M_BOOL, false, offsetof(struct raw, searchable), 0, 0 },
	{ "unique", RSG__M_BOOL, false, offsetof(struct raw, unique), 0, 0 },
	{ "generaliser", RSG__M_ID, false, offsetof(struct raw, generaliser), 0, 0 },
	{ "facet", RSG__M_INT, false, offsetof(struct raw, facet), 1,
	    RSG_POLICY_FACETS - 1 },
	{ "values", RSG__M_ARRAY, false, offsetof(struct raw, values), 1,
	    RSG__CHOICES },
	{ "retention_days", RSG__M_INT, true,
	    offsetof(struct raw, retention_days), 1, 36525 },
	{ "max_length", RSG__M_INT, true, offsetof(struct raw, max_length), 1,
	    4096 },
};

struct rawchoice {
	int64_t number;
	const char *id, *title[2];
};

static const struct rsg__member choice_members[] = {
	{ "number", RSG__M_INT, true, offsetof(struct rawchoice, number), 1, 999 },
	{ "id", RSG__M_ID, true, offsetof(struct rawchoice, id), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct rawchoice, title), 0, 0 },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NAMES		32

/* The names of one of the tables of values.h, to list them in faults. */
#define NAMES_OF(kind)							\
static int								\
known_##kind(struct rsg__reader *r, const char *value)			\
{									\
	const char *names[NAMES];					\
	size_t n;							\
									\
	for (n = 0; n < NAMES && rsg__##kind##_at(n) != NULL; n++)	\
		names[n] = rsg__##kind##_at(n)->name;			\
	return rsg__one_of(r, #kind, value, names, n);			\
}
NAMES_OF(validator)
NAMES_OF(normaliser)
NAMES_OF(generaliser)
NAMES_OF(mask)

/*
 * The values of a "choice". They take their room from the policy's, in the
 * order of the fields, so that each field's stand together.
 */
static void
read_choices(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *values, struct rsg_fielddef *f)
{
	struct rsg_choicedef *first = &p->choices[p->nchoices], *c;
	struct rawchoice raw;
	const struct rsg_json *v;
	size_t mark;

	f->choice = first;
	for (size_t i = 0; i < rsg_json_size(values); i++) {
		v = rsg_json_at(values, i);
		mark = rsg__enter(r, "values", i, rsg__peek(v, "id"));
		memset(&raw, 0, sizeof(raw));
		if (rsg__read(r, v, choice_members, COUNT(choice_members), &raw)) {
			for (c = first; c < first + f->nchoices; c++)
				if (c->number == raw.number ||
				    strcmp(c->id, raw.id) == 0)
					rsg__fault(r, NULL, "has the number or id "
					    "of another value; choose new ones");
			c = &p->choices[p->nchoices++];
			c->number = (uint16_t)raw.number;
			c->id = raw.id;
			memcpy(c->title, raw.title, sizeof(c->title));
			f->nchoices++;
		}
		rsg__leave(r, mark);
	}
}

/*
 * What one member demands of another. Names that are not in the tables were
 * told already, and pass here.
 */
static void
check_together(struct rsg__reader *r, const struct raw *f)
{
	const struct rsg__validator *v = rsg__validator_find(f->validator);
	const struct rsg__generaliser *g = f->generaliser == NULL ? NULL :
	    rsg__generaliser_find(f->generaliser);

	if (v != NULL && v->choices && f->values == NULL)
		rsg__fault(r, "values", "is needed by validator \"%s\"; list "
		    "the values that are possible", v->name);
	if (v != NULL && !v->choices && f->values != NULL)
		rsg__fault(r, "values", "is not used by validator \"%s\"; "
		    "remove it or use \"choice\"", v->name);
	if (v != NULL && v->low_entropy && f->searchable)
		rsg__fault(r, "searchable", "is not safe for validator \"%s\": "
		    "there are so few values that a digest of one can be "
		    "guessed; write false", v->name);
	if (f->unique && !f->searchable)
		rsg__fault(r, "unique", "is only possible for a searchable "
		    "field; write false, or make it searchable");
	if (g != NULL && v != NULL && g->validator != NULL &&
	    strcmp(g->validator, v->name) != 0)
		rsg__fault(r, "generaliser", "\"%s\" understands values of "
		    "validator \"%s\" only; use another", g->name, g->validator);
	if (f->facet != 0 && f->generaliser == NULL)
		rsg__fault(r, "facet", "needs a generaliser; add one or remove "
		    "the facet");
}

/* Its own form is right; now it must fit with the fields before it. */
static void
add_field(struct rsg__reader *r, struct rsg_policy *p, const struct raw *f,
    uint8_t *facets)
{
	struct rsg_fielddef *d = &p->field[p->nfields];

	for (size_t i = 0; i < p->nfields; i++)
		if (strcmp(p->field[i].id, f->id) == 0)
			rsg__fault(r, "id", "is used above; choose another");
	if (f->facet != 0) {
		if (facets[f->facet])
			rsg__fault(r, "facet", "%d is used above; take another "
			    "number", (int)f->facet);
		facets[f->facet] = 1;
	}
	*d = (struct rsg_fielddef){
		.number = (uint16_t)f->number, .id = f->id, .dpv = f->dpv,
		.category = f->category,
		.title = { f->title[0], f->title[1] },
		.validator = f->validator, .normaliser = f->normaliser,
		.mask = f->mask, .searchable = f->searchable,
		.unique = f->unique, .generaliser = f->generaliser,
		.facet = (uint16_t)f->facet,
		.retention_days = (uint32_t)f->retention_days,
		.asked_for = { f->asked_for[0], f->asked_for[1] },
		.in_return = { f->in_return[0], f->in_return[1] },
		.max_len = (uint32_t)f->max_length,
	};
	if (f->values != NULL)
		read_choices(r, p, f->values, d);
	p->field_at[d->number] = (uint8_t)++p->nfields;
}

/*
 * A field that cannot be used is left out, so that the rest of the file can
 * still be looked at; the fault keeps the policy from being taken.
 */
static void
read_field(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *v, uint8_t *numbers, uint8_t *facets)
{
	struct raw f;
	bool ok;

	memset(&f, 0, sizeof(f));
	f.mask = "hidden";
	if (!rsg__read(r, v, members, COUNT(members), &f))
		return;
	ok = rsg__take(r, numbers, f.number);
	/* Each is looked at, so that one run tells all faults. */
	ok = known_validator(r, f.validator) >= 0 && ok;
	ok = known_normaliser(r, f.normaliser) >= 0 && ok;
	ok = known_mask(r, f.mask) >= 0 && ok;
	if (f.generaliser != NULL)
		ok = known_generaliser(r, f.generaliser) >= 0 && ok;
	if (strchr(f.dpv, ':') == NULL)
		rsg__fault(r, "dpv", "is not a DPV term; write one such as "
		    "\"pd:EmailAddress\"");
	check_together(r, &f);
	if (ok)
		add_field(r, p, &f, facets);
}

/* Room for all values at once: fields point into it. */
static bool
make_choices(struct rsg_policy *p, const struct rsg_json *fields)
{
	const struct rsg_json *f, *v;
	size_t n = 0;

	for (size_t i = 0; i < rsg_json_size(fields); i++) {
		f = rsg_json_at(fields, i);
		if ((v = rsg_json_get(f, "values")) != NULL &&
		    rsg_json_type(v) == RSG_JSON_ARRAY)
			n += rsg_json_size(v);
	}
	p->choices = calloc(n + 1, sizeof(*p->choices));
	return p->choices != NULL;
}

void
rsg__fields_read(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *file)
{
	struct { const struct rsg_json *retired, *fields; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "retired", RSG__M_ANY, false, 0, 0, 0 },
		{ "fields", RSG__M_ARRAY, true, sizeof(void *), 1,
		    RSG_POLICY_FIELDS - 1 },
	};
	uint8_t numbers[RSG_POLICY_FIELDS] = { 0 };
	uint8_t facets[RSG_POLICY_FACETS] = { 0 };
	const struct rsg_json *f;
	size_t mark;

	rsg__read(r, file, shape, COUNT(shape), &top);
	rsg__retired(r, top.retired, numbers, RSG_POLICY_FIELDS - 1);
	if (top.fields == NULL)
		return;
	if (!make_choices(p, top.fields)) {
		rsg__fault(r, NULL, "there is no memory left for its values");
		return;
	}
	for (size_t i = 0; i < rsg_json_size(top.fields); i++) {
		f = rsg_json_at(top.fields, i);
		mark = rsg__enter(r, "fields", i, rsg__peek(f, "id"));
		read_field(r, p, f, numbers, facets);
		rsg__leave(r, mark);
	}
}
