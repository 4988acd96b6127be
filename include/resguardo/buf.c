/*
 * Growing, wiping and reading bytes. Two rules hold throughout: nothing is
 * written past `max` or read past `left`, and no block that held plaintext
 * goes back to the heap as it was.
 */
#include "resguardo/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST	256		/* bytes of a first allocation */
#define VARINT	10		/* most bytes of one 64-bit varint */

void
rsg_buf_init(struct rsg_buf *b, size_t max)
{
	*b = (struct rsg_buf){ .max = max };
}

/* Buffers carry plaintext: what was handed out is wiped, used or not. */
static void
wipe(struct rsg_buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->dirty);
	b->dirty = 0;
}

/* The cap stays, so that a freed buffer can be filled again. */
void
rsg_buf_free(struct rsg_buf *b)
{
	if (b == NULL)
		return;
	wipe(b);
	free(b->p);
	*b = (struct rsg_buf){ .max = b->max };
}

void
rsg_buf_reset(struct rsg_buf *b)
{
	wipe(b);
	b->len = 0;
	b->failed = b->starved = false;
}

/* The old block is wiped before it goes back, so realloc() will not do. */
static bool
grow(struct rsg_buf *b, size_t need)
{
	size_t cap = b->cap < FIRST ? FIRST : b->cap;
	uint8_t *p;

	/* Doubling keeps appends cheap; near the cap, the cap itself. */
	while (cap < need && cap <= b->max / 2)
		cap *= 2;
	if (cap < need || cap > b->max)
		cap = b->max;
	/* One byte more, so that vsnprintf() may end with its NUL. */
	if (cap == SIZE_MAX || (p = malloc(cap + 1)) == NULL)
		return false;
	if (b->len > 0)
		memcpy(p, b->p, b->len);
	wipe(b);
	free(b->p);
	b->p = p;
	b->cap = cap;
	b->dirty = b->len;
	return true;
}

/*
 * All writing comes through here. A caller may have cut `len` back to undo
 * something, so `dirty` remembers how far it ever went.
 */
uint8_t *
rsg_buf_room(struct rsg_buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	/* Said as a difference: a sum could wrap round. */
	if (b->len > b->max || n > b->max - b->len) {
		b->failed = true;
		return NULL;
	}
	if ((b->p == NULL || n > b->cap - b->len) && !grow(b, b->len + n)) {
		b->failed = b->starved = true;
		return NULL;
	}
	if (b->dirty < b->len + n)
		b->dirty = b->len + n;
	return b->p + b->len;
}

uint8_t *
rsg_buf_extend(struct rsg_buf *b, size_t n)
{
	uint8_t *p = rsg_buf_room(b, n);

	if (p != NULL)
		b->len += n;
	return p;
}

/* Nothing of NULL is nothing, and no reason to allocate. */
void
rsg_buf_put(struct rsg_buf *b, const void *from, size_t n)
{
	uint8_t *p;

	if (n > 0 && (p = rsg_buf_extend(b, n)) != NULL)
		memcpy(p, from, n);
}

void
rsg_buf_str(struct rsg_buf *b, const char *s)
{
	rsg_buf_put(b, s, strlen(s));
}

