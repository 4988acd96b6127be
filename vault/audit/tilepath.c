#include <stdio.h>
#include <string.h>

#include "audit/tilepath.h"

#define GROUPS	7			/* of three digits: all that 64 bits need */

void
rsg_tilepath(const struct rsg_tile *t, char out[RSG_TILEPATH_MAX])
{
	unsigned group[GROUPS];
	uint64_t n = t->n;
	size_t len;
	int k = 0;

	do {
		group[k++] = (unsigned)(n % 1000);
		n /= 1000;
	} while (n > 0);
	if (t->level == RSG_TILE_ENTRIES)
		len = (size_t)snprintf(out, RSG_TILEPATH_MAX, "tile/entries");
	else
		len = (size_t)snprintf(out, RSG_TILEPATH_MAX, "tile/%d", t->level);
	while (k-- > 0)
		len += (size_t)snprintf(out + len, RSG_TILEPATH_MAX - len,
		    k > 0 ? "/x%03u" : "/%03u", group[k]);
	if (t->width < RSG_TILE_WIDTH)
		(void)snprintf(out + len, RSG_TILEPATH_MAX - len, ".p/%u", t->width);
}

/* Digits from *p on, at most three. */
static unsigned
digits(const char **p, const char *end)
{
	unsigned v = 0;

	for (int i = 0; i < 3 && *p < end && **p >= '0' && **p <= '9'; i++)
		v = v * 10 + (unsigned)(*(*p)++ - '0');
	return v;
}

/*
 * Read what is needed, write it again, and compare: then leading zeroes, an
 * empty group or a width of 256 need no rules of their own.
 */
bool
rsg_tilepath_parse(const char *text, size_t len, struct rsg_tile *t)
{
	const char *p = text, *end = text + len;
	char again[RSG_TILEPATH_MAX];
	bool more;

	if (len >= RSG_TILEPATH_MAX || len < 6 || memcmp(p, "tile/", 5) != 0)
		return false;
	p += 5;
	*t = (struct rsg_tile){ .width = RSG_TILE_WIDTH };
	if (len > 12 && memcmp(p, "entries", 7) == 0) {
		t->level = RSG_TILE_ENTRIES;
		p += 7;
	} else
		t->level = (int)digits(&p, end);
	if (t->level > 63)
		return false;
	do {
		if (p == end || *p++ != '/' || p == end ||
		    t->n > UINT64_MAX / 1000 - 1)
			return false;
		more = *p == 'x';
		p += more;
		t->n = t->n * 1000 + digits(&p, end);
	} while (more);
	if (end - p > 3 && memcmp(p, ".p/", 3) == 0) {
		p += 3;
		t->width = digits(&p, end);
		if (t->width < 1 || t->width >= RSG_TILE_WIDTH)
			return false;
	}
	rsg_tilepath(t, again);
	return p == end && strlen(again) == len && memcmp(again, text, len) == 0;
}

unsigned
rsg_tile_width(int level, uint64_t n, uint64_t size)
{
	unsigned shift = level == RSG_TILE_ENTRIES ? 0 : 8 * (unsigned)level;
	uint64_t hashes = shift < 64 ? size >> shift : 0;

	if (n < hashes / RSG_TILE_WIDTH)
		return RSG_TILE_WIDTH;
	return n == hashes / RSG_TILE_WIDTH ? (unsigned)(hashes % RSG_TILE_WIDTH) : 0;
}
