/*
 * verify.h - is this file a receipt that was given out? What `resguardo
 * receipt verify` asks, with the file and the public key alone.
 *
 * A file is the receipt's letters, or the server's whole answer. Blanks and
 * line ends between the letters, as copying brings them, are left out; what is
 * then verified is what stands in it.
 */
#ifndef RSG_RECEIPT_VERIFY_H
#define RSG_RECEIPT_VERIFY_H

#include "receipt/jws.h"
#include "resguardo/json.h"

struct rsg_verdict {
	struct rsg_jws jws;
	struct rsg_json *answer, *root;	/* root: what was signed */
	struct rsg_buf letters;
};

/*
 * RSG_JWS_GOOD: it is a receipt; with a key (`key` not NULL: a JWK or a set of
 * them), one that the key's owner signed. Without one nothing in it is to be
 * believed. rsg_verdict_free() either way.
 */
enum rsg_jws_fault rsg_receipt_verify_file(const void *file, size_t len,
    const void *key, size_t nkey, struct rsg_verdict *);
void rsg_verdict_free(struct rsg_verdict *);

#endif
