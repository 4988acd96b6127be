/*
 * demo.c - `resguardo demo load`: a shop with customers, two years of tickets,
 * consents, and a key for each kind of user.
 */
#include <stdio.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/command.h"
#include "cli/loader.h"
#include "cli/made.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/words.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"
#include "resguardo/secret.h"

#define CONTROLLER	"demo"
#define PEOPLE_A_CHUNK	250
#define BENEFITS_OF	480		/* customers who are given something */
#define BENEFITS_A_PAGE	24		/* two each at most: what a page may hold */

struct demo {
	struct rsg_admin *admin;
	struct rsg_loader *loader;
	struct rsg_progress progress;
	int64_t people, events, benefits, lost;
	struct rsg_buf json;		/* of demo.json; holds keys: wiped */
	struct rsg_jw out;
};

/* Who may call in the demo. */
static const struct user {
	const char *name, *role, *recipient;
	bool bound;			/* to the first customer */
	const char *purposes[16];
} users[] = {
	{ "till", "till", NULL, false, { "loyalty_account", "purchase_recording",
	    "rewards", "orders_and_returns", "delivery", "personalised_offers",
	    "marketing", "segmentation", "advertising_audiences", "market_research",
	    "legal_obligation" } },
	{ "service", "service", NULL, false, { "customer_care",
	    "orders_and_returns", "purchase_recording", "data_subject_rights",
	    "fraud_prevention", "marketing", "personalised_offers", "segmentation",
	    "advertising_audiences", "market_research" } },
	{ "officer", "officer", NULL, false, { "oversight", "data_subject_rights",
	    "marketing", "personalised_offers", "segmentation",
	    "advertising_audiences", "market_research" } },
	{ "tool", "tool", "aurora-mail", false, { "segmentation", "market_research",
	    "advertising_audiences" } },
	{ "customer", "customer", NULL, true, { "data_subject_rights",
	    "loyalty_account", "marketing", "personalised_offers", "segmentation",
	    "advertising_audiences", "market_research" } },
};

/* Ask, where the answer "it is there already" is as good as done. */
static enum rsg_err
ask(struct demo *d, struct rsg_buf *b, size_t begun, struct rsg_reply *reply)
{
	enum rsg_err e;

	rsg_msg_end(b, begun);
	if ((e = rsg_admin_send(d->admin, b)) != RSG_OK ||
	    (e = rsg_admin_receive(d->admin, reply)) != RSG_OK)
		return e;
	if (reply->head.status != RSG_OK && reply->head.status != RSG_CONFLICT)
		rsg_admin_tell(reply);
	return reply->head.status;
}

static enum rsg_err
add_controller(struct demo *d)
{
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e;

	rsg_buf_init(&b, RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, RSG_OP_CONTROLLER_ADD, rsg_admin_serial(d->admin));
	rsg_msg_text(&b, RSG_F_CONTROLLER, CONTROLLER);
	rsg_msg_text(&b, RSG_F_TITLE, "Tiendas Resguardo (demo)");
	rsg_msg_text(&b, RSG_F_JURISDICTION, "ES");
	rsg_msg_text(&b, RSG_F_CURRENCY, "EUR");
	rsg_msg_text(&b, RSG_F_ZONE, "Europe/Madrid");
	/* Who answers, and where to withdraw: receipts say so. */
	rsg_msg_text(&b, RSG_F_ADDRESS, "Calle de Ejemplo 1, 28000 Madrid");
	rsg_msg_text(&b, RSG_F_CONTACT, "Protección de datos");
	rsg_msg_text(&b, RSG_F_EMAIL, "datos@tienda.example");
	rsg_msg_text(&b, RSG_F_URL, "https://tienda.example");
	rsg_msg_text(&b, RSG_F_STORAGE, "ES");
	e = ask(d, &b, begun, &reply);
	rsg_buf_free(&b);
	return e == RSG_CONFLICT ? RSG_OK : e;
}

