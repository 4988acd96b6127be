/*
 * clock.h - time, dates and their text forms.
 *
 * A time is microseconds since 1970-01-01 UTC; a day is a count of days
 * since then. Both are int64_t; proleptic Gregorian, years 1 to 9999.
 */
#ifndef RESGUARDO_CLOCK_H
#define RESGUARDO_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSG_US		INT64_C(1000000)
#define RSG_DAY_US	(INT64_C(86400) * RSG_US)
#define RSG_DAY_MIN	INT64_C(-719162)	/* 0001-01-01 */
#define RSG_DAY_MAX	INT64_C(2932896)	/* 9999-12-31 */
#define RSG_TIME_MIN	(RSG_DAY_MIN * RSG_DAY_US)
#define RSG_TIME_MAX	((RSG_DAY_MAX + 1) * RSG_DAY_US - 1)
#define RSG_TIME_TEXT	32		/* "2026-11-21T20:27:13.000001Z" and NUL */
#define RSG_DAY_TEXT	16

int64_t rsg_clock_now(void);		/* wall clock, microseconds UTC */
int64_t rsg_clock_mono(void);		/* monotonic, microseconds */

/*
 * RFC 3339 with offset, 'T' or blank between; no offset means UTC only with
 * `bare` set. False on anything else: 30 February, second 60, more than nine
 * decimals. What is finer than a microsecond is dropped.
 */
bool rsg_clock_parse(const char *, size_t, bool bare, int64_t *us);
/* In UTC, with decimals only where there are any; clamped to the years above. */
void rsg_clock_text(int64_t us, char [RSG_TIME_TEXT]);

/* YYYY-MM-DD. */
bool rsg_clock_parse_day(const char *, size_t, int64_t *day);
void rsg_clock_day_text(int64_t day, char [RSG_DAY_TEXT]);

int64_t rsg_clock_day(int64_t us);	/* floor, UTC */
/* From year 1. A month past 12 or before 1 carries into the year. */
int64_t rsg_clock_day_of(int year, int month, int day);
void rsg_clock_civil(int64_t day, int *year, int *month, int *mday);

#endif
