/*
 * incentive.c - what is offered in return for data: published and listed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/command.h"

#define FILE_MAX	32768

static enum rsg_exit
slurp(const char *path, struct rsg_buf *out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	uint8_t *room;
	size_t n;

	if (f == NULL) {
		rsg_tell_error("%s: cannot be opened", path);
		return RSG_EXIT_FAILED;
	}
	while ((room = rsg_buf_room(out, 4096)) != NULL &&
	    (n = fread(room, 1, 4096, f)) > 0)
		out->len += n;
	if (f != stdin)
		fclose(f);
	if (!rsg_buf_ok(out)) {
		rsg_tell_error("%s: is larger than %d bytes", path, FILE_MAX);
		return RSG_EXIT_FAILED;
	}
	return RSG_EXIT_OK;
}

static void
show_published(struct rsg_fields f)
{
	char name[65], hash[33] = "";
	const uint8_t *p;
	size_t len;

	rsg_msg_get_text(f, RSG_F_INCENTIVE, name, sizeof(name));
	if (rsg_msg_get(f, RSG_F_HASH, &p, &len) && len >= 8)
		for (size_t i = 0; i < 8; i++)
			snprintf(hash + 2 * i, 3, "%02x", p[i]);
	printf("%s\t%lld\t%s\n", name,
	    (long long)rsg_msg_get_int(f, RSG_F_VERSION, 0), hash);
}

static enum rsg_exit
publish(const struct rsg_args *a, const char *controller, const struct rsg_buf *body)
{
	struct rsg_buf b;
	enum rsg_exit x;

	rsg_buf_init(&b, RSG_MSG_MAX);
	rsg_msg_text(&b, RSG_F_CONTROLLER, controller);
	rsg_msg_bytes(&b, RSG_F_INCENTIVE_BODY, body->p, body->len);
	x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_INCENTIVE_PUBLISH, &b, show_published);
	rsg_buf_free(&b);
	return x;
}

enum rsg_exit
rsg_incentive_publish(const struct rsg_args *a)
{
	const char *controller = rsg_args_get(a, "controller", NULL);
	struct rsg_buf body;
	enum rsg_exit x;

	if (a->nwords != 1 || controller == NULL) {
		rsg_tell_error("a file and --controller are needed (see 'resguardo help')");
		return RSG_EXIT_USAGE;
	}
	rsg_buf_init(&body, FILE_MAX);
	if ((x = slurp(a->word[0], &body)) == RSG_EXIT_OK)
		x = publish(a, controller, &body);
	rsg_buf_free(&body);
	return x;
}

static void
show(struct rsg_fields f)
{
	char controller[65], name[65], kind[33], purpose[65], value[33];
	struct rsg_fields one;
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, RSG_F_INCENTIVES, &one)) {
		rsg_msg_get_text(one, RSG_F_CONTROLLER, controller, sizeof(controller));
		rsg_msg_get_text(one, RSG_F_INCENTIVE, name, sizeof(name));
		rsg_msg_get_text(one, RSG_F_KIND, kind, sizeof(kind));
		rsg_msg_get_text(one, RSG_F_PURPOSE, purpose, sizeof(purpose));
		rsg_msg_get_text(one, RSG_F_WORTH, value, sizeof(value));
		printf("%s\t%s\t%lld\t%s\t%s\t%s\n", controller, name,
		    (long long)rsg_msg_get_int(one, RSG_F_VERSION, 0), kind, purpose, value);
	}
}

enum rsg_exit
rsg_incentive_list(const struct rsg_args *a)
{
	const char *controller = rsg_args_get(a, "controller", NULL);
	struct rsg_buf b;
	enum rsg_exit x;

	rsg_buf_init(&b, RSG_MSG_MAX);
	if (controller != NULL)
		rsg_msg_text(&b, RSG_F_CONTROLLER, controller);
	x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_INCENTIVE_LIST, &b, show);
	rsg_buf_free(&b);
	return x;
}
