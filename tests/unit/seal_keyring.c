#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "seal_fixture.h"

static const uint32_t one[] = { 1 }, two[] = { 1, 2 }, later[] = { 2, 3 };
static const struct rsg_id ana = { "subject of tests" };

static void
open_fails(const char *path, enum rsg_err want, const char *event)
{
	struct rsg_keyring *r = (void *)&r;

	logged = 0;
	assert_int_equal(rsg_keyring_open(path, &r), want);
	assert_null(r);
	assert_int_equal(logged, 1);
	assert_string_equal(logged_event, event);
}

/* --- The file --- */

static void
creates_once_and_privately(void **state)
{
	const char *path = fixture_path("new");
	struct rsg_keyring *r;
	char before[512], after[512];
	struct stat st;
	mode_t mask = umask(0);
	FILE *f;

	(void)state;
	assert_int_equal(rsg_keyring_create(path), RSG_OK);
	(void)umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(rsg_keyring_open(path, &r), RSG_OK);
	assert_int_equal(rsg_keyring_generation(r), 1);
	rsg_keyring_free(r);

	assert_non_null(f = fopen(path, "r"));
	assert_int_equal(fread(before, 1, sizeof(before), f), st.st_size);
	(void)fclose(f);
	assert_int_equal(rsg_keyring_create(path), RSG_IO);
	assert_non_null(f = fopen(path, "r"));
	assert_int_equal(fread(after, 1, sizeof(after), f), st.st_size);
	(void)fclose(f);
	assert_memory_equal(before, after, (size_t)st.st_size);
	assert_int_equal(unlink(path), 0);
}

/* Two files never hold the same key. */
static void
keys_are_fresh(void **state)
{
	char text[2][512];
	size_t n[2];
	FILE *f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *path = fixture_path("new");

		assert_int_equal(rsg_keyring_create(path), RSG_OK);
		assert_non_null(f = fopen(path, "r"));
		n[i] = fread(text[i], 1, sizeof(text[i]), f);
		(void)fclose(f);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(n[0], n[1]);
	assert_memory_not_equal(text[0], text[1], n[0]);
}

static void
refuses_a_file_others_may_use(void **state)
{
	static const mode_t wide[] = { 0640, 0604, 0620, 0602, 0610, 0601 };
	char text[512];
	size_t n = fixture_root(text, sizeof(text), one, 1);
	struct rsg_keyring *r;
	const char *path;

	(void)state;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		open_fails(fixture_write("root", text, n, wide[i]), RSG_CONFIG,
		    "root.unsafe");
	path = fixture_write("root", text, n, 0400);
	assert_int_equal(rsg_keyring_open(path, &r), RSG_OK);
	rsg_keyring_free(r);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 0), 0);
		open_fails(path, RSG_CONFIG, "root.unsafe");
	} else
		print_message("owner: not root, so not tried\n");
	(void)unlink(path);
	open_fails(fixture_dir, RSG_CONFIG, "root.unsafe");
	open_fails(fixture_path("none"), RSG_IO, "root.open");
}

static void
reads_the_credential(void **state)
{
	char text[512], dir[128];
	size_t n = fixture_root(text, sizeof(text), two, 2);
	struct rsg_keyring *r;
	const char *path;

	(void)state;
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	open_fails(NULL, RSG_CONFIG, "root.unset");
	/* systemd's ACL shows as a group's right to read; more is refused. */
	path = fixture_write("resguardo.root", text, n, 0440);
	(void)snprintf(dir, sizeof(dir), "%s", fixture_dir);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	assert_int_equal(rsg_keyring_open(NULL, &r), RSG_OK);
	assert_int_equal(rsg_keyring_generation(r), 2);
	rsg_keyring_free(r);
	(void)fixture_write("resguardo.root", text, n, 0444);
	open_fails(NULL, RSG_CONFIG, "root.unsafe");
	(void)unlink(path);
	open_fails(NULL, RSG_IO, "root.open");
	(void)unsetenv("CREDENTIALS_DIRECTORY");
}

