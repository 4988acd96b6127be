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

/*
 * Whom a call names: staff by id, a tool by its pseudonym or by the reference
 * that it was given. Read and wanted; fails the call. `no`: word of who wants
 * no more, which is taken of a tool whose contract has ended, too.
 */
RSG_MUST enum rsg_err rsg_contact_person(struct rsg_item *, enum rsg_action, bool no);
RSG_MUST enum rsg_err rsg_contact_purpose(struct rsg_item *, uint16_t *number);
RSG_MUST enum rsg_err rsg_contact_channel(struct rsg_call *, enum rsg_channel *);

/* A reference to the person into the reply, for the tool that asked. */
RSG_MUST enum rsg_err rsg_contact_reference(struct rsg_worker *, struct rsg_call *,
    const struct rsg_id *subject);

/* Stage a request that waits for its answer, and say until when. */
RSG_MUST enum rsg_err rsg_question_start(struct rsg_item *, const struct rsg_contact *);

/* Stage the end of all that the person asked: want() fetched REQUESTS_OPEN.
 * RSG_TAMPERED: a row was changed by somebody else. */
RSG_MUST enum rsg_err rsg_question_stop(struct rsg_item *);

#endif
