/*
 * page.h - for the pages alone: rows and words that several of them write.
 */
#ifndef RESGUARDO_API_WEB_PAGE_H
#define RESGUARDO_API_WEB_PAGE_H

#include "web/web.h"

struct rsg_page {
	struct rsg_buf *b;
	enum rsg_lang lang;
	bool mexico;			/* where one "revoca", and does not "retira" */
};

/* A code of ours in the words of people; itself where it has none. */
struct rsg_words { const char *code, *in[2]; };
const char *rsg_page_word(const struct rsg_words *, size_t n, const char *code,
    enum rsg_lang);
#define RSG_PAGE_WORD(w, code, lang) \
	rsg_page_word((w), sizeof(w) / sizeof((w)[0]), (code), (lang))

/* Text, escaped. */
void rsg_page_text(struct rsg_page *, const char *);
void rsg_page_field(struct rsg_page *, struct rsg_fields, enum rsg_field);

/* <tag>text</tag>, with the tag's attributes if it has any. */
void rsg_page_put(struct rsg_page *, const char *tag, const char *text);

/* A row of a list: what it is, and what it says between begin and end. */
void rsg_page_row_begin(struct rsg_page *, const char *what);
void rsg_page_row_end(struct rsg_page *);

/* What a person was given in return: a section, or nothing. */
void rsg_page_returned(struct rsg_page *, struct rsg_fields said);

#endif
