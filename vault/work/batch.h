/*
 * batch.h - many short requests in one transaction.
 *
 * The order is fixed: authenticate, want, fetch, open, decide, stage, audit,
 * sync, release. No answer, and no denial, leaves before its audit entry is
 * durable; a person who changed meanwhile is fetched again.
 *
 * An op has two parts. want() reads the message, checks it, and says what to
 * fetch. apply() has what was fetched: it asks the policy, unseals, stages
 * rows, and writes the reply. Neither talks to the database itself.
 */
#ifndef RSG_BATCH_H
#define RSG_BATCH_H

#include "work/call.h"

#define RSG_ITEM_LOOKUPS	16
#define RSG_LOOKUP_HITS		16	/* people who may share a value, as a family a phone */

struct rsg_batch;

/* A person as fetched, and opened when somebody needs it. */
struct rsg_subject {
	struct rsg_id id;
	uint32_t controller, generation;
	int64_t version;
	bool found, opened, dirty, fresh;	/* fresh: created by this batch */
	bool counted;			/* the two below were fetched with the row */
	uint32_t consents, benefits;	/* newest event of each history, 0: none */
	const uint8_t *keyset, *header, *activity;	/* sealed, borrowed */
	size_t nkeyset, nheader, nactivity;
	const uint8_t *newactivity;	/* sealed anew, to be written; in the arena */
	size_t nnewactivity;
	struct rsg_keyset keys;
	struct rsg_header h;
};

/* One searchable value that an item looks for. */
struct rsg_wanted {
	const struct rsg_fielddef *field;
	uint8_t digest[RSG_DIGEST_LEN];
	size_t hits;
	int row[RSG_LOOKUP_HITS];	/* of the result of LOOKUPS */
};

/* One call in a batch. */
struct rsg_item {
	struct rsg_call *call;
	struct rsg_batch *batch;
	struct rsg_subject *subject;	/* NULL: about nobody */
	uint16_t *field;		/* wanted, in the arena */
	size_t nfields;
	struct rsg_wanted lookup[RSG_ITEM_LOOKUPS];
	size_t nlookups;
	bool idempotent, replay;	/* replay: `ref` and `number` are of the first time */
	uint8_t idem_key[RSG_DIGEST_LEN], idem_body[RSG_DIGEST_LEN];
	struct rsg_id ref;
	int64_t number;
	void *scratch;			/* the op's own, in the arena */
};

struct rsg_batch {
	struct rsg_worker *w;
	struct rsg_item item[RSG_BATCH_MAX];
	size_t n;
	bool write;
	bool hold;			/* lock whom is only read: its last try */
	bool staged;			/* by the call that is being applied */
	bool spoiled;			/* a call failed after it had staged */
	struct rsg_subject *subject[RSG_BATCH_MAX];
	size_t nsubjects;
	uint16_t fields[RSG_POLICY_FIELDS];	/* wanted by anybody */
	size_t nfields;
	int fields_result, lookups_result;
	struct rsg_bind *ask[RSG_SQL__MAX];	/* what ops want fetched besides */
	int answer[RSG_SQL__MAX];		/* ... and its result; -1: not asked */
	struct rsg_bind *stage[RSG_SQL__MAX];
};

typedef enum rsg_err rsg_want_fn(struct rsg_item *);
typedef enum rsg_err rsg_apply_fn(struct rsg_item *);

/* Serve calls of one mode; answers every one of them, in time. */
void rsg_batch_serve(struct rsg_worker *, struct rsg_call **, size_t n);

/* --- For those who fill a batch by themselves (imports) --- */

/* Empty the working space for a new transaction. */
void rsg_batch_begin(struct rsg_batch *, struct rsg_worker *, bool write);

/* Note in the call's entry that it changes this person, if it does. After the
 * last change, before rsg_audit_stage(). */
RSG_MUST enum rsg_err rsg_call_wrote_person(struct rsg_worker *, struct rsg_call *,
    const struct rsg_subject *);

/* Send every staged row and the audit entries; what remains is the commit.
 * RSG_CONFLICT: a row was not as it was read. */
RSG_MUST enum rsg_err rsg_batch_write(struct rsg_batch *);

/* --- For want() --- */

/* RSG_BUSY when another call of this batch writes the same person: the runner
 * serves this one in the next batch. */
RSG_MUST enum rsg_err rsg_want_subject(struct rsg_item *, const struct rsg_id *);
RSG_MUST enum rsg_err rsg_want_field(struct rsg_item *, uint16_t number);
RSG_MUST enum rsg_err rsg_want_lookup(struct rsg_item *,
    const struct rsg_fielddef *, const char *value, size_t len);

/*
 * Another statement to be sent with the fetch, shared by the calls of the
 * batch: append this call's elements to its arrays. In apply() its rows are
 * everybody's; take those that name your person. NULL where it was not asked.
 */
struct rsg_bind *rsg_want_rows(struct rsg_item *, enum rsg_sql);
const struct rsg_result *rsg_item_rows(const struct rsg_item *, enum rsg_sql);

/* --- For apply() --- */

/*
 * Open the person: found, of this controller, verified. RSG_NOT_FOUND is a
 * denial to be audited; RSG_TAMPERED is logged.
 */
RSG_MUST enum rsg_err rsg_item_open(struct rsg_item *);

/* Where the person stands, for the policy; borrows the header. */
struct rsg_standing rsg_item_standing(const struct rsg_item *);

/* rsg_call_allowed() about this item's person. */
RSG_MUST enum rsg_err rsg_item_allowed(struct rsg_item *, enum rsg_action,
    uint16_t purpose, const uint16_t *fields, size_t n, struct rsg_answer *);

/* A field's live value, opened into the arena. RSG_NOT_FOUND: none is held. */
struct rsg_value {
	uint8_t source;
	int64_t collected;
	const char *text;
	size_t len;
};
RSG_MUST enum rsg_err rsg_item_value(struct rsg_item *, uint16_t number,
    struct rsg_value *);

/* Rows to be written by this batch: the statement's gathering bind. */
struct rsg_bind *rsg_stage(struct rsg_batch *, enum rsg_sql);

/* Tell releases that this person has to be looked at again. */
void rsg_stage_change(struct rsg_batch *, const struct rsg_id *);

/* Remember the answer under the call's Idempotency-Key, if it has one. */
void rsg_stage_idempotency(struct rsg_item *, const struct rsg_id *ref, int64_t number);

#endif
