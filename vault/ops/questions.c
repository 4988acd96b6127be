/*
 * Questions: a clock runs from the asking until somebody reports the answer,
 * and who is responsible sees which have run out.
 */
#include <string.h>

#include "ops/contacts.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/vault.h"

#define OPEN		1		/* request.state; stored */
#define ANSWERED	2
#define REQUEST_VERSION	1
#define KEY_EPOCH	1
#define LIMIT_DEFAULT	100
#define LIMIT_MAX	1000

static enum rsg_err
request_mac(const struct rsg_keyring *keys, const struct rsg_id *subject,
    const struct rsg_id *request, int state, int64_t received, int64_t due,
    const void *sealed, size_t len, uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 8192);
	rsg_buf_put(&b, subject->b, RSG_ID_LEN);
	rsg_buf_put(&b, request->b, RSG_ID_LEN);
	rsg_buf_u16(&b, RSG_QUESTION);
	rsg_buf_u16(&b, (uint16_t)state);
	rsg_buf_u64(&b, (uint64_t)received);
	rsg_buf_u64(&b, (uint64_t)due);
	rsg_buf_put(&b, sealed, len);
	if ((e = rsg_buf_err(&b)) == RSG_OK)
		e = rsg_row_mac(keys, "request", &b, mac);
	rsg_buf_free(&b);
	return e;
}

/* A clock that runs until somebody reports the answer. */
enum rsg_err
rsg_question_start(struct rsg_item *it, const struct rsg_contact *k)
{
	struct rsg_worker *w = it->batch->w;
	struct rsg_subject *s = it->subject;
	struct rsg_id id = rsg_id_new();
	struct rsg_place_of at = { .kind = RSG_SEAL_REQUEST, .controller = s->controller,
	    .pk = s->id, .pk2 = id, .version = 1, .generation = KEY_EPOCH };
	int64_t due = k->time + rsg_policy_contact(w->policy)->answer_days * RSG_DAY_US;
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_buf text, sealed;
	struct rsg_bind *q;
	enum rsg_err e;

	rsg_buf_init(&text, 1024);
	rsg_buf_init(&sealed, 4096);
	rsg_buf_u8(&text, REQUEST_VERSION);
	rsg_buf_u8(&text, (uint8_t)k->channel);
	rsg_buf_u16(&text, k->purpose);
	rsg_buf_u64(&text, (uint64_t)k->time);
	rsg_buf_put(&text, it->call->actor.principal.b, RSG_ID_LEN);
	if ((e = rsg_buf_err(&text)) != RSG_OK || (e = rsg_seal(
	    s->keys.key[RSG_KEY_EVIDENCE], &at, text.p, text.len, &sealed)) != RSG_OK ||
	    (e = rsg_buf_err(&sealed)) != RSG_OK || (e = request_mac(w->vault->keys,
	    &s->id, &id, OPEN, k->time, due, sealed.p, sealed.len, mac)) != RSG_OK)
		goto done;
	q = rsg_stage(it->batch, RSG_SQL_REQUEST_INSERT);
	rsg_bind_id(q, 0, &s->id);
	rsg_bind_id(q, 1, &id);
	rsg_bind_int(q, 2, RSG_QUESTION);
	rsg_bind_int(q, 3, OPEN);
	rsg_bind_int(q, 4, k->time);
	rsg_bind_int(q, 5, due);
	rsg_bind_bytes(q, 6, sealed.p, sealed.len);
	rsg_bind_bytes(q, 7, mac, sizeof(mac));
	rsg_msg_int(&it->call->out, RSG_F_DUE, due);
done:
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}

enum rsg_err
rsg_question_stop(struct rsg_item *it)
{
	const struct rsg_result *r = rsg_item_rows(it, RSG_SQL_REQUESTS_OPEN);
	const struct rsg_keyring *keys = it->batch->w->vault->keys;
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *sealed, *was;
	struct rsg_id who, id;
	struct rsg_bind *q;
	size_t len, nwas;
	enum rsg_err e;

	for (int row = 0; r != NULL && row < rsg_result_rows(r); row++) {
		int64_t received = rsg_result_int(r, row, 3), due = rsg_result_int(r, row, 4);

		rsg_result_id(r, row, 0, &who);
		rsg_result_id(r, row, 1, &id);
		if (!rsg_id_eq(&who, &it->subject->id))
			continue;
		sealed = rsg_result_bytes(r, row, 5, &len);
		was = rsg_result_bytes(r, row, 6, &nwas);
		if ((e = request_mac(keys, &who, &id, OPEN, received, due, sealed, len,
		    mac)) != RSG_OK)
			return e;
		if (nwas != sizeof(mac) || !rsg_secret_equal(mac, was, sizeof(mac)))
			return RSG_TAMPERED;
		if ((e = request_mac(keys, &who, &id, ANSWERED, received, due, sealed,
		    len, mac)) != RSG_OK)
			return e;
		q = rsg_stage(it->batch, RSG_SQL_REQUEST_STATE);
		rsg_bind_id(q, 0, &who);
		rsg_bind_id(q, 1, &id);
		rsg_bind_int(q, 2, ANSWERED);
		rsg_bind_bytes(q, 3, mac, sizeof(mac));
	}
	return RSG_OK;
}

