/*
 * sandbox.c - P9: inside the sandbox there is no file, no socket, no database,
 * no program and no other process. Each is tried from a process of its own,
 * first without the sandbox, so that a refusal is the sandbox's doing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/sandbox.h"
#include "resguardo/log.h"

enum { REFUSED, WORKED, NO_SANDBOX, KILLED };

static struct sockaddr_un database;	/* a listener like PostgreSQL's */
static int listener = -1;
static int spare[2] = { -1, -1 };

static bool
try_read_file(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool
try_openat2(void)
{
	struct { uint64_t flags, mode, resolve; } how = { O_RDONLY, 0, 0 };

	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how,
	    sizeof(how)) >= 0;
}

static bool
try_write_file(void)
{
	return open("/tmp", O_TMPFILE | O_WRONLY, 0600) >= 0;
}

static bool
try_stat(void)
{
	struct stat st;

	return stat("/etc/passwd", &st) == 0;
}

static bool
try_list_folder(void)
{
	return open("/", O_RDONLY | O_DIRECTORY) >= 0;
}

static bool
try_tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool
try_udp_socket(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
}

static bool
try_database(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&database,
	    sizeof(database)) == 0;
}

/* A socket it may have had before does not help either. */
static bool
try_database_with_old_socket(void)
{
	return connect(spare[0], (struct sockaddr *)&database,
	    sizeof(database)) == 0;
}

static bool
try_bind(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	return bind(spare[1], (struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool
try_exec(void)
{
	char *argv[] = { (char *)(uintptr_t)"false", NULL }, *envp[] = { NULL };

	/* Where it works, false exits with what stands for WORKED. */
	execve("/bin/false", argv, envp);
	return false;
}

static bool
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
try_read_parent(void)
{
	char here, there;
	struct iovec to = { &here, 1 }, from = { &there, 1 };

	return process_vm_readv(getppid(), &to, 1, &from, 1, 0) == 1;
}

static bool
try_signal_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
try_make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool
try_memfd(void)
{
	return memfd_create("x", 0) >= 0;
}

/* What it must still be able to do. */
static bool
try_its_work(void)
{
	char byte = 'x', *p = malloc(1 << 20);
	int fd = accept(listener, NULL, NULL);

	free(p);
	return p != NULL && fd >= 0 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
	    shutdown(fd, SHUT_RDWR) == 0 && close(fd) == 0;
}

/* New ones each time: what one attempt connects is shared with the next. */
static void
renew_spares(void)
{
	for (int i = 0; i < 2; i++)
		if (spare[i] >= 0)
			close(spare[i]);
	spare[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	spare[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(spare[0] >= 0 && spare[1] >= 0);
}

static int
outcome(bool (*attempt)(void), bool inside)
{
	pid_t pid;
	int status;

	renew_spares();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (inside && rsg_sandbox_enter() != RSG_OK)
			_exit(NO_SANDBOX);
		_exit(attempt() ? WORKED : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? KILLED : WEXITSTATUS(status);
}

/* Allowed outside; inside it fails, and what only an intruder does kills. */
static void
assert_confined(bool (*attempt)(void), bool kills)
{
	assert_int_equal(outcome(attempt, false), WORKED);
	assert_int_equal(outcome(attempt, true), kills ? KILLED : REFUSED);
}

static void
test_no_files(void **state)
{
	(void)state;
	assert_confined(try_read_file, false);
	assert_confined(try_openat2, false);
	assert_confined(try_write_file, false);
	assert_confined(try_stat, false);
	assert_confined(try_list_folder, false);
}

static void
test_no_sockets(void **state)
{
	(void)state;
	assert_confined(try_tcp_socket, false);
	assert_confined(try_udp_socket, false);
	assert_confined(try_bind, false);
}

static void
test_no_database(void **state)
{
	(void)state;
	assert_confined(try_database, false);
	assert_confined(try_database_with_old_socket, false);
}

static void
test_no_programs(void **state)
{
	(void)state;
	assert_confined(try_exec, true);
	assert_confined(try_fork, false);
	assert_confined(try_memfd, true);
}

static void
test_no_other_process(void **state)
{
	(void)state;
	assert_confined(try_ptrace, true);
	assert_int_equal(outcome(try_read_parent, true), KILLED);
	assert_confined(try_signal_parent, false);
}

static void
test_no_new_code(void **state)
{
	(void)state;
	assert_confined(try_code, false);
	assert_confined(try_make_code, false);
}

static void
test_its_work_goes_on(void **state)
{
	struct sockaddr_un peer = database;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
	assert_int_equal(outcome(try_its_work, true), WORKED);
	close(fd);
}

static int
setup(void **state)
{
	char folder[] = "/tmp/rsg-sandbox-XXXXXX";

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	database.sun_family = AF_UNIX;
	(void)snprintf(database.sun_path, sizeof(database.sun_path),
	    "%s/.s.PGSQL.5432", folder);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return bind(listener, (struct sockaddr *)&database,
	    sizeof(database)) != 0 || listen(listener, 64) != 0;
}

static int
teardown(void **state)
{
	char *slash = strrchr(database.sun_path, '/');

	(void)state;
	close(listener);
	close(spare[0]);
	close(spare[1]);
	(void)unlink(database.sun_path);
	*slash = '\0';
	return rmdir(database.sun_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_its_work_goes_on),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_no_sockets),
		cmocka_unit_test(test_no_database),
		cmocka_unit_test(test_no_programs),
		cmocka_unit_test(test_no_other_process),
		cmocka_unit_test(test_no_new_code),
	};

	rsg_log_init("sandbox", RSG_LOG_WARN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
