#include <string.h>

#include "resguardo/clock.h"
#include "web/web.h"

/* tests/unit/web.c holds the policy's hash to this. */
const char rsg_web_style[] =
    "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;"
    "padding:0 1rem;color:#1b1b1b;background:#fff}"
    "h1{font-size:1.5rem;margin:0 0 .25rem}"
    "dl{display:grid;grid-template-columns:11rem 1fr;gap:.4rem 1rem;margin:1.5rem 0}"
    "dt{color:#555}dd{margin:0}"
    "@media(max-width:34rem){dl{display:block}dd{margin:0 0 .8rem}}"
    ".said{font-size:1.25rem;border-left:.3rem solid #0a5c36;padding:.2rem .8rem}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;"
    "padding:.8rem;font-size:.8rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}"
    "dt{color:#aaa}pre{background:#262626}.said{border-color:#5fc794}}";

const char rsg_web_policy[] = "default-src 'none'; style-src 'sha256-l2cEtRZmi1x3oc2rUYyq5yV9eFgslcjoNUXv19u2ihI='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

rsg_page *
rsg_web_page(enum rsg_op op)
{
	return op == RSG_OP_RECEIPT ? rsg_web_receipt : NULL;
}

void
rsg_web_text(struct rsg_buf *b, const void *p, size_t n)
{
	static const struct { char c; const char *as; } marks[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};
	const char *s = p, *as;

	for (size_t i = 0; i < n; i++) {
		as = NULL;
		for (size_t k = 0; k < sizeof(marks) / sizeof(marks[0]); k++)
			if (s[i] == marks[k].c)
				as = marks[k].as;
		if (as != NULL)
			rsg_buf_str(b, as);
		else
			rsg_buf_u8(b, (uint8_t)s[i]);
	}
}

void
rsg_web_time(struct rsg_buf *b, enum rsg_lang lang, int64_t us)
{
	static const char *const months[2][12] = {
		{ "January", "February", "March", "April", "May", "June", "July",
		    "August", "September", "October", "November", "December" },
		{ "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio",
		    "agosto", "septiembre", "octubre", "noviembre", "diciembre" },
	};
	int64_t day = rsg_clock_day(us), minute = (us - day * RSG_DAY_US) / (60 * RSG_US);
	int y, m, d;

	rsg_clock_civil(day, &y, &m, &d);
	rsg_buf_printf(b, lang == RSG_LANG_ES ? "%d de %s de %d, %02d:%02d (UTC)" :
	    "%d %s %d, %02d:%02d (UTC)", d, months[lang][m - 1], y,
	    (int)(minute / 60), (int)(minute % 60));
}
