/*
 * policy_load.c - a policy is taken whole or not at all, and whoever wrote it
 * is told every fault: the file, the place, what is wrong.
 *
 * Each case changes one text in a small valid policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/policy_files.h"

struct change {
	const char *from, *to;		/* in the small policy */
	const char *fault;		/* what must be said */
};

static const struct change changes[] = {
	/* The frame */
	{ "\"format\": 1", "\"format\": 2",
	    "bundle: format: is out of range; write a number from 1 to 1" },
	{ "\"format\": 1, ", "", "bundle: lacks \"format\"; add it" },
	{ "\"kinds.json\"", "\"sorts.json\"", "kinds.json: is not there; add it" },
	{ "\"kinds.json\"", "\"sorts.json\"",
	    "sorts.json: is not a file of a policy; remove it" },
	{ "\"jurisdictions/XX.json\"", "\"jurisdictions/.json\"",
	    "jurisdictions: holds none" },
	{ "{\"format\"", "{\"format\":1,\"format\"", "bundle: line 1" },
	{ "{\"format\": 1", "[1", "bundle: line" },
	{ "{\"retired\": [9],", "[], \"x\": {\"retired\": [9],",
	    "fields.json: is not an object; write it in { }" },

	/* Members of any kind */
	{ "\"max_length\": 40", "\"maximum\": 40", "fields.json: fields[0] (name): "
	    "has an unknown member \"maximum\"; remove it, or correct it" },
	{ "\"max_length\": 40", "\"maximum\": 40", "fields.json: fields[0] (name): "
	    "lacks \"max_length\"; add it" },
	{ "\"max_length\": 40", "\"max_length\": \"40\"",
	    "fields[0] (name).max_length: is not a whole number" },
	{ "\"max_length\": 40", "\"max_length\": 4097",
	    "fields[0] (name).max_length: is out of range; write a number from "
	    "1 to 4096" },
	{ "\"category\": \"identity\"", "\"category\": \"two words\"",
	    "fields[0] (name).category: is not a name" },
	{ "\"category\": \"identity\"", "\"category\": 3",
	    "fields[0] (name).category: is not a text" },
	{ "\"category\": \"identity\"", "\"category\": \"\"",
	    "fields[0] (name).category: is empty" },
	{ "{\"en\": \"Name\", \"es\": \"Nombre\"}", "{\"en\": \"Name\"}",
	    "fields[0] (name).title: lacks \"es\"" },
	{ "{\"en\": \"Name\", \"es\": \"Nombre\"}", "\"Name\"",
	    "fields[0] (name).title: is not an object" },
	{ "{\"en\": \"Name\", \"es\": \"Nombre\"}",
	    "{\"en\": \"Name\", \"es\": \"Nombre\", \"fr\": \"Nom\"}",
	    "fields[0] (name).title: has more than" },
	{ "{\"en\": \"Name\", \"es\": \"Nombre\"}",
	    "{\"en\": \"\", \"es\": \"Nombre\"}",
	    "fields[0] (name).title.en: is empty" },
	{ "\"searchable\": true", "\"searchable\": 1",
	    "fields[1] (mail).searchable: is neither true nor false" },
	{ "\"values\": [", "\"values\": {}, \"valuez\": [",
	    "fields[3] (size).values: is not a list" },

	/* Fields */
	{ "\"number\": 2, \"id\": \"mail\"", "\"number\": 1, \"id\": \"mail\"",
	    "fields[1] (mail).number: 1 is used above" },
	{ "\"number\": 2, \"id\": \"mail\"", "\"number\": 9, \"id\": \"mail\"",
	    "fields[1] (mail).number: 9 is retired" },
	{ "\"number\": 2, \"id\": \"mail\"", "\"number\": 128, \"id\": \"mail\"",
	    "fields[1] (mail).number: is out of range" },
	{ "\"number\": 2, \"id\": \"mail\"", "\"number\": 0, \"id\": \"mail\"",
	    "fields[1] (mail).number: is out of range" },
	{ "\"retired\": [9]", "\"retired\": [\"9\"]",
	    "fields.json: retired: entry 0 is not a number" },
	{ "\"id\": \"mail\"", "\"id\": \"name\"", "fields[1] (name).id: is used above" },
	{ "\"pd:EmailAddress\"", "\"EmailAddress\"",
	    "fields[1] (mail).dpv: is not a DPV term" },
	{ "\"validator\": \"email\"", "\"validator\": \"emial\"",
	    "fields[1] (mail).validator: \"emial\" is not known; use one of: text" },
	{ "\"normaliser\": \"email\"", "\"normaliser\": \"post\"",
	    "fields[1] (mail).normaliser: \"post\" is not known" },
	{ "\"mask\": \"email\"", "\"mask\": \"half\"",
	    "fields[1] (mail).mask: \"half\" is not known" },
	{ "\"generaliser\": \"age_band\"", "\"generaliser\": \"decade\"",
	    "fields[2] (born).generaliser: \"decade\" is not known" },
	{ "\"generaliser\": \"age_band\"", "\"generaliser\": \"region\"",
	    "fields[2] (born).generaliser: \"region\" understands values of "
	    "validator \"subdivision\" only" },
	{ "\"generaliser\": \"age_band\", ", "",
	    "fields[2] (born).facet: needs a generaliser" },
	{ "\"facet\": 2", "\"facet\": 1", "fields[3] (size).facet: 1 is used above" },
	{ "\"facet\": 2", "\"facet\": 32", "fields[3] (size).facet: is out of range" },
	{ "\"generaliser\": \"age_band\"", "\"searchable\": true, "
	    "\"generaliser\": \"age_band\"",
	    "fields[2] (born).searchable: is not safe for validator \"date_past\"" },
	{ "\"searchable\": true, ", "", "fields[1] (mail).unique: is only possible" },
	{ "\"validator\": \"choice\"", "\"validator\": \"text\"",
	    "fields[3] (size).values: is not used by validator \"text\"" },
	{ "\"validator\": \"name\"", "\"validator\": \"choice\"",
	    "fields[0] (name).values: is needed by validator \"choice\"" },
	{ "\"number\": 2, \"id\": \"L\"", "\"number\": 1, \"id\": \"L\"",
	    "fields[3] (size).values[1] (L): has the number or id of another" },

	/* Purposes */
	{ "\"id\": \"news\"", "\"id\": \"account\"",
	    "purposes[1] (account).id: is used above" },
	{ "\"id\": \"fraud\"", "\"id\": \"none\"",
	    "purposes[4] (none).id: \"none\" means" },
	{ "\"basis\": \"contract\"", "\"basis\": \"habit\"",
	    "purposes[0] (account).basis: \"habit\" is not known" },
	{ "\"basis\": \"contract\"", "\"basis\": \"consent\"",
	    "purposes[0] (account).necessary: cannot be true" },
	{ "\"basis\": \"contract\"", "\"per_channel\": true, \"basis\": \"contract\"",
	    "purposes[0] (account).per_channel: is only possible" },
	{ "\"dpv:DirectMarketing\"", "\"DirectMarketing\"",
	    "purposes[1] (news): \"dpv\" or \"basis_dpv\" is not a DPV term" },
	{ "\"parent\": \"news\", \"dpv\"", "\"parent\": \"nws\", \"dpv\"",
	    "purposes[2] (offers).parent: \"nws\" is not a purpose" },
	{ "\"id\": \"news\"", "\"parent\": \"groups\", \"id\": \"news\"",
	    "purposes[1] (news).parent: leads in a circle" },
	{ "\"number\": 3, \"id\": \"offers\"", "\"number\": 2, \"id\": \"offers\"",
	    "purposes[2] (offers).number: 2 is used above" },

	/* Access */
	{ "\"id\": \"person\"", "\"id\": \"clerk\"", "roles[1] (clerk).id: is used above" },
	{ "\"reach\": \"own\"", "\"reach\": \"self\"",
	    "roles[1] (person).reach: \"self\" is not known; use one of: people, "
	    "own, groups, nobody" },
	{ "\"id\": \"clerk-more\"", "\"id\": \"clerk-read\"",
	    "rules[1] (clerk-read).id: is used above" },
	{ "\"role\": \"tool\"", "\"role\": \"robot\"",
	    "rules[9] (tool-groups).role: \"robot\" is not known; use one of: "
	    "clerk, person, tool, admin" },
	{ "[\"read\", \"event_read\"]", "[\"reed\"]",
	    "rules[1] (clerk-more).actions: \"reed\" is not known" },
	{ "[\"read\", \"event_read\"]", "[\"read\", \"read\"]",
	    "rules[1] (clerk-more).actions: names \"read\" twice" },
	{ "[\"read\", \"event_read\"]", "[]",
	    "rules[1] (clerk-more).actions: has 0 entries" },
	{ "[\"operate\", \"policy\"]", "[\"operate\", \"read\"]",
	    "rules[11] (admin).actions: \"read\" is never for a role that "
	    "reaches \"nobody\"" },
	{ "[\"release\", \"model_fit\"]", "[\"release\", \"lookup\"]",
	    "rules[9] (tool-groups).actions: \"lookup\" is never for a role that "
	    "reaches \"groups\"" },
	{ "[\"consent_write\"]", "[\"consent_write\", \"event_write\"]",
	    "rules[7] (own-consent).actions: \"event_write\" is never for a role "
	    "that reaches \"own\"" },
	{ "[\"account\", \"offers\"], \"fields\": {\"mail\": \"clear\",",
	    "[\"acount\"], \"fields\": {\"mail\": \"clear\",",
	    "rules[1] (clerk-more).purposes: \"acount\" is not a purpose" },
	{ "[\"account\", \"offers\"], \"fields\": {\"mail\": \"clear\",",
	    "[\"*\"], \"fields\": {\"mail\": \"clear\",",
	    "rules[1] (clerk-more).purposes: \"*\" is not possible" },
	{ "[\"account\", \"offers\"], \"fields\": {\"mail\": \"clear\",",
	    "[\"none\"], \"fields\": {\"mail\": \"clear\",",
	    "rules[1] (clerk-more).purposes: \"none\" is not possible" },
	{ "\"name\": \"clear\"", "\"nome\": \"clear\"",
	    "rules[0] (clerk-read).fields: \"nome\" is neither a field nor a "
	    "category" },
	{ "\"@trait\": \"generalised\"}, \"require\"",
	    "\"@traits\": \"generalised\"}, \"require\"",
	    "rules[1] (clerk-more).fields: \"@traits\" is neither" },
	{ "\"name\": \"clear\"", "\"name\": \"plain\"",
	    "rules[0] (clerk-read).fields: \"plain\" is not known; use one of: "
	    "none, generalised, masked, clear" },
	{ "\"name\": \"clear\"", "\"name\": \"pseudonym\"",
	    "rules[0] (clerk-read).fields: \"pseudonym\" is not known" },
	{ "\"name\": \"clear\"", "\"name\": true",
	    "rules[0] (clerk-read).fields: has a value that is not a text" },
	{ "\"name\": \"clear\"", "\"name\": \"generalised\"",
	    "rules[0] (clerk-read).fields: \"name\" has no generaliser" },
	{ "[\"account\", \"offers\"], \"fields\": {\"mail\": \"clear\"}",
	    "[\"account\"], \"fields\": {\"name\": \"clear\"}",
	    "rules[3] (clerk-find).fields: \"name\" is not searchable" },
	{ "[\"lookup\"]", "[\"lookup\", \"read\"]",
	    "rules[3] (clerk-find).actions: \"lookup\" needs a rule of its own" },
	{ "[\"create\", \"change\"],\n\t \"purposes\": [\"account\"], \"fields\": "
	    "{\"@all\": \"clear\"}", "[\"create\", \"change\"],\n\t \"purposes\": "
	    "[\"account\"], \"fields\": {\"name\": \"masked\"}",
	    "rules[4] (clerk-write).fields: \"name\" can only be written" },
	{ "\"fields\": {\"born\": \"generalised\"}",
	    "\"fields\": {\"born\": \"clear\"}",
	    "rules[9] (tool-groups).fields: can only be \"generalised\"" },
	{ "\"min_group\": 10, ", "", "rules[9] (tool-groups): lacks \"min_group\"" },
	{ "\"min_group\": 10", "\"min_group\": 1",
	    "rules[9] (tool-groups).min_group: is out of range; write a number "
	    "from 2" },
	{ "[\"place\"]", "[\"hat\"]", "rules[0] (clerk-read).require: \"hat\" is "
	    "not known; use one of: staff, place, reason" },
	{ "[\"restricted\", \"blocked\"]", "[\"erased\"]",
	    "rules[6] (own-mail).states: \"erased\" is not known" },
	{ "[\"active\", \"restricted\", \"blocked\"]", "[\"active\", \"blocked\"]",
	    "rules[7] (own-consent).states: lacks \"restricted\"" },
	{ "\"purposes\": [\"*\"],", "\"purposes\": [\"*\"], \"require\": "
	    "[\"reason\"],",
	    "rules[7] (own-consent).require: makes withdrawing harder" },
	{ "\"purposes\": [\"*\"],", "\"purposes\": [\"*\"], \"fields\": "
	    "{\"name\": \"clear\"},",
	    "rules[7] (own-consent).fields: has no meaning" },
	{ "[\"partner\"]", "[]", "rules[2] (clerk-partner).recipients: has 0" },
	{ "\"defaults\": {\"create\": \"account\"}",
	    "\"defaults\": {\"creat\": \"account\"}",
	    "access.json: defaults: \"creat\" is not an action" },
	{ "\"defaults\": {\"create\": \"account\"}",
	    "\"defaults\": {\"create\": \"acount\"}",
	    "access.json: defaults: \"create\" is not an action with a purpose" },

	/* Segments, kinds */
	{ "\"code\": \"A2\"", "\"code\": \"A1\"", "segments[1] (A1).code: is used" },
	{ "\"r\": [1, 1]", "\"r\": [1, 3]", "segments[0] (A1).r: is not a range" },
	{ "\"r\": [1, 1]", "\"r\": [2, 1]", "segments[0] (A1).r: is not a range" },
	{ "\"r\": [1, 1]", "\"r\": [0, 1]", "segments[0] (A1).r: is not a range" },
	{ "\"r\": [1, 1]", "\"r\": 1", "segments[0] (A1).r: is not a range" },
	{ "\"m\": [1, 2]", "\"m\": [1]", "segments[1] (A2).m: is not a range" },
	{ "\"effect\": \"offer\"", "\"effect\": \"punish\"",
	    "segments[1] (A2).effect: \"punish\" is not known; use one of: inform, "
	    "offer, price, exclude" },
	{ "\"purpose\": \"groups\", \"effect\": \"inform\"",
	    "\"purpose\": \"crowds\", \"effect\": \"inform\"",
	    "segments[0] (A1).purpose: \"crowds\" is not a purpose" },
	{ "\"purpose\": \"groups\", \"effect\": \"inform\"",
	    "\"purpose\": \"account\", \"effect\": \"inform\"",
	    "segments[0] (A1).purpose: \"account\" is not for profiling" },
	{ "\"bins\": 2", "\"bins\": 11", "segments.json: bins: is out of range" },
	{ "\"amount\": \"minus\"", "\"amount\": \"less\"",
	    "kinds[1] (return).amount: \"less\" is not known" },
	{ "\"id\": \"return\"", "\"id\": \"purchase\"",
	    "kinds[1] (purchase).id: is used above" },
	{ "\"number\": 2, \"id\": \"return\"", "\"number\": 1, \"id\": \"return\"",
	    "kinds[1] (return).number: 1 is used above" },

	/* Jurisdictions */
	{ "\"code\": \"XX\"", "\"code\": \"YY\"",
	    "jurisdictions/XX.json: code: is not the file's name" },
	{ "\"language\": \"es\"", "\"language\": \"fr\"",
	    "jurisdictions/XX.json: language: \"fr\" is not known" },
	{ "\"basis\": \"Law 1\", \"mark\": \"S\"", "\"basis\": \"Law 1\", \"mark\": \"Q\"",
	    "jurisdictions/XX.json: consent_age.mark: \"Q\" is not known" },
	{ "\"required\": false", "\"required\": \"no\"",
	    "jurisdictions/XX.json: blocking.required: is neither" },
	{ "[\"sunday\"]", "[\"domingo\"]",
	    "jurisdictions/XX.json: calendar.weekend: \"domingo\" is not known" },
	{ "\"2026-05-04\"", "\"4 May\"",
	    "jurisdictions/XX.json: calendar.holidays: \"4 May\" is not a day" },
	{ "\"right\": \"access\"", "\"right\": \"acess\"",
	    "rights[0] (acess).right: \"acess\" is not known" },
	{ "\"amount\": 1, \"unit\": \"months\"", "\"amount\": 1, \"unit\": \"moons\"",
	    "rights[0] (access).answer.unit: \"moons\" is not known" },
	{ "\"reason_required\": true", "\"because\": true",
	    "rights[0] (access).extension: has an unknown member \"because\"" },
	{ "\"authority\": \"Somebody\",", "",
	    "jurisdictions/XX.json: lacks \"authority\"" },
};

