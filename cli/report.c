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

static const enum rsg_field columns[] = { RSG_F_PERIOD, RSG_F_PURPOSE,
	RSG_F_CHANNEL, RSG_F_STATUS, RSG_F_SOURCE, RSG_F_NOTICE, RSG_F_INCENTIVE,
	RSG_F_COUNT, RSG_F_COST, RSG_F_ESTIMATE };
#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

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
cell(struct rsg_fields row, enum rsg_field f, char text[80])
{
	text[0] = '\0';
	if (f != RSG_F_COUNT)
		(void)rsg_msg_get_text(row, f, text, 80);
	else
		(void)snprintf(text, 80, "%lld", (long long)rsg_msg_get_int(row, f, 0));
}

static void
show(struct rsg_fields f, bool csv)
{
	struct rsg_fields row;
	char text[80];
	size_t pos = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		printf("%s%s", rsg_msg_field(columns[i])->json, i + 1 < COLUMNS ?
		    csv ? "," : "\t" : "\n");
	while (rsg_msg_each(f, &pos, RSG_F_ROWS, &row))
		for (size_t i = 0; i < COLUMNS; i++) {
			cell(row, columns[i], text);
			printf("%s%s", text[0] != '\0' || csv ? text : "-",
			    i + 1 < COLUMNS ? csv ? "," : "\t" : "\n");
		}
	if (!csv)
		printf("%lld people looked at. Small counts are shown: keep them inside.\n",
		    (long long)rsg_msg_get_int(f, RSG_F_PEOPLE, 0));
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
	if (pass_day(a, "from", RSG_F_FROM, &b) && pass_day(a, "to", RSG_F_TO, &b)) {
		rsg_msg_end(&b, begun);
		e = rsg_admin_watch(admin, &b, &reply, tell, &watch);
		rsg_progress_end(&watch.progress);
		if (e == RSG_OK)
			show(reply.fields, rsg_args_has(a, "csv"));
	} else
		e = RSG_BAD_VALUE;
	rsg_buf_free(&b);
	rsg_admin_close(admin);
	return rsg_admin_exit(e);
}
