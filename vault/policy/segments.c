/*
 * segments.c - segments.json and kinds.json: groups of customers, and what
 * can happen between a shop and a customer.
 */
#include <stddef.h>
#include <string.h>

#include "policy/reader.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct raw {
	const char *code, *title[2], *purpose, *effect;
	const struct rsg_json *r, *f, *m;
};
static const struct rsg__member members[] = {
	{ "code", RSG__M_ID, true, offsetof(struct raw, code), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct raw, title), 0, 0 },
	{ "purpose", RSG__M_ID, true, offsetof(struct raw, purpose), 0, 0 },
	{ "effect", RSG__M_ID, true, offsetof(struct raw, effect), 0, 0 },
	{ "r", RSG__M_ANY, true, offsetof(struct raw, r), 0, 0 },
	{ "f", RSG__M_ANY, true, offsetof(struct raw, f), 0, 0 },
	{ "m", RSG__M_ANY, false, offsetof(struct raw, m), 0, 0 },
};

/* [from, to], both included. */
static void
read_range(struct rsg__reader *r, const char *member, const struct rsg_json *v,
    int64_t bins, uint8_t *min, uint8_t *max)
{
	int64_t from = 0, to = 0;

	if (v == NULL) {
		*min = 1;
		*max = (uint8_t)bins;
		return;
	}
	if (rsg_json_type(v) == RSG_JSON_ARRAY && rsg_json_size(v) == 2 &&
	    rsg_json_type(rsg_json_at(v, 0)) == RSG_JSON_INT &&
	    rsg_json_type(rsg_json_at(v, 1)) == RSG_JSON_INT) {
		from = rsg_json_int(rsg_json_at(v, 0));
		to = rsg_json_int(rsg_json_at(v, 1));
	}
	if (from < 1 || to < from || to > bins) {
		rsg__fault(r, member, "is not a range; write [from, to] with "
		    "scores from 1 to %lld", (long long)bins);
		return;
	}
	*min = (uint8_t)from;
	*max = (uint8_t)to;
}

static void
read_segment(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *v, int64_t bins)
{
	static const char *const effects[] = { "inform", "offer", "price",
	    "exclude" };
	struct rsg_segmentdef *d = &p->segment[p->nsegments];
	const struct rsg_purposedef *pu;
	struct raw f;

	memset(&f, 0, sizeof(f));
	if (!rsg__read(r, v, members, COUNT(members), &f) ||
	    rsg__one_of(r, "effect", f.effect, effects, COUNT(effects)) < 0)
		return;
	if (rsg_policy_segment(p, f.code, strlen(f.code)) != NULL)
		rsg__fault(r, "code", "is used above; choose another");
	if ((pu = rsg_policy_purpose(p, f.purpose, strlen(f.purpose))) == NULL) {
		if (!r->unsure)
			rsg__fault(r, "purpose", "\"%.64s\" is not a purpose of "
			    "purposes.json; correct it there or here", f.purpose);
		return;
	}
	if (!pu->profiling)
		rsg__fault(r, "purpose", "\"%s\" is not for profiling, and to "
		    "put people into groups is; choose another, or say "
		    "\"profiling\": true in purposes.json", pu->id);
	*d = (struct rsg_segmentdef){ .code = f.code,
	    .title = { f.title[0], f.title[1] }, .purpose = pu->number,
	    .effect = f.effect };
	read_range(r, "r", f.r, bins, &d->r_min, &d->r_max);
	read_range(r, "f", f.f, bins, &d->f_min, &d->f_max);
	read_range(r, "m", f.m, bins, &d->m_min, &d->m_max);
	p->nsegments++;
}

void
rsg__segments_read(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *file)
{
	struct { const struct rsg_json *segments; int64_t bins; } top = { NULL, 5 };
	static const struct rsg__member shape[] = {
		{ "segments", RSG__M_ARRAY, true, 0, 0, RSG__SEGMENTS },
		{ "bins", RSG__M_INT, true, sizeof(void *), 2, 10 },
	};
	const struct rsg_json *v;
	size_t mark;

	rsg__read(r, file, shape, COUNT(shape), &top);
	p->bins = (unsigned)top.bins;
	for (size_t i = 0; top.segments != NULL &&
	    i < rsg_json_size(top.segments); i++) {
		v = rsg_json_at(top.segments, i);
		mark = rsg__enter(r, "segments", i, rsg__peek(v, "code"));
		read_segment(r, p, v, top.bins);
		rsg__leave(r, mark);
	}
}

struct rawkind {
	int64_t number;
	const char *id, *title[2], *amount;
};
static const struct rsg__member kind_members[] = {
	{ "number", RSG__M_INT, true, offsetof(struct rawkind, number), 1, 255 },
	{ "id", RSG__M_ID, true, offsetof(struct rawkind, id), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct rawkind, title), 0, 0 },
	{ "amount", RSG__M_ID, true, offsetof(struct rawkind, amount), 0, 0 },
};

static void
read_kind(struct rsg__reader *r, struct rsg_policy *p, const struct rsg_json *v,
    uint8_t *numbers)
{
	static const char *const signs[] = { [RSG_SIGN_NONE] = "none",
	    [RSG_SIGN_PLUS] = "plus", [RSG_SIGN_MINUS] = "minus",
	    [RSG_SIGN_ANY] = "any" };
	struct rsg_kinddef *d = &p->kind[p->nkinds];
	struct rawkind f;
	uint8_t n;
	int sign;

	memset(&f, 0, sizeof(f));
	if (!rsg__read(r, v, kind_members, COUNT(kind_members), &f) ||
	    (sign = rsg__one_of(r, "amount", f.amount, signs, COUNT(signs))) < 0 ||
	    !rsg__take(r, numbers, f.number))
		return;
	if (rsg_policy_kind(p, f.id, strlen(f.id), &n))
		rsg__fault(r, "id", "is used above; choose another");
	*d = (struct rsg_kinddef){ .number = (uint8_t)f.number, .id = f.id,
	    .title = { f.title[0], f.title[1] },
	    .amount = (enum rsg_sign)sign };
	p->nkinds++;
}

void
rsg__kinds_read(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *file)
{
	struct { const struct rsg_json *retired, *kinds; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "retired", RSG__M_ANY, false, 0, 0, 0 },
		{ "kinds", RSG__M_ARRAY, true, sizeof(void *), 1, RSG__KINDS },
	};
	uint8_t numbers[256] = { 0 };
	const struct rsg_json *v;
	size_t mark;

	rsg__read(r, file, shape, COUNT(shape), &top);
	rsg__retired(r, top.retired, numbers, 255);
	for (size_t i = 0; top.kinds != NULL && i < rsg_json_size(top.kinds);
	    i++) {
		v = rsg_json_at(top.kinds, i);
		mark = rsg__enter(r, "kinds", i, rsg__peek(v, "id"));
		read_kind(r, p, v, numbers);
		rsg__leave(r, mark);
	}
}
