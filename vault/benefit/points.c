#include <stdlib.h>
#include <string.h>

#include "benefit/points.h"

/* The account while it is being added up. */
struct account {
	struct rsg_points *p;
	int64_t debt;
	int64_t clock;			/* never goes back, whatever the events say */
};

static bool
lapsed(const struct rsg_lot *l, int64_t now)
{
	return l->until != 0 && l->until <= now;
}

static bool
sooner(const struct rsg_lot *a, const struct rsg_lot *b)
{
	if (a->until == b->until)
		return false;
	return b->until == 0 || (a->until != 0 && a->until < b->until);
}

/* Keep the lots in the order in which they will be used up. */
static void
add_lot(struct account *a, const struct rsg_benefit_event *ev)
{
	struct rsg_points *p = a->p;
	struct rsg_lot l = { .benefit = ev->benefit, .points = ev->points,
	    .until = ev->until };
	int64_t pay = a->debt < l.points ? a->debt : l.points;
	size_t i = p->nlots;

	p->earned += ev->points;
	a->debt -= pay;
	l.points -= pay;
	for (; i > 0 && sooner(&l, &p->lot[i - 1]); i--)
		p->lot[i] = p->lot[i - 1];
	p->lot[i] = l;
	p->nlots++;
}

/* Take from what has not lapsed; what is lacking is owed. */
static void
take(struct account *a, int64_t points)
{
	struct rsg_points *p = a->p;
	int64_t part;

	for (size_t i = 0; i < p->nlots && points > 0; i++) {
		if (lapsed(&p->lot[i], a->clock))
			continue;
		part = p->lot[i].points < points ? p->lot[i].points : points;
		p->lot[i].points -= part;
		points -= part;
	}
	a->debt += points;
}

static struct rsg_lot *
lot_of(struct account *a, const struct rsg_id *benefit)
{
	for (size_t i = 0; i < a->p->nlots; i++)
		if (rsg_id_eq(&a->p->lot[i].benefit, benefit))
			return &a->p->lot[i];
	return NULL;
}

/* What is left of the lot itself goes first. */
static void
reverse(struct account *a, const struct rsg_benefit_event *ev)
{
	struct rsg_lot *l = lot_of(a, &ev->benefit);
	int64_t own;

	if (l == NULL)
		return;			/* promised only: nothing was given */
	own = l->points < ev->points ? l->points : ev->points;
	l->points -= own;
	a->p->reversed += ev->points;
	take(a, ev->points - own);
}

static void
step(struct account *a, const struct rsg_benefit_event *ev)
{
	struct rsg_lot *l;

	if (ev->recorded > a->clock)
		a->clock = ev->recorded;
	switch (ev->act) {
	case RSG_BENEFIT_DELIVERED:
	case RSG_BENEFIT_EARNED:
		if (ev->points > 0)
			add_lot(a, ev);
		break;
	case RSG_BENEFIT_SPENT:
		a->p->spent += ev->points;
		take(a, ev->points);
		break;
	case RSG_BENEFIT_DEDUCTED:
		a->p->deducted += ev->points;
		take(a, ev->points);
		break;
	case RSG_BENEFIT_REVERSED:
		if (ev->points > 0)
			reverse(a, ev);
		break;
	case RSG_BENEFIT_EXPIRED:
		/* It says what time had done already. */
		if ((l = lot_of(a, &ev->benefit)) != NULL && lapsed(l, a->clock)) {
			a->p->expired += l->points;
			l->points = 0;
		}
		break;
	default:
		break;
	}
}

/* What nobody got yet: promised, and nothing after it. */
static int64_t
promised(const struct rsg_benefits *all, int64_t now)
{
	struct rsg_benefit b;
	int64_t sum = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->event[i].act == RSG_BENEFIT_PROMISED && all->event[i].points > 0 &&
		    rsg_benefit_find(all, &all->event[i].benefit, now, &b) == RSG_OK &&
		    b.state == RSG_BENEFIT_PROMISED)
			sum += all->event[i].points;
	return sum;
}

enum rsg_err
rsg_points_compute(const struct rsg_benefits *all, int64_t now, struct rsg_points *p)
{
	struct account a = { .p = p };
	size_t kept = 0;

	memset(p, 0, sizeof(*p));
	if ((p->lot = calloc(all->n + 1, sizeof(*p->lot))) == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < all->n; i++)
		step(&a, &all->event[i]);
	if (now > a.clock)
		a.clock = now;
	for (size_t i = 0; i < p->nlots; i++) {
		if (lapsed(&p->lot[i], a.clock)) {
			p->expired += p->lot[i].points;
			continue;
		}
		p->balance += p->lot[i].points;
		if (p->lot[i].points > 0)
			p->lot[kept++] = p->lot[i];
	}
	p->nlots = kept;
	p->balance -= a.debt;
	p->promised = promised(all, now);
	return RSG_OK;
}

void
rsg_points_free(struct rsg_points *p)
{
	if (p == NULL)
		return;
	free(p->lot);
	memset(p, 0, sizeof(*p));
}

int64_t
rsg_points_for(int64_t amount, int64_t points, int64_t per)
{
	int64_t out;

	if (amount <= 0 || points <= 0 || per <= 0)
		return 0;
	if (__builtin_mul_overflow(amount / per, points, &out))
		return INT64_MAX;
	return out;
}
