/*
 * accounts.h - every access to one person in a period: what the audit bundle
 * is made of (docs/FORMAT.md, "Audit bundle").
 *
 * Found by the tags of the days, where an entry is about that person; by the
 * tokens of the days, where it is about many; and by the person's place in
 * what a recipient was given. How much there can be in one account is bounded:
 * then it ends earlier, and says where.
 */
#ifndef RSG_ACCOUNTS_H
#define RSG_ACCOUNTS_H

#include "audit/entry.h"
#include "audit/prove.h"
#include "ops/ops.h"

#define RSG_ACCOUNT_MAX		400	/* accesses */
#define RSG_ACCOUNT_AMONG	64	/* of them imports and the like */
#define RSG_ACCOUNT_RELEASES	64	/* looked through */
#define RSG_ACCOUNT_DAYS	366
#define RSG_ACCOUNT_GIVEN	19	/* pseudonym and scores */

struct rsg_access {
	struct rsg_id entry;
	int64_t time;
	bool among;			/* it is about many, and this person in it: */
	uint32_t position;
	uint8_t key[RSG_KEY_LEN];	/* of their commitment */
	uint8_t given[RSG_ACCOUNT_GIVEN];	/* what it covers besides */
	size_t ngiven;
	struct rsg_proof path;		/* to the entry's root */
	/* Its place in the log */
	bool placed;
	size_t log;			/* which: 0 the one of now, then closed ones */
	uint64_t index;
	const uint8_t *leaf;		/* borrowed from a result */
	size_t len;
	uint8_t hash[RSG_HASH_LEN];
};

struct rsg_account {
	struct rsg_worker *w;
	struct rsg_call *c;
	const struct rsg_subject *person;
	struct rsg_prove *log;		/* of now; then the one that the account is of */
	int64_t from, to;		/* to: what was asked, and then what is covered */
	bool cut;			/* there is more behind it */
	size_t n, cap;
	struct rsg_access *access;	/* in the order of the log; from malloc */
};

/*
 * Find and place them all. An account is of one log: where a log was closed
 * in the period, it ends there, and goes on in the next. The caller frees
 * `access` and closes `log`.
 */
RSG_MUST enum rsg_err rsg_account_gather(struct rsg_account *);

#endif
