/*
 * amount.h - decimal numbers, exactly.
 */
#ifndef CLI_AMOUNT_H
#define CLI_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>

#define RSG_AMOUNT_TEXT	32

/* n / 10^scale */
struct rsg_decimal {
	__int128 n;
	unsigned scale;
};

/*
 * Digits with an optional sign and an optional decimal sign: at most 18
 * digits, no blanks, no thousands separators, no exponent.
 */
bool rsg_amount_parse(const char *, size_t, char decimal, struct rsg_decimal *);

/* The product of two of at most 18 digits each. */
struct rsg_decimal rsg_amount_product(struct rsg_decimal, struct rsg_decimal);

/*
 * With `digits` decimals, rounded half away from zero: -0.125 becomes -0.13.
 * False when it does not fit.
 */
bool rsg_amount_text(struct rsg_decimal, unsigned digits,
    char out[RSG_AMOUNT_TEXT]);

/* Decimals of a currency's minor unit (ISO 4217). */
unsigned rsg_amount_digits(const char *currency);

#endif
