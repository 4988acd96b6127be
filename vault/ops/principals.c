/*
 * Principals and their API keys: added, listed, revoked.
 */
#include <string.h>

#include "audit/effect.h"
#include "ops/admin.h"
#include "ops/ops.h"
#include "seal/apikey.h"
#include "work/auth.h"
#include "work/vault.h"

static enum rsg_err
purposes(struct rsg_worker *w, struct rsg_call *c, char *out, size_t cap)
{
	const uint8_t *p;
	enum rsg_field f;
	size_t pos = 0, len, used = 0;

	while (rsg_msg_next(c->in, &pos, &f, &p, &len)) {
		if (f != RSG_F_PURPOSES)
			continue;
		if (rsg_policy_purpose(w->policy, (const char *)p, len) == NULL)
			return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purposes", NULL);
		if (used + len + 2 > cap)
			return rsg_call_fail(c, RSG_TOO_LARGE, "purposes", NULL);
		if (used > 0)
			out[used++] = ',';
		memcpy(out + used, p, len);
		used += len;
		out[used] = '\0';
	}
	return RSG_OK;
}

/* A customer's credential is bound to one person, by id or by a unique value. */
static enum rsg_err
bound_subject(struct rsg_worker *w, struct rsg_call *c, struct rsg_id *out)
{
	const struct rsg_fielddef *fd;
	uint8_t digest[RSG_DIGEST_LEN];
	const uint8_t *name, *value;
	size_t nname, nvalue;
	struct rsg_buf form;
	struct rsg_bind *b;
	int n;
	enum rsg_err e;

	if (rsg_msg_get_id(c->in, RSG_F_SUBJECT, out) ||
	    !rsg_msg_get(c->in, RSG_F_LOOKUP_FIELD, &name, &nname) ||
	    !rsg_msg_get(c->in, RSG_F_LOOKUP_VALUE, &value, &nvalue))
		return RSG_OK;
	fd = rsg_policy_field(w->policy, (const char *)name, nname);
	if (fd == NULL || !fd->unique)
		return rsg_call_fail(c, RSG_UNKNOWN_FIELD, "lookup_field", NULL);
	rsg_buf_init(&form, RSG_VALUE_MAX);
	if ((e = rsg_value_index(fd, (const char *)value, nvalue, &form)) == RSG_OK)
		e = rsg_vault_blind(w, c->actor.controller, fd->number, form.p,
		    form.len, digest);
	rsg_buf_free(&form);
	if (e != RSG_OK)
		return rsg_call_fail(c, e, "lookup_value", NULL);
	b = rsg_db_bind(w->db, RSG_SQL_LOOKUP_IDS);
	rsg_bind_int(b, 0, c->actor.controller);
	rsg_bind_int(b, 1, fd->number);
	rsg_bind_bytes(b, 2, digest, sizeof(digest));
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	if (rsg_result_rows(rsg_db_result(w->db, n)) != 1)
		return rsg_call_fail(c, RSG_NOT_FOUND, "lookup_value", NULL);
	rsg_result_id(rsg_db_result(w->db, n), 0, 1, out);
	return RSG_OK;
}

