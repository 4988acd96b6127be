#include <stdio.h>
#include <string.h>

#include "consent/rules.h"
#include "receipt/jws.h"
#include "receipt/receipt_int.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"

#define UNKNOWN	"dpv:NotAvailable"	/* mandatory, and we were not told */

const struct rsg_service_name rsg_receipt_key = { RSG_SERVICE_RECEIPT, 0, 0 };

/* The words that stand before a colon; no reader has to fetch anything. */
static const char *const prefixes[][2] = {
	{ "dct", "http://purl.org/dc/terms/" },
	{ "dpv", "https://w3id.org/dpv#" },
	{ "eu-gdpr", "https://w3id.org/dpv/legal/eu/gdpr#" },
	{ "loc", "https://w3id.org/dpv/loc#" },
	{ "pd", "https://w3id.org/dpv/pd#" },
	{ "resguardo", "urn:resguardo:receipt:" },
	{ "risk", "https://w3id.org/dpv/risk#" },
	{ "schema", "https://schema.org/" },
};

/*
 * An objection (GDPR 21) is no consent status; it forbids what a refusal
 * forbids, and the right that was used stands beside it.
 */
static const char *const statuses[RSG_STATUS__MAX] = {
	[RSG_STATUS_UNKNOWN] = "dpv:ConsentUnknown",
	[RSG_STATUS_REQUESTED] = "dpv:ConsentRequested",
	[RSG_STATUS_GIVEN] = "dpv:ConsentGiven",
	[RSG_STATUS_RENEWED] = "dpv:RenewedConsentGiven",
	[RSG_STATUS_REFUSED] = "dpv:ConsentRefused",
	[RSG_STATUS_WITHDRAWN] = "dpv:ConsentWithdrawn",
	[RSG_STATUS_REVOKED] = "dpv:ConsentRevoked",
	[RSG_STATUS_EXPIRED] = "dpv:ConsentExpired",
	[RSG_STATUS_INVALIDATED] = "dpv:ConsentInvalidated",
	[RSG_STATUS_OBJECTED] = "dpv:ConsentRefused",
};

/* What everybody has under the GDPR; A21 where it can be used at all. */
static const char *const rights[] = { "eu-gdpr:A7-3", "eu-gdpr:A13",
	"eu-gdpr:A15", "eu-gdpr:A16", "eu-gdpr:A17", "eu-gdpr:A18",
	"eu-gdpr:A20", "eu-gdpr:A21", "eu-gdpr:A77" };

const char *
rsg_receipt_status(enum rsg_status s)
{
	return (unsigned)s < RSG_STATUS__MAX ? statuses[s] : statuses[0];
}

const char *
rsg_receipt_code_name(enum rsg_receipt_code c)
{
	static const char *const names[RSG_CODE__MAX] = { [RSG_CODE_NONE] = "none",
		[RSG_CODE_AWAITED] = "awaited", [RSG_CODE_LAPSED] = "lapsed",
		[RSG_CODE_ANSWERED] = "answered" };

	return (unsigned)c < RSG_CODE__MAX ? names[c] : names[0];
}

/* --- Small pieces --- */

static bool
any(const char *s)
{
	return s != NULL && s[0] != '\0';
}

void
rsg__put(struct rsg_jw *w, const char *name, const char *s)
{
	if (any(s))
		rsg_jw_text(w, name, s);
}

/* {"@id": "prefix" "id"} */
static void
put_ref(struct rsg_jw *w, const char *name, const char *prefix, const char *id)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s%s", prefix, id);
	rsg_jw_object(w, name);
	rsg_jw_text(w, "@id", text);
	rsg_jw_end(w);
}

void
rsg__put_type(struct rsg_jw *w, const char *one, const char *two, const char *three)
{
	if (two == NULL) {
		rsg_jw_text(w, "@type", one);
		return;
	}
	rsg_jw_array(w, "@type");
	rsg_jw_text(w, NULL, one);
	rsg_jw_text(w, NULL, two);
	if (three != NULL)
		rsg_jw_text(w, NULL, three);
	rsg_jw_end(w);
}

