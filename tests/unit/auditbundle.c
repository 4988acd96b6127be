/*
 * auditbundle.c - a customer's bundle verifies as it was given, no byte of it
 * can be another, and with a copy of the log nothing can be kept back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/bundlecheck.h"
#include "bundle_made.h"
#include "seal_fixture.h"

static struct rsg_keyring *ring;
static struct bundle_made made;
static struct rsg_buf json;
static char said[65536];

static void
say(void *ctx, bool wrong, const char *text)
{
	size_t n = strlen(said);

	(void)ctx;
	if (wrong)
		(void)snprintf(said + n, sizeof(said) - n, "%s\n", text);
}

static enum rsg_err
check(struct rsg_bundlecheck *b, const void *p, size_t len)
{
	*b = (struct rsg_bundlecheck){ .key = &made.key.public, .say = say,
	    .dir = b->dir, .dir_size = b->dir_size };
	said[0] = '\0';
	return rsg_bundlecheck_run(b, p, len);
}

static void
test_as_it_was_given(void **state)
{
	struct rsg_bundlecheck b = { .dir = NULL };
	struct rsg_skey other;
	uint8_t seed[RSG_SEED_LEN] = { 1 };

	(void)state;
	assert_int_equal(check(&b, json.p, json.len), RSG_OK);
	assert_int_equal(b.accesses, 5);
	assert_int_equal(b.opened, 4);
	assert_int_equal(b.days, 2);
	assert_int_equal(b.whole, 2);
	assert_true(rsg_id_eq(&b.subject, &made.ana));
	assert_int_equal(b.now.size, BM_ENTRIES);
	assert_int_equal(rsg_note_skey_make(BM_ORIGIN, seed, &other), RSG_OK);
	b.key = &other.public;
	assert_int_equal(rsg_bundlecheck_run(&b, json.p, json.len), RSG_TAMPERED);
	assert_non_null(strstr(said, "not signed by this key"));
}

/* Each byte in turn is another. Behind "controller" nothing is proven. */
static void
test_no_byte_can_be_another(void **state)
{
	const uint8_t *end = memmem(json.p, json.len, "\"controller\":", 13);
	struct rsg_bundlecheck b = { .dir = NULL };

	(void)state;
	assert_non_null(end);
	for (size_t i = 0; i < (size_t)(end - json.p); i++) {
		uint8_t keep = json.p[i];

		json.p[i] ^= 1;
		if (check(&b, json.p, json.len) != RSG_TAMPERED || b.wrong == 0)
			fail_msg("byte %zu: %.*s", i, 60, (char *)json.p + (i > 30 ? i - 30 : 0));
		json.p[i] = keep;
	}
	for (size_t n = 0; n < json.len; n += 7)
		assert_int_equal(check(&b, json.p, n), RSG_TAMPERED);
}

static void
expect(const char *from, const char *to, const char *word)
{
	const uint8_t *at = memmem(json.p, json.len, from, strlen(from));
	struct rsg_bundlecheck b = { .dir = NULL };
	struct rsg_buf bad;

	assert_non_null(at);
	rsg_buf_init(&bad, RSG_AUDITBUNDLE_MAX);
	rsg_buf_put(&bad, json.p, (size_t)(at - json.p));
	rsg_buf_str(&bad, to);
	rsg_buf_put(&bad, at + strlen(from), json.len - (size_t)(at - json.p) - strlen(from));
	assert_int_equal(check(&b, bad.p, bad.len), RSG_TAMPERED);
	if (strstr(said, word) == NULL)
		fail_msg("%s -> %s: %s", from, to, said);
	rsg_buf_free(&bad);
}

/* What is wrong is named, and nothing that nobody checks gets in. */
static void
test_wrong_things_are_named(void **state)
{
	(void)state;
	expect("\"purpose\":\"loyalty_account\"", "\"purpose\":\"rewards\"", "'purpose'");
	expect("\"decision\":\"deny\"", "\"decision\":\"allow\"", "access 3 (entry");
	expect("\"action\":\"release\"", "\"action\":\"release\",\"staff\":\"x\"",
	    "does not have");
	expect("\"covers\":[\"Every access.\"]", "\"covers\":[]", "'covers'");
	expect("\"position\":3", "\"position\":2", "among its many");
	expect("\"position\":3", "\"position\":-1", "malformed");
	expect("\"people\":5", "\"people\":6", "'people'");
	expect(",\"people\":5", "", "'people'");
	expect("\"index\":1,", "\"index\":9223372036854775807,", "not in the log");
	expect("\"count\":1", "\"count\":2", "day 1 of the bundle should have 2");
	expect("\"index\":6", "\"staff\":1,\"index\":6", "does not have");
	expect("\"index\":6", "\"role\":\"till\",\"index\":6", "not opened");
	expect("\"fields\":[],\"leaf\":\"01", "\"fields\":[\"email\"],\"leaf\":\"01", "not opened");
	expect("resguardo-audit-bundle-1", "resguardo-audit-bundle-9", "form");
	expect("\"whole\":true", "\"whole\":1", "malformed");
	expect("\"share\":{", "\"share\":{\"x\":1,", "does not have");
	expect("\"place\":\"Zamora", "\"place\":\"\\u0000Zamora", "cannot be read");
}

