/*
 * receipt.c - a consent receipt that its person can read, keep and print. The
 * words are those of people; no term of a vocabulary is shown.
 */
#include <inttypes.h>
#include <string.h>

#include "resguardo/clock.h"
#include "web/page.h"

static const struct rsg_words statuses[] = {
	{ "requested", { "You were asked", "Se le preguntó" } },
	{ "given", { "You said yes", "Usted dijo que sí" } },
	{ "renewed", { "You said yes again", "Usted volvió a decir que sí" } },
	{ "refused", { "You said no", "Usted dijo que no" } },
	{ "withdrawn", { "You withdrew your yes", "Usted retiró su sí" } },
	{ "revoked", { "Somebody else took your yes back",
	    "Otra persona anuló su sí" } },
	{ "expired", { "Your yes has expired", "Su sí ha caducado" } },
	{ "invalidated", { "Your yes does not count any more", "Su sí ya no vale" } },
	{ "objected", { "You objected", "Usted presentó su oposición" } },
	/* Mexico's word; the page asks for it by this name. */
	{ "withdrawn-mx", { "You withdrew your yes", "Usted revocó su sí" } },
}, confirmations[] = {
	{ "awaited", { "You said yes, and it is not in force yet",
	    "Usted dijo que sí, y todavía no vale" } },
	{ "lapsed", { "You said yes, and it never came into force",
	    "Usted dijo que sí, y no llegó a valer" } },
	{ "answered", { "You said yes, and were asked to confirm it",
	    "Usted dijo que sí, y se le pidió confirmarlo" } },
}, channels[] = {
	{ "email", { "by e-mail", "por correo electrónico" } },
	{ "sms", { "by SMS", "por SMS" } },
	{ "post", { "by post", "por correo postal" } },
	{ "phone", { "by telephone", "por teléfono" } },
	{ "app", { "in the app", "en la aplicación" } },
	{ "ads", { "in advertisements", "en anuncios" } },
}, people[] = {
	{ "subject", { "You", "Usted" } },
	{ "guardian", { "Your guardian", "Quien le representa" } },
	{ "controller", { "The company", "La empresa" } },
}, methods[] = {
	{ "button", { "with a button", "con un botón" } },
	{ "checkbox", { "by ticking a box", "marcando una casilla" } },
	{ "signature", { "with a signature", "con una firma" } },
	{ "double_opt_in", { "with a code sent to you", "con un código que se le envió" } },
	{ "recorded_voice", { "aloud, and it was recorded", "de viva voz, y quedó grabado" } },
	{ "spoken", { "aloud", "de viva voz" } },
	{ "form", { "on a form", "en un formulario" } },
}, missing[] = {
	{ "staff", { "who noted it", "quién lo anotó" } },
	{ "place", { "in which place it was noted", "en qué lugar se anotó" } },
	{ "reason", { "the reason", "el motivo" } },
	{ "attachment", { "the form that was named", "el formulario que se mencionó" } },
};

enum word { HEAD, SUB, AGREED, FOR, WHO, WHEN, NOTED, CONFIRMED, UNTIL, ALWAYS,
	NOTICE, VERSION, METHOD, SAYING, DATA, NO_DATA, GIVEN_TO, NOBODY, LACKING, COUNTS,
	COMPANY, ADDRESS, CONTACT, CHANGE, WITHDRAW, REVOKE, SAY_YES, TELL, ASK_THERE,
	COMPLAIN, COMPLAIN_TO, CODE_AWAITED, CODE_LAPSED, CODE_ANSWERED, SINCE,
	PROOF,
	PROOF_WHAT, PROOF_SAVE, PROOF_KEY, PROOF_RUN, LETTERS, WORDS };

