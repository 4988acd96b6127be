/*
 * Saying yes or no, and what a person has said: now, and step by step.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consent/confirm.h"
#include "consent/notice.h"
#include "ops/attachments.h"
#include "ops/consents.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "ops/relations.h"
#include "resguardo/clock.h"

#define LIMIT_DEFAULT	100
#define LIMIT_MAX	200

/* --- Writing --- */

struct word {
	struct rsg_consent ev;
	unsigned relations;
	uint16_t birth;
};

enum rsg_err
rsg_op_consent_write_want(struct rsg_item *it)
{
	struct rsg_worker *w = it->batch->w;
	struct word *x = rsg_arena_get(w->arena, sizeof(*x));
	struct rsg_id id;
	enum rsg_err e;

	if (x == NULL)
		return RSG_NO_MEMORY;
	memset(x, 0, sizeof(*x));
	it->scratch = x;
	if ((e = rsg_consent_read(w, it->call, it->call->in, &x->ev)) != RSG_OK)
		return e;
	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	/* Who spoke for somebody else: seldom enough for a question of its own. */
	if (!rsg_id_nil(&x->ev.on_behalf) && (e = rsg_relations_find(w, &id,
	    &x->ev.on_behalf, &x->relations)) != RSG_OK)
		return e;
	if (!rsg_id_nil(&x->ev.attachment))
		rsg_attachment_ask(it, &id, &x->ev.attachment);
	if ((e = rsg_want_subject(it, &id)) != RSG_OK || !rsg_rules_yes(x->ev.status) ||
	    (x->birth = rsg_consent_birth(w->policy)) == 0)
		return e;
	return rsg_want_field(it, x->birth);
}

static enum rsg_err
allowed(struct rsg_item *it, struct rsg_consent *ev)
{
	struct rsg_answer answer;

	return rsg_rules_no(ev->status) ? rsg_consent_no(it, RSG_ACT_CONSENT_WRITE,
	    ev->purpose, &ev->lacking) : rsg_item_allowed(it, RSG_ACT_CONSENT_WRITE,
	    ev->purpose, NULL, 0, &answer);
}

static enum rsg_err
check(struct rsg_item *it, struct word *x)
{
	const struct rsg_header *h = &it->subject->h;
	struct rsg_asked who = { .state = h->state, .jurisdiction = h->jurisdiction,
	    .language = h->language, .relations = x->relations };
	struct rsg_value v;
	enum rsg_err e;

	if (x->birth != 0 && (e = rsg_item_value(it, x->birth, &v)) != RSG_NOT_FOUND) {
		if (e != RSG_OK)
			return e;
		who.birth = v.text;
		who.nbirth = v.len;
	}
	if ((e = rsg_consent_check(it->batch->w, it->call, &x->ev, &who)) != RSG_OK)
		return e;
	return rsg_consent_fits(it->batch->w, it->call, h, &x->ev);
}

static enum rsg_err
put_said(struct rsg_item *it, const struct rsg_consent *ev, int64_t sequence)
{
	const struct rsg_grant *g = rsg_rules_find(&it->subject->h, ev->purpose,
	    ev->channel);
	struct rsg_buf *out = &it->call->out;

	rsg_msg_id(out, RSG_F_SUBJECT, &it->subject->id);
	/* Said before, and not written again: there is no event to point to. */
	if (sequence != 0)
		rsg_msg_int(out, RSG_F_SEQUENCE, sequence);
	/* What is still to be confirmed is only asked for, whatever stood before. */
	rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(g == NULL || ev->code != NULL ?
	    ev->status : (enum rsg_status)g->status));
	if (g != NULL && g->until != 0)
		rsg_msg_int(out, RSG_F_UNTIL, g->until);
	return rsg_buf_err(out);
}

enum rsg_err
rsg_op_consent_write(struct rsg_item *it)
{
	struct word *x = it->scratch;
	struct rsg_subject *s = it->subject;
	struct rsg_said said;
	int64_t sequence;
	bool asked = false;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK || (e = allowed(it, &x->ev)) != RSG_OK)
		return e;
	if (it->replay)
		return put_said(it, &x->ev, it->number);
	if ((e = rsg_attachment_named(it, &x->ev)) != RSG_OK ||
	    (e = check(it, x)) != RSG_OK || (e = rsg_consent_ask_back(it->batch->w,
	    it->call, &s->id, &x->ev, &asked, false)) != RSG_OK)
		return e;
	if (x->ev.gpc && (e = rsg_ledger_gpc(it->batch, it->call, s)) != RSG_OK)
		return e;
	if ((e = rsg_ledger_append(it->batch, it->call, s, &x->ev, &said)) != RSG_OK)
		return e;
	sequence = said.same ? 0 : s->h.consent.count;
	rsg_stage_idempotency(it, &s->id, sequence);
	return put_said(it, &x->ev, sequence);
}

