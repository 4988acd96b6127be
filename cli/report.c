/*
 * report.c - `resguardo report NAME`: counts, as a table or CSV.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "resguardo/clock.h"

/* As a row lists them; a report fills those that its legend names. */
static const enum rsg_field columns[] = { RSG_F_PERIOD, RSG_F_PURPOSE,
	RSG_F_CHANNEL, RSG_F_STATUS, RSG_F_SOURCE, RSG_F_NOTICE, RSG_F_INCENTIVE,
	RSG_F_COUNT, RSG_F_COST, RSG_F_ESTIMATE, RSG_F_ESTIMATE_METHOD, RSG_F_RATIO,
	RSG_F_WITHIN, RSG_F_PEOPLE, RSG_F_NET, RSG_F_COST_GOODS, RSG_F_COST_BENEFITS,
	RSG_F_MARGIN, RSG_F_CURRENCY };
#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

#define CELL	80

static bool
pass_day(const struct rsg_args *a, const char *name, enum rsg_field f, struct rsg_buf *b)
{
	const char *s = rsg_args_get(a, name, NULL);
	int64_t day;

	if (s == NULL)
		return true;
	if (!rsg_clock_parse_day(s, strlen(s), &day)) {
		rsg_tell_error("--%s is a day, as in 2026-11-21", name);
		return false;
	}
	rsg_msg_int(b, f, day * RSG_DAY_US);
	return true;
}

/* What stands in a row, none of it made up by anybody outside. */
static void
cell(struct rsg_fields row, enum rsg_field f, char text[CELL])
{
	text[0] = '\0';
	if (rsg_msg_field(f)->type != RSG_T_INT)
		(void)rsg_msg_get_text(row, f, text, CELL);
	else if (rsg_msg_has(row, f))
		(void)snprintf(text, CELL, "%lld", (long long)rsg_msg_get_int(row, f, 0));
}

static void
show_csv(struct rsg_fields f)
{
	struct rsg_fields row;
	char text[CELL];
	size_t pos = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		printf("%s%s", rsg_msg_field(columns[i])->json, i + 1 < COLUMNS ? "," : "\n");
	while (rsg_msg_each(f, &pos, RSG_F_ROWS, &row))
		for (size_t i = 0; i < COLUMNS; i++) {
			cell(row, columns[i], text);
			printf("%s%s", text, i + 1 < COLUMNS ? "," : "\n");
		}
}

/* --- As a table, with what its columns mean --- */

struct table {
	enum rsg_field column[COLUMNS];
	int width[COLUMNS];
	size_t n;
};

static void
fit(struct table *t, struct rsg_fields f, enum rsg_field list)
{
	struct rsg_fields row;
	char text[CELL];
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, list, &row))
		for (size_t i = 0; i < t->n; i++) {
			cell(row, t->column[i], text);
			if ((int)strlen(text) > t->width[i])
				t->width[i] = (int)strlen(text);
		}
}

static void
lay_out(struct table *t, struct rsg_fields f)
{
	struct rsg_fields line;
	char name[CELL];
	size_t pos = 0;

	t->n = 0;
	while (t->n < COLUMNS && rsg_msg_each(f, &pos, RSG_F_LEGEND, &line)) {
		if (!rsg_msg_get_text(line, RSG_F_KEY, name, sizeof(name)))
			continue;
		for (size_t i = 0; i < COLUMNS; i++)
			if (strcmp(rsg_msg_field(columns[i])->json, name) == 0) {
				t->width[t->n] = (int)strlen(name);
				t->column[t->n++] = columns[i];
			}
	}
	fit(t, f, RSG_F_ROWS);
	fit(t, f, RSG_F_TOTALS);
}

/* Numbers stand to the right: what is not a name is one. */
static void
put_cell(const struct table *t, size_t i, const char *text)
{
	bool number = rsg_msg_field(t->column[i])->type != RSG_T_NAME;

	if (text[0] == '\0')
		text = "-";
	if (i + 1 == t->n)
		printf("%s\n", text);
	else
		printf("%*s  ", number ? t->width[i] : -t->width[i], text);
}

static void
show_rows(const struct table *t, struct rsg_fields f, enum rsg_field list)
{
	struct rsg_fields row;
	char text[CELL];
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, list, &row))
		for (size_t i = 0; i < t->n; i++) {
			cell(row, t->column[i], text);
			put_cell(t, i, text);
		}
}

static void
show_legend(struct rsg_fields f)
{
	struct rsg_fields line;
	char name[CELL], what[512];
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, RSG_F_LEGEND, &line))
		if (rsg_msg_get_text(line, RSG_F_KEY, name, sizeof(name)) &&
		    rsg_msg_get_text(line, RSG_F_VALUE, what, sizeof(what)))
			printf("  %-18s%s\n", name, what);
}

