/*
 * release.h - who a recipient is given, under which definition, page by page.
 *
 * Making a release scans, scores, drops groups that are too small, and stores
 * sealed pages sorted by pseudonym; that commits with its audit entry before
 * the first page is opened. Serving a page looks again, as its last step and
 * alone with the lock, at everybody whose consent or state changed since
 * (P4), and audits exactly those it gives. docs/FORMAT.md, "Release page".
 */
#ifndef RSG_RELEASE_H
#define RSG_RELEASE_H

#include "resguardo/clock.h"
#include "segment/model.h"
#include "segment/rfm.h"
#include "work/call.h"

#define RSG_RELEASE_PAGE	4096	/* members */
/*
 * How long pages can be had. Who is in a release consents to the end of it:
 * a consent that runs out by itself changes no row that a page could notice.
 */
#define RSG_RELEASE_LIFE	(24 * 3600 * RSG_US)

/* One member as stored: bytes only, so that an array of them is a page. */
struct rsg_member {
	struct rsg_id pseudonym;
	struct rsg_score score;
	uint8_t commitment[32];
};

/* The cells asked for; 0 is any. */
struct rsg_cellrange { uint8_t r_min, r_max, f_min, f_max, m_min, m_max; };

/* Whose yes is asked for again, and by which channel; purpose 0: a release of
 * scores, which asks nobody anything. */
struct rsg_asking {
	uint16_t purpose;
	uint8_t channel, by;
};

struct rsg_release {
	struct rsg_id id;
	uint32_t controller, recipient;
	int64_t created;
	int64_t snapshot;		/* transactions before it are in the scan */
	uint32_t pages;
	/* The definition */
	struct rsg_id model;
	uint16_t purpose;
	char segment[33];		/* "": none was named */
	struct rsg_cellrange range;
	uint32_t k, epoch;
	uint64_t count;
	uint8_t format;			/* from 2 on commitments name the person too */
	struct rsg_asking ask;		/* format 3: no model, no cells, no scores */
};
#define RSG_RELEASE_FORMAT	2
#define RSG_RELEASE_ASKS	3

/* The definition's bytes, and the row's MAC. */
void rsg_release_put(const struct rsg_release *, struct rsg_buf *);
RSG_MUST enum rsg_err rsg_release_get(struct rsg_release *, const uint8_t *, size_t);
RSG_MUST enum rsg_err rsg_release_mac(const struct rsg_keyring *,
    const struct rsg_release *, uint8_t mac[RSG_DIGEST_LEN]);

/* What of a member the commitment covers beside the person: as it is given. */
#define RSG_MEMBER_GIVEN	(RSG_ID_LEN + 3)

/* Where a page is sealed for. */
struct rsg_place_of rsg_release_place(const struct rsg_release *, uint32_t page);

/* Sort by pseudonym, in place: they are noise, so their first bytes do it. */
RSG_MUST enum rsg_err rsg_release_sort(struct rsg_member *, size_t n);

/* Drop who stands in a cell under `k`; see rsg_cells_hide(). How many remain. */
size_t rsg_release_coarsen(struct rsg_member *, size_t n, uint32_t bins, uint32_t k);

/* The root over the members' commitments; `leaf` is room for `n` hashes. */
void rsg_release_root(const struct rsg_member *, size_t n, uint8_t (*leaf)[32],
    uint8_t root[32]);

/* A cursor: sealed to the credential, for one page of one release. */
RSG_MUST enum rsg_err rsg_cursor_put(struct rsg_call *, const struct rsg_keyring *,
    const struct rsg_id *release, uint32_t page, int64_t expires);
/* RSG_BAD_CURSOR, RSG_EXPIRED_CURSOR. */
RSG_MUST enum rsg_err rsg_cursor_get(const struct rsg_call *,
    const struct rsg_keyring *, int64_t now, struct rsg_id *release, uint32_t *page);

/* Whether a recipient may be given what the call asks for, with contract and
 * purpose; a refusal is audited as one. */
RSG_MUST enum rsg_err rsg_release_allowed(struct rsg_worker *, struct rsg_call *,
    enum rsg_action, uint16_t purpose, struct rsg_answer *);
/* The action that the policy knows a release by. */
enum rsg_action rsg_release_action(const struct rsg_release *);

/* Make the release a call asks for and commit it with its audit entry. */
RSG_MUST enum rsg_err rsg_release_make(struct rsg_worker *, struct rsg_call *,
    struct rsg_release *);

/* Who may be in it: the question to the policy, and who is asked again. */
struct rsg_population;
void rsg_release_people(struct rsg_worker *, const struct rsg_call *,
    const struct rsg_release *, struct rsg_population *);

/* A page, opened: release, number and its members, in scratch memory. */
struct rsg_page {
	struct rsg_release release;
	uint32_t number;
	uint8_t *scratch;
	size_t bytes;			/* of scratch */
	struct rsg_member *member;
	struct rsg_id *subject;		/* whose pseudonyms these are */
	size_t n;
};

/*
 * Read and open a page, in a transaction of its own. RSG_BAD_CURSOR: there is
 * none, or it is another recipient's. RSG_TAMPERED.
 */
RSG_MUST enum rsg_err rsg_page_open(struct rsg_worker *, const struct rsg_call *,
    const struct rsg_id *release, uint32_t number, struct rsg_page *);
/* The same for whoever the release was made for. RSG_NOT_FOUND. */
RSG_MUST enum rsg_err rsg_page_load(struct rsg_worker *, const struct rsg_id *release,
    uint32_t number, struct rsg_page *);
void rsg_page_close(struct rsg_page *);		/* wipes; a zeroed one is fine */

/*
 * Leave out who may not be given any more, audit the others, commit, answer.
 * RSG_CONFLICT before anything was committed: do it again.
 */
RSG_MUST enum rsg_err rsg_page_give(struct rsg_worker *, struct rsg_call *,
    struct rsg_page *);

rsg_solo_fn rsg_op_members, rsg_op_ask_release;

#endif
