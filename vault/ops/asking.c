/*
 * Who has to be asked again, one by one: a page at a time, in the order of
 * their ids, so that nobody is passed over or named twice while people come
 * and change. Being looked at here is an access of each who is named.
 */
#include <string.h>

#include "consent/notice.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "receipt/report.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"
#include "segment/scan.h"
#include "work/among.h"
#include "work/vault.h"

#define LIMIT_DEFAULT	200
#define LIMIT_MAX	1000
#define STEP		2000		/* people in a fetch */
#define LOOKED_MAX	200000		/* in a page: it may be empty and not the last */

struct asking {
	struct rsg_worker *w;
	struct rsg_call *c;
	struct rsg_report r;
	struct rsg_scan_desk *desk;	/* in locked memory */
	struct rsg_among *named;
	int64_t limit, people, looked;
	struct rsg_id after;
	bool more;
};

static enum rsg_err
read_question(struct asking *a)
{
	struct rsg_call *c = a->c;
	uint8_t token[RSG_ID_LEN];
	size_t n;
	enum rsg_err e;

	a->limit = rsg_msg_get_int(c->in, RSG_F_LIMIT, LIMIT_DEFAULT);
	if (a->limit < 1 || a->limit > LIMIT_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "limit", NULL);
	a->r.now = a->w->now;
	a->r.to = rsg_msg_get_int(c->in, RSG_F_TO, a->w->now + 1);
	a->r.again = rsg_notices_again(a->w->notices, c->actor.controller, &a->r.nagain);
	memset(&a->after, 0, sizeof(a->after));
	if (!rsg_msg_has(c->in, RSG_F_CURSOR))
		return RSG_OK;
	if ((e = rsg_token_open(a->w, c, "ask-again", token, sizeof(token), &n)) != RSG_OK)
		return e;
	if (n != sizeof(token))
		return rsg_call_fail(c, RSG_BAD_CURSOR, "cursor", NULL);
	memcpy(a->after.b, token, sizeof(token));
	return RSG_OK;
}

static void
put(struct asking *a, const struct rsg_id *id, const struct rsg_grant *g,
    enum rsg_status why)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(a->w->policy, g->purpose);
	struct rsg_buf *out = &a->c->out;
	size_t mark = rsg_msg_open(out, RSG_F_TO_ASK);

	rsg_msg_id(out, RSG_F_SUBJECT, id);
	rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (g->channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(g->channel));
	rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(why));
	rsg_msg_int(out, RSG_F_SINCE, g->since);
	if (g->until != 0)
		rsg_msg_int(out, RSG_F_UNTIL, g->until);
	rsg_msg_close(out, mark);
}

/* Whoever is named is named with all that they have to be asked. */
static enum rsg_err
look(struct asking *a, const struct rsg_result *r, int row)
{
	struct rsg_scan_row x = { 0 };
	enum rsg_status why;
	bool any = false;
	enum rsg_err e;

	rsg_result_id(r, row, 0, &x.subject);
	x.controller = (uint32_t)rsg_result_int(r, row, 1);
	x.version = (uint64_t)rsg_result_int(r, row, 2);
	x.generation = (uint32_t)rsg_result_int(r, row, 3);
	x.keyset = rsg_result_bytes(r, row, 4, &x.nkeyset);
	x.header = rsg_result_bytes(r, row, 5, &x.nheader);
	x.activity = rsg_result_bytes(r, row, 6, &x.nactivity);
	if (rsg_result_null(r, row, 6))
		x.activity = NULL;
	a->after = x.subject;
	a->looked++;
	if ((e = rsg_scan_open_header(a->w->vault->keys, &x, a->desk)) != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_OK : e;
	if (a->desk->head.state != RSG_STATE_ACTIVE)
		return RSG_OK;
	for (size_t i = 0; i < a->desk->head.ngrants; i++)
		if (rsg_report_again(&a->r, &a->desk->head.grant[i], &why)) {
			put(a, &x.subject, &a->desk->head.grant[i], why);
			any = true;
		}
	if (any) {
		rsg_among_add(a->named, a->desk->keys.key[RSG_KEY_EVIDENCE], &x.subject);
		a->people++;
	}
	return RSG_OK;
}

/* A fetch at a time: what one brought goes before the next comes. */
static enum rsg_err
step(struct asking *a)
{
	struct rsg_bind *b = rsg_db_bind(a->w->db, RSG_SQL_PEOPLE_AFTER);
	const struct rsg_result *r;
	int sent, rows, row;
	enum rsg_err e;

	rsg_bind_int(b, 0, a->c->actor.controller);
	rsg_bind_id(b, 1, &a->after);
	rsg_bind_int(b, 2, STEP);
	sent = rsg_db_send(a->w->db, b);
	if ((e = rsg_db_commit(a->w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(a->w->db, sent);
	rows = rsg_result_rows(r);
	for (row = 0; row < rows && a->people < a->limit && e == RSG_OK; row++)
		e = look(a, r, row);
	a->more = row < rows || rows == STEP;
	return e;
}

static enum rsg_err
answer(struct asking *a)
{
	struct rsg_draft *d = &a->c->draft;
	enum rsg_err e;

	rsg_msg_int(&a->c->out, RSG_F_TO, a->r.to);
	rsg_msg_int(&a->c->out, RSG_F_LOOKED, a->looked);
	if (a->more && (e = rsg_token_put(a->w, a->c, "ask-again", a->after.b,
	    RSG_ID_LEN)) != RSG_OK)
		return e;
	rsg_among_end(a->named);
	memcpy(d->basis, "report:ask-again", sizeof("report:ask-again"));
	if ((e = rsg_buf_err(&a->c->out)) != RSG_OK ||
	    (e = rsg_audit_stage(a->w, a->c)) != RSG_OK)
		return e;
	rsg_audit_send(a->w);
	return rsg_db_commit(a->w->db);
}

enum rsg_err
rsg_op_ask_again(struct rsg_worker *w, struct rsg_call *c)
{
	struct asking a = { .w = w, .c = c, .more = true };
	struct rsg_answer allowed;
	uint16_t purpose;
	enum rsg_err e;

	if ((e = read_question(&a)) != RSG_OK ||
	    (e = rsg_call_purpose(w, c, RSG_ACT_REPORT_PEOPLE, &purpose)) != RSG_OK ||
	    (e = rsg_call_allowed(w, c, RSG_ACT_REPORT_PEOPLE, purpose, NULL, 0, NULL,
	    &allowed)) != RSG_OK)
		return e;
	a.desk = rsg_secret_alloc(sizeof(*a.desk));
	e = rsg_among_new(w, c, LIMIT_MAX, &a.named);
	if (a.desk == NULL)
		e = RSG_NO_MEMORY;
	while (e == RSG_OK && a.more && a.people < a.limit && a.looked < LOOKED_MAX)
		e = step(&a);
	if (e == RSG_OK)
		e = answer(&a);
	rsg_among_free(a.named);
	rsg_secret_free(a.desk);
	return e;
}
