/*
 * Verifying a log offline against hashing the same bytes once.
 *
 *	bench_verify make DIR ENTRIES	a log in DIR; prints its verifier key
 *	bench_verify time DIR VKEY	"verify S sha256 S ratio R"
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "../log_made.h"
#include "audit/verify.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

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

static int
measure(const char *dir, const char *vkey)
{
	struct rsg_vkey key;
	struct rsg_verify v = { .dir = dir, .key = &key, .say = quiet };
	int64_t begun;
	double took, once;

	if (rsg_note_vkey(vkey, strlen(vkey), &key) != RSG_OK)
		return 2;
	begun = rsg_clock_mono();
	if (rsg_verify_run(&v) != RSG_OK)
		return 1;
	took = (double)(rsg_clock_mono() - begun) / 1e6;
	once = one_pass(dir, v.now.size);
	printf("entries %llu bytes %llu verify %.3f sha256 %.3f ratio %.2f\n",
	    (unsigned long long)v.now.size, (unsigned long long)v.bytes, took, once,
	    took / once);
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
