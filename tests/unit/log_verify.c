/*
 * Verifying a log offline: what is whole passes, and whatever byte of
 * whatever file is altered is found, and the right thing is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/verify.h"
#include "log_made.h"

#define SIZE	66000		/* a full tile of level 1, and partial ones */

static char folder[64], said[8][512];
static size_t nsaid;
static struct made made;
static struct rsg_checkpoint early;	/* at 300 entries */

static void
listen_(void *ctx, bool wrong, const char *text)
{
	(void)ctx;
	if (wrong && nsaid < 8)
		snprintf(said[nsaid++], sizeof(said[0]), "%s", text);
}

static enum rsg_err
verify_with(const struct rsg_checkpoint *old)
{
	struct rsg_verify v = { .dir = folder, .key = &made.key.public,
	    .remembered = old, .say = listen_ };
	enum rsg_err e;

	nsaid = 0;
	memset(said, 0, sizeof(said));
	e = rsg_verify_run(&v);
	assert_int_equal(v.wrong, nsaid < 8 ? nsaid : v.wrong);
	assert_true((e == RSG_OK) == (v.wrong == 0));
	rsg_buf_free(&v.note);
	rsg_buf_free(&v.before);
	return e;
}

static void
says(const char *want)
{
	assert_int_equal(verify_with(NULL), RSG_TAMPERED);
	if (strncmp(said[0], want, strlen(want)) != 0 || nsaid != 1)
		fail_msg("%zu said, first: '%s'", nsaid, said[0]);
}

static void
path_of(const char *rel, char path[200])
{
	snprintf(path, 200, "%s/%s", folder, rel);
}

/* Flip a bit, see what is said, flip it back. */
static void
flipped(const char *rel, long at, const char *want)
{
	char path[200];
	FILE *f;
	int c;

	path_of(rel, path);
	for (int i = 0; i < 2; i++) {
		assert_non_null(f = fopen(path, "r+"));
		assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
		c = fgetc(f);
		assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
		fputc(c ^ 0x10, f);
		fclose(f);
		if (i == 0)
			says(want);
	}
	assert_int_equal(verify_with(NULL), RSG_OK);
}

static void
moved(const char *rel, const char *want)
{
	char path[200], aside[220];

	path_of(rel, path);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(rename(path, aside), 0);
	says(want);
	assert_int_equal(rename(aside, path), 0);
}

static void
whole(void **state)
{
	(void)state;
	assert_int_equal(verify_with(NULL), RSG_OK);
	assert_int_equal(verify_with(&early), RSG_OK);
}

static void
altered(void **state)
{
	(void)state;
	/* In an entry: its first byte, its id, its end; of full and partial bundles. */
	flipped("tile/entries/000", 2, "entry 0 (");
	flipped("tile/entries/000", 10, "entry 0 (");
	flipped("tile/entries/010", -1, "entry 2815 (");
	flipped("tile/entries/257.p/208", -1, "entry 65999 (");
	/* In a tile of hashes. */
	flipped("tile/0/000", 0, "tile/0/000: hash 0 is not that of its entry 0");
	flipped("tile/0/100", 33, "tile/0/100: hash 1 is not that of its entry 25601");
	flipped("tile/0/257.p/208", -1, "tile/0/257.p/208: hash 207 is not");
	flipped("tile/1/000", 32, "tile/1/000: hash 1 is not that of the tile below");
	flipped("tile/1/001.p/1", 5, "tile/1/001.p/1: hash 0 is not that of the tile below");
	flipped("tile/2/000.p/1", 5, "tile/2/000.p/1: hash 0 is not that of the tile below");
	/* In the length of an entry: nothing after it can be read. */
	flipped("tile/entries/000", 0, "entry 0: bundle 0 cannot be read");
	flipped("checkpoint", 3, "the checkpoint is ");
	flipped("checkpoint", 20, "the checkpoint is ");
	flipped("checkpoint", -20, "the checkpoint is ");
}

static void
missing(void **state)
{
	(void)state;
	moved("tile/entries/003", "bundle 3 (entries 768 to 1023) is missing");
	moved("tile/0/003", "tile/0/003 is missing");
	moved("tile/1/000", "tile/1/000 is missing");
	moved("tile/0/257.p/208", "tile/0/257.p/208 is missing");
	moved("checkpoint", "the checkpoint is missing");
	assert_int_equal(verify_with(NULL), RSG_OK);
}

