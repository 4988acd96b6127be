/*
 * words.h - what the demo's people are made of. Common names of Spain and
 * Mexico, in no relation to anybody.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stddef.h>

struct rsg_city {
	const char *name, *region;	/* ISO 3166-2 */
	const char *postal;		/* first two digits of five */
};

struct rsg_words {
	const char *const *w;
	size_t n;
};

extern const struct rsg_words rsg_words_women, rsg_words_men, rsg_words_surnames,
    rsg_words_streets, rsg_words_interests, rsg_words_items;
/* The demo's notice: Spanish and English, each in full and short. */
extern const char *const rsg_words_notice[2][2];
extern const struct rsg_city rsg_words_spain[], rsg_words_mexico[];
extern const size_t rsg_words_nspain, rsg_words_nmexico;

#endif
