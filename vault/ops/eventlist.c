/*
 * What happened to one person, page by page.
 */
#include <string.h>

#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "subject/event.h"
#include "subject/money.h"

#define LIMIT_DEFAULT	100
#define LIMIT_MAX	200

static const struct { enum rsg_field field; enum rsg_event_text text; } texts[] = {
	{ RSG_F_CATEGORY, RSG_EV_CATEGORY }, { RSG_F_STORE, RSG_EV_STORE },
	{ RSG_F_CHANNEL, RSG_EV_CHANNEL }, { RSG_F_PAYMENT, RSG_EV_PAYMENT },
	{ RSG_F_DOCUMENT, RSG_EV_DOCUMENT }, { RSG_F_ITEM, RSG_EV_ITEM },
};

static void
put_event(struct rsg_worker *w, struct rsg_buf *out, const struct rsg_id *id,
    const struct rsg_event *ev)
{
	size_t mark = rsg_msg_open(out, RSG_F_EVENTS);
	char money[RSG_MONEY_TEXT];
	const char *kind = rsg_policy_kind_name(w->policy, ev->kind);

	rsg_msg_text(out, RSG_F_KIND, kind == NULL ? "retired-kind" : kind);
	rsg_msg_int(out, RSG_F_TIME, ev->time);
	if (ev->amount != 0) {
		rsg_money_text(ev->amount, ev->currency, money);
		rsg_msg_text(out, RSG_F_AMOUNT, money);
		rsg_msg_text(out, RSG_F_CURRENCY, ev->currency);
	}
	if (ev->quantity != 0)
		rsg_msg_int(out, RSG_F_QUANTITY, ev->quantity);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (ev->text[texts[i].text].len > 0)
			rsg_msg_bytes(out, texts[i].field, ev->text[texts[i].text].p,
			    ev->text[texts[i].text].len);
	rsg_msg_id(out, RSG_F_EVENT, id);
	rsg_msg_close(out, mark);
}

static enum rsg_err
show(struct rsg_worker *w, struct rsg_call *c, const struct rsg_subject *s,
    const struct rsg_result *r, int64_t limit)
{
	struct rsg_event ev;
	struct rsg_id id = { { 0 } };
	enum rsg_err e;

	rsg_msg_id(&c->out, RSG_F_SUBJECT, &s->id);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t len;
		const uint8_t *sealed = rsg_result_bytes(r, row, 1, &len);
		uint8_t *text = rsg_arena_get(w->arena, len);

		if (text == NULL)
			return RSG_NO_MEMORY;
		rsg_result_id(r, row, 0, &id);
		e = rsg_event_open(s->keys.key[RSG_KEY_ACTIVITY], s->controller,
		    &s->id, &id, sealed, len, text, &ev);
		if (e != RSG_OK)
			return e;
		put_event(w, &c->out, &id, &ev);
	}
	if (rsg_result_rows(r) == limit &&
	    (e = rsg_token_put(w, c, "events", id.b, RSG_ID_LEN)) != RSG_OK)
		return e;
	return rsg_buf_err(&c->out);
}

enum rsg_err
rsg_op_event_list(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_subject s;
	struct rsg_answer answer;
	struct rsg_id id, after = { { 0 } };
	struct rsg_bind *b;
	uint16_t purpose;
	int64_t limit = rsg_msg_get_int(c->in, RSG_F_LIMIT, LIMIT_DEFAULT);
	size_t n;
	int rows;
	enum rsg_err e;

	memset(&s, 0, sizeof(s));
	if (limit < 1 || limit > LIMIT_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "limit", NULL);
	if (rsg_msg_has(c->in, RSG_F_CURSOR) && ((e = rsg_token_open(w, c, "events",
	    after.b, sizeof(after.b), &n)) != RSG_OK))
		return e;
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_call_purpose(w, c, RSG_ACT_EVENT_READ, &purpose)) != RSG_OK ||
	    (e = rsg_people_open(w, c, &id, &s)) != RSG_OK ||
	    (e = rsg_people_allowed(w, c, &s, RSG_ACT_EVENT_READ, purpose,
	    &answer)) != RSG_OK)
		goto done;
	b = rsg_db_bind(w->db, RSG_SQL_EVENT_LIST);
	rsg_bind_id(b, 0, &id);
	rsg_bind_id(b, 1, &after);
	rsg_bind_int(b, 2, limit);
	rows = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK ||
	    (e = show(w, c, &s, rsg_db_result(w->db, rows), limit)) != RSG_OK)
		goto done;
	e = rsg_audit_commit(w, c);
done:
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}
