#include "store/keys.h"

#include "resguardo/log.h"

enum rsg_err
rsg_keys_load(struct rsg_db *db, struct rsg_keyring *keys,
    bool (*wanted)(struct rsg_service_name), bool again)
{
	const struct rsg_result *r;
	int n = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_SERVICE_KEYS));
	enum rsg_err e;

	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	r = rsg_db_result(db, n);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		struct rsg_service_name name = {
			(enum rsg_service)rsg_result_int(r, row, 0),
			(uint32_t)rsg_result_int(r, row, 1),
			(uint32_t)rsg_result_int(r, row, 2) };
		size_t len;
		const uint8_t *wrapped = rsg_result_bytes(r, row, 4, &len);

		if ((wanted != NULL && !wanted(name)) ||
		    (!again && rsg_service_has(keys, name)))
			continue;
		e = rsg_service_load(keys, name, (uint32_t)rsg_result_int(r, row, 3),
		    wrapped, len);
		if (e != RSG_OK) {
			rsg_log(RSG_LOG_ERROR, "service_key.refused", "service",
			    RSG_LOG_I, (int64_t)name.service, "owner", RSG_LOG_I,
			    (int64_t)name.owner, "error", RSG_LOG_S, rsg_err_id(e), NULL);
			return e;
		}
	}
	return RSG_OK;
}
