/*
 * What purchases earn, and what returns take back: points for each whole unit
 * that a document comes to, by category. It is the same whether the lines of a
 * document come in one request, in many, or at once: what is earned is what the
 * document comes to now, less what it came to before.
 */
#include <stdio.h>
#include <string.h>

#include "benefit/points.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"
#include "work/eventjob.h"
#include "work/vault.h"

#define SEALED_MAX	8192	/* more than any line takes */

/* What a document comes to: bought and returned, by rate. */
struct sums {
	int64_t of[2][RSG_LOYALTY_RATES];
};

const struct rsg_loyaltydef *
rsg_job_programme(const struct job *j, uint32_t call)
{
	const struct rsg_loyaltydef *l = rsg_policy_loyalty(j->w->policy,
	    j->controller[call]->name);

	return l == NULL || (j->call[call]->actor.admin && !l->imports) ? NULL : l;
}

/* The same, if this person takes part. */
static const struct rsg_loyaltydef *
programme(const struct job *j, const struct rsg_subject *s, uint32_t call)
{
	const struct rsg_loyaltydef *l = rsg_job_programme(j, call);
	struct rsg_standing st = { .state = s->h.state, .grant = s->h.grant,
	    .ngrants = s->h.ngrants };

	return l == NULL || rsg_policy_against(j->w->policy, l->purpose,
	    RSG_CHANNEL_NONE, &st, j->w->now) != NULL ? NULL : l;
}

static size_t
rate_of(const struct rsg_loyaltydef *l, const struct rsg_event *ev)
{
	size_t i;

	for (i = 0; i < l->nrates; i++)
		if (l->rate[i].category == NULL ||
		    (strlen(l->rate[i].category) == ev->text[RSG_EV_CATEGORY].len &&
		    memcmp(l->rate[i].category, ev->text[RSG_EV_CATEGORY].p,
		    ev->text[RSG_EV_CATEGORY].len) == 0))
			break;
	return i;
}

/* Count one line in; false: it neither earns nor takes back. */
static bool
count(const struct job *j, const struct rsg_loyaltydef *l, const struct rsg_event *ev,
    struct sums *sums, bool *back)
{
	const struct rsg_kinddef *kind;
	size_t rate = rate_of(l, ev);
	int64_t *sum;

	for (size_t k = 0; (kind = rsg_policy_kind_at(j->w->policy, k)) != NULL; k++)
		if (kind->number == ev->kind)
			break;
	if (rate == l->nrates || kind == NULL ||
	    (kind->amount != RSG_SIGN_PLUS && kind->amount != RSG_SIGN_MINUS))
		return false;
	*back = kind->amount == RSG_SIGN_MINUS;
	sum = &sums->of[*back][rate];
	if (__builtin_add_overflow(*sum, ev->amount, sum))
		*sum = INT64_MAX;
	return true;
}

static int64_t
points_for(const struct rsg_loyaltydef *l, const int64_t sum[RSG_LOYALTY_RATES])
{
	int64_t points = 0;

	for (size_t i = 0; i < l->nrates; i++)
		if (__builtin_add_overflow(points, rsg_points_for(sum[i],
		    l->rate[i].points, l->rate[i].per), &points))
			return INT64_MAX;
	return points;
}

/* What the document came to before any line of this batch. */
static enum rsg_err
count_earlier(const struct job *j, const struct rsg_subject *s,
    const struct rsg_loyaltydef *l, const struct line *line, struct sums *sums)
{
	const struct rsg_result *r = j->earlier;
	uint8_t text[SEALED_MAX];
	struct rsg_event ev;
	struct rsg_id id;
	enum rsg_err e = RSG_OK;
	bool back;

	for (int row = line->earlier; e == RSG_OK && row >= 0 &&
	    row < rsg_result_rows(r) && rsg_result_int(r, row, 0) == line->document; row++) {
		size_t len;
		const uint8_t *sealed = rsg_result_bytes(r, row, 2, &len);

		rsg_result_id(r, row, 1, &id);
		e = len > sizeof(text) ? RSG_TAMPERED : rsg_event_open(
		    s->keys.key[RSG_KEY_ACTIVITY], s->controller, &s->id, &id, sealed,
		    len, text, &ev);
		if (e == RSG_OK)
			(void)count(j, l, &ev, sums, &back);
	}
	rsg_secret_wipe(text, sizeof(text));
	return e;
}

