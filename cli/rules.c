/*
 * rules.c - `resguardo policy`: read, question and load a policy folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/command.h"
#include "cli/paths.h"
#include "policy/policytool.h"
#include "resguardo/clock.h"

#define OUT_MAX		(16u << 20)
#define GRANTS_MAX	16

/* The folder: a word, --policies, or the one that comes with the program. */
static const char *
folder(const struct rsg_args *a, char room[RSG_PATH_MAX])
{
	if (a->nwords > 0)
		return a->word[0];
	if (rsg_args_has(a, "policies"))
		return rsg_args_get(a, "policies", NULL);
	return rsg_paths_share(room, "policies") ? room : "policies";
}

static void
print(struct rsg_buf *b, FILE *to)
{
	if (b->len > 0)
		fwrite(b->p, 1, b->len, to);
	rsg_buf_reset(b);
}

enum rsg_exit
rsg_rules_lint(const struct rsg_args *a)
{
	char room[RSG_PATH_MAX];
	struct rsg_buf out;
	enum rsg_err e;

	rsg_buf_init(&out, OUT_MAX);
	e = rsg_policy_lint(folder(a, room), &out);
	print(&out, stdout);
	if (e == RSG_OK)
		printf("policy: nothing to say\n");
	rsg_buf_free(&out);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

enum rsg_exit
rsg_rules_test(const struct rsg_args *a)
{
	char room[RSG_PATH_MAX];
	struct rsg_buf out;
	int failed = 0;
	enum rsg_err e;

	rsg_buf_init(&out, OUT_MAX);
	e = rsg_policy_test(folder(a, room), &out, &failed);
	print(&out, stdout);
	rsg_buf_free(&out);
	if (e != RSG_OK)
		return RSG_EXIT_FAILED;
	printf("policy: %d decisions are not as expected\n", failed);
	return failed == 0 ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

/* A folder's policy, validated; faults are told. */
static enum rsg_err
load(const char *dir, struct rsg_buf *bundle, struct rsg_policy **policy)
{
	struct rsg_buf faults;
	enum rsg_err e;

	*policy = NULL;
	rsg_buf_init(&faults, OUT_MAX);
	e = rsg_policy_bundle(dir, bundle, &faults);
	if (e == RSG_OK)
		e = rsg_policy_load(bundle->p, bundle->len, policy, &faults);
	print(&faults, stderr);
	rsg_buf_free(&faults);
	if (e != RSG_OK)
		rsg_tell_error("the policy in %s cannot be used", dir);
	return e;
}

enum rsg_exit
rsg_rules_matrix(const struct rsg_args *a)
{
	struct rsg_policy *policy;
	struct rsg_buf b, out;
	char room[RSG_PATH_MAX];
	enum rsg_err e;

	rsg_buf_init(&b, OUT_MAX);
	rsg_buf_init(&out, OUT_MAX);
	e = load(folder(a, room), &b, &policy);
	if (e == RSG_OK)
		e = rsg_policy_matrix(policy, &out);
	print(&out, stdout);
	rsg_policy_free(policy);
	rsg_buf_free(&b);
	rsg_buf_free(&out);
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

/* --- Explain --- */

struct asking {
	struct rsg_question q;
	struct rsg_standing standing;
	struct rsg_grant grant[GRANTS_MAX];
	uint16_t field[RSG_POLICY_FIELDS];
};

/* PURPOSE or PURPOSE/CHANNEL, given, refused or withdrawn. */
static bool
grants(const struct rsg_args *a, const struct rsg_policy *p, struct asking *k,
    const char *option, enum rsg_status status)
{
	const struct rsg_purposedef *def;
	const char *s;
	size_t n;
	int channel;

	for (size_t i = 0; (s = rsg_args_nth(a, option, i)) != NULL; i++) {
		struct rsg_grant *g = &k->grant[k->standing.ngrants];

		n = strcspn(s, "/");
		def = rsg_policy_purpose(p, s, n);
		channel = s[n] == '/' ?
		    rsg_channel_find(s + n + 1, strlen(s + n + 1)) : RSG_CHANNEL_NONE;
		if (def == NULL || channel < 0 ||
		    k->standing.ngrants == GRANTS_MAX) {
			rsg_tell_error("--%s is PURPOSE or PURPOSE/CHANNEL: %s",
			    option, s);
			return false;
		}
		g->purpose = def->number;
		g->channel = (uint8_t)channel;
		g->status = (uint8_t)status;
		g->since = k->q.now - RSG_DAY_US;
		k->standing.ngrants++;
	}
	return true;
}

static bool
fields(const struct rsg_args *a, const struct rsg_policy *p, struct asking *k)
{
	const struct rsg_fielddef *def;
	const char *s;

	for (size_t i = 0; (s = rsg_args_nth(a, "field", i)) != NULL; i++) {
		def = rsg_policy_field(p, s, strlen(s));
		if (def == NULL || k->q.nfields == RSG_POLICY_FIELDS) {
			rsg_tell_error("no such field: %s", s);
			return false;
		}
		k->field[k->q.nfields++] = def->number;
	}
	k->q.field = k->field;
	return true;
}

static bool
question(const struct rsg_args *a, const struct rsg_policy *p, struct asking *k)
{
	const struct rsg_purposedef *def = NULL;
	const char *role = rsg_args_get(a, "role", "");
	const char *action = rsg_args_get(a, "action", "");
	const char *purpose = rsg_args_get(a, "purpose", NULL);

	memset(k, 0, sizeof(*k));
	k->q.now = rsg_clock_now();
	k->q.role = role;
	k->q.recipient = rsg_args_get(a, "recipient", NULL);
	k->q.staff = rsg_args_has(a, "staff");
	k->q.place = rsg_args_has(a, "place");
	k->q.reason = rsg_args_has(a, "reason");
	k->q.action = rsg_action_find(action, strlen(action));
	k->standing.state = RSG_STATE_ACTIVE;
	k->standing.grant = k->grant;
	k->standing.self = rsg_args_has(a, "self");
	k->q.standing = rsg_args_has(a, "nobody") ? NULL : &k->standing;
	if (!rsg_policy_role(p, role, strlen(role))) {
		rsg_tell_error("--role is one of the policy's roles");
		return false;
	}
	if (k->q.action == 0) {
		rsg_tell_error("--action is one such as read, create, lookup, release");
		return false;
	}
	if (purpose != NULL &&
	    (def = rsg_policy_purpose(p, purpose, strlen(purpose))) == NULL) {
		rsg_tell_error("no such purpose: %s", purpose);
		return false;
	}
	k->q.purpose = def != NULL ? def->number : 0;
	return fields(a, p, k) &&
	    grants(a, p, k, "given", RSG_STATUS_GIVEN) &&
	    grants(a, p, k, "refused", RSG_STATUS_REFUSED) &&
	    grants(a, p, k, "withdrawn", RSG_STATUS_WITHDRAWN);
}

enum rsg_exit
rsg_rules_explain(const struct rsg_args *a)
{
	enum rsg_exit x = RSG_EXIT_FAILED;
	struct rsg_policy *policy;
	struct rsg_buf b, out;
	char room[RSG_PATH_MAX];
	struct asking *k;

	if ((k = malloc(sizeof(*k))) == NULL)
		return RSG_EXIT_FAILED;
	rsg_buf_init(&b, OUT_MAX);
	rsg_buf_init(&out, OUT_MAX);
	if (load(folder(a, room), &b, &policy) != RSG_OK)
		goto done;
	if (!question(a, policy, k))
		x = RSG_EXIT_USAGE;
	else if (rsg_policy_explain(policy, &k->q, rsg_tell_lang(), &out) == RSG_OK)
		x = RSG_EXIT_OK;
	print(&out, stdout);
done:
	rsg_policy_free(policy);
	rsg_buf_free(&b);
	rsg_buf_free(&out);
	free(k);
	return x;
}

/* --- Load --- */

static enum rsg_err
send_bundle(const char *state, const struct rsg_buf *bundle, int64_t *version)
{
	struct rsg_admin *admin;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e;

	if ((e = rsg_admin_open(state, &admin)) != RSG_OK)
		return e;
	rsg_buf_init(&b, RSG_MSG_HEAD + RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, RSG_OP_POLICY_LOAD, rsg_admin_serial(admin));
	rsg_msg_bytes(&b, RSG_F_BUNDLE, bundle->p, bundle->len);
	rsg_msg_end(&b, begun);
	if ((e = rsg_admin_ask(admin, &b, &reply)) == RSG_OK)
		*version = rsg_msg_get_int(reply.fields, RSG_F_VERSION, 0);
	rsg_buf_free(&b);
	rsg_admin_close(admin);
	return e;
}

enum rsg_exit
rsg_rules_load(const struct rsg_args *a)
{
	struct rsg_policy *policy;
	char room[RSG_PATH_MAX];
	struct rsg_buf b;
	int64_t version;
	enum rsg_err e;

	/* Checked here first: faults are told with file and line. */
	rsg_buf_init(&b, OUT_MAX);
	e = load(folder(a, room), &b, &policy);
	if (e == RSG_OK)
		e = send_bundle(RSG_STATE_OF(a), &b, &version);
	if (e == RSG_OK)
		printf("policy: version %lld is in force\n", (long long)version);
	rsg_policy_free(policy);
	rsg_buf_free(&b);
	return rsg_admin_exit(e);
}
