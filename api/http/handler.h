/*
 * handler.h - the callbacks of the HTTP library, and what becomes of replies.
 *
 * A request goes through the stages of conn.h; each callback moves it on by
 * one step and never blocks.
 */
#ifndef RESGUARDO_API_HTTP_HANDLER_H
#define RESGUARDO_API_HTTP_HANDLER_H

#include "http/channel.h"
#include "http/conn.h"

struct rsg_listening {
	struct rsg_server *server;
	struct MHD_Daemon *daemon;
	enum rsg_listener which;
};

struct rsg_server {
	int control;
	bool stopping;
	struct rsg_listening listener[2];
	struct rsg_channel channel;
	struct rsg_conns conns;
	size_t replies;			/* of the read under way */
	int64_t next_tick;
};

/* For MHD_OPTION_URI_LOG_CALLBACK, _NOTIFY_CONNECTION, _NOTIFY_COMPLETED and
 * the access handler. The first argument is a struct rsg_listening. */
void *rsg_handler_target(void *, const char *, struct MHD_Connection *);
void rsg_handler_connection(void *, struct MHD_Connection *, void **,
    enum MHD_ConnectionNotificationCode);
void rsg_handler_completed(void *, struct MHD_Connection *, void **,
    enum MHD_RequestTerminationCode);
enum MHD_Result rsg_handler_request(void *, struct MHD_Connection *,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **);

/* A frame of the vault process; the first argument is the server. */
void rsg_handler_reply(void *, const struct rsg_head *, struct rsg_fields);

/* Answer a waiting connection with an error. */
void rsg_handler_fail(struct rsg_server *, struct rsg_conn *, enum rsg_err);

#endif
