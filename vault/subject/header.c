#include "subject/header.h"

#include <string.h>

/*
 * What a scan needs stands in front, at places found without a loop over the
 * rest; what only a single read needs follows, and absent things cost nothing.
 */
#define FORMAT		1
#define FRONT		7	/* format, state, grants, activity version */
#define GRANT_SHORT	11	/* purpose, channel and status, since */
#define GRANT_LONG	19	/* ... and until */
#define HAS_UNTIL	0x80	/* beside the channel */
#define HAS_GUESSES	0x80	/* beside the state */

_Static_assert(RSG_CHANNEL__MAX <= 8, "a channel has three bits");
_Static_assert(RSG_STATUS__MAX <= 16, "a status has four bits");
_Static_assert(FRONT + RSG_HEADER_OPEN * GRANT_LONG +
    (RSG_HEADER_GRANTS - RSG_HEADER_OPEN) * GRANT_SHORT + 16 + 2 * (5 + 32) +
    2 + RSG_POLICY_FIELDS * 6 + 1 + RSG_POLICY_FACETS * 4 + 13 <= RSG_HEADER_MAX,
    "the fullest header fits");
_Static_assert(RSG_HEADER_GRANTS <= UINT8_MAX, "their number is one byte");
_Static_assert(RSG_HEADER_GRANTS - RSG_HEADER_OPEN >= RSG_POLICY_PURPOSES,
    "a no to every purpose has room");

/* The order of grants in a header: by purpose, then channel, none twice. */
static uint32_t
rank(const struct rsg_grant *g)
{
	return (uint32_t)g->purpose << 8 | g->channel;
}

static bool
grants_fit(const struct rsg_grant *g, size_t n)
{
	if (n > RSG_HEADER_GRANTS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (g[i].channel >= RSG_CHANNEL__MAX ||
		    g[i].status >= RSG_STATUS__MAX)
			return false;
		if (i > 0 && rank(&g[i]) <= rank(&g[i - 1]))
			return false;
	}
	return true;
}

static void
put_grant(const struct rsg_grant *g, struct rsg_buf *out)
{
	uint8_t what = (uint8_t)(g->channel << 4 | g->status);

	rsg_buf_u16(out, g->purpose);
	rsg_buf_u8(out, g->until != 0 ? what | HAS_UNTIL : what);
	rsg_buf_u64(out, (uint64_t)g->since);
	if (g->until != 0)
		rsg_buf_u64(out, (uint64_t)g->until);
}

static void
put_text(const char *s, size_t cap, struct rsg_buf *out)
{
	size_t n = strnlen(s, cap - 1);

	rsg_buf_u8(out, (uint8_t)n);
	rsg_buf_put(out, s, n);
}

/* A history of no events has no head: it would be all zeroes. */
static void
put_history(const struct rsg_history *h, struct rsg_buf *out)
{
	rsg_buf_varint(out, h->count);
	if (h->count > 0)
		rsg_buf_put(out, h->head, sizeof(h->head));
}

static void
put_fields(const struct rsg_header *h, struct rsg_buf *out)
{
	unsigned n = 0, before = 0;

	for (unsigned i = 0; i < RSG_POLICY_FIELDS; i++)
		n += h->field_version[i] != 0;
	rsg_buf_varint(out, n);
	for (unsigned i = 0; i < RSG_POLICY_FIELDS; i++) {
		if (h->field_version[i] == 0)
			continue;
		rsg_buf_varint(out, i + 1 - before);
		rsg_buf_varint(out, (uint64_t)h->field_version[i] << 1 |
		    (h->field_present[i] != 0));
		before = i + 1;
	}
}

static void
put_facets(const struct rsg_header *h, struct rsg_buf *out)
{
	unsigned n = 0, before = 0;

	for (unsigned i = 0; i < RSG_POLICY_FACETS; i++)
		n += h->facet[i] != 0;
	rsg_buf_varint(out, n);
	for (unsigned i = 0; i < RSG_POLICY_FACETS; i++) {
		if (h->facet[i] == 0)
			continue;
		rsg_buf_varint(out, i + 1 - before);
		rsg_buf_varint(out, h->facet[i]);
		before = i + 1;
	}
}

