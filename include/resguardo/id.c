#include <string.h>

#include <sodium.h>

#include "resguardo/id.h"

static const char digits[16] = "0123456789abcdef";

struct rsg_id
rsg_id_new(void)
{
	struct rsg_id id;

	randombytes_buf(id.b, sizeof(id.b));
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x40);	/* version 4 */
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);	/* the RFC's variant */
	return id;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Text has a hyphen before bytes 4, 6, 8 and 10. */
static bool
hyphen_before(size_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

bool
rsg_id_parse(const char *s, size_t len, struct rsg_id *out)
{
	struct rsg_id id;
	int hi, lo;

	if (len != RSG_ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < RSG_ID_LEN; i++) {
		if (hyphen_before(i) && *s++ != '-')
			return false;
		hi = nibble(*s++);
		lo = nibble(*s++);
		if (hi < 0 || lo < 0)
			return false;
		id.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*out = id;
	return true;
}

void
rsg_id_text(const struct rsg_id *id, char out[RSG_ID_TEXT])
{
	for (size_t i = 0; i < RSG_ID_LEN; i++) {
		if (hyphen_before(i))
			*out++ = '-';
		*out++ = digits[id->b[i] >> 4];
		*out++ = digits[id->b[i] & 15];
	}
	*out = '\0';
}

bool
rsg_id_eq(const struct rsg_id *a, const struct rsg_id *b)
{
	return memcmp(a->b, b->b, RSG_ID_LEN) == 0;
}

bool
rsg_id_nil(const struct rsg_id *id)
{
	static const struct rsg_id nil;

	return rsg_id_eq(id, &nil);
}

int
rsg_id_cmp(const void *a, const void *b)
{
	return memcmp(a, b, RSG_ID_LEN);
}
