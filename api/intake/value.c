#include "intake/value.h"

#include <string.h>

#include "intake/codec.h"
#include "resguardo/clock.h"

/* All decimal digits that fit an int64, one '-' before them at most. */
static bool
parse_int(const char *s, size_t n, int64_t *v)
{
	size_t i = n > 0 && s[0] == '-';
	uint64_t u = 0, most = INT64_MAX;
	size_t first = i;

	most += i;
	if (i == n || (s[i] == '0' && n > first + 1))
		return false;
	for (; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' ||
		    u > (most - (uint64_t)(s[i] - '0')) / 10)
			return false;
		u = u * 10 + (uint64_t)(s[i] - '0');
	}
	*v = first ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

static enum rsg_err
put_number(struct rsg_buf *b, enum rsg_field f, const char *s, size_t n)
{
	enum rsg_ftype type = rsg_msg_field(f)->type;
	int64_t v = 0;
	bool good;

	if (type == RSG_T_TIME)
		good = rsg_clock_parse(s, n, false, &v);
	else if (type == RSG_T_DAY)
		good = rsg_clock_parse_day(s, n, &v);
	else
		good = parse_int(s, n, &v);
	if (!good)
		return RSG_BAD_VALUE;
	rsg_msg_int(b, f, v);
	return RSG_OK;
}

static enum rsg_err
put_id(struct rsg_buf *b, enum rsg_field f, const char *s, size_t n)
{
	struct rsg_id id;

	if (!rsg_id_parse(s, n, &id))
		return RSG_BAD_VALUE;
	rsg_msg_id(b, f, &id);
	return RSG_OK;
}

static enum rsg_err
put_bool(struct rsg_buf *b, enum rsg_field f, const char *s, size_t n)
{
	bool yes = n == 4 && memcmp(s, "true", 4) == 0;

	if (!yes && !(n == 5 && memcmp(s, "false", 5) == 0))
		return RSG_BAD_VALUE;
	rsg_msg_bool(b, f, yes);
	return RSG_OK;
}

/* Bytes in their text form, decoded straight into the message. */
static enum rsg_err
put_coded(struct rsg_buf *b, enum rsg_field f, const char *s, size_t n,
    size_t (*decode)(const char *, size_t, uint8_t *))
{
	size_t mark, begun = b->len, len;
	uint8_t *p;

	mark = rsg_msg_open(b, f);
	if ((p = rsg_buf_room(b, n + 1)) == NULL)
		return RSG_OK;		/* sticky: seen at the end */
	len = decode(s, n, p);
	if (len == RSG_CODEC_BAD || len > rsg_msg_field(f)->max) {
		b->len = begun;
		return len == RSG_CODEC_BAD ? RSG_BAD_VALUE : RSG_TOO_LARGE;
	}
	b->len += len;
	rsg_msg_close(b, mark);
	return RSG_OK;
}

enum rsg_err
rsg_value_text(struct rsg_buf *b, enum rsg_field f, const char *s, size_t n)
{
	const struct rsg_fieldinfo *info = rsg_msg_field(f);
	const uint8_t *p = (const uint8_t *)s;

	switch (info->type) {
	case RSG_T_TEXT:
	case RSG_T_NAME:
		if (n > info->max)
			return RSG_TOO_LARGE;
		if (!(info->type == RSG_T_TEXT ? rsg_msg_utf8(p, n) :
		    rsg_msg_name(p, n)))
			return RSG_BAD_VALUE;
		rsg_msg_bytes(b, f, s, n);
		return RSG_OK;
	case RSG_T_ID:
		return put_id(b, f, s, n);
	case RSG_T_INT:
	case RSG_T_TIME:
	case RSG_T_DAY:
		return put_number(b, f, s, n);
	case RSG_T_BOOL:
		return put_bool(b, f, s, n);
	case RSG_T_BLOB:
		return put_coded(b, f, s, n, rsg_codec_unbase64);
	case RSG_T_HEX:
		return put_coded(b, f, s, n, rsg_codec_unhex);
	case RSG_T_GROUP:
	case RSG_T_MAP:
		break;
	}
	return RSG_BAD_VALUE;
}

enum rsg_err
rsg_value_json(struct rsg_buf *b, enum rsg_field f, const struct rsg_json *v)
{
	enum rsg_json_type is = rsg_json_type(v);
	const char *s;
	size_t n;

	switch (rsg_msg_field(f)->type) {
	case RSG_T_INT:
		if (is != RSG_JSON_INT)
			return RSG_BAD_VALUE;
		rsg_msg_int(b, f, rsg_json_int(v));
		return RSG_OK;
	case RSG_T_BOOL:
		if (is != RSG_JSON_BOOL)
			return RSG_BAD_VALUE;
		rsg_msg_bool(b, f, rsg_json_bool(v));
		return RSG_OK;
	default:
		if (is != RSG_JSON_STRING)
			return RSG_BAD_VALUE;
		s = rsg_json_string(v, &n);
		return rsg_value_text(b, f, s, n);
	}
}
