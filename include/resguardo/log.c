/*
 * A line is built on the stack and written at once. Whatever a value holds,
 * the line is one line and one JSON object: who reads logs by machine must
 * not be led astray by a file name.
 */
#include "resguardo/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "resguardo/clock.h"
#include "resguardo/id.h"
#include "resguardo/utf8.h"

/* A pipe takes this much in one piece, so processes' lines never mix. */
#define LINE_MAX_BYTES	4096
#define VALUE_MAX	1024	/* bytes of one value, escaped */
#define TAIL		16	/* room kept for ,"cut":true}\n */

/* Nothing here allocates: running out of memory is worth a line too. */
struct line {
	char p[LINE_MAX_BYTES];
	size_t n, max;
	bool cut;
};

static const char *const levels[] = { "debug", "info", "warn", "error" };
static const char *process = "?";
static enum rsg_log_level least = RSG_LOG_INFO;

void
rsg_log_init(const char *name, enum rsg_log_level level)
{
	process = name;
	least = level;
}

/* All or nothing, and nothing after the first that did not fit. */
static void
put(struct line *l, const char *s, size_t n)
{
	if (l->cut || n > l->max - l->n) {
		l->cut = true;
		return;
	}
	memcpy(l->p + l->n, s, n);
	l->n += n;
}

static void
put_str(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

/* A quoted string; what is no UTF-8 becomes the replacement character. */
static void
put_quoted(struct line *l, const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t left = strlen(s), start = l->n, step;
	uint32_t code;
	char esc[8];

	put_str(l, "\"");
	for (; left > 0 && l->n - start < VALUE_MAX; p += step, left -= step) {
		step = rsg_utf8_next(p, left, &code);
		if (step == 0) {
			step = 1;
			put_str(l, "\\ufffd");
		} else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
			(void)snprintf(esc, sizeof(esc), "\\u%04x", code);
			put_str(l, esc);
		} else {
			if (code == '"' || code == '\\')
				put_str(l, "\\");
			put(l, (const char *)p, step);
		}
	}
	put_str(l, left > 0 ? "\\u2026\"" : "\"");
}

static void
put_value(struct line *l, enum rsg_log_type type, va_list *ap)
{
	char text[RSG_ID_TEXT];
	const struct rsg_id *id;
	const char *s;

	switch (type) {
	case RSG_LOG_I:
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)va_arg(*ap, int64_t));
		put_str(l, text);
		return;
	case RSG_LOG_S:
		if ((s = va_arg(*ap, const char *)) == NULL)
			put_str(l, "null");
		else
			put_quoted(l, s);
		return;
	case RSG_LOG_ID:
		if ((id = va_arg(*ap, const struct rsg_id *)) == NULL) {
			put_str(l, "null");
			return;
		}
		rsg_id_text(id, text);
		put_quoted(l, text);
		return;
	}
}

/* A pair that does not fit is left out whole, and the line says so. */
static void
put_pair(struct line *l, const char *name, enum rsg_log_type type, va_list *ap)
{
	size_t start = l->n;

	put_str(l, ",");
	put_quoted(l, name);
	put_str(l, ":");
	put_value(l, type, ap);
	if (l->cut)
		l->n = start;
}

static void
put_head(struct line *l, enum rsg_log_level level, const char *event)
{
	char when[RSG_TIME_TEXT];

	rsg_clock_text(rsg_clock_now(), when);
	put_str(l, "{\"time\":");
	put_quoted(l, when);
	put_str(l, ",\"level\":");
	put_quoted(l, levels[level]);
	put_str(l, ",\"process\":");
	put_quoted(l, process);
	put_str(l, ",\"event\":");
	put_quoted(l, event);
}

void
rsg_log(enum rsg_log_level level, const char *event, ...)
{
	struct line l;
	const char *name;
	enum rsg_log_type type;
	int saved = errno;	/* callers log first and look at it after */
	va_list ap;

	if (level < least || level > RSG_LOG_ERROR)
		return;
	l.n = 0;
	l.max = sizeof(l.p) - TAIL;
	l.cut = false;
	put_head(&l, level, event);
	va_start(ap, event);
	while (!l.cut && (name = va_arg(ap, const char *)) != NULL) {
		type = va_arg(ap, enum rsg_log_type);
		put_pair(&l, name, type, &ap);
	}
	va_end(ap);
	/* The room kept back is for this. */
	l.max = sizeof(l.p);
	if (l.cut) {
		l.cut = false;
		put_str(&l, ",\"cut\":true");
	}
	put_str(&l, "}\n");
	/* With nobody reading there is nobody to tell. */
	while (write(STDERR_FILENO, l.p, l.n) < 0 && errno == EINTR)
		;
	errno = saved;
}
