/*
 * purposes.c - purposes.json: what data is used for, and what allows it.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "policy/reader.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define CONFIRM_HOURS	48		/* unless the purpose says otherwise */

struct raw {
	int64_t number, retention_days;
	const char *id, *dpv, *basis, *basis_dpv, *parent;
	const char *title[2], *description[2];
	bool per_channel, necessary, marketing, profiling, covers, gpc;
	bool notice, lift, twice, minors;
	int64_t consent_days, confirm_hours;
};

static const struct rsg__member members[] = {
	{ "number", RSG__M_INT, true, offsetof(struct raw, number), 1,
	    RSG_POLICY_PURPOSES - 1 },
	{ "id", RSG__M_ID, true, offsetof(struct raw, id), 0, 0 },
	{ "parent", RSG__M_ID, false, offsetof(struct raw, parent), 0, 0 },
	{ "dpv", RSG__M_TEXT, true, offsetof(struct raw, dpv), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct raw, title), 0, 0 },
	{ "description", RSG__M_WORDS, true, offsetof(struct raw, description), 0, 0 },
	{ "basis", RSG__M_ID, true, offsetof(struct raw, basis), 0, 0 },
	{ "basis_dpv", RSG__M_TEXT, true, offsetof(struct raw, basis_dpv), 0, 0 },
	{ "necessary", RSG__M_BOOL, true, offsetof(struct raw, necessary), 0, 0 },
	{ "per_channel", RSG__M_BOOL, false, offsetof(struct raw, per_channel), 0, 0 },
	{ "covers_children", RSG__M_BOOL, false, offsetof(struct raw, covers), 0, 0 },
	{ "marketing", RSG__M_BOOL, false, offsetof(struct raw, marketing), 0, 0 },
	{ "profiling", RSG__M_BOOL, false, offsetof(struct raw, profiling), 0, 0 },
	{ "gpc", RSG__M_BOOL, false, offsetof(struct raw, gpc), 0, 0 },
	{ "notice_required", RSG__M_BOOL, false, offsetof(struct raw, notice), 0, 0 },
	{ "objection_lift", RSG__M_BOOL, false, offsetof(struct raw, lift), 0, 0 },
	{ "double_opt_in", RSG__M_BOOL, false, offsetof(struct raw, twice), 0, 0 },
	{ "confirm_hours", RSG__M_INT, false,
	    offsetof(struct raw, confirm_hours), 1, 720 },
	{ "minors", RSG__M_BOOL, false, offsetof(struct raw, minors), 0, 0 },
	{ "consent_days", RSG__M_INT, false,
	    offsetof(struct raw, consent_days), 1, 36525 },
	{ "retention_days", RSG__M_INT, true,
	    offsetof(struct raw, retention_days), 1, 36525 },
};

/* Consent is what a basis needs; objecting is what article 21 lets one do. */
static const struct {
	const char *name;
	bool consent, object;
} bases[] = {
	{ "consent", true, false }, { "explicit_consent", true, false },
	{ "contract", false, false }, { "legal_obligation", false, false },
	{ "vital_interest", false, false }, { "public_interest", false, true },
	{ "legitimate_interest", false, true },
};

/* The place of a basis in the table; -1 with a fault that lists them. */
static int
basis_of(struct rsg__reader *r, const char *basis)
{
	const char *names[COUNT(bases)];

	for (size_t i = 0; i < COUNT(bases); i++)
		names[i] = bases[i].name;
	return rsg__one_of(r, "basis", basis, names, COUNT(bases));
}

/*
 * Consent that is necessary would be no consent: who refuses it must be
 * served all the same (GDPR 7(4), and Mexico's voluntary purposes).
 */
static void
check_together(struct rsg__reader *r, const struct raw *f, bool consent)
{
	if (consent && f->necessary)
		rsg__fault(r, "necessary", "cannot be true where consent is "
		    "asked for: a person may say no; write false");
	if (f->per_channel && !consent)
		rsg__fault(r, "per_channel", "is only possible where consent "
		    "is asked for; write false");
	if (!consent && (f->notice || f->twice || f->consent_days != 0))
		rsg__fault(r, NULL, "\"notice_required\", \"double_opt_in\" and "
		    "\"consent_days\" are only possible where consent is asked "
		    "for; remove them");
	if (f->confirm_hours != 0 && !f->twice)
		rsg__fault(r, "confirm_hours", "is how long a code of the double "
		    "opt-in holds; add \"double_opt_in\": true, or remove it");
	if (f->minors && !f->profiling)
		rsg__fault(r, "minors", "is about profiling children, and this "
		    "purpose does not profile; remove it");
	if (strchr(f->dpv, ':') == NULL || strchr(f->basis_dpv, ':') == NULL)
		rsg__fault(r, NULL, "\"dpv\" or \"basis_dpv\" is not a DPV "
		    "term; write one such as \"dpv:DirectMarketing\"");
}

