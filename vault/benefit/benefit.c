#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benefit/benefit.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"

#define EVENT_VERSION	1
#define EVENT_MAX	2048
#define KEY_EPOCH	1

static const char *const acts[RSG_BENEFIT__MAX] = {
	[RSG_BENEFIT_PROMISED] = "promised", [RSG_BENEFIT_DELIVERED] = "delivered",
	[RSG_BENEFIT_REDEEMED] = "redeemed", [RSG_BENEFIT_EXPIRED] = "expired",
	[RSG_BENEFIT_REVERSED] = "reversed", [RSG_BENEFIT_EARNED] = "earned",
	[RSG_BENEFIT_SPENT] = "spent", [RSG_BENEFIT_DEDUCTED] = "deducted",
};

const char *
rsg_benefit_act_name(enum rsg_benefit_act a)
{
	return a > 0 && a < RSG_BENEFIT__MAX ? acts[a] : "unknown";
}

/* --- Bytes --- */

static void
put_event(struct rsg_buf *b, const struct rsg_call *c, const struct rsg_benefit_event *ev)
{
	rsg_buf_u8(b, EVENT_VERSION);
	rsg_buf_u8(b, (uint8_t)ev->act);
	rsg_buf_put(b, ev->benefit.b, RSG_ID_LEN);
	rsg_buf_u64(b, (uint64_t)ev->time);
	rsg_buf_u64(b, (uint64_t)ev->recorded);
	rsg_buf_u32(b, ev->consent);
	rsg_buf_u16(b, ev->purpose);
	rsg_buf_u8(b, ev->channel);
	rsg_buf_u8(b, ev->kind);
	rsg_buf_u8(b, ev->flags);
	rsg_buf_u32(b, ev->version);
	rsg_buf_u64(b, (uint64_t)ev->points);
	rsg_buf_u64(b, (uint64_t)ev->value);
	rsg_buf_u64(b, (uint64_t)ev->cost);
	rsg_buf_u32(b, ev->valid_days);
	rsg_buf_u64(b, (uint64_t)ev->due);
	rsg_buf_u64(b, (uint64_t)ev->until);
	rsg_buf_short(b, ev->incentive);
	rsg_buf_short(b, ev->ref);
	rsg_buf_short(b, ev->cause);
	rsg_buf_put(b, c->actor.principal.b, RSG_ID_LEN);
	rsg_buf_short(b, c->actor.role);
	rsg_buf_short(b, c->staff);
	rsg_buf_short(b, c->place);
}

static enum rsg_err
get_event(const uint8_t *p, size_t len, struct rsg_benefit_event *ev)
{
	struct rsg_rd r;
	const uint8_t *id;
	uint8_t act;

	rsg_rd_init(&r, p, len);
	if (rsg_rd_u8(&r) != EVENT_VERSION)
		return RSG_TAMPERED;
	act = rsg_rd_u8(&r);
	ev->act = (enum rsg_benefit_act)act;
	if ((id = rsg_rd_get(&r, RSG_ID_LEN)) != NULL)
		memcpy(ev->benefit.b, id, RSG_ID_LEN);
	ev->time = (int64_t)rsg_rd_u64(&r);
	ev->recorded = (int64_t)rsg_rd_u64(&r);
	ev->consent = rsg_rd_u32(&r);
	ev->purpose = rsg_rd_u16(&r);
	ev->channel = rsg_rd_u8(&r);
	ev->kind = rsg_rd_u8(&r);
	ev->flags = rsg_rd_u8(&r);
	ev->version = rsg_rd_u32(&r);
	ev->points = (int64_t)rsg_rd_u64(&r);
	ev->value = (int64_t)rsg_rd_u64(&r);
	ev->cost = (int64_t)rsg_rd_u64(&r);
	ev->valid_days = rsg_rd_u32(&r);
	ev->due = (int64_t)rsg_rd_u64(&r);
	ev->until = (int64_t)rsg_rd_u64(&r);
	rsg_rd_short(&r, ev->incentive, RSG_BENEFIT_TEXT);
	rsg_rd_short(&r, ev->ref, RSG_BENEFIT_TEXT);
	rsg_rd_short(&r, ev->cause, RSG_BENEFIT_TEXT);
	/* Who did it follows; only evidence asks for that. */
	if (!rsg_rd_ok(&r) || act == 0 || act >= RSG_BENEFIT__MAX)
		return RSG_TAMPERED;
	return RSG_OK;
}

static struct rsg_place_of
place(const struct rsg_subject *s, uint32_t sequence)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_BENEFIT,
	    .controller = s->controller, .pk = s->id,
	    .pk2 = rsg_seal_number(sequence), .version = 1, .generation = KEY_EPOCH };
}

