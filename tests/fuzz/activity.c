/*
 * Activities and headers as they come out of their seal: whatever the bytes,
 * reading ends, and what is read is written again byte by byte.
 */
#include <stdlib.h>
#include <string.h>

#include "segment/activity.h"
#include "segment/rfm.h"
#include "subject/header.h"

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
fuzz_activity(const uint8_t *p, size_t len)
{
	const struct rsg_rfm_window all = { .as_of = INT32_MAX, .returns = RSG_RETURNS_NET_DEDUP };
	const struct rsg_rfm_window some = { .as_of = 20000, .days = 365 };
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_buf again;
	struct rsg_rfm rfm;
	enum rsg_err e;
	bool scored;

	check(a != NULL);
	rsg_buf_init(&again, RSG_ACTIVITY_MAX);
	(void)rsg_rfm_measure(p, len, &some, &rfm, &e);
	scored = rsg_rfm_measure(p, len, &all, &rfm, &e);
	check(!scored || e == RSG_OK);
	if (rsg_activity_get(a, p, len) == RSG_OK) {
		check(e == RSG_OK);
		check(rsg_activity_put(a, &again) == RSG_OK);
		check(again.len == len && memcmp(again.p, p, len) == 0);
	}
	rsg_buf_free(&again);
	rsg_activity_free(a);
}

static void
fuzz_header(const uint8_t *p, size_t len)
{
	static struct rsg_headscan scan;
	static struct rsg_header h;
	struct rsg_buf again;
	enum rsg_err e;

	rsg_buf_init(&again, 2 * RSG_HEADER_MAX);
	e = rsg_header_scan(&scan, p, len);
	if (rsg_header_get(&h, p, len) == RSG_OK) {
		check(e == RSG_OK && scan.ngrants == h.ngrants);
		rsg_header_put(&h, &again);
		check(again.len == len && memcmp(again.p, p, len) == 0);
	}
	rsg_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len == 0)
		return 0;
	if (p[0] % 2 == 0)
		fuzz_activity(p + 1, len - 1);
	else
		fuzz_header(p + 1, len - 1);
	return 0;
}
