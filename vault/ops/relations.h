/*
 * relations.h - who is whose guardian, representative or household.
 */
#ifndef RSG_OPS_RELATIONS_H
#define RSG_OPS_RELATIONS_H

#include "work/batch.h"

/* The numbers are stored: never reuse one. */
enum rsg_relation { RSG_RELATION_GUARDIAN = 1, RSG_RELATION_REPRESENTATIVE = 2,
	RSG_RELATION_HOUSEHOLD = 3 };

/*
 * May `other` speak for the subject? Reads the rows and verifies them;
 * *kinds has a bit for each relation that stands.
 */
RSG_MUST enum rsg_err rsg_relations_find(struct rsg_worker *,
    const struct rsg_id *subject, const struct rsg_id *other, unsigned *kinds);

/* Stage one between two customers of the caller's controller. */
RSG_MUST enum rsg_err rsg_relations_stage(struct rsg_batch *, const struct rsg_id *subject,
    enum rsg_relation, const struct rsg_id *other);

#endif
