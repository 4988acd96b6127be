#include <stdbool.h>
#include <string.h>

#include "audit/tree.h"
#include "seal/seal.h"

void
rsg_tree_node(const uint8_t left[RSG_HASH_LEN],
    const uint8_t right[RSG_HASH_LEN], uint8_t out[RSG_HASH_LEN])
{
	rsg_sha256((struct rsg_part[]){ { "\x01", 1 }, { left, RSG_HASH_LEN },
	    { right, RSG_HASH_LEN } }, 3, out);
}

/* The place of the highest bit; n > 0. */
static unsigned
log2_of(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

/* The largest power of two below n; n > 1. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << log2_of(n - 1);
}

/*
 * The hash over leaves lo to hi. `lo` is always a multiple of the largest
 * power of two in hi - lo, so complete subtrees are there to be fetched, and
 * only the right edge is put together.
 */
static enum rsg_err
range(rsg_tree_fn *read, void *ctx, uint64_t lo, uint64_t hi,
    uint8_t out[RSG_HASH_LEN])
{
	uint8_t left[RSG_HASH_LEN], right[RSG_HASH_LEN];
	uint64_t n = hi - lo, k;
	enum rsg_err e;

	if ((n & (n - 1)) == 0)
		return read(ctx, log2_of(n), lo >> log2_of(n), out);
	k = split(n);
	if ((e = range(read, ctx, lo, lo + k, left)) != RSG_OK ||
	    (e = range(read, ctx, lo + k, hi, right)) != RSG_OK)
		return e;
	rsg_tree_node(left, right, out);
	return RSG_OK;
}

enum rsg_err
rsg_tree_root(rsg_tree_fn *read, void *ctx, uint64_t size,
    uint8_t root[RSG_HASH_LEN])
{
	if (size == 0) {
		rsg_sha256(NULL, 0, root);
		return RSG_OK;
	}
	return range(read, ctx, 0, size, root);
}

/* PATH(m, D[lo:hi]) of RFC 6962, 2.1.1. */
static enum rsg_err
path(rsg_tree_fn *read, void *ctx, uint64_t lo, uint64_t hi, uint64_t index,
    struct rsg_proof *p)
{
	uint64_t k;
	enum rsg_err e;

	if (hi - lo == 1)
		return RSG_OK;
	k = lo + split(hi - lo);
	if (index < k)
		e = path(read, ctx, lo, k, index, p);
	else
		e = path(read, ctx, k, hi, index, p);
	if (e != RSG_OK)
		return e;
	e = index < k ? range(read, ctx, k, hi, p->hash[p->n]) :
	    range(read, ctx, lo, k, p->hash[p->n]);
	p->n++;
	return e;
}

enum rsg_err
rsg_tree_inclusion(rsg_tree_fn *read, void *ctx, uint64_t index, uint64_t size,
    struct rsg_proof *p)
{
	p->n = 0;
	if (index >= size || size >> 63 != 0)
		return RSG_BAD_VALUE;
	return path(read, ctx, 0, size, index, p);
}

/* SUBPROOF(m, D[lo:hi], b) of RFC 6962, 2.1.2; b: the old root is known. */
static enum rsg_err
subproof(rsg_tree_fn *read, void *ctx, uint64_t lo, uint64_t hi, uint64_t from,
    bool known, struct rsg_proof *p)
{
	uint64_t k;
	enum rsg_err e;

	if (from == hi) {
		if (known)
			return RSG_OK;
		return range(read, ctx, lo, hi, p->hash[p->n++]);
	}
	k = lo + split(hi - lo);
	if (from <= k) {
		if ((e = subproof(read, ctx, lo, k, from, known, p)) != RSG_OK)
			return e;
		return range(read, ctx, k, hi, p->hash[p->n++]);
	}
	if ((e = subproof(read, ctx, k, hi, from, false, p)) != RSG_OK)
		return e;
	return range(read, ctx, lo, k, p->hash[p->n++]);
}

enum rsg_err
rsg_tree_consistency(rsg_tree_fn *read, void *ctx, uint64_t from, uint64_t size,
    struct rsg_proof *p)
{
	p->n = 0;
	if (from > size || size >> 63 != 0)
		return RSG_BAD_VALUE;
	if (from == 0 || from == size)
		return RSG_OK;
	return subproof(read, ctx, 0, size, from, true, p);
}

/* RFC 9162, 2.1.3.2. */
enum rsg_err
rsg_tree_included(const uint8_t leaf[RSG_HASH_LEN], uint64_t index,
    uint64_t size, const struct rsg_proof *p, const uint8_t root[RSG_HASH_LEN])
{
	uint8_t r[RSG_HASH_LEN];
	uint64_t fn = index, sn = size - 1;

	if (index >= size || p->n > RSG_PROOF_MAX)
		return RSG_TAMPERED;
	memcpy(r, leaf, sizeof(r));
	for (size_t i = 0; i < p->n; i++) {
		if (sn == 0)
			return RSG_TAMPERED;
		if ((fn & 1) == 1 || fn == sn) {
			rsg_tree_node(p->hash[i], r, r);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else
			rsg_tree_node(r, p->hash[i], r);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(r, root, sizeof(r)) == 0 ? RSG_OK : RSG_TAMPERED;
}

/* RFC 9162, 2.1.4.2, where neither tree is empty and they differ in size. */
static enum rsg_err
grown(uint64_t from, const uint8_t old[RSG_HASH_LEN], uint64_t size,
    const uint8_t root[RSG_HASH_LEN], const struct rsg_proof *p)
{
	uint8_t fr[RSG_HASH_LEN], sr[RSG_HASH_LEN];
	uint64_t fn = from - 1, sn = size - 1;
	size_t i = 0;

	/* The old root itself begins the proof when it is a complete subtree. */
	if ((from & (from - 1)) == 0)
		memcpy(fr, old, sizeof(fr));
	else if (p->n == 0)
		return RSG_TAMPERED;
	else
		memcpy(fr, p->hash[i++], sizeof(fr));
	memcpy(sr, fr, sizeof(sr));
	for (; (fn & 1) == 1; fn >>= 1)
		sn >>= 1;
	for (; i < p->n; i++) {
		if (sn == 0)
			return RSG_TAMPERED;
		if ((fn & 1) == 1 || fn == sn) {
			rsg_tree_node(p->hash[i], fr, fr);
			rsg_tree_node(p->hash[i], sr, sr);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else
			rsg_tree_node(sr, p->hash[i], sr);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(fr, old, sizeof(fr)) == 0 &&
	    memcmp(sr, root, sizeof(sr)) == 0 ? RSG_OK : RSG_TAMPERED;
}

enum rsg_err
rsg_tree_consistent(uint64_t from, const uint8_t old[RSG_HASH_LEN],
    uint64_t size, const uint8_t root[RSG_HASH_LEN], const struct rsg_proof *p)
{
	uint8_t empty[RSG_HASH_LEN];

	if (from > size || p->n > RSG_PROOF_MAX)
		return RSG_TAMPERED;
	if (from == 0) {
		rsg_sha256(NULL, 0, empty);
		return p->n == 0 && memcmp(old, empty, sizeof(empty)) == 0 ?
		    RSG_OK : RSG_TAMPERED;
	}
	if (from == size)
		return p->n == 0 && memcmp(old, root, RSG_HASH_LEN) == 0 ?
		    RSG_OK : RSG_TAMPERED;
	return grown(from, old, size, root, p);
}
