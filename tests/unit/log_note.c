/*
 * Signed notes, checkpoints and proof files: the reference's vectors, and
 * every way a note can be malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/checkpoint.h"
#include "audit/merkle.h"
#include "resguardo/secret.h"
#include "seal/seal.h"

#define FOO	"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define FOO_SIG	"\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ON" \
    "ncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define LOG_S	"PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
#define LOG_V	"example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define LOG_TEXT "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
#define LOG_SIG	"\xe2\x80\x94 example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zf" \
    "cBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n"
#define TEXT	"This is an example message.\n"

static struct rsg_vkey foo, logkey;

static int
keys(void **state)
{
	(void)state;
	return rsg_secret_init(4096) == RSG_OK &&
	    rsg_note_vkey(FOO, strlen(FOO), &foo) == RSG_OK &&
	    rsg_note_vkey(LOG_V, strlen(LOG_V), &logkey) == RSG_OK ? 0 : -1;
}

static enum rsg_err
open_note(const char *text)
{
	struct rsg_note n;

	return rsg_note_open(text, strlen(text), &foo, 1, &n);
}

static void
vector_note(void **state)
{
	static const char text[] = TEXT "\n" FOO_SIG;
	struct rsg_note n;

	(void)state;
	assert_int_equal(rsg_note_open(text, sizeof(text) - 1, &foo, 1, &n), RSG_OK);
	assert_int_equal(n.len, strlen(TEXT));
	assert_int_equal(n.sigs, 1);
	assert_int_equal(n.verified, 1);
	assert_int_equal(rsg_note_open(text, sizeof(text) - 1, &logkey, 1, &n),
	    RSG_NOT_FOUND);
}

static void
vector_checkpoint(void **state)
{
	struct rsg_checkpoint c, back;
	struct rsg_skey s;
	struct rsg_buf b;

	(void)state;
	assert_int_equal(rsg_note_skey(LOG_S, strlen(LOG_S), &s), RSG_OK);
	rsg_buf_init(&b, 4096);
	rsg_note_skey_text(&s, &b);
	rsg_buf_u8(&b, 0);
	assert_string_equal((const char *)b.p, LOG_S);
	rsg_buf_reset(&b);
	rsg_note_vkey_text(&s.public, &b);
	rsg_buf_u8(&b, 0);
	assert_string_equal((const char *)b.p, LOG_V);
	rsg_buf_reset(&b);
	assert_int_equal(rsg_checkpoint_parse(LOG_TEXT, strlen(LOG_TEXT), &c), RSG_OK);
	assert_int_equal(c.size, 15);
	assert_int_equal(rsg_checkpoint_sign(&s, &c, &b), RSG_OK);
	assert_int_equal(b.len, strlen(LOG_TEXT "\n" LOG_SIG));
	assert_memory_equal(b.p, LOG_TEXT "\n" LOG_SIG, b.len);
	assert_int_equal(rsg_checkpoint_open((char *)b.p, b.len, &logkey, &back), RSG_OK);
	assert_memory_equal(&back, &c, sizeof(c));
	/* Signed all right, but for another log. */
	snprintf(c.origin, sizeof(c.origin), "example.com/other");
	rsg_buf_reset(&b);
	assert_int_equal(rsg_checkpoint_sign(&s, &c, &b), RSG_OK);
	assert_int_equal(rsg_checkpoint_open((char *)b.p, b.len, &logkey, &back),
	    RSG_TAMPERED);
	rsg_buf_free(&b);
}

