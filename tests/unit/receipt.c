/*
 * receipt.c - receipts byte by byte, the words they may use, and every way in
 * which one that is not ours is refused. RSG_GOLDEN_UPDATE=1 writes the golden
 * one anew. Keys and signature of RFC 8037, appendix A.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receipt/jws.h"
#include "receipt/receipt.h"
#include "resguardo/json.h"
#include "seal_fixture.h"

#define GOLDEN	RSG_SOURCE "/tests/golden/receipt.txt"
#define TERMS	RSG_SOURCE "/tests/vectors/dpv-2.3.txt"

static const char seed_text[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
static const char pub_text[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
static const char kid[] = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
static const char rfc_jws[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
    "MuM0KAg";

static uint8_t seed[32], pub[32];

static const struct rsg_purposedef purpose = { .number = 9, .id = "marketing",
    .dpv = "dpv:DirectMarketing", .title = { "News and offers", "Novedades y ofertas" },
    .description = { "We write to you.", "Le escribimos." }, .basis = "consent",
    .basis_dpv = "eu-gdpr:A6-1-a", .needs_consent = true, .per_channel = true,
    .retention_days = 730 };
static const struct rsg_fielddef email = { .number = 3, .id = "email",
    .dpv = "pd:EmailAddress", .category = "contact", .title = { "E-mail", "Correo" } };
static const struct rsg_fielddef health = { .number = 30, .id = "allergies",
    .dpv = "pd:Preference", .category = "sensitive",
    .title = { "Allergies", "Alergias \"<&>\"" } };
static const uint8_t ones[32] = { 1, 1, 1 }, twos[32] = { 2, 2 }, none[32];

/* A receipt with everything in it, at a fixed time. */
static struct rsg_receipt
whole(void)
{
	struct rsg_receipt r = {
		.id = { { 1, 2, 3, 4, 5, 6, 0x47, 8, 0x89 } },
		.record = { { 9, 2, 3, 4, 5, 6, 0x47, 8, 0x89 } },
		.subject = { { 8, 2, 3, 4, 5, 6, 0x47, 8, 0x89 } },
		.created = INT64_C(1800000000000000), .lang = RSG_LANG_ES,
		.party = { "acme", "Acme S.A.", "Calle Mayor 1, Zamora", "Privacidad",
		    "datos@acme.example", "+34 900 000 000", "https://acme.example/datos" },
		.jurisdiction = "ES", .authority = "AEPD", .storage = "ES,FR",
		.purpose = &purpose, .channel = RSG_CHANNEL_EMAIL,
		.field = { &email, &health }, .nfields = 2, .purchases = true,
		.recipient = { { "aurora", "Aurora Mailing", "FR" }, { "boreal", "Boreal", "" } },
		.nrecipients = 2, .status = RSG_STATUS_GIVEN, .is_explicit = true, .gpc = true,
		.time = INT64_C(1799999999000000), .recorded = INT64_C(1799999999500000),
		.until = INT64_C(1850000000000000), .by = "guardian", .notice = "welcome:3",
		.notice_hash = ones, .language = "es", .method = "button",
		.words = "Sí, quiero", .role = "till", .place = "store-1",
		.lacking = 0x85, .code = RSG_CODE_AWAITED,
		.code_until = INT64_C(1800001000000000),
		.confirmed = INT64_C(1799999999600000), .later = INT64_C(1799999999700000),
		.benefit = { { .id = { { 7, 2, 3, 4, 5, 6, 0x47, 8, 0x89 } },
		    .kind = "points", .incentive = "points:1", .title = "Puntos",
		    .summary = "200 puntos", .withdrawal = "Son suyos", .points = 200,
		    .value = "2.00", .currency = "EUR", .state = "reversed",
		    .promised = 1, .delivered = 2, .redeemed = 3, .expired = 4,
		    .reversed = 5, .due = 6, .until = 7, .cause = "error" },
		    { .id = { { 6, 2, 3, 4, 5, 6, 0x47, 8, 0x89 } }, .kind = "gift",
		    .summary = "gift", .state = "promised" } },
		.nbenefits = 2, .nmore = 98, .sequence = 2, .hash = twos, .previous = ones };
	return r;
}

