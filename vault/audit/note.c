#include <stdio.h>
#include <string.h>

#include "audit/note.h"
#include "resguardo/secret.h"
#include "resguardo/utf8.h"
#include "seal/seal.h"

#define DASH		"\xe2\x80\x94 "		/* U+2014 and a blank */
#define DASH_LEN	4
#define PRIVATE		"PRIVATE+KEY+"
#define BLOB_MAX	1024			/* of a signature of any kind */

static bool
utf8(const char *p, size_t n)
{
	uint32_t code;
	size_t len;

	for (; n > 0; p += len, n -= len)
		if ((len = rsg_utf8_next((const uint8_t *)p, n, &code)) == 0)
			return false;
	return true;
}

/* Blanks beyond ASCII that a name may not hold: what Unicode calls White_Space. */
static bool
blank(const char *p, size_t left)
{
	static const char *const wide[] = { "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80",
	    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
	    "\xe3\x80\x80" };

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		size_t n = strlen(wide[i]);

		if (left >= n && memcmp(p, wide[i], n) == 0)
			return true;
	}
	/* U+2000 to U+200A */
	return left >= 3 && memcmp(p, "\xe2\x80", 2) == 0 &&
	    (unsigned char)p[2] >= 0x80 && (unsigned char)p[2] <= 0x8a;
}

bool
rsg_note_name(const char *p, size_t n)
{
	if (n == 0 || n >= RSG_NOTE_NAME || !utf8(p, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || p[i] == '+' || blank(p + i, n - i))
			return false;
	return true;
}

static void
key_id(struct rsg_vkey *k)
{
	uint8_t hash[32];

	rsg_sha256((struct rsg_part[]){ { k->name, strlen(k->name) }, { "\n", 1 },
	    { &k->type, 1 }, { k->pub, sizeof(k->pub) } }, 4, hash);
	memcpy(k->id, hash, sizeof(k->id));
}

static bool
hex_id(const char *p, uint8_t id[4])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 4; i++) {
		const char *hi = memchr(digits, p[2 * i], 16);
		const char *lo = memchr(digits, p[2 * i + 1], 16);

		if (hi == NULL || lo == NULL)
			return false;
		id[i] = (uint8_t)((hi - digits) << 4 | (lo - digits));
	}
	return true;
}

/* "name+hex8+base64": 33 bytes of type and key, the name and the id. */
static enum rsg_err
key_text(const char *p, size_t n, struct rsg_vkey *k, uint8_t id[4],
    uint8_t blob[33])
{
	const char *plus;
	size_t len;

	while (n > 0 && p[n - 1] == '\n')
		n--;
	if ((plus = memchr(p, '+', n)) == NULL || !rsg_note_name(p, (size_t)(plus - p)))
		return RSG_MALFORMED;
	memset(k, 0, sizeof(*k));
	memcpy(k->name, p, (size_t)(plus - p));
	n -= (size_t)(plus - p) + 1;
	p = plus + 1;
	if (n < 10 || p[8] != '+' || !hex_id(p, id) ||
	    rsg_base64_get(p + 9, n - 9, blob, 33, &len) != RSG_OK || len != 33)
		return RSG_MALFORMED;
	k->type = blob[0];
	return RSG_OK;
}

enum rsg_err
rsg_note_vkey(const char *p, size_t n, struct rsg_vkey *k)
{
	uint8_t id[4], blob[33];

	if (key_text(p, n, k, id, blob) != RSG_OK ||
	    (k->type != RSG_NOTE_ED25519 && k->type != RSG_NOTE_COSIGNATURE))
		return RSG_MALFORMED;
	memcpy(k->pub, blob + 1, sizeof(k->pub));
	key_id(k);
	return memcmp(id, k->id, sizeof(id)) == 0 ? RSG_OK : RSG_MALFORMED;
}

static void
put_key(struct rsg_buf *b, const struct rsg_vkey *k, const uint8_t key[32])
{
	uint8_t blob[33];

	blob[0] = k->type;
	memcpy(blob + 1, key, 32);
	rsg_buf_printf(b, "%s+%02x%02x%02x%02x+", k->name, k->id[0], k->id[1],
	    k->id[2], k->id[3]);
	rsg_base64_put(b, blob, sizeof(blob));
	rsg_secret_wipe(blob, sizeof(blob));
}

void
rsg_note_vkey_text(const struct rsg_vkey *k, struct rsg_buf *b)
{
	put_key(b, k, k->pub);
}

enum rsg_err
rsg_note_skey_make(const char *name, const uint8_t seed[RSG_SEED_LEN],
    struct rsg_skey *s)
{
	size_t n = strlen(name);

	memset(s, 0, sizeof(*s));
	if (!rsg_note_name(name, n))
		return RSG_BAD_VALUE;
	memcpy(s->public.name, name, n);
	s->public.type = RSG_NOTE_ED25519;
	memcpy(s->seed, seed, sizeof(s->seed));
	rsg_ed25519_public(seed, s->public.pub);
	key_id(&s->public);
	return RSG_OK;
}

