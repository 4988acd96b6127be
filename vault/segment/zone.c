#include "segment/zone.h"

#include <stdlib.h>
#include <string.h>

#include "resguardo/clock.h"

#define NAME_MAX_LEN	63

/* From this day on, until the next piece, each day starts 24 hours later. */
struct piece {
	int64_t start;			/* us */
	int64_t day;
};

struct rsg_zone {
	size_t n;
	struct piece piece[];
};

/* PostgreSQL also takes POSIX rules ("XYZ+5"), which no list of zones has. */
static bool
is_name(const char *name)
{
	size_t len = strnlen(name, NAME_MAX_LEN + 1);

	if (len == 0 || len > NAME_MAX_LEN || name[0] == '/')
		return false;
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789_+-/") != len)
		return false;
	return strcmp(name, "UTC") == 0 || strchr(name, '/') != NULL;
}

static enum rsg_err
build(const struct rsg_result *r, struct rsg_zone **out)
{
	int n = rsg_result_rows(r);
	struct rsg_zone *z;

	if (n < 1)
		return RSG_BAD_VALUE;
	if ((z = calloc(1, sizeof(*z) + (size_t)n * sizeof(z->piece[0]))) == NULL)
		return RSG_NO_MEMORY;
	z->n = (size_t)n;
	for (int i = 0; i < n; i++) {
		z->piece[i].day = rsg_result_int(r, i, 0);
		z->piece[i].start = rsg_result_int(r, i, 1) * RSG_US;
	}
	*out = z;
	return RSG_OK;
}

enum rsg_err
rsg_zone_load(struct rsg_db *db, const char *name, struct rsg_zone **out)
{
	struct rsg_bind *b;
	enum rsg_err e;
	int at;

	*out = NULL;
	if (!is_name(name))
		return RSG_BAD_VALUE;
	if ((e = rsg_db_ready(db)) != RSG_OK)
		return e;
	b = rsg_db_bind(db, RSG_SQL_ZONE);
	rsg_bind_text(b, 0, name, strlen(name));
	at = rsg_db_send(db, b);
	if ((e = rsg_db_fetch(db)) == RSG_OK)
		e = build(rsg_db_result(db, at), out);
	if (e == RSG_OK)
		e = rsg_db_commit(db);
	else
		rsg_db_rollback(db);
	if (e != RSG_OK) {
		rsg_zone_free(*out);
		*out = NULL;
	}
	return e;
}

void
rsg_zone_free(struct rsg_zone *z)
{
	free(z);
}

static int64_t
floor_days(int64_t us)
{
	return us / RSG_DAY_US - (us % RSG_DAY_US < 0);
}

int32_t
rsg_zone_day(const struct rsg_zone *z, int64_t us)
{
	size_t low = 0, high = z->n, mid;
	int64_t day;

	/* The last piece that starts at or before the instant, or the first. */
	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (z->piece[mid].start <= us)
			low = mid;
		else
			high = mid;
	}
	if (us < RSG_TIME_MIN)
		us = RSG_TIME_MIN;
	if (us > RSG_TIME_MAX)
		us = RSG_TIME_MAX;
	day = z->piece[low].day + floor_days(us - z->piece[low].start);
	/* The last hour of a long day still belongs to it. */
	if (low + 1 < z->n && day >= z->piece[low + 1].day)
		day = z->piece[low + 1].day - 1;
	return (int32_t)day;
}

#define MINUTE_US	(60 * RSG_US)
#define MORNING		(6 * 60)
#define DAY_MINUTES	(24 * 60)

static int64_t
day_start(const struct rsg_zone *z, int64_t day)
{
	size_t i = z->n - 1;

	while (i > 0 && z->piece[i].day > day)
		i--;
	return z->piece[i].start + (day - z->piece[i].day) * RSG_DAY_US;
}

void
rsg_zone_minutes(const struct rsg_zone *z, int64_t us, int *from_start, int *from_end)
{
	int64_t day = rsg_zone_day(z, us), left = day_start(z, day + 1) - us;

	*from_start = (int)((us - day_start(z, day)) / MINUTE_US);
	*from_end = DAY_MINUTES - (int)((left + MINUTE_US - 1) / MINUTE_US);
}

int
rsg_zone_minute(const struct rsg_zone *z, int64_t us)
{
	int from_start, from_end;

	rsg_zone_minutes(z, us, &from_start, &from_end);
	return from_start < MORNING ? from_start : from_end;
}

int64_t
rsg_zone_instant(const struct rsg_zone *z, int64_t day, int minute)
{
	if (minute < MORNING)
		return day_start(z, day) + minute * MINUTE_US;
	return day_start(z, day + 1) - (DAY_MINUTES - minute) * MINUTE_US;
}