/* What the demo's people were shown when they joined. */
static enum rsg_err
add_notice(struct demo *d)
{
	static const char *const necessary[] = { "loyalty_account",
	    "purchase_recording", "rewards", "orders_and_returns" };
	static const char *const voluntary[] = { "marketing", "personalised_offers",
	    "segmentation", "advertising_audiences", "market_research",
	    "dietary_service" };
	int64_t from = (rsg_clock_day(rsg_clock_now()) - 5 * 365) * RSG_DAY_US;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun, mark;
	enum rsg_err e;

	rsg_buf_init(&b, RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, RSG_OP_NOTICE_PUBLISH, rsg_admin_serial(d->admin));
	rsg_msg_text(&b, RSG_F_CONTROLLER, CONTROLLER);
	rsg_msg_text(&b, RSG_F_NOTICE, RSG_MADE_NOTICE);
	rsg_msg_int(&b, RSG_F_VERSION, 1);
	rsg_msg_int(&b, RSG_F_FROM, from);
	rsg_msg_text(&b, RSG_F_EVIDENCE, "original");
	for (size_t i = 0; i < sizeof(necessary) / sizeof(necessary[0]); i++)
		rsg_msg_text(&b, RSG_F_NECESSARY, necessary[i]);
	for (size_t i = 0; i < sizeof(voluntary) / sizeof(voluntary[0]); i++)
		rsg_msg_text(&b, RSG_F_VOLUNTARY, voluntary[i]);
	for (int i = 0; i < 2; i++) {
		mark = rsg_msg_open(&b, RSG_F_NOTICE_TEXTS);
		rsg_msg_text(&b, RSG_F_LANGUAGE, i == 0 ? "es" : "en");
		rsg_msg_text(&b, RSG_F_TEXT, rsg_words_notice[i][0]);
		rsg_msg_text(&b, RSG_F_SHORT, rsg_words_notice[i][1]);
		rsg_msg_close(&b, mark);
	}
	e = ask(d, &b, begun, &reply);
	rsg_buf_free(&b);
	return e == RSG_CONFLICT ? RSG_OK : e;
}

static enum rsg_err
add_recipient(struct demo *d)
{
	int64_t year = rsg_clock_now() + 365 * RSG_DAY_US;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e;

	rsg_buf_init(&b, RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, RSG_OP_RECIPIENT_ADD, rsg_admin_serial(d->admin));
	rsg_msg_text(&b, RSG_F_CONTROLLER, CONTROLLER);
	rsg_msg_text(&b, RSG_F_RECIPIENT, "aurora-mail");
	rsg_msg_text(&b, RSG_F_TITLE, "Aurora Mail (demo)");
	rsg_msg_text(&b, RSG_F_COUNTRY, "ES");
	rsg_msg_text(&b, RSG_F_CONTRACT, "DEMO-1");
	rsg_msg_int(&b, RSG_F_EXPIRES, year);
	e = ask(d, &b, begun, &reply);
	rsg_buf_free(&b);
	return e == RSG_CONFLICT ? RSG_OK : e;
}

static enum rsg_err
add_offers(struct demo *d)
{
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; rsg_made_offers[i] != NULL && e == RSG_OK; i++) {
		rsg_buf_init(&b, RSG_MSG_MAX);
		begun = rsg_msg_begin(&b, RSG_OP_INCENTIVE_PUBLISH,
		    rsg_admin_serial(d->admin));
		rsg_msg_text(&b, RSG_F_CONTROLLER, CONTROLLER);
		rsg_msg_bytes(&b, RSG_F_INCENTIVE_BODY, rsg_made_offers[i],
		    strlen(rsg_made_offers[i]));
		e = ask(d, &b, begun, &reply);
		rsg_buf_free(&b);
	}
	return e;
}

/* --- People and tickets --- */

static void
retire(void *ctx, struct rsg_chunk *c)
{
	struct demo *d = ctx;

	d->people += c->people_tally.accepted + c->people_tally.repeated;
	d->events += c->events_tally.accepted + c->events_tally.repeated;
	d->lost += c->people_tally.rejected + c->events_tally.rejected;
	rsg_progress_tick(&d->progress, d->people + d->events, d->people,
	    RSG_MADE_PEOPLE);
}

