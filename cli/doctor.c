/*
 * doctor.c - `resguardo doctor`: looks at everything a healthy server needs,
 * and says of each what is there and what to do about it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/listen.h"
#include "cli/paths.h"
#include "cli/status.h"
#include "policy/policytool.h"
#include "resguardo/clock.h"
#include "seal/seal.h"
#include "store/store.h"

#define LOCKED		(6u << 20)	/* what keys and workers' arenas need */
#define DISK_WARN	(2048u)		/* MiB */
#define DISK_FAIL	(256u)
#define CERT_WARN	30		/* days */

enum health { FINE, WARN, FAIL };

struct doctor {
	const struct rsg_args *args;
	const char *state;
	int warned, failed;
};

static void __attribute__((format(printf, 4, 5)))
say(struct doctor *d, enum health h, const char *what, const char *format, ...)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };
	va_list ap;

	printf("%-5s %-22s ", words[h], what);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	d->warned += h == WARN;
	d->failed += h == FAIL;
}

/* --- Keys --- */

static void
keys(struct doctor *d)
{
	struct rsg_keyring *ring;
	char path[RSG_PATH_MAX];
	const char *file = path;
	struct stat st;

	if (!rsg_paths_state(path, d->state, "keys/root.key"))
		return;
	/* As the server does: a credential of systemd's comes first. */
	if (getenv("CREDENTIALS_DIRECTORY") != NULL)
		file = NULL;
	if (file != NULL && stat(path, &st) != 0) {
		say(d, FAIL, "root key", "%s: %s. Restore it from your copy, or make "
		    "the first one: resguardo keys init", path, strerror(errno));
		return;
	}
	if (file != NULL && (st.st_mode & 077) != 0)
		say(d, FAIL, "root key", "others may read it: chmod 600 %s", path);
	if (rsg_keyring_open(file, &ring) != RSG_OK) {
		say(d, FAIL, "root key", "it cannot be used; the line before says why");
		return;
	}
	say(d, FINE, "root key", "generation %u",
	    (unsigned)rsg_keyring_generation(ring));
	rsg_keyring_free(ring);
}

static void
memory(struct doctor *d)
{
	struct rlimit r = { 0, 0 };
	void *p = mmap(NULL, LOCKED, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)getrlimit(RLIMIT_MEMLOCK, &r);
	/* The supervisor raises the soft limit as far as it may. */
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &r);
	if (p == MAP_FAILED || mlock(p, LOCKED) != 0)
		say(d, FAIL, "locked memory", "%u MiB cannot be locked (%s): raise "
		    "the limit with 'ulimit -l' or LimitMEMLOCK= in the unit",
		    LOCKED >> 20, strerror(errno));
	else
		say(d, FINE, "locked memory", "%u MiB can be locked", LOCKED >> 20);
	if (p != MAP_FAILED)
		munmap(p, LOCKED);
	if (getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur != 0)
		say(d, FINE, "core dumps", "the server turns them off for itself");
}

/* --- Certificate, clock, disk --- */

static void
certificate(struct doctor *d)
{
	char cert[RSG_PATH_MAX], key[RSG_PATH_MAX];
	struct stat st;
	int64_t days;

	if (!rsg_paths_state(cert, d->state, "tls/server.pem") ||
	    !rsg_paths_state(key, d->state, "tls/server.key"))
		return;
	if (!rsg_certificate_days(cert, &days)) {
		say(d, FAIL, "certificate", "%s cannot be read; make one: resguardo "
		    "certificate init", cert);
		return;
	}
	if (!rsg_certificate_matches(cert, key)) {
		say(d, FAIL, "certificate", "%s is not its key, or cannot be read", key);
		return;
	}
	if (stat(key, &st) == 0 && (st.st_mode & 077) != 0)
		say(d, FAIL, "certificate key", "others may read it: chmod 600 %s", key);
	if (days < 0)
		say(d, FAIL, "certificate", "it has expired: resguardo certificate "
		    "init, then restart");
	else if (days < CERT_WARN)
		say(d, WARN, "certificate", "it expires in %lld days: resguardo "
		    "certificate init, then restart", (long long)days);
	else
		say(d, FINE, "certificate", "good for %lld days", (long long)days);
}

