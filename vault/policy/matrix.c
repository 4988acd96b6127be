/*
 * matrix.c - every decision that is ever a yes, as text.
 *
 * It is written from answers, not from rules: what it shows is what deciding
 * does, and a change of either shows as a changed line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/matrix.h"
#include "policy/policytool.h"

static const uint8_t transforms[] = { RSG_TR_CLEAR, RSG_TR_MASKED,
	RSG_TR_GENERALISED };

void
rsg__matrix_ask(const struct rsg_policy *p, const struct rsg__cell *c,
    struct rsg_answer *a)
{
	struct rsg_grant grant[RSG_CHANNEL__MAX + 1];
	struct rsg_standing s = { .state = c->state, .self = true };
	struct rsg_question q = { .role = c->role, .recipient = c->recipient,
	    .action = c->action, .purpose = c->purpose, .channel = c->channel,
	    .standing = &s, .staff = c->context & 1, .place = c->context & 2,
	    .reason = c->context & 4, .now = 1 };
	uint16_t field[RSG_POLICY_FIELDS];

	if ((rsg__action_about(c->action) & RSG__ACT_FIELDS) != 0) {
		for (size_t i = 0; i < p->nfields; i++)
			field[q.nfields++] = p->field[i].number;
		q.field = field;
	}
	for (uint8_t ch = 0; c->consent && ch < RSG_CHANNEL__MAX; ch++)
		grant[s.ngrants++] = (struct rsg_grant){ .purpose = c->purpose,
		    .channel = ch, .status = RSG_STATUS_GIVEN };
	if (c->objects)
		grant[s.ngrants++] = (struct rsg_grant){ .purpose = c->purpose,
		    .status = RSG_STATUS_OBJECTED };
	s.grant = grant;
	rsg_policy_decide(p, &q, a);
	/* A rule without fields may allow the action for itself. */
	if (a->err != RSG_OK && q.nfields > 0) {
		q.nfields = 0;
		rsg_policy_decide(p, &q, a);
	}
}

static void
put_fields(const struct rsg_policy *p, const struct rsg_answer *a,
    struct rsg_buf *out)
{
	bool any;

	for (size_t t = 0; t < sizeof(transforms); t++) {
		any = false;
		for (size_t i = 0; i < p->nfields; i++) {
			const struct rsg_fielddef *f = &p->field[i];

			if (a->transform[f->number] != transforms[t])
				continue;
			if (!any)
				rsg_buf_printf(out, "    %s:", rsg_transform_name(
				    (enum rsg_transform)transforms[t]));
			rsg_buf_printf(out, " %s", f->id);
			any = true;
		}
		if (any)
			rsg_buf_str(out, "\n");
	}
}

/* What the request must name: each is left out once. */
static void
put_context(const struct rsg_policy *p, struct rsg__cell c, struct rsg_buf *out)
{
	struct rsg_answer a;

	for (unsigned bit = 0; bit < 3; bit++) {
		c.context = 7u & ~(1u << bit);
		rsg__matrix_ask(p, &c, &a);
		if (a.err == RSG_CONTEXT_REQUIRED)
			rsg_buf_printf(out, " +%s", rsg_require_name(bit));
	}
}

/* The other states in which it is still a yes. */
static void
put_states(const struct rsg_policy *p, struct rsg__cell c, struct rsg_buf *out)
{
	struct rsg_answer a;

	for (unsigned s = RSG_STATE_RESTRICTED; s <= RSG_STATE_ERASED; s++) {
		c.state = (enum rsg_state)s;
		rsg__matrix_ask(p, &c, &a);
		if (a.err == RSG_OK)
			rsg_buf_printf(out, " %s", rsg__state_name(s));
	}
}

/*
 * One line for what is ever a yes, with what it takes: the same question is
 * asked again without consent and with an objection, to see which it needs.
 */
static void
put_cell(const struct rsg_policy *p, const struct rsg__cell *c,
    struct rsg_buf *out)
{
	const struct rsg_purposedef *pu = rsg_policy_purpose_no(p, c->purpose);
	struct rsg__cell without = *c, objects = *c;
	struct rsg_answer a, b, o;

	rsg__matrix_ask(p, c, &a);
	if (a.err != RSG_OK)
		return;
	without.consent = false;
	rsg__matrix_ask(p, &without, &b);
	objects.objects = true;
	rsg__matrix_ask(p, &objects, &o);
	rsg_buf_printf(out, "%s %s %s", c->role, rsg_action_name(c->action),
	    pu != NULL ? pu->id : "-");
	if (c->recipient != NULL)
		rsg_buf_printf(out, " for %s", c->recipient);
	if (b.err != RSG_OK)
		rsg_buf_printf(out, ": %s", b.clause);
	else
		rsg_buf_printf(out, ": always%s%s", o.err == RSG_OK ? "" :
		    " but ", o.err == RSG_OK ? "" : o.clause);
	put_context(p, *c, out);
	rsg_buf_str(out, " [active");
	put_states(p, *c, out);
	rsg_buf_printf(out, "] %s", a.clause);
	if (a.min_group != 0)
		rsg_buf_printf(out, " group>=%u", a.min_group);
	if (a.rate != 0)
		rsg_buf_printf(out, " %u/min", a.rate);
	rsg_buf_str(out, "\n");
	put_fields(p, &a, out);
}

/* The recipients that rules name, in their order, each once. */
size_t
rsg__matrix_recipients(const struct rsg_policy *p, const char **name, size_t max)
{
	const char *s;
	size_t n = 0, i;

	for (size_t k = 0; k < p->nrules; k++)
		for (size_t j = 0; j < rsg_json_size(p->rule[k].recipients); j++) {
			s = rsg_json_string(rsg_json_at(p->rule[k].recipients,
			    j), NULL);
			for (i = 0; i < n && strcmp(name[i], s) != 0; i++)
				;
			if (i == n && n < max)
				name[n++] = s;
		}
	return n;
}

enum rsg_err
rsg_policy_matrix(const struct rsg_policy *p, struct rsg_buf *out)
{
	const char *recipient[RSG__RECIPIENTS + 1];
	struct rsg__cell c = { .state = RSG_STATE_ACTIVE, .context = 7,
	    .consent = true };
	size_t n;

	recipient[0] = NULL;
	n = 1 + rsg__matrix_recipients(p, recipient + 1, RSG__RECIPIENTS);
	for (size_t role = 0; role < p->nroles; role++)
		for (unsigned act = 1; act < RSG_ACT__MAX; act++)
			for (size_t pu = 0; pu <= p->npurposes; pu++)
				for (size_t i = 0; i < n; i++) {
					c.role = p->role[role].id;
					c.action = (enum rsg_action)act;
					c.purpose = pu == 0 ? 0 :
					    p->purpose[pu - 1].def.number;
					c.recipient = recipient[i];
					put_cell(p, &c, out);
				}
	return rsg_buf_err(out);
}
