/*
 * trial.c - the expected decisions in policies/tests/, asked and compared.
 *
 * A test says who asks for what, what the person said, and what must come of
 * it. Times are words: a consent given "until" "past" has run out.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/policytool.h"
#include "policy/reader.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NOW		INT64_C(1000000)
#define GRANTS		64
#define FILES		64

struct rawtest {
	const char *name;
	const struct rsg_json *ask, *expect;
};
static const struct rsg__member test_members[] = {
	{ "name", RSG__M_TEXT, true, offsetof(struct rawtest, name), 0, 0 },
	{ "ask", RSG__M_OBJECT, true, offsetof(struct rawtest, ask), 0, 0 },
	{ "expect", RSG__M_OBJECT, true, offsetof(struct rawtest, expect), 0, 0 },
};

struct rawask {
	const char *role, *recipient, *action, *purpose, *channel, *state;
	const struct rsg_json *fields, *names, *consents;
	bool self, nobody;
};
static const struct rsg__member ask_members[] = {
	{ "role", RSG__M_ID, true, offsetof(struct rawask, role), 0, 0 },
	{ "recipient", RSG__M_ID, false, offsetof(struct rawask, recipient), 0, 0 },
	{ "action", RSG__M_ID, true, offsetof(struct rawask, action), 0, 0 },
	{ "purpose", RSG__M_ID, false, offsetof(struct rawask, purpose), 0, 0 },
	{ "channel", RSG__M_ID, false, offsetof(struct rawask, channel), 0, 0 },
	{ "fields", RSG__M_LIST, false, offsetof(struct rawask, fields), 0,
	    RSG_POLICY_FIELDS },
	{ "names", RSG__M_LIST, false, offsetof(struct rawask, names), 0, 3 },
	{ "state", RSG__M_ID, false, offsetof(struct rawask, state), 0, 0 },
	{ "self", RSG__M_BOOL, false, offsetof(struct rawask, self), 0, 0 },
	{ "nobody", RSG__M_BOOL, false, offsetof(struct rawask, nobody), 0, 0 },
	{ "consents", RSG__M_ARRAY, false, offsetof(struct rawask, consents), 0,
	    GRANTS },
};

struct rawconsent {
	const char *purpose, *channel, *status, *until;
};
static const struct rsg__member consent_members[] = {
	{ "purpose", RSG__M_ID, true, offsetof(struct rawconsent, purpose), 0, 0 },
	{ "channel", RSG__M_ID, false, offsetof(struct rawconsent, channel), 0, 0 },
	{ "status", RSG__M_ID, true, offsetof(struct rawconsent, status), 0, 0 },
	{ "until", RSG__M_ID, false, offsetof(struct rawconsent, until), 0, 0 },
};

struct rawexpect {
	const char *decision, *clause;
	const struct rsg_json *fields;
	int64_t min_group;
};
static const struct rsg__member expect_members[] = {
	{ "decision", RSG__M_TEXT, true, offsetof(struct rawexpect, decision), 0, 0 },
	{ "clause", RSG__M_TEXT, false, offsetof(struct rawexpect, clause), 0, 0 },
	{ "fields", RSG__M_OBJECT, false, offsetof(struct rawexpect, fields), 0, 0 },
	{ "min_group", RSG__M_INT, false, offsetof(struct rawexpect, min_group),
	    0, 1000000 },
};

/* A question with all that it borrows. */
struct trial {
	struct rsg_question q;
	struct rsg_standing s;
	struct rsg_grant grant[GRANTS];
	uint16_t field[RSG_POLICY_FIELDS];
};

static uint16_t
purpose_of(struct rsg__reader *r, const struct rsg_policy *p, const char *id)
{
	const struct rsg_purposedef *d = rsg_policy_purpose(p, id, strlen(id));

	if (d == NULL)
		rsg__fault(r, "purpose", "\"%.64s\" is not in purposes.json; "
		    "correct it", id);
	return d != NULL ? d->number : 0;
}

static uint8_t
channel_of(struct rsg__reader *r, const char *name)
{
	const char *names[RSG_CHANNEL__MAX];
	int c;

	if (name == NULL)
		return RSG_CHANNEL_NONE;
	for (unsigned i = 0; i < RSG_CHANNEL__MAX; i++)
		names[i] = rsg_channel_name((enum rsg_channel)i);
	c = rsg__one_of(r, "channel", name, names, RSG_CHANNEL__MAX);
	return c < 0 ? 0 : (uint8_t)c;
}

