#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/mapping.h"
#include "cli/tell.h"
#include "resguardo/msg.h"

#define MAPPING_MAX	(256 * 1024)

static const char *const names[RSG_MAPS__MAX] = {
	[RSG_MAPS_CUSTOMERS] = "customers", [RSG_MAPS_EVENTS] = "events",
	[RSG_MAPS_CONSENTS] = "consents", [RSG_MAPS_BENEFITS] = "benefits",
};

static const struct rsg_linemember consents_form[] = {
	{ RSG_F_RECORD, true }, { RSG_F_PURPOSE, true }, { RSG_F_DECISION, true },
	{ RSG_F_TIME, true }, { RSG_F_EVIDENCE, false }, { RSG_F_CHANNEL, false },
	{ RSG_F_NOTICE, false }, { RSG_F_NOTICE_VERSION, false },
	{ RSG_F_LANGUAGE, false }, { RSG_F_SHOWN, false }, { RSG_F_METHOD, false },
	{ RSG_F_SOURCE, false }, { RSG_F_WORDS, false }, { RSG_F_FORM, false },
	{ RSG_F_TAKEN_AT, false }, { RSG_F_DOUBLE_OPT_IN, false },
	{ RSG_F_CONFIRMED, false }, { RSG_F_SPOKE, false }, { RSG_F_RELATION, false },
	{ RSG_F_ATTACHMENT, false }, { RSG_F_MEDIA_TYPE, false },
};
static const struct rsg_linemember benefits_form[] = {
	{ RSG_F_RECORD, true }, { RSG_F_INCENTIVE, true },
	{ RSG_F_INCENTIVE_VERSION, false }, { RSG_F_PROMISED_AT, false },
	{ RSG_F_DELIVERED_AT, false }, { RSG_F_REDEEMED_AT, false },
	{ RSG_F_EXPIRED_AT, false }, { RSG_F_REVERSED_AT, false },
	{ RSG_F_CAUSE, false }, { RSG_F_POINTS, false }, { RSG_F_UNTIL, false },
	{ RSG_F_CODE, false }, { RSG_F_DOCUMENT, false },
};
#define FORM(group, list)	{ group, list, sizeof(list) / sizeof(list[0]) }
static const struct rsg_lineform lineforms[RSG_MAPS__MAX] = {
	[RSG_MAPS_CONSENTS] = FORM(RSG_F_OLD_CONSENTS, consents_form),
	[RSG_MAPS_BENEFITS] = FORM(RSG_F_OLD_BENEFITS, benefits_form),
};

const char *
rsg_mapping_name(enum rsg_mapping_what what)
{
	return names[what];
}

const struct rsg_cell *
rsg_mapping_cell(const struct rsg_mapping *m, enum rsg_field field)
{
	const struct rsg_lineform *form = &lineforms[m->what];

	for (size_t i = 0; i < form->n; i++)
		if (form->member[i].field == field && (m->member[i].column != NULL ||
		    m->member[i].constant != NULL))
			return &m->member[i];
	return NULL;
}

const struct rsg_lineform *
rsg_mapping_form(enum rsg_mapping_what what)
{
	return &lineforms[what];
}

/* While a mapping is read; `e` sticks at the first fault, which is told. */
struct load {
	struct rsg_mapping *m;
	const char *path;
	const char *zone;		/* the C library knows one at a time */
	enum rsg_err e;
};

static void __attribute__((format(printf, 2, 3)))
fault(struct load *l, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (l->e != RSG_OK)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	rsg_tell_error("%s: %s", l->path, text);
	l->e = RSG_CONFIG;
}

/* A misspelt member must not be passed over. `known` is blank-separated. */
static void
only(struct load *l, const struct rsg_json *object, const char *where,
    const char *known)
{
	const struct rsg_json *value;
	const char *name, *p;
	void *iter = NULL;
	size_t len;

	if (rsg_json_type(object) != RSG_JSON_OBJECT) {
		fault(l, "%s must be an object", where);
		return;
	}
	while (rsg_json_next(object, &iter, &name, &value)) {
		len = strlen(name);
		for (p = known; *p != '\0'; p += strcspn(p, " "), p += *p == ' ')
			if (strncmp(p, name, len) == 0 &&
			    (p[len] == ' ' || p[len] == '\0'))
				break;
		if (*p == '\0')
			fault(l, "%s has a member that is not known: \"%s\"",
			    where, name);
	}
}

