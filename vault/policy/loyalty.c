/*
 * loyalty.c - loyalty.json: what purchases earn, and how people are contacted
 * who have not said it themselves.
 */
#include <stddef.h>
#include <string.h>

#include "policy/reader.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define MUCH		INT64_C(1000000000)

struct rawprogramme {
	const char *id, *purpose;
	const struct rsg_json *controllers, *earn;
	int64_t cost, valid, warn;
	bool imports;
};
static const struct rsg__member programme_members[] = {
	{ "id", RSG__M_ID, true, offsetof(struct rawprogramme, id), 0, 0 },
	{ "controllers", RSG__M_LIST, true, offsetof(struct rawprogramme, controllers),
	    1, 64 },
	{ "purpose", RSG__M_ID, true, offsetof(struct rawprogramme, purpose), 0, 0 },
	{ "earn", RSG__M_ARRAY, true, offsetof(struct rawprogramme, earn), 1,
	    RSG_LOYALTY_RATES },
	{ "cost_per_100", RSG__M_INT, true, offsetof(struct rawprogramme, cost), 0, MUCH },
	{ "valid_days", RSG__M_INT, false, offsetof(struct rawprogramme, valid), 1, 3660 },
	{ "warn_days", RSG__M_INT, false, offsetof(struct rawprogramme, warn), 1, 366 },
	{ "imports_earn", RSG__M_BOOL, false, offsetof(struct rawprogramme, imports), 0, 0 },
};

struct rawrate {
	const char *category;
	int64_t points, per;
};
static const struct rsg__member rate_members[] = {
	{ "category", RSG__M_TEXT, false, offsetof(struct rawrate, category), 0, 0 },
	{ "points", RSG__M_INT, true, offsetof(struct rawrate, points), 0, 1000000 },
	{ "per", RSG__M_INT, true, offsetof(struct rawrate, per), 1, MUCH },
};

struct rawcontact {
	const char *purpose, *from, *to, *most, *complaint;
	int64_t every, answer;
};
static const struct rsg__member contact_members[] = {
	{ "purpose", RSG__M_ID, true, offsetof(struct rawcontact, purpose), 0, 0 },
	{ "every_days", RSG__M_INT, true, offsetof(struct rawcontact, every), 0, 366 },
	{ "at_most", RSG__M_TEXT, false, offsetof(struct rawcontact, most), 0, 0 },
	{ "complaint", RSG__M_ID, false, offsetof(struct rawcontact, complaint), 0, 0 },
	{ "quiet_from", RSG__M_TEXT, false, offsetof(struct rawcontact, from), 0, 0 },
	{ "quiet_to", RSG__M_TEXT, false, offsetof(struct rawcontact, to), 0, 0 },
	{ "answer_days", RSG__M_INT, true, offsetof(struct rawcontact, answer), 1, 366 },
};

static uint16_t
purpose_of(struct rsg__reader *r, const struct rsg_policy *p, const char *id)
{
	const struct rsg_purposedef *pu = rsg_policy_purpose(p, id, strlen(id));

	if (pu == NULL && !r->unsure)
		rsg__fault(r, "purpose", "\"%.64s\" is not a purpose of "
		    "purposes.json; correct it there or here", id);
	return pu == NULL ? 0 : pu->number;
}

/* By category first; the rate without one is for all the others. */
static void
read_rates(struct rsg__reader *r, const struct rsg_json *earn, struct rsg_loyaltydef *d)
{
	struct rawrate f;
	size_t mark;

	for (size_t i = 0; i < rsg_json_size(earn); i++) {
		memset(&f, 0, sizeof(f));
		mark = rsg__enter(r, "earn", i, rsg__peek(rsg_json_at(earn, i), "category"));
		if (rsg__read(r, rsg_json_at(earn, i), rate_members,
		    COUNT(rate_members), &f)) {
			if (f.category == NULL && i + 1 < rsg_json_size(earn))
				rsg__fault(r, "category", "is missing: the rate for all "
				    "other categories stands last");
			d->rate[d->nrates++] = (struct rsg_rate){ f.category,
			    f.points, f.per };
		}
		rsg__leave(r, mark);
	}
}

static void
read_programme(struct rsg__reader *r, struct rsg_policy *p, const struct rsg_json *v)
{
	struct rsg_loyaltydef *d = &p->loyalty[p->nloyalty];
	struct rawprogramme f;

	memset(&f, 0, sizeof(f));
	if (!rsg__read(r, v, programme_members, COUNT(programme_members), &f))
		return;
	for (size_t i = 0; i < rsg_json_size(f.controllers); i++)
		if (rsg_policy_loyalty(p, rsg_json_string(rsg_json_at(f.controllers, i),
		    NULL)) != NULL)
			rsg__fault(r, "controllers", "names one that another programme "
			    "has; a controller has one");
	if (f.warn > 0 && f.valid == 0)
		rsg__fault(r, "warn_days", "warns of what does not lapse; add "
		    "\"valid_days\" or remove it");
	*d = (struct rsg_loyaltydef){ .id = f.id, .controllers = f.controllers,
	    .purpose = purpose_of(r, p, f.purpose), .cost = f.cost,
	    .valid_days = (uint32_t)f.valid, .warn_days = (uint32_t)f.warn,
	    .imports = f.imports };
	read_rates(r, f.earn, d);
	p->nloyalty++;
}

