#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "resguardo/clock.h"
#include "segment/activity.h"
#include "segment/rfm.h"

#define CDNOW_PEOPLE	23570
#define RETAIL_PEOPLE	20000	/* room: customer numbers from 12000 on */

static uint64_t seed = 88172645463325252u;

static uint64_t
draw(void)
{
	return dice_throw(&seed);
}

/* --- The rule, as it is written down: count who is strictly worse --- */

static int
oracle(const int64_t *v, size_t n, uint32_t bins, size_t who)
{
	uint64_t worse = 0;

	for (size_t i = 0; i < n; i++)
		worse += v[i] < v[who];
	return (int)(1 + bins * worse / n);
}

static void
agree(const struct rsg_rfm *p, size_t n, uint32_t bins)
{
	struct rsg_rfm_cuts cuts;
	struct rsg_score s;
	int64_t *r = calloc(n, sizeof(*r)), *f = calloc(n, sizeof(*f)),
	    *m = calloc(n, sizeof(*m));

	assert_int_equal(rsg_rfm_fit(p, n, bins, &cuts), RSG_OK);
	for (size_t i = 0; i < n; i++) {
		r[i] = -(int64_t)p[i].recency;
		f[i] = p[i].frequency;
		m[i] = p[i].monetary;
	}
	for (size_t i = 0; i < n; i++) {
		s = rsg_rfm_score(&cuts, &p[i]);
		assert_int_equal(s.r, oracle(r, n, bins, i));
		assert_int_equal(s.f, oracle(f, n, bins, i));
		assert_int_equal(s.m, oracle(m, n, bins, i));
	}
	free(r);
	free(f);
	free(m);
}

/* One amount, of ranges that reach every depth of the selection. */
static int64_t
amount(unsigned how)
{
	switch (how % 6) {
	case 0:
		return 7;
	case 1:
		return (int64_t)(draw() % 3) - 1;
	case 2:
		return (int64_t)(draw() % 2000000) - 1000000;
	case 3:
		return (int64_t)draw();
	case 4:
		return draw() % 2 ? INT64_MIN : INT64_MAX;
	default:
		/* A heavy tail over many equal values. */
		return draw() % 4 ? 1990 : (int64_t)(draw() >> (draw() % 63 + 1));
	}
}

static void
scores_count_who_is_worse(void **state)
{
	struct rsg_rfm p[300];

	(void)state;
	for (unsigned round = 0; round < 600; round++) {
		size_t n = 1 + draw() % (round < 200 ? 12 : 300);

		for (size_t i = 0; i < n; i++)
			p[i] = (struct rsg_rfm){
			    .recency = round % 2 ? (int32_t)(draw() % 400) : (int32_t)(draw() >> 33),
			    .frequency = 1 + (uint32_t)(round % 3 ? draw() % 4 : draw() >> 33),
			    .monetary = amount(round) };
		agree(p, n, 2 + round % 9);
	}
}

static void
a_handful_of_people(void **state)
{
	const struct rsg_rfm one = { .recency = 5, .frequency = 1, .monetary = -3 };
	struct rsg_rfm_cuts cuts;

	(void)state;
	agree(&one, 1, 5);
	assert_int_equal(rsg_rfm_fit(&one, 0, 5, &cuts), RSG_EMPTY_POPULATION);
	assert_int_equal(rsg_rfm_fit(&one, 1, 1, &cuts), RSG_BAD_VALUE);
	assert_int_equal(rsg_rfm_fit(&one, 1, 11, &cuts), RSG_BAD_VALUE);
}

static void
order_does_not_matter(void **state)
{
	struct rsg_rfm p[1000], swap;
	struct rsg_rfm_cuts a, b;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		p[i] = (struct rsg_rfm){ (int32_t)(draw() % 365), 1 + (uint32_t)(draw() % 9),
		    amount(5) };
	assert_int_equal(rsg_rfm_fit(p, 1000, 5, &a), RSG_OK);
	for (size_t i = 999; i > 0; i--) {
		size_t j = draw() % (i + 1);

		swap = p[i];
		p[i] = p[j];
		p[j] = swap;
	}
	assert_int_equal(rsg_rfm_fit(p, 1000, 5, &b), RSG_OK);
	assert_memory_equal(&a, &b, sizeof(a));
}

/* --- Windows and returns --- */

static bool
measure(struct rsg_activity *a, struct rsg_rfm_window w, struct rsg_rfm *out)
{
	struct rsg_buf b;
	enum rsg_err e;
	bool scored;

	rsg_buf_init(&b, RSG_ACTIVITY_MAX);
	assert_int_equal(rsg_activity_put(a, &b), RSG_OK);
	scored = rsg_rfm_measure(b.p, b.len, &w, out, &e);
	assert_int_equal(e, RSG_OK);
	rsg_buf_free(&b);
	return scored;
}

