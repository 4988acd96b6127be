/* An audit bundle that anybody may hand in: read to its end or refused, and
 * never said to be good and wrong at once. Signed by a key of zeroes, so that
 * what the corpus holds verifies. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audit/bundlecheck.h"
#include "resguardo/json.h"
#include "resguardo/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Stands before the library's own: what does not open is no news here. */
void
rsg_log(enum rsg_log_level level, const char *event, ...)
{
	(void)level;
	(void)event;
}

static void
count(void *ctx, bool wrong, const char *text)
{
	size_t *n = ctx;

	if (text == NULL || strlen(text) > 4096)
		abort();
	n[wrong]++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const uint8_t seed[RSG_SEED_LEN];
	static struct rsg_skey key;
	size_t told[2] = { 0, 0 };
	struct rsg_bundlecheck b = { .key = &key.public, .say = count, .ctx = told };
	enum rsg_err e;

	if (key.public.name[0] == '\0') {
		rsg_json_init();
		if (rsg_note_skey_make("example.com/audit", seed, &key) != RSG_OK)
			abort();
	}
	e = rsg_bundlecheck_run(&b, p, len);
	if ((e == RSG_OK) != (b.wrong == 0) || (e == RSG_OK && told[1] != 0) ||
	    told[0] != b.opened || b.opened > b.accesses)
		abort();
	return 0;
}
