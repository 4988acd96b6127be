/*
 * reportwords.h - what a report is called and what stands in its columns, for
 * people, in both languages. The words never say who anybody is.
 */
#ifndef RSG_REPORTWORDS_H
#define RSG_REPORTWORDS_H

#include "resguardo/err.h"
#include "resguardo/msg.h"

struct rsg_reportcolumn {
	enum rsg_field field;
	const char *what[2];		/* by enum rsg_lang */
};

struct rsg_reportwords {
	const char *name, *title[2];
	const struct rsg_reportcolumn *column;	/* in the order of the page */
	size_t n;
};

/* NULL: no report is called so. */
const struct rsg_reportwords *rsg_reportwords(const char *name);

/* Does the report have the column? */
bool rsg_reportwords_has(const struct rsg_reportwords *, enum rsg_field);

#endif
