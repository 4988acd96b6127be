#include "consent/ledger.h"

#include <string.h>

#include "resguardo/log.h"

#define EVENT_VERSION	2
#define EVENT_OLD	1		/* texts at fixed places; read, not written */
#define EVENT_MAX	4096
#define EVENT_FRONT	38		/* what every event has */
#define FLAG_GPC	1
#define KEY_EPOCH	1

static const struct { const char *word; enum rsg_status status; } words[] = {
	{ "ask", RSG_STATUS_REQUESTED }, { "give", RSG_STATUS_GIVEN },
	{ "refuse", RSG_STATUS_REFUSED }, { "withdraw", RSG_STATUS_WITHDRAWN },
	{ "object", RSG_STATUS_OBJECTED }, { "revoke", RSG_STATUS_REVOKED },
	{ "expire", RSG_STATUS_EXPIRED }, { "invalidate", RSG_STATUS_INVALIDATED },
};

enum rsg_status
rsg_ledger_status(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, s, len) == 0)
			return words[i].status;
	return RSG_STATUS_UNKNOWN;
}

void
rsg_ledger_hash(const uint8_t previous[RSG_DIGEST_LEN], uint32_t sequence,
    const void *sealed, size_t len, uint8_t hash[RSG_DIGEST_LEN])
{
	uint8_t n[4];

	rsg_be32(n, sequence);
	rsg_sha256((struct rsg_part[]){ { previous, RSG_DIGEST_LEN },
	    { n, sizeof(n) }, { sealed, len } }, 3, hash);
}

static struct rsg_place_of
place(const struct rsg_subject *s, uint32_t sequence)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_CONSENT,
	    .controller = s->controller, .pk = s->id,
	    .pk2 = rsg_seal_number(sequence), .version = 1, .generation = KEY_EPOCH };
}

/* --- Writing --- */

static void
put_part(struct rsg_buf *b, enum rsg_proof what, const void *p, size_t len)
{
	if (p == NULL || len == 0)
		return;
	rsg_buf_u8(b, (uint8_t)what);
	rsg_buf_u16(b, (uint16_t)len);
	rsg_buf_put(b, p, len);
}

static void
put_text(struct rsg_buf *b, enum rsg_proof what, const char *s)
{
	put_part(b, what, s, s == NULL ? 0 : strlen(s));
}

/* Numbers of one, four and eight bytes; 0 is absent. */
static void
put_number(struct rsg_buf *b, enum rsg_proof what, uint64_t n, size_t len)
{
	uint8_t bytes[8];

	rsg_be64(bytes, n);
	if (n != 0)
		put_part(b, what, bytes + 8 - len, len);
}

static void
put_id(struct rsg_buf *b, enum rsg_proof what, const struct rsg_id *id)
{
	if (!rsg_id_nil(id))
		put_part(b, what, id->b, RSG_ID_LEN);
}

/* In ascending order of their numbers, so that there is one way to write it. */
static void
put_event(struct rsg_buf *b, const struct rsg_call *c, const struct rsg_consent *ev,
    const struct rsg_said *said, int64_t recorded)
{
	rsg_buf_u8(b, EVENT_VERSION);
	rsg_buf_u8(b, (uint8_t)said->event);
	rsg_buf_u16(b, ev->purpose);
	rsg_buf_u8(b, (uint8_t)ev->channel);
	rsg_buf_u64(b, (uint64_t)said->time);
	rsg_buf_u64(b, (uint64_t)recorded);
	rsg_buf_u8(b, ev->gpc ? FLAG_GPC : 0);
	rsg_buf_put(b, c->actor.principal.b, RSG_ID_LEN);
	put_text(b, RSG_PROOF_ROLE, c->actor.role);
	put_text(b, RSG_PROOF_STAFF, c->staff);
	put_text(b, RSG_PROOF_PLACE, c->place);
	put_text(b, RSG_PROOF_NOTICE, ev->notice);
	put_text(b, RSG_PROOF_LANGUAGE, ev->language);
	put_text(b, RSG_PROOF_METHOD, ev->method);
	put_number(b, RSG_PROOF_NOTICE_VERSION, ev->notice_version, 4);
	put_number(b, RSG_PROOF_SHOWN, ev->notice_hash == NULL ? 0 : ev->brief ? 2 : 1, 1);
	put_part(b, RSG_PROOF_NOTICE_HASH, ev->notice_hash, 32);
	put_text(b, RSG_PROOF_WORDS, ev->words);
	put_text(b, RSG_PROOF_FORM, ev->form);
	put_text(b, RSG_PROOF_TAKEN_AT, ev->taken_at);
	put_id(b, RSG_PROOF_ON_BEHALF, &ev->on_behalf);
	put_number(b, RSG_PROOF_SOURCE, ev->origin, 1);
	put_number(b, RSG_PROOF_EVIDENCE, ev->evidence, 1);
	put_text(b, RSG_PROOF_DOUBLE_OPT_IN, ev->double_opt_in);
	put_number(b, RSG_PROOF_CONFIRMED, (uint64_t)ev->confirmed, 8);
	put_id(b, RSG_PROOF_ATTACHMENT, &ev->attachment);
	put_number(b, RSG_PROOF_UNTIL, (uint64_t)said->until, 8);
	put_number(b, RSG_PROOF_LACKING, ev->lacking, 1);
	put_part(b, RSG_PROOF_CODE, ev->code, RSG_DIGEST_LEN);
	put_number(b, RSG_PROOF_CODE_UNTIL, ev->code == NULL ? 0 : (uint64_t)ev->code_until, 8);
	put_part(b, RSG_PROOF_ATTACHMENT_HASH, ev->attachment_hash, 32);
	put_text(b, RSG_PROOF_RECORD, ev->record);
}

