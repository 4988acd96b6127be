/*
 * policy.c - promise 3: nothing is allowed but what a rule allows, for the
 * stated purpose, under the consent of that moment. Clause by clause, on a
 * small policy; policy_random.c asks at random, policy_shipped.c looks at
 * the rules that come with the product.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "unit/policy_files.h"

#define NOW	1000

static struct rsg_policy *small;

static uint16_t
purpose(const char *id)
{
	const struct rsg_purposedef *d = rsg_policy_purpose(small, id, strlen(id));

	assert_non_null(d);
	return d->number;
}

/* Ask the small policy about one field (0: none) of one person. */
static struct rsg_answer
ask(const char *role, enum rsg_action action, const char *for_what,
    uint16_t field, const char *names, const struct rsg_standing *s)
{
	struct rsg_question q = { .role = role, .action = action,
	    .purpose = for_what != NULL ? purpose(for_what) : 0,
	    .field = &field, .nfields = field != 0, .standing = s,
	    .staff = strchr(names, 's') != NULL,
	    .place = strchr(names, 'p') != NULL,
	    .reason = strchr(names, 'r') != NULL, .now = NOW };
	struct rsg_answer a;

	rsg_policy_decide(small, &q, &a);
	assert_non_null(a.clause);
	return a;
}

static struct rsg_standing
person(enum rsg_state state, const struct rsg_grant *g, size_t n)
{
	return (struct rsg_standing){ .state = state, .grant = g, .ngrants = n };
}

static void
expect(struct rsg_answer a, enum rsg_err err, const char *clause)
{
	assert_string_equal(a.clause, clause);
	assert_int_equal(a.err, err);
}

