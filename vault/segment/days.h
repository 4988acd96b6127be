/*
 * days.h - one encoded day of an activity, read without building anything.
 *
 * Shared by activity.c, which builds, and rfm.c, which does this a million
 * times a scan: hence inline and without a reader's calls. Days stand newest
 * first, so that a scan stops at its window. docs/FORMAT.md, "Activity".
 */
#ifndef RSG_DAYS_H
#define RSG_DAYS_H

#include "resguardo/clock.h"
#include "segment/activity.h"

#define RSG_DAYS_FORMAT		1

/* A day's flags: which figures follow. Two bits say 0, 1, 2 or many documents. */
#define RSG_DAYS_DOCUMENTS	0x03
#define RSG_DAYS_GROSS		0x04
#define RSG_DAYS_RETURNED	0x08
#define RSG_DAYS_REPEATED	0x10
#define RSG_DAYS_COST		0x20
#define RSG_DAYS_CONTACTS	0x40
#define RSG_DAYS_GIVEN		0x80
#define RSG_DAYS_MANY		3

struct rsg_days {
	const uint8_t *p, *end;
	uint64_t left;			/* days not read yet */
	int64_t next;			/* no day from here on is later than this */
	bool first, bad;
};

/* LEB128 in its shortest form, as rsg_rd_varint() reads it. */
static inline uint64_t
rsg__days_varint_long(struct rsg_days *d)
{
	uint64_t v = 0;
	uint8_t c = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (d->p == d->end)
			break;
		c = *d->p++;
		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			if (c == 0 && shift > 0)
				break;
			return v;
		}
	}
	d->bad = true;
	return 0;
}

/*
 * Steps between days take one byte. Amounts take one to four, which no
 * processor guesses: all four are read at once and put together without asking.
 */
static inline uint64_t
rsg__days_varint(struct rsg_days *d)
{
	uint32_t four, stop, v;
	unsigned more;

	if (d->p != d->end && *d->p < 0x80)
		return *d->p++;
	if (d->end - d->p < 4)
		return rsg__days_varint_long(d);
	four = (uint32_t)d->p[0] | (uint32_t)d->p[1] << 8 |
	    (uint32_t)d->p[2] << 16 | (uint32_t)d->p[3] << 24;
	if ((stop = ~four & 0x80808080) == 0)
		return rsg__days_varint_long(d);
	more = (unsigned)__builtin_ctz(stop) / 8;	/* bytes after the first */
	four &= stop ^ (stop - 1);
	v = (four & 0x7f) | (four >> 1 & 0x3f80) | (four >> 2 & 0x1fc000) |
	    (four >> 3 & 0xfe00000);
	d->p += more + 1;
	if (v >> 7 * more == 0)		/* its last byte was not needed */
		d->bad = true;
	return v;
}

static inline int64_t
rsg__days_svarint(struct rsg_days *d)
{
	uint64_t u = rsg__days_varint(d);

	return (int64_t)(u & 1 ? ~(u >> 1) : u >> 1);
}

/* A figure that its flag announced: zero would not have been written. */
static inline int64_t
rsg__days_figure(struct rsg_days *d, uint8_t flags, uint8_t flag)
{
	int64_t v;

	if ((flags & flag) == 0)
		return 0;
	if ((v = rsg__days_svarint(d)) == 0)
		d->bad = true;
	return v;
}

static inline uint32_t
rsg__days_u32(struct rsg_days *d, uint64_t least)
{
	uint64_t v = rsg__days_varint(d);

	if (v < least || v > UINT32_MAX)
		d->bad = true;
	return (uint32_t)v;
}

static inline void
rsg__days_start(struct rsg_days *d, const uint8_t *p, size_t len)
{
	*d = (struct rsg_days){ .p = p, .end = p + len, .first = true };
	if (len == 0 || *d->p++ != RSG_DAYS_FORMAT) {
		d->bad = true;
		return;
	}
	d->left = rsg__days_varint(d);
}

/* The next older day; false at the end or when malformed (d->bad). */
static inline bool
rsg__days_next(struct rsg_days *d, struct rsg_day *day)
{
	uint64_t step;
	uint8_t flags;

	if (d->bad || d->left == 0)
		return false;
	d->left--;
	if (d->first) {
		d->next = rsg__days_svarint(d);
	} else {
		step = rsg__days_varint(d);
		if (step == 0 || step > UINT32_MAX)
			d->bad = true;
		d->next -= (int64_t)(uint32_t)step;
	}
	d->first = false;
	if (d->next < RSG_DAY_MIN || d->next > RSG_DAY_MAX || d->p == d->end)
		d->bad = true;
	if (d->bad)
		return false;
	day->day = (int32_t)d->next;
	flags = *d->p++;
	/* An empty day is never written. */
	if (flags == 0)
		d->bad = true;
	day->documents = flags & RSG_DAYS_DOCUMENTS;
	if (day->documents == RSG_DAYS_MANY)
		day->documents = rsg__days_u32(d, RSG_DAYS_MANY);
	day->gross = rsg__days_figure(d, flags, RSG_DAYS_GROSS);
	day->returned = rsg__days_figure(d, flags, RSG_DAYS_RETURNED);
	day->repeated = rsg__days_figure(d, flags, RSG_DAYS_REPEATED);
	day->cost = rsg__days_figure(d, flags, RSG_DAYS_COST);
	day->contacts = flags & RSG_DAYS_CONTACTS ? rsg__days_u32(d, 1) : 0;
	day->given = rsg__days_figure(d, flags, RSG_DAYS_GIVEN);
	return !d->bad;
}

static inline int64_t
rsg__days_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

static inline int64_t
rsg__days_sub(int64_t a, int64_t b)
{
	int64_t difference;

	if (__builtin_sub_overflow(a, b, &difference))
		return b < 0 ? INT64_MAX : INT64_MIN;
	return difference;
}

static inline uint32_t
rsg__days_add32(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

#endif
