/*
 * made.h - made-up customers and what they bought: the same ones each time,
 * but for the dates, which end yesterday.
 */
#ifndef CLI_MADE_H
#define CLI_MADE_H

#include "resguardo/buf.h"

#define RSG_MADE_NOTICE	"demo-privacy"	/* what all of them were shown */
#define RSG_MADE_PEOPLE	2000

/* What the demo needs to know of one again. */
struct rsg_made_card {
	char customer_number[16], card_number[24], email[96];
};

void rsg_made_card(unsigned n, struct rsg_made_card *);

/* Append customer `n` (from 0) as a CUSTOMER. */
void rsg_made_customer(unsigned n, int64_t yesterday, struct rsg_buf *);

/* Append their events; how many. Never more than RSG_MADE_EVENTS. */
#define RSG_MADE_EVENTS	160
size_t rsg_made_events(unsigned n, int64_t yesterday, struct rsg_buf *);

/* Append what they were given for their consent, as OLD_BENEFITS; how many. */
size_t rsg_made_benefits(unsigned n, int64_t yesterday, struct rsg_buf *);

/* What the shop offers in return, as `incentive publish` takes it; NULL ends. */
extern const char *const rsg_made_offers[];

#endif
