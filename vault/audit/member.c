#include "audit/member.h"

#include <string.h>

#include "resguardo/clock.h"

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
rsg__member_hex(const struct rsg_json *v, uint8_t *out, size_t cap, size_t *len)
{
	size_t n;
	const char *s = rsg_json_string(v, &n);

	if (s == NULL || n % 2 != 0 || n / 2 > cap)
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		int a = digit(s[2 * i]), b = digit(s[2 * i + 1]);

		if (a < 0 || b < 0)
			return false;
		out[i] = (uint8_t)(a << 4 | b);
	}
	*len = n / 2;
	return true;
}

bool
rsg__member_hash(const struct rsg_json *o, const char *name, uint8_t out[32])
{
	size_t n;

	return rsg__member_hex(rsg_json_get(o, name), out, 32, &n) && n == 32;
}

bool
rsg__member_time(const struct rsg_json *o, const char *name, int64_t *us)
{
	size_t n;
	const char *s = rsg_json_string(rsg_json_get(o, name), &n);

	return s != NULL && rsg_clock_parse(s, n, false, us);
}

bool
rsg__member_int(const struct rsg_json *o, const char *name, int64_t least, int64_t *out)
{
	const struct rsg_json *v = rsg_json_get(o, name);

	*out = rsg_json_int(v);
	return rsg_json_type(v) == RSG_JSON_INT && *out >= least;
}

bool
rsg__member_path(const struct rsg_json *o, struct rsg_proof *p)
{
	const struct rsg_json *list = rsg_json_get(o, "hashes");
	size_t n;

	p->n = rsg_json_size(list);
	if (rsg_json_type(list) != RSG_JSON_ARRAY || p->n > RSG_PROOF_MAX)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!rsg__member_hex(rsg_json_at(list, i), p->hash[i], RSG_HASH_LEN, &n) ||
		    n != RSG_HASH_LEN)
			return false;
	return true;
}

bool
rsg__member_only(const struct rsg_json *o, const char *names)
{
	const struct rsg_json *v;
	const char *name, *p;
	void *at = NULL;
	size_t n;

	while (rsg_json_next(o, &at, &name, &v)) {
		n = strlen(name);
		for (p = names; n > 0 && (p = strstr(p, name)) != NULL; p += n)
			if ((p == names || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
				break;
		if (n == 0 || p == NULL)
			return false;
	}
	return rsg_json_type(o) == RSG_JSON_OBJECT;
}
