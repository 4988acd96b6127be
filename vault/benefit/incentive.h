/*
 * incentive.h - what is offered in return for data: its words, its terms, and
 * what becomes of it when the person changes their mind.
 *
 * Published once under a name and a version, then never changed: a benefit
 * names the version it was promised under. The body is kept as it was
 * published, with its hash. docs/FORMAT.md, "Incentive", has the members.
 */
#ifndef RSG_INCENTIVE_H
#define RSG_INCENTIVE_H

#include "policy/policy.h"
#include "resguardo/json.h"
#include "seal/seal.h"
#include "store/store.h"

#define RSG_INCENTIVE_BODY	32768

/* Stored: never reuse a number. */
enum rsg_incentive_kind {
	RSG_INCENTIVE_POINTS = 1, RSG_INCENTIVE_COUPON = 2,
	RSG_INCENTIVE_DISCOUNT = 3, RSG_INCENTIVE_GIFT = 4,
	RSG_INCENTIVE_CONTENT = 5, RSG_INCENTIVE_DRAW = 6,
	RSG_INCENTIVE_STATUS = 7, RSG_INCENTIVE__MAX
};
const char *rsg_incentive_kind_name(enum rsg_incentive_kind);

/* How often one person may have it. */
enum rsg_incentive_per { RSG_PER_EVER, RSG_PER_DAY, RSG_PER_WEEK, RSG_PER_MONTH,
	RSG_PER_YEAR, RSG_PER__MAX };
const char *rsg_incentive_per_name(enum rsg_incentive_per);

/* Texts are borrowed from the parsed body, which it owns. */
struct rsg_incentive {
	struct rsg_json *body;
	uint32_t controller, version;
	uint8_t hash[32];
	int64_t published;
	const char *name;
	enum rsg_incentive_kind kind;
	const char *title[2], *summary[2], *terms[2];	/* by enum rsg_lang */
	const struct rsg_json *asks_fields, *asks_purposes;
	uint16_t purpose;		/* whose consent it is given for */
	uint8_t channel;
	const char *offer, *campaign;	/* NULL: none */
	int64_t points;			/* what POINTS gives */
	int64_t price;			/* points that it costs; 0: it is not for sale */
	int64_t value;			/* to the shop, minor units */
	const char *value_text;
	uint32_t times;			/* most often in `per`; 0: no limit */
	enum rsg_incentive_per per;
	const char *estimate, *method;	/* of the data's value; NULL: not stated */
	int64_t estimate_value;
	bool takes_back;		/* at withdrawal, where the law allows too */
	const char *withdrawal[2];	/* what withdrawing does, in words */
	uint32_t deliver_days, valid_days;
	int64_t from, until;		/* local days it is offered; 0: open */
};

/*
 * Read a body. RSG_BAD_VALUE and the like, with the member at fault in
 * `member`; RSG_UNKNOWN_FIELD, RSG_UNKNOWN_PURPOSE. `estimate` tells that the
 * controller's jurisdiction asks for an estimate of the data's value.
 */
RSG_MUST enum rsg_err rsg_incentive_parse(const struct rsg_policy *, const char *currency,
    bool estimate, const void *body, size_t len, struct rsg_incentive *,
    char member[64]);
void rsg_incentive_free(struct rsg_incentive *);

/*
 * From a row of INCENTIVES or INCENTIVES_NAMED. RSG_TAMPERED (logged) when
 * MAC, hash or body do not agree.
 */
RSG_MUST enum rsg_err rsg_incentive_row(const struct rsg_keyring *,
    const struct rsg_policy *, const char *currency, const struct rsg_result *,
    int row, struct rsg_incentive *);

/* The MAC of a row. */
RSG_MUST enum rsg_err rsg_incentive_mac(const struct rsg_keyring *, uint32_t controller,
    const char *name, uint32_t version, const uint8_t hash[32], int64_t published,
    uint8_t mac[RSG_DIGEST_LEN]);

/* The first local day of the period that `day` lies in; RSG_PER_EVER: 0. */
int64_t rsg_incentive_period(enum rsg_incentive_per, int64_t day);

/* The first day of the period after; RSG_PER_EVER: RSG_DAY_MAX, there is none. */
int64_t rsg_incentive_next(enum rsg_incentive_per, int64_t day);

#endif
