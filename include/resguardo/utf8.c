/*
 * The length follows from the first byte, the rest is arithmetic, and what
 * could have been said in fewer bytes is refused: two spellings of one text
 * would pass two different checks.
 */
#include "resguardo/utf8.h"

/* By length: the least code that needs it, and the lead byte's own bits. */
static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
static const uint8_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };

static size_t
length_of(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc0)
		return 0;	/* a continuation has no business in front */
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0)
		return 3;
	return lead < 0xf8 ? 4 : 0;
}

size_t
rsg_utf8_next(const uint8_t *p, size_t left, uint32_t *code)
{
	size_t n = length_of(p[0]);
	uint32_t c;

	if (n == 0 || n > left)
		return 0;
	c = p[0] & lead_bits[n];
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}