static void
sign(struct rsg_buf *jws, const void *payload, size_t len)
{
	uint8_t sig[RSG_SIG_LEN];

	rsg_jws_begin(jws, pub, payload, len);
	rsg_ed25519_sign(seed, jws->p, jws->len, sig);
	rsg_jws_end(jws, sig);
	assert_true(rsg_buf_ok(jws));
}

static int
setup(void **state)
{
	size_t n;

	rsg_json_init();
	assert_int_equal(fixture_init(state), 0);
	assert_int_equal(rsg_base64url_get(seed_text, strlen(seed_text), seed, 32, &n), RSG_OK);
	rsg_ed25519_public(seed, pub);
	return 0;
}

/* --- Keys and signatures of the RFC --- */

static void
names_keys_and_verifies_as_the_rfc(void **state)
{
	char own[RSG_THUMBPRINT_TEXT];
	struct rsg_buf x;
	struct rsg_jws j;

	(void)state;
	rsg_buf_init(&x, 256);
	rsg_base64url_put(&x, pub, sizeof(pub));
	rsg_buf_u8(&x, 0);
	assert_string_equal((char *)x.p, pub_text);
	rsg_jwk_thumbprint(pub, own);
	assert_string_equal(own, kid);
	assert_int_equal(rsg_jws_read(rfc_jws, strlen(rfc_jws), &j), RSG_JWS_GOOD);
	assert_int_equal(rsg_jws_check(&j, pub), RSG_JWS_GOOD);
	assert_int_equal(j.payload.len, 26);
	assert_memory_equal(j.payload.p, "Example of Ed25519 signing", 26);
	rsg_jws_free(&j);
	rsg_buf_free(&x);
}

static void
signs_with_a_service_key(void **state)
{
	const uint32_t generation[] = { 1 };
	struct rsg_keyring *r = fixture_keyring(generation, 1);
	uint8_t wrapped[RSG_SERVICE_WRAPPED], key[RSG_PUBLIC_LEN];
	struct rsg_buf jws;
	struct rsg_jws j;

	(void)state;
	rsg_buf_init(&jws, 4096);
	assert_int_equal(rsg_receipt_sign(r, "{}", 2, &jws), RSG_CONFIG);
	assert_int_equal(rsg_service_new(r, rsg_receipt_key, wrapped), RSG_OK);
	rsg_buf_reset(&jws);
	assert_int_equal(rsg_receipt_sign(r, "{}", 2, &jws), RSG_OK);
	assert_int_equal(rsg_service_public(r, rsg_receipt_key, key), RSG_OK);
	assert_int_equal(rsg_jws_read((char *)jws.p, jws.len, &j), RSG_JWS_GOOD);
	assert_int_equal(rsg_jws_check(&j, key), RSG_JWS_GOOD);
	assert_int_equal(rsg_jws_check(&j, pub), RSG_JWS_OTHER_KEY);
	rsg_jws_free(&j);
	rsg_buf_free(&jws);
	rsg_keyring_free(r);
}

/* --- The golden receipt --- */

static char *
file_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *p = calloc(1, 1 << 20);

	assert_non_null(p);
	if (f != NULL) {
		(void)!fread(p, 1, (1 << 20) - 1, f);
		fclose(f);
	}
	return p;
}