static enum rsg_err
read_principal(struct rsg_worker *w, struct rsg_call *c, struct rsg_actor *a)
{
	const struct rsg_controller *k;
	uint32_t highest;
	enum rsg_err e;

	if ((e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	a->controller = k->number;
	(void)rsg_msg_get_text(c->in, RSG_F_NAME, a->name, sizeof(a->name));
	(void)rsg_msg_get_text(c->in, RSG_F_ROLE, a->role, sizeof(a->role));
	if (!rsg_policy_role(w->policy, a->role, strlen(a->role)))
		return rsg_call_fail(c, RSG_BAD_VALUE, "role", NULL);
	if ((e = purposes(w, c, a->purposes, sizeof(a->purposes))) != RSG_OK ||
	    (e = bound_subject(w, c, &a->subject)) != RSG_OK)
		return e;
	if ((strcmp(a->role, "customer") == 0) == rsg_id_nil(&a->subject))
		return rsg_call_fail(c, rsg_id_nil(&a->subject) ? RSG_MISSING_MEMBER :
		    RSG_BAD_VALUE, "subject", NULL);
	if (rsg_msg_get_text(c->in, RSG_F_RECIPIENT, a->recipient_name,
	    sizeof(a->recipient_name))) {
		e = rsg_admin_recipient(w, a->controller, a->recipient_name,
		    &a->recipient, &highest);
		if (e != RSG_OK)
			return e;
		if (a->recipient == 0)
			return rsg_call_fail(c, RSG_NOT_FOUND, "recipient", NULL);
	}
	a->expires = rsg_msg_get_int(c->in, RSG_F_EXPIRES, 0);
	if (a->expires != 0 && a->expires <= w->now)
		return rsg_call_fail(c, RSG_BAD_VALUE, "expires", NULL);
	return RSG_OK;
}

static enum rsg_err
insert_principal(struct rsg_worker *w, struct rsg_call *c, const struct rsg_actor *a)
{
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_bind *b;
	enum rsg_err e;

	e = rsg_auth_mac_principal(w->vault->keys, &a->principal, a, w->now, mac);
	if (e != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_PRINCIPAL_INSERT);
	rsg_bind_id(b, 0, &a->principal);
	rsg_bind_int(b, 1, a->controller);
	rsg_bind_text(b, 2, a->name, strlen(a->name));
	rsg_bind_text(b, 3, a->role, strlen(a->role));
	if (a->recipient != 0)
		rsg_bind_int(b, 4, a->recipient);
	if (!rsg_id_nil(&a->subject))
		rsg_bind_id(b, 5, &a->subject);
	rsg_bind_text(b, 6, a->purposes, strlen(a->purposes));
	rsg_bind_int(b, 7, w->now);
	rsg_bind_bytes(b, 8, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
	return rsg_call_wrote(w, c, RSG_EFFECT_PRINCIPAL, &a->principal, mac);
}

static enum rsg_err
insert_credential(struct rsg_worker *w, struct rsg_call *c, const struct rsg_actor *a,
    const uint8_t digest[RSG_DIGEST_LEN])
{
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_bind *b;
	enum rsg_err e;

	if ((e = rsg_auth_mac_credential(w->vault->keys, &a->credential,
	    &a->principal, digest, w->now, a->expires, 0, mac)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_CREDENTIAL_INSERT);
	rsg_bind_id(b, 0, &a->credential);
	rsg_bind_id(b, 1, &a->principal);
	rsg_bind_bytes(b, 2, digest, RSG_DIGEST_LEN);
	rsg_bind_int(b, 3, w->now);
	if (a->expires != 0)
		rsg_bind_int(b, 4, a->expires);
	rsg_bind_bytes(b, 5, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
	return rsg_call_wrote(w, c, RSG_EFFECT_CREDENTIAL, &a->credential, mac);
}

enum rsg_err
rsg_op_principal_add(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_actor a = { .principal = rsg_id_new() };
	char text[RSG_APIKEY_TEXT];
	uint8_t digest[RSG_DIGEST_LEN];
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_PRINCIPAL)) != RSG_OK ||
	    (e = read_principal(w, c, &a)) != RSG_OK ||
	    (e = rsg_apikey_new(&a.credential, text, digest, w->vault->keys)) != RSG_OK ||
	    (e = insert_principal(w, c, &a)) != RSG_OK ||
	    (e = insert_credential(w, c, &a, digest)) != RSG_OK)
		goto done;
	if ((e = rsg_audit_commit(w, c)) != RSG_OK) {
		if (e == RSG_CONFLICT)
			e = rsg_call_fail(c, RSG_CONFLICT, "name", NULL);
		goto done;
	}
	rsg_msg_id(&c->out, RSG_F_PRINCIPAL, &a.credential);
	rsg_msg_text(&c->out, RSG_F_SECRET, text);
	if (a.expires != 0)
		rsg_msg_int(&c->out, RSG_F_EXPIRES, a.expires);
	if (!rsg_id_nil(&a.subject))
		rsg_msg_id(&c->out, RSG_F_SUBJECT, &a.subject);
	e = rsg_buf_err(&c->out);
done:
	rsg_secret_wipe(text, sizeof(text));
	return e;
}

static void
put_principal(struct rsg_worker *w, struct rsg_buf *out, const struct rsg_result *r, int row)
{
	const struct rsg_controller *k = rsg_vault_controller(w->vault,
	    (uint32_t)rsg_result_int(r, row, 6));
	size_t mark = rsg_msg_open(out, RSG_F_PRINCIPALS), n;
	const uint8_t *list = rsg_result_bytes(r, row, 11, &n);

	rsg_admin_put_column(out, RSG_F_PRINCIPAL, r, row, 0);
	rsg_admin_put_column(out, RSG_F_NAME, r, row, 7);
	rsg_admin_put_column(out, RSG_F_ROLE, r, row, 8);
	rsg_msg_text(out, RSG_F_CONTROLLER, k == NULL ? "unknown" : k->name);
	rsg_admin_put_column(out, RSG_F_RECIPIENT, r, row, 9);
	rsg_admin_put_column(out, RSG_F_SUBJECT, r, row, 10);
	for (size_t at = 0; at < n; ) {
		size_t len = 0;

		while (at + len < n && list[at + len] != ',')
			len++;
		if (len > 0)
			rsg_msg_bytes(out, RSG_F_PURPOSES, list + at, len);
		at += len + 1;
	}
	rsg_admin_put_time(out, RSG_F_CREATED, r, row, 3);
	rsg_admin_put_time(out, RSG_F_EXPIRES, r, row, 4);
	rsg_admin_put_time(out, RSG_F_REVOKED, r, row, 5);
	rsg_msg_close(out, mark);
}

static enum rsg_err
principals(struct rsg_worker *w, const struct rsg_controller *k, const struct rsg_result **r)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_PRINCIPALS);
	int n;
	enum rsg_err e;

	rsg_bind_int(b, 0, k == NULL ? 0 : k->number);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) == RSG_OK)
		*r = rsg_db_result(w->db, n);
	return e;
}

