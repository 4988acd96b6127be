/*
 * notice.c - what people are shown: published, listed, shown.
 *
 * A notice is a manifest (notice.json) with its texts beside it; docs/CONSENT.md
 * says what stands in it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/command.h"
#include "cli/paths.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"

#define FILE_MAX	(1024u * 1024)

static bool
read_file(const char *path, struct rsg_buf *b)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;
	uint8_t *p;

	if (f == NULL) {
		rsg_tell_error("%s cannot be read", path);
		return false;
	}
	do {
		if ((p = rsg_buf_room(b, 16384)) == NULL)
			break;
		n = fread(p, 1, 16384, f);
		b->len += n;
	} while (n > 0);
	fclose(f);
	if (!rsg_buf_ok(b))
		rsg_tell_error("%s is too large", path);
	return rsg_buf_ok(b);
}

/* A day (its first instant, UTC) or an instant. */
static bool
put_time(struct rsg_buf *b, enum rsg_field field, const struct rsg_json *v,
    const char *member, bool needed)
{
	size_t len;
	const char *s = rsg_json_string(v, &len);
	int64_t us, day;

	if (v == NULL || rsg_json_type(v) == RSG_JSON_NULL) {
		if (needed)
			rsg_tell_error("\"%s\" is missing from the manifest", member);
		return !needed;
	}
	if (s != NULL && rsg_clock_parse_day(s, len, &day))
		us = day * RSG_DAY_US;
	else if (s == NULL || !rsg_clock_parse(s, len, false, &us)) {
		rsg_tell_error("\"%s\" is a day (2027-01-31) or an instant "
		    "(2027-01-31T12:00:00Z)", member);
		return false;
	}
	rsg_msg_int(b, field, us);
	return true;
}

static bool
put_list(struct rsg_buf *b, enum rsg_field field, const struct rsg_json *list)
{
	for (size_t i = 0; list != NULL && i < rsg_json_size(list); i++) {
		const char *s = rsg_json_string(rsg_json_at(list, i), NULL);

		if (s == NULL) {
			rsg_tell_error("\"purposes\" holds two lists of ids");
			return false;
		}
		rsg_msg_text(b, field, s);
	}
	return true;
}

/* One form of one language, from the file that the manifest names. */
static bool
put_text(struct rsg_buf *b, enum rsg_field field, const char *folder,
    const struct rsg_json *v)
{
	const char *name = rsg_json_string(v, NULL);
	char path[RSG_PATH_MAX];
	struct rsg_buf text;
	bool good;

	if (name == NULL || strchr(name, '/') != NULL ||
	    snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		rsg_tell_error("each language of \"texts\" names two files beside "
		    "the manifest: \"full\" and \"short\"");
		return false;
	}
	rsg_buf_init(&text, FILE_MAX);
	good = read_file(path, &text);
	if (good && (text.len == 0 || !rsg_msg_utf8(text.p, text.len))) {
		rsg_tell_error("%s is not plain text in UTF-8 with lines ended by "
		    "newlines alone", path);
		good = false;
	}
	if (good)
		rsg_msg_bytes(b, field, text.p, text.len);
	rsg_buf_free(&text);
	return good;
}

static bool
put_texts(struct rsg_buf *b, const char *folder, const struct rsg_json *texts)
{
	const struct rsg_json *v;
	const char *language;
	void *iter = NULL;
	size_t mark;

	while (rsg_json_next(texts, &iter, &language, &v)) {
		mark = rsg_msg_open(b, RSG_F_NOTICE_TEXTS);
		rsg_msg_text(b, RSG_F_LANGUAGE, language);
		if (!put_text(b, RSG_F_TEXT, folder, rsg_json_get(v, "full")) ||
		    !put_text(b, RSG_F_SHORT, folder, rsg_json_get(v, "short")))
			return false;
		rsg_msg_close(b, mark);
	}
	return true;
}

