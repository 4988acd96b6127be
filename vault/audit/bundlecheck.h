/*
 * bundlecheck.h - is this audit bundle what the log's key signed?
 *
 * Needs the bundle and the verifier key alone (docs/FORMAT.md, "Audit
 * bundle"). Every access is opened again, its words compared, and its path
 * followed to the signed root; what is wrong is named. With a copy of the log
 * also: is anything missing on the days that are said to be whole?
 */
#ifndef RSG_BUNDLECHECK_H
#define RSG_BUNDLECHECK_H

#include "audit/verify.h"
#include "resguardo/id.h"

#define RSG_AUDITBUNDLE_MAX	(16u * 1024 * 1024)	/* bytes of a bundle */

struct rsg_bundlecheck {
	const struct rsg_vkey *key;
	const char *dir;		/* a copy of the log, verified before; or NULL */
	uint64_t dir_size;		/* how many entries it has */
	rsg_verify_say *say;		/* what is wrong; and, not wrong, one access a line */
	void *ctx;

	struct rsg_checkpoint now;	/* out: what is signed */
	struct rsg_id subject;		/* out */
	int64_t from, to;		/* out: the period */
	size_t accesses, opened, days, whole;	/* out */
	size_t wrong;			/* out */
};

/* RSG_OK: all of it holds. RSG_TAMPERED: `wrong` things were said. RSG_IO,
 * RSG_NO_MEMORY: it could not be found out. */
RSG_MUST enum rsg_err rsg_bundlecheck_run(struct rsg_bundlecheck *, const void *,
    size_t);

#endif