static enum rsg_err
load_people(struct demo *d)
{
	int64_t yesterday = rsg_clock_day(rsg_clock_now()) - 1;
	struct rsg_chunk *c;
	unsigned n = 0;
	enum rsg_err e;

	while (n < RSG_MADE_PEOPLE) {
		if ((e = rsg_loader_chunk(d->loader, &c)) != RSG_OK)
			return e;
		while (n < RSG_MADE_PEOPLE && c->npeople < PEOPLE_A_CHUNK &&
		    c->nevents + RSG_MADE_EVENTS <= RSG_CHUNK_LINES) {
			rsg_made_customer(n, yesterday, &c->people);
			c->npeople++;
			c->nevents += rsg_made_events(n, yesterday, &c->events);
			n++;
		}
		if ((e = rsg_loader_submit(d->loader)) != RSG_OK)
			return e;
	}
	return rsg_loader_finish(d->loader);
}

/* --- What they got in return --- */

/* A page of benefits, as `import benefits` would send it. */
static enum rsg_err
send_benefits(struct demo *d, unsigned from, unsigned to, int64_t yesterday)
{
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	enum rsg_err e = RSG_OK;

	rsg_buf_init(&b, RSG_MSG_MAX);
	begun = rsg_msg_begin(&b, RSG_OP_IMPORT_BENEFITS, rsg_admin_serial(d->admin));
	rsg_msg_text(&b, RSG_F_CONTROLLER, CONTROLLER);
	rsg_msg_text(&b, RSG_F_BASIS, "consent");
	rsg_msg_text(&b, RSG_F_FIELD, "customer_number");
	rsg_msg_text(&b, RSG_F_ORIGIN, "demo");
	for (unsigned n = from; n < to; n++)
		(void)rsg_made_benefits(n, yesterday, &b);
	if ((e = ask(d, &b, begun, &reply)) == RSG_OK) {
		struct rsg_fields group;
		size_t pos = 0;

		d->benefits += rsg_msg_get_int(reply.fields, RSG_F_ACCEPTED, 0);
		while (rsg_msg_each(reply.fields, &pos, RSG_F_REJECTED, &group))
			d->lost++;
	}
	rsg_buf_free(&b);
	return e;
}

static enum rsg_err
load_benefits(struct demo *d)
{
	int64_t yesterday = rsg_clock_day(rsg_clock_now()) - 1;
	enum rsg_err e = RSG_OK;

	for (unsigned n = 0; n < BENEFITS_OF && e == RSG_OK; n += BENEFITS_A_PAGE)
		e = send_benefits(d, n, n + BENEFITS_A_PAGE, yesterday);
	return e;
}

/* --- Keys --- */

static void
fill_user(const struct user *u, const char *name, struct rsg_buf *b)
{
	struct rsg_made_card card;

	rsg_msg_text(b, RSG_F_CONTROLLER, CONTROLLER);
	rsg_msg_text(b, RSG_F_NAME, name);
	rsg_msg_text(b, RSG_F_ROLE, u->role);
	for (size_t i = 0; u->purposes[i] != NULL; i++)
		rsg_msg_text(b, RSG_F_PURPOSES, u->purposes[i]);
	if (u->recipient != NULL)
		rsg_msg_text(b, RSG_F_RECIPIENT, u->recipient);
	if (!u->bound)
		return;
	rsg_made_card(0, &card);
	rsg_msg_text(b, RSG_F_LOOKUP_FIELD, "customer_number");
	rsg_msg_text(b, RSG_F_LOOKUP_VALUE, card.customer_number);
}

static void
note_user(struct demo *d, const struct user *u, const struct rsg_reply *reply)
{
	char key[161], text[RSG_ID_TEXT];
	struct rsg_id id;

	rsg_msg_get_text(reply->fields, RSG_F_SECRET, key, sizeof(key));
	rsg_jw_text(&d->out, u->name, key);
	rsg_secret_wipe(key, sizeof(key));
	if (u->bound && rsg_msg_get_id(reply->fields, RSG_F_SUBJECT, &id)) {
		rsg_id_text(&id, text);
		rsg_jw_text(&d->out, "subject", text);
	}
}

/*
 * A key is shown once. Where an earlier run was cut off before demo.json, the
 * name is taken and its key lost: the next name is as good.
 */
