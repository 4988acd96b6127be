#include "http/limits.h"

#include <stdlib.h>

#include "resguardo/log.h"

static const char *const names[RSG_LIMIT__MAX] = {
#define L(name, value) [RSG_LIMIT_##name] = "RSG_LIMIT_" #name,
	RSG_LIMITS
#undef L
};

int64_t rsg_limit[RSG_LIMIT__MAX] = {
#define L(name, value) [RSG_LIMIT_##name] = value,
	RSG_LIMITS
#undef L
};

enum rsg_err
rsg_limits_load(void)
{
	const char *text;
	char *end;
	long v;

	for (int i = 0; i < RSG_LIMIT__MAX; i++) {
		if ((text = getenv(names[i])) == NULL)
			continue;
		v = strtol(text, &end, 10);
		if (*text == '\0' || *end != '\0' || v < 1 || v > 1000000) {
			rsg_log(RSG_LOG_ERROR, "api.bad-limit", "name",
			    RSG_LOG_S, names[i], NULL);
			return RSG_CONFIG;
		}
		rsg_limit[i] = v;
	}
	return RSG_OK;
}
