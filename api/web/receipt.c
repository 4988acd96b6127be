/*
 * receipt.c - a consent receipt that its person can read, keep and print. The
 * words are those of people; no term of a vocabulary is shown.
 */
#include <string.h>

#include "web/web.h"

struct words { const char *code, *in[2]; };

static const struct words statuses[] = {
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
};

enum word { HEAD, SUB, FOR, HOW, WHO, WHEN, NOTED, UNTIL, ALWAYS, NOTICE, METHOD,
	DATA, NO_DATA, GIVEN_TO, NOBODY, IN_RETURN, COMPANY, ADDRESS, CONTACT,
	CHANGE, WITHDRAW, REVOKE, COMPLAIN, PROOF, PROOF_HOW, WORDS };

static const char *const word[WORDS][2] = {
	[HEAD] = { "Receipt of your answer", "Recibo de su respuesta" },
	[SUB] = { "Keep it: it proves what you answered, and when.",
	    "Guárdelo: prueba qué respondió y cuándo." },
	[FOR] = { "What for", "Para qué" },
	[HOW] = { "Way to reach you", "Medio" },
	[WHO] = { "Who answered", "Quién respondió" },
	[WHEN] = { "When", "Cuándo" },
	[NOTED] = { "Noted on", "Anotado el" },
	[UNTIL] = { "Holds until", "Vale hasta" },
	[ALWAYS] = { "you change your mind", "que cambie de opinión" },
	[NOTICE] = { "Notice you were shown", "Aviso que se le mostró" },
	[METHOD] = { "How", "Cómo" },
	[DATA] = { "Your data used for it", "Datos suyos que se usan" },
	[NO_DATA] = { "none at present", "ninguno por ahora" },
	[GIVEN_TO] = { "May be given to", "Puede darse a" },
	[NOBODY] = { "nobody else", "nadie más" },
	[IN_RETURN] = { "What you get", "Lo que recibe a cambio" },
	[COMPANY] = { "Who asked you", "Quién se lo pidió" },
	[ADDRESS] = { "Address", "Dirección" },
	[CONTACT] = { "Contact", "Contacto" },
	[CHANGE] = { "Changing your mind", "Cambiar de opinión" },
	[WITHDRAW] = { "You can withdraw a yes whenever you like, as easily as you "
	    "gave it.",
	    "Puede retirar un sí cuando quiera, con la misma facilidad con que lo "
	    "dio." },
	[REVOKE] = { "You can withdraw a yes whenever you like, as easily as you "
	    "gave it.",
	    "Puede revocar un sí cuando quiera, con la misma facilidad con que lo "
	    "dio." },
	[COMPLAIN] = { "You can complain to", "Puede reclamar ante" },
	[PROOF] = { "The signed receipt", "El recibo firmado" },
	[PROOF_HOW] = { "These letters are the receipt as it was signed. Whoever has "
	    "them can check, without asking us, that nothing was changed: resguardo "
	    "receipt verify FILE --key KEY.",
	    "Estas letras son el recibo tal como se firmó. Quien las tenga "
	    "puede comprobar, sin preguntarnos, que nada se cambió: resguardo "
	    "receipt verify FICHERO --key CLAVE." },
};

struct page {
	struct rsg_buf *b;
	enum rsg_lang lang;
};

static const char *
words_of(const struct words *w, size_t n, const char *code, enum rsg_lang lang)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(w[i].code, code) == 0)
			return w[i].in[lang];
	return code;
}
#define WORDS_OF(w, code, lang) \
	words_of((w), sizeof(w) / sizeof((w)[0]), (code), (lang))

static void
text(struct page *p, const char *s)
{
	rsg_web_text(p->b, s, strlen(s));
}

static void
open_row(struct page *p, enum word w)
{
	rsg_buf_str(p->b, "<dt>");
	text(p, word[w][p->lang]);
	rsg_buf_str(p->b, "</dt><dd>");
}

static void
close_row(struct page *p)
{
	rsg_buf_str(p->b, "</dd>\n");
}

static void
row(struct page *p, enum word w, const char *s)
{
	open_row(p, w);
	text(p, s);
	close_row(p);
}

static void
field_row(struct page *p, enum word w, struct rsg_fields f, enum rsg_field field)
{
	const uint8_t *s;
	size_t n;

	if (!rsg_msg_get(f, field, &s, &n))
		return;
	open_row(p, w);
	rsg_web_text(p->b, s, n);
	close_row(p);
}

static void
code_row(struct page *p, enum word w, struct rsg_fields f, enum rsg_field field,
    const struct words *t, size_t n)
{
	char code[33];

	if (rsg_msg_get_text(f, field, code, sizeof(code)))
		row(p, w, words_of(t, n, code, p->lang));
}

