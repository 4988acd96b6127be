/*
 * Verifying a log offline against hashing the same bytes once.
 *
 *	bench_verify make DIR ENTRIES	a log in DIR; prints its verifier key
 *	bench_verify time DIR VKEY	one line of JSON: both in seconds, the
 *					median of three each, interleaved; and
 *					a proof from tiles, in microseconds
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "../dice.h"
#include "../log_made.h"
#include "audit/verify.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

#define ROUNDS	3
#define PROOFS	2000

static void
quiet(void *ctx, bool wrong, const char *text)
{
	(void)ctx;
	if (wrong)
		printf("WRONG %s\n", text);
}

static int
make(const char *dir, const char *n)
{
	static struct made m;
	struct rsg_buf text;

	rsg_buf_init(&text, 4096);
	if (made_open(&m, dir) != RSG_OK ||
	    made_grow(&m, strtoull(n, NULL, 10)) != RSG_OK)
		return 1;
	rsg_note_vkey_text(&m.key.public, &text);
	printf("%.*s\n", (int)text.len, (char *)text.p);
	return 0;
}

/* One pass of SHA-256 over the entries' bytes, the context fetched once. */
static double
one_pass(const char *dir, uint64_t size)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int64_t begun = rsg_clock_mono();
	unsigned char out[32];
	static struct rsg_logdir *d;
	struct rsg_buf b;
	char path[RSG_TILEPATH_MAX];

	rsg_buf_init(&b, RSG_BUNDLE_MAX);
	if (rsg_logdir_open(dir, false, &d) != RSG_OK)
		return -1;
	EVP_DigestInit_ex2(c, md, NULL);
	for (uint64_t n = 0; n * 256 < size; n++) {
		struct rsg_tile t = { RSG_TILE_ENTRIES, n,
		    rsg_tile_width(RSG_TILE_ENTRIES, n, size) };

		rsg_tilepath(&t, path);
		rsg_buf_reset(&b);
		if (rsg_logdir_read(d, path, RSG_BUNDLE_MAX, &b) != RSG_OK)
			return -1;
		EVP_DigestUpdate(c, b.p, b.len);
	}
	EVP_DigestFinal_ex(c, out, NULL);
	EVP_MD_CTX_free(c);
	EVP_MD_free(md);
	rsg_buf_free(&b);
	rsg_logdir_close(d);
	return (double)(rsg_clock_mono() - begun) / 1e6;
}

/* Mean of proofs of entries all over the log, each from files, checked. */
static double
proofs(const char *dir, const struct rsg_checkpoint *c)
{
	struct rsg_tiles *t = malloc(sizeof(*t));
	struct rsg_logdir *d;
	struct rsg_proof p;
	uint8_t leaf[32];
	uint64_t x = 88172645463325252u;
	int64_t begun;

	if (t == NULL || rsg_logdir_open(dir, false, &d) != RSG_OK)
		return -1;
	begun = rsg_clock_mono();
	for (int i = 0; i < PROOFS; i++) {
		uint64_t at;

		(void)dice_throw(&x);
		at = x % c->size;
		memset(t, 0, sizeof(*t));	/* nothing is kept from the one before */
		t->dir = d;
		t->size = c->size;
		if (rsg_tree_inclusion(rsg_tiles_hash, t, at, c->size, &p) != RSG_OK ||
		    rsg_tiles_hash(t, 0, at, leaf) != RSG_OK ||
		    rsg_tree_included(leaf, at, c->size, &p, c->root) != RSG_OK)
			return -1;
	}
	begun = rsg_clock_mono() - begun;
	rsg_logdir_close(d);
	free(t);
	return (double)begun / PROOFS;
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
measure(const char *dir, const char *vkey)
{
	struct rsg_vkey key;
	struct rsg_verify v = { .dir = dir, .key = &key, .say = quiet };
	double took[ROUNDS], once[ROUNDS], proof;

	if (rsg_note_vkey(vkey, strlen(vkey), &key) != RSG_OK)
		return 2;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t begun = rsg_clock_mono();

		if (rsg_verify_run(&v) != RSG_OK)
			return 1;
		took[i] = (double)(rsg_clock_mono() - begun) / 1e6;
		rsg_buf_free(&v.note);
		rsg_buf_free(&v.before);
		once[i] = one_pass(dir, v.now.size);
	}
	if ((proof = proofs(dir, &v.now)) < 0)
		return 1;
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	qsort(once, ROUNDS, sizeof(once[0]), by_size);
	printf("{\"entries\": %llu, \"bytes\": %llu, \"verify\": %.4f, \"sha256\": %.4f, "
	    "\"proof_us\": %.1f}\n", (unsigned long long)v.now.size,
	    (unsigned long long)v.bytes, took[ROUNDS / 2], once[ROUNDS / 2], proof);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && rsg_secret_init(4096) == RSG_OK)
		return strcmp(argv[1], "make") == 0 ? make(argv[2], argv[3]) :
		    measure(argv[2], argv[3]);
	fprintf(stderr, "usage: bench_verify make DIR ENTRIES | time DIR VKEY\n");
	return 2;
}
