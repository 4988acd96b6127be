/*
 * validate.c - does a normalised value have the form its field declares?
 *
 * Forms are checked, existence is not: an address that nobody reads is still
 * an address.
 */
#include <string.h>

#include "policy/values.h"
#include "resguardo/clock.h"
#include "resguardo/utf8.h"

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
small(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!digit(s[i]))
			return false;
	return true;
}

/* All of the given bytes, or letters and digits. */
static bool
all_of(const char *s, size_t n, const char *more)
{
	for (size_t i = 0; i < n; i++)
		if (!digit(s[i]) && !capital(s[i]) && !small(s[i]) &&
		    (s[i] == '\0' || strchr(more, s[i]) == NULL))
			return false;
	return true;
}

static bool
any_text(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	(void)s;
	return n > 0;
}

/* Letters of any script, with what stands in names; no digits, no symbols. */
static bool
name_char(uint32_t c, bool *letter)
{
	if (c < 0x80) {
		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			return *letter = true;
		return c == ' ' || c == '\'' || c == '-' || c == '.';
	}
	if (c == 0xaa || c == 0xba || c == 0xb7 || c == 0x2019 || c == 0x2010 ||
	    c == 0x2011 || c == 0x200c || c == 0x200d)
		return true;
	if (c < 0xc0 || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x2bff) ||
	    (c >= 0x3000 && c <= 0x3004) || (c >= 0x1f000 && c <= 0x1ffff))
		return false;
	return *letter = true;
}

static bool
name(const struct rsg_fielddef *f, const char *s, size_t n)
{
	bool letter = false;
	uint32_t c;
	size_t k;

	(void)f;
	for (; n > 0; s += k, n -= k) {
		if ((k = rsg_utf8_next((const uint8_t *)s, n, &c)) == 0 ||
		    !name_char(c, &letter))
			return false;
	}
	return letter;
}

/*
 * RFC 5322's unquoted form, ASCII only: quoted and internationalised local
 * parts exist, but no shop's customer is found by one.
 */
static bool
email_local(const char *s, size_t n)
{
	if (n < 1 || n > 64 || s[0] == '.' || s[n - 1] == '.' ||
	    !all_of(s, n, "!#$%&'*+-/=?^_`{|}~."))
		return false;
	for (size_t i = 1; i < n; i++)
		if (s[i] == '.' && s[i - 1] == '.')
			return false;
	return true;
}

/* Labels of letters, digits and hyphens; international ones as xn--. */
static bool
email_domain(const char *s, size_t n)
{
	size_t label = 0, labels = 0;

	if (n < 4 || n > 253 || !all_of(s, n, "-."))
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && s[i] != '.') {
			if (s[i] == '-' && label == 0)
				return false;
			label++;
			continue;
		}
		if (label < 1 || label > 63 || s[i - 1] == '-')
			return false;
		labels++;
		if (i < n)
			label = 0;
	}
	/* The last label names a top-level domain: never a number. */
	return labels >= 2 && label >= 2 && !digits(s + n - label, label);
}

static bool
email(const struct rsg_fielddef *f, const char *s, size_t n)
{
	const char *at = memchr(s, '@', n);
	size_t local;

	(void)f;
	if (at == NULL || n > 254)
		return false;
	local = (size_t)(at - s);
	return email_local(s, local) && email_domain(at + 1, n - local - 1);
}

/*
 * E.164 with its "+": without one nobody can say whose number it is. The two
 * home numbering plans are checked for length too.
 */
static bool
phone(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	if (n < 8 || n > 16 || s[0] != '+' || s[1] == '0' ||
	    !digits(s + 1, n - 1))
		return false;
	if (memcmp(s, "+52", 3) == 0)
		return n == 13 && s[3] >= '2';
	if (memcmp(s, "+34", 3) == 0)
		return n == 12 && s[3] >= '5';
	return true;
}

static bool
card(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	return n >= 6 && n <= 24 && all_of(s, n, "");
}

static bool
identifier(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	return n >= 1 && n <= 40 && all_of(s, n, "._-");
}

static bool
date_past(const struct rsg_fielddef *f, const char *s, size_t n)
{
	int64_t day;

	(void)f;
	return rsg_clock_parse_day(s, n, &day) &&
	    day >= rsg_clock_day_of(1900, 1, 1) &&
	    day <= rsg_clock_day(rsg_clock_now());
}

/* Any country's: letters and digits with at least one digit. */
static bool
postal_code(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	if (n < 3 || n > 10 || !all_of(s, n, " -"))
		return false;
	for (size_t i = 0; i < n; i++)
		if (digit(s[i]))
			return true;
	return false;
}

static bool
country(const struct rsg_fielddef *f, const char *s, size_t n)
{
	/* ISO 3166-1, two letters each. */
	static const char codes[] =
	    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBS"
	    "BTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEE"
	    "EGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHM"
	    "HNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLC"
	    "LILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA"
	    "NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW"
	    "SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTO"
	    "TRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

	(void)f;
	if (n != 2)
		return false;
	for (size_t i = 0; i + 1 < sizeof(codes); i += 2)
		if (memcmp(codes + i, s, 2) == 0)
			return true;
	return false;
}

