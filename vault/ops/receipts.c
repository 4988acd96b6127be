/*
 * Receipts: one event of a person's consent ledger, composed anew from what is
 * stored and signed; and the key that verifies them.
 */
#include <stdio.h>
#include <string.h>

#include "ops/ops.h"
#include "ops/people.h"
#include "ops/returned.h"
#include "receipt/event.h"
#include "receipt/receipt.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/auth.h"
#include "work/vault.h"

/* What a receipt borrows from while it is composed. */
struct desk {
	struct rsg_subject person;
	struct rsg_heard heard;
	struct rsg_receipt r;
	struct rsg_returned returned;
	char role[64], place[256], notice[80], notice_id[96], language[16],
	    method[256], words[600];
	char name[RSG_RECEIPT_RECIPIENTS][64], title[RSG_RECEIPT_RECIPIENTS][128],
	    country[RSG_RECEIPT_RECIPIENTS][4];
};

enum rsg_err
rsg_op_keys(struct rsg_item *it)
{
	struct rsg_buf *out = &it->call->out, x;
	uint8_t pub[RSG_PUBLIC_LEN];
	char kid[RSG_THUMBPRINT_TEXT];
	size_t mark;
	enum rsg_err e;

	e = rsg_service_public(it->batch->w->vault->keys, rsg_receipt_key, pub);
	if (e != RSG_OK)
		return e;
	rsg_buf_init(&x, 128);
	rsg_jwk_thumbprint(pub, kid);
	rsg_base64url_put(&x, pub, sizeof(pub));
	mark = rsg_msg_open(out, RSG_F_KEYS);
	rsg_msg_text(out, RSG_F_KTY, "OKP");
	rsg_msg_text(out, RSG_F_CRV, "Ed25519");
	rsg_msg_text(out, RSG_F_ALG, "EdDSA");
	rsg_msg_text(out, RSG_F_USE, "sig");
	rsg_msg_text(out, RSG_F_KID, kid);
	rsg_msg_bytes(out, RSG_F_X, x.p, x.len);
	rsg_msg_close(out, mark);
	e = rsg_buf_err(&x);
	rsg_buf_free(&x);
	return e == RSG_OK ? rsg_buf_err(out) : e;
}

/* --- What a receipt says --- */

/* The same for the same event for ever, and of no use without the person's key. */
static void
name_it(const struct rsg_subject *s, const char *label, uint64_t number, struct rsg_id *id)
{
	struct rsg_id what = rsg_seal_number(number);
	uint8_t out[RSG_KEY_LEN];

	rsg_derive(s->keys.key[RSG_KEY_EVIDENCE], label, &what, out);
	memcpy(id->b, out, RSG_ID_LEN);
	id->b[6] = (uint8_t)((id->b[6] & 0x0f) | 0x40);
	id->b[8] = (uint8_t)((id->b[8] & 0x3f) | 0x80);
	rsg_secret_wipe(out, sizeof(out));
}

static void
copy(char *to, size_t cap, const struct rsg_result *r, int row, int col)
{
	size_t n = 0;
	const uint8_t *p = rsg_result_null(r, row, col) ? NULL :
	    rsg_result_bytes(r, row, col, &n);

	(void)snprintf(to, cap, "%.*s", (int)n, p == NULL ? "" : (const char *)p);
}

/*
 * To whom the purpose may take the data: the controller's recipients, where
 * the rules let anything of it out. A row that was put there says nothing.
 */
static enum rsg_err
read_recipients(struct rsg_worker *w, struct desk *d, const struct rsg_result *rows)
{
	struct rsg_recipient rec;
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *stored;
	size_t n, i;
	enum rsg_err e;

	if (!rsg_policy_does(w->policy, d->heard.ev.purpose, RSG_ACT_RELEASE) &&
	    !rsg_policy_does(w->policy, d->heard.ev.purpose, RSG_ACT_ASK_PEOPLE))
		return RSG_OK;
	for (int row = 0; row < rsg_result_rows(rows); row++) {
		if ((i = d->r.nrecipients) == RSG_RECEIPT_RECIPIENTS)
			return RSG_TOO_LARGE;
		memset(&rec, 0, sizeof(rec));
		rec.number = (uint32_t)rsg_result_int(rows, row, 0);
		rec.controller = (uint32_t)rsg_result_int(rows, row, 1);
		copy(rec.name, sizeof(rec.name), rows, row, 2);
		copy(rec.title, sizeof(rec.title), rows, row, 3);
		copy(rec.country, sizeof(rec.country), rows, row, 4);
		copy(rec.contract, sizeof(rec.contract), rows, row, 5);
		if (!rsg_result_null(rows, row, 6))
			rec.contract_until = rsg_result_int(rows, row, 6);
		rec.epoch = (uint32_t)rsg_result_int(rows, row, 7);
		stored = rsg_result_bytes(rows, row, 8, &n);
		if ((e = rsg_auth_mac_recipient(w->vault->keys, &rec, mac)) != RSG_OK)
			return e;
		if (n != sizeof(mac) || !rsg_secret_equal(stored, mac, n))
			return RSG_TAMPERED;
		if (rec.contract_until != 0 && rec.contract_until <= w->now)
			continue;
		memcpy(d->name[i], rec.name, sizeof(rec.name));
		memcpy(d->title[i], rec.title, sizeof(rec.title));
		memcpy(d->country[i], rec.country, sizeof(rec.country));
		d->r.recipient[i] = (struct rsg_receipt_recipient){ d->name[i],
		    d->title[i], d->country[i] };
		d->r.nrecipients++;
	}
	return RSG_OK;
}

