/*
 * ledger.c - the rules of consent: golden histories (events in, state and
 * decisions out), and what holds of any history at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <string.h>

#include "dice.h"
#include "consent/confirm.h"
#include "policy_files.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"

#define GOLDEN	RSG_SOURCE "/tests/golden/consent/"
#define RUNS	300
#define WORDS	40

static struct rsg_policy *policy;

static int
setup(void **state)
{
	struct rsg_buf bundle;

	(void)state;
	shipped_bundle(&bundle);
	policy = policy_of(bundle.p, bundle.len);
	rsg_buf_free(&bundle);
	return policy == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	rsg_policy_free(policy);
	return 0;
}

/* --- Golden histories --- */

static const char *
text(const struct rsg_json *v, const char *name)
{
	const char *s = rsg_json_string(rsg_json_get(v, name), NULL);

	return s == NULL ? "" : s;
}

static uint16_t
purpose(const char *id)
{
	const struct rsg_purposedef *p = rsg_policy_purpose(policy, id, strlen(id));

	assert_non_null(p);
	return p->number;
}

static enum rsg_channel
channel(const char *name)
{
	int c = name[0] == '\0' ? RSG_CHANNEL_NONE : rsg_channel_find(name, strlen(name));

	assert_true(c >= 0);
	return (enum rsg_channel)c;
}

static int64_t
day(const struct rsg_json *v, const char *name)
{
	return rsg_json_int(rsg_json_get(v, name)) * RSG_DAY_US;
}

static void
say(const char *file, size_t i, const struct rsg_json *v, struct rsg_header *h)
{
	const char *word = text(v, "say"), *gets = text(v, "gets"), *got;
	struct rsg_consent ev = { .status = rsg_ledger_status(word, strlen(word)),
	    .purpose = purpose(text(v, "purpose")),
	    .channel = channel(text(v, "channel")), .time = day(v, "day"),
	    .dated = rsg_json_bool(rsg_json_get(v, "dated")), .until = day(v, "until") };
	struct rsg_header before = *h;
	struct rsg_said said;
	static int64_t asked;
	enum rsg_err e = RSG_CODE_REFUSED;

	/* A code that comes back: it counts unless something was said since. */
	if (strcmp(word, "confirm") != 0)
		e = rsg_rules_apply(policy, h, &ev, &said);
	else if (rsg_rules_answered(h, ev.purpose, ev.channel) <= asked) {
		ev.status = RSG_STATUS_GIVEN;
		e = rsg_rules_apply(policy, h, &ev, &said);
	}
	if (strcmp(word, "ask") == 0)
		asked = said.time;
	got = e != RSG_OK ? rsg_err_id(e) : said.same ? "same" : rsg_status_name(said.event);
	if (strcmp(got, gets) != 0)
		fail_msg("%s: event %zu gets %s, should be %s", file, i, got, gets);
	if (e != RSG_OK || said.same)
		assert_memory_equal(&before, h, sizeof(before));
}

static void
check_state(const char *file, const struct rsg_json *want, const struct rsg_header *h)
{
	for (size_t i = 0; i < h->ngrants; i++) {
		const struct rsg_grant *g = &h->grant[i];
		char name[96];

		snprintf(name, sizeof(name), "%s%s%s",
		    rsg_policy_purpose_no(policy, g->purpose)->id,
		    g->channel == RSG_CHANNEL_NONE ? "" : "/",
		    g->channel == RSG_CHANNEL_NONE ? "" : rsg_channel_name(g->channel));
		if (strcmp(text(want, name), rsg_status_name(g->status)) != 0)
			fail_msg("%s: %s is %s, should be %s", file, name,
			    rsg_status_name(g->status), text(want, name));
	}
	if (rsg_json_size(want) != h->ngrants)
		fail_msg("%s: %zu grants, should be %zu", file, h->ngrants,
		    rsg_json_size(want));
}

