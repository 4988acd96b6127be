/*
 * Notices: published by the administrator, read by whoever shows them.
 */
#include <stdlib.h>
#include <string.h>

#include "consent/notice.h"
#include "ops/admin.h"
#include "ops/ops.h"
#include "resguardo/clock.h"
#include "work/vault.h"

#define LANGUAGES	8

/* What one call publishes: a version, in its languages. */
struct publishing {
	struct rsg_notice n;
	size_t ntexts;
	struct {
		char language[9];
		const uint8_t *full, *brief;
		size_t nfull, nbrief;
	} text[LANGUAGES];
};

/* --- Publishing --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The purposes of one list, sorted. What needs consent is a choice, and no
 * service may hang on it: it stands among the voluntary ones.
 */
static enum rsg_err
purposes(struct rsg_worker *w, struct rsg_call *c, enum rsg_field which,
    char out[RSG_NOTICE_PURPOSES])
{
	const char *id[RSG_POLICY_PURPOSES], *member = rsg_msg_field(which)->json;
	const struct rsg_purposedef *p;
	const uint8_t *s;
	enum rsg_field f;
	size_t pos = 0, len, n = 0, used = 0;

	while (rsg_msg_next(c->in, &pos, &f, &s, &len)) {
		if (f != which)
			continue;
		p = rsg_policy_purpose(w->policy, (const char *)s, len);
		if (p == NULL)
			return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, member, NULL);
		if (p->necessary != (which == RSG_F_NECESSARY))
			return rsg_call_fail(c, RSG_BAD_VALUE, member, NULL);
		if (n == RSG_POLICY_PURPOSES)
			return rsg_call_fail(c, RSG_TOO_LARGE, member, NULL);
		id[n++] = p->id;
	}
	qsort(id, n, sizeof(id[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		len = strlen(id[i]);
		if (i > 0 && strcmp(id[i], id[i - 1]) == 0)
			return rsg_call_fail(c, RSG_BAD_VALUE, member, NULL);
		if (used + len + 2 > RSG_NOTICE_PURPOSES)
			return rsg_call_fail(c, RSG_TOO_LARGE, member, NULL);
		if (used > 0)
			out[used++] = ',';
		memcpy(out + used, id[i], len);
		used += len;
	}
	out[used] = '\0';
	return RSG_OK;
}

static enum rsg_err
texts(struct rsg_call *c, struct publishing *p)
{
	struct rsg_fields group;
	size_t pos = 0;

	while (rsg_msg_each(c->in, &pos, RSG_F_NOTICE_TEXTS, &group)) {
		if (p->ntexts == LANGUAGES)
			return rsg_call_fail(c, RSG_TOO_LARGE, "texts", NULL);
		(void)rsg_msg_get_text(group, RSG_F_LANGUAGE,
		    p->text[p->ntexts].language, sizeof(p->text[0].language));
		(void)rsg_msg_get(group, RSG_F_TEXT, &p->text[p->ntexts].full,
		    &p->text[p->ntexts].nfull);
		(void)rsg_msg_get(group, RSG_F_SHORT, &p->text[p->ntexts].brief,
		    &p->text[p->ntexts].nbrief);
		if (p->text[p->ntexts].nfull > RSG_NOTICE_TEXT)
			return rsg_call_fail(c, RSG_TOO_LARGE, "texts", NULL);
		if (p->text[p->ntexts].nfull == 0 || p->text[p->ntexts].nbrief == 0)
			return rsg_call_fail(c, RSG_BAD_VALUE, "texts", NULL);
		for (size_t i = 0; i < p->ntexts; i++)
			if (strcmp(p->text[i].language, p->text[p->ntexts].language) == 0)
				return rsg_call_fail(c, RSG_BAD_VALUE, "texts", NULL);
		p->ntexts++;
	}
	return p->ntexts == 0 ? rsg_call_fail(c, RSG_MISSING_MEMBER, "texts", NULL) :
	    RSG_OK;
}

/* Dates, and how sure it is: what applied before today came from somewhere. */
static enum rsg_err
dates(struct rsg_worker *w, struct rsg_call *c, struct rsg_notice *n)
{
	const uint8_t *s;
	size_t len;

	n->published = w->now;
	n->effective = rsg_msg_get_int(c->in, RSG_F_FROM, w->now);
	n->ask_again = rsg_msg_get_int(c->in, RSG_F_ASK_AGAIN_FROM, 0);
	if (n->ask_again != 0 && n->ask_again < n->effective)
		return rsg_call_fail(c, RSG_BAD_VALUE, "ask_again_from", NULL);
	n->evidence = RSG_EVIDENCE_ORIGINAL;
	if (rsg_msg_get(c->in, RSG_F_EVIDENCE, &s, &len))
		n->evidence = rsg_evidence_find((const char *)s, len);
	else if (n->effective < w->now - RSG_DAY_US)
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "evidence", NULL);
	return n->evidence == RSG_EVIDENCE_NONE ?
	    rsg_call_fail(c, RSG_BAD_VALUE, "evidence", NULL) : RSG_OK;
}

