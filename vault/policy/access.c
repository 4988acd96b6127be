/*
 * access.c - access.json: the roles, and what each may do for which purpose.
 *
 * Besides the form this refuses what no policy should say: a marketing tool
 * that reads fields, an administrator who reads people, a withdrawal that
 * waits for something.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reader.h"
#include "policy/values.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct rawrole {
	const char *id, *title[2], *reach;
};
static const struct rsg__member role_members[] = {
	{ "id", RSG__M_ID, true, offsetof(struct rawrole, id), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct rawrole, title), 0, 0 },
	{ "reach", RSG__M_ID, true, offsetof(struct rawrole, reach), 0, 0 },
};

struct raw {
	const char *id, *role, *note;
	const struct rsg_json *recipients, *actions, *purposes, *fields;
	const struct rsg_json *require, *states;
	int64_t min_group, rate;
};
static const struct rsg__member rule_members[] = {
	{ "id", RSG__M_ID, true, offsetof(struct raw, id), 0, 0 },
	{ "note", RSG__M_TEXT, false, offsetof(struct raw, note), 0, 0 },
	{ "role", RSG__M_ID, true, offsetof(struct raw, role), 0, 0 },
	{ "recipients", RSG__M_LIST, false, offsetof(struct raw, recipients), 1, 64 },
	{ "actions", RSG__M_LIST, true, offsetof(struct raw, actions), 1, 0 },
	{ "purposes", RSG__M_LIST, true, offsetof(struct raw, purposes), 1, 0 },
	{ "fields", RSG__M_OBJECT, false, offsetof(struct raw, fields), 0, 0 },
	{ "require", RSG__M_LIST, false, offsetof(struct raw, require), 0, 3 },
	{ "states", RSG__M_LIST, false, offsetof(struct raw, states), 1, 3 },
	{ "min_group", RSG__M_INT, false, offsetof(struct raw, min_group),
	    RSG__MIN_GROUP, 1000000 },
	{ "rate_per_minute", RSG__M_INT, false, offsetof(struct raw, rate), 1,
	    1000000 },
};

static const char *
text_at(const struct rsg_json *list, size_t i)
{
	return rsg_json_string(rsg_json_at(list, i), NULL);
}

/*
 * A role and its reach. The reach is the second lock: rules that would give
 * more than it are refused, so that one careless line opens nobody.
 */
static void
read_role(struct rsg__reader *r, struct rsg_policy *p, const struct rsg_json *v)
{
	struct rsg__role *d = &p->role[p->nroles];
	struct rawrole f;
	int reach;

	memset(&f, 0, sizeof(f));
	if (!rsg__read(r, v, role_members, COUNT(role_members), &f) ||
	    (reach = rsg__one_of(r, "reach", f.reach, rsg__reach_names, 4)) < 0)
		return;
	if (rsg_policy_role(p, f.id, strlen(f.id)))
		rsg__fault(r, "id", "is used above; choose another");
	d->id = f.id;
	memcpy(d->title, f.title, sizeof(d->title));
	d->reach = (enum rsg__reach)reach;
	p->nroles++;
}

/* Each entry of a list, as a bit at its place among `names`. */
static uint32_t
bits_of(struct rsg__reader *r, const char *member, const struct rsg_json *list,
    const char *const *names, size_t n)
{
	uint32_t bits = 0;
	int at;

	for (size_t i = 0; i < rsg_json_size(list); i++)
		if ((at = rsg__one_of(r, member, text_at(list, i), names, n)) >= 0)
			bits |= 1u << at;
	return bits;
}

/* The actions, each of which the role's reach has to permit. */
static void
read_actions(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *list, struct rsg__rule *d)
{
	const char *names[RSG_ACT__MAX] = { NULL };
	const struct rsg__role *role = &p->role[d->role];

	for (int a = 1; a < RSG_ACT__MAX; a++)
		names[a] = rsg_action_name((enum rsg_action)a);
	d->actions = bits_of(r, "actions", list, names, COUNT(names));
	for (int a = 1; a < RSG_ACT__MAX; a++)
		if ((d->actions & 1u << a) != 0 &&
		    (rsg__action_reach((enum rsg_action)a) & 1u << role->reach) == 0)
			rsg__fault(r, "actions", "\"%s\" is never for a role "
			    "that reaches \"%s\"; remove it", names[a],
			    rsg__reach_names[role->reach]);
}