/* The clause that refuses; "" where it is allowed. */
static const char *
ask(const struct rsg_header *h, const char *id, const char *by, int64_t now,
    const struct rsg_again *again, size_t nagain)
{
	static struct rsg_answer a;
	const struct rsg_standing st = { .state = h->state, .grant = h->grant,
	    .ngrants = h->ngrants };
	bool tool = strcmp(id, "segmentation") == 0 ||
	    strcmp(id, "advertising_audiences") == 0;
	bool improve = strcmp(id, "product_improvement") == 0;
	const struct rsg_question q = {
	    .role = tool ? "tool" : improve ? "service" : "till",
	    .action = tool ? RSG_ACT_RELEASE : improve ? RSG_ACT_EVENT_READ : RSG_ACT_READ,
	    .purpose = purpose(id), .channel = (uint8_t)channel(by), .standing = &st,
	    .staff = true, .place = true, .reason = true, .now = now,
	    .again = again, .nagain = nagain };

	rsg_policy_decide(policy, &q, &a);
	assert_true(a.err == RSG_OK || a.err == RSG_NO_CONSENT);
	return a.err == RSG_OK ? "" : a.clause;
}

static void
history(const char *file)
{
	struct rsg_header h = { .state = RSG_STATE_ACTIVE };
	struct rsg_again again[8];
	const struct rsg_json *list, *v;
	struct rsg_json *root = NULL;
	size_t len, nagain = 0;
	char *bytes = file_text(file, &len);

	assert_int_equal(rsg_json_parse(bytes, len, &root, NULL), RSG_OK);
	list = rsg_json_get(root, "again");
	for (; list != NULL && nagain < rsg_json_size(list); nagain++) {
		v = rsg_json_at(list, nagain);
		again[nagain] = (struct rsg_again){ purpose(text(v, "purpose")),
		    day(v, "before"), day(v, "from") };
	}
	list = rsg_json_get(root, "events");
	assert_true(rsg_json_size(list) > 0);
	for (size_t i = 0; i < rsg_json_size(list); i++)
		say(file, i, rsg_json_at(list, i), &h);
	check_state(file, rsg_json_get(root, "state"), &h);
	list = rsg_json_get(root, "may");
	for (size_t i = 0; i < rsg_json_size(list); i++) {
		const char *got;

		v = rsg_json_at(list, i);
		got = ask(&h, text(v, "purpose"), text(v, "channel"), day(v, "day"),
		    again, nagain);
		if (strcmp(got, text(v, "clause")) != 0)
			fail_msg("%s: decision %zu is \"%s\", should be \"%s\"", file, i,
			    got, text(v, "clause"));
	}
	rsg_json_free(root);
	free(bytes);
}

static void
golden_histories(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob(GOLDEN "*.json", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 20);
	for (size_t i = 0; i < found.gl_pathc; i++)
		history(found.gl_pathv[i]);
	globfree(&found);
}

/* --- Of any history --- */

static uint64_t rng;

static unsigned
below(unsigned n)
{
	return (unsigned)(dice_throw(&rng) >> 33) % n;
}

/* Any interleaving of gives and withdrawals ends in what the last call said,
 * on clocks that differ by seconds. */
static void
last_word_counts(void **state)
{
	static const char *const ids[] = { "personalised_offers", "segmentation",
	    "marketing" };

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct rsg_header h = { .state = RSG_STATE_ACTIVE };
		enum rsg_status last[3] = { RSG_STATUS_UNKNOWN };
		int64_t now = 1000 * RSG_DAY_US;

		rng = 88172645463325252u + run;
		for (unsigned i = 0; i < WORDS; i++) {
			unsigned which = below(3);
			struct rsg_consent ev = { .purpose = purpose(ids[which]),
			    .status = below(2) ? RSG_STATUS_GIVEN : RSG_STATUS_WITHDRAWN };
			struct rsg_said said;

			now += (int64_t)below(3) * RSG_US;
			ev.time = now - (int64_t)below(5) * RSG_US;
			assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
			last[which] = ev.status;
		}
		for (unsigned k = 0; k < 3; k++) {
			bool yes = ask(&h, ids[k], "", now + RSG_DAY_US, NULL, 0)[0] == '\0';

			if (yes != (last[k] == RSG_STATUS_GIVEN))
				fail_msg("run %u: %s", run, ids[k]);
		}
	}
}