static void
what_no_rule_allows_is_denied(void **state)
{
	struct rsg_standing s = person(RSG_STATE_ACTIVE, NULL, 0);

	(void)state;
	expect(ask("nobody", RSG_ACT_READ, "account", 1, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask(NULL, RSG_ACT_READ, "account", 1, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("clerk", RSG_ACT_READ, NULL, 1, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("clerk", RSG_ACT_POLICY, NULL, 0, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("tool", RSG_ACT_READ, "groups", 3, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("clerk", RSG_ACT_READ, "account", 99, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("clerk", RSG_ACT_READ, "account", 500, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("clerk", (enum rsg_action)0, "account", 0, "spr", &s),
	    RSG_DENIED, "default-deny");
	expect(ask("clerk", RSG_ACT__MAX, "account", 0, "spr", &s),
	    RSG_DENIED, "default-deny");
}

static void
numbers_outside_the_tables_are_denied(void **state)
{
	struct rsg_standing s = person(RSG_STATE_ACTIVE, NULL, 0);
	struct rsg_question q = { .role = "clerk", .action = RSG_ACT_READ,
	    .purpose = RSG_POLICY_PURPOSES, .standing = &s, .place = true };
	struct rsg_answer a;

	(void)state;
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_DENIED, "default-deny");
	q.purpose = 65535;
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_DENIED, "default-deny");
	q.purpose = 1;
	q.channel = RSG_CHANNEL__MAX;
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_DENIED, "default-deny");
	s.state = (enum rsg_state)77;
	q.channel = 0;
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_SUBJECT_STATE, "state:unknown");
}

static void
the_request_has_to_name_what_is_required(void **state)
{
	struct rsg_standing s = person(RSG_STATE_ACTIVE, NULL, 0);
	struct rsg_answer a;

	(void)state;
	a = ask("clerk", RSG_ACT_READ, "fraud", 1, "", &s);
	expect(a, RSG_CONTEXT_REQUIRED, "require:place");
	assert_string_equal(a.member, "place");
	expect(ask("clerk", RSG_ACT_READ, "fraud", 1, "p", &s), RSG_OK,
	    "clerk-read");
	a = ask("clerk", RSG_ACT_EVENT_READ, "account", 0, "s", &s);
	expect(a, RSG_CONTEXT_REQUIRED, "require:reason");
	/* A field that only an unmet rule gives says so by itself. */
	a = ask("clerk", RSG_ACT_READ, "account", 1, "sr", &s);
	expect(a, RSG_CONTEXT_REQUIRED, "require:place");
	assert_int_equal(a.transform[1], RSG_TR_NONE);
}

static void
the_state_of_the_record_counts(void **state)
{
	struct rsg_standing s = person(RSG_STATE_RESTRICTED, NULL, 0);

	(void)state;
	expect(ask("clerk", RSG_ACT_READ, "fraud", 1, "p", &s),
	    RSG_SUBJECT_STATE, "state:restricted");
	expect(ask("clerk", RSG_ACT_EVENT_READ, "account", 0, "sr", &s), RSG_OK,
	    "clerk-more");
	s.state = RSG_STATE_BLOCKED;
	expect(ask("clerk", RSG_ACT_EVENT_READ, "account", 0, "sr", &s),
	    RSG_SUBJECT_STATE, "state:blocked");
	s.state = RSG_STATE_ERASED;
	s.self = true;
	for (int a = 1; a < RSG_ACT__MAX; a++)
		for (uint16_t pu = 0; pu < 8; pu++)
			for (size_t r = 0; r < 3; r++) {
				const char *const roles[] = { "clerk", "person",
				    "tool" };
				struct rsg_question q = { .role = roles[r],
				    .action = (enum rsg_action)a, .purpose = pu,
				    .standing = &s, .staff = true,
				    .place = true, .reason = true };
				struct rsg_answer w;

				rsg_policy_decide(small, &q, &w);
				assert_int_not_equal(w.err, RSG_OK);
			}
}

static void
people_reach_only_themselves(void **state)
{
	struct rsg_standing s = person(RSG_STATE_ACTIVE, NULL, 0);

	(void)state;
	expect(ask("person", RSG_ACT_READ, "account", 1, "", &s), RSG_DENIED,
	    "default-deny");
	expect(ask("person", RSG_ACT_READ, "account", 1, "", NULL), RSG_DENIED,
	    "default-deny");
	s.self = true;
	expect(ask("person", RSG_ACT_READ, "account", 1, "", &s), RSG_OK, "own");
	/* Signing in comes before there is anybody. */
	expect(ask("person", RSG_ACT_SIGN_IN, NULL, 0, "", NULL), RSG_OK,
	    "own-sign-in");
}

static void
a_withdrawal_is_never_refused(void **state)
{
	const struct rsg_grant g[] = {
		{ .purpose = 2, .status = RSG_STATUS_OBJECTED },
		{ .purpose = 2, .channel = 1, .status = RSG_STATUS_WITHDRAWN },
	};

	(void)state;
	for (size_t n = 0; n <= 2; n++)
		for (int st = RSG_STATE_ACTIVE; st <= RSG_STATE_BLOCKED; st++) {
			struct rsg_standing s = person((enum rsg_state)st, g, n);

			s.self = true;
			expect(ask("person", RSG_ACT_CONSENT_WRITE, "news", 0,
			    "", &s), RSG_OK, "own-consent");
			expect(ask("person", RSG_ACT_CONSENT_WRITE, "texts", 0,
			    "", &s), RSG_OK, "own-consent");
		}
}

static void
none_outweighs_every_other_rule(void **state)
{
	struct rsg_standing s = person(RSG_STATE_ACTIVE, NULL, 0);
	struct rsg_answer a;

	(void)state;
	/* clerk-more would generalise the size; clerk-read withholds it. */
	a = ask("clerk", RSG_ACT_READ, "account", 4, "spr", &s);
	expect(a, RSG_DENIED, "clerk-read");
	/* Not even by leaving out what clerk-read requires. */
	a = ask("clerk", RSG_ACT_READ, "account", 4, "sr", &s);
	expect(a, RSG_DENIED, "clerk-read");
	/* Otherwise the strongest counts. */
	a = ask("clerk", RSG_ACT_READ, "account", 2, "spr", &s);
	assert_int_equal(a.transform[2], RSG_TR_CLEAR);
	assert_string_equal(a.why[2], "clerk-more");
	a = ask("clerk", RSG_ACT_READ, "account", 3, "spr", &s);
	assert_int_equal(a.transform[3], RSG_TR_MASKED);
	assert_string_equal(a.why[3], "clerk-read");
}

static void
a_rule_for_a_recipient_takes_the_place_of_others(void **state)
{
	struct rsg_grant g = { .purpose = 4, .status = RSG_STATUS_GIVEN };
	struct rsg_standing s = person(RSG_STATE_ACTIVE, &g, 1);
	uint16_t field = 3;
	struct rsg_question q = { .role = "tool", .action = RSG_ACT_RELEASE,
	    .purpose = 4, .field = &field, .nfields = 1, .standing = &s };
	struct rsg_answer a;

	(void)state;
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_OK, "tool-groups");
	assert_int_equal(a.min_group, 10);
	assert_int_equal(a.rate, 9);
	/* Its own rule gives no field, and cannot lower what is obliged. */
	q.recipient = "other";
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_DENIED, "default-deny");
	q.nfields = 0;
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_OK, "tool-big");
	assert_int_equal(a.min_group, 10);
	assert_int_equal(a.rate, 9);
	/* Nor does naming less than a rule requires make groups smaller. */
	q.recipient = "third";
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_OK, "tool-big");
	assert_int_equal(a.min_group, 50);
	q.recipient = "stranger";
	rsg_policy_decide(small, &q, &a);
	expect(a, RSG_OK, "tool-groups");
}

