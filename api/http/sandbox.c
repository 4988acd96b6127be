#include "http/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "resguardo/log.h"

/*
 * Landlock's numbers, written out: the headers of the system we build on may
 * be older than the kernel we run on.
 */
#define LL_CREATE		444
#define LL_ADD_RULE		445
#define LL_RESTRICT		446
#define LL_PATH_BENEATH		1
#define LL_READ_FILE		(UINT64_C(1) << 2)
#define LL_ASK_VERSION		(1U << 0)
#define LL_NET_FROM		4	/* first ABI with TCP rights */
#define LL_SCOPE_FROM		6	/* first ABI with scopes */
#define LL_NET_ALL		UINT64_C(3)	/* bind, connect */
#define LL_SCOPE_ALL		UINT64_C(3)	/* abstract sockets, signals */

struct ll_path {
	uint64_t access;
	int32_t folder;
} __attribute__((packed));

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

/* The one folder that stays readable, and whether Landlock keeps it to that. */
static int readable = -1;
static bool confined_to_it;

void
rsg_sandbox_readable(int folder)
{
	readable = folder;
}

/* Every filesystem right that the ABI can take away. */
static uint64_t
landlock_fs(long abi)
{
	if (abi >= 5)
		return 0xffff;		/* 1..15: with ioctl on devices */
	if (abi >= 3)
		return 0x7fff;		/* with truncate */
	return abi == 2 ? 0x3fff : 0x1fff;	/* with and without refer */
}

/* A ruleset that handles everything and allows nothing but reading files in
 * the folder above. */
static enum rsg_err
landlock_enter(void)
{
	struct ll_ruleset set = { 0, 0, 0 };
	size_t size = sizeof(set.fs);
	long abi, fd;

	abi = syscall(LL_CREATE, NULL, 0, LL_ASK_VERSION);
	if (abi < 1) {
		rsg_log(RSG_LOG_WARN, "sandbox.landlock-missing",
		    "errno", RSG_LOG_I, (int64_t)errno, NULL);
		return RSG_OK;
	}
	set.fs = landlock_fs(abi);
	if (abi >= LL_NET_FROM) {
		set.net = LL_NET_ALL;
		size = offsetof(struct ll_ruleset, scoped);
	} else
		rsg_log(RSG_LOG_WARN, "sandbox.landlock-old",
		    "abi", RSG_LOG_I, (int64_t)abi,
		    "without", RSG_LOG_S, "tcp", NULL);
	if (abi >= LL_SCOPE_FROM) {
		set.scoped = LL_SCOPE_ALL;
		size = sizeof(set);
	}
	fd = syscall(LL_CREATE, &set, size, 0);
	if (fd < 0)
		goto failed;
	if (readable >= 0 && syscall(LL_ADD_RULE, (int)fd, LL_PATH_BENEATH,
	    &(struct ll_path){ LL_READ_FILE, readable }, 0) == 0)
		confined_to_it = true;
	if (syscall(LL_RESTRICT, (int)fd, 0) != 0) {
		close((int)fd);
		goto failed;
	}
	close((int)fd);
	rsg_log(RSG_LOG_INFO, "sandbox.landlock", "abi", RSG_LOG_I,
	    (int64_t)abi, NULL);
	return RSG_OK;
failed:
	rsg_log(RSG_LOG_ERROR, "sandbox.landlock-failed", "abi", RSG_LOG_I,
	    (int64_t)abi, "errno", RSG_LOG_I, (int64_t)errno, NULL);
	return RSG_CONFIG;
}

/*
 * What the event loop, TLS and the allocator call once the sockets are there.
 * socket, connect, bind, open, stat, fork and the rest are not in it.
 */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(shutdown), SCMP_SYS(close),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(fcntl), SCMP_SYS(fstat),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(getrusage), SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* No library of ours calls these on any path: who does is an intruder. */
static const int deadly[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf), SCMP_SYS(userfaultfd), SCMP_SYS(perf_event_open),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(keyctl),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(memfd_create),
};

/* Memory may be had, but never memory that can be executed. */
static int
allow_memory(scmp_filter_ctx c)
{
	struct scmp_arg_cmp noexec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r;

	if ((r = seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    &noexec)) != 0)
		return r;
	return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    &noexec);
}

/*
 * Opening, in that folder only and only to read. A path that leads out of it
 * is Landlock's to refuse, so this needs Landlock.
 */
static int
allow_open(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp how[] = {
		{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)readable },
		{ .arg = 2, .op = SCMP_CMP_MASKED_EQ,
		    .datum_a = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE,
		    .datum_b = O_RDONLY },
	};

	if (!confined_to_it)
		return 0;
	return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(openat), 2, how);
}

/* abort() signals the process itself, and nobody else. */
static int
allow_abort(scmp_filter_ctx c)
{
	struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ,
	    (scmp_datum_t)getpid(), 0);

	return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    &self);
}

/*
 * Three answers. What is needed is allowed. What only an intruder would call
 * ends the process at once: the supervisor sees it, and nothing more is
 * tried. All else fails with EPERM: a library of next year that tries a new
 * call and falls back must not take the server down with it.
 */
static enum rsg_err
seccomp_enter(void)
{
	scmp_filter_ctx c;
	int r = 0;

	c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (c == NULL)
		return RSG_CONFIG;
	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
		r = seccomp_rule_add_array(c, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; r == 0 && i < sizeof(deadly) / sizeof(*deadly); i++)
		r = seccomp_rule_add_array(c, SCMP_ACT_KILL_PROCESS, deadly[i],
		    0, NULL);
	if (r == 0)
		r = allow_memory(c);
	if (r == 0)
		r = allow_abort(c);
	if (r == 0)
		r = allow_open(c);
	if (r == 0)
		r = seccomp_load(c);
	seccomp_release(c);
	if (r != 0)
		rsg_log(RSG_LOG_ERROR, "sandbox.seccomp-failed",
		    "errno", RSG_LOG_I, (int64_t)-r, NULL);
	return r == 0 ? RSG_OK : RSG_CONFIG;
}

#ifdef RSG_SANITIZED
/*
 * In no build that serves anybody. The search for leaks at the end stops the
 * process with ptrace and reads its maps: what the sandbox is there to forbid.
 * So a confined process is not searched, and RSG_UNCONFINED leaves one outside.
 */
static bool confined;

int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return confined;
}
#endif

/* Whatever the supervisor left us of them. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
	    { 0, 0, 0 } };

	return (int)syscall(SYS_capset, &head, none);
}

enum rsg_err
rsg_sandbox_enter(void)
{
	enum rsg_err e;

#ifdef RSG_SANITIZED
	if (getenv("RSG_UNCONFINED") != NULL)
		return RSG_OK;
	confined = true;
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    drop_capabilities() != 0) {
		rsg_log(RSG_LOG_ERROR, "sandbox.prctl-failed",
		    "errno", RSG_LOG_I, (int64_t)errno, NULL);
		return RSG_CONFIG;
	}
	if ((e = landlock_enter()) != RSG_OK)
		return e;
	return seccomp_enter();
}
