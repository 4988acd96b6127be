#include <string.h>

#include "subject/event.h"

#define EVENT_VERSION	1
#define EVENT_MAX	4096
#define KEY_EPOCH	1
#define HALF		8

static struct rsg_place_of
place(uint32_t controller, const struct rsg_id *subject, const struct rsg_id *id)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_EVENT,
	    .controller = controller, .pk = *subject, .pk2 = *id, .version = 1,
	    .generation = KEY_EPOCH };
}

/* What makes a line the line it is. */
static size_t
identity(const struct rsg_event *ev, uint8_t fixed[41], struct rsg_part *part)
{
	static const enum rsg_event_text texts[] = { RSG_EV_ITEM, RSG_EV_CATEGORY,
	    RSG_EV_STORE, RSG_EV_CHANNEL, RSG_EV_PAYMENT };
	size_t n = 0;

	fixed[0] = ev->kind;
	rsg_be64(fixed + 1, (uint64_t)ev->time);
	rsg_be64(fixed + 9, (uint64_t)ev->amount);
	rsg_be64(fixed + 17, (uint64_t)ev->cost);
	rsg_be64(fixed + 25, (uint64_t)ev->quantity);
	rsg_be32(fixed + 33, ev->ordinal);
	rsg_be32(fixed + 37, (uint32_t)ev->text[RSG_EV_ITEM].len);
	part[n++] = (struct rsg_part){ fixed, 41 };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		part[n++] = (struct rsg_part){ ev->text[texts[i]].p, ev->text[texts[i]].len };
		part[n++] = (struct rsg_part){ "\n", 1 };
	}
	return n;
}

void
rsg_event_id(const uint8_t key[RSG_KEY_LEN], const struct rsg_event *ev,
    const uint8_t *chance, struct rsg_id *id)
{
	const uint8_t kind = ev->kind;
	uint8_t fixed[41], line[32], document[32];
	struct rsg_part part[16] = { { "event-line", 10 } };
	size_t n = 1;

	n += identity(ev, fixed, part + n);
	part[n++] = (struct rsg_part){ ev->text[RSG_EV_ORIGIN].p, ev->text[RSG_EV_ORIGIN].len };
	part[n++] = (struct rsg_part){ chance, chance == NULL ? 0 : RSG_ID_LEN };
	rsg_blake2b(key, part, n, line);
	if (ev->text[RSG_EV_DOCUMENT].len > 0)
		rsg_blake2b(key, (struct rsg_part[]){ { "event-document", 14 },
		    { &kind, 1 }, { ev->text[RSG_EV_ORIGIN].p, ev->text[RSG_EV_ORIGIN].len },
		    { "\n", 1 }, { ev->text[RSG_EV_DOCUMENT].p,
		    ev->text[RSG_EV_DOCUMENT].len } }, 5, document);
	else
		memcpy(document, line + HALF, HALF);
	memcpy(id->b, document, HALF);
	memcpy(id->b + HALF, line, HALF);
}

void
rsg_event_span(const struct rsg_id *id, struct rsg_id *first, struct rsg_id *last)
{
	*first = *last = *id;
	memset(first->b + HALF, 0, HALF);
	memset(last->b + HALF, 0xff, HALF);
}

enum rsg_err
rsg_event_seal(const uint8_t key[RSG_KEY_LEN], uint32_t controller,
    const struct rsg_id *subject, const struct rsg_id *id,
    const struct rsg_event *ev, struct rsg_buf *sealed)
{
	struct rsg_place_of at = place(controller, subject, id);
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, EVENT_MAX);
	rsg_buf_u8(&b, EVENT_VERSION);
	rsg_buf_u8(&b, ev->kind);
	rsg_buf_u64(&b, (uint64_t)ev->time);
	rsg_buf_svarint(&b, ev->amount);
	rsg_buf_svarint(&b, ev->cost);
	rsg_buf_svarint(&b, ev->quantity);
	rsg_buf_varint(&b, ev->ordinal);
	rsg_buf_put(&b, ev->currency, 3);
	for (size_t i = 0; i < RSG_EV__TEXTS; i++) {
		rsg_buf_u8(&b, (uint8_t)ev->text[i].len);
		rsg_buf_put(&b, ev->text[i].p, ev->text[i].len);
	}
	if ((e = rsg_buf_err(&b)) == RSG_OK)
		e = rsg_seal(key, &at, b.p, b.len, sealed);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_event_open(const uint8_t key[RSG_KEY_LEN], uint32_t controller,
    const struct rsg_id *subject, const struct rsg_id *id, const uint8_t *sealed,
    size_t len, uint8_t *text, struct rsg_event *ev)
{
	struct rsg_place_of at = place(controller, subject, id);
	struct rsg_rd r;
	const uint8_t *p;
	size_t n;
	enum rsg_err e;

	memset(ev, 0, sizeof(*ev));
	if ((e = rsg_seal_open(key, &at, sealed, len, text, &n)) != RSG_OK)
		return e;
	rsg_rd_init(&r, text, n);
	if (rsg_rd_u8(&r) != EVENT_VERSION)
		return RSG_TAMPERED;
	ev->kind = rsg_rd_u8(&r);
	ev->time = (int64_t)rsg_rd_u64(&r);
	ev->amount = rsg_rd_svarint(&r);
	ev->cost = rsg_rd_svarint(&r);
	ev->quantity = rsg_rd_svarint(&r);
	ev->ordinal = (uint32_t)rsg_rd_varint(&r);
	if ((p = rsg_rd_get(&r, 3)) != NULL)
		memcpy(ev->currency, p, 3);
	for (size_t i = 0; i < RSG_EV__TEXTS; i++) {
		ev->text[i].len = rsg_rd_u8(&r);
		ev->text[i].p = (const char *)rsg_rd_get(&r, ev->text[i].len);
	}
	return rsg_rd_end(&r) ? RSG_OK : RSG_TAMPERED;
}
