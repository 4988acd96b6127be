/*
 * import.c - `resguardo import`: reads a file line by line, sends it in
 * chunks, and accounts for every line.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/loader.h"
#include "cli/mapping.h"
#include "cli/ordinal.h"
#include "cli/progress.h"
#include "cli/rejects.h"
#include "cli/resume.h"
#include "cli/translate.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"
#include "seal/seal.h"

#define SAVE_EVERY	(2 * RSG_US)

struct import {
	const struct rsg_args *args;
	enum rsg_mapping_what what;
	const char *file, *origin;
	struct rsg_mapping *mapping;
	struct rsg_source *source;
	struct rsg_reader *reader;
	struct rsg_admin *admin;
	struct rsg_loader *loader;
	struct rsg_ordinal *lines, *people;	/* met before in this run */
	struct rsg_folder *folder;	/* of the files that lines name; NULL: none */
	struct rsg_rejects rejects, notes;
	struct rsg_resume done;		/* what was answered */
	struct rsg_progress progress;
	struct rsg_record record;
	struct rsg_buf nowhere;		/* what is not sent again */
	int64_t begin_line;		/* lines before it were answered already */
	int64_t begin_read;
	int64_t saved;			/* when, monotonic us */
	bool ended;			/* the input */
	enum rsg_err e;			/* of what happens in callbacks */
};

static volatile sig_atomic_t interrupted;

/* Spanish where the terminal is. */
#define SAY(en, es)	(rsg_tell_lang() == RSG_LANG_ES ? es : en)

static void
interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

static enum rsg_err
sync_lines(struct import *im)
{
	enum rsg_err e = rsg_rejects_sync(&im->rejects);

	return e == RSG_OK && im->notes.file != NULL ? rsg_rejects_sync(&im->notes) : e;
}

/* A chunk was answered, and so were all before it. */
static void
retire(void *ctx, struct rsg_chunk *c)
{
	const struct rsg_tally *t;
	struct import *im = ctx;
	int64_t at, of, now;

	if (im->e != RSG_OK)
		return;
	t = im->what != RSG_MAPS_CUSTOMERS ? &c->events_tally : &c->people_tally;
	im->done.read += c->read;
	im->done.accepted += t->accepted;
	im->done.repeated += t->repeated;
	im->done.rejected += (int64_t)c->rejects.n;
	im->done.noted += (int64_t)c->notes.n;
	if (im->what == RSG_MAPS_EVENTS) {
		im->done.people += c->people_tally.accepted;
		im->done.people_repeated += c->people_tally.repeated;
		im->done.people_rejected += c->people_tally.rejected;
	}
	im->done.next_line = c->next_line;
	im->done.offset = c->next_offset;
	im->e = rsg_rejects_put(&im->rejects, c->rejects.line, c->rejects.n);
	im->done.rejects_bytes = im->rejects.bytes;
	if (im->e == RSG_OK && im->notes.file != NULL)
		im->e = rsg_rejects_put(&im->notes, c->notes.line, c->notes.n);
	im->done.notes_bytes = im->notes.bytes;

	rsg_source_place(im->source, &at, &of);
	rsg_progress_tick(&im->progress, im->done.read - im->begin_read, at, of);
	now = rsg_clock_mono();
	if (im->e != RSG_OK || now - im->saved < SAVE_EVERY)
		return;
	im->saved = now;
	/* The rejected lines first: what is written down must be there. */
	if ((im->e = sync_lines(im)) == RSG_OK)
		im->e = rsg_resume_save(&im->done);
}

/* Is this the first line of its person in this run? */
static enum rsg_err
first_of_person(struct import *im, bool *first)
{
	uint8_t digest[RSG_DIGEST_LEN];
	struct rsg_part part;
	const char *p;
	int64_t before;
	enum rsg_err e;

	(void)rsg_translate_person(im->mapping, &im->record, &p, &part.len);
	part.p = p;
	rsg_blake2b(NULL, &part, 1, digest);
	e = rsg_ordinal_count(im->people, digest, &before);
	*first = before == 0;
	return e;
}

static enum rsg_err
add_event(struct import *im, struct rsg_chunk *c, struct rsg_reject *reject,
    bool send)
{
	struct rsg_buf *events = send ? &c->events : &im->nowhere;
	enum rsg_err e;
	bool first;

	e = rsg_translate_event(im->mapping, &im->record, im->origin, im->lines,
	    events, reject);
	if (e != RSG_OK)
		return e;
	if (send)
		c->nevents++;
	if (!im->mapping->create_people)
		return RSG_OK;
	if ((e = first_of_person(im, &first)) != RSG_OK)
		return e;
	if (first && send) {
		rsg_translate_someone(im->mapping, &im->record, &c->people);
		c->npeople++;
	}
	return RSG_OK;
}

