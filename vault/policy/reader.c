/*
 * reader.c - objects read by shape, with every fault told in full.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/reader.h"

void
rsg__fault(struct rsg__reader *r, const char *member, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	bool top;

	r->nfaults++;
	if (r->nfaults > RSG__FAULTS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A name from the file may be anything; a fault is one line. */
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	/* "fields.json: retired: ..." but "fields.json: fields[3].id: ..." */
	top = r->place[strlen(r->place) - 1] == ':';
	rsg_buf_printf(r->faults, "%s%s%s%s %s\n", r->place,
	    member == NULL ? "" : top ? " " : ".", member == NULL ? "" : member,
	    member == NULL && top ? "" : ":", text);
}

size_t
rsg__enter(struct rsg__reader *r, const char *array, size_t i, const char *id)
{
	size_t mark = strlen(r->place);
	char index[24] = "";

	if (i != RSG__ALONE)
		snprintf(index, sizeof(index), "[%zu]", i);
	snprintf(r->place + mark, sizeof(r->place) - mark, "%s%s%s%s%.*s%s",
	    strchr(r->place, ' ') == NULL ? " " : ".", array, index,
	    id != NULL ? " (" : "", RSG_POLICY_NAME, id != NULL ? id : "",
	    id != NULL ? ")" : "");
	return mark;
}

void
rsg__leave(struct rsg__reader *r, size_t mark)
{
	r->place[mark] = '\0';
}

const char *
rsg__peek(const struct rsg_json *o, const char *member)
{
	const struct rsg_json *v;

	if (rsg_json_type(o) != RSG_JSON_OBJECT ||
	    (v = rsg_json_get(o, member)) == NULL ||
	    rsg_json_type(v) != RSG_JSON_STRING)
		return NULL;
	return rsg_json_string(v, NULL);
}

