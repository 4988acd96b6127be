#include <string.h>

#include "receipt/event.h"
#include "resguardo/log.h"

const char *
rsg_heard_text(const struct rsg_heard *h, enum rsg_proof what, char *out, size_t cap)
{
	const struct rsg_part *p = &h->ev.part[what];

	out[0] = '\0';
	if (p->p != NULL && p->len < cap) {
		memcpy(out, p->p, p->len);
		out[p->len] = '\0';
	}
	return out;
}

uint64_t
rsg_heard_number(const struct rsg_heard *h, enum rsg_proof what)
{
	const struct rsg_part *p = &h->ev.part[what];
	const uint8_t *b = p->p;
	uint64_t v = 0;

	for (size_t i = 0; b != NULL && i < p->len && i < 8; i++)
		v = v << 8 | b[i];
	return v;
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
	int row = row_of(r, sequence);
	const uint8_t *sealed;
	size_t n;

	memset(h, 0, sizeof(*h));
	h->sequence = sequence;
	if (sequence == 0 || sequence > s->h.consent.count)
		return RSG_NOT_FOUND;
	if (row < 0 || !vouched(s, sequence, r, row, h))
		return tampered(s);
	sealed = rsg_result_bytes(r, row, 1, &n);
	if (n > sizeof(h->text))
		return tampered(s);
	return rsg_ledger_open(s, sequence, sealed, n, h->text, &h->ev);
}
