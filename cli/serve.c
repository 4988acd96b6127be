/*
 * serve.c - the supervisor: opens the sockets, starts the two processes,
 * joins them, starts again what dies, and stops them in order.
 *
 * It holds no key, reads no request and has no connection to the database.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/command.h"
#include "cli/listen.h"
#include "cli/paths.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"

extern char **environ;

enum { VAULT, API, CHILDREN };

struct supervisor {
	struct rsg_child child[CHILDREN];
	char path[CHILDREN][RSG_PATH_MAX];
	const char *address;
	int port, metrics_port;
	int signals;			/* signalfd */
	bool announced;
	bool stopping;
	enum rsg_exit result;
};

/* What both need to find their way, and nothing more. */
static const char *const common_env[] = {
	"PATH", "LANG", "LC_ALL", "LC_MESSAGES", "TZ",
#ifdef RSG_SANITIZED
	"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS",
#endif
};

/* Where the database is asked for comes to the vault alone, and no password. */
static void
database_env(struct rsg_child *c)
{
	char name[128];
	size_t n;

	rsg_child_inherit(c, "HOME");
	rsg_child_inherit(c, "CREDENTIALS_DIRECTORY");
	for (char **e = environ; *e != NULL; e++) {
		n = strcspn(*e, "=");
		if (strncmp(*e, "PG", 2) != 0 || n >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)n, *e);
		if (strcmp(name, "PGPASSWORD") == 0)
			rsg_tell_error("PGPASSWORD is not passed on; "
			    "use a password file (PGPASSFILE)");
		else
			rsg_child_inherit(c, name);
	}
}

static bool
environment(struct supervisor *s, const struct rsg_args *a, bool demo)
{
	struct rsg_child *vault = &s->child[VAULT], *api = &s->child[API];
	char database[1024], policies[RSG_PATH_MAX], cert[RSG_PATH_MAX], key[RSG_PATH_MAX];
	char state[RSG_PATH_MAX], log[RSG_PATH_MAX];
	bool ok;

	for (int i = 0; i < CHILDREN; i++)
		for (size_t j = 0; j < sizeof(common_env) / sizeof(common_env[0]); j++)
			rsg_child_inherit(&s->child[i], common_env[j]);
	database_env(vault);
#define BOUND(name, variable, value, clause, what) rsg_child_inherit(vault, variable);
#include "audit/health.def"
#undef BOUND

	if (realpath(RSG_STATE_OF(a), state) == NULL) {
		rsg_tell_errno("no state directory %s", RSG_STATE_OF(a));
		return false;
	}
	if (!rsg_paths_database(database, rsg_args_get(a, "database", NULL),
	    state, "resguardo_app") ||
	    !rsg_paths_share(policies, "policies") ||
	    !rsg_paths_state(log, state, "log") || !rsg_paths_folder(log) ||
	    !rsg_paths_state(cert, state, "tls/server.pem") ||
	    !rsg_paths_state(key, state, "tls/server.key"))
		return false;
	ok = rsg_child_env(vault, "RSG_STATE", state) &&
	    rsg_child_env(vault, "RSG_DATABASE", database) &&
	    rsg_child_env(vault, "RSG_POLICIES",
	    rsg_args_get(a, "policies", policies)) &&
	    (!demo || rsg_child_env(vault, "RSG_DEMO", "1")) &&
	    rsg_child_env(api, "RSG_LOG_DIR", log) &&
	    rsg_child_env(api, "RSG_METRICS", "1") &&
	    rsg_child_env(api, "RSG_TLS_CERT", cert) &&
	    rsg_child_env(api, "RSG_TLS_KEY", key);
	if (!ok)
		rsg_tell_error("the environment is too large");
	return ok;
}

