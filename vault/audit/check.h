/*
 * check.h - is the database what the log says?
 *
 * Who may write to the database could change, remove, add, put back or move a
 * row. Audit rows are compared, each of them, with the log's own entries, which
 * verify.h has checked against the signature before; that needs no key but the
 * verifier's. With the vault's keys the entries are opened too: their search
 * columns are compared with what is sealed in them, and principals,
 * credentials, policies, controllers, recipients, and everybody's row and
 * histories of consent and benefit with what the entries say they wrote.
 */
#ifndef RSG_CHECK_H
#define RSG_CHECK_H

#include "audit/note.h"
#include "seal/seal.h"
#include "store/store.h"

typedef void rsg_verify_say(void *ctx, bool wrong, const char *text);	/* of verify.h */

#define RSG_CHECK_LOGS	64

struct rsg_check {
	struct rsg_db *db;		/* a role that may read */
	struct rsg_check_log {
		char dir[600];
		uint64_t size;		/* that verify.h found sound */
	} log[RSG_CHECK_LOGS];		/* the oldest first; all but the last closed */
	size_t logs;
	struct rsg_keyring *keys;	/* the root's; NULL: audit rows alone */
	rsg_verify_say *say;
	void *ctx;

	uint64_t rows, waiting;		/* out: compared; not in the log yet */
	uint64_t people, others;	/* out: rows of people, of small tables */
	size_t wrong;			/* out */
};

/* RSG_OK; RSG_TAMPERED: `wrong` things were said; RSG_IO, RSG_UNAVAILABLE,
 * RSG_NO_MEMORY, RSG_CONFIG (keys of another server): it could not be found
 * out. `db` reads each transaction in one snapshot (RSG_CHECK_OPTIONS). */
#define RSG_CHECK_OPTIONS \
    "-c default_transaction_isolation=repeatable\\ read" \
    " -c default_transaction_read_only=on"
RSG_MUST enum rsg_err rsg_check_run(struct rsg_check *);

/* Load the keys that open entries and cover rows. RSG_CONFIG: another root's. */
RSG_MUST enum rsg_err rsg_check_keys(struct rsg_db *, struct rsg_keyring *);

/*
 * The .tlog-proof of one entry under the folder's checkpoint. RSG_NOT_FOUND:
 * no such entry; RSG_STALE: not under that checkpoint yet.
 */
RSG_MUST enum rsg_err rsg_check_proof(struct rsg_db *, const char *dir,
    const struct rsg_vkey *, const struct rsg_id *entry, struct rsg_buf *out);

#endif
