/*
 * A balance is what its history adds up to: against a slow model that keeps
 * every point apart, over random histories; and what must hold of any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dice.h"
#include "benefit/points.h"

#define EVENTS	60
#define POINTS	4096

static uint64_t seed;

static uint64_t
random_below(uint64_t n)
{
	return dice_throw(&seed) % n;
}

static struct rsg_id
number_id(uint64_t n)
{
	return rsg_seal_number(n);
}

/* --- The model: one entry a point --- */

struct point { int64_t until; uint64_t lot; bool there; };
struct model {
	struct point p[POINTS];
	size_t n;
	int64_t debt, clock;
};

static bool
live(const struct model *m, size_t i)
{
	return m->p[i].there && (m->p[i].until == 0 || m->p[i].until > m->clock);
}

/* Of the live ones the first to lapse, and of those the one that came first. */
static bool
take_one(struct model *m, uint64_t only, bool own)
{
	size_t best = m->n;

	for (size_t i = 0; i < m->n; i++) {
		if (own ? !m->p[i].there || m->p[i].lot != only : !live(m, i))
			continue;
		if (best == m->n || (m->p[i].until != 0 &&
		    (m->p[best].until == 0 || m->p[i].until < m->p[best].until)))
			best = i;
	}
	if (best == m->n)
		return false;
	m->p[best].there = false;
	return true;
}

static void
take(struct model *m, int64_t n)
{
	for (; n > 0; n--)
		if (!take_one(m, 0, false))
			m->debt++;
}

static void
model_step(struct model *m, const struct rsg_benefit_event *ev)
{
	uint64_t lot = rsg_get64(ev->benefit.b + 8);
	bool known = false;
	int64_t n;

	if (ev->recorded > m->clock)
		m->clock = ev->recorded;
	switch (ev->act) {
	case RSG_BENEFIT_DELIVERED:
	case RSG_BENEFIT_EARNED:
		for (int64_t i = 0; i < ev->points; i++) {
			bool owed = m->debt > 0;

			m->debt -= owed;
			m->p[m->n++] = (struct point){ ev->until, lot, !owed };
		}
		break;
	case RSG_BENEFIT_SPENT:
	case RSG_BENEFIT_DEDUCTED:
		take(m, ev->points);
		break;
	case RSG_BENEFIT_REVERSED:
		for (size_t i = 0; i < m->n; i++)
			known = known || m->p[i].lot == lot;
		for (n = known ? ev->points : 0; n > 0 && take_one(m, lot, true); n--)
			;
		take(m, n);
		break;
	default:
		break;
	}
}

static int64_t
model_balance(struct model *m, int64_t now)
{
	int64_t sum = -m->debt;

	if (now > m->clock)
		m->clock = now;
	for (size_t i = 0; i < m->n; i++)
		sum += live(m, i);
	return sum;
}

/* --- Random histories --- */

static size_t
history(struct rsg_benefit_event *ev)
{
	size_t n = random_below(EVENTS), lots = 0;
	int64_t clock = 1000;

	memset(ev, 0, EVENTS * sizeof(*ev));
	for (size_t i = 0; i < n; i++) {
		static const enum rsg_benefit_act acts[] = { RSG_BENEFIT_EARNED,
		    RSG_BENEFIT_DELIVERED, RSG_BENEFIT_SPENT, RSG_BENEFIT_DEDUCTED,
		    RSG_BENEFIT_REVERSED, RSG_BENEFIT_EARNED };

		clock += (int64_t)random_below(20);
		ev[i].sequence = (uint32_t)i + 1;
		ev[i].act = acts[random_below(6)];
		ev[i].points = 1 + (int64_t)random_below(50);
		ev[i].recorded = ev[i].time = clock;
		if (ev[i].act == RSG_BENEFIT_EARNED || ev[i].act == RSG_BENEFIT_DELIVERED) {
			ev[i].benefit = number_id(++lots);
			if (random_below(3) > 0)
				ev[i].until = clock + (int64_t)random_below(200);
		} else if (ev[i].act == RSG_BENEFIT_REVERSED && lots > 0)
			ev[i].benefit = number_id(1 + random_below(lots));
		else
			ev[i].benefit = number_id(1000 + i);
	}
	return n;
}

