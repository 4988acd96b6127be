#include "resguardo/clock.h"
#include "segment/quiet.h"

#define HOUR_US		(3600 * RSG_US)
#define DAY_MINUTES	(24 * 60)
#define CHANGE_HOURS	3		/* no clock has changed by more */

static bool
between(int minute, unsigned from, unsigned to)
{
	unsigned m = (unsigned)(minute + DAY_MINUTES) % DAY_MINUTES;

	if (from == to)
		return false;
	return from < to ? m >= from && m < to : m >= from || m < to;
}

bool
rsg_quiet(const struct rsg_zone *z, int64_t us, unsigned from, unsigned to)
{
	int from_start, from_end;

	rsg_zone_minutes(z, us, &from_start, &from_end);
	return between(from_start, from, to) || between(from_end, from, to);
}

int64_t
rsg_quiet_end(const struct rsg_zone *z, int64_t us, unsigned from, unsigned to)
{
	int64_t day = rsg_zone_day(z, us), end;

	if (!rsg_quiet(z, us, from, to))
		return us;
	end = rsg_zone_instant(z, day, (int)to);
	if (end <= us)
		end = rsg_zone_instant(z, day + 1, (int)to);
	for (int i = 0; i < CHANGE_HOURS && rsg_quiet(z, end, from, to); i++)
		end += HOUR_US;
	return end;
}
