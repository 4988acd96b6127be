/*
 * json.h - strict, bounded JSON: the one place that uses jansson.
 *
 * Reading refuses what RFC 8259 leaves open: duplicate members, invalid
 * UTF-8, NUL in strings, numbers that are not integers unless asked for,
 * anything deeper or larger than the limits. Its memory is wiped when freed.
 */
#ifndef RESGUARDO_JSON_H
#define RESGUARDO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"

#define RSG_JSON_DEPTH	32
#define RSG_JSON_VALUES	262144		/* most values in a document */

struct rsg_json;		/* any value; borrowed from its root */

enum rsg_json_type { RSG_JSON_NULL, RSG_JSON_BOOL, RSG_JSON_INT, RSG_JSON_REAL,
	RSG_JSON_STRING, RSG_JSON_ARRAY, RSG_JSON_OBJECT };

/* Where a document is at fault: for files of ours, never shown for bodies. */
struct rsg_json_fault {
	int line, column;
	char what[160];
};

/* Call once in main() before threads: installs the wiping allocator. */
void rsg_json_init(void);

/*
 * Parse a whole document. RSG_MALFORMED (syntax, duplicate member, UTF-8),
 * RSG_TOO_LARGE (deeper than RSG_JSON_DEPTH, more than RSG_JSON_VALUES),
 * RSG_NO_MEMORY. `fault` may be NULL.
 * The root is the caller's: rsg_json_free().
 */
RSG_MUST enum rsg_err rsg_json_parse(const void *, size_t,
    struct rsg_json **, struct rsg_json_fault *fault);
void rsg_json_free(struct rsg_json *);

enum rsg_json_type rsg_json_type(const struct rsg_json *);
/* What is not of the type asked for is false, 0, NULL or empty. */
bool rsg_json_bool(const struct rsg_json *);
int64_t rsg_json_int(const struct rsg_json *);
double rsg_json_real(const struct rsg_json *);
const char *rsg_json_string(const struct rsg_json *, size_t *len);	/* len may be NULL */
size_t rsg_json_size(const struct rsg_json *);			/* array, object */
const struct rsg_json *rsg_json_at(const struct rsg_json *, size_t);
const struct rsg_json *rsg_json_get(const struct rsg_json *, const char *);	/* NULL: absent */
/* Walk an object's members in their order: start with *iter NULL. */
bool rsg_json_next(const struct rsg_json *object, void **iter,
    const char **name, const struct rsg_json **value);

/* The document again, compact; with `sorted`, members by name (canonical). */
RSG_MUST enum rsg_err rsg_json_dump(const struct rsg_json *, bool sorted,
    struct rsg_buf *);

/*
 * Writing, straight into a buffer: commas are seen to, strings escaped.
 *	rsg_jw_object(&w, NULL); rsg_jw_int(&w, "n", 3); rsg_jw_end(&w);
 * `name` is NULL inside arrays and at the top, never inside objects; where it
 * is otherwise the buffer fails. Errors stick to the buffer. Bytes that are
 * not UTF-8 are written as the replacement character. After the last
 * rsg_jw_end() another document may follow.
 */
struct rsg_jw {
	struct rsg_buf *b;
	uint64_t array;			/* bit per depth */
	unsigned depth;
	bool comma;
};
void rsg_jw_init(struct rsg_jw *, struct rsg_buf *);
void rsg_jw_object(struct rsg_jw *, const char *name);
void rsg_jw_array(struct rsg_jw *, const char *name);
void rsg_jw_end(struct rsg_jw *);
void rsg_jw_string(struct rsg_jw *, const char *name, const void *, size_t);
void rsg_jw_text(struct rsg_jw *, const char *name, const char *);
void rsg_jw_int(struct rsg_jw *, const char *name, int64_t);
void rsg_jw_real(struct rsg_jw *, const char *name, double);	/* null unless finite */
void rsg_jw_bool(struct rsg_jw *, const char *name, bool);
void rsg_jw_null(struct rsg_jw *, const char *name);

#endif
