#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "resguardo/clock.h"

#define BAR	20
#define OFTEN	(RSG_US / 5)
#define SELDOM	(5 * RSG_US)

/* 75 becomes "1:15", 3700 "1:01:40". */
static void
duration(char *out, size_t size, int64_t seconds)
{
	if (seconds >= 3600)
		snprintf(out, size, "%lld:%02lld:%02lld", (long long)(seconds / 3600),
		    (long long)(seconds / 60 % 60), (long long)(seconds % 60));
	else
		snprintf(out, size, "%lld:%02lld", (long long)(seconds / 60),
		    (long long)(seconds % 60));
}

void
rsg_progress_text(char out[RSG_PROGRESS_TEXT], const char *what, int64_t n, int64_t us,
    int64_t at, int64_t of, bool bar)
{
	int64_t rate = us > 0 ? (int64_t)((double)n * 1e6 / (double)us) : 0;
	char blocks[BAR + 3] = "", left[32];
	int64_t percent;

	if (of <= 0) {
		snprintf(out, RSG_PROGRESS_TEXT, "%lld %s, %lld a second",
		    (long long)n, what, (long long)rate);
		return;
	}
	percent = at >= of ? 100 : (int64_t)((double)at * 100.0 / (double)of);
	if (bar) {
		blocks[0] = '[';
		for (int i = 0; i < BAR; i++)
			blocks[i + 1] = i < percent * BAR / 100 ? '#' : '.';
		blocks[BAR + 1] = ']';
	}
	if (at > 0)
		duration(left, sizeof(left),
		    (int64_t)((double)us / (double)at * (double)(of - at) / 1e6));
	else
		snprintf(left, sizeof(left), "-:--");
	snprintf(out, RSG_PROGRESS_TEXT, "%s%s%lld %%, %lld %s, %lld a second, "
	    "%s left", blocks, bar ? " " : "", (long long)percent,
	    (long long)n, what, (long long)rate, at >= of ? "0:00" : left);
}

void
rsg_progress_start(struct rsg_progress *p, const char *what)
{
	p->what = what;
	p->terminal = isatty(STDERR_FILENO) == 1;
	p->shown = false;
	p->started = p->told = rsg_clock_mono();
}

void
rsg_progress_tick(struct rsg_progress *p, int64_t n, int64_t at, int64_t of)
{
	int64_t now = rsg_clock_mono();
	char text[RSG_PROGRESS_TEXT];

	if (now - p->told < (p->terminal ? OFTEN : SELDOM))
		return;
	p->told = now;
	rsg_progress_text(text, p->what, n, now - p->started, at, of, p->terminal);
	/* Erase to the line's end: the text may have become shorter. */
	if (p->terminal)
		fprintf(stderr, "\r%s\033[K", text);
	else
		fprintf(stderr, "%s\n", text);
	fflush(stderr);
	p->shown = true;
}

void
rsg_progress_end(struct rsg_progress *p)
{
	if (p->terminal && p->shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	p->shown = false;
}
