/*
 * person.h - a person's row and values: opened, changed, sealed again.
 */
#ifndef RSG_PERSON_H
#define RSG_PERSON_H

#include "work/batch.h"

/* Borrow the sealed columns of a fetched row, which begin with the controller
 * at column `col`. */
void rsg_person_row(struct rsg_subject *, const struct rsg_result *, int row, int col);

/*
 * Note how long the histories are, from two columns of the same row: opening
 * then refuses a header that does not know all of them.
 */
void rsg_person_heads(struct rsg_subject *, const struct rsg_result *, int row, int col);

/*
 * Unwrap the keys and open the header. RSG_NOT_FOUND: no such person, or
 * another controller's. RSG_TAMPERED (logged by id): it does not verify.
 */
RSG_MUST enum rsg_err rsg_person_open(const struct rsg_keyring *,
    struct rsg_subject *, uint32_t controller);

/* A new person with fresh keys: opened and to be inserted. */
RSG_MUST enum rsg_err rsg_person_new(struct rsg_batch *, struct rsg_item *,
    const char *jurisdiction, const char *language);

/* Seal the header anew and stage the row's insert or update. */
RSG_MUST enum rsg_err rsg_person_stage(struct rsg_batch *, struct rsg_subject *);

/* Open one field's record; the version must be the header's. */
RSG_MUST enum rsg_err rsg_person_value(struct rsg_arena *, const struct rsg_subject *,
    uint16_t number, uint32_t version, const uint8_t *sealed, size_t len,
    struct rsg_value *);

/* Where a value came from. Stored: never reuse a number. */
enum rsg_source { RSG_SOURCE_SELF = 1, RSG_SOURCE_STAFF = 2,
	RSG_SOURCE_INFERRED = 3, RSG_SOURCE_BOUGHT = 4 };
int rsg_source_find(const char *, size_t);	/* 0: no such source */

/*
 * Seal a field's record under the next version, put it into `sealed`, and
 * note it in the header (and its facet). `text` NULL removes the value.
 */
RSG_MUST enum rsg_err rsg_person_seal_field(struct rsg_subject *,
    const struct rsg_fielddef *, enum rsg_source, int64_t collected,
    const char *notice, const char *text, size_t len, int64_t today,
    struct rsg_buf *sealed);

/* The record of a value as sealed (docs/FORMAT.md, "Field"). */
RSG_MUST enum rsg_err rsg_person_record(const uint8_t *, size_t, struct rsg_value *);

#endif
