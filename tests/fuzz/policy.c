/*
 * policy.c - any bytes as a bundle: refused with a fault, or a policy that
 * answers every question without falling over.
 */
#include <stdint.h>
#include <stdlib.h>

#include "policy/policytool.h"
#include "resguardo/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Ask all roles there can be about everything, with and without a person. */
static void
ask(const struct rsg_policy *p)
{
	uint16_t field[RSG_POLICY_FIELDS + 2];
	struct rsg_grant grant = { .purpose = 1, .status = RSG_STATUS_GIVEN };
	struct rsg_standing s = { .state = RSG_STATE_ACTIVE, .grant = &grant,
	    .ngrants = 1 };
	struct rsg_question q = { .role = "clerk", .field = field,
	    .nfields = RSG_POLICY_FIELDS + 2, .staff = true, .place = true,
	    .reason = true };
	struct rsg_answer a;

	for (uint16_t i = 0; i < RSG_POLICY_FIELDS + 2; i++)
		field[i] = i;
	for (unsigned act = 0; act <= RSG_ACT__MAX; act++)
		for (uint16_t pu = 0; pu <= RSG_POLICY_PURPOSES; pu++) {
			q.action = (enum rsg_action)act;
			q.purpose = pu;
			q.channel = (uint8_t)(pu % (RSG_CHANNEL__MAX + 1));
			q.standing = pu % 2 == 0 ? &s : NULL;
			rsg_policy_decide(p, &q, &a);
			if (a.clause == NULL)
				abort();
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rsg_policy *p = NULL;
	struct rsg_buf faults;
	enum rsg_err e;

	rsg_buf_init(&faults, 1u << 20);
	e = rsg_policy_load(data, len, &p, &faults);
	if ((e == RSG_OK) != (p != NULL))
		abort();
	/* Whoever wrote it has to be told what is wrong. */
	if (e == RSG_CONFIG && faults.len == 0)
		abort();
	if (p != NULL)
		ask(p);
	rsg_policy_free(p);
	rsg_buf_free(&faults);
	return 0;
}