/* "21:30" as minutes of the day. */
static uint16_t
minutes(struct rsg__reader *r, const char *member, const char *s)
{
	unsigned minute = 0;

	if (s == NULL)
		return 0;
	if (!rsg_policy_minutes(s, strlen(s), &minute)) {
		rsg__fault(r, member, "is not a time of the day; write \"HH:MM\"");
		return 0;
	}
	return (uint16_t)minute;
}

static void
read_contact(struct rsg__reader *r, struct rsg_policy *p, const struct rsg_json *v)
{
	static const char *const effects[] = { "objection", "note" };
	struct rawcontact f = { 0 };
	size_t mark = rsg__enter(r, "contact", RSG__ALONE, NULL);

	if (rsg__read(r, v, contact_members, COUNT(contact_members), &f))
		p->contact = (struct rsg_contactdef){
		    .purpose = purpose_of(r, p, f.purpose),
		    .every_days = (uint32_t)f.every,
		    .quiet_from = minutes(r, "quiet_from", f.from),
		    .quiet_to = minutes(r, "quiet_to", f.to),
		    .answer_days = (uint32_t)f.answer };
	if (f.most != NULL && !rsg_policy_limit(f.most, strlen(f.most),
	    &p->contact.most, &p->contact.most_days))
		rsg__fault(r, "at_most", "is no limit; write one such as \"3/week\" "
		    "(day, week, month)");
	p->contact.complaint_objects = f.complaint == NULL ||
	    rsg__one_of(r, "complaint", f.complaint, effects, COUNT(effects)) == 0;
	if ((f.from == NULL) != (f.to == NULL))
		rsg__fault(r, "quiet_from", "and quiet_to go together; add the other");
	rsg__leave(r, mark);
}

void
rsg__loyalty_read(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *file)
{
	struct { const struct rsg_json *programmes, *contact; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "programmes", RSG__M_ARRAY, true, 0, 0, RSG__LOYALTY },
		{ "contact", RSG__M_OBJECT, true, sizeof(void *), 0, 0 },
	};
	const struct rsg_json *v;
	size_t mark;

	rsg__read(r, file, shape, COUNT(shape), &top);
	for (size_t i = 0; top.programmes != NULL &&
	    i < rsg_json_size(top.programmes); i++) {
		v = rsg_json_at(top.programmes, i);
		mark = rsg__enter(r, "programmes", i, rsg__peek(v, "id"));
		read_programme(r, p, v);
		rsg__leave(r, mark);
	}
	if (top.contact != NULL)
		read_contact(r, p, top.contact);
}

/* --- Asked by others --- */

bool
rsg_policy_limit(const char *s, size_t len, uint32_t *most, uint32_t *days)
{
	static const struct { const char *per; uint32_t days; } periods[] = {
		{ "/day", 1 }, { "/week", 7 }, { "/month", 30 },
	};
	size_t at = 0;

	*most = 0;
	while (at < len && at < 3 && s[at] >= '0' && s[at] <= '9')
		*most = *most * 10 + (uint32_t)(s[at++] - '0');
	if (at == 0 || *most > 100)
		return false;
	for (size_t i = 0; i < COUNT(periods); i++)
		if (strlen(periods[i].per) == len - at &&
		    memcmp(periods[i].per, s + at, len - at) == 0) {
			*days = periods[i].days;
			return true;
		}
	return false;
}

bool
rsg_policy_minutes(const char *s, size_t len, unsigned *minute)
{
	unsigned h, m;

	if (len != 5 || s[2] != ':')
		return false;
	for (size_t i = 0; i < 5; i++)
		if (i != 2 && (s[i] < '0' || s[i] > '9'))
			return false;
	h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	*minute = h * 60 + m;
	return h < 24 && m < 60;
}

const struct rsg_loyaltydef *
rsg_policy_loyalty(const struct rsg_policy *p, const char *controller)
{
	const struct rsg_json *list;
	const char *s;

	for (size_t i = 0; i < p->nloyalty; i++) {
		list = p->loyalty[i].controllers;
		for (size_t k = 0; k < rsg_json_size(list); k++)
			if ((s = rsg_json_string(rsg_json_at(list, k), NULL)) != NULL &&
			    strcmp(s, controller) == 0)
				return &p->loyalty[i];
	}
	return NULL;
}

const struct rsg_contactdef *
rsg_policy_contact(const struct rsg_policy *p)
{
	static const struct rsg_contactdef none = { .answer_days = 30,
	    .complaint_objects = true };

	return p->contact.answer_days == 0 ? &none : &p->contact;
}
