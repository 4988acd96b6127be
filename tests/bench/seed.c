/*
 * seed - fill a database with sealed customers, and say what was sealed.
 *
 * The same purchases go in plain to standard output as "customer,day,amount"
 * lines (amount in minor units), so that the yardstick scores the same
 * people. Everything but keys and nonces follows from --seed.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dice.h"
#include "../people.h"
#include "policy/policy.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

#define BATCH		1000
#define DAYS		730		/* purchases reach so far back */
#define FAULTS_MAX	65536

struct options {
	const char *state, *database, *purpose;
	uint32_t controller;
	long customers, per, seed, consent;
	int64_t until;
};

/* Most people buy less than the mean, a few several times as much. */
static long
how_many(uint64_t *s, long mean)
{
	long n = 1;

	while (n < mean * 20 && dice_throw(s) % (uint64_t)mean != 0)
		n++;
	return n;
}

static enum rsg_err
person(const struct options *o, long number, uint64_t *s, struct rsg_activity *a)
{
	long n = how_many(s, o->per);
	struct rsg_day d = { .documents = 1 };
	enum rsg_err e = RSG_OK;
	char text[RSG_DAY_TEXT];

	rsg_activity_clear(a);
	for (long i = 0; i < n && e == RSG_OK; i++) {
		d.day = (int32_t)(o->until - (int64_t)(dice_throw(s) % DAYS));
		d.gross = 500 + (int64_t)(dice_throw(s) % 200000 * (dice_throw(s) % 100) / 100);
		e = rsg_activity_add(a, &d);
		rsg_clock_day_text(d.day, text);
		printf("%ld,%s,%" PRId64 "\n", number, text, d.gross);
	}
	return e;
}

/* The purpose's number: as given, or by its id in the active policy. */
static enum rsg_err
purpose_of(struct rsg_db *db, const char *id, uint16_t *number)
{
	const struct rsg_purposedef *def;
	struct rsg_policy *policy = NULL;
	const struct rsg_result *r;
	struct rsg_buf faults;
	const uint8_t *bundle;
	size_t len;
	enum rsg_err e;
	int at;

	*number = (uint16_t)strtoul(id, NULL, 10);
	if (*number != 0)
		return RSG_OK;
	rsg_buf_init(&faults, FAULTS_MAX);
	at = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_POLICY_ACTIVE));
	if ((e = rsg_db_commit(db)) != RSG_OK)
		goto done;
	e = RSG_NOT_FOUND;
	r = rsg_db_result(db, at);
	if (rsg_result_rows(r) != 1)
		goto done;
	bundle = rsg_result_bytes(r, 0, 1, &len);
	if ((e = rsg_policy_load(bundle, len, &policy, &faults)) != RSG_OK)
		goto done;
	if ((def = rsg_policy_purpose(policy, id, strlen(id))) != NULL)
		*number = def->number;
	e = def != NULL ? RSG_OK : RSG_UNKNOWN_PURPOSE;
done:
	rsg_policy_free(policy);
	rsg_buf_free(&faults);
	return e;
}

static enum rsg_err
fill(const struct options *o, struct rsg_db *db, const struct rsg_keyring *keys,
    uint16_t purpose)
{
	struct rsg_activity *a = rsg_activity_new();
	uint64_t s = (uint64_t)o->seed * 2654435761u + 88172645463325252u;
	int64_t since = rsg_clock_now() - RSG_DAY_US;
	struct people_one one;
	struct rsg_buf scratch;
	struct rsg_bind *b = NULL;
	enum rsg_err e = a == NULL ? RSG_NO_MEMORY : RSG_OK;

	rsg_buf_init(&scratch, RSG_SEAL_BIG);
	for (long i = 1; i <= o->customers && e == RSG_OK; i++) {
		if (b == NULL)
			b = rsg_db_bind(db, RSG_SQL_SUBJECT_INSERT);
		people_begin(&one, o->controller);
		one.activity = a;
		if ((e = person(o, i, &s, a)) != RSG_OK)
			break;
		e = rsg_header_grant(&one.header, purpose, RSG_CHANNEL_NONE,
		    dice_throw(&s) % 100 < (uint64_t)o->consent ? RSG_STATUS_GIVEN :
		    RSG_STATUS_WITHDRAWN, since, 0);
		if (e != RSG_OK || (e = people_bind(&one, keys, b, &scratch)) != RSG_OK)
			break;
		if (i % BATCH == 0 || i == o->customers) {
			(void)rsg_db_send(db, b);
			b = NULL;
			e = rsg_db_commit(db);
		}
	}
	rsg_buf_free(&scratch);
	rsg_activity_free(a);
	return e;
}

static const struct option longs[] = {
	{ "state", required_argument, NULL, 's' },
	{ "database", required_argument, NULL, 'd' },
	{ "controller", required_argument, NULL, 'c' },
	{ "customers", required_argument, NULL, 'n' },
	{ "purchases-per", required_argument, NULL, 'p' },
	{ "seed", required_argument, NULL, 'x' },
	{ "purpose", required_argument, NULL, 'u' },
	{ "consent", required_argument, NULL, 'g' },
	{ "until", required_argument, NULL, 't' },
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
		case 'n': o->customers = strtol(optarg, NULL, 10); break;
		case 'p': o->per = strtol(optarg, NULL, 10); break;
		case 'x': o->seed = strtol(optarg, NULL, 10); break;
		case 'u': o->purpose = optarg; break;
		case 'g': o->consent = strtol(optarg, NULL, 10); break;
		case 't':
			if (!rsg_clock_parse_day(optarg, strlen(optarg), &o->until))
				return false;
			break;
		default: return false;
		}
	}
	return o->state != NULL && o->database != NULL && o->purpose != NULL &&
	    o->customers > 0 && o->per > 0;
}

int
main(int argc, char **argv)
{
	struct options o = { .controller = 1, .customers = 1000, .per = 10,
	    .seed = 1, .consent = 100, .until = rsg_clock_day(rsg_clock_now()) };
	static char buffer[1 << 20];
	struct rsg_keyring *keys = NULL;
	struct rsg_db *db = NULL;
	char path[1024];
	uint16_t purpose;
	enum rsg_err e;

	if (!read_options(argc, argv, &o)) {
		fprintf(stderr, "usage: %s --state DIR --database CONNINFO --purpose ID"
		    " [--controller N] [--customers N] [--purchases-per N] [--seed N]"
		    " [--consent PERCENT] [--until YYYY-MM-DD] > purchases.csv\n", argv[0]);
		return 64;
	}
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	(void)snprintf(path, sizeof(path), "%s/keys/root.key", o.state);
	if ((e = rsg_secret_init(0)) == RSG_OK &&
	    (e = rsg_keyring_open(path, &keys)) == RSG_OK &&
	    (e = rsg_db_open(o.database, &db)) == RSG_OK &&
	    (e = purpose_of(db, o.purpose, &purpose)) == RSG_OK)
		e = fill(&o, db, keys, purpose);
	rsg_db_close(db);
	rsg_keyring_free(keys);
	if (fflush(stdout) != 0)
		e = RSG_IO;
	if (e != RSG_OK)
		fprintf(stderr, "seed: %s\n", rsg_err_id(e));
	return e == RSG_OK ? 0 : 1;
}
