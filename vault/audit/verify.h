/*
 * verify.h - is this folder of tiles the log that its key signed?
 *
 * Needs nothing but the folder and the verifier key. Every entry is hashed,
 * every tile put together again from what is below it, and what is wrong is
 * named: the entry where its bytes changed, the tile where a hash did.
 */
#ifndef RSG_VERIFY_H
#define RSG_VERIFY_H

#include "audit/checkpoint.h"

/* One thing found wrong, in a sentence; or how far it is (`wrong` false). */
typedef void rsg_verify_say(void *ctx, bool wrong, const char *text);

struct rsg_verify {
	const char *dir;
	const struct rsg_vkey *key;
	const struct rsg_checkpoint *remembered;	/* or NULL */
	rsg_verify_say *say;
	void *ctx;

	struct rsg_checkpoint now;	/* out: what is signed */
	struct rsg_buf note;		/* out: its bytes; the caller frees */
	bool closed;			/* out: it ends, and goes on under `next` */
	struct rsg_vkey next;
	struct rsg_buf before;		/* out: the checkpoint of the log that it
					 * continues, or empty; the caller frees */
	uint64_t bytes;			/* out: of all entries */
	size_t wrong;			/* out: how much was found */
};

/* RSG_OK: all of it is as signed. RSG_TAMPERED: `wrong` things were said.
 * RSG_IO, RSG_NO_MEMORY: it could not be found out. */
RSG_MUST enum rsg_err rsg_verify_run(struct rsg_verify *);

#endif
