/*
 * call.h - one request inside the vault process, from message to answer.
 *
 * Who asks, what was decided and what will be audited travel together, so
 * that no answer can leave without its entry. Handlers fill in; only the
 * worker that holds the transaction releases (batch.c, solo.c).
 */
#ifndef RSG_CALL_H
#define RSG_CALL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"
#include "resguardo/msg.h"
#include "seal/seal.h"
#include "store/store.h"
#include "subject/header.h"

#define RSG_BATCH_MAX	64
#define RSG_BATCH_BYTES	(256u * 1024)
#define RSG_CONTROLLERS	256
#define RSG_STAFF_MAX	65
#define RSG_REASON_MAX	201

struct rsg_effect;
struct rsg_kept;
struct rsg_notices;
struct rsg_zone;

/* A legal entity, from its verified row. Kept by the vault; never freed. */
struct rsg_controller {
	uint32_t number;
	char name[64], title[128], jurisdiction[16], currency[4], zone_name[64];
	const struct rsg_zone *zone;
	uint8_t mac[RSG_DIGEST_LEN];	/* of the row */
	const struct rsg_controller *before;	/* what it said until it was changed */
	/* As receipts say it; "" where nobody said. */
	char address[257], contact[129], email[255], phone[33], url[257], storage[65];
};

/* Who is given data, from its verified row. */
struct rsg_recipient {
	uint32_t number, controller;
	char name[64], title[128], country[4], contract[129];
	int64_t contract_until;		/* 0: no end */
	uint32_t epoch;
};

/* Who asks: the credential and principal rows, verified. */
struct rsg_actor {
	struct rsg_id principal, credential, subject;	/* subject: nil unless a customer */
	uint32_t controller;
	uint32_t recipient;		/* number; 0: none */
	char recipient_name[64];
	int64_t contract_until;		/* of the recipient; 0: no end */
	uint32_t epoch;			/* of the recipient's pseudonyms */
	char role[32], name[64];
	char purposes[1024];		/* ids, comma separated */
	int64_t expires;
	bool admin;			/* came over the admin socket */
};

/* What the audit entry will say. Filled by handlers, encoded by audit/entry.c. */
struct rsg_draft {
	struct rsg_id entry;		/* given when it is staged, or before by who needs it */
	bool staged;			/* written once: the next is another entry */
	enum rsg_action action;
	uint16_t purpose;
	enum rsg_err decision;		/* RSG_OK: allowed and done */
	char clause[128];
	uint32_t recipient;
	uint16_t field[RSG_POLICY_FIELDS];
	size_t nfields;
	bool about;			/* is it about one person? */
	struct rsg_id subject;
	uint8_t evidence[RSG_KEY_LEN];	/* the person's evidence key */
	uint32_t people;		/* bulk: how many ... */
	uint8_t root[32];		/* ... and the root over their commitments */
	char basis[64];
	struct rsg_effect *wrote;	/* rows written, newest first; in the arena */
	struct rsg_draft *next;		/* more people: an entry each; in the arena */
};

struct rsg_call {
	struct rsg_call *next;		/* in a queue */
	enum rsg_op op;
	unsigned socket;		/* RSG_SOCKET_API or _ADMIN */
	uint64_t serial;
	uint64_t conn;			/* which connection gets the answer */
	int64_t arrived;		/* monotonic us */
	uint8_t *bytes;			/* the message, owned */
	size_t nbytes;
	struct rsg_fields in;		/* checked against the op's shape */

	struct rsg_actor actor;
	char staff[RSG_STAFF_MAX], place[RSG_STAFF_MAX], reason[RSG_REASON_MAX];
	struct rsg_draft draft;
	bool audited;			/* the draft has to be written */
	bool rated;			/* counted against the credential's allowance */

	enum rsg_err status;
	char member[128], clause[128];	/* of a failure */
	int64_t retry_after;
	struct rsg_buf out;		/* fields of the reply */
};

/* In which language the caller reads; English unless asked otherwise. */
enum rsg_lang rsg_call_language(const struct rsg_call *);

/* End a call with an error; `member` or `clause` may be NULL. Returns `e`. */
enum rsg_err rsg_call_fail(struct rsg_call *, enum rsg_err e, const char *member,
    const char *clause);