/* One purpose by itself; its parent is looked for in the second pass. */
static void
read_purpose(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *v, uint8_t *numbers)
{
	struct rsg__purpose *d = &p->purpose[p->npurposes];
	struct raw f;
	int basis;

	memset(&f, 0, sizeof(f));
	if (!rsg__read(r, v, members, COUNT(members), &f) ||
	    (basis = basis_of(r, f.basis)) < 0 ||
	    !rsg__take(r, numbers, f.number))
		return;
	if (strcmp(f.id, "none") == 0)
		rsg__fault(r, "id", "\"none\" means that no purpose was "
		    "stated; choose another");
	for (size_t i = 0; i < p->npurposes; i++)
		if (strcmp(p->purpose[i].def.id, f.id) == 0)
			rsg__fault(r, "id", "is used above; choose another");
	check_together(r, &f, bases[basis].consent);
	d->def = (struct rsg_purposedef){
		.number = (uint16_t)f.number, .id = f.id, .dpv = f.dpv,
		.title = { f.title[0], f.title[1] },
		.description = { f.description[0], f.description[1] },
		.basis = f.basis, .basis_dpv = f.basis_dpv,
		.needs_consent = bases[basis].consent,
		.can_object = bases[basis].object,
		.per_channel = f.per_channel, .necessary = f.necessary,
		.marketing = f.marketing, .profiling = f.profiling,
		.covers_children = f.covers, .gpc = f.gpc,
		.is_explicit = strcmp(f.basis, "explicit_consent") == 0,
		.notice_required = f.notice, .objection_lift = f.lift,
		.double_opt_in = f.twice, .minors = f.minors,
		.confirm_hours = f.confirm_hours == 0 ? CONFIRM_HOURS :
		    (uint32_t)f.confirm_hours,
		.consent_days = (uint32_t)f.consent_days,
		.retention_days = (uint32_t)f.retention_days,
	};
	snprintf(d->consent, sizeof(d->consent), "consent:%s", f.id);
	snprintf(d->objection, sizeof(d->objection), "objection:%s", f.id);
	p->purpose_at[d->def.number] = (uint8_t)++p->npurposes;
}

/* Parents may stand anywhere in the file, so they are found afterwards. */
static void
find_parent(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *v)
{
	const char *id = rsg__peek(v, "id"), *parent = rsg__peek(v, "parent");
	const struct rsg_purposedef *child, *up;

	if (id == NULL || parent == NULL ||
	    (child = rsg_policy_purpose(p, id, strlen(id))) == NULL)
		return;
	if ((up = rsg_policy_purpose(p, parent, strlen(parent))) == NULL) {
		rsg__fault(r, "parent", "\"%.64s\" is not a purpose of this "
		    "file; correct or remove it", parent);
		return;
	}
	p->purpose[p->purpose_at[child->number] - 1].def.parent = up->number;
}

/*
 * The way from a purpose to the top, kept so that deciding need not look for
 * parents: an objection anywhere on it reaches this purpose.
 */
static void
climb(struct rsg__reader *r, struct rsg_policy *p, struct rsg__purpose *d)
{
	uint16_t n = d->def.number;
	size_t i;

	for (i = 0; i < RSG__DEPTH && n != 0; i++) {
		d->up[i] = n;
		n = rsg__purpose_no(p, n)->def.parent;
	}
	if (n != 0)
		rsg__fault(r, "parent", "leads in a circle, or up more than %d "
		    "steps; correct it", RSG__DEPTH - 1);
}

void
rsg__purposes_read(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *file)
{
	struct { const struct rsg_json *retired, *purposes, *methods; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "retired", RSG__M_ANY, false, 0, 0, 0 },
		{ "purposes", RSG__M_ARRAY, true, sizeof(void *), 1,
		    RSG_POLICY_PURPOSES - 1 },
		{ "explicit_methods", RSG__M_LIST, false, 2 * sizeof(void *), 0, 32 },
	};
	uint8_t numbers[RSG_POLICY_PURPOSES] = { 0 };
	const struct rsg_json *v;
	size_t mark;

	rsg__read(r, file, shape, COUNT(shape), &top);
	rsg__retired(r, top.retired, numbers, RSG_POLICY_PURPOSES - 1);
	p->explicit_methods = top.methods;
	if (top.purposes == NULL)
		return;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < rsg_json_size(top.purposes); i++) {
			v = rsg_json_at(top.purposes, i);
			mark = rsg__enter(r, "purposes", i, rsg__peek(v, "id"));
			if (pass == 0)
				read_purpose(r, p, v, numbers);
			else
				find_parent(r, p, v);
			rsg__leave(r, mark);
		}
	for (size_t i = 0; i < p->npurposes; i++) {
		mark = rsg__enter(r, "purposes", i, p->purpose[i].def.id);
		climb(r, p, &p->purpose[i]);
		rsg__leave(r, mark);
	}
}
