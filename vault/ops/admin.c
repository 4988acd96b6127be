/*
 * What an administrator does over the local socket: controllers, recipients,
 * policies, and how the server is.
 */
#include <stdio.h>
#include <string.h>

#include "audit/effect.h"
#include "audit/health.h"
#include "ops/admin.h"
#include "ops/ops.h"
#include "resguardo/clock.h"
#include "segment/zone.h"
#include "work/auth.h"
#include "work/vault.h"

enum rsg_err
rsg_admin_allowed(struct rsg_worker *w, struct rsg_call *c, enum rsg_action action)
{
	struct rsg_answer answer;

	return rsg_call_allowed(w, c, action, 0, NULL, 0, NULL, &answer);
}

/* The controller a message names. */
enum rsg_err
rsg_admin_named(struct rsg_worker *w, struct rsg_call *c, const struct rsg_controller **out)
{
	char name[65];

	*out = NULL;
	/* Only an administrator may choose: a credential has its controller. */
	if (!c->actor.admin ||
	    !rsg_msg_get_text(c->in, RSG_F_CONTROLLER, name, sizeof(name)))
		return RSG_OK;
	if ((*out = rsg_vault_controller_named(w->vault, name)) == NULL)
		return rsg_call_fail(c, RSG_NOT_FOUND, "controller", NULL);
	c->actor.controller = (*out)->number;
	return RSG_OK;
}

void
rsg_admin_put_column(struct rsg_buf *out, enum rsg_field field, const struct rsg_result *r,
    int row, int col)
{
	size_t n;
	const uint8_t *p;

	if (rsg_result_null(r, row, col))
		return;
	p = rsg_result_bytes(r, row, col, &n);
	if (n > 0)
		rsg_msg_bytes(out, field, p, n);
}

void
rsg_admin_put_time(struct rsg_buf *out, enum rsg_field field, const struct rsg_result *r,
    int row, int col)
{
	if (!rsg_result_null(r, row, col))
		rsg_msg_int(out, field, rsg_result_int(r, row, col));
}

/* --- Controllers --- */

/* What is said of it, and may be said anew. What is left out stays as it was. */
static void
read_party(struct rsg_fields in, struct rsg_controller *k)
{
	const struct {
		enum rsg_field field;
		char *text;
		size_t cap;
	} said[] = {
		{ RSG_F_TITLE, k->title, sizeof(k->title) },
		{ RSG_F_ADDRESS, k->address, sizeof(k->address) },
		{ RSG_F_CONTACT, k->contact, sizeof(k->contact) },
		{ RSG_F_EMAIL, k->email, sizeof(k->email) },
		{ RSG_F_PHONE, k->phone, sizeof(k->phone) },
		{ RSG_F_URL, k->url, sizeof(k->url) },
		{ RSG_F_STORAGE, k->storage, sizeof(k->storage) },
	};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (rsg_msg_has(in, said[i].field))
			(void)rsg_msg_get_text(in, said[i].field, said[i].text,
			    said[i].cap);
	if (k->title[0] == '\0')
		memcpy(k->title, k->name, sizeof(k->name));
}

/* Written, in the log, and known to every thread. */
static enum rsg_err
commit_controller(struct rsg_worker *w, struct rsg_call *c, uint32_t number,
    const uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_id key = rsg_seal_number(number);
	enum rsg_err e;

	if ((e = rsg_call_wrote(w, c, RSG_EFFECT_CONTROLLER, &key, mac)) != RSG_OK ||
	    (e = rsg_audit_commit(w, c)) != RSG_OK)
		return e;
	return rsg_vault_controllers(w->vault, w->db);
}

