/*
 * web.c - pages: what is shown of a reply, in both languages, and that nothing
 * in them can be taken for markup, fetched or run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "seal/sign.h"
#include "seal/seal.h"
#include "web/web.h"

static struct rsg_buf in, out;

/* What more a reply says, for the pages that follow. */
static struct { const char *lacking[2], *code, *place; size_t given; int64_t more, later; }
    also = { .place = "MX" };

static void
put_given(size_t n)
{
	size_t mark = rsg_msg_open(&in, RSG_F_IN_RETURN);
	char title[64];

	(void)snprintf(title, sizeof(title), "<b>Gift %zu</b>", n);
	rsg_msg_text(&in, RSG_F_KIND, "gift");
	if (n > 0)
		rsg_msg_text(&in, RSG_F_TITLE, title);
	rsg_msg_text(&in, RSG_F_SUMMARY, "A <gift> & more");
	rsg_msg_text(&in, RSG_F_WORTH, "1.50");
	rsg_msg_text(&in, RSG_F_CURRENCY, "EUR");
	rsg_msg_text(&in, RSG_F_STATUS, "reversed");
	rsg_msg_int(&in, RSG_F_DELIVERED_AT, INT64_C(1800000000000000));
	rsg_msg_int(&in, RSG_F_REVERSED_AT, INT64_C(1800086400000000));
	rsg_msg_text(&in, RSG_F_CAUSE, "return");
	rsg_msg_text(&in, RSG_F_ON_WITHDRAWAL, "<i>it stays</i>");
	rsg_msg_close(&in, mark);
}

static void
put_also(void)
{
	for (size_t i = 0; i < 2; i++)
		if (also.lacking[i] != NULL)
			rsg_msg_text(&in, RSG_F_LACKING, also.lacking[i]);
	for (size_t i = 0; i < also.given; i++)
		put_given(i);
	if (also.more > 0)
		rsg_msg_int(&in, RSG_F_NOT_SHOWN, also.more);
	if (also.later != 0)
		rsg_msg_int(&in, RSG_F_LATER, also.later);
	if (also.code != NULL) {
		rsg_msg_text(&in, RSG_F_CONFIRMATION, also.code);
		rsg_msg_int(&in, RSG_F_CODE_UNTIL, INT64_C(1800086400000000));
	}
}

/* A reply about a yes, or what `status` says. */
static const char *
page(const char *language, const char *status, const char *title)
{
	size_t said, mark;

	rsg_buf_reset(&in);
	rsg_buf_reset(&out);
	rsg_msg_text(&in, RSG_F_LANGUAGE, language);
	said = rsg_msg_open(&in, RSG_F_SAID);
	mark = rsg_msg_open(&in, RSG_F_PARTY);
	rsg_msg_text(&in, RSG_F_CONTROLLER, "acme");
	rsg_msg_text(&in, RSG_F_TITLE, "Acme & Co");
	rsg_msg_close(&in, mark);
	rsg_msg_text(&in, RSG_F_PURPOSE, "marketing");
	rsg_msg_text(&in, RSG_F_TITLE, title);
	rsg_msg_text(&in, RSG_F_CHANNEL, "email");
	rsg_msg_text(&in, RSG_F_STATUS, status);
	rsg_msg_int(&in, RSG_F_TIME, INT64_C(1800000000000000));
	rsg_msg_int(&in, RSG_F_RECORDED, INT64_C(1800000000000000));
	rsg_msg_text(&in, RSG_F_BY, "subject");
	rsg_msg_text(&in, RSG_F_JURISDICTION, also.place);
	put_also();
	rsg_msg_close(&in, said);
	rsg_msg_text(&in, RSG_F_RECEIPT, "abc.def.ghi");
	rsg_web_page(RSG_OP_RECEIPT)(&out, (struct rsg_fields){ in.p, in.len });
	rsg_buf_u8(&out, 0);
	assert_true(rsg_buf_ok(&out));
	return (const char *)out.p;
}

#define has(page, s)	assert_non_null(strstr((page), (s)))
#define lacks(page, s)	assert_null(strstr((page), (s)))

static void
speaks_both_languages(void **state)
{
	const char *p = page("es", "given", "Novedades");

	(void)state;
	has(p, "<html lang=\"es\">");
	has(p, "Usted dijo que sí");
	has(p, "por correo electrónico");
	has(p, "15 de enero de 2027, 08:00 (UTC)");
	has(p, "que cambie de opinión");
	has(p, "nadie más");
	has(p, "Puede revocar");			/* Mexico's word */
	p = page("en", "withdrawn", "News");
	has(p, "<html lang=\"en\">");
	has(p, "You withdrew your yes");
	has(p, "15 January 2027, 08:00 (UTC)");
	lacks(p, "Holds until");
	has(p, "abc.def.ghi");
	lacks(p, "dpv:");
}

