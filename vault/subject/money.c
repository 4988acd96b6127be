#include "subject/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ISO 4217, list one: whoever does not have two decimals. */
static const struct {
	char currency[4];
	unsigned digits;
} others[] = {
	{ "BIF", 0 }, { "CLP", 0 }, { "DJF", 0 }, { "GNF", 0 }, { "ISK", 0 },
	{ "JPY", 0 }, { "KMF", 0 }, { "KRW", 0 }, { "PYG", 0 }, { "RWF", 0 },
	{ "UGX", 0 }, { "UYI", 0 }, { "VND", 0 }, { "VUV", 0 }, { "XAF", 0 },
	{ "XOF", 0 }, { "XPF", 0 },
	{ "BHD", 3 }, { "IQD", 3 }, { "JOD", 3 }, { "KWD", 3 }, { "LYD", 3 },
	{ "OMR", 3 }, { "TND", 3 },
	{ "CLF", 4 }, { "UYW", 4 },
};

unsigned
rsg_money_digits(const char *currency)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].currency, currency) == 0)
			return others[i].digits;
	return 2;
}

/* Gathered below zero, where there is room for one more. */
static bool
push(int64_t *v, char digit)
{
	return !__builtin_mul_overflow(*v, 10, v) &&
	    !__builtin_sub_overflow(*v, digit - '0', v);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits after the point, from s[i] on; filled up with zeroes. */
static bool
push_decimals(const char *s, size_t len, size_t i, unsigned digits, bool round,
    int64_t *v)
{
	unsigned n = 0;

	for (; i < len && n < digits; i++, n++)
		if (!is_digit(s[i]) || !push(v, s[i]))
			return false;
	for (; n < digits; n++)
		if (!push(v, '0'))
			return false;
	if (i == len)
		return true;
	/* The first digit too many decides; those behind it must be digits. */
	if (!round || (s[i] >= '5' && __builtin_sub_overflow(*v, 1, v)))
		return false;
	for (; i < len; i++)
		if (!is_digit(s[i]))
			return false;
	return true;
}

enum rsg_err
rsg_money_parse(const char *s, size_t len, const char *currency, bool round,
    int64_t *minor)
{
	bool minus = len > 0 && s[0] == '-';
	size_t first = minus, i = first;
	int64_t v = 0;

	*minor = 0;
	for (; i < len && is_digit(s[i]); i++)
		if (!push(&v, s[i]))
			return RSG_BAD_VALUE;
	if (i == first || (s[first] == '0' && i > first + 1))
		return RSG_BAD_VALUE;
	if (i < len && (s[i++] != '.' || i == len))
		return RSG_BAD_VALUE;
	if (!push_decimals(s, len, i, rsg_money_digits(currency), round, &v))
		return RSG_BAD_VALUE;
	if (!minus && __builtin_sub_overflow(0, v, &v))
		return RSG_BAD_VALUE;
	*minor = v;
	return RSG_OK;
}

void
rsg_money_text(int64_t minor, const char *currency, char out[RSG_MONEY_TEXT])
{
	uint64_t u = minor < 0 ? -(uint64_t)minor : (uint64_t)minor, unit = 1;
	unsigned digits = rsg_money_digits(currency);

	for (unsigned i = 0; i < digits; i++)
		unit *= 10;
	if (digits == 0)
		(void)snprintf(out, RSG_MONEY_TEXT, "%s%" PRIu64, minor < 0 ? "-" : "", u);
	else
		(void)snprintf(out, RSG_MONEY_TEXT, "%s%" PRIu64 ".%0*" PRIu64,
		    minor < 0 ? "-" : "", u / unit, (int)digits, u % unit);
}