/* Last, and most often not at all. */
static void
put_guesses(const struct rsg_guesses *g, struct rsg_buf *out)
{
	if (g->wrong == 0)
		return;
	rsg_buf_varint(out, g->wrong);
	rsg_buf_u64(out, (uint64_t)g->since);
}

void
rsg_header_put(const struct rsg_header *h, struct rsg_buf *out)
{
	/* Better not written at all than written and never read again. */
	if (!grants_fit(h->grant, h->ngrants)) {
		out->failed = true;
		return;
	}
	rsg_buf_u8(out, FORMAT);
	rsg_buf_u8(out, (uint8_t)(h->state | (h->guesses.wrong != 0 ? HAS_GUESSES : 0)));
	rsg_buf_u8(out, (uint8_t)h->ngrants);
	rsg_buf_u32(out, h->activity_version);
	for (size_t i = 0; i < h->ngrants; i++)
		put_grant(&h->grant[i], out);
	put_text(h->jurisdiction, sizeof(h->jurisdiction), out);
	put_text(h->language, sizeof(h->language), out);
	put_history(&h->consent, out);
	put_history(&h->benefit, out);
	put_fields(h, out);
	put_facets(h, out);
	put_guesses(&h->guesses, out);
}

/* Plain loads instead of a reader's calls: a scan comes by a million times. */
static size_t
get_grant(struct rsg_grant *g, const uint8_t *p, size_t left)
{
	size_t n;

	if (left < GRANT_SHORT)
		return 0;
	n = p[2] & HAS_UNTIL ? GRANT_LONG : GRANT_SHORT;
	if (left < n)
		return 0;
	g->purpose = rsg_get16(p);
	g->channel = p[2] >> 4 & 7;
	g->status = p[2] & 15;
	g->since = (int64_t)rsg_get64(p + 3);
	g->until = n == GRANT_LONG ? (int64_t)rsg_get64(p + 11) : 0;
	if (n == GRANT_LONG && g->until == 0)
		return 0;
	return n;
}

/* The front of a header. *used counts its bytes; false when malformed. */
static bool
get_front(const uint8_t *p, size_t len, enum rsg_state *state, uint32_t *activity,
    struct rsg_grant *grant, size_t *ngrants, size_t *used)
{
	size_t at = FRONT, n;

	if (len < FRONT || p[0] != FORMAT)
		return false;
	*state = p[1] & ~HAS_GUESSES;
	if (*state < RSG_STATE_ACTIVE || *state > RSG_STATE_ERASED ||
	    p[2] > RSG_HEADER_GRANTS)
		return false;
	*ngrants = p[2];
	*activity = rsg_get32(p + 3);
	for (size_t i = 0; i < *ngrants; i++) {
		if ((n = get_grant(&grant[i], p + at, len - at)) == 0)
			return false;
		at += n;
	}
	*used = at;
	return grants_fit(grant, *ngrants);
}

static bool
get_text(char *to, size_t cap, struct rsg_rd *in)
{
	size_t n = rsg_rd_u8(in);
	const uint8_t *p;

	if (n >= cap || (p = rsg_rd_get(in, n)) == NULL ||
	    (n > 0 && memchr(p, 0, n) != NULL))
		return false;
	memcpy(to, p, n);
	return true;
}

static bool
get_history(struct rsg_history *h, struct rsg_rd *in)
{
	uint64_t n = rsg_rd_varint(in);
	const uint8_t *p;

	if (n > UINT32_MAX)
		return false;
	h->count = (uint32_t)n;
	if (n == 0)
		return true;
	if ((p = rsg_rd_get(in, sizeof(h->head))) == NULL)
		return false;
	memcpy(h->head, p, sizeof(h->head));
	return true;
}

/* The next number of an ascending list, below `max`; `max` when malformed. */
static unsigned
get_number(struct rsg_rd *in, unsigned *before, unsigned max)
{
	uint64_t step = rsg_rd_varint(in);

	if (step == 0 || step > max - *before)
		return max;
	*before += (unsigned)step;
	return *before - 1;
}