/* --- The second yes --- */

static uint32_t
number(const struct rsg_part *p)
{
	const uint8_t *b = p->p;

	return p->p == NULL ? 0 : p->len == 1 ? b[0] : rsg_get32(b);
}

struct second {
	struct word word;
	const char *code;
	size_t ncode;
};

enum rsg_err
rsg_op_consent_confirm_want(struct rsg_item *it)
{
	struct rsg_worker *w = it->batch->w;
	struct second *x = rsg_arena_get(w->arena, sizeof(*x));
	const struct rsg_purposedef *p;
	const uint8_t *s;
	struct rsg_id id;
	size_t len;
	int channel = RSG_CHANNEL_NONE;
	enum rsg_err e;

	if (x == NULL)
		return RSG_NO_MEMORY;
	memset(x, 0, sizeof(*x));
	it->scratch = x;
	(void)rsg_msg_get(it->call->in, RSG_F_PURPOSE, &s, &len);
	if ((p = rsg_policy_purpose(w->policy, (const char *)s, len)) == NULL)
		return rsg_call_fail(it->call, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
	if (rsg_msg_get(it->call->in, RSG_F_CHANNEL, &s, &len) &&
	    (channel = rsg_channel_find((const char *)s, len)) < 0)
		return rsg_call_fail(it->call, RSG_BAD_VALUE, "channel", NULL);
	(void)rsg_msg_get(it->call->in, RSG_F_CODE, &s, &x->ncode);
	x->code = (const char *)s;
	x->word.ev.purpose = p->number;
	x->word.ev.channel = (enum rsg_channel)channel;
	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_want_subject(it, &id)) != RSG_OK)
		return e;
	rsg_bind_id(rsg_want_rows(it, RSG_SQL_CONSENT_RECENT), 0, &id);
	x->word.birth = rsg_consent_birth(w->policy);
	return x->word.birth == 0 ? RSG_OK : rsg_want_field(it, x->word.birth);
}

/* A refusal is a denial like any other, and is audited as one. */
static enum rsg_err
refuse_code(struct rsg_item *it, enum rsg_err e, int64_t wait)
{
	it->call->draft.decision = e;
	it->call->retry_after = wait;
	return rsg_call_fail(it->call, e, e == RSG_CODE_REFUSED ? "code" : NULL, NULL);
}

/* What was shown and said when it was asked for stands with the yes, too. */
static enum rsg_err
again(struct rsg_arena *arena, uint32_t sequence, const struct rsg_ledger_event *was,
    int64_t now, struct rsg_consent *ev)
{
	static const struct { enum rsg_proof part; size_t at; } texts[] = {
		{ RSG_PROOF_NOTICE, offsetof(struct rsg_consent, notice) },
		{ RSG_PROOF_LANGUAGE, offsetof(struct rsg_consent, language) },
		{ RSG_PROOF_METHOD, offsetof(struct rsg_consent, method) },
		{ RSG_PROOF_WORDS, offsetof(struct rsg_consent, words) },
		{ RSG_PROOF_FORM, offsetof(struct rsg_consent, form) },
		{ RSG_PROOF_TAKEN_AT, offsetof(struct rsg_consent, taken_at) },
	};
	const struct rsg_part *p = was->part;
	char *text;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct rsg_part *t = &p[texts[i].part];

		if (t->p == NULL)
			continue;
		if ((text = rsg_arena_get(arena, t->len + 1)) == NULL)
			return RSG_NO_MEMORY;
		memcpy(text, t->p, t->len);
		text[t->len] = '\0';
		*(const char **)((char *)ev + texts[i].at) = text;
	}
	if ((text = rsg_arena_get(arena, 32)) == NULL)
		return RSG_NO_MEMORY;
	snprintf(text, 32, "sequence %" PRIu32, sequence);
	ev->double_opt_in = text;
	ev->status = RSG_STATUS_GIVEN;
	ev->time = ev->confirmed = now;
	ev->notice_version = number(&p[RSG_PROOF_NOTICE_VERSION]);
	ev->brief = number(&p[RSG_PROOF_SHOWN]) == 2;
	ev->origin = (enum rsg_origin)number(&p[RSG_PROOF_SOURCE]);
	ev->evidence = (uint8_t)number(&p[RSG_PROOF_EVIDENCE]);
	if (p[RSG_PROOF_ON_BEHALF].p != NULL)
		memcpy(ev->on_behalf.b, p[RSG_PROOF_ON_BEHALF].p, RSG_ID_LEN);
	/* It was looked for then, and is never taken away. */
	if (p[RSG_PROOF_ATTACHMENT_HASH].p != NULL && p[RSG_PROOF_ATTACHMENT].p != NULL) {
		memcpy(ev->attachment.b, p[RSG_PROOF_ATTACHMENT].p, RSG_ID_LEN);
		ev->attachment_hash = p[RSG_PROOF_ATTACHMENT_HASH].p;
	}
	return RSG_OK;
}