static char *text;
static size_t length;

/* Load the small policy with one text changed; the faults as a string. */
static enum rsg_err
load_changed(const char *from, const char *to, struct rsg_buf *faults)
{
	struct rsg_policy *p = NULL;
	struct rsg_buf b;
	const char *at = strstr(text, from);
	enum rsg_err e;

	if (at == NULL)
		fail_msg("the small policy has no <%s>", from);
	rsg_buf_init(&b, 1 << 20);
	rsg_buf_put(&b, text, (size_t)(at - text));
	rsg_buf_str(&b, to);
	rsg_buf_str(&b, at + strlen(from));
	e = rsg_policy_load(b.p, b.len, &p, faults);
	assert_true((e == RSG_OK) == (p != NULL));
	rsg_policy_free(p);
	rsg_buf_free(&b);
	rsg_buf_u8(faults, 0);
	return e;
}

static void
every_fault_is_found_and_told(void **state)
{
	struct rsg_buf faults;

	(void)state;
	rsg_buf_init(&faults, 1 << 20);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];

		rsg_buf_reset(&faults);
		if (load_changed(c->from, c->to, &faults) != RSG_CONFIG)
			fail_msg("taken with <%s> for <%s>", c->to, c->from);
		if (strstr((char *)faults.p, c->fault) == NULL)
			fail_msg("<%s> for <%s> does not say <%s> but:\n%s",
			    c->to, c->from, c->fault, (char *)faults.p);
	}
	rsg_buf_free(&faults);
}