static void
chain(const uint8_t previous[RSG_DIGEST_LEN], uint32_t sequence, const void *sealed,
    size_t len, uint8_t hash[RSG_DIGEST_LEN])
{
	uint8_t n[4];

	rsg_be32(n, sequence);
	rsg_sha256((struct rsg_part[]){ { previous, RSG_DIGEST_LEN },
	    { n, sizeof(n) }, { sealed, len } }, 3, hash);
}

/* --- Reading a history --- */

enum rsg_err
rsg_benefit_row(const struct rsg_subject *s, uint32_t sequence, const void *sealed,
    size_t len, uint8_t head[RSG_DIGEST_LEN], struct rsg_benefit_event *ev)
{
	struct rsg_place_of at = place(s, sequence);
	uint8_t text[2 * EVENT_MAX];
	size_t n;
	enum rsg_err e;

	if (len > sizeof(text))
		return RSG_TAMPERED;
	chain(head, sequence, sealed, len, head);
	e = rsg_seal_open(s->keys.key[RSG_KEY_EVIDENCE], &at, sealed, len, text, &n);
	if (e == RSG_OK)
		e = get_event(text, n, ev);
	ev->sequence = sequence;
	rsg_secret_wipe(text, sizeof(text));
	return e;
}

static enum rsg_err
open_row(const struct rsg_subject *s, const struct rsg_result *r, int row,
    uint32_t sequence, uint8_t head[RSG_DIGEST_LEN], struct rsg_benefit_event *ev)
{
	const uint8_t *sealed;
	size_t len;

	sealed = rsg_result_bytes(r, row, 2, &len);
	return rsg_result_int(r, row, 1) != sequence ? RSG_TAMPERED :
	    rsg_benefit_row(s, sequence, sealed, len, head, ev);
}

enum rsg_err
rsg_benefit_open(const struct rsg_subject *s, const struct rsg_result *r,
    struct rsg_benefits *out)
{
	uint8_t head[RSG_DIGEST_LEN] = { 0 };
	const struct rsg_history *h = &s->h.benefit;
	struct rsg_id id;
	enum rsg_err e = RSG_OK;

	memset(out, 0, sizeof(*out));
	out->room = (size_t)h->count + 4;
	if ((out->event = calloc(out->room, sizeof(*out->event))) == NULL)
		return RSG_NO_MEMORY;
	for (int row = 0; r != NULL && row < rsg_result_rows(r) && e == RSG_OK; row++) {
		rsg_result_id(r, row, 0, &id);
		if (!rsg_id_eq(&id, &s->id))
			continue;
		/* Fresh ones of this very batch are not there: it locked the row. */
		if (out->n == h->count)
			e = RSG_TAMPERED;
		else if ((e = open_row(s, r, row, (uint32_t)out->n + 1, head,
		    &out->event[out->n])) == RSG_OK)
			out->n++;
	}
	if (e == RSG_OK && (out->n != h->count || memcmp(head, h->head, sizeof(head)) != 0))
		e = RSG_TAMPERED;
	if (e == RSG_TAMPERED)
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "benefit history", "subject", RSG_LOG_ID, &s->id, NULL);
	return e;
}

enum rsg_err
rsg_benefit_push(struct rsg_benefits *b, const struct rsg_benefit_event *ev)
{
	struct rsg_benefit_event *more;

	if (b->n == b->room) {
		/* Not realloc(): what is left behind has to be wiped. */
		if ((more = calloc(2 * b->room + 4, sizeof(*more))) == NULL)
			return RSG_NO_MEMORY;
		if (b->n > 0)
			memcpy(more, b->event, b->n * sizeof(*more));
		if (b->event != NULL)
			rsg_secret_wipe(b->event, b->n * sizeof(*b->event));
		free(b->event);
		b->event = more;
		b->room = 2 * b->room + 4;
	}
	b->event[b->n++] = *ev;
	return RSG_OK;
}

void
rsg_benefit_free(struct rsg_benefits *b)
{
	if (b == NULL)
		return;
	if (b->event != NULL)
		rsg_secret_wipe(b->event, b->n * sizeof(*b->event));
	free(b->event);
	memset(b, 0, sizeof(*b));
}

/* --- Adding to it --- */

