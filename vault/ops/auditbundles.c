/*
 * The audit bundle: every access to one person in a period, each readable and
 * proven, for them and for whoever they show it to. It is the same whoever
 * asks for it, and never says which member of staff it was.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/merkle.h"
#include "ops/accounts.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/vault.h"

#define FORMAT		"resguardo-audit-bundle-1"
#define SETTLED		(120 * RSG_US)	/* no transaction of before is under way */
#define WORDS_MAX	8

/* What a bundle says of itself. */
static const struct {
	const char *covers[2][WORDS_MAX], *not[2][WORDS_MAX];
} words = {
	.covers = {
		[RSG_LANG_EN] = {
			"Every access to this person, every refusal and every change from 'from' up to, "
			    "and without, 'to': what was done, in what role, where, for what purpose, "
			    "on what ground, with which fields.",
			"What was done with many people at once and gave something of this person out or "
			    "wrote about them: pages of segments for a recipient, imports, lines of events.",
			"Of each, that it stands in the log that the checkpoint signs, that it says what is "
			    "shown here, and that it is about this person or has this person among its many.",
		},
		[RSG_LANG_ES] = {
			"Cada acceso a esta persona, cada negativa y cada cambio desde 'from' hasta 'to', "
			    "este sin incluir: qué se hizo, en qué papel, dónde, con qué finalidad, con "
			    "qué base y con qué campos.",
			"Lo que se hizo con muchas personas a la vez y entregó algo de esta o escribió sobre "
			    "ella: páginas de segmentos para un destinatario, importaciones, líneas de eventos.",
			"De cada uno, que consta en la bitácora que firma el punto de control, que dice lo que "
			    "aquí se muestra y que trata de esta persona o la tiene entre sus muchas.",
		},
	},
	.not = {
		[RSG_LANG_EN] = {
			"Who of the staff it was, and the reason they noted: the log keeps that under another key.",
			"Statistics that counted this person among others and gave out nothing of theirs: score "
			    "models, reports, and looking for who belongs to a segment.",
			"Acts on the server itself: keys, policies, credentials, backups, and whoever reads the "
			    "database or the disk without going through the server.",
			"What is not signed yet; 'to' says where this ends.",
			"That nothing is missing can be seen on days that are 'whole', with a copy of the log: no "
			    "other entry has the day's tag. That the tag is this person's is proven on days "
			    "with an access; on others it is the server's word.",
			"That no page of many was left out is the server's word too: such entries have no tag.",
			"That what an entry says is true. It says what the server knew: who used somebody "
			    "else's key looks like them.",
		},
		[RSG_LANG_ES] = {
			"Qué miembro del personal fue y el motivo que anotó: la bitácora lo guarda con otra clave.",
			"Estadísticas que contaron a esta persona entre otras y no entregaron nada suyo: modelos "
			    "de puntuación, informes y la búsqueda de quién pertenece a un segmento.",
			"Actos sobre el propio servidor: claves, políticas, credenciales, copias de seguridad, y "
			    "quien lea la base de datos o el disco sin pasar por el servidor.",
			"Lo que aún no está firmado; 'to' dice dónde termina.",
			"Que no falta nada puede verse en los días que son 'whole', con una copia de la bitácora: "
			    "ningún otro asiento lleva la marca del día. Que la marca es de esta persona está "
			    "probado en los días con algún acceso; en los demás lo dice el servidor.",
			"Que no se omitió ninguna página de muchos también lo dice el servidor: no llevan marca.",
			"Que lo que dice un asiento es cierto. Dice lo que el servidor sabía: quien usó la clave "
			    "de otro parece ese otro.",
		},
	},
};

/* --- What is asked --- */