static void
unchanged_it_is_taken(void **state)
{
	struct rsg_buf faults;

	(void)state;
	rsg_buf_init(&faults, 1 << 20);
	assert_int_equal(load_changed("\"format\": 1", "\"format\": 1", &faults),
	    RSG_OK);
	assert_int_equal(faults.len, 1);
	rsg_buf_free(&faults);
}

/* One run tells all. */
static void
faults_of_several_files_are_told_together(void **state)
{
	static char copy[1 << 16];
	struct rsg_policy *p;
	struct rsg_buf faults;
	char *at;

	(void)state;
	memcpy(copy, text, length + 1);
	at = strstr(copy, "\"validator\": \"email\"");
	memcpy(at + 14, "liame", 5);
	at = strstr(copy, "\"role\": \"tool\"");
	memcpy(at + 9, "loot", 4);
	at = strstr(copy, "\"minus\"");
	memcpy(at + 1, "munis", 5);
	rsg_buf_init(&faults, 1 << 20);
	assert_int_equal(rsg_policy_load(copy, length, &p, &faults), RSG_CONFIG);
	rsg_buf_u8(&faults, 0);
	assert_non_null(strstr((char *)faults.p, "\"liame\" is not known"));
	assert_non_null(strstr((char *)faults.p, "\"loot\" is not known"));
	assert_non_null(strstr((char *)faults.p, "\"munis\" is not known"));
	rsg_buf_free(&faults);
}

