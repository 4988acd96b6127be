/* Every block once, by whichever thread; an error or the end of the process stops all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "segment/ranges.h"

#define BLOCKS	5000

static struct {
	_Atomic unsigned seen[BLOCKS + 1], calls, threads;
	int64_t fail_at;		/* -1: never */
	bool stop;
} t;

static enum rsg_err
take(void *ctx, struct rsg_ranges *r, unsigned thread, int64_t first, int64_t end)
{
	assert_ptr_equal(ctx, &t);
	assert_true(first < end && end <= BLOCKS);
	atomic_fetch_add(&t.calls, 1);
	atomic_fetch_or(&t.threads, 1u << thread);
	for (int64_t i = first; i < end; i++) {
		atomic_fetch_add(&t.seen[i], 1);
		if (i == t.fail_at)
			return RSG_TAMPERED;
		if (t.stop)
			rsg_ranges_stop();
		if (!rsg_ranges_went(r, 1))
			return RSG_OK;
	}
	return RSG_OK;
}

static enum rsg_err
run(int64_t blocks, unsigned threads)
{
	const struct rsg_ranges_job job = { .take = take, .ctx = &t,
	    .blocks = blocks, .threads = threads };

	memset(t.seen, 0, sizeof(t.seen));
	atomic_store(&t.calls, 0);
	atomic_store(&t.threads, 0);
	return rsg_ranges_run(&job);
}

static void
test_each_block_once(void **state)
{
	static const unsigned threads[] = { 0, 1, 2, 7, 16, 1000 };
	static const int64_t blocks[] = { 0, 1, 63, 64, 65, 128, 4999, BLOCKS };
	struct rsg_scan_figures before, after;

	(void)state;
	t.fail_at = -1;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++)
		for (size_t k = 0; k < sizeof(blocks) / sizeof(*blocks); k++) {
			rsg_scan_figures(&before);
			assert_int_equal(run(blocks[k], threads[i]), RSG_OK);
			rsg_scan_figures(&after);
			for (int64_t b = 0; b <= BLOCKS; b++)
				assert_int_equal(t.seen[b], b < blocks[k]);
			assert_int_equal(after.blocks - before.blocks, blocks[k]);
			assert_int_equal(after.rows - before.rows, blocks[k]);
			assert_int_equal(after.running, 0);
			assert_int_equal(after.blocks_of_running, 0);
			assert_true(t.threads < 1u << RSG_SCAN_THREADS_MAX);
		}
}

static void
test_first_error_ends_all(void **state)
{
	(void)state;
	t.fail_at = 100;
	assert_int_equal(run(BLOCKS, 1), RSG_TAMPERED);
	assert_int_equal(t.calls, 1);
	assert_int_equal(run(BLOCKS, 4), RSG_TAMPERED);
	t.fail_at = BLOCKS - 1;
	assert_int_equal(run(BLOCKS, 4), RSG_TAMPERED);
	assert_int_equal(run(BLOCKS - 1, 4), RSG_OK);
}

/* The last test: there is no way back. */
static void
test_end_of_the_process_ends_all(void **state)
{
	(void)state;
	t.fail_at = -1;
	t.stop = true;
	assert_int_equal(run(BLOCKS, 1), RSG_UNAVAILABLE);
	assert_int_equal(t.calls, 1);
	assert_int_equal(t.seen[0], 1);
	assert_int_equal(t.seen[1], 0);
	assert_int_equal(run(BLOCKS, 2), RSG_UNAVAILABLE);
	assert_int_equal(t.calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_block_once),
		cmocka_unit_test(test_first_error_ends_all),
		cmocka_unit_test(test_end_of_the_process_ends_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