static const char *const word[WORDS][2] = {
	[HEAD] = { "Receipt of your answer", "Recibo de su respuesta" },
	[SUB] = { "Keep it: it proves what you answered, and when.",
	    "Guárdelo: prueba qué respondió y cuándo." },
	[AGREED] = { "What it is about", "De qué se trata" },
	[FOR] = { "What for", "Para qué" },
	[WHO] = { "Who answered", "Quién respondió" },
	[WHEN] = { "When", "Cuándo" },
	[NOTED] = { "Noted on", "Anotado el" },
	[CONFIRMED] = { "Confirmed on", "Confirmado el" },
	[UNTIL] = { "Holds until", "Vale hasta" },
	[ALWAYS] = { "you change your mind", "que cambie de opinión" },
	[NOTICE] = { "Notice you were shown", "Aviso que se le mostró" },
	[VERSION] = { ", version ", ", versión " },
	[METHOD] = { "How", "Cómo" },
	[SAYING] = { "In these words", "Con estas palabras" },
	[DATA] = { "Your data used for it", "Datos suyos que se usan" },
	[NO_DATA] = { "none at present", "ninguno por ahora" },
	[GIVEN_TO] = { "May be given to", "Puede darse a" },
	[NOBODY] = { "nobody else", "nadie más" },
	[LACKING] = { "What was missing", "Qué faltaba" },
	[COUNTS] = { "Your no counts all the same.", "Su no vale igualmente." },
	[COMPANY] = { "Who asked you", "Quién se lo pidió" },
	[ADDRESS] = { "Address", "Dirección" },
	[CONTACT] = { "Contact", "Contacto" },
	[CHANGE] = { "Changing your mind", "Cambiar de opinión" },
	[WITHDRAW] = { "You can withdraw this yes whenever you like, as easily as you "
	    "gave it.",
	    "Puede retirar este sí cuando quiera, con la misma facilidad con que lo "
	    "dio." },
	[REVOKE] = { "You can withdraw this yes whenever you like, as easily as you "
	    "gave it.",
	    "Puede revocar este sí cuando quiera, con la misma facilidad con que lo "
	    "dio." },
	[SAY_YES] = { "You need do nothing more. You can change your mind whenever you "
	    "like.",
	    "No tiene que hacer nada más. Puede cambiar de opinión cuando quiera." },
	[TELL] = { "Say so where you were asked, or here:",
	    "Dígalo donde se lo preguntaron, o aquí:" },
	[ASK_THERE] = { "Say so where you were asked.",
	    "Dígalo donde se lo preguntaron." },
	[COMPLAIN] = { "If you do not agree", "Si no está de acuerdo" },
	[COMPLAIN_TO] = { "You can complain to: ", "Puede reclamar ante: " },
	[CODE_AWAITED] = { "It will be once you type the code that was sent to you. The "
	    "code works until ",
	    "Valdrá cuando escriba el código que se le envió. El código sirve hasta el " },
	[CODE_LAPSED] = { "The code that was sent to you was not typed in time. It "
	    "worked until ",
	    "El código que se le envió no se escribió a tiempo. Sirvió hasta el " },
	[CODE_ANSWERED] = { "What was answered after it has a receipt of its own, "
	    "and is what counts. The code worked until ",
	    "Lo que se respondió después tiene su propio recibo, y es lo que cuenta. El "
	    "código servía hasta el " },
	[SINCE] = { "This has changed since: what counts now has a receipt of its own, of ",
	    "Esto ha cambiado después: lo que cuenta ahora tiene su propio recibo, del " },
	[PROOF] = { "Checking this receipt", "Comprobar este recibo" },
	[PROOF_WHAT] = { "The letters below are this receipt as it was signed. With them "
	    "anybody can check, without asking us, that nothing was changed:",
	    "Las letras de abajo son este recibo tal como se firmó. Con ellas "
	    "cualquiera puede comprobar, sin preguntarnos, que nada se cambió:" },
	[PROOF_SAVE] = { "Save the letters in a file, receipt.jws.",
	    "Guarde las letras en un fichero, recibo.jws." },
	[PROOF_KEY] = { "Get the company's public key: it is at /v1/keys of the address "
	    "that gave you this page. Save it as keys.json.",
	    "Obtenga la clave pública de la empresa: está en /v1/keys de la dirección "
	    "que le dio esta página. Guárdela como keys.json." },
	[PROOF_RUN] = { "resguardo receipt verify receipt.jws --key keys.json",
	    "resguardo receipt verify recibo.jws --key keys.json" },
	[LETTERS] = { "The signed receipt", "El recibo firmado" },
};

