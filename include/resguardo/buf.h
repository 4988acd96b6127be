/*
 * buf.h - a growable buffer with a hard cap, and a bounded reader.
 *
 * A buffer is sticky: once an append fails (cap reached, no memory) every
 * later append does nothing and rsg_buf_ok() is false, so a sequence of
 * appends is checked once, at its end. Integers are big-endian.
 */
#ifndef RESGUARDO_BUF_H
#define RESGUARDO_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

struct rsg_buf {
	uint8_t *p;
	size_t len;
	size_t cap;		/* allocated */
	size_t max;		/* never grows beyond */
	size_t dirty;		/* bytes ever handed out: what a wipe covers */
	bool failed;
	bool starved;		/* it failed for lack of memory */
};

/* An empty buffer that may grow to `max` bytes. Nothing is allocated yet. */
void rsg_buf_init(struct rsg_buf *, size_t max);

/* Wipe and free. A zeroed or freed buffer is fine. */
void rsg_buf_free(struct rsg_buf *);

/* Forget the contents, keep the memory (wiped). */
void rsg_buf_reset(struct rsg_buf *);

/* Make room for `n` more bytes and return where they go, or NULL (sticky). */
uint8_t *rsg_buf_room(struct rsg_buf *, size_t n);

/* rsg_buf_room() and count the bytes as written. */
uint8_t *rsg_buf_extend(struct rsg_buf *, size_t n);

void rsg_buf_put(struct rsg_buf *, const void *, size_t);
void rsg_buf_str(struct rsg_buf *, const char *);
void rsg_buf_printf(struct rsg_buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
void rsg_buf_u8(struct rsg_buf *, uint8_t);
void rsg_buf_u16(struct rsg_buf *, uint16_t);
void rsg_buf_u32(struct rsg_buf *, uint32_t);
void rsg_buf_u64(struct rsg_buf *, uint64_t);
/* A text behind its length in one byte; NULL is none. Longer than 255 fails. */
void rsg_buf_short(struct rsg_buf *, const char *);
/* LEB128, as short as can be; signed values are zigzagged first. */
void rsg_buf_varint(struct rsg_buf *, uint64_t);
void rsg_buf_svarint(struct rsg_buf *, int64_t);

/* RSG_OK, RSG_TOO_LARGE or RSG_NO_MEMORY. */
RSG_MUST enum rsg_err rsg_buf_err(const struct rsg_buf *);
bool rsg_buf_ok(const struct rsg_buf *);

/*
 * A reader over borrowed bytes. Reading past the end gives zeroes and makes
 * rsg_rd_ok() false for good; check it once, before using what was read.
 */
struct rsg_rd {
	const uint8_t *p;
	size_t left;
	bool failed;
};

void rsg_rd_init(struct rsg_rd *, const void *, size_t);
const uint8_t *rsg_rd_get(struct rsg_rd *, size_t n);	/* NULL past the end */
uint8_t rsg_rd_u8(struct rsg_rd *);
uint16_t rsg_rd_u16(struct rsg_rd *);
uint32_t rsg_rd_u32(struct rsg_rd *);
uint64_t rsg_rd_u64(struct rsg_rd *);
/* What rsg_buf_short() put, with a NUL; what does not fit fails the reader. */
void rsg_rd_short(struct rsg_rd *, char *, size_t cap);
uint64_t rsg_rd_varint(struct rsg_rd *);
int64_t rsg_rd_svarint(struct rsg_rd *);
bool rsg_rd_ok(const struct rsg_rd *);
bool rsg_rd_end(const struct rsg_rd *);		/* ok, and nothing left */

/* Big-endian loads and stores on fixed places. */
void rsg_be16(uint8_t [2], uint16_t);
void rsg_be32(uint8_t [4], uint32_t);
void rsg_be64(uint8_t [8], uint64_t);

/* Inline: reading a message is made of these. */
static inline uint16_t
rsg_get16(const uint8_t p[2])
{
	return (uint16_t)((uint16_t)(p[0] << 8) | p[1]);
}

static inline uint32_t
rsg_get32(const uint8_t p[4])
{
	return (uint32_t)rsg_get16(p) << 16 | rsg_get16(p + 2);
}

static inline uint64_t
rsg_get64(const uint8_t p[8])
{
	return (uint64_t)rsg_get32(p) << 32 | rsg_get32(p + 4);
}

#endif
