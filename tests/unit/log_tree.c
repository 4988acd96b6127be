/*
 * The tree: the reference's vectors, RFC 6962's sizes, and random trees
 * against an implementation that follows the definition word by word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "audit/edge.h"
#include "audit/merkle.h"
#include "seal/seal.h"
#include "seal/sign.h"

typedef uint8_t hash[RSG_HASH_LEN];

static const char *const words[] = { "one", "two", "three", "four", "five", "six",
	"seven", "eit", "nain", "ten", "ileven", "twelf", "threeten", "fourten",
	"fivten" };

static hash *leaves;
static size_t nleaves;

/* MTH of the definition. */
static void
naive(size_t lo, size_t hi, hash out)
{
	hash l, r;
	size_t k = 1;

	if (hi == lo) {
		rsg_sha256(NULL, 0, out);
		return;
	}
	if (hi - lo == 1) {
		memcpy(out, leaves[lo], 32);
		return;
	}
	while (k * 2 < hi - lo)
		k *= 2;
	naive(lo, lo + k, l);
	naive(lo + k, hi, r);
	rsg_tree_node(l, r, out);
}

static enum rsg_err
memory(void *ctx, unsigned level, uint64_t index, uint8_t out[32])
{
	(void)ctx;
	assert_true(((index + 1) << level) <= nleaves);
	naive((size_t)(index << level), (size_t)((index + 1) << level), out);
	return RSG_OK;
}

static void
grow(size_t n)
{
	uint8_t be[8];

	leaves = realloc(leaves, n * sizeof(hash) + 1);
	assert_non_null(leaves);
	for (size_t i = 0; i < n; i++) {
		rsg_be64(be, i * 7 + 1);
		rsg_merkle_leaf(be, sizeof(be), leaves[i]);
	}
	nleaves = n;
}

static void
grow_words(void)
{
	leaves = realloc(leaves, 15 * sizeof(hash));
	for (size_t i = 0; i < 15; i++)
		rsg_merkle_leaf(words[i], strlen(words[i]), leaves[i]);
	nleaves = 15;
}