/* All that the actions of a rule are about. */
static unsigned
about_of(const struct rsg__rule *d)
{
	unsigned any = 0;

	for (int a = 1; a < RSG_ACT__MAX; a++)
		if ((d->actions & 1u << a) != 0)
			any |= rsg__action_about((enum rsg_action)a);
	return any;
}

/*
 * "*" serves actions that use nobody's data, such as a withdrawal or a look at
 * the log; for the others a purpose has to be named one by one, so that a new
 * purpose never comes with old permissions.
 */
static void
read_purposes(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *list, struct rsg__rule *d)
{
	const struct rsg_purposedef *pu;
	const char *id;
	unsigned any = about_of(d);

	for (size_t i = 0; i < rsg_json_size(list); i++) {
		id = text_at(list, i);
		if (strcmp(id, "*") == 0)
			d->any_purpose = d->no_purpose = true;
		else if (strcmp(id, "none") == 0)
			d->no_purpose = true;
		else if ((pu = rsg_policy_purpose(p, id, strlen(id))) != NULL)
			d->purpose[pu->number] = 1;
		else if (!r->unsure)
			rsg__fault(r, "purposes", "\"%.64s\" is not a purpose "
			    "of purposes.json; correct it there or here", id);
	}
	if (d->no_purpose && (any & RSG__ACT_PURPOSE) != 0)
		rsg__fault(r, "purposes", "\"%s\" is not possible with these "
		    "actions: who uses people's data has to say for what; "
		    "name the purposes", d->any_purpose ? "*" : "none");
}

/*
 * What a rule says about a field it names, or whose category it names. What
 * cannot be is a fault where the field is named; a category just passes over
 * those of its fields that it does not suit.
 */
static void
set_field(struct rsg__reader *r, struct rsg__rule *d, unsigned any,
    const struct rsg_fielddef *f, uint8_t t, bool by_name)
{
	bool lookup = (d->actions & 1u << RSG_ACT_LOOKUP) != 0;

	if (t == RSG_TR_GENERALISED && f->generaliser == NULL) {
		if (by_name)
			rsg__fault(r, "fields", "\"%s\" has no generaliser; "
			    "write masked or none, or give it one in "
			    "fields.json", f->id);
		t = 0;
	}
	if (lookup && !f->searchable && t != RSG__WITHHOLD) {
		if (by_name)
			rsg__fault(r, "fields", "\"%s\" is not searchable; "
			    "remove it from a rule for lookup", f->id);
		t = 0;
	}
	if ((any & RSG__ACT_WRITE) != 0 && t != RSG_TR_CLEAR && t != 0 &&
	    t != RSG__WITHHOLD) {
		if (by_name)
			rsg__fault(r, "fields", "\"%s\" can only be written "
			    "\"clear\" or \"none\"; use a rule of its own "
			    "for reading", f->id);
		t = 0;
	}
	d->transform[f->number] = t;
}

/* A pseudonym stands for a person in a release, and is no form of a field. */
static uint8_t
transform_of(struct rsg__reader *r, const struct rsg_json *v)
{
	const char *names[RSG_TR__MAX];
	int t;

	if (rsg_json_type(v) != RSG_JSON_STRING) {
		rsg__fault(r, "fields", "has a value that is not a text; write "
		    "\"clear\", \"masked\", \"generalised\" or \"none\"");
		return 0;
	}
	for (unsigned i = 0; i < RSG_TR__MAX; i++)
		names[i] = i == RSG_TR_PSEUDONYM ? NULL :
		    rsg_transform_name((enum rsg_transform)i);
	t = rsg__one_of(r, "fields", rsg_json_string(v, NULL), names,
	    RSG_TR__MAX);
	return t < 0 ? 0 : t == RSG_TR_NONE ? RSG__WITHHOLD : (uint8_t)t;
}

/* "@all" first, then categories, then fields: the nearer word counts. */
static void
read_fields(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *map, struct rsg__rule *d, unsigned any)
{
	const struct rsg_json *v;
	const char *name;
	bool found;
	void *iter;
	uint8_t t;

	for (int pass = 0; pass < 3; pass++) {
		iter = NULL;
		while (rsg_json_next(map, &iter, &name, &v)) {
			bool whole = strcmp(name, "@all") == 0;
			bool category = name[0] == '@' && !whole;

			if (pass != (whole ? 0 : category ? 1 : 2))
				continue;
			t = transform_of(r, v);
			found = whole;
			for (size_t i = 0; i < p->nfields; i++) {
				const struct rsg_fielddef *f = &p->field[i];

				if (!whole && strcmp(category ? f->category :
				    f->id, category ? name + 1 : name) != 0)
					continue;
				found = true;
				if (t != 0)
					set_field(r, d, any, f, t, pass == 2);
			}
			if (!found && !r->unsure)
				rsg__fault(r, "fields", "\"%.64s\" is neither a "
				    "field nor a category (\"@...\") of "
				    "fields.json; correct it", name);
		}
	}
}