void
rsg__put_time(struct rsg_jw *w, const char *name, int64_t us)
{
	char text[RSG_TIME_TEXT];

	rsg_clock_text(us, text);
	rsg_jw_text(w, name, text);
}

static void
put_hex(struct rsg_jw *w, const char *name, const uint8_t *p)
{
	char hex[65];

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", p[i]);
	rsg_jw_text(w, name, hex);
}

void
rsg__put_urn(struct rsg_jw *w, const char *name, const struct rsg_id *id)
{
	char text[16 + RSG_ID_TEXT] = "urn:uuid:";

	rsg_id_text(id, text + 9);
	rsg_jw_text(w, name, text);
}

static void
put_id(struct rsg_jw *w, const char *name, const struct rsg_id *id)
{
	char text[RSG_ID_TEXT];

	rsg_id_text(id, text);
	rsg_jw_text(w, name, text);
}

/* What the law asks to be there is there, if only to say that it is not. */
static void
put_asked(struct rsg_jw *w, const char *name, const char *s)
{
	if (any(s))
		rsg_jw_text(w, name, s);
	else
		put_ref(w, name, "", UNKNOWN);
}

static bool
under_gdpr(const struct rsg_receipt *r)
{
	return strncmp(r->purpose->basis_dpv, "eu-gdpr:", 8) == 0 &&
	    any(r->jurisdiction) && (strcmp(r->jurisdiction, "ES") == 0 ||
	    strcmp(r->jurisdiction, "EU") == 0);
}

/* --- Header --- */

static void
put_context(struct rsg_jw *w)
{
	rsg_jw_object(w, "@context");
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		rsg_jw_text(w, prefixes[i][0], prefixes[i][1]);
	rsg_jw_end(w);
}

static void
put_head(struct rsg_jw *w, const struct rsg_receipt *r)
{
	put_context(w);
	rsg__put_urn(w, "@id", &r->id);
	rsg_jw_text(w, "@type", "dpv:ConsentReceipt");
	put_id(w, "dct:identifier", &r->id);
	put_ref(w, "dct:conformsTo", "https://w3id.org/dpv/schema/dpv-27560#",
	    under_gdpr(r) ? "receipt-eu-gdpr" : "receipt");
	rsg__put_time(w, "dct:created", r->created);
	rsg_jw_text(w, "dct:language", r->lang == RSG_LANG_ES ? "es" : "en");
	put_ref(w, "dct:publisher", "urn:resguardo:controller:", r->party.name);
	put_ref(w, "schema:recipient", "", "dpv:DataSubject");
}

/* --- Processing --- */

static void
put_party_id(struct rsg_jw *w, const struct rsg_receipt *r)
{
	char id[128];

	(void)snprintf(id, sizeof(id), "urn:resguardo:controller:%s", r->party.name);
	rsg_jw_text(w, "@id", id);
}

/* Which data, never their values: the id of the place that holds one. */
static void
put_datum(struct rsg_jw *w, const struct rsg_receipt *r, const struct rsg_fielddef *f)
{
	bool sensitive = strcmp(f->category, "sensitive") == 0;

	rsg_jw_object(w, NULL);
	rsg__put_type(w, f->dpv, sensitive ? "dpv:SensitivePersonalData" : NULL,
	    sensitive ? "dpv:SpecialCategoryPersonalData" : NULL);
	rsg_jw_text(w, "dct:identifier", f->id);
	rsg_jw_text(w, "dct:title", f->title[r->lang]);
	put_ref(w, "dpv:hasNecessity", "", r->purpose->necessary ? "dpv:Required" :
	    "dpv:Optional");
	rsg_jw_end(w);
}

static void
put_data(struct rsg_jw *w, const struct rsg_receipt *r)
{
	static const char *const title[] = { "Your purchases", "Sus compras" };

	rsg_jw_array(w, "dpv:hasPersonalData");
	for (size_t i = 0; i < r->nfields; i++)
		put_datum(w, r, r->field[i]);
	if (r->purchases) {
		rsg_jw_object(w, NULL);
		rsg__put_type(w, "pd:PurchasesAndSpendingHabit", NULL, NULL);
		rsg_jw_text(w, "dct:identifier", "purchases");
		rsg_jw_text(w, "dct:title", title[r->lang]);
		put_ref(w, "dpv:hasNecessity", "", r->purpose->necessary ?
		    "dpv:Required" : "dpv:Optional");
		rsg_jw_end(w);
	}
	if (r->nfields == 0 && !r->purchases)
		put_ref(w, NULL, "", UNKNOWN);
	rsg_jw_end(w);
}