static enum rsg_err
seal_event(struct rsg_batch *b, const struct rsg_call *c, const struct rsg_subject *s,
    const struct rsg_consent *ev, const struct rsg_said *said, struct rsg_buf *sealed)
{
	struct rsg_place_of at = place(s, s->h.consent.count + 1);
	struct rsg_buf text;
	enum rsg_err e;

	rsg_buf_init(&text, EVENT_MAX);
	put_event(&text, c, ev, said, b->w->now);
	if ((e = rsg_buf_err(&text)) == RSG_OK && (e = rsg_seal(
	    s->keys.key[RSG_KEY_EVIDENCE], &at, text.p, text.len, sealed)) == RSG_OK)
		e = rsg_buf_err(sealed);
	rsg_buf_free(&text);
	return e;
}

enum rsg_err
rsg_ledger_append(struct rsg_batch *b, const struct rsg_call *c,
    struct rsg_subject *s, const struct rsg_consent *ev, struct rsg_said *said)
{
	struct rsg_header after = s->h;
	struct rsg_buf sealed;
	struct rsg_bind *q;
	enum rsg_err e;

	rsg_buf_init(&sealed, 2 * EVENT_MAX);
	if ((e = rsg_rules_apply(b->w->policy, &after, ev, said)) != RSG_OK ||
	    (said->same && ev->record == NULL) || (e = seal_event(b, c, s, ev, said, &sealed)) != RSG_OK)
		goto done;
	after.consent.count++;
	rsg_ledger_hash(s->h.consent.head, after.consent.count, sealed.p, sealed.len,
	    after.consent.head);
	s->h = after;
	s->dirty = true;
	q = rsg_stage(b, RSG_SQL_CONSENT_INSERT);
	rsg_bind_id(q, 0, &s->id);
	rsg_bind_int(q, 1, s->h.consent.count);
	rsg_bind_bytes(q, 2, sealed.p, sealed.len);
	rsg_bind_bytes(q, 3, s->h.consent.head, RSG_DIGEST_LEN);
	rsg_stage_change(b, &s->id);
done:
	rsg_buf_free(&sealed);
	return e;
}

