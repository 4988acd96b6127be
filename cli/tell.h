/*
 * tell.h - what the program says to the person who runs it.
 *
 * Errors are one line on standard error that begins with "resguardo: ".
 * No line ever repeats a value that was read from a file of customers.
 */
#ifndef CLI_TELL_H
#define CLI_TELL_H

#include "resguardo/err.h"

/* How the program ends. Documented in docs/OPERATIONS.md: part of the interface. */
enum rsg_exit {
	RSG_EXIT_OK = 0,
	RSG_EXIT_FAILED = 1,		/* refused, or it went wrong */
	RSG_EXIT_USAGE = 2,
	RSG_EXIT_UNREACHABLE = 3	/* no server at the admin socket */
};

/* One line on standard error. */
void rsg_tell_error(const char *, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the reason in errno at its end. */
void rsg_tell_errno(const char *, ...) __attribute__((format(printf, 1, 2)));

/* One line in the words of the error catalogue; `detail` may be NULL. */
void rsg_tell_err(enum rsg_err, const char *detail);

/* Spanish when LC_ALL, LC_MESSAGES or LANG begins with "es". */
enum rsg_lang rsg_tell_lang(void);

#endif
