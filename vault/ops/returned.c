#include "ops/returned.h"

#include <stdio.h>
#include <string.h>

#include "subject/money.h"
#include "work/vault.h"

_Static_assert(RSG_MONEY_TEXT <= 24, "a value has room");

/* --- Which --- */

static bool
begins(const struct rsg_benefit_event *ev, uint32_t sequence)
{
	return ev->consent == sequence && (ev->act == RSG_BENEFIT_PROMISED ||
	    ev->act == RSG_BENEFIT_DELIVERED);
}

/* When each step was taken, and why it was taken back. */
static void
read_steps(struct rsg_returned *d, size_t i, struct rsg_receipt_benefit *to)
{
	const struct rsg_benefit *b = &d->benefit[i];

	for (size_t k = 0; k < d->all.n; k++) {
		const struct rsg_benefit_event *ev = &d->all.event[k];

		if (!rsg_id_eq(&ev->benefit, &b->first.benefit))
			continue;
		if (ev->act == RSG_BENEFIT_PROMISED)
			to->promised = ev->time;
		if (ev->act == RSG_BENEFIT_DELIVERED)
			to->delivered = ev->time;
		if (ev->act == RSG_BENEFIT_REDEEMED)
			to->redeemed = ev->time;
		if (ev->act == RSG_BENEFIT_REVERSED) {
			to->reversed = ev->time;
			memcpy(d->cause[i], ev->cause, sizeof(d->cause[i]));
		}
	}
	/* It lapses when its time is over, and not when somebody writes it down. */
	if (b->state == RSG_BENEFIT_EXPIRED)
		to->expired = b->until != 0 ? b->until : b->since;
	to->cause = d->cause[i];
}

static void
read_benefit(struct rsg_returned *d, size_t i, struct rsg_receipt *r)
{
	const struct rsg_benefit *b = &d->benefit[i];
	struct rsg_receipt_benefit *to = &r->benefit[i];
	char name[RSG_BENEFIT_TEXT];

	memcpy(name, b->first.incentive, sizeof(name));
	*to = (struct rsg_receipt_benefit){ .id = b->first.benefit,
	    .kind = rsg_incentive_kind_name((enum rsg_incentive_kind)b->first.kind),
	    .points = b->first.points, .state = rsg_benefit_act_name(b->state) };
	if (name[0] != '\0') {
		(void)snprintf(d->name[i], sizeof(d->name[i]), "%s:%u", name,
		    b->first.version);
		to->incentive = d->name[i];
	}
	/* Until its own words are found, if they are. */
	to->summary = to->incentive != NULL ? b->first.incentive : to->kind;
	/* Nothing is promised any more to who has answered otherwise since. */
	if (b->state == RSG_BENEFIT_PROMISED && r->later == 0)
		to->due = b->first.due;
	if (b->state == RSG_BENEFIT_DELIVERED)
		to->until = b->until;
	read_steps(d, i, to);
}

enum rsg_err
rsg_returned_open(struct rsg_returned *d, const struct rsg_subject *s,
    uint32_t sequence, int64_t now, const struct rsg_result *rows,
    struct rsg_receipt *r)
{
	struct rsg_benefit b;
	enum rsg_err e = rsg_benefit_open(s, rows, &d->all);

	for (size_t i = d->all.n; e == RSG_OK && i-- > 0; ) {
		const struct rsg_benefit_event *ev = &d->all.event[i];

		/* A benefit once, where its first event stands. */
		if (!begins(ev, sequence) || rsg_benefit_find(&d->all, &ev->benefit, now,
		    &b) != RSG_OK || b.first.sequence != ev->sequence)
			continue;
		if (r->nbenefits == RSG_RECEIPT_BENEFITS) {
			r->nmore++;
			continue;
		}
		d->benefit[r->nbenefits] = b;
		read_benefit(d, r->nbenefits++, r);
	}
	return e;
}

/* --- Their words --- */

static bool
same_terms(const struct rsg_benefit_event *a, const struct rsg_benefit_event *b)
{
	return a->version == b->version && strcmp(a->incentive, b->incentive) == 0;
}

/* Has an earlier one the same terms? They are asked for once. */
static bool
asked_before(const struct rsg_returned *d, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_terms(&d->benefit[k].first, &d->benefit[i].first))
			return true;
	return false;
}

static void
take_words(struct rsg_returned *d, const struct rsg_incentive *t, struct rsg_receipt *r)
{
	for (size_t i = 0; i < r->nbenefits; i++) {
		const struct rsg_benefit_event *first = &d->benefit[i].first;

		if (first->version != t->version || strcmp(first->incentive, t->name) != 0)
			continue;
		r->benefit[i].title = t->title[r->lang];
		r->benefit[i].summary = t->summary[r->lang];
		r->benefit[i].withdrawal = t->withdrawal[r->lang];
	}
}

