/*
 * effect.h - what an audit entry left behind in the database.
 *
 * An entry that wrote says which row it wrote and what the row was then, so
 * that the tables can be held against the log (check.h). Rows about nobody are
 * known by their key and their MAC. A person's row is known by a keyed digest
 * of its version, under that person's evidence key: without the key two
 * entries about the same person cannot be told to be so, and when it goes
 * they are noise. docs/FORMAT.md, "Audit leaf".
 */
#ifndef RSG_EFFECT_H
#define RSG_EFFECT_H

#include "subject/header.h"

#define RSG_EFFECT_DIGEST	16
#define RSG_EFFECTS_MAX		64	/* of one entry */

/* The numbers are stored: never reuse one. */
enum rsg_effect_kind {
	RSG_EFFECT_PERSON = 1, RSG_EFFECT_PRINCIPAL = 2, RSG_EFFECT_CREDENTIAL = 3,
	RSG_EFFECT_POLICY = 4, RSG_EFFECT_CONTROLLER = 5, RSG_EFFECT_RECIPIENT = 6,
	RSG_EFFECT__MAX
};

struct rsg_effect {
	uint8_t kind;
	struct rsg_id key;
	uint8_t digest[RSG_EFFECT_DIGEST];
	const struct rsg_effect *next;	/* of the same entry */
};

/*
 * A person's row as of `version`: the key finds it, the digest says in what
 * state the person is and where their histories end. `h` NULL: the key alone.
 */
void rsg_effect_person(const uint8_t evidence[RSG_KEY_LEN], int64_t version,
    const struct rsg_header *h, struct rsg_effect *);

#endif