enum rsg_err
rsg_op_controller_set(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *old;
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_controller k;
	struct rsg_bind *b;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK ||
	    (e = rsg_admin_named(w, c, &old)) != RSG_OK)
		return e;
	k = *old;
	read_party(c->in, &k);
	if ((e = rsg_vault_mac_controller(w->vault->keys, &k, mac)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_CONTROLLER_UPDATE);
	rsg_bind_int(b, 0, k.number);
	rsg_bind_bytes(b, 1, mac, sizeof(mac));
	rsg_bind_text(b, 2, k.title, strlen(k.title));
	rsg_bind_text(b, 3, k.address, strlen(k.address));
	rsg_bind_text(b, 4, k.contact, strlen(k.contact));
	rsg_bind_text(b, 5, k.email, strlen(k.email));
	rsg_bind_text(b, 6, k.phone, strlen(k.phone));
	rsg_bind_text(b, 7, k.url, strlen(k.url));
	rsg_bind_text(b, 8, k.storage, strlen(k.storage));
	(void)rsg_db_send(w->db, b);
	return commit_controller(w, c, k.number, mac);
}

enum rsg_err
rsg_op_controller_add(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_controller k = { 0 };
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_zone *zone = NULL;
	struct rsg_bind *b;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK)
		return e;
	(void)rsg_msg_get_text(c->in, RSG_F_CONTROLLER, k.name, sizeof(k.name));
	read_party(c->in, &k);
	if (!rsg_msg_get_text(c->in, RSG_F_JURISDICTION, k.jurisdiction, sizeof(k.jurisdiction)))
		memcpy(k.jurisdiction, "ES", 3);
	if (!rsg_msg_get_text(c->in, RSG_F_CURRENCY, k.currency, sizeof(k.currency)))
		memcpy(k.currency, "EUR", 4);
	if (!rsg_msg_get_text(c->in, RSG_F_ZONE, k.zone_name, sizeof(k.zone_name)))
		memcpy(k.zone_name, "Europe/Madrid", 14);
	if (!rsg_policy_jurisdiction(w->policy, k.jurisdiction, strlen(k.jurisdiction)))
		return rsg_call_fail(c, RSG_BAD_VALUE, "jurisdiction", NULL);
	if (strlen(k.currency) != 3)
		return rsg_call_fail(c, RSG_BAD_VALUE, "currency", NULL);
	if ((e = rsg_zone_load(w->db, k.zone_name, &zone)) != RSG_OK)
		return e == RSG_BAD_VALUE ? rsg_call_fail(c, e, "zone", NULL) : e;
	rsg_zone_free(zone);
	if (rsg_vault_controller_named(w->vault, k.name) != NULL)
		return rsg_call_fail(c, RSG_CONFLICT, "controller", NULL);
	k.number = (uint32_t)w->vault->ncontrollers + 1;
	if ((e = rsg_vault_mac_controller(w->vault->keys, &k, mac)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_CONTROLLER_INSERT);
	rsg_bind_int(b, 0, k.number);
	rsg_bind_text(b, 1, k.name, strlen(k.name));
	rsg_bind_text(b, 2, k.title, strlen(k.title));
	rsg_bind_text(b, 3, k.jurisdiction, strlen(k.jurisdiction));
	rsg_bind_text(b, 4, k.currency, strlen(k.currency));
	rsg_bind_text(b, 5, k.zone_name, strlen(k.zone_name));
	rsg_bind_bytes(b, 6, mac, sizeof(mac));
	rsg_bind_text(b, 7, k.address, strlen(k.address));
	rsg_bind_text(b, 8, k.contact, strlen(k.contact));
	rsg_bind_text(b, 9, k.email, strlen(k.email));
	rsg_bind_text(b, 10, k.phone, strlen(k.phone));
	rsg_bind_text(b, 11, k.url, strlen(k.url));
	rsg_bind_text(b, 12, k.storage, strlen(k.storage));
	(void)rsg_db_send(w->db, b);
	return commit_controller(w, c, k.number, mac);
}

enum rsg_err
rsg_op_controller_list(struct rsg_worker *w, struct rsg_call *c)
{
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK)
		return e;
	for (size_t i = 0; i < w->vault->ncontrollers; i++) {
		const struct rsg_controller *k = w->vault->controller[i];
		size_t mark = rsg_msg_open(&c->out, RSG_F_CONTROLLERS);

		rsg_msg_text(&c->out, RSG_F_CONTROLLER, k->name);
		rsg_msg_text(&c->out, RSG_F_TITLE, k->title);
		rsg_msg_text(&c->out, RSG_F_JURISDICTION, k->jurisdiction);
		rsg_msg_text(&c->out, RSG_F_CURRENCY, k->currency);
		rsg_msg_text(&c->out, RSG_F_ZONE, k->zone_name);
		rsg_msg_close(&c->out, mark);
	}
	return rsg_audit_commit(w, c);
}

