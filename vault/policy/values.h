/*
 * values.h - the validators, normalisers, generalisers and masks that
 * fields.json may name, as tables.
 *
 * A value passes its normaliser first, then its validator. All work on bytes
 * that are UTF-8, trimmed, with single blanks and no control characters.
 */
#ifndef RSG_POLICY_VALUES_H
#define RSG_POLICY_VALUES_H

#include "policy/policy.h"

struct rsg__validator {
	const char *name;
	bool low_entropy;		/* few values: a digest of one is guessed */
	bool choices;			/* the field has to list its values */
	bool (*check)(const struct rsg_fielddef *, const char *, size_t);
};

struct rsg__normaliser {
	const char *name;
	/* In place; returns the new length, never more. */
	size_t (*apply)(char *, size_t);
};

struct rsg__generaliser {
	const char *name;
	const char *validator;		/* the only one it understands; NULL: any */
	/* The facet's number; 0: unknown. */
	uint16_t (*number)(const struct rsg_fielddef *, const char *, size_t,
	    int64_t today);
	void (*text)(const struct rsg_fielddef *, uint16_t, struct rsg_buf *);
};

struct rsg__mask {
	const char *name;
	void (*show)(const char *, size_t, struct rsg_buf *);
};

/* By name; NULL when there is none. By place; NULL past the end. */
const struct rsg__validator *rsg__validator_find(const char *);
const struct rsg__validator *rsg__validator_at(size_t);
const struct rsg__normaliser *rsg__normaliser_find(const char *);
const struct rsg__normaliser *rsg__normaliser_at(size_t);
const struct rsg__generaliser *rsg__generaliser_find(const char *);
const struct rsg__generaliser *rsg__generaliser_at(size_t);
const struct rsg__mask *rsg__mask_find(const char *);
const struct rsg__mask *rsg__mask_at(size_t);

/*
 * Append the value with blanks trimmed and collapsed. RSG_BAD_VALUE for
 * invalid UTF-8, control and direction characters, and nothing but blanks.
 */
RSG_MUST enum rsg_err rsg__value_clean(const char *, size_t, struct rsg_buf *);

/* ISO 3166-2 code of Mexico or Spain: 1.. by a fixed list; 0: another. */
uint16_t rsg__subdivision(const char *, size_t);
const char *rsg__subdivision_code(uint16_t);

#endif
