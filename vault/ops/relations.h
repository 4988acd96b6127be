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

/* One row of them, read by somebody else: kind, created and MAC from `col` on.
 * RSG_TAMPERED (logged). */
RSG_MUST enum rsg_err rsg_relations_row(const struct rsg_keyring *,
    const struct rsg_id *subject, const struct rsg_id *other, const struct rsg_result *,
    int row, int col, unsigned *kinds);

/* "guardian" ... out of a message or a group; 0: it says none, or no such. */
enum rsg_relation rsg_relations_kind(struct rsg_fields);

/* Stage one between two customers of the caller's controller. */
RSG_MUST enum rsg_err rsg_relations_stage(struct rsg_batch *, const struct rsg_id *subject,
    enum rsg_relation, const struct rsg_id *other);

#endif
