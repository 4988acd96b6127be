/*
 * translate.h - one record made into the group of a message, as a mapping says.
 */
#ifndef CLI_TRANSLATE_H
#define CLI_TRANSLATE_H

#include "cli/folder.h"
#include "cli/mapping.h"
#include "cli/ordinal.h"
#include "resguardo/buf.h"

/* Why a line stays out: never with a value of it. */
struct rsg_reject {
	int64_t line;
	char reason[64];
	char member[128];
};

void rsg_translate_reject(struct rsg_reject *, int64_t line, const char *reason,
    const char *member);

/* The value that tells whose line it is; false when there is none. */
bool rsg_translate_person(const struct rsg_mapping *, const struct rsg_record *,
    const char **, size_t *);

/*
 * Append an EVENT, a CUSTOMER, or a CUSTOMER of the person's field alone.
 * RSG_OK; RSG_BAD_VALUE with the reason, nothing appended; RSG_NO_MEMORY. The
 * buffer's own failure is sticky as ever.
 *
 * `met` counts equal events: what is equal once the mapping has spoken. Lines
 * that differ in columns it leaves out are equal, and each of them stays.
 */
RSG_MUST enum rsg_err rsg_translate_event(const struct rsg_mapping *,
    const struct rsg_record *, const char *origin, struct rsg_ordinal *met,
    struct rsg_buf *, struct rsg_reject *);
RSG_MUST enum rsg_err rsg_translate_customer(const struct rsg_mapping *,
    const struct rsg_record *, struct rsg_buf *, struct rsg_reject *);
/*
 * An OLD_CONSENT or OLD_BENEFIT, as rsg_mapping_form() lists its members. The
 * file that it names is read from `folder` and goes with it; a no goes without
 * where the file does not: then `note` says why, else its line is 0.
 */
RSG_MUST enum rsg_err rsg_translate_line(const struct rsg_mapping *,
    const struct rsg_record *, struct rsg_folder *, struct rsg_buf *,
    struct rsg_reject *, struct rsg_reject *note);
void rsg_translate_someone(const struct rsg_mapping *,
    const struct rsg_record *, struct rsg_buf *);

#endif
