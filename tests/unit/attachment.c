/*
 * attachment.c - a file kept as evidence, as docs/FORMAT.md says its row is:
 * written here by hand, read by what the server reads with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "consent/attachment.h"
#include "seal_fixture.h"

#define HEAD	62			/* bytes of a head's text */

static struct rsg_subject person, another;
static const struct rsg_id first = { { 1 } }, second = { { 2 } };
static struct rsg_arena *arena;

static int
setup(void **state)
{
	if (fixture_init(state) != 0 || rsg_arena_new(1 << 20, &arena) != RSG_OK)
		return -1;
	person.id = (struct rsg_id){ { 7 } };
	another.id = (struct rsg_id){ { 8 } };
	person.controller = another.controller = 3;
	memset(&person.keys, 0x11, sizeof(person.keys));
	memset(&another.keys, 0x22, sizeof(another.keys));
	return 0;
}

static int
teardown(void **state)
{
	rsg_arena_free(arena);
	return fixture_clean(state);
}

static void
seal(const struct rsg_subject *s, const struct rsg_id *id, uint64_t version,
    enum rsg_subject_key key, const void *p, size_t len, struct rsg_buf *out)
{
	const struct rsg_place_of at = { .kind = RSG_SEAL_ATTACHMENT,
	    .controller = s->controller, .pk = s->id, .pk2 = *id, .version = version,
	    .generation = 1 };

	rsg_buf_init(out, 2 * RSG_SEAL_BIG);
	assert_int_equal(rsg_seal(s->keys.key[key], &at, p, len, out), RSG_OK);
}

/* A head of `data`, as the table has it. */
static void
head_of(const void *data, size_t len, uint8_t text[HEAD])
{
	memset(text, 0, HEAD);
	text[0] = 1;
	text[1] = 6;
	rsg_be64(text + 2, 1234567);
	rsg_be32(text + 10, (uint32_t)len);
	memset(text + 14, 9, RSG_ID_LEN);
	rsg_sha256(&(struct rsg_part){ data, len }, 1, text + 30);
}

static enum rsg_err
read_head(const struct rsg_subject *s, const struct rsg_id *id, const struct rsg_buf *b,
    struct rsg_attachment *a)
{
	return rsg_attachment_head(s, id, b->p, b->len, a);
}

static enum rsg_err
read_bytes(const struct rsg_id *id, const struct rsg_attachment *a,
    const struct rsg_buf *b, const uint8_t **p)
{
	rsg_arena_reset(arena);
	return rsg_attachment_bytes(arena, &person, id, a, b->p, b->len, p);
}

static void
reads_what_the_format_says(void **state)
{
	static uint8_t data[RSG_ATTACHMENT_MAX];
	const size_t sizes[] = { 1, 200, 65536, sizeof(data) };
	struct rsg_attachment a;
	struct rsg_buf head, sealed;
	uint8_t text[HEAD];
	const uint8_t *p;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(data, (int)i + 1, sizes[i]);
		head_of(data, sizes[i], text);
		seal(&person, &first, 1, RSG_KEY_EVIDENCE, text, HEAD, &head);
		seal(&person, &first, 2, RSG_KEY_EVIDENCE, data, sizes[i], &sealed);
		assert_int_equal(read_head(&person, &first, &head, &a), RSG_OK);
		assert_string_equal(rsg_media_name(a.media), "text/plain");
		assert_int_equal(a.time, 1234567);
		assert_int_equal(a.bytes, sizes[i]);
		assert_int_equal(a.principal.b[15], 9);
		assert_int_equal(read_bytes(&first, &a, &sealed, &p), RSG_OK);
		assert_memory_equal(p, data, sizes[i]);
		rsg_buf_free(&head);
		rsg_buf_free(&sealed);
	}
}

