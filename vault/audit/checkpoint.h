/*
 * checkpoint.h - what the log's key signs (C2SP tlog-checkpoint): origin,
 * size, root. And proofs of one entry as a file (C2SP tlog-proof).
 */
#ifndef RSG_CHECKPOINT_H
#define RSG_CHECKPOINT_H

#include "audit/note.h"
#include "audit/tree.h"

struct rsg_checkpoint {
	char origin[RSG_NOTE_NAME];
	uint64_t size;
	uint8_t root[RSG_HASH_LEN];
};

/* The text to be signed, and back. Lines after the third are passed over.
 * RSG_MALFORMED. */
void rsg_checkpoint_text(const struct rsg_checkpoint *, struct rsg_buf *);
RSG_MUST enum rsg_err rsg_checkpoint_parse(const char *, size_t,
    struct rsg_checkpoint *);

RSG_MUST enum rsg_err rsg_checkpoint_sign(const struct rsg_skey *,
    const struct rsg_checkpoint *, struct rsg_buf *out);

/* Verify with the key of the origin itself. Errors of rsg_note_open(), and
 * RSG_MALFORMED; RSG_TAMPERED when the origin is not the key's name. */
RSG_MUST enum rsg_err rsg_checkpoint_open(const char *, size_t,
    const struct rsg_vkey *, struct rsg_checkpoint *);

/* A .tlog-proof file around a checkpoint's bytes. */
void rsg_checkpoint_proof(uint64_t index, const struct rsg_proof *,
    const void *checkpoint, size_t, struct rsg_buf *out);

/* Check such a file for the leaf hash. RSG_MALFORMED, RSG_TAMPERED,
 * RSG_NOT_FOUND (not signed by this key). */
RSG_MUST enum rsg_err rsg_checkpoint_proven(const char *, size_t,
    const struct rsg_vkey *, const uint8_t leaf_hash[RSG_HASH_LEN],
    uint64_t *index, struct rsg_checkpoint *);

#endif
