/*
 * vault.h - what the workers share: keys, controllers, the active policy.
 */
#ifndef RSG_VAULT_H
#define RSG_VAULT_H

#include "work/call.h"

/*
 * Load service keys (making the global ones on first start), controllers and
 * the active policy; when the database has none, the files under `policies`
 * become version 1. RSG_CONFIG, RSG_TAMPERED, RSG_UNAVAILABLE (logged).
 */
RSG_MUST enum rsg_err rsg_vault_boot(struct rsg_vault *, struct rsg_db *,
    const char *policies);

/* Is the active policy another than ours, or are there more notices? Then load
 * them; true means the batch must be run again under the new ones. */
bool rsg_vault_policy_stale(struct rsg_worker *, const struct rsg_result *);

/* Validate a bundle and make it the active version, in a transaction that is
 * open on w->db. RSG_BAD_VALUE with the first fault in `fault`; `mac` is
 * the new row's. */
RSG_MUST enum rsg_err rsg_vault_policy_put(struct rsg_vault *, struct rsg_db *,
    const uint8_t *bundle, size_t len, int64_t version, const char *by,
    int64_t now, char fault[256], uint8_t mac[RSG_DIGEST_LEN]);

/* A blind index digest; makes the (controller, field) key the first time. */
RSG_MUST enum rsg_err rsg_vault_blind(struct rsg_worker *, uint32_t controller,
    uint16_t field, const void *form, size_t len, uint8_t digest[RSG_DIGEST_LEN]);

/* Make sure a service key exists, stored and loaded. */
RSG_MUST enum rsg_err rsg_vault_service_key(struct rsg_vault *, struct rsg_db *,
    struct rsg_service_name);

/* Read the controllers again (after one was added, here or elsewhere). */
RSG_MUST enum rsg_err rsg_vault_controllers(struct rsg_vault *, struct rsg_db *);

/* MAC of a controller's row. */
RSG_MUST enum rsg_err rsg_vault_mac_controller(const struct rsg_keyring *,
    const struct rsg_controller *, uint8_t mac[RSG_DIGEST_LEN]);

/* Columns of a row into the canonical form that its MAC covers. */
void rsg_mac_text(struct rsg_buf *, const char *);
void rsg_mac_bytes(struct rsg_buf *, const void *, size_t);
void rsg_mac_int(struct rsg_buf *, int64_t);

#endif
