/*
 * policy_shipped.c - the rules that come with the product: their golden
 * matrix (RSG_GOLDEN_UPDATE=1 writes it anew), their own tests, and what
 * must hold of them whatever is changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "unit/policy_files.h"

#define GOLDEN	RSG_SOURCE "/tests/golden/policy_matrix.txt"

static struct rsg_policy *shipped;

static void
shipped_rules_are_the_golden_matrix(void **state)
{
	struct rsg_buf out;
	const char *update;
	char *golden;
	FILE *f;

	(void)state;
	rsg_buf_init(&out, 1 << 20);
	assert_int_equal(rsg_policy_matrix(shipped, &out), RSG_OK);
	update = getenv("RSG_GOLDEN_UPDATE");
	if (update != NULL && strcmp(update, "1") == 0) {
		f = fopen(GOLDEN, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(out.p, 1, out.len, f), out.len);
		fclose(f);
	}
	rsg_buf_u8(&out, 0);
	golden = file_text(GOLDEN, NULL);
	if (strcmp((const char *)out.p, golden) != 0)
		fail_msg("%s is not what the rules give any more; look at "
		    "'resguardo policy matrix', then set RSG_GOLDEN_UPDATE=1",
		    GOLDEN);
	free(golden);
	rsg_buf_free(&out);
}

static void
shipped_tests_hold_and_lint_is_clean(void **state)
{
	struct rsg_buf out;
	int failed = -1;
	enum rsg_err e;

	(void)state;
	rsg_buf_init(&out, 1 << 20);
	e = rsg_policy_test(POLICY_DIR, &out, &failed);
	if (e != RSG_OK || failed != 0)
		print_message("%.*s", (int)out.len, (const char *)out.p);
	assert_int_equal(e, RSG_OK);
	assert_int_equal(failed, 0);
	rsg_buf_reset(&out);
	e = rsg_policy_lint(POLICY_DIR, &out);
	if (e != RSG_OK)
		print_message("%.*s", (int)out.len, (const char *)out.p);
	assert_int_equal(e, RSG_OK);
	rsg_buf_free(&out);
}

/* Over all there is to ask: the tool no field, the administrator nobody. */
static void
tool_and_administrator_read_nobody(void **state)
{
	static const char *const roles[] = { "tool", "administrator" };
	struct rsg_grant g[18 * RSG_CHANNEL__MAX];
	struct rsg_standing s = { .state = RSG_STATE_ACTIVE, .grant = g };
	struct rsg_answer a;
	uint16_t field;

	(void)state;
	for (uint16_t pu = 1; pu < 18; pu++)
		for (uint8_t c = 0; c < RSG_CHANNEL__MAX; c++)
			g[s.ngrants++] = (struct rsg_grant){ .purpose = pu,
			    .channel = c, .status = RSG_STATUS_GIVEN };
	for (size_t r = 0; r < 2; r++)
		for (int act = 1; act < RSG_ACT__MAX; act++)
			for (uint16_t pu = 0; pu < 18; pu++)
				for (field = 1; field < 29; field++) {
			struct rsg_question q = { .role = roles[r],
			    .action = (enum rsg_action)act, .purpose = pu,
			    .field = &field, .nfields = 1, .standing = &s,
			    .staff = true, .place = true, .reason = true };

			rsg_policy_decide(shipped, &q, &a);
			if (act != RSG_ACT_IMPORT)
				assert_int_equal(a.transform[field], RSG_TR_NONE);
			if (act == RSG_ACT_READ || act == RSG_ACT_LOOKUP ||
			    act == RSG_ACT_EVENT_READ || act == RSG_ACT_CHANGE)
				assert_int_equal(a.err, RSG_DENIED);
		}
}

static int
load(void **state)
{
	struct rsg_buf bundle;

	(void)state;
	shipped_bundle(&bundle);
	shipped = policy_of(bundle.p, bundle.len);
	rsg_buf_free(&bundle);
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	rsg_policy_free(shipped);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_rules_are_the_golden_matrix),
		cmocka_unit_test(shipped_tests_hold_and_lint_is_clean),
		cmocka_unit_test(tool_and_administrator_read_nobody),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