/* After a withdrawal as a whole nothing is allowed, whatever came before. */
static void
whole_withdrawal_ends_all(void **state)
{
	static const enum rsg_status words[] = { RSG_STATUS_GIVEN,
	    RSG_STATUS_WITHDRAWN, RSG_STATUS_REFUSED, RSG_STATUS_REQUESTED,
	    RSG_STATUS_OBJECTED, RSG_STATUS_EXPIRED, RSG_STATUS_REVOKED };

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct rsg_header h = { .state = RSG_STATE_ACTIVE };
		struct rsg_consent ev = { .purpose = purpose("marketing") };
		struct rsg_said said;

		rng = 1181783497276652981u + run;
		for (unsigned i = 0; i < WORDS; i++) {
			ev.status = words[below(7)];
			ev.channel = (enum rsg_channel)below(RSG_CHANNEL__MAX);
			ev.dated = below(4) == 0;
			ev.time = (int64_t)(1 + below(100)) * RSG_DAY_US;
			assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
		}
		ev = (struct rsg_consent){ .purpose = purpose("marketing"),
		    .status = RSG_STATUS_WITHDRAWN, .time = RSG_DAY_US };
		assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
		for (int c = 0; c < RSG_CHANNEL__MAX; c++)
			assert_string_not_equal(ask(&h, "marketing", c == 0 ? "" :
			    rsg_channel_name((enum rsg_channel)c), 200 * RSG_DAY_US,
			    NULL, 0), "");
		/* And said again, it is the same. */
		assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
		assert_true(said.same);
	}
}

/* --- Under an objection --- */

static struct rsg_policy *policy_with(const char *to, const char *from);

/* What rests on the shop's interest stays objected to, when a yes lifts the
 * objection to what stands above it. */
static void
interest_below_stays_objected(void **state)
{
	struct rsg_policy *shipped = policy;
	struct rsg_header h = { .state = RSG_STATE_ACTIVE };
	struct rsg_consent ev = { .status = RSG_STATUS_OBJECTED, .time = RSG_DAY_US };
	struct rsg_said said;

	(void)state;
	policy = policy_with("\"parent\":\"marketing\",",
	    "\"dpv\":\"dpv:ImproveExistingProductsAndServices\"");
	ev.purpose = purpose("marketing");
	assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
	assert_string_equal(ask(&h, "product_improvement", "", ev.time, NULL, 0),
	    "objection:marketing");
	ev.status = RSG_STATUS_GIVEN;
	ev.time++;
	assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
	assert_string_equal(ask(&h, "product_improvement", "", ev.time, NULL, 0),
	    "objection:product_improvement");
	ev.purpose = purpose("product_improvement");
	assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
	assert_string_equal(ask(&h, "product_improvement", "", ev.time + 1, NULL, 0), "");
	rsg_policy_free(policy);
	policy = shipped;
}

/* --- A header with no room left --- */

/* Is the last word on this a no: its own, or one to the purpose as a whole? */
static bool
stands_no(const struct rsg_header *h, uint16_t p, enum rsg_channel c)
{
	const struct rsg_grant *g = rsg_rules_find(h, p, c);

	if (g == NULL || g->status == RSG_STATUS_REQUESTED)
		g = rsg_rules_find(h, p, RSG_CHANNEL_NONE);
	return g != NULL && rsg_rules_no((enum rsg_status)g->status);
}

static void
fits(const struct rsg_header *h)
{
	static struct rsg_header back;
	struct rsg_buf b;

	rsg_buf_init(&b, RSG_HEADER_MAX);
	rsg_header_put(h, &b);
	assert_int_equal(rsg_buf_err(&b), RSG_OK);
	assert_int_equal(rsg_header_get(&back, b.p, b.len), RSG_OK);
	assert_int_equal(back.ngrants, h->ngrants);
	rsg_buf_free(&b);
}

