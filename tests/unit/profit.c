/*
 * profit.c - what somebody brought in, against figures made by hand and
 * against a plain sum over the days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dice.h"
#include "receipt/tally.h"
#include "resguardo/clock.h"
#include "segment/activity.h"
#include "segment/profit.h"

#define ALL	{ RSG_DAY_MIN, RSG_DAY_MAX, RSG_RETURNS_NET }

static uint64_t seed = 7;

static uint64_t
draw(void)
{
	return dice_throw(&seed);
}

static void
add(struct rsg_activity *a, struct rsg_day d)
{
	assert_int_equal(rsg_activity_add(a, &d), RSG_OK);
}

static void
encode(struct rsg_activity *a, struct rsg_buf *out)
{
	rsg_buf_init(out, RSG_ACTIVITY_MAX);
	assert_int_equal(rsg_activity_put(a, out), RSG_OK);
}

static int32_t
on(int year, int month, int day)
{
	return (int32_t)rsg_clock_day_of(year, month, day);
}

/*
 * A year of one customer, in cents. January: bought 100.00 that cost 60.00,
 * earned points of 1.00. February: 40.00 came back (24.00 of goods), 0.40 of
 * points were deducted. March: a mug of 4.00 for nothing. April: two lines of
 * 10.00 that are the same, goods 12.00 in sum. December: the mug was taken back.
 */
static struct rsg_activity *
a_year(void)
{
	struct rsg_activity *a = rsg_activity_new();

	assert_non_null(a);
	add(a, (struct rsg_day){ .day = on(2026, 1, 31), .documents = 1, .gross = 10000,
	    .cost = 6000, .given = 100 });
	add(a, (struct rsg_day){ .day = on(2026, 2, 1), .returned = 4000, .cost = -2400,
	    .given = -40 });
	add(a, (struct rsg_day){ .day = on(2026, 3, 15), .given = 400, .contacts = 1 });
	add(a, (struct rsg_day){ .day = on(2026, 4, 2), .documents = 1, .gross = 2000,
	    .repeated = 1000, .cost = 1200 });
	add(a, (struct rsg_day){ .day = on(2026, 6, 6), .contacts = 3 });
	add(a, (struct rsg_day){ .day = on(2026, 12, 31), .given = -400 });
	return a;
}

static void
a_year_by_hand(void **state)
{
	static const struct {
		struct { int y, m, d; } from, to;
		enum rsg_returns returns;
		uint32_t documents;
		int64_t net, goods, given, margin;
	} want[] = {
		/* 120.00 - 40.00 = 80.00; 60.00 - 24.00 + 12.00 = 48.00; 0.60 */
		{ { 2026, 1, 1 }, { 2026, 12, 31 }, RSG_RETURNS_NET, 2, 8000, 4800, 60, 3140 },
		{ { 2026, 1, 1 }, { 2026, 12, 31 }, RSG_RETURNS_GROSS, 2, 12000, 4800, 60, 7140 },
		{ { 2026, 1, 1 }, { 2026, 12, 31 }, RSG_RETURNS_NET_DEDUP, 2, 7000, 4800, 60, 2140 },
		/* Both ends are in, and nothing beside them. */
		{ { 2026, 1, 31 }, { 2026, 1, 31 }, RSG_RETURNS_NET, 1, 10000, 6000, 100, 3900 },
		{ { 2026, 2, 1 }, { 2026, 3, 14 }, RSG_RETURNS_NET, 0, -4000, -2400, -40, -1560 },
		{ { 2026, 3, 1 }, { 2026, 3, 31 }, RSG_RETURNS_NET, 0, 0, 0, 400, -400 },
		{ { 2026, 6, 1 }, { 2026, 6, 30 }, RSG_RETURNS_NET, 0, 0, 0, 0, 0 },
		{ { 2026, 12, 31 }, { 2027, 12, 31 }, RSG_RETURNS_NET, 0, 0, 0, -400, 400 },
		{ { 2025, 1, 1 }, { 2026, 1, 30 }, RSG_RETURNS_NET, 0, 0, 0, 0, 0 },
	};
	struct rsg_activity *a = a_year();
	struct rsg_buf out;
	struct rsg_profit p;

	(void)state;
	encode(a, &out);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct rsg_profit_window w = {
		    on(want[i].from.y, want[i].from.m, want[i].from.d),
		    on(want[i].to.y, want[i].to.m, want[i].to.d), want[i].returns };

		assert_int_equal(rsg_profit_sum(out.p, out.len, &w, &p), RSG_OK);
		assert_int_equal(p.documents, want[i].documents);
		assert_int_equal(rsg_profit_net(&p, w.returns), want[i].net);
		assert_int_equal(p.goods, want[i].goods);
		assert_int_equal(p.given, want[i].given);
		assert_int_equal(rsg_profit_margin(&p, w.returns), want[i].margin);
		/* Who was only written to brought nothing and cost nothing. */
		assert_int_equal(p.any, p.documents != 0 || p.given != 0);
	}
	rsg_buf_free(&out);
	rsg_activity_free(a);
}

