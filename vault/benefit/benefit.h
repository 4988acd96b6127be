/*
 * benefit.h - what a person was given in return, as a chain of sealed events.
 *
 * Append-only, sealed under the evidence key, each hash covering the one
 * before, count and head in the header: as consent/ledger.h. Each event names
 * the incentive's version and the consent event it was given for. What a
 * benefit is worth now is never stored: it follows from its events.
 * docs/FORMAT.md, "Benefit event".
 */
#ifndef RSG_BENEFIT_H
#define RSG_BENEFIT_H

#include "benefit/incentive.h"
#include "seal/code.h"
#include "segment/activity.h"
#include "segment/profit.h"
#include "work/batch.h"

/* Stored: never reuse a number. */
enum rsg_benefit_act {
	RSG_BENEFIT_PROMISED = 1, RSG_BENEFIT_DELIVERED = 2,
	RSG_BENEFIT_REDEEMED = 3, RSG_BENEFIT_EXPIRED = 4,
	RSG_BENEFIT_REVERSED = 5,
	RSG_BENEFIT_EARNED = 6,		/* points for a purchase */
	RSG_BENEFIT_SPENT = 7,		/* points */
	RSG_BENEFIT_DEDUCTED = 8,	/* points, for a return */
	RSG_BENEFIT__MAX
};
const char *rsg_benefit_act_name(enum rsg_benefit_act);		/* "promised" */

enum {
	RSG_BENEFIT_FLAGGED = 1,	/* taken back after a withdrawal */
	RSG_BENEFIT_TAKES_BACK = 2,	/* its incentive says that it may be */
	RSG_BENEFIT_PAID = 4,		/* bought with points, which had their cost */
	RSG_BENEFIT_OVER = 8,		/* brought in, and more often than it is given */
};

#define RSG_BENEFIT_TEXT	65
struct rsg_benefit_event {
	uint32_t sequence;		/* its place, from 1 */
	enum rsg_benefit_act act;
	struct rsg_id benefit;		/* the one that this is about */
	int64_t time, recorded;
	uint32_t consent;		/* sequence; 0: no consent is needed for it */
	uint16_t purpose;
	uint8_t channel, kind;		/* enum rsg_incentive_kind */
	uint8_t flags;
	uint32_t version;		/* of the incentive */
	int64_t points;
	int64_t value;			/* what it is worth, minor units */
	int64_t cost;			/* as counted in the activity */
	uint32_t valid_days;		/* once delivered; 0: no end */
	int64_t due;			/* a promise's day; 0: none */
	int64_t until;			/* good until; 0: no end */
	char incentive[RSG_BENEFIT_TEXT];
	/* A document; what a redemption was asked by; of a delivery, the code that
	 * it came with out of another system. */
	char ref[RSG_BENEFIT_TEXT];
	char cause[RSG_BENEFIT_TEXT];	/* of a reversal */
};

/* A benefit as its events leave it at some moment. */
struct rsg_benefit {
	struct rsg_benefit_event first;	/* what it was given by */
	enum rsg_benefit_act state;
	int64_t since;
	int64_t until;
	int64_t cost;			/* counted so far */
	bool delivered, flagged, paid;
	char ref[RSG_BENEFIT_TEXT];	/* of its redemption */
	char code[RSG_BENEFIT_TEXT];	/* that it came with; "": it has its own */
};

/* A person's whole history, verified against the header. Wiped when freed. */
struct rsg_benefits {
	struct rsg_benefit_event *event;
	size_t n, room;
};

/*
 * Open the history out of the rows of BENEFIT_EVENTS (everybody's; NULL:
 * none). RSG_TAMPERED (logged): an event was changed, removed, added, moved
 * or is another person's. Free it in any case.
 */
RSG_MUST enum rsg_err rsg_benefit_open(const struct rsg_subject *,
    const struct rsg_result *, struct rsg_benefits *);
void rsg_benefit_free(struct rsg_benefits *);

/* One event of a scan; `head` goes from the hash before it to its own, for the
 * caller to hold the last against the header. RSG_TAMPERED, not logged. */
