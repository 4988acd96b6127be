/*
 * Questions: a clock runs from the asking until somebody reports the answer.
 */
#include "ops/contacts.h"
#include "resguardo/clock.h"
#include "work/vault.h"

#define OPEN		1		/* request.state; stored */
#define ANSWERED	2
#define REQUEST_VERSION	1
#define KEY_EPOCH	1

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
