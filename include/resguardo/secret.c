#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#ifdef RSG_SANITIZED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)		((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n)	((void)(p), (void)(n))
#endif

#include "resguardo/log.h"
#include "resguardo/secret.h"

#define ALIGN	((size_t)16)

struct rsg_arena {
	uint8_t *map;			/* guard page, arena, guard page */
	size_t maplen;
	uint8_t *base;
	size_t size;
	size_t used;
};

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * Bytes between two guard pages, locked, out of core dumps, and read as
 * zeroes by a child that forks without exec. NULL, with errno.
 */
static uint8_t *
map_locked(size_t bytes, uint8_t **map, size_t *maplen)
{
	size_t page = page_size();
	uint8_t *m, *base;
	int saved;

	if (bytes == 0 || bytes > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	bytes = round_up(bytes, page);
	*maplen = bytes + 2 * page;
	m = mmap(NULL, *maplen, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	base = m + page;
	if (mprotect(base, bytes, PROT_READ | PROT_WRITE) != 0 ||
	    mlock(base, bytes) != 0 ||
	    madvise(base, bytes, MADV_DONTDUMP) != 0 ||
	    madvise(base, bytes, MADV_WIPEONFORK) != 0) {
		saved = errno;
		(void)munmap(m, *maplen);
		errno = saved;
		return NULL;
	}
	*map = m;
	return base;
}

static void
log_unlocked(size_t bytes)
{
	int saved = errno;
	struct rlimit l = { 0, 0 };

	(void)getrlimit(RLIMIT_MEMLOCK, &l);
	rsg_log(RSG_LOG_ERROR, "secret.unlocked",
	    "error", RSG_LOG_S, strerror(saved),
	    "bytes", RSG_LOG_I, (int64_t)bytes,
	    "limit", RSG_LOG_I, (int64_t)l.rlim_cur,
	    "help", RSG_LOG_S, "raise LimitMEMLOCK= in the unit, or ulimit -l",
	    NULL);
}

/* Nobody but root may look into the process, and it leaves no core file. */
static enum rsg_err
close_process(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		goto fail;
#ifndef RSG_SANITIZED
	/* LeakSanitizer attaches with ptrace, so its builds stay dumpable. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		goto fail;
#endif
	return RSG_OK;
fail:
	rsg_log(RSG_LOG_ERROR, "secret.dumpable", "error", RSG_LOG_S,
	    strerror(errno), NULL);
	return RSG_CONFIG;
}

enum rsg_err
rsg_secret_init(size_t locked)
{
	struct rlimit l;
	uint8_t *map = NULL;
	size_t maplen;
	enum rsg_err e;

	if (sodium_init() < 0) {
		rsg_log(RSG_LOG_ERROR, "secret.sodium", NULL);
		return RSG_CONFIG;
	}
	if ((e = close_process()) != RSG_OK)
		return e;
	if (locked == 0)
		return RSG_OK;
	/* What the hard limit grants needs nobody's help. */
	if (getrlimit(RLIMIT_MEMLOCK, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &l);
	}
	/* sodium_malloc() keeps quiet when it cannot lock: ask beforehand. */
	if (map_locked(locked, &map, &maplen) == NULL) {
		log_unlocked(locked);
		return RSG_CONFIG;
	}
	(void)munmap(map, maplen);
	return RSG_OK;
}

void
rsg_secret_wipe(void *p, size_t len)
{
	if (len != 0)
		sodium_memzero(p, len);
}

int
rsg_secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void
rsg_secret_random(void *p, size_t len)
{
	randombytes_buf(p, len);
}

uint64_t
rsg_secret_random64(void)
{
	uint64_t n;

	randombytes_buf(&n, sizeof(n));
	return n;
}

void *
rsg_secret_alloc(size_t len)
{
	void *p;

	if (len > SIZE_MAX / 2)
		return NULL;
	/* A multiple of 16, because the block ends at the guard page. */
	len = round_up(len == 0 ? 1 : len, ALIGN);
	if ((p = sodium_malloc(len)) == NULL)
		return NULL;
	if (mlock(p, len) != 0) {
		log_unlocked(len);
		sodium_free(p);
		return NULL;
	}
	sodium_memzero(p, len);
	return p;
}

void
rsg_secret_free(void *p)
{
	sodium_free(p);
}

enum rsg_err
rsg_arena_new(size_t bytes, struct rsg_arena **out)
{
	struct rsg_arena *a;

	*out = NULL;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return RSG_NO_MEMORY;
	if ((a->base = map_locked(bytes, &a->map, &a->maplen)) == NULL) {
		log_unlocked(bytes);
		free(a);
		return RSG_NO_MEMORY;
	}
	a->size = round_up(bytes, ALIGN);
	ASAN_POISON_MEMORY_REGION(a->base, a->size);
	*out = a;
	return RSG_OK;
}

void
rsg_arena_free(struct rsg_arena *a)
{
	if (a == NULL)
		return;
	rsg_arena_reset(a);
	ASAN_UNPOISON_MEMORY_REGION(a->base, a->size);
	(void)munmap(a->map, a->maplen);
	free(a);
}

void *
rsg_arena_get(struct rsg_arena *a, size_t len)
{
	uint8_t *p;

	if (len > a->size)
		return NULL;
	len = round_up(len == 0 ? 1 : len, ALIGN);
	if (len > a->size - a->used)
		return NULL;
	/* Zero already: fresh from the system, or wiped by the last reset. */
	p = a->base + a->used;
	a->used += len;
	ASAN_UNPOISON_MEMORY_REGION(p, len);
	return p;
}

void
rsg_arena_reset(struct rsg_arena *a)
{
	rsg_secret_wipe(a->base, a->used);
	/* Under ASan a pointer kept from before is now a fault. */
	ASAN_POISON_MEMORY_REGION(a->base, a->used);
	a->used = 0;
}

size_t
rsg_arena_used(const struct rsg_arena *a)
{
	return a->used;
}