static enum rsg_err
read_period(struct rsg_worker *w, struct rsg_call *c, struct rsg_account *a)
{
	uint8_t text[512];
	struct rsg_rd r;
	size_t n;
	enum rsg_err e;

	a->to = rsg_msg_get_int(c->in, RSG_F_TO, w->now);
	a->from = rsg_msg_get_int(c->in, RSG_F_FROM, a->to - 30 * RSG_DAY_US);
	if (rsg_msg_has(c->in, RSG_F_CURSOR)) {
		if ((e = rsg_token_open(w, c, "audit-bundle", text, sizeof(text), &n)) != RSG_OK)
			return e;
		rsg_rd_init(&r, text, n);
		a->from = (int64_t)rsg_rd_u64(&r);
		a->to = (int64_t)rsg_rd_u64(&r);
		if (!rsg_rd_end(&r))
			return rsg_call_fail(c, RSG_BAD_CURSOR, "cursor", NULL);
	}
	if (a->from >= a->to || a->from > w->now)
		return rsg_call_fail(c, RSG_BAD_VALUE, "from", NULL);
	return RSG_OK;
}

/* --- What is answered --- */

static void
put_words(struct rsg_call *c)
{
	enum rsg_lang lang = RSG_LANG_EN;
	char name[16];

	if (rsg_msg_get_text(c->in, RSG_F_LANGUAGE, name, sizeof(name)) &&
	    strcmp(name, "es") == 0)
		lang = RSG_LANG_ES;
	for (size_t i = 0; words.covers[lang][i] != NULL; i++)
		rsg_msg_text(&c->out, RSG_F_COVERS, words.covers[lang][i]);
	for (size_t i = 0; words.not[lang][i] != NULL; i++)
		rsg_msg_text(&c->out, RSG_F_NOT_COVERED, words.not[lang][i]);
}

static void
put_if(struct rsg_buf *out, enum rsg_field f, const char *text)
{
	if (text[0] != '\0')
		rsg_msg_text(out, f, text);
}

static void
put_done(struct rsg_buf *out, const struct rsg_entry *x)
{
	bool allowed = strcmp(x->decision, rsg_err_id(RSG_OK)) == 0;

	rsg_msg_int(out, RSG_F_TIME, x->time);
	rsg_msg_text(out, RSG_F_ACTOR, x->actor_name);
	rsg_msg_text(out, RSG_F_ROLE, x->role);
	put_if(out, RSG_F_PLACE, x->place);
	rsg_msg_text(out, RSG_F_ACTION, x->action);
	put_if(out, RSG_F_PURPOSE, x->purpose);
	rsg_msg_text(out, RSG_F_DECISION, allowed ? "allow" : "deny");
	put_if(out, RSG_F_CLAUSE, x->clause[0] != '\0' || allowed ? x->clause : x->decision);
	put_if(out, RSG_F_BASIS, x->basis);
	put_if(out, RSG_F_RECIPIENT, x->recipient);
	for (size_t i = 0; i < x->nfields; i++)
		rsg_msg_text(out, RSG_F_FIELDS, x->field[i]);
	rsg_msg_bytes(out, RSG_F_POLICY, x->policy, sizeof(x->policy));
	if (x->people > 0)
		rsg_msg_int(out, RSG_F_PEOPLE, x->people);
}

static void
put_path(struct rsg_buf *out, const struct rsg_proof *p)
{
	for (size_t i = 0; i < p->n; i++)
		rsg_msg_bytes(out, RSG_F_HASHES, p->hash[i], RSG_HASH_LEN);
}

static void
put_share(struct rsg_buf *out, const struct rsg_access *x)
{
	size_t mark = rsg_msg_open(out, RSG_F_SHARE);

	rsg_msg_int(out, RSG_F_POSITION, x->position);
	rsg_msg_bytes(out, RSG_F_KEY_SHARE, x->key, sizeof(x->key));
	if (x->ngiven > 0) {
		rsg_msg_bytes(out, RSG_F_GIVEN, x->given, x->ngiven);
		rsg_msg_bytes(out, RSG_F_PSEUDONYM, x->given, RSG_ID_LEN);
		rsg_msg_int(out, RSG_F_R, x->given[RSG_ID_LEN]);
		rsg_msg_int(out, RSG_F_F, x->given[RSG_ID_LEN + 1]);
		rsg_msg_int(out, RSG_F_M, x->given[RSG_ID_LEN + 2]);
	}
	put_path(out, &x->path);
	rsg_msg_close(out, mark);
}

