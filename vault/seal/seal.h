/*
 * seal.h - sealing values, and the keys that do it.
 *
 * One rule: a sealed value opens only in the place it was sealed for. The
 * place (table, controller, primary key, version, key generation) is bound
 * as associated data of fixed width; docs/FORMAT.md has the bytes.
 *
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with random nonces;
 * keyed BLAKE2b (RFC 7693) for digests and derivation; AES-256 on one block
 * for pseudonyms. This folder and secret.c are the only users of libsodium.
 */
#ifndef RSG_SEAL_H
#define RSG_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"
#include "resguardo/secret.h"

#define RSG_KEY_LEN	32
#define RSG_DIGEST_LEN	32
#define RSG_SEAL_EXTRA	(24 + 16)	/* nonce and tag around the padded text */
#define RSG_VALUE_MAX	16384

/* What is sealed. The numbers are stored: never reuse one. */
enum rsg_seal_kind {
	RSG_SEAL_KEYSET = 1,		/* pk: subject */
	RSG_SEAL_HEADER = 2,		/* pk: subject; version: the header's */
	RSG_SEAL_ACTIVITY = 3,		/* pk: subject; version: the activity's */
	RSG_SEAL_FIELD = 4,		/* pk: subject, field number */
	RSG_SEAL_CONSENT = 5,		/* pk: subject, sequence */
	RSG_SEAL_BENEFIT = 6,		/* pk: subject, sequence */
	RSG_SEAL_EVENT = 7,		/* pk: subject, event id */
	RSG_SEAL_ATTACHMENT = 8,
	RSG_SEAL_AUDIT_OPS = 9,		/* pk: entry id */
	RSG_SEAL_AUDIT_ABOUT = 10,	/* pk: entry id */
	RSG_SEAL_PAGE = 11,		/* pk: release, page number */
	RSG_SEAL_SERVICE_KEY = 12,	/* pk: key id */
	RSG_SEAL_TOKEN = 13,		/* pk: credential */
	RSG_SEAL_REQUEST = 14,		/* pk: subject, request */
};

/* Where a sealed value belongs: the associated data, before encoding. */
struct rsg_place_of {
	enum rsg_seal_kind kind;
	uint32_t controller;
	struct rsg_id pk;
	struct rsg_id pk2;		/* event id; or rsg_seal_number(n) */
	uint64_t version;
	uint32_t generation;		/* of the key */
};

/* A number as a second primary key column. */
struct rsg_id rsg_seal_number(uint64_t);

/*
 * Seal `len` bytes (at most RSG_VALUE_MAX; RSG_SEAL_BIG for pages and
 * attachments): pads to a bucket, appends nonce, ciphertext and tag to `out`.
 * `key` has RSG_KEY_LEN bytes. RSG_TOO_LARGE, or sticky failure of `out`.
 */
#define RSG_SEAL_BIG	(1u << 20)
RSG_MUST enum rsg_err rsg_seal(const uint8_t *key, const struct rsg_place_of *,
    const void *, size_t len, struct rsg_buf *out);

/* Bytes that sealing `len` bytes gives. */
size_t rsg_seal_size(size_t len);

/*
 * Open into `out` (at least `len` - RSG_SEAL_EXTRA bytes); *outlen is the
 * text without padding. RSG_TAMPERED when it does not verify, `out` wiped.
 */
RSG_MUST enum rsg_err rsg_seal_open(const uint8_t *key,
    const struct rsg_place_of *, const uint8_t *sealed, size_t len,
    uint8_t *out, size_t *outlen);

/* --- The three keys of a person --- */

enum rsg_subject_key { RSG_KEY_PROFILE, RSG_KEY_ACTIVITY, RSG_KEY_EVIDENCE,
	RSG_SUBJECT_KEYS };

/* Kept in guarded memory or an arena; wiped by its owner. */
struct rsg_keyset {
	uint8_t key[RSG_SUBJECT_KEYS][RSG_KEY_LEN];
	uint8_t has;			/* bit per key: an erased set lacks some */
};
#define RSG_KEYSET_WRAPPED	(RSG_SEAL_EXTRA + 128)

/* --- The server's keys --- */

struct rsg_keyring;

/*
 * Create a root key file (mode 0600, never overwritten) with generation 1.
 * RSG_IO (logged) when it exists or cannot be written.
 */
RSG_MUST enum rsg_err rsg_keyring_create(const char *path);

/*
 * Read the root key: from systemd's credential directory when `path` is NULL
 * and $CREDENTIALS_DIRECTORY is set, else from the file, which must belong to
 * us or root and be readable by nobody else. RSG_IO, RSG_CONFIG (logged).
 */
RSG_MUST enum rsg_err rsg_keyring_open(const char *path, struct rsg_keyring **);
void rsg_keyring_free(struct rsg_keyring *);

uint32_t rsg_keyring_generation(const struct rsg_keyring *);	/* the newest */

/* A fresh key set, wrapped under the newest generation into `wrapped`. */
RSG_MUST enum rsg_err rsg_keyset_new(const struct rsg_keyring *,
    uint32_t controller, const struct rsg_id *subject, struct rsg_keyset *,
    uint8_t wrapped[RSG_KEYSET_WRAPPED]);

/*
 * Wrap a set again under the newest generation: after keys were taken out of
 * it (clear their bits in `has`), or because the generation changed.
 */