static void
is_the_golden_one(void **state)
{
	struct rsg_receipt r = whole();
	const char *update = getenv("RSG_GOLDEN_UPDATE");
	struct rsg_buf payload, out;
	char *golden;
	FILE *f;

	(void)state;
	rsg_buf_init(&payload, RSG_RECEIPT_MAX);
	rsg_buf_init(&out, 4 * RSG_RECEIPT_MAX);
	rsg_receipt_put(&payload, &r);
	assert_true(rsg_buf_ok(&payload));
	rsg_buf_put(&out, payload.p, payload.len);
	rsg_buf_u8(&out, '\n');
	{
		struct rsg_buf jws;

		rsg_buf_init(&jws, 4 * RSG_RECEIPT_MAX);
		sign(&jws, payload.p, payload.len);
		rsg_buf_put(&out, jws.p, jws.len);
		rsg_buf_free(&jws);
	}
	rsg_buf_u8(&out, '\n');
	if (update != NULL && strcmp(update, "1") == 0) {
		assert_non_null(f = fopen(GOLDEN, "wb"));
		assert_int_equal(fwrite(out.p, 1, out.len, f), out.len);
		fclose(f);
	}
	rsg_buf_u8(&out, 0);
	golden = file_text(GOLDEN);
	assert_string_equal((char *)out.p, golden);
	free(golden);
	rsg_buf_free(&payload);
	rsg_buf_free(&out);
}

/* --- Words --- */

static char *terms;

static void
term(const char *s)
{
	char line[128];
	int n;

	if (strncmp(s, "dpv:", 4) != 0 && strncmp(s, "pd:", 3) != 0 &&
	    strncmp(s, "eu-gdpr:", 8) != 0 && strncmp(s, "risk:", 5) != 0)
		return;
	n = snprintf(line, sizeof(line), "\n%s\n", s);
	assert_in_range(n, 1, sizeof(line) - 1);
	if (strstr(terms, line) == NULL)
		fail_msg("%s is not a term of DPV 2.3 that we looked up", s);
}

static void
walk(const struct rsg_json *v)
{
	const struct rsg_json *m;
	const char *name;
	void *iter = NULL;

	if (rsg_json_type(v) == RSG_JSON_STRING)
		term(rsg_json_string(v, NULL));
	for (size_t i = 0; rsg_json_type(v) == RSG_JSON_ARRAY && i < rsg_json_size(v); i++)
		walk(rsg_json_at(v, i));
	while (rsg_json_type(v) == RSG_JSON_OBJECT && rsg_json_next(v, &iter, &name, &m)) {
		if (strcmp(name, "@context") == 0)
			continue;
		term(name);
		walk(m);
	}
}

static const struct rsg_json *
at(const struct rsg_json *v, const char *a, const char *b, const char *c)
{
	v = rsg_json_get(v, "dpv:hasRecordOfActivity");
	v = a == NULL ? v : rsg_json_get(v, a);
	v = b == NULL ? v : rsg_json_get(v, b);
	return c == NULL ? v : rsg_json_get(v, c);
}

static void
put_and_parse(const struct rsg_receipt *r, struct rsg_json **root)
{
	struct rsg_buf b;

	rsg_buf_init(&b, RSG_RECEIPT_MAX);
	rsg_receipt_put(&b, r);
	assert_true(rsg_buf_ok(&b));
	assert_int_equal(rsg_json_parse(b.p, b.len, root, NULL), RSG_OK);
	walk(*root);
	rsg_buf_free(&b);
}

static void
uses_only_terms_of_the_vocabulary(void **state)
{
	struct rsg_receipt r = whole();
	struct rsg_json *root;

	(void)state;
	terms = file_text(TERMS);
	for (int s = 0; s < RSG_STATUS__MAX; s++)
		for (int k = 0; k < 4; k++) {
			r.status = (enum rsg_status)s;
			r.is_explicit = k & 1;
			r.until = k & 2 ? 0 : r.time;
			r.by = k == 0 ? "subject" : k == 1 ? "guardian" : "controller";
			put_and_parse(&r, &root);
			assert_string_equal(rsg_json_string(at(root, "dpv:hasConsentStatus",
			    "resguardo:status", NULL), NULL), rsg_status_name(r.status));
			rsg_json_free(root);
		}
	free(terms);
}

