/*
 * lint.c - what is well-formed in a policy and still not right.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/matrix.h"
#include "policy/policytool.h"

#define GROUP	10		/* below this a group is doubtful */

struct lint {
	struct rsg_policy *p;
	struct rsg_buf *out;
	unsigned found;
};

static void doubt(struct lint *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
doubt(struct lint *l, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	rsg_buf_printf(l->out, "doubt: %s\n", line);
	l->found++;
}

static bool
holds(const struct rsg_segmentdef *s, unsigned r, unsigned f, unsigned m)
{
	return r >= s->r_min && r <= s->r_max && f >= s->f_min &&
	    f <= s->f_max && m >= s->m_min && m <= s->m_max;
}

/* One cell: the segments that hold it are told by their codes. */
static void
lint_cell(struct lint *l, unsigned r, unsigned f, unsigned m)
{
	const struct rsg_segmentdef *s, *first = NULL;

	for (size_t i = 0; i < l->p->nsegments; i++) {
		s = &l->p->segment[i];
		if (!holds(s, r, f, m))
			continue;
		if (first != NULL)
			doubt(l, "segments.json: recency %u, frequency %u, "
			    "monetary %u are in %s and in %s; take them out of "
			    "one", r, f, m, first->code, s->code);
		first = s;
	}
	if (first == NULL)
		doubt(l, "segments.json: recency %u, frequency %u, monetary %u "
		    "are in no segment; add them to one", r, f, m);
}

/*
 * Each cell in one segment, no more and no less. Money is looked at only
 * where a segment does: a fault is told once, not once for each score.
 */
static void
lint_segments(struct lint *l)
{
	const struct rsg_segmentdef *s;
	unsigned bins = l->p->bins, money = 1;

	for (size_t i = 0; i < l->p->nsegments; i++) {
		s = &l->p->segment[i];
		if (s->m_min != 1 || s->m_max != bins)
			money = bins;
	}
	for (unsigned r = 1; r <= bins && l->p->nsegments > 0; r++)
		for (unsigned f = 1; f <= bins; f++)
			for (unsigned m = 1; m <= money; m++)
				lint_cell(l, r, f, m);
}

/* May any role ever do `action` for the purpose, or on the field? */
static bool
anyone(struct lint *l, enum rsg_action action, uint16_t purpose,
    uint16_t field)
{
	struct rsg__cell c = { .state = RSG_STATE_ACTIVE, .context = 7,
	    .consent = true, .action = action };
	struct rsg_answer a;

	for (size_t role = 0; role < l->p->nroles; role++)
		for (size_t i = 0; i < l->p->npurposes; i++) {
			c.role = l->p->role[role].id;
			c.purpose = l->p->purpose[i].def.number;
			if (purpose != 0 && purpose != c.purpose)
				continue;
			rsg__matrix_ask(l->p, &c, &a);
			if (a.err == RSG_OK && (field == 0 ||
			    a.transform[field] != RSG_TR_NONE))
				return true;
		}
	return false;
}

/* Asking people for what nobody will use, or could ever note, is wrong. */
static void
lint_fields(struct lint *l)
{
	for (size_t i = 0; i < l->p->nfields; i++) {
		const struct rsg_fielddef *f = &l->p->field[i];

		if (!anyone(l, RSG_ACT_READ, 0, f->number))
			doubt(l, "fields.json: nobody may ever read \"%s\"; do "
			    "not ask people for it", f->id);
		if (!anyone(l, RSG_ACT_CREATE, 0, f->number) &&
		    !anyone(l, RSG_ACT_CHANGE, 0, f->number))
			doubt(l, "fields.json: nobody may ever write \"%s\"; "
			    "remove it or let someone", f->id);
	}
}

/* Every purpose is for something: a rule names it, or one below it is used. */
static void
lint_purposes(struct lint *l)
{
	for (size_t i = 0; i < l->p->npurposes; i++) {
		const struct rsg_purposedef *d = &l->p->purpose[i].def;
		bool used = false;

		for (size_t k = 0; k < l->p->nrules; k++)
			used = used || l->p->rule[k].purpose[d->number];
		for (size_t k = 0; k < l->p->npurposes; k++)
			used = used || l->p->purpose[k].def.parent == d->number;
		if (!used)
			doubt(l, "purposes.json: no rule of access.json names "
			    "\"%s\"; people are told of a use that nobody has",
			    d->id);
	}
}

/* A purpose that may open a sensitive field: agreed to, or for rights. */
static bool
opens_sensitive(const struct rsg_purposedef *d)
{
	return strcmp(d->basis, "explicit_consent") == 0 ||
	    strcmp(d->basis, "legal_obligation") == 0;
}

/* A rule that names a sensitive field, against the purposes it serves. */
static void
lint_sensitive_rule(struct lint *l, const struct rsg__rule *r,
    const struct rsg_fielddef *f)
{
	const struct rsg_purposedef *d;

	if (r->transform[f->number] == 0 ||
	    r->transform[f->number] == RSG__WITHHOLD)
		return;
	for (size_t i = 0; i < l->p->npurposes; i++) {
		d = &l->p->purpose[i].def;
		if (r->purpose[d->number] && !opens_sensitive(d))
			doubt(l, "access.json: rule \"%s\" opens the sensitive "
			    "field \"%s\" for \"%s\" without explicit consent",
			    r->id, f->id, d->id);
	}
}

static void
lint_sensitive(struct lint *l)
{
	for (size_t k = 0; k < l->p->nrules; k++)
		for (size_t i = 0; i < l->p->nfields; i++)
			if (l->p->role[l->p->rule[k].role].reach !=
			    RSG__REACH_OWN && strcmp(l->p->field[i].category,
			    "sensitive") == 0)
				lint_sensitive_rule(l, &l->p->rule[k],
				    &l->p->field[i]);
}

/* Groups that are small, and customers who could not say no themselves. */
static void
lint_rules(struct lint *l)
{
	bool own = false;

	for (size_t k = 0; k < l->p->nrules; k++) {
		const struct rsg__rule *r = &l->p->rule[k];

		if (r->min_group != 0 && r->min_group < GROUP)
			doubt(l, "access.json: rule \"%s\" gives out groups of "
			    "%u; fewer than %d are easily recognised", r->id,
			    r->min_group, GROUP);
		own = own || (l->p->role[r->role].reach == RSG__REACH_OWN &&
		    (r->actions & 1u << RSG_ACT_CONSENT_WRITE) != 0 &&
		    r->any_purpose);
	}
	if (!own)
		doubt(l, "access.json: no rule lets customers withdraw every "
		    "consent themselves; add one with the action "
		    "\"consent_write\" and the purpose \"*\"");
}

/* One cell in every state and with every combination of what it may name. */
static void
draw_cell(const struct rsg_policy *p, struct rsg__cell c, struct rsg_buf *out)
{
	struct rsg_answer a;

	for (unsigned s = RSG_STATE_ACTIVE; s <= RSG_STATE_BLOCKED; s++)
		for (c.context = 0; c.context < 8; c.context++) {
			c.state = (enum rsg_state)s;
			rsg__matrix_ask(p, &c, &a);
			rsg_buf_u8(out, (uint8_t)a.err);
			rsg_buf_u32(out, a.min_group);
			rsg_buf_u32(out, a.rate);
			rsg_buf_put(out, a.transform, sizeof(a.transform));
		}
}

static void
draw_purpose(const struct rsg_policy *p, size_t role, unsigned action,
    uint16_t purpose, struct rsg_buf *out)
{
	const char *recipient[RSG__RECIPIENTS + 1] = { NULL };
	struct rsg__cell c = { .role = p->role[role].id, .consent = true,
	    .action = (enum rsg_action)action, .purpose = purpose };
	size_t n = 1 + rsg__matrix_recipients(p, recipient + 1, RSG__RECIPIENTS);

	/* Most cells are empty: their place is enough. */
	rsg_buf_u8(out, p->span[role][action][purpose].n > 0);
	if (p->span[role][action][purpose].n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		c.recipient = recipient[i];
		draw_cell(p, c, out);
	}
}

/* All decisions as bytes, to see whether a rule changes any. */
static enum rsg_err
picture(const struct rsg_policy *p, struct rsg_buf *out)
{
	for (size_t role = 0; role < p->nroles; role++)
		for (unsigned act = 1; act < RSG_ACT__MAX; act++)
			for (size_t pu = 0; pu <= p->npurposes; pu++)
				draw_purpose(p, role, act, pu == 0 ? 0 :
				    p->purpose[pu - 1].def.number, out);
	return rsg_buf_err(out);
}

/* A rule that changes nothing hides what does. Each is left out once. */
static enum rsg_err
lint_idle(struct lint *l)
{
	struct rsg_buf with, without;
	enum rsg_err e;

	rsg_buf_init(&with, 64u * 1024 * 1024);
	rsg_buf_init(&without, 64u * 1024 * 1024);
	if ((e = picture(l->p, &with)) != RSG_OK)
		goto done;
	for (size_t k = 0; k < l->p->nrules && e == RSG_OK; k++) {
		rsg_buf_reset(&without);
		if ((e = rsg__access_compile(l->p, k)) != RSG_OK)
			break;
		e = picture(l->p, &without);
		if (e == RSG_OK && with.len == without.len &&
		    memcmp(with.p, without.p, with.len) == 0)
			doubt(l, "access.json: rule \"%s\" changes no decision; "
			    "remove it, or see which rule stands before it",
			    l->p->rule[k].id);
	}
	if (e == RSG_OK)
		e = rsg__access_compile(l->p, RSG__RULES);
done:
	rsg_buf_free(&with);
	rsg_buf_free(&without);
	return e;
}

/* Each line of `faults` again, as a fault. */
static void
put_faults(const struct rsg_buf *faults, struct rsg_buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < faults->len; i++)
		if (faults->p[i] == '\n') {
			rsg_buf_str(out, "fault: ");
			rsg_buf_put(out, faults->p + from, i + 1 - from);
			from = i + 1;
		}
}

