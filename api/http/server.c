#include "http/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/channel.h"
#include "http/control.h"
#include "http/handler.h"
#include "http/limits.h"
#include "http/metrics.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"

#define TICK_MS		250	/* how often deadlines are looked at */

/*
 * TLS 1.2 and 1.3, authenticated ciphers, ephemeral keys; AES first where the
 * processor has it. No tickets: their key would outlive each connection.
 */
static const char priorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:"
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:"
    "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+SIGN-EDDSA-ED25519:+SIGN-ECDSA-SECP256R1-SHA256:"
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA384:"
    "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
    "+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:"
    "+CTYPE-SRV-X509:+COMP-NULL:%SERVER_PRECEDENCE:%NO_TICKETS";

enum { AT_HTTPS, AT_CONTROL, AT_CHANNEL, AT_METRICS, AT__MAX };

static enum rsg_err
bad_listener(const char *which)
{
	rsg_log(RSG_LOG_ERROR, "api.listener-failed", "which", RSG_LOG_S, which,
	    "hint", RSG_LOG_S, "certificate and key must be PEM and belong together",
	    NULL);
	return RSG_CONFIG;
}

static struct MHD_Daemon *
start_https(struct rsg_server *s, const struct rsg_server_options *o)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS |
	    MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, rsg_handler_request,
	    &s->listener[RSG_PUBLIC],
	    MHD_OPTION_LISTEN_SOCKET, o->https,
	    MHD_OPTION_HTTPS_MEM_CERT, o->cert,
	    MHD_OPTION_HTTPS_MEM_KEY, o->key,
	    MHD_OPTION_HTTPS_PRIORITIES, priorities,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)rsg_limit[RSG_LIMIT_CONNECTIONS],
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)rsg_limit[RSG_LIMIT_PER_IP],
	    MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)rsg_limit[RSG_LIMIT_SILENT_S],
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(32 * 1024),
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, rsg_handler_target,
	    &s->listener[RSG_PUBLIC],
	    MHD_OPTION_NOTIFY_CONNECTION, rsg_handler_connection,
	    &s->listener[RSG_PUBLIC],
	    MHD_OPTION_NOTIFY_COMPLETED, rsg_handler_completed,
	    &s->listener[RSG_PUBLIC],
	    MHD_OPTION_END);
}

static struct MHD_Daemon *
start_metrics(struct rsg_server *s, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
	    NULL, NULL, rsg_handler_request, &s->listener[RSG_PRIVATE],
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, 8u,
	    MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)rsg_limit[RSG_LIMIT_SILENT_S],
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(32 * 1024),
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, rsg_handler_target,
	    &s->listener[RSG_PRIVATE],
	    MHD_OPTION_NOTIFY_CONNECTION, rsg_handler_connection,
	    &s->listener[RSG_PRIVATE],
	    MHD_OPTION_NOTIFY_COMPLETED, rsg_handler_completed,
	    &s->listener[RSG_PRIVATE],
	    MHD_OPTION_END);
}

static int
epoll_of(struct MHD_Daemon *d)
{
	const union MHD_DaemonInfo *info;

	info = d != NULL ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD) :
	    NULL;
	return info != NULL ? info->epoll_fd : -1;
}

static void
server_free(struct rsg_server *s)
{
	for (int i = 0; i < 2; i++)
		if (s->listener[i].daemon != NULL)
			MHD_stop_daemon(s->listener[i].daemon);
	rsg_channel_free(&s->channel);
	rsg_conns_free(&s->conns);
	free(s);
}

enum rsg_err
rsg_server_new(const struct rsg_server_options *o, struct rsg_server **out)
{
	struct rsg_server *s = calloc(1, sizeof(*s));
	enum rsg_err e = RSG_NO_MEMORY;

	*out = NULL;
	if (s == NULL)
		return e;
	s->control = o->control;
	for (int i = 0; i < 2; i++)
		s->listener[i] = (struct rsg_listening){ s, NULL,
		    (enum rsg_listener)i };
	/* The metrics listener has eight connections of its own. */
	e = rsg_conns_init(&s->conns,
	    (size_t)rsg_limit[RSG_LIMIT_CONNECTIONS] + 8);
	if (e != RSG_OK || (e = rsg_channel_init(&s->channel)) != RSG_OK)
		goto done;
	rsg_channel_use(&s->channel, o->channel);
	s->listener[RSG_PUBLIC].daemon = start_https(s, o);
	if (s->listener[RSG_PUBLIC].daemon == NULL) {
		e = bad_listener("https");
		goto done;
	}
	if (o->metrics >= 0) {
		s->listener[RSG_PRIVATE].daemon = start_metrics(s, o->metrics);
		if (s->listener[RSG_PRIVATE].daemon == NULL)
			e = bad_listener("metrics");
	}
done:
	if (e != RSG_OK)
		server_free(s);
	else
		*out = s;
	return e;
}

/* All who wait get the same answer: nobody is coming back for them. */
static void
fail_waiting(struct rsg_server *s, enum rsg_err e)
{
	struct rsg_conn *c;

	while ((c = rsg_conns_late(&s->conns, INT64_MAX)) != NULL)
		rsg_handler_fail(s, c, e);
}

