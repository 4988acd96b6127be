#include <string.h>

#include "receipt/event.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"

#define KEY_EPOCH	1
#define TEXT_MAX	4096

static void
get_text(struct rsg_rd *r, char *out, size_t cap)
{
	size_t n = rsg_rd_u8(r);
	const uint8_t *p = rsg_rd_get(r, n);

	out[0] = '\0';
	if (p == NULL || n >= cap) {
		r->failed = true;
		return;
	}
	memcpy(out, p, n);
	out[n] = '\0';
}

enum rsg_err
rsg_heard_get(const uint8_t *p, size_t n, struct rsg_heard *h)
{
	struct rsg_rd r;
	const uint8_t *id;

	rsg_rd_init(&r, p, n);
	if (rsg_rd_u8(&r) != 1)
		return RSG_TAMPERED;
	h->status = (enum rsg_status)rsg_rd_u8(&r);
	h->purpose = rsg_rd_u16(&r);
	h->channel = (enum rsg_channel)rsg_rd_u8(&r);
	h->time = (int64_t)rsg_rd_u64(&r);
	h->recorded = (int64_t)rsg_rd_u64(&r);
	h->gpc = rsg_rd_u8(&r) != 0;
	if ((id = rsg_rd_get(&r, RSG_ID_LEN)) != NULL)
		memcpy(h->principal.b, id, RSG_ID_LEN);
	get_text(&r, h->role, sizeof(h->role));
	get_text(&r, h->staff, sizeof(h->staff));
	get_text(&r, h->place, sizeof(h->place));
	get_text(&r, h->notice, sizeof(h->notice));
	get_text(&r, h->language, sizeof(h->language));
	get_text(&r, h->method, sizeof(h->method));
	return rsg_rd_end(&r) && h->status < RSG_STATUS__MAX &&
	    h->channel < RSG_CHANNEL__MAX ? RSG_OK : RSG_TAMPERED;
}

/* --- Witnesses --- */

static enum rsg_err
tampered(const struct rsg_subject *s)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
	    "consent_event", "subject", RSG_LOG_ID, &s->id, NULL);
	return RSG_TAMPERED;
}

/* The row of this sequence, or -1. */
static int
row_of(const struct rsg_result *r, uint32_t sequence)
{
	for (int i = 0; i < rsg_result_rows(r); i++)
		if (rsg_result_int(r, i, 0) == sequence)
			return i;
	return -1;
}

static bool
hash_of(const struct rsg_result *r, int row, uint8_t out[RSG_DIGEST_LEN])
{
	size_t n;
	const uint8_t *p = rsg_result_bytes(r, row, 2, &n);

	if (n != RSG_DIGEST_LEN)
		return false;
	memcpy(out, p, n);
	return true;
}

/* Does the row's hash follow from the one before it? */
static bool
follows(const struct rsg_result *r, int row, uint32_t sequence,
    const uint8_t before[RSG_DIGEST_LEN], uint8_t hash[RSG_DIGEST_LEN])
{
	uint8_t stored[RSG_DIGEST_LEN];
	size_t n;
	const uint8_t *sealed = rsg_result_bytes(r, row, 1, &n);

	rsg_ledger_hash(before, sequence, sealed, n, hash);
	return hash_of(r, row, stored) && memcmp(hash, stored, sizeof(stored)) == 0;
}

static bool
vouched(const struct rsg_subject *s, uint32_t sequence, const struct rsg_result *r,
    int row, struct rsg_heard *h)
{
	const struct rsg_history *all = &s->h.consent;
	uint8_t after[RSG_DIGEST_LEN];
	int next;

	memset(h->previous, 0, sizeof(h->previous));
	if (sequence > 1 && ((next = row_of(r, sequence - 1)) < 0 ||
	    !hash_of(r, next, h->previous)))
		return false;
	if (!follows(r, row, sequence, h->previous, h->hash))
		return false;
	if (sequence == all->count)
		return memcmp(h->hash, all->head, sizeof(h->hash)) == 0;
	if ((next = row_of(r, sequence + 1)) < 0 ||
	    !follows(r, next, sequence + 1, h->hash, after))
		return false;
	return sequence + 1 != all->count ||
	    memcmp(after, all->head, sizeof(after)) == 0;
}

enum rsg_err
rsg_heard_open(const struct rsg_subject *s, uint32_t sequence,
    const struct rsg_result *r, struct rsg_heard *h)
{
	const struct rsg_place_of at = { .kind = RSG_SEAL_CONSENT,
	    .controller = s->controller, .pk = s->id,
	    .pk2 = rsg_seal_number(sequence), .version = 1, .generation = KEY_EPOCH };
	uint8_t text[TEXT_MAX];
	const uint8_t *sealed;
	int row = row_of(r, sequence);
	size_t n, len;
	enum rsg_err e;

	memset(h, 0, sizeof(*h));
	if (sequence == 0 || sequence > s->h.consent.count)
		return RSG_NOT_FOUND;
	if (row < 0 || !vouched(s, sequence, r, row, h))
		return tampered(s);
	sealed = rsg_result_bytes(r, row, 1, &n);
	if (n > sizeof(text) || rsg_seal_open(s->keys.key[RSG_KEY_EVIDENCE], &at,
	    sealed, n, text, &len) != RSG_OK)
		return tampered(s);
	e = rsg_heard_get(text, len, h);
	h->sequence = sequence;
	rsg_secret_wipe(text, sizeof(text));
	return e == RSG_OK ? RSG_OK : tampered(s);
}
