/*
 * entry.h - the bytes of one audit entry: what the log publishes of an access.
 *
 * A leaf shows a random id, a class, the hour and noise. Behind that are three
 * sealed parts: what was done, who did it by name and what they wrote, and whom
 * it was about. The first two open with the operations key, the last with that person's evidence
 * key; and each can be opened for one entry alone, because every entry has
 * keys of its own, and a commitment to them stands in the leaf
 * (XChaCha20-Poly1305 by itself does not commit to its key). So a customer is
 * shown what was done, and never which member of staff did it.
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

#define RSG_LEAF_MAX	16384
#define RSG_ENTRY_TEXT	12288	/* room for what an opened entry says */
#define RSG_TAG_LEN	32

/* The numbers are stored: never reuse one. */
enum rsg_entry_class {
	RSG_ENTRY_ACCESS = 1, RSG_ENTRY_WRITE = 2, RSG_ENTRY_DENIAL = 3,
	RSG_ENTRY_ADMIN = 4, RSG_ENTRY_BULK = 5
};

/*
 * What an entry says; "" where there is nothing. Names are those of the policy
 * in force then. What borrows, borrows from the policy when an entry is made,
 * and from the text it was opened into when it is read.
 */
struct rsg_entry {
	struct rsg_id id;
	enum rsg_entry_class class;
	int64_t time;			/* us */
	uint32_t controller;
	struct rsg_id actor;		/* principal; nil: the administrator's socket */
	char actor_name[64], role[32];
	char staff[65], place[65], reason[201];
	const char *action, *purpose;
	uint16_t action_no, purpose_no;	/* the policy's, as the columns have them */
	char decision[32];		/* "ok" or an error's catalogue id */
	char clause[128], basis[64];
	const char *recipient;
	uint32_t recipient_no;
	uint16_t nfields;
	const char *field[RSG_POLICY_FIELDS];
	uint8_t policy[RSG_POLICY_HASH];
	uint32_t people;		/* of bulk work */
	uint8_t root[32];		/* over their commitments */
	const struct rsg_effect *effects;	/* what it wrote; borrowed */
	const void *note;		/* said to everybody, behind all parts */
	size_t nnote;
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

/* --- Entries about many --- */

/*
 * What a person is found by in the pages of a day (audit_page.members). Not
 * the day's tag: that one is published.
 */
int64_t rsg_entry_token(const uint8_t evidence[RSG_KEY_LEN], int64_t day);

/*
 * A person's commitment under the root of an entry about many: to them, and to
 * the `detail` that was given of them, if any. The key is derived from their
 * evidence key and what the page is known by (the entry; for a release's page
 * the release); shown, it shows that they are under the root, and nothing else.
 */
enum rsg_share { RSG_SHARE_PAGE, RSG_SHARE_RELEASE };
void rsg_entry_share_key(const uint8_t evidence[RSG_KEY_LEN], enum rsg_share,
    const struct rsg_id *of, uint8_t key[RSG_KEY_LEN]);
void rsg_entry_share(const uint8_t key[RSG_KEY_LEN], const struct rsg_id *subject,
    const void *detail, size_t len, uint8_t commitment[32]);

/* SHA-256(00 || leaf), RFC 6962. */
void rsg_entry_hash(const void *leaf, size_t len, uint8_t hash[32]);

/*
 * Read what was done and who did it, into `text`. RSG_TAMPERED when the leaf
 * is malformed or does not open; the commitment is checked by
 * rsg_entry_about() and rsg_entry_shown(), which know all keys.
 * A leaf of version 1 has numbers only: `policy`, which may be NULL, gives the
 * names, and "unknown" stands for those it does not have any more.
 */
RSG_MUST enum rsg_err rsg_entry_open(const struct rsg_keyring *,
    const struct rsg_policy *, uint32_t controller, const void *leaf, size_t len,
    uint8_t text[RSG_ENTRY_TEXT], struct rsg_entry *);

/* The same, and what it wrote: *n effects, into an array of RSG_EFFECTS_MAX. */
RSG_MUST enum rsg_err rsg_entry_effects(const struct rsg_keyring *,
    uint32_t controller, const void *leaf, size_t len,
    uint8_t text[RSG_ENTRY_TEXT], struct rsg_entry *, struct rsg_effect *, size_t *n);

/* Read whom it was about with the person's evidence key, and check the
 * commitment. RSG_NOT_FOUND: about somebody else, or nobody. */
RSG_MUST enum rsg_err rsg_entry_about(const struct rsg_keyring *,
    uint32_t controller, const uint8_t evidence[RSG_KEY_LEN], const void *leaf,
    size_t len, struct rsg_id *subject);

/* --- Showing one entry to somebody without our keys --- */

/*
 * What opens one entry and nothing else: the keys of what was done and of whom
 * it was about, and of who did it only the hash that the commitment holds.
 */
struct rsg_opening {
	uint8_t done[RSG_KEY_LEN];
	uint8_t about[RSG_KEY_LEN];
	uint8_t who[32];
};

/*
 * The opening of an entry about the person of this evidence key, or, where
 * that is NULL, about nobody or many. RSG_NOT_FOUND: it is about another, or
 * a leaf of version 1, which would show who did it; RSG_TAMPERED.
 */
RSG_MUST enum rsg_err rsg_entry_opening(const struct rsg_keyring *,
    const uint8_t *evidence, const void *leaf, size_t len, struct rsg_opening *);

/* Does it open this leaf, and what does it say? Whom it is about is nil for
 * nobody or many. RSG_TAMPERED. */
RSG_MUST enum rsg_err rsg_entry_shown(const struct rsg_opening *,
    uint32_t controller, const void *leaf, size_t len,
    uint8_t text[RSG_ENTRY_TEXT], struct rsg_entry *, struct rsg_id *subject);

/* What a leaf shows to everybody. RSG_TAMPERED when it is malformed. */
struct rsg_leaf {
	struct rsg_id id;
	uint8_t version, class;
	uint32_t hour;
	uint8_t tag[RSG_TAG_LEN];
};
RSG_MUST enum rsg_err rsg_entry_leaf_read(const void *, size_t, struct rsg_leaf *);

/* What a leaf says to everybody, borrowed from it: where a log ends and the
 * next begins (rotate.h). NULL and 0 for all others, and for what is no leaf. */
const void *rsg_entry_note(const void *leaf, size_t len, size_t *n);

#endif