static enum rsg_err
earn_one(struct job *j, struct rsg_subject *s, struct rsg_activity *a,
    const struct rsg_loyaltydef *l, const struct line *first, int64_t points, bool back)
{
	struct rsg_benefit_event ev = { .act = back ? RSG_BENEFIT_DEDUCTED :
	    RSG_BENEFIT_EARNED, .benefit = first->id, .time = first->ev.time,
	    .purpose = l->purpose, .kind = RSG_INCENTIVE_POINTS, .points = points };
	struct rsg_day d = { .day = first->day };
	enum rsg_err e;

	if (points > INT64_MAX / (l->cost + 1))
		return RSG_OK;
	ev.cost = (back ? -1 : 1) * (points * l->cost / 100);
	if (!back && l->valid_days > 0)
		ev.until = ev.time + l->valid_days * RSG_DAY_US;
	snprintf(ev.ref, sizeof(ev.ref), "%.*s",
	    (int)first->ev.text[RSG_EV_DOCUMENT].len, first->ev.text[RSG_EV_DOCUMENT].len ==
	    0 ? "" : first->ev.text[RSG_EV_DOCUMENT].p);
	if (j->benefits == NULL)
		j->benefits = rsg_db_bind(j->w->db, RSG_SQL_BENEFIT_INSERT);
	if ((e = rsg_benefit_append(j->benefits, j->call[first->call], s, j->w->now,
	    &ev)) != RSG_OK)
		return e;
	d.given = ev.cost;
	return d.given == 0 ? RSG_OK : rsg_activity_add(a, &d);
}

/* One call's new lines of a document: what they earn is one event of the ledger,
 * and what they give back another. `sums` comes to hold them. */
static enum rsg_err
earn_run(struct job *j, struct rsg_subject *s, struct rsg_activity *a,
    const struct rsg_loyaltydef *l, struct line **line, size_t n, struct sums *sums)
{
	const struct sums before = *sums;
	const struct line *first[2] = { NULL, NULL };
	int64_t points;
	bool back;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < n; i++)
		if (line[i]->fresh && count(j, l, &line[i]->ev, sums, &back) &&
		    first[back] == NULL)
			first[back] = line[i];
	for (int b = 0; b < 2 && e == RSG_OK; b++) {
		points = points_for(l, sums->of[b]) - points_for(l, before.of[b]);
		if (points > 0)
			e = earn_one(j, s, a, l, first[b], points, b == 1);
	}
	return e;
}

enum rsg_err
rsg_job_earn(struct job *j, struct rsg_subject *s, struct rsg_activity *a,
    struct line **l, size_t n)
{
	const struct rsg_loyaltydef *p;
	struct sums sums;
	size_t k;
	enum rsg_err e = RSG_OK;

	/* Lines of a document stand together; of several calls, mixed. */
	for (size_t i = 0, run = 0; i < n && e == RSG_OK; i = k) {
		bool counted = false;

		for (k = i; k < n && e == RSG_OK && l[k]->document == l[i]->document; k = run) {
			for (run = k; run < n && l[run]->call == l[k]->call &&
			    l[run]->document == l[i]->document; run++)
				;
			if ((p = programme(j, s, l[k]->call)) == NULL)
				continue;
			if (!counted) {
				memset(&sums, 0, sizeof(sums));
				e = count_earlier(j, s, p, l[k], &sums);
			}
			counted = true;
			if (e == RSG_OK)
				e = earn_run(j, s, a, p, &l[k], run - k, &sums);
		}
	}
	return e;
}