enum rsg_err
rsg_returned_words(struct rsg_worker *w, uint32_t controller, struct rsg_returned *d,
    struct rsg_receipt *r)
{
	const struct rsg_controller *k = rsg_vault_controller(w->vault, controller);
	struct rsg_bind *q = NULL;
	int at;
	enum rsg_err e;

	if (k == NULL)
		return RSG_OK;
	for (size_t i = 0; i < r->nbenefits; i++) {
		const struct rsg_benefit_event *first = &d->benefit[i].first;

		if (first->value > 0) {
			rsg_money_text(first->value, k->currency, d->value[i]);
			r->benefit[i].value = d->value[i];
			r->benefit[i].currency = k->currency;
		}
		if (r->benefit[i].incentive == NULL || asked_before(d, i))
			continue;
		if (q == NULL)
			q = rsg_db_bind(w->db, RSG_SQL_INCENTIVES_NAMED);
		rsg_bind_int(q, 0, k->number);
		rsg_bind_text(q, 1, first->incentive, strlen(first->incentive));
		rsg_bind_int(q, 2, first->version);
	}
	if (q == NULL)
		return RSG_OK;
	at = rsg_db_send(w->db, q);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	for (int row = 0; row < rsg_result_rows(rsg_db_result(w->db, at)); row++) {
		struct rsg_incentive *t = &d->incentive[d->nincentives];

		if (d->nincentives == RSG_RECEIPT_BENEFITS)
			break;
		if ((e = rsg_incentive_row(w->vault->keys, w->policy, k->currency,
		    rsg_db_result(w->db, at), row, t)) != RSG_OK)
			return e;
		d->nincentives++;
		take_words(d, t, r);
	}
	return RSG_OK;
}

void
rsg_returned_free(struct rsg_returned *d)
{
	for (size_t i = 0; i < d->nincentives; i++)
		rsg_incentive_free(&d->incentive[i]);
	d->nincentives = 0;
	rsg_benefit_free(&d->all);
}

/* --- The answer --- */

static void
put_text(struct rsg_buf *out, enum rsg_field f, const char *s)
{
	if (s != NULL && s[0] != '\0' && strlen(s) <= rsg_msg_field(f)->max)
		rsg_msg_text(out, f, s);
}

static void
put_one(struct rsg_buf *out, const struct rsg_benefit_event *first,
    const struct rsg_receipt_benefit *b)
{
	const struct { enum rsg_field f; int64_t time; } times[] = {
		{ RSG_F_PROMISED_AT, b->promised }, { RSG_F_DELIVERED_AT, b->delivered },
		{ RSG_F_REDEEMED_AT, b->redeemed }, { RSG_F_EXPIRED_AT, b->expired },
		{ RSG_F_REVERSED_AT, b->reversed }, { RSG_F_DUE, b->due },
		{ RSG_F_UNTIL, b->until },
	};
	size_t mark = rsg_msg_open(out, RSG_F_IN_RETURN);

	rsg_msg_id(out, RSG_F_BENEFIT, &b->id);
	rsg_msg_text(out, RSG_F_KIND, b->kind);
	if (b->incentive != NULL) {
		rsg_msg_text(out, RSG_F_INCENTIVE, first->incentive);
		rsg_msg_int(out, RSG_F_INCENTIVE_VERSION, first->version);
	}
	put_text(out, RSG_F_TITLE, b->title);
	rsg_msg_text(out, RSG_F_SUMMARY, b->summary);
	if (b->points != 0)
		rsg_msg_int(out, RSG_F_POINTS, b->points);
	put_text(out, RSG_F_WORTH, b->value);
	if (b->value != NULL)
		put_text(out, RSG_F_CURRENCY, b->currency);
	rsg_msg_text(out, RSG_F_STATUS, b->state);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i].time != 0)
			rsg_msg_int(out, times[i].f, times[i].time);
	put_text(out, RSG_F_CAUSE, b->cause);
	put_text(out, RSG_F_ON_WITHDRAWAL, b->withdrawal);
	rsg_msg_close(out, mark);
}

void
rsg_returned_put(struct rsg_buf *out, const struct rsg_returned *d,
    const struct rsg_receipt *r)
{
	size_t shown = rsg_receipt_shown(r), more = r->nbenefits - shown + r->nmore;

	for (size_t i = 0; i < shown; i++)
		put_one(out, &d->benefit[i].first, &r->benefit[i]);
	if (more > 0)
		rsg_msg_int(out, RSG_F_NOT_SHOWN, (int64_t)more);
}
