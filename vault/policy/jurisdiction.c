/*
 * jurisdiction.c - jurisdictions/XX.json: what the law of a place sets.
 *
 * Clocks and calendars are used by the customer's rights; until then they
 * are read whole so that a fault shows when it is made.
 */
#include <stddef.h>
#include <string.h>

#include "policy/reader.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct raw {
	const char *code, *title[2], *language, *authority, *rights_name[2];
	const struct rsg_json *consent_age, *blocking, *calendar, *rights,
	    *incentives;
	bool notice;
};
static const struct rsg__member members[] = {
	{ "code", RSG__M_ID, true, offsetof(struct raw, code), 0, 0 },
	{ "title", RSG__M_WORDS, true, offsetof(struct raw, title), 0, 0 },
	{ "language", RSG__M_ID, true, offsetof(struct raw, language), 0, 0 },
	{ "authority", RSG__M_TEXT, true, offsetof(struct raw, authority), 0, 0 },
	{ "rights_name", RSG__M_WORDS, true, offsetof(struct raw, rights_name), 0, 0 },
	{ "consent_age", RSG__M_OBJECT, true, offsetof(struct raw, consent_age), 0, 0 },
	{ "blocking", RSG__M_OBJECT, true, offsetof(struct raw, blocking), 0, 0 },
	{ "calendar", RSG__M_OBJECT, true, offsetof(struct raw, calendar), 0, 0 },
	{ "rights", RSG__M_ARRAY, true, offsetof(struct raw, rights), 1, 64 },
	{ "notice_required", RSG__M_BOOL, false, offsetof(struct raw, notice), 0, 0 },
	{ "incentives", RSG__M_OBJECT, false, offsetof(struct raw, incentives), 0, 0 },
};

/* Where a figure comes from: the law's place, and how sure its reading is. */
struct rawbasis {
	const char *basis, *mark;
	int64_t years;
	bool required;
};
static const struct rsg__member age_members[] = {
	{ "years", RSG__M_INT, true, offsetof(struct rawbasis, years), 0, 25 },
	{ "basis", RSG__M_TEXT, true, offsetof(struct rawbasis, basis), 0, 0 },
	{ "mark", RSG__M_ID, true, offsetof(struct rawbasis, mark), 0, 0 },
};
static const struct rsg__member blocking_members[] = {
	{ "required", RSG__M_BOOL, true, offsetof(struct rawbasis, required), 0, 0 },
	{ "basis", RSG__M_TEXT, true, offsetof(struct rawbasis, basis), 0, 0 },
	{ "mark", RSG__M_ID, true, offsetof(struct rawbasis, mark), 0, 0 },
};

/* What may be offered for data, and taken back. Silence is the stricter. */
struct rawincentives {
	bool estimate, takes_back;
	const char *basis, *mark;
};
static const struct rsg__member incentive_members[] = {
	{ "estimate_required", RSG__M_BOOL, true,
	    offsetof(struct rawincentives, estimate), 0, 0 },
	{ "takes_back", RSG__M_BOOL, true,
	    offsetof(struct rawincentives, takes_back), 0, 0 },
	{ "basis", RSG__M_TEXT, true, offsetof(struct rawincentives, basis), 0, 0 },
	{ "mark", RSG__M_ID, true, offsetof(struct rawincentives, mark), 0, 0 },
};

struct rawcalendar {
	const struct rsg_json *weekend, *holidays;
};
static const struct rsg__member calendar_members[] = {
	{ "weekend", RSG__M_LIST, true, offsetof(struct rawcalendar, weekend), 0, 7 },
	{ "holidays", RSG__M_LIST, true, offsetof(struct rawcalendar, holidays), 0, 0 },
};

struct rawright {
	const char *right, *basis, *mark, *dpv;
	const struct rsg_json *answer, *extension, *effect, *effect_extension;
};
static const struct rsg__member right_members[] = {
	{ "right", RSG__M_ID, true, offsetof(struct rawright, right), 0, 0 },
	{ "dpv", RSG__M_TEXT, false, offsetof(struct rawright, dpv), 0, 0 },
	{ "answer", RSG__M_OBJECT, true, offsetof(struct rawright, answer), 0, 0 },
	{ "extension", RSG__M_OBJECT, false, offsetof(struct rawright, extension), 0, 0 },
	{ "effect", RSG__M_OBJECT, false, offsetof(struct rawright, effect), 0, 0 },
	{ "effect_extension", RSG__M_OBJECT, false,
	    offsetof(struct rawright, effect_extension), 0, 0 },
	{ "basis", RSG__M_TEXT, true, offsetof(struct rawright, basis), 0, 0 },
	{ "mark", RSG__M_ID, true, offsetof(struct rawright, mark), 0, 0 },
};

struct rawclock {
	int64_t amount;
	const char *unit;
	bool reason;
};
static const struct rsg__member clock_members[] = {
	{ "amount", RSG__M_INT, true, offsetof(struct rawclock, amount), 0, 3660 },
	{ "unit", RSG__M_ID, true, offsetof(struct rawclock, unit), 0, 0 },
	{ "reason_required", RSG__M_BOOL, false, offsetof(struct rawclock, reason), 0, 0 },
};

static void
check_mark(struct rsg__reader *r, const char *mark)
{
	/* Read in the standard itself, on an official page, as a text on a
	 * mirror, from a secondary source. */
	static const char *const marks[] = { "F", "P", "T", "S" };

	if (mark != NULL)
		rsg__one_of(r, "mark", mark, marks, COUNT(marks));
}

