/*
 * prove.h - proofs from the published log: that an entry is in it, and that it
 * only grew.
 *
 * One rule: nothing is proven that this side has not checked itself against
 * the signed checkpoint. The folder may be a copy; only its key is believed.
 */
#ifndef RSG_PROVE_H
#define RSG_PROVE_H

#include "audit/checkpoint.h"
#include "audit/logdir.h"

/* A log as its checkpoint had it when it was opened. */
struct rsg_prove {
	struct rsg_vkey key;
	struct rsg_checkpoint now;
	struct rsg_buf note;		/* the checkpoint's bytes */
	struct rsg_tiles tiles;
};

/*
 * Open a log's folder under its key. RSG_NOT_FOUND: nothing is published or
 * the key did not sign it; RSG_TAMPERED, RSG_MALFORMED; RSG_IO, RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_prove_open(const char *dir, const struct rsg_vkey *,
    struct rsg_prove **);

/* The same of the log that a state directory is writing. RSG_CONFIG too. */
RSG_MUST enum rsg_err rsg_prove_state(const char *state, struct rsg_prove **);

/* A log of that directory that was closed (rotate.h), the first of them 0.
 * RSG_NOT_FOUND: there are no more. */
RSG_MUST enum rsg_err rsg_prove_closed(const char *state, size_t which,
    struct rsg_prove **);

void rsg_prove_close(struct rsg_prove *);

/*
 * The path of entry `index` with this leaf hash. RSG_STALE: not under the
 * checkpoint yet; RSG_TAMPERED: the log has another entry there.
 */
RSG_MUST enum rsg_err rsg_prove_entry(struct rsg_prove *, uint64_t index,
    const uint8_t hash[RSG_HASH_LEN], struct rsg_proof *);

/*
 * That the first `old` entries begin the first `size`, and both roots.
 * RSG_BAD_VALUE when old > size; RSG_STALE when `size` is not reached yet.
 */
RSG_MUST enum rsg_err rsg_prove_growth(struct rsg_prove *, uint64_t old,
    uint64_t size, struct rsg_proof *, uint8_t old_root[RSG_HASH_LEN],
    uint8_t root[RSG_HASH_LEN]);

#endif
