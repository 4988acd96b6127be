/*
 * msg.h - the small typed messages between the processes.
 *
 * A frame is a fixed head and a flat run of fields; docs/FORMAT.md has the
 * bytes. What may stand in a message is a table (fields.def, shapes.def,
 * ops.def), and rsg_msg_check() refuses everything that is not in it: unknown
 * fields, wrong lengths, bad UTF-8, too many, too deep, missing ones. After
 * it, reading a field cannot fail.
 */
#ifndef RESGUARDO_MSG_H
#define RESGUARDO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"

#define RSG_MSG_HEAD	20			/* bytes of a frame's head */
#define RSG_MSG_MAX	(2u * 1024 * 1024)	/* most bytes of a frame */
#define RSG_MSG_ITEMS	8192			/* most items in one list */
#define RSG_MSG_DEPTH	4			/* most groups in each other */

enum rsg_field {
#define F(name, json, type, max, shape) RSG_F_##name,
#include "resguardo/fields.def"
#undef F
	RSG_F__MAX
};

enum rsg_ftype {
	RSG_T_TEXT, RSG_T_NAME, RSG_T_ID, RSG_T_INT, RSG_T_BOOL, RSG_T_TIME,
	RSG_T_DAY, RSG_T_BLOB, RSG_T_HEX, RSG_T_GROUP, RSG_T_MAP
};

enum rsg_shape {
#define SHAPE(name) RSG_SHAPE_##name,
#define M(field, many, place)
#define END()
#include "resguardo/shapes.def"
#undef SHAPE
#undef M
#undef END
	RSG_SHAPE__MAX
};

enum rsg_op {
#define OP(name, sockets, in, out) RSG_OP_##name,
#include "resguardo/ops.def"
#undef OP
	RSG_OP__MAX
};

enum { RSG_SOCKET_API = 1, RSG_SOCKET_ADMIN = 2 };
#define RSG_CALL_LONG	4	/* beside the sockets: it may look at everybody */
enum rsg_many { RSG_ONE, RSG_OPT, RSG_MANY, RSG_SOFT };
enum rsg_place { RSG_PATH, RSG_QUERY, RSG_HEADER, RSG_BODY, RSG_INTAKE };

struct rsg_fieldinfo {
	const char *json;
	enum rsg_ftype type;
	uint32_t max;
	enum rsg_shape shape;
};
struct rsg_memberinfo {
	enum rsg_field field;
	enum rsg_many many;
	enum rsg_place place;
};
struct rsg_shapeinfo {
	const char *name;
	const struct rsg_memberinfo *member;
	size_t n;
};
struct rsg_opinfo {
	const char *name;		/* "SUBJECT_READ" */
	unsigned sockets;		/* and RSG_CALL_LONG */
	enum rsg_shape in, out;
};

/* Never NULL: what is no field has the name "". */
const struct rsg_fieldinfo *rsg_msg_field(enum rsg_field);
const struct rsg_shapeinfo *rsg_msg_shape(enum rsg_shape);
const struct rsg_opinfo *rsg_msg_op(enum rsg_op);	/* NULL: no such op */

/* The head of a frame. In a reply `status` says how it went. */
struct rsg_head {
	uint32_t len;			/* of the fields that follow */
	uint16_t op;
	bool reply;
	enum rsg_err status;
	uint64_t serial;		/* the asker's; the reply repeats it */
};

/* Fields as they stand in memory: borrowed bytes. */
struct rsg_fields {
	const uint8_t *p;
	size_t len;
};

/*
 * Writing. rsg_msg_begin() starts a frame at the end of `b`; put fields;
 * rsg_msg_end() fixes the length. Several frames may share a buffer.
 * Groups nest: rsg_msg_open() returns a mark for rsg_msg_close().
 * Errors are sticky in the buffer.
 */
size_t rsg_msg_begin(struct rsg_buf *, enum rsg_op, uint64_t serial);
size_t rsg_msg_reply(struct rsg_buf *, enum rsg_op, uint64_t serial, enum rsg_err);
void rsg_msg_end(struct rsg_buf *, size_t begun);
void rsg_msg_bytes(struct rsg_buf *, enum rsg_field, const void *, size_t);
void rsg_msg_text(struct rsg_buf *, enum rsg_field, const char *);
void rsg_msg_int(struct rsg_buf *, enum rsg_field, int64_t);	/* INT TIME DAY */
void rsg_msg_bool(struct rsg_buf *, enum rsg_field, bool);
void rsg_msg_id(struct rsg_buf *, enum rsg_field, const struct rsg_id *);
size_t rsg_msg_open(struct rsg_buf *, enum rsg_field);
void rsg_msg_close(struct rsg_buf *, size_t mark);

/*
 * Parse the head at `p`. RSG_OK, RSG_MALFORMED, or RSG_TOO_LARGE when the
 * frame would be longer than RSG_MSG_MAX. `p` has RSG_MSG_HEAD bytes.
 */
RSG_MUST enum rsg_err rsg_msg_head(const uint8_t *p, struct rsg_head *);

/*
 * Check fields against a shape and everything nested in it. At the top, what
 * `extra` lists is admitted too: CONTEXT in requests, TRAILER in replies.
 * RSG_OK, RSG_MALFORMED, RSG_UNKNOWN_MEMBER, RSG_MISSING_MEMBER,
 * RSG_BAD_VALUE, RSG_TOO_LARGE; then *at names the field, or is RSG_F__MAX
 * where no field can be named.
 */
RSG_MUST enum rsg_err rsg_msg_check(struct rsg_fields, enum rsg_shape,
    enum rsg_shape extra, enum rsg_field *at);

/* Reading, after rsg_msg_check(). Absent: false, NULL or the default. */
bool rsg_msg_has(struct rsg_fields, enum rsg_field);
bool rsg_msg_get(struct rsg_fields, enum rsg_field, const uint8_t **, size_t *);
int64_t rsg_msg_get_int(struct rsg_fields, enum rsg_field, int64_t absent);
bool rsg_msg_get_id(struct rsg_fields, enum rsg_field, struct rsg_id *);
/* Copies at most cap-1 bytes and a NUL; "" when absent. True when present. */
bool rsg_msg_get_text(struct rsg_fields, enum rsg_field, char *, size_t cap);
/* Walk all fields: start with *pos = 0; false at the end. */
bool rsg_msg_next(struct rsg_fields, size_t *pos, enum rsg_field *,
    const uint8_t **, size_t *);
/* Walk the occurrences of one field; each as fields when it is a group. */
bool rsg_msg_each(struct rsg_fields, size_t *pos, enum rsg_field,
    struct rsg_fields *);

/* Is this text free of control characters and well-formed UTF-8? */
bool rsg_msg_utf8(const uint8_t *, size_t);
/* A-Z a-z 0-9 . _ : - only, and not empty. */
bool rsg_msg_name(const uint8_t *, size_t);

#endif