static enum rsg_err
add_customer(struct import *im, struct rsg_chunk *c, struct rsg_reject *reject)
{
	enum rsg_err e = rsg_translate_customer(im->mapping, &im->record,
	    &c->people, reject);

	if (e == RSG_OK)
		c->npeople++;
	return e;
}

static enum rsg_err
add_line(struct import *im, struct rsg_chunk *c, struct rsg_reject *reject)
{
	struct rsg_reject note;
	enum rsg_err e = rsg_translate_line(im->mapping, &im->record, im->folder,
	    &c->events, reject, &note);

	if (e != RSG_OK)
		return e;
	c->nevents++;
	return note.line == 0 ? RSG_OK : rsg_loader_line(&c->notes, &note);
}

/* One line of the input into a chunk, or past it. RSG_NOT_FOUND at the end. */
static enum rsg_err
one_line(struct import *im, struct rsg_chunk *c)
{
	struct rsg_reject reject;
	enum rsg_err e;
	bool send;

	e = rsg_reader_next(im->reader, &im->record);
	if (e != RSG_OK && e != RSG_BAD_VALUE)
		return e;
	send = im->record.line >= im->begin_line;
	if (e == RSG_BAD_VALUE)
		rsg_translate_reject(&reject, im->record.line, im->record.why, NULL);
	else if (im->what == RSG_MAPS_EVENTS)
		e = add_event(im, c, &reject, send);
	else if (send)
		e = im->what == RSG_MAPS_CUSTOMERS ? add_customer(im, c, &reject) :
		    add_line(im, c, &reject);
	rsg_buf_reset(&im->nowhere);
	if (!send)
		return e == RSG_BAD_VALUE ? RSG_OK : e;
	c->read++;
	return e == RSG_BAD_VALUE ? rsg_loader_line(&c->rejects, &reject) : e;
}

/* Fill a chunk and send it. */
static enum rsg_err
one_chunk(struct import *im)
{
	struct rsg_chunk *c;
	enum rsg_err e;

	if ((e = rsg_loader_chunk(im->loader, &c)) != RSG_OK)
		return e;
	while (c->read < RSG_CHUNK_LINES && c->events.len < RSG_CHUNK_BYTES &&
	    c->people.len < RSG_CHUNK_BYTES && !interrupted) {
		e = one_line(im, c);
		if (e == RSG_NOT_FOUND) {
			im->ended = true;
			break;
		}
		if (e != RSG_OK)
			return e;
	}
	c->next_line = im->ended ? INT64_MAX : im->record.line + 1;
	c->next_offset = rsg_reader_offset(im->reader);
	if (c->read == 0)
		return RSG_OK;
	return rsg_loader_submit(im->loader);
}

static enum rsg_err
run(struct import *im)
{
	enum rsg_err e = RSG_OK;

	rsg_progress_start(&im->progress, "lines");
	im->saved = rsg_clock_mono();
	while (e == RSG_OK && im->e == RSG_OK && !im->ended && !interrupted)
		e = one_chunk(im);
	/* What is on its way is answered, even after Ctrl-C. */
	if (e == RSG_OK && im->e == RSG_OK)
		e = rsg_loader_finish(im->loader);
	rsg_progress_end(&im->progress);
	return e != RSG_OK ? e : im->e;
}

/* --- Before and after --- */

/* The mapping's own bytes take part in the import's name: another mapping,
 * another import. */
static enum rsg_err
open_resume(struct import *im, bool *found)
{
	const char *words[5];
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, 1 << 20);
	e = rsg_json_dump(im->mapping->root, true, &b);
	rsg_buf_u8(&b, 0);
	if (e == RSG_OK && (e = rsg_buf_err(&b)) == RSG_OK) {
		words[0] = rsg_mapping_name(im->what);
		words[1] = rsg_args_get(im->args, "controller", "");
		words[2] = im->origin;
		words[3] = (const char *)b.p;
		words[4] = rsg_args_get(im->args, "attachments", "");
		e = rsg_resume_open(&im->done, RSG_STATE_OF(im->args), im->file,
		    words, 5, found);
	}
	rsg_buf_free(&b);
	return e;
}

