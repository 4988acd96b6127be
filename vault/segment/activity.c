#include "segment/activity.h"

#include <stdlib.h>
#include <string.h>

#include "resguardo/clock.h"
#include "resguardo/secret.h"
#include "segment/days.h"

#define DAYS_FIRST	32		/* days of a first allocation */
#define DAY_BYTES	72		/* more than any encoded day takes */
#define MONTHS		12		/* in one year */

/* The coarsest merging of all the years there are still fits. */
_Static_assert(RSG_ACTIVITY_MAX > 101 * DAY_BYTES + 24 * RSG_ACTIVITY_COUNTERS,
    "a hundred centuries and all counters fit");

struct rsg_activity {
	struct rsg_day *day;		/* ascending, none twice */
	size_t n, cap;
	struct rsg_count counter[RSG_ACTIVITY_COUNTERS];	/* ascending */
	size_t ncounters;
};

/* How coarsely old days are merged when there is no more room. */
enum grain { GRAIN_MONTH, GRAIN_YEAR, GRAIN_DECADE, GRAIN_CENTURY, GRAIN__MAX };

struct rsg_activity *
rsg_activity_new(void)
{
	return calloc(1, sizeof(struct rsg_activity));
}

void
rsg_activity_clear(struct rsg_activity *a)
{
	rsg_secret_wipe(a->day, a->n * sizeof(*a->day));
	rsg_secret_wipe(a->counter, sizeof(a->counter));
	a->n = a->ncounters = 0;
}

void
rsg_activity_free(struct rsg_activity *a)
{
	if (a == NULL)
		return;
	rsg_activity_clear(a);
	free(a->day);
	free(a);
}

size_t
rsg_activity_days(const struct rsg_activity *a)
{
	return a->n;
}

const struct rsg_day *
rsg_activity_day(const struct rsg_activity *a, size_t i)
{
	return i < a->n ? &a->day[i] : NULL;
}

size_t
rsg_activity_counters(const struct rsg_activity *a)
{
	return a->ncounters;
}

const struct rsg_count *
rsg_activity_counter(const struct rsg_activity *a, size_t i)
{
	return i < a->ncounters ? &a->counter[i] : NULL;
}

/* The old block is wiped before it goes back, so realloc() will not do. */
static enum rsg_err
grow(struct rsg_activity *a, size_t need)
{
	size_t cap = a->cap == 0 ? DAYS_FIRST : a->cap;
	struct rsg_day *day;

	if (need <= a->cap)
		return RSG_OK;
	while (cap < need)
		cap *= 2;
	if ((day = calloc(cap, sizeof(*day))) == NULL)
		return RSG_NO_MEMORY;
	if (a->n > 0)
		memcpy(day, a->day, a->n * sizeof(*day));
	rsg_secret_wipe(a->day, a->n * sizeof(*day));
	free(a->day);
	a->day = day;
	a->cap = cap;
	return RSG_OK;
}

static void
merge(struct rsg_day *to, const struct rsg_day *from)
{
	to->documents = rsg__days_add32(to->documents, from->documents);
	to->contacts = rsg__days_add32(to->contacts, from->contacts);
	to->gross = rsg__days_add(to->gross, from->gross);
	to->returned = rsg__days_add(to->returned, from->returned);
	to->repeated = rsg__days_add(to->repeated, from->repeated);
	to->cost = rsg__days_add(to->cost, from->cost);
	to->given = rsg__days_add(to->given, from->given);
}

static bool
purchased(const struct rsg_day *d)
{
	return d->documents > 0 || d->gross != 0;
}

/* Sums of opposite sign may cancel out: a day of nothing is not kept. */
static bool
empty(const struct rsg_day *d)
{
	return d->documents == 0 && d->contacts == 0 && d->gross == 0 &&
	    d->returned == 0 && d->repeated == 0 && d->cost == 0 && d->given == 0;
}

static int64_t
period(int32_t day, enum grain grain)
{
	static const int years[GRAIN__MAX] = { [GRAIN_YEAR] = 1,
	    [GRAIN_DECADE] = 10, [GRAIN_CENTURY] = 100 };
	int year, month, mday;

	rsg_clock_civil(day, &year, &month, &mday);
	return grain == GRAIN_MONTH ? (int64_t)year * MONTHS + month :
	    year / years[grain];
}

/* Merge day[first..last) into day[first], as the last with a purchase. */
static void
merge_period(struct rsg_day *day, size_t first, size_t last)
{
	int32_t when = day[last - 1].day;

	for (size_t i = last; i-- > first;) {
		if (purchased(&day[i])) {
			when = day[i].day;
			break;
		}
	}
	for (size_t i = first + 1; i < last; i++)
		merge(&day[first], &day[i]);
	day[first].day = when;
}

/*
 * Merge periods from the oldest on until at least `remove` days are gone or
 * each has one day. The merged day is the last with a purchase, so that
 * recency stays exact for anybody looking from after that period. Returns how
 * many days went.
 */
