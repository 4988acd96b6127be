/*
 * ops.h - the calls the vault process answers: one row each in ops.c, with how
 * it shares a transaction and who carries it out.
 */
#ifndef RSG_OPS_H
#define RSG_OPS_H

#include "work/batch.h"
#include "work/call.h"
#include "work/queue.h"

struct rsg_opdef {
	enum rsg_mode mode;
	bool anonymous;			/* answered without a credential */
	rsg_want_fn *want;		/* READ, WRITE: what to fetch */
	rsg_apply_fn *apply;		/* READ, WRITE: decide, answer, stage */
	rsg_solo_fn *solo;		/* SOLO */
};

/* How it is served: as its row says, unless it brings a browser's signal that
 * may have to be written down with what is read. */
enum rsg_mode rsg_ops_mode(const struct rsg_call *);

/* Never NULL for an op that rsg_msg_op() knows. */
const struct rsg_opdef *rsg_ops_get(enum rsg_op);

/* Answer a call that needs no database (METRICS). */
void rsg_ops_free(struct rsg_queue *, struct rsg_call *);

rsg_want_fn rsg_op_read_want, rsg_op_lookup_want, rsg_op_create_want,
    rsg_op_change_want, rsg_op_consent_state_want, rsg_op_consent_write_want,
    rsg_op_consent_confirm_want,
    rsg_op_explain_want;
rsg_apply_fn rsg_op_ready, rsg_op_me, rsg_op_read, rsg_op_lookup, rsg_op_create,
    rsg_op_change, rsg_op_consent_state, rsg_op_consent_write, rsg_op_consent_confirm,
    rsg_op_policy_show, rsg_op_explain, rsg_op_segments;
rsg_solo_fn rsg_op_notice_list, rsg_op_notice_show, rsg_op_notice_publish,
    rsg_op_consent_history, rsg_op_relation_add;
rsg_solo_fn rsg_op_event_list, rsg_op_model_fit, rsg_op_model_list,
    rsg_op_model_show, rsg_op_members, rsg_op_audit_search,
    rsg_op_controller_add, rsg_op_controller_set, rsg_op_controller_list, rsg_op_recipient_add,
    rsg_op_recipient_list, rsg_op_principal_add, rsg_op_principal_list,
    rsg_op_principal_revoke, rsg_op_policy_load, rsg_op_import_customers,
    rsg_op_status;

rsg_solo_fn rsg_op_audit_counts, rsg_op_audit_proof, rsg_op_audit_bundle,
    rsg_op_log_growth;

rsg_apply_fn rsg_op_keys;
rsg_solo_fn rsg_op_receipt, rsg_op_report;
rsg_solo_fn rsg_op_import_consents, rsg_op_import_benefits, rsg_op_ask_again,
    rsg_op_ask_release;

rsg_want_fn rsg_op_ready_want, rsg_op_benefit_write_want, rsg_op_benefit_list_want,
    rsg_op_contact_ask_want, rsg_op_contact_report_want;
rsg_apply_fn rsg_op_ready_gauge, rsg_op_benefit_write, rsg_op_benefit_list,
    rsg_op_points, rsg_op_contact_ask, rsg_op_contact_report;
rsg_solo_fn rsg_op_incentive_publish, rsg_op_incentive_list, rsg_op_benefit_redeem,
    rsg_op_promises, rsg_op_questions;

rsg_want_fn rsg_op_attachment_add_want, rsg_op_profit_want;
rsg_apply_fn rsg_op_attachment_add, rsg_op_profit;
rsg_solo_fn rsg_op_attachment_read;

#endif