/* What is mandatory and unknown is said to be unknown. */
static void
says_what_it_was_not_told(void **state)
{
	static const char *const asked[][2] = {
		{ "dpv:hasNotice", "@id" }, { "dpv:hasJurisdiction", "@id" } };
	struct rsg_receipt r = { .created = 1, .party = { .name = "acme", .title = "Acme" },
	    .purpose = &purpose, .status = RSG_STATUS_WITHDRAWN, .sequence = 1,
	    .hash = ones, .previous = none };
	struct rsg_json *root;

	(void)state;
	terms = file_text(TERMS);
	put_and_parse(&r, &root);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(rsg_json_string(at(root, asked[i][0], asked[i][1],
		    NULL), NULL), "dpv:NotAvailable");
	assert_int_equal(rsg_json_size(at(root, "dpv:hasProcess", "dpv:hasPersonalData",
	    NULL)), 1);
	assert_null(at(root, "dpv:hasRight", NULL, NULL));
	rsg_json_free(root);
	free(terms);
}

/* --- What is refused --- */

static enum rsg_jws_fault
fault_of(const char *s, size_t n)
{
	enum rsg_jws_fault f;
	struct rsg_jws j;

	if ((f = rsg_jws_read(s, n, &j)) == RSG_JWS_GOOD)
		f = rsg_jws_check(&j, pub);
	rsg_jws_free(&j);
	assert_true(strlen(rsg_jws_says(f)) > 10);
	return f;
}

/* A receipt with this header, signed all the same. */
static enum rsg_jws_fault
with_header(const char *header)
{
	uint8_t sig[RSG_SIG_LEN];
	enum rsg_jws_fault f;
	struct rsg_buf b;

	rsg_buf_init(&b, 4096);
	rsg_base64url_put(&b, header, strlen(header));
	rsg_buf_str(&b, ".e30");
	rsg_ed25519_sign(seed, b.p, b.len, sig);
	rsg_jws_end(&b, sig);
	f = fault_of((char *)b.p, b.len);
	rsg_buf_free(&b);
	return f;
}

static void
refuses_other_headers(void **state)
{
	static const struct { const char *header; enum rsg_jws_fault f; } cases[] = {
		{ "{\"alg\":\"EdDSA\"}", RSG_JWS_GOOD },
		{ "{\"alg\":\"none\"}", RSG_JWS_NONE },
		{ "{\"alg\":\"None\"}", RSG_JWS_ALGORITHM },
		{ "{\"alg\":\"HS256\"}", RSG_JWS_ALGORITHM },
		{ "{\"alg\":[\"EdDSA\"]}", RSG_JWS_ALGORITHM },
		{ "{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"b64\":false}", RSG_JWS_CRITICAL },
		{ "{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\"}}", RSG_JWS_HEADER },
		{ "{\"alg\":\"EdDSA\",\"jku\":\"https://x.example\"}", RSG_JWS_HEADER },
		{ "{\"alg\":\"EdDSA\",\"alg\":\"none\"}", RSG_JWS_HEADER },
		{ "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", RSG_JWS_OTHER_TYPE },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"other\"}", RSG_JWS_OTHER_KEY },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"\"}", RSG_JWS_HEADER },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"a\\u001bb\"}", RSG_JWS_HEADER },
		{ "[]", RSG_JWS_HEADER }, { "{}", RSG_JWS_HEADER }, { "{", RSG_JWS_HEADER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (with_header(cases[i].header) != cases[i].f)
			fail_msg("%s: fault %d, not %d", cases[i].header,
			    with_header(cases[i].header), cases[i].f);
}