static void
put_places(struct rsg_jw *w, const char *codes)
{
	rsg_jw_array(w, "dpv:hasLocation");
	if (!any(codes))
		put_ref(w, NULL, "", UNKNOWN);
	for (const char *p = codes; any(p); ) {
		size_t n = strcspn(p, ",");
		char code[16] = "";

		if (n > 0 && n < sizeof(code)) {
			memcpy(code, p, n);
			put_ref(w, NULL, "loc:", code);
		}
		p += n + (p[n] == ',');
	}
	rsg_jw_end(w);
}

static void
put_storage(struct rsg_jw *w, const struct rsg_receipt *r)
{
	char text[32];

	rsg_jw_array(w, "dpv:hasStorageCondition");
	rsg_jw_object(w, NULL);
	rsg__put_type(w, "dpv:StorageDuration", NULL, NULL);
	(void)snprintf(text, sizeof(text), "P%uD", r->purpose->retention_days);
	rsg_jw_text(w, "dpv:hasDuration", text);
	rsg_jw_end(w);
	rsg_jw_object(w, NULL);
	rsg__put_type(w, "dpv:StorageLocation", NULL, NULL);
	put_places(w, r->storage);
	rsg_jw_end(w);
	rsg_jw_end(w);
}

static void
put_recipients(struct rsg_jw *w, const struct rsg_receipt *r)
{
	rsg_jw_array(w, "dpv:hasRecipient");
	rsg_jw_object(w, NULL);
	put_party_id(w, r);
	rsg_jw_text(w, "schema:name", r->party.title);
	rsg_jw_end(w);
	for (size_t i = 0; i < r->nrecipients; i++) {
		rsg_jw_object(w, NULL);
		rsg__put_type(w, "dpv:ThirdParty", NULL, NULL);
		rsg_jw_text(w, "dct:identifier", r->recipient[i].name);
		rsg_jw_text(w, "schema:name", r->recipient[i].title);
		if (any(r->recipient[i].country))
			put_ref(w, "dpv:hasLocation", "loc:", r->recipient[i].country);
		rsg_jw_end(w);
	}
	rsg_jw_end(w);
}

static void
put_process(struct rsg_jw *w, const struct rsg_receipt *r)
{
	const struct rsg_purposedef *p = r->purpose;

	rsg_jw_object(w, "dpv:hasProcess");
	rsg__put_type(w, "dpv:Process", NULL, NULL);
	rsg_jw_object(w, "dpv:hasPurpose");
	rsg_jw_text(w, "@id", p->dpv);
	rsg_jw_text(w, "dct:identifier", p->id);
	rsg_jw_text(w, "dct:title", p->title[r->lang]);
	rsg__put(w, "dct:description", p->description[r->lang]);
	rsg_jw_end(w);
	if (r->channel != RSG_CHANNEL_NONE)
		rsg_jw_text(w, "resguardo:channel", rsg_channel_name(r->channel));
	put_ref(w, "dpv:hasLegalBasis", "", p->basis_dpv);
	put_data(w, r);
	put_storage(w, r);
	put_recipients(w, r);
	rsg__put_given(w, r);
	rsg_jw_end(w);
}

/* --- Parties, rights, withdrawal --- */

static void
put_party(struct rsg_jw *w, const struct rsg_receipt *r)
{
	rsg_jw_array(w, "dpv:hasEntity");
	rsg_jw_object(w, NULL);
	put_party_id(w, r);
	rsg__put_type(w, "dpv:DataController", "dpv:Organisation", NULL);
	rsg_jw_text(w, "schema:name", r->party.title);
	put_asked(w, "schema:address", r->party.address);
	put_asked(w, "schema:contactPoint", r->party.contact);
	rsg__put(w, "schema:email", r->party.email);
	rsg__put(w, "schema:telephone", r->party.phone);
	rsg__put(w, "schema:url", r->party.url);
	rsg_jw_end(w);
	if (any(r->authority)) {
		rsg_jw_object(w, NULL);
		rsg__put_type(w, "dpv:DataProtectionAuthority", NULL, NULL);
		rsg_jw_text(w, "schema:name", r->authority);
		rsg_jw_end(w);
	}
	rsg_jw_end(w);
}