/* Nothing is given out that would not verify: an altered row is no evidence. */
static bool
holds(const struct rsg_account *a, const struct rsg_access *x,
    const struct rsg_entry *e, const struct rsg_id *about)
{
	uint8_t commitment[32], leaf[32];

	if (!x->among)
		return rsg_id_eq(about, &a->person->id);
	rsg_entry_share(x->key, &a->person->id, x->given, x->ngiven, commitment);
	rsg_merkle_leaf(commitment, sizeof(commitment), leaf);
	return rsg_id_nil(about) && rsg_tree_included(leaf, x->position, e->people,
	    &x->path, e->root) == RSG_OK;
}

static enum rsg_err
put_opened(struct rsg_account *a, const struct rsg_access *x, const struct rsg_opening *o)
{
	uint8_t text[RSG_ENTRY_TEXT];
	struct rsg_buf *out = &a->c->out;
	struct rsg_entry e;
	struct rsg_id about;

	if (rsg_entry_shown(o, a->person->controller, x->leaf, x->len, text, &e,
	    &about) != RSG_OK || !holds(a, x, &e, &about) || e.time != x->time)
		return RSG_TAMPERED;
	put_done(out, &e);
	if (x->among)
		put_share(out, x);
	rsg_msg_bytes(out, RSG_F_LEAF_BYTES, x->leaf, x->len);
	rsg_msg_bytes(out, RSG_F_KEY_DONE, o->done, sizeof(o->done));
	rsg_msg_bytes(out, RSG_F_HASH_WHO, o->who, sizeof(o->who));
	rsg_msg_bytes(out, RSG_F_KEY_ABOUT, o->about, sizeof(o->about));
	return RSG_OK;
}