static const char *
text(struct load *l, const struct rsg_json *object, const char *name,
    const char *absent)
{
	const struct rsg_json *v = rsg_json_get(object, name);
	const char *s;

	if (v == NULL)
		return absent;
	s = rsg_json_string(v, NULL);
	if (rsg_json_type(v) != RSG_JSON_STRING || *s == '\0') {
		fault(l, "\"%s\" must be a text", name);
		return absent;
	}
	return s;
}

static bool
flag(struct load *l, const struct rsg_json *object, const char *name)
{
	const struct rsg_json *v = rsg_json_get(object, name);

	if (v != NULL && rsg_json_type(v) != RSG_JSON_BOOL)
		fault(l, "\"%s\" must be true or false", name);
	return v != NULL && rsg_json_bool(v);
}

/* One character, such as a delimiter. */
static char
character(struct load *l, const char *name, char absent)
{
	const char *s = text(l, l->m->root, name, NULL);

	if (s == NULL)
		return absent;
	if (strlen(s) != 1 || *s == '"' || *s == '\n' || *s == '\r')
		fault(l, "\"%s\" must be one character", name);
	return *s;
}

static void
use(struct load *l, struct rsg_cell *c, const char *column)
{
	c->column = column;
	c->at = -1;
	if (l->m->nused == RSG_RECORD_CELLS)
		fault(l, "too many columns are used");
	else
		l->m->used[l->m->nused++] = c;
}

/* "Column", or {"column": .., "values": {..}}, or {"constant": ".."}. */
static void
cell_of(struct load *l, const struct rsg_json *v, const char *name,
    struct rsg_cell *c)
{
	const char *column;

	if (v == NULL)
		return;
	if (rsg_json_type(v) == RSG_JSON_STRING) {
		use(l, c, rsg_json_string(v, NULL));
		return;
	}
	only(l, v, name, "column constant values");
	column = text(l, v, "column", NULL);
	c->constant = text(l, v, "constant", NULL);
	c->values = rsg_json_get(v, "values");
	if ((column == NULL) == (c->constant == NULL))
		fault(l, "\"%s\" needs a column or a constant", name);
	if (c->values != NULL && rsg_json_type(c->values) != RSG_JSON_OBJECT)
		fault(l, "\"values\" of \"%s\" must be an object", name);
	if (column != NULL)
		use(l, c, column);
}

static void
cell(struct load *l, const char *name, struct rsg_cell *c)
{
	cell_of(l, rsg_json_get(l->m->root, name), name, c);
}

static void
moment(struct load *l, const struct rsg_json *v, const char *name,
    struct rsg_moment *m)
{
	static const char *const forms[] = { [RSG_WHEN_DATE] = "date",
	    [RSG_WHEN_DATETIME] = "datetime", [RSG_WHEN_RFC3339] = "rfc3339" };
	const char *form, *zone;
	size_t i;

	if (v == NULL)
		return;
	only(l, v, name, "column constant format zone");
	form = text(l, v, "format", "rfc3339");
	for (i = 0; i < 3 && strcmp(form, forms[i]) != 0; i++)
		;
	if (i == 3) {
		fault(l, "the format of \"%s\" is date, datetime or rfc3339", name);
		return;
	}
	m->form = (enum rsg_when)i;
	zone = text(l, v, "zone", NULL);
	if (m->form != RSG_WHEN_RFC3339 && zone == NULL)
		fault(l, "\"%s\" needs a zone, such as \"Europe/Madrid\"", name);
	if (zone != NULL && l->zone != NULL && strcmp(zone, l->zone) != 0)
		fault(l, "a file has one zone: \"%s\" or \"%s\"", l->zone, zone);
	else if (zone != NULL && !rsg_when_zone(zone))
		fault(l, "there is no time zone \"%s\" on this machine", zone);
	else if (zone != NULL)
		l->zone = zone;
	m->cell.constant = text(l, v, "constant", NULL);
	if (m->cell.constant == NULL) {
		if (text(l, v, "column", NULL) == NULL)
			fault(l, "\"%s\" needs a column", name);
		else
			use(l, &m->cell, text(l, v, "column", NULL));
	}
}

