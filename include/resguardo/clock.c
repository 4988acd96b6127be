/*
 * The calendar, by counting days since the first of January of year 1, and
 * strict readers for the two forms of text that cross our borders. No locale,
 * no time zone data, no C library calendar: each answer is the same anywhere.
 */
#include "resguardo/clock.h"

#include <stdio.h>
#include <time.h>

#define EPOCH_DAYS	INT64_C(719162)	/* 0001-01-01 to 1970-01-01 */
#define DAYS_4		INT64_C(1461)	/* days in so many years */
#define DAYS_100	INT64_C(36524)
#define DAYS_400	INT64_C(146097)
#define DAY_CHARS	10		/* YYYY-MM-DD */
#define MAX_DECIMALS	9

/* Days of a common year before each month; the last is the whole year. */
static const int before[13] = {
	0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
};

/* These two clocks are always there; there is no error to pass on. */
static int64_t
now(clockid_t which)
{
	struct timespec ts;

	(void)clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * RSG_US + ts.tv_nsec / 1000;
}

int64_t
rsg_clock_now(void)
{
	return now(CLOCK_REALTIME);
}

int64_t
rsg_clock_mono(void)
{
	return now(CLOCK_MONOTONIC);
}

static bool
leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of the year before month (1 to 13). */
static int64_t
days_before(int64_t year, int month)
{
	return before[month - 1] + (month > 2 && leap(year));
}

int64_t
rsg_clock_day_of(int year, int month, int day)
{
	int64_t m = (int64_t)month - 1;
	int64_t y = (int64_t)year + m / 12;
	int64_t past;

	/* C rounds towards zero, the calendar goes down. */
	m %= 12;
	if (m < 0) {
		m += 12;
		y--;
	}
	past = y - 1;
	return past * 365 + past / 4 - past / 100 + past / 400 - EPOCH_DAYS +
	    days_before(y, (int)m + 1) + day - 1;
}

/*
 * Take whole cycles of 400, 100, 4 and 1 years off the days since year 1. A
 * cycle's last day is the leap day by which it is longer than its parts, so
 * the 100 and the 1 stop at three.
 */
void
rsg_clock_civil(int64_t day, int *year, int *month, int *mday)
{
	int64_t left, c400, c100, c4, c1;
	int m = 1;

	if (day < RSG_DAY_MIN)
		day = RSG_DAY_MIN;
	if (day > RSG_DAY_MAX)
		day = RSG_DAY_MAX;
	left = day + EPOCH_DAYS;
	c400 = left / DAYS_400;
	left %= DAYS_400;
	c100 = left / DAYS_100 > 3 ? 3 : left / DAYS_100;
	left -= c100 * DAYS_100;
	c4 = left / DAYS_4;
	left %= DAYS_4;
	c1 = left / 365 > 3 ? 3 : left / 365;
	left -= c1 * 365;
	*year = (int)(c400 * 400 + c100 * 100 + c4 * 4 + c1 + 1);
	while (left >= days_before(*year, m + 1))
		m++;
	*month = m;
	*mday = (int)(left - days_before(*year, m)) + 1;
}

/* Down, not towards zero: the last second of 1969 is of day -1. */
int64_t
rsg_clock_day(int64_t us)
{
	return us / RSG_DAY_US - (us % RSG_DAY_US < 0);
}

/* What is left of a text that is read from its front. */
struct scan {
	const char *p;
	size_t left;
};

static bool
next_is(struct scan *s, char c)
{
	if (s->left == 0 || *s->p != c)
		return false;
	s->p++;
	s->left--;
	return true;
}

static bool
next_digit(struct scan *s, int *digit)
{
	if (s->left == 0 || *s->p < '0' || *s->p > '9')
		return false;
	*digit = *s->p - '0';
	s->p++;
	s->left--;
	return true;
}

/* Exactly `digits` digits, at most `max`. */
static bool
number(struct scan *s, int digits, int max, int *out)
{
	int digit;

	*out = 0;
	while (digits-- > 0) {
		if (!next_digit(s, &digit))
			return false;
		*out = *out * 10 + digit;
	}
	return *out <= max;
}