static void
a_window_is_open_on_its_left(void **state)
{
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_rfm p;

	(void)state;
	for (int32_t day = 90; day <= 110; day++)
		assert_int_equal(rsg_activity_add(a, &(struct rsg_day){ .day = day,
		    .documents = 2, .gross = 10 }), RSG_OK);
	assert_true(measure(a, (struct rsg_rfm_window){ .as_of = 100, .days = 5 }, &p));
	assert_int_equal(p.recency, 0);
	assert_int_equal(p.frequency, 10);
	assert_int_equal(p.monetary, 50);
	assert_true(measure(a, (struct rsg_rfm_window){ .as_of = 120, .days = 11 }, &p));
	assert_int_equal(p.recency, 10);
	assert_int_equal(p.frequency, 2);
	assert_false(measure(a, (struct rsg_rfm_window){ .as_of = 120, .days = 10 }, &p));
	assert_false(measure(a, (struct rsg_rfm_window){ .as_of = 89 }, &p));
	assert_true(measure(a, (struct rsg_rfm_window){ .as_of = 200 }, &p));
	assert_int_equal(p.frequency, 42);
	rsg_activity_free(a);
}

static void
returns_follow_their_policy(void **state)
{
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_rfm p;

	(void)state;
	assert_int_equal(rsg_activity_add(a, &(struct rsg_day){ .day = 10, .documents = 1,
	    .gross = 500, .repeated = 40 }), RSG_OK);
	assert_int_equal(rsg_activity_add(a, &(struct rsg_day){ .day = 12,
	    .returned = 700, .contacts = 3 }), RSG_OK);
	assert_true(measure(a, (struct rsg_rfm_window){ 20, 0, RSG_RETURNS_GROSS }, &p));
	assert_int_equal(p.monetary, 500);
	/* A return is no visit to the shop: recency is from the purchase. */
	assert_int_equal(p.recency, 10);
	assert_int_equal(p.frequency, 1);
	assert_true(measure(a, (struct rsg_rfm_window){ 20, 0, RSG_RETURNS_NET }, &p));
	assert_int_equal(p.monetary, -200);
	assert_true(measure(a, (struct rsg_rfm_window){ 20, 0, RSG_RETURNS_NET_DEDUP }, &p));
	assert_int_equal(p.monetary, -240);
	/* A return alone scores nobody. */
	assert_false(measure(a, (struct rsg_rfm_window){ 20, 9, RSG_RETURNS_NET }, &p));
	rsg_activity_free(a);
}

/* --- CDNOW, against figures computed by PostgreSQL --- */

static FILE *
data(const char *name)
{
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/../shared/data/%s", RSG_SOURCE, name);
	if ((f = fopen(path, "r")) == NULL)
		print_message("SKIPPED: no %s\n", path);
	return f;
}

/* "11.77" as 1177. */
static int64_t
cents(const char *s)
{
	long whole, part;

	assert_int_equal(sscanf(s, "%ld.%2ld", &whole, &part), 2);
	return whole * 100 + part;
}

static void
read_cdnow(FILE *f, struct rsg_activity **who)
{
	char line[128], date[16], sum[16];
	int64_t day;
	int id;

	assert_non_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f) != NULL) {
		assert_int_equal(sscanf(line, "%d,%15[^,],%*d,%15s", &id, date, sum), 3);
		assert_in_range(id, 1, CDNOW_PEOPLE);
		assert_true(rsg_clock_parse_day(date, strlen(date), &day));
		if (who[id] == NULL)
			who[id] = rsg_activity_new();
		assert_int_equal(rsg_activity_add(who[id], &(struct rsg_day){
		    .day = (int32_t)day, .documents = 1, .gross = cents(sum) }), RSG_OK);
	}
}

static void
cdnow_agrees(void **state)
{
	static struct rsg_activity *who[CDNOW_PEOPLE + 1];
	static struct rsg_rfm p[CDNOW_PEOPLE];
	FILE *purchases = data("cdnow/cdnow_master.csv");
	FILE *expected = data("cdnow/expected_rfm_1998-07-01.csv");
	struct rsg_rfm_window w = { .returns = RSG_RETURNS_NET };
	struct rsg_rfm_cuts cuts;
	struct rsg_score s;
	char line[128], sum[16];
	int64_t as_of;
	int id, recency, frequency, r, f, m, lines = 0;

	(void)state;
	if (purchases == NULL || expected == NULL)
		skip();
	assert_true(rsg_clock_parse_day("1998-07-01", 10, &as_of));
	w.as_of = (int32_t)as_of;
	read_cdnow(purchases, who);
	for (size_t i = 0; i < CDNOW_PEOPLE; i++)
		assert_true(measure(who[i + 1], w, &p[i]));
	assert_int_equal(rsg_rfm_fit(p, CDNOW_PEOPLE, 5, &cuts), RSG_OK);
	assert_non_null(fgets(line, sizeof(line), expected));
	while (fgets(line, sizeof(line), expected) != NULL) {
		assert_int_equal(sscanf(line, "%d,%d,%d,%15[^,],%d,%d,%d", &id, &recency,
		    &frequency, sum, &r, &f, &m), 7);
		assert_int_equal(p[id - 1].recency, recency);
		assert_int_equal(p[id - 1].frequency, frequency);
		assert_int_equal(p[id - 1].monetary, cents(sum));
		s = rsg_rfm_score(&cuts, &p[id - 1]);
		assert_int_equal(s.r, r);
		assert_int_equal(s.f, f);
		assert_int_equal(s.m, m);
		lines++;
	}
	assert_int_equal(lines, CDNOW_PEOPLE);
	for (size_t i = 1; i <= CDNOW_PEOPLE; i++)
		rsg_activity_free(who[i]);
	(void)fclose(purchases);
	(void)fclose(expected);
}

