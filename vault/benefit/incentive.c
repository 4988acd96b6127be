#include <stdio.h>
#include <string.h>

#include "benefit/incentive.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "resguardo/msg.h"
#include "subject/money.h"
#include "work/call.h"

#define TEXT_MAX	4096
#define DAYS_MAX	3660
#define POINTS_MAX	INT64_C(1000000000)

static const char *const kinds[RSG_INCENTIVE__MAX] = {
	[RSG_INCENTIVE_POINTS] = "points", [RSG_INCENTIVE_COUPON] = "coupon",
	[RSG_INCENTIVE_DISCOUNT] = "discount", [RSG_INCENTIVE_GIFT] = "gift",
	[RSG_INCENTIVE_CONTENT] = "content", [RSG_INCENTIVE_DRAW] = "draw",
	[RSG_INCENTIVE_STATUS] = "status",
};
static const char *const pers[RSG_PER__MAX] = {
	[RSG_PER_EVER] = "ever", [RSG_PER_DAY] = "day", [RSG_PER_WEEK] = "week",
	[RSG_PER_MONTH] = "month", [RSG_PER_YEAR] = "year",
};
/* The eight ways to estimate what data are worth (11 CCR 7081). */
static const char *const methods[] = { "marginal_value", "average_value",
	"aggregate_value", "revenue", "data_expenses", "incentive_expenses",
	"profit", "good_faith" };

const char *
rsg_incentive_kind_name(enum rsg_incentive_kind k)
{
	return k > 0 && k < RSG_INCENTIVE__MAX ? kinds[k] : "unknown";
}

const char *
rsg_incentive_per_name(enum rsg_incentive_per p)
{
	return p < RSG_PER__MAX ? pers[p] : "unknown";
}

/* --- Reading a body, member by member --- */

struct reading {
	const struct rsg_policy *policy;
	const char *currency;
	struct rsg_incentive *to;
	char *member;
	enum rsg_err err;
};

static void
fault(struct reading *r, enum rsg_err e, const char *member)
{
	if (r->err != RSG_OK)
		return;
	r->err = e;
	snprintf(r->member, 64, "%s", member);
}

static int
named(struct reading *r, const char *member, const char *s, const char *const *names, int n)
{
	for (int i = 0; s != NULL && i < n; i++)
		if (names[i] != NULL && strcmp(names[i], s) == 0)
			return i;
	fault(r, s == NULL ? RSG_MISSING_MEMBER : RSG_BAD_VALUE, member);
	return 0;
}

static const char *
text(struct reading *r, const struct rsg_json *o, const char *member, size_t max)
{
	const struct rsg_json *v = rsg_json_get(o, member);
	const char *s;
	size_t len;

	if (v == NULL)
		return NULL;
	s = rsg_json_string(v, &len);
	if (rsg_json_type(v) != RSG_JSON_STRING || len == 0 || len > max ||
	    !rsg_msg_utf8((const uint8_t *)s, len))
		fault(r, RSG_BAD_VALUE, member);
	return s;
}

/* {"en": .., "es": ..}: both or it is no text for everybody. */
static void
words(struct reading *r, const struct rsg_json *o, const char *member, bool needed,
    const char *out[2])
{
	const struct rsg_json *v = rsg_json_get(o, member);

	out[0] = out[1] = NULL;
	if (v == NULL) {
		if (needed)
			fault(r, RSG_MISSING_MEMBER, member);
		return;
	}
	out[RSG_LANG_EN] = text(r, v, "en", TEXT_MAX);
	out[RSG_LANG_ES] = text(r, v, "es", TEXT_MAX);
	if (out[0] == NULL || out[1] == NULL || rsg_json_size(v) != 2)
		fault(r, RSG_BAD_VALUE, member);
}

static int64_t
number(struct reading *r, const struct rsg_json *o, const char *member, int64_t min,
    int64_t max, int64_t absent)
{
	const struct rsg_json *v = rsg_json_get(o, member);
	int64_t n = rsg_json_int(v);

	if (v == NULL)
		return absent;
	if (rsg_json_type(v) != RSG_JSON_INT || n < min || n > max)
		fault(r, RSG_BAD_VALUE, member);
	return n;
}