/* The sockets, in the places that the two processes expect them at. */
static bool
sockets(struct supervisor *s, const char *state)
{
	char run[RSG_PATH_MAX];
	int admin, https, metrics;

	if (!rsg_paths_state(run, state, "run") || !rsg_paths_folder(run) ||
	    !rsg_listen_lock(run))
		return false;
	if ((https = rsg_listen_tcp(s->address, &s->port)) < 0)
		return false;
	/* Port 0 asks for any; the metrics' neighbour may be taken then. */
	if ((metrics = rsg_listen_tcp("127.0.0.1", &s->metrics_port)) < 0)
		return false;
	if ((admin = rsg_listen_unix(run, "admin.sock")) < 0)
		return false;
	s->child[VAULT].fd[0] = admin;
	s->child[VAULT].nfds = 1;
	s->child[API].fd[0] = https;
	s->child[API].fd[1] = metrics;
	s->child[API].nfds = 2;
	return true;
}

static bool
prepare(struct supervisor *s, const struct rsg_args *a)
{
	static const char *const names[CHILDREN] = { "resguardo-vault",
	    "resguardo-api" };
	const char *state = RSG_STATE_OF(a);
	char marker[RSG_PATH_MAX];
	int64_t port, metrics;
	bool demo;

	if (!rsg_args_int(a, "port", 0, 65535, 8443, &port) ||
	    !rsg_args_int(a, "metrics-port", 0, 65535,
	    port == 0 || port == 65535 ? 0 : port + 1, &metrics) ||
	    !rsg_paths_state(marker, state, "DEMO"))
		return false;
	s->port = (int)port;
	s->metrics_port = (int)metrics;
	s->address = rsg_args_get(a, "listen", "127.0.0.1");
	demo = rsg_paths_exists(marker);
	if (demo && !rsg_listen_loopback(s->address)) {
		rsg_tell_error("%s was made with demo credentials that anybody can "
		    "read: it is served to this machine only. Make another state "
		    "directory (scripts/server --no-demo --state DIR)", state);
		return false;
	}
	for (int i = 0; i < CHILDREN; i++) {
		s->child[i].name = names[i];
		s->child[i].control = -1;
		if (!rsg_paths_beside(s->path[i], names[i]))
			return false;
		s->child[i].path = s->path[i];
		if (access(s->path[i], X_OK) != 0) {
			rsg_tell_errno("cannot run %s", s->path[i]);
			return false;
		}
	}
	return environment(s, a, demo) && sockets(s, state);
}

/* The children inherit these: no core files, and room for keys and sockets. */
static void
limits(void)
{
	struct rlimit none = { 0, 0 }, r;
	static const int raise[] = { RLIMIT_MEMLOCK, RLIMIT_NOFILE };

	(void)setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < sizeof(raise) / sizeof(raise[0]); i++) {
		if (getrlimit((__rlimit_resource_t)raise[i], &r) != 0)
			continue;
		r.rlim_cur = r.rlim_max;
		(void)setrlimit((__rlimit_resource_t)raise[i], &r);
	}
}

static bool
catch_signals(struct supervisor *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		rsg_tell_errno("no signalfd");
	return s->signals >= 0;
}

/*
 * A fresh stream between the two. Whoever still holds an old one finds it
 * closed at the other end, or gets this one in its place.
 */
static void
join(struct supervisor *s)
{
	int pair[2];

	if (s->child[VAULT].pid == 0 || s->child[API].pid == 0)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		rsg_log(RSG_LOG_ERROR, "channel.socket", "errno", RSG_LOG_S,
		    strerror(errno), NULL);
		return;
	}
	for (int i = 0; i < CHILDREN; i++)
		if (!rsg_child_join(&s->child[i], pair[i]))
			rsg_log(RSG_LOG_WARN, "channel.refused", "child",
			    RSG_LOG_S, s->child[i].name, NULL);
	close(pair[0]);
	close(pair[1]);
}

