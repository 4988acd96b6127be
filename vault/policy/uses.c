/*
 * uses.c - what the rules let a purpose use, as receipts have to say it: not
 * who is asking now, but whether anybody may.
 */
#include <string.h>

#include "policy/model.h"

/* A rule that names the purpose, of those who are not the person. */
static bool
speaks(const struct rsg_policy *p, const struct rsg__rule *r, uint16_t purpose)
{
	return purpose < RSG_POLICY_PURPOSES && r->purpose[purpose] != 0 &&
	    p->role[r->role].reach != RSG__REACH_OWN;
}

bool
rsg_policy_uses(const struct rsg_policy *p, uint16_t purpose, uint16_t field)
{
	const uint32_t reading = 1u << RSG_ACT_READ | 1u << RSG_ACT_RELEASE;

	for (size_t i = 0; i < p->nrules && field < RSG_POLICY_FIELDS; i++) {
		uint8_t t = p->rule[i].transform[field];

		if ((p->rule[i].actions & reading) != 0 && t != RSG_TR_NONE &&
		    t != RSG__WITHHOLD && speaks(p, &p->rule[i], purpose))
			return true;
	}
	return false;
}

bool
rsg_policy_does(const struct rsg_policy *p, uint16_t purpose, enum rsg_action action)
{
	for (size_t i = 0; i < p->nrules; i++)
		if ((p->rule[i].actions & 1u << action) != 0 &&
		    speaks(p, &p->rule[i], purpose))
			return true;
	return false;
}

const char *
rsg_policy_authority(const struct rsg_policy *p, const char *code)
{
	const struct rsg_json *files = rsg_json_get(p->root, "files"), *file;
	const char *name;
	void *iter = NULL;

	while (rsg_json_next(files, &iter, &name, &file)) {
		const char *own = rsg_json_string(rsg_json_get(file, "code"), NULL);

		if (strncmp(name, "jurisdictions/", 14) == 0 && own != NULL &&
		    strcmp(own, code) == 0)
			return rsg_json_string(rsg_json_get(file, "authority"), NULL);
	}
	return NULL;
}