static void
read_fields(struct rsg_worker *w, struct desk *d)
{
	const struct rsg_fielddef *f;

	for (size_t i = 0; (f = rsg_policy_field_at(w->policy, i)) != NULL; i++)
		if (d->person.h.field_present[f->number] &&
		    rsg_policy_uses(w->policy, d->heard.ev.purpose, f->number))
			d->r.field[d->r.nfields++] = f;
	d->r.purchases = d->person.h.activity_version != 0 &&
	    (rsg_policy_does(w->policy, d->heard.ev.purpose, RSG_ACT_EVENT_READ) ||
	    rsg_policy_does(w->policy, d->heard.ev.purpose, RSG_ACT_MODEL_FIT) ||
	    rsg_policy_does(w->policy, d->heard.ev.purpose, RSG_ACT_MODEL_READ));
}

/* The words and circumstances that the event kept as proof. */
static void
read_proof(struct desk *d)
{
	const struct rsg_heard *h = &d->heard;
	struct rsg_receipt *r = &d->r;
	unsigned version = (unsigned)rsg_heard_number(h, RSG_PROOF_NOTICE_VERSION);

	r->notice = rsg_heard_text(h, RSG_PROOF_NOTICE, d->notice, sizeof(d->notice));
	if (d->notice[0] != '\0' && version != 0) {
		(void)snprintf(d->notice_id, sizeof(d->notice_id), "%s:%u", d->notice, version);
		r->notice = d->notice_id;
	}
	r->notice_hash = h->ev.part[RSG_PROOF_NOTICE_HASH].p;
	r->language = rsg_heard_text(h, RSG_PROOF_LANGUAGE, d->language, sizeof(d->language));
	r->method = rsg_heard_text(h, RSG_PROOF_METHOD, d->method, sizeof(d->method));
	r->words = rsg_heard_text(h, RSG_PROOF_WORDS, d->words, sizeof(d->words));
	r->role = rsg_heard_text(h, RSG_PROOF_ROLE, d->role, sizeof(d->role));
	r->place = rsg_heard_text(h, RSG_PROOF_PLACE, d->place, sizeof(d->place));
	r->until = (int64_t)rsg_heard_number(h, RSG_PROOF_UNTIL);
	r->lacking = (uint8_t)rsg_heard_number(h, RSG_PROOF_LACKING);
	r->confirmed = (int64_t)rsg_heard_number(h, RSG_PROOF_CONFIRMED);
	r->by = h->ev.part[RSG_PROOF_ON_BEHALF].p != NULL ? "guardian" :
	    h->ev.status == RSG_STATUS_REVOKED || h->ev.status == RSG_STATUS_EXPIRED ||
	    h->ev.status == RSG_STATUS_INVALIDATED || h->ev.status == RSG_STATUS_REQUESTED ?
	    "controller" : "subject";
}

/* What was said since counts; whether a code is still waited for follows from
 * it, as when the code is typed. */
static void
read_since(struct desk *d, int64_t now)
{
	const struct rsg_ledger_event *ev = &d->heard.ev;
	int64_t answered = rsg_rules_answered(&d->person.h, ev->purpose, ev->channel);
	struct rsg_receipt *r = &d->r;

	r->later = answered > ev->time ? answered : 0;
	if (ev->part[RSG_PROOF_CODE].p == NULL)
		return;
	r->code_until = (int64_t)rsg_heard_number(&d->heard, RSG_PROOF_CODE_UNTIL);
	r->code = r->later != 0 ? RSG_CODE_ANSWERED : now < r->code_until ?
	    RSG_CODE_AWAITED : RSG_CODE_LAPSED;
}

