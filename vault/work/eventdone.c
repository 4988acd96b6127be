#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "segment/activity.h"
#include "subject/person.h"
#include "work/among.h"
#include "work/eventjob.h"
#include "work/vault.h"

#define KEY_EPOCH	1

/* --- Deciding --- */

/* May this call write about this person? Fills the call's draft. */
static enum rsg_err
decide(struct job *j, uint32_t call, struct who *p)
{
	struct rsg_call *c = j->call[call];
	struct rsg_answer answer;
	struct rsg_standing st = { .state = p->state, .grant = p->grant,
	    .ngrants = p->ngrants, .self = !rsg_id_nil(&c->actor.subject) &&
	    rsg_id_eq(&c->actor.subject, &p->id) };
	enum rsg_err e;

	if (p->err != RSG_OK)
		return p->err;
	if (!c->actor.admin)
		return rsg_call_allowed(j->w, c, RSG_ACT_EVENT_WRITE,
		    j->purpose[call], NULL, 0, &st, &answer);
	e = rsg_call_allowed(j->w, c, RSG_ACT_IMPORT, 0, NULL, 0, NULL, &answer);
	(void)rsg_msg_get_text(c->in, RSG_F_BASIS, c->draft.basis, sizeof(c->draft.basis));
	return e == RSG_OK && p->state != RSG_STATE_ACTIVE ? RSG_SUBJECT_STATE : e;
}

static int
by_person(const void *va, const void *vb)
{
	const struct line *a = *(struct line *const *)va, *b = *(struct line *const *)vb;
	int c;

	if (a->who != b->who)
		return a->who < b->who ? -1 : 1;
	if ((c = memcmp(a->id.b, b->id.b, RSG_ID_LEN)) != 0)
		return c;
	return a < b ? -1 : a > b;
}

static void
give_id(struct job *j, struct line *l)
{
	rsg_event_id(j->who[l->who].keys.key[RSG_KEY_ACTIVITY], &l->ev,
	    l->by_chance ? l->chance : NULL, &l->id);
}

/*
 * Equal lines of one request without an ordinal are true duplicates, the
 * second, the third ...; equal lines with the same ordinal are one line.
 */
static void
number_equals(struct job *j)
{
	uint32_t nth = 0;
	bool changed = false;
	struct rsg_id first = { { 0 } };

	for (size_t i = 1; i < j->ngood; i++) {
		struct line *a = j->good[i - 1], *b = j->good[i];

		if (nth == 0)
			first = a->id;
		if (a->who != b->who || a->call != b->call || b->ordinal_given ||
		    !rsg_id_eq(&first, &b->id)) {
			nth = 0;
			continue;
		}
		b->ev.ordinal = ++nth;
		changed = true;
	}
	if (!changed)
		return;
	for (size_t i = 0; i < j->ngood; i++)
		give_id(j, j->good[i]);
	qsort(j->good, j->ngood, sizeof(j->good[0]), by_person);
}

/* The verdict of one call about one person, remembered over their lines. */
struct verdict {
	uint32_t call, who;
	enum rsg_err err;
};

/*
 * Every line gets the verdict on its person; a call is denied as a whole only
 * when all of it is. The last verdict's draft stays as the call's own.
 */
enum rsg_err
rsg_job_decide(struct job *j)
{
	struct verdict last = { UINT32_MAX, NOBODY, RSG_OK };

	for (size_t i = 0; i < j->nlines; i++) {
		struct line *l = &j->line[i];
		struct rsg_call *c = j->call[l->call];

		if (l->err != RSG_OK)
			continue;
		if (l->call != last.call || l->who != last.who) {
			struct rsg_draft before = c->draft;
			bool had = c->audited && before.decision == RSG_OK;

			last = (struct verdict){ l->call, l->who, RSG_OK };
			last.err = decide(j, l->call, &j->who[l->who]);
			if (last.err != RSG_OK && had)
				c->draft = before;	/* one refusal does not speak for all */
			rsg_secret_wipe(&before, sizeof(before));
			c->status = RSG_OK;
		}
		if (last.err != RSG_OK) {
			l->err = last.err;
			l->member = "subject";
			continue;
		}
		give_id(j, l);
		j->good[j->ngood++] = l;
	}
	qsort(j->good, j->ngood, sizeof(j->good[0]), by_person);
	number_equals(j);
	return RSG_OK;
}

