/*
 * money.h - amounts as whole numbers of a currency's smallest unit.
 *
 * Decimal text on the outside, int64_t inside; never floating-point.
 */
#ifndef RSG_MONEY_H
#define RSG_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resguardo/err.h"

#define RSG_MONEY_TEXT	24		/* "-92233720368547758.08" and NUL */

/* Decimals of a currency (ISO 4217): 2 unless it is listed otherwise. */
unsigned rsg_money_digits(const char *currency);

/*
 * Read "-12.34": an optional minus, digits without needless zeroes in front,
 * then optionally a point and digits. More decimals than the currency has are
 * rounded half away from zero when `round` is set, as imports ask.
 * RSG_BAD_VALUE on anything else, decimals too many or what does not fit.
 */
RSG_MUST enum rsg_err rsg_money_parse(const char *, size_t, const char *currency,
    bool round, int64_t *minor);

/* The same form, with all the decimals of the currency. */
void rsg_money_text(int64_t minor, const char *currency, char [RSG_MONEY_TEXT]);

#endif
