#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/tell.h"

/* How an option stands in the string of what a command takes. */
enum form { UNKNOWN, PLAIN, VALUED, REPEATED };

static enum form
form_of(const char *takes, const char *name, size_t len)
{
	size_t n;

	for (; *takes != '\0'; takes += n + strspn(takes + n, " ")) {
		n = strcspn(takes, " ");
		if (n < len || strncmp(takes, name, len) != 0)
			continue;
		if (n == len)
			return PLAIN;
		if (takes[len] == '=')
			return takes[len + 1] == '*' ? REPEATED : VALUED;
	}
	return UNKNOWN;
}

/* One option at argv[*i]; moves *i over the value when that stands apart. */
static bool
option(struct rsg_args *a, const char *takes, int argc, char **argv, int *i)
{
	char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	enum form form = form_of(takes, name, len);
	const char *value = "";

	if (form == UNKNOWN) {
		rsg_tell_error("no such option here: --%.*s (see 'resguardo help')",
		    (int)len, name);
		return false;
	}
	if (form == PLAIN && equals != NULL) {
		rsg_tell_error("--%.*s takes no value", (int)len, name);
		return false;
	}
	if (form != PLAIN) {
		if (equals != NULL)
			value = equals + 1;
		else if (*i + 1 < argc)
			value = argv[++*i];
		if (*value == '\0') {
			rsg_tell_error("--%.*s needs a value", (int)len, name);
			return false;
		}
	}
	if (equals != NULL)
		*equals = '\0';
	if (form != REPEATED && rsg_args_has(a, name)) {
		rsg_tell_error("--%s stands twice", name);
		return false;
	}
	if (a->noptions == RSG_ARGS_MAX) {
		rsg_tell_error("too many options");
		return false;
	}
	a->option[a->noptions].name = name;
	a->option[a->noptions++].value = value;
	return true;
}

bool
rsg_args_parse(struct rsg_args *a, const char *takes, size_t words, int argc,
    char **argv)
{
	bool only_words = false;

	memset(a, 0, sizeof(*a));
	for (int i = 0; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
			if (!option(a, takes, argc, argv, &i))
				return false;
		} else if (a->nwords == words || a->nwords == RSG_ARGS_MAX) {
			rsg_tell_error("one word too many: %s", argv[i]);
			return false;
		} else
			a->word[a->nwords++] = argv[i];
	}
	return true;
}

const char *
rsg_args_nth(const struct rsg_args *a, const char *name, size_t n)
{
	for (size_t i = 0; i < a->noptions; i++)
		if (strcmp(a->option[i].name, name) == 0 && n-- == 0)
			return a->option[i].value;
	return NULL;
}

bool
rsg_args_has(const struct rsg_args *a, const char *name)
{
	return rsg_args_nth(a, name, 0) != NULL;
}

const char *
rsg_args_get(const struct rsg_args *a, const char *name, const char *absent)
{
	const char *value = rsg_args_nth(a, name, 0);

	return value != NULL ? value : absent;
}

bool
rsg_args_int(const struct rsg_args *a, const char *name, int64_t low,
    int64_t high, int64_t absent, int64_t *out)
{
	const char *value = rsg_args_nth(a, name, 0);
	char *end;

	*out = absent;
	if (value == NULL)
		return true;
	errno = 0;
	*out = strtoll(value, &end, 10);
	if (errno != 0 || *end != '\0' || *out < low || *out > high) {
		rsg_tell_error("--%s is a whole number from %lld to %lld", name,
		    (long long)low, (long long)high);
		return false;
	}
	return true;
}

bool
rsg_args_need(const struct rsg_args *a, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!rsg_args_has(a, names[i])) {
			rsg_tell_error("--%s is needed (see 'resguardo help')",
			    names[i]);
			return false;
		}
	}
	return true;
}
