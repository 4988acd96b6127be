/*
 * report.h - counts of people for officers: never who they are.
 *
 * One scan a report. What holds now is in the headers and needs no history;
 * what happened over time is in the histories. Periods are months of the
 * controller's zone.
 */
#ifndef RSG_REPORT_H
#define RSG_REPORT_H

#include "receipt/tally.h"
#include "work/call.h"

struct rsg_report {
	/* What is asked. */
	struct rsg_vault *vault;
	const struct rsg_controller *controller;
	int64_t from, to, now;
	const struct rsg_again *again;	/* who has to be asked again */
	size_t nagain;
	/* What the incentives say that data is worth; in the order of names. */
	const struct rsg_report_value {
		char name[72], method[32];
		int64_t estimate;
	} *value;
	size_t nvalues;
	/* What was found. */
	struct rsg_tally *tally;
	int64_t people;
};

/* How soon after a benefit somebody said no, in days: 1, 7, 30 and so on, by
 * the number that a tally holds; 0: later than all of them. */
unsigned rsg_report_within(unsigned);

/* Of a row: net less the cost of goods and of benefits. */
int64_t rsg_report_margin(const struct rsg_tally_row *);

/* What an incentive's version says of the data; NULL: nothing. */
const struct rsg_report_value *rsg_report_value_of(const struct rsg_report *,
    const char *name);

struct rsg_reportdef {
	const char *name;
	int days_back, days_on;		/* of `from` and `to` where nobody said */
	enum rsg_err (*run)(struct rsg_report *);
};

/*
 * Does somebody who said yes have to be asked anew: because it ended, or ends
 * before `to`, or because a notice says so (from now on)? *why: expired, given
 * or requested. Looks at now, to and again alone.
 */
bool rsg_report_again(const struct rsg_report *, const struct rsg_grant *,
    enum rsg_status *why);

/* How promises stand, in the report about them. */
enum rsg_report_promise { RSG_PROMISE_WAITING = 1, RSG_PROMISE_OVERDUE,
	RSG_PROMISE_KEPT, RSG_PROMISE_LATE, RSG_PROMISE_GONE, RSG_PROMISE__MAX };
const char *rsg_report_promise_name(unsigned);

/* NULL: there is none by that name. */
const struct rsg_reportdef *rsg_report_find(const char *);

#endif