static enum rsg_err
read_all(struct rsg_worker *w, struct rsg_call *c, struct desk *d)
{
	const struct rsg_controller *k = rsg_vault_controller(w->vault, c->actor.controller);
	const struct rsg_heard *h = &d->heard;
	struct rsg_receipt *r = &d->r;

	r->purpose = rsg_policy_purpose_no(w->policy, h->ev.purpose);
	if (k == NULL || r->purpose == NULL)
		return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
	name_it(&d->person, "receipt", h->sequence, &r->id);
	name_it(&d->person, "consent-record", h->ev.purpose, &r->record);
	r->subject = d->person.id;
	r->created = w->now;
	r->lang = strncmp(d->person.h.language, "es", 2) == 0 ? RSG_LANG_ES : RSG_LANG_EN;
	r->party = (struct rsg_receipt_party){ k->name, k->title, k->address,
	    k->contact, k->email, k->phone, k->url };
	r->jurisdiction = d->person.h.jurisdiction[0] != '\0' ?
	    d->person.h.jurisdiction : k->jurisdiction;
	r->authority = rsg_policy_authority(w->policy, r->jurisdiction);
	r->storage = k->storage;
	r->channel = h->ev.channel;
	r->status = h->ev.status;
	r->gpc = h->ev.gpc;
	r->time = h->ev.time;
	r->recorded = h->ev.recorded;
	r->sequence = h->sequence;
	r->hash = h->hash;
	r->previous = h->previous;
	read_proof(d);
	read_since(d, w->now);
	r->is_explicit = rsg_policy_explicit(w->policy, r->method);
	read_fields(w, d);
	return RSG_OK;
}

/* --- The answer --- */

static void
put_some(struct rsg_buf *out, enum rsg_field f, const char *s)
{
	if (s != NULL && s[0] != '\0')
		rsg_msg_text(out, f, s);
}

/* What a no was taken without, and whether a yes is one already. */
static void
put_state(struct rsg_buf *out, const struct rsg_receipt *r)
{
	put_some(out, RSG_F_WORDS, r->words);
	for (unsigned bit = 0; bit < RSG_LACKING_BITS; bit++)
		if ((r->lacking & 1u << bit) != 0)
			put_some(out, RSG_F_LACKING, rsg_lacking_name(bit));
	if (r->confirmed != 0)
		rsg_msg_int(out, RSG_F_CONFIRMED, r->confirmed);
	if (r->later != 0)
		rsg_msg_int(out, RSG_F_LATER, r->later);
	if (r->code == RSG_CODE_NONE)
		return;
	rsg_msg_text(out, RSG_F_CONFIRMATION, rsg_receipt_code_name(r->code));
	rsg_msg_int(out, RSG_F_CODE_UNTIL, r->code_until);
}

static void
put_said(struct rsg_buf *out, const struct desk *d)
{
	const struct rsg_receipt *r = &d->r;
	size_t said = rsg_msg_open(out, RSG_F_SAID), mark = rsg_msg_open(out, RSG_F_PARTY);

	rsg_msg_text(out, RSG_F_CONTROLLER, r->party.name);
	rsg_msg_text(out, RSG_F_TITLE, r->party.title);
	put_some(out, RSG_F_ADDRESS, r->party.address);
	put_some(out, RSG_F_CONTACT, r->party.contact);
	put_some(out, RSG_F_EMAIL, r->party.email);
	put_some(out, RSG_F_PHONE, r->party.phone);
	put_some(out, RSG_F_URL, r->party.url);
	rsg_msg_close(out, mark);
	rsg_msg_text(out, RSG_F_PURPOSE, r->purpose->id);
	rsg_msg_text(out, RSG_F_TITLE, r->purpose->title[r->lang]);
	put_some(out, RSG_F_DESCRIPTION, r->purpose->description[r->lang]);
	if (r->channel != RSG_CHANNEL_NONE)
		rsg_msg_text(out, RSG_F_CHANNEL, rsg_channel_name(r->channel));
	rsg_msg_text(out, RSG_F_STATUS, rsg_status_name(r->status));
	rsg_msg_int(out, RSG_F_TIME, r->time);
	rsg_msg_int(out, RSG_F_RECORDED, r->recorded);
	if (r->until != 0)
		rsg_msg_int(out, RSG_F_UNTIL, r->until);
	rsg_msg_text(out, RSG_F_BY, r->by);
	put_some(out, RSG_F_NOTICE, d->notice);
	if (rsg_heard_number(&d->heard, RSG_PROOF_NOTICE_VERSION) != 0)
		rsg_msg_int(out, RSG_F_NOTICE_VERSION, (int64_t)rsg_heard_number(&d->heard,
		    RSG_PROOF_NOTICE_VERSION));
	put_some(out, RSG_F_METHOD, r->method);
	for (size_t i = 0; i < r->nfields; i++) {
		mark = rsg_msg_open(out, RSG_F_FIELD_LIST);
		rsg_msg_text(out, RSG_F_FIELD, r->field[i]->id);
		rsg_msg_text(out, RSG_F_TITLE, r->field[i]->title[r->lang]);
		rsg_msg_close(out, mark);
	}
	for (size_t i = 0; i < r->nrecipients; i++)
		rsg_msg_text(out, RSG_F_RECEIVERS, r->recipient[i].title);
	rsg_returned_put(out, &d->returned, r);
	put_some(out, RSG_F_AUTHORITY, r->authority);
	put_some(out, RSG_F_JURISDICTION, r->jurisdiction);
	put_state(out, r);
	rsg_msg_close(out, said);
}