/* Some text, or a name that can stand in rules, logs and addresses. */
static bool
read_text(struct rsg__reader *r, const struct rsg__member *m,
    const struct rsg_json *v, const char **out)
{
	size_t len;
	const char *s;

	if (rsg_json_type(v) != RSG_JSON_STRING) {
		rsg__fault(r, m->name, "is not a text; write it in quotes");
		return false;
	}
	s = rsg_json_string(v, &len);
	if (len == 0) {
		rsg__fault(r, m->name, "is empty; write something");
		return false;
	}
	if (m->type == RSG__M_ID && (len >= RSG_POLICY_NAME ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_.-") != len)) {
		rsg__fault(r, m->name, "is not a name; use at most %d letters, "
		    "digits, '_', '.' and '-'", RSG_POLICY_NAME - 1);
		return false;
	}
	*out = s;
	return true;
}

/* A whole number within the member's limits, both included. */
static bool
read_int(struct rsg__reader *r, const struct rsg__member *m,
    const struct rsg_json *v, int64_t *out)
{
	int64_t i;

	if (rsg_json_type(v) != RSG_JSON_INT) {
		rsg__fault(r, m->name, "is not a whole number");
		return false;
	}
	i = rsg_json_int(v);
	if (i < m->min || i > m->max) {
		rsg__fault(r, m->name, "is out of range; write a number from "
		    "%lld to %lld", (long long)m->min, (long long)m->max);
		return false;
	}
	*out = i;
	return true;
}

/* What people read stands in each language, or nowhere. */
static bool
read_words(struct rsg__reader *r, const struct rsg__member *m,
    const struct rsg_json *v, const char **out)
{
	static const char *const lang[] = {
		[RSG_LANG_EN] = "en", [RSG_LANG_ES] = "es" };
	struct rsg__member text = { .type = RSG__M_TEXT };
	char name[RSG_POLICY_NAME + 4];
	const struct rsg_json *w;
	bool ok = true;

	if (rsg_json_type(v) != RSG_JSON_OBJECT) {
		rsg__fault(r, m->name, "is not an object; write "
		    "{\"en\": \"...\", \"es\": \"...\"}");
		return false;
	}
	if (rsg_json_size(v) > RSG_LANG__MAX) {
		rsg__fault(r, m->name, "has more than \"en\" and \"es\"; "
		    "remove the others");
		ok = false;
	}
	for (size_t i = 0; i < RSG_LANG__MAX; i++) {
		if ((w = rsg_json_get(v, lang[i])) == NULL) {
			rsg__fault(r, m->name, "lacks \"%s\"; add the text in "
			    "that language", lang[i]);
			ok = false;
			continue;
		}
		snprintf(name, sizeof(name), "%s.%s", m->name, lang[i]);
		text.name = name;
		if (!read_text(r, &text, w, &out[i]))
			ok = false;
	}
	return ok;
}

/* An array of texts, none twice; or one of objects. */
static bool
read_array(struct rsg__reader *r, const struct rsg__member *m,
    const struct rsg_json *v, const struct rsg_json **out)
{
	enum rsg_json_type want = m->type == RSG__M_LIST ? RSG_JSON_STRING :
	    RSG_JSON_OBJECT;
	size_t n;

	if (rsg_json_type(v) != RSG_JSON_ARRAY) {
		rsg__fault(r, m->name, "is not a list; write it in [ ]");
		return false;
	}
	n = rsg_json_size(v);
	if ((int64_t)n < m->min || (m->max != 0 && (int64_t)n > m->max)) {
		rsg__fault(r, m->name, "has %zu entries; at least %lld and at "
		    "most %lld are possible", n, (long long)m->min,
		    (long long)(m->max != 0 ? m->max : 9999));
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (rsg_json_type(rsg_json_at(v, i)) != want) {
			rsg__fault(r, m->name, "entry %zu is not %s", i,
			    want == RSG_JSON_STRING ? "a text" : "an object");
			return false;
		}
		for (size_t k = 0; want == RSG_JSON_STRING && k < i; k++)
			if (strcmp(rsg_json_string(rsg_json_at(v, i), NULL),
			    rsg_json_string(rsg_json_at(v, k), NULL)) == 0) {
				rsg__fault(r, m->name, "names \"%.64s\" twice; "
				    "remove one",
				    rsg_json_string(rsg_json_at(v, i), NULL));
				return false;
			}
	}
	*out = v;
	return true;
}

static bool
read_member(struct rsg__reader *r, const struct rsg__member *m,
    const struct rsg_json *v, void *out)
{
	char *at = (char *)out + m->offset;

	switch (m->type) {
	case RSG__M_TEXT:
	case RSG__M_ID:
		return read_text(r, m, v, (const char **)(void *)at);
	case RSG__M_INT:
		return read_int(r, m, v, (int64_t *)(void *)at);
	case RSG__M_WORDS:
		return read_words(r, m, v, (const char **)(void *)at);
	case RSG__M_LIST:
	case RSG__M_ARRAY:
		return read_array(r, m, v,
		    (const struct rsg_json **)(void *)at);
	case RSG__M_BOOL:
		if (rsg_json_type(v) != RSG_JSON_BOOL) {
			rsg__fault(r, m->name, "is neither true nor false");
			return false;
		}
		*(bool *)at = rsg_json_bool(v);
		return true;
	case RSG__M_OBJECT:
		if (rsg_json_type(v) != RSG_JSON_OBJECT) {
			rsg__fault(r, m->name, "is not an object; write it in { }");
			return false;
		}
		*(const struct rsg_json **)(void *)at = v;
		return true;
	case RSG__M_ANY:
		*(const struct rsg_json **)(void *)at = v;
		return true;
	}
	return false;
}

/* A member nobody reads is most often one misspelt: show the right ones. */
static void
unknown_member(struct rsg__reader *r, const char *name,
    const struct rsg__member *m, size_t n)
{
	char list[320];
	size_t len = 0;

	list[0] = '\0';
	for (size_t i = 0; i < n && len < sizeof(list) - 1; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
		    i > 0 ? ", " : "", m[i].name);
	rsg__fault(r, NULL, "has an unknown member \"%.64s\"; remove it, or "
	    "correct it to one of: %s", name, list);
}

bool
rsg__read(struct rsg__reader *r, const struct rsg_json *o,
    const struct rsg__member *m, size_t n, void *out)
{
	void *iter = NULL;
	const char *name;
	const struct rsg_json *v;
	size_t i;
	bool ok = true;

	if (rsg_json_type(o) != RSG_JSON_OBJECT) {
		rsg__fault(r, NULL, "is not an object; write it in { }");
		return false;
	}
	while (rsg_json_next(o, &iter, &name, &v)) {
		for (i = 0; i < n && strcmp(m[i].name, name) != 0; i++)
			;
		if (i < n)
			ok = read_member(r, &m[i], v, out) && ok;
		else if (strcmp(name, "$schema") != 0) {
			unknown_member(r, name, m, n);
			ok = false;
		}
	}
	for (i = 0; i < n; i++)
		if (m[i].required && rsg_json_get(o, m[i].name) == NULL) {
			rsg__fault(r, NULL, "lacks \"%s\"; add it", m[i].name);
			ok = false;
		}
	return ok;
}

int
rsg__one_of(struct rsg__reader *r, const char *member, const char *value,
    const char *const *names, size_t n)
{
	char list[400];
	size_t len = 0;
	int i;

	if ((i = rsg__name_find(names, n, value, strlen(value))) >= 0)
		return i;
	list[0] = '\0';
	for (size_t k = 0; k < n && len < sizeof(list) - 1; k++)
		if (names[k] != NULL)
			len += (size_t)snprintf(list + len, sizeof(list) - len,
			    "%s%s", len > 0 ? ", " : "", names[k]);
	rsg__fault(r, member, "\"%.64s\" is not known; use one of: %s", value,
	    list);
	return -1;
}

void
rsg__retired(struct rsg__reader *r, const struct rsg_json *list,
    uint8_t *numbers, int64_t max)
{
	const struct rsg_json *v;

	if (list == NULL)
		return;
	if (rsg_json_type(list) != RSG_JSON_ARRAY) {
		rsg__fault(r, "retired", "is not a list; write it in [ ]");
		return;
	}
	for (size_t i = 0; i < rsg_json_size(list); i++) {
		v = rsg_json_at(list, i);
		if (rsg_json_type(v) != RSG_JSON_INT || rsg_json_int(v) < 1 ||
		    rsg_json_int(v) > max)
			rsg__fault(r, "retired", "entry %zu is not a number "
			    "from 1 to %lld", i, (long long)max);
		else
			numbers[rsg_json_int(v)] = 2;
	}
}

bool
rsg__take(struct rsg__reader *r, uint8_t *numbers, int64_t number)
{
	if (numbers[number] != 0) {
		rsg__fault(r, "number", "%lld is %s; take a number that was "
		    "never used", (long long)number, numbers[number] == 2 ?
		    "retired" : "used above");
		return false;
	}
	numbers[number] = 1;
	return true;
}