static void
put_word(struct rsg_page *p, const char *tag, enum word w)
{
	rsg_page_put(p, tag, word[w][p->lang]);
}

/* --- Rows --- */

static void
row(struct rsg_page *p, enum word w, const char *s)
{
	rsg_page_row_begin(p, word[w][p->lang]);
	rsg_page_text(p, s);
	rsg_page_row_end(p);
}

static void
field_row(struct rsg_page *p, enum word w, struct rsg_fields f, enum rsg_field field)
{
	if (!rsg_msg_has(f, field))
		return;
	rsg_page_row_begin(p, word[w][p->lang]);
	rsg_page_field(p, f, field);
	rsg_page_row_end(p);
}

static void
code_row(struct rsg_page *p, enum word w, struct rsg_fields f, enum rsg_field field,
    const struct rsg_words *t, size_t n)
{
	char code[65];

	if (rsg_msg_get_text(f, field, code, sizeof(code)))
		row(p, w, rsg_page_word(t, n, code, p->lang));
}

static void
time_row(struct rsg_page *p, enum word w, struct rsg_fields f, enum rsg_field field)
{
	rsg_page_row_begin(p, word[w][p->lang]);
	if (rsg_msg_has(f, field))
		rsg_web_time(p->b, p->lang, rsg_msg_get_int(f, field, 0));
	else
		rsg_page_text(p, word[ALWAYS][p->lang]);
	rsg_page_row_end(p);
}

/* Names one after the other; `none` where there are none. */
static void
list_row(struct rsg_page *p, enum word w, struct rsg_fields f, enum rsg_field list,
    enum word none)
{
	struct rsg_fields one;
	size_t pos = 0, seen = 0;

	rsg_page_row_begin(p, word[w][p->lang]);
	while (rsg_msg_each(f, &pos, list, &one)) {
		if (seen++ > 0)
			rsg_buf_str(p->b, ", ");
		if (list != RSG_F_FIELD_LIST)
			rsg_web_text(p->b, one.p, one.len);
		else
			rsg_page_field(p, one, RSG_F_TITLE);
	}
	if (seen == 0)
		rsg_page_text(p, word[none][p->lang]);
	rsg_page_row_end(p);
}

static void
notice_row(struct rsg_page *p, struct rsg_fields said)
{
	if (!rsg_msg_has(said, RSG_F_NOTICE))
		return;
	rsg_page_row_begin(p, word[NOTICE][p->lang]);
	rsg_page_field(p, said, RSG_F_NOTICE);
	if (rsg_msg_has(said, RSG_F_NOTICE_VERSION))
		rsg_buf_printf(p->b, "%s%" PRId64, word[VERSION][p->lang],
		    rsg_msg_get_int(said, RSG_F_NOTICE_VERSION, 0));
	rsg_page_row_end(p);
}

static void
lacking_row(struct rsg_page *p, struct rsg_fields said)
{
	struct rsg_fields one;
	size_t pos = 0, seen = 0;
	char code[33];

	while (rsg_msg_each(said, &pos, RSG_F_LACKING, &one)) {
		if (seen++ == 0)
			rsg_page_row_begin(p, word[LACKING][p->lang]);
		else
			rsg_buf_str(p->b, ", ");
		if (one.len < sizeof(code)) {
			memcpy(code, one.p, one.len);
			code[one.len] = '\0';
			rsg_page_text(p, RSG_PAGE_WORD(missing, code, p->lang));
		}
	}
	if (seen == 0)
		return;
	rsg_buf_str(p->b, ". ");
	rsg_page_text(p, word[COUNTS][p->lang]);
	rsg_page_row_end(p);
}

/* --- Sections --- */

/* A sentence that ends with a time. */
static void
note(struct rsg_page *p, enum word w, int64_t us)
{
	rsg_buf_str(p->b, "<p class=\"note\">");
	rsg_page_text(p, word[w][p->lang]);
	rsg_web_time(p->b, p->lang, us);
	rsg_buf_str(p->b, ".</p>\n");
}