static enum rsg_err
answer(struct rsg_worker *w, struct rsg_call *c, const struct desk *d)
{
	struct rsg_buf payload, jws, *out = &c->out;
	enum rsg_err e;

	rsg_buf_init(&payload, RSG_RECEIPT_MAX);
	rsg_buf_init(&jws, 2 * RSG_RECEIPT_MAX);
	rsg_receipt_put(&payload, &d->r);
	if ((e = rsg_buf_err(&payload)) != RSG_OK || (e = rsg_receipt_sign(
	    w->vault->keys, payload.p, payload.len, &jws)) != RSG_OK)
		goto done;
	rsg_msg_id(out, RSG_F_SUBJECT, &d->person.id);
	rsg_msg_int(out, RSG_F_SEQUENCE, d->r.sequence);
	rsg_msg_text(out, RSG_F_LANGUAGE, d->r.lang == RSG_LANG_ES ? "es" : "en");
	put_said(out, d);
	rsg_msg_bytes(out, RSG_F_RECEIPT, jws.p, jws.len);
	rsg_msg_bytes(out, RSG_F_PAYLOAD, payload.p, payload.len);
	e = rsg_buf_err(out);
done:
	rsg_buf_free(&payload);
	rsg_buf_free(&jws);
	return e;
}

/*
 * The benefits are believed against a header that is as new as they are: a
 * person who changed while we read is read again.
 */
static enum rsg_err
fetch(struct rsg_worker *w, struct rsg_call *c, struct desk *d, uint32_t sequence)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_CONSENT_NEAR);
	int near, recipients, benefits, changed;
	enum rsg_err e;

	rsg_bind_id(b, 0, &d->person.id);
	rsg_bind_int(b, 1, sequence);
	near = rsg_db_send(w->db, b);
	b = rsg_db_bind(w->db, RSG_SQL_RECIPIENTS);
	rsg_bind_int(b, 0, c->actor.controller);
	recipients = rsg_db_send(w->db, b);
	b = rsg_db_bind(w->db, RSG_SQL_BENEFIT_EVENTS);
	rsg_bind_id(b, 0, &d->person.id);
	benefits = rsg_db_send(w->db, b);
	b = rsg_db_bind(w->db, RSG_SQL_SUBJECT_VERSIONS);
	rsg_bind_id(b, 0, &d->person.id);
	rsg_bind_int(b, 1, d->person.version);
	changed = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	if (rsg_result_rows(rsg_db_result(w->db, changed)) != 0)
		return RSG_CONFLICT;
	e = rsg_heard_open(&d->person, sequence, rsg_db_result(w->db, near), &d->heard);
	if (e == RSG_NOT_FOUND)
		return rsg_call_fail(c, e, "sequence", NULL);
	if (e != RSG_OK || (e = read_all(w, c, d)) != RSG_OK ||
	    (e = read_recipients(w, d, rsg_db_result(w->db, recipients))) != RSG_OK ||
	    (e = rsg_returned_open(&d->returned, &d->person, sequence, w->now,
	    rsg_db_result(w->db, benefits), &d->r)) != RSG_OK)
		return e;
	return rsg_returned_words(w, c->actor.controller, &d->returned, &d->r);
}

enum rsg_err
rsg_op_receipt(struct rsg_worker *w, struct rsg_call *c)
{
	int64_t sequence = rsg_msg_get_int(c->in, RSG_F_SEQUENCE, 0);
	struct desk *d = rsg_arena_get(w->arena, sizeof(*d));
	struct rsg_answer allowed;
	struct rsg_id id;
	enum rsg_err e;

	if (d == NULL)
		return RSG_NO_MEMORY;
	if (sequence < 1 || sequence > INT32_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "sequence", NULL);
	(void)rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id);
	if ((e = rsg_people_open(w, c, &id, &d->person)) != RSG_OK ||
	    (e = rsg_people_allowed(w, c, &d->person, RSG_ACT_CONSENT_READ, 0,
	    &allowed)) != RSG_OK || (e = fetch(w, c, d, (uint32_t)sequence)) != RSG_OK ||
	    (e = answer(w, c, d)) != RSG_OK)
		goto done;
	e = rsg_audit_commit(w, c);
done:
	rsg_returned_free(&d->returned);
	return e;
}
