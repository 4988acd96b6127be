/*
 * contacts.h - a contact as it is asked about or reported.
 */
#ifndef RSG_OPS_CONTACTS_H
#define RSG_OPS_CONTACTS_H

#include "work/batch.h"

#define RSG_QUESTION	20		/* request.kind; stored */

struct rsg_contact {
	uint16_t purpose;
	enum rsg_channel channel;
	int64_t time;
	int word;			/* what was reported */
	uint8_t kind;			/* of the event that it is */
	uint8_t lacking;		/* what a no should have named */
};

/* Stage a request that waits for its answer, and say until when. */
RSG_MUST enum rsg_err rsg_question_start(struct rsg_item *, const struct rsg_contact *);

/* Stage the end of all that the person asked: want() fetched REQUESTS_OPEN.
 * RSG_TAMPERED: a row was changed by somebody else. */
RSG_MUST enum rsg_err rsg_question_stop(struct rsg_item *);

#endif
