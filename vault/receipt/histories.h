/*
 * histories.h - every person of a controller with what they agreed to and what
 * they were given, one after the other, in one scan.
 *
 * Only the histories that are asked for are read. Each of those is followed to
 * its end and held against the header: an event that was changed, moved,
 * removed or added fails the whole scan, so that no report can be made of a
 * ledger that somebody else wrote.
 */
#ifndef RSG_HISTORIES_H
#define RSG_HISTORIES_H

#include "benefit/benefit.h"
#include "consent/ledger.h"
#include "segment/scan.h"

/* Called by several threads at once, each with its number. */
struct rsg_histories_job {
	/* A person begins; events follow in their order, consents first. */
	enum rsg_err (*person)(void *ctx, unsigned thread, const struct rsg_subject *);
	enum rsg_err (*consent)(void *ctx, unsigned thread, uint32_t sequence,
	    const struct rsg_ledger_event *);
	enum rsg_err (*benefit)(void *ctx, unsigned thread,
	    const struct rsg_benefit_event *);
	void *ctx;
	const char *conninfo;
	const struct rsg_keyring *keys;
	uint32_t controller;
	const struct rsg_snapshot *snapshot;
};

/* RSG_TAMPERED (logged), RSG_UNAVAILABLE, RSG_NO_MEMORY, or what a call
 * returned. People whose keys were destroyed are passed over. */
RSG_MUST enum rsg_err rsg_histories_run(const struct rsg_histories_job *);

#endif