static enum rsg_err
confirm(struct rsg_item *it, struct second *x)
{
	struct rsg_worker *w = it->batch->w;
	struct rsg_subject *s = it->subject;
	struct rsg_consent *ev = &x->word.ev;
	struct rsg_ledger_event was;
	struct rsg_said said;
	uint32_t sequence;
	int64_t wait = rsg_confirm_wait(&s->h, w->now);
	enum rsg_err e;

	if (wait > 0)
		return refuse_code(it, RSG_RATE_LIMITED, wait);
	e = rsg_confirm_find(w->arena, s, rsg_item_rows(it, RSG_SQL_CONSENT_RECENT),
	    ev->purpose, ev->channel, x->code, x->ncode, w->now, &sequence, &was);
	if (e == RSG_CODE_REFUSED) {
		/* No row is staged by a refusal, but the person is written anew. */
		if (sequence != 0 && rsg_confirm_open(&s->h, &was, w->now)) {
			rsg_confirm_wrong(&s->h, w->now);
			s->dirty = true;
		}
		return refuse_code(it, e, 0);
	}
	if (e != RSG_OK || (e = again(w->arena, sequence, &was, w->now, ev)) != RSG_OK)
		return e;
	/* Whose guardian it was, was looked at when they were asked. */
	if (!rsg_id_nil(&ev->on_behalf))
		x->word.relations = 1u << RSG_RELATION_GUARDIAN;
	ev->gpc = rsg_consent_gpc(it->call);
	if ((e = check(it, &x->word)) != RSG_OK ||
	    (ev->gpc && (e = rsg_ledger_gpc(it->batch, it->call, s)) != RSG_OK))
		return e;
	return rsg_ledger_append(it->batch, it->call, s, ev, &said);
}

enum rsg_err
rsg_op_consent_confirm(struct rsg_item *it)
{
	struct second *x = it->scratch;
	struct rsg_answer answer;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK || (e = rsg_item_allowed(it,
	    RSG_ACT_CONSENT_WRITE, x->word.ev.purpose, NULL, 0, &answer)) != RSG_OK)
		return e;
	if (it->replay)
		return put_said(it, &x->word.ev, it->number);
	if ((e = confirm(it, x)) != RSG_OK)
		return e;
	rsg_stage_idempotency(it, &it->subject->id, it->subject->h.consent.count);
	return put_said(it, &x->word.ev, it->subject->h.consent.count);
}

/* --- How it stands: from the header alone --- */

enum rsg_err
rsg_op_consent_state_want(struct rsg_item *it)
{
	struct rsg_id id;

	(void)rsg_msg_get_id(it->call->in, RSG_F_SUBJECT, &id);
	return rsg_want_subject(it, &id);
}

static void
put_grant(struct rsg_item *it, const struct rsg_grant *g)
{
	const struct rsg_worker *w = it->batch->w;
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, g->purpose);
	struct rsg_buf *out = &it->call->out;
	size_t mark = rsg_msg_open(out, RSG_F_GRANTS), n;
	const struct rsg_again *a = rsg_notices_again(w->notices,
	    it->subject->controller, &n);
	bool yes = rsg_rules_yes((enum rsg_status)g->status);
	bool again = yes && rsg_policy_again(a, n, g->purpose, g->since, w->now);
	bool over = again || (yes && g->until != 0 && g->until <= w->now);

	rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (g->channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(g->channel));
	rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(over ? RSG_STATUS_EXPIRED :
	    (enum rsg_status)g->status));
	rsg_msg_int(out, RSG_F_SINCE, g->since);
	if (g->until != 0)
		rsg_msg_int(out, RSG_F_UNTIL, g->until);
	if (over)
		rsg_msg_bool(out, RSG_F_ASK_AGAIN, true);
	rsg_msg_close(out, mark);
}

