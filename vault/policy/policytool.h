/*
 * policytool.h - reading and questioning a policy, for people: the calls
 * behind `resguardo policy lint|test|explain|matrix`.
 *
 * All append text, a line a finding, to a buffer of the caller's.
 */
#ifndef RSG_POLICYTOOL_H
#define RSG_POLICYTOOL_H

#include "policy/policy.h"

/*
 * Everything that is wrong ("fault: ...") or doubtful ("doubt: ...") in a
 * policy folder. RSG_OK: nothing. RSG_CONFIG: something; RSG_IO: it could not
 * be read whole.
 */
RSG_MUST enum rsg_err rsg_policy_lint(const char *dir, struct rsg_buf *out);

/*
 * Ask the policy of a folder all questions in its tests/ and write what is
 * not answered as expected. *failed counts those. RSG_OK even then;
 * RSG_IO or RSG_CONFIG when policy or tests cannot be used.
 */
RSG_MUST enum rsg_err rsg_policy_test(const char *dir, struct rsg_buf *out,
    int *failed);

/* One question and its answer in words. */
RSG_MUST enum rsg_err rsg_policy_explain(const struct rsg_policy *,
    const struct rsg_question *, enum rsg_lang, struct rsg_buf *out);

/*
 * Every decision that is ever a yes: role, action, purpose; with what consent
 * and requirements; which fields in which form. The same policy gives the
 * same text, so that two can be compared line by line.
 */
RSG_MUST enum rsg_err rsg_policy_matrix(const struct rsg_policy *,
    struct rsg_buf *out);

#endif
