/*
 * returned.c - what a person was given in return, on the page of a receipt.
 */
#include <inttypes.h>
#include <string.h>

#include "web/page.h"

enum word { HEAD, POINTS, VALUE, LEAVING, REVOKING, ONE_MORE, MORE, WORDS };
static const char *const word[WORDS][2] = {
	[HEAD] = { "What you get", "Lo que recibe a cambio" },
	[POINTS] = { "points", "puntos" },
	[VALUE] = { "Value: ", "Valor: " },
	[LEAVING] = { "If you withdraw: ", "Si lo retira: " },
	[REVOKING] = { "If you withdraw: ", "Si lo revoca: " },
	[ONE_MORE] = { "There is one older one that is not shown here. Ask for it "
	    "whenever you like.",
	    "Hay uno anterior que aquí no se muestra. Puede pedirlo cuando quiera." },
	[MORE] = { " older ones are not shown here. Ask for them whenever you like.",
	    " anteriores no se muestran aquí. Puede pedirlos cuando quiera." },
};

static const struct rsg_words kinds[] = {
	{ "points", { "Points", "Puntos" } },
	{ "coupon", { "Voucher", "Vale" } },
	{ "discount", { "Discount", "Descuento" } },
	{ "gift", { "Gift", "Regalo" } },
	{ "content", { "Content", "Contenido" } },
	{ "draw", { "Draw", "Sorteo" } },
	{ "status", { "Status", "Categoría" } },
}, causes[] = {
	{ "withdrawal", { "because you withdrew", "porque usted retiró su sí" } },
	{ "return", { "because of a return", "por una devolución" } },
	{ "error", { "it was an error", "fue un error" } },
	{ "fraud", { "for fraud", "por fraude" } },
};

/* The steps, in the order in which they can be taken. */
static const struct step { enum rsg_field f; const char *in[2]; } steps[] = {
	{ RSG_F_PROMISED_AT, { "Promised on ", "Prometido el " } },
	{ RSG_F_DUE, { "you get it by ", "lo tendrá antes del " } },
	{ RSG_F_DELIVERED_AT, { "delivered on ", "entregado el " } },
	{ RSG_F_UNTIL, { "good until ", "vale hasta el " } },
	{ RSG_F_REDEEMED_AT, { "used on ", "usado el " } },
	{ RSG_F_EXPIRED_AT, { "lapsed on ", "caducado el " } },
	{ RSG_F_REVERSED_AT, { "taken back on ", "anulado el " } },
};

static void
put_steps(struct rsg_page *p, struct rsg_fields one)
{
	char cause[17];
	size_t seen = 0;

	rsg_buf_str(p->b, "<p>");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const char *s = steps[i].in[p->lang];

		if (!rsg_msg_has(one, steps[i].f))
			continue;
		/* Delivered at once, it begins the line. */
		rsg_buf_str(p->b, seen++ > 0 ? ", " : "");
		if (seen == 1 && s[0] >= 'a' && s[0] <= 'z')
			rsg_buf_u8(p->b, (uint8_t)(*s++ - 'a' + 'A'));
		rsg_page_text(p, s);
		rsg_web_day(p->b, p->lang, rsg_msg_get_int(one, steps[i].f, 0));
	}
	if (rsg_msg_get_text(one, RSG_F_CAUSE, cause, sizeof(cause))) {
		rsg_buf_str(p->b, " (");
		rsg_page_text(p, RSG_PAGE_WORD(causes, cause, p->lang));
		rsg_buf_str(p->b, ")");
	}
	rsg_buf_str(p->b, "</p>\n");
}

/* "200 points. Value: 2.00 EUR", with the comma that the reader is used to. */
static void
put_worth(struct rsg_page *p, struct rsg_fields one)
{
	bool points = rsg_msg_has(one, RSG_F_POINTS), value = rsg_msg_has(one, RSG_F_WORTH);
	char amount[33] = "", *dot;

	if (!points && !value)
		return;
	rsg_buf_str(p->b, "<p>");
	if (points)
		rsg_buf_printf(p->b, "%" PRId64 " %s%s",
		    rsg_msg_get_int(one, RSG_F_POINTS, 0), word[POINTS][p->lang],
		    value ? ". " : "");
	if (value) {
		(void)rsg_msg_get_text(one, RSG_F_WORTH, amount, sizeof(amount));
		if (p->lang == RSG_LANG_ES && !p->mexico &&
		    (dot = strchr(amount, '.')) != NULL)
			*dot = ',';
		rsg_buf_str(p->b, word[VALUE][p->lang]);
		rsg_page_text(p, amount);
		rsg_buf_str(p->b, " ");
		rsg_page_field(p, one, RSG_F_CURRENCY);
	}
	rsg_buf_str(p->b, "</p>\n");
}

static void
put_one(struct rsg_page *p, struct rsg_fields one)
{
	char kind[33] = "";

	(void)rsg_msg_get_text(one, RSG_F_KIND, kind, sizeof(kind));
	rsg_buf_str(p->b, "<li><h3>");
	if (rsg_msg_has(one, RSG_F_TITLE))
		rsg_page_field(p, one, RSG_F_TITLE);
	else
		rsg_page_text(p, RSG_PAGE_WORD(kinds, kind, p->lang));
	rsg_buf_str(p->b, "</h3>\n<p>");
	rsg_page_field(p, one, RSG_F_SUMMARY);
	rsg_buf_str(p->b, "</p>\n");
	put_worth(p, one);
	put_steps(p, one);
	if (rsg_msg_has(one, RSG_F_ON_WITHDRAWAL)) {
		rsg_buf_printf(p->b, "<p>%s", word[p->mexico ? REVOKING : LEAVING][p->lang]);
		rsg_page_field(p, one, RSG_F_ON_WITHDRAWAL);
		rsg_buf_str(p->b, "</p>\n");
	}
	rsg_buf_str(p->b, "</li>\n");
}

void
rsg_page_returned(struct rsg_page *p, struct rsg_fields said)
{
	int64_t more = rsg_msg_get_int(said, RSG_F_NOT_SHOWN, 0);
	struct rsg_fields one;
	size_t pos = 0, seen = 0;

	while (rsg_msg_each(said, &pos, RSG_F_IN_RETURN, &one)) {
		if (seen++ == 0) {
			rsg_page_put(p, "h2", word[HEAD][p->lang]);
			rsg_buf_str(p->b, "<ul class=\"got\">\n");
		}
		put_one(p, one);
	}
	if (seen > 0)
		rsg_buf_str(p->b, "</ul>\n");
	if (more == 1)
		rsg_page_put(p, "p", word[ONE_MORE][p->lang]);
	else if (more > 1)
		rsg_buf_printf(p->b, "<p>%" PRId64 "%s</p>\n", more, word[MORE][p->lang]);
}