static bool
known(const struct rsg_json *m)
{
	static const char *const members[] = { "$schema", "name", "version", "from",
	    "ask_again_from", "evidence", "purposes", "texts" };
	const struct rsg_json *v;
	const char *name;
	void *iter = NULL;
	size_t i;

	while (rsg_json_next(m, &iter, &name, &v)) {
		for (i = 0; i < sizeof(members) / sizeof(members[0]) &&
		    strcmp(name, members[i]) != 0; i++)
			;
		if (i == sizeof(members) / sizeof(members[0])) {
			rsg_tell_error("the manifest has a member \"%.64s\" that is "
			    "not known", name);
			return false;
		}
	}
	return true;
}

static bool
put_manifest(struct rsg_buf *b, const char *folder, const struct rsg_json *m)
{
	const struct rsg_json *purposes = rsg_json_get(m, "purposes");
	const char *name = rsg_json_string(rsg_json_get(m, "name"), NULL);
	const char *evidence = rsg_json_string(rsg_json_get(m, "evidence"), NULL);

	if (!known(m))
		return false;
	if (name == NULL) {
		rsg_tell_error("\"name\" is missing from the manifest");
		return false;
	}
	rsg_msg_text(b, RSG_F_NOTICE, name);
	rsg_msg_int(b, RSG_F_VERSION, rsg_json_int(rsg_json_get(m, "version")));
	if (evidence != NULL)
		rsg_msg_text(b, RSG_F_EVIDENCE, evidence);
	return put_time(b, RSG_F_FROM, rsg_json_get(m, "from"), "from", true) &&
	    put_time(b, RSG_F_ASK_AGAIN_FROM, rsg_json_get(m, "ask_again_from"),
	    "ask_again_from", false) &&
	    put_list(b, RSG_F_NECESSARY, rsg_json_get(purposes, "necessary")) &&
	    put_list(b, RSG_F_VOLUNTARY, rsg_json_get(purposes, "voluntary")) &&
	    put_texts(b, folder, rsg_json_get(m, "texts"));
}

/* FILE, or notice.json of a folder; `folder` gets where the texts stand. */
static bool
load(const char *path, char folder[RSG_PATH_MAX], struct rsg_json **m)
{
	struct rsg_json_fault fault;
	char file[RSG_PATH_MAX];
	struct rsg_buf text;
	char *slash;
	bool good;

	if (snprintf(file, sizeof(file), "%s/notice.json", path) >= (int)sizeof(file))
		return false;
	if (!rsg_paths_exists(file))
		snprintf(file, sizeof(file), "%.4000s", path);
	snprintf(folder, RSG_PATH_MAX, "%.4000s", file);
	if ((slash = strrchr(folder, '/')) != NULL)
		*slash = '\0';
	else
		snprintf(folder, RSG_PATH_MAX, ".");
	rsg_buf_init(&text, FILE_MAX);
	if ((good = read_file(file, &text)) && rsg_json_parse(text.p, text.len, m,
	    &fault) != RSG_OK) {
		rsg_tell_error("%s: line %d, column %d: %s", file, fault.line,
		    fault.column, fault.what);
		good = false;
	}
	rsg_buf_free(&text);
	return good;
}

enum rsg_exit
rsg_notice_publish(const struct rsg_args *a)
{
	const char *controller = rsg_args_get(a, "controller", NULL);
	char folder[RSG_PATH_MAX];
	struct rsg_json *m = NULL;
	struct rsg_admin *admin = NULL;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_exit x = RSG_EXIT_FAILED;
	enum rsg_err e;

	if (controller == NULL || a->nwords != 1) {
		rsg_tell_error("--controller and a folder or file are needed "
		    "(see 'resguardo help notice publish')");
		return RSG_EXIT_USAGE;
	}
	rsg_buf_init(&b, RSG_MSG_HEAD + RSG_MSG_MAX);
	if (!load(a->word[0], folder, &m))
		goto done;
	if ((e = rsg_admin_open(RSG_STATE_OF(a), &admin)) != RSG_OK) {
		x = rsg_admin_exit(e);
		goto done;
	}
	begun = rsg_msg_begin(&b, RSG_OP_NOTICE_PUBLISH, rsg_admin_serial(admin));
	rsg_msg_text(&b, RSG_F_CONTROLLER, controller);
	if (!put_manifest(&b, folder, m))
		goto done;
	rsg_msg_end(&b, begun);
	x = rsg_admin_exit(rsg_admin_ask(admin, &b, &reply));
done:
	rsg_admin_close(admin);
	rsg_json_free(m);
	rsg_buf_free(&b);
	return x;
}

