#include "intake/context.h"

#include <string.h>
#include <strings.h>

#include "intake/value.h"

static const struct {
	const char *header;
	enum rsg_field field;
} table[] = {
	{ "Authorization", RSG_F_CREDENTIAL },
	{ "X-Request-Id", RSG_F_REQUEST },
	{ "Idempotency-Key", RSG_F_IDEMPOTENCY },
	{ "Resguardo-Staff", RSG_F_STAFF },
	{ "Resguardo-Place", RSG_F_PLACE },
	{ "Resguardo-Reason", RSG_F_REASON },
	{ "Sec-GPC", RSG_F_GPC },
};

#define HEADERS	(sizeof(table) / sizeof(*table))

void
rsg_context_init(struct rsg_context *c)
{
	memset(c, 0, sizeof(*c));
}

/* "Bearer TOKEN"; the scheme in any case, one blank or more. */
static enum rsg_err
put_credential(struct rsg_buf *b, const char *s, size_t n)
{
	static const char scheme[] = "Bearer ";
	size_t skip = sizeof(scheme) - 1;

	if (n <= skip || strncasecmp(s, scheme, skip) != 0)
		return RSG_UNAUTHENTICATED;
	while (skip < n && s[skip] == ' ')
		skip++;
	if (skip == n ||
	    rsg_value_text(b, RSG_F_CREDENTIAL, s + skip, n - skip) != RSG_OK)
		return RSG_UNAUTHENTICATED;
	return RSG_OK;
}

/* What is no usable id is not worth refusing a request for. */
static void
put_request(struct rsg_context *c, struct rsg_buf *b, const char *s, size_t n)
{
	if (n >= sizeof(c->request) ||
	    rsg_value_text(b, RSG_F_REQUEST, s, n) != RSG_OK)
		return;
	memcpy(c->request, s, n);
	c->request[n] = '\0';
}

static enum rsg_err
put_header(struct rsg_context *c, struct rsg_buf *b, enum rsg_field f,
    const char *s, size_t n)
{
	switch (f) {
	case RSG_F_CREDENTIAL:
		return put_credential(b, s, n);
	case RSG_F_REQUEST:
		put_request(c, b, s, n);
		return RSG_OK;
	case RSG_F_GPC:
		/* Its specification: anything but "1" says nothing. */
		if (n == 1 && s[0] == '1')
			rsg_msg_bool(b, f, true);
		return RSG_OK;
	default:
		return n == 0 ? RSG_BAD_VALUE : rsg_value_text(b, f, s, n);
	}
}

enum rsg_err
rsg_context_header(struct rsg_context *c, struct rsg_buf *b, const char *name,
    size_t name_len, const char *value, size_t len, struct rsg_at *at)
{
	enum rsg_err e;

	for (size_t i = 0; i < HEADERS; i++) {
		if (strlen(table[i].header) != name_len ||
		    strncasecmp(table[i].header, name, name_len) != 0)
			continue;
		rsg_at_init(at);
		e = c->seen & 1u << i ? RSG_MALFORMED :
		    put_header(c, b, table[i].field, value, len);
		c->seen |= 1u << i;
		if (e != RSG_OK)
			rsg_at_name(at, table[i].header, name_len);
		return e;
	}
	return RSG_OK;
}

void
rsg_context_end(struct rsg_context *c, struct rsg_buf *b)
{
	struct rsg_id id;

	if (c->request[0] != '\0')
		return;
	id = rsg_id_new();
	rsg_id_text(&id, c->request);
	rsg_msg_text(b, RSG_F_REQUEST, c->request);
}

bool
rsg_context_has(const struct rsg_context *c, enum rsg_field f)
{
	for (size_t i = 0; i < HEADERS; i++)
		if (table[i].field == f)
			return (c->seen & 1u << i) != 0;
	return false;
}

const char *
rsg_context_name(const char *json)
{
	for (size_t i = 0; i < HEADERS; i++)
		if (strcmp(rsg_msg_field(table[i].field)->json, json) == 0)
			return table[i].header;
	return json;
}
