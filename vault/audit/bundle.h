/*
 * bundle.h - entry bundles: up to 256 entries, each behind its length.
 */
#ifndef RSG_BUNDLE_H
#define RSG_BUNDLE_H

#include "resguardo/buf.h"

#define RSG_BUNDLE_ENTRY	65535
#define RSG_BUNDLE_MAX		(256u * (2 + RSG_BUNDLE_ENTRY))

/* Sticky RSG_TOO_LARGE for an entry longer than RSG_BUNDLE_ENTRY. */
void rsg_bundle_put(struct rsg_buf *, const void *, size_t);

/* The next entry, borrowed. RSG_NOT_FOUND at the end; RSG_MALFORMED. */
RSG_MUST enum rsg_err rsg_bundle_next(struct rsg_rd *, const uint8_t **, size_t *);

#endif
