#include "segment/rfm.h"

#include <string.h>

#include "segment/days.h"
#include "segment/scratch.h"

#define BUCKET_BITS	12		/* 16 KiB of counts: they stay in cache */
#define BUCKETS		(1u << BUCKET_BITS)
#define RANKS		(RSG_RFM_BINS_MAX - 1)

bool
rsg_rfm_measure(const uint8_t *activity, size_t len,
    const struct rsg_rfm_window *w, struct rsg_rfm *out, enum rsg_err *err)
{
	int64_t since = w->days > 0 ? (int64_t)w->as_of - w->days : INT64_MIN;
	bool purchased = false;
	struct rsg_days d;
	struct rsg_day day;

	*out = (struct rsg_rfm){ 0 };
	rsg__days_start(&d, activity, len);
	while (rsg__days_next(&d, &day)) {
		if (day.day > w->as_of)
			continue;
		/* Newest first: nothing older can be in the window either. */
		if (day.day <= since)
			break;
		if (!purchased && (day.documents > 0 || day.gross != 0)) {
			if (__builtin_sub_overflow(w->as_of, day.day, &out->recency))
				out->recency = INT32_MAX;
			purchased = true;
		}
		out->frequency = rsg__days_add32(out->frequency, day.documents);
		out->monetary = rsg__days_add(out->monetary, day.gross);
		if (w->returns == RSG_RETURNS_GROSS)
			continue;
		out->monetary = rsg__days_sub(out->monetary, day.returned);
		if (w->returns == RSG_RETURNS_NET_DEDUP)
			out->monetary = rsg__days_sub(out->monetary, day.repeated);
	}
	*err = d.bad ? RSG_TAMPERED : RSG_OK;
	return !d.bad && out->frequency > 0;
}

/* --- Selection: the values at a few ranks, without sorting the rest --- */

/* The order of signed numbers, as unsigned ones. */
static uint64_t
key_of(int64_t v)
{
	return (uint64_t)v ^ (UINT64_C(1) << 63);
}

static int64_t
value_of(uint64_t key)
{
	return (int64_t)(key ^ (UINT64_C(1) << 63));
}

/* How far down a key of the range [least, most] goes to number a bucket. */
static unsigned
shift_for(uint64_t least, uint64_t most)
{
	uint64_t span = most - least;
	unsigned bits = span == 0 ? 0 : 64 - (unsigned)__builtin_clzll(span);

	return bits > BUCKET_BITS ? bits - BUCKET_BITS : 0;
}

static void
bounds(const uint64_t *v, size_t n, uint64_t *least, uint64_t *most)
{
	*least = *most = v[0];
	for (size_t i = 1; i < n; i++) {
		*least = v[i] < *least ? v[i] : *least;
		*most = v[i] > *most ? v[i] : *most;
	}
}

/* Bring the keys of one bucket to the front; the others stay behind them. */
static void
gather(uint64_t *v, size_t n, uint64_t least, unsigned shift, uint64_t bucket)
{
	size_t front = 0;
	uint64_t swap;

	for (size_t i = 0; i < n; i++) {
		if ((v[i] - least) >> shift != bucket)
			continue;
		swap = v[front];
		v[front++] = v[i];
		v[i] = swap;
	}
}

/*
 * Write the key at each of `nranks` ascending ranks (from 0) to `out`. Each
 * level splits a range 4,096 ways, so that the worst input goes six deep:
 * nobody's amounts can make this slow.
 */
static void
select_ranks(uint64_t *v, size_t n, const size_t *rank, size_t nranks, uint64_t *out)
{
	uint32_t count[BUCKETS];
	uint64_t least, most, bucket = 0;
	size_t inner[RANKS], before = 0, last;
	unsigned shift;

	bounds(v, n, &least, &most);
	shift = shift_for(least, most);
	memset(count, 0, sizeof(count));
	for (size_t i = 0; i < n; i++)
		count[(v[i] - least) >> shift]++;
	for (size_t i = 0; i < nranks; i = last) {
		while (before + count[bucket] <= rank[i])
			before += count[bucket++];
		/* All ranks that fall into this bucket are found together. */
		for (last = i; last < nranks && rank[last] < before + count[bucket]; last++) {
			inner[last - i] = rank[last] - before;
			out[last] = least + bucket;
		}
		if (shift == 0)
			continue;
		gather(v, n, least, shift, bucket);
		select_ranks(v, count[bucket], inner, last - i, &out[i]);
	}
}

/* Cut j: the smallest value v with B x (people at v or below) >= j x N. */
static void
cut(uint64_t *v, size_t n, uint32_t bins, int64_t *cuts)
{
	size_t rank[RANKS] = { 0 };
	uint64_t key[RANKS] = { 0 };

	for (size_t j = 1; j < bins; j++)
		rank[j - 1] = (j * n + bins - 1) / bins - 1;
	select_ranks(v, n, rank, bins - 1, key);
	for (size_t j = 0; j + 1 < bins; j++)
		cuts[j] = value_of(key[j]);
}

enum rsg_err
rsg_rfm_fit(const struct rsg_rfm *p, size_t n, uint32_t bins,
    struct rsg_rfm_cuts *out)
{
	uint64_t *v;

	*out = (struct rsg_rfm_cuts){ .bins = bins };
	if (bins < RSG_RFM_BINS_MIN || bins > RSG_RFM_BINS_MAX)
		return RSG_BAD_VALUE;
	if (n == 0)
		return RSG_EMPTY_POPULATION;
	if (n > (size_t)1 << 31)
		return RSG_TOO_LARGE;
	if ((v = rsg_scratch_new(n * sizeof(*v))) == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		v[i] = key_of(-(int64_t)p[i].recency);
	cut(v, n, bins, out->r);
	for (size_t i = 0; i < n; i++)
		v[i] = key_of(p[i].frequency);
	cut(v, n, bins, out->f);
	for (size_t i = 0; i < n; i++)
		v[i] = key_of(p[i].monetary);
	cut(v, n, bins, out->m);
	rsg_scratch_free(v, n * sizeof(*v), n * sizeof(*v));
	return RSG_OK;
}

static uint8_t
score(const int64_t *cuts, uint32_t bins, int64_t v)
{
	uint8_t s = 1;

	for (uint32_t j = 0; j + 1 < bins; j++)
		s = (uint8_t)(s + (v > cuts[j]));
	return s;
}

struct rsg_score
rsg_rfm_score(const struct rsg_rfm_cuts *c, const struct rsg_rfm *p)
{
	return (struct rsg_score){
		score(c->r, c->bins, -(int64_t)p->recency),
		score(c->f, c->bins, p->frequency),
		score(c->m, c->bins, p->monetary),
	};
}