/* --- Recipients --- */

enum rsg_err
rsg_admin_recipient(struct rsg_worker *w, uint32_t controller, const char *name,
    uint32_t *found, uint32_t *highest)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_RECIPIENTS);
	const struct rsg_result *r;
	int n;
	enum rsg_err e;

	rsg_bind_int(b, 0, 0);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, n);
	*found = *highest = 0;
	for (int row = 0; row < rsg_result_rows(r); row++) {
		uint32_t number = (uint32_t)rsg_result_int(r, row, 0);
		size_t len;
		const uint8_t *p = rsg_result_bytes(r, row, 2, &len);

		if (number > *highest)
			*highest = number;
		if (rsg_result_int(r, row, 1) == controller && len == strlen(name) &&
		    memcmp(p, name, len) == 0)
			*found = number;
	}
	return RSG_OK;
}

enum rsg_err
rsg_op_recipient_add(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k;
	struct rsg_recipient rec = { .epoch = 1 };
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_id key;
	uint32_t found, highest;
	struct rsg_bind *b;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK || (e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	rec.controller = k->number;
	(void)rsg_msg_get_text(c->in, RSG_F_RECIPIENT, rec.name, sizeof(rec.name));
	if (!rsg_msg_get_text(c->in, RSG_F_TITLE, rec.title, sizeof(rec.title)))
		memcpy(rec.title, rec.name, sizeof(rec.name));
	(void)rsg_msg_get_text(c->in, RSG_F_COUNTRY, rec.country, sizeof(rec.country));
	(void)rsg_msg_get_text(c->in, RSG_F_CONTRACT, rec.contract, sizeof(rec.contract));
	rec.contract_until = rsg_msg_get_int(c->in, RSG_F_EXPIRES, 0);
	if ((e = rsg_admin_recipient(w, k->number, rec.name, &found, &highest)) != RSG_OK)
		return e;
	if (found != 0)
		return rsg_call_fail(c, RSG_CONFLICT, "recipient", NULL);
	rec.number = highest + 1;
	/* The key of the first pseudonym period comes with the recipient. */
	if ((e = rsg_db_commit(w->db)) != RSG_OK || (e = rsg_vault_service_key(w->vault,
	    w->db, (struct rsg_service_name){ RSG_SERVICE_PSEUDONYM, rec.number,
	    rec.epoch })) != RSG_OK || (e = rsg_auth_mac_recipient(w->vault->keys,
	    &rec, mac)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_RECIPIENT_INSERT);
	rsg_bind_int(b, 0, rec.number);
	rsg_bind_int(b, 1, rec.controller);
	rsg_bind_text(b, 2, rec.name, strlen(rec.name));
	rsg_bind_text(b, 3, rec.title, strlen(rec.title));
	rsg_bind_text(b, 4, rec.country, strlen(rec.country));
	rsg_bind_text(b, 5, rec.contract, strlen(rec.contract));
	if (rec.contract_until != 0)
		rsg_bind_int(b, 6, rec.contract_until);
	rsg_bind_int(b, 7, rec.epoch);
	rsg_bind_bytes(b, 8, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
	key = rsg_seal_number(rec.number);
	if ((e = rsg_call_wrote(w, c, RSG_EFFECT_RECIPIENT, &key, mac)) != RSG_OK)
		return e;
	return rsg_audit_commit(w, c);
}

enum rsg_err
rsg_op_recipient_list(struct rsg_worker *w, struct rsg_call *c)
{
	const struct rsg_controller *k;
	struct rsg_bind *b;
	const struct rsg_result *r;
	int n;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK || (e = rsg_admin_named(w, c, &k)) != RSG_OK)
		return e;
	b = rsg_db_bind(w->db, RSG_SQL_RECIPIENTS);
	rsg_bind_int(b, 0, k == NULL ? 0 : k->number);
	n = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, n);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		size_t mark = rsg_msg_open(&c->out, RSG_F_RECIPIENTS);

		rsg_admin_put_column(&c->out, RSG_F_RECIPIENT, r, row, 2);
		rsg_admin_put_column(&c->out, RSG_F_TITLE, r, row, 3);
		rsg_admin_put_column(&c->out, RSG_F_COUNTRY, r, row, 4);
		rsg_admin_put_column(&c->out, RSG_F_CONTRACT, r, row, 5);
		rsg_admin_put_time(&c->out, RSG_F_EXPIRES, r, row, 6);
		rsg_msg_close(&c->out, mark);
	}
	return rsg_audit_commit(w, c);
}

