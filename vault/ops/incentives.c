/*
 * Incentives: published by an administrator, listed for whoever may call.
 */
#include <string.h>

#include "benefit/incentive.h"
#include "ops/admin.h"
#include "ops/ops.h"
#include "work/vault.h"

/* --- Publishing --- */

/* The newest version by that name, and whether it says the very same. */
static enum rsg_err
newest(struct rsg_worker *w, const struct rsg_controller *k, const struct rsg_incentive *i,
    int64_t *version, bool *same)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_INCENTIVES_NAMED);
	const struct rsg_result *r;
	const uint8_t *hash;
	size_t len;
	int n;
	enum rsg_err e;

	rsg_bind_int(b, 0, k->number);
	rsg_bind_text(b, 1, i->name, strlen(i->name));
	rsg_bind_int(b, 2, 0);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, n);
	*version = 0;
	*same = false;
	if (rsg_result_rows(r) == 0)
		return RSG_OK;
	hash = rsg_result_bytes(r, 0, 5, &len);
	*version = rsg_result_int(r, 0, 3);
	*same = len == 32 && memcmp(hash, i->hash, 32) == 0;
	return RSG_OK;
}

static enum rsg_err
publish(struct rsg_worker *w, struct rsg_call *c, const struct rsg_controller *k,
    struct rsg_incentive *i, const uint8_t *body, size_t len)
{
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_bind *b;
	int64_t version;
	bool same;
	enum rsg_err e;

	rsg_sha256((struct rsg_part[]){ { body, len } }, 1, i->hash);
	if ((e = newest(w, k, i, &version, &same)) != RSG_OK)
		return e;
	if (!same) {
		version++;
		if ((e = rsg_incentive_mac(w->vault->keys, k->number, i->name,
		    (uint32_t)version, i->hash, w->now, mac)) != RSG_OK)
			return e;
		b = rsg_db_bind(w->db, RSG_SQL_INCENTIVE_INSERT);
		rsg_bind_int(b, 0, k->number);
		rsg_bind_text(b, 1, i->name, strlen(i->name));
		rsg_bind_int(b, 2, version);
		rsg_bind_bytes(b, 3, body, len);
		rsg_bind_bytes(b, 4, i->hash, sizeof(i->hash));
		rsg_bind_int(b, 5, w->now);
		rsg_bind_bytes(b, 6, mac, sizeof(mac));
		(void)rsg_db_send(w->db, b);
	}
	if ((e = rsg_audit_commit(w, c)) != RSG_OK)
		return e;
	rsg_msg_text(&c->out, RSG_F_INCENTIVE, i->name);
	rsg_msg_int(&c->out, RSG_F_VERSION, version);
	rsg_msg_bytes(&c->out, RSG_F_HASH, i->hash, sizeof(i->hash));
	return rsg_buf_err(&c->out);
}

/* Pages and lists show a title in a line. What is stored already stays. */
static bool
titles_fit(const struct rsg_incentive *i)
{
	size_t most = rsg_msg_field(RSG_F_TITLE)->max;

	return strlen(i->title[RSG_LANG_EN]) <= most &&
	    strlen(i->title[RSG_LANG_ES]) <= most;
}

enum rsg_err
rsg_op_incentive_publish(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k;
	const struct rsg_lawdef *law;
	struct rsg_incentive i;
	const uint8_t *body;
	char member[64];
	size_t len;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	(void)rsg_msg_get(c->in, RSG_F_INCENTIVE_BODY, &body, &len);
	law = rsg_policy_law(w->policy, k->jurisdiction);
	e = rsg_incentive_parse(w->policy, k->currency, law != NULL &&
	    law->estimate_required, body, len, &i, member);
	if (e != RSG_OK)
		e = rsg_call_fail(c, e, member, NULL);
	else if (!titles_fit(&i))
		e = rsg_call_fail(c, RSG_BAD_VALUE, "title", NULL);
	else
		e = publish(w, c, k, &i, body, len);
	rsg_incentive_free(&i);
	return e;
}

/* --- Listing --- */

static void
put_names(struct rsg_buf *out, enum rsg_field field, const struct rsg_json *list)
{
	for (size_t n = 0; n < rsg_json_size(list); n++)
		rsg_msg_text(out, field, rsg_json_string(rsg_json_at(list, n), NULL));
}

static void
put_maybe(struct rsg_buf *out, enum rsg_field field, const char *s)
{
	if (s != NULL)
		rsg_msg_text(out, field, s);
}

