/*
 * What was given in return, as a receipt says it. Our extension: neither ISO
 * nor DPV has a place for it.
 */
#include "receipt/receipt_int.h"

static void
put_one(struct rsg_jw *w, const struct rsg_receipt_benefit *b)
{
	const struct { const char *name; int64_t time; } times[] = {
		{ "resguardo:promisedAt", b->promised },
		{ "resguardo:deliveredAt", b->delivered },
		{ "resguardo:redeemedAt", b->redeemed },
		{ "resguardo:expiredAt", b->expired },
		{ "resguardo:reversedAt", b->reversed },
		{ "resguardo:dueAt", b->due }, { "resguardo:validUntil", b->until },
	};

	rsg_jw_object(w, NULL);
	rsg__put_urn(w, "@id", &b->id);
	rsg__put_type(w, "risk:Benefit", "risk:Reward", NULL);
	rsg__put(w, "dct:title", b->title);
	rsg_jw_text(w, "dct:description", b->summary);
	rsg__put(w, "resguardo:incentive", b->incentive);
	rsg_jw_text(w, "resguardo:kind", b->kind);
	if (b->points != 0)
		rsg_jw_int(w, "resguardo:points", b->points);
	rsg__put(w, "resguardo:value", b->value);
	if (b->value != NULL && b->value[0] != '\0')
		rsg__put(w, "resguardo:currency", b->currency);
	rsg_jw_text(w, "resguardo:state", b->state);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i].time != 0)
			rsg__put_time(w, times[i].name, times[i].time);
	rsg__put(w, "resguardo:cause", b->cause);
	rsg__put(w, "resguardo:onWithdrawal", b->withdrawal);
	rsg_jw_end(w);
}

size_t
rsg_receipt_shown(const struct rsg_receipt *r)
{
	struct rsg_buf b;
	struct rsg_jw w;
	size_t n;

	rsg_buf_init(&b, RSG_RECEIPT_GIVEN);
	rsg_jw_init(&w, &b);
	rsg_jw_array(&w, NULL);
	for (n = 0; n < r->nbenefits && rsg_buf_ok(&b); n++)
		put_one(&w, &r->benefit[n]);
	/* The one that was cut off is not shown. */
	if (!rsg_buf_ok(&b) && n > 0)
		n--;
	rsg_buf_free(&b);
	return n;
}

void
rsg__put_given(struct rsg_jw *w, const struct rsg_receipt *r)
{
	size_t shown = rsg_receipt_shown(r), more = r->nbenefits - shown + r->nmore;

	if (r->nbenefits + r->nmore == 0)
		return;
	rsg_jw_array(w, "dpv:hasConsequence");
	for (size_t i = 0; i < shown; i++)
		put_one(w, &r->benefit[i]);
	rsg_jw_end(w);
	if (more > 0)
		rsg_jw_int(w, "resguardo:benefitsNotShown", (int64_t)more);
}