static enum rsg_err
add_user(struct demo *d, const struct user *u)
{
	enum rsg_err e = RSG_CONFLICT;
	struct rsg_reply reply;
	struct rsg_buf b;
	size_t begun;
	char name[32];

	for (int i = 1; i < 10 && e == RSG_CONFLICT; i++) {
		snprintf(name, sizeof(name), "%s", u->name);
		if (i > 1)
			snprintf(name, sizeof(name), "%s-%d", u->name, i);
		rsg_buf_init(&b, RSG_MSG_MAX);
		begun = rsg_msg_begin(&b, RSG_OP_PRINCIPAL_ADD,
		    rsg_admin_serial(d->admin));
		fill_user(u, name, &b);
		e = ask(d, &b, begun, &reply);
		rsg_buf_free(&b);
	}
	if (e == RSG_OK)
		note_user(d, u, &reply);
	return e;
}

static enum rsg_err
add_users(struct demo *d, const char *path)
{
	struct rsg_made_card card;
	enum rsg_err e;

	rsg_made_card(0, &card);
	rsg_buf_init(&d->json, 16384);
	rsg_jw_init(&d->out, &d->json);
	rsg_jw_object(&d->out, NULL);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if ((e = add_user(d, &users[i])) != RSG_OK)
			return e;
	rsg_jw_text(&d->out, "customer_number", card.customer_number);
	rsg_jw_text(&d->out, "card_number", card.card_number);
	rsg_jw_text(&d->out, "email", card.email);
	rsg_jw_end(&d->out);
	if ((e = rsg_buf_err(&d->json)) != RSG_OK)
		return e;
	return rsg_paths_write(path, 0600, d->json.p, d->json.len) ? RSG_OK : RSG_IO;
}

static enum rsg_err
load(struct demo *d, const char *path)
{
	struct rsg_loader_options o = { .controller = CONTROLLER,
	    .basis = "contract", .field = "customer_number", .op = RSG_OP_IMPORT_EVENTS, .window = 4,
	    .retire = retire, .ctx = d };
	int64_t began = rsg_clock_mono();
	enum rsg_err e;

	if ((e = add_controller(d)) != RSG_OK || (e = add_recipient(d)) != RSG_OK ||
	    (e = add_notice(d)) != RSG_OK || (e = add_offers(d)) != RSG_OK ||
	    (e = rsg_loader_new(d->admin, &o, &d->loader)) != RSG_OK)
		return e;
	rsg_progress_start(&d->progress, "lines");
	e = load_people(d);
	rsg_progress_end(&d->progress);
	if (e != RSG_OK || (e = load_benefits(d)) != RSG_OK)
		return e;
	if (d->lost > 0) {
		rsg_tell_error("the server refused %lld of the demo's lines",
		    (long long)d->lost);
		return RSG_BAD_VALUE;
	}
	if ((e = add_users(d, path)) != RSG_OK)
		return e;
	printf("demo: %lld customers, %lld events and %lld benefits in %.1f s; keys in %s\n",
	    (long long)d->people, (long long)d->events, (long long)d->benefits,
	    (double)(rsg_clock_mono() - began) / 1e6, path);
	return RSG_OK;
}

enum rsg_exit
rsg_demo_load(const struct rsg_args *a)
{
	char marker[RSG_PATH_MAX], path[RSG_PATH_MAX];
	struct demo d;
	enum rsg_err e;

	if (!rsg_paths_state(marker, RSG_STATE_OF(a), "DEMO") ||
	    !rsg_paths_state(path, RSG_STATE_OF(a), "demo.json"))
		return RSG_EXIT_FAILED;
	/* The marker is what keeps these keys off the network: it comes first. */
	if (!rsg_paths_exists(marker)) {
		rsg_tell_error("%s is not marked as a demo: make the empty file %s, "
		    "start the server, and run this again", RSG_STATE_OF(a), marker);
		return RSG_EXIT_FAILED;
	}
	if (rsg_paths_exists(path)) {
		rsg_tell_error("the demo is loaded; its keys are in %s", path);
		return RSG_EXIT_FAILED;
	}
	memset(&d, 0, sizeof(d));
	if ((e = rsg_admin_open(RSG_STATE_OF(a), &d.admin)) == RSG_OK)
		e = load(&d, path);
	rsg_buf_free(&d.json);
	rsg_loader_free(d.loader);
	rsg_admin_close(d.admin);
	return rsg_admin_exit(e);
}