/*
 * Does it fit those that are there? Versions follow each other in time, and
 * another language of a version says the same of everything but words.
 */
static enum rsg_err
fits(struct rsg_worker *w, struct rsg_call *c, const struct publishing *p)
{
	const struct rsg_notice *n = &p->n, *o;

	for (size_t i = 0; (o = rsg_notices_at(w->notices, i)) != NULL; i++) {
		if (o->controller != n->controller || strcmp(o->name, n->name) != 0)
			continue;
		if (o->version != n->version) {
			if ((o->version < n->version) != (o->effective < n->effective))
				return rsg_call_fail(c, RSG_BAD_VALUE, "from", NULL);
			continue;
		}
		for (size_t k = 0; k < p->ntexts; k++)
			if (strcmp(o->language, p->text[k].language) == 0)
				return rsg_call_fail(c, RSG_CONFLICT, "version", NULL);
		if (o->effective != n->effective || o->ask_again != n->ask_again ||
		    strcmp(o->necessary, n->necessary) != 0 ||
		    strcmp(o->voluntary, n->voluntary) != 0)
			return rsg_call_fail(c, RSG_BAD_VALUE, "version", NULL);
	}
	return RSG_OK;
}

static enum rsg_err
insert(struct rsg_worker *w, struct publishing *p, size_t i)
{
	struct rsg_notice *n = &p->n;
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_bind *b;
	enum rsg_err e;

	memcpy(n->language, p->text[i].language, sizeof(n->language));
	rsg_sha256(&(struct rsg_part){ p->text[i].full, p->text[i].nfull }, 1, n->hash);
	rsg_sha256(&(struct rsg_part){ p->text[i].brief, p->text[i].nbrief }, 1,
	    n->short_hash);
	if ((e = rsg_notice_mac(w->vault->keys, n, mac)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_NOTICE_INSERT);
	rsg_bind_int(b, 0, n->controller);
	rsg_bind_text(b, 1, n->name, strlen(n->name));
	rsg_bind_int(b, 2, n->version);
	rsg_bind_text(b, 3, n->language, strlen(n->language));
	rsg_bind_bytes(b, 4, p->text[i].full, p->text[i].nfull);
	rsg_bind_bytes(b, 5, n->hash, sizeof(n->hash));
	rsg_bind_bytes(b, 6, p->text[i].brief, p->text[i].nbrief);
	rsg_bind_bytes(b, 7, n->short_hash, sizeof(n->short_hash));
	rsg_bind_int(b, 8, n->published);
	rsg_bind_int(b, 9, n->effective);
	if (n->ask_again != 0)
		rsg_bind_int(b, 10, n->ask_again);
	rsg_bind_int(b, 11, n->evidence);
	rsg_bind_text(b, 12, n->necessary, strlen(n->necessary));
	rsg_bind_text(b, 13, n->voluntary, strlen(n->voluntary));
	rsg_bind_bytes(b, 14, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
	return RSG_OK;
}

enum rsg_err
rsg_op_notice_publish(struct rsg_worker *w, struct rsg_call *c)
{
	struct publishing p = { .ntexts = 0 };
	const struct rsg_controller *k;
	int64_t version = rsg_msg_get_int(c->in, RSG_F_VERSION, 0);
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	if (version < 1 || version > INT32_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "version", NULL);
	p.n.controller = k->number;
	p.n.version = (uint32_t)version;
	(void)rsg_msg_get_text(c->in, RSG_F_NOTICE, p.n.name, sizeof(p.n.name));
	if ((e = purposes(w, c, RSG_F_NECESSARY, p.n.necessary)) != RSG_OK ||
	    (e = purposes(w, c, RSG_F_VOLUNTARY, p.n.voluntary)) != RSG_OK ||
	    (e = dates(w, c, &p.n)) != RSG_OK || (e = texts(c, &p)) != RSG_OK ||
	    (e = fits(w, c, &p)) != RSG_OK)
		return e;
	if (p.n.necessary[0] == '\0' && p.n.voluntary[0] == '\0')
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "voluntary", NULL);
	for (size_t i = 0; i < p.ntexts; i++)
		if ((e = insert(w, &p, i)) != RSG_OK)
			return e;
	if ((e = rsg_audit_commit(w, c)) != RSG_OK)
		return e == RSG_CONFLICT ? rsg_call_fail(c, e, "version", NULL) : e;
	/* Known here at once; elsewhere with the next call. */
	return rsg_notices_load(w->vault, w->db);
}

/* --- Reading --- */

static void
put_list(struct rsg_buf *out, enum rsg_field f, const char *list)
{
	for (const char *p = list; *p != '\0'; ) {
		size_t len = strcspn(p, ",");

		rsg_msg_bytes(out, f, p, len);
		p += len + (p[len] == ',');
	}
}

static void
put_notice(struct rsg_worker *w, struct rsg_buf *out, const struct rsg_notice *n)
{
	rsg_msg_text(out, RSG_F_NOTICE, n->name);
	rsg_msg_int(out, RSG_F_VERSION, n->version);
	rsg_msg_text(out, RSG_F_LANGUAGE, n->language);
	rsg_msg_int(out, RSG_F_FROM, n->effective);
	if (n->ask_again != 0)
		rsg_msg_int(out, RSG_F_ASK_AGAIN_FROM, n->ask_again);
	rsg_msg_int(out, RSG_F_CREATED, n->published);
	rsg_msg_text(out, RSG_F_EVIDENCE, rsg_evidence_name(n->evidence));
	rsg_msg_bool(out, RSG_F_IN_FORCE, rsg_notice_in_force(w->notices, n, w->now));
	put_list(out, RSG_F_NECESSARY, n->necessary);
	put_list(out, RSG_F_VOLUNTARY, n->voluntary);
}

/* Whose notices: the caller's controller, or the one the administrator names. */
static enum rsg_err
whose(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k;
	enum rsg_err e;

	if (!c->actor.admin)
		return RSG_OK;
	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	return k == NULL ? rsg_call_fail(c, RSG_MISSING_MEMBER, "controller", NULL) :
	    RSG_OK;
}

/* A notice is made to be shown: what is read of it needs no entry, but what
 * an administrator does has one always. */
static enum rsg_err
end(struct rsg_worker *w, struct rsg_call *c)
{
	return c->actor.admin ? rsg_audit_commit(w, c) : rsg_buf_err(&c->out);
}

enum rsg_err
rsg_op_notice_list(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_notice *n;
	size_t mark;
	enum rsg_err e;

	if ((e = whose(w, c)) != RSG_OK)
		return e;
	for (size_t i = 0; (n = rsg_notices_at(w->notices, i)) != NULL; i++) {
		if (n->controller != c->actor.controller)
			continue;
		mark = rsg_msg_open(&c->out, RSG_F_NOTICES);
		put_notice(w, &c->out, n);
		rsg_msg_bytes(&c->out, RSG_F_HASH, n->hash, sizeof(n->hash));
		rsg_msg_bytes(&c->out, RSG_F_SHORT_HASH, n->short_hash,
		    sizeof(n->short_hash));
		rsg_msg_close(&c->out, mark);
	}
	return end(w, c);
}

/* The words themselves, held against the hash that the row's MAC covers. */
static enum rsg_err
put_text(struct rsg_worker *w, struct rsg_call *c, const struct rsg_notice *n,
    bool brief)
{
	const uint8_t *want = brief ? n->short_hash : n->hash, *text;
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_NOTICE_TEXTS);
	uint8_t hash[32];
	size_t len;
	int at;
	enum rsg_err e;

	rsg_bind_int(b, 0, n->controller);
	rsg_bind_text(b, 1, n->name, strlen(n->name));
	rsg_bind_int(b, 2, n->version);
	rsg_bind_text(b, 3, n->language, strlen(n->language));
	at = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	if (rsg_result_rows(rsg_db_result(w->db, at)) != 1)
		return RSG_TAMPERED;
	text = rsg_result_bytes(rsg_db_result(w->db, at), 0, brief ? 1 : 0, &len);
	rsg_sha256(&(struct rsg_part){ text, len }, 1, hash);
	if (memcmp(hash, want, sizeof(hash)) != 0)
		return RSG_TAMPERED;
	rsg_msg_text(&c->out, RSG_F_FORM, brief ? "short" : "full");
	rsg_msg_bytes(&c->out, RSG_F_TEXT, text, len);
	rsg_msg_bytes(&c->out, RSG_F_HASH, hash, sizeof(hash));
	return c->actor.admin ? RSG_OK : rsg_db_commit(w->db);
}