static void
lose_channel(struct rsg_server *s, enum rsg_err e)
{
	rsg_log(RSG_LOG_WARN, "api.vault-gone", "reason", RSG_LOG_S,
	    rsg_err_id(e), "waiting", RSG_LOG_I, (int64_t)rsg_conns_waiting(&s->conns), NULL);
	rsg_channel_drop(&s->channel);
	fail_waiting(s, RSG_PEER_GONE);
}

static void
read_control(struct rsg_server *s)
{
	int fd;

	switch (rsg_control_read(s->control, false, &fd)) {
	case RSG_CONTROL_CHANNEL:
		if (rsg_conns_waiting(&s->conns) > 0)
			lose_channel(s, RSG_PEER_GONE);
		rsg_channel_use(&s->channel, fd);
		rsg_log(RSG_LOG_INFO, "api.channel", NULL);
		break;
	case RSG_CONTROL_QUIT:
		s->stopping = true;
		break;
	case RSG_CONTROL_NONE:
		break;
	}
}

static void
read_channel(struct rsg_server *s)
{
	enum rsg_err e;

	s->replies = 0;
	e = rsg_channel_read(&s->channel, rsg_handler_reply, s);
	if (s->replies > 0)
		rsg_metrics_batch(s->replies);
	if (e != RSG_OK)
		lose_channel(s, e);
}

/* Deadlines of calls and of connections. */
static void
look_at_clock(struct rsg_server *s)
{
	int64_t now = rsg_clock_mono();
	struct rsg_conn *late;
	size_t slow;

	if (now < s->next_tick)
		return;
	s->next_tick = now + TICK_MS * 1000;
	while ((late = rsg_conns_late(&s->conns, now)) != NULL)
		rsg_handler_fail(s, late, RSG_TIMEOUT);
	slow = rsg_conns_sweep(&s->conns, now);
	while (slow-- > 0)
		rsg_metrics_slow();
}

static int
timeout_ms(const struct rsg_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms, least = TICK_MS;

	if (s->stopping && s->conns.active == 0)
		return 0;
	for (int i = 0; i < 2; i++)
		if (s->listener[i].daemon != NULL &&
		    MHD_get_timeout(s->listener[i].daemon, &ms) == MHD_YES &&
		    ms < least)
			least = ms;
	return (int)least;
}

static enum rsg_err
turn(struct rsg_server *s)
{
	struct pollfd p[AT__MAX] = {
		[AT_HTTPS] = { epoll_of(s->listener[RSG_PUBLIC].daemon), POLLIN, 0 },
		[AT_CONTROL] = { s->stopping ? -1 : s->control, POLLIN, 0 },
		[AT_CHANNEL] = { s->channel.fd, POLLIN, 0 },
		[AT_METRICS] = { epoll_of(s->listener[RSG_PRIVATE].daemon), POLLIN, 0 },
	};
	enum rsg_err e;

	if (rsg_channel_waiting(&s->channel))
		p[AT_CHANNEL].events |= POLLOUT;
	if (poll(p, AT__MAX, timeout_ms(s)) < 0 && errno != EINTR)
		return RSG_IO;
	/* What the old channel still holds is answered before it goes. */
	if (p[AT_CHANNEL].revents & (POLLIN | POLLHUP | POLLERR))
		read_channel(s);
	if (p[AT_CONTROL].revents != 0)
		read_control(s);
	look_at_clock(s);
	for (int i = 0; i < 2; i++)
		if (s->listener[i].daemon != NULL)
			(void)MHD_run(s->listener[i].daemon);
	if ((e = rsg_channel_flush(&s->channel)) != RSG_OK)
		lose_channel(s, e);
	return RSG_OK;
}

/* Nobody new; who is being served is served to the end, if it is near. */
static enum rsg_err
drain(struct rsg_server *s)
{
	int64_t end = rsg_clock_mono() + rsg_limit[RSG_LIMIT_DRAIN_MS] * 1000;
	enum rsg_err e = RSG_OK;
	int fd;

	rsg_log(RSG_LOG_INFO, "api.stopping", "active", RSG_LOG_I,
	    (int64_t)s->conns.active, NULL);
	for (int i = 0; i < 2; i++)
		if (s->listener[i].daemon != NULL) {
			fd = MHD_quiesce_daemon(s->listener[i].daemon);
			if (fd >= 0)
				close(fd);
		}
	while (e == RSG_OK && s->conns.active > 0 && rsg_clock_mono() < end)
		e = turn(s);
	/* A suspended connection must not be there when the daemon stops. */
	fail_waiting(s, RSG_UNAVAILABLE);
	return e != RSG_OK ? e : turn(s);
}

enum rsg_err
rsg_server_run(struct rsg_server *s)
{
	enum rsg_err e;

	e = rsg_control_ready(s->control);
	while (e == RSG_OK && !s->stopping)
		e = turn(s);
	if (e == RSG_OK)
		e = drain(s);
	else
		fail_waiting(s, RSG_UNAVAILABLE);
	rsg_log(RSG_LOG_INFO, "api.stopped", "result", RSG_LOG_S, rsg_err_id(e),
	    NULL);
	server_free(s);
	return e;
}
