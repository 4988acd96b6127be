/*
 * event.h - one thing that happened to a person: a purchase, a return, a
 * contact. Sealed under the activity key; its id says which document line it
 * is, so that importing a file twice changes nothing and true duplicates stay.
 * docs/FORMAT.md, "Event", has the bytes.
 */
#ifndef RSG_EVENT_H
#define RSG_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"
#include "seal/seal.h"

enum rsg_event_text { RSG_EV_CATEGORY, RSG_EV_STORE, RSG_EV_CHANNEL,
	RSG_EV_PAYMENT, RSG_EV_DOCUMENT, RSG_EV_ITEM, RSG_EV_ORIGIN, RSG_EV__TEXTS };

/* Texts are borrowed; length 0 where there is none. */
struct rsg_event {
	uint8_t kind;
	int64_t time;
	int64_t amount, cost;		/* minor units; the kind says the sign */
	int64_t quantity;
	uint32_t ordinal;		/* among identical lines */
	char currency[4];
	struct { const char *p; size_t len; } text[RSG_EV__TEXTS];
};

/*
 * The id: eight bytes of the document and eight of the line, keyed by the
 * person's activity key. Lines without a document are documents of their own.
 * `chance` NULL, or 16 bytes that stand in for an identity the line lacks.
 */
void rsg_event_id(const uint8_t activity_key[RSG_KEY_LEN], const struct rsg_event *,
    const uint8_t *chance, struct rsg_id *);

/* The first and last id that lines of the same document can have. */
void rsg_event_span(const struct rsg_id *, struct rsg_id *first, struct rsg_id *last);

RSG_MUST enum rsg_err rsg_event_seal(const uint8_t activity_key[RSG_KEY_LEN],
    uint32_t controller, const struct rsg_id *subject, const struct rsg_id *id,
    const struct rsg_event *, struct rsg_buf *sealed);

/* Open into `text`, which has room for `len` bytes and keeps the texts. */
RSG_MUST enum rsg_err rsg_event_open(const uint8_t activity_key[RSG_KEY_LEN],
    uint32_t controller, const struct rsg_id *subject, const struct rsg_id *id,
    const uint8_t *sealed, size_t len, uint8_t *text, struct rsg_event *);

#endif
