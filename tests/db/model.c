#include "db/shop.h"

static void
models_are_shown_to_their_own(void **state)
{
	struct rsg_call c;
	struct rsg_id model;
	struct rsg_fields one;
	size_t pos = 0, n = 0, hidden = 0;
	int64_t people = 0;

	(void)state;
	if (f.db == NULL)
		skip();
	model = fit_model();
	begin(&c);
	rsg_msg_id(&in, RSG_F_MODEL, &model);
	assert_int_equal(run(&c, rsg_op_model_show), RSG_OK);
	while (rsg_msg_each(out_of(&c), &pos, RSG_F_CELLS, &one)) {
		n++;
		hidden += !rsg_msg_has(one, RSG_F_COUNT);
		people += rsg_msg_get_int(one, RSG_F_COUNT, 0);
	}
	assert_int_equal(n, 125);
	assert_true(people <= PEOPLE - PEOPLE / 10);
	if (people < PEOPLE - PEOPLE / 10)
		assert_true(hidden >= 2 && PEOPLE - PEOPLE / 10 - people >= 10);
	rsg_buf_free(&c.out);
	begin(&c);
	assert_int_equal(run(&c, rsg_op_model_list), RSG_OK);
	pos = 0;
	assert_true(rsg_msg_each(out_of(&c), &pos, RSG_F_MODELS, &one));
	rsg_buf_free(&c.out);
	/* Another controller's tool, and a purpose that is not theirs. */
	begin(&c);
	c.actor.controller = 2;
	rsg_msg_id(&in, RSG_F_MODEL, &model);
	assert_int_equal(run(&c, rsg_op_model_show), RSG_NOT_FOUND);
	begin(&c);
	snprintf(c.actor.purposes, sizeof(c.actor.purposes), "market_research");
	rsg_msg_id(&in, RSG_F_MODEL, &model);
	assert_int_equal(run(&c, rsg_op_model_show), RSG_NOT_FOUND);
	begin(&c);
	snprintf(c.actor.purposes, sizeof(c.actor.purposes), "marketing");
	assert_int_not_equal(run(&c, rsg_op_model_list), RSG_OK);
	assert_int_not_equal(c.draft.decision, RSG_OK);
	begin(&c);
	assert_int_equal(run(&c, rsg_op_segment_list), RSG_OK);
	pos = 0;
	assert_true(rsg_msg_each(out_of(&c), &pos, RSG_F_SEGMENTS, &one));
	assert_false(rsg_msg_has(one, RSG_F_TITLE));
	rsg_buf_free(&c.out);
}

static void
bad_requests_are_told_apart(void **state)
{
	static const struct {
		enum rsg_field field;
		int64_t value;
		const char *member;
	} cases[] = {
		{ RSG_F_BINS, 1, "bins" }, { RSG_F_BINS, 11, "bins" },
		{ RSG_F_WINDOW, -1, "window_days" }, { RSG_F_WINDOW, 1 << 20, "window_days" },
	};
	struct rsg_call c;

	(void)state;
	if (f.db == NULL)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&c);
		rsg_msg_text(&in, RSG_F_PURPOSE, "segmentation");
		rsg_msg_int(&in, cases[i].field, cases[i].value);
		assert_int_equal(run(&c, rsg_op_model_fit), RSG_BAD_VALUE);
		assert_string_equal(c.member, cases[i].member);
	}
	begin(&c);
	rsg_msg_text(&in, RSG_F_PURPOSE, "nothing_of_ours");
	assert_int_equal(run(&c, rsg_op_model_fit), RSG_UNKNOWN_PURPOSE);
	begin(&c);
	rsg_msg_text(&in, RSG_F_PURPOSE, "segmentation");
	rsg_msg_text(&in, RSG_F_RETURNS, "some");
	assert_int_equal(run(&c, rsg_op_model_fit), RSG_BAD_VALUE);
	/* Before anybody bought, and when almost nobody had. */
	begin(&c);
	rsg_msg_text(&in, RSG_F_PURPOSE, "segmentation");
	rsg_msg_int(&in, RSG_F_AS_OF, TODAY - 5000);
	assert_int_equal(run(&c, rsg_op_model_fit), RSG_EMPTY_POPULATION);
	assert_int_equal(c.draft.decision, RSG_EMPTY_POPULATION);
	begin(&c);
	rsg_msg_text(&in, RSG_F_PURPOSE, "segmentation");
	rsg_msg_int(&in, RSG_F_AS_OF, TODAY - 306);
	assert_int_equal(run(&c, rsg_op_model_fit), RSG_GROUP_TOO_SMALL);
	assert_int_equal(c.draft.decision, RSG_GROUP_TOO_SMALL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_are_shown_to_their_own),
		cmocka_unit_test(bad_requests_are_told_apart),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
