/*
 * Golden histories: events in, where each benefit stands and how many points
 * there are out; codes; and what stands between offers of one kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "benefit/points.h"
#include "resguardo/clock.h"

/* One letter an event: Promised, Delivered, redeemed (U), eXpired, Reversed,
 * Earned, Spent, returned (B). One day apart; a digit is the benefit, points
 * ten times as many, good for ten days. */
static const struct golden {
	const char *history;
	int64_t day;
	const char *states;		/* of benefits 1, 2 ... by the same letters */
	int64_t balance, promised;
} golden[] = {
	{ "", 1, "", 0, 0 },
	{ "P1", 1, "P", 0, 10 },
	{ "P1D1", 2, "D", 10, 0 },
	{ "P1D1U1", 3, "U", 10, 0 },
	{ "P1R1", 2, "R", 0, 0 },
	{ "P1D1R1", 3, "R", 0, 0 },
	{ "P1D1", 30, "X", 0, 0 },
	{ "P1D1X1", 30, "X", 0, 0 },
	{ "E1E2", 2, "EE", 30, 0 },
	{ "E1E2S3", 3, "EES", 0, 0 },
	{ "E1S2", 2, "ES", -10, 0 },
	{ "E1S2E3", 3, "ESE", 20, 0 },
	{ "E2B1", 2, "BE", 10, 0 },
	{ "E3R3", 2, "R", 0, 0 },
	{ "E1S1", 2, "S", 0, 0 },
	{ "D1P2D2", 3, "DD", 30, 0 },
	/* Of two that lapse the sooner is spent first: the later one is left. */
	{ "E1E2S1", 11, "SE", 20, 0 },
	{ "E1E2S1", 12, "SX", 0, 0 },
};

static enum rsg_benefit_act
act_of(char c)
{
	static const char letters[] = " PDUXRESB";
	const char *p = strchr(letters + 1, c);

	assert_non_null(p);
	return (enum rsg_benefit_act)(p - letters);
}

static size_t
events_of(const char *s, struct rsg_benefit_event *ev)
{
	size_t n = 0;

	for (; *s != '\0'; s += 2, n++) {
		memset(&ev[n], 0, sizeof(ev[n]));
		ev[n].sequence = (uint32_t)n + 1;
		ev[n].act = act_of(s[0]);
		ev[n].benefit = rsg_seal_number((uint64_t)(s[1] - '0'));
		ev[n].points = 10 * (s[1] - '0');
		ev[n].time = ev[n].recorded = (int64_t)n * RSG_DAY_US;
		if (ev[n].act == RSG_BENEFIT_DELIVERED || ev[n].act == RSG_BENEFIT_EARNED)
			ev[n].until = ev[n].time + 10 * RSG_DAY_US;
	}
	return n;
}

static void
test_golden_histories(void **state)
{
	struct rsg_benefit_event ev[16];
	struct rsg_benefit b;
	struct rsg_points p;

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		const struct golden *g = &golden[i];
		struct rsg_benefits all = { .event = ev, .n = events_of(g->history, ev) };
		int64_t now = g->day * RSG_DAY_US - 1;
		const char *s = g->states;

		for (uint64_t id = 1; id < 10; id++) {
			struct rsg_id key = rsg_seal_number(id);

			if (rsg_benefit_find(&all, &key, now, &b) != RSG_OK)
				continue;
			if (*s == '\0' || b.state != act_of(*s))
				fail_msg("history %zu (%s): benefit %d is %s", i, g->history,
				    (int)id, rsg_benefit_act_name(b.state));
			s++;
		}
		assert_int_equal(*s, '\0');
		assert_int_equal(rsg_points_compute(&all, now, &p), RSG_OK);
		if (p.balance != g->balance || p.promised != g->promised)
			fail_msg("history %zu (%s): %lld and %lld points", i, g->history,
			    (long long)p.balance, (long long)p.promised);
		rsg_points_free(&p);
	}
}