/*
 * What the person said, oldest first: a later one is newer, which counts
 * between a purpose as a whole and its channels.
 */
static void
read_consents(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *list, struct trial *t)
{
	static const char *const untils[] = { "past", "now", "future", "open" };
	static const int64_t ends[] = { NOW - 1, NOW, NOW + 1, 0 };
	const char *names[RSG_STATUS__MAX];
	struct rawconsent f;
	int status, until;
	size_t mark;

	for (unsigned i = 0; i < RSG_STATUS__MAX; i++)
		names[i] = rsg_status_name((enum rsg_status)i);
	for (size_t i = 0; i < rsg_json_size(list); i++) {
		mark = rsg__enter(r, "consents", i, NULL);
		memset(&f, 0, sizeof(f));
		f.until = "open";
		if (rsg__read(r, rsg_json_at(list, i), consent_members,
		    COUNT(consent_members), &f) &&
		    (status = rsg__one_of(r, "status", f.status, names,
		    RSG_STATUS__MAX)) >= 0 &&
		    (until = rsg__one_of(r, "until", f.until, untils,
		    COUNT(untils))) >= 0)
			t->grant[t->s.ngrants++] = (struct rsg_grant){
			    .purpose = purpose_of(r, p, f.purpose),
			    .channel = channel_of(r, f.channel),
			    .status = (uint8_t)status, .until = ends[until],
			    .since = (int64_t)i };
		rsg__leave(r, mark);
	}
}

static uint16_t
field_of(struct rsg__reader *r, const struct rsg_policy *p, const char *id)
{
	const struct rsg_fielddef *d = rsg_policy_field(p, id, strlen(id));

	if (d == NULL)
		rsg__fault(r, "fields", "\"%.64s\" is not in fields.json; "
		    "correct it", id);
	return d != NULL ? d->number : 0;
}

static void
read_names(struct rsg__reader *r, const struct rsg_json *list, struct trial *t)
{
	static const char *const names[] = { "staff", "place", "reason" };
	int i;

	for (size_t k = 0; k < rsg_json_size(list); k++) {
		i = rsg__one_of(r, "names",
		    rsg_json_string(rsg_json_at(list, k), NULL), names, 3);
		t->q.staff = t->q.staff || i == 0;
		t->q.place = t->q.place || i == 1;
		t->q.reason = t->q.reason || i == 2;
	}
}

/* The whole question. What cannot be asked is a fault, never a denial. */
static void
read_ask(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *ask, struct trial *t)
{
	static const char *const states[] = { NULL, "active", "restricted",
	    "blocked", "erased" };
	struct rawask f = { .state = "active" };
	int state;

	memset(t, 0, sizeof(*t));
	if (!rsg__read(r, ask, ask_members, COUNT(ask_members), &f))
		return;
	if ((t->q.action = rsg_action_find(f.action, strlen(f.action))) == 0)
		rsg__fault(r, "action", "\"%.64s\" is not an action; the "
		    "actions are in docs/POLICY.md", f.action);
	state = rsg__one_of(r, "state", f.state, states, COUNT(states));
	t->q.role = f.role;
	t->q.recipient = f.recipient;
	t->q.purpose = f.purpose == NULL || strcmp(f.purpose, "none") == 0 ? 0 :
	    purpose_of(r, p, f.purpose);
	t->q.channel = channel_of(r, f.channel);
	t->q.now = NOW;
	t->q.field = t->field;
	for (size_t i = 0; f.fields != NULL && i < rsg_json_size(f.fields); i++)
		t->field[t->q.nfields++] = field_of(r, p,
		    rsg_json_string(rsg_json_at(f.fields, i), NULL));
	if (f.names != NULL)
		read_names(r, f.names, t);
	t->s.state = (enum rsg_state)(state < 0 ? 0 : state);
	t->s.self = f.self;
	t->s.grant = t->grant;
	if (f.consents != NULL)
		read_consents(r, p, f.consents, t);
	t->q.standing = f.nobody ? NULL : &t->s;
}

