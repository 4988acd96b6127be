/*
 * What people said before, in bulk: each line with its words' notice, date
 * and grade of evidence, who spoke for a child, and the form they signed. A
 * line that does not say is not a yes; and a no is kept back by nothing that
 * only a yes needs.
 */
#include <stdlib.h>
#include <string.h>

#include "consent/attachment.h"
#include "ops/attachments.h"
#include "ops/consents.h"
#include "ops/guardians.h"
#include "ops/ops.h"
#include "ops/relations.h"

/* One line while it is worked on. */
struct oldword {
	struct rsg_past *past;
	struct rsg_call *c;
	struct rsg_fields line;
	size_t at;
	struct rsg_pastperson *who;
	struct rsg_consent ev;
	const uint8_t *content;		/* of its file; NULL: it has none */
	size_t ncontent;
	uint8_t media;
	unsigned relations;		/* that stand */
	enum rsg_relation relation;	/* that has to */
};

/* A yes does not go without this; a no does, and the line is told of. */
static enum rsg_err
lacks(struct oldword *x, enum rsg_err e, const char *member)
{
	struct rsg_bulkline *l = &x->past->bulk.line[x->at];

	if (!rsg_rules_no(x->ev.status))
		return rsg_call_fail(x->c, e, member, NULL);
	l->note = rsg_err_id(e);
	l->note_member = member;
	return RSG_OK;
}

/* What the line says, and whether it says when and by what evidence. */
static enum rsg_err
read_word(struct oldword *x)
{
	enum rsg_err e;

	if ((e = rsg_consent_read(x->past->bulk.w, x->c, x->line, &x->ev)) != RSG_OK)
		return e;
	x->ev.record = x->past->line[x->at].record;
	if (!x->ev.dated)
		return rsg_call_fail(x->c, RSG_MISSING_MEMBER, "time", NULL);
	if (rsg_rules_yes(x->ev.status) && x->ev.evidence == 0)
		return rsg_call_fail(x->c, RSG_MISSING_MEMBER, "evidence", NULL);
	return RSG_OK;
}

/* The form or recording that came with the line. */
static enum rsg_err
read_file(struct oldword *x)
{
	const uint8_t *media, *p;
	size_t nmedia, len;

	if (!rsg_msg_get(x->line, RSG_F_CONTENT, &p, &len))
		return RSG_OK;
	if (len == 0)
		return lacks(x, RSG_BAD_VALUE, "attachment");
	if (!rsg_msg_get(x->line, RSG_F_MEDIA_TYPE, &media, &nmedia) ||
	    (x->media = rsg_media_find((const char *)media, nmedia)) == 0)
		return lacks(x, RSG_BAD_VALUE, "media_type");
	x->content = p;
	x->ncontent = len;
	return rsg_attachment_brought(x->past->bulk.w, x->who->subject, p, len, &x->ev);
}

/* Who spoke, and as what. */
static enum rsg_err
read_speaker(struct oldword *x)
{
	enum rsg_err e;

	x->relation = RSG_RELATION_GUARDIAN;
	if (!x->past->line[x->at].spoken)
		return RSG_OK;
	if (rsg_msg_has(x->line, RSG_F_RELATION)) {
		x->relation = rsg_relations_kind(x->line);
		/* Who lives in one house does not speak for the others. */
		if (x->relation != RSG_RELATION_GUARDIAN &&
		    x->relation != RSG_RELATION_REPRESENTATIVE)
			return lacks(x, RSG_BAD_VALUE, "relation");
	}
	e = rsg_guardian_of(x->past, x->at, &x->ev.on_behalf, &x->relations);
	return e == RSG_NOT_FOUND || e == RSG_BAD_VALUE ? lacks(x, e, "on_behalf") : e;
}

/* --- The same line again --- */

