/*
 * rules.h - what a word of a person makes of what they said before.
 *
 * Pure: header in, header out. The last word counts, with three exceptions:
 * an objection gives way only where the policy lets it; a yes that is dated
 * before the last word is kept as evidence and changes nothing; a question
 * changes nothing that was answered.
 */
#ifndef RSG_RULES_H
#define RSG_RULES_H

#include "policy/policy.h"
#include "resguardo/err.h"
#include "resguardo/id.h"
#include "subject/header.h"

/* Where a word came from. Stored: never reuse a number. */
enum rsg_origin {
	RSG_ORIGIN_NONE = 0, RSG_ORIGIN_WEB = 1, RSG_ORIGIN_APP = 2,
	RSG_ORIGIN_TILL = 3, RSG_ORIGIN_PAPER = 4, RSG_ORIGIN_PHONE = 5,
	RSG_ORIGIN_IMPORT = 6, RSG_ORIGIN_TOOL = 7, RSG_ORIGIN__MAX
};
const char *rsg_origin_name(enum rsg_origin);
enum rsg_origin rsg_origin_find(const char *, size_t);	/* NONE: no such word */

/* What a no was taken without, by bit: what the policy requires to be named
 * (rsg_require_name()), or a form that was named and is not there. NULL: a
 * bit without a meaning. Stored. */
#define RSG_LACKING_BITS	8
#define RSG_LACKING_ATTACHMENT	0x80
const char *rsg_lacking_name(unsigned bit);

/* What is recorded of one event. Texts are borrowed; NULL where there is none. */
struct rsg_consent {
	enum rsg_status status;
	uint16_t purpose;
	enum rsg_channel channel;
	int64_t time;			/* when the person said so */
	bool dated;			/* the sender says when; else it is now */
	int64_t until;			/* a yes holds no longer; 0: as the policy says */
	bool gpc;

	const char *notice, *language, *method;
	uint32_t notice_version;	/* 0: not said */
	bool brief;			/* the short form was shown */
	const uint8_t *notice_hash;	/* of the form shown; 32 bytes or NULL */
	const char *words, *form, *taken_at, *double_opt_in;
	int64_t confirmed;		/* the second yes; 0: none */
	const uint8_t *code;		/* digest of the code that confirms; or NULL */
	int64_t code_until;
	struct rsg_id on_behalf, attachment;	/* nil: none */
	const uint8_t *attachment_hash;	/* of its bytes; 32, NULL: it is not there */
	const char *record;		/* what it was in the system it comes from */
	enum rsg_origin origin;
	uint8_t evidence;		/* enum rsg_evidence */
	uint8_t lacking;		/* of a no: bits of rsg_lacking_name() */
};

/* What became of it. */
struct rsg_said {
	bool same;			/* it was so already: nothing to write */
	enum rsg_status event;		/* as the ledger notes it: a second yes renews */
	int64_t time, until;		/* of the event */
	enum rsg_status status;		/* of the grant, now */
};

/* Is it a yes, a no? A question is neither. */
bool rsg_rules_yes(enum rsg_status);
bool rsg_rules_no(enum rsg_status);

/* What was last said on exactly this; NULL: nothing. */
const struct rsg_grant *rsg_rules_find(const struct rsg_header *, uint16_t purpose,
    enum rsg_channel);

/*
 * Has this yes to be asked for again: it ran out, or was given on a notice that
 * counts no more, or will have run out by `to`? *why: REQUESTED for a notice,
 * EXPIRED, or GIVEN where it stands still.
 */
bool rsg_rules_again(const struct rsg_again *, size_t n, const struct rsg_grant *,
    int64_t now, int64_t to, enum rsg_status *why);

/* When the last answer was given that bears on this; INT64_MIN: none was. */
int64_t rsg_rules_answered(const struct rsg_header *, uint16_t purpose,
    enum rsg_channel);

/*
 * Apply one word. RSG_OBJECTION_STANDS; RSG_TOO_LARGE when the header has no
 * room for another yes or question. A no always fits: where the header is full
 * of them, those to one purpose by channel become one to all of it. On an
 * error the header is as it was.
 */
RSG_MUST enum rsg_err rsg_rules_apply(const struct rsg_policy *,
    struct rsg_header *, const struct rsg_consent *, struct rsg_said *);

#endif
