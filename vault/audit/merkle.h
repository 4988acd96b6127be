/*
 * merkle.h - RFC 6962's tree over a list of hashes held in memory.
 */
#ifndef RSG_MERKLE_H
#define RSG_MERKLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The root over `n` leaf hashes of 32 bytes each, which are overwritten in the
 * course of it. None: SHA-256 of the empty string.
 */
void rsg_merkle_root(uint8_t (*leaf)[32], size_t n, uint8_t root[32]);

/* leaf hash = SHA-256(00 || data) */
void rsg_merkle_leaf(const void *data, size_t len, uint8_t out[32]);

#endif
