#include "ops/relations.h"

#include <string.h>

#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/log.h"
#include "work/vault.h"

static const struct { const char *word; enum rsg_relation kind; } words[] = {
	{ "guardian", RSG_RELATION_GUARDIAN },
	{ "representative", RSG_RELATION_REPRESENTATIVE },
	{ "household", RSG_RELATION_HOUSEHOLD },
};
#define WORDS	(sizeof(words) / sizeof(words[0]))

static enum rsg_err
mac(const struct rsg_keyring *keys, const struct rsg_id *subject, int64_t kind,
    const struct rsg_id *other, int64_t created, uint8_t out[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 256);
	rsg_mac_bytes(&b, subject->b, RSG_ID_LEN);
	rsg_mac_int(&b, kind);
	rsg_mac_bytes(&b, other->b, RSG_ID_LEN);
	rsg_mac_int(&b, created);
	e = rsg_row_mac(keys, "relation", &b, out);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_relations_row(const struct rsg_keyring *keys, const struct rsg_id *subject,
    const struct rsg_id *other, const struct rsg_result *r, int row, int col,
    unsigned *kinds)
{
	int64_t kind = rsg_result_int(r, row, col);
	uint8_t want[RSG_DIGEST_LEN];
	const uint8_t *have;
	size_t n;
	enum rsg_err e;

	if ((e = mac(keys, subject, kind, other, rsg_result_int(r, row, col + 1),
	    want)) != RSG_OK)
		return e;
	have = rsg_result_bytes(r, row, col + 2, &n);
	if (n != sizeof(want) || !rsg_secret_equal(have, want, n)) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "relation", "subject", RSG_LOG_ID, subject, NULL);
		return RSG_TAMPERED;
	}
	if (kind > 0 && kind < 32)
		*kinds |= 1u << kind;
	return RSG_OK;
}

enum rsg_err
rsg_relations_find(struct rsg_worker *w, const struct rsg_id *subject,
    const struct rsg_id *other, unsigned *kinds)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_RELATIONS);
	const struct rsg_result *r;
	int at;
	enum rsg_err e;

	*kinds = 0;
	rsg_bind_id(b, 0, subject);
	rsg_bind_id(b, 1, other);
	at = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, at);
	for (int row = 0; row < rsg_result_rows(r) && e == RSG_OK; row++)
		e = rsg_relations_row(w->vault->keys, subject, other, r, row, 0, kinds);
	return e;
}

enum rsg_relation
rsg_relations_kind(struct rsg_fields f)
{
	const uint8_t *s;
	size_t len;

	if (!rsg_msg_get(f, RSG_F_RELATION, &s, &len))
		return (enum rsg_relation)0;
	for (size_t i = 0; i < WORDS; i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, s, len) == 0)
			return words[i].kind;
	return (enum rsg_relation)0;
}

static enum rsg_err
insert(struct rsg_worker *w, const struct rsg_id *subject, enum rsg_relation kind,
    const struct rsg_id *other)
{
	uint8_t sum[RSG_DIGEST_LEN];
	struct rsg_bind *b;
	enum rsg_err e;

	if ((e = mac(w->vault->keys, subject, kind, other, w->now, sum)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_RELATION_INSERT);
	rsg_bind_id(b, 0, subject);
	rsg_bind_int(b, 1, kind);
	rsg_bind_id(b, 2, other);
	rsg_bind_int(b, 3, w->now);
	rsg_bind_bytes(b, 4, sum, sizeof(sum));
	(void)rsg_db_send(w->db, b);
	return RSG_OK;
}

enum rsg_err
rsg_relations_stage(struct rsg_batch *b, const struct rsg_id *subject,
    enum rsg_relation kind, const struct rsg_id *other)
{
	uint8_t sum[RSG_DIGEST_LEN];
	struct rsg_bind *q;
	enum rsg_err e;

	if ((e = mac(b->w->vault->keys, subject, kind, other, b->w->now, sum)) != RSG_OK)
		return e;
	q = rsg_stage(b, RSG_SQL_RELATIONS_INSERT);
	rsg_bind_id(q, 0, subject);
	rsg_bind_int(q, 1, kind);
	rsg_bind_id(q, 2, other);
	rsg_bind_int(q, 3, b->w->now);
	rsg_bind_bytes(q, 4, sum, sizeof(sum));
	return RSG_OK;
}

/* Both are customers of the caller's controller. Said again it changes nothing. */
enum rsg_err
rsg_op_relation_add(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_relation kind = rsg_relations_kind(c->in);
	struct rsg_subject s, o;
	struct rsg_answer answer;
	struct rsg_id id, other;
	uint16_t purpose;
	enum rsg_err e;

	memset(&s, 0, sizeof(s));
	memset(&o, 0, sizeof(o));
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	(void)rsg_msg_get_id(c->in, RSG_F_OTHER, &other);
	if (kind == 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "relation", NULL);
	if (rsg_id_eq(&id, &other))
		return rsg_call_fail(c, RSG_BAD_VALUE, "other", NULL);
	if ((e = rsg_call_purpose(w, c, RSG_ACT_CHANGE, &purpose)) != RSG_OK ||
	    (e = rsg_people_open(w, c, &id, &s)) != RSG_OK ||
	    (e = rsg_people_allowed(w, c, &s, RSG_ACT_CHANGE, purpose,
	    &answer)) != RSG_OK)
		goto done;
	/* A person cannot make somebody their guardian, nor themselves one. */
	if (!rsg_id_nil(&c->actor.subject)) {
		c->draft.decision = RSG_DENIED;
		e = rsg_call_fail(c, RSG_DENIED, "relation", "default-deny");
		goto done;
	}
	if ((e = rsg_people_open(w, c, &other, &o)) != RSG_OK) {
		if (e == RSG_NOT_FOUND)
			e = rsg_call_fail(c, e, "other", NULL);
		goto done;
	}
	if ((e = insert(w, &id, kind, &other)) != RSG_OK)
		goto done;
	rsg_msg_id(&c->out, RSG_F_SUBJECT, &id);
	rsg_msg_text(&c->out, RSG_F_RELATION, words[kind - 1].word);
	rsg_msg_id(&c->out, RSG_F_OTHER, &other);
	e = rsg_audit_commit(w, c);
done:
	rsg_secret_wipe(&s, sizeof(s));
	rsg_secret_wipe(&o, sizeof(o));
	return e;
}