static void
clocks(struct doctor *d)
{
	struct timex t = { .modes = 0 };
	int year, month, day;

	rsg_clock_civil(rsg_clock_day(rsg_clock_now()), &year, &month, &day);
	if (year < 2025)
		say(d, FAIL, "clock", "it says %d: consents and the audit log need the "
		    "true time; set it", year);
	else if (adjtimex(&t) < 0 || (t.status & STA_UNSYNC) != 0)
		say(d, WARN, "clock", "the kernel does not know it to be synchronised: "
		    "run systemd-timesyncd or chrony");
	else
		say(d, FINE, "clock", "synchronised");
}

static void
disk(struct doctor *d)
{
	struct statvfs v;
	uint64_t mib;

	if (statvfs(d->state, &v) != 0) {
		say(d, FAIL, "state directory", "%s: %s", d->state, strerror(errno));
		return;
	}
	mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
	if (mib < DISK_FAIL || (v.f_files > 0 && v.f_favail == 0))
		say(d, FAIL, "disk", "%llu MiB left: make room, or writes stop",
		    (unsigned long long)mib);
	else
		say(d, mib < DISK_WARN ? WARN : FINE, "disk", "%llu MiB left%s",
		    (unsigned long long)mib, mib < DISK_WARN ? ": make room soon" : "");
}

/* --- Policy, database, server --- */

static void
policy(struct doctor *d)
{
	char dir[RSG_PATH_MAX];
	struct rsg_buf out;
	enum rsg_err e;

	if (!rsg_paths_share(dir, "policies"))
		return;
	rsg_buf_init(&out, 1 << 20);
	e = rsg_policy_lint(rsg_args_get(d->args, "policies", dir), &out);
	rsg_buf_u8(&out, '\0');
	if (e == RSG_OK)
		say(d, FINE, "policy", "the lint has nothing to say");
	else if (rsg_buf_ok(&out) && e == RSG_CONFIG &&
	    strstr((const char *)out.p, "fault") == NULL)
		say(d, WARN, "policy", "doubts: resguardo policy lint");
	else
		say(d, FAIL, "policy", "faults: resguardo policy lint");
	rsg_buf_free(&out);
}

static void
database_said(void *ctx, const char *check, bool good, const char *detail)
{
	say(ctx, good ? FINE : FAIL, check, "%s", detail);
}

static void
database(struct doctor *d)
{
	char conninfo[1024];

	if (rsg_paths_database(conninfo, rsg_args_get(d->args, "database", NULL),
	    d->state, "resguardo_app"))
		rsg_db_doctor(conninfo, database_said, d);
	else
		say(d, FAIL, "database", "it cannot be asked; the line before says why");
}

static void
server_said(void *ctx, const char *name, const char *status, const char *detail)
{
	enum health h = FINE;
	char what[80];

	snprintf(what, sizeof(what), "server: %s", name);
	if (strcmp(status, "warn") == 0)
		h = WARN;
	else if (strcmp(status, "FAIL") == 0 || strcmp(status, "fail") == 0)
		h = FAIL;
	say(ctx, h, what, "%s", detail);
}

static void
server(struct doctor *d)
{
	char run[RSG_PATH_MAX];
	int fd;

	if (!rsg_paths_state(run, d->state, "run"))
		return;
	/* Not running is a fact about now, not a fault of the installation. */
	if ((fd = rsg_listen_connect(run, "admin.sock")) < 0) {
		say(d, WARN, "server", "it is not running: resguardo serve");
		return;
	}
	close(fd);
	if (rsg_status_ask(d->state, server_said, d) != RSG_OK)
		say(d, FAIL, "server", "it does not answer; its log says why");
}

enum rsg_exit
rsg_doctor_run(const struct rsg_args *a)
{
	struct doctor d = { .args = a, .state = RSG_STATE_OF(a) };

	disk(&d);
	keys(&d);
	memory(&d);
	certificate(&d);
	clocks(&d);
	policy(&d);
	database(&d);
	server(&d);
	printf("%d to see to, %d to look at\n", d.failed, d.warned);
	return d.failed > 0 ? RSG_EXIT_FAILED : RSG_EXIT_OK;
}