/* Where a header holds all the yeses that it can, it refuses another, and
 * takes every no there is: to all purposes by all channels, twice. */
static void
full_header_takes_a_no(void **state)
{
	static const enum rsg_status nos[] = { RSG_STATUS_OBJECTED,
	    RSG_STATUS_WITHDRAWN, RSG_STATUS_REFUSED };

	(void)state;
	for (size_t n = 0; n < sizeof(nos) / sizeof(nos[0]); n++) {
		static struct rsg_header h;
		struct rsg_consent ev = { .status = RSG_STATUS_GIVEN, .time = RSG_DAY_US,
		    .until = INT64_MAX };
		struct rsg_said said;

		memset(&h, 0, sizeof(h));
		h.state = RSG_STATE_ACTIVE;
		for (ev.purpose = 1; ev.purpose <= RSG_HEADER_OPEN; ev.purpose++)
			assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
		assert_int_equal(h.ngrants, RSG_HEADER_OPEN);
		assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_TOO_LARGE);
		ev.status = RSG_STATUS_REQUESTED;
		assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_TOO_LARGE);
		ev.status = nos[n];
		for (unsigned i = 0; i < 2 * 127 * RSG_CHANNEL__MAX; i++) {
			ev.purpose = (uint16_t)(1 + i / RSG_CHANNEL__MAX % 127);
			ev.channel = (enum rsg_channel)(i % RSG_CHANNEL__MAX);
			assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
			assert_true(stands_no(&h, ev.purpose, ev.channel));
			assert_int_equal(rsg_rules_apply(policy, &h, &ev, &said), RSG_OK);
			assert_true(said.same);
		}
		for (uint16_t p = 1; p < 128; p++)
			for (int c = 0; c < RSG_CHANNEL__MAX; c++)
				assert_true(stands_no(&h, p, (enum rsg_channel)c));
		fits(&h);
	}
}

/* Every no holds until the person says yes to that or to all of its purpose,
 * however full it is, and none of it is ever refused. */
static void
no_holds_in_any_crowd(void **state)
{
	static const enum rsg_status words[] = { RSG_STATUS_GIVEN, RSG_STATUS_REQUESTED,
	    RSG_STATUS_OBJECTED, RSG_STATUS_WITHDRAWN, RSG_STATUS_REFUSED };

	(void)state;
	for (unsigned run = 0; run < 8; run++) {
		static bool no[128][RSG_CHANNEL__MAX];
		static struct rsg_header h;
		struct rsg_said said;

		memset(no, 0, sizeof(no));
		memset(&h, 0, sizeof(h));
		h.state = RSG_STATE_ACTIVE;
		rng = 977 + run;
		for (unsigned i = 0; i < 6000; i++) {
			struct rsg_consent ev = { .status = words[below(5)],
			    .purpose = (uint16_t)(1 + below(127)),
			    .channel = (enum rsg_channel)below(RSG_CHANNEL__MAX),
			    .time = (int64_t)i * RSG_US };
			enum rsg_err e = rsg_rules_apply(policy, &h, &ev, &said);

			if (rsg_rules_no(ev.status)) {
				assert_int_equal(e, RSG_OK);
				no[ev.purpose][ev.channel] = true;
			} else if (ev.status == RSG_STATUS_GIVEN && e == RSG_OK)
				for (int c = 0; c < RSG_CHANNEL__MAX; c++)
					if (ev.channel == RSG_CHANNEL_NONE || c == (int)ev.channel)
						no[ev.purpose][c] = false;
			for (int c = 0; c < RSG_CHANNEL__MAX; c++)
				if (no[ev.purpose][c] &&
				    !stands_no(&h, ev.purpose, (enum rsg_channel)c))
					fail_msg("run %u, word %u: a no to %u/%d is lost", run,
					    i, (unsigned)ev.purpose, c);
		}
		fits(&h);
	}
}

/* --- The second yes --- */