RSG_MUST enum rsg_err rsg_keyset_wrap(const struct rsg_keyring *,
    uint32_t controller, const struct rsg_id *subject,
    const struct rsg_keyset *, uint8_t wrapped[RSG_KEYSET_WRAPPED]);

/* Unwrap. RSG_TAMPERED; RSG_CONFIG when that generation was destroyed. */
RSG_MUST enum rsg_err rsg_keyset_open(const struct rsg_keyring *,
    uint32_t controller, const struct rsg_id *subject, uint32_t generation,
    const uint8_t *wrapped, size_t len, struct rsg_keyset *);

/*
 * Service keys: random, wrapped by the root, kept in the table service_key
 * and loaded into the keyring at start. Named by what for, whose, and which
 * epoch. A blind index has one per (controller, field number); pseudonyms
 * one per (recipient number, epoch); the others one, with zeroes.
 */
enum rsg_service {
	RSG_SERVICE_BLIND = 1, RSG_SERVICE_PSEUDONYM = 2, RSG_SERVICE_ROWMAC = 3,
	RSG_SERVICE_OPERATIONS = 4, RSG_SERVICE_SUPPRESSION = 5,
	RSG_SERVICE_SESSION = 6,	/* API keys, page tokens, idempotency */
	RSG_SERVICE_RECEIPT = 7,	/* seed of the Ed25519 key that signs receipts */
	RSG_SERVICE__MAX
};
struct rsg_service_name {
	enum rsg_service service;
	uint32_t owner;			/* controller or recipient number */
	uint32_t part;			/* field number or epoch */
};
#define RSG_SERVICE_WRAPPED	(RSG_SEAL_EXTRA + 64)

/*
 * Make one and keep it in the keyring; the caller stores `wrapped` with the
 * newest generation. Where the row exists because another server was first,
 * load that one: it takes the place of ours. RSG_CONFLICT when the keyring
 * has one by that name, RSG_NO_MEMORY when it is full.
 */
RSG_MUST enum rsg_err rsg_service_new(struct rsg_keyring *,
    struct rsg_service_name, uint8_t wrapped[RSG_SERVICE_WRAPPED]);

/* Load one that was stored. RSG_TAMPERED, RSG_CONFIG, RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_service_load(struct rsg_keyring *,
    struct rsg_service_name, uint32_t generation, const uint8_t *, size_t);

bool rsg_service_has(const struct rsg_keyring *, struct rsg_service_name);

/*
 * Keyed BLAKE2b-256 of `len` bytes under a service key, with a domain label
 * of at most 16 bytes. RSG_CONFIG when there is no such key. Thread-safe:
 * loading takes a lock, using takes it shared.
 */
RSG_MUST enum rsg_err rsg_service_digest(const struct rsg_keyring *,
    struct rsg_service_name, const char *label, const void *, size_t len,
    uint8_t out[RSG_DIGEST_LEN]);

/*
 * Seal and open under a key derived from a service key (tokens, pages, audit
 * operations); `generation` of the place is 0. Errors as for rsg_seal() and
 * rsg_seal_open(), and RSG_CONFIG when there is no such key.
 */
RSG_MUST enum rsg_err rsg_service_seal(const struct rsg_keyring *,
    struct rsg_service_name, const struct rsg_place_of *, const void *,
    size_t len, struct rsg_buf *out);
RSG_MUST enum rsg_err rsg_service_open(const struct rsg_keyring *,
    struct rsg_service_name, const struct rsg_place_of *, const uint8_t *,
    size_t len, uint8_t *out, size_t *outlen);

/*
 * A 32-byte key derived from a key, a label of at most 16 bytes and an id
 * (keyed BLAKE2b). Never equal to a digest under the same key and label.
 */
void rsg_derive(const uint8_t key[RSG_KEY_LEN], const char *label,
    const struct rsg_id *, uint8_t out[RSG_KEY_LEN]);
RSG_MUST enum rsg_err rsg_service_derive(const struct rsg_keyring *,
    struct rsg_service_name, const char *label, const struct rsg_id *,
    uint8_t out[RSG_KEY_LEN]);

/*
 * Pseudonyms: the subject id as one AES-256 block. Open one context a scan
 * or page; it holds the expanded key and is wiped by free. Not thread-safe.
 */
struct rsg_pseudonym;
RSG_MUST enum rsg_err rsg_pseudonym_open(const struct rsg_keyring *,
    uint32_t recipient, uint32_t epoch, struct rsg_pseudonym **);
void rsg_pseudonym_free(struct rsg_pseudonym *);
RSG_MUST enum rsg_err rsg_pseudonym_of(struct rsg_pseudonym *,
    const struct rsg_id *subjects, size_t n, struct rsg_id *out);
RSG_MUST enum rsg_err rsg_pseudonym_subject(struct rsg_pseudonym *,
    const struct rsg_id *pseudonyms, size_t n, struct rsg_id *out);

/* Bytes to be hashed one after the other; any part may be NULL, 0. */
struct rsg_part { const void *p; size_t len; };

/* SHA-256, by OpenSSL's EVP: fetched once, and one context a thread. */
void rsg_sha256(const struct rsg_part *, size_t n, uint8_t out[32]);

/* Unkeyed and keyed BLAKE2b-256 over parts. `key` may be NULL. */
void rsg_blake2b(const uint8_t *key, const struct rsg_part *, size_t n,
    uint8_t out[32]);

#endif
