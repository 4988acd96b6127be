/*
 * entry.h - the bytes of one audit entry: what the log publishes of an access.
 *
 * A leaf shows a random id, a class, the hour and noise. What was done opens
 * with the operations key; whom it was about opens with that person's evidence
 * key, and both can be opened for one entry alone, because each entry has keys
 * of its own, derived from its id, and a commitment to them stands in the leaf
 * (XChaCha20-Poly1305 by itself does not commit to its key).
 * docs/FORMAT.md, "Audit leaf", has the bytes.
 */
#ifndef RSG_ENTRY_H
#define RSG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/effect.h"
#include "policy/policy.h"
#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"
#include "seal/seal.h"

#define RSG_LEAF_MAX	8192
#define RSG_TAG_LEN	32

/* The numbers are stored: never reuse one. */
enum rsg_entry_class {
	RSG_ENTRY_ACCESS = 1, RSG_ENTRY_WRITE = 2, RSG_ENTRY_DENIAL = 3,
	RSG_ENTRY_ADMIN = 4, RSG_ENTRY_BULK = 5
};

/* What an entry says. Texts are borrowed; "" where there is nothing. */
struct rsg_entry {
	struct rsg_id id;
	enum rsg_entry_class class;
	int64_t time;			/* us */
	uint32_t controller;
	struct rsg_id actor;		/* principal; nil: the administrator's socket */
	char actor_name[64], role[32];
	char staff[65], place[65], reason[201];
	uint16_t action, purpose;
	char decision[32];		/* "ok" or an error's catalogue id */
	char clause[128], basis[64];
	uint32_t recipient;
	uint16_t field[RSG_POLICY_FIELDS];
	uint16_t nfields;
	uint8_t policy[RSG_POLICY_HASH];
	uint32_t people;		/* of bulk work */
	uint8_t root[32];		/* over their commitments */
	const struct rsg_effect *effects;	/* what it wrote; borrowed */
};

/*
 * A fresh id: the hour, which the leaf shows anyway, then 96 random bits. So
 * what is written together stands together in the index.
 */
struct rsg_id rsg_entry_id(int64_t time);

/* The day's tag of a person: the day, then 28 bytes of a keyed digest. With
 * the evidence key one finds their entries; without it they are noise. */
void rsg_entry_tag(const uint8_t evidence[RSG_KEY_LEN], int64_t day,
    uint8_t tag[RSG_TAG_LEN]);

/*
 * Encode an entry as a leaf. `evidence` and `subject` are NULL when it is
 * about nobody or about many: the leaf then holds noise in their places, and
 * `tag` is noise too. RSG_CONFIG without an operations key.
 */
RSG_MUST enum rsg_err rsg_entry_leaf(const struct rsg_keyring *,
    const struct rsg_entry *, const uint8_t *evidence,
    const struct rsg_id *subject, uint8_t tag[RSG_TAG_LEN], struct rsg_buf *leaf,
    uint8_t leaf_hash[32]);

/* SHA-256(00 || leaf), RFC 6962. */
void rsg_entry_hash(const void *leaf, size_t len, uint8_t hash[32]);

/*
 * Read what was done. RSG_TAMPERED when the leaf is malformed or does not
 * open; the commitment is checked by rsg_entry_about(), which needs both keys.
 */
RSG_MUST enum rsg_err rsg_entry_open(const struct rsg_keyring *,
    uint32_t controller, const void *leaf, size_t len, struct rsg_entry *);

/* The same, and what it wrote: *n effects, into an array of RSG_EFFECTS_MAX. */
RSG_MUST enum rsg_err rsg_entry_effects(const struct rsg_keyring *,
    uint32_t controller, const void *leaf, size_t len, struct rsg_entry *,
    struct rsg_effect *, size_t *n);

/* Read whom it was about with the person's evidence key, and check the
 * commitment. RSG_NOT_FOUND: about somebody else, or nobody. */
RSG_MUST enum rsg_err rsg_entry_about(const struct rsg_keyring *,
    uint32_t controller, const uint8_t evidence[RSG_KEY_LEN], const void *leaf,
    size_t len, struct rsg_id *subject);

#endif
