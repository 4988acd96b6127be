/*
 * check.h - is the table of audit entries what the log says?
 *
 * Who may write to the database could change, remove, add, put back or move a
 * row. Each is found by comparing every row with the log's own entries, which
 * verify.h has checked against the signature before. Needs no key but the
 * verifier's.
 */
#ifndef RSG_CHECK_H
#define RSG_CHECK_H

#include "audit/verify.h"
#include "store/store.h"

struct rsg_check {
	struct rsg_db *db;		/* a role that may read */
	const char *dir;		/* the log's folder */
	uint64_t size;			/* that verify.h found sound */
	rsg_verify_say *say;
	void *ctx;

	uint64_t rows, waiting;		/* out: compared; not in the log yet */
	size_t wrong;			/* out */
};

/* RSG_OK; RSG_TAMPERED: `wrong` things were said; RSG_IO, RSG_UNAVAILABLE,
 * RSG_NO_MEMORY: it could not be found out. */
RSG_MUST enum rsg_err rsg_check_run(struct rsg_check *);

/*
 * The .tlog-proof of one entry under the folder's checkpoint. RSG_NOT_FOUND:
 * no such entry; RSG_STALE: not under that checkpoint yet.
 */
RSG_MUST enum rsg_err rsg_check_proof(struct rsg_db *, const char *dir,
    const struct rsg_vkey *, const struct rsg_id *entry, struct rsg_buf *out);

#endif