static void
cut_and_grown(void **state)
{
	char path[200];

	(void)state;
	path_of("tile/0/005", path);
	assert_int_equal(truncate(path, 8193), 0);
	says("tile/0/005 does not have the length of a tile");
	assert_int_equal(truncate(path, 8192), 0);
	path_of("tile/entries/005", path);
	FILE *f = fopen(path, "a");
	fputc('x', f);
	fclose(f);
	says("bundle 5 goes on after its last entry");
	f = fopen(path, "r");
	fseek(f, 0, SEEK_END);
	assert_int_equal(truncate(path, ftell(f) - 1), 0);
	fclose(f);
	assert_int_equal(verify_with(NULL), RSG_OK);
}

static struct rsg_checkpoint
signed_now(void)
{
	struct rsg_checkpoint c = { .size = made.edge.size };

	rsg_edge_root(&made.edge, c.root);
	return c;
}

static void
rewritten(void **state)
{
	struct rsg_checkpoint other = early, more = signed_now();

	(void)state;
	other.root[0] ^= 1;
	assert_int_equal(verify_with(&other), RSG_TAMPERED);
	assert_non_null(strstr(said[0], "the log was rewritten"));
	more.size++;
	assert_int_equal(verify_with(&more), RSG_TAMPERED);
	assert_non_null(strstr(said[0], "the remembered checkpoint had 66001"));
	more = signed_now();
	assert_int_equal(verify_with(&more), RSG_OK);
	more.root[31] ^= 1;
	assert_int_equal(verify_with(&more), RSG_TAMPERED);
}

static void
other_key(void **state)
{
	struct rsg_vkey mine = made.key.public;

	(void)state;
	made.key.public.pub[3] ^= 1;
	made.key.public.id[0] ^= 1;
	says("the checkpoint is not signed by this key");
	made.key.public = mine;
}

/* A bit of any byte of this file: never is it passed over. */
static void
each_byte(const char *rel, long step)
{
	char path[200];
	long size, at = 0;
	FILE *f;
	int c;

	path_of(rel, path);
	assert_non_null(f = fopen(path, "r+"));
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	assert_true((size = ftell(f)) > 0);
	while (at < size) {
		for (int i = 0; i < 2; i++) {
			assert_int_equal(fseek(f, at, SEEK_SET), 0);
			c = fgetc(f);
			assert_int_equal(fseek(f, at, SEEK_SET), 0);
			fputc(c ^ (1 << at % 8), f);
			assert_int_equal(fflush(f), 0);
			if (i == 0 && verify_with(NULL) != RSG_TAMPERED)
				fail_msg("byte %ld of %s is not looked at", at, rel);
		}
		at = at == size - 1 || at + step < size ? at + step : size - 1;
	}
	fclose(f);
	assert_int_equal(verify_with(NULL), RSG_OK);
}

static void
every_small_size(void **state)
{
	static struct made small;
	char kept[64];

	(void)state;
	memcpy(kept, folder, sizeof(kept));
	strcpy(folder, "/tmp/rsg-small-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(made_open(&small, folder), RSG_OK);
	assert_int_equal(made_grow(&small, 0), RSG_OK);
	assert_int_equal(verify_with(NULL), RSG_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(made_grow(&small, i == 0 ? 1 : i == 1 ? 254 : 1), RSG_OK);
		assert_int_equal(verify_with(NULL), RSG_OK);
	}
	assert_int_equal(small.edge.size, 256);
	assert_int_equal(made_grow(&small, 1), RSG_OK);
	assert_int_equal(verify_with(NULL), RSG_OK);
	each_byte("checkpoint", 1);
	each_byte("tile/0/001.p/1", 3);
	each_byte("tile/1/000.p/1", 3);
	each_byte("tile/entries/001.p/1", 7);
	each_byte("tile/0/000", 61);
	each_byte("tile/entries/000", 997);
	made_close(&small);
	snprintf(said[0], sizeof(said[0]), "rm -rf %s", folder);
	assert_int_equal(system(said[0]), 0);
	memcpy(folder, kept, sizeof(kept));
}

static int
make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rsg-verify-XXXXXX");
	if (mkdtemp(folder) == NULL || made_open(&made, folder) != RSG_OK ||
	    made_grow(&made, 300) != RSG_OK)
		return -1;
	early = signed_now();
	return made_grow(&made, SIZE - 300) == RSG_OK ? 0 : -1;
}

static int
clean(void **state)
{
	char cmd[100];

	(void)state;
	made_close(&made);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", folder);
	return system(cmd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(altered),
		cmocka_unit_test(missing),
		cmocka_unit_test(cut_and_grown),
		cmocka_unit_test(rewritten),
		cmocka_unit_test(other_key),
		cmocka_unit_test(every_small_size),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
