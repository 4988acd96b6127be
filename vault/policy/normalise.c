/*
 * normalise.c - one form for values that mean the same.
 *
 * Nothing here allocates or copies: values are made smaller where they stand,
 * so that no plaintext is left behind.
 */
#include <string.h>

#include "policy/values.h"
#include "resguardo/utf8.h"

static bool
is_blank(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 ||
	    c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	    c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Control, zero-width and direction characters: they only ever deceive. */
static bool
is_refused(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad ||
	    c == 0x200b || c == 0x200e || c == 0x200f ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c >= 0xe000 && c <= 0xf8ff) ||
	    (c & 0xfffe) == 0xfffe || c >= 0xe0000;
}

enum rsg_err
rsg__value_clean(const char *value, size_t len, struct rsg_buf *out)
{
	const uint8_t *p = (const uint8_t *)value;
	size_t start = out->len, n;
	uint32_t c;
	bool blank = false;

	for (; len > 0; p += n, len -= n) {
		if ((n = rsg_utf8_next(p, len, &c)) == 0)
			return RSG_BAD_VALUE;
		if (is_blank(c)) {
			blank = out->len > start;
			continue;
		}
		if (is_refused(c))
			return RSG_BAD_VALUE;
		if (blank)
			rsg_buf_u8(out, ' ');
		blank = false;
		rsg_buf_put(out, p, n);
	}
	if (rsg_buf_ok(out) && out->len == start)
		return RSG_BAD_VALUE;
	return rsg_buf_err(out);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static size_t
drop(char *p, size_t len, const char *unwanted)
{
	size_t k = 0;

	for (size_t i = 0; i < len; i++)
		if (p[i] == '\0' || strchr(unwanted, p[i]) == NULL)
			p[k++] = p[i];
	return k;
}

static size_t
collapse(char *p, size_t len)
{
	(void)p;
	return len;
}

static size_t
lowercase(char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = lower(p[i]);
	return len;
}

static size_t
uppercase(char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = upper(p[i]);
	return len;
}

/* Only what comes after the @ is without case; the index folds the rest. */
static size_t
email(char *p, size_t len)
{
	bool domain = false;

	for (size_t i = 0; i < len; i++) {
		if (domain)
			p[i] = lower(p[i]);
		domain = domain || p[i] == '@';
	}
	return len;
}

/*
 * E.164. "00" in front means the same as "+" in Mexico, Spain and most of
 * Europe; Mexico's old 1 for mobile numbers is no longer part of one.
 */
static size_t
phone(char *p, size_t len)
{
	len = drop(p, len, " -.()/");
	if (len > 2 && p[0] == '0' && p[1] == '0') {
		memmove(p, p + 1, --len);
		p[0] = '+';
	}
	if (len == 14 && memcmp(p, "+521", 4) == 0) {
		memmove(p + 3, p + 4, len - 4);
		len--;
	}
	return len;
}

/* Numbers of cards and papers: without separators, in capitals, with an N
 * tilde that is one. */
static size_t
compact(char *p, size_t len)
{
	len = uppercase(p, drop(p, len, " -./"));
	for (size_t i = 0; i + 1 < len; i++)
		if ((uint8_t)p[i] == 0xc3 && (uint8_t)p[i + 1] == 0xb1)
			p[i + 1] = (char)0x91;
	return len;
}

static size_t
handle(char *p, size_t len)
{
	if (len > 1 && p[0] == '@')
		memmove(p, p + 1, --len);
	return lowercase(p, len);
}

/* "a, b" is "a,b". */
static size_t
list(char *p, size_t len)
{
	size_t k = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == ' ' && ((k > 0 && p[k - 1] == ',') ||
		    (i + 1 < len && p[i + 1] == ',')))
			continue;
		p[k++] = lower(p[i]);
	}
	return k;
}

static const struct rsg__normaliser normalisers[] = {
	{ "collapse", collapse }, { "lowercase", lowercase },
	{ "uppercase", uppercase }, { "email", email }, { "phone", phone },
	{ "compact", compact }, { "handle", handle }, { "list", list },
};
#define N	(sizeof(normalisers) / sizeof(normalisers[0]))

const struct rsg__normaliser *
rsg__normaliser_at(size_t i)
{
	return i < N ? &normalisers[i] : NULL;
}

const struct rsg__normaliser *
rsg__normaliser_find(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (strcmp(normalisers[i].name, name) == 0)
			return &normalisers[i];
	return NULL;
}