/* --- By month --- */

struct months {
	int32_t month[64];
	int64_t margin[64];
	size_t n;
	enum rsg_err e;
};

static enum rsg_err
take(void *ctx, int32_t month, const struct rsg_profit *p)
{
	struct months *m = ctx;

	assert_true(p->any);
	assert_true(m->n < 64);
	assert_true(m->n == 0 || month < m->month[m->n - 1]);
	m->month[m->n] = month;
	m->margin[m->n++] = rsg_profit_margin(p, RSG_RETURNS_NET);
	return m->e;
}

static void
months_by_hand(void **state)
{
	static const struct { int32_t month; int64_t margin; } want[] = {
		{ 11, 400 }, { 3, 800 }, { 2, -400 }, { 1, -1560 }, { 0, 3900 } };
	const struct rsg_profit_window all = ALL, part = {
	    on(2026, 2, 1), on(2026, 4, 1), RSG_RETURNS_NET };
	struct rsg_activity *a = a_year();
	struct months m = { .e = RSG_OK };
	struct rsg_buf out;

	(void)state;
	encode(a, &out);
	assert_int_equal(rsg_profit_months(out.p, out.len, &all, take, &m), RSG_OK);
	assert_int_equal(m.n, 5);		/* June had messages alone */
	for (size_t i = 0; i < m.n; i++) {
		assert_int_equal(m.month[i], 2026 * 12 + want[i].month);
		assert_int_equal(m.margin[i], want[i].margin);
	}
	m = (struct months){ .e = RSG_OK };
	assert_int_equal(rsg_profit_months(out.p, out.len, &part, take, &m), RSG_OK);
	assert_int_equal(m.n, 2);
	assert_int_equal(m.margin[0] + m.margin[1], -1960);
	/* What `each` says ends it. */
	m = (struct months){ .e = RSG_TOO_LARGE };
	assert_int_equal(rsg_profit_months(out.p, out.len, &all, take, &m), RSG_TOO_LARGE);
	assert_int_equal(m.n, 1);
	rsg_buf_free(&out);
	rsg_activity_free(a);
}

/* --- Many people: the parts are the whole --- */

static struct rsg_day
some_day(void)
{
	return (struct rsg_day){ .day = on(2020, 1, 1) + (int32_t)(draw() % 1500),
	    .documents = (uint32_t)(draw() % 3), .gross = (int64_t)(draw() % 50000),
	    .returned = draw() % 4 == 0 ? (int64_t)(draw() % 60000) : 0,
	    .cost = (int64_t)(draw() % 30000) - 5000, .contacts = (uint32_t)(draw() % 2),
	    .given = draw() % 2 == 0 ? (int64_t)(draw() % 900) - 300 : 0 };
}

/* Who is counted, and where. */
struct who {
	struct rsg_tally *t;
	int64_t number;
};

static enum rsg_err
count(void *ctx, int32_t month, const struct rsg_profit *p)
{
	const struct who *w = ctx;
	const struct rsg_tally_row row = { .key = { .month = month }, .count = 1,
	    .given = p->given, .net = rsg_profit_net(p, RSG_RETURNS_NET),
	    .goods = p->goods, .who = w->number };

	return rsg_tally_count(w->t, &row);
}

/*
 * The sum of people, the sum of months and a plain sum over what happened are
 * one figure, however the window lies.
 */
