/*
 * err.h - one list of errors for all processes.
 *
 * 0 is success. A call that can fail is RSG_MUST: its result has to be used.
 * An error is logged once, where it is detected; callers pass it on.
 */
#ifndef RESGUARDO_ERR_H
#define RESGUARDO_ERR_H

#define RSG_MUST __attribute__((warn_unused_result))

enum rsg_err {
#define E(name, http, id, ten, den, tes, des) RSG_##name,
#include "resguardo/err.def"
#undef E
	RSG_ERR__MAX
};

/* What a person is told about an error, and the status it has over HTTP. */
struct rsg_errinfo {
	int http;
	const char *id;			/* stable, part of the API */
	const char *title[2];		/* indexed by enum rsg_lang */
	const char *next[2];
};

enum rsg_lang { RSG_LANG_EN, RSG_LANG_ES, RSG_LANG__MAX };

/* Never NULL: an unknown code is described as RSG_INTERNAL. */
const struct rsg_errinfo *rsg_err_info(enum rsg_err);

/* The catalogue id, for logs: "unavailable". */
const char *rsg_err_id(enum rsg_err);

#endif
