#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dice.h"
#include "resguardo/clock.h"
#include "segment/activity.h"
#include "segment/days.h"
#include "segment/rfm.h"

static uint64_t seed = 1;

static uint64_t
draw(void)
{
	return dice_throw(&seed);
}

static void
same(const struct rsg_activity *a, const struct rsg_activity *b)
{
	assert_int_equal(rsg_activity_days(a), rsg_activity_days(b));
	for (size_t i = 0; i < rsg_activity_days(a); i++) {
		const struct rsg_day *x = rsg_activity_day(a, i), *y = rsg_activity_day(b, i);

		assert_int_equal(x->day, y->day);
		assert_int_equal(x->documents, y->documents);
		assert_int_equal(x->gross, y->gross);
		assert_int_equal(x->returned, y->returned);
		assert_int_equal(x->repeated, y->repeated);
		assert_int_equal(x->cost, y->cost);
		assert_int_equal(x->contacts, y->contacts);
		assert_int_equal(x->given, y->given);
	}
	assert_int_equal(rsg_activity_counters(a), rsg_activity_counters(b));
	for (size_t i = 0; i < rsg_activity_counters(a); i++) {
		const struct rsg_count *x = rsg_activity_counter(a, i);
		const struct rsg_count *y = rsg_activity_counter(b, i);

		assert_int_equal(x->of, y->of);
		assert_int_equal(x->what, y->what);
		assert_int_equal(x->n, y->n);
		assert_int_equal(x->last, y->last);
	}
}

/* Encode, decode, compare; returns how long the encoding was. */
static size_t
round_trip(struct rsg_activity *a)
{
	struct rsg_activity *b = rsg_activity_new();
	struct rsg_buf out;
	size_t len;

	rsg_buf_init(&out, RSG_ACTIVITY_MAX);
	assert_int_equal(rsg_activity_put(a, &out), RSG_OK);
	assert_int_equal(rsg_activity_get(b, out.p, out.len), RSG_OK);
	same(a, b);
	for (size_t n = 0; n < out.len; n += 1 + out.len / 500)
		assert_int_equal(rsg_activity_get(b, out.p, n), RSG_TAMPERED);
	assert_int_equal(rsg_activity_days(b), 0);
	len = out.len;
	rsg_buf_free(&out);
	rsg_activity_free(b);
	return len;
}

static void
add(struct rsg_activity *a, struct rsg_day d)
{
	assert_int_equal(rsg_activity_add(a, &d), RSG_OK);
}

static void
a_purchase_day_takes_a_few_bytes(void **state)
{
	struct rsg_activity *a = rsg_activity_new();
	size_t len;

	(void)state;
	for (int32_t i = 0; i < 100; i++)
		add(a, (struct rsg_day){ .day = 20000 + 3 * i, .documents = 1, .gross = 49900 });
	len = round_trip(a);
	assert_true(len <= 100 * 6);
	rsg_activity_free(a);
}

static void
days_add_up_in_any_order(void **state)
{
	struct rsg_activity *a = rsg_activity_new(), *b = rsg_activity_new();
	struct rsg_day d[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		d[i] = (struct rsg_day){ .day = (int32_t)(draw() % 90) - 45,
		    .documents = (uint32_t)(draw() % 6), .gross = (int64_t)(draw() % 9999),
		    .returned = (int64_t)(draw() % 99), .repeated = (int64_t)(draw() % 99) - 49,
		    .cost = (int64_t)(draw() % 999), .contacts = (uint32_t)(draw() % 3),
		    .given = (int64_t)(draw() % 300) - 150 };
		add(a, d[i]);
	}
	for (size_t i = 200; i-- > 0;)
		add(b, d[i]);
	same(a, b);
	for (size_t i = 1; i < rsg_activity_days(a); i++)
		assert_true(rsg_activity_day(a, i - 1)->day < rsg_activity_day(a, i)->day);
	assert_null(rsg_activity_day(a, rsg_activity_days(a)));
	(void)round_trip(a);
	rsg_activity_free(a);
	rsg_activity_free(b);
}

