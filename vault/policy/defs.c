/*
 * defs.c - finding what a policy declares, by name, number and place.
 */
#include <string.h>

#include "policy/model.h"

static bool
is(const char *id, const char *s, size_t len)
{
	return strlen(id) == len && memcmp(id, s, len) == 0;
}

const struct rsg_fielddef *
rsg_policy_field(const struct rsg_policy *p, const char *s, size_t len)
{
	for (size_t i = 0; i < p->nfields; i++)
		if (is(p->field[i].id, s, len))
			return &p->field[i];
	return NULL;
}

const struct rsg_fielddef *
rsg_policy_field_no(const struct rsg_policy *p, uint16_t n)
{
	if (n >= RSG_POLICY_FIELDS || p->field_at[n] == 0)
		return NULL;
	return &p->field[p->field_at[n] - 1];
}

const struct rsg_fielddef *
rsg_policy_field_at(const struct rsg_policy *p, size_t i)
{
	return i < p->nfields ? &p->field[i] : NULL;
}

const struct rsg_purposedef *
rsg_policy_purpose(const struct rsg_policy *p, const char *s, size_t len)
{
	for (size_t i = 0; i < p->npurposes; i++)
		if (is(p->purpose[i].def.id, s, len))
			return &p->purpose[i].def;
	return NULL;
}

const struct rsg__purpose *
rsg__purpose_no(const struct rsg_policy *p, uint16_t n)
{
	if (n >= RSG_POLICY_PURPOSES || p->purpose_at[n] == 0)
		return NULL;
	return &p->purpose[p->purpose_at[n] - 1];
}

const struct rsg_purposedef *
rsg_policy_purpose_no(const struct rsg_policy *p, uint16_t n)
{
	const struct rsg__purpose *d = rsg__purpose_no(p, n);

	return d != NULL ? &d->def : NULL;
}

const struct rsg_purposedef *
rsg_policy_purpose_at(const struct rsg_policy *p, size_t i)
{
	return i < p->npurposes ? &p->purpose[i].def : NULL;
}

const struct rsg_segmentdef *
rsg_policy_segment(const struct rsg_policy *p, const char *s, size_t len)
{
	for (size_t i = 0; i < p->nsegments; i++)
		if (is(p->segment[i].code, s, len))
			return &p->segment[i];
	return NULL;
}

const struct rsg_segmentdef *
rsg_policy_segment_at(const struct rsg_policy *p, size_t i)
{
	return i < p->nsegments ? &p->segment[i] : NULL;
}

bool
rsg_policy_role(const struct rsg_policy *p, const char *s, size_t len)
{
	for (size_t i = 0; i < p->nroles; i++)
		if (is(p->role[i].id, s, len))
			return true;
	return false;
}

bool
rsg_policy_jurisdiction(const struct rsg_policy *p, const char *s, size_t len)
{
	for (size_t i = 0; i < p->ncodes; i++)
		if (is(p->law[i].code, s, len))
			return true;
	return false;
}

const struct rsg_lawdef *
rsg_policy_law(const struct rsg_policy *p, const char *code)
{
	for (size_t i = 0; i < p->ncodes; i++)
		if (strcmp(p->law[i].code, code) == 0)
			return &p->law[i];
	return NULL;
}

bool
rsg_policy_explicit(const struct rsg_policy *p, const char *method)
{
	if (method == NULL || p->explicit_methods == NULL)
		return method != NULL;
	for (size_t i = 0; i < rsg_json_size(p->explicit_methods); i++)
		if (strcmp(rsg_json_string(rsg_json_at(p->explicit_methods, i),
		    NULL), method) == 0)
			return true;
	return false;
}

bool
rsg_policy_again(const struct rsg_again *a, size_t n, uint16_t purpose,
    int64_t since, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].purpose == purpose && since < a[i].before && now >= a[i].from)
			return true;
	return false;
}

bool
rsg_policy_kind(const struct rsg_policy *p, const char *s, size_t len,
    uint8_t *number)
{
	for (size_t i = 0; i < p->nkinds; i++)
		if (is(p->kind[i].id, s, len)) {
			*number = p->kind[i].number;
			return true;
		}
	return false;
}

const char *
rsg_policy_kind_name(const struct rsg_policy *p, uint8_t number)
{
	for (size_t i = 0; i < p->nkinds; i++)
		if (p->kind[i].number == number)
			return p->kind[i].id;
	return NULL;
}

const struct rsg_kinddef *
rsg_policy_kind_at(const struct rsg_policy *p, size_t i)
{
	return i < p->nkinds ? &p->kind[i] : NULL;
}

uint16_t
rsg_policy_default(const struct rsg_policy *p, enum rsg_action a)
{
	return (unsigned)a < RSG_ACT__MAX ? p->standard[a] : 0;
}
