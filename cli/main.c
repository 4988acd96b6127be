/*
 * main.c - the program `resguardo`: a table of what it can do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "resguardo/json.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"

static rsg_command help, version;

struct command {
	const char *name;		/* one word, or two */
	const char *takes;		/* as rsg_args_parse() takes it */
	size_t words;
	const char *usage;
	const char *what;
	rsg_command *run;
};

static const struct command commands[] = {
	{ "serve", "state= port= listen= metrics-port= database= policies=", 0,
	  "[--state DIR] [--port N] [--listen ADDRESS] [--metrics-port N]\n"
	  "\t[--database CONNINFO] [--policies DIR]",
	  "Run the server: supervise its two processes until Ctrl-C or SIGTERM.\n"
	  "Port 8443 of 127.0.0.1 unless told otherwise; metrics one port above,\n"
	  "on 127.0.0.1 only. A policy folder is loaded if the database has none.",
	  rsg_serve_run },
	{ "keys init", "state= origin=", 0, "[--state DIR] [--origin NAME]",
	  "Make the root key, and the key that signs the log called NAME (a URL\n"
	  "without https://). Neither is ever overwritten.", rsg_setup_keys },
	{ "certificate init", "state= host=*", 0, "[--state DIR] [--host NAME ...]",
	  "Make a local CA and the server's certificate from it; renew the latter\n"
	  "when it has less than 30 days left, or for other names.",
	  rsg_certificate_init },
	{ "migrate", "state= database-owner= migrations=", 0,
	  "[--state DIR] [--database-owner CONNINFO] [--migrations DIR]",
	  "Bring the database's tables to this program's version.",
	  rsg_setup_migrate },
	{ "controller add", "state= name= title= jurisdiction= currency= zone= "
	  "address= contact= email= phone= url= storage=", 0,
	  "--name ID --title TEXT --jurisdiction CODE --currency CODE\n"
	  "\t--zone ZONE [--address TEXT] [--contact TEXT] [--email ADDRESS]\n"
	  "\t[--phone NUMBER] [--url ADDRESS] [--storage CODES] [--state DIR]",
	  "Add a legal entity or brand that answers for data. Receipts say where it\n"
	  "is, whom to write to, and in which countries (ES,FR) the data is kept.",
	  rsg_register_controller_add },
	{ "controller set", "state= name= title= address= contact= email= phone= "
	  "url= storage=", 0,
	  "--name ID [--title TEXT] [--address TEXT] [--contact TEXT]\n"
	  "\t[--email ADDRESS] [--phone NUMBER] [--url ADDRESS] [--storage CODES]\n"
	  "\t[--state DIR]",
	  "Say anew what receipts tell about a controller. What is not named stays;\n"
	  "- takes it away.",
	  rsg_register_controller_set },
	{ "controller list", "state=", 0, "[--state DIR]",
	  "Name, title, jurisdiction, currency, time zone.",
	  rsg_register_controller_list },
	{ "recipient add", "state= controller= name= title= country= contract= expires=",
	  0, "--controller ID --name ID [--title TEXT] [--country CODE]\n"
	  "\t[--contract TEXT] [--expires DAY] [--state DIR]",
	  "Add somebody who is given data.", rsg_register_recipient_add },
	{ "recipient list", "state= controller=", 0, "[--controller ID] [--state DIR]",
	  "Name, title, country, contract, its end.", rsg_register_recipient_list },
	{ "principal add", "state= controller= name= role= purpose=* recipient= "
	  "subject= lookup-field= lookup-value= expires=", 0,
	  "--controller ID --name ID --role ROLE --purpose ID ...\n"
	  "\t[--recipient ID] [--subject ID | --lookup-field FIELD --lookup-value TEXT]\n"
	  "\t[--expires DAY] [--state DIR]",
	  "Add somebody who may call, and print their API key, once, on standard\n"
	  "output. A customer is bound to one person.",
	  rsg_register_principal_add },
	{ "principal list", "state= controller=", 0, "[--controller ID] [--state DIR]",
	  "Id, controller, name, role, recipient, created, expires, revoked.",
	  rsg_register_principal_list },
	{ "principal revoke", "state= controller= name=", 1,
	  "(ID | --controller ID --name ID) [--state DIR]",
	  "Take a key back: the next request with it is refused.",
	  rsg_register_principal_revoke },
	{ "policy lint", "policies=", 1, "[DIR]",
	  "Everything wrong or doubtful in a policy folder.", rsg_rules_lint },
	{ "policy test", "policies=", 1, "[DIR]",
	  "Ask the questions in the folder's tests/ and compare the answers.",
	  rsg_rules_test },
	{ "policy explain", "policies= role= action= purpose= field=* recipient= "
	  "given=* refused=* withdrawn=* staff place reason self nobody", 1,
	  "--role ROLE --action ACTION [--purpose ID] [--field ID ...]\n"
	  "\t[--recipient ID] [--given PURPOSE[/CHANNEL] ...] [--refused ...]\n"
	  "\t[--withdrawn ...] [--staff] [--place] [--reason] [--self] [--nobody] [DIR]",
	  "One decision, and why. About a person with the consents named;\n"
	  "with --nobody about none in particular.", rsg_rules_explain },
	{ "policy matrix", "policies=", 1, "[DIR]",
	  "Every decision that can be a yes, line by line.", rsg_rules_matrix },
	{ "policy load", "policies= state=", 1, "[DIR] [--state DIR]",
	  "Put a policy folder in force on the running server.", rsg_rules_load },
	{ "notice publish", "state= controller=", 1,
	  "DIR|FILE --controller ID [--state DIR]",
	  "Publish a version of what people are shown before they say yes or no:\n"
	  "notice.json and the texts that it names (docs/CONSENT.md). What is\n"
	  "published is never changed.", rsg_notice_publish },
	{ "notice list", "state= controller=", 0, "--controller ID [--state DIR]",
	  "Name, version, language, from, ask again from, in force, evidence, SHA-256.",
	  rsg_notice_list },
	{ "notice show", "state= controller= version= language= form=", 1,
	  "NOTICE --controller ID [--version N] [--language CODE]\n"
	  "\t[--form full|short] [--state DIR]",
	  "The words of a notice, byte for byte: the version in force unless\n"
	  "another is named.", rsg_notice_show },
	{ "incentive publish", "state= controller=", 1,
	  "FILE --controller ID [--state DIR]",
	  "Publish what is offered in return for data (docs/CONSENT.md has its form).\n"
	  "Published it never changes: another text is another version.",
	  rsg_incentive_publish },
	{ "incentive list", "state= controller=", 0, "[--controller ID] [--state DIR]",
	  "Controller, name, version, kind, purpose, value.", rsg_incentive_list },
	{ "import customers", "state= map= controller= basis= notice= origin= "
	  "rejects= window=", 1,
	  "FILE --map MAP --controller ID --basis BASIS [--notice ID]\n"
	  "\t[--rejects FILE] [--window N] [--state DIR]",
	  "Bring people in from CSV or NDJSON (FILE.gz too; - is standard input).\n"
	  "Stopped half way, the same command goes on; run twice, nothing doubles.",
	  rsg_import_customers },
	{ "import events", "state= map= controller= basis= notice= origin= rejects= "
	  "window=", 1,
	  "FILE --map MAP --controller ID --basis BASIS [--origin ID]\n"
	  "\t[--rejects FILE] [--window N] [--state DIR]",
	  "Bring purchases and other events in, as above.", rsg_import_events },
	{ "import consents", "state= map= controller= basis= origin= attachments= "
	  "rejects= window=", 1,
	  "FILE --map MAP --controller ID --basis BASIS [--origin ID]\n"
	  "\t[--attachments DIR] [--rejects FILE] [--window N] [--state DIR]",
	  "Bring in what people who are there already said before, as above: each\n"
	  "line with its date, its notice's version and how good the evidence is; who\n"
	  "spoke for a child; and the scan or recording that it names beneath DIR.\n"
	  "What no cell says is no consent.", rsg_import_consents },
	{ "import benefits", "state= map= controller= basis= origin= rejects= window=", 1,
	  "FILE --map MAP --controller ID --basis BASIS [--origin ID]\n"
	  "\t[--rejects FILE] [--window N] [--state DIR]",
	  "Bring in what they were promised and given before, as above; after the\n"
	  "consents, for a benefit is given for one. What was given more often than\n"
	  "its incentive says comes in, counts, and is told (report over-limit).",
	  rsg_import_benefits },
	{ "audit key", "state=", 0, "[--state DIR]",
	  "Print the log's verifier key: what auditors need, and nothing secret.",
	  rsg_audit_key },
	{ "audit verify", "key= remember= ca= bundle=", 1,
	  "DIR --key VKEY [--remember FILE]\n"
	  "\tURL --key VKEY [--ca FILE] [--remember FILE]\n"
	  "\t--bundle BUNDLE --key VKEY [DIR]",
	  "Verify a copy of /log/, or what stands at an address (by the program curl;\n"
	  "--ca names its certificates): signature, every entry, every tile. What is\n"
	  "wrong is named. FILE keeps the checkpoint seen, and the next run checks\n"
	  "that the log only grew since. With --bundle, verify and list a customer's\n"
	  "accesses (from /v1/subjects/ID/audit-bundle; - is standard input), and\n"
	  "with a copy of the log also that none is missing. Needs no server.",
	  rsg_audit_verify },
	{ "audit check", "state= key= database= rows", 0,
	  "[--rows] [--state DIR] [--key VKEY] [--database CONNINFO]",
	  "Compare the database with the log: audit entries and their search columns,\n"
	  "principals, credentials, policies, controllers, recipients, and everybody's\n"
	  "row, consents and benefits. What was changed, removed, added, put back or\n"
	  "moved is named, one a line. Reads only, as the role resguardo_auditor; opens\n"
	  "entries with the root key. --rows compares the audit rows alone, without it.",
	  rsg_audit_check },
	{ "audit rotate", "state= origin= database=", 0,
	  "[--origin NAME] [--state DIR] [--database CONNINFO]",
	  "End the log and begin the next under a key of its own: the last entry of the\n"
	  "one names the key of the other, which begins with the last checkpoint of the\n"
	  "one. For a stopped server; cut off, the same command goes on. Prints what\n"
	  "auditors need.", rsg_audit_rotate },
	{ "audit proof", "state= key= database=", 1,
	  "ENTRY [--state DIR] [--key VKEY] [--database CONNINFO]",
	  "Print the .tlog-proof of one entry.", rsg_audit_proof },
	{ "receipt verify", "key=", 1, "FILE [--key JWK-FILE]",
	  "Is a consent receipt what was given out, and what does it say? FILE is\n"
	  "the receipt or the server's answer (- is standard input); the public key\n"
	  "is what the server gives at /v1/keys. Needs no server.",
	  rsg_receipt_verify },
	{ "report", "state= controller= from= to= language= totals csv", 1,
	  "NAME --controller ID [--from DAY] [--to DAY] [--totals] [--csv]\n"
	  "\t[--language CODE] [--state DIR]",
	  "Count people: consents, consent-history, ask-again, withdrawals, value,\n"
	  "promises (kept, late, overdue: at what they are worth), profitability,\n"
	  "over-limit (brought in, and given more often than the incentive says).\n"
	  "A table with its totals and what its columns mean, in en or es (else as LANG\n"
	  "says); CSV of the rows, or of the totals alone.\n"
	  "Small counts are shown as they are: do not hand them on.",
	  rsg_report_run },
	{ "status", "state=", 0, "[--state DIR]",
	  "What the running server says of itself.", rsg_status_run },
	{ "doctor", "state= database= policies=", 0,
	  "[--state DIR] [--database CONNINFO] [--policies DIR]",
	  "Look at all that a healthy server needs, and say what to do.\n"
	  "Fails when something needs seeing to.", rsg_doctor_run },
	{ "demo load", "state=", 0, "[--state DIR]",
	  "Fill a server with made-up customers, purchases and keys (STATE/demo.json).\n"
	  "Its state directory has to hold the marker DEMO since before it was\n"
	  "started, so that it is served to this machine only; scripts/server does it.",
	  rsg_demo_load },
	{ "help", "", 2, "[COMMAND]", "This list, or one command in full.", help },
	{ "version", "", 0, "", "The program's version.", version },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The command that argv begins with; *words is how many of it are its name. */
static const struct command *
find(int argc, char **argv, int *words)
{
	const char *space;
	size_t n;

	for (size_t i = 0; i < NCOMMANDS; i++) {
		space = strchr(commands[i].name, ' ');
		*words = space != NULL ? 2 : 1;
		if (argc < *words)
			continue;
		if (space == NULL && strcmp(argv[0], commands[i].name) == 0)
			return &commands[i];
		if (space == NULL)
			continue;
		n = (size_t)(space - commands[i].name);
		if (strlen(argv[0]) == n && strncmp(argv[0], commands[i].name, n) == 0 &&
		    strcmp(argv[1], space + 1) == 0)
			return &commands[i];
	}
	return NULL;
}

static void
show(const struct command *c)
{
	printf("resguardo %s %s\n\n", c->name, c->usage);
	printf("%s\n", c->what);
}

static enum rsg_exit
help(const struct rsg_args *a)
{
	char *argv[2] = { NULL, NULL };
	const struct command *c;
	int words;

	for (size_t i = 0; i < a->nwords; i++)
		argv[i] = (char *)(uintptr_t)a->word[i];
	if (a->nwords > 0) {
		if ((c = find((int)a->nwords, argv, &words)) != NULL) {
			show(c);
			return RSG_EXIT_OK;
		}
		/* The first of two words: all that begin with it. */
		bool any = false;
		for (size_t i = 0; i < NCOMMANDS; i++) {
			size_t n = strlen(argv[0]);

			if (strncmp(commands[i].name, argv[0], n) != 0 ||
			    commands[i].name[n] != ' ')
				continue;
			if (any)
				putchar('\n');
			any = true;
			show(&commands[i]);
		}
		if (any)
			return RSG_EXIT_OK;
		rsg_tell_error("no such command: %s (see 'resguardo help')", argv[0]);
		return RSG_EXIT_USAGE;
	}
	printf("resguardo: keeps what customers told, lets it out only for what they "
	    "agree to,\nand proves every access.\n\n");
	for (size_t i = 0; i < NCOMMANDS; i++)
		printf("  %-18s %.*s\n", commands[i].name,
		    (int)strcspn(commands[i].what, "\n"), commands[i].what);
	printf("\n'resguardo help COMMAND' says more; docs/OPERATIONS.md says all.\n"
	    "It ends with 0: done, 1: refused or failed, 2: misused, "
	    "3: no server reached.\n");
	return RSG_EXIT_OK;
}

static enum rsg_exit
version(const struct rsg_args *a)
{
	(void)a;
	printf("resguardo %s\n", RSG_VERSION);
	return RSG_EXIT_OK;
}

static bool
wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	const struct command *c;
	struct rsg_args args = { .nwords = 0 };
	int words;

	rsg_json_init();
	rsg_log_init("resguardo", RSG_LOG_WARN);
	/* No dumps, no ptrace: customers' data and keys pass through here. */
	if (rsg_secret_init(0) != RSG_OK)
		return RSG_EXIT_FAILED;
	argc--;
	argv++;
	if (argc == 0 || (argc == 1 && wants_help(argc, argv)))
		return help(&args) == RSG_EXIT_OK && argc > 0 ? 0 : RSG_EXIT_USAGE;
	if (argc == 1 && strcmp(argv[0], "--version") == 0)
		return version(&args);
	if ((c = find(argc, argv, &words)) == NULL) {
		rsg_tell_error("no such command: %s%s%s (see 'resguardo help')", argv[0],
		    argc > 1 && argv[1][0] != '-' ? " " : "",
		    argc > 1 && argv[1][0] != '-' ? argv[1] : "");
		return RSG_EXIT_USAGE;
	}
	if (wants_help(argc - words, argv + words)) {
		show(c);
		return RSG_EXIT_OK;
	}
	if (!rsg_args_parse(&args, c->takes, c->words, argc - words, argv + words))
		return RSG_EXIT_USAGE;
	return (int)c->run(&args);
}
