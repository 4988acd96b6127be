/*
 * receipt.h - one consent event as a receipt: JSON-LD in the terms of ISO/IEC
 * TS 27560 with identifiers of the Data Privacy Vocabulary (DPV 2.3).
 *
 * Composing is a pure function of what is handed in: the same event at the
 * same time gives the same bytes. docs/FORMAT.md, "Receipt".
 */
#ifndef RSG_RECEIPT_H
#define RSG_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "resguardo/buf.h"
#include "resguardo/id.h"
#include "seal/jose.h"

#define RSG_RECEIPT_MAX		(80u * 1024)	/* bytes of a payload */
#define RSG_RECEIPT_RECIPIENTS	64
/* Of what was given in return, so many are named at most, and so many bytes:
 * the newest. How many more there are is always said. */
#define RSG_RECEIPT_BENEFITS	24
#define RSG_RECEIPT_GIVEN	(32u * 1024)

/* Who answers for the data; "" is not known. */
struct rsg_receipt_party {
	const char *name, *title, *address, *contact, *email, *phone, *url;
};

struct rsg_receipt_recipient {
	const char *name, *title, *country;	/* country "": not said */
};

/* Something given in return, as it stands when the receipt is made. */
struct rsg_receipt_benefit {
	struct rsg_id id;
	const char *kind;		/* "points" */
	const char *incentive;		/* name and version, "keep-200:1" */
	const char *title, *summary;	/* in the receipt's language */
	const char *withdrawal;		/* what withdrawing does to it */
	int64_t points;			/* 0: none */
	const char *value, *currency;	/* "2.00", "EUR" */
	const char *state;		/* "promised" ... "reversed" */
	int64_t promised, delivered, redeemed, expired, reversed;	/* 0: was not */
	int64_t due;			/* of a promise that is still one */
	int64_t until;			/* what was delivered is good until */
	const char *cause;		/* of a reversal */
};

/* What has become of a yes that has to be confirmed by a code. */
enum rsg_receipt_code {
	RSG_CODE_NONE,			/* none was asked for */
	RSG_CODE_AWAITED, RSG_CODE_LAPSED,
	RSG_CODE_ANSWERED,		/* something was said since: see there */
	RSG_CODE__MAX
};
const char *rsg_receipt_code_name(enum rsg_receipt_code);	/* "awaited" */

/* Texts are borrowed; NULL or "" where there is nothing to say. */
struct rsg_receipt {
	struct rsg_id id, record, subject;
	int64_t created;		/* when the receipt was made */
	enum rsg_lang lang;

	struct rsg_receipt_party party;
	const char *jurisdiction;	/* "ES" */
	const char *authority;
	const char *storage;		/* country codes, comma separated */

	const struct rsg_purposedef *purpose;
	enum rsg_channel channel;
	const struct rsg_fielddef *field[RSG_POLICY_FIELDS];
	size_t nfields;
	bool purchases;			/* what the person bought is used too */
	struct rsg_receipt_recipient recipient[RSG_RECEIPT_RECIPIENTS];
	size_t nrecipients;

	enum rsg_status status;
	bool is_explicit, gpc;
	int64_t time, recorded;
	int64_t until;			/* 0: until it is withdrawn */
	const char *by;			/* "subject", "guardian", "controller" */
	const char *notice;		/* name and version */
	const uint8_t *notice_hash;	/* 32 bytes of what was shown; NULL */
	const char *language;		/* of the notice */
	const char *method, *words;
	const char *role, *place;	/* who wrote it down, and where */

	uint8_t lacking;		/* bits of rsg_lacking_name() */
	enum rsg_receipt_code code;
	int64_t code_until, confirmed;	/* 0: none */
	int64_t later;			/* of an answer since, which counts; 0: none */

	struct rsg_receipt_benefit benefit[RSG_RECEIPT_BENEFITS];	/* newest first */
	size_t nbenefits;
	size_t nmore;			/* older ones, not here */

	uint32_t sequence;		/* in the person's chain ... */
	const uint8_t *hash, *previous;	/* ... and its links */
};

/* Append the payload. What is missing of the mandatory is said to be missing
 * by DPV's own word for it, never left out in silence. */
void rsg_receipt_put(struct rsg_buf *, const struct rsg_receipt *);

/* How many of the benefits have room in it: the first so many. */
size_t rsg_receipt_shown(const struct rsg_receipt *);

/* The payload, signed: compact JWS. */
RSG_MUST enum rsg_err rsg_receipt_sign(const struct rsg_keyring *,
    const void *payload, size_t len, struct rsg_buf *jws);

/* "dpv:ConsentGiven" of a status. */
const char *rsg_receipt_status(enum rsg_status);

/* The key receipts are signed with. */
extern const struct rsg_service_name rsg_receipt_key;

#endif