static void
put(struct rsg_worker *w, struct rsg_buf *out, const struct rsg_incentive *i,
    const struct rsg_controller *k, enum rsg_lang lang, bool named)
{
	const struct rsg_purposedef *p = rsg_policy_purpose_no(w->policy, i->purpose);
	size_t mark = rsg_msg_open(out, RSG_F_INCENTIVES);

	rsg_msg_text(out, RSG_F_INCENTIVE, i->name);
	rsg_msg_int(out, RSG_F_VERSION, i->version);
	rsg_msg_text(out, RSG_F_KIND, rsg_incentive_kind_name(i->kind));
	rsg_msg_text(out, RSG_F_TITLE, i->title[lang]);
	rsg_msg_text(out, RSG_F_SUMMARY, i->summary[lang]);
	rsg_msg_text(out, RSG_F_TERMS, i->terms[lang]);
	rsg_msg_text(out, RSG_F_PURPOSE, p == NULL ? "retired-purpose" : p->id);
	if (i->channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(i->channel));
	put_names(out, RSG_F_FIELDS, i->asks_fields);
	put_names(out, RSG_F_PURPOSES, i->asks_purposes);
	put_maybe(out, RSG_F_OFFER, i->offer);
	put_maybe(out, RSG_F_CAMPAIGN, i->campaign);
	if (i->points > 0)
		rsg_msg_int(out, RSG_F_POINTS, i->points);
	if (i->price > 0)
		rsg_msg_int(out, RSG_F_PRICE, i->price);
	rsg_msg_text(out, RSG_F_WORTH, i->value_text);
	rsg_msg_text(out, RSG_F_CURRENCY, k->currency);
	put_maybe(out, RSG_F_ESTIMATE, i->estimate);
	put_maybe(out, RSG_F_ESTIMATE_METHOD, i->method);
	rsg_msg_int(out, RSG_F_TIMES, i->times);
	rsg_msg_text(out, RSG_F_PER, rsg_incentive_per_name(i->per));
	rsg_msg_bool(out, RSG_F_TAKES_BACK, i->takes_back);
	rsg_msg_text(out, RSG_F_ON_WITHDRAWAL, i->withdrawal[lang]);
	if (i->from != 0)
		rsg_msg_int(out, RSG_F_VALID_FROM, i->from);
	if (i->until != 0)
		rsg_msg_int(out, RSG_F_VALID_UNTIL, i->until);
	rsg_msg_int(out, RSG_F_CREATED, i->published);
	rsg_msg_bytes(out, RSG_F_HASH, i->hash, sizeof(i->hash));
	if (named)
		rsg_msg_text(out, RSG_F_CONTROLLER, k->name);
	rsg_msg_close(out, mark);
}

static enum rsg_err
show(struct rsg_worker *w, struct rsg_call *c, const struct rsg_result *r)
{
	const struct rsg_controller *k;
	struct rsg_incentive i;
	enum rsg_err e;

	for (int row = 0; row < rsg_result_rows(r); row++) {
		k = rsg_vault_controller(w->vault, (uint32_t)rsg_result_int(r, row, 1));
		if (k == NULL)
			return RSG_UNAVAILABLE;
		e = rsg_incentive_row(w->vault->keys, w->policy, k->currency, r, row, &i);
		if (e != RSG_OK)
			return e;
		put(w, &c->out, &i, k, rsg_call_language(c), c->socket == RSG_SOCKET_ADMIN);
		rsg_incentive_free(&i);
	}
	return rsg_buf_err(&c->out);
}

/* What is offered is no secret: every caller of the controller may see it. */
enum rsg_err
rsg_op_incentive_list(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k = NULL;
	struct rsg_bind *b;
	int n;
	enum rsg_err e;

	if (c->socket == RSG_SOCKET_ADMIN &&
	    ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &k)) != RSG_OK))
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_INCENTIVES);
	if (c->socket != RSG_SOCKET_ADMIN)
		rsg_bind_int(b, 0, c->actor.controller);
	else if (k != NULL)
		rsg_bind_int(b, 0, k->number);
	else
		for (size_t i = 0; i < w->vault->ncontrollers; i++)
			rsg_bind_int(b, 0, w->vault->controller[i]->number);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK ||
	    (e = show(w, c, rsg_db_result(w->db, n))) != RSG_OK)
		return e;
	return c->audited ? rsg_audit_commit(w, c) : rsg_db_commit(w->db);
}
