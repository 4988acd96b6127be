/*
 * when.h - a shop's local times made into instants.
 *
 * Uses the C library's zones through TZ, so it is for programs of one thread.
 */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rsg_when {
	RSG_WHEN_DATE,			/* 2026-11-21: noon there */
	RSG_WHEN_DATETIME,		/* 2026-11-21 20:27[:13], ' ' or 'T' */
	RSG_WHEN_RFC3339		/* with an offset of its own */
};

/* Is there such a zone on this machine? It is the one used from then on. */
bool rsg_when_zone(const char *zone);

/* Microseconds since 1970 UTC. False when the text has another form. */
bool rsg_when_parse(enum rsg_when, const char *, size_t, int64_t *us);

#endif
