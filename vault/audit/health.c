#include <stdatomic.h>
#include <stdlib.h>

#include "audit/health.h"
#include "resguardo/clock.h"

static const struct {
	const char *variable, *clause;
	int64_t value;
} table[RSG_HEALTH__MAX] = {
#define BOUND(name, variable, value, clause, what) \
	[RSG_HEALTH_##name] = { variable, clause, value },
#include "audit/health.def"
#undef BOUND
};

static int64_t limit[RSG_HEALTH__MAX];
static _Atomic bool watched;
static _Atomic uint64_t size, signed_size;
static _Atomic int64_t waiting, age, round_at, signed_at;
static const char *_Atomic refused;

void
rsg_health_watch(int64_t mono)
{
	for (int i = 0; i < RSG_HEALTH__MAX; i++) {
		const char *s = getenv(table[i].variable);
		long long v = s == NULL ? 0 : strtoll(s, NULL, 10);

		limit[i] = v > 0 ? v : table[i].value;
	}
	atomic_store(&round_at, mono);
	atomic_store(&signed_at, mono);
	atomic_store(&waiting, 0);
	atomic_store(&age, 0);
	atomic_store(&refused, NULL);
	atomic_store(&watched, true);
}

int64_t
rsg_health_limit(enum rsg_health_bound b)
{
	return limit[b] > 0 ? limit[b] : table[b].value;
}

void
rsg_health_report(int64_t mono, uint64_t n, int64_t wait, int64_t age_us)
{
	atomic_store(&size, n);
	atomic_store(&waiting, wait);
	atomic_store(&age, age_us);
	atomic_store(&round_at, mono);
}

void
rsg_health_signed(int64_t mono, uint64_t n)
{
	atomic_store(&signed_size, n);
	atomic_store(&signed_at, mono);
}

void
rsg_health_refuse(const char *clause)
{
	atomic_store(&refused, clause);
}

void
rsg_health_get(int64_t mono, struct rsg_health *h)
{
	h->size = atomic_load(&size);
	h->signed_size = atomic_load(&signed_size);
	h->waiting = atomic_load(&waiting);
	h->age_us = atomic_load(&age);
	h->silent_us = mono - atomic_load(&round_at);
	h->unsigned_us = mono - atomic_load(&signed_at);
	if (!atomic_load(&watched))
		h->silent_us = h->unsigned_us = 0;
	/* What waited at the last round has waited longer since. */
	if (h->waiting > 0)
		h->age_us += h->silent_us;
}

const char *
rsg_health_closed(int64_t mono, bool half)
{
	struct rsg_health h;
	const char *why;
	int64_t v[RSG_HEALTH__MAX];

	if (!atomic_load(&watched))
		return NULL;
	if ((why = atomic_load(&refused)) != NULL)
		return why;
	rsg_health_get(mono, &h);
	v[RSG_HEALTH_BACKLOG] = h.waiting;
	v[RSG_HEALTH_AGE] = h.age_us / RSG_US;
	v[RSG_HEALTH_CHECKPOINT] = h.unsigned_us / RSG_US;
	v[RSG_HEALTH_SILENCE] = h.silent_us / RSG_US;
	for (int i = 0; i < RSG_HEALTH__MAX; i++)
		if (v[i] > (half ? limit[i] / 2 : limit[i]))
			return table[i].clause;
	return NULL;
}
