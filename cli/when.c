#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/when.h"
#include "resguardo/clock.h"

bool
rsg_when_zone(const char *zone)
{
	char path[256];

	/* An unknown zone would silently mean UTC. */
	if (strcmp(zone, "UTC") != 0) {
		if (*zone == '/' || strstr(zone, "..") != NULL ||
		    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone) >=
		    (int)sizeof(path) || access(path, R_OK) != 0)
			return false;
	}
	if (setenv("TZ", zone, 1) != 0)
		return false;
	tzset();
	return true;
}

/* Exactly `n` digits at *p; moves over them. */
static bool
digits(const char **p, const char *end, size_t n, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*p)++) {
		if (*p == end || **p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool
mark(const char **p, const char *end, char c)
{
	return *p < end && *(*p)++ == c;
}

static bool
time_of_day(const char **p, const char *end, struct tm *tm)
{
	if (!digits(p, end, 2, &tm->tm_hour) || !mark(p, end, ':') ||
	    !digits(p, end, 2, &tm->tm_min))
		return false;
	tm->tm_sec = 0;
	if (*p < end && (!mark(p, end, ':') || !digits(p, end, 2, &tm->tm_sec)))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

bool
rsg_when_parse(enum rsg_when form, const char *p, size_t len, int64_t *us)
{
	const char *end = p + len;
	struct tm tm = { .tm_hour = 12, .tm_isdst = -1 };
	int64_t day;
	time_t t;

	if (form == RSG_WHEN_RFC3339)
		return rsg_clock_parse(p, len, false, us);
	/* The calendar's rules stand in one place. */
	if (len < 10 || !rsg_clock_parse_day(p, 10, &day))
		return false;
	rsg_clock_civil(day, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	p += 10;
	if (form == RSG_WHEN_DATETIME) {
		if (p == end || (*p != ' ' && *p != 'T'))
			return false;
		p++;
		if (!time_of_day(&p, end, &tm))
			return false;
	}
	if (p != end)
		return false;
	t = mktime(&tm);
	*us = (int64_t)t * RSG_US;
	return true;
}
