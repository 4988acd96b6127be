/*
 * policy_random.c - random questions, answered alike by the tables and by an
 * oracle that reads the JSON again each time (policy_oracle.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "resguardo/json.h"
#include "unit/policy_files.h"
#include "unit/policy_oracle.h"

#define NOW	1000

static uint64_t seed;

static uint32_t
below(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

/* Role, action and purpose that some rule speaks of; or anything at all. */
static void
random_aim(const struct rsg_policy *p, const struct rsg_json *json,
    struct rsg_question *q)
{
	const struct rsg_json *rules = o_list(json, "access.json", "rules");
	const struct rsg_json *r = rsg_json_at(rules,
	    below((uint32_t)rsg_json_size(rules)));
	const struct rsg_json *actions = rsg_json_get(r, "actions");
	const struct rsg_json *purposes = rsg_json_get(r, "purposes");
	const struct rsg_purposedef *d;
	const char *s;

	q->role = below(20) ? o_text(r, "role") : "nobody";
	s = rsg_json_string(rsg_json_at(actions,
	    below((uint32_t)rsg_json_size(actions))), NULL);
	q->action = below(20) ? rsg_action_find(s, strlen(s)) :
	    (enum rsg_action)(1 + below(RSG_ACT__MAX - 1));
	s = rsg_json_string(rsg_json_at(purposes,
	    below((uint32_t)rsg_json_size(purposes))), NULL);
	d = rsg_policy_purpose(p, s, strlen(s));
	q->purpose = d != NULL && below(20) ? d->number : (uint16_t)below(20);
}

static void
random_question(const struct rsg_policy *p, const struct rsg_json *json,
    struct rsg_question *q, struct rsg_standing *s, struct rsg_grant *g,
    uint16_t *field)
{
	static const char *const recipients[] = { NULL, NULL, "partner",
	    "other", "third", "stranger" };

	memset(q, 0, sizeof(*q));
	random_aim(p, json, q);
	q->recipient = recipients[below(6)];
	q->channel = (uint8_t)(below(2) ? 0 : below(RSG_CHANNEL__MAX));
	q->staff = below(4) != 0;
	q->place = below(4) != 0;
	q->reason = below(4) != 0;
	q->now = NOW;
	q->field = field;
	q->nfields = below(7);
	for (size_t i = 0; i < q->nfields; i++)
		field[i] = (uint16_t)(1 + below(below(2) ? 4 : 30));
	s->state = (enum rsg_state)(below(3) ? 1 : 1 + below(4));
	s->self = below(4) != 0;
	s->grant = g;
	s->ngrants = below(8);
	for (size_t i = 0; i < s->ngrants; i++)
		g[i] = (struct rsg_grant){
		    .purpose = below(2) ? q->purpose : (uint16_t)(1 +
		    below(below(2) ? 6 : 18)),
		    .channel = (uint8_t)(below(2) ? 0 : below(RSG_CHANNEL__MAX)),
		    .status = (uint8_t)(below(4) ? RSG_STATUS_GIVEN :
		    below(RSG_STATUS__MAX)), .since = below(4),
		    .until = below(3) ? 0 : NOW - 1 + below(3) };
	q->standing = below(8) ? s : NULL;
}

static void
compare(const struct rsg_question *q, const struct rsg_answer *a,
    const struct oracle_answer *o, int round)
{
	if (a->err != o->err || strcmp(a->clause, o->clause) != 0)
		fail_msg("round %d: %s %s %u: %s [%s], the oracle says %s [%s]",
		    round, q->role, rsg_action_name(q->action), q->purpose,
		    rsg_err_id(a->err), a->clause, rsg_err_id(o->err), o->clause);
	assert_int_equal(a->min_group, o->min_group);
	assert_int_equal(a->rate, o->rate);
	for (size_t i = 0; i < q->nfields; i++) {
		uint16_t n = q->field[i];

		if (a->transform[n] != o->transform[n] ||
		    strcmp(a->why[n], o->why[n]) != 0)
			fail_msg("round %d: %s %s %u field %u: %u [%s], the "
			    "oracle says %u [%s]", round, q->role,
			    rsg_action_name(q->action), q->purpose, n,
			    a->transform[n], a->why[n], o->transform[n],
			    o->why[n]);
	}
}

static int
agree(const struct rsg_policy *p, const struct rsg_json *json, int rounds)
{
	struct rsg_grant grant[8];
	struct rsg_standing s;
	struct rsg_question q;
	struct rsg_answer a;
	struct oracle_answer o;
	uint16_t field[8];
	int allowed = 0;

	for (int i = 0; i < rounds; i++) {
		random_question(p, json, &q, &s, grant, field);
		rsg_policy_decide(p, &q, &a);
		oracle_decide(json, &q, &o);
		compare(&q, &a, &o, i);
		allowed += a.err == RSG_OK;
	}
	return allowed;
}

static void
on_a_policy_with_everything(void **state)
{
	struct rsg_json *json;
	struct rsg_policy *p;
	size_t len;
	char *text = file_text(SMALL_POLICY, &len);

	(void)state;
	seed = 20260101;
	p = policy_of(text, len);
	assert_int_equal(rsg_json_parse(text, len, &json, NULL), RSG_OK);
	/* Enough of them must be allowed, or nothing was compared. */
	assert_true(agree(p, json, 40000) > 8000);
	rsg_json_free(json);
	rsg_policy_free(p);
	free(text);
}

static void
on_the_shipped_policy(void **state)
{
	struct rsg_buf bundle;
	struct rsg_json *json;
	struct rsg_policy *p;

	(void)state;
	seed = 20260102;
	shipped_bundle(&bundle);
	p = policy_of(bundle.p, bundle.len);
	assert_int_equal(rsg_json_parse(bundle.p, bundle.len, &json, NULL),
	    RSG_OK);
	/* More kinds of action, more questions for as many that are allowed. */
	assert_true(agree(p, json, 40000) > 4000);
	rsg_json_free(json);
	rsg_policy_free(p);
	rsg_buf_free(&bundle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_policy_with_everything),
		cmocka_unit_test(on_the_shipped_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