/* --- Consent --- */

struct said {
	uint16_t purpose;
	uint8_t channel, status;
	int64_t since, until;
};

static const struct {
	const char *what;
	const char *purpose;
	uint8_t channel;
	struct said said[3];
	const char *clause;		/* NULL: allowed */
} consents[] = {
	{ "nothing said", "news", 0, { { 0 } }, "consent:news" },
	{ "given", "news", 0, { { 2, 0, RSG_STATUS_GIVEN, 0, 0 } }, NULL },
	{ "renewed", "news", 0, { { 2, 0, RSG_STATUS_RENEWED, 0, 0 } }, NULL },
	{ "requested", "news", 0, { { 2, 0, RSG_STATUS_REQUESTED, 0, 0 } },
	    "consent:news" },
	{ "revoked", "news", 0, { { 2, 0, RSG_STATUS_REVOKED, 0, 0 } },
	    "consent:news" },
	{ "a status of the future", "news", 0, { { 2, 0, 200, 0, 0 } },
	    "consent:news" },
	{ "run out", "news", 0, { { 2, 0, RSG_STATUS_GIVEN, 0, NOW - 1 } },
	    "consent:news" },
	{ "ends now", "news", 0, { { 2, 0, RSG_STATUS_GIVEN, 0, NOW } },
	    "consent:news" },
	{ "ends next", "news", 0, { { 2, 0, RSG_STATUS_GIVEN, 0, NOW + 1 } },
	    NULL },
	{ "another purpose", "news", 0, { { 3, 0, RSG_STATUS_GIVEN, 0, 0 } },
	    "consent:news" },
	{ "its channel", "news", 1, { { 2, 1, RSG_STATUS_GIVEN, 0, 0 } }, NULL },
	{ "another channel", "news", 2, { { 2, 1, RSG_STATUS_GIVEN, 0, 0 } },
	    "consent:news" },
	{ "the whole is no channel", "news", 1,
	    { { 2, 0, RSG_STATUS_GIVEN, 0, 0 } }, "consent:news" },
	{ "any channel", "news", 0, { { 2, 6, RSG_STATUS_GIVEN, 0, 0 } }, NULL },
	{ "any channel, objected", "news", 0, { { 2, 6, RSG_STATUS_OBJECTED, 0, 0 } },
	    "consent:news" },
	{ "all withdrawn after the channel", "news", 1,
	    { { 2, 1, RSG_STATUS_GIVEN, 5, 0 }, { 2, 0, RSG_STATUS_WITHDRAWN, 6, 0 } },
	    "consent:news" },
	{ "at the same time", "news", 1,
	    { { 2, 1, RSG_STATUS_GIVEN, 5, 0 }, { 2, 0, RSG_STATUS_WITHDRAWN, 5, 0 } },
	    "consent:news" },
	{ "given after all was withdrawn", "news", 1,
	    { { 2, 1, RSG_STATUS_GIVEN, 7, 0 }, { 2, 0, RSG_STATUS_WITHDRAWN, 6, 0 } },
	    NULL },
	{ "objected", "news", 1,
	    { { 2, 1, RSG_STATUS_GIVEN, 7, 0 }, { 2, 0, RSG_STATUS_OBJECTED, 6, 0 } },
	    "objection:news" },
	{ "the channel objected", "news", 1, { { 2, 1, RSG_STATUS_OBJECTED, 7, 0 } },
	    "objection:news" },
	{ "another channel objected", "news", 1,
	    { { 2, 1, RSG_STATUS_GIVEN, 7, 0 }, { 2, 2, RSG_STATUS_OBJECTED, 6, 0 } },
	    NULL },
	{ "covered from above", "offers", 0,
	    { { 2, 0, RSG_STATUS_GIVEN, 0, 0 } }, NULL },
	{ "not covered two up", "groups", 0,
	    { { 2, 0, RSG_STATUS_GIVEN, 0, 0 } }, "consent:groups" },
	{ "not covered by one that does not cover", "groups", 0,
	    { { 3, 0, RSG_STATUS_GIVEN, 0, 0 } }, "consent:groups" },
	{ "its own no beats the cover", "offers", 0,
	    { { 2, 0, RSG_STATUS_GIVEN, 0, 0 }, { 3, 0, RSG_STATUS_REFUSED, 0, 0 } },
	    "consent:offers" },
	{ "its own yes beats a no above", "offers", 0,
	    { { 2, 0, RSG_STATUS_WITHDRAWN, 9, 0 }, { 3, 0, RSG_STATUS_GIVEN, 0, 0 } },
	    NULL },
	{ "but not an objection above", "offers", 0,
	    { { 2, 0, RSG_STATUS_OBJECTED, 0, 0 }, { 3, 0, RSG_STATUS_GIVEN, 9, 0 } },
	    "objection:news" },
	{ "nor one two up", "groups", 0,
	    { { 2, 0, RSG_STATUS_OBJECTED, 0, 0 }, { 4, 0, RSG_STATUS_GIVEN, 9, 0 } },
	    "objection:news" },
	{ "a channel covered from above", "texts", 2,
	    { { 2, 2, RSG_STATUS_GIVEN, 0, 0 } }, NULL },
	{ "not the other channel", "texts", 2,
	    { { 2, 1, RSG_STATUS_GIVEN, 0, 0 } }, "consent:texts" },
	{ "without a channel, objected above on the only one", "texts", 0,
	    { { 6, 1, RSG_STATUS_GIVEN, 0, 0 }, { 2, 1, RSG_STATUS_OBJECTED, 0, 0 } },
	    "consent:texts" },
	{ "interest", "fraud", 0, { { 0 } }, NULL },
	{ "interest objected", "fraud", 0, { { 5, 0, RSG_STATUS_OBJECTED, 0, 0 } },
	    "objection:fraud" },
	{ "interest withdrawn means nothing", "fraud", 0,
	    { { 5, 0, RSG_STATUS_WITHDRAWN, 0, 0 } }, NULL },
	{ "contract objected means nothing", "account", 0,
	    { { 1, 0, RSG_STATUS_OBJECTED, 0, 0 } }, NULL },
	{ "said twice, once no", "news", 0,
	    { { 2, 0, RSG_STATUS_GIVEN, 0, 0 }, { 2, 0, RSG_STATUS_REFUSED, 0, 0 } },
	    "consent:news" },
};