/* Each named field must come out as said, and each asked one be named. */
static void
compare_fields(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *map, const struct rsg_answer *a)
{
	const struct rsg_json *v;
	const char *name, *got;
	void *iter = NULL;
	uint16_t n;

	while (rsg_json_next(map, &iter, &name, &v)) {
		if ((n = field_of(r, p, name)) == 0)
			continue;
		got = rsg_transform_name((enum rsg_transform)a->transform[n]);
		if (rsg_json_type(v) != RSG_JSON_STRING ||
		    strcmp(rsg_json_string(v, NULL), got) != 0)
			rsg__fault(r, NULL, "\"%s\" is %s [%s]; another was "
			    "expected", name, got, a->why[n] != NULL ? a->why[n] :
			    "not asked for");
	}
}

/* Each difference is a line, so that one run shows how far off it is. */
static void
compare(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *expect, const struct rsg_answer *a)
{
	struct rawexpect f = { .min_group = -1 };
	const char *got = a->err == RSG_OK ? "allowed" : rsg_err_id(a->err);

	if (!rsg__read(r, expect, expect_members, COUNT(expect_members), &f))
		return;
	if (strcmp(f.decision, got) != 0)
		rsg__fault(r, NULL, "the decision is \"%s\" [%s]; expected was "
		    "\"%.64s\"", got, a->clause, f.decision);
	if (f.clause != NULL && strcmp(f.clause, a->clause) != 0)
		rsg__fault(r, NULL, "the clause is \"%s\"; expected was "
		    "\"%.64s\"", a->clause, f.clause);
	if (f.min_group >= 0 && f.min_group != a->min_group)
		rsg__fault(r, NULL, "groups are of %u; expected was %lld",
		    a->min_group, (long long)f.min_group);
	if (f.fields != NULL)
		compare_fields(r, p, f.fields, a);
}

/* False when anything differs, or the test itself is at fault. */
static bool
run_test(struct rsg__reader *r, const struct rsg_policy *p,
    const struct rsg_json *v)
{
	unsigned before = r->nfaults;
	struct rawtest f = { 0 };
	struct rsg_answer a;
	struct trial t;

	if (!rsg__read(r, v, test_members, COUNT(test_members), &f))
		return false;
	read_ask(r, p, f.ask, &t);
	if (r->nfaults == before) {
		rsg_policy_decide(p, &t.q, &a);
		compare(r, p, f.expect, &a);
	}
	return r->nfaults == before;
}

static enum rsg_err
run_file(const struct rsg_policy *p, const char *dir, const char *name,
    struct rsg_buf *out, unsigned *ran, int *failed)
{
	struct { const struct rsg_json *tests; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "tests", RSG__M_ARRAY, true, 0, 1, 0 },
	};
	struct rsg__reader r = { .faults = out };
	struct rsg_json *root;
	enum rsg_err e;
	size_t mark;

	if ((e = rsg__bundle_parse(dir, name, &root, out)) != RSG_OK)
		return e;
	snprintf(r.place, sizeof(r.place), "%.*s:", RSG__PLACE - 8, name);
	if (!rsg__read(&r, root, shape, COUNT(shape), &top))
		(*failed)++;
	for (size_t i = 0; top.tests != NULL && i < rsg_json_size(top.tests);
	    i++) {
		mark = rsg__enter(&r, "tests", i,
		    rsg__peek(rsg_json_at(top.tests, i), "name"));
		if (!run_test(&r, p, rsg_json_at(top.tests, i)))
			(*failed)++;
		(*ran)++;
		rsg__leave(&r, mark);
	}
	rsg_json_free(root);
	return RSG_OK;
}

enum rsg_err
rsg_policy_test(const char *dir, struct rsg_buf *out, int *failed)
{
	char *names[FILES] = { NULL };
	struct rsg_policy *p = NULL;
	unsigned ran = 0;
	size_t n = 0;
	enum rsg_err e;

	*failed = 0;
	if ((e = rsg__policy_open(dir, &p, out)) != RSG_OK ||
	    (e = rsg__bundle_list(dir, "tests", names, FILES, &n,
	    out)) != RSG_OK)
		goto done;
	for (size_t i = 0; i < n && e == RSG_OK; i++)
		e = run_file(p, dir, names[i], out, &ran, failed);
	rsg_buf_printf(out, "%u expected decisions, %d not as expected\n", ran,
	    *failed);
done:
	for (size_t i = 0; i < FILES; i++)
		free(names[i]);
	rsg_policy_free(p);
	return e;
}
