/*
 * code.h - codes that people read, type and say: 16 letters of 5 bits, in
 * fours. Crockford's alphabet: no I, L, O and U, which are misread or offend.
 */
#ifndef RSG_CODE_H
#define RSG_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSG_CODE_BYTES	10		/* 80 bits */
#define RSG_CODE_TEXT	20		/* with dashes and NUL */

void rsg_code_put(const uint8_t bits[RSG_CODE_BYTES], char code[RSG_CODE_TEXT]);

/* A code as it was typed, in the one form: either case, with or without
 * dashes and spaces, O for 0 and I or L for 1. False: it is no code. */
bool rsg_code_form(const char *typed, size_t len, char code[RSG_CODE_TEXT]);

#endif
