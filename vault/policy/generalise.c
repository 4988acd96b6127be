/*
 * generalise.c - coarser forms of values, as words and as small numbers.
 *
 * The numbers are stored in facets: what a number means never changes, new
 * meanings go to the end.
 */
#include <string.h>

#include "policy/values.h"
#include "resguardo/clock.h"

/* Band i + 1 begins at age[i]. */
static const int age[] = { 0, 18, 25, 35, 45, 55, 65 };
#define AGES	(sizeof(age) / sizeof(age[0]))

static uint16_t
age_number(const struct rsg_fielddef *f, const char *s, size_t n, int64_t today)
{
	int y, m, d, ty, tm, td, years;
	uint16_t band = 0;
	int64_t day;

	(void)f;
	if (!rsg_clock_parse_day(s, n, &day) || day > today)
		return 0;
	rsg_clock_civil(day, &y, &m, &d);
	rsg_clock_civil(today, &ty, &tm, &td);
	years = ty - y - (tm < m || (tm == m && td < d));
	while (band < AGES && years >= age[band])
		band++;
	return band;
}

static void
age_text(const struct rsg_fielddef *f, uint16_t band, struct rsg_buf *out)
{
	(void)f;
	if (band < AGES)
		rsg_buf_printf(out, "%d-%d", age[band - 1], age[band] - 1);
	else if (band == AGES)
		rsg_buf_printf(out, "%d+", age[AGES - 1]);
}

/* The first two digits: a province of Spain, about a state of Mexico. */
static uint16_t
area_number(const struct rsg_fielddef *f, const char *s, size_t n, int64_t today)
{
	(void)f;
	(void)today;
	if (n < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return 0;
	return (uint16_t)((s[0] - '0') * 10 + (s[1] - '0') + 1);
}

static void
area_text(const struct rsg_fielddef *f, uint16_t n, struct rsg_buf *out)
{
	(void)f;
	if (n <= 100)
		rsg_buf_printf(out, "%02u***", n - 1u);
}

/* ISO 3166-2: the states of Mexico, then the autonomous communities and
 * cities of Spain. Add at the end only. */
static const char *const places[] = {
	"MX-AGU", "MX-BCN", "MX-BCS", "MX-CAM", "MX-CHH", "MX-CHP", "MX-CMX",
	"MX-COA", "MX-COL", "MX-DUR", "MX-GRO", "MX-GUA", "MX-HID", "MX-JAL",
	"MX-MEX", "MX-MIC", "MX-MOR", "MX-NAY", "MX-NLE", "MX-OAX", "MX-PUE",
	"MX-QUE", "MX-ROO", "MX-SIN", "MX-SLP", "MX-SON", "MX-TAB", "MX-TAM",
	"MX-TLA", "MX-VER", "MX-YUC", "MX-ZAC",
	"ES-AN", "ES-AR", "ES-AS", "ES-CB", "ES-CE", "ES-CL", "ES-CM", "ES-CN",
	"ES-CT", "ES-EX", "ES-GA", "ES-IB", "ES-MC", "ES-MD", "ES-ML", "ES-NC",
	"ES-PV", "ES-RI", "ES-VC",
};
#define PLACES	(sizeof(places) / sizeof(places[0]))

uint16_t
rsg__subdivision(const char *s, size_t n)
{
	for (size_t i = 0; i < PLACES; i++)
		if (strlen(places[i]) == n && memcmp(places[i], s, n) == 0)
			return (uint16_t)(i + 1);
	return 0;
}

const char *
rsg__subdivision_code(uint16_t n)
{
	return n >= 1 && n <= PLACES ? places[n - 1] : NULL;
}

static uint16_t
region_number(const struct rsg_fielddef *f, const char *s, size_t n,
    int64_t today)
{
	(void)f;
	(void)today;
	return rsg__subdivision(s, n);
}

static void
region_text(const struct rsg_fielddef *f, uint16_t n, struct rsg_buf *out)
{
	(void)f;
	if (rsg__subdivision_code(n) != NULL)
		rsg_buf_str(out, rsg__subdivision_code(n));
}

/* Two letters in either case, as in country and language codes. */
static uint16_t
letters_number(const struct rsg_fielddef *f, const char *s, size_t n,
    int64_t today)
{
	unsigned a, b;

	(void)f;
	(void)today;
	if (n < 2)
		return 0;
	a = (unsigned)((s[0] | 0x20) - 'a');
	b = (unsigned)((s[1] | 0x20) - 'a');
	return a < 26 && b < 26 ? (uint16_t)(a * 26 + b + 1) : 0;
}

static void
letters_text(const struct rsg_fielddef *f, uint16_t n, struct rsg_buf *out)
{
	char base = f->validator != NULL &&
	    strcmp(f->validator, "country") == 0 ? 'A' : 'a';

	if (n > 26 * 26)
		return;
	rsg_buf_u8(out, (uint8_t)(base + (n - 1) / 26));
	rsg_buf_u8(out, (uint8_t)(base + (n - 1) % 26));
}

/* 0, 1, 2, 3, and 4 or more. */
static uint16_t
count_number(const struct rsg_fielddef *f, const char *s, size_t n,
    int64_t today)
{
	(void)f;
	(void)today;
	if (n < 1 || s[0] < '0' || s[0] > '9')
		return 0;
	return n > 1 || s[0] > '3' ? 5 : (uint16_t)(s[0] - '0' + 1);
}

static void
count_text(const struct rsg_fielddef *f, uint16_t n, struct rsg_buf *out)
{
	(void)f;
	if (n <= 5)
		rsg_buf_printf(out, "%u%s", n - 1u, n == 5 ? "+" : "");
}

/* A value of a closed list is general enough as it is. */
static uint16_t
choice_number(const struct rsg_fielddef *f, const char *s, size_t n,
    int64_t today)
{
	(void)today;
	for (size_t i = 0; i < f->nchoices; i++)
		if (strlen(f->choice[i].id) == n &&
		    memcmp(f->choice[i].id, s, n) == 0)
			return f->choice[i].number;
	return 0;
}

static void
choice_text(const struct rsg_fielddef *f, uint16_t n, struct rsg_buf *out)
{
	for (size_t i = 0; i < f->nchoices; i++)
		if (f->choice[i].number == n)
			rsg_buf_str(out, f->choice[i].id);
}

static const struct rsg__generaliser generalisers[] = {
	{ "age_band",	"date_past",	age_number,	age_text },
	{ "postal_area", "postal_code",	area_number,	area_text },
	{ "region",	"subdivision",	region_number,	region_text },
	{ "country",	"country",	letters_number,	letters_text },
	{ "language",	"language",	letters_number,	letters_text },
	{ "count_band",	"count",	count_number,	count_text },
	{ "choice",	"choice",	choice_number,	choice_text },
};
#define N	(sizeof(generalisers) / sizeof(generalisers[0]))

const struct rsg__generaliser *
rsg__generaliser_at(size_t i)
{
	return i < N ? &generalisers[i] : NULL;
}

const struct rsg__generaliser *
rsg__generaliser_find(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (strcmp(generalisers[i].name, name) == 0)
			return &generalisers[i];
	return NULL;
}
