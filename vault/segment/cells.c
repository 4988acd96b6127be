#include "segment/cells.h"

#include <string.h>

static uint32_t
size_of(uint32_t bins)
{
	return bins * bins * bins;
}

uint32_t
rsg_cells_at(uint32_t bins, struct rsg_score s)
{
	return ((s.r - 1u) * bins + (s.f - 1u)) * bins + (s.m - 1u);
}

/* The smallest cell that shows; the number of cells when none does. */
static uint32_t
smallest(const struct rsg_cells *c)
{
	uint32_t at = size_of(c->bins);

	for (uint32_t i = 0; i < size_of(c->bins); i++)
		if (!c->hidden[i] && (at == size_of(c->bins) || c->n[i] < c->n[at]))
			at = i;
	return at;
}

void
rsg_cells_hide(struct rsg_cells *c, uint32_t k)
{
	uint64_t people = 0;
	uint32_t next;

	for (uint32_t i = 0; i < size_of(c->bins); i++) {
		c->hidden[i] = c->n[i] == 0 || c->n[i] < k;
		if (c->hidden[i])
			people += c->n[i];
	}
	/* One cell alone is always fewer than k. */
	while (people > 0 && people < k) {
		if ((next = smallest(c)) == size_of(c->bins))
			return;
		c->hidden[next] = true;
		people += c->n[next];
	}
}

void
rsg_cells_put(const struct rsg_cells *c, struct rsg_buf *out)
{
	for (uint32_t i = 0; i < size_of(c->bins); i++)
		rsg_buf_varint(out, c->n[i]);
}

enum rsg_err
rsg_cells_get(struct rsg_cells *c, uint32_t bins, struct rsg_rd *in)
{
	uint64_t n;

	memset(c, 0, sizeof(*c));
	c->bins = bins;
	for (uint32_t i = 0; i < size_of(bins); i++) {
		if ((n = rsg_rd_varint(in)) > UINT32_MAX)
			return RSG_TAMPERED;
		c->n[i] = (uint32_t)n;
	}
	return rsg_rd_ok(in) ? RSG_OK : RSG_TAMPERED;
}