enum rsg_err
rsg_op_notice_show(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_notice *n;
	char name[65], language[9], form[8] = "full";
	int64_t version = rsg_msg_get_int(c->in, RSG_F_VERSION, 0);
	enum rsg_err e;

	if ((e = whose(w, c)) != RSG_OK)
		return e;
	(void)rsg_msg_get_text(c->in, RSG_F_NOTICE, name, sizeof(name));
	if (!rsg_msg_get_text(c->in, RSG_F_LANGUAGE, language, sizeof(language)))
		memcpy(language, "es", 3);
	if (rsg_msg_has(c->in, RSG_F_FORM))
		(void)rsg_msg_get_text(c->in, RSG_F_FORM, form, sizeof(form));
	if (strcmp(form, "full") != 0 && strcmp(form, "short") != 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "form", NULL);
	if (rsg_msg_has(c->in, RSG_F_VERSION))
		n = version < 1 || version > INT32_MAX ? NULL :
		    rsg_notices_find(w->notices, c->actor.controller, name,
		    (uint32_t)version, language);
	else
		n = rsg_notices_in_force(w->notices, c->actor.controller, name,
		    language, w->now);
	if (n == NULL)
		return rsg_call_fail(c, RSG_NOT_FOUND, "notice", NULL);
	put_notice(w, &c->out, n);
	if ((e = put_text(w, c, n, strcmp(form, "short") == 0)) != RSG_OK)
		return e;
	return end(w, c);
}