static enum rsg_err
open_loader(struct import *im, int64_t window)
{
	static const enum rsg_op ops[RSG_MAPS__MAX] = {
		[RSG_MAPS_CUSTOMERS] = RSG_OP_IMPORT_EVENTS,	/* of which there are none */
		[RSG_MAPS_EVENTS] = RSG_OP_IMPORT_EVENTS,
		[RSG_MAPS_CONSENTS] = RSG_OP_IMPORT_CONSENTS,
		[RSG_MAPS_BENEFITS] = RSG_OP_IMPORT_BENEFITS,
	};
	struct rsg_loader_options o = {
		.op = ops[im->what], .origin = im->origin,
		.controller = rsg_args_get(im->args, "controller", ""),
		.basis = rsg_args_get(im->args, "basis", ""),
		.notice = rsg_args_get(im->args, "notice", NULL),
		.field = im->mapping->person_field,
		.window = (unsigned)window, .ordered = im->what != RSG_MAPS_EVENTS,
		.retire = retire, .ctx = im,
	};

	return rsg_loader_new(im->admin, &o, &im->loader);
}

/* Where the files are that lines name: both say so, or neither. */
static enum rsg_err
open_folder(struct import *im)
{
	const char *path = rsg_args_get(im->args, "attachments", NULL);
	bool named = im->what == RSG_MAPS_CONSENTS &&
	    rsg_mapping_cell(im->mapping, RSG_F_ATTACHMENT) != NULL;

	if (named == (path != NULL))
		return path == NULL ? RSG_OK : rsg_folder_open(path, &im->folder);
	rsg_tell_error(named ? "the mapping has lines name files (\"attachment\"): say "
	    "where those are, with --attachments DIR" : "--attachments needs a mapping "
	    "that says which column names the file (\"attachment\")");
	return RSG_CONFIG;
}

/* Consents and benefits alone come in with something to be looked at. */
static enum rsg_err
open_lines(struct import *im)
{
	const char *given = rsg_args_get(im->args, "rejects", NULL);
	enum rsg_err e;

	if (given != NULL) {
		if (snprintf(im->done.rejects, RSG_PATH_MAX, "%s", given) >= RSG_PATH_MAX ||
		    snprintf(im->done.notes, RSG_PATH_MAX, "%s.noted", given) >=
		    RSG_PATH_MAX)
			return RSG_CONFIG;
	}
	e = rsg_rejects_open(&im->rejects, im->done.rejects, im->done.rejects_bytes);
	if (e != RSG_OK || im->what == RSG_MAPS_CUSTOMERS || im->what == RSG_MAPS_EVENTS)
		return e;
	return rsg_rejects_open(&im->notes, im->done.notes, im->done.notes_bytes);
}

static enum rsg_err
prepare(struct import *im)
{
	int64_t window;
	enum rsg_err e;
	bool found;

	if (!rsg_args_int(im->args, "window", 1, 16, 4, &window))
		return RSG_CONFIG;
	if ((e = rsg_mapping_load(rsg_args_get(im->args, "map", ""),
	    &im->mapping)) != RSG_OK)
		return e;
	if (im->mapping->what != im->what) {
		rsg_tell_error("this mapping is for 'import %s'",
		    rsg_mapping_name(im->mapping->what));
		return RSG_CONFIG;
	}
	im->origin = rsg_args_get(im->args, "origin", im->mapping->origin);
	if (im->origin == NULL && im->what != RSG_MAPS_CUSTOMERS) {
		rsg_tell_error("lines are known again by their origin: name it in the "
		    "mapping (\"origin\") or with --origin");
		return RSG_CONFIG;
	}
	if (im->origin == NULL)
		im->origin = "";
	if ((e = open_folder(im)) != RSG_OK ||
	    (e = rsg_admin_open(RSG_STATE_OF(im->args), &im->admin)) != RSG_OK ||
	    (e = rsg_source_open(im->file, &im->source)) != RSG_OK ||
	    (e = rsg_mapping_reader(im->mapping, im->source, &im->reader)) != RSG_OK ||
	    (e = rsg_ordinal_new(&im->lines)) != RSG_OK ||
	    (e = rsg_ordinal_new(&im->people)) != RSG_OK ||
	    (e = open_resume(im, &found)) != RSG_OK ||
	    (e = open_loader(im, window)) != RSG_OK)
		return e;
	if (found)
		fprintf(stderr, SAY("going on at line %lld\n",
		    "sigue en la línea %lld\n"), (long long)im->done.next_line);
	im->begin_line = im->done.next_line;
	im->begin_read = im->done.read;
	return open_lines(im);
}

