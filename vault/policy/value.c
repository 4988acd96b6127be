/*
 * value.c - what goes into a field, what is indexed of it, what is shown.
 *
 * The plaintext is written to the caller's buffer and nowhere else, and cut
 * off again when it turns out not to be acceptable.
 */
#include <string.h>

#include "policy/values.h"
#include "resguardo/secret.h"

static void
cut(struct rsg_buf *out, size_t start)
{
	if (out->len > start) {
		rsg_secret_wipe(out->p + start, out->len - start);
		out->len = start;
	}
}

enum rsg_err
rsg_value_accept(const struct rsg_fielddef *f, const char *value, size_t len,
    struct rsg_buf *out)
{
	const struct rsg__validator *v = rsg__validator_find(f->validator);
	const struct rsg__normaliser *n = rsg__normaliser_find(f->normaliser);
	size_t start = out->len, was;
	enum rsg_err e;

	if (v == NULL || n == NULL)
		return RSG_CONFIG;
	/* Separators go, but not without limit; what is a little too long
	 * is only a value that its field does not take. */
	if (len > 2 * (size_t)f->max_len + 64)
		return RSG_TOO_LARGE;
	if ((e = rsg__value_clean(value, len, out)) != RSG_OK)
		goto done;
	was = out->len;
	out->len = start + n->apply((char *)out->p + start, was - start);
	rsg_secret_wipe(out->p + out->len, was - out->len);
	if (out->len == start || out->len - start > f->max_len ||
	    !v->check(f, (const char *)out->p + start, out->len - start))
		e = RSG_BAD_VALUE;
done:
	if (e != RSG_OK)
		cut(out, start);
	return e;
}

enum rsg_err
rsg_value_index(const struct rsg_fielddef *f, const char *value, size_t len,
    struct rsg_buf *out)
{
	size_t start = out->len;
	enum rsg_err e;

	if (!f->searchable)
		return RSG_BAD_VALUE;
	if ((e = rsg_value_accept(f, value, len, out)) != RSG_OK)
		return e;
	/* Nobody remembers capitals: the index knows none. */
	for (size_t i = start; i < out->len; i++)
		if (out->p[i] >= 'A' && out->p[i] <= 'Z')
			out->p[i] = (uint8_t)(out->p[i] + ('a' - 'A'));
	return RSG_OK;
}

uint16_t
rsg_value_facet(const struct rsg_fielddef *f, const char *value, size_t len,
    int64_t today)
{
	const struct rsg__generaliser *g;

	if (f->generaliser == NULL ||
	    (g = rsg__generaliser_find(f->generaliser)) == NULL)
		return 0;
	return g->number(f, value, len, today);
}

static enum rsg_err
generalised(const struct rsg_fielddef *f, const char *value, size_t len,
    int64_t today, struct rsg_buf *out)
{
	uint16_t n = rsg_value_facet(f, value, len, today);

	if (f->generaliser == NULL)
		return RSG_DENIED;
	if (n == 0)
		rsg_buf_str(out, "unknown");
	else
		rsg__generaliser_find(f->generaliser)->text(f, n, out);
	return rsg_buf_err(out);
}

enum rsg_err
rsg_value_show(const struct rsg_fielddef *f, enum rsg_transform t,
    const char *value, size_t len, int64_t today, struct rsg_buf *out)
{
	const struct rsg__mask *m;

	switch (t) {
	case RSG_TR_CLEAR:
		rsg_buf_put(out, value, len);
		return rsg_buf_err(out);
	case RSG_TR_MASKED:
		if ((m = rsg__mask_find(f->mask)) == NULL)
			return RSG_CONFIG;
		m->show(value, len, out);
		return rsg_buf_err(out);
	case RSG_TR_GENERALISED:
		return generalised(f, value, len, today, out);
	default:
		/* A pseudonym stands for a person, never for a value. */
		return RSG_DENIED;
	}
}
