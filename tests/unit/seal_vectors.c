/*
 * The frozen vectors of tests/vectors/seal.txt, which seal.py wrote from
 * docs/FORMAT.md without this code. If one fails, stored data no longer opens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "seal_fixture.h"
#include "seal/apikey.h"

#define BYTES_MAX	4096
#define MEMBERS		16

struct record {
	char op[32];
	size_t n;
	struct { char name[16]; char value[2 * BYTES_MAX]; } member[MEMBERS];
};

static struct rsg_keyring *ring;	/* from the last "root" */

static const char *
text_of(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->member[i].name, name) == 0)
			return r->member[i].value;
	return NULL;
}

static const char *
must(const struct record *r, const char *name)
{
	const char *s = text_of(r, name);

	if (s == NULL)
		fail_msg("%s lacks %s", r->op, name);
	return s;
}

static uint64_t
number(const struct record *r, const char *name)
{
	return strtoull(must(r, name), NULL, 10);
}

static size_t
bytes(const struct record *r, const char *name, uint8_t out[BYTES_MAX])
{
	const char *s = must(r, name);
	size_t n = strlen(s) / 2;
	unsigned b;

	assert_true(n <= BYTES_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sscanf(s + 2 * i, "%2x", &b), 1);
		out[i] = (uint8_t)b;
	}
	return n;
}

static void
exactly(const struct record *r, const char *name, void *out, size_t n)
{
	uint8_t b[BYTES_MAX];

	assert_int_equal(bytes(r, name, b), n);
	memcpy(out, b, n);
}

static void
is(const struct record *r, const char *name, const void *p, size_t n)
{
	uint8_t want[BYTES_MAX];

	assert_int_equal(bytes(r, name, want), n);
	assert_memory_equal(p, want, n);
}

static struct rsg_place_of
place(const struct record *r)
{
	struct rsg_place_of at = {
		.kind = (enum rsg_seal_kind)number(r, "kind"),
		.controller = (uint32_t)number(r, "controller"),
		.generation = (uint32_t)number(r, "generation"),
		.version = number(r, "version"),
	};

	exactly(r, "pk", at.pk.b, RSG_ID_LEN);
	exactly(r, "pk2", at.pk2.b, RSG_ID_LEN);
	return at;
}

static struct rsg_service_name
service(const struct record *r)
{
	return (struct rsg_service_name) {
	    (enum rsg_service)number(r, "service"),
	    (uint32_t)number(r, "owner"), (uint32_t)number(r, "part") };
}

static void
do_bucket(const struct record *r)
{
	assert_int_equal(rsg__seal_bucket(number(r, "len")), number(r, "size"));
}

static void
do_seal(const struct record *r)
{
	const struct rsg_place_of at = place(r);
	uint8_t key[RSG_KEY_LEN], nonce[RSG_NONCE_LEN], text[BYTES_MAX];
	uint8_t sealed[BYTES_MAX], out[BYTES_MAX], ad[RSG_PLACE_LEN];
	size_t n, len;

	exactly(r, "key", key, sizeof(key));
	exactly(r, "nonce", nonce, sizeof(nonce));
	len = bytes(r, "text", text);
	rsg__seal_place(&at, ad);
	is(r, "ad", ad, sizeof(ad));
	assert_int_equal(rsg__seal_with_nonce(key, &at, nonce, text, len,
	    sealed), RSG_OK);
	is(r, "sealed", sealed, rsg_seal_size(len));
	assert_int_equal(rsg_seal_open(key, &at, sealed, rsg_seal_size(len),
	    out, &n), RSG_OK);
	is(r, "text", out, n);
}

static void
do_sha256(const struct record *r)
{
	uint8_t data[BYTES_MAX], out[32];
	size_t n = bytes(r, "data", data), half = n / 2;

	rsg_sha256((struct rsg_part[]) { { data, half }, { NULL, 0 },
	    { data + half, n - half } }, 3, out);
	is(r, "out", out, sizeof(out));
}

static void
do_blake2b(const struct record *r)
{
	uint8_t data[BYTES_MAX], key[RSG_KEY_LEN], out[32];
	size_t n = bytes(r, "data", data), half = n / 2;
	bool keyed = text_of(r, "key") != NULL;

	if (keyed)
		exactly(r, "key", key, sizeof(key));
	rsg_blake2b(keyed ? key : NULL, (struct rsg_part[]) { { data, half },
	    { NULL, 0 }, { data + half, n - half } }, 3, out);
	is(r, "out", out, sizeof(out));
}

static void
do_derive(const struct record *r)
{
	uint8_t key[RSG_KEY_LEN], out[RSG_KEY_LEN];
	struct rsg_id id;

	exactly(r, "key", key, sizeof(key));
	exactly(r, "id", id.b, RSG_ID_LEN);
	rsg_derive(key, must(r, "label"), &id, out);
	is(r, "out", out, sizeof(out));
}

static void
do_root(const struct record *r)
{
	uint8_t text[BYTES_MAX];
	const char *path;

	path = fixture_write("root", text, bytes(r, "data", text), 0600);
	rsg_keyring_free(ring);
	assert_int_equal(rsg_keyring_open(path, &ring), RSG_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rsg_keyring_generation(ring), number(r, "newest"));
}