static void
sums_saturate(void **state)
{
	struct rsg_activity *a = rsg_activity_new();
	const struct rsg_day *d;

	(void)state;
	for (int i = 0; i < 2; i++)
		add(a, (struct rsg_day){ .day = 1, .documents = UINT32_MAX - 1,
		    .gross = INT64_MAX - 1, .returned = INT64_MAX, .repeated = INT64_MIN,
		    .cost = INT64_MIN, .contacts = UINT32_MAX, .given = INT64_MAX });
	d = rsg_activity_day(a, 0);
	assert_int_equal(d->documents, UINT32_MAX);
	assert_int_equal(d->gross, INT64_MAX);
	assert_int_equal(d->returned, INT64_MAX);
	assert_int_equal(d->repeated, INT64_MIN);
	assert_int_equal(d->cost, INT64_MIN);
	assert_int_equal(d->contacts, UINT32_MAX);
	assert_int_equal(d->given, INT64_MAX);
	(void)round_trip(a);
	rsg_activity_free(a);
}

static void
nothing_is_not_kept(void **state)
{
	struct rsg_activity *a = rsg_activity_new();

	(void)state;
	add(a, (struct rsg_day){ .day = 1 });
	assert_int_equal(rsg_activity_days(a), 0);
	add(a, (struct rsg_day){ .day = 1, .repeated = 5 });
	add(a, (struct rsg_day){ .day = 1, .repeated = -5 });
	add(a, (struct rsg_day){ .day = 2, .given = 150 });	/* given, and taken back */
	assert_int_equal(rsg_activity_days(a), 2);
	add(a, (struct rsg_day){ .day = 2, .given = -150 });
	(void)round_trip(a);
	assert_int_equal(rsg_activity_days(a), 0);
	assert_int_equal(rsg_activity_add(a, &(struct rsg_day){ .day = INT32_MAX,
	    .documents = 1 }), RSG_BAD_VALUE);
	rsg_activity_free(a);
}

/* Fifty years of daily purchases: what is recent stays by day. */
static void
old_days_merge_by_month(void **state)
{
	struct rsg_activity *a = rsg_activity_new();
	int32_t first = 7305, n = 365 * 50;	/* from 1990-01-01 */
	struct rsg_buf out;
	uint64_t documents = 0;
	int64_t gross = 0;
	const struct rsg_day *d;

	(void)state;
	for (int32_t i = 0; i < n; i++)
		add(a, (struct rsg_day){ .day = first + i, .documents = 1, .gross = 1000000 + i });
	rsg_buf_init(&out, RSG_ACTIVITY_MAX);
	assert_int_equal(rsg_activity_put(a, &out), RSG_OK);
	assert_true(out.len > RSG_ACTIVITY_MAX - 400);
	for (size_t i = 0; i < rsg_activity_days(a); i++) {
		documents += rsg_activity_day(a, i)->documents;
		gross += rsg_activity_day(a, i)->gross;
	}
	assert_int_equal(documents, n);
	assert_int_equal(gross, (int64_t)n * 1000000 + (int64_t)n * (n - 1) / 2);
	d = rsg_activity_day(a, 0);
	assert_int_equal(d->day, first + 30);	/* the last purchase of January */
	assert_int_equal(d->documents, 31);
	d = rsg_activity_day(a, rsg_activity_days(a) - 1);
	assert_int_equal(d->day, first + n - 1);
	assert_int_equal(d->documents, 1);
	assert_int_equal(rsg_activity_day(a, rsg_activity_days(a) - 800)->documents, 1);
	rsg_buf_free(&out);
	(void)round_trip(a);
	rsg_activity_free(a);
}