static void
consent_is_asked_of_the_moment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(consents) / sizeof(consents[0]); i++) {
		struct rsg_grant g[3];
		struct rsg_standing s = { .state = RSG_STATE_ACTIVE, .grant = g };
		struct rsg_question q = { .role = "clerk",
		    .action = RSG_ACT_READ, .purpose = purpose(consents[i].purpose),
		    .channel = consents[i].channel, .standing = &s,
		    .staff = true, .place = true, .reason = true,
		    .recipient = "partner", .now = NOW };
		struct rsg_answer a;

		for (; s.ngrants < 3 && consents[i].said[s.ngrants].purpose; s.ngrants++) {
			const struct said *w = &consents[i].said[s.ngrants];

			g[s.ngrants] = (struct rsg_grant){ w->purpose,
			    w->channel, w->status, w->since, w->until };
		}
		rsg_policy_decide(small, &q, &a);
		if ((consents[i].clause == NULL) != (a.err == RSG_OK) ||
		    (consents[i].clause != NULL &&
		    strcmp(consents[i].clause, a.clause) != 0))
			fail_msg("%s: got %s [%s]", consents[i].what,
			    rsg_err_id(a.err), a.clause);
		if (consents[i].clause != NULL)
			assert_int_equal(a.err, RSG_NO_CONSENT);
	}
}