enum rsg_err
rsg_op_principal_list(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k;
	const struct rsg_result *r = NULL;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_PRINCIPAL)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &k)) != RSG_OK || (e = principals(w, k, &r)) != RSG_OK)
		return e;
	for (int row = 0; row < rsg_result_rows(r); row++)
		put_principal(w, &c->out, r, row);
	return rsg_audit_commit(w, c);
}

/* Is this row the credential that the message names, by id or by name? */
static bool
is_named(const struct rsg_call *c, const struct rsg_result *r, int row)
{
	struct rsg_id want, id;
	const uint8_t *name, *p;
	size_t nname, n;

	if (rsg_msg_get_id(c->in, RSG_F_PRINCIPAL, &want)) {
		rsg_result_id(r, row, 0, &id);
		return rsg_id_eq(&want, &id);
	}
	p = rsg_result_bytes(r, row, 7, &n);
	return rsg_msg_get(c->in, RSG_F_NAME, &name, &nname) && n == nname &&
	    memcmp(p, name, n) == 0;
}

static enum rsg_err
revoke(struct rsg_worker *w, struct rsg_call *c, const struct rsg_result *r, int row)
{
	struct rsg_id credential, principal;
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *digest;
	struct rsg_bind *b;
	size_t n;
	enum rsg_err e;

	rsg_result_id(r, row, 0, &credential);
	rsg_result_id(r, row, 1, &principal);
	digest = rsg_result_bytes(r, row, 2, &n);
	if (n != RSG_DIGEST_LEN)
		return RSG_TAMPERED;
	if ((e = rsg_auth_mac_credential(w->vault->keys, &credential, &principal,
	    digest, rsg_result_int(r, row, 3), rsg_result_null(r, row, 4) ? 0 :
	    rsg_result_int(r, row, 4), w->now, mac)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_CREDENTIAL_REVOKE);
	rsg_bind_id(b, 0, &credential);
	rsg_bind_int(b, 1, w->now);
	rsg_bind_bytes(b, 2, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
	return rsg_call_wrote(w, c, RSG_EFFECT_CREDENTIAL, &credential, mac);
}

enum rsg_err
rsg_op_principal_revoke(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k;
	const struct rsg_result *r = NULL;
	size_t n = 0;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_PRINCIPAL)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	if (!rsg_msg_has(c->in, RSG_F_PRINCIPAL) && (k == NULL ||
	    !rsg_msg_has(c->in, RSG_F_NAME)))
		return rsg_call_fail(c, RSG_MISSING_MEMBER, "principal", NULL);
	if ((e = principals(w, k, &r)) != RSG_OK)
		return e;
	for (int row = 0; row < rsg_result_rows(r); row++)
		if (rsg_result_null(r, row, 5) && is_named(c, r, row)) {
			if ((e = revoke(w, c, r, row)) != RSG_OK)
				return e;
			n++;
		}
	if (n == 0)
		return rsg_call_fail(c, RSG_NOT_FOUND, "principal", NULL);
	return rsg_audit_commit(w, c);
}