/* The merged day is that of a purchase, not of a later contact. */
static void
a_merged_month_keeps_its_last_purchase(void **state)
{
	const struct rsg_rfm_window w = { .as_of = 30000 };
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_buf out;
	struct rsg_rfm rfm;
	enum rsg_err e;

	(void)state;
	add(a, (struct rsg_day){ .day = 10, .documents = 1, .gross = 5 });
	add(a, (struct rsg_day){ .day = 20, .documents = 2, .gross = 7 });
	for (int32_t i = 21; i < 9000; i++)
		add(a, (struct rsg_day){ .day = i, .contacts = 1, .cost = INT64_MAX / 2 });
	rsg_buf_init(&out, RSG_ACTIVITY_MAX);
	assert_int_equal(rsg_activity_put(a, &out), RSG_OK);
	assert_true(rsg_rfm_measure(out.p, out.len, &w, &rfm, &e));
	assert_int_equal(rfm.recency, 30000 - 20);
	assert_int_equal(rfm.frequency, 3);
	assert_int_equal(rfm.monetary, 12);
	rsg_buf_free(&out);
	rsg_activity_free(a);
}

/* Months alone do not fit ten thousand years; it still ends. */
static void
all_of_time_fits(void **state)
{
	struct rsg_activity *a = rsg_activity_new();

	(void)state;
	for (int64_t i = RSG_DAY_MIN; i < RSG_DAY_MAX; i += 29)
		add(a, (struct rsg_day){ .day = (int32_t)i, .documents = UINT32_MAX,
		    .returned = INT64_MIN, .gross = INT64_MIN, .repeated = INT64_MIN,
		    .contacts = UINT32_MAX, .cost = INT64_MIN, .given = INT64_MIN });
	assert_true(round_trip(a) <= RSG_ACTIVITY_MAX);
	assert_true(rsg_activity_days(a) > 100);
	rsg_activity_free(a);
}

static void
counters_count_and_make_room(void **state)
{
	struct rsg_activity *a = rsg_activity_new();

	(void)state;
	for (uint32_t i = RSG_ACTIVITY_COUNTERS; i-- > 0;)
		rsg_activity_count(a, RSG_COUNT_CATEGORY, i * 7919, (int32_t)(100 + i));
	rsg_activity_count(a, RSG_COUNT_CATEGORY, 0, 500);
	assert_int_equal(rsg_activity_counters(a), RSG_ACTIVITY_COUNTERS);
	assert_int_equal(rsg_activity_counter(a, 0)->n, 2);
	assert_int_equal(rsg_activity_counter(a, 0)->last, 500);
	/* Seen on day 101, so it is the one that goes. */
	assert_int_equal(rsg_activity_counter(a, 1)->what, 7919);
	rsg_activity_count(a, RSG_COUNT_KIND, 3, 90);
	assert_int_equal(rsg_activity_counters(a), RSG_ACTIVITY_COUNTERS);
	assert_int_equal(rsg_activity_counter(a, 0)->of, RSG_COUNT_KIND);
	assert_int_equal(rsg_activity_counter(a, 1)->what, 0);
	assert_int_equal(rsg_activity_counter(a, 2)->what, 2 * 7919);
	add(a, (struct rsg_day){ .day = 501, .contacts = 1 });
	(void)round_trip(a);
	rsg_activity_free(a);
}