static int64_t
money(struct reading *r, const struct rsg_json *o, const char *member, const char **as)
{
	const char *s = text(r, o, member, RSG_MONEY_TEXT);
	int64_t v = 0;

	*as = s;
	if (s != NULL && (rsg_money_parse(s, strlen(s), r->currency, false, &v) != RSG_OK ||
	    v < 0))
		fault(r, RSG_BAD_VALUE, member);
	return v;
}

static int64_t
day(struct reading *r, const struct rsg_json *o, const char *member)
{
	const char *s = text(r, o, member, 10);
	int64_t d = 0;

	if (s != NULL && !rsg_clock_parse_day(s, strlen(s), &d))
		fault(r, RSG_BAD_VALUE, member);
	return d;
}

/* Members that nobody knows were meant for something. */
static void
only(struct reading *r, const struct rsg_json *o, const char *const *known, size_t n)
{
	const struct rsg_json *v;
	const char *name;
	void *iter = NULL;
	size_t k;

	while (rsg_json_next(o, &iter, &name, &v)) {
		for (k = 0; k < n && strcmp(known[k], name) != 0; k++)
			;
		if (k == n)
			fault(r, RSG_UNKNOWN_MEMBER, rsg_msg_name((const uint8_t *)name,
			    strlen(name)) && strlen(name) < 60 ? name : "body");
	}
}

static void
read_asks(struct reading *r, const struct rsg_json *o)
{
	static const char *const known[] = { "fields", "purposes" };
	const struct rsg_json *asks = rsg_json_get(o, "asks");
	struct rsg_incentive *i = r->to;
	const char *s;
	size_t len;

	if (asks == NULL) {
		fault(r, RSG_MISSING_MEMBER, "asks");
		return;
	}
	only(r, asks, known, 2);
	i->asks_fields = rsg_json_get(asks, "fields");
	i->asks_purposes = rsg_json_get(asks, "purposes");
	for (size_t k = 0; k < rsg_json_size(i->asks_fields); k++) {
		s = rsg_json_string(rsg_json_at(i->asks_fields, k), &len);
		if (s == NULL || rsg_policy_field(r->policy, s, len) == NULL)
			fault(r, RSG_UNKNOWN_FIELD, "asks.fields");
	}
	for (size_t k = 0; k < rsg_json_size(i->asks_purposes); k++) {
		s = rsg_json_string(rsg_json_at(i->asks_purposes, k), &len);
		if (s == NULL || rsg_policy_purpose(r->policy, s, len) == NULL)
			fault(r, RSG_UNKNOWN_PURPOSE, "asks.purposes");
	}
}

static void
read_purpose(struct reading *r, const struct rsg_json *o)
{
	const char *s = text(r, o, "purpose", RSG_POLICY_NAME);
	const struct rsg_purposedef *p = s == NULL ? NULL :
	    rsg_policy_purpose(r->policy, s, strlen(s));
	const char *channel = text(r, o, "channel", 16);
	int c;

	if (p == NULL) {
		fault(r, s == NULL ? RSG_MISSING_MEMBER : RSG_UNKNOWN_PURPOSE, "purpose");
		return;
	}
	r->to->purpose = p->number;
	if (channel == NULL)
		return;
	if ((c = rsg_channel_find(channel, strlen(channel))) < 0)
		fault(r, RSG_BAD_VALUE, "channel");
	else
		r->to->channel = (uint8_t)c;
}

static void
read_worth(struct reading *r, const struct rsg_json *o)
{
	static const char *const known[] = { "value", "method" };
	const struct rsg_json *e = rsg_json_get(o, "estimate");
	struct rsg_incentive *i = r->to;

	i->value = money(r, o, "value", &i->value_text);
	if (i->value_text == NULL)
		fault(r, RSG_MISSING_MEMBER, "value");
	i->points = number(r, o, "points", 1, POINTS_MAX, 0);
	i->price = number(r, o, "price_points", 1, POINTS_MAX, 0);
	if ((i->kind == RSG_INCENTIVE_POINTS) != (i->points > 0))
		fault(r, i->points > 0 ? RSG_BAD_VALUE : RSG_MISSING_MEMBER, "points");
	if (i->kind == RSG_INCENTIVE_POINTS && i->price > 0)
		fault(r, RSG_BAD_VALUE, "price_points");
	if (e == NULL)
		return;
	only(r, e, known, 2);
	i->estimate_value = money(r, e, "value", &i->estimate);
	i->method = text(r, e, "method", 32);
	named(r, "estimate.method", i->method, methods, 8);
	if (i->estimate == NULL)
		fault(r, RSG_MISSING_MEMBER, "estimate.value");
}

