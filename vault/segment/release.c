#include "segment/release.h"

#include <stdlib.h>
#include <string.h>

#include "audit/merkle.h"
#include "work/vault.h"

#define FORMAT_FIRST	1
#define PAGE_VERSION	1
#define CURSOR_LEN	28
#define BUCKETS		65536

_Static_assert(sizeof(struct rsg_member) == 51, "an array of members is a page");

static const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };

enum rsg_action
rsg_release_action(const struct rsg_release *r)
{
	return r->ask.purpose != 0 ? RSG_ACT_ASK_PEOPLE : RSG_ACT_RELEASE;
}

/* --- Rows --- */

void
rsg_release_put(const struct rsg_release *r, struct rsg_buf *b)
{
	rsg_buf_u8(b, r->format);
	rsg_buf_put(b, r->model.b, RSG_ID_LEN);
	rsg_buf_u16(b, r->purpose);
	rsg_buf_u8(b, (uint8_t)strlen(r->segment));
	rsg_buf_str(b, r->segment);
	rsg_buf_put(b, &r->range, sizeof(r->range));
	rsg_buf_u32(b, r->k);
	rsg_buf_u32(b, r->epoch);
	rsg_buf_u64(b, r->count);
	if (r->format != RSG_RELEASE_ASKS)
		return;
	rsg_buf_u16(b, r->ask.purpose);
	rsg_buf_u8(b, r->ask.channel);
	rsg_buf_u8(b, r->ask.by);
}

enum rsg_err
rsg_release_get(struct rsg_release *r, const uint8_t *p, size_t len)
{
	const uint8_t *q;
	struct rsg_rd in;
	size_t n;

	rsg_rd_init(&in, p, len);
	r->format = rsg_rd_u8(&in);
	if (r->format < FORMAT_FIRST || r->format > RSG_RELEASE_ASKS)
		return RSG_TAMPERED;
	if ((q = rsg_rd_get(&in, RSG_ID_LEN)) != NULL)
		memcpy(r->model.b, q, RSG_ID_LEN);
	r->purpose = rsg_rd_u16(&in);
	n = rsg_rd_u8(&in);
	memset(r->segment, 0, sizeof(r->segment));
	if ((q = rsg_rd_get(&in, n)) == NULL || n >= sizeof(r->segment))
		return RSG_TAMPERED;
	memcpy(r->segment, q, n);
	if ((q = rsg_rd_get(&in, sizeof(r->range))) != NULL)
		memcpy(&r->range, q, sizeof(r->range));
	r->k = rsg_rd_u32(&in);
	r->epoch = rsg_rd_u32(&in);
	r->count = rsg_rd_u64(&in);
	memset(&r->ask, 0, sizeof(r->ask));
	if (r->format == RSG_RELEASE_ASKS) {
		r->ask.purpose = rsg_rd_u16(&in);
		r->ask.channel = rsg_rd_u8(&in);
		r->ask.by = rsg_rd_u8(&in);
		if (r->ask.purpose == 0)
			return RSG_TAMPERED;
	}
	return rsg_rd_end(&in) ? RSG_OK : RSG_TAMPERED;
}

enum rsg_err
rsg_release_mac(const struct rsg_keyring *keys, const struct rsg_release *r,
    uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b, definition;
	enum rsg_err e;

	rsg_buf_init(&b, 1024);
	rsg_buf_init(&definition, 256);
	rsg_release_put(r, &definition);
	rsg_mac_bytes(&b, r->id.b, RSG_ID_LEN);
	rsg_mac_int(&b, r->controller);
	rsg_mac_int(&b, r->recipient);
	rsg_mac_int(&b, r->created);
	rsg_mac_int(&b, r->snapshot);
	rsg_mac_bytes(&b, definition.p, definition.len);
	rsg_mac_int(&b, r->pages);
	if ((e = rsg_buf_err(&definition)) == RSG_OK)
		e = rsg_row_mac(keys, "release", &b, mac);
	rsg_buf_free(&definition);
	rsg_buf_free(&b);
	return e;
}

struct rsg_place_of
rsg_release_place(const struct rsg_release *r, uint32_t page)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_PAGE,
	    .controller = r->controller, .pk = r->id,
	    .pk2 = rsg_seal_number(page), .version = PAGE_VERSION };
}

/* --- Members --- */

static uint32_t
bucket_of(const struct rsg_member *m)
{
	return rsg_get16(m->pseudonym.b);
}