static void
rules(struct load *l, const struct rsg_json *list)
{
	const struct rsg_json *v;
	struct rsg_rule *r;

	if (list != NULL && rsg_json_size(list) > RSG_MAPPING_RULES)
		fault(l, "more than %d rules", RSG_MAPPING_RULES);
	for (size_t i = 0; l->e == RSG_OK && list != NULL && i < rsg_json_size(list);
	    i++) {
		v = rsg_json_at(list, i);
		only(l, v, "a rule", "prefix equals kind reject negate");
		r = &l->m->rule[l->m->nrules++];
		r->prefix = text(l, v, "prefix", NULL);
		r->equals = text(l, v, "equals", NULL);
		r->kind = text(l, v, "kind", NULL);
		r->reject = text(l, v, "reject", NULL);
		r->negate = flag(l, v, "negate");
		if ((r->prefix == NULL) == (r->equals == NULL))
			fault(l, "a rule needs \"prefix\" or \"equals\"");
		if ((r->kind == NULL) == (r->reject == NULL))
			fault(l, "a rule needs \"kind\" or \"reject\"");
	}
}

/* "purchase", or rules over a column. */
static void
kind(struct load *l)
{
	const struct rsg_json *v = rsg_json_get(l->m->root, "kind");

	if (v == NULL) {
		fault(l, "\"kind\" is missing: what the lines are, such as \"purchase\"");
		return;
	}
	if (rsg_json_type(v) == RSG_JSON_STRING) {
		l->m->kind = rsg_json_string(v, NULL);
		return;
	}
	only(l, v, "\"kind\"", "column rules else");
	cell_of(l, rsg_json_get(v, "column"), "kind", &l->m->kind_cell);
	if (l->m->kind_cell.column == NULL)
		fault(l, "\"kind\" needs a column");
	rules(l, rsg_json_get(v, "rules"));
	l->m->kind = text(l, v, "else", NULL);
}

static void
amount(struct load *l)
{
	const struct rsg_json *v = rsg_json_get(l->m->root, "amount"), *list;

	if (v == NULL)
		return;
	l->m->nfactors = 1;
	if (rsg_json_type(v) == RSG_JSON_STRING) {
		cell_of(l, v, "amount", &l->m->factor[0]);
		return;
	}
	only(l, v, "\"amount\"", "product");
	list = rsg_json_get(v, "product");
	if (list == NULL || rsg_json_type(list) != RSG_JSON_ARRAY ||
	    rsg_json_size(list) < 1 || rsg_json_size(list) > 2) {
		fault(l, "the product in \"amount\" is of one or two columns");
		return;
	}
	l->m->nfactors = rsg_json_size(list);
	for (size_t i = 0; i < l->m->nfactors; i++)
		cell_of(l, rsg_json_at(list, i), "amount", &l->m->factor[i]);
}

static void
person(struct load *l)
{
	struct rsg_mapping *m = l->m;
	const struct rsg_json *v = rsg_json_get(m->root, "person");

	if (v == NULL) {
		fault(l, "\"person\" is missing: {\"field\": .., \"column\": ..}");
		return;
	}
	only(l, v, "\"person\"", "field column");
	m->person_field = text(l, v, "field", NULL);
	cell_of(l, rsg_json_get(v, "column"), "person", &m->person);
	if (m->person_field == NULL || m->person.column == NULL)
		fault(l, "\"person\" needs a field and a column");
}

static void
load_events(struct load *l)
{
	struct rsg_mapping *m = l->m;

	only(l, m->root, "the file", "title what format delimiter decimal columns "
	    "origin person create_people kind time amount currency document item "
	    "store category payment channel quantity cost");
	person(l);
	m->create_people = flag(l, m->root, "create_people");
	kind(l);
	if (rsg_json_get(m->root, "time") == NULL)
		fault(l, "\"time\" is missing");
	moment(l, rsg_json_get(m->root, "time"), "time", &m->time);
	amount(l);
	m->currency = text(l, m->root, "currency", NULL);
	if (m->nfactors > 0 && (m->currency == NULL || strlen(m->currency) != 3))
		fault(l, "\"currency\" has three letters, such as \"EUR\"");
	cell(l, "document", &m->document);
	cell(l, "item", &m->item);
	cell(l, "store", &m->store);
	cell(l, "category", &m->category);
	cell(l, "payment", &m->payment);
	cell(l, "channel", &m->channel);
	cell(l, "quantity", &m->quantity);
	cell(l, "cost", &m->cost);
}

