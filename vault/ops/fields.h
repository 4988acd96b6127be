/*
 * fields.h - values that came in a message, accepted and ready to be sealed:
 * shared by the calls that create and change people, one or many.
 */
#ifndef RSG_OPS_FIELDS_H
#define RSG_OPS_FIELDS_H

#include "subject/person.h"
#include "work/batch.h"

#define RSG_INTAKE_MAX	64		/* fields of one person in one call */

struct rsg_intake_value {
	const struct rsg_fielddef *field;
	const char *text;		/* accepted form, in the arena; NULL: remove */
	size_t len;
	uint8_t digest[RSG_DIGEST_LEN];	/* of a searchable field */
};
struct rsg_intake {
	struct rsg_intake_value value[RSG_INTAKE_MAX];
	size_t n;
	uint16_t number[RSG_INTAKE_MAX];
	enum rsg_source source;
	int64_t collected;
	char notice[65];
};

/*
 * Read VALUES, SOURCE, COLLECTED and NOTICE. Fails the call with the member at
 * fault: unknown field, bad value, given twice, too many. `controller` chooses
 * the blind index.
 */
RSG_MUST enum rsg_err rsg_intake_read(struct rsg_worker *, struct rsg_call *,
    struct rsg_fields, uint32_t controller, struct rsg_intake *);

/* Seal every value and stage its row and its blind index. */
RSG_MUST enum rsg_err rsg_intake_stage(struct rsg_batch *, struct rsg_subject *,
    const struct rsg_intake *);

#endif