static void
do_keyset(const struct record *r)
{
	uint8_t wrapped[BYTES_MAX];
	size_t n = bytes(r, "wrapped", wrapped);
	struct rsg_keyset set;
	struct rsg_id subject;

	exactly(r, "subject", subject.b, RSG_ID_LEN);
	assert_int_equal(rsg_keyset_open(ring, (uint32_t)number(r, "controller"),
	    &subject, (uint32_t)number(r, "generation"), wrapped, n, &set),
	    RSG_OK);
	assert_int_equal(set.has, number(r, "has"));
	is(r, "keys", set.key, sizeof(set.key));
}

static void
do_service(const struct record *r)
{
	uint8_t wrapped[BYTES_MAX];
	size_t n = bytes(r, "wrapped", wrapped);

	assert_int_equal(rsg_service_load(ring, service(r),
	    (uint32_t)number(r, "generation"), wrapped, n), RSG_OK);
}

static void
do_digest(const struct record *r)
{
	uint8_t data[BYTES_MAX], out[RSG_DIGEST_LEN];
	size_t n = bytes(r, "data", data);

	assert_int_equal(rsg_service_digest(ring, service(r), must(r, "label"),
	    data, n, out), RSG_OK);
	is(r, "out", out, sizeof(out));
}

static void
do_service_open(const struct record *r)
{
	const struct rsg_place_of at = place(r);
	uint8_t sealed[BYTES_MAX], out[BYTES_MAX];
	size_t n = bytes(r, "sealed", sealed), len;

	assert_int_equal(rsg_service_open(ring, service(r), &at, sealed, n,
	    out, &len), RSG_OK);
	is(r, "text", out, len);
}

static void
do_apikey(const struct record *r)
{
	const char *text = must(r, "text");
	uint8_t secret[RSG_APIKEY_SECRET], out[RSG_DIGEST_LEN];
	struct rsg_id credential;

	assert_int_equal(rsg_apikey_parse(text, strlen(text), &credential,
	    secret), RSG_OK);
	is(r, "credential", credential.b, RSG_ID_LEN);
	is(r, "secret", secret, sizeof(secret));
	assert_int_equal(rsg_apikey_digest(ring, &credential, secret, out),
	    RSG_OK);
	is(r, "out", out, sizeof(out));
}

static void
do_pseudonym(const struct record *r)
{
	struct rsg_pseudonym *p;
	struct rsg_id subject, out;

	exactly(r, "subject", subject.b, RSG_ID_LEN);
	assert_int_equal(rsg_pseudonym_open(ring, (uint32_t)number(r,
	    "recipient"), (uint32_t)number(r, "epoch"), &p), RSG_OK);
	assert_int_equal(rsg_pseudonym_of(p, &subject, 1, &out), RSG_OK);
	is(r, "out", out.b, RSG_ID_LEN);
	rsg_pseudonym_free(p);
}

static struct op {
	const char *name;
	void (*run)(const struct record *);
	size_t want, seen;
} ops[] = {
	{ "bucket", do_bucket, 16, 0 }, { "seal", do_seal, 8, 0 },
	{ "sha256", do_sha256, 7, 0 }, { "blake2b", do_blake2b, 14, 0 },
	{ "derive", do_derive, 1, 0 }, { "root", do_root, 1, 0 },
	{ "keyset", do_keyset, 3, 0 }, { "service", do_service, 5, 0 },
	{ "digest", do_digest, 2, 0 }, { "service_open", do_service_open, 1, 0 },
	{ "apikey", do_apikey, 1, 0 }, { "pseudonym", do_pseudonym, 1, 0 },
};
#define OPS	(sizeof(ops) / sizeof(ops[0]))

static void
run(const struct record *r)
{
	for (size_t i = 0; i < OPS; i++)
		if (strcmp(ops[i].name, r->op) == 0) {
			ops[i].run(r);
			ops[i].seen++;
			return;
		}
	fail_msg("no such vector: %s", r->op);
}

/* A line is "name value"; "op" begins a record, an empty line ends it. */
static void
take_line(struct record *r, char *line)
{
	char *value = strchr(line, ' ');

	assert_non_null(value);
	*value++ = '\0';
	if (strcmp(line, "op") == 0) {
		(void)snprintf(r->op, sizeof(r->op), "%.31s", value);
		return;
	}
	assert_true(r->n < MEMBERS);
	(void)snprintf(r->member[r->n].name, sizeof(r->member[0].name),
	    "%.15s", line);
	(void)snprintf(r->member[r->n].value, sizeof(r->member[0].value),
	    "%.*s", 2 * BYTES_MAX - 1, value);
	r->n++;
}

static void
the_format_stands(void **state)
{
	static struct record r;
	static char line[2 * BYTES_MAX + 32];
	FILE *f;

	(void)state;
	assert_non_null(f = fopen(RSG_SOURCE "/tests/vectors/seal.txt", "r"));
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			take_line(&r, line);
		else if (r.op[0] != '\0') {
			run(&r);
			memset(&r, 0, sizeof(r));
		}
	}
	run(&r);
	assert_int_equal(fclose(f), 0);
	rsg_keyring_free(ring);
	/* A file that was cut short must not pass. */
	for (size_t i = 0; i < OPS; i++)
		assert_int_equal(ops[i].seen, ops[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_format_stands),
	};

	return cmocka_run_group_tests(tests, fixture_init, fixture_clean);
}
