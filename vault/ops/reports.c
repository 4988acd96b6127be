/*
 * Reports: counts of people by purpose, channel, status, notice and source.
 * Making one is an access, and audited as one about as many people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benefit/benefit.h"
#include "consent/notice.h"
#include "consent/rules.h"
#include "ops/admin.h"
#include "ops/ops.h"
#include "receipt/report.h"
#include "resguardo/clock.h"
#include "subject/money.h"
#include "work/vault.h"

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct rsg_report_value *)a)->name,
	    ((const struct rsg_report_value *)b)->name);
}

/* What each version of each incentive says that the data is worth. */
static enum rsg_err
read_values(struct rsg_worker *w, struct rsg_report *r)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_INCENTIVES);
	const struct rsg_result *rows;
	struct rsg_report_value *v;
	struct rsg_incentive in;
	int n;
	enum rsg_err e;

	rsg_bind_int(b, 0, r->controller->number);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	rows = rsg_db_result(w->db, n);
	if ((v = calloc((size_t)rsg_result_rows(rows) + 1, sizeof(*v))) == NULL)
		return RSG_NO_MEMORY;
	r->value = v;
	for (int row = 0; row < rsg_result_rows(rows); row++) {
		if ((e = rsg_incentive_row(w->vault->keys, w->policy,
		    r->controller->currency, rows, row, &in)) != RSG_OK)
			return e;
		(void)snprintf(v[row].name, sizeof(v[row].name), "%.60s:%u", in.name,
		    in.version);
		v[row].estimate = in.estimate_value;
		rsg_incentive_free(&in);
		r->nvalues++;
	}
	qsort(v, r->nvalues, sizeof(*v), by_name);
	return RSG_OK;
}

static enum rsg_err
read_question(struct rsg_worker *w, struct rsg_call *c, struct rsg_report *r,
    const struct rsg_reportdef **def)
{
	char name[33];
	enum rsg_err e;

	if (c->actor.admin) {
		if ((e = rsg_admin_named(w, c, &r->controller)) != RSG_OK)
			return e;
		if (r->controller == NULL)
			return rsg_call_fail(c, RSG_MISSING_MEMBER, "controller", NULL);
	} else if ((r->controller = rsg_vault_controller(w->vault,
	    c->actor.controller)) == NULL)
		return RSG_INTERNAL;
	(void)rsg_msg_get_text(c->in, RSG_F_REPORT, name, sizeof(name));
	if ((*def = rsg_report_find(name)) == NULL)
		return rsg_call_fail(c, RSG_NOT_FOUND, "report", NULL);
	r->vault = w->vault;
	r->now = w->now;
	r->to = rsg_msg_get_int(c->in, RSG_F_TO, w->now + 1 +
	    (*def)->days_on * RSG_DAY_US);
	r->from = rsg_msg_get_int(c->in, RSG_F_FROM, w->now -
	    (*def)->days_back * RSG_DAY_US);
	if (r->from > r->to)
		return rsg_call_fail(c, RSG_BAD_VALUE, "from", NULL);
	r->again = rsg_notices_again(w->notices, r->controller->number, &r->nagain);
	return RSG_OK;
}

/* --- The answer --- */

static void
put_name(struct rsg_buf *out, bool incentives, const char *name)
{
	if (name[0] != '\0')
		rsg_msg_text(out, incentives ? RSG_F_INCENTIVE : RSG_F_NOTICE, name);
}

static void
put_status(struct rsg_buf *out, const struct rsg_reportdef *def, uint8_t status)
{
	if (strcmp(def->name, "promises") == 0)
		rsg_msg_text(out, RSG_F_STATUS, rsg_report_promise_name(status));
	else if (strcmp(def->name, "value") == 0)
		rsg_msg_text(out, RSG_F_STATUS, rsg_benefit_act_name(status));
	else
		rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(status));
}

static void
put_row(struct rsg_worker *w, struct rsg_buf *out, const struct rsg_report *r,
    const struct rsg_reportdef *def, const struct rsg_tally_row *row)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, row->key.purpose);
	bool benefits = strcmp(def->name, "value") == 0 ||
	    strcmp(def->name, "withdrawals") == 0 || strcmp(def->name, "promises") == 0;
	size_t mark = rsg_msg_open(out, RSG_F_ROWS);
	char text[RSG_MONEY_TEXT + 16];

	if (row->key.month != 0) {
		(void)snprintf(text, sizeof(text), "%04d-%02d", row->key.month / 12,
		    row->key.month % 12 + 1);
		rsg_msg_text(out, RSG_F_PERIOD, text);
	}
	if (row->key.purpose != 0)
		rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (row->key.channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(row->key.channel));
	put_status(out, def, row->key.status);
	if (row->key.source != 0)
		rsg_msg_text(out, RSG_F_SOURCE, rsg_origin_name(row->key.source));
	put_name(out, benefits, row->key.name);
	rsg_msg_int(out, RSG_F_COUNT, row->count);
	if (benefits) {
		rsg_money_text(row->given, r->controller->currency, text);
		rsg_msg_text(out, RSG_F_COST, text);
	}
	if (row->estimate != 0) {
		rsg_money_text(row->estimate, r->controller->currency, text);
		rsg_msg_text(out, RSG_F_ESTIMATE, text);
	}
	rsg_msg_close(out, mark);
}

static enum rsg_err
answer(struct rsg_worker *w, struct rsg_call *c, const struct rsg_report *r,
    const struct rsg_reportdef *def)
{
	const struct rsg_tally_row *row;
	size_t n;

	row = rsg_tally_rows(r->tally, &n);
	rsg_msg_text(&c->out, RSG_F_REPORT, def->name);
	rsg_msg_int(&c->out, RSG_F_FROM, r->from);
	rsg_msg_int(&c->out, RSG_F_TO, r->to);
	rsg_msg_int(&c->out, RSG_F_PEOPLE, r->people);
	for (size_t i = 0; i < n; i++)
		put_row(w, &c->out, r, def, &row[i]);
	c->draft.people = (uint32_t)r->people;
	(void)snprintf(c->draft.basis, sizeof(c->draft.basis), "report:%s", def->name);
	return rsg_buf_err(&c->out);
}

enum rsg_err
rsg_op_report(struct rsg_worker *w, struct rsg_call *c)
{
	uint16_t purpose = rsg_policy_default(w->policy, RSG_ACT_REPORT);
	const struct rsg_reportdef *def = NULL;
	struct rsg_report r = { .vault = w->vault };
	struct rsg_answer allowed;
	enum rsg_err e;

	if ((e = read_question(w, c, &r, &def)) != RSG_OK ||
	    (e = rsg_call_allowed(w, c, RSG_ACT_REPORT, purpose, NULL, 0, NULL,
	    &allowed)) != RSG_OK)
		return e;
	if ((strcmp(def->name, "value") == 0 && (e = read_values(w, &r)) != RSG_OK) ||
	    (e = rsg_tally_new(&r.tally)) != RSG_OK)
		goto done;
	if ((e = def->run(&r)) == RSG_TOO_LARGE)
		e = rsg_call_fail(c, e, "from", NULL);
	if (e == RSG_OK && (e = answer(w, c, &r, def)) == RSG_OK &&
	    (e = rsg_audit_stage(w, c)) == RSG_OK) {
		rsg_audit_send(w);
		e = rsg_db_commit(w->db);
	}
done:
	rsg_tally_free(r.tally);
	free((void *)(uintptr_t)r.value);
	return e;
}
