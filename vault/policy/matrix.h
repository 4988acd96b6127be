/*
 * matrix.h - one cell of all that a policy can be asked.
 */
#ifndef RSG_POLICY_MATRIX_H
#define RSG_POLICY_MATRIX_H

#include "policy/model.h"

#define RSG__RECIPIENTS	64

struct rsg__cell {
	const char *role, *recipient;
	enum rsg_action action;
	uint16_t purpose;
	uint8_t channel;
	enum rsg_state state;
	unsigned context;		/* bit 0 staff, 1 place, 2 reason */
	bool consent;			/* to this purpose, by every channel */
	bool objects;			/* to this purpose; consent or not */
};

/* Ask for all fields, about oneself; for the action alone if none is given. */
void rsg__matrix_ask(const struct rsg_policy *, const struct rsg__cell *,
    struct rsg_answer *);

/* The recipients that rules name; at most `max`. */
size_t rsg__matrix_recipients(const struct rsg_policy *, const char **,
    size_t max);

#endif
