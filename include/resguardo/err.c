#include "resguardo/err.h"

static const struct rsg_errinfo errors[RSG_ERR__MAX] = {
#define E(name, http, id, ten, den, tes, des) \
	[RSG_##name] = { http, id, { ten, tes }, { den, des } },
#include "resguardo/err.def"
#undef E
};

const struct rsg_errinfo *
rsg_err_info(enum rsg_err e)
{
	if ((unsigned)e >= RSG_ERR__MAX)
		e = RSG_INTERNAL;
	return &errors[e];
}

const char *
rsg_err_id(enum rsg_err e)
{
	return rsg_err_info(e)->id;
}