static void
show(struct rsg_fields f, bool spanish)
{
	char title[256] = "", from[RSG_TIME_TEXT], to[RSG_TIME_TEXT];
	struct rsg_fields row;
	struct table t;
	size_t pos = 0;

	(void)rsg_msg_get_text(f, RSG_F_TITLE, title, sizeof(title));
	rsg_clock_text(rsg_msg_get_int(f, RSG_F_FROM, 0), from);
	rsg_clock_text(rsg_msg_get_int(f, RSG_F_TO, 0), to);
	printf("%s\n%s - %s\n\n", title, from, to);
	lay_out(&t, f);
	for (size_t i = 0; i < t.n; i++)
		put_cell(&t, i, rsg_msg_field(t.column[i])->json);
	show_rows(&t, f, RSG_F_ROWS);
	if (rsg_msg_each(f, &pos, RSG_F_TOTALS, &row)) {
		printf("\n%s\n", spanish ? "En total" : "In total");
		show_rows(&t, f, RSG_F_TOTALS);
	}
	printf("\n");
	show_legend(f);
	printf(spanish ? "\n%lld personas miradas. Los recuentos pequeños se muestran: "
	    "que no salgan de aquí.\n" : "\n%lld people looked at. Small counts are shown: "
	    "keep them inside.\n", (long long)rsg_msg_get_int(f, RSG_F_PEOPLE, 0));
}

/* How far it has come, from the server's metrics: of all scans under way, and
 * there is seldom more than one. */
struct watch {
	struct rsg_progress progress;
	bool begun;
	int64_t people, blocks;		/* before it began */
};

static int64_t
metric(const uint8_t *text, size_t len, const char *name)
{
	char line[64];
	const char *p;
	int n = snprintf(line, sizeof(line), "\n%s ", name);

	p = memmem(text, len, line, (size_t)n);
	return p == NULL ? 0 : strtoll(p + n, NULL, 10);
}

static void
tell(void *ctx, const uint8_t *text, size_t len)
{
	struct watch *w = ctx;
	int64_t people = metric(text, len, "resguardo_vault_scanned_rows_total");
	int64_t blocks = metric(text, len, "resguardo_vault_scanned_blocks_total");

	if (!w->begun) {
		w->begun = true;
		w->people = people;
		w->blocks = blocks;
		rsg_progress_start(&w->progress, "rows");
		return;
	}
	rsg_progress_tick(&w->progress, people - w->people, blocks - w->blocks,
	    metric(text, len, "resguardo_vault_scans_blocks"));
}

enum rsg_exit
rsg_report_run(const struct rsg_args *a)
{
	static const char *const need[] = { "controller" };
	const char *language = rsg_args_get(a, "language",
	    rsg_tell_lang() == RSG_LANG_ES ? "es" : "en");
	struct watch watch = { .begun = false };
	struct rsg_admin *admin;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e;

	if (a->nwords != 1 || !rsg_args_need(a, need, 1)) {
		if (a->nwords != 1)
			rsg_tell_error("which report? (see 'resguardo help report')");
		return RSG_EXIT_USAGE;
	}
	if ((e = rsg_admin_open(RSG_STATE_OF(a), &admin)) != RSG_OK)
		return rsg_admin_exit(e);
	rsg_buf_init(&b, RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, RSG_OP_REPORT, rsg_admin_serial(admin));
	rsg_msg_text(&b, RSG_F_REPORT, a->word[0]);
	rsg_msg_text(&b, RSG_F_CONTROLLER, rsg_args_get(a, "controller", ""));
	rsg_msg_text(&b, RSG_F_LANGUAGE, language);
	if (rsg_args_has(a, "totals"))
		rsg_msg_bool(&b, RSG_F_ONLY_TOTALS, true);
	if (pass_day(a, "from", RSG_F_FROM, &b) && pass_day(a, "to", RSG_F_TO, &b)) {
		rsg_msg_end(&b, begun);
		e = rsg_admin_watch(admin, &b, &reply, tell, &watch);
		rsg_progress_end(&watch.progress);
		if (e == RSG_OK && rsg_args_has(a, "csv"))
			show_csv(reply.fields);
		else if (e == RSG_OK)
			show(reply.fields, strncmp(language, "es", 2) == 0);
	} else
		e = RSG_BAD_VALUE;
	rsg_buf_free(&b);
	rsg_admin_close(admin);
	return rsg_admin_exit(e);
}
