#include "intake/codec.h"

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex[] = "0123456789abcdef";

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
rsg_codec_unbase64(const char *s, size_t n, uint8_t *out)
{
	unsigned bits = 0, have = 0;
	size_t len = 0;
	int v;

	for (size_t i = 0; i < n; i++) {
		if ((v = sextet(s[i])) < 0)
			return RSG_CODEC_BAD;
		bits = (bits << 6 | (unsigned)v) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (uint8_t)(bits >> have);
		}
	}
	/* A lone character, or bits that no encoder would have set. */
	if (n % 4 == 1 || (bits & ((1u << have) - 1)) != 0)
		return RSG_CODEC_BAD;
	return len;
}

size_t
rsg_codec_unhex(const char *s, size_t n, uint8_t *out)
{
	int high, low;

	if (n % 2 != 0)
		return RSG_CODEC_BAD;
	for (size_t i = 0; i < n; i += 2) {
		high = nibble(s[i]);
		low = nibble(s[i + 1]);
		if (high < 0 || low < 0)
			return RSG_CODEC_BAD;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return n / 2;
}

/* RFC 3986 lets both cases stand after '%'. */
size_t
rsg_codec_unpercent(const char *s, size_t n, char *out)
{
	size_t len = 0;
	int high, low;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '%') {
			out[len++] = s[i];
			continue;
		}
		if (n - i < 3)
			return RSG_CODEC_BAD;
		high = nibble((char)(s[i + 1] | (s[i + 1] >= 'A') << 5));
		low = nibble((char)(s[i + 2] | (s[i + 2] >= 'A') << 5));
		if (high < 0 || low < 0)
			return RSG_CODEC_BAD;
		out[len++] = (char)(high << 4 | low);
		i += 2;
	}
	return len;
}

void
rsg_codec_base64(struct rsg_buf *b, const uint8_t *p, size_t n)
{
	unsigned bits = 0, have = 0;
	uint8_t *out = rsg_buf_extend(b, n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0));

	if (out == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = (uint8_t)base64[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*out = (uint8_t)base64[bits << (6 - have) & 63];
}

void
rsg_codec_hex(struct rsg_buf *b, const uint8_t *p, size_t n)
{
	uint8_t *out = rsg_buf_extend(b, n * 2);

	for (size_t i = 0; out != NULL && i < n; i++) {
		*out++ = (uint8_t)hex[p[i] >> 4];
		*out++ = (uint8_t)hex[p[i] & 15];
	}
}