/* The shipped policy, with something said before each of these. */
static struct rsg_policy *
policy_with(const char *to, const char *from)
{
	struct rsg_buf bundle, twice;
	struct rsg_policy *p;
	const char *at, *last;

	shipped_bundle(&bundle);
	rsg_buf_init(&twice, 1 << 20);
	last = (const char *)bundle.p;
	while ((at = memmem(last, (size_t)((const char *)bundle.p + bundle.len - last),
	    from, strlen(from))) != NULL) {
		rsg_buf_put(&twice, last, (size_t)(at - last));
		rsg_buf_put(&twice, to, strlen(to));
		rsg_buf_put(&twice, from, strlen(from));
		last = at + strlen(from);
	}
	rsg_buf_put(&twice, last, (size_t)((const char *)bundle.p + bundle.len - last));
	p = policy_of(twice.p, twice.len);
	rsg_buf_free(&bundle);
	rsg_buf_free(&twice);
	return p;
}

/* The shipped policy, where what rests on consent is confirmed in an hour. */
static struct rsg_policy *
policy_twice(void)
{
	return policy_with("\"double_opt_in\":true,\"confirm_hours\":1,",
	    "\"basis\":\"consent\",");
}

static void
who_has_to_confirm(void **state)
{
	struct rsg_policy *p = policy_twice();
	struct rsg_consent ev = { .status = RSG_STATUS_GIVEN,
	    .purpose = purpose("marketing") };

	(void)state;
	for (int c = 0; c < RSG_CHANNEL__MAX; c++) {
		ev.channel = (enum rsg_channel)c;
		assert_int_equal(rsg_confirm_needed(p, &ev), c == RSG_CHANNEL_NONE ||
		    c == RSG_CHANNEL_EMAIL || c == RSG_CHANNEL_SMS);
		assert_false(rsg_confirm_needed(policy, &ev));
	}
	ev.channel = RSG_CHANNEL_EMAIL;
	ev.double_opt_in = "elsewhere";
	assert_false(rsg_confirm_needed(p, &ev));
	ev.double_opt_in = NULL;
	ev.purpose = purpose("product_improvement");
	assert_false(rsg_confirm_needed(p, &ev));
	ev.purpose = purpose("marketing");
	for (int s = 0; s < RSG_STATUS__MAX; s++) {
		ev.status = (enum rsg_status)s;
		assert_int_equal(rsg_confirm_needed(p, &ev), s == RSG_STATUS_GIVEN ||
		    s == RSG_STATUS_RENEWED);
	}
	rsg_policy_free(p);
}

