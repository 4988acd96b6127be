#include <stdlib.h>

#include "audit/entry.h"
#include "audit/merkle.h"
#include "resguardo/clock.h"
#include "work/among.h"

struct rsg_among {
	struct rsg_worker *w;
	struct rsg_call *c;
	size_t n, max;
	uint8_t (*commitment)[32], (*leaf)[32];
	int64_t *token;
};

enum rsg_err
rsg_among_new(struct rsg_worker *w, struct rsg_call *c, size_t max, struct rsg_among **out)
{
	struct rsg_among *b = calloc(1, sizeof(*b));

	*out = b;
	if (b == NULL)
		return RSG_NO_MEMORY;
	b->w = w;
	b->c = c;
	b->max = max;
	c->draft.entry = rsg_entry_id(w->now);
	c->draft.staged = false;
	b->commitment = calloc(max + 1, sizeof(*b->commitment));
	b->leaf = calloc(max + 1, sizeof(*b->leaf));
	b->token = calloc(max + 1, sizeof(*b->token));
	return b->commitment == NULL || b->leaf == NULL || b->token == NULL ?
	    RSG_NO_MEMORY : RSG_OK;
}

void
rsg_among_add(struct rsg_among *b, const uint8_t evidence[RSG_KEY_LEN],
    const struct rsg_id *subject)
{
	uint8_t key[RSG_KEY_LEN];

	if (b->n == b->max)
		abort();
	rsg_entry_share_key(evidence, RSG_SHARE_PAGE, &b->c->draft.entry, key);
	rsg_entry_share(key, subject, NULL, 0, b->commitment[b->n]);
	rsg_merkle_leaf(b->commitment[b->n], 32, b->leaf[b->n]);
	b->token[b->n] = rsg_entry_token(evidence, rsg_clock_day(b->w->now));
	b->n++;
	rsg_secret_wipe(key, sizeof(key));
}

void
rsg_among_end(struct rsg_among *b)
{
	struct rsg_draft *d = &b->c->draft;
	struct rsg_bind *row;

	d->people = (uint32_t)b->n;
	rsg_merkle_root(b->leaf, b->n, d->root);
	if (b->n == 0)
		return;
	row = rsg_db_bind(b->w->db, RSG_SQL_AUDIT_PAGE_PEOPLE);
	rsg_bind_id(row, 0, &d->entry);
	rsg_bind_int(row, 1, b->w->now);
	rsg_bind_int(row, 2, b->c->actor.controller);
	for (size_t i = 0; i < b->n; i++)
		rsg_bind_int(row, 3, b->token[i]);
	rsg_bind_bytes(row, 4, b->commitment, b->n * sizeof(*b->commitment));
	(void)rsg_db_send(b->w->db, row);
}

void
rsg_among_free(struct rsg_among *b)
{
	if (b == NULL)
		return;
	free(b->commitment);
	free(b->leaf);
	free(b->token);
	free(b);
}
