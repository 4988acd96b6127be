#include "cli/receiptshow.h"

#include <string.h>

#define RECORD		"dpv:hasRecordOfActivity"
#define PROCESS		"dpv:hasProcess"
#define EVENT		"dpv:hasConsentStatus"

/* A member below members; NULL where there is none. */
static const struct rsg_json *
at(const struct rsg_json *v, const char *a, const char *b, const char *c)
{
	v = a == NULL ? v : rsg_json_get(v, a);
	v = b == NULL ? v : rsg_json_get(v, b);
	return c == NULL ? v : rsg_json_get(v, c);
}

/* Who made the file could have put anything in it: nothing moves the cursor. */
static void
show_text(FILE *out, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		fputc(*p < 0x20 || *p == 0x7f || c1 ? '?' : *p, out);
		p += c1;
	}
}

static void
show_value(FILE *out, const struct rsg_json *v)
{
	const struct rsg_json *one;

	switch (rsg_json_type(v)) {
	case RSG_JSON_STRING:
		show_text(out, rsg_json_string(v, NULL));
		return;
	case RSG_JSON_INT:
		fprintf(out, "%lld", (long long)rsg_json_int(v));
		return;
	case RSG_JSON_BOOL:
		fprintf(out, "%s", rsg_json_bool(v) ? "yes" : "no");
		return;
	case RSG_JSON_OBJECT:
		if ((one = rsg_json_get(v, "dct:title")) == NULL &&
		    (one = rsg_json_get(v, "schema:name")) == NULL &&
		    (one = rsg_json_get(v, "dct:description")) == NULL)
			one = rsg_json_get(v, "@id");
		if (rsg_json_type(one) == RSG_JSON_STRING)
			show_text(out, rsg_json_string(one, NULL));
		return;
	case RSG_JSON_ARRAY:
		for (size_t i = 0; i < rsg_json_size(v); i++) {
			if (i > 0)
				fprintf(out, ", ");
			if (rsg_json_type(rsg_json_at(v, i)) != RSG_JSON_ARRAY)
				show_value(out, rsg_json_at(v, i));
		}
		return;
	default:
		return;
	}
}

static bool
is_text(const struct rsg_json *v, const char *s)
{
	const char *own = rsg_json_string(v, NULL);

	return own != NULL && strcmp(own, s) == 0;
}

static void
line(FILE *out, const char *what, const struct rsg_json *v)
{
	if (v == NULL)
		return;
	fprintf(out, "  %-16s", what);
	if (is_text(rsg_json_get(v, "@id"), "dpv:NotAvailable"))
		fprintf(out, "(was not said)");
	else
		show_value(out, v);
	fputc('\n', out);
}

/* A yes that is none yet, or that never was one, must not look like one. */
static void
show_code(FILE *out, const struct rsg_json *confirmation)
{
	static const char *const states[][2] = {
		{ "awaited", "not in force until its code is typed, by " },
		{ "lapsed", "never in force: its code was not typed by " },
		{ "answered", "superseded by a later answer; its code worked until " },
	};
	const struct rsg_json *state = rsg_json_get(confirmation, "resguardo:state");

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (is_text(state, states[i][0])) {
			fprintf(out, "  %-16s%s", "", states[i][1]);
			show_value(out, rsg_json_get(confirmation, "resguardo:codeUntil"));
			fputc('\n', out);
		}
}

/* Each on a line: what it is, and how it stood when the receipt was made. */
static void
show_given(FILE *out, const struct rsg_json *process)
{
	const struct rsg_json *all = rsg_json_get(process, "dpv:hasConsequence"),
	    *more = rsg_json_get(process, "resguardo:benefitsNotShown");

	for (size_t i = 0; i < rsg_json_size(all); i++) {
		const struct rsg_json *one = rsg_json_at(all, i);

		fprintf(out, "  %-16s", i == 0 ? "in return" : "");
		show_value(out, one);
		fprintf(out, " (");
		show_value(out, rsg_json_get(one, "resguardo:state"));
		fprintf(out, ")\n");
	}
	if (rsg_json_type(more) == RSG_JSON_INT)
		fprintf(out, "  %-16sand %lld older\n", "", (long long)rsg_json_int(more));
}

void
rsg_receipt_show(FILE *out, const struct rsg_json *root)
{
	const struct rsg_json *record = rsg_json_get(root, RECORD), *parties =
	    rsg_json_get(record, "dpv:hasEntity"), *event = rsg_json_get(record, EVENT),
	    *process = rsg_json_get(record, PROCESS);

	line(out, "receipt", at(root, "dct:identifier", NULL, NULL));
	line(out, "made", at(root, "dct:created", NULL, NULL));
	for (size_t i = 0; i < rsg_json_size(parties); i++) {
		const struct rsg_json *p = rsg_json_at(parties, i);

		if (rsg_json_get(p, "schema:address") == NULL) {
			line(out, "authority", rsg_json_get(p, "schema:name"));
			continue;
		}
		line(out, "who asks", rsg_json_get(p, "schema:name"));
		line(out, "address", rsg_json_get(p, "schema:address"));
		line(out, "contact", rsg_json_get(p, "schema:contactPoint"));
		line(out, "e-mail", rsg_json_get(p, "schema:email"));
	}
	line(out, "person", at(record, "dpv:hasDataSubject", "@id", NULL));
	line(out, "what for", rsg_json_get(process, "dpv:hasPurpose"));
	line(out, "channel", rsg_json_get(process, "resguardo:channel"));
	line(out, "answer", rsg_json_get(event, "resguardo:status"));
	show_code(out, rsg_json_get(event, "resguardo:confirmation"));
	line(out, "confirmed", rsg_json_get(event, "resguardo:confirmedAt"));
	line(out, "changed since", rsg_json_get(event, "resguardo:answeredSince"));
	line(out, "noted without", rsg_json_get(event, "resguardo:lacking"));
	line(out, "when", rsg_json_get(event, "dpv:isIndicatedAtTime"));
	line(out, "noted", rsg_json_get(event, "resguardo:recordedAt"));
	line(out, "how", rsg_json_get(event, "dpv:hasIndicationMethod"));
	line(out, "holds until", at(event, "dpv:hasDuration", "dct:valid", NULL));
	line(out, "notice", at(record, "dpv:hasNotice", "dct:identifier", NULL));
	line(out, "its SHA-256", at(record, "dpv:hasNotice", "resguardo:sha256", NULL));
	line(out, "data", rsg_json_get(process, "dpv:hasPersonalData"));
	line(out, "may be given to", rsg_json_get(process, "dpv:hasRecipient"));
	show_given(out, process);
	line(out, "withdraw at", at(record, "dpv:hasConsentControl", "dpv:isExercisedAt", NULL));
	line(out, "place in chain", at(record, "resguardo:chain", "resguardo:sequence", NULL));
	line(out, "its hash", at(record, "resguardo:chain", "resguardo:sha256", NULL));
}
