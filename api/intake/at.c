#include "intake/at.h"

#include <stdio.h>
#include <string.h>

#include "resguardo/msg.h"

void
rsg_at_init(struct rsg_at *at)
{
	at->len = 0;
	at->path[0] = '\0';
}

size_t
rsg_at_name(struct rsg_at *at, const char *name, size_t len)
{
	size_t mark = at->len;
	size_t dot = mark > 0;

	/* A name that is no NAME is the sender's own text: it stays out. */
	if (!rsg_msg_name((const uint8_t *)name, len) ||
	    len + dot >= sizeof(at->path) - mark)
		return mark;
	if (dot)
		at->path[at->len++] = '.';
	memcpy(at->path + at->len, name, len);
	at->len += len;
	at->path[at->len] = '\0';
	return mark;
}

size_t
rsg_at_index(struct rsg_at *at, size_t i)
{
	char text[24];
	int n;

	n = snprintf(text, sizeof(text), "%zu", i);
	return rsg_at_name(at, text, (size_t)n);
}

void
rsg_at_back(struct rsg_at *at, size_t mark)
{
	at->len = mark;
	at->path[mark] = '\0';
}
