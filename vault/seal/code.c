#include "seal/code.h"

#include <string.h>

#define LETTERS	16

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
rsg_code_put(const uint8_t bits[RSG_CODE_BYTES], char code[RSG_CODE_TEXT])
{
	size_t at = 0;

	for (size_t i = 0; i < LETTERS; i++) {
		size_t bit = 5 * i, byte = bit / 8;
		unsigned next = byte + 1 < RSG_CODE_BYTES ? bits[byte + 1] : 0;
		unsigned two = (unsigned)bits[byte] << 8 | next;

		if (i > 0 && i % 4 == 0)
			code[at++] = '-';
		code[at++] = alphabet[two >> (11 - bit % 8) & 31];
	}
	code[at] = '\0';
}

bool
rsg_code_form(const char *typed, size_t len, char code[RSG_CODE_TEXT])
{
	size_t at = 0, letters = 0;
	const char *known;

	for (size_t i = 0; i < len; i++) {
		char c = typed[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
		if (letters == LETTERS || c == '\0' || (known = strchr(alphabet, c)) == NULL)
			return false;
		if (letters > 0 && letters % 4 == 0)
			code[at++] = '-';
		code[at++] = *known;
		letters++;
	}
	code[at] = '\0';
	return letters == LETTERS;
}
