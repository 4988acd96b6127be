/*
 * askrelease.c - the call that gives a recipient those whose yes has to be
 * asked for again, by pseudonym: a release like any other, in pages sorted by
 * pseudonym, so that nothing of its order tells who is who.
 *
 * `purpose` and `channel` are those under which the question is put: the people
 * consent to that now. `ask_for` is what they are asked for.
 */
#include "segment/release.h"
#include "work/vault.h"

static enum rsg_err
read_channel(struct rsg_call *c, enum rsg_field f, uint8_t *channel)
{
	const uint8_t *s;
	size_t len;
	int v = RSG_CHANNEL_NONE;

	if (rsg_msg_get(c->in, f, &s, &len) &&
	    (v = rsg_channel_find((const char *)s, len)) <= RSG_CHANNEL_NONE)
		return rsg_call_fail(c, RSG_BAD_VALUE, rsg_msg_field(f)->json, NULL);
	*channel = (uint8_t)v;
	return RSG_OK;
}

static enum rsg_err
read_question(struct rsg_worker *w, struct rsg_call *c, struct rsg_release *r)
{
	const struct rsg_purposedef *p;
	const uint8_t *s;
	size_t len;
	enum rsg_err e;

	(void)rsg_msg_get(c->in, RSG_F_ASK_FOR, &s, &len);
	if ((p = rsg_policy_purpose(w->policy, (const char *)s, len)) == NULL)
		return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "ask_for", NULL);
	r->ask.purpose = p->number;
	if ((e = read_channel(c, RSG_F_ASK_FOR_CHANNEL, &r->ask.channel)) != RSG_OK ||
	    (e = read_channel(c, RSG_F_CHANNEL, &r->ask.by)) != RSG_OK)
		return e;
	return rsg_call_purpose(w, c, RSG_ACT_ASK_PEOPLE, &r->purpose);
}

static bool
same_question(const struct rsg_release *a, const struct rsg_release *b)
{
	return a->purpose == b->purpose && a->ask.purpose == b->ask.purpose &&
	    a->ask.channel == b->ask.channel && a->ask.by == b->ask.by;
}

static enum rsg_err
give(struct rsg_worker *w, struct rsg_call *c, const struct rsg_release *r,
    const struct rsg_id *id, uint32_t number)
{
	struct rsg_page page = { 0 };
	enum rsg_err e;

	if ((e = rsg_page_open(w, c, id, number, &page)) == RSG_OK)
		e = same_question(&page.release, r) ? rsg_page_give(w, c, &page) :
		    RSG_BAD_CURSOR;
	rsg_page_close(&page);
	return e;
}

enum rsg_err
rsg_op_ask_release(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_release r = { .id = rsg_id_new(), .controller = c->actor.controller,
	    .recipient = c->actor.recipient, .created = w->now,
	    .epoch = c->actor.epoch, .format = RSG_RELEASE_ASKS };
	bool next = rsg_msg_has(c->in, RSG_F_CURSOR);
	uint32_t number = 0;
	struct rsg_answer a;
	struct rsg_id id;
	enum rsg_err e;

	if (next && (e = rsg_cursor_get(c, w->vault->keys, w->now, &id, &number)) != RSG_OK)
		return rsg_call_fail(c, e, "cursor", NULL);
	if ((e = read_question(w, c, &r)) != RSG_OK || (e = rsg_release_allowed(w, c,
	    RSG_ACT_ASK_PEOPLE, r.purpose, &a)) != RSG_OK)
		return e;
	if (next)
		return give(w, c, &r, &id, number);
	r.k = rsg_model_k(&a);
	if ((e = rsg_release_make(w, c, &r)) != RSG_OK)
		return e;
	e = give(w, c, &r, &r.id, 0);
	/* It stands: to run the call again would make another. */
	return e == RSG_CONFLICT ? RSG_UNAVAILABLE : e;
}
