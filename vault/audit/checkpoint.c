#include <stdbool.h>
#include <string.h>

#include "audit/checkpoint.h"

#define PROOF_HEAD	"c2sp.org/tlog-proof@v1\n"
#define EXTRA_MAX	4096

void
rsg_checkpoint_text(const struct rsg_checkpoint *c, struct rsg_buf *b)
{
	rsg_buf_printf(b, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
	rsg_base64_put(b, c->root, sizeof(c->root));
	rsg_buf_str(b, "\n");
}

/* The next line without its newline; false at the end or when it lacks one. */
static bool
line(const char **p, const char *end, const char **out, size_t *n)
{
	const char *nl = *p == end ? NULL : memchr(*p, '\n', (size_t)(end - *p));

	if (nl == NULL)
		return false;
	*out = *p;
	*n = (size_t)(nl - *p);
	*p = nl + 1;
	return true;
}

/* Decimal, below 2^63, in its one spelling. */
static bool
number(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (n == 0 || n > 19 || (n > 1 && p[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*out = v;
	return v >> 63 == 0;
}

static bool
hash_line(const char *p, size_t n, uint8_t hash[RSG_HASH_LEN])
{
	size_t len;

	return rsg_base64_get(p, n, hash, RSG_HASH_LEN, &len) == RSG_OK &&
	    len == RSG_HASH_LEN;
}

enum rsg_err
rsg_checkpoint_parse(const char *p, size_t len, struct rsg_checkpoint *c)
{
	const char *end = p + len, *l;
	size_t n;

	memset(c, 0, sizeof(*c));
	if (!line(&p, end, &l, &n) || n == 0 || n >= sizeof(c->origin) ||
	    memchr(l, '\0', n) != NULL)
		return RSG_MALFORMED;
	memcpy(c->origin, l, n);
	if (!line(&p, end, &l, &n) || !number(l, n, &c->size) ||
	    !line(&p, end, &l, &n) || !hash_line(l, n, c->root))
		return RSG_MALFORMED;
	while (line(&p, end, &l, &n))
		if (n == 0)
			return RSG_MALFORMED;
	return p == end ? RSG_OK : RSG_MALFORMED;
}

enum rsg_err
rsg_checkpoint_sign(const struct rsg_skey *s, const struct rsg_checkpoint *c,
    struct rsg_buf *out)
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 1024);
	rsg_checkpoint_text(c, &b);
	if ((e = rsg_buf_err(&b)) == RSG_OK)
		e = rsg_note_sign(s, (const char *)b.p, b.len, out);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_checkpoint_open(const char *p, size_t len, const struct rsg_vkey *key,
    struct rsg_checkpoint *c)
{
	struct rsg_note note;
	enum rsg_err e;

	if ((e = rsg_note_open(p, len, key, 1, &note)) != RSG_OK ||
	    (e = rsg_checkpoint_parse(note.text, note.len, c)) != RSG_OK)
		return e;
	return strcmp(c->origin, key->name) == 0 ? RSG_OK : RSG_TAMPERED;
}

void
rsg_checkpoint_proof(uint64_t index, const struct rsg_proof *p,
    const void *checkpoint, size_t len, struct rsg_buf *out)
{
	rsg_buf_printf(out, PROOF_HEAD "index %llu\n", (unsigned long long)index);
	for (size_t i = 0; i < p->n; i++) {
		rsg_base64_put(out, p->hash[i], RSG_HASH_LEN);
		rsg_buf_str(out, "\n");
	}
	rsg_buf_str(out, "\n");
	rsg_buf_put(out, checkpoint, len);
}

/* What stands before the blank line. */
static enum rsg_err
proof_head(const char **p, const char *end, uint64_t *index, struct rsg_proof *proof)
{
	uint8_t extra[EXTRA_MAX];
	const char *l;
	size_t n, len;

	if (!line(p, end, &l, &n) || n + 1 != strlen(PROOF_HEAD) ||
	    memcmp(l, PROOF_HEAD, n) != 0 || !line(p, end, &l, &n))
		return RSG_MALFORMED;
	if (n > 6 && memcmp(l, "extra ", 6) == 0 &&
	    (rsg_base64_get(l + 6, n - 6, extra, sizeof(extra), &len) != RSG_OK ||
	    !line(p, end, &l, &n)))
		return RSG_MALFORMED;
	if (n < 7 || memcmp(l, "index ", 6) != 0 || !number(l + 6, n - 6, index))
		return RSG_MALFORMED;
	for (proof->n = 0; line(p, end, &l, &n); proof->n++) {
		if (n == 0)
			return RSG_OK;
		if (proof->n == RSG_PROOF_MAX || !hash_line(l, n, proof->hash[proof->n]))
			return RSG_MALFORMED;
	}
	return RSG_MALFORMED;
}

enum rsg_err
rsg_checkpoint_proven(const char *p, size_t len, const struct rsg_vkey *key,
    const uint8_t leaf_hash[RSG_HASH_LEN], uint64_t *index,
    struct rsg_checkpoint *c)
{
	const char *end = p + len;
	struct rsg_proof proof;
	enum rsg_err e;

	if ((e = proof_head(&p, end, index, &proof)) != RSG_OK ||
	    (e = rsg_checkpoint_open(p, (size_t)(end - p), key, c)) != RSG_OK)
		return e;
	return rsg_tree_included(leaf_hash, *index, c->size, &proof, c->root);
}