static void
test_balance_is_what_the_history_adds_up_to(void **state)
{
	static struct rsg_benefit_event ev[EVENTS];
	static struct model m;
	struct rsg_benefits all = { .event = ev };
	struct rsg_points p;

	(void)state;
	for (uint64_t round = 1; round <= 2000; round++) {
		int64_t now;

		seed = round * UINT64_C(0x9e3779b97f4a7c15);
		all.n = history(ev);
		now = 1000 + (int64_t)random_below(1500);
		memset(&m, 0, sizeof(m));
		for (size_t i = 0; i < all.n; i++)
			model_step(&m, &ev[i]);
		assert_int_equal(rsg_points_compute(&all, now, &p), RSG_OK);
		assert_int_equal(p.balance, model_balance(&m, now));
		rsg_points_free(&p);
	}
}

/* Writing down what lapsed changes no balance, now or later. */
static void
test_settling_changes_no_balance(void **state)
{
	static struct rsg_benefit_event ev[2 * EVENTS];
	struct rsg_benefits all = { .event = ev };
	struct rsg_points before, after;

	(void)state;
	for (uint64_t round = 1; round <= 1000; round++) {
		size_t n;
		int64_t now = 0;

		seed = round * UINT64_C(0xd1342543de82ef95);
		n = all.n = history(ev);
		for (size_t i = 0; i < n; i++)
			now = ev[i].recorded > now ? ev[i].recorded : now;
		now += (int64_t)random_below(100);
		assert_int_equal(rsg_points_compute(&all, now, &before), RSG_OK);
		for (size_t i = 0; i < n; i++)
			if (ev[i].until != 0 && ev[i].until <= now) {
				ev[all.n] = ev[i];
				ev[all.n].act = RSG_BENEFIT_EXPIRED;
				ev[all.n].recorded = now;
				all.n++;
			}
		assert_int_equal(rsg_points_compute(&all, now, &after), RSG_OK);
		assert_int_equal(before.balance, after.balance);
		assert_int_equal(before.expired, after.expired);
		rsg_points_free(&before);
		rsg_points_free(&after);
	}
}

/* The live lots are the balance, unless something is owed; soonest first. */
static void
test_lots_are_the_balance(void **state)
{
	static struct rsg_benefit_event ev[EVENTS];
	struct rsg_benefits all = { .event = ev };
	struct rsg_points p;

	(void)state;
	for (uint64_t round = 1; round <= 500; round++) {
		int64_t sum = 0;

		seed = round * UINT64_C(0xbf58476d1ce4e5b9);
		all.n = history(ev);
		assert_int_equal(rsg_points_compute(&all, 1200, &p), RSG_OK);
		for (size_t i = 0; i < p.nlots; i++) {
			assert_true(p.lot[i].points > 0);
			sum += p.lot[i].points;
			if (i > 0 && p.lot[i - 1].until == 0)
				assert_int_equal(p.lot[i].until, 0);
			else if (i > 0 && p.lot[i].until != 0)
				assert_true(p.lot[i - 1].until <= p.lot[i].until);
		}
		assert_true(p.balance <= sum);
		rsg_points_free(&p);
	}
}

static void
test_points_for_an_amount(void **state)
{
	(void)state;
	assert_int_equal(rsg_points_for(1299, 1, 100), 12);
	assert_int_equal(rsg_points_for(99, 1, 100), 0);
	assert_int_equal(rsg_points_for(100, 2, 100), 2);
	assert_int_equal(rsg_points_for(-500, 1, 100), 0);
	assert_int_equal(rsg_points_for(500, 1, 0), 0);
	assert_true(rsg_points_for(INT64_MAX, INT64_MAX, 1) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance_is_what_the_history_adds_up_to),
		cmocka_unit_test(test_settling_changes_no_balance),
		cmocka_unit_test(test_lots_are_the_balance),
		cmocka_unit_test(test_points_for_an_amount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
