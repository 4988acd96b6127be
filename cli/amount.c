#include <stdio.h>
#include <string.h>

#include "cli/amount.h"

#define DIGITS_MAX	18

bool
rsg_amount_parse(const char *p, size_t len, char decimal, struct rsg_decimal *d)
{
	bool negative = false, point = false;
	unsigned digits = 0;

	d->n = 0;
	d->scale = 0;
	if (len > 0 && (*p == '-' || *p == '+')) {
		negative = *p == '-';
		p++;
		len--;
	}
	for (; len > 0; p++, len--) {
		if (*p == decimal && !point && digits > 0) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9' || ++digits > DIGITS_MAX)
			return false;
		d->n = d->n * 10 + (*p - '0');
		d->scale += point;
	}
	if (negative)
		d->n = -d->n;
	/* "5." is no number; nor is "". */
	return digits > 0 && (!point || d->scale > 0);
}

struct rsg_decimal
rsg_amount_product(struct rsg_decimal a, struct rsg_decimal b)
{
	/* 36 digits at most, and 127 bits hold 38. */
	return (struct rsg_decimal){ a.n * b.n, a.scale + b.scale };
}

bool
rsg_amount_text(struct rsg_decimal d, unsigned digits, char out[RSG_AMOUNT_TEXT])
{
	unsigned __int128 n = (unsigned __int128)(d.n < 0 ? -d.n : d.n);
	unsigned __int128 rest = 0, unit = 1;
	char text[48];
	size_t at = sizeof(text) - 1;

	for (; d.scale > digits; d.scale--)
		unit *= 10;
	rest = n % unit;
	n /= unit;
	/* Away from zero, since the sign stands apart. */
	if (unit > 1 && rest >= unit / 2)
		n++;
	for (; d.scale < digits; d.scale++) {
		if (n > ((unsigned __int128)1 << 100))
			return false;
		n *= 10;
	}
	text[at] = '\0';
	for (unsigned i = 0; n > 0 || i <= digits; i++) {
		if (i == digits && digits > 0)
			text[--at] = '.';
		text[--at] = (char)('0' + (int)(n % 10));
		n /= 10;
	}
	if (d.n < 0 && strpbrk(text + at, "123456789") != NULL)
		text[--at] = '-';
	return snprintf(out, RSG_AMOUNT_TEXT, "%s", text + at) < RSG_AMOUNT_TEXT;
}

unsigned
rsg_amount_digits(const char *currency)
{
	static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX "
	    "UYI VND VUV XAF XOF XPF";
	static const char three[] = "BHD IQD JOD KWD LYD OMR TND";

	if (strlen(currency) != 3)
		return 2;
	if (strstr(none, currency) != NULL)
		return 0;
	return strstr(three, currency) != NULL ? 3 : 2;
}
