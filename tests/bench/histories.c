/*
 * histories - fill a database with sealed people and what they said and were
 * given, as the server itself would have written it: four consent events and
 * a benefit event for each five. Everything but keys and nonces follows from
 * --seed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dice.h"
#include "../told.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

#define BATCH		500
#define DAYS		730

struct options {
	const char *state, *database;
	uint32_t controller;
	long people, per, purpose, seed;
};

struct desk {
	const struct options *o;
	struct told told;
	uint64_t s;
	int64_t now;
};

static enum rsg_err
history(void *ctx, struct people_one *p, const struct rsg_keyset *keys)
{
	struct desk *d = ctx;
	struct rsg_subject s = { .id = p->id, .controller = p->controller };
	int64_t time = d->now - DAYS * RSG_DAY_US;
	enum rsg_status status = RSG_STATUS_GIVEN;
	enum rsg_err e = RSG_OK;

	s.keys = *keys;
	s.h = p->header;
	for (long i = 0; i < d->o->per && e == RSG_OK; i++) {
		time += (int64_t)(1 + dice_throw(&d->s) % (DAYS / (uint64_t)d->o->per)) * RSG_DAY_US / 2;
		if (i % 5 == 4) {
			e = told_get(&d->told, &s, (unsigned)(dice_throw(&d->s) % 9), time);
			continue;
		}
		e = told_say(&d->told, &s, status, time);
		status = status == RSG_STATUS_GIVEN ? RSG_STATUS_WITHDRAWN : RSG_STATUS_GIVEN;
	}
	p->header = s.h;
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}

static enum rsg_err
fill(struct desk *d, struct rsg_db *db, const struct rsg_keyring *keys)
{
	struct people_one one;
	struct rsg_buf scratch;
	struct rsg_bind *b = NULL;
	enum rsg_err e = RSG_OK;

	rsg_buf_init(&scratch, RSG_SEAL_BIG);
	for (long i = 1; i <= d->o->people && e == RSG_OK; i++) {
		if (b == NULL) {
			b = rsg_db_bind(db, RSG_SQL_SUBJECT_INSERT);
			d->told.consents = rsg_db_bind(db, RSG_SQL_CONSENT_INSERT);
			d->told.benefits = rsg_db_bind(db, RSG_SQL_BENEFIT_INSERT);
		}
		people_begin(&one, d->o->controller);
		one.before = history;
		one.ctx = d;
		e = people_bind(&one, keys, b, &scratch);
		if (e == RSG_OK && (i % BATCH == 0 || i == d->o->people)) {
			(void)rsg_db_send(db, b);
			(void)rsg_db_send(db, d->told.consents);
			if (rsg_bind_count(d->told.benefits, 0) > 0)
				(void)rsg_db_send(db, d->told.benefits);
			b = NULL;
			e = rsg_db_commit(db);
		}
	}
	rsg_buf_free(&scratch);
	return e;
}

static const struct option longs[] = {
	{ "state", required_argument, NULL, 's' },
	{ "database", required_argument, NULL, 'd' },
	{ "controller", required_argument, NULL, 'c' },
	{ "people", required_argument, NULL, 'n' },
	{ "events-per", required_argument, NULL, 'p' },
	{ "purpose", required_argument, NULL, 'u' },
	{ "seed", required_argument, NULL, 'x' },
	{ NULL, 0, NULL, 0 },
};

static bool
read_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's': o->state = optarg; break;
		case 'd': o->database = optarg; break;
		case 'c': o->controller = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'n': o->people = strtol(optarg, NULL, 10); break;
		case 'p': o->per = strtol(optarg, NULL, 10); break;
		case 'u': o->purpose = strtol(optarg, NULL, 10); break;
		case 'x': o->seed = strtol(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return o->state != NULL && o->database != NULL && o->purpose > 0 &&
	    o->people > 0 && o->per > 0 && o->per <= DAYS;
}

int
main(int argc, char **argv)
{
	struct options o = { .controller = 1, .people = 1000, .per = 5, .seed = 1 };
	struct desk d = { .o = &o };
	struct rsg_keyring *keys = NULL;
	struct rsg_db *db = NULL;
	char path[1024];
	enum rsg_err e;

	if (!read_options(argc, argv, &o)) {
		fprintf(stderr, "usage: %s --state DIR --database CONNINFO --purpose NUMBER"
		    " [--controller N] [--people N] [--events-per N] [--seed N]\n", argv[0]);
		return 64;
	}
	d.s = (uint64_t)o.seed * 2654435761u + 88172645463325252u;
	d.told.purpose = (uint16_t)o.purpose;
	d.now = rsg_clock_now();
	(void)snprintf(path, sizeof(path), "%s/keys/root.key", o.state);
	if ((e = rsg_secret_init(0)) == RSG_OK &&
	    (e = rsg_keyring_open(path, &keys)) == RSG_OK &&
	    (e = rsg_db_open(o.database, &db)) == RSG_OK)
		e = fill(&d, db, keys);
	rsg_db_close(db);
	rsg_keyring_free(keys);
	if (e != RSG_OK)
		fprintf(stderr, "histories: %s\n", rsg_err_id(e));
	return e == RSG_OK ? 0 : 1;
}