static void
malformed_notes(void **state)
{
	static const char *const bad[] = {
		"", "\n", TEXT, TEXT "\n", TEXT FOO_SIG, TEXT "\n" FOO_SIG "\n",
		TEXT "\n" FOO_SIG "x", TEXT "\n" FOO_SIG "\xe2\x80\x94 a\n",
		TEXT "\n" FOO_SIG "- example.com/foo AAAAAAAA\n",
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a+b AAAAAAAA\n",
		TEXT "\n" FOO_SIG "\xe2\x80\x94  AAAAAAAA\n",
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a\xc2\xa0z AAAAAAAA\n",
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a AAAA\n",	/* shorter than an id */
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a AAAAAAB=\n",	/* bits behind the end */
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a AAAAAAAA=\n",
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a AAAAAAAAA\n",	/* no padding */
		TEXT "\n" FOO_SIG "\xe2\x80\x94 a AAAA AAAA\n",
		"bad\x01\n\n" FOO_SIG, "bad\r\n\n" FOO_SIG, "bad\xff\n\n" FOO_SIG,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (open_note(bad[i]) != RSG_MALFORMED)
			fail_msg("malformed note %zu was read", i);
	/* Unknown signers are passed over, of any length and kind. */
	assert_int_equal(open_note(TEXT "\n\xe2\x80\x94 z AAAAAAA=\n" FOO_SIG
	    "\xe2\x80\x94 example.com/foo AAAAAAAA\n"), RSG_OK);
	assert_int_equal(open_note("an empty line\n\nis no end\n\n" FOO_SIG),
	    RSG_TAMPERED);
	assert_int_equal(open_note("Another.\n\n" FOO_SIG), RSG_TAMPERED);
	/* Right first, wrong after: the whole is false. */
	assert_int_equal(open_note(TEXT "\n" FOO_SIG
	    "\xe2\x80\x94 example.com/foo Uw2QOgAA\n"), RSG_TAMPERED);
}

static void
number_of_signatures(void **state)
{
	struct rsg_buf b;
	struct rsg_note n;

	(void)state;
	rsg_buf_init(&b, RSG_NOTE_MAX * 2);
	rsg_buf_str(&b, TEXT "\n" FOO_SIG);
	for (int i = 1; i < 100; i++)
		rsg_buf_printf(&b, "\xe2\x80\x94 w%d AAAAAAAA\n", i);
	assert_int_equal(rsg_note_open((char *)b.p, b.len, &foo, 1, &n), RSG_OK);
	assert_int_equal(n.sigs, 100);
	rsg_buf_str(&b, "\xe2\x80\x94 w100 AAAAAAAA\n");
	assert_int_equal(rsg_note_open((char *)b.p, b.len, &foo, 1, &n), RSG_MALFORMED);
	rsg_buf_free(&b);
}

static void
every_byte_counts(void **state)
{
	char text[] = TEXT "\n" FOO_SIG;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		for (int bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1 << bit);
			assert_int_not_equal(open_note(text), RSG_OK);
			text[i] ^= (char)(1 << bit);
		}
	assert_int_equal(open_note(text), RSG_OK);
}

static void
malformed_keys(void **state)
{
	static const char *const bad[] = { "", "+", "a", "a+b", "a+530d903a+",
		"example.com/foo+530d903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2kAA==",
		"exa mple.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k" };
	struct rsg_vkey v;
	struct rsg_skey s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rsg_note_vkey(bad[i], strlen(bad[i]), &v) != RSG_MALFORMED)
			fail_msg("malformed key %zu was read", i);
	assert_int_equal(rsg_note_vkey(FOO "\n", strlen(FOO) + 1, &v), RSG_OK);
	assert_int_equal(rsg_note_skey(LOG_V, strlen(LOG_V), &s), RSG_MALFORMED);
	assert_int_equal(rsg_note_skey(LOG_S, strlen(LOG_S) - 1, &s), RSG_MALFORMED);
	assert_int_equal(rsg_note_skey_make("a b", s.seed, &s), RSG_BAD_VALUE);
	assert_int_equal(rsg_note_skey_make("", s.seed, &s), RSG_BAD_VALUE);
	assert_int_equal(rsg_note_skey_make("a\xe2\x80\x83" "b", s.seed, &s), RSG_BAD_VALUE);
}

/* A cosignature says when, and signs other bytes than the note's own. */
static void
cosignature(void **state)
{
	static const char text[] = LOG_TEXT;
	uint8_t seed[32] = { 9 }, blob[4 + 8 + 64], hash[32];
	struct rsg_vkey w[2];
	struct rsg_note n;
	struct rsg_buf b;

	(void)state;
	memset(w, 0, sizeof(w));
	w[0] = logkey;
	strcpy(w[1].name, "witness.example");
	w[1].type = RSG_NOTE_COSIGNATURE;
	rsg_ed25519_public(seed, w[1].pub);
	rsg_sha256((struct rsg_part[]){ { "witness.example\n\x04", 17 },
	    { w[1].pub, 32 } }, 2, hash);
	memcpy(w[1].id, hash, 4);
	rsg_buf_init(&b, 4096);
	rsg_note_vkey_text(&w[1], &b);
	assert_int_equal(rsg_note_vkey((char *)b.p, b.len, &w[1]), RSG_OK);
	rsg_buf_reset(&b);
	rsg_buf_str(&b, "cosignature/v1\ntime 1700000000\n" LOG_TEXT);
	memcpy(blob, w[1].id, 4);
	rsg_be64(blob + 4, 1700000000);
	rsg_ed25519_sign(seed, b.p, b.len, blob + 12);
	rsg_buf_reset(&b);
	rsg_buf_str(&b, text);
	rsg_buf_str(&b, "\n" LOG_SIG "\xe2\x80\x94 witness.example ");
	rsg_base64_put(&b, blob, sizeof(blob));
	rsg_buf_str(&b, "\n");
	assert_int_equal(rsg_note_open((char *)b.p, b.len, w, 2, &n), RSG_OK);
	assert_int_equal(n.verified, 3);
	/* Another second than was signed. */
	rsg_buf_reset(&b);
	blob[11] ^= 1;
	rsg_buf_str(&b, LOG_TEXT "\n" LOG_SIG "\xe2\x80\x94 witness.example ");
	rsg_base64_put(&b, blob, sizeof(blob));
	rsg_buf_str(&b, "\n");
	assert_int_equal(rsg_note_open((char *)b.p, b.len, w, 2, &n), RSG_TAMPERED);
	rsg_buf_free(&b);
}