enum rsg_err
rsg__policy_open(const char *dir, struct rsg_policy **p, struct rsg_buf *out)
{
	struct rsg_buf bundle, faults;
	enum rsg_err e;

	*p = NULL;
	rsg_buf_init(&bundle, 4u * 1024 * 1024);
	rsg_buf_init(&faults, 1u * 1024 * 1024);
	if ((e = rsg_policy_bundle(dir, &bundle, &faults)) == RSG_OK)
		e = rsg_policy_load(bundle.p, bundle.len, p, &faults);
	put_faults(&faults, out);
	rsg_buf_free(&bundle);
	rsg_buf_free(&faults);
	return e;
}

enum rsg_err
rsg_policy_lint(const char *dir, struct rsg_buf *out)
{
	struct lint l = { .out = out };
	enum rsg_err e;

	if ((e = rsg__policy_open(dir, &l.p, out)) != RSG_OK)
		return e;
	lint_segments(&l);
	lint_fields(&l);
	lint_purposes(&l);
	lint_sensitive(&l);
	lint_rules(&l);
	e = lint_idle(&l);
	rsg_policy_free(l.p);
	if (e == RSG_OK && (e = rsg_buf_err(out)) == RSG_OK && l.found > 0)
		e = RSG_CONFIG;
	return e;
}
