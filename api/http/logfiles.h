/*
 * logfiles.h - the log's files, as C2SP tlog-tiles wants them served.
 *
 * The one folder this process may still read once it is confined: checkpoint,
 * tiles and entry bundles, which hold nothing that is not public.
 */
#ifndef RESGUARDO_API_HTTP_LOGFILES_H
#define RESGUARDO_API_HTTP_LOGFILES_H

#include "http/conn.h"

/* Open the folder that RSG_LOG_DIR names; -1 when there is none. Before the
 * sandbox, which must be told of it. */
int rsg_logfiles_open(void);

/* Is it a path that a log has: "checkpoint", "tile/..."? */
bool rsg_logfiles_path(const char *, size_t);

/* Answer a request for /log/... */
void rsg_logfiles_answer(struct rsg_conn *);

#endif