/* What is used, lapsed or taken back stays so. */
static void
test_nothing_follows_an_end(void **state)
{
	static const enum rsg_benefit_act ends[] = { RSG_BENEFIT_REDEEMED,
	    RSG_BENEFIT_EXPIRED, RSG_BENEFIT_REVERSED, RSG_BENEFIT_SPENT,
	    RSG_BENEFIT_DEDUCTED };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (int a = 0; a < RSG_BENEFIT__MAX; a++)
			assert_false(rsg_benefit_follows(ends[i], (enum rsg_benefit_act)a));
	assert_false(rsg_benefit_follows(RSG_BENEFIT_PROMISED, RSG_BENEFIT_REDEEMED));
	assert_false(rsg_benefit_follows(RSG_BENEFIT_DELIVERED, RSG_BENEFIT_DELIVERED));
	assert_true(rsg_benefit_follows(RSG_BENEFIT_PROMISED, RSG_BENEFIT_DELIVERED));
	assert_true(rsg_benefit_follows(RSG_BENEFIT_PROMISED, RSG_BENEFIT_REVERSED));
	assert_true(rsg_benefit_follows(RSG_BENEFIT_DELIVERED, RSG_BENEFIT_REVERSED));
}

static void
test_codes_are_a_persons_own(void **state)
{
	struct rsg_subject a, b;
	struct rsg_id one = rsg_seal_number(1), two = rsg_seal_number(2);
	char x[RSG_BENEFIT_CODE], y[RSG_BENEFIT_CODE];

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	b.keys.key[RSG_KEY_ACTIVITY][0] = 1;
	rsg_benefit_code(&a, &one, x);
	assert_int_equal(strlen(x), 19);
	rsg_benefit_code(&a, &one, y);
	assert_string_equal(x, y);
	rsg_benefit_code(&a, &two, y);
	assert_string_not_equal(x, y);
	rsg_benefit_code(&b, &one, y);
	assert_string_not_equal(x, y);
	/* Every letter says something of its own. */
	for (size_t at = 0; at < 19; at++) {
		uint32_t seen = 0;

		for (uint64_t n = 0; n < 64; n++) {
			struct rsg_id id = rsg_seal_number(n);

			rsg_benefit_code(&a, &id, x);
			seen |= 1u << (x[at] & 31);
			if (at > 0 && at % 5 != 4 && (at - 1) % 5 != 4 && x[at] != x[at - 1])
				seen |= 1u << 31;
		}
		if (at % 5 == 4)
			assert_int_equal(x[at], '-');
		else
			assert_true(__builtin_popcount(seen) > 12);
		if (at > 0 && at % 5 != 4 && (at - 1) % 5 != 4)
			assert_true(seen & 1u << 31);
	}
}

static void
test_periods_begin_on_their_day(void **state)
{
	int64_t saturday = rsg_clock_day_of(2026, 11, 21);

	(void)state;
	assert_int_equal(rsg_incentive_period(RSG_PER_DAY, saturday), saturday);
	assert_int_equal(rsg_incentive_period(RSG_PER_WEEK, saturday),
	    rsg_clock_day_of(2026, 11, 16));
	assert_int_equal(rsg_incentive_period(RSG_PER_WEEK, rsg_clock_day_of(2026, 11, 16)),
	    rsg_clock_day_of(2026, 11, 16));
	assert_int_equal(rsg_incentive_period(RSG_PER_MONTH, saturday),
	    rsg_clock_day_of(2026, 11, 1));
	assert_int_equal(rsg_incentive_period(RSG_PER_YEAR, saturday),
	    rsg_clock_day_of(2026, 1, 1));
}

/* Each day of four years, one of them a leap year: the next period is the first
 * day on which another one begins. */
static void
test_periods_end_where_the_next_begins(void **state)
{
	(void)state;
	for (int per = RSG_PER_DAY; per <= RSG_PER_YEAR; per++)
		for (int64_t d = rsg_clock_day_of(2023, 1, 1);
		    d < rsg_clock_day_of(2027, 1, 1); d++) {
			int64_t next = d;

			while (rsg_incentive_period((enum rsg_incentive_per)per, next) ==
			    rsg_incentive_period((enum rsg_incentive_per)per, d))
				next++;
			assert_int_equal(rsg_incentive_next((enum rsg_incentive_per)per, d),
			    next);
		}
	assert_int_equal(rsg_incentive_next(RSG_PER_EVER, 20000), RSG_DAY_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_histories),
		cmocka_unit_test(test_nothing_follows_an_end),
		cmocka_unit_test(test_codes_are_a_persons_own),
		cmocka_unit_test(test_periods_begin_on_their_day),
		cmocka_unit_test(test_periods_end_where_the_next_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
