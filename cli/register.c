/*
 * register.c - who answers for data, who is given it, and who may call.
 */
#include <stdio.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/command.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

/* Options that go into a message as they are. */
struct pass {
	const char *option;
	enum rsg_field field;
	bool needed;
};

static enum rsg_exit
pass_on(const struct rsg_args *a, struct rsg_buf *b, const struct pass *p, size_t n)
{
	const char *value;

	for (size_t i = 0; i < n; i++) {
		value = rsg_args_get(a, p[i].option, NULL);
		if (value == NULL && p[i].needed) {
			rsg_tell_error("--%s is needed (see 'resguardo help')",
			    p[i].option);
			return RSG_EXIT_USAGE;
		}
		/* "-" is what lists show where there is nothing. */
		if (value != NULL)
			rsg_msg_text(b, p[i].field, !p[i].needed &&
			    strcmp(value, "-") == 0 ? "" : value);
	}
	return RSG_EXIT_OK;
}

/* A day (its end, UTC) or an instant. */
static enum rsg_exit
pass_expiry(const struct rsg_args *a, struct rsg_buf *b)
{
	const char *value = rsg_args_get(a, "expires", NULL);
	int64_t us, day;

	if (value == NULL)
		return RSG_EXIT_OK;
	if (rsg_clock_parse_day(value, strlen(value), &day))
		us = (day + 1) * RSG_DAY_US;
	else if (!rsg_clock_parse(value, strlen(value), false, &us)) {
		rsg_tell_error("--expires is a day (2027-12-31) or an instant "
		    "(2027-12-31T12:00:00Z)");
		return RSG_EXIT_USAGE;
	}
	rsg_msg_int(b, RSG_F_EXPIRES, us);
	return RSG_EXIT_OK;
}

/* One request whose fields are plain options. */
static enum rsg_exit
ask_with(const struct rsg_args *a, enum rsg_op op, const struct pass *pass, size_t n,
    void (*show)(struct rsg_fields))
{
	struct rsg_buf b;
	enum rsg_exit x;

	rsg_buf_init(&b, RSG_MSG_MAX);
	if ((x = pass_on(a, &b, pass, n)) == RSG_EXIT_OK)
		x = rsg_admin_once(RSG_STATE_OF(a), op, &b, show);
	rsg_buf_free(&b);
	return x;
}

/* One line of a list: columns set apart by tabs, "-" where there is nothing. */
static void
column(struct rsg_fields f, enum rsg_field field, const char *end)
{
	char text[512];
	struct rsg_id id;

	switch (rsg_msg_field(field)->type) {
	case RSG_T_TIME:
		if (rsg_msg_has(f, field))
			rsg_clock_text(rsg_msg_get_int(f, field, 0), text);
		else
			text[0] = '\0';
		break;
	case RSG_T_ID:
		text[0] = '\0';
		if (rsg_msg_get_id(f, field, &id))
			rsg_id_text(&id, text);
		break;
	default:
		rsg_msg_get_text(f, field, text, sizeof(text));
		break;
	}
	printf("%s%s", text[0] != '\0' ? text : "-", end);
}

static void
list(struct rsg_fields f, enum rsg_field group, const enum rsg_field *columns,
    size_t n)
{
	struct rsg_fields one;
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, group, &one))
		for (size_t i = 0; i < n; i++)
			column(one, columns[i], i + 1 < n ? "\t" : "\n");
}

/* --- Controllers --- */

enum rsg_exit
rsg_register_controller_add(const struct rsg_args *a)
{
	static const struct pass pass[] = {
		{ "name", RSG_F_CONTROLLER, true },
		{ "title", RSG_F_TITLE, true },
		{ "jurisdiction", RSG_F_JURISDICTION, true },
		{ "currency", RSG_F_CURRENCY, true },
		{ "zone", RSG_F_ZONE, true },
		{ "address", RSG_F_ADDRESS, false },
		{ "contact", RSG_F_CONTACT, false },
		{ "email", RSG_F_EMAIL, false },
		{ "phone", RSG_F_PHONE, false },
		{ "url", RSG_F_URL, false },
		{ "storage", RSG_F_STORAGE, false },
	};

	return ask_with(a, RSG_OP_CONTROLLER_ADD, pass, sizeof(pass) / sizeof(pass[0]), NULL);
}

enum rsg_exit
rsg_register_controller_set(const struct rsg_args *a)
{
	static const struct pass pass[] = {
		{ "name", RSG_F_CONTROLLER, true },
		{ "title", RSG_F_TITLE, false },
		{ "address", RSG_F_ADDRESS, false },
		{ "contact", RSG_F_CONTACT, false },
		{ "email", RSG_F_EMAIL, false },
		{ "phone", RSG_F_PHONE, false },
		{ "url", RSG_F_URL, false },
		{ "storage", RSG_F_STORAGE, false },
	};

	return ask_with(a, RSG_OP_CONTROLLER_SET, pass, sizeof(pass) / sizeof(pass[0]), NULL);
}

static void
show_controllers(struct rsg_fields f)
{
	static const enum rsg_field columns[] = { RSG_F_CONTROLLER, RSG_F_TITLE,
	    RSG_F_JURISDICTION, RSG_F_CURRENCY, RSG_F_ZONE };

	list(f, RSG_F_CONTROLLERS, columns, 5);
}

enum rsg_exit
rsg_register_controller_list(const struct rsg_args *a)
{
	return rsg_admin_once(RSG_STATE_OF(a), RSG_OP_CONTROLLER_LIST, NULL, show_controllers);
}