/* --- What was new --- */

static int
row_cmp(const struct job *j, const struct line *l, const struct rsg_id *who,
    const struct rsg_id *id)
{
	int c = memcmp(j->who[l->who].id.b, who->b, RSG_ID_LEN);

	return c != 0 ? c : memcmp(l->id.b, id->b, RSG_ID_LEN);
}

/* The database answers in the order it was asked: walk both together, and
 * fall back to a search where it did not. */
static struct line *
find_line(struct job *j, size_t *hint, const struct rsg_id *who, const struct rsg_id *id)
{
	for (size_t k = 0; k < j->ngood; k++) {
		size_t i = (*hint + k) % j->ngood;

		if (row_cmp(j, j->good[i], who, id) == 0) {
			*hint = i + 1;
			return j->good[i];
		}
	}
	return NULL;
}

/* From which row of the answer on there are earlier lines of a line's document.
 * Both stand in the order in which was asked. */
static void
find_earlier(struct job *j, const struct rsg_result *documents)
{
	int row = 0, n = documents == NULL ? 0 : rsg_result_rows(documents);

	j->earlier = documents;
	for (size_t i = 0; i < j->ngood; i++) {
		struct line *l = j->good[i];

		l->earlier = -1;
		if (l->document < 0)
			continue;
		while (row < n && rsg_result_int(documents, row, 0) < l->document)
			row++;
		if (row < n && rsg_result_int(documents, row, 0) == l->document)
			l->earlier = row;
	}
}

void
rsg_job_fresh(struct job *j, const struct rsg_result *documents,
    const struct rsg_result *inserted)
{
	struct rsg_id who, id;
	size_t hint = 0;

	find_earlier(j, documents);
	for (int row = 0; row < rsg_result_rows(inserted); row++) {
		struct line *l;

		rsg_result_id(inserted, row, 0, &who);
		rsg_result_id(inserted, row, 1, &id);
		if ((l = find_line(j, &hint, &who, &id)) != NULL)
			l->fresh = true;
	}
	/* A new document counts once, on the earliest day of its new lines. */
	for (size_t i = 0; i < j->ngood; ) {
		struct line *first = NULL;
		size_t k = i;

		for (; k < j->ngood && j->good[k]->document == j->good[i]->document; k++)
			if (j->good[k]->fresh &&
			    (first == NULL || j->good[k]->day < first->day))
				first = j->good[k];
		if (first != NULL && j->good[i]->earlier < 0)
			first->counted = true;
		i = k;
	}
}

/* --- Activities --- */

static void
count_name(struct job *j, struct rsg_activity *a, const struct line *l,
    enum rsg_counter of, enum rsg_event_text text)
{
	struct rsg_service_name key = { RSG_SERVICE_BLIND, j->who[l->who].controller, 0 };
	uint8_t digest[RSG_DIGEST_LEN];

	if (l->ev.text[text].len == 0 || rsg_service_digest(j->w->vault->keys, key,
	    "counter", l->ev.text[text].p, l->ev.text[text].len, digest) != RSG_OK)
		return;
	rsg_activity_count(a, (uint8_t)of, rsg_get32(digest), l->day);
}

static enum rsg_err
add_line(struct job *j, struct rsg_activity *a, const struct line *l)
{
	const struct rsg_kinddef *kind = NULL;
	struct rsg_day d = { .day = l->day, .cost = l->ev.cost };

	for (size_t i = 0; (kind = rsg_policy_kind_at(j->w->policy, i)) != NULL; i++)
		if (kind->number == l->ev.kind)
			break;
	if (kind != NULL && kind->amount == RSG_SIGN_PLUS) {
		d.documents = l->counted;
		d.gross = l->ev.amount;
		d.repeated = l->ev.ordinal > 0 ? l->ev.amount : 0;
	} else if (kind != NULL && kind->amount == RSG_SIGN_MINUS) {
		d.returned = l->ev.amount;
		d.cost = -l->ev.cost;	/* the goods are back on the shelf */
		d.repeated = l->ev.ordinal > 0 ? -l->ev.amount : 0;
	} else
		d.contacts = 1;
	rsg_activity_count(a, RSG_COUNT_KIND, l->ev.kind, l->day);
	if (kind != NULL && strcmp(kind->id, "contact") == 0)
		rsg_activity_sent(a, l->day);
	count_name(j, a, l, RSG_COUNT_CATEGORY, RSG_EV_CATEGORY);
	count_name(j, a, l, RSG_COUNT_STORE, RSG_EV_STORE);
	count_name(j, a, l, RSG_COUNT_CHANNEL, RSG_EV_CHANNEL);
	return rsg_activity_add(a, &d);
}

