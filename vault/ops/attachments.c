/*
 * Evidence that is a file: kept once, named by a consent, shown to whom it is
 * about and to who has to see that it is there.
 */
#include "ops/attachments.h"

#include <stdio.h>
#include <string.h>

#include "consent/attachment.h"
#include "consent/ledger.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/log.h"

/* The entry says which one it was, and nothing of what is in it. */
static void
note(struct rsg_call *c, const struct rsg_id *id)
{
	char text[RSG_ID_TEXT];

	rsg_id_text(id, text);
	snprintf(c->draft.basis, sizeof(c->draft.basis), "attachment:%s", text);
}

/* --- Keeping one --- */

enum rsg_err
rsg_op_attachment_add_want(struct rsg_item *it)
{
	struct rsg_call *c = it->call;
	const uint8_t *p;
	struct rsg_id id;
	size_t len;

	(void)rsg_msg_get(c->in, RSG_F_MEDIA_TYPE, &p, &len);
	if (rsg_media_find((const char *)p, len) == 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "media_type", NULL);
	(void)rsg_msg_get(c->in, RSG_F_CONTENT, &p, &len);
	if (len == 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "content", NULL);
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	return rsg_want_subject(it, &id);
}

static enum rsg_err
put_kept(struct rsg_item *it, const struct rsg_id *id, const uint8_t hash[RSG_DIGEST_LEN],
    size_t len)
{
	struct rsg_buf *out = &it->call->out;

	rsg_msg_id(out, RSG_F_SUBJECT, &it->subject->id);
	rsg_msg_id(out, RSG_F_ATTACHMENT, id);
	rsg_msg_bytes(out, RSG_F_HASH, hash, RSG_DIGEST_LEN);
	rsg_msg_int(out, RSG_F_BYTES, (int64_t)len);
	note(it->call, id);
	return rsg_buf_err(out);
}

enum rsg_err
rsg_op_attachment_add(struct rsg_item *it)
{
	struct rsg_call *c = it->call;
	struct rsg_attachment a = { .time = it->batch->w->now,
	    .principal = c->actor.principal };
	struct rsg_answer answer;
	const uint8_t *name, *p;
	struct rsg_id id;
	size_t nname, len;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK || (e = rsg_item_allowed(it,
	    RSG_ACT_ATTACHMENT_WRITE, 0, NULL, 0, &answer)) != RSG_OK)
		return e;
	(void)rsg_msg_get(c->in, RSG_F_CONTENT, &p, &len);
	/* The same bytes were sent, or it would not be a repetition. */
	if (it->replay) {
		rsg_sha256(&(struct rsg_part){ p, len }, 1, a.hash);
		return put_kept(it, &it->ref, a.hash, len);
	}
	(void)rsg_msg_get(c->in, RSG_F_MEDIA_TYPE, &name, &nname);
	a.media = rsg_media_find((const char *)name, nname);
	id = rsg_id_new();
	if ((e = rsg_attachment_put(rsg_stage(it->batch, RSG_SQL_ATTACHMENT_INSERT),
	    it->subject, &id, &a, p, len)) != RSG_OK)
		return e;
	rsg_stage_idempotency(it, &id, (int64_t)len);
	return put_kept(it, &id, a.hash, len);
}

/* --- Naming one --- */

void
rsg_attachment_ask(struct rsg_item *it, const struct rsg_id *subject,
    const struct rsg_id *attachment)
{
	struct rsg_bind *q = rsg_want_rows(it, RSG_SQL_ATTACHMENT_HEADS);

	rsg_bind_id(q, 0, subject);
	rsg_bind_id(q, 1, attachment);
}

enum rsg_err
rsg_attachment_named(struct rsg_item *it, struct rsg_consent *ev)
{
	const struct rsg_result *r = rsg_item_rows(it, RSG_SQL_ATTACHMENT_HEADS);
	struct rsg_attachment *a;
	struct rsg_id who, id;
	const uint8_t *head;
	size_t len;
	enum rsg_err e;

	if (r == NULL || rsg_id_nil(&ev->attachment))
		return RSG_OK;
	for (int row = 0; row < rsg_result_rows(r); row++) {
		rsg_result_id(r, row, 0, &who);
		rsg_result_id(r, row, 1, &id);
		if (!rsg_id_eq(&who, &it->subject->id) || !rsg_id_eq(&id, &ev->attachment))
			continue;
		if ((a = rsg_arena_get(it->batch->w->arena, sizeof(*a))) == NULL)
			return RSG_NO_MEMORY;
		head = rsg_result_bytes(r, row, 2, &len);
		if ((e = rsg_attachment_head(it->subject, &id, head, len, a)) != RSG_OK)
			return rsg_rules_no(ev->status) ? RSG_OK : e;
		ev->attachment_hash = a->hash;
		break;
	}
	return RSG_OK;
}

/* --- Out of another system --- */

enum rsg_err
rsg_attachment_brought(struct rsg_worker *w, const struct rsg_subject *s, const void *p,
    size_t len, struct rsg_consent *ev)
{
	uint8_t *hash = rsg_arena_get(w->arena, RSG_DIGEST_LEN);
	uint8_t key[RSG_KEY_LEN], name[RSG_DIGEST_LEN];

	if (hash == NULL)
		return RSG_NO_MEMORY;
	rsg_sha256(&(struct rsg_part){ p, len }, 1, hash);
	rsg_derive(s->keys.key[RSG_KEY_EVIDENCE], "attachment-name", &s->id, key);
	rsg_blake2b(key, &(struct rsg_part){ hash, RSG_DIGEST_LEN }, 1, name);
	memcpy(ev->attachment.b, name, RSG_ID_LEN);
	ev->attachment_hash = hash;
	rsg_secret_wipe(key, sizeof(key));
	return RSG_OK;
}

