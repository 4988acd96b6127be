/*
 * explain.c - a question and its answer in words, for officers.
 */
#include <string.h>

#include "policy/model.h"
#include "policy/policytool.h"

/* What a clause says, by how it begins. */
static const struct {
	const char *begin;
	const char *words[RSG_LANG__MAX];
} clauses[] = {
	{ "default-deny", { "No rule allows it.", "Ninguna regla lo permite." } },
	{ "state:", { "The person's record is in this state.",
	    "El registro de la persona está en ese estado." } },
	{ "require:", { "The request has to name this.",
	    "La solicitud debe indicarlo." } },
	{ "objection:", { "The person objects to this purpose.",
	    "La persona se opone a esta finalidad." } },
	{ "consent:", { "The person has no live consent for this purpose.",
	    "La persona no tiene un consentimiento vigente para esta "
	    "finalidad." } },
	{ "", { "A rule of access.json decided.",
	    "Decidió una regla de access.json." } },
};

static const char *const verdicts[2][RSG_LANG__MAX] = {
	{ "Denied", "Denegado" }, { "Allowed", "Permitido" },
};

static const struct {
	enum rsg_transform transform;
	const char *words[RSG_LANG__MAX];
} shown[] = {
	{ RSG_TR_CLEAR, { "in full", "completo" } },
	{ RSG_TR_MASKED, { "masked", "enmascarado" } },
	{ RSG_TR_GENERALISED, { "generalised", "generalizado" } },
	{ RSG_TR_NONE, { "withheld", "retenido" } },
};

static const char *
words_of(const char *clause, enum rsg_lang lang)
{
	size_t i = 0;

	while (strncmp(clauses[i].begin, clause, strlen(clauses[i].begin)) != 0)
		i++;
	return clauses[i].words[lang];
}

static void
put_purpose(const struct rsg_policy *p, const struct rsg_question *q,
    enum rsg_lang lang, struct rsg_buf *out)
{
	const struct rsg_purposedef *pu = rsg_policy_purpose_no(p, q->purpose);
	bool es = lang == RSG_LANG_ES;

	if (pu == NULL) {
		rsg_buf_str(out, es ? "Finalidad: ninguna declarada\n" :
		    "Purpose: none was stated\n");
		return;
	}
	rsg_buf_printf(out, es ? "Finalidad: %s (%s)\n  %s\n" :
	    "Purpose: %s (%s)\n  %s\n", pu->title[lang], pu->id,
	    pu->description[lang]);
	rsg_buf_printf(out, es ? "  Base jurídica: %s (%s)%s\n" :
	    "  Legal basis: %s (%s)%s\n", pu->basis, pu->basis_dpv,
	    !pu->per_channel ? "" : es ? ", por cada medio" :
	    ", channel by channel");
}

static void
put_obligations(const struct rsg_answer *a, enum rsg_lang lang,
    struct rsg_buf *out)
{
	bool es = lang == RSG_LANG_ES;

	if (a->member != NULL)
		rsg_buf_printf(out, es ? "  Falta: %s\n" : "  Missing: %s\n",
		    a->member);
	if (a->min_group != 0)
		rsg_buf_printf(out, es ? "  Grupos de %u personas o más\n" :
		    "  Groups of %u people or more\n", a->min_group);
	if (a->rate != 0)
		rsg_buf_printf(out, es ? "  A lo sumo %u por minuto\n" :
		    "  At most %u a minute\n", a->rate);
}

static void
put_field(const struct rsg_policy *p, uint16_t number,
    const struct rsg_answer *a, enum rsg_lang lang, struct rsg_buf *out)
{
	const struct rsg_fielddef *f = rsg_policy_field_no(p, number);
	size_t i = 0;

	if (f == NULL)
		return;
	while (shown[i].transform != RSG_TR_NONE &&
	    shown[i].transform != (enum rsg_transform)a->transform[number])
		i++;
	rsg_buf_printf(out, "  %s (%s): %s [%s]", f->title[lang], f->id,
	    shown[i].words[lang], a->why[number]);
	if (shown[i].transform == RSG_TR_NONE)
		rsg_buf_printf(out, " %s", words_of(a->why[number], lang));
	rsg_buf_str(out, "\n");
}

enum rsg_err
rsg_policy_explain(const struct rsg_policy *p, const struct rsg_question *q,
    enum rsg_lang lang, struct rsg_buf *out)
{
	struct rsg_answer a;
	bool es;

	if ((unsigned)lang >= RSG_LANG__MAX)
		lang = RSG_LANG_EN;
	es = lang == RSG_LANG_ES;
	rsg_policy_decide(p, q, &a);
	rsg_buf_printf(out, es ? "Quién: %s%s%s\nQué: %s\n" :
	    "Who: %s%s%s\nWhat: %s\n", q->role != NULL ? q->role : "-",
	    q->recipient != NULL ? (es ? ", para " : ", for ") : "",
	    q->recipient != NULL ? q->recipient : "",
	    rsg_action_name(q->action));
	put_purpose(p, q, lang, out);
	rsg_buf_printf(out, "%s [%s]: %s\n", verdicts[a.err == RSG_OK][lang],
	    a.clause, words_of(a.clause, lang));
	put_obligations(&a, lang, out);
	for (size_t i = 0; i < q->nfields; i++)
		put_field(p, q->field[i], &a, lang, out);
	return rsg_buf_err(out);
}