enum rsg_err
rsg_op_consent_state(struct rsg_item *it)
{
	const struct rsg_header *h;
	struct rsg_answer answer;
	enum rsg_err e;

	if ((e = rsg_item_open(it)) != RSG_OK ||
	    (e = rsg_item_allowed(it, RSG_ACT_CONSENT_READ, 0, NULL, 0,
	    &answer)) != RSG_OK || (e = rsg_consent_gpc_read(it)) != RSG_OK)
		return e;
	h = &it->subject->h;
	rsg_msg_id(&it->call->out, RSG_F_SUBJECT, &it->subject->id);
	for (size_t i = 0; i < h->ngrants; i++)
		put_grant(it, &h->grant[i]);
	return rsg_buf_err(&it->call->out);
}

/* --- How it came to stand so --- */

/* The parts of an event that are shown as they are, and to whom. */
static const struct {
	enum rsg_proof part;
	enum rsg_field field;
	bool inside;			/* not for customers: it names staff */
} shown[] = {
	{ RSG_PROOF_NOTICE, RSG_F_NOTICE, false },
	{ RSG_PROOF_LANGUAGE, RSG_F_LANGUAGE, false },
	{ RSG_PROOF_METHOD, RSG_F_METHOD, false },
	{ RSG_PROOF_NOTICE_HASH, RSG_F_HASH, false },
	{ RSG_PROOF_WORDS, RSG_F_WORDS, false },
	{ RSG_PROOF_FORM, RSG_F_FORM, false },
	{ RSG_PROOF_TAKEN_AT, RSG_F_TAKEN_AT, false },
	{ RSG_PROOF_ON_BEHALF, RSG_F_ON_BEHALF, false },
	{ RSG_PROOF_DOUBLE_OPT_IN, RSG_F_DOUBLE_OPT_IN, false },
	{ RSG_PROOF_CONFIRMED, RSG_F_CONFIRMED, false },
	{ RSG_PROOF_ATTACHMENT, RSG_F_ATTACHMENT, false },
	{ RSG_PROOF_ATTACHMENT_HASH, RSG_F_ATTACHMENT_HASH, false },
	{ RSG_PROOF_UNTIL, RSG_F_UNTIL, false },
	{ RSG_PROOF_ROLE, RSG_F_ROLE, false },
	{ RSG_PROOF_PLACE, RSG_F_PLACE, false },
	{ RSG_PROOF_STAFF, RSG_F_STAFF, true },
	{ RSG_PROOF_RECORD, RSG_F_RECORD, false },
};

static void
put_event(struct rsg_worker *w, struct rsg_call *c, int64_t sequence,
    const struct rsg_ledger_event *ev)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, ev->purpose);
	bool own = !rsg_id_nil(&c->actor.subject);
	struct rsg_buf *out = &c->out;
	size_t mark = rsg_msg_open(out, RSG_F_HISTORY);
	uint32_t n;

	rsg_msg_int(out, RSG_F_SEQUENCE, sequence);
	rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(ev->status));
	rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (ev->channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(ev->channel));
	rsg_msg_int(out, RSG_F_TIME, ev->time);
	rsg_msg_int(out, RSG_F_RECORDED, ev->recorded);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (ev->part[shown[i].part].p != NULL && !(own && shown[i].inside))
			rsg_msg_bytes(out, shown[i].field, ev->part[shown[i].part].p,
			    ev->part[shown[i].part].len);
	if ((n = number(&ev->part[RSG_PROOF_NOTICE_VERSION])) != 0)
		rsg_msg_int(out, RSG_F_NOTICE_VERSION, n);
	if ((n = number(&ev->part[RSG_PROOF_SHOWN])) != 0)
		rsg_msg_text(out, RSG_F_SHOWN, n == 2 ? "short" : "full");
	if ((n = number(&ev->part[RSG_PROOF_SOURCE])) != 0)
		rsg_msg_text(out, RSG_F_SOURCE, rsg_origin_name((enum rsg_origin)n));
	if ((n = number(&ev->part[RSG_PROOF_EVIDENCE])) != 0)
		rsg_msg_text(out, RSG_F_EVIDENCE, rsg_evidence_name((enum rsg_evidence)n));
	if (ev->gpc)
		rsg_msg_bool(out, RSG_F_GPC, true);
	if (ev->part[RSG_PROOF_CODE_UNTIL].p != NULL)
		rsg_msg_int(out, RSG_F_CODE_UNTIL,
		    (int64_t)rsg_get64(ev->part[RSG_PROOF_CODE_UNTIL].p));
	n = number(&ev->part[RSG_PROOF_LACKING]);
	for (unsigned bit = 0; bit < RSG_LACKING_BITS; bit++)
		if ((n & 1u << bit) != 0 && rsg_lacking_name(bit) != NULL)
			rsg_msg_text(out, RSG_F_LACKING, rsg_lacking_name(bit));
	rsg_msg_close(out, mark);
}

