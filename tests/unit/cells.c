#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "segment/release.h"

static uint64_t seed = 77;

static uint64_t
draw(void)
{
	return dice_throw(&seed);
}

/* Two bins: eight cells. */
static void
hide(const uint32_t n[8], uint32_t k, const char *expected)
{
	struct rsg_cells c = { .bins = 2 };
	char shown[9] = "";

	memcpy(c.n, n, 8 * sizeof(*n));
	rsg_cells_hide(&c, k);
	for (int i = 0; i < 8; i++)
		shown[i] = c.hidden[i] ? '-' : '+';
	assert_string_equal(shown, expected);
}

static void
few_and_none_look_alike(void **state)
{
	(void)state;
	hide((uint32_t[8]){ 10, 11, 12, 13, 14, 15, 16, 17 }, 10, "++++++++");
	hide((uint32_t[8]){ 9, 9, 12, 0, 14, 15, 16, 17 }, 10, "--+-++++");
	hide((uint32_t[8]){ 0, 0, 12, 13, 14, 15, 16, 17 }, 10, "--++++++");
}

static void
what_is_hidden_does_not_follow_by_subtraction(void **state)
{
	(void)state;
	/* One alone: the smallest that shows goes as well. */
	hide((uint32_t[8]){ 9, 30, 12, 13, 14, 15, 16, 17 }, 10, "-+-+++++");
	hide((uint32_t[8]){ 9, 30, 0, 13, 14, 15, 16, 17 }, 10, "-+--++++");
	/* Two, but together still fewer than k. */
	hide((uint32_t[8]){ 4, 5, 30, 13, 14, 15, 16, 17 }, 10, "--+-++++");
	/* Nothing is left to hide behind. */
	hide((uint32_t[8]){ 9, 0, 0, 0, 0, 0, 0, 0 }, 10, "--------");
	hide((uint32_t[8]){ 9, 50, 0, 0, 0, 0, 0, 0 }, 10, "--------");
}

static void
cells_have_one_place_each(void **state)
{
	bool taken[RSG_CELLS_MAX] = { false };
	uint32_t at;

	(void)state;
	for (uint8_t r = 1; r <= 10; r++)
		for (uint8_t f = 1; f <= 10; f++)
			for (uint8_t m = 1; m <= 10; m++) {
				at = rsg_cells_at(10, (struct rsg_score){ r, f, m });
				assert_true(at < RSG_CELLS_MAX && !taken[at]);
				taken[at] = true;
			}
}

static struct rsg_member *
members(size_t n)
{
	struct rsg_member *m = calloc(n == 0 ? 1 : n, sizeof(*m));

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < RSG_ID_LEN; k++)
			m[i].pseudonym.b[k] = (uint8_t)draw();
		/* Many of the same bucket. */
		if (i % 3 == 0)
			m[i].pseudonym.b[0] = m[i].pseudonym.b[1] = 0xff;
		m[i].score = (struct rsg_score){ (uint8_t)(1 + i % 5), 1, 1 };
		memcpy(m[i].commitment, m[i].pseudonym.b, RSG_ID_LEN);
	}
	return m;
}

static void
members_are_sorted_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 100, 5000, 70000 };
	struct rsg_member *m;
	uint64_t before, after;

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		m = members(sizes[s]);
		before = after = 0;
		for (size_t i = 0; i < sizes[s]; i++)
			before += rsg_get64(m[i].pseudonym.b + 8);
		assert_int_equal(rsg_release_sort(m, sizes[s]), RSG_OK);
		for (size_t i = 0; i < sizes[s]; i++) {
			after += rsg_get64(m[i].pseudonym.b + 8);
			assert_memory_equal(m[i].pseudonym.b, m[i].commitment, RSG_ID_LEN);
			if (i > 0)
				assert_true(rsg_id_cmp(&m[i - 1].pseudonym, &m[i].pseudonym) < 0);
		}
		assert_int_equal(before, after);
		free(m);
	}
}

static void
small_cells_are_dropped(void **state)
{
	struct rsg_member *m = members(203);
	size_t n;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		m[i * 50].score = (struct rsg_score){ 2, 2, 2 };
	n = rsg_release_coarsen(m, 203, 5, 10);
	/* The three, and the smallest of the five other cells with them. */
	assert_int_equal(n, 203 - 3 - 38);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(m[i].score.f, 1);
	free(m);
}

/* RFC 6962's definition, by hand for trees of up to seven leaves. */
static void
node(const uint8_t a[32], const uint8_t b[32], uint8_t out[32])
{
	rsg_sha256((struct rsg_part[]){ { "\1", 1 }, { a, 32 }, { b, 32 } }, 3, out);
}

static void
roots_are_rfc_6962s(void **state)
{
	struct rsg_member *m = members(7);
	uint8_t leaf[7][32], ab[32], cd[32], ef[32], abcd[32], efg[32], expect[32], root[32];
	uint8_t scratch[7][32];

	(void)state;
	for (int i = 0; i < 7; i++)
		rsg_sha256((struct rsg_part[]){ { "\0", 1 }, { m[i].commitment, 32 } }, 2,
		    leaf[i]);
	rsg_release_root(m, 1, scratch, root);
	assert_memory_equal(root, leaf[0], 32);
	node(leaf[0], leaf[1], ab);
	node(leaf[2], leaf[3], cd);
	node(leaf[4], leaf[5], ef);
	node(ab, cd, abcd);
	node(ef, leaf[6], efg);
	rsg_release_root(m, 3, scratch, root);
	node(ab, leaf[2], expect);
	assert_memory_equal(root, expect, 32);
	rsg_release_root(m, 4, scratch, root);
	assert_memory_equal(root, abcd, 32);
	rsg_release_root(m, 7, scratch, root);
	node(abcd, efg, expect);
	assert_memory_equal(root, expect, 32);
	free(m);
}

static void
definitions_come_back(void **state)
{
	struct rsg_release r = { .format = RSG_RELEASE_FORMAT, .purpose = 11, .segment = "S07",
	    .range = { 1, 2, 3, 4, 5, 6 }, .k = 10, .epoch = 3, .count = 1u << 31 }, back = { 0 };
	struct rsg_buf b;

	(void)state;
	r.model.b[3] = 9;
	rsg_buf_init(&b, 256);
	rsg_release_put(&r, &b);
	assert_int_equal(rsg_release_get(&back, b.p, b.len), RSG_OK);
	assert_memory_equal(&r, &back, sizeof(r));
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(rsg_release_get(&back, b.p, n), RSG_TAMPERED);
	rsg_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_and_none_look_alike),
		cmocka_unit_test(what_is_hidden_does_not_follow_by_subtraction),
		cmocka_unit_test(cells_have_one_place_each),
		cmocka_unit_test(members_are_sorted_whole),
		cmocka_unit_test(small_cells_are_dropped),
		cmocka_unit_test(roots_are_rfc_6962s),
		cmocka_unit_test(definitions_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
