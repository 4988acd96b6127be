/*
 * population.h - the people that a fit or a release may count.
 *
 * Of a controller's people those are measured whom the policy allows under
 * the very question that was allowed for the call, asked again about each:
 * state, consent and objections at that moment. Nobody else's history is
 * even opened.
 */
#ifndef RSG_POPULATION_H
#define RSG_POPULATION_H

#include <stdatomic.h>

#include "segment/rfm.h"
#include "segment/scan.h"
#include "work/call.h"

struct rsg_asking;

struct rsg_population {
	const struct rsg_policy *policy;
	struct rsg_question question;	/* without a standing */
	struct rsg_rfm_window window;
	/* Called by several threads at once, as rsg_scan_job says. */
	enum rsg_err (*each)(void *ctx, unsigned thread, const struct rsg_scanned *,
	    const struct rsg_rfm *);
	void *ctx;
	const struct rsg_asking *ask;	/* only who is asked for this again; or NULL */
	int64_t asked;			/* ... as of then */
	_Atomic int err;		/* of rsg_population_ask_scan() */
};

/* The question that rsg_call_allowed() asked of the policy. */
void rsg_population_ask(const struct rsg_worker *, const struct rsg_call *,
    enum rsg_action, uint16_t purpose, struct rsg_population *);

/* May this person be counted now? */
bool rsg_population_may(const struct rsg_population *, const struct rsg_headscan *);

/* Measure all who may be counted and bought in the window. As rsg_scan_run(). */
RSG_MUST enum rsg_err rsg_population_scan(struct rsg_vault *, uint32_t controller,
    const struct rsg_snapshot *, struct rsg_population *);

/* Everybody who may be counted and is asked again: nobody's history is opened,
 * and `each` is given no figures. */
RSG_MUST enum rsg_err rsg_population_ask_scan(struct rsg_vault *, uint32_t controller,
    const struct rsg_snapshot *, struct rsg_population *);

/*
 * What the threads gather: one array in scratch memory, of entries of one
 * size, as large as the table could need; only pages written to are taken.
 */
struct rsg_gather {
	uint8_t *p;
	size_t entry, cap;
	_Atomic size_t n;
};
RSG_MUST enum rsg_err rsg_gather_new(struct rsg_gather *, size_t entry,
    const struct rsg_snapshot *);
void *rsg_gather_take(struct rsg_gather *);	/* NULL: full */
void rsg_gather_free(struct rsg_gather *);	/* wipes */

#endif
