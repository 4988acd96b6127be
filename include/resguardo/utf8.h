/*
 * utf8.h - one decoder for everything that must know UTF-8 from other bytes.
 */
#ifndef RESGUARDO_UTF8_H
#define RESGUARDO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decode the character at the front of `left` bytes (at least one). Returns
 * its length, 1 to 4, or 0 where the bytes are none: cut short, overlong, a
 * surrogate, past U+10FFFF.
 */
size_t rsg_utf8_next(const uint8_t *, size_t left, uint32_t *code);

#endif
