/*
 * entry_int.h - the parts of a leaf and their keys, for entry.c, which writes
 * leaves, and entryread.c, which reads them.
 */
#ifndef RSG_ENTRY_INT_H
#define RSG_ENTRY_INT_H

#include "audit/entry.h"
#include "resguardo/clock.h"

#define LEAF_NUMBERED	1		/* numbers for names; read, not written */
#define LEAF_VERSION	2
#define EFFECT_LEN	(1 + RSG_ID_LEN + RSG_EFFECT_DIGEST)
#define WHO_MAX		(1024 + RSG_EFFECTS_MAX * EFFECT_LEN)
#define HOUR_US		(3600 * RSG_US)

/* The parts of a leaf, borrowed from it. */
struct leaf {
	struct rsg_id id;
	uint8_t version, class;
	uint32_t hour;
	const uint8_t *tag, *commitment, *done, *who, *about;
	const uint8_t *note;		/* NULL: none */
	size_t ndone, nwho, nabout, nnote;
};

/* The keys of one entry. */
struct keys {
	uint8_t done[RSG_KEY_LEN], who[RSG_KEY_LEN], about[RSG_KEY_LEN];
};

/* A key can be shown by itself: what is committed to is a hash of each. */
void rsg__entry_half(const struct rsg_id *, const uint8_t key[RSG_KEY_LEN],
    uint8_t out[32]);

/* `who` is that hash; the others are the keys. */
void rsg__entry_commit(const struct leaf *, const uint8_t done[RSG_KEY_LEN],
    const uint8_t who[32], const uint8_t about[RSG_KEY_LEN], uint8_t out[32]);

/* Where a part is sealed for; `part` 1 is who did it. */
struct rsg_place_of rsg__entry_place(enum rsg_seal_kind, uint32_t controller,
    const struct leaf *, uint64_t part);

/*
 * All keys of an entry, whichever its version. With no evidence key it is
 * about nobody, or many: then its key comes from us too.
 */
RSG_MUST enum rsg_err rsg__entry_keys(const struct rsg_keyring *, const struct leaf *,
    const uint8_t *evidence, struct keys *);

#endif
