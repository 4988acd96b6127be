/*
 * status.c - `resguardo status`: what the running server says of itself.
 */
#include <stdio.h>

#include "cli/status.h"

enum rsg_err
rsg_status_ask(const char *state, rsg_status_fn *tell, void *ctx)
{
	char name[65], status[33], detail[513];
	struct rsg_admin *admin;
	struct rsg_fields one;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun, pos = 0;
	enum rsg_err e;

	if ((e = rsg_admin_open(state, &admin)) != RSG_OK)
		return e;
	rsg_buf_init(&b, 1024);
	begun = rsg_msg_begin(&b, RSG_OP_STATUS, rsg_admin_serial(admin));
	rsg_msg_end(&b, begun);
	e = rsg_admin_ask(admin, &b, &reply);
	while (e == RSG_OK &&
	    rsg_msg_each(reply.fields, &pos, RSG_F_CHECKS, &one)) {
		rsg_msg_get_text(one, RSG_F_NAME, name, sizeof(name));
		rsg_msg_get_text(one, RSG_F_STATUS, status, sizeof(status));
		rsg_msg_get_text(one, RSG_F_DETAIL, detail, sizeof(detail));
		tell(ctx, name, status, detail);
	}
	rsg_buf_free(&b);
	rsg_admin_close(admin);
	return e;
}

static void
row(void *ctx, const char *name, const char *status, const char *detail)
{
	(void)ctx;
	printf("%-6s %-20s %s\n", status, name, detail);
}

enum rsg_exit
rsg_status_run(const struct rsg_args *a)
{
	return rsg_admin_exit(rsg_status_ask(RSG_STATE_OF(a), row, NULL));
}