static void
malformed_checkpoints(void **state)
{
#define ROOT	"rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
	static const char *const bad[] = { "", "a\n", "a\n1\n", "\n1\n" ROOT,
		"a\n01\n" ROOT, "a\n-1\n" ROOT, "a\n\n" ROOT, "a\n1 \n" ROOT,
		"a\n9223372036854775808\n" ROOT, "a\n99999999999999999999\n" ROOT,
		"a\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs\n",
		"a\n1\nAAAA\n", "a\n1\n" ROOT "x", "a\n1\n" ROOT "\n" };
	struct rsg_checkpoint c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rsg_checkpoint_parse(bad[i], strlen(bad[i]), &c) != RSG_MALFORMED)
			fail_msg("malformed checkpoint %zu was read", i);
	assert_int_equal(rsg_checkpoint_parse("a\n0\n" ROOT "more\n",
	    strlen("a\n0\n" ROOT "more\n"), &c), RSG_OK);
	assert_int_equal(rsg_checkpoint_parse("a\n9223372036854775807\n" ROOT,
	    strlen("a\n9223372036854775807\n" ROOT), &c), RSG_OK);
#undef ROOT
}

#define PROOF "c2sp.org/tlog-proof@v1\nindex 6\n" \
    "ThcgoV2DYcK+VCxBUDWAlNxmLy2r7dq7dK7+OlgQKWs=\n" \
    "ycRkkNklus5eMVRUvkD1pK321vMrA+jjOiZKU8aOcY4=\n" \
    "zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=\n" \
    "5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=\n\n" LOG_TEXT "\n" LOG_SIG

static void
proof_file(void **state)
{
	char text[] = PROOF;
	static const char extra[] = "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\n";
	struct rsg_checkpoint c;
	struct rsg_proof p;
	struct rsg_buf b;
	uint8_t leaf[32];
	uint64_t index;

	(void)state;
	rsg_merkle_leaf("seven", 5, leaf);
	assert_int_equal(rsg_checkpoint_proven(PROOF, strlen(PROOF), &logkey, leaf,
	    &index, &c), RSG_OK);
	assert_int_equal(index, 6);
	assert_int_equal(c.size, 15);
	rsg_merkle_leaf("Seven", 5, leaf);
	assert_int_equal(rsg_checkpoint_proven(PROOF, strlen(PROOF), &logkey, leaf,
	    &index, &c), RSG_TAMPERED);
	rsg_merkle_leaf("seven", 5, leaf);
	assert_int_equal(rsg_checkpoint_proven(extra, strlen(extra), &logkey, leaf,
	    &index, &c), RSG_MALFORMED);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		text[i] ^= 2;
		assert_int_not_equal(rsg_checkpoint_proven(text, sizeof(text) - 1, &logkey,
		    leaf, &index, &c), RSG_OK);
		text[i] ^= 2;
		assert_int_not_equal(rsg_checkpoint_proven(text, i, &logkey, leaf, &index,
		    &c), RSG_OK);
	}
	/* Written, it is byte for byte the same. */
	p.n = 4;
	for (size_t i = 0; i < 4; i++) {
		size_t n;

		assert_int_equal(rsg_base64_get(PROOF + 31 + 45 * i, 44, p.hash[i], 32, &n),
		    RSG_OK);
	}
	rsg_buf_init(&b, 4096);
	rsg_checkpoint_proof(6, &p, LOG_TEXT "\n" LOG_SIG, strlen(LOG_TEXT "\n" LOG_SIG), &b);
	assert_int_equal(b.len, strlen(PROOF));
	assert_memory_equal(b.p, PROOF, b.len);
	rsg_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_note),
		cmocka_unit_test(vector_checkpoint),
		cmocka_unit_test(malformed_notes),
		cmocka_unit_test(number_of_signatures),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(malformed_keys),
		cmocka_unit_test(cosignature),
		cmocka_unit_test(malformed_checkpoints),
		cmocka_unit_test(proof_file),
	};

	return cmocka_run_group_tests(tests, keys, NULL);
}
