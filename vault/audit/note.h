/*
 * note.h - signed notes (C2SP signed-note) with Ed25519 keys.
 *
 * A note is a text that ends in a newline, a blank line, and one line a
 * signature. Signatures by keys we do not know are passed over; one by a key
 * we do know that does not verify makes the whole note false.
 */
#ifndef RSG_NOTE_H
#define RSG_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "seal/sign.h"

#define RSG_NOTE_NAME	256
#define RSG_NOTE_MAX	(64 * 1024)
#define RSG_NOTE_SIGS	100
#define RSG_VKEY_MAX	(RSG_NOTE_NAME + 64)

enum rsg_note_type { RSG_NOTE_ED25519 = 1, RSG_NOTE_COSIGNATURE = 4 };

struct rsg_vkey {
	char name[RSG_NOTE_NAME];
	uint8_t id[4];
	uint8_t type;
	uint8_t pub[RSG_PUBLIC_LEN];
};

struct rsg_skey {
	struct rsg_vkey public;
	uint8_t seed[RSG_SEED_LEN];	/* wiped by its owner */
};

/* A name: not empty, no blanks, no '+', no control characters. */
bool rsg_note_name(const char *, size_t);

/* "name+hex8+base64", trailing newline allowed. RSG_MALFORMED. */
RSG_MUST enum rsg_err rsg_note_vkey(const char *, size_t, struct rsg_vkey *);
void rsg_note_vkey_text(const struct rsg_vkey *, struct rsg_buf *);

/* "PRIVATE+KEY+name+hex8+base64". RSG_MALFORMED. */
RSG_MUST enum rsg_err rsg_note_skey(const char *, size_t, struct rsg_skey *);
void rsg_note_skey_text(const struct rsg_skey *, struct rsg_buf *);

/* The key of that name with this seed. RSG_BAD_VALUE for a bad name. */
RSG_MUST enum rsg_err rsg_note_skey_make(const char *name,
    const uint8_t seed[RSG_SEED_LEN], struct rsg_skey *);

/* What a note says, borrowed from its bytes. */
struct rsg_note {
	const char *text;
	size_t len;			/* with the final newline */
	size_t sigs;			/* how many lines of them */
	uint64_t verified;		/* bit per key given */
};

/*
 * Read a note and check it against `n` (at most 64) keys. RSG_MALFORMED;
 * RSG_TAMPERED when a signature by one of them does not verify;
 * RSG_NOT_FOUND when none of them signed it.
 */
RSG_MUST enum rsg_err rsg_note_open(const char *, size_t,
    const struct rsg_vkey *, size_t n, struct rsg_note *);

/* Append `text` (ending in a newline), the blank line and our signature. */
RSG_MUST enum rsg_err rsg_note_sign(const struct rsg_skey *, const char *text,
    size_t len, struct rsg_buf *out);

#endif
