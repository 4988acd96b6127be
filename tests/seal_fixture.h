/*
 * seal_fixture.h - what the tests of vault/seal share: a log they can count,
 * and keyrings from root key files of their own.
 *
 * Include it after cmocka.h, in one file of a program only.
 */
#ifndef TESTS_SEAL_FIXTURE_H
#define TESTS_SEAL_FIXTURE_H

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resguardo/log.h"
#include "seal/seal_int.h"

static int logged;			/* lines since the last reset */
static char logged_event[64];		/* the last line's event */

/* Stands before the library's own when linking. */
void
rsg_log(enum rsg_log_level level, const char *event, ...)
{
	(void)level;
	logged++;
	(void)snprintf(logged_event, sizeof(logged_event), "%s", event);
}

/* A folder of the test's own, gone with fixture_clean(). */
static char fixture_dir[64];

static inline const char *
fixture_path(const char *name)
{
	static char path[128];

	if (fixture_dir[0] == '\0') {
		(void)snprintf(fixture_dir, sizeof(fixture_dir),
		    "/tmp/rsg-seal-XXXXXX");
		assert_non_null(mkdtemp(fixture_dir));
	}
	(void)snprintf(path, sizeof(path), "%s/%s", fixture_dir, name);
	return path;
}

static inline const char *
fixture_write(const char *name, const void *p, size_t len, mode_t mode)
{
	const char *path = fixture_path(name);
	int fd;

	(void)unlink(path);
	assert_true((fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) >= 0);
	assert_int_equal(write(fd, p, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
	return path;
}

/* The text of a root key file with these generations, key = 32 × number. */
static inline size_t
fixture_root(char *text, size_t max, const uint32_t *generation, size_t n)
{
	uint8_t key[RSG_KEY_LEN], be[4], check[RSG_DIGEST_LEN];
	size_t len = 0;

	len += (size_t)snprintf(text, max, "resguardo-root 1\n");
	for (size_t i = 0; i < n; i++) {
		memset(key, (int)generation[i], sizeof(key));
		rsg_be32(be, generation[i]);
		rsg_blake2b(NULL, (struct rsg_part[]) { { be, 4 },
		    { key, sizeof(key) } }, 2, check);
		len += (size_t)snprintf(text + len, max - len, "%u ",
		    generation[i]);
		for (size_t j = 0; j < sizeof(key); j++)
			len += (size_t)snprintf(text + len, max - len, "%02x",
			    key[j]);
		len += (size_t)snprintf(text + len, max - len, " ");
		for (size_t j = 0; j < 8; j++)
			len += (size_t)snprintf(text + len, max - len, "%02x",
			    check[j]);
		len += (size_t)snprintf(text + len, max - len, "\n");
	}
	return len + (size_t)snprintf(text + len, max - len, "end %zu\n", n);
}

static inline struct rsg_keyring *
fixture_keyring(const uint32_t *generation, size_t n)
{
	static char text[16384];
	struct rsg_keyring *r;
	const char *path;
	size_t len;

	len = fixture_root(text, sizeof(text), generation, n);
	path = fixture_write("root", text, len, 0600);
	assert_int_equal(rsg_keyring_open(path, &r), RSG_OK);
	(void)unlink(path);
	return r;
}

static inline int
fixture_clean(void **state)
{
	(void)state;
	if (fixture_dir[0] != '\0')
		(void)rmdir(fixture_dir);
	return 0;
}

static inline int
fixture_init(void **state)
{
	(void)state;
	return rsg_secret_init(1 << 16) == RSG_OK ? 0 : -1;
}

#endif