/* What stands in the event of this word. `room` is for its numbers. */
static void
parts_of(const struct rsg_consent *ev, uint8_t room[5][8],
    struct rsg_part part[RSG_PROOF__MAX])
{
	const struct { enum rsg_proof part; const char *s; } texts[] = {
		{ RSG_PROOF_NOTICE, ev->notice }, { RSG_PROOF_LANGUAGE, ev->language },
		{ RSG_PROOF_METHOD, ev->method }, { RSG_PROOF_WORDS, ev->words },
		{ RSG_PROOF_FORM, ev->form }, { RSG_PROOF_TAKEN_AT, ev->taken_at },
		{ RSG_PROOF_DOUBLE_OPT_IN, ev->double_opt_in },
	};
	const struct { enum rsg_proof part; uint64_t n; size_t len; } numbers[5] = {
		{ RSG_PROOF_NOTICE_VERSION, ev->notice_version, 4 },
		{ RSG_PROOF_SHOWN, ev->notice_hash == NULL ? 0 : ev->brief ? 2 : 1, 1 },
		{ RSG_PROOF_SOURCE, ev->origin, 1 },
		{ RSG_PROOF_EVIDENCE, ev->evidence, 1 },
		{ RSG_PROOF_CONFIRMED, (uint64_t)ev->confirmed, 8 },
	};

	memset(part, 0, RSG_PROOF__MAX * sizeof(part[0]));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].s != NULL)
			part[texts[i].part] = (struct rsg_part){ texts[i].s,
			    strlen(texts[i].s) };
	for (size_t i = 0; i < 5; i++) {
		rsg_be64(room[i], numbers[i].n);
		if (numbers[i].n != 0)
			part[numbers[i].part] = (struct rsg_part){
			    room[i] + 8 - numbers[i].len, numbers[i].len };
	}
	if (!rsg_id_nil(&ev->on_behalf))
		part[RSG_PROOF_ON_BEHALF] = (struct rsg_part){ ev->on_behalf.b, RSG_ID_LEN };
	if (ev->attachment_hash != NULL)
		part[RSG_PROOF_ATTACHMENT_HASH] = (struct rsg_part){ ev->attachment_hash,
		    RSG_DIGEST_LEN };
}

/* The parts that a line can say, by its members: what it leaves open is filled in
 * from what was known then, and may be filled in otherwise now. */
static const struct { enum rsg_field field; enum rsg_proof part; } said_by[] = {
	{ RSG_F_NOTICE, RSG_PROOF_NOTICE }, { RSG_F_LANGUAGE, RSG_PROOF_LANGUAGE },
	{ RSG_F_NOTICE_VERSION, RSG_PROOF_NOTICE_VERSION },
	{ RSG_F_METHOD, RSG_PROOF_METHOD }, { RSG_F_WORDS, RSG_PROOF_WORDS },
	{ RSG_F_FORM, RSG_PROOF_FORM }, { RSG_F_TAKEN_AT, RSG_PROOF_TAKEN_AT },
	{ RSG_F_SOURCE, RSG_PROOF_SOURCE }, { RSG_F_EVIDENCE, RSG_PROOF_EVIDENCE },
	{ RSG_F_DOUBLE_OPT_IN, RSG_PROOF_DOUBLE_OPT_IN },
	{ RSG_F_CONFIRMED, RSG_PROOF_CONFIRMED },
	{ RSG_F_SPOKE, RSG_PROOF_ON_BEHALF }, { RSG_F_CONTENT, RSG_PROOF_ATTACHMENT_HASH },
};

/* The same word, though the ledger may call a second yes a renewal. */
static bool
same(const struct oldword *x, const struct rsg_pastword *before)
{
	const struct rsg_consent *ev = &x->ev;
	enum rsg_status status = (enum rsg_status)before->status;
	struct rsg_part part[RSG_PROOF__MAX];
	uint64_t now[RSG_PROOF__MAX];
	uint8_t room[5][8];

	if (before->purpose != ev->purpose || before->channel != (uint8_t)ev->channel ||
	    before->time != ev->time || (status != ev->status &&
	    !(rsg_rules_yes(status) && rsg_rules_yes(ev->status))))
		return false;
	parts_of(ev, room, part);
	rsg_past_parts(part, now);
	for (size_t i = 0; i < sizeof(said_by) / sizeof(said_by[0]); i++) {
		enum rsg_proof p = said_by[i].part;
		bool taken_without = rsg_rules_no(ev->status) &&
		    (before->part[p] == 0 || now[p] == 0);

		if (rsg_msg_has(x->line, said_by[i].field) && before->part[p] != now[p] &&
		    !taken_without)
			return false;
	}
	return true;
}

/* --- A new one --- */

