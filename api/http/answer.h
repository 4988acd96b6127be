/*
 * answer.h - from a reply, or an error, to the response that is sent.
 *
 * Every answer carries the same protective headers and no banner. Bodies are
 * wiped once they are sent.
 */
#ifndef RESGUARDO_API_HTTP_ANSWER_H
#define RESGUARDO_API_HTTP_ANSWER_H

#include "http/conn.h"

/* An error found here; `close` ends the connection after it. */
void rsg_answer_error(struct rsg_conn *, enum rsg_err, bool close);

/* What the vault process said. Fields that do not fit the shape: internal. */
void rsg_answer_reply(struct rsg_conn *, enum rsg_err, struct rsg_fields);

/* A text of our own, for routes without a call, and for metrics. */
void rsg_answer_text(struct rsg_conn *, enum rsg_format, const void *, size_t);

/* Public bytes that may be kept; takes the buffer over. */
void rsg_answer_file(struct rsg_conn *, const char *type, const char *cache,
    struct rsg_buf *);

/* OPTIONS: what the address takes. */
void rsg_answer_options(struct rsg_conn *);

#endif