enum rsg_err
rsg_ledger_gpc(struct rsg_batch *b, const struct rsg_call *c, struct rsg_subject *s)
{
	const struct rsg_purposedef *p;
	struct rsg_said said;
	enum rsg_err e;

	for (size_t i = 0; (p = rsg_policy_purpose_at(b->w->policy, i)) != NULL; i++) {
		const struct rsg_consent ev = { .status = RSG_STATUS_OBJECTED,
		    .purpose = p->number, .time = b->w->now, .gpc = true,
		    .method = "sec-gpc", .origin = RSG_ORIGIN_WEB };

		if (p->gpc && (e = rsg_ledger_append(b, c, s, &ev, &said)) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

/* --- Reading --- */

static enum rsg_err
tampered(const struct rsg_subject *s, int64_t sequence)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "consent event",
	    "subject", RSG_LOG_ID, &s->id, "sequence", RSG_LOG_I, sequence, NULL);
	return RSG_TAMPERED;
}

/* Version 1: role, staff, place, notice, language, method; each may be empty. */
static bool
old_parts(struct rsg_rd *in, struct rsg_ledger_event *ev)
{
	for (int i = RSG_PROOF_ROLE; i <= RSG_PROOF_METHOD; i++) {
		size_t n = rsg_rd_u8(in);
		const uint8_t *p = rsg_rd_get(in, n);

		if (n > 0)
			ev->part[i] = (struct rsg_part){ p, n };
	}
	return rsg_rd_end(in);
}

static bool
parts(struct rsg_rd *in, struct rsg_ledger_event *ev)
{
	/* How long a part has to be that is no text. */
	static const uint8_t size[RSG_PROOF__MAX] = {
		[RSG_PROOF_NOTICE_VERSION] = 4, [RSG_PROOF_SHOWN] = 1,
		[RSG_PROOF_NOTICE_HASH] = 32, [RSG_PROOF_ON_BEHALF] = RSG_ID_LEN,
		[RSG_PROOF_SOURCE] = 1, [RSG_PROOF_EVIDENCE] = 1,
		[RSG_PROOF_CONFIRMED] = 8, [RSG_PROOF_ATTACHMENT] = RSG_ID_LEN,
		[RSG_PROOF_UNTIL] = 8, [RSG_PROOF_LACKING] = 1,
		[RSG_PROOF_CODE] = RSG_DIGEST_LEN, [RSG_PROOF_CODE_UNTIL] = 8,
		[RSG_PROOF_ATTACHMENT_HASH] = 32,
	};
	unsigned before = 0;

	while (in->left > 0) {
		unsigned what = rsg_rd_u8(in);
		size_t n = rsg_rd_u16(in);
		const uint8_t *p = rsg_rd_get(in, n);

		if (p == NULL || n == 0 || what <= before || what >= RSG_PROOF__MAX ||
		    (size[what] != 0 && size[what] != n))
			return false;
		ev->part[what] = (struct rsg_part){ p, n };
		before = what;
	}
	return rsg_rd_ok(in);
}

static bool
get_event(const uint8_t *p, size_t len, struct rsg_ledger_event *ev)
{
	struct rsg_rd in;
	const uint8_t *id;
	uint8_t version;

	memset(ev, 0, sizeof(*ev));
	rsg_rd_init(&in, p, len);
	version = rsg_rd_u8(&in);
	ev->status = (enum rsg_status)rsg_rd_u8(&in);
	ev->purpose = rsg_rd_u16(&in);
	ev->channel = (enum rsg_channel)rsg_rd_u8(&in);
	ev->time = (int64_t)rsg_rd_u64(&in);
	ev->recorded = (int64_t)rsg_rd_u64(&in);
	ev->gpc = (rsg_rd_u8(&in) & FLAG_GPC) != 0;
	if ((id = rsg_rd_get(&in, RSG_ID_LEN)) == NULL ||
	    ev->status <= RSG_STATUS_UNKNOWN || ev->status >= RSG_STATUS__MAX ||
	    (unsigned)ev->channel >= RSG_CHANNEL__MAX)
		return false;
	memcpy(ev->principal.b, id, RSG_ID_LEN);
	if (version == EVENT_OLD)
		return old_parts(&in, ev);
	return version == EVENT_VERSION && parts(&in, ev);
}

enum rsg_err
rsg_ledger_open(const struct rsg_subject *s, uint32_t sequence, const void *sealed,
    size_t len, uint8_t *text, struct rsg_ledger_event *ev)
{
	struct rsg_place_of at = place(s, sequence);
	size_t n;

	if (rsg_seal_open(s->keys.key[RSG_KEY_EVIDENCE], &at, sealed, len, text,
	    &n) != RSG_OK || n < EVENT_FRONT || !get_event(text, n, ev))
		return tampered(s, sequence);
	return RSG_OK;
}

enum rsg_err
rsg_ledger_follow(const struct rsg_subject *s, struct rsg_history *chain,
    int64_t sequence, const void *sealed, size_t len, const void *hash, size_t nhash)
{
	if (sequence != (int64_t)chain->count + 1 || nhash != RSG_DIGEST_LEN)
		return tampered(s, sequence);
	chain->count++;
	rsg_ledger_hash(chain->head, chain->count, sealed, len, chain->head);
	return memcmp(chain->head, hash, RSG_DIGEST_LEN) == 0 ? RSG_OK :
	    tampered(s, sequence);
}

enum rsg_err
rsg_ledger_ends(const struct rsg_subject *s, const struct rsg_history *chain)
{
	if (chain->count != s->h.consent.count ||
	    memcmp(chain->head, s->h.consent.head, RSG_DIGEST_LEN) != 0)
		return tampered(s, chain->count);
	return RSG_OK;
}