static void
consents(struct load *l)
{
	const struct rsg_json *list = rsg_json_get(l->m->root, "consents"), *v;
	struct rsg_mapped_consent *c;

	if (list != NULL && (rsg_json_type(list) != RSG_JSON_ARRAY ||
	    rsg_json_size(list) > RSG_MAPPING_CONSENTS))
		fault(l, "\"consents\" is a list of at most %d", RSG_MAPPING_CONSENTS);
	for (size_t i = 0; l->e == RSG_OK && list != NULL && i < rsg_json_size(list);
	    i++) {
		v = rsg_json_at(list, i);
		only(l, v, "a consent", "purpose channel notice notice_version language "
		    "method evidence column give refuse withdraw time");
		c = &l->m->consent[l->m->nconsents++];
		c->purpose = text(l, v, "purpose", NULL);
		c->channel = text(l, v, "channel", NULL);
		c->notice = text(l, v, "notice", NULL);
		c->notice_version = rsg_json_int(rsg_json_get(v, "notice_version"));
		c->language = text(l, v, "language", NULL);
		c->evidence = text(l, v, "evidence", NULL);
		c->method = text(l, v, "method", NULL);
		cell_of(l, rsg_json_get(v, "column"), "column", &c->cell);
		c->give = rsg_json_get(v, "give");
		c->refuse = rsg_json_get(v, "refuse");
		c->withdraw = rsg_json_get(v, "withdraw");
		moment(l, rsg_json_get(v, "time"), "time", &c->time);
		/* Consent is what a cell says, never what a file assumes. */
		if (c->purpose == NULL || c->cell.column == NULL)
			fault(l, "a consent needs a purpose and a column");
	}
}

static void
load_customers(struct load *l)
{
	struct rsg_mapping *m = l->m;
	const struct rsg_json *fields = rsg_json_get(m->root, "fields"), *value;
	const char *name;
	void *iter = NULL;

	only(l, m->root, "the file", "title what format delimiter decimal columns "
	    "origin person fields jurisdiction language source collected consents");
	m->person_field = text(l, m->root, "person", NULL);
	if (m->person_field == NULL)
		fault(l, "\"person\" names the field that tells a line's person");
	if (fields == NULL || rsg_json_type(fields) != RSG_JSON_OBJECT ||
	    rsg_json_size(fields) > RSG_MAPPING_FIELDS) {
		fault(l, "\"fields\" is an object: field of the policy -> column");
		return;
	}
	while (l->e == RSG_OK && rsg_json_next(fields, &iter, &name, &value)) {
		m->field[m->nfields].field = name;
		cell_of(l, value, name, &m->field[m->nfields++].cell);
		if (m->person_field != NULL && strcmp(name, m->person_field) == 0)
			m->person = m->field[m->nfields - 1].cell;
	}
	if (m->person.column == NULL)
		fault(l, "the field in \"person\" must stand in \"fields\"");
	cell(l, "jurisdiction", &m->jurisdiction);
	cell(l, "language", &m->language);
	cell(l, "source", &m->source);
	moment(l, rsg_json_get(m->root, "collected"), "collected", &m->collected);
	consents(l);
}

/* Consents and benefits: a member for each field of the line. */
static void
load_line(struct load *l)
{
	struct rsg_mapping *m = l->m;
	const struct rsg_lineform *form = &lineforms[m->what];
	char known[512] = "title what format delimiter columns origin person";
	bool benefits = m->what == RSG_MAPS_BENEFITS;
	size_t len = strlen(known);

	for (size_t i = 0; i < form->n; i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, " %s",
		    rsg_msg_field(form->member[i].field)->json);
	(void)snprintf(known + len, sizeof(known) - len, "%s", benefits ? " state time" : "");
	only(l, m->root, "the file", known);
	person(l);
	for (size_t i = 0; i < form->n && l->e == RSG_OK; i++) {
		const struct rsg_fieldinfo *f = rsg_msg_field(form->member[i].field);
		const struct rsg_json *v = rsg_json_get(m->root, f->json);

		if (v == NULL && form->member[i].needed)
			fault(l, "\"%s\" is missing", f->json);
		else if (f->type == RSG_T_TIME)
			moment(l, v, f->json, &m->moment[i]);
		else
			cell_of(l, v, f->json, &m->member[i]);
		/* Consent is what a cell says, never what a file assumes. */
		if (form->member[i].field == RSG_F_DECISION &&
		    m->member[i].column == NULL)
			fault(l, "\"decision\" needs a column: nobody is taken to have "
			    "agreed");
	}
	if (!benefits)
		return;
	cell(l, "state", &m->state);
	moment(l, rsg_json_get(m->root, "time"), "time", &m->time);
	if ((m->state.column == NULL) != (m->time.cell.column == NULL))
		fault(l, "\"state\" and \"time\" go together");
}