/* A name with a line break must not make a second line of a log. */
static void
a_fault_is_one_line(void **state)
{
	struct rsg_buf faults;

	(void)state;
	rsg_buf_init(&faults, 1 << 20);
	assert_int_equal(load_changed("\"mask\": \"email\"",
	    "\"ma\\nsk\": \"email\"", &faults), RSG_CONFIG);
	assert_ptr_equal(strchr((char *)faults.p, '\n'),
	    faults.p + faults.len - 2);
	rsg_buf_free(&faults);
}

/* What another file says of a refused field is no fault of that file. */
static void
one_fault_does_not_bring_others(void **state)
{
	struct rsg_buf faults;

	(void)state;
	rsg_buf_init(&faults, 1 << 20);
	assert_int_equal(load_changed("\"max_length\": 100", "\"max_length\": 0",
	    &faults), RSG_CONFIG);
	assert_null(strstr((char *)faults.p, "access.json"));
	rsg_buf_reset(&faults);
	assert_int_equal(load_changed("\"basis\": \"contract\"",
	    "\"basis\": \"habit\"", &faults), RSG_CONFIG);
	assert_null(strstr((char *)faults.p, "access.json"));
	rsg_buf_free(&faults);
}

static void
what_is_declared_can_be_found(void **state)
{
	struct rsg_policy *p = policy_of(text, length);
	const struct rsg_fielddef *f;
	uint8_t kind = 0;

	(void)state;
	assert_non_null(f = rsg_policy_field(p, "mail", 4));
	assert_int_equal(f->number, 2);
	assert_true(f->searchable && f->unique);
	assert_string_equal(f->asked_for[RSG_LANG_ES], "Para escribir");
	assert_ptr_equal(rsg_policy_field_no(p, 2), f);
	assert_ptr_equal(rsg_policy_field_at(p, 1), f);
	assert_null(rsg_policy_field(p, "mai", 3));
	assert_null(rsg_policy_field_no(p, 0));
	assert_null(rsg_policy_field_no(p, 9));
	assert_null(rsg_policy_field_no(p, 128));
	assert_null(rsg_policy_field_no(p, 65535));
	assert_null(rsg_policy_field_at(p, 4));
	assert_string_equal(rsg_policy_purpose_no(p, 3)->id, "offers");
	assert_int_equal(rsg_policy_purpose_no(p, 3)->parent, 2);
	assert_null(rsg_policy_purpose_no(p, 128));
	assert_null(rsg_policy_purpose_at(p, 6));
	assert_int_equal(rsg_policy_segment(p, "A1", 2)->m_max, 2);
	assert_null(rsg_policy_segment(p, "A3", 2));
	assert_true(rsg_policy_role(p, "clerk", 5));
	assert_false(rsg_policy_role(p, "cler", 4));
	assert_true(rsg_policy_jurisdiction(p, "XX", 2));
	assert_false(rsg_policy_jurisdiction(p, "MX", 2));
	assert_true(rsg_policy_kind(p, "return", 6, &kind));
	assert_int_equal(kind, 2);
	assert_string_equal(rsg_policy_kind_name(p, 1), "purchase");
	assert_null(rsg_policy_kind_name(p, 3));
	assert_int_equal(rsg_policy_kind_at(p, 1)->amount, RSG_SIGN_MINUS);
	assert_int_equal(rsg_policy_default(p, RSG_ACT_CREATE), 1);
	assert_int_equal(rsg_policy_default(p, RSG_ACT_READ), 0);
	rsg_policy_free(p);
}