/* What no rule may say, however it is meant. */
static void
check_together(struct rsg__reader *r, const struct rsg_policy *p,
    const struct raw *f, const struct rsg__rule *d, unsigned any)
{
	enum rsg__reach reach = p->role[d->role].reach;
	bool consent = (d->actions & 1u << RSG_ACT_CONSENT_WRITE) != 0;

	if ((d->actions & 1u << RSG_ACT_LOOKUP) != 0 &&
	    (d->actions & (d->actions - 1)) != 0)
		rsg__fault(r, "actions", "\"lookup\" needs a rule of its own: "
		    "its fields are those searched by, not those shown");
	if (f->fields != NULL && (any & RSG__ACT_FIELDS) == 0)
		rsg__fault(r, "fields", "has no meaning for these actions; "
		    "remove it");
	if (reach == RSG__REACH_GROUPS)
		for (size_t i = 0; i < RSG_POLICY_FIELDS; i++)
			if (d->transform[i] != 0 &&
			    d->transform[i] != RSG__WITHHOLD &&
			    d->transform[i] != RSG_TR_GENERALISED) {
				rsg__fault(r, "fields", "can only be "
				    "\"generalised\" or \"none\" for a role "
				    "that reaches groups");
				break;
			}
	if ((any & RSG__ACT_GROUP) != 0 && f->min_group == 0)
		rsg__fault(r, NULL, "lacks \"min_group\"; add the least number "
		    "of people in a group that may be given out");
	if (consent && (d->states & 1u << RSG_STATE_RESTRICTED) == 0)
		rsg__fault(r, "states", "lacks \"restricted\": a withdrawal "
		    "must be possible then too; add it");
	if (consent && reach == RSG__REACH_OWN && d->require != 0)
		rsg__fault(r, "require", "makes withdrawing harder than "
		    "giving; remove it from this rule");
}

/* One rule. Unknown names are told and left out; they never widen it. */
static void
read_rule(struct rsg__reader *r, struct rsg_policy *p, const struct rsg_json *v)
{
	static const char *const states[] = { NULL, "active", "restricted",
	    "blocked" };
	static const char *const require[] = { "staff", "place", "reason" };
	struct rsg__rule *d = &p->rule[p->nrules];
	const char *roles[RSG__ROLES];
	unsigned any;
	struct raw f;
	int role;

	memset(&f, 0, sizeof(f));
	memset(d, 0, sizeof(*d));
	if (!rsg__read(r, v, rule_members, COUNT(rule_members), &f))
		return;
	for (size_t i = 0; i < p->nrules; i++)
		if (strcmp(p->rule[i].id, f.id) == 0)
			rsg__fault(r, "id", "is used above; choose another");
	for (size_t i = 0; i < p->nroles; i++)
		roles[i] = p->role[i].id;
	if ((role = rsg__one_of(r, "role", f.role, roles, p->nroles)) < 0)
		return;
	d->id = f.id;
	d->role = (unsigned)role;
	d->recipients = f.recipients;
	d->min_group = (uint32_t)f.min_group;
	d->rate = (uint32_t)f.rate;
	d->require = (uint8_t)(f.require == NULL ? 0 :
	    bits_of(r, "require", f.require, require, COUNT(require)));
	d->states = (uint8_t)(f.states == NULL ? 1u << RSG_STATE_ACTIVE :
	    bits_of(r, "states", f.states, states, COUNT(states)));
	read_actions(r, p, f.actions, d);
	read_purposes(r, p, f.purposes, d);
	any = about_of(d);
	if (f.fields != NULL)
		read_fields(r, p, f.fields, d, any);
	check_together(r, p, &f, d, any);
	p->nrules++;
}