RSG_MUST enum rsg_err rsg_benefit_row(const struct rsg_subject *, uint32_t sequence,
    const void *sealed, size_t len, uint8_t head[RSG_DIGEST_LEN],
    struct rsg_benefit_event *);

/* Add one to what was opened, as if it had been there. */
RSG_MUST enum rsg_err rsg_benefit_push(struct rsg_benefits *,
    const struct rsg_benefit_event *);

/*
 * Append to the person's history: the row goes to `q` (of BENEFIT_INSERT),
 * header and, where it costs something, activity are changed; the caller
 * writes them. `ev->sequence` and `recorded` are set.
 */
RSG_MUST enum rsg_err rsg_benefit_append(struct rsg_bind *q, const struct rsg_call *,
    struct rsg_subject *, int64_t now, struct rsg_benefit_event *);

/* One benefit at `now`; RSG_NOT_FOUND: there is none by that id. */
RSG_MUST enum rsg_err rsg_benefit_find(const struct rsg_benefits *,
    const struct rsg_id *, int64_t now, struct rsg_benefit *);

/* May `act` follow `state`? What is used up stays so. */
bool rsg_benefit_follows(enum rsg_benefit_act state, enum rsg_benefit_act act);

/* How many of an incentive were first promised or delivered from an instant to
 * before another one, whenever it was written down. */
size_t rsg_benefit_count(const struct rsg_benefits *, const char *incentive, int64_t since,
    int64_t until);

/*
 * The code of a benefit: 80 bits in four groups, the person's own key over the
 * benefit's id. It need not be kept to be shown again, and goes with the key.
 */
#define RSG_BENEFIT_CODE	RSG_CODE_TEXT	/* "7K3M-..." and NUL */
void rsg_benefit_code(const struct rsg_subject *, const struct rsg_id *benefit,
    char code[RSG_BENEFIT_CODE]);

/*
 * What stands in the table of codes, and the code in its one form; small
 * letters, blanks and missing hyphens are forgiven. A code of another system
 * is letters and digits, 4 to 32 of them. RSG_BAD_VALUE: it is no code.
 */
#define RSG_BENEFIT_FORM	33
RSG_MUST enum rsg_err rsg_benefit_digest(const struct rsg_keyring *, uint32_t controller,
    const char *code, size_t len, char form[RSG_BENEFIT_FORM],
    uint8_t digest[RSG_DIGEST_LEN]);

/* The code that a benefit goes by: the one it came with, or its own. */
void rsg_benefit_form(const struct rsg_subject *, const struct rsg_benefit *,
    char form[RSG_BENEFIT_FORM]);

/* What happens in an activity: the cost of a benefit (less than 0: taken
 * back), and an event of a kind that carries no amount (0: none). */
struct rsg_benefit_day {
	int32_t day;
	int64_t cost;
	uint8_t kind;
	uint32_t channel;		/* 32 bits of its name's digest; 0: none */
	bool sent;			/* it is a message to the person */
};

/* Note it in the person's activity, which is sealed anew into the arena for
 * rsg_person_stage() to write. */
RSG_MUST enum rsg_err rsg_benefit_activity(struct rsg_arena *, struct rsg_subject *,
    const struct rsg_benefit_day *);

/* The local day on which an event of this kind happened last; RSG_NOT_FOUND. */
RSG_MUST enum rsg_err rsg_benefit_last(const struct rsg_subject *, uint8_t kind,
    int32_t *day);

/* How many messages went out today, yesterday and so on: rather too many than
 * too few, where the counters had to make room. */
RSG_MUST enum rsg_err rsg_benefit_sent(const struct rsg_subject *, int32_t today,
    uint32_t sent[RSG_SENT_DAYS]);

/* What the person brought in and was given in a window, out of their activity.
 * RSG_TAMPERED (logged). */
RSG_MUST enum rsg_err rsg_benefit_profit(const struct rsg_subject *,
    const struct rsg_profit_window *, struct rsg_profit *);

#endif