static bool
get_fields(struct rsg_header *h, struct rsg_rd *in)
{
	uint64_t n = rsg_rd_varint(in), v;
	unsigned before = 0, i;

	while (n-- > 0) {
		i = get_number(in, &before, RSG_POLICY_FIELDS);
		v = rsg_rd_varint(in);
		if (i == RSG_POLICY_FIELDS || v < 2 || v >> 1 > UINT32_MAX)
			return false;
		h->field_version[i] = (uint32_t)(v >> 1);
		h->field_present[i] = v & 1;
	}
	return true;
}

static bool
get_facets(struct rsg_header *h, struct rsg_rd *in)
{
	uint64_t n = rsg_rd_varint(in), v;
	unsigned before = 0, i;

	while (n-- > 0) {
		i = get_number(in, &before, RSG_POLICY_FACETS);
		v = rsg_rd_varint(in);
		if (i == RSG_POLICY_FACETS || v == 0 || v > UINT16_MAX)
			return false;
		h->facet[i] = (uint16_t)v;
	}
	return true;
}

static bool
get_guesses(struct rsg_guesses *g, struct rsg_rd *in)
{
	uint64_t n = rsg_rd_varint(in);

	g->wrong = (uint32_t)n;
	g->since = (int64_t)rsg_rd_u64(in);
	return n > 0 && n <= UINT32_MAX;
}

enum rsg_err
rsg_header_get(struct rsg_header *h, const uint8_t *p, size_t len)
{
	struct rsg_rd in;
	size_t used;

	memset(h, 0, sizeof(*h));
	if (!get_front(p, len, &h->state, &h->activity_version, h->grant,
	    &h->ngrants, &used))
		goto bad;
	rsg_rd_init(&in, p + used, len - used);
	if (get_text(h->jurisdiction, sizeof(h->jurisdiction), &in) &&
	    get_text(h->language, sizeof(h->language), &in) &&
	    get_history(&h->consent, &in) && get_history(&h->benefit, &in) &&
	    get_fields(h, &in) && get_facets(h, &in) &&
	    ((p[1] & HAS_GUESSES) == 0 || get_guesses(&h->guesses, &in)) &&
	    rsg_rd_end(&in))
		return RSG_OK;
bad:
	memset(h, 0, sizeof(*h));
	return RSG_TAMPERED;
}

enum rsg_err
rsg_header_scan(struct rsg_headscan *s, const uint8_t *p, size_t len)
{
	size_t used;

	if (get_front(p, len, &s->state, &s->activity_version, s->grant,
	    &s->ngrants, &used))
		return RSG_OK;
	s->ngrants = 0;
	return RSG_TAMPERED;
}

/* Given, or asked for and not answered: what waits for an end. */
static bool
is_open(uint8_t status)
{
	return status <= RSG_STATUS_RENEWED;
}

enum rsg_err
rsg_header_grant(struct rsg_header *h, uint16_t purpose, enum rsg_channel channel,
    enum rsg_status status, int64_t since, int64_t until)
{
	struct rsg_grant g = { purpose, (uint8_t)channel, (uint8_t)status, since,
	    is_open((uint8_t)status) ? until : 0 };
	size_t i = 0, open = 0;
	bool there;

	while (i < h->ngrants && rank(&h->grant[i]) < rank(&g))
		i++;
	there = i < h->ngrants && rank(&h->grant[i]) == rank(&g);
	for (size_t k = 0; k < h->ngrants; k++)
		open += is_open(h->grant[k].status);
	if (is_open(g.status) && open >= RSG_HEADER_OPEN &&
	    !(there && is_open(h->grant[i].status)))
		return RSG_TOO_LARGE;
	if (!there) {
		if (h->ngrants >= RSG_HEADER_GRANTS)
			return RSG_TOO_LARGE;
		memmove(&h->grant[i + 1], &h->grant[i],
		    (h->ngrants - i) * sizeof(g));
		h->ngrants++;
	}
	h->grant[i] = g;
	return RSG_OK;
}
