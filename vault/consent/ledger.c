#include <string.h>

#include "consent/ledger.h"

#define EVENT_VERSION	1
#define EVENT_MAX	2048
#define KEY_EPOCH	1

static const struct { const char *word; enum rsg_status status; } words[] = {
	{ "give", RSG_STATUS_GIVEN }, { "refuse", RSG_STATUS_REFUSED },
	{ "withdraw", RSG_STATUS_WITHDRAWN }, { "object", RSG_STATUS_OBJECTED },
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

static void
put_text(struct rsg_buf *b, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	rsg_buf_u8(b, (uint8_t)n);
	rsg_buf_put(b, s, n);
}

static void
put_event(struct rsg_buf *b, const struct rsg_call *c, const struct rsg_consent *ev,
    int64_t recorded)
{
	rsg_buf_u8(b, EVENT_VERSION);
	rsg_buf_u8(b, (uint8_t)ev->status);
	rsg_buf_u16(b, ev->purpose);
	rsg_buf_u8(b, (uint8_t)ev->channel);
	rsg_buf_u64(b, (uint64_t)ev->time);
	rsg_buf_u64(b, (uint64_t)recorded);
	rsg_buf_u8(b, ev->gpc);
	rsg_buf_put(b, c->actor.principal.b, RSG_ID_LEN);
	put_text(b, c->actor.role);
	put_text(b, c->staff);
	put_text(b, c->place);
	put_text(b, ev->notice);
	put_text(b, ev->language);
	put_text(b, ev->method);
}

/* A repeated yes is a renewal; a withdrawal without a channel reaches all. */
static enum rsg_err
apply(struct rsg_header *h, const struct rsg_consent *ev)
{
	enum rsg_status status = ev->status;

	for (size_t i = 0; i < h->ngrants; i++) {
		struct rsg_grant *g = &h->grant[i];

		if (g->purpose != ev->purpose)
			continue;
		if (status == RSG_STATUS_GIVEN && g->channel == ev->channel &&
		    (g->status == RSG_STATUS_GIVEN || g->status == RSG_STATUS_RENEWED))
			status = RSG_STATUS_RENEWED;
		if (status != RSG_STATUS_GIVEN && status != RSG_STATUS_RENEWED &&
		    ev->channel == RSG_CHANNEL_NONE && g->channel != RSG_CHANNEL_NONE) {
			g->status = (uint8_t)status;
			g->since = ev->time;
			g->until = 0;
		}
	}
	return rsg_header_grant(h, ev->purpose, ev->channel, status, ev->time, 0);
}

enum rsg_err
rsg_ledger_append(struct rsg_batch *b, const struct rsg_call *c,
    struct rsg_subject *s, const struct rsg_consent *ev)
{
	uint32_t sequence = s->h.consent.count + 1;
	struct rsg_place_of at = { .kind = RSG_SEAL_CONSENT,
	    .controller = s->controller, .pk = s->id,
	    .pk2 = rsg_seal_number(sequence), .version = 1, .generation = KEY_EPOCH };
	struct rsg_buf text, sealed;
	struct rsg_bind *q;
	enum rsg_err e;

	rsg_buf_init(&text, EVENT_MAX);
	rsg_buf_init(&sealed, 2 * EVENT_MAX);
	put_event(&text, c, ev, b->w->now);
	if ((e = rsg_buf_err(&text)) != RSG_OK ||
	    (e = rsg_seal(s->keys.key[RSG_KEY_EVIDENCE], &at, text.p, text.len,
	    &sealed)) != RSG_OK || (e = rsg_buf_err(&sealed)) != RSG_OK ||
	    (e = apply(&s->h, ev)) != RSG_OK)
		goto done;
	rsg_ledger_hash(s->h.consent.head, sequence, sealed.p, sealed.len,
	    s->h.consent.head);
	s->h.consent.count = sequence;
	s->dirty = true;
	q = rsg_stage(b, RSG_SQL_CONSENT_INSERT);
	rsg_bind_id(q, 0, &s->id);
	rsg_bind_int(q, 1, sequence);
	rsg_bind_bytes(q, 2, sealed.p, sealed.len);
	rsg_bind_bytes(q, 3, s->h.consent.head, RSG_DIGEST_LEN);
	rsg_stage_change(b, &s->id);
done:
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}
