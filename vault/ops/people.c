#include <string.h>

#include "ops/people.h"
#include "resguardo/clock.h"

#define TOKEN_MAX	512
#define TOKEN_AGE	(24 * 3600 * RSG_US)

static const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };

enum rsg_err
rsg_people_open(struct rsg_worker *w, struct rsg_call *c, const struct rsg_id *id,
    struct rsg_subject *s)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_SUBJECTS);
	const struct rsg_result *r;
	int n;
	enum rsg_err e;

	memset(s, 0, sizeof(*s));
	s->id = *id;
	rsg_bind_id(b, 0, id);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, n);
	if (rsg_result_rows(r) == 1) {
		rsg_person_row(s, r, 0, 1);
		rsg_person_heads(s, r, 0, 7);
	}
	e = rsg_person_open(w->vault->keys, s, c->actor.controller);
	if (e == RSG_OK)
		return RSG_OK;
	c->draft.decision = e;
	c->audited = true;
	return rsg_call_fail(c, e, "subject", NULL);
}

enum rsg_err
rsg_people_allowed(struct rsg_worker *w, struct rsg_call *c,
    const struct rsg_subject *s, enum rsg_action action, uint16_t purpose,
    struct rsg_answer *answer)
{
	struct rsg_standing st = { .state = s->h.state, .grant = s->h.grant,
	    .ngrants = s->h.ngrants, .self = !rsg_id_nil(&c->actor.subject) &&
	    rsg_id_eq(&c->actor.subject, &s->id) };

	c->draft.about = true;
	c->draft.subject = s->id;
	memcpy(c->draft.evidence, s->keys.key[RSG_KEY_EVIDENCE], RSG_KEY_LEN);
	return rsg_call_allowed(w, c, action, purpose, NULL, 0, &st, answer);
}

static struct rsg_place_of
token_place(const struct rsg_call *c, const char *what)
{
	struct rsg_place_of at = { .kind = RSG_SEAL_TOKEN,
	    .controller = c->actor.controller, .pk = c->actor.credential,
	    .version = 1, .generation = 1 };
	size_t n = strlen(what);

	memcpy(at.pk2.b, what, n > RSG_ID_LEN ? RSG_ID_LEN : n);
	return at;
}

enum rsg_err
rsg_token_put(struct rsg_worker *w, struct rsg_call *c, const char *what,
    const void *p, size_t len)
{
	struct rsg_place_of at = token_place(c, what);
	struct rsg_buf text, token;
	enum rsg_err e;

	rsg_buf_init(&text, TOKEN_MAX);
	rsg_buf_init(&token, TOKEN_MAX);
	rsg_buf_u64(&text, (uint64_t)(w->now + TOKEN_AGE));
	rsg_buf_put(&text, p, len);
	if ((e = rsg_buf_err(&text)) == RSG_OK && (e = rsg_service_seal(w->vault->keys,
	    session, &at, text.p, text.len, &token)) == RSG_OK &&
	    (e = rsg_buf_err(&token)) == RSG_OK)
		rsg_msg_bytes(&c->out, RSG_F_NEXT, token.p, token.len);
	rsg_buf_free(&text);
	rsg_buf_free(&token);
	return e;
}

enum rsg_err
rsg_token_open(struct rsg_worker *w, struct rsg_call *c, const char *what,
    uint8_t *out, size_t cap, size_t *len)
{
	struct rsg_place_of at = token_place(c, what);
	uint8_t text[TOKEN_MAX];
	const uint8_t *token;
	size_t n, ntoken;

	if (!rsg_msg_get(c->in, RSG_F_CURSOR, &token, &ntoken) ||
	    ntoken > sizeof(text) || ntoken < RSG_SEAL_EXTRA ||
	    rsg_service_open(w->vault->keys, session, &at, token, ntoken, text,
	    &n) != RSG_OK || n < 8 || n - 8 > cap)
		return rsg_call_fail(c, RSG_BAD_CURSOR, "cursor", NULL);
	if ((int64_t)rsg_get64(text) <= w->now)
		return rsg_call_fail(c, RSG_EXPIRED_CURSOR, "cursor", NULL);
	memcpy(out, text + 8, n - 8);
	*len = n - 8;
	return RSG_OK;
}

enum rsg_err
rsg_due_put(struct rsg_worker *w, struct rsg_call *c, const char *what, int64_t due,
    const struct rsg_id *id)
{
	uint8_t at[8 + RSG_ID_LEN];

	rsg_be64(at, (uint64_t)due);
	memcpy(at + 8, id->b, RSG_ID_LEN);
	return rsg_token_put(w, c, what, at, sizeof(at));
}

enum rsg_err
rsg_due_open(struct rsg_worker *w, struct rsg_call *c, const char *what, int64_t *due,
    struct rsg_id *id)
{
	uint8_t at[8 + RSG_ID_LEN];
	enum rsg_err e;
	size_t n;

	*due = RSG_TIME_MIN;
	memset(id, 0, sizeof(*id));
	if (!rsg_msg_has(c->in, RSG_F_CURSOR))
		return RSG_OK;
	if ((e = rsg_token_open(w, c, what, at, sizeof(at), &n)) != RSG_OK)
		return e;
	if (n != sizeof(at))
		return rsg_call_fail(c, RSG_BAD_CURSOR, "cursor", NULL);
	*due = (int64_t)rsg_get64(at);
	memcpy(id->b, at + 8, RSG_ID_LEN);
	return RSG_OK;
}