enum rsg_err
rsg_attachment_stage(struct rsg_batch *b, const struct rsg_call *c,
    const struct rsg_subject *s, const struct rsg_consent *ev, uint8_t media,
    const void *p, size_t len)
{
	struct rsg_attachment a = { .media = media, .time = b->w->now,
	    .principal = c->actor.principal };

	return rsg_attachment_put(rsg_stage(b, RSG_SQL_ATTACHMENT_KEEP), s,
	    &ev->attachment, &a, p, len);
}

/* --- Reading one --- */

/*
 * It is not there. Where an event of the person names it, it was: somebody
 * took it away, and then nobody is told that it never was.
 */
static enum rsg_err
missing(struct rsg_worker *w, struct rsg_call *c, const struct rsg_subject *s,
    const struct rsg_id *id)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_CONSENT_CHAIN);
	struct rsg_history chain = { .count = 0 };
	const struct rsg_result *r;
	struct rsg_ledger_event ev;
	const uint8_t *sealed, *hash;
	uint8_t text[8192];
	size_t len, nhash;
	bool named = false;
	int rows;
	enum rsg_err e;

	rsg_bind_id(b, 0, &s->id);
	rows = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, rows);
	for (int row = 0; row < rsg_result_rows(r) && e == RSG_OK; row++) {
		sealed = rsg_result_bytes(r, row, 1, &len);
		hash = rsg_result_bytes(r, row, 2, &nhash);
		e = len > sizeof(text) ? RSG_TAMPERED : rsg_ledger_follow(s, &chain,
		    rsg_result_int(r, row, 0), sealed, len, hash, nhash);
		if (e == RSG_OK && (e = rsg_ledger_open(s, chain.count, sealed, len,
		    text, &ev)) == RSG_OK)
			named |= ev.part[RSG_PROOF_ATTACHMENT_HASH].p != NULL &&
			    memcmp(ev.part[RSG_PROOF_ATTACHMENT].p, id->b, RSG_ID_LEN) == 0;
	}
	rsg_secret_wipe(text, sizeof(text));
	if (e != RSG_OK || (e = rsg_ledger_ends(s, &chain)) != RSG_OK)
		return e;
	c->draft.decision = named ? RSG_TAMPERED : RSG_NOT_FOUND;
	if (named)
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "attachment", "subject", RSG_LOG_ID, &s->id, "attachment",
		    RSG_LOG_ID, id, NULL);
	return rsg_call_fail(c, c->draft.decision, "attachment", NULL);
}

static enum rsg_err
show(struct rsg_worker *w, struct rsg_call *c, const struct rsg_subject *s,
    const struct rsg_id *id, const struct rsg_result *r)
{
	struct rsg_buf *out = &c->out;
	struct rsg_attachment a;
	const uint8_t *head, *sealed, *bytes;
	size_t len, nhead;
	enum rsg_err e;

	if (rsg_result_rows(r) != 1)
		return missing(w, c, s, id);
	head = rsg_result_bytes(r, 0, 0, &nhead);
	sealed = rsg_result_bytes(r, 0, 1, &len);
	if ((e = rsg_attachment_head(s, id, head, nhead, &a)) != RSG_OK ||
	    (e = rsg_attachment_bytes(w->arena, s, id, &a, sealed, len,
	    &bytes)) != RSG_OK)
		return e;
	rsg_msg_id(out, RSG_F_SUBJECT, &s->id);
	rsg_msg_id(out, RSG_F_ATTACHMENT, id);
	rsg_msg_text(out, RSG_F_MEDIA_TYPE, rsg_media_name(a.media));
	rsg_msg_int(out, RSG_F_TIME, a.time);
	rsg_msg_bytes(out, RSG_F_HASH, a.hash, sizeof(a.hash));
	rsg_msg_int(out, RSG_F_BYTES, a.bytes);
	rsg_msg_bytes(out, RSG_F_CONTENT, bytes, a.bytes);
	return rsg_buf_err(out);
}

enum rsg_err
rsg_op_attachment_read(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_subject s;
	struct rsg_answer answer;
	struct rsg_id who, id;
	struct rsg_bind *b;
	uint16_t purpose;
	int rows;
	enum rsg_err e;

	memset(&s, 0, sizeof(s));
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &who);
	(void)rsg_msg_get_id(c->in, RSG_F_ATTACHMENT, &id);
	if ((e = rsg_call_purpose(w, c, RSG_ACT_ATTACHMENT_READ, &purpose)) != RSG_OK ||
	    (e = rsg_people_open(w, c, &who, &s)) != RSG_OK ||
	    (e = rsg_people_allowed(w, c, &s, RSG_ACT_ATTACHMENT_READ, purpose,
	    &answer)) != RSG_OK)
		goto done;
	note(c, &id);
	b = rsg_db_bind(w->db, RSG_SQL_ATTACHMENT);
	rsg_bind_id(b, 0, &who);
	rsg_bind_id(b, 1, &id);
	rows = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK ||
	    (e = show(w, c, &s, &id, rsg_db_result(w->db, rows))) != RSG_OK)
		goto done;
	e = rsg_audit_commit(w, c);
done:
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}
