/*
 * keys.h - service keys, from the table they stand in into the keyring.
 */
#ifndef RSG_STORE_KEYS_H
#define RSG_STORE_KEYS_H

#include "seal/seal.h"
#include "store/store.h"

/*
 * Load what the table has and the keyring has not; with `again`, what it has
 * too. `wanted` NULL: all of them. One that does not open is logged, by its
 * service and owner, and ends it: RSG_TAMPERED, RSG_NO_MEMORY; or what the
 * database said. The transaction stays open.
 */
RSG_MUST enum rsg_err rsg_keys_load(struct rsg_db *, struct rsg_keyring *,
    bool (*wanted)(struct rsg_service_name), bool again);

#endif
