/*
 * command.h - what `resguardo` can be told to do. The table is in main.c.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/args.h"
#include "cli/tell.h"

#define RSG_STATE_DEFAULT	"./var"

/* The state directory of a command. */
#define RSG_STATE_OF(a)	rsg_args_get((a), "state", RSG_STATE_DEFAULT)

typedef enum rsg_exit rsg_command(const struct rsg_args *);

rsg_command rsg_serve_run;
rsg_command rsg_setup_keys, rsg_setup_migrate;
rsg_command rsg_certificate_init;
rsg_command rsg_audit_key, rsg_audit_verify, rsg_audit_check, rsg_audit_proof;
rsg_command rsg_audit_rotate;
rsg_command rsg_register_controller_add, rsg_register_controller_set, rsg_register_controller_list;
rsg_command rsg_register_recipient_add, rsg_register_recipient_list;
rsg_command rsg_register_principal_add, rsg_register_principal_list;
rsg_command rsg_register_principal_revoke;
rsg_command rsg_rules_lint, rsg_rules_test, rsg_rules_explain, rsg_rules_matrix;
rsg_command rsg_rules_load;
rsg_command rsg_incentive_publish, rsg_incentive_list;
rsg_command rsg_notice_publish, rsg_notice_list, rsg_notice_show;
rsg_command rsg_import_customers, rsg_import_events, rsg_import_consents,
    rsg_import_benefits;
rsg_command rsg_receipt_verify, rsg_report_run;
rsg_command rsg_status_run, rsg_doctor_run, rsg_demo_load;

#endif