static void
put_rights(struct rsg_jw *w, const struct rsg_receipt *r)
{
	const char *at = any(r->party.url) ? r->party.url : any(r->party.email) ?
	    r->party.email : r->party.contact;

	rsg_jw_object(w, "dpv:hasConsentControl");
	rsg__put_type(w, "dpv:WithdrawConsent", NULL, NULL);
	put_asked(w, "dpv:isExercisedAt", at);
	rsg_jw_end(w);
	if (!under_gdpr(r))
		return;
	rsg_jw_array(w, "dpv:hasRight");
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		put_ref(w, NULL, "", rights[i]);
	rsg_jw_end(w);
}

static void
put_notice(struct rsg_jw *w, const struct rsg_receipt *r)
{
	if (!any(r->notice)) {
		put_ref(w, "dpv:hasNotice", "", UNKNOWN);
		return;
	}
	rsg_jw_object(w, "dpv:hasNotice");
	rsg__put_type(w, "dpv:ConsentNotice", NULL, NULL);
	rsg_jw_text(w, "dct:identifier", r->notice);
	put_asked(w, "dct:language", r->language);
	if (r->notice_hash != NULL)
		put_hex(w, "resguardo:sha256", r->notice_hash);
	rsg_jw_end(w);
}

/* --- The event --- */

static void
put_validity(struct rsg_jw *w, const struct rsg_receipt *r)
{
	static const char *const event[] = { "until you withdraw it",
	    "hasta que lo retire" };

	rsg_jw_object(w, "dpv:hasDuration");
	if (r->until != 0) {
		rsg__put_type(w, "dpv:UntilTimeDuration", NULL, NULL);
		rsg__put_time(w, "dct:valid", r->until);
	} else if (r->status == RSG_STATUS_GIVEN || r->status == RSG_STATUS_RENEWED) {
		rsg__put_type(w, "dpv:UntilEventDuration", NULL, NULL);
		rsg_jw_text(w, "dct:description", event[r->lang]);
	} else
		rsg__put_type(w, "dpv:EndlessDuration", NULL, NULL);
	rsg_jw_end(w);
}

static void
put_who(struct rsg_jw *w, const struct rsg_receipt *r)
{
	if (r->by != NULL && strcmp(r->by, "guardian") == 0)
		put_ref(w, "dpv:isIndicatedBy", "", "dpv:GuardianOfDataSubject");
	else if (r->by != NULL && strcmp(r->by, "controller") == 0)
		put_ref(w, "dpv:isIndicatedBy", "urn:resguardo:controller:",
		    r->party.name);
	else
		put_ref(w, "dpv:isIndicatedBy", "", "dpv:DataSubject");
}

/* What a no was taken without. */
static void
put_lacking(struct rsg_jw *w, const struct rsg_receipt *r)
{
	if (r->lacking == 0)
		return;
	rsg_jw_array(w, "resguardo:lacking");
	for (unsigned bit = 0; bit < RSG_LACKING_BITS; bit++)
		if ((r->lacking & 1u << bit) != 0 && rsg_lacking_name(bit) != NULL)
			rsg_jw_text(w, NULL, rsg_lacking_name(bit));
	rsg_jw_end(w);
}

/* A yes is none until its code came back; then it says when. */
static void
put_code(struct rsg_jw *w, const struct rsg_receipt *r)
{
	if (r->confirmed != 0)
		rsg__put_time(w, "resguardo:confirmedAt", r->confirmed);
	if (r->code == RSG_CODE_NONE)
		return;
	rsg_jw_object(w, "resguardo:confirmation");
	rsg_jw_text(w, "resguardo:state", rsg_receipt_code_name(r->code));
	rsg__put_time(w, "resguardo:codeUntil", r->code_until);
	rsg_jw_end(w);
}