enum rsg_err
rsg_note_skey(const char *p, size_t n, struct rsg_skey *s)
{
	uint8_t id[4], blob[33];
	struct rsg_vkey k;
	enum rsg_err e = RSG_MALFORMED;

	if (n > strlen(PRIVATE) && memcmp(p, PRIVATE, strlen(PRIVATE)) == 0 &&
	    key_text(p + strlen(PRIVATE), n - strlen(PRIVATE), &k, id, blob) ==
	    RSG_OK && k.type == RSG_NOTE_ED25519 &&
	    rsg_note_skey_make(k.name, blob + 1, s) == RSG_OK &&
	    memcmp(id, s->public.id, sizeof(id)) == 0)
		e = RSG_OK;
	rsg_secret_wipe(blob, sizeof(blob));
	return e;
}

void
rsg_note_skey_text(const struct rsg_skey *s, struct rsg_buf *b)
{
	rsg_buf_str(b, PRIVATE);
	put_key(b, &s->public, s->seed);
}

/* --- Reading --- */

/* No control characters but the newline, and valid UTF-8. */
static bool
clean(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' && p[i] != '\n')
			return false;
	return utf8(p, n);
}

/* Where the signatures begin: behind the last blank line. 0: there is none. */
static size_t
signatures(const char *p, size_t n)
{
	for (size_t i = n; i >= 2; i--)
		if (p[i - 1] == '\n' && p[i - 2] == '\n')
			return i;
	return 0;
}

static enum rsg_err
verify(const struct rsg_vkey *k, const struct rsg_note *note,
    const uint8_t *blob, size_t n)
{
	struct rsg_buf b;
	enum rsg_err e;

	if (k->type == RSG_NOTE_ED25519)
		return n == RSG_SIG_LEN ? rsg_ed25519_verify(k->pub, note->text,
		    note->len, blob) : RSG_TAMPERED;
	if (n != 8 + RSG_SIG_LEN)
		return RSG_TAMPERED;
	rsg_buf_init(&b, RSG_NOTE_MAX + 128);
	rsg_buf_printf(&b, "cosignature/v1\ntime %llu\n",
	    (unsigned long long)rsg_get64(blob));
	rsg_buf_put(&b, note->text, note->len);
	if ((e = rsg_buf_err(&b)) == RSG_OK)
		e = rsg_ed25519_verify(k->pub, b.p, b.len, blob + 8);
	rsg_buf_free(&b);
	return e;
}

/* One line, "— name base64", without its newline. */
static enum rsg_err
signature(const char *p, size_t n, const struct rsg_vkey *key, size_t keys,
    struct rsg_note *note)
{
	uint8_t blob[BLOB_MAX];
	const char *name = p + DASH_LEN, *space;
	size_t len, nname;

	if (n <= DASH_LEN || memcmp(p, DASH, DASH_LEN) != 0 ||
	    (space = memchr(name, ' ', n - DASH_LEN)) == NULL)
		return RSG_MALFORMED;
	nname = (size_t)(space - name);
	if (!rsg_note_name(name, nname) ||
	    rsg_base64_get(space + 1, n - DASH_LEN - nname - 1, blob, sizeof(blob),
	    &len) != RSG_OK || len < 5)
		return RSG_MALFORMED;
	for (size_t i = 0; i < keys; i++) {
		if (strlen(key[i].name) != nname || memcmp(key[i].name, name, nname) != 0 ||
		    memcmp(key[i].id, blob, 4) != 0)
			continue;
		if (verify(&key[i], note, blob + 4, len - 4) != RSG_OK)
			return RSG_TAMPERED;
		note->verified |= UINT64_C(1) << i;
	}
	return RSG_OK;
}

enum rsg_err
rsg_note_open(const char *p, size_t n, const struct rsg_vkey *key, size_t keys,
    struct rsg_note *note)
{
	const char *end, *nl;
	size_t at;
	enum rsg_err e;

	memset(note, 0, sizeof(*note));
	if (n > RSG_NOTE_MAX || keys > 64 || !clean(p, n) ||
	    (at = signatures(p, n)) == 0 || at == n || p[n - 1] != '\n')
		return RSG_MALFORMED;
	note->text = p;
	note->len = at - 1;
	end = p + n;
	for (p += at; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (++note->sigs > RSG_NOTE_SIGS)
			return RSG_MALFORMED;
		if ((e = signature(p, (size_t)(nl - p), key, keys, note)) != RSG_OK)
			return e;
	}
	return note->verified != 0 ? RSG_OK : RSG_NOT_FOUND;
}

enum rsg_err
rsg_note_sign(const struct rsg_skey *s, const char *text, size_t len,
    struct rsg_buf *out)
{
	uint8_t blob[4 + RSG_SIG_LEN];

	if (len == 0 || text[len - 1] != '\n' || !clean(text, len))
		return RSG_BAD_VALUE;
	memcpy(blob, s->public.id, 4);
	rsg_ed25519_sign(s->seed, text, len, blob + 4);
	rsg_buf_put(out, text, len);
	rsg_buf_printf(out, "\n" DASH "%s ", s->public.name);
	rsg_base64_put(out, blob, sizeof(blob));
	rsg_buf_str(out, "\n");
	return rsg_buf_err(out);
}