/*
 * Follow the whole chain, whichever page is asked for: a page that fits and a
 * chain that does not would hide what was taken out of it. Nothing of it is
 * told unless all of it verifies.
 */
static enum rsg_err
follow(const struct rsg_subject *s, const struct rsg_result *r)
{
	struct rsg_history chain = { .count = 0 };
	enum rsg_err e;

	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t len, nhash;
		const uint8_t *sealed = rsg_result_bytes(r, row, 1, &len);
		const uint8_t *hash = rsg_result_bytes(r, row, 2, &nhash);

		if ((e = rsg_ledger_follow(s, &chain, rsg_result_int(r, row, 0),
		    sealed, len, hash, nhash)) != RSG_OK)
			return e;
	}
	return rsg_ledger_ends(s, &chain);
}

static enum rsg_err
show(struct rsg_worker *w, struct rsg_call *c, const struct rsg_subject *s,
    const struct rsg_result *r, int64_t after, int64_t limit)
{
	struct rsg_ledger_event ev;
	uint8_t cursor[8];
	int64_t end = after + limit;
	enum rsg_err e;

	if ((e = follow(s, r)) != RSG_OK)
		return e;
	rsg_msg_id(&c->out, RSG_F_SUBJECT, &s->id);
	rsg_msg_int(&c->out, RSG_F_COUNT, s->h.consent.count);
	for (int64_t n = after + 1; n <= end && n <= rsg_result_rows(r); n++) {
		size_t len;
		const uint8_t *sealed = rsg_result_bytes(r, (int)n - 1, 1, &len);
		uint8_t *text = rsg_arena_get(w->arena, len);

		if (text == NULL)
			return RSG_NO_MEMORY;
		if ((e = rsg_ledger_open(s, (uint32_t)n, sealed, len, text, &ev)) != RSG_OK)
			return e;
		put_event(w, c, n, &ev);
	}
	rsg_be64(cursor, (uint64_t)end);
	if (end < rsg_result_rows(r) && (e = rsg_token_put(w, c, "consents",
	    cursor, sizeof(cursor))) != RSG_OK)
		return e;
	return rsg_buf_err(&c->out);
}

static enum rsg_err
after_of(struct rsg_worker *w, struct rsg_call *c, int64_t *after)
{
	uint8_t cursor[8];
	size_t n;
	enum rsg_err e;

	*after = 0;
	if (!rsg_msg_has(c->in, RSG_F_CURSOR))
		return RSG_OK;
	if ((e = rsg_token_open(w, c, "consents", cursor, sizeof(cursor), &n)) == RSG_OK)
		*after = (int64_t)rsg_get64(cursor);
	return e;
}

enum rsg_err
rsg_op_consent_history(struct rsg_worker *w, struct rsg_call *c)
{
	int64_t limit = rsg_msg_get_int(c->in, RSG_F_LIMIT, LIMIT_DEFAULT), after;
	struct rsg_subject s;
	struct rsg_answer answer;
	struct rsg_bind *b;
	struct rsg_id id;
	int rows;
	enum rsg_err e;

	memset(&s, 0, sizeof(s));
	if (limit < 1 || limit > LIMIT_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "limit", NULL);
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	if ((e = after_of(w, c, &after)) != RSG_OK ||
	    (e = rsg_people_open(w, c, &id, &s)) != RSG_OK ||
	    (e = rsg_people_allowed(w, c, &s, RSG_ACT_CONSENT_READ, 0,
	    &answer)) != RSG_OK)
		goto done;
	b = rsg_db_bind(w->db, RSG_SQL_CONSENT_CHAIN);
	rsg_bind_id(b, 0, &id);
	rows = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK ||
	    (e = show(w, c, &s, rsg_db_result(w->db, rows), after, limit)) != RSG_OK)
		goto done;
	e = rsg_audit_commit(w, c);
done:
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}
