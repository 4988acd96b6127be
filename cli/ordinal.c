#include <stdlib.h>
#include <string.h>

#include "cli/ordinal.h"

#define FIRST_SIZE	1024		/* a power of two, as every size */

struct slot {
	uint64_t digest[2];
	uint32_t count;			/* 0: free */
};

struct rsg_ordinal {
	struct slot *slot;
	size_t size, used;
};

enum rsg_err
rsg_ordinal_new(struct rsg_ordinal **out)
{
	struct rsg_ordinal *o = calloc(1, sizeof(*o));

	*out = NULL;
	if (o == NULL)
		return RSG_NO_MEMORY;
	o->size = FIRST_SIZE;
	if ((o->slot = calloc(o->size, sizeof(*o->slot))) == NULL) {
		free(o);
		return RSG_NO_MEMORY;
	}
	*out = o;
	return RSG_OK;
}

void
rsg_ordinal_free(struct rsg_ordinal *o)
{
	if (o == NULL)
		return;
	free(o->slot);
	free(o);
}

/* The digest's own slot, or the free one where it belongs. */
static struct slot *
find(struct slot *slot, size_t size, const uint64_t digest[2])
{
	size_t i = (size_t)digest[0] & (size - 1);

	while (slot[i].count != 0 && (slot[i].digest[0] != digest[0] ||
	    slot[i].digest[1] != digest[1]))
		i = (i + 1) & (size - 1);
	return &slot[i];
}

static enum rsg_err
grow(struct rsg_ordinal *o)
{
	struct slot *more = calloc(o->size * 2, sizeof(*more));

	if (more == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < o->size; i++)
		if (o->slot[i].count != 0)
			*find(more, o->size * 2, o->slot[i].digest) = o->slot[i];
	free(o->slot);
	o->slot = more;
	o->size *= 2;
	return RSG_OK;
}

enum rsg_err
rsg_ordinal_count(struct rsg_ordinal *o, const uint8_t digest[16], int64_t *before)
{
	uint64_t d[2];
	struct slot *s;
	enum rsg_err e;

	*before = 0;
	if (o->used * 10 >= o->size * 7 && (e = grow(o)) != RSG_OK)
		return e;
	memcpy(d, digest, sizeof(d));
	s = find(o->slot, o->size, d);
	if (s->count == 0) {
		memcpy(s->digest, d, sizeof(d));
		o->used++;
	}
	*before = s->count++;
	return RSG_OK;
}