/* Each is good somewhere: only not here. */
static void
nothing_fits_another_place(void **state)
{
	const struct {
		const struct rsg_subject *s;
		const struct rsg_id *id;
		uint64_t version;
		enum rsg_subject_key key;
	} wrong[] = {
		{ &another, &first, 1, RSG_KEY_EVIDENCE },
		{ &person, &second, 1, RSG_KEY_EVIDENCE },
		{ &person, &first, 2, RSG_KEY_EVIDENCE },
	};
	uint8_t data[HEAD] = "data of the size of a head", text[HEAD];
	struct rsg_attachment a;
	struct rsg_buf b;
	const uint8_t *p;

	(void)state;
	/* All keys of the fixture's people are alike, so one is changed. */
	person.keys.key[RSG_KEY_PROFILE][0] ^= 1;
	head_of(data, sizeof(data), text);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		seal(wrong[i].s, wrong[i].id, wrong[i].version, wrong[i].key, text, HEAD, &b);
		assert_int_equal(read_head(&person, &first, &b, &a), RSG_TAMPERED);
		rsg_buf_free(&b);
	}
	seal(&person, &first, 1, RSG_KEY_PROFILE, text, HEAD, &b);
	assert_int_equal(read_head(&person, &first, &b, &a), RSG_TAMPERED);
	rsg_buf_free(&b);
	/* The head in the place of the bytes, which have its size. */
	seal(&person, &first, 1, RSG_KEY_EVIDENCE, text, HEAD, &b);
	assert_int_equal(read_head(&person, &first, &b, &a), RSG_OK);
	rsg_sha256(&(struct rsg_part){ text, HEAD }, 1, a.hash);
	assert_int_equal(read_bytes(&first, &a, &b, &p), RSG_TAMPERED);
	assert_null(p);
	rsg_buf_free(&b);
}

/* Bytes of the right place and size that are not those of the head. */
static void
bytes_have_the_hash_of_their_head(void **state)
{
	uint8_t data[] = "what was signed", other[] = "what was SIGNED", text[HEAD];
	struct rsg_attachment a;
	struct rsg_buf head, sealed;
	const uint8_t *p;

	(void)state;
	head_of(data, sizeof(data), text);
	seal(&person, &first, 1, RSG_KEY_EVIDENCE, text, HEAD, &head);
	assert_int_equal(read_head(&person, &first, &head, &a), RSG_OK);
	seal(&person, &first, 2, RSG_KEY_EVIDENCE, other, sizeof(other), &sealed);
	assert_int_equal(read_bytes(&first, &a, &sealed, &p), RSG_TAMPERED);
	assert_null(p);
	rsg_buf_free(&sealed);
	/* Shorter, in the same bucket; and longer than any. */
	seal(&person, &first, 2, RSG_KEY_EVIDENCE, data, sizeof(data) - 1, &sealed);
	assert_int_equal(read_bytes(&first, &a, &sealed, &p), RSG_TAMPERED);
	a.bytes = RSG_ATTACHMENT_MAX + 1;
	assert_int_equal(read_bytes(&first, &a, &sealed, &p), RSG_TAMPERED);
	rsg_buf_free(&sealed);
	/* A row that grew takes no memory before it is refused. */
	a.bytes = sizeof(data);
	rsg_buf_init(&sealed, 2 * RSG_SEAL_BIG);
	assert_non_null(rsg_buf_extend(&sealed, 2 * RSG_SEAL_BIG));
	assert_int_equal(read_bytes(&first, &a, &sealed, &p), RSG_TAMPERED);
	rsg_buf_free(&sealed);
	rsg_buf_free(&head);
}

static void
a_head_of_another_form_is_refused(void **state)
{
	uint8_t data[] = "x", text[HEAD + 1];
	struct rsg_attachment a;
	struct rsg_buf b;

	(void)state;
	for (size_t n = 0; n <= HEAD + 1; n++) {
		head_of(data, sizeof(data), text);
		text[HEAD] = 0;
		seal(&person, &first, 1, RSG_KEY_EVIDENCE, text, n, &b);
		assert_int_equal(read_head(&person, &first, &b, &a),
		    n == HEAD ? RSG_OK : RSG_TAMPERED);
		rsg_buf_free(&b);
	}
	text[0] = 2;
	seal(&person, &first, 1, RSG_KEY_EVIDENCE, text, HEAD, &b);
	assert_int_equal(read_head(&person, &first, &b, &a), RSG_TAMPERED);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(rsg_attachment_head(&person, &first, b.p, n, &a),
		    RSG_TAMPERED);
	rsg_buf_free(&b);
}

static void
media_are_a_short_list(void **state)
{
	uint8_t n;

	(void)state;
	for (n = 1; strcmp(rsg_media_name(n), "unknown") != 0; n++)
		assert_int_equal(rsg_media_find(rsg_media_name(n),
		    strlen(rsg_media_name(n))), n);
	assert_int_equal(n, 10);
	assert_int_equal(rsg_media_find("application/pd", 14), 0);
	assert_int_equal(rsg_media_find("text/html", 9), 0);
	assert_int_equal(rsg_media_find("", 0), 0);
	assert_string_equal(rsg_media_name(0), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_format_says),
		cmocka_unit_test(nothing_fits_another_place),
		cmocka_unit_test(bytes_have_the_hash_of_their_head),
		cmocka_unit_test(a_head_of_another_form_is_refused),
		cmocka_unit_test(media_are_a_short_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
