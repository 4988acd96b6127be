#include <string.h>

#include "resguardo/clock.h"
#include "web/web.h"

/* tests/unit/web.c holds the policy's hash to this. Letters of the system, one
 * column that fits a telephone, and on paper all that a screen folds away. */
const char rsg_web_style[] =
    ":root{color-scheme:light dark}"
    "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:42rem;margin:1.5rem auto;"
    "padding:0 1rem;color:#1b1b1b;background:#fff;overflow-wrap:break-word}"
    "h1{font-size:1.5rem;line-height:1.2;margin:0 0 .25rem}"
    "h2{font-size:1.15rem;margin:2rem 0 .5rem;border-top:1px solid #767676;"
    "padding-top:1rem}"
    "h3{font-size:1.05rem;margin:0}"
    "p{margin:.25rem 0}"
    "dl{display:grid;grid-template-columns:11rem 1fr;gap:.5rem 1rem;margin:.75rem 0}"
    "dt{color:#555}dd{margin:0;min-width:0}"
    "ul,ol{margin:.5rem 0;padding-left:1.25rem}.got>li{margin:0 0 1rem}"
    ".said{margin:1.25rem 0;border-left:.3rem solid #0a5c36;padding:.25rem .8rem}"
    ".said p:first-child{font-size:1.3rem;font-weight:600;line-height:1.3}"
    ".wait{border-color:#9a5b00}"
    ".who,.note{font-weight:600}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;"
    "padding:.8rem;font-size:.75rem;max-height:9rem;overflow:auto}"
    "@media(max-width:34rem){dl{display:block}dd{margin:0 0 .7rem}dt{font-size:.95rem}}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}"
    "dt{color:#b5b5b5}pre{background:#262626}.said{border-color:#5fc794}"
    ".wait{border-color:#e0a44a}}"
    "@media print{body{font-size:10.5pt;max-width:none;margin:0;color:#000;"
    "background:#fff}pre{max-height:none;font-size:6pt;background:none}"
    "dt{color:#000}h2,h3{break-after:avoid}li,.said{break-inside:avoid}}";

const char rsg_web_policy[] = "default-src 'none'; style-src 'sha256-Ri0bUp6PvNf2VrIcuGBDJXxvW9XkuOMwjVK00DVGtxY='; "
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
rsg_web_day(struct rsg_buf *b, enum rsg_lang lang, int64_t us)
{
	static const char *const months[2][12] = {
		{ "January", "February", "March", "April", "May", "June", "July",
		    "August", "September", "October", "November", "December" },
		{ "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio",
		    "agosto", "septiembre", "octubre", "noviembre", "diciembre" },
	};
	int y, m, d;

	rsg_clock_civil(rsg_clock_day(us), &y, &m, &d);
	rsg_buf_printf(b, lang == RSG_LANG_ES ? "%d de %s de %d" : "%d %s %d", d,
	    months[lang][m - 1], y);
}

void
rsg_web_time(struct rsg_buf *b, enum rsg_lang lang, int64_t us)
{
	int64_t minute = (us - rsg_clock_day(us) * RSG_DAY_US) / (60 * RSG_US);

	rsg_web_day(b, lang, us);
	rsg_buf_printf(b, ", %02d:%02d (UTC)", (int)(minute / 60), (int)(minute % 60));
}
