/*
 * router.c - each path has one meaning, and the table fits the shapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "http/router.h"

static enum rsg_err
match(const char *method, const char *path, struct rsg_match *m)
{
	return rsg_router_match(RSG_PUBLIC, rsg_router_method(method), path,
	    strlen(path), m);
}

static void
test_paths_find_their_op(void **state)
{
	static const struct { const char *method, *path; enum rsg_op op; } want[] = {
		{ "GET", "/healthz", RSG_NO_OP },
		{ "GET", "/readyz", RSG_OP_READY },
		{ "POST", "/v1/subjects", RSG_OP_SUBJECT_CREATE },
		{ "POST", "/v1/subjects/lookup", RSG_OP_SUBJECT_LOOKUP },
		{ "GET", "/v1/subjects/x", RSG_OP_SUBJECT_READ },
		{ "HEAD", "/v1/subjects/x", RSG_OP_SUBJECT_READ },
		{ "PATCH", "/v1/subjects/x", RSG_OP_SUBJECT_CHANGE },
		{ "GET", "/v1/subjects/x/consents", RSG_OP_CONSENT_STATE },
		{ "POST", "/v1/subjects/x/consents", RSG_OP_CONSENT_WRITE },
		{ "GET", "/v1/subjects/x/events", RSG_OP_EVENT_LIST },
		{ "POST", "/v1/subjects/x/events", RSG_OP_EVENT_ADD },
		{ "POST", "/v1/events", RSG_OP_EVENT_ADD },
		{ "POST", "/v1/models", RSG_OP_MODEL_FIT },
		{ "GET", "/v1/segments/x/members", RSG_OP_MEMBERS },
		{ "GET", "/v1/members", RSG_OP_MEMBERS },
		{ "POST", "/v1/policy/explain", RSG_OP_POLICY_EXPLAIN },
	};
	struct rsg_match m;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_int_equal(match(want[i].method, want[i].path, &m), RSG_OK);
		assert_int_equal(m.route->op, want[i].op);
	}
}

static void
test_captures_are_what_stood_there(void **state)
{
	struct rsg_match m;

	(void)state;
	assert_int_equal(match("GET", "/v1/subjects/a%2Fb/events", &m), RSG_OK);
	assert_int_equal(m.captures, 1);
	assert_int_equal(m.capture[0].len, 5);
	assert_memory_equal(m.capture[0].value, "a%2Fb", 5);
	assert_int_equal(m.capture[0].name_len, 7);
	assert_memory_equal(m.capture[0].name, "subject", 7);
}

static void
test_near_misses_are_no_route(void **state)
{
	static const char *const none[] = { "", "/", "/v1", "/v1/", "/v1/me/",
		"//v1/me", "/v1//me", "/V1/me", "/v1/mee", "/v1/m",
		"/v1/subjects/", "/v1/subjects//events", "/v1/subjects/x/",
		"/v1/subjects/x/y", "/v1/%6de", "v1/me", "/metrics",
		"/v1/subjects/x/events/", "/v1/me?x" };
	struct rsg_match m;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		if (match("GET", none[i], &m) != RSG_NO_ROUTE)
			fail_msg("'%s' is a route", none[i]);
		assert_null(m.route);
	}
}

static void
test_other_methods_are_told_what_goes(void **state)
{
	struct rsg_match m;
	char text[64];

	(void)state;
	assert_int_equal(match("DELETE", "/v1/subjects/x", &m), RSG_BAD_METHOD);
	rsg_router_allow(m.allowed, text);
	assert_string_equal(text, "GET, HEAD, PATCH, OPTIONS");
	assert_int_equal(match("get", "/v1/me", &m), RSG_BAD_METHOD);
	/* The literal path hides the capture, for every method. */
	assert_int_equal(match("GET", "/v1/subjects/lookup", &m), RSG_BAD_METHOD);
	rsg_router_allow(m.allowed, text);
	assert_string_equal(text, "POST, OPTIONS");
	assert_int_equal(match("OPTIONS", "/v1/models", &m), RSG_OK);
	assert_null(m.route);
	rsg_router_allow((1u << RSG_METHOD__MAX) - 1, text);
	assert_string_equal(text, "GET, HEAD, POST, PATCH, OPTIONS");
}