static void
read_terms(struct reading *r, const struct rsg_json *o)
{
	static const char *const known_w[] = { "takes_back", "text" };
	static const char *const known_r[] = { "times", "per" };
	const struct rsg_json *w = rsg_json_get(o, "withdrawal");
	const struct rsg_json *often = rsg_json_get(o, "recurrence");
	struct rsg_incentive *i = r->to;

	if (w == NULL)
		fault(r, RSG_MISSING_MEMBER, "withdrawal");
	else {
		only(r, w, known_w, 2);
		i->takes_back = rsg_json_bool(rsg_json_get(w, "takes_back"));
		words(r, w, "text", true, i->withdrawal);
	}
	/* Unless it says otherwise a thing is given once. */
	i->times = 1;
	if (often != NULL) {
		only(r, often, known_r, 2);
		i->times = (uint32_t)number(r, often, "times", 1, 1000, 1);
		i->per = (enum rsg_incentive_per)named(r, "recurrence.per",
		    text(r, often, "per", 8), pers, RSG_PER__MAX);
	}
	i->deliver_days = (uint32_t)number(r, o, "deliver_days", 0, DAYS_MAX, 30);
	i->valid_days = (uint32_t)number(r, o, "valid_days", 0, DAYS_MAX, 0);
	i->from = day(r, o, "from");
	i->until = day(r, o, "until");
	if (i->until != 0 && i->until < i->from)
		fault(r, RSG_BAD_VALUE, "until");
}

enum rsg_err
rsg_incentive_parse(const struct rsg_policy *policy, const char *currency,
    bool estimate, const void *body, size_t len, struct rsg_incentive *i, char member[64])
{
	static const char *const known[] = { "$schema", "name", "kind", "title",
	    "summary", "terms", "asks", "purpose", "channel", "offer", "campaign",
	    "points", "price_points", "value", "estimate", "recurrence",
	    "withdrawal", "deliver_days", "valid_days", "from", "until" };
	struct reading r = { .policy = policy, .currency = currency, .to = i,
	    .member = member };
	enum rsg_err e;

	memset(i, 0, sizeof(*i));
	snprintf(member, 64, "body");
	if (len > RSG_INCENTIVE_BODY)
		return RSG_TOO_LARGE;
	if ((e = rsg_json_parse(body, len, &i->body, NULL)) != RSG_OK)
		return e;
	if (rsg_json_type(i->body) != RSG_JSON_OBJECT)
		return RSG_MALFORMED;
	only(&r, i->body, known, sizeof(known) / sizeof(known[0]));
	i->name = text(&r, i->body, "name", 63);
	if (i->name == NULL || !rsg_msg_name((const uint8_t *)i->name, strlen(i->name)))
		fault(&r, i->name == NULL ? RSG_MISSING_MEMBER : RSG_BAD_VALUE, "name");
	i->kind = (enum rsg_incentive_kind)named(&r, "kind",
	    text(&r, i->body, "kind", 16), kinds, RSG_INCENTIVE__MAX);
	words(&r, i->body, "title", true, i->title);
	words(&r, i->body, "summary", true, i->summary);
	words(&r, i->body, "terms", true, i->terms);
	i->offer = text(&r, i->body, "offer", 64);
	i->campaign = text(&r, i->body, "campaign", 64);
	read_asks(&r, i->body);
	read_purpose(&r, i->body);
	read_worth(&r, i->body);
	read_terms(&r, i->body);
	/* Without one the incentive must not be offered there. */
	if (estimate && i->estimate == NULL)
		fault(&r, RSG_MISSING_MEMBER, "estimate");
	return r.err;
}

void
rsg_incentive_free(struct rsg_incentive *i)
{
	if (i == NULL)
		return;
	rsg_json_free(i->body);
	memset(i, 0, sizeof(*i));
}

/* --- Rows --- */

