/* What reads as an API key is one: written again it is the same text. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "seal/apikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
put_hex(char *to, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)snprintf(to + 2 * i, 3, "%02x", p[i]);
	return 2 * n;
}

/* Random bytes never have the right checksum: give them one. */
static void
with_check(const uint8_t *p, char text[RSG_APIKEY_TEXT])
{
	uint8_t sum[32];
	size_t n = 5;

	rsg_sha256((struct rsg_part[]) { { "rsgk_", 5 }, { p, 48 } }, 2, sum);
	memcpy(text, "rsgk_", 5);
	n += put_hex(text + n, p, 48);
	(void)put_hex(text + n, sum, 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	char text[RSG_APIKEY_TEXT];
	struct rsg_id id;
	uint8_t raw[48];

	if (rsg_apikey_parse((const char *)p, len, &id, raw + 16) == RSG_OK) {
		memcpy(raw, id.b, sizeof(id.b));
		with_check(raw, text);
		if (len != strlen(text) ||
		    strncasecmp(text, (const char *)p, len) != 0)
			abort();
	}
	if (len < sizeof(raw))
		return 0;
	with_check(p, text);
	if (rsg_apikey_parse(text, strlen(text), &id, raw + 16) != RSG_OK ||
	    memcmp(id.b, p, 16) != 0 || memcmp(raw + 16, p + 16, 32) != 0)
		abort();
	return 0;
}