static void
test_listeners_are_apart(void **state)
{
	struct rsg_match m;

	(void)state;
	assert_int_equal(rsg_router_match(RSG_PRIVATE, RSG_GET, "/metrics", 8,
	    &m), RSG_OK);
	assert_int_equal(rsg_router_match(RSG_PRIVATE, RSG_GET, "/v1/me", 6, &m),
	    RSG_NO_ROUTE);
}

/* How many captures of the path are called so? */
static int
captures(const char *path, const char *name)
{
	char brace[80];
	const char *found;

	(void)snprintf(brace, sizeof(brace), "{%s}", name);
	found = strstr(path, brace);
	return found == NULL ? 0 : 1 + captures(found + 1, name);
}

static void
check_places(const struct rsg_route *r, const struct rsg_shapeinfo *in)
{
	const struct rsg_memberinfo *m;
	size_t named = 0, braces = 0;
	bool body = false;
	int n;

	for (size_t i = 0; i < in->n; i++) {
		m = &in->member[i];
		body |= m->place == RSG_BODY;
		if (m->place != RSG_PATH)
			continue;
		n = captures(r->path, rsg_msg_field(m->field)->json);
		named += (size_t)n;
		if (n == 0 && m->many == RSG_ONE)
			fail_msg("%s lacks {%s}", r->path,
			    rsg_msg_field(m->field)->json);
	}
	for (const char *p = r->path; *p != '\0'; p++)
		braces += *p == '{';
	if (named != braces)
		fail_msg("%s has a capture that its shape lacks", r->path);
	if (body != (r->body != RSG_BODY_EMPTY))
		fail_msg("%s: body and shape disagree", r->path);
}

static void
test_table_fits_the_shapes(void **state)
{
	const struct rsg_opinfo *op;
	const struct rsg_route *r;

	(void)state;
	for (int i = 0; i < RSG_ROUTE__MAX; i++) {
		r = &rsg_router_table[i];
		if ((op = rsg_msg_op(r->op)) == NULL)
			continue;
		assert_true(op->sockets & RSG_SOCKET_API);
		check_places(r, rsg_msg_shape(op->in));
		if (r->body == RSG_BODY_ITEM || r->body == RSG_BODY_LINES)
			assert_int_equal(rsg_msg_field(r->item)->type, RSG_T_GROUP);
		if (r->list != RSG_NO_FIELD)
			assert_int_equal(rsg_msg_field(r->list)->type, RSG_T_GROUP);
		if (r->location != NULL)
			assert_int_equal(r->status, 201);
		/* Whoever needs no key gets nothing that is anybody's. */
		if (r->access == RSG_OPEN)
			assert_true(r->op == RSG_OP_READY || r->op == RSG_OP_METRICS ||
			    r->op == RSG_OP_KEYS);	/* public keys are public */
	}
}

static void
test_every_call_for_the_api_has_a_route(void **state)
{
	bool found;

	(void)state;
	for (int op = 0; op < RSG_OP__MAX; op++) {
		if (!(rsg_msg_op((enum rsg_op)op)->sockets & RSG_SOCKET_API))
			continue;
		found = false;
		for (int i = 0; i < RSG_ROUTE__MAX; i++)
			found |= rsg_router_table[i].op == (enum rsg_op)op;
		if (!found)
			fail_msg("%s has no route", rsg_msg_op((enum rsg_op)op)->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_find_their_op),
		cmocka_unit_test(test_captures_are_what_stood_there),
		cmocka_unit_test(test_near_misses_are_no_route),
		cmocka_unit_test(test_other_methods_are_told_what_goes),
		cmocka_unit_test(test_listeners_are_apart),
		cmocka_unit_test(test_table_fits_the_shapes),
		cmocka_unit_test(test_every_call_for_the_api_has_a_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
