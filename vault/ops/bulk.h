/*
 * bulk.h - lines of a file, however many. A page of them is one transaction
 * with one entry; a line that does not go keeps none of the others back, and
 * each is accounted for. Bringing a file in twice changes nothing.
 */
#ifndef RSG_OPS_BULK_H
#define RSG_OPS_BULK_H

#include "work/batch.h"

#define RSG_BULK_PAGE	48

/* One line on its way in. */
struct rsg_bulkline {
	struct rsg_fields group;
	int64_t number;
	bool changed;			/* false: all of it was there already */
	enum rsg_err err;
	char member[128];
	const char *note, *note_member;	/* it came in, and somebody should look; or NULL */
};

struct rsg_bulk;

/* What the lines are. `at` is a line's place in its page, and its item's. */
struct rsg_bulkdef {
	enum rsg_field lines;		/* the group that is one of them */
	void (*begin)(struct rsg_bulk *, size_t n);	/* a page: forget the one before */
	enum rsg_err (*read)(struct rsg_bulk *, size_t at);
	enum rsg_err (*find)(struct rsg_bulk *, size_t n);	/* whose they are */
	enum rsg_err (*write)(struct rsg_bulk *, size_t at);	/* check all, then stage */
};

struct rsg_bulk {
	const struct rsg_bulkdef *def;
	struct rsg_worker *w;
	struct rsg_call *c;
	const struct rsg_controller *k;
	const struct rsg_fielddef *field;	/* that tells whose a line is */
	char basis[64];
	void *own;			/* the def's */
	struct rsg_bulkline line[RSG_BULK_PAGE];
	size_t upto;			/* find(): lines from here on wait for the next page */
	int64_t accepted, repeated;
	struct rsg_buf told;		/* fields of the reply, kept over pages */
};

/* Read the controller, field and basis of the message. Fails the call. */
RSG_MUST enum rsg_err rsg_bulk_open(struct rsg_bulk *, const struct rsg_bulkdef *,
    struct rsg_worker *, struct rsg_call *, void *own);

/* Bring every line in, and answer. */
RSG_MUST enum rsg_err rsg_bulk_run(struct rsg_bulk *);
void rsg_bulk_close(struct rsg_bulk *);

/* A line stays out, by the error that the call was failed with. */
void rsg_bulk_reject(struct rsg_bulk *, size_t at, enum rsg_err);

/* For find(): the people by the digest of their value of m->field, one for
 * each line (of those that failed: anything). The result of LOOKUP_IDS.
 *
 * Two lines of one person that cannot be worked on together: set m->upto to
 * the place of the second. It and all behind it go into the next transaction,
 * so that what becomes of them is the same wherever a page ends. */
RSG_MUST enum rsg_err rsg_bulk_ids(struct rsg_bulk *, size_t n,
    const uint8_t *(*digest)(struct rsg_bulk *, size_t at), const struct rsg_result **);

/* For find(): lock and fetch everybody of the batch, with the fields named
 * (0 ends them; NULL: all), and the rows of `more`. */
RSG_MUST enum rsg_err rsg_bulk_people(struct rsg_bulk *, const uint16_t *fields,
    const enum rsg_sql *more, size_t nmore);

/* The digest by which a value of a field is looked for. RSG_BAD_VALUE,
 * RSG_NO_MEMORY; the call is not failed. */
RSG_MUST enum rsg_err rsg_bulk_digest(struct rsg_bulk *, const struct rsg_fielddef *,
    const void *, size_t, uint8_t [RSG_DIGEST_LEN]);

/* Is this value of m->field the one that the digest was made of, a capital letter
 * apart? */
bool rsg_bulk_same(struct rsg_bulk *, const uint8_t digest[RSG_DIGEST_LEN],
    const char *text, size_t len);

#endif