/* No character of the file may be another, missing or doubled. */
static void
refuses_any_other_text(void **state)
{
	char text[1024], bad[1024];
	size_t n = fixture_root(text, sizeof(text), two, 2);
	struct rsg_keyring *r;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		open_fails(fixture_write("root", text, i, 0600), RSG_CONFIG,
		    "root.form");
		memcpy(bad, text, n);
		bad[i] = bad[i] == '7' ? '8' : '7';
		open_fails(fixture_write("root", bad, n, 0600), RSG_CONFIG,
		    "root.form");
		memmove(bad + i + 1, text + i, n - i);
		memcpy(bad, text, i);
		bad[i] = '7';
		open_fails(fixture_write("root", bad, n + 1, 0600), RSG_CONFIG,
		    "root.form");
	}
	memcpy(bad, text, n);
	bad[n] = '\n';
	open_fails(fixture_write("root", bad, n + 1, 0600), RSG_CONFIG,
	    "root.form");
	assert_int_equal(rsg_keyring_open(fixture_write("root", text, n, 0600),
	    &r), RSG_OK);
	rsg_keyring_free(r);
	(void)unlink(fixture_path("root"));
}

static void
refuses_generations_out_of_order(void **state)
{
	static const uint32_t bad[][2] = { { 2, 1 }, { 2, 2 }, { 0, 1 } };
	uint32_t many[65];
	char text[16384];
	struct rsg_keyring *r;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		n = fixture_root(text, sizeof(text), bad[i], 2);
		open_fails(fixture_write("root", text, n, 0600), RSG_CONFIG,
		    "root.form");
	}
	n = fixture_root(text, sizeof(text), NULL, 0);
	open_fails(fixture_write("root", text, n, 0600), RSG_CONFIG, "root.form");
	for (uint32_t i = 0; i < 65; i++)
		many[i] = UINT32_MAX - 64 + i;
	r = fixture_keyring(many, 64);
	assert_int_equal(rsg_keyring_generation(r), UINT32_MAX - 1);
	rsg_keyring_free(r);
	n = fixture_root(text, sizeof(text), many, 65);
	open_fails(fixture_write("root", text, n, 0600), RSG_CONFIG, "root.form");
	(void)unlink(fixture_path("root"));
}

/* --- Key sets --- */

static void
opens_the_set_it_wrapped(void **state)
{
	struct rsg_keyring *r = fixture_keyring(two, 2);
	struct rsg_keyset a, b;
	uint8_t w[RSG_KEYSET_WRAPPED];

	(void)state;
	assert_int_equal(rsg_keyset_new(r, 3, &ana, &a, w), RSG_OK);
	assert_int_equal(a.has, 7);
	assert_memory_not_equal(a.key[0], a.key[1], RSG_KEY_LEN);
	assert_memory_not_equal(a.key[1], a.key[2], RSG_KEY_LEN);
	assert_int_equal(rsg_keyset_open(r, 3, &ana, 2, w, sizeof(w), &b),
	    RSG_OK);
	assert_int_equal(b.has, 7);
	assert_memory_equal(a.key, b.key, sizeof(a.key));
	assert_int_equal(rsg_keyset_new(r, 3, &ana, &b, w), RSG_OK);
	assert_memory_not_equal(a.key, b.key, sizeof(a.key));
	rsg_keyring_free(r);
}

/* Taking keys out leaves their size, and nothing of them. */
static void
an_erased_set_lacks_keys(void **state)
{
	static const uint8_t zero[RSG_KEY_LEN];
	struct rsg_keyring *r = fixture_keyring(one, 1);
	struct rsg_keyset a, b;
	uint8_t w[RSG_KEYSET_WRAPPED];

	(void)state;
	assert_int_equal(rsg_keyset_new(r, 3, &ana, &a, w), RSG_OK);
	a.has = 1 << RSG_KEY_EVIDENCE;	/* the keys themselves still there */
	assert_int_equal(rsg_keyset_wrap(r, 3, &ana, &a, w), RSG_OK);
	assert_int_equal(rsg_keyset_open(r, 3, &ana, 1, w, sizeof(w), &b),
	    RSG_OK);
	assert_int_equal(b.has, 1 << RSG_KEY_EVIDENCE);
	assert_memory_equal(b.key[RSG_KEY_PROFILE], zero, RSG_KEY_LEN);
	assert_memory_equal(b.key[RSG_KEY_ACTIVITY], zero, RSG_KEY_LEN);
	assert_memory_equal(b.key[RSG_KEY_EVIDENCE], a.key[RSG_KEY_EVIDENCE],
	    RSG_KEY_LEN);
	rsg_keyring_free(r);
}

static void
set_refused(const struct rsg_keyring *r, uint32_t controller,
    const struct rsg_id *subject, uint32_t generation, const uint8_t *w,
    size_t len, enum rsg_err want)
{
	static const uint8_t zero[sizeof(((struct rsg_keyset *)0)->key)];
	struct rsg_keyset set;

	memset(&set, 0x5a, sizeof(set));
	assert_int_equal(rsg_keyset_open(r, controller, subject, generation, w,
	    len, &set), want);
	assert_int_equal(set.has, 0);
	assert_memory_equal(set.key, zero, sizeof(zero));
}

