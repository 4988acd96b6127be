/*
 * population.c - who is counted, and of them who is asked again: only whose yes
 * ran out, and nobody who objects to what they would be asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "policy_files.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"
#include "segment/population.h"
#include "segment/release.h"

#define NOW	(20000 * RSG_DAY_US)
#define LONG	(NOW - 900 * RSG_DAY_US)

static struct rsg_policy *policy;

static uint16_t
number(const char *id)
{
	return rsg_policy_purpose(policy, id, strlen(id))->number;
}

static bool
asked(const struct rsg_grant *grant, size_t n)
{
	const struct rsg_asking ask = { .purpose = number("segmentation"),
	    .by = RSG_CHANNEL_EMAIL };
	struct rsg_headscan h = { .state = RSG_STATE_ACTIVE, .ngrants = n };
	struct rsg_population p = { .policy = policy, .ask = &ask, .asked = NOW,
	    .question = { .role = "tool", .recipient = "aurora",
	    .action = RSG_ACT_MODEL_FIT, .purpose = number("market_research"),
	    .now = NOW } };

	memcpy(h.grant, grant, n * sizeof(*grant));
	return rsg_population_may(&p, &h);
}

static void
of_those_counted_who_is_asked_again(void **state)
{
	/* In the header's order: marketing, segmentation, market research. */
	struct rsg_grant g[3] = {
		{ number("marketing"), 0, RSG_STATUS_GIVEN, LONG, 0 },
		{ number("segmentation"), 0, RSG_STATUS_GIVEN, LONG, NOW - 1 },
		{ number("market_research"), 0, RSG_STATUS_GIVEN, LONG, 0 },
	};

	(void)state;
	assert_true(asked(g, 3));
	/* Not while it holds, nor where it was never said or is a no. */
	g[1].until = NOW + 1;
	assert_false(asked(g, 3));
	g[1].until = 0;
	assert_false(asked(g, 3));
	for (int s = 0; s < RSG_STATUS__MAX; s++) {
		g[1].status = (uint8_t)s;
		g[1].until = s <= RSG_STATUS_RENEWED ? NOW - 1 : 0;
		assert_int_equal(asked(g, 3), s == RSG_STATUS_GIVEN ||
		    s == RSG_STATUS_RENEWED || s == RSG_STATUS_EXPIRED);
	}
	g[1].status = RSG_STATUS_EXPIRED;
	g[1].until = 0;
	assert_true(asked(g, 3));
	/* Another channel's is another question. */
	g[1].channel = RSG_CHANNEL_SMS;
	assert_false(asked(g, 3));
	g[1].channel = RSG_CHANNEL_NONE;
	/* To what it stands under they object: then they are not asked for it. */
	g[0].status = RSG_STATUS_OBJECTED;
	assert_false(asked(g, 3));
	g[0].status = RSG_STATUS_WITHDRAWN;
	assert_true(asked(g, 3));
	/* And who may not be counted is not asked. */
	g[2].status = RSG_STATUS_WITHDRAWN;
	assert_false(asked(g, 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_those_counted_who_is_asked_again),
	};
	struct rsg_buf bundle;
	int failed;

	rsg_json_init();
	shipped_bundle(&bundle);
	policy = policy_of(bundle.p, bundle.len);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rsg_policy_free(policy);
	rsg_buf_free(&bundle);
	return failed;
}