/* The hash is of the bytes: one other byte, another hash. */
static void
the_hash_is_of_the_whole_bundle(void **state)
{
	struct rsg_policy *a = policy_of(text, length), *b;

	(void)state;
	b = policy_of(text, length);
	assert_memory_equal(rsg_policy_hash(a), rsg_policy_hash(b), RSG_POLICY_HASH);
	rsg_policy_free(b);
	text[length - 1] = ' ';		/* the last line break */
	b = policy_of(text, length);
	assert_memory_not_equal(rsg_policy_hash(a), rsg_policy_hash(b),
	    RSG_POLICY_HASH);
	text[length - 1] = '\n';
	rsg_policy_free(a);
	rsg_policy_free(b);
}

/* --- A folder --- */

static char dir[] = "/tmp/rsg-policy-XXXXXX";

static void
put_file(const char *name, const char *content)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "wb"));
	fputs(content, f);
	fclose(f);
}

static void
remove_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	remove(path);
}

/* Bundle the folder; the faults as a string in `out`. */
static enum rsg_err
bundle_dir(struct rsg_buf *out)
{
	struct rsg_buf bundle;
	enum rsg_err e;

	rsg_buf_init(&bundle, 1 << 20);
	rsg_buf_reset(out);
	e = rsg_policy_bundle(dir, &bundle, out);
	rsg_buf_u8(out, 0);
	rsg_buf_free(&bundle);
	return e;
}