/* Fail a call whose body had a member that is unknown or not in its form, where
 * its shape lets that be decided here; RSG_OK where it had none. */
RSG_MUST enum rsg_err rsg_call_missed(struct rsg_call *, struct rsg_fields);

/* Forget what an earlier run of the same call left. */
void rsg_call_reset(struct rsg_call *);

/* All that is shared by the workers. */
struct rsg_vault {
	char conninfo[1024];		/* as the app role */
	char state[512];		/* state directory */
	struct rsg_keyring *keys;
	bool demo;

	pthread_rwlock_t lock;		/* over what follows */
	const struct rsg_policy *policy;	/* replaced whole, never freed */
	int64_t policy_version;
	struct rsg_kept *kept;		/* the policies of before */
	const struct rsg_notices *notices;	/* the same */
	struct rsg_controller *controller[RSG_CONTROLLERS];	/* never freed */
	size_t ncontrollers;
};

/* Borrow a controller by number or name; NULL when there is none. */
const struct rsg_controller *rsg_vault_controller(struct rsg_vault *, uint32_t);
const struct rsg_controller *rsg_vault_controller_named(struct rsg_vault *, const char *);

/* A worker: one thread, one connection, one arena. */
struct rsg_worker {
	struct rsg_vault *vault;
	const struct rsg_policy *policy;	/* held for the length of a batch */
	const struct rsg_notices *notices;	/* the same */
	struct rsg_db *db;
	struct rsg_arena *arena;
	struct rsg_batch *batch;	/* its working space */
	int64_t now;			/* wall clock at the start of the batch */
	struct rsg_bind *audit;		/* where entries gather, once begun */
};

/*
 * A call that is done by itself, in transactions of its own. It has been
 * authenticated (c->actor). The handler decides by rsg_call_allowed(), does
 * its work, adds its audit entry with rsg_audit_stage() and commits; it
 * returns what the caller is told. Before anything was committed it may
 * return RSG_CONFLICT to be run again (at most 3 times).
 */
typedef enum rsg_err rsg_solo_fn(struct rsg_worker *, struct rsg_call *);

/*
 * Ask the policy. Fills c->draft (action, purpose, fields, clause, decision)
 * and `answer`; checks that the credential is registered for the purpose and
 * the rate. On anything but RSG_OK the call has been failed accordingly and
 * its denial still has to be audited: return it.
 */
RSG_MUST enum rsg_err rsg_call_allowed(struct rsg_worker *, struct rsg_call *,
    enum rsg_action, uint16_t purpose, const uint16_t *fields, size_t n,
    const struct rsg_standing *, struct rsg_answer *answer);

/* Add the call's entry to the transaction that is open on w->db. */
RSG_MUST enum rsg_err rsg_audit_stage(struct rsg_worker *, struct rsg_call *);

/*
 * Note in the call's entry that it writes a row, by the row's kind (enum
 * rsg_effect_kind), key and MAC: `audit check` holds the table against it.
 */
RSG_MUST enum rsg_err rsg_call_wrote(struct rsg_worker *, struct rsg_call *,
    unsigned kind, const struct rsg_id *key, const uint8_t mac[RSG_DIGEST_LEN]);

/* Send what rsg_audit_stage() gathered; before rsg_db_commit(). */
void rsg_audit_send(struct rsg_worker *);

/* Both, and the commit: how a call ends that is done by itself. */
RSG_MUST enum rsg_err rsg_audit_commit(struct rsg_worker *, struct rsg_call *);

/* The message's PURPOSE, or the one that the policy means for this action when
 * none is stated. Fails the call: RSG_UNKNOWN_PURPOSE, RSG_MISSING_MEMBER. */
RSG_MUST enum rsg_err rsg_call_purpose(struct rsg_worker *, struct rsg_call *,
    enum rsg_action, uint16_t *number);

/* A MAC over the canonical columns of a small row (docs/FORMAT.md, "Row MAC"). */
RSG_MUST enum rsg_err rsg_row_mac(const struct rsg_keyring *, const char *table,
    const struct rsg_buf *columns, uint8_t mac[RSG_DIGEST_LEN]);

#endif