static enum rsg_err
check(struct oldword *x)
{
	struct rsg_worker *w = x->past->bulk.w;
	const struct rsg_header *h = &x->who->subject->h;
	struct rsg_asked asked = { .state = h->state, .imported = true,
	    .jurisdiction = h->jurisdiction, .language = h->language };
	uint16_t birth = rsg_consent_birth(w->policy);
	struct rsg_header after = *h;
	struct rsg_value v;
	struct rsg_said said;
	enum rsg_err e;

	if (!rsg_id_nil(&x->ev.on_behalf))
		asked.relations = x->relations | 1u << x->relation;
	if (birth != 0 && (e = rsg_item_value(&w->batch->item[x->at], birth,
	    &v)) != RSG_NOT_FOUND) {
		if (e != RSG_OK)
			return e;
		asked.birth = v.text;
		asked.nbirth = v.len;
	}
	if ((e = rsg_consent_check(w, x->c, &x->ev, &asked)) != RSG_OK)
		return e;
	if ((e = rsg_rules_apply(w->policy, &after, &x->ev, &said)) != RSG_OK)
		return rsg_call_fail(x->c, e, "purpose", NULL);
	return RSG_OK;
}

/*
 * Who said yes for somebody is bound to them by it, as they would have to be
 * to say so today. Of somebody who has grown up since it only tells who it was.
 */
static enum rsg_err
stage_relation(struct oldword *x)
{
	const unsigned may = 1u << RSG_RELATION_GUARDIAN | 1u << RSG_RELATION_REPRESENTATIVE;
	bool child = x->ev.until != 0;	/* rsg_consent_check(): until they are of age */
	bool named = child || rsg_msg_has(x->line, RSG_F_RELATION);

	if (rsg_id_nil(&x->ev.on_behalf) || !rsg_rules_yes(x->ev.status) ||
	    (x->relations & (named ? 1u << x->relation : may)) != 0 ||
	    (child && x->ev.until <= x->past->bulk.w->now))
		return RSG_OK;
	return rsg_relations_stage(x->past->bulk.w->batch, &x->who->subject->id,
	    x->relation, &x->ev.on_behalf);
}

static enum rsg_err
append(struct oldword *x)
{
	struct rsg_bulk *m = &x->past->bulk;
	struct rsg_part part[RSG_PROOF__MAX];
	struct rsg_pastword now;
	uint8_t room[5][8];
	struct rsg_said said;
	enum rsg_err e;

	if ((e = check(x)) != RSG_OK || (e = stage_relation(x)) != RSG_OK)
		return e;
	if (x->content != NULL && (e = rsg_attachment_stage(m->w->batch, x->c,
	    x->who->subject, &x->ev, x->media, x->content, x->ncontent)) != RSG_OK)
		return rsg_call_fail(x->c, e, "attachment", NULL);
	if ((e = rsg_ledger_append(m->w->batch, x->c, x->who->subject, &x->ev,
	    &said)) != RSG_OK)
		return e;
	m->line[x->at].changed = true;
	now = (struct rsg_pastword){ .sequence = x->who->subject->h.consent.count,
	    .purpose = x->ev.purpose, .channel = (uint8_t)x->ev.channel,
	    .status = (uint8_t)said.event, .time = said.time, .until = said.until };
	memcpy(now.record, x->past->line[x->at].name, sizeof(now.record));
	parts_of(&x->ev, room, part);
	rsg_past_parts(part, now.part);
	return rsg_past_push(x->who, &now);
}

static enum rsg_err
write_word(struct rsg_bulk *m, size_t at)
{
	struct oldword x = { .past = m->own, .c = m->c, .line = m->line[at].group,
	    .at = at };
	const struct rsg_pastword *before;
	enum rsg_err e;

	if ((e = rsg_past_person(x.past, at, &x.who)) != RSG_OK ||
	    (e = read_word(&x)) != RSG_OK || (e = read_file(&x)) != RSG_OK ||
	    (e = read_speaker(&x)) != RSG_OK)
		return e;
	if ((before = rsg_past_known(x.who, x.past->line[at].name)) != NULL)
		return same(&x, before) ? RSG_OK :
		    rsg_call_fail(m->c, RSG_RECORD_DIFFERS, "record", NULL);
	return append(&x);
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