/* --- Reading --- */

static void
print_time(struct rsg_fields f, enum rsg_field field, const char *end)
{
	char text[RSG_TIME_TEXT] = "-";

	if (rsg_msg_has(f, field))
		rsg_clock_text(rsg_msg_get_int(f, field, 0), text);
	printf("%s%s", text, end);
}

static void
print_notice(struct rsg_fields f)
{
	char name[65], language[9], evidence[17];
	const uint8_t *hash;
	size_t n = 0;

	(void)rsg_msg_get_text(f, RSG_F_NOTICE, name, sizeof(name));
	(void)rsg_msg_get_text(f, RSG_F_LANGUAGE, language, sizeof(language));
	(void)rsg_msg_get_text(f, RSG_F_EVIDENCE, evidence, sizeof(evidence));
	printf("%s\t%lld\t%s\t", name,
	    (long long)rsg_msg_get_int(f, RSG_F_VERSION, 0), language);
	print_time(f, RSG_F_FROM, "\t");
	print_time(f, RSG_F_ASK_AGAIN_FROM, "\t");
	printf("%s\t%s\t", rsg_msg_get_int(f, RSG_F_IN_FORCE, 0) ? "in force" : "-",
	    evidence);
	if (rsg_msg_get(f, RSG_F_HASH, &hash, &n))
		for (size_t i = 0; i < n; i++)
			printf("%02x", hash[i]);
	putchar('\n');
}

static void
show_list(struct rsg_fields f)
{
	struct rsg_fields one;
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, RSG_F_NOTICES, &one))
		print_notice(one);
}

enum rsg_exit
rsg_notice_list(const struct rsg_args *a)
{
	const char *controller = rsg_args_get(a, "controller", NULL);
	struct rsg_buf b;
	enum rsg_exit x;

	if (controller == NULL) {
		rsg_tell_error("--controller is needed (see 'resguardo help')");
		return RSG_EXIT_USAGE;
	}
	rsg_buf_init(&b, 1024);
	rsg_msg_text(&b, RSG_F_CONTROLLER, controller);
	x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_NOTICE_LIST, &b, show_list);
	rsg_buf_free(&b);
	return x;
}

/* The words alone on standard output, byte for byte. */
static void
show_text(struct rsg_fields f)
{
	const uint8_t *p;
	size_t n;

	if (rsg_msg_get(f, RSG_F_TEXT, &p, &n))
		fwrite(p, 1, n, stdout);
}

enum rsg_exit
rsg_notice_show(const struct rsg_args *a)
{
	const char *controller = rsg_args_get(a, "controller", NULL);
	int64_t version;
	struct rsg_buf b;
	enum rsg_exit x;

	if (controller == NULL || a->nwords != 1) {
		rsg_tell_error("--controller and a notice are needed "
		    "(see 'resguardo help notice show')");
		return RSG_EXIT_USAGE;
	}
	if (!rsg_args_int(a, "version", 1, INT32_MAX, 0, &version))
		return RSG_EXIT_USAGE;
	rsg_buf_init(&b, 4096);
	rsg_msg_text(&b, RSG_F_CONTROLLER, controller);
	rsg_msg_text(&b, RSG_F_NOTICE, a->word[0]);
	if (version != 0)
		rsg_msg_int(&b, RSG_F_VERSION, version);
	rsg_msg_text(&b, RSG_F_LANGUAGE, rsg_args_get(a, "language", "es"));
	rsg_msg_text(&b, RSG_F_FORM, rsg_args_get(a, "form", "full"));
	x = rsg_admin_once(RSG_STATE_OF(a), RSG_OP_NOTICE_SHOW, &b, show_text);
	rsg_buf_free(&b);
	return x;
}
