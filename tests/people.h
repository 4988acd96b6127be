/*
 * people.h - sealed people made as the server makes them, for tests and bench.
 */
#ifndef TESTS_PEOPLE_H
#define TESTS_PEOPLE_H

#include <string.h>

#include "seal/seal.h"
#include "segment/activity.h"
#include "store/store.h"
#include "subject/header.h"

/* Their row, before sealing. */
struct people_one {
	struct rsg_id id;
	uint32_t controller;
	struct rsg_header header;
	struct rsg_activity *activity;		/* borrowed; NULL: none */
	/* Called with their fresh keys before the row is sealed, for what has to
	 * stand in the header; NULL: nothing. */
	enum rsg_err (*before)(void *ctx, struct people_one *, const struct rsg_keyset *);
	void *ctx;
};

static inline void
people_begin(struct people_one *p, uint32_t controller)
{
	memset(&p->header, 0, sizeof(p->header));
	p->id = rsg_id_new();
	p->controller = controller;
	p->activity = NULL;
	p->before = NULL;
	p->header.state = RSG_STATE_ACTIVE;
	strcpy(p->header.jurisdiction, "MX");
	strcpy(p->header.language, "es");
}

/* Seal the row under fresh keys and put it on SUBJECT_INSERT. `scratch` is
 * any buffer, used and left empty. */
static inline enum rsg_err
people_bind(struct people_one *p, const struct rsg_keyring *keys,
    struct rsg_bind *b, struct rsg_buf *scratch)
{
	struct rsg_place_of at = { .controller = p->controller, .pk = p->id,
	    .version = 1, .generation = 1 };
	uint8_t wrapped[RSG_KEYSET_WRAPPED];
	struct rsg_keyset set;
	size_t text;
	enum rsg_err e;

	e = rsg_keyset_new(keys, p->controller, &p->id, &set, wrapped);
	if (e != RSG_OK)
		return e;
	p->header.activity_version = p->activity != NULL;
	if (p->before != NULL && (e = p->before(p->ctx, p, &set)) != RSG_OK)
		goto done;
	rsg_bind_id(b, 0, &p->id);
	rsg_bind_int(b, 1, p->controller);
	rsg_bind_int(b, 2, 1);
	rsg_bind_int(b, 3, rsg_keyring_generation(keys));
	rsg_bind_bytes(b, 4, wrapped, sizeof(wrapped));

	rsg_buf_reset(scratch);
	at.kind = RSG_SEAL_HEADER;
	rsg_header_put(&p->header, scratch);
	text = scratch->len;
	(void)rsg_buf_room(scratch, rsg_seal_size(text));
	if ((e = rsg_buf_err(scratch)) != RSG_OK || (e = rsg_seal(
	    set.key[RSG_KEY_PROFILE], &at, scratch->p, text, scratch)) != RSG_OK)
		goto done;
	rsg_bind_bytes(b, 5, scratch->p + text, scratch->len - text);

	rsg_buf_reset(scratch);
	at.kind = RSG_SEAL_ACTIVITY;
	if (p->activity == NULL) {
		rsg_bind_null(b, 6);
		goto done;
	}
	if ((e = rsg_activity_put(p->activity, scratch)) != RSG_OK)
		goto done;
	text = scratch->len;
	(void)rsg_buf_room(scratch, rsg_seal_size(text));
	if ((e = rsg_buf_err(scratch)) != RSG_OK || (e = rsg_seal(
	    set.key[RSG_KEY_ACTIVITY], &at, scratch->p, text, scratch)) != RSG_OK)
		goto done;
	rsg_bind_bytes(b, 6, scratch->p + text, scratch->len - text);
done:
	rsg_buf_reset(scratch);
	rsg_secret_wipe(&set, sizeof(set));
	return e;
}

#endif
