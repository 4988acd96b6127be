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
#include "ops/reportwords.h"
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
		if (in.method != NULL)
			(void)snprintf(v[row].method, sizeof(v[row].method), "%s", in.method);
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

/* What a row is made with: words of the report, and its currency. */
struct sheet {
	struct rsg_buf *out;
	const struct rsg_policy *policy;
	const struct rsg_report *r;
	const struct rsg_reportdef *def;
	const struct rsg_reportwords *words;
};

static void
put_money(const struct sheet *s, enum rsg_field f, int64_t minor)
{
	char text[RSG_MONEY_TEXT];

	if (!rsg_reportwords_has(s->words, f))
		return;
	rsg_money_text(minor, s->r->controller->currency, text);
	rsg_msg_text(s->out, f, text);
}

static void
put_status(const struct sheet *s, uint8_t status)
{
	if (status == 0)
		return;		/* a sum of several */
	if (strcmp(s->def->name, "promises") == 0)
		rsg_msg_text(s->out, RSG_F_STATUS, rsg_report_promise_name(status));
	else if (strcmp(s->def->name, "value") == 0 ||
	    strcmp(s->def->name, "over-limit") == 0)
		rsg_msg_text(s->out, RSG_F_STATUS, rsg_benefit_act_name(status));
	else
		rsg_msg_text(s->out, RSG_F_STATUS, rsg_status_name(status));
}

/* What it is a count of. */
static void
put_marks(const struct sheet *s, const struct rsg_tally_key *k)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(s->policy, k->purpose);
	bool incentive = rsg_reportwords_has(s->words, RSG_F_INCENTIVE);
	char text[32];

	if (k->month != 0) {
		(void)snprintf(text, sizeof(text), "%04d-%02d", k->month / 12, k->month % 12 + 1);
		rsg_msg_text(s->out, RSG_F_PERIOD, text);
	}
	if (k->purpose != 0)
		rsg_msg_text(s->out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (k->channel != RSG_CHANNEL_NONE)
		rsg_msg_text(s->out, RSG_F_CHANNEL, rsg_channel_name(k->channel));
	put_status(s, k->status);
	if (k->source != 0)
		rsg_msg_text(s->out, RSG_F_SOURCE, rsg_origin_name(k->source));
	if (k->name[0] != '\0')
		rsg_msg_text(s->out, incentive ? RSG_F_INCENTIVE : RSG_F_NOTICE, k->name);
}

/* So much was given for data worth so much: "1.37", rounded half up. */
static void
put_ratio(const struct sheet *s, int64_t given, int64_t estimate)
{
	const __int128 hundred = (__int128)given * 100;
	int64_t ratio;
	char text[32];

	if (estimate <= 0 || given < 0 || hundred / estimate > INT64_MAX / 2)
		return;
	ratio = (int64_t)((hundred * 2 + estimate) / ((__int128)estimate * 2));
	(void)snprintf(text, sizeof(text), "%lld.%02lld", (long long)(ratio / 100),
	    (long long)(ratio % 100));
	rsg_msg_text(s->out, RSG_F_RATIO, text);
}

static void
put_estimate(const struct sheet *s, const struct rsg_tally_row *row)
{
	const struct rsg_report_value *v = rsg_report_value_of(s->r, row->key.name);

	if (row->estimate == 0)
		return;
	put_money(s, RSG_F_ESTIMATE, row->estimate);
	if (v != NULL && v->method[0] != '\0')
		rsg_msg_text(s->out, RSG_F_ESTIMATE_METHOD, v->method);
	if (row->key.total != 0)
		put_ratio(s, row->net, row->estimate);
}

static void
put_row(const struct sheet *s, enum rsg_field list, const struct rsg_tally_row *row)
{
	size_t mark = rsg_msg_open(s->out, list);
	unsigned within = rsg_report_within(row->key.within);

	put_marks(s, &row->key);
	if (within != 0)
		rsg_msg_int(s->out, RSG_F_WITHIN, within);
	rsg_msg_int(s->out, RSG_F_COUNT, row->count);
	if (rsg_reportwords_has(s->words, RSG_F_PEOPLE))
		rsg_msg_int(s->out, RSG_F_PEOPLE, row->people);
	put_money(s, RSG_F_COST, row->given);
	put_estimate(s, row);
	put_money(s, RSG_F_NET, row->net);
	put_money(s, RSG_F_COST_GOODS, row->goods);
	put_money(s, RSG_F_COST_BENEFITS, row->given);
	put_money(s, RSG_F_MARGIN, rsg_report_margin(row));
	if (rsg_reportwords_has(s->words, RSG_F_CURRENCY))
		rsg_msg_text(s->out, RSG_F_CURRENCY, s->r->controller->currency);
	rsg_msg_close(s->out, mark);
}

static void
put_words(const struct sheet *s, enum rsg_lang lang)
{
	rsg_msg_text(s->out, RSG_F_TITLE, s->words->title[lang]);
	if (rsg_reportwords_has(s->words, RSG_F_CURRENCY))
		rsg_msg_text(s->out, RSG_F_CURRENCY, s->r->controller->currency);
	for (size_t i = 0; i < s->words->n; i++) {
		size_t mark = rsg_msg_open(s->out, RSG_F_LEGEND);

		rsg_msg_text(s->out, RSG_F_KEY, rsg_msg_field(s->words->column[i].field)->json);
		rsg_msg_text(s->out, RSG_F_VALUE, s->words->column[i].what[lang]);
		rsg_msg_close(s->out, mark);
	}
}

static enum rsg_err
answer(struct rsg_worker *w, struct rsg_call *c, const struct rsg_report *r,
    const struct rsg_reportdef *def)
{
	const bool totals = rsg_msg_get_int(c->in, RSG_F_ONLY_TOTALS, 0) != 0;
	const struct sheet s = { &c->out, w->policy, r, def, rsg_reportwords(def->name) };
	const struct rsg_tally_row *row;
	size_t n;

	if (s.words == NULL)
		return RSG_INTERNAL;
	row = rsg_tally_rows(r->tally, &n);
	rsg_msg_text(&c->out, RSG_F_REPORT, def->name);
	rsg_msg_int(&c->out, RSG_F_FROM, r->from);
	rsg_msg_int(&c->out, RSG_F_TO, r->to);
	put_words(&s, rsg_call_language(c));
	rsg_msg_int(&c->out, RSG_F_PEOPLE, r->people);
	for (size_t i = 0; i < n; i++)
		if (row[i].key.total == 0 && !totals)
			put_row(&s, RSG_F_ROWS, &row[i]);
		else if (row[i].key.total != 0)
			put_row(&s, totals ? RSG_F_ROWS : RSG_F_TOTALS, &row[i]);
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
	if (e == RSG_OK && (e = answer(w, c, &r, def)) == RSG_OK)
		e = rsg_audit_commit(w, c);
done:
	rsg_tally_free(r.tally);
	free((void *)(uintptr_t)r.value);
	return e;
}
