/*
 * chain.c - consent events follow each other, or are not believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "consent/ledger.h"

static void
chain_is_followed(void **state)
{
	struct rsg_subject s = { .id = rsg_id_new() };
	struct rsg_history chain = { .count = 0 };
	uint8_t hash[3][RSG_DIGEST_LEN] = { { 0 } };
	static const char *const sealed[] = { "one", "two", "three" };

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		rsg_ledger_hash(i == 0 ? chain.head : hash[i - 1], i + 1, sealed[i],
		    strlen(sealed[i]), hash[i]);
	s.h.consent.count = 3;
	memcpy(s.h.consent.head, hash[2], RSG_DIGEST_LEN);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(rsg_ledger_follow(&s, &chain, i + 1, sealed[i],
		    strlen(sealed[i]), hash[i], RSG_DIGEST_LEN), RSG_OK);
	assert_int_equal(rsg_ledger_ends(&s, &chain), RSG_OK);
	/* One too few, one out of place, one changed, one with a short hash. */
	chain = (struct rsg_history){ .count = 2 };
	memcpy(chain.head, hash[1], RSG_DIGEST_LEN);
	assert_int_equal(rsg_ledger_ends(&s, &chain), RSG_TAMPERED);
	assert_int_equal(rsg_ledger_follow(&s, &chain, 4, sealed[2], 5, hash[2],
	    RSG_DIGEST_LEN), RSG_TAMPERED);
	assert_int_equal(rsg_ledger_follow(&s, &chain, 3, sealed[2], 5, hash[2], 31),
	    RSG_TAMPERED);
	assert_int_equal(rsg_ledger_follow(&s, &chain, 3, "threw", 5, hash[2],
	    RSG_DIGEST_LEN), RSG_TAMPERED);
	/* As many, and yet others. */
	chain = (struct rsg_history){ .count = 3 };
	assert_int_equal(rsg_ledger_ends(&s, &chain), RSG_TAMPERED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
