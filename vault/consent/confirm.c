#include "consent/confirm.h"

#include <string.h>

#include "resguardo/clock.h"
#include "resguardo/secret.h"

#define HOUR		(3600 * RSG_US)

bool
rsg_confirm_needed(const struct rsg_policy *policy, const struct rsg_consent *ev)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(policy, ev->purpose);

	return p != NULL && p->double_opt_in && rsg_rules_yes(ev->status) &&
	    ev->double_opt_in == NULL && (ev->channel == RSG_CHANNEL_NONE ||
	    ev->channel == RSG_CHANNEL_EMAIL || ev->channel == RSG_CHANNEL_SMS);
}

static void
digest_of(const struct rsg_id *subject, const char code[RSG_CODE_TEXT],
    uint8_t digest[RSG_DIGEST_LEN])
{
	rsg_sha256((struct rsg_part[]){ { "confirm", 7 }, { subject->b, RSG_ID_LEN },
	    { code, RSG_CODE_TEXT - 1 } }, 3, digest);
}

void
rsg_confirm_ask(const struct rsg_policy *policy, const struct rsg_id *subject,
    int64_t now, struct rsg_consent *ev, char code[RSG_CODE_TEXT],
    uint8_t digest[RSG_DIGEST_LEN])
{
	uint8_t bits[RSG_CODE_BYTES];

	rsg_secret_random(bits, sizeof(bits));
	rsg_code_put(bits, code);
	rsg_secret_wipe(bits, sizeof(bits));
	digest_of(subject, code, digest);
	ev->status = RSG_STATUS_REQUESTED;
	ev->code = digest;
	ev->code_until = now + rsg_policy_purpose_no(policy,
	    ev->purpose)->confirm_hours * HOUR;
}

bool
rsg_confirm_open(const struct rsg_header *h, const struct rsg_ledger_event *ev,
    int64_t now)
{
	const struct rsg_part *until = &ev->part[RSG_PROOF_CODE_UNTIL];

	return ev->part[RSG_PROOF_CODE].p != NULL && until->p != NULL &&
	    now < (int64_t)rsg_get64(until->p) &&
	    rsg_rules_answered(h, ev->purpose, ev->channel) <= ev->time;
}

bool
rsg_confirm_answers(const struct rsg_id *subject, const struct rsg_header *h,
    const struct rsg_ledger_event *ev, const char *typed, size_t len, int64_t now)
{
	char code[RSG_CODE_TEXT];
	uint8_t digest[RSG_DIGEST_LEN];
	bool same;

	if (!rsg_confirm_open(h, ev, now) || !rsg_code_form(typed, len, code))
		return false;
	digest_of(subject, code, digest);
	same = rsg_secret_equal(digest, ev->part[RSG_PROOF_CODE].p, sizeof(digest));
	rsg_secret_wipe(code, sizeof(code));
	return same;
}

/* The newest question with a code about this; 0: none of these rows is. */
static enum rsg_err
newest(struct rsg_arena *arena, const struct rsg_subject *s,
    const struct rsg_result *r, uint16_t purpose, enum rsg_channel channel,
    uint32_t *sequence, struct rsg_ledger_event *ev)
{
	struct rsg_id id;
	uint8_t *text;
	size_t len;
	enum rsg_err e;

	*sequence = 0;
	for (int row = 0; r != NULL && row < rsg_result_rows(r); row++) {
		const uint8_t *sealed = rsg_result_bytes(r, row, 2, &len);
		uint32_t n = (uint32_t)rsg_result_int(r, row, 1);

		rsg_result_id(r, row, 0, &id);
		if (!rsg_id_eq(&id, &s->id))
			continue;
		if ((text = rsg_arena_get(arena, len)) == NULL)
			return RSG_NO_MEMORY;
		if ((e = rsg_ledger_open(s, n, sealed, len, text, ev)) != RSG_OK)
			return e;
		if (ev->purpose == purpose && ev->channel == channel &&
		    ev->part[RSG_PROOF_CODE].p != NULL) {
			*sequence = n;
			return RSG_OK;
		}
	}
	return RSG_OK;
}

enum rsg_err
rsg_confirm_find(struct rsg_arena *arena, const struct rsg_subject *s,
    const struct rsg_result *r, uint16_t purpose, enum rsg_channel channel,
    const char *typed, size_t len, int64_t now, uint32_t *sequence,
    struct rsg_ledger_event *ev)
{
	enum rsg_err e = newest(arena, s, r, purpose, channel, sequence, ev);

	if (e != RSG_OK)
		return e;
	return *sequence != 0 && rsg_confirm_answers(&s->id, &s->h, ev, typed, len,
	    now) ? RSG_OK : RSG_CODE_REFUSED;
}

/* --- Guessing --- */

int64_t
rsg_confirm_wait(const struct rsg_header *h, int64_t now)
{
	const struct rsg_guesses *g = &h->guesses;

	return g->wrong < RSG_CONFIRM_TRIES || now >= g->since + HOUR ? 0 :
	    1 + (g->since + HOUR - now) / RSG_US;
}

void
rsg_confirm_wrong(struct rsg_header *h, int64_t now)
{
	struct rsg_guesses *g = &h->guesses;

	if (g->wrong == 0 || now >= g->since + HOUR)
		*g = (struct rsg_guesses){ .since = now };
	g->wrong++;
}
