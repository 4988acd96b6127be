/*
 * mask.c - enough of a value to recognise it by, for who knows it already.
 *
 * A mask has the same width whatever it hides: the length of a name says
 * something about it.
 */
#include <string.h>

#include "policy/values.h"
#include "resguardo/utf8.h"

#define STARS	"***"

static void
hidden(const char *s, size_t n, struct rsg_buf *out)
{
	(void)s;
	(void)n;
	rsg_buf_str(out, STARS);
}

/* The first character of `n` bytes; nothing when they are none. */
static void
first(const char *s, size_t n, struct rsg_buf *out)
{
	uint32_t c;
	size_t k;

	if (n > 0 && (k = rsg_utf8_next((const uint8_t *)s, n, &c)) > 0)
		rsg_buf_put(out, s, k);
}

/* "M***" */
static void
initial(const char *s, size_t n, struct rsg_buf *out)
{
	first(s, n, out);
	rsg_buf_str(out, STARS);
}

/* "m***@e***.org": the top-level domain stays. */
static void
email(const char *s, size_t n, struct rsg_buf *out)
{
	const char *at = memchr(s, '@', n), *dot;
	size_t rest;

	initial(s, n, out);
	if (at == NULL)
		return;
	rest = n - (size_t)(at + 1 - s);
	rsg_buf_u8(out, '@');
	initial(at + 1, rest, out);
	if ((dot = memrchr(at + 1, '.', rest)) != NULL)
		rsg_buf_put(out, dot, (size_t)(s + n - dot));
}

/* The last `keep` characters, where at least as many again stay hidden. */
static void
tail(const char *s, size_t n, size_t keep, struct rsg_buf *out)
{
	rsg_buf_str(out, STARS);
	if (n >= 2 * keep && ((uint8_t)s[n - keep] & 0xc0) != 0x80)
		rsg_buf_put(out, s + n - keep, keep);
}

static void
last4(const char *s, size_t n, struct rsg_buf *out)
{
	tail(s, n, 4, out);
}

static void
last2(const char *s, size_t n, struct rsg_buf *out)
{
	tail(s, n, 2, out);
}

/* "1984-**-**" */
static void
year(const char *s, size_t n, struct rsg_buf *out)
{
	if (n == 10)
		rsg_buf_put(out, s, 4);
	rsg_buf_str(out, n == 10 ? "-**-**" : STARS);
}

/* "28***" */
static void
prefix2(const char *s, size_t n, struct rsg_buf *out)
{
	if (n >= 4 && ((uint8_t)s[2] & 0xc0) != 0x80)
		rsg_buf_put(out, s, 2);
	rsg_buf_str(out, STARS);
}

static const struct rsg__mask masks[] = {
	{ "hidden", hidden }, { "initial", initial }, { "email", email },
	{ "last4", last4 }, { "last2", last2 }, { "year", year },
	{ "prefix2", prefix2 },
};
#define N	(sizeof(masks) / sizeof(masks[0]))

const struct rsg__mask *
rsg__mask_at(size_t i)
{
	return i < N ? &masks[i] : NULL;
}

const struct rsg__mask *
rsg__mask_find(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (strcmp(masks[i].name, name) == 0)
			return &masks[i];
	return NULL;
}
