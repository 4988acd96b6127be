/*
 * csv.h - one line of CSV (RFC 4180) taken apart in place.
 */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>

enum rsg_csv {
	RSG_CSV_OK,			/* a line; *used bytes of it, its end included */
	RSG_CSV_MORE,			/* it does not end within these bytes */
	RSG_CSV_QUOTE,			/* a quote where none may stand */
	RSG_CSV_CELLS,			/* more cells than `max` */
	RSG_CSV_NUL			/* a NUL byte */
};

/*
 * Take apart the line at `p`. With `last` the bytes end the input, and so the
 * line. Cells are written over the line itself, unquoted, each with a NUL
 * after it: only when RSG_CSV_OK comes back is anything changed. `p` needs
 * room for one byte at p[len]. *lines is how many line ends it spans, *used
 * is set for RSG_CSV_OK alone. A line of nothing has no cells.
 */
enum rsg_csv rsg_csv_line(char *p, size_t len, bool last, char delimiter,
    char **cell, size_t *cell_len, size_t max, size_t *n, size_t *used,
    size_t *lines);

#endif