/* --- Bringing it up to date --- */

/* The bytes of an activity, opened into the thread's arena. */
static enum rsg_err
open_activity(struct job *j, const struct rsg_subject *s, struct rsg_activity *a)
{
	struct rsg_place_of at = { .kind = RSG_SEAL_ACTIVITY,
	    .controller = s->controller, .pk = s->id,
	    .version = s->h.activity_version, .generation = KEY_EPOCH };
	uint8_t *text;
	size_t n;
	enum rsg_err e;

	rsg_activity_clear(a);
	if (s->activity == NULL)
		return RSG_OK;
	if ((text = malloc(s->nactivity)) == NULL)
		return RSG_NO_MEMORY;
	e = rsg_seal_open(j->who == NULL ? NULL : s->keys.key[RSG_KEY_ACTIVITY], &at,
	    s->activity, s->nactivity, text, &n);
	if (e == RSG_OK)
		e = rsg_activity_get(a, text, n);
	rsg_secret_wipe(text, s->nactivity);
	free(text);
	if (e != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "activity", "subject", RSG_LOG_ID, &s->id, NULL);
	return e;
}

static enum rsg_err
seal_both(struct rsg_subject *s, struct rsg_activity *a, struct rsg_bind *update)
{
	struct rsg_place_of at = { .controller = s->controller, .pk = s->id,
	    .generation = KEY_EPOCH };
	struct rsg_buf text, header, activity;
	enum rsg_err e;

	rsg_buf_init(&text, RSG_ACTIVITY_MAX + 4096);
	rsg_buf_init(&header, RSG_HEADER_MAX + 1024);
	rsg_buf_init(&activity, RSG_ACTIVITY_MAX + 8192);
	s->h.activity_version++;
	at.kind = RSG_SEAL_ACTIVITY;
	at.version = s->h.activity_version;
	if ((e = rsg_activity_put(a, &text)) != RSG_OK ||
	    (e = rsg_buf_err(&text)) != RSG_OK ||
	    (e = rsg_seal(s->keys.key[RSG_KEY_ACTIVITY], &at, text.p, text.len,
	    &activity)) != RSG_OK)
		goto done;
	rsg_buf_reset(&text);
	rsg_header_put(&s->h, &text);
	at.kind = RSG_SEAL_HEADER;
	at.version = (uint64_t)s->version + 1;
	if ((e = rsg_buf_err(&text)) != RSG_OK ||
	    (e = rsg_seal(s->keys.key[RSG_KEY_PROFILE], &at, text.p, text.len,
	    &header)) != RSG_OK)
		goto done;
	rsg_bind_id(update, 0, &s->id);
	rsg_bind_int(update, 1, s->version);
	rsg_bind_bytes(update, 2, header.p, header.len);
	rsg_bind_bytes(update, 3, activity.p, activity.len);
done:
	rsg_buf_free(&text);
	rsg_buf_free(&header);
	rsg_buf_free(&activity);
	return e;
}

static enum rsg_err
one_person(struct job *j, struct line **l, size_t n, struct rsg_activity *a,
    struct rsg_bind *update)
{
	const struct who *p = &j->who[l[0]->who];
	struct rsg_subject s;
	bool any = false;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < n; i++)
		any = any || l[i]->fresh;
	if (!any)
		return RSG_OK;
	memset(&s, 0, sizeof(s));
	s.id = p->id;
	rsg_person_row(&s, j->people, p->row, 1);
	if ((e = rsg_person_open(j->w->vault->keys, &s, p->controller)) == RSG_OK &&
	    (e = open_activity(j, &s, a)) == RSG_OK) {
		for (size_t i = 0; i < n && e == RSG_OK; i++)
			if (l[i]->fresh)
				e = add_line(j, a, l[i]);
		if (e == RSG_OK)
			e = rsg_job_earn(j, &s, a, l, n);
		if (e == RSG_OK)
			e = seal_both(&s, a, update);
	}
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}

