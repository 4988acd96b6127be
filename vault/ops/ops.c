#include <string.h>

#include "ops/ops.h"
#include "work/metrics.h"

#define READ(op, w, a)	[RSG_OP_##op] = { .mode = RSG_MODE_READ, .want = w, .apply = a }
#define WRITE(op, w, a)	[RSG_OP_##op] = { .mode = RSG_MODE_WRITE, .want = w, .apply = a }
#define SOLO(op, s)	[RSG_OP_##op] = { .mode = RSG_MODE_SOLO, .solo = s }
#define EVENTS(op)	[RSG_OP_##op] = { .mode = RSG_MODE_EVENTS }

static const struct rsg_opdef ops[RSG_OP__MAX] = {
	[RSG_OP_READY] = { .mode = RSG_MODE_READ, .anonymous = true,
	    .want = rsg_op_ready_want, .apply = rsg_op_ready_gauge },
	[RSG_OP_METRICS] = { .mode = RSG_MODE_FREE, .anonymous = true },
	[RSG_OP_KEYS] = { .mode = RSG_MODE_READ, .anonymous = true,
	    .apply = rsg_op_keys },
	SOLO(RECEIPT, rsg_op_receipt),
	SOLO(REPORT, rsg_op_report),
	SOLO(ASK_AGAIN, rsg_op_ask_again),
	SOLO(ASK_RELEASE, rsg_op_ask_release),
	READ(ME, NULL, rsg_op_me),
	READ(SUBJECT_READ, rsg_op_read_want, rsg_op_read),
	READ(SUBJECT_LOOKUP, rsg_op_lookup_want, rsg_op_lookup),
	READ(CONSENT_STATE, rsg_op_consent_state_want, rsg_op_consent_state),
	SOLO(NOTICE_LIST, rsg_op_notice_list),
	SOLO(NOTICE_SHOW, rsg_op_notice_show),
	SOLO(NOTICE_PUBLISH, rsg_op_notice_publish),
	SOLO(CONSENT_HISTORY, rsg_op_consent_history),
	SOLO(RELATION_ADD, rsg_op_relation_add),
	WRITE(ATTACHMENT_ADD, rsg_op_attachment_add_want, rsg_op_attachment_add),
	SOLO(ATTACHMENT_READ, rsg_op_attachment_read),
	READ(POLICY_SHOW, NULL, rsg_op_policy_show),
	READ(POLICY_EXPLAIN, rsg_op_explain_want, rsg_op_explain),
	READ(SEGMENT_LIST, NULL, rsg_op_segments),
	WRITE(SUBJECT_CREATE, rsg_op_create_want, rsg_op_create),
	WRITE(SUBJECT_CHANGE, rsg_op_change_want, rsg_op_change),
	WRITE(CONSENT_WRITE, rsg_op_consent_write_want, rsg_op_consent_write),
	WRITE(CONSENT_CONFIRM, rsg_op_consent_confirm_want, rsg_op_consent_confirm),
	SOLO(INCENTIVE_LIST, rsg_op_incentive_list),
	SOLO(INCENTIVE_PUBLISH, rsg_op_incentive_publish),
	WRITE(BENEFIT_WRITE, rsg_op_benefit_write_want, rsg_op_benefit_write),
	SOLO(BENEFIT_REDEEM, rsg_op_benefit_redeem),
	READ(BENEFIT_LIST, rsg_op_benefit_list_want, rsg_op_benefit_list),
	READ(POINTS, rsg_op_benefit_list_want, rsg_op_points),
	READ(PROFIT, rsg_op_profit_want, rsg_op_profit),
	SOLO(PROMISES, rsg_op_promises),
	SOLO(QUESTIONS, rsg_op_questions),
	READ(CONTACT_ASK, rsg_op_contact_ask_want, rsg_op_contact_ask),
	WRITE(CONTACT_REPORT, rsg_op_contact_report_want, rsg_op_contact_report),
	EVENTS(EVENT_ADD),
	EVENTS(IMPORT_EVENTS),
	SOLO(EVENT_LIST, rsg_op_event_list),
	SOLO(MODEL_FIT, rsg_op_model_fit),
	SOLO(MODEL_LIST, rsg_op_model_list),
	SOLO(MODEL_SHOW, rsg_op_model_show),
	SOLO(MEMBERS, rsg_op_members),
	SOLO(AUDIT_SEARCH, rsg_op_audit_search),
	SOLO(AUDIT_COUNTS, rsg_op_audit_counts),
	SOLO(AUDIT_BUNDLE, rsg_op_audit_bundle),
	SOLO(AUDIT_PROOF, rsg_op_audit_proof),
	SOLO(LOG_GROWTH, rsg_op_log_growth),
	SOLO(CONTROLLER_ADD, rsg_op_controller_add),
	SOLO(CONTROLLER_SET, rsg_op_controller_set),
	SOLO(CONTROLLER_LIST, rsg_op_controller_list),
	SOLO(RECIPIENT_ADD, rsg_op_recipient_add),
	SOLO(RECIPIENT_LIST, rsg_op_recipient_list),
	SOLO(PRINCIPAL_ADD, rsg_op_principal_add),
	SOLO(PRINCIPAL_LIST, rsg_op_principal_list),
	SOLO(PRINCIPAL_REVOKE, rsg_op_principal_revoke),
	SOLO(POLICY_LOAD, rsg_op_policy_load),
	SOLO(IMPORT_CUSTOMERS, rsg_op_import_customers),
	SOLO(IMPORT_CONSENTS, rsg_op_import_consents),
	SOLO(IMPORT_BENEFITS, rsg_op_import_benefits),
	SOLO(STATUS, rsg_op_status),
};

const struct rsg_opdef *
rsg_ops_get(enum rsg_op op)
{
	return &ops[op];
}

enum rsg_mode
rsg_ops_mode(const struct rsg_call *c)
{
	switch (c->op) {
	case RSG_OP_SUBJECT_READ: case RSG_OP_CONSENT_STATE:
	case RSG_OP_BENEFIT_LIST: case RSG_OP_POINTS: case RSG_OP_PROFIT:
		if (rsg_msg_get_int(c->in, RSG_F_GPC, 0) != 0)
			return RSG_MODE_WRITE;
		break;
	default:
		break;
	}
	return ops[c->op].mode;
}

void
rsg_ops_free(struct rsg_queue *q, struct rsg_call *c)
{
	struct rsg_buf text;

	rsg_buf_init(&text, 1u << 20);
	rsg_metrics_text(&text, rsg_queue_waiting(q));
	if (rsg_buf_ok(&text))
		rsg_msg_bytes(&c->out, RSG_F_TEXT, text.p, text.len);
	else
		rsg_call_fail(c, RSG_NO_MEMORY, NULL, NULL);
	rsg_buf_free(&text);
}
