/*
 * attachment.h - evidence that is a file: a scanned form, a recording.
 *
 * Two sealed values in one row, each for its place (subject, attachment): the
 * head (version 1), small, says what the bytes are and their SHA-256; the
 * bytes (version 2) are believed only where they have that hash. Sealed under
 * the evidence key, as the consent that it is the proof of; written once.
 * docs/FORMAT.md, "Attachment".
 */
#ifndef RSG_ATTACHMENT_H
#define RSG_ATTACHMENT_H

#include "work/batch.h"

#define RSG_ATTACHMENT_MAX	(720u * 1024)	/* bytes: what base64 leaves of a body of 1 MiB */

/* What may be kept, by number; the numbers are stored. 0: not that. */
uint8_t rsg_media_find(const char *, size_t);
const char *rsg_media_name(uint8_t);		/* "application/pdf" */

struct rsg_attachment {
	uint8_t media;
	int64_t time;			/* when it came, us */
	uint32_t bytes;
	struct rsg_id principal;	/* who brought it */
	uint8_t hash[RSG_DIGEST_LEN];	/* SHA-256 of the bytes */
};

/*
 * Seal an attachment of this person for its row: ATTACHMENT_INSERT. The hash
 * and the size are taken from the bytes and set in `a`. RSG_TOO_LARGE,
 * RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_attachment_put(struct rsg_bind *, const struct rsg_subject *,
    const struct rsg_id *, struct rsg_attachment *a, const void *, size_t len);

/* Open a head. RSG_TAMPERED (logged): it is not this person's, not of this
 * attachment, or not whole. */
RSG_MUST enum rsg_err rsg_attachment_head(const struct rsg_subject *,
    const struct rsg_id *, const uint8_t *head, size_t len, struct rsg_attachment *);

/*
 * Open the bytes into the arena, and hold them against the head. RSG_TAMPERED
 * (logged), RSG_NO_MEMORY.
 */
RSG_MUST enum rsg_err rsg_attachment_bytes(struct rsg_arena *,
    const struct rsg_subject *, const struct rsg_id *, const struct rsg_attachment *,
    const uint8_t *sealed, size_t len, const uint8_t **bytes);

#endif
