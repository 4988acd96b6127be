/*
 * What people said before, in bulk: each line with its words' notice, date
 * and grade of evidence. A line that does not say is not a yes.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/consents.h"
#include "ops/ops.h"
#include "ops/past.h"

/* What the line says, and whether it says when and by what evidence. */
static enum rsg_err
read_word(struct rsg_past *p, size_t at, struct rsg_consent *ev)
{
	struct rsg_call *c = p->bulk.c;
	enum rsg_err e;

	if ((e = rsg_consent_read(p->bulk.w, c, p->bulk.line[at].group, ev)) != RSG_OK)
		return e;
	ev->record = p->line[at].record;
	if (!ev->dated)
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "time", NULL);
	if (rsg_rules_yes(ev->status) && ev->evidence == 0)
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "evidence", NULL);
	return RSG_OK;
}

/* The same word, though the ledger may call a second yes a renewal. */
static bool
same(const struct rsg_pastword *x, const struct rsg_consent *ev)
{
	enum rsg_status status = (enum rsg_status)x->status;

	return x->purpose == ev->purpose && x->channel == (uint8_t)ev->channel &&
	    x->time == ev->time && (status == ev->status ||
	    (rsg_rules_yes(status) && rsg_rules_yes(ev->status)));
}

static enum rsg_err
check(struct rsg_past *p, size_t at, const struct rsg_pastperson *who,
    struct rsg_consent *ev)
{
	const struct rsg_header *h = &who->subject->h;
	struct rsg_item *it = &p->bulk.w->batch->item[at];
	struct rsg_asked asked = { .state = h->state, .imported = true,
	    .jurisdiction = h->jurisdiction, .language = h->language };
	uint16_t birth = rsg_consent_birth(p->bulk.w->policy);
	struct rsg_header after = *h;
	struct rsg_value v;
	struct rsg_said said;
	enum rsg_err e;

	if (birth != 0 && (e = rsg_item_value(it, birth, &v)) != RSG_NOT_FOUND) {
		if (e != RSG_OK)
			return e;
		asked.birth = v.text;
		asked.nbirth = v.len;
	}
	if ((e = rsg_consent_check(p->bulk.w, p->bulk.c, ev, &asked)) != RSG_OK)
		return e;
	if ((e = rsg_rules_apply(p->bulk.w->policy, &after, ev, &said)) != RSG_OK)
		return rsg_call_fail(p->bulk.c, e, "purpose", NULL);
	return RSG_OK;
}

static enum rsg_err
write_word(struct rsg_bulk *m, size_t at)
{
	struct rsg_past *p = m->own;
	const struct rsg_pastword *before;
	struct rsg_pastperson *who;
	struct rsg_pastword now;
	struct rsg_consent ev;
	struct rsg_said said;
	enum rsg_err e;

	if ((e = rsg_past_person(p, at, &who)) != RSG_OK ||
	    (e = read_word(p, at, &ev)) != RSG_OK)
		return e;
	if ((before = rsg_past_known(who, p->line[at].name)) != NULL)
		return same(before, &ev) ? RSG_OK :
		    rsg_call_fail(m->c, RSG_RECORD_DIFFERS, "record", NULL);
	if ((e = check(p, at, who, &ev)) != RSG_OK || (e = rsg_ledger_append(
	    m->w->batch, m->c, who->subject, &ev, &said)) != RSG_OK)
		return e;
	m->line[at].changed = true;
	now = (struct rsg_pastword){ .sequence = who->subject->h.consent.count,
	    .purpose = ev.purpose, .channel = (uint8_t)ev.channel,
	    .status = (uint8_t)said.event, .time = said.time, .until = said.until };
	memcpy(now.record, p->line[at].name, sizeof(now.record));
	return rsg_past_push(who, &now);
}

enum rsg_err
rsg_op_import_consents(struct rsg_worker *w, struct rsg_call *c)
{
	static const struct rsg_bulkdef consents = { .lines = RSG_F_OLD_CONSENTS,
	    .begin = rsg_past_begin, .read = rsg_past_read, .find = rsg_past_find,
	    .write = write_word };
	struct rsg_past *p = calloc(1, sizeof(*p));
	enum rsg_err e;

	if (p == NULL)
		return RSG_NO_MEMORY;
	if ((e = rsg_past_open(p, &consents, w, c)) == RSG_OK)
		e = rsg_bulk_run(&p->bulk);
	rsg_past_close(p);
	free(p);
	return e;
}
