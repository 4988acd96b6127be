#include <string.h>

#include "audit/effect.h"

void
rsg_effect_person(const uint8_t evidence[RSG_KEY_LEN], int64_t version,
    const struct rsg_header *h, struct rsg_effect *e)
{
	static const char key[] = "effect-key", state[] = "effect-state";
	uint8_t v[8], heads[9], out[RSG_DIGEST_LEN];

	memset(e, 0, sizeof(*e));
	e->kind = RSG_EFFECT_PERSON;
	rsg_be64(v, (uint64_t)version);
	rsg_blake2b(evidence, (struct rsg_part[]){ { key, sizeof(key) },
	    { v, sizeof(v) } }, 2, out);
	memcpy(e->key.b, out, RSG_ID_LEN);
	if (h == NULL)
		return;
	heads[0] = (uint8_t)h->state;
	rsg_be32(heads + 1, h->consent.count);
	rsg_be32(heads + 5, h->benefit.count);
	rsg_blake2b(evidence, (struct rsg_part[]){ { state, sizeof(state) },
	    { v, sizeof(v) }, { heads, sizeof(heads) },
	    { h->consent.head, RSG_DIGEST_LEN }, { h->benefit.head, RSG_DIGEST_LEN } },
	    5, out);
	memcpy(e->digest, out, RSG_EFFECT_DIGEST);
}