/* --- Those that wait too long --- */

static enum rsg_err
put_question(struct rsg_worker *w, struct rsg_call *c, const struct rsg_result *r,
    int row, struct rsg_id *id)
{
	int64_t received = rsg_result_int(r, row, 2), due = rsg_result_int(r, row, 3);
	uint8_t mac[RSG_DIGEST_LEN];
	size_t len, nwas, mark;
	const uint8_t *sealed = rsg_result_bytes(r, row, 4, &len);
	const uint8_t *was = rsg_result_bytes(r, row, 5, &nwas);
	struct rsg_id who;
	enum rsg_err e;

	rsg_result_id(r, row, 0, &who);
	rsg_result_id(r, row, 1, id);
	if ((e = request_mac(w->vault->keys, &who, id, OPEN, received, due, sealed, len,
	    mac)) != RSG_OK)
		return e;
	if (nwas != sizeof(mac) || !rsg_secret_equal(mac, was, sizeof(mac))) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "request",
		    "subject", RSG_LOG_ID, &who, NULL);
		return RSG_TAMPERED;
	}
	mark = rsg_msg_open(&c->out, RSG_F_QUESTIONS);
	rsg_msg_id(&c->out, RSG_F_SUBJECT, &who);
	rsg_msg_id(&c->out, RSG_F_QUESTION, id);
	rsg_msg_int(&c->out, RSG_F_SINCE, received);
	rsg_msg_int(&c->out, RSG_F_DUE, due);
	rsg_msg_close(&c->out, mark);
	return RSG_OK;
}

static enum rsg_err
put_questions(struct rsg_worker *w, struct rsg_call *c, const struct rsg_result *r,
    int64_t limit)
{
	int rows = rsg_result_rows(r);
	struct rsg_id id;
	enum rsg_err e;

	for (int row = 0; row < rows; row++)
		if ((e = put_question(w, c, r, row, &id)) != RSG_OK)
			return e;
	if (rows == 0 || rows < limit)
		return RSG_OK;
	return rsg_due_put(w, c, "questions", rsg_result_int(r, rows - 1, 3), &id);
}

enum rsg_err
rsg_op_questions(struct rsg_worker *w, struct rsg_call *c)
{
	int64_t limit = rsg_msg_get_int(c->in, RSG_F_LIMIT, LIMIT_DEFAULT), due;
	struct rsg_answer answer;
	struct rsg_bind *b, *count;
	const struct rsg_result *sum;
	struct rsg_id after;
	uint16_t purpose;
	int rows, sums;
	enum rsg_err e;

	if (limit < 1 || limit > LIMIT_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "limit", NULL);
	if ((e = rsg_due_open(w, c, "questions", &due, &after)) != RSG_OK ||
	    (e = rsg_call_purpose(w, c, RSG_ACT_CONTACT_READ, &purpose)) != RSG_OK ||
	    (e = rsg_call_allowed(w, c, RSG_ACT_CONTACT_READ, purpose, NULL, 0, NULL,
	    &answer)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_REQUESTS_OVERDUE);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_int(b, 1, RSG_QUESTION);
	rsg_bind_int(b, 2, w->now);
	rsg_bind_int(b, 3, due);
	rsg_bind_id(b, 4, &after);
	rsg_bind_int(b, 5, limit);
	count = rsg_db_bind(w->db, RSG_SQL_REQUESTS_COUNT);
	rsg_bind_int(count, 0, c->actor.controller);
	rsg_bind_int(count, 1, RSG_QUESTION);
	rsg_bind_int(count, 2, w->now);
	rows = rsg_db_send(w->db, b);
	sums = rsg_db_send(w->db, count);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	sum = rsg_db_result(w->db, sums);
	rsg_msg_int(&c->out, RSG_F_OVERDUE, rsg_result_int(sum, 0, 0));
	rsg_msg_int(&c->out, RSG_F_WAITING, rsg_result_int(sum, 0, 1));
	if ((e = put_questions(w, c, rsg_db_result(w->db, rows), limit)) != RSG_OK ||
	    (e = rsg_buf_err(&c->out)) != RSG_OK)
		return e;
	return rsg_audit_commit(w, c);
}
