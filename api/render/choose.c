#include <string.h>
#include <strings.h>

#include "render/render.h"

static const char *const types[RSG_FORMAT__MAX] = {
	[RSG_FORMAT_JSON] = "application/json",
	[RSG_FORMAT_LINES] = "application/x-ndjson",
	[RSG_FORMAT_CSV] = "text/csv; charset=utf-8; header=present",
	[RSG_FORMAT_PROBLEM] = "application/problem+json",
	[RSG_FORMAT_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[RSG_FORMAT_HTML] = "text/html; charset=utf-8",
	[RSG_FORMAT_PROOF] = "text/plain; charset=utf-8",
};

/* What may be asked for, as ranges too; the first that fits counts. */
static const struct {
	const char *range;
	enum rsg_format format;
} accepted[] = {
	{ "application/json", RSG_FORMAT_JSON },
	{ "application/x-ndjson", RSG_FORMAT_LINES },
	{ "application/ndjson", RSG_FORMAT_LINES },
	{ "text/csv", RSG_FORMAT_CSV },
	{ "text/html", RSG_FORMAT_HTML },
	{ "text/plain", RSG_FORMAT_PROOF },
	{ "application/*", RSG_FORMAT_JSON },
	{ "text/*", RSG_FORMAT_CSV },
	{ "text/*", RSG_FORMAT_HTML },
	{ "text/*", RSG_FORMAT_PROOF },
	{ "*/*", RSG_FORMAT_JSON },
};

/* One element of a comma list, its weight in thousandths taken off. */
struct choice {
	const char *name;
	size_t len;
	int weight;
};

const char *
rsg_render_type(enum rsg_format f)
{
	return types[f];
}

enum rsg_format
rsg_render_format(const char *s, size_t n)
{
	static const char *const names[] = { [RSG_FORMAT_JSON] = "json",
	    [RSG_FORMAT_LINES] = "ndjson", [RSG_FORMAT_CSV] = "csv" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == n && memcmp(names[i], s, n) == 0)
			return (enum rsg_format)i;
	return RSG_FORMAT__MAX;
}

/* "q=0.25" is 250; anything else after ';' leaves the weight alone. */
static int
weight(const char *s, size_t n)
{
	int w = 0, scale = 1000;

	while (n > 0 && (*s == ' ' || *s == '\t' || *s == ';'))
		s++, n--;
	if (n < 3 || (s[0] | 0x20) != 'q' || s[1] != '=')
		return 1000;
	for (s += 2, n -= 2; n > 0; s++, n--) {
		if (*s >= '0' && *s <= '9') {
			w += (*s - '0') * scale;
			scale /= 10;
		} else if (*s != '.')
			break;
	}
	return w > 1000 ? 1000 : w;
}

static bool
next_choice(const char **at, struct choice *c)
{
	const char *s = *at, *end, *semi;

	s += strspn(s, " \t,");
	if (*s == '\0')
		return false;
	end = s + strcspn(s, ",");
	semi = memchr(s, ';', (size_t)(end - s));
	c->weight = semi != NULL ? weight(semi, (size_t)(end - semi)) : 1000;
	if (semi == NULL)
		semi = end;
	while (semi > s && (semi[-1] == ' ' || semi[-1] == '\t'))
		semi--;
	c->name = s;
	c->len = (size_t)(semi - s);
	*at = end;
	return true;
}

/* What has to be offered for a format to be given. */
static unsigned
needs(enum rsg_format f)
{
	switch (f) {
	case RSG_FORMAT_JSON:
		return 0;
	case RSG_FORMAT_HTML:
		return RSG_OFFER_PAGE;
	case RSG_FORMAT_PROOF:
		return RSG_OFFER_PROOF;
	default:
		return RSG_OFFER_LISTS;
	}
}

static enum rsg_format
format_of(const struct choice *c, unsigned offers)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
		unsigned must = needs(accepted[i].format);

		if ((offers & must) != must)
			continue;
		if (strlen(accepted[i].range) == c->len &&
		    strncasecmp(accepted[i].range, c->name, c->len) == 0)
			return accepted[i].format;
	}
	return RSG_FORMAT__MAX;
}

enum rsg_format
rsg_render_accept(const char *accept, unsigned offers)
{
	enum rsg_format best = RSG_FORMAT__MAX, f;
	struct choice c;
	int most = 0;

	if (accept == NULL || *accept == '\0')
		return RSG_FORMAT_JSON;
	while (next_choice(&accept, &c)) {
		f = format_of(&c, offers);
		if (f == RSG_FORMAT__MAX || c.weight <= most)
			continue;
		best = f;
		most = c.weight;
	}
	return best;
}

enum rsg_lang
rsg_render_language(const char *accept)
{
	enum rsg_lang best = RSG_LANG_EN;
	struct choice c;
	int most = 0;
	bool es, en;

	while (accept != NULL && next_choice(&accept, &c)) {
		es = c.len >= 2 && strncasecmp(c.name, "es", 2) == 0;
		en = c.len >= 2 && strncasecmp(c.name, "en", 2) == 0;
		if (c.len > 2 && c.name[2] != '-')
			continue;
		if ((es || en) && c.weight > most) {
			best = es ? RSG_LANG_ES : RSG_LANG_EN;
			most = c.weight;
		}
	}
	return best;
}