/* What was said, in one look; of a yes that waits for its code, that it does. */
static void
put_said(struct rsg_page *p, struct rsg_fields said, const char *status)
{
	static const struct { const char *state; enum word what; } codes[] = {
		{ "awaited", CODE_AWAITED }, { "lapsed", CODE_LAPSED },
		{ "answered", CODE_ANSWERED },
	};
	char state[17] = "", channel[33] = "";
	bool waits = rsg_msg_get_text(said, RSG_F_CONFIRMATION, state, sizeof(state));

	rsg_buf_str(p->b, waits ? "<div class=\"said wait\">\n" : "<div class=\"said\">\n");
	rsg_page_put(p, "p", waits ? RSG_PAGE_WORD(confirmations, state, p->lang) :
	    RSG_PAGE_WORD(statuses, p->mexico && strcmp(status, "withdrawn") == 0 ?
	    "withdrawn-mx" : status, p->lang));
	rsg_buf_str(p->b, "<p>");
	rsg_page_field(p, said, RSG_F_TITLE);
	if (rsg_msg_get_text(said, RSG_F_CHANNEL, channel, sizeof(channel))) {
		rsg_buf_str(p->b, ", ");
		rsg_page_text(p, RSG_PAGE_WORD(channels, channel, p->lang));
	}
	rsg_buf_str(p->b, "</p>\n");
	for (size_t i = 0; waits && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].state, state) == 0)
			note(p, codes[i].what, rsg_msg_get_int(said, RSG_F_CODE_UNTIL, 0));
	if (!waits && rsg_msg_has(said, RSG_F_LATER))
		note(p, SINCE, rsg_msg_get_int(said, RSG_F_LATER, 0));
	rsg_buf_str(p->b, "</div>\n");
}

static void
put_answer(struct rsg_page *p, struct rsg_fields said, bool yes)
{
	put_word(p, "h2", AGREED);
	rsg_buf_str(p->b, "<dl>\n");
	rsg_page_row_begin(p, word[FOR][p->lang]);
	rsg_page_field(p, said, rsg_msg_has(said, RSG_F_DESCRIPTION) ?
	    RSG_F_DESCRIPTION : RSG_F_TITLE);
	rsg_page_row_end(p);
	code_row(p, WHO, said, RSG_F_BY, people, sizeof(people) / sizeof(people[0]));
	time_row(p, WHEN, said, RSG_F_TIME);
	/* Noted at once, as it mostly is, it needs no line of its own. */
	if (rsg_msg_get_int(said, RSG_F_RECORDED, 0) -
	    rsg_msg_get_int(said, RSG_F_TIME, 0) >= 60 * RSG_US)
		time_row(p, NOTED, said, RSG_F_RECORDED);
	if (rsg_msg_has(said, RSG_F_CONFIRMED))
		time_row(p, CONFIRMED, said, RSG_F_CONFIRMED);
	if (yes)
		time_row(p, UNTIL, said, RSG_F_UNTIL);
	code_row(p, METHOD, said, RSG_F_METHOD, methods,
	    sizeof(methods) / sizeof(methods[0]));
	field_row(p, SAYING, said, RSG_F_WORDS);
	lacking_row(p, said);
	notice_row(p, said);
	if (yes) {
		list_row(p, DATA, said, RSG_F_FIELD_LIST, NO_DATA);
		list_row(p, GIVEN_TO, said, RSG_F_RECEIVERS, NOBODY);
	}
	rsg_buf_str(p->b, "</dl>\n");
}

