/*
 * web.h - pages for people: typed fields of a reply as HTML.
 *
 * One page is one document: its style stands in it, and it fetches nothing,
 * runs nothing and sends nothing, which the policy in its header enforces.
 */
#ifndef RESGUARDO_API_WEB_WEB_H
#define RESGUARDO_API_WEB_WEB_H

#include "resguardo/msg.h"

typedef void rsg_page(struct rsg_buf *, struct rsg_fields);
rsg_page rsg_web_receipt;

/* The page that shows the reply of an op; NULL: it has none. */
rsg_page *rsg_web_page(enum rsg_op);

/* Content-Security-Policy: our style by its hash, and nothing else. */
extern const char rsg_web_policy[];
extern const char rsg_web_style[];

/* Text with what HTML takes for itself written otherwise. */
void rsg_web_text(struct rsg_buf *, const void *, size_t);

/* "21 November 2026" */
void rsg_web_day(struct rsg_buf *, enum rsg_lang, int64_t us);

/* "21 November 2026, 21:55 (UTC)" */
void rsg_web_time(struct rsg_buf *, enum rsg_lang, int64_t us);

#endif
