/*
 * The writer. Every reply passes through it, so it copies straight into the
 * buffer and builds nothing. What it writes is always JSON: a call in the
 * wrong place fails the buffer, and a failed buffer is not sent.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/json.h"
#include "resguardo/utf8.h"

#define MAX_DEPTH	64	/* bits of rsg_jw.array */
#define REAL_DIGITS	17	/* as many as any double needs */

/* Bytes that cannot be copied as they are. */
static const bool special[256] = {
	[0 ... 0x1f] = true, ['"'] = true, ['\\'] = true,
	[0x80 ... 0xff] = true,
};

void
rsg_jw_init(struct rsg_jw *w, struct rsg_buf *b)
{
	*w = (struct rsg_jw){ .b = b };
}

static void
put_escape(struct rsg_buf *b, uint8_t c)
{
	static const char letter[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};
	static const char hex[] = "0123456789abcdef";
	char esc[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	size_t n = 2;

	if (c >= 0x20)
		esc[1] = (char)c;	/* a quote or a backslash */
	else if (letter[c] != 0)
		esc[1] = letter[c];
	else
		n = sizeof(esc);
	rsg_buf_put(b, esc, n);
}

static size_t
plain_run(const uint8_t *p, size_t n)
{
	size_t run = 0;

	while (run < n && !special[p[run]])
		run++;
	return run;
}

/* Most strings, and all names, are plain from end to end: one copy. */
static void
put_plain(struct rsg_buf *b, const uint8_t *p, size_t n)
{
	uint8_t *to = rsg_buf_extend(b, n + 2);

	if (to == NULL)
		return;
	to[0] = to[n + 1] = '"';
	if (n > 0)
		memcpy(to + 1, p, n);
}

static void
put_string(struct rsg_buf *b, const uint8_t *p, size_t n)
{
	size_t run, step;
	uint32_t code;

	if ((run = plain_run(p, n)) == n) {
		put_plain(b, p, n);
		return;
	}
	rsg_buf_u8(b, '"');
	while (n > 0) {
		run = plain_run(p, n);
		rsg_buf_put(b, p, run);
		p += run;
		if ((n -= run) == 0)
			break;
		step = 1;
		if (p[0] < 0x80)
			put_escape(b, p[0]);
		else if ((step = rsg_utf8_next(p, n, &code)) > 0)
			rsg_buf_put(b, p, step);
		else {
			rsg_buf_str(b, "\\ufffd");
			step = 1;
		}
		p += step;
		n -= step;
	}
	rsg_buf_u8(b, '"');
}

static bool
in_array(const struct rsg_jw *w)
{
	return w->array >> (w->depth - 1) & 1;
}

/* What goes in front of a value: a comma, a name. */
static void
lead(struct rsg_jw *w, const char *name)
{
	bool named = w->depth > 0 && !in_array(w);

	if (named != (name != NULL)) {
		w->b->failed = true;
		return;
	}
	if (w->comma)
		rsg_buf_u8(w->b, ',');
	w->comma = w->depth > 0;
	if (named) {
		put_string(w->b, (const uint8_t *)name, strlen(name));
		rsg_buf_u8(w->b, ':');
	}
}

/* Which kind each level is, is a bit of `array`: no allocation, no stack. */
static void
open_value(struct rsg_jw *w, const char *name, bool array)
{
	lead(w, name);
	if (w->depth == MAX_DEPTH) {
		w->b->failed = true;
		return;
	}
	rsg_buf_u8(w->b, array ? '[' : '{');
	w->array &= ~(UINT64_C(1) << w->depth);
	w->array |= (uint64_t)array << w->depth;
	w->depth++;
	w->comma = false;
}

void
rsg_jw_object(struct rsg_jw *w, const char *name)
{
	open_value(w, name, false);
}

void
rsg_jw_array(struct rsg_jw *w, const char *name)
{
	open_value(w, name, true);
}

void
rsg_jw_end(struct rsg_jw *w)
{
	if (w->depth == 0) {
		w->b->failed = true;
		return;
	}
	rsg_buf_u8(w->b, in_array(w) ? ']' : '}');
	w->depth--;
	w->comma = w->depth > 0;
}

void
rsg_jw_string(struct rsg_jw *w, const char *name, const void *p, size_t n)
{
	lead(w, name);
	put_string(w->b, p, n);
}

void
rsg_jw_text(struct rsg_jw *w, const char *name, const char *s)
{
	rsg_jw_string(w, name, s, strlen(s));
}

/* By hand: pages of scores are mostly small numbers, and printf() is slow. */
void
rsg_jw_int(struct rsg_jw *w, const char *name, int64_t v)
{
	/* Unsigned, as INT64_MIN has no positive counterpart. */
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char text[20];		/* a sign and 19 digits */
	char *p = text + sizeof(text);

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		*--p = '-';
	lead(w, name);
	rsg_buf_put(w->b, p, (size_t)(text + sizeof(text) - p));
}

/* The fewest digits that read back as the same number. */
void
rsg_jw_real(struct rsg_jw *w, const char *name, double v)
{
	char text[32];

	if (!isfinite(v)) {
		rsg_jw_null(w, name);
		return;
	}
	for (int digits = REAL_DIGITS - 2; digits <= REAL_DIGITS; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	lead(w, name);
	rsg_buf_str(w->b, text);
	/* It was no integer when it was read, and stays none. */
	if (strpbrk(text, ".e") == NULL)
		rsg_buf_str(w->b, ".0");
}

void
rsg_jw_bool(struct rsg_jw *w, const char *name, bool v)
{
	lead(w, name);
	rsg_buf_str(w->b, v ? "true" : "false");
}

void
rsg_jw_null(struct rsg_jw *w, const char *name)
{
	lead(w, name);
	rsg_buf_str(w->b, "null");
}