static void
load_common(struct load *l)
{
	struct rsg_mapping *m = l->m;
	const struct rsg_json *columns = rsg_json_get(m->root, "columns");
	const char *what = text(l, m->root, "what", ""), *format;

	while (m->what < RSG_MAPS__MAX && strcmp(what, names[m->what]) != 0)
		m->what++;
	if (m->what == RSG_MAPS__MAX)
		fault(l, "\"what\" is \"customers\", \"events\", \"consents\" or "
		    "\"benefits\"");
	format = text(l, m->root, "format", "csv");
	if (strcmp(format, "ndjson") == 0)
		m->format = RSG_FORMAT_NDJSON;
	else if (strcmp(format, "csv") != 0)
		fault(l, "\"format\" is \"csv\" or \"ndjson\"");
	m->delimiter = character(l, "delimiter", ',');
	m->decimal = character(l, "decimal", '.');
	m->origin = text(l, m->root, "origin", NULL);
	if (columns == NULL)
		return;
	if (rsg_json_type(columns) != RSG_JSON_ARRAY ||
	    rsg_json_size(columns) > RSG_RECORD_CELLS)
		fault(l, "\"columns\" is a list of names");
	for (size_t i = 0; l->e == RSG_OK && i < rsg_json_size(columns); i++)
		m->name[m->nnames++] = rsg_json_string(rsg_json_at(columns, i), NULL);
}

enum rsg_err
rsg_mapping_parse(const char *path, const void *p, size_t len,
    struct rsg_mapping **out)
{
	struct rsg_json_fault at;
	struct load l = { NULL, path, NULL, RSG_OK };

	*out = NULL;
	if ((l.m = calloc(1, sizeof(*l.m))) == NULL)
		return RSG_NO_MEMORY;
	if (rsg_json_parse(p, len, &l.m->root, &at) != RSG_OK) {
		fault(&l, "line %d, column %d: %s", at.line, at.column, at.what);
	} else if (rsg_json_type(l.m->root) != RSG_JSON_OBJECT) {
		fault(&l, "a mapping is an object");
	} else {
		load_common(&l);
		if (l.e == RSG_OK)
			(l.m->what == RSG_MAPS_EVENTS ? load_events :
			    l.m->what == RSG_MAPS_CUSTOMERS ? load_customers :
			    load_line)(&l);
	}
	if (l.e != RSG_OK)
		rsg_mapping_free(l.m);
	else
		*out = l.m;
	return l.e;
}

enum rsg_err
rsg_mapping_load(const char *path, struct rsg_mapping **out)
{
	char *bytes = malloc(MAPPING_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;
	enum rsg_err e;
	int fd;

	*out = NULL;
	if (bytes == NULL)
		return RSG_NO_MEMORY;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		rsg_tell_errno("cannot read %s", path);
		free(bytes);
		return RSG_IO;
	}
	while (n > 0 && len <= MAPPING_MAX)
		if ((n = read(fd, bytes + len, MAPPING_MAX + 1 - len)) > 0)
			len += (size_t)n;
	close(fd);
	if (n < 0 || len > MAPPING_MAX) {
		rsg_tell_error("%s: not a mapping (too large, or not a file)", path);
		free(bytes);
		return RSG_IO;
	}
	e = rsg_mapping_parse(path, bytes, len, out);
	free(bytes);
	return e;
}

void
rsg_mapping_free(struct rsg_mapping *m)
{
	if (m == NULL)
		return;
	rsg_json_free(m->root);
	free(m);
}

/* In NDJSON the members that are looked for are the columns. */
static void
name_used(struct rsg_mapping *m)
{
	size_t j;

	for (size_t i = 0; i < m->nused; i++) {
		for (j = 0; j < m->nnames; j++)
			if (strcmp(m->name[j], m->used[i]->column) == 0)
				break;
		if (j == m->nnames && m->nnames < RSG_RECORD_CELLS)
			m->name[m->nnames++] = m->used[i]->column;
	}
}

enum rsg_err
rsg_mapping_reader(struct rsg_mapping *m, struct rsg_source *source,
    struct rsg_reader **out)
{
	enum rsg_err e;

	if (m->format == RSG_FORMAT_NDJSON)
		name_used(m);
	e = rsg_reader_open(source, m->format, m->delimiter, m->name, m->nnames, out);
	if (e != RSG_OK)
		return e;
	for (size_t i = 0; i < m->nused; i++) {
		m->used[i]->at = rsg_reader_column(*out, m->used[i]->column);
		if (m->used[i]->at >= 0)
			continue;
		rsg_tell_error("the file has no column \"%s\", which the mapping "
		    "uses", m->used[i]->column);
		rsg_reader_close(*out);
		*out = NULL;
		return RSG_CONFIG;
	}
	return RSG_OK;
}
