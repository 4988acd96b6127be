/*
 * notice.h - what people are shown before they say yes or no.
 *
 * Published once, whole, and never changed: what a person was shown can be
 * shown again, byte for byte. All of them but their texts are kept in memory
 * by the vault and replaced together when another is published.
 */
#ifndef RSG_NOTICE_H
#define RSG_NOTICE_H

#include "work/call.h"

#define RSG_NOTICE_TEXT		262144	/* most bytes of one form */
#define RSG_NOTICE_PURPOSES	1024	/* ids, comma separated */

/* How sure it is that this is what was shown, or said. Stored. */
enum rsg_evidence {
	RSG_EVIDENCE_NONE = 0,
	RSG_EVIDENCE_ORIGINAL = 1,	/* these very bytes were */
	RSG_EVIDENCE_COPY = 2,		/* scanned, or typed from what was */
	RSG_EVIDENCE_RECONSTRUCTED = 3,	/* put together from what is left */
	RSG_EVIDENCE_DECLARED = 4,	/* somebody says so */
	RSG_EVIDENCE__MAX
};
const char *rsg_evidence_name(enum rsg_evidence);
enum rsg_evidence rsg_evidence_find(const char *, size_t);	/* NONE: no such word */

struct rsg_notice {
	uint32_t controller, version;
	char name[65], language[9];
	int64_t effective, published;
	int64_t ask_again;		/* 0: nobody has to be asked again */
	enum rsg_evidence evidence;
	char necessary[RSG_NOTICE_PURPOSES], voluntary[RSG_NOTICE_PURPOSES];
	uint8_t hash[32], short_hash[32];	/* SHA-256 of the two forms */
};

/* All of them; immutable. In order of controller, name, version, language. */
struct rsg_notices;

/* Read them, verified, and make them the vault's. A row that does not verify
 * is logged and left out: it is as if it were not there. */
RSG_MUST enum rsg_err rsg_notices_load(struct rsg_vault *, struct rsg_db *);

/* How many rows there were: where there are more now, they are to be loaded. */
int64_t rsg_notices_rows(const struct rsg_notices *);

const struct rsg_notice *rsg_notices_at(const struct rsg_notices *, size_t);
const struct rsg_notice *rsg_notices_find(const struct rsg_notices *,
    uint32_t controller, const char *name, uint32_t version, const char *language);

/* The version in force at a time, in this language; NULL: none. */
const struct rsg_notice *rsg_notices_in_force(const struct rsg_notices *,
    uint32_t controller, const char *name, const char *language, int64_t time);
bool rsg_notice_in_force(const struct rsg_notices *, const struct rsg_notice *,
    int64_t time);

/* Does it speak of the purpose? */
bool rsg_notice_covers(const struct rsg_notice *, const char *purpose);

/* Who of a controller's people have to be asked again. */
const struct rsg_again *rsg_notices_again(const struct rsg_notices *,
    uint32_t controller, size_t *n);

RSG_MUST enum rsg_err rsg_notice_mac(const struct rsg_keyring *,
    const struct rsg_notice *, uint8_t mac[RSG_DIGEST_LEN]);

#endif