static void
put_event(struct rsg_jw *w, const struct rsg_receipt *r)
{
	bool yes = r->status == RSG_STATUS_GIVEN || r->status == RSG_STATUS_RENEWED;

	rsg_jw_object(w, "dpv:hasConsentStatus");
	rsg__put_type(w, rsg_receipt_status(r->status), !yes ? NULL : r->is_explicit ?
	    "dpv:ExplicitlyExpressedConsent" : "dpv:ExpressedConsent", NULL);
	rsg_jw_text(w, "resguardo:status", rsg_status_name(r->status));
	if (r->status == RSG_STATUS_OBJECTED)
		put_ref(w, "dpv:hasRight", "", "eu-gdpr:A21");
	put_who(w, r);
	rsg__put_time(w, "dpv:isIndicatedAtTime", r->time);
	rsg__put_time(w, "resguardo:recordedAt", r->recorded);
	put_validity(w, r);
	rsg__put(w, "dpv:hasIndicationMethod", r->method);
	rsg__put(w, "resguardo:words", r->words);
	rsg__put(w, "resguardo:recordedBy", r->role);
	rsg__put(w, "resguardo:place", r->place);
	if (r->gpc)
		rsg_jw_bool(w, "resguardo:globalPrivacyControl", true);
	put_lacking(w, r);
	put_code(w, r);
	if (r->later != 0)
		rsg__put_time(w, "resguardo:answeredSince", r->later);
	rsg_jw_end(w);
}

static void
put_chain(struct rsg_jw *w, const struct rsg_receipt *r)
{
	rsg_jw_object(w, "resguardo:chain");
	rsg_jw_int(w, "resguardo:sequence", r->sequence);
	put_hex(w, "resguardo:sha256", r->hash);
	put_hex(w, "resguardo:previous", r->previous);
	rsg_jw_end(w);
}

void
rsg_receipt_put(struct rsg_buf *b, const struct rsg_receipt *r)
{
	struct rsg_jw w;

	rsg_jw_init(&w, b);
	rsg_jw_object(&w, NULL);
	put_head(&w, r);
	rsg_jw_object(&w, "dpv:hasRecordOfActivity");
	rsg__put_urn(&w, "@id", &r->record);
	rsg_jw_text(&w, "@type", "dpv:ConsentRecord");
	put_id(&w, "dct:identifier", &r->record);
	put_ref(&w, "dct:conformsTo", "https://w3id.org/dpv/schema/dpv-27560#",
	    under_gdpr(r) ? "record-eu-gdpr" : "record");
	rsg_jw_object(&w, "dpv:hasDataSubject");
	rsg__put_urn(&w, "@id", &r->subject);
	rsg__put_type(&w, "dpv:DataSubject", NULL, NULL);
	rsg_jw_end(&w);
	put_ref(&w, "dpv:hasDataController", "urn:resguardo:controller:", r->party.name);
	if (any(r->jurisdiction))
		put_ref(&w, "dpv:hasJurisdiction", "loc:", r->jurisdiction);
	else
		put_ref(&w, "dpv:hasJurisdiction", "", UNKNOWN);
	put_notice(&w, r);
	put_process(&w, r);
	put_rights(&w, r);
	put_party(&w, r);
	put_event(&w, r);
	put_chain(&w, r);
	rsg_jw_end(&w);
	rsg_jw_end(&w);
}

enum rsg_err
rsg_receipt_sign(const struct rsg_keyring *keys, const void *payload, size_t len,
    struct rsg_buf *jws)
{
	uint8_t pub[RSG_PUBLIC_LEN], sig[RSG_SIG_LEN];
	enum rsg_err e;

	if ((e = rsg_service_public(keys, rsg_receipt_key, pub)) != RSG_OK)
		return e;
	rsg_jws_begin(jws, pub, payload, len);
	if ((e = rsg_buf_err(jws)) != RSG_OK ||
	    (e = rsg_service_sign(keys, rsg_receipt_key, jws->p, jws->len, sig)) != RSG_OK)
		return e;
	rsg_jws_end(jws, sig);
	return rsg_buf_err(jws);
}