static void
a_folder_is_gathered_or_refused(void **state)
{
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 20);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(bundle_dir(&out), RSG_IO);
	assert_non_null(strstr((char *)out.p, "jurisdictions: cannot be opened"));
	{
		char path[256];

		snprintf(path, sizeof(path), "%s/jurisdictions", dir);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	put_file("fields.json", "{\n\t\"a\": 1,\n\t\"a\": 2\n}");
	assert_int_equal(bundle_dir(&out), RSG_CONFIG);
	assert_non_null(strstr((char *)out.p, "fields.json: line "));
	put_file("fields.json", "{}");
	put_file("feilds.json", "{}");
	assert_int_equal(bundle_dir(&out), RSG_CONFIG);
	assert_non_null(strstr((char *)out.p, "feilds.json: is not a file"));
	remove_file("feilds.json");
	put_file("jurisdictions/X\"X.json", "{}");
	assert_int_equal(bundle_dir(&out), RSG_CONFIG);
	assert_non_null(strstr((char *)out.p, "whose name is not"));
	remove_file("jurisdictions/X\"X.json");
	put_file("notes.txt", "anything");
	assert_int_equal(bundle_dir(&out), RSG_OK);
	remove_file("notes.txt");
	remove_file("fields.json");
	remove_file("jurisdictions");
	rmdir(dir);
	assert_int_equal(bundle_dir(&out), RSG_IO);
	rsg_buf_free(&out);
}

