#include "web/page.h"

#include <string.h>

const char *
rsg_page_word(const struct rsg_words *w, size_t n, const char *code,
    enum rsg_lang lang)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(w[i].code, code) == 0)
			return w[i].in[lang];
	return code;
}

void
rsg_page_text(struct rsg_page *p, const char *s)
{
	rsg_web_text(p->b, s, strlen(s));
}

void
rsg_page_field(struct rsg_page *p, struct rsg_fields f, enum rsg_field field)
{
	const uint8_t *s;
	size_t n;

	if (rsg_msg_get(f, field, &s, &n))
		rsg_web_text(p->b, s, n);
}

void
rsg_page_put(struct rsg_page *p, const char *tag, const char *text)
{
	int name = (int)strcspn(tag, " ");

	rsg_buf_printf(p->b, "<%s>", tag);
	rsg_page_text(p, text);
	rsg_buf_printf(p->b, "</%.*s>\n", name, tag);
}

void
rsg_page_row_begin(struct rsg_page *p, const char *what)
{
	rsg_buf_str(p->b, "<dt>");
	rsg_page_text(p, what);
	rsg_buf_str(p->b, "</dt><dd>");
}

void
rsg_page_row_end(struct rsg_page *p)
{
	rsg_buf_str(p->b, "</dd>\n");
}