static enum rsg_err
put_access(struct rsg_account *a, const struct rsg_access *x)
{
	const uint8_t *evidence = x->among ? NULL : a->person->keys.key[RSG_KEY_EVIDENCE];
	size_t mark = rsg_msg_open(&a->c->out, RSG_F_ACCESSES);
	struct rsg_opening o;
	struct rsg_proof path;
	struct rsg_id about;
	enum rsg_err e;

	rsg_msg_id(&a->c->out, RSG_F_ENTRY, &x->entry);
	if ((e = rsg_prove_entry(a->log, x->index, x->hash, &path)) != RSG_OK)
		return e;
	e = rsg_entry_opening(a->w->vault->keys, evidence, x->leaf, x->len, &o);
	if (e == RSG_OK)
		e = put_opened(a, x, &o);
	else if (e == RSG_NOT_FOUND && !x->among && (e = rsg_entry_about(a->w->vault->keys,
	    a->person->controller, evidence, x->leaf, x->len, &about)) == RSG_OK)
		/* Of the first version: opened, it would show who did it. */
		rsg_msg_bytes(&a->c->out, RSG_F_LEAF_BYTES, x->leaf, x->len);
	rsg_secret_wipe(&o, sizeof(o));
	if (e != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_TAMPERED : e;
	rsg_msg_int(&a->c->out, RSG_F_INDEX, (int64_t)x->index);
	put_path(&a->c->out, &path);
	rsg_msg_close(&a->c->out, mark);
	return RSG_OK;
}

static void
put_day(struct rsg_account *a, int64_t day)
{
	size_t mark = rsg_msg_open(&a->c->out, RSG_F_DAYS);
	int64_t start = day * RSG_DAY_US, end = start + RSG_DAY_US;
	uint8_t tag[RSG_TAG_LEN];
	int64_t count = 0;

	for (size_t i = 0; i < a->n; i++)
		count += !a->access[i].among && rsg_clock_day(a->access[i].time) == day;
	rsg_entry_tag(a->person->keys.key[RSG_KEY_EVIDENCE], day, tag);
	rsg_msg_int(&a->c->out, RSG_F_DAY, day);
	rsg_msg_bytes(&a->c->out, RSG_F_TAG, tag, sizeof(tag));
	rsg_msg_int(&a->c->out, RSG_F_COUNT, count);
	rsg_msg_bool(&a->c->out, RSG_F_WHOLE, start >= a->from && end <= a->to &&
	    end + SETTLED <= a->w->now);
	rsg_msg_close(&a->c->out, mark);
}

static enum rsg_err
put_next(struct rsg_account *a, int64_t asked)
{
	uint8_t at[16];

	if (!a->cut)
		return RSG_OK;
	rsg_be64(at, (uint64_t)a->to);
	rsg_be64(at + 8, (uint64_t)asked);
	return rsg_token_put(a->w, a->c, "audit-bundle", at,
	    sizeof(at));
}

static enum rsg_err
answer(struct rsg_account *a, int64_t asked)
{
	const struct rsg_controller *k = rsg_vault_controller(a->w->vault,
	    a->person->controller);
	struct rsg_buf *out = &a->c->out;
	enum rsg_err e;

	if (k == NULL)
		return RSG_INTERNAL;
	rsg_msg_text(out, RSG_F_BUNDLE_FORMAT, FORMAT);
	rsg_msg_id(out, RSG_F_SUBJECT, &a->person->id);
	rsg_msg_text(out, RSG_F_CONTROLLER, k->name);
	rsg_msg_int(out, RSG_F_CONTROLLER_NO, k->number);
	rsg_msg_int(out, RSG_F_FROM, a->from);
	rsg_msg_int(out, RSG_F_TO, a->to);
	put_words(a->c);
	for (int64_t d = rsg_clock_day(a->from); d * RSG_DAY_US < a->to; d++)
		put_day(a, d);
	for (size_t i = 0; i < a->n; i++)
		if ((e = put_access(a, &a->access[i])) != RSG_OK) {
			rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
			    "audit_entry", "entry", RSG_LOG_ID, &a->access[i].entry, NULL);
			return e;
		}
	rsg_msg_bytes(out, RSG_F_CHECKPOINT, a->log->note.p, a->log->note.len);
	if ((e = put_next(a, asked)) != RSG_OK)
		return e;
	return rsg_buf_err(out);
}

static enum rsg_err
give(struct rsg_account *a)
{
	int64_t asked = a->to;
	enum rsg_err e;

	e = rsg_prove_state(a->w->vault->state, &a->log);
	if (e == RSG_NOT_FOUND) {
		a->c->retry_after = 1;
		return rsg_call_fail(a->c, RSG_UNAVAILABLE, NULL, "log-not-yet");
	}
	if (e != RSG_OK || (e = rsg_account_gather(a)) != RSG_OK)
		return e == RSG_TOO_LARGE ? rsg_call_fail(a->c, e, "from", NULL) : e;
	if ((e = answer(a, asked)) != RSG_OK || (e = rsg_audit_stage(a->w, a->c)) != RSG_OK)
		return e;
	rsg_audit_send(a->w);
	return rsg_db_commit(a->w->db);
}

enum rsg_err
rsg_op_audit_bundle(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_subject person = { .found = false };
	struct rsg_account a = { .w = w, .c = c, .person = &person };
	struct rsg_answer allowed;
	struct rsg_id id;
	enum rsg_err e;

	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	if ((e = read_period(w, c, &a)) == RSG_OK &&
	    (e = rsg_people_open(w, c, &id, &person)) == RSG_OK &&
	    (e = rsg_people_allowed(w, c, &person, RSG_ACT_AUDIT_READ,
	    rsg_policy_default(w->policy, RSG_ACT_AUDIT_READ), &allowed)) == RSG_OK)
		e = give(&a);
	rsg_prove_close(a.log);
	if (a.access != NULL)
		rsg_secret_wipe(a.access, a.cap * sizeof(*a.access));
	free(a.access);
	rsg_secret_wipe(&person, sizeof(person));
	return e;
}
