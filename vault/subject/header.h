/*
 * header.h - the sealed header of a person: all that deciding needs, and what
 * makes an old row recognisable.
 *
 * It holds the version of every field, of the activity, and the length and
 * head of each history. A value, history or activity that does not agree with
 * it was put there by somebody else, and is refused (P8).
 */
#ifndef RSG_HEADER_H
#define RSG_HEADER_H

#include "policy/policy.h"
#include "resguardo/buf.h"
#include "resguardo/err.h"
#include "resguardo/id.h"
#include "seal/seal.h"

#define RSG_HEADER_GRANTS	192
#define RSG_HEADER_OPEN		64	/* of them, what is given or asked for */
#define RSG_HEADER_MAX		4096	/* bytes, encoded */

struct rsg_history {
	uint32_t count;
	uint8_t head[RSG_DIGEST_LEN];	/* hash of the last event; zeroes at first */
};

/* Codes that were typed and wrong, since the first of them; none: wrong is 0. */
struct rsg_guesses {
	uint32_t wrong;
	int64_t since;
};

struct rsg_header {
	enum rsg_state state;
	char jurisdiction[8];		/* "MX" */
	char language[8];		/* "es" */
	uint32_t activity_version;	/* 0: there is none */
	struct rsg_history consent, benefit;
	uint32_t field_version[RSG_POLICY_FIELDS];	/* 0: never held; by number */
	uint8_t field_present[RSG_POLICY_FIELDS];	/* 0: none now (deleted) */
	uint16_t facet[RSG_POLICY_FACETS];		/* 0: unknown */
	struct rsg_guesses guesses;
	size_t ngrants;
	struct rsg_grant grant[RSG_HEADER_GRANTS];
};

/*
 * Append the encoding to `out` (docs/FORMAT.md, "Header"). Grants must be in
 * rsg_header_grant()'s order, or `out` fails for good.
 */
void rsg_header_put(const struct rsg_header *, struct rsg_buf *out);

/* RSG_OK or RSG_TAMPERED: it was sealed, so a bad form is nobody's input. */
RSG_MUST enum rsg_err rsg_header_get(struct rsg_header *, const uint8_t *, size_t);

/*
 * The same for a scan over millions: state and grants only, without copying
 * versions and facets. `grants` has room for RSG_HEADER_GRANTS.
 */
struct rsg_headscan {
	enum rsg_state state;
	uint32_t activity_version;
	size_t ngrants;
	struct rsg_grant grant[RSG_HEADER_GRANTS];
};
RSG_MUST enum rsg_err rsg_header_scan(struct rsg_headscan *, const uint8_t *, size_t);

/*
 * Set what (purpose, channel) says from now on. RSG_TOO_LARGE when full: a yes
 * or a question when RSG_HEADER_OPEN stand, a no when RSG_HEADER_GRANTS do.
 * A no has no end.
 */
RSG_MUST enum rsg_err rsg_header_grant(struct rsg_header *, uint16_t purpose,
    enum rsg_channel, enum rsg_status, int64_t since, int64_t until);

#endif