static void
put_change(struct rsg_page *p, struct rsg_fields said, struct rsg_fields party, bool yes)
{
	static const enum rsg_field ways[] = { RSG_F_URL, RSG_F_EMAIL, RSG_F_PHONE };
	size_t seen = 0;

	put_word(p, "h2", CHANGE);
	put_word(p, "p", !yes ? SAY_YES : p->mexico ? REVOKE : WITHDRAW);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!rsg_msg_has(party, ways[i]))
			continue;
		if (seen++ == 0) {
			put_word(p, "p", TELL);
			rsg_buf_str(p->b, "<ul>\n");
		}
		rsg_buf_str(p->b, "<li>");
		rsg_page_field(p, party, ways[i]);
		rsg_buf_str(p->b, "</li>\n");
	}
	if (seen > 0)
		rsg_buf_str(p->b, "</ul>\n");
	else
		put_word(p, "p", ASK_THERE);
	if (!rsg_msg_has(said, RSG_F_AUTHORITY))
		return;
	put_word(p, "h2", COMPLAIN);
	rsg_buf_str(p->b, "<p>");
	rsg_page_text(p, word[COMPLAIN_TO][p->lang]);
	rsg_page_field(p, said, RSG_F_AUTHORITY);
	rsg_buf_str(p->b, "</p>\n");
}

static void
put_company(struct rsg_page *p, struct rsg_fields party)
{
	put_word(p, "h2", COMPANY);
	rsg_buf_str(p->b, "<p>");
	rsg_page_field(p, party, RSG_F_TITLE);
	rsg_buf_str(p->b, "</p>\n<dl>\n");
	field_row(p, ADDRESS, party, RSG_F_ADDRESS);
	field_row(p, CONTACT, party, RSG_F_CONTACT);
	rsg_buf_str(p->b, "</dl>\n");
}

static void
put_proof(struct rsg_page *p, struct rsg_fields f)
{
	put_word(p, "h2", PROOF);
	put_word(p, "p", PROOF_WHAT);
	rsg_buf_str(p->b, "<ol>\n");
	put_word(p, "li", PROOF_SAVE);
	put_word(p, "li", PROOF_KEY);
	rsg_buf_str(p->b, "<li>");
	put_word(p, "code", PROOF_RUN);
	rsg_buf_str(p->b, "</li>\n</ol>\n");
	/* It scrolls on a screen: whoever has no pointer gets there by key. */
	rsg_buf_printf(p->b, "<pre tabindex=\"0\" role=\"region\" aria-label=\"%s\">",
	    word[LETTERS][p->lang]);
	rsg_page_field(p, f, RSG_F_RECEIPT);
	rsg_buf_str(p->b, "</pre>\n");
}

void
rsg_web_receipt(struct rsg_buf *b, struct rsg_fields f)
{
	struct rsg_fields said = { NULL, 0 }, party = { NULL, 0 };
	struct rsg_page p = { b, RSG_LANG_EN, false };
	char lang[9] = "en", status[33] = "", place[17] = "";
	bool yes;

	(void)rsg_msg_get_text(f, RSG_F_LANGUAGE, lang, sizeof(lang));
	p.lang = strcmp(lang, "es") == 0 ? RSG_LANG_ES : RSG_LANG_EN;
	(void)rsg_msg_get(f, RSG_F_SAID, &said.p, &said.len);
	(void)rsg_msg_get(said, RSG_F_PARTY, &party.p, &party.len);
	(void)rsg_msg_get_text(said, RSG_F_JURISDICTION, place, sizeof(place));
	p.mexico = strcmp(place, "MX") == 0;
	(void)rsg_msg_get_text(said, RSG_F_STATUS, status, sizeof(status));
	yes = strcmp(status, "given") == 0 || strcmp(status, "renewed") == 0;
	rsg_buf_printf(b, "<!doctype html>\n<html lang=\"%s\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	    "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
	    p.lang == RSG_LANG_ES ? "es" : "en", word[HEAD][p.lang], rsg_web_style);
	put_word(&p, "h1", HEAD);
	rsg_buf_str(b, "<p class=\"who\">");
	rsg_page_field(&p, party, RSG_F_TITLE);
	rsg_buf_str(b, "</p>\n");
	put_word(&p, "p", SUB);
	put_said(&p, said, status);
	put_answer(&p, said, yes);
	rsg_page_returned(&p, said);
	put_change(&p, said, party, yes || strcmp(status, "requested") == 0);
	put_company(&p, party);
	put_proof(&p, f);
	rsg_buf_str(b, "</main>\n</body>\n</html>\n");
}
