#include <string.h>

#include "cli/csv.h"

/* Where a line stands while it is walked. */
struct walk {
	const char *p;
	size_t len, at;
	char delimiter;
	bool last;
};

/* Is there a line end at `at`? Its length in *n: LF or CRLF. */
static bool
line_end(const struct walk *w, size_t at, size_t *n)
{
	if (w->p[at] == '\n') {
		*n = 1;
		return true;
	}
	if (w->p[at] == '\r' && at + 1 < w->len && w->p[at + 1] == '\n') {
		*n = 2;
		return true;
	}
	return false;
}

/* Walk over a cell in quotes, to what follows it. */
static enum rsg_csv
quoted(struct walk *w, size_t *lines)
{
	size_t n;

	for (w->at++; w->at < w->len; w->at++) {
		if (w->p[w->at] == '\n')
			(*lines)++;
		if (w->p[w->at] == '\0')
			return RSG_CSV_NUL;
		if (w->p[w->at] != '"')
			continue;
		/* At the end of the bytes a quote may be the first of two. */
		if (w->at + 1 == w->len && !w->last)
			return RSG_CSV_MORE;
		if (w->at + 1 < w->len && w->p[w->at + 1] == '"') {
			w->at++;
			continue;
		}
		w->at++;
		if (w->at == w->len || w->p[w->at] == w->delimiter ||
		    line_end(w, w->at, &n))
			return RSG_CSV_OK;
		if (w->p[w->at] == '\r' && w->at + 1 == w->len)
			return w->last ? RSG_CSV_OK : RSG_CSV_MORE;
		return RSG_CSV_QUOTE;
	}
	/* At the end of the input it can no longer be closed. */
	return w->last ? RSG_CSV_QUOTE : RSG_CSV_MORE;
}

/* Walk over a cell without quotes. */
static enum rsg_csv
bare(struct walk *w)
{
	size_t n;

	for (; w->at < w->len; w->at++) {
		if (w->p[w->at] == w->delimiter || line_end(w, w->at, &n))
			return RSG_CSV_OK;
		if (w->p[w->at] == '"')
			return RSG_CSV_QUOTE;
		if (w->p[w->at] == '\0')
			return RSG_CSV_NUL;
	}
	return w->last ? RSG_CSV_OK : RSG_CSV_MORE;
}

/* Take the quotes off, in place. */
static size_t
unquote(char *p, size_t len)
{
	size_t out = 0;

	for (size_t i = 1; i + 1 < len; i++) {
		p[out++] = p[i];
		if (p[i] == '"')
			i++;
	}
	return out;
}

/* The cells have been found whole: make texts of them. */
static void
finish(char **cell, size_t *cell_len, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cell_len[i] > 0 && cell[i][0] == '"')
			cell_len[i] = unquote(cell[i], cell_len[i]);
		cell[i][cell_len[i]] = '\0';
	}
}

enum rsg_csv
rsg_csv_line(char *p, size_t len, bool last, char delimiter, char **cell,
    size_t *cell_len, size_t max, size_t *n, size_t *used, size_t *lines)
{
	struct walk w = { p, len, 0, delimiter, last };
	enum rsg_csv e;
	size_t start, end;

	*n = *used = *lines = 0;
	if (len > 0 && line_end(&w, 0, &end)) {
		*used = end;
		*lines = 1;
		return RSG_CSV_OK;
	}
	for (;;) {
		start = w.at;
		if (w.at < len && p[w.at] == '"')
			e = quoted(&w, lines);
		else
			e = bare(&w);
		if (e != RSG_CSV_OK)
			return e;
		if (*n == max)
			return RSG_CSV_CELLS;
		cell[*n] = p + start;
		cell_len[(*n)++] = w.at - start;
		if (w.at == len)
			break;
		if (p[w.at] == delimiter) {
			w.at++;
			continue;
		}
		/* A CR that ends the input counts as a line end, too. */
		if (!line_end(&w, w.at, &end))
			end = 1;
		w.at += end;
		(*lines)++;
		break;
	}
	*used = w.at;
	finish(cell, cell_len, *n);
	return RSG_CSV_OK;
}