static void
without_a_person_nobody_has_consented(void **state)
{
	(void)state;
	expect(ask("clerk", RSG_ACT_READ, "offers", 2, "sr", NULL),
	    RSG_NO_CONSENT, "consent:offers");
	expect(ask("clerk", RSG_ACT_EVENT_READ, "offers", 0, "sr", NULL),
	    RSG_NO_CONSENT, "consent:offers");
	/* Who is looked for is not known yet; bulk work asks for each later. */
	expect(ask("clerk", RSG_ACT_LOOKUP, "offers", 2, "", NULL), RSG_OK,
	    "clerk-find");
	expect(ask("tool", RSG_ACT_RELEASE, "groups", 0, "", NULL), RSG_OK,
	    "tool-groups");
}

static void
explain_names_the_clause(void **state)
{
	uint16_t field[] = { 2, 4 };
	struct rsg_question q = { .role = "clerk", .action = RSG_ACT_READ,
	    .purpose = 1, .field = field, .nfields = 2, .place = true };
	struct rsg_buf out;

	(void)state;
	rsg_buf_init(&out, 1 << 16);
	assert_int_equal(rsg_policy_explain(small, &q, RSG_LANG_ES, &out), RSG_OK);
	rsg_buf_u8(&out, 0);
	assert_non_null(strstr((char *)out.p, "Permitido [clerk-read]"));
	assert_non_null(strstr((char *)out.p, "Correo (mail): enmascarado [clerk-read]"));
	assert_non_null(strstr((char *)out.p, "Talla (size): retenido [clerk-read]"));
	rsg_buf_reset(&out);
	q.role = "x";
	assert_int_equal(rsg_policy_explain(small, &q, RSG_LANG_EN, &out), RSG_OK);
	rsg_buf_u8(&out, 0);
	assert_non_null(strstr((char *)out.p, "Denied [default-deny]"));
	rsg_buf_free(&out);
}

static int
load(void **state)
{
	size_t len;
	char *text = file_text(SMALL_POLICY, &len);

	(void)state;
	small = policy_of(text, len);
	free(text);
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	rsg_policy_free(small);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_rule_allows_is_denied),
		cmocka_unit_test(numbers_outside_the_tables_are_denied),
		cmocka_unit_test(the_request_has_to_name_what_is_required),
		cmocka_unit_test(the_state_of_the_record_counts),
		cmocka_unit_test(people_reach_only_themselves),
		cmocka_unit_test(a_withdrawal_is_never_refused),
		cmocka_unit_test(none_outweighs_every_other_rule),
		cmocka_unit_test(a_rule_for_a_recipient_takes_the_place_of_others),
		cmocka_unit_test(consent_is_asked_of_the_moment),
		cmocka_unit_test(without_a_person_nobody_has_consented),
		cmocka_unit_test(explain_names_the_clause),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