/* Its own person's, within its hour, once, and only until something is said. */
static void
a_code_answers_its_own_question(void **state)
{
	struct rsg_policy *p = policy_twice();
	struct rsg_header h = { .state = RSG_STATE_ACTIVE };
	struct rsg_id who = rsg_id_new(), other = rsg_id_new();
	struct rsg_consent ev = { .status = RSG_STATUS_GIVEN, .time = 50 * RSG_DAY_US,
	    .purpose = purpose("marketing"), .channel = RSG_CHANNEL_EMAIL };
	uint8_t digest[RSG_DIGEST_LEN], second[RSG_DIGEST_LEN], until[8];
	char code[RSG_CODE_TEXT], next[RSG_CODE_TEXT], typed[RSG_CODE_TEXT];
	struct rsg_ledger_event asked = { 0 };
	const int64_t hour = 3600 * RSG_US;
	int64_t now = ev.time;
	struct rsg_said said;

	(void)state;
	rsg_confirm_ask(p, &who, now, &ev, code, digest);
	assert_int_equal(ev.status, RSG_STATUS_REQUESTED);
	assert_int_equal(ev.code_until, now + hour);
	assert_int_equal(rsg_rules_apply(p, &h, &ev, &said), RSG_OK);
	rsg_be64(until, (uint64_t)ev.code_until);
	asked.purpose = ev.purpose;
	asked.channel = ev.channel;
	asked.time = said.time;
	asked.part[RSG_PROOF_CODE] = (struct rsg_part){ digest, sizeof(digest) };
	asked.part[RSG_PROOF_CODE_UNTIL] = (struct rsg_part){ until, sizeof(until) };
	assert_true(rsg_confirm_answers(&who, &h, &asked, code, 19, now + hour - 1));
	for (int i = 0; i < 19; i++)
		typed[i] = code[i] >= 'A' ? (char)(code[i] + 32) : code[i] == '-' ? ' ' : code[i];
	assert_true(rsg_confirm_answers(&who, &h, &asked, typed, 19, now));
	assert_false(rsg_confirm_answers(&who, &h, &asked, code, 19, now + hour));
	assert_false(rsg_confirm_answers(&other, &h, &asked, code, 19, now));
	assert_false(rsg_confirm_answers(&who, &h, &asked, code, 18, now));
	assert_false(rsg_confirm_answers(&who, &h, &asked, "", 0, now));
	for (int i = 0; i < 19; i++) {
		memcpy(typed, code, sizeof(typed));
		typed[i] = typed[i] == '7' ? '8' : '7';
		assert_false(rsg_confirm_answers(&who, &h, &asked, typed, 19, now));
	}
	/* No two are alike, and one without a code has no answer. */
	ev.status = RSG_STATUS_GIVEN;
	rsg_confirm_ask(p, &who, now, &ev, next, second);
	assert_string_not_equal(code, next);
	assert_false(rsg_confirm_answers(&who, &h, &asked, next, 19, now));
	/* Any answer since, to this or to all of it, and it is too late. */
	for (int i = 0; i < 4; i++) {
		static const enum rsg_status word[] = { RSG_STATUS_GIVEN,
		    RSG_STATUS_WITHDRAWN, RSG_STATUS_OBJECTED, RSG_STATUS_REFUSED };
		struct rsg_header after = h;
		struct rsg_consent then = { .status = word[i], .purpose = ev.purpose,
		    .channel = i % 2 ? RSG_CHANNEL_NONE : RSG_CHANNEL_EMAIL, .time = now };

		assert_int_equal(rsg_rules_apply(p, &after, &then, &said), RSG_OK);
		assert_false(rsg_confirm_answers(&who, &after, &asked, code, 19, now));
	}
	/* Another question, or an answer about another channel, is none. */
	ev = (struct rsg_consent){ .status = RSG_STATUS_WITHDRAWN, .time = now,
	    .purpose = ev.purpose, .channel = RSG_CHANNEL_SMS };
	assert_int_equal(rsg_rules_apply(p, &h, &ev, &said), RSG_OK);
	assert_true(rsg_confirm_answers(&who, &h, &asked, code, 19, now));
	rsg_policy_free(p);
}

static void
guessing_is_bounded(void **state)
{
	struct rsg_header h = { .state = RSG_STATE_ACTIVE };
	int64_t now = 1000 * RSG_DAY_US, hour = 3600 * RSG_US;

	(void)state;
	for (int i = 0; i < RSG_CONFIRM_TRIES; i++) {
		assert_int_equal(rsg_confirm_wait(&h, now), 0);
		rsg_confirm_wrong(&h, now + i);
	}
	assert_in_range(rsg_confirm_wait(&h, now + 10), 3590, 3601);
	assert_int_equal(rsg_confirm_wait(&h, now + hour - 1), 1);
	/* The hour runs from the first; then it begins anew. */
	assert_int_equal(rsg_confirm_wait(&h, now + hour), 0);
	rsg_confirm_wrong(&h, now + hour);
	assert_int_equal(h.guesses.wrong, 1);
	assert_int_equal(rsg_confirm_wait(&h, now + hour), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_histories),
		cmocka_unit_test(last_word_counts),
		cmocka_unit_test(whole_withdrawal_ends_all),
		cmocka_unit_test(interest_below_stays_objected),
		cmocka_unit_test(full_header_takes_a_no),
		cmocka_unit_test(no_holds_in_any_crowd),
		cmocka_unit_test(who_has_to_confirm),
		cmocka_unit_test(a_code_answers_its_own_question),
		cmocka_unit_test(guessing_is_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
