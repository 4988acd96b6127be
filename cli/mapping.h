/*
 * mapping.h - which column of a file means what: a JSON file of the
 * operator's, checked whole before a line is read. docs/OPERATIONS.md
 * describes it; docs/examples/ has some.
 */
#ifndef CLI_MAPPING_H
#define CLI_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/reader.h"
#include "cli/when.h"
#include "resguardo/err.h"
#include "resguardo/json.h"
#include "resguardo/msg.h"

#define RSG_MAPPING_RULES	32
#define RSG_MAPPING_FIELDS	64
#define RSG_MAPPING_CONSENTS	32
#define RSG_MAPPING_FACTORS	3
#define RSG_MAPPING_MEMBERS	24

enum rsg_mapping_what { RSG_MAPS_CUSTOMERS, RSG_MAPS_EVENTS, RSG_MAPS_CONSENTS,
    RSG_MAPS_BENEFITS, RSG_MAPS__MAX };
const char *rsg_mapping_name(enum rsg_mapping_what);		/* "events" */

/* What a line of consents or benefits is made of: a member of the mapping is
 * a field of the message. But for ATTACHMENT, which names a file whose bytes
 * are sent. */
struct rsg_lineform {
	enum rsg_field group;
	const struct rsg_linemember {
		enum rsg_field field;	/* its name is the member's */
		bool needed;
	} *member;
	size_t n;
};
const struct rsg_lineform *rsg_mapping_form(enum rsg_mapping_what);

/* Where a value comes from. Texts are borrowed from the mapping's JSON. */
struct rsg_cell {
	const char *column;		/* NULL: none */
	int at;				/* the column's place, once bound */
	const char *constant;		/* in place of a column */
	const struct rsg_json *values;	/* cell -> value; NULL: as it is */
};

struct rsg_moment {
	struct rsg_cell cell;
	enum rsg_when form;
};

/* The first rule that fits decides. */
struct rsg_rule {
	const char *prefix, *equals;	/* one of them */
	const char *kind;		/* or: */
	const char *reject;		/* the reason */
	bool negate;			/* amounts and quantities change sign */
};

struct rsg_mapped_consent {
	const char *purpose, *channel, *notice, *language, *method, *evidence;
	int64_t notice_version;		/* 0: the one in force at the time */
	struct rsg_cell cell;
	const struct rsg_json *give, *refuse, *withdraw;	/* cells that mean it */
	struct rsg_moment time;
};

struct rsg_mapping {
	struct rsg_json *root;		/* owns the texts */
	enum rsg_mapping_what what;
	enum rsg_format format;
	char delimiter, decimal;
	const char *name[RSG_RECORD_CELLS];	/* columns, where no line names them */
	size_t nnames;
	const char *origin;

	/* Whose line it is. */
	const char *person_field;
	struct rsg_cell person;
	bool create_people;

	/* Events */
	struct rsg_cell kind_cell;
	struct rsg_rule rule[RSG_MAPPING_RULES];
	size_t nrules;
	const char *kind;		/* when no rule fits; NULL: rejected */
	struct rsg_moment time;
	struct rsg_cell factor[RSG_MAPPING_FACTORS];	/* of the amount */
	size_t nfactors;
	const char *currency;
	struct rsg_cell document, item, store, category, payment, channel;
	struct rsg_cell quantity, cost;

	/* Customers */
	struct { const char *field; struct rsg_cell cell; } field[RSG_MAPPING_FIELDS];
	size_t nfields;
	struct rsg_cell jurisdiction, language, source;
	struct rsg_moment collected;
	struct rsg_mapped_consent consent[RSG_MAPPING_CONSENTS];
	size_t nconsents;

	/* Consents and benefits: by the place in their form. */
	struct rsg_cell member[RSG_MAPPING_MEMBERS];
	struct rsg_moment moment[RSG_MAPPING_MEMBERS];	/* of a time, instead */
	struct rsg_cell state;		/* which time `time` is; or NULL */

	/* For binding: every cell above that names a column. */
	struct rsg_cell *used[RSG_RECORD_CELLS];
	size_t nused;
};

/* Where a line's member comes from; NULL: the mapping does not say. */
const struct rsg_cell *rsg_mapping_cell(const struct rsg_mapping *, enum rsg_field);

/* RSG_IO, RSG_CONFIG: with a line that names the file and the member. */
RSG_MUST enum rsg_err rsg_mapping_load(const char *path, struct rsg_mapping **);

/* The same from bytes; `path` is for the line. */
RSG_MUST enum rsg_err rsg_mapping_parse(const char *path, const void *, size_t,
    struct rsg_mapping **);
void rsg_mapping_free(struct rsg_mapping *);

/* Open a reader of `source` as the mapping says, and find its columns. */
RSG_MUST enum rsg_err rsg_mapping_reader(struct rsg_mapping *,
    struct rsg_source *, struct rsg_reader **);

#endif