static void
the_sum_of_people_is_the_sum_of_months(void **state)
{
	(void)state;
	for (int round = 0; round < 40; round++) {
		const struct rsg_profit_window w = { on(2020, 1, 1) + (int32_t)(draw() % 700),
		    on(2021, 12, 1) + (int32_t)(draw() % 700), RSG_RETURNS_NET };
		int64_t plain[3] = { 0 }, people[3] = { 0 }, months[3] = { 0 }, margins = 0;
		struct rsg_tally *half[2], *t;
		const struct rsg_tally_row *row;
		size_t n;

		assert_int_equal(rsg_tally_new(&half[0]), RSG_OK);
		assert_int_equal(rsg_tally_new(&half[1]), RSG_OK);
		assert_int_equal(rsg_tally_new(&t), RSG_OK);
		for (int who = 0; who < 30; who++) {
			struct rsg_activity *a = rsg_activity_new();
			struct rsg_profit p;
			struct rsg_buf out;

			for (uint64_t k = draw() % 40; k > 0; k--) {
				struct rsg_day d = some_day();

				add(a, d);
				if (d.day < w.from || d.day > w.to)
					continue;
				plain[0] += d.gross - d.returned;
				plain[1] += d.cost;
				plain[2] += d.given;
			}
			encode(a, &out);
			assert_int_equal(rsg_profit_sum(out.p, out.len, &w, &p), RSG_OK);
			people[0] += rsg_profit_net(&p, w.returns);
			people[1] += p.goods;
			people[2] += p.given;
			margins += rsg_profit_margin(&p, w.returns);
			assert_int_equal(rsg_profit_months(out.p, out.len, &w, count,
			    &(struct who){ half[who % 2], 1 + who / 2 }), RSG_OK);
			rsg_buf_free(&out);
			rsg_activity_free(a);
		}
		assert_int_equal(rsg_tally_merge(t, half[0]), RSG_OK);
		assert_int_equal(rsg_tally_merge(t, half[1]), RSG_OK);
		row = rsg_tally_rows(t, &n);
		for (size_t i = 0; i < n; i++) {
			months[0] += row[i].net;
			months[1] += row[i].goods;
			months[2] += row[i].given;
			/* Everybody has each month once. */
			assert_int_equal(row[i].count, row[i].people);
			assert_in_range(row[i].people, 1, 30);
		}
		for (int i = 0; i < 3; i++) {
			assert_int_equal(people[i], plain[i]);
			assert_int_equal(months[i], plain[i]);
		}
		assert_int_equal(margins, plain[0] - plain[1] - plain[2]);
		rsg_tally_free(half[0]);
		rsg_tally_free(half[1]);
		rsg_tally_free(t);
	}
}

/* --- The ends --- */

static void
sums_stay_at_the_largest_number(void **state)
{
	const struct rsg_profit_window all = ALL;
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_tally *t;
	struct rsg_buf out;
	struct rsg_profit p;
	size_t n;

	(void)state;
	for (int32_t i = 0; i < 3; i++)
		add(a, (struct rsg_day){ .day = i * 400, .gross = INT64_MIN + 5,
		    .returned = INT64_MAX, .cost = INT64_MAX - 1, .given = INT64_MAX - 2 });
	encode(a, &out);
	assert_int_equal(rsg_profit_sum(out.p, out.len, &all, &p), RSG_OK);
	assert_true(p.gross == INT64_MIN && p.goods == INT64_MAX && p.given == INT64_MAX);
	assert_true(rsg_profit_net(&p, RSG_RETURNS_NET_DEDUP) == INT64_MIN);
	assert_true(rsg_profit_margin(&p, RSG_RETURNS_NET) == INT64_MIN);
	assert_int_equal(rsg_tally_new(&t), RSG_OK);
	for (int i = 0; i < 2; i++) {
		const struct rsg_tally_row row = { .count = INT64_MAX, .given = INT64_MIN,
		    .estimate = INT64_MAX, .net = INT64_MIN, .goods = INT64_MAX };

		assert_int_equal(rsg_tally_count(t, &row), RSG_OK);
	}
	assert_true(rsg_tally_rows(t, &n)->net == INT64_MIN && n == 1);
	assert_true(rsg_tally_rows(t, &n)->goods == INT64_MAX);
	assert_true(rsg_tally_rows(t, &n)->given == INT64_MIN);
	rsg_tally_free(t);
	rsg_buf_free(&out);
	rsg_activity_free(a);
}

static void
nothing_and_nonsense(void **state)
{
	const struct rsg_profit_window all = ALL;
	struct rsg_activity *a = rsg_activity_new(), *year = a_year();
	struct months m = { .e = RSG_OK };
	struct rsg_buf out;
	struct rsg_profit p;

	(void)state;
	encode(a, &out);
	assert_int_equal(rsg_profit_sum(out.p, out.len, &all, &p), RSG_OK);
	assert_false(p.any);
	assert_int_equal(rsg_profit_margin(&p, RSG_RETURNS_NET), 0);
	assert_int_equal(rsg_profit_months(out.p, out.len, &all, take, &m), RSG_OK);
	assert_int_equal(m.n, 0);
	rsg_buf_free(&out);
	encode(year, &out);
	/* The counters, one byte here, are nobody's business. */
	for (size_t len = 0; len + 1 < out.len; len++) {
		m = (struct months){ .e = RSG_OK };
		assert_int_equal(rsg_profit_sum(out.p, len, &all, &p), RSG_TAMPERED);
		assert_int_equal(rsg_profit_months(out.p, len, &all, take, &m), RSG_TAMPERED);
	}
	rsg_buf_free(&out);
	rsg_activity_free(year);
	rsg_activity_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year_by_hand),
		cmocka_unit_test(months_by_hand),
		cmocka_unit_test(the_sum_of_people_is_the_sum_of_months),
		cmocka_unit_test(sums_stay_at_the_largest_number),
		cmocka_unit_test(nothing_and_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
