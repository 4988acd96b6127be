/* What sealing, opening and hashing cost, on one thread, in nanoseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resguardo/clock.h"
#include "seal/apikey.h"

enum { ROUNDS = 200000 };

static uint8_t key[RSG_KEY_LEN], text[1024], out[2048];
static struct rsg_place_of at = { .kind = RSG_SEAL_FIELD, .controller = 1 };
static struct rsg_buf box;
static struct rsg_keyring *ring;
static struct rsg_pseudonym *pseudonym;
static struct rsg_keyset set;
static uint8_t wrapped[RSG_KEYSET_WRAPPED];
static char api_key[RSG_APIKEY_TEXT];
static volatile unsigned sink;	/* keeps what failed from going unseen */

static const struct rsg_service_name blind = { RSG_SERVICE_BLIND, 1, 1 };
static const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };
static const struct rsg_service_name pseudo = { RSG_SERVICE_PSEUDONYM, 1, 1 };

static void
do_seal(size_t n)
{
	rsg_buf_reset(&box);
	sink |= rsg_seal(key, &at, text, n, &box);
}

static void
do_open(size_t n)
{
	size_t got;

	(void)n;
	sink |= rsg_seal_open(key, &at, box.p, box.len, out, &got);
}

static void
do_keyset_open(size_t n)
{
	(void)n;
	sink |= rsg_keyset_open(ring, 1, &at.pk, 1, wrapped, sizeof(wrapped),
	    &set);
}

static void
do_digest(size_t n)
{
	sink |= rsg_service_digest(ring, blind, "email", text, n, out);
}

static void
do_pseudonym(size_t n)
{
	sink |= rsg_pseudonym_of(pseudonym, (const struct rsg_id *)text, n,
	    (struct rsg_id *)out);
}

static void
do_sha256(size_t n)
{
	rsg_sha256(&(struct rsg_part) { text, n }, 1, out);
}

static void
do_blake2b(size_t n)
{
	rsg_blake2b(key, &(struct rsg_part) { text, n }, 1, out);
}

static void
do_apikey(size_t n)
{
	struct rsg_id id;

	(void)n;
	sink |= rsg_apikey_parse(api_key, sizeof(api_key) - 1, &id, out);
	sink |= rsg_apikey_digest(ring, &id, out, out);
}

static void
do_random(size_t n)
{
	rsg_secret_random(out, n);
}

static const struct {
	const char *name;
	void (*run)(size_t);
	size_t n;
	size_t per;		/* things done a run */
} jobs[] = {
	{ "seal 32", do_seal, 32, 1 }, { "open 32", do_open, 32, 1 },
	{ "seal 256", do_seal, 256, 1 }, { "open 256", do_open, 256, 1 },
	{ "seal 1024", do_seal, 1024, 1 }, { "open 1024", do_open, 1024, 1 },
	{ "nonce", do_random, 24, 1 },
	{ "key set open", do_keyset_open, 0, 1 },
	{ "digest 20", do_digest, 20, 1 },
	{ "pseudonym, one", do_pseudonym, 1, 1 },
	{ "pseudonym, of 64", do_pseudonym, 64, 64 },
	{ "sha256 65", do_sha256, 65, 1 },
	{ "blake2b 65", do_blake2b, 65, 1 },
	{ "api key", do_apikey, 0, 1 },
};

static bool
prepare(void)
{
	char path[] = "/tmp/rsg-bench-XXXXXX", file[64];
	struct rsg_id id;
	uint8_t w[RSG_SERVICE_WRAPPED], d[RSG_DIGEST_LEN];
	bool ok;

	if (rsg_secret_init(1 << 20) != RSG_OK || mkdtemp(path) == NULL)
		return false;
	(void)snprintf(file, sizeof(file), "%s/root", path);
	ok = rsg_keyring_create(file) == RSG_OK &&
	    rsg_keyring_open(file, &ring) == RSG_OK &&
	    rsg_service_new(ring, blind, w) == RSG_OK &&
	    rsg_service_new(ring, session, w) == RSG_OK &&
	    rsg_service_new(ring, pseudo, w) == RSG_OK &&
	    rsg_pseudonym_open(ring, 1, 1, &pseudonym) == RSG_OK &&
	    rsg_keyset_new(ring, 1, &at.pk, &set, wrapped) == RSG_OK &&
	    rsg_apikey_new(&id, api_key, d, ring) == RSG_OK;
	(void)unlink(file);
	(void)rmdir(path);
	rsg_buf_init(&box, 1 << 16);
	return ok;
}

int
main(void)
{
	int64_t begin, us;

	if (!prepare())
		return 1;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		begin = rsg_clock_mono();
		for (int j = 0; j < ROUNDS; j++)
			jobs[i].run(jobs[i].n);
		us = rsg_clock_mono() - begin;
		(void)printf("%-18s %7.0f ns\n", jobs[i].name, (double)us *
		    1000 / ROUNDS / (double)jobs[i].per);
	}
	rsg_pseudonym_free(pseudonym);
	rsg_keyring_free(ring);
	rsg_buf_free(&box);
	return sink == RSG_OK ? 0 : 1;
}