static bool
subdivision(const struct rsg_fielddef *f, const char *s, size_t n)
{
	if (n < 4 || n > 6 || s[2] != '-' || !country(f, s, 2))
		return false;
	if (memcmp(s, "MX", 2) == 0 || memcmp(s, "ES", 2) == 0)
		return rsg__subdivision(s, n) != 0;
	for (size_t i = 3; i < n; i++)
		if (!capital(s[i]) && !digit(s[i]))
			return false;
	return true;
}

static bool
language(const struct rsg_fielddef *f, const char *s, size_t n)
{
	if ((n != 2 && n != 5) || !small(s[0]) || !small(s[1]))
		return false;
	return n == 2 || (s[2] == '-' && country(f, s + 3, 2));
}

/* A small count: of people, of children. */
static bool
count(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	return n >= 1 && n <= 2 && digits(s, n) && (n == 1 || s[0] != '0');
}

static bool
handle(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	return n >= 1 && n <= 30 && all_of(s, n, "._");
}

static bool
is_choice(const struct rsg_fielddef *f, const char *s, size_t n)
{
	for (size_t i = 0; i < f->nchoices; i++)
		if (strlen(f->choice[i].id) == n &&
		    memcmp(f->choice[i].id, s, n) == 0)
			return true;
	return false;
}

/* One or more of the field's values, comma between, none twice. */
static bool
choices(const struct rsg_fielddef *f, const char *s, size_t n)
{
	const char *end = s + n, *comma, *seen, *next;
	size_t len, m;

	for (const char *at = s; at <= end; at += len + 1) {
		comma = memchr(at, ',', (size_t)(end - at));
		len = (size_t)((comma != NULL ? comma : end) - at);
		if (!is_choice(f, at, len))
			return false;
		for (seen = s; seen < at; seen = next + 1) {
			next = memchr(seen, ',', (size_t)(end - seen));
			m = (size_t)(next - seen);
			if (m == len && memcmp(seen, at, m) == 0)
				return false;
		}
	}
	return true;
}

/* Spain: eight digits, or X, Y, Z and seven, with the check letter. */
static bool
nif(const char *s, size_t n)
{
	static const char letter[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	uint32_t v = 0;
	size_t i = 0;

	if (n != 9 || !capital(s[8]))
		return false;
	if (s[0] >= 'X' && s[0] <= 'Z')
		v = (uint32_t)(s[i++] - 'X');
	if (!digits(s + i, 8 - i))
		return false;
	for (; i < 8; i++)
		v = v * 10 + (uint32_t)(s[i] - '0');
	return letter[v % 23] == s[8];
}

/* Mexico: three or four letters, a date, three more. */
static bool
rfc(const char *s, size_t n)
{
	char date[] = "20YY-MM-DD";
	size_t at = 0, letters = 0;
	int64_t day;

	while (at < n && !digit(s[at])) {
		if ((uint8_t)s[at] == 0xc3 && at + 1 < n &&
		    (uint8_t)s[at + 1] == 0x91)
			at++;
		else if (!capital(s[at]) && s[at] != '&')
			return false;
		at++;
		letters++;
	}
	if ((letters != 3 && letters != 4) || n - at != 9 ||
	    !digits(s + at, 6) || !all_of(s + at + 6, 3, ""))
		return false;
	memcpy(date + 2, s + at, 2);
	memcpy(date + 5, s + at + 2, 2);
	memcpy(date + 8, s + at + 4, 2);
	return rsg_clock_parse_day(date, 10, &day);
}

static bool
tax_id(const struct rsg_fielddef *f, const char *s, size_t n)
{
	(void)f;
	return nif(s, n) || rfc(s, n);
}

/* "21:00-09:00": from when until when. */
static bool
hours(const struct rsg_fielddef *f, const char *s, size_t n)
{
	unsigned from, to;

	(void)f;
	return n == 11 && s[5] == '-' && rsg_policy_minutes(s, 5, &from) &&
	    rsg_policy_minutes(s + 6, 5, &to) && from != to;
}

/* "3/week": how many messages at most. */
static bool
limit(const struct rsg_fielddef *f, const char *s, size_t n)
{
	uint32_t most, days;

	(void)f;
	return rsg_policy_limit(s, n, &most, &days);
}

static const struct rsg__validator validators[] = {
	{ "text",	true,	false,	any_text },
	{ "name",	true,	false,	name },
	{ "email",	false,	false,	email },
	{ "phone",	false,	false,	phone },
	{ "card",	false,	false,	card },
	{ "identifier",	false,	false,	identifier },
	{ "date_past",	true,	false,	date_past },
	{ "postal_code", true,	false,	postal_code },
	{ "country",	true,	false,	country },
	{ "subdivision", true,	false,	subdivision },
	{ "language",	true,	false,	language },
	{ "count",	true,	false,	count },
	{ "hours",	true,	false,	hours },
	{ "limit",	true,	false,	limit },
	{ "handle",	false,	false,	handle },
	{ "choice",	true,	true,	is_choice },
	{ "choices",	true,	true,	choices },
	{ "tax_id",	false,	false,	tax_id },
};
#define N	(sizeof(validators) / sizeof(validators[0]))

const struct rsg__validator *
rsg__validator_at(size_t i)
{
	return i < N ? &validators[i] : NULL;
}

const struct rsg__validator *
rsg__validator_find(const char *s)
{
	for (size_t i = 0; i < N; i++)
		if (strcmp(validators[i].name, s) == 0)
			return &validators[i];
	return NULL;
}