static int64_t
check_basis(struct rsg__reader *r, const char *member, const struct rsg_json *v,
    const struct rsg__member *shape, size_t n)
{
	struct rawbasis f = { 0 };
	size_t mark;

	if (v == NULL)
		return 0;
	mark = rsg__enter(r, member, RSG__ALONE, NULL);
	rsg__read(r, v, shape, n, &f);
	check_mark(r, f.mark);
	rsg__leave(r, mark);
	return f.years;
}

static void
read_incentives(struct rsg__reader *r, const struct rsg_json *v, struct rawincentives *f)
{
	size_t mark;

	if (v == NULL)
		return;
	mark = rsg__enter(r, "incentives", RSG__ALONE, NULL);
	rsg__read(r, v, incentive_members, COUNT(incentive_members), f);
	check_mark(r, f->mark);
	rsg__leave(r, mark);
}

static void
check_clock(struct rsg__reader *r, const char *member, const struct rsg_json *v)
{
	static const char *const units[] = { "hours", "days", "business_days",
	    "months" };
	struct rawclock f = { 0 };
	size_t mark;

	if (v == NULL)
		return;
	mark = rsg__enter(r, member, RSG__ALONE, NULL);
	if (rsg__read(r, v, clock_members, COUNT(clock_members), &f))
		rsg__one_of(r, "unit", f.unit, units, COUNT(units));
	rsg__leave(r, mark);
}

/* A right with its clocks: to answer, and where the law says so to act. */
static void
check_right(struct rsg__reader *r, const struct rsg_json *v)
{
	static const char *const rights[] = { "access", "portability",
	    "rectification", "erasure", "restriction", "objection",
	    "withdrawal", "notify_recipients", "breach" };
	struct rawright f = { 0 };

	rsg__read(r, v, right_members, COUNT(right_members), &f);
	if (f.right != NULL)
		rsg__one_of(r, "right", f.right, rights, COUNT(rights));
	check_mark(r, f.mark);
	check_clock(r, "answer", f.answer);
	check_clock(r, "extension", f.extension);
	check_clock(r, "effect", f.effect);
	check_clock(r, "effect_extension", f.effect_extension);
}

/* "01-01" every year, or "2026-03-16". */
static bool
is_holiday(const char *s)
{
	size_t n = strlen(s);

	if (n != 5 && n != 10)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((i == n - 3 || i == n - 6) ? s[i] != '-' :
		    s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* Business days are the days left by weekend and holidays. */
static void
check_calendar(struct rsg__reader *r, const struct rsg_json *v)
{
	static const char *const days[] = { "monday", "tuesday", "wednesday",
	    "thursday", "friday", "saturday", "sunday" };
	struct rawcalendar f = { 0 };
	size_t mark = rsg__enter(r, "calendar", RSG__ALONE, NULL);
	const char *s;

	rsg__read(r, v, calendar_members, COUNT(calendar_members), &f);
	for (size_t i = 0; f.weekend != NULL && i < rsg_json_size(f.weekend); i++)
		rsg__one_of(r, "weekend",
		    rsg_json_string(rsg_json_at(f.weekend, i), NULL), days,
		    COUNT(days));
	for (size_t i = 0; f.holidays != NULL &&
	    i < rsg_json_size(f.holidays); i++) {
		s = rsg_json_string(rsg_json_at(f.holidays, i), NULL);
		if (!is_holiday(s))
			rsg__fault(r, "holidays", "\"%.32s\" is not a day; "
			    "write \"MM-DD\" for every year or \"YYYY-MM-DD\"",
			    s);
	}
	rsg__leave(r, mark);
}

void
rsg__jurisdiction_read(struct rsg__reader *r, struct rsg_policy *p,
    const char *code, const struct rsg_json *file)
{
	static const char *const languages[] = { "en", "es" };
	struct raw f = { 0 };
	struct rawincentives in = { 0 };
	int64_t age;
	size_t mark;

	rsg__read(r, file, members, COUNT(members), &f);
	if (f.code != NULL && strcmp(f.code, code) != 0)
		rsg__fault(r, "code", "is not the file's name; write \"%.16s\" "
		    "or rename the file", code);
	if (f.code != NULL && strlen(f.code) > 7)
		rsg__fault(r, "code", "is longer than 7 letters; shorten it");
	if (f.language != NULL)
		rsg__one_of(r, "language", f.language, languages, 2);
	age = check_basis(r, "consent_age", f.consent_age, age_members,
	    COUNT(age_members));
	(void)check_basis(r, "blocking", f.blocking, blocking_members,
	    COUNT(blocking_members));
	read_incentives(r, f.incentives, &in);
	if (f.calendar != NULL)
		check_calendar(r, f.calendar);
	for (size_t i = 0; f.rights != NULL && i < rsg_json_size(f.rights); i++) {
		mark = rsg__enter(r, "rights", i,
		    rsg__peek(rsg_json_at(f.rights, i), "right"));
		check_right(r, rsg_json_at(f.rights, i));
		rsg__leave(r, mark);
	}
	if (p->ncodes == RSG__CODES)
		rsg__fault(r, NULL, "is one jurisdiction too many; at most %d",
		    RSG__CODES);
	else if (f.code != NULL)
		p->law[p->ncodes++] = (struct rsg_lawdef){ .code = f.code,
		    .consent_age = (uint8_t)age, .notice_required = f.notice,
		    .estimate_required = in.estimate, .takes_back = in.takes_back };
}