static void
time_row(struct page *p, enum word w, struct rsg_fields f, enum rsg_field field)
{
	open_row(p, w);
	if (rsg_msg_has(f, field))
		rsg_web_time(p->b, p->lang, rsg_msg_get_int(f, field, 0));
	else
		text(p, word[ALWAYS][p->lang]);
	close_row(p);
}

/* Names one after the other; `none` where there are none. */
static void
list_row(struct page *p, enum word w, struct rsg_fields f, enum rsg_field list,
    enum word none)
{
	struct rsg_fields one;
	const uint8_t *s;
	size_t pos = 0, n, seen = 0;

	open_row(p, w);
	while (rsg_msg_each(f, &pos, list, &one)) {
		if (seen++ > 0)
			rsg_buf_str(p->b, ", ");
		if (list != RSG_F_FIELD_LIST)
			rsg_web_text(p->b, one.p, one.len);
		else if (rsg_msg_get(one, RSG_F_TITLE, &s, &n))
			rsg_web_text(p->b, s, n);
	}
	if (seen == 0)
		text(p, word[none][p->lang]);
	close_row(p);
}

static void
put_answer(struct page *p, struct rsg_fields said)
{
	char status[33] = "";
	bool yes;

	(void)rsg_msg_get_text(said, RSG_F_STATUS, status, sizeof(status));
	yes = strcmp(status, "given") == 0 || strcmp(status, "renewed") == 0;
	rsg_buf_str(p->b, "<p class=\"said\">");
	text(p, WORDS_OF(statuses, status, p->lang));
	rsg_buf_str(p->b, "</p>\n<dl>\n");
	field_row(p, FOR, said, RSG_F_TITLE);
	code_row(p, HOW, said, RSG_F_CHANNEL, channels,
	    sizeof(channels) / sizeof(channels[0]));
	code_row(p, WHO, said, RSG_F_BY, people, sizeof(people) / sizeof(people[0]));
	time_row(p, WHEN, said, RSG_F_TIME);
	time_row(p, NOTED, said, RSG_F_RECORDED);
	if (yes)
		time_row(p, UNTIL, said, RSG_F_UNTIL);
	field_row(p, METHOD, said, RSG_F_METHOD);
	field_row(p, NOTICE, said, RSG_F_NOTICE);
	if (yes) {
		list_row(p, DATA, said, RSG_F_FIELD_LIST, NO_DATA);
		list_row(p, GIVEN_TO, said, RSG_F_RECEIVERS, NOBODY);
	}
	field_row(p, IN_RETURN, said, RSG_F_IN_RETURN);
}

static void
put_company(struct page *p, struct rsg_fields said)
{
	struct rsg_fields party = { NULL, 0 };
	char code[17] = "";

	(void)rsg_msg_get(said, RSG_F_PARTY, &party.p, &party.len);
	field_row(p, COMPANY, party, RSG_F_TITLE);
	field_row(p, ADDRESS, party, RSG_F_ADDRESS);
	field_row(p, CONTACT, party, RSG_F_CONTACT);
	field_row(p, CONTACT, party, RSG_F_EMAIL);
	field_row(p, CONTACT, party, RSG_F_PHONE);
	field_row(p, CONTACT, party, RSG_F_URL);
	(void)rsg_msg_get_text(said, RSG_F_JURISDICTION, code, sizeof(code));
	row(p, CHANGE, word[strcmp(code, "MX") == 0 ? REVOKE : WITHDRAW][p->lang]);
	field_row(p, COMPLAIN, said, RSG_F_AUTHORITY);
	rsg_buf_str(p->b, "</dl>\n");
}

void
rsg_web_receipt(struct rsg_buf *b, struct rsg_fields f)
{
	struct rsg_fields said = { NULL, 0 };
	struct page p = { b, RSG_LANG_EN };
	const uint8_t *jws;
	char lang[9] = "en";
	size_t n;

	(void)rsg_msg_get_text(f, RSG_F_LANGUAGE, lang, sizeof(lang));
	p.lang = strcmp(lang, "es") == 0 ? RSG_LANG_ES : RSG_LANG_EN;
	(void)rsg_msg_get(f, RSG_F_SAID, &said.p, &said.len);
	rsg_buf_printf(b, "<!doctype html>\n<html lang=\"%s\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n"
	    "<style>%s</style>\n<h1>%s</h1>\n<p>%s</p>\n", p.lang == RSG_LANG_ES ? "es" :
	    "en", word[HEAD][p.lang], rsg_web_style, word[HEAD][p.lang],
	    word[SUB][p.lang]);
	put_answer(&p, said);
	put_company(&p, said);
	rsg_buf_printf(b, "<details><summary>%s</summary>\n<p>%s</p>\n<pre>",
	    word[PROOF][p.lang], word[PROOF_HOW][p.lang]);
	if (rsg_msg_get(f, RSG_F_RECEIPT, &jws, &n))
		rsg_web_text(b, jws, n);
	rsg_buf_str(b, "</pre>\n</details>\n</html>\n");
}