enum rsg_err
rsg_benefit_append(struct rsg_bind *q, const struct rsg_call *c, struct rsg_subject *s,
    int64_t now, struct rsg_benefit_event *ev)
{
	uint32_t sequence = s->h.benefit.count + 1;
	struct rsg_place_of at = place(s, sequence);
	struct rsg_buf text, sealed;
	enum rsg_err e;

	ev->sequence = sequence;
	ev->recorded = now;
	rsg_buf_init(&text, EVENT_MAX);
	rsg_buf_init(&sealed, 2 * EVENT_MAX);
	put_event(&text, c, ev);
	if ((e = rsg_buf_err(&text)) != RSG_OK ||
	    (e = rsg_seal(s->keys.key[RSG_KEY_EVIDENCE], &at, text.p, text.len,
	    &sealed)) != RSG_OK || (e = rsg_buf_err(&sealed)) != RSG_OK)
		goto done;
	chain(s->h.benefit.head, sequence, sealed.p, sealed.len, s->h.benefit.head);
	s->h.benefit.count = sequence;
	s->dirty = true;
	rsg_bind_id(q, 0, &s->id);
	rsg_bind_int(q, 1, sequence);
	rsg_bind_bytes(q, 2, sealed.p, sealed.len);
	rsg_bind_bytes(q, 3, s->h.benefit.head, RSG_DIGEST_LEN);
done:
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}

/* --- What follows from it --- */

/* What can still happen, by what happened last; 0 is nothing at all. */
static const struct { enum rsg_benefit_act from, to; } steps[] = {
	{ 0, RSG_BENEFIT_PROMISED }, { 0, RSG_BENEFIT_DELIVERED },
	{ 0, RSG_BENEFIT_EARNED }, { 0, RSG_BENEFIT_SPENT }, { 0, RSG_BENEFIT_DEDUCTED },
	{ RSG_BENEFIT_PROMISED, RSG_BENEFIT_DELIVERED },
	{ RSG_BENEFIT_PROMISED, RSG_BENEFIT_EXPIRED },
	{ RSG_BENEFIT_PROMISED, RSG_BENEFIT_REVERSED },
	{ RSG_BENEFIT_DELIVERED, RSG_BENEFIT_REDEEMED },
	{ RSG_BENEFIT_DELIVERED, RSG_BENEFIT_EXPIRED },
	{ RSG_BENEFIT_DELIVERED, RSG_BENEFIT_REVERSED },
	{ RSG_BENEFIT_EARNED, RSG_BENEFIT_EXPIRED },
	{ RSG_BENEFIT_EARNED, RSG_BENEFIT_REVERSED },
};

bool
rsg_benefit_follows(enum rsg_benefit_act state, enum rsg_benefit_act act)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].from == state && steps[i].to == act)
			return true;
	return false;
}

static void
take_event(struct rsg_benefit *b, const struct rsg_benefit_event *ev)
{
	if (b->state == 0) {
		b->first = *ev;
		b->paid = (ev->flags & RSG_BENEFIT_PAID) != 0;
	}
	b->state = ev->act;
	b->since = ev->time;
	b->cost += ev->cost;
	if (ev->until != 0)
		b->until = ev->until;
	if (ev->act == RSG_BENEFIT_DELIVERED || ev->act == RSG_BENEFIT_EARNED)
		b->delivered = true;
	if (ev->act == RSG_BENEFIT_REDEEMED)
		memcpy(b->ref, ev->ref, sizeof(b->ref));
	if (ev->act == RSG_BENEFIT_DELIVERED)
		memcpy(b->code, ev->ref, sizeof(b->code));
	b->flagged = b->flagged || (ev->flags & RSG_BENEFIT_FLAGGED) != 0;
}

enum rsg_err
rsg_benefit_find(const struct rsg_benefits *all, const struct rsg_id *id, int64_t now,
    struct rsg_benefit *b)
{
	memset(b, 0, sizeof(*b));
	for (size_t i = 0; i < all->n; i++)
		if (rsg_id_eq(&all->event[i].benefit, id))
			take_event(b, &all->event[i]);
	if (b->state == 0)
		return RSG_NOT_FOUND;
	/* Time passes whether or not somebody writes it down. */
	if (b->until != 0 && b->until <= now &&
	    rsg_benefit_follows(b->state, RSG_BENEFIT_EXPIRED)) {
		b->state = RSG_BENEFIT_EXPIRED;
		b->since = b->until;
	}
	return RSG_OK;
}

size_t
rsg_benefit_count(const struct rsg_benefits *all, const char *incentive, int64_t since,
    int64_t until)
{
	struct rsg_benefit b;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct rsg_benefit_event *ev = &all->event[i];

		if (ev->time < since || ev->time >= until ||
		    strcmp(ev->incentive, incentive) != 0)
			continue;
		/* What was promised by mistake and taken back may be given again. */
		if (rsg_benefit_find(all, &ev->benefit, ev->recorded, &b) == RSG_OK &&
		    b.first.sequence == ev->sequence && b.state != RSG_BENEFIT_REVERSED)
			n++;
	}
	return n;
}
