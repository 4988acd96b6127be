/*
 * told.h - what people said and were given, written as the server writes it,
 * for tests and bench.
 */
#ifndef TESTS_TOLD_H
#define TESTS_TOLD_H

#include <stdio.h>

#include "benefit/benefit.h"
#include "consent/ledger.h"
#include "people.h"

/* Where the events of people go: CONSENT_INSERT and BENEFIT_INSERT. */
struct told {
	struct rsg_bind *consents, *benefits;
	struct rsg_call call;
	uint16_t purpose;
};

static inline void
told_part(struct rsg_buf *b, enum rsg_proof what, const void *p, size_t len)
{
	rsg_buf_u8(b, (uint8_t)what);
	rsg_buf_u16(b, (uint16_t)len);
	rsg_buf_put(b, p, len);
}

/* docs/FORMAT.md, "Consent event". */
static inline void
told_word(struct rsg_buf *b, const struct told *t, enum rsg_status status, int64_t time)
{
	static const uint8_t version[4] = { 0, 0, 0, 1 }, one[1] = { 1 }, hash[32] = { 7 };
	static const uint8_t nobody[RSG_ID_LEN];

	rsg_buf_u8(b, 2);
	rsg_buf_u8(b, (uint8_t)status);
	rsg_buf_u16(b, t->purpose);
	rsg_buf_u8(b, RSG_CHANNEL_EMAIL);
	rsg_buf_u64(b, (uint64_t)time);
	rsg_buf_u64(b, (uint64_t)time);
	rsg_buf_u8(b, 0);
	rsg_buf_put(b, nobody, sizeof(nobody));
	told_part(b, RSG_PROOF_ROLE, "till", 4);
	told_part(b, RSG_PROOF_PLACE, "store-17", 8);
	told_part(b, RSG_PROOF_NOTICE, "privacy", 7);
	told_part(b, RSG_PROOF_LANGUAGE, "es", 2);
	told_part(b, RSG_PROOF_METHOD, "checkbox", 8);
	told_part(b, RSG_PROOF_NOTICE_VERSION, version, sizeof(version));
	told_part(b, RSG_PROOF_SHOWN, one, sizeof(one));
	told_part(b, RSG_PROOF_NOTICE_HASH, hash, sizeof(hash));
	told_part(b, RSG_PROOF_SOURCE, one, sizeof(one));
}

/* The person's header, s->h, comes to know of it. */
static inline enum rsg_err
told_say(struct told *t, struct rsg_subject *s, enum rsg_status status, int64_t time)
{
	uint32_t n = s->h.consent.count + 1;
	struct rsg_place_of at = { .kind = RSG_SEAL_CONSENT, .controller = s->controller,
	    .pk = s->id, .pk2 = rsg_seal_number(n), .version = 1, .generation = 1 };
	struct rsg_buf text, sealed;
	enum rsg_err e;

	rsg_buf_init(&text, 4096);
	rsg_buf_init(&sealed, 8192);
	told_word(&text, t, status, time);
	if ((e = rsg_seal(s->keys.key[RSG_KEY_EVIDENCE], &at, text.p, text.len,
	    &sealed)) == RSG_OK) {
		s->h.consent.count = n;
		rsg_ledger_hash(s->h.consent.head, n, sealed.p, sealed.len,
		    s->h.consent.head);
		rsg_bind_id(t->consents, 0, &s->id);
		rsg_bind_int(t->consents, 1, n);
		rsg_bind_bytes(t->consents, 2, sealed.p, sealed.len);
		rsg_bind_bytes(t->consents, 3, s->h.consent.head, RSG_DIGEST_LEN);
		e = rsg_header_grant(&s->h, t->purpose, RSG_CHANNEL_EMAIL, status, time, 0);
	}
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}

static inline enum rsg_err
told_get(struct told *t, struct rsg_subject *s, unsigned incentive, int64_t time)
{
	struct rsg_benefit_event ev = { .act = RSG_BENEFIT_DELIVERED, .time = time,
	    .benefit = rsg_id_new(), .consent = 1, .purpose = t->purpose,
	    .kind = RSG_INCENTIVE_POINTS, .version = 1, .points = 100, .value = 150,
	    .cost = 150 };

	(void)snprintf(ev.incentive, sizeof(ev.incentive), "welcome-%u", incentive);
	return rsg_benefit_append(t->benefits, &t->call, s, time, &ev);
}

#endif
