/*
 * dice.h - numbers that look random and are the same in every run (Marsaglia's
 * xorshift, 2003), for tests and benches: nothing secret depends on them.
 */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

/* Any number but 0 to begin with. */
static inline uint64_t
dice_throw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif
