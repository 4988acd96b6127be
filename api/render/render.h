/*
 * render.h - a reply's fields as JSON, NDJSON or CSV, and errors as problems.
 *
 * The shapes say what is written and in which order; a list is always there,
 * even empty, and so is a map. The fields have passed rsg_msg_check().
 */
#ifndef RESGUARDO_API_RENDER_RENDER_H
#define RESGUARDO_API_RENDER_RENDER_H

#include "resguardo/msg.h"

enum rsg_format { RSG_FORMAT_JSON, RSG_FORMAT_LINES, RSG_FORMAT_CSV,
	RSG_FORMAT_PROBLEM, RSG_FORMAT_TEXT, RSG_FORMAT_HTML, RSG_FORMAT_PROOF,
	RSG_FORMAT__MAX };

/* "application/json" and so on. */
const char *rsg_render_type(enum rsg_format);

/* The format called that in ?format=, or RSG_FORMAT__MAX. */
enum rsg_format rsg_render_format(const char *, size_t);

/* What an answer can be had as, beside JSON. */
enum { RSG_OFFER_LISTS = 1, RSG_OFFER_PAGE = 2, RSG_OFFER_PROOF = 4 };

/*
 * The format an Accept header likes best, of those offered.
 * NULL is no header: JSON. RSG_FORMAT__MAX: none that we could give.
 */
enum rsg_format rsg_render_accept(const char *accept, unsigned offers);

/* The language an Accept-Language header likes best; English where neither. */
enum rsg_lang rsg_render_language(const char *);

/* One object, with the trailer's audit entry where there is one. */
void rsg_render_object(struct rsg_buf *, struct rsg_fields, enum rsg_shape);

/* The groups of `list`, an object a line, or CSV below a line of names. */
void rsg_render_lines(struct rsg_buf *, struct rsg_fields, enum rsg_field list);
void rsg_render_csv(struct rsg_buf *, struct rsg_fields, enum rsg_field list);

/* The text of one value of a field's type, without quotes. */
void rsg_render_value(struct rsg_buf *, enum rsg_ftype, const uint8_t *, size_t);

/* RFC 9457. Texts are the catalogue's; `member`, `clause`: NULL or "" is none. */
struct rsg_problem {
	enum rsg_err err;
	enum rsg_lang lang;
	const char *request;		/* the instance */
	const char *member, *clause;
	const struct rsg_id *entry;	/* NULL: none */
};
void rsg_render_problem(struct rsg_buf *, const struct rsg_problem *);

#endif
