/*
 * policy_files.h - the policies that tests load: the shipped one, and a small
 * one that uses what the shipped one has no need of.
 */
#ifndef RSG_TEST_POLICY_FILES_H
#define RSG_TEST_POLICY_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "policy/policytool.h"

#define POLICY_DIR	RSG_SOURCE "/policies"
#define SMALL_POLICY	RSG_SOURCE "/tests/fuzz/corpus/policy/small.json"

/* The whole file with a NUL after it; the caller's to free. */
static inline char *
file_text(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *p;
	size_t n;

	assert_non_null(f);
	p = calloc(1, 1 << 20);
	assert_non_null(p);
	n = fread(p, 1, (1 << 20) - 1, f);
	fclose(f);
	if (len != NULL)
		*len = n;
	return p;
}

static inline void
shipped_bundle(struct rsg_buf *bundle)
{
	struct rsg_buf faults;

	rsg_buf_init(bundle, 1 << 20);
	rsg_buf_init(&faults, 1 << 20);
	assert_int_equal(rsg_policy_bundle(POLICY_DIR, bundle, &faults), RSG_OK);
	rsg_buf_free(&faults);
}

static inline struct rsg_policy *
policy_of(const void *bundle, size_t len)
{
	struct rsg_policy *p = NULL;
	struct rsg_buf faults;
	enum rsg_err e;

	rsg_buf_init(&faults, 1 << 20);
	e = rsg_policy_load(bundle, len, &p, &faults);
	if (e != RSG_OK)
		print_message("%.*s", (int)faults.len, (const char *)faults.p);
	assert_int_equal(e, RSG_OK);
	rsg_buf_free(&faults);
	return p;
}

#endif
