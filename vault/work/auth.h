/*
 * auth.h - who is calling. Credentials are verified here and nowhere else.
 *
 * A credential's rows are fetched in every batch, so that revoking one works
 * at once; their MACs are recomputed only when the rows differ from those
 * verified before.
 */
#ifndef RSG_AUTH_H
#define RSG_AUTH_H

#include "work/call.h"

/*
 * Fill in the actor of each call, or fail it (RSG_UNAUTHENTICATED and its
 * kin). Credentials not seen before are fetched in the open transaction.
 * Anything but RSG_OK speaks of the database: nothing may be answered but that.
 */
RSG_MUST enum rsg_err rsg_auth_resolve(struct rsg_worker *, struct rsg_call **, size_t n);

/*
 * Fetch the rows again with everything else: send before the fetch, confirm
 * after it. A call whose credential is no longer good is failed.
 */
int rsg_auth_send(struct rsg_worker *, struct rsg_call **, size_t n);
void rsg_auth_confirm(struct rsg_worker *, int result, struct rsg_call **, size_t n);

/* Take one request from the credential's allowance of `rate` a minute.
 * Seconds to wait, 0 when it may go on. */
int64_t rsg_auth_rate(const struct rsg_id *credential, uint32_t rate);

/* MACs over rows, for those who write them. */
RSG_MUST enum rsg_err rsg_auth_mac_credential(const struct rsg_keyring *,
    const struct rsg_id *credential, const struct rsg_id *principal,
    const uint8_t secret_digest[RSG_DIGEST_LEN], int64_t created,
    int64_t expires, int64_t revoked, uint8_t mac[RSG_DIGEST_LEN]);
RSG_MUST enum rsg_err rsg_auth_mac_principal(const struct rsg_keyring *,
    const struct rsg_id *principal, const struct rsg_actor *, int64_t created,
    uint8_t mac[RSG_DIGEST_LEN]);
RSG_MUST enum rsg_err rsg_auth_mac_recipient(const struct rsg_keyring *,
    const struct rsg_recipient *, uint8_t mac[RSG_DIGEST_LEN]);

/* How many calls came without a valid credential since the start. */
int64_t rsg_auth_failures(void);

#endif