/* The readers below take what they need from the front or say no. */
static bool
date(struct scan *s, int64_t *day)
{
	int y, m, d;

	if (!number(s, 4, 9999, &y) || !next_is(s, '-') ||
	    !number(s, 2, 12, &m) || !next_is(s, '-') ||
	    !number(s, 2, 31, &d))
		return false;
	if (y < 1 || m < 1 || d < 1)
		return false;
	/* 31 was the rough limit; this month may be shorter. */
	if (d > days_before(y, m + 1) - days_before(y, m))
		return false;
	*day = rsg_clock_day_of(y, m, d);
	return true;
}

/* One to nine decimals, as microseconds. */
static bool
fraction(struct scan *s, int64_t *us)
{
	int64_t unit = RSG_US;
	int digit, n = 0;

	*us = 0;
	while (next_digit(s, &digit)) {
		if (++n > MAX_DECIMALS)
			return false;
		unit /= 10;
		*us += digit * unit;
	}
	return n > 0;
}

/*
 * No second 60: a leap second has no microsecond of its own to be kept as,
 * and taking it for the next minute would reorder what happened.
 */
static bool
time_of_day(struct scan *s, int64_t *us)
{
	int h, m, sec;
	int64_t part = 0;

	if (!number(s, 2, 23, &h) || !next_is(s, ':') ||
	    !number(s, 2, 59, &m) || !next_is(s, ':') ||
	    !number(s, 2, 59, &sec))
		return false;
	if (next_is(s, '.') && !fraction(s, &part))
		return false;
	*us = ((int64_t)h * 3600 + m * 60 + sec) * RSG_US + part;
	return true;
}

/* What local time is ahead of UTC. -00:00, an unknown place, is UTC too. */
static bool
offset(struct scan *s, bool bare, int64_t *us)
{
	bool west;
	int h, m;

	*us = 0;
	if (s->left == 0)
		return bare;
	if (next_is(s, 'Z'))
		return true;
	west = next_is(s, '-');
	if (!west && !next_is(s, '+'))
		return false;
	if (!number(s, 2, 23, &h) || !next_is(s, ':') || !number(s, 2, 59, &m))
		return false;
	*us = ((int64_t)h * 3600 + m * 60) * (west ? -RSG_US : RSG_US);
	return true;
}

bool
rsg_clock_parse(const char *p, size_t n, bool bare, int64_t *us)
{
	struct scan s = { p, n };
	int64_t day, within, ahead, t;

	if (!date(&s, &day))
		return false;
	if (!next_is(&s, 'T') && !next_is(&s, ' '))
		return false;
	if (!time_of_day(&s, &within) || !offset(&s, bare, &ahead) || s.left > 0)
		return false;
	/* An offset may lead out of the first or the last year. */
	t = day * RSG_DAY_US + within - ahead;
	if (t < RSG_TIME_MIN || t > RSG_TIME_MAX)
		return false;
	*us = t;
	return true;
}

bool
rsg_clock_parse_day(const char *p, size_t n, int64_t *day)
{
	struct scan s = { p, n };

	return n == DAY_CHARS && date(&s, day);
}

void
rsg_clock_text(int64_t us, char text[RSG_TIME_TEXT])
{
	int64_t day, within, sec;
	int y, m, d, n;

	if (us < RSG_TIME_MIN)
		us = RSG_TIME_MIN;
	if (us > RSG_TIME_MAX)
		us = RSG_TIME_MAX;
	day = rsg_clock_day(us);
	within = us - day * RSG_DAY_US;
	sec = within / RSG_US;
	rsg_clock_civil(day, &y, &m, &d);
	n = snprintf(text, RSG_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
	    y, m, d, (int)(sec / 3600), (int)(sec / 60 % 60), (int)(sec % 60));
	if (within % RSG_US != 0)
		n += snprintf(text + n, RSG_TIME_TEXT - (size_t)n, ".%06d",
		    (int)(within % RSG_US));
	(void)snprintf(text + n, RSG_TIME_TEXT - (size_t)n, "Z");
}

void
rsg_clock_day_text(int64_t day, char text[RSG_DAY_TEXT])
{
	int y, m, d;

	rsg_clock_civil(day, &y, &m, &d);
	(void)snprintf(text, RSG_DAY_TEXT, "%04d-%02d-%02d", y, m, d);
}
