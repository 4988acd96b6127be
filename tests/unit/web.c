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
	rsg_msg_text(&in, RSG_F_JURISDICTION, "MX");
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
