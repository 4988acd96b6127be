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

#include "../people.h"
#include "benefit/benefit.h"
#include "consent/ledger.h"
#include "resguardo/clock.h"
#include "resguardo/secret.h"

#define BATCH		500
#define DAYS		730

struct options {
	const char *state, *database;
	uint32_t controller;
	long people, per, purpose, seed;
};

/* Where one person's events go. */
struct desk {
	const struct options *o;
	struct rsg_bind *consents, *benefits;
	struct rsg_call call;
	uint64_t s;
	int64_t now;
};

static uint64_t
draw(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void
part(struct rsg_buf *b, enum rsg_proof what, const void *p, size_t len)
{
	rsg_buf_u8(b, (uint8_t)what);
	rsg_buf_u16(b, (uint16_t)len);
	rsg_buf_put(b, p, len);
}

/* docs/FORMAT.md, "Consent event". */
static void
word(struct rsg_buf *b, const struct desk *d, enum rsg_status status, int64_t time)
{
	static const uint8_t version[4] = { 0, 0, 0, 1 }, one[1] = { 1 }, hash[32] = { 7 };
	static const uint8_t nobody[RSG_ID_LEN];

	rsg_buf_u8(b, 2);
	rsg_buf_u8(b, (uint8_t)status);
	rsg_buf_u16(b, (uint16_t)d->o->purpose);
	rsg_buf_u8(b, RSG_CHANNEL_EMAIL);
	rsg_buf_u64(b, (uint64_t)time);
	rsg_buf_u64(b, (uint64_t)time);
	rsg_buf_u8(b, 0);
	rsg_buf_put(b, nobody, sizeof(nobody));
	part(b, RSG_PROOF_ROLE, "till", 4);
	part(b, RSG_PROOF_PLACE, "store-17", 8);
	part(b, RSG_PROOF_NOTICE, "privacy", 7);
	part(b, RSG_PROOF_LANGUAGE, "es", 2);
	part(b, RSG_PROOF_METHOD, "checkbox", 8);
	part(b, RSG_PROOF_NOTICE_VERSION, version, sizeof(version));
	part(b, RSG_PROOF_SHOWN, one, sizeof(one));
	part(b, RSG_PROOF_NOTICE_HASH, hash, sizeof(hash));
	part(b, RSG_PROOF_SOURCE, one, sizeof(one));
}

static enum rsg_err
say(struct desk *d, struct rsg_subject *s, enum rsg_status status, int64_t time)
{
	uint32_t n = s->h.consent.count + 1;
	struct rsg_place_of at = { .kind = RSG_SEAL_CONSENT, .controller = s->controller,
	    .pk = s->id, .pk2 = rsg_seal_number(n), .version = 1, .generation = 1 };
	struct rsg_buf text, sealed;
	enum rsg_err e;

	rsg_buf_init(&text, 4096);
	rsg_buf_init(&sealed, 8192);
	word(&text, d, status, time);
	if ((e = rsg_seal(s->keys.key[RSG_KEY_EVIDENCE], &at, text.p, text.len,
	    &sealed)) == RSG_OK) {
		s->h.consent.count = n;
		rsg_ledger_hash(s->h.consent.head, n, sealed.p, sealed.len,
		    s->h.consent.head);
		rsg_bind_id(d->consents, 0, &s->id);
		rsg_bind_int(d->consents, 1, n);
		rsg_bind_bytes(d->consents, 2, sealed.p, sealed.len);
		rsg_bind_bytes(d->consents, 3, s->h.consent.head, RSG_DIGEST_LEN);
	}
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}

static enum rsg_err
get(struct desk *d, struct rsg_subject *s, int64_t time)
{
	struct rsg_benefit_event ev = { .act = RSG_BENEFIT_DELIVERED, .time = time,
	    .benefit = rsg_id_new(), .consent = 1, .purpose = (uint16_t)d->o->purpose,
	    .kind = RSG_INCENTIVE_POINTS, .version = 1, .points = 100, .value = 150,
	    .cost = 150 };

	(void)snprintf(ev.incentive, sizeof(ev.incentive), "welcome-%u",
	    (unsigned)(draw(&d->s) % 9));
	return rsg_benefit_append(d->benefits, &d->call, s, time, &ev);
}

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
		time += (int64_t)(1 + draw(&d->s) % (DAYS / (uint64_t)d->o->per)) * RSG_DAY_US / 2;
		if (i % 5 == 4) {
			e = get(d, &s, time);
			continue;
		}
		e = say(d, &s, status, time);
		if (e == RSG_OK)
			e = rsg_header_grant(&s.h, (uint16_t)d->o->purpose,
			    RSG_CHANNEL_EMAIL, status, time, 0);
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
			d->consents = rsg_db_bind(db, RSG_SQL_CONSENT_INSERT);
			d->benefits = rsg_db_bind(db, RSG_SQL_BENEFIT_INSERT);
		}
		people_begin(&one, d->o->controller);
		one.before = history;
		one.ctx = d;
		e = people_bind(&one, keys, b, &scratch);
		if (e == RSG_OK && (i % BATCH == 0 || i == d->o->people)) {
			(void)rsg_db_send(db, b);
			(void)rsg_db_send(db, d->consents);
			if (rsg_bind_count(d->benefits, 0) > 0)
				(void)rsg_db_send(db, d->benefits);
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