static void
insertion_sort(struct rsg_member *m, size_t n)
{
	struct rsg_member x;
	size_t j;

	for (size_t i = 1; i < n; i++) {
		x = m[i];
		for (j = i; j > 0 && rsg_id_cmp(&m[j - 1].pseudonym, &x.pseudonym) > 0; j--)
			m[j] = m[j - 1];
		m[j] = x;
	}
}

/* Swap each member to its bucket, then put the few in each in order. */
enum rsg_err
rsg_release_sort(struct rsg_member *m, size_t n)
{
	uint32_t *next, *end, at;
	struct rsg_member x;

	if ((next = calloc(2 * BUCKETS, sizeof(*next))) == NULL)
		return RSG_NO_MEMORY;
	end = next + BUCKETS;
	for (size_t i = 0; i < n; i++)
		end[bucket_of(&m[i])]++;
	for (uint32_t b = 1; b < BUCKETS; b++) {
		next[b] = end[b - 1];
		end[b] += end[b - 1];
	}
	for (uint32_t b = 0; b < BUCKETS; b++) {
		while (next[b] < end[b]) {
			if ((at = bucket_of(&m[next[b]])) == b) {
				next[b]++;
				continue;
			}
			x = m[next[at]];
			m[next[at]++] = m[next[b]];
			m[next[b]] = x;
		}
	}
	for (uint32_t b = 0; b < BUCKETS; b++)
		insertion_sort(&m[b == 0 ? 0 : end[b - 1]],
		    end[b] - (b == 0 ? 0 : end[b - 1]));
	free(next);
	return RSG_OK;
}

size_t
rsg_release_coarsen(struct rsg_member *m, size_t n, uint32_t bins, uint32_t k)
{
	struct rsg_cells cells = { .bins = bins };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		cells.n[rsg_cells_at(bins, m[i].score)]++;
	rsg_cells_hide(&cells, k);
	for (size_t i = 0; i < n; i++)
		if (!cells.hidden[rsg_cells_at(bins, m[i].score)])
			m[kept++] = m[i];
	return kept;
}

void
rsg_release_root(const struct rsg_member *m, size_t n, uint8_t (*leaf)[32],
    uint8_t root[32])
{
	for (size_t i = 0; i < n; i++)
		rsg_merkle_leaf(m[i].commitment, sizeof(m[i].commitment), leaf[i]);
	rsg_merkle_root(leaf, n, root);
}

/* --- Cursors --- */

static struct rsg_place_of
cursor_place(const struct rsg_call *c)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_TOKEN,
	    .controller = c->actor.controller, .pk = c->actor.credential };
}

enum rsg_err
rsg_cursor_put(struct rsg_call *c, const struct rsg_keyring *keys,
    const struct rsg_id *release, uint32_t page, int64_t expires)
{
	const struct rsg_place_of at = cursor_place(c);
	uint8_t text[CURSOR_LEN];
	struct rsg_buf b;
	enum rsg_err e;

	memcpy(text, release->b, RSG_ID_LEN);
	rsg_be32(text + 16, page);
	rsg_be64(text + 20, (uint64_t)expires);
	rsg_buf_init(&b, 512);
	e = rsg_service_seal(keys, session, &at, text, sizeof(text), &b);
	if (e == RSG_OK)
		rsg_msg_bytes(&c->out, RSG_F_NEXT, b.p, b.len);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_cursor_get(const struct rsg_call *c, const struct rsg_keyring *keys, int64_t now,
    struct rsg_id *release, uint32_t *page)
{
	const struct rsg_place_of at = cursor_place(c);
	const uint8_t *p;
	uint8_t text[512];
	size_t len, n;
	enum rsg_err e;

	if (!rsg_msg_get(c->in, RSG_F_CURSOR, &p, &len) || len > sizeof(text))
		return RSG_BAD_CURSOR;
	e = rsg_service_open(keys, session, &at, p, len, text, &n);
	if (e != RSG_OK || n != CURSOR_LEN)
		return e == RSG_OK || e == RSG_TAMPERED ? RSG_BAD_CURSOR : e;
	memcpy(release->b, text, RSG_ID_LEN);
	*page = rsg_get32(text + 16);
	return (int64_t)rsg_get64(text + 20) <= now ? RSG_EXPIRED_CURSOR : RSG_OK;
}
