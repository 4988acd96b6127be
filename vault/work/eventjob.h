/*
 * eventjob.h - the working space of events.c: lines, whom they are about, and
 * what becomes of each.
 */
#ifndef RSG_EVENTJOB_H
#define RSG_EVENTJOB_H

#include "segment/activity.h"
#include "subject/event.h"
#include "work/call.h"

#define NOBODY	UINT32_MAX

/* How a line names its person: an id, or a searchable value's digest. */
struct ref {
	uint32_t controller;
	uint16_t field;			/* 0: `id` is given */
	struct rsg_id id;
	uint8_t digest[RSG_DIGEST_LEN];
	int place;			/* in LOOKUP_IDS, from 1 */
	uint32_t who;			/* NOBODY until found */
};

/* A person; the header is opened twice and never kept. */
struct who {
	struct rsg_id id;
	uint32_t controller;
	int row;			/* of SUBJECTS_LOCK; -1: there is none */
	enum rsg_err err;
	enum rsg_state state;
	bool blank;			/* nothing was ever recorded of them */
	struct rsg_keyset keys;
	struct rsg_grant *grant;	/* in the arena */
	size_t ngrants;
};

struct line {
	uint32_t call, ref, who;
	int64_t number;			/* the sender's line number */
	bool ordinal_given;
	bool opens, fresh, counted;	/* first of its document; new; document new */
	int document;			/* place in EVENT_DOCUMENTS, from 1; negative: new, unasked */
	int earlier;			/* its answer's first row of that document; -1: none */
	int32_t day;
	struct rsg_event ev;
	struct rsg_id id;
	uint8_t chance[RSG_ID_LEN];
	bool by_chance;
	enum rsg_err err;
	const char *member;
};

struct job {
	struct rsg_worker *w;
	struct rsg_call **call;
	size_t ncalls;
	const struct rsg_controller *controller[RSG_BATCH_MAX];	/* by call */
	uint16_t purpose[RSG_BATCH_MAX];
	struct line *line, **good;	/* good: sorted by person and id */
	size_t nlines, ngood;
	struct ref *ref;
	size_t nrefs;
	struct who *who;
	size_t nwhos;
	uint32_t *slot;			/* hash index, over refs and then over people */
	size_t nslots;
	const struct rsg_result *people;
	const struct rsg_result *earlier;	/* of EVENT_DOCUMENTS; NULL: nothing was asked */
	struct rsg_bind *benefits;	/* points that purchases earn; NULL: none yet */
};

/* Read the calls' messages into lines and refs. */
RSG_MUST enum rsg_err rsg_job_new(struct rsg_worker *, struct rsg_call **, size_t n,
    struct job **);
void rsg_job_free(struct job *);	/* wipes */

/* Refs to people, from the rows of LOOKUP_IDS (NULL: none were asked for). */
RSG_MUST enum rsg_err rsg_job_whos(struct job *, const struct rsg_result *);

/* Open the locked rows; believe a lookup only where the value agrees. */
RSG_MUST enum rsg_err rsg_job_open(struct job *, const struct rsg_result *people,
    const struct rsg_result *fields);

/* Ask the policy for every call and person; give good lines their ids. */
RSG_MUST enum rsg_err rsg_job_decide(struct job *);

/* Mark lines and documents that were not there before. `documents` NULL: none
 * was asked about. */
void rsg_job_fresh(struct job *, const struct rsg_result *documents,
    const struct rsg_result *inserted);

/* The programme by which a call's lines can earn; NULL: none. */
const struct rsg_loyaltydef *rsg_job_programme(const struct job *, uint32_t call);

/* Earn and give back what a person's lines come to; `l` as they stand in good. */
RSG_MUST enum rsg_err rsg_job_earn(struct job *, struct rsg_subject *,
    struct rsg_activity *, struct line **l, size_t n);

/* Bring activities and headers up to date; rows go to `update`. */
RSG_MUST enum rsg_err rsg_job_activities(struct job *, struct rsg_bind *update);

/* Write each call's reply and stage its entries. */
RSG_MUST enum rsg_err rsg_job_answers(struct job *);

#endif