/* --- Recipients --- */

enum rsg_exit
rsg_register_recipient_add(const struct rsg_args *a)
{
	static const struct pass pass[] = {
		{ "controller", RSG_F_CONTROLLER, true },
		{ "name", RSG_F_RECIPIENT, true },
		{ "title", RSG_F_TITLE, false },
		{ "country", RSG_F_COUNTRY, false },
		{ "contract", RSG_F_CONTRACT, false },
	};
	struct rsg_buf b;
	enum rsg_exit x;

	rsg_buf_init(&b, RSG_MSG_MAX);
	if ((x = pass_on(a, &b, pass, 5)) == RSG_EXIT_OK &&
	    (x = pass_expiry(a, &b)) == RSG_EXIT_OK)
		x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_RECIPIENT_ADD, &b, NULL);
	rsg_buf_free(&b);
	return x;
}

static void
show_recipients(struct rsg_fields f)
{
	static const enum rsg_field columns[] = { RSG_F_RECIPIENT, RSG_F_TITLE,
	    RSG_F_COUNTRY, RSG_F_CONTRACT, RSG_F_EXPIRES };

	list(f, RSG_F_RECIPIENTS, columns, 5);
}

enum rsg_exit
rsg_register_recipient_list(const struct rsg_args *a)
{
	static const struct pass pass = { "controller", RSG_F_CONTROLLER, false };

	return ask_with(a, RSG_OP_RECIPIENT_LIST, &pass, 1, show_recipients);
}

/* --- Principals --- */

/* The key goes to standard output, once; what is said about it, beside it. */
static void
show_key(struct rsg_fields f)
{
	char key[161];
	struct rsg_id id;
	char text[RSG_ID_TEXT] = "";

	rsg_msg_get_text(f, RSG_F_SECRET, key, sizeof(key));
	if (rsg_msg_get_id(f, RSG_F_PRINCIPAL, &id))
		rsg_id_text(&id, text);
	fprintf(stderr, "principal %s. Its key follows; it is shown this once:\n", text);
	printf("%s\n", key);
	rsg_secret_wipe(key, sizeof(key));
}

enum rsg_exit
rsg_register_principal_add(const struct rsg_args *a)
{
	static const struct pass pass[] = {
		{ "controller", RSG_F_CONTROLLER, true },
		{ "name", RSG_F_NAME, true },
		{ "role", RSG_F_ROLE, true },
		{ "recipient", RSG_F_RECIPIENT, false },
		{ "lookup-field", RSG_F_LOOKUP_FIELD, false },
		{ "lookup-value", RSG_F_LOOKUP_VALUE, false },
	};
	const char *value;
	struct rsg_buf b;
	struct rsg_id id;
	enum rsg_exit x;

	rsg_buf_init(&b, RSG_MSG_MAX);
	if ((x = pass_on(a, &b, pass, 6)) != RSG_EXIT_OK ||
	    (x = pass_expiry(a, &b)) != RSG_EXIT_OK)
		goto done;
	if ((value = rsg_args_get(a, "subject", NULL)) != NULL) {
		if (!rsg_id_parse(value, strlen(value), &id)) {
			rsg_tell_error("--subject is an id of 36 characters");
			x = RSG_EXIT_USAGE;
			goto done;
		}
		rsg_msg_id(&b, RSG_F_SUBJECT, &id);
	}
	for (size_t i = 0; (value = rsg_args_nth(a, "purpose", i)) != NULL; i++)
		rsg_msg_text(&b, RSG_F_PURPOSES, value);
	x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_PRINCIPAL_ADD, &b, show_key);
done:
	rsg_buf_free(&b);
	return x;
}

static void
show_principals(struct rsg_fields f)
{
	static const enum rsg_field columns[] = { RSG_F_PRINCIPAL, RSG_F_CONTROLLER,
	    RSG_F_NAME, RSG_F_ROLE, RSG_F_RECIPIENT, RSG_F_CREATED, RSG_F_EXPIRES,
	    RSG_F_REVOKED };

	list(f, RSG_F_PRINCIPALS, columns, 8);
}

enum rsg_exit
rsg_register_principal_list(const struct rsg_args *a)
{
	static const struct pass pass = { "controller", RSG_F_CONTROLLER, false };

	return ask_with(a, RSG_OP_PRINCIPAL_LIST, &pass, 1, show_principals);
}

/* By id, or by controller and name. */
enum rsg_exit
rsg_register_principal_revoke(const struct rsg_args *a)
{
	static const struct pass pass[] = {
		{ "controller", RSG_F_CONTROLLER, true },
		{ "name", RSG_F_NAME, true },
	};
	enum rsg_exit x = RSG_EXIT_OK;
	struct rsg_buf b;
	struct rsg_id id;

	rsg_buf_init(&b, RSG_MSG_MAX);
	if (a->nwords == 0)
		x = pass_on(a, &b, pass, 2);
	else if (rsg_id_parse(a->word[0], strlen(a->word[0]), &id))
		rsg_msg_id(&b, RSG_F_PRINCIPAL, &id);
	else {
		rsg_tell_error("name an id of 36 characters, or --controller and --name");
		x = RSG_EXIT_USAGE;
	}
	if (x == RSG_EXIT_OK)
		x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_PRINCIPAL_REVOKE, &b, NULL);
	rsg_buf_free(&b);
	return x;
}
