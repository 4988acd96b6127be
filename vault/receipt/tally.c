#include <stdlib.h>
#include <string.h>

#include "receipt/tally.h"

#define SLOTS	(2 * RSG_TALLY_ROWS)	/* power of two; half of them stay free */

struct rsg_tally {
	size_t n;
	struct rsg_tally_row row[RSG_TALLY_ROWS];
	uint16_t slot[SLOTS];		/* place + 1; 0: free */
};

_Static_assert(sizeof(struct rsg_tally_key) == 72 + 4 + 2 + 6,
    "no bytes that nobody sets");

enum rsg_err
rsg_tally_new(struct rsg_tally **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? RSG_OK : RSG_NO_MEMORY;
}

void
rsg_tally_free(struct rsg_tally *t)
{
	free(t);
}

/* FNV-1a: nobody chooses these keys but the policy and our own notices. */
static uint64_t
hash(const struct rsg_tally_key *k)
{
	const uint8_t *p = (const uint8_t *)k;
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < sizeof(*k); i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

static void
sum(int64_t *to, int64_t add)
{
	if (__builtin_add_overflow(*to, add, to))
		*to = add > 0 ? INT64_MAX : INT64_MIN;
}

enum rsg_err
rsg_tally_count(struct rsg_tally *t, const struct rsg_tally_row *add)
{
	size_t i = (size_t)hash(&add->key) & (SLOTS - 1);
	struct rsg_tally_row *row;

	while (t->slot[i] != 0 &&
	    memcmp(&t->row[t->slot[i] - 1].key, &add->key, sizeof(add->key)) != 0)
		i = (i + 1) & (SLOTS - 1);
	if (t->slot[i] == 0) {
		if (t->n == RSG_TALLY_ROWS)
			return RSG_TOO_LARGE;
		t->row[t->n].key = add->key;
		t->slot[i] = (uint16_t)++t->n;
	}
	row = &t->row[t->slot[i] - 1];
	sum(&row->count, add->count);
	sum(&row->people, add->people);
	if (add->who != 0 && row->who != add->who) {
		row->who = add->who;
		sum(&row->people, 1);
	}
	sum(&row->given, add->given);
	sum(&row->estimate, add->estimate);
	sum(&row->net, add->net);
	sum(&row->goods, add->goods);
	return RSG_OK;
}

enum rsg_err
rsg_tally_add(struct rsg_tally *t, const struct rsg_tally_key *k, int64_t count,
    int64_t given, int64_t estimate)
{
	const struct rsg_tally_row row = { .key = *k, .count = count, .given = given,
	    .estimate = estimate };

	return rsg_tally_count(t, &row);
}

enum rsg_err
rsg_tally_merge(struct rsg_tally *to, const struct rsg_tally *from)
{
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < from->n && e == RSG_OK; i++) {
		struct rsg_tally_row row = from->row[i];

		row.who = 0;		/* they are among its people already */
		e = rsg_tally_count(to, &row);
	}
	return e;
}

static int
by_marks(const void *a, const void *b)
{
	const struct rsg_tally_key *x = &((const struct rsg_tally_row *)a)->key,
	    *y = &((const struct rsg_tally_row *)b)->key;

	if (x->total != y->total)
		return x->total < y->total ? -1 : 1;
	if (x->month != y->month)
		return x->month < y->month ? -1 : 1;
	if (x->purpose != y->purpose)
		return x->purpose < y->purpose ? -1 : 1;
	if (x->channel != y->channel)
		return x->channel < y->channel ? -1 : 1;
	if (x->status != y->status)
		return x->status < y->status ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (strcmp(x->name, y->name) != 0)
		return strcmp(x->name, y->name);
	return x->within < y->within ? -1 : x->within > y->within;
}

const struct rsg_tally_row *
rsg_tally_rows(struct rsg_tally *t, size_t *n)
{
	qsort(t->row, t->n, sizeof(t->row[0]), by_marks);
	*n = t->n;
	return t->row;
}
