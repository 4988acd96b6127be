/*
 * reader.h - reading the policy's files by declared shapes.
 *
 * A fault never stops the reading: one run shows all of them, each with the
 * file, the place in it, what is wrong and what to do.
 */
#ifndef RSG_POLICY_READER_H
#define RSG_POLICY_READER_H

#include "policy/model.h"

#define RSG__PLACE	256
#define RSG__FAULTS	100		/* written; more are counted */

struct rsg__reader {
	struct rsg_buf *faults;
	unsigned nfaults;
	bool unsure;			/* a file that others refer to has faults:
					 * what is not found may be there */
	char place[RSG__PLACE];		/* "fields.json: fields[3] (email)" */
};

enum rsg__mtype {
	RSG__M_TEXT,			/* const char *: some text */
	RSG__M_ID,			/* const char *: a-z, 0-9, _ . - */
	RSG__M_INT,			/* int64_t, between min and max */
	RSG__M_BOOL,			/* bool */
	RSG__M_WORDS,			/* const char *[2]: {"en": .., "es": ..} */
	RSG__M_LIST,			/* json: an array of texts, none twice */
	RSG__M_ARRAY,			/* json: an array of objects */
	RSG__M_OBJECT,			/* json: an object */
	RSG__M_ANY,			/* json: whatever; the caller looks */
};

struct rsg__member {
	const char *name;
	enum rsg__mtype type;
	bool required;
	size_t offset;			/* into the caller's struct */
	int64_t min, max;		/* INT; of LIST and ARRAY the size, 0: any */
};

/* Write one fault at the present place, after `member` (NULL: the place). */
void rsg__fault(struct rsg__reader *, const char *member, const char *, ...)
    __attribute__((format(printf, 3, 4)));

#define RSG__ALONE	SIZE_MAX

/* Go to an element of an array (RSG__ALONE: to an object); put the place back by rsg__leave(). */
size_t rsg__enter(struct rsg__reader *, const char *array, size_t i,
    const char *id);
void rsg__leave(struct rsg__reader *, size_t mark);

/*
 * Read an object into the struct at `out`. What is absent or wrong is left as
 * it was. False when there was any fault. "$schema" is always allowed.
 */
bool rsg__read(struct rsg__reader *, const struct rsg_json *,
    const struct rsg__member *, size_t n, void *out);

/* The member's text for use as `id` in rsg__enter(); NULL if it has none. */
const char *rsg__peek(const struct rsg_json *, const char *member);

/* One of `n` names (some NULL); a fault that lists them, and -1, otherwise. */
int rsg__one_of(struct rsg__reader *, const char *member, const char *value,
    const char *const *names, size_t n);

/* The kinds of files. Each adds to the policy; faults go to the reader. */
void rsg__fields_read(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);
void rsg__purposes_read(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);
void rsg__access_read(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);
void rsg__segments_read(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);
void rsg__kinds_read(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);
void rsg__loyalty_read(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);
void rsg__jurisdiction_read(struct rsg__reader *, struct rsg_policy *,
    const char *code, const struct rsg_json *);

/*
 * Numbers that are taken or retired, to refuse a second use. `numbers` has a
 * byte for each; `max` is the greatest.
 */
void rsg__retired(struct rsg__reader *, const struct rsg_json *list,
    uint8_t *numbers, int64_t max);
bool rsg__take(struct rsg__reader *, uint8_t *numbers, int64_t number);

#endif