static size_t
compact(struct rsg_activity *a, enum grain grain, size_t remove)
{
	size_t kept = 0, gone = 0, i, last;

	for (i = 0; i < a->n && gone < remove; i = last) {
		for (last = i + 1; last < a->n &&
		    period(a->day[last].day, grain) == period(a->day[i].day, grain);)
			last++;
		merge_period(a->day, i, last);
		a->day[kept++] = a->day[i];
		gone += last - i - 1;
	}
	memmove(&a->day[kept], &a->day[i], (a->n - i) * sizeof(*a->day));
	a->n -= gone;
	rsg_secret_wipe(&a->day[a->n], gone * sizeof(*a->day));
	return gone;
}

/* Where `day` stands, or would; most writes are for the newest day. */
static size_t
find_day(const struct rsg_activity *a, int32_t day)
{
	size_t low = 0, high = a->n, mid;

	if (a->n > 0 && a->day[a->n - 1].day < day)
		return a->n;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (a->day[mid].day < day)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum rsg_err
rsg_activity_add(struct rsg_activity *a, const struct rsg_day *d)
{
	enum rsg_err e;
	size_t i;

	if (d->day < RSG_DAY_MIN || d->day > RSG_DAY_MAX)
		return RSG_BAD_VALUE;
	if (empty(d))
		return RSG_OK;
	i = find_day(a, d->day);
	if (i < a->n && a->day[i].day == d->day) {
		merge(&a->day[i], d);
		return RSG_OK;
	}
	if ((e = grow(a, a->n + 1)) != RSG_OK)
		return e;
	memmove(&a->day[i + 1], &a->day[i], (a->n - i) * sizeof(*a->day));
	a->day[i] = *d;
	a->n++;
	return RSG_OK;
}

static int
counter_cmp(const struct rsg_count *c, uint8_t of, uint32_t what)
{
	if (c->of != of)
		return c->of < of ? -1 : 1;
	return c->what < what ? -1 : c->what > what;
}

static void
forget_counter(struct rsg_activity *a)
{
	size_t old = 0;

	for (size_t i = 1; i < a->ncounters; i++) {
		if (a->counter[i].last < a->counter[old].last ||
		    (a->counter[i].last == a->counter[old].last &&
		    a->counter[i].n < a->counter[old].n))
			old = i;
	}
	memmove(&a->counter[old], &a->counter[old + 1],
	    (--a->ncounters - old) * sizeof(a->counter[0]));
}

void
rsg_activity_count(struct rsg_activity *a, uint8_t of, uint32_t what, int32_t day)
{
	size_t i = 0;

	while (i < a->ncounters && counter_cmp(&a->counter[i], of, what) < 0)
		i++;
	if (i < a->ncounters && counter_cmp(&a->counter[i], of, what) == 0) {
		a->counter[i].n = rsg__days_add32(a->counter[i].n, 1);
		if (a->counter[i].last < day)
			a->counter[i].last = day;
		return;
	}
	if (a->ncounters == RSG_ACTIVITY_COUNTERS) {
		forget_counter(a);
		for (i = 0; i < a->ncounters &&
		    counter_cmp(&a->counter[i], of, what) < 0; i++)
			;
	}
	memmove(&a->counter[i + 1], &a->counter[i],
	    (a->ncounters++ - i) * sizeof(a->counter[0]));
	a->counter[i] = (struct rsg_count){ of, what, 1, day };
}

void
rsg_activity_sent(struct rsg_activity *a, int32_t day)
{
	size_t kept = 0;
	int32_t newest = day;

	for (size_t i = 0; i < a->ncounters; i++)
		if (a->counter[i].of == RSG_COUNT_SENT && a->counter[i].last > newest)
			newest = a->counter[i].last;
	for (size_t i = 0; i < a->ncounters; i++)
		if (a->counter[i].of != RSG_COUNT_SENT ||
		    newest - a->counter[i].last < RSG_SENT_DAYS)
			a->counter[kept++] = a->counter[i];
	a->ncounters = kept;
	if (newest - day < RSG_SENT_DAYS)
		rsg_activity_count(a, RSG_COUNT_SENT, (uint32_t)day, day);
}

static void
put_figure(struct rsg_buf *out, int64_t v)
{
	if (v != 0)
		rsg_buf_svarint(out, v);
}

static void
put_day(const struct rsg_day *d, struct rsg_buf *out)
{
	uint8_t flags = d->documents < RSG_DAYS_MANY ? (uint8_t)d->documents :
	    RSG_DAYS_MANY;

	flags |= d->gross != 0 ? RSG_DAYS_GROSS : 0;
	flags |= d->returned != 0 ? RSG_DAYS_RETURNED : 0;
	flags |= d->repeated != 0 ? RSG_DAYS_REPEATED : 0;
	flags |= d->cost != 0 ? RSG_DAYS_COST : 0;
	flags |= d->contacts != 0 ? RSG_DAYS_CONTACTS : 0;
	flags |= d->given != 0 ? RSG_DAYS_GIVEN : 0;
	rsg_buf_u8(out, flags);
	if (d->documents >= RSG_DAYS_MANY)
		rsg_buf_varint(out, d->documents);
	put_figure(out, d->gross);
	put_figure(out, d->returned);
	put_figure(out, d->repeated);
	put_figure(out, d->cost);
	if (d->contacts != 0)
		rsg_buf_varint(out, d->contacts);
	put_figure(out, d->given);
}

static void
put_counters(const struct rsg_activity *a, struct rsg_buf *out)
{
	rsg_buf_varint(out, a->ncounters);
	for (size_t i = 0; i < a->ncounters; i++) {
		rsg_buf_u8(out, a->counter[i].of);
		rsg_buf_varint(out, a->counter[i].what);
		rsg_buf_varint(out, a->counter[i].n);
		rsg_buf_svarint(out, a->counter[i].last);
	}
}

static void
put_all(const struct rsg_activity *a, struct rsg_buf *out)
{
	rsg_buf_u8(out, RSG_DAYS_FORMAT);
	rsg_buf_varint(out, a->n);
	for (size_t i = a->n; i-- > 0;) {
		if (i + 1 == a->n)
			rsg_buf_svarint(out, a->day[i].day);
		else
			rsg_buf_varint(out, (uint64_t)((int64_t)a->day[i + 1].day -
			    a->day[i].day));
		put_day(&a->day[i], out);
	}
	put_counters(a, out);
}

static void
drop_empty(struct rsg_activity *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++)
		if (!empty(&a->day[i]))
			a->day[kept++] = a->day[i];
	rsg_secret_wipe(&a->day[kept], (a->n - kept) * sizeof(*a->day));
	a->n = kept;
}

