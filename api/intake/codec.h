/*
 * codec.h - base64url without padding, lowercase hex, percent-encoding.
 *
 * Decoders are strict: one text for each run of bytes, no other alphabet, no
 * stray bits. Each returns how many bytes it wrote, or RSG_CODEC_BAD.
 */
#ifndef RESGUARDO_API_INTAKE_CODEC_H
#define RESGUARDO_API_INTAKE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "resguardo/buf.h"

#define RSG_CODEC_BAD	((size_t)-1)

/* `out` has room for n bytes (base64url: n * 3 / 4; hex: n / 2). */
size_t rsg_codec_unbase64(const char *, size_t n, uint8_t *out);
size_t rsg_codec_unhex(const char *, size_t n, uint8_t *out);
size_t rsg_codec_unpercent(const char *, size_t n, char *out);

void rsg_codec_base64(struct rsg_buf *, const uint8_t *, size_t);
void rsg_codec_hex(struct rsg_buf *, const uint8_t *, size_t);

#endif