/* Whatever a byte becomes, what is read has one form only. */
static void
no_byte_can_do_harm(void **state)
{
	const struct rsg_rfm_window w = { .as_of = 20010, .days = 30 };
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_buf out, again;
	struct rsg_rfm rfm;
	enum rsg_err e;

	(void)state;
	for (int32_t i = 0; i < 9; i++)
		add(a, (struct rsg_day){ .day = 20000 + i * i, .documents = 1 + (uint32_t)i,
		    .gross = 700 * i, .returned = i % 2, .cost = i % 3, .contacts = i % 4 == 0,
		    .given = i % 5 - 2 });
	rsg_activity_count(a, RSG_COUNT_STORE, 77, 20000);
	rsg_buf_init(&out, RSG_ACTIVITY_MAX);
	rsg_buf_init(&again, RSG_ACTIVITY_MAX);
	assert_int_equal(rsg_activity_put(a, &out), RSG_OK);
	for (size_t i = 0; i < out.len; i++) {
		for (unsigned v = 1; v < 256; v++) {
			out.p[i] ^= (uint8_t)v;
			if (!rsg_rfm_measure(out.p, out.len, &w, &rfm, &e))
				assert_int_equal(rfm.frequency * (e == RSG_OK), 0);
			if (rsg_activity_get(a, out.p, out.len) == RSG_OK) {
				rsg_buf_reset(&again);
				assert_int_equal(rsg_activity_put(a, &again), RSG_OK);
				assert_int_equal(again.len, out.len);
				assert_memory_equal(again.p, out.p, out.len);
			}
			out.p[i] ^= (uint8_t)v;
		}
	}
	rsg_buf_free(&out);
	rsg_buf_free(&again);
	rsg_activity_free(a);
}

/* Read in one go or byte by byte, a number is the same, and as often refused. */
static void
numbers_are_read_alike(void **state)
{
	uint8_t bytes[12];
	unsigned good = 0, bad = 0;

	(void)state;
	for (unsigned i = 0; i < 400000; i++) {
		size_t len = 1 + draw() % sizeof(bytes);
		size_t flagged = draw() % (len + 1);
		struct rsg_days d = { .p = bytes, .end = bytes + len };
		struct rsg_rd rd;
		uint64_t v, w;

		for (size_t k = 0; k < len; k++) {
			bytes[k] = (uint8_t)(draw() % 3 == 0 ? draw() % 2 : draw());
			bytes[k] = k < flagged ? bytes[k] | 0x80 : bytes[k] & 0x7f;
		}
		rsg_rd_init(&rd, bytes, len);
		v = rsg__days_varint(&d);
		w = rsg_rd_varint(&rd);
		assert_int_equal(!d.bad, rsg_rd_ok(&rd));
		if (d.bad) {
			bad++;
			continue;
		}
		good++;
		assert_true(v == w);
		assert_int_equal(d.end - d.p, rd.left);
	}
	assert_true(good > 100000 && bad > 10000);
}

/* Messages are counted by day, for a month; what is older makes room. */
static void
messages_are_counted_by_day(void **state)
{
	struct rsg_activity *a = rsg_activity_new();
	const struct rsg_count *c;
	unsigned n = 0;

	(void)state;
	for (int32_t day = 1000; day < 1100; day++)
		for (int i = 0; i < 2; i++)
			rsg_activity_sent(a, day);
	rsg_activity_sent(a, 1000);		/* too late to count */
	rsg_activity_sent(a, 1090);
	for (size_t i = 0; (c = rsg_activity_counter(a, i)) != NULL; i++, n++) {
		assert_int_equal(c->of, RSG_COUNT_SENT);
		assert_int_equal(c->what, c->last);
		assert_int_equal(c->n, c->last == 1090 ? 3 : 2);
		assert_in_range(c->last, 1100 - RSG_SENT_DAYS, 1099);
	}
	assert_int_equal(n, RSG_SENT_DAYS);
	rsg_activity_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_counted_by_day),
		cmocka_unit_test(a_purchase_day_takes_a_few_bytes),
		cmocka_unit_test(days_add_up_in_any_order),
		cmocka_unit_test(sums_saturate),
		cmocka_unit_test(nothing_is_not_kept),
		cmocka_unit_test(old_days_merge_by_month),
		cmocka_unit_test(a_merged_month_keeps_its_last_purchase),
		cmocka_unit_test(all_of_time_fits),
		cmocka_unit_test(counters_count_and_make_room),
		cmocka_unit_test(no_byte_can_do_harm),
		cmocka_unit_test(numbers_are_read_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
