/*
 * args.h - the words after a command.
 *
 * What a command takes is one string: "state= host=* force" means an option
 * with a value, one that may come more than once, and one without a value.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSG_ARGS_MAX	64

struct rsg_args {
	const char *word[RSG_ARGS_MAX];		/* what is no option */
	size_t nwords;
	struct {
		const char *name, *value;	/* without "--"; value "" if none */
	} option[RSG_ARGS_MAX];
	size_t noptions;
};

/*
 * Parse argv[0..argc) against what is taken. At most `words` words. False,
 * with a line on standard error, when something does not belong.
 */
bool rsg_args_parse(struct rsg_args *, const char *takes, size_t words,
    int argc, char **argv);

bool rsg_args_has(const struct rsg_args *, const char *name);

/* The option's value, or `absent`. */
const char *rsg_args_get(const struct rsg_args *, const char *name,
    const char *absent);

/* The nth value of an option that may come more than once, or NULL. */
const char *rsg_args_nth(const struct rsg_args *, const char *name, size_t n);

/* A whole number between two bounds; false, with a line, when it is not. */
bool rsg_args_int(const struct rsg_args *, const char *name, int64_t low,
    int64_t high, int64_t absent, int64_t *out);

/* Are all of these options there? False, with a line naming the first absent. */
bool rsg_args_need(const struct rsg_args *, const char *const *names, size_t n);

#endif
