/*
 * check_int.h - what the parts of a check share.
 *
 * The tables change while they are read. Rows are read after `horizon` was
 * taken: what a transaction before it wrote has to be there; what came since
 * may be there or not. Entries are read before the rows and, what is new of
 * them, once more after.
 */
#ifndef RSG_CHECK_INT_H
#define RSG_CHECK_INT_H

#include "audit/check.h"
#include "audit/effect.h"

/* One thing that an entry says it wrote. */
struct rsg__wrote {
	uint8_t kind, digest[RSG_EFFECT_DIGEST];
	bool seen;
	struct rsg_id key, entry;
	int64_t xid;
	size_t order;			/* of the log */
};

/* A row of a small table, as it is. */
struct rsg__held {
	uint8_t kind, digest[RSG_EFFECT_DIGEST];
	struct rsg_id key;
};

/* Somebody whose first state no entry was found to have written, so far. */
struct rsg__unknown { struct rsg_id who, key; };

struct rsg__state {
	struct rsg_check *c;
	struct rsg__wrote *wrote;
	size_t nwrote, room;
	struct rsg__held *held;
	size_t nheld, heldroom;
	struct rsg__unknown *unknown;
	size_t nunknown, unknownroom;
	int64_t horizon;
};

void rsg__check_wrong(struct rsg_check *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rsg__check_progress(struct rsg_check *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Keep what an entry wrote. RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg__state_wrote(struct rsg__state *,
    const struct rsg_effect *, size_t n, const struct rsg_id *entry, int64_t xid);

/* Before the first entry is read: load the service keys, take the horizon. */
RSG_MUST enum rsg_err rsg__state_begin(struct rsg__state *);

/* Read the small tables, and everybody's rows; say what is wrong with these. */
RSG_MUST enum rsg_err rsg__state_read(struct rsg__state *);

/* After the last entry was read: say what is wrong with the small tables, and
 * what was written and is nowhere. */
void rsg__state_end(struct rsg__state *);
void rsg__state_free(struct rsg__state *);

/* --- people.c --- */

/* Read everybody's rows, and say what is wrong. */
RSG_MUST enum rsg_err rsg__check_people(struct rsg__state *);

/* Somebody to be looked for again, when the last entry was read. */
RSG_MUST enum rsg_err rsg__state_unknown(struct rsg__state *,
    const struct rsg_id *who, const struct rsg_id *key);
void rsg__check_born(struct rsg__state *, const struct rsg__unknown *);

/* --- state.c --- */

/* The newest of what was written under this key, or NULL; rows are sorted by
 * kind, key, order. */
struct rsg__wrote *rsg__state_find(const struct rsg__state *, uint8_t kind,
    const struct rsg_id *key);

#endif
