/*
 * shop.h - a vault with one controller and its customers, and calls made to
 * its handlers as a marketing tool makes them.
 */
#ifndef TESTS_DB_SHOP_H
#define TESTS_DB_SHOP_H

#include "db/fresh.h"

#include <unistd.h>

#include "people.h"
#include "resguardo/json.h"
#include "segment/release.h"
#include "work/vault.h"

#define PEOPLE		6000	/* two pages */
#define TODAY		20000
#define SOON_OVER	3333	/* whose consent ends within the hour */
#define SEGMENTATION	11

static struct fresh f;
static struct rsg_vault vault;
static struct rsg_controller shop = { .number = 1, .name = "shop",
    .title = "Shop", .jurisdiction = "MX", .currency = "MXN", .zone_name = "UTC" };
static struct rsg_worker worker;
static char key_file[128];
static struct rsg_id ids[PEOPLE];
static struct rsg_buf in;

/*
 * Everybody buys; who is divisible by ten consents to nothing. Three bought
 * once, lately and for a fortune: a group too small to be given.
 */
static inline void
fill(void)
{
	struct rsg_activity *a = rsg_activity_new();
	struct rsg_bind *b = NULL;
	struct people_one p;
	struct rsg_buf scratch;

	rsg_buf_init(&scratch, 65536);
	for (int i = 0; i < PEOPLE; i++) {
		people_begin(&p, 1);
		ids[i] = p.id;
		rsg_activity_clear(a);
		for (int k = 0; k <= i % 7; k++)
			assert_int_equal(rsg_activity_add(a, &(struct rsg_day){
			    .day = TODAY - 1 - (i % 300) - k, .documents = 1,
			    .gross = i == 7 || i == 14 || i == 21 ? 9000000 :
			    1000 + (i * 37) % 5000 }), RSG_OK);
		p.activity = a;
		if (i % 10 != 0)
			assert_int_equal(rsg_header_grant(&p.header, SEGMENTATION,
			    RSG_CHANNEL_NONE, RSG_STATUS_GIVEN, 1, i == SOON_OVER ?
			    rsg_clock_now() + 3600 * RSG_US : 0), RSG_OK);
		if (b == NULL)
			b = rsg_db_bind(f.db, RSG_SQL_SUBJECT_INSERT);
		assert_int_equal(people_bind(&p, vault.keys, b, &scratch), RSG_OK);
		if (i % 1000 == 999) {
			(void)rsg_db_send(f.db, b);
			assert_int_equal(rsg_db_commit(f.db), RSG_OK);
			b = NULL;
		}
	}
	rsg_buf_free(&scratch);
	rsg_activity_free(a);
}

static inline int
setup(void **state)
{
	(void)state;
	if (!fresh_have())
		return 0;
	rsg_json_init();
	assert_int_equal(rsg_secret_init(0), RSG_OK);
	snprintf(key_file, sizeof(key_file), "/tmp/rsg-release-%ld.key", (long)getpid());
	assert_int_equal(rsg_keyring_create(key_file), RSG_OK);
	assert_int_equal(rsg_keyring_open(key_file, &vault.keys), RSG_OK);
	fresh_open(&f);
	snprintf(vault.conninfo, sizeof(vault.conninfo), "%s", f.app);
	pthread_rwlock_init(&vault.lock, NULL);
	assert_int_equal(rsg_vault_boot(&vault, f.db, RSG_SOURCE "/policies"), RSG_OK);
	vault.controller[vault.ncontrollers++] = &shop;
	assert_int_equal(rsg_arena_new(1 << 20, &worker.arena), RSG_OK);
	worker.vault = &vault;
	worker.db = f.db;
	rsg_buf_init(&in, 65536);
	fill();
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	if (f.db == NULL)
		return 0;
	rsg_buf_free(&in);
	rsg_arena_free(worker.arena);
	rsg_keyring_free(vault.keys);
	(void)unlink(key_file);
	fresh_close(&f);
	return 0;
}

/* --- Calls --- */

static inline void
begin(struct rsg_call *c)
{
	rsg_arena_reset(worker.arena);
	worker.now = rsg_clock_now();
	worker.policy = vault.policy;
	worker.audit = NULL;
	memset(c, 0, sizeof(*c));
	rsg_buf_init(&c->out, RSG_MSG_MAX);
	c->actor = (struct rsg_actor){ .controller = 1, .recipient = 7, .epoch = 1,
	    .role = "tool", .name = "tool", .recipient_name = "mailer",
	    .purposes = "segmentation" };
	c->actor.principal.b[0] = c->actor.credential.b[0] = 9;
	rsg_buf_reset(&in);
}

static inline enum rsg_err
run(struct rsg_call *c, rsg_solo_fn *op)
{
	enum rsg_err e;

	assert_true(rsg_buf_ok(&in));
	c->in = (struct rsg_fields){ in.p, in.len };
	e = op(&worker, c);
	if (e != RSG_OK)
		rsg_db_rollback(f.db);
	return e;
}

static inline struct rsg_fields
out_of(const struct rsg_call *c)
{
	return (struct rsg_fields){ c->out.p, c->out.len };
}

static inline struct rsg_id
fit_model(void)
{
	struct rsg_call c;
	struct rsg_id id;

	begin(&c);
	rsg_msg_text(&in, RSG_F_PURPOSE, "segmentation");
	rsg_msg_int(&in, RSG_F_AS_OF, TODAY);
	assert_int_equal(run(&c, rsg_op_model_fit), RSG_OK);
	assert_true(rsg_msg_get_id(out_of(&c), RSG_F_MODEL, &id));
	assert_int_equal(rsg_msg_get_int(out_of(&c), RSG_F_POPULATION, 0), PEOPLE - PEOPLE / 10);
	rsg_buf_free(&c.out);
	return id;
}

static inline void
ask_members(struct rsg_call *c, const struct rsg_id *model, const struct rsg_fields *before)
{
	const uint8_t *p;
	size_t len;

	begin(c);
	rsg_msg_id(&in, RSG_F_MODEL, model);
	rsg_msg_text(&in, RSG_F_PURPOSE, "segmentation");
	if (before != NULL) {
		assert_true(rsg_msg_get(*before, RSG_F_NEXT, &p, &len));
		rsg_msg_bytes(&in, RSG_F_CURSOR, p, len);
	}
}

/* Is the person's pseudonym for recipient `r` among the members? */
static inline bool
given(const struct rsg_call *c, const struct rsg_id *subject, uint32_t r)
{
	struct rsg_pseudonym *ctx;
	struct rsg_fields member;
	struct rsg_id name;
	const uint8_t *p;
	size_t pos = 0, len;
	bool there = false;

	assert_int_equal(rsg_pseudonym_open(vault.keys, r, 1, &ctx), RSG_OK);
	assert_int_equal(rsg_pseudonym_of(ctx, subject, 1, &name), RSG_OK);
	rsg_pseudonym_free(ctx);
	while (rsg_msg_each(out_of(c), &pos, RSG_F_MEMBERS, &member)) {
		assert_true(rsg_msg_get(member, RSG_F_PSEUDONYM, &p, &len));
		there |= memcmp(p, name.b, RSG_ID_LEN) == 0;
	}
	return there;
}

static inline size_t
count_members(const struct rsg_call *c)
{
	struct rsg_fields member;
	size_t pos = 0, n = 0;

	while (rsg_msg_each(out_of(c), &pos, RSG_F_MEMBERS, &member))
		n++;
	return n;
}

#endif