/* The order of members and the spaces between do not make another policy. */
static void
the_same_rules_make_the_same_bundle(void **state)
{
	struct rsg_buf a, b;

	(void)state;
	shipped_bundle(&a);
	shipped_bundle(&b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	assert_memory_equal(a.p, "{\"files\":{\"access.json\":{\"$schema\":", 35);
	assert_memory_equal(a.p + a.len - 12, ",\"format\":1}", 12);
	assert_null(memchr(a.p, '\n', a.len));
	rsg_buf_free(&a);
	rsg_buf_free(&b);
}

static int
read_text(void **state)
{
	(void)state;
	text = file_text(SMALL_POLICY, &length);
	return 0;
}

static int
free_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unchanged_it_is_taken),
		cmocka_unit_test(every_fault_is_found_and_told),
		cmocka_unit_test(faults_of_several_files_are_told_together),
		cmocka_unit_test(a_fault_is_one_line),
		cmocka_unit_test(one_fault_does_not_bring_others),
		cmocka_unit_test(what_is_declared_can_be_found),
		cmocka_unit_test(the_hash_is_of_the_whole_bundle),
		cmocka_unit_test(a_folder_is_gathered_or_refused),
		cmocka_unit_test(the_same_rules_make_the_same_bundle),
	};

	return cmocka_run_group_tests(tests, read_text, free_text);
}