enum rsg_err
rsg_activity_put(struct rsg_activity *a, struct rsg_buf *out)
{
	enum grain grain = 0;
	struct rsg_buf b;
	enum rsg_err e;
	size_t excess;

	drop_empty(a);
	rsg_buf_init(&b, a->n * DAY_BYTES + RSG_ACTIVITY_MAX);
	put_all(a, &b);
	/* Few people ever come here: some four years of daily purchases. */
	while (rsg_buf_ok(&b) && b.len > RSG_ACTIVITY_MAX && grain < GRAIN__MAX) {
		/* As many days as the excess takes up on average. */
		excess = (b.len - RSG_ACTIVITY_MAX) * a->n / b.len + 1;
		if (compact(a, grain, excess) == 0) {
			grain++;
			continue;
		}
		drop_empty(a);
		rsg_buf_reset(&b);
		put_all(a, &b);
	}
	e = rsg_buf_err(&b);
	if (e == RSG_OK && b.len > RSG_ACTIVITY_MAX)
		e = RSG_TOO_LARGE;
	if (e == RSG_OK) {
		rsg_buf_put(out, b.p, b.len);
		e = rsg_buf_err(out);
	}
	rsg_buf_free(&b);
	return e;
}

static bool
get_counters(struct rsg_activity *a, struct rsg_days *d)
{
	uint64_t n = rsg__days_varint(d);
	struct rsg_count c;
	int64_t last;

	if (n > RSG_ACTIVITY_COUNTERS)
		return false;
	while (n-- > 0) {
		if (d->p == d->end)
			return false;
		c.of = *d->p++;
		c.what = rsg__days_u32(d, 0);
		c.n = rsg__days_u32(d, 1);
		last = rsg__days_svarint(d);
		if (d->bad || last < INT32_MIN || last > INT32_MAX)
			return false;
		c.last = (int32_t)last;
		if (a->ncounters > 0 && counter_cmp(&a->counter[a->ncounters - 1],
		    c.of, c.what) >= 0)
			return false;
		a->counter[a->ncounters++] = c;
	}
	return !d->bad;
}

static void
reverse(struct rsg_day *day, size_t n)
{
	struct rsg_day swap;

	for (size_t i = 0; i < n / 2; i++) {
		swap = day[i];
		day[i] = day[n - 1 - i];
		day[n - 1 - i] = swap;
	}
}

enum rsg_err
rsg_activity_get(struct rsg_activity *a, const uint8_t *p, size_t len)
{
	enum rsg_err e = RSG_TAMPERED;
	struct rsg_days d;
	struct rsg_day day;

	rsg_activity_clear(a);
	rsg__days_start(&d, p, len);
	/* A day takes two bytes or more: no count makes us allocate for nothing. */
	if (d.bad || len > RSG_ACTIVITY_MAX || d.left > len / 2)
		goto done;
	if ((e = grow(a, d.left + 1)) != RSG_OK)
		goto done;
	e = RSG_TAMPERED;
	while (rsg__days_next(&d, &day))
		a->day[a->n++] = day;
	reverse(a->day, a->n);
	if (!d.bad && get_counters(a, &d) && d.p == d.end)
		e = RSG_OK;
done:
	if (e != RSG_OK)
		rsg_activity_clear(a);
	return e;
}