static void
summary(struct import *im)
{
	const struct rsg_resume *d = &im->done;

	printf(SAY("read %lld = accepted %lld + repeated %lld + rejected %lld\n",
		    "leídas %lld = aceptadas %lld + repetidas %lld + rechazadas %lld\n"), (long long)d->read, (long long)d->accepted,
	    (long long)d->repeated, (long long)d->rejected);
	if (im->what == RSG_MAPS_EVENTS && im->mapping->create_people)
		printf(SAY("people: %lld created, %lld already there, %lld refused\n",
		    "personas: %lld nuevas, %lld ya estaban, %lld rechazadas\n"), (long long)d->people, (long long)d->people_repeated,
		    (long long)d->people_rejected);
	if (d->rejected > 0) {
		printf(SAY("rejected lines, with reasons: %s\n",
		    "líneas rechazadas, con su motivo: %s\n"), d->rejects);
		rsg_rejects_tell(&im->rejects);
	}
	if (d->noted > 0) {
		printf(SAY("to look at, in lines that came in: %s\n",
		    "para mirar, en líneas que entraron: %s\n"), d->notes);
		rsg_rejects_tell(&im->notes);
	}
	if (d->read != d->accepted + d->repeated + d->rejected)
		rsg_tell_error(SAY("the server did not account for %lld lines",
		    "el servidor no dio cuenta de %lld líneas"),
		    (long long)(d->read - d->accepted - d->repeated - d->rejected));
}

/* A list with nothing on it is no file, but for the one that was asked for. */
static void
drop_empty(const struct import *im)
{
	if (im->done.rejected == 0 && rsg_args_get(im->args, "rejects", NULL) == NULL)
		(void)unlink(im->done.rejects);
	if (im->done.noted == 0 && im->notes.file != NULL)
		(void)unlink(im->done.notes);
}

static enum rsg_exit
finish(struct import *im, enum rsg_err e)
{
	bool stopped = interrupted || e != RSG_OK;

	if (im->rejects.file == NULL)
		return rsg_admin_exit(e);
	if (sync_lines(im) != RSG_OK)
		stopped = true;
	if (!stopped || im->done.read == 0) {
		rsg_resume_done(&im->done);
		drop_empty(im);
	}
	if (!stopped) {
		summary(im);
		/* Whoever only looks at this must not take a part for the whole. */
		return im->done.read == im->done.accepted + im->done.repeated ?
		    RSG_EXIT_OK : RSG_EXIT_FAILED;
	}
	/* Refused before a line was answered: there is nothing to go on with. */
	if (im->done.read == 0)
		return e == RSG_OK ? RSG_EXIT_FAILED : rsg_admin_exit(e);
	summary(im);
	if (im->done.path[0] == '\0')
		rsg_tell_error("%s", SAY("stopped; run the same command on the same "
		    "input again: what came in is found repeated",
		    "detenida; repita la "
		    "orden con la misma entrada: lo que entró se encuentra repetido"));
	else if (rsg_resume_save(&im->done) == RSG_OK)
		rsg_tell_error(SAY("stopped; run the same command again to go on at line %lld",
		    "detenida; la misma orden sigue en la línea %lld"), (long long)im->done.next_line);
	return e == RSG_OK ? RSG_EXIT_FAILED : rsg_admin_exit(e);
}

static enum rsg_exit
import(const struct rsg_args *a, enum rsg_mapping_what what)
{
	static const char *const needed[] = { "map", "controller", "basis" };
	struct sigaction sa = { .sa_handler = interrupt,
	    .sa_flags = (int)SA_RESETHAND };
	struct import *im;
	enum rsg_exit result;
	enum rsg_err e;

	if (a->nwords != 1) {
		rsg_tell_error("name the file to import, or - for standard input");
		return RSG_EXIT_USAGE;
	}
	if (!rsg_args_need(a, needed, 3))
		return RSG_EXIT_USAGE;
	if ((im = calloc(1, sizeof(*im))) == NULL)
		return RSG_EXIT_FAILED;
	im->args = a;
	im->what = what;
	im->file = a->word[0];
	rsg_buf_init(&im->nowhere, RSG_CHUNK_BYTES);
	/* Once: the second Ctrl-C ends the program at once. */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);

	if ((e = prepare(im)) == RSG_OK)
		e = run(im);
	result = finish(im, e);

	rsg_rejects_close(&im->rejects);
	rsg_rejects_close(&im->notes);
	rsg_folder_close(im->folder);
	rsg_loader_free(im->loader);
	rsg_admin_close(im->admin);
	rsg_ordinal_free(im->lines);
	rsg_ordinal_free(im->people);
	rsg_reader_close(im->reader);
	rsg_source_close(im->source);
	rsg_mapping_free(im->mapping);
	rsg_buf_free(&im->nowhere);
	free(im);
	return result;
}

enum rsg_exit
rsg_import_events(const struct rsg_args *a)
{
	return import(a, RSG_MAPS_EVENTS);
}

enum rsg_exit
rsg_import_customers(const struct rsg_args *a)
{
	return import(a, RSG_MAPS_CUSTOMERS);
}

enum rsg_exit
rsg_import_consents(const struct rsg_args *a)
{
	return import(a, RSG_MAPS_CONSENTS);
}

enum rsg_exit
rsg_import_benefits(const struct rsg_args *a)
{
	return import(a, RSG_MAPS_BENEFITS);
}
