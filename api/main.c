/*
 * main.c - resguardo-api, the process that faces the network.
 *
 * The supervisor starts it with three descriptors: 3 its control socket, 4
 * the listening socket for HTTPS, 5 (with RSG_METRICS set) the loopback one
 * for metrics. Everything it needs from files is read first; then it gives
 * up files, sockets and programs for good, and only then listens to anybody.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/control.h"
#include "http/limits.h"
#include "http/logfiles.h"
#include "http/sandbox.h"
#include "http/server.h"
#include "resguardo/json.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"

#define FD_CONTROL	3
#define FD_HTTPS	4
#define FD_METRICS	5
#define PEM_MAX		(64 * 1024)
#define FILES		4096	/* descriptors, connections and all */

static enum rsg_err
complain(const char *event, const char *name)
{
	rsg_log(RSG_LOG_ERROR, event, "name", RSG_LOG_S, name, NULL);
	return RSG_CONFIG;
}

/* The file that a variable names, with a final NUL. Freeing it wipes. */
static enum rsg_err
read_pem(const char *variable, char **out)
{
	const char *path = getenv(variable);
	size_t have = 0;
	ssize_t n;
	int fd;

	if (path == NULL)
		return complain("api.no-setting", variable);
	if ((*out = rsg_secret_alloc(PEM_MAX)) == NULL)
		return RSG_NO_MEMORY;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return complain("api.unreadable", variable);
	while (have < PEM_MAX &&
	    (n = read(fd, *out + have, PEM_MAX - have)) > 0)
		have += (size_t)n;
	close(fd);
	if (have == 0 || have == PEM_MAX)
		return complain("api.unreadable", variable);
	(*out)[have] = '\0';
	return RSG_OK;
}

/* As many descriptors as we may have, and none for core dumps. */
static void
set_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < FILES) {
		r.rlim_cur = r.rlim_max < FILES ? r.rlim_max : FILES;
		if (setrlimit(RLIMIT_NOFILE, &r) != 0)
			rsg_log(RSG_LOG_WARN, "api.few-descriptors", "limit",
			    RSG_LOG_I, (int64_t)r.rlim_cur, NULL);
	}
	/* The supervisor ends us; a key at its terminal must not. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
}

static enum rsg_err
check_descriptor(int fd, const char *name, bool listening)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode))
		return complain("api.no-descriptor", name);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (listening && fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return complain("api.no-descriptor", name);
	return RSG_OK;
}

static enum rsg_err
check_descriptors(struct rsg_server_options *o)
{
	enum rsg_err e;

	o->control = FD_CONTROL;
	o->https = FD_HTTPS;
	o->metrics = getenv("RSG_METRICS") != NULL ? FD_METRICS : -1;
	if ((e = check_descriptor(o->control, "control", false)) != RSG_OK ||
	    (e = check_descriptor(o->https, "https", true)) != RSG_OK)
		return e;
	return o->metrics < 0 ? RSG_OK :
	    check_descriptor(o->metrics, "metrics", true);
}

static enum rsg_log_level
log_level(void)
{
	const char *text = getenv("RSG_LOG_LEVEL");

	if (text != NULL && strcmp(text, "warn") == 0)
		return RSG_LOG_WARN;
	return text != NULL && strcmp(text, "debug") == 0 ? RSG_LOG_DEBUG :
	    RSG_LOG_INFO;
}

static enum rsg_err
wait_for_channel(struct rsg_server_options *o)
{
	enum rsg_control c;

	do
		c = rsg_control_read(o->control, true, &o->channel);
	while (c == RSG_CONTROL_NONE);
	return c == RSG_CONTROL_CHANNEL ? RSG_OK : RSG_PEER_GONE;
}

static enum rsg_err
start(struct rsg_server **server)
{
	struct rsg_server_options o = { .channel = -1 };
	char *cert = NULL, *key = NULL;
	enum rsg_err e;

	set_limits();
	if ((e = rsg_limits_load()) != RSG_OK ||
	    (e = check_descriptors(&o)) != RSG_OK ||
	    (e = read_pem("RSG_TLS_CERT", &cert)) != RSG_OK ||
	    (e = read_pem("RSG_TLS_KEY", &key)) != RSG_OK ||
	    (e = wait_for_channel(&o)) != RSG_OK)
		goto done;
	rsg_sandbox_readable(rsg_logfiles_open());
	o.cert = cert;
	o.key = key;
	e = rsg_server_new(&o, server);
done:
	rsg_secret_free(cert);
	rsg_secret_free(key);
	/* No thread is started anywhere: this binds all that will run. */
	return e != RSG_OK ? e : rsg_sandbox_enter();
}

int
main(void)
{
	struct rsg_server *server = NULL;
	enum rsg_err e;

	rsg_log_init("api", log_level());
	if ((e = rsg_secret_init(0)) != RSG_OK)
		return 1;
	rsg_json_init();
	if ((e = start(&server)) == RSG_OK)
		e = rsg_server_run(server);
	if (e != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "api.failed", "reason", RSG_LOG_S,
		    rsg_err_id(e), NULL);
	return e == RSG_OK ? 0 : 1;
}