enum rsg_err
rsg_job_activities(struct job *j, struct rsg_bind *update)
{
	struct rsg_activity *a = rsg_activity_new();
	enum rsg_err e = RSG_OK;

	if (a == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < j->ngood && e == RSG_OK; ) {
		size_t k = i;

		while (k < j->ngood && j->good[k]->who == j->good[i]->who)
			k++;
		e = one_person(j, &j->good[i], k - i, a, update);
		i = k;
	}
	rsg_activity_free(a);
	return e;
}

/* --- Answers --- */

/* An entry about one person names them; one about many has a root over them. */
static enum rsg_err
entry(struct job *j, uint32_t call)
{
	struct rsg_draft *d = &j->call[call]->draft;
	uint32_t *who = calloc(j->ngood + 1, sizeof(*who));
	struct rsg_among *bulk = NULL;
	enum rsg_err e = RSG_OK;
	size_t n = 0;

	if (who == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < j->ngood; i++)
		if (j->good[i]->call == call && (n == 0 || who[n - 1] != j->good[i]->who))
			who[n++] = j->good[i]->who;
	if (n == 1) {
		d->about = true;
		d->subject = j->who[who[0]].id;
		memcpy(d->evidence, j->who[who[0]].keys.key[RSG_KEY_EVIDENCE], RSG_KEY_LEN);
	} else if (n > 1 && (e = rsg_among_new(j->w, j->call[call], n, &bulk)) == RSG_OK) {
		for (size_t i = 0; i < n; i++)
			rsg_among_add(bulk, j->who[who[i]].keys.key[RSG_KEY_EVIDENCE],
			    &j->who[who[i]].id);
		rsg_among_end(bulk);
	}
	rsg_among_free(bulk);
	free(who);
	return e;
}

static void
put_reject(struct rsg_buf *out, const struct line *l)
{
	size_t mark = rsg_msg_open(out, RSG_F_REJECTED);

	rsg_msg_int(out, RSG_F_LINE, l->number);
	rsg_msg_text(out, RSG_F_ERROR, rsg_err_id(l->err));
	if (l->member != NULL)
		rsg_msg_text(out, RSG_F_MEMBER, l->member);
	rsg_msg_close(out, mark);
}

/* One event for one person is a request of its own: it fails as one. */
static bool
single(const struct rsg_call *c, size_t lines)
{
	return lines == 1 && rsg_msg_has(c->in, RSG_F_SUBJECT);
}

static enum rsg_err
answer(struct job *j, uint32_t call)
{
	struct rsg_call *c = j->call[call];
	const struct line *bad = NULL;
	int64_t accepted = 0, repeated = 0;
	size_t lines = 0;
	enum rsg_err e;

	if (c->status != RSG_OK)
		return RSG_OK;
	for (size_t i = 0; i < j->nlines; i++) {
		const struct line *l = &j->line[i];

		if (l->call != call)
			continue;
		lines++;
		if (l->err != RSG_OK) {
			bad = l;
			put_reject(&c->out, l);
		} else if (l->fresh)
			accepted++;
		else
			repeated++;
	}
	if (bad != NULL && single(c, lines))
		rsg_call_fail(c, bad->err, bad->member, c->audited ? c->draft.clause : NULL);
	rsg_msg_int(&c->out, RSG_F_ACCEPTED, accepted);
	rsg_msg_int(&c->out, RSG_F_REPEATED, repeated);
	if (!c->audited)
		return rsg_buf_err(&c->out);
	if ((e = entry(j, call)) != RSG_OK || (e = rsg_audit_stage(j->w, c)) != RSG_OK)
		return e;
	return rsg_buf_err(&c->out);
}

enum rsg_err
rsg_job_answers(struct job *j)
{
	enum rsg_err e = RSG_OK;

	for (uint32_t i = 0; i < j->ncalls && e == RSG_OK; i++)
		e = answer(j, i);
	return e;
}