/* --- Policy and status --- */

enum rsg_err
rsg_op_policy_load(struct rsg_worker *w, struct rsg_call *c)
{
	uint8_t hash[RSG_POLICY_HASH], mac[RSG_DIGEST_LEN];
	const uint8_t *bundle;
	struct rsg_id key;
	char fault[256];
	size_t len;
	int64_t version = w->vault->policy_version + 1;
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_POLICY)) != RSG_OK)
		return e;
	(void)rsg_msg_get(c->in, RSG_F_BUNDLE, &bundle, &len);
	e = rsg_vault_policy_put(w->vault, w->db, bundle, len, version,
	    c->actor.name, w->now, fault, mac);
	if (e != RSG_OK)
		return rsg_call_fail(c, e, "bundle", NULL);
	key = rsg_seal_number((uint64_t)version);
	if ((e = rsg_call_wrote(w, c, RSG_EFFECT_POLICY, &key, mac)) != RSG_OK ||
	    (e = rsg_audit_commit(w, c)) != RSG_OK)
		return e;
	rsg_sha256((struct rsg_part[]){ { bundle, len } }, 1, hash);
	rsg_msg_bytes(&c->out, RSG_F_POLICY, hash, sizeof(hash));
	rsg_msg_int(&c->out, RSG_F_VERSION, version);
	return rsg_buf_err(&c->out);
}

static void
check(struct rsg_buf *out, const char *name, const char *status, const char *detail)
{
	size_t mark = rsg_msg_open(out, RSG_F_CHECKS);

	rsg_msg_text(out, RSG_F_NAME, name);
	rsg_msg_text(out, RSG_F_STATUS, status);
	rsg_msg_text(out, RSG_F_DETAIL, detail);
	rsg_msg_close(out, mark);
}

enum rsg_err
rsg_op_status(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_health h;
	const char *late;
	char text[256];
	enum rsg_err e;

	if ((e = rsg_admin_allowed(w, c, RSG_ACT_OPERATE)) != RSG_OK)
		return e;
	snprintf(text, sizeof(text), "version %lld", (long long)w->vault->policy_version);
	check(&c->out, "policy", "ok", text);
	snprintf(text, sizeof(text), "%zu", w->vault->ncontrollers);
	check(&c->out, "controllers", w->vault->ncontrollers > 0 ? "ok" : "warn", text);
	snprintf(text, sizeof(text), "root key generation %u",
	    rsg_keyring_generation(w->vault->keys));
	check(&c->out, "keys", "ok", text);
	check(&c->out, "memory", "ok", "keys and plaintext are locked");
	rsg_health_get(rsg_clock_mono(), &h);
	late = rsg_health_closed(rsg_clock_mono(), true);
	snprintf(text, sizeof(text), "%s%s%llu entries, %lld wait", late == NULL ? "" :
	    late, late == NULL ? "" : ": ", (unsigned long long)h.size, (long long)h.waiting);
	check(&c->out, "log", late == NULL ? "ok" : rsg_health_closed(rsg_clock_mono(),
	    false) != NULL ? "fail" : "warn", text);
	check(&c->out, "demo", w->vault->demo ? "warn" : "ok", w->vault->demo ?
	    "demo credentials are known to whoever ran the demo" : "no demo credentials");
	return rsg_audit_commit(w, c);
}
