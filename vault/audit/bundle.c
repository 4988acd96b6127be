#include "audit/bundle.h"

void
rsg_bundle_put(struct rsg_buf *b, const void *p, size_t len)
{
	/* More room than there may be: fails, and stays failed. */
	if (len > RSG_BUNDLE_ENTRY)
		len = b->max + 1;
	else
		rsg_buf_u16(b, (uint16_t)len);
	rsg_buf_put(b, p, len);
}

enum rsg_err
rsg_bundle_next(struct rsg_rd *r, const uint8_t **p, size_t *len)
{
	if (rsg_rd_end(r))
		return RSG_NOT_FOUND;
	*len = rsg_rd_u16(r);
	*p = rsg_rd_get(r, *len);
	return rsg_rd_ok(r) ? RSG_OK : RSG_MALFORMED;
}