/* --- With a copy of the log --- */

static char folder[] = "/tmp/rsg-bundle-XXXXXX";

static void
write_copy(void)
{
	struct rsg_tile t = { RSG_TILE_ENTRIES, 0, BM_ENTRIES };
	char path[RSG_TILEPATH_MAX];
	struct rsg_logdir *dir;
	struct rsg_buf b;

	assert_non_null(mkdtemp(folder));
	rsg_buf_init(&b, RSG_BUNDLE_MAX);
	for (size_t i = 0; i < BM_ENTRIES; i++)
		rsg_bundle_put(&b, made.leaf[i].p, made.leaf[i].len);
	assert_int_equal(rsg_logdir_open(folder, false, &dir), RSG_OK);
	rsg_tilepath(&t, path);
	assert_int_equal(rsg_logdir_write(dir, path, b.p, b.len), RSG_OK);
	rsg_logdir_close(dir);
	rsg_buf_free(&b);
}

static void
test_nothing_can_be_kept_back(void **state)
{
	static const int of[] = { 1, 3, 5, 6 };
	struct rsg_bundlecheck b = { .dir = folder, .dir_size = BM_ENTRIES };
	struct rsg_buf less;
	char name[64];

	(void)state;
	assert_int_equal(check(&b, json.p, json.len), RSG_OK);
	rsg_buf_init(&less, RSG_AUDITBUNDLE_MAX);
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		rsg_buf_reset(&less);
		assert_int_equal(bundle_made_json(&made, of[i], &less), RSG_OK);
		/* By itself it looks whole; not beside the log. */
		b.dir = NULL;
		assert_int_equal(check(&b, less.p, less.len), RSG_OK);
		b.dir = folder;
		assert_int_equal(check(&b, less.p, less.len), RSG_TAMPERED);
		(void)snprintf(name, sizeof(name), "entry %d of the log is missing", of[i]);
		assert_non_null(strstr(said, name));
	}
	/* A copy from before the bundle proves nothing. */
	b.dir_size = BM_ENTRIES - 1;
	assert_int_equal(check(&b, json.p, json.len), RSG_TAMPERED);
	assert_non_null(strstr(said, "older than the bundle"));
	rsg_buf_free(&less);
}

/* A bundle given long ago: what its bytes mean does not change. */
static void
test_one_from_before(void **state)
{
	const char *path = RSG_SOURCE "/tests/fuzz/corpus/auditbundle/good.json";
	struct rsg_bundlecheck b = { .dir = NULL };
	struct rsg_buf old;
	uint8_t *p;
	FILE *f;

	(void)state;
	if (getenv("RSG_GOLDEN_UPDATE") != NULL) {
		assert_non_null(f = fopen(path, "wb"));
		assert_int_equal(fwrite(json.p, 1, json.len, f), json.len);
		assert_int_equal(fclose(f), 0);
	}
	rsg_buf_init(&old, RSG_AUDITBUNDLE_MAX);
	assert_non_null(f = fopen(path, "rb"));
	assert_non_null(p = rsg_buf_room(&old, 1 << 20));
	assert_non_null(rsg_buf_extend(&old, fread(p, 1, 1 << 20, f)));
	fclose(f);
	if (check(&b, old.p, old.len) != RSG_OK)
		fail_msg("%s", said);
	assert_int_equal(b.opened, 4);
	rsg_buf_free(&old);
}

static int
setup(void **state)
{
	static const uint32_t one[] = { 1 };
	uint8_t wrapped[RSG_SERVICE_WRAPPED];

	rsg_json_init();
	if (fixture_init(state) != 0)
		return -1;
	ring = fixture_keyring(one, 1);
	assert_int_equal(rsg_service_new(ring, (struct rsg_service_name){
	    RSG_SERVICE_OPERATIONS, 0, 0 }, wrapped), RSG_OK);
	assert_int_equal(bundle_made(&made, ring), RSG_OK);
	rsg_buf_init(&json, RSG_AUDITBUNDLE_MAX);
	assert_int_equal(bundle_made_json(&made, -1, &json), RSG_OK);
	write_copy();
	return 0;
}

static int
teardown(void **state)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", folder);
	assert_int_equal(system(cmd), 0);
	rsg_buf_free(&json);
	bundle_made_free(&made);
	rsg_keyring_free(ring);
	return fixture_clean(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_it_was_given),
		cmocka_unit_test(test_no_byte_can_be_another),
		cmocka_unit_test(test_wrong_things_are_named),
		cmocka_unit_test(test_nothing_can_be_kept_back),
		cmocka_unit_test(test_one_from_before),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
