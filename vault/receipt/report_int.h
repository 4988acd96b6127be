/*
 * report_int.h - what the files of a report share: what each thread counts, and
 * what it knows of the person it is at.
 */
#ifndef RSG_REPORT_INT_H
#define RSG_REPORT_INT_H

#include <stdatomic.h>

#include "receipt/histories.h"
#include "receipt/report.h"
#include "segment/profit.h"

#define NOES	32	/* withdrawals remembered of one person: more is no news */

/* What one thread counts, and what it knows of the person it is at. */
struct counter {
	struct rsg_tally *tally;
	int64_t people;
	size_t nnoes;
	struct no { uint16_t purpose; uint8_t status; int64_t time; } no[NOES];
	/* Open promises, or what somebody had when they said no. */
	struct promise { struct rsg_benefit_event ev; } *promise;
	size_t npromises, room;
};

struct counting {
	struct rsg_report *r;
	struct counter c[RSG_SCAN_THREADS_MAX];
	bool promises;			/* are what is left of a person is counted */
	_Atomic int err;		/* of a call that can return none */
};

/* The month of an instant in the controller's zone; is it in the report's time? */
int32_t rsg__report_month(const struct rsg_report *, int64_t us);
bool rsg__report_in(const struct rsg_report *, int64_t us);

/* For struct rsg_histories_job. */
enum rsg_err rsg__report_note_no(void *, unsigned thread, uint32_t sequence,
    const struct rsg_ledger_event *);
enum rsg_err rsg__report_left(void *, unsigned thread, const struct rsg_benefit_event *);
enum rsg_err rsg__report_given(void *, unsigned thread, const struct rsg_benefit_event *);
enum rsg_err rsg__report_over(void *, unsigned thread, const struct rsg_benefit_event *);
enum rsg_err rsg__report_promise(void *, unsigned thread,
    const struct rsg_benefit_event *);

/* The person goes: what is still open of them is counted. */
RSG_MUST enum rsg_err rsg__report_leave(struct counting *, unsigned thread);

#endif
