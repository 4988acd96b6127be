#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/tell.h"

static void __attribute__((format(printf, 2, 0)))
line(const char *reason, const char *format, va_list ap)
{
	fflush(stdout);
	fputs("resguardo: ", stderr);
	vfprintf(stderr, format, ap);
	if (reason != NULL)
		fprintf(stderr, ": %s", reason);
	fputc('\n', stderr);
}

void
rsg_tell_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(NULL, format, ap);
	va_end(ap);
}

void
rsg_tell_errno(const char *format, ...)
{
	const char *reason = strerror(errno);
	va_list ap;

	va_start(ap, format);
	line(reason, format, ap);
	va_end(ap);
}

void
rsg_tell_err(enum rsg_err e, const char *detail)
{
	const struct rsg_errinfo *info = rsg_err_info(e);
	enum rsg_lang lang = rsg_tell_lang();

	if (detail != NULL && *detail != '\0')
		rsg_tell_error("%s (%s). %s", info->title[lang], detail,
		    info->next[lang]);
	else
		rsg_tell_error("%s. %s", info->title[lang], info->next[lang]);
}

enum rsg_lang
rsg_tell_lang(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *value;

	/* The first that is set decides, as in the C library. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = getenv(names[i]);
		if (value != NULL && *value != '\0')
			return strncmp(value, "es", 2) == 0 ?
			    RSG_LANG_ES : RSG_LANG_EN;
	}
	return RSG_LANG_EN;
}
