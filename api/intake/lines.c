#include "intake/lines.h"

#include <stdlib.h>
#include <string.h>

#include "intake/body.h"

static void
reject(struct rsg_buf *rejected, int64_t line, enum rsg_err e,
    const struct rsg_at *at)
{
	size_t mark;

	mark = rsg_msg_open(rejected, RSG_F_REJECTED);
	rsg_msg_int(rejected, RSG_F_LINE, line);
	rsg_msg_text(rejected, RSG_F_ERROR, rsg_err_id(e));
	if (at->len > 0)
		rsg_msg_bytes(rejected, RSG_F_MEMBER, at->path, at->len);
	rsg_msg_close(rejected, mark);
}

static bool
blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			return false;
	return true;
}

static enum rsg_err
read_line(struct rsg_buf *b, enum rsg_field item, int64_t line, const char *p,
    size_t n, struct rsg_buf *rejected)
{
	size_t begun = b->len;
	struct rsg_at at;
	enum rsg_err e;

	if (blank(p, n))
		return RSG_OK;
	e = rsg_body_item(b, item, line, p, n, &at);
	if (e == RSG_OK || !rsg_buf_ok(b))
		return rsg_buf_err(b);
	b->len = begun;
	reject(rejected, line, e, &at);
	return rsg_buf_err(rejected);
}

enum rsg_err
rsg_lines_read(struct rsg_buf *b, enum rsg_field item, const void *body,
    size_t n, struct rsg_buf *rejected)
{
	const char *p = body, *end;
	size_t step;
	enum rsg_err e;

	for (int64_t line = 1; n > 0; line++) {
		if (line > RSG_LINES_MAX)
			return RSG_TOO_LARGE;
		end = memchr(p, '\n', n);
		step = end != NULL ? (size_t)(end - p) : n;
		e = read_line(b, item, line, p, step, rejected);
		if (e != RSG_OK)
			return e;
		step += end != NULL;
		p += step;
		n -= step;
	}
	return RSG_OK;
}

/* A REJECTED group and its line, for sorting. */
struct rejected {
	int64_t line;
	struct rsg_fields group;
};

static int
by_line(const void *a, const void *b)
{
	const struct rejected *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static size_t
collect(struct rsg_fields from, struct rejected *to)
{
	struct rsg_fields group;
	size_t pos = 0, n = 0;

	for (; rsg_msg_each(from, &pos, RSG_F_REJECTED, &group); n++)
		if (to != NULL)
			to[n] = (struct rejected){ rsg_msg_get_int(group,
			    RSG_F_LINE, 0), group };
	return n;
}

enum rsg_err
rsg_lines_merge(struct rsg_fields reply, struct rsg_fields ours,
    struct rsg_buf *out)
{
	struct rejected *all;
	enum rsg_field field;
	const uint8_t *p;
	size_t n, len, pos = 0;

	n = collect(reply, NULL) + collect(ours, NULL);
	if ((all = calloc(n + 1, sizeof(*all))) == NULL)
		return RSG_NO_MEMORY;
	n = collect(reply, all);
	n += collect(ours, all + n);
	qsort(all, n, sizeof(*all), by_line);
	while (rsg_msg_next(reply, &pos, &field, &p, &len))
		if (field != RSG_F_REJECTED)
			rsg_msg_bytes(out, field, p, len);
	for (size_t i = 0; i < n; i++)
		rsg_msg_bytes(out, RSG_F_REJECTED, all[i].group.p,
		    all[i].group.len);
	free(all);
	return rsg_buf_err(out);
}