static void
hex(const hash h, const char *want)
{
	char text[65];

	for (int i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", h[i]);
	assert_string_equal(text, want);
}

static void
base64(const hash h, const char *want)
{
	struct rsg_buf b;

	rsg_buf_init(&b, 100);
	rsg_base64_put(&b, h, 32);
	rsg_buf_u8(&b, 0);
	assert_string_equal((const char *)b.p, want);
	rsg_buf_free(&b);
}

static void
vectors(void **state)
{
	static const char *const eight[] = { "", "00", "10", "2021", "3031", "40414243",
		"5051525354555657", "606162636465666768696a6b6c6d6e6f" };
	hash h;

	(void)state;
	assert_int_equal(rsg_tree_root(memory, NULL, 0, h), RSG_OK);
	hex(h, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	rsg_merkle_leaf("", 0, h);
	hex(h, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	rsg_merkle_leaf("L123456", 7, h);
	hex(h, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
	rsg_sha256((struct rsg_part[]){ { "\x01N123N456", 9 } }, 1, h);
	hex(h, "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
	leaves = realloc(leaves, 8 * sizeof(hash));
	nleaves = 8;
	for (size_t i = 0; i < 8; i++) {
		uint8_t raw[16];
		size_t n = strlen(eight[i]) / 2;

		for (size_t k = 0; k < n; k++) {
			unsigned v;

			assert_int_equal(sscanf(eight[i] + 2 * k, "%2x", &v), 1);
			raw[k] = (uint8_t)v;
		}
		rsg_merkle_leaf(raw, n, leaves[i]);
	}
	assert_int_equal(rsg_tree_root(memory, NULL, 8, h), RSG_OK);
	hex(h, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

static void
log_of_fifteen(void **state)
{
	static const char *const in[] = {
		"ThcgoV2DYcK+VCxBUDWAlNxmLy2r7dq7dK7+OlgQKWs=",
		"ycRkkNklus5eMVRUvkD1pK321vMrA+jjOiZKU8aOcY4=",
		"zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=",
		"5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=" };
	static const char *const con[] = {
		"zMKa4OAqd7D0V4wawXST15z0JiEEkprIBPkfxOesWvA=",
		"yiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yU=",
		"nk9gCR+floFqznAPtqjjcnnV64dge2jQB95D5t164Hg=",
		"zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=",
		"5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=" };
	struct rsg_proof p;
	hash root, five, one;

	(void)state;
	grow_words();
	assert_int_equal(rsg_tree_root(memory, NULL, 15, root), RSG_OK);
	base64(root, "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
	assert_int_equal(rsg_tree_root(memory, NULL, 5, five), RSG_OK);
	base64(five, "gy5gl3aksFyiCO95a/1vLXz88A3dRq+0l9Sxte8ZqZQ=");
	assert_int_equal(rsg_tree_root(memory, NULL, 1, one), RSG_OK);
	base64(one, "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
	assert_int_equal(rsg_tree_inclusion(memory, NULL, 6, 15, &p), RSG_OK);
	assert_int_equal(p.n, 4);
	for (size_t i = 0; i < p.n; i++)
		base64(p.hash[i], in[i]);
	assert_int_equal(rsg_tree_included(leaves[6], 6, 15, &p, root), RSG_OK);
	assert_int_equal(rsg_tree_consistency(memory, NULL, 5, 15, &p), RSG_OK);
	assert_int_equal(p.n, 5);
	for (size_t i = 0; i < p.n; i++)
		base64(p.hash[i], con[i]);
	assert_int_equal(rsg_tree_consistent(5, five, 15, root, &p), RSG_OK);
}

/* A proof that was changed anywhere proves nothing. */
static void
refuses(uint64_t m, uint64_t n, const hash leaf_or_old, const hash root,
    const struct rsg_proof *p, bool inclusion)
{
	struct rsg_proof q;
	hash other;

#define CHECK(m, a, n, r) (inclusion ? rsg_tree_included(a, m, n, &q, r) : \
    rsg_tree_consistent(m, a, n, r, &q))
	q = *p;
	memcpy(other, root, 32);
	other[31] ^= 1;
	assert_int_equal(CHECK(m, leaf_or_old, n, other), RSG_TAMPERED);
	memcpy(other, leaf_or_old, 32);
	other[0] ^= 0x80;
	assert_int_equal(CHECK(m, other, n, root), RSG_TAMPERED);
	for (size_t i = 0; i < p->n; i++) {
		q.hash[i][i % 32] ^= 4;
		assert_int_equal(CHECK(m, leaf_or_old, n, root), RSG_TAMPERED);
		q = *p;
	}
	q.n++;
	memset(q.hash[p->n], 7, 32);
	assert_int_equal(CHECK(m, leaf_or_old, n, root), RSG_TAMPERED);
	q = *p;
	if (q.n > 0) {
		q.n--;
		assert_int_equal(CHECK(m, leaf_or_old, n, root), RSG_TAMPERED);
	}
#undef CHECK
}

static void
every_small_tree(void **state)
{
	struct rsg_proof p;
	hash root, old, want;

	(void)state;
	grow(40);
	for (size_t n = 1; n <= 40; n++) {
		naive(0, n, want);
		assert_int_equal(rsg_tree_root(memory, NULL, n, root), RSG_OK);
		assert_memory_equal(root, want, 32);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(rsg_tree_inclusion(memory, NULL, i, n, &p), RSG_OK);
			assert_int_equal(rsg_tree_included(leaves[i], i, n, &p, root), RSG_OK);
			refuses(i, n, leaves[i], root, &p, true);
			assert_int_equal(rsg_tree_included(leaves[i], i + 1, n, &p, root),
			    RSG_TAMPERED);
		}
		for (size_t m = 1; m <= n; m++) {
			assert_int_equal(rsg_tree_consistency(memory, NULL, m, n, &p), RSG_OK);
			assert_int_equal(rsg_tree_root(memory, NULL, m, old), RSG_OK);
			assert_int_equal(rsg_tree_consistent(m, old, n, root, &p), RSG_OK);
			refuses(m, n, old, root, &p, false);
		}
	}
}

/* The ways in which transparency-dev/merkle spoils a proof, each of which must
 * show: another place, another size, more or less than belongs there. */
enum spoil { EMPTY, BEHIND_JUNK, BEHIND_ROOT, BEHIND_OLD, BEFORE_JUNK, BEFORE_ROOT,
	BEFORE_OLD, BEFORE_FIRST, SHORT, BIT, SPOILS };

static bool
spoil(enum spoil how, struct rsg_proof *p, const hash old, const hash root)
{
	static const hash junk = { 0x80, 1 };
	const uint8_t *more = how == BEHIND_JUNK || how == BEFORE_JUNK ? junk :
	    how == BEHIND_ROOT || how == BEFORE_ROOT ? root : old;
	hash first;

	if (p->n == 0 && (how == EMPTY || how == BEFORE_FIRST || how == SHORT || how == BIT))
		return false;
	memcpy(first, p->hash[0], 32);
	if (how == EMPTY)
		p->n = 0;
	else if (how == SHORT)
		p->n--;
	else if (how == BIT)
		p->hash[p->n - 1][0] ^= 1 << 4;
	else if (how <= BEHIND_OLD)
		memcpy(p->hash[p->n++], more, 32);
	else {
		memmove(p->hash[1], p->hash[0], p->n++ * 32);
		memcpy(p->hash[0], how == BEFORE_FIRST ? first : more, 32);
	}
	return true;
}

static void
spoilt_inclusion(uint64_t i, uint64_t n, const hash leaf, const hash root)
{
	const uint64_t at[] = { i + 1, i - 1, i ^ 2, i * 2 + 1 }, of[] = { n * 2, n / 2, 0 };
	struct rsg_proof p, q;
	hash other = { 0 };

	assert_int_equal(rsg_tree_inclusion(memory, NULL, i, n, &p), RSG_OK);
	assert_int_equal(rsg_tree_included(leaf, i, n, &p, root), RSG_OK);
	for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++)
		assert_int_equal(rsg_tree_included(leaf, at[k], n, &p, root), RSG_TAMPERED);
	for (size_t k = 0; k < sizeof(of) / sizeof(of[0]); k++)
		assert_int_equal(rsg_tree_included(leaf, i, of[k], &p, root), RSG_TAMPERED);
	assert_int_equal(rsg_tree_included(other, i, n, &p, root), RSG_TAMPERED);
	assert_int_equal(rsg_tree_included(leaf, i, n, &p, other), RSG_TAMPERED);
	if (n > 1)
		assert_int_equal(rsg_tree_included(root, i, n, &p, leaf), RSG_TAMPERED);
	for (enum spoil how = 0; how < SPOILS; how++) {
		q = p;
		if (spoil(how, &q, leaf, root))
			assert_int_equal(rsg_tree_included(leaf, i, n, &q, root), RSG_TAMPERED);
	}
}

static void
spoilt_consistency(uint64_t m, uint64_t n, const hash old, const hash root)
{
	const uint64_t from[] = { m + 1, m - 1, m ^ 2 }, to[] = { n * 2, n / 2, 0 };
	struct rsg_proof p, q;
	hash other = { 0 };

	assert_int_equal(rsg_tree_consistency(memory, NULL, m, n, &p), RSG_OK);
	assert_int_equal(rsg_tree_consistent(m, old, n, root, &p), RSG_OK);
	for (size_t k = 0; k < sizeof(from) / sizeof(from[0]); k++)
		assert_int_equal(rsg_tree_consistent(from[k], old, n, root, &p), RSG_TAMPERED);
	for (size_t k = 0; k < sizeof(to) / sizeof(to[0]); k++)
		assert_int_equal(rsg_tree_consistent(m, old, to[k], root, &p), RSG_TAMPERED);
	assert_int_equal(rsg_tree_consistent(m, other, n, root, &p), RSG_TAMPERED);
	assert_int_equal(rsg_tree_consistent(m, old, n, other, &p), RSG_TAMPERED);
	if (m != n)
		assert_int_equal(rsg_tree_consistent(m, root, n, old, &p), RSG_TAMPERED);
	for (enum spoil how = 0; how < SPOILS; how++) {
		q = p;
		if (spoil(how, &q, old, root))
			assert_int_equal(rsg_tree_consistent(m, old, n, root, &q), RSG_TAMPERED);
	}
}

static void
spoilt_proofs(void **state)
{
	hash root, old;

	(void)state;
	grow(70);
	for (size_t n = 1; n <= 70; n++) {
		naive(0, n, root);
		for (size_t m = 1; m <= n; m++) {
			naive(0, m, old);
			spoilt_inclusion(m - 1, n, leaves[m - 1], root);
			spoilt_consistency(m, n, old, root);
		}
	}
}

static void
edges_of_sizes(void **state)
{
	struct rsg_proof p = { .n = 0 };
	hash empty, h = { 1 };

	(void)state;
	grow(2);
	rsg_sha256(NULL, 0, empty);
	assert_int_equal(rsg_tree_inclusion(memory, NULL, 0, 0, &p), RSG_BAD_VALUE);
	assert_int_equal(rsg_tree_inclusion(memory, NULL, 2, 2, &p), RSG_BAD_VALUE);
	assert_int_equal(rsg_tree_inclusion(memory, NULL, 0, UINT64_C(1) << 63, &p),
	    RSG_BAD_VALUE);
	assert_int_equal(rsg_tree_consistency(memory, NULL, 2, 1, &p), RSG_BAD_VALUE);
	p.n = 0;
	assert_int_equal(rsg_tree_included(h, 0, 1, &p, h), RSG_OK);
	assert_int_equal(rsg_tree_included(h, 0, 0, &p, h), RSG_TAMPERED);
	assert_int_equal(rsg_tree_consistent(0, empty, 9, h, &p), RSG_OK);
	assert_int_equal(rsg_tree_consistent(0, h, 9, h, &p), RSG_TAMPERED);
	assert_int_equal(rsg_tree_consistent(9, h, 9, h, &p), RSG_OK);
	assert_int_equal(rsg_tree_consistent(10, h, 9, h, &p), RSG_TAMPERED);
	/* From a complete subtree on, the proof may not be empty. */
	assert_int_equal(rsg_tree_consistent(4, h, 9, h, &p), RSG_TAMPERED);
	p.n = 1;
	assert_int_equal(rsg_tree_consistent(0, empty, 9, h, &p), RSG_TAMPERED);
	assert_int_equal(rsg_tree_consistent(9, h, 9, h, &p), RSG_TAMPERED);
}

struct tally { size_t n; uint64_t last[RSG_TILE_LEVELS]; };

static enum rsg_err
count(void *ctx, const struct rsg_tile *t, const uint8_t *p)
{
	struct tally *c = ctx;
	hash a, b;

	assert_int_equal(t->width, RSG_TILE_WIDTH);
	assert_int_equal(t->n, c->last[t->level]++);
	if (t->level == 0)
		assert_memory_equal(p, leaves[t->n * 256], 256 * 32);
	else if (t->level == 1) {
		naive((size_t)t->n << 16, (size_t)(t->n + 1) << 16, a);
		rsg_edge_subtree(p, 256, b);
		assert_memory_equal(a, b, 32);
	}
	c->n++;
	return RSG_OK;
}

/* The growing end gives the same root at every size that is special. */
static void
growing_end(void **state)
{
	static const size_t at[] = { 0, 1, 2, 255, 256, 257, 511, 512, 4096, 65535,
		65536, 65537, 65792, 70000 };
	static struct rsg_edge g;
	struct tally c = { 0 };
	hash a, b;
	size_t k = 0;

	(void)state;
	grow(70000);
	memset(&g, 0, sizeof(g));
	for (size_t i = 0; i <= 70000; i++) {
		if (k < sizeof(at) / sizeof(at[0]) && at[k] == i) {
			naive(0, i, a);
			rsg_edge_root(&g, b);
			assert_memory_equal(a, b, 32);
			k++;
		}
		if (i < 70000)
			assert_int_equal(rsg_edge_add(&g, leaves[i], count, &c), RSG_OK);
	}
	assert_int_equal(c.n, 273 + 1);
	assert_int_equal(rsg_edge_width(&g, 0), 112);
	assert_int_equal(rsg_edge_width(&g, 1), 17);
	assert_int_equal(rsg_edge_width(&g, 2), 1);
}

static enum rsg_err
full_disk(void *ctx, const struct rsg_tile *t, const uint8_t *p)
{
	(void)ctx;
	(void)t;
	(void)p;
	return RSG_IO;
}

/* What was not taken is not counted: the next try says the same. */
static void
failing_end(void **state)
{
	static struct rsg_edge g;
	hash a, b;

	(void)state;
	grow(256);
	memset(&g, 0, sizeof(g));
	for (size_t i = 0; i < 255; i++)
		assert_int_equal(rsg_edge_add(&g, leaves[i], full_disk, NULL), RSG_OK);
	assert_int_equal(rsg_edge_add(&g, leaves[255], full_disk, NULL), RSG_IO);
	assert_int_equal(g.size, 255);
	assert_int_equal(rsg_edge_add(&g, leaves[255], NULL, NULL), RSG_OK);
	naive(0, 256, a);
	rsg_edge_root(&g, b);
	assert_memory_equal(a, b, 32);
}

static void
random_trees(void **state)
{
	struct rsg_proof p;
	hash root, old;
	uint64_t x = 88172645463325252u;

	(void)state;
	grow(3000);
	for (int i = 0; i < 60; i++) {
		size_t n, m;

		(void)dice_throw(&x);
		n = (size_t)(x % 2999) + 1;
		m = (size_t)((x >> 20) % n) + 1;
		naive(0, n, root);
		naive(0, m, old);
		assert_int_equal(rsg_tree_inclusion(memory, NULL, m - 1, n, &p), RSG_OK);
		assert_int_equal(rsg_tree_included(leaves[m - 1], m - 1, n, &p, root), RSG_OK);
		refuses(m - 1, n, leaves[m - 1], root, &p, true);
		assert_int_equal(rsg_tree_consistency(memory, NULL, m, n, &p), RSG_OK);
		assert_int_equal(rsg_tree_consistent(m, old, n, root, &p), RSG_OK);
		refuses(m, n, old, root, &p, false);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(log_of_fifteen),
		cmocka_unit_test(every_small_tree),
		cmocka_unit_test(spoilt_proofs),
		cmocka_unit_test(edges_of_sizes),
		cmocka_unit_test(growing_end),
		cmocka_unit_test(failing_end),
		cmocka_unit_test(random_trees),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(leaves);
	return failed;
}