static void
a_set_opens_only_for_its_person(void **state)
{
	struct rsg_keyring *r = fixture_keyring(two, 2);
	struct rsg_keyset set;
	struct rsg_id other = ana;
	uint8_t w[RSG_KEYSET_WRAPPED + 1] = { 0 };

	(void)state;
	assert_int_equal(rsg_keyset_new(r, 3, &ana, &set, w), RSG_OK);
	other.b[15] ^= 1;
	set_refused(r, 3, &other, 2, w, RSG_KEYSET_WRAPPED, RSG_TAMPERED);
	set_refused(r, 4, &ana, 2, w, RSG_KEYSET_WRAPPED, RSG_TAMPERED);
	set_refused(r, 3, &ana, 1, w, RSG_KEYSET_WRAPPED, RSG_TAMPERED);
	set_refused(r, 3, &ana, 2, w, RSG_KEYSET_WRAPPED - 1, RSG_TAMPERED);
	set_refused(r, 3, &ana, 2, w, RSG_KEYSET_WRAPPED + 1, RSG_TAMPERED);
	set_refused(r, 3, &ana, 2, w, 0, RSG_TAMPERED);
	for (size_t i = 0; i < RSG_KEYSET_WRAPPED; i++) {
		w[i] ^= 0x10;
		set_refused(r, 3, &ana, 2, w, RSG_KEYSET_WRAPPED, RSG_TAMPERED);
		w[i] ^= 0x10;
	}
	rsg_keyring_free(r);
}

static void
a_destroyed_generation_opens_nothing(void **state)
{
	struct rsg_keyring *r = fixture_keyring(one, 1);
	struct rsg_keyset set;
	uint8_t w[RSG_KEYSET_WRAPPED];

	(void)state;
	assert_int_equal(rsg_keyset_new(r, 3, &ana, &set, w), RSG_OK);
	rsg_keyring_free(r);
	r = fixture_keyring(later, 2);
	logged = 0;
	set_refused(r, 3, &ana, 1, w, sizeof(w), RSG_CONFIG);
	assert_string_equal(logged_event, "root.generation");
	assert_int_equal(logged, 1);
	rsg_keyring_free(r);

	/* Before that it was wrapped again, by both's keyring. */
	r = fixture_keyring(two, 2);
	assert_int_equal(rsg_keyset_wrap(r, 3, &ana, &set, w), RSG_OK);
	rsg_keyring_free(r);
	r = fixture_keyring(later, 2);
	assert_int_equal(rsg_keyset_open(r, 3, &ana, 2, w, sizeof(w), &set),
	    RSG_OK);
	rsg_keyring_free(r);
}

/* What verifies but is no key set: another root's user would have made it. */
static void
a_set_of_another_form_is_refused(void **state)
{
	static const struct { uint8_t has; size_t len; } bad[] = {
		{ 8, RSG_KEYSET_TEXT }, { 0x80, RSG_KEYSET_TEXT },
		{ 7, RSG_KEYSET_TEXT - 1 }, { 7, RSG_KEYSET_TEXT + 1 },
	};
	struct rsg_keyring *r = fixture_keyring(one, 1);
	const struct rsg_place_of at = { .kind = RSG_SEAL_KEYSET,
	    .controller = 3, .pk = ana, .generation = 1 };
	uint8_t text[RSG_KEYSET_TEXT + 1] = { 0 }, w[RSG_KEYSET_WRAPPED];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text[0] = bad[i].has;
		assert_int_equal(r->root.ops->wrap(r->root.state, &at, text,
		    bad[i].len, w), RSG_OK);
		set_refused(r, 3, &ana, 1, w, sizeof(w), RSG_TAMPERED);
	}
	rsg_keyring_free(r);
	rsg_keyring_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates_once_and_privately),
		cmocka_unit_test(keys_are_fresh),
		cmocka_unit_test(refuses_a_file_others_may_use),
		cmocka_unit_test(reads_the_credential),
		cmocka_unit_test(refuses_any_other_text),
		cmocka_unit_test(refuses_generations_out_of_order),
		cmocka_unit_test(opens_the_set_it_wrapped),
		cmocka_unit_test(an_erased_set_lacks_keys),
		cmocka_unit_test(a_set_opens_only_for_its_person),
		cmocka_unit_test(a_destroyed_generation_opens_nothing),
		cmocka_unit_test(a_set_of_another_form_is_refused),
	};

	return cmocka_run_group_tests(tests, fixture_init, fixture_clean);
}