/* Every letter counts: changed it is not good, cut anywhere neither. */
static void
refuses_what_was_altered_or_cut(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_";
	struct rsg_buf jws;
	size_t steps = 0;

	(void)state;
	rsg_buf_init(&jws, 4096);
	sign(&jws, "{\"a\":\"200 points\"}", 18);
	assert_int_equal(fault_of((char *)jws.p, jws.len), RSG_JWS_GOOD);
	for (size_t i = 0; i < jws.len; i++) {
		uint8_t was = jws.p[i];
		const char *place = was == '.' ? NULL : memchr(letters, was, 64);

		jws.p[i] = place == NULL ? 'A' : (uint8_t)letters[(place - letters) ^ 1];
		assert_int_not_equal(fault_of((char *)jws.p, jws.len), RSG_JWS_GOOD);
		jws.p[i] = was;
		assert_int_not_equal(fault_of((char *)jws.p, i), RSG_JWS_GOOD);
		steps++;
	}
	assert_true(steps > 200);
	assert_int_equal(fault_of((char *)jws.p, jws.len - 1), RSG_JWS_LENGTH);
	rsg_buf_u8(&jws, '=');
	assert_int_equal(fault_of((char *)jws.p, jws.len), RSG_JWS_LENGTH);
	assert_int_equal(fault_of("", 0), RSG_JWS_SIZE);
	assert_int_equal(fault_of("abc", 3), RSG_JWS_PARTS);
	assert_int_equal(fault_of("a.b.c.d", 7), RSG_JWS_PARTS);
	assert_int_equal(fault_of("eyJhbGciOiJFZERTQSJ9.?.", 23), RSG_JWS_LETTERS);
	rsg_buf_free(&jws);
}

static enum rsg_jws_fault
key_of(const char *json, const char *name)
{
	uint8_t out[RSG_PUBLIC_LEN];
	enum rsg_jws_fault f = rsg_jwk_read(json, strlen(json), name, out);

	if (f == RSG_JWS_GOOD)
		assert_memory_equal(out, pub, sizeof(out));
	return f;
}

#define JWK	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static void
reads_keys_by_their_name(void **state)
{
	(void)state;
	assert_int_equal(key_of(JWK "}", ""), RSG_JWS_GOOD);
	assert_int_equal(key_of(JWK "}", kid), RSG_JWS_GOOD);
	assert_int_equal(key_of(JWK "}", "other"), RSG_JWS_OTHER_KEY);
	assert_int_equal(key_of("{\"keys\":[" JWK "}]}", ""), RSG_JWS_GOOD);
	assert_int_equal(key_of("{\"keys\":[{\"kty\":\"RSA\"}," JWK "}]}", kid), RSG_JWS_GOOD);
	assert_int_equal(key_of("{\"keys\":[{\"kty\":\"RSA\"}," JWK "}]}", ""), RSG_JWS_KEY_FILE);
	assert_int_equal(key_of("{\"keys\":[]}", kid), RSG_JWS_OTHER_KEY);
	assert_int_equal(key_of(JWK ",\"kid\":\"lie\"}", ""), RSG_JWS_KEY_NAME);
	assert_int_equal(key_of("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQH"
	    "Og7hcvPapiMlrwIaaPcHURo\"}", ""), RSG_JWS_KEY_KIND);
	assert_int_equal(key_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", ""),
	    RSG_JWS_KEY_KIND);
	assert_int_equal(key_of("nothing", ""), RSG_JWS_KEY_FILE);
	assert_int_equal(key_of("[]", ""), RSG_JWS_KEY_FILE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_keys_and_verifies_as_the_rfc),
		cmocka_unit_test(signs_with_a_service_key),
		cmocka_unit_test(is_the_golden_one),
		cmocka_unit_test(uses_only_terms_of_the_vocabulary),
		cmocka_unit_test(says_what_it_was_not_told),
		cmocka_unit_test(refuses_other_headers),
		cmocka_unit_test(refuses_what_was_altered_or_cut),
		cmocka_unit_test(reads_keys_by_their_name),
	};

	return cmocka_run_group_tests(tests, setup, fixture_clean);
}