/* --- Online Retail: what returns do to scores --- */

struct retail {
	struct rsg_activity *activity;
	int32_t last_invoice;		/* lines of an invoice stand together */
};

/* The part of a CSV line after `n` commas, minding quotes. */
static const char *
column(const char *s, int n)
{
	bool quoted = false;

	for (; n > 0 && *s != '\0'; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (*s == ',' && !quoted)
			n--;
	}
	return s;
}

/* A line's amount in cents: quantity times price, half away from zero. */
static int64_t
line_amount(const char *quantity, const char *price)
{
	int64_t mills = 0, scale = 1000, q = strtol(quantity, NULL, 10), v;
	bool point = false;

	for (; (*price >= '0' && *price <= '9') || *price == '.'; price++) {
		if (*price == '.') {
			point = true;
			continue;
		}
		mills = mills * 10 + (*price - '0');
		if (point)
			scale /= 10;
	}
	v = mills * scale * (q < 0 ? -q : q);
	return v / 10 + (v % 10 >= 5);
}

static void
read_retail(FILE *f, struct retail *who)
{
	char line[1024];
	const char *customer, *date;
	struct rsg_day d;
	int32_t id, invoice;
	int64_t day, sum;
	bool cancelled;

	assert_non_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f) != NULL) {
		customer = column(line, 6);
		date = column(line, 4);
		if ((id = (int32_t)strtol(customer, NULL, 10)) == 0)
			continue;
		date += *date == '"';
		assert_true(rsg_clock_parse_day(date, 10, &day));
		cancelled = line[0] == 'C' || line[1] == 'C';
		/* One customer of 4,339 was only ever given things for nothing. */
		if ((sum = line_amount(column(line, 3), column(line, 5))) == 0)
			continue;
		d = (struct rsg_day){ .day = (int32_t)day };
		if (cancelled) {
			d.returned = sum;
		} else {
			invoice = (int32_t)strtol(line + (line[0] == '"'), NULL, 10);
			d.gross = sum;
			d.documents = who[id].last_invoice != invoice;
			who[id].last_invoice = invoice;
		}
		if (who[id].activity == NULL)
			who[id].activity = rsg_activity_new();
		assert_int_equal(rsg_activity_add(who[id].activity, &d), RSG_OK);
	}
}

/* Score all who bought, under one returns policy; how many, and 12346's M. */
static size_t
score_retail(const struct retail *who, enum rsg_returns returns, uint8_t *m)
{
	static struct rsg_rfm p[RETAIL_PEOPLE], one;
	struct rsg_rfm_window w = { .returns = returns };
	struct rsg_rfm_cuts cuts;
	size_t n = 0;
	int64_t as_of;

	assert_true(rsg_clock_parse_day("2011-12-10", 10, &as_of));
	w.as_of = (int32_t)as_of;
	for (size_t i = 0; i < RETAIL_PEOPLE; i++)
		if (who[i].activity != NULL && measure(who[i].activity, w, &p[n])) {
			if (i == 12346)
				one = p[n];
			n++;
		}
	assert_int_equal(rsg_rfm_fit(p, n, 5, &cuts), RSG_OK);
	*m = rsg_rfm_score(&cuts, &one).m;
	return n;
}

static void
online_retail_agrees(void **state)
{
	static struct retail who[RETAIL_PEOPLE];
	FILE *there = data("online-retail/online_retail.csv.gz"), *f;
	char command[1200];
	uint8_t m;

	(void)state;
	if (there == NULL)
		skip();
	(void)fclose(there);
	(void)snprintf(command, sizeof(command),
	    "zcat '%s/../shared/data/online-retail/online_retail.csv.gz'", RSG_SOURCE);
	assert_non_null(f = popen(command, "r"));
	read_retail(f, who);
	assert_int_equal(pclose(f), 0);
	assert_int_equal(score_retail(who, RSG_RETURNS_GROSS, &m), 4338);
	assert_int_equal(m, 5);
	assert_int_equal(score_retail(who, RSG_RETURNS_NET, &m), 4338);
	assert_int_equal(m, 1);
	for (size_t i = 0; i < RETAIL_PEOPLE; i++)
		rsg_activity_free(who[i].activity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_count_who_is_worse),
		cmocka_unit_test(a_handful_of_people),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(a_window_is_open_on_its_left),
		cmocka_unit_test(returns_follow_their_policy),
		cmocka_unit_test(cdnow_agrees),
		cmocka_unit_test(online_retail_agrees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