void
rsg_buf_printf(struct rsg_buf *b, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	/* Once to measure, once to write: no text is cut short unseen. */
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((p = (char *)rsg_buf_extend(b, (size_t)n)) == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
}

void
rsg_buf_u8(struct rsg_buf *b, uint8_t v)
{
	rsg_buf_put(b, &v, 1);
}

void
rsg_buf_u16(struct rsg_buf *b, uint16_t v)
{
	uint8_t *p = rsg_buf_extend(b, 2);

	if (p != NULL)
		rsg_be16(p, v);
}

void
rsg_buf_u32(struct rsg_buf *b, uint32_t v)
{
	uint8_t *p = rsg_buf_extend(b, 4);

	if (p != NULL)
		rsg_be32(p, v);
}

void
rsg_buf_u64(struct rsg_buf *b, uint64_t v)
{
	uint8_t *p = rsg_buf_extend(b, 8);

	if (p != NULL)
		rsg_be64(p, v);
}

void
rsg_buf_short(struct rsg_buf *b, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	if (n > UINT8_MAX) {
		b->failed = true;
		return;
	}
	rsg_buf_u8(b, (uint8_t)n);
	rsg_buf_put(b, text, n);
}

void
rsg_buf_varint(struct rsg_buf *b, uint64_t v)
{
	uint8_t bytes[VARINT];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	rsg_buf_put(b, bytes, n);
}

/* Zigzag: small magnitudes of either sign stay short. */
void
rsg_buf_svarint(struct rsg_buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;

	rsg_buf_varint(b, v < 0 ? ~u : u);
}

enum rsg_err
rsg_buf_err(const struct rsg_buf *b)
{
	if (!b->failed)
		return RSG_OK;
	return b->starved ? RSG_NO_MEMORY : RSG_TOO_LARGE;
}

bool
rsg_buf_ok(const struct rsg_buf *b)
{
	return !b->failed;
}

void
rsg_rd_init(struct rsg_rd *r, const void *p, size_t n)
{
	*r = (struct rsg_rd){ .p = p, .left = n };
}

/* Once wrong, always empty: no later read can find its feet again. */
static void
rd_fail(struct rsg_rd *r)
{
	r->failed = true;
	r->left = 0;
}

const uint8_t *
rsg_rd_get(struct rsg_rd *r, size_t n)
{
	/* Zero bytes of nothing are there: never NULL for that alone. */
	static const uint8_t nothing[1];
	const uint8_t *p = r->p != NULL ? r->p : nothing;

	if (r->failed || n > r->left) {
		rd_fail(r);
		return NULL;
	}
	r->p = p + n;
	r->left -= n;
	return p;
}

uint8_t
rsg_rd_u8(struct rsg_rd *r)
{
	const uint8_t *p = rsg_rd_get(r, 1);

	return p != NULL ? *p : 0;
}

uint16_t
rsg_rd_u16(struct rsg_rd *r)
{
	const uint8_t *p = rsg_rd_get(r, 2);

	return p != NULL ? rsg_get16(p) : 0;
}

uint32_t
rsg_rd_u32(struct rsg_rd *r)
{
	const uint8_t *p = rsg_rd_get(r, 4);

	return p != NULL ? rsg_get32(p) : 0;
}

uint64_t
rsg_rd_u64(struct rsg_rd *r)
{
	const uint8_t *p = rsg_rd_get(r, 8);

	return p != NULL ? rsg_get64(p) : 0;
}

/*
 * Only the shortest form is read: what was sealed or hashed has one form.
 * The tenth byte holds the 64th bit and no other.
 */
void
rsg_rd_short(struct rsg_rd *r, char *out, size_t cap)
{
	size_t n = rsg_rd_u8(r);
	const uint8_t *p = rsg_rd_get(r, n);

	out[0] = '\0';
	if (p == NULL || n >= cap) {
		r->failed = true;
		return;
	}
	memcpy(out, p, n);
	out[n] = '\0';
}

uint64_t
rsg_rd_varint(struct rsg_rd *r)
{
	uint64_t v = 0;
	uint8_t c = 0;

	for (unsigned i = 0; i < VARINT; i++) {
		c = rsg_rd_u8(r);
		if (i == VARINT - 1 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c >= 0x80)
			continue;
		if (c == 0 && i > 0)
			break;
		return v;
	}
	rd_fail(r);
	return 0;
}

int64_t
rsg_rd_svarint(struct rsg_rd *r)
{
	uint64_t u = rsg_rd_varint(r);

	return (int64_t)(u & 1 ? ~(u >> 1) : u >> 1);
}

bool
rsg_rd_ok(const struct rsg_rd *r)
{
	return !r->failed;
}

bool
rsg_rd_end(const struct rsg_rd *r)
{
	return !r->failed && r->left == 0;
}

/* memcpy() because the place may be aligned to nothing. */
void
rsg_be16(uint8_t p[2], uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

void
rsg_be32(uint8_t p[4], uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

void
rsg_be64(uint8_t p[8], uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