static void
shows_text_as_text(void **state)
{
	const char *p = page("en", "given", "<script>alert('1')</script>\"&");

	(void)state;
	lacks(p, "<script");
	has(p, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;");
	has(p, "Acme &amp; Co");
	lacks(p, "href");
	lacks(p, "src=");
	lacks(p, "http");
}

/* What was given stands there, each with what became of it. */
static void
shows_what_was_given(void **state)
{
	const char *p;

	(void)state;
	also.given = 2;
	also.more = 1;
	also.place = "ES";
	p = page("es", "given", "Novedades");
	has(p, "<h2>Lo que recibe a cambio</h2>");
	has(p, "<h3>Regalo</h3>");
	has(p, "<h3>&lt;b&gt;Gift 1&lt;/b&gt;</h3>");
	has(p, "A &lt;gift&gt; &amp; more");
	has(p, "Valor: 1,50 EUR");
	has(p, "<p>Entregado el 15 de enero de 2027, anulado el 16 de enero de 2027 "
	    "(por una devolución)</p>");
	has(p, "Si lo retira: &lt;i&gt;it stays&lt;/i&gt;");
	has(p, "Hay uno anterior que aquí no se muestra");
	also.more = 76;
	has(page("en", "given", "News"), "76 older ones are not shown here");
	has(page("en", "given", "News"), "Value: 1.50 EUR");
	has(page("en", "given", "News"), "taken back on 16 January 2027 (because of a return)");
	also.given = 0;
	also.more = 0;
	lacks(page("en", "given", "News"), "What you get");
	also.place = "MX";
}

/* A yes that is none yet must not look like one; nor what is not the last word. */
static void
tells_how_it_stands(void **state)
{
	static const char *const said[][3] = {
		{ "awaited", "it is not in force yet", "todavía no vale" },
		{ "lapsed", "it never came into force", "no llegó a valer" },
		{ "answered", "is what counts", "es lo que cuenta" },
	};
	const char *p;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		also.code = said[i][0];
		p = page("en", "requested", "News");
		has(p, said[i][1]);
		has(p, "16 January 2027, 08:00 (UTC)");
		lacks(p, "Holds until");
		for (size_t k = 0; k < 3; k++)
			if (k != i)
				lacks(p, said[k][1]);
		has(page("es", "requested", "Novedades"), said[i][2]);
	}
	also.code = NULL;
	lacks(page("en", "given", "News"), "changed since");
	also.later = INT64_C(1800086400000000);
	has(page("en", "given", "News"), "changed since");
	has(page("es", "given", "News"), "16 de enero de 2027");
	also.later = 0;
	also.lacking[0] = "place";
	also.lacking[1] = "attachment";
	has(page("en", "withdrawn", "News"), "in which place it was noted, the form that was "
	    "named. Your no counts all the same.");
	has(page("es", "withdrawn", "Novedades"), "Su no vale igualmente.");
	has(page("es", "withdrawn", "Novedades"), "Usted revocó su sí");
	also.lacking[0] = also.lacking[1] = NULL;
	lacks(page("en", "withdrawn", "News"), "counts all the same");
}

/* The policy lets this style in, and nothing else. */
static void
policy_has_the_hash_of_the_style(void **state)
{
	uint8_t hash[32];
	struct rsg_buf b;

	(void)state;
	rsg_buf_init(&b, 256);
	rsg_sha256((struct rsg_part[]){ { rsg_web_style, strlen(rsg_web_style) } }, 1, hash);
	rsg_buf_str(&b, "'sha256-");
	rsg_base64_put(&b, hash, sizeof(hash));
	rsg_buf_str(&b, "'");
	rsg_buf_u8(&b, 0);
	has(rsg_web_policy, (char *)b.p);
	has(rsg_web_policy, "default-src 'none'");
	rsg_buf_free(&b);
	assert_null(rsg_web_page(RSG_OP_ME));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_both_languages),
		cmocka_unit_test(shows_text_as_text),
		cmocka_unit_test(shows_what_was_given),
		cmocka_unit_test(tells_how_it_stands),
		cmocka_unit_test(policy_has_the_hash_of_the_style),
	};
	int failed;

	rsg_buf_init(&in, 1 << 20);
	rsg_buf_init(&out, 1 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rsg_buf_free(&in);
	rsg_buf_free(&out);
	return failed;
}