/* {"create": "loyalty_account"}: what is meant where no purpose is stated. */
static void
read_defaults(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *map)
{
	const struct rsg_purposedef *pu;
	const struct rsg_json *v;
	enum rsg_action a;
	const char *name;
	void *iter = NULL;

	while (rsg_json_next(map, &iter, &name, &v)) {
		pu = NULL;
		a = rsg_action_find(name, strlen(name));
		if (a == 0 || rsg_json_type(v) != RSG_JSON_STRING ||
		    (!r->unsure && (pu = rsg_policy_purpose(p, rsg_json_string(v, NULL),
		    strlen(rsg_json_string(v, NULL)))) == NULL)) {
			rsg__fault(r, "defaults", "\"%.64s\" is not an action "
			    "with a purpose of purposes.json; correct it", name);
			continue;
		}
		p->standard[a] = pu != NULL ? pu->number : 0;
	}
}

void
rsg__access_read(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *file)
{
	struct { const struct rsg_json *roles, *rules, *defaults; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "roles", RSG__M_ARRAY, true, 0, 1, RSG__ROLES },
		{ "rules", RSG__M_ARRAY, true, sizeof(void *), 1, RSG__RULES },
		{ "defaults", RSG__M_OBJECT, false, 2 * sizeof(void *), 0, 0 },
	};
	const struct rsg_json *v;
	size_t mark;

	rsg__read(r, file, shape, COUNT(shape), &top);
	for (size_t i = 0; top.roles != NULL && i < rsg_json_size(top.roles); i++) {
		v = rsg_json_at(top.roles, i);
		mark = rsg__enter(r, "roles", i, rsg__peek(v, "id"));
		read_role(r, p, v);
		rsg__leave(r, mark);
	}
	for (size_t i = 0; top.rules != NULL && i < rsg_json_size(top.rules); i++) {
		v = rsg_json_at(top.rules, i);
		mark = rsg__enter(r, "rules", i, rsg__peek(v, "id"));
		read_rule(r, p, v);
		rsg__leave(r, mark);
	}
	if (top.defaults != NULL)
		read_defaults(r, p, top.defaults);
}

/* Whose rules are looked for. */
struct cell {
	unsigned role, action, purpose;
};

/* Does the rule speak of this action and purpose (0: none stated)? */
static bool
speaks_of(const struct rsg_policy *p, const struct rsg__rule *d, unsigned a,
    unsigned purpose)
{
	if ((d->actions & 1u << a) == 0)
		return false;
	if (purpose == 0)
		return d->no_purpose;
	return d->purpose[purpose] || (d->any_purpose &&
	    p->purpose_at[purpose] != 0);
}

/*
 * The rules of one (role, action, purpose), in the order of the file. Without
 * a list they are only counted. `at` is where the list goes on.
 */
static enum rsg_err
compile_span(struct rsg_policy *p, struct cell c, size_t skip,
    bool write, size_t *at)
{
	struct rsg__span *s = &p->span[c.role][c.action][c.purpose];

	*s = (struct rsg__span){ (uint16_t)*at, 0 };
	for (size_t i = 0; i < p->nrules; i++) {
		if (i == skip || p->rule[i].role != c.role ||
		    !speaks_of(p, &p->rule[i], c.action, c.purpose))
			continue;
		if (s->n == RSG__SPAN || *at == UINT16_MAX)
			return RSG_TOO_LARGE;
		if (write)
			p->list[*at] = (uint16_t)i;
		(*at)++;
		s->n++;
	}
	return RSG_OK;
}

static enum rsg_err
compile_all(struct rsg_policy *p, size_t skip, bool write, size_t *n)
{
	struct cell c;
	enum rsg_err e;

	*n = 0;
	for (c.role = 0; c.role < p->nroles; c.role++)
		for (c.action = 1; c.action < RSG_ACT__MAX; c.action++)
			for (c.purpose = 0; c.purpose < RSG_POLICY_PURPOSES;
			    c.purpose++)
				if ((e = compile_span(p, c, skip, write,
				    n)) != RSG_OK)
					return e;
	return RSG_OK;
}

enum rsg_err
rsg__access_compile(struct rsg_policy *p, size_t skip)
{
	enum rsg_err e;
	size_t n;

	/* Counted first, so that one allocation is right. */
	if ((e = compile_all(p, skip, false, &n)) != RSG_OK)
		return e;
	free(p->list);
	if ((p->list = calloc(n + 1, sizeof(*p->list))) == NULL)
		return RSG_NO_MEMORY;
	return compile_all(p, skip, true, &n);
}