enum rsg_err
rsg_incentive_mac(const struct rsg_keyring *keys, uint32_t controller, const char *name,
    uint32_t version, const uint8_t hash[32], int64_t published, uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 1024);
	rsg_buf_u32(&b, controller);
	rsg_buf_u16(&b, (uint16_t)strlen(name));
	rsg_buf_str(&b, name);
	rsg_buf_u32(&b, version);
	rsg_buf_put(&b, hash, 32);
	rsg_buf_u64(&b, (uint64_t)published);
	if ((e = rsg_buf_err(&b)) == RSG_OK)
		e = rsg_row_mac(keys, "incentive", &b, mac);
	rsg_buf_free(&b);
	return e;
}

static enum rsg_err
check_row(const struct rsg_keyring *keys, const struct rsg_policy *policy,
    const char *currency, const struct rsg_result *r, int row, struct rsg_incentive *i)
{
	uint32_t controller = (uint32_t)rsg_result_int(r, row, 1);
	uint32_t version = (uint32_t)rsg_result_int(r, row, 3);
	int64_t published = rsg_result_int(r, row, 6);
	uint8_t hash[32], mac[RSG_DIGEST_LEN];
	const uint8_t *name, *body, *h, *m;
	size_t nname, nbody, nh, nm;
	char copy[64], member[64];
	enum rsg_err e;

	name = rsg_result_bytes(r, row, 2, &nname);
	body = rsg_result_bytes(r, row, 4, &nbody);
	h = rsg_result_bytes(r, row, 5, &nh);
	m = rsg_result_bytes(r, row, 7, &nm);
	if (nname >= sizeof(copy) || nh != 32 || nm != RSG_DIGEST_LEN)
		return RSG_TAMPERED;
	memcpy(copy, name, nname);
	copy[nname] = '\0';
	rsg_sha256((struct rsg_part[]){ { body, nbody } }, 1, hash);
	if ((e = rsg_incentive_mac(keys, controller, copy, version, hash, published,
	    mac)) != RSG_OK)
		return e;
	if (memcmp(hash, h, 32) != 0 || !rsg_secret_equal(mac, m, sizeof(mac)))
		return RSG_TAMPERED;
	/* What was published stays readable, whatever the policy says today. */
	e = rsg_incentive_parse(policy, currency, false, body, nbody, i, member);
	if (e != RSG_OK && (i->body == NULL || i->name == NULL || i->purpose == 0))
		return RSG_TAMPERED;
	if (strcmp(i->name, copy) != 0)
		return RSG_TAMPERED;
	i->controller = controller;
	i->version = version;
	i->published = published;
	memcpy(i->hash, hash, sizeof(i->hash));
	return RSG_OK;
}

enum rsg_err
rsg_incentive_row(const struct rsg_keyring *keys, const struct rsg_policy *policy,
    const char *currency, const struct rsg_result *r, int row, struct rsg_incentive *i)
{
	enum rsg_err e;

	memset(i, 0, sizeof(*i));
	if ((e = check_row(keys, policy, currency, r, row, i)) == RSG_OK)
		return RSG_OK;
	rsg_incentive_free(i);
	if (e == RSG_TAMPERED)
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "incentive", NULL);
	return e;
}

int64_t
rsg_incentive_period(enum rsg_incentive_per per, int64_t d)
{
	int year, month, mday;

	rsg_clock_civil(d, &year, &month, &mday);
	switch (per) {
	case RSG_PER_DAY:
		return d;
	case RSG_PER_WEEK:
		/* 1970-01-01 was a Thursday; weeks begin on Monday. */
		return d - ((d + 3) % 7 + 7) % 7;
	case RSG_PER_MONTH:
		return rsg_clock_day_of(year, month, 1);
	case RSG_PER_YEAR:
		return rsg_clock_day_of(year, 1, 1);
	default:
		return RSG_DAY_MIN;
	}
}

int64_t
rsg_incentive_next(enum rsg_incentive_per per, int64_t d)
{
	int64_t from = rsg_incentive_period(per, d);

	switch (per) {
	case RSG_PER_DAY:
		return from + 1;
	case RSG_PER_WEEK:
		return from + 7;
	case RSG_PER_MONTH:	/* the 31st day after a first is in the next month */
		return rsg_incentive_period(per, from + 31);
	case RSG_PER_YEAR:
		return rsg_incentive_period(per, from + 366);
	default:
		return RSG_DAY_MAX;
	}
}