/* Tell systemd, when it asked to be told (Type=notify). */
static void
notify(const char *what)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n;
	int fd;

	if (path == NULL || (n = strlen(path)) == 0 || n >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, n);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	(void)sendto(fd, what, strlen(what), MSG_NOSIGNAL, (struct sockaddr *)&a,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

static void
announce(struct supervisor *s)
{
	const char *host = rsg_listen_loopback(s->address) ? "localhost" : s->address;
	bool v6 = strchr(host, ':') != NULL;

	if (s->announced || !s->child[VAULT].ready || !s->child[API].ready)
		return;
	s->announced = true;
	printf("resguardo: ready on https://%s%s%s:%d (metrics on "
	    "http://127.0.0.1:%d/metrics)\n", v6 ? "[" : "", host, v6 ? "]" : "",
	    s->port, s->metrics_port);
	fflush(stdout);
	notify("READY=1");
}

/* The api process first, so that no request waits for a vault that is gone. */
static void
stop(struct supervisor *s)
{
	if (!s->stopping)
		notify("STOPPING=1");
	s->stopping = true;
	s->child[VAULT].restart = s->child[API].restart = 0;
	if (s->child[API].pid != 0) {
		if (s->child[API].deadline == 0)
			rsg_child_stop(&s->child[API]);
	} else if (s->child[VAULT].pid != 0 && s->child[VAULT].deadline == 0)
		rsg_child_stop(&s->child[VAULT]);
}

static void
reap(struct supervisor *s)
{
	struct rsg_child *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < CHILDREN; i++) {
			c = &s->child[i];
			if (c->pid != pid)
				continue;
			rsg_child_ended(c, status);
			/* What never ran will not run by trying again. */
			if (!s->announced && !c->ever_ready && !s->stopping) {
				rsg_tell_error("%s did not start; its last lines "
				    "say why ('resguardo doctor' helps)", c->name);
				s->result = RSG_EXIT_FAILED;
				stop(s);
			}
		}
	}
}

static void
signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(s);
		else if (info.ssi_signo != SIGHUP)
			stop(s);
	}
}

/* What is due by now; the time until the next of them, in ms (-1: none). */
static int
due(struct supervisor *s)
{
	int64_t now = rsg_clock_mono(), next = 0, at;
	bool started = false;

	for (int i = 0; i < CHILDREN; i++) {
		struct rsg_child *c = &s->child[i];

		if (c->pid != 0 && c->deadline != 0 && c->deadline <= now)
			rsg_child_harsher(c);
		if (c->pid == 0 && c->restart != 0 && c->restart <= now) {
			if (rsg_child_start(c))
				started = true;
			else
				c->restart = now + c->delay;
		}
		at = c->pid != 0 ? c->deadline : c->restart;
		if (at != 0 && (next == 0 || at < next))
			next = at;
	}
	if (started)
		join(s);
	if (next == 0)
		return -1;
	return next <= now ? 0 : (int)((next - now) / 1000 + 1);
}

static void
loop(struct supervisor *s)
{
	struct pollfd p[CHILDREN + 1];
	int timeout;

	while (!s->stopping || s->child[VAULT].pid != 0 || s->child[API].pid != 0) {
		if (s->stopping)
			stop(s);	/* the next in order, when one has ended */
		timeout = due(s);
		for (int i = 0; i < CHILDREN; i++)
			p[i] = (struct pollfd){ .fd = s->child[i].control,
			    .events = POLLIN };
		p[CHILDREN] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
		if (poll(p, CHILDREN + 1, timeout) < 0 && errno != EINTR)
			break;
		for (int i = 0; i < CHILDREN; i++)
			if (p[i].fd >= 0 && p[i].fd == s->child[i].control &&
			    p[i].revents != 0)
				(void)rsg_child_heard(&s->child[i]);
		announce(s);
		signals(s);
	}
}

enum rsg_exit
rsg_serve_run(const struct rsg_args *a)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	enum rsg_exit result;

	if (s == NULL)
		return RSG_EXIT_FAILED;
	rsg_log_init("resguardo", RSG_LOG_INFO);
	s->result = RSG_EXIT_OK;
	if (!prepare(s, a) || !catch_signals(s)) {
		s->result = RSG_EXIT_FAILED;
		goto done;
	}
	limits();
	/* Started by the loop, as after any end: due now. */
	for (int i = 0; i < CHILDREN; i++) {
		s->child[i].delay = RSG_US / 5;
		s->child[i].restart = 1;
	}
	loop(s);
	if (s->announced && s->result == RSG_EXIT_OK)
		printf("resguardo: stopped\n");
done:
	for (int i = 0; i < CHILDREN; i++)
		rsg_child_free(&s->child[i]);
	result = s->result;
	free(s);
	return result;
}
