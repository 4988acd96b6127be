#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "resguardo/secret.h"

/* What a child finds out; 0 when all is as it should be. */
static int
child(int (*run)(void *), void *arg)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);	/* cmocka's would go on */
		_exit(run(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The kernel's word about the mapping at `p`: its line "Name:" of smaps. */
static bool
mapping_has(const void *p, const char *name, const char *want)
{
	unsigned long from, to;
	char line[512];
	bool inside = false, found = false;
	FILE *f;

	assert_non_null(f = fopen("/proc/self/smaps", "r"));
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)p && (uintptr_t)p < to;
		else if (inside && strncmp(line, name, strlen(name)) == 0)
			found = strstr(line, want) != NULL;
	}
	(void)fclose(f);
	return found;
}

/* Sanitizers make mlock() do nothing. */
static bool
locking_is_real(void)
{
#ifdef RSG_SANITIZED
	print_message("sanitized: locking and dumping not looked at\n");
	return false;
#else
	return true;
#endif
}

static void
the_process_is_closed(void **state)
{
	struct rlimit l;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &l), 0);
	assert_int_equal(l.rlim_cur, 0);
	assert_int_equal(l.rlim_max, 0);
	if (locking_is_real())
		assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

/* As nobody, because root may lock without a limit. */
static int
init_with_little(void *arg)
{
	const struct rlimit l = { 65536, 65536 };

	(void)arg;
	if (setrlimit(RLIMIT_MEMLOCK, &l) != 0 ||
	    (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
		return 1;
	if (rsg_secret_init(32768) != RSG_OK)
		return 2;
	if (rsg_secret_init(1 << 20) != RSG_CONFIG)
		return 3;
	return 0;
}

static int
arena_with_little(void *arg)
{
	const struct rlimit l = { 65536, 65536 };
	struct rsg_arena *a = arg;

	if (setrlimit(RLIMIT_MEMLOCK, &l) != 0 ||
	    (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
		return 1;
	if (rsg_arena_new(1 << 20, &a) != RSG_NO_MEMORY || a != NULL)
		return 2;
	if (rsg_secret_alloc(1 << 20) != NULL)
		return 3;
	return 0;
}

static void
what_cannot_be_locked_is_not_used(void **state)
{
	(void)state;
	if (!locking_is_real())
		skip();
	assert_int_equal(child(init_with_little, NULL), 0);
	assert_int_equal(child(arena_with_little, NULL), 0);
}

static void
guarded_memory_is_locked_and_zero(void **state)
{
	static const uint8_t zero[33];
	uint8_t *p = rsg_secret_alloc(33);

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_memory_equal(p, zero, sizeof(zero));
	if (locking_is_real()) {
		assert_true(mapping_has(p, "VmFlags:", " lo"));
		assert_true(mapping_has(p, "VmFlags:", " dd"));
	}
	rsg_secret_free(p);
	rsg_secret_free(NULL);
	assert_null(rsg_secret_alloc(SIZE_MAX - 8));
}

static int
touch(void *p)
{
	*(volatile uint8_t *)p = 1;
	return 0;
}

static void
past_the_end_is_a_fault(void **state)
{
	uint8_t *p = rsg_secret_alloc(48);
	struct rsg_arena *a;
	uint8_t *q;

	(void)state;
	if (!locking_is_real())
		skip();
	assert_int_equal(child(touch, p + 47), 0);
	assert_int_not_equal(child(touch, p + 48), 0);
	rsg_secret_free(p);
	assert_int_equal(rsg_arena_new(65536, &a), RSG_OK);
	assert_non_null(q = rsg_arena_get(a, 65536));
	assert_int_equal(child(touch, q + 65535), 0);
	assert_int_not_equal(child(touch, q + 65536), 0);
	assert_int_not_equal(child(touch, q - 1), 0);
	rsg_arena_free(a);
}

static void
an_arena_gives_until_it_is_full(void **state)
{
	struct rsg_arena *a;
	uint8_t *p, *q;

	(void)state;
	assert_int_equal(rsg_arena_new(64, &a), RSG_OK);
	assert_int_equal(rsg_arena_used(a), 0);
	assert_null(rsg_arena_get(a, 65));
	assert_null(rsg_arena_get(a, SIZE_MAX));
	assert_non_null(p = rsg_arena_get(a, 1));
	assert_non_null(q = rsg_arena_get(a, 17));
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_int_equal(q - p, 16);
	assert_int_equal(rsg_arena_used(a), 48);
	assert_null(rsg_arena_get(a, 17));
	assert_non_null(rsg_arena_get(a, 16));
	assert_null(rsg_arena_get(a, 0));
	assert_int_equal(rsg_arena_used(a), 64);
	rsg_arena_reset(a);
	assert_int_equal(rsg_arena_used(a), 0);
	assert_ptr_equal(rsg_arena_get(a, 64), p);
	rsg_arena_free(a);
	rsg_arena_free(NULL);
	assert_int_equal(rsg_arena_new(0, &a), RSG_NO_MEMORY);
	assert_null(a);
}

static void
an_arena_is_wiped(void **state)
{
	static const uint8_t zero[4096];
	struct rsg_arena *a;
	uint8_t *p;

	(void)state;
	assert_int_equal(rsg_arena_new(sizeof(zero), &a), RSG_OK);
	for (int i = 0; i < 3; i++) {
		assert_non_null(p = rsg_arena_get(a, sizeof(zero)));
		assert_memory_equal(p, zero, sizeof(zero));
		memset(p, 0x5a, sizeof(zero));
		rsg_arena_reset(a);
	}
	rsg_arena_free(a);
}

static int
is_zero(void *p)
{
	return memcmp(p, "\0\0\0\0", 4) != 0;
}

static void
an_arena_stays_home(void **state)
{
	struct rsg_arena *a;
	uint8_t *p;

	(void)state;
	assert_int_equal(rsg_arena_new(4096, &a), RSG_OK);
	assert_non_null(p = rsg_arena_get(a, 4));
	memcpy(p, "data", 4);
	assert_int_equal(child(is_zero, p), 0);
	assert_memory_equal(p, "data", 4);
	if (locking_is_real()) {
		assert_true(mapping_has(p, "VmFlags:", " lo"));
		assert_true(mapping_has(p, "VmFlags:", " dd"));
	}
	rsg_arena_free(a);
}

static void
the_small_ones(void **state)
{
	uint8_t a[24] = { 0 }, b[24] = { 0 };

	(void)state;
	rsg_secret_random(a, sizeof(a));
	assert_memory_not_equal(a, b, sizeof(a));
	memcpy(b, a, sizeof(a));
	assert_int_equal(rsg_secret_equal(a, b, sizeof(a)), 1);
	b[23] ^= 1;
	assert_int_equal(rsg_secret_equal(a, b, sizeof(a)), 0);
	assert_int_equal(rsg_secret_equal(a, b, 23), 1);
	assert_int_equal(rsg_secret_equal(a, b, 0), 1);
	rsg_secret_wipe(a, 23);
	for (size_t i = 0; i < 23; i++)
		assert_int_equal(a[i], 0);
	assert_int_equal(a[23], b[23] ^ 1);
	rsg_secret_wipe(NULL, 0);
	assert_int_not_equal(rsg_secret_random64(), rsg_secret_random64());
}

static int
init(void **state)
{
	(void)state;
	return rsg_secret_init(1 << 16) == RSG_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_is_closed),
		cmocka_unit_test(what_cannot_be_locked_is_not_used),
		cmocka_unit_test(guarded_memory_is_locked_and_zero),
		cmocka_unit_test(past_the_end_is_a_fault),
		cmocka_unit_test(an_arena_gives_until_it_is_full),
		cmocka_unit_test(an_arena_is_wiped),
		cmocka_unit_test(an_arena_stays_home),
		cmocka_unit_test(the_small_ones),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
